"""Cases to cubes of exact figures: counts, sums, quantiles, largest losses, concentration.

In: sound cases (pipeline.reading.cases) and the cubes that `source.yml` declares. Out: `cube_cells`, a frame with one row a cell
and integers in its columns, and `cube_observations`, the same as observations (pipeline.frames) with the derivation `records`.

    cubes:
      - table: cafc_ages              a table of source.yml
        by: [age]                     native_type, area, fraud_type, loss_band or any of model.DIMENSIONS; every total is added
        frequencies: [quarterly]      monthly, quarterly, annual; year_to_date for a year that has only its first months
        measures: [cases, loss]       see MEASURES
        classification: ages          one scheme for all cases, where the dimension outlives a change of types
        constant_prices: true         of a ledger: losses at the prices of the month that the source names
      - cells: region_types           of a ledger, in the place of `table`: a cube too large for observations, kept as Parquet
      with
        …                             all its measures, without totals (pipeline.aggregate.ledger says which columns)

The same words declare the cubes of a ledger (delivery: ledger), which `pipeline.aggregate.ledger_cubes` counts.

How it is computed, the module `kernel` says. The cases are cut by calendar year; the cell of a case is its month and the codes of
its dimensions. Counts and sums of quarters and years are those of their months, added: O(12 C) for C cells. All cubes and all
frequencies reuse the one order of the year's losses. Memory is that of the cases and of one year's columns.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.aggregate.kernel import (
    GINI,
    GINI_SCALE,
    LOSSES_FOR_GINI,
    QUANTILES,
    TOP_SHARES,
    LossBands,
    Numbers,
    Records,
    mixed_radix,
    order_statistics,
    sums,
)
from pipeline.frames import OBSERVATION_COLUMNS, OBSERVATION_DEFAULTS, sorted_by_key, with_ids
from pipeline.model import DIMENSIONS, FILE_ENDS, INTERVAL_ENDS, TOTAL, FraudlossError, Period, Snapshot
from pipeline.reading.cases import covered_months, holes
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.reading.label_months import ALWAYS, month_number, months_in_force
from pipeline.sources.catalogue import Source

ADDITIVE = ("cases", "victims", "cases_loss_known", "cases_with_loss", "loss")
# Counted of records that name their victim; never added, for one person may stand in several cells.
DISTINCT = "distinct_victims"
SHARES_OF_ALL = {"share_of_loss": "loss", "share_of_cases": "cases"}
SHARES_WITH_LOSS = {"share_with_loss": "cases", "share_with_loss_of_known": "cases_loss_known"}
MEANS = {"mean_loss": "cases", "mean_loss_of_known": "cases_loss_known", "mean_loss_with_loss": "cases_with_loss"}
CONCENTRATION = (*TOP_SHARES, GINI)
_ORDERED = (*QUANTILES, *INTERVAL_ENDS, "max_loss", *CONCENTRATION)
MEASURES = (*ADDITIVE, DISTINCT, *SHARES_OF_ALL, *SHARES_WITH_LOSS, *MEANS, *_ORDERED)
# What one case, or one cell of cases with its sum, can say: a sum over many reports has no median.
OF_SINGLE_CASES = ("cases_with_loss", *SHARES_WITH_LOSS, "mean_loss_with_loss", *_ORDERED)
OF_FEW_LOSSES = ("mean_loss_with_loss", *QUANTILES, "max_loss")
FEW_LOSSES = 10
# As fine as those of pipeline.aggregate.derive, for the same reason.
PERCENT_STEP = Decimal("0.000001")
NO_INTERVAL = "too few losses for an interval of 95 %"
TOO_FEW_FOR_GINI = f"fewer than {LOSSES_FOR_GINI} losses"
LOSS_NOT_KNOWN, NEGATIVE_CORRECTION, NO_LOSS = "_U", "NEGATIVE", "NONE"
# State of a cell whose label may not stand in any month of the period -> what is said of it.
NOT_IN_USE = {"not_in_use": "the type is not in use then", "category_not_in_use": "the category is not in use then"}


# ------------------------------------------------------------------------------------------------------- cells of a year


@dataclass(frozen=True)
class YearOfCases:
    """The cases of one calendar year: sorted once, used by every cube."""

    year: int
    rows: Numbers  # positions in the whole frame
    month: Numbers  # 0 to 11
    records: Records


def years_of(cases: pd.DataFrame) -> Iterator[YearOfCases]:
    """The cases cut by calendar year."""
    months = cases["date"].to_numpy().astype("datetime64[M]").astype(np.int64) + 12 * 1970
    count, loss = cases["cases"].to_numpy(), cases["loss_minor"].to_numpy()
    known = cases["loss_known"].to_numpy()
    values = {
        "cases": count,
        "cases_loss_known": np.where(known, count, 0),
        "cases_with_loss": np.where(known & (loss > 0), count, 0),
        "loss": np.where(known, loss, 0),
    }
    if "victims" in cases:
        values["victims"] = cases["victims"].to_numpy()
    for year in np.unique(months // 12).tolist():
        rows = np.flatnonzero(months // 12 == year)
        of_year = Records.of({name: value[rows] for name, value in values.items()})
        yield YearOfCases(year, rows, months[rows] % 12, of_year)


class Grouping:
    """The cells of one year by some dimensions: every measure of every cell, each computed once however many cubes ask for it."""

    def __init__(self, year: YearOfCases, codes: Sequence[Numbers], sizes: Sequence[int]) -> None:
        self._year = year
        self._cell, self.size = mixed_radix(codes, sizes, len(year.rows))
        self._measures: dict[tuple[str, bool, bool], dict[str, Numbers]] = {}
        keys = year.month * self.size + self._cell
        self._monthly = {name: table.reshape(12, self.size) for name, table in sums(year.records, keys, 12 * self.size).items()}

    def measures(self, frequency: str, ordered: bool, intervals: bool = False) -> dict[str, Numbers]:
        """Measure -> array of (periods of the year, cells). `ordered`: with quantiles, concentration; `intervals`: INTERVAL_ENDS.

        Losses are in minor units, quantiles in 1/QUANTILE_SCALE of them; `top_*_share` holds the sum of the top losses,
        `gini_loss` the coefficient in 1/GINI_SCALE. `losses` is the number of losses above zero, `losses_sum` their sum: where it
        is 0, quantiles and top sums mean nothing.
        """
        key = (frequency, ordered or intervals, intervals)
        if key not in self._measures:
            self._measures[key] = self._ordered(frequency, intervals) if key[1] else self._additive(frequency)
        return self._measures[key]

    def _additive(self, frequency: str) -> dict[str, Numbers]:
        periods = _PERIODS[frequency]
        return {name: table.reshape(periods, 12 // periods, self.size).sum(axis=1) for name, table in self._monthly.items()}

    def _ordered(self, frequency: str, intervals: bool) -> dict[str, Numbers]:
        losses, periods = self._year.records.losses, _PERIODS[frequency]
        period = losses.of(self._year.month) * periods // 12
        keys = period * self.size + losses.of(self._cell)
        found = order_statistics(losses.values, keys, periods * self.size, concentration=True, intervals=intervals)
        return {**self.measures(frequency, False), **{name: table.reshape(periods, self.size) for name, table in found.items()}}


_PERIODS = {"monthly": 12, "quarterly": 4, "annual": 1, "year_to_date": 1}  # in a year


# -------------------------------------------------------------------------------------------------------- declared cubes


@dataclass(frozen=True)
class Cube:
    """A cube as declared in source.yml."""

    table: str  # of source.yml; for a cube of cells the name under which they are kept
    by: tuple[str, ...]
    frequencies: tuple[str, ...]
    measures: tuple[str, ...]
    classification: str  # empty: the cases' own
    constant_prices: bool = False
    is_cells: bool = False  # kept as cells, and no observations

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any], source: Source) -> Cube:
        """The declaration, checked. Raises FraudlossError that says which word is unknown."""
        cube = cls(
            meta.get("table") or meta.get("cells", ""),
            tuple(meta.get("by", ())),
            tuple(meta["frequencies"]),
            tuple(meta.get("measures", ())),
            meta.get("classification", ""),
            bool(meta.get("constant_prices")),
            "table" not in meta,
        )
        of_ledger = ("cells", "constant_prices") if source.is_ledger else ()
        for words, known in (
            (tuple(meta), ("table", "by", "frequencies", "measures", "classification", *of_ledger)),
            (() if cube.is_cells else (cube.table,), source.tables),
            (cube.by, ("native_type", "fraud_type", "area", *DIMENSIONS)),
            (cube.frequencies, tuple(_PERIODS)),
            (cube.measures, MEASURES),
        ):
            if unknown := [word for word in words if word not in known]:
                raise FraudlossError(
                    f"{source.id}/source.yml, cubes of {cube.table}: {', '.join(unknown)} is not among {', '.join(known)}"
                )
        if "mean_loss" in cube.measures and source.may_not_know_losses:
            raise FraudlossError(
                f"{source.id}/source.yml, cubes of {cube.table}: mean_loss would take losses that nobody knows for losses of"
                " nothing; ask for mean_loss_of_known"
            )
        return cube


class Stretch(NamedTuple):
    """Some months (see month_number; both ends included) in which a label may stand."""

    first: int
    last: int
    overlay: bool

    def holds_any(self, months: Iterable[int]) -> bool:
        """Whether one of the months is among them."""
        return any(self.first <= month <= self.last for month in months)


@dataclass(frozen=True)
class Coded:
    """One dimension of the cases as codes into the labels of observations."""

    codes: Numbers
    labels: tuple[str, ...]
    fraud_types: tuple[str, ...] = ()  # native types only: the common code of each label
    # Of each label the stretches of months in which it may stand, and for each stretch whether it overlaps other labels then.
    # Empty where every label always may; native types always have them.
    in_force: tuple[tuple[Stretch, ...], ...] = ()


def code_dimension(cases: pd.DataFrame, name: str, source: Source) -> Coded:
    """A dimension of the cases by common codes, or by the publisher's labels for `native_type`; labels in their order."""
    if name == "loss_band":
        return _loss_bands(cases, source)
    column = cases["native_type" if name == "fraud_type" else name].cat
    known = crosswalk_rows(source.folder / "crosswalk.csv")
    dimension = "fraud_type" if name == "native_type" else name
    rows = {label: known[dimension, label] for label in column.categories}
    for label, found in rows.items():
        if len({row["common_code"] for row in found}) > 1:
            raise FraudlossError(
                f"{source.id}/crosswalk.csv: {label!r} has several common codes; cases of another meaning need another"
                " classification, not another line"
            )
    common = [found[0]["common_code"] for found in rows.values()]
    codes = column.codes.to_numpy()
    if (codes < 0).any():
        raise ValueError(f"cases without a {name}: quarantine them first")
    if name == "native_type":
        labels = tuple(column.categories)
        return Coded(codes.astype(np.int64), labels, tuple(common), in_force_of(name, labels, source))
    labels = tuple(sorted(set(common)))
    places = np.array([labels.index(code) for code in common], dtype=np.int64)
    return Coded(places[codes], labels, in_force=in_force_of(name, labels, source))


