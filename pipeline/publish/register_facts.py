"""What the figures of a view allow: which measures each source has, broken down by what, and where that is a whole table.

In: the view (OBSERVATION_COLUMNS). Out: `Facts`, of which the register of tables is made.

A breakdown is whole where its categories make up the total that stands beside them, or where they are so many that they can
only be a table; one by area where half of a country's are there. What is less are single cells: a sentence of the press on one
means of payment is no table of the means of payment.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.model import ADDITIVE_MEASURES, DIMENSIONS, TOTAL
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.reference import area_tiles

TYPE, AREA = "type", "area"
# So many categories are a table, whatever they leave out: publishers break down those reports alone that say the field.
MANY_CATEGORIES = 5
# Fewer are one where they make up so much of the total beside them.
COVERED = Decimal("0.9")
# What a figure is broken down by, each a bit.
_BITS = {name: 1 << place for place, name in enumerate((TYPE, AREA, *DIMENSIONS))}
_OF_GROUP = ["source", "table", "period", "classification", "measure", "unit"]

_Cell = tuple[str, str, frozenset[str]]  # source, measure, what it is broken down by


@dataclasses.dataclass(frozen=True)
class Facts:
    """Which measures each source has, and by what they are broken down, area and type among it; and the sources with overlays,
    and with the age limits of the old."""

    cells: frozenset[_Cell]
    whole: frozenset[_Cell]  # those of the cells that stand in whole tables
    overlays: frozenset[str]
    elderly: frozenset[str]
    typed_years: frozenset[str] = frozenset()  # the sources with cases or losses by type of several years
    unanswered: frozenset[str] = frozenset()  # those with cases or losses of which a breakdown does not know the answer
    made: Mapping[str, frozenset[str]] = dataclasses.field(
        default_factory=dict
    )  # who has those that are not told by the figures alone

    @classmethod
    def of(cls, view: pd.DataFrame) -> Facts:
        """From OBSERVATION_COLUMNS; a figure without a value counts for nothing."""
        present = view[(view["absence"] == "").to_numpy(bool)]
        bits = _bits(present)
        pairs = present[["source", "measure"]].assign(bits=bits).drop_duplicates()
        cells = {(source, measure, _named(held)) for source, measure, held in pairs.itertuples(index=False, name=None)}
        overlays = frozenset(present.loc[present["overlay"].astype(bool), "source"])
        old = present["age"].isin(["Y_GE60", "Y_GE65"])
        return cls(
            frozenset(cells),
            frozenset(_whole(present, bits)),
            overlays,
            frozenset(present.loc[old, "source"]),
            _with_typed_years(present),
            _unanswered(present),
        )

    def sources(self, measures: Iterable[str] = (), *dimensions: str, whole: bool = False) -> set[str]:
        """The sources with one of the measures (any where none is named), broken down by at least these dimensions; `whole`: in a
        whole table."""
        wanted, by = set(measures), set(dimensions)
        found = self.whole if whole else self.cells
        return {source for source, measure, held in found if (not wanted or measure in wanted) and by <= held}


def plain_figures(view: pd.DataFrame) -> pd.DataFrame:
    """National figures that are broken down by nothing but the type, no overlays."""
    kept = ~view["overlay"].to_numpy(bool) & view["area"].map(is_country).to_numpy(bool)
    for name in DIMENSIONS:
        kept &= view[name].isin(NO_BREAKDOWN).to_numpy(bool)
    return view[kept]


def _bits(present: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What each figure is broken down by, as a sum of _BITS."""
    held = _BITS[TYPE] * (present["native_type"] != TOTAL).to_numpy(np.int64)
    held += _BITS[AREA] * (~present["area"].map(is_country).astype(bool)).to_numpy(np.int64)
    for name in DIMENSIONS:
        held += _BITS[name] * (~present[name].isin(NO_BREAKDOWN)).to_numpy(np.int64)
    return held


def _named(bits: int) -> frozenset[str]:
    return frozenset(name for name, bit in _BITS.items() if bits & bit)


