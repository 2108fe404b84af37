"""Identities: what printed figures must be to each other, measured with exact decimals.

In: the observations of one snapshot and what `source.yml` declares. Out: a frame with one row for each relation that could be
checked, and one with those that could not, and why. Nothing is judged here: rules in the suite's `identities` frame do that.

What a table of `source.yml` declares:

    parts_add_up: true               the types of one classification sum to the printed total        -> parts_sum_to_total
    parts: {classification: [types]}   which types are needed; without it, every type that the table prints under each
    identities:
      - {smaller: cases_completed, larger: cases}                                                    -> not_more_than
    sums:
      - {dimension: age}             the categories of a dimension sum to its total                  -> age_sums_to_total
        parts: [0-19, 20-29]         which categories are needed; without it, every one that the table prints
      - {dimension: sex, equals: 1, measures: [victims_share]}   no total is printed, but it is 1    -> sex_sums_to_total

Measured everywhere, where all the shorter periods are printed: months, quarters and half-years sum to the longer period
(-> months_sum_to_total, quarters_sum_to_total, half_years_sum_to_total).

A sum may differ from its total by the sum of the precisions of all that was rounded; by nothing where all are exact. A part that
was not collected or not applicable contributes nothing. A part that is unreadable, withheld or not printed makes the relation
uncheckable. Only figures that may be added are added: no overlays, no means, no rates, nothing across classifications.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from pipeline.frames import KEY_COLUMNS
from pipeline.model import ADDITIVE_MEASURES, DIMENSIONS, TOTAL, Period, UsageError
from pipeline.sources.catalogue import Source
from pipeline.validate.judged_frames import IDENTITY_COLUMNS

UNCHECKABLE_COLUMNS = ["identity", "table", "period", "classification", "measure", "reason", "origin"]
CONTRIBUTES_NOTHING = ("not_collected", "not_applicable")
SHARES = frozenset({"victims_share"})  # shares of one whole: they add up within it
COUNTS_THAT_ADD_UP = ADDITIVE_MEASURES | {"bases_raided", "persons_detained"}
SHORTER_PERIODS = {"monthly": "months", "quarterly": "quarters", "half_yearly": "half_years"}
LONGER_PERIODS = ("half_yearly", "quarterly", "annual", "fiscal_year", "year_to_date", "span")

Cell = Any  # a row of the observations, as a named tuple


@dataclasses.dataclass(frozen=True)
class Identities:
    """What could be measured, and what could not."""

    checked: pd.DataFrame  # IDENTITY_COLUMNS
    uncheckable: pd.DataFrame  # UNCHECKABLE_COLUMNS


def identities_frame(observations: pd.DataFrame, source: Source) -> pd.DataFrame:
    """The relations that could be checked, one a row: see `measure`."""
    return measure(observations, source).checked


def measure(observations: pd.DataFrame, source: Source) -> Identities:
    """Every declared relation between the figures of one snapshot.

    In: the columns of an observation. Out: `checked` with IDENTITY_COLUMNS (left is the total, or what must not be more;
    right the sum of the parts, or what it must not exceed; all in the unit of the measure, as Decimal), in the order of
    identity, table, period and origin; `uncheckable` with UNCHECKABLE_COLUMNS.
    """
    found: list[dict[str, Any]] = []
    for name, rows in _by(observations[~observations["overlay"].astype(bool)].itertuples(index=False), ("table",)):
        table = source.tables.get(name[0])
        declared: Mapping[str, Any] = source.meta["tables"].get(name[0], {})
        if table is not None and table.parts_add_up:
            found += _types(rows, declared.get("parts", {}))
        if table is not None:
            for relation in table.identities:
                found += _not_more_than(rows, relation["smaller"], relation["larger"])
        for relation in declared.get("sums", ()):
            found += _over_dimension(rows, relation)
        found += _over_time(rows)
    found.sort(key=lambda item: (item["identity"], item["table"], item["period"], item["measure"], item.get("left_origin", "")))
    return Identities(
        checked=_frame((item for item in found if "holds" in item), IDENTITY_COLUMNS),
        uncheckable=_frame((item for item in found if "reason" in item), UNCHECKABLE_COLUMNS),
    )


def _frame(items: Iterable[Mapping[str, Any]], columns: list[str]) -> pd.DataFrame:
    rows = list(items)
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in columns}, columns=columns, dtype=object)
    return frame.astype({"holds": bool}) if "holds" in columns else frame


def _by(rows: Iterable[Cell], names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Cell]]]:
    key = operator.attrgetter(*names)
    groups: dict[Any, list[Cell]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    # One name alone gives the value itself, not a tuple of one.
    yield from groups.items() if len(names) > 1 else ((((name,), cells)) for name, cells in groups.items())


def _key_without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in KEY_COLUMNS if name not in names)


# --------------------------------------------------------------------------------------------------------------- sums


def _types(rows: list[Cell], parts: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    rows = [row for row in rows if row.measure in COUNTS_THAT_ADD_UP]
    for (classification,), of_scheme in _by(rows, ("classification",)):
        # Where the table declares the types of some schemes, nobody has said that those printed of another one are all.
        needed = parts.get(classification, [] if parts else _seen(of_scheme, "native_type"))
        for _, cells in _by(of_scheme, _key_without("native_type", "fraud_type")):
            yield from _total_and_parts("parts_sum_to_total", cells, "native_type", needed)


def _over_dimension(rows: list[Cell], relation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    dimension = relation["dimension"]
    measures = set(relation.get("measures", COUNTS_THAT_ADD_UP | SHARES))
    rows = [row for row in rows if row.measure in measures]
    whole = Decimal(str(relation["equals"])) if "equals" in relation else None
    if whole is not None:
        # Only the totals of the other dimensions make up the whole: men and women of one age band do not.
        others = [name for name in DIMENSIONS if name != dimension]
        rows = [row for row in rows if all(getattr(row, name) == TOTAL for name in others)]
    for _, of_scheme in _by(rows, ("classification",)):
        needed = relation.get("parts") or _seen(of_scheme, dimension)
        for _, cells in _by(of_scheme, _key_without(dimension)):
            yield from _total_and_parts(
                f"{dimension}_sums_to_total", cells, dimension, needed, str(relation.get("total", TOTAL)), whole
            )


def _seen(rows: list[Cell], name: str) -> list[str]:
    return sorted({getattr(row, name) for row in rows} - {TOTAL})


def _total_and_parts(
    identity: str, cells: list[Cell], over: str, needed: list[str], total_code: str = TOTAL, whole: Decimal | None = None
) -> Iterator[dict[str, Any]]:
    by_code = {getattr(cell, over): cell for cell in cells}
    total = by_code.get(total_code)
    parts = [by_code[code] for code in needed if code in by_code and code != total_code]
    if total is not None and not needed and len(by_code) > 1:
        yield _uncheckable(identity, total, f"source.yml does not say which parts {total.classification} has")
    if not parts or (total is None and whole is None):
        return
    missing = [code for code in needed if code not in by_code]
    if missing:
        yield _uncheckable(identity, total or parts[0], f"not printed: {', '.join(missing)}")
    else:
        yield _sum(identity, total, parts, whole)


def _over_time(rows: list[Cell]) -> Iterator[dict[str, Any]]:
    # A period that cannot be read is for the suite to find; it is in no relation.
    periods = {code for code in {row.period for row in rows} if _is_period(code)}
    rows = [row for row in rows if row.measure in COUNTS_THAT_ADD_UP and row.period in periods]
    for _, cells in _by(rows, _key_without("period", "frequency")):
        by_code = {cell.period: cell for cell in cells}
        shorter = {row.frequency for row in cells} & set(SHORTER_PERIODS)
        for cell in cells:
            if cell.frequency in LONGER_PERIODS:
                for frequency in sorted(shorter - {cell.frequency}):
                    codes = _tiles(cell.period, frequency)
                    if codes and all(code in by_code for code in codes):
                        name = f"{SHORTER_PERIODS[frequency]}_sum_to_total"
                        yield _sum(name, cell, [by_code[code] for code in codes], None)


def _is_period(code: Any) -> bool:
    try:
        Period.parse(code)
    except (UsageError, TypeError):
        return False
    return True


@functools.cache
def _tiles(code: str, frequency: str) -> list[str]:
    """The codes of the periods of `frequency` that cover the period `code` exactly, or none."""
    period = Period.parse(code)
    pieces = list(dict.fromkeys(Period.of(frequency, Period.parse(month).start).code for month in period.months))
    exact = Period.parse(pieces[0]).start == period.start and Period.parse(pieces[-1]).end == period.end
    return pieces if exact and len(pieces) > 1 else []


def _sum(identity: str, total: Cell | None, parts: list[Cell], whole: Decimal | None) -> dict[str, Any]:
    about = total if total is not None else parts[0]
    for cell in ([] if total is None else [total]) + parts:
        if _value(cell) is None and (cell is total or cell.absence not in CONTRIBUTES_NOTHING):
            return _uncheckable(identity, about, _why_not(cell))
    counted = [part for part in parts if _value(part) is not None]
    if not counted:
        return _uncheckable(identity, about, "no part has a value")
    left = total.value if total is not None else whole
    assert left is not None
    right = sum((part.value for part in counted), Decimal(0))
    tolerance = sum((_precision(cell) for cell in (counted if total is None else [total, *counted])), Decimal(0))
    return {
        **_about(identity, about),
        "left": left,
        "right": right,
        "difference": left - right,
        "tolerance": tolerance,
        "holds": abs(left - right) <= tolerance,
        "left_origin": total.origin if total is not None else "declared",
        "right_origins": ", ".join(part.origin for part in counted),
    }


# ---------------------------------------------------------------------------------------------------------- inequality


def _not_more_than(rows: list[Cell], smaller: str, larger: str) -> Iterator[dict[str, Any]]:
    rows = [row for row in rows if row.measure in (smaller, larger)]
    for _, cells in _by(rows, _key_without("measure")):
        by_measure = {cell.measure: cell for cell in cells}
        if len(by_measure) < 2:
            continue
        less, more = by_measure[smaller], by_measure[larger]
        absent = [cell for cell in (less, more) if _value(cell) is None]
        if absent:
            # Two empty cells side by side are not a relation that anybody misses.
            if len(absent) == 1:
                yield _uncheckable("not_more_than", absent[0], _why_not(absent[0]))
            continue
        tolerance = _precision(less) + _precision(more)
        yield {
            **_about("not_more_than", less),
            "left": less.value,
            "right": more.value,
            "difference": less.value - more.value,
            "tolerance": tolerance,
            "holds": less.value - more.value <= tolerance,
            "left_origin": less.origin,
            "right_origins": more.origin,
        }


def _value(cell: Cell) -> Decimal | None:
    # A float has lost what an exact comparison needs; the suite finds it.
    return cell.value if isinstance(cell.value, Decimal) and cell.value.is_finite() else None


def _why_not(cell: Cell) -> str:
    return f"{cell.absence or 'no exact number'}: {cell.origin}"


def _precision(cell: Cell) -> Decimal:
    return Decimal(0) if cell.precision is None or cell.precision != cell.precision else cell.precision


def _about(identity: str, cell: Cell) -> dict[str, Any]:
    return {
        "identity": identity,
        "table": cell.table,
        "period": cell.period,
        "classification": cell.classification,
        "measure": cell.measure,
    }


def _uncheckable(identity: str, cell: Cell, reason: str) -> dict[str, Any]:
    return {**_about(identity, cell), "reason": reason, "origin": cell.origin}
