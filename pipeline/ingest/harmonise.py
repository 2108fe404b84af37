"""A reader's figures become observations: common codes beside native labels, statuses, the two clocks.

In: `Figure`s of one snapshot, the source's `crosswalk.csv` (dimension, native_code, valid_from, valid_to, common_code, match,
additive, note, evidence). Out: a frame of observations (pipeline.frames). Raises RefusedInput for a label that the crosswalk
does not know and for a figure that stands twice.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.frames import KEY_COLUMNS, observations_frame
from pipeline.model import DIMENSIONS, MEASURES, TOTAL, UNITS, Period, RefusedInput, Snapshot
from pipeline.reading.crosswalk import crosswalk_rows, in_force
from pipeline.reading.figures import Figure
from pipeline.sources.catalogue import Source


def harmonise(figures: list[Figure], snapshot: Snapshot, source: Source) -> pd.DataFrame:
    """The figures of one snapshot as observations, in the order in which they were read."""
    frame = observations_frame([_observation(figure, snapshot, source) for figure in figures])
    _refuse_doubles(frame, snapshot)
    return frame


def _observation(figure: Figure, snapshot: Snapshot, source: Source) -> dict[str, Any]:
    _check_declared(figure, snapshot, source)
    period = Period.parse(figure.period)
    edition = figure.edition or snapshot.edition
    return {
        "source": source.id,
        "table": figure.table,
        "frequency": period.frequency,
        "period": period.code,
        "area": figure.area,
        "fraud_type": _common(figure, "fraud_type", figure.native_type, period, snapshot, source),
        "native_type": figure.native_type,
        **{
            dimension: _common(figure, dimension, label, period, snapshot, source)
            for dimension, label in figure.dimensions.items()
        },
        "measure": figure.measure,
        "unit": figure.unit,
        "value": figure.value,
        "precision": figure.precision,
        "obs_status": figure.obs_status or _status(figure, edition, period, source),
        "absence": figure.absence,
        "classification": figure.classification,
        "overlay": figure.overlay,
        "edition": edition,
        "known_at": snapshot.known_at,
        "snapshot": snapshot.id,
        "origin": figure.origin,
        "note": figure.note,
    }


def _status(figure: Figure, edition: str, period: Period, source: Source) -> str:
    if figure.absence:
        return "O"
    if edition == "provisional":
        return "P"
    begins_here = any(
        declared["table"] == figure.table
        and Period.parse(str(declared["from"])).start == period.start
        and (declared.get("all") or figure.native_type in declared.get("native_types", ()))
        for declared in source.breaks
    )
    return "B" if begins_here else "A"


def _check_declared(figure: Figure, snapshot: Snapshot, source: Source) -> None:
    for found, known, what in (
        (figure.table, source.tables, f"tables of {source.id}/source.yml"),
        (figure.measure, MEASURES, "model.MEASURES"),
        (figure.unit, UNITS, "model.UNITS"),
    ):
        if found not in known:
            raise RefusedInput(
                file=snapshot.file,
                cell=figure.origin,
                found=repr(found),
                expected=f"one of the {what}: {', '.join(known)}",
                action="declare it there, or mend the reader",
            )
    unknown = set(figure.dimensions) - set(DIMENSIONS)
    if unknown:
        raise KeyError(f"{figure.origin}: {sorted(unknown)} are not dimensions; the reader of {source.id} is wrong")


def _common(figure: Figure, dimension: str, label: str, period: Period, snapshot: Snapshot, source: Source) -> str:
    if label == TOTAL:
        return TOTAL
    rows = crosswalk_rows(source.folder / "crosswalk.csv")
    for row in rows.get((dimension, label), ()):
        if in_force(row, period):
            return row["common_code"]
    known = sorted(native for name, native in rows if name == dimension)
    raise RefusedInput(
        file=snapshot.file,
        cell=figure.origin,
        found=f"{dimension} {label!r} for {period}",
        expected=f"one of the labels in {source.id}/crosswalk.csv: {', '.join(known)}",
        action="if the publisher has a new category, add a line to crosswalk.csv with its evidence; else mend the file",
    )


def _refuse_doubles(frame: pd.DataFrame, snapshot: Snapshot) -> None:
    doubles = frame[frame.duplicated(KEY_COLUMNS, keep=False)].sort_values([*KEY_COLUMNS, "origin"])
    if len(doubles):
        first, second = doubles.iloc[0], doubles.iloc[1]
        raise RefusedInput(
            file=snapshot.file,
            cell=f"{first.origin} and {second.origin}",
            found=f"{first.measure} of {first.native_type} for {first.period} twice: {first.value} and {second.value}",
            expected="each figure once in a file",
            action="find out from the publisher which one holds; until then the file is not used",
        )
