"""The list of quality indicators: each has a formula and who defined it, and a value or the reason why there is none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate import kernel
from pipeline.aggregate.derive import derive
from pipeline.frames import RECORD_CHANGE_SCHEMA, observations_frame
from pipeline.publish import accuracy_tables, methods, seasonal
from pipeline.publish.accuracy_tables import indicator_tables, late_reports, tail_index
from pipeline.publish.evidence import Evidence
from pipeline.publish.quality_indicators import INDICATORS, indicator_list
from pipeline.publish.revision_tables import percent_cell, rounded_cell
from pipeline.publish.tables import Table
from pipeline.sources.catalogue import source
from tests.test_publish_countries import of

CAFC = source("cafc")


def _tables(rows: list[dict[str, Any]], evidence: Evidence | None = None) -> dict[str, Table]:
    figures = derive(observations_frame(rows), CAFC)
    return {table.id: table for table in indicator_tables([CAFC], {"cafc": figures}, evidence or Evidence(), {})}


def _cafc(period: str = "2023", **more: Any) -> list[dict[str, Any]]:
    return of("cafc", "cafc_types", "CAD", 100, 1_000, period=period, **more)


def test_every_indicator_has_a_formula_and_a_source_and_a_value_or_a_reason() -> None:
    for code, name, formula, defined, table, why in INDICATORS:
        assert name
        assert formula
        assert defined
        assert table or why, code or name
    listed = indicator_list({table: table for _, _, _, _, table, _ in INDICATORS if table})
    assert {line[4].text == "not computed" for line in listed.rows if line[5].text == "–"} == {False}
    without = indicator_list({})
    assert all(line[4].text == "not computed" and line[5].text != "–" for line in without.rows)


@pytest.mark.parametrize("index", [Decimal("1.2"), Decimal("1.61"), Decimal(3)])
def test_the_tail_index_is_that_of_the_pareto_tail_with_these_shares(index: Decimal) -> None:
    shares = [Decimal(100) * Decimal(str(part)) ** (1 - 1 / index) for part in (0.01, 0.1)]
    assert tail_index(*shares) == pytest.approx(index, abs=Decimal("0.0001"))
    assert tail_index(shares[1], shares[0]) is None


def test_types_that_do_not_make_up_their_total_are_counted() -> None:
    parts = [_cafc(native_type=name, fraud_type=code) for name, code in (("Romance", "ROM"), ("Investments", "INV"))]
    for cases, expected in ((50, ["2", "0"]), (49, ["1", "1"])):
        halves = [[{**row, "value": Decimal(cases if row["measure"] == "cases" else 500)} for row in part] for part in parts]
        (line,) = _tables([*_cafc(), *halves[0], *halves[1]])["coherence_of_sources"].rows
        # 49 + 49 are no 100 cases; 500 + 500 are 1,000 dollars.
        assert [cell.text for cell in line[1:3]] == expected


def test_a_part_that_is_what_the_others_leave_of_the_total_is_no_proof_that_they_add_up() -> None:
    rest, other = ({**_cafc(native_type=name, fraud_type=name)[1], "value": Decimal(500)} for name in ("ROM", "INV"))
    (line,) = _tables([*_cafc(), rest, other])["coherence_of_sources"].rows
    assert line[1].text == "1"
    assert "coherence_of_sources" not in _tables([*_cafc(), {**rest, "derivation": "residual"}, other])


def test_months_that_do_not_make_up_their_year_are_counted() -> None:
    months = [row for month in range(1, 13) for row in _cafc(f"2023-{month:02d}")]
    rows = [{**row, "value": row["value"] * 12} for row in _cafc()]
    (line,) = _tables([*rows, *months])["coherence_of_sources"].rows
    assert [cell.text for cell in line[3:]] == ["2", "0"]
    (line,) = _tables([*_cafc(), *months])["coherence_of_sources"].rows
    assert [cell.text for cell in line[3:]] == ["0", "2"]
    assert "coherence_of_sources" not in _tables([*rows, *months[:-2]])


def test_areas_and_what_is_withheld_are_shares_of_what_there_could_be() -> None:
    hidden = {**_cafc(area="CA-QC")[0], "value": None, "absence": "suppressed"}
    (line,) = _tables([*_cafc(), *_cafc(area="CA-ON"), hidden])["coverage_of_sources"].rows
    assert [cell.text for cell in line[1:3]] == ["1", "13"]
    assert line[6].value is not None
    assert line[6].value > 0


def test_reports_that_come_later_are_a_share_of_the_newest_months_that_were_there_before() -> None:
    def change(month: str, before: str | None, rows_before: int, added: int) -> dict[str, Any]:
        usual = {
            "source": "cafc",
            "vintage": pd.Timestamp("2024-09-30").date(),
            "rows_withdrawn": 0,
            "rows_changed": 0,
            "lag_days": 1,
        }
        counts = {"rows_before": rows_before, "rows_after": rows_before + added, "rows_added": added}
        return {**usual, **counts, "month": month, "snapshot_before": before, "snapshot_after": "b"}

    records = [
        change("2024-04", "a", 90, 1),
        change("2024-05", "a", 200, 10),
        change("2024-06", "a", 100, 25),
        change("2024-07", None, 0, 80),
    ]
    found = late_reports([CAFC], Evidence(records=pd.DataFrame(records, columns=RECORD_CHANGE_SCHEMA.names)))
    assert [[cell.text for cell in line[1:]] for line in found.rows] == [
        ["2024-05", "200", "10", "5.0"],
        ["2024-06", "100", "25", "25.0"],
    ]
    assert late_reports([CAFC], Evidence()).rows == ()


def test_large_losses_say_why_there_is_no_interval() -> None:
    largest = {**_cafc()[1], "measure": "max_loss", "value": Decimal(300)}
    shares = [
        {**_cafc()[1], "measure": name, "unit": "percent", "value": Decimal(value)}
        for name, value in (("top_1_share", 40), ("top_10_share", 80))
    ]
    (line,) = _tables([*_cafc(), largest, *shares])["large_losses"].rows
    assert [cell.text for cell in line[1:7]] == ["2023", "CA$300", "30.00", "40.0", "80.0", "1.43"]
    assert accuracy_tables.NO_INTERVAL_OF_TOTAL in line[7].text
    assert accuracy_tables.NO_INTERVAL_OF_MEDIAN in line[7].text


def test_large_losses_say_the_interval_of_a_median_whose_source_gives_single_losses() -> None:
    ends = [
        {**_cafc()[1], "measure": f"median_loss_{end}_95", "value": Decimal(value)} for end, value in (("lower", 5), ("upper", 9))
    ]
    largest = {**_cafc()[1], "measure": "max_loss", "value": Decimal(300)}
    (line,) = _tables([*_cafc(), largest, *ends])["large_losses"].rows
    assert line[7].text.startswith("of the median, 95 %: CA$5 to CA$9; ")
    assert accuracy_tables.NO_INTERVAL_OF_MEDIAN not in line[7].text


def test_the_methods_say_the_thresholds_that_the_code_uses() -> None:
    said = " ".join(str(sentence) for sentence in methods.COMPUTED)
    assert f"fewer than {kernel.LOSSES_ON_EACH_SIDE} losses" in said
    assert f"at least {100 - 200 * kernel.BEYOND_EACH_END:.0f} %" in said
    assert f"{seasonal.YEARS_NEEDED} full calendar years" in said
    assert f"no month of fewer than {seasonal.LEAST_COUNT} reports" in said


def test_a_mean_revision_says_which_way_it_went_and_is_no_zero_where_it_is_none() -> None:
    assert [rounded_cell(Decimal(value), "JPY", sign="+").text for value in (3_750_000, -2, 0)] == ["+3,750,000", "−2", "0"]
    assert percent_cell(Decimal("0.000138")).text == "0.01"
