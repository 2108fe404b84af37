"""Which figures the records go into that are corrected here, as read and as printed, and the notes that say so.

In: the corrections declared about a file of records (pipeline.reading.record_corrections); its cases as they are read and as they
are printed. Out: `CorrectedRecord`s, to be kept with the verdict on the file; figures (pipeline.frames) with notes.

A corrected record is told by every figure that it goes into, and by every figure that it would have gone into as it is printed: a
report that is moved to another month changes both. One that is set aside, before or after, is in no figure then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.aggregate.cubes import code_dimension
from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.reading.correction_notes import with_corrections
from pipeline.reading.record_corrections import RecordCorrection
from pipeline.sources.catalogue import Source

_LABELS = ("native_type", "fraud_type", "area", *DIMENSIONS)
# The month of a record, its classification, and its label in each dimension that it has one in.
Key = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class CorrectedRecord:
    """A cell of a record that is declared wrong, and the keys of the record."""

    cell: str  # `F1234`, or `member.csv!F1234`
    words: str
    keys: tuple[Key, ...]  # as read, as printed; none where no figure is concerned

    def to_json(self) -> dict[str, Any]:
        """For the verdict on the file."""
        return {"cell": self.cell, "words": self.words, "keys": [dict(key) for key in self.keys]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> CorrectedRecord:
        """What `to_json` gave."""
        return cls(kept["cell"], kept["words"], tuple(kept["keys"]))


def corrected_records(
    corrections: Sequence[RecordCorrection], read: pd.DataFrame, printed: pd.DataFrame, source: Source
) -> list[CorrectedRecord]:
    """Each correction with the keys of its record.

    `read`: the cases that go on; `printed`: all cases as they would be read without any declaration.
    """
    sound = printed[(printed["problem"] == "").to_numpy()]
    found = []
    for each in corrections:
        keys = [key for cases in (read, sound) for key in _keys(_row(cases, each), source)]
        unique = tuple(key for place, key in enumerate(keys) if key not in keys[:place])
        found.append(CorrectedRecord(each.cell, each.words, unique))
    return found


def _row(cases: pd.DataFrame, correction: RecordCorrection) -> pd.DataFrame:
    rows = (cases["row"] == correction.row).to_numpy()
    return cases[rows & (cases["file"] == correction.member).to_numpy() if correction.member else rows]


def _keys(cases: pd.DataFrame, source: Source) -> list[Key]:
    """The key of each of some sound cases. A figure of a type has its common code beside it."""
    names = {name: None for meta in source.meta["cubes"] for name in meta.get("by", ())}
    names |= {"fraud_type": None} if "native_type" in names else {}
    coded = {name: code_dimension(cases, name, source) for name in names} if len(cases) else {}
    about = zip(cases["month"].astype(str), cases["classification"].astype(str), strict=True)
    return [
        {"month": month, "classification": classification} | {name: of.labels[int(of.codes[place])] for name, of in coded.items()}
        for place, (month, classification) in enumerate(about)
    ]


# ------------------------------------------------------------------------------------------------------------------ figures


def goes_into(figures: pd.DataFrame, record: CorrectedRecord, source: Source) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of the figures, of one file of the source, the record goes into as read or as printed."""
    found = np.zeros(len(figures), dtype=bool)
    of_all = [str(meta["classification"]) for meta in source.meta["cubes"] if meta.get("classification")]
    periods = {code: Period.parse(code).months for code in figures["period"].unique()} if record.keys else {}
    for key in record.keys:
        months = [code for code, months in periods.items() if key["month"] in months]
        wanted = {"period": months, "classification": [key["classification"], *of_all]}
        for name in _LABELS:
            total = source.country if name == "area" else TOTAL
            wanted[name] = [total, key.get(name, total)]
        rows = np.ones(len(figures), dtype=bool)
        for name, values in wanted.items():
            rows = rows & figures[name].isin(values).to_numpy(bool)
        found |= rows
    return found


def with_notes(figures: pd.DataFrame, records: Sequence[CorrectedRecord], source: Source) -> pd.DataFrame:
    """The figures, of one file of the source, with what was corrected of their records in their notes."""
    told: dict[int, list[str]] = {}
    for record in records:
        for place in np.flatnonzero(goes_into(figures, record, source)).tolist():
            told.setdefault(place, []).append(record.words)
    if not told:
        return figures
    notes = figures["note"].to_numpy(object).copy()
    for place, words in told.items():
        notes[place] = with_corrections(notes[place], words)
    return figures.assign(note=pd.Series(notes, index=figures.index, dtype=object))
