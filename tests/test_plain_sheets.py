"""Whatever a text looks like, gptables' sheets show it as text; what is replaced of gptables is there, and has to be replaced."""

from __future__ import annotations

import importlib.metadata
import inspect
import io
from decimal import Decimal
from typing import Any

import gptables
import openpyxl
import pandas as pd
import pytest
from gptables.core.wrappers import GPWorksheet

from pipeline.publish.plain_sheets import ONE_TABLE, PlainSheet, PlainTable, PlainWorkbook

LINK = "[a](http://x)"
REFERENCE = "$$a$$"
JAPANESE = "オレオレ詐欺"
HOSTILE = [
    LINK,
    "[a](b) and [c](d)",
    REFERENCE,
    JAPANESE,
    "=cmd|'/C calc'!A0",
    "{=1+1}",
    "+1",
    "@SUM(A1)",
    "<b>&amp;",
    "http://x.invalid",
    "internal:'Notes'!A1",
    "mailto:a@x.invalid",
    "27,832",
    "1e5",
    "***",
    " ",
]
REPLACED = {
    (PlainTable, gptables.GPTable): {"set_table"},
    (PlainSheet, GPWorksheet): {"_reference_annotations", "_parse_urls", "_smart_write", "_write_table_elements"},
    (PlainWorkbook, gptables.GPWorkbook): {"add_worksheet", "make_notesheet", "_strip_annotation_references"},
}


def frame(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=object)


def written(table: gptables.GPTable, cover: gptables.Cover | None = None) -> Any:
    """The workbook with the table, its contents, and a cover where one is given, as a reader opens it."""
    book = PlainWorkbook()
    if cover is not None:
        book.add_worksheet("Cover").write_cover(cover)
    contents = book.make_table_of_contents({"Data": table}, column_names=["Worksheet", "Table"])
    book.add_worksheet("Contents").write_gptable(contents, auto_width=True)
    book.add_worksheet("Data").write_gptable(table, auto_width=True)
    return openpyxl.load_workbook(io.BytesIO(book.content()))


def values(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


# ----------------------------------------------------------------------------------------------------------- what is written


def test_hostile_texts_are_texts_wherever_they_stand() -> None:
    heads = [*HOSTILE, "Number"]
    table = pd.DataFrame({head: [text, *HOSTILE[:2]] for head, text in zip(heads, [*HOSTILE, "x"], strict=True)}, dtype=object)
    above = {"instructions": LINK, "scope": REFERENCE, "legend": ["=1+1", JAPANESE], "source": "[a](b) and [c](d)"}
    data = PlainTable(table, "table_data", LINK, index_columns={1: 0}, **above)
    book = written(data, gptables.Cover(LINK, intro=HOSTILE, about=[[{"bold": True}, LINK]]))
    rows = values(book["Data"])
    assert [row[0] for row in rows[:6]] == [LINK, LINK, REFERENCE, "=1+1", JAPANESE, "[a](b) and [c](d)"]
    assert rows[6] == heads
    assert rows[7] == [*HOSTILE, "x"]
    assert [row[0] for row in values(book["Cover"])] == [
        LINK,
        "Introductory information",
        *HOSTILE,
        "About these data",
        LINK,
    ]
    assert values(book["Contents"])[-1] == ["Data", LINK]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [(cell.value, cell.hyperlink.location) for cell in cells if cell.hyperlink] == [("Data", "'Data'!A1")]


def test_the_title_of_a_table_is_in_its_mark_up_and_in_the_contents_as_it_is() -> None:
    book = written(PlainTable(frame(Type=[JAPANESE]), "table_data", "Cases $$a$$ of [a](b)", instructions=ONE_TABLE))
    (table,) = book["Data"].tables.values()
    assert (table.name, table.ref, table.autoFilter) == ("table_data", "A3:A4", None)
    assert values(book["Contents"])[-1][1] == values(book["Data"])[0][0] == "Cases $$a$$ of [a](b)"


def test_numbers_are_numbers_with_marks_among_them_and_no_digit_is_hidden() -> None:
    numbers = [Decimal("142309498218"), Decimal("0.125"), Decimal("-2.50"), "[x]"]
    table = frame(Type=["a", "b", "c", "d"], Loss=numbers)
    cells = [row[1] for row in written(PlainTable(table, "t_1", "Loss"))["Data"].iter_rows(min_row=4)]
    assert [cell.value for cell in cells] == [142309498218, 0.125, -2.5, "[x]"]
    assert [cell.number_format for cell in cells] == ["#,##0", "#,##0.0##", "#,##0.0##", "General"]
    assert cells[3].alignment.horizontal == "right"


def test_an_empty_cell_a_table_without_rows_and_a_head_twice_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"table_data, row 4, 'Type': the cell is empty"):
        written(PlainTable(frame(Type=[""]), "table_data", "Cases"))
    with pytest.raises(ValueError, match="table_data has no row"):
        written(PlainTable(frame(Type=[]), "table_data", "Cases"))
    with pytest.warns(UserWarning, match="Duplicate header"), pytest.raises(ValueError, match="differ in case alone"):
        written(PlainTable(frame(Type=["a"], TYPE=["b"]), "table_data", "Cases"))
    with pytest.raises(ValueError, match="Empty column name"):
        PlainTable(frame(**{"": ["a"]}), "table_data", "Cases")


def test_a_table_is_left_as_it_was() -> None:
    table = frame(Type=[LINK, " "], Loss=[Decimal(1), "[x]"])
    before = table.copy()
    data = PlainTable(table, "table_data", LINK)
    assert values(written(data)["Data"]) == values(written(data)["Data"])
    pd.testing.assert_frame_equal(table, before)


# --------------------------------------------------------------------------------------------------- what it is written with


def test_what_is_replaced_of_gptables_is_there_with_the_same_parameters() -> None:
    assert importlib.metadata.version("gptables") == "2.0.2"
    for (own, theirs), names in REPLACED.items():
        shared = {name for name in vars(own) if callable(getattr(own, name)) and hasattr(theirs, name)}
        assert {name for name in shared if not name.startswith("__")} == names
        for name in names:
            assert list(inspect.signature(getattr(own, name)).parameters) == list(
                inspect.signature(getattr(theirs, name)).parameters
            )


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_what_is_replaced_has_to_be() -> None:
    """gptables itself: a link of a text, a refused cell and a refused head. Where it no longer is so, less need be replaced."""

    def theirs(text: str) -> Any:
        stream = io.BytesIO()
        book = gptables.GPWorkbook(stream)
        table = gptables.GPTable(frame(Type=["a"], Label=[text]), "table_data", "Cases")
        book.add_worksheet("Data").write_gptable(table, auto_width=True)
        book.close()
        return openpyxl.load_workbook(stream)["Data"]["B4"]

    assert theirs(LINK).hyperlink.target == "http://x"
    with pytest.raises(ValueError, match="only special characters"):
        theirs(JAPANESE)
    with pytest.raises(ValueError, match="no longer supported"):
        gptables.GPTable(frame(**{REFERENCE: ["a"]}), "table_data", "Cases")
