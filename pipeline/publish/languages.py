"""The languages of the pages: which there are, which one is spoken, and the catalogue of each.

In: the catalogues `locale/<language>/LC_MESSAGES/fraudloss.po`, whose message ids are the English messages. Out: the language
that is spoken, as whoever renders a page says with `speaking("ja")`; message -> translation; the name of a page's file in a
language.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path

ENGLISH, JAPANESE = "en", "ja"
# Every language of the pages, with its own name; the first is that of the messages.
LANGUAGES: dict[str, str] = {ENGLISH: "English", JAPANESE: "日本語"}
DOMAIN = "fraudloss"
_FOLDER = Path(__file__).parent / "locale"
# Words ask it for each text that they say: thousands a page.
spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)
_JAPANESE_LETTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LATIN_LETTER = re.compile(r"[A-Za-z]")


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return _FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def language() -> str:
    """The language that is spoken now: a key of LANGUAGES."""
    return spoken.get()


def other_language() -> str:
    """The language of publishers' labels that stand beside their translation."""
    return JAPANESE if spoken.get() == ENGLISH else ENGLISH


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within it, Words are said in this language (a key of LANGUAGES)."""
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is not one of {', '.join(LANGUAGES)}")
    before = spoken.set(code)
    try:
        yield
    finally:
        spoken.reset(before)


@functools.cache
def catalogue(code: str) -> Mapping[str, str | tuple[str, ...]]:
    """Message id -> translation (a tuple of plural forms for a message that counts). Read when the first word needs it."""
    from babel.messages.pofile import read_po

    with catalogue_path(code).open("rb") as stream:
        messages = read_po(stream, locale=code)
    made: dict[str, str | tuple[str, ...]] = {}
    for message in messages:
        if message.id and message.string and not message.fuzzy:
            said = message.string if isinstance(message.string, str) else tuple(message.string)
            made[message.id if isinstance(message.id, str) else message.id[0]] = said
    return made


def N_(message: str) -> str:
    """The message itself, marked so that it is collected: it is translated where it is used, by `_`."""
    return message


def is_japanese(text: str) -> bool:
    """Whether it is Japanese: more of its letters are Japanese than Latin."""
    return len(_JAPANESE_LETTER.findall(text)) > len(_LATIN_LETTER.findall(text))


def file_name(name: str, code: str) -> str:
    """The file of a page or chart in a language: `index.html`, `index.ja.html`; an anchor stays, and so does any other file."""
    file, hash_sign, anchor = name.partition("#")
    stem, dot, ending = file.rpartition(".")
    if code != ENGLISH and ending in ("html", "svg"):
        file = f"{stem}.{code}{dot}{ending}"
    return f"{file}{hash_sign}{anchor}"
