"""Several countries in one release: what stands side by side, what is ranked, and what a page says of each country's money.

Figures of 2024: National Police Agency of Japan, annual crime book (21,043 cases, 71,877,275,370 yen); Consumer Sentinel Network
data book 2024 (2,600,678 fraud reports, 12,537,194,708 dollars, 10 categories); Scamwatch exports (249,448 reports,
318,762,688 dollars). Canada: a part of the year only. What is derived is derived with the real declarations.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate.derive import derive
from pipeline.frames import observations_frame
from pipeline.model import Period
from pipeline.publish import comparison_rows, countries, country_tables
from pipeline.publish.cards import headline_cards
from pipeline.publish.content import Card, Line
from pipeline.publish.families import Families
from pipeline.publish.figure_warnings import (
    OVERLAPPING_WARNING,
    OVERLAY_OF_TOTAL_WARNING,
    OVERLAY_WARNING,
    overlay_warning,
)
from pipeline.publish.figures import Figure, figures, rows_of
from pipeline.publish.languages import speaking
from pipeline.publish.lede import lede
from pipeline.publish.measures import counting
from pipeline.publish.number_texts import precision_text
from pipeline.publish.release import build
from pipeline.publish.table_notes import table_notes
from pipeline.reference import average_rate, comparability_words
from pipeline.sources.catalogue import Source, source, sources
from tests import publish_sample as sample
from tests.figures import row

Y2024 = Period.parse("2024")


def of(source_id: str, table: str, unit: str, cases: int, loss: int | None, period: str = "2024", **more: Any) -> list[dict]:
    usual = {"source": source_id, "table": table, "area": source(source_id).country, "classification": table, **more}
    counted = row(period, cases, measure="cases", unit="cases", **usual)
    return [counted] if loss is None else [counted, row(period, loss, unit=unit, **usual)]


ROWS: dict[str, list[dict[str, Any]]] = {
    "npa_annual": [
        *of("npa_annual", "special_fraud", "JPY", 21_043, 71_877_275_370),
        *of("npa_annual", "special_fraud", "JPY", 6_752, 45_842_900_700, native_type="オレオレ詐欺", fraud_type="IMP"),
    ],
    "ftc_csn": [
        *of("ftc_csn", "fraud_reports", "USD", 2_600_678, 12_537_194_708),
        *of("ftc_csn", "reports_by_year", "USD", 6_471_708, None),
        {**of("ftc_csn", "fraud_reports", "USD", 0, 497)[1], "measure": "median_loss"},
        *of("ftc_csn", "fraud_by_category", "USD", 845_806, 2_952_000_000, native_type="Imposter Scams", fraud_type="IMP"),
    ],
    "scamwatch": [
        *of("scamwatch", "scamwatch_types", "AUD", 249_448, 318_762_688),
        *of("scamwatch", "scamwatch_areas", "AUD", 249_448, 318_762_688),
        *of("scamwatch", "scamwatch_areas", "AUD", 2_507, 18_733_363, area="_X_AU"),
    ],
    "cafc": of("cafc", "cafc_types", "CAD", 30_000, 400_000_000, period="2024-01/2024-09"),
}  # fmt: skip


def view(*source_ids: str) -> pd.DataFrame:
    return pd.concat([derive(observations_frame(ROWS[name]), source(name)) for name in source_ids], ignore_index=True)


def read(frame: pd.DataFrame, declared: list[Source], period: Period = Y2024) -> tuple[list[Figure], Families]:
    families = Families(declared)
    return figures(rows_of(frame), period, families), families


@pytest.fixture(scope="module")
def world() -> tuple[list[Figure], Families]:
    return read(view(*ROWS), sources())


@pytest.fixture(scope="module")
def compared(world: tuple[list[Figure], Families]) -> countries.CountryComparison:
    found = countries.compare(Y2024, *world)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return build(sample.given("2024", view(*ROWS), sources=sources()))


def series(compared: countries.CountryComparison, country: str) -> countries.Series:
    (found,) = [item for item in compared.series if item.country == country]
    return found


# ------------------------------------------------------------------------------------------------------------ side by side


def test_a_country_stands_in_its_own_money_in_dollars_at_the_average_rate_and_per_inhabitant(
    compared: countries.CountryComparison,
) -> None:
    japan = series(compared, "JP").rows
    rate = average_rate("JPY", "2024").value
    assert japan["loss", "JPY"].value == 71_877_275_370
    assert japan["loss", "USD"].value == (Decimal(71_877_275_370) / rate).quantize(Decimal("0.01"))
    # World Bank SP.POP.TOTL 2024: 123,975,371 inhabitants
    assert japan["loss_per_100k", "JPY_per_100k"].value == Decimal("57977060.113012")
    assert japan["loss_per_100k", "USD_per_100k"].value == (japan["loss", "USD"].value * 100_000 / Decimal(123_975_371)).quantize(
        Decimal("0.000001")
    )
    assert series(compared, "US").rows["median_loss", "USD"].value == 497


def test_countries_stand_in_alphabetical_order_so_that_nobody_reads_a_ranking(compared: countries.CountryComparison) -> None:
    assert [item.country for item in compared.series] == ["AU", "JP", "US"]
    assert [item.place for item in compared.series] == [None, None, None]


def test_a_series_without_losses_gives_way_to_one_of_the_same_source_with_losses(compared: countries.CountryComparison) -> None:
    assert series(compared, "US").family == "fraud_reports"
    alone, families = read(observations_frame([*ROWS["npa_annual"], *ROWS["ftc_csn"][2:3]]), sources())
    (only_counts,) = [item for item in countries.compare(Y2024, alone, families).series if item.country == "US"]  # type: ignore[union-attr]
    assert only_counts.family == "reports_by_year"
    assert only_counts.facets["unit_of_count"] == "CONSUMER_REPORT_ALL"


def test_a_country_with_figures_for_a_part_of_the_period_is_named_and_not_compared(
    compared: countries.CountryComparison,
) -> None:
    (sentence,) = compared.left_out
    assert sentence.startswith("Canada (Reports to the Canadian Anti-Fraud Centre) has figures for parts of the period only")
    assert "January–September 2024 (cumulative)" in sentence


def test_a_month_whose_file_ends_before_it_is_not_said_to_be_whole() -> None:
    month = Period.parse("2024-09")
    rows = {
        "cafc": of("cafc", "cafc_types", "CAD", 3_960, 48_338_581, period=month.code, note="the file ends on 2024-09-29"),
        "scamwatch": of("scamwatch", "scamwatch_types", "AUD", 16_718, 25_985_339, period=month.code),
    }
    frames = [derive(observations_frame(own), source(name)) for name, own in rows.items()]
    found = countries.compare(month, *read(pd.concat(frames, ignore_index=True), sources(), month))
    assert found is not None
    (sentence,) = found.left_out
    assert sentence == (
        "Canada (Reports to the Canadian Anti-Fraud Centre): the file ends on 29 September 2024, so that the period is not "
        "whole there."
    )
    notes = " ".join(table for item in country_tables.comparison_tables(found, Families(sources())) for table in item.notes)
    assert "in September 2024 (monthly average; " in notes
    # Only what stands in the table is explained below it.
    assert "Loss per completed case" not in notes


def test_a_country_whose_year_has_a_hole_is_named_with_the_hole() -> None:
    """June 2023 is in none of Scamwatch's exports."""
    hole = {**of("scamwatch", "scamwatch_types", "AUD", 0, None, period="2023")[0], "value": None, "absence": "not_yet_known"}
    months = [of("scamwatch", "scamwatch_types", "AUD", 20_000, None, period=f"2023-{month:02d}")[0] for month in (1, 2, 3)]
    others = [
        *of("npa_annual", "special_fraud", "JPY", 19_038, 45_256_436_710, period="2023"),
        *of("ftc_csn", "reports_by_year", "USD", 5_548_815, None, period="2023"),
    ]
    found, families = read(observations_frame([*others, hole, *months]), sources(), Period.parse("2023"))
    told = countries.compare(Period.parse("2023"), found, families)
    assert told is not None
    assert [item.country for item in told.series] == ["JP", "US"]
    assert told.left_out == (
        "Australia (Reports to Scamwatch) has figures for 3 single months only. They are not compared. In no file: June 2023.",
    )


