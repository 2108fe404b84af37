"""The words of the project as types: Period, Snapshot, measures, units, statuses, absence, dimensions, and the errors.

In: the standard library alone, so that a DAG file or `--help` costs nothing. Out: what every other module shares; the frames
that carry these words are in `pipeline.frames`.

Code lists follow SDMX where it has one (CL_OBS_STATUS, CL_CONF_STATUS, CL_FREQ); where it has none, the list here is the
definition. The meaning of every code stands beside it, because pages and workbooks print these sentences.
"""

from __future__ import annotations

import calendar
import contextlib
import dataclasses
import datetime as dt
import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# --------------------------------------------------------------------------------------------------------------- errors


class FraudlossError(Exception):
    """Anything this project refuses to do, with a sentence that a person can act on. The CLI turns it into exit code 1."""


class UsageError(FraudlossError):
    """The call itself is wrong (an unknown source, a malformed period). The CLI turns it into exit code 2."""


class NothingToPublish(FraudlossError):
    """No source has figures for the period. Where a person asked for it, a failure; where a timetable did, nothing to do."""


class RefusedInput(FraudlossError):
    """A publisher's file cannot be read exactly. Says file, cell, what was found, what was expected, what to do."""

    def __init__(self, *, file: str, cell: str, found: str, expected: str, action: str) -> None:
        self.file, self.cell, self.found, self.expected, self.action = file, cell, found, expected, action
        super().__init__(f"{file}, {cell}: found {found}; expected {expected}. What to do: {action}")

    def __reduce__(self) -> tuple[Any, ...]:
        """So that a worker process can hand it over."""
        said = {name: getattr(self, name) for name in ("file", "cell", "found", "expected", "action")}
        return functools.partial(type(self), **said), ()


def refused(file: str, cell: str, found: str, expected: str, action: str) -> RefusedInput:
    """The refusal of a file, for the caller to raise."""
    return RefusedInput(file=file, cell=cell, found=found, expected=expected, action=action)


class FalseDeclaration(RefusedInput):
    """What corrections.csv declares is not true of the file. Nothing is known against the file: what was read of it stands."""


# --------------------------------------------------------------------------------------------------------------- period

FREQUENCIES = ("annual", "half_yearly", "quarterly", "monthly", "fiscal_year", "year_to_date", "span", "day")
PUBLISHED_FREQUENCIES = ("annual", "quarterly", "monthly")

