"""`python -m tests.faults`: break runs in every way, and look whether everything still holds.

In: two shipped files and a record-level fixture, or (`--ledger`) month files of a synthetic ledger, in data roots of its own.
Out: on the last line of standard output one JSON object: fault -> how many times it was tried; before it a sentence for each
promise that was broken, and then exit code 1.

Every change of the disk goes through `pipeline.atomic.before_change`. Here a run is killed (SIGKILL, with half of a file
written) at each of these points in turn and at random times, the disk is full from each of them on, a file of each kind is taken
away at some of them, and runs meet. The runs are real processes, forked from one that has everything imported. What is computed
is computed once, by the undisturbed run; what is written is written each time. Four histories are broken: the first run on an
empty store, a run that replaces what is there (a new file, a suite that sets other rows aside), a run that makes a release under
embargo, and the one that lets it speak. Of a ledger four: its first months, a year of it that is counted by itself, rows of it
that are judged again, and a later file of one of its months. `--commands` breaks all other commands that write
(`tests.faults_of_commands`).

After each fault: every release that speaks can be read whole; `verify` finds nothing; nothing that was in `data/raw` is lost; the
same step, run again, ends with the same files, byte for byte, as an undisturbed run, and nothing beside them.

`--every N` tries every Nth point and the first and last of each step only; `--sample N` every Nth of all points of a few commands
together, and nothing else; `--times N`: N times runs meet, each kind of file
is taken away at N points, and 4 N runs are killed at random times (`--seed`).
"""

from __future__ import annotations

import argparse
import contextlib
import copy as copying
import csv
import dataclasses
import datetime as dt
import errno
import functools
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ledger_demo import FIRST_DELIVERY, SECOND_DELIVERY, write_list, write_month
from benchmarks.ledger_demo import SOURCE as LEDGER_SOURCE
from benchmarks.ledger_demo import SOURCES as SYNTHETIC_SOURCES
from benchmarks.ledger_demo import file_name as file_name_of
from pipeline import atomic, embargoes, quarantine, steps, verification
from pipeline.frames import observations_table
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, NothingToPublish, Period
from pipeline.publish import release
from pipeline.publish.languages import LANGUAGES, file_name
from pipeline.seals import parquet_bytes
from pipeline.sources import catalogue
from pipeline.store import Store
from pipeline.validate import verdict
from tests.ledger_sample import declared_in

if TYPE_CHECKING:
    import pandas as pd

REPOSITORY = Path(__file__).parents[1]
SHIPPED = REPOSITORY / "data" / "raw" / "inbox" / "internet_banking"
LEDGER_MONTHS, LEDGER_ROWS = ("2024-11", "2024-12"), 20_000
RECORDS = REPOSITORY / "tests" / "fixtures" / "cafc" / "accented.csv"
HEADER = "file,published,edition,extract,origin,note\n"
FIRST, SECOND = "2014-09-04-half-year-2014.csv", "2015-09-03-half-year-2015.csv"
SECONDS_FOR_A_CHILD = 120
DONE, REFUSED, BROKEN = 0, 1, 70

