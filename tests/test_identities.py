"""Identities: what printed figures must be to each other, measured exactly and only where it may be measured."""

from __future__ import annotations

import datetime as dt
import importlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import observations_frame
from pipeline.model import TOTAL, Period
from pipeline.sources.catalogue import Source, Table
from pipeline.validate.identities import UNCHECKABLE_COLUMNS, Identities, identities_frame, measure
from pipeline.validate.judged_frames import IDENTITY_COLUMNS
from tests.shipped import INBOX, shipped

TABLE = "special_fraud"


def declared(parts_add_up: bool = True, identities: tuple[Any, ...] = (), **more: Any) -> Source:
    table = Table(TABLE, "Special fraud", "特殊詐欺", TABLE, parts_add_up, identities)
    meta = {"tables": {TABLE: more}}
    return Source("npa", "t", "p", "JP", "JPY", 1, "", {TABLE: table}, (), meta, Path())


def figure(native_type: str, value: object, **changes: Any) -> dict[str, Any]:
    period = changes.pop("period", "2024")
    row = {
        "source": "npa",
        "table": TABLE,
        "frequency": Period.parse(period).frequency,
        "period": period,
        "native_type": native_type,
        "measure": "cases",
        "unit": "cases",
        "value": None if value is None else Decimal(str(value)),
        "classification": "scheme",
        "known_at": dt.date(2026, 9, 20),
        "snapshot": "0123456789ab",
        "origin": f"book.csv!{native_type}-{period}-{changes.get('measure', 'cases')}",
    }
    return {**row, **changes}


def measured(rows: list[dict[str, Any]], source: Source) -> Identities:
    return measure(observations_frame(rows), source)


