"""The annual book's figures come out exactly as printed, and a book that is not as expected is refused."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.ingest.harmonise import harmonise
from pipeline.model import TOTAL, RefusedInput
from pipeline.reading.figures import Figure
from pipeline.reading.grids import WHOLE_FILE
from pipeline.sources.catalogue import source
from tests.figures import snapshot
from tests.grid_files import INBOX, Rows, damaged, figure_of, read_figures, rename, set_cell, shipped_rows, value_of, written

SOURCE = "npa_annual"
BOOK, WORKBOOK = "r07.csv", "r07_2-3.xlsx"
TEN_TYPES = source(SOURCE).meta["tables"]["special_fraud"]["parts"]["npa_2020"]
SNS_TYPES = source(SOURCE).meta["tables"]["sns_fraud"]["parts"]["npa_sns_2023"]
MEASURES = ("cases", "cases_completed", "loss", "cases_cleared", "persons_arrested")


@pytest.fixture(scope="module")
def book() -> list[Figure]:
    return read_figures(SOURCE, INBOX / SOURCE / BOOK, extract=False)


@pytest.fixture(scope="module")
def workbook() -> list[Figure]:
    return read_figures(SOURCE, INBOX / SOURCE / WORKBOOK, extract=True)


def refused(path: Path, *, extract: bool = False) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        read_figures(SOURCE, path, extract=extract)
    assert caught.value.file == path.name
    assert caught.value.expected
    assert caught.value.action
    return caught.value


# ---------------------------------------------------------------------------------------------------------- what comes out

# Source of the golden figures: 令和7年の刑法犯に関する統計資料 (r07.csv), tables 2-3-6-1, -2, -4 and 2-3-7-1, -2, -4.
GOLDEN = [
    ("special_fraud", "2025", "cases", TOTAL, 27832, "O4"),
    ("special_fraud", "2025", "cases_completed", TOTAL, 27179, "O5"),
    ("special_fraud", "2024", "cases", TOTAL, 21043, "N4"),
    ("special_fraud", "2016", "cases", TOTAL, 14154, "F4"),
    ("special_fraud", "2024", "loss", TOTAL, 71877275370, "N33"),
    ("special_fraud", "2023", "loss", TOTAL, 45256436710, "M33"),
    ("special_fraud", "2025", "cases", "オレオレ詐欺", 14489, "O6"),
    ("special_fraud", "2025", "cases_completed", "オレオレ詐欺", 14158, "O7"),
    ("special_fraud", "2024", "loss", "オレオレ詐欺", 45842900700, "N34"),
    ("special_fraud", "2018", "cases", "キャッシュカード詐欺盗", 1348, "H24"),
    ("special_fraud", "2021", "cases_cleared", "交際あっせん詐欺", 2, "K58"),
    ("special_fraud", "2022", "cases_cleared", "交際あっせん詐欺", 0, "L58"),
    ("special_fraud", "2016", "persons_arrested", TOTAL, 2369, "F61"),
    ("sns_fraud", "2025", "cases", TOTAL, 15168, "G78"),
    ("sns_fraud", "2023", "loss", TOTAL, 45518202985, "F90"),
    ("sns_fraud", "2024", "loss", "SNS型投資詐欺", 87107992000, "G91"),
    ("sns_fraud", "2025", "loss", "SNS型ロマンス詐欺", 54635088000, "H92"),
    ("sns_fraud", "2025", "persons_arrested", TOTAL, 397, "G100"),
]


@pytest.mark.parametrize(("table", "year", "measure", "native_type", "value", "cell"), GOLDEN)
def test_the_book_says_what_it_prints_and_where(
    book: list[Figure], table: str, year: str, measure: str, native_type: str, value: int, cell: str
) -> None:
    figure = figure_of(book, table, year, measure, native_type)
    assert (figure.value, figure.origin) == (Decimal(value), f"{BOOK}!{cell}")
    assert figure.precision is None
    assert figure.unit == {"loss": "JPY", "persons_arrested": "persons"}.get(measure, "cases")


def test_every_cell_of_the_book_becomes_one_figure(book: list[Figure]) -> None:
    # 11 rows of special fraud in 5 measures over 10 years, 3 rows of SNS fraud in 5 measures over 3 years.
    assert len(book) == 11 * 5 * 10 + 3 * 5 * 3
    assert len({figure.origin for figure in book}) == len(book)


# Source: 令和7年の刑法犯に関する統計資料 (r07_2-3.xlsx), tables 2-3-6-2 and 2-3-7-2.
def test_the_workbook_holds_the_exact_totals_that_the_csv_lost(workbook: list[Figure]) -> None:
    exact = {(figure.table, figure.period): (figure.value, figure.origin) for figure in workbook}
    assert exact == {
        ("special_fraud", "2025"): (Decimal(142309498218), f"{WORKBOOK}!2-3-6-2!O4"),
        ("sns_fraud", "2023"): (Decimal(45518202985), f"{WORKBOOK}!2-3-7-2!F4"),
        ("sns_fraud", "2024"): (Decimal(127193792000), f"{WORKBOOK}!2-3-7-2!G4"),
        ("sns_fraud", "2025"): (Decimal(183433089000), f"{WORKBOOK}!2-3-7-2!H4"),
    }


def test_cells_that_lost_their_digits_are_figures_without_a_value(book: list[Figure]) -> None:
    lost = {figure.origin: figure for figure in book if figure.absence == "unreadable"}
    assert {origin: (f.table, f.period, f.native_type, f.printed) for origin, f in lost.items()} == {
        f"{BOOK}!O33": ("special_fraud", "2025", TOTAL, "1.42E+11"),
        f"{BOOK}!O34": ("special_fraud", "2025", "オレオレ詐欺", "1.14E+11"),
        f"{BOOK}!G90": ("sns_fraud", "2024", TOTAL, "1.27E+11"),
        f"{BOOK}!H90": ("sns_fraud", "2025", TOTAL, "1.83E+11"),
        f"{BOOK}!H91": ("sns_fraud", "2025", "SNS型投資詐欺", "1.29E+11"),
    }
    for figure in lost.values():
        assert figure.value is None
        assert "three digits" in figure.note
        assert figure.printed in figure.note


def test_a_dash_is_no_figure_of_zero(book: list[Figure]) -> None:
    dashes = {(f.table, f.period, f.native_type) for f in book if f.printed == "-"}
    assert dashes == {
        *(("special_fraud", str(year), "預貯金詐欺") for year in range(2016, 2020)),
        *(("special_fraud", str(year), "キャッシュカード詐欺盗") for year in (2016, 2017)),
        *(("sns_fraud", "2023", native_type) for native_type in (TOTAL, *SNS_TYPES)),
    }
    assert all(f.value is None and f.absence == "not_collected" and f.note for f in book if f.printed == "-")


@pytest.mark.parametrize("year", range(2016, 2026))
@pytest.mark.parametrize("measure", MEASURES)
def test_the_ten_types_sum_to_the_total_where_it_is_printed_in_full(book: list[Figure], measure: str, year: int) -> None:
    parts = [figure_of(book, "special_fraud", str(year), measure, native_type) for native_type in TEN_TYPES]
    total = value_of(book, "special_fraud", str(year), measure)
    if (measure, year) == ("loss", 2025):
        assert total is None
    else:
        assert sum(part.value for part in parts if part.value is not None) == total


@pytest.mark.parametrize("year", ["2023", "2024", "2025"])
@pytest.mark.parametrize("measure", MEASURES)
def test_both_kinds_of_sns_fraud_sum_to_the_total(book: list[Figure], workbook: list[Figure], measure: str, year: str) -> None:
    values = [value_of(book, "sns_fraud", year, measure, native_type) for native_type in SNS_TYPES]
    total = value_of(workbook if measure == "loss" else book, "sns_fraud", year, measure)
    if any(value is None for value in values):
        assert (measure, year) in {("loss", "2025"), ("cases_cleared", "2023"), ("persons_arrested", "2023")}
    else:
        assert sum(value for value in values if value is not None) == total


def test_completed_cases_never_exceed_recognised_ones(book: list[Figure]) -> None:
    completed = [figure for figure in book if figure.measure == "cases_completed" and figure.value is not None]
    assert len(completed) == 110 - 6 + 9
    for figure in completed:
        recognised = value_of(book, figure.table, figure.period, "cases", figure.native_type)
        assert recognised is not None
        assert figure.value is not None
        assert figure.value <= recognised


def test_every_label_of_the_book_has_a_common_code(book: list[Figure], workbook: list[Figure]) -> None:
    taken = snapshot("0123456789ab", "2026-09-20", source=SOURCE, file=BOOK)
    frame = harmonise(book, taken, source(SOURCE))
    codes = dict(zip(frame["native_type"], frame["fraud_type"], strict=True))
    assert set(codes) == {TOTAL, *TEN_TYPES, *SNS_TYPES}
    assert (codes[TOTAL], codes["オレオレ詐欺"], codes["SNS型ロマンス詐欺"]) == (TOTAL, "IMP", "ROM")
    assert len(harmonise(workbook, taken, source(SOURCE))) == 4


# --------------------------------------------------------------------------------------------------- what reads the same


def test_widths_of_letters_and_brackets_do_not_matter(tmp_path: Path, book: list[Figure]) -> None:
    def change(rows: Rows) -> None:
        rows[0][0] = "図表：2-3-6-1（手口別特殊詐欺認知件数）"
        rows[2][8] = "Ｒ元"
        rows[2][9] = "令和２年"
        rows[32][0] = "特殊詐欺被害額（円）"
        rows[77][0] = rows[77][0].replace("ＳＮＳ", "SNS")

    same = read_figures(SOURCE, damaged(tmp_path, SOURCE, BOOK, change), extract=False)
    assert same == book


def test_a_copy_in_utf8_reads_the_same(tmp_path: Path, book: list[Figure]) -> None:
    path = written(tmp_path / BOOK, shipped_rows(SOURCE, BOOK), "utf-8-sig")
    assert read_figures(SOURCE, path, extract=False) == book


def test_other_tables_of_the_book_are_passed_over(tmp_path: Path, book: list[Figure]) -> None:
    def change(rows: Rows) -> None:
        width = len(rows[0])
        for text in ("図表：４－１－１－１　年齢別殺人認知件数", "", "　　年次区分", "殺人認知件数"):
            rows.append([text, *[""] * (width - 1)])

    assert read_figures(SOURCE, damaged(tmp_path, SOURCE, BOOK, change), extract=False) == book


# ------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "cell", "found"),
    [
        pytest.param(rename("A3", "年次区分", "年別"), "A3", "年別", id="renamed header"),
        pytest.param(set_cell("F3", "X28"), "F3", "X28", id="unknown era"),
        pytest.param(set_cell("F3", "H32"), "F3", "H32", id="a year that the era never had"),
        pytest.param(set_cell("G3", "H28"), "F3", "2016", id="years that do not follow each other"),
        pytest.param(set_cell("J3", ""), "F3", "K3 = 2021", id="a year missing in the header"),
        pytest.param(rename("A4", "認知", "受理"), "A4", "受理", id="renamed total"),
        pytest.param(set_cell("B6", "ニセ警察詐欺"), "B6", "ニセ警察詐欺", id="unknown type"),
        pytest.param(rename("D5", "既遂", "未遂"), "D5", "未遂", id="renamed subset"),
        pytest.param(set_cell("O4", "調査中"), "O4", "調査中", id="text where a number belongs"),
        pytest.param(set_cell("O4", "2.78E+04"), "O4", "2.78E+04", id="lost digits that nobody declared"),
        pytest.param(set_cell("O4", ""), "O4", "a blank cell", id="blank cell"),
        pytest.param(set_cell("O4", "-27832"), "O4", "-27832", id="negative count"),
        pytest.param(set_cell("O4", "27832.5"), "O4", "27832.5", id="half a case"),
        pytest.param(set_cell("P4", "31000"), "P4", "31000", id="a figure beyond the header"),
        pytest.param(set_cell("C6", "5753"), "C6", "2 labels", id="a row shifted to the left"),
        pytest.param(set_cell("A33", "特殊詐欺被害額（件）"), "A33", "（件）", id="a unit of something else"),
        pytest.param(set_cell("O33", "142309498218"), "O33", "142309498218", id="a declared cell that was mended"),
        pytest.param(set_cell("O34", "1.15E+11"), "O34", "1.15E+11", id="a declared cell that changed"),
    ],
)
def test_a_damaged_cell_is_refused_by_its_address(tmp_path: Path, change: Callable[[Rows], None], cell: str, found: str) -> None:
    error = refused(damaged(tmp_path, SOURCE, BOOK, change))
    assert error.cell == cell
    assert found in error.found


def test_a_header_that_was_moved_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[2] = ["", *rows[2][:-1]]

    assert "left of the first year" in refused(damaged(tmp_path, SOURCE, BOOK, change)).found


def test_a_type_that_stands_twice_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        # After the last type of the first table, so that no other cell moves within it.
        rows[25][1] = "オレオレ詐欺"
        rows[25][5:15] = ["1"] * 10

    error = refused(damaged(tmp_path, SOURCE, BOOK, change))
    assert (error.cell, error.found) == ("B26", "cases of オレオレ詐欺 again")
    assert "row 6" in error.expected


def test_a_table_that_stands_twice_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows += [*rows[0:25]]

    error = refused(damaged(tmp_path, SOURCE, BOOK, change))
    assert "already stands at A1" in error.expected


def test_a_missing_table_is_refused_by_its_title(tmp_path: Path) -> None:
    error = refused(damaged(tmp_path, SOURCE, BOOK, rename("A30", "被害額", "損害額")))
    assert error.cell == WHOLE_FILE
    assert "手口別特殊詐欺被害額" in error.found
    assert "手口別特殊詐欺損害額" in error.found


@pytest.mark.parametrize("rows_kept", [10, 40, 70, 88, 99])
def test_a_book_that_was_cut_off_between_rows_is_refused(tmp_path: Path, rows_kept: int) -> None:
    def change(rows: Rows) -> None:
        del rows[rows_kept:]

    refused(damaged(tmp_path, SOURCE, BOOK, change))


def test_a_book_that_was_cut_off_within_a_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / BOOK
    path.write_bytes((INBOX / SOURCE / BOOK).read_bytes()[:-60])
    refused(path)


def test_a_row_that_is_missing_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        del rows[23:25]
        # Other cells keep their addresses.
        rows[23:23] = [[""] * len(rows[0])] * 2

    error = refused(damaged(tmp_path, SOURCE, BOOK, change))
    assert (error.cell, error.found) == ("A1", "a table without the row キャッシュカード詐欺盗 for cases")


def test_a_file_that_is_not_the_book_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "r08.csv", [["年", "件数"], ["2025", "1"]])
    error = refused(path)
    assert error.cell == WHOLE_FILE
    assert "no title of a table" in error.found
    assert "no title of a table" in refused(path, extract=True).found


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "empty"), (b"%PDF-1.7 ...", "a PDF"), (b"<html></html>", "HTML"), (b"PK\x03\x04....", "ZIP")],
)
def test_a_file_that_is_no_csv_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / BOOK
    path.write_bytes(content)
    assert found in refused(path).found


def test_a_book_in_another_encoding_is_refused_with_the_byte(tmp_path: Path) -> None:
    text = (INBOX / SOURCE / BOOK).read_bytes().decode("cp932")
    path = tmp_path / BOOK
    path.write_bytes(text.encode("euc-jp", errors="replace"))
    assert refused(path).cell.startswith("byte ")


def test_the_workbook_may_leave_cells_blank_only_as_an_extract() -> None:
    error = refused(INBOX / SOURCE / WORKBOOK)
    assert error.cell == WHOLE_FILE
    assert "手口別特殊詐欺認知件数" in error.found
