"""What became of a rule, in words: what was found, what was expected, in which cells, what to do.

In: a rule, what Great Expectations says of it, the frame that was judged. Out: `RuleResult`, and the rows that broke the rule.
- An expectation that raised counts as failed there: here it is "check_broken", a state of its own, and stops the source.
- A rule over every row that found only nulls passes there: here it has checked nothing and fails.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from pipeline.model import TOTAL
from pipeline.validate.evaluation import NULL_IS_WHAT_IT_LOOKS_FOR, rows_checked
from pipeline.validate.expectations import Rule
from pipeline.validate.helper_columns import is_empty
from pipeline.validate.judged_frames import HELPER_COLUMNS
from pipeline.validate.suites import LEDGER_MARKS, MARKS, mark_pattern

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


def rule_result(rule: Rule, said: dict[str, Any] | None, frame: pd.DataFrame, file: str) -> tuple[RuleResult, list[int]]:
    """What became of a rule, and the positions of the rows that broke it. `said`: what Great Expectations says of it."""
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
    checked = rows_checked(result)
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
    return rule.type in NULL_IS_WHAT_IT_LOOKS_FOR or rule.kwargs.get("column") == "loss_per_case"


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
    return " ".join([*(f"{name} {_shown(case[name])}" for name in names), *([str(text)] if text and not is_empty(text) else [])])


def _shown(value: Any) -> str:
    if is_empty(value):
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


assert set(_SHOWN_FOR) <= set(HELPER_COLUMNS)
