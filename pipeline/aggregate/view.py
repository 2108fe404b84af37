"""What a source says as of a date: for each figure, the snapshot that speaks for it.

In: the observations of all accepted snapshots of one source, and those snapshots. Out: the observations in force, one for
each key. The rule: the latest whole file that covers a (table, frequency, period) speaks for it alone, so a cell that it no
longer has is gone; an extract speaks for the series that it prints and for nothing else.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from pipeline.frames import KEY_COLUMNS, sorted_by_key
from pipeline.model import Snapshot

COVERAGE_COLUMNS = ["table", "frequency", "period"]


def known_by(snapshots: list[Snapshot], as_of: dt.date | None) -> list[Snapshot]:
    """The snapshots that could be known on `as_of`; all of them where it is None."""
    return [snapshot for snapshot in snapshots if as_of is None or snapshot.known_at <= as_of]


def in_force(observations: pd.DataFrame, snapshots: list[Snapshot]) -> pd.DataFrame:
    """The rows that speak, sorted by key. `observations` may hold rows of `snapshots` only, in any order."""
    ranked = sorted(snapshots, key=lambda snapshot: snapshot.order)
    rank = observations["snapshot"].map({snapshot.id: place for place, snapshot in enumerate(ranked)}).astype(int)
    whole = observations["snapshot"].map({snapshot.id: not snapshot.extract for snapshot in ranked}).astype(bool)
    units = [observations[name] for name in COVERAGE_COLUMNS]
    speaking_file = rank.where(whole, -1).groupby(units).transform("max")
    speaks = (rank == speaking_file) | (~whole & (rank > speaking_file))
    latest = observations[speaks].assign(_rank=rank[speaks]).sort_values("_rank", kind="stable")
    kept = latest.drop_duplicates(KEY_COLUMNS, keep="last").drop(columns="_rank")
    return sorted_by_key(kept)
