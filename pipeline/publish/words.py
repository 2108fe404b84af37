"""Words that a page says in its reader's language: messages with their translations, dates, lists, and publishers' own words.

In: English messages with named placeholders, and the catalogues whose message ids they are (pipeline.publish.languages). Out:
`Words`, which are English text (`str`) and know how they are said in each other language. So content is composed once, and
whoever renders it says in which language, with `speaking("ja")`: a template that is given `Words` shows them in that language, a
workbook that takes them for text shows English.

Words that are cut, joined or formatted by `str`'s own methods are English from then on: a sentence of parts is a message whose
placeholders are the parts, a list of them is `listed`. `tools/messages.py` collects the messages; tests hold that each of them is
translated and that a Japanese page shows no English.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from markupsafe import Markup, escape

from pipeline.publish.languages import ENGLISH, JAPANESE, catalogue, file_name, is_japanese, spoken
from pipeline.publish.note_messages import note_patterns
from pipeline.reading.correction_notes import told_in

_LATIN_WORD = re.compile(r"[A-Za-z]{2}")


class Words(str):
    """English text that is said otherwise in another language: `str()` of it, and a template, say it as `speaking` asks.

    Whatever else is done with it as a text is done with the English.
    """

    __slots__ = ("_kept", "_says")
    _says: Callable[[bool], str]
    _kept: dict[tuple[str, bool], str]  # what was said before: most words of a page are said many times

    def __new__(cls, english: str, says: Callable[[bool], str]) -> Words:
        """`says(True)` is markup, `says(False)` is text, in the language that is spoken, which is not English."""
        made = super().__new__(cls, english)
        made._says = says
        made._kept = {}
        return made

    def _said(self, markup: bool) -> str:
        key = (spoken.get(), markup)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._says(markup)
        return kept

    def __str__(self) -> str:
        return str.__str__(self) if spoken.get() == ENGLISH else self._said(False)

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __html__(self) -> str:
        return _escaped_markup(str.__str__(self)) if spoken.get() == ENGLISH else self._said(True)

    def __bool__(self) -> bool:
        return len(self) > 0 if spoken.get() == ENGLISH else bool(self._said(False))

    def lower(self) -> Words:
        return Words(super().lower(), self._says)

    def capitalize(self) -> Words:
        return Words(super().capitalize(), self._says)


class _Rich(Words):
    """Words with markup among them, such as a link."""

    __slots__ = ()

    def __html__(self) -> str:
        return self._said(True)


class Own(str):
    """A publisher's own words, a name or an address: the same in every language, and marked as what they are."""

    __slots__ = ()

    def __html__(self) -> str:
        return _marked(self)


def _marked(text: str) -> str:
    """Text as markup, with its language where it is words of another one than the page's."""
    escaped = escape(str.__str__(text))
    if spoken.get() == ENGLISH or is_japanese(text) or not _LATIN_WORD.search(text):
        return escaped
    return Markup(f'<span lang="en">{escaped}</span>')


def _value(value: object, markup: bool) -> str:
    if markup:
        return str(value.__html__()) if hasattr(value, "__html__") else str(escape(value))
    return str(value)


@functools.lru_cache(maxsize=4096)
def _template(code: str, message: str, markup: bool) -> str:
    found = message if code == ENGLISH else catalogue(code).get(message, message)
    template = found if isinstance(found, str) else found[0]
    return str(escape(template)) if markup else template


def _(message: str, /, **values: object) -> Words:
    """The message, with its placeholders filled in: `_("{series} by year", series=title)`."""
    english = message.format(**values) if values else message
    kind = _Rich if any(type(value) is Markup for value in values.values()) else Words
    return kind(english, functools.partial(_said, message, values))


def said(message: str, /, **values: object) -> str:
    """`_` for a template: a message without placeholders is said at once."""
    return _(message, **values) if values else Markup(_template(spoken.get(), message, True))


def _said(message: str, values: Mapping[str, object], markup: bool) -> str:
    template = _template(spoken.get(), message, markup)
    text = template.format(**{name: _value(value, markup) for name, value in values.items()}) if values else template
    return Markup(text) if markup else text


def ngettext(one: str, many: str, count: int, /, **values: object) -> Words:
    """The message that fits the number: `one` for 1, `many` for others. `{count}` is filled in with separators."""
    values = {"count": f"{count:,}", **values}
    return Words((one if count == 1 else many).format(**values), functools.partial(_said, one, values))


def declared(text: str) -> Words:
    """What is declared or noted outside the code of the pages: translated where a catalogue has it, else a publisher's own words.

    A text of clauses ("…; …") is looked up as a whole, then by the patterns of NOTES, then clause by clause.
    """
    return text if isinstance(text, Words) else Words(text, functools.partial(_declared, text))


def _declared(text: str, markup: bool) -> str:
    found = _lookup(spoken.get(), text, markup)
    return found if found is not None else _marked(text) if markup else text


