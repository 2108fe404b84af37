"""The periods before, and periods of other kinds: a series over time.

In: the figures of a series. Out: `Item`s: its totals by period, with and without their season, its types over the years, and
apart from them fiscal years, parts of the period and cumulative figures. Calendar and fiscal years never share a table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import Period
from pipeline.publish import period_charts, seasonal
from pipeline.publish.chart_points import (
    axis_of,
    chart_label,
    chart_point,
    history_points,
    loss_axis,
    measures_drawn,
    without_value,
)
from pipeline.publish.charts import Axis, Chart
from pipeline.publish.combinations import COMBINATIONS
from pipeline.publish.content import AdjustedMonths, Item, further
from pipeline.publish.families import Families, break_years, declared_breaks
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.figure_warnings import (
    CLASSIFICATION_WARNING,
    EARLIER_WARNING,
    FISCAL_WARNING,
    PARTS_WARNING,
    growing_warnings,
    with_warnings,
)
from pipeline.publish.figures import Figure
from pipeline.publish.history_tables import adjusted_table, history_table
from pipeline.publish.leading import leading_lines, period_totals
from pipeline.publish.measures import measure_title
from pipeline.publish.tables import Table
from pipeline.publish.texts import clean, slug
from pipeline.publish.type_tables import types_by_periods
from pipeline.publish.words import Own, Words, _, listed, ngettext

_BY_PERIOD: dict[str, Callable[[str], Words]] = {
    "annual": lambda series: _("{series} by year", series=series),
    "quarterly": lambda series: _("{series} by quarter", series=series),
    "monthly": lambda series: _("{series} by month", series=series),
}


def history_items(
    period: Period, name: str, english: str, figures: Sequence[Figure], families: Families, *, is_told: bool
) -> list[Item]:
    """The series up to the period: chart with its table, and types over the periods; only these where the totals are told."""
    timed = [f for f in figures if f.role in ("period", "history") and f.row.frequency == period.frequency]
    if is_told:
        return _types_over_time(name, english, timed, families) if period.frequency == "annual" else []
    measures = [f for f in timed if f.row.measure in ("cases", "loss")]
    base = slug(name)
    losses = period_totals(timed, "loss", families.currency(name), families, period.frequency)
    breaks = break_years(losses or period_totals(timed, "cases", "cases", families, period.frequency), families)
    leading = leading_lines(measures, families)
    led = [f for f in measures if (f.row.period, f.row.classification) in leading]
    rest = [f for f in measures if (f.row.period, f.row.classification) not in leading]
    words = _BY_PERIOD[period.frequency](english)
    table = history_table(f"{base}_history", words, led, breaks, families)
    other = history_table(f"{base}_history_other", _("{title}: other classifications", title=words), rest, {}, families, least=1)
    growing = _growing(led, families)
    items = [Item(chart=_noted(chart, growing)) for chart in history_charts(name, english, timed, breaks, period, families)]
    items += [Item(table=with_warnings(table, growing))] if table else []
    items += [Item(table=with_warnings(other, [CLASSIFICATION_WARNING]), collapsed=True, summary=other.title)] if other else []
    if period.frequency == "annual":
        items += _types_over_time(name, english, timed, families)
    if period.frequency == "monthly":
        items += _without_season(period, name, english, timed, breaks, families, growing)
    return items


def _growing(figures: Sequence[Figure], families: Families) -> list[Words]:
    """What a series must say of its last period, where reports of it are still to come."""
    newest = max((figure.row.period for figure in figures), default="")
    return growing_warnings([f for f in figures if f.row.period == newest], families) if newest else []


def _noted(chart: Chart, warnings: Sequence[Words]) -> Chart:
    """The chart with these warnings under its title: a line that falls at its end may not have fallen."""
    if not warnings:
        return chart
    return dataclasses.replace(chart, note=listed([*([chart.note] if chart.note else []), *warnings], " "))


def _without_season(
    period: Period,
    name: str,
    english: str,
    timed: Sequence[Figure],
    breaks: Mapping[str, str],
    families: Families,
    growing: Sequence[Words],
) -> list[Item]:
    """The cases of the months without their season, where the series is long enough: chart and table.

    A series that ends before the month of the release has a hole there, and none of its earlier months is news.
    """
    rows = period_totals(timed, "cases", "cases", families, "monthly")
    if not rows or rows[-1].period != period.code:
        return []
    found = seasonal.adjust([row.period for row in rows], [float(row.value) for row in rows], list(breaks))
    if found is None:
        return []
    rows, base = rows[-len(found.months) :], f"{slug(name)}_adjusted"
    title = _("{series}: {measure} by month, seasonally adjusted", series=english, measure=measure_title("cases")[0].lower())
    made = with_warnings(adjusted_table(base, title, rows, found), growing)
    words = ((_("As counted"), [row.value for row in rows]), (_("Adjusted"), found.adjusted), (_("Trend"), found.trend))
    points = [
        chart_point(row, row.period, series, families)._replace(**({} if place == 0 else _adjusted_point(value)))
        for place, (series, values) in enumerate(words)
        for row, value in zip(rows, values, strict=True)
    ]
    chart = _noted(period_charts.lines(f"{base}_cases", title, Axis(measure_title("cases")[0]), points, breaks), growing)
    return [Item(chart=chart), *further([Item(table=made, adjusted=AdjustedMonths(name, tuple(rows), found))])]


def _adjusted_point(value: float) -> dict[str, Any]:
    """What is other in the point of a value that was computed from a whole series; it leads to what was counted in its month."""
    return {"value": value, "text": f"{value:,.0f}", "marks": ("[d]",)}


def history_charts(
    name: str, english: str, timed: Sequence[Figure], breaks: Mapping[str, str], period: Period, families: Families
) -> list[Chart]:
    """Loss and cases of a series by period; none where a stacked chart of several series shows them."""
    made = []
    if period.frequency == "annual" and any(name in combination.families for combination in COMBINATIONS):
        return []  # the stacked chart of the overview shows these series
    for measure, unit in measures_drawn(families.currency(name)):
        rows = period_totals(timed, measure, unit, families, period.frequency)
        if len(rows) >= 4:
            points = history_points(rows, english, families)
            title = _BY_PERIOD[period.frequency](
                _("{series}: {measure}", series=english, measure=measure_title(measure)[0].lower())
            )
            axis = axis_of(measure, unit, rows)
            made.append(period_charts.lines(f"{slug(name)}_history_{measure}", title, axis, points, breaks))
    return made


def _types_over_time(name: str, english: str, timed: Sequence[Figure], families: Families) -> list[Item]:
    items: list[Item] = []
    base, currency, counted = slug(name), families.currency(name), measure_title("cases")[0].lower()
    classifications = sorted({f.row.classification for f in timed if not f.is_total})
    for place, classification in enumerate(classifications):
        own = [f for f in timed if f.row.classification == classification]
        suffix = f"_{place}" if place else ""
        scheme = Own(clean(classification)) if place else ""
        loss, cases = (
            types_by_periods(f"{base}_types_{measure}{suffix}", _of_scheme(title, scheme), own, measure, unit, families)
            for measure, unit, title in (
                ("loss", currency, _("{series}: loss by type and year", series=english)),
                ("cases", "cases", _("{series}: {measure} by type and year", series=english, measure=counted)),
            )
        )
        if loss:
            title = _of_scheme(_("{series}: loss by type", series=english), scheme)
            chart = _multiples(f"{base}_multiples{suffix}", title, own, currency, families)
            items += [Item(chart=chart)] if chart else []
        items += further(Item(table=table) for table in (loss, cases) if table)
    return items


def _of_scheme(title: str, scheme: str) -> str:
    return _("{title} (classification {scheme})", title=title, scheme=scheme) if scheme else title


def _multiples(chart_id: str, title: str, figures: Sequence[Figure], currency: str, families: Families) -> Chart | None:
    every = [
        f.row
        for f in figures
        if f.is_plain and not f.row.overlay and not f.is_total and (f.row.measure, f.row.unit) == ("loss", currency)
    ]
    rows = [row for row in every if row.value is not None]
    latest = max((row.period for row in rows), default="")
    sizes = {chart_label(row): row.value for row in rows if row.period == latest}
    ordered = sorted(rows, key=lambda row: (-sizes.get(chart_label(row), Decimal(-1)), chart_label(row), row.period))
    points = [chart_point(row, row.period, chart_label(row), families) for row in ordered]
    if len({p.x for p in points}) < 3 or len({p.series for p in points}) < 3:
        return None
    axis = loss_axis(currency, ordered)
    by_year = dataclasses.replace(axis, title=_("{axis}, by year", axis=axis.title))
    chart = period_charts.small_multiples(chart_id, title, by_year, points, _type_breaks(ordered, families))
    return dataclasses.replace(chart, absent={(row.period, chart_label(row)): why for row, why in without_value(every)})


def _type_breaks(rows: Iterable[Any], families: Families) -> dict[str, set[str]]:
    """Label of a type -> the years from which its source says that it is not comparable with those before."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for entry in declared_breaks(families, row.source, row.table):
            if entry.get("all") or row.native_type in entry.get("native_types", ()):
                found.setdefault(chart_label(row), set()).add(str(entry.get("from", ""))[:4])
    return found


