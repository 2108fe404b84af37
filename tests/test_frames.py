"""Frames of observations: what is written is read back, cell for cell, and rows stand in the order of their key."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from pipeline.frames import (
    KEY_COLUMNS,
    cases_by_month,
    cases_table,
    observations_frame,
    observations_table,
    read_observations,
    row_records,
    sorted_by_key,
    table_bytes,
)


def _figures() -> pd.DataFrame:
    about = {"source": "s", "table": "t", "frequency": "annual", "classification": "", "unit": "JPY", "snapshot": "x"}
    known = {"known_at": dt.date(2026, 2, 1), "origin": "book!A1"}
    return observations_frame(
        [
            {
                **about,
                **known,
                "period": "2025",
                "measure": "loss",
                "value": Decimal("142310000000.05"),
                "precision": Decimal("0.5"),
            },
            {**about, **known, "period": "2024", "measure": "loss", "value": None, "absence": "not_collected", "note": "表"},
            {**about, **known, "period": "2024", "measure": "cases", "value": Decimal(0), "overlay": True},
        ]
    )


def test_what_is_written_is_read_back_with_exact_decimals_and_with_nothing_where_there_was_nothing(tmp_path: Path) -> None:
    written = _figures()
    pq.write_table(observations_table(written), tmp_path / "some.parquet")
    read = read_observations(tmp_path / "some.parquet")
    assert read.to_dict("records") == written.to_dict("records")
    assert read.loc[1, "value"] is None
    assert read.loc[0, "precision"] == Decimal("0.5")


def test_a_file_without_rows_is_a_frame_without_rows(tmp_path: Path) -> None:
    pq.write_table(observations_table(_figures().iloc[:0]), tmp_path / "none.parquet")
    read = read_observations(tmp_path / "none.parquet")
    assert not len(read)
    assert list(read) == list(_figures())


def test_rows_stand_in_the_order_of_their_key_however_they_come() -> None:
    rows = _figures()
    expected = rows.sort_values([*KEY_COLUMNS, "id"], ignore_index=True)
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        pd.testing.assert_frame_equal(sorted_by_key(rows.iloc[order]), expected)


def test_rows_as_dictionaries_are_those_of_pandas_and_none_where_there_is_no_row() -> None:
    rows = _figures()
    assert row_records(rows) == rows.to_dict("records")
    assert row_records(rows.iloc[:0]) == []


def test_a_fingerprint_is_of_the_rows_and_not_of_how_the_table_came_about() -> None:
    rows = _figures()
    whole = observations_table(rows)
    again = pd.concat([rows.iloc[[place]] for place in range(len(rows))]).set_axis([7, 8, 9])
    assert table_bytes(whole) == table_bytes(observations_table(again))
    assert table_bytes(whole) != table_bytes(observations_table(rows.assign(precision=None)))
    assert table_bytes(whole) != table_bytes(observations_table(rows.iloc[::-1]))


def test_each_month_of_records_holds_its_rows_in_their_order_and_no_label_that_it_does_not_use() -> None:
    cases = pd.DataFrame(
        {
            "month": pd.Categorical(["2024-02", "2024-01", None, "2024-02"], categories=["2024-03", "2024-02", "2024-01"]),
            "native_type": pd.Categorical(["Romance", "Prize", "Prize", None]),
            "loss_minor": [100, 200, 300, 400],
        }
    )
    found = dict(cases_by_month(cases))
    assert list(found) == ["2024-01", "2024-02"]
    for month, table in found.items():
        expected = cases_table(cases[cases["month"] == month])
        assert table.to_pylist() == expected.to_pylist()
        assert table.schema.names == expected.schema.names
    assert found["2024-02"]["native_type"].chunk(0).dictionary.to_pylist() == ["Romance"]
