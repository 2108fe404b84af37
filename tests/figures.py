"""Small builders that tests share: a declared source, a snapshot, observations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from pipeline.frames import observations_frame
from pipeline.model import Period, Snapshot
from pipeline.sources.catalogue import Source, Table


def declared(**changes: Any) -> Source:
    """A source `npa` of Japan with one table `special_fraud` of two types that add up."""
    tables = {"special_fraud": {"parts": {"scheme": ["a", "b", "c"]}}}
    special_fraud = Table("special_fraud", "Special fraud", "特殊詐欺", "special_fraud", parts_add_up=True, identities=())
    values: dict[str, Any] = {
        "id": "npa",
        "title": "Special fraud",
        "publisher": "NPA",
        "country": "JP",
        "currency": "JPY",
        "precedence": 1,
        "reader": "",
        "tables": {"special_fraud": special_fraud},
        "breaks": (),
        "meta": {"tables": tables, "owner": "statistics"},
        "folder": Path(),
    }
    return Source(**{**values, **changes})


def snapshot(identity: str, known_at: str, **changes: Any) -> Snapshot:
    values: dict[str, Any] = {
        "source": "npa",
        "id": identity,
        "sha256": identity.ljust(64, "0"),
        "file": f"{identity}.csv",
        "size_bytes": 1,
        "media_type": "text/csv",
        "origin": "made for a test",
        "published": known_at,
        "known_at": dt.date.fromisoformat(known_at),
        "retrospective": True,
        "edition": "final",
        "extract": False,
    }
    return Snapshot(**{**values, **changes})


def row(period: str, value: Any, **changes: Any) -> dict[str, Any]:
    """An observation of special fraud in yen; `value` None makes it absent unless `absence` says why."""
    values: dict[str, Any] = {
        "source": "npa",
        "table": "special_fraud",
        "frequency": Period.parse(period).frequency,
        "period": period,
        "measure": "loss",
        "unit": "JPY",
        "value": None if value is None else Decimal(str(value)),
        "absence": "" if value is not None else "not_collected",
        "classification": "scheme",
        "edition": "final",
        "known_at": dt.date(2026, 5, 22),
        "snapshot": "s1",
        "origin": "s1.csv!A1",
    }
    if "native_type" in changes and "fraud_type" not in changes:
        changes["fraud_type"] = changes["native_type"].upper()
    return {**values, **changes}


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return observations_frame(list(rows))


def only(frame: pd.DataFrame, **selection: Any) -> dict[str, Any]:
    """The one row that matches."""
    found = frame
    for name, value in selection.items():
        found = found[found[name] == value]
    assert len(found) == 1, f"{len(found)} rows match {selection}"
    return {str(name): value for name, value in found.iloc[0].items()}


def none(frame: pd.DataFrame, **selection: Any) -> bool:
    found = frame
    for name, value in selection.items():
        found = found[found[name] == value]
    return found.empty


def unsound(cases: pd.DataFrame) -> pd.DataFrame:
    """The rows of a file of records that broke a rule."""
    return cases[(cases["problem"] != "").to_numpy()]


def interval_ends(losses: Sequence[int], above: int, below: int) -> tuple[int, int]:
    """The ends of the interval of 95 % of the quantile `above / below`, by its definition and scipy's binomial; 0 where there
    are too few losses for one, or fewer than five on a side of the quantile."""
    number, share = len(losses), above / below
    if min(number * above, number * (below - above)) < 5 * below:
        return 0, 0
    places = np.arange(number)
    lower, upper = places[binom.cdf(places, number, share) <= 0.025], places[binom.sf(places, number, share) <= 0.025]
    ordered = sorted(map(int, losses))
    return (ordered[lower[-1]], ordered[upper[0]]) if len(lower) and len(upper) else (0, 0)


def gini(losses: Sequence[int]) -> int:
    """The Gini coefficient in millionths by its first definition, half of the mean difference of every pair over the mean; -1
    where there are fewer than ten losses."""
    if len(losses) < 10:
        return -1
    values, counts = np.unique(np.array(losses, dtype=object), return_counts=True)
    different = sum(
        int(often) * int(other_often) * abs(value - other)
        for value, often in zip(values.tolist(), counts, strict=True)
        for other, other_often in zip(values.tolist(), counts, strict=True)
    )
    return round(Fraction(10**6 * different, 2 * len(losses) * sum(losses)))
