"""The observation as a frame: its columns, its key, its Parquet schema, its id.

In: rows of figures as dictionaries or frames. Out: pandas frames and Arrow tables of exactly these columns. The words in the
columns (measures, units, statuses, absence) are defined in `pipeline.model`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

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


def with_ids(observations: pd.DataFrame) -> pd.DataFrame:
    """The frame with `id` filled: 16 hexadecimal digits of the sha256 of key, snapshot and derivation.

    In and out: the columns of OBSERVATION_SCHEMA (`id` may be missing on the way in). The same figure read again from the
    same bytes keeps its id; another vintage of it has another one.
    """
    parts = [observations[name].astype(str) for name in [*KEY_COLUMNS, "snapshot", "derivation"]]
    keys = parts[0].str.cat(pd.concat(parts[1:], axis=1), sep="\x1f") if len(observations) else parts[0]
    ids = [hashlib.sha256(key.encode()).hexdigest()[:16] for key in keys]
    return observations.assign(id=pd.Series(ids, index=observations.index, dtype=object))[OBSERVATION_COLUMNS]


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
    return pa.Table.from_pandas(observations[OBSERVATION_COLUMNS], schema=OBSERVATION_SCHEMA, preserve_index=False)


def read_observations(path: Path) -> pd.DataFrame:
    """A Parquet file of observations as a frame (exact decimals, None where there is no value)."""
    table = pq.read_table(path, schema=None, partitioning=None)
    frame = table.select(OBSERVATION_COLUMNS).to_pandas(types_mapper=None, date_as_object=True)
    return frame.astype(object).where(frame.notna(), None)


def cases_table(cases: pd.DataFrame) -> pa.Table:
    """Record-level rows as an Arrow table of plain columns: labels as dictionaries of strings, unused labels left out."""
    plain = {
        name: column.cat.remove_unused_categories() if isinstance(column.dtype, pd.CategoricalDtype) else column
        for name, column in cases.items()
    }
    return pa.Table.from_pandas(pd.DataFrame(plain), preserve_index=False)
