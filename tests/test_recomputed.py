"""What is derived from the real exports of Scamwatch, figure by figure again from the files with csv and plain arithmetic alone.

The other side of each comparison shares no code with the pipeline: it reads the publisher's files and the reference series as
they were handed over, and adds up. Types that begin and end, a month that is in no file and cells without a loss are all in them.
"""

from __future__ import annotations

import collections
import csv
import io
import re
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate.cubes import cube_observations
from pipeline.aggregate.derive import derive
from pipeline.model import Period
from pipeline.publish.contributions import contributions
from pipeline.publish.families import Families
from pipeline.publish.figures import figures, rows_of
from pipeline.publish.selection import select_rows
from pipeline.sources.catalogue import source
from pipeline.sources.scamwatch.reader import read_cases
from tests.figures import only, snapshot

SHARED = Path(__file__).parents[2] / "shared"
EXPORTS = SHARED / "data" / "scamwatch" / "scamwatch_2025-08.zip"
RATES, POPULATION = (SHARED / "facts" / "reference" / name for name in ("fx_monthly.csv", "population_annual.csv"))
SCAMWATCH = source("scamwatch")
pytestmark = pytest.mark.skipif(
    not (EXPORTS.is_file() and RATES.is_file()),
    reason="the publisher's exports and the reference series (../shared) are not here",
)

# Month and type, or `_T`, to reports and cents.
Counts = dict[tuple[str, str], tuple[int, int]]


@pytest.fixture(scope="module")
def counted() -> Counts:
    found: dict[tuple[str, str], list[int]] = collections.defaultdict(lambda: [0, 0])
    with zipfile.ZipFile(EXPORTS) as archive:
        for name in archive.namelist():
            for line in csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))):
                cents = int(re.sub(r"[$.]", "", line["Amount_lost"]) or 0)
                for label in (line["Category_Level_3"], "_T"):
                    cell = found[line["StartOfMonth"][:7], label]
                    cell[0] += int(line["Number_of_reports"])
                    cell[1] += cents
    return {key: (reports, cents) for key, (reports, cents) in found.items()}


@pytest.fixture(scope="module")
def derived() -> pd.DataFrame:
    taken = snapshot("scamwatch", "2025-08-31", edition="restated")
    printed = cube_observations(read_cases(EXPORTS, taken, SCAMWATCH), SCAMWATCH, taken)
    return derive(printed[printed["table"] == "scamwatch_types"].reset_index(drop=True), SCAMWATCH)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def months_of(period: str) -> list[str]:
    """`2024`, `2024-S1`, `2024-Q3`, `2024-03` or `2025-01/2025-05` month by month, as anybody would read it."""
    year = period[:4]
    if "/" in period:
        first, last = int(period[5:7]), int(period[-2:])
    elif part := re.search(r"[QS]", period):
        length = {"Q": 3, "S": 6}[part[0]]
        first, last = length * (int(period[-1]) - 1) + 1, length * int(period[-1])
    else:
        first, last = (1, 12) if len(period) == 4 else (int(period[-2:]), int(period[-2:]))
    return [f"{year}-{month:02d}" for month in range(first, last + 1)]


def year_before(period: str) -> str:
    return re.sub(r"\d{4}(?=-|/|$)", lambda year: str(int(year[0]) - 1), period)


def total(counted: Counts, period: str, label: str, measure: str) -> Decimal:
    cells = [counted.get((month, label), (0, 0)) for month in months_of(period)]
    return Decimal(sum(cell[0] for cell in cells)) if measure == "cases" else Decimal(sum(cell[1] for cell in cells)) / 100


def rows(derived: pd.DataFrame, **wanted: str) -> Iterable[dict[str, Any]]:
    chosen = derived[derived["absence"] == ""]
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    found = chosen.to_dict("records")
    assert found
    return found  # type: ignore[return-value]


def test_counts_and_sums_are_those_of_the_files(derived: pd.DataFrame, counted: Counts) -> None:
    for measure in ("cases", "loss"):
        for row in rows(derived, measure=measure, unit={"cases": "cases", "loss": "AUD"}[measure]):
            assert row["value"] == total(counted, row["period"], row["native_type"], measure), row


