"""The pages of a release: content in, self-contained HTML files out, which link to each other and to nothing else.

In: `Content`, the declared sources and snapshots. Out: texts. Publishers' words pass through automatic escaping; what enters
unescaped is the drawings that `pipeline.publish.charts` made, the lines of `pipeline.publish.traces` and the JSON-LD of
`pipeline.publish.citation`, escaped there, and our own script. A page allows its browser that script and nothing from elsewhere.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import functools
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from pipeline.model import EDITIONS, Period, Snapshot
from pipeline.publish import traces
from pipeline.publish.charts import Chart
from pipeline.publish.content import Content, Item, Section, plain_text
from pipeline.publish.tables import MARKS, NO_ROW, clean, period_label, slug
from pipeline.publish.traces import TracePage
from pipeline.sources.catalogue import Source, are_synthetic

METHODS: tuple[str, ...] = (
    "Where several publications print one figure, all are kept. The declared order of the sources picks the one that leads: the "
    "annual crime book before the rolling monthly file, that before figures quoted by the press. The others stand beside it with "
    "the difference.",
    "A figure that was printed rounded keeps its precision: ± is half of the printed unit. Sums and changes of rounded figures "
    "carry it on.",
    "Nothing is added across an overlay, a break in the classification, two meanings of loss, or a total and its parts.",
    "A change on the year is not computed across a break in the series [b]. A change between a final and a provisional figure "
    "says so.",
    "US dollars are converted at the average rate of the period: months one by one where all of them are known, else at the "
    "average of the months' rates. Losses are in current prices.",
    "Loss per case divides by what its name says: all cases recognised (attempts included), completed cases, or cases with a "
    "loss.",
)
SOURCE_FACTS: tuple[tuple[str, str], ...] = (
    ("publisher", "Publisher"),
    ("unit_of_count", "Counts"),
    ("loss_concept", "Meaning of loss"),
    ("date_basis", "Date of a case"),
    ("coverage", "Coverage"),
    ("calendar", "Expected calendar"),
    ("licence", "Licence"),
    ("attribution", "Attribution"),
    ("owner", "Owner here"),
    ("homepage", "Home page"),
)
FREQUENCY_TITLES = {"annual": "Annual", "quarterly": "Quarterly", "monthly": "Monthly"}
# From the folder of a release.
SITE = "../../../../site"
# Room for tables on a page of a megabyte, with its head, styles, legend and list of sources.
TABLES_BYTES = 800_000
_ADDRESS = re.compile(r"https?://[^\s<>\"'()（）;]+[^\s<>\"'()（）;.,]")


@dataclasses.dataclass(frozen=True)
class FurtherPage:
    """A page with tables of one section that do not stand on the first page."""

    name: str  # of the file
    part: int
    parts: int
    tables: tuple[tuple[str, str], ...]  # (id, title)
    blocks: tuple[markupsafe.Markup, ...]


@dataclasses.dataclass(frozen=True)
class ShownSection:
    """A section as it stands on the first page, and its further pages."""

    id: str
    title: str
    native: str
    lead: tuple[str, ...]
    blocks: tuple[markupsafe.Markup, ...]
    pages: tuple[FurtherPage, ...]


def release_pages(
    content: Content,
    *,
    sources: Sequence[Source],
    snapshots: Sequence[Snapshot],
    as_of: dt.date | None,
    code_version: str,
    release_id: str,
    files: Sequence[tuple[str, str]],
    citation: str,
    json_ld: str,
    traced: Sequence[TracePage],
) -> dict[str, str]:
    """File name -> HTML: `index.html`, the further tables of its sections, and the traces of its figures.

    `files` are (name, description) of the downloads that lie beside them; `json_ld` is safe within a script element.
    """
    about: dict[str, Any] = {
        "content": content,
        "release_id": release_id,
        "as_of_text": f"Figures known by {as_of.isoformat()}" if as_of else "All figures known when it was made",
    }
    about["origin"] = origin(content.period.code, release_id, about["as_of_text"])
    links = traces.links(traced)
    sections = _shown_sections(content.sections, links)
    pages = {
        page.name: render("tables.html.j2", section=section, pages=section.pages, here=page, **about)
        for section in sections
        for page in section.pages
    }
    by_id = {source.id: source for source in sources}
    pages |= {page.name: _trace_page(page, traced, by_id.get(page.source), snapshots, code_version, about) for page in traced}
    pages["index.html"] = render(
        "release.html.j2",
        sections=sections,
        frequency_word=FREQUENCY_TITLES.get(content.period.frequency, content.period.frequency),
        code_version=code_version,
        source_list=[source_view(source, snapshots, traced) for source in sources],
        methods=METHODS,
        files=files,
        citation=citation,
        json_ld=markupsafe.Markup(json_ld),
        links=links,
        **about,
    )
    return pages


def origin(period: str, release_id: str, as_of_text: str) -> dict[str, str]:
    """What a drawing that leaves the page says of where it was: in words, and for the name of its file."""
    return {"words": f"fraudloss, release {release_id} of {period}. {as_of_text}.", "name": f"{period}-{release_id}"}


def _shown_sections(sections: Sequence[Section], links: Mapping[str, str]) -> list[ShownSection]:
    """Main items on the first page as long as there is room; the others on pages of their section."""
    draw, room, shown = parts(links).item, TABLES_BYTES, []
    for section in sections:
        main = [(item, draw(item)) for item in section.items if item.is_main]
        further = [(item, draw(item)) for item in section.items if not item.is_main]
        size = sum(len(block.encode()) for _, block in main)
        if size > room:
            main, further, size = [], [*main, *further], 0
        room -= size
        pages = _further_pages(f"tables_{slug(section.id.removeprefix('series-'))}", further)
        blocks = tuple(block for _, block in main)
        shown.append(ShownSection(section.id, section.title, section.native, section.lead, blocks, pages))
    return shown


def _further_pages(stem: str, drawn: Sequence[tuple[Item, markupsafe.Markup]]) -> tuple[FurtherPage, ...]:
    """As few pages as hold the items in their order."""
    groups: list[list[tuple[Item, markupsafe.Markup]]] = []
    size = 0
    for item, block in drawn:
        if not groups or size + len(block.encode()) > TABLES_BYTES:
            groups.append([])
            size = 0
        groups[-1].append((item, block))
        size += len(block.encode())
    return tuple(
        FurtherPage(
            f"{stem}{f'-{part}' if part > 1 else ''}.html",
            part,
            len(groups),
            tuple((item.table.id, item.table.title) for item, _ in group if item.table),
            tuple(block for _, block in group),
        )
        for part, group in enumerate(groups, 1)
    )


def _trace_page(
    page: TracePage,
    traced: Sequence[TracePage],
    source: Source | None,
    snapshots: Sequence[Snapshot],
    code_version: str,
    about: Mapping[str, Any],
) -> str:
    used = page.snapshots
    held = [snapshot for snapshot in snapshots if snapshot.id in used]
    view = source_view(source, held) if source else {"anchor": slug(page.source), "title": page.source, "facts": [], "link": ""}
    steps = traces.steps(
        page.source,
        is_records=bool(source and source.is_records),
        reader=source.reader if source else "",
        precedence=source.precedence if source else 0,
        code_version=code_version,
    )
    return render(
        "trace.html.j2",
        here=page,
        others=[other.name for other in traced if other.source == page.source and page.parts > 1],
        tables=[
            {
                "id": f"figures-{slug(table)}",
                "title": _table_title(table, source),
                "csv_name": f"{slug(page.source)}_{slug(table)}.csv",
                "rows": len(rows),
                "lines": traces.lines(rows),
            }
            for table, rows in page.tables
        ],
        source=view,
        snapshots=view.get("snapshots", ()),
        steps=steps,
        **about,
    )


def _table_title(table: str, source: Source | None) -> str:
    declared = source.tables.get(table) if source else None
    return clean(declared.title if declared else table.replace("_", " "))


def parts(links: Mapping[str, str], base: str = "") -> Any:
    """The macros of parts.html.j2. `links`: observation id -> where it is traced; `base` stands in front of every link."""
    return environment().get_template("parts.html.j2").make_module(_words(links, base))


def _words(links: Mapping[str, str], base: str) -> dict[str, Any]:
    return {"marks": MARKS, "editions": EDITIONS, "links": links, "base": base}


def render(template: str, *, links: Mapping[str, str] | None = None, base: str = "", **words: Any) -> str:
    """A page from its template; whatever control characters came in with the words are made visible."""
    # Real and made-up sources are never declared together, so one of them tells.
    words |= {"synthetic": are_synthetic()}
    return clean(environment().get_template(template).render(**_words(links or {}, base), **words))


@functools.cache
def environment() -> jinja2.Environment:
    """The templates with escaping always on and unknown names refused."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["drawing"] = drawing
    made.filters["linked"] = linked
    made.filters["points_table"] = points_table
    script = (Path(__file__).parent / "templates" / "page.js").read_text(encoding="utf-8")
    made.globals["script"] = markupsafe.Markup(script)
    made.globals["script_hash"] = f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
    return made