Step = Callable[[Path], Any]
Hook = Callable[[str, Path], None]


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is broken: sources, periods of theirs that a backfill publishes, and a day as of which it does."""

    sources: tuple[str, ...]
    periods: tuple[tuple[str, str], ...]
    as_of: dt.date


FILES = Subject(
    ("cafc", "internet_banking"), (("monthly", "2023-11"), ("monthly", "2023-10"), ("annual", "2013")), dt.date(2026, 1, 1)
)
LEDGER = Subject((LEDGER_SOURCE,), (("monthly", "2024-12"), ("monthly", "2024-11"), ("annual", "2024")), dt.date(2026, 1, 12))


# ---------------------------------------------------------------------------------------------------- what is being broken


def lay_inbox(root: Path, months: Sequence[str] = ("2023-10", "2023-11")) -> None:
    """One file of figures, and one of records, of these months, of which one is set aside."""
    banking, cafc = root / "raw" / "inbox" / "internet_banking", root / "raw" / "inbox" / "cafc"
    banking.mkdir(parents=True)
    cafc.mkdir()
    shutil.copyfile(SHIPPED / FIRST, banking / FIRST)
    (banking / "deliveries.csv").write_text(f"{HEADER}{FIRST},2014-09-04,provisional,true,as shipped,\n")
    (cafc / "reports.csv").write_bytes(records(months))
    (cafc / "deliveries.csv").write_text(f"{HEADER}reports.csv,2024-03-15,unknown,true,a fixture,\n")


def records(months: Sequence[str]) -> bytes:
    """150 reports of these months, one of September 2023, and one that was dated after its publication."""
    header, *rows = csv.reader(io.StringIO(RECORDS.read_text(encoding="utf-8-sig")))
    dated = [[f"{months[number % len(months)]}-{number % 28 + 1:02}", *rows[number % 6][2:]] for number in range(150)]
    dated += [["2023-09-01", *rows[0][2:]], ["2024-03-20", *rows[0][2:]]]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *([str(number), *row] for number, row in enumerate(dated, start=1))])
    return out.getvalue().encode("utf-8-sig")


def bring_another_file(root: Path) -> None:
    """A second file of figures arrives, about periods that are published already."""
    inbox = root / "raw" / "inbox" / "internet_banking"
    shutil.copyfile(SHIPPED / SECOND, inbox / SECOND)
    listed = (inbox / "deliveries.csv").read_text()
    # Files of a root are shared with its copies: never changed, only replaced.
    (inbox / "deliveries.csv").unlink()
    (inbox / "deliveries.csv").write_text(f"{listed}{SECOND},2015-09-03,provisional,true,as shipped,\n")


def other_suites(folder: Path) -> Path:
    """Suites that set another report aside: one month of reports goes, another comes, and the quarantine changes."""
    shutil.copytree(steps.SUITES, folder)
    path = folder / "cafc.json"
    rule = '"column": "days_to_known", "min_value": 0},\n        "meta": {"rule_id": "cases.date_not_after_publication"'
    text = path.read_text(encoding="utf-8")
    if rule not in text:
        raise ValueError(f"{path.name} has no such rule any more: {rule}")
    path.write_text(text.replace(rule, rule.replace('"min_value": 0', '"max_value": 180')), encoding="utf-8")
    return folder


def put_under_embargo(root: Path) -> None:
    """The second file's own period is held back, and with it the file."""
    store = Store(root)
    embargo = embargoes.Embargo(Period.parse("2015-Q2"), None, public=embargoes.public_snapshots(store))
    store.write_json(store.embargo_path("quarterly", "2015-Q2"), embargo.decided("set", "to be broken").to_json())


def lift_embargo(root: Path) -> None:
    """What waits may speak from the next run on."""
    store = Store(root)
    (embargo,) = embargoes.recorded(store).values()
    lifted = embargo.decided("lifted", "to be broken", status=embargoes.LIFTED)
    store.embargo_path("quarterly", "2015-Q2").unlink()  # never changed in place: files of a root are shared with its copies
    store.write_json(store.embargo_path("quarterly", "2015-Q2"), lifted.to_json())


def lay_ledger(root: Path) -> None:
    """Two months of a ledger. A report of the second has a currency that there is not, one the id of a report of the first."""
    inbox = root / "raw" / "inbox" / LEDGER_SOURCE
    inbox.mkdir(parents=True)
    for month in LEDGER_MONTHS:
        write_month(inbox / file_name_of(month, "csv"), LEDGER_ROWS, month)
    header, *first = (inbox / file_name_of(LEDGER_MONTHS[0], "csv")).read_text().splitlines()
    last = inbox / file_name_of(LEDGER_MONTHS[1], "csv")
    _, *rows = last.read_text().splitlines()
    repeated = [*first[0].split(",")[:1], *rows[0].split(",")[1:]]
    unreadable = [text if name != "currency" else "???" for name, text in zip(header.split(","), rows[1].split(","), strict=True)]
    last.write_text("\n".join([header, ",".join(repeated), ",".join(unreadable), *rows[2:], ""]))
    write_list(inbox, {file_name_of(month, "csv"): FIRST_DELIVERY for month in LEDGER_MONTHS})


