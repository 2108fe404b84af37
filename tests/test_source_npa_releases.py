"""Headlines of the National Police Agency come out as each release printed them, and each day knows its own."""

import csv
from decimal import Decimal

import pytest

from pipeline.model import DIMENSIONS, TOTAL
from pipeline.sources.catalogue import source
from tests.shipped import INBOX, as_of, chosen, shipped, value

OKU = 100_000_000
SPECIAL = {"table": "special_fraud", "measure": "loss", "unit": "JPY"}
SNS = {"table": "sns_fraud", "measure": "loss", "unit": "JPY"}


@pytest.mark.parametrize(
    ("day", "loss", "edition"),
    [
        ("2025-02-07", "721.5", "provisional"),  # press, on the provisional figures
        ("2025-05-22", "721.5", "provisional"),
        ("2025-05-23", "717.6", "final"),  # Kyodo, on the final figures
        ("2025-07-31", "718.8", "corrected"),  # Kyodo, on the first half of 2025
        ("2026-07-01", "718.8", "corrected"),
    ],
)
def test_the_loss_of_2024_is_the_one_that_was_known_on_the_day(day: str, loss: str, edition: str) -> None:
    (row,) = chosen(as_of("npa_releases", day), period="2024", **SPECIAL).to_dict("records")
    assert (row["value"], row["edition"]) == (Decimal(loss) * OKU, edition)


@pytest.mark.parametrize(("day", "cases"), [("2024-02-08", 19_033), ("2024-05-22", 19_033), ("2024-05-23", 19_038)])
def test_a_page_of_the_provisional_figures_never_speaks_after_the_final_ones(day: str, cases: int) -> None:
    assert value(as_of("npa_releases", day), table="special_fraud", measure="cases", period="2023") == cases


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({**SPECIAL, "period": "2013"}, Decimal("489") * OKU),  # a later citation, to the nearest 100 million
        ({**SPECIAL, "period": "2020"}, Decimal(27_781_607_633)),  # 277億8160万7633円
        ({**SPECIAL, "period": "2025"}, Decimal("1423.1") * OKU),
        ({**SNS, "period": "2025"}, Decimal("1834.3") * OKU),
        ({**SNS, "period": "2025", "native_type": "SNS型投資詐欺"}, Decimal("1288.0") * OKU),
        ({"table": "furikome_fraud", "measure": "loss", "unit": "JPY", "period": "2004"}, Decimal(28_378_657_974)),
        ({"table": "special_and_sns", "measure": "cases", "period": "2024"}, Decimal(31_280)),
        ({"table": "special_fraud", "measure": "cases", "period": "2022", "area": "JP-13"}, Decimal(3_218)),
        ({"table": "special_fraud", "measure": "victims_share", "period": "2017", "age": "Y_GE65"}, Decimal("72.3")),
        ({"table": "special_fraud", "measure": "persons_arrested", "period": "2023", "age": "Y_LT20"}, Decimal(446)),
        (
            {"table": "sns_fraud", "measure": "max_loss", "period": "2023", "native_type": "SNS型ロマンス詐欺"},
            Decimal("3.6") * OKU,
        ),
    ],
)
def test_a_printed_headline_comes_out_exactly(wanted: dict[str, str], expected: Decimal) -> None:
    assert value(as_of("npa_releases"), **wanted) == expected


def test_the_more_precise_of_two_prints_in_one_release_is_kept_and_the_other_is_named() -> None:
    (row,) = chosen(as_of("npa_releases", "2014-02-06"), period="2013", **SPECIAL).to_dict("records")
    assert (row["value"], row["precision"]) == (Decimal(48_693_250_000), Decimal(5_000))  # 486億9325万円
    assert "48.69bn_yen" in row["note"]


