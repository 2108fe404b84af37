"""`python -m benchmarks.site_pages DATA_ROOT`: what all releases and the site of a data root cost, and how soon a page is seen.

In: a data root whose sources are aggregated. Out: wall and CPU seconds of publishing every release from nothing in two processes
and of the site around them, the largest pages, and the first paint of the largest one in the system's Chromium, opened from
disk. The root is copied without its releases and its site, and not changed. Load is that of the machine before it began: figures
taken beside other work are too high.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from pipeline import steps
from pipeline.model import PUBLISHED_FREQUENCIES
from pipeline.publishing.candidates import Candidates

WORKERS = 2
PAINTS = 5
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LIMITS = {"seconds": 60, "page_bytes": 1_000_000, "paint_ms": 1000}


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds. Processes that are started meanwhile are looked at until they end: nobody else counts them."""
    spent: dict[int, float] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    spent[process.pid] = sum(process.cpu_times()[:2])

    began = time.monotonic(), time.process_time()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    work()
    ended.set()
    watcher.join()
    return time.monotonic() - began[0], time.process_time() - began[1] + sum(spent.values())


def publish_all(data: Path) -> int:
    """Publish every period of every frequency; gives how many."""
    done = 0
    for frequency in PUBLISHED_FREQUENCIES:
        periods = Candidates(steps.store_at(data), None).periods(frequency)
        if periods:
            made = steps.backfill(frequency, periods[0].code, periods[-1].code, data=data, workers=WORKERS)
            done += len(made.done)
    return done


def pages(data: Path) -> Iterator[Path]:
    """Every page of releases and site."""
    yield from (path for name in ("releases", "site") for path in (data / "processed" / name).rglob("*.html"))


def first_paints(page: Path) -> list[float]:
    """Milliseconds from the opening of the page to its first paint, each time in a new context."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        return []
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for _ in range(PAINTS):
            opened = browser.new_context().new_page()
            opened.goto(page.as_uri())
            found.append(float(opened.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")))
            opened.context.close()
        browser.close()
    return found


def measure(root: Path) -> bool:
    """Print the figures; whether all of them are within LIMITS."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        shutil.copytree(root, data, ignore=shutil.ignore_patterns("releases", "site", "data_docs"))
        counted: list[int] = []
        releases = seconds_of(lambda: counted.append(publish_all(data)))
        site = seconds_of(lambda: steps.build_site(data=data))
        sizes = sorted(((path.stat().st_size, path) for path in pages(data)), reverse=True)
        paints = first_paints(sizes[0][1])
        print(f"{len(os.sched_getaffinity(0))} processors, load {load:.1f} before")
        print(f"{counted[0]} releases in {WORKERS} processes: {releases[0]:.1f} s wall, {releases[1]:.1f} s CPU")
        print(f"site: {site[0]:.1f} s wall, {site[1]:.1f} s CPU")
        print(f"{len(sizes):,} pages, {sum(size for size, _ in sizes) / 1e6:.1f} MB; the largest:")
        for size, path in sizes[:3]:
            print(f"  {size:>9,} bytes  {path.relative_to(data / 'processed')}")
        if paints:
            seen = f"median {statistics.median(paints):.0f} ms, worst {max(paints):.0f} ms of {PAINTS}"
            print(f"first contentful paint of the largest from disk: {seen}")
    within = releases[0] + site[0] <= LIMITS["seconds"] and sizes[0][0] < LIMITS["page_bytes"]
    return within and max(paints, default=0.0) < LIMITS["paint_ms"]


def main() -> int:
    """Exit 1 where a limit is not kept."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    return 0 if measure(Path(sys.argv[1])) else 1


if __name__ == "__main__":
    sys.exit(main())
