"""What is declared about each source, read from `pipeline/sources/<id>/source.yml`.

In: the YAML files, or those of the folder that FRAUDLOSS_SOURCES names instead. Out: `Source`, with attribute access to what
the steps need and `meta` for everything that pages print. Imports nothing heavy: DAG files call `source_ids()` while they are
parsed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.code_version import sources_folder
from pipeline.model import FraudlossError, UsageError

SOURCES = sources_folder()
SYNTHETIC = "synthetic_"
_LEDGER_READER = "ledger_reader"
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
    reader: str  # module with `read(path, snapshot, source) -> list[Figure]`, or `read_cases(…, corrections)` -> cases
    tables: Mapping[str, Table]
    breaks: tuple[Mapping[str, Any], ...]  # {table, from, native_types or measures or all, reason, evidence}
    meta: Mapping[str, Any]  # the whole file, for pages and readers
    folder: Path

    @property
    def is_records(self) -> bool:
        """Whether its files hold single reports (or cells of reports) rather than figures."""
        return self.meta.get("kind") == "records"

    @property
    def is_ledger(self) -> bool:
        """Whether its records come as month files, each of which replaces its months, and are too many for one frame."""
        return _is_ledger(self.meta)

    @property
    def may_not_know_losses(self) -> bool:
        """Whether a record may leave open what was lost: of some types, as declared, or any record of a ledger."""
        return self.is_ledger or bool(self.meta.get("loss_unknown_types"))

    @property
    def is_synthetic(self) -> bool:
        """Whether nobody published it: made up, to try the pipeline with."""
        return bool(self.meta.get("synthetic"))


def _is_ledger(meta: Mapping[str, Any]) -> bool:
    return meta.get("delivery") == "ledger"


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
    if bool(meta.get("synthetic")) != source_id.startswith(SYNTHETIC):
        raise FraudlossError(
            f"{folder.name}/source.yml: a source that nobody published says `synthetic: true`, and its id begins with"
            f" {SYNTHETIC!r}, so that every row and file of it says so too; no other source does either."
        )
    return Source(
        id=source_id,
        title=meta["title"],
        publisher=meta["publisher"],
        country=meta["country"],
        currency=meta["currency"],
        precedence=int(meta["precedence"]),
        reader=meta.get("reader") or f"pipeline.sources.{_LEDGER_READER if _is_ledger(meta) else f'{source_id}.reader'}",
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
    declared = sorted((source(source_id) for source_id in source_ids()), key=lambda item: (item.precedence, item.id))
    if len({item.is_synthetic for item in declared}) > 1:
        made_up = ", ".join(item.id for item in declared if item.is_synthetic)
        raise FraudlossError(f"{SOURCES}: {made_up} are made up and the others are not: keep them in another folder.")
    return declared


def are_synthetic() -> bool:
    """Whether the declared sources are made up: all of them are, or none."""
    return any(source_id.startswith(SYNTHETIC) for source_id in source_ids())
