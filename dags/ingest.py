"""One DAG a source: fetch -> validate -> aggregate, every night at 02:00 UTC.

In: the catalogue of sources. Out: the DAGs `ingest_<source>`. A new source needs no line here. Between tasks go ids of snapshots
and views, never frames. `aggregate` is skipped when nothing changed, so that only new figures wake the summary DAGs. It runs
also when `validate` refused a file, with what was accepted; `nothing_refused` then makes the run red. So does `reconcile` where
the figures compare worse with published totals than they did; they are published all the same.
"""

from __future__ import annotations

import datetime as dt

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pipeline.dag_tasks import refusal_is_final, task_defaults
from pipeline.sources import catalogue

DESCRIBED = ("licence", "attribution", "unit_of_count", "loss_concept", "date_basis", "coverage", "calendar")


def described(source_id: str) -> tuple[str, str, str]:
    """Owner, documentation and country of a source's DAG.

    A source.yml that cannot be read must not take the other sources' DAGs with it: its own DAG stays, and fails with the reason.
    """
    try:
        source = catalogue.source(source_id)
        lines = [
            f"### {source.title}",
            f"{source.publisher}, {source.country}. [{source.meta['homepage']}]({source.meta['homepage']})",
            "",
            *(f"- **{key.replace('_', ' ')}**: {source.meta[key]}" for key in DESCRIBED if source.meta[key]),
            "",
            f"New files are laid into `data/raw/inbox/{source_id}/`. By hand: `fraudloss ingest {source_id} FILE`.",
        ]
        return str(source.meta["owner"]), "\n".join(lines), source.country
    except Exception as error:
        return "unknown", f"`source.yml` of {source_id} cannot be read: {error}", "broken"


def ingest_dag(source_id: str) -> DAG:
    """The DAG that takes in what arrived for one source."""
    owner, documentation, country = described(source_id)
    with DAG(
        dag_id=f"ingest_{source_id}",
        description=f"Take in, check and aggregate what arrived for {source_id}",
        doc_md=documentation,
        # Not the cron text alone: that would give a data interval of no length.
        schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
        start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["fraudloss", "ingest", country],
        default_args=task_defaults(owner, hours=1),
    ) as dag:

        @task
        def fetch() -> list[str]:
            """Ids of the snapshots taken from the inbox just now."""
            from pipeline import steps

            with refusal_is_final():
                return steps.ingest_inbox(source_id, data=steps.data_root())

        @task
        def validate() -> list[str]:
            """Ids of the snapshots validated just now. One task for all: Great Expectations costs seconds to import."""
            from pipeline import steps

            try:
                with refusal_is_final():
                    return steps.validate(source_id, data=steps.data_root())
            finally:
                # A refusal belongs in the Data Docs most of all; and what a killed run left behind is caught up with.
                steps.build_data_docs(data=steps.data_root())

        @task(outlets=[Asset(f"observations_{source_id}")], trigger_rule="all_done")
        def aggregate() -> str:
            """Id of the new view; skipped when the source says what it said before."""
            from pipeline import steps

            with refusal_is_final():
                view = steps.aggregate(source_id, data=steps.data_root())
            if view is None:
                raise AirflowSkipException(f"{source_id}: nothing changed, no new view.")
            return view

        @task(trigger_rule="all_done")
        def reconcile() -> None:
            """Fails while a figure compares worse with a published total than expected, and names it."""
            from pipeline import steps

            if worse := steps.regressions(source_id, data=steps.data_root()):
                raise AirflowFailException("\n".join(worse))

        validated = validate()
        fetch() >> validated >> aggregate() >> reconcile()
        # A run is as green as its last tasks, and `aggregate` may well succeed after a refusal.
        validated >> EmptyOperator(task_id="nothing_refused")
    return dag


for _source_id in catalogue.source_ids():
    globals()[f"ingest_{_source_id}"] = ingest_dag(_source_id)
