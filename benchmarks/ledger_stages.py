"""`python -m benchmarks.ledger_stages FOLDER [ROWS] [csv|parquet]`: what a ledger costs, from files to summaries.

In: an empty or earlier data root of its own, how many reports (default 1e7), and how the months are delivered (default csv).
Out: two tables, one of the first run, with all 132 months, and one of the night after, with one corrected month: CPU and wall
seconds of each stage in one process, which of them judge, and what share of the whole that is. The import of Great Expectations
is counted.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ledger_demo import SOURCE, SOURCES, correct, deliver
from benchmarks.source_to_summaries import Stopwatch

# Stage -> (module, function), and whether it is a judgement.
INNER = {
    "import Great Expectations": ("pipeline.validate.expectations", "great_expectations", True),
    "load the suite": ("pipeline.validate.suites", "load_suite", True),
    "judge the records": ("pipeline.validate.witnesses", "judge_files", True),
    "judge the figures": ("pipeline.validate.verdict", "judge_many", True),
    "identities": ("pipeline.validate.identities", "identities_frame", True),
    "compare ids": ("pipeline.ledgers", "_compare", True),
    "read into partitions": ("pipeline.sources.ledger_reader", "partition", False),
    "save partitions": ("pipeline.ledgers", "_save_rows", False),
    "count": ("pipeline.aggregate.ledger", "wanted_cells", False),
    "figures of cells": ("pipeline.aggregate.ledger_cubes", "period_observations", False),
    "derive": ("pipeline.aggregate.derive", "derive", False),
    "history": ("pipeline.aggregate.revisions", "history", False),
    "compare records of two files": ("pipeline.aggregate.record_changes", "record_changes", False),
    "save the view": ("pipeline.vintages", "_save", False),
    "look up figures and history": ("pipeline.vintages", "known", False),
    "build releases": ("pipeline.publish.release", "build", False),
    "write releases": ("pipeline.store", "Commit.write_release", False),
}


def run(root: Path) -> None:
    """Everything that is due, in this process alone, and the table."""
    from pipeline import steps
    from pipeline.model import PUBLISHED_FREQUENCIES

    # One process, so that its clock has all of the work.
    os.cpu_count = lambda: 1
    watch, began = Stopwatch(), time.monotonic()
    with watch.stage("the rest"):
        for name, (module, function, _) in INNER.items():
            watch.watch(name, module, function)
        with watch.stage("take in"):
            steps.ingest_inbox(SOURCE, data=root)
        with watch.stage("validate, the rest"):
            steps.validate(SOURCE, data=root)
        with watch.stage("aggregate, the rest"):
            steps.aggregate(SOURCE, data=root)
        with watch.stage("Data Docs"):
            steps.build_data_docs(data=root)
        with steps.figures_read_once():
            for frequency in PUBLISHED_FREQUENCIES:
                with watch.stage("select and fingerprint"):
                    steps.publish_due(frequency, data=root)
            with watch.stage("site"):
                steps.build_site(data=root)
    print_table(watch, time.monotonic() - began)


def print_table(watch: Stopwatch, wall: float) -> None:
    """The stages, the dearest first, and the share of those that judge."""
    total = sum(spent[0] for spent in watch.seconds.values())
    print(f"{'stage':<32}{'CPU s':>8}{'share':>8}{'wall s':>8}")
    for name, spent in sorted(watch.seconds.items(), key=lambda item: -item[1][0]):
        mark = " *" if name in INNER and INNER[name][2] else ""
        print(f"{name + mark:<32}{spent[0]:>8.2f}{spent[0] / total:>8.1%}{spent[1]:>8.2f}")
    judging = sum(spent[0] for name, spent in watch.seconds.items() if name in INNER and INNER[name][2])
    print(f"{'all':<32}{total:>8.2f}{'':>8}{wall:>8.2f}")
    print(f"{'* judging':<32}{judging:>8.2f}{judging / total:>8.1%}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB", flush=True)


def main() -> int:
    """Deliver, run, correct a month, run."""
    if sys.argv[1:2] == ["run"]:
        run(Path(sys.argv[2]))
        return 0
    if len(sys.argv) not in (2, 3, 4):
        print(__doc__)
        return 2
    root, rows = Path(sys.argv[1]), int(float([*sys.argv, "1e7"][2]))
    kind = sys.argv[3] if len(sys.argv) == 4 else "csv"
    environment = {**os.environ, "FRAUDLOSS_SOURCES": str(SOURCES)}
    deliver(root, rows, kind)
    for what, prepare in (("all months", None), ("one corrected month", correct)):
        if prepare:
            prepare(root, rows, kind)
        print(f"\n{rows:,} reports, {what}, load {os.getloadavg()[0]:.1f}", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.ledger_stages", "run", str(root)], env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