def mended_sources(folder: Path) -> Path:
    """The synthetic source with the currency declared that one report of the second month lacks."""
    shutil.copytree(SYNTHETIC_SOURCES, folder)
    line = f"{file_name_of(LEDGER_MONTHS[1], 'csv')},J3,???,replace,USD,to be broken,nowhere"
    (folder / LEDGER_SOURCE / "corrections.csv").write_text(f"file,cell,expect,action,value,reason,source\n{line}\n")
    return folder


def bring_the_month_again(root: Path) -> None:
    """A later file of one month, without some of its reports and with the two that were set aside mended."""
    inbox = root / "raw" / "inbox" / LEDGER_SOURCE
    name = file_name_of(LEDGER_MONTHS[1], "csv", "_corrected")
    write_month(inbox / name, LEDGER_ROWS, LEDGER_MONTHS[1], withdrawn=3)
    # Files of a root are shared with its copies: never changed, only replaced.
    (inbox / "deliveries.csv").unlink()
    write_list(inbox, {**{file_name_of(month, "csv"): FIRST_DELIVERY for month in LEDGER_MONTHS}, name: SECOND_DELIVERY})


def all_steps(sources: Sequence[str]) -> dict[str, Step]:
    """Every step, in the order in which a run takes them."""
    found: dict[str, Step] = {}
    for source_id in sources:
        found[f"ingest {source_id}"] = lambda root, source_id=source_id: steps.ingest_inbox(source_id, data=root)
        found[f"validate {source_id}"] = lambda root, source_id=source_id: steps.validate(source_id, data=root)
        found[f"aggregate {source_id}"] = lambda root, source_id=source_id: steps.aggregate(source_id, data=root, workers=1)
    found["data docs"] = lambda root: steps.build_data_docs(data=root)
    for frequency in PUBLISHED_FREQUENCIES:
        found[f"publish {frequency}"] = lambda root, frequency=frequency: steps.publish_due(frequency, data=root)
    found["site"] = lambda root: steps.build_site(data=root)
    return found


def run(sources: Sequence[str], root: Path) -> None:
    """All steps, the sources in this order."""
    for step in all_steps(sources).values():
        step(root)


def compute_once() -> None:
    """Keep what the heavy functions give, by what they are given: the faults are about what is written."""

    def kept(module: Any, name: str, key: Callable[..., Any]) -> None:
        real, known = getattr(module, name), {}

        @functools.wraps(real)
        def once(*given: Any, **named: Any) -> Any:
            wanted = key(*given, **named)
            if wanted not in known:
                known[wanted] = real(*given, **named)
            return known[wanted]

        setattr(module, name, once)

    kept(steps, "_reading", lambda store, snapshot, declared: (snapshot, steps.SUITES, catalogue.SOURCES))
    # What was read is kept, so the same figures are the same object.
    kept(verdict, "judge_many", lambda given, suite: (suite.hash, *(id(item.observations) for item in given)))
    kept(release, "build", lambda given: given.release_id)


# --------------------------------------------------------------------------------------------------------------- children


def in_child(work: Callable[[], Any], hook: Hook | None = None) -> int:
    """Do the work in a forked process. Gives DONE, REFUSED where it failed with a reason, BROKEN, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(work, hook), 0)[1])


def forked(work: Callable[[], Any], hook: Hook | None = None) -> int:
    """The number of a process that does the work and ends."""
    process = os.fork()
    if process == 0:
        code = BROKEN
        try:
            signal.alarm(SECONDS_FOR_A_CHILD)
            if hook:
                atomic.before_change = hook
            work()
            code = DONE
        except (FraudlossError, OSError) as error:
            code = REFUSED
            if hook is None:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return process


class At:
    """A hook that acts at the nth point, and at all after it where it is told to go on."""

    def __init__(self, number: int, act: Hook, *, goes_on: bool = False) -> None:
        self.number, self.act, self.goes_on, self.count = number, act, goes_on, 0

    def __call__(self, operation: str, path: Path) -> None:
        self.count += 1
        if self.count == self.number or (self.goes_on and self.count > self.number):
            self.act(operation, path)


def die(operation: str, path: Path) -> None:
    """SIGKILL; a file that was about to be written is half there."""
    if operation == "write":
        path.write_bytes(b"half of ")
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(operation: str, path: Path) -> None:
    """ENOSPC for whatever needs space; a file that was about to be written is half there. Removing still works."""
    if operation == "write":
        path.write_bytes(b"half of ")
    if operation in ("write", "rename", "make folder"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


# ----------------------------------------------------------------------------------------------------------------- promises


def tree(root: Path) -> dict[str, str]:
    """Every file but the locks: path -> sha256."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