@functools.lru_cache(maxsize=8192)
def _lookup(code: str, text: str, markup: bool) -> str | None:
    """The text in the language; None where nothing of it is known."""
    if text in catalogue(code):
        found = _template(code, text, markup)
        return Markup(found) if markup else found
    clauses = _clauses(text)
    is_behind_another = len(clauses) > 1 and bool(told_in(text))
    for pattern, message in note_patterns():
        if not is_behind_another and (match := pattern.fullmatch(text)):
            values = {name: _spoken(value) for name, value in match.groupdict().items()}
            return _said(message, values, markup)
    if len(clauses) > 1:
        said = [_lookup(code, clause, markup) for clause in clauses]
        if any(clause is not None for clause in said):
            return _BETWEEN_CLAUSES.get(code, "; ").join(
                clause if clause is not None else _value(Own(original), markup)
                for clause, original in zip(said, clauses, strict=True)
            )
    return None


def _spoken(value: str) -> Words:
    """What stands for a placeholder: days and months as people write them, anything else as it is declared."""
    if _DAY.fullmatch(value):
        return day(value)
    return listed(map(_month, value.split(", "))) if _OF_MONTHS.fullmatch(value) else declared(value)


_DAY, _OF_MONTHS = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d(?:, \d{4}-\d\d)*")


def _month(code: str) -> Words:
    year, month = int(code[:4]), int(code[5:])
    return both(f"{month_name(month)} {year}", f"{year}年{month}月") if 1 <= month <= 12 else declared(code)


def _clauses(text: str) -> list[str]:
    """The clauses of a text; each correction of a record is one, whatever its reason has in it."""
    told = told_in(text)
    own = text[: -len("; ".join(told))].removesuffix("; ") if told else text
    return [*(own.split("; ") if own else []), *told]


def markup(text: str) -> str:
    """Text for a page: escaped, in the language that is spoken."""
    return _escaped(text) if type(text) is str else str(escape(text))


@functools.lru_cache(maxsize=16384)
def _escaped(text: str) -> str:
    return str(escape(text))


@functools.lru_cache(maxsize=16384)
def _escaped_markup(text: str) -> Markup:
    return escape(text)


_SEPARATORS = {JAPANESE: {", ": "、", "; ": "、", " and ": "及び", " to ": "～", ". ": "。", " … ": "…", " ": ""}}
# Between the clauses of a note, which are sentences of their own.
_BETWEEN_CLAUSES = {JAPANESE: "。"}


def separator(english: str) -> str:
    """What stands between parts in the language that is spoken: for ", ", "; ", " and ", " to ", ". " or a blank."""
    return _SEPARATORS.get(spoken.get(), {}).get(english, english)


def listed(parts: Iterable[str], between: str = ", ") -> Words:
    """Parts one after the other, with the `separator` of the language between them."""
    kept = list(parts)

    def says(markup: bool) -> str:
        said = separator(between).join(_value(part, markup) for part in kept)
        return Markup(said) if markup else said

    return Words(between.join(kept), says)


def punctuation() -> tuple[str, str, str]:
    """A comma, a colon, and what stands between a figure and its unit, in the language that is spoken."""
    return ("、", "：", "") if spoken.get() == JAPANESE else (", ", ": ", " ")


def each(english: str, function: Callable[..., str], *arguments: Any) -> Words:
    """Words that `function(*arguments)` makes in each language that is spoken; `english` is what it makes in English."""

    def says(markup: bool) -> str:
        said = function(*arguments)
        return _value(said, True) if markup else str(said)

    return Words(english, says)


def both(english: str, japanese: str) -> Words:
    """Words that are given in both languages."""
    return Words(str.__str__(english), lambda markup: escape(japanese) if markup else japanese)


def original(text: str) -> Words:
    """A publisher's own words for a page of another language to show beside their translation; empty where there is none."""

    def says(markup: bool) -> str:
        known = _lookup(spoken.get(), text, False) not in (None, text)
        return (escape(text) if markup else text) if known else ""

    return Words("", says)


def only_english(text: str) -> Words:
    """Words that an English page has, and no other: the Japanese beside an English label."""
    return Words(text, lambda markup: Markup("") if markup else "")


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def month_name(month: int) -> str:
    """The month of 1 to 12 in English."""
    return _MONTHS[month - 1]


def day(date: dt.date | str) -> Words:
    """A day as people write it: `30 September 2024`, `2024年9月30日`. What is no ISO date is left as it is."""
    try:
        found = dt.date.fromisoformat(date) if isinstance(date, str) else date
    except ValueError:
        return declared(str(date))
    english = f"{found.day} {month_name(found.month)} {found.year}"
    return Words(english, lambda markup: f"{found.year}年{found.month}月{found.day}日")


def page_name(name: str) -> Words:
    """A page's file, in the language that is spoken: links stay within it."""
    return each(name, lambda: file_name(name, spoken.get()))
