"""Points, axes and labels of the charts of figures.

In: observations that have a value. Out: `Point`s, what their scales count in, the label of a type.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline.publish.charts import Absent, Axis, Point
from pipeline.publish.families import Families
from pipeline.publish.labels import LABELS, type_label
from pipeline.publish.marks import is_provisional, marks_of
from pipeline.publish.measures import measure_title, unit_short
from pipeline.publish.number_texts import figure_text, large_unit
from pipeline.publish.words import _, listed, only_english

_BILLION = 10**9
_MILLION = 10**6


def history_points(rows: Iterable[Any], series: str, families: Families) -> list[Point]:
    """The points of a series by period, of observations that have a value."""
    return [chart_point(row, row.period, series, families) for row in rows]


def chart_point(row: Any, x: str, series: str, families: Families) -> Point:
    """The point of a figure that has a value, in the unit in which it is printed: a share in per cent."""
    return Point(
        x,
        series,
        float(row.value * 100 if row.unit == "ratio" else row.value),
        is_provisional(row),
        figure_text(row),
        marks_of(row),
        unit_short(row.unit),
        row.id,
        families.attribution(row.source),
    )


def without_value(rows: Iterable[Any]) -> list[tuple[Any, Absent]]:
    """Each observation that has no value and so no point, with why: for the table behind a chart."""
    return [(row, Absent(marks_of(row), row.id)) for row in rows if row.value is None]


def loss_axis(currency: str, rows: Iterable[Any]) -> Axis:
    """Losses in national currency, which have a value: in English billions of yen, millions of any other."""
    unit, divisors = large_unit(currency, _BILLION if currency == "JPY" else _MILLION, _largest(rows))
    return Axis(_("Loss, {unit}", unit=unit), divisors)


def own_axis(unit: str, rows: Iterable[Any]) -> Axis:
    """Figures of one series, which have a value, in the unit that fits the largest."""
    largest = _largest(rows)
    return Axis(*large_unit(unit, next((size for size in (_BILLION, _MILLION) if largest >= size), 1), largest))


def measures_drawn(currency: str) -> tuple[tuple[str, str], ...]:
    """(measure, unit) of the two charts of a series."""
    return ("loss", currency), ("cases", "cases")


def axis_of(measure: str, unit: str, rows: Iterable[Any]) -> Axis:
    """What the scale of one of `measures_drawn` counts in."""
    return loss_axis(unit, rows) if measure == "loss" else Axis(measure_title(measure)[0])


def _largest(rows: Iterable[Any]) -> Decimal:
    return max((abs(row.value) for row in rows), default=Decimal(0))


def chart_label(row: Any) -> str:
    """A type in a chart, with the publisher's own label where we have no English of our own for it."""
    english, native = type_label(row)
    if english == native or not native or native in LABELS:
        return english
    return listed([english, only_english(f" ({native})")], "")
