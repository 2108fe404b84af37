"""Published totals against ours: what each status means, what counts as a regression, and the real publishers' figures."""

import csv
import dataclasses
import datetime as dt
import io
import zipfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate.compare import FINDING_COLUMNS
from pipeline.aggregate.reconcile import (
    RECONCILIATION_COLUMNS,
    published_totals,
    reconcile,
    reconcile_release,
    regressions,
)
from pipeline.ingest.harmonise import harmonise
from pipeline.model import FraudlossError, Period
from pipeline.sources.catalogue import Source, source
from tests.figures import declared, frame, only, row, snapshot

SHARED = Path(__file__).parents[1].parent / "shared"
FACTS = SHARED / "facts" / "published_totals.csv"
needs_facts = pytest.mark.skipif(not FACTS.is_file(), reason="the published totals (../shared/facts) are not here")
needs_data = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the publishers' files (../shared/data) are not here")

COLUMNS = ["id", "period", "table", "native_type", "area", "age", "measure", "unit", "value", "precision"]
COLUMNS += ["expected_status", "allowed_difference", "reason", "breakdown", "source"]


def listed(folder: Path, *rows: dict[str, str], columns: list[str] = COLUMNS) -> Source:
    """A source whose published_totals.csv has these lines; what a line leaves out is a loss of 2024, printed exactly."""
    usual = {
        "period": "2024",
        "table": "special_fraud",
        "measure": "loss",
        "unit": "JPY",
        "expected_status": "exact",
        "breakdown": "all",
        "source": "press of 2025",
    }
    with (folder / "published_totals.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        for number, line in enumerate(rows):
            writer.writerow({**dict.fromkeys(columns, ""), **usual, "id": f"line-{number}", **line})
    return declared(folder=folder)


def compared(folder: Path, published: dict[str, str], *ours: dict[str, Any]) -> dict[str, Any]:
    return only(reconcile(frame(*ours), listed(folder, published)))


# --------------------------------------------------------------------------------------------------------------- statuses


def test_an_equal_figure_is_exact(tmp_path: Path) -> None:
    found = compared(tmp_path, {"value": "100"}, row("2024", 100))
    assert (found["status"], found["difference"], found["explanation"]) == ("exact", Decimal(0), "")
    assert found["check"] == "published_total"
    assert found["ours_source"] == "npa (final, 2026-05-22)"
    assert found["theirs_source"] == "press of 2025"


def test_a_figure_of_the_file_that_we_read_confirms_the_reading_alone(tmp_path: Path) -> None:
    ours = row("2024", 100, origin="2024_Report_Count.csv!B4")
    same, other = ({"value": "100", "source": f"data/book_2024/2024_Report_{name}.csv"} for name in ("Count", "Type"))
    assert compared(tmp_path, same, ours)["explanation"] == "printed in the file that ours is read from"
    assert compared(tmp_path, other, ours)["explanation"] == ""


def test_a_rounded_figure_is_within_the_precision_of_both(tmp_path: Path) -> None:
    rounded = {"value": "1000000", "precision": "500000"}
    assert compared(tmp_path, rounded, row("2024", 1_400_000))["status"] == "within_precision"
    assert compared(tmp_path, rounded, row("2024", 1_600_000))["status"] == "different"
    assert compared(tmp_path, rounded, row("2024", 1_600_000, precision=Decimal(100_000)))["status"] == "within_precision"


def test_a_difference_has_its_known_reason_or_says_that_it_is_unknown(tmp_path: Path) -> None:
    known = {"value": "90", "expected_status": "different", "reason": "a revision"}
    assert compared(tmp_path, known, row("2024", 100))["explanation"] == "a revision"
    assert compared(tmp_path, {"value": "90"}, row("2024", 100))["explanation"] == "unknown"


def test_a_figure_that_we_do_not_hold_is_not_comparable_and_says_what_is_missing(tmp_path: Path) -> None:
    found = compared(tmp_path, {"value": "90", "native_type": "a"}, row("2024", 100))
    assert (found["status"], found["ours"], found["difference"]) == ("not_comparable", None, None)
    assert found["explanation"].startswith("we hold no figure for table special_fraud, period 2024")
    assert "native_type a" in found["explanation"]


def test_a_figure_of_another_scope_is_not_comparable_with_the_declared_reason(tmp_path: Path) -> None:
    scope = {"value": "90", "table": "", "expected_status": "not_comparable", "reason": "another scope"}
    found = compared(tmp_path, scope, row("2024", 100))
    assert (found["status"], found["explanation"]) == ("not_comparable", "another scope")


def test_an_absent_figure_of_ours_compares_with_nothing(tmp_path: Path) -> None:
    absent = row("2024", None, absence="unreadable")
    assert compared(tmp_path, {"value": "90"}, absent, row("2023", 1))["status"] == "not_comparable"


def test_dimensions_areas_and_types_choose_the_figure(tmp_path: Path) -> None:
    ours = [
        row("2024", 100),
        row("2024", 7, age="Y_GE65"),
        row("2024", 8, area="JP-13"),
        row("2024", 9, native_type="a"),
    ]
    assert compared(tmp_path, {"value": "7", "age": "Y_GE65"}, *ours)["status"] == "exact"
    assert compared(tmp_path, {"value": "8", "area": "JP-13"}, *ours)["status"] == "exact"
    assert compared(tmp_path, {"value": "9", "native_type": "a"}, *ours)["status"] == "exact"
    assert compared(tmp_path, {"value": "100"}, *ours)["status"] == "exact"


def test_of_several_vintages_the_last_known_speaks(tmp_path: Path) -> None:
    early = row("2024", 90, known_at=dt.date(2025, 2, 1), snapshot="s0")
    assert compared(tmp_path, {"value": "100"}, row("2024", 100), early)["status"] == "exact"


def test_figures_of_two_classifications_are_not_chosen_between(tmp_path: Path) -> None:
    found = compared(tmp_path, {"value": "100"}, row("2024", 100), row("2024", 90, classification="new"))
    assert found["status"] == "not_comparable"
    assert "one for each classification: new, scheme" in found["explanation"]


def test_the_findings_have_the_columns_of_all_findings_and_the_expectation_beside_them(tmp_path: Path) -> None:
    found = reconcile(frame(row("2024", 100)), listed(tmp_path, {"value": "1"}, {"value": "2"}))
    assert list(found.columns) == RECONCILIATION_COLUMNS
    assert RECONCILIATION_COLUMNS[: len(FINDING_COLUMNS)] == FINDING_COLUMNS
    assert list(found["id"]) == ["line-0", "line-1"]


def test_figures_of_other_sources_are_passed_over(tmp_path: Path) -> None:
    assert reconcile(frame(row("2024", 100, source="other")), listed(tmp_path, {"value": "100"})).empty
    assert reconcile(frame(), listed(tmp_path, {"value": "100"})).empty


def test_a_source_without_published_totals_has_nothing_to_reconcile(tmp_path: Path) -> None:
    assert reconcile(frame(row("2024", 100)), declared(folder=tmp_path)).empty


# -------------------------------------------------------------------------------------------------- totals of one release


@pytest.mark.parametrize(
    ("release", "listed_periods"),
    [
        ("2024", ["2024", "2024-01-01/2024-01-07", "2023-12/2024-06"]),
        ("2023", []),
        ("2024-Q1", ["2024-Q1"]),
        ("2024-01", []),
    ],
)
def test_a_total_stands_in_the_release_of_its_period_and_of_an_odd_period_in_the_year_of_its_end(
    tmp_path: Path, release: str, listed_periods: list[str]
) -> None:
    periods = ["2024", "2024-Q1", "2024-01-01/2024-01-07", "2023-12/2024-06"]
    listing = listed(tmp_path, *({"period": period, "value": "100"} for period in periods))
    found = reconcile_release(frame(row("2024", 100)), [listing], Period.parse(release))
    assert list(found["period"]) == listed_periods
    assert list(found.columns) == RECONCILIATION_COLUMNS


def test_our_figure_can_be_traced_from_its_reconciliation(tmp_path: Path) -> None:
    ours = frame(row("2024", 100))
    found = only(reconcile(ours, listed(tmp_path, {"value": "100"})))
    assert found["observation_id"] == ours["id"].iloc[0]


# ------------------------------------------------------------------------------------------------------------ regressions


def regressed(folder: Path, published: dict[str, str], *ours: dict[str, Any]) -> list[str]:
    return regressions(reconcile(frame(*ours), listed(folder, published)))


def test_what_is_as_good_as_expected_or_better_is_no_regression(tmp_path: Path) -> None:
    assert regressed(tmp_path, {"value": "100"}, row("2024", 100)) == []
    assert regressed(tmp_path, {"value": "100", "expected_status": "different", "reason": "r"}, row("2024", 100)) == []
    scope = {"value": "100", "expected_status": "not_comparable", "reason": "not held yet"}
    assert regressed(tmp_path, scope, row("2024", 120)) == []


def test_a_worse_status_is_a_sentence_with_both_figures(tmp_path: Path) -> None:
    (sentence,) = regressed(tmp_path, {"value": "1000"}, row("2024", "1100.000000"))
    assert sentence == ("line-0 (loss 2024, all) was exact and is now different: ours is 1,100, published is 1,000.")


def test_a_figure_that_went_missing_is_a_regression(tmp_path: Path) -> None:
    (sentence,) = regressed(tmp_path, {"value": "100"}, row("2024", 100, native_type="a"))
    assert "was exact and is now not_comparable: we hold no figure for" in sentence


def test_a_period_that_was_never_taken_in_is_no_regression(tmp_path: Path) -> None:
    assert regressed(tmp_path, {"value": "100"}, row("2023", 100)) == []


def test_a_known_difference_may_not_grow_beyond_what_was_accepted(tmp_path: Path) -> None:
    known = {"value": "100", "expected_status": "different", "reason": "a revision", "allowed_difference": "5"}
    assert regressed(tmp_path, known, row("2024", 104)) == []
    (sentence,) = regressed(tmp_path, known, row("2024", 110))
    assert "differs by 10.00 per cent" in sentence
    assert "accepted up to 5 per cent" in sentence


# ---------------------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"measure": "losses"}, "found measure 'losses'"),
        ({"unit": "yen"}, "found unit 'yen'"),
        ({"expected_status": "fine"}, "found expected_status 'fine'"),
        ({"period": "2024-13"}, "is not a period"),
        ({"value": "1,000"}, "found value '1,000'"),
        ({"value": "-1"}, "found value '-1'"),
        ({"precision": "NaN"}, "found precision 'NaN'"),
        ({"source": ""}, "source is empty"),
        ({"id": ""}, "id, breakdown or source is empty"),
        ({"expected_status": "not_comparable"}, "without a reason"),
        ({"table": ""}, "no table, yet expected"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(tmp_path: Path, line: dict[str, str], words: str) -> None:
    listing = listed(tmp_path, {"value": "1"}, {"value": "2", **line})
    with pytest.raises(FraudlossError, match=f"row 3.*{words}"):
        published_totals(listing)


@pytest.mark.parametrize("change", [lambda line: line + ",", lambda line: line.rpartition(",")[0]])
def test_a_line_with_a_cell_too_many_or_too_few_is_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    listing = listed(tmp_path, {"value": "1"})
    path = tmp_path / "published_totals.csv"
    header, line = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{header}\n{change(line)}\n", encoding="utf-8")
    with pytest.raises(FraudlossError, match="row 2: has more or fewer cells than the header"):
        published_totals(listing)


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(FraudlossError, match="row 3: the id 'x' is there already"):
        published_totals(listed(tmp_path, {"id": "x", "value": "1"}, {"id": "x", "value": "2"}))


def test_a_column_that_is_no_dimension_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FraudlossError, match=r"unknown columns \['colour'\]"):
        published_totals(listed(tmp_path, {"value": "1"}, columns=[*COLUMNS, "colour"]))


# ------------------------------------------------------------------------------------------------------ the real figures

PUBLISHERS = {"cafc": "CAFC (Canada)", "ftc_csn": "US FTC Consumer Sentinel", "scamwatch": "ACCC Scamwatch / NASC (Australia)"}


@pytest.mark.parametrize("source_id", PUBLISHERS)
def test_every_listed_total_is_well_formed_and_names_declared_tables_where_it_can_be_compared(source_id: str) -> None:
    of_source = source(source_id)
    for total in published_totals(of_source):
        if total.expected_status != "not_comparable":
            assert total.key[0] in of_source.tables, total.id
        assert (total.expected_status == "different") == (total.allowed_difference is not None), total.id


@needs_facts
@pytest.mark.parametrize("source_id", PUBLISHERS)
def test_every_published_figure_is_listed_with_its_source(source_id: str) -> None:
    with FACTS.open(encoding="utf-8", newline="") as stream:
        facts = [line for line in csv.DictReader(stream) if line["publisher"] == PUBLISHERS[source_id]]
    totals = published_totals(source(source_id))
    assert Counter((Decimal(fact["value"]), fact["source"]) for fact in facts) == Counter(
        (total.value, total.source) for total in totals
    )


def _of_cases(source_id: str, file: Path, cubes: list[dict[str, Any]]) -> pd.DataFrame:
    """The observations of a record-level source, of a few of its cubes only."""
    from pipeline.aggregate.cubes import cube_observations

    whole = source(source_id)
    narrow = dataclasses.replace(whole, meta={**whole.meta, "cubes": cubes})
    taken = snapshot("r34l", "2025-10-01", source=source_id, file=file.name, edition="unknown")
    cases = import_module(whole.reader).read_cases(file, taken, whole)
    return cube_observations(cases[cases["problem"] == ""], narrow, taken)


def _annual(table: str, dimension: str, measures: list[str], **more: str) -> dict[str, Any]:
    return {"table": table, "by": [dimension], "frequencies": ["annual"], "measures": measures, **more}


def _statuses(findings: pd.DataFrame) -> dict[str, int]:
    return dict(Counter(findings["status"]))


@needs_data
def test_every_figure_of_the_us_data_book_that_we_hold_is_exact(tmp_path: Path) -> None:
    folder = SHARED / "data" / "ftc_csn_2024"
    path = tmp_path / "book.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    of_source = source("ftc_csn")
    book = snapshot("b00k", "2025-03-31", source="ftc_csn", file=path.name)
    found = reconcile(harmonise(import_module(of_source.reader).read(path, book, of_source), book, of_source), of_source)
    # Not comparable: report types of 2001 to 2023 (23 x 3) and payment methods (10 x 2), whose files are not among the eight.
    assert _statuses(found) == {"exact": 267, "not_comparable": 89}
    assert regressions(found) == []


@needs_data
def test_the_canadian_press_totals_are_an_earlier_state_and_no_regression() -> None:
    cubes = [_annual("cafc_types", "native_type", ["cases", "victims", "loss"])]
    ours = _of_cases("cafc", SHARED / "data" / "cafc_2024-09-30.zip", cubes)
    found = reconcile(ours, source("cafc"))
    assert _statuses(found) == {"different": 45, "not_comparable": 23}
    assert regressions(found) == []
    # seniorfraudalert.ca, restating the Centre's first figures of 2023: 62,365 reports, 554 million dollars.
    first = only(found, id="2023-all-as-first-published-cases")
    assert (first["ours"], first["difference"]) == (63_772, 63_772 - 62_365)
    assert first["explanation"].startswith("a revision")
    # antifraudcentre-centreantifraude.ca, annual report 2022: 530.4 million dollars.
    assert only(found, id="2022-all-annual-report-loss")["difference"] < 3_000_000


@needs_data
def test_the_canadian_weeks_of_january_2021_are_as_counted_from_an_earlier_file() -> None:
    """We keep no weekly table: the rows are counted here, with the filter of the notebook that printed the weeks."""
    weeks = {total.key[1]: 0 for total in published_totals(source("cafc")) if "week" in total.id}
    losses = {week: Decimal(0) for week in weeks}
    with zipfile.ZipFile(SHARED / "data" / "cafc_2024-09-30.zip") as archive:
        (name,) = archive.namelist()
        with archive.open(name) as stream:
            for cells in csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")):
                if cells[1] > "2021-01-31" and cells[1][:2] == "20":
                    break  # the file is in the order of its dates
                week = next((week for week in weeks if week.partition("/")[0] <= cells[1] <= week.partition("/")[2]), None)
                if week is not None and "Canada" in cells[4] and cells[6] != "California":
                    weeks[week] += 1
                    losses[week] += Decimal(cells[20].lstrip("$").replace(",", ""))
    for total in published_totals(source("cafc")):
        if "week" in total.id:
            counted = weeks if total.id.endswith("cases") else losses
            assert counted[total.key[1]] == total.value, total.id


@needs_data
def test_the_australian_totals_of_2021_come_out() -> None:
    cubes = [
        _annual("scamwatch_types", "native_type", ["cases", "loss"]),
        _annual("scamwatch_ages", "age", ["cases", "loss"], classification="scamwatch_age"),
        _annual("scamwatch_sexes", "sex", ["cases", "loss"], classification="scamwatch_sex"),
    ]
    found = reconcile(_of_cases("scamwatch", SHARED / "data" / "scamwatch" / "scamwatch_2025-08.zip", cubes), source("scamwatch"))
    assert _statuses(found) == {"exact": 3, "within_precision": 14, "different": 4, "not_comparable": 5}
    assert regressions(found) == []
    # scamwatch.gov.au, report on 2021: 286,622 reports, 142,092 of them by women, 46,286 by people of 65 and over.
    exact = found[found["status"] == "exact"].set_index("id")["ours"].to_dict()
    assert exact == {
        "2021-all-cases": 286_622,
        "2021-gender-women-cases": 142_092,
        "2021-age-65-and-over-cases": 46_286,
    }
    categories = found[(found["period"] == "2021") & (found["native_type"] != "_T")]
    assert len(categories) == 10
    assert set(categories["status"]) == {"within_precision"}
    # June 2023 is a hole: nothing of ours stands for 2023.
    assert found[found["period"] == "2023"]["ours"].isna().all()
