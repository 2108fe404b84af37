"""What is declared wrong in the files of a publisher.

In: `corrections.csv` of a source (file, cell, expect, action, value, reason, source). Out: `Correction`s in the order of the
list, each checked. What becomes of them is for those who read grids (pipeline.reading.corrections) and records
(pipeline.reading.record_corrections).
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

from pipeline.model import FraudlossError
from pipeline.reading.cell_addresses import parse_address

COLUMNS = ["file", "cell", "expect", "action", "value", "reason", "source"]
ACTIONS = ("refuse", "replace")


@dataclasses.dataclass(frozen=True)
class Correction:
    """One cell that is declared wrong."""

    file: str
    cell: str  # `K4`, in a workbook `2-3-6-2!K4`, in a zip of records `member.csv!F1234`
    expect: str  # the exact text that the file holds as long as this declaration is true
    action: str  # one of ACTIONS
    value: str  # what to read instead; only for `replace`
    reason: str
    source: str


def declarations(folder: Path) -> list[Correction]:
    """All declarations of a source, in their order. Raises FraudlossError, naming the line, where one is malformed."""
    path = folder / "corrections.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != COLUMNS:
            raise FraudlossError(f"{path.name}, row 1: found {reader.fieldnames}; expected {COLUMNS}. Write that header.")
        corrections = [_checked(path, number, row) for number, row in enumerate(reader, start=2)]
    cells = [(correction.file, correction.cell) for correction in corrections]
    for file, cell in cells:
        if cells.count((file, cell)) > 1:
            raise FraudlossError(f"{path.name}: {file}, {cell} is declared more than once. Keep one line.")
    return corrections


def _checked(path: Path, number: int, row: dict[str, str]) -> Correction:
    if set(row) != set(COLUMNS) or None in row.values():
        raise FraudlossError(f"{path.name}, row {number}: found more or fewer than {len(COLUMNS)} columns. Write them all.")
    correction = Correction(**row)
    problem = ""
    if correction.action not in ACTIONS:
        problem = f"action {correction.action!r}; expected one of {', '.join(ACTIONS)}"
    elif (correction.action == "replace") != bool(correction.value):
        problem = f"action {correction.action!r} with value {correction.value!r}; expected a value for `replace` only"
    elif not correction.reason or not correction.source:
        problem = "no reason or no source; expected both"
    else:
        try:
            parse_address(correction.cell.rpartition("!")[2])
        except ValueError as error:
            problem = f"{error}; expected K4 or sheet!K4"
    if problem:
        raise FraudlossError(f"{path.name}, row {number}: found {problem}.")
    return correction
