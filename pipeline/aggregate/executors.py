"""Where the years of a ledger are computed: in this process, or in several.

In: a task, its items, and how many workers. Out: the result of each item, the same from any number of workers, or why it has
none.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

from pipeline.model import FraudlossError

Arguments = ParamSpec("Arguments")
Item = TypeVar("Item")
Result = TypeVar("Result")
ATTEMPTS_ALONE = 2


class WorkerDied(FraudlossError):
    """A worker process ended in the middle of an item."""


class InProcess(Executor):
    """Computes each task when it is submitted, in this process."""

    def submit(self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Future[Result]:
        """A future that is done."""
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def executor(workers: int, *modules: str) -> Executor:
    """One worker: this process. Several: as many processes, forked from one that has imported `modules` and started no thread."""
    return InProcess() if workers == 1 else _processes(workers, *modules)


def _processes(workers: int, *modules: str) -> Executor:
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules, "pipeline.aggregate.ledger"])
    return ProcessPoolExecutor(workers, mp_context=context)


def computed(task: Callable[[Item], Result], items: Iterable[Item], workers: int) -> dict[Item, Result | FraudlossError]:
    """Item -> its result, or the FraudlossError that the task raised; an item that fails does not stop the others.

    Where a worker dies, which item killed it cannot be known. So all that was lost is computed again, each item in a process of
    its own, twice at most; an item whose own process died twice gets WorkerDied. Any other error is raised.
    """
    with executor(workers) as pool:
        futures = {item: pool.submit(task, item) for item in items}
        found: dict[Item, Result | FraudlossError] = {item: _outcome(future) for item, future in futures.items()}
    for item in [item for item, outcome in found.items() if isinstance(outcome, WorkerDied)]:
        for _ in range(ATTEMPTS_ALONE):
            if isinstance(found[item], WorkerDied):
                with _processes(1) as pool:
                    found[item] = _outcome(pool.submit(task, item))
        if isinstance(found[item], WorkerDied):
            found[item] = WorkerDied(
                f"{item}: the process that computed it died {ATTEMPTS_ALONE} times, alone as it was. Most likely memory did not"
                " suffice: use fewer workers, or more memory."
            )
    return found


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except FraudlossError as error:
        return error
    except BrokenExecutor as error:
        return WorkerDied(str(error))
