"""The tables and charts of one series, period and classification.

In: its figures, and those before it for the contributions to the change. Out: `Item`s: types, measures, overlays, breakdowns. An
overlay never enters a chart of types or a sum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.publish import category_charts, contributions
from pipeline.publish.breakdown_tables import breakdown_tables
from pipeline.publish.chart_points import axis_of, chart_label, chart_point, measures_drawn, without_value
from pipeline.publish.charts import Absent
from pipeline.publish.content import Item, further
from pipeline.publish.families import Families
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.figure_warnings import (
    CLASSIFICATION_WARNING,
    cumulative_warnings,
    growing_warnings,
    overlay_warning,
    with_warnings,
)
from pipeline.publish.figures import Figure
from pipeline.publish.maps import area_maps
from pipeline.publish.measures import GROUPS, group_title, measure_group, measure_title
from pipeline.publish.period_labels import period_label
from pipeline.publish.pyramids import age_pyramids
from pipeline.publish.texts import clean, slug
from pipeline.publish.type_tables import has_intervals, totals_only, type_order, types_by_measures
from pipeline.publish.words import _, declared


def series_block(
    name: str,
    english: str,
    key: tuple[str, str, str],
    figures: Sequence[Figure],
    history: Sequence[Figure],
    families: Families,
    *,
    place: int,
    name_classification: bool,
) -> list[Item]:
    """The tables and the chart of one family, period and classification."""
    code, classification = key[1:]
    title = _("{series}, {period}", series=english, period=period_label(code))
    if name_classification and classification:
        scheme = declared(clean(families.classification(classification)))
        title = _("{title} ({scheme})", title=title, scheme=scheme)
    base = slug(f"{name}_{code}" if place else name) + (f"_{place}" if place else "")
    warnings = cumulative_warnings(code) if key[0] == "cumulative" else []
    warnings += [CLASSIFICATION_WARNING] if name_classification and place else []
    warnings += growing_warnings(figures, families)
    plain = [f for f in figures if f.is_plain and not f.row.overlay]
    # A publisher's types, or the common ones that they were counted under.
    types = {(f.row.native_type, f.row.fraud_type) for f in plain}
    items: list[Item] = []
    if len(types) >= 3:
        items += _type_charts(base, title, figures, families.currency(name), families)
    alone, title_alone = plain, title
    if len(types) >= 2:
        added = contributions.contributions(plain, history)
        items += _type_tables(base, title, plain, added, warnings, families)
        alone = totals_only([*plain, *added])
        title_alone = _("{title}: measures printed or computed for all types together only", title=title)
    table = measures_list(f"{base}_figures", title_alone, alone, families)
    items += [Item(table=with_warnings(table, warnings))] if table else []
    measures = tuple(dict.fromkeys(f.row.measure for f in figures))
    of_what = overlay_warning(types=len(types), has_total=bool(types))
    overlay = types_by_measures(
        f"{base}_overlay", _("{title}: of which, cutting across types", title=title), figures, measures, families, overlay=True
    )
    items += [Item(table=with_warnings(overlay, [of_what, *warnings]))] if overlay else []
    return [*items, *further(_breakdowns(base, title, figures, warnings, families))]


def _type_tables(
    base: str, title: str, plain: Sequence[Figure], added: Sequence[Figure], warnings: Sequence[str], families: Families
) -> list[Item]:
    """A table of the types for each group of measures, the contributions to the change (`added`) with the losses."""
    items, order = [], type_order(plain)
    shown = [*plain, *added]
    for group in (*(group[0] for group in GROUPS), "other"):
        if group == "quantiles" and not has_intervals(shown):
            continue
        words = _("Other measures") if group == "other" else group_title(group)
        heading = _("{title}: {group}", title=title, group=words.lower())
        table = types_by_measures(f"{base}_{group}", heading, shown, measure_group(group), families, order=order)
        of_table: tuple[Figure, ...] = ()
        if table and group == "losses":
            table, of_table = dataclasses.replace(table, notes=(*table.notes, *contributions.notes(added))), tuple(added)
        items += [Item(table=with_warnings(table, warnings), contributions=of_table)] if table else []
    return items


def _type_charts(base: str, title: str, figures: Sequence[Figure], currency: str, families: Families) -> list[Item]:
    """Cases and loss by type side by side, the largest loss on top; overlays and the total never enter."""
    parts = [f for f in figures if f.is_plain and not f.row.overlay and not f.is_total]
    panels = []
    absent: dict[tuple[str, str], Absent] = {}
    for measure, unit in measures_drawn(currency):
        every = [f.row for f in parts if (f.row.measure, f.row.unit) == (measure, unit)]
        rows = [row for row in every if row.value is not None]
        if len(rows) >= 3:
            # A bar is drawn in millions or billions, but says its exact figure: under the measure's name, not under the axis's.
            name = measure_title(measure)[0]
            axis = axis_of(measure, unit, rows)
            panels.append((axis, [chart_point(row, chart_label(row), name, families) for row in rows]))
            absent |= {(chart_label(row), name): why for row, why in without_value(every)}
    if not panels:
        return []
    sizes = {point.x: point.value for point in panels[0][1]}
    everyone = list(dict.fromkeys(point.x for _, points in panels for point in points))
    labels = sorted(everyone, key=lambda label: (-sizes.get(label, 0.0), label))
    chart = category_charts.bars_side_by_side(f"{base}_types", _("{title}: by type", title=title), panels, labels)
    return [Item(chart=dataclasses.replace(chart, absent=absent))]


def _breakdowns(base: str, title: str, figures: Sequence[Figure], warnings: Sequence[str], families: Families) -> list[Item]:
    """What is broken down further: pyramids and maps, then a table for each set of dimensions."""
    broken_down = [f for f in figures if not f.is_plain]
    made = breakdown_tables(base, title, broken_down, families)
    items = [
        Item(chart=chart)
        for chart in (*age_pyramids(base, title, broken_down, families), *area_maps(base, title, broken_down, families))
    ]
    return [*items, *(Item(table=with_warnings(table, warnings)) for table in made)]
