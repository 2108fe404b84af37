"""The interactive form of each kind of chart: Vega-Lite specifications, written with Vega-Altair.

In: nothing. Out: `specifications()`, kind -> Vega-Lite as JSON, which Altair has held against the schema. A specification has no
figure in it: it draws the data set `rows`, which `templates/charts.js` reads from the table behind a chart, and what the page
says of a chart stands in parameters. So one for each kind serves every chart of every release, and nothing is drawn when a
release is made.

A row has: kind (figure, break, absent), id, series, colour (number of the series colour), row (of the series), x, at (place of
x), value (in the unit of the axis), told (the figure in words), provisional, era (how many breaks lie before it), label (the word
at a break); on a map short, column and line. A period is drawn at its number, so that one without a figure keeps its place.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pipeline.publish import svg
from pipeline.publish.charts import SERIES

if TYPE_CHECKING:
    import altair as alt

LINES, STACKED_BARS, SMALL_MULTIPLES = "lines", "stacked_bars", "small_multiples"
BARS_SIDE_BY_SIDE, PYRAMID, TILE_MAP = "bars_side_by_side", "pyramid", "tile_map"
# Half of the room of a period that its bar fills.
_HALF_BAR = 0.36
_DASHES, _BREAK_DASHES, _WHOLE = [4, 3], [5, 4], [1, 0]
_NUMBER = "format(datum.value, ',.6~f')"
_IS_SHOWN = "datum.kind === 'figure' && (shown === null || datum.series === shown)"
# A dot covers a square of so many pixels.
_DOT = 52


def specifications() -> dict[str, dict[str, Any]]:
    """Kind -> its specification. Raises SchemaValidationError (of Altair) for one that is not Vega-Lite."""
    made = {
        LINES: _lines(),
        STACKED_BARS: _stacked_bars(),
        SMALL_MULTIPLES: _small_multiples(),
        BARS_SIDE_BY_SIDE: _bars_side_by_side(),
        PYRAMID: _pyramid(),
        TILE_MAP: _tile_map(),
    }
    return {kind: chart.to_dict(validate=True) for kind, chart in made.items()}


def _lines() -> alt.LayerChart:
    """Lines by period, cut at breaks and where a period has no figure; what leads to a provisional figure is dashed."""
    alt = _altair()
    figures = alt.Chart(_rows()).transform_filter(_IS_SHOWN)
    leads = {f"next_{name}": f"lead({name})" for name in ("at", "value", "era", "provisional")}
    segments = (
        figures.transform_window(groupby=["series"], sort=[alt.SortField("at")], **leads)
        .transform_filter("datum.next_at - datum.at === 1 && datum.next_era === datum.era")
        .mark_rule(strokeWidth=2.2, clip=True, aria=False)
        .encode(
            x=_periods(),
            x2="next_at:Q",
            y=_values(),
            y2="next_value:Q",
            color=_series_colours(),
            strokeDash=alt.condition("datum.provisional || datum.next_provisional", alt.value(_BREAK_DASHES), alt.value(_WHOLE)),
        )
    )
    dots = figures.mark_point(filled=True, opacity=1, size=_DOT, clip=True).encode(
        x=_periods(),
        y=_values(),
        fill=_series_colours("fill"),
        stroke=_series_colours("stroke"),
        fillOpacity=alt.condition("datum.provisional", alt.value(0.15), alt.value(1)),
        strokeWidth=alt.condition(_IS_READ, alt.value(6), alt.value(1.6)),
        **_told(),
    )
    return _over_time(segments, dots)


def _stacked_bars() -> alt.LayerChart:
    """Bars by period, series on top of each other; provisional ones light with a dashed edge."""
    alt = _altair()
    bars = (
        alt.Chart(_rows())
        .transform_filter(_IS_SHOWN)
        .transform_stack(stack="value", groupby=["at"], sort=[alt.SortField("row")], as_=["foot", "top"])
        .transform_calculate(left=f"datum.at - {_HALF_BAR}", right=f"datum.at + {_HALF_BAR}")
        .mark_bar(clip=True)
        .encode(x=_periods("left"), x2="right:Q", y=_values("foot"), y2="top:Q", **_bar_look(), **_told())
    )
    return _over_time(bars)


def _over_time(*figures: alt.Chart) -> alt.LayerChart:
    """Layers of figures, then the breaks over them; the reader moves along the periods and brings them nearer."""
    alt = _altair()
    # A pinch on a trackpad arrives as the wheel with the control key; the wheel alone scrolls the page.
    window = alt.selection_interval(name="window", bind="scales", encodings=["x"], zoom="wheel![event.ctrlKey]")
    periods = alt.param(name="periods", value=[])
    extent = alt.param(name="extent", value=[-0.5, 0.5])
    layers = [figures[0].add_params(window), *figures[1:], *_breaks()]
    return _configured(alt.layer(*layers).add_params(periods, extent).properties(height=250))


def _small_multiples() -> alt.FacetChart:
    """A bar chart by period for each series, each with a scale of its own."""
    alt = _altair()
    ends = alt.Axis(
        values=alt.ExprRef("ends"), labelExpr="periods[datum.value] || ''", labelFlush=True, grid=False, title=None, aria=False
    )
    scale = alt.Scale(domain=alt.ExprRef("extent"), nice=False, zero=False)
    bars = (
        alt.Chart()
        .transform_filter("datum.kind === 'figure'")
        .transform_calculate(left=f"datum.at - {_HALF_BAR}", right=f"datum.at + {_HALF_BAR}", foot="0")
        .mark_bar()
        .encode(
            x=alt.X("left:Q", axis=ends, scale=scale),
            x2="right:Q",
            y=_values("value", marks=3),
            y2="foot:Q",
            **_bar_look(),
            **_told(),
        )
    )
    head = alt.Header(
        title=None, labelExpr="heads[datum.value]", labelAnchor="start", labelFontWeight="bold", labelPadding=6, labelLimit=300
    )
    charts = alt.layer(bars, _break_rules(alt.Chart(), scale)).properties(width=150, height=84)
    grid = charts.facet(facet=alt.Facet("row:O", header=head), columns=4, data=_rows(), bounds="flush")
    params = [alt.param(name=name, value=value) for name, value in _SMALL_PARAMETERS.items()]
    separate = grid.resolve_scale(y="independent").resolve_axis(x="independent")
    return _configured(separate.add_params(*params))


_SMALL_PARAMETERS: dict[str, Any] = {"periods": [], "extent": [-0.5, 0.5], "ends": [0], "heads": []}


def _bars_side_by_side() -> alt.FacetChart:
    """Horizontal bars, a panel for each measure, the same categories in each; the panels' scales are their own."""
    alt = _altair()
    categories = alt.Axis(
        labelExpr="labels[datum.value] || ''", labelLimit=alt.ExprRef("room"), title=None, aria=False, domain=False, ticks=False
    )
    along = alt.Axis(orient="top", labelExpr=_NUMBER, tickCount=4, title=None, aria=False, domain=False)
    bars = (
        alt.Chart()
        .transform_filter("datum.kind === 'figure'")
        .mark_bar()
        .encode(y=alt.Y("at:O", axis=categories), x=alt.X("value:Q", axis=along), **_bar_look(), **_told())
        .properties(width=240, height=alt.Step(24))
    )
    head = alt.Header(title=None, labelExpr="heads[datum.value]", labelPadding=6)
    grid = bars.facet(facet=alt.Facet("row:O", header=head), columns=2, data=_rows(), spacing=24)
    params = [alt.param(name=name, value=value) for name, value in {"labels": [], "heads": [], "room": 230}.items()]
    return _configured(grid.resolve_scale(x="independent").add_params(*params))


