"""Which code made something: a hash of the source files that it depends on.

In: names of modules and folders of this package. Out: the first 12 hexadecimal digits of the sha256 over their names and bytes.
What was made by other code is remade; what was not is left alone. For a release the libraries that write its files count as code.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = Path(__file__).parent
_SOURCES = "sources/"
_SUFFIXES = {".py", ".yml", ".csv", ".j2", ".json", ".css", ".js", ".po"}

WORDS = ("model.py", "frames.py")
SHARED_READING = (*WORDS, "reading", "ingest", "validate", "sources/catalogue.py")
# Cubes are made of single records while a file is judged.
CUBES = tuple(f"aggregate/{name}.py" for name in ("cubes", "kernel", "corrected_records"))
AGGREGATION = ("aggregate", "reference")
PUBLICATION = (
    *WORDS,
    "publishing",
    "publish",
    "reference",
    "reading/crosswalk.py",
    "reading/correction_notes.py",
    "aggregate/compare.py",
    "aggregate/reconcile.py",
    "sources/catalogue.py",
)
# The libraries that write a release's files: another version of one may write other bytes for the same figures.
WRITERS = ("babel", "gptables", "jinja2", "pandas", "pyarrow", "pysdmx", "xlsxwriter")


def sources_folder() -> Path:
    """Where the sources are declared: the folder that FRAUDLOSS_SOURCES names, else `pipeline/sources`.

    The folder stands in the place of the other, never beside it: so sources that nobody published (a demonstration's) never meet
    real ones.
    """
    return Path(os.environ.get("FRAUDLOSS_SOURCES") or _PACKAGE / "sources").resolve()


@functools.cache
def code_version(*parts: str) -> str:
    """The version of these modules and folders (relative to `pipeline/`), whatever machine they lie on."""
    digest = hashlib.sha256()
    for name, path in sorted({found for part in parts for found in _named_files(part)}):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _named_files(part: str) -> list[tuple[str, Path]]:
    """The files of a module or folder, each with its name: that under `pipeline/`, wherever the sources are declared."""
    declared = sources_folder() / part.removeprefix(_SOURCES)
    path = declared if part.startswith(_SOURCES) and declared.exists() else _PACKAGE / part
    return [(Path(part, file.relative_to(path)).as_posix(), file) for file in _files(path)]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file()]


def of_source(source_id: str) -> str:
    """The version of all code and declarations that turn a snapshot of the source into observations."""
    return code_version(*SHARED_READING, *CUBES, f"sources/{source_id}")


def of_ledger(source_id: str) -> str:
    """The version of all code and declarations that turn a file of a ledger into partitions. Its rates and prices do not."""
    code = (*SHARED_READING, "ledgers.py", "sources/ledger_reader.py")
    return code_version(*code, f"sources/{source_id}/source.yml", f"sources/{source_id}/crosswalk.csv")


def of_count(source_id: str) -> str:
    """The version of all code and declarations that turn partitions of a ledger into observations, but for rates and prices."""
    counting = (f"aggregate/{name}.py" for name in ("ledger", "ledger_cubes", "cubes", "kernel", "corrected_records"))
    return f"{of_ledger(source_id)}-{code_version(*counting)}"


def of_view(source_id: str) -> str:
    """The version of all code and reference data that turn a source's observations into its view."""
    return code_version(*WORDS, *AGGREGATION, f"sources/{source_id}", "sources/catalogue.py")


def of_publication(source_ids: Iterable[str]) -> str:
    """The version of all code, declarations and WRITERS that turn the views of these sources into a release."""
    ours = code_version(*PUBLICATION, *(f"sources/{source_id}" for source_id in sorted(set(source_ids))))
    return hashlib.sha256(" ".join([ours, *_writers()]).encode()).hexdigest()[:12]


@functools.cache
def _writers() -> tuple[str, ...]:
    return tuple(f"{name}=={importlib.metadata.version(name)}" for name in WRITERS)
