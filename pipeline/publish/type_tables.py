"""Tables with types down: across them the measures of one period, or one measure over the periods.

In: the figures of a series. Out: a `Table`, or None where nothing is left to show; the order of the types.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import INTERVAL_ENDS, TOTAL
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.marks import mark_of_missing
from pipeline.publish.measures import measure_rank, unit_short
from pipeline.publish.number_texts import millions
from pipeline.publish.table_notes import table_notes
from pipeline.publish.tables import Cell, Column, Table, figure_cell, hoisted, measure_column, place_figure, type_cell
from pipeline.publish.words import _


def types_by_measures(
    table_id: str,
    title: str,
    figures: Sequence[Figure],
    measures: Sequence[str],
    families: Families,
    *,
    overlay: bool = False,
    order: Sequence[tuple[str, str]] = (),
) -> Table | None:
    """Types down, measures across; the total first, then in `order`. None where nothing is left to show.

    A measure that only the total has takes no column here: `totals_only` lists it.
    """
    wanted = [f for f in figures if f.row.measure in measures and f.is_plain and f.row.overlay == overlay]
    alone = set() if overlay else {(f.row.measure, f.row.unit) for f in totals_only(wanted)}
    wanted = [f for f in wanted if (f.row.measure, f.row.unit) not in alone]
    if not any(f.row.value is not None for f in wanted):
        return None
    keys = sorted({(f.row.measure, f.row.unit) for f in wanted}, key=measure_rank)
    by_type: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for figure in wanted:
        name = (figure.row.native_type, figure.row.fraud_type)
        place_figure(by_type.setdefault(name, {}), figure.row, table_id)
    places = {name: place for place, name in enumerate(order or type_order(wanted))}
    ordered = sorted(by_type.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))
    of_type: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in figures:
        if figure.is_plain and figure.row.overlay == overlay and figure.row.unit != "USD":
            of_type.setdefault((figure.row.native_type, figure.row.fraud_type), {})[figure.row.measure] = figure.row
    rows = tuple(
        (type_cell(next(iter(cells.values()))), *(_measured(name, cells, key, of_type.get(name, {})) for key in keys))
        for name, cells in ordered
    )
    table = Table(
        table_id,
        title,
        (Column(_("Type"), native="手口"), *(measure_column(*key) for key in keys)),
        rows,
        notes=table_notes(wanted, families),
        kind="overlay" if overlay else "figures",
        total_rows=1 if ordered[0][0] == (TOTAL, TOTAL) else 0,
    )
    return hoisted(table)


def _measured(name: tuple[str, str], cells: dict[tuple[str, str], Any], key: tuple[str, str], others: Mapping[str, Any]) -> Cell:
    if key not in cells and name == (TOTAL, TOTAL) and key[0].startswith("share_of"):
        return Cell("[z]", marks=("[z]",), title=_("the total is the whole that the shares are of"), is_figure=True)
    row = cells.get(key)
    return figure_cell(row) if row is not None else figure_cell(None, missing=mark_of_missing(key[0], others))


def has_intervals(figures: Sequence[Figure]) -> bool:
    """Whether a type has a quantile with an interval."""
    return any(f.row.measure in INTERVAL_ENDS and f.row.value is not None and not f.is_total for f in figures)


def totals_only(figures: Sequence[Figure]) -> list[Figure]:
    """The totals of measures that no type has a value of."""
    parts = {(f.row.measure, f.row.unit) for f in figures if f.is_plain and not f.is_total and f.row.value is not None}
    totals = [f for f in figures if f.is_plain and f.is_total and not f.row.overlay]
    return [f for f in totals if (f.row.measure, f.row.unit) not in parts]


def type_order(figures: Sequence[Figure]) -> list[tuple[str, str]]:
    """Types as a reader looks for them: the total, then by loss, then by cases; what the publisher calls "other" last."""
    sizes: dict[tuple[str, str], dict[str, Decimal]] = {}
    for figure in figures:
        row = figure.row
        entry = sizes.setdefault((row.native_type, row.fraud_type), {})
        if figure.is_plain and row.value is not None and row.unit != "USD" and row.measure in ("loss", "cases"):
            entry[row.measure] = row.value
    nothing = Decimal(-1)

    def rank(name: tuple[str, str]) -> tuple[Any, ...]:
        size = sizes[name]
        is_other = name[0].startswith("その他")
        return (name != (TOTAL, TOTAL), is_other, -size.get("loss", nothing), -size.get("cases", nothing), name)

    return sorted(sizes, key=rank)


def types_by_periods(
    table_id: str, title: str, figures: Sequence[Figure], measure: str, unit: str, families: Families
) -> Table | None:
    """Types down, periods across, for one measure of one classification."""
    wanted = [f for f in figures if f.is_plain and not f.row.overlay and (f.row.measure, f.row.unit) == (measure, unit)]
    periods = sorted({f.row.period for f in wanted})
    by_type: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in wanted:
        by_type.setdefault((figure.row.native_type, figure.row.fraud_type), {})[figure.row.period] = figure.row
    if len(periods) < 2 or len(by_type) < 3:
        return None
    ordered = sorted(by_type.items(), key=lambda item: _period_rank(item[0], item[1], periods))
    cell = _million_cell if unit == "JPY" else functools.partial(figure_cell, short=False)
    rows = tuple((type_cell(next(iter(c.values()))), *(cell(c.get(p)) for p in periods)) for _, c in ordered)
    columns = (Column(_("Type"), native="手口"), *(_period_column(period, unit) for period in periods))
    total_rows = 1 if ordered[0][0] == (TOTAL, TOTAL) else 0
    return hoisted(Table(table_id, title, columns, rows, notes=table_notes(wanted, families), total_rows=total_rows))


def _period_column(period: str, unit: str) -> Column:
    if unit == "JPY":
        return Column(period, _("million yen"), sheet_unit="yen", numeric=True)
    return Column(period, unit_short(unit), numeric=True)


def _million_cell(row: Any | None) -> Cell:
    """Ten years of yen side by side fit a page in millions only; the exact sum stands in the hover and in the workbook."""
    cell = figure_cell(row, short=False)
    if row is None or cell.value is None:
        return cell
    return dataclasses.replace(cell, text=millions(cell.value), title=_("{figure} yen", figure=cell.text))


def _period_rank(key: tuple[str, str], cells: dict[str, Any], periods: Sequence[str]) -> tuple[Any, ...]:
    latest = next((cells[p].value for p in reversed(periods) if p in cells and cells[p].value is not None), Decimal(0))
    return (key != (TOTAL, TOTAL), key[0].startswith("その他"), -latest, key)
