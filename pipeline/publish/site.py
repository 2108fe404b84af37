"""The site around the releases: their index, a page for each source, pages on quality and methods, and the feed.

In: the manifests of the releases (keys frequency, period, release_id, as_of, headline, files; edition, supersedes and revision
where they are given), the derived view, from which the headline series are taken, the evidence behind it, and the records of all
releases of each period (pipeline.publish.period), which tell of corrections and of what was withdrawn. Out: self-contained
pages, and the feeds, with links relative to `data/processed/site/`. The site speaks as of the newest day on which something that
it shows became known; it reads no clock.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pandas as pd

from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish import traces
from pipeline.publish.comparison import comparison_page
from pipeline.publish.content import Section
from pipeline.publish.evidence import Evidence
from pipeline.publish.families import Families
from pipeline.publish.feed import atom_feed, feed_name
from pipeline.publish.figures import Figure, figures, rows_of
from pipeline.publish.freshness import freshness_of
from pipeline.publish.labels import country_name
from pipeline.publish.languages import LANGUAGES, file_name, speaking
from pipeline.publish.marks import NO_ROW
from pipeline.publish.measures import counted, counting
from pipeline.publish.methods import NAMES, method_sections
from pipeline.publish.number_texts import hundred_millions, number_text, spoken_money
from pipeline.publish.overview import compose_overview
from pipeline.publish.page import origin
from pipeline.publish.period import announced, reason_words, withdrawn
from pipeline.publish.period_labels import FREQUENCY_TITLES, period_japanese, period_label
from pipeline.publish.quality import quality_sections
from pipeline.publish.rendering import render
from pipeline.publish.revisions import HeadlineHistory, Histories, headline_histories
from pipeline.publish.section_pages import ShownSection, drawn_items
from pipeline.publish.selection import select_rows
from pipeline.publish.series_titles import titled_by_country
from pipeline.publish.source_facts import source_page_name, source_view
from pipeline.publish.source_pages import source_sections
from pipeline.publish.texts import clean, declared_text
from pipeline.publish.words import _, listed, only_english, page_name
from pipeline.publish.words import day as words_of_day
from pipeline.sources import catalogue
from pipeline.sources.catalogue import Source

_QUALITY = _(
    "How complete, timely, consistent and revised the figures are, computed from the files that were received and the checks of "
    "them."
)
_METHODS = _(
    "The words, codes and lists below are read from the declarations that the code itself uses; the rules and formulas say what "
    "it does."
)
_OFFERED = (("summary.xlsx", _("workbook")), ("datapackage.json", _("data package")))


def build(
    manifests: list[dict[str, Any]],
    view: pd.DataFrame,
    sources: Sequence[Source] | None = None,
    evidence: Evidence | None = None,
    records: Sequence[Mapping[str, Any]] = (),
    shown: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> dict[str, bytes]:
    """File name -> content. `view`: OBSERVATION_COLUMNS, every figure of all sources as it is known now. `records`: of the
    periods. `shown`: year -> the figures that its release shows, where those are others."""
    declared = list(catalogue.sources() if sources is None else sources)
    families, evidence = Families(declared), evidence or Evidence()
    day = max(view["known_at"], default=None)
    years = {item["period"]: shown.get(item["period"], view) for item in _speaking(manifests) if item["frequency"] == "annual"}
    newest = _newest_year(years, families)
    overview = _overview(manifests, newest, families)
    published = {str(item["period"]): _link(item, "index.html") for item in _speaking(manifests)}
    histories = _histories(newest, evidence, families)
    judged = quality_sections(declared, view, evidence, histories, families, day, published) if day else []
    quality, methods = drawn_sections(judged), drawn_sections(method_sections(evidence.derivation_steps))
    own_views = {source.id: view[(view["source"] == source.id).to_numpy(bool)] for source in declared}
    delivered = {
        source.id: drawn_sections(source_sections(source, own_views[source.id], evidence, day) if day else [])
        for source in declared
    }
    listing = _listing(declared, own_views, day)
    groups = [_group(frequency, manifests, families, records) for frequency in PUBLISHED_FREQUENCIES if _of(manifests, frequency)]
    withdrawals = [_withdrawal(record) for record in records if withdrawn(record)]
    compared, leading = _comparison(years, manifests, families)
    pages: dict[str, str] = {}
    for code in LANGUAGES:
        with speaking(code):
            made = {
                "quality.html": _tables_page("quality.html", _("Quality"), "品質", _QUALITY, quality),
                "methods.html": _tables_page("methods.html", _("Methods and definitions"), "方法と定義", _METHODS, methods),
                "index.html": render(
                    "site.html.j2",
                    "index.html",
                    groups=groups,
                    withdrawals=withdrawals,
                    leading=leading,
                    names=NAMES,
                    feed=feed_name(code),
                    links=traces.links(overview["traced"]),
                    **overview,
                ),
                "sources.html": render(
                    "sources.html.j2", "sources.html", source_list=listing, day=words_of_day(day) if day else ""
                ),
                "comparison.html": render("site_tables.html.j2", "comparison.html", **compared),
                **{
                    source_page_name(source.id): _source_page(source, delivered[source.id], overview, newest)
                    for source in declared
                },
            }
            pages |= {str(page_name(name)): page for name, page in made.items()}
    entries = _feed_entries(manifests, families, records)
    return {**{name: text.encode() for name, text in pages.items()}, **_feeds([*entries, *withdrawals])}


def _source_page(source: Source, sections: Sequence[ShownSection], overview: Mapping[str, Any], newest: _Year | None) -> str:
    """`overview`: its `traced` are the pages of traces of the `newest` annual release, which lies at `base`."""
    own = [(overview["base"] + str(page_name(page.name)), page) for page in overview["traced"] if page.source == source.id]
    return render(
        "site_source.html.j2",
        source_page_name(source.id),
        source=source_view(source),
        sections=sections,
        traces=own,
        newest=period_label(newest.period.code) if newest else None,
    )


def _feed_entries(
    manifests: Sequence[Mapping[str, Any]], families: Families, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """An entry for each release that speaks, with what was announced of the period's correction."""
    corrected = {(record["frequency"], record["period"]): announced(record) for record in records}
    return [
        _feed_entry(manifest, families, corrected.get((manifest["frequency"], manifest["period"])))
        for manifest in _speaking(manifests)
    ]


