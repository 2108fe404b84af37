"""A ledger under a data root: month files in, the cells of every month, quarter and year out; only what changed is made again.

In: a `Ledger` and CSV files of it, each with the day from which it could be known. Out, under the data root (pipeline.store):

    raw/<ledger>/<id>/                                            the file as received
    processed/cases/source=<ledger>/snapshot=<id>/month=<m>.parquet   its sound reports, by month (pipeline.reading.partitions)
    processed/quarantine/source=<ledger>/cases=<id>.parquet       its other rows, each with the rule that it broke
    processed/validation/verdicts/<ledger>/<id>.json              read = ok + quarantined, and the files above
    processed/cells/source=<ledger>/<grouping>/period=<p>.parquet  the cells of a period (pipeline.aggregate.ledger)
    processed/cells/source=<ledger>/manifest.json                 what each period was made of

A file covers the months that it has reports of: the file known last speaks for a month, alone. A period is made again where what
speaks for one of its months, the rates of that month, the groupings or the code are others than those in the manifest.

No ledger stands in the catalogue of sources: nothing here is fetched, scheduled or released with them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import code_version, log
from pipeline.executors import Engine
from pipeline.model import FraudlossError, Period, RefusedInput, Snapshot

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.aggregate.ledger import Plan
    from pipeline.reading.ledger_csv import CsvLayout, Streamed
    from pipeline.store import Commit, Store

READING = ("model.py", "ledgers.py", "reading/ledger_csv.py", "reading/partitions.py")
COUNTING = ("aggregate/ledger.py", "aggregate/kernel.py", "reading/partitions.py")


@dataclass(frozen=True)
class Ledger:
    """What is declared about a ledger."""

    id: str
    layout: CsvLayout
    plan: Plan


@dataclass(frozen=True)
class Counted:
    """The periods of which cells were made, and the years of which none could be made, with the reason."""

    periods: tuple[str, ...]
    refused: Mapping[str, FraudlossError]


# ---------------------------------------------------------------------------------------------------------------- take in


def take_in(store: Store, ledger: Ledger, path: Path, published: str, *, workers: int = 2) -> dict[str, Any]:
    """Keep a file of the ledger and its reports by month. Gives its verdict; the one that is there where it was taken in before.

    Raises RefusedInput for a file that is not what it should be: its bytes and the refusal are kept.
    """
    from pipeline.ingest.deliveries import Delivery, snapshot_of

    content = path.read_bytes()
    snapshot = snapshot_of(ledger.id, Delivery(path=path, published=published), content)
    store.put_snapshot(snapshot, content)
    version = code_version.code_version(*READING)
    with store.lock("source", ledger.id):
        held = store.read_json(store.verdict_path(ledger.id, snapshot.id))
        if (
            held
            and held["version"] == version
            and held["layout"] == _layout_hash(ledger)
            and all(map(store.is_there, held["files"]))
        ):
            return held
        about = {"source": ledger.id, "snapshot": snapshot.id, "file": snapshot.file, "version": version}
        about["layout"] = _layout_hash(ledger)
        try:
            return _partitioned(store, ledger, snapshot, about, workers)
        except RefusedInput as refusal:
            record = {"status": "refused", "message": str(refusal), "read": 0, "ok": 0, "quarantined": 0, "files": []}
            with store.commit() as commit:
                commit.write_json(store.verdict_path(ledger.id, snapshot.id), {**about, **record})
            raise


def _layout_hash(ledger: Ledger) -> str:
    return hashlib.sha256(repr(ledger.layout).encode()).hexdigest()[:12]


def _partitioned(store: Store, ledger: Ledger, snapshot: Snapshot, about: dict[str, Any], workers: int) -> dict[str, Any]:
    from pipeline.reading.ledger_csv import partition_csv

    with tempfile.TemporaryDirectory() as temporary:
        streamed = partition_csv(store.raw_path(snapshot), ledger.layout, Path(temporary), workers=workers)
        with store.commit() as commit:
            files = _save_partitions(store, commit, snapshot, streamed, Path(temporary))
            kept = sum(streamed.months.values())
            record = {
                "status": "accepted",
                "read": streamed.read,
                "ok": kept,
                "quarantined": streamed.read - kept,
                "files": files,
            }
            for path in store.row_paths(snapshot):
                if store.relative(path) not in {entry["path"] for entry in files}:
                    commit.remove(path)
            commit.write_json(store.verdict_path(ledger.id, snapshot.id), {**about, **record})
    log.event(
        "taken in", source=ledger.id, snapshot=snapshot.id, **{name: record[name] for name in ("read", "ok", "quarantined")}
    )
    return {**about, **record}


def _save_partitions(store: Store, commit: Commit, snapshot: Snapshot, streamed: Streamed, folder: Path) -> list[dict[str, Any]]:
    import pyarrow as pa

    from pipeline.store import file_entry

    files = []
    for month, rows in streamed.months.items():
        content = (folder / f"{month}.parquet").read_bytes()
        path = store.cases_path(snapshot.source, snapshot.id, month)
        commit.write(path, content)
        files.append({"path": store.relative(path), **file_entry(content), "rows": rows})
    if len(streamed.quarantined):
        table = pa.Table.from_pandas(streamed.quarantined, preserve_index=False)
        files.append(commit.write_table(store.quarantined_cases_path(snapshot.source, snapshot.id), table))
    return files


def speaking(store: Store, ledger_id: str, as_of: dt.date | None = None) -> dict[str, dict[str, Any]]:
    """Month -> the entry (path, sha256, rows) of the partition that speaks for it as of a date; all that is held by default."""
    found: dict[str, dict[str, Any]] = {}
    for snapshot in store.snapshots(ledger_id):
        if as_of is None or snapshot.known_at <= as_of:
            found |= store.cases_entries(snapshot)
    return dict(sorted(found.items()))


# ------------------------------------------------------------------------------------------------------------------ count


def count(store: Store, ledger: Ledger, *, workers: int = 1, dask: str = "") -> Counted:
    """Make the cells of the periods that changed; of other years nothing is read. The cells of a refused year stay as they are.

    `workers`, `dask`: see `pipeline.executors.Engine`; the bytes are the same for any.

    Raises ChangedBytes where a partition was changed by hand.
    """
    from pipeline.aggregate.ledger import ledger_cells

    with store.lock("source", ledger.id):
        entries = speaking(store, ledger.id)
        now = {month: _made_of(ledger, month, entry) for month, entry in entries.items()}
        manifest = _manifest(store, ledger)
        before = manifest["months"]
        changed = sorted(month for month, made_of in now.items() if before.get(month) != made_of)
        for month, entry in entries.items():
            if month[:4] in {month[:4] for month in changed}:
                store.read_listed(entry)
        cells = ledger_cells(
            ledger.plan,
            {month: store.root / entry["path"] for month, entry in entries.items()},
            changed,
            Engine(workers, dask),
        )
        made = {month: before.get(month) if month[:4] in cells.refused else now[month] for month in now}
        periods = _save_cells(store, ledger, manifest, {month: made_of for month, made_of in made.items() if made_of}, cells.of)
    log.event("counted", source=ledger.id, changed=len(changed), periods=len(periods), refused=len(cells.refused))
    return Counted(tuple(periods), cells.refused)


def _made_of(ledger: Ledger, month: str, entry: Mapping[str, Any]) -> str:
    """What the cells of a month depend on: its reports, its rates, what is counted, and the code."""
    rates = ledger.plan.factors.get(month) if ledger.plan.factors is not None else None
    plan = repr(replace(ledger.plan, factors=None))
    content = json.dumps([entry["sha256"], rates, plan, code_version.code_version(*COUNTING)])
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _folder(store: Store, ledger: Ledger) -> Path:
    return store.processed / "cells" / f"source={ledger.id}"


def _manifest(store: Store, ledger: Ledger) -> dict[str, Any]:
    """What was counted before; nothing where a file that it lists is not there."""
    held = store.read_json(_folder(store, ledger) / "manifest.json")
    return held if held and all(map(store.is_there, held["files"])) else {"months": {}, "files": []}


def _save_cells(
    store: Store, ledger: Ledger, manifest: dict[str, Any], months: dict[str, str], cells: Mapping[str, pd.DataFrame]
) -> list[str]:
    """Write the cells by grouping and period, and the manifest; periods that are whole no more go. Gives what was written."""
    import pyarrow as pa

    files = {entry["path"]: entry for entry in manifest["files"]}
    periods: dict[str, None] = {}
    with store.commit() as commit:
        for grouping, frame in cells.items():
            for period, of_period in frame.groupby("period", observed=True, sort=False) if len(frame) else ():
                path = _folder(store, ledger) / grouping / f"period={period}.parquet"
                table = pa.Table.from_pandas(of_period.drop(columns="period"), preserve_index=False)
                entry = commit.write_table(path, table)
                files[entry["path"]] = entry
                periods[str(period)] = None
        for path in [path for path in files if not set(Period.parse(_period_of(path)).months).issubset(months)]:
            commit.remove(store.root / path)
            del files[path]
        record = {"source": ledger.id, "months": months, "files": [files[path] for path in sorted(files)]}
        commit.write_json(_folder(store, ledger) / "manifest.json", record)
    return list(periods)


def _period_of(path: str) -> str:
    return path.rpartition("/period=")[2].removesuffix(".parquet")


def cells(store: Store, ledger: Ledger, grouping: str) -> pd.DataFrame:
    """The cells of a grouping, all periods below each other, with the period in front. Raises ChangedBytes."""
    import io

    import pandas as pd

    folder = store.relative(_folder(store, ledger) / grouping)
    frames = {}
    for entry in _manifest(store, ledger)["files"]:
        if entry["path"].startswith(f"{folder}/"):
            frames[_period_of(entry["path"])] = pd.read_parquet(io.BytesIO(store.read_listed(entry)))
    return pd.concat(frames, names=["period"]).reset_index("period").reset_index(drop=True) if frames else pd.DataFrame()
