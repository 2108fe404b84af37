"""The reading of one cell of a grid under what is declared wrong in its file.

In: a grid, and what `corrections.csv` declares of its file (pipeline.reading.declarations). Out: `Reading`s. A declaration says
which text it expects to find: when the publisher mends the file, the declaration no longer holds and stops the run, so that it is
removed and never hides a good figure.

action `refuse`: the cell is not used; its figure is there without a value, absence `unreadable`, with the reason.
action `replace`: `value` is read in place of the text; the figure says so in its note.

Files of records are corrected in the same words (pipeline.reading.record_corrections).
"""

from __future__ import annotations

import dataclasses
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.model import FalseDeclaration
from pipeline.reading.correction_notes import CORRECTED
from pipeline.reading.declarations import Correction, declarations
from pipeline.reading.figures import Figure
from pipeline.reading.grids import Grid, read_grids
from pipeline.reading.numerals import Kind, LostDigits, UnreadableNumber, parse_number

NO_VALUE = frozenset("-‐‑‒–—―−ー")
NOT_COLLECTED = "printed as `-`: the category was not separated, or not surveyed, at that time"


@dataclasses.dataclass(frozen=True)
class Reading:
    """What one cell says: a value, or the code of why there is none."""

    value: Decimal | None
    precision: Decimal | None
    absence: str  # a key of model.ABSENCE, empty when there is a value
    obs_status: str  # `E` when printed as approximate, else empty
    printed: str
    note: str

    def figure(self, origin: str, **about: Any) -> Figure:
        """The figure that the cell at `origin` holds; `about`: what it is about, and what else the reader knows of it."""
        said = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Figure(origin=origin, **{**said, **about})


class Corrections:
    """The declarations for one file. Create with `corrections_for`; ask with `read_cell`; close with `refuse_unused`."""

    def __init__(self, declared: list[Correction]) -> None:
        self._by_cell = {correction.cell: correction for correction in declared}
        self._used: set[str] = set()

    def at(self, grid: Grid, row: int, column: int) -> Correction | None:
        """The declaration about this cell, if there is one. Raises FalseDeclaration where the cell holds another text.

        It is checked when the cell is read, not before: a file whose rows have moved is to be named for that.
        """
        correction = self._by_cell.get(grid.cell(row, column))
        if correction is None:
            return None
        self._used.add(correction.cell)
        if grid.text(row, column) != correction.expect:
            raise FalseDeclaration(
                file=grid.file,
                cell=grid.cell(row, column),
                found=repr(grid.text(row, column)),
                expected=f"{correction.expect!r}, as corrections.csv declares",
                action="the publisher mended or moved the cell: look at it, then remove or change the declaration",
            )
        return correction

    def refuse_unused(self) -> None:
        """Raises FalseDeclaration where a declaration is about a cell that holds no figure of ours."""
        for cell in sorted(set(self._by_cell) - self._used):
            correction = self._by_cell[cell]
            raise FalseDeclaration(
                file=correction.file,
                cell=cell,
                found="a declaration in corrections.csv about a cell that no table of this source reads",
                expected="declarations about figures only",
                action="correct the address, or remove the declaration",
            )


def corrections_for(folder: Path, file: str) -> Corrections:
    """The declarations about `file` in the source folder's corrections.csv.

    Raises FraudlossError, naming the line, where the list itself is malformed.
    """
    return Corrections([correction for correction in declarations(folder) if correction.file == file])


def is_no_value(text: str) -> bool:
    """Whether the text is a lone dash of any kind: no statistic, never zero."""
    folded = unicodedata.normalize("NFKC", text).strip()
    return len(folded) == 1 and folded in NO_VALUE


def read_cell(
    grid: Grid, row: int, column: int, corrections: Corrections, *, kind: Kind, unit: str | None, blank_is_absent: bool
) -> Reading | None:
    """What the cell says, with `unit` the publisher's multiple from a label (`億円`).

    `-` is a reading without a value (not collected). None: the cell is blank, and blank means that nobody transcribed it.
    Raises RefusedInput for a blank where a figure belongs, for text, lost digits and negative numbers.
    """
    text = grid.text(row, column)
    correction = corrections.at(grid, row, column)
    note = ""
    if correction is not None and correction.action == "refuse":
        return Reading(None, None, "unreadable", "", text, f"{correction.reason} (printed: {text})")
    if correction is not None:
        note = f"{CORRECTED}{correction.expect!r}: {correction.reason} ({correction.source})"
        text = correction.value
    if not text.strip():
        if blank_is_absent:
            return None
        raise grid.refusal(row, column, found="a blank cell", expected="a number, or `-`", action="fetch the file again")
    if is_no_value(text):
        return Reading(None, None, "not_collected", "", text, note or NOT_COLLECTED)
    try:
        number = parse_number(text, unit=unit, kind=kind)
    except LostDigits as error:
        action = f"{error.action}, and declare this cell in corrections.csv with the action `refuse`"
        raise grid.refusal(row, column, found=error.found, expected=error.expected, action=action) from error
    except UnreadableNumber as error:
        raise grid.refusal(row, column, found=error.found, expected=error.expected, action=error.action) from error
    if number.value < 0:
        raise grid.refusal(row, column, expected="a number that is not negative", action="look at the publication")
    return Reading(number.value, number.precision, "", "E" if number.approximate else "", text, note)


def open_source_file(path: Path, folder: Path) -> tuple[list[Grid], Corrections]:
    """The grids of a source's file, and the declarations about it. Raises RefusedInput where it cannot be read as a grid."""
    return read_grids(path), corrections_for(folder, path.name)