_PERIOD_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(\d{4})$"), "annual"),
    (re.compile(r"^(\d{4})-S([12])$"), "half_yearly"),
    (re.compile(r"^(\d{4})-Q([1-4])$"), "quarterly"),
    (re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$"), "monthly"),
    (re.compile(r"^(\d{4})-FY$"), "fiscal_year"),
)
_MONTH_SPAN = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])/(\d{4})-(0[1-9]|1[0-2])$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclasses.dataclass(frozen=True, order=True)
class Period:
    """A stretch of days that a figure is about, first and last day included.

    Written as `2025`, `2025-S1`, `2025-Q1`, `2025-04`, `2025-FY` (April to March), `2025-01/2025-07` (year to date, or
    another span of whole months), `2023-11-08` and `2022-09-01/2022-09-15` (days). A span keeps its own kind even when it
    is as long as a quarter: a cumulative figure is never taken for another one because their dates agree by chance.
    """

    start: dt.date
    end: dt.date
    frequency: str
    code: str

    @classmethod
    @functools.cache
    def parse(cls, text: str) -> Period:
        """The period written as `text`. Raises UsageError with the accepted forms."""
        for pattern, frequency in _PERIOD_FORMS:
            if match := pattern.match(text):
                year, part = int(match[1]), int(match[2]) if match.lastindex == 2 else 0
                if year == 0:
                    break
                first, months = {
                    "annual": (1, 12),
                    "half_yearly": (6 * part - 5, 6),
                    "quarterly": (3 * part - 2, 3),
                    "monthly": (part, 1),
                    "fiscal_year": (4, 12),
                }[frequency]
                start = dt.date(year, first, 1)
                return cls(start, _month_end(*_add_months(year, first, months - 1)), frequency, text)
        if match := _MONTH_SPAN.match(text):
            year, month, to_year, to_month = (int(part) for part in match.groups())
            if (year, month) < (to_year, to_month):
                kind = "year_to_date" if month == 1 and year == to_year else "span"
                return cls(dt.date(year, month, 1), _month_end(to_year, to_month), kind, text)
        days = text.split("/")
        if len(days) in (1, 2) and all(_DAY.match(day) for day in days):
            try:
                start, end = dt.date.fromisoformat(days[0]), dt.date.fromisoformat(days[-1])
            except ValueError:
                start, end = dt.date.max, dt.date.min
            if len(days) == 1 and start == end:
                return cls(start, end, "day", text)
            if start < end:
                return cls(start, end, "span", text)
        raise UsageError(
            f"{text!r} is not a period. Write 2025, 2025-S1, 2025-Q1, 2025-04, 2025-FY (April to March), "
            "2025-01/2025-07 (year to date) or 2023-11-08."
        )

    @classmethod
    @functools.cache
    def of(cls, frequency: str, day: dt.date) -> Period:
        """The annual, half-yearly, quarterly, monthly or fiscal-year period that holds `day`."""
        half, quarter = (day.month + 5) // 6, (day.month + 2) // 3
        codes = {
            "annual": f"{day.year:04d}",
            "half_yearly": f"{day.year:04d}-S{half}",
            "quarterly": f"{day.year:04d}-Q{quarter}",
            "monthly": f"{day.year:04d}-{day.month:02d}",
            "fiscal_year": f"{day.year if day.month >= 4 else day.year - 1:04d}-FY",
            "day": day.isoformat(),
        }
        if frequency not in codes:
            raise UsageError(f"{frequency!r} is not one of {', '.join(codes)}.")
        return cls.parse(codes[frequency])

    @classmethod
    def months_between(cls, start: dt.date, end: dt.date) -> Period:
        """The span of whole months from the month of `start` to the month of `end`; a single month stays a month."""
        first, last = cls.of("monthly", start), cls.of("monthly", end)
        return first if first == last else cls.parse(f"{first.code}/{last.code}")

    @property
    def months(self) -> list[str]:
        """The months that the period touches, as `2025-04`, in order."""
        count = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month + 1
        pairs = (_add_months(self.start.year, self.start.month, i) for i in range(count))
        return [f"{year:04d}-{month:02d}" for year, month in pairs]

    @property
    def year_before(self) -> Period:
        """The same period one year earlier, for changes on the year."""
        shifted = re.sub(r"\d{4}(?=-|/|$)", lambda match: f"{int(match[0]) - 1:04d}", self.code)
        return Period.parse(shifted.replace("-02-29", "-02-28"))

    def holds(self, other: Period) -> bool:
        """Whether every day of `other` lies within this period."""
        return self.start <= other.start and other.end <= self.end

    def walk_to(self, last: Period) -> Iterator[Period]:
        """This period and the following ones of the same frequency, up to and including `last`."""
        if self.frequency != last.frequency or self.frequency not in ("annual", "half_yearly", "quarterly", "monthly"):
            raise UsageError(f"{self.code} to {last.code}: both ends must be years, half-years, quarters or months.")
        if self.start > last.start:
            raise UsageError(f"{self.code} to {last.code}: the first period is after the last.")
        period = self
        yield period
        while period.start < last.start:
            period = Period.of(period.frequency, period.end + dt.timedelta(days=1))
            yield period

    def __str__(self) -> str:
        return self.code


def _add_months(year: int, month: int, count: int) -> tuple[int, int]:
    index = year * 12 + month - 1 + count
    return index // 12, index % 12 + 1


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


# ------------------------------------------------------------------------------------------------------------ code lists

TOTAL = "_T"
NOT_APPLICABLE = "_Z"