def _pyramid() -> alt.Chart:
    """Bars to both sides by age, the youngest at the foot: values of the first series come with a minus, which no mark shows."""
    alt = _altair()
    ages = alt.Axis(labelExpr="labels[datum.value] || ''", title=None, aria=False, domain=False, ticks=False)
    along = alt.Axis(labelExpr="format(abs(datum.value), ',.6~f')", title=None, aria=False, domain=False, tickCount=6)
    chart = (
        alt.Chart(_rows())
        .transform_filter(_IS_SHOWN)
        .mark_bar()
        .encode(
            y=alt.Y("at:O", sort="descending", axis=ages),
            x=alt.X("value:Q", axis=along, scale=alt.Scale(domain=alt.ExprRef("extent"))),
            **_bar_look(),
            **_told(),
        )
        .properties(height=alt.Step(24))
    )
    return _configured(chart.add_params(alt.param(name="labels", value=[]), alt.param(name="extent", value=[-1, 1])))


def _tile_map() -> alt.LayerChart:
    """A square for each area: as dark as its rate, or with a disc as large as its count."""
    alt = _altair()
    tiles = alt.Chart(_rows()).transform_calculate(
        right="datum.column + 0.96",
        foot="datum.line + 0.96",
        head="datum.line + 0.38",
        middle="datum.column + 0.48",
        name_at="datum.line + 0.24",
        disc_at="datum.line + 0.66",
    )
    across = alt.Scale(domain=alt.ExprRef("[0, across]"), nice=False, zero=False)
    down = alt.Scale(domain=alt.ExprRef("[0, down]"), nice=False, zero=False, reverse=True)
    shares = alt.ExprRef("[0, most]")

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q", axis=None, scale=across)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", axis=None, scale=down)

    frames = tiles.mark_rect(fillOpacity=0, stroke="var(--chart-grid)", aria=False).encode(
        x=x("column"), x2="right:Q", y=y("line"), y2="foot:Q"
    )
    names = tiles.mark_text(aria=False).encode(x=x("middle"), y=y("name_at"), text="short:N")
    unknown = (
        tiles.transform_filter("datum.kind === 'absent'")
        .mark_text()
        .encode(x=x("middle"), y=y("disc_at"), text="label:N", description="told:N")
    )
    edge = alt.condition(_IS_READ, alt.value("var(--ink)"), alt.value("none"))
    known = tiles.transform_filter("datum.kind === 'figure'")
    shades = (
        known.transform_filter("shaded")
        .mark_rect(fill="var(--series-1)", strokeWidth=2)
        .encode(
            x=x("column"),
            x2="right:Q",
            y=y("head"),
            y2="foot:Q",
            fillOpacity=alt.FillOpacity("value:Q", legend=None, scale=alt.Scale(domain=shares, range=[0.06, 1], nice=False)),
            stroke=edge,
            **_told(),
        )
    )
    discs = (
        known.transform_filter("!shaded")
        .mark_point(filled=True, opacity=1, fill="var(--series-1)", fillOpacity=0.85, strokeWidth=2)
        .encode(
            x=x("middle"),
            y=y("disc_at"),
            size=alt.Size(
                "value:Q",
                legend=None,
                scale=alt.Scale(domain=shares, range=[4, alt.ExprRef("disc")], nice=False),
            ),
            stroke=edge,
            **_told(),
        )
    )
    params = {"across": 1, "down": 1, "most": 1, "disc": 600, "shaded": False}
    layers = alt.layer(frames, shades, discs, names, unknown)
    return _configured(layers.add_params(*(alt.param(name=name, value=value) for name, value in params.items())))


