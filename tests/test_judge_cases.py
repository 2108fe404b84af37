"""Records are judged before anything is computed from them: what is set aside, what stops the file, and what the message says."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.cubes import cube_observations
from pipeline.ingest.archive import folder_as_zip
from pipeline.ingest.harmonise import harmonise
from pipeline.model import FraudlossError
from pipeline.reading.case_rules import RULES
from pipeline.sources.catalogue import source
from pipeline.validate import data_docs
from pipeline.validate.identities import identities_frame
from pipeline.validate.suites import load_suite
from pipeline.validate.verdict import Verdict, judge, judge_cases
from tests.figures import snapshot

EXPECTATIONS = Path(__file__).parent.parent / "expectations"
FIXTURES = Path(__file__).parent / "fixtures"
REAL = Path(__file__).parents[1] / ".." / "shared" / "data"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the publishers' files are not in the repository")
SUITES = {name: load_suite(EXPECTATIONS / f"{name}.json") for name in ("cafc", "scamwatch")}
KNOWN_AT = {"cafc": dt.date(2024, 9, 30), "scamwatch": dt.date(2025, 8, 31)}

# ----------------------------------------------------------------------------------------------------- files, good and bad

REPORT = (
    "1,2023-10-02,Phone,Téléphone,Canada,Canada,Ontario,Ontario,Romance,Rencontre,Internet,Internet,Female,Femme,"
    'English,Anglais,\'60 - 69,Victim,Victime,1,"$1,234.56"'
)
ATTEMPT = REPORT.replace("Victim,Victime,1", "Attempt,Tentative,0").replace('"$1,234.56"', "$0.00")
CAFC_HEADER = (FIXTURES / "cafc" / "accented.csv").read_text(encoding="utf-8").splitlines()[0]
SCAMWATCH_HEADER = (FIXTURES / "scamwatch" / "ScamWatchReport2024Q3.csv").read_text(encoding="utf-8-sig").splitlines()[0]
STATES = ("Victoria", "Tasmania", "Queensland", "New South Wales", "Western Australia")
AGES = ("Under 18", "18 - 24", "25 - 34", "35 - 44", "45 - 54", "55 - 64", "65 and over")
CONTACTS = ("Email", "Mail", "Phone call", "Text message", "Internet")


def cells(month: str, blank: bool) -> list[str]:
    """350 different cells of one month."""
    amount = "" if blank else "$0.00"
    return [
        f"{month},{state},{contact},{age},{sex},Buying or selling,False billing,{amount},3"
        for state in STATES
        for contact in CONTACTS
        for age in AGES
        for sex in ("Male", "Female")
    ]


def cafc_file(folder: Path, *bad: str, good: int = 300) -> Path:
    """A file of `good` reports, the last tenth of them attempts, and before the very last the bad ones, from row 1 + good on."""
    attempts = good // 10
    lines = [CAFC_HEADER, *[REPORT] * (good - attempts), *[ATTEMPT] * (attempts - 1), *bad, ATTEMPT]
    path = folder / "cafc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("reports.csv", "\n".join(lines) + "\n")
    return path


def scamwatch_file(folder: Path, *bad: str) -> Path:
    """Two exports of a month each; the bad cells stand at the end of the second, from row 352 on."""
    path = folder / "scamwatch.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, lines in (("2023Q3.csv", cells("2023-07-01", True)), ("2024Q3.csv", [*cells("2024-07-01", False), *bad])):
            archive.writestr(name, "\n".join(["﻿" + SCAMWATCH_HEADER, *lines]) + "\n")
    return path


def read(name: str, path: Path) -> pd.DataFrame:
    reader = importlib.import_module(source(name).reader)
    cases: pd.DataFrame = reader.read_cases(path, snapshot(name, KNOWN_AT[name].isoformat()), source(name))
    return cases


def judged(name: str, path: Path) -> Verdict:
    return judge_cases(read(name, path), SUITES[name], file=str(path), known_at=KNOWN_AT[name])


CELL = "2024-07-01,Victoria,Fax,65 and over,Male,Buying or selling,False billing,$0.00,3"
# What is wrong -> (source, the bad row, rules that it breaks, what the message says was found)
BAD: dict[str, tuple[str, str, str, str]] = {
    "a date that is none": ("cafc", REPORT.replace("2023-10-02", "2023-13-02"), "date_unreadable", "'2023-13-02'"),
    "a date after the file was published": (
        "cafc",
        REPORT.replace("2023-10-02", "2024-10-02"),
        "date_not_after_publication",
        "date 2024-10-02",
    ),
    "a date before the file begins": ("cafc", REPORT.replace("2023-10-02", "1923-10-02"), "date_range", "date 1923-10-02"),
    "a year that was mistyped": (
        "cafc",
        REPORT.replace("2023-10-02", "2223-10-02"),
        "date_range, date_not_after_publication",
        "date 2223-10-02",
    ),
    "a loss that lost its digits": ("cafc", REPORT.replace('"$1,234.56"', "1.42E+11"), "loss_lost_digits", "'1.42E+11'"),
    "a negative loss": ("cafc", REPORT.replace('"$1,234.56"', "-$1234.56"), "loss_negative", "'-$1234.56'"),
    "a loss without its decimals": ("cafc", REPORT.replace('"$1,234.56"', "$1234"), "loss_unreadable", "'$1234'"),
    "a blank loss": ("cafc", REPORT.replace('"$1,234.56"', ""), "loss_unreadable", "''"),
    "a loss that no single report can have": (
        "cafc",
        REPORT.replace("$1,234.56", "$123,456,789.00"),
        "loss_ceiling",
        "loss_minor 12345678900",
    ),
    "a number of victims in words": ("cafc", REPORT.replace("Victime,1", "Victime,one"), "count_unreadable", "'one'"),
    "two victims of one report": ("cafc", REPORT.replace("Victime,1", "Victime,2"), "victims_range", "victims 2"),
    "an attempt with a victim and a loss": (
        "cafc",
        REPORT.replace("Victim,Victime", "Attempt,Tentative"),
        "victims_of_attempts, loss_of_attempts",
        "loss_minor 123456",
    ),
    "a type that no crosswalk knows": ("cafc", REPORT.replace("Romance", "Romances"), "label_unknown", "'Romances'"),
    "a province in another country": (
        "cafc",
        REPORT.replace("Canada,Canada", "France,France"),
        "labels_contradict",
        "'Ontario'",
    ),
    "a field too few": ("cafc", REPORT.replace("Victime,1,", "Victime,"), "row_ragged", "Victime"),
    "a blank amount where the publisher writes $0.00": ("scamwatch", CELL.replace("$0.00", ""), "loss_blank", "''"),
    "a day that is not the first of its month": (
        "scamwatch",
        CELL.replace("2024-07-01", "2024-07-02"),
        "date_not_first_of_month",
        "'2024-07-02'",
    ),
    "a cell without reports": ("scamwatch", CELL.replace("$0.00,3", "$0.00,0"), "count_zero", "'0'"),
    "more reports in a cell than there can be": (
        "scamwatch",
        CELL.replace("$0.00,3", "$0.00,30000"),
        "count_range",
        "cases 30000",
    ),
    "a category in another group": (
        "scamwatch",
        CELL.replace("Buying or selling", "Fake charities"),
        "labels_contradict",
        "'Fake charities'",
    ),
    "a category that had ended": (
        "scamwatch",
        CELL.replace("Buying or selling,False billing", "Unexpected winnings,Scratchie scams"),
        "label_not_in_force",
        "'Scratchie scams'",
    ),
}
FILES = {"cafc": cafc_file, "scamwatch": scamwatch_file}
FIRST = {"cafc": ("reports.csv", 301), "scamwatch": ("2024Q3.csv", 352)}  # where the first bad row stands


def bad_of(name: str) -> list[str]:
    return [what for what, case in BAD.items() if case[0] == name]


def row_of(what: str) -> int:
    name = BAD[what][0]
    return FIRST[name][1] + bad_of(name).index(what)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """For each source the verdict on a file with every bad row, by a suite that allows so many."""
    found = {}
    for name, make in FILES.items():
        # Each in a cell of its own, as far as the age can tell them apart.
        rows = [BAD[what][1].replace("65 and over", age) for what, age in zip(bad_of(name), itertools.cycle(AGES), strict=False)]
        path = make(tmp_path_factory.mktemp(name), *rows)
        lenient = dataclasses.replace(SUITES[name], quarantine_limit_share=0.2)
        found[name] = judge_cases(read(name, path), lenient, file=str(path), known_at=KNOWN_AT[name])
    return found


def ids(rules: str) -> str:
    return ", ".join(f"cases.{rule}" for rule in rules.split(", "))


@pytest.mark.parametrize("name", FILES)
def test_sound_records_all_go_on_and_every_rule_holds(name: str, tmp_path: Path) -> None:
    verdict = judged(name, FILES[name](tmp_path))
    assert {result.outcome for result in verdict.results} == {"passed"}
    assert not verdict.stopped
    assert len(verdict.ok) == verdict.read == (300 if name == "cafc" else 700)
    assert verdict.message().startswith(f"{name}.zip: all {verdict.read} rows go on")


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_set_aside_by_the_rule_that_is_there_for_it(what: str, verdicts: dict[str, Verdict]) -> None:
    name, _, rules, _ = BAD[what]
    aside = verdicts[name].quarantined
    assert aside[aside["row"] == row_of(what)]["rule_ids"].tolist() == [ids(rules)]


@pytest.mark.parametrize("what", BAD)
def test_the_message_names_file_member_row_and_text(what: str, verdicts: dict[str, Verdict]) -> None:
    name, _, rules, found = BAD[what]
    message = verdicts[name].message().splitlines()
    lines = [next(line for line in message if f"rule {rule} " in line) for rule in ids(rules).split(", ")]
    for line in lines:
        assert line.startswith(f"- {name}.zip, ")
        for words in (f"{FIRST[name][0]} row {row_of(what)}", "expected", "What to do"):
            assert words in line, line
    assert any(found in line for line in lines), lines


@pytest.mark.parametrize("name", FILES)
def test_every_record_is_accounted_for(name: str, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[name]
    assert not verdict.stopped
    assert len(verdict.ok) + len(verdict.quarantined) == verdict.read
    assert len(verdict.quarantined) == len(bad_of(name))
    assert list(verdict.quarantined.columns) == [*verdict.ok.columns, "rule_ids"]
    assert (verdict.ok["problem"] == "").all()


def test_a_row_that_broke_several_rules_is_set_aside_once_with_all_of_them(tmp_path: Path) -> None:
    row = REPORT.replace("2023-10-02", "soon").replace("Romance", "Romances").replace("Victime,1", "Victime,3")
    verdict = judged("cafc", cafc_file(tmp_path, row))
    assert verdict.quarantined["rule_ids"].tolist() == ["cases.date_unreadable, cases.label_unknown"]


def test_a_cell_that_stands_twice_is_set_aside_both_times(tmp_path: Path) -> None:
    verdict = judged("scamwatch", scamwatch_file(tmp_path, CELL, CELL.replace("$0.00", "$7.00")))
    assert verdict.quarantined["rule_ids"].tolist() == ["cases.cell_repeated"] * 2
    assert verdict.quarantined["row"].tolist() == [352, 353]
    assert "2024Q3.csv row 352, 2024Q3.csv row 353 (2 of 702 rows)" in verdict.message()


def test_more_bad_rows_than_the_suite_allows_stop_the_file(tmp_path: Path) -> None:
    bad = REPORT.replace('"$1,234.56"', "1.42E+11")
    allowed = judged("cafc", cafc_file(tmp_path, bad, bad, bad, good=297))
    assert not allowed.stopped
    assert len(allowed.quarantined) == 3
    verdict = judged("cafc", cafc_file(tmp_path, *[bad] * 4, good=296))
    assert verdict.stopped
    assert "4 of 300 rows would be set aside, more than the 1% that the suite allows" in verdict.message()
    assert "reports.csv row 297, reports.csv row 298" in verdict.message()


def test_the_share_that_stops_a_file_is_the_one_that_the_suite_declares(tmp_path: Path) -> None:
    bad = REPORT.replace('"$1,234.56"', "1.42E+11")
    cases = read("cafc", cafc_file(tmp_path, *[bad] * 4, good=296))
    lenient = dataclasses.replace(SUITES["cafc"], quarantine_limit_share=0.05)
    assert not judge_cases(cases, lenient, file="cafc.zip").stopped


def test_without_the_day_of_publication_its_rule_has_nothing_to_look_at_and_says_so(tmp_path: Path) -> None:
    verdict = judge_cases(read("cafc", cafc_file(tmp_path)), SUITES["cafc"], file="cafc.zip")
    result = next(result for result in verdict.results if result.rule_id == "cases.date_not_after_publication")
    assert (result.outcome, result.rows_checked) == ("passed", 0)
    assert "no row is of the kind" in result.sentence


# ------------------------------------------------------------------------------------------- what only a broken reader does

# What is done to a column of one row -> the rule that breaks
BROKEN: dict[str, tuple[str, Any, str]] = {
    "a mark that no rule looks for": ("problem", "surprise", "mark_known"),
    "a sound row without a label": ("native_type", None, "native_type_of_sound_rows"),
    "a sound row without a date": ("date", pd.NaT, "date_of_sound_rows"),
    "a loss below zero": ("loss_minor", -1, "loss_not_negative"),
    "a loss that is not known and counted": ("loss_known", False, "loss_unknown_is_empty"),
    "another classification": ("classification", "cafc_2030", "classification"),
}


@pytest.fixture(scope="module")
def misread(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    cases = read("cafc", cafc_file(tmp_path_factory.mktemp("misread")))
    for row, (name, value, _) in enumerate(BROKEN.values()):
        if isinstance(cases[name].dtype, pd.CategoricalDtype) and value is not None:
            cases[name] = cases[name].cat.add_categories([value])
        cases.loc[row, name] = value
    return judge_cases(cases, SUITES["cafc"], file="cafc.zip", known_at=KNOWN_AT["cafc"])


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_reader_stops_the_file(what: str, misread: Verdict) -> None:
    result = next(result for result in misread.results if result.rule_id == f"cases.{BROKEN[what][2]}")
    assert result.stops
    assert result.cells == (f"reports.csv row {2 + list(BROKEN).index(what)}",)
    assert result.sentence in misread.message()
    assert misread.stopped


def test_an_empty_frame_stops_the_file(tmp_path: Path) -> None:
    verdict = judge_cases(read("cafc", cafc_file(tmp_path)).iloc[:0], SUITES["cafc"], file="cafc.zip")
    assert verdict.stopped
    assert "cases.rows" in verdict.message()


@pytest.mark.parametrize("column", ["victims", "problem"])
def test_a_lost_column_is_named(column: str, tmp_path: Path) -> None:
    cases = read("cafc", cafc_file(tmp_path)).drop(columns=column)
    verdict = judge_cases(cases, SUITES["cafc"], file="cafc.zip", known_at=KNOWN_AT["cafc"])
    assert verdict.stopped
    assert f"no column {column}" in verdict.message()


def test_records_that_no_rule_looks_at_are_refused(tmp_path: Path) -> None:
    suite = load_suite(EXPECTATIONS / "ftc_csn.json")
    with pytest.raises(FraudlossError, match="no rules for the 300 records"):
        judge_cases(read("cafc", cafc_file(tmp_path)), suite, file="cafc.zip")


# --------------------------------------------------------------------------------------------------------- what never changes


def test_the_records_come_back_as_they_went_in(tmp_path: Path) -> None:
    cases = read("cafc", cafc_file(tmp_path, REPORT.replace("Romance", "Romances")))
    before = cases.copy(deep=True)
    verdict = judge_cases(cases, SUITES["cafc"], file="cafc.zip", known_at=KNOWN_AT["cafc"])
    pd.testing.assert_frame_equal(cases, before)
    pd.testing.assert_frame_equal(verdict.ok, cases.drop(index=299).reset_index(drop=True))
    pd.testing.assert_frame_equal(verdict.quarantined.drop(columns="rule_ids"), cases.iloc[[299]].reset_index(drop=True))


def test_the_record_of_a_verdict_is_that_of_any_other_and_holds_no_path(tmp_path: Path, verdicts: dict[str, Verdict]) -> None:
    record = verdicts["cafc"].to_json()
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    assert (record["read"], record["ok"], record["quarantined"], record["stopped"]) == (315, 300, 15, False)
    assert record["file"] == "cafc.zip"
    assert str(tmp_path.parent) not in text
    assert set(record["documents"]) == {"cases"}


def test_data_docs_show_the_rules_on_records_and_no_text_of_theirs(verdicts: dict[str, Verdict]) -> None:
    record = verdicts["cafc"].to_json() | {"snapshot": "0123456789ab"}
    page = data_docs.build([json.loads(json.dumps(record))])["cafc/0123456789ab.html"].decode()
    assert "cases.label_unknown" in page
    assert "As Great Expectations shows the cases" in page
    assert "Romances" not in page


@pytest.mark.parametrize("name", FILES)
def test_records_are_handed_over_in_types_that_are_checked_without_a_loop_over_rows(name: str, tmp_path: Path) -> None:
    cases = read(name, FILES[name](tmp_path))
    rules = SUITES[name].of("cases")
    ranged = {rule.kwargs["column"] for rule in rules if rule.type == "expect_column_values_to_be_between"} - {"days_to_known"}
    assert {str(cases[column].dtype) for column in ranged} <= {"int64", "datetime64[ns]"}
    assert not [column for column in cases if cases[column].dtype == object]
    assert not [rule.id for rule in rules if "pair" in rule.type or "compound" in rule.type]


@settings(max_examples=4, deadline=None)
@given(bad=st.lists(st.sampled_from(sorted(RULES)), max_size=12), places=st.randoms(use_true_random=False))
def test_quarantine_holds_exactly_the_rows_that_reading_marked(bad: list[str], places: Any) -> None:
    cases = pd.concat([_sample()] * 2, ignore_index=True)
    rows = sorted(places.sample(range(len(cases)), len(bad)))
    marks = [""] * len(cases)
    for row, mark in zip(rows, bad, strict=True):
        marks[row] = mark
    cases["problem"] = pd.Categorical(marks)
    verdict = judge_cases(cases, dataclasses.replace(SUITES["cafc"], quarantine_limit_share=1.0), file="cafc.zip")
    assert verdict.quarantined["rule_ids"].tolist() == [f"cases.{marks[row]}" for row in rows]
    assert len(verdict.ok) == len(cases) - len(rows)


def _sample() -> pd.DataFrame:
    return read("cafc", FIXTURES / "cafc" / "accented.csv")


# --------------------------------------------------------------------------------------------- fixtures and publishers' files


def passes(name: str, path: Path, known_at: dt.date) -> tuple[int, int, int]:
    """Everything that validation asks of a delivery; (records, observations, relations), none of them set aside."""
    declared, suite = source(name), load_suite(EXPECTATIONS / f"{name}.json")
    taken = dataclasses.replace(snapshot(name, known_at.isoformat(), edition="unknown"), file=path.name)
    reader = importlib.import_module(declared.reader)
    records = 0
    if suite.judges_cases:
        verdict = judge_cases(reader.read_cases(path, taken, declared), suite, file=path.name, known_at=known_at)
        assert not verdict.stopped, verdict.message()
        assert verdict.quarantined.empty, verdict.message()
        records, observations = verdict.read, cube_observations(verdict.ok, declared, taken)
    else:
        observations = harmonise(reader.read(path, taken, declared), taken, declared)
    identities = identities_frame(observations, declared)
    verdict = judge({"observations": observations, "identities": identities}, suite, file=path.name)
    assert not verdict.stopped, verdict.message()
    assert verdict.quarantined.empty, verdict.message()
    return records, len(observations), len(identities)


def packed(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / f"{folder.name}.zip"
    folder_as_zip(folder, path)
    return path


def test_the_fixture_of_canada_passes_its_suite() -> None:
    # Its other spellings read the same: tests/test_source_cafc.py.
    assert passes("cafc", FIXTURES / "cafc" / "accented.csv", dt.date(2024, 3, 31))[0] == 11


def test_the_fixtures_of_australia_pass_their_suite(tmp_path: Path) -> None:
    assert passes("scamwatch", packed(FIXTURES / "scamwatch", tmp_path), dt.date(2025, 8, 31))[0] == 14


def test_the_fixtures_of_the_united_states_pass_their_suite(tmp_path: Path) -> None:
    assert passes("ftc_csn", packed(FIXTURES / "ftc_csn", tmp_path), dt.date(2031, 3, 31))[2] == 4


@needs_real
@pytest.mark.slow
def test_the_whole_file_of_canada_passes_its_suite() -> None:
    # Number of data rows of the file of 30 September 2024.
    assert passes("cafc", REAL / "cafc_2024-09-30.zip", dt.date(2024, 9, 30))[0] == 300_171


@needs_real
@pytest.mark.slow
def test_all_exports_of_australia_pass_their_suite() -> None:
    # Number of cells in the fourteen exports up to May 2025.
    assert passes("scamwatch", REAL / "scamwatch" / "scamwatch_2025-08.zip", dt.date(2025, 8, 31))[0] == 311_136


@needs_real
def test_the_data_book_of_the_united_states_passes_its_suite(tmp_path: Path) -> None:
    records, observations, relations = passes("ftc_csn", packed(REAL / "ftc_csn_2024", tmp_path), dt.date(2025, 3, 31))
    assert (records, relations) == (0, 4)
    assert observations > 600
