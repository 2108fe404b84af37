"""A Parquet file of a ledger -> month partitions, streamed: the same rules, row numbers and quarantine as for CSV (`ledger_csv`).

In: a Parquet file with a header as its layout says. A day is `date32`, text, or a `timestamp` of midnight (in its own time zone,
where it has one); a label text or dictionary; an amount is `decimal` with the decimals of the currency (or text) in the column of
`loss`, or a whole number of minor units in that of `loss_minor`; counts and ids are whole numbers. Out: `Streamed`. Raises
RefusedInput for a file that is cut off, lacks a column, or has one of another type. A moment within a day is set aside: whose day
it is depends on a time zone, and with the day the month.

How it is computed: a row group at a time. A group whose columns are in the types of the partitions is taken as it is; any other,
or one with something in it that is not as expected, is written out as texts and judged as the rows of a CSV file are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.model import RefusedInput, refused
from pipeline.reading.ledger_layout import LedgerLayout
from pipeline.reading.ledger_rows import Block, Doubtful, judged_texts, sound_table
from pipeline.reading.partition_writer import BUFFER_ROWS, RowWriter, Streamed

BATCH_ROWS = 1 << 17


def partition_parquet(path: Path, layout: LedgerLayout, folder: Path, *, buffer_rows: int = BUFFER_ROWS) -> Streamed:
    """Stream the file into month partitions under `folder`. Raises RefusedInput."""
    try:
        with pq.ParquetFile(path, read_dictionary=list(_texts(path, layout))) as file:
            columns = _columns(path, file.schema_arrow, layout)
            with RowWriter(path, layout, folder, buffer_rows) as writer:
                for batch in file.iter_batches(BATCH_ROWS, columns=list(columns.values()), use_threads=False):
                    writer.add(_block(pa.Table.from_batches([batch]), columns, layout))
    except (pa.ArrowInvalid, OSError) as error:
        raise refused(path.name, "the file", str(error), "a whole Parquet file", "deliver it again") from error
    return writer.streamed()


def _texts(path: Path, layout: LedgerLayout) -> list[str]:
    """The columns of labels that are written as plain texts: read as dictionaries, so that no text is made for any row."""
    labels = {layout.headers[name] for name in layout.labels if name in layout.headers}
    return [field.name for field in pq.read_schema(path) if field.name in labels and _is_text(field.type)]


def _columns(path: Path, schema: pa.Schema, layout: LedgerLayout) -> dict[str, str]:
    """Our name of each column that is read -> its name in the file. An amount stands in one of the two columns."""
    wanted = {name: header for name, header in layout.headers.items() if name not in ("loss", "loss_minor")}
    amounts = {name: layout.headers[name] for name in ("loss", "loss_minor") if layout.headers.get(name) in schema.names}
    if len(amounts) != 1:
        expected = " or ".join(layout.headers[name] for name in ("loss", "loss_minor") if name in layout.headers)
        found = "both of them" if amounts else "no such column"
        raise _unlike_the_others(path, expected, found, "one column of amounts")
    for name, header in {**wanted, **amounts}.items():
        expected = _EXPECTED.get(name, "text")
        expected = f"a decimal with {layout.minor_unit_digits} decimals, or text" if name == "loss" else expected
        if (count := schema.names.count(header)) != 1:
            raise _unlike_the_others(path, header, f"{count} columns of that name" if count else "no such column", expected)
        if not _may_be(name, kind := schema.field(header).type, layout):
            raise _unlike_the_others(path, header, str(kind), expected)
    return {**wanted, **amounts}


def _unlike_the_others(path: Path, header: str, found: str, expected: str) -> RefusedInput:
    return refused(path.name, f"column {header}", found, expected, "deliver the month in the layout of the others")


_EXPECTED = {
    "date": "a day (date32, timestamp or text)",
    "loss_minor": "a whole number of minor units",
    "victims": "a whole number",
    "victim_id": "a whole number",
    "record_id": "a whole number, or text",
}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _may_be(name: str, kind: pa.DataType, layout: LedgerLayout) -> bool:
    """Whether a column may have this type. An amount in floating point has lost digits, or may have; one with other decimals than
    the currency has may be in another unit."""
    text = _is_text(kind) or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))
    if name == "date":
        return bool(text or pa.types.is_date(kind) or pa.types.is_timestamp(kind))
    if name == "loss":
        return bool(text or (pa.types.is_decimal(kind) and kind.scale == layout.minor_unit_digits))
    if name in ("loss_minor", "victims", "victim_id"):
        return bool(pa.types.is_integer(kind))
    return bool(text or (name == "record_id" and pa.types.is_integer(kind)))


def _block(batch: pa.Table, columns: Mapping[str, str], layout: LedgerLayout) -> Block:
    table = batch.select(list(columns.values())).rename_columns(list(columns))
    try:
        sound = sound_table(_typed(table, layout), layout)
        return Block(sound, np.arange(len(sound), dtype=np.int64), [])
    except (pa.ArrowInvalid, Doubtful):
        return judged_texts(pa.table({name: _as_texts(table.column(name)) for name in table.column_names}), layout)


def _typed(table: pa.Table, layout: LedgerLayout) -> pa.Table:
    """The columns in the types of the partitions. Raises ArrowInvalid where one does not fit."""
    made = {}
    for name in table.column_names:
        column = table.column(name)
        if name == "loss":
            made[name] = _as_texts(column)
        elif pa.types.is_timestamp(column.type):
            days, whole = _days(column)
            if not pc.all(whole, min_count=0).as_py():
                raise Doubtful
            made[name] = days
        elif name in layout.labels:
            made[name] = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        else:
            made[name] = column.cast(layout.schema.field(name).type)
    return pa.table(made)


def _as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """As they would stand in a CSV file; a moment within a day loses nothing but is no day, and says so."""
    if pa.types.is_timestamp(column.type):
        days, whole = _days(column)
        return pc.if_else(whole, days.cast(pa.string()), column.cast(pa.string()))
    return column.cast(pa.string())


def _days(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The day of each moment as the clocks of its own time zone show it, and whether it is that day's midnight."""
    local = pc.local_timestamp(column) if column.type.tz else column
    days = local.cast(pa.date32(), safe=False)
    return days, pc.equal(days.cast(local.type), local)
