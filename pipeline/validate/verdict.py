"""The verdict on one file: every rule's outcome, the rows that go on, the rows that are set aside, and whether the source stops.

In: the observations of one snapshot and the identities measured on them (`identities.identities_frame`), with the `Suite` of the
source. Out: `Verdict`. Great Expectations judges; this module gives it columns that it judges fast, and turns what it says into
words. It never changes a value: the frames that come back are rows of the frame that came in.

What Great Expectations leaves open, and what is done about it (each has a test):
- an expectation that raised counts as failed there: here it is "check_broken", a state of its own, and stops the source;
- a rule over every row that found only nulls passes there: here it has checked nothing and fails;
- samples of bad rows stop at 20 or 200: the rows are taken from the complete list of positions over a unique RangeIndex;
- `between` runs row by row unless the column is float64, int64 or datetime64[ns]: the ranges run over float64 helper columns.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import itertools
import re
import warnings
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import TOTAL, FraudlossError, Period, UsageError
from pipeline.validate.suites import (
    FRAME_COLUMNS,
    HELPER_COLUMNS,
    IDENTITY_COLUMNS,
    LEDGER_MARKS,
    MARKS,
    Rule,
    Suite,
    columns_of_condition,
    great_expectations,
    mark_pattern,
)

PASSED, DATA_BAD, CHECK_BROKEN = "passed", "data_bad", "check_broken"
CELLS_SHOWN = 5
# Which column of the observation a person should look at when a rule on a helper column is broken.
_SHOWN_FOR = {
    "value_number": ("value",),
    "value_fraction": ("value",),
    "presence": ("value", "absence"),
    "period_year": ("period",),
    "period_frequency": ("period",),
    "days_to_known": ("period", "known_at"),
    "loss_per_case": ("value", "loss_per_case"),
}
# Rules whose answer for a row depends on that row alone, so that the rows of many files can be asked together.
_ONE_ROW_AT_A_TIME = (
    "expect_column_values_to_be_between",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_be_null",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_not_be_null",
    "expect_column_pair_values_to_be_equal",
    "expect_column_pair_values_to_be_in_set",
)
_NULL_IS_WHAT_IT_LOOKS_FOR = ("expect_column_values_to_be_null", "expect_column_values_to_not_be_null")


@dataclasses.dataclass(frozen=True)
class RuleResult:
    """What became of one rule."""

    rule_id: str
    frame: str
    severity: str
    outcome: str  # "passed", "data_bad" or "check_broken"
    rows_checked: int | None  # None for a rule on the whole table
    rows_broken: int
    observed: str  # what was found, in words
    expected: str
    cells: tuple[str, ...]  # the first origins of the rows that broke it
    action: str
    owner: str
    sentence: str

    @property
    def stops(self) -> bool:
        """Whether this result alone stops the source."""
        return self.outcome == CHECK_BROKEN or (self.outcome == DATA_BAD and self.severity == "critical")


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
        name: _evaluate_all(frames[name], [_rules_for(suite, name, submission) for submission in submissions], suite, name)
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


def with_case_helpers(cases: pd.DataFrame, known_at: dt.date | None) -> pd.DataFrame:
    """The cases with CASE_HELPER_COLUMNS beside them, as float64."""
    days = pd.Series(float("nan"), index=cases.index)
    if known_at is not None and "date" in cases:
        days = (pd.Timestamp(known_at) - cases["date"]).dt.days.astype("float64")
    return cases.assign(days_to_known=days)


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
            result, positions = _result(rule, said.get(rule.id), frame, file)
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


# ---------------------------------------------------------------------------------------------------- helper columns


def with_helpers(observations: pd.DataFrame) -> pd.DataFrame:
    """The observations with HELPER_COLUMNS beside them.

    In: the columns of an observation; one that is missing leaves its helpers empty, so that the rule on the columns can say
    so. Out: a new frame; numbers among the helpers are float64, texts are objects.
    """

    def column(name: str) -> list[Any]:
        return list(observations[name]) if name in observations else [None] * len(observations)

    values = [_exact(value) for value in column("value")]
    periods = {text: _period(text) for text in set(column("period"))}
    starts = [periods[text] for text in column("period")]
    numbers: dict[str, list[Any]] = {
        "value_number": values,
        "value_fraction": [None if value is None else value - value.to_integral_value(ROUND_DOWN) for value in values],
        "period_year": [None if period is None else period.start.year for period in starts],
        "days_to_known": [_days(period, known) for period, known in zip(starts, column("known_at"), strict=True)],
        "loss_per_case": _loss_per_case(observations, values),
    }
    texts: dict[str, list[Any]] = {
        "presence": [_presence(value, absence) for value, absence in zip(column("value"), column("absence"), strict=True)],
        "period_frequency": ["" if period is None else period.frequency for period in starts],
        "key_gaps": _key_gaps(observations),
    }
    helpers = {
        name: _as_numbers(numbers[name]) if name in numbers else pd.Series(texts[name], dtype=object) for name in HELPER_COLUMNS
    }
    return pd.DataFrame({name: observations[name] for name in observations.columns} | helpers, index=observations.index)


def _empty(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or value != value


def _period(text: Any) -> Period | None:
    try:
        return Period.parse(text)
    except (UsageError, TypeError):
        return None


def _exact(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, Decimal | int) and Decimal(value).is_finite() else None


def _presence(value: Any, absence: Any) -> str:
    if _empty(value):
        return "neither" if _empty(absence) or absence == "" else "absence"
    if _exact(value) is None:
        return "no exact number"
    return "value" if absence == "" else "both"


def _days(period: Period | None, known: Any) -> int | None:
    return (known - period.start).days if period is not None and isinstance(known, dt.date) else None


def _key_gaps(observations: pd.DataFrame) -> list[str | None]:
    gaps: dict[int, list[str]] = {}
    for name in KEY_COLUMNS:
        if name in observations:
            column = observations[name]
            for position in np.flatnonzero(column.isna() | (column == "")).tolist():
                gaps.setdefault(position, []).append(name)
    return [", ".join(gaps[position]) if position in gaps else None for position in range(len(observations))]


def _loss_per_case(observations: pd.DataFrame, values: list[Decimal | None]) -> list[float | None]:
    if not set(KEY_COLUMNS) <= set(observations.columns):
        return [None] * len(values)
    series = [name for name in KEY_COLUMNS if name not in ("measure", "unit")]
    keys = list(observations[series].itertuples(index=False, name=None))
    measures = list(observations["measure"])
    counts: dict[tuple[Any, ...], Decimal] = {}
    for wanted in ("cases_completed", "cases"):  # the second overwrites the first
        counts |= {
            key: value
            for key, measure, value in zip(keys, measures, values, strict=True)
            if measure == wanted and value is not None and value > 0
        }
    return [
        float(value / counts[key]) if measure == "loss" and value is not None and key in counts else None
        for key, measure, value in zip(keys, measures, values, strict=True)
    ]


def _as_numbers(values: list[Any]) -> pd.Series:
    return pd.Series([float("nan") if value is None else float(value) for value in values], dtype="float64")


def _fast(frame: pd.DataFrame, rules: tuple[Rule, ...]) -> pd.DataFrame:
    """A copy in types that Great Expectations checks without a loop over rows: float64 for decimals, categories for texts."""
    # Two categorical columns with different categories cannot be compared with each other.
    paired = {rule.kwargs.get(name) for rule in rules for name in ("column_A", "column_B")}
    return pd.DataFrame({name: _fast_column(frame[name], name in paired) for name in frame.columns}, index=frame.index)


def _fast_column(column: pd.Series, paired: bool) -> pd.Series:
    if column.dtype != object:
        return column
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "decimal":
        return _as_numbers(list(column)).set_axis(column.index)
    if kind == "boolean" and not column.isna().any():
        return column.astype(bool)
    if kind in ("string", "empty") and not paired:
        return pd.Series(pd.Categorical(column), index=column.index)
    return column


# --------------------------------------------------------------------------------------------------------- evaluation


def _evaluate_all(
    frames: list[pd.DataFrame], rules: list[tuple[Rule, ...]], suite: Suite, name: str
) -> list[dict[str, dict[str, Any]]]:
    """For each frame: rule id -> what Great Expectations says of it; a rule that it says nothing about is missing."""
    alike = [number for number, frame in enumerate(frames) if rules[number] and list(frame.columns) == FRAME_COLUMNS[name]]
    said: list[dict[str, dict[str, Any]]] = [{} for _ in frames]
    together: tuple[Rule, ...] = ()
    if len(alike) > 1:
        together = tuple(rule for rule in suite.of(name) if rule.type in _ONE_ROW_AT_A_TIME)
        pooled = _evaluate_together([frames[number] for number in alike], together, suite)
        for number, parts in zip(alike, pooled, strict=True):
            said[number] |= parts
    for number, frame in enumerate(frames):
        alone = tuple(rule for rule in rules[number] if number not in alike or rule not in together)
        said[number] |= evaluate(_fast(frame, alone), alone, suite) if alone else {}
    return said


def condition_columns(rule: Rule) -> set[str]:
    """The columns that the condition of a rule looks at."""
    return columns_of_condition(rule.kwargs.get("row_condition"))


def evaluate(frame: pd.DataFrame, rules: tuple[Rule, ...], suite: Suite) -> dict[str, dict[str, Any]]:
    """Rule id -> what Great Expectations says of it. `rules` are of one frame."""
    batch = _batch_definition(rules[0].frame).get_batch({"dataframe": frame})
    expectations = suite.expectation_suite(rules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = batch.validate(
                expectations, result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False}
            )
    # Whatever breaks inside the library must end as "check broken" on every rule, never as a verdict without results.
    except Exception as error:
        return {rule.id: {"success": False, "raised": _one_line(error), "result": {}} for rule in rules}
    return {result.expectation_config.meta["rule_id"]: _said(result) for result in outcome.results}


@functools.cache
def _batch_definition(name: str) -> Any:
    """Where frames of this name are handed over. Kept, because a context costs as much as ten rules; the next frame replaces
    the one before."""
    gx = great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.enable_analytics(False)
    return context.data_sources.add_pandas("frames").add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")


def _evaluate_together(frames: list[pd.DataFrame], rules: tuple[Rule, ...], suite: Suite) -> list[dict[str, dict[str, Any]]]:
    """One evaluation over all frames on top of each other, then each frame's share of what was said."""
    pool = _fast(pd.concat(frames, ignore_index=True), rules)
    said = evaluate(pool, rules, suite)
    ends = list(itertools.accumulate(len(frame) for frame in frames))
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    masks = {rule.id: looked_at(rule, pool) for rule in rules}
    return [{rule_id: share_of(whole, start, end, *masks[rule_id]) for rule_id, whole in said.items()} for start, end in bounds]


