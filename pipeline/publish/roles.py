"""The part that a period plays in a release: the period itself, a part of it, cumulative, history.

In: the codes of periods. Out: a key of ROLES, and the periods for which figures allow a release. A role is decided by a row's own
frequency and period, never by its neighbours, so that a release built from the selected rows is the release built from the whole
view.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import pandas as pd

from pipeline.model import Period
from pipeline.publish.words import _

HISTORY_FROM_YEAR = 2016
QUARTERS_OF_HISTORY = 12
# As many as an adjustment for the season wants (pipeline.publish.seasonal).
MONTHS_OF_HISTORY = 60
ROLES: dict[str, str] = {
    "period": _("the period of the release"),
    "cumulative": _("cumulative figure that ends with the period: not a figure of the period alone"),
    "part": _("part of the period"),
    "fiscal": _("fiscal year, April to March: not a calendar year"),
    "longer": _("stretch that is longer than the period and ends in it"),
    "event": _("what is known of offenders' bases abroad up to the end of the period"),
    "history": _("earlier period, for comparison"),
}


@functools.lru_cache(maxsize=8192)
def parsed(code: str) -> Period:
    """`Period.parse`, remembered: the same few hundred codes are asked for again with every release."""
    return Period.parse(code)


def role(code: str, release: Period) -> str:
    """The part that a figure of the period `code` plays in the release of `release`: a key of ROLES, or empty for none."""
    period = parsed(code)
    return {"annual": _annual_role, "quarterly": _quarterly_role, "monthly": _monthly_role}[release.frequency](period, release)


def is_own(code: str, release: Period) -> bool:
    """Whether a figure of the period `code` is about the release's own period: that period, a part of it, or what ends with it;
    not what it is compared with."""
    return release.holds(parsed(code)) or role(code, release) not in ("", "history")


def _annual_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency == "fiscal_year" and period.start.year == release.start.year:
        return "fiscal"
    if period.frequency in ("half_yearly", "year_to_date", "monthly", "day", "span") and release.holds(period):
        return "part"
    if period.frequency == "span" and release.start <= period.end <= release.end:
        return "longer"
    first = min(HISTORY_FROM_YEAR, release.start.year - 9)
    yearly = period.frequency in ("annual", "fiscal_year")
    return "history" if yearly and first <= period.start.year < release.start.year else ""


def _quarterly_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency in ("half_yearly", "year_to_date"):
        return _cumulative_role(period, release)
    months = _months_apart(period, release)
    return "history" if period.frequency == "quarterly" and 0 < months < 3 * QUARTERS_OF_HISTORY else ""


def _monthly_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency == "year_to_date" or (period.frequency == "half_yearly" and period.start.month == 1):
        return _cumulative_role(period, release)
    if period.frequency in ("day", "span") and release.holds(period):
        return "part"
    months = _months_apart(period, release)
    return "history" if period.frequency == "monthly" and 0 < months < MONTHS_OF_HISTORY else ""


def _cumulative_role(period: Period, release: Period) -> str:
    if period.end == release.end:
        return "cumulative"
    years = release.end.year - period.end.year
    return "history" if years in (0, 1) and period.end.month <= release.end.month and period.end < release.end else ""


def _months_apart(period: Period, release: Period) -> int:
    return (release.end.year - period.end.year) * 12 + release.end.month - period.end.month


# Kinds of periods by whose figures a release lives.
_OWN_KINDS: dict[str, frozenset[str]] = {
    "annual": frozenset({"annual"}),
    "quarterly": frozenset({"quarterly", "half_yearly", "year_to_date"}),
    "monthly": frozenset({"monthly", "year_to_date"}),
}


def periods_with_figures(view: pd.DataFrame, frequency: str) -> list[Period]:
    """Every period of `frequency` for which `view` (OBSERVATION_COLUMNS) has a value, in order of time.

    A year needs figures of that year. A quarter or a month may live by cumulative figures that end with it alone.
    """
    return releases_of(view.loc[view["absence"] == "", "period"].unique(), frequency)


def releases_of(codes: Iterable[str], frequency: str) -> list[Period]:
    """The releases of `frequency` that live by figures of these periods, in order of time."""
    ends = {period.end for period in map(parsed, codes) if period.frequency in _OWN_KINDS[frequency]}
    candidates = {Period.of(frequency, end) for end in ends}
    # January to February ends with no quarter.
    return sorted(period for period in candidates if period.end in ends)
