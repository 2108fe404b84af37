"""Grids keep every cell as the file holds it, with its address, and refuse what cannot be read exactly."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import RefusedInput
from pipeline.reading.cell_addresses import address, column_letters, parse_address
from pipeline.reading.grids import WHOLE_FILE, Grid, cell_text, read_csv_grid, read_grids, split_unit, titled_tables

TABLE = "図表：２－３－６－１　認知件数,,\r\n,,\r\n年次区分,R６,R７\r\n特殊詐欺,21043,27832\r\n"


def file(tmp_path: Path, content: bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refused(path: Path) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        read_grids(path)
    assert caught.value.file == path.name
    assert caught.value.action
    return caught.value


# ------------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("row", "column", "text"), [(0, 0, "A1"), (3, 10, "K4"), (32, 14, "O33"), (0, 25, "Z1"), (9, 26, "AA10"), (0, 701, "ZZ1")]
)
def test_an_address_is_that_of_a_spreadsheet(row: int, column: int, text: str) -> None:
    assert address(row, column) == text
    assert parse_address(text) == (row, column)


@given(st.integers(0, 10_000), st.integers(0, 16_000))
def test_an_address_leads_back_to_its_cell(row: int, column: int) -> None:
    assert parse_address(address(row, column)) == (row, column)


@given(st.lists(st.integers(0, 16_000), min_size=2, max_size=2, unique=True))
def test_no_two_columns_have_the_same_letters(columns: list[int]) -> None:
    assert len({column_letters(column) for column in columns}) == 2


@pytest.mark.parametrize("text", ["", "4", "K", "k4", "K0", "4K", "K4:L5", "$K$4", "sheet!K4"])
def test_what_is_no_address_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a cell address"):
        parse_address(text)


def test_a_cell_of_a_workbook_carries_its_sheet() -> None:
    grid = Grid("r07_2-3.xlsx", "2-3-6-2", (("a", "b"),))
    assert grid.origin(0, 1) == "r07_2-3.xlsx!2-3-6-2!B1"
    assert Grid("r07.csv", "", (("a", "b"),)).origin(0, 1) == "r07.csv!B1"


def test_a_refusal_names_file_cell_finding_expectation_and_remedy() -> None:
    error = Grid("r07.csv", "", (("a", "b"),)).refusal(0, 1, expected="a number", action="look at it")
    assert str(error) == "r07.csv, B1: found 'b'; expected a number. What to do: look at it"


# ------------------------------------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_csv_is_read_in_utf8_and_in_cp932_to_the_same_cells(tmp_path: Path, encoding: str) -> None:
    grid = read_csv_grid(file(tmp_path, TABLE.encode(encoding)))
    assert grid.text(0, 0) == "図表：２－３－６－１　認知件数"
    assert grid.text(3, 2) == "27832"
    assert (grid.width, len(grid.rows), grid.cell(3, 2)) == (3, 4, "C4")


def test_cells_keep_spaces_quotes_and_line_breaks(tmp_path: Path) -> None:
    grid = read_csv_grid(file(tmp_path, b'" a ","say ""x"", y"\r\n"two\nlines",b\r\n'))
    assert grid.rows == ((" a ", 'say "x", y'), ("two\nlines", "b"))


def test_a_line_without_commas_is_a_blank_row(tmp_path: Path) -> None:
    assert read_csv_grid(file(tmp_path, b"a,b\n\nc,d\n")).rows == (("a", "b"), ("", ""), ("c", "d"))


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"   \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    error = refused(file(tmp_path, content))
    assert (error.cell, error.found) == (WHOLE_FILE, "an empty file")


def test_a_byte_that_is_no_text_is_refused_with_its_offset(tmp_path: Path) -> None:
    content = TABLE.encode("cp932")
    error = refused(file(tmp_path, content[:40] + b"\x81\xff" + content[40:]))
    assert error.cell == "byte 40"
    assert "UTF-8 or cp932" in error.expected


def test_broken_utf8_after_a_byte_order_mark_is_not_read_as_something_else(tmp_path: Path) -> None:
    error = refused(file(tmp_path, b"\xef\xbb\xbf" + "特殊詐欺,1\n".encode()[:-8] + b",1\n"))
    assert error.cell.startswith("byte ")
    assert "UTF-8" in error.expected


def test_japanese_text_in_euc_jp_is_refused_and_not_read_as_half_width_katakana(tmp_path: Path) -> None:
    error = refused(file(tmp_path, "特殊詐欺認知件数,27832\nオレオレ詐欺,14489\n".encode("euc-jp")))
    assert "cp932" in error.expected


def test_half_width_katakana_among_other_text_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert read_csv_grid(file(tmp_path, "特殊詐欺認知件数ｵﾚ,1\n".encode("cp932"))).text(0, 0) == "特殊詐欺認知件数ｵﾚ"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (TABLE.encode("utf-16"), "a NUL byte"),
        (b"a,b\x00\n", "a NUL byte"),
        (b"PK\x03\x04rest", "a ZIP archive or workbook"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Office file (.xls, .doc)"),
        (b"<!DOCTYPE html>\n<html></html>\n", "an HTML or XML page"),
        (b"\n  <HTML><body>404</body></HTML>\n", "an HTML or XML page"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    assert refused(file(tmp_path, content)).found == what


def test_a_file_that_is_cut_off_within_a_row_is_refused(tmp_path: Path) -> None:
    error = refused(file(tmp_path, TABLE.encode("cp932")[:-7]))
    assert error.cell == "row 4"
    assert "line end" in error.expected


def test_a_row_with_fewer_columns_is_refused_by_its_number(tmp_path: Path) -> None:
    error = refused(file(tmp_path, b"a,b,c\n1,2,3\n1,2\n"))
    assert (error.cell, error.found) == ("row 3", "2 columns")


def test_a_quote_that_never_ends_is_refused(tmp_path: Path) -> None:
    assert "broken quoting" in refused(file(tmp_path, b'a,b\n"1,2\n')).found


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert refused(file(tmp_path, b"x", "table.pdf")).found == "a file ending in '.pdf'"


@given(st.binary(max_size=200))
def test_any_bytes_are_either_a_grid_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = file(tmp_path_factory.getbasetemp(), content)
    try:
        grid = read_csv_grid(path)
    except RefusedInput:
        return
    assert {len(row) for row in grid.rows} == {grid.width}


# -------------------------------------------------------------------------------------------------------------- workbook


def workbook() -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    book.set_properties({"created": dt.datetime(2026, 1, 1)})  # noqa: DTZ001  a workbook's clock has no zone
    page = book.add_worksheet("2-3-6-2")
    page.write_string(0, 0, "特殊詐欺被害額")
    page.write_number(1, 2, 142309498218)
    page.write_number(2, 1, 0.5)
    book.add_worksheet("empty")
    book.close()
    return stream.getvalue()


def test_a_workbook_keeps_every_digit_and_names_its_sheets(tmp_path: Path) -> None:
    first, empty = read_grids(file(tmp_path, workbook(), "book.xlsx"))
    assert (first.sheet, empty.sheet) == ("2-3-6-2", "empty")
    assert first.text(1, 2) == "142309498218"
    assert first.text(2, 1) == "0.5"
    assert first.text(0, 2) == ""
    assert first.origin(1, 2) == "book.xlsx!2-3-6-2!C2"


def test_a_cell_can_be_looked_up_again_by_its_address(tmp_path: Path) -> None:
    path = file(tmp_path, workbook(), "book.xlsx")
    assert cell_text(path, "2-3-6-2!C2") == "142309498218"
    assert cell_text(path, "2-3-6-2!ZZ99") == ""
    assert cell_text(file(tmp_path, TABLE.encode("cp932")), "C4") == "27832"
    with pytest.raises(RefusedInput, match="no sheet '2-3-6-9'"):
        cell_text(path, "2-3-6-9!C2")


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no readable workbook" in refused(file(tmp_path, stream.getvalue(), "book.xlsx")).found


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_workbook_that_is_cut_off_is_refused(tmp_path: Path, kept: float) -> None:
    content = workbook()
    assert "no readable workbook" in refused(file(tmp_path, content[: int(len(content) * kept)], "book.xlsx")).found


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"<html></html>", "an HTML or XML page"),
        (b"a,b\n", "something that is no workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Office file (.xls, .doc)"),
    ],
)
def test_a_workbook_that_is_none_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    assert refused(file(tmp_path, content, "book.xlsx")).found == what


# ---------------------------------------------------------------------------------------------------- the book's tables


@pytest.mark.parametrize(
    "title",
    [
        "図表：２－３－７－１　手口別認知件数",
        "図表：２－３－7－１　手口別　認知件数",
        "図表：2-3-7-1（手口別認知件数）",
        "図表：　２－３－７－１ 手口別認知件数",
    ],
)
def test_a_title_is_found_whatever_its_widths_and_brackets(title: str) -> None:
    grid = Grid("r07.csv", "", ((title, ""), ("", ""), ("年次区分", "R7"), ("計", "1"), ("", ""), ("※", "note")))
    (table,) = titled_tables(grid)
    assert (table.number, table.title, table.title_row, table.body) == ("2-3-7-1", "手口別認知件数", 0, (2, 3))


def test_a_table_ends_before_the_next_title() -> None:
    rows = (("図表：１　甲", ""), ("a", "1"), ("図表：２　乙", ""), ("b", "2"))
    first, second = titled_tables(Grid("r07.csv", "", rows))
    assert (first.title, first.body) == ("甲", (1,))
    assert (second.title, second.body) == ("乙", (3,))


@pytest.mark.parametrize(
    ("label", "split"),
    [
        ("検挙件数(件)", ("検挙件数", "件")),
        ("被害額(円)", ("被害額", "円")),
        ("実質的な被害総額(単位:億円)", ("実質的な被害総額", "億円")),
        ("被害総額(既遂のみ)(単位:円)", ("被害総額(既遂のみ)", "円")),
        ("被害総額(既遂のみ)", ("被害総額(既遂のみ)", None)),
        ("検挙人員", ("検挙人員", None)),
    ],
)
def test_a_unit_at_the_end_of_a_label_is_split_off(label: str, split: tuple[str, str | None]) -> None:
    assert split_unit(label) == split
