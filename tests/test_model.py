"""Periods are written, read and walked as promised; days of publication are never guessed early."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import PUBLISHED_FREQUENCIES, Period, UsageError, day_known

DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2100, 12, 31))
FORMS = [
    ("2025", "annual", "2025-01-01", "2025-12-31"),
    ("2025-S1", "half_yearly", "2025-01-01", "2025-06-30"),
    ("2025-S2", "half_yearly", "2025-07-01", "2025-12-31"),
    ("2025-Q1", "quarterly", "2025-01-01", "2025-03-31"),
    ("2024-02", "monthly", "2024-02-01", "2024-02-29"),
    ("2025-FY", "fiscal_year", "2025-04-01", "2026-03-31"),
    ("2025-01/2025-07", "year_to_date", "2025-01-01", "2025-07-31"),
    ("2024-01/2025-12", "span", "2024-01-01", "2025-12-31"),
    ("2023-11-08", "day", "2023-11-08", "2023-11-08"),
    ("2022-09-01/2022-09-15", "span", "2022-09-01", "2022-09-15"),
]


@pytest.mark.parametrize(("text", "frequency", "start", "end"), FORMS)
def test_every_form_of_a_period_is_read_with_its_first_and_last_day(text: str, frequency: str, start: str, end: str) -> None:
    period = Period.parse(text)
    assert (period.frequency, period.start.isoformat(), period.end.isoformat(), period.code) == (frequency, start, end, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25",
        "2025-13",
        "2025-00",
        "2025-Q5",
        "2025-S3",
        "0000",
        "2025-07/2025-01",
        "2025-04/2025-04",
        "2025-02-30",
        "2025/26",
        "R7",
    ],
)
def test_anything_else_is_not_a_period_and_the_error_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="2025-Q1"):
        Period.parse(text)


def test_a_cumulative_figure_is_never_a_quarter_even_where_the_days_agree() -> None:
    assert Period.parse("2025-01/2025-03").frequency == "year_to_date"
    assert Period.parse("2025-01/2025-03") != Period.parse("2025-Q1")


@given(
    st.dates(dt.date(1950, 1, 1), dt.date(2100, 12, 31)),
    st.sampled_from(["annual", "half_yearly", "quarterly", "monthly", "fiscal_year"]),
)
def test_the_period_of_a_day_holds_the_day_and_is_read_back_from_its_code(day: dt.date, frequency: str) -> None:
    period = Period.of(frequency, day)
    assert period.start <= day <= period.end
    assert Period.parse(period.code) == period


@given(DAYS, st.sampled_from(PUBLISHED_FREQUENCIES), st.integers(0, 40))
def test_walking_visits_every_period_once_in_order_first_and_last_included(day: dt.date, frequency: str, steps: int) -> None:
    first = Period.of(frequency, day)
    last = first
    for _ in range(steps):
        last = Period.of(frequency, last.end + dt.timedelta(days=1))
    walked = list(first.walk_to(last))
    assert walked[0] == first
    assert walked[-1] == last
    assert len(walked) == steps + 1
    assert all(after.start - before.end == dt.timedelta(days=1) for before, after in itertools.pairwise(walked))


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2025", "2024"),
        ("2025-Q1", "2024-Q1"),
        ("2025-01/2025-07", "2024-01/2024-07"),
        ("2025-FY", "2024-FY"),
        ("2024-02-29", "2023-02-28"),
    ],
)
def test_the_year_before_is_the_same_stretch_one_year_earlier(text: str, before: str) -> None:
    assert Period.parse(text).year_before.code == before


def test_a_publication_known_to_the_month_or_year_is_known_here_from_its_last_day() -> None:
    assert day_known("2025-05-23") == dt.date(2025, 5, 23)
    assert day_known("2025-05") == dt.date(2025, 5, 31)
    assert day_known("2025") == dt.date(2025, 12, 31)
    with pytest.raises(UsageError, match="2025-05-23"):
        day_known("May 2025")