MEASURES: dict[str, str] = {
    "cases": "cases recognised or reported, attempts included",
    "cases_completed": "cases in which the fraud succeeded",
    "cases_with_loss": "cases with a loss above zero",
    "cases_loss_known": "cases whose loss, above zero or not, is known",
    "share_with_loss_of_known": "share of the cases whose loss is known that have one above zero",
    "cases_cleared": "cases cleared by the police, whenever the offence took place",
    "victims": "persons who were victims",
    "victims_share": "share of the victims of that type",
    "persons_arrested": "persons arrested",
    "persons_detained": "persons detained abroad",
    "bases_raided": "offenders' bases raided",
    "loss": "gross loss",
    "loss_net": "loss after what was stopped or returned",
    "loss_recovered": "loss that was returned",
    "loss_prevented": "loss that was prevented",
    "traded_value": "value of unauthorised trades (purchases and sales added): not a loss",
    "fraud_rate": "fraud loss as a share of the value paid",
    "mean_loss": "gross loss divided by the cases recognised or reported, attempts included",
    "mean_loss_of_known": "gross loss divided by the cases whose loss, above zero or not, is known, attempts included",
    "mean_loss_completed": "gross loss divided by the completed cases",
    "mean_loss_with_loss": "gross loss divided by the cases with a loss",
    "loss_per_day": "gross loss divided by the days of the period",
    "median_loss": "median of the losses above zero",
    "median_loss_lower_95": (
        "lower end of the interval of 95 % for the median of the losses above zero: a loss by its rank. Reports are a census: it"
        " says how much the process of reporting alone moves the median, and is no error of sampling"
    ),
    "median_loss_upper_95": "upper end of the interval of 95 % for the median of the losses above zero: a loss by its rank",
    "p90_loss": "90th percentile of the losses above zero",
    "p90_loss_lower_95": "lower end of the interval of 95 % for the 90th percentile of the losses above zero: a loss by its rank",
    "p90_loss_upper_95": "upper end of the interval of 95 % for the 90th percentile of the losses above zero: a loss by its rank",
    "p99_loss": "99th percentile of the losses above zero",
    "max_loss": "largest single loss",
    "top_0_1_share": "share of the gross loss in the largest 0.1 % of the losses above zero (their number rounded up)",
    "top_1_share": "share of the gross loss in the largest 1 % of the losses above zero (their number rounded up)",
    "top_10_share": "share of the gross loss in the largest 10 % of the losses above zero (their number rounded up)",
    "gini_loss": (
        "Gini coefficient of the losses above zero: 0 where all of them are the same, the nearer to 1 the more of their sum lies"
        " in a few of them"
    ),
    "loss_without_large": "gross loss without the large losses that the note names",
    "loss_per_100k": "gross loss per 100,000 inhabitants of the same year",
    "cases_per_100k": "cases per 100,000 inhabitants of the same year",
    "share_of_loss": "share of the loss of the whole table",
    "share_of_cases": "share of the cases of the whole table",
    "share_with_loss": "share of the cases that have a loss above zero",
    "item_response_rate": "share of the cases whose report says what the table is broken down by",
    "rank": "place in the publisher's own ranking, 1 being the first",
    "change_on_year": "change of the loss on the same period of the year before",
    "change_on_year_without_large": "change of the loss on the same period of the year before, both without their large losses",
    "change_on_year_cases": "change of the cases on the same period of the year before",
    "phone_numbers": "telephone numbers used for fraud",
}
# Quantile -> the lower and the upper end of its interval of 95 %.
INTERVALS: dict[str, tuple[str, str]] = {
    "median_loss": ("median_loss_lower_95", "median_loss_upper_95"),
    "p90_loss": ("p90_loss_lower_95", "p90_loss_upper_95"),
}
INTERVAL_ENDS = tuple(end for ends in INTERVALS.values() for end in ends)
ADDITIVE_MEASURES = frozenset(
    {
        "cases",
        "cases_completed",
        "cases_with_loss",
        "cases_loss_known",
        "cases_cleared",
        "victims",
        "persons_arrested",
        "loss",
        "loss_net",
        "loss_recovered",
        "loss_prevented",
    }
)

