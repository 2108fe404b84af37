"""Releases: which periods the figures allow, what each is made from, why it takes the place of the one before, and making it.

In: a store with views and their histories, a frequency, periods, an as-of date. Out: release folders, the pointers to those
that speak now, and for each period the record of all its releases (`pipeline.publish.period`), which changes with its pointer;
and, for `plan`, what would be done. A release is a function of what it shows, of how that came about, and of the code.

A period whose figures are all gone is withdrawn: its last release stays readable, and speaks no more. A release under embargo
(`pipeline.embargoes`) is made, and speaks when its time has come; until then nothing else is made of the files that it holds.
`now` is the moment that embargoes are compared with; without one, all are in force.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import code_version, collector, embargoes, log, vintages
from pipeline.executors import THIS_PROCESS, Engine, outcomes
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, NothingToPublish, Period, UsageError
from pipeline.sources.catalogue import source_ids, sources

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.publish.evidence import Evidence
    from pipeline.publish.period import Why, Withdrawal
    from pipeline.publish.release import ReleaseInput
    from pipeline.publish.revisions import Histories, ReleaseRevisions
    from pipeline.store import Commit, Store


@dataclasses.dataclass(frozen=True)
class Published:
    """What came of publishing one period."""

    frequency: str
    period: str
    release_id: str  # of a period that was withdrawn: the release that spoke last
    is_new: bool  # False: the same release was there already
    reasons: tuple[str, ...]  # keys of model.REASONS: why it takes the place of the one before, or why the period was withdrawn
    is_withdrawal: bool = False

    @property
    def name(self) -> str:
        """The release as `period/id`; of a period that was withdrawn `period/withdrawn`."""
        return f"{self.period}/{'withdrawn' if self.is_withdrawal else self.release_id}"

    def tell(self) -> Published:
        """Log it where it is new."""
        if self.is_new:
            reasons = ", ".join(reason.replace("_", " ") for reason in self.reasons)
            event = "withdrawn" if self.is_withdrawal else "published"
            log.event(event, frequency=self.frequency, period=self.period, release=self.release_id, reason=reasons)
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

    @functools.cached_property
    def about(self) -> dict[str, Any]:
        """What its manifest and the record of its period say of it."""
        as_of = max(self.rows["known_at"], default=None)
        return {
            "release_id": self.release_id,
            "as_of": as_of.isoformat() if as_of else None,
            "code_version": code_version.of_publication(self.rows["source"]),
            "vintage": self.revisions.vintages[-1].isoformat(),
        }


class Candidates:
    """The releases of all periods that the figures known as of a date allow."""

    def __init__(
        self, store: Store, as_of: dt.date | None, now: dt.datetime | None = None, *, before: embargoes.Embargo | None = None
    ) -> None:
        """`before`: look at what an embargo waits with, and leave out only what is held longer than that."""
        from pipeline.publish.revisions import Histories

        vintages.require_known(store, as_of)
        self.as_of = as_of
        # Taken first: whatever is judged from now on makes these figures out of date.
        self.stamp = store.verdicts_stamp()
        self.embargoes = embargoes.at(store, now)
        held = self.embargoes.later_than(before) if before else self.embargoes.held
        known = vintages.known(store, as_of, held)
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

    def withdrawn(self, period: Period) -> pd.DataFrame:
        """REVISION_COLUMNS: the figures of the period itself that a later file took away."""
        return self._histories.withdrawn_of(period)


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

    def __init__(self, store: Store, as_of: dt.date | None, now: dt.datetime | None) -> None:
        self.store, self.as_of, self.now, self.candidates = store, as_of, now, Candidates(store, as_of, now)

    def publish(self, period: Period) -> Published | FraudlossError:
        """Publish the period, or say why not."""
        while True:
            try:
                if period not in self.candidates.periods(period.frequency):
                    return _withdraw(self.store, self.candidates, period) or _nothing_to_publish(
                        self.store, period, self.candidates.embargoes.in_force.get(period)
                    )
                return _publish(self.store, self.candidates, period)
            except _Overtaken:
                self.candidates = Candidates(self.store, self.as_of, self.now)
            except FraudlossError as failure:
                return failure


def publish(store: Store, frequency: str, code: str, as_of: dt.date | None, now: dt.datetime | None = None) -> Published:
    """Publish one period. Raises UsageError for a malformed period, NothingToPublish when the figures allow no release of it."""
    period = period_of(frequency, code)
    store.recover()
    outcome = _Latest(store, as_of, now).publish(period)
    if isinstance(outcome, FraudlossError):
        raise outcome
    return outcome.tell()


@collector.at_rest()
def publish_due(store: Store, frequency: str, as_of: dt.date | None, now: dt.datetime | None = None) -> list[Published]:
    """Publish every period of the frequency whose release is not there yet, and withdraw those that have no figures any more.
    Gives what is new. What is under embargo is made, and waits.

    A release that cannot be made stops no other; it is named at the end (FraudlossError).
    """
    if frequency not in PUBLISHED_FREQUENCIES:
        raise UsageError(f"{frequency!r} is not published; {', '.join(PUBLISHED_FREQUENCIES)} are.")
    store.recover()
    published: list[Published] = []
    made = 0
    while True:
        made_of = _made_of(store, now)
        if as_of is None and _nothing_is_due(store, frequency, made_of):
            return []
        candidates, failures, speaking = Candidates(store, as_of, now), list[str](), dict[str, str | None]()
        try:
            figured = candidates.periods(frequency)
            bare = [period for period in _periods_with_a_release(store, frequency) if period not in figured]
            for period in log.progress([*figured, *(bare if as_of is None else ())], f"publish {frequency}"):
                try:
                    if period in figured:
                        published.append(_publish(store, candidates, period).tell())
                        speaking[period.code] = published[-1].release_id
                        if published[-1].is_new:
                            made += 1
                            collector.after_release(made)
                        continue
                    if withdrawn := _withdraw(store, candidates, period):
                        published.append(withdrawn.tell())
                    if store.current_path(frequency, period.code).is_file():
                        speaking[period.code] = None
                except FraudlossError as failure:
                    failures.append(str(failure))
        except _Overtaken:
            log.event("looking again", frequency=frequency, reason="another run judged new files")
            continue
        if as_of is None:
            failures += _prepare_all(store, candidates.embargoes, frequency)
        if failures:
            raise FraudlossError("\n".join(failures))
        if as_of is None and _made_of(store, now) == made_of:
            store.write_json(store.due_path(frequency), {"made_of": made_of, "releases": speaking})
        return [item for item in published if item.is_new]


def _made_of(store: Store, now: dt.datetime | None) -> dict[str, str]:
    """What the releases of all periods follow from: the views of the sources, the code that shows them, and what is held back."""
    held = embargoes.at(store, now).version
    return (
        {source_id: vintages.view_id(store, source_id) for source_id in source_ids()}
        | {"code": code_version.of_publication(source_ids())}
        | ({"embargoes": held} if held else {})
    )


def _nothing_is_due(store: Store, frequency: str, made_of: dict[str, str]) -> bool:
    """Whether all releases were made of this already, are there whole, and speak."""
    record = store.read_json(store.due_path(frequency))
    return (
        record is not None
        and record["made_of"] == made_of
        and all(_is_as_left(store, frequency, code, release_id) for code, release_id in record["releases"].items())
        and all(_waits(store, embargo) for embargo in embargoes.recorded(store).values())
    )


def _waits(store: Store, embargo: embargoes.Embargo) -> bool:
    """Whether the release that is under embargo is there whole, with the page that says so."""
    folder = store.releases_folder(embargo.period.frequency, embargo.period.code)
    return embargo.status == embargoes.OVER or (
        embargo.release_id is not None
        and store.release_is_whole(folder / embargo.release_id)
        and all(store.is_there({"path": store.relative(folder / name), **entry}) for name, entry in embargo.previews.items())
    )


def _is_as_left(store: Store, frequency: str, code: str, release_id: str | None) -> bool:
    """Whether this release still speaks and is whole; None: whether the period is still withdrawn."""
    pointer = store.read_json(store.current_path(frequency, code))
    return (
        pointer is not None
        and pointer["release_id"] == release_id
        and (release_id is None or store.release_is_whole(store.release_folder(frequency, code, release_id)))
        and store.period_is_whole(frequency, code)
    )


def _publish(store: Store, candidates: Candidates, period: Period) -> Published:
    """Make the release where it is not there, whole, and let it speak for the period unless an as-of date was given.

    Raises _Overtaken rather than let older figures speak in the place of newer ones.
    """
    from pipeline.publish import period as records
    from pipeline.publish.release import build

    candidate = candidates.of_period(period)
    folder = store.release_folder(period.frequency, period.code, candidate.release_id)
    pointer = store.current_path(period.frequency, period.code)
    with store.lock("release", period.frequency, period.code):
        record = before = _record(store, period)
        speaks = candidates.as_of is None
        moves = speaks and (store.read_json(pointer) or {}).get("release_id") != candidate.release_id
        if moves and store.verdicts_stamp() != candidates.stamp:
            raise _Overtaken
        why = _why(store, before, candidate) if speaks else records.Why(candidate.revisions.reasons)
        if speaks and before["current"] != candidate.release_id:
            record = records.speaks(before, candidate.about, why)
        elif not speaks:
            record = records.is_there(before, candidate.about)
        is_new = not store.release_is_whole(folder)
        with store.commit() as commit:
            if is_new:
                given = _release_input(store, candidate)
                commit.write_release(folder, build(given), _manifest(given))
            if record != before or not store.period_is_whole(period.frequency, period.code):
                commit.write_period(store.period_path(period.frequency, period.code), record, records.pages(record))
            if moves:
                commit.write_json(pointer, {"release_id": candidate.release_id})
            if speaks and candidates.embargoes.has_passed(period):
                _end(store, commit, candidates.embargoes.recorded[period])
            if moves and store.verdicts_stamp() != candidates.stamp:
                raise _Overtaken
    # A release that speaks again after a withdrawal is there already, and is news all the same.
    is_news = is_new or (speaks and bool(before["releases"]) and before["current"] is None)
    return Published(period.frequency, period.code, candidate.release_id, is_news, why.reasons)


def _record(store: Store, period: Period) -> dict[str, Any]:
    """The record of the period's releases; where it is not there, made of the pointer and of the releases that are."""
    from pipeline.publish import period as records

    if kept := store.read_json(store.period_path(period.frequency, period.code)):
        del kept["files"]
        return kept
    record, folder = records.new_record(period), store.releases_folder(period.frequency, period.code)
    if speaking := current_manifest(store, period):
        record = records.speaks(record, _about(speaking), records.Why(("new_period",)))
    for path in sorted(folder.glob("*/manifest.json")):
        if manifest := store.read_json(path):
            record = records.is_there(record, _about(manifest))
    return record


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    named = {name: manifest[name] for name in ("release_id", "as_of", "code_version")}
    return {**named, "vintage": manifest["revision"]["vintages"][-1]}


