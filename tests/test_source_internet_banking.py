"""Unauthorised transfers: the police's years and halves, the banks' fiscal years, and trades that are no losses."""

from decimal import Decimal

import pytest

from tests.shipped import as_of, chosen, shipped, value

POLICE = {"table": "unauthorised_transfer"}
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("wanted", "expected", "precision"),
    [
        ({**POLICE, "measure": "loss", "period": "2015"}, 3_073 * MILLION, 500_000),  # NPA, 2016-03-03
        ({**POLICE, "measure": "loss_net", "period": "2015"}, 2_646 * MILLION, 500_000),
        ({**POLICE, "measure": "loss", "period": "2015", "victim_kind": "INDIVIDUAL"}, 1_607 * MILLION, 500_000),
        ({**POLICE, "measure": "loss", "period": "2023"}, 8_730 * MILLION, 5_000_000),  # 87,3億円, Kanagawa police
        ({**POLICE, "measure": "loss", "period": "2025"}, 10_397 * MILLION, 500_000),  # NPA, 2026-03-12
        ({**POLICE, "measure": "cases", "period": "2022-08"}, 70, None),
        ({**POLICE, "measure": "cases", "period": "2022-09-01/2022-09-15"}, 184, None),
        ({"table": "bank_survey", "measure": "cases", "period": "2005-FY"}, 49, None),  # FSA, 別紙4-1
        ({"table": "bank_survey", "measure": "loss", "period": "2014-FY"}, 2_187 * MILLION, 500_000),
        ({"table": "account_takeover", "measure": "traded_value", "period": "2025"}, 740_800 * MILLION, 50_000_000),
    ],
)
def test_a_printed_figure_comes_out_with_its_precision(wanted: dict[str, str], expected: int, precision: int | None) -> None:
    (row,) = chosen(as_of("internet_banking"), **wanted).to_dict("records")
    assert (row["value"], row["precision"]) == (Decimal(expected), None if precision is None else Decimal(precision))


def test_the_halves_of_2014_sum_to_the_1876_incidents_of_the_year() -> None:
    frame = as_of("internet_banking")
    halves = [value(frame, measure="cases", period=period, **POLICE) for period in ("2014-S1", "2014-S2")]
    assert sum(halves) == value(frame, measure="cases", period="2014", **POLICE) == 1_876


def test_the_accounts_of_persons_and_companies_sum_to_the_loss_of_2015() -> None:
    parts = chosen(as_of("internet_banking"), measure="loss", period="2015", victim_kind="*", **POLICE)
    by_kind = parts.set_index("victim_kind")["value"]
    assert by_kind["INDIVIDUAL"] + by_kind["ORGANISATION"] == by_kind["_T"]


def test_a_half_year_that_was_restated_is_known_by_both_values() -> None:
    first, later = (as_of("internet_banking", day) for day in ("2014-12-31", "2015-09-03"))
    assert [value(frame, measure="cases", period="2014-S1", **POLICE) for frame in (first, later)] == [1_254, 1_257]
    assert [value(frame, measure="loss", period="2014-S1", **POLICE) for frame in (first, later)] == [
        1_852 * MILLION,
        1_851 * MILLION,
    ]


def test_an_amount_printed_as_about_is_no_more_precise_than_it_was_meant() -> None:
    (row,) = chosen(as_of("internet_banking", "2023-12-31"), measure="loss", period="2022", **POLICE).to_dict("records")
    assert (row["value"], row["precision"], row["obs_status"]) == (1_520 * MILLION, 5 * MILLION, "E")  # 約15億2,000万円


def test_police_and_banks_are_two_tables_that_share_no_classification() -> None:
    _, observations = shipped("internet_banking")
    by_table = observations.groupby("table")["classification"].unique().map(list).to_dict()
    assert by_table == {
        "unauthorised_transfer": ["npa_transfer"],
        "bank_survey": ["fsa_bank_survey"],
        "account_takeover": ["npa_securities"],
    }
    assert set(observations[observations["table"] == "bank_survey"]["frequency"]) == {"fiscal_year"}


def test_the_value_of_trades_is_never_called_a_loss() -> None:
    _, observations = shipped("internet_banking")
    assert set(observations[observations["table"] == "account_takeover"]["measure"]) == {"traded_value"}
