"""What a source says as of a date: for each figure, the snapshot that speaks for it.

In: the observations of all accepted snapshots of one source, and those snapshots. Out: the observations in force, one for
each key. The rule: the latest whole file that covers a (table, frequency, period) speaks for it alone, so a cell that it no
longer has is gone; an extract speaks for the series that it prints and for nothing else. A figure that an extract prints again
under the same edition, in a larger unit and the same as far as that unit tells, is confirmed by it: the exacter one goes on.

A file of records counts what is cumulative up to its own last month. A later file that counts the year further covers those
months too: the shorter sum is of reports as they were, beside months as they are, and it is gone.

Of sources of extracts, figures of several printings speak side by side. `printings` tells which of them were revised since.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import KEY_COLUMNS, sorted_by_key
from pipeline.model import Period, Snapshot

COVERAGE_COLUMNS = ["table", "frequency", "period"]


def known_by(snapshots: list[Snapshot], as_of: dt.date | None) -> list[Snapshot]:
    """The snapshots that could be known on `as_of`; all of them where it is None."""
    return [snapshot for snapshot in snapshots if as_of is None or snapshot.known_at <= as_of]


@dataclasses.dataclass(frozen=True)
class Printing:
    """When a figure came to read as it does, where it read otherwise before, and when it was printed last."""

    revised: dt.date | None
    last: dt.date


def in_force(observations: pd.DataFrame, snapshots: list[Snapshot], *, of_ledger: bool = False) -> pd.DataFrame:
    """The rows that speak, sorted by key. `observations` may hold rows of `snapshots` only, in any order.

    `of_ledger`: what is cumulative is counted again whenever one of its months is, so that it stays.
    """
    latest = _speaking(observations, snapshots)
    if not of_ledger:
        latest = latest[~_outgrown(latest, snapshots)].reset_index(drop=True)
    # One whole file speaks for a period: only extracts print a figure a second time.
    rounded = _rounded_again(latest) if any(snapshot.extract for snapshot in snapshots) else []
    return sorted_by_key(latest.drop(index=rounded).drop_duplicates(KEY_COLUMNS, keep="last"))


def printings(observations: pd.DataFrame, snapshots: list[Snapshot]) -> dict[str, Printing]:
    """By id, the figures of `in_force` that more than one extract prints; of all others the last printing is `known_at`."""
    if not any(snapshot.extract for snapshot in snapshots):
        return {}
    latest = _speaking(observations, snapshots)
    rounded = set(_rounded_again(latest))
    several = latest[latest.duplicated(KEY_COLUMNS, keep=False)]
    found = {}
    for _, rows in several.groupby(KEY_COLUMNS, sort=False):
        printed = rows.to_dict("records")
        kept = next(row for place, row in zip(rows.index[::-1], printed[::-1], strict=True) if place not in rounded)
        since = next((place for place, row in reversed(list(enumerate(printed))) if _reads_otherwise(row, kept)), -1) + 1
        found[str(kept["id"])] = Printing(printed[since]["known_at"] if since else None, max(row["known_at"] for row in printed))
    return found


def _reads_otherwise(row: dict[Any, Any], kept: dict[Any, Any]) -> bool:
    """Whether `row` prints another figure than `kept`, beyond the rounding of both."""
    if row["absence"] or kept["absence"]:
        return False
    halves = (row["precision"] or Decimal(0)) + (kept["precision"] or Decimal(0))
    return bool(abs(row["value"] - kept["value"]) > halves)


def _speaking(observations: pd.DataFrame, snapshots: list[Snapshot]) -> pd.DataFrame:
    """The rows of the whole file that speaks for their period, and of the extracts since, in the order of their snapshots."""
    ranked = sorted(snapshots, key=lambda snapshot: snapshot.order)
    rank = observations["snapshot"].map({snapshot.id: place for place, snapshot in enumerate(ranked)}).astype(int)
    whole = observations["snapshot"].map({snapshot.id: not snapshot.extract for snapshot in ranked}).astype(bool)
    units = [observations[name] for name in COVERAGE_COLUMNS]
    speaking_file = rank.where(whole, -1).groupby(units).transform("max")
    speaks = (rank == speaking_file) | (~whole & (rank > speaking_file))
    latest = observations[speaks].assign(_rank=rank[speaks]).sort_values("_rank", kind="stable")
    return latest.drop(columns="_rank").reset_index(drop=True)


def _outgrown(speaking: pd.DataFrame, snapshots: list[Snapshot]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows are cumulative figures counted of records, of a year that a later file has counted further."""
    counted = (speaking["derivation"] == "records").to_numpy(bool)
    cumulative = counted & (speaking["frequency"] == "year_to_date").to_numpy(bool)
    if not cumulative.any():
        return cumulative
    orders = {snapshot.id: snapshot.order for snapshot in snapshots}
    of_years = speaking[cumulative | counted & (speaking["frequency"] == "annual").to_numpy(bool)]
    stretches: dict[tuple[str, dt.date], set[tuple[dt.date, str]]] = {}
    for table, code, snapshot in set(zip(of_years["table"], of_years["period"], of_years["snapshot"], strict=True)):
        period = Period.parse(code)
        stretches.setdefault((table, period.start), set()).add((period.end, snapshot))
    outgrown = {
        (table, start, end, snapshot)
        for (table, start), counts in stretches.items()
        for end, snapshot in counts
        if any(further > end and orders[other] > orders[snapshot] for further, other in counts)
    }
    own = speaking[cumulative]
    periods = map(Period.parse, own["period"])
    units = [
        (table, period.start, period.end, snapshot)
        for table, period, snapshot in zip(own["table"], periods, own["snapshot"], strict=True)
    ]
    found = np.zeros(len(speaking), dtype=bool)
    found[cumulative] = [unit in outgrown for unit in units]
    return found


def _rounded_again(printed: pd.DataFrame) -> list[int]:
    """The rows, of rows in the order of their snapshots, that only round what an earlier row of the same key says."""
    found = []
    several = printed[printed.duplicated(KEY_COLUMNS, keep=False)]
    for _, rows in several.groupby(KEY_COLUMNS, sort=False):
        exactest: dict[Any, Any] = {}
        for place, row in zip(rows.index, rows[["value", "precision", "absence", "edition"]].to_dict("records"), strict=True):
            if exactest and _rounds(row, exactest):
                found.append(int(place))
            else:
                exactest = row
    return found


def _rounds(row: dict[Any, Any], exacter: dict[Any, Any]) -> bool:
    """Whether `row` says the same as `exacter`, as far as its larger unit tells."""
    if row["absence"] or exacter["absence"] or row["edition"] != exacter["edition"]:
        return False
    half, exacter_half = row["precision"] or Decimal(0), exacter["precision"] or Decimal(0)
    return half > exacter_half and abs(row["value"] - exacter["value"]) <= half
