"""The workbook of a release: cover, contents, notes, and one sheet a table.

In: `Content` and the declared sources. Out: the bytes of an .xlsx that depend on the content alone. It keeps the rules of the
Analysis Function's guidance "Releasing statistics in spreadsheets" and of the Statistics Bureau's 統計表における機械判読可能な
データの表記方法の統一ルール; tests/workbook_rules.py lists them and holds every one. Each sheet has its title in A1, says that it
contains one table, and contains it: marked up, named, with one row of distinct heads, a unit for every column of numbers, no
empty cell, and a mark in place of a value that is absent. Precision and marks stand in columns of their own. There are no
filters and no frozen panes: the guidance advises against both, because they get in the way of magnifiers.
"""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from pipeline.model import Snapshot
from pipeline.publish.content import Content
from pipeline.publish.marks import MARKS
from pipeline.publish.methods import METHODS
from pipeline.publish.source_facts import source_view
from pipeline.publish.tables import Cell, Column, Table
from pipeline.publish.texts import clean, slug
from pipeline.sources.catalogue import Source

# A workbook has to carry a date of creation; the bytes must not depend on the day on which they are made.
CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
LANGUAGE = "English"
ONE_TABLE = "This worksheet contains one table."
EXPLAINED = f"{ONE_TABLE} Marks and notes, which stand in square brackets, are explained on the worksheet Notes."
NONE = "none"
_NOT_APPLICABLE = "[z]"
_FONT = {"font_name": "Arial", "font_size": 12}
_A4 = 9
_SHEET_NAME_LENGTH = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
# In characters. A longer text is wrapped; a number as long as the largest sums in yen fits.
_NARROWEST, _NUMBER, _WIDEST = 12, 19, 60
# Where the unit differs from row to row, one of these columns says it.
_UNIT_COLUMNS = ("Unit", "Currency", "Measure, unit", "Measure", "What is counted")


def workbook_bytes(
    content: Content,
    *,
    sources: Sequence[Source],
    snapshots: Sequence[Snapshot],
    source_of: Mapping[str, str],
    release_id: str,
    as_of: dt.date | None,
    code_version: str,
) -> bytes:
    """The .xlsx file. `source_of`: the source of each observation, by its id."""
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": dict(_FONT),
    }
    book = _Book(xlsxwriter.Workbook(stream, options), content, release_id)
    tables = content.tables
    names = _sheet_names(tables)
    notes = _Notes(tables, sources, snapshots)
    book.write("Cover", content.title, [ONE_TABLE], _cover(content, release_id, as_of, code_version, notes))
    book.write("Contents", "Contents", [ONE_TABLE], _contents(names, tables), linked=True)
    book.write("Notes", "Notes: marks, tables, methods, sources and licences", [ONE_TABLE], notes.lines)
    for name, table in zip(names, tables, strict=True):
        lines = [EXPLAINED, table.warning, notes.of_table(table), notes.of_sources(_sources_of(table, source_of))]
        book.write(name, table.title, lines, _lines(table))
    return book.closed(stream)


# ---------------------------------------------------------------------------------------------------------------- writing


class _Book:
    """An .xlsx file in the making: sheets of one shape."""

    def __init__(self, book: Any, content: Content, release_id: str) -> None:
        self._book = book
        book.set_properties(
            {
                "title": clean(content.title),
                "subject": "Official statistics of fraud: cases and losses",
                "author": "fraudloss",
                "created": CREATED,
                "comments": clean(f"release {release_id}"),
            }
        )
        # Excel knows a document's language by this name.
        book.set_custom_property("Language", LANGUAGE, "text")
        top, wrap = {"valign": "top"}, {"text_wrap": True}
        head = {"bold": True, "bottom": 1, **top, **wrap}
        self._title = book.add_format({**_FONT, "bold": True, "font_size": 16})
        self._first_head = book.add_format({**_FONT, **head})
        self._text_head = book.add_format({**_FONT, **head, "align": "left", "indent": 1})
        self._number_head = book.add_format({**_FONT, **head, "align": "right"})
        # A text that follows a number must not touch it.
        self._text = book.add_format({**_FONT, **top, **wrap, "align": "left", "indent": 1})
        self._first = book.add_format({**_FONT, **top, **wrap, "bold": True})
        self._mark = book.add_format({**_FONT, **top, "align": "right"})
        self._whole = book.add_format({**_FONT, **top, "num_format": "#,##0"})
        self._fraction = book.add_format({**_FONT, **top, "num_format": "#,##0.0##"})
        self._link = book.add_format({**_FONT, **top, "font_color": "#0000FF", "underline": 1})

    def write(
        self, name: str, title: str, remarks: Iterable[str], lines: Sequence[Sequence[Decimal | str]], *, linked: bool = False
    ) -> None:
        """A sheet: title, remarks, and one table, of which `lines` are heads and rows; `linked`: first cells lead to sheets."""
        sheet = self._book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, clean(title), self._title)
        row = 1
        for remark in remarks:
            if remark:
                sheet.write_string(row, 0, clean(remark))
                row += 1
        columns = list(zip(*lines, strict=True))
        heads = []
        for place, (head, *values) in enumerate(columns):
            texts = {value for value in values if isinstance(value, str)}
            is_number = any(not isinstance(value, str) for value in values)
            style = self._number_head if is_number else self._text_head if place else self._first_head
            heads.append({"header": head, "header_format": style})
            sheet.set_column(place, place, _NUMBER if is_number else _width({*texts, *str(head).split()}))
            text = self._mark if is_number else self._text if place else self._first
            self._write_column(sheet, row + 1, place, values, self._link if linked and place == 0 else text)
        area = (row, 0, row + len(lines) - 1, len(columns) - 1)
        name = f"table_{slug(name)}"
        sheet.add_table(*area, {"name": name, "title": clean(title), "columns": heads, "style": None, "autofilter": False})

    def _write_column(self, sheet: Any, first: int, place: int, values: Sequence[Decimal | str], text: Any) -> None:
        for row, value in enumerate(values, first):
            if not isinstance(value, str):
                whole = value == value.to_integral_value()
                sheet.write_number(row, place, float(value), self._whole if whole else self._fraction)
            elif text is self._link:
                sheet.write_url(row, place, f"internal:'{value}'!A1", text, value)
            else:
                sheet.write_string(row, place, value, text)

    def closed(self, stream: io.BytesIO) -> bytes:
        self._book.close()
        return stream.getvalue()