def _why(store: Store, record: dict[str, Any], candidate: Candidate) -> Why:
    """Why this release takes the place of the one that spoke last, and what changed from that to this."""
    from pipeline.publish.period import Why

    last = record["releases"][-1]["release_id"] if record["releases"] else ""
    folder = store.release_folder(candidate.period.frequency, candidate.period.code, last)
    spoken = store.read_json(folder / "manifest.json") if last else None
    back = ("reinstatement",) if last and record["current"] is None else ()
    if last == candidate.release_id:
        return Why(back or ("new_code",))
    if spoken is None:
        return Why(back or ("new_period",))
    changes, corrections = _changes_since(store, folder, spoken, candidate)
    reasons = _reasons_since(spoken, candidate)
    if corrections:
        reasons = (*(reason for reason in reasons if reason != "new_code"), "declared_correction")
    return Why((*back, *reasons), changes, corrections)


def _changes_since(
    store: Store, folder: Path, spoken: dict[str, Any], candidate: Candidate
) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many figures changed in which way, and the corrections declared since, in words; nothing where the figures of the
    release before cannot be read any more."""
    from pipeline.aggregate.revisions import differences
    from pipeline.frames import OBSERVATION_COLUMNS, read_observations
    from pipeline.store import ChangedBytes

    path = folder / "observations.parquet"
    try:
        before = read_observations(store.read_listed({"path": store.relative(path), **spoken["files"][path.name]}))
    except (ChangedBytes, KeyError):  # damaged, or with the columns of other code
        return {}, ()
    changed = differences(before, candidate.rows[OBSERVATION_COLUMNS])
    counts = collections.Counter(changed["change"])
    return dict(sorted(counts.items())), _declared_since(before, candidate.rows)


def _declared_since(before: pd.DataFrame, now: pd.DataFrame) -> tuple[str, ...]:
    """The corrections declared here that figures tell now and did not tell before, in words.

    The same error in the next file of a publisher is declared anew, at another place: that alone is no news.
    """
    from pipeline.reading.record_corrections import without_place

    known, told = _corrections_told(before), _corrections_told(now)
    places_known = collections.Counter(map(without_place, known))
    places_told = collections.Counter(map(without_place, told))
    news = {words for words, count in places_told.items() if count > places_known[words]}
    return tuple(sorted(words for words in told - known if without_place(words) in news))


def _corrections_told(figures: pd.DataFrame) -> set[str]:
    """The corrections that figures tell in their notes: of their own cell, or of the records that they are counted of."""
    from pipeline.reading.record_corrections import CORRECTED, told_in

    noted = figures[(figures["note"] != "").to_numpy(bool)]
    told = set()
    for derivation, absence, note in set(zip(noted["derivation"], noted["absence"], noted["note"], strict=True)):
        if derivation == "records":
            told.update(told_in(note))
        elif derivation == "" and (note.startswith(CORRECTED) or absence == "unreadable"):
            told.add(note)
    return told


def _withdraw(store: Store, candidates: Candidates, period: Period) -> Published | None:
    """Withdraw a period that has no figures any more. None where it was withdrawn before, or nothing ever spoke for it.

    Raises FraudlossError, and lets the release speak on, where nobody can say why the figures are gone.
    """
    from pipeline.publish import period as records

    if candidates.as_of is not None:
        return None
    with store.lock("release", period.frequency, period.code):
        before = record = _record(store, period)
        if not before["releases"]:
            return None
        if before["current"]:
            withdrawal = _withdrawal(store, candidates, period, before["current"])
            record = records.is_withdrawn(before, withdrawal)
        pointer = {"release_id": None, "withdrawn": records.withdrawn(record)}
        if store.verdicts_stamp() != candidates.stamp:
            raise _Overtaken
        with store.commit() as commit:
            if record != before or not store.period_is_whole(period.frequency, period.code):
                commit.write_period(store.period_path(period.frequency, period.code), record, records.pages(record))
            commit.write_json(store.current_path(period.frequency, period.code), pointer)
            if store.verdicts_stamp() != candidates.stamp:
                raise _Overtaken
    if record == before:
        return None
    return Published(period.frequency, period.code, withdrawal.release_id, True, withdrawal.reasons, is_withdrawal=True)


def _withdrawal(store: Store, candidates: Candidates, period: Period, release_id: str) -> Withdrawal:
    """Why the figures of the release that speaks are gone."""
    from pipeline.publish.period import Withdrawal

    what = f"{period.frequency} {period.code} has no figures any more"
    manifest = store.read_json(store.release_folder(period.frequency, period.code, release_id) / "manifest.json")
    if manifest is None:
        raise FraudlossError(f"{what}, and the release {release_id}, which speaks for it, is gone: restore it from a backup.")
    days: dict[str, dt.date] = {}
    verdicts: dict[str, str] = {}
    for used in manifest["snapshots"]:
        snapshots = {item.id: item for item in store.snapshots(used["source"])}
        verdict = store.read_json(store.verdict_path(used["source"], used["id"]))
        if used["id"] not in snapshots or verdict is None:
            raise FraudlossError(
                f"{what}: snapshot {used['id']} of {used['source']} is gone or not judged. The release {release_id} speaks on. "
                f"`fraudloss verify` says what is gone; `fraudloss validate {used['source']}` judges."
            )
        days[used["id"]], verdicts[used["id"]] = snapshots[used["id"]].known_at, verdict["status"]
    refused = {item: days[item] for item, status in verdicts.items() if status != "accepted"}
    taken = _taken_away(store, candidates, period)
    reasons = [reason for reason, found in (("withdrawal", taken), ("refusal", refused)) if found]
    since = max([*refused.values(), *taken.values()], default=dt.date.fromisoformat(manifest["revision"]["vintages"][-1]))
    return Withdrawal(release_id, since, tuple(reasons) or ("new_code",), tuple(sorted({*refused, *taken})))


def _taken_away(store: Store, candidates: Candidates, period: Period) -> dict[str, dt.date]:
    """The files that took figures of the period away, with the day from which each was known."""
    found: dict[str, dt.date] = {}
    withdrawn = candidates.withdrawn(period)
    for source_id, day in set(zip(withdrawn["source"], withdrawn["vintage"], strict=True)):
        found |= {item.id: day for item in store.snapshots(source_id) if item.known_at == day}
    return found


def _nothing_to_publish(store: Store, period: Period, embargo: embargoes.Embargo | None) -> NothingToPublish:
    if embargo is not None:
        return NothingToPublish(f"{period.code} is under embargo until {embargo.until_text}: nothing to publish before.")
    pointer = store.read_json(store.current_path(period.frequency, period.code)) or {}
    if withdrawn := pointer.get("withdrawn"):
        return NothingToPublish(
            f"{period.code} is withdrawn since {withdrawn['since']}, and no source has figures for it: nothing to publish."
        )
    return NothingToPublish(
        f"no source has figures for {period.code}: nothing to publish. `fraudloss sources` shows what is there."
    )


def _periods_with_a_release(store: Store, frequency: str) -> list[Period]:
    """Those for which a release speaks or spoke, in order of time."""
    folder = store.processed / "releases" / frequency
    codes = {path.parent.name for name in ("current.json", "releases.json") for path in folder.glob(f"*/{name}")}
    return sorted(Period.parse(code) for code in codes)


# ------------------------------------------------------------------------------------------------------------- embargoes


def _end(store: Store, commit: Commit, embargo: embargoes.Embargo) -> None:
    """The release of the period speaks: its embargo is over, and the pages that told of it go."""
    for name in embargo.previews:
        commit.remove(store.releases_folder(embargo.period.frequency, embargo.period.code) / name)
    over = dataclasses.replace(embargo, status=embargoes.OVER, previews={})
    commit.write_json(store.embargo_path(embargo.period.frequency, embargo.period.code), over.to_json())


def _prepare_all(store: Store, known: embargoes.Embargoes, frequency: str) -> list[str]:
    """Make the releases of the frequency that are under embargo. Gives why some cannot be made."""
    failures = []
    for period, embargo in sorted(known.in_force.items()):
        if period.frequency == frequency:
            try:
                _prepare(store, embargo, known.now)
            except FraudlossError as failure:
                failures.append(str(failure))
    return failures


def _prepare(store: Store, embargo: embargoes.Embargo, now: dt.datetime | None) -> embargoes.Embargo:
    """Make the release that waits, and the page in its folder that says so. Gives the embargo, with the release's id."""
    from pipeline.publish import period as records
    from pipeline.publish.release import build
    from pipeline.store import file_entry

    period, candidates = embargo.period, Candidates(store, None, now, before=embargo)
    path, folder = store.embargo_path(period.frequency, period.code), store.releases_folder(period.frequency, period.code)
    with store.lock("release", period.frequency, period.code):
        if (kept := store.read_json(path)) and not (embargo := embargoes.Embargo.from_json(kept)).holds(now):
            return embargo
        record = _record(store, period)
        candidate = candidates.of_period(period) if period in candidates.periods(period.frequency) else None
        if candidate is None or candidate.release_id == record["current"]:
            return embargo
        waiting = {name.partition("/")[0] for name in embargo.previews} | {candidate.release_id}
        pages = {
            f"{release_id}/{name}": content
            for release_id in sorted(waiting)
            for name, content in _previews(embargo, release_id).items()
        }
        entries = {name: file_entry(content) for name, content in pages.items()}
        prepared = dataclasses.replace(embargo, release_id=candidate.release_id, previews=entries)
        is_new = not store.release_is_whole(folder / candidate.release_id)
        with store.commit() as commit:
            if is_new:
                given = _release_input(store, candidate)
                commit.write_release(folder / candidate.release_id, build(given), _manifest(given))
            for name, content in pages.items():
                commit.write(folder / name, content)
            commit.write_json(path, prepared.to_json())
            # The pages of the release lead to that of its period, which does not tell of it.
            if not store.period_is_whole(period.frequency, period.code):
                commit.write_period(store.period_path(period.frequency, period.code), record, records.pages(record))
    if is_new:
        about = {"frequency": period.frequency, "period": period.code, "release": candidate.release_id}
        log.event("under embargo", **about, until=embargo.until_text)
    return prepared