def _feeds(entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    made = {}
    for code in LANGUAGES:
        with speaking(code):
            made[feed_name(code)] = atom_feed(entries)
    return made


def _listing(sources: Sequence[Source], views: Mapping[str, pd.DataFrame], day: dt.date | None) -> list[dict[str, Any]]:
    """What the list of sources says of each."""
    lines = []
    for source in sources:
        found = freshness_of(views[source.id], source, day) if day else None
        known = found is not None and found.newest is not None
        lines.append(
            {
                **source_view(source),
                "href": page_name(source_page_name(source.id)),
                "country": country_name(source.country),
                "counts": declared_text(source.meta.get("unit_of_count")),
                "licence": declared_text(source.meta.get("licence")),
                "newest": found.newest.isoformat() if found and found.newest else "–",
                "state": (_("up to date") if found and found.is_fresh else _("late")) if known else "–",
            }
        )
    return lines


def _tables_page(name: str, title: str, native: str, lede: str, sections: Sequence[ShownSection]) -> str:
    return render("site_tables.html.j2", name, title=title, native=native, lede=lede, sections=sections)


def _comparison(
    years: Mapping[str, pd.DataFrame], manifests: Sequence[Mapping[str, Any]], families: Families
) -> tuple[dict[str, Any], list[ShownSection]]:
    """What the page on several countries shows, and what the index of releases shows of it. `years`: the figures of each."""
    annual = [manifest for manifest in _speaking(manifests) if manifest["frequency"] == "annual"]
    folders = {manifest["period"]: _link(manifest, "") for manifest in annual}
    made = comparison_page(years, annual, families, folders)
    words = listed(
        (_("{release} of {period}", release=item["release_id"], period=item["period"]) for item in made.releases), "; "
    )
    days = [str(item["as_of"]) for item in made.releases if item.get("as_of")]
    name = "-".join(item["period"] for item in made.releases)
    about: dict[str, Any] = {
        "title": _("Countries side by side"),
        "native": "各国比較",
        "lede": _("What each publisher counts, in its own currency and in US dollars, over the years, and what keeps it apart."),
        "sections": drawn_sections(made.sections, made.links),
    }
    if days:
        known_by = words_of_day(max(days))
        origin_words = _("fraudloss, releases {releases}. Figures known by {day}.", releases=words, day=known_by)
        about["origin"] = {"words": origin_words, "name": name}
    return about, drawn_sections([made.headline] if made.headline else [], made.links)


def drawn_sections(sections: Sequence[Section], links: Mapping[str, str] | None = None) -> list[ShownSection]:
    """Sections in every language. `links`: of their figures (observation id -> file of a release and anchor, in English)."""
    everywhere = {code: {name: file_name(to, code) for name, to in (links or {}).items()} for code in LANGUAGES}
    return [
        ShownSection(section.id, section.title, section.native, section.lead, tuple(blocks), ())
        for section, blocks in zip(sections, drawn_items(sections, everywhere), strict=True)
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
        "label": period_label(record["period"]),
        "native": period_japanese(record["period"]),
        "release_id": ended["release_id"],
        "as_of": ended["since"],
        "withdrawn": True,
        "why": reason_words(ended["reasons"]),
        "snapshots": ended["snapshots"],
        "revision": {"reasons": ended["reasons"]},
        "link": _period_link(record),
        "summary": _("Withdrawn: no release is in force for this period any more. The last one can still be read"),
    }


def _period_link(record: Mapping[str, Any]) -> str:
    """The page of all releases of a period, in English."""
    return f"../releases/{quote(str(record['frequency']), safe='')}/{quote(str(record['period']), safe='')}/index.html"


def _feed_entry(manifest: Mapping[str, Any], families: Families, told: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = _entry(manifest["period"], [manifest], families)
    summary = _summary(shown)
    corrections = told["corrections"] if told else []
    corrected_by = told["release_id"] if told and "declared_correction" in told["reasons"] else ""
    return {
        **manifest,
        "link": _link(manifest, "index.html"),
        "summary": summary,
        "corrections": corrections,
        "corrected_by": corrected_by,
    }


def _summary(shown: Mapping[str, Any]) -> str:
    """The headline of a release in words, without what it does not have: a feed has no room for marks and what they mean."""
    said = {name: shown[name] for name in ("series", "cases", "loss")}
    missing = {name for name in ("cases", "loss") if said[name] == NO_ROW}
    with counting(shown["country"]):
        are_reports = counted() == "reports"
    if not said["series"] or len(missing) == 2:
        return str(shown["series"] or shown["label"])
    words = _("{series}: {cases} reports, {loss}", **said) if are_reports else _("{series}: {cases} cases, {loss}", **said)
    if missing == {"cases"}:
        words = _("{series}: a loss of {loss}", **said)
    elif missing == {"loss"}:
        words = _("{series}: {cases} reports", **said) if are_reports else _("{series}: {cases} cases", **said)
    return _("{sentence} (provisional)", sentence=words) if shown["edition"] == "provisional" else words


@dataclasses.dataclass(frozen=True)
class _Year:
    """The newest year that is published, with what its release shows."""

    period: Period
    rows: pd.DataFrame
    figures: list[Figure]


def _newest_year(years: Mapping[str, pd.DataFrame], families: Families) -> _Year | None:
    """`years`: year -> figures (OBSERVATION_COLUMNS), among them those that its release shows."""
    code = max(years, default=None)
    if code is None or not len(years[code]):
        return None
    period = Period.parse(code)
    rows = select_rows(years[code], period)
    return _Year(period, rows, figures(rows_of(rows), period, families))


def _histories(newest: _Year | None, evidence: Evidence, families: Families) -> list[HeadlineHistory]:
    """The vintages of the annual headline figures."""
    if newest is None or not len(evidence.vintages):
        return []
    known = Histories(evidence.revisions, evidence.vintages, evidence.records).of_release(newest.rows, newest.period, ())
    return headline_histories(newest.period, newest.figures, known, families)


def _overview(manifests: Sequence[Mapping[str, Any]], newest: _Year | None, families: Families) -> dict[str, Any]:
    """Charts and tables of the headline series, up to the newest year that is published."""
    if newest is None:
        return {"lede": (), "lead": (), "charts": [], "tables": [], "base": "", "traced": []}
    composed = compose_overview(newest.period, newest.figures, families)
    traced = traces.trace_pages(newest.figures)
    release = next(item for item in _latest_first(_of(manifests, "annual")) if item["period"] == newest.period.code)
    return {
        "lede": composed.lede,
        "lead": composed.lead,
        "charts": [item.chart for item in composed.items if item.chart],
        "tables": [item.table for item in composed.items if item.table],
        # The figures stand in the newest release, and lead to its traces.
        "traced": traced,
        "base": _link(release, ""),
        "origin": origin(
            newest.period.code,
            release["release_id"],
            _("Figures known by {day}", day=words_of_day(str(release.get("as_of") or "–"))),
        ),
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
        "title": _("{frequency} releases", frequency=FREQUENCY_TITLES[frequency]),
        "releases": [
            {**_entry(code, by_period[code], families), "history": _history_link(histories.get(code))} for code in newest_first
        ],
    }


def _history_link(record: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Where all releases of the period stand. Their number is told there: the site does not depend on what spoke before."""
    return (page_name(_period_link(record)), _("all releases")) if record else None


def _entry(code: str, manifests: Sequence[Mapping[str, Any]], families: Families) -> dict[str, Any]:
    """One period: the release that speaks, and those that it superseded."""
    current, *earlier = _latest_first(manifests)
    headline = current.get("headline") or {}
    family = str(headline.get("family", ""))
    loss = _decimal(headline.get("loss"))
    cases, precision = _decimal(headline.get("cases")), _decimal(headline.get("loss_precision"))
    unit = str(headline.get("unit", "JPY"))
    cumulative = headline.get("period") not in (None, "", code)
    series = titled_by_country(family, families) if family else ""
    if cumulative:
        series = _("{series}: {period}", series=series, period=period_label(str(headline["period"])))
    return {
        "code": code,
        "country": families.country(family),
        "label": period_label(code),
        "native": period_japanese(code),
        "link": page_name(_link(current, "index.html")),
        "series": clean(series),
        "traces": {name: page_name(_place(current, str(to))) for name, to in (headline.get("traces") or {}).items()},
        "cases": number_text(cases, "cases") if cases is not None else NO_ROW,
        "loss": spoken_money(loss, unit, precision) if loss is not None else NO_ROW,
        # In Japanese it is what is spoken.
        "loss_small": only_english(hundred_millions(loss, unit, precision)) if loss is not None else "",
        "edition": str(current.get("edition") or headline.get("edition") or "unknown"),
        "as_of": clean(current.get("as_of") or "–"),
        "files": [(words, _link(current, name)) for name, words in _OFFERED if name in current.get("files", ())],
        "earlier": [
            (
                page_name(_link(manifest, "index.html")),
                _("known by {day} ({release})", day=manifest.get("as_of") or "–", release=manifest["release_id"]),
            )
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


def _place(manifest: Mapping[str, Any], to: str) -> str:
    """A line of a page of a release, in English."""
    name, __, anchor = to.partition("#")
    return f"{_link(manifest, name)}#{quote(anchor, safe='')}"


def _as_list(value: Any) -> list[str]:
    return [] if not value else [value] if isinstance(value, str) else [str(item) for item in value]


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value)) if value not in (None, "") else None
    except InvalidOperation:
        return None
