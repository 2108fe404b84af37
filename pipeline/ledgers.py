"""Ledgers: month files to verdicts and partitions, and the figures of every month, quarter and year; only what changed is
made again.

In: snapshots of a source with `delivery: ledger` (pipeline.sources.ledger_reader). Out, under the data root (pipeline.store):

    processed/cases/source=<s>/snapshot=<id>/month=<m>.parquet        sound records, by month (pipeline.reading.partitions)
    processed/record_ids/source=<s>/snapshot=<id>/month=<m>.parquet   their ids, sorted (pipeline.reading.record_ids)
    processed/quarantine/source=<s>/cases=<id>.parquet                the other records, with the ids of the rules that they broke
    processed/validation/verdicts/<s>/<id>.json                       read = ok + quarantined, and the files above
    processed/observations/source=<s>/<period>=<id>.parquet           the figures of a period, as some snapshots give them (a year
                                                                      to date is `2024-01_2024-05` there)
    processed/cells/source=<s>/<cube>/<period>=<id>.parquet           cubes that are kept as cells
    processed/counts/<s>.json                                         what each of these was made of, and the files

A file covers whole months: the accepted one that is known last speaks for a month, alone. So on any day a period is made of one
snapshot a month, its *state*; each state that a period ever had, on a day on which something became known, is counted once, and
named by what it was made of: snapshots, rates, declarations and code. As of a day, the last state known by then speaks.

A record whose id another record has is set aside: of two files the one that is known later has it set aside, of two that are
known on one day the one of the later month. What a file is compared with is what speaks for the other months on the day from
which it is known; a record that moves to another month is sound there once the file of its old month was replaced, at the
latest that day.

What corrections.csv declares wrong is declared of a file: its verdict names the declarations (`declared`), and says which records
they are about (`corrections`), as figures say it in their notes. So a new one remakes that file and what follows from it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import log
from pipeline.executors import THIS_PROCESS, Engine, WorkerDied
from pipeline.model import FalseDeclaration, FraudlossError, Period, RefusedInput, Snapshot
from pipeline.sources.catalogue import Source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.aggregate.corrected_records import CorrectedRecord
    from pipeline.aggregate.ledger_cubes import CountedPeriod
    from pipeline.reading.ledger_layout import LedgerLayout
    from pipeline.reading.partition_writer import Streamed
    from pipeline.reading.record_ids import Repeat, SortedIds
    from pipeline.store import Commit, Store
    from pipeline.validate.expectations import Suite
    from pipeline.validate.verdict import Submission
    from pipeline.validate.witnesses import File, Judged

_WORST_EDITION = ("provisional", "unknown", "restated", "corrected", "final")


# ------------------------------------------------------------------------------------------------------------- judgement


def pending(
    store: Store, source: Source, snapshots: Sequence[Snapshot], verdicts: Mapping[str, dict[str, Any] | None], version: str
) -> list[Snapshot]:
    """The snapshots whose verdict does not hold any more: other code, another day, other corrections declared, a file that is
    gone, or other records to compare with."""
    redeclared = [
        item for item in snapshots if (verdict := verdicts[item.id]) and verdict.get("declared", "") != _declared(source, item)
    ]
    stale = [
        item
        for item in snapshots
        if (verdict := verdicts[item.id]) is None
        or verdict["version"] != version
        or verdict.get("said") != item.said
        or item in redeclared
        or not all(map(store.is_there, verdict["files"]))
    ]
    if not _compares_ids(source):
        return stale
    held = {item.id: verdict for item in snapshots if item not in stale and (verdict := verdicts[item.id])}
    for day in sorted({item.known_at for item in snapshots}):
        known = [item for item in snapshots if item.known_at <= day]
        if any(item in stale for item in known):
            # From this day on, what there is to compare with is only known once these are judged: of the files of one day, too,
            # some are compared with others, whichever of them came first.
            return [item for item in snapshots if item in stale or item.known_at >= day]
        for item in (item for item in known if item.known_at == day):
            if held[item.id].get("compared_with") != _compared_with(known, held, item, source):
                stale.append(item)
    return stale


def _compares_ids(source: Source) -> bool:
    return "record_id" in source.meta["ledger"]["columns"]


def _declared(source: Source, snapshot: Snapshot) -> str:
    """A name for what is declared wrong in the file; empty where nothing is."""
    from pipeline.reading.record_corrections import record_corrections

    found = record_corrections(source.folder, snapshot.file)
    return hashlib.sha256(repr(found).encode()).hexdigest()[:12] if found else ""


def _compared_with(known: Sequence[Snapshot], verdicts: Mapping[str, dict[str, Any]], item: Snapshot, source: Source) -> str:
    """A name for the records of other files that a file's were compared with; empty where records have no ids."""
    if not _compares_ids(source):
        return ""
    speaking = {month: name for month, name in _speaking(known, verdicts).items() if name != item.id}
    return hashlib.sha256(json.dumps(speaking, sort_keys=True).encode()).hexdigest()[:12]