UNITS: dict[str, str] = {
    "cases": "cases",
    "persons": "persons",
    "bases": "bases",
    "numbers": "telephone numbers",
    "JPY": "Japanese yen, current prices",
    "USD": "US dollars, current prices (from another currency: at the average rate of the period)",
    "CAD": "Canadian dollars, current prices",
    "AUD": "Australian dollars, current prices",
    "ratio": "ratio (1 = the whole)",
    "percent": "per cent",
    "coefficient": "coefficient from 0 to 1",
    "rank": "place in a ranking",
    "cases_per_100k": "cases per 100,000 inhabitants",
    "JPY_per_100k": "Japanese yen per 100,000 inhabitants",
    "USD_per_100k": "US dollars per 100,000 inhabitants",
    "CAD_per_100k": "Canadian dollars per 100,000 inhabitants",
    "AUD_per_100k": "Australian dollars per 100,000 inhabitants",
}

# SDMX CL_OBS_STATUS; only the codes in use.
OBS_STATUS: dict[str, str] = {
    "A": "normal value",
    "B": "break in the series: not comparable with the periods before",
    "P": "provisional value",
    "I": "derived here from published figures",
    "E": "printed as approximate",
    "O": "value missing",
}
# SDMX CL_CONF_STATUS; only the codes in use.
CONF_STATUS: dict[str, str] = {"F": "free for publication", "C": "confidential", "D": "secondary confidentiality"}

EDITIONS: dict[str, str] = {
    "provisional": "printed as provisional (暫定値)",
    "final": "printed as final (確定値)",
    "corrected": "corrected after it had been final (訂正)",
    "restated": "printed again by a later publication, changed or not",
    "unknown": "the publication does not say",
}

ABSENCE: dict[str, str] = {
    "": "the value is present",
    "not_collected": "the publisher did not collect it",
    "not_applicable": "it cannot exist",
    "suppressed": "withheld to protect persons",
    "withdrawn": "the publisher took it back",
    "not_yet_known": "not published yet, or what it is computed from is not",
    "unreadable": "printed, but with digits lost: refused",
    "break": "not computed across a break in the series",
    "not_additive": "not computed, because its parts may not be added",
}

# How we made a figure that nobody printed. Empty: as printed.
DERIVATIONS: dict[str, str] = {
    "": "as printed by the publisher",
    "residual": "published total less the published parts",
    "sum_of_parts": "sum of the published parts",
    "sum_of_periods": "sum of the shorter periods",
    "without_large": "total less the losses that are declared large",
    "share": "part over total",
    "change": "change on the same period of the year before",
    "mean": "loss over cases, or over reports",
    "rate": "per 100,000 inhabitants",
    "converted": "converted at the average exchange rate of the period",
    "converted_months": "sum of the months, each converted at its own average exchange rate",
    "records": "computed from record-level reports",
}

# The note of a figure whose period is longer than the file that it was counted from.
FILE_ENDS = "the file ends on {day}"

# What became of a figure between two states of the same figures.
CHANGES: dict[str, str] = {
    "new": "was not there before",
    "revised": "another value",
    "corrected": "another value, printed as a correction",
    "reclassified": "moved to another type, classification or series",
    "withdrawn": "no longer there",
    "confirmed": "the same value, printed again under another edition",
    "new_code": "read from the same files: our code made the difference",
}

