"""Releases: which periods the figures allow, what each is made from, why it takes the place of the one before, and making it.

In: a store with views and their histories, a frequency, periods, an as-of date. Out: release folders and the pointers to those
that speak now; and, for `plan`, what would be done. A release is a function of what it shows, of how that came about, and of the
code.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import code_version, log, vintages
from pipeline.executors import THIS_PROCESS, Engine, outcomes
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, NothingToPublish, Period, UsageError
from pipeline.sources.catalogue import source_ids, sources

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.publish.evidence import Evidence
    from pipeline.publish.release import ReleaseInput
    from pipeline.publish.revisions import Histories, ReleaseRevisions
    from pipeline.store import Store


@dataclasses.dataclass(frozen=True)
class Published:
    """What came of publishing one period."""

    frequency: str
    period: str
    release_id: str
    is_new: bool  # False: the same release was there already
    reasons: tuple[str, ...]  # keys of model.REASONS: why it takes the place of the one before

    def tell(self) -> Published:
        """Log it where it is new."""
        if self.is_new:
            reasons = ", ".join(reason.replace("_", " ") for reason in self.reasons)
            log.event("published", frequency=self.frequency, period=self.period, release=self.release_id, reason=reasons)
        return self


# ----------------------------------------------------------------------------------------------- what may be published


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A release that the figures allow, before anything of it is made."""

    period: Period
    rows: pd.DataFrame
    table: pa.Table  # the rows, of OBSERVATION_SCHEMA
    revisions: ReleaseRevisions
    release_id: str

    @property
    def snapshot_ids(self) -> list[str]:
        """The snapshots that speak in it."""
        return sorted({part for snapshot in self.rows["snapshot"] for part in snapshot.split("+")})


class Candidates:
    """The releases of all periods that the figures known as of a date allow."""

    def __init__(self, store: Store, as_of: dt.date | None) -> None:
        from pipeline.publish.revisions import Histories

        vintages.require_known(store, as_of)
        self.as_of = as_of
        # Taken first: whatever is judged from now on makes these figures out of date.
        self.stamp = store.verdicts_stamp()
        known = vintages.known(store, as_of)
        self.figures = known.figures
        self._periods: dict[str, list[Period]] = {}
        self._histories: Histories = Histories(known.revisions, known.vintages, known.records)

    def periods(self, frequency: str) -> list[Period]:
        """Those of the frequency that have figures, in order of time."""
        from pipeline.publish.release import periods_with_figures

        if frequency not in self._periods:
            self._periods[frequency] = periods_with_figures(self.figures, frequency)
        return self._periods[frequency]

    def of_period(self, period: Period) -> Candidate:
        """The release of a period that has figures. Raises FraudlossError where its revisions cannot be computed."""
        from pipeline.frames import observations_table
        from pipeline.publish.release import fingerprint_rows

        rows = fingerprint_rows(self.figures, period.frequency, period)
        table, revisions = observations_table(rows), self._histories.of_release(rows, period)
        code = code_version.of_publication(rows["source"])
        return Candidate(period, rows, table, revisions, _release_id(table, revisions, period, code))


def _release_id(table: pa.Table, revisions: ReleaseRevisions, period: Period, code: str) -> str:
    """A release is a function of what it shows, of how that came about, and of the code that shows it; of nothing else."""
    from pipeline.frames import RECORD_CHANGE_SCHEMA, REVISION_SCHEMA, VINTAGE_SCHEMA, frame_table, table_bytes

    digest = hashlib.sha256(f"{period.frequency} {period.code} {code} ".encode())
    for shown in (
        table,
        frame_table(revisions.revisions, REVISION_SCHEMA),
        frame_table(revisions.units, VINTAGE_SCHEMA),
        frame_table(revisions.records, RECORD_CHANGE_SCHEMA),
    ):
        digest.update(table_bytes(shown))
    return digest.hexdigest()[:12]


def period_of(frequency: str, code: str) -> Period:
    """The period, which must be one of the frequency. Raises UsageError."""
    if frequency not in PUBLISHED_FREQUENCIES:
        raise UsageError(f"{frequency!r} is not published; {', '.join(PUBLISHED_FREQUENCIES)} are.")
    period = Period.parse(code)
    if period.frequency != frequency:
        example = Period.of(frequency, dt.date(2025, 4, 1)).code
        raise UsageError(f"{code!r} is no period of the frequency {frequency}: write it as {example}.")
    return period


def periods_between(frequency: str, first: str, last: str) -> list[Period]:
    """Every period of the frequency from `first` to `last`, both included. Raises UsageError where they are turned round."""
    return list(period_of(frequency, first).walk_to(period_of(frequency, last)))