def _previews(embargo: embargoes.Embargo, release_id: str) -> dict[str, bytes]:
    from pipeline.publish.period import previews

    reasons = [decision["reason"] for decision in embargo.decisions]
    return previews(embargoes.PREVIEW, embargo.period, release_id, embargo.until_text, reasons)


def put_under_embargo(
    store: Store, frequency: str, code: str, until: dt.datetime | None, reason: str, now: dt.datetime
) -> embargoes.Embargo:
    """Hold back what is not published yet of a period, until a moment or (None) until somebody lifts it, and make its release.

    Raises UsageError where the moment has passed, or an embargo is in force already.
    """
    period = period_of(frequency, code)
    if until is not None and until <= now:
        raise UsageError(f"{embargoes.instant_text(until)} has passed: give a moment to come, or publish.")
    store.recover()
    with store.lock("release", frequency, code):
        known = embargoes.at(store, now)
        if period in known.in_force:
            raise UsageError(
                f"{code} is under embargo until {known.in_force[period].until_text} already. `fraudloss embargo extend` holds "
                "longer, `fraudloss embargo lift` ends it."
            )
        before = known.recorded.get(period) or embargoes.Embargo(period, until)
        embargo = before.decided(
            "set", reason, until=until, status=embargoes.IN_FORCE, public=embargoes.public_snapshots(store), release_id=None
        )
        store.write_json(store.embargo_path(frequency, code), embargo.to_json())
    return _prepare(store, embargo, now)


