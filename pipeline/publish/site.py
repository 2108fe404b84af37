"""The site around the releases: their index, a page for each source, pages on quality and methods, and the feed.

In: the manifests of the releases (keys frequency, period, release_id, as_of, headline, files; edition, supersedes and revision
where they are given), the derived view, from which the headline series are taken, the evidence behind it, and the records of all
releases of each period (pipeline.publish.period), which tell of corrections and of what was withdrawn. Out: self-contained
pages, and `feed.xml`, with links relative to `data/processed/site/`. The site speaks as of the newest day on which something that
it shows became known; it reads no clock.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import pandas as pd

from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish import content, tables, traces
from pipeline.publish.comparison import comparison_page
from pipeline.publish.content import Section
from pipeline.publish.evidence import Evidence
from pipeline.publish.feed import atom_feed
from pipeline.publish.freshness import freshness_of
from pipeline.publish.methods import method_sections
from pipeline.publish.page import FREQUENCY_TITLES, ShownSection, origin, parts, render, source_page_name, source_view
from pipeline.publish.period import announced, reason_words, withdrawn
from pipeline.publish.quality import quality_sections
from pipeline.publish.revisions import HeadlineHistory, Histories, headline_histories
from pipeline.publish.selection import Families, Figure, figures, rows_of, select_rows
from pipeline.publish.source_pages import source_sections
from pipeline.sources import catalogue
from pipeline.sources.catalogue import Source

_OFFERED = (("summary.xlsx", "workbook"), ("datapackage.json", "data package"))


def build(
    manifests: list[dict[str, Any]],
    view: pd.DataFrame,
    sources: Sequence[Source] | None = None,
    evidence: Evidence | None = None,
    records: Sequence[Mapping[str, Any]] = (),
) -> dict[str, bytes]:
    """File name -> content. `view`: OBSERVATION_COLUMNS, every figure of all sources. `records`: of the periods."""
    declared = list(catalogue.sources() if sources is None else sources)
    families, evidence = Families(declared), evidence or Evidence()
    day = max(view["known_at"], default=None)
    newest = _newest_year(manifests, view, families)
    overview = _overview(manifests, newest, families)
    pages = {
        "quality.html": _tables_page(
            "Quality",
            "品質",
            "How complete, timely, consistent and revised the figures are, computed from what was delivered and judged.",
            quality_sections(
                declared,
                view,
                evidence,
                _histories(newest, evidence, families),
                families,
                day,
                {item["period"] for item in manifests},
            )
            if day
            else [],
        ),
        "methods.html": _tables_page(
            "Methods and definitions",
            "方法と定義",
            "Every word, code and rule below is read from the declarations that the code itself uses.",
            method_sections(evidence.derivation_steps),
        ),
    }
    pages["comparison.html"] = _comparison(view, manifests, families)
    for source in declared:
        figures = view[(view["source"] == source.id).to_numpy(bool)]
        pages[source_page_name(source.id)] = render(
            "site_source.html.j2",
            source=source_view(source),
            sections=_drawn(source_sections(source, figures, evidence, day)) if day else [],
            traces=[(overview["base"] + page.name, page) for page in overview["traced"] if page.source == source.id],
            newest=newest.period if newest else None,
        )
    index = render(
        "site.html.j2",
        groups=[
            _group(frequency, manifests, families, records) for frequency in PUBLISHED_FREQUENCIES if _of(manifests, frequency)
        ],
        withdrawals=[_withdrawal(record) for record in records if withdrawn(record)],
        **overview,
    )
    pages |= {"index.html": index, "sources.html": _listing(declared, view, day)}
    corrected = {(record["frequency"], record["period"]): announced(record) for record in records}
    entries = [
        _feed_entry(manifest, families, corrected.get((manifest["frequency"], manifest["period"])))
        for manifest in _speaking(manifests)
    ]
    feed = atom_feed([*entries, *(_withdrawal(record) for record in records if withdrawn(record))])
    return {**{name: text.encode() for name, text in pages.items()}, "feed.xml": feed}


def _listing(sources: Sequence[Source], view: pd.DataFrame, day: dt.date | None) -> str:
    lines = []
    for source in sources:
        figures = view[(view["source"] == source.id).to_numpy(bool)]
        found = freshness_of(figures, source, day) if day else None
        shown = source_view(source)
        lines.append(
            {
                **shown,
                "href": source_page_name(source.id),
                "country": tables.country_name(source.country),
                "counts": tables.clean(content.plain_text(source.meta.get("unit_of_count"))),
                "licence": tables.clean(content.plain_text(source.meta.get("licence"))),
                "newest": found.newest.isoformat() if found and found.newest else "–",
                "state": "–" if not found or not found.newest else "up to date" if found.is_fresh else "late",
            }
        )
    return render("sources.html.j2", source_list=lines, day=day.isoformat() if day else "")


def _tables_page(title: str, native: str, lede: str, sections: Sequence[Section]) -> str:
    return render("site_tables.html.j2", title=title, native=native, lede=lede, sections=_drawn(sections))


def _comparison(view: pd.DataFrame, manifests: Sequence[Mapping[str, Any]], families: Families) -> str:
    annual = [manifest for manifest in _speaking(manifests) if manifest["frequency"] == "annual"]
    made = comparison_page(view, annual, families, {manifest["period"]: _link(manifest, "") for manifest in annual})
    words = "; ".join(f"{item['release_id']} of {item['period']}" for item in made.releases)
    days = [str(item["as_of"]) for item in made.releases if item.get("as_of")]
    name = "-".join(item["period"] for item in made.releases)
    about: dict[str, Any] = {}
    if days:
        about["origin"] = {"words": f"fraudloss, releases {words}. Figures known by {max(days)}.", "name": name}
    return render(
        "site_tables.html.j2",
        title="Countries side by side",
        native="各国比較",
        lede="What each publisher counts, in its own currency and in US dollars, over the years, and what keeps it apart.",
        sections=_drawn(made.sections, made.links),
        **about,
    )


def _drawn(sections: Sequence[Section], links: Mapping[str, str] | None = None) -> list[ShownSection]:
    """Sections of the site; `links`: of their figures, to the releases."""
    draw = parts(links or {}).item
    return [
        ShownSection(section.id, section.title, section.native, section.lead, tuple(draw(item) for item in section.items), ())
        for section in sections
    ]


def _of(manifests: Sequence[Mapping[str, Any]], frequency: str) -> list[Mapping[str, Any]]:
    return [manifest for manifest in manifests if manifest["frequency"] == frequency]


def _speaking(manifests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The release of each period that no other has superseded."""
    by_period: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for manifest in manifests:
        by_period.setdefault((manifest["frequency"], manifest["period"]), []).append(manifest)
    return [_latest_first(group)[0] for group in by_period.values()]