def test_one_country_is_no_comparison(world: tuple[list[Figure], Families]) -> None:
    found, families = read(view("npa_annual"), sources())
    assert countries.compare(Y2024, found, families) is None
    assert comparison_rows.comparison_frame(None).empty


def test_what_keeps_each_pair_apart_is_said(compared: countries.CountryComparison, world: tuple[list[Figure], Families]) -> None:
    tables = {table.id: table for table in country_tables.comparison_tables(compared, world[1])}
    pairs = [[cell.text for cell in line] for line in tables["countries_pairs"].rows]
    assert len(pairs) == 3
    assert pairs[0][2:] == [
        "not comparable: not ranked",
        "what is counted; meaning of loss; date of a case or report; coverage; verified",
    ]
    assert tables["countries_money"].warning == country_tables.SIDE_BY_SIDE
    matrix = [[cell.text for cell in line] for line in tables["countries_matrix"].rows]
    assert [line[0] for line in matrix] == [*countries.FACETS.values(), "Breaks up to the period"]
    assert "cash-card theft" in matrix[-1][2]


def test_series_that_mean_the_same_are_ranked_and_only_they() -> None:
    twin = source("scamwatch").meta["comparability"]
    told = dataclasses.replace(
        source("ftc_csn"), meta={**source("ftc_csn").meta, "comparability": {**twin, "series": ["fraud_reports"]}}
    )
    others = [item for item in sources() if item.id != "ftc_csn"]
    found = countries.compare(Y2024, *read(view("npa_annual", "ftc_csn", "scamwatch"), [*others, told]))
    assert found is not None
    # 12.5 billion for 340 million people is more for each than 210 million for 27 million.
    assert {item.country: item.place for item in found.series} == {"AU": 2, "JP": None, "US": 1}
    (money,) = [
        table for table in country_tables.comparison_tables(found, Families([*others, told])) if table.id == "countries_money"
    ]
    places = {(line[0].text, line[1].text): line[-1].text for line in money.rows}
    assert places["Loss per 100,000 inhabitants", "United States"] == "1"
    assert places["Loss per 100,000 inhabitants", "Japan"] == "not ranked"
    assert places["Loss", "United States"] == "not ranked"


