"""`python -m benchmarks.ledger_demo FOLDER [ROWS]`: a synthetic ledger, taken in month by month, counted, and corrected.

In: an empty or earlier data root of its own, and how many reports the ledger has (default 1e6). Out: what `pipeline.ledgers`
keeps under that root, and on the screen what was done. Nobody reported any of it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ledger_engines import csv_layout, plan
from benchmarks.ledger_generator import MONTHS, write_csv
from pipeline import ledgers
from pipeline.store import Store

CORRECTED = "2024-05"


def synthetic_ledger() -> ledgers.Ledger:
    """The ledger of the generator, with the cubes of the benchmark."""
    return ledgers.Ledger("synthetic_ledger", csv_layout(), plan())


def deliver(store: Store, month: str, rows: int, published: str, folder: Path) -> None:
    """Write a month's file of a ledger of so many rows, and take it in."""
    path = folder / f"synthetic_ledger_{month}.csv"
    write_csv(path, rows, [month])
    verdict = ledgers.take_in(store, synthetic_ledger(), path, published)
    print(f"{path.name}: {verdict['read']} read, {verdict['ok']} kept, {verdict['quarantined']} quarantined")


def main() -> int:
    """Take in, count, correct one month, count again."""
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    store, rows = Store(Path(sys.argv[1])), int(float(sys.argv[2])) if len(sys.argv) == 3 else 1_000_000
    with tempfile.TemporaryDirectory() as temporary:
        for month in MONTHS:
            deliver(store, month, rows, f"{month}-28", Path(temporary))
        counted(store)
        # A later, longer file of the same month.
        deliver(store, CORRECTED, rows + rows // 100, "2026-01-15", Path(temporary))
        counted(store)
    print(ledgers.cells(store, synthetic_ledger(), "month_country").tail(10).to_string(index=False))
    return 0


def counted(store: Store) -> None:
    """Count what changed, and say how long it took."""
    began = time.monotonic()
    made = ledgers.count(store, synthetic_ledger(), workers=2)
    shown = ", ".join(made.periods) if len(made.periods) < 10 else f"{len(made.periods)} periods"
    print(f"counted {shown} in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
