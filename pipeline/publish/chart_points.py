"""Points, axes and labels of the charts of figures.

In: observations that have a value, the currency of a series. Out: `Point`s, the measures that are drawn with their units and
divisors, the label of a type.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline.publish.charts import Absent, Point
from pipeline.publish.families import Families
from pipeline.publish.labels import LABELS, type_label
from pipeline.publish.marks import is_provisional, marks_of
from pipeline.publish.measures import measure_title, unit_short
from pipeline.publish.number_texts import figure_text
from pipeline.publish.words import _, listed, only_english

_BILLION = Decimal(10) ** 9
_MILLION = Decimal(10) ** 6


def history_points(rows: Iterable[Any], series: str, scale: Decimal, families: Families) -> list[Point]:
    """The points of a series by period, of observations that have a value."""
    return [chart_point(row, row.period, series, scale, families) for row in rows]


def chart_point(row: Any, x: str, series: str, scale: Decimal, families: Families) -> Point:
    """The point of a figure that has a value, drawn in units of `scale`."""
    return Point(
        x,
        series,
        float(row.value / scale),
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


def axes(currency: str) -> tuple[tuple[str, str, str, Decimal], ...]:
    """(measure, unit, title, divisor) of the two charts of a series: losses in national currency, and cases."""
    if currency == "JPY":
        scale, words = _BILLION, _("Loss, billion yen")
    else:
        scale, words = _MILLION, _("Loss, million {currency}", currency=unit_short(currency))
    return ("loss", currency, words, scale), ("cases", "cases", measure_title("cases")[0], Decimal(1))


def chart_label(row: Any) -> str:
    """A type in a chart, with the publisher's own label where we have no English of our own for it."""
    english, native = type_label(row)
    if english == native or not native or native in LABELS:
        return english
    return listed([english, only_english(f" ({native})")], "")