def _withdrawal(record: Mapping[str, Any]) -> dict[str, Any]:
    """A period without figures, as the index and the feed tell of it."""
    ended = withdrawn(record) or {}
    return {
        "frequency": record["frequency"],
        "period": record["period"],
        "label": tables.period_label(record["period"]),
        "native": tables.period_japanese(record["period"]),
        "release_id": ended["release_id"],
        "as_of": ended["since"],
        "withdrawn": True,
        "why": reason_words(ended["reasons"]),
        "snapshots": ended["snapshots"],
        "revision": {"reasons": ended["reasons"]},
        "link": _period_link(record),
        "summary": "Withdrawn: no release speaks for this period any more. The last one can still be read",
    }


def _period_link(record: Mapping[str, Any]) -> str:
    """The page of all releases of a period."""
    return f"../releases/{quote(str(record['frequency']), safe='')}/{quote(str(record['period']), safe='')}/index.html"


def _feed_entry(manifest: Mapping[str, Any], families: Families, told: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = _entry(manifest["period"], [manifest], families)
    summary = f"{shown['series']}: {shown['cases']} cases, {shown['loss']}" if shown["series"] else shown["label"]
    corrections = told["corrections"] if told else []
    corrected_by = told["release_id"] if told and "declared_correction" in told["reasons"] else ""
    return {**manifest, "link": shown["link"], "summary": summary, "corrections": corrections, "corrected_by": corrected_by}


@dataclasses.dataclass(frozen=True)
class _Year:
    """The newest year that is published, with what its release shows."""

    period: Period
    rows: pd.DataFrame
    figures: list[Figure]


def _newest_year(manifests: Sequence[Mapping[str, Any]], view: pd.DataFrame, families: Families) -> _Year | None:
    years = [manifest["period"] for manifest in _of(manifests, "annual")]
    if not years or not len(view):
        return None
    period = Period.parse(max(years))
    rows = select_rows(view, period)
    return _Year(period, rows, figures(rows_of(rows), period, families))


def _histories(newest: _Year | None, evidence: Evidence, families: Families) -> list[HeadlineHistory]:
    """The vintages of the annual headline figures."""
    if newest is None or not len(evidence.vintages):
        return []
    known = Histories(evidence.revisions, evidence.vintages, evidence.records).of_release(newest.rows, newest.period)
    return headline_histories(newest.period, newest.figures, known, families)


def _overview(manifests: Sequence[Mapping[str, Any]], newest: _Year | None, families: Families) -> dict[str, Any]:
    """Charts and tables of the headline series, up to the newest year that is published."""
    if newest is None:
        return {"lede": (), "lead": (), "charts": [], "tables": [], "links": {}, "base": "", "traced": []}
    composed = content.overview(newest.period, newest.figures, families)
    traced = traces.trace_pages(newest.figures)
    release = next(item for item in _latest_first(_of(manifests, "annual")) if item["period"] == newest.period.code)
    return {
        "lede": composed.lede,
        "lead": composed.lead,
        "charts": [item.chart for item in composed.items if item.chart],
        "tables": [item.table for item in composed.items if item.table],
        # The figures stand in the newest release, and lead to its traces.
        "traced": traced,
        "links": traces.links(traced),
        "base": _link(release, ""),
        "origin": origin(newest.period.code, release["release_id"], f"Figures known by {release.get('as_of') or '–'}"),
    }


def _group(
    frequency: str, manifests: Sequence[Mapping[str, Any]], families: Families, records: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    by_period: dict[str, list[Mapping[str, Any]]] = {}
    for manifest in _of(manifests, frequency):
        by_period.setdefault(manifest["period"], []).append(manifest)
    newest_first = sorted(by_period, key=lambda code: Period.parse(code).start, reverse=True)
    histories = {record["period"]: record for record in records if record["frequency"] == frequency}
    return {
        "id": frequency,
        "title": f"{FREQUENCY_TITLES[frequency]} releases",
        "releases": [
            {**_entry(code, by_period[code], families), "history": _history_link(histories.get(code))} for code in newest_first
        ],
    }


def _history_link(record: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Where all releases of the period stand. Their number is told there: the site does not depend on what spoke before."""
    return (_period_link(record), "all releases") if record else None


def _entry(code: str, manifests: Sequence[Mapping[str, Any]], families: Families) -> dict[str, Any]:
    """One period: the release that speaks, and those that it superseded."""
    current, *earlier = _latest_first(manifests)
    headline = current.get("headline") or {}
    family = str(headline.get("family", ""))
    loss = _decimal(headline.get("loss"))
    cases = _decimal(headline.get("cases"))
    unit = str(headline.get("unit", "JPY"))
    cumulative = headline.get("period") not in (None, "", code)
    series = tables.family_title(family, families)[0] if family else ""
    if cumulative:
        series += f": {tables.period_label(str(headline['period']))}"
    return {
        "label": tables.period_label(code),
        "native": tables.period_japanese(code),
        "link": _link(current, "index.html"),
        "series": tables.clean(series),
        "cases": tables.number_text(cases, "cases") if cases is not None else "[x]",
        "loss": tables.english_money(loss, unit) if loss is not None else "[x]",
        "loss_small": tables.short_money(loss, unit).split(" · ")[0] if loss is not None else "",
        "edition": str(current.get("edition") or headline.get("edition") or "unknown"),
        "as_of": tables.clean(current.get("as_of") or "–"),
        "files": [(words, _link(current, name)) for name, words in _OFFERED if name in current.get("files", ())],
        "earlier": [
            (_link(manifest, "index.html"), f"known by {manifest.get('as_of') or '–'} ({manifest['release_id']})")
            for manifest in earlier
        ],
    }


def _latest_first(manifests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The releases of one period, the one that speaks in front."""
    superseded = {name for manifest in manifests for name in _as_list(manifest.get("supersedes"))}
    return sorted(
        manifests,
        key=lambda m: (m["release_id"] not in superseded, str(m.get("as_of") or "9999"), m["release_id"]),
        reverse=True,
    )


def _link(manifest: Mapping[str, Any], name: str) -> str:
    parts = [str(manifest["frequency"]), str(manifest["period"]), str(manifest["release_id"]), name]
    return "../releases/" + "/".join(quote(part, safe="") for part in parts)


def _as_list(value: Any) -> list[str]:
    return [] if not value else [value] if isinstance(value, str) else [str(item) for item in value]


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None