# ------------------------------------------------------------------------------------------------------------ publishing


class _Overtaken(Exception):
    """Files were judged since the figures were looked up: what would be published is older than what another run may have."""


class _Latest:
    """The candidates, looked up again whenever another run judged new files meanwhile."""

    def __init__(self, store: Store, as_of: dt.date | None) -> None:
        self.store, self.as_of, self.candidates = store, as_of, Candidates(store, as_of)

    def publish(self, period: Period) -> Published | FraudlossError:
        """Publish the period, or say why not."""
        while True:
            try:
                if period not in self.candidates.periods(period.frequency):
                    return NothingToPublish(
                        f"no source has figures for {period.code}: nothing to publish. `fraudloss sources` shows what is there."
                    )
                return _publish(self.store, self.candidates, period)
            except _Overtaken:
                self.candidates = Candidates(self.store, self.as_of)
            except FraudlossError as failure:
                return failure


def publish(store: Store, frequency: str, code: str, as_of: dt.date | None) -> Published:
    """Publish one period. Raises UsageError for a malformed period, NothingToPublish when the figures allow no release of it."""
    period = period_of(frequency, code)
    store.recover()
    outcome = _Latest(store, as_of).publish(period)
    if isinstance(outcome, FraudlossError):
        raise outcome
    return outcome.tell()


def publish_due(store: Store, frequency: str, as_of: dt.date | None) -> list[Published]:
    """Publish every period of the frequency whose release is not there yet. Gives the new releases.

    A release that cannot be made stops no other; it is named at the end (FraudlossError).
    """
    if frequency not in PUBLISHED_FREQUENCIES:
        raise UsageError(f"{frequency!r} is not published; {', '.join(PUBLISHED_FREQUENCIES)} are.")
    store.recover()
    published: list[Published] = []
    while True:
        made_of = _made_of(store)
        if as_of is None and _nothing_is_due(store, frequency, made_of):
            return []
        candidates, failures, speaking = Candidates(store, as_of), list[str](), dict[str, str]()
        try:
            for period in log.progress(candidates.periods(frequency), f"publish {frequency}"):
                try:
                    published.append(_publish(store, candidates, period).tell())
                    speaking[period.code] = published[-1].release_id
                except FraudlossError as failure:
                    failures.append(str(failure))
        except _Overtaken:
            log.event("looking again", frequency=frequency, reason="another run judged new files")
            continue
        if failures:
            raise FraudlossError("\n".join(failures))
        if as_of is None and _made_of(store) == made_of:
            store.write_json(store.due_path(frequency), {"made_of": made_of, "releases": speaking})
        return [item for item in published if item.is_new]


def _made_of(store: Store) -> dict[str, str]:
    """What the releases of all periods follow from: the views of the sources, and the code that shows them."""
    return {source_id: vintages.view_id(store, source_id) for source_id in source_ids()} | {
        "code": code_version.of_publication(source_ids())
    }


def _nothing_is_due(store: Store, frequency: str, made_of: dict[str, str]) -> bool:
    """Whether all releases were made of this already, are there whole, and speak."""
    record = store.read_json(store.due_path(frequency))
    return (
        record is not None
        and record["made_of"] == made_of
        and all(
            (store.read_json(store.current_path(frequency, code)) or {}).get("release_id") == release_id
            and store.release_is_whole(store.release_folder(frequency, code, release_id))
            for code, release_id in record["releases"].items()
        )
    )


def _publish(store: Store, candidates: Candidates, period: Period) -> Published:
    """Make the release where it is not there, whole, and let it speak for the period unless an as-of date was given.

    Raises _Overtaken rather than let older figures speak in the place of newer ones.
    """
    from pipeline.publish.release import build

    candidate = candidates.of_period(period)
    folder = store.release_folder(period.frequency, period.code, candidate.release_id)
    with store.lock("release", period.frequency, period.code):
        speaking = current_manifest(store, period) if candidates.as_of is None else None
        moves = candidates.as_of is None and (speaking or {}).get("release_id") != candidate.release_id
        if moves and store.verdicts_stamp() != candidates.stamp:
            raise _Overtaken
        is_new = not store.release_is_whole(folder)
        with store.commit() as commit:
            if is_new:
                given = _release_input(store, candidate)
                commit.write_release(folder, build(given), _manifest(given))
            if moves:
                commit.write_json(store.current_path(period.frequency, period.code), {"release_id": candidate.release_id})
            if moves and store.verdicts_stamp() != candidates.stamp:
                raise _Overtaken
    reasons = _reasons_since(speaking, candidate) if candidates.as_of is None else candidate.revisions.reasons
    return Published(period.frequency, period.code, candidate.release_id, is_new, reasons)


