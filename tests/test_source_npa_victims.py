"""Victims by sex and age come out as printed, and a table that is not as expected is refused."""

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
from tests.grid_files import INBOX, Rows, damaged, figure_of, read_figures, rename, set_cell, value_of, written

SOURCE, FILE = "npa_victims", "r07_victims.csv"
TEN_TYPES = source(SOURCE).meta["tables"]["special_fraud_victims"]["parts"]["npa_2020"]


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return read_figures(SOURCE, INBOX / SOURCE / FILE, extract=False)


def refused(path: Path) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        read_figures(SOURCE, path, extract=False)
    assert caught.value.file == path.name
    return caught.value


# Source: 令和7年の刑法犯に関する統計資料 (r07.csv), tables 2-3-6-3 and 2-3-7-3.
@pytest.mark.parametrize(
    ("table", "native_type", "dimensions", "value", "precision"),
    [
        ("special_fraud_victims", TOTAL, {"sex": "男"}, "0.440854799", "5E-10"),
        ("special_fraud_victims", TOTAL, {"sex": "男", "age": "19歳以下"}, "0.00309", "0.000005"),
        ("special_fraud_victims", "預貯金詐欺", {"sex": "女", "age": "80~89歳"}, "0.628588166", "5E-10"),
        ("special_fraud_victims", TOTAL, {"sex": "女", "age": "100歳以上"}, "0.0000360", "5E-8"),
        ("sns_fraud_victims", "SNS型投資詐欺", {"sex": "男"}, "5463", None),
        ("sns_fraud_victims", "SNS型ロマンス詐欺", {"sex": "女", "age": "80歳以上"}, "13", None),
    ],
)
def test_the_book_says_what_it_prints_with_the_digits_that_are_left(
    figures: list[Figure], table: str, native_type: str, dimensions: dict[str, str], value: str, precision: str | None
) -> None:
    measure, unit = ("victims", "persons") if table.startswith("sns") else ("victims_share", "ratio")
    figure = figure_of(figures, table, "2025", measure, native_type, **dimensions)
    assert figure.value == Decimal(value)
    assert figure.precision == (Decimal(precision) if precision else None)
    assert figure.unit == unit


def test_a_share_of_none_or_of_all_is_exact(figures: list[Figure]) -> None:
    # Source: table 2-3-6-3; every victim of 交際あっせん詐欺 of 2025 was a man.
    for sex, value in (("男", 1), ("女", 0)):
        figure = figure_of(figures, "special_fraud_victims", "2025", "victims_share", "交際あっせん詐欺", sex=sex)
        assert (figure.value, figure.precision) == (value, None)


def test_every_cell_becomes_one_figure(figures: list[Figure]) -> None:
    assert len(figures) == 11 * 2 * 12 + 2 * 2 * 9
    assert len({figure.origin for figure in figures}) == len(figures)


@pytest.mark.parametrize("native_type", [TOTAL, *TEN_TYPES])
def test_the_shares_of_both_sexes_of_a_type_sum_to_one(figures: list[Figure], native_type: str) -> None:
    shares = [value_of(figures, "special_fraud_victims", "2025", "victims_share", native_type, sex=sex) for sex in ("男", "女")]
    assert sum(share for share in shares if share is not None) == 1


def test_the_ages_sum_to_their_sex_within_the_digits_that_are_left(figures: list[Figure]) -> None:
    for total in (figure for figure in figures if "age" not in figure.dimensions):
        ages = [
            figure
            for figure in figures
            if (figure.table, figure.native_type) == (total.table, total.native_type)
            and figure.dimensions.get("sex") == total.dimensions["sex"]
            and "age" in figure.dimensions
        ]
        assert total.value is not None
        difference = abs(sum(figure.value for figure in ages if figure.value is not None) - total.value)
        assert difference <= sum(figure.precision or 0 for figure in [total, *ages])


def test_every_label_has_a_common_code(figures: list[Figure]) -> None:
    taken = snapshot("0123456789ab", "2026-09-20", source=SOURCE, file=FILE)
    frame = harmonise(figures, taken, source(SOURCE))
    assert set(frame["sex"]) == {"M", "F"}
    assert set(frame["age"]) == {
        *(TOTAL, "Y0T19", "Y20T29", "Y30T39", "Y40T49", "Y50T59", "Y60T64", "Y65T69", "Y60T69"),
        *("Y70T79", "Y80T89", "Y90T99", "Y_GE80", "Y_GE100"),
    }


@pytest.mark.parametrize(
    ("change", "cell", "found"),
    [
        pytest.param(rename("A3", "区分", "種別"), "A3", "種別", id="renamed header"),
        pytest.param(set_cell("F4", "20代"), "F4", "男20代", id="renamed age"),
        pytest.param(rename("P3", "女", "不明"), "P4", "不明計", id="renamed sex"),
        pytest.param(set_cell("F4", ""), "G4", "23 columns", id="missing age"),
        pytest.param(rename("A1", "令和７年", "霊和７年"), "A1", "霊和", id="unknown era"),
        pytest.param(set_cell("B6", "ニセ警察詐欺"), "B6", "ニセ警察詐欺", id="unknown type"),
        pytest.param(set_cell("B7", "オレオレ詐欺"), "B7", "オレオレ詐欺", id="a type twice"),
        pytest.param(set_cell("D5", "不詳"), "D5", "不詳", id="text where a number belongs"),
        pytest.param(set_cell("D5", "4.4E+01"), "D5", "4.4E+01", id="lost digits"),
        pytest.param(set_cell("D5", ""), "D5", "a blank cell", id="blank cell"),
        pytest.param(set_cell("AC5", "0.1"), "AC5", "0.1", id="a figure beyond the header"),
        pytest.param(set_cell("D23", "5463.5"), "D23", "5463.5", id="half a person"),
    ],
)
def test_a_damaged_cell_is_refused_by_its_address(tmp_path: Path, change: Callable[[Rows], None], cell: str, found: str) -> None:
    error = refused(damaged(tmp_path, SOURCE, FILE, change))
    assert error.cell == cell
    assert found in error.found


@pytest.mark.parametrize("rows_kept", [8, 15, 20, 23])
def test_a_file_that_was_cut_off_between_rows_is_refused(tmp_path: Path, rows_kept: int) -> None:
    def change(rows: Rows) -> None:
        del rows[rows_kept:]

    refused(damaged(tmp_path, SOURCE, FILE, change))


def test_a_table_that_was_renamed_is_refused_by_its_title(tmp_path: Path) -> None:
    error = refused(damaged(tmp_path, SOURCE, FILE, rename("A1", "構成比", "割合")))
    assert error.cell == WHOLE_FILE
    assert "構成比" in error.found


def test_a_table_that_stands_twice_is_refused(tmp_path: Path) -> None:
    def change(rows: Rows) -> None:
        rows += [*rows[:16]]

    assert "2 tables" in refused(damaged(tmp_path, SOURCE, FILE, change)).found


def test_a_file_that_is_not_the_book_is_refused(tmp_path: Path) -> None:
    assert refused(written(tmp_path / FILE, [["年", "件数"], ["2025", "1"]])).cell == WHOLE_FILE
