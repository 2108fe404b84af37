"""`current/` holds what each source says now: every figure once, and none that was replaced since."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipeline import steps
from pipeline.frames import KEY_COLUMNS
from pipeline.store import Store
from pipeline.verification import verify
from tests.test_backfill import take_in

FIRST, SECOND = "2025-02-07-annual-provisional-2024.csv", "2025-05-23-annual-final-2024.csv"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    take_in(tmp_path, [FIRST])
    return tmp_path


def current(data: Path) -> pd.DataFrame:
    return pd.read_parquet(data / "processed" / "current")


def ids(frame: pd.DataFrame) -> list[str]:
    return sorted(frame["id"])


def test_a_reader_of_the_folder_finds_what_every_source_says_now_and_nothing_that_was_replaced(data: Path) -> None:
    assert ids(current(data)) == ids(steps.view(data=data))
    before = ids(current(data))
    take_in(data, [SECOND])
    take_in(data, ["r07_victims.csv", "provenance.csv"], "npa_victims")
    assert ids(current(data)) == ids(steps.view(data=data)) != before
    assert not current(data).duplicated(KEY_COLUMNS).any()


def test_a_source_that_goes_back_to_an_earlier_state_says_that_again(data: Path) -> None:
    before = ids(current(data))
    take_in(data, [SECOND])
    (newest,) = [item for item in Store(data).snapshots("npa_releases") if item.file == SECOND]
    shutil.rmtree(Store(data).raw_path(newest).parent)
    steps.aggregate("npa_releases", data=data)
    assert ids(current(data)) == before


def test_a_source_of_which_nothing_is_accepted_any_more_says_nothing(data: Path) -> None:
    for snapshot in Store(data).snapshots("npa_releases"):
        shutil.rmtree(Store(data).raw_path(snapshot).parent)
    steps.aggregate("npa_releases", data=data)
    assert not Store(data).current_figures_path("npa_releases").exists()
    assert not Store(data).current_view_path("npa_releases").exists()


def test_a_file_that_was_taken_away_comes_back_and_one_that_was_changed_is_found(data: Path) -> None:
    place = Store(data).current_figures_path("npa_releases")
    before = place.read_bytes()
    place.unlink()
    assert any(str(place) in problem for problem in verify(data=data).problems)
    steps.aggregate("npa_releases", data=data)
    assert place.read_bytes() == before
    assert verify(data=data).problems == []
    place.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert any(str(place) in problem for problem in verify(data=data).problems)
