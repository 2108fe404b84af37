"""The Atom feeds: every rule of RFC 4287 that a reader may rely on, stable names, and no clock."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree

from pipeline.model import REASONS
from pipeline.publish.feed import atom_feed, feed_name
from pipeline.publish.languages import LANGUAGES, speaking
from pipeline.publish.words import _
from tests.test_translations import ENGLISH

ATOM = "{http://www.w3.org/2005/Atom}"
# The containers of RFC 4287, sections 4.1.1 and 4.1.2, as far as this feed uses them; written from the RFC's text.
RULES = etree.RelaxNG(
    etree.fromstring(r"""
<grammar ns="http://www.w3.org/2005/Atom" xmlns="http://relaxng.org/ns/structure/1.0"
    datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start>
    <element name="feed">
      <optional><attribute name="xml:lang"/></optional>
      <interleave>
        <ref name="named"/>
        <element name="author">
          <element name="name"><data type="string"><param name="minLength">1</param></data></element>
        </element>
        <zeroOrMore><ref name="link"/></zeroOrMore>
        <zeroOrMore>
          <element name="entry">
            <interleave>
              <ref name="named"/>
              <element name="summary"><text/></element>
              <oneOrMore><ref name="link"/></oneOrMore>
              <zeroOrMore>
                <element name="category"><attribute name="term"/><optional><attribute name="label"/></optional><empty/></element>
              </zeroOrMore>
            </interleave>
          </element>
        </zeroOrMore>
      </interleave>
    </element>
  </start>
  <define name="named">
    <interleave>
      <element name="id"><data type="anyURI"><param name="pattern">[a-z][a-z0-9+.\-]*:\S+</param></data></element>
      <element name="title"><text/></element>
      <element name="updated">
        <data type="dateTime"><param name="pattern">[^.]+(Z|[+\-]\d\d:\d\d)</param></data>
      </element>
    </interleave>
  </define>
  <define name="link">
    <element name="link">
      <attribute name="rel"><choice><value>self</value><value>alternate</value></choice></attribute>
      <attribute name="type"/>
      <optional><attribute name="hreflang"><data type="language"/></attribute></optional>
      <attribute name="href"><data type="anyURI"/></attribute>
      <empty/>
    </element>
  </define>
