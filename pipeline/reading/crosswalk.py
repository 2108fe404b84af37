"""A source's crosswalk: the publisher's labels to common codes.

In: `crosswalk.csv` of a source (dimension, native_code, valid_from, valid_to, common_code, match, additive, note, evidence). Out:
its rows by dimension and label.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path

from pipeline.model import Period


@functools.cache
def crosswalk_rows(path: Path) -> Mapping[tuple[str, str], tuple[Mapping[str, str], ...]]:
    """The crosswalk at `path`: (dimension, native code) -> its rows, one for each stretch of time."""
    rows: dict[tuple[str, str], tuple[Mapping[str, str], ...]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            key = (row["dimension"], row["native_code"])
            rows[key] = (*rows.get(key, ()), row)
    return rows


def in_force(row: Mapping[str, str], period: Period) -> bool:
    """Whether a row of a crosswalk holds for the whole period."""
    begins = Period.parse(row["valid_from"]).start if row["valid_from"] else period.start
    ends = Period.parse(row["valid_to"]).end if row["valid_to"] else period.end
    return begins <= period.start and period.end <= ends
