"""`python -m tests.recount_runs [CONF]...`: runs of the DAG that recounts the synthetic ledger, as one line of JSON.

In: the settings of `deploy.airflow_environment`, FRAUDLOSS_DATA and FRAUDLOSS_SOURCES in the environment; for each run its conf
as JSON. Out: on the last line of standard output, for each run its state, and of each task its name, its place in the mapping
and its state.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.ledger_demo import SOURCE
from deploy.run_dags import migrate


def runs(confs: list[str]) -> list[dict[str, Any]]:
    """What each run came to."""
    from airflow.dag_processing.dagbag import DagBag

    migrate(Path(os.environ["AIRFLOW_HOME"]))
    bag = DagBag(dag_folder=Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "ledgers.py")
    assert not bag.import_errors, bag.import_errors
    found = []
    for conf in confs:
        run = bag.dags[f"recount_{SOURCE}"].test(run_conf=json.loads(conf))
        tasks = [[each.task_id, each.map_index, str(each.state)] for each in run.get_task_instances()]
        found.append({"state": str(run.state), "tasks": sorted(tasks)})
    return found


if __name__ == "__main__":
    print(json.dumps(runs(sys.argv[1:])))
