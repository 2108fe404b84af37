"""A figure as it stands in a publisher's file: the common result of every reader, before any code list is applied.

In: what a reader found in one cell. Out: `Figure`, which `pipeline.ingest.harmonise` turns into observations. Labels here are
the publisher's own (after NFKC); common codes come from the source's `crosswalk.csv`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal

from pipeline.model import TOTAL


@dataclasses.dataclass(frozen=True)
class Figure:
    """One printed figure, or one cell that holds none, with its address."""

    table: str  # as declared in the source's source.yml
    period: str  # a code that Period.parse accepts
    measure: str  # a key of model.MEASURES
    unit: str  # a key of model.UNITS
    value: Decimal | None  # in `unit`: yen as yen, whatever the publisher's multiple
    origin: str  # file and cell: `r07.csv!K4`, `r07_2-3.xlsx!2-3-6-2!K4`
    printed: str  # the text in the cell
    classification: str  # the scheme of types in force
    native_type: str = TOTAL  # the publisher's label of the type, normalised; TOTAL for the table's total
    dimensions: Mapping[str, str] = dataclasses.field(default_factory=dict)  # model.DIMENSIONS -> the publisher's label
    area: str = "JP"
    precision: Decimal | None = None  # half of the last printed unit; None where the figure is exact
    absence: str = ""  # a key of model.ABSENCE; empty exactly when there is a value
    obs_status: str = ""  # a key of model.OBS_STATUS; empty: from the edition
    edition: str = ""  # a key of model.EDITIONS; empty: the snapshot's
    overlay: bool = False  # cuts across its siblings: never to be added to them
    note: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.absence == ""):
            raise ValueError(f"{self.origin}: a figure has a value or an absence code, never both and never neither")
