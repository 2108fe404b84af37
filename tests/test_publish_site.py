"""The site: index of releases, sources, quality, methods."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from typing import Any

import pandas as pd
import pytest
from markupsafe import escape

from pipeline.aggregate.derive import steps_in_words
from pipeline.frames import VINTAGE_COLUMNS, observations_frame
from pipeline.model import (
    ABSENCE,
    CHANGES,
    DERIVATIONS,
    DIMENSIONS,
    EDITIONS,
    INTERVALS,
    MEASURES,
    OBS_STATUS,
    REASONS,
    UNITS,
    Period,
)
from pipeline.publish import languages, release, site, source_pages, words
from pipeline.publish.countries import FACETS
from pipeline.publish.evidence import Evidence
from pipeline.publish.families import Families
from pipeline.publish.feed import feed_name
from pipeline.publish.freshness import Freshness, freshness_of
from pipeline.publish.methods import NAMES
from pipeline.publish.register import register_table, register_tables
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.register_facts import Facts
from pipeline.publish.source_facts import source_view
from pipeline.reference import comparability_words, fraud_types, series
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.shipped import derived_as_of


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


def test_the_feed_tells_what_is_provisional_and_has_no_mark_for_what_nobody_counts() -> None:
    """Card companies publish no cases; a feed has no list of marks that would say what `[x] cases` means."""
    cards = {"family": "card_fraud", "period": "2025", "loss": "9390000000", "unit": "JPY", "edition": "unknown"}
    cases = {"family": "furikome_fraud", "period": "2025", "cases": "6030", "edition": "provisional"}
    told = [_manifest("2025", "one", headline=cards), _manifest("2024", "two", headline=cases), _manifest("2026-04", "month")]
    feeds = site.build(told, sample.view(), sample.sources())
    english, japanese = (feeds[name].decode().replace("\N{NO-BREAK SPACE}", " ") for name in ("feed.xml", "feed.ja.xml"))
    assert "a loss of ¥9.39 bn. " in english
    assert "6,030 cases (provisional). " in english
    assert "14,898 cases, ¥126.00 bn (provisional). " in english
    assert "14,898件、被害額1,260.0億円（暫定値）" in japanese
    assert "[x]" not in english + japanese


@pytest.mark.parametrize(
    ("family", "english", "japanese"),
    [
        ("special_fraud", "Japan: Special fraud", "特殊詐欺"),
        ("scamwatch_types", "Australia: Reports to Scamwatch", "オーストラリア：スキャムウォッチへの報告"),
        ("fraud_reports", "United States: Fraud reports and losses", "アメリカ合衆国：詐欺の報告と被害額"),
    ],
)
def test_the_index_and_the_feed_say_of_which_country_a_series_is(family: str, english: str, japanese: str) -> None:
    headline = {"family": family, "period": "2024", "cases": "5", "loss": "7", "unit": "JPY", "edition": "final"}
    manifest = {"frequency": "annual", "period": "2024", "release_id": "one", "as_of": "2025-01-01", "headline": headline}
    for code, title in (("en", english), ("ja", japanese)):
        built = site.build([{**manifest, "files": {}}], sample.view().iloc[:0], catalogue.sources())
        index, feed = (built[name].decode() for name in (languages.file_name("index.html", code), feed_name(code)))
        assert f"<td>{title}</td>" in index
        assert f"<summary>{title}" in feed
        assert code == "ja" or (" 5 reports" in feed) == (family != "special_fraud")


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
        r'<a href="\.\./releases/annual/2025/new/(trace_[a-z_]+\.html)#([a-p][0-9a-f]{15})">', files["index.html"].decode()
    )
    built = release.build(sample.given("2025"))
    assert len(linked) > 20
    assert all(f'<tr id="{observation}">' in built[name].decode() for name, observation in linked)


def test_where_every_figure_reads_as_it_was_printed_the_page_on_quality_says_so() -> None:
    page = site.build([], sample.view(), sample.sources(), Evidence())["quality.html"].decode()
    assert "No release in force prints a figure that reads otherwise now." in page
    assert "table-revised_since" not in page


def test_figures_of_a_release_that_stands_still_are_shown_and_led_to_as_it_shows_them() -> None:
    view, manifests = sample.view(), [_manifest("2025", "new")]
    shown = view.assign(id=[f"a{number:015}" for number in range(len(view))])
    page = site.build(manifests, view, sample.sources(), shown={"2025": shown})["index.html"].decode()
    linked = re.findall(r'/annual/2025/new/trace_[a-z_]+\.html#([a-p][0-9a-f]{15})"', page)
    assert len(linked) > 20
    # The manifest says itself where the release traces its headline.
    headline = {to.partition("#")[2] for to in manifests[0]["headline"]["traces"].values()}
    assert set(linked) - headline <= set(shown["id"])


def test_the_page_of_each_source_says_what_it_counts_and_under_which_licence(files: dict[str, bytes]) -> None:
    listing = files["sources.html"].decode()
    for source in sample.sources():
        assert f'href="source_{source.id}.html"' in listing
        page = files[f"source_{source.id}.html"].decode()
        for text in (
            "Licence",
            "Attribution",
            "Counts",
            "Meaning of loss",
            "Date of a case or report",
            "Coverage",
            "Expected calendar",
            "Owner here",
        ):
            assert text in page
    assert "Breaks in the series" in files["source_npa_annual.html"].decode()


def test_the_page_of_a_source_says_its_caveats_in_the_words_that_all_sources_share() -> None:
    source = catalogue.source("ftc_csn")
    sections = source_pages.source_sections(source, sample.view().iloc[:0], Evidence(), dt.date(2025, 9, 1))
    (section,) = [section for section in sections if section.id == "caveats"]
    (item,) = section.items
    assert item.table is not None
    lines = {str(line[0].text): line for line in item.table.rows}
    for facet, title in FACETS.items():
        code = str(source.meta["comparability"][facet])
        word = comparability_words(facet)[code]
        assert [str(cell.text) for cell in lines[str(title)][1:]] == [word.label, word.definition, code]
        assert lines[str(title)][3].href == f"methods.html#table-comparability_{facet}"
    other = source.tables["reports_by_year"].title
    assert str(lines[f"What is counted ({other})"][3].text) == "CONSUMER_REPORT_ALL"
    bare = dataclasses.replace(source, meta={name: words for name, words in source.meta.items() if name != "comparability"})
    nothing = source_pages.source_sections(bare, sample.view().iloc[:0], Evidence(), dt.date(2025, 9, 1))
    assert not next(section for section in nothing if section.id == "caveats").items


def test_the_page_of_a_source_says_what_its_publisher_does_not_state() -> None:
    sections = source_pages.source_sections(catalogue.source("jca_card"), sample.view().iloc[:0], Evidence(), dt.date(2025, 9, 1))
    (item,) = next(section for section in sections if section.id == "caveats").items
    assert item.table is not None
    words = {str(line[0].text): (str(line[1].text), str(line[3].text)) for line in item.table.rows}
    assert words["Date of a case or report"] == words["Threshold"] == ("not stated", "UNKNOWN")
    assert words["What is counted"] == ("no cases are counted", "NO_COUNT")


def test_a_break_is_told_with_the_names_of_its_table_and_types() -> None:
    told = [str(line) for line in source_view(catalogue.source("npa_annual"))["breaks"]]
    assert any(line.startswith("Special fraud, from 2018 (all types together): ") for line in told)
    assert any(line.startswith("Special fraud, from 2020 (“It's me” impersonation; Bank savings fraud): ") for line in told)
    assert not any("_T" in line for line in told)


def test_every_link_within_the_site_leads_somewhere(files: dict[str, bytes]) -> None:
    pages = {name: content.decode() for name, content in files.items() if name.endswith(".html")}
    anchors = {name: set(re.findall(r' id="([^"]+)"', page)) for name, page in pages.items()}
    for name, page in pages.items():
        assert len(re.findall(r' id="([^"]+)"', page)) == len(anchors[name]), name
        for link in re.findall(r'<a [^>]*href="([^"]+)"', page):
            file, _, anchor = link.partition("#")
            if not link.startswith(("https://", "../releases/")):
                assert (file or name) in files, f"{name}: {link}"
                assert not anchor or anchor in anchors[file or name], f"{name}: {link}"


def test_a_source_page_says_as_of_the_newest_known_day_whether_it_is_late(files: dict[str, bytes]) -> None:
    day = words.day(max(sample.view()["known_at"]))
    assert f"On {day} it was up to date: the newest figures end on 31 December 2025" in files["source_npa_annual.html"].decode()


def _months(*codes: str) -> pd.DataFrame:
    return sample.view()[:0].reindex(range(len(codes))).assign(period=codes, derivation="", absence="")


def test_freshness_is_judged_by_the_calendar_on_the_day_that_is_given() -> None:
    (source, *_) = sample.sources()
    monthly = dataclasses.replace(source, meta={**source.meta, "expected": {"frequency": "monthly", "months_after": 2}})
    figures = _months("2024-01", "2024-02", "2024-05", "2024-01/2024-05")
    found = freshness_of(figures, monthly, dt.date(2024, 7, 30))
    assert (found.newest, found.expected.code, found.is_fresh) == (dt.date(2024, 5, 31), "2024-04", True)
    assert (found.holes, found.periods) == (["2024-03", "2024-04"], 3)
    assert not freshness_of(figures, monthly, dt.date(2024, 9, 1)).is_fresh
    assert not freshness_of(figures.assign(absence="not_collected"), monthly, dt.date(2024, 7, 30)).is_fresh


def test_periods_that_lack_are_told_as_stretches() -> None:
    built = source_pages.freshness_sentences(
        Freshness(dt.date(2024, 12, 31), Period.parse("2024-12"), ["2024-03", "2024-04", "2024-08"], 9),
        sample.sources()[0],
        dt.date(2025, 2, 1),
    )
    assert "between the first and the last: March 2024 to April 2024; August 2024." in built[1]


def _all_cells(page: bytes, table: str, head: str) -> list[list[str]]:
    """The cells of each line of a table that begins with `head`, as text."""
    found = page.decode()
    found = found[found.index(f'<table id="table-{table}"') :]
    found = found[: found.index("</table>")]
    lines = [line for line in found.split("<tr>")[2:] if head in re.sub(r"<[^>]+>", "", line).split("\n")[0]]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, flags=re.S) for line in lines]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in line] for line in cells]


def _cells(page: bytes, table: str, head: str) -> list[str]:
    """The cells of the first of them."""
    return _all_cells(page, table, head)[0]


def test_quality_counts_rows_read_and_set_aside_and_holds_the_hash_of_the_files() -> None:
    snapshots = sample.snapshots()
    verdicts = {item.id: {"status": "accepted", "read": 200, "ok": 190, "quarantined": 10} for item in snapshots}
    built = site.build([], sample.view(), sample.sources(), Evidence(snapshots=snapshots, verdicts=verdicts))
    line = _cells(built["quality.html"], "completeness_of_sources", "npa_annual")
    assert line[1:5] == ["1", "0", "200", "5.0"]
    (own,) = [item for item in snapshots if item.source == "npa_annual"]
    assert line[-1] == hashlib.sha256(own.sha256.encode()).hexdigest()[:12]
    assert own.sha256 in built["source_npa_annual.html"].decode()


def test_an_indicator_that_cannot_be_computed_is_a_mark_and_never_zero(files: dict[str, bytes]) -> None:
    assert _cells(files["quality.html"], "completeness_of_sources", "npa_annual")[4] == "[x]"
    assert _cells(files["quality.html"], "timeliness_of_sources", "npa_annual")[3] == "[x]"


def test_a_period_before_whose_end_the_file_ends_is_not_taken_for_published() -> None:
    cut = {"note": "the file ends on 2025-11-30"}
    rows = [sample.row("npa_annual", "special_fraud", "2025", "victims", "persons", 5, **cut)]
    days = pd.DataFrame(
        [("npa_annual", "special_fraud", "annual", year, dt.date(2026, 9, 20)) for year in ("2024", "2025")],
        columns=VINTAGE_COLUMNS,
    )
    for extra, newest, after in ((rows, "2024", "628"), ([], "2025", "263")):
        built = site.build([], sample.view(extra), sample.sources(), Evidence(vintages=days))
        assert _cells(built["quality.html"], "timeliness_of_sources", "npa_annual")[2:4] == [newest, after]


def test_large_losses_have_the_interval_of_each_quantile_that_the_source_gives() -> None:
    ends = {"median_loss": (1_000_000, 1_200_000), "p90_loss": (9_000_000, 9_900_000)}
    rows = [sample.row("npa_annual", "special_fraud", "2025", "max_loss", "JPY", 99_000_000)]
    rows += [
        sample.row("npa_annual", "special_fraud", "2025", name, "JPY", value)
        for measure, values in ends.items()
        for name, value in zip(INTERVALS[measure], values, strict=True)
    ]
    built = site.build([], sample.view(rows), sample.sources(), Evidence())
    told = _cells(built["quality.html"], "large_losses", "npa_annual")[-1].replace("\xa0", " ")
    assert "of the median, 95 %: ¥1.0 m to ¥1.2 m" in told
    assert "of the 90th percentile, 95 %: ¥9.0 m to ¥9.9 m" in told


LATE = "a revision: the figure was published from an earlier state of the data, and reports are entered late into past days"


@pytest.mark.parametrize(
    ("compared", "told"),
    [
        ([("exact", ""), ("exact", "printed in the file that ours is read from")], ["2", "0", "0", "0", "–"]),
        ([("exact", ""), ("different", "unknown")], ["1", "0", "1", "0", "reason unknown"]),
        ([("different", LATE), ("different", LATE)], ["0", "0", "2", "0", LATE]),
        (
            [("different", "unknown"), ("different", LATE), ("different", LATE)],
            ["0", "0", "3", "0", f"{LATE} (figures: 2); reason unknown (figures: 1)"],
        ),
    ],
)
def test_agreement_is_counted_from_what_was_reconciled_and_names_the_reasons_of_differences(
    compared: list[tuple[str, str]], told: list[str]
) -> None:
    lines = pd.DataFrame([("npa_annual", *line) for line in compared], columns=["source", "status", "explanation"])
    built = site.build([], sample.view(), sample.sources(), Evidence(reconciliation=lines))
    assert _cells(built["quality.html"], "agreement_by_source", "npa_annual")[1:] == told


def test_non_response_is_the_unknown_share_of_the_total() -> None:
    rows = [
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", value, age=age)
        for age, value in (("_U", 6958), ("Y_GE65", 20874))
    ]
    built = site.build([], sample.view(rows), sample.sources(), Evidence())
    assert _cells(built["quality.html"], "non_response_by_table", "npa_annual")[2:] == [
        "age",
        "2025",
        "25.0",
        "[x]",
        "[z]",
        "[z]",
    ]


def test_non_response_is_told_of_areas_and_of_a_label_that_stands_for_other_and_not_known() -> None:
    # The Canadian file of 2024-09-30, reports of January to September 2024: country not known, province not known, and the
    # solicitation that is other or not known.
    rows = [
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", value, **about)
        for value, about in (
            (6_340, {"area": "_U"}),
            (88, {"area": "_U_JP"}),
            (29_235, {"area": "JP-13"}),
            (2_095, {"contact": "_U"}),
            (9_053, {"contact": "_O_U"}),
        )
    ]
    built = site.build([], sample.view(rows), sample.sources(), Evidence())
    lines = _all_cells(built["quality.html"], "non_response_by_table", "npa_annual")
    assert [line[2] for line in lines] == ["contact", "area"]
    total = 27_832
    assert lines[0][4:] == [f"{100 * 2_095 / total:.1f}", "[x]", f"{100 * 9_053 / total:.1f}", "[x]"]
    assert lines[1][4:] == [f"{100 * 6_428 / total:.1f}", "[x]", "[z]", "[z]"]


def _registered(*rows: dict[str, Any], **facts: Any) -> dict[str, tuple[str, str]]:
    found = dataclasses.replace(Facts.of(observations_frame(list(rows))), **facts)
    return {line[0].text: (line[2].text, line[4].text) for line in register_table(found).rows}


def test_the_register_calls_types_over_years_made_of_two_years_only() -> None:
    typed = [
        sample.row("npa_annual", "special_fraud", year, "cases", "cases", 5, **sample.typed("還付金詐欺"))
        for year in ("2024", "2025")
    ]
    assert _registered(typed[0])["T07"] == ("not made", "–")
    assert _registered(*typed)["T07"] == ("made", "npa_annual")
    assert _registered(*typed)["T04"] == ("made in part", "npa_annual (single cells)")


def test_the_register_calls_missing_fields_made_where_the_page_has_a_line() -> None:
    young, unknown = (
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 5, age=code) for code in ("Y_LT65", "_U")
    )
    assert _registered(young)["T38"] == ("not made", "–")
    assert _registered(young, unknown)["T38"] == ("made", "npa_annual")
    abroad = sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 5, area="_U_JP")
    assert _registered(abroad)["T38"] == ("made", "npa_annual")


def test_the_register_calls_revisions_made_where_a_figure_was_printed_twice() -> None:
    once = [("npa_annual", "special_fraud", "annual", "2025", dt.date(2026, 9, 20))]
    again = [("npa_releases", "special_fraud", "annual", "2024", dt.date(2025, month, 1)) for month in (2, 5)]
    for lines, state in ((once, ["not made", "–"]), ([*once, *again], ["made", "npa_releases"])):
        known = pd.DataFrame(lines, columns=VINTAGE_COLUMNS)
        page = site.build([], sample.view(), sample.sources(), Evidence(vintages=known))["quality.html"]
        for code in ("T34", "T35"):
            cells = _cells(page, "register", code)
            assert [cells[2], cells[4]] == state


def test_the_register_does_not_call_made_what_lacks_a_part_of_its_title() -> None:
    states = _registered(
        sample.row("npa_annual", "special_fraud", "2025", "loss_per_100k", "JPY_per_100k", 5),
        made={"T41": frozenset({"npa_annual"})},
    )
    assert [states[code] for code in ("T41", "T42", "T43")] == [
        ("made", "npa_annual"),
        ("made in part", "npa_annual"),
        ("made in part", "npa_annual"),
    ]


def test_the_register_names_breaks_of_sources_with_figures_only() -> None:
    rows = [sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 5)]
    register, _ = register_tables(observations_frame(rows), (), Families(catalogue.sources()))
    assert sum(bool(source.breaks) for source in catalogue.sources()) > 1
    assert {line[0].text: line[4].text for line in register.rows}["T40"] == "npa_annual"


def test_contributions_of_a_half_year_are_counted_in_the_quarter_that_ends_with_it() -> None:
    rows = [
        sample.row("npa_monthly", "sns_fraud", "2025-S1", measure, unit, value, **sample.typed(native))
        for native in ("_T", "SNS型投資詐欺", "SNS型ロマンス詐欺")
        for measure, unit, value in (("cases", "cases", 10), ("change_on_year_cases", "percent", 5))
    ]
    _, counted = register_tables(observations_frame(rows), {"2025-Q2", "2025-Q3"}, Families(sample.sources()))
    (line,) = [line for line in counted.rows if line[0].text == "T03"]
    assert [line[3].text, line[4].text] == ["1", "1"]


def test_the_register_lists_all_44_tables_and_says_of_each_that_is_not_made_what_is_lacking(files: dict[str, bytes]) -> None:
    assert [entry.code for entry in REGISTER] == [f"T{number:02}" for number in range(1, 45)]
    table = register_table(Facts.of(sample.view()))
    states = {row[0].text: (row[2].text, row[3].text, row[4].text) for row in table.rows}
    assert states["T04"][0] == "made in part"
    assert states["T04"][1].startswith("main tables of the series. Lacking: victims: no source gives it; share with a loss: ")
    single = "npa_annual, npa_monthly (single cells), npa_releases (single cells)"
    assert states["T05"] == ("made", "main tables of the series, sorted by cases", single)
    assert states["T23"] == ("not made", "no source gives the means of payment", "–")
    assert all(words != "–" for state, words, _ in states.values())
    with_payment = sample.view([sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 5, payment="CASH")])
    made = {row[0].text: row[4].text for row in register_table(Facts.of(with_payment)).rows}
    assert made["T23"] == "npa_annual (single cells)"
    # The sample is of one country.
    assert _cells(files["quality.html"], "register", "T41")[2:4] == ["not made", "figures of one country only"]


def test_comparable_years_are_those_with_a_figure_since_the_break_of_each_total() -> None:
    names = ("npa_annual", "jca_card")
    sources = [catalogue.source(name) for name in names]
    view = pd.concat([derived_as_of(name) for name in names], ignore_index=True)
    page = site.build([], view, sources)["quality.html"]
    told = {name: _cells(page, "coding_of_sources", catalogue.source(name).title)[5] for name in names}
    # Special fraud breaks in 2018, SNS fraud in 2024; of card fraud no release that could be read has 2001 or 2004.
    assert told["npa_annual"] == "8 (Special fraud); 2 (SNS investment and romance fraud)"
    with_figure = view[(view["source"] == "jca_card") & (view["frequency"] == "annual") & (view["absence"] == "")]["period"]
    assert told["jca_card"] == str(with_figure.nunique())
    assert int(told["jca_card"]) < 2025 - 2000


def test_the_index_and_the_methods_say_what_the_names_of_the_police_mean(files: dict[str, bytes]) -> None:
    for page in ("index.html", "methods.html", "index.ja.html", "methods.ja.html"):
        with languages.speaking("ja" if ".ja." in page else "en"):
            for sentence in NAMES:
                assert str(escape(str(sentence))) in files[page].decode(), page
    parts = catalogue.source("npa_monthly").meta["tables"]["special_fraud"]["parts"]
    assert (len(parts["npa_2020"]), len(parts["npa_2026"])) == (10, 13)
    assert "ten types" in NAMES[0]
    assert "thirteen types" in NAMES[0]
    furikome = catalogue.source("npa_releases").meta["tables"]["furikome_fraud"]["parts"]["npa_furikome_4"]
    assert len(furikome) == 4
    assert set(furikome) < set(parts["npa_2020"])


def test_methods_are_the_words_that_the_code_uses() -> None:
    built = site.build([], sample.view(), sample.sources(), Evidence(derivation_steps=steps_in_words()))
    page = built["methods.html"].decode()
    for meanings in (MEASURES, UNITS, DERIVATIONS, ABSENCE, EDITIONS, OBS_STATUS, CHANGES, REASONS, DIMENSIONS):
        for code, meaning in meanings.items():
            assert not code or str(escape(meaning)) in page, code
    for kind in fraud_types().values():
        assert f'<th scope="row">{kind.code}</th>' in page
    assert {item.source for item in series()} >= {"World Bank SP.POP.TOTL, via datasets/population"}
    for item in series():
        assert str(escape(item.source)) in page
    assert "9. Change on the same period of the year before" in page


def test_the_site_needs_no_network_and_is_the_same_every_time(files: dict[str, bytes]) -> None:
    loading = r"<(?:link(?! rel=\"(?:alternate|icon)\")|img|iframe)\b|\bsrc\s*=|@import|url\((?!#)"
    for content in (content for name, content in files.items() if name.endswith(".html")):
        assert not re.search(loading, content.decode())
        assert content.count(b"<script") == 1
    manifests = [_manifest("2024", "only"), _manifest("2026-04", "month")]
    assert site.build(manifests, sample.view(), sample.sources()) == site.build(manifests[::-1], sample.view(), sample.sources())


def test_a_period_that_is_published_again_changes_the_index_and_the_feed_and_no_other_page() -> None:
    before, after = (
        site.build([_manifest("2024", "only"), _manifest("2026-04", release_id)], sample.view(), sample.sources())
        for release_id in ("one", "two")
    )
    assert {name for name in before if before[name] != after[name]} == {"index.html", "index.ja.html", "feed.xml", "feed.ja.xml"}


def test_the_index_leads_to_the_feed_in_its_own_language(files: dict[str, bytes]) -> None:
    for page, feed in (("index.html", "feed.xml"), ("index.ja.html", "feed.ja.xml")):
        assert re.findall(
            r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="([^"]+)">', files[page].decode()
        ) == [feed]
        assert f'<a href="{feed}">' in files[page].decode()
        assert feed in files


def test_a_site_without_releases_is_a_page_all_the_same() -> None:
    files = site.build([], sample.view().iloc[:0], sample.sources())
    names = ["index", "comparison", "sources", "quality", "methods", *(f"source_{source.id}" for source in sample.sources())]
    assert set(files) == {f"{name}{ending}" for name in names for ending in (".html", ".ja.html")} | {"feed.xml", "feed.ja.xml"}


def test_a_manifest_cannot_lead_out_of_the_releases() -> None:
    page = site.build([_manifest("2024", '../../"><script>')], sample.view(), sample.sources())["index.html"].decode()
    assert page.count("<script") == 1
    assert '../releases/annual/2024/..%2F..%2F%22%3E%3Cscript%3E/index.html"' in page
