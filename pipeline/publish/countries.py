"""The same period in several countries: side by side, and ranked only where the figures mean the same thing.

In: the figures of a release, and what the sources declare of themselves (`comparability` in source.yml, in the words of
reference/comparability.csv). Out: `CountryComparison`: series in alphabetical order of the countries, and types.

Two series are comparable where every word that their sources declare is the same. All others have no place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.model import TOTAL, Period
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.labels import code_label, country_name
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import series_name, source_title
from pipeline.publish.texts import declared_text
from pipeline.publish.words import _, day, listed
from pipeline.reading.crosswalk import crosswalk_rows, in_force
from pipeline.reference import top_fraud_type
from pipeline.sources.catalogue import Source

FACETS: dict[str, str] = {
    "unit_of_count": _("What is counted"),
    "loss_concept": _("Meaning of loss"),
    "date_basis": _("Date of a case or report"),
    "threshold": _("Threshold"),
    "coverage": _("Coverage"),
    "verified": _("Verified"),
}
UNKNOWN = "UNKNOWN"  # the code of what no publication says: two of them are not the same
COUNTS: tuple[tuple[str, str], ...] = (
    ("cases", "cases"),
    ("cases_with_loss", "cases"),
    ("cases_per_100k", "cases_per_100k"),
)
MONEY = (
    "loss",
    "loss_per_100k",
    "mean_loss",
    "mean_loss_of_known",
    "mean_loss_completed",
    "mean_loss_with_loss",
    "median_loss",
)
OF_TYPES = ("cases", "loss")
RANKED_BY = ("loss_per_100k", "USD_per_100k")
_PARTLY = {
    "part": _(
        "{country} ({source}) has figures for parts of the period only, the longest being {period}. They are not compared."
    ),
    "cumulative": _(
        "{country} ({source}) has no figure of the period by itself, but cumulative ones for {period}. They are not compared."
    ),
}


@dataclasses.dataclass(frozen=True)
class Series:
    """One headline series of a country in the period, with what its source declares of it."""

    family: str
    source: Source
    facets: Mapping[str, str]  # facet -> code of comparability.csv
    rows: Mapping[tuple[str, str], Any]  # (measure, unit) -> observation
    breaks: tuple[str, ...]
    place: int | None = None  # by RANKED_BY, among the series that are comparable with it

    @property
    def country(self) -> str:
        return self.source.country


@dataclasses.dataclass(frozen=True)
class TypeLine:
    """One type of a publisher under the common type that it leads to."""

    common: str
    source: Source
    family: str
    match: str  # exact, broad, narrow or partial, from crosswalk.csv
    rows: Mapping[tuple[str, str], Any]


@dataclasses.dataclass(frozen=True)
class CountryComparison:
    """Everything that a release says of several countries at once."""

    period: Period
    series: tuple[Series, ...]
    types: tuple[TypeLine, ...]
    left_out: tuple[str, ...]  # sentences: who has figures for parts of the period only, and whose file ends before it


def compare(period: Period, figures: Sequence[Figure], families: Families) -> CountryComparison | None:
    """What stands side by side in the release of `period`; None where fewer than two countries have figures for all of it."""
    found = [figure for figure in figures if figure.role == "period" and figure.is_plain and not figure.row.overlay]
    series = _ranked(telling(_series(found, families)))
    if len({item.country for item in series}) < 2:
        return None
    left_out = (*_left_out(series, figures, families), *_cut_short(series, families))
    return CountryComparison(period, tuple(series), tuple(_types(found, period, families)), left_out)


# ------------------------------------------------------------------------------------------------------------------- series


def _series(figures: Iterable[Figure], families: Families) -> list[Series]:
    totals: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        if figure.is_total and figure.row.table in _declared(figure, families, "series"):
            totals.setdefault((figure.family, figure.row.classification), []).append(figure)
    leading: dict[str, tuple[str, str]] = {}
    for key, members in totals.items():
        if not any(figure.row.measure in OF_TYPES and figure.row.value is not None for figure in members):
            continue  # a year with a hole has an absence in place of its total
        rival = leading.get(key[0])
        if rival is None or _rank(members, families) < _rank(totals[rival], families):
            leading[key[0]] = key
    made = [_one_series(totals[key], families) for key in leading.values()]
    return sorted(made, key=lambda item: (country_name(item.country), families.precedence(item.source.id), item.family))


def total_series(figures: Iterable[Figure], families: Families) -> list[Series]:
    """The headline series of every country in one period (figures: its national totals), in alphabetical order."""
    return _series(figures, families)


def declared_tables(families: Families) -> frozenset[tuple[str, str]]:
    """(source, table) of every series that is declared to stand beside those of other countries."""
    return frozenset(
        (source.id, table)
        for source in families.sources.values()
        for table in source.meta.get("comparability", {}).get("series", ())
    )


def _declared(figure: Figure, families: Families, key: str) -> Sequence[str]:
    source = families.sources.get(figure.row.source)
    return source.meta.get("comparability", {}).get(key, ()) if source else ()


def _rank(members: Sequence[Figure], families: Families) -> tuple[Any, ...]:
    figures = [figure.row for figure in members if figure.row.measure in OF_TYPES and figure.row.value is not None]
    precedence = min((families.precedence(row.source) for row in figures), default=len(families.sources) + 100)
    return (precedence, -len(figures), members[0].row.classification)


def _one_series(members: Sequence[Figure], families: Families) -> Series:
    rows = {(figure.row.measure, figure.row.unit): figure.row for figure in members}
    lead = min(members, key=lambda figure: (families.precedence(figure.row.source), figure.row.source)).row
    source = families.sources[lead.source]
    return Series(members[0].family, source, facets_of(lead, source), rows, breaks_of(lead, source))


def facets_of(row: Any, source: Source) -> dict[str, str]:
    """What the source declares of the table of an observation: facet -> code of comparability.csv."""
    declared = source.meta["comparability"]
    otherwise = declared.get("except", {}).get(row.table, {})
    return {facet: str(otherwise.get(facet, declared[facet])) for facet in FACETS}


def breaks_of(row: Any, source: Source) -> tuple[str, ...]:
    """Declared breaks of an observation's total or type up to its period: its earlier figures are not those of today."""
    until = Period.parse(row.period).end
    found = [
        entry
        for entry in source.breaks
        if entry.get("table") in (row.table, None, "")
        and (entry.get("all") or row.native_type in entry.get("native_types", ()))
        and Period.parse(str(entry["from"])).start <= until
    ]
    return tuple(
        _("{period}: {reason}", period=period_label(str(entry["from"])), reason=declared_text(entry.get("reason", "")))
        for entry in found
    )


