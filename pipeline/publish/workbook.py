"""The workbook of a release: cover, contents, notes, and one sheet a table, as gptables lays them out.

In: `Content` and the declared sources. Out: the bytes of an .xlsx that depend on the content alone. It keeps the rules of the
Analysis Function's guidance "Releasing statistics in spreadsheets" and of the Statistics Bureau's 統計表における機械判読可能な
データの表記方法の統一ルール; tests/workbook_rules.py lists them and holds every one. The cover is text in one column. Each other
sheet has its title in A1, says that it contains one table, explains the marks in it, and contains it: marked up, named, with one
row of distinct heads, a unit for every column of numbers, no empty cell, and a mark in place of a value that is absent. Precision
and marks stand in columns of their own. There are no filters and no frozen panes: the guidance advises against both, because they
get in the way of magnifiers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
from gptables import Cover

from pipeline.model import Snapshot
from pipeline.publish.content import Card, Content
from pipeline.publish.marks import MARKS
from pipeline.publish.methods import METHODS
from pipeline.publish.plain_sheets import ONE_TABLE, PlainTable, PlainWorkbook
from pipeline.publish.source_facts import source_view
from pipeline.publish.tables import Cell, Column, Table
from pipeline.publish.texts import clean, slug
from pipeline.sources.catalogue import Source

# A workbook has to carry a date of creation; the bytes must not depend on the day on which they are made.
CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
LANGUAGE = "English"
EXPLAINED = f"{ONE_TABLE} Marks and notes, which stand in square brackets, are explained on the worksheet Notes."
NONE = "none"
_NOT_APPLICABLE = "[z]"
_SHEET_NAME_LENGTH = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_MARK = re.compile(r"\[[a-z]\]")
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
    book = PlainWorkbook()
    _say_what_it_is(book, content, release_id)
    tables = content.tables
    notes = _Notes(tables, sources, snapshots)
    sheets = {name: _sheet_table(name, table, notes, source_of) for name, table in zip(_sheet_names(tables), tables, strict=True)}
    explained = book.make_notesheet(_frame(notes.columns), "table_notes", "Notes: marks, tables, methods, sources and licences")
    sheets = {"Notes": explained, **sheets}
    contents = book.make_table_of_contents(
        sheets, column_names=["Worksheet", "Table"], table_name="table_contents", title="Contents"
    )
    cover = _cover(content, release_id, as_of, code_version, notes)
    book.add_worksheet(cover.cover_label).write_cover(cover)
    for name, table in {"Contents": contents, **sheets}.items():
        # Lines lead the eye along rows of up to twenty columns.
        book.add_worksheet(name, gridlines="hide_printed").write_gptable(table, auto_width=True)
    return book.content()


def _say_what_it_is(book: PlainWorkbook, content: Content, release_id: str) -> None:
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


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """Short, unique names that Excel accepts: a number, so that the contents can be followed, and the table's id."""
    return [f"{number} {table.id}".translate(_FORBIDDEN)[:_SHEET_NAME_LENGTH].strip() for number, table in enumerate(tables, 1)]


# ------------------------------------------------------------------------------------------------------------------- cover


def _cover(content: Content, release_id: str, as_of: dt.date | None, code_version: str, notes: _Notes) -> Cover:
    """What the release says in short, and what it was made of."""
    facts = (
        ("Period", f"{content.period.code} {content.native}".strip()),
        ("Headline edition", "not stated" if content.edition == "unknown" else content.edition),
        ("Release", release_id),
        ("Figures known by", as_of.isoformat() if as_of else "all that was known when it was made"),
        (
            "Figures of other periods",
            "as they were known on that day; what was revised since stands in the releases of those periods",
        ),
        ("Code version", code_version),
        ("Language", "English, with publishers' labels in their own language"),
        ("How the figures were made", notes.of_methods()),
        *(("Source", line) for line in notes.of_each_source()),
    )
    about = [f"{name}: {text}" for name, text in facts]
    short: list[Any] = [_words(sentence) for sentence in content.lede]
    for card in content.cards:
        short += _card(card)
    return Cover(clean(content.title), intro=short or None, about=[*map(_words, about)])


