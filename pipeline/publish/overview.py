"""The series over time: for the releases, those that may be added; for the index of releases, every headline series.

In: the figures by series and the sums of series. Out: sections, and the `Overview` of the index. Only families that are declared
disjoint are added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import Period
from pipeline.publish import period_charts
from pipeline.publish.cards import headline_cards
from pipeline.publish.chart_points import axis_of, history_points, measures_drawn
from pipeline.publish.charts import Chart, Point
from pipeline.publish.combinations import COMBINATIONS, CombinedSum, combined
from pipeline.publish.content import Item, Section
from pipeline.publish.families import Families, break_years
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.figures import Figure
from pipeline.publish.history_items import history_charts
from pipeline.publish.history_tables import combined_table, history_table
from pipeline.publish.leading import family_rank, is_event_family, period_totals
from pipeline.publish.lede import lede
from pipeline.publish.measures import measure_title
from pipeline.publish.series_titles import family_title, series_title
from pipeline.publish.texts import slug
from pipeline.publish.words import _


@dataclasses.dataclass(frozen=True)
class Overview:
    """The headline series for the index of releases."""

    lede: tuple[str, ...]
    lead: tuple[str, ...]
    items: tuple[Item, ...]


def compose_overview(period: Period, figures: Sequence[Figure], families: Families) -> Overview:
    """The charts and tables of the headline series up to the year `period`."""
    by_family: dict[str, list[Figure]] = {}
    for figure in figures:
        by_family.setdefault(figure.family, []).append(figure)
    leading = [name for name in by_family if not families.is_subordinate(name)]
    ordered = sorted(leading, key=lambda name: family_rank(name, families))
    sums = [(c, combined(c, figures, families)) for c in COMBINATIONS]
    sections = together_sections(by_family, sums, families)
    items = [item for section in sections for item in section.items]
    lead = tuple(line for section in sections for line in section.lead)
    charted = {name for combination, _ in sums for name in combination.families}
    for name in ordered:
        plain = [f for f in by_family[name] if f.role in ("period", "history") and f.row.measure in ("cases", "loss")]
        yearly = [f for f in plain if f.row.frequency == "annual"]
        breaks = break_years(period_totals(yearly, "loss", families.currency(name), families), families)
        english = series_title(name, families)[0]
        if name not in charted:
            items += [Item(chart=chart) for chart in history_charts(name, english, yearly, breaks, period, families)]
        title = _("{series} by year", series=english)
        table = history_table(f"{slug(name)}_history", title, yearly, breaks, families)
        items += [Item(table=table)] if table and len(table.rows) >= 3 else []
    cards = headline_cards(
        period, [name for name in ordered if not is_event_family(by_family[name])], by_family, sums, [], families
    )
    return Overview(lede(cards), lead, tuple(items))


def together_sections(
    by_family: Mapping[str, list[Figure]],
    sums: Sequence[tuple[Any, list[CombinedSum]]],
    families: Families,
) -> list[Section]:
    """The series that may be added, year by year: stacked charts, and the table of their sums."""
    sections = []
    for combination, made in sums:
        members = [f for name in combination.families for f in by_family.get(name, [])]
        items = [
            chart for measure, unit in measures_drawn("JPY") if (chart := _stack(combination, measure, unit, by_family, families))
        ]
        printed = [f for f in by_family.get(combination.printed_family, []) if f.is_plain and f.role in ("period", "history")]
        together = combined_table("together", made, families)
        if not members or not (items or together):
            continue
        lead = (
            _(
                "Each bar is one calendar year. Two series are stacked only where both were counted and no case stands in both; "
                "a year without SNS fraud is a year in which nobody counted it, not a year without it."
            ),
            *([combination.reason] if made else []),
        )
        body = [*(Item(chart=chart) for chart in items), *([Item(table=together)] if together else [])]
        if printed and not together:
            body.append(Item(table=measures_list("printed_together", combination.title, printed, families)))
        sections.append(Section("together-over-time", _("Over time"), "推移", lead, tuple(body)))
    return sections


def _stack(
    combination: Any,
    measure: str,
    unit: str,
    by_family: Mapping[str, list[Figure]],
    families: Families,
) -> Chart | None:
    points: list[Point] = []
    drawn: list[Any] = []
    breaks: dict[str, str] = {}
    for name in combination.families:
        rows = period_totals(by_family.get(name, []), measure, unit, families)
        if name != combination.families[0]:
            rows = [row for row in rows if int(row.period) < combination.before_year]
        breaks |= break_years(rows, families)
        title = family_title(name, families)[0]
        drawn += rows
        points += history_points(rows, title, families)
    if len({point.x for point in points}) < 3:
        return None
    title = _("{series} by year", series=measure_title(measure)[0])
    return period_charts.stacked_bars(f"together_{measure}", title, axis_of(measure, unit, drawn), points, breaks)