def telling(series: Sequence[Series]) -> list[Series]:
    """A series without any loss gives way to one of the same source that has one."""

    def has_loss(item: Series) -> bool:
        return any(measure == "loss" and row.value is not None for (measure, _), row in item.rows.items())

    telling = {item.source.id for item in series if has_loss(item)}
    return [item for item in series if has_loss(item) or item.source.id not in telling]


def _ranked(series: Sequence[Series]) -> list[Series]:
    """Places by loss per 100,000 inhabitants in US dollars, among series of several countries whose facets are all the same."""
    places: dict[int, int] = {}
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, item in enumerate(series):
        if UNKNOWN not in item.facets.values():
            groups.setdefault(tuple(item.facets[facet] for facet in FACETS), []).append(number)
    for members in groups.values():
        values = {
            number: row.value for number in members if (row := series[number].rows.get(RANKED_BY)) and row.value is not None
        }
        if len({series[number].country for number in values}) > 1:
            ordered = sorted(values.values(), reverse=True)
            places |= {number: ordered.index(value) + 1 for number, value in values.items()}
    return [dataclasses.replace(item, place=places.get(number)) for number, item in enumerate(series)]


def differing(one: Series, other: Series) -> list[str]:
    """The facets in which two series differ, or may: what keeps them from being compared."""
    return [facet for facet in FACETS if one.facets[facet] != other.facets[facet] or one.facets[facet] == UNKNOWN]


