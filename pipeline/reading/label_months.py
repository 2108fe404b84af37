"""The labels of a crosswalk, and the months in which each of them may stand.

In: a source's `crosswalk.csv`. Out: labels in its order, and stretches of months as integers (see `month_number`), so that the
months of a million records are compared at once.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipeline.model import Period
from pipeline.reading.crosswalk import crosswalk_rows

ALWAYS = (0, 12 * 10_000)  # months of a label without valid_from and valid_to


def native_labels(path: Path, dimension: str) -> list[str]:
    """The publisher's labels of a dimension that the crosswalk lists, in its order."""
    return [native for name, native in crosswalk_rows(path) if name == dimension]


def months_in_force(path: Path, dimension: str, label: str) -> list[tuple[int, int]]:
    """The stretches of months (see month_number; both ends included) in which the label may stand."""
    return [
        (
            month_number(Period.parse(row["valid_from"]).start) if row["valid_from"] else ALWAYS[0],
            month_number(Period.parse(row["valid_to"]).end) if row["valid_to"] else ALWAYS[1],
        )
        for row in crosswalk_rows(path)[dimension, label]
    ]


def month_number(day: dt.date) -> int:
    """Months since the year 0, so that months can be counted with integers."""
    return day.year * 12 + day.month - 1


def month_code(number: int) -> str:
    """The month of a month_number as `2024-03`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
