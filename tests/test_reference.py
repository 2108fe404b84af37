"""Reference series are exact, name their source, and are never stretched beyond what was published."""

import csv
import itertools
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.model import NOT_APPLICABLE, TOTAL, FraudlossError, Period
from pipeline.publish import languages, words
from pipeline.reference import (
    FOLDER,
    MissingReference,
    average_rate,
    fraud_types,
    population,
)

SERIES = ("exchange_rates.csv", "population.csv", "population_prefecture.csv", "prices.csv")
CROSSWALKS = sorted((FOLDER.parent / "sources").glob("*/crosswalk.csv"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def monthly(currency: str, year: str) -> list[Decimal]:
    found = [row for row in rows(FOLDER / "exchange_rates.csv") if row["currency"] == currency and row["month"][:4] == year]
    return [Decimal(row["units_per_usd"]) for row in found]


def test_the_rate_of_a_month_is_the_published_one() -> None:
    # US Federal Reserve H.10, monthly average of January 2000.
    rate = average_rate("JPY", "2000-01")
    assert (rate.value, rate.months) == (Decimal("105.2960"), ("2000-01",))
    assert "Federal Reserve" in rate.source


def test_the_rate_of_a_longer_period_is_the_plain_mean_of_its_months() -> None:
    months = monthly("JPY", "2024")
    assert average_rate("JPY", "2024").value == sum(months) / 12
    assert average_rate("JPY", Period.parse("2024-Q1")).value == sum(months[:3]) / 3
    assert average_rate("JPY", "2024-01/2024-07").value == sum(months[:7]) / 7


def test_a_fiscal_year_takes_the_months_from_april_to_march() -> None:
    assert average_rate("JPY", "2005-FY").months[0] == "2005-04"
    assert average_rate("JPY", "2005-FY").months[-1] == "2006-03"


@pytest.mark.parametrize(
    ("currency", "period", "gap"), [("JPY", "2026", "2026-07"), ("JPY", "1999-12", "1999-12"), ("XXX", "2024", "XXX")]
)
def test_a_missing_month_is_named_and_never_filled_in(currency: str, period: str, gap: str) -> None:
    with pytest.raises(MissingReference, match=gap):
        average_rate(currency, period)


def test_the_months_of_each_currency_follow_each_other_without_a_hole() -> None:
    for _, group in itertools.groupby(rows(FOLDER / "exchange_rates.csv"), key=lambda row: row["currency"]):
        months = [row["month"] for row in group]
        expected = [period.code for period in Period.parse(months[0]).walk_to(Period.parse(months[-1]))]
        assert months == expected


def test_population_is_that_of_the_year_and_is_not_extrapolated() -> None:
    assert population("JP", 2024) == 123_975_371  # World Bank, SP.POP.TOTL
    assert population("CA", 2024) == 41_288_599
    with pytest.raises(MissingReference, match=r"population\.csv has no JP population for 2025 \(newest year: 2024\)") as missing:
        population("JP", 2025)
    assert missing.value.note == "no population of Japan for 2025 is held here: the newest is that of 2024"
    with languages.speaking("ja"):
        assert str(words.declared(missing.value.note)) == "2025年の日本の人口を保有していない（最新は2024年）"
    with pytest.raises(MissingReference, match=r"exchange_rates\.csv has no CAD rate for 1900-01") as no_rate:
        average_rate("CAD", "1900-01")
    assert no_rate.value.note.startswith("no exchange rate of Canadian dollars for 1900-01 is held here")
    with languages.speaking("ja"):
        assert str(words.declared(no_rate.value.note)).startswith("1900年1月のカナダドルの為替相場を保有していない")
    with pytest.raises(MissingReference):
        population("ZZ", 2024)


def test_the_prefectures_are_47_and_sum_to_the_census() -> None:
    listed = rows(FOLDER / "population_prefecture.csv")
    assert [row["area"] for row in listed] == [f"JP-{number:02d}" for number in range(1, 48)]
    assert sum(int(row["population"]) for row in listed) == 126_146_099  # population census 2020


def test_a_price_index_that_its_source_doubts_has_no_value() -> None:
    flagged = [row for row in rows(FOLDER / "prices.csv") if "do not use" in row["note"]]
    assert [(row["year"], row["value"]) for row in flagged] == [("2024", "")]


@pytest.mark.parametrize("name", SERIES)
def test_every_reference_figure_names_its_source(name: str) -> None:
    assert all(row["source"].strip() for row in rows(FOLDER / name))


def test_a_missing_reference_is_an_error_that_a_person_can_act_on() -> None:
    assert issubclass(MissingReference, FraudlossError)


def test_fraud_types_have_known_parents_and_a_definition_in_words() -> None:
    types = fraud_types()
    assert {"INV", "ROM", "IMP", "IMPG", "IMPB", "ADV", "BIL", "UNA", "OTH", "UNK"} <= set(types)
    for fraud_type in types.values():
        assert fraud_type.parent in {"", *types}
        assert fraud_type.label
        assert fraud_type.label_ja
        assert len(fraud_type.definition) > 10


@pytest.mark.parametrize("path", CROSSWALKS, ids=lambda path: path.parent.name)
def test_every_crosswalk_leads_to_a_type_of_the_common_list(path: Path) -> None:
    codes = {row["common_code"] for row in rows(path) if row["dimension"] == "fraud_type"}
    assert codes <= {*fraud_types(), TOTAL, NOT_APPLICABLE}
