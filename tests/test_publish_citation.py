"""How a release is quoted, by people and by machines."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from pipeline.model import Period
from pipeline.publish import release
from pipeline.publish.citation import Citation, json_ld
from tests import publish_sample as sample

HOSTILE = '</script><script>alert(1)</script><!-- "]]>\u2028&amp;\x00'


class _JsonLd(HTMLParser):
    """What a crawler takes from the page."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.text, self.scripts = False, "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script" and dict(attrs).get("type") == "application/ld+json"
        self.scripts += self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        self.text += data if self.inside else ""


def _of_page(files: dict[str, bytes]) -> dict[str, Any]:
    parser = _JsonLd()
    parser.feed(files["index.html"].decode())
    assert parser.scripts == 1
    found = json.loads(parser.text)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release.build(sample.given("2025"))


def _cited(title: str = "Fraud losses in 2025", **more: Any) -> Citation:
    return Citation(title, Period.parse("2025"), "0123456789ab", dt.date(2026, 9, 20), more.get("sources", sample.sources()))


def test_the_page_describes_its_dataset(files: dict[str, bytes]) -> None:
    dataset = _of_page(files)
    assert (dataset["@context"], dataset["@type"]) == ("https://schema.org/", "Dataset")
    assert dataset["temporalCoverage"] == "2025-01-01/2025-12-31"
    assert dataset["dateModified"] == "2026-09-20"
    assert dataset["identifier"] == "tag:fraudloss.invalid,2026:annual/2025/0123456789ab"
    assert 50 <= len(dataset["description"]) <= 5000
    assert "Japan" in dataset["spatialCoverage"]
    assert dataset["license"]
    assert dataset["isBasedOn"]
    for source in dataset["isBasedOn"]:
        assert source["publisher"]["name"]
        assert source["creditText"]


def test_every_download_is_listed_with_type_and_hash(files: dict[str, bytes]) -> None:
    downloads = {item["contentUrl"]: item for item in _of_page(files)["distribution"]}
    assert set(downloads) == {name for name in files if not name.endswith(".html")} - {"datapackage.json"}
    for name, item in downloads.items():
        assert item["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+(;version=[0-9.]+)?", item["encodingFormat"])
        assert item["encodingFormat"] != "application/octet-stream", name


def test_hostile_words_stay_text_within_the_script_element() -> None:
    text = json_ld(_cited(HOSTILE), files={}, measures=["loss"], snapshots=[])
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["name"] == HOSTILE.replace("\x00", "\ufffd")


def test_a_publishers_address_is_a_web_address_or_nothing() -> None:
    source = sample.sources()[0]
    source.meta["homepage"] = "javascript:alert(1)"  # type: ignore[index]
    assert "javascript" not in json_ld(_cited(sources=[source]), files={}, measures=[], snapshots=[])


def test_the_citation_names_title_release_day_and_publishers(files: dict[str, bytes]) -> None:
    text = _cited().text
    assert text.startswith("fraudloss (2026). Fraud losses in 2025. Release 0123456789ab, figures known by 2026-09-20,")
    for source in sample.sources():
        for publisher in source.publisher.split("; "):
            assert text.count(f" {publisher};") + text.count(f" {publisher}.") == 1
    assert "To quote this page: fraudloss (2026)." in files["index.html"].decode()


def test_the_bibtex_entry_survives_the_signs_that_tex_reads() -> None:
    entry = _cited("50% of {A} & B_c \\ #1 ~ ^\n$").bibtex.decode()
    assert r"title = {{50\% of \{A\} \& B\_c \textbackslash{} \#1 \textasciitilde{} \textasciicircum{} \$}}," in entry
    bare = re.sub(r"\\[{}]", "", entry)
    assert bare.count("{") == bare.count("}")
    assert entry.startswith("@misc{fraudloss_annual_2025_0123456789ab,\n")