def test_what_no_publication_states_is_not_the_same_as_the_same_word_of_another() -> None:
    twin = {**source("scamwatch").meta["comparability"], "threshold": countries.UNKNOWN}
    told = [
        dataclasses.replace(item, meta={**item.meta, "comparability": {**twin, "series": item.meta["comparability"]["series"]}})
        for item in (source("ftc_csn"), source("scamwatch"))
    ]
    found = countries.compare(Y2024, *read(view("ftc_csn", "scamwatch"), told))
    assert found is not None
    assert {item.place for item in found.series} == {None}
    assert countries.differing(*found.series) == ["threshold"]


def test_publishers_types_stand_under_the_common_type_with_how_well_they_fit(
    compared: countries.CountryComparison,
) -> None:
    lines = {(line.source.country, next(iter(line.rows.values())).native_type): line for line in compared.types}
    assert set(lines) == {("JP", "オレオレ詐欺"), ("US", "Imposter Scams")}
    assert {(line.common, line.match) for line in lines.values()} == {("IMP", "partial")}


def test_every_value_of_the_comparison_has_the_id_of_its_observation(files: Mapping[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["comparison.csv"].decode())))
    ids = set(view(*ROWS)["id"])
    assert lines
    assert {line["id"] for line in lines} <= ids
    losses = {
        line["country"]: line["value"]
        for line in lines
        if line["measure"] == "loss" and line["unit"] != "USD" and line["native_type"] == "_T"
    }
    assert losses == {"AU": "318762688", "JP": "71877275370"}
    assert all(line["coverage"] for line in lines)


def test_a_type_has_its_own_breaks_and_not_those_of_the_total(files: Mapping[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["comparison.csv"].decode())))
    told = {line["native_type"]: line["breaks"] for line in lines if line["source"] == "npa_annual"}
    assert told["_T"].startswith("2018: cash-card theft")
    assert told["オレオレ詐欺"].startswith("2020: bank savings fraud")
    assert "2018" not in told["オレオレ詐欺"]


def test_a_type_whose_total_is_not_compared_says_what_its_own_table_means() -> None:
    ours = ROWS["npa_annual"][:2]
    alone = of("npa_annual", "sns_fraud", "JPY", 808, 11_510_000_000, native_type="SNS型投資詐欺", fraud_type="INV")
    frame = pd.concat([derive(observations_frame([*ours, *alone]), source("npa_annual")), view("scamwatch")], ignore_index=True)
    compared = countries.compare(Y2024, *read(frame, sources()))
    lines = comparison_rows.comparison_frame(compared)
    (own,) = lines[(lines["native_type"] == "SNS型投資詐欺") & (lines["measure"] == "cases")].to_dict("records")
    assert (own["unit_of_count"], own["breaks"]) == ("POLICE_CASE", "")


