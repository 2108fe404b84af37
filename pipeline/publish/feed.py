"""The Atom feed (RFC 4287) of releases, revisions and corrections.

In: the manifests of the releases that speak, and the periods that were withdrawn. Out: `feed.xml` as bytes. One entry for each
release, named by its period and the day by which its figures were known: a revision or a correction is a new entry, also one that
is declared here and brings no new day; the same figures published by other code are not. A withdrawal is an entry of its own,
named by the day from which it was known. The dates are those days; no clock is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from pipeline.model import REASONS
from pipeline.publish.citation import CREATOR, tag_uri
from pipeline.publish.content import SYNTHETIC_TITLE
from pipeline.publish.page import FREQUENCY_TITLES
from pipeline.publish.tables import clean, period_label
from pipeline.sources.catalogue import are_synthetic

_ATOM = "http://www.w3.org/2005/Atom"
# What a title begins with, the weightiest reason first.
_TITLE_WORDS = {
    "correction": "Correction: ",
    "declared_correction": "Correction: ",
    "revision": "Revised: ",
    "reclassification": "Revised: ",
    "withdrawal": "Revised: ",
    "new_figures": "New figures: ",
    "confirmation": "Confirmed: ",
}
# Of a feed without entries, and of a release without a date.
_NO_DAY = "1970-01-01"


def atom_feed(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """The feed. Each entry is a manifest (keys frequency, period, release_id, as_of, revision) with `link` and `summary`.

    `corrected_by`: the release that first showed corrections declared here, and `corrections`, in words. `withdrawn`: the entry
    is about a period for which no release speaks any more; its `as_of` is the day since when.
    """
    newest_first = sorted(entries, key=lambda entry: (_day(entry), entry["frequency"], entry["period"]), reverse=True)
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(feed, "id", tag_uri("releases"))
    _add(feed, "title", f"{SYNTHETIC_TITLE if are_synthetic() else ''}Fraud losses: releases, revisions and corrections")
    _add(feed, "updated", _instant(_day(newest_first[0]) if newest_first else _NO_DAY))
    _add(_add(feed, "author"), "name", CREATOR)
    _add(feed, "link", rel="self", type="application/atom+xml", href="feed.xml")
    _add(feed, "link", rel="alternate", type="text/html", href="index.html")
    for entry in newest_first:
        _add_entry(feed, entry)
    ET.indent(feed, "")
    return ET.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"


def _add_entry(feed: ET.Element, manifest: Mapping[str, Any]) -> None:
    frequency, period, day = str(manifest["frequency"]), str(manifest["period"]), _day(manifest)
    reasons = [reason for reason in (manifest.get("revision") or {}).get("reasons", ()) if reason in REASONS]
    if corrected_by := manifest.get("corrected_by"):
        reasons = [*reasons, "declared_correction"]
    kind = ["withdrawn"] if manifest.get("withdrawn") else ["corrected", str(corrected_by)] if corrected_by else []
    entry = _add(feed, "entry")
    _add(entry, "id", tag_uri(frequency, period, day, *kind))
    _add(entry, "title", _title(frequency, period, reasons, is_withdrawn=bool(manifest.get("withdrawn"))))
    _add(entry, "updated", _instant(day))
    _add(entry, "link", rel="alternate", type="text/html", href=str(manifest["link"]))
    for reason in reasons:
        _add(entry, "category", term=reason, label=REASONS[reason])
    why = f"Why: {'; '.join(REASONS[reason] for reason in reasons)}. " if reasons else ""
    corrections = "".join(f"{words}. " for words in manifest.get("corrections", ()))
    known = f"Since {day}, last release" if manifest.get("withdrawn") else f"Figures known by {day}, release"
    _add(entry, "summary", f"{manifest['summary']}. {why}{corrections}{known} {manifest['release_id']}.")


def _title(frequency: str, period: str, reasons: Sequence[str], *, is_withdrawn: bool) -> str:
    title = f"{FREQUENCY_TITLES[frequency]} summary, {period_label(period)}"
    if is_withdrawn:
        return f"Withdrawn: {title}"
    return next((words for reason, words in _TITLE_WORDS.items() if reason in reasons), "") + title


def _day(manifest: Mapping[str, Any]) -> str:
    return str(manifest.get("as_of") or _NO_DAY)


def _instant(day: str) -> str:
    return f"{day}T00:00:00Z"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = clean(text) or None
    return element