def decide_on_embargo(
    store: Store, frequency: str, code: str, *, until: dt.datetime | None, lift: bool, reason: str, now: dt.datetime
) -> embargoes.Embargo:
    """Lift an embargo before its time, or hold longer: until a moment or (None) until somebody lifts it.

    Raises UsageError where there is none that is not over, or the moment is no later than before.
    """
    period = period_of(frequency, code)
    store.recover()
    with store.lock("release", frequency, code):
        known = embargoes.at(store, now)
        embargo = known.in_force.get(period) or known.recorded.get(period)
        if embargo is None or embargo.status != embargoes.IN_FORCE:
            raise UsageError(f"{code} is under no embargo. `fraudloss embargo list` names those that are.")
        if lift:
            embargo = embargo.decided("lifted", reason, status=embargoes.LIFTED)
        elif until is not None and (embargo.until is None or until <= max(embargo.until, now)):
            raise UsageError(f"{code} is under embargo until {embargo.until_text}: give a later moment, or lift it.")
        else:
            embargo = embargo.decided("extended", reason, until=until)
        store.write_json(store.embargo_path(frequency, code), embargo.to_json())
    return embargo if lift else _prepare(store, embargo, now)


# --------------------------------------------------------------------------------------------------------------- reasons


def _reasons_since(speaking: dict[str, Any], candidate: Candidate) -> tuple[str, ...]:
    """Why this release takes the place of that one: what became known since, and whether the code is another."""
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
        code_version=candidate.about["code_version"],
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
    """The manifest of the release that speaks for the period now; None where none does."""
    current = store.read_json(store.current_path(period.frequency, period.code))
    if current is None or current["release_id"] is None:
        return None
    return store.read_json(store.release_folder(period.frequency, period.code, current["release_id"]) / "manifest.json")


