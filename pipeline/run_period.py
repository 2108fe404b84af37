"""Which period a run of a summary DAG publishes: the one place that looks at how the run was started.

In: what the scheduler says of a run (its conf, its partition key, its logical date). Out: a `Period` of the DAG's frequency, or
None, which means all that is due. Standard library and `pipeline.model` only, because DAG files import it.

A run's data interval is never read: a manual run has none, and one started for a date has the interval before that date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pipeline.model import PUBLISHED_FREQUENCIES, Period, UsageError

_EXAMPLES = {"annual": "2025", "quarterly": "2025-Q1", "monthly": "2025-04"}


def resolve(
    frequency: str,
    *,
    conf: Mapping[str, Any] | None,
    partition_key: str | None,
    logical_date: dt.datetime | None,
) -> Period | None:
    """The period that a run publishes, from the first of these that is given; None where none is: all that is due.

    1. `conf["period"]`: somebody asked for it, so it wins over any date that the run carries.
    2. `partition_key`: the run was started for one partition of an asset. The key is a period (`2025-04`), or a day or moment
       of one (`2025-04-01T00:00:00`, as `CronPartitionTimetable` writes it), read as it stands: it is in the producer's zone.
    3. `logical_date`: the scheduler or a backfill started it for the interval that begins then. The day is read in UTC, the
       zone of the timetables.
    4. None of them: new data started it, or a person did without a date.

    Raises UsageError, saying what to pass, where the frequency is not published or what was given is not one of its periods.
    """
    if frequency not in PUBLISHED_FREQUENCIES:
        raise UsageError(f"{frequency!r} is not published. Published are {', '.join(PUBLISHED_FREQUENCIES)}.")
    asked = (conf or {}).get("period")
    if asked:
        return _period_of(frequency, asked, 'the run\'s conf {"period": …}')
    if partition_key:
        return _of_partition(frequency, partition_key)
    if logical_date is not None:
        return Period.of(frequency, logical_date.astimezone(dt.UTC).date())
    return None


def as_of_day(conf: Mapping[str, Any] | None) -> dt.date | None:
    """The day of `conf["as_of"]`: publish what would have been published then. None: everything in the store.

    Raises UsageError where it is not a day.
    """
    given = (conf or {}).get("as_of")
    if not given:
        return None
    try:
        return dt.date.fromisoformat(given)
    except (TypeError, ValueError):
        raise UsageError(f'the run\'s conf {{"as_of": …}} is {given!r}, not a day. Write "2025-05-23".') from None


def _of_partition(frequency: str, key: str) -> Period:
    try:
        return Period.of(frequency, dt.datetime.fromisoformat(key).date())
    except ValueError:
        return _period_of(frequency, key, "the run's partition key")


def _period_of(frequency: str, given: object, where: str) -> Period:
    example = _EXAMPLES[frequency]
    if not isinstance(given, str):
        raise UsageError(f'{where} is {given!r}, not a text. Write "{example}".')
    period = Period.parse(given)
    if period.frequency != frequency:
        raise UsageError(f'{where} is "{given}", but this DAG publishes {frequency} summaries. Write "{example}".')
    return period
