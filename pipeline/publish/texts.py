"""Texts made fit to be shown and to be names: clean of control characters, on one line, as a slug.

In: what publishers wrote, and values as source.yml declares them. Out: text that HTML, XML and a file's name can hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.publish.words import Words, declared, listed

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def clean(text: object) -> str:
    """The text with control characters, which neither HTML nor XML can hold, made visible as U+FFFD; words stay words."""
    words = text if isinstance(text, str) else str(text)
    if words.isprintable() or (len(words) > _LONG and not _has_control(words)):
        return words
    return _CONTROL.sub("\ufffd", words)


# A page is looked through as bytes, which takes less than half the time.
_LONG = 1000
_CONTROL_BYTES = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_LATIN_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")


def _has_control(text: str) -> bool:
    try:
        written = text.encode()
    except UnicodeEncodeError:
        return True
    has_none = len(written.translate(None, _CONTROL_BYTES)) == len(written) and not _LATIN_CONTROL.search(written)
    return not has_none or "\ufffe".encode() in written or "\uffff".encode() in written


def plain_text(value: Any) -> str:
    """A declared value as one line of text, whether it is a text, a list or a mapping; trailing full stops are left off."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {plain_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(plain_text(item) for item in value)
    return " ".join(str("" if value is None else value).split()).rstrip(".")


def declared_text(value: Any) -> Words:
    """A declared value as `plain_text`, in words of each language."""
    if isinstance(value, list | tuple):
        return listed([declared_text(item) for item in value], "; ")
    return declared(clean(plain_text(value)))


def slug(text: str) -> str:
    """A name for files, anchors and sheets: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"
