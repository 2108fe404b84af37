"""Charts of one period: horizontal bars side by side, pyramids by age and sex, maps of tiles.

In: points whose `x` is a category: a type, an age, an area. Out: `Chart`s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pipeline.publish import svg
from pipeline.publish.chart_specifications import BARS_SIDE_BY_SIDE, PYRAMID, TILE_MAP
from pipeline.publish.charts import Axis, Chart, Interactive, Point, figure_in_words, first_of, labelled, largest_of
from pipeline.publish.marks import NO_ROW
from pipeline.publish.svg import Scale
from pipeline.publish.words import _, each, listed

MOST_BARS = 15
_LABEL_ROOM = 230
_ROW = 24
_TILE = 48


def bars_side_by_side(chart_id: str, title: str, panels: Sequence[tuple[Axis, Sequence[Point]]], labels: Sequence[str]) -> Chart:
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
        for place, (axis, points) in enumerate(panels):
            left = room + 8 + place * (width + between)
            own = [point for point in points if point.x in drawn]
            scale = Scale.over((point.value for point in own), left, left + width, 4, axis.divisor)
            parts.append(svg.text(axis.title, left + width / 2, 12, anchor="middle"))
            for x, label in scale.marked():
                parts += [svg.text(label, x, top - 8, anchor="middle"), svg.line(x, top, x, foot)]
            for point in own:
                y, low, high = top + _ROW * (drawn[point.x] + 0.16), *sorted((scale(0), scale(point.value)))
                parts.append(svg.bar(low, y, high - low, _ROW * 0.68, place + 1, provisional=point.provisional, told=point.told))
        return svg.drawing(room + 8 + len(panels) * (width + between), foot + 4, parts)

    described = [
        _("{label}: {figures}", label=axis.title, figures=listed([labelled(p.x, p.value, axis) for p in largest_of(points)]))
        for axis, points in panels
    ]
    words = _("Horizontal bars. Largest: {figures}. All figures stand in the table.", figures=listed(described, "; "))
    note = first_of(len(drawn), len(labels))
    places = {label: place for place, label in enumerate(labels)}
    everyone = sorted((point for __, points in panels for point in points), key=lambda point: places[point.x])
    axes = {points[0].series: axis for axis, points in panels}
    interactive = Interactive(
        BARS_SIDE_BY_SIDE, tuple(axes[name] for name in dict.fromkeys(point.series for point in everyone)), most_places=MOST_BARS
    )
    return Chart(
        chart_id,
        title,
        words,
        each(draw(), draw),
        note=note,
        points=tuple(everyone),
        head=_("Type"),
        interactive=interactive,
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
        for p in largest_of([*left, *right])
    ]
    words = _("Bars by age and sex. Largest: {figures}.", figures=listed(described, "; "))
    legend = tuple((name, place) for place, name in enumerate(names, 1))
    points = tuple(sorted((*left, *right), key=lambda point: ages.index(point.x)))
    interactive = Interactive(PYRAMID, (Axis(x_title),))
    return Chart(chart_id, title, words, each(draw(), draw), legend, points=points, head=_("Age"), interactive=interactive)


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

    ordered = largest_of(points)
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
    known = tuple(tiles[point.x] for point in points)
    others = tuple(tile for label, tile in tiles.items() if label not in values)
    return Chart(
        chart_id,
        title,
        description,
        each(draw(), draw),
        note=note,
        points=tuple(points),
        head=_("Area"),
        interactive=Interactive(TILE_MAP, (Axis(words),), tiles=(*known, *others), shaded=shaded),
    )
