"""The observation as a frame: its columns, its key, its Parquet schema, its id.

In: rows of figures as dictionaries or frames. Out: pandas frames and Arrow tables of exactly these columns. The words in the
columns (measures, units, statuses, absence) are defined in `pipeline.model`.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.model import DIMENSIONS, TOTAL

OBSERVATION_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        # A dictionary, because Arrow takes the `source=` of a folder's name for one: so a whole folder reads as one table.
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("table", pa.string()),
        ("frequency", pa.string()),
        ("period", pa.string()),
        ("area", pa.string()),
        ("fraud_type", pa.string()),
        ("native_type", pa.string()),
        *[(name, pa.string()) for name in DIMENSIONS],
        ("measure", pa.string()),
        ("unit", pa.string()),
        # Exact decimals: yen, cents and printed ratios keep every digit, and a plain reader sees the natural number.
        ("value", pa.decimal128(38, 12)),
        ("precision", pa.decimal128(38, 12)),
        ("obs_status", pa.string()),
        ("conf_status", pa.string()),
        ("absence", pa.string()),
        ("classification", pa.string()),
        ("overlay", pa.bool_()),
        ("edition", pa.string()),
        ("derivation", pa.string()),
        ("known_at", pa.date32()),
        ("snapshot", pa.string()),
        ("origin", pa.string()),
        ("note", pa.string()),
    ]
)
OBSERVATION_COLUMNS: list[str] = OBSERVATION_SCHEMA.names

# What makes a figure the same figure in another vintage. `classification` is part of it: types before and after a break are
# different categories. `unit` is part of it: yen and dollars are two figures.
KEY_COLUMNS: list[str] = [
    "source",
    "table",
    "frequency",
    "period",
    "area",
    "fraud_type",
    "native_type",
    *DIMENSIONS,
    "measure",
    "unit",
    "classification",
]

# One figure before and after: what differs between two states of the same figures (pipeline.aggregate.revisions). The key is that
# of the figure now; where it stood under another key before, `fraud_type_before` and `classification_before` say so.
CHANGE_SCHEMA = pa.schema(
    [
        *[OBSERVATION_SCHEMA.field(name) for name in KEY_COLUMNS],
        ("change", pa.string()),
        ("value_before", pa.decimal128(38, 12)),
        ("value_after", pa.decimal128(38, 12)),
        ("precision_before", pa.decimal128(38, 12)),
        ("precision_after", pa.decimal128(38, 12)),
        ("absence_before", pa.string()),
        ("absence_after", pa.string()),
        ("edition_before", pa.string()),
        ("edition_after", pa.string()),
        ("fraud_type_before", pa.string()),
        ("classification_before", pa.string()),
        ("derivation", pa.string()),
        ("overlay", pa.bool_()),
        ("known_before", pa.date32()),
        ("known_after", pa.date32()),
        ("snapshot_before", pa.string()),
        ("snapshot_after", pa.string()),
        ("origin_before", pa.string()),
        ("origin_after", pa.string()),
        ("id_before", pa.string()),
        ("id_after", pa.string()),
        ("note", pa.string()),
    ]
)
CHANGE_COLUMNS: list[str] = CHANGE_SCHEMA.names

# A change with the day from which it was known.
REVISION_SCHEMA = CHANGE_SCHEMA.append(pa.field("vintage", pa.date32()))
REVISION_COLUMNS: list[str] = REVISION_SCHEMA.names

# What a snapshot speaks for, and each day from which another one spoke for it.
UNIT_COLUMNS: list[str] = ["source", "table", "frequency", "period"]
VINTAGE_SCHEMA = pa.schema([*[OBSERVATION_SCHEMA.field(name) for name in UNIT_COLUMNS], ("vintage", pa.date32())])
VINTAGE_COLUMNS: list[str] = VINTAGE_SCHEMA.names

# Records of one month in two snapshots, compared as bags of rows (pipeline.aggregate.record_changes).
RECORD_CHANGE_SCHEMA = pa.schema(
    [
        OBSERVATION_SCHEMA.field("source"),
        ("month", pa.string()),
        ("vintage", pa.date32()),
        ("snapshot_before", pa.string()),
        ("snapshot_after", pa.string()),
        ("rows_before", pa.int64()),
        ("rows_after", pa.int64()),
        ("rows_added", pa.int64()),
        ("rows_withdrawn", pa.int64()),
        ("rows_changed", pa.int64()),
        ("lag_days", pa.int64()),
    ]
)
RECORD_CHANGE_COLUMNS: list[str] = RECORD_CHANGE_SCHEMA.names

OBSERVATION_DEFAULTS: dict[str, Any] = {
    "area": "JP",
    "fraud_type": TOTAL,
    "native_type": TOTAL,
    **dict.fromkeys(DIMENSIONS, TOTAL),
    "precision": None,
    "obs_status": "A",
    "conf_status": "F",
    "absence": "",
    "overlay": False,
    "edition": "unknown",
    "derivation": "",
    "note": "",
}


_LETTERS = dict(zip("0123456789abcdef", "abcdefghijklmnop", strict=True))


def with_ids(observations: pd.DataFrame) -> pd.DataFrame:
    """The frame with `id` filled: 16 digits of the sha256 of key, snapshot and derivation, the first as a letter.

    In and out: the columns of OBSERVATION_SCHEMA (`id` may be missing on the way in). The same figure read again from the
    same bytes keeps its id; another vintage of it has another one.
    """
    parts = zip(*(observations[name].tolist() for name in [*KEY_COLUMNS, "snapshot", "derivation"]), strict=True)
    digests = (hashlib.sha256("\x1f".join(key).encode()).hexdigest() for key in parts)
    # Readers of CSV take a column of digits for numbers, and of digits with an `e` as well.
    ids = [_LETTERS[digest[0]] + digest[1:16] for digest in digests]
    return observations.assign(id=pd.Series(ids, index=observations.index, dtype=object))[OBSERVATION_COLUMNS]


def sorted_by_key(observations: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of KEY_COLUMNS, then `id`, numbered anew. Rows that are nearly in order cost next to nothing."""
    keys = list(zip(*(observations[name].tolist() for name in [*KEY_COLUMNS, "id"]), strict=True))
    return observations.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)