def _left_out(series: Sequence[Series], figures: Iterable[Figure], families: Families) -> tuple[str, ...]:
    """Sources that declare a comparable series and have figures for a part of the period only."""
    present = {item.source.id for item in series} | {item.country for item in series}
    parts: dict[tuple[str, str], set[str]] = {}
    for figure in figures:
        row = figure.row
        partly = figure.role in _PARTLY and figure.is_total and figure.is_plain and row.value is not None
        if partly and row.table in _declared(figure, families, "series"):
            parts.setdefault((row.source, figure.role), set()).add(row.period)
    sentences = []
    for (source_id, role), codes in sorted(parts.items()):
        source = families.sources[source_id]
        if source_id not in present and source.country not in present:
            longest = max(codes, key=lambda code: (len(Period.parse(code).months), code))
            about = {"country": country_name(source.country), "source": source_title(source)}
            if Period.parse(longest).frequency == "monthly":
                sentence = _(
                    "{country} ({source}) has figures for {count} single months only. They are not compared.",
                    count=len(codes),
                    **about,
                )
            else:
                sentence = _(_PARTLY[role], period=period_label(longest), **about)
            holes = [period_label(str(hole)) for hole in source.meta.get("holes", ()) if hole[:4] == longest[:4]]
            missing = [_("In no file: {periods}.", periods=listed(holes))] if holes else []
            sentences.append(listed([sentence, *missing], " "))
    return tuple(sentences)


def _cut_short(series: Sequence[Series], families: Families) -> list[str]:
    """Series that were counted from a file which ends before the period does."""
    return [
        _(
            "{country} ({series}): the file ends on {day}, so that the period is not whole there.",
            country=country_name(item.country),
            series=series_name(item.family, families)[0],
            day=day(end),
        )
        for item in series
        if (end := families.file_end(item.rows.values()))
    ]


# -------------------------------------------------------------------------------------------------------------------- types


def _types(figures: Iterable[Figure], period: Period, families: Families) -> list[TypeLine]:
    lines: dict[tuple[str, ...], dict[tuple[str, str], Any]] = {}
    for figure in figures:
        row = figure.row
        if not figure.is_total and row.measure in OF_TYPES and row.table in _declared(figure, families, "types"):
            key = (row.source, figure.family, row.native_type, row.fraud_type, row.classification)
            lines.setdefault(key, {})[(row.measure, row.unit)] = row
    speaking: dict[tuple[str, str], tuple[Any, ...]] = {}
    for source_id, family, *__, classification in lines:
        rank = (families.precedence(source_id), source_id, classification)
        speaking[(families.country(family), family)] = min(rank, speaking.get((families.country(family), family), rank))
    made = []
    for (source_id, family, native, common, classification), rows in lines.items():
        rank = (families.precedence(source_id), source_id, classification)
        has_value = any(row.value is not None for row in rows.values())
        if speaking[(families.country(family), family)] == rank and common != TOTAL and has_value:
            source = families.sources[source_id]
            made.append(TypeLine(_top(common), source, family, _match(source, native, period), rows))
    return sorted(made, key=_type_rank)


def _top(common: str) -> str:
    try:
        return top_fraud_type(common)
    except KeyError:
        return common


def _type_rank(line: TypeLine) -> tuple[Any, ...]:
    row = next(iter(line.rows.values()))
    return (code_label(line.common), country_name(line.source.country), line.source.id, row.native_type)


def _match(source: Source, native: str, period: Period) -> str:
    path = source.folder / "crosswalk.csv"
    rows = crosswalk_rows(path).get(("fraud_type", native), ()) if path.is_file() else ()
    return next((row["match"] for row in rows if in_force(row, period)), "")
