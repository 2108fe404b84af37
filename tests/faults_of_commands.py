"""The commands that no nightly run gives, and what changes without a file: what `python -m tests.faults --commands` breaks.

In: an empty folder. Out: histories (`tests.faults.History`), each a few commands on a small data root: a file and an address that
are taken in, a single period and a stretch of them that are published, as of a day too; an embargo that is set, extended, passed
and lifted; quarantine that is replayed; a declared correction; a file that is refused and accepted again, so that its periods are
withdrawn and come back; one that is dated anew, and one that is moved away. A command that lifts an embargo makes the releases of
all frequencies; pages of the site, and what else follows of itself, are written by the steps of a run, each point of which is
broken there.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline import quarantine, steps
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError
from pipeline.quarantine import Chosen
from pipeline.sources import catalogue
from pipeline.store import Store
from tests import faults
from tests.faults import FIRST, SECOND, SHIPPED, History, Step, Subject, copy
from tests.ledger_sample import forget

BANKING, CAFC = "internet_banking", "cafc"
FIGURES = Subject((BANKING,), (("quarterly", "2014-Q2"),), dt.date(2014, 12, 31))
RECORDS = Subject((CAFC,), (("monthly", "2023-10"),), dt.date(2026, 1, 1))
HELD = ("quarterly", "2015-Q2")
BEFORE, UNTIL, LATER, AFTER = (dt.datetime(2015, 9, day, tzinfo=dt.UTC) for day in (4, 10, 20, 30))
THIRD = "2016-03-03-annual-2015.csv"


def of_commands(folder: Path) -> Iterator[History]:
    """Each history in a folder of its own."""
    others = (_of_a_day_set_right, _of_a_file_moved_away, _of_a_suite, _of_records, _of_a_correction)
    for made in (*_FEW, *others):
        yield from made(folder / made.__name__.removeprefix("_of_"))


def of_few_commands(folder: Path) -> Iterator[History]:
    """Those that cost little to bring about: files that are taken in, single periods, and embargoes."""
    for made in _FEW:
        yield from made(folder / made.__name__.removeprefix("_of_"))


def _history(folder: Path, name: str, start: Path, commands: dict[str, Step], subject: Subject = FIGURES) -> History:
    (folder / name).mkdir(parents=True)
    return History(subject, folder / name, start, commands)


def _root(folder: Path) -> Path:
    """A data root with the first file, which nobody has looked at."""
    inbox = folder / "start" / "raw" / "inbox" / BANKING
    inbox.mkdir(parents=True)
    shutil.copyfile(SHIPPED / FIRST, inbox / FIRST)
    (inbox / "deliveries.csv").write_text(f"{faults.HEADER}{FIRST},2014-09-04,provisional,true,as shipped,\n")
    return folder / "start"


def _run(source_id: str, *publishing: str) -> dict[str, Step]:
    """The steps of a run over a source that publishes these frequencies. That a file of it is refused ends none of them."""

    def to_the_end(root: Path, step: Step) -> None:
        with contextlib.suppress(FraudlossError):
            step(root)

    names = [*(f"{step} {source_id}" for step in ("ingest", "validate", "aggregate")), "data docs"]
    found = faults.all_steps((source_id,))
    return {
        name: functools.partial(to_the_end, step=found[name]) for name in [*names, *(f"publish {each}" for each in publishing)]
    }


# ------------------------------------------------------------------------------------------------- files, single periods


def _of_files(folder: Path) -> Iterator[History]:
    """Taken in one by one; then single periods, and a stretch of them."""
    start = _root(folder)
    with _served(SHIPPED) as address, _sources_where(folder / "sources", BANKING, fetched_from_here=True):
        about = {"edition": "provisional", "extract": True}
        taking: dict[str, Step] = {
            "ingest a file": lambda root: steps.ingest(BANKING, str(SHIPPED / FIRST), data=root, published="2014-09-04", **about),
            "ingest an address": lambda root: steps.ingest(
                BANKING, f"{address}/{SECOND}", data=root, published="2015-09-03", **about
            ),
        }
        taken = _history(folder, "taking in", start, taking)
        yield taken
        judged = copy(taken.end, folder / "judged")
        steps.run_source(BANKING, data=judged)

        day = dt.date(2014, 12, 31)
        single: dict[str, Step] = {
            "publish as of a day": lambda root: steps.publish("quarterly", "2014-Q2", data=root, as_of=day),
            "publish": lambda root: steps.publish("quarterly", "2014-Q2", data=root),
            "backfill as of a day": lambda root: steps.backfill("quarterly", "2013-Q3", "2013-Q4", data=root, as_of=day),
            "backfill": lambda root: steps.backfill("quarterly", "2013-Q3", "2014-Q2", data=root),
        }
        yield _history(folder, "single periods", judged, single)


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address under which a server of its own gives the files of a folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def _sources_where(folder: Path, source_id: str, *, correction: str = "", fetched_from_here: bool = False) -> Iterator[None]:
    """The sources with another line in one's `corrections.csv`, or fetched from this machine, as long as the block lasts."""
    before = catalogue.SOURCES
    shutil.copytree(before, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if correction:
        header = "file,cell,expect,action,value,reason,source\n"
        (folder / source_id / "corrections.csv").write_text(f"{header}{correction}\n")
    if fetched_from_here:
        declared = folder / source_id / "source.yml"
        declared.write_text(declared.read_text() + "\nfetch: {allow_private: true, expects: [csv], attempts: 1}\n")
    catalogue.SOURCES = folder
    os.environ["FRAUDLOSS_SOURCES"] = str(folder)
    forget()
    try:
        yield
    finally:
        catalogue.SOURCES = before
        del os.environ["FRAUDLOSS_SOURCES"]
        forget()


# ---------------------------------------------------------------------------------------------------------------- embargoes


def _of_embargoes(folder: Path) -> Iterator[History]:
    """Set, extended and passed; and lifted before its time."""
    start = _root(folder)
    faults.run((BANKING,), start)
    faults.bring_another_file(start)
    steps.run_source(BANKING, data=start)

    def hold(root: Path) -> None:
        steps.embargo(*HELD, until=UNTIL, reason="to be broken", now=BEFORE, data=root)

    def extend(root: Path) -> None:
        steps.decide_on_embargo(*HELD, until=LATER, reason="to be broken", now=BEFORE, data=root)

    def lift(root: Path) -> None:
        steps.decide_on_embargo(*HELD, lift=True, reason="to be broken", now=BEFORE, data=root)
        for frequency in PUBLISHED_FREQUENCIES:
            steps.publish_due(frequency, data=root, now=BEFORE)

    def night(root: Path, now: dt.datetime) -> None:
        steps.publish_due(HELD[0], data=root, now=now)

    waiting = _history(
        folder,
        "until its time",
        start,
        {
            "publish under embargo": hold,
            "embargo extend": extend,
            "a night before": lambda root: night(root, BEFORE),
            "its time comes": lambda root: night(root, AFTER),
        },
    )
    yield waiting
    yield _history(folder, "lifted", waiting.before["its time comes"], {"embargo lift": lift})


_FEW = (_of_files, _of_embargoes)


# ------------------------------------------------------------------------------------------- what becomes of a file later


def _of_a_day_set_right(folder: Path) -> Iterator[History]:
    """The operator moves a file away that was taken in with a wrong day, and brings it with the right one."""
    start = _root(folder)
    faults.run((BANKING,), start)
    again = copy(start, folder / "again")
    (snapshot,) = Store(again).snapshots(BANKING)
    shutil.rmtree(again / "raw" / BANKING / snapshot.id)
    listed = again / "raw" / "inbox" / BANKING / "deliveries.csv"
    listed.unlink()
    listed.write_text(f"{faults.HEADER}{FIRST},2014-09-05,provisional,true,as shipped,\n")
    yield _history(folder, "redated", again, _run(BANKING, "annual"))


def _of_a_file_moved_away(folder: Path) -> Iterator[History]:
    """A file that was refused, and should not be there, is moved away with its verdict."""
    start = _root(folder)
    wrong = folder / "wrong.csv"
    wrong.write_bytes(b"no table")
    with contextlib.suppress(FraudlossError):
        steps.ingest(BANKING, str(wrong), data=start, published="2014-09-01", extract=True)
    for step in _run(BANKING).values():
        step(start)
    again = copy(start, folder / "again")
    (refused,) = [item for item in Store(again).snapshots(BANKING) if item.file == wrong.name]
    shutil.rmtree(again / "raw" / BANKING / refused.id)
    Store(again).verdict_path(BANKING, refused.id).unlink()
    yield _history(folder, "moved away", again, _run(BANKING))


def _of_a_suite(folder: Path) -> Iterator[History]:
    """A suite refuses the only file: its periods are withdrawn. The suite as it was lets them speak again."""
    start = _root(folder)
    faults.run((BANKING,), start)
    before = steps.SUITES
    try:
        steps.SUITES = _refusing(folder / "expectations")
        withdrawn = _history(folder, "withdrawn", start, _run(BANKING, "quarterly"))
        if not any(b'"withdrawn"' in path.read_bytes() for path in withdrawn.end.glob("processed/releases/*/*/current.json")):
            raise AssertionError("no period was withdrawn: this history breaks nothing")
        yield withdrawn
        steps.SUITES = before
        yield _history(folder, "back again", withdrawn.end, _run(BANKING, "quarterly"))
    finally:
        steps.SUITES = before


def _refusing(folder: Path) -> Path:
    """Suites by which too few rows are none."""
    shutil.copytree(steps.SUITES, folder)
    path = folder / f"{BANKING}.json"
    before, rule, after = path.read_text(encoding="utf-8").partition("expect_table_row_count_to_be_between")
    if (least := '{"min_value": 1}') not in after:
        raise ValueError(f"{path.name} has no rule any more on the number of rows")
    path.write_text(before + rule + after.replace(least, '{"min_value": 1000}', 1), encoding="utf-8")
    return folder


# ------------------------------------------------------------------------------------------------------------------ records


def _records_root(folder: Path) -> Path:
    """A month of records, of which one is set aside."""
    inbox = folder / "start" / "raw" / "inbox" / CAFC
    inbox.mkdir(parents=True)
    (inbox / "reports.csv").write_bytes(faults.records(("2023-10",)))
    (inbox / "deliveries.csv").write_text(f"{faults.HEADER}reports.csv,2024-03-15,unknown,true,a fixture,\n")
    steps.run_source(CAFC, data=folder / "start")
    return folder / "start"


def _of_records(folder: Path) -> Iterator[History]:
    """Quarantine is replayed under a suite that sets other rows aside."""
    start = _records_root(folder)
    before = steps.SUITES
    try:
        steps.SUITES = faults.other_suites(folder / "expectations")
        commands: dict[str, Step] = {
            "quarantine replay": lambda root: quarantine.replay(Chosen(source=CAFC), data=root),
        }
        yield _history(folder, "replayed", start, commands, RECORDS)
    finally:
        steps.SUITES = before


def _of_a_correction(folder: Path) -> Iterator[History]:
    """A cell of a record is declared wrong: the file is judged again."""
    start = _records_root(folder)
    reports = (start / "raw" / "inbox" / CAFC / "reports.csv").read_text(encoding="utf-8-sig").splitlines()
    date = reports[1].split(",")[1]
    with _sources_where(folder / "sources", CAFC, correction=f"reports.csv,B2,{date},replace,2023-10-28,to be broken,nowhere"):
        yield _history(folder, "corrected", start, _run(CAFC), RECORDS)
