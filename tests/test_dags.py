"""The DAGs: what they are, what a run of them publishes, what fails and what goes on.

Airflow is imported in processes of their own (`dag_runs.py`), because its settings are fixed at the first import.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.airflow_environment import airflow_environment
from pipeline import steps
from pipeline.model import Period, UsageError
from pipeline.run_period import as_of_day, resolve
from pipeline.sources import catalogue

REPOSITORY = Path(__file__).parents[1]
DAG_FILES = ("ingest.py", "ledgers.py", "summaries.py")
HEAVY = ("pandas", "numpy", "pyarrow", "great_expectations", "altair", "openpyxl")


def run_python(arguments: list[str], home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = airflow_environment(home, os.environ) | variables
    return subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=environment, text=True, capture_output=True, check=False
    )


# ------------------------------------------------------------------------------------------------- the period of a run


def test_a_period_that_is_asked_for_wins_over_every_date_that_the_run_carries() -> None:
    period = resolve(
        "monthly",
        conf={"period": "2025-04"},
        partition_key="2024-01",
        logical_date=dt.datetime(2023, 7, 1, 3, tzinfo=dt.UTC),
    )
    assert period == Period.parse("2025-04")


def test_a_partition_wins_over_the_logical_date() -> None:
    assert resolve(
        "quarterly", conf=None, partition_key="2024-Q3", logical_date=dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    ) == Period.parse("2024-Q3")


@pytest.mark.parametrize("key", ["2025-04", "2025-04-01", "2025-04-30T23:00:00", "2025-04-01T00:00:00+09:00"])
def test_a_partition_is_a_period_or_a_day_of_one_as_its_producer_writes_it(key: str) -> None:
    # "2025-04-01T00:00:00+09:00" is March in UTC: the producer's zone counts.
    assert resolve("monthly", conf=None, partition_key=key, logical_date=None) == Period.parse("2025-04")


@pytest.mark.parametrize("key", ["JP|2025-04", "2025-Q1", "2025", "april"])
def test_a_partition_of_another_kind_is_refused_with_what_to_write(key: str) -> None:
    with pytest.raises(UsageError, match="2025-04"):
        resolve("monthly", conf=None, partition_key=key, logical_date=None)


@pytest.mark.parametrize(("frequency", "expected"), [("monthly", "2025-04"), ("quarterly", "2025-Q2"), ("annual", "2025")])
def test_a_scheduled_run_publishes_the_period_that_begins_at_its_logical_date(frequency: str, expected: str) -> None:
    logical_date = dt.datetime(2025, 4, 1, 3, tzinfo=dt.UTC)
    assert resolve(frequency, conf={}, partition_key=None, logical_date=logical_date) == Period.parse(expected)


def test_a_run_without_a_date_publishes_all_that_is_due() -> None:
    assert resolve("annual", conf=None, partition_key=None, logical_date=None) is None
    assert resolve("annual", conf={}, partition_key=None, logical_date=None) is None
    # The form in the browser sends every parameter, empty ones too.
    assert resolve("annual", conf={"period": None, "as_of": None}, partition_key="", logical_date=None) is None


@given(st.sampled_from(["annual", "quarterly", "monthly"]), st.datetimes(timezones=st.just(dt.UTC)))
def test_the_period_of_a_date_holds_it(frequency: str, logical_date: dt.datetime) -> None:
    period = resolve(frequency, conf=None, partition_key=None, logical_date=logical_date)
    assert period is not None
    assert period.frequency == frequency
    assert period.start <= logical_date.date() <= period.end


@pytest.mark.parametrize("asked", ["2025-Q1", "2025", "2025-13", "April 2025", "2025-01/2025-04", 2025])
def test_a_period_of_another_frequency_is_refused_with_what_to_write(asked: object) -> None:
    with pytest.raises(UsageError, match="2025-04"):
        resolve("monthly", conf={"period": asked}, partition_key=None, logical_date=None)


def test_every_way_in_which_airflow_starts_a_run_leads_to_its_period(tmp_path: Path) -> None:
    done = run_python(["-m", "tests.dag_runs", "resolved"], tmp_path)
    assert done.returncode == 0, done.stderr
    all_that_is_due, april, now, asked = None, "2025-04", "2026-09", "2024-02"
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "scheduled": april,
        "backfill": april,
        "backfill with a conf": april,
        "trigger with a date": april,
        "trigger with a date in a zone": april,
        "trigger from the form, with the date that it fills in": now,
        "trigger with a period": asked,
        "trigger without a date": all_that_is_due,
        "trigger by another DAG": asked,
        "asset event": all_that_is_due,
        "asset materialised by hand": all_that_is_due,
        "partition key": april,
        "dag.test() as it is": now,
        "dag.test() without a date": all_that_is_due,
        "dag.test() with a date": april,
    }


def test_a_frequency_that_nobody_publishes_is_refused() -> None:
    with pytest.raises(UsageError, match="annual, quarterly, monthly"):
        resolve("half_yearly", conf=None, partition_key=None, logical_date=None)


def test_the_as_of_day_is_read_from_the_conf_and_a_wrong_one_is_refused() -> None:
    assert as_of_day({"as_of": "2025-05-23"}) == dt.date(2025, 5, 23)
    assert as_of_day({"as_of": None}) is None
    assert as_of_day(None) is None
    for wrong in ("23 May", 20250523, "2025-05"):
        with pytest.raises(UsageError, match="2025-05-23"):
            as_of_day({"as_of": wrong})


# ------------------------------------------------------------------------------------------------------ what they are


@pytest.mark.parametrize("file", DAG_FILES)
def test_parsing_a_dag_file_imports_nothing_heavy(file: str, tmp_path: Path) -> None:
    code = (
        "import json, runpy, sys; "
        f"runpy.run_path('dags/{file}'); "
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = run_python(["-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow's own DagBag finds in the folder."""
    done = run_python(["-m", "tests.dag_runs", "describe"], tmp_path_factory.mktemp("airflow"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_dag_file_is_imported_without_an_error(described: dict[str, Any]) -> None:
    assert described["errors"] == {}


def test_each_source_has_an_ingest_dag_and_each_frequency_a_summary_dag(described: dict[str, Any]) -> None:
    expected = [f"ingest_{source_id}" for source_id in catalogue.source_ids()]
    assert sorted(described["dags"]) == sorted(
        [*expected, "publish_annual", "publish_embargoed", "publish_monthly", "publish_quarterly"]
    )


def test_an_ingest_dag_fetches_then_validates_then_aggregates(described: dict[str, Any]) -> None:
    for source_id in catalogue.source_ids():
        dag = described["dags"][f"ingest_{source_id}"]
        assert dag["downstream"] == {
            "fetch": ["validate"],
            "validate": ["aggregate", "nothing_refused"],
            "aggregate": ["reconcile"],
            "nothing_refused": [],
            "reconcile": [],
        }


def test_a_summary_dag_publishes_then_makes_the_index(described: dict[str, Any]) -> None:
    for frequency in ("annual", "quarterly", "monthly"):
        assert described["dags"][f"publish_{frequency}"]["downstream"] == {"publish": ["index"], "index": []}


def test_a_nightly_run_has_an_interval_of_a_whole_day(described: dict[str, Any]) -> None:
    for source_id in catalogue.source_ids():
        intervals = described["dags"][f"ingest_{source_id}"]["intervals"]
        assert [start for start, _ in intervals[:2]] == ["2025-01-01T02:00:00+00:00", "2025-01-02T02:00:00+00:00"]
        assert all(start < end for start, end in intervals)
        assert [end for _, end in intervals[:-1]] == [start for start, _ in intervals[1:]]


@pytest.mark.parametrize(
    ("frequency", "periods"),
    [
        ("monthly", [f"2025-{month:02d}" for month in range(1, 13)]),
        ("quarterly", ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]),
        ("annual", ["2025"]),
    ],
)
def test_the_timetable_walks_through_a_year_and_leaves_no_period_out(
    described: dict[str, Any], frequency: str, periods: list[str]
) -> None:
    intervals = described["dags"][f"publish_{frequency}"]["intervals"]
    resolved = [
        resolve(frequency, conf=None, partition_key=None, logical_date=dt.datetime.fromisoformat(start)) for start, _ in intervals
    ]
    assert [period.code for period in resolved if period] == periods


def test_new_figures_of_any_source_wake_every_summary_dag(described: dict[str, Any]) -> None:
    outlets = {name for dag in described["dags"].values() for name in dag["outlets"]}
    assert outlets == {f"observations_{source_id}" for source_id in catalogue.source_ids()}
    for frequency in ("annual", "quarterly", "monthly"):
        assert set(described["dags"][f"publish_{frequency}"]["woken_by"]) == outlets


def test_dags_are_on_from_the_start_run_one_at_a_time_and_do_not_catch_up(described: dict[str, Any]) -> None:
    for dag in described["dags"].values():
        assert dag["paused_at_first"] is False
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False


def test_an_ingest_dag_says_whose_it_is_and_what_the_source_is(described: dict[str, Any]) -> None:
    for source in catalogue.sources():
        dag = described["dags"][f"ingest_{source.id}"]
        assert dag["owner"] == source.meta["owner"]
        assert source.title in dag["documentation"]
        assert source.meta["licence"] in dag["documentation"]


def test_a_source_that_cannot_be_described_keeps_its_dag_and_leaves_the_others_alone(tmp_path: Path) -> None:
    done = run_python(["-m", "tests.dag_runs", "describe", "--broken", "npa_annual"], tmp_path)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == {}
    assert "cannot be read: no such key" in found["dags"]["ingest_npa_annual"]["documentation"]
    assert len(found["dags"]) == len(catalogue.source_ids()) + 4


# ------------------------------------------------------------------------------ what a run does, with steps that only answer


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Real runs of the DAGs in Airflow, with steps that only note how they were called."""
    done = run_python(["-m", "tests.dag_runs", "record"], tmp_path_factory.mktemp("airflow"))
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "call"),
    [
        ("a logical date", ["publish", "monthly", "2025-04", None]),
        ("a period in the conf", ["publish", "monthly", "2024-02", None]),
        ("no date", ["publish_due", "monthly", None]),
        ("an as-of day", ["publish_due", "monthly", "2025-05-23"]),
    ],
)
def test_how_a_summary_run_was_started_decides_what_it_publishes(recorded: dict[str, Any], case: str, call: list[Any]) -> None:
    assert recorded[case]["calls"][0] == call
    assert recorded[case]["state"] == "success"
    assert recorded[case]["tasks"] == {"publish": "success", "index": "success"}


@pytest.mark.slow
def test_a_scheduled_period_that_the_figures_do_not_allow_is_skipped_and_the_index_is_still_made(
    recorded: dict[str, Any],
) -> None:
    assert recorded["a date without figures"]["state"] == "success"
    assert recorded["a date without figures"]["tasks"] == {"publish": "skipped", "index": "success"}


@pytest.mark.slow
def test_a_period_that_somebody_asked_for_and_the_figures_do_not_allow_fails(recorded: dict[str, Any]) -> None:
    assert recorded["a period without figures"]["tasks"] == {"publish": "failed", "index": "upstream_failed"}


@pytest.mark.slow
def test_a_wrong_period_fails_before_anything_is_published(recorded: dict[str, Any]) -> None:
    assert recorded["a wrong period"]["state"] == "failed"
    assert recorded["a wrong period"]["calls"] == []


@pytest.mark.slow
def test_an_embargo_that_has_passed_publishes_all_that_is_due_and_none_does_nothing(recorded: dict[str, Any]) -> None:
    assert recorded["no embargo has passed"]["tasks"] == {"publish": "skipped"}
    assert recorded["no embargo has passed"]["calls"] == []
    passed = recorded["an embargo has passed"]
    assert passed["tasks"] == {"publish": "success"}
    assert [call[:2] for call in passed["calls"]] == [
        ["publish_due", "annual"],
        ["publish_due", "quarterly"],
        ["publish_due", "monthly"],
        ["build_site"],
    ]


@pytest.mark.slow
def test_a_source_that_did_not_change_emits_no_event(recorded: dict[str, Any]) -> None:
    unchanged, changed = recorded["a source that says the same"], recorded["a source with new figures"]
    assert unchanged["tasks"] == {
        "fetch": "success",
        "validate": "success",
        "aggregate": "skipped",
        "nothing_refused": "success",
        "reconcile": "success",
    }
    assert unchanged["events"] == 0
    assert changed["tasks"]["aggregate"] == "success"
    assert changed["events"] == 1


@pytest.mark.slow
def test_a_refused_file_makes_the_run_red_at_once_and_what_was_accepted_is_still_used(recorded: dict[str, Any]) -> None:
    refused = recorded["a source with a refused file"]
    assert refused["state"] == "failed"
    assert refused["tasks"] == {
        "fetch": "success",
        "validate": "failed",
        "aggregate": "success",
        "nothing_refused": "upstream_failed",
        "reconcile": "success",
    }
    assert [call[0] for call in refused["calls"]].count("validate") == 1
    assert "build_data_docs" in [call[0] for call in refused["calls"]]


@pytest.mark.slow
def test_a_figure_that_compares_worse_than_it_did_makes_the_run_red_and_still_wakes_the_summaries(
    recorded: dict[str, Any],
) -> None:
    worse = recorded["a source with a regression"]
    assert (worse["state"], worse["tasks"]["reconcile"]) == ("failed", "failed")
    assert worse["events"] == 1


# ------------------------------------------------------------------------------------------- `make run`, with the real steps


Runner = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Runner]:
    """A data root with one source that reads well and one whose files are rubbish; and how to run all DAGs on it."""
    data, home = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("airflow")
    inbox = data / "raw" / "inbox"
    shutil.copytree(REPOSITORY / "data" / "raw" / "inbox" / "npa_annual", inbox / "npa_annual")
    shutil.copytree(REPOSITORY / "data" / "raw" / "inbox" / "jca_card", inbox / "jca_card")
    for file in (inbox / "jca_card").glob("[0-9]*.csv"):
        file.write_bytes(b"\x89PNG\r\n\x1a\n not a table, " + file.name.encode())
    return data, home, lambda: run_python(["-m", "deploy.run_dags", "--home", str(home)], home, FRAUDLOSS_DATA=str(data))


@pytest.mark.slow
def test_a_failing_source_is_named_and_the_others_are_published(runner: tuple[Path, Path, Runner]) -> None:
    data, home, run = runner
    done = run()
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any(line.startswith("ingest_jca_card ") and " failed " in line for line in lines), done.stdout
    assert any(line.startswith("ingest_npa_annual ") and " done " in line for line in lines), done.stdout
    assert "ingest_jca_card, validate: jca_card: " in done.stdout
    assert "What to do: " in done.stdout
    assert list((data / "processed" / "releases" / "annual").glob("2025/*/manifest.json"))
    assert list((data / "raw" / "jca_card").glob("*/*.csv")), "the refused bytes are kept"
    with sqlite3.connect(home / "airflow.db") as database:
        events = database.execute("select source_dag_id from asset_event").fetchall()
    assert events == [("ingest_npa_annual",)]


@pytest.mark.slow
def test_a_second_run_with_nothing_new_does_no_work_and_says_so(runner: tuple[Path, Path, Runner]) -> None:
    data, home, run = runner
    shutil.rmtree(data / "raw" / "jca_card", ignore_errors=True)
    shutil.rmtree(data / "raw" / "inbox" / "jca_card", ignore_errors=True)
    # The site and the Data Docs show the files of each source, the refused ones too, and those are gone now.
    steps.build_site(data=data)
    steps.build_data_docs(data=data)
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    done = run()
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "nothing new: no work done"
    after = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path] and path.suffix != ".lock"} == set()
    with sqlite3.connect(home / "airflow.db") as database:
        runs = database.execute("select dag_id, count(*) from dag_run group by dag_id").fetchall()
    assert {count for _, count in runs} == {1}, "Airflow's database does not grow with the number of runs"
