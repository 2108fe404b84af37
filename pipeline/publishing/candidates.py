"""Which releases the figures allow, before anything of them is made.

In: a store, an as-of date, what is held back. Out: the periods that have figures, and for each a `Candidate`: its rows, how they
came about, and the id of its release.

A release is that of the last day which tells something of it: on which a file came that covers its period or a part of it, or on
which a figure that it shows changed. A file of another period that prints again what the release shows for comparison, unchanged,
tells nothing of it, and makes no other release.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline import code_version, embargoes, vintages
from pipeline.model import PUBLISHED_FREQUENCIES, Period, UsageError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipeline.publish.revisions import Histories, ReleaseRevisions
    from pipeline.store import Store

# Where a figure was printed. All else in a row is what it says.
_PRINTING = frozenset({"id", "snapshot", "origin", "known_at"})
# Derivations of figures that a file itself gives, as cells or as records.
_GIVEN = ("", "records")


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
        self._looks_back = functools.cache(lambda day: Candidates(store, day, now, before=before))
        # Taken first: whatever is judged from now on makes these figures out of date.
        self.stamp = store.verdicts_stamp()
        self.embargoes = embargoes.at(store, now)
        held = self.embargoes.later_than(before) if before else self.embargoes.held
        self.known = known = vintages.known(store, as_of, held)
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

        rows, revisions = self._shown(period)
        code, table = code_version.of_publication(rows["source"]), observations_table(rows)
        return Candidate(period, rows, table, revisions, _release_id(table, revisions, period, code))

    def ids_in_release(self, period: Period) -> Mapping[str, str]:
        """Id of a figure as it was printed last -> its id in the release of the period, where that shows an earlier printing."""
        from pipeline.publish.release import fingerprint_rows

        now, shown = fingerprint_rows(self.figures, period.frequency, period)["id"], self._shown(period)[0]["id"]
        return {new: old for new, old in zip(now, shown, strict=True) if new != old}

    def _shown(self, period: Period) -> tuple[pd.DataFrame, ReleaseRevisions]:
        """The rows of the release and their history, as of the last day that tells something of it."""
        from pipeline.publish.release import fingerprint_rows

        rows = fingerprint_rows(self.figures, period.frequency, period)
        revisions = self._histories.of_release(rows, period)
        last, before = revisions.vintages[-1], revisions.previous_vintage
        if before is None or self._is_covered(rows, period, last) or len(revisions.changes):
            return rows, revisions
        earlier, earlier_revisions = self._looks_back(before)._shown(period)
        said = [name for name in rows if name not in _PRINTING]
        # What no list of revisions tells (a note, a precision) is something new as well.
        return (earlier, earlier_revisions) if earlier[said].equals(rows[said]) else (rows, revisions)

    def _is_covered(self, rows: pd.DataFrame, period: Period, day: dt.date) -> bool:
        """Whether a file of that day speaks for the period of the release, for a part of it, or cumulatively up to its end."""
        from pipeline.publish.roles import is_own

        sources = set(rows["source"])
        return any(source_id in sources and is_own(code, period) for source_id, code in self._covered.get(day, ()))

    @functools.cached_property
    def _covered(self) -> Mapping[dt.date, set[tuple[str, str]]]:
        """Day -> the periods, each with its source, that a file of that day speaks for."""
        given = self.figures[self.figures["derivation"].isin(_GIVEN).to_numpy(bool)]
        found: dict[dt.date, set[tuple[str, str]]] = {}
        for day, source_id, code in set(zip(given["known_at"], given["source"], given["period"], strict=True)):
            found.setdefault(day, set()).add((source_id, code))
        return found

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
