"""Which periods a file that was accepted speaks for.

In: a store and a snapshot. Out: the codes of the periods; of a month file of a ledger those of its months, and of the quarters
and years that are counted of them.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING

from pipeline.model import PUBLISHED_FREQUENCIES, Period, Snapshot
from pipeline.sources.catalogue import source

if TYPE_CHECKING:
    from pipeline.store import Store


def periods_delivered(store: Store, snapshot: Snapshot) -> frozenset[str]:
    """The periods that the file itself has figures or records of; none where it is not accepted."""
    if source(snapshot.source).is_ledger:
        return frozenset(store.cases_entries(snapshot))
    verdict = store.read_json(store.verdict_path(snapshot.source, snapshot.id))
    if verdict is None or verdict["status"] != "accepted":
        return frozenset()
    return periods_in(store, verdict["files"][0]["path"], verdict["files"][0]["sha256"])


def periods_with_figures_of(store: Store, snapshot: Snapshot) -> frozenset[str]:
    """The periods that have figures which are made of the file."""
    delivered = periods_delivered(store, snapshot)
    if not source(snapshot.source).is_ledger:
        return delivered
    days: set[dt.date] = {Period.parse(month).start for month in delivered}
    return frozenset(Period.of(frequency, day).code for day in days for frequency in PUBLISHED_FREQUENCIES)


@functools.lru_cache(maxsize=1024)
def periods_in(store: Store, path: str, sha256: str) -> frozenset[str]:
    """The periods of the observations in a file. Raises ChangedBytes where it is another one than its manifest lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = store.read_listed({"path": path, "sha256": sha256})
    return frozenset(pq.read_table(pa.BufferReader(content), columns=["period"])["period"].unique().to_pylist())
