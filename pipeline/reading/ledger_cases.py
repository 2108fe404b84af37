"""The sound records of a month partition, and those that reading marked, as frames of cases: what a suite judges.

In: a partition of a ledger (pipeline.reading.partitions), or the marks of a file. Out: the columns of `reading.cases` on fast
dtypes, without ids: `victims` is float64 where some are not known; `currency` is beside them. A column of labels that the
ledger does not have, and that every frame of cases has, holds the empty text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.model import Period
from pipeline.reading.ledger_layout import LedgerLayout

_ALWAYS = ("area", "native_type")


def cases_of(path: Path, file: str, month: str, classification: str, without: Sequence[int] = ()) -> pd.DataFrame:
    """The records of a partition but for those in the rows `without`."""
    names = [name for name in pq.read_schema(path).names if name not in ("victim_id", "record_id")]
    table = pq.read_table(path, columns=names, use_threads=False)
    if without:
        table = table.filter(pc.invert(pc.is_in(table.column("row"), value_set=pa.array(without, pa.int64()))))
    size = len(table)
    loss = table.column("loss_minor")
    labels = {name: table.column(name).to_pandas() for name in names if pa.types.is_dictionary(table.schema.field(name).type)}
    return pd.DataFrame(
        {
            "row": table.column("row").to_numpy(),
            "file": _constant(file, size),
            "date": table.column("date").to_numpy().astype("datetime64[ns]"),
            "month": _constant(month, size),
            "classification": _constant(classification, size),
            **{name: _constant("", size) for name in _ALWAYS if name not in labels},
            **labels,
            "cases": np.ones(size, dtype=np.int64),
            "victims": table.column("victims").to_numpy().astype(np.float64 if table.column("victims").null_count else np.int64),
            "loss_minor": loss.fill_null(0).to_numpy(),
            "loss_known": loss.is_valid().to_numpy(),
            "problem": _constant("", size),
            "problem_text": _constant("", size),
        }
    )


def marked_cases(marks: Sequence[tuple[int, str, str]], file: str, classification: str, layout: LedgerLayout) -> pd.DataFrame:
    """The rows (number, what stands there, rule) that reading marked: nothing of them is known but where they stand."""
    size = len(marks)
    nothing = pd.Categorical.from_codes(np.full(size, -1), categories=pd.Index([""]))
    labels = dict.fromkeys([*(name for name in _ALWAYS if name not in layout.labels), *layout.labels], nothing)
    return pd.DataFrame(
        {
            "row": np.array([row for row, _, _ in marks], dtype=np.int64),
            "file": _constant(file, size),
            "date": np.full(size, np.datetime64("NaT", "ns")),
            "month": pd.Categorical.from_codes(np.full(size, -1), categories=pd.Index([_any_month(layout)])),
            "classification": _constant(classification, size),
            **labels,
            "cases": np.ones(size, dtype=np.int64),
            "victims": np.full(size, np.nan) if size else np.zeros(0, dtype=np.int64),
            "loss_minor": np.zeros(size, dtype=np.int64),
            "loss_known": np.zeros(size, dtype=bool),
            "problem": pd.Categorical([rule for _, _, rule in marks], categories=sorted({rule for _, _, rule in marks})),
            "problem_text": pd.Categorical([text for _, text, _ in marks], categories=sorted({text for _, text, _ in marks})),
        }
    )


def _any_month(layout: LedgerLayout) -> str:
    return Period.of("monthly", layout.days[0]).code if layout.days else "1970-01"


def _constant(text: str, size: int) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(np.zeros(size, dtype=np.int8), categories=pd.Index([text]))
