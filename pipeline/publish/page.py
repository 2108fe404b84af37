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
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from pipeline.model import EDITIONS, TOTAL, Period, Snapshot
from pipeline.publish import traces
from pipeline.publish.charts import Chart, figure_in_words
from pipeline.publish.content import Content, Item, Section
from pipeline.publish.families import publisher
from pipeline.publish.labels import edition_word, in_both
from pipeline.publish.marks import MARKS, NO_ROW
from pipeline.publish.measures import counting
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import source_title
from pipeline.publish.tables import Cell, Table
from pipeline.publish.texts import clean, declared_text, plain_text, slug
from pipeline.publish.traces import TracePage
from pipeline.publish.words import (
    LANGUAGES,
    Own,
    Words,
    _,
    day,
    declared,
    file_name,
    language,
    listed,
    markup,
    ngettext,
    only_english,
    other_language,
    page_name,
    said,
    speaking,
)
from pipeline.sources.catalogue import Source, are_synthetic

METHODS: tuple[str, ...] = (
    _(
        "Where several publications print one figure, all are kept. The declared order of the sources picks the one that "
        "leads: the annual crime book before the rolling monthly file, that before figures quoted by the press. The others "
        "stand beside it with the difference."
    ),
    _(
        "A figure that was printed rounded keeps its precision: ± is half of the printed unit. What is computed from rounded "
        "figures is shown without ±; the files carry the bound of its error."
    ),
    _("Nothing is added across an overlay, a break in the classification, two meanings of loss, or a total and its parts."),
    _(
        "A change on the year is not computed across a break in the series [b]. A change between a final and a provisional "
        "figure says so."
    ),
    _(
        "US dollars are converted at the average rate of the period: months one by one where all of them are known, else at "
        "the average of the months' rates. Losses are in current prices."
    ),
    _(
        "Loss per case or report divides by what its name says: all of them (attempts included), those completed, those with a "
        "loss, or those whose loss is known."
    ),
)
SOURCE_FACTS: tuple[tuple[str, str], ...] = (
    ("publisher", _("Publisher")),
    ("unit_of_count", _("Counts")),
    ("loss_concept", _("Meaning of loss")),
    ("date_basis", _("Date of a case or report")),
    ("coverage", _("Coverage")),
    ("calendar", _("Expected calendar")),
    ("licence", _("Licence")),
    ("attribution", _("Attribution")),
    ("owner", _("Owner here")),
    ("homepage", _("Home page")),
)
FREQUENCY_TITLES = {"annual": _("Annual"), "quarterly": _("Quarterly"), "monthly": _("Monthly")}
# From the folder of a release.
SITE = "../../../../site"
# Room for tables on a page of a megabyte, with its head, styles, legend and list of sources.
TABLES_BYTES = 800_000
# In escaped text: what a reader would take for an address, and no punctuation after it.
_ADDRESS = re.compile(r"https?://(?:&amp;|[^\s<>\"'()（）；。;&])*(?:&amp;|[^\s<>\"'()（）；。;&.,])")


@dataclasses.dataclass(frozen=True)
class Block:
    """An item of a section, drawn in every language."""

    item: Item
    drawn: Mapping[str, markupsafe.Markup]

    @functools.cached_property
    def size(self) -> int:
        """Bytes in the language that needs most: pages are divided alike in all of them."""
        return max(len(text.encode()) for text in self.drawn.values())

    def __html__(self) -> str:
        return self.drawn[language()]


