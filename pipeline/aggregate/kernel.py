"""Counts, sums, quantiles, largest losses and distinct victims of every cell: numbers in, numbers out.

In: the columns of some records (`Records`) and, for each grouping, the number of the cell that a record belongs to. Out: int64
arrays with one value a cell. What a cell means, and which period its records are of, is the caller's (`cubes`, `ledger`).

How it is computed, for n records of which m have a loss, in C cells:

1. A cell is one integer: the codes of its dimensions in mixed radix (`mixed_radix`), in the fewest bytes. O(n), no texts.
2. Counts and sums are `numpy.bincount`. Its sums are float64, so amounts are cut into limbs so small that no partial sum
   leaves the 53 bits which float64 holds exactly (`exact_sums`). O(n).
3. The losses above zero and the victims' ids are sorted once for all groupings, by a radix sort of 16 bits a pass
   (`stable_order`): two or three passes, O(m) each, four times as fast as sorting by comparison.
4. Each grouping brings the sorted losses into the order (cell, loss) by one more stable pass over the cells, two where there are
   more than 65,536 of them. Ranks are then looked up, top shares are differences of prefix sums: O(m + C).
5. A victim who is named once needs no care: distinct victims are the named ones less the repeats. Only records of ids that
   stand there twice or more are brought into the order (cell, id), and each id that follows itself is taken off. O(repeats).
6. Several periods together (`Records.joined`) are merged from what is sorted already: O(m log periods), half the cost of a sort.
   Their counts and sums are those of the periods, added; only order and distinctness are worked out again.

A quantile is interpolated linearly between the two neighbouring losses (what pandas calls `linear`), in integers: the median in
half cents, the 90th percentile in tenths, the 99th in hundredths. Nothing is rounded before the last division.

Memory is that of the columns and 12 bytes for each loss and each id; while periods are merged, three times that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.model import FraudlossError

Numbers = np.ndarray[Any, np.dtype[Any]]

QUANTILES = {"median_loss": (1, 2), "p90_loss": (9, 10), "p99_loss": (99, 100)}
TOP_SHARES = {"top_0_1_share": 1000, "top_1_share": 100, "top_10_share": 10}  # one loss in so many
QUANTILE_SCALE = 100  # quantiles are held in hundredths of the minor unit


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


def exact_sums(keys: Numbers, values: Numbers, size: int) -> Numbers:
    """The sums of int64 `values` by key (0 to size - 1) as int64, exact. Raises OverflowError beyond int64.

    `bincount` adds in float64, exact while every partial sum stays below 2^53. Amounts for which that is not certain are cut
    into limbs of 22 bits: for up to 2^31 rows the sums of a limb are below 2^53.
    """
    if not len(values):
        return np.zeros(size, dtype=np.int64)
    largest = max(int(values.max()), -int(values.min()))
    if largest * len(values) < 1 << 53:
        return np.bincount(keys, weights=values, minlength=size).astype(np.int64)
    rough = np.bincount(keys, weights=np.abs(values.astype(np.float64)), minlength=size)
    if rough.max() >= 2.0**63:
        raise OverflowError("the losses of a cell add up to more than 64 bits hold")
    total, shift, rest = np.zeros(size, dtype=np.int64), 0, values
    while True:
        last = shift == 44
        limb = rest if last else rest & ((1 << 22) - 1)
        total += np.bincount(keys, weights=limb, minlength=size).astype(np.int64) << shift
        if last:
            return total
        rest, shift = rest >> 22, shift + 22


def stable_order(keys: Numbers, size: int) -> Numbers:
    """The order that sorts keys (0 to size - 1) and leaves equal ones as they stand: radix sort, 16 bits a pass."""
    order: Numbers = np.argsort(keys.astype(np.uint16), kind="stable")
    for shift in range(16, (size - 1).bit_length(), 16):
        digits = (keys >> shift).astype(np.uint16)
        order = order[np.argsort(digits[order], kind="stable")]
    return order


@dataclass(frozen=True)
class Ranked:
    """Values in ascending order, and the rows of the records that they stand in."""

    values: Numbers
    rows: Numbers

    @classmethod
    def of(cls, values: Numbers, rows: Numbers) -> Ranked:
        """Sorted; `rows` says which record each value is of, in 32 bits: fewer than 2^31 records."""
        rows = rows.astype(np.int32, copy=False)
        if not len(values):
            return cls(values, rows)
        least = int(values.min())
        reach = int(values.max()) - least + 1
        # An id may be any int64; the distance between two of them may need 64 bits without a sign.
        distance = values.astype(np.uint64) - np.uint64(least % (1 << 64))
        order = stable_order(distance, reach)
        return cls(values[order], rows[order])

    @classmethod
    def merged(cls, parts: Sequence[Ranked], starts: Sequence[int]) -> Ranked:
        """All of them; the rows of each part begin at its start."""
        values = np.concatenate([part.values for part in parts])
        rows = np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=True)])
        # numpy sorts integers of this width by merging the runs that it finds.
        order = np.argsort(values, kind="stable")
        return cls(values[order], rows[order])


@dataclass(frozen=True)
class Records:
    """The columns of some records, sorted once for every grouping."""

    length: int
    values: Mapping[str, Numbers]  # additive measure -> what each record adds to it
    losses: Ranked  # those above zero, in minor units
    victims: Ranked | None = None  # the ids of the records that have one

    @classmethod
    def of(cls, values: Mapping[str, Numbers], victims: Ranked | None = None) -> Records:
        """`values` has a `loss`, in minor units, 0 where it is not known. Raises OverflowError."""
        loss = values["loss"]
        above = np.flatnonzero(loss > 0)
        return cls(len(loss), values, _checked(Ranked.of(loss[above], above)), victims)

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        """The records of several periods, in their order; `values` is empty, for the sums of the parts are known already."""
        starts = np.cumsum([0, *(part.length for part in parts)]).tolist()
        victims = [part.victims for part in parts if part.victims is not None]
        return cls(
            starts[-1],
            {},
            _checked(Ranked.merged([part.losses for part in parts], starts[:-1])),
            Ranked.merged(victims, starts[:-1]) if victims else None,
        )

    @cached_property
    def repeated(self) -> tuple[Numbers, Numbers]:
        """The rows whose victim stands in more than one of them, and which victim (a number) it is, ascending."""
        assert self.victims is not None
        ids = self.victims.values
        same = ids[1:] == ids[:-1]
        several = np.zeros(len(ids), dtype=bool)
        several[1:] |= same
        several[:-1] |= same
        places = np.flatnonzero(several)
        rows, ids = self.victims.rows[places], ids[places]
        return rows, np.cumsum(ids != np.concatenate([ids[:1], ids[:-1]]))


def _checked(losses: Ranked) -> Ranked:
    if len(losses.values) and float(losses.values.sum(dtype=np.float64)) >= 2.0**63 / QUANTILE_SCALE:
        raise OverflowError("the losses add up to more than 64 bits hold")
    return losses


def sums(records: Records, cell: Numbers, size: int) -> dict[str, Numbers]:
    """Every additive measure of every cell."""
    return {name: exact_sums(cell, value, size) for name, value in records.values.items()}


def distinct_victims(records: Records, cell: Numbers, size: int) -> Numbers:
    """How many different victims the records of each cell name."""
    assert records.victims is not None
    rows, victim = records.repeated
    named = cell if len(records.victims.rows) == records.length else cell[records.victims.rows]
    counts = np.bincount(named, minlength=size)
    cells = cell[rows]
    order = stable_order(cells, size)
    cells, victim = cells[order], victim[order]
    again = (cells[1:] == cells[:-1]) & (victim[1:] == victim[:-1])
    return counts - np.bincount(cells[1:][again], minlength=size)


def order_statistics(losses: Numbers, cells: Numbers, size: int, *, top_sums: bool) -> dict[str, Numbers]:
    """Quantiles and largest loss of the losses (smallest first) of each cell, and their number as `losses`.

    With `top_sums` also TOP_SHARES as the sum of the top losses, and `losses_sum`. Where `losses` is 0 the rest means nothing.
    """
    order = stable_order(cells, size)
    count = np.bincount(cells, minlength=size)
    end = np.cumsum(count)
    some = count > 0
    first, number, stop = (end - count)[some], count[some], end[some]
    found = {"max_loss": losses[order[stop - 1]]}
    for name, (above, below) in QUANTILES.items():
        # The rank (number - 1) * above / below lies `rest` parts of `below` after the loss at `low`.
        low, rest = np.divmod((number - 1) * above, below)
        lower = losses[order[first + low]]
        upper = losses[order[first + np.minimum(low + 1, number - 1)]]
        found[name] = lower * QUANTILE_SCALE + (upper - lower) * rest * (QUANTILE_SCALE // below)
    if top_sums:
        before = np.concatenate([[0], np.cumsum(losses[order])])
        found["losses_sum"] = before[stop] - before[stop - number]
        for name, one_in in TOP_SHARES.items():
            found[name] = before[stop] - before[stop - -(-number // one_in)]
    result = {"losses": count}
    for name, values in found.items():
        result[name] = np.zeros(size, dtype=np.int64)
        result[name][some] = values
    return result
