"""Where the years of a ledger are computed: in this process, or in several.

In: how many workers. Out: a `concurrent.futures.Executor`; the same functions and the same results from each.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


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
    if workers == 1:
        return InProcess()
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules, "pipeline.aggregate.ledger"])
    return ProcessPoolExecutor(workers, mp_context=context)