def linked(text: str) -> markupsafe.Markup:
    """The text with its web addresses as links."""
    pieces, end = [], 0
    for match in _ADDRESS.finditer(text):
        address = markupsafe.escape(match[0])
        pieces += [
            markupsafe.escape(text[end : match.start()]),
            markupsafe.Markup(f'<a href="{address}" rel="noopener">{address}</a>'),
        ]
        end = match.end()
    return markupsafe.Markup("").join([*pieces, markupsafe.escape(text[end:])])


def drawing(chart: Chart) -> markupsafe.Markup:
    """The chart's SVG with title and description for those who cannot see it."""
    name = f"chart-{slug(chart.id)}"
    head = markupsafe.Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
        name, clean(chart.title), clean(chart.description)
    )
    attributes = f' role="img" aria-labelledby="{name}-title {name}-desc"'
    start = chart.svg.index(">")
    return markupsafe.Markup(chart.svg[:start] + attributes + ">") + head + markupsafe.Markup(chart.svg[start + 1 :])


def points_table(chart: Chart, links: Mapping[str, str], base: str) -> markupsafe.Markup:
    """Head and body of the table behind a chart: every point with its exact figure, its marks and the way to its trace.

    Lines are the categories of the chart, columns its series, or turned round where the chart says so. Written without the
    template, because a release has hundreds of points.
    """
    lines: dict[str, dict[str, str]] = {}
    heads: dict[str, str] = {}
    for point in chart.points:
        line, head = (point.series, point.x) if chart.series_down else (point.x, point.series)
        text = _escaped(point.text) if point.text else f"{point.value:g}"
        if to := links.get(point.id):
            text = f'<a href="{_escaped(base)}{to}">{text}</a>'
        lines.setdefault(line, {})[head] = f'<td class="num">{text}{_marks(point.marks)}</td>'
        heads.setdefault(head, point.unit)
    # Periods read from the first to the last, whatever the order in which series begin.
    names = sorted(lines) if chart.head == "Period" else lines
    columns = sorted(heads) if chart.series_down else list(heads)
    none = f'<td class="num">{_marks((NO_ROW,))}</td>'
    rows = [
        f'<tr><th scope="row">{_escaped(name)}</th>{"".join([lines[name].get(head, none) for head in columns])}</tr>'
        for name in names
    ]
    top = "".join(f'<th scope="col" class="num">{_escaped(name)}<small>{_escaped(heads[name])}</small></th>' for name in columns)
    first, body = f'<th scope="col">{_escaped(chart.head)}</th>', "\n".join(rows)
    return markupsafe.Markup(f"<thead><tr>{first}{top}</tr></thead>\n<tbody>\n{body}\n</tbody>")


