"""The monthly file's figures come out with the period that they are about, and a file that is not as expected is refused."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.ingest.harmonise import harmonise
from pipeline.model import TOTAL, Period, RefusedInput
from pipeline.reading.figures import Figure
from pipeline.reading.grids import WHOLE_FILE
from pipeline.sources.catalogue import source
from tests.figures import snapshot
from tests.grid_files import INBOX, Rows, damaged, figure_of, read_figures, rename, set_cell, shipped_rows, value_of, written

SOURCE = "npa_monthly"
PARTS = source(SOURCE).meta["tables"]["special_fraud"]["parts"]
THIRTEEN_TYPES = PARTS["npa_2026"]
OKU = 100_000_000
FILES = sorted(path.name for path in (INBOX / SOURCE).glob("*_hurikomesagi_toukei.csv"))


def named(published: str) -> str:
    return f"{published}_hurikomesagi_toukei.csv"


def of_release(published: str) -> list[Figure]:
    return read_figures(SOURCE, INBOX / SOURCE / named(published), extract=True)


def refused(path: Path, *, extract: bool = True) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        read_figures(SOURCE, path, extract=extract)
    assert caught.value.file == path.name
    assert caught.value.expected
    assert caught.value.action
    return caught.value


# ---------------------------------------------------------------------------------------------------------- what comes out


# Source: hurikomesagi_toukei.csv as parsed on 2026-06-22, 令和8年1月～4月 (暫定値).
def test_the_thirteen_types_of_2026_sum_to_the_totals_to_the_yen() -> None:
    figures = of_release("2026-06-22")
    assert len(figures) == 28
    assert {figure.period for figure in figures} == {"2026-01/2026-04"}
    assert {figure.classification for figure in figures} == {"npa_2026"}
    assert {figure.table for figure in figures} == {"special_fraud"}
    assert not any(figure.overlay for figure in figures)
    for measure, total in (("cases", 14_898), ("loss", 125_997_328_926)):
        assert value_of(figures, "special_fraud", "2026-01/2026-04", measure) == total
        parts = [value_of(figures, "special_fraud", "2026-01/2026-04", measure, label) for label in THIRTEEN_TYPES]
        assert sum(part for part in parts if part is not None) == total
        assert len(parts) == 13


GOLDEN = [
    # Source: npa.go.jp/bureau/safetylife/sos47/new-topics/250902/01.html
    ("2025-09-02", "special_fraud", "2025-01/2025-07", "cases", TOTAL, 15_583, None),
    ("2025-09-02", "special_fraud", "2025-01/2025-07", "loss", TOTAL, 72_210_000_000, 5_000_000),
    ("2025-09-02", "sns_fraud", "2025-07", "cases", "SNS型投資詐欺", 875, None),
    ("2025-09-02", "sns_fraud", "2025-07", "loss", "SNS型投資詐欺", 11_340_000_000, 5_000_000),
    ("2025-09-02", "sns_fraud", "2025-01/2025-07", "persons_arrested", "SNS型ロマンス詐欺", 129, None),
    # Source: npa.go.jp/bureau/safetylife/sos47/new-topics/250804/01.html (令和7年上半期)
    ("2025-08-04", "special_fraud", "2025-S1", "cases", TOTAL, 13_213, None),
    ("2025-08-04", "sns_fraud", "2025-S1", "loss", "SNS型ロマンス詐欺", 23_960_000_000, 5_000_000),
    # Source: summary of the release of 2024-08-01 (令和6年上半期)
    ("2024-08-01", "special_fraud", "2024-S1", "persons_arrested", TOTAL, 914, None),
    ("2024-08-01", "special_fraud", "2024-S1", "loss", "架空料金請求詐欺", 6_000_000_000, 5_000_000),
    # Source: items of 2024-09-21 and 2024-11-20 on the figures to the end of July and September 2024, printed to 1 oku
    ("2024-09", "special_fraud", "2024-01/2024-07", "loss", TOTAL, 28_300_000_000, 50_000_000),
    ("2024-11", "special_fraud", "2024-09", "cases", TOTAL, 1_892, None),
    # Source: npa.go.jp/bureau/safetylife/sos47/new-topics/251225/01.html
    ("2025-12-25", "special_and_sns", "2025-01/2025-11", "cases", TOTAL, 38_121, None),
    ("2025-12-25", "sns_fraud", "2024-01/2024-11", "cases", TOTAL, 9_335, None),
]


@pytest.mark.parametrize(("published", "table", "period", "measure", "native_type", "value", "precision"), GOLDEN)
def test_a_release_says_what_it_prints_with_the_precision_of_its_print(
    published: str, table: str, period: str, measure: str, native_type: str, value: int, precision: int | None
) -> None:
    figure = figure_of(of_release(published), table, period, measure, native_type)
    assert figure.value == value
    assert figure.precision == precision
    assert figure.origin.startswith(f"{named(published)}!")


def test_only_a_release_that_says_half_year_is_one() -> None:
    assert {figure.period for figure in of_release("2025-08-04")} == {"2025-S1"}
    assert "2024-01/2024-03" in {figure.period for figure in of_release("2024-05-16")}


def test_no_month_after_the_release_month_becomes_a_figure() -> None:
    for name in FILES:
        figures = read_figures(SOURCE, INBOX / SOURCE / name, extract=True)
        totals = [Period.parse(figure.period) for figure in figures if len(figure.period) > 7]
        months = [Period.parse(figure.period) for figure in figures if len(figure.period) == 7 and figure.period[5] != "S"]
        assert not any(figure.value == 0 for figure in figures)
        if totals and months:
            assert max(month.end for month in months) <= max(total.end for total in totals)


def test_the_year_before_is_marked_as_printed_again() -> None:
    editions = {(figure.period[:4], figure.edition) for figure in of_release("2025-12-25")}
    assert editions == {("2025", "provisional"), ("2024", "restated")}


def test_fake_police_fraud_is_a_tag_before_2026_and_a_type_from_then_on() -> None:
    before = [figure for figure in of_release("2025-12-25") if figure.native_type == "ニセ警察詐欺"]
    since = [figure for figure in of_release("2026-06-22") if figure.native_type == "ニセ警察詐欺"]
    assert {(figure.overlay, figure.classification) for figure in before} == {(True, "npa_2020")}
    assert {(figure.overlay, figure.classification) for figure in since} == {(False, "npa_2026")}


def test_sns_fraud_moves_into_special_fraud_with_the_classification_of_2026() -> None:
    before = {figure.table for figure in of_release("2025-12-25") if figure.native_type == "SNS型投資詐欺"}
    since = {figure.table for figure in of_release("2026-06-22") if figure.native_type == "SNS型投資詐欺"}
    assert (before, since) == ({"sns_fraud"}, {"special_fraud"})


@pytest.mark.parametrize(("published", "scheme"), [("2017-08-03", "npa_2010"), ("2024-08-01", "npa_2020")])
def test_the_scheme_of_types_is_that_of_the_year_of_release(published: str, scheme: str) -> None:
    schemes = {figure.classification for figure in of_release(published) if figure.table == "special_fraud"}
    assert schemes == {scheme}


def test_losses_rounded_to_one_side_carry_the_whole_last_unit_as_precision() -> None:
    # Source: blog of 2017-07-29 quoting the table to May 2017; "losses are rounded UP".
    figures = of_release("2017-06")
    total = figure_of(figures, "special_fraud", "2017-01/2017-05", "loss")
    months = [figure_of(figures, "special_fraud", f"2017-0{month}", "loss") for month in range(1, 6)]
    assert (total.value, total.precision) == (Decimal("150.6") * OKU, Decimal("0.1") * OKU)
    assert "rounds to one side" in total.note
    assert sum(month.value for month in months if month.value is not None) == Decimal("150.5") * OKU


def test_what_was_printed_as_about_is_marked() -> None:
    # Source: Yomiuri of 2017-08-03, "about" 186 oku.
    figure = figure_of(of_release("2017-08-03"), "special_fraud", "2017-S1", "loss")
    assert (figure.value, figure.precision, figure.obs_status) == (186 * OKU, OKU // 2, "E")


def test_refund_fraud_says_that_its_loss_is_another_concept() -> None:
    figure = figure_of(of_release("2026-06-22"), "special_fraud", "2026-01/2026-04", "loss", "還付金詐欺")
    assert "被害総額（既遂のみ）" in figure.note


@pytest.mark.parametrize("name", FILES)
def test_every_label_of_a_release_has_a_common_code(name: str) -> None:
    figures = read_figures(SOURCE, INBOX / SOURCE / name, extract=True)
    taken = snapshot("0123456789ab", "2026-09-20", source=SOURCE, file=name, extract=True, edition="provisional")
    frame = harmonise(figures, taken, source(SOURCE))
    assert len(frame) == len(figures) > 0
    assert (frame.loc[frame["native_type"] == "ニセ警察詐欺", "fraud_type"] == "IMPG").all()


# ------------------------------------------------------------------------- a whole file, as the publisher would send it

MEASURE_ROWS = ("認知件数", "うち既遂", "実質的な被害総額　（単位：円）", "検挙件数", "検挙人員")


def whole_file(last_month: int = 2, *, title: str = "", types: list[str] | None = None) -> Rows:
    """A complete file of 2026: every section, both years, each month 10 (12 in the year before), a dash where none."""
    rows: Rows = [[title or f"特殊詐欺の認知・検挙状況等（令和８年１月～{last_month}月）（暫定値）"], []]
    rows += [["", "", "", "", "平成１６年", "平成１７年"], ["認知件数", "", "", "", "25667", "21612"], []]
    for number, label in enumerate(["特殊詐欺", *(types or THIRTEEN_TYPES)]):
        rows.append([f"２－{number}　{label}" if number else f"１　{label}"])
        for era, each, shown in (("令和８年", 10, last_month), ("令和７年", 12, 12)):
            rows.append(["", era])
            rows.append(["", "", "", "", f"合計（１月～{last_month}月）", *(f"{month}月" for month in range(1, 13))])
            for row_label in MEASURE_ROWS:
                missing = label == "ニセ警察詐欺" and era == "令和７年" and row_label.startswith("検挙")
                months = ["-" if missing else str(each if month <= shown else 0) for month in range(1, 13)]
                rows.append([row_label, "", "", "", "-" if missing else str(each * last_month), *months])
            rows.append([])
    rows.append(["２－４(2)　オレオレ詐欺の文言別"])
    rows += [["", "令和８年"], ["", "", "", "", "親族", "警察"], ["認知件数", "", "", "", "1", "2"], []]
    rows += [["３　組織的犯罪処罰法違反"], ["", "令和８年"], ["検挙件数", "", "", "", "7"], [], ["※　注"]]
    return [[*row, *[""] * (17 - len(row))] for row in rows]


def whole(tmp_path: Path, rows: Rows) -> Path:
    return written(tmp_path / "hurikomesagi_toukei.csv", rows)


def test_a_whole_file_gives_months_and_totals_of_both_years(tmp_path: Path) -> None:
    figures = read_figures(SOURCE, whole(tmp_path, whole_file()), extract=False)
    periods = {figure.period for figure in figures}
    assert periods == {
        "2026-01/2026-02",
        "2026-01",
        "2026-02",
        "2025-01/2025-02",
        *(f"2025-{month:02d}" for month in range(1, 13)),
    }
    assert len(figures) == 14 * 5 * (3 + 13)
    assert {figure.classification for figure in figures} == {"npa_2026"}


def test_a_statistic_that_is_not_kept_is_absent_and_not_zero(tmp_path: Path) -> None:
    figures = read_figures(SOURCE, whole(tmp_path, whole_file()), extract=False)
    figure = figure_of(figures, "special_fraud", "2025-12", "cases_cleared", "ニセ警察詐欺")
    assert (figure.value, figure.absence, figure.printed) == (None, "not_collected", "-")


def test_the_breakdown_by_form_other_laws_and_the_history_are_passed_over(tmp_path: Path) -> None:
    figures = read_figures(SOURCE, whole(tmp_path, whole_file()), extract=False)
    assert {figure.native_type for figure in figures} == {TOTAL, *THIRTEEN_TYPES}
    assert not any(figure.period.startswith("2004") for figure in figures)


def test_later_months_of_the_year_before_are_filler_where_all_of_them_are_zero(tmp_path: Path) -> None:
    rows = whole_file()
    for row in rows:
        if row[4] == "24" and row[0]:
            row[7:] = ["0"] * 10
    figures = read_figures(SOURCE, whole(tmp_path, rows), extract=False)
    police = [figure for figure in figures if figure.native_type != "ニセ警察詐欺"]
    assert not any(figure.period in {f"2025-{month:02d}" for month in range(3, 13)} for figure in police)


def test_a_release_of_december_is_the_year(tmp_path: Path) -> None:
    figures = read_figures(SOURCE, whole(tmp_path, whole_file(12)), extract=False)
    assert value_of(figures, "special_fraud", "2026", "cases") == 120
    assert value_of(figures, "special_fraud", "2025", "cases") == 144


def test_a_release_of_january_prints_the_month_once(tmp_path: Path) -> None:
    rows = whole_file(1, title="特殊詐欺の認知・検挙状況等（令和８年１月）（暫定値）")
    for row in rows:
        row[4] = row[4].replace("合計（１月～1月）", "合計（１月）")
    figures = read_figures(SOURCE, whole(tmp_path, rows), extract=False)
    assert value_of(figures, "special_fraud", "2026-01", "cases") == 10


def test_beside_the_full_loss_the_loss_of_completed_cases_is_not_read(tmp_path: Path) -> None:
    rows = whole_file()
    at = next(number for number, row in enumerate(rows) if row[0].startswith("実質的"))
    rows.insert(at, ["被害総額（既遂のみ）　（単位：円）", "", "", "", "4", "2", "2", *["0"] * 10])
    figures = read_figures(SOURCE, whole(tmp_path, rows), extract=False)
    assert value_of(figures, "special_fraud", "2026-01/2026-02", "loss") == 20


# ------------------------------------------------------------------------------------------------------- what is refused

JULY = named("2025-09-02")


@pytest.mark.parametrize(
    ("change", "cell", "found"),
    [
        pytest.param(rename("A1", "令和", "霊和"), "A1", "霊和", id="unknown era in the title"),
        pytest.param(rename("A1", "７月", "８月"), "E5", "７月", id="title and header disagree"),
        pytest.param(rename("A1", "令和７年", "令和８年"), "A12", "ＳＮＳ", id="a scheme of types that the title's year has not"),
        pytest.param(rename("A3", "特殊詐欺", "特殊詐偽"), "A3", "特殊詐偽", id="renamed section"),
        pytest.param(set_cell("B4", "零和７年"), "B4", "零和７年", id="unknown era"),
        pytest.param(set_cell("B4", "令和５年"), "B4", "令和５年", id="a year that the title does not speak of"),
        pytest.param(set_cell("A3", ""), "B4", "令和７年", id="missing section title"),
        pytest.param(rename("E5", "合計", "総計"), "E5", "総計", id="renamed header of the total"),
        pytest.param(set_cell("H5", "４月"), "H5", "2月 4月 4月", id="renamed header of a month"),
        pytest.param(set_cell("Q5", ""), "E5", "11月", id="missing month in the header"),
        pytest.param(rename("A6", "認知", "受理"), "A6", "受理", id="renamed row"),
        pytest.param(rename("A8", "（単位：億円）", ""), "A8", "総額", id="loss without a unit"),
        pytest.param(rename("A8", "億円", "件"), "A8", "件", id="loss in cases"),
        pytest.param(set_cell("E6", "一五五八三件余"), "E6", "件余", id="text where a number belongs"),
        pytest.param(set_cell("E8", "7.22E+02"), "E8", "7.22E+02", id="lost digits"),
        pytest.param(set_cell("M6", "2310"), "M6", "2310", id="a figure after the release month"),
        pytest.param(set_cell("M6", "未"), "M6", "未", id="text after the release month"),
        pytest.param(set_cell("D6", "5"), "D6", "5", id="a figure outside the header"),
        pytest.param(set_cell("A7", "認知件数"), "A7", "認知件数", id="a row twice"),
    ],
)
def test_a_damaged_cell_is_refused_by_its_address(tmp_path: Path, change: Callable[[Rows], None], cell: str, found: str) -> None:
    error = refused(damaged(tmp_path, SOURCE, JULY, change))
    assert error.cell == cell
    assert found in error.found


def test_a_header_that_was_moved_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[4] = [*rows[4][1:], ""]

    assert refused(damaged(tmp_path, SOURCE, JULY, change)).cell in {"D5", "D6", "A6", "Q6"}


def test_a_section_that_stands_twice_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows += [*rows[2:11]]

    error = refused(damaged(tmp_path, SOURCE, JULY, change))
    assert "again" in error.found
    assert "row 5" in error.expected


def test_a_whole_file_without_one_of_the_types_is_refused(tmp_path: Path) -> None:
    rows = whole_file(types=[label for label in THIRTEEN_TYPES if label != "ギャンブル詐欺"])
    error = refused(whole(tmp_path, rows), extract=False)
    assert error.cell == WHOLE_FILE
    assert "ギャンブル詐欺" in error.found


def test_a_blank_in_a_whole_file_is_refused(tmp_path: Path) -> None:
    rows = whole_file()
    at = next(number for number, row in enumerate(rows) if row[0] == "認知件数" and row[4] == "20")
    rows[at][5] = ""
    error = refused(whole(tmp_path, rows), extract=False)
    assert (error.cell, error.found) == (f"F{at + 1}", "a blank cell")


@pytest.mark.parametrize("rows_kept", [5, 6, 8])
def test_a_block_that_was_cut_off_is_refused(tmp_path: Path, rows_kept: int) -> None:
    def change(rows: Rows) -> None:
        del rows[rows_kept:]

    refused(damaged(tmp_path, SOURCE, JULY, change))


def test_a_file_that_is_not_the_monthly_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "hurikomesagi_toukei.csv", [["年", "件数"], ["2025", "1"]])
    assert "no title" in refused(path).found


def test_a_file_with_no_figure_at_all_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "hurikomesagi_toukei.csv", [["特殊詐欺の認知・検挙状況等（令和７年１月～７月）"], [""]])
    assert "no figure" in refused(path).found


def test_a_half_year_title_over_other_months_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0][0] = "令和７年上半期における特殊詐欺の認知・検挙状況等（暫定値）"

    error = refused(damaged(tmp_path, SOURCE, JULY, change))
    assert (error.cell, error.found.split()[0]) == ("E5", "'合計（１月～７月）'")


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "empty"), (b"%PDF-1.7 ...", "a PDF"), (b"<html></html>", "HTML"), (b"PK\x03\x04....", "ZIP")],
)
def test_a_file_that_is_no_csv_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / JULY
    path.write_bytes(content)
    assert found in refused(path).found


def test_a_file_that_was_cut_off_within_a_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / JULY
    path.write_bytes((INBOX / SOURCE / JULY).read_bytes()[:-10])
    assert "line end" in refused(path).expected


def test_the_shipped_files_are_in_the_publishers_encoding() -> None:
    for name in FILES:
        assert shipped_rows(SOURCE, name)
        with pytest.raises(UnicodeDecodeError):
            (INBOX / SOURCE / name).read_bytes().decode("utf-8")
