"""The rules for spreadsheets that a release's workbook keeps, each as a function that names what breaks it.

In: the bytes of an .xlsx. Out: sentences, none where every rule holds. The rules are those of the Analysis Function, "Releasing
statistics in spreadsheets" and its checklist (marked A, with what gptables enforces), and of the Statistics Bureau,
統計表における機械判読可能なデータの表記方法の統一ルール, chapter 1 (marked S, with the number of the check).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from pipeline.publish.measures import UNIT_SHORT

MARK = re.compile(r"\[[a-z]\]")
NOTE = re.compile(r"\[note (\d+)\]")
NOTES = re.compile(r"\[note (\d+)\](?: to \[note (\d+)\])?")
UNITS = {*UNIT_SHORT.values(), "per cent", "rank", "bases", "numbers", "periods", "days", "rows", "figures", "reports"}
SHEETS = ["Cover", "Contents", "Notes"]
# A width in characters that shows a number: its digits with separators, and a little air.
AIR = 2
# Rows of code page 932 that are not in JIS X 0208: NEC's signs, and IBM's in two places.
_MACHINE_DEPENDENT = (0x87, 0xED, 0xEE, 0xFA, 0xFB, 0xFC)


def broken_rules(content: bytes) -> list[str]:
    """Every breach: rule, sheet and cell."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    if missing := [name for name in SHEETS if name not in book.sheetnames]:
        return [f"{sheets_are_cover_contents_notes_and_tables.__name__}: {missing} are missing"]
    found = [f"{rule.__name__}: {breach}" for rule in BOOK_RULES for breach in rule(book)]
    for sheet in book:
        rules = (*SHEET_RULES, *(COVER_RULES if sheet.title == "Cover" else TABLE_RULES))
        found += [f"{rule.__name__}: {sheet.title}: {breach}" for rule in rules for breach in rule(sheet)]
    return found + [f"no_objects: {name}" for name in _objects(content)]


def table_rows(sheet: Worksheet) -> list[tuple[Cell, ...]]:
    """Head and rows of the sheet's table; none where it has no table."""
    tables = list(sheet.tables.values())
    return list(sheet[tables[0].ref]) if tables else []


def columns_of(sheet: Worksheet) -> list[tuple[str, list[Cell]]]:
    """The table's columns, each with its head."""
    rows = table_rows(sheet)
    return [(str(head.value), list(cells)) for head, *cells in zip(*rows, strict=True)] if rows else []


def numeric_columns(sheet: Worksheet) -> list[tuple[str, list[Cell]]]:
    return [(head, cells) for head, cells in columns_of(sheet) if any(cell.data_type == "n" for cell in cells)]


# ------------------------------------------------------------------------------------------------------------ the workbook


def sheets_are_cover_contents_notes_and_tables(book: Any) -> Iterator[str]:
    """A: unique names, none blank, none hidden, opened at the first cell of the first sheet."""
    if book.sheetnames[:3] != SHEETS or len(book.sheetnames) < 4:
        yield f"the sheets are {book.sheetnames}"
    if book.active is not book.worksheets[0]:
        yield f"it opens at {book.active.title}"
    for sheet in book:
        if sheet.sheet_state != "visible":
            yield f"{sheet.title} is hidden"
        if sheet.sheet_view.selection[0].activeCell != "A1":
            yield f"{sheet.title} opens at {sheet.sheet_view.selection[0].activeCell}"


def titles_differ(book: Any) -> Iterator[str]:
    """A: a descriptive title, in A1, for every sheet."""
    titles = [str(sheet["A1"].value or "") for sheet in book]
    yield from (f"the title {title!r} stands on two sheets" for title in {t for t in titles if titles.count(t) > 1})
    yield from (f"{sheet.title} has no title" for sheet, title in zip(book, titles, strict=True) if len(title) < 5)


