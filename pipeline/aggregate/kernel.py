"""Counts, sums, quantiles, their intervals, concentration and distinct victims of every cell: numbers in, numbers out.

In: the columns of some records (`Records`) and, for each grouping, the number of the cell that a record belongs to. Out: int64
arrays with one value a cell. What a cell means, and which period its records are of, is the caller's (`cubes`, `ledger`).

How it is computed, for n records of which m have a loss, in C cells:

1. A cell is one integer: the codes of its dimensions in mixed radix (`mixed_radix`), in the fewest bytes. O(n), no texts.
2. Counts and sums are `numpy.bincount`. Its sums are float64, so amounts are cut into limbs so small that no partial sum
   leaves the 53 bits which float64 holds exactly (`Addends`). O(n). A grouping whose cells are made of those of a finer one
   (types of regions and types) adds up the cells of that, O(C).
3. Quantiles: cell and loss are packed into one integer of 64 bits, and these are sorted (`Ordered`): numpy sorts plain integers
   with the vector instructions of the processor, faster than it sorts positions by any means. O(m log m), 4 to 7 ns a loss. Ranks
   are then looked up, top shares are differences of prefix sums.
4. A victim who is named once needs no care: distinct victims are the named ones less the repeats. Ids are sorted once for all
   groupings and all periods within the longest (`Victims.stretch`), and not kept; only the records of ids that stand there twice
   or more are packed with their cell and sorted, and each that equals the one before is taken off. O(repeats).
5. Several periods together: their counts and sums are those of the periods, added; the order is worked out again, as above.

A quantile is interpolated linearly between the two neighbouring losses (what pandas calls `linear`), in integers: the median in
half cents, the 90th percentile in tenths, the 99th in hundredths. Nothing is rounded before the last division.

An interval of a quantile is free of any distribution (David and Nagaraja, Order Statistics, 3rd edition, 2003, 7.1): of n losses,
the number below the quantile of the process that they came from is binomial, so its ranks give two losses between which that
quantile lies with at least 95 %, and at most 2.5 % beyond each. Nothing is drawn at random. The reports are a census: the
interval says how much the process of reporting alone moves the quantile, and is no error of sampling.

The Gini coefficient is that of the losses above zero, which the top shares are shares of: G = 2 Σ i x(i) / (n Σ x) - (n + 1) / n,
with x(i) the i-th smallest of n losses (Damgaard and Weiner, Describing inequality in plant size or fecundity, Ecology 81, 2000,
1139-1142). It is exact: integers up to the one rounding to millionths, so it is the same in whatever order, pieces and processes
it is counted. The losses are a census and no sample, so it is not multiplied by n / (n - 1), and its largest value is 1 - 1 / n.
Reports without a loss are left out, for with them it would tell mostly how many attempts are reported, and so are corrections
below zero, with which it would have no bounds.

Memory is that of the columns and 24 bytes for each loss; before it, 24 for each id while they are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from pipeline.model import INTERVALS, FraudlossError

Numbers = np.ndarray[Any, np.dtype[Any]]

QUANTILES = {"median_loss": (1, 2), "p90_loss": (9, 10), "p99_loss": (99, 100)}
TOP_SHARES = {"top_0_1_share": 1000, "top_1_share": 100, "top_10_share": 10}  # one loss in so many
QUANTILE_SCALE = 100  # quantiles are held in hundredths of the minor unit
GINI = "gini_loss"
GINI_SCALE = 10**6  # Gini coefficients are held in millionths
# As many as make one of the largest tenth. Of two losses, the coefficient and the sum would tell both.
LOSSES_FOR_GINI = min(TOP_SHARES.values())
NO_GINI = -1  # 0 says that all losses are the same
BEYOND_EACH_END = 0.025
# A quantile speaks of single losses unless so many lie on each side of it; an end of its interval is a single loss.
LOSSES_ON_EACH_SIDE = 5


def mixed_radix(codes: Sequence[Numbers], sizes: Sequence[int], length: int) -> tuple[Numbers, int]:
    """One integer a row for the combination of its codes, and how many combinations there are. Raises FraudlossError."""
    size = 1
    for count in sizes:
        size *= count
        if size > np.iinfo(np.int64).max // 64:
            raise FraudlossError(f"a cube of {size} cells is too large to number: declare fewer dimensions in source.yml")
    kind = smallest_type(size)
    cell = np.zeros(length, dtype=kind)
    for code, count in zip(codes, sizes, strict=True):
        cell = cell * kind.type(count) + code.astype(kind, copy=False)
    return cell, size


def smallest_type(size: int) -> np.dtype[Any]:
    """The type of fewest bytes for numbers below `size` that numpy counts without a copy of its own kind."""
    return np.dtype(np.uint16 if size <= 1 << 16 else np.uint32 if size <= 1 << 32 else np.int64)


@dataclass(frozen=True)
class LossBands:
    """The sizes of losses: not known, below zero (a correction of what was reported before), none, and between edges, the lower
    one included."""

    edges: tuple[int, ...]  # minor units, ascending, above zero
    labels: tuple[str, ...]  # those three, and one more than there are edges

    def codes(self, loss: Numbers, known: Numbers | None) -> Numbers:
        """The place in `labels` of each loss; `known`: None where all are."""
        codes = np.searchsorted(np.array((0, 1, *self.edges)), loss, side="right").astype(np.uint16) + np.uint16(1)
        if known is not None:
            codes[~known] = 0
        return codes


_LIMB = (1 << 22) - 1
# Rows of a pass whose intermediate results shall stay in the processor's cache of 1 MiB.
_BLOCK = 1 << 16


class Addends:
    """A column of int64, made ready to be summed exactly by any grouping.

    `bincount` adds in float64, exact while every partial sum stays below 2^53. Amounts for which that is not certain are cut
    into limbs of 22 bits: for up to 2^31 rows the sums of a limb are below 2^53.
    """

    def __init__(self, values: Numbers) -> None:
        weights = values.astype(np.float64)
        # Of the absolute values; this sum may itself be rounded, so half of what is exact is left unused.
        self._is_small = float(np.abs(weights).sum()) < 1 << 52
        self._weights = weights
        limbs = [weights] if self._is_small else [values & _LIMB, values >> 22 & _LIMB, values >> 44]
        self._limbs = [limb.astype(np.float64, copy=False) for limb in limbs]

    def by(self, keys: Numbers, size: int) -> Numbers:
        """The sums by key (0 to size - 1), as int64. Raises OverflowError beyond int64."""
        if not self._is_small and np.bincount(keys, weights=np.abs(self._weights), minlength=size).max() >= 2.0**63:
            raise OverflowError("the losses of a cell add up to more than 64 bits hold")
        total = np.zeros(size, dtype=np.int64)
        for place, limb in enumerate(self._limbs):
            total += np.bincount(keys, weights=limb, minlength=size).astype(np.int64) << (22 * place)
        return total


class Coarser:
    """A grouping whose cells are made up of those of a finer one."""

    def __init__(self, cell: Numbers, size: int) -> None:
        """`cell`: of each cell of the finer grouping, the one (0 to size - 1) that it is part of."""
        count = np.bincount(cell, minlength=size)
        self._size, self._order, self._some = size, np.argsort(cell, kind="stable"), np.flatnonzero(count)
        self._starts = (np.cumsum(count) - count)[self._some]

    def added(self, tables: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """The sums of these tables of the finer grouping, as int64. Raises OverflowError beyond 62 bits."""
        finer = np.stack(list(tables.values()))[:, self._order]
        if np.abs(finer.astype(np.float64)).sum(axis=1).max() >= 2.0**62:
            raise OverflowError("the losses of a cell add up to more than 62 bits hold")
        found = np.zeros((len(tables), self._size), dtype=np.int64)
        found[:, self._some] = np.add.reduceat(finer, self._starts, axis=1)
        return dict(zip(tables, found, strict=True))


class Ordered:
    """Values in the order of their cell and, within it, their size."""

    def __init__(self, cells: Numbers, size: int, values: Numbers) -> None:
        """`cells`: 0 to size - 1; `values`: int64 of at least zero."""
        bits = int(values.max()).bit_length() if len(values) else 0
        if bits + (size - 1).bit_length() > 64:
            self._bits, self._keys = 64, values[np.lexsort((values, cells))].view(np.uint64)
            return
        self._bits, self._keys = bits, cells.astype(np.uint64)
        self._keys <<= np.uint64(bits)
        self._keys |= values.view(np.uint64)
        self._keys.sort()

    def at(self, places: Numbers) -> Numbers:
        """The values at these places of the order."""
        return (self._keys[places] & np.uint64((1 << self._bits) - 1)).view(np.int64)

    def all(self) -> Numbers:
        """Every value."""
        return (self._keys & np.uint64((1 << self._bits) - 1)).view(np.int64)


@dataclass(frozen=True)
class Sparse:
    """A column that only some records have a value in: int64 values, and the rows of those records, ascending; None for all."""

    values: Numbers
    rows: Numbers | None

    @classmethod
    def joined(cls, parts: Sequence[Sparse], lengths: Sequence[int]) -> Sparse:
        """The columns of several periods, which have so many records, below each other."""
        values = np.concatenate([part.values for part in parts])
        if all(part.rows is None for part in parts):
            return cls(values, None)
        ends = np.cumsum(lengths).tolist()
        rows = [part.of(np.arange(end - length, end)) for part, end, length in zip(parts, ends, lengths, strict=True)]
        return cls(values, np.concatenate(rows))

    def of(self, column: Numbers) -> Numbers:
        """What another column has for these records."""
        return column if self.rows is None else column.take(self.rows)


@dataclass(frozen=True)
class Victims:
    """Which of some records name somebody, and which of these name somebody whom another one names too."""

    length: int  # number of records
    named_rows: Numbers | None  # ascending; None: all
    repeated_rows: Numbers
    repeated_victim: Numbers  # of each of those rows, which victim (a number) it is, ascending

    @classmethod
    def of(cls, length: int, ids: Sparse) -> Victims:
        """Of so many records those that have an id name somebody: the same where the id is the same."""
        return cls(length, ids.rows, *_repeated(ids))

    def stretch(self, start: int, stop: int) -> Victims:
        """Those of the records in these rows."""
        if (start, stop) == (0, self.length):
            return self
        within = (self.repeated_rows >= start) & (self.repeated_rows < stop)
        rows, victim = self.repeated_rows[within] - start, self.repeated_victim[within]
        several = _has_equal_neighbour(victim)
        named = self.named_rows
        if named is not None:
            first, last = np.searchsorted(named, [start, stop])
            named = named[first:last] - start
        return Victims(stop - start, named, rows[several], victim[several])

    def named(self, cell: Numbers, size: int) -> Numbers:
        """How many records of each cell name somebody."""
        return np.bincount(cell if self.named_rows is None else cell.take(self.named_rows), minlength=size)

    def distinct(self, cell: Numbers, size: int, named: Numbers | None = None) -> Numbers:
        """How many different persons the records of each cell name. `named`, where it is known."""
        counts = self.named(cell, size) if named is None else named
        if not len(self.repeated_rows):
            return counts
        bits = int(self.repeated_victim[-1]).bit_length()
        keys = cell.take(self.repeated_rows).astype(np.uint64)
        keys <<= np.uint64(bits)
        keys |= self.repeated_victim.view(np.uint64)
        keys.sort()
        again = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(bits)
        return counts - np.bincount(again.view(np.int64), minlength=size)


@dataclass(frozen=True)
class Records:
    """The columns of some records."""

    length: int
    values: Mapping[str, Numbers]  # additive measure -> what each record adds to it
    losses: Sparse  # those above zero, in minor units

    @classmethod
    def of(cls, values: Mapping[str, Numbers]) -> Records:
        """`values` has a `loss`, in minor units, 0 where it is not known. Raises OverflowError."""
        loss = values["loss"]
        above = np.flatnonzero(loss > 0)
        return cls(len(loss), values, Sparse(summable(loss.take(above)), above))

    @cached_property
    def addends(self) -> dict[str, Addends]:
        """The additive measures, ready to be summed."""
        return {name: Addends(values) for name, values in self.values.items()}


def summable(losses: Numbers) -> Numbers:
    """The same losses, for sums and quantiles. Raises OverflowError where they add up to more than 64 bits hold."""
    if len(losses) and float(losses.sum(dtype=np.float64)) >= 2.0**63 / QUANTILE_SCALE:
        raise OverflowError("the losses add up to more than 64 bits hold")
    return losses


def _repeated(ids: Sparse) -> tuple[Numbers, Numbers]:
    places = _of_several(ids.values)
    several_ids = ids.values[places]
    order = _stable_order(several_ids)
    places, several_ids = places[order], several_ids[order]
    several = _has_equal_neighbour(several_ids)
    places, several_ids = places[several], several_ids[several]
    rows = places if ids.rows is None else ids.rows[places]
    return rows, np.cumsum(np.concatenate([several_ids[:1] < several_ids[:1], several_ids[1:] != several_ids[:-1]]))


def _has_equal_neighbour(values: Numbers) -> Numbers:
    same, found = values[1:] == values[:-1], np.zeros(len(values), dtype=bool)
    found[1:] |= same
    found[:-1] |= same
    return found


def _of_several(ids: Numbers) -> Numbers:
    """The places of all ids that stand there twice or more, ascending, and of few others."""
    distance = _distance(ids)
    ordered = np.sort(distance)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    # A table of marks by a hash of the id, within the processor's cache: few other ids meet a mark.
    bits = min((32 * len(twice)).bit_length(), 20)
    marks = np.zeros(1 << bits, dtype=bool)
    marks[_hash(twice, bits)] = True
    blocks = [
        np.flatnonzero(marks.take(_hash(distance[start : start + _BLOCK], bits))) + start
        for start in range(0, len(distance), _BLOCK)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *blocks])


def _distance(ids: Numbers) -> Numbers:
    """How far each id is from the least, in the fewest bytes: between two int64 it may need 64 bits without a sign."""
    least, reach = (int(ids.min()), int(ids.max()) - int(ids.min())) if len(ids) else (0, 0)
    distance = np.empty(len(ids), dtype=np.uint32 if reach < 1 << 32 else np.uint64)
    return np.subtract(ids.view(np.uint64), np.uint64(least % (1 << 64)), out=distance, casting="unsafe")


def _hash(numbers: Numbers, bits: int) -> Numbers:
    """Some bits of the product with an odd number near the golden section of the type's range (Fibonacci hashing)."""
    width = 8 * numbers.itemsize
    factor = numbers.dtype.type(2654435769 if width == 32 else 11400714819323198485)
    return (numbers * factor) >> numbers.dtype.type(width - bits)


