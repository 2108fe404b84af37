"""`python -m benchmarks.ledger [ROWS] [ROUNDS] [GROWTH] [FOLDER]`: what a ledger costs, beside DuckDB and Polars, in turn.

In: how many reports the synthetic ledger has (default 1e7), how many rounds (3), the sizes for which the growth of the cost is
asked (1e6,3e6,1e7; empty: not asked), and where the ledgers may lie (a temporary folder).

Out: a table a job (benchmarks.ledger_engines): wall seconds of the whole command and of its work without imports, CPU seconds
and peak memory of all its processes, medians of the rounds, and how many times the first line each takes. In each round one
follows the other, so that a noisy hour is shared. Then the stages of a run over all months and of a night (ledger_cube_stages),
the growth of the cost with the number of reports, and the load of the machine before and after.

The cubes are compared cell by cell: counts, sums, largest losses and distinct victims must be equal, quotients and quantiles
within 1e-9 of their value (the peers interpolate in floating point). Where they are not, the exit code is 1.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks import ledger_engines as engines

SAMPLE_SECONDS = 0.02
# Looking for new processes reads every process of the machine: at each sample it would take 5 % of a core that is measured.
SAMPLES_A_LOOK = 10
TOLERANCE = 1e-9
WORKERS = os.cpu_count() or 1


class Cost(NamedTuple):
    """What a command took, with all the processes that it started."""

    wall_seconds: float  # of the whole command
    work_seconds: float  # without the imports
    cpu_seconds: float
    peak_mib: float


def measured(command: Sequence[str]) -> Cost:
    """Run a command and watch its process tree. Memory shared by two processes is counted twice."""
    began, peak, cpu = time.monotonic(), 0, {}
    environment = {**os.environ, "POLARS_MAX_THREADS": str(WORKERS)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    root = psutil.Process(process.pid)
    members = [root]
    for sample in itertools.count():
        if process.poll() is not None:
            break
        resident = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            if sample % SAMPLES_A_LOOK == 0:
                members = [root, *root.children(recursive=True)]
        for member in members:
            with contextlib.suppress(psutil.NoSuchProcess), member.oneshot():
                resident += member.memory_info().rss
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
        peak = max(peak, resident)
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return Cost(time.monotonic() - began, float(process.stdout.read()), sum(cpu.values()), peak / 2**20)


def differences(left: Path, right: Path) -> list[str]:
    """Where the cubes in two folders differ."""
    import pandas as pd

    found = []
    for cube, (_, by) in engines.CUBES.items():
        key = ["period", *by]
        ours, theirs = (
            pd.concat([pd.read_parquet(path) for path in sorted(out.glob(engines.out_file(out, cube, "*", "*").name))])
            .astype(dict.fromkeys(key, object))
            .set_index(key)
            .sort_index()
            for out in (left, right)
        )
        if not ours.index.equals(theirs.index):
            found.append(f"{cube}: {len(ours)} and {len(theirs)} cells")
            continue
        for name in engines.COLUMNS:
            mine, other = ours[name], theirs[name]
            near = mine == other if name in engines.COUNTED else (mine - other).abs() <= TOLERANCE * other.abs()
            wrong = ~(near | (mine.isna() & other.isna()))
            if wrong.any():
                place = wrong[wrong].index[0]
                values = f"{mine[wrong].iloc[0]} and {other[wrong].iloc[0]}"
                found.append(f"{cube}: {wrong.sum()} of {len(wrong)} {name}, at {place} {values}")
    return found


def compare(rows: int, rounds: int, folder: Path) -> int:
    """Measure every job, print its table, and compare the results."""
    ledger = folder / f"ledger_{rows}"
    subprocess.run([sys.executable, "-m", "benchmarks.ledger_generator", str(ledger), str(rows), "csv"], check=True)
    print(f"{rows:,} reports, {WORKERS} workers, median of {rounds} rounds, load {os.getloadavg()[0]:.1f}", flush=True)
    found: list[str] = []
    for job, of_job in engines.JOBS.items():
        outs = {name: folder / job.replace(" ", "_") / name.replace(" ", "_") for name in of_job}
        costs: dict[str, list[Cost]] = {name: [] for name in of_job}
        for out in outs.values():
            # Results of another number of workers may be in other pieces.
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
        for _ in range(rounds):
            for name, out in outs.items():
                costs[name].append(
                    measured([sys.executable, "-m", "benchmarks.ledger", "only", job, name, str(ledger), str(out)])
                )
        print_table(job, costs)
        if of_job is engines.ENGINES:
            ours, *peers = outs.values()
            found += [f"{peer.name}, {text}" for peer in peers for text in differences(ours, peer)]
            print("\n".join(found) or "the results agree cell by cell", flush=True)
    stages = folder / "stages"
    stages.mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-m", "benchmarks.ledger_cube_stages", str(ledger), str(stages)], check=True)
    return 1 if found else 0


def growth(sizes: Sequence[int], rounds: int, folder: Path) -> None:
    """How the cost of the ten cubes grows: medians, and how far each lies from a straight line through all."""
    import numpy as np

    costs = {}
    for rows in sizes:
        ledger, out = folder / f"ledger_{rows}", folder / "growth"
        out.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "benchmarks.ledger_generator", str(ledger), str(rows)], check=True)
        command = [sys.executable, "-m", "benchmarks.ledger", "only", "ten cubes", "ours", str(ledger), str(out)]
        costs[rows] = _median([measured(command) for _ in range(rounds)])
    cpu = np.array([cost.cpu_seconds for cost in costs.values()])
    # Of relative errors: else the largest ledger alone would decide.
    slope, fixed = np.polyfit(np.array(sizes), cpu, 1, w=1 / cpu)
    print(f"\n{'reports':<20}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}  CPU s to {fixed:.2f} + {slope * 1e6:.3f} a million")
    for rows, cost in costs.items():
        apart = cost.cpu_seconds / (fixed + slope * rows) - 1
        print(f"{rows:<20,}{cost.wall_seconds:>8.2f}{cost.cpu_seconds:>8.2f}{cost.peak_mib:>10.0f}  {apart:+.1%}", flush=True)


def _median(rounds: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(values) for values in zip(*rounds, strict=True)))


def print_table(job: str, costs: dict[str, list[Cost]]) -> None:
    """Medians, and the ratios of each round to the first line."""
    print(f"\n{job:<20}{'wall s':>8}{'work s':>8}{'CPU s':>8}{'peak MiB':>10}  {'wall, work and CPU, times the first line'}")
    first = next(iter(costs.values()))
    for name, rounds in costs.items():
        median = _median(rounds)
        wall, work, cpu = (
            statistics.median(each[place] / of_first[place] for each, of_first in zip(rounds, first, strict=True))
            for place in (0, 1, 2)
        )
        seconds = f"{median.wall_seconds:>8.2f}{median.work_seconds:>8.2f}{median.cpu_seconds:>8.2f}"
        print(f"{name:<20}{seconds}{median.peak_mib:>10.0f}  {wall:.3f} {work:.3f} {cpu:.3f}", flush=True)


def only(job: str, name: str, ledger: str, out: str) -> None:
    """Have one engine do one job, and print how long it took once its libraries were there."""
    engine = engines.JOBS[job][name]
    for library in engines.LIBRARIES[engine]:
        importlib.import_module(library)
    began = time.monotonic()
    engine(Path(ledger), Path(out), WORKERS)
    print(time.monotonic() - began)


def main() -> int:
    """Compare, or have one engine do one job."""
    if sys.argv[1:2] == ["only"]:
        only(*sys.argv[2:])
        return 0
    rows, rounds, sizes, *folders = [*sys.argv[1:], *("1e7", "3", "1e6,3e6,1e7")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path((*folders, temporary)[0])
        result = compare(int(float(rows)), int(rounds), folder)
        if sizes:
            growth([int(float(size)) for size in sizes.split(",")], int(rounds), folder)
    print(f"load at the end: {os.getloadavg()[0]:.1f}")
    return result


if __name__ == "__main__":
    sys.exit(main())
