"""Charts as inline SVG, drawn here: bars, lines and small multiples need no library, no script, no network and no clock.

In: plain numbers with their labels and states. Out: `Chart`, an SVG whose colours are the page's CSS variables, so that one
drawing serves light and dark; legends are HTML beside it. It is drawn again for each language in which it is shown. Each mark
says its figure to whoever points at it, and the points stay with the chart, for the table behind it.

Why no charting library: a page has five drawings and a backfill has thousands. A browser's engine took 50 to 160 ms for each,
nearly all of it to measure labels, and had to be talked out of its own colours, names and styles; these take less than 1 ms.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.model import Period, UsageError
from pipeline.publish import svg
from pipeline.publish.marks import NO_ROW
from pipeline.publish.svg import Scale
from pipeline.publish.words import Words, _, each, listed, punctuation

SERIES = 8
MOST_BARS = 15
MOST_MULTIPLES = 16
_LABEL_ROOM = 230
# Two drawings of so many pixels stand beside each other on a desk's screen and on paper; a telephone shows one without rolling.
# More periods than MOST_NARROW need more room.
MOST_NARROW = 16
_NARROW, _WIDE = 380, 620
_ROW = 24
_TILE = 48
_BOLD = 0.93  # of the room for plain letters holds bold ones
_BAND = 0.72  # how much of the room of a period its bar fills


PERIOD = _("Period")
_BREAK = _("break")


class Point(NamedTuple):
    """One bar or mark: `x` a category in order, `series` a name of the legend; `value` in the units of the scale.

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


@dataclasses.dataclass(frozen=True)
class Chart:
    """A finished drawing with its title, description and legend: (name, number of the series colour).

    `points` is every point that was given, also of what there was no room to draw. In the table behind the chart, the lines are
    the categories `x`, or with `series_down` the series; `head` names them. One that `is_narrow` may have another beside it.
    """

    id: str
    title: str
    description: str
    svg: str
    legend: tuple[tuple[str, int], ...] = ()
    note: str = ""
    points: tuple[Point, ...] = ()
    head: str = PERIOD
    series_down: bool = False
    is_narrow: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The words for the sources of its points."""
        return tuple(sorted({point.source for point in self.points if point.source}))


def stacked_bars(
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    height: int = 220,
) -> Chart:
    """Bars by period, series stacked in the order of first appearance; provisional ones light with a dashed edge."""
    colours = _colours(points)
    sums = {x: sum(point.value for point in points if point.x == x) for x in {point.x for point in points}}
    plot = _Plot.of(points, sums.values(), y_title, height)

    def draw() -> str:
        parts, tops = plot.axes(y_title), dict.fromkeys(sums, 0.0)
        for point in sorted(points, key=lambda point: list(colours).index(point.series)):
            foot, tops[point.x] = tops[point.x], tops[point.x] + point.value
            parts.append(plot.bar(point, foot, colours[point.series]))
        return plot.drawing([*parts, *plot.breaks(breaks)])

    return _chart(chart_id, title, y_title, points, each(draw(), draw), breaks, list(colours))


def lines(
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    height: int = 220,
) -> Chart:
    """Lines by period, one a series, cut at every break; a segment that leads to a provisional figure is dashed."""
    colours = _colours(points)
    plot = _Plot.of(points, (point.value for point in points), y_title, height)

    def draw() -> str:
        parts, dots = plot.axes(y_title), []
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

    return _chart(chart_id, title, y_title, points, each(draw(), draw), breaks, list(colours))


def bars_side_by_side(chart_id: str, title: str, panels: Sequence[tuple[str, Sequence[Point]]], labels: Sequence[str]) -> Chart:
    """Horizontal bars, one panel a measure, the same categories in the same order; the panels' scales are their own.

    Of more categories than MOST_BARS the first are drawn, and the note says so.
    """
    drawn = {label: row for row, label in enumerate(labels[:MOST_BARS])}
    top, width, between = 40, 240, 44
    foot = top + _ROW * len(drawn)

    def draw() -> str:
        room = min(_LABEL_ROOM, max(map(svg.width_of, drawn), default=0) + 4)
        parts = [
            svg.text(svg.cut_to(label, room), room, top + _ROW * (row + 0.5) + 4, anchor="end") for label, row in drawn.items()
        ]
        for place, (panel_title, points) in enumerate(panels):
            left = room + 8 + place * (width + between)
            own = [point for point in points if point.x in drawn]
            scale = Scale.over((point.value for point in own), left, left + width, 4)
            parts.append(svg.text(panel_title, left + width / 2, 12, anchor="middle"))
            for x, label in scale.marked():
                parts += [svg.text(label, x, top - 8, anchor="middle"), svg.line(x, top, x, foot)]
            for point in own:
                y, low, high = top + _ROW * (drawn[point.x] + 0.16), *sorted((scale(0), scale(point.value)))
                parts.append(svg.bar(low, y, high - low, _ROW * 0.68, place + 1, provisional=point.provisional, told=point.told))
        return svg.drawing(room + 8 + len(panels) * (width + between), foot + 4, parts)

    described = [
        _("{label}: {figures}", label=panel, figures=listed([_labelled(p.x, p.value) for p in _largest(points)]))
        for panel, points in panels
    ]
    words = _("Horizontal bars. Largest: {figures}. All figures stand in the table.", figures=listed(described, "; "))
    note = _first(len(drawn), len(labels))
    everyone = tuple(point for __, points in panels for point in points)
    return Chart(chart_id, title, words, each(draw(), draw), note=note, points=everyone, head=_("Type"))


def figure_in_words(value: float) -> str:
    """A figure in the units of a scale, as a reader knows it: never 6.47171e+06."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.6g}"
    return f"{value:.6f}".rstrip("0").rstrip(".") if "e" in text else text


