"""`python -m benchmarks.ledger_demo FOLDER [ROWS] [csv|parquet]`: a synthetic ledger, published and corrected.

In: an empty or earlier data root of its own, how many reports the ledger has (default 1e6), and how its 132 months are delivered
(default csv). Out: under that root everything that a run of the pipeline makes, releases and site too, each marked as synthetic;
on the screen what was done and how long it took. Nobody reported any of it.

The source is declared in `benchmarks/synthetic_sources`, which stands in the place of `pipeline/sources` while this runs.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ledger_generator import month_sizes, month_table, write_csv_table, write_parquet
from benchmarks.ledger_layout import MONTHS

SOURCES = Path(__file__).parent / "synthetic_sources"
SOURCE = "synthetic_ledger"
CORRECTED = "2024-05"
FIRST_DELIVERY, SECOND_DELIVERY = "2026-01-10", "2026-01-15"
LIST_HEADER = ("file", "published", "edition", "extract", "origin", "note")


def file_name(month: str, kind: str, version: str = "") -> str:
    """What the file of a month is called."""
    return f"{SOURCE}_{month}{version}.{kind}"


def deliver(root: Path, rows: int, kind: str) -> None:
    """Put all months of a ledger of so many rows into the inbox, and say when they were published."""
    inbox = root / "raw" / "inbox" / SOURCE
    inbox.mkdir(parents=True, exist_ok=True)
    for month in MONTHS:
        write_month(inbox / file_name(month, kind), rows, month)
    write_list(inbox, {file_name(month, kind): FIRST_DELIVERY for month in MONTHS})


def correct(root: Path, rows: int, kind: str) -> None:
    """Add a later file of one month, in which one report in a hundred is withdrawn."""
    inbox = root / "raw" / "inbox" / SOURCE
    name = file_name(CORRECTED, kind, "_corrected")
    write_month(inbox / name, rows, CORRECTED, withdrawn=month_sizes(rows)[MONTHS.index(CORRECTED)] // 100)
    listed = {file_name(month, kind): FIRST_DELIVERY for month in MONTHS}
    write_list(inbox, {**listed, name: SECOND_DELIVERY})


def write_month(path: Path, rows: int, month: str, withdrawn: int = 0) -> None:
    """One month of a ledger of so many rows but for its first, as CSV or Parquet."""
    table = month_table(rows, MONTHS.index(month)).slice(withdrawn)
    if path.suffix == ".csv":
        write_csv_table(table, path)
    else:
        write_parquet(table, path)


def write_list(inbox: Path, published: dict[str, str]) -> None:
    """The list of deliveries."""
    with (inbox / "deliveries.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(LIST_HEADER)
        writer.writerows(
            (name, day, "final", "false", "made by benchmarks.ledger_generator", "") for name, day in published.items()
        )


def fraudloss(root: Path, *arguments: str, shown: bool = True) -> float:
    """Run the command on the data root with the synthetic source alone. Gives how many seconds it took."""
    began = time.monotonic()
    program = "import sys; from pipeline.cli import main; sys.exit(main())"
    environment = {**os.environ, "FRAUDLOSS_SOURCES": str(SOURCES)}
    command = [sys.executable, "-c", program, "--data", str(root), *arguments]
    subprocess.run(command, env=environment, check=True, stderr=None if shown else subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> int:
    """Deliver, run, correct one month, run again."""
    if len(sys.argv) not in (2, 3, 4):
        print(__doc__)
        return 2
    root, rows = Path(sys.argv[1]), int(float([*sys.argv, "1e6"][2]))
    kind = sys.argv[3] if len(sys.argv) == 4 else "csv"
    deliver(root, rows, kind)
    print(f"{rows:,} reports in {len(MONTHS)} months: {fraudloss(root, 'run', shown=False):.1f} s", flush=True)
    correct(root, rows, kind)
    print(f"{CORRECTED} corrected: {fraudloss(root, 'run'):.1f} s", flush=True)
    fraudloss(root, "query", "--frequency", "annual", "--table", "synthetic_types", "--measure", "loss", "--fraud-type", "_T")
    print(f"The site: {root / 'processed' / 'site' / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
