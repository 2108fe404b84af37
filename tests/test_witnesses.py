"""A few rows of a partition stand for all of it: the suite says of them what it says of every row."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.ledger_demo import SOURCE, SOURCES
from pipeline.model import FraudlossError
from pipeline.validate import evaluation
from pipeline.validate.expectations import Suite
from pipeline.validate.suites import LEDGER_MARKS, load_suite
from pipeline.validate.verdict import Verdict, judge_cases
from pipeline.validate.witnesses import File, Part, judge_files

KNOWN_AT = dt.date(2026, 1, 10)
SUITE_FILE = SOURCES / SOURCE / "suite.json"
MALE_VICTIMS = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {
        "column": "victims",
        "max_value": 3,
        "row_condition": {"type": "comparison", "column": {"name": "sex"}, "operator": "IN", "parameter": ["M", "X"]},
    },
    "severity": "warning",
    "meta": {"rule_id": "case_male_victims", "owner": "nobody", "action": "look", "why": "made up, to have a condition"},
}
TYPES = {
    "type": "expect_column_values_to_be_in_set",
    "kwargs": {"column": "native_type", "value_set": ["romance", "crypto"]},
    "severity": "warning",
    "meta": {"rule_id": "case_types", "owner": "nobody", "action": "look", "why": "made up, to have a set"},
}
PRESENT = {
    "type": "expect_column_values_to_not_be_null",
    "kwargs": {"column": "victims"},
    "severity": "info",
    "meta": {"rule_id": "case_victims_present", "owner": "nobody", "action": "look", "why": "made up, to have empty fields"},
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    document = json.loads(SUITE_FILE.read_text(encoding="utf-8"))
    document["frames"]["cases"] += [MALE_VICTIMS, TYPES, PRESENT]
    document["meta"]["quarantine_limit_share"] = 1.0
    path = tmp_path_factory.mktemp("suite") / "suite.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return load_suite(path, LEDGER_MARKS)


ROW = st.fixed_dictionaries(
    {
        "day": st.sampled_from(["2024-05-01", "2024-05-31"]),
        "native_type": st.sampled_from(["romance", "crypto", "rental"]),
        "sex": st.sampled_from(["F", "M", "X"]),
        "victims": st.one_of(st.none(), st.integers(0, 120)),
        "loss": st.one_of(st.none(), st.sampled_from([0, 100, -5, 10**12])),
    }
)
FILE = st.tuples(st.lists(ROW, min_size=1, max_size=12), st.lists(st.sampled_from(sorted(LEDGER_MARKS)), max_size=3))


def cases(rows: list[dict[str, Any]], marks: list[str], file: str) -> pd.DataFrame:
    """Sound rows, then marked ones, as `reading.ledger_cases` makes them."""
    sound, size = len(rows), len(rows) + len(marks)
    known = [row["loss"] is not None for row in rows] + [False] * len(marks)

    def labels(name: str) -> pd.Categorical[str]:
        return pd.Categorical([*(row.get(name, "unknown") for row in rows), *[None] * len(marks)])

    columns: dict[str, Any] = {
        "row": np.arange(2, size + 2),
        "file": pd.Categorical([file] * size),
        "date": pd.Series([row["day"] for row in rows] + [None] * len(marks), dtype="datetime64[ns]"),
        "month": pd.Categorical(["2024-05"] * sound + [None] * len(marks)),
        "classification": pd.Categorical(["synthetic_2015"] * size),
        "area": labels("area"),
        **{name: labels(name) for name in ("native_type", "contact", "payment", "offender_location", "age", "sex", "currency")},
        "cases": np.ones(size, dtype=np.int64),
        "victims": np.array([np.nan if row["victims"] is None else row["victims"] for row in rows] + [np.nan] * len(marks)),
        "loss_minor": np.array([row["loss"] or 0 for row in rows] + [0] * len(marks), dtype=np.int64),
        "loss_known": np.array(known, dtype=bool),
        "problem": pd.Categorical([""] * sound + marks),
        "problem_text": pd.Categorical([""] * sound + [f"{mark}: what stood there" for mark in marks]),
    }
    return pd.DataFrame(columns)


def told(verdict: Verdict) -> dict[str, tuple[Any, ...]]:
    return {each.rule_id: (each.outcome, each.rows_checked, each.rows_broken) for each in verdict.results}


def set_aside(verdict: Verdict) -> list[tuple[int, str]]:
    return sorted(zip(verdict.quarantined["row"].tolist(), verdict.quarantined["rule_ids"].tolist(), strict=True))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(FILE, min_size=1, max_size=3))
def test_witnesses_get_the_verdict_of_all_rows(suite: Suite, files: list[tuple[list[dict[str, Any]], list[str]]]) -> None:
    given_files, whole = [], []
    for number, (rows, marks) in enumerate(files):
        name = f"synthetic_ledger_{number}.csv"
        everything = cases(rows, marks, name)
        sound = (everything["problem"] == "").to_numpy()
        halves = np.array_split(np.flatnonzero(sound), 2)
        parts = [
            Part("2024-05", len(half), lambda frame=everything, own=half: frame.iloc[own].reset_index(drop=True))
            for half in halves
        ]
        given_files.append(File(name, parts, everything[~sound].reset_index(drop=True), KNOWN_AT))
        whole.append(judge_cases(everything, suite, file=name, known_at=KNOWN_AT))
    for judged, expected in zip(judge_files(given_files, suite), whole, strict=True):
        assert told(judged.verdict) == told(expected)
        assert judged.verdict.stopped == expected.stopped
        assert (judged.verdict.read, judged.ok_rows) == (expected.read, len(expected.ok))
        assert set_aside(judged.verdict) == set_aside(expected)
        out = [row for rows in judged.set_aside.values() for row in rows]
        assert sorted(out) == sorted(expected.quarantined.loc[expected.quarantined["problem"] == "", "row"])


def test_a_sound_partition_is_judged_by_few_of_its_rows(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"day": "2024-05-01", "native_type": "romance", "sex": "F", "victims": 1, "loss": loss} for loss in range(1000)]
    looked_at: list[int] = []
    real = evaluation.evaluate

    def evaluate(frame: pd.DataFrame, *arguments: Any) -> Any:
        looked_at.append(len(frame))
        return real(frame, *arguments)

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    everything = cases(rows, [], "a.csv")
    [judged] = judge_files([File("a.csv", [Part("2024-05", 1000, lambda: everything)], everything.iloc[:0], KNOWN_AT)], suite)
    assert not judged.verdict.stopped
    assert judged.ok_rows == judged.verdict.read == 1000
    assert looked_at[0] < 10
    assert told(judged.verdict)["case_loss_plausible"] == ("passed", 1000, 0)


def test_a_file_without_rows_is_stopped(suite: Suite) -> None:
    nothing = cases([], [], "a.csv")
    [judged] = judge_files([File("a.csv", [], nothing, KNOWN_AT)], suite)
    assert judged.verdict.stopped


def test_a_suite_that_asks_for_more_than_a_ledger_can_say_is_refused(tmp_path: Path) -> None:
    document = json.loads(SUITE_FILE.read_text(encoding="utf-8"))
    document["frames"]["cases"][0]["kwargs"]["min_value"] = 1000
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FraudlossError, match="a ledger is judged row by row, and asked whether it has any row"):
        judge_files([], load_suite(path, LEDGER_MARKS))


def test_a_mark_of_a_ledger_without_a_rule_is_refused(tmp_path: Path) -> None:
    document = json.loads(SUITE_FILE.read_text(encoding="utf-8"))
    rules = document["frames"]["cases"]
    document["frames"]["cases"] = [rule for rule in rules if rule["meta"]["rule_id"] != "case_record_repeated"]
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FraudlossError, match="no rule that sets aside the rows marked record_repeated"):
        load_suite(path, LEDGER_MARKS)
