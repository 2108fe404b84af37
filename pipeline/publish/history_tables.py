"""Tables with periods down: the totals of a series, its months without their season, and sums of series.

In: figures, seasonally adjusted months, or sums of series. Out: a `Table` each, or None where there is too little to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.publish.combinations import CombinedSum
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.labels import edition_word
from pipeline.publish.marks import marks_of
from pipeline.publish.measures import measure_and_unit, measure_rank, measure_title, unit_short
from pipeline.publish.number_texts import number_text, short_money, whole_cases
from pipeline.publish.period_labels import period_label
from pipeline.publish.roles import parsed
from pipeline.publish.seasonal import Adjusted
from pipeline.publish.series_titles import family_title
from pipeline.publish.table_notes import table_notes
from pipeline.publish.tables import Cell, Column, Table, figure_cell, hoisted, measure_column, place_figure, text_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, _, declared, listed


def history_table(
    table_id: str, title: str, figures: Sequence[Figure], breaks: dict[str, str], families: Families, *, least: int = 2
) -> Table | None:
    """Periods down, cases and losses across, with classification and edition of each period's figures."""
    totals = [f for f in figures if f.is_total and f.is_plain and not f.row.overlay]
    keys = sorted({(f.row.measure, f.row.unit) for f in totals}, key=measure_rank)
    lines: dict[tuple[Any, ...], dict[tuple[str, str], Any]] = {}
    for figure in totals:
        row = figure.row
        place_figure(lines.setdefault((parsed(row.period).end, row.period, row.classification), {}), row, table_id)
    if len(lines) < least:
        return None
    rows = []
    for (__, period, classification), cells in sorted(lines.items()):
        note = breaks.get(period, "")
        rows.append(
            (
                Cell(period_label(period), marks=("[b]",) if note else (), title=declared(clean(note)), is_header=True),
                *(figure_cell(cells.get(key)) for key in keys),
                text_cell(classification),
                text_cell(listed(sorted({edition_word(row.edition) for row in cells.values()}))),
                text_cell(", ".join(sorted({row.source for row in cells.values()}))),
            )
        )
    columns = (
        Column(_("Period"), native="期間"),
        *(measure_column(*key) for key in keys),
        Column(_("Classification")),
        Column(_("Edition")),
        Column(_("Source")),
    )
    shown = {code for _, code, _ in lines}
    notes: tuple[str, ...] = tuple(
        _("Break at {period}: {reason}. Do not compare across it.", period=period_label(period), reason=declared(clean(reason)))
        for period, reason in breaks.items()
        if period in shown
    )
    schemes = sorted({name for _, _, name in lines if families.classification(name) != name})
    notes += tuple(
        _("{name}: {meaning}.", name=Own(clean(name)), meaning=declared(clean(families.classification(name)))) for name in schemes
    )
    table = Table(table_id, title, columns, tuple(rows), notes=(*notes, *table_notes(totals, families)))
    return hoisted(table)


def adjusted_table(table_id: str, title: str, rows: Sequence[Any], found: Adjusted) -> Table:
    """Months down: the cases as counted (`rows`), without their season, and the trend. What is computed leads to what was counted
    in its month, as its own column does."""

    def made(value: float, row: Any) -> Cell:
        whole = whole_cases(value)
        marks = ("[p]", "[d]") if "[p]" in marks_of(row) else ("[d]",)
        return Cell(number_text(whole, "cases"), value=whole, marks=marks, id=row.id, is_figure=True)

    lines = tuple(
        (text_cell(period_label(row.period), header=True), figure_cell(row), made(adjusted, row), made(trend, row))
        for row, adjusted, trend in zip(rows, found.adjusted, found.trend, strict=True)
    )
    columns = (
        Column(_("Month"), native="月"),
        measure_column("cases", "cases"),
        Column(_("Seasonally adjusted"), unit_short("cases"), "季節調整値", numeric=True),
        Column(_("Trend"), unit_short("cases"), "趨勢", numeric=True),
    )
    notes = (
        _(
            "Robust STL of the logarithm; the same season in all years, estimated up to {month} and kept for the months after "
            "it. The last months of the trend move most when further months come in.",
            month=period_label(found.until),
        ),
        _("Losses are not adjusted: single reports move the loss of a month more than any season does."),
    )
    return hoisted(Table(table_id, title, columns, lines, notes=notes))


def combined_table(table_id: str, sums: Sequence[CombinedSum], families: Families) -> Table | None:
    """Years down; for each measure the parts, our sum of them, and what a publisher prints for the sum."""
    if not sums:
        return None
    combination = sums[0].combination
    rows = []
    for item in sorted(sums, key=lambda s: (s.period, measure_rank((s.measure, s.unit)))):
        marks = ("[p]", "[d]") if item.is_provisional else ("[d]",)
        total = Cell(
            number_text(item.value, item.unit, derived=item.unit == "USD"),
            value=item.value,
            marks=marks,
            small=short_money(item.value, item.unit),
            title=_("sum of the two totals beside it; derived here"),
            id=item.parts[0].id,  # the others stand beside it, with links of their own
            precision=item.precision,
            is_figure=True,
        )
        printed = item.printed[0] if item.printed else None
        rows.append(
            (
                text_cell(item.period, header=True),
                text_cell(measure_and_unit(item.measure, item.unit), native=measure_title(item.measure)[1], header=True),
                *(figure_cell(part) for part in item.parts),
                total,
                figure_cell(printed),
            )
        )
    titles = [family_title(family, families) for family in combination.families]
    columns = (
        Column(_("Year"), native="年"),
        Column(_("Measure, unit")),
        *(Column(english, native=native, numeric=True) for english, native in titles),
        Column(_("Sum"), native="合計", numeric=True),
        Column(_("Printed by a publisher"), numeric=True),
    )
    return Table(table_id, combination.title, columns, tuple(rows), combination.title_ja, (combination.reason,))
