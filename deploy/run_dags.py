"""`python -m deploy.run_dags`: run every DAG once, here and now, in this one process, without a scheduler.

In: the DAGs of `dags/`, the data root (FRAUDLOSS_DATA or `data`). Out: what the DAGs write under the data root, one line a DAG on
the screen, and the exit code: 0, or 1 when a DAG failed. Airflow's own database and its talk go to `.airflow/run/`.

All ingest DAGs come first, then the summary DAGs, each in one run without a logical date, which publishes all that is due. One
process, because every further one would pay again for importing Airflow, pandas and Great Expectations.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from deploy.airflow_environment import REPOSITORY, airflow_environment

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from rich.console import Console

INGEST, PUBLISH = "ingest_", "publish_"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one run of a DAG."""

    dag_id: str
    state: str  # success or failed
    seconds: float
    results: dict[str, Any]  # task id -> what the task gave back, where it gave something
    errors: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return self.state != "success" or bool(self.errors)

    @property
    def worked(self) -> bool:
        return any(self.results.values())

    def line(self) -> str:
        """One plain line: the DAG, what came of it, how long it took."""
        word = "failed" if self.failed else "done" if self.worked else "nothing new"
        return f"{self.dag_id:<28} {word:<12} {self.seconds:6.1f} s"


# ------------------------------------------------------------------------------------------------ what Airflow needs


@contextlib.contextmanager
def airflow_talk_to(log: Path) -> Iterator[IO[str]]:
    """Send all that this process prints to `log`, and give the real standard output for our own few lines.

    On the level of file descriptors, because Airflow binds its loggers to the streams as early as it is imported.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    streams = [os.dup(1), os.dup(2)]
    with log.open("w") as file, os.fdopen(os.dup(1), "w") as screen:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield screen
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, stream in enumerate(streams, start=1):
                os.dup2(stream, number)
                os.close(stream)


@contextlib.contextmanager
def alone_in(home: Path, screen: IO[str]) -> Iterator[None]:
    """Hold Airflow's home for this run: a run without a logical date replaces the one before it, even one that still goes on."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run is at work: waiting for it to end", file=screen, flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def migrate(home: Path) -> None:
    """Make Airflow's SQLite database, or bring it up to the installed version; nothing where that was done before."""
    import airflow

    stamp = home / "migrated"
    if stamp.exists() and (home / "airflow.db").exists() and stamp.read_text() == airflow.__version__:
        return
    from airflow.utils.db import upgradedb

    upgradedb()
    stamp.write_text(airflow.__version__)


def dags_to_run() -> tuple[list[DAG], dict[str, str]]:
    """The DAGs of the folder in the order in which they run, and the files that could not be imported with the reason."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=REPOSITORY / "dags")
    ordered = [bag.dags[name] for prefix in (INGEST, PUBLISH) for name in sorted(bag.dags) if name.startswith(prefix)]
    return ordered, dict(bag.import_errors)


# ------------------------------------------------------------------------------------------------------ running them


def run(dag: DAG) -> Outcome:
    """Run one DAG with `dag.test()`. Never raises for what goes wrong inside it."""
    errors: list[str] = []

    def keep_error(context: Any) -> None:
        errors.append(f"{context['task_instance'].task_id}: {context.get('exception')}")

    for task in dag.task_dict.values():
        # Nobody waits five minutes in front of a terminal: the next `make run` is the retry.
        task.retries = 0
        task.on_failure_callback = [keep_error]
    began = time.monotonic()
    results: dict[str, Any] = {}
    try:
        ran = dag.test(logical_date=None)
        state, results = str(ran.state), returned(ran)
    except Exception as error:
        traceback.print_exc()
        state = "failed"
        errors.append(f"{type(error).__name__}: {error}")
    if state != "success" and not errors:
        errors.append("ended without saying why: see the log")
    return Outcome(dag.dag_id, state, time.monotonic() - began, results, tuple(errors))


def returned(ran: Any) -> dict[str, Any]:
    """What the tasks of a run gave back, by task id."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        rows: Any = session.scalars(XComModel.get_many(run_id=ran.run_id, dag_ids=ran.dag_id, key="return_value"))
        return {row.task_id: XComModel.deserialize_value(row) for row in rows}


def run_all(dags: list[DAG], console: Console) -> list[Outcome]:
    """Run the DAGs one after the other, telling of each; with a progress bar on a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    outcomes = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=len(dags))
        for dag in dags:
            progress.update(bar, description=dag.dag_id)
            outcomes.append(run(dag))
            console.print(outcomes[-1].line(), highlight=False, markup=False)
            progress.advance(bar)
    return outcomes


def summary(outcomes: list[Outcome]) -> str:
    """The closing line: how much was taken in and published, or that there was nothing to do."""
    if not any(outcome.worked for outcome in outcomes):
        return "nothing new: no work done"
    counted = {"fetch": "new snapshots", "validate": "snapshots judged", "publish": "releases published"}
    counts = {words: sum(len(each.results.get(task) or ()) for each in outcomes) for task, words in counted.items()}
    index = "; the index of the site was rewritten" if any(each.results.get("index") for each in outcomes) else ""
    return ", ".join(f"{words}: {count}" for words, count in counts.items()) + index


def main(arguments: list[str] | None = None) -> int:
    """Run everything. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.run_dags", description="Run every DAG once, in this process.")
    parser.add_argument("--home", type=Path, default=REPOSITORY / ".airflow" / "run", help="Airflow's database and logs")
    home = parser.parse_args(arguments).home.resolve()
    os.environ.update(airflow_environment(home, os.environ))
    for name in os.environ.keys() - airflow_environment(home, os.environ).keys():
        del os.environ[name]
    log = home / "logs" / "run_dags.log"
    print("starting Airflow", flush=True)
    with airflow_talk_to(log) as screen, alone_in(home, screen):
        try:
            return run_and_tell(home, log, screen)
        except Exception as error:
            traceback.print_exc()
            print(f"Airflow did not start: {type(error).__name__}: {error}. Its log: {log}", file=screen)
            return 1


def run_and_tell(home: Path, log: Path, screen: IO[str]) -> int:
    """Migrate, run, and say what came of it. Gives the exit code."""
    from rich.console import Console

    migrate(home)
    console = Console(file=screen, soft_wrap=True)
    dags, unreadable = dags_to_run()
    outcomes = run_all(dags, console)
    errors = [f"{file}: {reason}" for file, reason in unreadable.items()]
    errors += [f"{outcome.dag_id}, {error}" for outcome in outcomes for error in outcome.errors]
    for error in errors:
        console.print(f"\n{error}", highlight=False, markup=False)
    console.print(f"\n{summary(outcomes)}", highlight=False, markup=False)
    if errors:
        console.print(f"{len(errors)} failed, see above. All that was logged: {log}", highlight=False, markup=False)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
