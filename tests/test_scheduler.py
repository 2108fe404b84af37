"""A real scheduler: a nightly, a backfill of twelve months, an event of a partitioned asset, and the same months again while
another nightly runs.

`airflow standalone` on SQLite, as `make standalone` starts it, with a home, a port and a data root of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.standalone import standalone_environment
from pipeline.verification import verify
from tests import faults
from tests.grid_files import REPOSITORY

pytestmark = pytest.mark.slow(turn=1)

# On two cores with nothing else to do it takes half of this.
SECONDS_FOR_ALL = 420
MONTHS = [f"2023-{month:02}" for month in range(1, 13)]


class Scheduler:
    """A running Airflow, and what its database says."""

    def __init__(self, home: Path, port: int, data: Path) -> None:
        self.home, self.port, self.data = home, port, data
        self.environment = standalone_environment(home, port) | {"FRAUDLOSS_DATA": str(data)}
        command = [sys.executable, "-m", "deploy.standalone", "--home", str(home), "--port", str(port)]
        self.log = (home.parent / "standalone.log").open("w")
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=os.environ | {"FRAUDLOSS_DATA": str(data)}, stdout=self.log, stderr=self.log
        )
        self.ends_at = time.monotonic() + SECONDS_FOR_ALL

    def ask(self, question: str, *values: str) -> list[tuple]:
        """What the database answers; nothing where it is not made yet, or busy."""
        with contextlib.suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(f"file:{self.home / 'airflow.db'}?mode=ro", uri=True, timeout=10)
            with contextlib.closing(connection):
                return connection.execute(question, values).fetchall()
        return []

    def wait_for(self, what: str, holds: Callable[[], bool]) -> None:
        while not holds():
            assert self.process.poll() is None, f"Airflow ended by itself:\n{self.told()}"
            assert time.monotonic() < self.ends_at, f"{what} took too long. Runs: {self.runs()}\n{self.told()}"
            time.sleep(0.5)

    def told(self) -> str:
        return (self.home.parent / "standalone.log").read_text(errors="replace")[-3000:]

    def runs(self, dag_id: str = "%", kind: str = "%") -> list[tuple[str, str, str, str]]:
        """DAG, kind of run, logical date, state."""
        question = (
            "select dag_id, run_type, coalesce(logical_date, ''), state from dag_run where dag_id like ? and run_type like ?"
        )
        return sorted(self.ask(question, dag_id, kind))

    def states(self, dag_id: str, kind: str) -> list[str]:
        return [state for _, _, _, state in self.runs(dag_id, kind)]

    def dates(self, dag_id: str, kind: str) -> list[str]:
        return [date[:10] for _, _, date, _ in self.runs(dag_id, kind)]

    def is_idle(self) -> bool:
        return {run[3] for run in self.runs()} <= {"success", "failed"}

    def backfills_done(self, dag_id: str) -> int:
        question = "select count(*) from backfill where completed_at is not null and dag_id = ?"
        return sum(count for (count,) in self.ask(question, dag_id))

    def times_cleared(self, dag_id: str) -> list[int]:
        question = "select clear_number from dag_run where run_type = 'backfill' and dag_id = ?"
        return [number for (number,) in self.ask(question, dag_id)]

    def asset_events(self, name: str) -> int:
        question = "select count(*) from asset_event join asset on asset.id = asset_event.asset_id where asset.name = ?"
        return sum(count for (count,) in self.ask(question, name))

    def asset_id(self, name: str) -> int:
        return int(self.ask("select id from asset where name = ?", name)[0][0])

    def partitions(self, dag_id: str) -> list[tuple[str, str, str]]:
        """Partition key, logical date, state of each run."""
        return self.ask("select partition_key, coalesce(logical_date, ''), state from dag_run where dag_id = ?", dag_id)

    def emit(self, asset: str, partition_key: str) -> None:
        """An event of an asset with a partition key, as somebody else's system sends it."""
        words = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
        user, password = next(iter(words.items()))
        token = self._post("/auth/token", {"username": user, "password": password})["access_token"]
        self._post("/api/v2/assets/events", {"asset_id": self.asset_id(asset), "partition_key": partition_key}, token)

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return dict(json.load(answer))

    def airflow(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as an engineer types it."""
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(home: Path) -> list[str]:
    """The processes whose environment names this home of Airflow."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("AIRFLOW_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
    return found


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    data, home = tmp_path / "data", tmp_path / "airflow"
    faults.lay_inbox(data, months=MONTHS)
    home.mkdir()
    started = Scheduler(home, free_port(), data)
    try:
        yield started
    finally:
        started.stop()
        assert processes_of(home) == []


def done(command: subprocess.Popen[str]) -> None:
    out, _ = command.communicate(timeout=SECONDS_FOR_ALL)
    assert command.returncode == 0, out[-3000:]


def monthly_releases(data: Path) -> dict[str, str]:
    """The files of monthly releases, and the pointers to them."""
    return {name: sha256 for name, sha256 in faults.tree(data).items() if name.startswith("processed/releases/monthly/2")}


def test_a_nightly_a_backfill_and_the_same_months_again_while_nightlies_run(scheduler: Scheduler) -> None:
    data = scheduler.data
    months = (
        "backfill",
        "create",
        "--dag-id",
        "publish_monthly",
        "--from-date",
        "2023-01-01",
        "--to-date",
        "2023-12-01T23:59:59",
    )

    # The scheduler makes up for the last night as soon as it starts, and new figures wake the summaries.
    scheduler.wait_for("the nightly", lambda: scheduler.asset_events("observations_cafc") == 1)
    scheduler.wait_for("every run", scheduler.is_idle)
    done(scheduler.airflow(*months))
    scheduler.wait_for("the backfill", lambda: scheduler.states("publish_monthly", "backfill") == ["success"] * 12)
    assert scheduler.dates("publish_monthly", "backfill") == [f"{month}-01" for month in MONTHS]
    # Airflow allows one backfill of a DAG at a time, and looks every half minute whether it is over.
    scheduler.wait_for("the end of the backfill", lambda: scheduler.backfills_done("publish_monthly") == 1)
    # The fixture is not what the publisher has: compared with the published totals it is worse, and that is said.
    assert {run[0] for run in scheduler.runs() if run[3] == "failed"} == {"ingest_cafc"}
    published = monthly_releases(data)
    assert {name.split("/")[3] for name in published} >= set(MONTHS)

    # A partition is published by its key, which CronPartitionTimetable writes as a moment, and nothing else is.
    for month in ("2023-05", "2023-06"):
        shutil.rmtree(data / "processed" / "releases" / "monthly" / month)
    scheduler.emit("periods_monthly", "2023-05-01T00:00:00")
    scheduler.wait_for("the partition", lambda: [state for *_, state in scheduler.partitions("partition_monthly")] == ["success"])
    assert scheduler.partitions("partition_monthly") == [("2023-05-01T00:00:00", "", "success")]
    assert (data / "processed" / "releases" / "monthly" / "2023-05" / "current.json").is_file()
    assert not (data / "processed" / "releases" / "monthly" / "2023-06").exists()

    shutil.rmtree(data / "processed" / "releases" / "monthly")
    faults.bring_another_file(data)
    nights = ("backfill", "create", "--dag-id", "ingest_internet_banking", "--from-date", "2026-01-01", "--to-date", "2026-01-03")
    done(scheduler.airflow(*months, "--reprocess-behavior", "completed"))
    done(scheduler.airflow(*nights))
    scheduler.wait_for("two nights", lambda: scheduler.states("ingest_internet_banking", "backfill") == ["success"] * 2)
    scheduler.wait_for("the months again", lambda: scheduler.times_cleared("publish_monthly") == [1] * 12)
    scheduler.wait_for("every run", scheduler.is_idle)
    assert scheduler.states("publish_monthly", "backfill") == ["success"] * 12
    assert scheduler.asset_events("observations_internet_banking") == 2
    assert monthly_releases(data).items() >= published.items()
    assert verify(data=data).problems == []
