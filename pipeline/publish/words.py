"""Words that a page says in its reader's language: messages with their translations, dates, lists, and publishers' own words.

In: English messages with named placeholders, and the catalogues `locale/<language>/LC_MESSAGES/fraudloss.po`, whose message ids
they are. Out: `Words`, which are English text (`str`) and know how they are said in each other language. So content is composed
once, and whoever renders it says in which language, with `speaking("ja")`: a template that is given `Words` shows them in that
language, a workbook that takes them for text shows English.

Words that are cut, joined or formatted by `str`'s own methods are English from then on: a sentence of parts is a message whose
placeholders are the parts, a list of them is `listed`. `tools/messages.py` collects the messages; tests hold that each of them is
translated and that a Japanese page shows no English.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from pipeline.reading.correction_notes import told_in

ENGLISH, JAPANESE = "en", "ja"
# Every language of the pages, with its own name; the first is that of the messages.
LANGUAGES: dict[str, str] = {ENGLISH: "English", JAPANESE: "日本語"}
DOMAIN = "fraudloss"
_FOLDER = Path(__file__).parent / "locale"
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)
_JAPANESE_LETTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LATIN_LETTER = re.compile(r"[A-Za-z]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2}")


def catalogue_path(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return _FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def language() -> str:
    """The language that is spoken now: a key of LANGUAGES."""
    return _language.get()


def other_language() -> str:
    """The language of publishers' labels that stand beside their translation."""
    return JAPANESE if _language.get() == ENGLISH else ENGLISH


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within it, Words are said in this language (a key of LANGUAGES)."""
    if code not in LANGUAGES:
        raise ValueError(f"{code!r} is not one of {', '.join(LANGUAGES)}")
    before = _language.set(code)
    try:
        yield
    finally:
        _language.reset(before)


@functools.cache
def _catalogue(code: str) -> Mapping[str, str | tuple[str, ...]]:
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


# ------------------------------------------------------------------------------------------------------------------- words


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
        key = (_language.get(), markup)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._says(markup)
        return kept

    def __str__(self) -> str:
        return str.__str__(self) if _language.get() == ENGLISH else self._said(False)

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def __html__(self) -> str:
        return _escaped_markup(str.__str__(self)) if _language.get() == ENGLISH else self._said(True)

    def __bool__(self) -> bool:
        return len(self) > 0 if _language.get() == ENGLISH else bool(self._said(False))

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
    if _language.get() == ENGLISH or is_japanese(text) or not _LATIN_WORD.search(text):
        return escaped
    return Markup(f'<span lang="en">{escaped}</span>')


def _value(value: object, markup: bool) -> str:
    if markup:
        return str(value.__html__()) if hasattr(value, "__html__") else str(escape(value))
    return str(value)


@functools.lru_cache(maxsize=4096)
def _template(code: str, message: str, markup: bool) -> str:
    found = message if code == ENGLISH else _catalogue(code).get(message, message)
    template = found if isinstance(found, str) else found[0]
    return str(escape(template)) if markup else template


def _(message: str, /, **values: object) -> Words:
    """The message, with its placeholders filled in: `_("{series} by year", series=title)`."""
    english = message.format(**values) if values else message
    kind = _Rich if any(type(value) is Markup for value in values.values()) else Words
    return kind(english, functools.partial(_said, message, values))


def said(message: str, /, **values: object) -> str:
    """`_` for a template: a message without placeholders is said at once."""
    return _(message, **values) if values else Markup(_template(_language.get(), message, True))


def _said(message: str, values: Mapping[str, object], markup: bool) -> str:
    template = _template(_language.get(), message, markup)
    text = template.format(**{name: _value(value, markup) for name, value in values.items()}) if values else template
    return Markup(text) if markup else text


def ngettext(one: str, many: str, count: int, /, **values: object) -> Words:
    """The message that fits the number: `one` for 1, `many` for others. `{count}` is filled in with separators."""
    values = {"count": f"{count:,}", **values}
    return Words((one if count == 1 else many).format(**values), functools.partial(_said, one, values))


def N_(message: str) -> str:
    """The message itself, marked so that it is collected: it is translated where it is used, by `_`."""
    return message


def declared(text: str) -> Words:
    """What is declared or noted outside the code of the pages: translated where a catalogue has it, else a publisher's own words.

    A text of clauses ("…; …") is looked up as a whole, then by the patterns of NOTES, then clause by clause.
    """
    return text if isinstance(text, Words) else Words(text, functools.partial(_declared, text))


def _declared(text: str, markup: bool) -> str:
    found = _lookup(_language.get(), text, markup)
    return found if found is not None else _marked(text) if markup else text


@functools.lru_cache(maxsize=8192)
def _lookup(code: str, text: str, markup: bool) -> str | None:
    """The text in the language; None where nothing of it is known."""
    if text in _catalogue(code):
        found = _template(code, text, markup)
        return Markup(found) if markup else found
    clauses = _clauses(text)
    is_behind_another = len(clauses) > 1 and bool(told_in(text))
    for pattern, message in _note_patterns():
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


def is_japanese(text: str) -> bool:
    """Whether it is Japanese: more of its letters are Japanese than Latin."""
    return len(_JAPANESE_LETTER.findall(text)) > len(_LATIN_LETTER.findall(text))


# ------------------------------------------------------------------------------------------------- dates, lists and the like

_SEPARATORS = {JAPANESE: {", ": "、", "; ": "、", " and ": "及び", " to ": "～", ". ": "。", " … ": "…", " ": ""}}
# Between the clauses of a note, which are sentences of their own.
_BETWEEN_CLAUSES = {JAPANESE: "。"}


def separator(english: str) -> str:
    """What stands between parts in the language that is spoken: for ", ", "; ", " and ", " to ", ". " or a blank."""
    return _SEPARATORS.get(_language.get(), {}).get(english, english)


def listed(parts: Iterable[str], between: str = ", ") -> Words:
    """Parts one after the other, with the `separator` of the language between them."""
    kept = list(parts)

    def says(markup: bool) -> str:
        said = separator(between).join(_value(part, markup) for part in kept)
        return Markup(said) if markup else said

    return Words(between.join(kept), says)


def punctuation() -> tuple[str, str, str]:
    """A comma, a colon, and what stands between a figure and its unit, in the language that is spoken."""
    return ("、", "：", "") if _language.get() == JAPANESE else (", ", ": ", " ")


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
        known = _lookup(_language.get(), text, False) not in (None, text)
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


def file_name(name: str, code: str) -> str:
    """The file of a page or chart in a language: `index.html`, `index.ja.html`; an anchor stays, and so does any other file."""
    file, hash_sign, anchor = name.partition("#")
    stem, dot, ending = file.rpartition(".")
    if code != ENGLISH and ending in ("html", "svg"):
        file = f"{stem}.{code}{dot}{ending}"
    return f"{file}{hash_sign}{anchor}"


def page_name(name: str) -> Words:
    """A page's file, in the language that is spoken: links stay within it."""
    return each(name, lambda: file_name(name, _language.get()))


