"""What publishing periods would do.

In: a store, a frequency, periods. Out: `Planned`, one a period. Writes nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.model import FraudlossError, Period
from pipeline.publishing.candidates import Candidates, periods_between
from pipeline.publishing.reasons import why_released
from pipeline.publishing.records import current_manifest, period_record
from pipeline.publishing.standing import Standing
from pipeline.publishing.withdrawals import require_what_it_followed, withdrawal_of

if TYPE_CHECKING:
    from pipeline.store import Store


@dataclasses.dataclass(frozen=True)
class Planned:
    """What publishing one period would do."""

    period: str
    action: str  # nothing, new release, restate, make again (files of it are gone), withdraw, embargo, no figures, fail
    reasons: tuple[str, ...]  # keys of model.REASONS
    release_id: str
    snapshots: list[str]  # ids of those that speak in it
    embargo: str = ""  # until when the release waits
    because: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # key of model.RELATIONS -> periods
    failure: str = ""  # why the period cannot be published

    def to_json(self) -> dict[str, Any]:
        """For `--json`: the names of the fields, reasons and periods as lists."""
        because = {relation: list(periods) for relation, periods in self.because.items()}
        return {**dataclasses.asdict(self), "reasons": list(self.reasons), "because": because}


def plan(
    store: Store, frequency: str, first: str, last: str, as_of: dt.date | None, now: dt.datetime | None = None
) -> list[Planned]:
    """What `backfill` with the same arguments would do, period by period. Writes nothing, takes no lock."""
    wanted = periods_between(frequency, first, last)
    candidates = Candidates(store, as_of, now)
    there, standing = set(candidates.periods(frequency)), Standing(store, candidates, frequency)
    return [
        _standing(store, period, release_id)
        if period in there and (release_id := standing.release_of(period))
        else _planned_or_failed(store, candidates, period, has_figures=period in there)
        for period in wanted
    ]


def _standing(store: Store, period: Period, release_id: str) -> Planned:
    manifest = current_manifest(store, period) or {"snapshots": []}
    return Planned(period.code, "nothing", (), release_id, sorted({item["id"] for item in manifest["snapshots"]}))


def _planned_or_failed(store: Store, candidates: Candidates, period: Period, *, has_figures: bool) -> Planned:
    """What would be done, or why the period could not be published: a lost snapshot of one says nothing of the others."""
    try:
        if waiting := _planned_under_embargo(store, candidates, period):
            return waiting
        return (_planned if has_figures else _planned_without_figures)(store, candidates, period)
    except FraudlossError as failure:
        return Planned(period.code, "fail", (), "", [], failure=str(failure))


def _planned_under_embargo(store: Store, candidates: Candidates, period: Period) -> Planned | None:
    """What waits; None where nothing of the period does."""
    embargo = candidates.embargoes.in_force.get(period) if candidates.as_of is None else None
    if embargo is None:
        return None
    waiting, record = Candidates(store, None, candidates.embargoes.now, before=embargo), period_record(store, period)
    candidate = waiting.of_period(period) if period in waiting.periods(period.frequency) else None
    if candidate is None or candidate.release_id == record["current"]:
        return None
    why = why_released(store, record, candidate)
    return Planned(
        period.code, "embargo", why.reasons, candidate.release_id, candidate.snapshot_ids, embargo.until_text, why.because
    )


def _planned_without_figures(store: Store, candidates: Candidates, period: Period) -> Planned:
    speaking = current_manifest(store, period) if candidates.as_of is None else None
    if speaking is None:
        return Planned(period.code, "no figures", (), "", [])
    withdrawal = withdrawal_of(store, candidates, period, speaking["release_id"])
    return Planned(period.code, "withdraw", withdrawal.reasons, withdrawal.release_id, list(withdrawal.snapshots))


def _planned(store: Store, candidates: Candidates, period: Period) -> Planned:
    candidate = candidates.of_period(period)
    is_there = store.release_is_whole(store.release_folder(period.frequency, period.code, candidate.release_id))
    record, why = period_record(store, period), None
    if candidates.as_of is not None:
        action, reasons = ("nothing", ()) if is_there else ("new release", candidate.revisions.reasons)
    elif is_there and record["current"] == candidate.release_id:
        action, reasons = "nothing", ()
    elif record["current"] == candidate.release_id:
        action, reasons = "make again", ()
    else:
        require_what_it_followed(store, record, candidate)
        action = "restate" if record["releases"] else "new release"
        why = why_released(store, record, candidate)
        reasons = why.reasons
    return Planned(period.code, action, reasons, candidate.release_id, candidate.snapshot_ids, because=why.because if why else {})
