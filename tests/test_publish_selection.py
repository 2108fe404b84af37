"""Which figures a release shows, which of them leads, and what may be added."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from pipeline.frames import observations_frame
from pipeline.model import FraudlossError, Period
from pipeline.publish import languages, release
from pipeline.publish.combinations import COMBINATIONS, combined
from pipeline.publish.composition import compose
from pipeline.publish.families import Families, break_years
from pipeline.publish.figures import Figure, comparisons, figures, rows_of
from pipeline.publish.roles import periods_with_figures, role
from pipeline.publish.selection import select_rows
from pipeline.publish.table_notes import table_notes
from pipeline.publish.tables import place_figure
from pipeline.sources import catalogue
from pipeline.sources.catalogue import source
from tests import publish_sample as sample
from tests.shipped import derived_as_of, everything


@pytest.mark.parametrize(
    ("release_period", "figure_period", "part"),
    [
        ("2025", "2025", "period"),
        ("2025", "2025-S1", "part"),
        ("2025", "2025-01/2025-07", "part"),
        ("2025", "2025-08-20", "part"),
        ("2025", "2025-FY", "fiscal"),
        ("2025", "2024-01/2025-12", "longer"),
        ("2025", "2024", "history"),
        ("2025", "2016", "history"),
        ("2025", "2015", ""),
        ("2025", "2025-04", "part"),
        ("2025", "2026", ""),
        ("2025-Q2", "2025-Q2", "period"),
        ("2025-Q2", "2025-S1", "cumulative"),
        ("2025-Q2", "2025-01/2025-06", "cumulative"),
        ("2025-Q2", "2025-06", ""),
        # As long as the quarter, and yet a figure of another kind.
        ("2025-Q1", "2025-01/2025-03", "cumulative"),
        ("2026-04", "2026-01/2026-04", "cumulative"),
        ("2026-04", "2026-04", "period"),
        ("2022-09", "2022-09-01/2022-09-15", "part"),
        ("2026-04", "2026", ""),
    ],
)
def test_a_figure_plays_one_part_in_a_release(release_period: str, figure_period: str, part: str) -> None:
    assert role(figure_period, Period.parse(release_period)) == part


def test_a_year_needs_figures_of_that_year_and_a_month_may_live_by_cumulative_ones() -> None:
    view = sample.view()
    assert [p.code for p in periods_with_figures(view, "annual")] == sample.YEARS
    assert [p.code for p in periods_with_figures(view, "quarterly")] == ["2025-Q1", "2025-Q2"]
    assert [p.code for p in periods_with_figures(view, "monthly")] == ["2025-03", "2026-04"]


def test_a_period_of_which_everything_is_absent_is_not_published() -> None:
    lost = [sample.row("npa_annual", "special_fraud", "2014", "cases", "cases", None, absence="unreadable")]
    assert periods_with_figures(observations_frame(lost), "annual") == []


def test_cumulative_figures_to_february_belong_to_no_quarter() -> None:
    early = [sample.row("npa_monthly", "special_fraud", "2025-01/2025-02", "cases", "cases", 1)]
    assert periods_with_figures(observations_frame(early), "quarterly") == []


@pytest.mark.parametrize("code", ["2025", "2018", "2025-Q2", "2026-04"])
def test_the_fingerprint_rows_are_all_that_a_release_needs(code: str) -> None:
    period = Period.parse(code)
    whole = sample.view()
    rows = release.fingerprint_rows(whole, period.frequency, period)
    assert len(rows) < len(whole)
    again = release.fingerprint_rows(rows, period.frequency, period)
    pd.testing.assert_frame_equal(rows, again)
    assert release.build(sample.given(code, rows)) == release.build(sample.given(code, whole))


def test_a_period_of_another_frequency_is_refused() -> None:
    with pytest.raises(ValueError, match="not a period of frequency monthly"):
        release.fingerprint_rows(sample.view(), "monthly", Period.parse("2025"))


def _figures(code: str) -> tuple[list[Figure], Families]:
    families = Families(sample.sources())
    period = Period.parse(code)
    return figures(rows_of(select_rows(sample.view(), period)), period, families), families


def test_the_source_with_the_smaller_precedence_leads_and_the_other_stands_beside_it() -> None:
    found, _ = _figures("2025")
    loss = [
        f
        for f in found
        if f.family == "special_fraud" and f.role == "period" and f.is_total and f.is_plain and f.row.measure == "loss"
    ]
    yen = next(f for f in loss if f.row.unit == "JPY")
    assert (yen.row.source, yen.row.value) == ("npa_annual", Decimal(142309498218))
    assert [other.value for other in yen.others] == [Decimal(141420000000)]


def composed(code: str, day: str | None = None) -> Any:
    """What the release of a period says of what the agency printed, month by month and in its releases, as of a day."""
    names = ("npa_monthly", "npa_releases")
    families = Families([source(name) for name in names])
    view = pd.concat([derived_as_of(name, day) for name in names], ignore_index=True)
    period = Period.parse(code)
    found = figures(rows_of(select_rows(view, period)), period, families)
    return compose(period, found, [], families)


def notes(content: Any) -> set[str]:
    return {str(note) for table in content.tables for note in table.notes}


def test_a_change_on_a_year_before_that_was_restated_since_is_told_on_both() -> None:
    """The agency's release of 31 July 2025 printed 13,213 cases, 4,256 more than a year before, and so +47.5 %; the monthly
    file of the year before has 8,917. On 2 September it printed 15,583, 4,825 more: +44.9 %."""
    half_year, july = composed("2025-Q2"), composed("2025-07")
    said = "13,213 cases (+48.2 % on the year before as first printed, +47.5 % on it as restated since)"
    assert said in half_year.lede[0]
    card = next(card for card in half_year.cards if card.title == "Japan: Special fraud")
    line = next(line for line in card.lines if line.measure == "change_on_year_cases")
    assert (line.text, line.small) == ("+48.2 %", "on the year before as first printed; +47.5 % on it as restated since")
    words = "on the year before as first printed; +47.5 % on the year before as restated since (npa_releases, 31 July 2025)"
    assert f"All types, change of cases on the year, January–June 2025 (half-year): {words}" in notes(half_year)
    assert "15,583 cases (+45.4 % on the year before as first printed, +44.9 % on it as restated since)" in july.lede[0]
    assert "+155.2 % on the year before as first printed, +153.9 % on it as restated since" in july.lede[0]


def test_a_provisional_figure_that_another_source_restates_says_so_once_that_is_known() -> None:
    before, after = (composed("2024-Q2", day) for day in ("2025-07-30", "2025-07-31"))
    assert "8,917 cases and" in before.lede[0]
    assert "8,917 cases (restated since as 8,957) and" in after.lede[0]
    assert "All types, cases, January–June 2024 (half-year): restated since as 8,957 cases (npa_releases, 31 July 2025)" in notes(
        after
    )
    assert not any("restated since" in note for note in notes(before))
    card = next(card for card in after.cards if card.title == "Japan: Special fraud")
    small = next(line.small for line in card.lines if line.measure == "cases")
    assert str(small) == "restated since as 8,957"
    with languages.speaking("ja"):
        assert str(small) == "その後8,957件に改訂"
        assert "8,917件（その後8,957件に改訂）" in str(after.lede[0])


def test_nobody_printed_the_dollars_of_a_printed_sum() -> None:
    families = Families([source(name) for name in ("npa_annual", "npa_releases")])
    view = pd.concat([derived_as_of(name) for name in ("npa_annual", "npa_releases")], ignore_index=True)
    period = Period.parse("2025")
    made = figures(rows_of(select_rows(view, period)), period, families)
    sums = combined(COMBINATIONS[0], made, families)
    printed = {item.unit: [row.value for row in item.printed] for item in sums if (item.period, item.measure) == ("2025", "loss")}
    assert printed == {"JPY": [324_110_000_000], "USD": []}


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("2025-Q1", "Cumulative since January, and so the figure of the first quarter: not that of a single month"),
        ("2025-03", "Cumulative since January, and so the figure of the first quarter: not that of a single month"),
        ("2025-Q2", "Half a year: not the figure of a single month or quarter"),
        ("2025-Q3", "Cumulative since January: not the figure of a single month or quarter"),
    ],
)
def test_a_figure_that_only_ends_with_the_period_says_what_it_is_not(code: str, warning: str) -> None:
    """January to March is the first quarter: that it is not a quarter's figure would be wrong."""
    content = composed(code)
    card = next(card for card in content.cards if card.title == "Japan: Special fraud")
    assert card.warning.startswith(warning)
    assert any(note.startswith(warning) for note in [*notes(content), *(table.warning for table in content.tables)])


