"""What a page says of a source: facts, breaks, caveats, the snapshots that were used, and the traces of its tables.

In: what is declared of the source, its snapshots, the pages with traces. Out: words for the templates and the workbook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import TOTAL, Period, Snapshot
from pipeline.publish.families import publisher
from pipeline.publish.labels import edition_word, in_both, type_label_of
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import source_title
from pipeline.publish.texts import clean, declared_text, plain_text, slug
from pipeline.publish.traces import TracePage
from pipeline.publish.words import Own, Words, _, declared, listed, only_english, page_name
from pipeline.sources.catalogue import Source

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
# From the folder of a release.
SITE = "../../../../site"


def table_title(table: str, source: Source | None) -> str:
    """What the source calls the table; of one that it does not declare, the id in words."""
    found = source.tables.get(table) if source else None
    return in_both(found.title, found.title_ja) if found else declared(clean(table.replace("_", " ")))


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
    made = [(page_name(f"{page.name}#figures-{slug(table)}"), table_title(table, source)) for table, __ in page.tables]
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
    named = (_("all types together") if name == TOTAL else type_label_of(clean(plain_text(name)), "")[0] for name in which)
    text = _(
        "{table}, from {period} ({what}): {reason}",
        table=table_title(str(entry["table"]), source) if entry.get("table") else _("all tables"),
        period=_period_words(str(entry.get("from", ""))),
        what=_("all figures") if entry.get("all") or not which else listed(named, "; "),
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
    said += [_("edition not stated") if item.edition == "unknown" else edition_word(item.edition)]
    return _(
        "{file}. From: {origin}. sha256 {sha256}", file=listed(said), origin=declared(clean(item.origin)), sha256=Own(item.sha256)
    )
