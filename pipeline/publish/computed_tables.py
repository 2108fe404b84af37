"""The tables that are made for the reader alone, as tidy CSVs: contributions to the change (T03), adjusted months (T31).

In: the content of a release. Out: the CSVs of those that it has, and the Table Schema of each. Values are those of the pages and
the workbook; beside each stand its status, the day from which it could be known and the observations that it was made of. They
are no observations themselves (docs/architecture.md says why), so they are in no SDMX file and in no Parquet file.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.publish.content import AdjustedMonths, Content
from pipeline.publish.contributions import OF_MEASURES
from pipeline.publish.marks import is_provisional
from pipeline.publish.number_texts import whole_cases
from pipeline.publish.package import COLUMNS, columns_csv

CONTRIBUTIONS, SEASONALLY_ADJUSTED = "contributions.csv", "seasonally_adjusted.csv"

_KEY = ("family", "source", "table", "frequency", "period", "area", "fraud_type", "native_type")
_ABOUT = ("obs_status", "conf_status", "absence", "classification", "edition", "known_at", "snapshot")
# Column -> (Table Schema type, description); those that an observation has are described with it.
_OWN: dict[str, dict[str, tuple[str, str]]] = {
    CONTRIBUTIONS: {
        "of_measure": ("string", "whose change it is: loss or cases"),
        "contribution_percentage_points": (
            "number",
            "100 * (figure - that of the year before) / total of the year before, to 0.001; of the total its change, per cent",
        ),
        "made_of": ("string", "ids of the observations that it was made of, joined by `; `"),
    },
    SEASONALLY_ADJUSTED: {
        "cases": ("number", "cases as counted"),
        "seasonally_adjusted_cases": ("number", "cases without their season, in whole cases"),
        "trend_cases": ("number", "trend of the adjusted cases, in whole cases"),
        "season_until": ("string", "last month that the season was estimated from"),
        "made_of": ("string", "id of the observation of the month; the season is made of all months up to season_until"),
    },
}
_MEASURE_OF = {contribution: measure for measure, (__, contribution) in OF_MEASURES.items()}


def schema(name: str) -> dict[str, Any]:
    """The Table Schema of a file."""
    fields = []
    for column in _columns(name):
        kind, description = _OWN[name][column] if column in _OWN[name] else COLUMNS[column][:2]
        fields.append({"name": column, "type": kind, "description": description})
    return {"fields": fields, "missingValues": [""]}


def _columns(name: str) -> tuple[str, ...]:
    *own, made_of = _OWN[name]
    return (*_KEY, *own, *_ABOUT, made_of)


def computed_tables(content: Content) -> dict[str, bytes]:
    """The CSVs that the release has: name -> content."""
    lines = {CONTRIBUTIONS: _contributions(content), SEASONALLY_ADJUSTED: _adjusted(content)}
    return {name: columns_csv(_transposed(name, own)) for name, own in lines.items() if own}


def _transposed(name: str, lines: Sequence[Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
    return dict(zip(_columns(name), zip(*lines, strict=True), strict=True))


def _contributions(content: Content) -> list[tuple[Any, ...]]:
    figures = (figure for item in content.items for figure in item.contributions)
    return [
        (
            *_key(figure.family, figure.row),
            _MEASURE_OF[figure.row.measure],
            figure.row.value,
            *_about(figure.row),
            figure.row.origin,
        )
        for figure in figures
    ]


def _adjusted(content: Content) -> list[tuple[Any, ...]]:
    return [line for item in content.items if item.adjusted for line in _adjusted_lines(item.adjusted)]


def _adjusted_lines(months: AdjustedMonths) -> Iterable[tuple[Any, ...]]:
    """The trend of every month is made of all of them: none could be known before the last."""
    known_at = max(row.known_at for row in months.rows)
    for row, adjusted, trend in zip(months.rows, months.found.adjusted, months.found.trend, strict=True):
        about = row._replace(obs_status="P" if is_provisional(row) else "I", known_at=known_at)
        values = (row.value, whole_cases(adjusted), whole_cases(trend), months.found.until)
        yield (*_key(months.family, row), *values, *_about(about), row.id)


def _key(family: str, row: Any) -> tuple[Any, ...]:
    return (family, *_key_of(row))


_key_of, _about = operator.attrgetter(*_KEY[1:]), operator.attrgetter(*_ABOUT)
