"""Where work is done: in this process, in several, or by the workers of a Dask cluster. The results are the same.

In: a task (any function that can be pickled), its items, and an `Engine`. Out: the result of each item, or why it has none: the
FraudlossError that the task raised, or WorkerDied. Each engine is a `concurrent.futures.Executor`.

A worker that dies takes no work with it: the item is computed again, with another worker. An item whose worker dies each time
is given up and named, and the others go on. Which of two items killed a worker cannot be known, so what was lost is tried again
alone before it is named.

A Dask worker computes only with the code that this process has, and reads the data root under the path that it has here.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import Any, Generic, ParamSpec, TypeVar

from pipeline import code_version
from pipeline.model import FraudlossError, UsageError

Arguments = ParamSpec("Arguments")
Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local"
ATTEMPTS_ALONE = 2
CONNECT_SECONDS = 10
# How long a cluster elsewhere may be without any worker: one that died is started again within seconds, on a busy machine in a
# minute. In a cluster of our own somebody is always at starting one; where the machine has much else to do, that takes its time.
WORKERLESS_SECONDS = 120
OWN_WORKERLESS_SECONDS = 600
WATCH_SECONDS = 5


class WorkerDied(FraudlossError):
    """A worker ended in the middle of an item."""


# ---------------------------------------------------------------------------------------------------------------- engines


@dataclass(frozen=True)
class Engine:
    """`workers` processes of this machine (1: this process itself), or the workers of a Dask cluster.

    `dask`: the address of its scheduler (`tcp://host:8786`), or LOCAL for a cluster of `workers` processes that lasts as long as
    the work. Raises UsageError.
    """

    workers: int = 1
    dask: str = ""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"{self.workers} workers: give 1 or more.")

    @property
    def is_this_process(self) -> bool:
        """Whether no other process takes part."""
        return not self.dask and self.workers == 1

    @property
    def is_elsewhere(self) -> bool:
        """Whether the workers may be on other machines."""
        return self.dask not in ("", LOCAL)

    def prepare(self, *modules: str) -> None:
        """Start what `executor` takes its processes from, so that it imports `modules` while this process prepares the work.

        Nothing is waited for. Whoever calls it twice or not at all has the same results; without work it costs the imports.
        """
        if not self.dask and not self.is_this_process:
            _fork_server(*modules)
            forkserver.ensure_running()

    @contextlib.contextmanager
    def executor(self, *modules: str, alone: bool = False) -> Iterator[Executor]:
        """The engine at work. Processes come from one that has imported `modules` and started no thread; `alone`: just one.

        Raises FraudlossError where no scheduler answers.
        """
        with contextlib.ExitStack() as opened:
            if self.dask:
                client = opened.enter_context(_client(self, 1 if alone else self.workers))
                pool: Executor = DaskWorkers(client, WORKERLESS_SECONDS if self.is_elsewhere else OWN_WORKERLESS_SECONDS)
            else:
                pool = InProcess() if self.is_this_process else _processes(1 if alone else self.workers, *modules)
            try:
                yield pool
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
            pool.shutdown()

    def memory_limits(self) -> list[int]:
        """Of each worker of a cluster elsewhere, the bytes that a task may take; a worker without a limit is left out."""
        with _client(self, 1) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            return [worker["memory_limit"] // worker["nthreads"] for worker in workers if worker["memory_limit"]]


THIS_PROCESS = Engine()


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


def _fork_server(*modules: str) -> Any:
    """The way to processes that are forked from one which has imported `modules`, unless it was started before, with others."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    return context


def _processes(workers: int, *modules: str) -> Executor:
    return ProcessPoolExecutor(workers, mp_context=_fork_server(*modules), initializer=_begin_as_a_worker)


def _leave_interrupts_to_the_first_process() -> None:
    """Ctrl-C reaches every process of the terminal; only the first one decides what becomes of the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_as_a_worker() -> None:
    """Ends with the first process, too: where that is killed, nobody else would ever end those that wait for its next task."""
    _leave_interrupts_to_the_first_process()
    if first := multiprocessing.parent_process():
        threading.Thread(target=_end_after, args=(first,), daemon=True).start()


def _end_after(first: Any) -> None:
    first.join()
    os._exit(1)


def dask_setup(worker: Any) -> None:
    """What each worker of a LOCAL cluster does first (Dask calls this by its name)."""
    _leave_interrupts_to_the_first_process()


# ------------------------------------------------------------------------------------------------------------------- Dask


@contextlib.contextmanager
def _client(engine: Engine, workers: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    # What becomes of an item is told by its outcome.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as opened:
        address: Any = engine.dask
        if engine.dask == LOCAL:
            # The scheduler tries an item again itself; as often as an item is tried alone in a pool of processes. A worker that
            # is started again on a busy machine gets the time that it needs.
            settings = {"scheduler.allowed-failures": ATTEMPTS_ALONE - 1, "comm.timeouts.connect": WORKERLESS_SECONDS}
            opened.enter_context(dask.config.set({f"distributed.{name}": value for name, value in settings.items()}))
            address = opened.enter_context(
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                    preload=__name__,
                )
            )
        try:
            client = opened.enter_context(Client(address, timeout=CONNECT_SECONDS, set_as_default=False))
        except (OSError, ValueError) as error:
            raise FraudlossError(
                f"{engine.dask}: no Dask scheduler answers ({error})."
                " Start one (`dask scheduler`), or name the address that it printed."
            ) from error
        yield client


class DaskWorkers(Executor):
    """The workers of a Dask cluster."""

    def __init__(self, client: Any, workerless_seconds: float) -> None:
        """`workerless_seconds`: how long they may all be gone."""
        self._client, self._workerless_seconds = client, workerless_seconds
        # Not pure: an item that is tried again is not what was found the first time.
        self._executor = client.get_executor(pure=False)
        self._without_workers_since: float | None = None

    def submit(self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Future[Result]:
        """A future of the cluster."""
        return self._executor.submit(_SameCode(fn, code_version.code_version(".")), *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what was submitted, or give it up: there may be no worker to wait for."""
        self._executor.shutdown(wait=wait and not cancel_futures)

    def threads(self) -> int:
        """How many tasks the cluster can compute at once now; 1 where it has no worker yet. Raises FraudlossError."""
        if threads := sum(self._client.nthreads().values()):
            self._without_workers_since = None
            return threads
        now = time.monotonic()
        self._without_workers_since = self._without_workers_since or now
        if now - self._without_workers_since > self._workerless_seconds:
            raise FraudlossError(
                f"the Dask cluster has had no worker for {self._workerless_seconds} s."
                f" Start some: `dask worker {self._client.scheduler.address}`."
            )
        return 1


