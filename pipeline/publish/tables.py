"""What a table is: cells with marks, units, precision and the way back to the source, independent of page or workbook.

In: observations and words. Out: `Cell`s, `Column`s and `Table`s, which the page, the workbook and the charts' data tables render
alike. A cell that has no value shows a mark that says why; it never shows 0 and is never empty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline.model import FraudlossError
from pipeline.publish.labels import type_label
from pipeline.publish.marks import NO_ROW, marks_of
from pipeline.publish.measures import measure_meaning, measure_title, unit_short
from pipeline.publish.number_texts import figure_text, precision_text, printed_precision, short_money
from pipeline.publish.texts import clean
from pipeline.publish.words import _, listed


@dataclasses.dataclass(frozen=True)
class Cell:
    """What stands in one place of a table. `value` is set exactly for figures that are present."""

    text: str
    value: Decimal | None = None
    marks: tuple[str, ...] = ()
    small: str = ""  # a second line: the sum in spoken units, the precision of a rounded figure
    native: str = ""  # the publisher's own label, Japanese
    title: str = ""  # what a hover says: the exact sum where the page rounds, the reason of a break
    href: str = ""  # of a figure without an observation: where stands what it was counted or computed of
    id: str = ""  # of the observation: it leads to the line of its trace page
    precision: Decimal | None = None
    is_header: bool = False
    is_figure: bool = False

    def without(self, mark: str) -> Cell:
        """The cell without one of its marks. Half of all cells go through here, so it is not built field by field."""
        made = object.__new__(Cell)
        vars(made).update(vars(self), marks=tuple(kept for kept in self.marks if kept != mark))
        return made


@dataclasses.dataclass(frozen=True)
class Column:
    """The head of a column: what stands in it, in which unit, and what a reader should know of all its cells."""

    title: str
    unit: str = ""
    native: str = ""
    note: str = ""
    sheet_unit: str = ""  # the workbook's unit, where the page rounds to a larger one
    mark: str = ""  # a mark that all present cells of the column share
    numeric: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """One table with its title, its columns, its rows, and the sentences that a reader needs to use it rightly."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    native: str = ""
    notes: tuple[str, ...] = ()
    warning: str = ""  # what must not be done with these figures
    kind: str = "figures"  # figures | overlay | list
    total_rows: int = 0  # so many leading rows are totals


def text_cell(text: object, *, native: str = "", header: bool = False, href: str = "", title: str = "") -> Cell:
    """A cell of words, made clean; a dash where there are none."""
    return Cell(clean(text) or "–", native=clean(native), is_header=header, href=href, title=clean(title))


def figure_cell(row: Any | None, *, short: bool = True, missing: str = NO_ROW) -> Cell:
    """The cell of one observation; of None, the mark `missing`: by itself that of a figure that no publication prints."""
    if row is None:
        return Cell(missing, marks=(missing,), is_figure=True)
    marks = marks_of(row)
    if row.value is None or row.absence:
        return Cell(marks[0], marks=marks, id=row.id, is_figure=True)
    # A column says one unit: a ratio stands in it as per cent, in the page and in the workbook.
    scale = 100 if row.unit == "ratio" else 1
    return Cell(
        figure_text(row),
        value=row.value * scale,
        marks=marks,
        small=_small(row) if short else "",
        id=_traced(row),
        precision=row.precision * scale if row.precision else None,
        is_figure=True,
    )


def _traced(row: Any) -> str:
    """The observation that the figure leads to: itself; a contribution, which is none, leads to the type's figure behind it."""
    return str(row.origin).partition("; ")[0] if row.derivation == "contribution" else row.id


def _small(row: Any) -> str:
    parts = []
    if row.measure in ("loss", "loss_net", "loss_recovered", "loss_prevented", "traded_value"):
        parts.append(short_money(row.value, row.unit, printed_precision(row)))
    if row.precision and not row.derivation:
        parts.append(_("±\u00a0{precision}", precision=precision_text(row)))
    shown = [part for part in parts if part]
    return listed(shown, " · ") if len(shown) > 1 else shown[0] if shown else ""


def type_cell(row: Any) -> Cell:
    """The header cell of a type: English, with the publisher's own label beside it."""
    english, native = type_label(row)
    return text_cell(english, native=native, header=True)


def measure_column(measure: str, unit: str) -> Column:
    """The column of figures of one measure in one unit."""
    english, native = measure_title(measure)
    return Column(english, unit_short(unit), native, measure_meaning(measure), numeric=True)


def hoisted(table: Table) -> Table:
    """The table with `[d]` said once in the column's head where every present figure of the column carries it."""
    columns, rows = list(table.columns), [list(row) for row in table.rows]
    for place, column in enumerate(columns):
        present = [row[place] for row in rows if row[place].value is not None]
        if column.numeric and present and all("[d]" in cell.marks for cell in present):
            columns[place] = dataclasses.replace(column, mark="[d]")
            for row in rows:
                if "[d]" in row[place].marks:
                    row[place] = row[place].without("[d]")
    return dataclasses.replace(table, columns=tuple(columns), rows=tuple(tuple(row) for row in rows))


def led_to(href: str, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells; figures that are no observations, as numbers of files are, lead to where stands what they count."""
    return tuple(dataclasses.replace(cell, href=href) if cell.is_figure and not cell.id else cell for cell in cells)


def place_figure(cells: dict[tuple[str, str], Any], row: Any, table_id: str) -> None:
    """Put the figure under its measure and unit. Raises FraudlossError where another stands there: one would hide the other."""
    held = cells.setdefault((row.measure, row.unit), row)
    if held is not row:
        raise FraudlossError(
            f"table {table_id}: {row.source} {row.period} {row.measure} has two figures for one cell, {held.id} ({held.origin}) "
            f"and {row.id} ({row.origin}). Look for a dimension that the table does not show."
        )