def tables_have_names_of_their_own(book: Any) -> Iterator[str]:
    """A: meaningful and unique names, as Excel allows them."""
    names = [name for sheet in book for name in sheet.tables]
    yield from (f"{name!r} is no name" for name in names if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{4,250}", name))
    yield from (f"{name!r} names two tables" for name in {n for n in names if names.count(n) > 1})


def contents_lead_to_every_sheet(book: Any) -> Iterator[str]:
    """A: a table of contents with links whose words say where they lead."""
    rows = table_rows(book["Contents"])[1:]
    targets = {}
    for row in rows:
        link = row[0].hyperlink
        targets[row[0].value] = link.location if link else None
        if row[0].value in book.sheetnames and row[1].value != book[row[0].value]["A1"].value:
            yield f"{row[0].value} has another title than the contents say"
    yield from (f"{name} is not linked" for name in book.sheetnames[2:] if targets.get(name) != f"'{name}'!A1")


def marks_and_notes_are_explained(book: Any) -> Iterator[str]:
    """A and S 1-13: every mark has a meaning; notes are numbered through, referred to by number, and all of them are."""
    rows = [[str(cell.value) for cell in row] for row in table_rows(book["Notes"])[1:]]
    explained = {row[0] for row in rows if row[2]}
    numbers = [int(found[1]) for row in rows if (found := NOTE.fullmatch(row[0]))]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the notes are numbered {numbers}"
    referred: set[int] = set()
    for sheet in book:
        for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            if sheet.title != "Notes":
                for first, last in NOTES.findall(cell.value):
                    referred |= set(range(int(first), int(last or first) + 1))
            for mark in MARK.findall(cell.value):
                if mark not in explained:
                    yield f"{sheet.title} {cell.coordinate}: {mark} is explained nowhere"
    yield from (f"note {number} is referred to, and is not there" for number in sorted(referred - set(numbers)))
    yield from (f"nothing refers to note {number}" for number in sorted(set(numbers) - referred))


def document_has_title_and_language(book: Any) -> Iterator[str]:
    """A: document information."""
    if book.properties.title != book["Cover"]["A1"].value:
        yield f"its title is {book.properties.title!r}"
    if "Language" not in book.custom_doc_props.names or not book.custom_doc_props["Language"].value:
        yield "it does not say its language"


# --------------------------------------------------------------------------------------------------------------- a sheet


def cover_is_text_in_one_column(sheet: Worksheet) -> Iterator[str]:
    """A: headings and paragraphs one below the other, with no table and no empty row, wrapped within the width of a page."""
    yield from (f"it has the table {name}" for name in sheet.tables)
    if sheet.max_column != 1:
        yield f"it has {sheet.max_column} columns"
    for row in range(1, sheet.max_row + 1):
        cell = sheet.cell(row, 1)
        if not isinstance(cell.value, str):
            yield f"{cell.coordinate} is {'empty' if cell.value is None else 'no text'}"
        elif not cell.alignment.wrap_text:
            yield f"{cell.coordinate} is not wrapped"
    if not 60 <= sheet.column_dimensions["A"].width <= 100:
        yield f"its column is {sheet.column_dimensions['A'].width} wide"


def one_table_is_marked_up(sheet: Worksheet) -> Iterator[str]:
    """A and S 2-2: one table, with a tagged row of heads, at the left edge, with no filter, nothing beside or below it, and no
    empty row above it (S 2-1)."""
    if len(sheet.tables) != 1:
        yield f"it has {len(sheet.tables)} tables"
        return
    table = next(iter(sheet.tables.values()))
    rows = table_rows(sheet)
    first, last = rows[0][0], rows[-1][-1]
    if table.headerRowCount != 1:
        yield "the row of heads is not tagged"
    if table.autoFilter or sheet.auto_filter.ref:
        yield "it has a filter"
    if first.column != 1:
        yield f"the table begins at {first.coordinate}"
    if (sheet.max_row, sheet.max_column) != (last.row, last.column):
        yield f"something stands beside or below the table, up to {sheet.cell(sheet.max_row, sheet.max_column).coordinate}"
    for row in range(1, first.row):
        if not sheet.cell(row, 1).value:
            yield f"row {row} above the table is empty"


def says_which_marks_it_has(sheet: Worksheet) -> Iterator[str]:
    """A, and the legend of gptables: each mark in the table is explained above it; Notes explains all."""
    if sheet.title == "Notes" or not sheet.tables:
        return
    rows = table_rows(sheet)
    above = [str(sheet.cell(row, 1).value) for row in range(1, rows[0][0].row)]
    said = {line[:3] for line in above if MARK.match(line)}
    used = {mark for row in rows for cell in row if isinstance(cell.value, str) for mark in MARK.findall(cell.value)}
    yield from (f"{mark} stands in the table and is not explained above it" for mark in sorted(used - said))
    yield from (f"{mark} is explained and does not stand in the table" for mark in sorted(said - used))


def says_how_many_tables(sheet: Worksheet) -> Iterator[str]:
    """A: the sheet says what is on it."""
    if not str(sheet["A2"].value).startswith("This worksheet contains one table."):
        yield f"A2 says {sheet['A2'].value!r}"


def heads_are_distinct_texts(sheet: Worksheet) -> Iterator[str]:
    """A and S 1-6: every column has a head of its own, the same in the table's mark-up as in its cell."""
    rows = table_rows(sheet)
    if not rows:
        return
    heads = [cell.value for cell in rows[0]]
    if not all(isinstance(head, str) and head.strip() for head in heads):
        yield f"a head is empty or no text: {heads}"
    lower = [str(head).lower() for head in heads]
    yield from (f"{head!r} heads two columns" for head in {h for h in lower if lower.count(h) > 1})
    marked = [column.name for column in next(iter(sheet.tables.values())).tableColumns]
    if marked != heads:
        yield f"the mark-up has other heads than the cells: {marked}"


def no_cell_is_empty(sheet: Worksheet) -> Iterator[str]:
    """A and S 1-6: why there is no value is said in its place; nothing is left out because the row above says it."""
    yield from (f"{cell.coordinate} is empty" for row in table_rows(sheet) for cell in row if cell.value in (None, ""))


def cells_are_plain(sheet: Worksheet) -> Iterator[str]:
    """A and S 1-4, 1-7: no merged cells, no formulas."""
    yield from (f"{area} is merged" for area in sheet.merged_cells.ranges)
    yield from (f"{cell.coordinate} is a formula" for row in sheet.iter_rows() for cell in row if cell.data_type == "f")


def nothing_is_hidden_or_frozen(sheet: Worksheet) -> Iterator[str]:
    """A: no hidden rows or columns, no frozen panes, no headers and footers."""
    yield from (f"row {row} is hidden" for row, sizes in sheet.row_dimensions.items() if sizes.hidden)
    yield from (f"column {column} is hidden" for column, sizes in sheet.column_dimensions.items() if sizes.hidden)
    if sheet.freeze_panes:
        yield f"panes are frozen at {sheet.freeze_panes}"
    if any(part.text for side in (sheet.oddHeader, sheet.oddFooter) for part in (side.left, side.center, side.right)):
        yield "it has a header or footer"


def numbers_are_numbers(sheet: Worksheet) -> Iterator[str]:
    """S 1-2, 1-3, 1-13: a column of numbers holds numbers, and one mark in place of one that is absent; all at the right."""
    for head, cells in numeric_columns(sheet):
        for cell in cells:
            if cell.data_type != "n" and not MARK.fullmatch(str(cell.value)):
                yield f"{cell.coordinate}, among the numbers of {head!r}, says {cell.value!r}"
            if cell.alignment.horizontal not in ((None, "right") if cell.data_type == "n" else ("right",)):
                yield f"{cell.coordinate} is not at the right"
    for head, cells in columns_of(sheet):
        for cell in cells:
            if isinstance(cell.value, str) and re.fullmatch(r"[-−+▲△¥$]?\d[\d,]*\.\d+|[-−+▲△¥$]?\d{1,3}(,\d{3})+", cell.value):
                yield f"{cell.coordinate}, under {head!r}, is a number as text: {cell.value!r}"


def numbers_have_units(sheet: Worksheet) -> Iterator[str]:
    """S 1-9: a unit in the head, or in a column of the table that the head names."""
    texts = {head.lower(): cells for head, cells in columns_of(sheet)}
    for head, _ in numeric_columns(sheet):
        named = re.search(r"\(unit: see ([^)]+)\)", head)
        if named:
            unit = next((cells for name, cells in texts.items() if name.startswith(named[1].lower())), [])
            if not unit:
                yield f"{head!r} names no column of the table"
            yield from (f"{cell.coordinate} says no unit: {cell.value!r}" for cell in unit if not _has_unit(str(cell.value)))
        elif not _has_unit(head):
            yield f"{head!r} has no unit"


def _has_unit(text: str) -> bool:
    return any(re.search(rf"(^|\W){re.escape(unit)}(\W|$)", text.lower()) for unit in (u.lower() for u in UNITS)) or bool(
        re.search(r"\b[A-Z]{3}\b", text)
    )


def years_are_western(sheet: Worksheet) -> Iterator[str]:
    """S 1-11: a year of the Christian era wherever a period stands."""
    for head, cells in columns_of(sheet):
        if re.match(r"(Period|Year|Month)\b[^:]*$", head) and not any(cell.data_type == "n" for cell in cells):
            yield from (f"{c.coordinate} says {c.value!r}" for c in cells if not re.search(r"(19|20)\d\d", str(c.value)))


def texts_are_clean(sheet: Worksheet) -> Iterator[str]:
    """A and S 1-5, 1-10: no lone signs, no spaces or breaks for looks, no characters that only some machines have."""
    for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
        text = cell.value
        if not any(sign.isalnum() for sign in text):
            yield f"{cell.coordinate} is nothing but signs: {text!r}"
        if text != text.strip() or "  " in text or "\u3000" in text or re.search(r"[\r\n\t]", text):
            yield f"{cell.coordinate} has spaces or breaks for looks: {text!r}"
        if odd := [sign for sign in text if _is_machine_dependent(sign)]:
            yield f"{cell.coordinate} has {odd}, which only some machines have"


def _is_machine_dependent(sign: str) -> bool:
    code = sign.encode("cp932", errors="ignore")
    return len(code) == 2 and code[0] in _MACHINE_DEPENDENT


def letters_can_be_read(sheet: Worksheet) -> Iterator[str]:
    """A: a font without serifs of 12 points or more, wrapped in tables, wide enough for every number; no fills, colour for links
    alone."""
    for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
        if cell.font.name != "Arial" or cell.font.sz < 12:
            yield f"{cell.coordinate} is in {cell.font.name} {cell.font.sz}"
        if cell.fill.fill_type:
            yield f"{cell.coordinate} is filled"
        if cell.font.color is not None and cell.font.color.type == "rgb" and not cell.hyperlink:
            yield f"{cell.coordinate} is coloured"
    # Neighbours of one width are written as one.
    widths = {place: sizes.width for sizes in sheet.column_dimensions.values() for place in range(sizes.min, sizes.max + 1)}
    for row in table_rows(sheet):
        for cell in row:
            width = widths.get(cell.column, 0)
            if isinstance(cell.value, int | float) and len(f"{cell.value:,.3f}".rstrip("0").rstrip(".")) + AIR > width:
                yield f"{cell.coordinate}: {cell.value} is wider than its column"
            if isinstance(cell.value, str) and not cell.alignment.wrap_text and len(cell.value) + AIR > width:
                yield f"{cell.coordinate} is neither wrapped nor shown whole"


def it_prints_on_pages_of_one_width(sheet: Worksheet) -> Iterator[str]:
    """Across the page, so that no row is torn apart."""
    if sheet.page_setup.orientation != "landscape" or not sheet.sheet_properties.pageSetUpPr.fitToPage:
        yield "its rows are torn apart where it is printed"


def _objects(content: bytes) -> list[str]:
    """A and S 1-8: pictures, charts, drawings, comments, macros."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [name for name in archive.namelist() if re.search(r"drawing|chart|media|comment|vba|embedding", name, re.I)]


BOOK_RULES: tuple[Callable[[Any], Iterator[str]], ...] = (
    sheets_are_cover_contents_notes_and_tables,
    titles_differ,
    tables_have_names_of_their_own,
    contents_lead_to_every_sheet,
    marks_and_notes_are_explained,
    document_has_title_and_language,
)
SHEET_RULES: tuple[Callable[[Worksheet], Iterator[str]], ...] = (
    cells_are_plain,
    nothing_is_hidden_or_frozen,
    texts_are_clean,
    letters_can_be_read,
    it_prints_on_pages_of_one_width,
)
COVER_RULES: tuple[Callable[[Worksheet], Iterator[str]], ...] = (cover_is_text_in_one_column,)
TABLE_RULES: tuple[Callable[[Worksheet], Iterator[str]], ...] = (
    one_table_is_marked_up,
    says_how_many_tables,
    says_which_marks_it_has,
    heads_are_distinct_texts,
    no_cell_is_empty,
    numbers_are_numbers,
    numbers_have_units,
    years_are_western,
)
