"""Derived figures are exact where they can be, bounded where they cannot, and missing where they must be."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest

from pipeline.aggregate.derive import amount_text, derive
from pipeline.aggregate.view import Printing
from pipeline.model import TOTAL
from pipeline.publish.number_texts import number_text
from pipeline.reference import average_rate
from pipeline.sources.catalogue import Table
from tests.figures import declared, frame, none, only, row
from tests.shipped import chosen, derived_as_of, value

SOURCE = declared()


def derived(*rows: dict, source=SOURCE) -> pd.DataFrame:
    return derive(frame(*rows), source)


def parts(period: str, a: object, b: object, c: object, **changes: object) -> list[dict]:
    return [row(period, value, native_type=name, **changes) for name, value in (("a", a), ("b", b), ("c", c))]


def test_the_one_unreadable_part_is_the_published_total_less_the_others_and_marked_so() -> None:
    lost = {"absence": "unreadable", "note": "printed as 1.14E+11", "origin": "s1.csv!O37"}
    rows = [row("2025", 100), *parts("2025", 0, 30, 20)[1:], row("2025", None, native_type="a", **lost)]
    part = only(derived(*rows), native_type="a", measure="loss", unit="JPY")
    assert part["value"] == Decimal(50)
    assert (part["derivation"], part["obs_status"]) == ("residual", "I")
    assert "1.14E+11" in part["note"]


@pytest.mark.parametrize("missing", ["total", "other"])
def test_an_unreadable_part_stays_absent_where_total_or_another_part_is_missing_too(missing: str) -> None:
    rows = [
        row("2025", None if missing == "total" else 100),
        row("2025", None, native_type="a", absence="unreadable"),
        row("2025", None if missing == "other" else 30, native_type="b", absence="unreadable" if missing == "other" else ""),
        row("2025", 20, native_type="c"),
    ]
    part = only(derived(*rows), native_type="a", measure="loss", unit="JPY")
    assert part["value"] is None
    assert part["absence"] == "unreadable"


def test_a_total_that_nobody_printed_is_the_sum_of_its_parts_with_their_rounding_added_up() -> None:
    half = Decimal("5000000")
    total = only(derived(*parts("2024-Q2", 90, 12630, 870, precision=half)), native_type=TOTAL, measure="loss", unit="JPY")
    assert (total["value"], total["precision"], total["derivation"]) == (Decimal(13590), 3 * half, "sum_of_parts")


def test_a_printed_total_is_never_overwritten_by_its_parts() -> None:
    total = only(derived(row("2024", 99), *parts("2024", 30, 30, 30)), native_type=TOTAL, measure="loss", unit="JPY")
    assert (total["value"], total["derivation"]) == (Decimal(99), "")


def test_an_overlay_never_counts_as_a_part() -> None:
    rows = [*parts("2024", 30, 30, 30)[:2], row("2024", 30, native_type="c", overlay=True)]
    assert none(derived(*rows), native_type=TOTAL, measure="loss")


def test_three_months_make_a_quarter_and_two_do_not() -> None:
    months = [row(f"2017-0{month}", value) for month, value in ((1, 10), (2, 20), (3, 30), (4, 40), (5, 50))]
    view = derived(*months)
    quarter = only(view, period="2017-Q1", measure="loss", unit="JPY")
    assert (quarter["value"], quarter["derivation"]) == (Decimal(60), "sum_of_periods")
    assert none(view, period="2017-Q2")


def test_a_quarter_that_is_printed_since_january_is_not_made_of_months_that_were_rounded_more_often() -> None:
    """Fake-police fraud to March 2025 was printed as 171.7, and its months as 51.8, 54.4 and 65.4 hundred million yen."""
    half = Decimal(5)
    months = [row(f"2025-0{month}", value, precision=half) for month, value in ((1, 5180), (2, 5440), (3, 6540))]
    cumulative = row("2025-01/2025-03", 17170, precision=half)
    assert only(derived(*months), period="2025-Q1", measure="loss", unit="JPY")["value"] == Decimal(17160)
    assert none(derived(*months, cumulative), period="2025-Q1")
    exact = [{**month, "precision": None} for month in months]
    assert only(derived(*exact, cumulative), period="2025-Q1", measure="loss", unit="JPY")["value"] == Decimal(17160)


def test_a_printed_quarter_is_not_replaced_by_its_months() -> None:
    rows = [*(row(f"2017-0{month}", 10) for month in (1, 2, 3)), row("2017-Q1", 31)]
    assert only(derived(*rows), period="2017-Q1", measure="loss", unit="JPY")["value"] == Decimal(31)


def test_quarters_and_halves_make_a_year() -> None:
    view = derived(*(row(f"2024-Q{quarter}", quarter) for quarter in (1, 2, 3, 4)))
    assert only(view, period="2024", measure="loss", unit="JPY")["value"] == Decimal(10)
    view = derived(row("2014-S1", 1257), row("2014-S2", 619))
    assert only(view, period="2014", measure="loss", unit="JPY")["value"] == Decimal(1876)


def test_a_sum_is_provisional_as_soon_as_one_input_is() -> None:
    rows = [row("2024-Q1", 1), row("2024-Q2", 1), row("2024-Q3", 1), row("2024-Q4", 1, edition="provisional", obs_status="P")]
    year = only(derived(*rows), period="2024", measure="loss", unit="JPY")
    assert (year["edition"], year["obs_status"]) == ("provisional", "P")


def test_types_of_two_classifications_are_never_added() -> None:
    rows = [row("2024-Q1", 1), row("2024-Q2", 1), row("2024-Q3", 1), row("2024-Q4", 1, classification="new")]
    assert none(derived(*rows), period="2024")


def test_change_on_the_year_is_in_per_cent_with_a_bound() -> None:
    change = only(derived(row("2024", 200), row("2025", 300)), measure="change_on_year")
    assert (change["value"], change["unit"], change["period"]) == (Decimal(50), "percent", "2025")
    assert change["precision"] == Decimal("0.0000005")
    rounded = only(
        derived(row("2024", 200, precision=Decimal(1)), row("2025", 300, precision=Decimal(1))), measure="change_on_year"
    )
    assert rounded["precision"] > Decimal("1.2")


def test_no_change_is_computed_across_a_declared_break_and_the_reason_is_kept() -> None:
    breaks = ({"table": "special_fraud", "from": "2018", "all": True, "reason": "cash-card theft is counted"},)
    view = derived(row("2016", 1), row("2017", 2), row("2018", 3), row("2019", 4), source=declared(breaks=breaks))
    assert only(view, measure="change_on_year", period="2018")["absence"] == "break"
    assert only(view, measure="change_on_year", period="2018")["note"] == "cash-card theft is counted"
    assert only(view, measure="change_on_year", period="2017")["value"] == Decimal(100)
    assert only(view, measure="change_on_year", period="2019")["absence"] == ""


def test_no_change_is_computed_across_two_classifications() -> None:
    view = derived(row("2025", 2), row("2026", 3, classification="new"))
    change = only(view, measure="change_on_year")
    assert (change["absence"], change["period"]) == ("break", "2026")


LARGE = "JPY_GE100M"
WITH_BANDS = declared(
    tables={**SOURCE.tables, "sizes": Table("sizes", "By size", "", "sizes", parts_add_up=False, identities=())},
    meta={**SOURCE.meta, "tables": {"special_fraud": {"large_losses": {"table": "sizes", "band": LARGE}}, "sizes": {}}},
)


def large(period: str, cases: object, loss: object, **changes: object) -> list[dict]:
    """The large losses of a period in the table of sizes."""
    about = {"table": "sizes", "loss_band": LARGE, **changes}
    return [row(period, cases, measure="cases", unit="cases", **about), row(period, loss, **about)]


def test_the_total_stands_beside_itself_without_the_losses_that_are_declared_large() -> None:
    # As Parquet gives them: with all the places of its decimals.
    rows = [row("2024", 900), *large("2024", 3, 500), row("2025", 1000), *large("2025", "1.000", "300.500000")]
    view = derived(*rows, source=WITH_BANDS)
    total = only(view, measure="loss_without_large", period="2025")
    assert (total["table"], total["loss_band"]) == ("special_fraud", TOTAL)
    assert (total["value"], total["derivation"]) == (Decimal("699.5"), "without_large")
    assert total["note"] == "without losses of 100 million yen and more (1 of them, 300.50 together)"
    assert only(view, measure="loss", period="2025", table="special_fraud", unit="JPY")["value"] == Decimal(1000)
    change = only(view, measure="change_on_year_without_large")
    assert (change["value"], change["period"]) == (Decimal("74.875"), "2025")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # CAFC, losses of 1,000,000 Canadian dollars and more: a sum with cents keeps both of their digits.
        ("25424588.300000000000", "25,424,588.30"),
        ("112870274.35", "112,870,274.35"),
        ("1E+3", "1,000"),
        ("300.000", "300"),
        ("0.125", "0.125"),
    ],
)
def test_a_sum_in_a_note_is_whole_or_has_its_cents(value: str, text: str) -> None:
    assert amount_text(Decimal(value)) == text
    assert amount_text(-Decimal(value), "+") == f"-{text}"


def test_a_total_without_large_losses_is_as_rounded_as_both() -> None:
    half = Decimal("0.5")
    rows = [row("2025", 1000, precision=half), *large("2025", 1, 300, precision=half)]
    assert only(derived(*rows, source=WITH_BANDS), measure="loss_without_large")["precision"] == 2 * half


@pytest.mark.parametrize("missing", ["size", "total", "declaration"])
def test_nothing_is_left_out_where_total_size_or_declaration_is_missing(missing: str) -> None:
    rows = [row("2025", None if missing == "total" else 1000), *large("2025", 1, None if missing == "size" else 300)]
    undeclared = declared(tables=WITH_BANDS.tables, meta={**SOURCE.meta, "tables": {"special_fraud": {}, "sizes": {}}})
    source = undeclared if missing == "declaration" else WITH_BANDS
    assert none(derived(*rows, source=source), measure="loss_without_large")


def test_large_losses_are_left_out_of_the_total_alone_and_not_turned_into_dollars() -> None:
    rows = [row("2025", 1000), row("2025", 400, native_type="a"), *large("2025", 1, 300)]
    made = derived(*rows, source=WITH_BANDS)
    assert only(made, measure="loss_without_large")["native_type"] == TOTAL


def test_a_break_of_the_loss_is_one_without_large_losses_too() -> None:
    breaks = ({"table": "special_fraud", "from": "2025", "all": True, "measures": ["loss"], "reason": "counted otherwise"},)
    rows = [row("2024", 900), *large("2024", 3, 500), row("2025", 1000), *large("2025", 1, 300)]
    broken = declared(tables=WITH_BANDS.tables, meta=WITH_BANDS.meta, breaks=breaks)
    change = only(derived(*rows, source=broken), measure="change_on_year_without_large")
    assert (change["absence"], change["note"]) == ("break", "counted otherwise")


def test_a_mean_names_its_denominator_and_shares_are_of_the_table() -> None:
    rows = [
        row("2025", 1000),
        row("2025", 250, native_type="a"),
        row("2025", 40, measure="cases", unit="cases"),
        row("2025", 25, measure="cases_completed", unit="cases"),
    ]
    view = derived(*rows)
    assert only(view, measure="mean_loss", unit="JPY")["value"] == Decimal(25)
    assert only(view, measure="mean_loss_completed", unit="JPY")["value"] == Decimal(40)
    assert only(view, measure="share_of_loss", native_type="a")["value"] == Decimal(25)


def test_figures_of_two_printings_make_no_share_mean_or_sum_where_one_was_revised_after_the_other_was_printed() -> None:
    """The total of 2024 was corrected from 717.6 to 718.8 after its types were printed last: 457.2 of 718.8 never held."""
    early, late = dt.date(2025, 5, 23), dt.date(2025, 9, 2)
    rows = [
        row("2024", 7188, known_at=late),
        row("2024", 21043, known_at=early, measure="cases", unit="cases"),
        *parts("2024", 4572, 0, 0, known_at=early)[:1],
    ]

    def made(total: Printing, cases: Printing) -> set[str]:
        printed = dict(zip(frame(*rows)["id"], (total, cases), strict=False))
        view = derive(frame(*rows), SOURCE, printed)
        quotients = view[view["measure"].isin(["share_of_loss", "mean_loss"]) & (view["unit"] != "USD")]
        withheld = quotients[quotients["absence"] != ""]
        assert set(withheld["note"]) <= {"one of its figures was revised on 2025-09-02, another printed last on 2025-05-23"}
        return set(quotients["measure"]) - set(withheld["measure"])

    assert made(Printing(None, late), Printing(None, early)) == {"share_of_loss", "mean_loss"}
    assert made(Printing(late, late), Printing(None, early)) == set()
    assert made(Printing(late, late), Printing(early, late)) == {"mean_loss"}, "the cases were printed again with the loss"
    unprinted = frame(*parts("2024", 30, 30, 30, known_at=early))
    revised = {unprinted["id"].iloc[0]: Printing(late, late)}
    assert only(derive(unprinted, SOURCE), native_type=TOTAL, measure="loss", unit="JPY")["value"] == Decimal(90)
    assert only(derive(unprinted, SOURCE, revised), native_type=TOTAL, measure="loss", unit="JPY")["absence"] == "not_yet_known"
    unreadable = row("2024", None, native_type="a", absence="unreadable", known_at=early)
    lost = frame(row("2024", 90, known_at=early), *parts("2024", 0, 30, 30, known_at=early)[1:], unreadable)
    for place, still_lost in ((0, True), (3, False)):
        revised = {lost["id"].iloc[place]: Printing(late, late)}
        assert bool(only(derive(lost, SOURCE, revised), native_type="a", measure="loss", unit="JPY")["absence"]) == still_lost


def test_a_printed_mean_or_share_says_that_what_it_was_made_of_was_revised_since() -> None:
    """2024: 196.05 million yen a day are 71.76 thousand million yen in 366 days; the loss was corrected to 71.88."""
    press = derived_as_of("npa_releases")
    daily = {
        day: chosen(derived_as_of("npa_releases", day), measure="loss_per_day", period="2024")
        for day in ("2025-07-30", "2026-11-01")
    }
    notes = {day: only(found, table="special_fraud")["note"] for day, found in daily.items()}
    assert notes == {"2025-07-30": "", "2026-11-01": "the loss was revised on 2025-07-31, after this was printed"}
    assert only(daily["2026-11-01"], table="special_fraud")["value"] == 196_050_000
    shares = chosen(press, measure="share_of_cases", period="2024", contact_tool="*", native_type="*")
    assert set(shares[shares["derivation"] == ""]["note"]) == {""}, "the number of cases stands"


def test_a_quotient_of_two_editions_says_so() -> None:
    """SNS romance fraud of 2024: 39.7 thousand million yen are provisional, no later release has them; 3,824 cases are final."""
    romance = chosen(derived_as_of("npa_releases"), table="sns_fraud", period="2024", native_type="SNS型ロマンス詐欺")
    mean = only(romance, measure="mean_loss", unit="JPY")
    assert (mean["value"], mean["edition"], mean["note"]) == (10_381_799, "provisional", "divides provisional by final")
    assert (
        only(derived(row("2024", 4), row("2024", 2, measure="cases", unit="cases")), measure="mean_loss", unit="JPY")["note"]
        == ""
    )


def test_of_shipped_printings_only_those_that_held_at_one_time_are_divided() -> None:
    """Shares of 63.6 and 35.6 per cent for two types of 99.3 per cent stood in a release: types of 2024 over a total of 2025."""
    monthly, press = derived_as_of("npa_monthly"), derived_as_of("npa_releases")
    cumulative = monthly[(monthly["period"] == "2024-01/2024-11") & (monthly["table"] == "sns_fraud")]
    assert set(cumulative[cumulative["measure"].str.startswith("share")]["absence"]) == {"not_yet_known"}
    assert len(cumulative[(cumulative["measure"] == "mean_loss") & (cumulative["unit"] == "JPY")]) == 3
    before = derived_as_of("npa_monthly", "2025-12-24")
    shares = before[(before["period"] == "2024-01/2024-11") & (before["measure"] == "share_of_cases")]["value"]
    assert sum(shares) == Decimal(100)
    corrected = press[(press["period"] == "2024") & (press["table"] == "special_fraud") & (press["unit"] != "USD")]
    assert only(corrected, measure="share_of_loss")["absence"] == "not_yet_known"
    assert value(corrected, measure="mean_loss") == 3_415_863, "one printing has 718.8 and 21,043"


def test_a_share_of_next_to_nothing_is_not_nothing() -> None:
    # The Canadian file of 2024-09-30: telecom fraud of 2023 is 440 of 575,850,187 dollars.
    view = derived(row("2023", 575_850_187), row("2023", 440, native_type="a"), row("2023", 0, native_type="b"))
    share = only(view, measure="share_of_loss", native_type="a")
    assert share["value"] == Decimal("0.000076")
    assert abs(share["value"] - Decimal(44_000) / 575_850_187) <= share["precision"]
    assert only(view, measure="share_of_loss", native_type="b")["value"] == 0


def test_a_source_that_keeps_no_loss_of_some_types_has_means_over_the_cases_whose_loss_is_known_only() -> None:
    # The Canadian file of 2024-09-30: of 15,224 reports of unauthorised payments of 2021, 15,125 are of types without any loss.
    counts = {"measure": "cases", "unit": "cases"}
    rows = [
        row("2021", Decimal("72000.54")),
        row("2021", 15_224, **counts),
        row("2021", 99, **{**counts, "measure": "cases_loss_known"}),
        row("2021", 62, **{**counts, "measure": "cases_with_loss"}),
    ]
    partly = dataclasses.replace(SOURCE, meta={**SOURCE.meta, "loss_unknown_types": ["Phishing"]})
    view = derived(*rows, source=partly)
    assert only(view, measure="mean_loss_of_known", unit="JPY")["value"] == Decimal(727)
    assert only(view, measure="mean_loss_with_loss", unit="JPY")["value"] == Decimal(1161)
    assert none(view, measure="mean_loss")
    assert none(derived(*rows), measure="mean_loss_of_known")
    # Any record of a ledger may leave its loss open.
    ledger = dataclasses.replace(SOURCE, meta={**SOURCE.meta, "delivery": "ledger"})
    assert only(derived(*rows, source=ledger), measure="mean_loss_of_known", unit="JPY")["value"] == Decimal(727)
    assert none(derived(*rows[:2], source=ledger), measure="mean_loss")
    assert none(derived(*rows[:2], source=ledger), measure="mean_loss_of_known")


def test_what_is_shown_of_a_share_change_or_rate_is_rounded_as_from_the_exact_value() -> None:
    """With three decimals kept, 61.0501 per cent became 61.050 and then 61.0; 2.4546 cases became 2.455 and then 2.46."""

    def shown(found: pd.Series) -> str:
        return str(number_text(found["value"], found["unit"], found["measure"], derived=True))

    press, book = derived_as_of("npa_releases"), derived_as_of("npa_annual")
    sns = chosen(press, table="sns_fraud", period="2023", native_type="SNS型投資詐欺", measure="share_of_loss")
    ore_ore = chosen(book, period="2021", native_type="オレオレ詐欺", measure="cases_per_100k")
    # 27,790 of 45,520 million yen; 3,085 cases among 125,681,593 inhabitants.
    assert [shown(only(found)) for found in (sns, ore_ore)] == ["61.1 %", "2.45"]


def test_no_mean_over_no_cases() -> None:
    view = derived(row("2025", 0), row("2025", 0, measure="cases", unit="cases"))
    assert none(view, measure="mean_loss")


def test_a_rate_uses_the_population_of_the_same_year_and_is_absent_where_nobody_published_it() -> None:
    # World Bank SP.POP.TOTL, Japan 2024: 123,975,371
    view = derived(row("2024", 71_877_275_370), row("2031", 1))
    rate = only(view, measure="loss_per_100k", period="2024", unit="JPY_per_100k")
    assert rate["value"] == (Decimal(71_877_275_370) * 100_000 / Decimal(123_975_371)).quantize(Decimal("0.000001"))
    assert only(view, measure="loss_per_100k", period="2031")["absence"] == "not_yet_known"


def test_dollars_are_the_sum_of_converted_months_where_all_months_are_there() -> None:
    # Federal Reserve H.10 monthly averages of 2026: April 159.1173, May 158.1530, June 160.7700
    months = [row("2026-04", 1_591_173), row("2026-05", 1_581_530), row("2026-06", 1_607_700)]
    quarter = only(derived(*months), period="2026-Q2", unit="USD")
    assert (quarter["value"], quarter["derivation"]) == (Decimal(30_000), "converted_months")


def test_what_is_cumulative_is_the_sum_of_converted_months_like_the_quarters_that_it_holds() -> None:
    months = [row("2026-01", 1_000), row("2026-02", 2_000), row("2026-03", 3_000), row("2026-01/2026-03", 6_000)]
    view = derived(*months)
    quarter, cumulative = (only(view, period=code, unit="USD", measure="loss") for code in ("2026-Q1", "2026-01/2026-03"))
    assert (cumulative["value"], cumulative["derivation"]) == (quarter["value"], "converted_months")


def test_a_month_in_which_a_type_did_not_exist_is_no_missing_month_of_its_dollars() -> None:
    # Federal Reserve H.10 monthly averages of 2026: April 159.1173, May 158.1530, June 160.7700
    before = row("2026-04", None, absence="not_applicable")
    view = derived(before, row("2026-05", 1_581_530), row("2026-06", 1_607_700), row("2026-Q2", 3_189_230))
    quarter = only(view, period="2026-Q2", unit="USD")
    assert (quarter["value"], quarter["derivation"]) == (Decimal(20_000), "converted_months")


def test_months_that_do_not_add_up_to_the_longer_period_do_not_make_its_dollars() -> None:
    """They were rounded otherwise or not revised with it: their dollars would be those of another sum in yen."""
    months = [row("2026-04", 1_591_173), row("2026-05", 1_581_530), row("2026-06", 1_607_700)]
    quarter = only(derived(*months, row("2026-Q2", 9_000_000)), period="2026-Q2", unit="USD")
    average = (Decimal("159.1173") + Decimal("158.1530") + Decimal("160.7700")) / 3
    assert (quarter["value"], quarter["derivation"]) == ((9_000_000 / average).quantize(Decimal("0.01")), "converted")


def test_a_change_that_leaves_next_to_nothing_keeps_enough_digits_to_find_the_year_before_again() -> None:
    view = derived(row("2024", 1_234_567), row("2025", 100))
    change = only(view, period="2025", measure="change_on_year")["value"]
    assert 100 / (1 + change / 100) == pytest.approx(Decimal(1_234_567), rel=Decimal("0.00001"))
    assert only(derived(row("2024", 300), row("2025", 200)), period="2025", measure="change_on_year")["value"] == Decimal(
        "-33.333333"
    )


def test_dollars_use_the_average_of_the_months_rates_where_months_are_not_there() -> None:
    average = (Decimal("159.1173") + Decimal("158.1530") + Decimal("160.7700")) / 3
    quarter = only(derived(row("2026-Q2", 1_000_000)), unit="USD")
    assert quarter["value"] == (1_000_000 / average).quantize(Decimal("0.01"))
    assert quarter["derivation"] == "converted"


def test_dollars_are_absent_where_a_month_has_no_rate() -> None:
    assert only(derived(row("2031", 5)), unit="USD")["absence"] == "not_yet_known"


def test_what_is_compared_between_countries_is_in_dollars_for_the_whole_country_and_for_nothing_else() -> None:
    # Federal Reserve H.10, mean of the monthly averages of 2024; World Bank SP.POP.TOTL, Japan 2024: 123,975,371
    rate = average_rate("JPY", "2024").value
    median = {"measure": "median_loss"}
    view = derived(
        row("2024", 1_000_000_000),
        row("2024", 400_000_000, native_type="a"),
        row("2024", 40, measure="cases", unit="cases"),
        row("2024", 10, measure="cases", unit="cases", native_type="a"),
        row("2024", 3_000, **median),
        row("2024", 2_000, native_type="a", **median),
    )
    dollars = (Decimal(1_000_000_000) / rate).quantize(Decimal("0.01"))
    assert only(view, measure="loss", unit="USD", native_type="_T")["value"] == dollars
    assert only(view, measure="mean_loss", unit="USD")["value"] == (dollars / 40).quantize(Decimal("0.01"))
    assert only(view, measure="median_loss", unit="USD")["value"] == (3_000 / rate).quantize(Decimal("0.01"))
    per_100k = only(view, measure="loss_per_100k", unit="USD_per_100k")["value"]
    assert per_100k == (dollars * 100_000 / Decimal(123_975_371)).quantize(Decimal("0.000001"))


def test_a_loss_has_one_value_in_dollars_where_further_tables_break_the_headline_down() -> None:
    ages = Table("ages", "Victims by age", "", "ages", parts_add_up=False, identities=())
    tables = {**SOURCE.meta["tables"], "ages": {}}
    broken_down = declared(tables={**SOURCE.tables, "ages": ages}, meta={"tables": tables, "headline_tables": ["special_fraud"]})
    view = derived(row("2024", 100), row("2024", 100, table="ages"), source=broken_down)
    assert only(view, measure="loss", unit="USD")["table"] == "special_fraud"


def test_deriving_is_a_function_of_the_rows_not_of_their_order() -> None:
    rows = [row("2025", 100), *parts("2025", 50, 30, 20), row("2024", 90), *parts("2024", 40, 30, 20)]
    pd.testing.assert_frame_equal(derived(*rows), derived(*reversed(rows)))
