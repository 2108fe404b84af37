"""The frames that a suite judges: their columns, those computed for rules alone, and those that no row can do without.

In: the schemas of observations and cases. Out: column names by frame, and what each computed column holds.
"""

from __future__ import annotations

from pipeline.frames import OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS
from pipeline.reading.cases import CASE_COLUMNS

FRAMES = ("cases", "observations", "identities")
FRAMES_WITH_QUARANTINE = ("cases", "observations")

# Columns that are computed beside the observations for rules that Great Expectations has no natural form for, and for those
# that it only checks fast on float64. They are dropped after the verdict: no exact decimal ever comes back from here.
HELPER_COLUMNS: dict[str, str] = {
    "value_number": "`value` as float64, for ranges",
    "value_fraction": "what `value` has behind the decimal point, computed exactly: 0 where it is whole",
    "presence": "value, absence, both or neither: a value is present exactly when its absence code is empty",
    "period_year": "the year in which the period begins; empty where `period` is not a period",
    "period_frequency": "the frequency that `period` itself says; empty where it is not a period",
    "days_to_known": "days from the first day of the period to `known_at`",
    "key_gaps": "names of the key columns that hold nothing on this row; empty where all are filled",
    "loss_per_case": "on rows of `loss`: loss over `cases` (else `cases_completed`) of the same series in the same file",
}
CASE_HELPER_COLUMNS: dict[str, str] = {
    "days_to_known": "days from `date` to the day on which the file could be known; empty where either is not known",
}
IDENTITY_COLUMNS: list[str] = [
    "identity",
    "table",
    "period",
    "classification",
    "measure",
    "left",
    "right",
    "difference",
    "tolerance",
    "holds",
    "left_origin",
    "right_origins",
]
# Which dimensions a record has, and whether it counts victims, differs from publisher to publisher, so a suite says itself which
# columns its cases have. These are in all of them.
EVERY_CASE_HAS: list[str] = [
    *(name for name in CASE_COLUMNS if name not in (*DIMENSIONS, "victims")),
    *CASE_HELPER_COLUMNS,
]
FRAME_COLUMNS: dict[str, list[str]] = {
    "observations": [*OBSERVATION_COLUMNS, *HELPER_COLUMNS],
    "identities": IDENTITY_COLUMNS,
}
# The columns that no row can do without. The whole key, dimensions and empty texts included, is what `key_gaps` is for.
NOT_NULL: dict[str, list[str]] = {
    # A label or a date that cannot be read is no value, and the row is marked; the row itself must be there, and its mark.
    "cases": ["row", "file", "classification", "cases", "loss_minor", "loss_known", "problem"],
    "observations": [
        "source",
        "table",
        "frequency",
        "period",
        "area",
        "fraud_type",
        "native_type",
        "measure",
        "unit",
        "classification",
        "snapshot",
        "origin",
        "known_at",
    ],
    "identities": ["identity", "table", "period", "holds"],
}
