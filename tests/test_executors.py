"""This process, a pool of processes and a Dask cluster give the same bytes, and lose no work with a worker that dies."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import dask
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from benchmarks import ledger_engines
from benchmarks.ledger_generator import ledger
from benchmarks.ledger_layout import MONTHS, partition
from pipeline import executors
from pipeline.aggregate import ledger as ledger_module
from pipeline.aggregate.ledger import memory_needed, year_cells
from pipeline.executors import LOCAL, THIS_PROCESS, Engine, WorkerDied, computed, outcomes
from pipeline.model import FraudlossError, Period, UsageError
from pipeline.reading.partitions import Month
from tests.ledger_sample import ledger_cells

YEARS = ("2019", "2020", "2021", "2022")
KILLED = "2020-06"
PLAN = ledger_engines.plan()


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ledger(tmp_path_factory.mktemp("synthetic"), 20_000)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Dask cluster of two workers that was there before."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": 120}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit="1 GiB") as started,
    ):
        yield started.scheduler_address


@pytest.fixture(params=["processes", "dask"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    # Other tests keep the machine busy, and a killed worker is started again when its turn has come.
    monkeypatch.setattr(executors, "WORKERLESS_SECONDS", executors.OWN_WORKERLESS_SECONDS)
    return Engine(2) if request.param == "processes" else Engine(2, request.getfixturevalue("cluster"))


def months_of(synthetic: Path, *years: str) -> dict[str, Path]:
    return {month: partition(synthetic, month) for month in MONTHS if month[:4] in years}


# ---------------------------------------------------------------------------------------------------------- the same bytes


def test_a_relative_path_means_the_same_to_every_worker(synthetic: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(synthetic)
    relative = {month: path.relative_to(synthetic) for month, path in months_of(synthetic, "2019").items()}
    assert ledger_cells(PLAN, relative, engine=engine).refused == {}


def test_outcomes_come_in_the_order_of_the_items(engine: Engine) -> None:
    assert list(computed(takes_long_for_1, [1, 2, 3], engine)) == [1, 2, 3]


def takes_long_for_1(item: int) -> int:
    time.sleep(0.3 if item == 1 else 0)
    return item


def test_what_was_prepared_is_what_the_processes_come_from() -> None:
    code = (
        "import sys, time\n"
        "from multiprocessing import forkserver\n"
        "from pipeline.executors import Engine, THIS_PROCESS\n"
        "def imported(name): return name in sys.modules\n"
        "if __name__ == '__main__':\n"
        "    THIS_PROCESS.prepare('colorsys')\n"
        "    assert forkserver._forkserver._forkserver_pid is None\n"
        "    Engine(2).prepare('colorsys')\n"
        "    server = forkserver._forkserver._forkserver_pid\n"
        "    with Engine(2).executor('wave') as pool:\n"
        "        print(pool.submit(imported, 'colorsys').result(), pool.submit(imported, 'wave').result())\n"
        "    assert server == forkserver._forkserver._forkserver_pid\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "prepares.py"
        script.write_text(code, encoding="utf-8")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True False\n", "")


# ------------------------------------------------------------------------------------------------------ workers that die


@dataclass(frozen=True)
class Interrupted:
    """Counts a year; in the middle of a month of it, waits to be killed: once, or each time."""

    partitions: dict[str, Path]
    at_work: Path
    each_time: bool

    def __call__(self, year: str) -> dict[str, pd.DataFrame]:
        with mock.patch.object(ledger_module, "read_month", self.read_month):
            return year_cells(PLAN, {month: path for month, path in self.partitions.items() if month[:4] == year})

    def read_month(self, path: Path, month: str, *arguments: object) -> Month:
        if month == KILLED and (self.each_time or not self.at_work.exists()):
            said = self.at_work.with_name(f"{os.getpid()}")
            said.write_text(said.name, encoding="utf-8")
            said.replace(self.at_work)
            time.sleep(60)
            raise AssertionError("nobody killed this worker")
        return REAL_READ_MONTH(path, month, *arguments)  # type: ignore[arg-type]


REAL_READ_MONTH = ledger_module.read_month


def kill_whoever_is_at_work(at_work: Path) -> Iterator[None]:
    """Kills the process that says so, whenever another one does."""
    killed = ""
    while True:
        worker = at_work.read_text(encoding="utf-8") if at_work.exists() else ""
        if worker not in ("", killed):
            os.kill(int(worker), signal.SIGKILL)
            killed = worker
        yield


@pytest.fixture
def killing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file by which a worker says that it is in the middle; it is killed at once."""
    path = tmp_path / "at_work"
    killer = kill_whoever_is_at_work(path)

    def wait(*arguments: object) -> object:
        next(killer)
        return REAL_WAIT(*arguments)

    monkeypatch.setattr(executors, "wait", wait)
    monkeypatch.setattr(executors, "WATCH_SECONDS", 0.05)
    return path


REAL_WAIT: Callable[..., object] = executors.wait


def as_bytes(cells: dict[str, pd.DataFrame]) -> dict[str, bytes]:
    return {name: frame.to_parquet() for name, frame in cells.items()}


def test_a_worker_that_is_killed_in_the_middle_changes_no_byte(synthetic: Path, engine: Engine, killing: Path) -> None:
    partitions = months_of(synthetic, *YEARS)
    found = computed(Interrupted(partitions, killing, each_time=False), YEARS, engine)
    assert killing.exists()
    for year, cells in found.items():
        assert isinstance(cells, dict)
        assert as_bytes(cells) == as_bytes(year_cells(PLAN, months_of(synthetic, year)))


