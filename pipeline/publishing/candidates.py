"""Which releases the figures allow, before anything of them is made.

In: a store, an as-of date, what is held back. Out: the periods that have figures, and for each a `Candidate`: its rows, how they
came about, and the id of its release.

A release is as of the last day on which a file came that covers its period, a part of it, or what ends with it. What it shows of
other periods, as history and for comparison, it shows as it was known on that day. So a file makes new releases of exactly the
periods that it covers and of those above them, and a release that is out stands still until its own period is spoken of again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from typing import TYPE_CHECKING, Any

from pipeline import code_version, embargoes, vintages
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, Period, UsageError
from pipeline.sources.catalogue import source_ids

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.publish.revisions import Histories, ReleaseRevisions
    from pipeline.store import Store


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

    @property
    def as_of(self) -> dt.date:
        """The day as of which it shows all figures: the last on which a file came for its period."""
        return self.revisions.vintages[-1]

    @functools.cached_property
    def about(self) -> dict[str, Any]:
        """What its manifest and the record of its period say of it."""
        return {
            "release_id": self.release_id,
            "as_of": self.as_of.isoformat(),
            "code_version": code_version.of_publication(self.rows["source"]),
        }


class Candidates:
    """The releases of all periods that the figures known as of a date allow."""

    def __init__(
        self, store: Store, as_of: dt.date | None, now: dt.datetime | None = None, *, before: embargoes.Embargo | None = None
    ) -> None:
        """`before`: look at what an embargo waits with, and leave out only what is held longer than that."""
        from pipeline.aggregate.revisions import accumulated
        from pipeline.publish.revisions import Histories

        vintages.require_known(store, as_of)
        self.as_of = as_of
        # All figures of a day take their room, and those of the day before are not asked for again.
        self._looks_back = functools.lru_cache(maxsize=2)(lambda day: Candidates(store, day, now, before=before))
        # Taken first: whatever is judged from now on makes these figures out of date.
        self.stamp = store.verdicts_stamp()
        self.embargoes = embargoes.at(store, now)
        held = self.embargoes.later_than(before) if before else self.embargoes.held
        self.known = known = vintages.known(store, as_of, held)
        self.figures = known.figures
        self._periods: dict[str, list[Period]] = {}
        self._histories: Histories = Histories(known.revisions, known.vintages, known.records, accumulated)

    def periods(self, frequency: str) -> list[Period]:
        """Those of the frequency that have figures, in order of time."""
        from pipeline.publish.roles import periods_with_figures

        if frequency not in self._periods:
            self._periods[frequency] = periods_with_figures(self.figures, frequency)
        return self._periods[frequency]

    def of_period(self, period: Period) -> Candidate:
        """The release of a period that has figures. Raises FraudlossError where its revisions cannot be computed."""
        from pipeline.frames import observations_table

        rows, revisions = self._shown(period)
        code, table = code_version.of_publication(rows["source"]), observations_table(rows)
        return Candidate(period, rows, table, revisions, _release_id(table, revisions, period, code))

    def made_of(self, period: Period) -> str:
        """All that the release of the period follows from, as one name: its days, and the files and the code as of the last."""
        days = sorted(self._days_covered(period))
        inputs = self.known.inputs_id(days[-1]) if days else ""
        code = code_version.of_publication(source_ids())
        return hashlib.sha256(" ".join([inputs, code, *map(str, days)]).encode()).hexdigest()[:12]

    def has_changed_since(self, day: dt.date, period: Period) -> bool:
        """Whether something became known after the day that a release of the period would show now; also where that cannot be
        told, so that no release of it is published."""
        from pipeline.publish.release import fingerprint_rows

        if max(self.known.vintages["vintage"], default=day) <= day:
            return False
        rows = fingerprint_rows(self.figures, period.frequency, period)
        try:
            return self._histories.of_release(rows, period, ()).last_change > day
        except FraudlossError:
            return True

    def _shown(self, period: Period) -> tuple[pd.DataFrame, ReleaseRevisions]:
        """The figures of the release and their history, as of the last day on which a file came for its period."""
        from pipeline.publish.release import fingerprint_rows

        rows = fingerprint_rows(self.figures, period.frequency, period)
        revisions = self._histories.of_release(rows, period, self._days_covered(period))
        day = revisions.vintages[-1]
        return (rows, revisions) if revisions.last_change <= day else self._looks_back(day)._shown(period)

    def _days_covered(self, period: Period) -> set[dt.date]:
        """The days on which a file came for the period of the release, a part of it, or what ends with it."""
        from pipeline.publish.roles import is_own

        return {day for code, days in self.known.days_covered.items() if is_own(code, period) for day in days}

    def withdrawn(self, period: Period) -> pd.DataFrame:
        """REVISION_COLUMNS: the figures of the period itself that a later file took away."""
        return self._histories.withdrawn_of(period)


def _release_id(table: pa.Table, revisions: ReleaseRevisions, period: Period, code: str) -> str:
    """A release is a function of what it shows, of how and when that came about, and of the code; of nothing else."""
    from pipeline.frames import RECORD_CHANGE_SCHEMA, REVISION_SCHEMA, VINTAGE_SCHEMA, frame_table, table_bytes

    days = " ".join(day.isoformat() for day in revisions.vintages)
    digest = hashlib.sha256(f"{period.frequency} {period.code} {code} {days} ".encode())
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
