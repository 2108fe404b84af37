"""One DAG a frequency: publish the period of the run, or all that is due, then the index of the site; and one for embargoes.

In: the catalogue of sources, whose assets wake these DAGs. Out: the DAGs `publish_annual`, `publish_quarterly` and
`publish_monthly`; the same once more as `partition_<frequency>` for events of the asset `periods_<frequency>` that carry a
partition key, because Airflow hands these, and keys given by hand, to DAGs with a partitioned schedule only; and
`publish_embargoed`, which lets releases speak whose embargo has passed.
Embargoes are compared with the moment at which a run was due (`run_after`), which is the run's own, not the machine's clock.
Which period a run publishes is decided in `pipeline.run_period` and nowhere else.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import (
    DAG,
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    Param,
    PartitionedAssetTimetable,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.dag_tasks import refusal_is_final, task_defaults
from pipeline.model import NothingToPublish, Period
from pipeline.run_period import as_of_day, resolve
from pipeline.sources import catalogue

# One hour after the nightly ingest of the first day that follows the period.
SCHEDULES = {"annual": "0 3 1 1 *", "quarterly": "0 3 1 1,4,7,10 *", "monthly": "0 3 1 * *"}

DOCUMENTATION = """
Publishes {frequency} summaries. Which period a run publishes:

| started by | publishes |
|---|---|
| conf `{{"period": "{example}"}}` | that period |
| a partition key (`partition_{frequency}`) | the period of that name, or the one that holds that day |
| the timetable, a backfill, or a trigger with a logical date | the period that holds the logical date |
| new figures of a source | all that is due |
| a trigger without a logical date | all that is due |

conf `{{"as_of": "2025-05-23"}}` publishes what would have been published on that day. A run that finds nothing to publish is
skipped, with the reason in its log. The form in the browser fills in a logical date: clear it, or give a period.

Backfill: `airflow backfill create --dag-id publish_{frequency} --from-date A --to-date B`. Both ends are instants and both are
included: end with the time, as in `2024-03-31T23:59:59`. `fraudloss plan --frequency {frequency} --from P --to P` says
what it would do.
"""
EXAMPLES = {"annual": "2025", "quarterly": "2025-Q1", "monthly": "2025-04"}


def waking_schedule(frequency: str) -> AssetOrTimeSchedule:
    """After the end of each period, and whenever a source has new figures."""
    return AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable(SCHEDULES[frequency], timezone="UTC"),
        assets=AssetAny(*(Asset(f"observations_{source_id}") for source_id in catalogue.source_ids())),
    )


def summary_dag(frequency: str, dag_id: str, schedule: AssetOrTimeSchedule | PartitionedAssetTimetable) -> DAG:
    """A DAG that publishes the summaries of one frequency."""
    with DAG(
        dag_id=dag_id,
        description=f"Publish {frequency} summaries, and republish what new figures revised",
        doc_md=DOCUMENTATION.format(frequency=frequency, example=EXAMPLES[frequency]),
        schedule=schedule,
        # Before the first period of any source, so that every period can be backfilled.
        start_date=dt.datetime(1990, 1, 1, tzinfo=dt.UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["fraudloss", "publish", frequency],
        params={
            "period": Param(None, type=["null", "string"], description=f"a period such as {EXAMPLES[frequency]}"),
            "as_of": Param(None, type=["null", "string"], format="date", description="publish as known on this day"),
        },
        default_args=task_defaults(hours=2),
    ) as dag:

        def one(period: Period, as_of: dt.date | None, now: dt.datetime, *, asked: bool) -> list[str]:
            """The release of one period. A date without figures is no failure; a period that somebody asked for is."""
            from pipeline import steps

            try:
                release = steps.publish(frequency, period.code, data=steps.data_root(), as_of=as_of, now=now)
            except NothingToPublish as nothing:
                if asked:
                    raise
                raise AirflowSkipException(str(nothing)) from nothing
            return [release] if release else []

        @task
        def publish() -> list[str]:
            """Ids of the releases published just now; skipped when there are none."""
            from pipeline import steps

            run = get_current_context()["dag_run"]
            with refusal_is_final():
                as_of = as_of_day(run.conf)
                period = resolve(frequency, conf=run.conf, partition_key=run.partition_key, logical_date=run.logical_date)
                if period is None:
                    releases = steps.publish_due(frequency, data=steps.data_root(), as_of=as_of, now=run.run_after)
                else:
                    releases = one(period, as_of, run.run_after, asked=bool((run.conf or {}).get("period")))
            if not releases:
                raise AirflowSkipException(f"{period or frequency}: all that is due is published already.")
            return releases

        # Also after a skip: an index that an earlier run left behind is caught up with.
        @task(trigger_rule="none_failed")
        def index() -> bool:
            """Whether any page of the site's index was rewritten."""
            from pipeline import steps

            with refusal_is_final():
                return steps.build_site(data=steps.data_root(), now=get_current_context()["dag_run"].run_after)

        publish() >> index()
    return dag


def embargo_dag() -> DAG:
    """The DAG that lets releases speak whose embargo has passed: nothing new need arrive for that."""
    with DAG(
        dag_id="publish_embargoed",
        description="Let the releases speak whose embargo has passed",
        schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
        start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["fraudloss", "publish"],
        default_args=task_defaults(hours=2),
    ) as dag:

        @task
        def publish() -> list[str]:
            """Ids of the releases published just now; skipped while no embargo has passed."""
            from pipeline import steps

            now, data = get_current_context()["dag_run"].run_after, steps.data_root()
            with refusal_is_final():
                if not steps.embargoes(now, data=data).have_passed:
                    raise AirflowSkipException("no embargo has passed.")
                releases = [name for frequency in SCHEDULES for name in steps.publish_due(frequency, data=data, now=now)]
                steps.build_site(data=data, now=now)
            return releases

        publish()
    return dag


for _frequency in SCHEDULES:
    globals()[f"publish_{_frequency}"] = summary_dag(_frequency, f"publish_{_frequency}", waking_schedule(_frequency))
    globals()[f"partition_{_frequency}"] = summary_dag(
        _frequency, f"partition_{_frequency}", PartitionedAssetTimetable(assets=Asset(f"periods_{_frequency}"))
    )
publish_embargoed = embargo_dag()