def _reasons_since(speaking: dict[str, Any] | None, candidate: Candidate) -> tuple[str, ...]:
    """Why this release takes the place of the one that speaks: what became known since, and whether the code is another."""
    if speaking is None:
        return ("new_period",)
    spoke = {item["id"] for item in speaking["snapshots"]}
    if spoke == set(candidate.snapshot_ids):
        return ("new_code",)
    other_code = speaking["code_version"] != code_version.of_publication(candidate.rows["source"])
    days = set(candidate.revisions.vintages) - {dt.date.fromisoformat(day) for day in speaking["revision"]["vintages"]}
    # An older file that came in late speaks of days that are past.
    rows = candidate.rows[["snapshot", "known_at"]].drop_duplicates()
    days |= {day for parts, day in rows.itertuples(index=False) if not spoke.issuperset(parts.split("+"))}
    reasons = candidate.revisions.reasons_of(days)
    return (*reasons, "new_code") if other_code else reasons


def _release_input(store: Store, candidate: Candidate) -> ReleaseInput:
    from pipeline.aggregate.compare import findings
    from pipeline.aggregate.reconcile import reconcile_release
    from pipeline.publish.release import ReleaseInput

    rows, period = candidate.rows, candidate.period
    declared = [item for item in sources() if item.id in set(rows["source"])]
    speaking = set(candidate.snapshot_ids)
    snapshots = [item for each in declared for item in store.snapshots(each.id) if item.id in speaking]
    if gone := speaking - {item.id for item in snapshots}:
        raise FraudlossError(f"{period.code}: figures come from snapshots that are gone: {sorted(gone)}. See `fraudloss verify`.")
    return ReleaseInput(
        frequency=period.frequency,
        period=period,
        view=rows,
        view_table=candidate.table,
        findings=findings(rows, declared),
        reconciliation=reconcile_release(rows, declared, period),
        revisions=candidate.revisions,
        sources=declared,
        snapshots=snapshots,
        as_of=max(rows["known_at"], default=None),
        code_version=code_version.of_publication(rows["source"]),
        release_id=candidate.release_id,
    )


def _manifest(given: ReleaseInput) -> dict[str, Any]:
    from pipeline.publish.release import headline

    return {
        "frequency": given.frequency,
        "period": given.period.code,
        "release_id": given.release_id,
        "as_of": given.as_of.isoformat() if given.as_of else None,
        "code_version": given.code_version,
        "snapshots": [dataclasses.asdict(item) | {"known_at": item.known_at.isoformat()} for item in given.snapshots],
        "revision": given.revisions.to_json(),
        "headline": headline(given),
    }


def current_manifest(store: Store, period: Period) -> dict[str, Any] | None:
    """The manifest of the release that speaks for the period now."""
    current = store.read_json(store.current_path(period.frequency, period.code))
    if current is None:
        return None
    return store.read_json(store.release_folder(period.frequency, period.code, current["release_id"]) / "manifest.json")


def current_manifests(store: Store) -> list[dict[str, Any]]:
    """The manifests of the releases that speak now, by frequency and period."""
    found = (
        current_manifest(store, Period.parse(pointer.parent.name))
        for frequency in PUBLISHED_FREQUENCIES
        for pointer in sorted((store.processed / "releases" / frequency).glob("*/current.json"))
    )
    return [manifest for manifest in found if manifest]


def build_site(store: Store) -> bool:
    """The site around the releases: index, sources, quality, methods, feed. True when anything was rewritten."""
    from pipeline.publish import site

    with store.lock("site"):
        manifests = current_manifests(store)
        speaking = {f"{manifest['frequency']}/{manifest['period']}": manifest["release_id"] for manifest in manifests}
        known = vintages.known(store)
        files = site.build(manifests, known.figures, sources(), _evidence(store, known))
        return store.write_pages(store.processed / "site", files, speaking, others_stay=False)


def _evidence(store: Store, known: vintages.Known) -> Evidence:
    """What stands behind the figures of the site."""
    import pandas as pd

    from pipeline.aggregate.derive import steps_in_words
    from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS, published_totals, reconcile
    from pipeline.publish.evidence import Evidence

    snapshots = [snapshot for source_id in source_ids() for snapshot in store.snapshots(source_id)]
    verdicts = {item.id: store.read_json(store.verdict_path(item.source, item.id)) or {} for item in snapshots}
    compared = [reconcile(known.figures, declared) for declared in sources() if published_totals(declared)]
    filled = [frame for frame in compared if len(frame)]
    return Evidence(
        snapshots=snapshots,
        verdicts=verdicts,
        revisions=known.revisions,
        vintages=known.vintages,
        records=known.records,
        reconciliation=pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=RECONCILIATION_COLUMNS),
        derivation_steps=steps_in_words(),
    )


