"""Numbers, periods and marks as a reader sees them."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import ABSENCE
from pipeline.publish import category_charts, charts, package
from pipeline.publish.breakdown_tables import by_dimensions
from pipeline.publish.labels import code_label, natural_key
from pipeline.publish.languages import speaking
from pipeline.publish.marks import ABSENCE_MARKS, MARKS
from pipeline.publish.number_texts import figure_text, number_text, short_money
from pipeline.publish.period_labels import period_japanese, period_label
from pipeline.publish.texts import clean


@pytest.mark.parametrize(
    ("code", "words", "japanese"),
    [
        ("2025", "2025", "令和7年"),
        ("2018", "2018", "平成30年"),
        ("2019", "2019", "令和元年"),
        ("2025-S1", "January–June 2025 (half-year)", "令和7年上半期"),
        ("2025-Q1", "January–March 2025 (quarter 1)", "令和7年1月～3月"),
        ("2026-04", "April 2026", "令和8年4月"),
        ("2019-04", "April 2019", "平成31年4月"),
        ("2026-01/2026-04", "January–April 2026 (cumulative)", "令和8年1月～4月"),
        ("2014-FY", "fiscal year 2014 (April 2014 – March 2015)", "平成26年度"),
        ("2023-11-08", "8 November 2023", ""),
        ("2022-09-01/2022-09-15", "1 September 2022 – 15 September 2022 (span)", ""),
        ("2024-01/2025-12", "January 2024 – December 2025 (span)", ""),
    ],
)
def test_a_period_is_named_so_that_it_cannot_be_mistaken(code: str, words: str, japanese: str) -> None:
    assert (period_label(code), period_japanese(code)) == (words, japanese)


@pytest.mark.parametrize(
    ("value", "unit", "measure", "text"),
    [
        ("142309498218.000000000000", "JPY", "loss", "142,309,498,218"),
        ("27832", "cases", "cases", "27,832"),
        ("97.990", "percent", "change_on_year", "+98.0 %"),
        ("-3.25", "percent", "change_on_year", "−3.25 %"),
        ("0.440854799", "ratio", "victims_share", "44.1 %"),
        ("0.000036", "ratio", "victims_share", "0.0036 %"),
        ("0", "ratio", "victims_share", "0 %"),
        ("110.5", "JPY", "loss", "110.5"),
        ("0.870512", "coefficient", "gini_loss", "0.871"),
        ("0.5", "coefficient", "gini_loss", "0.500"),
        ("0", "coefficient", "gini_loss", "0"),
        # Neither all to one report, nor the same to each.
        ("0.999712", "coefficient", "gini_loss", "0.999712"),
        ("0.000312", "coefficient", "gini_loss", "0.000312"),
    ],
)
def test_numbers_have_separators_signs_and_no_false_digits(value: str, unit: str, measure: str, text: str) -> None:
    assert number_text(Decimal(value), unit, measure) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        # Three places are computed: a fourth would be a digit that nobody knows.
        ("0.040", "percent", "0.04 %"),
        ("0.064", "percent", "0.064 %"),
        ("0.000076", "percent", "0.00008 %"),
        ("0", "percent", "0 %"),
        ("0.005", "cases_per_100k", "0.005"),
        ("0", "cases_per_100k", "0.00"),
        ("159.099", "cases_per_100k", "159.10"),
    ],
)
def test_small_derived_figures_have_no_digit_that_nobody_knows_and_are_not_shown_as_nothing(
    value: str, unit: str, text: str
) -> None:
    assert number_text(Decimal(value), unit, derived=True) == text


@pytest.mark.parametrize(
    ("value", "unit", "measure", "precision", "text"),
    [
        # Consumer Sentinel Network Data Book 2024: whole per cent, shares of two places, and whole reports per 100,000.
        ("22", "percent", "share_with_loss", "0.5", "22 %"),
        ("3", "percent", "share_of_cases", "0.5", "3 %"),
        ("1.5", "percent", "share_of_cases", "0.005", "1.50 %"),
        ("971", "cases_per_100k", "cases_per_100k", "0.5", "971"),
        ("1388", "cases_per_100k", "cases_per_100k", "0.5", "1,388"),
        ("0.440854799", "ratio", "victims_share", "0.0000000005", "44.1 %"),
        ("0.06", "ratio", "victims_share", "0.005", "6 %"),
        ("40", "percent", "victims_share", "5", "40 %"),
    ],
)
def test_a_printed_share_or_rate_has_no_digit_that_is_not_in_print(
    value: str, unit: str, measure: str, precision: str, text: str
) -> None:
    row = SimpleNamespace(value=Decimal(value), unit=unit, measure=measure, precision=Decimal(precision), derivation="")
    assert figure_text(row) == text


def test_large_sums_are_given_in_the_units_that_people_speak_of() -> None:
    assert short_money(Decimal(142309498218), "JPY") == "1,423.1億円 · ¥142.31\N{NO-BREAK SPACE}bn"
    assert short_money(Decimal(951079736), "USD") == "US$951.1\N{NO-BREAK SPACE}m"
    assert short_money(Decimal(5_113_161), "JPY") == ""


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        ("28300000000", "50000000", "283億円 · ¥28.3\N{NO-BREAK SPACE}bn"),  # printed as 283億円
        ("28440000000", "5000000", "284.4億円 · ¥28.44\N{NO-BREAK SPACE}bn"),
        ("28000000000", "500000000", "280億円 · ¥28\N{NO-BREAK SPACE}bn"),
        ("10397000000", "500000", "104.0億円 · ¥10.40\N{NO-BREAK SPACE}bn"),
    ],
)
def test_a_large_sum_has_no_digit_that_is_not_in_print(value: str, precision: str, text: str) -> None:
    assert short_money(Decimal(value), "JPY", Decimal(precision)) == text


def test_every_absence_code_has_a_mark_with_a_meaning() -> None:
    codes = {code for code in ABSENCE if code}
    assert codes == set(ABSENCE_MARKS)
    assert set(ABSENCE_MARKS.values()) <= set(MARKS)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Y20T29", "20–29"),
        ("Y_GE65", "65 and over"),
        ("Y_LT20", "under 20"),
        ("KH", "Cambodia"),
        ("CA-ON", "Ontario"),
        ("A_NEW_CODE", "A new code"),
    ],
)
def test_codes_are_shown_in_words(code: str, words: str) -> None:
    assert code_label(code) == words


def test_ages_stand_in_order_of_age() -> None:
    ages = ["Y_GE80", "Y20T29", "_T", "Y_LT20", "Y70T79"]
    assert sorted(ages, key=natural_key) == ["_T", "Y_LT20", "Y20T29", "Y70T79", "Y_GE80"]


@given(st.text())
def test_no_text_becomes_a_formula_in_a_spreadsheet(text: str) -> None:
    assert not package.text_for_csv(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text())
def test_cleaned_text_holds_no_control_characters_and_can_be_encoded(text: str) -> None:
    cleaned = clean(text)
    assert not any(ord(character) < 32 and character not in "\t\n" for character in cleaned)
    cleaned.encode()


def test_a_chart_of_many_types_draws_the_largest_and_says_that_there_are_more() -> None:
    labels = [f"kind {number}" for number in range(1, category_charts.MOST_BARS + 6)]
    points = [charts.Point(label, "Cases", 100.0 - place) for place, label in enumerate(labels)]
    chart = category_charts.bars_side_by_side("c", "t", [(charts.Axis("Cases"), points)], labels)
    assert f">{labels[category_charts.MOST_BARS - 1]}<" in chart.svg
    assert f">{labels[category_charts.MOST_BARS]}<" not in chart.svg
    assert chart.note == f"The first {category_charts.MOST_BARS} of {len(labels)}; all stand in the table."


def test_a_label_that_is_too_long_for_its_room_is_cut_and_a_short_one_is_not() -> None:
    labels = ["Emergency (Jail, Accident, Hospital, Help)", "特殊詐欺" * 6, "Romance"]
    chart = category_charts.bars_side_by_side(
        "c", "t", [(charts.Axis("Cases"), [charts.Point(label, "Cases", 1.0) for label in labels])], labels
    )
    assert ">Emergency (Jail, Accident, Hospit…<" in chart.svg
    assert f">{('特殊詐欺' * 6)[:18]}…<" in chart.svg
    assert ">Romance<" in chart.svg


@pytest.mark.parametrize(
    ("names", "english", "japanese"),
    [(("age", "sex"), "age and sex", "年齢・性"), (("contact",), "contact", "当初接触手段"), (("sex",), "sex", "性")],
)
def test_what_a_table_is_broken_down_by_fits_into_its_title(names: tuple[str, ...], english: str, japanese: str) -> None:
    """年齢・性別, not 年齢及び性別別."""
    assert by_dimensions(names) == english
    with speaking("ja"):
        assert str(by_dimensions(names)) == japanese
