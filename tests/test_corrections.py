"""What is declared wrong in a publisher's file is used only as long as the file is still wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.model import FalseDeclaration, FraudlossError, RefusedInput
from pipeline.reading.corrections import NOT_COLLECTED, Corrections, Reading, corrections_for, is_no_value, read_cell
from pipeline.reading.declarations import COLUMNS
from pipeline.reading.grids import Grid
from pipeline.reading.numerals import Kind

GRID = Grid("r07.csv", "", (("label", "1.42E+11", "27832", "-", "", "abc", "-5", "約186", "27,832"),))


def declared(tmp_path: Path, *lines: str) -> Corrections:
    (tmp_path / "corrections.csv").write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="utf-8")
    return corrections_for(tmp_path, "r07.csv")


def cell(
    column: int, corrections: Corrections | None = None, *, kind: Kind = "count", unit: str | None = None, blank: bool = False
) -> Reading | None:
    return read_cell(GRID, 0, column, corrections or Corrections([]), kind=kind, unit=unit, blank_is_absent=blank)


def refused(column: int, *, kind: Kind = "count", unit: str | None = None) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        cell(column, kind=kind, unit=unit)
    assert caught.value.file == "r07.csv"
    return caught.value


def test_a_number_is_read_with_the_multiple_of_its_label() -> None:
    assert cell(2) == Reading(Decimal(27832), None, "", "", "27832", "")
    assert cell(2, kind="money", unit="億円") == Reading(Decimal(2_783_200_000_000), Decimal(50_000_000), "", "", "27832", "")


def test_a_figure_printed_as_about_says_so() -> None:
    assert cell(7, kind="money", unit="億円") == Reading(Decimal(18_600_000_000), Decimal(50_000_000), "", "E", "約186", "")


def test_a_dash_is_no_value_and_never_zero() -> None:
    assert cell(3) == Reading(None, None, "not_collected", "", "-", NOT_COLLECTED)


@pytest.mark.parametrize("text", ["-", "－", "−", "ー", "―", "‐", " - ", "　－　"])
def test_every_dash_is_no_value(text: str) -> None:
    assert is_no_value(text)


@pytest.mark.parametrize("text", ["", "0", "--", "-1", "…"])
def test_nothing_else_is_a_dash(text: str) -> None:
    assert not is_no_value(text)


def test_a_blank_is_absent_only_where_the_file_is_an_extract() -> None:
    assert cell(4, blank=True) is None
    assert refused(4).found == "a blank cell"


def test_text_where_a_number_belongs_is_refused_with_its_cell() -> None:
    error = refused(5)
    assert (error.cell, error.found) == ("F1", "'abc'")


def test_a_negative_count_is_refused() -> None:
    assert refused(6).cell == "G1"


def test_lost_digits_that_nobody_declared_are_refused_and_the_remedy_named() -> None:
    error = refused(1, kind="money", unit="円")
    assert (error.cell, error.found) == ("B1", "'1.42E+11'")
    assert "corrections.csv" in error.action


def test_lost_digits_that_are_declared_give_a_figure_without_a_value(tmp_path: Path) -> None:
    corrections = declared(tmp_path, "r07.csv,B1,1.42E+11,refuse,,digits lost,the file")
    assert cell(1, corrections, kind="money", unit="円") == Reading(
        None, None, "unreadable", "", "1.42E+11", "digits lost (printed: 1.42E+11)"
    )
    corrections.refuse_unused()


def test_a_cell_that_is_declared_replaced_is_read_as_declared_and_says_so(tmp_path: Path) -> None:
    corrections = declared(tmp_path, "r07.csv,F1,abc,replace,278,a slip of the press,letter of 2026-10-01")
    reading = cell(5, corrections)
    assert reading is not None
    assert reading.value == Decimal(278)
    assert reading.note == "corrected from 'abc': a slip of the press (letter of 2026-10-01)"


def test_a_declaration_stops_the_run_once_the_publisher_mended_the_cell(tmp_path: Path) -> None:
    corrections = declared(tmp_path, "r07.csv,C1,1.42E+11,refuse,,digits lost,the file")
    with pytest.raises(FalseDeclaration) as caught:
        cell(2, corrections)
    assert (caught.value.cell, caught.value.found) == ("C1", "'27832'")
    assert "remove or change the declaration" in caught.value.action


@pytest.mark.parametrize("where", ["Z99", "2-3-6-2!C1"])
def test_a_declaration_about_a_cell_that_is_not_there_stops_the_run(tmp_path: Path, where: str) -> None:
    corrections = declared(tmp_path, f"r07.csv,{where},1.42E+11,refuse,,digits lost,the file")
    with pytest.raises(FalseDeclaration, match="no table of this source reads"):
        corrections.refuse_unused()


def test_a_declaration_about_a_cell_that_no_table_reads_stops_the_run(tmp_path: Path) -> None:
    corrections = declared(tmp_path, "r07.csv,A1,label,refuse,,why,the file")
    with pytest.raises(FalseDeclaration, match="no table of this source reads"):
        corrections.refuse_unused()


def test_declarations_about_another_file_do_not_matter(tmp_path: Path) -> None:
    corrections = declared(tmp_path, "r08.csv,Z99,1.42E+11,refuse,,digits lost,the file")
    corrections.refuse_unused()


@pytest.mark.parametrize(
    "line",
    [
        "r07.csv,B1,1.42E+11,ignore,,why,where",
        "r07.csv,B1,1.42E+11,replace,,why,where",
        "r07.csv,B1,1.42E+11,refuse,5,why,where",
        "r07.csv,B1,1.42E+11,refuse,,,where",
        "r07.csv,B1,1.42E+11,refuse,,why,",
        "r07.csv,row 3,1.42E+11,refuse,,why,where",
        "r07.csv,B1,1.42E+11,refuse,,a reason, with a comma,where",
        "r07.csv,B1,1.42E+11",
    ],
)
def test_a_malformed_declaration_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(FraudlossError, match=r"corrections\.csv, row 2"):
        declared(tmp_path, line)


def test_a_cell_cannot_be_declared_twice(tmp_path: Path) -> None:
    line = "r07.csv,B1,1.42E+11,refuse,,why,where"
    with pytest.raises(FraudlossError, match="more than once"):
        declared(tmp_path, line, line)


def test_a_list_with_another_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corrections.csv").write_text("file,cell\n", encoding="utf-8")
    with pytest.raises(FraudlossError, match="row 1"):
        corrections_for(tmp_path, "r07.csv")
