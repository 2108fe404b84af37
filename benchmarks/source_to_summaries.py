"""`python -m benchmarks.source_to_summaries SOURCE FILE [PUBLISHED]`: one delivery from its bytes to published summaries.

In: a source and a file or folder of its publisher. Out: a table: CPU and wall seconds and share of each stage, and the
peak memory of the process, for one cold run in one process (the import of Great Expectations counted) on an empty data root. A
file lies in the inbox, as for a night's run; a folder is taken in by hand, which reads it once more, to check it.
"""

from __future__ import annotations

import contextlib
import importlib
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline import steps
from pipeline.model import PUBLISHED_FREQUENCIES
from pipeline.sources.catalogue import source

# What is measured inside a step: stage -> (module, function).
INNER = {
    "import Great Expectations": ("pipeline.validate.expectations", "great_expectations"),
    "judge the records": ("pipeline.validate.verdict", "judge_cases"),
    "cubes": ("pipeline.aggregate.cubes", "cube_observations"),
    "identities": ("pipeline.validate.identities", "identities_frame"),
    "judge the figures": ("pipeline.validate.verdict", "judge_many"),
    "derive": ("pipeline.aggregate.derive", "derive"),
    "build releases": ("pipeline.publish.release", "build"),
    "write releases": ("pipeline.store", "Commit.write_release"),
}


class Stopwatch:
    """CPU and wall seconds by stage; a stage that runs within another is taken out of the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._open: list[list[float]] = []

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began, inner = (time.process_time(), time.monotonic()), [0.0, 0.0]
        self._open.append(inner)
        try:
            yield
        finally:
            self._open.pop()
            spent = [time.process_time() - began[0], time.monotonic() - began[1]]
            total = self.seconds.setdefault(name, [0.0, 0.0])
            for place in (0, 1):
                total[place] += spent[place] - inner[place]
                if self._open:
                    self._open[-1][place] += spent[place]

    def watch(self, name: str, module: str, function: str) -> None:
        owner: Any = importlib.import_module(module)
        *path, attribute = function.split(".")
        for part in path:
            owner = getattr(owner, part)
        real: Callable[..., Any] = getattr(owner, attribute)

        def watched(*arguments: Any, **options: Any) -> Any:
            with self.stage(name):
                return real(*arguments, **options)

        setattr(owner, attribute, watched)


def _take_in(source_id: str, delivered: Path, data: Path, published: str) -> None:
    if delivered.is_dir():
        steps.ingest(source_id, str(delivered), data=data, published=published)
        return
    inbox = data / "raw" / "inbox" / source_id
    inbox.mkdir(parents=True)
    shutil.copy(delivered, inbox)
    (inbox / "deliveries.csv").write_text(
        f"file,published,edition,extract,origin,note\n{delivered.name},{published},unknown,false,,\n", encoding="utf-8"
    )
    steps.ingest_inbox(source_id, data=data)


def measure(source_id: str, delivered: str, published: str) -> Stopwatch:
    """Run every step on an empty data root and time it."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder, watch.stage("the rest"):
        data = Path(folder)
        for name, (module, function) in INNER.items():
            watch.watch(name, module, function)
        reader = source(source_id).reader
        watch.watch("read the file", reader, "read_cases" if source(source_id).is_records else "read")
        with watch.stage("take in"):
            _take_in(source_id, Path(delivered), data, published)
        with watch.stage("save observations and records"):
            steps.validate(source_id, data=data)
        with watch.stage("make the view"):
            steps.aggregate(source_id, data=data)
        with steps.figures_read_once():
            for frequency in PUBLISHED_FREQUENCIES:
                with watch.stage("select and fingerprint"):
                    steps.publish_due(frequency, data=data)
            with watch.stage("site"):
                steps.build_site(data=data)
    return watch


def main() -> int:
    """Print the table."""
    if len(sys.argv) not in (3, 4):
        print(__doc__)
        return 2
    watch = measure(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else "2024")
    total = [sum(spent[place] for spent in watch.seconds.values()) for place in (0, 1)]
    print(f"{'stage':<32}{'CPU s':>8}{'share':>8}{'wall s':>8}")
    for name, spent in sorted(watch.seconds.items(), key=lambda item: -item[1][0]):
        print(f"{name:<32}{spent[0]:>8.2f}{spent[0] / total[0]:>8.1%}{spent[1]:>8.2f}")
    print(f"{'all':<32}{total[0]:>8.2f}{'':>8}{total[1]:>8.2f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
