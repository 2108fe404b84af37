"""The table of contents: ingest, validate, aggregate, publish. The DAGs and the CLI call these and nothing else.

In: ids, paths, periods. Out: ids. Every step finds its work done when it is called twice, and says so by what it gives back.
Heavy libraries are imported inside the steps, so that a DAG file costs nothing to parse.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import importlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import code_version, log
from pipeline.model import FraudlossError, RefusedInput, Snapshot, UsageError, day_known
from pipeline.sources.catalogue import SYNTHETIC, Source, are_synthetic, source, source_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from contextlib import AbstractContextManager

    import pandas as pd

    from pipeline.aggregate.corrected_records import CorrectedRecord
    from pipeline.embargoes import Embargo, Embargoes
    from pipeline.ingest.deliveries import Delivery
    from pipeline.publishing.backfill import Backfill
    from pipeline.publishing.plan import Planned
    from pipeline.store import Commit, Store
    from pipeline.validate.expectations import Suite

_PACKAGE = Path(__file__).parent
REPOSITORY = _PACKAGE.parent
# An installed package has its suites inside, and no repository around it.
IS_INSTALLED = (_PACKAGE / "expectations").is_dir()
SUITES = (_PACKAGE if IS_INSTALLED else REPOSITORY) / "expectations"


def data_root() -> Path:
    """The folder with `raw/` and `processed/`: what FRAUDLOSS_DATA names, else `data` in the repository; of an installed package
    `data` in the folder that one stands in."""
    return Path(os.environ.get("FRAUDLOSS_DATA") or ("data" if IS_INSTALLED else REPOSITORY / "data"))


def store_at(data: Path | None, *, may_begin: bool = False) -> Store:
    """The store under `data`, or under the default data root. `may_begin`: what is asked for makes a data root where none is.

    Raises UsageError where no data root lies there, so that a misspelt name or a disk that is not mounted is never taken for a
    night without news; and where files of real and of made-up sources would come to lie under one root.
    """
    from pipeline.store import Store

    store = Store(data or data_root())
    if not may_begin:
        _require_data_root(store.root)
    if others := [name for name in store.source_ids() if name.startswith(SYNTHETIC) != are_synthetic()]:
        raise UsageError(
            f"{store.root} holds {', '.join(others)}: real and made-up sources do not share a data root. Give another one with"
            " --data, or name the folder of its sources in FRAUDLOSS_SOURCES."
        )
    return store


def _require_data_root(root: Path) -> None:
    if (root / "raw").is_dir() or (root / "processed").is_dir():
        return
    found = "holds neither raw/ nor processed/" if root.is_dir() else "is no folder" if root.exists() else "is not there"
    raise UsageError(
        f"{root.absolute()} {found}, so it is no data root. Name the right one with --data or FRAUDLOSS_DATA, see that its disk "
        f"is mounted, or begin a new one: lay files into {root / 'raw' / 'inbox'}/<source>/, or call `fraudloss ingest`."
    )


def today() -> dt.date:
    """The day of receipt of a file that nobody dated. The only clock in the pipeline: it dates a delivery, never a result."""
    return dt.datetime.now(dt.UTC).date()


# ---------------------------------------------------------------------------------------------------------------- ingest


def ingest(source_id: str, delivered: str, *, data: Path | None = None, published: str = "", **about: Any) -> Snapshot:
    """Keep a file, a folder (as one zip) or what an address gives as a snapshot of the source, and try to read it.

    `about`: edition, extract, origin, note (pipeline.ingest.deliveries.Delivery). Raises RefusedInput when it cannot be read
    exactly (its bytes are kept all the same), FetchError when an address does not give what it promises, FraudlossError when the
    same bytes are held as published later: one of the two days is wrong. Bytes that are published once more are no news. Raises
    UsageError, before anything is begun, for an address of which no file can be fetched.
    """
    declared = source(source_id)
    if is_address := re.match(r"^[a-z][a-z0-9+.-]*://", delivered, re.IGNORECASE) is not None:
        _require_address(declared, delivered)
    store = store_at(data, may_begin=True)
    store.recover()
    with tempfile.TemporaryDirectory() as temporary:
        if is_address:
            snapshot, is_new = _ingest_address(store, declared, delivered, Path(temporary), published, about)
            name = snapshot.file
        else:
            path = _one_file(Path(delivered), Path(temporary))
            snapshot, is_new = _ingest_file(store, source_id, path, published, about)
            name = path.name
    log.event("ingested" if is_new else "held already", source=source_id, snapshot=snapshot.id, file=snapshot.file)
    if refusal := _held_for_other_months(declared, snapshot, name):
        raise refusal
    if published and not is_new and day_known(published) < snapshot.known_at:
        raise FraudlossError(_dated_otherwise(store, snapshot, published))
    _try(store, snapshot, declared, is_new)
    return snapshot


def _require_address(declared: Source, address: str) -> None:
    """Of the address in source.yml, its own error says what to do."""
    from pipeline.ingest.addresses import checked_address
    from pipeline.ingest.fetch_errors import AddressRefused

    if address == declared.meta.get("address"):
        return
    try:
        checked_address(address, "")
    except AddressRefused as refusal:
        raise UsageError(
            f"{refusal.address} is no address that a file is fetched from: found {refusal.found}; expected {refusal.expected}. "
            "Give such an address, or fetch the file by other means and give its path."
        ) from refusal


def _held_for_other_months(declared: Source, held: Snapshot, name: str) -> RefusedInput | None:
    """Why a month file is of no use whose bytes were delivered under a name that says other months; None where that is not so."""
    if not declared.is_ledger or held.file == name:
        return None
    from pipeline.sources.ledger_reader import months_of

    try:
        if months_of(declared, name) == months_of(declared, held.file):
            return None
    except RefusedInput:
        pass
    return RefusedInput(
        file=name,
        cell="the name of the file",
        found=f"the bytes of {held.file}, which are held already",
        expected="bytes of its own, for the name says which month they are of",
        action=f"see which name is right; where it is this one, take away raw/{held.source}/{held.id} and deliver the file again",
    )


def _is_dated_otherwise(delivery: Delivery, held: Snapshot) -> bool:
    """Whether the list says another day of the file. The same bytes under another name were published more than once."""
    is_said = delivery.published and delivery.path.name == held.file
    return bool(is_said) and day_known(delivery.published) != held.known_at


def _dated_otherwise(store: Store, held: Snapshot, published: str) -> str:
    folder = store.sidecar_path(held.source, held.id).parent
    return (
        f"{held.file}: is held as snapshot {held.id} of {held.source}, known from {held.known_at}; now it is said to be published"
        f" {published}. What to do: where the new day is right, move {folder} away, and the file is taken in with it when it is"
        " brought again; where the day that is held is right, say that one."
    )


def _try(store: Store, snapshot: Snapshot, declared: Source, is_new: bool) -> None:
    """Read the snapshot, to say at once where it cannot be."""
    if declared.is_ledger:
        from pipeline.sources.ledger_reader import partition

        with tempfile.TemporaryDirectory() as temporary:
            partition(store.raw_path(snapshot, just_taken_in=is_new), declared, Path(temporary))
    else:
        _read(store, snapshot, declared)


def _one_file(path: Path, temporary: Path) -> Path:
    """The file itself; a folder as one zip that always has the same bytes."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such file or folder.")
    from pipeline.ingest.archive import folder_as_zip

    packed = temporary / f"{path.resolve().name}.zip"
    folder_as_zip(path, packed)
    return packed