def _width(texts: Iterable[str]) -> int:
    longest = max(map(_display_width, texts), default=0)
    return min(max(longest + 3, _NARROWEST), _WIDEST)


def _display_width(text: str) -> int:
    """In characters of a Latin script: East Asian ones are twice as wide."""
    return len(text) if text.isascii() else sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """Short, unique names that Excel accepts: a number, so that the contents can be followed, and the table's id."""
    return [f"{number} {table.id}".translate(_FORBIDDEN)[:_SHEET_NAME_LENGTH].strip() for number, table in enumerate(tables, 1)]


# ------------------------------------------------------------------------------------------------------- cover and contents


def _cover(content: Content, release_id: str, as_of: dt.date | None, code_version: str, notes: _Notes) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = [
        ("Item", "Value"),
        ("Period", f"{content.period.code} {content.native}".strip()),
        *(("In short", sentence) for sentence in content.lede),
        ("Headline edition", "not stated" if content.edition == "unknown" else content.edition),
        ("Release", release_id),
        ("Figures known by", as_of.isoformat() if as_of else "all that was known when it was made"),
        ("Code version", code_version),
        ("Language", "English, with publishers' labels in their own language"),
        ("How the figures were made", notes.of_methods()),
    ]
    for card in content.cards:
        for line in card.lines:
            text = " ".join(part for part in (line.text, f"({line.small})" if line.small else "", *line.marks) if part)
            lines.append((f"{card.title}, {card.period}", f"{line.label}: {text}"))
        said = (("note", card.note), ("take care", card.warning))
        lines += [(f"{card.title}: {about}", text) for about, text in said if text]
    lines += [("Source", line) for line in notes.of_each_source()]
    return [(_words(left), _words(right)) for left, right in lines]


def _contents(names: Sequence[str], tables: Sequence[Table]) -> list[tuple[str, str]]:
    sheets = zip(names, (_words(table.title) for table in tables), strict=True)
    return [("Worksheet", "Table"), ("Notes", "Notes: marks, tables, methods, sources and licences"), *sheets]


# ------------------------------------------------------------------------------------------------------------------- notes


