"""Blocks of a ledger's file -> month partitions (pipeline.reading.partitions), and what became of each row.

In: the blocks in the order of the file, and an empty folder outside the data root. Out: in the folder one `<month>.parquet` for
each month that has reports, with a further column `row` (record number as a spreadsheet shows it, the header is row 1), and
`Streamed`: how many rows were read and kept, of which months, and the rows that were not kept, with the rule that each broke.
Raises RefusedInput for a file of which more than MAXIMUM_QUARANTINED rows break a rule.

Rows are kept by month until BUFFER_ROWS are waiting; then the month with most rows is written, while other threads parse. A file
in the order of time thus gives whole row groups in one pass, and one without order more and smaller ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.model import Period, refused
from pipeline.reading.ledger_layout import RULES, LedgerLayout
from pipeline.reading.ledger_rows import Block, CorrectedRow
from pipeline.reading.partitions import ROW_GROUP_ROWS, parquet_options

BUFFER_ROWS = 2_000_000
CLOSING_THREADS = 2  # each writes months of its own; by then nothing is parsed any more
MAXIMUM_QUARANTINED = 100_000
QUARANTINE_COLUMNS = ("row", "column", "text", "rule")


@dataclass(frozen=True)
class Streamed:
    """What became of the rows of a file."""

    read: int
    months: Mapping[str, int]  # month -> rows kept
    quarantined: pd.DataFrame  # QUARANTINE_COLUMNS
    corrected: tuple[CorrectedRow, ...] = ()


class RowWriter:
    """Takes the blocks of a file in their order, writes their sound rows by month, and counts every row.

    A file that says which months it is of has a partition of each of them, also where it has no rows of one.
    """

    def __init__(self, path: Path, layout: LedgerLayout, folder: Path, buffer_rows: int = BUFFER_ROWS) -> None:
        self._path, self._layout = path, layout
        self._months = _Months(folder, layout.schema, buffer_rows)
        self._quarantined: list[tuple[int, str, str, str]] = []
        self._corrected: list[CorrectedRow] = []
        self.read = 0  # rows

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *_: object) -> None:
        days = self._layout.days
        self._rows = self._months.close(Period.months_between(*days).months if days else ())

    def add(self, block: Block) -> None:
        """Take in the next rows. Raises RefusedInput where more than MAXIMUM_QUARANTINED are unsound."""
        # The header is row 1.
        first = self.read + 2
        self._months.add(block.table.add_column(0, self._layout.schema.field("row"), pa.array(block.rows + first)))
        self._quarantined += [(first + place, column, text, rule) for place, column, text, rule in block.quarantined]
        self._corrected += block.corrected
        self.read += len(block.rows) + len(block.quarantined)
        if len(self._quarantined) > MAXIMUM_QUARANTINED:
            row, column, text, rule = self._quarantined[0]
            found = f"more than {MAXIMUM_QUARANTINED} rows that break a rule, the first in row {row}: {text!r}"
            raise refused(self._path.name, f"column {column}", found, RULES[rule], "see whether the layout has changed")

    def streamed(self) -> Streamed:
        """What became of the rows, once all are written."""
        quarantined = pd.DataFrame(self._quarantined, columns=list(QUARANTINE_COLUMNS))
        return Streamed(self.read, self._rows, quarantined, tuple(self._corrected))


class _Months:
    """Keeps rows by month and writes them in large row groups."""

    def __init__(self, folder: Path, schema: pa.Schema, buffer_rows: int) -> None:
        self._folder, self._schema, self._buffer_rows = folder, schema, buffer_rows
        self._waiting: dict[str, list[pa.Table]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = {}

    def add(self, table: pa.Table) -> None:
        """Take in rows of any months."""
        months = table.column("date").to_numpy().astype("datetime64[M]").astype(np.int64)
        if len(months) and (months[1:] < months[:-1]).any():
            order = np.argsort(months, kind="stable")
            table, months = table.take(pa.array(order)), months[order]
        limits = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(months)]
        for start, stop in itertools.pairwise(limits if len(months) else ()):
            month = str(np.datetime64(int(months[start]), "M"))
            self._waiting.setdefault(month, []).append(table.slice(start, stop - start))
        while self._count() > self._buffer_rows:
            self._write(min(self._waiting, key=lambda month: (-self._count(month), month)))

    def close(self, at_least: Sequence[str]) -> dict[str, int]:
        """Write what is left, and a partition of each of the months `at_least`. Gives the rows of each month."""
        for month in at_least:
            self._waiting.setdefault(month, [] if month in self._writers else [self._schema.empty_table()])
        with ThreadPoolExecutor(CLOSING_THREADS) as pool:
            list(pool.map(self._write, sorted(month for month, tables in self._waiting.items() if tables)))
        for writer in self._writers.values():
            writer.close()
        return dict(sorted(self._rows.items()))

    def _count(self, month: str = "") -> int:
        waiting = [self._waiting[month]] if month else self._waiting.values()
        return sum(len(table) for tables in waiting for table in tables)

    def _write(self, month: str) -> None:
        table = pa.concat_tables(self._waiting.pop(month))
        if month not in self._writers:
            path = self._folder / f"{month}.parquet"
            self._writers[month] = pq.ParquetWriter(path, self._schema, **parquet_options(self._schema))
        self._writers[month].write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._rows[month] = self._rows.get(month, 0) + len(table)
