"""Japanese years and periods as publishers print them, read to calendar years and `Period`, or refused.

In: texts such as `R元`, `Ｈ28`, `㍻28`, `令和８年`, `平成17年度`, `令和7年1月～7月`, `令和6年上半期`, or an ISO period code.
Out: a year as an integer, or a `pipeline.model.Period`. A year (年) is a calendar year, a fiscal year (年度) April to March.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from pipeline.model import Period, UsageError

# Era: (year before its first, its last year). The year in which an era ends is also the first of the next: both names hold.
_ERAS: dict[str, tuple[int, int]] = {
    "明治": (1867, 45),
    "大正": (1911, 15),
    "昭和": (1925, 64),
    "平成": (1988, 31),
    "令和": (2018, 99),
}
_INITIALS = {"M": "明治", "T": "大正", "S": "昭和", "H": "平成", "R": "令和"}
_KANJI_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_ERA_NAMES = "|".join([*_ERAS, *_INITIALS])
_YEAR = rf"(?:(?:{_ERA_NAMES})[.・]?(?:元|\d{{1,2}}|[一二三四五六七八九十]{{1,3}})|\d{{4}})"
_ERA_YEAR = re.compile(rf"({_ERA_NAMES})[.・]?(元|\d{{1,2}}|[一二三四五六七八九十]{{1,3}})")
_FIRST_YEAR, _LAST_YEAR = 1868, 2117

_MONTH, _DAY = r"(\d{1,2})月", r"(\d{1,2})日"
_FORMS: dict[str, re.Pattern[str]] = {
    "year": re.compile(rf"({_YEAR})(?:年(?:中)?)?"),
    "fiscal_year": re.compile(rf"({_YEAR})年度"),
    "half": re.compile(rf"({_YEAR})年(上|下)半期"),
    "quarter": re.compile(rf"({_YEAR})年第([1-4])四半期"),
    "month": re.compile(rf"({_YEAR})年{_MONTH}(?:中)?"),
    "months": re.compile(rf"({_YEAR})年(\d{{1,2}})月?(?:~|から)(?:({_YEAR})年)?{_MONTH}(?:まで)?"),
    "years": re.compile(rf"({_YEAR})年?(?:~|から)({_YEAR})年(?:まで)?"),
    "day": re.compile(rf"({_YEAR})年{_MONTH}{_DAY}"),
    "days": re.compile(rf"({_YEAR})年{_MONTH}(\d{{1,2}})日?(?:~|から)(?:(?:({_YEAR})年)?{_MONTH})?{_DAY}(?:まで)?"),
}


class UnreadablePeriod(ValueError):
    """A text that is not one period. Says what was found, what was expected and what to do."""

    def __init__(self, *, found: str, expected: str, action: str) -> None:
        self.found, self.expected, self.action = found, expected, action
        super().__init__(f"found {found}; expected {expected}. What to do: {action}")


class UnknownEra(UnreadablePeriod):
    """A year whose era is not one of the five, or that the era never had."""


def parse_year(text: str) -> int:
    """The calendar year of `text`: `R元`, `R２`, `令和元年`, `Ｈ28`, `㍻28`, `平成１６年`, `2025年`, `2025`.

    Raises UnknownEra for an era that is none, a year that the era never had (`H32`), and a fiscal year (年度), which is no
    calendar year.
    """
    folded = _fold(text)
    if match := _FORMS["year"].fullmatch(folded):
        return _year(text, match[1])
    raise UnknownEra(
        found=repr(text),
        expected="a year such as 令和7年, R7, H28 or 2025",
        action="look at the header: a new era or another layout needs a change here",
    )


def parse_period(text: str) -> Period:
    """The period of `text`: an ISO code that Period.parse accepts, or a Japanese one.

    `令和7年` a year; `令和7年5月` a month; `令和7年1月～7月` months (year to date when from January); `令和6年上半期`,
    `令和6年第1四半期`; `平成17年度` April to March; `令和6年～令和7年` whole years as months; `令和5年11月8日` and
    `令和4年9月1日～15日` days. Raises UnreadablePeriod, and its subclass UnknownEra where the year is at fault.
    """
    try:
        return Period.parse(unicodedata.normalize("NFKC", text).strip())
    except UsageError:
        pass
    folded = _fold(text)
    for name, pattern in _FORMS.items():
        if match := pattern.fullmatch(folded):
            try:
                return _period(text, name, match)
            except UnknownEra:
                raise
            except (ValueError, UsageError) as error:
                raise _unreadable(text) from error
    raise _unreadable(text)


def _fold(text: str) -> str:
    """NFKC without spaces, capital era letters, one kind of tilde between the ends of a range."""
    folded = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return re.sub(r"[~〜−‐‑–—-]", "~", folded)


def _year(text: str, written: str) -> int:
    match = _ERA_YEAR.fullmatch(written)
    if match is None:
        year = int(written)
        if _FIRST_YEAR <= year <= _LAST_YEAR:
            return year
        raise _outside(text, f"a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    era = _INITIALS.get(match[1], match[1])
    before_first, last = _ERAS[era]
    number = _number_of_year(match[2])
    if not 1 <= number <= last:
        raise _outside(text, f"a year from {era}元年 to {era}{last}年")
    return before_first + number


def _number_of_year(written: str) -> int:
    if written == "元":
        return 1
    if written.isdigit():
        return int(written)
    tens, ten, ones = written.rpartition("十")
    if (ten and len(tens) > 1) or len(ones) > 1:
        return 0
    return (_KANJI_DIGITS.get(tens, 1) * 10 if ten else 0) + _KANJI_DIGITS.get(ones, 0)


def _period(text: str, name: str, match: re.Match[str]) -> Period:
    year = _year(text, match[1])
    if name == "year":
        return Period.parse(f"{year:04d}")
    if name == "fiscal_year":
        return Period.parse(f"{year:04d}-FY")
    if name == "half":
        return Period.parse(f"{year:04d}-S{1 if match[2] == '上' else 2}")
    if name == "quarter":
        return Period.parse(f"{year:04d}-Q{match[2]}")
    if name == "month":
        return Period.of("monthly", dt.date(year, int(match[2]), 1))
    if name == "day":
        return Period.of("day", dt.date(year, int(match[2]), int(match[3])))
    return _range(text, name, match, year)


def _range(text: str, name: str, match: re.Match[str], year: int) -> Period:
    if name == "years":
        start, end = dt.date(year, 1, 1), dt.date(_year(text, match[2]), 12, 1)
    elif name == "months":
        start = dt.date(year, int(match[2]), 1)
        end = dt.date(_year(text, match[3]) if match[3] else year, int(match[4]), 1)
    else:
        start = dt.date(year, int(match[2]), int(match[3]))
        to_year = _year(text, match[4]) if match[4] else year
        end = dt.date(to_year, int(match[5] or match[2]), int(match[6]))
        return Period.parse(f"{start.isoformat()}/{end.isoformat()}")
    if end < start:
        raise ValueError("the range ends before it starts")
    return Period.months_between(start, end)


def _outside(text: str, expected: str) -> UnknownEra:
    return UnknownEra(
        found=repr(text),
        expected=expected,
        action="look at the header: the year is misprinted, or its era is another one",
    )


def _unreadable(text: str) -> UnreadablePeriod:
    return UnreadablePeriod(
        found=repr(text),
        expected="a period such as 令和7年, 令和7年5月, 令和7年1月～7月, 令和6年上半期, 平成17年度 or 2025-Q1",
        action="write the period out in one of these forms; `4月末` does not say whether it is a month or cumulative",
    )