def _speaking(snapshots: Iterable[Snapshot], verdicts: Mapping[str, Mapping[str, Any] | None]) -> dict[str, str]:
    """Month -> the snapshot that speaks for it, of those that were accepted."""
    found: dict[str, str] = {}
    for item in sorted(snapshots, key=lambda snapshot: snapshot.order):
        verdict = verdicts.get(item.id)
        if verdict and verdict["status"] == "accepted":
            found |= dict.fromkeys(verdict["months"], item.id)
    return dict(sorted(found.items()))


@dataclasses.dataclass
class _Reading:
    """A file that was streamed: its partitions and their ids in a temporary folder, and what was marked."""

    snapshot: Snapshot
    layout: LedgerLayout
    folder: Path
    streamed: Streamed
    spans: dict[str, tuple[int, int] | None]  # month -> the least and the largest of its ids, where records have ids
    repeats: dict[str, list[Repeat]] = dataclasses.field(default_factory=dict)

    def partition(self, month: str) -> Path:
        return self.folder / f"{month}.parquet"

    def ids(self, month: str) -> SortedIds:
        """Those of the records of a month."""
        from pipeline.reading.record_ids import SortedIds

        return SortedIds.mapped(self.folder / f"{month}.ids.npy")

    @property
    def months(self) -> list[str]:
        return list(self.streamed.months)


