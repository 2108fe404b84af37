"""The settings under which this repository runs Airflow, for `make run` and for `make standalone`.

In: the folder that Airflow keeps its database and logs in. Out: environment variables. Standard library only: they have to be set
before anything of Airflow is imported.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]


class _PatientCursor(sqlite3.Cursor):
    """Takes the lock for writing before a savepoint, not in its middle.

    SQLite refuses at once, however long one would wait, to let a transaction write that has read what another process changed
    since. `airflow backfill create` reads and writes in a savepoint for each run: while the scheduler was at work it broke off
    with "database is locked" among twelve runs in most cases.
    """

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement.startswith("SAVEPOINT") and not self.connection.in_transaction:
            super().execute("BEGIN IMMEDIATE")
        return super().execute(statement, *parameters)


class _PatientConnection(sqlite3.Connection):
    def cursor(self, factory: Any = _PatientCursor) -> Any:
        return super().cursor(factory)


# Seconds that a process waits for others to finish writing; the default is 5.
SQLITE_CONNECT = {"timeout": 60, "factory": _PatientConnection}


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
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "deploy.airflow_environment.SQLITE_CONNECT",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": search_path,
    }
