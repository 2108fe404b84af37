"""The series of each published year that stand beside those of other countries, and those of the newest.

In: of each published year figures (OBSERVATION_COLUMNS). Out: `Year`s, the oldest first; of each country its series in the
newest year; a series through the years.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish.countries import Series, declared_tables, telling, total_series
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, figures, is_country, rows_of
from pipeline.publish.labels import country_name


@dataclasses.dataclass(frozen=True)
class Year:
    """A published year, with the headline series of every country in it."""

    period: Period
    series: tuple[Series, ...]


def published_years(figures_of: Mapping[str, pd.DataFrame], families: Families) -> list[Year]:
    """The series of each published year, the oldest first. `figures_of`: year -> figures, among them those of its release."""
    tables = declared_tables(families)
    made = []
    for code, rows in sorted(figures_of.items()):
        period, totals = Period.parse(code), _totals(rows[(rows["period"] == code).to_numpy(bool)], tables)
        if len(totals):
            made.append(Year(period, tuple(total_series(figures(rows_of(totals), period, families), families))))
    return made


def _totals(rows: pd.DataFrame, tables: Collection[tuple[str, str]]) -> pd.DataFrame:
    """The annual totals of countries in these tables."""
    kept = (rows["frequency"] == "annual") & (rows["native_type"] == TOTAL) & ~rows["overlay"].astype(bool)
    kept &= rows["area"].map(is_country).astype(bool)
    for name in DIMENSIONS:
        kept &= rows[name].isin(NO_BREAKDOWN)
    kept &= pd.Series([pair in tables for pair in zip(rows["source"], rows["table"], strict=True)], index=rows.index, dtype=bool)
    return rows[kept.to_numpy(bool)]


def newest_series(years: Sequence[Year]) -> list[Series]:
    """The series of each country in the newest year in which it has any with a loss or cases."""
    found: dict[str, list[Series]] = {}
    for year in reversed(years):
        for country in {item.country for item in year.series} - found.keys():
            found[country] = telling([item for item in year.series if item.country == country])
    return [item for country in sorted(found, key=country_name) for item in found[country]]


def period_of(item: Series) -> str:
    """The code of the period that a series is of."""
    return str(next(iter(item.rows.values())).period)


def printings_of(years: Sequence[Year], item: Series) -> list[tuple[Period, Series]]:
    """A series as each published year has it, the oldest first."""
    return [(year.period, other) for year in years for other in year.series if _is_same(item, other)]


def every_series(years: Sequence[Year], newest: Sequence[Series]) -> list[Series]:
    """Each series of the countries once, as it was last: those of the newest year first."""
    found = [*newest, *(item for year in reversed(years) for item in year.series)]
    firsts = list({(item.country, item.family): item for item in reversed(found)}.values())
    order = list(dict.fromkeys((item.country, item.family) for item in found))
    countries = list(dict.fromkeys(item.country for item in newest))
    firsts = [item for item in firsts if item.country in countries]
    return sorted(firsts, key=lambda item: (countries.index(item.country), order.index((item.country, item.family))))


def _is_same(one: Series, other: Series) -> bool:
    return (one.source.country, one.family) == (other.source.country, other.family)
