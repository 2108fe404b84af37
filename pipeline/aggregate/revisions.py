"""What changed between two states of the same figures, and from vintage to vintage of a source.

In: frames of observations. Out: changes (CHANGE_COLUMNS of pipeline.frames), one row for each figure that differs; and the
history of a source: its figures as they stand, every revision with the day from which it was known, and the days on which a
snapshot spoke for each table and period.

`differences` is the one place that says what a change is: the comparison of two releases, of two as-of dates and the history of
a source all use it. The history up to a day needs nothing that was known later, so the history as of a day is its rows up to it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import operator
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.aggregate.derive import amount_text, derive
from pipeline.aggregate.view import Printing, in_force, known_by, printings
from pipeline.frames import (
    CHANGE_COLUMNS,
    CHANGE_SCHEMA,
    KEY_COLUMNS,
    OBSERVATION_COLUMNS,
    OBSERVATION_SCHEMA,
    REVISION_COLUMNS,
    REVISION_SCHEMA,
    UNIT_COLUMNS,
    VINTAGE_COLUMNS,
    VINTAGE_SCHEMA,
    empty_frame,
    sorted_by_key,
)
from pipeline.model import ADDITIVE_MEASURES, TOTAL, Snapshot
from pipeline.sources.catalogue import Source

# A figure whose type or scheme of types was changed is the same figure still.
_MOVABLE = ("fraud_type", "classification")
_LASTING_COLUMNS = [name for name in KEY_COLUMNS if name not in _MOVABLE]
_STATE = ("value", "absence")
# What a change says of each of its two sides, and the column of an observation that it says.
_SIDES = {"value": "value", "precision": "precision", "absence": "absence", "edition": "edition", "known": "known_at"}
_SIDES |= {"snapshot": "snapshot", "origin": "origin", "id": "id"}
# Cells of one publication among which cases may be moved: those that share all but table and type.
_EXCHANGE_COLUMNS = [name for name in KEY_COLUMNS if name not in ("table", "fraud_type", "native_type", "classification")]

_Row = dict[str, Any]
_KEY = operator.itemgetter(*KEY_COLUMNS)


# ------------------------------------------------------------------------------------------------------------ differences


def differences(before: pd.DataFrame, after: pd.DataFrame, *, of_one_code: bool = False) -> pd.DataFrame:
    """The figures that differ between two states (OBSERVATION_COLUMNS each), sorted by key; columns CHANGE_COLUMNS.

    `change` is a key of model.CHANGES. A printed figure whose edition alone differs is `confirmed`; a derived one follows those
    that it was made from and is listed only where its value differs. Where the very same snapshots speak in both states for a
    source, or for a figure, nothing but our code can have made the difference: `new_code`. `of_one_code`: the same code made both
    states, so that it made none. A later printing that only rounds a figure speaks for nothing, and yet a mean waits for it.
    """
    gone, come, pairs = _matched(before, after)
    changes = [_change(old, new) for old, new in pairs if _differs(old, new)]
    moved = _moved(gone, come)
    left, entered = ({change[side] for change in moved} for side in ("id_before", "id_after"))
    changes += moved
    changes += [_change(old, None) for old in gone if old["id"] not in left]
    changes += [_change(None, new) for new in come if new["id"] not in entered]
    _mark_exchanges(changes)
    if not of_one_code:
        _mark_new_code(changes, before, after)
    ordered = sorted(changes, key=operator.itemgetter(*KEY_COLUMNS, "change"))
    return pd.DataFrame(ordered, columns=CHANGE_COLUMNS, dtype=object)


def accumulated(changes: pd.DataFrame) -> pd.DataFrame:
    """What the changes of several days (REVISION_COLUMNS) come to together: CHANGE_COLUMNS, from before the first to after the
    last. A figure that was changed and changed back is not among them."""
    before: dict[tuple[str, ...], _Row] = {}
    after: dict[tuple[str, ...], _Row] = {}
    met: set[tuple[str, ...]] = set()
    for change in sorted(changes.to_dict("records"), key=operator.itemgetter("vintage")):
        old, new = (_row_on(change, side) for side in ("before", "after"))
        if old is not None:
            if _KEY(old) not in met:
                before[_KEY(old)] = old
            after.pop(_KEY(old), None)
        if new is not None:
            after[_KEY(new)] = new
        met |= {_KEY(row) for row in (old, new) if row is not None}
    return differences(*(_of_rows(list(rows.values())) for rows in (before, after)), of_one_code=True)


def _row_on(change: Mapping[Any, Any], side: str) -> _Row | None:
    """The observation on one side of a change; None where there is none on it. Changes hold no status."""
    if change[f"id_{side}"] is None:
        return None
    row = {name: change[name] for name in (*KEY_COLUMNS, "derivation", "overlay")}
    if side == "before":
        row |= {name: change[f"{name}_before"] for name in _MOVABLE}
    row |= {theirs: change[f"{ours}_{side}"] for ours, theirs in _SIDES.items()}
    return {**dict.fromkeys(OBSERVATION_COLUMNS, ""), **row, "note": change["note"] if side == "after" else ""}


def _of_rows(rows: list[_Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=OBSERVATION_COLUMNS, dtype=object)


def _matched(before: pd.DataFrame, after: pd.DataFrame) -> tuple[list[_Row], list[_Row], list[tuple[_Row, _Row]]]:
    """The rows that only one of the states has, and the pairs that may differ."""
    # An id stands for key, snapshot and derivation: it settles most rows before any key is built.
    stamps = [_stamps(before), _stamps(after)]
    common = set(stamps[0]) & set(stamps[1])
    olds, news = (
        _by_key(frame[np.array([stamp not in common for stamp in own], dtype=bool)])
        for frame, own in zip((before, after), stamps, strict=True)
    )
    gone = [row for key, row in olds.items() if key not in news]
    come = [row for key, row in news.items() if key not in olds]
    return gone, come, [(row, news[key]) for key, row in olds.items() if key in news]


def _stamps(observations: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(zip(*(observations[name].tolist() for name in ("id", *_STATE, "edition")), strict=True))


def _by_key(observations: pd.DataFrame) -> dict[tuple[str, ...], _Row]:
    return {_KEY(row): row for row in _rows(observations)}


def _rows(observations: pd.DataFrame) -> list[_Row]:
    columns = [observations[name].tolist() for name in OBSERVATION_COLUMNS]
    return [dict(zip(OBSERVATION_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]


def _differs(old: _Row, new: _Row) -> bool:
    printed = not old["derivation"] and not new["derivation"]
    return any(old[name] != new[name] for name in _STATE) or (printed and old["edition"] != new["edition"])


def _change(old: _Row | None, new: _Row | None) -> _Row:
    """One change; `old` or `new` is None where the figure is there on one side only."""
    now: _Row = new if new is not None else old  # type: ignore[assignment]
    if old is None:
        kind = "new"
    elif new is None or (new["absence"] == "withdrawn" and old["absence"] != "withdrawn"):
        kind = "withdrawn"
    elif all(old[name] == new[name] for name in _STATE):
        kind = "confirmed"
    else:
        kind = "corrected" if new["edition"] == "corrected" else "revised"
    return {
        **{name: now[name] for name in (*KEY_COLUMNS, "derivation", "overlay")},
        "change": kind,
        **_side(old, "before"),
        **_side(new, "after"),
        "fraud_type_before": old["fraud_type"] if old else None,
        "classification_before": old["classification"] if old else None,
        "note": now["note"] if new else "",
    }


def _side(row: _Row | None, side: str) -> _Row:
    return {f"{ours}_{side}": row[theirs] if row else None for ours, theirs in _SIDES.items()}


def _moved(gone: list[_Row], come: list[_Row]) -> list[_Row]:
    """Figures that left one type or classification for another."""

    def by_figure(rows: list[_Row]) -> dict[tuple[Any, ...], list[_Row]]:
        found: dict[tuple[Any, ...], list[_Row]] = {}
        for row in rows:
            found.setdefault(tuple(row[name] for name in _LASTING_COLUMNS), []).append(row)
        return found

    left, entered, moved = by_figure(gone), by_figure(come), []
    for figure, olds in left.items():
        news = entered.get(figure, [])
        if len(olds) == len(news) == 1:
            (old,), (new,) = olds, news
            change = _change(old, new)
            sides = (f"{name} {old[name]} to {new[name]}" for name in _MOVABLE if old[name] != new[name])
            moved.append({**change, "change": "reclassified", "note": f"moved from {' and from '.join(sides)}"})
    return moved


def _mark_exchanges(changes: list[_Row]) -> None:
    """Mark as reclassified what one total lost and another gained, or one type and another of the same total, to the last unit.

    The National Police Agency did so with the loss of 2024: special fraud 3.9 oku less, SNS fraud 3.9 oku more.
    """
    groups: dict[tuple[Any, ...], list[_Row]] = {}
    for change in changes:
        both = change["value_before"] is not None and change["value_after"] is not None
        printed = change["derivation"] in ("", "records") and not change["overlay"]
        if change["change"] == "revised" and both and printed and change["measure"] in ADDITIVE_MEASURES:
            groups.setdefault(tuple(change[name] for name in _EXCHANGE_COLUMNS), []).append(change)
    for group in groups.values():
        totals = [change for change in group if change["native_type"] == TOTAL]
        _mark_if_exchanged(totals)
        revised_tables = {change["table"] for change in totals if change["change"] == "revised"}
        schemes = {(change["table"], change["classification"]) for change in group if change["native_type"] != TOTAL}
        for table, scheme in sorted(schemes):
            if table not in revised_tables:
                _mark_if_exchanged(
                    [c for c in group if (c["table"], c["classification"]) == (table, scheme) and c["native_type"] != TOTAL]
                )


def _mark_if_exchanged(changes: list[_Row]) -> None:
    moved = [change["value_after"] - change["value_before"] for change in changes]
    if len(changes) > 1 and sum(moved, Decimal(0)) == 0:
        places = ", ".join(
            f"{change['table']}{'' if change['native_type'] == TOTAL else ' ' + change['native_type']} {amount_text(amount, '+')}"
            for change, amount in zip(changes, moved, strict=True)
        )
        for change in changes:
            change["change"] = "reclassified"
            change["note"] = "; ".join(part for part in (change["note"], f"moved within one publication: {places}") if part)


def _mark_new_code(changes: list[_Row], before: pd.DataFrame, after: pd.DataFrame) -> None:
    old, new = _speaking(before), _speaking(after)
    for change in changes:
        same_figure = change["id_before"] is not None and change["id_before"] == change["id_after"]
        same_source = change["source"] in old and old[change["source"]] == new.get(change["source"])
        if same_figure or same_source:
            change["change"] = "new_code"


def _speaking(observations: pd.DataFrame) -> dict[str, set[str]]:
    """The snapshots that speak, by source."""
    found: dict[str, set[str]] = {}
    for source, snapshots in set(zip(observations["source"], observations["snapshot"], strict=True)):
        found.setdefault(source, set()).update(snapshots.split("+"))
    return found


# ---------------------------------------------------------------------------------------------------------------- history


@dataclasses.dataclass(frozen=True)
class History:
    """A source as it stands, and how that came about.

    `view`: OBSERVATION_COLUMNS, printed and derived figures. `revisions`: REVISION_COLUMNS, every change of a figure of a table
    and period that was known before. `vintages`: VINTAGE_COLUMNS, the days on which a snapshot spoke for a table and period.
    """

    view: pd.DataFrame
    revisions: pd.DataFrame
    vintages: pd.DataFrame


NO_HISTORY = History(empty_frame(OBSERVATION_SCHEMA), empty_frame(REVISION_SCHEMA), empty_frame(VINTAGE_SCHEMA))


def history(observations: pd.DataFrame, snapshots: list[Snapshot], source: Source, *, earlier: History = NO_HISTORY) -> History:
    """The history of a source from the observations of `snapshots`, in any order.

    `earlier` is the history that its oldest snapshots alone give, where that is known already; only what was known after it is
    worked out then.
    """
    done = max(earlier.vintages["vintage"], default=dt.date.min)
    view, revisions, vintages = earlier.view, [earlier.revisions], [earlier.vintages]
    known_units = set(_units(earlier.vintages))
    for day in sorted({snapshot.known_at for snapshot in snapshots if snapshot.known_at > done}):
        known = known_by(snapshots, day)
        speaking = observations[observations["snapshot"].isin([snapshot.id for snapshot in known])]
        rows = in_force(speaking, known, of_ledger=source.is_ledger)
        current = _derived(rows, view, day, source, printings(speaking, known))
        changes = differences(view, current, of_one_code=True) if len(view) else empty_frame(CHANGE_SCHEMA)
        touched = set(_units(current[current["known_at"] == day]))
        # The figures of a table and period that nobody knew before are in the view itself.
        is_known = np.array([unit in known_units for unit in _units(changes)], dtype=bool)
        changes = changes[is_known].assign(vintage=day)
        touched |= set(_units(changes))
        revisions.append(changes[REVISION_COLUMNS])
        vintages.append(pd.DataFrame([(*unit, day) for unit in sorted(touched)], columns=VINTAGE_COLUMNS, dtype=object))
        known_units |= touched
        view = current
    return History(view, _stacked(revisions, REVISION_SCHEMA), _stacked(vintages, VINTAGE_SCHEMA))


def _derived(
    speaking: pd.DataFrame, before: pd.DataFrame, day: dt.date, source: Source, printed: Mapping[str, Printing]
) -> pd.DataFrame:
    """The figures as of the day, from the rows in force and the view of the vintage before.

    A ledger's files never take figures away, and a derived figure needs those of its own year and of the year before. So where
    some years have news, these and the years after them are derived again, and the figures of all other years stand as they were.
    """
    years = speaking["period"].str[:4].astype(int)
    news = set(years[(speaking["known_at"] == day).to_numpy(bool)])
    again = {year + later for year in news for later in (0, 1)}
    if not source.is_ledger or not len(before) or set(years) <= again:
        return derive(speaking, source, printed)
    needed = years.isin(again | {year - 1 for year in again}).to_numpy(bool)
    made = derive(speaking[needed].reset_index(drop=True), source, printed)
    kept = before[~before["period"].str[:4].astype(int).isin(again).to_numpy(bool)]
    made = made[made["period"].str[:4].astype(int).isin(again).to_numpy(bool)]
    return sorted_by_key(pd.concat([kept, made], ignore_index=True))


def _units(frame: pd.DataFrame) -> Iterable[tuple[str, ...]]:
    return list(zip(*(frame[name] for name in UNIT_COLUMNS), strict=True))


def _stacked(frames: list[pd.DataFrame], schema: Any) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame(schema)
