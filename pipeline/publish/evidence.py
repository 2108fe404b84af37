"""What stands behind the figures of the site: files, verdicts, histories, comparisons. Others fill it in, others show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.frames import RECORD_CHANGE_SCHEMA, REVISION_SCHEMA, VINTAGE_SCHEMA, empty_frame
from pipeline.model import Snapshot


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Everything but the view that the pages on sources, quality and methods are made from."""

    snapshots: Sequence[Snapshot] = ()
    verdicts: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # by snapshot id
    revisions: pd.DataFrame = dataclasses.field(default_factory=lambda: empty_frame(REVISION_SCHEMA))  # REVISION_COLUMNS
    vintages: pd.DataFrame = dataclasses.field(default_factory=lambda: empty_frame(VINTAGE_SCHEMA))  # VINTAGE_COLUMNS
    records: pd.DataFrame = dataclasses.field(default_factory=lambda: empty_frame(RECORD_CHANGE_SCHEMA))  # RECORD_CHANGE_COLUMNS
    reconciliation: pd.DataFrame = dataclasses.field(
        default_factory=lambda: pd.DataFrame(columns=["source", "status", "explanation"])
    )
    # By frequency and period of a release that speaks, what changed from its figures to those of now: CHANGE_COLUMNS.
    revised_since: Mapping[tuple[str, str], pd.DataFrame] = dataclasses.field(default_factory=dict)
    derivation_steps: Sequence[str] = ()  # what pipeline.aggregate.derive does, in its own words

    def of_source(self, source_id: str) -> list[Snapshot]:
        """The source's snapshots in the order in which they speak."""
        return sorted((item for item in self.snapshots if item.source == source_id), key=lambda item: item.order)

    def verdict(self, snapshot: Snapshot) -> Mapping[str, Any]:
        """What was judged of a snapshot; empty where nobody has yet."""
        return self.verdicts.get(snapshot.id, {})