def in_force_of(name: str, labels: Sequence[str], source: Source) -> tuple[tuple[Stretch, ...], ...]:
    """For each label of a dimension when it may stand, as `Coded` has it: a common code whenever one of the publisher's labels
    may that lead to it."""
    path, found = source.folder / "crosswalk.csv", dict[str, list[Stretch]]((label, []) for label in labels)
    for (dimension, text), rows in crosswalk_rows(path).items():
        if dimension == ("fraud_type" if name == "native_type" else name):
            for row, (first, last) in zip(rows, months_in_force(path, dimension, text), strict=True):
                label = text if name == "native_type" else row["common_code"]
                if label in found:
                    found[label].append(Stretch(first, last, row["additive"] == "N"))
    if name != "native_type" and all(ALWAYS in [each[:2] for each in stretches] for stretches in found.values()):
        return ()
    return tuple(tuple(stretches) for stretches in found.values())


def _loss_bands(cases: pd.DataFrame, source: Source) -> Coded:
    """The size of the loss, as `loss_bands` labels it."""
    bands = loss_bands(source)
    return Coded(bands.codes(cases["loss_minor"].to_numpy(), cases["loss_known"].to_numpy()), bands.labels)


def loss_bands(source: Source) -> LossBands:
    """The declared sizes of losses: those between two of the `loss_bands` of source.yml, and what has no size."""
    edges = [int(edge) for edge in source.meta["loss_bands"]]
    unit = source.currency
    middle = [f"{unit}_GE{low}_LT{high}" for low, high in itertools.pairwise(edges)]
    of_losses = (f"{unit}_GT0_LT{edges[0]}", *middle, f"{unit}_GE{edges[-1]}")
    scale = 10 ** int(source.meta["minor_unit_digits"])
    return LossBands(tuple(edge * scale for edge in edges), (LOSS_NOT_KNOWN, NEGATIVE_CORRECTION, NO_LOSS, *of_losses))


