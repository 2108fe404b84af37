"""Lists with one figure a row: for a series without types, and for odd periods.

In: figures. Out: a `Table` with measures down, and the order of figures in such a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.model import TOTAL
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.labels import breakdown_text, edition_word
from pipeline.publish.measures import measure_rank, measure_title, unit_short
from pipeline.publish.period_labels import period_label
from pipeline.publish.roles import parsed
from pipeline.publish.series_titles import source_anchor
from pipeline.publish.table_notes import table_notes
from pipeline.publish.tables import Column, Table, figure_cell, text_cell, type_cell
from pipeline.publish.words import _


def measures_list(
    table_id: str, title: str, figures: Sequence[Figure], families: Families, *, with_period: bool = False
) -> Table | None:
    """Measures down, one figure a row: for a family without types, and for odd periods."""
    wanted = [f for f in figures if f.row.value is not None or f.row.absence]
    if not wanted:
        return None
    several_types = any(not f.is_total for f in wanted)
    several_periods = with_period or len({f.row.period for f in wanted}) > 1
    broken_down = any(f.breakdown for f in wanted)
    head = [
        *([Column(_("Period"), native="期間")] if several_periods else []),
        *([Column(_("Type"), native="手口")] if several_types else []),
        *([Column(_("Of which"))] if broken_down else []),
        Column(_("Measure")),
        Column(_("Figure"), numeric=True),
        Column(_("Unit")),
        Column(_("Edition")),
        Column(_("Source")),
    ]
    ordered = sorted(wanted, key=list_rank)
    rows = tuple(
        (
            *([text_cell(period_label(f.row.period), header=True)] if several_periods else []),
            *([type_cell(f.row)] if several_types else []),
            *([text_cell(breakdown_text(f))] if broken_down else []),
            text_cell(measure_title(f.row.measure)[0], native=measure_title(f.row.measure)[1], header=not several_periods),
            figure_cell(f.row),
            text_cell(unit_short(f.row.unit)),
            text_cell(edition_word(f.row.edition)),
            text_cell(f.row.source, href=source_anchor(f.row)),
        )
        for f in ordered
    )
    return Table(table_id, title, tuple(head), rows, notes=table_notes(wanted, families), kind="list")


def list_rank(figure: Figure) -> tuple[Any, ...]:
    """Where a figure stands in a list: by period, totals before types and before what they are broken down by."""
    row = figure.row
    types = (row.native_type != TOTAL, row.native_type, row.fraud_type != TOTAL, row.fraud_type)
    return (
        parsed(row.period).end,
        row.period,
        row.overlay,
        types,
        bool(figure.breakdown),
        *measure_rank((row.measure, row.unit)),
        figure.breakdown,
        row.id,
    )
