"""The declared cubes of a ledger: what is counted of its month partitions, and the counts as observations.

In: a source with `delivery: ledger`, its cubes in the words of `pipeline.aggregate.cubes`, its exchange rates and prices; and the
cells that `pipeline.aggregate.ledger` counted. Out: the `Plan`s to count by, one for each price basis; the observations of
periods; the cells of those cubes that are kept as cells.

    ledger:
      rates: exchange_rates.csv               in the folder of the source; else pipeline/reference/exchange_rates.csv
      constant_prices: {file: prices.csv, month: 2025-12}   month, index; the month at whose prices constant prices are

Money: each report's loss is converted by the average rate of its month into the currency of the source; at constant prices it is
multiplied by the index of the named month over that of its own. Cells are for every label that `crosswalk.csv` lists, those
without a report too: a true zero of a covered month. A label that may not stand in any month of a period has no value there, and
a label of another scheme of types no cell. What two schemes count is never added: a period that holds months of both has cells of
those cubes alone whose `classification` is one for all reports.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.aggregate.cubes import (
    CONCENTRATION,
    DISTINCT,
    Block,
    Coded,
    Cube,
    Grid,
    cell_origins,
    frame_of_blocks,
    in_force_of,
    loss_bands,
    observations_of_cells,
)
from pipeline.aggregate.ledger import LOSS_BAND, MEASURES, Grouping, Plan
from pipeline.model import FILE_ENDS, INTERVAL_ENDS, FraudlossError
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.reading.label_months import ALWAYS
from pipeline.reading.partitions import Dimension
from pipeline.reference import MissingReference, average_rate
from pipeline.sources.catalogue import Source
from pipeline.sources.ledger_reader import Scheme, schemes

# What the cells call what an observation calls otherwise.
_CELL_NAMES = {"cases_with_loss": "losses"}


@dataclasses.dataclass(frozen=True)
class Counting:
    """What is counted at one price basis, and which cubes are made of it."""

    plan: Plan
    cubes: tuple[tuple[int, Cube], ...]  # with their place in source.yml


@dataclasses.dataclass(frozen=True)
class CountedPeriod:
    """A period as its snapshots give it."""

    period: str
    frequency: str
    snapshot: str  # ids joined by +
    known_at: Any  # datetime.date
    edition: str
    # Where the reports of a month end before it does: their last day. The rest of its file may have been lost at a line end.
    cut: tuple[Any, ...] = ()  # datetime.date


# ---------------------------------------------------------------------------------------------------------------- plans


def countings(source: Source, dimensions: Sequence[Dimension], months: Collection[str]) -> list[Counting]:
    """What has to be counted of these months, one entry for each price basis. Raises FraudlossError for a wrong declaration."""
    cubes = [(place, Cube.from_meta(meta, source)) for place, meta in enumerate(source.meta["cubes"])]
    _refuse_unknown_dimensions(cubes, dimensions, source)
    _refuse_unknown_persons(cubes, source)
    bands = loss_bands(source) if "loss_bands" in source.meta else None
    found = []
    for constant in (False, True):
        own = tuple((place, cube) for place, cube in cubes if cube.constant_prices == constant)
        if own:
            factors = conversion_factors(source, months, constant)
            found.append(Counting(Plan(tuple(dimensions), _groupings(own), factors, bands), own))
    return found


def _refuse_unknown_dimensions(cubes: Iterable[tuple[int, Cube]], dimensions: Sequence[Dimension], source: Source) -> None:
    known = {dimension.name for dimension in dimensions} | ({LOSS_BAND} if "loss_bands" in source.meta else set())
    for _, cube in cubes:
        if missing := [name for name in cube.by if name not in known]:
            raise FraudlossError(
                f"{source.id}/source.yml, cubes of {cube.table}: no column of the ledger gives {', '.join(missing)};"
                f" there are {', '.join(sorted(known))}"
            )


# What is counted only where the ledger has a column that says it: without it every count would be a zero.
_COLUMN_OF = {"victims": "victims", DISTINCT: "victim_id"}


def _refuse_unknown_persons(cubes: Iterable[tuple[int, Cube]], source: Source) -> None:
    for _, cube in cubes:
        if missing := [name for name in cube.measures if name in _not_counted(source)]:
            raise FraudlossError(
                f"{source.id}/source.yml, cubes of {cube.table}: {', '.join(missing)} cannot be counted, for the columns of the"
                f" ledger do not have {', '.join(_COLUMN_OF[name] for name in missing)}"
            )


def _not_counted(source: Source) -> list[str]:
    """The measures of persons that no column of the ledger says anything about."""
    return [measure for measure, column in _COLUMN_OF.items() if column not in source.meta["ledger"]["columns"]]


def _groupings(cubes: Iterable[tuple[int, Cube]]) -> tuple[Grouping, ...]:
    """Each combination of dimensions and frequency once, however many cubes ask for it."""
    wanted: dict[str, Grouping] = {}
    for _, cube in cubes:
        concentration = cube.is_cells or any(name in CONCENTRATION for name in cube.measures)
        intervals = any(name in INTERVAL_ENDS for name in cube.measures)
        for by, frequency in itertools.product(_combinations(cube), cube.frequencies):
            name = _name(by, frequency)
            also = wanted.get(name, Grouping(name, by, frequency))
            wanted[name] = Grouping(name, by, frequency, concentration or also.concentration, intervals or also.intervals)
    return tuple(wanted.values())


def _combinations(cube: Cube) -> list[tuple[str, ...]]:
    """The dimensions that the cells of a cube are of: all of them, and for observations every total as well."""
    counts = [len(cube.by)] if cube.is_cells else range(len(cube.by) + 1)
    return [names for count in counts for names in itertools.combinations(cube.by, count)]


def _name(by: Sequence[str], frequency: str) -> str:
    return f"{frequency} {' '.join(by)}".strip()


# ---------------------------------------------------------------------------------------------------------------- money


def conversion_factors(source: Source, months: Collection[str], constant: bool) -> dict[str, dict[str, float]] | None:
    """Month -> currency -> what its unit is worth in that of the source; a rate that is not known is left out.

    None where nothing is to be converted. Raises FraudlossError where constant prices are asked for and an index is missing.
    """
    meta = source.meta["ledger"]
    currencies = tuple(meta.get("currencies", (source.currency,)))
    if currencies == (source.currency,) and not constant:
        return None
    level = _price_levels(source, months) if constant else dict.fromkeys(months, Decimal(1))
    rates = _declared_rates(source)
    return {
        month: {
            name: float(level[month] * worth)
            for name in currencies
            if (worth := _worth(name, source.currency, month, rates)) is not None
        }
        for month in sorted(months)
    }


def _worth(currency: str, ours: str, month: str, rates: Mapping[tuple[str, str], Decimal] | None) -> Decimal | None:
    """What a unit of the currency is worth in ours; None where the rate of one of them is not known."""
    if currency == ours:
        return Decimal(1)
    theirs_per_dollar, ours_per_dollar = (_units_per_dollar(name, month, rates) for name in (currency, ours))
    return None if theirs_per_dollar is None or ours_per_dollar is None else ours_per_dollar / theirs_per_dollar


def _units_per_dollar(currency: str, month: str, rates: Mapping[tuple[str, str], Decimal] | None) -> Decimal | None:
    if currency == "USD":
        return Decimal(1)
    if rates is not None:
        return rates.get((month, currency))
    try:
        return average_rate(currency, month).value
    except MissingReference:
        return None


def _declared_rates(source: Source) -> dict[tuple[str, str], Decimal] | None:
    if "rates" not in source.meta["ledger"]:
        return None
    with (source.folder / source.meta["ledger"]["rates"]).open(encoding="utf-8", newline="") as stream:
        return {(row["month"], row["currency"]): Decimal(row["units_per_usd"]) for row in csv.DictReader(stream)}


def _price_levels(source: Source, months: Collection[str]) -> dict[str, Decimal]:
    """Month -> the index of the named month over its own."""
    declared = source.meta["ledger"].get("constant_prices")
    if not declared:
        raise FraudlossError(f"{source.id}/source.yml: cubes at constant prices need ledger.constant_prices (file and month)")
    with (source.folder / declared["file"]).open(encoding="utf-8", newline="") as stream:
        index = {row["month"]: Decimal(row["index"]) for row in csv.DictReader(stream)}
    base = str(declared["month"])
    if missing := sorted({*months, base} - index.keys()):
        raise FraudlossError(f"{source.id}/{declared['file']} has no index for {', '.join(missing)}: add it.")
    return {month: index[base] / index[month] for month in months}


# --------------------------------------------------------------------------------------------------------- observations


def period_observations(
    counted: Sequence[tuple[Counting, Mapping[str, pd.DataFrame]]], periods: Sequence[CountedPeriod], source: Source
) -> pd.DataFrame:
    """The cells of these periods as observations (columns of pipeline.frames), sorted by their key.

    `counted`: for each counting the cells of its groupings, by the name of the grouping; each period has cells of one state only.
    """
    blocks: list[Block] = []
    for counting, cells in counted:
        by_period = {
            name: dict(_split(frame, counting.plan.sizes(_by(counting.plan, name)), _by(counting.plan, name)))
            for name, frame in cells.items()
        }
        coded = {name: _coded(dimension, source) for name, dimension in counting.plan.dimension.items()}
        for place, cube in counting.cubes:
            if not cube.is_cells:
                blocks += _cube_blocks(place, cube, by_period, coded, periods, source, counting.plan)
    if not blocks:
        return observations_of_cells(pd.DataFrame(), source)
    frame = frame_of_blocks(blocks)
    return observations_of_cells(frame.assign(origin=cell_origins(frame, source, source.id), note=_notes(frame, source)), source)


def _by(plan: Plan, name: str) -> tuple[str, ...]:
    return next(grouping.by for grouping in plan.groupings if grouping.name == name)


def _split(frame: pd.DataFrame, sizes: Sequence[int], by: Sequence[str]) -> Iterable[tuple[str, tuple[Any, pd.DataFrame]]]:
    """Period -> the numbers of its cells, and their measures."""
    if not len(frame):
        return
    cells = np.ravel_multi_index([frame[name].cat.codes.to_numpy() for name in by], sizes) if by else np.zeros(len(frame), int)
    codes = frame["period"].cat.codes.to_numpy()
    ends = np.flatnonzero(np.diff(codes, append=-1)) + 1
    start = 0
    for end in ends.tolist():
        yield str(frame["period"].iat[start]), (cells[start:end], frame.iloc[start:end])
        start = end


def _coded(dimension: Dimension, source: Source) -> Coded:
    """The labels of a dimension as a grid takes them; the codes of records are not needed any more."""
    none, labels = np.zeros(0, dtype=np.int64), dimension.labels
    if dimension.name == LOSS_BAND:
        return Coded(none, labels)
    common: tuple[str, ...] = ()
    if dimension.name == "native_type":
        known = crosswalk_rows(source.folder / "crosswalk.csv")
        common = tuple(known["fraud_type", label][0]["common_code"] for label in labels)
    return Coded(none, labels, common, in_force_of(dimension.name, labels, source))


def _cube_blocks(
    place: int,
    cube: Cube,
    cells: Mapping[str, Mapping[str, tuple[Any, pd.DataFrame]]],
    coded: Mapping[str, Coded],
    periods: Sequence[CountedPeriod],
    source: Source,
    plan: Plan,
) -> Iterable[Block]:
    for scheme in _schemes_of(cube, source):
        asked = [of for of in periods if of.frequency in cube.frequencies and scheme.holds(of.period)]
        for names in _combinations(cube):
            dimensions = [coded[name] for name in names]
            grid = Grid(place, cube, scheme.name, names, dimensions, source)
            size, own = int(np.prod(plan.sizes(names), dtype=np.int64)), _cells_in(scheme, dimensions)
            for of in asked:
                found = cells[_name(names, of.frequency)].get(of.period)
                block = grid.block(of.frequency, of.period, _dense(found, size))
                block = {name: values[own] if isinstance(values, np.ndarray) else values for name, values in block.items()}
                ends = "; ".join(FILE_ENDS.format(day=day) for day in of.cut)
                yield {**block, "edition": of.edition, "known_at": of.known_at, "snapshot": of.snapshot, "ends": ends}


def _schemes_of(cube: Cube, source: Source) -> tuple[Scheme, ...]:
    return (Scheme(cube.classification, *ALWAYS),) if cube.classification else schemes(source)


def _cells_in(scheme: Scheme, dimensions: Sequence[Coded]) -> Any:
    """Which cells are of labels that may stand in some month of the scheme."""
    own = [
        [any(each.first <= scheme.last and scheme.first <= each.last for each in stretches) for stretches in dimension.in_force]
        or [True] * len(dimension.labels)
        for dimension in dimensions
    ]
    found = functools.reduce(np.logical_and.outer, map(np.array, own), np.array(True)).ravel()
    return slice(None) if found.all() else found


def _dense(found: tuple[Any, pd.DataFrame] | None, size: int) -> dict[str, Any]:
    """The measures of all cells, 0 where there is no report."""
    if found is None:
        return {name: np.zeros(size, dtype=np.int64) for name in (*MEASURES, *INTERVAL_ENDS, *_CELL_NAMES)}
    places, frame = found
    columns = {name: frame[name].to_numpy() for name in frame.columns if frame[name].dtype == np.int64}
    columns |= {ours: columns[theirs] for ours, theirs in _CELL_NAMES.items()}
    dense = {}
    for name, values in columns.items():
        dense[name] = np.zeros(size, dtype=np.int64)
        dense[name][places] = values
    return dense


def _notes(cells: pd.DataFrame, source: Source) -> pd.Series:
    """What a cell says of itself: where a file ends before its month, and at which prices it is."""
    constant = [place for place, meta in enumerate(source.meta["cubes"]) if meta.get("constant_prices")]
    month = source.meta["ledger"].get("constant_prices", {}).get("month", "")
    prices = cells["measures"].isin(constant).map({True: f"at the prices of {month}", False: ""})
    said = zip(cells["ends"], prices, strict=True)
    return pd.Series(["; ".join(filter(None, each)) for each in said], index=cells.index, dtype=object)


def kept_cells(
    counting: Counting, cells: Mapping[str, pd.DataFrame], frequency: str, period: str, source: Source
) -> dict[str, pd.DataFrame]:
    """Of the cubes that are kept as cells: name -> the cells of the period, without the column that says which it is.

    Without intervals too, which the cells hold only where another cube of the same dimensions asks for them. A period that holds
    months of two schemes of types has none, but of cubes with one `classification` for all reports. A measure of persons that the
    ledger does not know has no column.
    """
    kept = {}
    for _, cube in counting.cubes:
        of_one = any(scheme.holds(period) for scheme in _schemes_of(cube, source))
        if cube.is_cells and frequency in cube.frequencies and of_one:
            frame = cells[_name(cube.by, frequency)]
            of_period = frame[(frame["period"] == period).to_numpy()] if len(frame) else frame
            kept[cube.table] = of_period.drop(columns=["period", *INTERVAL_ENDS, *_not_counted(source)], errors="ignore")
    return kept
