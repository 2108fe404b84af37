"""The settings under which this repository runs Airflow, for `make run` and for `make standalone`.

In: the folder that Airflow keeps its database and logs in. Out: environment variables. Standard library only: they have to be set
before anything of Airflow is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def airflow_environment(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of an Airflow that knows this repository's DAGs and nothing else.

    Settings of another Airflow on the same machine (`AIRFLOW_HOME`, `AIRFLOW__…`) are left out: its database is not ours.
    """
    kept = {name: value for name, value in inherited.items() if name != "AIRFLOW_HOME" and not name.startswith("AIRFLOW__")}
    search_path = os.pathsep.join([str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])])
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": search_path,
    }