def test_dollars_are_the_months_each_at_its_own_rate(derived: pd.DataFrame, counted: Counts) -> None:
    rates = {line["month"]: Decimal(line["units_per_usd"]) for line in table(RATES) if line["currency"] == "AUD"}
    for row in rows(derived, measure="loss", unit="USD"):
        months = months_of(row["period"])
        exact = sum(total(counted, month, row["native_type"], "loss") / rates[month] for month in months)
        assert row["value"] == exact.quantize(Decimal("0.01")), row  # type: ignore[union-attr]


def test_a_type_that_began_in_october_is_converted_at_the_rates_of_its_three_months(derived: pd.DataFrame) -> None:
    # 136,725 Australian dollars: at the mean rate of all of 2021 they would be 102,693.94 US dollars.
    began = only(derived, period="2021", native_type="Travel, prizes and lottery scams", measure="loss", unit="USD")
    assert began["value"] == Decimal("99271.27")


def test_dollars_of_the_types_add_up_to_those_of_the_total(derived: pd.DataFrame) -> None:
    for period in ("2021", "2024", "2024-Q4", "2025-01/2025-05"):
        dollars = derived[(derived["period"] == period) & (derived["measure"] == "loss") & (derived["unit"] == "USD")]
        present = dollars[dollars["absence"] == ""]
        parts = present.loc[present["native_type"] != "_T", "value"]
        assert abs(parts.sum() - only(present, native_type="_T")["value"]) <= len(parts) * Decimal("0.005")


@pytest.mark.parametrize(
    ("measure", "change", "share"),
    [("loss", "change_on_year", "share_of_loss"), ("cases", "change_on_year_cases", "share_of_cases")],
)
def test_changes_and_shares_are_those_of_the_sums(
    derived: pd.DataFrame, counted: Counts, measure: str, change: str, share: str
) -> None:
    half = Decimal("0.0005")
    for row in rows(derived, measure=change):
        now, before = (
            total(counted, period, row["native_type"], measure) for period in (row["period"], year_before(row["period"]))
        )
        assert abs(row["value"] - (100 * now / before - 100)) <= half, row
    for row in rows(derived, measure=share):
        own, of = (total(counted, row["period"], label, measure) for label in (row["native_type"], "_T"))
        assert abs(row["value"] - 100 * own / of) <= half, row


def test_no_change_is_given_where_a_month_of_either_year_is_in_no_file(derived: pd.DataFrame, counted: Counts) -> None:
    in_files = {month for month, label in counted if label == "_T"}
    for row in rows(derived, measure="change_on_year"):
        assert in_files.issuperset([*months_of(row["period"]), *months_of(year_before(row["period"]))]), row


def test_rates_are_those_of_the_population_of_the_year(derived: pd.DataFrame, counted: Counts) -> None:
    people = {line["year"]: int(line["population"]) for line in table(POPULATION) if line["country"] == "AUS"}
    for row in rows(derived, measure="loss_per_100k", unit="AUD_per_100k"):
        exact = total(counted, row["period"], row["native_type"], "loss") * 100_000 / people[row["period"]]
        assert row["value"] == exact.quantize(Decimal("0.000001")), row


def test_contributions_of_a_month_are_those_of_the_sums(derived: pd.DataFrame, counted: Counts) -> None:
    """Of pyramid schemes 80 dollars are left of 1,183,150: from a change of three decimals they would give -2.2 points."""
    families, period = Families([SCAMWATCH]), Period.parse("2023-05")
    found = [f for f in figures(rows_of(select_rows(derived, period)), period, families) if f.is_plain]
    own, history = ([f for f in found if f.role == role] for role in ("period", "history"))
    made = {f.row.native_type: f.row.value for f in contributions(own, history) if f.row.measure == "contribution"}
    base = total(counted, "2022-05", "_T", "loss")
    assert len(made) > 15
    for label, value in made.items():
        if value is not None:
            exact = 100 * (total(counted, "2023-05", label, "loss") - total(counted, "2022-05", label, "loss")) / base
            assert abs(value - exact) < Decimal("0.001"), label
    assert f"{made['Pyramid schemes']:.1f}" == "-2.3"
