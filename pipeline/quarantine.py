"""Rows that broke a row rule: which there are, what stands in them and where, and judging them again.

In: the data root, and which source, snapshot or rule is meant. Out: records for the CLI to print. A row is a figure (an
observation) or a record (a case); its origin is the cell or row of the publisher's file, as in the rest of the system.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import steps
from pipeline.model import FraudlossError, Snapshot, UsageError
from pipeline.questions import plain
from pipeline.sources.catalogue import source, source_ids
from pipeline.store import Store

FIGURES, RECORDS = "figures", "records"


@dataclasses.dataclass(frozen=True)
class Chosen:
    """What is asked for; None is all. Raises UsageError where there is no such source."""

    source: str | None = None
    snapshot: str | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        if self.source is not None:
            source(self.source)


def listed(chosen: Chosen, *, data: Path | None = None) -> list[dict[str, Any]]:
    """How many rows are set aside: source, snapshot, file, kind (figures or records), rule, rows.

    A row that broke two rules is counted under both. Raises UsageError where nothing is set aside of the snapshot or rule chosen.
    """
    counts: collections.Counter[tuple[str, str, str, str, str]] = collections.Counter()
    for snapshot, kind, rows in _tables(chosen, data):
        for rule in (rule for ids in rows["rule_ids"] for rule in ids.split(", ") if chosen.rule in (None, rule)):
            counts[snapshot.source, snapshot.id, snapshot.file, kind, rule] += 1
    names = ("source", "snapshot", "file", "kind", "rule", "rows")
    return [dict(zip(names, (*key, count), strict=True)) for key, count in sorted(counts.items())]


def shown(chosen: Chosen, *, data: Path | None = None) -> list[dict[str, Any]]:
    """The rows themselves: source, snapshot, kind, origin (cell, or row of the file), rule_ids, and every column that they have.

    Raises UsageError as `listed` does.
    """
    return [
        {"source": snapshot.source, "snapshot": snapshot.id, "kind": kind, "origin": _origin(kind, row)}
        | {"rule_ids": row["rule_ids"].split(", ")}
        | {name: plain(value) for name, value in row.items() if name not in ("origin", "rule_ids")}
        for snapshot, kind, rows in _tables(chosen, data)
        for row in rows.to_dict("records")
        if chosen.rule is None or chosen.rule in row["rule_ids"].split(", ")
    ]


def _origin(kind: str, row: Mapping[Any, Any]) -> str:
    return str(row["origin"]) if kind == FIGURES else f"{row['file']} row {row['row']}"


def replay(chosen: Chosen, *, data: Path | None = None) -> list[dict[str, Any]]:
    """Judge again, from the bytes as received and by the present code and suite, each snapshot that has rows set aside.

    Gives source, snapshot, file, status, read, set_aside_before, set_aside_now, and the message of a refusal. What passes now is
    in the view of its source afterwards, as if it had been judged so at first. One that was broken off before the view was made
    is finished by the next. Raises UsageError as `listed` does.
    """
    for source_id in [chosen.source] if chosen.source else steps.store_at(data).source_ids():
        with contextlib.suppress(FraudlossError):  # what of another file cannot be counted keeps nobody from judging this one
            steps.aggregate(source_id, data=data)
    wanted = {(snapshot.source, snapshot.id): snapshot for snapshot, _, _ in _tables(chosen, data)}
    found = []
    for source_id in sorted({source_id for source_id, _ in wanted}):
        snapshots = [snapshot for (of, _), snapshot in wanted.items() if of == source_id]
        before, now = steps.judge_again(source_id, [snapshot.id for snapshot in snapshots], data=data)
        steps.aggregate(source_id, data=data)
        found += [
            {"source": source_id, "snapshot": snapshot.id, "file": snapshot.file}
            | {name: now[snapshot.id][name] for name in ("status", "read")}
            | {"set_aside_before": _set_aside(before[snapshot.id]), "set_aside_now": _set_aside(now[snapshot.id])}
            | {"message": now[snapshot.id]["message"]}
            for snapshot in snapshots
        ]
    return found


def _set_aside(verdict: dict[str, Any]) -> int:
    return int(verdict["quarantined"]) + int(verdict.get("cubes", {}).get("quarantined", 0))


def _tables(chosen: Chosen, data: Path | None) -> list[tuple[Snapshot, str, pd.DataFrame]]:
    """Each table of rows that are set aside and in which a row broke the rule chosen, of the source and snapshot chosen."""
    store = steps.store_at(data)
    found = [
        (snapshot, kind, rows)
        for source_id in ([chosen.source] if chosen.source else source_ids())
        for snapshot in store.snapshots(source_id)
        if chosen.snapshot in (None, snapshot.id)
        for kind, rows in _of_snapshot(store, snapshot)
        if chosen.rule is None or any(chosen.rule in ids.split(", ") for ids in rows["rule_ids"])
    ]
    if not found and (chosen.snapshot is not None or chosen.rule is not None):
        asked = ", ".join(f"{name} {value!r}" for name, value in dataclasses.asdict(chosen).items() if value is not None)
        raise UsageError(f"nothing is set aside of {asked}. `fraudloss quarantine list` names what is.")
    return found


def _of_snapshot(store: Store, snapshot: Snapshot) -> Iterator[tuple[str, pd.DataFrame]]:
    paths = {
        store.relative(store.quarantine_path(snapshot.source, snapshot.id)): FIGURES,
        store.relative(store.quarantined_cases_path(snapshot.source, snapshot.id)): RECORDS,
    }
    verdict = store.read_json(store.verdict_path(snapshot.source, snapshot.id)) or {"files": []}
    for entry in verdict["files"]:
        if kind := paths.get(entry["path"]):
            rows = pq.read_table(pa.BufferReader(store.read_listed(entry)), partitioning=None).to_pandas()
            days = {name: rows[name].dt.date for name in rows.select_dtypes("datetime")}
            yield kind, rows.assign(**days).astype(object)
