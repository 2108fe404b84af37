"""Which observations a release shows.

In: the derived view, a frame of OBSERVATION_COLUMNS. Out: the rows that a release depends on. All releases of one view are
selected from one index of it, made once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish.figures import HISTORY_MEASURES, NO_BREAKDOWN, is_country
from pipeline.publish.roles import HISTORY_FROM_YEAR, parsed, role

# Where a figure's origin names rows of a file, it was computed from record-level reports (pipeline.aggregate.cubes).
FROM_RECORDS = "!rows["
MONTHS_OF_A_YEAR_MEASURES = ("cases", "cases_with_loss", "loss", "median_loss")


def select_rows(view: pd.DataFrame, period: Period) -> pd.DataFrame:
    """The rows of `view` that the release of `period` depends on, sorted by key; columns OBSERVATION_COLUMNS.

    Sufficient and idempotent: selecting from the selection gives the selection. Left out are sums of published halves and
    cumulative sums where the period itself is computed from records, months of a year but for the totals of records, and in
    quarters and months the history of anything but totals: `fraudloss query` has them.
    """
    known = _selections.get(id(view))
    if known is not None and known[0]() is view and known[1] == period.code:
        return view
    chosen = _index_of(view).select(period)
    key = id(chosen)
    _selections[key] = (weakref.ref(chosen, lambda _: _selections.pop(key, None)), period.code)
    return chosen


def selector(view: pd.DataFrame) -> Callable[[Period], Any]:
    """Selects from `view` (OBSERVATION_COLUMNS) as `select_rows` does, but gives the positions of the rows, sorted by key."""
    return _Index(view).places


# What was selected for which period, and the index of the views that were selected from last: that of now, and that of the day
# before a file came which tells nothing of a release. A view is not changed in place.
_selections: dict[int, tuple[weakref.ref[pd.DataFrame], str]] = {}
_last_indexes: list[tuple[weakref.ref[pd.DataFrame], _Index]] = []
_INDEXES_KEPT = 2


class _Index:
    """A view made ready for many selections: rows by period in the order of their key, and what decides about each row."""

    def __init__(self, view: pd.DataFrame) -> None:
        self.frame = view if list(view.columns) == OBSERVATION_COLUMNS else view[OBSERVATION_COLUMNS]
        ordered = [*KEY_COLUMNS, "snapshot", "derivation", "id"]
        codes = [pd.factorize(self.frame[name].to_numpy(object), sort=True)[0] for name in ordered]
        order = np.lexsort(codes[::-1]) if len(self.frame) else np.zeros(0, dtype=np.int64)
        self.place = np.empty(len(order), dtype=np.int64)
        self.place[order] = np.arange(len(order))
        periods, self.codes = pd.factorize(self.frame["period"].to_numpy(object))
        ends = np.bincount(periods, minlength=len(self.codes)).cumsum()
        self.rows = np.split(np.argsort(periods, kind="stable"), ends[:-1]) if len(self.codes) else []
        frequency = self.frame["frequency"]
        records = self.frame["origin"].str.contains(FROM_RECORDS, regex=False).astype(bool)
        plain = self.frame["area"].isin(_national(self.frame["area"])) & ~_has_breakdown(self.frame)
        total = (self.frame["native_type"] == TOTAL) & (self.frame["fraud_type"] == TOTAL)
        abroad = ~self.frame["offender_location"].isin(NO_BREAKDOWN)
        history = plain & self.frame["measure"].isin(HISTORY_MEASURES)
        months = plain & total & records & self.frame["measure"].isin(MONTHS_OF_A_YEAR_MEASURES)
        own = ~(records & (frequency == "half_yearly"))
        self.masks: dict[tuple[str, str], Any] = {
            ("annual", "own"): own & ((frequency != "monthly") | months),
            ("annual", "history"): history,
            ("annual", "event"): abroad & (frequency != "fiscal_year"),
        }
        # Where a quarter or a month is computed from records, nobody needs what is cumulative.
        own &= ~(records & (frequency == "year_to_date"))
        for kind in ("quarterly", "monthly"):
            self.masks[(kind, "own")] = own
            self.masks[(kind, "history")] = history & own & (total | ~frequency.isin(["quarterly", "monthly"]))
        self.masks = {key: mask.to_numpy(bool) for key, mask in self.masks.items()}

    def select(self, period: Period) -> pd.DataFrame:
        return self.frame.iloc[self.places(period)].reset_index(drop=True)

    def places(self, period: Period) -> Any:
        """Where the selected rows stand in the view, in the order of their key."""
        parts = [self._of_period(str(code), rows, period) for code, rows in zip(self.codes, self.rows, strict=True)]
        chosen = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        return chosen[np.argsort(self.place[chosen], kind="stable")]

    def _of_period(self, code: str, rows: Any, release: Period) -> Any:
        kind, played = release.frequency, role(code, release)
        if played and played != "history":
            return rows[self.masks[(kind, "own")][rows]]
        kept = self.masks[(kind, "history")][rows] if played else np.zeros(len(rows), dtype=bool)
        if kind == "annual" and _is_event_time(code, release):
            kept = kept | self.masks[("annual", "event")][rows]
        return rows[kept]


def _index_of(view: pd.DataFrame) -> _Index:
    for held, index in _last_indexes:
        if held() is view:
            return index
    _last_indexes[:] = [(weakref.ref(view), _Index(view)), *_last_indexes][:_INDEXES_KEPT]
    return _last_indexes[0][1]


def _national(areas: pd.Series) -> list[str]:
    return [area for area in areas.unique() if is_country(str(area))]


def _has_breakdown(view: pd.DataFrame) -> pd.Series:
    broken_down = pd.Series(False, index=view.index)
    for name in DIMENSIONS:
        broken_down |= ~view[name].isin(NO_BREAKDOWN)
    return broken_down


def _is_event_time(code: str, release: Period) -> bool:
    """Arrests and raids abroad are few and scattered over odd periods, so a year's page shows all that was known by its end."""
    end = parsed(code).end
    return end <= release.end and end.year >= min(HISTORY_FROM_YEAR, release.start.year - 9)
