"""What is declared about each source, read from `pipeline/sources/<id>/source.yml`.

In: the YAML files. Out: `Source`, with attribute access to what the steps need and `meta` for everything that pages print.
Imports nothing heavy: DAG files call `source_ids()` while they are parsed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.model import FraudlossError, UsageError

SOURCES = Path(__file__).parent
REQUIRED = (
    "title",
    "publisher",
    "country",
    "currency",
    "homepage",
    "licence",
    "attribution",
    "owner",
    "unit_of_count",
    "loss_concept",
    "date_basis",
    "coverage",
    "calendar",
    "precedence",
    "tables",
)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a source: figures that share a universe, so that its types add up to its total (overlays apart)."""

    id: str
    title: str
    title_ja: str
    family: str  # headline series that this table carries (special_fraud, sns_fraud, …): sources are compared within it
    parts_add_up: bool  # whether the types of one classification sum to the printed total
    identities: tuple[Mapping[str, Any], ...]  # relations between measures, e.g. {smaller: cases_completed, larger: cases}


@dataclasses.dataclass(frozen=True)
class Source:
    """A dataset of a publisher, as declared."""

    id: str
    title: str
    publisher: str
    country: str
    currency: str
    precedence: int  # 1 speaks first when several sources print one figure
    reader: str  # module with `read(path, snapshot, source) -> list[Figure]`, or `read_cases(…) -> DataFrame` of cases
    tables: Mapping[str, Table]
    breaks: tuple[Mapping[str, Any], ...]  # {table, from, native_types or measures or all, reason, evidence}
    meta: Mapping[str, Any]  # the whole file, for pages and readers
    folder: Path

    @property
    def is_records(self) -> bool:
        """Whether its files hold single reports (or cells of reports) rather than figures."""
        return self.meta.get("kind") == "records"


@functools.cache
def source_ids() -> tuple[str, ...]:
    """Every declared source, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in SOURCES.glob("*/source.yml")))


@functools.cache
def source(source_id: str) -> Source:
    """The declared source. Raises UsageError for an unknown id, FraudlossError where a required key is missing."""
    if source_id not in source_ids():
        raise UsageError(f"unknown source {source_id!r}. Known: {', '.join(source_ids())}.")
    folder = SOURCES / source_id
    meta = yaml.safe_load((folder / "source.yml").read_text(encoding="utf-8"))
    missing = [key for key in REQUIRED if key not in meta]
    if missing:
        raise FraudlossError(f"{folder.name}/source.yml lacks {', '.join(missing)}: every source declares them.")
    return Source(
        id=source_id,
        title=meta["title"],
        publisher=meta["publisher"],
        country=meta["country"],
        currency=meta["currency"],
        precedence=int(meta["precedence"]),
        reader=meta.get("reader") or f"pipeline.sources.{source_id}.reader",
        tables={
            name: Table(
                id=name,
                title=table["title"],
                title_ja=table.get("title_ja", ""),
                family=table.get("family", name),
                parts_add_up=bool(table.get("parts_add_up", False)),
                identities=tuple(table.get("identities", ())),
            )
            for name, table in meta["tables"].items()
        },
        breaks=tuple(meta.get("breaks", ())),
        meta=meta,
        folder=folder,
    )


def sources() -> list[Source]:
    """Every declared source, the one whose figures speak first in front."""
    return sorted((source(source_id) for source_id in source_ids()), key=lambda item: (item.precedence, item.id))
