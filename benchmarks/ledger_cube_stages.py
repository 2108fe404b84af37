"""`python -m benchmarks.ledger_cube_stages LEDGER OUT`: the stages of the ten cubes, for all months and for one changed month.

In: the folder of a synthetic ledger (benchmarks.ledger_generator), and one for the results. Out: a table: CPU seconds and share
of each stage, in one process, once its libraries are there. Watching the stages itself costs some milliseconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import ledger_engines as engines
from benchmarks.source_to_summaries import Stopwatch

# Stage -> (module, function). The time of a stage within another is not counted in the outer one.
STAGES = {
    "read ids": ("pipeline.aggregate.ledger", "read_victims"),
    "read the other columns": ("pipeline.aggregate.ledger", "read_month"),
    "convert losses": ("pipeline.aggregate.ledger", "_converted"),
    "number the cells": ("pipeline.aggregate.ledger", "mixed_radix"),
    "count and sum reports": ("pipeline.aggregate.ledger", "_counts"),
    "add up finer cells": ("pipeline.aggregate.kernel", "Coarser.added"),
    "join ids": ("pipeline.aggregate.kernel", "Sparse.joined"),
    "quantiles": ("pipeline.aggregate.ledger", "order_statistics"),
    "find repeated ids": ("pipeline.aggregate.kernel", "_repeated"),
    "distinct victims": ("pipeline.aggregate.kernel", "Victims.distinct"),
    "frames of labels": ("pipeline.aggregate.ledger", "_frame"),
    "write results": ("pyarrow.parquet", "write_table"),
}
RUNS: dict[str, Callable[[Path, Path, int], None]] = {
    "all months": engines.ours,
    "one changed month": engines.changed_month,
    "its monthly cubes": engines.changed_month_alone,
}


def measure(ledger: Path, out: Path) -> dict[str, dict[str, float]]:
    """Run -> stage -> CPU seconds, `the rest` included."""
    watch = Stopwatch()
    for name, (module, function) in STAGES.items():
        watch.watch(name, module, function)
    found = {}
    for run, engine in RUNS.items():
        # What the first call of a library costs belongs to no run.
        engine(ledger, out, 1)
        watch.seconds.clear()
        with watch.stage("the rest"):
            engine(ledger, out, 1)
        found[run] = {stage: cpu for stage, (cpu, _) in watch.seconds.items()}
    return found


def print_table(found: dict[str, dict[str, float]]) -> None:
    """One line a stage, one column a run."""
    print(f"\n{'stage, CPU s, one process':<28}" + "".join(f"{run:>28}" for run in found))
    for stage in [*STAGES, "the rest"]:
        cells = ((seconds.get(stage, 0.0), sum(seconds.values())) for seconds in found.values())
        print(f"{stage:<28}" + "".join(f"{seconds:>20.3f}{seconds / total:>8.1%}" for seconds, total in cells))
    print(f"{'all':<28}" + "".join(f"{sum(seconds.values()):>20.3f}{'':>8}" for seconds in found.values()))


def main() -> int:
    """Print the table."""
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    print_table(measure(Path(sys.argv[1]), Path(sys.argv[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