# ---------------------------------------------------------------------------------------------------------------- the page


def test_a_page_of_several_countries_has_one_section_a_source_and_no_card_for_its_breakdowns(
    files: Mapping[str, bytes],
) -> None:
    page = files["index.html"].decode()
    assert '<h2 id="countries">Countries side by side' in page
    assert page.count('<h2 id="series-source_scamwatch">Australia: Reports to Scamwatch') == 1
    assert page.count("<h3>Australia: Reports to Scamwatch") == 1
    assert "<h3>Reports by state" not in page


def test_a_headline_says_of_which_country_it_is_in_japanese_where_there_are_several(files: Mapping[str, bytes]) -> None:
    several, alone = files, build(sample.given("2024", view("npa_annual"), sources=sources()))
    assert "<p>Japan: Special fraud, 2024: 21,043 cases" in several["index.html"].decode()
    assert "<p>Japan: Special fraud, 2024: 21,043 cases" in alone["index.html"].decode()
    assert "<p>日本：特殊詐欺、2024年：21,043件" in several["index.ja.html"].decode()
    assert "<p>特殊詐欺、2024年：21,043件" in alone["index.ja.html"].decode()


def test_reports_from_abroad_are_never_taken_for_the_country(world: tuple[list[Figure], Families]) -> None:
    abroad = [figure for figure in world[0] if figure.row.area == "_X_AU"]
    assert abroad
    assert not any(figure.is_plain for figure in abroad)


def test_dollars_that_a_publisher_prints_are_not_called_converted() -> None:
    converted = "US dollars are converted at the average exchange rate of the period; they are not printed"
    assert converted not in build(sample.given("2024", view("ftc_csn"), sources=sources()))["index.html"].decode()
    assert converted in build(sample.given("2024", view("npa_annual"), sources=sources()))["index.html"].decode()


def test_a_headline_says_each_change_beside_its_own_figure() -> None:
    lines = (
        Line("Cases", "27,832", measure="cases", unit="cases"),
        Line("Loss, yen", "¥142.31 bn", measure="loss", unit="JPY"),
        Line("Loss, US dollars", "US$951.1 m", measure="loss", unit="USD"),
        Line("Change of loss on the year", "+98.0 %", measure="change_on_year", unit="percent"),
        Line("Change of cases on the year", "+32.3 %", measure="change_on_year_cases", unit="percent"),
    )
    card = Card("Special fraud", "", "2025", "final", lines)
    assert lede([card]) == (
        "Special fraud, 2025: 27,832 cases (+32.3 % on the year before) and a loss of ¥142.31 bn (+98.0 % on the year "
        "before; US$951.1 m).",
    )
    unknown_loss = dataclasses.replace(card, lines=(lines[0], Line("Loss, yen", "[x]", measure="loss", unit="JPY"), lines[3]))
    assert lede([unknown_loss]) == ("Special fraud, 2025: 27,832 cases.",)
    without_large = Line("", "−8.3 %", measure="change_on_year_without_large", unit="percent")
    (turned,) = lede([dataclasses.replace(card, lines=(*lines, without_large))])
    assert turned.endswith("(+98.0 % on the year before; −8.3 % without large losses; US$951.1 m).")
    (kept,) = lede([dataclasses.replace(card, lines=(*lines, dataclasses.replace(without_large, text="+8.3 %")))])
    assert "large losses" not in kept
    # A whole year is set against 前年比, a part of one against 前年同期比.
    with speaking("ja"):
        (of_a_year,) = map(str, lede([card]))
        (of_a_part,) = map(str, lede([dataclasses.replace(card, period="January–June 2025 (half-year)")]))
    assert "27,832件（前年比+32.3 %）" in of_a_year
    assert "27,832件（前年同期比+32.3 %）" in of_a_part


def test_an_overlay_of_cases_speaks_of_cases() -> None:
    with counting("JP"):
        said = [overlay_warning(types=types, has_total=types > 0) for types in (2, 1, 0)]
    assert said == [OVERLAY_WARNING, OVERLAY_OF_TOTAL_WARNING, OVERLAPPING_WARNING]
    with counting("CA"):
        of_reports = [overlay_warning(types=types, has_total=types > 0) for types in (2, 1, 0)]
    assert all("report" in words and "case" not in words for words in of_reports)


