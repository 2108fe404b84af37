"""Scamwatch's exports of cells to cases.

In: a zip of partial exports (half-years, quarters), or one of them: one row for each cell of month, state, contact, age, sex and
category that has reports, with their number and the sum of their losses. Out: cases (pipeline.reading.cases) whose `cases` is
the number of reports of the cell and whose `loss_minor` the sum of their losses.

What is odd about it: a blank amount means that no loss was reported, but only until `blank_amount_until`; later exports write
`$0.00`, and a blank there is a gap. An export speaks for the months that have rows in it: a month that none has is a hole, not a
zero. Two exports that hold the same month would count it twice and are refused. The publisher announced exports without
`Category_Level_2` in another classification of categories: such a file is refused by the name of the column until its layout and
labels are declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.model import Period, RefusedInput, Snapshot
from pipeline.reading.case_builder import CaseBuilder, month_labels, month_numbers
from pipeline.reading.case_rules import Unreadable, fold_label, parse_count, parse_money
from pipeline.reading.csv_members import csv_members
from pipeline.reading.label_months import month_code, month_number
from pipeline.reading.record_corrections import RecordCorrection
from pipeline.reading.record_layouts import Layout
from pipeline.reading.record_texts import Numbers, Texts, read_texts
from pipeline.sources.catalogue import Source

KEY = ("date", "area", "contact", "age", "sex", "native_type")


def read_cases(path: Path, snapshot: Snapshot, source: Source, corrections: Sequence[RecordCorrection] = ()) -> pd.DataFrame:
    """Every cell of the exports, in the order of their names. Raises RefusedInput for a file that is not what it should be."""
    layouts = [Layout.from_meta(layout) for layout in source.meta["layouts"]]
    texts = read_texts(csv_members(path), layouts, snapshot.file, corrections, ends_with_line_break=True)
    build = CaseBuilder(texts, source.folder / "crosswalk.csv")
    first_days = build.days("date")
    build.mark((first_days.dt.day > 1).to_numpy(), "date_not_first_of_month", "date")
    months = month_numbers(first_days)
    _refuse_shared_months(texts, months, snapshot.file)
    losses, readable = build.parsed("loss", _amount_or_blank)
    last_blank = month_number(Period.parse(str(source.meta["blank_amount_until"])).end)
    gap = _is_blank(texts, "loss") & (months > last_blank)
    build.mark(gap, "loss_blank", "loss")
    _mark_groups(build, texts, source)
    _mark_repeated_cells(build, texts)
    return build.frame(
        date=first_days,
        month=month_labels(months),
        area=build.labels("area", "area", months),
        native_type=build.labels("native_type", "fraud_type", months),
        contact=build.labels("contact", "contact", months),
        age=build.labels("age", "age", months),
        sex=build.labels("sex", "sex", months),
        cases=build.parsed("cases", _at_least_one)[0],
        loss_minor=losses,
        loss_known=readable & ~gap,
    )


def _amount_or_blank(text: str) -> int:
    return parse_money(text) if text.strip() else 0


def _at_least_one(text: str) -> int:
    if count := parse_count(text):
        return count
    raise Unreadable("count_zero")


def _is_blank(texts: Texts, name: str) -> Numbers:
    codes, found = texts.codes(name)
    return np.array([not text.strip() for text in found], dtype=bool)[codes]


def _refuse_shared_months(texts: Texts, months: Numbers, file: str) -> None:
    """Raises RefusedInput where two members hold one month: each export covers its own."""
    pairs = np.unique(np.stack([months, texts.member]), axis=1)
    numbers, counts = np.unique(pairs[0], return_counts=True)
    shared = numbers[(counts > 1) & (numbers > 0)]
    if len(shared):
        month = int(shared[0])
        names = [texts.members[place] for place in pairs[1][pairs[0] == month]]
        raise RefusedInput(
            file=file,
            cell=", ".join(names),
            found=f"{month_code(month)} in {len(names)} of the exports",
            expected="each month in one export",
            action="leave out the export that is older; which one it is, nobody but you can know",
        )


def _mark_groups(build: CaseBuilder, texts: Texts, source: Source) -> None:
    """Mark the cells whose category does not belong to the group that stands beside it."""
    if "group" not in texts.table.column_names:
        return
    group_of = {fold_label(label): fold_label(group) for group, labels in source.meta["groups"].items() for label in labels}
    group_codes, groups = texts.codes("group")
    type_codes, types = texts.codes("native_type")
    folded_groups = [fold_label(group) for group in groups]
    place = {group: code for code, group in enumerate(folded_groups)}
    expected = np.array([place.get(group_of.get(fold_label(label), ""), -1) for label in types], dtype=np.int64)
    known = np.array([fold_label(label) in group_of for label in types], dtype=bool)
    # Layouts without groups leave the column blank.
    grouped = np.array([bool(group) for group in folded_groups], dtype=bool)[group_codes]
    build.mark(known[type_codes] & grouped & (expected[type_codes] != group_codes), "labels_contradict", "group")


def _mark_repeated_cells(build: CaseBuilder, texts: Texts) -> None:
    """Mark every occurrence of a cell that stands more than once: nobody can tell which of them holds."""
    cell = np.zeros(len(texts), dtype=np.int64)
    for name in KEY:
        codes, labels = texts.codes(name)
        cell = cell * len(labels) + codes
    _, places, counts = np.unique(cell, return_inverse=True, return_counts=True)
    build.mark(counts[places.reshape(-1)] > 1, "cell_repeated", "cases")
