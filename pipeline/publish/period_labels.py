"""Periods in words, which cannot be mistaken: a cumulative figure says that it is one.

In: the code of a period (`2025-Q1`). Out: `Words` with the period in each language, and the Japanese one by era year.
"""

from __future__ import annotations

import functools

from pipeline.publish.roles import parsed
from pipeline.publish.words import Words, _, both, month_name

FREQUENCY_TITLES = {"annual": _("Annual"), "quarterly": _("Quarterly"), "monthly": _("Monthly")}


@functools.lru_cache(maxsize=8192)
def period_label(code: str) -> Words:
    """A period in words that cannot be mistaken: a cumulative figure says that it is one."""
    return both(_period_in_english(code), _period_in_japanese(code))


def _period_in_english(code: str) -> str:
    period = parsed(code)
    year, month = period.start.year, month_name(period.start.month)
    last = month_name(period.end.month)
    match period.frequency:
        case "annual":
            return str(year)
        case "half_yearly":
            return f"{month}–{last} {year} (half-year)"
        case "quarterly":
            return f"{month}–{last} {year} (quarter {code[-1]})"
        case "monthly":
            return f"{month} {year}"
        case "fiscal_year":
            return f"fiscal year {year} (April {year} – March {year + 1})"
        case "year_to_date":
            return f"{month}–{last} {year} (cumulative)"
        case "day":
            return f"{period.start.day} {month} {year}"
    if period.code.count("-") == 2:
        return f"{month} {year} – {last} {period.end.year} (span)"
    return f"{period.start.day} {month} {year} – {period.end.day} {last} {period.end.year} (span)"


def _period_in_japanese(code: str) -> str:
    period = parsed(code)
    year, first, last = period.start.year, period.start.month, period.end.month
    match period.frequency:
        case "annual":
            return f"{year}年"
        case "half_yearly":
            return f"{year}年{'上' if first == 1 else '下'}半期（{first}～{last}月）"
        case "quarterly":
            return f"{year}年第{code[-1]}四半期（{first}～{last}月）"
        case "monthly":
            return f"{year}年{first}月"
        case "fiscal_year":
            return f"{year}年度（{year}年4月～{year + 1}年3月）"
        case "year_to_date":
            return f"{year}年{first}～{last}月（累計）"
        case "day":
            return f"{year}年{first}月{period.start.day}日"
    if period.code.count("-") == 2:
        return f"{year}年{first}月～{period.end.year}年{last}月（期間計）"
    return f"{year}年{first}月{period.start.day}日～{period.end.year}年{last}月{period.end.day}日（期間計）"


def period_japanese(code: str) -> str:
    """The period by era year (令和7年, 令和8年1月～4月); the empty string before Heisei."""
    period = parsed(code)
    first = _era_year(period.start.year, period.start.month)
    match period.frequency:
        case "annual":
            return _era_year(period.end.year, period.end.month)
        case "fiscal_year":
            return f"{first}度" if first else ""
        case "half_yearly":
            return f"{first}{'上' if period.start.month == 1 else '下'}半期" if first else ""
        case "monthly":
            return f"{first}{period.start.month}月" if first else ""
        case "quarterly" | "year_to_date":
            return f"{first}{period.start.month}月～{period.end.month}月" if first else ""
    return ""


def _era_year(year: int, month: int) -> str:
    if (year, month) >= (2019, 5):
        era, number = "令和", year - 2018
    elif year >= 1989:
        era, number = "平成", year - 1988
    else:
        return ""
    return f"{era}{'元' if number == 1 else number}年"
