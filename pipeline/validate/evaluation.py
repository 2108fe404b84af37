"""What Great Expectations says of frames: of one alone, or of many together and each one's share.

In: frames with their helper columns, and the rules of a suite. Out: rule id -> whether it holds, whether it raised, and the
counts and the complete list of positions of the rows that broke it, over a unique RangeIndex: samples of bad rows stop at 20
or 200.
"""

from __future__ import annotations

import functools
import itertools
import re
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.validate.expectations import Rule, Suite, great_expectations
from pipeline.validate.helper_columns import fast_types
from pipeline.validate.judged_frames import FRAME_COLUMNS
from pipeline.validate.suites import columns_of_condition

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
NULL_IS_WHAT_IT_LOOKS_FOR = ("expect_column_values_to_be_null", "expect_column_values_to_not_be_null")


def evaluate_all(
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
        said[number] |= evaluate(fast_types(frame, alone), alone, suite) if alone else {}
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
    pool = fast_types(pd.concat(frames, ignore_index=True), rules)
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
    if rule.type in NULL_IS_WHAT_IT_LOOKS_FOR:
        return of_its_kind, pd.Series(False, index=pool.index)
    named = [rule.kwargs[name] for name in ("column", "column_A", "column_B") if name in rule.kwargs]
    return of_its_kind, of_its_kind & pool[named].isna().all(axis=1)


def share_of(whole: dict[str, Any], start: int, end: int, of_its_kind: pd.Series, empty: pd.Series) -> dict[str, Any]:
    """What was said of a pool of rows, of those from `start` to before `end` alone. The masks: `looked_at`."""
    if whole["raised"]:
        return whole
    result = whole["result"]
    counted = (int(of_its_kind.sum()), int(empty.sum()))
    if counted[0] - counted[1] != rows_checked(result):
        raised = f"it looked at {rows_checked(result)} rows of all files, and {counted[0] - counted[1]} are there"
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


def rows_checked(result: Mapping[str, Any]) -> int:
    """How many rows a rule looked at: those of its kind that hold something."""
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
