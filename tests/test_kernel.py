"""The kernel says of every cell what plain Python and pandas say, whatever the shape of the records."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pipeline.aggregate.kernel import (
    GINI,
    LOSSES_ON_EACH_SIDE,
    QUANTILE_SCALE,
    QUANTILES,
    TOP_SHARES,
    Addends,
    Coarser,
    Numbers,
    Ordered,
    Records,
    Sparse,
    Victims,
    interval_ranks,
    mixed_radix,
    order_statistics,
    sums,
)
from pipeline.model import INTERVAL_ENDS, INTERVALS, FraudlossError
from tests.figures import gini, interval_ends

CELLS = 4
# Few losses and many, nearly all of them ties.
MANY = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from([1, 30])), max_size=25)
# Ties, zeros, corrections below zero and large losses; ids that repeat, are missing, or need all 64 bits.
LOSS = st.one_of(st.sampled_from([0, 0, 100, 100, 101, -250]), st.integers(-(2**33), 2**33))
VICTIM = st.one_of(st.none(), st.integers(1, 5), st.sampled_from([-(2**63), 2**63 - 1, 0]))
RECORDS = st.lists(st.tuples(st.integers(0, CELLS - 1), LOSS, VICTIM), max_size=25)
NAMED_RECORDS = st.lists(st.tuples(st.integers(0, CELLS - 1), LOSS, st.integers(1, 5)), max_size=25)


def array(values: list[int]) -> Numbers:
    return np.array(values, dtype=np.int64)


def records(rows: list[tuple[int, int, int | None]]) -> tuple[Records, Sparse, Numbers]:
    named = [place for place, (_, _, victim) in enumerate(rows) if victim is not None]
    ids = Sparse(array([rows[place][2] or 0 for place in named]), None if len(named) == len(rows) else array(named))
    cell, _ = mixed_radix([array([cell for cell, _, _ in rows])], [CELLS], len(rows))
    return Records.of({"loss": array([loss for _, loss, _ in rows])}), ids, cell


def measured(losses: Numbers, of_losses: Numbers, victims: Victims, cell: Numbers) -> dict[str, list[int]]:
    ordered = order_statistics(losses, of_losses, CELLS, concentration=True)
    return {name: table.tolist() for name, table in {**ordered, "victims": victims.distinct(cell, CELLS)}.items()}


def plain(rows: list[tuple[int, int, int | None]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"losses": [], "victims": [], "max_loss": [], "losses_sum": []}
    found |= {name: [] for name in (*QUANTILES, *TOP_SHARES, GINI)}
    for cell in range(CELLS):
        losses = pd.Series(sorted(loss for of, loss, _ in rows if of == cell and loss > 0), dtype="int64")
        found["losses"].append(len(losses))
        found["victims"].append(len({victim for of, _, victim in rows if of == cell and victim is not None}))
        found["max_loss"].append(int(losses.max()) if len(losses) else 0)
        found["losses_sum"].append(int(losses.sum()))
        for name, (above, below) in QUANTILES.items():
            value = losses.quantile(above / below, interpolation="linear") if len(losses) else 0
            found[name].append(round(value * QUANTILE_SCALE))
        for name, one_in in TOP_SHARES.items():
            found[name].append(int(losses.nlargest(-(-len(losses) // one_in)).sum()))
        found[GINI].append(gini(losses.tolist()))
    return found


@settings(max_examples=30, deadline=None)
@given(rows=RECORDS)
def test_every_cell_is_what_plain_pandas_says(rows: list[tuple[int, int, int | None]]) -> None:
    of, ids, cell = records(rows)
    assert measured(of.losses.values, of.losses.of(cell), Victims.of(len(rows), ids), cell) == plain(rows)
    assert sums(of, cell, CELLS)["loss"].tolist() == [
        sum(loss for own, loss, _ in rows if own == wanted) for wanted in range(CELLS)
    ]


@settings(max_examples=60, deadline=None)
@given(groups=MANY)
def test_the_intervals_of_every_cell_are_those_of_their_definition(groups: list[tuple[int, int, int]]) -> None:
    rows = [(cell, loss) for cell, loss, times in groups for _ in range(times) if loss]
    cells, losses = array([cell for cell, _ in rows]), array([loss for _, loss in rows])
    found = order_statistics(losses, cells, CELLS, concentration=False, intervals=True)
    for name, bounds in INTERVALS.items():
        for cell in range(CELLS):
            own = [loss for of, loss in rows if of == cell]
            assert tuple(int(found[bound][cell]) for bound in bounds) == interval_ends(own, *QUANTILES[name])


LARGE = st.one_of(st.integers(1, 3), st.sampled_from([100, 2**53, 2**53 - 1]), st.integers(1, 2**53))


@settings(max_examples=60, deadline=None)
@given(groups=st.lists(st.tuples(st.integers(0, CELLS - 1), LARGE, st.sampled_from([1, 1, 9, 30])), max_size=30))
def test_the_gini_coefficient_of_every_cell_is_that_of_its_definition(groups: list[tuple[int, int, int]]) -> None:
    rows = [(cell, loss) for cell, loss, times in groups for _ in range(times)]
    cells, losses = array([cell for cell, _ in rows]), array([loss for _, loss in rows])
    found = order_statistics(losses, cells, CELLS, concentration=True)[GINI].tolist()
    assert found == [gini([loss for of, loss in rows if of == cell]) for cell in range(CELLS)]
    # The order of the losses is no part of the result.
    again = order_statistics(losses[::-1], cells[::-1], CELLS, concentration=True)[GINI].tolist()
    assert again == found


@pytest.mark.parametrize("factor", [1, 10**13])
@pytest.mark.parametrize(
    ("losses", "coefficient"),
    [
        # Ten incomes that R's package `ineq` has for an example; its Gini() says 0.4620911.
        ([541, 1463, 2445, 3438, 4437, 5401, 6392, 8304, 11904, 22261], 462_091),
        ([7] * 10, 0),
        ([7] * 100, 0),
        (list(range(1, 101)), 330_000),  # 1 to n: (n - 1) / 3 n
        ([1] * 9 + [90_000], 899_900),  # nearly all with one of ten: near 1 - 1 / n
        ([7] * 9, -1),
        ([], -1),
    ],
)
def test_gini_coefficients_that_are_known_whatever_the_currency(losses: list[int], coefficient: int, factor: int) -> None:
    values = array([factor * loss for loss in losses])
    found = order_statistics(values, np.zeros(len(losses), dtype=np.int64), 1, concentration=True)
    assert found[GINI].tolist() == [coefficient]


@pytest.mark.parametrize(("usual", "coefficient"), [(1_799_999, 0), (599_999, 2), (359_999, 2)])
def test_a_coefficient_half_way_between_two_millionths_is_rounded_to_the_even_one(usual: int, coefficient: int) -> None:
    # Nine alike and one larger by ten: 9 / (10 (usual + 1)), which is 0.5, 1.5 and 2.5 millionths.
    losses = array([usual + 10, *[usual] * 9])
    assert order_statistics(losses, np.zeros(10, dtype=np.int64), 1, concentration=True)[GINI].tolist() == [coefficient]


def test_no_interval_is_computed_where_none_is_asked_for() -> None:
    assert not set(INTERVAL_ENDS) & set(order_statistics(array([1]), array([0]), 1, concentration=True))


@pytest.mark.parametrize(("above", "below"), QUANTILES.values())
@pytest.mark.parametrize("number", [*range(1, 260, 7), 500, 4_999, 70_001, 1_000_003])
def test_ranks_cover_at_least_95_per_cent_and_no_narrower_ones_do(number: int, above: int, below: int) -> None:
    lower, upper = interval_ranks(number, above, below)
    share = above / below
    enough = min(number * above, number * (below - above)) >= LOSSES_ON_EACH_SIDE * below
    if lower < 0:
        # A quantile with so many losses on each side has always an interval, unless even the largest loss is below it too often.
        assert not enough or share**number > 0.025 or (1 - share) ** number > 0.025
        return
    assert binom.cdf(lower, number, share) <= 0.025 < binom.cdf(lower + 1, number, share)
    assert binom.sf(upper, number, share) <= 0.025 < binom.sf(upper - 1, number, share)
    assert binom.cdf(upper, number, share) - binom.cdf(lower, number, share) >= 0.95


def test_the_textbook_ranks_of_a_median_and_the_least_numbers_that_have_an_interval() -> None:
    assert interval_ranks(100, 1, 2) == (39, 60)  # the 40th and the 61st
    assert interval_ranks(10, 1, 2) == (1, 8)  # the 2nd and the 9th: neither end is the least or the largest of so few
    assert interval_ranks(9, 1, 2) == interval_ranks(49, 9, 10) == (-1, -1)
    assert interval_ranks(50, 9, 10) == (40, 49)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.one_of(RECORDS, NAMED_RECORDS), min_size=1, max_size=4))
def test_periods_together_and_each_of_them_are_what_their_records_give_at_once(
    parts: list[list[tuple[int, int, int | None]]],
) -> None:
    made = [records(part) for part in parts]
    losses = [of.losses.values for of, _, _ in made]
    of_losses = [of.losses.of(cell) for of, _, cell in made]
    cells = [cell for _, _, cell in made]
    ids = Sparse.joined([ids for _, ids, _ in made], [len(part) for part in parts])
    ends = np.cumsum([0, *map(len, parts)]).tolist()
    whole = Victims.of(ends[-1], ids)
    for start, stop in itertools.combinations(range(len(parts) + 1), 2):
        victims = whole.stretch(ends[start], ends[stop])
        assert victims.length == ends[stop] - ends[start]
        columns = [np.concatenate(each[start:stop]) for each in (losses, of_losses)]
        found = measured(*columns, victims, np.concatenate(cells[start:stop]))
        assert found == plain([row for rows in parts[start:stop] for row in rows])


@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(st.integers(-(2**40), 2**40), st.integers(-(2**58), 2**58))), max_size=12))
def test_sums_are_exact_beyond_what_a_float_holds(pairs: list[tuple[int, int]]) -> None:
    keys, values = array([key for key, _ in pairs]), array([value for _, value in pairs])
    assert Addends(values).by(keys, 5).tolist() == [sum(value for key, value in pairs if key == cell) for cell in range(5)]


def test_a_sum_that_needs_more_than_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        Addends(np.full(4, 2**62)).by(np.zeros(4, dtype=np.int64), 1)
    with pytest.raises(OverflowError):
        Records.of({"loss": np.full(4, 2**60)})


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**62)), max_size=30), st.sampled_from([6, 2**20]))
def test_values_are_ordered_within_their_cells_also_where_both_need_more_than_64_bits(
    pairs: list[tuple[int, int]], size: int
) -> None:
    ordered = Ordered(array([cell for cell, _ in pairs]), size, array([value for _, value in pairs]))
    assert ordered.all().tolist() == [value for _, value in sorted(pairs)]
    assert ordered.at(np.arange(len(pairs))[::-1]).tolist() == ordered.all().tolist()[::-1]


@given(
    st.lists(
        st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**63 - 1, 2**63 - 2])), max_size=20
    )
)
def test_the_records_of_ids_that_repeat_are_found_whatever_their_width(ids: list[int]) -> None:
    rows = np.arange(len(ids)) * 3
    of = Victims.of(3 * len(ids), Sparse(array(ids), rows))
    places, victims = of.repeated_rows, of.repeated_victim
    found = [ids[row // 3] for row in places.tolist()]
    assert found == [name for name in sorted(ids) if ids.count(name) > 1]
    assert len(set(zip(found, victims.tolist(), strict=True))) == len(set(found)) == len(set(victims.tolist()))
    assert sorted(victims.tolist()) == victims.tolist()


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 2**32, 2**32 + 1])
def test_cells_are_numbered_in_few_bytes_and_without_overflow(size: int) -> None:
    last: Any = array([0, size - 1])
    cell, count = mixed_radix([last, array([0, 1])], [size, 2], 2)
    assert (cell.tolist(), count) == ([0, 2 * size - 1], 2 * size)
    assert np.bincount(cell[:1], minlength=3).tolist() == [1, 0, 0]
    assert Ordered(cell[::-1], count, array([5, 7])).all().tolist() == [7, 5]


def test_mixed_radix_numbers_every_combination_once() -> None:
    first, second = np.divmod(np.arange(12), 4)
    cell, size = mixed_radix([first, second], [3, 4], 12)
    assert (cell.tolist(), size) == (list(range(12)), 12)
    with pytest.raises(FraudlossError, match="too large"):
        mixed_radix([first, second], [2**40, 2**40], 12)


def test_finer_cells_are_added_up_exactly_and_a_cell_without_any_is_zero() -> None:
    coarser = Coarser(array([2, 0, 2, 0]), 4)
    assert coarser.added({"loss": array([2**60, 1, 1, -3])})["loss"].tolist() == [-2, 0, 2**60 + 1, 0]
    with pytest.raises(OverflowError):
        coarser.added({"loss": array([2**62, 1, 1, 1])})