@dataclass(frozen=True)
class _SameCode(Generic[Arguments, Result]):
    """A task that is computed by this code and by no other: a figure must not depend on who made it."""

    task: Callable[Arguments, Result]
    version: str

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if (found := code_version.code_version(".")) != self.version:
            raise FraudlossError(
                f"a Dask worker has the code {found} and was asked for that of {self.version}: install the same on every worker."
            )
        return self.task(*args, **kwargs)


# --------------------------------------------------------------------------------------------------------------- outcomes


def computed(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    engine: Engine,
    *,
    modules: Sequence[str] = (),
    name_of: Callable[[Item], str] = str,
) -> dict[Item, Result | FraudlossError]:
    """Item -> its outcome, in the order of the items; see `outcomes`."""
    ordered = list(items)
    found = dict(outcomes(task, ordered, engine, modules=modules, name_of=name_of))
    return {item: found[item] for item in ordered}


def outcomes(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    engine: Engine,
    *,
    modules: Sequence[str] = (),
    name_of: Callable[[Item], str] = str,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[tuple[Item, Result | FraudlossError]]:
    """Each item with its result or the FraudlossError that the task raised, as they come; any other error is raised.

    Once `stopped` says so, no item is begun; those at work are finished. An item that was at work with a worker that died is
    computed again after the others, alone; where that worker dies too, ATTEMPTS_ALONE times (in a Dask cluster elsewhere: as
    often as its `allowed-failures` say), the outcome is WorkerDied with the name of the item.
    """
    lost = []
    for item, outcome in _tried(task, deque(items), engine, modules, stopped):
        if isinstance(outcome, WorkerDied):
            lost.append(item)
        else:
            yield item, outcome
    for item in lost:
        if not stopped():
            yield item, _tried_alone(task, item, engine, modules, name_of(item))


def _tried(
    task: Callable[[Item], Result],
    waiting: deque[Item],
    engine: Engine,
    modules: Sequence[str],
    stopped: Callable[[], bool],
) -> Generator[tuple[Item, Result | FraudlossError]]:
    """Each item with its outcome, tried once. Only as many are handed out as are worked on: a stop leaves none in a queue."""
    while waiting and not stopped():
        with engine.executor(*modules) as pool:
            at_work: dict[Future[Result], Item] = {}
            while waiting or at_work:
                # A pool of processes that lost one takes nothing more: another pool goes on.
                with contextlib.suppress(BrokenExecutor):
                    while waiting and len(at_work) < _width(pool, engine) and not stopped():
                        at_work[pool.submit(task, waiting[0])] = waiting[0]
                        waiting.popleft()
                if not at_work:
                    break
                for future in _first_done(at_work, pool, engine):
                    yield at_work.pop(future), _outcome(future)


def _width(pool: Executor, engine: Engine) -> int:
    return pool.threads() if isinstance(pool, DaskWorkers) else engine.workers


def _first_done(at_work: Iterable[Future[Result]], pool: Executor, engine: Engine) -> set[Future[Result]]:
    """Those that are done, as soon as one is. Raises FraudlossError where no worker is left to do any."""
    while not (done := wait(at_work, WATCH_SECONDS, FIRST_COMPLETED).done):
        _width(pool, engine)
    return done


def _tried_alone(
    task: Callable[[Item], Result], item: Item, engine: Engine, modules: Sequence[str], name: str
) -> Result | FraudlossError:
    ends: list[str] = []
    # A Dask cluster tries again by itself.
    while len(ends) < (1 if engine.dask else ATTEMPTS_ALONE):
        with engine.executor(*modules, alone=True) as pool:
            before = set(multiprocessing.active_children())
            future = pool.submit(task, item)
            processes = set(multiprocessing.active_children()) - before
            _first_done([future], pool, engine)
            outcome = _outcome(future)
        if not isinstance(outcome, WorkerDied):
            return outcome
        ends.append(str(outcome) if engine.dask else ", ".join(map(_end, processes)))
    return WorkerDied(
        f"{name}: the worker that computed it died each time, also alone as it was: {'; '.join(ends)}."
        " Most likely memory did not suffice: use fewer workers, or more memory."
    )


def _end(process: multiprocessing.process.BaseProcess) -> str:
    code = process.exitcode or 0
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except FraudlossError as error:
        return error
    except BrokenExecutor as error:
        return WorkerDied(str(error))
    except Exception as error:
        # Not imported by name: without Dask nobody pays for it.
        if type(error).__name__ == "KilledWorker":
            return WorkerDied(f"{getattr(error, 'allowed_failures', 0) + 1} workers died")
        raise