# ------------------------------------------------------------------------------------------------- notes from other stages

# What readers, cubes, derivation and reconciliation note on single figures, and the transcriptions of releases: they know no
# language but English. The first message that fits is the one that is said.
NOTES: tuple[str, ...] = (
    N_("the file ends on {day}"),
    N_("at the prices of {month}"),
    N_("not in the file: {months}"),
    N_("fewer than {count} losses"),
    N_("too few losses for an interval of 95 %"),
    N_("the type is not in use then"),
    N_("the category is not in use then"),
    N_("the publisher keeps no loss here"),
    N_("{period} is classified otherwise ({schemes})"),
    N_("compares {later} with {earlier}"),
    N_("divides {above} by {below}"),
    N_("the loss was revised on {day}, after this was printed"),
    N_("the number of cases was revised on {day}, after this was printed"),
    N_("the number of completed cases was revised on {day}, after this was printed"),
    N_("one of its figures was revised on {day}, another printed last on {other_day}"),
    N_("no population of {country} for {year} is held here: the newest is that of {newest}"),
    N_("no exchange rate of {currency} for {months} is held here: the newest is that of {newest}"),
    N_("without losses of {band} ({count} of them, {loss} together)"),
    N_("not printed exactly ({reason}); derived here: published total less the other type"),
    N_("not printed exactly ({reason}); derived here: published total less the other {count} types"),
    N_(
        "a revision: {earlier_source} printed it as {earlier_edition} on {earlier_day}, {later_source} as {later_edition} "
        "on {later_day}"
    ),
    N_("several figures of ours answer to it, one for each classification: {schemes}"),
    N_("{table} is not a table of ours"),
    N_("we hold no figure for {keys}"),
    N_("printed in the file that ours is read from"),
    N_("printed for: {scope}"),
    N_("Australia"),
    N_("Canada"),
    N_("Japan"),
    N_("United States"),
    N_("Japanese yen"),
    N_("unknown"),
    N_("somebody lifts it"),
    N_("{source} ({edition}, {day})"),
    N_("printed as `-`: the category was not separated, or not surveyed, at that time"),
    N_("corrected from '{text}' to '{value}': {reason}, at {place}"),
    N_("without a record, printed '{text}': {reason}, at {place}"),
    N_("corrected in {count} more of its records, as corrections.csv declares"),
    N_("corrected from {printed}: {reason} ({place})"),
    N_("{reason} (printed: {printed})"),
    N_("the publisher rounds to one side, so the precision is the whole last printed unit"),
    N_("loss of completed cases only (被害総額（既遂のみ）)"),
    N_("the table prints no 実質的な被害総額 for this type"),
    N_("excludes reports of state-specific data contributors"),
    N_("on the population estimates of the year before (U.S. Census Bureau)"),
    N_("moved from {before} to {after} and from {other_before} to {other_after}"),
    N_("moved from {before} to {after}"),
    N_("moved within one publication: {places}"),
    N_("delivered as {file}"),
    N_("implied by the published difference: {difference}"),
    N_("revision of {printed}"),
    N_("revision {number}"),
    N_("also printed as {amount}bn_yen ({address})"),
    N_("also printed as {printed}"),
    N_("exact yen ({printed})"),
    N_("overseas ({which})"),
    N_("overseas"),
    N_("domestic"),
    N_("TH, KH, MY, PH"),
    N_("1,254 / 18.52 oku"),
    N_('"about"'),
    N_('"at least six"'),
    N_('"some 56.5 bn yen"'),
    N_('"約86億円", "+386.6% cases, +465.7% loss"'),
    N_("{count} countries"),
    N_("domestic bases"),
)
# What stands for a placeholder: by default anything without a semicolon, which would be another clause.
_SHAPES = {"day": r"\d{4}(?:-\d\d){0,2}", "count": r"[\d,]+", "reason": ".+?", "text": ".+?", "value": ".+?"}


@functools.cache
def _note_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(message), message) for message in NOTES if "{" in message)


def _pattern(message: str) -> re.Pattern[str]:
    """A message with a semicolon is more than one clause itself."""
    anything = ".+?" if ";" in message else "[^;]+?"
    parts = re.split(r"\{(\w+)\}", message)
    return re.compile(
        "".join(
            f"(?P<{part}>{_SHAPES.get(part, anything)})" if place % 2 else re.escape(part) for place, part in enumerate(parts)
        )
    )


def is_made_of_parts(note: str) -> bool:
    """Whether a clause of a note is one of NOTES with its placeholders filled in."""
    return any(pattern.fullmatch(note) for pattern, __ in _note_patterns())