# Why a release took the place of the one before it.
REASONS: dict[str, str] = {
    "new_period": "the first release of its period",
    "new_figures": "figures that were not there before",
    "revision": "another value for a figure",
    "correction": "a correction by the publisher",
    "reclassification": "figures moved to another type, classification or series",
    "withdrawal": "figures that the publisher no longer prints",
    "refusal": "a file that was accepted and is refused now",
    "declared_correction": "a correction declared here of what a publisher printed",
    "reinstatement": "figures that had been withdrawn and are back",
    "confirmation": "the same figures, printed again",
    "redated": "the same files, with the day of their publication set right here",
    "new_code": "the same files, read or computed by other code",
}
# What a release has to do with the periods of which something became known.
RELATIONS: dict[str, str] = {
    "covered": "covers",
    "above": "lies above",
    "history": "prints as history",
    "compared": "compares with",
}

REASON_OF_CHANGE: dict[str, str] = {
    "new": "new_figures",
    "revised": "revision",
    "corrected": "correction",
    "reclassified": "reclassification",
    "withdrawn": "withdrawal",
    "confirmed": "confirmation",
    "new_code": "new_code",
}


def relations_text(because: Mapping[str, Sequence[str]], at_most: int = 6) -> str:
    """Relations and the first periods of each in one line: `covers 2024-05; prints as history 2023-05, 2023-06`."""
    lines = {relation: because.get(relation, ()) for relation in RELATIONS}
    return "; ".join(
        f"{RELATIONS[relation]} {', '.join(codes[:at_most])}"
        + (f" and {more} more" if (more := len(codes) - at_most) > 0 else "")
        for relation, codes in lines.items()
        if codes
    )


DIMENSIONS: dict[str, str] = {
    "contact": "how the offender first made contact",
    "contact_tool": "the service or tool of the first contact",
    "channel": "the service or tool with which the deception went on",
    "payment": "how the money was handed over",
    "age": "age of the persons counted: victims, or those arrested",
    "sex": "sex of the persons counted",
    "offender_location": "where the offenders worked from",
    "offender_kind": "group that the offenders belong to, or the police force that counts them",
    "persona": "whom the offender pretended to be",
    "victim_kind": "private person or organisation",
    "place_of_use": "where the means of payment was misused",
    "loss_band": "size of the single loss",
    "outcome": "attempted or completed",
}


# -------------------------------------------------------------------------------------------------------------- snapshot


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Bytes as received, immutable, named by their sha256, with what is known about how they came."""

    source: str
    id: str  # the first 12 hexadecimal digits of the sha256
    sha256: str
    file: str  # the original name
    size_bytes: int
    media_type: str
    origin: str  # where the bytes, or the figures in them, come from
    published: str  # as stated: a day, a month, a year, or empty
    known_at: dt.date  # the day from which these figures could be known
    retrospective: bool  # loaded after the fact: nobody had it here on `known_at`
    edition: str  # one of EDITIONS: what the publication says of itself
    extract: bool  # holds only some of the publication's figures, so it speaks for nothing but what it prints
    note: str = ""

    @property
    def order(self) -> tuple[dt.date, bool, str]:
        """Later speaks after earlier; on one day, an extract amends the whole file; the id only makes the order total."""
        return (self.known_at, self.extract, self.id)

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "known_at": self.known_at.isoformat()}

    @property
    def said(self) -> str:
        """A name for all that is said of the bytes: figures read of them carry the day and the edition."""
        return hashlib.sha256(repr(sorted(self.to_json().items())).encode()).hexdigest()[:12]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Snapshot:
        return cls(**{**data, "known_at": dt.date.fromisoformat(data["known_at"])})


def day_of(text: str) -> dt.date:
    """The day that is written as 2025-05-23. Raises UsageError; a week or a day without dashes is too easily another one."""
    if _DAY.match(text):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(text)
    raise UsageError(f"{text!r} is not a day; write 2025-05-23")


def day_known(published: str) -> dt.date:
    """The first day on which something `published` on that day, month or year was surely out: the last day it may mean."""
    if _DAY.match(published) or re.fullmatch(r"\d{4}(-\d{2})?", published):
        with contextlib.suppress(UsageError):
            return Period.parse(published).end
    raise UsageError(f"{published!r} is not a date of publication. Write 2025-05-23, 2025-05 or 2025.")
