"""Which records of a ledger have the id of another one, across all of its month partitions: exact, and without a text for any
row.

In: the ids of each partition as `SortedIds`. Out: the rows that repeat an id, each with the row that has it already.

How it is computed: an id is one 64-bit number: a whole number itself, a text by its hash. Each partition's are sorted once
and kept on disk; partitions whose numbers lie apart are never compared. In the others each number is looked up by bisection:
O(n log m). Two texts of one hash are compared themselves before anything is said, so a chance meeting of hashes harms nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Numbers = np.ndarray[Any, np.dtype[Any]]

SCHEMA = pa.schema([("key", pa.uint64()), ("row", pa.int64())])


@dataclass(frozen=True)
class SortedIds:
    """The ids of a partition as ascending keys, with the number of the row that each is of; equal keys by row."""

    keys: Numbers  # uint64
    rows: Numbers

    @classmethod
    def of(cls, ids: pa.ChunkedArray, rows: Numbers) -> SortedIds:
        """Of a column of whole numbers or texts, without nulls."""
        if pa.types.is_integer(ids.type):
            keys = ids.to_numpy().astype(np.int64).view(np.uint64)
        else:
            keys = pd.util.hash_array(ids.to_numpy(zero_copy_only=False), categorize=False)
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], rows[order])

    @classmethod
    def read(cls, content: bytes) -> SortedIds:
        """From the bytes of a file that `table` was written to."""
        table = pq.read_table(pa.BufferReader(content), schema=SCHEMA)
        return cls(table.column("key").to_numpy(), table.column("row").to_numpy())

    def put(self, path: Path) -> None:
        """Put them aside for `mapped`."""
        np.save(path, np.stack([self.keys, self.rows.view(np.uint64)]))

    @classmethod
    def mapped(cls, path: Path) -> SortedIds:
        """What was put aside, on disk until it is looked at, and given back after."""
        keys, rows = np.load(path, mmap_mode="r")
        return cls(keys, rows.view(np.int64))

    @property
    def table(self) -> pa.Table:
        """For keeping."""
        return pa.table([pa.array(self.keys), pa.array(self.rows)], schema=SCHEMA)

    @property
    def span(self) -> tuple[int, int] | None:
        """The least and the largest key; None where there is none."""
        return (int(self.keys[0]), int(self.keys[-1])) if len(self.keys) else None


@dataclass(frozen=True)
class Repeat:
    """A row whose id another row has already."""

    row: int
    other: str  # the name of the partition of the other row
    other_row: int


def repeats_within(ids: SortedIds, name: str, texts: Callable[[Sequence[int]], Mapping[int, Any]]) -> list[Repeat]:
    """The rows of a partition whose id an earlier row of it has. `texts`: rows -> the id of each, as it stands there."""
    same = np.flatnonzero(ids.keys[1:] == ids.keys[:-1])
    if not len(same):
        return []
    asked = np.unique(np.concatenate([ids.rows[same], ids.rows[same + 1]])).tolist()
    found, first, repeated = texts(asked), dict[Any, int](), []
    for row in asked:
        if first.setdefault(found[row], row) != row:
            repeated.append(Repeat(row, name, first[found[row]]))
    return repeated


def repeats_of(
    ids: SortedIds,
    texts: Callable[[Sequence[int]], Mapping[int, Any]],
    others: Iterable[tuple[str, SortedIds, Callable[[Sequence[int]], Mapping[int, Any]]]],
) -> list[Repeat]:
    """The rows whose id a row of another partition has; of several, the first of `others` is named. One is held at a time."""
    found: dict[int, Repeat] = {}
    for name, other, other_texts in others:
        places = np.minimum(np.searchsorted(other.keys, ids.keys), max(len(other.keys) - 1, 0))
        same = np.flatnonzero(other.keys[places] == ids.keys) if len(other.keys) else np.zeros(0, dtype=np.int64)
        if not len(same):
            continue
        own = texts(ids.rows[same].tolist())
        # Texts of one hash stand side by side there.
        stop = np.searchsorted(other.keys, ids.keys[same], side="right")
        theirs = other_texts(
            [row for place, end in zip(places[same], stop, strict=True) for row in other.rows[place:end].tolist()]
        )
        rows_by_id: dict[Any, int] = {}
        for row, text in theirs.items():
            rows_by_id.setdefault(text, row)
        for row, text in own.items():
            if text in rows_by_id and row not in found:
                found[row] = Repeat(row, name, rows_by_id[text])
    return [found[row] for row in sorted(found)]


def ids_at(path: Path, rows: Sequence[int]) -> dict[int, Any]:
    """Row -> the id that stands in it, of a partition."""
    table = pq.read_table(path, columns=["row", "record_id"])
    kept = table.filter(pc.is_in(table.column("row"), value_set=pa.array(rows, pa.int64())))
    return dict(zip(kept.column("row").to_pylist(), kept.column("record_id").to_pylist(), strict=True))