def test_a_value_leads_an_absence_whatever_the_precedence() -> None:
    absent = sample.row("npa_annual", "special_fraud", "2025", "max_loss", "JPY", None, absence="not_collected")
    printed = sample.row("npa_releases", "special_fraud", "2025", "max_loss", "JPY", 5)
    period, families = Period.parse("2025"), Families(sample.sources())
    found = figures(rows_of(observations_frame([absent, printed])), period, families)
    assert [f.row.source for f in found] == ["npa_releases"]


def test_a_difference_is_judged_by_what_rounding_alone_may_explain() -> None:
    found, _ = _figures("2025")
    verdicts = {(c.figure.row.measure, c.figure.row.unit): c for c in comparisons(found) if c.figure.is_total}
    loss = verdicts[("loss", "JPY")]
    assert loss.difference == Decimal(141420000000) - Decimal(142309498218)
    assert loss.tolerance == Decimal(5_000_000)
    assert not loss.agrees
    close = sample.row("npa_releases", "special_fraud", "2024", "loss", "JPY", 71_877_000_000, precision=Decimal(500_000))
    book = sample.row("npa_annual", "special_fraud", "2024", "loss", "JPY", 71_877_275_370)
    period, families = Period.parse("2024"), Families(sample.sources())
    rows = rows_of(observations_frame([close, book]))
    assert [c.agrees for c in comparisons(figures(rows, period, families))] == [True]