def looked_at(rule: Rule, pool: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Of a rule on rows: which rows are of the kind that the rule looks at, and which of these hold nothing for it to look at."""
    of_its_kind = pd.Series(True, index=pool.index)
    if "row_condition" in rule.kwargs:
        from great_expectations.execution_engine import PandasExecutionEngine
        from great_expectations.expectations.row_conditions import Condition, deserialize_row_condition

        condition = deserialize_row_condition(dict(rule.kwargs["row_condition"]))
        assert isinstance(condition, Condition)  # the loader takes no textual conditions
        chosen = pool.query(PandasExecutionEngine().condition_to_filter_clause(condition))
        of_its_kind = pd.Series(pool.index.isin(chosen.index), index=pool.index)
    if rule.type in _NULL_IS_WHAT_IT_LOOKS_FOR:
        return of_its_kind, pd.Series(False, index=pool.index)
    named = [rule.kwargs[name] for name in ("column", "column_A", "column_B") if name in rule.kwargs]
    return of_its_kind, of_its_kind & pool[named].isna().all(axis=1)


def share_of(whole: dict[str, Any], start: int, end: int, of_its_kind: pd.Series, empty: pd.Series) -> dict[str, Any]:
    """What was said of a pool of rows, of those from `start` to before `end` alone. The masks: `looked_at`."""
    if whole["raised"]:
        return whole
    result = whole["result"]
    counted = (int(of_its_kind.sum()), int(empty.sum()))
    if counted[0] - counted[1] != _rows_checked(result):
        raised = f"it looked at {_rows_checked(result)} rows of all files, and {counted[0] - counted[1]} are there"
        return {**whole, "success": False, "raised": raised}
    rows = [row - start for row in result.get("unexpected_index_list") or [] if start <= row < end]
    elements, missing = int(of_its_kind[start:end].sum()), int(empty[start:end].sum())
    return {
        "success": not rows,
        "raised": "",
        "result": {
            "element_count": elements,
            "missing_count": missing,
            "unexpected_count": len(rows),
            "unexpected_index_list": rows,
        },
    }


def _rows_checked(result: Mapping[str, Any]) -> int:
    return int(result.get("element_count", 0)) - int(result.get("missing_count") or 0)


def _said(result: Any) -> dict[str, Any]:
    return {
        "success": bool(result.success),
        "raised": _raised(result.exception_info),
        "result": dict(result.result or {}),
    }


def _raised(info: Mapping[str, Any] | None) -> str:
    # Either one record, or one record for each metric that raised.
    records = [info] if info and "raised_exception" in info else list((info or {}).values())
    messages = [_one_line(record["exception_message"]) for record in records if record.get("raised_exception")]
    return "; ".join(dict.fromkeys(messages))


def _one_line(error: Any) -> str:
    return re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__


# ------------------------------------------------------------------------------------------------------ from it to words


def _result(rule: Rule, said: dict[str, Any] | None, frame: pd.DataFrame, file: str) -> tuple[RuleResult, list[int]]:
    outcome, rows, checked, observed = _outcome(rule, said, frame)
    cells = tuple(_cell(frame, row) for row in rows[:CELLS_SHOWN])
    expected = _expected(rule)
    sentence = f"rule {rule.id} holds"
    if outcome == CHECK_BROKEN:
        sentence = (
            f"{file}, rule {rule.id}: the check itself broke ({observed}); the data were not judged. "
            f"What to do: mend the rule or the code, then run again ({rule.owner})."
        )
    elif outcome == DATA_BAD:
        where = f"{', '.join(cells)}{' and others' if len(rows) > CELLS_SHOWN else ''}" if cells else "the whole table"
        many = f" ({len(rows)} of {len(frame)} rows)" if rows else ""
        sentence = (
            f"{file}, {where}{many}, rule {rule.id} ({rule.severity}): found {observed}; expected {expected}. "
            f"What to do: {rule.action} ({rule.owner})."
        )
    elif checked == 0:
        sentence = f"rule {rule.id} holds, and no row is of the kind that it looks at"
    return (
        RuleResult(
            rule_id=rule.id,
            frame=rule.frame,
            severity=rule.severity,
            outcome=outcome,
            rows_checked=checked,
            rows_broken=len(rows),
            observed=observed,
            expected=expected,
            cells=cells,
            action=rule.action,
            owner=rule.owner,
            sentence=sentence,
        ),
        rows if outcome == DATA_BAD else [],
    )


def _outcome(rule: Rule, said: dict[str, Any] | None, frame: pd.DataFrame) -> tuple[str, list[int], int | None, str]:
    """(outcome, positions of the broken rows, rows checked, what was found)"""
    if said is None:
        return CHECK_BROKEN, [], None, "Great Expectations returned no result for it"
    if said["raised"]:
        return CHECK_BROKEN, [], None, said["raised"]
    result = said["result"]
    if not rule.by_row:
        return (PASSED if said["success"] else DATA_BAD), [], None, _table_observed(rule, result, frame)
    rows = sorted(result.get("unexpected_index_list") or [])
    checked = _rows_checked(result)
    if len(rows) != result.get("unexpected_count", 0) or said["success"] != (not rows):
        return CHECK_BROKEN, [], checked, f"{result.get('unexpected_count')} rows broke it and {len(rows)} are named"
    if rows:
        return DATA_BAD, rows, checked, "; ".join(_found(rule, frame, row) for row in rows[:CELLS_SHOWN])
    # A rule with a condition may find nothing of its kind; a rule over every row that finds only nulls checked nothing.
    if checked == 0 and len(frame) and "row_condition" not in rule.kwargs and not _may_be_empty(rule):
        return DATA_BAD, [], checked, f"no value at all in {rule.kwargs.get('column', 'its columns')}"
    return PASSED, [], checked, f"{checked} rows checked"


def _may_be_empty(rule: Rule) -> bool:
    if rule.frame == "cases" and rule.kwargs.get("column") == "days_to_known":
        return True
    return rule.type in _NULL_IS_WHAT_IT_LOOKS_FOR or rule.kwargs.get("column") == "loss_per_case"


def _table_observed(rule: Rule, result: Mapping[str, Any], frame: pd.DataFrame) -> str:
    if rule.type.startswith("expect_table_columns_to_match"):
        needed = set(rule.kwargs.get("column_set") or rule.kwargs.get("column_list") or ())
        missing, extra = sorted(needed - set(frame.columns)), sorted(set(map(str, frame.columns)) - needed)
        parts = [f"no column {', '.join(missing)}"] * bool(missing) + [f"the column {', '.join(extra)} too much"] * bool(extra)
        return " and ".join(parts) or f"{len(frame.columns)} columns"
    if "_distinct_" in rule.type and rule.kwargs["column"] in frame:
        return ", ".join(sorted(map(str, frame[rule.kwargs["column"]].dropna().unique()))) or "nothing"
    return str(result.get("observed_value"))


def _cell(frame: pd.DataFrame, row: int) -> str:
    if "origin" in frame:
        return str(frame["origin"].iat[row])
    if "left_origin" not in frame:
        return f"{_of_case(frame, row, 'file')} row {_of_case(frame, row, 'row')}"
    origins = f"{frame['left_origin'].iat[row]} against {frame['right_origins'].iat[row]}"
    return origins if len(origins) <= 300 else origins[:300] + "…"


def _of_case(cases: pd.DataFrame, row: int, name: str) -> Any:
    # A verdict on a frame that lacks a column still has to say where it looked.
    return cases[name].iat[row] if name in cases else f"({name} not known)"


def _found(rule: Rule, frame: pd.DataFrame, row: int) -> str:
    cell = frame.iloc[row]
    if rule.frame == "identities":
        return (
            f"{cell['identity']}, {cell['measure']} of {cell['period']}: {_shown(cell['left'])} against {_shown(cell['right'])}, "
            f"a difference of {_shown(cell['difference'])} where {_shown(cell['tolerance'])} is allowed"
        )
    if column_list := rule.kwargs.get("column_list"):
        return (
            "the key " + " ".join(str(cell[name]) for name in column_list if cell[name] != TOTAL) + f": {_shown(cell['value'])}"
        )
    named = [rule.kwargs[name] for name in ("column", "column_A", "column_B") if name in rule.kwargs]
    if rule.frame == "cases":
        return _found_in_case(cell, ["date" if name == "days_to_known" else name for name in named if name != "problem"])
    shown = dict.fromkeys(name for column in named for name in _SHOWN_FOR.get(column, (column,)))
    return " ".join(f"{name} {_shown(cell[name])}" for name in shown)


def _found_in_case(case: pd.Series, names: list[str]) -> str:
    """The values, and the text that the publisher wrote where reading stumbled over it."""
    text = case.get("problem_text", "")
    return " ".join([*(f"{name} {_shown(case[name])}" for name in names), *([str(text)] if text and not _empty(text) else [])])


def _shown(value: Any) -> str:
    if _empty(value):
        return "nothing"
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, float):
        return f"{value:.15g}"
    return repr(value) if isinstance(value, str) else str(value)


def _expected(rule: Rule) -> str:
    """The rule in words, from what it compares."""
    kwargs = rule.kwargs
    column = kwargs.get("column", "")
    marks = {**LEDGER_MARKS, **MARKS}
    if mark := next((mark for mark in marks if column == "problem" and kwargs.get("regex") == mark_pattern(mark)), None):
        return f"{marks[mark]}: {rule.why}"
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    limits = [(word, bound) for word, bound in (("at least", low), ("at most", high)) if bound is not None]
    bounds = " and ".join(f"{word} {_bound(bound)}" for word, bound in limits)
    words = {
        "expect_table_row_count_to_be_between": f"{bounds} rows",
        "expect_table_columns_to_match_set": "exactly the declared columns",
        "expect_table_columns_to_match_ordered_list": "exactly the declared columns in their order",
        "expect_column_values_to_not_be_null": f"{column} on every row",
        "expect_column_values_to_be_null": f"nothing in {column}",
        "expect_column_values_to_be_between": f"{column} {bounds}",
        "expect_column_values_to_be_in_set": f"{column} one of {', '.join(map(str, kwargs.get('value_set', ())))}",
        "expect_column_values_to_match_regex": f"{column} written like {kwargs.get('regex')}",
        "expect_column_distinct_values_to_contain_set": f"in {column} each of {', '.join(map(str, kwargs.get('value_set', ())))}",
        "expect_compound_columns_to_be_unique": "each key once",
        "expect_column_pair_values_to_be_in_set": f"({kwargs.get('column_A')}, {kwargs.get('column_B')}) "
        f"one of {', '.join(' '.join(map(str, pair)) for pair in kwargs.get('value_pairs_set', ()))}",
        "expect_column_pair_values_to_be_equal": f"{kwargs.get('column_A')} the same as {kwargs.get('column_B')}",
    }
    return f"{words.get(rule.type, rule.type.removeprefix('expect_').replace('_', ' '))}: {rule.why}"


def _bound(bound: Any) -> str:
    return f"{bound:,}" if isinstance(bound, int | float) else str(bound)


# ---------------------------------------------------------------------------------------------------- quarantine


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
    names = {str(name) for name in observations["snapshot"] if not _empty(name)}
    return next(iter(names)) if len(names) == 1 else ""


# ---------------------------------------------------------------------------------------------------- for Data Docs


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


assert set(_SHOWN_FOR) <= set(HELPER_COLUMNS)
assert not set(HELPER_COLUMNS) & set(OBSERVATION_COLUMNS)
