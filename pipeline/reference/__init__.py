"""Series that figures are compared with (exchange rates, population, prices), and the code lists that publishers' labels lead to.

In: the small CSVs of this folder, each row with its source. Out: exact decimals and integers, or MissingReference: a year or
month that nobody has published yet is never filled in from its neighbours.

`exchange_rates.csv` month, currency, units_per_usd (units of the currency for one US dollar, monthly average), source;
`population.csv` country (ISO 3166-1 alpha-2), year, population (persons, mid-year), source;
`population_prefecture.csv` area (ISO 3166-2), name_ja, date, population (persons), source, note;
`prices.csv` country, year, measure, unit, value, source, note (an empty value is one that its note tells not to use);
`fraud_types.csv` code, parent, label, label_ja, auth and persona (facets that our definition implies, or empty), definition;
`facets.csv` facet, code, label, label_ja, definition: what is said of a payment or a type beside the type itself, never
mixed with it in one axis (auth: who authorised the payment; channel, payment, persona, outcome, crypto);
`codes.csv` dimension, code, label, label_ja, definition: the other dimensions of an observation (model.DIMENSIONS);
`areas.csv` area (ISO 3166-1 and 3166-2, and `_U`, `_X_CA` and their like), country, name, name_ja;
`comparability.csv` facet, code, label, definition: the words of `comparability` in source.yml.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from pipeline.model import UNITS, FraudlossError, Period

FOLDER = Path(__file__).parent


class MissingReference(FraudlossError):
    """A reference series has no value for what was asked. Names the series, the gap and the last value there is.

    `note` says the same to readers of a page, who know no files.
    """

    def __init__(self, message: str, note: str = "") -> None:
        super().__init__(message)
        self.note = note or message


@dataclasses.dataclass(frozen=True)
class Rate:
    """An average exchange rate over the months of a period."""

    value: Decimal  # units of the currency for one US dollar
    months: tuple[str, ...]  # the months that it is the plain mean of
    source: str


@dataclasses.dataclass(frozen=True)
class FraudType:
    """A code of the common list of fraud types."""

    code: str
    parent: str  # empty at the top
    label: str
    label_ja: str
    auth: str  # who authorised the payment, by our definition: a code of facets.csv
    persona: str  # whom the offender poses as, where our definition says so
    definition: str


@dataclasses.dataclass(frozen=True)
class Code:
    """A code of a list: of a facet, a dimension, the areas, or the words of comparability."""

    code: str
    label: str
    label_ja: str
    definition: str


@dataclasses.dataclass(frozen=True)
class Series:
    """A reference series as one publication gives it."""

    file: str
    about: str  # the currency, country or area
    first: str
    last: str
    source: str


FACETS = ("auth", "persona", "channel", "payment", "outcome", "crypto")
AREA = "area"


@functools.cache
def average_rate(currency: str, period: Period | str) -> Rate:
    """Units of `currency` for one US dollar: the mean of the monthly averages over all months that `period` touches.

    Raises MissingReference, naming the months, where any of them is missing.
    """
    months = (Period.parse(period) if isinstance(period, str) else period).months
    rates = _exchange_rates().get(currency, {})
    missing = [month for month in months if month not in rates]
    if missing:
        last = max(rates, default="none at all")
        named = UNITS.get(currency, currency).split(",")[0]
        raise MissingReference(
            f"exchange_rates.csv has no {currency} rate for {', '.join(missing)} (newest month: {last}).",
            f"no exchange rate of {named} for {', '.join(missing)} is held here: the newest is that of {last}",
        )
    source = "; ".join(sorted({rates[month][1] for month in months}))
    return Rate(sum((rates[month][0] for month in months), Decimal(0)) / len(months), tuple(months), source)


def population(country: str, year: int) -> int:
    """Inhabitants of `country` (ISO 3166-1 alpha-2) in `year`. Raises MissingReference; a year is never extrapolated."""
    series = _populations().get(country, {})
    if year not in series:
        newest = max(series, default="none at all")
        named = code_list(AREA).get(country)
        raise MissingReference(
            f"population.csv has no {country} population for {year} (newest year: {newest}).",
            f"no population of {named.label if named else country} for {year} is held here: the newest is that of {newest}",
        )
    return series[year]


# file -> (what a row is about, when it is of).
_SERIES = {
    "exchange_rates.csv": ("currency", "month"),
    "population.csv": ("country", "year"),
    "population_prefecture.csv": ("", "date"),
    "prices.csv": ("country", "year"),
}


def series() -> list[Series]:
    """Every reference series with its source, its first and its last year or month."""
    made = []
    for file, (about, when) in _SERIES.items():
        found: dict[tuple[str, str], list[str]] = {}
        for row in _rows(file):
            found.setdefault((row[about] if about else "prefectures", row["source"]), []).append(row[when])
        made += [Series(file, name, min(times), max(times), source) for (name, source), times in sorted(found.items())]
    return made


@functools.cache
def fraud_types() -> Mapping[str, FraudType]:
    """The common list of fraud types by code, parents before their children."""
    return MappingProxyType({row["code"]: FraudType(**row) for row in _rows("fraud_types.csv")})


def top_fraud_type(code: str) -> str:
    """The code itself where it stands at the top of the list, else its parent. Raises KeyError for an unknown code."""
    return fraud_types()[code].parent or code


@functools.cache
def code_list(name: str) -> Mapping[str, Code]:
    """The codes of a facet (FACETS), a dimension (model.DIMENSIONS) or `area`, in their order; empty for another name."""
    if name == AREA:
        return MappingProxyType({row["area"]: Code(row["area"], row["name"], row["name_ja"], "") for row in _rows("areas.csv")})
    found = [row for row in _rows("facets.csv") if row["facet"] == name]
    found += [row for row in _rows("codes.csv") if row["dimension"] == name]
    return MappingProxyType({row["code"]: Code(row["code"], *(row[key] for key in _WORDS)) for row in found})


@functools.cache
def area_tiles(country: str) -> Mapping[str, tuple[int, int]]:
    """Column and row of each part of a country on a map of squares, laid out here so that neighbours stay near each other."""
    rows = [row for row in _rows("area_tiles.csv") if row["area"].startswith(f"{country}-")]
    return MappingProxyType({row["area"]: (int(row["column"]), int(row["row"])) for row in rows})


@functools.cache
def comparability_words(facet: str) -> Mapping[str, Code]:
    """The words with which sources say how their figures stand beside others (`unit_of_count`, `loss_concept` and so on)."""
    rows = [row for row in _rows("comparability.csv") if row["facet"] == facet]
    return MappingProxyType({row["code"]: Code(row["code"], row["label"], "", row["definition"]) for row in rows})


@functools.cache
def code_labels() -> Mapping[str, Code]:
    """Every code of facets, dimensions, areas and fraud types: one code has one meaning in all of the lists."""
    kinds = fraud_types().values()
    every = {kind.code: Code(kind.code, kind.label, kind.label_ja, kind.definition) for kind in kinds}
    names = {row["facet"] for row in _rows("facets.csv")} | {row["dimension"] for row in _rows("codes.csv")}
    for name in [AREA, *sorted(names - {"auth", "crypto"})]:
        for code, meaning in code_list(name).items():
            every.setdefault(code, meaning)
    return MappingProxyType(every)


_WORDS = ("label", "label_ja", "definition")


@functools.cache
def _exchange_rates() -> dict[str, dict[str, tuple[Decimal, str]]]:
    rates: dict[str, dict[str, tuple[Decimal, str]]] = {}
    for row in _rows("exchange_rates.csv"):
        rates.setdefault(row["currency"], {})[row["month"]] = (Decimal(row["units_per_usd"]), row["source"])
    return rates


@functools.cache
def _populations() -> dict[str, dict[int, int]]:
    series: dict[str, dict[int, int]] = {}
    for row in _rows("population.csv"):
        series.setdefault(row["country"], {})[int(row["year"])] = int(row["population"])
    return series


@functools.cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))