def only(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1, frame.to_string()
    return frame.iloc[0]


# ------------------------------------------------------------------------------------------------- parts and their total


def test_types_that_sum_to_the_printed_total_hold() -> None:
    row = only(measured([figure(TOTAL, 5), figure("a", 2), figure("b", 3)], declared()).checked)
    assert list(row.index) == IDENTITY_COLUMNS
    assert row["holds"]
    assert row["identity"] == "parts_sum_to_total"
    assert (row["left"], row["right"], row["difference"], row["tolerance"]) == (5, 5, 0, 0)
    assert row["left_origin"] == "book.csv!_T-2024-cases"
    assert row["right_origins"] == "book.csv!a-2024-cases, book.csv!b-2024-cases"


def test_one_yen_is_a_contradiction_where_all_figures_are_exact() -> None:
    rows = [
        figure(code, value, measure="loss", unit="JPY") for code, value in ((TOTAL, 125997328926), ("a", 125997328925), ("b", 0))
    ]
    row = only(measured(rows, declared()).checked)
    assert not row["holds"]
    assert row["difference"] == Decimal(1)


@pytest.mark.parametrize(("total", "holds"), [("28.05", True), ("28.20", True), ("28.21", False), ("27.79", False)])
def test_rounded_figures_may_differ_by_the_sum_of_their_precisions(total: str, holds: bool) -> None:
    # 279.8 against 219.3 + 60.6, as a release printed them in 100 million yen: three figures, each off by half a unit.
    rows = [figure(c, v, precision=Decimal("0.05")) for c, v in ((TOTAL, total), ("a", "21.95"), ("b", "6.10"))]
    assert only(measured(rows, declared()).checked)["holds"] == holds


def test_decimals_are_summed_exactly_where_floats_would_not_be() -> None:
    rows = [figure(TOTAL, "0.3"), figure("a", "0.1"), figure("b", "0.2")]
    assert only(measured(rows, declared()).checked)["holds"]


def test_a_part_that_was_not_collected_contributes_nothing() -> None:
    rows = [figure(TOTAL, 2), figure("a", 2), figure("b", None, absence="not_collected")]
    row = only(measured(rows, declared()).checked)
    assert row["holds"]
    assert row["right_origins"] == "book.csv!a-2024-cases"


@pytest.mark.parametrize("absence", ["unreadable", "suppressed", "withdrawn", "not_yet_known"])
def test_a_part_that_is_there_but_unknown_makes_the_sum_uncheckable_with_its_cell(absence: str) -> None:
    result = measured([figure(TOTAL, 2), figure("a", 2), figure("b", None, absence=absence)], declared())
    assert result.checked.empty
    row = only(result.uncheckable)
    assert list(row.index) == UNCHECKABLE_COLUMNS
    assert row["reason"] == f"{absence}: book.csv!b-2024-cases"


def test_a_float_or_a_period_that_cannot_be_read_is_in_no_relation_and_left_to_the_suite() -> None:
    frame = observations_frame([figure(TOTAL, 5), figure("a", 2), figure("b", 3)])
    frame["value"] = pd.Series([Decimal(5), 2.0, Decimal(3)], dtype=object)
    result = measure(frame, declared())
    assert result.checked.empty
    assert only(result.uncheckable)["reason"] == "no exact number: book.csv!a-2024-cases"
    frame["period"] = "R6"
    assert measure(frame, declared()).checked.empty


def test_a_total_that_is_unreadable_makes_the_sum_uncheckable() -> None:
    result = measured([figure(TOTAL, None, absence="unreadable"), figure("a", 2), figure("b", 1)], declared())
    assert result.checked.empty
    assert only(result.uncheckable)["origin"] == "book.csv!_T-2024-cases"


def test_a_declared_type_that_is_not_printed_makes_the_sum_uncheckable() -> None:
    source = declared(parts={"scheme": ["a", "b", "c"]})
    result = measured([figure(TOTAL, 5), figure("a", 2), figure("b", 3)], source)
    assert result.checked.empty
    assert only(result.uncheckable)["reason"] == "not printed: c"


def test_a_type_that_the_declared_scheme_does_not_have_is_not_added() -> None:
    rows = [figure(TOTAL, 5), figure("a", 2), figure("b", 3), figure("a and b", 5)]
    assert only(measured(rows, declared(parts={"scheme": ["a", "b"]})).checked)["holds"]


def test_without_a_declaration_every_type_of_the_scheme_in_the_table_is_needed() -> None:
    rows = [figure(TOTAL, 5), figure("a", 2), figure("b", 3), figure(TOTAL, 2, period="2025"), figure("a", 2, period="2025")]
    result = measured(rows, declared())
    assert only(result.checked)["period"] == "2024"
    assert only(result.uncheckable)["period"] == "2025"


def test_a_scheme_that_the_table_does_not_declare_beside_others_is_not_guessed() -> None:
    # An extract of 2014 printed the total and one of eight types; that one type is not the whole.
    result = measured([figure(TOTAL, 486), figure("a", 170)], declared(parts={"another": ["x", "y"]}))
    assert result.checked.empty
    assert "does not say which parts scheme has" in only(result.uncheckable)["reason"]


def test_an_overlay_is_never_added_to_its_siblings() -> None:
    rows = [figure(TOTAL, 5), figure("a", 2), figure("b", 3), figure("tag", 4, overlay=True)]
    assert only(measured(rows, declared()).checked)["holds"]


def test_types_of_two_classifications_are_never_added() -> None:
    rows = [figure(TOTAL, 5), figure("a", 5), figure("b", 7, classification="later"), figure(TOTAL, 7, classification="later")]
    result = measured(rows, declared())
    assert sorted(result.checked["classification"]) == ["later", "scheme"]
    assert result.checked["holds"].all()


@pytest.mark.parametrize("name", ["mean_loss", "max_loss", "share_of_loss", "fraud_rate"])
def test_measures_that_do_not_add_up_are_not_added(name: str) -> None:
    rows = [figure(c, v, measure=name, unit="JPY") for c, v in ((TOTAL, 9), ("a", 2), ("b", 3))]
    assert measured(rows, declared()).checked.empty


def test_a_table_whose_parts_do_not_add_up_is_not_summed() -> None:
    assert measured([figure(TOTAL, 9), figure("a", 2), figure("b", 3)], declared(parts_add_up=False)).checked.empty


# ------------------------------------------------------------------------------------------------------ not more than

COMPLETED = ({"smaller": "cases_completed", "larger": "cases"},)


@pytest.mark.parametrize(("completed", "holds"), [(4, True), (5, True), (6, False)])
def test_completed_cases_are_not_more_than_recognised_ones(completed: int, holds: bool) -> None:
    rows = [figure("a", 5), figure("a", completed, measure="cases_completed")]
    row = only(measured(rows, declared(parts_add_up=False, identities=COMPLETED)).checked)
    assert row["identity"] == "not_more_than"
    assert row["holds"] == holds
    assert row["left_origin"] == "book.csv!a-2024-cases_completed"


def test_a_relation_with_one_side_unreadable_is_uncheckable() -> None:
    rows = [figure("a", 5), figure("a", None, measure="cases_completed", absence="unreadable")]
    result = measured(rows, declared(parts_add_up=False, identities=COMPLETED))
    assert result.checked.empty
    assert only(result.uncheckable)["identity"] == "not_more_than"


# ------------------------------------------------------------------------------------------------------------- periods


@pytest.mark.parametrize(
    ("longer", "shorter", "name"),
    [
        ("2017-01/2017-03", ["2017-01", "2017-02", "2017-03"], "months_sum_to_total"),
        ("2017-Q1", ["2017-01", "2017-02", "2017-03"], "months_sum_to_total"),
        ("2024", ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"], "quarters_sum_to_total"),
        ("2024-S1", ["2024-Q1", "2024-Q2"], "quarters_sum_to_total"),
        ("2014", ["2014-S1", "2014-S2"], "half_years_sum_to_total"),
        ("2024-FY", ["2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1"], "quarters_sum_to_total"),
    ],
)
def test_shorter_periods_sum_to_the_longer_one(longer: str, shorter: list[str], name: str) -> None:
    parts = [figure("a", 10, period=code) for code in shorter]
    source = declared(parts_add_up=False)
    good = only(measured([figure("a", 10 * len(shorter), period=longer), *parts], source).checked)
    assert good["identity"] == name
    assert good["period"] == longer
    assert good["holds"]
    bad = only(measured([figure("a", 10 * len(shorter) + 1, period=longer), *parts], source).checked)
    assert not bad["holds"]


def test_a_sum_with_a_month_missing_is_not_made() -> None:
    rows = [figure("a", 30, period="2017-01/2017-03"), figure("a", 10, period="2017-01"), figure("a", 10, period="2017-03")]
    assert measured(rows, declared(parts_add_up=False)).checked.empty


def test_months_do_not_sum_to_a_span_of_days() -> None:
    rows = [figure("a", 30, period="2022-09-01/2022-10-15"), figure("a", 1, period="2022-09"), figure("a", 1, period="2022-10")]
    assert measured(rows, declared(parts_add_up=False)).checked.empty


# ----------------------------------------------------------------------------------------------------------- dimensions

SHARES = [
    {"dimension": "sex", "equals": 1, "measures": ["victims_share"]},
    {"dimension": "age", "measures": ["victims_share"]},
]


def share(sex: str, age: str, value: str) -> dict[str, Any]:
    precision = Decimal("0.0005")
    return figure(
        "a", value, sex=sex, age=age, measure="victims_share", unit="ratio", precision=precision, origin=f"b!{sex}{age}"
    )


@pytest.mark.parametrize(("women", "holds"), [("0.559", True), ("0.561", True), ("0.562", False), ("0.55", False)])
def test_men_and_women_are_all_victims_though_no_total_is_printed(women: str, holds: bool) -> None:
    source = declared(parts_add_up=False, sums=SHARES[:1])
    row = only(measured([share("M", TOTAL, "0.440"), share("F", TOTAL, women)], source).checked)
    assert (row["identity"], row["left"], row["left_origin"]) == ("sex_sums_to_total", Decimal(1), "declared")
    assert row["holds"] == holds


def test_men_and_women_of_one_age_band_need_not_be_all_victims() -> None:
    source = declared(parts_add_up=False, sums=SHARES[:1])
    assert measured([share("M", "Y20T29", "0.1"), share("F", "Y20T29", "0.2")], source).checked.empty


@pytest.mark.parametrize(("old", "holds"), [("0.341", True), ("0.35", False)])
def test_age_bands_sum_to_the_total_of_their_sex(old: str, holds: bool) -> None:
    source = declared(parts_add_up=False, sums=SHARES[1:])
    rows = [share("M", TOTAL, "0.440"), share("M", "Y20T29", "0.100"), share("M", "Y30T39", old)]
    row = only(measured(rows, source).checked)
    assert row["identity"] == "age_sums_to_total"
    assert row["holds"] == holds


def test_categories_that_overlap_are_left_out_when_the_parts_are_declared() -> None:
    source = declared(parts_add_up=False, sums=[{"dimension": "age", "parts": ["young", "old"]}])
    rows = [figure("a", v, age=c) for c, v in ((TOTAL, 5), ("young", 2), ("old", 3), ("Y_GE65", 3))]
    assert only(measured(rows, source).checked)["holds"]


def test_areas_sum_to_the_country_which_is_their_total() -> None:
    source = declared(parts_add_up=False, sums=[{"dimension": "area", "total": "CA"}])
    rows = [figure(TOTAL, v, area=c, origin=f"b!{c}") for c, v in (("CA", 6), ("CA-ON", 3), ("CA-QC", 2), ("_X_CA", 1))]
    row = only(measured(rows, source).checked)
    assert (row["identity"], row["left_origin"], row["holds"]) == ("area_sums_to_total", "b!CA", True)
    short = only(measured(rows[:-1], source).checked)
    assert (short["difference"], short["holds"]) == (Decimal(1), False)


def test_common_types_sum_to_the_total_of_all_native_types() -> None:
    source = declared(parts_add_up=False, sums=[{"dimension": "fraud_type"}])
    rows = [figure(TOTAL, v, fraud_type=c, origin=f"b!{c}") for c, v in ((TOTAL, 5), ("ADV", 2), ("OTH", 3))]
    row = only(measured(rows, source).checked)
    assert (row["identity"], row["left"], row["right"], row["holds"]) == ("fraud_type_sums_to_total", 5, 5, True)


def test_a_band_of_losses_that_nobody_knows_contributes_none() -> None:
    source = declared(parts_add_up=False, sums=[{"dimension": "loss_band"}])
    bands = [
        figure(TOTAL, v, loss_band=c, measure="loss", unit="CAD") for c, v in ((TOTAL, 5), ("NONE", 0), ("CAD_GT0_LT100", 5))
    ]
    unknown = figure(TOTAL, None, loss_band="_U", measure="loss", unit="CAD", absence="not_collected")
    row = only(measured([*bands, unknown], source).checked)
    assert (row["identity"], row["holds"]) == ("loss_band_sums_to_total", True)


# ------------------------------------------------------------------------------------------------------------- frames


def test_nothing_to_relate_gives_an_empty_frame_with_the_columns() -> None:
    for rows in ([], [figure("a", 1)]):
        frame = identities_frame(observations_frame(rows), declared())
        assert frame.empty
        assert list(frame.columns) == IDENTITY_COLUMNS


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=8), st.integers(-3, 3), st.randoms(use_true_random=False))
def test_the_measure_is_the_same_in_any_order_and_holds_exactly_at_no_difference(
    values: list[int], off: int, random: Any
) -> None:
    rows = [figure(TOTAL, sum(values) + off), *(figure(f"type {n}", value) for n, value in enumerate(values))]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    row, again = only(measured(rows, declared()).checked), only(measured(shuffled, declared()).checked)
    assert row["holds"] == again["holds"] == (off == 0)
    assert row["difference"] == again["difference"] == off