def _card(card: Card) -> list[Any]:
    """Its title in bold, as gptables takes formats, then a line for each figure and for what a reader must know of them."""
    lines = []
    for line in card.lines:
        text = " ".join(part for part in (line.text, f"({line.small})" if line.small else "", *line.marks) if part)
        lines.append(f"{line.label}: {text}")
    said = [f"{kind}: {text}" for kind, text in (("Note", card.note), ("Take care", card.warning)) if text]
    return [[{"bold": True}, _words(f"{card.title}, {card.period}")], *map(_words, (*lines, *said))]


# ------------------------------------------------------------------------------------------------------------------- notes


class _Notes:
    """What the tables refer to by number: their own notes in the order of the sheets, then methods, then sources."""

    def __init__(self, tables: Sequence[Table], sources: Sequence[Source], snapshots: Sequence[Snapshot]) -> None:
        self._numbers: dict[str, int] = {}
        texts = dict.fromkeys(note for table in tables for note in table.notes)
        self._lines: list[tuple[str, str, str]] = [
            ("Note", "About", "Text"),
            *((mark, "mark", text) for mark, text in MARKS.items()),
        ]
        for text in texts:
            self._numbers[text] = self._add("tables", text)
        self._methods = [self._add("method", text) for text in METHODS]
        self._sources = {source.id: self._add_source(source, snapshots) for source in sources}
        self._titles = {source.id: clean(f"{source.title} ({source.id})") for source in sources}

    def _add(self, about: str, text: str) -> int:
        number = len(self._lines) - len(MARKS)
        self._lines.append((f"[note {number}]", _words(about), _words(text)))
        return number

    def _add_source(self, source: Source, snapshots: Sequence[Snapshot]) -> list[int]:
        view = source_view(source, snapshots)
        lines = [(words, text) for words, text in view["facts"]]
        lines += [("break", text) for text in view["breaks"]]
        lines += [("take care", text) for text in view["caveats"]]
        lines += [(f"snapshot {line['id']}", line["text"]) for line in view["snapshots"]]
        return [self._add(f"{source.id}: {words}", text) for words, text in lines]

    @property
    def columns(self) -> list[tuple[str, ...]]:
        """What the sheet holds, by columns with their heads first."""
        return list(zip(*self._lines, strict=True))

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


def _sheet_table(name: str, table: Table, notes: _Notes, source_of: Mapping[str, str]) -> PlainTable:
    """The table with what stands above it: what must not be done with it, its marks, its notes and its sources."""
    columns = _table_columns(table)
    marks = _marks_in(columns)
    legend = [f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in marks]
    return PlainTable(
        _frame(columns),
        f"table_{slug(name)}",
        clean(table.title),
        instructions=EXPLAINED,
        scope=clean(table.warning) or None,
        legend=[text for text in (*legend, notes.of_table(table)) if text],
        source=notes.of_sources(_sources_of(table, source_of)) or None,
        index_columns={1: 0},
    )


def _marks_in(columns: Iterable[Sequence[Decimal | str]]) -> set[str]:
    texts = {cell for column in columns for cell in column if isinstance(cell, str)}
    return {mark for text in texts for mark in _MARK.findall(text)}


def _frame(columns: Sequence[Sequence[Decimal | str]]) -> pd.DataFrame:
    """Of columns with their heads first; no text and no number is changed."""
    return pd.DataFrame({head: values for head, *values in columns}, dtype=object)


def _table_columns(table: Table) -> list[list[Decimal | str]]:
    """Columns with their heads first. Figures are followed by their precision and marks where there are any."""
    unit_column = next((column.title for name in _UNIT_COLUMNS for column in table.columns if column.title == name), "")
    columns: list[list[Decimal | str]] = []
    # A table of Excel's has a row at least.
    rows = table.rows or ([Cell(NONE)] * len(table.columns),)
    for place, column in enumerate(table.columns):
        columns += _columns(column, [row[place] for row in rows], unit_column)
    heads = _distinct([str(column[0]) for column in columns])
    return [[head, *values] for head, (_, *values) in zip(heads, columns, strict=True)]


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
    seen: set[str] = set()
    found = []
    for head in heads:
        name, number = head, 1
        while name.lower() in seen:
            number += 1
            name = f"{head} ({number})"
        seen.add(name.lower())
        found.append(name)
    return found
