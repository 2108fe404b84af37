"""The loader of suites refuses whatever would let a check pass without checking."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.frames import KEY_COLUMNS
from pipeline.model import TOTAL, FraudlossError
from pipeline.reading.case_rules import RULES
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.sources.catalogue import source
from pipeline.validate import expectations, suites

EXPECTATIONS = Path(__file__).parent.parent / "expectations"
JAPAN = ("internet_banking", "jca_card", "npa_annual", "npa_monthly", "npa_overseas", "npa_releases", "npa_victims")
RECORDS = ("cafc", "scamwatch")
WORLD = (*RECORDS, "ftc_csn")
Document = dict[str, Any]


def good(name: str = "npa_annual") -> Document:
    document: Document = json.loads((EXPECTATIONS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def rule(document: Document, rule_id: str) -> dict[str, Any]:
    return next(entry for rules in document["frames"].values() for entry in rules if entry["meta"]["rule_id"] == rule_id)


def load(tmp_path: Path, document: Document | str) -> expectations.Suite:
    path = tmp_path / "sample.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return suites.load_suite(path)


def without(document: Document, rule_id: str) -> None:
    for rules in document["frames"].values():
        rules[:] = [entry for entry in rules if entry["meta"]["rule_id"] != rule_id]


def test_a_good_suite_loads_with_every_rule_of_its_file(tmp_path: Path) -> None:
    document = good()
    suite = load(tmp_path, document)
    assert len(suite.rules) == sum(len(rules) for rules in document["frames"].values())
    assert suite.quarantine_limit_share == 0.05
    assert len(suite.expectation_suite(suite.of("observations")).expectations) == len(suite.of("observations"))


REFUSALS: dict[str, tuple[Callable[[Document], Any], str]] = {
    "a misspelt type": (
        lambda d: rule(d, "observations.unit_present").update(type="expect_column_values_to_be_not_null"),
        "expect_column_values_to_be_not_null",
    ),
    "kwargs that the type does not have": (
        lambda d: rule(d, "observations.table")["kwargs"].update(values=["a"]),
        "extra fields",
    ),
    "kwargs that the type needs and that are missing": (
        lambda d: rule(d, "observations.table")["kwargs"].pop("column"),
        "field required",
    ),
    "a column that the frame does not have": (
        lambda d: rule(d, "observations.table")["kwargs"].update(column="tabel"),
        "tabel",
    ),
    "a column that a condition misspells": (
        lambda d: rule(d, "observations.loss_ceiling")["kwargs"]["row_condition"]["column"].update(name="mesure"),
        "mesure",
    ),
    "no expectations": (lambda d: d["frames"].update(observations=[]), "no expectations"),
    "no frame of observations": (lambda d: d["frames"].pop("observations"), "observations"),
    "a rule without an id": (lambda d: rule(d, "observations.table")["meta"].pop("rule_id"), "rule_id"),
    "a rule with an empty id": (lambda d: rule(d, "observations.table")["meta"].update(rule_id=""), "rule_id"),
    "an id that stands twice": (
        lambda d: rule(d, "observations.table")["meta"].update(rule_id="observations.frequency"),
        "observations.frequency",
    ),
    "a rule without an owner": (lambda d: rule(d, "observations.table")["meta"].pop("owner"), "owner"),
    "a rule that does not say what to do": (lambda d: rule(d, "observations.table")["meta"].update(action=""), "action"),
    "a rule that does not say why": (lambda d: rule(d, "observations.table")["meta"].pop("why"), "why"),
    "an unknown severity": (lambda d: rule(d, "observations.table").update(severity="error"), "'error'"),
    "no severity": (lambda d: rule(d, "observations.table").pop("severity"), "severity"),
    "a suite without a source": (lambda d: d["meta"].pop("source"), "source"),
    "a suite without an owner": (lambda d: d["meta"].pop("owner"), "owner"),
    "an unknown frame": (lambda d: d["frames"].update(reports=[]), "reports"),
    "a frame of cases without expectations": (lambda d: d["frames"].update(cases=[]), "no expectations"),
    "no row count at the start": (lambda d: without(d, "observations.rows"), "row count >= 1"),
    "a row count that zero satisfies": (
        lambda d: rule(d, "observations.rows")["kwargs"].update(min_value=0),
        "row count >= 1",
    ),
    "a row count for some rows only": (
        lambda d: rule(d, "observations.rows")["kwargs"].update(
            row_condition={"type": "comparison", "column": {"name": "unit"}, "operator": "==", "parameter": "JPY"}
        ),
        "on every row",
    ),
    "a row count that does not stop the source": (
        lambda d: rule(d, "observations.rows").update(severity="info"),
        "critical",
    ),
    "no exact columns": (lambda d: without(d, "observations.columns"), "exactly the columns"),
    "a column fewer than an observation has": (
        lambda d: rule(d, "observations.columns")["kwargs"]["column_set"].remove("note"),
        "exactly the columns",
    ),
    "columns that need not be exact": (
        lambda d: rule(d, "observations.columns")["kwargs"].update(exact_match=False),
        "exactly the columns",
    ),
    "a key column that may be null": (lambda d: without(d, "observations.period_present"), "not-null rules on"),
    "identities without a row count": (lambda d: without(d, "identities.rows"), "row count >= 1"),
    "a share of rows that may break a rule": (
        lambda d: rule(d, "observations.table")["kwargs"].update(mostly=0.9),
        "mostly",
    ),
    "a condition as text": (
        lambda d: rule(d, "observations.table")["kwargs"].update(row_condition='unit == "JPY"', condition_parser="pandas"),
        "row_condition as text",
    ),
    "a warning that names no rows": (
        lambda d: rule(d, "identities.kinds").update(severity="warning"),
        "which rows to set aside",
    ),
    "a limit that is no share": (lambda d: d["meta"].update(quarantine_limit_share=5), "quarantine_limit_share"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_the_loader_refuses(what: str, tmp_path: Path) -> None:
    spoil, names = REFUSALS[what]
    document = copy.deepcopy(good())
    spoil(document)
    with pytest.raises(FraudlossError) as refusal:
        load(tmp_path, document)
    message = str(refusal.value)
    assert "sample.json" in message
    assert names in message
    assert "expected" in message
    assert "What to do" in message


REFUSALS_OF_CASES: dict[str, tuple[Callable[[Document], Any], str]] = {
    "no row count at the start": (lambda d: without(d, "cases.rows"), "row count >= 1"),
    "no exact columns": (lambda d: without(d, "cases.columns"), "exactly the columns of its cases"),
    "columns in an order": (
        lambda d: rule(d, "cases.columns").update(
            type="expect_table_columns_to_match_ordered_list",
            kwargs={"column_list": rule(d, "cases.columns")["kwargs"]["column_set"]},
        ),
        "exactly the columns of its cases",
    ),
    "a column that every case has and the suite does not know": (
        lambda d: rule(d, "cases.columns")["kwargs"]["column_set"].remove("problem_text"),
        "exactly the columns of its cases",
    ),
    "a rule on a column that its cases do not have": (
        lambda d: rule(d, "cases.victims_range")["kwargs"].update(column="victim"),
        "victim",
    ),
    "a row that may be without its number": (lambda d: without(d, "cases.row_present"), "not-null rules on"),
    "a mark that no rule looks for": (lambda d: without(d, "cases.loss_lost_digits"), "marked loss_lost_digits"),
    "a mark that is only noted": (lambda d: rule(d, "cases.loss_blank").update(severity="info"), "marked loss_blank"),
    "a mark that is looked for in some rows only": (
        lambda d: rule(d, "cases.label_unknown")["kwargs"].update(
            row_condition={"type": "comparison", "column": {"name": "cases"}, "operator": ">", "parameter": 5}
        ),
        "marked label_unknown",
    ),
}


@pytest.mark.parametrize("what", REFUSALS_OF_CASES)
def test_the_loader_refuses_for_cases(what: str, tmp_path: Path) -> None:
    spoil, names = REFUSALS_OF_CASES[what]
    document = good("cafc")
    spoil(document)
    with pytest.raises(FraudlossError) as refusal:
        load(tmp_path, document)
    assert names in str(refusal.value)
    assert "What to do" in str(refusal.value)


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"name": "a"}'])
def test_the_loader_refuses_a_file_that_is_no_suite(text: str, tmp_path: Path) -> None:
    with pytest.raises(FraudlossError, match=r"sample\.json"):
        load(tmp_path, text)


def test_the_loader_refuses_a_key_that_stands_twice_in_the_file(tmp_path: Path) -> None:
    text = json.dumps(good()).replace('"observations": [', '"observations": [], "observations": [', 1)
    with pytest.raises(FraudlossError, match="stands twice"):
        load(tmp_path, text)


def test_the_loader_refuses_a_suite_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FraudlossError, match="no such file"):
        suites.load_suite(tmp_path / "nowhere.json")


def test_the_loader_refuses_when_the_library_drops_an_expectation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Measured: an expectation with a misspelt type is logged and dropped, and the suite passes without it.
    gx = expectations.great_expectations()
    whole = gx.ExpectationSuite
    monkeypatch.setattr(gx, "ExpectationSuite", lambda name, expectations: whole(name=name, expectations=expectations[1:]))
    with pytest.raises(FraudlossError, match="expectations loaded"):
        load(tmp_path, good())


@pytest.mark.parametrize("name", [*JAPAN, *WORLD])
def test_every_source_has_a_suite_that_loads(name: str) -> None:
    suite = suites.load_suite(EXPECTATIONS / f"{name}.json")
    declared = source(name)
    assert (suite.name, suite.source, suite.owner) == (name, name, declared.meta["owner"])
    unique = [rule for rule in suite.rules if rule.type == "expect_compound_columns_to_be_unique"]
    assert [list(rule.kwargs["column_list"]) for rule in unique] == [KEY_COLUMNS]


@pytest.mark.parametrize("name", [*JAPAN, *WORLD])
def test_a_source_that_declares_relations_has_rules_for_them(name: str) -> None:
    declared = source(name)
    relations = any(
        table.get("parts_add_up") or table.get("identities") or table.get("sums") for table in declared.meta["tables"].values()
    )
    suite = suites.load_suite(EXPECTATIONS / f"{name}.json")
    assert suite.checks_identities or not relations
    if suite.checks_identities:
        judged = [rule for rule in suite.of("identities") if rule.kwargs.get("column") == "holds" and "value_set" in rule.kwargs]
        known = next(rule for rule in suite.of("identities") if rule.id == "identities.known")
        assert {rule.kwargs["row_condition"]["parameter"] for rule in judged} == set(known.kwargs["value_set"])
        sums = {f"{total['dimension']}_sums_to_total" for t in declared.meta["tables"].values() for total in t.get("sums", ())}
        assert sums <= set(known.kwargs["value_set"])


@pytest.mark.parametrize("name", RECORDS)
def test_a_source_of_records_judges_them_by_every_mark_that_reading_leaves(name: str) -> None:
    suite = suites.load_suite(EXPECTATIONS / f"{name}.json")
    assert suite.judges_cases
    assert {f"cases.{mark}" for mark in RULES} <= {rule.id for rule in suite.of("cases") if rule.severity == "warning"}
    known = next(rule for rule in suite.of("cases") if rule.id == "cases.mark_known")
    assert all(re.search(known.kwargs["regex"], marks) for marks in ("", *RULES, "; ".join(sorted(RULES))))
    assert not re.search(known.kwargs["regex"], "date_unreadable; surprise")


@pytest.mark.parametrize("name", WORLD)
def test_a_suite_takes_every_code_of_its_crosswalk_and_no_other(name: str) -> None:
    crosswalk = crosswalk_rows(source(name).folder / "crosswalk.csv")
    rules = {rule.id: rule.kwargs for rule in suites.load_suite(EXPECTATIONS / f"{name}.json").rules}
    for dimension in sorted(
        {dimension for dimension, _ in crosswalk} & {"fraud_type", "area", "contact", "age", "sex", "outcome"}
    ):
        codes = {row["common_code"] for key, rows in crosswalk.items() if key[0] == dimension for row in rows}
        kwargs = rules[f"observations.{dimension}"]
        if "regex" in kwargs:
            assert all(re.search(kwargs["regex"], code) for code in codes), dimension
        else:
            total = source(name).country if dimension == "area" else TOTAL
            assert set(kwargs["value_set"]) == codes | {total}, dimension


def test_a_suite_says_the_codes_that_its_source_declares() -> None:
    for name in (*JAPAN, *WORLD):
        suite = suites.load_suite(EXPECTATIONS / f"{name}.json")
        declared = source(name)
        sets = {
            rule.kwargs["column"]: set(rule.kwargs["value_set"])
            for rule in suite.rules
            if rule.id.count(".") == 1 and rule.type == "expect_column_values_to_be_in_set" and rule.frame == "observations"
        }
        assert sets["table"] == set(declared.tables), name
        assert sets["classification"] == set(declared.meta["classifications"]), name


def test_the_hash_is_that_of_the_file() -> None:
    path = EXPECTATIONS / "npa_annual.json"
    assert suites.suite_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest() == suites.load_suite(path).hash


def test_the_modules_import_without_the_library() -> None:
    code = (
        "import sys, pipeline.validate.suites, pipeline.validate.verdict, pipeline.validate.identities, "
        "pipeline.validate.data_docs; sys.exit('great_expectations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=EXPECTATIONS.parent, check=False).returncode == 0


def test_what_great_expectations_says_of_itself_does_not_bury_the_lines_of_a_task() -> None:
    # As in a task of Airflow, whose root logger writes everything from INFO on.
    code = (
        "import logging, sys; logging.basicConfig(level=logging.INFO, stream=sys.stdout);"
        "from pipeline.validate.expectations import great_expectations; great_expectations()"
    )
    environment = os.environ | {"PYTHONPATH": str(EXPECTATIONS.parent)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == ""
