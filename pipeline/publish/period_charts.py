"""Charts over time: stacked bars, lines, and small multiples, with provisional figures and breaks in the series.

In: points whose `x` is the code of a period. Out: `Chart`s. A period without a figure keeps its place, so that a gap is seen; a
break is a dashed rule, and no line crosses it.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from pipeline.model import Period, UsageError
from pipeline.publish import svg
from pipeline.publish.chart_specifications import LINES, SMALL_MULTIPLES, STACKED_BARS
from pipeline.publish.charts import SERIES, Axis, Chart, Interactive, Point, first_of, labelled
from pipeline.publish.svg import Scale
from pipeline.publish.words import _, each, listed

MOST_MULTIPLES = 16
# Two drawings of so many pixels stand beside each other on a desk's screen and on paper; a telephone shows one without rolling.
# More periods than MOST_NARROW need more room.
MOST_NARROW = 16
_NARROW, _WIDE = 380, 620
_BOLD = 0.93  # of the room for plain letters holds bold ones
_BAND = 0.72  # how much of the room of a period its bar fills
_BREAK = _("break")


def stacked_bars(
    chart_id: str,
    title: str,
    axis: Axis,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    height: int = 220,
) -> Chart:
    """Bars by period, series stacked in the order of first appearance; provisional ones light with a dashed edge."""
    colours = _colours(points)
    sums = {x: sum(point.value for point in points if point.x == x) for x in {point.x for point in points}}

    def draw() -> str:
        plot = _Plot.of(points, sums.values(), axis, height)
        parts, tops = plot.axes(axis.title), dict.fromkeys(sums, 0.0)
        for point in sorted(points, key=lambda point: list(colours).index(point.series)):
            foot, tops[point.x] = tops[point.x], tops[point.x] + point.value
            parts.append(plot.bar(point, foot, colours[point.series]))
        return plot.drawing([*parts, *plot.breaks(breaks)])

    return _chart(STACKED_BARS, chart_id, title, axis, points, each(draw(), draw), breaks, list(colours))


def lines(
    chart_id: str,
    title: str,
    axis: Axis,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    height: int = 220,
) -> Chart:
    """Lines by period, one a series, cut at every break; a segment that leads to a provisional figure is dashed."""
    colours = _colours(points)

    def draw() -> str:
        plot = _Plot.of(points, (point.value for point in points), axis, height)
        parts, dots = plot.axes(axis.title), []
        for name, colour in colours.items():
            own = sorted((point for point in points if point.series == name), key=lambda point: point.x)
            paint = f"stroke:var(--series-{colour})"
            for before, after in itertools.pairwise(own):
                adjacent = plot.order.index(after.x) - plot.order.index(before.x) == 1
                if adjacent and not any(before.x < cut <= after.x for cut in breaks):
                    dashed = ";stroke-dasharray:5 4" if after.provisional or before.provisional else ""
                    ends = (*plot.place(before), *plot.place(after))
                    parts.append(svg.line(*ends, f"{paint};stroke-width:2.2{dashed}"))
            for point in own:
                x, y = (svg.number(value) for value in plot.place(point))
                state = f"fill:var(--series-{colour});fill-opacity:{'.15' if point.provisional else '1'}"
                told = svg.mark_title(point.told)
                dots.append(f'<circle cx="{x}" cy="{y}" r="3.6" style="{state};{paint};stroke-width:1.6">{told}</circle>')
        return plot.drawing([*parts, *dots, *plot.breaks(breaks)])

    return _chart(LINES, chart_id, title, axis, points, each(draw(), draw), breaks, list(colours))


def small_multiples(
    chart_id: str,
    title: str,
    axis: Axis,
    points: Sequence[Point],
    breaks: Mapping[str, Iterable[str]] | None = None,
    heads: Mapping[str, Sequence[str]] | None = None,
    axes: Mapping[str, Axis] | None = None,
    columns: int = 4,
    width: int = 132,
) -> Chart:
    """One small bar chart a series, each with its own scale, by period; `breaks`: series -> the first periods after a break;
    `heads`: series -> the lines above its chart, where they are not its name; `axes`: series -> what its scale counts in, where
    that is not `axis`. A first line without room is two.

    Of more series than MOST_MULTIPLES the first are drawn, and the note says so.
    """
    breaks, heads, axes = breaks or {}, heads or {}, axes or {}
    everyone = list(dict.fromkeys(point.series for point in points))
    names = everyone[:MOST_MULTIPLES]
    order = _sequence(points)
    height = 84

    def scale_of(name: str) -> Scale:
        divisor = axes.get(name, axis).divisor
        return Scale.over((point.value for point in points if point.series == name), height, 0, 3, divisor)

    def draw() -> str:
        parts = []
        scales = {name: scale_of(name) for name in names}
        room = max(38, 12 + max(svg.width_of(label) for scale in scales.values() for label in scale.labels))
        lines_above = {name: _lines_above(heads.get(name, (name,)), width + room) for name in names}
        above = 15 * (max(map(len, lines_above.values())) - 1)
        top, row = 26 + above, 146 + above
        for place, name in enumerate(names):
            left, head = (place % columns) * (room + width + 14) + room, (place // columns) * row
            scale = dataclasses.replace(scales[name], start=head + top + height, end=head + top)
            own = [point for point in points if point.series == name]
            parts += _small_chart(_Plot(order, scale, left, width), own, breaks.get(name, ()), lines_above[name], left - room)
        return svg.drawing(min(len(names), columns) * (room + width + 14), -(-len(names) // columns) * row, parts)

    description = _(
        "{axis} from {first} to {last}, one small chart for each of {count} types. Each has its own scale.",
        axis=axis.title,
        first=order[0],
        last=order[-1],
        count=len(names),
    )
    notes: list[str] = [_("{axis}. Every small chart has its own scale: compare shapes, not heights.", axis=axis.title)]
    if states := _states(points, any(breaks.get(name) for name in names)):
        notes.append(_("{sentence}.", sentence=states))
    if more := first_of(len(names), len(everyone)):
        notes.append(more)
    note = listed(notes, " ")
    interactive = Interactive(
        SMALL_MULTIPLES,
        tuple(axes.get(name, axis) for name in everyone) if axes else (axis,),
        tuple((name, code, "") for name in names for code in sorted(breaks.get(name, ()))),
        _gaps(order, points),
        most_series=MOST_MULTIPLES,
        heads=tuple(heads.get(name, (name,)) for name in names) if heads else (),
    )
    return Chart(
        chart_id,
        title,
        description,
        each(draw(), draw),
        note=note,
        points=tuple(points),
        head=_("Type"),
        series_down=True,
        interactive=interactive,
    )


def _lines_above(head: Sequence[str], room: float) -> list[tuple[str, bool]]:
    """The lines above a small chart, and whether they are bold."""
    first, *others = head
    bold = svg.two_lines(str(first), room * _BOLD)
    return [*((line, True) for line in bold), *((svg.cut_to(line, room), False) for line in others)]


def _small_chart(
    plot: _Plot, points: Sequence[Point], breaks: Iterable[str], lines_above: Sequence[tuple[str, bool]], left: float
) -> list[str]:
    """Bars of one series with the ends of its periods below; the lines above begin at `left`, beside the words of the scale."""
    parts = []
    # The last line stands on the chart, however many there are.
    for number, (words, is_bold) in enumerate(reversed(lines_above), 1):
        weight = ";font-weight:bold" if is_bold else ""
        parts.append(svg.text(words, left, plot.scale.end - 15 * number, style=f"fill:var(--chart-text){weight}"))
    first, last, foot = plot.order[0], plot.order[-1], plot.scale.start + 15
    ends = [svg.text(first, plot.left, foot), svg.text(last, plot.left + plot.width, foot, anchor="end")]
    return [*parts, *plot.marks(), *(plot.bar(point, 0.0, 1) for point in points), *plot.breaks(breaks, word=""), *ends]


@dataclasses.dataclass(frozen=True)
class _Plot:
    """Periods from left to right in equal bands, values from the foot up."""

    order: Sequence[str]
    scale: Scale
    left: float
    width: float

    @classmethod
    def of(cls, points: Sequence[Point], values: Iterable[float], axis: Axis, height: int) -> _Plot:
        """With room on the left for the marks' words and the title, and above for the word at a break."""
        scale = Scale.over(values, height + 16, 16, 5, axis.divisor)
        order = _sequence(points)
        left = (22 if axis.title else 0) + 8 + max(map(svg.width_of, scale.labels))
        return cls(order, scale, left, _NARROW if len(order) <= MOST_NARROW else _WIDE)

    def place(self, point: Point) -> tuple[float, float]:
        """The middle of the period's band, at the height of the value."""
        return self.left + (self._places[point.x] + 0.5) * self._band, self.scale(point.value)

    def bar(self, point: Point, foot: float, series: int) -> str:
        """The bar of a point that stands on `foot`."""
        middle, _ = self.place(point)
        top, bottom = sorted((self.scale(foot), self.scale(foot + point.value)))
        width = self._band * _BAND
        return svg.bar(middle - width / 2, top, width, bottom - top, series, provisional=point.provisional, told=point.told)

    def marks(self) -> list[str]:
        """The marks of the scale: a line across, and its words on the left."""
        return [
            part
            for y, label in self.scale.marked()
            for part in (svg.line(self.left, y, self.left + self.width, y), svg.text(label, self.left - 6, y + 4, anchor="end"))
        ]

    def axes(self, y_title: str) -> list[str]:
        """The marks, the title on the left, and the periods below: every so many of them where they are crowded."""
        middle, foot = (self.scale.start + self.scale.end) / 2, self.scale.start + 18
        turned = f' transform="rotate(-90 12 {svg.number(middle)})"'
        step = math.ceil((max(map(svg.width_of, self.order)) + 6) / self._band)
        shown = [(place, code) for place, code in enumerate(self.order) if (len(self.order) - 1 - place) % step == 0]
        return [
            *self.marks(),
            svg.text(y_title, 12, middle, anchor="middle", more=turned),
            *(svg.text(code, self.left + (place + 0.5) * self._band, foot, anchor="middle") for place, code in shown),
        ]

    def breaks(self, breaks: Iterable[str], word: str = _BREAK) -> list[str]:
        """A dashed rule at the left edge of the first period after each break; of close ones, the first has the word."""
        parts = []
        free = 0.0
        for code in sorted(breaks):
            if code in self.order and code != self.order[0]:
                x = self.left + self.order.index(code) * self._band
                style = "stroke:var(--chart-break);stroke-width:1.3;stroke-dasharray:5 4"
                words = svg.text(word, x, self.scale.end - 4, anchor="middle", style="fill:var(--chart-break)")
                is_named = bool(word) and x >= free
                free = x + svg.width_of(word) + 4 if is_named else free
                parts += [svg.line(x, self.scale.start, x, self.scale.end, style), *([words] if is_named else [])]
        return parts

    def drawing(self, parts: Iterable[str]) -> str:
        """The whole, with room for the periods below and for the last one's words on the right."""
        return svg.drawing(self.left + self.width + 24, self.scale.start + 26, parts)

    @functools.cached_property
    def _places(self) -> Mapping[str, int]:
        return {code: place for place, code in enumerate(self.order)}

    @functools.cached_property
    def _band(self) -> float:
        return self.width / len(self.order)


