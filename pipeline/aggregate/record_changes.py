"""Record-level files compared from vintage to vintage: rows added, withdrawn and changed, and how late they were reported.

In: the sound cases of a month in two snapshots, as frames (pipeline.reading.cases). Out: counts of rows, and a row of
RECORD_CHANGE_COLUMNS (pipeline.frames) for each month and each snapshot that speaks for it.

Two files are compared as bags of rows, because a publisher's row number is no key: every number shifts when a late report is
entered. Rows that are alike in all but loss and number of victims, on either side, are the same reports with another amount.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.frames import RECORD_CHANGE_COLUMNS
from pipeline.model import Period, Snapshot

# Where a row stands and what was found wrong with it is not what it says.
_ADDRESS_COLUMNS = ("row", "file", "problem", "problem_text")
_AMOUNT_COLUMNS = ("loss_minor", "loss_known", "victims")


class RowCounts(NamedTuple):
    """How two bags of rows differ. before + added - withdrawn = after; a changed row is in neither."""

    before: int
    after: int
    added: int
    withdrawn: int
    changed: int


def compare_records(before: pd.DataFrame, after: pd.DataFrame) -> RowCounts:
    """Count what became of the rows of one month, by the columns that both files have."""
    columns = sorted(set(before.columns) & set(after.columns) - set(_ADDRESS_COLUMNS))
    lasting = [name for name in columns if name not in _AMOUNT_COLUMNS]
    rows, reports = _alike(before, after, columns), _alike(before, after, lasting)
    kinds = rows.max(initial=-1) + 1
    old, new = (np.bincount(side, minlength=kinds) for side in (rows[: len(before)], rows[len(before) :]))
    report_of = np.zeros(kinds, dtype=np.int64)
    report_of[rows] = reports
    gone, come = (np.bincount(report_of, weights=np.maximum(net, 0)).astype(int) for net in (old - new, new - old))
    changed = int(np.minimum(gone, come).sum())
    return RowCounts(len(before), len(after), int(come.sum()) - changed, int(gone.sum()) - changed, changed)


def _alike(before: pd.DataFrame, after: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """A number for each row of both frames, the first one's in front; rows that are alike in these columns have the same."""
    numbers = np.zeros(len(before) + len(after), dtype=np.int64)
    for name in columns:
        values = pd.concat([before[name], after[name]], ignore_index=True)
        codes, found = pd.factorize(values, use_na_sentinel=False)
        numbers = pd.factorize(numbers * len(found) + codes)[0]
    return numbers


def record_changes(
    snapshots: Iterable[tuple[Snapshot, Mapping[str, int]]],
    read_month: Callable[[Snapshot, str], pd.DataFrame],
    *,
    earlier: pd.DataFrame,
) -> pd.DataFrame:
    """What each snapshot changed of each month that it holds, against the one that spoke for the month before.

    `snapshots`: each with its months and how many rows they hold. `earlier`: the rows (RECORD_CHANGE_COLUMNS) of snapshots that
    were compared already; they are kept as they are. The first snapshot of a month adds all its rows.
    """
    speaking: dict[str, Snapshot] = {}
    done = set(earlier["snapshot_after"])
    rows = []
    for snapshot, months in sorted(snapshots, key=lambda item: item[0].order):
        for month, held in months.items():
            if snapshot.id not in done:
                rows.append(_of_month(month, held, speaking.get(month), snapshot, read_month))
            speaking[month] = snapshot
    return pd.concat([earlier, pd.DataFrame(rows, columns=RECORD_CHANGE_COLUMNS, dtype=object)], ignore_index=True)


def _of_month(
    month: str, held: int, before: Snapshot | None, after: Snapshot, read_month: Callable[[Snapshot, str], pd.DataFrame]
) -> tuple[Any, ...]:
    # Millions of rows that there is nothing to compare with need not be read to be counted.
    first = RowCounts(0, held, held, 0, 0)
    counts = compare_records(read_month(before, month), read_month(after, month)) if before else first
    lag: dt.timedelta = after.known_at - Period.parse(month).end
    return (after.source, month, after.known_at, before.id if before else None, after.id, *counts, lag.days)
