"""Where several sources print one figure: which one speaks, and how far the others are from it.

In: the views of all sources together (observations, printed and derived). Out: findings, a frame with one row for each figure
that a second source prints too: exact, within the printed precision, or different with what is known about why.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from pipeline.frames import KEY_COLUMNS
from pipeline.sources.catalogue import Source

FINDING_COLUMNS = [
    "check",
    "family",
    "period",
    "native_type",
    "measure",
    "unit",
    "ours",
    "ours_source",
    "theirs",
    "theirs_source",
    "difference",
    "tolerance",
    "status",
    "explanation",
]
# What a finding has of the two observations, beside what a comparison with a published total has.
PAIR_COLUMNS = [*FINDING_COLUMNS, "ours_id", "theirs_id"]
_SAME_FIGURE = [name for name in KEY_COLUMNS if name not in ("source", "table")]


def findings(observations: pd.DataFrame, sources: list[Source]) -> pd.DataFrame:
    """Each figure that more than one source prints, against the source that speaks first (lowest `precedence`): PAIR_COLUMNS."""
    printed = observations[(observations["absence"] == "") & observations["derivation"].isin(["", "residual"])]
    if printed.empty:
        return pd.DataFrame(columns=PAIR_COLUMNS)
    families = {(source.id, table.id): table.family for source in sources for table in source.tables.values()}
    ranks = {source.id: source.precedence for source in sources}
    pairs = list(zip(printed["source"], printed["table"], strict=True))
    marked = printed.assign(
        family=[families.get(pair, pair[1]) for pair in pairs],
        _rank=[ranks.get(source_id, len(ranks)) for source_id, _ in pairs],
    )
    rows: list[dict[str, Any]] = []
    for _, group in marked.sort_values(["_rank", "source", "id"]).groupby(["family", *_SAME_FIGURE], sort=True):
        if group["source"].nunique() > 1:
            speaking, *others = group.to_dict("records")
            rows.extend(_finding(speaking, other) for other in others if other["source"] != speaking["source"])
    return pd.DataFrame(rows, columns=PAIR_COLUMNS, dtype=object)


def _finding(ours: dict[Any, Any], theirs: dict[Any, Any]) -> dict[str, Any]:
    difference = ours["value"] - theirs["value"]
    tolerance = (ours["precision"] or Decimal(0)) + (theirs["precision"] or Decimal(0))
    status = "exact" if difference == 0 else "within_precision" if abs(difference) <= tolerance else "different"
    return {
        "check": "between_sources",
        "family": ours["family"],
        "period": ours["period"],
        "native_type": ours["native_type"],
        "measure": ours["measure"],
        "unit": ours["unit"],
        "ours": ours["value"],
        "ours_source": cited(ours),
        "theirs": theirs["value"],
        "theirs_source": cited(theirs),
        "difference": difference,
        "tolerance": tolerance,
        "status": status,
        "explanation": _explanation(ours, theirs) if status == "different" else "",
        "ours_id": ours["id"],
        "theirs_id": theirs["id"],
    }


def cited(row: Mapping[Any, Any]) -> str:
    """Where a figure comes from: source, what the publication says of itself, and the day from which it was known."""
    return f"{row['source']} ({_edition(row)}, {row['known_at'].isoformat()})"


def _edition(row: Mapping[Any, Any]) -> str:
    return "edition not stated" if row["edition"] == "unknown" else str(row["edition"])


def _explanation(ours: dict[Any, Any], theirs: dict[Any, Any]) -> str:
    earlier, later = sorted((ours, theirs), key=lambda row: row["known_at"])
    if earlier["known_at"] < later["known_at"]:
        return (
            f"a revision: {earlier['source']} printed it on {earlier['known_at'].isoformat()} ({_edition(earlier)}), "
            f"{later['source']} on {later['known_at'].isoformat()} ({_edition(later)})"
        )
    return "unknown"
