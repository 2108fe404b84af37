"""Monthly totals without their season: robust STL of the logarithm (T31).

In: monthly values in order of time. Out: the adjusted values and their trend, or the reason why there are none. STL is
Cleveland, Cleveland, McRae, Terpenning: A Seasonal-Trend Decomposition Procedure Based on Loess, Journal of Official Statistics 6
(1990), with 15 robust rounds. A month has one and the same season in all years: three to five years do not tell how it changes.

The rules are those of official statistics (ESS guidelines on seasonal adjustment): three full calendar years or nothing, no break
and no hole inside, never where counts are low; the season is estimated up to the last full calendar year and kept for the months
after it, so that figures do not move with each month.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.publish.words import _, ngettext

Numbers = npt.NDArray[np.float64]

MONTHS, YEARS_NEEDED, LEAST_COUNT = 12, 3, 10
# Windows in months: of the trend (the next odd number after 1.5 * 12, for a season that does not change), of the low pass.
_TREND, _LOW = 19, 13
_INNER, _ROBUST = 2, 15


@dataclasses.dataclass(frozen=True)
class Adjusted:
    """A series month by month: as it is, adjusted, and the trend of the adjusted values; `until`: the season's last month."""

    months: tuple[str, ...]
    values: tuple[float, ...]
    adjusted: tuple[float, ...]
    trend: tuple[float, ...]
    until: str


def lacking(months: Sequence[str], values: Sequence[float], breaks: Sequence[str] = ()) -> str:
    """Why the series up to its last month is not adjusted; empty where it is. `breaks`: months from which it is another one."""
    run = _run(months, breaks)
    full = _full_years(run)
    if full < YEARS_NEEDED:
        return ngettext(
            "{count} full calendar year without a hole or a break up to the month, {needed} are needed",
            "{count} full calendar years without a hole or a break up to the month, {needed} are needed",
            full,
            needed=YEARS_NEEDED,
        )
    least = min(values[-len(run) :])
    return _("a month with fewer than {count}", count=LEAST_COUNT) if least < LEAST_COUNT else ""


def adjust(months: Sequence[str], values: Sequence[float], breaks: Sequence[str] = ()) -> Adjusted | None:
    """The months without a hole or a break up to the last one, adjusted; None where `lacking` says why not."""
    if lacking(months, values, breaks):
        return None
    run = _run(months, breaks)
    own = tuple(float(value) for value in values[-len(run) :])
    # The season is estimated from full calendar years, and the last one's serves the months after them.
    ends = max(place for place, month in enumerate(run, 1) if month.endswith("-12"))
    season = _season(own[:ends])
    factors = [season[place] if place < ends else season[ends - MONTHS + (place - ends) % MONTHS] for place in range(len(run))]
    adjusted = np.exp(np.log(own) - np.array(factors))
    trend = np.exp(_smoothed(np.log(adjusted), _TREND, None))
    return Adjusted(tuple(run), own, tuple(adjusted.tolist()), tuple(trend.tolist()), run[ends - 1])


def _run(months: Sequence[str], breaks: Sequence[str]) -> list[str]:
    """The last months that follow each other without a break."""
    run: list[str] = []
    for month in months:
        if run and (_number(month) - _number(run[-1]) != 1 or month in breaks):
            run = []
        run.append(month)
    return run


def _number(month: str) -> int:
    return int(month[:4]) * MONTHS + int(month[5:])


def _full_years(run: Sequence[str]) -> int:
    ends = [place for place, month in enumerate(run, 1) if month.endswith("-12")]
    return ends[-1] // MONTHS if ends else 0


@functools.lru_cache(maxsize=64)
def _season(values: tuple[float, ...]) -> tuple[float, ...]:
    """The season of the logarithms; remembered, because all releases of a year ask for the same one."""
    return tuple(stl_season(np.log(values)).tolist())


# --------------------------------------------------------------------------------------------------------------------- STL


def stl_season(y: Numbers, period: int = MONTHS) -> Numbers:
    """The seasonal component of a series that is at least two periods long, by robust STL."""
    trend, season, weights = np.zeros(len(y)), np.zeros(len(y)), None
    for __ in range(_ROBUST + 1):
        for __ in range(_INNER):
            cycles = _cycles(y - trend, period, weights)
            low = _moving(_moving(_moving(cycles, period), period), 3)
            season = cycles[period:-period] - _smoothed(low, _LOW, None)
            trend = _smoothed(y - season, _TREND, weights)
        weights = _robustness(np.abs(y - trend - season))
    return season


def _cycles(y: Numbers, period: int, weights: Numbers | None) -> Numbers:
    """Each month's mean over the years, for all of them and one year more at both ends."""
    weighted = np.ones_like(y) if weights is None else weights
    months = np.arange(len(y)) % period
    totals = np.bincount(months, weights=weighted, minlength=period)
    sums = np.bincount(months, weights=weighted * y, minlength=period)
    means = sums / np.where(totals > 0, totals, 1.0)
    # Where one year is so far off that it draws its month away from all others, none of them has any weight: their median has.
    for month in np.flatnonzero(totals <= 0):
        means[month] = np.median(y[month::period])
    return means[np.arange(-period, len(y) + period) % period]


def _moving(y: Numbers, length: int) -> Numbers:
    return np.convolve(y, np.full(length, 1.0 / length), "valid")


def _smoothed(y: Numbers, window: int, weights: Numbers | None) -> Numbers:
    """Local straight lines through the `window` nearest points (loess)."""
    near, centred, spread = _neighbours(len(y), window)
    weighted = near if weights is None else near * weights
    total = weighted.sum(axis=1, keepdims=True)
    weighted = np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)
    mean = (weighted * centred).sum(axis=1, keepdims=True)
    square = (weighted * (centred - mean) ** 2).sum(axis=1, keepdims=True)
    slope = np.divide(-mean, square, out=np.zeros_like(mean), where=np.sqrt(square) > spread)
    made: Numbers = (weighted * (slope * (centred - mean) + 1) * y).sum(axis=1)
    # Where no neighbour has any weight, the point stays as it is.
    return np.where(total[:, 0] > 0, made, y)


@functools.lru_cache(maxsize=64)
def _neighbours(length: int, window: int) -> tuple[Numbers, Numbers, float]:
    """Tricube weights of all points around each one, their distances from it, and the least spread for a slope."""
    points = np.arange(length, dtype=np.float64)[None, :]
    places = points.T
    size = min(window, length)
    first = np.clip(places - (size - 1) // 2, 0, length - size)
    last = first + size - 1
    reach = np.maximum(places - first, last - places) + max(window - length, 0) // 2
    distance = np.abs(points - places)
    near = np.where(distance <= 0.001 * reach, 1.0, (1 - np.minimum(distance / reach, 1.0) ** 3) ** 3)
    near = np.where((distance <= 0.999 * reach) & (points >= first) & (points <= last), near, 0.0)
    return near, points - places, 0.001 * (length - 1)


def _robustness(residual: Numbers) -> Numbers:
    """Bisquare weights: a month far off its season and trend counts less."""
    six = 6 * float(np.median(residual))
    if six <= 0:
        return np.ones_like(residual)
    weights: Numbers = np.where(residual <= 0.001 * six, 1.0, (1 - np.minimum(residual / six, 1.0) ** 2) ** 2)
    return np.where(residual > 0.999 * six, 0.0, weights)