def current_manifests(store: Store) -> list[dict[str, Any]]:
    """The manifests of the releases that speak now, by frequency and period."""
    found = (
        current_manifest(store, period)
        for frequency in PUBLISHED_FREQUENCIES
        for period in _periods_with_a_release(store, frequency)
    )
    return [manifest for manifest in found if manifest]


def period_records(store: Store) -> list[dict[str, Any]]:
    """The records of all releases of each period for which one speaks or spoke, by frequency and period."""
    paths = (
        store.period_path(frequency, period.code)
        for frequency in PUBLISHED_FREQUENCIES
        for period in _periods_with_a_release(store, frequency)
    )
    return [record for path in paths if (record := store.read_json(path)) and record["releases"]]


def build_site(store: Store, now: dt.datetime | None = None) -> bool:
    """The site around the releases: index, sources, quality, methods, feed. True when anything was rewritten."""
    from pipeline.publish import site

    with store.lock("site"):
        manifests = current_manifests(store)
        speaking = {f"{manifest['frequency']}/{manifest['period']}": manifest["release_id"] for manifest in manifests}
        held = embargoes.at(store, now).held
        known = vintages.known(store, without=held)
        files = site.build(manifests, known.figures, sources(), _evidence(store, known, held), period_records(store))
        return store.write_pages(store.processed / "site", files, speaking)


