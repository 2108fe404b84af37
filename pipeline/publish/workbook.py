"""The workbook of a release: cover, contents, notes, and one sheet a table.

In: `Content` and the declared sources. Out: the bytes of an .xlsx that depend on the content alone. Follows the rules of
official statistics for spreadsheets: title in A1, no merged cells, no formulas, no empty cells, a mark in place of a value that
is absent, a unit for every column, precision and marks in columns of their own.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from pipeline.model import Snapshot
from pipeline.publish.content import Content
from pipeline.publish.page import METHODS, source_view
from pipeline.publish.tables import MARKS, Column, Table, clean
from pipeline.sources.catalogue import Source

# A workbook has to carry a date of creation; the bytes must not depend on the day on which they are made.
CREATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
_SHEET_NAME_LENGTH = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def workbook_bytes(
    content: Content,
    *,
    sources: Sequence[Source],
    snapshots: Sequence[Snapshot],
    release_id: str,
    as_of: dt.date | None,
    code_version: str,
) -> bytes:
    """The .xlsx file."""
    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(stream, options)
    book.set_properties({"title": clean(content.title), "created": CREATED, "comments": clean(f"release {release_id}")})
    formats = _Formats(book)
    tables = content.tables
    names = _sheet_names(tables)
    _cover(book, formats, content, release_id, as_of, code_version)
    _list_sheet(
        book,
        formats,
        "Contents",
        "Contents",
        [("Sheet", "Table"), *((name, table.title) for name, table in zip(names, tables, strict=True))],
    )
    _list_sheet(book, formats, "Notes", "Notes: marks, methods, sources and licences", _notes(sources, snapshots))
    for name, table in zip(names, tables, strict=True):
        _table_sheet(book, formats, name, table)
    book.close()
    return stream.getvalue()


class _Formats:
    def __init__(self, book: Any) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.text = book.add_format({"valign": "top"})
        self.wrap = book.add_format({"valign": "top", "text_wrap": True})
        self.whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.fraction = book.add_format({"num_format": "#,##0.0##", "valign": "top"})
        self.mark = book.add_format({"align": "right", "valign": "top"})


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """Short, unique names that Excel accepts: a number, so that the contents can be followed, and the table's id."""
    return [f"{number} {table.id}".translate(_FORBIDDEN)[:_SHEET_NAME_LENGTH].strip() for number, table in enumerate(tables, 1)]


def _cover(book: Any, formats: _Formats, content: Content, release_id: str, as_of: dt.date | None, code_version: str) -> None:
    lines: list[tuple[str, str]] = [
        ("Item", "Value"),
        ("Period", f"{content.period.code} {content.native}".strip()),
        ("Headline edition", "not stated" if content.edition == "unknown" else content.edition),
        ("Release", release_id),
        ("Figures known by", as_of.isoformat() if as_of else "all that was known when it was made"),
        ("Code version", code_version),
        *(("In short", sentence) for sentence in content.lede),
    ]
    for card in content.cards:
        for line in card.lines:
            text = " ".join(part for part in (line.text, f"({line.small})" if line.small else "", *line.marks) if part)
            lines.append((f"{card.title}, {card.period}: {line.label}", text))
        lines += [(f"{card.title}: take care", text) for text in (card.note, card.warning) if text]
    _list_sheet(book, formats, "Cover", content.title, lines)


def _list_sheet(book: Any, formats: _Formats, name: str, title: str, lines: Sequence[tuple[str, str]]) -> None:
    """A sheet of two columns: the first line is its head."""
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, clean(title), formats.title)
    for number, (left, right) in enumerate(lines, 1):
        sheet.write_string(number, 0, clean(left) or "–", formats.head if number == 1 else formats.wrap)
        sheet.write_string(number, 1, clean(right) or "–", formats.head if number == 1 else formats.wrap)


def _notes(sources: Sequence[Source], snapshots: Sequence[Snapshot]) -> list[tuple[str, str]]:
    lines = [("Item", "Meaning"), *MARKS.items(), *(("Method", text) for text in METHODS)]
    for source in sources:
        view = source_view(source, snapshots)
        lines.append(("Source", view["title"]))
        lines += [(f"{source.id}: {words}", text) for words, text in view["facts"]]
        lines += [(f"{source.id}: break", text) for text in view["breaks"]]
        lines += [(f"{source.id}: take care", text) for text in view["caveats"]]
        lines += [(f"{source.id}: snapshot {line['id']}", line["text"]) for line in view["snapshots"]]
    return lines


def _table_sheet(book: Any, formats: _Formats, name: str, table: Table) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, clean(table.title), formats.title)
    remarks = [table.warning, *table.notes, "Marks in square brackets are explained on the sheet Notes."]
    number = 1
    for remark in remarks:
        if remark:
            sheet.write_string(number, 0, clean(remark), formats.text)
            number += 1
    plan = _columns(table)
    for place, (title, _, _) in enumerate(plan):
        sheet.write_string(number, place, clean(title), formats.head)
    sheet.freeze_panes(number + 1, 1)
    for row in table.rows:
        number += 1
        for place, (_, source_column, part) in enumerate(plan):
            _write(sheet, formats, number, place, _part(row[source_column], part))
    sheet.set_column(0, 0, 36)
    sheet.set_column(1, max(1, len(plan) - 1), 19)


def _columns(table: Table) -> list[tuple[str, int, str]]:
    """(head, column of the table, what of its cell): figures are followed by their precision and marks where there are any."""
    plan: list[tuple[str, int, str]] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        plan.append((_head(column), place, "figure"))
        if any(cell.native for cell in cells):
            plan.append((f"{column.title}, publisher's label", place, "native"))
        if any(cell.precision for cell in cells):
            plan.append((f"{column.title}: precision, ±", place, "precision"))
        if any(cell.marks and (cell.value is not None or cell.is_header) for cell in cells):
            plan.append((f"{column.title}: marks", place, "marks"))
    return plan


def _head(column: Column) -> str:
    words = column.sheet_unit or column.unit
    unit = f", {words}" if words else ""
    return " ".join(part for part in (f"{column.title}{unit}", column.native, column.mark) if part)


def _part(cell: Any, part: str) -> Decimal | str:
    if part == "native":
        return cell.native or "–"
    if part == "precision":
        return cell.precision if cell.precision else ("exact" if cell.value is not None else cell.text)
    if part == "marks":
        return "".join(cell.marks) or "–"
    return cell.value if cell.value is not None else cell.text


def _write(sheet: Any, formats: _Formats, row: int, column: int, value: Decimal | str) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, clean(value) or "–", formats.mark if value.startswith("[") else formats.text)
    else:
        whole = value == value.to_integral_value()
        sheet.write_number(row, column, float(value), formats.whole if whole else formats.fraction)