@dataclasses.dataclass(frozen=True)
class FurtherPage:
    """A page with tables of one section that do not stand on the first page."""

    name: str  # of the file
    part: int
    parts: int
    tables: tuple[tuple[str, str], ...]  # (id, title)
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class ShownSection:
    """A section as it stands on the first page, and its further pages."""

    id: str
    title: str
    native: str
    lead: tuple[str, ...]
    blocks: tuple[Block, ...]
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
    earlier: Sequence[Snapshot] = (),
) -> dict[str, str]:
    """File name -> HTML: `index.html`, the further tables of its sections, and the traces of its figures, in every language.

    `earlier` are the snapshots of figures that were replaced.
    `files` are (name, description) of the downloads that lie beside them; `json_ld` is safe within a script element.
    """
    known_by = known_by_words(as_of)
    about: dict[str, Any] = {
        "content": content,
        "release_id": release_id,
        "as_of_text": known_by,
        "origin": origin(content.period.code, release_id, known_by),
    }
    links: dict[str, dict[str, str]] = {}
    for code in LANGUAGES:
        with speaking(code):
            links[code] = traces.links(traced)
    sections = _shown_sections(content.sections, links)
    by_id = {source.id: source for source in sources}
    shared: dict[str, Any] = {
        "sections": sections,
        "frequency_word": FREQUENCY_TITLES.get(content.period.frequency, content.period.frequency),
        "code_version": code_version,
        "source_list": [source_view(source, snapshots, traced) for source in sources],
        "methods": METHODS,
        "files": files,
        "citation": citation,
        "json_ld": markupsafe.Markup(json_ld),
    }
    pages: dict[str, str] = {}
    for code in LANGUAGES:
        with speaking(code):
            for section in sections:
                for page in section.pages:
                    name = str(page_name(page.name))
                    pages[name] = render("tables.html.j2", page.name, section=section, pages=section.pages, here=page, **about)
            for trace in traced:
                source = by_id.get(trace.source)
                with counting(source.country if source else ""):
                    made = _trace_page(trace, traced, source, (*snapshots, *earlier), code_version, links[code], about)
                pages[str(page_name(trace.name))] = made
            pages[str(page_name("index.html"))] = render("release.html.j2", "index.html", links=links[code], **shared, **about)
    return pages


def known_by_words(as_of: dt.date | None) -> Words:
    """By which day the figures of a release were known."""
    return _("Figures known by {day}", day=day(as_of)) if as_of else _("All figures known when it was made")


def origin(period: str, release_id: str, as_of_text: str) -> dict[str, str]:
    """What a drawing that leaves the page says of where it was: in words, and for the name of its file."""
    words = _("fraudloss, release {release} of {period}. {known_by}.", release=release_id, period=period, known_by=as_of_text)
    return {"words": words, "name": f"{period}-{release_id}"}


def _shown_sections(sections: Sequence[Section], links: Mapping[str, Mapping[str, str]]) -> list[ShownSection]:
    """Main items on the first page as long as there is room; the others on pages of their section. `links`: for each language."""
    room, shown = TABLES_BYTES, []
    for section, blocks in zip(sections, drawn_items(sections, links), strict=True):
        main = [block for block in blocks if block.item.is_main]
        further = [block for block in blocks if not block.item.is_main]
        size = sum(block.size for block in main)
        if size > room:
            main, further, size = [], [*main, *further], 0
        room -= size
        pages = _further_pages(f"tables_{slug(section.id.removeprefix('series-'))}", further)
        shown.append(ShownSection(section.id, section.title, section.native, section.lead, tuple(main), pages))
    return shown


def drawn_items(sections: Sequence[Section], links: Mapping[str, Mapping[str, str]]) -> list[list[Block]]:
    """The items of each section, in every language. `links`: for each language, observation id -> where it is traced."""
    drawn: list[list[dict[str, markupsafe.Markup]]] = [[{} for __ in section.items] for section in sections]
    for code in LANGUAGES:
        with speaking(code):
            draw = parts(links.get(code, {})).item
            for section, made in zip(sections, drawn, strict=True):
                for item, block in zip(section.items, made, strict=True):
                    block[code] = draw(item)
    return [
        [Block(item, block) for item, block in zip(section.items, made, strict=True)]
        for section, made in zip(sections, drawn, strict=True)
    ]


def _further_pages(stem: str, blocks: Sequence[Block]) -> tuple[FurtherPage, ...]:
    """As few pages as hold the items in their order."""
    groups: list[list[Block]] = []
    size = 0
    for block in blocks:
        if not groups or size + block.size > TABLES_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(block)
        size += block.size
    return tuple(
        FurtherPage(
            f"{stem}{f'-{part}' if part > 1 else ''}.html",
            part,
            len(groups),
            tuple((block.item.table.id, block.item.table.title) for block in group if block.item.table),
            tuple(group) if len(group) > 1 else (_opened(group[0]),),
        )
        for part, group in enumerate(groups, 1)
    )


