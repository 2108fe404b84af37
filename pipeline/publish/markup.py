"""Markup that is written without a template: rows of tables, the table behind a chart, drawings, links.

In: tables, charts and texts, and where each observation is traced. Out: markup in the language that is spoken. Publishers' words
are escaped here, as the templates do; what enters unescaped is the drawings of `pipeline.publish.charts`.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Mapping, Sequence

import markupsafe

from pipeline.publish.charts import Chart, figure_in_words
from pipeline.publish.languages import other_language
from pipeline.publish.marks import NO_ROW
from pipeline.publish.tables import Cell, Table
from pipeline.publish.texts import clean, slug
from pipeline.publish.words import listed, markup

# In escaped text: what a reader would take for an address, and no punctuation after it.
_ADDRESS = re.compile(r"https?://(?:&amp;|[^\s<>\"'()（）；。;&])*(?:&amp;|[^\s<>\"'()（）；。;&.,])")


def linked(text: str) -> markupsafe.Markup:
    """The text with its web addresses as links."""
    return markupsafe.Markup(_ADDRESS.sub(lambda match: f'<a href="{match[0]}" rel="noopener">{match[0]}</a>', markup(text)))


def drawing(chart: Chart) -> markupsafe.Markup:
    """The chart's SVG with title and description for those who cannot see it."""
    name = f"chart-{slug(chart.id)}"
    head = markupsafe.Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
        name, str(clean(chart.title)), str(clean(chart.description))
    )
    attributes = f' role="img" aria-labelledby="{name}-title {name}-desc"'
    svg = str(chart.svg)
    start = svg.index(">")
    return markupsafe.Markup(svg[:start] + attributes + ">") + head + markupsafe.Markup(svg[start + 1 :])


def chart_data(chart: Chart) -> markupsafe.Markup:
    """What the interactive form of the chart needs beside the table behind it, as JSON between the single quotes of an attribute;
    empty for a chart that has none.

    `templates/charts.js` reads it; a page of an old release is read by the newest script, so it may only ever get more.
    """
    given = chart.interactive
    if given is None or not chart.points:
        return markupsafe.Markup()
    optional: dict[str, object] = {
        "breaks": [[str(name), code, str(why)] for name, code, why in given.breaks],
        "gaps": given.gaps,
        "most_series": given.most_series,
        "most_places": given.most_places,
        "heads": [[str(line) for line in head] for head in given.heads],
        "tiles": given.tiles,
        "shaded": given.shaded,
        "turned": chart.series_down,
    }
    about: dict[str, object] = {"kind": given.kind, "axes": [[str(axis.title), axis.divisor] for axis in given.axes]}
    about |= {name: value for name, value in optional.items() if value}
    text = clean(json.dumps(about, ensure_ascii=False, separators=(",", ":")))
    # JSON has a double quote at every name: those stay as they are.
    return markupsafe.Markup(html.escape(text, quote=False).replace("'", "&#39;"))


def plain_said(text: str) -> str:
    """Words as text, for an attribute."""
    return text if type(text) is markupsafe.Markup else str(text)


def in_css(text: str) -> markupsafe.Markup:
    """Words between the quotes of a string of CSS, whatever is in them."""
    return markupsafe.Markup("".join(letter if letter.isalnum() else f"\\{ord(letter):x} " for letter in plain_said(text)))


def link_to(address: str) -> markupsafe.Markup:
    """The beginning of a link, for a message that has the words of the link in it."""
    return markupsafe.Markup('<a href="{}">').format(address)


def in_code(text: str) -> markupsafe.Markup:
    return markupsafe.Markup("<code>{}</code>").format(text)


def rows(table: Table, links: Mapping[str, str], base: str) -> markupsafe.Markup:
    """The rows of a table. `links`: observation id -> where it is traced. Written without the template: a release has thousands
    of cells."""
    into, total = markup(base), ' class="total"'
    lines = (
        f"<tr{total if place < table.total_rows else ''}>{''.join([_cell(cell, links, into) for cell in row])}</tr>"
        for place, row in enumerate(table.rows)
    )
    return markupsafe.Markup("\n".join(lines))


