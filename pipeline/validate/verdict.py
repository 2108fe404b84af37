"""The verdict on one file: every rule's outcome, the rows that go on, the rows that are set aside, and whether the source stops.

In: the observations of one snapshot and the identities measured on them (`identities.identities_frame`), with the `Suite` of the
source; or its records. Out: `Verdict`. Great Expectations judges (`evaluation`); what it leaves open is decided in `rule_results`
and here, and each decision has a test. No value is ever changed: the frames that come back are rows of the frame that came in.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd

from pipeline.model import FraudlossError
from pipeline.validate.evaluation import evaluate, evaluate_all
from pipeline.validate.expectations import Rule, Suite
from pipeline.validate.helper_columns import is_empty, with_case_helpers, with_helpers
from pipeline.validate.judged_frames import IDENTITY_COLUMNS
from pipeline.validate.rule_results import PASSED, RuleResult, rule_result


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a suite says of one file. `ok` and `quarantined` together are the rows that came in, each once."""

    suite: str
    suite_hash: str
    source: str
    file: str
    snapshot: str
    results: tuple[RuleResult, ...]
    read: int
    ok: pd.DataFrame  # the columns of an observation, or of a case
    quarantined: pd.DataFrame  # the same, and `rule_ids`: the rules that the row broke, joined by ", "
    too_many: str  # why the share set aside stops the source; empty where it does not
    documents: Mapping[str, Any]  # frame -> Great Expectations' results without any value or clock, for Data Docs

    @property
    def stopped(self) -> bool:
        """Whether nothing of this file may go on."""
        return bool(self.too_many) or any(result.stops for result in self.results)

    def message(self) -> str:
        """What a person needs in order to act: file, rules, cells, what was found, what was expected, what to do."""
        told = [result for result in self.results if result.outcome != PASSED]
        told.sort(key=lambda result: not result.stops)
        head = f"{self.file}: {self._headline()} (suite {self.suite}, {len(self.results)} rules)"
        return "\n".join([head, *([f"- {self.too_many}"] if self.too_many else []), *(f"- {r.sentence}" for r in told)])

    def _headline(self) -> str:
        if self.stopped:
            return f"stopped; none of its {self.read} rows go on"
        if len(self.quarantined):
            return f"{len(self.ok)} of {self.read} rows go on, {len(self.quarantined)} set aside"
        return f"all {self.read} rows go on"

    def to_json(self) -> dict[str, Any]:
        """The verdict without its frames. Depends on the file and the suite alone: no clock, no path of this machine."""
        return {
            "suite": self.suite,
            "suite_hash": self.suite_hash,
            "source": self.source,
            "file": self.file,
            "snapshot": self.snapshot,
            "stopped": self.stopped,
            "read": self.read,
            "ok": len(self.ok),
            "quarantined": len(self.quarantined),
            "too_many": self.too_many,
            "rules": [dataclasses.asdict(result) | {"cells": list(result.cells)} for result in self.results],
            "documents": dict(self.documents),
        }


@dataclasses.dataclass(frozen=True)
class Submission:
    """What is judged: the frames made from one file."""

    file: str  # named in messages, without its folder
    observations: pd.DataFrame  # the columns of an observation
    identities: pd.DataFrame  # IDENTITY_COLUMNS
    extract: bool = False  # some figures of a publication: not asked for relations, since often no two of them stand in one


def judge(frames: Mapping[str, pd.DataFrame], suite: Suite, *, file: str, extract: bool = False) -> Verdict:
    """Judge one file.

    In: `frames["observations"]`, with the columns of an observation, and `frames["identities"]`, with IDENTITY_COLUMNS (may
    be left out). Out: the verdict; frames are never altered. Raises FraudlossError where identities were measured that the
    suite has no rules for: nobody would have looked at them.
    """
    identities = frames.get("identities", pd.DataFrame(columns=IDENTITY_COLUMNS, dtype=object))
    return judge_many([Submission(file, frames["observations"], identities, extract)], suite)[0]


def judge_many(submissions: Sequence[Submission], suite: Suite) -> list[Verdict]:
    """Judge several files of one source, each by itself: the same verdicts as `judge` gives, in the order given.

    Rules that look at one row at a time are evaluated once over all files together, because a rule costs Great Expectations
    about 10 ms whatever it looks at. Raises FraudlossError as `judge` does.
    """
    for submission in submissions:
        if len(submission.identities) and not suite.checks_identities:
            raise FraudlossError(
                f"{suite.file}: {len(submission.identities)} identities were measured on {submission.file}, and no rule looks "
                'at them. What to do: add "identities" to the frames of the suite.'
            )
    frames = {
        "observations": [with_helpers(submission.observations.reset_index(drop=True)) for submission in submissions],
        "identities": [submission.identities.reset_index(drop=True) for submission in submissions],
    }
    said = {
        name: evaluate_all(frames[name], [_rules_for(suite, name, submission) for submission in submissions], suite, name)
        for name in frames
    }
    return [
        _verdict(
            submission, suite, {name: frames[name][number] for name in frames}, {name: said[name][number] for name in frames}
        )
        for number, submission in enumerate(submissions)
    ]