def _ingest_file(store: Store, source_id: str, path: Path, published: str, about: dict[str, Any]) -> tuple[Snapshot, bool]:
    from pipeline.ingest.deliveries import Delivery

    delivery = Delivery(path=path, published=published, received=None if published else today(), **about)
    return _keep(store, source_id, delivery)


def _ingest_address(
    store: Store, declared: Source, address: str, temporary: Path, published: str, about: dict[str, Any]
) -> tuple[Snapshot, bool]:
    """Ask only for what is newer than what is held; a snapshot is made of a complete, checked file and of nothing less."""
    from pipeline.ingest.fetch import fetch
    from pipeline.ingest.fetch_rules import FetchRules, Validators
    from pipeline.ingest.transfer import Fetched

    rules = FetchRules(**{name: _hashable(value) for name, value in declared.meta.get("fetch", {}).items()})
    known = (store.read_json(store.fetched_path(declared.id)) or {}).get(address)
    held = {snapshot.id: snapshot for snapshot in store.snapshots(declared.id)}
    validators = Validators(known["etag"], known["last_modified"]) if known and known["snapshot"] in held else None
    answer = fetch(address, temporary, validators=validators, rules=rules)
    if not isinstance(answer, Fetched):
        return held[known["snapshot"]], False  # type: ignore[index]
    snapshot, is_new = _ingest_file(store, declared.id, answer.path, published, {**about, "origin": answer.address})
    remembered = {**dataclasses.asdict(answer.validators), "snapshot": snapshot.id}
    with store.lock("fetched", declared.id):
        kept = store.read_json(store.fetched_path(declared.id)) or {}
        store.write_json(store.fetched_path(declared.id), {**kept, address: remembered})
    return snapshot, is_new


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def ingest_inbox(source_id: str, *, data: Path | None = None) -> list[str]:
    """Keep every file of the source's inbox as a snapshot. Gives the ids of those that are new.

    Raises FraudlossError where a file is taken away while it is read; those before it are kept. So it does where the list names
    another day of publication for a file than that under which it was taken in, or one that cannot be meant; all others are kept
    first.
    """
    from pipeline.ingest.deliveries import in_inbox
    from pipeline.ingest.publication_days import is_to_come, why_impossible

    store, declared, new, wrong, day = store_at(data), source(source_id), [], list[str](), today()
    sizes = {snapshot.size_bytes for snapshot in store.snapshots(source_id)}
    for delivery in in_inbox(store.inbox(source_id), received=day):
        if delivery.published and (why := why_impossible(delivery.published, day)):
            wrong.append(_dated_impossibly(delivery, why))
            continue
        try:
            snapshot, is_new = _keep(store, source_id, delivery, sizes)
        except FileNotFoundError as error:
            raise FraudlossError(f"{delivery.path}: was taken away while the inbox was read. Bring it again.") from error
        if is_new:
            new.append(snapshot.id)
            log.event("ingested", source=source_id, snapshot=snapshot.id, file=snapshot.file)
            if delivery.published and is_to_come(delivery.published, day):
                log.event("still to come", source=source_id, file=snapshot.file, published=delivery.published)
        elif refusal := _held_for_other_months(declared, snapshot, delivery.path.name):
            log.event("not taken in", source=source_id, reason=str(refusal))
        elif _is_dated_otherwise(delivery, snapshot):
            wrong.append(_dated_otherwise(store, snapshot, delivery.published))
    if wrong:
        raise FraudlossError(f"{source_id}: " + "\n".join(wrong))
    return new


