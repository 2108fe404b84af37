"""Two files of records are compared as bags of rows: the publisher's row number is no key, and a twin is a report of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.record_changes import RowCounts, compare_records, record_changes
from pipeline.frames import RECORD_CHANGE_SCHEMA, empty_frame
from pipeline.model import Snapshot
from pipeline.sources.cafc import reader
from pipeline.sources.catalogue import source
from tests.figures import snapshot
from tests.grid_files import REPOSITORY

FIRST = REPOSITORY / "tests" / "fixtures" / "cafc" / "resaved.csv"


def second_vintage(folder: Path) -> Path:
    """The file of the next quarter: a late report of October goes in first, so that every number shifts; the Grant report of
    October states another loss; one of two like reports of November is taken out."""
    with FIRST.open(encoding="utf-8-sig", newline="") as stream:
        head, *rows = list(csv.reader(stream))
    late = list(rows[0])
    grant = next(row for row in rows if "Grant" in row)
    grant[-1] = "$300.00"
    # There are two reports like this one; the other stays.
    rows.remove(next(row for row in rows if row[1] == "11/1/2023" and "Extortion" in row))
    rows = [late, *rows]
    path = folder / "resaved.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *([str(number), *row[1:]] for number, row in enumerate(rows, 1))])
    return path


def read(path: Path, taken: Snapshot) -> pd.DataFrame:
    return reader.read_cases(path, taken, source("cafc"))


@pytest.fixture(scope="module")
def vintages(tmp_path_factory: pytest.TempPathFactory) -> dict[Snapshot, pd.DataFrame]:
    first, second = snapshot("s1", "2024-01-05", source="cafc"), snapshot("s2", "2024-04-04", source="cafc")
    return {first: read(FIRST, first), second: read(second_vintage(tmp_path_factory.mktemp("second")), second)}


def test_a_file_that_only_shifted_its_numbers_changed_nothing(vintages: dict[Snapshot, pd.DataFrame]) -> None:
    first, _ = vintages.values()
    shifted = first.assign(row=first["row"] + 1000)
    assert compare_records(first, shifted) == RowCounts(len(first), len(first), 0, 0, 0)


def test_each_month_says_what_was_added_withdrawn_and_changed_and_how_late(vintages: dict[Snapshot, pd.DataFrame]) -> None:
    def read_month(taken: Snapshot, month: str) -> pd.DataFrame:
        cases = vintages[taken]
        return cases[cases["month"] == month]

    months = [(taken, cases["month"].value_counts().sort_index().to_dict()) for taken, cases in vintages.items()]
    found = record_changes(months[::-1], read_month, earlier=empty_frame(RECORD_CHANGE_SCHEMA))
    second = found[found["snapshot_after"] == "s2"].set_index("month")
    names = ["rows_added", "rows_withdrawn", "rows_changed", "lag_days"]
    assert second.loc["2023-10", names].to_list() == [1, 0, 1, 156]
    assert second.loc["2023-11", names].to_list() == [0, 1, 0, 126]
    assert (second["rows_before"] + second["rows_added"] - second["rows_withdrawn"] == second["rows_after"]).all()
    first = found[found["snapshot_after"] == "s1"]
    assert (first["rows_added"] == first["rows_after"]).all()
    assert first["snapshot_before"].isna().all()
    resumed = record_changes(months, read_month, earlier=first.reset_index(drop=True))
    pd.testing.assert_frame_equal(resumed, found)


ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=6)


@given(ROWS, ROWS)
def test_rows_are_counted_not_matched_by_their_place(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    old, new = (pd.DataFrame(rows, columns=["native_type", "loss_minor"]) for rows in (before, after))
    counts = compare_records(old, new)
    assert compare_records(old, new.iloc[::-1]) == counts
    assert counts.before + counts.added - counts.withdrawn == counts.after
    back = compare_records(new, old)
    assert (back.added, back.withdrawn, back.changed) == (counts.withdrawn, counts.added, counts.changed)
