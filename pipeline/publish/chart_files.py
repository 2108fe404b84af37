"""Charts as files that stand alone: SVG with the light page's colours, and around the drawing what the page says of it in HTML.

In: the sections of a release, and the words for where its drawings come from. Out: file name -> SVG, one a chart and language,
for whoever has no browser at hand (a layout desk, a script): title, note, legend, drawing, sources, release and date. The page's
own script makes the same for the reader who presses its button, with the fonts of his machine; here letters have their usual
width.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.publish import svg
from pipeline.publish.charts import Chart
from pipeline.publish.content import Section
from pipeline.publish.languages import LANGUAGES, file_name, speaking
from pipeline.publish.texts import slug
from pipeline.publish.words import _, listed

_STYLE = Path(__file__).parent / "templates" / "style.css.j2"
_MARGIN = 16.0
# A title has room beside it even where the drawing is narrow.
_LEAST_WIDTH = 420.0
_SWATCH = 11.0
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def chart_files(sections: Iterable[Section], origin: str) -> dict[str, bytes]:
    """File name -> the SVG of each chart of the sections, in every language. `origin`: release and date, in words."""
    charts = [item.chart for section in sections for item in section.items if item.chart]
    made: dict[str, bytes] = {}
    for code in LANGUAGES:
        with speaking(code):
            made |= {file_name(chart_file_name(chart), code): standalone(chart, str(origin)).encode() for chart in charts}
    return made


def chart_file_name(chart: Chart) -> str:
    """The file of a chart in English."""
    return f"chart_{slug(chart.id)}.svg"


def standalone(chart: Chart, origin: str) -> str:
    """The chart in the language that is spoken, as an SVG document with fixed colours."""
    drawn = str(chart.svg)
    found = _VIEW_BOX.search(drawn)
    if found is None:
        raise AssertionError(f"chart {chart.id} has no size")
    inner_width, inner_height = float(found[1]), float(found[2])
    width = max(inner_width, _LEAST_WIDTH)
    parts: list[str] = []

    y = _written(parts, str(chart.title), _MARGIN, width, size=15, style="fill:var(--ink);font-weight:700")
    y = _written(parts, str(chart.note), y, width) + 10
    if len(chart.legend) > 1:
        y = _legend(parts, chart.legend, y, width)
    y += 12
    inner = drawn[drawn.index(">") + 1 : -len("</svg>")]
    parts.append(f'<g transform="translate({svg.number(_MARGIN)} {svg.number(y)})">{inner}</g>')
    y += inner_height
    if chart.sources:
        y = _written(parts, str(_("Source: {sources}", sources=listed(chart.sources))), y, width)
    y = _written(parts, origin, y, width)

    size = f'width="{svg.number(width + 2 * _MARGIN)}" height="{svg.number(y + _MARGIN)}"'
    view = f'viewBox="0 0 {svg.number(width + 2 * _MARGIN)} {svg.number(y + _MARGIN)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} font-family="{svg.FONT}" font-size="{svg.FONT_SIZE}">'
    told = f"{svg.mark_title(str(chart.title))}<desc>{svg.shown(str(chart.description))}</desc>"
    paper = f'<rect {size} style="fill:var(--paper)"/>'
    document = "".join([head, told, paper, *parts, "</svg>\n"])
    colours = _light_colours()
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _VARIABLE.sub(lambda match: colours[match[1]], document)


def _written(parts: list[str], words: str, y: float, width: float, *, size: int = 11, style: str = "fill:var(--muted)") -> float:
    """Adds the words under y, in as many lines as they need. Gives the foot of the last."""
    for line in svg.folded(words, width * svg.FONT_SIZE / size):
        y += size * 1.35
        parts.append(svg.text(line, _MARGIN, y, style=style, more=f' font-size="{size}"'))
    return y


def _legend(parts: list[str], legend: Sequence[tuple[str, int]], y: float, width: float) -> float:
    """Adds the names of the series, each behind its colour, as many in a line as fit. Gives the foot of the last line."""
    x = _MARGIN
    for name, colour in legend:
        wide = svg.width_of(name) + 34
        if x > _MARGIN and x + wide > _MARGIN + width:
            x, y = _MARGIN, y + 18
        place = f'x="{svg.number(x)}" y="{svg.number(y - 10)}" width="{svg.number(_SWATCH)}" height="{svg.number(_SWATCH)}"'
        parts.append(f'<rect {place} rx="2" style="fill:var(--series-{colour})"/>')
        parts.append(svg.text(name, x + 16, y, style="fill:var(--ink)"))
        x += wide
    return y


@functools.cache
def _light_colours() -> Mapping[str, str]:
    """The variables of the light page, which its style names first."""
    first_rule = _STYLE.read_text(encoding="utf-8").partition("}")[0]
    return dict(re.findall(r"(--[\w-]+):([^;{}]+)", first_rule))
