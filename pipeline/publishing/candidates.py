"""Which releases the figures allow, before anything of them is made.

In: a store, an as-of date, what is held back. Out: the periods that have figures, and for each a `Candidate`: its rows, how they
came about, and the id of its release.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from typing import TYPE_CHECKING, Any

from pipeline import code_version, embargoes, vintages
from pipeline.model import PUBLISHED_FREQUENCIES, Period, UsageError

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
        from pipeline.publish.roles import periods_with_figures

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
