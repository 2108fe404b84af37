"""The site's page on several countries: each with its newest year, in its own currency and in dollars, and nothing ranked."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from pipeline.aggregate.derive import derive
from pipeline.frames import observations_frame
from pipeline.publish import comparison
from pipeline.publish.comparison import ComparisonPage, comparison_page
from pipeline.publish.countries import FACETS
from pipeline.publish.country_tables import SIDE_BY_SIDE
from pipeline.publish.families import Families
from pipeline.publish.markup import points_table
from pipeline.publish.tables import Table
from pipeline.reference import average_rate
from pipeline.sources.catalogue import source, sources
from tests.test_publish_countries import of

MANIFESTS = [
    {"frequency": "annual", "period": period, "release_id": f"id{period}", "as_of": "2026-01-01"}
    for period in ("2022", "2023", "2024")
]
FOLDERS = {item["period"]: f"../releases/annual/{item['period']}/{item['release_id']}/" for item in MANIFESTS}
ROWS = {
    "npa_annual": [
        *of("npa_annual", "special_fraud", "JPY", 17_570, 37_081_354_580, period="2022"),
        *of("npa_annual", "special_fraud", "JPY", 19_038, 45_256_436_710, period="2023"),
        *of("npa_annual", "special_fraud", "JPY", 21_043, 71_877_275_370),
        *of("npa_annual", "special_fraud", "JPY", 27_832, 142_309_498_218, period="2025"),
    ],
    "ftc_csn": [
        *of("ftc_csn", "fraud_reports", "USD", 2_600_678, 12_537_194_708),
        *of("ftc_csn", "reports_by_year", "USD", 6_471_708, None),
        *of("ftc_csn", "reports_by_year", "USD", 5_550_000, None, period="2023"),
    ],
    "cafc": [
        *of("cafc", "cafc_types", "CAD", 92_986, 533_250_682, period="2022"),
        *of("cafc", "cafc_types", "CAD", 63_772, 575_850_187, period="2023"),
        *of("cafc", "cafc_types", "CAD", 1, 1, native_type="Romance", fraud_type="ROM", period="2023"),
    ],
}  # fmt: skip


def view(*source_ids: str) -> pd.DataFrame:
    return pd.concat([derive(observations_frame(ROWS[name]), source(name)) for name in source_ids], ignore_index=True)


def figures_of(frame: pd.DataFrame, *more: str) -> dict[str, pd.DataFrame]:
    """The figures of each published year: all that are known, where no release stands still."""
    return dict.fromkeys((*(item["period"] for item in MANIFESTS), *more), frame)


@pytest.fixture(scope="module")
def page() -> ComparisonPage:
    return comparison_page(figures_of(view(*ROWS)), MANIFESTS, Families(sources()), FOLDERS)


def _tables(page: ComparisonPage) -> dict[str, Table]:
    return {item.table.id: item.table for section in page.sections for item in section.items if item.table}


def _lines(table: Table) -> list[list[str]]:
    return [[cell.text for cell in line] for line in table.rows]


def test_each_country_stands_with_the_newest_published_year_in_which_it_has_figures(page: ComparisonPage) -> None:
    losses = [line for line in _lines(_tables(page)["newest_losses"]) if line[0] == "Loss"]
    # 2025 has no release here.
    assert [(line[1], line[3], line[4], line[5]) for line in losses] == [
        ("Canada", "2023", "575,850,187", "Canadian dollars"),
        ("Japan", "2024", "71,877,275,370", "yen"),
        ("United States", "2024", "12,537,194,708", "US dollars"),
    ]
    rate = average_rate("CAD", "2023").value
    (canada, *_) = [line for line in _tables(page)["newest_losses"].rows if line[0].text == "Loss"]
    assert canada[6].value is not None
    assert canada[6].value == pytest.approx(575_850_187 / rate, rel=Decimal("1e-9"))
    notes = " ".join(_tables(page)["newest_losses"].notes)
    assert f"1 US dollar = {rate:.4f} Canadian dollars in 2023" in notes


def test_a_series_without_a_figure_of_a_measure_stands_there_with_its_mark_and_the_reason() -> None:
    later = [*MANIFESTS, {"frequency": "annual", "period": "2025", "release_id": "id2025", "as_of": "2026-01-01"}]
    table = _tables(comparison_page(figures_of(view(*ROWS), "2025"), later, Families(sources()), FOLDERS))["newest_losses"]
    lines = [line for line in _lines(table) if line[0] == "Loss per 100,000 inhabitants"]
    assert [(line[1], line[3], line[4]) for line in lines if line[1] == "Japan"] == [("Japan", "2025", "[n]")]
    assert len(lines) == 3
    reason = "Japan: Special fraud, loss per 100,000 inhabitants: no population of Japan for 2025 is held here"
    assert any(note.startswith(reason) for note in table.notes)


def test_each_figure_behind_a_chart_stands_under_or_beside_its_own_unit(page: ComparisonPage) -> None:
    charts = {str(item.chart.title): item.chart for section in page.sections for item in section.items if item.chart}
    in_own = str(points_table(charts["Losses in national currency"], {}, ""))
    assert '<th scope="row">Canada: Reports to the Canadian Anti-Fraud Centre<small>Canadian dollars</small></th>' in in_own
    assert '<th scope="row">Japan: Special fraud<small>yen</small></th>' in in_own
    assert '<th scope="col" class="num">2022</th>' in in_own
    in_dollars = str(points_table(charts["Losses in US dollars, at the average rate of each year"], {}, ""))
    assert '<th scope="row">Japan: Special fraud</th>' in in_dollars
    assert '<th scope="col" class="num">2022<small>US dollars</small></th>' in in_dollars


def test_the_index_has_one_line_for_the_newest_year_of_each_series_of_a_country(page: ComparisonPage) -> None:
    assert page.headline is not None
    (item,) = page.headline.items
    assert item.table is not None
    assert page.headline.lead == (SIDE_BY_SIDE,)
    lines = {line[1].text: line for line in item.table.rows}
    assert {name: [cell.text for cell in line[2:6]] for name, line in lines.items()} == {
        "Reports to the Canadian Anti-Fraud Centre": ["2023", "63,772", "575,850,187", "Canadian dollars"],
        "Special fraud": ["2024", "21,043", "71,877,275,370", "yen"],
        "Fraud reports and losses": ["2024", "2,600,678", "12,537,194,708", "US dollars"],
    }
    assert {line[0].text for line in item.table.rows} == {"Canada", "Japan", "United States"}
    assert lines["Special fraud"][2].href == "../releases/annual/2024/id2024/index.html"


def test_nothing_is_ranked_and_the_page_says_why(page: ComparisonPage) -> None:
    assert SIDE_BY_SIDE in page.sections[0].lead
    heads = {column.title for table in _tables(page).values() for column in table.columns}
    assert not heads & {"Place", "Rank"}
    matrix = _lines(_tables(page)["countries_matrix"])
    assert [line[0] for line in matrix] == [*FACETS.values(), "Breaks up to the period"]
    assert {line[2] for line in _lines(_tables(page)["countries_pairs"])} == {"not comparable: not ranked"}


def test_every_small_chart_has_one_series_and_a_scale_of_its_own(page: ComparisonPage) -> None:
    charts = {item.chart.title: item.chart for section in page.sections for item in section.items if item.chart}
    losses = charts["Losses in national currency"]
    assert {point.series for point in losses.points} == {
        "Canada: Reports to the Canadian Anti-Fraud Centre",
        "Japan: Special fraud",
    }
    # Japan's largest year and Canada's are drawn equally high though one is 100 times the other in dollars.
    assert "Every small chart has its own scale" in losses.note
    for words in ("million Canadian dollars", "billion yen", ">Canada<", ">Japan<"):
        assert words in losses.svg
    dollars = charts["Losses in US dollars, at the average rate of each year"]
    assert {point.unit for point in dollars.points} == {"US dollars"}


def test_figures_lead_to_their_trace_in_a_release_and_years_to_theirs(page: ComparisonPage) -> None:
    (canada,) = [line for line in _tables(page)["newest_losses"].rows if line[0].text == "Loss" and line[1].text == "Canada"]
    assert canada[3].href == "../releases/annual/2023/id2023/index.html"
    # The newest release that shows it, among its history.
    assert page.links[canada[4].id] == f"../releases/annual/2024/id2024/trace_cafc.html#{canada[4].id}"
    # That of 2024 shows the year before as it was known then: the figure leads to the release of its own year.
    older = view(*ROWS)
    older.loc[older["id"] == canada[4].id, "id"] = "a000000000000000"
    settled = comparison_page(figures_of(view(*ROWS)) | {"2024": older}, MANIFESTS, Families(sources()), FOLDERS)
    assert settled.links[canada[4].id] == f"../releases/annual/2023/id2023/trace_cafc.html#{canada[4].id}"
    assert canada[2].href == "source_cafc.html"
    history = _tables(page)["history_ca_cafc_types"]
    assert [(line[0].text, line[0].href) for line in history.rows] == [
        (year, f"../releases/annual/{year}/id{year}/index.html") for year in ("2022", "2023")
    ]
    assert [item["release_id"] for item in page.releases] == ["id2023", "id2024"]


def test_every_figure_of_the_history_leads_to_a_trace(page: ComparisonPage) -> None:
    told = [table for name, table in _tables(page).items() if name.startswith("history_")]
    ids = [cell.id for table in told for row in table.rows for cell in row if cell.is_figure and cell.value is not None]
    assert len(ids) > 20
    assert set(ids) <= page.links.keys()


def test_a_series_that_gives_way_in_the_newest_year_has_its_history_all_the_same(page: ComparisonPage) -> None:
    history = _lines(_tables(page)["history_us_reports_by_year"])
    assert [line[:2] for line in history] == [["2023", "5,550,000"], ["2024", "6,471,708"]]


def test_a_page_of_one_country_says_that_there_is_nothing_to_compare() -> None:
    alone = comparison_page(figures_of(view("cafc")), MANIFESTS, Families(sources()), FOLDERS)
    assert alone.sections == (comparison._NOBODY,)
    assert alone.links == {}
