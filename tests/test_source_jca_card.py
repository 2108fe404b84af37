"""The card association's grid is read cell by cell, vintage by vintage, and another layout is refused."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.model import TOTAL, RefusedInput
from pipeline.reading.figures import Figure
from pipeline.sources.catalogue import source
from pipeline.sources.jca_card.reader import HEADER, TITLE, UNIT_LINE, WIDTH, read
from tests.figures import snapshot
from tests.shipped import as_of, chosen, shipped, value

OKU = 100_000_000
CARD = {"table": "card_fraud", "measure": "loss", "unit": "JPY"}
PARTS = ("偽造", "番号盗用", "その他")
FILE = "2025-06-06-2025-q1.csv"
TOP = [[TITLE], [UNIT_LINE], *HEADER]
QUARTER = ["令和7年第1四半期", "193.2", "1.8", "0.9", "182.9", "94.7", "8.5", "4.4", "150.0", "32.9", "0.05"]


@pytest.fixture
def grid(tmp_path: Path) -> Callable[..., list[Figure]]:
    """Reads bytes, or rows below the usual top, as one grid published on 6 June 2025."""

    def reading(*rows: list[str] | bytes, top: list[list[str]] | None = None, encoding: str = "cp932") -> list[Figure]:
        path = tmp_path / FILE
        table = [row for row in rows if isinstance(row, list)]
        content = rows[0] if isinstance(rows[0], bytes) else text([*(top or TOP), *table]).encode(encoding)
        path.write_bytes(content)
        return read(path, snapshot("s1", "2025-06-06", file=FILE), source("jca_card"))

    return reading


def text(rows: list[list[str]]) -> str:
    return "".join(",".join([*row, *[""] * (WIDTH - len(row))]) + "\n" for row in rows)


# ------------------------------------------------------------------------------------------------------- published figures


def parts_or_total(period: str) -> Decimal:
    """The printed total of a quarter, or the sum of its three printed parts where the total was not available."""
    frame = as_of("jca_card")
    total = chosen(frame, period=period, **CARD)
    if len(total):
        return Decimal(total.iloc[0]["value"])
    return sum((value(frame, period=period, native_type=part, **CARD) for part in PARTS), Decimal(0))


def test_the_quarters_of_2024_sum_to_the_555_hundred_million_of_the_year() -> None:
    # JCA, release of 2025-06-06 on the quarters, annual figure of 2024.
    quarters = [parts_or_total(f"2024-Q{number}") for number in range(1, 5)]
    assert quarters == [Decimal(amount) * OKU for amount in ("124.1", "135.9", "132.7", "162.3")]
    assert sum(quarters) == value(as_of("jca_card"), period="2024", **CARD) == 555 * OKU


def test_the_quarters_of_2025_sum_to_what_was_printed_for_nine_months_and_for_the_year() -> None:
    # JCA, releases of 2025-12-05 and 2026-03-06.
    frame = as_of("jca_card")
    quarters = [value(frame, period=f"2025-Q{number}", **CARD) for number in range(1, 5)]
    assert sum(quarters[:3]) == value(frame, period="2025-01/2025-09", **CARD) == Decimal("416.6") * OKU
    assert sum(quarters) == value(frame, period="2025", **CARD) == Decimal("510.5") * OKU


@pytest.mark.parametrize(("day", "loss"), [("2024-06-28", "121.4"), ("2025-06-05", "121.4"), ("2025-06-06", "124.1")])
def test_a_quarter_is_known_as_it_stood_on_the_day(day: str, loss: str) -> None:
    assert value(as_of("jca_card", day), period="2024-Q1", **CARD) == Decimal(loss) * OKU


def test_every_vintage_of_2014_is_kept() -> None:
    _, observations = shipped("jca_card")
    vintages = chosen(observations, period="2014", **CARD)
    assert {Decimal(figure) / OKU for figure in vintages["value"]} == {Decimal(v) for v in ("105.9", "114.5", "113.9")}


def test_the_loss_of_2014_says_that_it_was_printed_otherwise_before_and_no_other_figure_does() -> None:
    frame = as_of("jca_card")
    (noted,) = frame[(frame["note"] != "").to_numpy(bool)].to_dict("records")
    assert (noted["period"], noted["native_type"], noted["value"]) == ("2014", TOTAL, Decimal("113.9") * OKU)
    assert noted["origin"] == "2023-09-2023-q2.csv!B5"
    assert noted["note"].startswith(
        "printed as 114.5 hundred million yen in 2020 and in June 2022, and as 113.9 in September 2023"
    )
    before = as_of("jca_card", "2023-09-29")
    assert value(before, period="2014", **CARD) == Decimal("114.5") * OKU
    assert set(before["note"]) == {""}
    declared = {(item["file"], item["cell"]) for item in source("jca_card").meta["figure_notes"]}
    assert declared == {tuple(noted["origin"].split("!"))}


@pytest.mark.parametrize("year", range(2014, 2021))
def test_home_and_abroad_make_up_the_theft_of_card_numbers(year: int) -> None:
    frame = as_of("jca_card", "2021-12-31")
    theft = chosen(frame, period=str(year), native_type="番号盗用", place_of_use="*", **CARD)
    by_place = theft.set_index("place_of_use")["value"]
    assert by_place["JP"] + by_place["_X_JP"] == by_place[TOTAL]


def test_a_rate_is_a_percentage_with_the_precision_of_its_last_digit() -> None:
    (row,) = chosen(as_of("jca_card"), period="2025-Q3", measure="fraud_rate").to_dict("records")
    assert (row["value"], row["precision"], row["unit"]) == (Decimal("0.03"), Decimal("0.0005"), "percent")


# ---------------------------------------------------------------------------------------------------------------- the reader


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
def test_a_row_gives_one_figure_a_filled_cell_with_its_address(grid: Callable[..., list[Figure]], encoding: str) -> None:
    figures = grid(QUARTER, encoding=encoding)
    assert [figure.origin.partition("!")[2] for figure in figures] == [f"{letter}5" for letter in "BCDEFGHIJK"]
    assert {figure.period for figure in figures} == {"2025-Q1"}
    total, _, share, *_ = figures
    assert (total.native_type, total.value, total.precision) == (TOTAL, Decimal("193.2") * OKU, 5_000_000)
    assert (share.native_type, share.measure, share.unit) == ("偽造", "share_of_loss", "percent")
    assert [dict(figure.dimensions) for figure in figures[7:9]] == [{"place_of_use": "国内"}, {"place_of_use": "海外"}]


def test_a_blank_cell_is_nothing_and_a_dash_is_a_figure_without_a_value(grid: Callable[..., list[Figure]]) -> None:
    figures = grid(["令和6年", "555", "-"], ["※ 会員会社の回答の集計"])
    assert [(figure.value, figure.absence) for figure in figures] == [(Decimal(555 * OKU), ""), (None, "not_collected")]


@pytest.mark.parametrize(
    ("place", "found", "cell"),
    [
        (0, "令和32世紀", "A5"),
        (0, "平成40年", "A5"),
        (0, "令和7年第4四半期", "A5"),  # not over when it was published
        (1, "約束", "B5"),
        (1, "1.93E+02", "B5"),
        (2, "1.8万円", "C5"),
        (10, "5人", "K5"),
    ],
)
def test_a_cell_that_cannot_be_read_is_refused_with_its_address(
    grid: Callable[..., list[Figure]], place: int, found: str, cell: str
) -> None:
    with pytest.raises(RefusedInput) as refused:
        grid([*QUARTER[:place], found, *QUARTER[place + 1 :]])
    assert (refused.value.file, refused.value.cell) == (FILE, cell)
    assert found in refused.value.found


@pytest.mark.parametrize(
    ("row", "place", "cell"),
    [(0, 0, "A1"), (1, 0, "A2"), (2, 1, "B3"), (3, 2, "C4"), (3, 8, "I4")],
)
def test_a_renamed_header_is_refused_with_its_cell(grid: Callable[..., list[Figure]], row: int, place: int, cell: str) -> None:
    top = [list(cells) for cells in TOP]
    top[row][place] = "別の見出し"
    with pytest.raises(RefusedInput) as refused:
        grid(QUARTER, top=top)
    assert refused.value.cell == cell


def test_moved_columns_are_refused(grid: Callable[..., list[Figure]]) -> None:
    top = [list(cells) for cells in TOP]
    top[3][2], top[3][4] = top[3][4], top[3][2]
    with pytest.raises(RefusedInput, match="C4"):
        grid(QUARTER, top=top)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"PK\x03\x04", "workbook"),
        (b"%PDF-1.4\n", "PDF"),
        (text([*TOP, QUARTER]).encode("utf-16"), "neither UTF-8 nor cp932"),
        (text([*TOP, QUARTER]).encode("cp932")[:-1], "no line end"),
        (text(TOP).encode("cp932"), "no figures"),
        (text(TOP[:3]).encode("cp932"), "''"),
        ((text([*TOP, QUARTER]) + "令和6年,1\n").encode("cp932"), "2 cells"),
    ],
)
def test_a_file_that_is_not_a_whole_grid_is_refused(grid: Callable[..., list[Figure]], content: bytes, found: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        grid(content)
    assert refused.value.file == FILE
    assert found in refused.value.found
    assert refused.value.action


def test_a_period_that_stands_twice_is_refused_with_both_cells(grid: Callable[..., list[Figure]]) -> None:
    with pytest.raises(RefusedInput) as refused:
        grid(QUARTER, ["2025-Q1", "193.3"])
    assert refused.value.cell == "A5 and A6"