def _whole(present: pd.DataFrame, bits: np.ndarray[Any, np.dtype[np.int64]]) -> Iterable[_Cell]:
    """The cells of whole tables. Of types broken down further, two types are whole at least. A measure with half as many
    categories as another of the same breakdown is as whole as that one: medians and shares do not add up to anything."""
    marked = present[[*_OF_GROUP, "native_type", "area", "value"]].assign(bits=bits)
    totals = _totals(marked[np.isin(bits, (0, _BITS[TYPE]))])
    # Types are the categories where there is nothing else, and the tables where there is.
    marked["native_type"] = np.where(bits == _BITS[TYPE], TOTAL, marked["native_type"])
    marked = marked[bits > 0]
    marked["place"] = marked.groupby([*_OF_GROUP, "native_type", "bits"], sort=False, observed=True).ngroup()
    sizes = np.bincount(marked["place"].to_numpy())
    sums: dict[int, Decimal] = {}
    few = marked[(sizes[marked["place"].to_numpy()] < MANY_CATEGORIES) & marked["measure"].isin(ADDITIVE_MEASURES).to_numpy(bool)]
    for place, value in zip(few["place"], few["value"], strict=True):
        sums[place] = sums.get(place, Decimal(0)) + value
    best: dict[tuple[str, str, int], dict[str, tuple[int, bool]]] = {}
    first = marked.drop_duplicates("place")
    names = ["place", "source", "period", "measure", "unit", "native_type", "area", "bits"]
    for place, source, period, measure, unit, native_type, area, held in first[names].itertuples(index=False, name=None):
        size = int(sizes[place])
        if held & _BITS[AREA]:
            is_whole = size * 2 >= len(area_tiles(area[:2])) > 0
        else:
            total = totals.get((source, period, measure, unit, native_type))
            is_whole = size >= MANY_CATEGORIES or (size > 1 and total is not None and sums.get(place, 0) >= COVERED * total)
        types = best.setdefault((source, measure, held), {})
        most, was = types.get(native_type, (0, False))
        types[native_type] = (max(most, size), was or is_whole)
    yield from _of_enough_types(best)


def _totals(marked: pd.DataFrame) -> dict[tuple[str, ...], Decimal]:
    """Source, period, measure, unit, type -> the largest figure that is broken down by the type alone, or by nothing."""
    found: dict[tuple[str, ...], Decimal] = {}
    names = ["source", "period", "measure", "unit", "native_type", "value"]
    for *parts, value in marked[marked["measure"].isin(ADDITIVE_MEASURES)][names].itertuples(index=False, name=None):
        key = tuple(parts)
        found[key] = max(value, found.get(key, value))
    return found


def _of_enough_types(best: Mapping[tuple[str, str, int], Mapping[str, tuple[int, bool]]]) -> Iterable[_Cell]:
    """`best`: source, measure, bits -> of each type (TOTAL: of all together) the most categories, and whether ever whole."""
    largest: dict[tuple[str, int], int] = {}
    own: set[tuple[str, str, int]] = set()
    for (source, measure, held), types in best.items():
        needed = 2 if held & _BITS[TYPE] and held != _BITS[TYPE] else 1
        whole = [most for most, is_whole in types.values() if is_whole]
        if len(whole) >= needed:
            own.add((source, measure, held))
            largest[source, held] = max(largest.get((source, held), 0), *whole)
    for (source, measure, held), types in best.items():
        most = max(size for size, __ in types.values())
        if (source, measure, held) in own or 2 * most >= largest.get((source, held), math.inf):
            yield source, measure, _named(held)


def _with_typed_years(present: pd.DataFrame) -> frozenset[str]:
    plain = plain_figures(present)
    kept = (plain["frequency"] == "annual") & (plain["native_type"] != TOTAL) & plain["measure"].isin(["cases", "loss"])
    years = plain[kept.to_numpy(bool)].groupby(["source", "table", "classification"], observed=True)["period"].nunique()
    return frozenset(str(source) for source, *_ in years[years > 1].index)


def _unanswered(present: pd.DataFrame) -> frozenset[str]:
    kept = present["frequency"].isin(["annual", "year_to_date"]) & present["measure"].isin(["cases", "loss"])
    own = present[(kept & (present["native_type"] == TOTAL) & ~present["overlay"].astype(bool)).to_numpy(bool)]
    if own.empty:
        return frozenset()
    codes = own[["area", *DIMENSIONS]].astype(str)
    unknown = codes.apply(lambda column: column.str.startswith("_U") | (column == "_O_U"))
    elsewhere = pd.concat([~codes[["area"]].map(is_country), ~codes[list(DIMENSIONS)].isin(NO_BREAKDOWN)], axis=1)
    # An unknown area may be told as one of no country or as the rest of one.
    alone = (elsewhere | unknown).sum(axis=1) == 1
    return frozenset(own.loc[(unknown.any(axis=1) & alone).to_numpy(bool), "source"].astype(str))
