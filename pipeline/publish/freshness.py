"""Whether a source has what its calendar promises, on a day that somebody names: no clock is read here.

In: the source's figures (OBSERVATION_COLUMNS), its declarations, the day. Out: `Freshness`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd

from pipeline.model import Period
from pipeline.sources.catalogue import Source


@dataclasses.dataclass(frozen=True)
class Freshness:
    """What a source has of what it should have."""

    newest: dt.date | None  # the end of the newest period that it prints a figure of
    expected: Period  # the newest period whose figures should be out
    holes: list[str]  # periods of its calendar between the first and the last that have no figure
    periods: int  # those that have one

    @property
    def is_fresh(self) -> bool:
        """Whether the newest figures are as new as expected."""
        return self.newest is not None and self.newest >= self.expected.end


def freshness_of(figures: pd.DataFrame, source: Source, day: dt.date) -> Freshness:
    """The source's figures against its calendar (`expected` in source.yml) on `day`; derived figures do not count."""
    frequency, months_after = source.meta["expected"]["frequency"], int(source.meta["expected"]["months_after"])
    printed = figures[figures["derivation"].isin(["", "records"]) & (figures["absence"] == "")]
    periods = [Period.parse(code) for code in sorted(set(printed["period"]))]
    regular = sorted(period for period in periods if period.frequency == frequency)
    there = {period.code for period in regular}
    holes = [period.code for period in (regular[0].walk_to(regular[-1]) if regular else ()) if period.code not in there]
    newest = max((period.end for period in periods), default=None)
    return Freshness(newest, expected_period(day, frequency, months_after), holes, len(regular))


def expected_period(day: dt.date, frequency: str, months_after: int) -> Period:
    """The newest period whose figures should be out on `day`, `months_after` its end."""
    months = day.year * 12 + day.month - 1 - months_after
    latest_end = dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)
    period = Period.of(frequency, latest_end)
    return period if period.end <= latest_end else Period.of(frequency, period.start - dt.timedelta(days=1))
