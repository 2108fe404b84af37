"""The files of a release: the same bytes every time, nothing absent shown as zero, no publisher's text taken for markup."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import markupsafe
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.frames import OBSERVATION_SCHEMA
from pipeline.model import DERIVATIONS
from pipeline.publish import markup, release, section_pages, traces
from pipeline.publish.content import Item, Section
from pipeline.publish.tables import Column, Table, text_cell
from tests import publish_sample as sample
from tests.workbook_rules import columns_of

HOSTILE = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def annual() -> dict[str, bytes]:
    return release.build(sample.given("2025"))


@pytest.fixture(scope="module")
def page(annual: dict[str, bytes]) -> str:
    return annual["index.html"].decode()


@pytest.fixture(scope="module")
def monthly() -> dict[str, bytes]:
    return release.build(sample.given("2026-04"))


def _csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def _book(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


class _Tree(HTMLParser):
    """Opening and closing tags must match; rows of every table must have as many cells as its head."""

    void = frozenset(("meta", "br", "img", "input", "hr", "link"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.widths: list[list[int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.handlers += [name for name in values if name.startswith("on")]
        if values.get("id"):
            self.ids.append(str(values["id"]))
        if tag == "a":
            self.links.append(str(values["href"]))
        if tag == "table":
            self.widths.append([])
        if tag == "tr":
            self.widths[-1].append(0)
        if tag in ("td", "th"):
            self.widths[-1][-1] += 1
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _tree(page: str) -> _Tree:
    tree = _Tree()
    tree.feed(page)
    assert tree.open == []
    return tree


# --------------------------------------------------------------------------------------------------------- determinism


@pytest.mark.parametrize("code", ["2025", "2026-04"])
def test_the_same_input_gives_the_same_bytes_whatever_the_order_of_the_rows(code: str) -> None:
    first = release.build(sample.given(code))
    shuffled = sample.view().sample(frac=1, random_state=7).reset_index(drop=True)
    second = release.build(sample.given(code, shuffled, snapshots=sample.snapshots()[::-1], sources=sample.sources()[::-1]))
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_a_release_holds_page_workbook_tables_parquet_and_package_but_no_manifest(annual: dict[str, bytes]) -> None:
    fixed = {"index.html", "summary.xlsx", "observations.parquet", "datapackage.json", "table_schema.json", "findings.csv"}
    assert fixed <= set(annual)
    assert {"npa_annual_special_fraud.csv", "npa_releases_special_fraud.csv", "npa_overseas_events.csv"} <= set(annual)
    assert "manifest.json" not in annual


# --------------------------------------------------------------------------------------------------------------- page


def test_every_page_is_self_contained_and_small(annual: dict[str, bytes]) -> None:
    for name, content in annual.items():
        if name.endswith(".html"):
            page = content.decode()
            assert len(content) < 1_000_000, name
            # The script is our own, and the browser is told its hash; the icon is empty, so that none is asked for.
            assert len(re.findall(r"<script(?! type=\"application/ld\+json\">)", page)) == 1
            assert not re.search(r"<(?:link(?! rel=\"(?:icon|alternate)\")|img|iframe|object|embed)\b", page)
            assert not re.search(r"\b(?:src|srcset)\s*=|@import|url\((?!#)", page)
            assert "default-src 'none'" in page


def test_every_page_is_well_formed_with_unique_anchors_and_no_link_of_the_release_is_dead(annual: dict[str, bytes]) -> None:
    trees = {name: _tree(content.decode()) for name, content in annual.items() if name.endswith(".html")}
    assert {"index.html", "trace_npa_annual.html", "tables_special_fraud.html"} <= set(trees)
    anchors = {name: set(tree.ids) for name, tree in trees.items()}
    for name, tree in trees.items():
        assert len(tree.ids) == len(set(tree.ids))
        for link in tree.links:
            file, _, anchor = link.partition("#")
            if link.startswith(("https://", "../")):
                continue
            assert (file or name) in annual, f"{name}: {link}"
            assert not anchor or anchor in anchors[file or name], f"{name}: {link}"
        for widths in tree.widths:
            assert len(set(widths)) == 1, widths


def test_a_page_of_one_table_shows_it() -> None:
    items = [Item(table=Table(name, name, (Column("a"),), ((text_cell("b"),),)), collapsed=True, is_main=False) for name in "xy"]
    for of_page, opened in ((items[:1], 1), (items, 0)):
        (section,) = section_pages.shown_sections([Section("s", "s", "", (), tuple(of_page))], {})
        (further,) = section.pages
        shown = "".join(str(block.__html__()) for block in further.blocks)
        assert shown.count("<table ") == len(of_page)
        assert shown.count("<details open>") == opened


def test_the_workbook_and_whole_collections_stand_before_single_tables_in_the_list_of_files(page: str) -> None:
    named = re.findall(r'<li><a href="([^"]+)">', page[page.index('<ul class="files">') :].partition("</ul>")[0])
    assert named[0] == "summary.xlsx"
    kinds = [name.endswith(".csv") and not name.startswith("sdmx_") for name in named if not name.startswith("chart_")]
    assert kinds == sorted(kinds)


def test_each_source_leads_to_its_page_of_the_site(page: str) -> None:
    for source in sample.sources():
        assert f'href="../../../../site/source_{source.id}.html"' in page


def test_pages_are_linked_both_ways(annual: dict[str, bytes]) -> None:
    for name, content in annual.items():
        first = "index.ja.html" if name.endswith(".ja.html") else "index.html"
        if name.endswith(".html") and name != first:
            assert f'href="{name}#' in annual[first].decode()
            assert f'<a href="{first}"' in content.decode()


def test_long_tables_are_spread_over_pages_below_the_limit(monkeypatch: pytest.MonkeyPatch, annual: dict[str, bytes]) -> None:
    monkeypatch.setattr(section_pages, "TABLES_BYTES", 12_000)
    monkeypatch.setattr(traces, "LINES_A_PAGE", 50)
    spread = release.build(sample.given("2025"))
    assert {"tables_special_fraud-2.html", "trace_npa_annual-2.html"} <= set(spread)
    found, before = (re.findall(r'<table id="([^"]*)"', sample.pages(files)) for files in (spread, annual))
    assert sorted(found) == sorted(before)
    lines, all_lines = (re.findall(r'<tr id="([^"]*)"', sample.pages(files)) for files in (spread, annual))
    assert sorted(lines) == sorted(all_lines)
    for name, content in spread.items():
        if name.startswith("trace_"):
            assert content.count(b"<tr id=") <= 50


def test_the_page_says_at_a_glance_how_many_and_how_much(page: str) -> None:
    glance = page[page.index('id="glance"') : page.index('id="together-over-time"')]
    for text in ("27,832", "142,309,498,218 yen", "1,423.1億円", "US$951.1", "+98.0 %", "43,000", "325,742,587,218 yen"):
        assert text in glance
    assert "Cambodia" in glance
    assert "never add them" in glance


def test_the_page_names_licence_attribution_and_definitions_of_every_source(page: str) -> None:
    for source in sample.sources():
        block = page[page.index(f'id="source-{source.id}"') :]
        block = block[: block.index("</section>")]
        for key in ("licence", "attribution", "unit_of_count", "loss_concept", "date_basis", "coverage", "owner", "calendar"):
            assert str(source.meta[key]) in block
    assert "cash-card theft is added" in page


def test_every_figure_leads_to_the_line_with_its_value_file_cell_and_snapshot(page: str, annual: dict[str, bytes]) -> None:
    cells = re.findall(r'<td class="num"[^>]*><a href="(trace_[a-z_]+\.html)#([a-p][0-9a-f]{15})">([^<]+)</a>', page)
    assert len(cells) > 50
    rows = {row["id"]: row for name in annual if name.endswith(".csv") for row in _csv(annual[name]) if "role" in row}
    for name, observation, _ in cells:
        row, trace = rows[observation], annual[name].decode()
        line = trace[trace.index(f'<tr id="{observation}">') :]
        line = line[: line.index("</tr>")]
        assert name == f"trace_{row['source']}.html"
        assert f"{Decimal(row['value']):,f}" in line
        assert row["origin"].replace("!", ": ") in line
        assert f'href="#snapshot-{row["snapshot"].removeprefix("sha256:")}"' in line
        assert DERIVATIONS[row["derivation"]] in line


def test_a_trace_names_the_publisher_s_address_and_the_hash_of_its_file(annual: dict[str, bytes]) -> None:
    trace = annual["trace_npa_annual.html"].decode()
    assert '<a href="https://www.npa.go.jp/publications/statistics/sousa/sagi.html"' in trace
    (snapshot,) = [item for item in sample.snapshots() if item.source == "npa_annual"]
    assert f'id="snapshot-{snapshot.id}"' in trace
    assert snapshot.sha256 in trace
    assert "expectations/npa_annual.json" in trace


def test_a_change_across_a_break_is_a_mark() -> None:
    page = release.build(sample.given("2018"))["index.html"].decode()
    assert "cash-card theft is added" in page
    glance = page[page.index('id="glance"') : page.index("</section>", page.index('id="glance"'))]
    assert "[b]" in glance
    assert "not computed across a break" in glance


def test_an_absent_figure_is_a_mark_and_never_zero(page: str, annual: dict[str, bytes]) -> None:
    sns = page[page.index('id="table-sns_fraud_losses"') :]
    line = sns[sns.index("SNS型投資詐欺") :]
    line = line[: line.index("</tr>")]
    assert "[u]" in line
    assert not re.search(r">\s*0\s*<", line)
    row = next(
        r
        for r in _csv(annual["npa_annual_sns_fraud.csv"])
        if (r["native_type"], r["measure"], r["period"]) == ("SNS型投資詐欺", "loss", "2025")
    )
    assert (row["value"], row["absence"]) == ("", "unreadable")


def test_no_observation_of_the_sample_is_zero_so_no_cell_is(annual: dict[str, bytes]) -> None:
    page = annual["index.html"].decode()
    # The findings hold true zeros: differences and tolerances.
    page = page[: page.index('id="table-findings"')]
    cells = re.findall(r'<td class="num"[^>]*>(?:<a[^>]*>)?([^<]*)', page)
    assert cells
    assert "0" not in [text.strip() for text in cells]
    for sheet in _book(annual["summary.xlsx"]):
        if not sheet.title.endswith("findings"):
            figures = [cells for head, cells in columns_of(sheet) if "precision" not in head]
            assert not any(cell.value == 0 for cells in figures for cell in cells)


def test_an_overlay_stands_in_a_box_of_its_own_that_forbids_adding(page: str) -> None:
    box = page[page.index('<div class="overlay"') :]
    box = box[: box.index('<ul class="notes">')]
    assert "ニセ警察詐欺" in box
    assert "Never add them" in box
    assert "ニセ警察詐欺" not in page[page.index('id="table-special_fraud_losses"') : page.index('<div class="overlay"')]


def test_a_chart_by_type_leaves_overlays_and_totals_out(page: str) -> None:
    chart = page[page.index('id="chart-special_fraud_types"') :]
    chart = chart[: chart.index("</figure>")]
    assert "Refund fraud" in chart
    assert "Fake police" not in chart
    assert "All types" not in chart


def test_the_exact_figures_behind_a_chart_do_not_stand_under_the_large_unit_of_its_axis(page: str) -> None:
    behind = re.findall(r"<table><caption>Figures of the chart.*?</table>", page, flags=re.DOTALL)
    by_type = [table for table in behind if "by type" in table and "<small>yen</small>" in table]
    assert by_type
    assert "Loss, billion yen" in page
    for table in behind:
        assert not re.search("million|billion", re.search(r"<thead>.*?</thead>", table, flags=re.DOTALL)[0])  # type: ignore[index]


def test_charts_have_title_description_and_text(page: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", page, flags=re.S)
    assert len(charts) >= 4
    for chart in charts:
        assert 'role="img"' in chart
        assert "<title id=" in chart
        assert "<desc id=" in chart
        assert "<text" in chart
        assert "var(--series-1)" in chart
        assert "#0a0" not in chart


def test_a_cumulative_figure_is_never_labelled_as_a_month(monthly: dict[str, bytes]) -> None:
    page = monthly["index.html"].decode()
    assert "Fraud losses, April 2026" in page
    for place in [match.start() for match in re.finditer("14,898", page)]:
        before = page[:place]
        assert before.rindex("January–April 2026 (cumulative)") > max(before.rfind("Fraud losses, April 2026"), 0)
    assert "<h3>Special fraud, April 2026" not in page
    assert all(
        row["frequency"] == "year_to_date" for row in _csv(monthly["npa_monthly_special_fraud.csv"]) if row["value"] == "14898"
    )
    assert "not the figure of a single month" in page
    assert release.headline(sample.given("2026-04"))["period"] == "2026-01/2026-04"


def test_a_series_with_a_part_of_the_year_only_shows_its_longest_part_on_the_first_page() -> None:
    rows = [
        sample.row("npa_annual", "special_fraud", code, "cases", "cases", value)
        for code, value in (("2026-01", 4001), ("2026-01/2026-03", 10777), ("2026-S1", 20888))
    ]
    page = release.build(sample.given("2026", sample.view(rows)))["index.html"].decode()
    table = page[page.index('id="table-special_fraud_part_totals"') :]
    table = table[: table.index("</table>")]
    assert "January–June 2026 (half-year): all that is known of the period" in table
    assert "20,888" in table
    assert "10,777" not in table
    assert "A part of the period: never compare it with the whole." in page
    whole = release.build(sample.given("2025"))["index.html"].decode()
    assert "part_totals" not in whole


def test_figures_of_another_classification_never_share_a_table(page: str) -> None:
    table = page[page.index('id="table-special_fraud_losses"') :]
    table = table[: table.index("</table>")]
    assert "43,000" not in table
    assert "never to be added" in page


def test_calendar_and_fiscal_years_stand_in_different_tables() -> None:
    fiscal = [
        sample.row("npa_releases", "special_fraud", code, "cases", "cases", value, classification="survey")
        for code, value in (("2024-FY", 777001), ("2025-FY", 777002))
    ]
    page = sample.pages(release.build(sample.given("2025", sample.view(fiscal))))
    tables = re.findall(r"<table.*?</table>", page, flags=re.S)
    assert [("27,832" in table) for table in tables if "777,00" in table and 'class="trace' not in table] == [False]
    assert "fiscal year 2025 (April 2025 – March 2026)" in page


# ------------------------------------------------------------------------------------------------------------- hostile


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    types = [HOSTILE, FORMULA, "@SUM(1)", "+1", "-1+2", "\tx", "a\x00\x07b", 'x" onmouseover="y']
    rows = [
        sample.row(
            "npa_annual",
            "special_fraud",
            "2025",
            measure,
            unit,
            12_345_678_900 + place,
            native_type=name,
            fraud_type="OTH",
            note=name,
        )
        for place, name in enumerate(types)
        for measure, unit in (("cases", "cases"), ("loss", "JPY"))
    ]
    named = [
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 5, age=HOSTILE, native_type="x", origin=FORMULA),
        sample.row("npa_annual", "special_fraud", "2025", "victims", "persons", 5, classification=HOSTILE),
    ]
    return release.build(sample.given("2025", sample.view([*rows, *named]), release_id="0123"))


def test_hostile_text_stays_text_in_the_page(hostile: dict[str, bytes]) -> None:
    page = hostile["index.html"].decode()
    assert re.findall(r"<script[^>]*>", page) == ['<script type="application/ld+json">', "<script>"]
    for name in ("index.html", "tables_special_fraud.html", "trace_npa_annual.html"):
        page = hostile[name].decode()
        assert "&lt;script&gt;" in page
        assert page.count("<script>") == 1
        assert "\x00" not in page
        assert "\x07" not in page
        assert _tree(page).handlers == []


def test_hostile_text_is_no_formula_in_a_csv(hostile: dict[str, bytes]) -> None:
    rows = _csv(hostile["npa_annual_special_fraud.csv"])
    labels = {row["native_type"] for row in rows}
    assert {f"'{FORMULA}", "'@SUM(1)", "'+1", "'-1+2"} <= labels
    for row in rows:
        for name, text in row.items():
            if name not in ("value", "low", "high", "precision"):
                assert not text.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_hostile_text_is_no_formula_in_the_workbook(hostile: dict[str, bytes]) -> None:
    values = [cell for sheet in _book(hostile["summary.xlsx"]) for line in sheet.iter_rows() for cell in line]
    assert not any(cell.data_type == "f" for cell in values)
    assert any(cell.value == FORMULA for cell in values)
    assert any(cell.value == HOSTILE for cell in values)


def test_an_address_in_a_publisher_s_text_becomes_a_link_and_nothing_else_does() -> None:
    text = 'see https://example.org/a?b=1&c=2" onmouseover="x, <b>http://example.org/d).</b> javascript:alert(1)'
    made = str(markup.linked(text))
    assert re.findall(r'<a href="([^"]*)" rel="noopener">', made) == ["https://example.org/a?b=1&amp;c=2", "http://example.org/d"]
    assert re.sub(r"</?a[^>]*>", "", made) == str(markupsafe.escape(text))


# ------------------------------------------------------------------------------------------------------------ workbook


def test_the_workbook_keeps_exact_numbers_and_shows_marks_for_absent_ones(annual: dict[str, bytes]) -> None:
    book = _book(annual["summary.xlsx"])
    sheet = next(
        sheet for sheet in book if sheet["A1"].value == "Special fraud, 2025 (special fraud, 10 types): cases and losses"
    )
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    head = next(line for line in lines if line[0] and str(line[0]).startswith("Type"))
    body = lines[lines.index(head) + 1 :]
    total = dict(zip(head, body[0], strict=True))
    assert total["Loss, yen 被害額"] == 142309498218
    assert all(value is not None for line in body for value in line)
    sns = next(sheet for sheet in book if sheet["A1"].value == "SNS investment and romance fraud, 2025: cases and losses")
    assert "[u]" in [cell.value for line in sns.iter_rows() for cell in line]


def test_the_workbook_gives_precision_in_a_column(annual: dict[str, bytes]) -> None:
    book = _book(annual["summary.xlsx"])
    sheet = next(sheet for sheet in book if "cutting across types" in sheet["A1"].value)
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    head = next(line for line in lines if "Loss, yen: precision, ± (0 is exact)" in line)
    assert lines[-1][head.index("Loss, yen: precision, ± (0 is exact)")] == 50_000_000


# ----------------------------------------------------------------------------------------------------------- for machines


def test_the_parquet_holds_every_row_of_the_release_in_the_declared_schema(annual: dict[str, bytes]) -> None:
    table = pq.read_table(io.BytesIO(annual["observations.parquet"]))
    # Plain text for the source: the dictionary serves files that lie in a folder `source=…`.
    declared = OBSERVATION_SCHEMA.set(OBSERVATION_SCHEMA.get_field_index("source"), pa.field("source", pa.string()))
    assert table.schema.equals(declared)
    listed = {row["id"] for name in annual if name.endswith(".csv") for row in _csv(annual[name]) if "role" in row}
    assert set(table.column("id").to_pylist()) == listed


def test_a_rounded_figure_carries_its_range_in_the_csv(annual: dict[str, bytes]) -> None:
    row = next(r for r in _csv(annual["npa_releases_special_fraud.csv"]) if (r["measure"], r["overlay"]) == ("loss", "true"))
    assert (row["value"], row["precision"]) == ("100500000000", "50000000")
    assert (row["low"], row["high"]) == ("100450000000", "100550000000")


def test_the_data_package_describes_every_file_with_hash_schema_and_licence(annual: dict[str, bytes]) -> None:
    package = json.loads(annual["datapackage.json"])
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    assert {resource["path"] for resource in package["resources"]} == set(annual) - {"datapackage.json"}
    names = [resource["name"] for resource in package["resources"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)
    assert package["licenses"]
    assert package["sources"]
    for resource in package["resources"]:
        content = annual[resource["path"]]
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        if resource["path"].endswith(".csv"):
            schema = resource["schema"]
            fields = (json.loads(annual[schema]) if isinstance(schema, str) else schema)["fields"]
            rows = _csv(content)
            assert content.decode().splitlines()[0].split(",") == [field["name"] for field in fields]
            _check_fields(rows, fields)
    assert "created" not in package


def _check_fields(rows: list[dict[str, str]], fields: list[dict[str, Any]]) -> None:
    for field in fields:
        values = [row[field["name"]] for row in rows if row[field["name"]] != ""]
        allowed = field.get("constraints", {}).get("enum")
        if allowed:
            assert set(values) <= set(allowed), field["name"]
        if field["type"] == "number":
            assert all(Decimal(value).is_finite() for value in values)
        if field["type"] == "boolean":
            assert set(values) <= {"true", "false"}


def test_only_findings_of_the_release_s_own_periods_are_shown(annual: dict[str, bytes]) -> None:
    found = _csv(annual["findings.csv"])
    assert [row["period"] for row in found] == ["2025", "2025"]
    page = annual["index.html"].decode()
    table = page[page.index('id="table-findings"') :]
    assert table.index("different") < table.index(">exact<")


def test_a_release_without_findings_is_built_all_the_same() -> None:
    empty = sample.findings().iloc[:0]
    assert "findings.csv" not in release.build(sample.given("2025", findings=empty))


def test_the_headline_for_the_manifest_is_exact_text() -> None:
    headline = release.headline(sample.given("2025"))
    assert (headline["family"], headline["cases"], headline["loss"]) == ("special_fraud", "27832", "142309498218")
    assert headline["together"]["loss"] == "325742587218"
    assert headline["edition"] == "final"
    assert json.loads(json.dumps(headline)) == headline
