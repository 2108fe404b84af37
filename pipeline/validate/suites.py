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

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.model import refused
from pipeline.reading.case_rules import RULES as MARKS
from pipeline.reading.cases import CASE_COLUMNS
from pipeline.reading.ledger_layout import RULES as ROW_MARKS
from pipeline.reading.ledger_layout import RULES_OF_SEVERAL_ROWS
from pipeline.validate.expectations import Rule, Suite, names_rows
from pipeline.validate.judged_frames import (
    CASE_HELPER_COLUMNS,
    EVERY_CASE_HAS,
    FRAME_COLUMNS,
    FRAMES,
    FRAMES_WITH_QUARANTINE,
    NOT_NULL,
)

# What reading may mark on a row of a ledger.
LEDGER_MARKS = {**ROW_MARKS, **RULES_OF_SEVERAL_ROWS}
SEVERITIES = ("critical", "warning", "info")
QUARANTINE_LIMIT_SHARE = 0.05
_NO_ROW_MAY_BE_EXCUSED = ("mostly", "result_format", "catch_exceptions", "severity", "meta", "id")


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
        raise refused(path.name, "meta", f"quarantine_limit_share {limit!r}", "a share from 0 to 1", "mend it")
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


def _read(path: Path) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # json keeps the last of two equal keys, so a second "observations" would swallow the first without a word.
        names = [name for name, _ in pairs]
        if doubles := sorted({name for name in names if names.count(name) > 1}):
            raise refused(path.name, f"key {doubles[0]!r}", "it stands twice in one object", "it once", "merge the two")
        return dict(pairs)

    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except FileNotFoundError as error:
        raise refused(path.name, "the file", "no such file", "a suite for the source", "write one") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise refused(path.name, "the file", f"no JSON ({error})", "JSON in UTF-8", "mend the file") from error
    _check_keys(document, {"name", "meta", "frames"}, set(), path.name, "the file")
    _check_keys(document["meta"], {"source", "owner"}, {"quarantine_limit_share"}, path.name, "meta")
    _check_keys(document["frames"], {"observations"}, {"cases", "identities"}, path.name, "frames")
    return document


def _check_keys(found: Any, needed: set[str], allowed: set[str], file: str, where: str) -> None:
    names = set(found) if isinstance(found, dict) else set()
    if not needed <= names or names - needed - allowed:
        expected = ", ".join(sorted(needed)) + (f" and perhaps {', '.join(sorted(allowed))}" if allowed else "")
        raise refused(file, where, f"the keys {sorted(names)}", expected, "add what is missing, remove what is unknown")
    if empty := sorted(name for name in needed if found[name] in ("", None)):
        raise refused(file, where, f"nothing in {', '.join(empty)}", "text", "fill it in")


def _entries(document: dict[str, Any], frame: str, file: str) -> list[tuple[int, dict[str, Any]]]:
    if frame not in document["frames"]:
        return []
    entries = document["frames"][frame]
    if not isinstance(entries, list) or not entries:
        raise refused(file, f"frame {frame}", "no expectations", "at least one", "write rules, or leave the frame out")
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
        raise refused(file, where, f"severity {entry['severity']!r}", f"one of {', '.join(SEVERITIES)}", "choose one")
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
        by_row=names_rows(entry["type"], where, file),
    )
    if rule.severity == "warning" and (frame not in FRAMES_WITH_QUARANTINE or not rule.by_row):
        raise refused(
            file,
            where,
            f"severity warning on {rule.type} of {frame}",
            "critical or info: only a rule on the rows of cases or observations can say which rows to set aside",
            "choose whether it stops the source",
        )
    return rule


def _check_kwargs(kwargs: dict[str, Any], frame: str, where: str, file: str, columns: list[str]) -> None:
    if excuses := sorted(set(kwargs) & set(_NO_ROW_MAY_BE_EXCUSED)):
        raise refused(
            file,
            where,
            f"{', '.join(excuses)} in kwargs",
            "only what the expectation compares",
            "leave it out: severity and quarantine_limit_share say what a broken row means",
        )
    if isinstance(kwargs.get("row_condition"), str) or "condition_parser" in kwargs:
        raise refused(
            file,
            where,
            "row_condition as text",
            'a condition as an object: {"type": "comparison", "column": {"name": …}, "operator": "==", "parameter": …}',
            "write it so: the textual form is deprecated, and a slip in it is only found while it runs",
        )
    unknown = sorted(_columns_named(kwargs) - set(columns))
    if unknown:
        raise refused(file, where, f"the columns {unknown}", f"columns of {frame}", "mend the name of the column")


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


def _check_ids(suite: Suite) -> None:
    ids = [rule.id for rule in suite.rules]
    if doubles := sorted({name for name in ids if ids.count(name) > 1}):
        raise refused(suite.file, f"rule {doubles[0]}", "its id on more than one rule", "an id of its own", "rename one")


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
            raise refused(
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
        raise refused(
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