</grammar>
""")
)


def _release(period: str, as_of: str | None, *reasons: str, **more: Any) -> dict[str, Any]:
    frequency = {4: "annual", 7: "monthly"}[len(period)]
    return {
        "frequency": frequency,
        "period": period,
        "release_id": "0123456789ab",
        "as_of": as_of,
        "link": f"../releases/{frequency}/{period}/0123456789ab/index.html",
        "summary": _("Withdrawn periods"),
        **({"revision": {"reasons": list(reasons)}} if reasons else {}),
        **more,
    }


RELEASES = [
    _release("2024", "2025-02-06", "new_period"),
    _release("2025", "2026-02-12", "revision", "reclassification"),
    _release("2023", "2025-08-28", "correction"),
    _release("2025-04", "2025-05-30"),
    _release("2000", None),
]


def _entries(releases: list[dict[str, Any]]) -> list[Any]:
    return etree.fromstring(atom_feed(releases)).findall(f"{ATOM}entry")


def _feed(releases: list[dict[str, Any]], language: str) -> Any:
    with speaking(language):
        return etree.fromstring(atom_feed(releases))


@pytest.mark.parametrize("releases", [[], RELEASES])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_feed_keeps_the_rules_of_atom(releases: list[dict[str, Any]], language: str) -> None:
    feed = _feed(releases, language)
    RULES.assertValid(feed)
    names = [element.text for element in feed.iter(f"{ATOM}id")]
    assert len(names) == len(set(names)) == len(releases) + 1
    assert [link.get("href") for link in feed.findall(f"{ATOM}link[@rel='self']")] == [feed_name(language)]
    for part in (feed, *feed.findall(f"{ATOM}entry")):
        alternates = [(link.get("type"), link.get("hreflang")) for link in part.findall(f"{ATOM}link[@rel='alternate']")]
        assert len(alternates) == len(set(alternates)), "RFC 4287, 4.1.1: one alternate of a type and language"


def test_each_feed_leads_to_the_other_and_to_the_pages_of_both_languages() -> None:
    for language, other in (("en", "ja"), ("ja", "en")):
        feed = _feed(RELEASES, language)
        assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == language
        links = {(link.get("type"), link.get("hreflang")): link.get("href") for link in feed.findall(f"{ATOM}link")}
        assert links[("application/atom+xml", other)] == feed_name(other)
        assert links[("text/html", "ja")] == "index.ja.html"
        first = feed.find(f"{ATOM}entry")
        pages = {link.get("hreflang"): link.get("href").rpartition("/")[2] for link in first.findall(f"{ATOM}link")}
        assert pages == {"en": "index.html", "ja": "index.ja.html"}


def test_entries_say_the_same_in_japanese_under_names_of_their_own() -> None:
    more = [
        _release(
            "1999", "2026-03-01", "correction", corrected_by="ba9876543210", corrections=["the publisher keeps no loss here"]
        ),
        _release("1998", "2026-03-01", "refusal", withdrawn=True),
    ]
    english, japanese = (_feed([*RELEASES, *more], language).findall(f"{ATOM}entry") for language in ("en", "ja"))
    for one, other in zip(english, japanese, strict=True):
        assert other.findtext(f"{ATOM}id") == one.findtext(f"{ATOM}id").replace(",2026:", ",2026:ja/")
        assert other.findtext(f"{ATOM}updated") == one.findtext(f"{ATOM}updated")
        assert [item.get("term") for item in other.iter(f"{ATOM}category")] == [
            item.get("term") for item in one.iter(f"{ATOM}category")
        ]
        labels = [item.get("label") for item in other.iter(f"{ATOM}category")]
        for text in (other.findtext(f"{ATOM}title"), other.findtext(f"{ATOM}summary"), *labels):
            assert not ENGLISH.search(text), text
    titles = [entry.findtext(f"{ATOM}title") for entry in japanese]
    assert {title.partition("：")[0] for title in titles if "：" in title} == {"取下げ", "訂正", "改訂"}
    assert "2026年2月12日時点" in next(entry for entry in japanese if "2025年" in entry.findtext(f"{ATOM}title")).findtext(
        f"{ATOM}summary"
    )


@pytest.mark.parametrize(
    ("text", "broken"),
    [(b"<updated>2026", b"<updated>yesterday 2026"), (b"<title>", b"<heading>"), (b' rel="alternate"', b"")],
)
def test_the_rules_refuse_what_is_no_atom(text: bytes, broken: bytes) -> None:
    feed = atom_feed(RELEASES).replace(text, broken).replace(b"</title>", b"</title>" if text != b"<title>" else b"</heading>")
    assert not RULES.validate(etree.fromstring(feed))


def test_names_are_tags_that_no_newer_code_changes() -> None:
    newest = _entries(RELEASES)[0]
    assert newest.findtext(f"{ATOM}id") == "tag:fraudloss.invalid,2026:annual/2025/2026-02-12"
    remade = _entries([_release("2025", "2026-02-12", "new_code", release_id="ba9876543210")])[0]
    assert remade.findtext(f"{ATOM}id") == newest.findtext(f"{ATOM}id")
    revised = _entries([_release("2025", "2026-09-20", "revision")])[0]
    assert revised.findtext(f"{ATOM}id") != newest.findtext(f"{ATOM}id")


def test_the_newest_comes_first_and_dates_are_those_of_the_figures() -> None:
    dates = [entry.findtext(f"{ATOM}updated") for entry in _entries(RELEASES)]
    assert dates == sorted(dates, reverse=True)
    assert dates[0] == "2026-02-12T00:00:00Z"
    assert etree.fromstring(atom_feed(RELEASES)).findtext(f"{ATOM}updated") == dates[0]
    assert atom_feed(RELEASES) == atom_feed(RELEASES[::-1])


def test_a_correction_says_that_it_is_one_and_why() -> None:
    titles = [entry.findtext(f"{ATOM}title") for entry in _entries(RELEASES)]
    assert titles[0].startswith("Revised: Annual summary")
    assert titles[1].startswith("Correction: Annual summary")
    assert titles[3].startswith("Annual summary")
    confirmed = _entries([_release("2025", "2026-02-12", "confirmation")])[0]
    assert confirmed.findtext(f"{ATOM}title").startswith("Confirmed: ")
    corrected = _entries(RELEASES)[1]
    assert [item.get("term") for item in corrected.findall(f"{ATOM}category")] == ["correction"]
    assert REASONS["correction"] in corrected.findtext(f"{ATOM}summary")


def test_hostile_text_stays_text() -> None:
    text = '</summary><script>alert("1")</script>]]>&\x00\x1b'
    feed = atom_feed([_release("2025", "2026-02-12", summary=text, link='x"><y>')])
    assert b"<script" not in feed
    RULES.assertValid(etree.fromstring(feed))
    assert re.sub("[\x00\x1b]", "\ufffd", text) in _entries([_release("2025", "2026-02-12", summary=text)])[0].findtext(
        f"{ATOM}summary"
    )
