"""Data Docs: pages that open without a network, hold no value of a broken row, and are the same for the same verdicts."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipeline import steps
from pipeline.frames import observations_frame
from pipeline.validate import data_docs
from pipeline.validate.expectations import Suite, great_expectations
from pipeline.validate.helper_columns import fast_types, with_helpers
from pipeline.validate.suites import load_suite
from pipeline.validate.verdict import judge
from tests.shipped import INBOX
from tests.test_judge_cases import REPORT, cafc_file, judged

EXPECTATIONS = Path(__file__).parent.parent / "expectations"
SECRET = 987654321


def observation(n: int, value: int, snapshot: str, **changes: Any) -> dict[str, Any]:
    row = {
        "source": "npa_overseas",
        "table": "bases_abroad",
        "frequency": "annual",
        "period": str(2000 + n % 25),
        "offender_location": "_X_JP",
        "measure": "persons_arrested",
        "unit": "persons",
        "value": Decimal(value),
        "classification": "npa_bases",
        "known_at": dt.date(2026, 2, 1),
        "snapshot": snapshot,
        "origin": f"bases.csv!B{n}",
    }
    return {**row, **changes}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(EXPECTATIONS / "npa_overseas.json")


@pytest.fixture(scope="module")
def verdicts(suite: Suite) -> list[dict[str, Any]]:
    good = observations_frame([observation(n, 5, "aaaaaaaaaaaa") for n in range(20)])
    bad = observations_frame([observation(n, SECRET if n == 3 else 5, "bbbbbbbbbbbb") for n in range(20)])
    broken = observations_frame([observation(1, 5, "cccccccccccc")]).drop(columns="unit")
    return [
        judge({"observations": good}, suite, file="good.csv").to_json(),
        judge({"observations": bad}, suite, file="bad <b>&.csv").to_json(),
        judge({"observations": broken}, suite, file="broken.csv").to_json(),
    ]


@pytest.fixture(scope="module")
def site(verdicts: list[dict[str, Any]]) -> dict[str, str]:
    return {name: content.decode() for name, content in data_docs.build(verdicts).items()}


class Page(HTMLParser):
    """What a page loads or links to, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_there_is_a_page_for_each_snapshot_and_an_index_that_leads_to_them(site: dict[str, str]) -> None:
    pages = {f"npa_overseas/{snapshot * 12}.html" for snapshot in "abc"}
    assert set(site) == {"index.html", *pages}
    assert set(Page(site["index.html"]).addresses) == pages
    assert Page(site["npa_overseas/aaaaaaaaaaaa.html"]).addresses == ["../index.html"]


def test_nothing_is_loaded_from_a_network_and_no_script_runs(site: dict[str, str]) -> None:
    for html in site.values():
        page = Page(html)
        assert not {"script", "link", "img", "iframe"} & set(page.tags)
        assert not [address for address in page.addresses if "//" in address]
        assert "url(" not in html
        assert "@import" not in html


def test_the_same_verdicts_give_the_same_bytes_in_any_order_and_read_back(
    verdicts: list[dict[str, Any]],
) -> None:
    first = data_docs.build(verdicts)
    assert data_docs.build(json.loads(json.dumps(verdicts[::-1]))) == first


def test_a_page_does_not_depend_on_its_siblings(verdicts: list[dict[str, Any]], site: dict[str, str]) -> None:
    alone = data_docs.build(verdicts[2:])["npa_overseas/cccccccccccc.html"].decode()
    assert alone == site["npa_overseas/cccccccccccc.html"]


def test_a_page_holds_no_clock(site: dict[str, str]) -> None:
    for html in site.values():
        assert not re.search(r"20\d\d-\d\d-\d\dT|\d\d:\d\d:\d\d", html)


def test_no_value_and_no_cell_of_a_broken_row_stands_on_a_page(verdicts: list[dict[str, Any]], site: dict[str, str]) -> None:
    documents = json.dumps(verdicts[1]["documents"])
    for text in (*site.values(), documents):
        assert str(SECRET) not in text
        assert "bases.csv!" not in text
    assert str(SECRET) in json.dumps(verdicts[1]["rules"])


def test_a_page_says_what_was_checked_what_broke_and_what_to_do(site: dict[str, str], suite: Suite) -> None:
    page = Page(site["npa_overseas/bbbbbbbbbbbb.html"]).text
    for rule in suite.rules:
        assert rule.id in page
    assert "passed, 1 rows set aside" in page
    first = page.index("observations.count_ceiling")
    assert first < page.index("observations.rows")
    assert "data bad" in page
    assert "compare the cell with the publication" in page
    assert "5% unexpected" in page  # by Great Expectations' own renderer


def test_a_broken_check_is_shown_as_one(site: dict[str, str]) -> None:
    page = Page(site["npa_overseas/cccccccccccc.html"]).text
    assert "stopped" in page
    assert "check broken" in page