def _stable_order(ids: Numbers) -> Numbers:
    """The order that sorts the ids and leaves equal ones as they stand."""
    distance, place_bits = _distance(ids), max(len(ids) - 1, 0).bit_length()
    if len(ids) and int(distance.max()).bit_length() + place_bits > 64:
        return np.argsort(distance, kind="stable")
    keys = distance.astype(np.uint64) << np.uint64(place_bits)
    keys |= np.arange(len(ids), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64((1 << place_bits) - 1)).view(np.int64)


def sums(records: Records, cell: Numbers, size: int) -> dict[str, Numbers]:
    """Every additive measure of every cell."""
    return {name: addends.by(cell, size) for name, addends in records.addends.items()}


@lru_cache(maxsize=1 << 16)
def interval_ranks(number: int, above: int, below: int) -> tuple[int, int]:
    """The places (from 0) of the losses that bound the quantile `above / below` of so many with at least 95 %; (-1, -1) where
    they are too few for that, or for `LOSSES_ON_EACH_SIDE`.

    With B binomial (number, above / below): the lower place is the last k with P(B <= k) <= 2.5 %, the upper the first k with
    P(B > k) <= 2.5 %. The probabilities are products of ratios outwards from the most likely number, as far as they matter; where
    one comes closer to 2.5 % than they are exact (1e-9 of it, for up to 1e8 losses), the wider interval is taken.
    """
    if number * min(above, below - above) < LOSSES_ON_EACH_SIDE * below:
        return -1, -1
    middle, reach = number * above // below, 5 * math.isqrt(number) + 40  # ten standard deviations at least
    least, most = max(middle - reach, 0), min(middle + reach, number)
    odds = above / (below - above)
    downwards, upwards = np.arange(middle, least, -1), np.arange(middle, most)
    chance = np.concatenate(
        [
            np.cumprod(downwards / ((number + 1 - downwards) * odds))[::-1],
            [1.0],
            np.cumprod((number - upwards) / (upwards + 1) * odds),
        ]
    )
    limit = BEYOND_EACH_END * (1 - 1e-9) * chance.sum()
    lower = least + int(np.searchsorted(np.cumsum(chance), limit, side="right")) - 1
    upper = most - int(np.searchsorted(np.cumsum(chance[::-1]), limit, side="right"))
    return (lower, upper) if lower >= 0 and upper < number else (-1, -1)


