"""What a release knows of its own history: what its last day changed, and how its headline figures came to be.

In: the rows that the release shows, the revisions and vintages of its sources and how their records changed (pipeline.frames:
REVISION_COLUMNS, VINTAGE_COLUMNS, RECORD_CHANGE_COLUMNS). Out: `ReleaseRevisions`, `HeadlineHistory`, and statistics on them;
`pipeline.publish.revision_tables` shows them.

The release before is that of the day before on which a file came for the period. It follows from the files alone, whatever was
really published and in whatever order they arrived.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses
import datetime as dt
import functools
import operator
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import CHANGE_COLUMNS, KEY_COLUMNS, OBSERVATION_COLUMNS, UNIT_COLUMNS, VINTAGE_COLUMNS, row_records
from pipeline.model import CHANGES, REASON_OF_CHANGE, REASONS, FraudlossError, Period
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.roles import role
from pipeline.publish.selection import selector

HEADLINE_MEASURES = ("loss", "cases")


@dataclasses.dataclass(frozen=True)
class ReleaseRevisions:
    """The history of a release, as far as it shows in it.

    `vintages`: the days of the releases of its period, the first to its own: on each a file came for the period. `shown`:
    OBSERVATION_COLUMNS, its rows. `revisions`: REVISION_COLUMNS, every revision of them. `units`: VINTAGE_COLUMNS of its tables
    and periods. `records`: RECORD_CHANGE_COLUMNS of its months. `accumulate`: what revisions of several days come to.
    """

    vintages: tuple[dt.date, ...]
    shown: pd.DataFrame
    revisions: pd.DataFrame
    units: pd.DataFrame
    records: pd.DataFrame
    accumulate: Callable[[pd.DataFrame], pd.DataFrame]

    @property
    def last_change(self) -> dt.date:
        """The last day on which something that it shows became known."""
        return max(*self.units["vintage"], *self.revisions["vintage"], dt.date.min)

    @property
    def previous_vintage(self) -> dt.date | None:
        """The day from which the release before was known; None for the first release of a period."""
        return self.vintages[-2] if len(self.vintages) > 1 else None

    @functools.cached_property
    def changes(self) -> pd.DataFrame:
        """CHANGE_COLUMNS: what changed since the release before. Revisions since, and figures of tables and periods that were not
        known then; nothing for the first release of a period."""
        before = self.previous_vintage
        if before is None:
            return self.revisions.iloc[:0][CHANGE_COLUMNS]
        new_units = {unit for unit, day in self._first_days.items() if day > before}
        is_since = (self.revisions["vintage"] > before).to_numpy(bool)
        is_known = np.array([unit not in new_units for unit in _units(self.revisions)], dtype=bool)
        since = self.revisions[is_since & is_known]
        changed = self.accumulate(since) if since["vintage"].nunique() > 1 else since[CHANGE_COLUMNS]
        entered = self.shown[np.array([unit in new_units for unit in _units(self.shown)], dtype=bool)]
        filled = [frame for frame in (changed, _as_new(entered)) if len(frame)]
        if not filled:
            return changed
        return pd.concat(filled).sort_values([*KEY_COLUMNS, "change"], kind="stable", ignore_index=True)

    @functools.cached_property
    def _first_days(self) -> dict[tuple[str, ...], dt.date]:
        found: dict[tuple[str, ...], dt.date] = {}
        for unit, day in zip(_units(self.units), self.units["vintage"], strict=True):
            found[unit] = min(day, found.get(unit, day))
        return found

    @property
    def reasons(self) -> tuple[str, ...]:
        """Keys of model.REASONS: why the last vintage made a new release."""
        return ("new_period",) if self.previous_vintage is None else reasons_of(self.changes["change"])

    def revised_in(self, days: Container[dt.date]) -> pd.DataFrame:
        """REVISION_COLUMNS: what became known on these days, or was news in the releases of these days."""
        return self.revisions[np.array([self._is_news(day, days) for day in self.revisions["vintage"]], dtype=bool)]

    def reasons_of(self, days: Container[dt.date]) -> tuple[str, ...]:
        """Keys of model.REASONS: what became known on these days, or was news in the releases of these days."""
        entered = ["new" for day in self._first_days.values() if self._is_news(day, days)]
        return reasons_of([*self.revised_in(days)["change"], *entered])

    def _is_news(self, day: dt.date, days: Container[dt.date]) -> bool:
        place = bisect.bisect_left(self.vintages, day)
        return day in days or (place < len(self.vintages) and self.vintages[place] in days)

    def to_json(self) -> dict[str, Any]:
        """For the manifest: vintages, reasons, and how many figures changed in which way."""
        counts = collections.Counter(self.changes["change"])
        return {
            "vintages": [day.isoformat() for day in self.vintages],
            "reasons": list(self.reasons),
            "changes": {kind: counts[kind] for kind in CHANGES if counts[kind]},
        }


def not_accumulated(revisions: pd.DataFrame) -> pd.DataFrame:
    """For histories of which nobody asks what changed over several days: the stage of aggregation says what that is."""
    raise ValueError(f"{len(revisions)} revisions of several days: give `accumulate` (pipeline.aggregate.revisions.accumulated)")


class Histories:
    """The revisions, vintages and record changes of all sources, made ready for many releases."""

    def __init__(
        self,
        revisions: pd.DataFrame,
        vintages: pd.DataFrame,
        records: pd.DataFrame,
        accumulate: Callable[[pd.DataFrame], pd.DataFrame] = not_accumulated,
    ) -> None:
        """`accumulate`: what revisions of several days (REVISION_COLUMNS) come to together (CHANGE_COLUMNS)."""
        self.revisions, self.vintages, self.records, self.accumulate = revisions, vintages, records, accumulate
        self._places: Callable[[Period], Any] = selector(_as_observations(revisions))
        self._days: dict[tuple[str, ...], list[dt.date]] = {}
        for unit, day in zip(_units(vintages), vintages["vintage"], strict=True):
            self._days.setdefault(unit, []).append(day)

    def of_release(self, rows: pd.DataFrame, period: Period, days: Iterable[dt.date]) -> ReleaseRevisions:
        """The history of the release of `period` that shows `rows` (OBSERVATION_COLUMNS). `days`: on which a file came for it.

        Raises FraudlossError where no vintage is known of something that it shows: such a release is not published.
        """
        revisions = self.revisions.iloc[self._places(period)].reset_index(drop=True)
        units = sorted({*_units(rows), *_units(revisions)})
        if unknown := [unit for unit in units if unit not in self._days]:
            source, table, _, code = unknown[0]
            raise FraudlossError(
                f"{period.frequency} {period.code} is not published, because its revisions cannot be computed: no vintage is "
                f"known of {source}, table {table}, period {code}. Aggregate the source again."
            )
        first = min(self._days[unit][0] for unit in units if role(unit[3], period) in ("period", "cumulative"))
        shown = [(*unit, day) for unit in units for day in self._days[unit]]
        return ReleaseRevisions(
            # Before the first its files told of parts of the period alone.
            vintages=(first, *sorted(day for day in set(days) if day > first)),
            shown=rows,
            revisions=revisions,
            units=pd.DataFrame(shown, columns=VINTAGE_COLUMNS, dtype=object),
            records=self._of_months(set(rows["source"]), set(period.months)),
            accumulate=self.accumulate,
        )

    def withdrawn_of(self, period: Period) -> pd.DataFrame:
        """REVISION_COLUMNS: the figures of the period itself of which a later file took the value away."""
        found = self.revisions.iloc[self._places(period)]
        own = np.array([role(code, period) in ("period", "cumulative") for code in found["period"]], dtype=bool)
        gone = found["value_before"].notna() & found["value_after"].isna()
        return found[own & gone.to_numpy(bool)].reset_index(drop=True)

    def _of_months(self, sources: set[str], months: set[str]) -> pd.DataFrame:
        wanted = self.records["source"].isin(sources) & self.records["month"].isin(months)
        return self.records[wanted.to_numpy(bool)].reset_index(drop=True)


def reasons_of(changes: Iterable[str]) -> tuple[str, ...]:
    """Why a release with these changes (keys of model.CHANGES) took the place of the one before: keys of model.REASONS."""
    found = {REASON_OF_CHANGE[kind] for kind in changes}
    telling = found - {"confirmation"} or {"confirmation"}
    return tuple(reason for reason in REASONS if reason in telling)


def _units(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(zip(*(frame[name].tolist() for name in UNIT_COLUMNS), strict=True))


def _as_observations(revisions: pd.DataFrame) -> pd.DataFrame:
    """The figures that were revised, as they stand after it or, where they are gone, before: to be selected like any other."""
    sides = {"value": "value", "precision": "precision", "absence": "absence", "edition": "edition", "known": "known_at"}
    sides |= {"snapshot": "snapshot", "origin": "origin", "id": "id"}
    gone = revisions["id_after"].isna()
    made = {theirs: revisions[f"{ours}_after"].where(~gone, revisions[f"{ours}_before"]) for ours, theirs in sides.items()}
    kept = {name: revisions[name] for name in (*KEY_COLUMNS, "derivation", "overlay", "note")}
    frame = pd.DataFrame({**kept, **made, "obs_status": "A", "conf_status": "F"}, dtype=object)
    return frame[OBSERVATION_COLUMNS]


def _as_new(rows: pd.DataFrame) -> pd.DataFrame:
    """Observations as changes: figures that were not there before."""
    sides = {"value": "value", "precision": "precision", "absence": "absence", "edition": "edition", "known_at": "known"}
    sides |= {"snapshot": "snapshot", "origin": "origin", "id": "id"}
    frame = pd.DataFrame(index=rows.index, columns=CHANGE_COLUMNS, dtype=object).where(lambda empty: empty.notna(), None)
    for name in (*KEY_COLUMNS, "derivation", "overlay", "note"):
        frame[name] = rows[name]
    for theirs, ours in sides.items():
        frame[f"{ours}_after"] = rows[theirs]
    return frame.assign(change="new")[CHANGE_COLUMNS]


_Side = collections.namedtuple("_Side", OBSERVATION_COLUMNS)  # type: ignore[misc]


def row_of(line: Mapping[Any, Any], side: str, statuses: Mapping[str, str] | None = None) -> Any:
    """The observation on one side (before, after) of a change (CHANGE_COLUMNS) that has a figure on it.

    A change holds no status: `statuses` has those of the figures that stand, by id.
    """
    moved = {name: line[f"{name}_before"] for name in ("fraud_type", "classification")} if side == "before" else {}
    own = {name: line[f"{name}_{side}"] for name in ("value", "precision", "absence", "edition", "snapshot", "origin", "id")}
    kept = {name: line[name] for name in (*KEY_COLUMNS, "derivation", "overlay")}
    note = line["note"] if side == "after" else ""
    rest = {"known_at": line[f"known_{side}"], "obs_status": (statuses or {}).get(own["id"], "A"), "conf_status": "F"}
    return _Side(**{**kept, **moved, **own, **rest, "note": note})


# ---------------------------------------------------------------------------------------------------- history of headlines


@dataclasses.dataclass(frozen=True)
class Vintage:
    """A headline figure as it stood from a day on."""

    day: dt.date
    source: str
    value: Decimal
    edition: str
    precision: Decimal | None
    change: str = ""  # a key of model.CHANGES: what it is to what its source printed before; empty for its first printing
    row: Any = None  # the observation as it stood from that day


@dataclasses.dataclass(frozen=True)
class HeadlineHistory:
    """A headline figure of one period, vintage by vintage; a vintage that changed neither value nor edition is left out."""

    family: str
    measure: str
    unit: str
    classification: str
    period: str
    vintages: tuple[Vintage, ...]
    printed_again: bool  # known from more than one printing, changed or not

    @property
    def revision(self) -> Decimal:
        """R = L - P: the latest figure less the first (methods of the OECD's revision analysis)."""
        return self.vintages[-1].value - self.vintages[0].value

    @property
    def revision_beyond_rounding(self) -> Decimal:
        """R, and nothing where the rounding of the two figures explains it.

        No figure is rounded to two neighbours: of two in one unit, the step from one to the next is a revision.
        """
        first, last = (vintage.precision or Decimal(0) for vintage in (self.vintages[0], self.vintages[-1]))
        size = abs(self.revision)
        is_explained = size < first + last or (size == first + last and not (first and last))
        return Decimal(0) if is_explained else self.revision


def headline_histories(
    period: Period, found: Sequence[Figure], revisions: ReleaseRevisions, families: Families
) -> list[HeadlineHistory]:
    """The vintages of the totals of loss and cases, of the period and those before it, in national currency.

    On each day the source speaks that leads by its declared precedence among those that had a figure then.
    """
    days: dict[tuple[str, ...], list[dt.date]] = {}
    for unit, day in zip(_units(revisions.units), revisions.units["vintage"], strict=True):
        days.setdefault(unit, []).append(day)
    revised: dict[tuple[str, ...], list[Mapping[Any, Any]]] = {}
    for line in sorted(row_records(revisions.revisions), key=lambda line: line["vintage"]):
        revised.setdefault(tuple(line[name] for name in KEY_COLUMNS), []).append(line)
    made = []
    for figure in found:
        if figure.row.frequency == period.frequency and figure.role in ("period", "history") and _is_headline(figure, families):
            rows = (figure.row, *figure.others)
            states = {(row.source, row.table): _states(row, revised.get(_key(row), []), days) for row in rows}
            if vintages := _leading(states, families):
                # A day on which only other figures of the table were printed again is none on which this one was.
                known = {day for each in states.values() for day, state in each.items() if state is not None}
                row, printed = figure.row, known | {row.known_at for row in rows}
                made.append(
                    HeadlineHistory(
                        figure.family, row.measure, row.unit, row.classification, row.period, vintages, len(printed) > 1
                    )
                )
    return made


_key = operator.attrgetter(*KEY_COLUMNS)
_unit = operator.attrgetter(*UNIT_COLUMNS)


def _is_headline(figure: Figure, families: Families) -> bool:
    row = figure.row
    national = row.measure == "cases" or row.unit == families.currency(figure.family)
    return figure.is_total and figure.is_plain and not row.overlay and row.measure in HEADLINE_MEASURES and national


def _states(row: Any, lines: Sequence[Mapping[Any, Any]], days: Mapping[tuple[str, ...], list[dt.date]]) -> dict[dt.date, Any]:
    """One source's figure from each day on; None from where it had none."""
    first_day = days[_unit(row)][0]
    if not lines:
        return {
            first_day: Vintage(first_day, row.source, row.value, row.edition, row.precision, row=row)
            if row.value is not None
            else None
        }
    states: dict[dt.date, Any] = {}
    if lines[0]["id_before"] is not None:
        states[first_day] = _vintage(lines[0], "before", first_day)
    for line in lines:
        states[line["vintage"]] = _vintage(line, "after", line["vintage"])
    return states


def _vintage(line: Mapping[Any, Any], side: str, day: dt.date) -> Vintage | None:
    value = line[f"value_{side}"]
    if value is None:
        return None
    change = line["change"] if side == "after" else ""
    stated = (value, line[f"edition_{side}"], line[f"precision_{side}"])
    return Vintage(day, line["source"], *stated, change, row_of(line, side))


def _leading(by_source: Mapping[tuple[str, str], Mapping[dt.date, Any]], families: Families) -> tuple[Vintage, ...]:
    standing: dict[tuple[str, str], Any] = {}
    vintages: list[Vintage] = []
    for day in sorted({day for states in by_source.values() for day in states}):
        standing |= {name: states[day] for name, states in by_source.items() if day in states}
        present = {name: state for name, state in standing.items() if state is not None}
        if present:
            name = min(present, key=lambda name: (families.precedence(name[0]), name))
            now = dataclasses.replace(present[name], day=day)
            if not vintages or (now.value, now.edition) != (vintages[-1].value, vintages[-1].edition):
                vintages.append(now)
    return tuple(vintages)


VINTAGE_LINE = (
    "family", "measure", "unit", "classification", "period", "known_at", "source", "value", "precision", "edition", "change",
    "snapshot", "origin", "id",
)  # fmt: skip


def vintage_lines(histories: Iterable[HeadlineHistory]) -> list[tuple[Any, ...]]:
    """Every vintage of the headline figures as a line of VINTAGE_LINE; `known_at` is the day from which it stood."""
    of_figure = operator.attrgetter("family", "measure", "unit", "classification", "period")
    of_vintage = operator.attrgetter("day", "source", "value", "precision", "edition", "change")
    of_row = operator.attrgetter("snapshot", "origin", "id")
    lines = [
        (*of_figure(item), *of_vintage(known), *(of_row(known.row) if known.row is not None else ("", "", "")))
        for item in histories
        for known in item.vintages
    ]
    return sorted(lines, key=lambda line: line[:7])


def revision_statistics(
    histories: Iterable[HeadlineHistory],
) -> dict[tuple[str, str, str], tuple[int, Decimal, Decimal, Decimal | None]]:
    """By family, measure and unit: periods, mean revision, mean absolute revision, relative mean absolute revision.

    R = L - P, latest less first figure, over the periods of which more than one printing is known, and nothing where the rounding
    of the two explains it. RMAR = sum |R| / sum |P|,
    scaled by the earlier estimate (McKenzie and Gamba, section 3.6, as the OECD recommends); None where the first figures are
    all zero.
    """
    groups: dict[tuple[str, str, str], list[HeadlineHistory]] = {}
    for item in histories:
        if item.printed_again:
            groups.setdefault((item.family, item.measure, item.unit), []).append(item)
    made = {}
    for key, items in sorted(groups.items()):
        revised = [item.revision_beyond_rounding for item in items]
        total, scale = sum(map(abs, revised), Decimal(0)), sum((abs(item.vintages[0].value) for item in items), Decimal(0))
        made[key] = (len(items), sum(revised, Decimal(0)) / len(items), total / len(items), total / scale if scale else None)
    return made