def _colours(points: Sequence[Point]) -> dict[str, int]:
    """The series in order of first appearance, with the numbers of their colours."""
    names = dict.fromkeys(point.series for point in points)
    return {name: place % SERIES + 1 for place, name in enumerate(names)}


def _chart(
    kind: str,
    chart_id: str,
    title: str,
    axis: Axis,
    points: Sequence[Point],
    drawing: str,
    breaks: Mapping[str, str],
    names: Sequence[str],
) -> Chart:
    order = _sequence(points)
    latest = listed([labelled(point.series, point.value, axis) for point in points if point.x == order[-1]])
    description = _(
        "{axis}, {first} to {last}. Latest: {figures}.", axis=axis.title, first=order[0], last=order[-1], figures=latest
    )
    if breaks:
        description = listed([description, _("Breaks in the series at {periods}.", periods=listed(sorted(breaks)))], " ")
    legend = tuple((name, place % SERIES + 1) for place, name in enumerate(names))
    return Chart(
        chart_id,
        title,
        description,
        drawing,
        legend,
        _states(points, bool(breaks)),
        tuple(points),
        is_narrow=len(order) <= MOST_NARROW,
        interactive=Interactive(kind, (axis,), tuple(("", *item) for item in sorted(breaks.items())), _gaps(order, points)),
    )


def _gaps(order: Sequence[str], points: Iterable[Point]) -> tuple[str, ...]:
    """The periods that no point has."""
    known = {point.x for point in points}
    return tuple(code for code in order if code not in known)


def _states(points: Iterable[Point], is_broken: bool) -> str:
    """What dashes mean, where there are any."""
    states = []
    if any(point.provisional for point in points):
        states.append(_("light or dashed: provisional"))
    if is_broken:
        states.append(_("dashed vertical line: break in the series, do not compare across it"))
    return listed(states, "; ").capitalize()


def _sequence(points: Sequence[Point]) -> list[str]:
    """Every period from the first point to the last: a year without a figure keeps its place, so that a gap is seen."""
    found = sorted({point.x for point in points})
    try:
        first, last = Period.parse(found[0]), Period.parse(found[-1])
        return [period.code for period in first.walk_to(last)]
    except UsageError:
        return found
