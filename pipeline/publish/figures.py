"""Figures: of several rows that print one figure the one that leads, with the others beside it.

In: selected rows of the view (OBSERVATION_COLUMNS). Out: `Figure`s with the role that each plays for the period, and the
`Comparison`s of what several publications print.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import operator
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish.families import Families
from pipeline.publish.roles import parsed, role

# One observation as a tuple with the column names of OBSERVATION_SCHEMA: a page walks thousands of them, a frame is slow at that.
_Row = collections.namedtuple("_Row", OBSERVATION_COLUMNS)  # type: ignore[misc]
Row: Any = _Row
# `_Z` is a category as any other: what has no age is an organisation, not everybody.
NO_BREAKDOWN = (TOTAL,)
HISTORY_MEASURES = ("cases", "loss")
_WORST_EDITION = ("provisional", "unknown", "restated", "corrected", "final")


def worst_edition(editions: Iterable[str]) -> str:
    """Of several editions the one that promises least; `unknown` where there is none."""
    found = set(editions)
    return next((name for name in _WORST_EDITION if name in found), "unknown")


def is_country(area: str) -> bool:
    """Whether the area is a whole country (ISO 3166-1): not a part of one (`JP-13`), not `_U` or `_X_AU`."""
    return len(area) == 2 and area.isalpha()


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """The frame's rows as `Row`, absent values and precisions as None whatever pandas made of them."""
    columns = {name: frame[name].to_numpy(object).tolist() for name in OBSERVATION_COLUMNS}
    for name in ("value", "precision"):
        columns[name] = [_decimal(value) for value in columns[name]]
    return [Row._make(values) for values in zip(*columns.values(), strict=True)]


