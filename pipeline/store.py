"""The data root: where everything lies, and the only code that writes there.

In: bytes, frames as Arrow tables, and records. Out: files under `raw/` and `processed/`, each written whole or not at all
(temporary file in the same folder, fsync, rename; a folder is filled beside its place and renamed; the manifest last).

    raw/inbox/<source>/                                           deliveries, as they arrive
    raw/<source>/<id>/<original name> + snapshot.json             snapshots
    processed/cases/source=<s>/snapshot=<id>/month=<YYYY-MM>.parquet   sound records of that snapshot
    processed/observations/source=<s>/snapshot=<id>.parquet       figures read from that snapshot
    processed/quarantine/source=<s>/snapshot=<id>.parquet         rows that broke a row rule, with the rule ids
    processed/validation/verdicts/<s>/<id>.json                   verdict, and the manifest of the two files above
    processed/validation/data_docs/                               Data Docs of the current verdicts
    processed/aggregates/source=<s>/view=<id>.parquet             a source as of a date, derived figures included
    processed/manifests/<s>/<id>.json                             what went into that view
    processed/fetched/<source>.json                               what servers said of the files that were fetched last
    processed/releases/<frequency>/<period>/<id>/                 a release; manifest.json last
    processed/releases/<frequency>/<period>/current.json          which release speaks for the period now
    processed/site/                                               index of releases
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.model import FraudlossError, Snapshot

_TEMPORARY = ".partial-"


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def json_bytes(record: Any) -> bytes:
    """The record as JSON whose bytes depend on its content alone."""
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


class Store:
    """Paths, reads and atomic writes under one data root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw = root / "raw"
        self.processed = root / "processed"

    # ------------------------------------------------------------------------------------------------------------ atomic

    def write(self, path: Path, content: bytes) -> bool:
        """Put `content` at `path` in one step. False where the same bytes are there already. Raises OSError (disk full, …)."""
        self._require_inside(path)
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{_TEMPORARY}{os.getpid()}-{path.name}")
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(path.parent)
        return True

    def write_folder(self, path: Path, files: Mapping[str, bytes], manifest: bytes) -> None:
        """Make the folder `path` with these files and `manifest.json`, all at once; a reader sees all of it or nothing."""
        self._require_inside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{_TEMPORARY}{os.getpid()}-{path.name}")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            for name, content in [*sorted(files.items()), ("manifest.json", manifest)]:
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            _sync_folder(partial)
            if path.exists():
                shutil.rmtree(path)
            partial.replace(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """Take a file away that nothing refers to any more."""
        self._require_inside(path)
        path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, *names: str) -> Iterator[None]:
        """Hold the lock of one thing that two runs could write (a source, a release's period, the site); waits its turn."""
        path = self.processed / ".locks" / ("-".join(names).replace("/", "_") + ".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(stream, fcntl.LOCK_UN)

    def sweep(self, folder: Path) -> None:
        """Clear what a killed run left half-written in `folder`. Call it while holding the folder's lock."""
        for partial in folder.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink(missing_ok=True)

    def _require_inside(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise FraudlossError(f"{path} lies outside the data root {self.root}: nothing is written there.")

    # --------------------------------------------------------------------------------------------------------- snapshots

    def inbox(self, source_id: str) -> Path:
        """Where files of the source arrive."""
        return self.raw / "inbox" / source_id

    def put_snapshot(self, snapshot: Snapshot, content: bytes) -> bool:
        """Keep the bytes under their sha256. False where they are held already (then nothing is changed)."""
        folder = self.raw / snapshot.source / snapshot.id
        with self.lock("raw", snapshot.source):
            if (folder / "snapshot.json").is_file():
                return False
            self.write(folder / snapshot.file, content)
            self.write(folder / "snapshot.json", json_bytes(snapshot.to_json()))
        return True

    def snapshots(self, source_id: str) -> list[Snapshot]:
        """Every snapshot of the source, the one that speaks last at the end."""
        records = (self.raw / source_id).glob("*/snapshot.json")
        return sorted(
            (Snapshot.from_json(json.loads(path.read_text(encoding="utf-8"))) for path in records),
            key=lambda snapshot: snapshot.order,
        )

    def raw_path(self, snapshot: Snapshot) -> Path:
        """The bytes as received. Raises FraudlossError when they are gone or have been changed by hand."""
        path = self.raw / snapshot.source / snapshot.id / snapshot.file
        if not path.is_file():
            raise FraudlossError(f"{path}: the bytes of snapshot {snapshot.id} are gone. Restore them from a backup.")
        if sha256_of(path) != snapshot.sha256:
            raise FraudlossError(
                f"{path}: the bytes are not those that were received (their sha256 is not {snapshot.sha256}). "
                "Restore them from a backup; a snapshot is never edited: declare a correction instead."
            )
        return path

    # ----------------------------------------------------------------------------------------------------------- parquet

    def observations_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "observations" / f"source={source_id}" / f"snapshot={snapshot_id}.parquet"

    def quarantine_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "quarantine" / f"source={source_id}" / f"snapshot={snapshot_id}.parquet"

    def cases_path(self, source_id: str, snapshot_id: str, month: str) -> Path:
        folder = self.processed / "cases" / f"source={source_id}" / f"snapshot={snapshot_id}"
        return folder / f"month={month}.parquet"

    def cases_paths(self, snapshot: Snapshot) -> list[Path]:
        """The files of the sound cases of a snapshot, by month."""
        folder = self.processed / "cases" / f"source={snapshot.source}" / f"snapshot={snapshot.id}"
        return sorted(folder.glob("month=*.parquet"))

    def quarantined_cases_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "quarantine" / f"source={source_id}" / f"cases={snapshot_id}.parquet"

    def fetched_path(self, source_id: str) -> Path:
        return self.processed / "fetched" / f"{source_id}.json"

    def verdict_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "validation" / "verdicts" / source_id / f"{snapshot_id}.json"

    def aggregate_path(self, source_id: str, view_id: str) -> Path:
        return self.processed / "aggregates" / f"source={source_id}" / f"view={view_id}.parquet"

    def aggregate_manifest_path(self, source_id: str, view_id: str) -> Path:
        return self.processed / "manifests" / source_id / f"{view_id}.json"

    def release_folder(self, frequency: str, period: str, release_id: str) -> Path:
        return self.releases_folder(frequency, period) / release_id

    def releases_folder(self, frequency: str, period: str) -> Path:
        return self.processed / "releases" / frequency / period

    def relative(self, path: Path) -> str:
        """The path as manifests name it: from the data root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def write_table(self, path: Path, table: pa.Table) -> dict[str, Any]:
        """Write the table as Parquet; gives its entry for a manifest: path, sha256, rows."""
        content = parquet_bytes(table)
        self.write(path, content)
        return {"path": self.relative(path), "sha256": hashlib.sha256(content).hexdigest(), "rows": table.num_rows}

    def read_json(self, path: Path) -> dict[str, Any] | None:
        """The record at `path`, or None where there is none."""
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise FraudlossError(f"{path}: not JSON any more ({error}). Remove it and run again: it is remade.") from error

    def write_json(self, path: Path, record: Any) -> bool:
        """Write the record as JSON. False where it is there already."""
        return self.write(path, json_bytes(record))


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet whose bytes depend on its content alone (zstd, dictionaries on text)."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", compression_level=3)
    return sink.getvalue().to_pybytes()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
