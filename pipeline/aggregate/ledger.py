"""Month partitions of a ledger to cells of cubes, one calendar year at a time.

In: the partitions (pipeline.reading.partitions) by month, and a `Plan`: the dimensions, the groupings, and what a unit of each
currency is worth in the currency and at the prices of the result. Out: for each grouping a frame with one row for each period
and combination of labels that has a report:

    period                category   `2024-03`, `2024-Q1`, `2024-01/2024-05` or `2024`, in order: whole periods only
    <dimensions>          category   the labels
    cases, cases_loss_known, losses, victims, distinct_victims   int64   `losses`: the number of those above zero
    loss, max_loss        int64      minor units of the currency of the result; `max_loss` is 0 where there are no losses
    median_loss, p90_loss, p99_loss  int64   in 1/QUANTILE_SCALE of a minor unit; 0 where there are no losses
    median_loss_lower_95, median_loss_upper_95, p90_loss_lower_95, p90_loss_upper_95  int64   where the grouping asks for them:
                                     the ends of their intervals, in minor units; 0 where there are too few losses
    losses_sum, top_0_1_share, top_1_share, top_10_share  int64   where the grouping asks for them: the sum of the losses above
                                     zero, and of the largest of them, in minor units
    gini_loss             int64      with these: the Gini coefficient of the losses above zero, in 1/GINI_SCALE; NO_GINI where
                                     they are fewer than LOSSES_FOR_GINI

Rounding: the loss of a report is multiplied by its factor in float64 and rounded half to even to whole minor units. That is the
only rounding; what follows is exact in integers (`kernel`). Where there are no factors, nothing is rounded.

How it is computed: the ids of the victims of all months are compared first, once for months, quarters and years, and only which
reports name a person again is kept. Then a month is read and converted, and given to every monthly grouping. Of it the losses
are kept and, for groupings of longer periods, the cell of each report and loss. So the memory is one month's columns and
about 54 bytes a report of one year. A year needs no other: years may run in several processes.
A month that changed changes its own cells and those of its quarter and year: `changed` has only these computed.

How several processes share it (`in_turn`): whole years, the largest first, because what reads a month, sorts its ids and keeps it
serves its quarter and year as well. A year in pieces costs a third more; that is paid for the last ones alone, where it is less
than workers that wait.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import union_categoricals

from pipeline.aggregate.kernel import (
    GINI,
    QUANTILES,
    TOP_SHARES,
    Coarser,
    LossBands,
    Numbers,
    Records,
    Sparse,
    Victims,
    mixed_radix,
    order_statistics,
    summable,
    sums,
)
from pipeline.executors import THIS_PROCESS, Engine, computed
from pipeline.model import INTERVAL_ENDS, FraudlossError, Period, RefusedInput
from pipeline.reading.partitions import Dimension, Month, VictimIds, read_month, read_victims

MEASURES = (
    "cases",
    "cases_loss_known",
    "losses",
    "victims",
    "distinct_victims",
    "loss",
    "max_loss",
    *QUANTILES,
)

FREQUENCIES = ("monthly", "quarterly", "annual")
CONCENTRATION = ("losses_sum", *TOP_SHARES, GINI)
LOSS_BAND = "loss_band"

# Below so many reports, starting processes and importing pandas in each takes longer than it saves.
ROWS_FOR_SEVERAL_PROCESSES = 1_500_000
# A process with its libraries, a report of the year, and each of its cells there. Measured at 5e7 reports, with three cells
# each: 54 bytes a report, 63 where some ids and losses are not known.
PROCESS_BYTES, REPORT_BYTES, CELL_BYTES = 160 << 20, 60, 7


# A table of more cells is not added up to coarser ones: it would cost more than counting the reports.
MOST_CELLS = 1 << 20


@dataclass(frozen=True)
class Grouping:
    """A cube without its totals: the dimensions that its cells are of, and the frequency of its periods."""

    name: str
    by: tuple[str, ...]
    frequency: str  # one of FREQUENCIES, or year_to_date, of which only the periods are counted that are asked for
    concentration: bool = False  # with CONCENTRATION
    intervals: bool = False  # with INTERVAL_ENDS

    @property
    def measures(self) -> tuple[str, ...]:
        """The columns of its cells."""
        return (*MEASURES, *(INTERVAL_ENDS if self.intervals else ()), *(CONCENTRATION if self.concentration else ()))


@dataclass(frozen=True)
class Plan:
    """What is counted, alike for every year."""

    dimensions: tuple[Dimension, ...]
    groupings: tuple[Grouping, ...]
    # Month -> currency -> what its minor unit is worth in that of the result, at the prices of the result. None: one currency.
    factors: Mapping[str, Mapping[str, float]] | None = None
    loss_bands: LossBands | None = None  # of the dimension LOSS_BAND, which stands in no column

    @cached_property
    def dimension(self) -> dict[str, Dimension]:
        """The dimensions by name."""
        bands = (Dimension.of(LOSS_BAND, self.loss_bands.labels),) if self.loss_bands else ()
        return {dimension.name: dimension for dimension in (*self.dimensions, *bands)}

    def sizes(self, by: Sequence[str]) -> list[int]:
        """How many labels each dimension has."""
        return [len(self.dimension[name].labels) for name in by]

    @cached_property
    def finer(self) -> dict[tuple[str, ...], tuple[tuple[str, ...], Coarser]]:
        """Dimensions of a grouping -> those of the smallest other whose cells make up its own, and how."""
        found = {}
        sizes = {grouping.by: math.prod(self.sizes(grouping.by)) for grouping in self.groupings}
        for by, size in sizes.items():
            larger = sorted((other for other in sizes if size < sizes[other] <= MOST_CELLS), key=lambda other: sizes[other])
            for other in larger:
                if (cell := self._cell_in(by, other)) is not None:
                    found[by] = (other, Coarser(cell, size))
                    break
        return found

    def _cell_in(self, by: tuple[str, ...], other: tuple[str, ...]) -> Numbers | None:
        """For each cell of `other` the cell of `by` that it is part of; None where it is part of several."""
        places = dict(zip(other, np.unravel_index(np.arange(math.prod(self.sizes(other))), self.sizes(other)), strict=True))
        for name in by:
            same_column = (each for each in other if self.dimension[each].column == self.dimension[name].column)
            for each in same_column if name not in places else ():
                if (code_of := _codes_by_code(self.dimension[name], self.dimension[each])) is not None:
                    places[name] = code_of[places[each]]
        if not places.keys() >= set(by):
            return None
        return mixed_radix([places[name] for name in by], self.sizes(by), math.prod(self.sizes(other)))[0]


def _codes_by_code(dimension: Dimension, finer: Dimension) -> Numbers | None:
    """The code in `dimension` for each code in `finer`; None where that does not say it."""
    pairs = {(code, dimension.codes.get(text, -1)) for text, code in finer.codes.items()}
    if len(pairs) > len(finer.labels) or any(code < 0 for _, code in pairs):
        return None
    return np.array([code for _, code in sorted(pairs)])


@dataclass(frozen=True)
class Cells:
    """The cells of each grouping, and why there are none of some periods: of those that hold a month whose partition was refused,
    and of all periods of a year whose process died. `refused`: month or name of the year -> the reason.
    """

    of: Mapping[str, pd.DataFrame]
    refused: Mapping[str, FraudlossError]


@dataclass(frozen=True)
class Wanted:
    """Periods of one calendar year, and the partitions that they are counted from."""

    partitions: Mapping[str, Path]  # month -> file
    periods: Collection[str] | None = None  # codes; None: every whole period

    def where_all_workers_find_it(self) -> Wanted:
        """The same with whole paths: a worker may stand in another folder."""
        return Wanted({month: path.absolute() for month, path in self.partitions.items()}, self.periods)


def wanted_cells(plan: Plan, wanted: Mapping[str, Wanted], engine: Engine = THIS_PROCESS, free_bytes: int | None = None) -> Cells:
    """The cells of what is wanted, by a name for each year, as many at a time as the engine has workers; see `year_cells`. A year
    that fails, or whose worker dies each time, stops no other.

    Raises FraudlossError before any work where memory would not suffice. `free_bytes`: what the machine says by default.
    """
    wanted = {name: each.where_all_workers_find_it() for name, each in wanted.items()}
    _refuse_too_little_memory(plan, {name: each.partitions for name, each in wanted.items()}, engine, free_bytes)
    pieces = in_turn(wanted, engine.workers)
    outcomes = computed(
        _PieceTask(plan, pieces),
        list(pieces),
        engine,
        modules=[__name__],
        name_of=lambda piece: f"partitions {min(pieces[piece].partitions)} to {max(pieces[piece].partitions)}",
    )
    made: list[Cells] = []
    refused: dict[str, FraudlossError] = {}
    for name in wanted:
        of_year = [outcomes[piece] for piece in sorted(piece for piece in pieces if piece.year == name)]
        if failed := [outcome for outcome in of_year if isinstance(outcome, FraudlossError)]:
            refused[name] = failed[0]
            continue
        for outcome in of_year:
            assert isinstance(outcome, Cells)
            made.append(outcome)
            refused |= outcome.refused
    return Cells(
        {grouping.name: _below_each_other([piece.of[grouping.name] for piece in made]) for grouping in plan.groupings}, refused
    )


class Piece(NamedTuple):
    """Some periods of a year, which one worker counts. In the order of their periods, but for those longer than a quarter."""

    year: str  # its name
    number: int  # of the quarter that they lie in; 4: the rest of the year. 0: the whole year


def in_turn(wanted: Mapping[str, Wanted], workers: int) -> dict[Piece, Wanted]:
    """What so many workers take up, one after the other, so that none waits long for the last.

    The years, by falling number of their reports: a large one at the end would have the others wait for it. Where the last round
    would leave half of the workers or more without a year, its years are cut: the periods within the first, second and third
    quarter are a piece each, and all others are one. Each period is counted whole, by one worker, from the same reports as
    otherwise; but the months of those quarters are read twice, and their ids sorted twice. A year of 3.3 million reports that
    takes 0.53 s becomes 0.36 s and three times 0.12 s: two workers end after 0.36 s, and so do four with two such years.
    """
    size = {name: sum(map(_rows, each.partitions.values())) for name, each in wanted.items()}
    years = sorted(wanted, key=lambda name: -size[name])
    last = len(years) % workers
    uncut = len(years) - last if 2 * last <= workers else len(years)
    pieces = {Piece(name, 0): wanted[name] for name in years[:uncut]}
    cut = [item for name in years[uncut:] for item in _pieces(name, wanted[name])]
    return pieces | dict(sorted(cut, key=lambda item: -item[0].number))


def _pieces(year: str, wanted: Wanted) -> list[tuple[Piece, Wanted]]:
    asked = changed_periods(wanted.partitions, wanted.partitions) if wanted.periods is None else wanted.periods
    periods: dict[int, list[str]] = {}
    for period in map(Period.parse, asked):
        quarters = {(int(month[5:]) + 2) // 3 for month in period.months}
        periods.setdefault(min(quarters) if len(quarters) == 1 else 4, []).append(period.code)
    found = []
    for number, codes in periods.items():
        months = {month for code in codes for month in Period.parse(code).months}
        partitions = {month: path for month, path in wanted.partitions.items() if month in months}
        found.append((Piece(year, number), Wanted(partitions, codes)))
    return found


def memory_needed(plan: Plan, years: Mapping[str, Mapping[str, Path]], workers: int) -> int:
    """How many bytes `workers` processes take at most, each with one of the largest years."""
    longer = len({grouping.by for grouping in plan.groupings if grouping.frequency != "monthly"})
    reports = sorted((sum(map(_rows, months.values())) for months in years.values()), reverse=True)
    return sum(PROCESS_BYTES + count * (REPORT_BYTES + CELL_BYTES * longer) for count in reports[:workers])


def fitting(engine: Engine, plan: Plan, wanted: Mapping[str, Wanted], free_bytes: int | None = None) -> Engine:
    """The engine with as many processes of this machine as are worth while and memory suffices for; at least one."""
    years = {name: each.partitions for name, each in wanted.items()}
    if engine.dask:
        return engine
    if sum(_rows(path) for months in years.values() for path in months.values()) < ROWS_FOR_SEVERAL_PROCESSES:
        return THIS_PROCESS
    free = psutil.virtual_memory().available if free_bytes is None else free_bytes
    counts = range(min(engine.workers, len(years)), 1, -1)
    return Engine(next((count for count in counts if memory_needed(plan, years, count) <= free), 1))


def _rows(path: Path) -> int:
    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowInvalid, OSError):
        return 0  # reading it will say what is wrong


def _refuse_too_little_memory(
    plan: Plan, years: Mapping[str, Mapping[str, Path]], engine: Engine, free_bytes: int | None
) -> None:
    if engine.is_elsewhere:
        needed, least = memory_needed(plan, years, 1), min(engine.memory_limits(), default=None)
        if least is not None and needed > least:
            raise FraudlossError(
                f"counting the largest year needs {needed >> 20} MiB of memory and a Dask worker may take {least >> 20} MiB."
                " Start workers with a higher memory limit."
            )
        return
    needed = memory_needed(plan, years, engine.workers)
    free = psutil.virtual_memory().available if free_bytes is None else free_bytes
    if needed > free:
        raise FraudlossError(
            f"counting with {engine.workers} workers needs {needed >> 20} MiB of memory and {free >> 20} MiB are free."
            " Use fewer workers, or a machine with more memory."
        )


@dataclass(frozen=True)
class _PieceTask:
    """What a worker is handed; called with a piece."""

    plan: Plan
    pieces: Mapping[Piece, Wanted]

    def __call__(self, piece: Piece) -> Cells:
        wanted, refused = self.pieces[piece], dict[str, FraudlossError]()
        return Cells(year_cells(self.plan, wanted.partitions, periods=wanted.periods, refused=refused), refused)


def _below_each_other(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame()
    periods = union_categoricals([frame["period"].array for frame in frames])
    # pandas gives the categories of several frames another type than those of one.
    periods = pd.Categorical.from_codes(periods.codes, pd.Index(periods.categories, dtype=object))
    return pd.concat(frames, ignore_index=True).assign(period=periods)


def year_cells(
    plan: Plan,
    partitions: Mapping[str, Path],
    changed: Collection[str] | None = None,
    *,
    periods: Collection[str] | None = None,
    refused: dict[str, FraudlossError] | None = None,
) -> dict[str, pd.DataFrame]:
    """The cells of every grouping in the months of one calendar year.

    `partitions`: month -> file. `changed`: only the periods that hold one of these months. `periods`: only these. Raises
    RefusedInput for a partition that is not what it should be, and for a currency without a factor; where `refused` is given,
    the month is noted there instead, and the periods that hold it are left out.
    """
    if len(years := sorted({month[:4] for month in partitions})) > 1:
        raise ValueError(f"one calendar year at a time, not {', '.join(years)}")
    if periods is None:
        periods = changed_periods(partitions, partitions if changed is None else changed)
    whole = sorted(each for each in map(Period.parse, periods) if set(each.months).issubset(partitions))
    asked = {grouping: [each for each in whole if each.frequency == grouping.frequency] for grouping in plan.groupings}
    year = _Year(plan, asked)

    @contextlib.contextmanager
    def left_out_if_refused(month: str) -> Iterator[None]:
        try:
            yield
        except RefusedInput as refusal:
            if refused is None:
                raise
            refused[month] = refusal
            year.leave_out(month)

    victims = {}
    for month in sorted(partitions):
        if year.needs(month):
            with left_out_if_refused(month):
                victims[month] = read_victims(partitions[month], month)
    year.compare(victims)
    months = list(victims)
    del victims  # the ids: they are not needed any more
    for month in months:
        if year.needs(month):
            with left_out_if_refused(month):
                year.add(month, read_month(partitions[month], month, plan.dimensions))
    return year.frames()


def changed_periods(months: Collection[str], changed: Collection[str]) -> list[str]:
    """The months, quarters and years of which every month is there, and one is among those that changed."""
    return [
        period.code
        for frequency in FREQUENCIES
        for period in _whole(frequency, months)
        if not set(period.months).isdisjoint(changed)
    ]


def _whole(frequency: str, months: Collection[str]) -> list[Period]:
    """The periods of which every month is there."""
    periods = dict.fromkeys(Period.of(frequency, Period.parse(month).start) for month in sorted(months))
    return [period for period in periods if set(period.months).issubset(months)]


# The dimensions of a grouping.
_By = tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """What quarters and years need of a month, beside the victims: its losses, and by dimensions the cells of its reports."""

    losses: Numbers
    cells: Mapping[_By, _Cells]


@dataclass(frozen=True)
class _Cells:
    """Of some records, by the dimensions of a grouping: the cell of each, of each that has a loss, and what is added in each."""

    of_records: Numbers
    of_losses: Numbers
    counts: Mapping[str, Numbers]

    @classmethod
    def joined(cls, parts: Sequence[_Cells]) -> _Cells:
        """Those of several periods, in their order."""
        return cls(
            np.concatenate([part.of_records for part in parts]),
            np.concatenate([part.of_losses for part in parts]),
            {name: np.sum([part.counts[name] for part in parts], axis=0) for name in parts[0].counts},
        )


class _Year:
    """Takes the months of a year one after the other, and gives the cells of all its periods."""

    def __init__(self, plan: Plan, periods: Mapping[Grouping, list[Period]]) -> None:
        self._plan, self._periods = plan, periods
        self._parts: dict[str, _Part] = {}
        self._rows: dict[str, tuple[int, int]] = {}
        self._blocks: dict[Grouping, list[_Block]] = {grouping: [] for grouping in periods}

    def needs(self, month: str) -> bool:
        """Whether a period that is asked for holds the month."""
        return bool(self._groupings_of(month))

    def compare(self, victims: Mapping[str, VictimIds]) -> None:
        """Find whom several reports of these months name, which come one after the other: once, for each of them and for all."""
        lengths = [each.length for each in victims.values()]
        ends = np.cumsum(lengths).tolist()
        self._rows = {month: (end - length, end) for month, end, length in zip(victims, ends, lengths, strict=True)}
        if victims:
            ids = Sparse.joined([Sparse(each.ids, each.places) for each in victims.values()], lengths)
            self._victims = Victims.of(sum(lengths), ids)

    def add(self, month: str, reports: Month) -> None:
        """Count a month of those that were compared, and keep of it what longer periods need."""
        records, victims = _records(reports, self._plan), self._victims.stretch(*self._rows[month])
        assert records.length == victims.length
        groupings = self._groupings_of(month)
        codes = dict(reports.codes)
        if self._plan.loss_bands and any(LOSS_BAND in grouping.by for grouping in groupings):
            codes[LOSS_BAND] = self._plan.loss_bands.codes(records.values["loss"], reports.loss_known)
        cells = self._cells(codes, records, victims, {grouping.by for grouping in groupings})
        for grouping in groupings:
            if grouping.frequency == "monthly":
                self._blocks[grouping].append(_block(month, grouping, records.losses.values, victims, cells[grouping.by]))
        longer = {grouping.by for grouping in groupings if grouping.frequency != "monthly"}
        if longer:
            self._parts[month] = _Part(records.losses.values, {by: cells[by] for by in longer})

    def _cells(
        self, codes: Mapping[str, Numbers], records: Records, victims: Victims, wanted: Collection[_By]
    ) -> dict[_By, _Cells]:
        """By dimensions: what is added is counted of the finest cells, and added up for those that these make up."""
        found: dict[_By, _Cells] = {}
        for by in sorted(wanted, key=lambda by: (-math.prod(self._plan.sizes(by)), by)):
            cell, size = mixed_radix([codes[name] for name in by], self._plan.sizes(by), records.length)
            of_losses = records.losses.of(cell)
            finer, coarser = self._plan.finer.get(by, ((), None))
            if coarser is not None and finer in found and len(found[finer].counts["cases"]) < records.length:
                counts = coarser.added(found[finer].counts)
            else:
                counts = _counts(records, victims, cell, of_losses, size)
            found[by] = _Cells(cell, of_losses, counts)
        return found

    def leave_out(self, month: str) -> None:
        """Ask no more for the periods that hold the month."""
        for periods in self._periods.values():
            periods[:] = [period for period in periods if month not in period.months]

    def frames(self) -> dict[str, pd.DataFrame]:
        """The cells of every grouping."""
        longer = [grouping for grouping in self._periods if grouping.frequency != "monthly" and self._periods[grouping]]
        if longer:
            self._count_longer(longer)
        return {grouping.name: _frame(self._plan, grouping, blocks) for grouping, blocks in self._blocks.items()}

    def _count_longer(self, groupings: Sequence[Grouping]) -> None:
        """Quarters, years and years to date."""
        for period in dict.fromkeys(period for grouping in groupings for period in self._periods[grouping]):
            parts = [self._parts[month] for month in period.months]
            victims = self._victims.stretch(self._rows[period.months[0]][0], self._rows[period.months[-1]][1])
            losses = summable(np.concatenate([part.losses for part in parts]))
            for grouping in groupings:
                if period in self._periods[grouping]:
                    cells = _Cells.joined([part.cells[grouping.by] for part in parts])
                    self._blocks[grouping].append(_block(period.code, grouping, losses, victims, cells))

    def _groupings_of(self, month: str) -> list[Grouping]:
        return [grouping for grouping, periods in self._periods.items() if any(month in period.months for period in periods)]


def labelled(reports: Month, plan: Plan) -> dict[str, Numbers]:
    """For each dimension of the plan the code of each report: its place in the labels."""
    if plan.loss_bands is None:
        return dict(reports.codes)
    return {**reports.codes, LOSS_BAND: plan.loss_bands.codes(_converted(reports, plan), reports.loss_known)}


def _records(reports: Month, plan: Plan) -> Records:
    loss = _converted(reports, plan)
    values = {"loss": loss, "victims": reports.victims}
    if reports.loss_known is not None:
        values["cases_loss_known"] = reports.loss_known.astype(np.int64)
    return Records.of(values)


def _converted(reports: Month, plan: Plan) -> Numbers:
    """The losses in minor units of the result, rounded half to even. Raises RefusedInput for a currency without a factor."""
    if plan.factors is None:
        return reports.loss_minor
    factors = plan.factors.get(reports.month, {})
    used = np.bincount(reports.currency, minlength=len(reports.currencies))
    if missing := [name for name, count in zip(reports.currencies, used.tolist(), strict=True) if count and name not in factors]:
        raise RefusedInput(
            file=reports.file,
            cell="column currency",
            found=f"{', '.join(missing)} without a rate for {reports.month}",
            expected=f"one of {', '.join(factors) or 'no currency at all'}",
            action="add the rate, or quarantine those reports",
        )
    by_code = np.array([factors.get(name, 0.0) for name in reports.currencies])
    converted = by_code.take(reports.currency)
    converted *= reports.loss_minor
    return np.rint(converted, out=converted).astype(np.int64)


# Cell -> its measures, of one period; `cell` holds the numbers of those with a report.
_Block = dict[str, Any]


def _counts(records: Records, victims: Victims, cell: Numbers, of_losses: Numbers, size: int) -> dict[str, Numbers]:
    cases = np.bincount(cell, minlength=size)
    return {
        "cases": cases,
        "cases_loss_known": cases,
        "losses": np.bincount(of_losses, minlength=size),
        "named": cases if victims.named_rows is None else victims.named(cell, size),
        **sums(records, cell, size),
    }


def _block(period: str, grouping: Grouping, losses: Numbers, victims: Victims, cells: _Cells) -> _Block:
    counts = cells.counts
    size = len(counts["cases"])
    asked = {"concentration": grouping.concentration, "intervals": grouping.intervals}
    ordered = order_statistics(losses, cells.of_losses, size, count=counts["losses"], **asked)
    measures = {**counts, **ordered, "distinct_victims": victims.distinct(cells.of_records, size, counts["named"])}
    some = np.flatnonzero(counts["cases"])
    return {"period": period, "cell": some, **{name: measures[name][some] for name in grouping.measures}}


def _frame(plan: Plan, grouping: Grouping, blocks: Sequence[_Block]) -> pd.DataFrame:
    """The blocks below each other, with labels for numbers."""
    lengths = [len(block["cell"]) for block in blocks]
    codes = pd.Index([block["period"] for block in blocks], dtype=object)
    periods = pd.Categorical.from_codes(np.repeat(np.arange(len(blocks)), lengths), codes)
    cell = _stacked(blocks, "cell")
    places = np.unravel_index(cell, plan.sizes(grouping.by)) if grouping.by else ()
    labels = {
        name: pd.Categorical.from_codes(place, pd.Index(plan.dimension[name].labels, dtype=object))
        for name, place in zip(grouping.by, places, strict=True)
    }
    return pd.DataFrame({"period": periods, **labels, **{name: _stacked(blocks, name) for name in grouping.measures}})


def _stacked(blocks: Sequence[_Block], name: str) -> Numbers:
    return np.concatenate([np.zeros(0, dtype=np.int64), *(block[name] for block in blocks)])
