"""The layouts of a file of records that `source.yml` declares, and whether a header is one of them.

In: a layout as it is declared, and the headers of a file. Out: our names of its columns, and which are missing or too many. A
header may come with accents, without them, or with the accented letters lost.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """One layout of a file: the classification it is in, and its columns as our name -> the publisher's header."""

    classification: str
    headers: Mapping[str, str]
    ignored: tuple[str, ...]  # headers that must be there and are not read

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Layout:
        return cls(meta["classification"], dict(meta["columns"]), tuple(meta.get("ignored", ())))

    def match(self, header: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """Our names in the order of the header (`` for ignored columns), headers that are missing, those that are too many."""
        wanted = {spelling: name for name, text in self.headers.items() for spelling in header_spellings(text)}
        wanted |= {spelling: "" for text in self.ignored for spelling in header_spellings(text)}
        found = [wanted.get(fold_header(text)) for text in header]
        present = {fold_header(text) for text in header}
        missing = [text for text in (*self.headers.values(), *self.ignored) if not header_spellings(text) & present]
        return [name or "" for name in found], missing, [text for text, name in zip(header, found, strict=True) if name is None]


def fold_header(text: str) -> str:
    """A header without differences of case, of spaces, and of the kind of apostrophe."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").casefold()
    return " / ".join(" ".join(part.split()) for part in text.split("/"))


def header_spellings(text: str) -> set[str]:
    """The three spellings of an accented header that are seen: with accents, without, and with the accented letters lost."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    lost = "".join(sign for sign in unicodedata.normalize("NFC", text) if sign.isascii())
    return {fold_header(text), fold_header(plain), fold_header(lost)}
