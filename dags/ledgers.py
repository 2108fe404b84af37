"""One DAG a ledger: count again what is not counted yet, each year in a task of its own, then make the view.

In: the catalogue of sources. Out: the DAG `recount_<source>` for each that is a ledger, started by hand: after its history was
delivered, its rates were revised or its declarations changed. Where tasks run on several workers (Celery, Kubernetes), these
share the years; they need the data root under one path, on a file system whose locks hold between machines. A night needs no
such run: `ingest_<source>` counts the few periods that are new.

Between tasks go names of years and ids of views, never frames. A year that cannot be counted fails its own task and stops no
other: the view is made of what there is.
"""

from __future__ import annotations

import contextlib
import datetime as dt

from airflow.sdk import DAG, Asset, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.dag_tasks import refusal_is_final, task_defaults
from pipeline.sources import catalogue

DOCUMENTATION = """
Counts what is not counted yet of {source_id}, each year in a task of its own, and makes the view.

conf `{{"years": ["2023", "2024"]}}` counts these years so; all that is left is then counted with the view, in one task.
"""


def recount_dag(source_id: str) -> DAG:
    """The DAG that counts the years of a ledger side by side."""
    with DAG(
        dag_id=f"recount_{source_id}",
        description=f"Count the years of {source_id} side by side",
        doc_md=DOCUMENTATION.format(source_id=source_id),
        schedule=None,
        start_date=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["fraudloss", "recount"],
        params={"years": Param(None, type=["null", "array"], description="only these years, such as 2024")},
        default_args=task_defaults(hours=2),
    ) as dag:

        @task
        def years() -> list[str]:
            """The years of which something is to be counted."""
            from pipeline import steps

            wanted = (get_current_context()["dag_run"].conf or {}).get("years")
            found = steps.years_to_count(source_id, data=steps.data_root())
            return [year for year in found if wanted is None or year in map(str, wanted)]

        @task(map_index_template="{{ year }}")
        def count(year: str) -> list[str]:
            """The periods of the year that were counted."""
            from pipeline import steps

            # What the task is called in the browser.
            get_current_context()["year"] = year  # type: ignore[typeddict-unknown-key]
            with refusal_is_final():
                return steps.count_year(source_id, year, data=steps.data_root())

        # Also where a year failed or none was left to count.
        @task(outlets=[Asset(f"observations_{source_id}")], trigger_rule="all_done")
        def aggregate() -> str:
            """Id of the new view; skipped when the ledger says what it said before."""
            from pipeline import steps

            with refusal_is_final():
                view = steps.aggregate(source_id, data=steps.data_root(), workers=1)
            if view is None:
                raise AirflowSkipException(f"{source_id}: nothing changed, no new view.")
            return view

        count.expand(year=years()) >> aggregate()
    return dag


def ledger_ids() -> list[str]:
    """The sources that are ledgers. One that cannot be read has its ingest DAG say so."""
    found = []
    for source_id in catalogue.source_ids():
        with contextlib.suppress(Exception):
            if catalogue.source(source_id).is_ledger:
                found.append(source_id)
    return found


for _source_id in ledger_ids():
    globals()[f"recount_{_source_id}"] = recount_dag(_source_id)