@functools.lru_cache(maxsize=8192)
def _marks(found: tuple[str, ...]) -> str:
    return "".join(f"<abbr>{mark}</abbr>" for mark in found)


@functools.lru_cache(maxsize=8192)
def _escaped(text: str) -> str:
    return html.escape(clean(text))


def source_view(source: Source, snapshots: Sequence[Snapshot] = (), traced: Sequence[TracePage] = ()) -> dict[str, Any]:
    """What a page says of a source: facts, breaks, caveats, the snapshots that were used, and the traces of its tables."""
    homepage = str(source.meta.get("homepage", ""))
    return {
        "anchor": slug(source.id),
        "title": clean(f"{source.title} ({source.id})"),
        "title_ja": clean(source.meta.get("title_ja", "")),
        "page": f"{SITE}/{source_page_name(source.id)}" if traced else "",
        "facts": [(words, clean(text)) for key, words in SOURCE_FACTS if (text := plain_text(source.meta.get(key)))],
        # A link must lead to the web and nowhere else: no publisher's text becomes a script.
        "link": homepage if homepage.startswith(("https://", "http://")) else "",
        "breaks": [_break_text(entry) for entry in source.breaks],
        "caveats": [clean(plain_text(line)) for line in _as_list(source.meta.get("caveats"))],
        "traces": [
            (f"{page.name}#figures-{slug(table)}", _table_title(table, source))
            for page in traced
            if page.source == source.id
            for table, _ in page.tables
        ],
        "snapshots": [
            {"id": clean(item.id), "text": _snapshot_text(item)}
            for item in sorted(snapshots, key=lambda s: s.order)
            if item.source == source.id
        ],
    }


def source_page_name(source_id: str) -> str:
    """The file of the site about a source."""
    return f"source_{slug(source_id)}.html"


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _break_text(entry: Mapping[str, Any]) -> str:
    which = entry.get("native_types") or entry.get("measures")
    what = "all figures" if entry.get("all") or not which else plain_text(which)
    when = _period_words(str(entry.get("from", "")))
    text = f"{entry.get('table', 'all tables')}, from {when}, {what}: {plain_text(entry.get('reason'))}"
    evidence = plain_text(entry.get("evidence"))
    return clean(f"{text}. Evidence: {evidence}" if evidence else text)


def _period_words(code: str) -> str:
    return period_label(code) if code and _is_period(code) else code


def _is_period(code: str) -> bool:
    try:
        Period.parse(code)
    except ValueError:
        return False
    except Exception:  # UsageError: the declaration may use words
        return False
    return True


def _snapshot_text(item: Snapshot) -> str:
    published = f", published {item.published}" if item.published else ""
    late = ", loaded after the fact" if item.retrospective else ""
    return clean(
        f"{item.file}{published}, known from {item.known_at.isoformat()}{late}, {item.edition}. "
        f"From: {item.origin}. sha256 {item.sha256}"
    )
