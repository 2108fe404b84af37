"""`python -m benchmarks.ledger [ROWS] [ROUNDS] [FOLDER]`: the kernel beside DuckDB and Polars, in turn, in one run.

In: how many reports the synthetic ledger has (default 1e7), how many rounds (3), and where it may lie (a temporary folder).
Out: a table: wall seconds, CPU seconds and peak memory of each engine, whole commands with their imports, medians of the rounds,
and the ratios to ours. The engines run one after the other in each round, so that a noisy hour is shared. The results of the last
round are compared cell by cell: counts, sums, largest losses and distinct victims must be equal, quotients and quantiles within
1e-9 of their value (the peers interpolate in floating point). The exit code is 1 where they are not.
"""

from __future__ import annotations

import os
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
TOLERANCE = 1e-9
WORKERS = os.cpu_count() or 1


class Cost(NamedTuple):
    """What a command took, with all the processes that it started."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float


def measured(command: Sequence[str]) -> Cost:
    """Run a command and watch its process tree. Memory shared by two processes is counted twice."""
    began, peak, cpu = time.monotonic(), 0, {}
    process = subprocess.Popen(command)
    root = psutil.Process(process.pid)
    while process.poll() is None:
        resident = 0
        try:
            for member in [root, *root.children(recursive=True)]:
                with member.oneshot():
                    resident += member.memory_info().rss
                    times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            pass
        peak = max(peak, resident)
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return Cost(time.monotonic() - began, sum(cpu.values()), peak / 2**20)


def differences(left: Path, right: Path) -> list[str]:
    """Where the cubes in two folders differ."""
    import pandas as pd

    found = []
    for cube, (_, by) in engines.CUBES.items():
        key = ["period", *by]
        ours, theirs = (
            pd.concat([pd.read_parquet(engines.out_file(out, cube, year)) for year in engines.ALL_YEARS])
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
    """Measure, print the table, and compare the results."""
    ledger = folder / f"ledger_{rows}"
    subprocess.run([sys.executable, "-m", "benchmarks.ledger_generator", str(ledger), str(rows)], check=True)
    outs = {name: folder / f"cubes_{name}" for name in engines.ENGINES}
    costs: dict[str, list[Cost]] = {name: [] for name in outs}
    for out in outs.values():
        out.mkdir(exist_ok=True)
    for _ in range(rounds):
        for name, out in outs.items():
            costs[name].append(measured([sys.executable, "-m", "benchmarks.ledger", "only", name, str(ledger), str(out)]))
    print(f"{rows:,} reports, ten cubes, {WORKERS} workers, median of {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"{'engine':<10}{'wall s':>8}{'CPU s':>8}{'peak MiB':>10}{'ours / it, wall (each round)':>45}")
    for name, of_engine in costs.items():
        wall, cpu, peak = (statistics.median(values) for values in zip(*of_engine, strict=True))
        ratios = [ours.wall_seconds / it.wall_seconds for ours, it in zip(costs["ours"], of_engine, strict=True)]
        listed = f"{statistics.median(ratios):.3f} ({', '.join(f'{ratio:.3f}' for ratio in ratios)})"
        print(f"{name:<10}{wall:>8.2f}{cpu:>8.2f}{peak:>10.0f}{listed:>45}")
    peers = [name for name in outs if name != "ours"]
    found = [f"{name}, {text}" for name in peers for text in differences(outs["ours"], outs[name])]
    print("\n".join(found) or "the results agree cell by cell")
    return 1 if found else 0


def main() -> int:
    """Compare, or run one engine."""
    if sys.argv[1:2] == ["only"]:
        engine, ledger, out = sys.argv[2:]
        engines.ENGINES[engine](Path(ledger), Path(out), WORKERS)
        return 0
    rows, rounds, *folders = [*sys.argv[1:], *("1e7", "3")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as folder:
        return compare(int(float(rows)), int(rounds), Path((*folders, folder)[0]))


if __name__ == "__main__":
    sys.exit(main())