def _decimal(value: Any) -> Decimal | None:
    if value is None or (not isinstance(value, Decimal) and pd.isna(value)):
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return number if number.is_finite() else None


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of the world: the row that leads, and what other publications print for it."""

    family: str
    role: str
    row: Any
    others: tuple[Any, ...] = ()
    compared: tuple[Figure, Figure] | None = None  # of a change on a year before that was restated since: what it compares
    otherwise: Any = None  # of a loss in US dollars: the same loss, of the same months, that was converted in the other way

    @functools.cached_property
    def is_total(self) -> bool:
        return self.row.native_type == TOTAL and self.row.fraud_type == TOTAL

    @functools.cached_property
    def breakdown(self) -> tuple[tuple[str, str], ...]:
        """The dimensions that the figure is broken down by, with their values."""
        return tuple(pair for pair in zip(DIMENSIONS, _dimensions(self.row), strict=True) if pair[1] not in NO_BREAKDOWN)

    @functools.cached_property
    def is_plain(self) -> bool:
        return not self.breakdown and is_country(self.row.area)

    @functools.cached_property
    def restated(self) -> Any:
        """The row of another source that restates what the leading one printed as provisional before it; None where none does.

        The leading row stays: its source's further figures, and the change on the year that it was compared in, go with it.
        """
        own = self.row
        if own.edition != "provisional" or own.value is None:
            return None
        later = [
            row
            for row in self.others
            if row.source != own.source
            and row.edition in _SETTLED
            and row.known_at > own.known_at
            and row.value is not None
            and row.derivation == ""
            and abs(row.value - own.value) > (own.precision or Decimal(0)) + (row.precision or Decimal(0))
        ]
        return max(later, key=operator.attrgetter("known_at", "id"), default=None)

    @functools.cached_property
    def rebased(self) -> Decimal | None:
        """Of a change on the year: the same change, in per cent, on the figure of the year before as it was restated since."""
        if self.compared is None:
            return None
        now, before = self.compared
        return Decimal(100 * now.row.value / before.restated.value - 100)


_SETTLED = ("restated", "corrected", "final")
# Measure of a change on the year -> what changed.
CHANGES_ON_YEAR = {
    "change_on_year": "loss",
    "change_on_year_without_large": "loss_without_large",
    "change_on_year_cases": "cases",
}
_dimensions = operator.itemgetter(*(OBSERVATION_COLUMNS.index(name) for name in DIMENSIONS))
_SAME_FIGURE = [name for name in KEY_COLUMNS if name not in ("source", "table")]
_figure_key = operator.itemgetter(*(OBSERVATION_COLUMNS.index(name) for name in _SAME_FIGURE))


def figures(rows: Iterable[Any], period: Period, families: Families) -> list[Figure]:
    """Every figure once. Among rows for one figure, a value leads an absence, then the source's precedence decides, then
    what is printed leads what we computed."""
    grouped: dict[tuple[str, ...], list[Any]] = {}
    known: dict[tuple[str, str], str] = {}
    for row in rows:
        table = (row.source, row.table)
        if table not in known:
            known[table] = families.family(row)
        grouped.setdefault((known[table], *_figure_key(row)), []).append(row)
    made = [_figure(key[0], candidates, period, families) for key, candidates in sorted(grouped.items())]
    return _with_other_dollars(_with_bases(made, families), families)


def _with_bases(made: list[Figure], families: Families) -> list[Figure]:
    """The figures, changes on the year with what they compare where another source restated the year before."""
    if not any(figure.others and figure.restated for figure in made):
        return made
    known = {(figure.family, *_figure_key(figure.row)): figure for figure in made if figure.row.measure in HISTORY_MEASURES}
    return [_with_base(figure, known, families) for figure in made]


def _with_base(figure: Figure, known: Mapping[tuple[str, ...], Figure], families: Families) -> Figure:
    row, of = figure.row, CHANGES_ON_YEAR.get(figure.row.measure)
    if of is None or row.derivation != "change" or row.value is None:
        return figure
    same = row._replace(measure=of, unit="cases" if of == "cases" else families.currency(figure.family))
    now, before = (
        known.get((figure.family, *_figure_key(same._replace(period=code))))
        for code in (row.period, parsed(row.period).year_before.code)
    )
    if now is None or before is None or before.restated is None or {now.row.source, before.row.source} != {row.source}:
        return figure
    return dataclasses.replace(figure, compared=(now, before))


def _with_other_dollars(made: list[Figure], families: Families) -> list[Figure]:
    """The figures; a loss in US dollars with the same loss that has another value in them.

    One publication may print the months and another their sum alone: the one is converted month by month, the other at the mean
    of the rates.
    """
    dollars: dict[tuple[Any, ...], list[int]] = {}
    for place, figure in enumerate(made):
        row = figure.row
        if row.unit == "USD" and row.measure == "loss" and row.derivation in _CONVERTED and row.frequency in _SPANS:
            span = parsed(row.period)
            same = row._replace(period="", frequency="")
            dollars.setdefault((figure.family, span.start, span.end, *_figure_key(same)), []).append(place)
    pairs = [places for places in dollars.values() if len(places) == len(_CONVERTED)]
    if not pairs:
        return made
    known = {(figure.family, *_figure_key(figure.row)): figure.row for figure in made if figure.row.measure == "loss"}
    for one, other in pairs:
        rows, currency = (made[one].row, made[other].row), families.currency(made[one].family)
        national = {
            known[key].value for row in rows if (key := (made[one].family, *_figure_key(row._replace(unit=currency)))) in known
        }
        # Two losses that differ in their own money have every right to do so in dollars.
        if len(national) == 1 and rows[0].value != rows[1].value:
            made[one] = dataclasses.replace(made[one], otherwise=rows[1])
            made[other] = dataclasses.replace(made[other], otherwise=rows[0])
    return made


_CONVERTED = ("converted", "converted_months")
# Kinds of period of which two may be of the same months.
_SPANS = ("annual", "half_yearly", "quarterly", "year_to_date")


def _figure(family: str, candidates: list[Any], period: Period, families: Families) -> Figure:
    def rank(row: Any) -> tuple[Any, ...]:
        return (row.absence != "", families.precedence(row.source), row.derivation != "", row.source, row.table, row.id)

    first, *others = candidates if len(candidates) == 1 else sorted(candidates, key=rank)
    played = role(first.period, period)
    is_event = played in ("", "history") and first.offender_location not in NO_BREAKDOWN
    return Figure(family, "event" if is_event else played, first, tuple(others))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The leading figure beside the same figure in another publication."""

    figure: Figure
    other: Any
    difference: Decimal
    tolerance: Decimal

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= self.tolerance


def comparisons(all_figures: Iterable[Figure]) -> list[Comparison]:
    """Every printed figure that another publication prints too, with the difference and what rounding alone may explain."""
    return [
        Comparison(
            figure,
            other,
            other.value - figure.row.value,
            (figure.row.precision or Decimal(0)) + (other.precision or Decimal(0)),
        )
        for figure in all_figures
        if figure.role not in ("history", "event") and figure.row.value is not None
        for other in figure.others
        if other.value is not None and other.derivation == "" and other.source != figure.row.source
    ]
