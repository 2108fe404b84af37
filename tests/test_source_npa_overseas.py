"""Bases and arrests abroad keep what the releases said apart from the single events that the press reported."""

from decimal import Decimal

import pytest

from pipeline.sources.catalogue import source
from tests.shipped import as_of, chosen, shipped, value


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        # Asahi, December 2023, and NPA final of 2024-05-23; crime situation of 2025 (February 2026).
        ({"table": "bases_abroad", "measure": "persons_arrested", "period": "2023", "offender_location": "_X_JP"}, 69),
        ({"table": "bases_abroad", "measure": "persons_arrested", "period": "2024", "offender_location": "_X_JP"}, 50),
        ({"table": "bases_abroad", "measure": "persons_arrested", "period": "2025", "offender_location": "_X_JP"}, 54),
        (
            {"table": "bases_abroad", "measure": "persons_arrested", "period": "2024-01/2025-12", "offender_location": "_X_JP"},
            104,
        ),
        ({"table": "bases_abroad", "measure": "bases_raided", "period": "2023", "offender_location": "_X_JP"}, 6),
        ({"table": "bases_domestic", "measure": "bases_raided", "period": "2018", "offender_location": "JP"}, 61),
        ({"table": "bases_domestic", "measure": "bases_raided", "period": "2025", "offender_location": "JP"}, 11),
        ({"table": "events", "measure": "persons_arrested", "period": "2023-11-08", "offender_location": "KH"}, 25),
        ({"table": "events", "measure": "persons_arrested", "period": "2025-08-20", "offender_location": "KH"}, 29),
        ({"table": "events", "measure": "persons_arrested", "period": "2026-01-13/2026-01-14", "offender_location": "KH"}, 13),
        ({"table": "events", "measure": "persons_detained", "period": "2019", "offender_location": "PH"}, 36),
        ({"table": "events", "measure": "persons_detained", "period": "2019", "offender_location": "TH"}, 18),
        ({"table": "events", "measure": "persons_detained", "period": "2017", "offender_location": "CN"}, 35),
    ],
)
def test_a_printed_figure_comes_out_exactly(wanted: dict[str, str], expected: int) -> None:
    assert value(as_of("npa_overseas"), **wanted) == expected


def test_the_arrests_of_2023_by_police_force_sum_to_the_69_of_the_year() -> None:
    by_force = chosen(as_of("npa_overseas"), table="by_force", period="2023", offender_location="_X_JP", offender_kind="*")
    assert len(by_force) == 6
    assert by_force["value"].sum() == Decimal(69)


def test_two_releases_that_print_one_figure_are_two_vintages_of_it() -> None:
    _, observations = shipped("npa_overseas")
    year = chosen(observations, table="bases_abroad", measure="persons_arrested", period="2023", offender_location="_X_JP")
    assert sorted(year["edition"]) == ["final", "provisional"]
    assert year["snapshot"].nunique() == 2


def test_cambodia_is_among_the_events_of_2023_2025_and_2026() -> None:
    events = as_of("npa_overseas").query("table == 'events' and offender_location == 'KH'")
    assert sorted({period[:4] for period in events["period"]}) == ["2023", "2025", "2026"]


def test_single_events_and_counts_by_force_are_never_to_be_added_up() -> None:
    _, observations = shipped("npa_overseas")
    assert observations[observations["table"].isin(["events", "by_force"])]["overlay"].all()
    assert not observations[~observations["table"].isin(["events", "by_force"])]["overlay"].any()


def test_a_claim_without_a_figure_is_a_caveat_and_not_a_figure() -> None:
    _, observations = shipped("npa_overseas")
    assert set(observations["unit"]) == {"persons", "bases"}
    assert any("billions of US" in caveat for caveat in source("npa_overseas").meta["caveats"])