def observations_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A frame of observations from dictionaries, defaults filled in, ids computed. Raises KeyError on an unknown column."""
    unknown = {name for row in rows for name in row} - set(OBSERVATION_COLUMNS)
    if unknown:
        raise KeyError(f"not columns of an observation: {sorted(unknown)}")
    frame = pd.DataFrame(
        {name: [row.get(name, OBSERVATION_DEFAULTS.get(name)) for row in rows] for name in OBSERVATION_COLUMNS},
        columns=OBSERVATION_COLUMNS,
        dtype=object,
    )
    return with_ids(frame)


def observations_table(observations: pd.DataFrame) -> pa.Table:
    """The frame as an Arrow table of OBSERVATION_SCHEMA, for writing."""
    return frame_table(observations, OBSERVATION_SCHEMA)


def read_observations(parquet: Path | bytes) -> pd.DataFrame:
    """A Parquet file of observations, or its bytes, as a frame (exact decimals, None where there is no value)."""
    return read_frame(parquet, OBSERVATION_SCHEMA)


def read_frame(parquet: Path | bytes, schema: pa.Schema) -> pd.DataFrame:
    """A Parquet file, or its bytes, as a frame of the schema's columns (exact decimals, None where there is no value)."""
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    place = pa.BufferReader(parquet) if isinstance(parquet, bytes) else parquet
    table = pq.read_table(place, schema=None, partitioning=None, read_dictionary=texts)
    return pd.DataFrame({name: _objects(table[name]) for name in schema.names}, dtype=object)


def _objects(column: pa.ChunkedArray) -> np.ndarray:
    """The column as Python objects, each distinct one made once; None where there is none."""
    if not len(column):
        return np.zeros(0, dtype=object)
    coded = column.combine_chunks()
    coded = coded if pa.types.is_dictionary(column.type) else coded.dictionary_encode()
    values = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
    return values[coded.indices.fill_null(len(values) - 1).to_numpy()]


def frame_table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """The frame's columns of the schema as an Arrow table, for writing."""
    if not len(frame):
        return schema.empty_table()
    columns = [pa.array(frame[field.name].to_numpy(object), field.type, from_pandas=True) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def table_bytes(table: pa.Table) -> bytes:
    """A table of `frame_table` as an Arrow stream, for a fingerprint: the same bytes for the same rows in the same order."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


def row_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column. `to_dict` takes milliseconds for wide frames even where there is no row."""
    if not len(frame):
        return []
    columns = [frame[name].tolist() for name in frame.columns]
    return [dict(zip(frame.columns, values, strict=True)) for values in zip(*columns, strict=True)]


def empty_frame(schema: pa.Schema) -> pd.DataFrame:
    """No rows, the schema's columns."""
    return pd.DataFrame(columns=schema.names, dtype=object)


def cases_table(cases: pd.DataFrame) -> pa.Table:
    """Record-level rows as an Arrow table of plain columns: labels as dictionaries of strings, unused labels left out."""
    plain = {
        name: column.cat.remove_unused_categories() if isinstance(column.dtype, pd.CategoricalDtype) else column
        for name, column in cases.items()
    }
    return pa.Table.from_pandas(pd.DataFrame(plain), preserve_index=False)


def cases_by_month(cases: pd.DataFrame) -> Iterator[tuple[str, pa.Table]]:
    """Each `month` of record-level rows in turn, with `cases_table` of its rows. Rows without a month are in none."""
    whole = pa.Table.from_pandas(cases, preserve_index=False)
    codes, months = pd.factorize(cases["month"], sort=True)
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(months) + 1))
    ordered = whole.take(pa.array(order))
    for place, month in sorted(enumerate(months.astype(str)), key=operator.itemgetter(1)):
        rows = ordered.slice(ends[place], ends[place + 1] - ends[place])
        yield month, pa.table({name: _used_labels(rows[name]) for name in rows.column_names})


def _used_labels(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary column with the labels in use alone."""
    return column.cast(pa.string()).dictionary_encode() if pa.types.is_dictionary(column.type) else column