def _dated_impossibly(delivery: Delivery, why: str) -> str:
    from pipeline.ingest.deliveries import LIST_NAME
    from pipeline.ingest.publication_days import EXPECTED

    return (
        f"{delivery.path.parent / LIST_NAME}, the line of {delivery.path.name}, published: found {delivery.published!r}, which is"
        f" {why}; expected {EXPECTED}. Mend the line; until then the file is not taken in."
    )


def _keep(store: Store, source_id: str, delivery: Delivery, sizes: Collection[int] | None = None) -> tuple[Snapshot, bool]:
    from pipeline.ingest.deliveries import snapshot_of

    return store.take_in(source_id, delivery.path, functools.partial(snapshot_of, source_id, delivery), sizes)


# -------------------------------------------------------------------------------------------------------------- validate


def validate(source_id: str, *, data: Path | None = None) -> list[str]:
    """Read and judge every snapshot of the source that this code has not judged yet. Gives the ids of those it judged.

    Raises FraudlossError when a snapshot is refused that no later accepted whole file replaces, or when what is declared wrong of
    one is not there; the others are done first.
    """
    store, declared = store_at(data), source(source_id)
    if not (snapshots := store.snapshots(source_id)):
        return []
    with store.lock("source", source_id):
        version = _judging_version(source_id)
        verdicts = {item.id: store.read_json(store.verdict_path(source_id, item.id)) for item in snapshots}
        if declared.is_ledger:
            from pipeline import ledgers

            pending = ledgers.pending(store, declared, snapshots, verdicts, version)
        else:
            pending = [item for item in snapshots if not _still_holds(store, item, verdicts[item.id], version)]
        verdicts |= _judge(store, pending, declared, version)
    _raise_refusals(source_id, {item: verdicts[item.id] or {} for item in snapshots})
    return [item.id for item in pending]


