"""`python -m tests.dag_runs describe|record`: what Airflow makes of the DAG files, as one line of JSON.

In: the settings of `deploy.airflow_environment`, in the environment. Out: on the last line of standard output, for `describe` the
DAGs as DagBag finds them; for `record` what real runs of them did, with steps that only note how they were called.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.run_dags import dags_to_run, migrate
from pipeline import steps
from pipeline.model import FraudlossError, NothingToPublish
from pipeline.run_period import resolve
from pipeline.sources import catalogue


def describe() -> dict[str, Any]:
    """The DAGs with their tasks, their intervals in 2025 and their assets."""
    dags, errors = dags_to_run()
    return {"errors": errors, "dags": {dag.dag_id: _described(dag) for dag in dags}}


def _described(dag: Any) -> dict[str, Any]:
    from airflow.sdk import timezone
    from airflow.serialization.serialized_objects import DagSerialization

    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    runs = scheduled.iter_dagrun_infos_between(timezone.datetime(2025, 1, 1), timezone.datetime(2025, 12, 31, 23))
    woken_by = {key.name for key, _ in scheduled.timetable.asset_condition.iter_assets()}
    return {
        "downstream": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
        "intervals": [[run.data_interval.start.isoformat(), run.data_interval.end.isoformat()] for run in runs],
        "outlets": sorted(asset.name for task in dag.tasks for asset in task.outlets),
        "woken_by": sorted(woken_by),
        "paused_at_first": dag.is_paused_upon_creation,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "owner": dag.owner,
        "documentation": dag.doc_md,
    }


_STEPS = ("ingest_inbox", "validate", "aggregate", "regressions", "publish", "publish_due", "build_site", "build_data_docs")


class NotedSteps:
    """Steps that note how they were called and answer as a case wants; an exception as an answer is raised."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.answers: dict[str, Any] = {}
        for name in _STEPS:
            setattr(steps, name, self._noting(name))
        steps.embargoes = self._embargoes  # type: ignore[assignment]

    def _embargoes(self, now: dt.datetime, *, data: Path) -> Any:
        return types.SimpleNamespace(have_passed=self.answers.get("have_passed", False))

    def _noting(self, name: str) -> Any:
        def step(*arguments: str, data: Path, as_of: dt.date | None = None, now: dt.datetime | None = None) -> Any:
            if name in ("publish", "publish_due", "build_site") and now is None:
                raise ValueError(f"{name}: embargoes need the moment of the run")
            day = [as_of.isoformat() if as_of else None] if name.startswith("publish") else []
            self.calls.append([name, *arguments, *day])
            answer = self.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return step


def record() -> dict[str, Any]:
    """What each way of starting a run led to."""
    migrate(Path(os.environ["AIRFLOW_HOME"]))
    dags, noted = {dag.dag_id: dag for dag in dags_to_run()[0]}, NotedSteps()

    def case(dag_id: str, answers: Mapping[str, Any], conf: dict[str, Any] | None = None, logical_date: Any = None) -> Any:
        noted.calls, noted.answers = [], {"publish": "r1", "publish_due": ["2025-04/r1"], "build_site": True, **answers}
        events = _asset_events()
        run = dags[dag_id].test(logical_date=logical_date, run_conf=conf)
        return {
            "state": str(run.state),
            "tasks": {instance.task_id: str(instance.state) for instance in run.get_task_instances()},
            "calls": noted.calls,
            "events": _asset_events() - events,
        }

    april, source = dt.datetime(2025, 4, 1, 3, tzinfo=dt.UTC), f"ingest_{catalogue.source_ids()[0]}"
    nothing, refusal = NothingToPublish("no source has figures for it"), FraudlossError("book.csv, K4: found 1.42E+11")
    new = {"ingest_inbox": ["a"], "validate": ["a"], "aggregate": "v1"}
    return {
        "a logical date": case("publish_monthly", {}, logical_date=april),
        "a period in the conf": case("publish_monthly", {}, conf={"period": "2024-02"}, logical_date=april),
        "no date": case("publish_monthly", {}),
        "an as-of day": case("publish_monthly", {}, conf={"as_of": "2025-05-23"}),
        "a date without figures": case("publish_monthly", {"publish": nothing}, logical_date=april),
        "a period without figures": case("publish_monthly", {"publish": nothing}, conf={"period": "2025-04"}),
        "a wrong period": case("publish_monthly", {}, conf={"period": "2025-Q1"}),
        "no embargo has passed": case("publish_embargoed", {}),
        "an embargo has passed": case("publish_embargoed", {"have_passed": True}),
        "a source that says the same": case(source, {"ingest_inbox": [], "validate": []}),
        "a source with new figures": case(source, new),
        "a source with a refused file": case(source, new | {"validate": refusal}),
        "a source with a regression": case(source, new | {"regressions": ["loss 2024 was exact and is now different"]}),
    }