# ------------------------------------------------------------------------------------------------------ what they share

_IS_READ = "datum.id === read"


@functools.cache
def _altair() -> Any:
    import altair

    return altair


def _rows() -> alt.NamedData:
    return _altair().NamedData("rows")


def _periods(field: str = "at") -> alt.X:
    """The numbers of the periods, which are named below: every so many where they are crowded."""
    alt = _altair()
    axis = alt.Axis(
        labelExpr="periods[datum.value] || ''",
        tickMinStep=1,
        grid=False,
        title=None,
        aria=False,
        labelOverlap="greedy",
        labelSeparation=8,
    )
    return alt.X(f"{field}:Q", axis=axis, scale=alt.Scale(domain=alt.ExprRef("extent"), nice=False, zero=False))


def _values(field: str = "value", marks: int = 5) -> alt.Y:
    alt = _altair()
    axis = alt.Axis(labelExpr=_NUMBER, tickCount=marks, title=None, aria=False, domain=False, ticks=False)
    return alt.Y(f"{field}:Q", axis=axis, scale=alt.Scale(zero=True))


def _series_colours(channel: str = "color") -> Any:
    """The page's colour of each series: its variable, so that light and dark need no second drawing."""
    alt = _altair()
    scale = alt.Scale(domain=list(range(1, SERIES + 1)), range=[f"var(--series-{number})" for number in range(1, SERIES + 1)])
    kind = {"color": alt.Color, "fill": alt.Fill, "stroke": alt.Stroke}[channel]
    return kind("colour:N", scale=scale, legend=None)