def test_a_task_that_kills_its_worker_each_time_is_named_and_the_rest_goes_on(
    synthetic: Path, engine: Engine, killing: Path
) -> None:
    task = Interrupted(months_of(synthetic, *YEARS), killing, each_time=True)
    found = computed(task, YEARS, engine, name_of=lambda year: f"partitions {year}-01 to {year}-12")
    assert isinstance(found["2020"], WorkerDied)
    ends = "4 workers died" if engine.dask else "killed by SIGKILL; killed by SIGKILL"
    assert str(found["2020"]) == (
        "partitions 2020-01 to 2020-12: the worker that computed it died each time, also alone as it was: "
        f"{ends}. Most likely memory did not suffice: use fewer workers, or more memory."
    )
    for year in ("2019", "2021", "2022"):
        cells = found[year]
        assert isinstance(cells, dict)
        assert as_bytes(cells) == as_bytes(year_cells(PLAN, months_of(synthetic, year)))


def ends_by_itself(item: int) -> None:
    os._exit(3)


def test_how_a_process_ended_is_said() -> None:
    [found] = computed(ends_by_itself, [1], Engine(2)).values()
    assert "exit code 3; exit code 3" in str(found)


def test_a_year_whose_worker_dies_is_named_by_its_partitions(synthetic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_die(task: object, years: list[str], engine: Engine, *, modules: object, name_of: Any) -> dict[str, WorkerDied]:
        return {year: WorkerDied(name_of(year)) for year in years}

    monkeypatch.setattr(ledger_module, "computed", all_die)
    refused = ledger_cells(PLAN, months_of(synthetic, "2020")).refused
    assert {year: str(reason) for year, reason in refused.items()} == {"2020": "partitions 2020-01 to 2020-12"}


# ------------------------------------------------------------------------------------------- refusals, mistakes and stops


def test_a_refusal_is_an_outcome_and_a_mistake_is_raised_by_every_engine(engine: Engine) -> None:
    for each in (THIS_PROCESS, engine):
        found = computed(Period.parse, ["2023-12", "2023-13"], each)
        assert found["2023-12"] == Period.parse("2023-12")
        assert "not a period" in str(found["2023-13"])
        with pytest.raises(TypeError):
            computed(len, [3], each)


def test_nothing_is_begun_after_a_stop_and_what_is_at_work_is_finished(engine: Engine) -> None:
    for each in (THIS_PROCESS, engine):
        seen: list[int] = []
        for item, _ in outcomes(takes_long_for_1, [2, 3, 4, 5, 6, 7], each, stopped=lambda: bool(seen)):  # noqa: B023
            seen.append(item)
        assert 1 <= len(seen) <= each.workers


def interrupted(item: int) -> str:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.1)
    return "alive"


@pytest.mark.parametrize("dask", ["", LOCAL])
def test_an_interrupt_of_the_terminal_kills_no_worker(dask: str) -> None:
    with Engine(2, dask).executor() as pool:
        assert pool.submit(interrupted, 1).result() == "alive"


def test_no_workers_at_all_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="0 workers: give 1 or more"):
        Engine(0)


# ---------------------------------------------------------------------------------------------------- a cluster elsewhere


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://127.0.0.1"])
def test_a_scheduler_that_does_not_answer_is_named_with_what_to_do(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 1)
    with pytest.raises(FraudlossError, match=rf"{address}: no Dask scheduler answers .*Start one"):
        computed(abs, [1], Engine(dask=address))


def test_a_cluster_that_stays_without_workers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "WORKERLESS_SECONDS", 0.1)
    monkeypatch.setattr(executors, "OWN_WORKERLESS_SECONDS", 1e9)
    monkeypatch.setattr(executors, "WATCH_SECONDS", 0.05)
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(FraudlossError, match=r"has had no worker for .*dask worker tcp://127"),
    ):
        computed(abs, [-1], Engine(dask=empty.scheduler_address))


def test_a_cluster_of_our_own_is_given_more_time_to_start_a_worker_again(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "WORKERLESS_SECONDS", 0.01)
    with Client(cluster, set_as_default=False) as client, monkeypatch.context() as patched:
        patched.setattr(client, "nthreads", dict)
        patched.setattr(executors, "_client", lambda engine, workers: contextlib.nullcontext(client))
        for dask, ends in ((cluster, True), (LOCAL, False)):
            with Engine(2, dask).executor() as pool:
                assert isinstance(pool, executors.DaskWorkers)
                assert pool.threads() == 1
                time.sleep(0.02)
                with pytest.raises(FraudlossError, match=r"no worker for 0\.01 s") if ends else contextlib.nullcontext():
                    assert pool.threads() == 1


def test_a_worker_with_other_code_computes_nothing(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors.code_version, "code_version", lambda *parts: "of_tomorrow")
    [found] = computed(abs, [-1], Engine(dask=cluster)).values()
    assert isinstance(found, FraudlossError)
    assert "was asked for that of of_tomorrow: install the same on every worker" in str(found)


def test_workers_that_may_take_too_little_memory_are_refused_before_the_work_with_the_figure(
    synthetic: Path, cluster: str
) -> None:
    partitions = months_of(synthetic, *YEARS)
    needed = memory_needed(PLAN, {"2022": months_of(synthetic, "2022")}, 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger_module, "REPORT_BYTES", 1 << 20)
        with pytest.raises(FraudlossError, match=r"needs \d+ MiB of memory and a Dask worker may take 1024 MiB"):
            ledger_cells(PLAN, partitions, engine=Engine(dask=cluster))
    assert needed < 1 << 30
    assert ledger_cells(PLAN, partitions, engine=Engine(dask=cluster), free_bytes=0).refused == {}