def order_statistics(
    losses: Numbers, cells: Numbers, size: int, *, concentration: bool, intervals: bool = False, count: Numbers | None = None
) -> dict[str, Numbers]:
    """Quantiles and largest loss of the losses (above zero, in any order) of each cell, and their number as `losses`.

    `count`: that number, where it is known. With `concentration` also TOP_SHARES as the sum of the top losses, `losses_sum`, and
    GINI in 1/GINI_SCALE, NO_GINI where there are too few. With `intervals` also INTERVAL_ENDS, in minor units like the losses
    that they are, 0 where there are too few. Where `losses` is 0 the rest means nothing.
    """
    ordered = Ordered(cells, size, losses)
    count = np.bincount(cells, minlength=size) if count is None else count
    end = np.cumsum(count)
    some = count > 0
    first, number, stop = (end - count)[some], count[some], end[some]
    found = {"max_loss": ordered.at(stop - 1)}
    for name, (above, below) in QUANTILES.items():
        # The rank (number - 1) * above / below lies `rest` parts of `below` after the loss at `low`.
        low, rest = np.divmod((number - 1) * above, below)
        lower = ordered.at(first + low)
        upper = ordered.at(first + np.minimum(low + 1, number - 1))
        found[name] = lower * QUANTILE_SCALE + (upper - lower) * rest * (QUANTILE_SCALE // below)
    if concentration:
        before = np.zeros(len(losses) + 1, dtype=np.int64)
        np.cumsum(ordered.all(), out=before[1:])
        found["losses_sum"] = before[stop] - before[stop - number]
        for name, one_in in TOP_SHARES.items():
            found[name] = before[stop] - before[stop - -(-number // one_in)]
        found[GINI] = _gini(before, first, number)
    for name in INTERVALS if intervals else ():
        found |= zip(INTERVALS[name], _ends(ordered, first, number, *QUANTILES[name]), strict=True)
    result = {"losses": count}
    for name, values in found.items():
        result[name] = np.full(size, NO_GINI if name == GINI else 0, dtype=np.int64)
        result[name][some] = values
    return result


def _gini(before: Numbers, first: Numbers, number: Numbers) -> Numbers:
    """The Gini coefficient of the `number` losses from `first` on, cell after cell. `before`: the sum of all losses in front of
    each place of their order.

    No loss is multiplied by its rank: the sum of these products is (n + 1) Σ x less the sum of the running sums r(i) = x(1) + … +
    x(i), so that G = ((n + 1) Σ x - 2 Σ r) / (n Σ x).
    """
    found = np.full(len(number), NO_GINI, dtype=np.int64)
    enough = np.flatnonzero(number >= LOSSES_FOR_GINI)
    if len(enough):
        high, low = (part[enough] for part in _sums_in_two(before[1:], first))
        start, count = before[first[enough]], number[enough]
        columns = (high, low, start, before[first[enough] + count] - start, count)
        found[enough] = [_coefficient(*cell) for cell in zip(*(column.tolist() for column in columns), strict=True)]
    return found


def _sums_in_two(values: Numbers, first: Numbers) -> tuple[Numbers, Numbers]:
    """The sums of stretches that begin at `first`, as one number of 2^32 and another of 1: they may need more than 64 bits.

    `values`: int64 from 0 to 2^62, ascending, not more than 2^31 in a stretch.
    """
    if len(values) * float(values[-1]) < 2.0**62:
        return np.zeros(len(first), dtype=np.int64), np.add.reduceat(values, first)
    return np.add.reduceat(values >> 32, first), np.add.reduceat(values & 0xFFFF_FFFF, first)


def _coefficient(high: int, low: int, start: int, total: int, number: int) -> int:
    """In 1/GINI_SCALE, rounded half to even: of so many losses with this sum. `high` and `low`: the sum of their running sums,
    each of which counts `start` as well."""
    running = (high << 32) + low - number * start
    below = number * total
    whole, rest = divmod(((number + 1) * total - 2 * running) * GINI_SCALE, below)
    return whole + (2 * rest > below or (2 * rest == below and whole % 2 == 1))


def _ends(ordered: Ordered, first: Numbers, number: Numbers, above: int, below: int) -> tuple[Numbers, Numbers]:
    """The two ends of the interval of the quantile `above / below`, of the cells whose `number` losses begin at `first`."""
    numbers, of_cell = np.unique(number, return_inverse=True)
    places = np.array([interval_ranks(each, above, below) for each in numbers.tolist()], dtype=np.int64).reshape(-1, 2)[of_cell]
    lower, upper = (np.where(place >= 0, ordered.at(first + np.maximum(place, 0)), 0) for place in places.T)
    return lower, upper
