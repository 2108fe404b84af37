"""Publishing many periods at once, in this process or in several.

In: a store, a frequency, periods, an engine. Out: the releases, and `Backfill`: what was done and what was left. The bytes are
the same for any engine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.executors import THIS_PROCESS, Engine, outcomes
from pipeline.model import FraudlossError, NothingToPublish, Period
from pipeline.publishing.candidates import Candidates, periods_between
from pipeline.publishing.records import periods_with_a_release
from pipeline.publishing.releases import Latest, Published

if TYPE_CHECKING:
    from pipeline.store import Store


@dataclasses.dataclass(frozen=True)
class Backfill:
    """What a backfill did, and what it left."""

    done: list[Published]
    without_figures: list[str]
    failures: list[str]
    left: list[str]  # periods that it did not come to, because it was told to stop


def backfill(
    store: Store,
    frequency: str,
    first: str,
    last: str,
    as_of: dt.date | None,
    engine: Engine = THIS_PROCESS,
    now: dt.datetime | None = None,
) -> Backfill:
    """Publish every period from `first` to `last`, both included; the bytes are the same for any engine.

    SIGINT and SIGTERM stop it: the periods at work are finished whole, the others are left. Run again, it goes on with them.
    """
    wanted = periods_between(frequency, first, last)
    store.recover()
    publish_each = _PublishEach(store.root.absolute(), as_of, now, uuid.uuid4().hex)
    # A day on which nothing was known is refused here, not period by period.
    candidates = _latest(publish_each).candidates if engine.is_this_process else Candidates(store, as_of, now)
    there = {*candidates.periods(frequency), *periods_with_a_release(store, frequency)}
    todo = [period for period in wanted if period in there]
    found: dict[str, Published | FraudlossError] = {}
    with _stop_signals() as stopped:
        codes = [period.code for period in todo]
        with contextlib.closing(outcomes(publish_each, codes, engine, stopped=stopped.is_set)) as results:
            for code, outcome in log.progress(results, f"backfill {frequency}", total=len(todo)):
                found[code] = outcome.tell() if isinstance(outcome, Published) else outcome
    vars(_of_thread).clear()
    return _summed_up(wanted, todo, found)


def _summed_up(wanted: list[Period], todo: list[Period], found: dict[str, Published | FraudlossError]) -> Backfill:
    empty = [code for code, outcome in found.items() if isinstance(outcome, NothingToPublish)]
    empty += [period.code for period in wanted if period not in todo]
    return Backfill(
        done=[outcome for outcome in found.values() if isinstance(outcome, Published)],
        without_figures=sorted(empty),
        failures=[str(o) for o in found.values() if isinstance(o, FraudlossError) and not isinstance(o, NothingToPublish)],
        left=[period.code for period in todo if period.code not in found],
    )


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, instead of ending the process in the middle of a period."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclasses.dataclass(frozen=True)
class _PublishEach:
    """What a worker is handed; called with the code of a period."""

    root: Path
    as_of: dt.date | None
    now: dt.datetime | None
    run: str  # names the backfill: a worker may outlive it

    def __call__(self, code: str) -> Published | FraudlossError:
        return _latest(self).publish(Period.parse(code))


_of_thread = threading.local()


def _latest(asked: _PublishEach) -> Latest:
    """The figures, looked up once for each backfill that the thread works for."""
    from pipeline.store import Store

    if getattr(_of_thread, "asked", None) != asked:
        _of_thread.latest, _of_thread.asked = Latest(Store(asked.root), asked.as_of, asked.now), asked
    return _of_thread.latest
