"""Whether a file can have been published when somebody says that it was.

In: what is said (a day, a month or a year), and the day on which it is said. Out: why it cannot be, or whether it is still to
come. A file that is dated wrongly speaks in the place of others, so what cannot be meant is refused. A day before the periods
that a file itself speaks of is found by every suite (`days_to_known`).
"""

from __future__ import annotations

import datetime as dt

from pipeline.model import day_known

# No statistics of fraud losses are older, so a year before it was mistyped.
FIRST_YEAR = 1900
# Farther ahead than any publisher's calendar reaches: a year that was mistyped.
DAYS_AHEAD = 366
EXPECTED = (
    "the day on which the file was published, or the day to come that the publisher announced for it, at most a year from now"
)


def why_impossible(published: str, today: dt.date) -> str:
    """Why nothing can have been published then, behind "it is"; empty where it can. Raises UsageError for no date at all."""
    day = day_known(published)
    if day.year < FIRST_YEAR:
        return f"before {FIRST_YEAR}: no publisher had counted fraud losses then"
    if (ahead := (day - today).days) > DAYS_AHEAD:
        return f"{ahead} days to come: nothing is published then"
    return ""


def is_to_come(published: str, today: dt.date) -> bool:
    """Whether it may be still to come. Raises UsageError for no date at all."""
    return day_known(published) > today
