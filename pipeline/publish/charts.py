"""Charts as inline SVG: Vega-Lite specifications rendered by vl-convert, with no network, no script and no clock.

In: plain numbers with their labels and states. Out: `Chart`, an SVG whose colours are the page's CSS variables, so that one
drawing serves light and dark; legends are HTML beside it. Text inside is English where we have the English: labels are measured
with the fonts that vl-convert carries, so room for labels is fixed wherever a label may need a font of the machine. Nearly all of
the cost of a drawing is that measuring (0.1 ms a letter, twice where the renderer has to keep a limit): labels are cut here
instead, and a chart of many types shows the largest.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

from pipeline.model import Period, UsageError

VEGA_LITE = "5.20"
FONT = "Arial"
FONT_STACK = "Arial, Helvetica, 'Liberation Sans', 'Noto Sans', sans-serif"
SERIES = 8
MOST_BARS = 15
_FONT_SIZE, _LETTER_WIDTH, _LABEL_ROOM = 12, 6.7, 230
# Vega wants real colours; these stand for CSS variables and are exchanged in the finished drawing.
_SERIES_COLOURS = [f"#0a0b{number:02x}" for number in range(1, SERIES + 1)]
_TEXT, _GRID, _BREAK = "#0a0c01", "#0a0c02", "#0a0c03"
_VARIABLES = {
    **{colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES_COLOURS, 1)},
    _TEXT: "var(--chart-text)",
    _GRID: "var(--chart-grid)",
    _BREAK: "var(--chart-break)",
}
_CONTROL = re.compile(r"\\u00(?:[01][0-9a-f]|7f|[89][0-9a-f])")
_PAINT = re.compile(r'(fill|stroke)="(#0a0[bc][0-9a-f]{2})"')


@dataclasses.dataclass(frozen=True)
class Point:
    """One bar or mark: `x` a category in order, `series` a name of the legend."""

    x: str
    series: str
    value: float
    provisional: bool = False


@dataclasses.dataclass(frozen=True)
class Chart:
    """A finished drawing with its title, description and legend: (name, number of the series colour)."""

    id: str
    title: str
    description: str
    svg: str
    legend: tuple[tuple[str, int], ...] = ()
    note: str = ""


def stacked_bars(
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    width: int = 620,
    height: int = 250,
) -> Chart:
    """Bars by period, series stacked in the order of first appearance; provisional ones light with a dashed edge."""
    names = list(dict.fromkeys(point.series for point in points))
    colours = {name: _SERIES_COLOURS[place % SERIES] for place, name in enumerate(names)}
    values = [
        {"x": p.x, "s": p.series, "o": names.index(p.series), "v": p.value, "p": "provisional" if p.provisional else "final"}
        for p in points
    ]
    bars: dict[str, Any] = {
        "mark": {"type": "bar", "strokeWidth": 1.2, "cornerRadiusEnd": 1},
        "encoding": {
            "x": _x(points),
            "y": {"field": "v", "type": "quantitative", "title": y_title, "stack": "zero"},
            "order": {"field": "o", "type": "quantitative"},
            "color": {"field": "s", "type": "nominal", "scale": _scale(colours), "legend": None},
            "stroke": {"field": "s", "type": "nominal", "scale": _scale(colours), "legend": None},
            "fillOpacity": _by_state("p", 0.95, 0.4),
            "strokeDash": _by_state("p", [1, 0], [4, 3]),
        },
    }
    drawing = _render([bars, *_break_layers(breaks, points)], values, width, height)
    return _chart(chart_id, title, y_title, points, drawing, breaks, names)


def lines(
    chart_id: str,
    title: str,
    y_title: str,
    points: Sequence[Point],
    breaks: Mapping[str, str],
    *,
    width: int = 620,
    height: int = 230,
) -> Chart:
    """Lines by period, one a series, cut at every break; a segment that leads to a provisional figure is dashed."""
    names = list(dict.fromkeys(point.series for point in points))
    colours = {name: _SERIES_COLOURS[place % SERIES] for place, name in enumerate(names)}
    values: list[dict[str, Any]] = []
    for name in names:
        own = sorted((p for p in points if p.series == name), key=lambda p: p.x)
        values += [
            {"x": p.x, "s": name, "v": p.value, "kind": "point", "p": "provisional" if p.provisional else "final"} for p in own
        ]
        order = _sequence(points)
        for number, (before, after) in enumerate(itertools.pairwise(own)):
            adjacent = order.index(after.x) - order.index(before.x) == 1
            if adjacent and not any(before.x < cut <= after.x for cut in breaks):
                state = "provisional" if after.provisional or before.provisional else "final"
                segment = f"{name}-{number}"
                values += [{"x": p.x, "s": name, "v": p.value, "kind": "line", "g": segment, "p": state} for p in (before, after)]
    color = {"field": "s", "type": "nominal", "scale": _scale(colours), "legend": None}
    y = {"field": "v", "type": "quantitative", "title": y_title, "scale": {"zero": True}}
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "datum.kind == 'line'"}],
            "mark": {"type": "line", "strokeWidth": 2.2},
            "encoding": {
                "x": _x(points),
                "y": y,
                "color": color,
                "detail": {"field": "g"},
                "strokeDash": _by_state("p", [1, 0], [5, 4]),
            },
        },
        {
            "transform": [{"filter": "datum.kind == 'point'"}],
            "mark": {"type": "point", "size": 42, "strokeWidth": 1.6, "filled": True},
            "encoding": {"x": _x(points), "y": y, "color": color, "fillOpacity": _by_state("p", 1, 0.15), "stroke": color},
        },
    ]
    drawing = _render([*layers, *_break_layers(breaks, points)], values, width, height)
    return _chart(chart_id, title, y_title, points, drawing, breaks, names)


def bars_side_by_side(chart_id: str, title: str, panels: Sequence[tuple[str, Sequence[Point]]], labels: Sequence[str]) -> Chart:
    """Horizontal bars, one panel a measure, the same categories in the same order; the panels' scales are their own.

    Of more categories than MOST_BARS the first are drawn, and the note says so.
    """
    drawn = {label: _cut_to_room(label) for label in labels[:MOST_BARS]}
    # Only the first panel has room for the labels; a fixed width keeps the drawing free of text measurement.
    height = 24 * len(drawn)
    concat = []
    for place, (panel_title, points) in enumerate(panels):
        values = [
            {"x": drawn[p.x], "v": p.value, "p": "provisional" if p.provisional else "final"} for p in points if p.x in drawn
        ]
        axis = {"title": None, "ticks": False, "domain": False, "labels": place == 0, "labelPadding": 6}
        if place == 0:
            axis |= {"minExtent": _LABEL_ROOM + 2, "maxExtent": _LABEL_ROOM + 2}
        concat.append(
            {
                "width": 250,
                "height": height,
                "data": {"values": values},
                "mark": {
                    "type": "bar",
                    "color": _SERIES_COLOURS[place],
                    "stroke": _SERIES_COLOURS[place],
                    "height": {"band": 0.68},
                },
                "encoding": {
                    "y": {
                        "field": "x",
                        "type": "nominal",
                        "sort": list(drawn.values()),
                        "scale": {"domain": list(drawn.values())},
                        "axis": axis,
                    },
                    "x": {
                        "field": "v",
                        "type": "quantitative",
                        "title": panel_title,
                        "axis": {"orient": "top", "tickCount": 4, "gridColor": _GRID},
                    },
                    "fillOpacity": _by_state("p", 0.95, 0.4),
                    "strokeDash": _by_state("p", [1, 0], [4, 3]),
                },
            }
        )
    drawing = _finished(json.dumps({**_base(), "hconcat": concat, "spacing": 18}, sort_keys=True))
    described = "; ".join(f"{panel}: " + ", ".join(f"{p.x} {p.value:g}" for p in points[:4]) for panel, points in panels)
    note = f"The first {len(drawn)} of {len(labels)}; all stand in the table." if len(labels) > len(drawn) else ""
    return Chart(chart_id, title, f"Horizontal bars. Largest: {described}. All figures stand in the table.", drawing, note=note)


def small_multiples(chart_id: str, title: str, y_title: str, points: Sequence[Point], columns: int = 4) -> Chart:
    """One small bar chart a series, each with its own scale, by period."""
    names = list(dict.fromkeys(point.series for point in points))
    order = _sequence(points)
    panels = []
    for name in names:
        values = [{"x": p.x, "v": p.value, "p": "provisional" if p.provisional else "final"} for p in points if p.series == name]
        panels.append(
            {
                "title": {
                    "text": _cut(name, 23),
                    "anchor": "start",
                    "fontSize": 11,
                    "fontWeight": "bold",
                    "color": _TEXT,
                },
                "width": 132,
                "height": 84,
                "data": {"values": values},
                "mark": {"type": "bar", "color": _SERIES_COLOURS[0], "stroke": _SERIES_COLOURS[0], "width": {"band": 0.75}},
                "encoding": {
                    "x": {
                        "field": "x",
                        "type": "ordinal",
                        "scale": {"domain": order},
                        "title": None,
                        "axis": {"values": [order[0], order[-1]], "labelAngle": 0, "ticks": False},
                    },
                    "y": {
                        "field": "v",
                        "type": "quantitative",
                        "title": None,
                        "axis": {"tickCount": 3, "minExtent": 26, "maxExtent": 26},
                    },
                    "fillOpacity": _by_state("p", 0.95, 0.4),
                    "strokeDash": _by_state("p", [1, 0], [4, 3]),
                },
            }
        )
    body = {"concat": panels, "columns": columns, "spacing": 14, "align": "each"}
    drawing = _finished(json.dumps({**_base(), **body}, sort_keys=True))
    description = (
        f"{y_title} from {order[0]} to {order[-1]}, one small chart for each of {len(names)} types. Each has its own scale."
    )
    return Chart(
        chart_id,
        title,
        description,
        drawing,
        note=f"{y_title}. Every small chart has its own scale: compare shapes, not heights.",
    )


def pyramid(chart_id: str, title: str, x_title: str, left: Sequence[Point], right: Sequence[Point], ages: Sequence[str]) -> Chart:
    """Bars to both sides by age: the first series to the left, the second to the right, on one scale."""
    values = [{"x": p.x, "s": p.series, "v": -p.value} for p in left] + [{"x": p.x, "s": p.series, "v": p.value} for p in right]
    names = [left[0].series, right[0].series]
    colours = dict(zip(names, _SERIES_COLOURS, strict=False))
    highest = max((abs(float(value["v"])) for value in values), default=1.0) * 1.05  # type: ignore[arg-type]
    spec = {
        **_base(),
        "width": 540,
        "height": 24 * len(ages),
        "data": {"values": values},
        "mark": {"type": "bar", "height": {"band": 0.78}},
        "encoding": {
            "y": {
                "field": "x",
                "type": "nominal",
                "sort": list(reversed(ages)),
                "title": "Age",
                "axis": {"ticks": False, "domain": False, "minExtent": 44, "maxExtent": 44},
            },
            "x": {
                "field": "v",
                "type": "quantitative",
                "title": x_title,
                "scale": {"domain": [-highest, highest]},
                "axis": {"labelExpr": "format(abs(datum.value), ',')", "gridColor": _GRID},
            },
            "color": {"field": "s", "type": "nominal", "scale": _scale(colours), "legend": None},
        },
    }
    described = "; ".join(f"{p.series} {p.x}: {p.value:g}" for p in sorted([*left, *right], key=lambda p: -p.value)[:4])
    legend = tuple((name, place) for place, name in enumerate(names, 1))
    return Chart(
        chart_id, title, f"Bars by age and sex. Largest: {described}.", _finished(json.dumps(spec, sort_keys=True)), legend
    )


# ------------------------------------------------------------------------------------------------------------------- parts


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
    latest = ", ".join(f"{point.series} {point.value:g}" for point in points if point.x == order[-1])
    description = f"{y_title}, {order[0]} to {order[-1]}. Latest: {latest}."
    if breaks:
        description += f" Breaks in the series at {', '.join(sorted(breaks))}."
    states = []
    if any(point.provisional for point in points):
        states.append("light or dashed: provisional")
    if breaks:
        states.append("dashed vertical line: break in the series, do not compare across it")
    legend = tuple((name, place % SERIES + 1) for place, name in enumerate(names))
    return Chart(chart_id, title, description, drawing, legend, "; ".join(states).capitalize())


def _sequence(points: Sequence[Point]) -> list[str]:
    """Every period from the first point to the last: a year without a figure keeps its place, so that a gap is seen."""
    found = sorted({point.x for point in points})
    try:
        first, last = Period.parse(found[0]), Period.parse(found[-1])
        return [period.code for period in first.walk_to(last)]
    except UsageError:
        return found


def _x(points: Sequence[Point]) -> dict[str, Any]:
    order = _sequence(points)
    crowded = len(order) > 13
    axis: dict[str, Any] = {"labelAngle": 0, "grid": False, "ticks": False, "labelPadding": 6}
    if crowded:
        step = -(-len(order) // 9)
        axis["values"] = order[::-1][::step][::-1]
    return {"field": "x", "type": "ordinal", "title": None, "scale": {"domain": order, "paddingInner": 0.28}, "axis": axis}


def _by_state(field: str, final: Any, provisional: Any) -> dict[str, Any]:
    scale = {"domain": ["final", "provisional"], "range": [final, provisional]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


def _scale(colours: Mapping[str, str]) -> dict[str, Any]:
    return {"domain": list(colours), "range": list(colours.values())}


def _break_layers(breaks: Mapping[str, str], points: Sequence[Point]) -> list[dict[str, Any]]:
    order = _sequence(points)
    shown = [year for year in sorted(breaks) if year in order and year != order[0]]
    if not shown:
        return []
    # The rule stands at the left edge of the first period after the break.
    x = {"field": "x", "type": "ordinal", "bandPosition": -0.2}
    data = {"values": [{"x": year, "t": "break"} for year in shown]}
    rule = {
        "data": data,
        "mark": {"type": "rule", "strokeDash": [5, 4], "color": _BREAK, "strokeWidth": 1.3},
        "encoding": {"x": x},
    }
    text = {
        "data": data,
        "mark": {"type": "text", "align": "left", "dx": 4, "baseline": "top", "fontSize": 11, "color": _BREAK, "y": 0},
        "encoding": {"x": x, "text": {"field": "t"}, "y": {"value": 2}},
    }
    return [rule, text]


def _base() -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "padding": 4,
        "config": {
            "aria": False,
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": _TEXT,
                "titleColor": _TEXT,
                "gridColor": _GRID,
                "domainColor": _GRID,
                "tickColor": _GRID,
                "labelFontSize": _FONT_SIZE,
                "titleFontSize": _FONT_SIZE,
                "titleFontWeight": "normal",
                "labelLimit": 0,
                "titleLimit": 0,
            },
        },
    }


def _render(layers: list[dict[str, Any]], values: list[dict[str, Any]], width: int, height: int) -> str:
    spec = {**_base(), "width": width, "height": height, "data": {"values": values}, "layer": layers}
    return _finished(json.dumps(spec, sort_keys=True))


@functools.lru_cache(maxsize=512)
def _finished(spec: str) -> str:
    """The drawing of a specification, with the page's colours and fonts; the same history is drawn once for many releases."""
    # A NUL inside a label ends the whole process in the renderer: nothing of the kind may reach it.
    svg = vl_convert.vegalite_to_svg(_CONTROL.sub(r"\\ufffd", spec), vl_version=VEGA_LITE)
    svg = _PAINT.sub(lambda match: f'style="{match[1]}:{_VARIABLES.get(match[2], match[2])}"', svg)
    svg = _merged_styles(svg).replace(f'font-family="{FONT}"', f'font-family="{FONT_STACK}"')
    svg = re.sub(r' (?:aria-hidden|aria-roledescription|role|pointer-events|xmlns:xlink)="[^"]*"', "", svg)
    svg = re.sub(r"(\d+\.\d{3})\d+", r"\1", svg)
    # The renderer numbers clips over the life of the process, and a page holds several drawings: names of this drawing's own.
    own = hashlib.sha256(spec.encode()).hexdigest()[:8]
    numbers: dict[str, int] = {}
    svg = re.sub(r"\bclip(\d+)\b", lambda match: f"clip-{own}-{numbers.setdefault(match[1], len(numbers) + 1)}", svg)
    # The drawing fills a narrow page and never grows beyond its own size.
    return re.sub(r'^<svg([^>]*?) width="([\d.]+)" height="[\d.]+"', r'<svg\1 style="max-width:\2px"', svg)


def _merged_styles(svg: str) -> str:
    """An element that is both filled and stroked would carry two style attributes: one keeps both."""
    pattern = re.compile(r'style="([^"]*)"([^<>]*?) style="([^"]*)"')
    while (joined := pattern.sub(r'style="\1;\3"\2', svg)) != svg:
        svg = joined
    return svg


def _cut_to_room(label: str) -> str:
    """The label as far as it fits into the room for labels, by the usual width of a letter (East Asian letters are square)."""
    widths = [_FONT_SIZE if unicodedata.east_asian_width(sign) in "WF" else _LETTER_WIDTH for sign in label]
    fitting = sum(1 for end in itertools.accumulate(widths) if end <= _LABEL_ROOM)
    return _cut(label, fitting) if fitting < len(label) else label


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