def judge_again(
    source_id: str, snapshot_ids: list[str], *, data: Path | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Read and judge these snapshots, whether or not they were judged before. Gives the verdicts before and now, by snapshot."""
    store, declared = store_at(data), source(source_id)
    snapshots = [item for item in store.snapshots(source_id) if item.id in snapshot_ids]
    with store.lock("source", source_id):
        before = {item.id: store.read_json(store.verdict_path(source_id, item.id)) or {} for item in snapshots}
        return before, _judge(store, snapshots, declared, _judging_version(source_id))


def _judging_version(source_id: str) -> str:
    """What a verdict depends on beside the bytes: the code that reads and judges, and the suite."""
    from pipeline.validate.suites import suite_hash

    made = code_version.of_ledger if source(source_id).is_ledger else code_version.of_source
    return f"{made(source_id)}-{suite_hash(_suite_path(source_id))[:12]}"


def _suite_path(source_id: str) -> Path:
    """A source that is declared elsewhere has its suite beside its declaration."""
    declared = source(source_id)
    return declared.folder / "suite.json" if declared.is_synthetic else SUITES / f"{source_id}.json"


def _suite(declared: Source) -> Suite:
    """The suite of the source. Raises RefusedInput where it could let something pass unseen."""
    from pipeline.validate.suites import LEDGER_MARKS, MARKS, load_suite

    return load_suite(_suite_path(declared.id), LEDGER_MARKS if declared.is_ledger else MARKS)


def _still_holds(store: Store, snapshot: Snapshot, verdict: dict[str, Any] | None, version: str) -> bool:
    """Whether this code gave the verdict on the snapshot as it is dated now, and what it lists is there."""
    is_same = verdict is not None and verdict["version"] == version and verdict.get("said") == snapshot.said
    return is_same and all(store.is_there(entry) for entry in (verdict or {})["files"])


def _read(store: Store, snapshot: Snapshot, declared: Source) -> pd.DataFrame:
    """The snapshot as observations, or as cases where the source delivers records."""
    if declared.is_ledger:
        raise AssertionError("a ledger is streamed, never read as a whole")
    reader = importlib.import_module(declared.reader)
    if declared.is_records:
        from pipeline.reading.record_corrections import record_corrections

        corrections = record_corrections(declared.folder, snapshot.file)
        return reader.read_cases(store.raw_path(snapshot), snapshot, declared, corrections)
    from pipeline.ingest.harmonise import harmonise

    return harmonise(reader.read(store.raw_path(snapshot), snapshot, declared), snapshot, declared)


def _judge(store: Store, snapshots: list[Snapshot], declared: Source, version: str) -> dict[str, dict[str, Any]]:
    """Read all, judge all in one go (each evaluation has a fixed cost), save each. Gives the verdicts by snapshot.

    A verdict that a file was accepted by stands where only a declaration about it is false; what is given then is not saved.
    """
    from pipeline.model import FalseDeclaration

    if declared.is_ledger:
        from pipeline import ledgers

        save = functools.partial(_save_files, store, version)
        return ledgers.judge(store, declared, snapshots, _suite(declared), save) if snapshots else {}
    readings: dict[Snapshot, _Reading] = {}
    verdicts = {}
    for snapshot in log.progress(snapshots, f"read {declared.id}"):
        try:
            reading = _reading(store, snapshot, declared)
        except RefusedInput as refusal:
            record = {"status": "refused", "message": str(refusal), "rules": [], "read": 0, "ok": 0, "quarantined": 0}
            if isinstance(refusal, FalseDeclaration) and store.accepted(snapshot):
                verdicts[snapshot.id] = record | {"declaration_is_false": True}
            else:
                verdicts[snapshot.id] = _save_refusal(store, snapshot, version, record)
            continue
        if reading.cases is not None and reading.cases.stopped:
            record = {"status": "refused", **reading.cases.to_json(), "message": reading.cases.message()}
            verdicts[snapshot.id] = _save_refusal(store, snapshot, version, record)
        else:
            readings[snapshot] = reading
    if readings:
        from pipeline.validate.verdict import Submission, judge_many

        submissions = [
            Submission(item.file, reading.observations, reading.identities, extract=item.extract)
            for item, reading in readings.items()
        ]
        judged = judge_many(submissions, _suite(declared))
        for (snapshot, reading), verdict in zip(readings.items(), judged, strict=True):
            verdicts[snapshot.id] = _save_judged(store, snapshot, version, reading, verdict)
    return verdicts


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What was read of one snapshot: its observations, the relations measured on them, and the verdict on its cases if any, with
    those of its records that are corrected here."""

    observations: pd.DataFrame
    identities: pd.DataFrame
    cases: Any = None
    corrected: Sequence[CorrectedRecord] = ()


def _reading(store: Store, snapshot: Snapshot, declared: Source) -> _Reading:
    """Read one snapshot. The cubes of a record-level source are made here, of its sound cases: the suite judges them too."""
    from pipeline.validate.identities import identities_frame

    rows, cases = _read(store, snapshot, declared), None
    corrected: Sequence[CorrectedRecord] = ()
    if declared.is_records:
        from pipeline.aggregate.cubes import cube_observations
        from pipeline.validate.verdict import judge_cases

        suite = _suite(declared)
        cases = judge_cases(rows, suite, file=snapshot.file, known_at=snapshot.known_at)
        rows = cube_observations(cases.ok, declared, snapshot) if not cases.stopped else rows.iloc[:0]
        if cases.stopped:
            return _Reading(rows, rows, cases)
        if corrected := _corrected(store, snapshot, declared, cases.ok):
            from pipeline.aggregate.corrected_records import with_notes

            rows = with_notes(rows, corrected, declared)
    return _Reading(rows, identities_frame(rows, declared), cases, corrected)


def _corrected(store: Store, snapshot: Snapshot, declared: Source, ok: pd.DataFrame) -> Sequence[CorrectedRecord]:
    """The records of the snapshot that are corrected here. Where there are any, it is read once more, as it is printed."""
    from pipeline.model import RefusedInput
    from pipeline.reading.record_corrections import record_corrections

    if not (corrections := record_corrections(declared.folder, snapshot.file)):
        return ()
    from pipeline.aggregate.corrected_records import corrected_records

    try:
        printed = importlib.import_module(declared.reader).read_cases(store.raw_path(snapshot), snapshot, declared)
    except RefusedInput:
        # As it is printed nothing of it could be published.
        printed = ok.iloc[:0]
    return corrected_records(corrections, ok, printed, declared)


def _save_judged(store: Store, snapshot: Snapshot, version: str, reading: _Reading, verdict: Any) -> dict[str, Any]:
    record = {"status": "refused" if verdict.stopped else "accepted", **verdict.to_json()}
    record["message"] = verdict.message() if verdict.stopped else ""
    if reading.cases is not None:
        # The rows that were read are the cases; what the suite said of the cubes made of them is kept beside.
        record |= {"cubes": {name: record[name] for name in ("read", "ok", "quarantined")}}
        said = reading.cases.to_json()
        record |= {name: said[name] for name in ("read", "ok", "quarantined")}
        record |= {"rules": said["rules"] + record["rules"], "documents": said["documents"] | record["documents"]}
    if reading.corrected:
        record["corrections"] = [each.to_json() for each in reading.corrected]
    if verdict.stopped:
        return _save_refusal(store, snapshot, version, record)
    with store.commit() as commit:
        files = _save_rows(store, commit, snapshot, verdict.ok, verdict.quarantined)
        if reading.cases is not None:
            files += _save_cases(store, commit, snapshot, reading.cases.ok, reading.cases.quarantined)
        return _save_verdict(store, commit, snapshot, version, record, files)


def _save_files(
    store: Store, version: str, snapshot: Snapshot, record: dict[str, Any], write: Callable[[Commit], list[dict[str, Any]]]
) -> dict[str, Any]:
    with store.commit() as commit:
        return _save_verdict(store, commit, snapshot, version, record, write(commit))


def _save_refusal(store: Store, snapshot: Snapshot, version: str, record: dict[str, Any]) -> dict[str, Any]:
    with store.commit() as commit:
        return _save_verdict(store, commit, snapshot, version, record, [])


def _save_cases(
    store: Store, commit: Commit, snapshot: Snapshot, ok: pd.DataFrame, quarantined: pd.DataFrame
) -> list[dict[str, Any]]:
    """Sound cases by month, as plain columns; unsound ones with the ids of the rules that they broke."""
    from pipeline.frames import cases_by_month, cases_table

    written = [
        commit.write_table(store.cases_path(snapshot.source, snapshot.id, month), table) for month, table in cases_by_month(ok)
    ]
    if len(quarantined):
        path = store.quarantined_cases_path(snapshot.source, snapshot.id)
        written.append(commit.write_table(path, cases_table(quarantined)))
    return written


def _save_verdict(
    store: Store, commit: Commit, snapshot: Snapshot, version: str, record: dict[str, Any], files: list[dict[str, Any]]
) -> dict[str, Any]:
    """The verdict is the manifest of the rows that were saved; rows that an earlier verdict left and this one does not go."""
    about: dict[str, Any] = {"source": snapshot.source, "snapshot": snapshot.id, "file": snapshot.file, "said": snapshot.said}
    about |= {"version": version, "files": files}
    for path in store.row_paths(snapshot):
        if store.relative(path) not in {entry["path"] for entry in files}:
            commit.remove(path)
    commit.write_json(store.verdict_path(snapshot.source, snapshot.id), record | about)
    log.event(
        record["status"],
        source=snapshot.source,
        snapshot=snapshot.id,
        file=snapshot.file,
        read=record["read"],
        ok=record["ok"],
        quarantined=record["quarantined"],
    )
    return record | about


def _save_rows(
    store: Store, commit: Commit, snapshot: Snapshot, ok: pd.DataFrame, quarantined: pd.DataFrame
) -> list[dict[str, Any]]:
    import pyarrow as pa

    from pipeline.frames import OBSERVATION_SCHEMA, observations_table

    written = [commit.write_table(store.observations_path(snapshot.source, snapshot.id), observations_table(ok))]
    if len(quarantined):
        schema = OBSERVATION_SCHEMA.append(pa.field("rule_ids", pa.string()))
        table = pa.Table.from_pandas(quarantined[schema.names], schema=schema, preserve_index=False)
        written.append(commit.write_table(store.quarantine_path(snapshot.source, snapshot.id), table))
    return written


def _raise_refusals(source_id: str, verdicts: dict[Snapshot, dict[str, Any]]) -> None:
    # An extract replaces nothing: it speaks only for what it prints.
    replacing = [item.known_at for item, verdict in verdicts.items() if verdict["status"] == "accepted" and not item.extract]
    latest = max(replacing, default=dt.date.min)
    messages = [
        f"snapshot {snapshot.id}: {verdict['message']}"
        for snapshot, verdict in verdicts.items()
        if verdict["status"] == "refused"
        and (snapshot.extract or snapshot.known_at >= latest or verdict.get("declaration_is_false"))
    ]
    if messages:
        raise FraudlossError(f"{source_id}: " + "\n".join(messages))


def build_data_docs(*, data: Path | None = None) -> bool:
    """Great Expectations' Data Docs of the current verdicts. Only pages of other verdicts than last time are made.

    The page of a snapshot that has no verdict now is taken away: there is one page for each current verdict, and no other.
    True when anything was rewritten.
    """
    store = store_at(data)
    folder = store.processed / "validation" / "data_docs"
    with store.lock("data_docs"):
        judged = {
            f"{source_id}/{path.stem}.html": path for source_id in source_ids() for path in _verdict_paths(store, source_id)
        }
        made_of = {page: _docs_version(path) for page, path in judged.items()}
        before = store.pages_made_of(folder)
        changed = [page for page, version in made_of.items() if before.get(page) != version]
        if not changed and before.keys() == made_of.keys():
            return False
        from pipeline.validate import data_docs

        verdicts = [verdict for path in judged.values() if (verdict := store.read_json(path))]
        staying = {data_docs.page_name(verdict) for verdict in verdicts}
        return store.write_pages(folder, data_docs.build(verdicts, pages_of=changed), made_of, staying=staying)


def _verdict_paths(store: Store, source_id: str) -> list[Path]:
    paths = (store.verdict_path(source_id, snapshot.id) for snapshot in store.snapshots(source_id))
    return [path for path in paths if path.is_file()]


def _docs_version(verdict: Path) -> str:
    from pipeline.seals import sha256_of

    parts = (code_version.code_version("validate/data_docs.py"), sha256_of(verdict))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


# ------------------------------------------------------------------------------------------------------------- aggregate


def aggregate(source_id: str, *, data: Path | None = None, workers: int | None = None, dask: str = "") -> str | None:
    """Make the source's view of all that is accepted (printed and derived figures), and its history from vintage to vintage.

    Gives the view's id, or None where it is there already. Raises FraudlossError when there are periods of a ledger that
    cannot be counted; the view of all others is made first. `workers`, `dask`: who counts a ledger
    (`pipeline.executors.Engine`); one process for each processor by default.
    """
    view_id, refusal = _aggregate(source_id, data, workers, dask)
    if refusal:
        raise FraudlossError(refusal)
    return view_id


def years_to_count(source_id: str, *, data: Path | None = None) -> list[str]:
    """The years of a ledger of which `aggregate` would count something; each may be counted beforehand by `count_year`."""
    from pipeline import ledgers

    return ledgers.years_to_count(store_at(data), source(source_id), _counting_version(source_id))


def count_year(source_id: str, year: str, *, data: Path | None = None) -> list[str]:
    """Count what is not counted yet of one year of a ledger. Gives the periods. Several years may be counted at the same time.

    Raises FraudlossError when there are periods that cannot be counted; all others are kept first.
    """
    from pipeline import ledgers

    declared = source(source_id)
    suite = functools.partial(_suite, declared)
    counted = ledgers.count_year(store_at(data), declared, suite, _counting_version(source_id), year)
    if counted.refusals:
        raise FraudlossError("\n".join(f"{source_id}: {refusal}" for refusal in counted.refusals))
    return list(counted.made)


def _counting_version(source_id: str) -> str:
    """What the figures of a ledger depend on beside its partitions: the code, the declarations, and the suite."""
    from pipeline.validate.suites import suite_hash

    return f"{code_version.of_count(source_id)}-{suite_hash(_suite_path(source_id))[:12]}"


def _aggregate(source_id: str, data: Path | None, workers: int | None = None, dask: str = "") -> tuple[str | None, str]:
    """The id of the new view, if any, and why some periods could not be counted."""
    from pipeline import vintages

    store, declared, refusals = store_at(data), source(source_id), tuple[str, ...]()
    if declared.is_ledger:
        from pipeline import ledgers
        from pipeline.executors import Engine

        engine = Engine(workers or os.cpu_count() or 1, dask)
        suite = functools.partial(_suite, declared)
        refusals = ledgers.count(store, declared, suite, _counting_version(source_id), engine).refusals
    return vintages.aggregate(store, source_id), "\n".join(f"{source_id}: {refusal}" for refusal in refusals)


def regressions(source_id: str, *, data: Path | None = None) -> list[str]:
    """A sentence for each published total that the source's view compares with worse than expected (see `aggregate`)."""
    from pipeline import vintages

    return vintages.regressions(store_at(data), source_id)


def view(*, data: Path | None = None, as_of: dt.date | None = None, of: list[str] | None = None) -> pd.DataFrame:
    """All figures of the sources as of a date (printed and derived), as one frame. Writes nothing.

    Raises ChangedBytes where a file that the figures come from was changed by hand.
    """
    from pipeline import vintages

    return vintages.view(store_at(data), as_of, of)


# --------------------------------------------------------------------------------------------------------------- publish


def publish(
    frequency: str,
    period: str,
    *,
    data: Path | None = None,
    as_of: dt.date | None = None,
    now: dt.datetime | None = None,
) -> str | None:
    """Publish one period. Gives the release's id, `withdrawn` where it had a release and has no figures any more, or None where
    the same release is there already. `now`: the moment that embargoes are compared with; without one, all are in force.

    Raises UsageError for a malformed period, NothingToPublish when the figures allow no release of it.
    """
    from pipeline.publishing import releases

    published = releases.publish(store_at(data), frequency, period, as_of, now)
    return published.name.rpartition("/")[2] if published.is_new else None


def figures_read_once() -> AbstractContextManager[None]:
    """Within it, the figures are read once for all frequencies and the site."""
    from pipeline import vintages

    return vintages.read_once()


def publish_due(
    frequency: str, *, data: Path | None = None, as_of: dt.date | None = None, now: dt.datetime | None = None
) -> list[str]:
    """Publish every period of the frequency whose release is not there yet, and withdraw those that have no figures any more.

    Gives the new releases as `period/id`, and what was withdrawn as `period/withdrawn`.
    """
    from pipeline.publishing import due

    published = due.publish_due(store_at(data), frequency, as_of, now)
    return [item.name for item in published]


def plan(
    frequency: str,
    first: str,
    last: str,
    *,
    data: Path | None = None,
    as_of: dt.date | None = None,
    now: dt.datetime | None = None,
) -> list[Planned]:
    """What `backfill` with the same arguments would do, period by period. Writes nothing."""
    from pipeline.publishing import plan

    return plan.plan(store_at(data), frequency, first, last, as_of, now)


def backfill(
    frequency: str,
    first: str,
    last: str,
    *,
    data: Path | None = None,
    as_of: dt.date | None = None,
    workers: int = 1,
    dask: str = "",
    now: dt.datetime | None = None,
) -> Backfill:
    """Publish every period from `first` to `last`, both included: restated with all that is in the store or, given a date,
    reproduced as it would have been published then, without letting it speak for its period. `workers`, `dask`: see
    `pipeline.executors.Engine`.

    Raises UsageError for periods that are none of the frequency or turned round, and for a date on which nothing was known.
    """
    from pipeline.executors import Engine
    from pipeline.publishing import backfill

    return backfill.backfill(store_at(data), frequency, first, last, as_of, Engine(workers, dask), now)


def current_manifests(*, data: Path | None = None) -> list[dict[str, Any]]:
    """The manifests of the releases that speak now, by frequency and period."""
    from pipeline.publishing import records

    return records.current_manifests(store_at(data))


def embargo(
    frequency: str, period: str, *, until: dt.datetime | None, reason: str, now: dt.datetime, data: Path | None = None
) -> Embargo:
    """Hold back what is not published yet of a period, until a moment or (None) until somebody lifts it, and make its release.

    Raises UsageError where the moment has passed, or an embargo is in force already.
    """
    from pipeline.publishing import under_embargo

    return under_embargo.put_under_embargo(store_at(data), frequency, period, until, reason, now)


def decide_on_embargo(
    frequency: str,
    period: str,
    *,
    until: dt.datetime | None = None,
    lift: bool = False,
    reason: str,
    now: dt.datetime,
    data: Path | None = None,
) -> Embargo:
    """Lift an embargo before its time, or hold longer: until a moment or (None) until somebody lifts it. Raises UsageError."""
    from pipeline.publishing import under_embargo

    return under_embargo.decide_on_embargo(store_at(data), frequency, period, until=until, lift=lift, reason=reason, now=now)


def embargoes(now: dt.datetime, *, data: Path | None = None) -> Embargoes:
    """The embargoes at a moment, and the snapshots that they hold back. Writes nothing."""
    from pipeline import embargoes

    return embargoes.at(store_at(data), now)


def build_site(*, data: Path | None = None, now: dt.datetime | None = None) -> bool:
    """The site around the releases: index, sources, quality, methods, feed. True when anything was rewritten."""
    from pipeline.publishing import site

    return site.build_site(store_at(data), now)


# -------------------------------------------------------------------------------------------------------------- run it all


@dataclasses.dataclass(frozen=True)
class SourceRun:
    """What one run of a source did."""

    judged: list[str]  # ids of the snapshots that were judged
    view: str | None  # id of the new view
    refusal: str  # why a file was refused; empty where none was


def run_source(source_id: str, *, data: Path | None = None) -> SourceRun:
    """Ingest, validate and aggregate one source. What was accepted is used even while another file of it is refused."""
    judged, refusal = [], ""
    try:
        ingest_inbox(source_id, data=data)
        judged = validate(source_id, data=data)
    except FraudlossError as error:
        refusal = str(error)
    view_id, uncounted = _aggregate(source_id, data)
    return SourceRun(judged, view_id, "\n".join(part for part in (refusal, uncounted) if part))
