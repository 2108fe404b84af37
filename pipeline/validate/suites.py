"""Suites of rules: JSON files written by hand, read so strictly that a green verdict means something.

In: `expectations/<source>.json`:

    {"name": "npa_annual",
     "meta": {"source": "npa_annual", "owner": "…", "quarantine_limit_share": 0.05},
     "frames": {"cases": [expectation, …], "observations": [expectation, …], "identities": [expectation, …]}}

where an expectation is one of Great Expectations' own, with what the project adds:

    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "unit", "value_set": ["cases", "JPY"]},
     "severity": "critical", "meta": {"rule_id": "…", "owner": "…", "action": "what to do", "why": "why the rule is there"}}

`critical`: the source stops. `warning`: the rows that broke the rule go to quarantine and the rest goes on, unless more than
`quarantine_limit_share` of the rows would go. `info`: a note in the verdict. `cases` is there where the source has records, and
then has a rule for each mark that reading may leave on one (`reading.case_rules.RULES`). `identities` may be left out where a
source has no relation to check; where it is there, a whole publication on which no relation could be checked stops the source.
(An extract, some figures of a publication, is not asked for relations: often no two of its figures stand in one.)

Out: `Suite`. Raises RefusedInput (a FraudlossError) with the file, the rule, what was found, what was expected and what to do.
Why so strict: Great Expectations drops an expectation whose type is misspelt, passes a suite that has none, passes an empty frame
and passes an all-null column.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.frames import OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS, RefusedInput
from pipeline.reading.case_rules import RULES as MARKS
from pipeline.reading.cases import CASE_COLUMNS
from pipeline.reading.ledger_layout import RULES as ROW_MARKS
from pipeline.reading.ledger_layout import RULES_OF_SEVERAL_ROWS

# What reading may mark on a row of a ledger.
LEDGER_MARKS = {**ROW_MARKS, **RULES_OF_SEVERAL_ROWS}
SEVERITIES = ("critical", "warning", "info")
FRAMES = ("cases", "observations", "identities")
FRAMES_WITH_QUARANTINE = ("cases", "observations")
QUARANTINE_LIMIT_SHARE = 0.05

# Columns that are computed beside the observations for rules that Great Expectations has no natural form for, and for those
# that it only checks fast on float64. They are dropped after the verdict: no exact decimal ever comes back from here.
HELPER_COLUMNS: dict[str, str] = {
    "value_number": "`value` as float64, for ranges",
    "value_fraction": "what `value` has behind the decimal point, computed exactly: 0 where it is whole",
    "presence": "value, absence, both or neither: a value is present exactly when its absence code is empty",
    "period_year": "the year in which the period begins; empty where `period` is not a period",
    "period_frequency": "the frequency that `period` itself says; empty where it is not a period",
    "days_to_known": "days from the first day of the period to `known_at`",
    "key_gaps": "names of the key columns that hold nothing on this row; empty where all are filled",
    "loss_per_case": "on rows of `loss`: loss over `cases` (else `cases_completed`) of the same series in the same file",
}
CASE_HELPER_COLUMNS: dict[str, str] = {
    "days_to_known": "days from `date` to the day on which the file could be known; empty where either is not known",
}
IDENTITY_COLUMNS: list[str] = [
    "identity",
    "table",
    "period",
    "classification",
    "measure",
    "left",
    "right",
    "difference",
    "tolerance",
    "holds",
    "left_origin",
    "right_origins",
]
# Which dimensions a record has, and whether it counts victims, differs from publisher to publisher, so a suite says itself which
# columns its cases have. These are in all of them.
EVERY_CASE_HAS: list[str] = [
    *(name for name in CASE_COLUMNS if name not in (*DIMENSIONS, "victims")),
    *CASE_HELPER_COLUMNS,
]
FRAME_COLUMNS: dict[str, list[str]] = {
    "observations": [*OBSERVATION_COLUMNS, *HELPER_COLUMNS],
    "identities": IDENTITY_COLUMNS,
}
# The columns that no row can do without. The whole key, dimensions and empty texts included, is what `key_gaps` is for.
NOT_NULL: dict[str, list[str]] = {
    # A label or a date that cannot be read is no value, and the row is marked; the row itself must be there, and its mark.
    "cases": ["row", "file", "classification", "cases", "loss_minor", "loss_known", "problem"],
    "observations": [
        "source",
        "table",
        "frequency",
        "period",
        "area",
        "fraud_type",
        "native_type",
        "measure",
        "unit",
        "classification",
        "snapshot",
        "origin",
        "known_at",
    ],
    "identities": ["identity", "table", "period", "holds"],
}
_NO_ROW_MAY_BE_EXCUSED = ("mostly", "result_format", "catch_exceptions", "severity", "meta", "id")


@dataclasses.dataclass(frozen=True)
class Rule:
    """One expectation of a suite."""

    id: str
    frame: str  # one of FRAMES
    type: str
    kwargs: Mapping[str, Any]
    severity: str  # one of SEVERITIES
    owner: str
    action: str  # what to do when the rule is broken
    why: str  # why the rule is there
    by_row: bool  # whether it names the rows that broke it


@dataclasses.dataclass(frozen=True)
class Suite:
    """The rules of one source."""

    name: str
    source: str
    owner: str
    file: str  # the name of the file, without its folder
    hash: str
    quarantine_limit_share: float
    rules: tuple[Rule, ...]

    def of(self, frame: str) -> tuple[Rule, ...]:
        """The rules of one frame, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.frame == frame)

    @property
    def checks_identities(self) -> bool:
        """Whether the suite has rules for identities, so that finding none to check is a failure."""
        return bool(self.of("identities"))

    @property
    def judges_cases(self) -> bool:
        """Whether the suite has rules for records."""
        return bool(self.of("cases"))

    def expectation_suite(self, rules: tuple[Rule, ...]) -> Any:
        """The rules as a Great Expectations suite. Raises RefusedInput if it holds fewer than it was given."""
        gx = great_expectations()
        expectations = [_expectation(rule, self.file) for rule in rules]
        suite = gx.ExpectationSuite(name=f"{self.name}.{rules[0].frame}", expectations=expectations)
        if len(suite.expectations) != len(rules):
            raise _refusal(
                self.file,
                f"frame {rules[0].frame}",
                f"{len(suite.expectations)} expectations loaded",
                f"{len(rules)}, as the file holds",
                "find the expectation that Great Expectations dropped, and mend it",
            )
        return suite


