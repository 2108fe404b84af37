"""The years of each country before its newest: small charts with scales of their own, and a table for each series.

In: the series of each published year, and where their releases are. Out: sections of charts and tables.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from pipeline.model import Period
from pipeline.publish import period_charts
from pipeline.publish.chart_points import history_points, own_axis
from pipeline.publish.charts import Axis, Chart, Point
from pipeline.publish.comparison_years import Year, every_series, printings_of
from pipeline.publish.content import Item, Section, table_items
from pipeline.publish.countries import MONEY, Series
from pipeline.publish.families import Families, break_years
from pipeline.publish.labels import country_name
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import series_name
from pipeline.publish.tables import Cell, Column, Table, figure_cell, measure_column, text_cell
from pipeline.publish.texts import slug
from pipeline.publish.words import _, declared, page_name

# What the years before are shown of, each with its charts: (measure, ending of the unit, in US dollars).
_CHARTED = (
    ("loss", "", False, _("Losses in national currency")),
    ("loss", "", True, _("Losses in US dollars, at the average rate of each year")),
    ("loss_per_100k", "_per_100k", False, _("Losses per 100,000 inhabitants, in national currency")),
    ("cases", "", False, _("Cases or reports")),
    ("cases_per_100k", "", False, _("Cases or reports per 100,000 inhabitants")),
)
_FEWEST_YEARS = 2


def _breaks(history: Sequence[tuple[Period, Series]], families: Families) -> dict[str, str]:
    """Years from which the series is not comparable with the years before."""
    rows = []
    for __, item in history:
        totals = [
            row for (measure, __), row in sorted(item.rows.items()) if measure in ("loss", "cases") and row.value is not None
        ]
        rows += totals[-1:]
    return break_years(rows, families) if history else {}


def years_section(years: Sequence[Year], newest: Sequence[Series], families: Families) -> Section:
    """A small chart for each measure and series, each with a scale of its own."""
    lead = (
        _(
            "One small chart for each series, each with its own scale: compare shapes, never heights. A dashed vertical line is "
            "a break in the series; a light bar with a dashed edge is provisional."
        ),
    )
    found = (_chart(place, years, newest, families) for place in range(len(_CHARTED)))
    return Section("years", _("Over the years"), "推移", lead, tuple(Item(chart=chart) for chart in found if chart))


def _chart(place: int, years: Sequence[Year], newest: Sequence[Series], families: Families) -> Chart | None:
    measure, ending, in_dollars, title = _CHARTED[place]
    points: list[Point] = []
    breaks: dict[str, Iterable[str]] = {}
    heads: dict[str, Sequence[str]] = {}
    axes: dict[str, Axis] = {}
    for item in every_series(years, newest):
        unit = _unit(measure, ending, "USD" if in_dollars else item.source.currency)
        history = printings_of(years, item)
        rows = [row for __, other in history if (row := other.rows.get((measure, unit))) is not None and row.value is not None]
        if len(rows) < _FEWEST_YEARS:
            continue
        axis = own_axis(unit, rows)
        country, english = country_name(item.country), series_name(item.family, families)[0]
        name = _("{country}: {series}", country=country, series=english)
        points += history_points(rows, name, families)
        breaks[name] = tuple(_breaks(history, families))
        heads[name], axes[name] = (country, english, axis.title), axis
    if not points:
        return None
    made = period_charts.small_multiples(
        f"countries_{slug(title.split(',')[0])}", title, Axis(title), points, breaks, heads, axes, columns=3, width=218
    )
    return dataclasses.replace(made, head=_("Series"))


def _unit(measure: str, ending: str, currency: str) -> str:
    return measure if measure.startswith("cases") else f"{currency}{ending}"


def country_sections(
    years: Sequence[Year], newest: Sequence[Series], families: Families, folders: Mapping[str, str]
) -> Iterable[Section]:
    """One section a country, with a table for each of its series: years down, newest last."""
    for country in dict.fromkeys(item.country for item in newest):
        own = [item for item in every_series(years, newest) if item.country == country]
        tables = [table for item in own if (table := _history(years, item, families, folders))]
        lead = (
            _("A year leads to its release; a figure to the cells or rows that it comes from, where the newest release has it."),
        )
        yield Section(f"country-{slug(country)}", country_name(country), "", lead, table_items(tables))


def _history(years: Sequence[Year], item: Series, families: Families, folders: Mapping[str, str]) -> Table | None:
    history = printings_of(years, item)
    currency = item.source.currency
    keys = [
        ("cases", "cases"),
        ("cases_per_100k", "cases_per_100k"),
        ("loss", currency),
        ("loss", "USD"),
        ("loss_per_100k", f"{currency}_per_100k"),
        *((measure, currency) for measure in MONEY[2:]),
    ]
    present = {key for __, other in history for key, row in other.rows.items() if row.value is not None}
    keys = [key for key in dict.fromkeys(keys) if key in present]
    if not keys:
        return None
    breaks = _breaks(history, families)
    lines = tuple(
        (
            Cell(
                period.code,
                marks=("[b]",) if period.code in breaks else (),
                title=breaks.get(period.code, ""),
                href=page_name(f"{folders[period.code]}index.html") if period.code in folders else "",
                is_header=True,
            ),
            *(figure_cell(other.rows.get(key)) for key in keys),
            text_cell(declared(_classification(other, families))),
        )
        for period, other in history
    )
    english, native = series_name(item.family, families)
    notes = tuple(
        _("Break at {period}: {reason}. Do not compare across it.", period=period_label(code), reason=declared(reason))
        for code, reason in breaks.items()
    )
    columns = (Column(_("Year"), native="年"), *(measure_column(*key) for key in keys), Column(_("Classification")))
    title = _("{series} by year", series=english)
    return Table(f"history_{slug(item.country)}_{slug(item.family)}", title, columns, lines, native, notes)


def _classification(item: Series, families: Families) -> str:
    return families.classification(str(next(iter(item.rows.values())).classification))
