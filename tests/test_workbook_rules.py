"""The workbook keeps every rule of `tests.workbook_rules`, on real releases and on hostile words; each rule finds its breach."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.table import Table

from pipeline.publish import release
from tests import publish_sample as sample
from tests import shipped
from tests.workbook_rules import broken_rules, columns_of, table_rows

FIRST_TABLE = 3
HOSTILE = [
    'a "quote" & <b>',
    "=1+1",
    "[a](http://x.invalid)",
    "$$a$$",
    "http://x.invalid",
    "'Contents'!A1",
    "\x00",
    "\ufeff",
    "  two  spaces\nand a break",
    "①㈱",
    "オレオレ\u3000詐欺",
]


@functools.cache
def of_shipped(period: str) -> bytes:
    """The workbook of the release of shipped figures."""
    view = shipped.everything()
    names = sorted(set(view["source"]))
    snapshots = [item for name in names for item in shipped.shipped(name)[0]]
    given = sample.given(period, view, sources=[shipped.source(name) for name in names], snapshots=snapshots)
    return release.build(given)["summary.xlsx"]


@functools.cache
def of_sample() -> bytes:
    return release.build(sample.given("2025"))["summary.xlsx"]


@pytest.mark.parametrize("period", ["2025", "2010", "2025-Q2", "2026-04", "2025-09"])
def test_the_workbook_of_a_shipped_release_breaks_no_rule(period: str) -> None:
    assert broken_rules(of_shipped(period)) == []


def test_hostile_words_break_no_rule_but_those_about_their_own_signs() -> None:
    rows = [
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 1, native_type=word, note=word, origin=word)
        for word in HOSTILE
    ]
    content = release.build(sample.given("2025", sample.view(rows)))["summary.xlsx"]
    assert {breach.split(":")[0] for breach in broken_rules(content)} <= {"texts_are_clean"}


def test_the_bytes_depend_on_the_content_alone() -> None:
    again = release.build(sample.given("2025"))["summary.xlsx"]
    assert hashlib.sha256(again).digest() == hashlib.sha256(of_sample()).digest()


def test_a_table_names_its_source_and_its_notes_and_both_are_explained() -> None:
    book = openpyxl.load_workbook(io.BytesIO(of_shipped("2025")))
    sheet = next(sheet for sheet in book if str(sheet["A1"].value).startswith("Special fraud, 2025: cases"))
    remarks = [str(sheet.cell(row, 1).value) for row in range(2, table_rows(sheet)[0][0].row)]
    source = next(line for line in remarks if line.startswith("Source: "))
    assert "(npa_annual), [note " in source
    assert "npa_monthly" not in source
    first = source.split("[note ")[1].split("]")[0]
    texts = {row[0].value: (row[1].value, row[2].value) for row in table_rows(book["Notes"])}
    assert texts[f"[note {first}]"] == ("npa_annual: Publisher", "National Police Agency of Japan")
    notes = next(line for line in remarks if line.startswith("Notes to this table: "))
    number = notes.split("[note ")[1].split("]")[0]
    assert texts[f"[note {number}]"][0] == "tables"


def test_currencies_side_by_side_have_heads_of_their_own() -> None:
    book = openpyxl.load_workbook(io.BytesIO(of_shipped("2025")))
    sheet = next(sheet for sheet in book if sheet.title.endswith(" card_fraud_history"))
    heads = [head for head, _ in columns_of(sheet) if head.startswith("Loss")]
    assert [head for head in heads if "precision" in head] == [
        "Loss, yen: precision, ± (0 is exact)",
        "Loss, US dollars: precision, ± (0 is exact)",
    ]


def test_a_figure_that_was_not_there_before_has_no_difference_and_says_so() -> None:
    book = openpyxl.load_workbook(io.BytesIO(of_sample()))
    values = {cell.value for sheet in book for row in table_rows(sheet)[1:] for cell in row if isinstance(cell.value, str)}
    assert not values & {"–", "-", "%", ""}


# ------------------------------------------------------------------------------------------------- each rule finds its breach


def _table(book: Any) -> Any:
    return book.worksheets[FIRST_TABLE]


def _body(book: Any, *, numeric: bool = True) -> Any:
    """The first cell of the first table that is a number, or is none."""
    return next(cell for row in table_rows(_table(book))[1:] for cell in row if (cell.data_type == "n") is numeric)


def _renamed(book: Any) -> None:
    table = next(iter(_table(book).tables.values()))
    table.name = table.displayName = "T1"


def _head_twice(book: Any) -> None:
    head = table_rows(_table(book))[0]
    head[1].value = head[0].value.upper()
    next(iter(_table(book).tables.values())).tableColumns[1].name = head[1].value


def _head_without_unit(book: Any) -> None:
    columns = next(iter(_table(book).tables.values())).tableColumns
    for number, (column, cell) in enumerate(zip(columns, table_rows(_table(book))[0], strict=True)):
        cell.value = column.name = f"Head {number}"


def _second_table(book: Any) -> None:
    sheet = _table(book)
    sheet["A60"], sheet["A61"] = "Head", "text"
    sheet.add_table(Table(displayName="second_table", ref="A60:A61"))


def _unmarked(book: Any) -> None:
    _table(book).tables.clear()


def _filtered(book: Any) -> None:
    _table(book).auto_filter.ref = "A5:B9"


def _commented(book: Any) -> None:
    _body(book).comment = Comment("a remark that floats over the cells", "somebody")


def _put(where: Callable[[Any], Any], **attributes: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        for name, value in attributes.items():
            setattr(where(book), name, value)

    return change


def _without_legend(book: Any) -> None:
    sheet = next(sheet for sheet in book.worksheets[FIRST_TABLE:] if str(sheet["A3"].value).startswith("["))
    sheet["A3"].value = "figures"


def _notes_row(book: Any) -> Any:
    return next(row for row in table_rows(book["Notes"]) if row[0].value == "[note 1]")


def _narrowed(book: Any) -> None:
    for sizes in _table(book).column_dimensions.values():
        sizes.width = 5


BREACHES: list[tuple[str, Callable[[Any], Any]]] = [
    ("sheets_are_cover_contents_notes_and_tables", lambda book: book.remove(book["Notes"])),
    ("sheets_are_cover_contents_notes_and_tables", _put(_table, sheet_state="hidden")),
    ("sheets_are_cover_contents_notes_and_tables", lambda book: setattr(book, "active", 2)),
    ("titles_differ", lambda book: setattr(_table(book)["A1"], "value", book["Cover"]["A1"].value)),
    ("titles_differ", lambda book: setattr(_table(book)["A1"], "value", None)),
    ("tables_have_names_of_their_own", _renamed),
    ("contents_lead_to_every_sheet", lambda book: setattr(table_rows(book["Contents"])[2][0], "hyperlink", None)),
    ("contents_lead_to_every_sheet", _put(lambda book: table_rows(book["Contents"])[2][1], value="another title")),
    ("marks_and_notes_are_explained", _put(_body, value="[q]")),
    ("marks_and_notes_are_explained", _put(lambda book: _notes_row(book)[0], value="[note 0]")),
    ("marks_and_notes_are_explained", _put(lambda book: _table(book)["A2"], value="[note 999]")),
    ("document_has_title_and_language", lambda book: setattr(book.properties, "title", None)),
    ("document_has_title_and_language", lambda book: book.custom_doc_props.props.clear()),
    ("cover_is_text_in_one_column", _put(lambda book: book["Cover"]["B2"], value="beside the text")),
    ("cover_is_text_in_one_column", _put(lambda book: book["Cover"]["A3"], value=None)),
    ("cover_is_text_in_one_column", _put(lambda book: book["Cover"]["A3"], value=2025)),
    ("cover_is_text_in_one_column", _put(lambda book: book["Cover"]["A3"], alignment=Alignment(wrap_text=False))),
    ("cover_is_text_in_one_column", _put(lambda book: book["Cover"].column_dimensions["A"], width=255)),
    ("cover_is_text_in_one_column", lambda book: book["Cover"].add_table(Table(displayName="cover_table", ref="A2:A3"))),
    ("one_table_is_marked_up", _unmarked),
    ("one_table_is_marked_up", _second_table),
    ("one_table_is_marked_up", _filtered),
    ("one_table_is_marked_up", _put(lambda book: _table(book)["A90"], value="below the table")),
    ("one_table_is_marked_up", _put(lambda book: _table(book)["AZ2"], value="beside the table")),
    ("one_table_is_marked_up", _put(lambda book: _table(book)["A3"], value=None)),
    ("says_how_many_tables", _put(lambda book: _table(book)["A2"], value="figures")),
    ("says_which_marks_it_has", _put(_body, value="[w]")),
    ("says_which_marks_it_has", _without_legend),
    ("says_which_marks_it_has", _put(lambda book: _table(book)["A3"], value="[w] withdrawn by the publisher")),
    ("heads_are_distinct_texts", _head_twice),
    ("heads_are_distinct_texts", _put(lambda book: table_rows(_table(book))[0][1], value="another head")),
    ("no_cell_is_empty", _put(_body, value=None)),
    ("cells_are_plain", lambda book: _table(book).merge_cells("A1:C1")),
    ("cells_are_plain", _put(_body, value="=1+1")),
    ("nothing_is_hidden_or_frozen", _put(_table, freeze_panes="B7")),
    ("nothing_is_hidden_or_frozen", _put(lambda book: _table(book).row_dimensions[8], hidden=True)),
    ("nothing_is_hidden_or_frozen", _put(lambda book: _table(book).column_dimensions["C"], hidden=True)),
    ("nothing_is_hidden_or_frozen", _put(lambda book: _table(book).oddFooter.center, text="page")),
    ("no_objects", _commented),
    ("numbers_are_numbers", _put(_body, value="27,832")),
    ("numbers_are_numbers", _put(_body, value="27832 [p]")),
    ("numbers_are_numbers", _put(_body, alignment=Alignment(horizontal="left"))),
    ("numbers_have_units", _head_without_unit),
    ("years_are_western", lambda book: _history(book, "令和7年")),
    ("texts_are_clean", _put(lambda book: _body(book, numeric=False), value="–")),
    ("texts_are_clean", _put(lambda book: _body(book, numeric=False), value="  Type")),
    ("texts_are_clean", _put(lambda book: _body(book, numeric=False), value="オレ\u3000オレ")),
    ("texts_are_clean", _put(lambda book: _body(book, numeric=False), value="①詐欺")),
    ("letters_can_be_read", _put(_body, font=Font(name="Times New Roman", size=12))),
    ("letters_can_be_read", _put(_body, font=Font(name="Arial", size=8))),
    ("letters_can_be_read", _put(_body, font=Font(name="Arial", size=12, color="FFFF0000"))),
    ("letters_can_be_read", _put(_body, fill=PatternFill("solid", fgColor="FFFFFF00"))),
    ("letters_can_be_read", _narrowed),
    ("it_prints_on_pages_of_one_width", _put(lambda book: _table(book).page_setup, orientation="portrait")),
    ("it_prints_on_pages_of_one_width", _put(lambda book: _table(book).sheet_properties.pageSetUpPr, fitToPage=False)),
]


def _history(book: Any, text: str) -> None:
    sheet = next(sheet for sheet in book if sheet.title.endswith("_history"))
    table_rows(sheet)[1][0].value = text


def test_a_workbook_that_was_saved_again_still_breaks_no_rule() -> None:
    assert broken_rules(_changed(lambda book: None)) == []


@pytest.mark.parametrize(("rule", "change"), BREACHES, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(BREACHES)])
def test_a_breach_is_found(rule: str, change: Callable[[Any], Any]) -> None:
    assert rule in {breach.split(":")[0] for breach in broken_rules(_changed(change))}


def test_a_table_without_a_tagged_head_is_found() -> None:
    def untag(book: Any) -> None:
        next(iter(_table(book).tables.values())).headerRowCount = 0

    assert any("not tagged" in breach for breach in broken_rules(_changed(untag)))


def _changed(change: Callable[[Any], Any]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(of_sample()))
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    assert zipfile.is_zipfile(stream)
    return stream.getvalue()
