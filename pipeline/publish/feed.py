"""The Atom feeds (RFC 4287) of releases, revisions and corrections, one in each language.

In: the manifests of the releases that speak, and the periods that were withdrawn. Out: `feed.xml`, `feed.ja.xml` as bytes. One
entry for each release, named by its period and the day by which its figures were known: a revision or a correction is a new
entry, also one that is declared here and brings no new day; the same figures published by other code are not. A withdrawal is an
entry of its own, named by the day from which it was known. The dates are those days; no clock is read.

An entry in Japanese has a name of its own, with the language in front: to a reader of feeds entries of one name are one entry
(RFC 4287, 4.1.1), of which it would show whichever came last. What says the same in the other language is linked as an alternate
with its `hreflang` (4.2.7.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from pipeline.model import REASONS
from pipeline.publish.citation import CREATOR, tag_uri
from pipeline.publish.languages import ENGLISH, LANGUAGES, file_name, language
from pipeline.publish.period_labels import FREQUENCY_TITLES, period_label
from pipeline.publish.texts import clean
from pipeline.publish.words import Words, _, declared, listed
from pipeline.publish.words import day as day_in_words
from pipeline.sources.catalogue import are_synthetic

_ATOM = "http://www.w3.org/2005/Atom"
_FEED, _PAGE = "application/atom+xml", "text/html"
# What a title says of the release, the weightiest reason first.
_TITLES = {
    "correction": _("Correction: {title}"),
    "declared_correction": _("Correction: {title}"),
    "revision": _("Revised: {title}"),
    "reclassification": _("Revised: {title}"),
    "withdrawal": _("Revised: {title}"),
    "new_figures": _("New figures: {title}"),
    "confirmation": _("Confirmed: {title}"),
}
# Of a feed without entries, and of a release without a date.
_NO_DAY = "1970-01-01"


def feed_name(code: str) -> str:
    """The file of the feed in a language."""
    return "feed.xml" if code == ENGLISH else f"feed.{code}.xml"


def atom_feed(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """The feed in the language that is spoken. Each entry is a manifest (keys frequency, period, release_id, as_of, revision)
    with `link`, the page in English, and `summary`.

    `corrected_by`: the release that first showed corrections declared here, and `corrections`, in words. `withdrawn`: the entry
    is about a period for which no release speaks any more; its `as_of` is the day since when.
    """
    newest_first = sorted(entries, key=lambda entry: (_day(entry), entry["frequency"], entry["period"]), reverse=True)
    feed = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": language()})
    _add(feed, "id", _name("releases"))
    title = _("Fraud losses: releases, revisions and corrections")
    _add(feed, "title", _("Synthetic data: {title}", title=title) if are_synthetic() else title)
    _add(feed, "updated", _instant(_day(newest_first[0]) if newest_first else _NO_DAY))
    _add(_add(feed, "author"), "name", CREATOR)
    _add(feed, "link", rel="self", type=_FEED, href=feed_name(language()))
    _add_pages(feed, "index.html")
    for code in LANGUAGES:
        if code != language():
            _add(feed, "link", rel="alternate", type=_FEED, hreflang=code, href=feed_name(code))
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
    _add(entry, "id", _name(frequency, period, day, *kind))
    _add(entry, "title", _title(frequency, period, reasons, is_withdrawn=bool(manifest.get("withdrawn"))))
    _add(entry, "updated", _instant(day))
    _add_pages(entry, str(manifest["link"]))
    for reason in reasons:
        _add(entry, "category", term=reason, label=str(declared(REASONS[reason])))
    _add(entry, "summary", _summary(manifest, reasons))


def _name(*parts: str) -> str:
    """The name of the feed or of an entry: in English without a language, as it always was."""
    return tag_uri(*parts) if language() == ENGLISH else tag_uri(language(), *parts)


def _add_pages(parent: ET.Element, page: str) -> None:
    """The page in each language."""
    for code in LANGUAGES:
        _add(parent, "link", rel="alternate", type=_PAGE, hreflang=code, href=file_name(page, code))


def _title(frequency: str, period: str, reasons: Sequence[str], *, is_withdrawn: bool) -> Words:
    title = _("{frequency} summary, {period}", frequency=FREQUENCY_TITLES[frequency], period=period_label(period))
    if is_withdrawn:
        return _("Withdrawn: {title}", title=title)
    told = next((words for reason, words in _TITLES.items() if reason in reasons), None)
    return _(told, title=title) if told else title


def _summary(manifest: Mapping[str, Any], reasons: Sequence[str]) -> Words:
    """What the release says, why it took the place of the one before, what was corrected, and by which day that was known."""
    why = [_("Why: {reasons}", reasons=listed((declared(REASONS[reason]) for reason in reasons), "; "))] if reasons else []
    known = (
        _("Since {day}, last release {release}") if manifest.get("withdrawn") else _("Figures known by {day}, release {release}")
    )
    corrections = map(declared, manifest.get("corrections", ()))
    told = [manifest["summary"], *why, *corrections, _(known, day=day_in_words(_day(manifest)), release=manifest["release_id"])]
    return _("{sentence}.", sentence=listed(told, ". "))


def _day(manifest: Mapping[str, Any]) -> str:
    return str(manifest.get("as_of") or _NO_DAY)


def _instant(day: str) -> str:
    return f"{day}T00:00:00Z"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = clean(str(text)) or None
    return element