def unreadable_releases(root: Path) -> list[str]:
    """What a reader who knows nothing of us finds wrong: current.json -> manifest.json -> every file with its sha256."""
    wrong = []
    for pointer in root.glob("processed/releases/*/*/current.json"):
        try:
            spoken = json.loads(pointer.read_bytes())
            folder = pointer.parent / (spoken["release_id"] or spoken["withdrawn"]["release_id"])
            for name, entry in json.loads((folder / "manifest.json").read_bytes())["files"].items():
                if hashlib.sha256((folder / name).read_bytes()).hexdigest() != entry["sha256"]:
                    wrong.append(f"{folder / name} has other bytes")
        except (OSError, ValueError, KeyError) as error:
            wrong.append(f"{pointer}: {error!r}")
    return wrong


def without_superseded(root: Path) -> dict[str, str]:
    """The tree without releases that do not speak, and without what tells of them."""
    found = tree(root)
    for path in root.glob("processed/releases/*/*/*/"):
        if path.is_dir() and json.loads((path.parent / "current.json").read_bytes())["release_id"] != path.name:
            period = path.parent.relative_to(root).as_posix()
            pages = (f"{period}/{file_name('index.html', code)}" for code in LANGUAGES)
            gone = (f"{period}/{path.name}/", f"{period}/releases.json", *pages)
            found = {name: sha256 for name, sha256 in found.items() if not name.startswith(gone)}
    return found


class History:
    """A run from a state of the store to the next, with what there is before and after each step."""

    def __init__(self, subject: Subject, folder: Path, start: Path, commands: Mapping[str, Step] | None = None) -> None:
        """`commands`: the steps, where they are not all those of a run."""
        self.subject, self.folder, self.points = subject, folder, dict[str, int]()
        self.is_of_commands = commands is not None
        self.steps = dict(commands) if commands is not None else all_steps(subject.sources)
        self.before: dict[str, Path] = {}
        self.after: dict[str, dict[str, str]] = {}
        self.end = copy(start, folder / "end")
        for name, step in self.steps.items():
            self.before[name] = copy(self.end, folder / f"before {name}")
            counter = At(0, die)
            atomic.before_change = counter
            step(self.end)
            self.points[name], self.after[name] = counter.count, tree(self.end)
        atomic.before_change = lambda operation, path: None

    def of_last_command(self) -> History:
        """The same, but of its last step alone: what commands do together, no single one does again."""
        made, name = copying.copy(self), list(self.steps)[-1]
        made.steps, made.before = {name: self.steps[name]}, {name: self.before[name]}
        return made

    def run(self, root: Path) -> None:
        """All its steps."""
        for step in self.steps.values():
            step(root)

    @property
    def start(self) -> Path:
        return next(iter(self.before.values()))


def copy(root: Path, target: Path) -> Path:
    """The same files under another root, as hard links: nothing that is there is ever changed, only replaced."""
    shutil.copytree(root, target, copy_function=os.link)
    return target


