"""The data root: where everything lies, and the only code that writes there.

In: bytes, files to be copied, frames as Arrow tables, and records. Out: files under `raw/` and `processed/`, each written whole
or not at all, and those that belong together at once (`pipeline.atomic`).

    raw/inbox/<source>/                                           deliveries, as they arrive
    raw/<source>/<id>/<original name> + snapshot.json             snapshots
    processed/cases/source=<s>/snapshot=<id>/month=<YYYY-MM>.parquet   sound records of that snapshot
    processed/record_ids/source=<s>/snapshot=<id>/month=<YYYY-MM>.parquet   their ids, of a ledger's
    processed/observations/source=<s>/snapshot=<id>.parquet       figures read from that snapshot
    processed/observations/source=<s>/<period>=<id>.parquet       figures of a period that a ledger's snapshots give together
    processed/cells/source=<s>/<cube>/<period>=<id>.parquet       cells of a large cube of that period
    processed/counts/<s>.json                                     what each of these periods was made of, and its files
    processed/quarantine/source=<s>/snapshot=<id>.parquet         rows that broke a row rule, with the rule ids
    processed/validation/verdicts/<s>/<id>.json                   verdict, and the manifest of the files above
    processed/validation/data_docs/                               Data Docs of the current verdicts, with a manifest
    processed/current/<s>.parquet                                 what each source says now, derived figures included
    processed/aggregates/source=<s>/view=<id>.parquet             a source as of a date, derived figures included
    processed/revisions/source=<s>/view=<id>.parquet              every revision of its figures, with the day it was known from
    processed/vintages/source=<s>/view=<id>.parquet               the days on which a snapshot spoke for a table and period
    processed/record_changes/source=<s>/view=<id>.parquet         rows added, withdrawn and changed, month by month
    processed/manifests/<s>/<id>.json                             what went into that view
    processed/manifests/<s>.json                                  which view the source says now, and its file in current/
    processed/fetched/<source>.json                               what servers said of the files that were fetched last
    processed/releases/<frequency>/<period>/<id>/                 a release; appears in one step, with manifest.json
    processed/releases/<frequency>/<period>/current.json          which release speaks for the period now, or that it is withdrawn
    processed/releases/<frequency>/<period>/releases.json         all its releases in order, what took the place of each, and why
    processed/releases/<frequency>/<period>/index.html            the same as a page
    processed/embargoes/<frequency>/<period>.json                 until when a release is held back, and each decision
    processed/releases/<frequency>/due.json                       what they were made of when nothing was due any more
    processed/site/                                               index of releases, with a manifest

A file and the record that names its sha256 change in one commit. Every record carries a seal, the sha256 of its own bytes, so
that no byte of it can be changed unseen either.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import atomic
from pipeline.model import FraudlossError, Snapshot

_LOCKS, _INBOX = ".locks", "inbox"
_UNSEALED = "0" * 64
_SEAL = re.compile(rb'^ "seal": "([0-9a-f]{64})"', re.MULTILINE)


class ChangedBytes(FraudlossError):
    """A file is not the one that its manifest lists: changed by hand, or just being replaced by another run."""


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


def sealed(record: Mapping[str, Any]) -> bytes:
    """The record as JSON with one more member, `seal`: the sha256 of these bytes with 64 zeros in its place."""
    content = json_bytes({**record, "seal": _UNSEALED})
    return _SEAL.sub(f' "seal": "{hashlib.sha256(content).hexdigest()}"'.encode(), content, count=1)


def seal_holds(content: bytes) -> bool:
    """Whether these bytes are a sealed record in which no byte was changed."""
    seal = _SEAL.search(content)
    unsealed = _SEAL.sub(f' "seal": "{_UNSEALED}"'.encode(), content, count=1)
    return seal is not None and hashlib.sha256(unsealed).hexdigest().encode() == seal[1]


class Store:
    """Paths, reads and atomic writes under one data root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw = root / "raw"
        self.processed = root / "processed"

    # ------------------------------------------------------------------------------------------------------------ atomic

    @contextlib.contextmanager
    def commit(self, tree: Path | None = None) -> Iterator[Commit]:
        """Changes under `tree` (`processed/` by default) that happen together at the end of the block, or not at all.

        Raises OSError (disk full, …), after which the files are as they were.
        """
        with atomic.commit(tree or self.processed) as changes:
            yield Commit(self, changes)

    def write(self, path: Path, content: bytes) -> bool:
        """Put `content` at `path` in one step. False where the same bytes are there already. Raises OSError (disk full, …)."""
        self._require_inside(path)
        if _holds(path, content):
            return False
        tree = next((tree for tree in (self.raw, self.processed) if path.is_relative_to(tree)), self.root)
        with self.commit(tree) as commit:
            return commit.write(path, content)

    def write_json(self, path: Path, record: Mapping[str, Any]) -> bool:
        """Write the record as sealed JSON. False where it is there already."""
        return self.write(path, sealed(record))

    @contextlib.contextmanager
    def lock(self, *names: str) -> Iterator[None]:
        """Hold the lock of one thing that two runs could write (a source, a release's period, the site); waits its turn.

        What a killed run had decided is finished first, so that nobody works on half of it.
        """
        with atomic.exclusive(self.processed / _LOCKS / ("-".join(names).replace("/", "_") + ".lock")):
            self.recover()
            yield

    def recover(self) -> None:
        """Finish or clear away what killed runs left. Other runs that are at work are not disturbed."""
        for tree in (self.raw, self.processed):
            atomic.recover(tree)

    def files(self) -> dict[Path, Path]:
        """Every file that was written here, by its path, and where its bytes are. Deliveries in the inbox are left out.

        The bytes are elsewhere for a file that a killed run decided to write: the next run puts it in its place.
        """
        found = {
            path: path
            for tree in (self.raw, self.processed)
            for folder in sorted(tree.iterdir() if tree.is_dir() else ())
            if folder.name not in (atomic.STAGING, _LOCKS, _INBOX)
            for path in ([folder] if folder.is_file() else folder.rglob("*"))
            if path.is_file() and path.name != ".gitkeep"
        }
        for target, prepared in {**atomic.decided(self.raw), **atomic.decided(self.processed)}.items():
            if prepared is None:
                found.pop(target, None)
            elif prepared.is_dir():
                found |= {target / path.relative_to(prepared): path for path in prepared.rglob("*") if path.is_file()}
            else:
                found[target] = prepared
        return found

    def _require_inside(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise FraudlossError(f"{path} lies outside the data root {self.root}: nothing is written there.")

    # --------------------------------------------------------------------------------------------------------- snapshots

    def inbox(self, source_id: str) -> Path:
        """Where files of the source arrive."""
        return self.raw / _INBOX / source_id

    def source_ids(self) -> list[str]:
        """The sources of which a snapshot lies here."""
        return sorted({path.parent.parent.name for path in self.raw.glob("*/*/snapshot.json")})

    def take_in(
        self, source_id: str, path: Path, described: Callable[[str, int], Snapshot], sizes: Collection[int] | None = None
    ) -> tuple[Snapshot, bool]:
        """Keep the bytes of a file under their sha256. Gives the snapshot that is kept, and whether it is new; where the bytes
        are held already, nothing is changed.

        The file is copied and hashed in pieces, in one reading. `described`: sha256 and size in bytes -> the snapshot. `sizes`:
        those of the snapshots that are held: a file of another size is not looked for before it is copied.
        """
        self.recover()
        if sizes is None or path.stat().st_size in sizes:
            held = self._held(described(sha256_of(path), path.stat().st_size))
            if held and self._bytes_path(held).is_file():
                return held, False
        with self.lock("raw", source_id), self.commit(self.raw) as commit:
            copied = commit.copy(path)
            snapshot = described(copied.sha256, copied.size_bytes)
            held = self._held(snapshot)
            if held and self._bytes_path(held).is_file():
                return held, False
            kept = held or snapshot
            commit.write_folder(self._bytes_path(kept).parent, {kept.file: copied, "snapshot.json": sealed(kept.to_json())})
        return kept, True

    def _held(self, snapshot: Snapshot) -> Snapshot | None:
        """What is known here about a snapshot of these bytes."""
        record = self.read_json(self.sidecar_path(snapshot.source, snapshot.id))
        return Snapshot.from_json(record) if record else None

    def sidecar_path(self, source_id: str, snapshot_id: str) -> Path:
        """What is known about a snapshot; where it is gone, so is the snapshot."""
        return self.raw / source_id / snapshot_id / "snapshot.json"

    def _bytes_path(self, snapshot: Snapshot) -> Path:
        return self.raw / snapshot.source / snapshot.id / snapshot.file

    def snapshots(self, source_id: str) -> list[Snapshot]:
        """Every snapshot of the source, the one that speaks last at the end."""
        found = (self.read_json(path) for path in (self.raw / source_id).glob("*/snapshot.json"))
        return sorted((Snapshot.from_json(record) for record in found if record), key=lambda snapshot: snapshot.order)

    def raw_path(self, snapshot: Snapshot, *, just_taken_in: bool = False) -> Path:
        """The bytes as received. Raises FraudlossError when they are gone or have been changed by hand.

        `just_taken_in`: by this process, which hashed them while it wrote them; they are not hashed once more.
        """
        path = self._bytes_path(snapshot)
        if not path.is_file():
            raise FraudlossError(f"{path}: the bytes of snapshot {snapshot.id} are gone. Restore them from a backup.")
        if not just_taken_in and sha256_of(path) != snapshot.sha256:
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

    def record_ids_path(self, source_id: str, snapshot_id: str, month: str) -> Path:
        folder = self.processed / "record_ids" / f"source={source_id}" / f"snapshot={snapshot_id}"
        return folder / f"month={month}.parquet"

    def counts_path(self, source_id: str) -> Path:
        """What each counted period of a ledger was made of, and its files."""
        return self.processed / "counts" / f"{source_id}.json"

    def counted_path(self, source_id: str, period: str, count_id: str) -> Path:
        """The figures of a period of a ledger, as some snapshots give them."""
        return self.processed / "observations" / f"source={source_id}" / f"{_in_file_name(period)}={count_id}.parquet"

    def cells_path(self, source_id: str, cube: str, period: str, count_id: str) -> Path:
        """The cells of a large cube of that period."""
        return self.processed / "cells" / f"source={source_id}" / cube / f"{_in_file_name(period)}={count_id}.parquet"

    def quarantined_cases_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "quarantine" / f"source={source_id}" / f"cases={snapshot_id}.parquet"

    def cases_entries(self, snapshot: Snapshot) -> dict[str, dict[str, Any]]:
        """The entries of the sound cases of a snapshot in its verdict, by month."""
        folder = self.relative(self.cases_path(snapshot.source, snapshot.id, "").parent)
        listed = (self.read_json(self.verdict_path(snapshot.source, snapshot.id)) or {"files": []})["files"]
        own = [entry for entry in listed if entry["path"].startswith(f"{folder}/month=")]
        return {entry["path"].rpartition("=")[2].removesuffix(".parquet"): entry for entry in own}

    def row_paths(self, snapshot: Snapshot) -> list[Path]:
        """Every file with rows of the snapshot that is there, sound or not."""
        of_source = (self.observations_path, self.quarantine_path, self.quarantined_cases_path)
        single = (path_of(snapshot.source, snapshot.id) for path_of in of_source)
        ids = self.record_ids_path(snapshot.source, snapshot.id, "").parent.glob("month=*.parquet")
        return [*(path for path in single if path.is_file()), *self.cases_paths(snapshot), *sorted(ids)]

    def fetched_path(self, source_id: str) -> Path:
        return self.processed / "fetched" / f"{source_id}.json"

    def verdict_path(self, source_id: str, snapshot_id: str) -> Path:
        return self.processed / "validation" / "verdicts" / source_id / f"{snapshot_id}.json"

    def accepted(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """The verdict by which the snapshot is accepted, whatever code gave it, with all its files there; None without one."""
        verdict = self.read_json(self.verdict_path(snapshot.source, snapshot.id))
        stands = verdict and verdict["status"] == "accepted" and all(map(self.is_there, verdict["files"]))
        return verdict if stands else None

    def view_paths(self, source_id: str, view_id: str) -> list[Path]:
        """The files of a view: figures, revisions, vintages, record changes."""
        folders = ("aggregates", "revisions", "vintages", "record_changes")
        return [self.processed / folder / f"source={source_id}" / f"view={view_id}.parquet" for folder in folders]

    def current_figures_path(self, source_id: str) -> Path:
        """The figures that the source says now."""
        return self.processed / "current" / f"{source_id}.parquet"

    def current_view_path(self, source_id: str) -> Path:
        """The record of the view that the source says now."""
        return self.processed / "manifests" / f"{source_id}.json"

    def aggregate_manifest_path(self, source_id: str, view_id: str) -> Path:
        return self.processed / "manifests" / source_id / f"{view_id}.json"

    def aggregate_manifests(self, source_id: str) -> list[dict[str, Any]]:
        """What went into each view of the source that was ever made here."""
        paths = sorted((self.processed / "manifests" / source_id).glob("*.json"))
        return [manifest for path in paths if (manifest := self.read_json(path))]

    def release_folder(self, frequency: str, period: str, release_id: str) -> Path:
        return self.releases_folder(frequency, period) / release_id

    def releases_folder(self, frequency: str, period: str) -> Path:
        return self.processed / "releases" / frequency / period

    def current_path(self, frequency: str, period: str) -> Path:
        """The record of which release speaks for the period now (`release_id`), or that it is withdrawn (then that is None)."""
        return self.releases_folder(frequency, period) / "current.json"

    def period_path(self, frequency: str, period: str) -> Path:
        """The record of all releases of the period, and the manifest of its pages."""
        return self.releases_folder(frequency, period) / "releases.json"

    def due_path(self, frequency: str) -> Path:
        """The record of what all releases of the frequency were made of when nothing was due any more."""
        return self.processed / "releases" / frequency / "due.json"

    def relative(self, path: Path) -> str:
        """The path as manifests name it: from the data root, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def read_json(self, path: Path) -> dict[str, Any] | None:
        """The record at `path`, or None where there is none. Raises ChangedBytes where its seal does not hold."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if not seal_holds(content):
            remedy = "Restore it from a backup." if path.is_relative_to(self.raw) else "Remove it and run again: it is remade."
            raise ChangedBytes(f"{path}: its bytes were changed after it was written (the seal does not hold). {remedy}")
        record: dict[str, Any] = json.loads(content)
        del record["seal"]
        return record

    def read_listed(self, entry: Mapping[str, Any]) -> bytes:
        """The bytes of a file that a manifest lists (path, sha256). Raises ChangedBytes where they are others, or gone."""
        path = self.root / entry["path"]
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise ChangedBytes(f"{path}: is gone, though its manifest lists it. Run again: it is remade.") from None
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise ChangedBytes(f"{path}: its bytes are not those that its manifest lists. Remove it and run again: it is remade.")
        return content

    def is_there(self, entry: Mapping[str, Any]) -> bool:
        """Whether a file that a manifest lists is there with its length; its bytes are not read."""
        path = self.root / entry["path"]
        return path.is_file() and path.stat().st_size == entry["size_bytes"]

    def embargo_path(self, frequency: str, period: str) -> Path:
        """The record of the embargo on the period's release."""
        return self.processed / "embargoes" / frequency / f"{period}.json"

    def embargo_records(self) -> list[dict[str, Any]]:
        """The records of all embargoes, by frequency and period."""
        found = (self.read_json(path) for path in sorted((self.processed / "embargoes").glob("*/*.json")))
        return [record for record in found if record]

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        """Another value whenever the file was written since; for comparing in one process, never to be kept. None: it is gone."""
        status = _status(path)
        return (status.st_ino, status.st_mtime_ns, status.st_size) if status else None

    def verdicts_stamp(self) -> frozenset[tuple[str, int, int]]:
        """Another value whenever a verdict or an embargo was written or taken away since; for comparing in one process, never to
        be kept."""
        folders = (self.processed / "validation" / "verdicts", self.processed / "embargoes")
        found = (path for folder in folders for path in folder.glob("*/*.json"))
        return frozenset((str(path), status.st_ino, status.st_mtime_ns) for path in found if (status := _status(path)))

    def release_is_whole(self, folder: Path) -> bool:
        """Whether the release in `folder` has its manifest and every file that it lists, with its length."""
        manifest = self.read_json(folder / "manifest.json")
        return manifest is not None and all(
            (folder / name).is_file() and (folder / name).stat().st_size == entry["size_bytes"]
            for name, entry in manifest["files"].items()
        )

    def period_is_whole(self, frequency: str, period: str) -> bool:
        """Whether the record of the period's releases is there with every page that it lists, with its length."""
        path = self.period_path(frequency, period)
        record = self.read_json(path)
        return record is not None and all(
            self.is_there({"path": self.relative(path.with_name(name)), **entry}) for name, entry in record["files"].items()
        )

    def pages_made_of(self, folder: Path) -> dict[str, str]:
        """What the pages in `folder` were made of, as `write_pages` was told; nothing where one of them is gone."""
        manifest = self.read_json(folder / "manifest.json")
        if manifest is None or not all((folder / page).is_file() for page in manifest["files"]):
            return {}
        return dict(manifest["made_of"])

    def write_pages(
        self, folder: Path, pages: Mapping[str, bytes], made_of: Mapping[str, str], *, staying: Collection[str] = ()
    ) -> bool:
        """Write pages and `manifest.json` beside them, at once. True when anything was rewritten.

        `made_of`: part -> version of what its pages were made of. Pages of an earlier call are taken away, but for those in
        `staying`.
        """
        name = folder / "manifest.json"
        listed = (self.read_json(name) or {}).get("files", {})
        kept = {page: entry for page, entry in listed.items() if page not in pages and page in staying}
        made = {page: file_entry(content) for page, content in pages.items()}
        with self.commit() as commit:
            written = [commit.write(folder / page, content) for page, content in sorted(pages.items())]
            for page in sorted(listed.keys() - pages.keys() - kept.keys()):
                commit.remove(folder / page)
            written.append(commit.write_json(name, {"files": kept | made, "made_of": dict(made_of)}))
        return any(written)


class Commit:
    """Changes that happen together at the end of the block of `Store.commit`, which makes it."""

    def __init__(self, store: Store, changes: atomic.Commit) -> None:
        self._store, self._changes = store, changes

    def write(self, path: Path, content: bytes) -> bool:
        """Prepare `content` for `path`. False where the same bytes are there already."""
        self._store._require_inside(path)
        return self._changes.put(path, content)

    def write_json(self, path: Path, record: Mapping[str, Any]) -> bool:
        """Prepare the record as sealed JSON. False where it is there already."""
        return self.write(path, sealed(record))

    def write_table(self, path: Path, table: pa.Table) -> dict[str, Any]:
        """Prepare the table as Parquet; gives its entry for a manifest: path, sha256, size_bytes, rows."""
        content = parquet_bytes(table)
        self.write(path, content)
        return {"path": self._store.relative(path), **file_entry(content), "rows": table.num_rows}

    def write_copy(self, path: Path, content: bytes) -> dict[str, Any]:
        """Prepare bytes that stand elsewhere too; gives their entry for a manifest: path, sha256, size_bytes."""
        self.write(path, content)
        return {"path": self._store.relative(path), **file_entry(content)}

    def write_listed(self, path: Path, content: bytes, rows: int) -> dict[str, Any]:
        """Prepare a table that is Parquet already; gives its entry for a manifest."""
        self.write(path, content)
        return {"path": self._store.relative(path), **file_entry(content), "rows": rows}

    def copy(self, original: Path) -> atomic.Copied:
        """Copy a file of any size, for `write_folder`."""
        return self._changes.copy(original)

    def write_folder(self, path: Path, files: Mapping[str, bytes | atomic.Copied]) -> None:
        """Prepare a folder, which appears in one step. One that is there already gets back what it lacks, and is never away."""
        self._store._require_inside(path)
        self._changes.put_folder(path, files)

    def write_release(self, path: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
        """Prepare the folder of a release with `manifest.json`, to which the entries of its files are added."""
        entries = {name: file_entry(content) for name, content in sorted(files.items())}
        self.write_folder(path, {**files, "manifest.json": sealed({**manifest, "files": entries})})

    def write_period(self, path: Path, record: Mapping[str, Any], pages: Mapping[str, bytes]) -> None:
        """Prepare `releases.json` at `path`, to which the entries of its pages are added, and the pages beside it."""
        for name, content in sorted(pages.items()):
            self.write(path.with_name(name), content)
        self.write_json(path, {**record, "files": {name: file_entry(content) for name, content in sorted(pages.items())}})

    def remove(self, path: Path) -> None:
        """Prepare taking away a file that nothing refers to any more."""
        self._store._require_inside(path)
        self._changes.remove(path)


def file_entry(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def _in_file_name(period: str) -> str:
    """A year to date has a slash in its code."""
    return period.replace("/", "_")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet whose bytes depend on its content alone (zstd, dictionaries on text)."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", compression_level=3)
    return sink.getvalue().to_pybytes()