def _bar_look() -> dict[str, Any]:
    """A bar in the colour of its series; a provisional one light with a dashed edge, the one that is read with a dark edge."""
    alt = _altair()
    return {
        "fill": _series_colours("fill"),
        "stroke": alt.condition(_IS_READ, alt.value("var(--ink)"), _series_colours("stroke")),
        "fillOpacity": alt.condition("datum.provisional", alt.value(0.4), alt.value(0.95)),
        "strokeDash": alt.condition("datum.provisional", alt.value(_DASHES), alt.value(_WHOLE)),
        "strokeWidth": alt.condition(_IS_READ, alt.value(2.5), alt.value(1.2)),
    }


def _told() -> dict[str, Any]:
    """What a mark says to whoever points at it, and to a screen reader."""
    return {"tooltip": "told:N", "description": "told:N"}


def _break_rules(chart: alt.Chart, scale: alt.Scale) -> alt.Chart:
    """A dashed rule at the left edge of the first period after each break, which says why there is one."""
    alt = _altair()
    return (
        chart.transform_filter("datum.kind === 'break'")
        .transform_calculate(edge="datum.at - 0.5")
        .mark_rule(stroke="var(--chart-break)", strokeWidth=1.3, strokeDash=_BREAK_DASHES)
        .encode(x=alt.X("edge:Q", scale=scale), **_told())
    )


def _breaks() -> list[alt.Chart]:
    """The rules at the breaks, and the word above them."""
    alt = _altair()
    scale = alt.Scale(domain=alt.ExprRef("extent"), nice=False, zero=False)
    words = (
        alt.Chart(_rows())
        .transform_filter("datum.kind === 'break'")
        .transform_calculate(edge="datum.at - 0.5")
        .mark_text(fill="var(--chart-break)", baseline="bottom", dy=-3, aria=False)
        .encode(x=alt.X("edge:Q", scale=scale), y=alt.value(0), text="label:N", tooltip="told:N")
    )
    return [_break_rules(alt.Chart(_rows()), scale), words]


def _configured(chart: Any) -> Any:
    """The page's colours and letters, the parameters of every kind, and what the scale counts in above the chart."""
    alt = _altair()
    shared = {"shown": None, "read": None, "axis_title": ""}
    letters = {"font": svg.FONT, "fontSize": svg.FONT_SIZE}
    words = {"labelFont": svg.FONT, "labelFontSize": svg.FONT_SIZE, "labelColor": "var(--chart-text)"}
    return (
        chart.add_params(*(alt.param(name=name, value=value) for name, value in shared.items()))
        .properties(
            title=alt.TitleParams(
                text=alt.ExprRef("axis_title"),
                anchor="start",
                fontWeight="normal",
                color="var(--chart-text)",
                **letters,
            ),
            background="transparent",
            padding={"left": 2, "right": 8, "top": 2, "bottom": 2},
        )
        .configure_axis(**words, gridColor="var(--chart-grid)", domainColor="var(--chart-grid)", tickColor="var(--chart-grid)")
        .configure_header(**words)
        .configure_text(**letters, fill="var(--chart-text)")
        .configure_view(stroke=None)
    )