@functools.cache
def great_expectations() -> Any:
    """The module, imported when it is first needed (it costs seconds), without telemetry and without its chatter."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Before the import: where somebody listens to everything, as a task of Airflow does, it says hundreds of lines.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    # Half a million objects that live as long as the process: looking through them for garbage is a tenth of a whole run.
    gc.disable()
    try:
        import great_expectations as gx
        import great_expectations.expectations
    finally:
        gc.enable()
    gc.freeze()
    return gx


def suite_hash(path: Path) -> str:
    """The sha256 of the suite's file: what a verdict and a manifest name it by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_suite(path: Path, marks: Mapping[str, str] = MARKS) -> Suite:
    """The suite in `path`. Raises RefusedInput for anything that would let a check pass without checking.

    `marks`: those that reading may leave on a record of the source, each of which needs a rule.
    """
    document = _read(path)
    meta = document["meta"]
    limit = meta.get("quarantine_limit_share", QUARANTINE_LIMIT_SHARE)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit <= 1:
        raise _refusal(path.name, "meta", f"quarantine_limit_share {limit!r}", "a share from 0 to 1", "mend it")
    entries = [(frame, number, entry) for frame in FRAMES for number, entry in _entries(document, frame, path.name)]
    columns = {**FRAME_COLUMNS, "cases": _case_columns([entry for frame, _, entry in entries if frame == "cases"])}
    suite = Suite(
        name=document["name"],
        source=meta["source"],
        owner=meta["owner"],
        file=path.name,
        hash=suite_hash(path),
        quarantine_limit_share=float(limit),
        rules=tuple(_rule(entry, frame, f"{frame} rule {number}", path.name, columns[frame]) for frame, number, entry in entries),
    )
    _check_ids(suite)
    for frame in FRAMES:
        if rules := suite.of(frame):
            _check_opening(rules, frame, path.name)
            suite.expectation_suite(rules)
    if suite.judges_cases:
        _check_marks(suite, marks)
    return suite


# ------------------------------------------------------------------------------------------------------------ reading


def _refusal(file: str, where: str, found: str, expected: str, action: str) -> RefusedInput:
    return RefusedInput(file=file, cell=where, found=found, expected=expected, action=action)