# ------------------------------------------------------------------------------------------------------------------ cells


def cube_cells(cases: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Every cell of every declared cube: one row a cell, integers in the columns.

    In: sound cases. Out: `table`, `classification`, `frequency`, `period`, the dimensions of KEY_COLUMNS, `overlay`, `measures`
    (the place of the cube in source.yml), and int64 columns: ADDITIVE; QUANTILES in 1/QUANTILE_SCALE minor units; INTERVAL_ENDS,
    0 where there are too few losses; `max_loss`; TOP_SHARES as the sum of the top losses; `gini_loss` in 1/GINI_SCALE;
    `losses` and `losses_sum` (number and sum of those above zero). `state` says what the cell is: `present`, `hole` (a month of
    the period is not in the file), `not_in_use` (the type does not exist then), `category_not_in_use` (the age, say, does not).

    Only whole periods: those of which every month is covered. Raises FraudlossError for a measure that the cases cannot give.
    """
    if len(cases) and (cases["problem"] != "").any():
        raise ValueError("cases that broke a rule must be quarantined before they are counted")
    cubes = [Cube.from_meta(meta, source) for meta in source.meta["cubes"]]
    for cube in cubes:
        _refuse_impossible(cube, cases, source)
    coded = {name: code_dimension(cases, name, source) for name in dict.fromkeys(name for cube in cubes for name in cube.by)}
    schemes = _schemes(cases, cubes, coded)
    blocks: list[Block] = []
    for year in years_of(cases):
        groupings: dict[tuple[str, tuple[str, ...]], Grouping] = {}
        for scheme in schemes:
            of_scheme = scheme.restricted(year)
            for place, cube in scheme.cubes if len(of_scheme.rows) else ():
                blocks += _blocks(place, cube, scheme, of_scheme, groupings, source)
    blocks += [block for scheme in schemes for block in _holes(scheme, source)]
    frame = frame_of_blocks(blocks)
    _refuse_doubles(frame, cubes, source)
    return frame


@dataclass(frozen=True)
class Scheme:
    """Cases whose types may be counted together, and the cubes over them."""

    rows: str  # what makes them one: a classification of the cases, or nothing for all cases
    members: Numbers | None  # mask of the rows; None: all
    calendar: Calendar
    dimensions: Mapping[str, Coded]
    cubes: Sequence[tuple[int, Cube]]  # with their place in source.yml

    def restricted(self, year: YearOfCases) -> YearOfCases:
        """The part of the year that belongs to the scheme."""
        if self.members is None:
            return year
        keep = np.flatnonzero(self.members[year.rows])
        values = {name: value[keep] for name, value in year.records.values.items()}
        return YearOfCases(year.year, year.rows[keep], year.month[keep], Records.of(values))


def _schemes(cases: pd.DataFrame, cubes: Sequence[Cube], coded: Mapping[str, Coded]) -> list[Scheme]:
    column = cases["classification"].cat
    present = [str(column.categories[code]) for code in np.unique(column.codes.to_numpy()).tolist()]
    own = [(place, cube) for place, cube in enumerate(cubes) if not cube.classification]
    all_cases = [(place, cube) for place, cube in enumerate(cubes) if cube.classification]
    if len(present) == 1:
        return [_scheme(present[0], None, cases, coded, [*own, *all_cases])]
    split = [_scheme(name, (cases["classification"] == name).to_numpy(), cases, coded, own) for name in present]
    return [*split, _scheme("", None, cases, coded, all_cases)]


def _scheme(
    rows: str, members: Numbers | None, cases: pd.DataFrame, coded: Mapping[str, Coded], cubes: Sequence[tuple[int, Cube]]
) -> Scheme:
    dimensions = {name: _restricted(dimension, members) for name, dimension in coded.items()}
    return Scheme(rows, members, Calendar.of(cases if members is None else cases[members]), dimensions, cubes)


def _restricted(dimension: Coded, members: Numbers | None) -> Coded:
    """The dimension with only those labels that stand in these rows; the codes of other rows mean nothing."""
    codes = dimension.codes if members is None else dimension.codes[members]
    seen = np.flatnonzero(np.bincount(codes, minlength=len(dimension.labels))).tolist()
    if len(seen) == len(dimension.labels):
        return dimension
    lookup = np.zeros(len(dimension.labels), dtype=np.int64)
    lookup[seen] = np.arange(len(seen))

    def kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(values[place] for place in seen) if values else ()

    return Coded(
        lookup[dimension.codes],
        kept(dimension.labels),
        kept(dimension.fraud_types),
        kept(dimension.in_force),
    )


def _blocks(
    place: int,
    cube: Cube,
    scheme: Scheme,
    year: YearOfCases,
    groupings: dict[tuple[str, tuple[str, ...]], Grouping],
    source: Source,
) -> Iterator[Block]:
    """The cells of one cube in one year, for every combination of its dimensions and the totals of the others."""
    ordered = any(name in OF_SINGLE_CASES for name in cube.measures)
    intervals = any(name in INTERVAL_ENDS for name in cube.measures)
    for names in (names for count in range(len(cube.by) + 1) for names in itertools.combinations(cube.by, count)):
        dimensions = [scheme.dimensions[name] for name in names]
        grid = Grid(place, cube, cube.classification or scheme.rows, names, dimensions, source)
        for frequency in cube.frequencies:
            for number, period in scheme.calendar.whole_periods(frequency, year.year):
                key = (scheme.rows, names)
                if key not in groupings:
                    codes = [dimension.codes[year.rows] for dimension in dimensions]
                    groupings[key] = Grouping(year, codes, [len(dimension.labels) for dimension in dimensions])
                measures = groupings[key].measures(frequency, ordered, intervals)
                yield grid.block(frequency, period, {name: table[number] for name, table in measures.items()})


def _holes(scheme: Scheme, source: Source) -> Iterator[Block]:
    for place, cube in scheme.cubes:
        grid = Grid(place, cube, cube.classification or scheme.rows, (), (), source)
        yield from (grid.hole(frequency, period) for frequency, period in scheme.calendar.with_holes(cube.frequencies))


# Columns of the cells of one period: arrays of one length, and constants.
Block = dict[str, Any]


def frame_of_blocks(blocks: Sequence[Block]) -> pd.DataFrame:
    """The blocks below each other, column by column; a measure that a block does not have is 0 there."""
    lengths = [len(block["state"]) for block in blocks]
    return pd.DataFrame(
        {
            name: np.concatenate([_column(block.get(name, 0), length) for block, length in zip(blocks, lengths, strict=True)])
            for name in dict.fromkeys(name for block in blocks for name in block)
        }
    )


def _column(values: Any, length: int) -> Numbers:
    if isinstance(values, np.ndarray):
        return values
    return np.full(length, values, dtype=object if isinstance(values, str) else None)


def _refuse_impossible(cube: Cube, cases: pd.DataFrame, source: Source) -> None:
    wrong = [name for name in cube.measures if name in OF_SINGLE_CASES] if (cases["cases"] != 1).any() else []
    wrong += [name for name in ("victims",) if name in cube.measures and name not in cases]
    # No publisher of single files says whom a report names.
    wrong += [name for name in (DISTINCT,) if name in cube.measures]
    if wrong:
        raise FraudlossError(f"{source.id}/source.yml, cubes of {cube.table}: its rows cannot give {', '.join(wrong)}")


@dataclass(frozen=True)
class Calendar:
    """Which periods the cases cover in whole, and which they would but for a hole."""

    months: frozenset[str]
    first: str
    last: str

    @classmethod
    def of(cls, cases: pd.DataFrame) -> Calendar:
        months = covered_months(cases)
        return cls(frozenset(months), months[0] if months else "", months[-1] if months else "")

    def whole_periods(self, frequency: str, year: int) -> list[tuple[int, str]]:
        """(place in the year, code) of the periods of the year of which every month is there."""
        if frequency == "year_to_date":
            months = [month for month in Period.parse(f"{year:04d}").months if month in self.months]
            count = len(months)
            if 1 < count < 12 and Period.parse(f"{year:04d}-01/{year:04d}-{count:02d}").months == months and self.last in months:
                return [(0, f"{months[0]}/{months[-1]}")]
            return []
        return [(place, code) for place, code in self._periods(frequency, year) if self.months.issuperset(_months_of(code))]

    def with_holes(self, frequencies: Iterable[str]) -> Iterator[tuple[str, str]]:
        """(frequency, code) of the periods between the first and last month of which a month is not there."""
        if not self.months:
            return
        for frequency in frequencies:
            for year in range(int(self.first[:4]), int(self.last[:4]) + 1) if frequency != "year_to_date" else ():
                for _, code in self._periods(frequency, year):
                    months = _months_of(code)
                    if not self.months.issuperset(months) and self.first <= months[0] and months[-1] <= self.last:
                        yield frequency, code

    @staticmethod
    def _periods(frequency: str, year: int) -> list[tuple[int, str]]:
        count = {"monthly": 12, "quarterly": 4, "annual": 1}[frequency]
        days = (dt.date(year, place * 12 // count + 1, 1) for place in range(count))
        return [(place, Period.of(frequency, day).code) for place, day in enumerate(days)]


def _months_of(code: str) -> list[str]:
    return Period.parse(code).months


@dataclass(frozen=True)
class Grid:
    """The labels of the cells of one grouping of a cube, in the order of their numbers."""

    place: int  # of the cube in source.yml
    cube: Cube
    classification: str
    names: tuple[str, ...]
    dimensions: Sequence[Coded]
    source: Source

    def block(self, frequency: str, period: str, measures: Mapping[str, Numbers]) -> Block:
        """The cells of one period: all of them, those without a case too, for they are a true zero of a covered period."""
        labels, state = self._labels(period)
        return {**self._about(frequency, period), **labels, "state": state, **measures}

    def hole(self, frequency: str, period: str) -> Block:
        """The one row that says why a total is not there."""
        totals = {name: self.source.country if name == "area" else TOTAL for name in _LABEL_COLUMNS}
        return {**self._about(frequency, period), **totals, "overlay": False, "state": np.array(["hole"], dtype=object)}

    def _about(self, frequency: str, period: str) -> Block:
        about = {"table": self.cube.table, "frequency": frequency, "period": period}
        return {**about, "measures": self.place, "classification": self.classification}

    def _labels(self, period: str) -> tuple[dict[str, Any], Numbers]:
        sizes = [len(dimension.labels) for dimension in self.dimensions]
        places = np.unravel_index(np.arange(int(np.prod(sizes))), sizes) if sizes else ()
        count = int(np.prod(sizes)) if sizes else 1
        labels: dict[str, Any] = {**dict.fromkeys(_LABEL_COLUMNS, TOTAL), "area": self.source.country}
        overlay, state = np.zeros(count, dtype=bool), np.full(count, "present", dtype=object)
        months = [month_number(Period.parse(month).start) for month in _months_of(period)]
        for name, dimension, place in zip(self.names, self.dimensions, places, strict=True):
            labels[name] = np.array(dimension.labels, dtype=object)[place]
            if name == "native_type":
                labels["fraud_type"] = np.array(dimension.fraud_types, dtype=object)[place]
                overlay = np.array([_is_overlay(stretches, months) for stretches in dimension.in_force], dtype=bool)[place]
            if dimension.in_force:
                in_use = np.array([any(each.holds_any(months) for each in some) for some in dimension.in_force], dtype=bool)
                why = "not_in_use" if name == "native_type" else "category_not_in_use"
                state[~in_use[place] & (state == "present")] = why
        return {**labels, "overlay": overlay}, state


def _is_overlay(stretches: Sequence[Stretch], months: Sequence[int]) -> bool:
    """Whether a type overlaps others in a part of the period: then it cannot be added to them over all of it."""
    return any(each.overlay for each in stretches if each.holds_any(months)) or all(each.overlay for each in stretches)


_LABEL_COLUMNS = ("area", "fraud_type", "native_type", *DIMENSIONS)
_TOTALS = dict.fromkeys(("fraud_type", "native_type", *DIMENSIONS), TOTAL)


def _refuse_doubles(cells: pd.DataFrame, cubes: Sequence[Cube], source: Source) -> None:
    """Two cubes of a table may meet in a cell (a total, say) as long as they give different measures of it."""
    key = ["table", "classification", "frequency", "period", *_LABEL_COLUMNS]
    met = cells[cells.duplicated(key, keep=False)] if len(cells) else cells
    for measure in dict.fromkeys(name for cube in cubes for name in cube.measures) if len(met) else ():
        giving = met[met["measures"].isin([place for place, cube in enumerate(cubes) if measure in cube.measures])]
        doubles = giving[giving.duplicated(key)]
        if len(doubles):
            first = doubles.iloc[0]
            raise FraudlossError(
                f"{source.id}/source.yml: two cubes of {first['table']} give the {first['frequency']} {measure} of the same"
                " cells; put their measures into one"
            )


# ----------------------------------------------------------------------------------------------------------- observations


def cube_observations(cases: pd.DataFrame, source: Source, snapshot: Snapshot) -> pd.DataFrame:
    """The declared cubes as observations (columns of pipeline.frames), sorted by their key.

    Values are exact decimals in natural units; shares and means are rounded half to even, and say so in `precision`. The origin
    `file!rows[period=2023;native_type=Romance]` is the key that `rows_of` turns back into rows.
    """
    cells = cube_cells(cases, source)
    if cells.empty:
        return pd.DataFrame(columns=OBSERVATION_COLUMNS, dtype=object)
    cells = cells.assign(
        origin=cell_origins(cells, source, snapshot.file),
        note=_notes(cells, cases, source),
        edition=snapshot.edition,
        known_at=snapshot.known_at,
        snapshot=snapshot.id,
    )
    return observations_of_cells(cells, source)


def observations_of_cells(cells: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Cells (columns of `cube_cells`, and origin, note, edition, known_at, snapshot) as observations, sorted by their key."""
    if cells.empty:
        return pd.DataFrame(columns=OBSERVATION_COLUMNS, dtype=object)
    # Cells are taken again for every measure: plain objects are far cheaper to take than Arrow's texts.
    cells = cells.astype(dict.fromkeys([*_CARRIED, "note", "state"], object)).reset_index(drop=True)
    cubes = [Cube.from_meta(meta, source) for meta in source.meta["cubes"]]
    if any(name in SHARES_OF_ALL for cube in cubes for name in cube.measures):
        cells = cells.assign(**_of_all(cells, source))
    parts = [
        part
        for place, cube in enumerate(cubes)
        for of_cube in [cells[cells["measures"] == place]]
        for measure in (cube.measures if len(of_cube) else ())
        for part in _observations_of(of_cube, measure, cube, source)
        if len(part["cell"])
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    carried = cells.loc[columns.pop("cell"), list(_CARRIED)].reset_index(drop=True)
    frame = carried.assign(**{name: pd.Series(values, dtype=object) for name, values in columns.items()})
    constants = {
        **{name: value for name, value in OBSERVATION_DEFAULTS.items() if name not in frame},
        "source": source.id,
        "derivation": "records",
        "obs_status": _statuses(frame, source),
    }
    return sorted_by_key(with_ids(frame.assign(**constants).astype(object)))


# What an observation takes over from its cell.
_CARRIED = (
    "table",
    "classification",
    "frequency",
    "period",
    *_LABEL_COLUMNS,
    "overlay",
    "origin",
    "edition",
    "known_at",
    "snapshot",
)
# `cell` (its index) and the columns value, precision, absence, note, measure, unit of some observations.
_Part = dict[str, Any]


def _of_all(cells: pd.DataFrame, source: Source) -> dict[str, pd.Series]:
    """For each cell the measures of SHARES_OF_ALL of all cells of its cube and period."""
    of_period = [cells[name] for name in ("measures", "classification", "frequency", "period", "snapshot")]
    totals = (cells[list(_TOTALS)] == list(_TOTALS.values())).all(axis=1) & (cells["area"] == source.country)
    return {f"{name}_of_all": cells[name].where(totals).groupby(of_period).transform("max") for name in SHARES_OF_ALL.values()}


def _observations_of(cells: pd.DataFrame, measure: str, cube: Cube, source: Source) -> Iterator[_Part]:
    """One measure of one cube: the values that are there, and those that are absent and why."""
    state = cells["state"]
    present = state == "present"
    if measure in ("loss", "cases_with_loss", "share_of_loss"):
        # A loss that nobody knows is not a loss of nothing.
        kept = ~cells["native_type"].isin(source.meta.get("loss_unknown_types", ())) & (cells["cases"] == 0)
        unknown = present & (cells["cases_loss_known"] == 0) & ~kept
        if measure in ADDITIVE:
            yield _absent(cells[unknown], measure, "not_collected", "the publisher keeps no loss here", cube, source)
        present &= ~unknown
    if measure in INTERVAL_ENDS:
        too_few = present & (cells["losses"] > 0) & (cells[measure] == 0)
        yield _absent(cells[too_few], measure, "not_applicable", NO_INTERVAL, cube, source)
    if measure == GINI:
        too_few = present & (cells["losses"] > 0) & (cells["losses"] < LOSSES_FOR_GINI)
        yield _absent(cells[too_few], measure, "not_applicable", TOO_FEW_FOR_GINI, cube, source)
    yield _present(cells[present & _defined(cells, measure)], measure, cube, source)
    if measure in ADDITIVE:
        for which, note in NOT_IN_USE.items():
            yield _absent(cells[state == which], measure, "not_applicable", note, cube, source)
        yield _absent(cells[state == "hole"], measure, "not_yet_known", "", cube, source)


def _defined(cells: pd.DataFrame, measure: str) -> pd.Series:
    """Where the measure means something: a mean needs a case, a median a loss, the top tenth ten losses."""
    if measure in MEANS:
        return (cells[MEANS[measure]] > 0) & (cells["cases_loss_known"] > 0)
    if measure in SHARES_WITH_LOSS:
        return cells["cases_loss_known"] > 0
    if measure in SHARES_OF_ALL:
        return cells[f"{SHARES_OF_ALL[measure]}_of_all"] > 0
    if measure in TOP_SHARES:
        return cells["losses"] >= TOP_SHARES[measure]
    if measure == GINI:
        return cells["losses"] >= LOSSES_FOR_GINI
    if measure in QUANTILES or measure == "max_loss":
        return cells["losses"] > 0
    if measure in INTERVAL_ENDS:
        return cells[measure] > 0
    return pd.Series(True, index=cells.index)


def _present(cells: pd.DataFrame, measure: str, cube: Cube, source: Source) -> _Part:
    value, precision = _values(cells, measure, source)
    notes = cells["note"]
    if measure in OF_FEW_LOSSES:
        few = f"fewer than {FEW_LOSSES} losses"
        notes = notes.where(cells["losses"] >= FEW_LOSSES, [f"{note}; {few}" if note else few for note in notes])
    said = {"absence": "", "note": notes, "measure": measure, "unit": _unit(measure, cube, source)}
    return _part(cells, value=value, precision=precision, **said)


def _absent(cells: pd.DataFrame, measure: str, absence: str, note: str, cube: Cube, source: Source) -> _Part:
    said = {"absence": absence, "note": note or cells["note"], "measure": measure, "unit": _unit(measure, cube, source)}
    return _part(cells, value=None, precision=None, **said)


def _part(cells: pd.DataFrame, **columns: Any) -> _Part:
    return {"cell": cells.index.to_numpy(), **{name: _objects(values, len(cells)) for name, values in columns.items()}}


def _objects(values: Any, length: int) -> Numbers:
    return values.to_numpy(object) if isinstance(values, pd.Series) else np.full(length, values, dtype=object)


def _unit(measure: str, cube: Cube, source: Source) -> str:
    if measure in ("victims", DISTINCT):
        return "persons"
    if measure in SHARES_OF_ALL or measure in SHARES_WITH_LOSS or measure in TOP_SHARES:
        return "percent"
    if measure == GINI:
        return "coefficient"
    if measure in ADDITIVE and measure != "loss":
        return "cases"
    return f"{source.currency}_CONSTANT" if cube.constant_prices else source.currency


def _values(cells: pd.DataFrame, measure: str, source: Source) -> tuple[pd.Series, Decimal | None]:
    """The values as exact decimals in the unit of the measure, and the half unit by which a quotient is rounded."""
    digits = int(source.meta["minor_unit_digits"])
    if measure in MEANS:
        step = Decimal(1).scaleb(-digits)
        minor = 10**digits
        return _quotients(cells["loss"], cells[MEANS[measure]] * minor, Decimal(1), step), step / 2
    if measure in SHARES_WITH_LOSS:
        below = cells[SHARES_WITH_LOSS[measure]]
        return _quotients(cells["cases_with_loss"], below, Decimal(100), PERCENT_STEP), PERCENT_STEP / 2
    if measure in SHARES_OF_ALL:
        above = SHARES_OF_ALL[measure]
        return _quotients(cells[above], cells[f"{above}_of_all"], Decimal(100), PERCENT_STEP), PERCENT_STEP / 2
    if measure in TOP_SHARES:
        return _quotients(cells[measure], cells["losses_sum"], Decimal(100), PERCENT_STEP), PERCENT_STEP / 2
    if measure == GINI:
        step = Decimal(1) / GINI_SCALE
        values = [int(value) * step for value in cells[measure].to_numpy()]
        return pd.Series(values, index=cells.index, dtype=object), step / 2
    places = digits + 2 if measure in QUANTILES else digits if measure in ("loss", "max_loss", *INTERVAL_ENDS) else 0
    values = [Decimal(int(value)).scaleb(-places) for value in cells[measure].to_numpy()]
    return pd.Series(values, index=cells.index, dtype=object), None


def _quotients(above: pd.Series, below: pd.Series, scale: Decimal, step: Decimal) -> pd.Series:
    values = [
        (scale * int(left) / int(right)).quantize(step, ROUND_HALF_EVEN)
        for left, right in zip(above.to_numpy(), below.to_numpy(), strict=True)
    ]
    return pd.Series(values, index=above.index, dtype=object)


def _statuses(frame: pd.DataFrame, source: Source) -> pd.Series:
    """SDMX's status: O where there is no value, B in the period in which a declared break begins, P for a provisional edition."""
    statuses = frame["edition"].map(lambda edition: "P" if edition == "provisional" else "A").astype(object)
    starts = {code: Period.parse(code).start for code in frame["period"].unique()}
    for declared in source.breaks:
        begins = Period.parse(str(declared["from"])).start
        here = frame["table"].eq(declared["table"]) & frame["period"].map(starts).eq(begins)
        if not declared.get("all"):
            here &= frame["native_type"].isin(declared.get("native_types", ()))
        statuses[here] = "B"
    statuses[frame["absence"] != ""] = "O"
    return statuses


def _notes(cells: pd.DataFrame, cases: pd.DataFrame, source: Source) -> pd.Series:
    """What a period says of itself: which months are missing, or that the file ends before the period does."""
    missing = holes(cases)
    last = cases["date"].max().date() if source.meta.get("date_unit") == "day" else None
    notes = {}
    for code in cells["period"].unique():
        gaps = [month for month in _months_of(code) if month in missing]
        period = Period.parse(code)
        cut = last is not None and period.start <= last < period.end
        notes[code] = f"not in the file: {', '.join(gaps)}" if gaps else FILE_ENDS.format(day=last) if cut else ""
    return cells["period"].map(notes)


# ------------------------------------------------------------------------------------------------------------------ trace


_ESCAPES = {"%": "%25", ";": "%3B", "=": "%3D", "]": "%5D"}


def cell_origins(cells: pd.DataFrame, source: Source, file: str) -> pd.Series:
    """`cafc.csv!rows[period=2023;native_type=Romance]`: the file and the cell's key; totals are left out."""
    keys = "period=" + cells["period"].astype(object)
    for name in ("native_type", "area", *DIMENSIONS, "fraud_type"):
        total = cells[name].eq(source.country if name == "area" else TOTAL)
        # The common code of a native type goes with it.
        total = total | cells["native_type"].ne(TOTAL) if name == "fraud_type" else total
        escaped = {label: _escaped(label) for label in cells[name].unique()}
        keys = keys.where(total, keys + f";{name}=" + cells[name].map(escaped))
    return f"{file}!rows[" + keys + "]"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(sign, sign) for sign in text)


def _unescaped(text: str) -> str:
    for sign, escape in reversed(_ESCAPES.items()):
        text = text.replace(escape, sign)
    return text


def cell_of(origin: str) -> tuple[list[str], dict[str, str]]:
    """The months and the labels that an observation's origin names. Raises FraudlossError where it is no key of a cell."""
    _, mark, key = origin.rpartition("!rows[")
    if not mark or not key.endswith("]"):
        raise FraudlossError(f"{origin}: not the key of a cell; it should read file!rows[period=2023;native_type=…]")
    wanted = dict(part.split("=", 1) for part in key[:-1].split(";"))
    return _months_of(wanted.pop("period")), {name: _unescaped(text) for name, text in wanted.items()}


def rows_of(cases: pd.DataFrame, origin: str, source: Source) -> pd.DataFrame:
    """The cases that an observation's origin is made of. Raises FraudlossError for an origin that is no key of a cell."""
    months, wanted = cell_of(origin)
    rows = cases["month"].isin(months).to_numpy()
    for name, label in wanted.items():
        coded = code_dimension(cases, name, source)
        if label not in coded.labels:
            return cases.iloc[:0]
        rows = rows & (coded.codes == coded.labels.index(label))
    return cases[rows]
