"""Which code made something: a hash of the source files that it depends on.

In: names of modules and folders of this package. Out: the first 12 hexadecimal digits of the sha256 over their names and bytes.
What was made by other code is remade; what was not is left alone. For a release the libraries that write its files count as code.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = Path(__file__).parent
_SUFFIXES = {".py", ".yml", ".csv", ".j2", ".json", ".css", ".js", ".po"}

WORDS = ("model.py", "frames.py")
SHARED_READING = (*WORDS, "reading", "ingest", "validate", "sources/catalogue.py")
AGGREGATION = ("aggregate", "reference")
PUBLICATION = (
    *WORDS,
    "publishing.py",
    "publish",
    "reference",
    "reading/crosswalk.py",
    "aggregate/compare.py",
    "aggregate/reconcile.py",
    "sources/catalogue.py",
)
# The libraries that write a release's files: another version of one may write other bytes for the same figures.
WRITERS = ("babel", "jinja2", "pandas", "pyarrow", "pysdmx", "xlsxwriter")


@functools.cache
def code_version(*parts: str) -> str:
    """The version of these modules and folders (relative to `pipeline/`), whatever machine they lie on."""
    digest = hashlib.sha256()
    for path in sorted({file for part in parts for file in _files(_PACKAGE / part)}):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file()]


def of_source(source_id: str) -> str:
    """The version of all code and declarations that turn a snapshot of the source into observations."""
    return code_version(*SHARED_READING, f"sources/{source_id}")


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