def judge_cases(cases: pd.DataFrame, suite: Suite, *, file: str, known_at: dt.date | None = None) -> Verdict:
    """Judge the records of one file, before anything is computed from them.

    In: the columns of `reading.cases`, every row of the file, marked or not; `file` is the delivery, which messages name before
    its members. `known_at`: the day on which the file could be known, after which no record can be dated. Out: the verdict, whose
    `ok` and `quarantined` are rows of `cases`; the frame is never altered. Raises FraudlossError where the suite has no rules for
    cases: nobody would have looked at them.
    """
    rules = suite.of("cases")
    if not rules:
        raise FraudlossError(
            f'{suite.file}: no rules for the {len(cases)} records of {file}. What to do: add "cases" to the frames of the suite.'
        )
    cases = cases.reset_index(drop=True)
    frame = with_case_helpers(cases, known_at)
    said = evaluate(frame, rules, suite)
    verdict = verdict_on(cases, suite, file, {"cases": (frame, rules, said)})
    if not verdict.stopped and (verdict.ok["problem"] != "").any():
        raise AssertionError(f"{suite.file} lets rows go on that reading marked")
    return verdict


def _rules_for(suite: Suite, frame: str, submission: Submission) -> tuple[Rule, ...]:
    rules = suite.of(frame)
    return tuple(rule for rule in rules if rule.by_row) if frame == "identities" and submission.extract else rules


def _verdict(
    submission: Submission, suite: Suite, frames: Mapping[str, pd.DataFrame], said: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    judged = {name: (frames[name], _rules_for(suite, name, submission), said[name]) for name in frames}
    return verdict_on(submission.observations.reset_index(drop=True), suite, submission.file, judged)


# Frame, the rules that were asked about it, and what Great Expectations said of each.
Judged = tuple[pd.DataFrame, tuple[Rule, ...], Mapping[str, Any]]


def verdict_on(rows: pd.DataFrame, suite: Suite, file: str, judged: Mapping[str, Judged], read: int | None = None) -> Verdict:
    """The verdict on `rows`, which the first of the frames was made from, helper columns apart.

    `read`: how many rows these speak for, where they are not all of them.
    """
    read = len(rows) if read is None else read
    file, first = PurePath(file).name, next(iter(judged))
    results: list[RuleResult] = []
    broken: dict[str, list[int]] = {}
    for name, (frame, rules, said) in judged.items():
        for rule in rules:
            result, positions = rule_result(rule, said.get(rule.id), frame, file)
            results.append(result)
            if name == first and rule.by_row and rule.severity != "info":
                broken[rule.id] = positions
    ok, quarantined = _split(rows, broken)
    return Verdict(
        suite=suite.name,
        suite_hash=suite.hash,
        source=suite.source,
        file=file,
        snapshot=_only_snapshot(rows),
        results=tuple(results),
        read=read,
        ok=ok,
        quarantined=quarantined,
        too_many=_too_many(results, broken, read, suite),
        documents={name: _document(suite, name, rules, said) for name, (_, rules, said) in judged.items() if rules},
    )


def _split(observations: pd.DataFrame, broken: Mapping[str, list[int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    labels: dict[int, list[str]] = {}
    for rule_id, rows in broken.items():
        for row in rows:
            labels.setdefault(row, []).append(rule_id)
    bad = sorted(labels)
    quarantined = observations.iloc[bad].assign(
        rule_ids=pd.Series([", ".join(labels[row]) for row in bad], index=bad, dtype=object)
    )
    ok = observations.drop(index=bad)
    if len(ok) + len(quarantined) != len(observations):
        raise AssertionError(f"{len(ok)} ok + {len(quarantined)} set aside is not {len(observations)} read")
    return ok.reset_index(drop=True), quarantined.reset_index(drop=True)


def _too_many(results: list[RuleResult], broken: Mapping[str, list[int]], read: int, suite: Suite) -> str:
    warned = {result.rule_id for result in results if result.severity == "warning"}
    rows = {row for rule_id, positions in broken.items() if rule_id in warned for row in positions}
    limit = suite.quarantine_limit_share
    if not read or len(rows) / read <= limit:
        return ""
    return (
        f"{len(rows)} of {read} rows would be set aside, more than the {100 * limit:g}% that the suite allows: "
        "so many odd rows mean that the file is read wrongly. What to do: compare what is named below with the publication."
    )


def _only_snapshot(observations: pd.DataFrame) -> str:
    if "snapshot" not in observations:
        return ""
    names = {str(name) for name in observations["snapshot"] if not is_empty(name)}
    return next(iter(names)) if len(names) == 1 else ""


def _document(suite: Suite, frame: str, rules: tuple[Rule, ...], said: Mapping[str, Any]) -> dict[str, Any]:
    """Great Expectations' results as it would give them in SUMMARY with no samples, and without ids, paths and clocks."""
    results = [_summary(rule, said.get(rule.id, {"raised": "no result"})) for rule in rules]
    good = sum(result["success"] for result in results)
    return {
        "suite_name": f"{suite.name}.{frame}",
        "success": good == len(results),
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": good,
            "unsuccessful_expectations": len(results) - good,
            "success_percent": 100.0 * good / len(results),
        },
        "results": results,
    }


def _summary(rule: Rule, said: Mapping[str, Any]) -> dict[str, Any]:
    result = said.get("result", {})
    kept: dict[str, Any] = {}
    if rule.by_row and not said["raised"]:
        elements, missing, bad = result["element_count"], result.get("missing_count") or 0, result["unexpected_count"]
        percents = {
            "missing_percent": _percent(missing, elements),
            "unexpected_percent": _percent(bad, elements - missing),
            "unexpected_percent_total": _percent(bad, elements),
            "unexpected_percent_nonmissing": _percent(bad, elements - missing),
        }
        kept = {"element_count": elements, "missing_count": missing, "unexpected_count": bad} | percents
    elif isinstance(result.get("observed_value"), int | float | str):
        kept = {"observed_value": result["observed_value"]}
    return {
        "success": bool(said.get("success", False)),
        "rule_id": rule.id,
        "type": rule.type,
        "kwargs": dict(rule.kwargs),
        "raised": said["raised"],
        "result": kept,
    }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
