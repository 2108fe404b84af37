"""Whether every byte under the data root is the one that was written: the command `fraudloss verify`.

In: the data root. Out: how many files were checked, and a sentence for each problem: a file that was changed, is gone or that no
manifest lists, a row count that does not add up, a record that refers to nothing. Changes nothing and takes no lock: what a
killed run decided and the next one finishes counts as done, and what another run replaces just now is looked at again.

Not checked: `raw/inbox/`, because whatever lies there is a delivery.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipeline import steps
from pipeline.embargoes import OVER
from pipeline.publish.period import withdrawn
from pipeline.seals import seal_holds, sha256_of
from pipeline.store import Store

_SECONDS_BEFORE_THE_SECOND_LOOK = 0.2


class _Remedy(NamedTuple):
    """What to do about a file that was changed, and about one that is gone."""

    changed: str
    gone: str


_REMADE = _Remedy("Remove it and run again: it is remade.", "Run again: it is remade.")
_RESTORED = _Remedy("Restore it from a backup.", "Restore it from a backup.")


@dataclasses.dataclass(frozen=True)
class Verification:
    """What was found."""

    checked: int  # files
    problems: list[str]


def verify(*, data: Path | None = None) -> Verification:
    """Recompute every hash, seal and row count, and look for files that are gone or that nothing lists."""
    store = steps.store_at(data)
    found = _look(store)
    if found.problems:
        # Another run may have been in the middle of a commit. What is wrong stays wrong.
        time.sleep(_SECONDS_BEFORE_THE_SECOND_LOOK)
        again = _look(store)
        found = Verification(again.checked, [problem for problem in again.problems if problem in found.problems])
    return found


def _look(store: Store) -> Verification:
    check = _Check(store)
    check.snapshots()
    check.verdicts()
    check.counts()
    check.views()
    check.releases()
    check.pages()
    check.fetched()
    check.strangers()
    return Verification(len(check.known), check.problems)


class _Check:
    """One look. Paths are relative to the data root; `known` grows with each file that something lists."""

    def __init__(self, store: Store) -> None:
        self.root = store.root
        # path -> where its bytes are: elsewhere for a file whose commit a killed run had decided and not finished.
        self.files = {path.relative_to(store.root).as_posix(): place for path, place in store.files().items()}
        self.known: set[str] = set()
        self.problems: list[str] = []

    # ---------------------------------------------------------------------------------------------------- what there is

    def snapshots(self) -> None:
        """Bytes as received, and what is known about them."""
        for path in self._found("raw/*/*/snapshot.json"):
            folder = path.rpartition("/")[0]
            if record := self._record(path, _RESTORED):
                self._listed(f"{folder}/{record['file']}", record, path, _RESTORED)
                if folder != f"raw/{record['source']}/{record['id']}" or not record["sha256"].startswith(record["id"]):
                    self._problem(path, f"is about {record['source']}/{record['id']}. {_RESTORED.changed}")

    def verdicts(self) -> None:
        """Verdicts, and the rows of the snapshots that they are about."""
        for path in self._found("processed/validation/verdicts/*/*.json"):
            if verdict := self._record(path, _REMADE):
                self._snapshot_is_there(path, verdict["source"], verdict["snapshot"])
                for entry in verdict["files"]:
                    self._table(entry, path, _REMADE)
                if wrong := _uncounted(verdict):
                    self._problem(path, f"{wrong}. {_REMADE.changed}")

    def views(self) -> None:
        """Each source as of a date, and what it says now."""
        for pattern, outcome in (("*/*", "a view that is still needed is remade"), ("*", "it is remade")):
            for path in self._found(f"processed/manifests/{pattern}.json"):
                both = f"Remove it and {path}, and run again: {outcome}."
                for entry in self._record(path, _REMADE).get("files", ()):
                    self._table(entry, path, _Remedy(both, both))

    def counts(self) -> None:
        """The figures and cells of the periods of ledgers."""
        for path in self._found("processed/counts/*.json"):
            record = self._record(path, _REMADE)
            for count in record.get("counts", {}).values():
                for snapshot_id in count["snapshots"].split("+"):
                    self._snapshot_is_there(path, record["source"], snapshot_id)
                for entry in count["files"]:
                    self._table(entry, path, _REMADE)

    def releases(self) -> None:
        """Releases, and which of them speaks for its period."""
        for path in self._found("processed/releases/*/due.json"):
            self._record(path, _REMADE)
        pointers = {path: self._record(path, _REMADE) for path in self._found("processed/releases/*/*/current.json")}
        speaking = {path: pointer.get("release_id") for path, pointer in pointers.items()}
        for path in self._found("processed/releases/*/*/*/manifest.json"):
            folder = path.rpartition("/")[0]
            period, release_id = folder.rsplit("/", 1)
            # Where the pointer cannot be read, a run asks for the release that speaks.
            remedy = _REMADE if speaking.get(f"{period}/current.json", "") in (release_id, None) else _RESTORED
            if manifest := self._record(path, remedy):
                for name, entry in manifest["files"].items():
                    self._listed(f"{folder}/{name}", entry, path, remedy)
                for used in manifest["snapshots"]:
                    self._snapshot_is_there(path, used["source"], used["id"])
                if folder != f"processed/releases/{manifest['frequency']}/{manifest['period']}/{manifest['release_id']}":
                    self._problem(path, f"is about another release than its folder. {remedy.changed}")
        for path, spoken in speaking.items():
            if spoken and path.replace("current.json", f"{spoken}/manifest.json") not in self.files:
                self._problem(path, f"points to the release {spoken}, whose manifest is gone. {_REMADE.gone}")
        self._periods(pointers)
        self._embargoes(pointers)

    def _embargoes(self, pointers: Mapping[str, Mapping[str, Any]]) -> None:
        """The releases that wait are there, and nothing that is published names them."""
        for path in self._found("processed/embargoes/*/*.json"):
            if not (record := self._record(path, _RESTORED)):
                continue
            folder = f"processed/releases/{record['frequency']}/{record['period']}"
            if path != f"processed/embargoes/{record['frequency']}/{record['period']}.json":
                self._problem(path, f"is about another period than its name. {_RESTORED.changed}")
            for name, entry in record["previews"].items():
                self._listed(f"{folder}/{name}", entry, path, _REMADE)
            if record["status"] == OVER or not record["release_id"]:
                continue
            if (manifest := f"{folder}/{record['release_id']}/manifest.json") not in self.files:
                self._problem(manifest, f"is gone, though {path} says that the release waits. {_REMADE.gone}")
            if pointers.get(f"{folder}/current.json", {}).get("release_id") == record["release_id"]:
                self._problem(
                    f"{folder}/current.json", f"points to a release that {path} says is under embargo. {_RESTORED.changed}"
                )

    def _periods(self, pointers: Mapping[str, Mapping[str, Any]]) -> None:
        """The records of all releases of each period: they say what the pointer says, and what they name can be read."""
        records = self._found("processed/releases/*/*/releases.json")
        for path in records:
            folder = path.rpartition("/")[0]
            if not (record := self._record(path, _REMADE)):
                continue
            for name, entry in record["files"].items():
                self._listed(f"{folder}/{name}", entry, path, _REMADE)
            if folder != f"processed/releases/{record['frequency']}/{record['period']}":
                self._problem(path, f"is about another period than its folder. {_REMADE.changed}")
            self._releases_of(record, folder, path)
            if (pointer := f"{folder}/current.json") not in pointers:
                if record["releases"]:
                    self._problem(pointer, f"is gone, though {path} lists releases that spoke. {_REMADE.gone}")
            elif pointers[pointer] and _pointer_of(record) != pointers[pointer]:
                self._problem(pointer, f"does not say what {path} says. Remove both, and run again: they are remade.")
        for pointer in pointers:
            if (path := pointer.replace("current.json", "releases.json")) not in records:
                self._problem(path, f"is gone, though {pointer} is there. {_REMADE.gone}")

    def _releases_of(self, record: Mapping[str, Any], folder: str, path: str) -> None:
        """The releases that the record of a period lists are there."""
        for item in (*record["releases"], *record["others"]):
            if (manifest := f"{folder}/{item['release_id']}/manifest.json") not in self.files:
                remedy = _REMADE if item["release_id"] == record["current"] else _RESTORED
                self._problem(manifest, f"is gone, though {path} lists the release. {remedy.gone}")

    def pages(self) -> None:
        """The index of releases and the Data Docs."""
        site = self._pages("processed/site")
        for period, release_id in site["made_of"].items():
            if (pointer := f"processed/releases/{period}/current.json") not in self.files:
                self._problem(pointer, f"is gone, though the site shows {period} as {release_id}. {_REMADE.gone}")
        docs = self._pages("processed/validation/data_docs")
        for page in docs["files"].keys() - {"index.html"}:
            verdict = f"processed/validation/verdicts/{page.removesuffix('.html')}.json"
            if verdict not in self.files:
                self._problem(verdict, f"is gone, though the Data Docs have a page of it. {_REMADE.gone}")

    def _pages(self, folder: str) -> dict[str, Any]:
        path = f"{folder}/manifest.json"
        manifest = self._record(path, _REMADE) if path in self.files else {}
        for page, entry in manifest.get("files", {}).items():
            self._listed(f"{folder}/{page}", entry, path, _REMADE)
        return {"files": {}, "made_of": {}} | manifest

    def fetched(self) -> None:
        """What servers said of the files that were fetched last."""
        for path in self._found("processed/fetched/*.json"):
            record = self._record(path, _Remedy("Remove it: the next download asks for the whole file.", ""))
            for about in record.values():
                self._snapshot_is_there(path, Path(path).stem, about["snapshot"])

    def strangers(self) -> None:
        """Files that nothing lists: put there by hand, or rows whose manifest is gone."""
        for path in sorted(self.files.keys() - self.known):
            if path.startswith("raw/"):
                self._problem(path, "no snapshot.json lists it. Restore that from a backup, or move the file away.")
            else:
                self._problem(path, "no manifest lists it. Move it away and run again: what is needed is remade.")

    # ----------------------------------------------------------------------------------------------------------- checks

    def _found(self, pattern: str) -> list[str]:
        depth = pattern.count("/")
        return sorted(path for path in self.files if path.count("/") == depth and Path(path).match(pattern))

    def _problem(self, path: str, sentence: str) -> None:
        self.problems.append(f"{self.root / path}: {sentence}")

    def _record(self, path: str, remedy: _Remedy) -> dict[str, Any]:
        """The sealed record; empty, and a problem, where a byte of it was changed."""
        self.known.add(path)
        content = self._bytes(path)
        if not seal_holds(content):
            self._problem(path, f"its bytes were changed after it was written (the seal does not hold). {remedy.changed}")
            return {}
        record: dict[str, Any] = json.loads(content)
        del record["seal"]
        return record

    def _bytes(self, path: str) -> bytes:
        try:
            return self.files[path].read_bytes()
        except FileNotFoundError:
            return b""

    def _listed(self, path: str, entry: Mapping[str, Any], manifest: str, remedy: _Remedy) -> Path | None:
        """Where the bytes of a file are that a manifest lists; None, and a problem, where they are gone or others."""
        self.known.add(path)
        try:
            place = self.files[path]
            same = place.stat().st_size == entry["size_bytes"] and sha256_of(place) == entry["sha256"]
        except (KeyError, FileNotFoundError):
            self._problem(path, f"is gone, though {manifest} lists it. {remedy.gone}")
            return None
        if not same:
            self._problem(path, f"its bytes are not those that {manifest} lists. {remedy.changed}")
        return place if same else None

    def _table(self, entry: Mapping[str, Any], manifest: str, remedy: _Remedy) -> None:
        place = self._listed(entry["path"], entry, manifest, remedy)
        if place is not None and (rows := pq.read_metadata(place).num_rows) != entry["rows"]:
            self._problem(entry["path"], f"holds {rows} rows, {manifest} says {entry['rows']}. {remedy.changed}")

    def _snapshot_is_there(self, path: str, source_id: str, snapshot_id: str) -> None:
        sidecar = f"raw/{source_id}/{snapshot_id}/snapshot.json"
        if sidecar not in self.files:
            self._problem(sidecar, f"is gone, though {path} was made from it. {_RESTORED.gone}")


def _pointer_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the pointer of the period has to say."""
    gone = withdrawn(record)
    return {"release_id": record["current"]} | ({"withdrawn": gone} if gone else {})


def _uncounted(verdict: Mapping[str, Any]) -> str:
    """Why the rows of a verdict do not add up; empty where each row that was read went on or was set aside, and is kept."""
    kept = dict.fromkeys(("observations", "quarantine", "cases", "quarantined cases", "record_ids"), 0)
    for entry in verdict["files"]:
        _, kind, _, name, *_ = entry["path"].split("/")
        kept["quarantined cases" if kind == "quarantine" and name.startswith("cases=") else kind] += entry["rows"]
    if verdict["status"] != "accepted":
        return "lists rows, though it refused them" if verdict["files"] else ""
    # The figures of a ledger are made of several files, and stand in no verdict on one.
    counts = [("figures", verdict.get("cubes", verdict), kept["observations"], kept["quarantine"])] * ("months" not in verdict)
    if "cubes" in verdict or "months" in verdict:
        counts.append(("records", verdict, kept["cases"], kept["quarantined cases"]))
    for of, said, ok, quarantined in counts:
        if (said["read"], said["ok"], said["quarantined"]) != (ok + quarantined, ok, quarantined):
            told = f"{said['read']} {of} were read, {said['ok']} went on and {said['quarantined']} were set aside"
            return f"says that {told}; kept are {ok} and {quarantined}"
    return ""
