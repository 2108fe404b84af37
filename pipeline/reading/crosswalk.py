"""A source's crosswalk: the publisher's labels to common codes.

In: `crosswalk.csv` of a source: dimension, native_code (the publisher's label), valid_from and valid_to (periods, or empty),
common_code (of pipeline.reference), match, additive (Y, or N where the label overlaps others), the facets auth, persona,
channel, payment and crypto (what the label's own definition says beside the type, or empty), note, evidence. Out: its rows by
dimension and label.

`match`: exact; broad (the publisher's label is wider than the common code); narrow (it is a part of it); partial (they overlap:
it leads to a type at the top of the list and is never split); none (a label that is no fraud type, leads to `_Z`).
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
