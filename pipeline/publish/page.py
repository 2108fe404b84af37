"""The pages of a release: content in, self-contained HTML files out, which link to each other and to nothing else.

In: `Content`, the declared sources and snapshots. Out: texts, by the name of the file: the first page, the further tables of its
sections, and the traces of its figures, each in every language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import markupsafe

from pipeline.model import Snapshot
from pipeline.publish import revised_since, traces
from pipeline.publish.content import Content
from pipeline.publish.families import counts_of
from pipeline.publish.languages import LANGUAGES, speaking
from pipeline.publish.measures import counting
from pipeline.publish.methods import METHODS
from pipeline.publish.period_labels import FREQUENCY_TITLES
from pipeline.publish.rendering import render
from pipeline.publish.section_pages import FurtherPage, ShownSection, shown_sections
from pipeline.publish.source_facts import source_view, table_title
from pipeline.publish.texts import slug
from pipeline.publish.traces import TracePage
from pipeline.publish.words import Own, Words, _, day, page_name
from pipeline.sources.catalogue import Source


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
        "revised_since": revised_since.ADDRESS,
        "origin": origin(content.period.code, release_id, known_by),
    }
    links: dict[str, dict[str, str]] = {}
    for code in LANGUAGES:
        with speaking(code):
            links[code] = traces.links(traced)
    sections = shown_sections(content.sections, links)
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
            made = {page.name: _tables_page(section, page, about) for section in sections for page in section.pages}
            for trace in traced:
                source = by_id.get(trace.source)
                with counting(counts_of(source) if source else ""):
                    held = (*snapshots, *earlier)
                    made[trace.name] = _trace_page(trace, traced, source, held, code_version, links[code], about)
            made["index.html"] = render("release.html.j2", "index.html", links=links[code], **shared, **about)
            pages |= {str(page_name(name)): page for name, page in made.items()}
    return pages


def _tables_page(section: ShownSection, page: FurtherPage, about: Mapping[str, Any]) -> str:
    return render("tables.html.j2", page.name, section=section, pages=section.pages, here=page, **about)


def known_by_words(as_of: dt.date | None) -> Words:
    """By which day the figures of a release were known."""
    return _("Figures known by {day}", day=day(as_of)) if as_of else _("All figures known when it was made")


def origin(period: str, release_id: str, as_of_text: str) -> dict[str, str]:
    """What a drawing that leaves the page says of where it was: in words, and for the name of its file."""
    words = _("fraudloss, release {release} of {period}. {known_by}.", release=release_id, period=period, known_by=as_of_text)
    return {"words": words, "name": f"{period}-{release_id}"}


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
        tables=_traced_tables(page, source),
        replaced=_replaced_tables(page, source, links),
        source=view,
        snapshots=view.get("snapshots", ()),
        steps=steps,
        **about,
    )


def _traced_tables(page: TracePage, source: Source | None) -> list[dict[str, Any]]:
    """The figures of each table that the page traces."""
    return [
        {
            "id": f"figures-{slug(table)}",
            "title": table_title(table, source),
            "csv_name": f"{slug(page.source)}_{slug(table)}.csv",
            "rows": len(found),
            "lines": traces.lines(found),
        }
        for table, found in page.lines
    ]


def _replaced_tables(page: TracePage, source: Source | None, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """The figures of each table that were replaced, and those that took their place."""
    return [
        {"title": table_title(table, source), "rows": len(own), "lines": traces.replaced_lines(own, links)}
        for table in sorted({item.row.table for item in page.replaced})
        if (own := [item for item in page.replaced if item.row.table == table])
    ]