def judge(
    store: Store,
    source: Source,
    snapshots: Sequence[Snapshot],
    suite: Suite,
    save: Callable[[Snapshot, dict[str, Any], Callable[[Commit], list[dict[str, Any]]]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Read and judge these files, in the order in which they became known. Gives the verdicts by snapshot.

    A verdict that a file was accepted by stands where only a declaration about it is false; what is given then is not saved.
    `save`: keeps a verdict with the files that its last argument writes, at once.
    """
    verdicts: dict[str, dict[str, Any]] = {}
    everything = store.snapshots(source.id)
    held = {
        item.id: found
        for item in everything
        if item not in snapshots and (found := store.read_json(store.verdict_path(source.id, item.id)))
    }
    with tempfile.TemporaryDirectory() as temporary:
        readings = []
        for item in log.progress(sorted(snapshots, key=lambda snapshot: snapshot.order), f"read {source.id}"):
            try:
                readings.append(_read(store, source, item, Path(temporary) / item.id))
            except RefusedInput as refusal:
                record = {"status": "refused", "message": str(refusal), "rules": [], "read": 0, "ok": 0, "quarantined": 0}
                if isinstance(refusal, FalseDeclaration) and (before := store.accepted(item)):
                    # What was read of it stands, and others are compared with it.
                    held[item.id] = before
                    verdicts[item.id] = record | {"declaration_is_false": True}
                    continue
                told = {"months": [], "compared_with": "", **_as_declared(source, item)}
                verdicts[item.id] = save(item, record | told, lambda _: [])
        _compare(store, everything, held, readings)
        for reading, judged in zip(readings, _judged(source, readings, suite), strict=True):
            record = _record(store, reading, judged) | _as_declared(source, reading.snapshot)
            if reading.streamed.corrected:
                record["corrections"] = [each.to_json() for each in _corrected(source, reading, judged)]
            keep = functools.partial(_save_rows, store, reading, judged)
            accepted = record["status"] == "accepted"
            known = [item for item in everything if item.known_at <= reading.snapshot.known_at]
            record["compared_with"] = _compared_with(known, _months_known(held, readings), reading.snapshot, source)
            verdicts[reading.snapshot.id] = save(reading.snapshot, record, keep if accepted else lambda _: [])
    return verdicts


def _months_known(held: Mapping[str, dict[str, Any]], readings: Sequence[_Reading]) -> dict[str, dict[str, Any]]:
    """Of each file that can be read, the months that it is of: it is compared with others before it is known to be accepted."""
    return {**held, **{each.snapshot.id: {"status": "accepted", "months": each.months} for each in readings}}


def _read(store: Store, source: Source, snapshot: Snapshot, folder: Path) -> _Reading:
    from pipeline.reading.record_ids import SortedIds
    from pipeline.sources.ledger_reader import layout_of, partition

    folder.mkdir()
    path = store.raw_path(snapshot)
    layout, streamed = layout_of(source, path.name), partition(path, source, folder)
    spans = {}
    if layout.record_id:
        import pyarrow.parquet as pq

        for month in streamed.months:
            table = pq.read_table(folder / f"{month}.parquet", columns=["row", "record_id"])
            ids = SortedIds.of(table.column("record_id"), table.column("row").to_numpy())
            ids.put(folder / f"{month}.ids.npy")
            spans[month] = ids.span
    return _Reading(snapshot, layout, folder, streamed, spans)


def _compare(
    store: Store, everything: Sequence[Snapshot], held: Mapping[str, dict[str, Any]], readings: Sequence[_Reading]
) -> None:
    """Note in each reading which of its records repeat an id: of its own file first, then of what speaks on its day."""
    from pipeline.reading.record_ids import ids_at, repeats_of, repeats_within

    by_id = {each.snapshot.id: each for each in readings}
    known = _months_known(held, readings)
    snapshots = {item.id: item for item in everything}
    for reading in readings:
        if not reading.spans:
            continue
        day = [item for item in everything if item.known_at <= reading.snapshot.known_at]
        speaking = [(snapshots[name], month) for month, name in _speaking(day, known).items() if name != reading.snapshot.id]
        own: list[str] = []
        for month, span in reading.spans.items():
            ids, texts = reading.ids(month), functools.partial(ids_at, reading.partition(month))
            found = repeats_within(ids, f"{reading.snapshot.file} ({month})", texts)
            # Of files of one day, whose months may lie between each other's, the record of the later month repeats the other.
            before = [each for each in speaking if (each[0].known_at, each[1]) < (reading.snapshot.known_at, month)]
            others = (
                (f"{other.file} ({other_month})", *theirs)
                for other, other_month in [*((reading.snapshot, name) for name in own), *before]
                if (theirs := _ids_of(store, by_id.get(other.id), held.get(other.id), other_month, span)) is not None
            )
            repeated = {repeat.row for repeat in found}
            found += [each for each in repeats_of(ids, texts, others) if each.row not in repeated]
            own.append(month)
            reading.repeats[month] = sorted(found, key=lambda repeat: repeat.row)


def _ids_of(
    store: Store, reading: _Reading | None, verdict: Mapping[str, Any] | None, month: str, span: tuple[int, int] | None
) -> tuple[SortedIds, Callable[[Sequence[int]], Mapping[int, Any]]] | None:
    """The ids of another partition, and how to look one up; None where none of them can be among those of the span."""
    from pipeline.reading.record_ids import SortedIds, ids_at

    if reading is not None:
        if not _meet(reading.spans[month], span):
            return None
        return reading.ids(month), functools.partial(ids_at, reading.partition(month))
    assert verdict is not None
    of_month = verdict["record_ids"].get(month)
    if of_month is None or not _meet(of_month["span"], span):
        return None
    entries = {entry["path"]: entry for entry in verdict["files"]}
    ids = SortedIds.read(store.read_listed(entries[of_month["path"]]))
    return ids, functools.partial(ids_at, store.cases_path(verdict["source"], verdict["snapshot"], month))


def _meet(left: Sequence[int] | None, right: Sequence[int] | None) -> bool:
    return bool(left and right and left[0] <= right[1] and right[0] <= left[1])


def _judged(source: Source, readings: Sequence[_Reading], suite: Suite) -> list[Judged]:
    from pipeline.validate.witnesses import judge_files

    return judge_files([_file(source, reading) for reading in readings], suite) if readings else []


def _file(source: Source, reading: _Reading) -> File:
    from pipeline.reading.ledger_cases import cases_of, marked_cases
    from pipeline.sources.ledger_reader import scheme_of, schemes
    from pipeline.validate.witnesses import File, Part

    name = reading.snapshot.file
    repeated = {month: [repeat.row for repeat in repeats] for month, repeats in reading.repeats.items()}
    parts = [
        Part(
            month,
            rows - len(repeated.get(month, ())),
            functools.partial(cases_of, reading.partition(month), name, month, scheme_of(source, month), repeated.get(month, ())),
        )
        for month, rows in reading.streamed.months.items()
    ]
    marks = [
        (row, f"{column}: {text!r}" if column else text, rule)
        for row, column, text, rule in reading.streamed.quarantined.itertuples(index=False)
    ]
    for repeats in reading.repeats.values():
        marks += [
            (each.row, f"the id stands in {each.other} row {each.other_row} already", "record_repeated") for each in repeats
        ]
    # Of a row that could not be read nobody knows the month.
    marked = marked_cases(sorted(marks), name, schemes(source)[-1].name, reading.layout)
    return File(name, parts, marked, reading.snapshot.known_at)


def _record(store: Store, reading: _Reading, judged: Judged) -> dict[str, Any]:
    """The verdict as it is kept, but for the files."""
    verdict = judged.verdict
    stopped, source_id, snapshot_id = verdict.stopped, reading.snapshot.source, reading.snapshot.id
    return {
        **verdict.to_json(),
        "status": "refused" if stopped else "accepted",
        "message": verdict.message() if stopped else "",
        "ok": 0 if stopped else judged.ok_rows,
        "quarantined": 0 if stopped else len(verdict.quarantined),
        "read": verdict.read,
        "months": reading.months,
        "record_ids": {
            month: {"span": span, "path": store.relative(store.record_ids_path(source_id, snapshot_id, month))}
            for month, span in reading.spans.items()
        },
    }


def _as_declared(source: Source, snapshot: Snapshot) -> dict[str, str]:
    declared = _declared(source, snapshot)
    return {"declared": declared} if declared else {}


def _corrected(source: Source, reading: _Reading, judged: Judged) -> list[CorrectedRecord]:
    """What is declared wrong of the file, with the keys of its records as read, where they go on, and as printed."""
    from pipeline.aggregate.corrected_records import CorrectedRecord

    out = {row for rows in judged.set_aside.values() for row in rows}
    out |= {repeat.row for repeats in reading.repeats.values() for repeat in repeats}
    found = []
    for row in reading.streamed.corrected:
        read = [] if row.declared[0].row in out else _keys(source, row.read)
        keys = [*read, *(key for key in _keys(source, row.printed) if key not in read)]
        found += [CorrectedRecord(each.cell, each.words, tuple(keys)) for each in row.declared]
    return found


def _keys(source: Source, rows: pa.Table) -> list[dict[str, str]]:
    """The keys of rows of a partition, with what the band of the loss follows from."""
    from pipeline.sources.ledger_reader import dimensions, scheme_of

    return [
        {"month": (month := f"{row['date']:%Y-%m}"), "classification": scheme_of(source, month)}
        | {of.name: of.label_of[row[of.column]] for of in dimensions(source)}
        | {"currency": row["currency"], "loss_minor": "" if row["loss_minor"] is None else str(row["loss_minor"])}
        for row in rows.to_pylist()
    ]


def corrected_records(store: Store, source: Source, snapshot: Snapshot) -> list[CorrectedRecord]:
    """What is declared wrong of a file, with the keys of its records; their losses by the rates that are known now."""
    from pipeline.aggregate.corrected_records import CorrectedRecord

    if not _declared(source, snapshot):
        return []
    verdict = store.read_json(store.verdict_path(source.id, snapshot.id)) or {}
    kept = [CorrectedRecord.from_json(each) for each in verdict.get("corrections", ())]
    return [dataclasses.replace(each, keys=tuple(_with_band(source, key) for key in each.keys)) for each in kept]


def _with_band(source: Source, key: Mapping[str, str]) -> Mapping[str, str]:
    """The key with the size of the loss; without one where the currency has no rate."""
    import numpy as np

    from pipeline.aggregate.ledger_cubes import countings
    from pipeline.sources.ledger_reader import dimensions

    plan = countings(source, dimensions(source), [key["month"]])[0].plan
    factor = 1.0 if plan.factors is None else plan.factors[key["month"]].get(key["currency"])
    if plan.loss_bands is None or factor is None:
        return key
    loss = np.array([np.rint(int(key["loss_minor"] or 0) * factor)])
    code = plan.loss_bands.codes(loss, np.array([key["loss_minor"] != ""]))[0]
    return {**key, "loss_band": plan.loss_bands.labels[int(code)]}


def _noted(store: Store, source: Source, state: State, figures: pd.DataFrame) -> pd.DataFrame:
    """The figures of a state with what was corrected of their records in their notes."""
    from pipeline.aggregate.corrected_records import with_notes

    found = []
    for snapshot in dict.fromkeys(state.snapshots.values()):
        for each in corrected_records(store, source, snapshot):
            keys = tuple(key for key in each.keys if state.snapshots.get(key["month"]) == snapshot)
            found.append(dataclasses.replace(each, keys=keys))
    return with_notes(figures, found, source)


def _save_rows(store: Store, reading: _Reading, judged: Judged, commit: Commit) -> list[dict[str, Any]]:
    """Partitions without what is set aside, the ids of their records, and the quarantine."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from pipeline.frames import cases_table
    from pipeline.reading.partitions import partition_bytes

    snapshot, files = reading.snapshot, []
    for month in reading.months:
        content = reading.partition(month).read_bytes()
        rows = reading.streamed.months[month]
        out = [*judged.set_aside.get(month, ()), *(repeat.row for repeat in reading.repeats.get(month, ()))]
        if out:
            table = pq.read_table(pa.BufferReader(content))
            kept = table.filter(pc.invert(pc.is_in(table.column("row"), value_set=pa.array(out, pa.int64()))))
            content, rows = partition_bytes(kept), len(kept)
        files.append(commit.write_listed(store.cases_path(snapshot.source, snapshot.id, month), content, rows))
    for month in reading.spans:
        path = store.record_ids_path(snapshot.source, snapshot.id, month)
        files.append(commit.write_table(path, reading.ids(month).table))
    if len(judged.verdict.quarantined):
        path = store.quarantined_cases_path(snapshot.source, snapshot.id)
        files.append(commit.write_table(path, cases_table(judged.verdict.quarantined)))
    return files


# --------------------------------------------------------------------------------------------------------------- counting


@dataclasses.dataclass(frozen=True)
class State:
    """A period as it stood on a day: the snapshot of each of its months."""

    period: Period
    day: dt.date  # from which it stood so
    snapshots: Mapping[str, Snapshot]  # month -> the one that speaks

    @property
    def ids(self) -> str:
        """The snapshots, as observations name them."""
        return "+".join(sorted({item.id for item in self.snapshots.values()}))

    @property
    def edition(self) -> str:
        """That of the least final of its snapshots."""
        editions = {item.edition for item in self.snapshots.values()}
        return next((name for name in _WORST_EDITION if name in editions), "unknown")


def states(snapshots: Sequence[Snapshot], months_of: Mapping[str, Sequence[str]], frequencies: Iterable[str]) -> list[State]:
    """Every state that a month, quarter or year was ever in, in the order of time; or a year to date, once it was the newest.

    `months_of`: accepted snapshot -> the months that it covers. On a day a period has one state: of what was known at its end.
    """
    found, speaking, to_date = [], dict[str, Snapshot](), dict[Period, None]()
    days: dict[dt.date, list[Snapshot]] = {}
    for item in sorted(snapshots, key=lambda snapshot: snapshot.order):
        if item.id in months_of:
            days.setdefault(item.known_at, []).append(item)
    for day, items in days.items():
        changed = {month for item in items for month in months_of[item.id]}
        for item in items:
            speaking |= dict.fromkeys(months_of[item.id], item)
        to_date |= dict.fromkeys(_newest_year_to_date(speaking))
        for frequency in frequencies:
            if frequency == "year_to_date":
                # Those of earlier days as well: a month that is delivered again is revised in all that hold it.
                periods = {period: None for period in to_date if not changed.isdisjoint(period.months)}
            else:
                periods = dict.fromkeys(Period.of(frequency, Period.parse(month).start) for month in sorted(changed))
            for period in periods:
                if set(period.months) <= speaking.keys():
                    found.append(State(period, day, {month: speaking[month] for month in period.months}))
    return found


def _newest_year_to_date(months: Collection[str]) -> list[Period]:
    """The year of the newest month up to it, as `cubes` has it: two months or more from January on, no hole, not all twelve."""
    last = max(months, default="")
    of_year = sorted(month for month in months if month[:4] == last[:4])
    if 1 < len(of_year) < 12 and of_year == (period := Period.parse(f"{last[:4]}-01/{last}")).months:
        return [period]
    return []


@dataclasses.dataclass(frozen=True)
class Counted:
    """What counting came to. `made`: the periods of which figures were made. `refusals`: why there are none of some."""

    made: tuple[str, ...]
    refusals: tuple[str, ...]


def count(store: Store, source: Source, suite: Callable[[], Suite], version: str, engine: Engine = THIS_PROCESS) -> Counted:
    """Make the figures of every state that has none yet, and take away those that nothing needs; of other months nothing is read.

    `suite`: reads it, where there is something to judge. `version`: of the code, declarations and suite. `engine`:
    with fewer processes where memory does not suffice for as many. Raises ChangedBytes where a partition was changed by hand,
    FraudlossError where memory would not suffice.
    """
    with store.lock("count", source.id):
        wanted = _wanted(store, source, version)
        held = _held(store, source)
        missing = {name: state for name, state in wanted.items() if name not in held}
        if not missing and held.keys() == wanted.keys():
            return Counted((), _refusals(held))
        made = _made(store, source, suite(), missing, engine) if missing else {}
        counts = _save_counts(store, source, {name: held[name] for name in wanted if name in held}, missing, made)
    return _told(source, missing, counts, made)


def years_to_count(store: Store, source: Source, version: str) -> list[str]:
    """The years that hold a state without figures, for `count_year`."""
    held = _held(store, source)
    return sorted({state.period.code[:4] for name, state in _wanted(store, source, version).items() if name not in held})


def count_year(store: Store, source: Source, suite: Callable[[], Suite], version: str, year: str) -> Counted:
    """What `count` makes of the states of one calendar year, and nothing else: other years may be at work at the same time.
    Nothing is taken away. Raises as `count` does.
    """
    with store.lock("count", source.id, year):
        held = _held(store, source)
        missing = {
            name: state
            for name, state in _wanted(store, source, version).items()
            if name not in held and state.period.code.startswith(year)
        }
        if not missing:
            return Counted((), ())
        made = _made(store, source, suite(), missing, THIS_PROCESS)
        with store.lock("count", source.id):
            # Another year may have been kept meanwhile.
            counts = _save_counts(store, source, _held(store, source), missing, made)
    return _told(source, missing, {name: counts[name] for name in missing if name in counts}, made)


def _save_counts(
    store: Store,
    source: Source,
    kept: Mapping[str, dict[str, Any]],
    states: Mapping[str, State],
    made: Mapping[str, _Parts],
) -> dict[str, dict[str, Any]]:
    """Write what was made beside what is kept, and take away the files of what is not. Gives all that is counted now."""
    counts = dict(kept)
    with store.commit() as commit:
        for name, parts in made.items():
            if parts.is_final:
                counts[name] = _save_count(store, commit, source, name, states[name], parts)
        files = {entry["path"] for each in counts.values() for entry in each["files"]}
        for path in [entry["path"] for each in _held(store, source).values() for entry in each["files"]]:
            if path not in files:
                commit.remove(store.root / path)
        commit.write_json(store.counts_path(source.id), {"source": source.id, "counts": dict(sorted(counts.items()))})
    return counts


def _told(
    source: Source, states: Mapping[str, State], counts: Mapping[str, dict[str, Any]], made: Mapping[str, _Parts]
) -> Counted:
    periods = tuple(dict.fromkeys(state.period.code for state in states.values()))
    log.event("counted", source=source.id, periods=len(periods), refused=len(_refusals(counts)))
    unmade = [parts.message for parts in made.values() if not parts.is_final]
    return Counted(periods, tuple(dict.fromkeys([*_refusals(counts), *unmade])))


def _refusals(counts: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each["message"] for each in counts.values() if each["message"]))


def _held(store: Store, source: Source) -> dict[str, dict[str, Any]]:
    """What was counted before and is still there, and what cannot be counted as long as nothing changes."""
    record = store.read_json(store.counts_path(source.id)) or {"counts": {}}
    return {name: each for name, each in record["counts"].items() if all(map(store.is_there, each["files"]))}


def _wanted(store: Store, source: Source, version: str) -> dict[str, State]:
    """Each state by its name: a hash over what its figures depend on."""
    from pipeline.aggregate.cubes import Cube
    from pipeline.aggregate.ledger_cubes import countings
    from pipeline.sources.ledger_reader import dimensions

    snapshots = store.snapshots(source.id)
    verdicts = {item.id: store.read_json(store.verdict_path(source.id, item.id)) for item in snapshots}
    accepted = {name: verdict for name, verdict in verdicts.items() if verdict and verdict["status"] == "accepted"}
    partitions = {
        (item.id, month): entry for item in snapshots if item.id in accepted for month, entry in store.cases_entries(item).items()
    }
    asked = {frequency for meta in source.meta["cubes"] for frequency in Cube.from_meta(meta, source).frequencies}
    frequencies = [name for name in ("monthly", "quarterly", "year_to_date", "annual") if name in asked]
    months = {month for _, month in partitions}
    factors = [counting.plan.factors or {} for counting in countings(source, dimensions(source), months)]
    found = {}
    for state in states(snapshots, {name: verdict["months"] for name, verdict in accepted.items()}, frequencies):
        parts = [
            (month, item.id, partitions[item.id, month]["sha256"], item.edition, [each.get(month) for each in factors])
            for month, item in state.snapshots.items()
        ]
        # Their figures say what was declared of the files, in words that are in no partition.
        declared = [accepted[item.id]["declared"] for item in state.snapshots.values() if "declared" in accepted[item.id]]
        content = json.dumps([version, state.period.code, state.day.isoformat(), parts, *declared])
        found[hashlib.sha256(content.encode()).hexdigest()[:12]] = state
    return found


@dataclasses.dataclass(frozen=True)
class _Parts:
    """What is kept of a state: its figures and the cells of large cubes; or why there are none."""

    observations: pd.DataFrame | None
    cells: Mapping[str, pd.DataFrame]
    message: str = ""
    is_final: bool = True  # False: a process died, and another time it may not


def _made(store: Store, source: Source, suite: Suite, missing: Mapping[str, State], engine: Engine) -> dict[str, _Parts]:
    """Count the states, as many of a year in one pass as agree about each month; then judge their figures together."""
    found: dict[str, _Parts] = {}
    rest = dict(missing)
    while rest:
        together = _that_agree(rest)
        found |= _counted(store, source, together, engine)
        for name in together:
            del rest[name]
    return _that_pass(found, missing, source, suite)


def _that_agree(states: Mapping[str, State]) -> dict[str, State]:
    """Of each year as many states as have no month from two snapshots, and no period twice; the latest are asked first."""
    chosen: dict[str, State] = {}
    speaking: dict[str, Snapshot] = {}
    periods: set[str] = set()
    for name, state in sorted(states.items(), key=lambda item: (item[1].day, item[1].period.code, item[0]), reverse=True):
        agrees = all(speaking.get(month, item) == item for month, item in state.snapshots.items())
        if agrees and state.period.code not in periods:
            chosen[name] = state
            speaking |= state.snapshots
            periods.add(state.period.code)
    return chosen


def _counted(store: Store, source: Source, together: Mapping[str, State], engine: Engine) -> dict[str, _Parts]:
    from pipeline.aggregate.ledger import Wanted, fitting, wanted_cells
    from pipeline.aggregate.ledger_cubes import countings, kept_cells, period_observations
    from pipeline.sources.ledger_reader import dimensions

    speaking = {month: item for state in together.values() for month, item in state.snapshots.items()}
    years: dict[str, Wanted] = {}
    for year in sorted({month[:4] for month in speaking}):
        paths = {month: store.cases_path(source.id, speaking[month].id, month) for month in sorted(speaking) if month[:4] == year}
        years[year] = Wanted(paths, [state.period.code for state in together.values() if state.period.code[:4] == year])
    asked = [(each, fitting(engine, each.plan, years)) for each in countings(source, dimensions(source), list(speaking))]
    for _, fitted in asked:
        fitted.prepare(wanted_cells.__module__)
    for month, item in speaking.items():
        store.read_listed(store.cases_entries(item)[month])
    counted, refused = [], dict[str, FraudlossError]()
    for counting, fitted in asked:
        cells = wanted_cells(counting.plan, years, fitted)
        refused |= cells.refused
        counted.append((counting, cells.of))
    good = {name: state for name, state in together.items() if _why_not(state, refused) is None}
    last_days = _last_days(store, source, speaking)
    rows = period_observations(counted, [_counted_period(state, last_days) for state in good.values()], source)
    by_state = (
        {key: of_state.reset_index(drop=True) for key, of_state in rows.groupby(["period", "snapshot"], sort=False)}
        if len(rows)
        else {}
    )
    found = {}
    for name, state in together.items():
        if (reason := _why_not(state, refused)) is not None:
            found[name] = _Parts(None, {}, str(reason), not isinstance(reason, WorkerDied))
    for name, state in good.items():
        cells_of: dict[str, pd.DataFrame] = {}
        for counting, of_grouping in counted:
            cells_of |= kept_cells(counting, of_grouping, state.period.frequency, state.period.code, source)
        figures = by_state.get((state.period.code, state.ids), rows.iloc[:0])
        found[name] = _Parts(_noted(store, source, state, figures), cells_of)
    return found


def _last_days(store: Store, source: Source, speaking: Mapping[str, Snapshot]) -> dict[str, dt.date]:
    """Month -> the day of its last report, of a ledger that knows days."""
    from pipeline.reading.partitions import last_day

    if source.meta.get("date_unit") != "day":
        return {}
    days = {month: last_day(store.cases_path(source.id, item.id, month)) for month, item in speaking.items()}
    return {month: day for month, day in days.items() if day is not None}


def _counted_period(state: State, last_days: Mapping[str, dt.date]) -> CountedPeriod:
    from pipeline.aggregate.ledger_cubes import CountedPeriod

    ends = [(last_days[month], Period.parse(month).end) for month in state.period.months if month in last_days]
    cut = tuple(last for last, end in ends if last < end)
    return CountedPeriod(state.period.code, state.period.frequency, state.ids, state.day, state.edition, cut)


def _why_not(state: State, refused: Mapping[str, FraudlossError]) -> FraudlossError | None:
    """Why a state cannot be counted: a month of it was refused, or its year; None where it can."""
    return next((refused[name] for name in (*state.period.months, state.period.code[:4]) if name in refused), None)


def _that_pass(found: dict[str, _Parts], states: Mapping[str, State], source: Source, suite: Suite) -> dict[str, _Parts]:
    """The same, with the figures as the suite leaves them; none where it stops them.

    Periods are judged together, and one by one only where the suite finds anything: an evaluation has a fixed cost.
    """
    from pipeline.validate.verdict import judge_many

    pools: list[dict[str, pd.DataFrame]] = []
    for name, parts in found.items():
        if parts.observations is not None and len(parts.observations):
            # Two states of one period have the same keys.
            period = states[name].period
            pool = next((pool for pool in pools if all(states[other].period != period for other in pool)), None)
            if pool is None:
                pools.append(pool := {})
            pool[name] = parts.observations
    together = [_submission(f"{source.id}, {len(pool)} periods", list(pool.values()), source) for pool in pools]
    for pool, whole in zip(pools, judge_many(together, suite), strict=True):
        if not whole.stopped and not len(whole.quarantined):
            continue
        each = [_submission(f"{source.id} {states[name].period.code}", [rows], source) for name, rows in pool.items()]
        for name, verdict in zip(pool, judge_many(each, suite), strict=True):
            if verdict.stopped:
                found[name] = _Parts(None, {}, verdict.message())
            elif len(verdict.quarantined):
                found[name] = dataclasses.replace(found[name], observations=verdict.ok)
    return found


def _submission(name: str, parts: Sequence[pd.DataFrame], source: Source) -> Submission:
    """Not asked for relations as a whole publication is: one month has no quarters."""
    import pandas as pd

    from pipeline.validate.identities import identities_frame
    from pipeline.validate.verdict import Submission

    rows = pd.concat(parts, ignore_index=True)
    return Submission(name, rows, identities_frame(rows, source), extract=True)


def _save_count(store: Store, commit: Commit, source: Source, name: str, state: State, parts: _Parts) -> dict[str, Any]:
    import pyarrow as pa

    from pipeline.frames import observations_table

    about = {"period": state.period.code, "known_at": state.day.isoformat(), "snapshots": state.ids, "message": parts.message}
    if parts.observations is None:
        return {**about, "files": []}
    files = [commit.write_table(store.counted_path(source.id, state.period.code, name), observations_table(parts.observations))]
    for cube, cells in parts.cells.items():
        path = store.cells_path(source.id, cube, state.period.code, name)
        files.append(commit.write_table(path, pa.Table.from_pandas(cells, preserve_index=False)))
    return {**about, "files": files}


# --------------------------------------------------------------------------------------------------------------- reading it


def counts(store: Store, source_id: str, as_of: dt.date | None = None) -> dict[str, dict[str, Any]]:
    """What was counted, of what was known by a day: name -> period, known_at, snapshots, files."""
    record = store.read_json(store.counts_path(source_id)) or {"counts": {}}
    return {
        name: each
        for name, each in record["counts"].items()
        if each["files"] and (as_of is None or dt.date.fromisoformat(each["known_at"]) <= as_of)
    }


def as_snapshot(count: Mapping[str, Any], snapshots: Mapping[str, Snapshot]) -> Snapshot:
    """A counted state in the place of a snapshot: it speaks, from its day on, for the figures of its period."""
    parts = [snapshots[part] for part in count["snapshots"].split("+")]
    known_at = dt.date.fromisoformat(count["known_at"])
    return dataclasses.replace(max(parts, key=lambda part: part.order), id=count["snapshots"], known_at=known_at, extract=False)


def records_of(store: Store, source: Source, origin: str, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """The records that a figure is made of, by its origin and its snapshots: file -> the numbers of their rows, ascending."""
    import numpy as np
    import pyarrow.parquet as pq

    from pipeline.aggregate.cubes import cell_of
    from pipeline.aggregate.ledger import labelled
    from pipeline.aggregate.ledger_cubes import countings
    from pipeline.reading.partitions import read_month
    from pipeline.sources.ledger_reader import dimensions

    months, wanted = cell_of(origin)
    plan = countings(source, dimensions(source), months)[0].plan
    found: dict[str, Any] = {}
    entries = [
        (month, item, entry) for item in snapshots for month, entry in store.cases_entries(item).items() if month in months
    ]
    for month, snapshot, entry in sorted(entries, key=lambda part: (part[0], part[1].order)):
        path = store.root / entry["path"]
        codes = labelled(read_month(path, month, plan.dimensions), plan)
        labels = {name: plan.dimension[name].labels for name in wanted}
        chosen = [codes[name] == labels[name].index(label) for name, label in wanted.items()]
        rows = pq.read_table(path, columns=["row"]).column("row").to_numpy()
        kept = rows[np.logical_and.reduce(chosen)] if chosen else rows
        found[snapshot.file] = np.sort(np.concatenate([found.get(snapshot.file, rows[:0]), kept]))
    return found
