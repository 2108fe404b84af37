"""The index of releases and the page of sources."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipeline.publish import release, site
from tests import publish_sample as sample


def _manifest(period: str, release_id: str, **more: Any) -> dict[str, Any]:
    given = sample.given(period)
    return {
        "frequency": given.frequency,
        "period": period,
        "release_id": release_id,
        "as_of": "2026-09-20",
        "headline": release.headline(given),
        "files": {"index.html": {}, "summary.xlsx": {}, "datapackage.json": {}},
        **more,
    }


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    manifests = [
        _manifest("2025", "new", supersedes="old"),
        _manifest("2025", "old", as_of="2026-02-12"),
        _manifest("2024", "only"),
        _manifest("2026-04", "month"),
    ]
    return site.build(manifests, sample.view(), sample.sources())


def test_the_index_links_to_every_release_relative_to_the_site(files: dict[str, bytes]) -> None:
    page = files["index.html"].decode()
    for path in ("annual/2025/new", "annual/2025/old", "annual/2024/only", "monthly/2026-04/month"):
        assert f'href="../releases/{path}/index.html"' in page
    assert page.index("annual/2025/new") < page.index("annual/2025/old")
    assert "1 earlier" in page


def test_a_cumulative_headline_says_so_in_the_index(files: dict[str, bytes]) -> None:
    page = files["index.html"].decode()
    line = page[page.index("monthly/2026-04/month") :]
    line = line[: line.index("</tr>")]
    assert "14,898" in line
    assert "January–April 2026 (cumulative)" in line


def test_the_index_draws_the_headline_series_with_its_table(files: dict[str, bytes]) -> None:
    page = files["index.html"].decode()
    assert page.count("<svg") >= 2
    assert "325,742,587,218" in page


def test_a_figure_of_the_index_leads_to_its_trace_in_the_newest_release(files: dict[str, bytes]) -> None:
    linked = re.findall(
        r'<a href="\.\./releases/annual/2025/new/(trace_[a-z_]+\.html)#([0-9a-f]{16})">', files["index.html"].decode()
    )
    built = release.build(sample.given("2025"))
    assert len(linked) > 20
    assert all(f'<tr id="{observation}">' in built[name].decode() for name, observation in linked)


def test_the_page_of_sources_says_what_each_counts_and_under_which_licence(files: dict[str, bytes]) -> None:
    page = files["sources.html"].decode()
    for source in sample.sources():
        assert f'id="source-{source.id}"' in page
    for text in (
        "Licence",
        "Attribution",
        "Counts",
        "Meaning of loss",
        "Date of a case",
        "Coverage",
        "Expected calendar",
        "Owner here",
    ):
        assert text in page
    assert "Breaks in the series" in page


def test_the_site_needs_no_network_and_is_the_same_every_time(files: dict[str, bytes]) -> None:
    loading = r"<(?:link(?! rel=\"(?:alternate|icon)\")|img|iframe)\b|\bsrc\s*=|@import|url\((?!#)"
    for content in (files["index.html"], files["sources.html"]):
        assert not re.search(loading, content.decode())
        assert content.count(b"<script") == 1
    manifests = [_manifest("2024", "only"), _manifest("2026-04", "month")]
    assert site.build(manifests, sample.view(), sample.sources()) == site.build(manifests[::-1], sample.view(), sample.sources())


def test_a_site_without_releases_is_a_page_all_the_same() -> None:
    files = site.build([], sample.view().iloc[:0], sample.sources())
    assert set(files) == {"index.html", "sources.html", "feed.xml"}


def test_a_manifest_cannot_lead_out_of_the_releases() -> None:
    page = site.build([_manifest("2024", '../../"><script>')], sample.view(), sample.sources())["index.html"].decode()
    assert page.count("<script") == 1
    assert '../releases/annual/2024/..%2F..%2F%22%3E%3Cscript%3E/index.html"' in page