def _read(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # json keeps the last of two equal keys, so a second "observations" would swallow the first without a word.
        names = [name for name, _ in pairs]
        if doubles := sorted({name for name in names if names.count(name) > 1}):
            raise _refusal(path.name, f"key {doubles[0]!r}", "it stands twice in one object", "it once", "merge the two")
        return dict(pairs)

    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except FileNotFoundError as error:
        raise _refusal(path.name, "the file", "no such file", "a suite for the source", "write one") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _refusal(path.name, "the file", f"no JSON ({error})", "JSON in UTF-8", "mend the file") from error
    _check_keys(document, {"name", "meta", "frames"}, set(), path.name, "the file")
    _check_keys(document["meta"], {"source", "owner"}, {"quarantine_limit_share"}, path.name, "meta")
    _check_keys(document["frames"], {"observations"}, {"cases", "identities"}, path.name, "frames")
    return document


def _check_keys(found: Any, needed: set[str], allowed: set[str], file: str, where: str) -> None:
    names = set(found) if isinstance(found, dict) else set()
    if not needed <= names or names - needed - allowed:
        expected = ", ".join(sorted(needed)) + (f" and perhaps {', '.join(sorted(allowed))}" if allowed else "")
        raise _refusal(file, where, f"the keys {sorted(names)}", expected, "add what is missing, remove what is unknown")
    if empty := sorted(name for name in needed if found[name] in ("", None)):
        raise _refusal(file, where, f"nothing in {', '.join(empty)}", "text", "fill it in")


def _entries(document: dict[str, Any], frame: str, file: str) -> list[tuple[int, dict[str, Any]]]:
    if frame not in document["frames"]:
        return []
    entries = document["frames"][frame]
    if not isinstance(entries, list) or not entries:
        raise _refusal(file, f"frame {frame}", "no expectations", "at least one", "write rules, or leave the frame out")
    return list(enumerate(entries, 1))


def _case_columns(entries: list[Any]) -> list[str]:
    """The columns that the suite declares its cases to have; `_check_opening` sees to it that it declares them as it should."""
    for entry in entries:
        kwargs = entry.get("kwargs") if isinstance(entry, dict) else None
        if isinstance(kwargs, dict) and isinstance(names := kwargs.get("column_set", kwargs.get("column_list")), list):
            return names
    return [*CASE_COLUMNS, *CASE_HELPER_COLUMNS]


def _rule(entry: dict[str, Any], frame: str, where: str, file: str, columns: list[str]) -> Rule:
    _check_keys(entry, {"type", "kwargs", "severity", "meta"}, set(), file, where)
    _check_keys(entry["meta"], {"rule_id", "owner", "action", "why"}, set(), file, where)
    where = f"rule {entry['meta']['rule_id']}"
    if entry["severity"] not in SEVERITIES:
        raise _refusal(file, where, f"severity {entry['severity']!r}", f"one of {', '.join(SEVERITIES)}", "choose one")
    _check_kwargs(entry["kwargs"], frame, where, file, columns)
    rule = Rule(
        id=entry["meta"]["rule_id"],
        frame=frame,
        type=entry["type"],
        kwargs=entry["kwargs"],
        severity=entry["severity"],
        owner=entry["meta"]["owner"],
        action=entry["meta"]["action"],
        why=entry["meta"]["why"],
        by_row=_names_rows(entry["type"], where, file),
    )
    if rule.severity == "warning" and (frame not in FRAMES_WITH_QUARANTINE or not rule.by_row):
        raise _refusal(
            file,
            where,
            f"severity warning on {rule.type} of {frame}",
            "critical or info: only a rule on the rows of cases or observations can say which rows to set aside",
            "choose whether it stops the source",
        )
    return rule


def _check_kwargs(kwargs: dict[str, Any], frame: str, where: str, file: str, columns: list[str]) -> None:
    if excuses := sorted(set(kwargs) & set(_NO_ROW_MAY_BE_EXCUSED)):
        raise _refusal(
            file,
            where,
            f"{', '.join(excuses)} in kwargs",
            "only what the expectation compares",
            "leave it out: severity and quarantine_limit_share say what a broken row means",
        )
    if isinstance(kwargs.get("row_condition"), str) or "condition_parser" in kwargs:
        raise _refusal(
            file,
            where,
            "row_condition as text",
            'a condition as an object: {"type": "comparison", "column": {"name": …}, "operator": "==", "parameter": …}',
            "write it so: the textual form is deprecated, and a slip in it is only found while it runs",
        )
    unknown = sorted(_columns_named(kwargs) - set(columns))
    if unknown:
        raise _refusal(file, where, f"the columns {unknown}", f"columns of {frame}", "mend the name of the column")


def _columns_named(kwargs: Mapping[str, Any]) -> set[str]:
    names = {kwargs[key] for key in ("column", "column_A", "column_B") if isinstance(kwargs.get(key), str)}
    if isinstance(kwargs.get("column_list"), list):
        names |= set(kwargs["column_list"])
    return names | columns_of_condition(kwargs.get("row_condition"))


def columns_of_condition(condition: Any) -> set[str]:
    """The columns that a `row_condition` looks at."""
    if not isinstance(condition, dict):
        return set()
    inner = set().union(*(columns_of_condition(part) for part in condition.get("conditions", ())))
    return inner | ({condition["column"]["name"]} if "column" in condition else set())


# ----------------------------------------------------------------------------------------- against Great Expectations


def _implementation(type_name: str, where: str, file: str) -> Any:
    great_expectations()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        return get_expectation_impl(type_name)
    except ExpectationNotFoundError as error:
        raise _refusal(
            file, where, f"type {type_name!r}", "a type that Great Expectations 1.24 knows", "mend the spelling"
        ) from error


def _names_rows(type_name: str, where: str, file: str) -> bool:
    implementation = _implementation(type_name, where, file)
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    return issubclass(implementation, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation)


def _expectation(rule: Rule, file: str) -> Any:
    implementation = _implementation(rule.type, f"rule {rule.id}", file)
    try:
        return implementation(
            **rule.kwargs,
            severity=rule.severity,
            meta={"rule_id": rule.id, "owner": rule.owner, "action": rule.action, "why": rule.why},
        )
    # pydantic's, ValueError's and Great Expectations' own errors have no common class below Exception.
    except Exception as error:
        raise _refusal(
            file,
            f"rule {rule.id}",
            f"kwargs {json.dumps(rule.kwargs, ensure_ascii=False)}: {' '.join(str(error).split())}",
            f"the kwargs of {rule.type}",
            "mend the kwargs",
        ) from error


# --------------------------------------------------------------------------------------------------- what must be there


def _check_ids(suite: Suite) -> None:
    ids = [rule.id for rule in suite.rules]
    if doubles := sorted({name for name in ids if ids.count(name) > 1}):
        raise _refusal(suite.file, f"rule {doubles[0]}", "its id on more than one rule", "an id of its own", "rename one")


def _check_opening(rules: tuple[Rule, ...], frame: str, file: str) -> None:
    not_null = NOT_NULL[frame]
    opening = rules[: 2 + len(not_null)]
    problems = (
        (_counts_rows(rules), "row count >= 1 as its first rule"),
        (_fixes_columns(rules, frame), f"{_columns_in_words(frame)} as its second rule"),
        (
            {rule.kwargs.get("column") for rule in opening[2:] if rule.type == "expect_column_values_to_not_be_null"}
            == set(not_null),
            f"not-null rules on {', '.join(not_null)} after them",
        ),
        (
            all("row_condition" not in rule.kwargs and rule.severity == "critical" for rule in opening),
            "these rules critical and on every row",
        ),
    )
    for holds, expected in problems:
        if not holds:
            raise _refusal(
                file,
                f"frame {frame}",
                f"it starts with {', '.join(rule.id for rule in opening)}",
                expected,
                "put these rules first: without them an empty frame, a lost column or a column of nulls passes",
            )


def _counts_rows(rules: tuple[Rule, ...]) -> bool:
    minimum = rules[0].kwargs.get("min_value")
    return rules[0].type == "expect_table_row_count_to_be_between" and isinstance(minimum, int) and minimum >= 1


def _columns_in_words(frame: str) -> str:
    if frame == "cases":
        return f"exactly the columns of its cases, at least {EVERY_CASE_HAS},"
    return f"exactly the columns {FRAME_COLUMNS[frame]}"


def _fixes_columns(rules: tuple[Rule, ...], frame: str) -> bool:
    if len(rules) < 2:
        return False
    kwargs = rules[1].kwargs
    if rules[1].type == "expect_table_columns_to_match_ordered_list":
        return frame != "cases" and bool(kwargs.get("column_list") == FRAME_COLUMNS[frame])
    names = kwargs.get("column_set", [])
    return (
        rules[1].type == "expect_table_columns_to_match_set"
        and kwargs.get("exact_match", True) is True
        and len(names) == len(set(names))
        and (set(EVERY_CASE_HAS) <= set(names) if frame == "cases" else set(names) == set(FRAME_COLUMNS[frame]))
    )


def _check_marks(suite: Suite, marks: Mapping[str, str]) -> None:
    """Reading marks a row that it cannot read exactly and leaves it in: a mark that no rule looks for would let the row pass."""
    looked_for = {rule.kwargs["regex"] for rule in suite.of("cases") if _looks_for_a_mark(rule) and rule.severity != "info"}
    if missing := [mark for mark in marks if mark_pattern(mark) not in looked_for]:
        raise _refusal(
            suite.file,
            "frame cases",
            f"no rule that sets aside the rows marked {', '.join(missing)}",
            f"for each mark an expect_column_values_to_not_match_regex on problem like {mark_pattern(missing[0])!r}",
            "write a rule of its own for each of them, so that the quarantine says which it was",
        )


def _looks_for_a_mark(rule: Rule) -> bool:
    return (
        rule.type == "expect_column_values_to_not_match_regex"
        and rule.kwargs.get("column") == "problem"
        and "row_condition" not in rule.kwargs
    )


def mark_pattern(mark: str) -> str:
    """The regular expression by which a rule finds one of `reading.case_rules.RULES` in `problem`."""
    return rf"\b{mark}\b"
