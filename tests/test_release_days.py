"""A release stands as of the last day on which a file came for its period, through the whole history that is shipped."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate.revisions import differences
from pipeline.coverage import periods_delivered
from pipeline.frames import KEY_COLUMNS
from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish.roles import is_own
from pipeline.publishing.candidates import Candidate, Candidates
from pipeline.store import Store
from tests.grid_files import INBOX
from tests.test_backfill import take_in

SOURCE = "npa_releases"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The press releases of the police since 2023, which round, repeat, correct and cite each other's figures."""
    root = tmp_path_factory.mktemp("days")
    take_in(root, [path.name for path in sorted((INBOX / SOURCE).glob("202[3-6]-*.csv"))], SOURCE)
    return Store(root)


@dataclasses.dataclass(frozen=True)
class Seen:
    """The release of a period on a day, with that of the day before, and whether a file came for it."""

    day: dt.date
    period: Period
    release: Candidate
    before: Candidate | None
    is_covered: bool


@pytest.fixture(scope="module")
def seen(store: Store) -> list[Seen]:
    """Day by day, as nights would have published."""
    snapshots, before, found = store.snapshots(SOURCE), dict[Period, Candidate](), []
    for day in sorted({item.known_at for item in snapshots}):
        candidates = Candidates(store, day)
        came = {code for item in snapshots if item.known_at == day for code in periods_delivered(store, item)}
        for frequency in PUBLISHED_FREQUENCIES:
            for period in candidates.periods(frequency):
                release, is_covered = candidates.of_period(period), any(is_own(code, period) for code in came)
                found.append(Seen(day, period, release, before.get(period), is_covered))
                before[period] = release
    return found


def test_every_file_of_the_shipped_history_remakes_what_it_covers_and_what_lies_above(seen: list[Seen]) -> None:
    for item in seen:
        is_made = item.before is None or item.before.release_id != item.release.release_id
        assert is_made == item.is_covered, (item.day, item.period)
    assert sum(item.is_covered for item in seen) > 30
    assert sum(not item.is_covered for item in seen) > 100


def test_a_release_is_as_of_its_day_and_knows_the_days_of_those_before_it(seen: list[Seen]) -> None:
    for item in seen:
        if item.is_covered:
            earlier = item.before.revisions.vintages if item.before else ()
            assert item.release.revisions.vintages == (*earlier, item.day)
            assert item.release.about["as_of"] == item.day.isoformat()
            assert max(item.release.rows["known_at"]) <= item.day


def test_what_a_release_lists_as_changed_is_the_difference_from_the_release_before(seen: list[Seen]) -> None:
    """Also where figures that it shows for comparison were revised, once or more, on days of other periods between the two."""
    several = 0
    for item in seen:
        if item.is_covered and item.before:
            changes = item.release.revisions.changes
            whole = differences(item.before.rows, item.release.rows, of_one_code=True)
            assert values_of(changes) == values_of(whole), (item.day, item.period)
            several += len(set(item.release.revisions.revisions["vintage"]) - set(item.release.revisions.vintages))
    assert several


def values_of(changes: pd.DataFrame) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """The figures of which the value changed: key -> before and after."""
    keys = changes[KEY_COLUMNS].itertuples(index=False, name=None)
    pairs = zip(changes["value_before"], changes["value_after"], strict=True)
    return {key: pair for key, pair in zip(keys, pairs, strict=True) if pair[0] != pair[1]}