def test_special_and_sns_fraud_are_added_for_the_three_years_in_which_both_were_counted() -> None:
    found, families = _figures("2025")
    sums = combined(COMBINATIONS[0], found, families)
    yen = {item.period: item.value for item in sums if item.unit == "JPY"}
    # 71,877,275,370 + 127,193,792,000 and 142,309,498,218 + 183,433,089,000, the totals of the book's workbook edition.
    assert yen == {"2023": Decimal(90774639695), "2024": Decimal(199071067370), "2025": Decimal(325742587218)}
    assert [item.value for item in sums if item.unit == "cases"] == [22884, 31280, 43000]


def test_a_total_under_the_classification_that_holds_sns_fraud_is_never_added_to_it() -> None:
    rows = [
        sample.row("npa_monthly", "special_fraud", "2025", "cases", "cases", 43000, classification="npa_2026"),
        sample.row("npa_monthly", "sns_fraud", "2025", "cases", "cases", 15168),
    ]
    unnamed = [{**row, "classification": "thirteen types"} if row["table"] == "special_fraud" else row for row in rows]
    types = [
        sample.row("npa_monthly", t, "2025", "cases", "cases", 9523, native_type="SNS型投資詐欺", classification=c)
        for t, c in (("special_fraud", "thirteen types"), ("sns_fraud", "npa_sns_2023"))
    ]
    period, families = Period.parse("2025"), Families(sample.sources())
    for given in (rows, [*unnamed, *types]):
        found = figures(rows_of(observations_frame(given)), period, families)
        assert combined(COMBINATIONS[0], found, families) == []