# ------------------------------------------------------------------------------------------------------ plan and backfill


@dataclasses.dataclass(frozen=True)
class Planned:
    """What publishing one period would do."""

    period: str
    action: str  # nothing, new release, restate, no figures
    reasons: tuple[str, ...]  # keys of model.REASONS
    release_id: str
    snapshots: list[str]  # ids of those that speak in it

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "reasons": list(self.reasons)}


def plan(store: Store, frequency: str, first: str, last: str, as_of: dt.date | None) -> list[Planned]:
    """What `backfill` with the same arguments would do, period by period. Writes nothing, takes no lock."""
    wanted = periods_between(frequency, first, last)
    candidates = Candidates(store, as_of)
    there = set(candidates.periods(frequency))
    return [
        _planned(store, candidates, period) if period in there else Planned(period.code, "no figures", (), "", [])
        for period in wanted
    ]


def _planned(store: Store, candidates: Candidates, period: Period) -> Planned:
    candidate = candidates.of_period(period)
    is_there = store.release_is_whole(store.release_folder(period.frequency, period.code, candidate.release_id))
    speaking = current_manifest(store, period) if candidates.as_of is None else None
    if candidates.as_of is not None:
        action, reasons = ("nothing", ()) if is_there else ("new release", candidate.revisions.reasons)
    elif speaking is None:
        action, reasons = "new release", ("new_period",)
    elif is_there and speaking["release_id"] == candidate.release_id:
        action, reasons = "nothing", ()
    else:
        action, reasons = "restate", _reasons_since(speaking, candidate)
    return Planned(period.code, action, reasons, candidate.release_id, candidate.snapshot_ids)


@dataclasses.dataclass(frozen=True)
class Backfill:
    """What a backfill did, and what it left."""

    done: list[Published]
    without_figures: list[str]
    failures: list[str]
    left: list[str]  # periods that it did not come to, because it was told to stop


def backfill(
    store: Store, frequency: str, first: str, last: str, as_of: dt.date | None, engine: Engine = THIS_PROCESS
) -> Backfill:
    """Publish every period from `first` to `last`, both included; the bytes are the same for any engine.

    SIGINT and SIGTERM stop it: the periods at work are finished whole, the others are left. Run again, it goes on with them.
    """
    wanted = periods_between(frequency, first, last)
    store.recover()
    publish_each = _PublishEach(store.root.absolute(), as_of, uuid.uuid4().hex)
    # A day on which nothing was known is refused here, not period by period.
    candidates = _latest(publish_each).candidates if engine.is_this_process else Candidates(store, as_of)
    there = set(candidates.periods(frequency))
    todo = [period for period in wanted if period in there]
    found: dict[str, Published | FraudlossError] = {}
    with _stop_signals() as stopped:
        codes = [period.code for period in todo]
        with contextlib.closing(outcomes(publish_each, codes, engine, stopped=stopped.is_set)) as results:
            for code, outcome in log.progress(results, f"backfill {frequency}", total=len(todo)):
                found[code] = outcome.tell() if isinstance(outcome, Published) else outcome
    vars(_of_thread).clear()
    return _summed_up(wanted, todo, found)


def _summed_up(wanted: list[Period], todo: list[Period], found: dict[str, Published | FraudlossError]) -> Backfill:
    empty = [code for code, outcome in found.items() if isinstance(outcome, NothingToPublish)]
    empty += [period.code for period in wanted if period not in todo]
    return Backfill(
        done=[outcome for outcome in found.values() if isinstance(outcome, Published)],
        without_figures=sorted(empty),
        failures=[str(o) for o in found.values() if isinstance(o, FraudlossError) and not isinstance(o, NothingToPublish)],
        left=[period.code for period in todo if period.code not in found],
    )


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, instead of ending the process in the middle of a period."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclasses.dataclass(frozen=True)
class _PublishEach:
    """What a worker is handed; called with the code of a period."""

    root: Path
    as_of: dt.date | None
    run: str  # names the backfill: a worker may outlive it

    def __call__(self, code: str) -> Published | FraudlossError:
        return _latest(self).publish(Period.parse(code))


_of_thread = threading.local()


def _latest(asked: _PublishEach) -> _Latest:
    """The figures, looked up once for each backfill that the thread works for."""
    from pipeline.store import Store

    if getattr(_of_thread, "asked", None) != asked:
        _of_thread.latest, _of_thread.asked = _Latest(Store(asked.root), asked.as_of), asked
    return _of_thread.latest
