"""A suite's verdict on month partitions of millions of records, from few rows of each: its witnesses.

In: the partitions as frames of cases on fast dtypes, one at a time, with the rows that reading marked; the suite of the
source. Out: for each file the same `Verdict` that `verdict.judge_cases` gives of all its rows at once, but with the rows of
the partitions that are to be set aside in the place of frames.

Great Expectations judges, by the same rules as ever. But a rule that looks at one row at a time cannot be broken by any row
of a partition if none of these rows breaks it: for a range the rows with the least and the largest value, for a set or a
pattern one row of each distinct value, and one in which nothing stands; each of them for every combination of what the
conditions of the rule look at. These are its witnesses. Those of all partitions are judged together, in one evaluation; only
where a witness breaks a rule is its whole partition judged, which names each row. A rule of another kind is judged on all
rows. Rows that reading marked are witnesses all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.model import FraudlossError
from pipeline.validate import evaluation
from pipeline.validate.expectations import Rule, Suite
from pipeline.validate.helper_columns import with_case_helpers
from pipeline.validate.judged_frames import CASE_HELPER_COLUMNS
from pipeline.validate.verdict import Verdict, verdict_on

_EXTREMES = ("expect_column_values_to_be_between",)
_ONE_OF_EACH = (
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_not_match_regex",
    "expect_column_pair_values_to_be_in_set",
    "expect_column_pair_values_to_be_equal",
)
_NULLS = ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")
# Empty on every sound row, so that a condition on it parts nothing.
_MARK = "problem"


@dataclasses.dataclass(frozen=True)
class Part:
    """The sound rows of one month of a file: `frame` makes them (columns of reading.cases) whenever they are needed."""

    month: str
    rows: int
    frame: Callable[[], pd.DataFrame]


@dataclasses.dataclass(frozen=True)
class File:
    """What is judged: a file of a ledger, its parts, and the rows that reading marked (columns of reading.cases)."""

    name: str
    parts: Sequence[Part]
    marked: pd.DataFrame
    known_at: Any  # datetime.date


@dataclasses.dataclass(frozen=True)
class Judged:
    """`verdict`: its `quarantined` holds every row set aside, with rule_ids; its `ok` holds none. `set_aside`: month -> rows
    (their `row`) of the parts that must go out of them."""

    verdict: Verdict
    ok_rows: int
    set_aside: dict[str, list[int]]


def judge_files(files: Sequence[File], suite: Suite) -> list[Judged]:
    """Judge the files, each by itself. Raises FraudlossError where the suite cannot be asked about a ledger."""
    rules = suite.of("cases")
    _refuse_unfit(rules, suite)
    chosen = [_witnesses_of(file, rules) for file in files]
    pooled = _said_together([each.frame for each in chosen], rules, suite)
    return [_judged(file, each, said, rules, suite) for file, each, said in zip(files, chosen, pooled, strict=True)]


def _refuse_unfit(rules: Sequence[Rule], suite: Suite) -> None:
    if not rules:
        raise FraudlossError(f'{suite.file}: no rules for records. What to do: add "cases" to the frames of the suite.')
    for rule in rules:
        limits = {name: value for name, value in rule.kwargs.items() if name in ("min_value", "max_value") and value is not None}
        whole = rule.type == "expect_table_row_count_to_be_between" and limits != {"min_value": 1}
        if whole or not (rule.by_row or rule.type.startswith("expect_table_")):
            raise FraudlossError(
                f"{suite.file}, rule {rule.id}: a ledger is judged row by row, and asked whether it has any row."
                " What to do: ask it of the observations."
            )


# -------------------------------------------------------------------------------------------------------------- witnesses


@dataclasses.dataclass(frozen=True)
class _Chosen:
    """The witnesses of a file, and for each rule how many rows of the kind that it looks at there are: all, and empty ones."""

    frame: pd.DataFrame
    part: np.ndarray[Any, Any]  # of each row of the frame the part that it stands in; -1 for one that reading marked
    kinds: dict[str, list[tuple[int, int, int]]]  # rule -> (row of the frame, rows of its combination, empty ones)


def _witnesses_of(file: File, rules: Sequence[Rule]) -> _Chosen:
    frames, parts, kinds, start = [], [], dict[str, list[tuple[int, int, int]]](), 0
    for number, part in enumerate(file.parts):
        frame = with_days(part.frame(), file.known_at)
        if not len(frame):
            continue
        columns, places = _Columns(frame), set[int]()
        counted: dict[str, list[tuple[int, int, int]]] = {}
        for rule in rules:
            if rule.by_row:
                own, counted[rule.id] = _places(columns, rule)
                places.update(own)
        kept = np.array(sorted(places | {0}))
        where = {place: start + position for position, place in enumerate(kept.tolist())}
        for rule_id, groups in counted.items():
            kinds.setdefault(rule_id, []).extend((where[place], rows, empty) for place, rows, empty in groups)
        frames.append(frame.iloc[kept])
        parts.append(np.full(len(kept), number))
        start += len(kept)
    marked = with_days(file.marked, file.known_at)
    frames = [*frames, *([marked] if len(marked) or not frames else [])]
    joined = _joined(frames)
    return _Chosen(joined, np.concatenate([*parts, np.full(len(joined) - start, -1)]), kinds)


def with_days(cases: pd.DataFrame, known_at: Any) -> pd.DataFrame:
    """The cases with the helper columns that rules on cases may name."""
    return with_case_helpers(cases.reset_index(drop=True), known_at)


def _joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Below each other; labels stay categories, of all that any of the frames knows."""
    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    columns: dict[str, Any] = {}
    for name in frames[0].columns:
        parts = [frame[name] for frame in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals([part.array for part in parts], ignore_order=True)
        else:
            columns[name] = np.concatenate([part.to_numpy() for part in parts])
    return pd.DataFrame(columns)


class _Columns:
    """The columns of a partition as numbers, each worked out once for all rules."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._missing: dict[str, Any] = {}
        self._numbered: dict[tuple[str, ...], tuple[Any, int]] = {}

    def is_label(self, name: str) -> bool:
        """Whether it is a column of labels."""
        return isinstance(self.frame[name].dtype, pd.CategoricalDtype)

    def missing(self, name: str) -> Any:
        """In which rows nothing stands."""
        if name not in self._missing:
            column = self.frame[name]
            self._missing[name] = column.cat.codes.to_numpy() < 0 if self.is_label(name) else column.isna().to_numpy()
        return self._missing[name]

    def numbered(self, names: Sequence[str]) -> tuple[Any, int]:
        """One number a row for the combination of what stands in these columns, and how many numbers there may be."""
        key = tuple(names)
        if key not in self._numbered:
            number, size = np.zeros(len(self.frame), dtype=np.int64), 1
            for name in key:
                codes, count = self._codes(name)
                number, size = number * count + codes, size * count
                if size > len(self.frame) + 1000:
                    # Many combinations, few of them there.
                    values, codes = np.unique(number, return_inverse=True)
                    number, size = codes.reshape(-1), len(values)
            self._numbered[key] = number, size
        return self._numbered[key]

    def _codes(self, name: str) -> tuple[Any, int]:
        column = self.frame[name]
        if self.is_label(name):
            return column.cat.codes.to_numpy().astype(np.int64) + 1, len(column.cat.categories) + 1
        codes, values = pd.factorize(column, use_na_sentinel=False)
        return codes, len(values)


def _places(columns: _Columns, rule: Rule) -> tuple[list[int], list[tuple[int, int, int]]]:
    """The rows that the rule has to see, and for each combination of what its condition looks at: a row of it, how many rows it
    has, and how many of them are empty."""
    conditions = sorted(evaluation.condition_columns(rule) - {_MARK})
    named = [rule.kwargs[name] for name in ("column", "column_A", "column_B") if name in rule.kwargs]
    length = len(columns.frame)
    empty = np.zeros(length, dtype=bool)
    if rule.type not in _NULLS and named:
        empty = np.logical_and.reduce([columns.missing(name) for name in named])
    group, size = columns.numbered(conditions)
    if not conditions:
        counted = [(0, length, int(empty.sum()))]
    else:
        rows = np.bincount(group, minlength=size)
        nothing = np.bincount(group, weights=empty, minlength=size).astype(int)
        first = _first_of_each(group, size)
        counted = [(int(first[kind]), int(rows[kind]), int(nothing[kind])) for kind in np.flatnonzero(rows)]
    return [*(place for place, _, _ in counted), *_seen(columns, rule, named, group, size)], counted


def _seen(columns: _Columns, rule: Rule, named: Sequence[str], group: Any, size: int) -> list[int]:
    if rule.type in _NULLS:
        missing = columns.missing(named[0])
        if size > 1:
            return _distinct(group * 2 + missing, size * 2)
        return [int(missing.argmin()), int(missing.argmax())]
    if rule.type in _EXTREMES:
        values, there = columns.frame[named[0]].to_numpy(), ~columns.missing(named[0])
        found: list[int] = []
        for kind in range(size):
            own = np.flatnonzero(there & (group == kind)) if size > 1 else np.flatnonzero(there)
            found += [int(own[values[own].argmin()]), int(own[values[own].argmax()])] if len(own) else []
        return found
    if rule.type in _ONE_OF_EACH and all(columns.is_label(name) for name in named):
        codes, count = columns.numbered(named)
        if (
            size == 1
            and len(named) == 1
            and len(columns.frame[named[0]].cat.categories) == 1
            and not columns.missing(named[0]).any()
        ):
            return [0]
        return _distinct(group * count + codes, size * count)
    # Nothing is known of how such a rule looks at a row: it sees them all.
    return list(range(len(columns.frame)))


def _first_of_each(number: Any, size: int) -> Any:
    first = np.zeros(size, dtype=np.int64)
    # Of several assignments to one place the last one holds: the first row comes last.
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return first


def _distinct(number: Any, size: int) -> list[int]:
    first, there = _first_of_each(number, size), np.zeros(size, dtype=bool)
    there[number] = True
    return first[there].tolist()


# ---------------------------------------------------------------------------------------------------------------- verdicts


@dataclasses.dataclass(frozen=True)
class _Said:
    """What Great Expectations says of a file's witnesses, and for each rule which of them it looks at, and finds empty."""

    of: dict[str, dict[str, Any]]
    looked_at: dict[str, tuple[Any, Any]]


def _said_together(frames: Sequence[pd.DataFrame], rules: tuple[Rule, ...], suite: Suite) -> list[_Said]:
    """One evaluation for all frames that have rows: whether they have any, and which columns, is the same for them all."""
    filled = [number for number, frame in enumerate(frames) if len(frame)]
    alike = [number for number in filled if list(frames[number].columns) == list(frames[filled[0]].columns)]
    said = {
        number: _Said(evaluation.evaluate(frame, rules, suite), {}) for number, frame in enumerate(frames) if number not in alike
    }
    if alike:
        pool = _comparable(_joined([frames[number] for number in alike]), rules)
        whole = evaluation.evaluate(pool, rules, suite)
        looked_at = {rule.id: evaluation.looked_at(rule, pool) for rule in rules if rule.by_row}
        start = 0
        for number in alike:
            end = start + len(frames[number])
            shares = {
                rule_id: evaluation.share_of(found, start, end, *looked_at[rule_id]) if rule_id in looked_at else found
                for rule_id, found in whole.items()
            }
            own = {rule_id: tuple(mask.to_numpy()[start:end] for mask in masks) for rule_id, masks in looked_at.items()}
            said[number] = _Said(shares, own)  # type: ignore[arg-type]
            start = end
    return [said[number] for number in range(len(frames))]


def _comparable(frame: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Two columns of labels can be compared with each other as texts only."""
    paired = {rule.kwargs[name] for rule in rules for name in ("column_A", "column_B") if name in rule.kwargs}
    return frame.astype(dict.fromkeys(sorted(paired), object))


def _judged(file: File, chosen: _Chosen, said: _Said, rules: tuple[Rule, ...], suite: Suite) -> Judged:
    """The verdict on a file; parts of which a witness broke a rule are judged row by row first."""
    bad = {
        int(chosen.part[row])
        for rule in rules
        if rule.by_row
        for row in said.of.get(rule.id, {}).get("result", {}).get("unexpected_index_list") or []
    } - {-1}
    frame, found = _with_whole_parts(file, chosen, sorted(bad), rules, suite) if bad else (chosen.frame, said.of)
    read = sum(part.rows for part in file.parts) + len(file.marked)
    scaled = {rule.id: _scaled(found[rule.id], rule, read, chosen, said) for rule in rules if rule.id in found}
    judged = {"cases": (frame, rules, scaled)}
    verdict = verdict_on(frame.drop(columns=list(CASE_HELPER_COLUMNS)), suite, file.name, judged, read)
    out: dict[str, list[int]] = {}
    sound = verdict.quarantined[(verdict.quarantined[_MARK] == "").to_numpy()]
    for month, row in zip(sound["month"], sound["row"], strict=True):
        out.setdefault(str(month), []).append(int(row))
    return Judged(verdict, read - len(verdict.quarantined), out)


def _with_whole_parts(
    file: File, chosen: _Chosen, bad: Sequence[int], rules: tuple[Rule, ...], suite: Suite
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """The witnesses with all rows of the bad parts in the place of theirs, and what is said of these."""
    others = chosen.frame[~np.isin(chosen.part, bad)]
    whole = [with_days(file.parts[number].frame(), file.known_at) for number in bad]
    frame = _joined([*whole, others] if len(others) else whole)
    return frame, evaluation.evaluate(_comparable(frame, rules), rules, suite)


def _scaled(found: dict[str, Any], rule: Rule, read: int, chosen: _Chosen, said: _Said) -> dict[str, Any]:
    """What was found, with the number of rows that it speaks for in the place of the witnesses'."""
    if found["raised"] or (rule.by_row and rule.id not in said.looked_at):
        return found
    if not rule.by_row:
        counts = rule.type == "expect_table_row_count_to_be_between"
        return {**found, "result": {**found["result"], "observed_value": read}} if counts else found
    of_its_kind, nothing = said.looked_at[rule.id]
    marked = chosen.part == -1
    groups = [(rows, empty) for place, rows, empty in chosen.kinds.get(rule.id, ()) if of_its_kind[place]]
    elements = sum(rows for rows, _ in groups) + int((marked & of_its_kind).sum())
    missing = sum(empty for _, empty in groups) + int((marked & nothing).sum())
    return {**found, "result": {**found["result"], "element_count": elements, "missing_count": missing}}