def test_the_year_in_which_the_families_merge_has_no_sum() -> None:
    rows = [
        sample.row("npa_annual", table, "2026", "cases", "cases", 1, classification="any")
        for table in ("special_fraud", "sns_fraud")
    ]
    period, families = Period.parse("2026"), Families(sample.sources())
    found = figures(rows_of(observations_frame(rows)), period, families)
    assert combined(COMBINATIONS[0], found, families) == []


def test_an_overlay_never_enters_a_sum() -> None:
    found, families = _figures("2025")
    parts = [part for item in combined(COMBINATIONS[0], found, families) for part in item.parts]
    assert parts
    assert not any(part.overlay for part in parts)


def test_breaks_come_from_the_declaration_and_from_a_change_of_classification() -> None:
    found, families = _figures("2018")
    totals = [
        f.row for f in found if f.family == "special_fraud" and f.is_total and f.row.measure == "loss" and f.row.value is not None
    ]
    assert break_years(totals, families) == {"2018": "cash-card theft is added"}
    changed = [totals[0]._replace(classification="npa_2010"), *totals[1:]]
    assert "2017" in break_years(changed, families)


def _of_ages(*ages: tuple[str, int]) -> list[Figure]:
    rows = [sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", cases, age=age) for age, cases in ages]
    families = Families(sample.sources())
    return figures(rows_of(observations_frame(rows)), Period.parse("2025"), families)


def test_those_who_have_no_age_are_a_part_and_never_the_total() -> None:
    found = _of_ages(("_T", 63_772), ("Y20T29", 5_000), ("_Z", 4))
    assert [figure.row.value for figure in found if figure.is_plain] == [Decimal(63_772)]
    assert sorted(figure.breakdown for figure in found) == [(), (("age", "Y20T29"),), (("age", "_Z"),)]


def test_two_figures_for_one_cell_of_a_table_stop_the_release() -> None:
    cells: dict[tuple[str, str], Any] = {}
    total, part = (figure.row for figure in _of_ages(("_T", 63_772), ("_Z", 4)))
    place_figure(cells, total, "ages_history")
    place_figure(cells, total, "ages_history")
    with pytest.raises(FraudlossError, match=f"table ages_history: npa_annual 2025 cases has two figures .* {part.id}"):
        place_figure(cells, part, "ages_history")
    assert cells == {("cases", "cases"): total}


# ------------------------------------------------------------------------------------------- one loss, two sums in US dollars


def test_one_loss_with_two_sums_in_us_dollars_says_of_each_how_it_was_converted() -> None:
    """8.38 billion yen from January to March 2017: the rolling file has the months, a release the sum alone."""
    period = Period.parse("2017-Q1")
    families = Families(catalogue.sources())
    found = figures(rows_of(select_rows(everything(), period)), period, families)
    by_source = {figure.row.source: figure for figure in found if figure.otherwise is not None}
    months, alone = by_source["npa_monthly"], by_source["npa_releases"]
    assert (months.row.derivation, alone.row.derivation) == ("converted_months", "converted")
    assert months.row.value != alone.row.value
    assert (months.otherwise, alone.otherwise) == (alone.row, months.row)
    (of_months,) = [note for note in table_notes([months], families) if "each month is converted at its own rate" in note]
    assert f"it makes {alone.row.value:,.0f} US dollars of the same loss" in of_months
    (of_sum,) = [note for note in table_notes([alone], families) if "converted at the mean of the months' rates" in note]
    assert f"converted one by one they make {months.row.value:,.0f} US dollars of the same loss" in of_sum


@pytest.mark.parametrize("change", [{"value": Decimal(8_390_000_000)}, {"classification": "other"}])
def test_two_losses_that_are_not_the_same_may_differ_in_us_dollars(change: dict[str, Any]) -> None:
    period = Period.parse("2017-Q1")
    rows = rows_of(select_rows(everything(), period))
    other = [row._replace(**change) if row.source == "npa_releases" and row.unit == "JPY" else row for row in rows]
    if "classification" in change:
        other = [row._replace(**change) if row.source == "npa_releases" else row for row in rows]
    assert not [item for item in figures(other, period, Families(catalogue.sources())) if item.otherwise is not None]