def _evidence(store: Store, known: vintages.Known, held: frozenset[str]) -> Evidence:
    """What stands behind the figures of the site; files that are held back are left out."""
    import pandas as pd

    from pipeline.aggregate.derive import steps_in_words
    from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS, published_totals, reconcile
    from pipeline.publish.evidence import Evidence

    snapshots = [item for source_id in source_ids() for item in store.snapshots(source_id) if item.id not in held]
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
    action: str  # nothing, new release, restate, withdraw, embargo, no figures
    reasons: tuple[str, ...]  # keys of model.REASONS
    release_id: str
    snapshots: list[str]  # ids of those that speak in it
    embargo: str = ""  # until when the release waits

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "reasons": list(self.reasons)}


def plan(
    store: Store, frequency: str, first: str, last: str, as_of: dt.date | None, now: dt.datetime | None = None
) -> list[Planned]:
    """What `backfill` with the same arguments would do, period by period. Writes nothing, takes no lock."""
    wanted = periods_between(frequency, first, last)
    candidates = Candidates(store, as_of, now)
    there = set(candidates.periods(frequency))
    return [
        _planned_under_embargo(store, candidates, period)
        or (_planned(store, candidates, period) if period in there else _planned_without_figures(store, candidates, period))
        for period in wanted
    ]