class _Notes:
    """What the tables refer to by number: their own notes in the order of the sheets, then methods, then sources."""

    def __init__(self, tables: Sequence[Table], sources: Sequence[Source], snapshots: Sequence[Snapshot]) -> None:
        self._numbers: dict[str, int] = {}
        texts = dict.fromkeys(note for table in tables for note in table.notes)
        self.lines: list[tuple[str, str, str]] = [
            ("Note", "About", "Text"),
            *((mark, "mark", text) for mark, text in MARKS.items()),
        ]
        for text in texts:
            self._numbers[text] = self._add("tables", text)
        self._methods = [self._add("method", text) for text in METHODS]
        self._sources = {source.id: self._add_source(source, snapshots) for source in sources}
        self._titles = {source.id: clean(f"{source.title} ({source.id})") for source in sources}

    def _add(self, about: str, text: str) -> int:
        number = len(self.lines) - len(MARKS)
        self.lines.append((f"[note {number}]", _words(about), _words(text)))
        return number

    def _add_source(self, source: Source, snapshots: Sequence[Snapshot]) -> list[int]:
        view = source_view(source, snapshots)
        lines = [(words, text) for words, text in view["facts"]]
        lines += [("break", text) for text in view["breaks"]]
        lines += [("take care", text) for text in view["caveats"]]
        lines += [(f"snapshot {line['id']}", line["text"]) for line in view["snapshots"]]
        return [self._add(f"{source.id}: {words}", text) for words, text in lines]

    def of_table(self, table: Table) -> str:
        return f"Notes to this table: {_references(self._numbers[note] for note in table.notes)}." if table.notes else ""

    def of_methods(self) -> str:
        return _references(self._methods)

    def of_sources(self, ids: Iterable[str]) -> str:
        """The sources named, all of them where none is, with the notes that say what they count and under which licence."""
        named = set(ids) or set(self._sources)
        parts = self.of_each_source(named)
        return f"Source: {'; '.join(parts)}." if parts else ""

    def of_each_source(self, ids: Collection[str] | None = None) -> list[str]:
        wanted = [source for source in self._sources if ids is None or source in ids]
        return [f"{self._titles[source]}, {_references(self._sources[source])}" for source in wanted]


def _references(numbers: Iterable[int]) -> str:
    """`[note 1], [note 4] to [note 9]`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    joined = (", ".join(f"[note {n}]" for n in run) if len(run) < 3 else f"[note {run[0]}] to [note {run[-1]}]" for run in runs)
    return ", ".join(joined)


def _sources_of(table: Table, source_of: Mapping[str, str]) -> set[str]:
    return {source_of[cell.id] for row in table.rows for cell in row if cell.id in source_of}


# ------------------------------------------------------------------------------------------------------------------ tables


def _lines(table: Table) -> list[list[Decimal | str]]:
    """Heads and rows. Figures are followed by their precision and marks where there are any."""
    unit_column = next((column.title for name in _UNIT_COLUMNS for column in table.columns if column.title == name), "")
    columns: list[list[Decimal | str]] = []
    # A table of Excel's has a row at least.
    rows = table.rows or ([Cell(NONE)] * len(table.columns),)
    for place, column in enumerate(table.columns):
        columns += _columns(column, [row[place] for row in rows], unit_column)
    heads = _distinct([str(column[0]) for column in columns])
    for head, made in zip(heads, columns, strict=True):
        made[0] = head
    return [list(line) for line in zip(*columns, strict=True)]


def _columns(column: Column, cells: Sequence[Cell], unit_column: str) -> list[list[Decimal | str]]:
    """The sheet's columns for one of the table's, each with its head first."""
    has_numbers = any(cell.value is not None for cell in cells)
    unit = column.sheet_unit or column.unit
    title = f"{column.title}, {unit}" if unit else column.title
    in_unit = f"{title} (unit: see {unit_column})" if unit_column and has_numbers and not unit else title
    head = " ".join(part for part in (in_unit, column.native, column.mark) if part)
    found: list[list[Decimal | str]] = [[_words(head), *(_figure(cell, column, has_numbers=has_numbers) for cell in cells)]]
    if any(cell.native for cell in cells):
        found.append([_words(f"{title}, publisher's label"), *(_words(cell.native) for cell in cells)])
    if any(cell.precision for cell in cells):
        found.append([_words(f"{in_unit}: precision, ± (0 is exact)"), *(_precision(cell, column) for cell in cells)])
    if any(cell.marks and (cell.value is not None or cell.is_header) for cell in cells):
        found.append([_words(f"{title}: marks"), *(_words("".join(cell.marks)) for cell in cells)])
    return found


def _figure(cell: Cell, column: Column, *, has_numbers: bool) -> Decimal | str:
    if cell.value is not None:
        return cell.value
    # Among numbers only marks may stand: what has no text has no number either, because it cannot have one.
    if has_numbers and column.numeric and not cell.is_figure:
        return _NOT_APPLICABLE
    return _words(cell.text)


def _precision(cell: Cell, column: Column) -> Decimal | str:
    if cell.precision:
        return cell.precision
    return Decimal(0) if cell.value is not None else _figure(cell, column, has_numbers=True)


def _words(text: str) -> str:
    """Text as it stands in a cell: words in place of a lone sign, which screen readers pass over."""
    if text in ("", "–"):
        return NONE
    return "per cent" if text == "%" else clean(text).strip() or NONE


def _distinct(heads: Sequence[str]) -> list[str]:
    """The heads, numbered where Excel would take two of them for the same."""
    seen: dict[str, int] = {}
    found = []
    for head in heads:
        seen[head.lower()] = seen.get(head.lower(), 0) + 1
        found.append(head if seen[head.lower()] == 1 else f"{head} ({seen[head.lower()]})")
    return found