def test_2024_counts_31280_cases_only_under_the_classification_of_2026() -> None:
    (row,) = chosen(as_of("npa_releases"), table="special_and_sns", measure="cases", period="2024").to_dict("records")
    assert row["classification"] == "npa_2026"
    special, sns = (
        value(as_of("npa_releases"), table=name, measure="cases", period="2024") for name in ("special_fraud", "sns_fraud")
    )
    assert special + sns == row["value"]


def test_a_figure_that_only_a_difference_gives_says_so_and_is_as_uncertain_as_both_prints() -> None:
    # Release of 2017-02-02: 406.3 hundred million yen, 75.68 less than in 2015.
    (row,) = chosen(as_of("npa_releases", "2017-02-02"), period="2015", **SPECIAL).to_dict("records")
    assert (row["value"], row["precision"]) == (Decimal("481.98") * OKU, Decimal("0.055") * OKU)
    assert row["edition"] == "restated"
    assert "implied by the published difference" in row["note"]


def test_an_amount_quoted_as_about_is_marked_as_approximate() -> None:
    (row,) = chosen(as_of("npa_releases", "2026-02-12"), period="2025", **SNS).to_dict("records")
    assert (row["value"], row["obs_status"]) == (1827 * OKU, "E")


def test_the_amount_per_case_divides_by_the_cases_that_its_measure_names() -> None:
    frame = as_of("npa_releases", "2024-03-31")
    # Cases: statistics on penal code offences of 2025, table 2-3-7-1.
    for name, cases in (("SNS型投資詐欺", 2_271), ("SNS型ロマンス詐欺", 1_575)):
        loss = value(frame, period="2023", native_type=name, **SNS)
        wanted = {"table": "sns_fraud", "measure": "mean_loss", "unit": "JPY", "period": "2023", "native_type": name}
        (row,) = chosen(frame, **wanted).to_dict("records")
        # Printed 1,223 and 1,125 in ten thousand yen, which losses by cases only give when they are cut.
        assert row["precision"] == 10_000
        assert 5_000 < loss / cases - row["value"] < 10_000
    frame = as_of("npa_releases", "2016-01-28")
    completed = value(frame, period="2015", **SPECIAL) / value(
        frame, table="special_fraud", measure="mean_loss_completed", unit="JPY", period="2015"
    )
    assert completed < value(frame, table="special_fraud", measure="cases", period="2015") * Decimal("0.95")


def test_tags_and_sums_of_types_are_never_to_be_added_to_the_types() -> None:
    _, observations = shipped("npa_releases")
    special = observations[observations["table"] == "special_fraud"]
    assert set(special[special["overlay"]]["native_type"]) == {"ニセ警察詐欺", "オレオレ詐欺+預貯金詐欺"}
    assert special[special["native_type"] == "ニセ警察詐欺"]["overlay"].all()


def test_the_new_classification_of_2026_is_left_to_the_monthly_file() -> None:
    _, observations = shipped("npa_releases")
    assert not observations["period"].str.startswith("2026").any()


def test_every_release_is_a_snapshot_of_its_own_and_an_extract() -> None:
    snapshots, observations = shipped("npa_releases")
    assert len({item.id for item in snapshots}) == len(snapshots) == observations["snapshot"].nunique()
    assert all(item.extract and item.retrospective and item.origin for item in snapshots)
    assert all(item.file.isascii() and item.file.startswith(item.published) for item in snapshots)


def test_every_row_names_the_page_that_it_was_read_from() -> None:
    for path in sorted((INBOX / "npa_releases").glob("[0-9]*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            assert all(row["source"] and row["evidence"] for row in csv.DictReader(stream)), path.name


def test_every_label_that_is_declared_has_a_code_and_every_label_read_has_one() -> None:
    _, observations = shipped("npa_releases")
    for name in DIMENSIONS:
        assert observations[name].str.fullmatch(r"_T|[A-Z0-9_]+").all()
    assert set(observations["classification"]) <= set(source("npa_releases").meta["classifications"])
    assert (observations[observations["native_type"] == TOTAL]["fraud_type"] == TOTAL).all()