def test_the_publishers_text_is_escaped(site: dict[str, str]) -> None:
    for name in ("index.html", "npa_overseas/bbbbbbbbbbbb.html"):
        assert "bad <b>&.csv" in Page(site[name]).text
        assert "bad <b>" not in site[name]


def test_element_ids_are_unique_on_a_page(site: dict[str, str]) -> None:
    for html in site.values():
        ids = [name for name in Page(html).ids if name]
        assert len(ids) == len(set(ids))


def test_the_last_verdict_on_a_snapshot_replaces_the_one_before(verdicts: list[dict[str, Any]]) -> None:
    again = {**verdicts[0], "file": "renamed.csv"}
    pages = data_docs.build([verdicts[0], again])
    assert set(pages) == {"index.html", "npa_overseas/aaaaaaaaaaaa.html"}
    assert b"renamed.csv" in pages["npa_overseas/aaaaaaaaaaaa.html"]


def test_a_file_that_was_refused_while_it_was_read_has_a_page_that_says_so() -> None:
    record = {"source": "npa_overseas", "snapshot": "dddddddddddd", "file": "torn.csv", "status": "refused", "message": "secret"}
    page = Page(data_docs.build([record])["npa_overseas/dddddddddddd.html"].decode()).text
    assert "torn.csv" in page
    assert "refused while it was read" in page


def test_the_results_are_those_of_a_summary_without_samples(suite: Suite) -> None:
    rows = observations_frame([observation(n, SECRET if n == 3 else 5, "bbbbbbbbbbbb") for n in range(20)])
    ours = {
        result["rule_id"]: result["result"]
        for result in judge({"observations": rows}, suite, file="bad.csv").documents["observations"]["results"]
    }
    rules = suite.of("observations")
    context = great_expectations().get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("observations")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": fast_types(with_helpers(rows), rules)})
    summary = batch.validate(
        suite.expectation_suite(rules), result_format={"result_format": "SUMMARY", "partial_unexpected_count": 0}
    )
    for result in summary.results:
        mine = ours[result.expectation_config.meta["rule_id"]]
        for name, value in result.result.items():
            if name in mine:
                assert mine[name] == pytest.approx(value), result.expectation_config.meta["rule_id"]
            else:
                assert not value or name == "observed_value", name


# --------------------------------------------------------------------------------------------- persons, and pages of the past

PERSON = "Taro Yamada 090-1234-5678 <script>document.title='taken over'</script>"


def test_what_a_record_says_of_a_person_stands_on_no_page(tmp_path: Path) -> None:
    bad = [REPORT.replace("Ontario,Ontario", f"{PERSON},Ontario"), REPORT.replace('"$1,234.56"', '"$98,765,432.10 by Yamada"')]
    verdict = judged("cafc", cafc_file(tmp_path, *bad))
    assert verdict.to_json()["quarantined"] == 2
    # What was found is told to whoever mends the file, and to nobody else.
    assert "Yamada" in json.dumps(verdict.to_json()["rules"], ensure_ascii=False)
    pages = data_docs.build([verdict.to_json()])
    assert len(pages) == 2
    for content in pages.values():
        text = content.decode()
        for secret in ("Yamada", "090-1234", "98,765,432", "98765432", "taken over", "1234.56", "1,234.56"):
            assert secret not in text, secret


def test_pages_of_snapshots_that_have_no_verdict_any_more_are_taken_away(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for name in ("npa_overseas", "jca_card"):
        shutil.copytree(INBOX / name, root / "raw" / "inbox" / name)
        steps.ingest_inbox(name, data=root)
        steps.validate(name, data=root)
    assert steps.build_data_docs(data=root)
    store = steps.store_at(root)
    docs = store.processed / "validation" / "data_docs"

    def pages() -> set[str]:
        return {path.relative_to(docs).as_posix() for path in docs.rglob("*.html")}

    before = pages()
    gone, *others = store.snapshots("npa_overseas")
    kept = (docs / f"npa_overseas/{others[0].id}.html").read_bytes()
    store.verdict_path("npa_overseas", gone.id).unlink()
    assert steps.build_data_docs(data=root)
    assert before - pages() == {f"npa_overseas/{gone.id}.html"}
    assert (docs / f"npa_overseas/{others[0].id}.html").read_bytes() == kept
    assert gone.id not in (docs / "index.html").read_text()
    # A source that has nothing left leaves nothing.
    for snapshot in store.snapshots("jca_card"):
        store.verdict_path("jca_card", snapshot.id).unlink()
    assert steps.build_data_docs(data=root)
    assert {name.partition("/")[0] for name in pages()} == {"index.html", "npa_overseas"}
    assert not steps.build_data_docs(data=root)