# ------------------------------------------------------------------------------------------------- the shipped figures

needs_inbox = pytest.mark.skipif(not INBOX.is_dir(), reason="the shipped files are not beside the code")


@needs_inbox
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("npa_annual", {"parts_sum_to_total", "not_more_than"}),
        ("npa_monthly", {"parts_sum_to_total", "months_sum_to_total"}),
        ("npa_releases", {"parts_sum_to_total"}),
        ("npa_victims", {"age_sums_to_total", "sex_sums_to_total"}),
        ("jca_card", {"parts_sum_to_total", "quarters_sum_to_total", "place_of_use_sums_to_total"}),
        ("internet_banking", {"not_more_than", "victim_kind_sums_to_total"}),
    ],
)
def test_every_relation_between_shipped_figures_holds(name: str, kinds: set[str]) -> None:
    source = importlib.import_module("pipeline.sources.catalogue").source(name)
    _, observations = shipped(name)
    frames = [identities_frame(rows, source) for _, rows in observations.groupby("snapshot", sort=True)]
    checked = pd.concat(frames, ignore_index=True)
    assert set(checked["identity"]) == kinds
    assert checked["holds"].all(), checked[~checked["holds"].astype(bool)].to_string()


@needs_inbox
def test_the_ten_types_sum_to_the_total_for_every_measure_and_year_that_is_printed_in_full() -> None:
    # National Police Agency, annual crime book of 2025, tables 2-3-6: five measures, 2016 to 2025; the loss of 2025 lost digits.
    source = importlib.import_module("pipeline.sources.catalogue").source("npa_annual")
    _, observations = shipped("npa_annual")
    book = observations[observations["origin"].str.startswith("r07.csv")]
    result = measure(book, source)
    sums = result.checked[(result.checked["identity"] == "parts_sum_to_total") & (result.checked["table"] == TABLE)]
    pairs = set(zip(sums["measure"], sums["period"], strict=True))
    years = {str(year) for year in range(2016, 2026)}
    measures = {"cases", "cases_completed", "cases_cleared", "persons_arrested", "loss"}
    assert pairs == {(name, year) for name in measures for year in years} - {("loss", "2025")}
    assert sums["holds"].all()
    missing = result.uncheckable[(result.uncheckable["measure"] == "loss") & (result.uncheckable["period"] == "2025")]
    assert missing["reason"].str.startswith("unreadable").all()
    assert len(missing)
