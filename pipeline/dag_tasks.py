"""What the tasks of all DAGs have in common: when a failure is final, and how often and how long a task is tried.

In: nothing. Out: a context manager and the `default_args` of a DAG. It is here, not in `dags/`, because what is installed can be
imported by a DAG file however that is loaded. Airflow's exceptions and `pipeline.model` only, because DAG files import it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from pipeline.model import FraudlossError

RETRIES, RETRY_DELAY = 2, dt.timedelta(minutes=5)


@contextlib.contextmanager
def refusal_is_final() -> Iterator[None]:
    """Fail the task without a retry where a step refuses: the same file or question would be refused again.

    Anything else that a step raises (a full disk, a killed worker) is left to the retries of the task.
    """
    try:
        yield
    except FraudlossError as refusal:
        raise AirflowFailException(str(refusal)) from refusal


def task_defaults(owner: str = "fraudloss", *, hours: int) -> dict[str, Any]:
    """The `default_args` of a DAG whose tasks take at most so many hours."""
    return {
        "owner": owner,
        "retries": RETRIES,
        "retry_delay": RETRY_DELAY,
        "execution_timeout": dt.timedelta(hours=hours),
    }
