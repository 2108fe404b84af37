"""The rows of comparison.csv: what stands side by side in a release, every value with the id of its observation.

In: a `CountryComparison` or none. Out: a frame with ROW_COLUMNS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.publish.countries import COUNTS, FACETS, MONEY, RANKED_BY, CountryComparison, Series, TypeLine, breaks_of, facets_of

ROW_COLUMNS = [
    "period",
    "country",
    "source",
    "table",
    "series",
    "fraud_type",
    "native_type",
    "match",
    "measure",
    "unit",
    "value",
    "precision",
    "absence",
    "obs_status",
    "edition",
    "derivation",
    "known_at",
    *FACETS,
    "breaks",
    "place",
    "id",
]


def comparison_frame(compared: CountryComparison | None) -> pd.DataFrame:
    """One row a value, ROW_COLUMNS: totals first, then types; empty without a comparison."""
    rows: list[dict[str, Any]] = []
    if compared is not None:
        measures = {*(measure for measure, _ in COUNTS), *MONEY}
        for item in compared.series:
            told = (item.facets, item.breaks)
            rows += [_tidy(row, item, "", *told) for (measure, _), row in sorted(item.rows.items()) if measure in measures]
        for line in compared.types:
            for _, row in sorted(line.rows.items()):
                rows.append(_tidy(row, line, line.match, facets_of(row, line.source), breaks_of(row, line.source)))
    return pd.DataFrame(rows, columns=ROW_COLUMNS, dtype=object)


def _tidy(row: Any, item: Series | TypeLine, match: str, facets: Mapping[str, str], breaks: Sequence[str]) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in ROW_COLUMNS if hasattr(row, name)}
    return {
        **same,
        "country": item.source.country,
        "series": item.family,
        "match": match,
        **facets,
        "breaks": "; ".join(breaks),
        "place": item.place if isinstance(item, Series) and (row.measure, row.unit) == RANKED_BY else None,
    }
