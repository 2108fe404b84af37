"""Releases under embargo: put under one, made while they wait, held longer, let go.

In: a store, a period, a moment. Out: the embargo as it is recorded, the release that waits, and the page in its folder that
says so.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from pipeline import embargoes, log
from pipeline.model import FraudlossError, UsageError
from pipeline.publishing.candidates import Candidates, period_of
from pipeline.publishing.records import period_record
from pipeline.publishing.release_inputs import manifest_of, release_input

if TYPE_CHECKING:
    from pipeline.store import Commit, Store


def end_embargo(store: Store, commit: Commit, embargo: embargoes.Embargo) -> None:
    """The release of the period speaks: its embargo is over, and the pages that told of it go."""
    for name in embargo.previews:
        commit.remove(store.releases_folder(embargo.period.frequency, embargo.period.code) / name)
    over = dataclasses.replace(embargo, status=embargoes.OVER, previews={})
    commit.write_json(store.embargo_path(embargo.period.frequency, embargo.period.code), over.to_json())


def prepare_all(store: Store, known: embargoes.Embargoes, frequency: str) -> list[str]:
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
    from pipeline.seals import file_entry

    period, candidates = embargo.period, Candidates(store, None, now, before=embargo)
    path, folder = store.embargo_path(period.frequency, period.code), store.releases_folder(period.frequency, period.code)
    with store.lock("release", period.frequency, period.code):
        if (kept := store.read_json(path)) and not (embargo := embargoes.Embargo.from_json(kept)).holds(now):
            return embargo
        record = period_record(store, period)
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
                given = release_input(store, candidate)
                commit.write_release(folder / candidate.release_id, build(given), manifest_of(given))
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

    Given again, as after it was broken off, it goes on. Raises UsageError where the moment has passed, or another embargo is in
    force.
    """
    period = period_of(frequency, code)
    if until is not None and until <= now:
        raise UsageError(f"{embargoes.instant_text(until)} has passed: give a moment to come, or publish.")
    store.recover()
    with store.lock("release", frequency, code):
        known = embargoes.at(store, now)
        held = known.in_force.get(period)
        if held and not held.was_decided("set", reason, until):
            raise UsageError(
                f"{code} is under embargo until {held.until_text} already. `fraudloss embargo extend` holds "
                "longer, `fraudloss embargo lift` ends it."
            )
        embargo = held or (known.recorded.get(period) or embargoes.Embargo(period, until)).decided(
            "set", reason, until=until, status=embargoes.IN_FORCE, public=embargoes.public_snapshots(store), release_id=None
        )
        store.write_json(store.embargo_path(frequency, code), embargo.to_json())
    return _prepare(store, embargo, now)


def decide_on_embargo(
    store: Store, frequency: str, code: str, *, until: dt.datetime | None, lift: bool, reason: str, now: dt.datetime
) -> embargoes.Embargo:
    """Lift an embargo before its time, or hold longer: until a moment or (None) until somebody lifts it.

    A decision that was taken already, given again, is none: a command that was broken off goes on. Raises UsageError where there
    is none that is not over, or the moment is no later than before.
    """
    period = period_of(frequency, code)
    if not reason:
        raise UsageError("a decision on an embargo has a reason, which is kept: give --reason.")
    store.recover()
    with store.lock("release", frequency, code):
        known = embargoes.at(store, now)
        embargo = known.in_force.get(period) or known.recorded.get(period)
        if embargo and lift and embargo.was_decided("lifted", reason, embargo.until):
            return embargo
        if embargo is None or embargo.status != embargoes.IN_FORCE:
            raise UsageError(f"{code} is under no embargo. `fraudloss embargo list` names those that are.")
        if not lift and embargo.was_decided("extended", reason, until):
            pass
        elif lift:
            embargo = embargo.decided("lifted", reason, status=embargoes.LIFTED)
        elif until is not None and (embargo.until is None or until <= max(embargo.until, now)):
            raise UsageError(f"{code} is under embargo until {embargo.until_text}: give a later moment, or lift it.")
        else:
            embargo = embargo.decided("extended", reason, until=until)
        store.write_json(store.embargo_path(frequency, code), embargo.to_json())
    return embargo if lift else _prepare(store, embargo, now)
