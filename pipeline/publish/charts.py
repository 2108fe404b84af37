"""What a chart is: a finished drawing as inline SVG, with its points, and the words that all kinds of drawings share.

In: plain numbers with their labels and states, in the unit in which they are printed. Out: `Chart`, an SVG whose colours are
the page's CSS variables, so that one drawing serves light and dark; legends are HTML beside it. It is drawn again for each
language in which it is shown, by `pipeline.publish.period_charts` or `pipeline.publish.category_charts`. Each mark says its
figure to whoever points at it, and the points stay with the chart, for the table behind it.

Why no charting library draws these: a page has five drawings and a backfill has thousands. A browser's engine takes 20 to 160 ms
for each, nearly all of it to measure labels; these take less than 1 ms. The library draws in the reader's browser, when asked
(pipeline.publish.chart_specifications).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.publish.languages import language
from pipeline.publish.words import Words, _, each, punctuation

SERIES = 8

PERIOD = _("Period")


@dataclasses.dataclass(frozen=True)
class Axis:
    """What a scale counts in: its `title` with the unit, and how many of the points' own unit one of the scale's is.

    That differs by language (`divisors`: language -> power of ten; 1 where none is given): English speaks of billions of yen,
    Japanese of hundred millions.
    """

    title: str
    divisors: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def divisor(self) -> int:
        """In the language that is spoken."""
        return self.divisors.get(language(), 1)

    def words(self, value: float) -> Words:
        """A value of a point, in the unit of the scale."""
        return each(figure_in_words(value / self.divisor), lambda: figure_in_words(value / self.divisor))


class Point(NamedTuple):
    """One bar or mark: `x` a category in order, `series` a name of the legend; `value` in the unit in which it is printed.

    `text` is the exact figure in `unit` (a word) with its `marks`, `id` its observation, `source` the words for who gives it.
    """

    x: str
    series: str
    value: float
    provisional: bool = False
    text: str = ""
    marks: tuple[str, ...] = ()
    unit: str = ""
    id: str = ""
    source: str = ""

    @property
    def told(self) -> str:
        """The point in words."""
        comma, colon, blank = punctuation()
        unit = f"{blank}{self.unit}" if self.unit and self.unit != "%" else ""
        marks = f" {''.join(self.marks)}" if self.marks else ""
        return f"{self.series}{comma}{self.x}{colon}{self.text or figure_in_words(self.value)}{marks}{unit}"


class Absent(NamedTuple):
    """A figure that has no value and so no point: its marks and its observation."""

    marks: tuple[str, ...]
    id: str


@dataclasses.dataclass(frozen=True)
class Interactive:
    """What the interactive form of a chart needs beside the table behind it, which holds its figures.

    `kind` is one of pipeline.publish.chart_specifications. `axes`: one for all series, or one a series in the order of the table.
    `breaks`: (series or "" for all of them, first period after it, why). `gaps`: the periods without any figure, which keep their
    place. `most_series` and `most_places` are drawn, 0 for all. `heads`: the lines above each small chart. `tiles`: (short name,
    column, row), first of the areas in the table, then of those without a figure; `shaded` where a map shows a rate.
    """

    kind: str
    axes: tuple[Axis, ...]
    breaks: tuple[tuple[str, str, str], ...] = ()
    gaps: tuple[str, ...] = ()
    most_series: int = 0
    most_places: int = 0
    heads: tuple[Sequence[str], ...] = ()
    tiles: tuple[tuple[str, int, int], ...] = ()
    shaded: bool = False


@dataclasses.dataclass(frozen=True)
class Chart:
    """A finished drawing with its title, description and legend: (name, number of the series colour).

    `points` is every point that was given, also of what there was no room to draw. In the table behind the chart, the lines are
    the categories `x`, or with `series_down` the series; `head` names them; `absent` says of (x, series) why there is no point.
    One that `is_narrow` may have another beside it. `interactive`: what it is drawn from again for the reader who asks for it.
    """

    id: str
    title: str
    description: str
    svg: str
    legend: tuple[tuple[str, int], ...] = ()
    note: str = ""
    points: tuple[Point, ...] = ()
    absent: Mapping[tuple[str, str], Absent] = dataclasses.field(default_factory=dict)
    head: str = PERIOD
    series_down: bool = False
    is_narrow: bool = False
    interactive: Interactive | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The words for the sources of its points."""
        return tuple(sorted({point.source for point in self.points if point.source}))


def figure_in_words(value: float) -> str:
    """A figure, as a reader knows it: never 6.47171e+06."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.6g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e" in text else text


def labelled(label: str, value: float, axis: Axis) -> Words:
    """A figure behind what it is of, in the unit of the scale."""
    return _("{label} {figure}", label=label, figure=axis.words(value))


def largest_of(points: Sequence[Point]) -> list[Point]:
    """The four points to name where there is no room for all."""
    return sorted(points, key=lambda point: -point.value)[:4]


def first_of(drawn: int, everyone: int) -> str:
    """That only the first are drawn; nothing where all are."""
    return _("The first {drawn} of {all}; all stand in the table.", drawn=drawn, all=everyone) if everyone > drawn else ""