def _opened(block: Block) -> Block:
    """The only table of a page is open: whoever came there has asked for it."""
    if not block.item.collapsed:
        return block
    drawn = {code: str(text).replace("<details>", "<details open>", 1) for code, text in block.drawn.items()}
    return Block(block.item, {code: markupsafe.Markup(text) for code, text in drawn.items()})


def _trace_page(
    page: TracePage,
    traced: Sequence[TracePage],
    source: Source | None,
    snapshots: Sequence[Snapshot],
    code_version: str,
    links: Mapping[str, str],
    about: Mapping[str, Any],
) -> str:
    used = page.snapshots
    held = [snapshot for snapshot in snapshots if snapshot.id in used]
    unknown = {"anchor": slug(page.source), "title": Own(page.source), "facts": [], "link": ""}
    view = source_view(source, held) if source else unknown
    steps = traces.steps(
        page.source,
        is_records=bool(source and source.is_records),
        reader=source.reader if source else "",
        precedence=source.precedence if source else 0,
        code_version=code_version,
    )
    return render(
        "trace.html.j2",
        page.name,
        here=page,
        others=[other.name for other in traced if other.source == page.source and page.parts > 1],
        tables=[
            {
                "id": f"figures-{slug(table)}",
                "title": _table_title(table, source),
                "csv_name": f"{slug(page.source)}_{slug(table)}.csv",
                "rows": len(found),
                "lines": traces.lines(found),
            }
            for table, found in page.lines
        ],
        replaced=[
            {"title": _table_title(table, source), "rows": len(own), "lines": traces.replaced_lines(own, links)}
            for table in sorted({item.row.table for item in page.replaced})
            if (own := [item for item in page.replaced if item.row.table == table])
        ],
        source=view,
        snapshots=view.get("snapshots", ()),
        steps=steps,
        **about,
    )


def _table_title(table: str, source: Source | None) -> str:
    found = source.tables.get(table) if source else None
    return in_both(found.title, found.title_ja) if found else declared(clean(table.replace("_", " ")))


def parts(links: Mapping[str, str], base: str = "") -> Any:
    """The macros of parts.html.j2. `links`: observation id -> where it is traced; `base` stands in front of every link."""
    return environment().get_template("parts.html.j2").make_module(_words(links, base))


def _words(links: Mapping[str, str], base: str) -> dict[str, Any]:
    return {
        "marks": MARKS,
        "editions": EDITIONS,
        "edition_word": edition_word,
        "links": links,
        "base": base,
        "language": language(),
        "filter_words": str(_("{shown} of {all} rows", shown="{shown}", all="{all}")),
        "other_language": other_language(),
    }


def render(template: str, name: str, *, links: Mapping[str, str] | None = None, base: str = "", **words: Any) -> str:
    """A page from its template, in the language that is spoken; `name` is the file of the English one.

    Whatever control characters came in with the words are made visible.
    """
    # Real and made-up sources are never declared together, so one of them tells.
    words |= {"synthetic": are_synthetic()}
    others = [(code, title, file_name(name, code)) for code, title in LANGUAGES.items()]
    return clean(environment().get_template(template).render(**_words(links or {}, base), languages=others, **words))


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
    made.globals |= {"_": said, "ngettext": ngettext, "declared": declared, "listed": listed, "page_name": page_name}
    made.globals |= {"link_to": _link_to, "link_end": markupsafe.Markup("</a>"), "code": _code}
    made.filters["said"] = _plain
    made.filters["in_css"] = _in_css
    made.filters["rows"] = rows
    made.filters["drawing"] = drawing
    made.filters["linked"] = linked
    made.filters["points_table"] = points_table
    script = (Path(__file__).parent / "templates" / "page.js").read_text(encoding="utf-8")
    made.globals["script"] = markupsafe.Markup(script)
    made.globals["script_hash"] = f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
    return made


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


def _plain(text: str) -> str:
    """Words as text, for an attribute."""
    return text if type(text) is markupsafe.Markup else str(text)