def _labelled(label: str, value: float) -> Words:
    return _("{label} {figure}", label=label, figure=figure_in_words(value))


def _largest(points: Sequence[Point]) -> list[Point]:
    """The four points to name where there is no room for all."""
    return sorted(points, key=lambda point: -point.value)[:4]


def _first(drawn: int, everyone: int) -> str:
    """That only the first are drawn; nothing where all are."""
    return _("The first {drawn} of {all}; all stand in the table.", drawn=drawn, all=everyone) if everyone > drawn else ""


def small_multiples(
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    breaks: Mapping[str, Iterable[str]] | None = None,
    heads: Mapping[str, Sequence[str]] | None = None,
    columns: int = 4,
    width: int = 132,
) -> Chart:
    """One small bar chart a series, each with its own scale, by period; `breaks`: series -> the first periods after a break;
    `heads`: series -> the lines above its chart, where they are not its name. A first line without room is two.

    Of more series than MOST_MULTIPLES the first are drawn, and the note says so.
    """
    everyone = list(dict.fromkeys(point.series for point in points))
    names = everyone[:MOST_MULTIPLES]
    order = _sequence(points)
    height = 84
    scales = {name: Scale.over((p.value for p in points if p.series == name), height, 0, 3) for name in names}
    room = max(38, 12 + max(svg.width_of(label) for scale in scales.values() for label in scale.labels))

    def above_each(name: str) -> list[tuple[str, bool]]:
        """The lines above a small chart, and whether they are bold."""
        first, *others = (heads or {}).get(name, (name,))
        bold = svg.two_lines(str(first), (width + room) * _BOLD)
        return [*((line, True) for line in bold), *((svg.cut_to(line, width + room), False) for line in others)]

    def draw() -> str:
        parts = []
        lines_above = {name: above_each(name) for name in names}
        above = 15 * (max(map(len, lines_above.values())) - 1)
        top, row = 26 + above, 146 + above
        for place, name in enumerate(names):
            left, head = (place % columns) * (room + width + 14) + room, (place // columns) * row
            scale = dataclasses.replace(scales[name], start=head + top + height, end=head + top)
            plot = _Plot(order, scale, left, width)
            # The last line stands on the chart, however many there are.
            for number, (words, is_bold) in enumerate(reversed(lines_above[name])):
                weight = ";font-weight:bold" if is_bold else ""
                y = head + 11 + above - 15 * number
                parts.append(svg.text(words, left - room, y, style=f"fill:var(--chart-text){weight}"))
            parts += plot.marks()
            parts += [plot.bar(point, 0.0, 1) for point in points if point.series == name]
            parts += plot.breaks((breaks or {}).get(name, ()), word="")
            foot = head + top + height + 15
            parts += [svg.text(order[0], left, foot), svg.text(order[-1], left + width, foot, anchor="end")]
        return svg.drawing(min(len(names), columns) * (room + width + 14), -(-len(names) // columns) * row, parts)

    description = _(
        "{axis} from {first} to {last}, one small chart for each of {count} types. Each has its own scale.",
        axis=y_title,
        first=order[0],
        last=order[-1],
        count=len(names),
    )
    notes: list[str] = [_("{axis}. Every small chart has its own scale: compare shapes, not heights.", axis=y_title)]
    if states := _states(points, any((breaks or {}).get(name) for name in names)):
        notes.append(_("{sentence}.", sentence=states))
    if more := _first(len(names), len(everyone)):
        notes.append(more)
    note = listed(notes, " ")
    return Chart(
        chart_id, title, description, each(draw(), draw), note=note, points=tuple(points), head=_("Type"), series_down=True
    )


def pyramid(chart_id: str, title: str, x_title: str, left: Sequence[Point], right: Sequence[Point], ages: Sequence[str]) -> Chart:
    """Bars to both sides by age: the first series to the left, the second to the right, on one scale."""
    names = [left[0].series, right[0].series]

    def draw() -> str:
        room, half, height = 16 + max(map(svg.width_of, ages)), 270, _ROW * len(ages)
        scale = Scale.over((point.value for point in [*left, *right]), 0, half, 3)
        middle, rows = room + half, {age: place for place, age in enumerate(reversed(ages))}
        parts = [svg.text(age, room - 8, _ROW * (row + 0.5) + 4, anchor="end") for age, row in rows.items()]
        for offset, label in scale.marked():
            for x in dict.fromkeys((middle - offset, middle + offset)):
                parts += [svg.line(x, 0, x, height), svg.text(label, x, height + 16, anchor="middle")]
        parts.append(svg.text(x_title, middle, height + 34, anchor="middle"))
        for side, points in enumerate((left, right)):
            for point in points:
                length = scale(point.value)
                x, y = (middle if side else middle - length), _ROW * (rows[point.x] + 0.11)
                parts.append(svg.bar(x, y, length, _ROW * 0.78, side + 1, provisional=point.provisional, told=point.told))
        return svg.drawing(middle + half + 24, height + 40, parts)

    described = [
        _("{label}: {figures}", label=listed([p.series, p.x], " "), figures=figure_in_words(p.value))
        for p in _largest([*left, *right])
    ]
    words = _("Bars by age and sex. Largest: {figures}.", figures=listed(described, "; "))
    legend = tuple((name, place) for place, name in enumerate(names, 1))
    return Chart(chart_id, title, words, each(draw(), draw), legend, points=(*left, *right), head=_("Age"))


def tile_map(
    chart_id: str, title: str, words: str, points: Sequence[Point], tiles: Mapping[str, tuple[str, int, int]], *, shaded: bool
) -> Chart:
    """One square for each area, where it roughly lies: `tiles` is label -> (short name, column, row).

    A rate shades the square (`shaded`); a count, which large areas have more of, is a disc whose area is the count.
    """
    values = {point.x: point for point in points}
    most = max((point.value for point in points), default=0.0) or 1.0
    across = max(place[1] for place in tiles.values()) + 1
    down = max(place[2] for place in tiles.values()) + 1

    def draw() -> str:
        parts = []
        for label, (short, column, row) in tiles.items():
            x, y = column * _TILE, row * _TILE
            parts.append(svg.outline(x + 1, y + 1, _TILE - 2, _TILE - 2))
            parts.append(svg.text(short, x + _TILE / 2, y + 14, anchor="middle"))
            point = values.get(label)
            if point is None:
                parts.append(svg.text(NO_ROW, x + _TILE / 2, y + 33, anchor="middle"))
            elif shaded:
                parts.append(svg.shade(x + 2, y + 18, _TILE - 4, _TILE - 20, point.value / most, point.told))
            else:
                parts.append(svg.disc(x + _TILE / 2, y + 32, 14 * math.sqrt(max(point.value, 0) / most), point.told))
        return svg.drawing(across * _TILE, down * _TILE, parts)

    ordered = _largest(points)
    largest = listed([_("{label} {figure}", label=p.x, figure=p.text or figure_in_words(p.value)) for p in ordered])
    about = {"measure": words, "largest": f"{most:,.0f}", "mark": NO_ROW}
    if shaded:
        note = _(
            "{measure}: the darker, the higher; darkest: {largest}. Each area is one square, roughly where it lies; {mark}: no "
            "figure.",
            **about,
        )
    else:
        note = _(
            "{measure}: the area of the disc is the count; largest: {largest}. Each area is one square, roughly where it lies; "
            "{mark}: no figure.",
            **about,
        )
    description = _("Map of squares. {measure}. Largest: {figures}.", measure=words, figures=largest)
    return Chart(chart_id, title, description, each(draw(), draw), note=note, points=tuple(points), head=_("Area"))


# ------------------------------------------------------------------------------------------------------------------- parts


@dataclasses.dataclass(frozen=True)
class _Plot:
    """Periods from left to right in equal bands, values from the foot up."""

    order: Sequence[str]
    scale: Scale
    left: float
    width: float

    @classmethod
    def of(cls, points: Sequence[Point], values: Iterable[float], y_title: str, height: int) -> _Plot:
        """With room on the left for the marks' words and the title, and above for the word at a break."""
        scale = Scale.over(values, height + 16, 16, 5)
        order = _sequence(points)
        left = (22 if y_title else 0) + 8 + max(map(svg.width_of, scale.labels))
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
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    drawing: str,
    breaks: Mapping[str, str],
    names: Sequence[str],
) -> Chart:
    order = _sequence(points)
    latest = listed([_labelled(point.series, point.value) for point in points if point.x == order[-1]])
    description = _("{axis}, {first} to {last}. Latest: {figures}.", axis=y_title, first=order[0], last=order[-1], figures=latest)
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
    )


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
