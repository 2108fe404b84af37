"""A ledger's month files are kept, replaced and counted: exactly what changed is made again, and a fault stays where it is."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.ledger_demo import synthetic_ledger
from benchmarks.ledger_generator import MONTHS, write_csv
from pipeline import ledgers
from pipeline.model import RefusedInput
from pipeline.sources.catalogue import source_ids
from pipeline.store import ChangedBytes, Store

LEDGER = synthetic_ledger()
ROWS = 10_000
MONTHS_2024 = [month for month in MONTHS if month.startswith("2024")]
GIVEN = [*MONTHS_2024, "2025-01"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("deliveries")
    for month in GIVEN:
        write_csv(folder / f"synthetic_ledger_{month}.csv", ROWS, [month])
    return {month: folder / f"synthetic_ledger_{month}.csv" for month in GIVEN}


def taken_in(root: Path, files: Sequence[Path]) -> Store:
    store = Store(root)
    for path in files:
        ledgers.take_in(store, LEDGER, path, f"{path.stem[-7:]}-28")
    return store


@pytest.fixture(scope="module")
def counted_once(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = taken_in(tmp_path_factory.mktemp("counted"), list(files.values()))
    ledgers.count(store, LEDGER)
    return store.root


@pytest.fixture
def counted(counted_once: Path, tmp_path: Path) -> Store:
    return Store(shutil.copytree(counted_once, tmp_path / "data"))


def cell_files(store: Store) -> dict[str, bytes]:
    folder = store.processed / "cells"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def periods(names: Sequence[str]) -> set[str]:
    return {name.rpartition("period=")[2].removesuffix(".parquet") for name in names if "period=" in name}


def corrected(path: Path, folder: Path) -> Path:
    """The month again, without its first report."""
    folder.mkdir(exist_ok=True)
    header, _, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / path.name).write_text("".join([header, *lines]), encoding="utf-8")
    return folder / path.name


def test_month_by_month_gives_the_same_bytes_as_all_at_once(files: dict[str, Path], counted: Store, tmp_path: Path) -> None:
    # From the last month to the first: a quarter and a year are made when their first month arrives.
    completed = {"2024-01": {"2024-Q1", "2024"}, "2024-04": {"2024-Q2"}, "2024-07": {"2024-Q3"}, "2024-10": {"2024-Q4"}}
    for month, path in reversed(files.items()):
        store = taken_in(tmp_path / "nightly", [path])
        assert set(ledgers.count(store, LEDGER).periods) == {month} | completed.get(month, set())
    assert cell_files(store) == cell_files(counted)


def test_nothing_is_made_where_nothing_changed(files: dict[str, Path], counted: Store) -> None:
    before = cell_files(counted)
    taken_in(counted.root, list(files.values()))
    assert ledgers.count(counted, LEDGER).periods == ()
    assert cell_files(counted) == before


def test_a_new_file_replaces_its_month_and_remakes_its_quarter_and_year_and_nothing_else(
    files: dict[str, Path], counted: Store, tmp_path: Path
) -> None:
    before = cell_files(counted)
    again = corrected(files["2024-05"], tmp_path / "corrected")
    ledgers.take_in(counted, LEDGER, again, "2024-09-01")
    assert set(ledgers.count(counted, LEDGER, workers=2).periods) == {"2024-05", "2024-Q2", "2024"}
    after = cell_files(counted)
    assert periods([name for name in after if before.get(name) != after[name]]) == {"2024-05", "2024-Q2", "2024"}
    scratch = taken_in(tmp_path / "scratch", [again if month == "2024-05" else path for month, path in files.items()])
    ledgers.count(scratch, LEDGER)
    assert cell_files(scratch) == after
    old = ledgers.speaking(counted, LEDGER.id, as_of=pd.Timestamp("2024-08-31").date())["2024-05"]
    new = ledgers.speaking(counted, LEDGER.id)["2024-05"]
    assert old["rows"] == new["rows"] + 1


def test_an_earlier_file_that_comes_late_changes_nothing(files: dict[str, Path], counted: Store, tmp_path: Path) -> None:
    ledgers.take_in(counted, LEDGER, corrected(files["2024-05"], tmp_path / "late"), "2024-05-01")
    assert ledgers.count(counted, LEDGER).periods == ()


def test_another_rate_remakes_its_month_quarter_and_year(counted: Store) -> None:
    assert LEDGER.plan.factors is not None
    factors = {**LEDGER.plan.factors, "2024-11": {**LEDGER.plan.factors["2024-11"], "GBP": 1.5}}
    other = dataclasses.replace(LEDGER, plan=dataclasses.replace(LEDGER.plan, factors=factors))
    assert set(ledgers.count(counted, other).periods) == {"2024-11", "2024-Q4", "2024"}


def test_bad_rows_are_kept_with_their_rule_and_every_row_is_accounted_for(files: dict[str, Path], tmp_path: Path) -> None:
    header, first, *lines = files["2024-02"].read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "synthetic_ledger_2024-02.csv"
    path.write_text("".join([header, first.replace("2024-02-01", "2024-02-30"), *lines]), encoding="utf-8")
    store = Store(tmp_path / "data")
    verdict = ledgers.take_in(store, LEDGER, path, "2024-03-01")
    assert (verdict["status"], verdict["ok"], verdict["quarantined"]) == ("accepted", len(lines), 1)
    kept = pd.read_parquet(store.quarantined_cases_path(LEDGER.id, verdict["snapshot"]))
    assert kept.to_dict("records") == [{"row": 2, "column": "date", "text": "2024-02-30", "rule": "date_unreadable"}]


def test_a_refused_file_is_kept_and_named_and_the_month_before_still_speaks(
    files: dict[str, Path], counted: Store, tmp_path: Path
) -> None:
    before = cell_files(counted)
    path = tmp_path / "synthetic_ledger_2024-05.csv"
    path.write_bytes(files["2024-05"].read_bytes()[:-5])
    with pytest.raises(RefusedInput, match=r"synthetic_ledger_2024-05\.csv, the last row"):
        ledgers.take_in(counted, LEDGER, path, "2024-09-01")
    assert ledgers.count(counted, LEDGER).periods == ()
    assert cell_files(counted) == before
    assert len(counted.snapshots(LEDGER.id)) == len(GIVEN) + 1


def test_a_year_without_a_rate_is_named_its_cells_stay_and_other_years_are_counted(counted: Store) -> None:
    before = cell_files(counted)
    assert LEDGER.plan.factors is not None
    factors = {
        month: {"USD": 1.0} if month == "2024-07" else {**rates, "EUR": 1.25} for month, rates in LEDGER.plan.factors.items()
    }
    other = dataclasses.replace(LEDGER, plan=dataclasses.replace(LEDGER.plan, factors=factors))
    result = ledgers.count(counted, other)
    assert list(result.refused) == ["2024"]
    assert "without a rate for 2024-07" in str(result.refused["2024"])
    assert result.periods == ("2025-01",)
    assert periods([name for name, content in cell_files(counted).items() if before[name] != content]) == {"2025-01"}


def test_a_partition_that_was_changed_by_hand_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    store = taken_in(tmp_path / "data", [files["2024-02"]])
    path = store.root / ledgers.speaking(store, LEDGER.id)["2024-02"]["path"]
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChangedBytes, match=r"month=2024-02\.parquet"):
        ledgers.count(store, LEDGER)


def test_cells_are_read_back_with_their_periods(counted: Store) -> None:
    cells = ledgers.cells(counted, LEDGER, "month_type")
    assert cells["period"].unique().tolist() == GIVEN
    assert cells["cases"].sum() == sum(entry["rows"] for entry in ledgers.speaking(counted, LEDGER.id).values())
    assert ledgers.cells(counted, LEDGER, "year_region")["period"].unique().tolist() == ["2024"]


def test_a_ledger_stands_among_no_real_sources() -> None:
    assert LEDGER.id == "synthetic_ledger"
    assert LEDGER.id not in source_ids()