# How Airflow 3.3 starts a run, and what its tasks then know of it: run type, logical date, partition key, conf.
_APRIL, _NOW = dt.datetime(2025, 4, 1, 3, tzinfo=dt.UTC), dt.datetime(2026, 9, 20, 12, 30, tzinfo=dt.UTC)
WAYS: dict[str, tuple[str, dt.datetime | None, str | None, dict[str, Any] | None]] = {
    "scheduled": ("scheduled", _APRIL, None, {}),
    "backfill": ("backfill", _APRIL, None, {}),
    "backfill with a conf": ("backfill", _APRIL, None, {"as_of": "2025-05-23"}),
    "trigger with a date": ("manual", _APRIL, None, {}),
    "trigger with a date in a zone": ("manual", _APRIL.astimezone(dt.timezone(dt.timedelta(hours=-9))), None, {}),
    "trigger from the form, with the date that it fills in": ("manual", _NOW, None, {"period": None, "as_of": None}),
    "trigger with a period": ("manual", _NOW, None, {"period": "2024-02"}),
    "trigger without a date": ("manual", None, None, {}),
    "trigger by another DAG": ("operator_triggered", None, None, {"period": "2024-02"}),
    "asset event": ("asset_triggered", None, None, {}),
    "asset materialised by hand": ("asset_materialization", None, None, None),
    "partition key": ("asset_triggered", None, "2025-04", {}),
    "dag.test() as it is": ("manual", _NOW, None, None),
    "dag.test() without a date": ("manual", None, None, None),
    "dag.test() with a date": ("manual", _APRIL, None, None),
}


def resolved() -> dict[str, str | None]:
    """The period that a monthly run publishes, for each way of starting it, from the very record that its tasks are given."""
    from airflow.sdk.api.datamodels._generated import DagRun

    found = {}
    for way, (run_type, logical_date, partition_key, conf) in WAYS.items():
        run = DagRun(
            dag_id="publish_monthly",
            run_id=way,
            run_type=run_type,
            logical_date=logical_date,
            # A run that somebody starts for a date carries the interval before it, one without a date carries none.
            data_interval_start=_APRIL - dt.timedelta(days=31) if run_type == "manual" and logical_date else logical_date,
            data_interval_end=logical_date,
            run_after=_NOW,
            start_date=_NOW,
            end_date=None,
            state="running",
            conf=conf,
            consumed_asset_events=[],
            partition_key=partition_key,
        )
        period = resolve("monthly", conf=run.conf, partition_key=run.partition_key, logical_date=run.logical_date)
        found[way] = period.code if period else None
    return found


def _asset_events() -> int:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        return session.scalar(select(func.count()).select_from(AssetEvent)) or 0


def _break(source_id: str) -> None:
    """Make the description of one source unreadable."""
    declared = catalogue.source

    def unreadable(asked: str) -> catalogue.Source:
        if asked == source_id:
            raise FraudlossError("no such key")
        return declared(asked)

    catalogue.source = unreadable  # type: ignore[assignment]


if __name__ == "__main__":
    if "--broken" in sys.argv:
        _break(sys.argv[-1])
    print(json.dumps({"describe": describe, "record": record, "resolved": resolved}[sys.argv[1]]()))