class Faults:
    """The faults, the number of points at which each was tried, and the promises that were broken."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tried, self.broken = folder, dict[str, int](), list[str]()
        self.known: dict[Path, set[str]] = {}

    @contextlib.contextmanager
    def root(self, like: Path) -> Iterator[Path]:
        """A store like another one, for one fault."""
        root = copy(like, self.folder / "root")
        try:
            yield root
        finally:
            shutil.rmtree(root)

    def count(self, fault: str) -> None:
        self.tried[fault] = self.tried.get(fault, 0) + 1

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.broken.append(promise)
            print(promise, flush=True)

    def after_fault(self, root: Path, before: Path, where: str) -> None:
        """What has to hold before anybody mends anything."""
        self.check(not (wrong := unreadable_releases(root)), f"{where}: a reader sees {wrong[:3]}")
        found = self.problems(root) - self.problems_of_start(before)
        self.check(not found, f"{where}: verify finds {sorted(found)[:3]}")
        lost = tree(before / "raw").items() - tree(root / "raw").items()
        self.check(not lost, f"{where}: lost from raw: {sorted(lost)[:3]}")

    def problems(self, root: Path) -> set[str]:
        """What `verify` finds, without the name of the root."""
        return {problem.replace(str(root), "") for problem in verification.verify(data=root).problems}

    def problems_of_start(self, root: Path) -> set[str]:
        """The same of a state that runs start from: whoever moves a snapshot away leaves something to be found until the next."""
        if root not in self.known:
            self.known[root] = self.problems(root)
        return self.known[root]

    def rerun(self, work: Callable[[], Any], root: Path, wanted: dict[str, str], where: str) -> None:
        """The same again, undisturbed: it ends, with the same bytes."""
        code = in_child(work)
        self.check(code == DONE, f"{where}: run again, it ended with {code}")
        got = tree(root)
        different = sorted(name for name in got.keys() | wanted.keys() if got.get(name) != wanted.get(name))
        self.check(not different, f"{where}: run again, these differ from an undisturbed run: {different[:5]}")

    # ------------------------------------------------------------------------------------------------------ the faults

    def at_points(self, history: History, fault: str, every: int) -> None:
        """Each step, broken off at its points in turn."""
        for name, last in history.points.items():
            for number in (n for n in range(1, last + 1) if n in (1, last) or n % every == 0):
                self.at_point(history, name, number, fault)

    def at_point(self, history: History, name: str, number: int, fault: str) -> None:
        """The step of this name, broken off at one point."""
        where = f"{fault}, {history.folder.name}, {name}, point {number} of {history.points[name]}"
        hook = At(number, die) if fault == "killed" else At(number, no_space, goes_on=True)
        with self.root(history.before[name]) as root:
            step = functools.partial(history.steps[name], root)
            code = in_child(step, hook)
            wanted = (-signal.SIGKILL,) if fault == "killed" else (DONE, REFUSED)
            self.check(code in wanted, f"{where}: the run ended with {code}")
            self.after_fault(root, history.before[name], where)
            self.rerun(step, root, history.after[name], where)
        self.count(fault)

    def at_sampled_points(self, histories: Iterable[History], every: int) -> None:
        """Every so many of all points of the histories together, killed and with a full disk in turn."""
        points = (
            (history, name, n) for history in histories for name, last in history.points.items() for n in range(1, last + 1)
        )
        for place, (history, name, number) in enumerate(itertools.islice(points, every - 1, None, every)):
            self.at_point(history, name, number, ("killed", "disk full")[place % 2])

    def at_random_times(self, history: History, times: int, chance: random.Random) -> None:
        """A whole run, killed after a while."""
        with self.root(history.start) as root:
            began = time.monotonic()
            in_child(functools.partial(history.run, root))
            takes = time.monotonic() - began
        for _ in range(times):
            seconds = chance.uniform(0, takes)
            where = f"killed after {seconds:.3f} of {takes:.3f} s, {history.folder.name}"
            with self.root(history.start) as root:
                process = forked(functools.partial(history.run, root))
                time.sleep(seconds)
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                self.after_fault(root, history.start, where)
                self.rerun(functools.partial(history.run, root), root, tree(history.end), where)
            self.count("killed at a random time")

    def taken_away(self, history: History, times: int) -> None:
        """A file of each kind, taken away in the course of a whole run; each at another point."""
        points, names = sum(history.points.values()), one_of_each_kind(history.start)
        for place, name in enumerate(names * times):
            number = 1 + place * (points - 1) // max(1, len(names) * times - 1)
            where = f"{name} taken away at point {number} of {points}, {history.folder.name}"
            with self.root(history.start) as root:
                hook = At(number, lambda operation, path, root=root, name=name: (root / name).unlink(missing_ok=True))
                code = in_child(functools.partial(history.run, root), hook)
                self.check(code in (DONE, REFUSED), f"{where}: the run ended with {code}")
                self.mended(root, history, name, where)
            self.count("file taken away")

    def mended(self, root: Path, history: History, name: str, where: str) -> None:
        """A plain rerun makes again what is still needed; the rest is named by `verify`, and comes back from a backup."""
        if name.startswith("raw/inbox/"):
            shutil.copyfile(history.end / name, root / name)
        code = in_child(functools.partial(history.run, root))
        self.check(code in (DONE, REFUSED), f"{where}: run again, it ended with {code}")
        if not (root / name).exists() and (history.end / name).exists():
            found = verification.verify(data=root).problems
            self.check(any(Path(name).stem in problem for problem in found), f"{where}: verify does not name it, but {found[:3]}")
            shutil.copyfile(history.end / name, root / name)
        found = verification.verify(data=root).problems
        self.check(not found, f"{where}: in the end verify finds {found[:3]}")
        wanted, got = tree(history.end), without_superseded(root)
        different = sorted(name for name, sha256 in got.items() if wanted.get(name) != sha256)
        self.check(not different and not wanted.keys() - tree(root).keys(), f"{where}: in the end these differ: {different[:5]}")

    def twice_at_once(self, history: History, times: int) -> None:
        """The last of the commands, given twice at once, while somebody reads releases all the time."""
        name, step = list(history.steps.items())[-1]
        for number in range(1, times + 1):
            where = f"{name} twice at once, time {number}, {history.folder.name}"
            with self.root(history.before[name]) as root:
                writers = [forked(functools.partial(step, root)) for _ in range(2)]
                reader = forked(functools.partial(read_until_told, (), root, set()))
                codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in writers]
                os.kill(reader, signal.SIGUSR1)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]))
                self.check(codes == [DONE] * 3, f"{where}: the two and the reader ended with {codes}")
                self.check(tree(root) == tree(history.end), f"{where}: not the files of one undisturbed command")
                self.after_fault(root, history.before[name], where)
            self.count("commands that meet")

    def meeting(self, history: History, times: int) -> None:
        """Two runs and a backfill on one store at once, while somebody reads releases and figures all the time."""
        subject = history.subject
        views = {digest(steps.view(data=root, of=subject.sources[:1])) for root in (history.start, history.end)}
        for number in range(1, times + 1):
            where = f"runs that meet, time {number}, {history.folder.name}"
            with self.root(history.start) as root:
                together = [
                    functools.partial(history.run, root),
                    functools.partial(run, subject.sources[::-1], root),
                    functools.partial(backfill, subject, root),
                ]
                writers = [forked(work) for work in together]
                reader = forked(functools.partial(read_until_told, subject.sources[:1], root, views))
                codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in writers]
                os.kill(reader, signal.SIGUSR1)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]))
                self.check(codes == [DONE] * 4, f"{where}: two runs, a backfill and the reader ended with {codes}")
                self.check(tree(root) == tree(history.end), f"{where}: not the files of one undisturbed run")
                self.after_fault(root, history.start, where)
            self.count("runs that meet")


def one_of_each_kind(root: Path) -> list[str]:
    """Paths of files: the first of each folder of the layout."""
    found: dict[tuple[str, str, str], str] = {}
    for name in tree(root):
        parts = name.split("/")
        found.setdefault(("/".join(parts[:2]), str(len(parts)), parts[-1] if name.endswith(".json") else Path(name).suffix), name)
    return sorted(found.values())


def backfill(subject: Subject, root: Path) -> None:
    """Publish the same periods one by one, newest first, as known on a day and as known now."""
    for as_of in (subject.as_of, None):
        for frequency, period in subject.periods:
            with contextlib.suppress(NothingToPublish):
                steps.publish(frequency, period, data=root, as_of=as_of)


def read_until_told(sources: Sequence[str], root: Path, views: set[str]) -> None:
    """Read every release that speaks, and figures of the sources, until SIGUSR1 comes. Raises at the first that is not whole."""
    told: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: told.append(number))
    reads = 0
    while not told or not reads:
        if wrong := unreadable_releases(root):
            raise AssertionError(f"a reader sees {wrong[:3]}")
        if sources and digest(steps.view(data=root, of=sources)) not in views:
            raise AssertionError("a reader sees figures that are neither those of before nor those of after")
        reads += 1


def digest(frame: pd.DataFrame) -> str:
    """The sha256 of figures."""
    return hashlib.sha256(parquet_bytes(observations_table(frame))).hexdigest()


# -------------------------------------------------------------------------------------------------------------------- main


def main() -> int:
    """Try everything. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Break runs in every way.")
    parser.add_argument("--every", type=int, default=1, help="try every Nth point of a step, and its first and last")
    parser.add_argument("--times", type=int, default=3, help="how often to try what is not tried at each point")
    parser.add_argument("--seed", type=int, default=1, help="of the random times")
    parser.add_argument("--ledger", action="store_true", help="break runs over a ledger in the place of the others")
    parser.add_argument("--commands", action="store_true", help="break the other commands in the place of runs")
    parser.add_argument("--sample", type=int, default=0, help="try every Nth of all points of a few commands, and nothing else")
    given = parser.parse_args()
    compute_once()
    if given.ledger:
        catalogue.SOURCES = SYNTHETIC_SOURCES
        os.environ["FRAUDLOSS_SOURCES"] = str(SYNTHETIC_SOURCES)
    with tempfile.TemporaryDirectory() as temporary:
        faults = Faults(Path(temporary))
        if given.sample:
            from tests.faults_of_commands import of_few_commands

            faults.at_sampled_points(of_few_commands(Path(temporary)), given.sample)
            return told(faults)
        histories = of_ledger if given.ledger else of_files
        if given.commands:
            from tests.faults_of_commands import of_commands as histories
        for history in histories(Path(temporary)):
            faults.at_points(history, "killed", given.every)
            faults.at_points(history, "disk full", given.every)
            if history.is_of_commands:
                faults.at_random_times(history.of_last_command(), given.times, random.Random(given.seed))
                faults.twice_at_once(history, given.times)
                continue
            if history.folder.name == "waiting":  # what it changes besides is changed by the others too
                continue
            faults.at_random_times(history, 4 * given.times, random.Random(given.seed))
            faults.meeting(history, given.times)
            if history.folder.name != "lifting":  # a record of an embargo that is lost stops all publishing: its own tests say so
                faults.taken_away(history, given.times)
        return told(faults)


