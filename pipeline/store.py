"""The data root as a store: what lies there, and the only code that writes there.

In: bytes, files to be copied, frames as Arrow tables, and records. Out: files under `raw/` and `processed/` at the paths of
`pipeline.data_root`, each written whole or not at all, and those that belong together at once (`pipeline.atomic`); what of them
is there, whole and unchanged.

A file and the record that names its sha256 change in one commit. Every record carries a seal (`pipeline.seals`), so that no byte
of it can be changed unseen either.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import atomic
from pipeline.data_root import INBOX, DataRoot
from pipeline.model import FraudlossError, Snapshot
from pipeline.seals import file_entry, parquet_bytes, seal_holds, sealed, sha256_of

_LOCKS = ".locks"


class ChangedBytes(FraudlossError):
    """A file is not the one that its manifest lists: changed by hand, or just being replaced by another run."""


class Store(DataRoot):
    """Reads and atomic writes under one data root."""

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
            if folder.name not in (atomic.STAGING, _LOCKS, INBOX)
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
            if held and self.bytes_path(held).is_file():
                return held, False
        with self.lock("raw", source_id), self.commit(self.raw) as commit:
            copied = commit.copy(path)
            snapshot = described(copied.sha256, copied.size_bytes)
            held = self._held(snapshot)
            if held and self.bytes_path(held).is_file():
                return held, False
            kept = held or snapshot
            commit.write_folder(self.bytes_path(kept).parent, {kept.file: copied, "snapshot.json": sealed(kept.to_json())})
        return kept, True

    def _held(self, snapshot: Snapshot) -> Snapshot | None:
        """What is known here about a snapshot of these bytes."""
        record = self.read_json(self.sidecar_path(snapshot.source, snapshot.id))
        return Snapshot.from_json(record) if record else None

    def snapshots(self, source_id: str) -> list[Snapshot]:
        """Every snapshot of the source, the one that speaks last at the end."""
        found = (self.read_json(path) for path in (self.raw / source_id).glob("*/snapshot.json"))
        return sorted((Snapshot.from_json(record) for record in found if record), key=lambda snapshot: snapshot.order)

    def raw_path(self, snapshot: Snapshot, *, just_taken_in: bool = False) -> Path:
        """The bytes as received. Raises FraudlossError when they are gone or have been changed by hand.

        `just_taken_in`: by this process, which hashed them while it wrote them; they are not hashed once more.
        """
        path = self.bytes_path(snapshot)
        if not path.is_file():
            raise FraudlossError(f"{path}: the bytes of snapshot {snapshot.id} are gone. Restore them from a backup.")
        if not just_taken_in and sha256_of(path) != snapshot.sha256:
            raise FraudlossError(
                f"{path}: the bytes are not those that were received (their sha256 is not {snapshot.sha256}). "
                "Restore them from a backup; a snapshot is never edited: declare a correction instead."
            )
        return path

    def cases_paths(self, snapshot: Snapshot) -> list[Path]:
        """The files of the sound cases of a snapshot, by month."""
        folder = self.processed / "cases" / f"source={snapshot.source}" / f"snapshot={snapshot.id}"
        return sorted(folder.glob("month=*.parquet"))

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

    def accepted(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """The verdict by which the snapshot is accepted, whatever code gave it, with all its files there; None without one."""
        verdict = self.read_json(self.verdict_path(snapshot.source, snapshot.id))
        stands = verdict and verdict["status"] == "accepted" and all(map(self.is_there, verdict["files"]))
        return verdict if stands else None

    def aggregate_manifests(self, source_id: str) -> list[dict[str, Any]]:
        """What went into each view of the source that was ever made here."""
        paths = sorted((self.processed / "manifests" / source_id).glob("*.json"))
        return [manifest for path in paths if (manifest := self.read_json(path))]

    def embargo_records(self) -> list[dict[str, Any]]:
        """The records of all embargoes, by frequency and period."""
        found = (self.read_json(path) for path in sorted((self.processed / "embargoes").glob("*/*.json")))
        return [record for record in found if record]

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


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