def test_an_overlay_is_said_to_be_counted_above_only_where_something_stands_above() -> None:
    overlay = {"native_type": "Fraud", "fraud_type": "_T", "overlay": True}
    several = of("ftc_csn", "report_types", "USD", 2_600_678, None, **overlay)
    page = sample.pages(build(sample.given("2024", observations_frame(several), sources=sources())))
    # The FTC counts reports, so that nothing is said of cases.
    assert "cutting across the types: these" not in page
    assert "These overlap: one report can stand in several of them." in page
    assert OVERLAPPING_WARNING not in page
    with_total = [*several, *of("ftc_csn", "report_types", "USD", 6_471_708, None)]
    page = sample.pages(build(sample.given("2024", observations_frame(with_total), sources=sources())))
    assert "Of which: these reports are already counted in the total." in page


# ---------------------------------------------------------------------------------------------------------- what is declared


@pytest.mark.parametrize("declared", sources(), ids=lambda item: item.id)
def test_what_a_source_says_of_its_comparability_is_in_the_list_of_words(declared: Source) -> None:
    said = declared.meta["comparability"]
    assert set(said) - {"series", "types", "except"} == set(countries.FACETS)
    for table in [*said["series"], *said.get("types", ()), *said.get("except", ())]:
        assert table in declared.tables
    for words in (said, *said.get("except", {}).values()):
        for facet in set(words) & set(countries.FACETS):
            assert words[facet] in comparability_words(facet), f"{facet} {words[facet]!r} is not in comparability.csv"


def test_how_exact_yen_are_is_said_in_the_words_of_the_page() -> None:
    (rounded,) = rows_of(observations_frame([row("2025", 51_050_000_000, unit="JPY", precision=Decimal(5_000_000))]))
    assert precision_text(rounded) == "5,000,000"
    with speaking("ja"):
        assert str(precision_text(rounded)) == "0.05億円"


def test_a_note_beneath_several_periods_says_of_which_it_is() -> None:
    noted = [row(year, 5, note="printed with care") for year in ("2022", "2023")]
    families = Families(sources())
    found = figures(rows_of(observations_frame([*noted, row("2024", 6)])), Period.parse("2024"), families)
    assert [note for note in table_notes(found, families) if "care" in note] == ["All types, loss, 2022, 2023: printed with care"]
    alone = [figure for figure in found if figure.row.period == "2022"]
    assert [note for note in table_notes(alone, families) if "care" in note] == ["All types, loss: printed with care"]


@pytest.mark.parametrize(
    ("period", "table", "told"),
    [
        ("2018", "special_fraud", "Not comparable with the year before: cash-card theft by deception"),
        ("2026-01/2026-04", "special_fraud", "Not comparable with the year before: 13 types"),
        ("2024", "sns_fraud", "Not comparable with the year before: 2023 counted as romance fraud only"),
        ("2025", "sns_fraud", ""),
        ("2020", "special_fraud", ""),  # two of its types break, the total does not
    ],
)
def test_a_headline_says_at_once_that_it_is_of_another_thing_than_a_year_before(period: str, table: str, told: str) -> None:
    rows = [
        {**figure, "period": period, "frequency": Period.parse(period).frequency}
        for figure in of("npa_monthly", table, "JPY", 5, 9)
    ]
    families = Families(sources())
    release = Period.parse(period[-7:])
    found = figures(rows_of(observations_frame(rows)), release, families)
    (card,) = headline_cards(release, [table], {table: found}, [], [], families)
    (sentence,) = lede([card])
    assert card.warning.count("Not comparable") == sentence.count("Not comparable") == bool(told)
    assert told in sentence
    assert told in card.warning


def test_incidents_that_became_known_are_not_called_cases_that_the_police_recognised() -> None:
    """What the police print of internet banking is 発生件数, of special fraud 認知件数."""
    titles = {}
    for name, table in (("internet_banking", "unauthorised_transfer"), ("npa_annual", "special_fraud")):
        figures_of = derive(observations_frame(of(name, table, "JPY", 5_578, 8_690_000_000)), source(name))
        page = build(sample.given("2024", figures_of, sources=sources()))["index.ja.html"]
        titles[name] = {title for title in ("発生件数", "認知件数") if f"<dt>{title}</dt>" in page.decode()}
    assert titles == {"internet_banking": {"発生件数"}, "npa_annual": {"認知件数"}}