def _cell(cell: Cell, links: Mapping[str, str], base: str) -> str:
    marks = _marks(cell.marks) if cell.marks else ""
    # Most figures have neither a title nor small print: words are asked only where there are any.
    told = "" if cell.title == "" else str(cell.title)
    title = f' title="{markup(told)}"' if told else ""
    if cell.is_figure and not cell.is_header:
        has_value = cell.value is not None
        text = markup(cell.text) if has_value else marks
        if to := links.get(cell.id) or ("" if cell.href == "" else markup(cell.href)):
            text = f'<a href="{base}{to}">{text}</a>'
        under = "" if cell.small == "" else markup(cell.small)
        small = f"<small>{under}</small>" if under else ""
        return f'<td class="num"{title}>{text}{marks}{small}</td>' if has_value else f'<td class="num">{text}</td>'
    text = markup(cell.text)
    if to := markup(cell.href):
        text = f'<a href="{base}{to}">{text}</a>'
    if beside := markup(cell.native):
        text += f' <span class="beside" lang="{other_language()}">{beside}</span>'
    return f'<th scope="row"{title}>{text}{marks}</th>' if cell.is_header else f"<td{title}>{text}</td>"


def points_table(chart: Chart, links: Mapping[str, str], base: str) -> markupsafe.Markup:
    """Head and body of the table behind a chart: every point with its exact figure, its marks and the way to its trace.

    Lines are the categories of the chart, columns its series, or turned round where the chart says so. A unit stands over a
    column that has no other; where columns mix units, as the years of several currencies do, it stands beside each line. Written
    without the template, because a release has hundreds of points.
    """
    lines: dict[str, dict[str, str]] = {}
    heads: dict[str, list[str]] = {}
    beside: dict[str, list[str]] = {}
    for point in chart.points:
        line, head = (point.series, point.x) if chart.series_down else (point.x, point.series)
        text = markup(point.text) if point.text else figure_in_words(point.value)
        if to := links.get(point.id):
            text = f'<a href="{markup(base)}{to}">{text}</a>'
        # A figure that was computed of provisional ones has no mark of it.
        state = " data-provisional" if point.provisional and "[p]" not in point.marks else ""
        lines.setdefault(line, {})[head] = f'<td class="num"{state}>{text}{_marks(point.marks)}</td>'
        for place, units in ((head, heads), (line, beside)):
            if point.unit not in units.setdefault(place, []):
                units[place].append(point.unit)
    # Periods read from the first to the last, whatever the order in which series begin.
    names = sorted(lines) if chart.head == "Period" else lines
    columns = sorted(heads) if chart.series_down else list(heads)
    for (x, series), (marks, traced) in chart.absent.items():
        line, head = (series, x) if chart.series_down else (x, series)
        if line in lines and head in heads:
            text, to = _marks(marks), links.get(traced)
            cell = f'<td class="num"><a href="{markup(base)}{to}">{text}</a></td>' if to else f'<td class="num">{text}</td>'
            lines[line].setdefault(head, cell)
    none = f'<td class="num">{_marks((NO_ROW,))}</td>'
    is_over = all(len(units) == 1 for units in heads.values())
    rows = [
        f'<tr><th scope="row">{markup(name)}{"" if is_over else _units(beside[name])}</th>'
        f"{''.join([lines[name].get(head, none) for head in columns])}</tr>"
        for name in names
    ]
    top = "".join(f'<th scope="col" class="num">{markup(name)}{_units(heads[name]) if is_over else ""}</th>' for name in columns)
    first, body = f'<th scope="col">{markup(chart.head)}</th>', "\n".join(rows)
    return markupsafe.Markup(f"<thead><tr>{first}{top}</tr></thead>\n<tbody>\n{body}\n</tbody>")


def _units(units: Sequence[str]) -> str:
    return f"<small>{markup(listed(units))}</small>"


@functools.lru_cache(maxsize=8192)
def _marks(found: tuple[str, ...]) -> str:
    return "".join(f"<abbr>{mark}</abbr>" for mark in found)
