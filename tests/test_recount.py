"""The years of a ledger are counted side by side, by Airflow's mapped tasks or others, to the very bytes that one run makes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ledger_demo import SOURCE, SOURCES
from benchmarks.ledger_layout import MONTHS
from deploy.airflow_environment import airflow_environment
from pipeline import cli, steps
from pipeline.aggregate import ledger
from pipeline.executors import LOCAL
from tests.ledger_sample import declared_in, file_of, take_in

REPOSITORY = Path(__file__).parents[1]
YEARS = ["2023", "2024"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def sources() -> Iterator[None]:
    with declared_in():
        yield


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with two years of a ledger, and a month of the next, judged and not counted."""
    folder = tmp_path_factory.mktemp("judged")
    months = [month for month in MONTHS if month[:4] in YEARS or month == "2025-01"]
    take_in(folder / "data", [file_of(folder / "files", month) for month in months])
    return folder / "data"


@pytest.fixture
def root(judged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "data"))


@pytest.fixture(scope="module")
def expected(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one run makes, in one process."""
    root = Path(shutil.copytree(judged, tmp_path_factory.mktemp("expected") / "data"))
    assert steps.aggregate(SOURCE, data=root, workers=1)
    return files(root)


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / "processed").rglob("*"))
        if path.is_file() and not {".locks", ".partial"} & set(path.parts)
    }


def recount(root: Path, home: Path, *confs: dict[str, Any]) -> list[dict[str, Any]]:
    environment = airflow_environment(home, os.environ) | {"FRAUDLOSS_DATA": str(root), "FRAUDLOSS_SOURCES": str(SOURCES)}
    command = [sys.executable, "-m", "tests.recount_runs", *map(json.dumps, confs)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_task_a_year_makes_the_bytes_of_one_run_and_a_second_run_finds_nothing_to_do(
    root: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    first, second = recount(root, tmp_path / "airflow", {}, {})
    assert first == {
        "state": "success",
        "tasks": [["aggregate", -1, "success"], *(["count", place, "success"] for place in range(3)), ["years", -1, "success"]],
    }
    assert files(root) == expected
    assert second["state"] == "success"
    assert [[name, state] for name, _, state in second["tasks"]] == [
        ["aggregate", "skipped"],
        ["count", "skipped"],
        ["years", "success"],
    ]


def test_years_that_are_asked_for_are_counted_first_and_the_rest_with_the_view(
    root: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    (run,) = recount(root, tmp_path / "airflow", {"years": ["2024"]})
    assert [name for name, _, _ in run["tasks"]] == ["aggregate", "count", "years"]
    assert files(root) == expected


def test_a_year_that_cannot_be_counted_is_named_and_the_others_are_kept(root: Path, tmp_path: Path) -> None:
    broken = next((root / "processed" / "cases" / f"source={SOURCE}").glob("*/month=2023-05.parquet"))
    broken.write_bytes(broken.read_bytes()[:-9])
    (run,) = recount(root, tmp_path / "airflow", {})
    assert run["state"] == "failed"
    assert [state for name, _, state in run["tasks"] if name == "count"] == ["failed", "success", "success"]
    assert steps.years_to_count(SOURCE, data=root) == ["2023"]


def test_years_that_are_counted_at_the_same_time_do_not_lose_each_others_figures(root: Path, expected: dict[str, bytes]) -> None:
    assert steps.years_to_count(SOURCE, data=root) == [*YEARS, "2025"]
    with ProcessPoolExecutor(2) as pool:
        made = list(pool.map(_count, [(root, year) for year in [*YEARS, "2025"]]))
    assert [len(periods) for periods in made] == [17, 17, 1]
    assert steps.years_to_count(SOURCE, data=root) == []
    steps.aggregate(SOURCE, data=root)
    assert files(root) == expected


def _count(asked: tuple[Path, str]) -> list[str]:
    root, year = asked
    return steps.count_year(SOURCE, year, data=root)


@pytest.mark.parametrize("dask", ["", LOCAL])
def test_processes_and_the_workers_of_a_dask_cluster_make_the_bytes_of_one_process(
    root: Path, expected: dict[str, bytes], dask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "ROWS_FOR_SEVERAL_PROCESSES", 0)
    assert cli.main(["--data", str(root), "aggregate", SOURCE, "--workers", "2", "--dask", dask]) == 0
    assert files(root) == expected
