"""The index of all releases, the page of sources, and the feed.

In: the manifests of the releases (keys frequency, period, release_id, as_of, headline, files; edition, supersedes and revision
where they are given) and the derived view, from which the headline series are taken. Out: `index.html` and `sources.html`,
self-contained, and `feed.xml`, with links relative to `data/processed/site/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import pandas as pd

from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish import content, tables, traces
from pipeline.publish.feed import atom_feed
from pipeline.publish.page import FREQUENCY_TITLES, render, source_view
from pipeline.publish.selection import Families, figures, rows_of, select_rows
from pipeline.sources import catalogue
from pipeline.sources.catalogue import Source

_OFFERED = (("summary.xlsx", "workbook"), ("datapackage.json", "data package"))


def build(manifests: list[dict[str, Any]], headline: pd.DataFrame, sources: Sequence[Source] | None = None) -> dict[str, bytes]:
    """`index.html`, `sources.html` and `feed.xml`. `headline`: OBSERVATION_COLUMNS, the view or the annual totals of it."""
    declared = list(catalogue.sources() if sources is None else sources)
    families = Families(declared)
    overview = _overview(manifests, headline, families)
    index = render(
        "site.html.j2",
        groups=[_group(frequency, manifests, families) for frequency in PUBLISHED_FREQUENCIES if _of(manifests, frequency)],
        **overview,
    )
    listing = render("sources.html.j2", source_list=[source_view(item) for item in declared])
    feed = atom_feed([_feed_entry(manifest, families) for manifest in _speaking(manifests)])
    return {"index.html": index.encode(), "sources.html": listing.encode(), "feed.xml": feed}


def _of(manifests: Sequence[Mapping[str, Any]], frequency: str) -> list[Mapping[str, Any]]:
    return [manifest for manifest in manifests if manifest["frequency"] == frequency]


def _speaking(manifests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The release of each period that no other has superseded."""
    by_period: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for manifest in manifests:
        by_period.setdefault((manifest["frequency"], manifest["period"]), []).append(manifest)
    return [_latest_first(group)[0] for group in by_period.values()]


def _feed_entry(manifest: Mapping[str, Any], families: Families) -> dict[str, Any]:
    shown = _entry(manifest["period"], [manifest], families)
    summary = f"{shown['series']}: {shown['cases']} cases, {shown['loss']}" if shown["series"] else shown["label"]
    return {**manifest, "link": shown["link"], "summary": summary}


def _overview(manifests: Sequence[Mapping[str, Any]], view: pd.DataFrame, families: Families) -> dict[str, Any]:
    """Charts and tables of the headline series, up to the newest year that is published."""
    years = [manifest["period"] for manifest in _of(manifests, "annual")]
    if not years or not len(view):
        return {"lede": (), "lead": (), "charts": [], "tables": [], "links": {}, "base": ""}
    newest = Period.parse(max(years))
    found = figures(rows_of(select_rows(view, newest)), newest, families)
    composed = content.overview(newest, found, families)
    return {
        "lede": composed.lede,
        "lead": composed.lead,
        "charts": [item.chart for item in composed.items if item.chart],
        "tables": [item.table for item in composed.items if item.table],
        # The figures stand in the newest release, and lead to its traces.
        "links": traces.links(traces.trace_pages(found)),
        "base": _link(next(item for item in _latest_first(_of(manifests, "annual")) if item["period"] == newest.code), ""),
    }


def _group(frequency: str, manifests: Sequence[Mapping[str, Any]], families: Families) -> dict[str, Any]:
    by_period: dict[str, list[Mapping[str, Any]]] = {}
    for manifest in _of(manifests, frequency):
        by_period.setdefault(manifest["period"], []).append(manifest)
    newest_first = sorted(by_period, key=lambda code: Period.parse(code).start, reverse=True)
    return {
        "id": frequency,
        "title": f"{FREQUENCY_TITLES[frequency]} releases",
        "releases": [_entry(code, by_period[code], families) for code in newest_first],
    }


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
