"""Columns that Great Expectations judges fast, beside those that are judged.

In: the observations or the records of one file. Out: the same rows with HELPER_COLUMNS or CASE_HELPER_COLUMNS, and types that are
checked without a loop over rows: `between` runs row by row unless the column is float64, int64 or datetime64[ns].
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_DOWN, Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import Period, UsageError
from pipeline.validate.expectations import Rule
from pipeline.validate.judged_frames import HELPER_COLUMNS


def with_case_helpers(cases: pd.DataFrame, known_at: dt.date | None) -> pd.DataFrame:
    """The cases with CASE_HELPER_COLUMNS beside them, as float64."""
    days = pd.Series(float("nan"), index=cases.index)
    if known_at is not None and "date" in cases:
        days = (pd.Timestamp(known_at) - cases["date"]).dt.days.astype("float64")
    return cases.assign(days_to_known=days)


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


def is_empty(value: Any) -> bool:
    """Whether a cell of a frame holds nothing, in whichever way pandas says so."""
    return value is None or value is pd.NaT or value is pd.NA or value != value


def _period(text: Any) -> Period | None:
    try:
        return Period.parse(text)
    except (UsageError, TypeError):
        return None


def _exact(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, Decimal | int) and Decimal(value).is_finite() else None


def _presence(value: Any, absence: Any) -> str:
    if is_empty(value):
        return "neither" if is_empty(absence) or absence == "" else "absence"
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


def fast_types(frame: pd.DataFrame, rules: tuple[Rule, ...]) -> pd.DataFrame:
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


assert not set(HELPER_COLUMNS) & set(OBSERVATION_COLUMNS)
