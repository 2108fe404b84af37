"""Columns of texts to cases (pipeline.reading.cases), one distinct text at a time.

In: the `Texts` of a delivery, and the source's `crosswalk.csv`; its reader says which column is what. Out: a frame of
CASE_COLUMNS. Rows that cannot be read exactly are marked, never dropped. Each distinct text is parsed once, by plain Python that
is easy to read and exact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.reading.case_rules import Unreadable, fold_label, parse_day
from pipeline.reading.cases import CASE_COLUMNS
from pipeline.reading.label_months import ALWAYS, month_code, months_in_force, native_labels
from pipeline.reading.record_corrections import DECLARED_WRONG
from pipeline.reading.record_texts import Numbers, Texts


@dataclass
class CaseBuilder:
    """Texts to columns of cases, one distinct text at a time; remembers which rows broke which rule."""

    texts: Texts
    crosswalk: Path
    broken: dict[int, list[tuple[str, str]]] = field(default_factory=dict)  # position -> (rule, what was found)

    def __post_init__(self) -> None:
        for position, text in zip(self.texts.ragged.tolist(), self.texts.ragged_texts, strict=True):
            self.broken[position] = [("row_ragged", text)]
        self._ragged = frozenset(self.broken)
        for position, name, declared in self.texts.corrected:
            if declared.value is None:
                marks = self.broken.setdefault(position, [])
                marks.append((DECLARED_WRONG, f"{self.texts.header(name)}: {declared.expect!r}: {declared.reason}"))

    def mark(self, rows: Numbers, rule: str, name: str) -> None:
        """Note that the rows (a mask) broke the rule, with the text of column `name` in each."""
        codes, found = self.texts.codes(name)
        for position in np.flatnonzero(rows).tolist():
            self._mark(position, rule, name, found[codes[position]])

    def _mark(self, position: int, rule: str, name: str, text: str) -> None:
        # A row of a wrong length has no columns that could be right or wrong.
        if position not in self._ragged:
            self.broken.setdefault(position, []).append((rule, f"{self.texts.header(name)}: {text!r}"))

    def parsed(self, name: str, parse: Callable[[str], int]) -> tuple[Numbers, Numbers]:
        """Column `name` as int64 and the mask of the rows in which it could be parsed; others hold 0 and are marked."""
        codes, texts = self.texts.codes(name)
        values, rules = np.zeros(len(texts), dtype=np.int64), [""] * len(texts)
        for code, text in enumerate(texts):
            try:
                values[code] = parse(text)
            except Unreadable as error:
                rules[code] = error.rule
        readable = np.array([not rule for rule in rules], dtype=bool)[codes]
        for position in np.flatnonzero(~readable).tolist():
            self._mark(position, rules[codes[position]], name, texts[codes[position]])
        return values[codes], readable

    def days(self, name: str) -> pd.Series:
        """Column `name` as datetime64[ns]; NaT and a mark where it is no day."""
        ordinals, readable = self.parsed(name, lambda text: parse_day(text).toordinal() - _EPOCH)
        days = ordinals.astype("datetime64[D]").astype("datetime64[ns]")
        days[~readable] = np.datetime64("NaT")
        return pd.Series(days)

    def labels(self, name: str, dimension: str, months: Numbers, *, first_language: bool = False) -> pd.Categorical:
        """Column `name` as the crosswalk's labels of the dimension; a missing value and a mark where it is none of them.

        `first_language`: the text is bilingual, `English / français`, and the part before the slash is the label.
        `months`: month numbers, against which the stretch of time in which a label may stand is checked.
        """
        codes, texts = self.texts.codes(name)
        if first_language:
            texts = [text.split(" / ")[0] for text in texts]
        return self.known_labels(codes, texts, name, dimension, months)

    def known_labels(self, codes: Numbers, texts: Sequence[str], name: str, dimension: str, months: Numbers) -> pd.Categorical:
        """The same for labels that were put together from several columns; `name` is the column to blame."""
        known = {fold_label(label): label for label in native_labels(self.crosswalk, dimension)}
        found = [known.get(fold_label(text)) for text in texts]
        categories = sorted({label for label in found if label is not None})
        place = {label: code for code, label in enumerate(categories)}
        lookup = np.array([-1 if label is None else place[label] for label in found], dtype=np.int32)
        result = lookup[codes] if len(lookup) else np.zeros(0, dtype=np.int32)
        for position in np.flatnonzero(result < 0).tolist():
            self._mark(position, "label_unknown", name, texts[codes[position]])
        self._mark_not_in_force(result, categories, name, dimension, months)
        return categorical(result, categories)

    def _mark_not_in_force(self, result: Numbers, categories: Sequence[str], name: str, dimension: str, months: Numbers) -> None:
        for code, label in enumerate(categories):
            stretches = months_in_force(self.crosswalk, dimension, label)
            if stretches != [ALWAYS]:
                allowed = np.zeros(len(months), dtype=bool)
                for first, last in stretches:
                    allowed |= (months >= first) & (months <= last)
                for position in np.flatnonzero((result == code) & ~allowed & (months > 0)).tolist():
                    self._mark(position, "label_not_in_force", name, label)

    def frame(self, **columns: Any) -> pd.DataFrame:
        """The cases: `columns` beside those that every file has, in the order of CASE_COLUMNS."""
        texts = self.texts
        for each in texts.corrected:
            if each.name not in texts.read:
                raise each.declared.unread()
        given = {
            "row": texts.rows,
            "file": categorical(texts.member, texts.members),
            "classification": categorical(texts.layout, [layout.classification for layout in texts.layouts]),
            **columns,
            **self._problems(),
        }
        return pd.DataFrame({name: given.pop(name) for name in (*CASE_COLUMNS, *given) if name in given})

    def _problems(self) -> dict[str, pd.Categorical]:
        size, broken = len(self.texts), self.broken.items()
        return {
            "problem": _sparse_texts(size, {place: "; ".join(sorted({rule for rule, _ in marks})) for place, marks in broken}),
            "problem_text": _sparse_texts(size, {place: "; ".join(text for _, text in marks) for place, marks in broken}),
        }


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _sparse_texts(size: int, texts: Mapping[int, str]) -> pd.Categorical:
    categories = ["", *sorted(set(texts.values()))]
    place = {text: code for code, text in enumerate(categories)}
    codes = np.zeros(size, dtype=np.int32)
    for position, text in texts.items():
        codes[position] = place[text]
    return categorical(codes, categories)


def categorical(codes: Numbers, labels: Sequence[str]) -> pd.Categorical:
    """Codes into labels as a categorical; labels that repeat become one, the code -1 a missing value."""
    categories = list(dict.fromkeys(labels))
    lookup = np.array([*(categories.index(label) for label in labels), -1], dtype=np.int32)
    return pd.Categorical.from_codes(lookup[codes], categories=pd.Index(categories, dtype="str"))


def month_numbers(days: pd.Series) -> Numbers:
    """The month_number of each day; 0 where there is none."""
    months = days.to_numpy().astype("datetime64[M]")
    numbers = months.astype(np.int64) + 12 * 1970
    numbers[np.isnat(months)] = 0
    return numbers


def month_labels(numbers: Numbers) -> pd.Categorical:
    """Month numbers as `2024-03`; a missing value for 0."""
    present, codes = np.unique(numbers, return_inverse=True)
    offset = 1 if len(present) and present[0] == 0 else 0
    categories = [month_code(int(number)) for number in present[offset:]]
    return categorical(codes.reshape(-1) - offset, categories)
