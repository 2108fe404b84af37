"""Seasonal adjustment: the season of an independent implementation, kept after the last full year, refused where it must be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.publish import seasonal

# Counts with a season, a trend and one month far off.
VALUES = [round(200 + 40 * math.sin(i * math.pi / 6) + 2 * i + i * 37 % 11) for i in range(40)]
VALUES[17] = 300
MONTHS = [f"{2021 + i // 12}-{i % 12 + 1:02d}" for i in range(40)]
# statsmodels 0.15.0: STL(log of the first 36, period=12, robust=True, seasonal=1000001, seasonal_deg=0, trend=19).
STATSMODELS = [
    0.001838,
    0.087689,
    0.144263,
    0.162916,
    0.147533,
    0.095986,
    0.007037,
    -0.077337,
    -0.143427,
    -0.183954,
    -0.155866,
    -0.086678,
]


def test_the_season_is_that_of_an_independent_implementation() -> None:
    found = seasonal.stl_season(np.log(np.array(VALUES[:36], dtype=float)))
    assert found[:12] == pytest.approx(STATSMODELS, abs=2e-6)


def test_a_month_far_off_leaves_the_season_of_its_neighbours_alone() -> None:
    usual, odd = VALUES.copy(), VALUES.copy()
    usual[17], odd[17] = 262, 2620
    seasons = [seasonal.stl_season(np.log(np.array(values[:36], dtype=float))) for values in (usual, odd)]
    assert seasons[1] == pytest.approx(seasons[0], abs=0.03)


def test_the_season_of_the_last_full_year_is_kept_so_that_a_new_month_moves_no_earlier_one() -> None:
    shorter, longer = (seasonal.adjust(MONTHS[:end], VALUES[:end]) for end in (37, 40))
    assert shorter is not None
    assert longer is not None
    assert shorter.until == longer.until == "2023-12"
    assert longer.adjusted[:37] == shorter.adjusted
    factors = [value / adjusted for value, adjusted in zip(longer.values, longer.adjusted, strict=True)]
    assert factors[36:] == pytest.approx(factors[24:28])


def test_adjusted_values_move_less_from_month_to_month_than_those_counted() -> None:
    found = seasonal.adjust(MONTHS, VALUES)
    assert found is not None

    def moves(values: tuple[float, ...]) -> float:
        return float(np.median(np.abs(np.diff(np.log(values)))))

    assert moves(found.trend) < moves(found.adjusted) < moves(found.values)


@pytest.mark.parametrize(
    ("months", "values", "breaks", "reason"),
    [
        (MONTHS[:35], VALUES[:35], [], "2 full calendar years"),
        (MONTHS[1:38], VALUES[1:38], [], "2 full calendar years"),
        (MONTHS[:20] + MONTHS[21:], VALUES[:39], [], "1 full calendar year "),
        (MONTHS, VALUES, ["2022-06"], "1 full calendar year "),
        (MONTHS, [9, *VALUES[1:]], [], "a month with fewer than 10"),
        ([], [], [], "0 full calendar years"),
    ],
)
def test_a_series_that_is_short_torn_or_low_is_left_as_it_is(
    months: list[str], values: list[float], breaks: list[str], reason: str
) -> None:
    assert seasonal.adjust(months, values, breaks) is None
    assert seasonal.lacking(months, values, breaks).startswith(reason)


def test_what_lies_before_a_hole_does_not_count_but_what_follows_may_be_long_enough() -> None:
    months, values = ["2019-11", *MONTHS], [500.0, *VALUES]
    found = seasonal.adjust(months, values)
    assert found is not None
    assert found.months == tuple(MONTHS)
