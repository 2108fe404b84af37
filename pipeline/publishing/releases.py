"""Publishing and withdrawing one period.

In: a store, the candidates, a period. Out: the release folder, the pointer to it and the record of the period, in one commit; and
`Published`, which says what came of it. Older figures never speak in the place of newer ones.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline import embargoes, log
from pipeline.model import FraudlossError, NothingToPublish, Period, relations_text
from pipeline.publishing.candidates import Candidates, period_of
from pipeline.publishing.reasons import why_released
from pipeline.publishing.records import period_record
from pipeline.publishing.release_inputs import manifest_of, release_input
from pipeline.publishing.under_embargo import end_embargo
from pipeline.publishing.withdrawals import require_what_it_followed, withdrawal_of

if TYPE_CHECKING:
    from pipeline.store import Store


@dataclasses.dataclass(frozen=True)
class Published:
    """What came of publishing one period."""

    frequency: str
    period: str
    release_id: str  # of a period that was withdrawn: the release that spoke last
    is_new: bool  # False: the same release was there already
    reasons: tuple[str, ...]  # keys of model.REASONS: why it takes the place of the one before, or why the period was withdrawn
    is_withdrawal: bool = False
    is_repair: bool = False  # the release spoke already, and files of it were gone or changed
    as_of: dt.date | None = None  # the day as of which it was reproduced; then it does not speak
    because: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # key of model.RELATIONS -> periods

    @property
    def name(self) -> str:
        """The release as `period/id`; of a period that was withdrawn `period/withdrawn`."""
        return f"{self.period}/{'withdrawn' if self.is_withdrawal else self.release_id}"

    def tell(self) -> Published:
        """Log it where it is new."""
        if self.is_new:
            reasons = ", ".join(reason.replace("_", " ") for reason in self.reasons)
            about = {"frequency": self.frequency, "period": self.period, "release": self.release_id}
            if self.is_repair:
                log.event("made again", **about, reason="files of it were gone or changed")
            elif self.as_of is not None:
                log.event("reproduced", **about, as_of=self.as_of, reason=reasons)
            else:
                related = {"because": because} if (because := relations_text(self.because)) else {}
                log.event("withdrawn" if self.is_withdrawal else "published", **about, reason=reasons, **related)
        return self


class Overtaken(Exception):
    """Files were judged since the figures were looked up: what would be published is older than what another run may have."""


class Latest:
    """The candidates, looked up again whenever another run judged new files meanwhile."""

    def __init__(self, store: Store, as_of: dt.date | None, now: dt.datetime | None) -> None:
        self.store, self.as_of, self.now, self.candidates = store, as_of, now, Candidates(store, as_of, now)

    def publish(self, period: Period) -> Published | FraudlossError:
        """Publish the period, or say why not."""
        while True:
            try:
                if period not in self.candidates.periods(period.frequency):
                    return withdraw_period(self.store, self.candidates, period) or _nothing_to_publish(
                        self.store, period, self.candidates.embargoes.in_force.get(period)
                    )
                return publish_period(self.store, self.candidates, period)
            except Overtaken:
                self.candidates = Candidates(self.store, self.as_of, self.now)
            except FraudlossError as failure:
                return failure


def publish(store: Store, frequency: str, code: str, as_of: dt.date | None, now: dt.datetime | None = None) -> Published:
    """Publish one period. Raises UsageError for a malformed period, NothingToPublish when the figures allow no release of it."""
    period = period_of(frequency, code)
    store.recover()
    outcome = Latest(store, as_of, now).publish(period)
    if isinstance(outcome, FraudlossError):
        raise outcome
    return outcome.tell()


def publish_period(store: Store, candidates: Candidates, period: Period) -> Published:
    """Make the release where it is not there, whole, and let it speak for the period unless an as-of date was given.

    Raises _Overtaken rather than let older figures speak in the place of newer ones.
    """
    from pipeline.publish import period as records
    from pipeline.publish.release import build

    candidate = candidates.of_period(period)
    folder = store.release_folder(period.frequency, period.code, candidate.release_id)
    pointer = store.current_path(period.frequency, period.code)
    with store.lock("release", period.frequency, period.code):
        record = before = period_record(store, period)
        speaks = candidates.as_of is None
        moves = speaks and (store.read_json(pointer) or {}).get("release_id") != candidate.release_id
        if moves and store.verdicts_stamp() != candidates.stamp:
            raise Overtaken
        if moves:
            require_what_it_followed(store, before, candidate)
        why = why_released(store, before, candidate) if speaks else records.Why(candidate.revisions.reasons)
        if speaks and before["current"] != candidate.release_id:
            record = records.speaks(before, candidate.about, why)
        elif not speaks:
            record = records.is_there(before, candidate.about)
        is_new = not store.release_is_whole(folder)
        with store.commit() as commit:
            if is_new:
                given = release_input(store, candidate)
                commit.write_release(folder, build(given), manifest_of(given))
            if record != before or not store.period_is_whole(period.frequency, period.code):
                commit.write_period(store.period_path(period.frequency, period.code), record, records.pages(record))
            if moves:
                commit.write_json(pointer, {"release_id": candidate.release_id})
            if speaks and candidates.embargoes.has_passed(period):
                end_embargo(store, commit, candidates.embargoes.recorded[period])
            if moves and store.verdicts_stamp() != candidates.stamp:
                raise Overtaken
    # One that was made before (under embargo, as of a day, by code that is back) is news when it comes to speak.
    is_news = is_new or (speaks and before["current"] != candidate.release_id)
    is_repair = is_new and speaks and before["current"] == candidate.release_id
    about = (period.frequency, period.code, candidate.release_id, is_news, () if is_repair else why.reasons)
    because = {} if is_repair else why.because
    return Published(*about, is_repair=is_repair, as_of=candidates.as_of, because=because)


def withdraw_period(store: Store, candidates: Candidates, period: Period) -> Published | None:
    """Withdraw a period that has no figures any more. None where it was withdrawn before, or nothing ever spoke for it.

    Raises FraudlossError, and lets the release speak on, where nobody can say why the figures are gone.
    """
    from pipeline.publish import period as records

    if candidates.as_of is not None:
        return None
    with store.lock("release", period.frequency, period.code):
        before = record = period_record(store, period)
        if not before["releases"]:
            return None
        if before["current"]:
            withdrawal = withdrawal_of(store, candidates, period, before["current"])
            record = records.is_withdrawn(before, withdrawal)
        pointer = {"release_id": None, "withdrawn": records.withdrawn(record)}
        if store.verdicts_stamp() != candidates.stamp:
            raise Overtaken
        with store.commit() as commit:
            if record != before or not store.period_is_whole(period.frequency, period.code):
                commit.write_period(store.period_path(period.frequency, period.code), record, records.pages(record))
            commit.write_json(store.current_path(period.frequency, period.code), pointer)
            if store.verdicts_stamp() != candidates.stamp:
                raise Overtaken
    if record == before:
        return None
    return Published(period.frequency, period.code, withdrawal.release_id, True, withdrawal.reasons, is_withdrawal=True)


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