def _planned_under_embargo(store: Store, candidates: Candidates, period: Period) -> Planned | None:
    """What waits; None where nothing of the period does."""
    embargo = candidates.embargoes.in_force.get(period) if candidates.as_of is None else None
    if embargo is None:
        return None
    waiting, record = Candidates(store, None, candidates.embargoes.now, before=embargo), _record(store, period)
    candidate = waiting.of_period(period) if period in waiting.periods(period.frequency) else None
    if candidate is None or candidate.release_id == record["current"]:
        return None
    reasons = _why(store, record, candidate).reasons
    return Planned(period.code, "embargo", reasons, candidate.release_id, candidate.snapshot_ids, embargo.until_text)


def _planned_without_figures(store: Store, candidates: Candidates, period: Period) -> Planned:
    speaking = current_manifest(store, period) if candidates.as_of is None else None
    if speaking is None:
        return Planned(period.code, "no figures", (), "", [])
    withdrawal = _withdrawal(store, candidates, period, speaking["release_id"])
    return Planned(period.code, "withdraw", withdrawal.reasons, withdrawal.release_id, list(withdrawal.snapshots))


def _planned(store: Store, candidates: Candidates, period: Period) -> Planned:
    candidate = candidates.of_period(period)
    is_there = store.release_is_whole(store.release_folder(period.frequency, period.code, candidate.release_id))
    record = _record(store, period)
    if candidates.as_of is not None:
        action, reasons = ("nothing", ()) if is_there else ("new release", candidate.revisions.reasons)
    elif is_there and record["current"] == candidate.release_id:
        action, reasons = "nothing", ()
    else:
        action = "restate" if record["releases"] else "new release"
        reasons = _why(store, record, candidate).reasons
    return Planned(period.code, action, reasons, candidate.release_id, candidate.snapshot_ids)


@dataclasses.dataclass(frozen=True)
class Backfill:
    """What a backfill did, and what it left."""

    done: list[Published]
    without_figures: list[str]
    failures: list[str]
    left: list[str]  # periods that it did not come to, because it was told to stop


def backfill(
    store: Store,
    frequency: str,
    first: str,
    last: str,
    as_of: dt.date | None,
    engine: Engine = THIS_PROCESS,
    now: dt.datetime | None = None,
) -> Backfill:
    """Publish every period from `first` to `last`, both included; the bytes are the same for any engine.

    SIGINT and SIGTERM stop it: the periods at work are finished whole, the others are left. Run again, it goes on with them.
    """
    wanted = periods_between(frequency, first, last)
    store.recover()
    publish_each = _PublishEach(store.root.absolute(), as_of, now, uuid.uuid4().hex)
    # A day on which nothing was known is refused here, not period by period.
    candidates = _latest(publish_each).candidates if engine.is_this_process else Candidates(store, as_of, now)
    there = {*candidates.periods(frequency), *_periods_with_a_release(store, frequency)}
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
    now: dt.datetime | None
    run: str  # names the backfill: a worker may outlive it

    def __call__(self, code: str) -> Published | FraudlossError:
        return _latest(self).publish(Period.parse(code))


_of_thread = threading.local()


def _latest(asked: _PublishEach) -> _Latest:
    """The figures, looked up once for each backfill that the thread works for."""
    from pipeline.store import Store

    if getattr(_of_thread, "asked", None) != asked:
        _of_thread.latest, _of_thread.asked = _Latest(Store(asked.root), asked.as_of, asked.now), asked
    return _of_thread.latest