def _in_css(text: str) -> markupsafe.Markup:
    """Words between the quotes of a string of CSS, whatever is in them."""
    return markupsafe.Markup("".join(letter if letter.isalnum() else f"\\{ord(letter):x} " for letter in _plain(text)))


def _link_to(address: str) -> markupsafe.Markup:
    """The beginning of a link, for a message that has the words of the link in it."""
    return markupsafe.Markup('<a href="{}">').format(address)


def _code(text: str) -> markupsafe.Markup:
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
        lines.setdefault(line, {})[head] = f'<td class="num">{text}{_marks(point.marks)}</td>'
        for place, units in ((head, heads), (line, beside)):
            if point.unit not in units.setdefault(place, []):
                units[place].append(point.unit)
    # Periods read from the first to the last, whatever the order in which series begin.
    names = sorted(lines) if chart.head == "Period" else lines
    columns = sorted(heads) if chart.series_down else list(heads)
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


def source_view(source: Source, snapshots: Sequence[Snapshot] = (), traced: Sequence[TracePage] = ()) -> dict[str, Any]:
    """What a page says of a source: facts, breaks, caveats, the snapshots that were used, and the traces of its tables."""
    homepage = str(source.meta.get("homepage", ""))
    return {
        "anchor": slug(source.id),
        "title": _("{title} ({code})", title=source_title(source), code=Own(source.id)),
        "title_ja": only_english(clean(source.meta.get("title_ja", ""))),
        "page": page_name(f"{SITE}/{source_page_name(source.id)}") if traced else "",
        "facts": [(words, _fact(source, key)) for key, words in SOURCE_FACTS if plain_text(source.meta.get(key))],
        # A link must lead to the web and nowhere else: no publisher's text becomes a script.
        "link": homepage if homepage.startswith(("https://", "http://")) else "",
        "breaks": [_break_text(entry, source) for entry in source.breaks],
        "caveats": [declared_text(line) for line in _as_list(source.meta.get("caveats"))],
        "traces": [line for page in traced if page.source == source.id for line in _traces(page, source)],
        "snapshots": [
            {"id": clean(item.id), "text": _snapshot_text(item)}
            for item in sorted(snapshots, key=lambda s: s.order)
            if item.source == source.id
        ],
    }


def _traces(page: TracePage, source: Source) -> list[tuple[str, str]]:
    """Where the tables of a page of traces stand, and what they are called."""
    made = [(page_name(f"{page.name}#figures-{slug(table)}"), _table_title(table, source)) for table, __ in page.tables]
    return [*made, *([(page_name(f"{page.name}#replaced"), _("Figures that were replaced"))] if page.replaced else [])]


def _fact(source: Source, key: str) -> str:
    if key == "publisher":
        return publisher(source)
    return declared_text(source.meta[key]) if key not in ("owner", "homepage") else Own(clean(plain_text(source.meta[key])))


def source_page_name(source_id: str) -> str:
    """The file of the site about a source."""
    return f"source_{slug(source_id)}.html"


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _break_text(entry: Mapping[str, Any], source: Source) -> Words:
    which = _as_list(entry.get("native_types") or entry.get("measures"))
    named = (_("all types together") if name == TOTAL else Own(clean(plain_text(name))) for name in which)
    text = _(
        "{table}, from {period}, {what}: {reason}",
        table=_table_title(str(entry["table"]), source) if entry.get("table") else _("all tables"),
        period=_period_words(str(entry.get("from", ""))),
        what=_("all figures") if entry.get("all") or not which else listed(named),
        reason=declared_text(entry.get("reason")),
    )
    evidence = entry.get("evidence")
    return _("{sentence}. Evidence: {evidence}", sentence=text, evidence=declared_text(evidence)) if evidence else text


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


def _snapshot_text(item: Snapshot) -> Words:
    said: list[str] = [Own(clean(item.file))]
    said += [_("published {day}", day=Own(item.published))] if item.published else []
    said += [_("known from {day}", day=item.known_at.isoformat())]
    said += [_("loaded after the fact")] if item.retrospective else []
    said += [edition_word(item.edition)]
    return _(
        "{file}. From: {origin}. sha256 {sha256}", file=listed(said), origin=declared(clean(item.origin)), sha256=Own(item.sha256)
    )