def told(faults: Faults) -> int:
    """Print what was tried. Gives the exit code."""
    print(json.dumps({"tried": faults.tried, "broken": len(faults.broken)}))
    return 1 if faults.broken else 0


def of_ledger(folder: Path) -> Iterator[History]:
    """The first run over two months; a year counted by itself; rows that are judged again; a later file of one of the months."""
    for name in ("first", "recounted", "replayed", "replacing"):
        (folder / name).mkdir()
    lay_ledger(folder / "start")
    first = History(LEDGER, folder / "first", folder / "start")
    yield first
    counting: dict[str, Step] = {
        "count a year": lambda root: steps.count_year(LEDGER_SOURCE, LEDGER_MONTHS[0][:4], data=root),
        "aggregate": lambda root: steps.aggregate(LEDGER_SOURCE, data=root, workers=1),
    }
    yield History(LEDGER, folder / "recounted", first.before[f"aggregate {LEDGER_SOURCE}"], counting)
    with declared_in(mended_sources(folder / "sources")):
        chosen = quarantine.Chosen(source=LEDGER_SOURCE)
        replaying: dict[str, Step] = {"quarantine replay": lambda root: quarantine.replay(chosen, data=root)}
        yield History(LEDGER, folder / "replayed", first.end, replaying)
    again = copy(first.end, folder / "again")
    bring_the_month_again(again)
    yield History(LEDGER, folder / "replacing", again)


def of_files(folder: Path) -> Iterator[History]:
    """The first run on an empty store; under embargo, and out of it; then a run that replaces what the first one made."""
    for name in ("first", "waiting", "lifting", "replacing", "suites"):
        (folder / name).mkdir()
    lay_inbox(folder / "start")
    first = History(FILES, folder / "first", folder / "start")
    yield first
    held = copy(first.end, folder / "held")
    bring_another_file(held)
    steps.run_source("internet_banking", data=held)
    put_under_embargo(held)
    waiting = History(FILES, folder / "waiting", held)
    yield waiting
    lifted = copy(waiting.end, folder / "lifted")
    lift_embargo(lifted)
    yield History(FILES, folder / "lifting", lifted)
    again = copy(first.end, folder / "again")
    bring_another_file(again)
    steps.SUITES = other_suites(folder / "suites" / "expectations")
    yield History(FILES, folder / "replacing", again)


if __name__ == "__main__":
    sys.exit(main())