def other_periods(name: str, english: str, figures: Sequence[Figure], families: Families) -> list[Item]:
    """Fiscal years, parts of the period, longer stretches, and earlier cumulative figures, each in a table of its own."""
    base = slug(name)
    items: list[Item] = []
    fiscal = [
        f for f in figures if f.row.frequency == "fiscal_year" and f.is_plain and f.row.measure in ("cases", "loss", "loss_net")
    ]
    if any(f.role == "fiscal" for f in fiscal):
        title = _("{series} by fiscal year (April to March)", series=english)
        table = history_table(f"{base}_fiscal", title, fiscal, {}, families)
        title = _("{series}, fiscal year (April to March)", series=english)
        table = table or measures_list(f"{base}_fiscal", title, fiscal, families)
        items += [Item(table=with_warnings(table, [FISCAL_WARNING]))] if table else []
    for role, words, warning in (
        ("part", _("{series}: parts of the period", series=english), PARTS_WARNING),
        (
            "longer",
            _("{series}: longer stretches that end in the period", series=english),
            _("Longer than the period: never compare with it."),
        ),
    ):
        own = [f for f in figures if f.role == role]
        table = measures_list(f"{base}_{role}", words, own, families, with_period=True)
        if table:
            collapsed = len(table.rows) > 8
            items.append(Item(table=with_warnings(table, [warning]), collapsed=collapsed, summary=_figures_summary(table)))
    before = [
        f for f in figures if f.role == "history" and f.row.frequency in ("year_to_date", "half_yearly") and f.row.unit != "USD"
    ]
    words = _("{series}: earlier cumulative figures", series=english)
    table = measures_list(f"{base}_earlier", words, before, families, with_period=True)
    if table:
        warned = with_warnings(table, [EARLIER_WARNING])
        items.append(Item(table=warned, collapsed=True, summary=_figures_summary(table)))
    return items


def _figures_summary(table: Table) -> Words:
    return ngettext("{title} ({count} figure)", "{title} ({count} figures)", len(table.rows), title=table.title)
