"""What is declared wrong in a publisher's file of records.

In: `corrections.csv` of a source (pipeline.reading.declarations), which a source of records need not have. `cell` is the cell as
a spreadsheet shows it: `F1234`, or `member.csv!F1234` where the delivery has several members. Out: `RecordCorrection`s, for the
readers of records to apply before they read anything: what is read of a cell is then parsed by the rules of every other cell.

action `replace`: `value` is read in place of the text. action `refuse`: the record is set aside, by the rule DECLARED_WRONG.
As with grids a declaration says which text it expects to find, so that it stops the file when the publisher mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import FalseDeclaration
from pipeline.reading.cell_addresses import parse_address
from pipeline.reading.correction_notes import CORRECTED, WITHOUT
from pipeline.reading.declarations import declarations

DECLARED_WRONG = "declared_wrong"


@dataclass(frozen=True)
class RecordCorrection:
    """One cell of a file of records that is declared wrong."""

    file: str  # as delivered
    cell: str  # as declared
    member: str  # of the delivery; empty where the declaration names none
    row: int  # the record's number as a spreadsheet shows it: the header is row 1
    column: int  # counted from 0
    expect: str
    value: str | None  # what to read instead; None: the record is set aside
    reason: str
    source: str

    @property
    def address(self) -> str:
        """File and cell as one text without spaces."""
        return f"{self.file}!{self.cell}".replace(" ", "%20")

    @property
    def words(self) -> str:
        """What figures and releases say of it: both texts, the reason, and where it stands."""
        said = f"{CORRECTED}'{self.expect}' to '{self.value}'" if self.value is not None else f"{WITHOUT}'{self.expect}'"
        return f"{said}: {self.reason} ({self.source}), at {self.address}"

    def refusal(self, found: str, expected: str, action: str) -> FalseDeclaration:
        """The error that names this cell, for the caller to raise."""
        return FalseDeclaration(file=self.file, cell=self.cell, found=found, expected=expected, action=action)

    def name_among(self, names: Sequence[str]) -> str:
        """Our name of the column, of `names` in the order of the file (`` for one that is not read). Raises FalseDeclaration."""
        if self.row == 1:
            raise self._about_no_record("a declaration about the header")
        if self.column >= len(names):
            raise self._about_no_record(f"a declaration about a cell outside of the file, whose rows have {len(names)} columns")
        if not names[self.column]:
            raise self.unread()
        return names[self.column]

    def unread(self) -> FalseDeclaration:
        """The error where nothing of the column goes into a record."""
        return self._about_no_record("a declaration about a cell of a column that is not read")

    def outside(self, rows: int) -> FalseDeclaration:
        """The error where the file has no such row; `rows`: the header and the records."""
        return self._about_no_record(f"a declaration about a cell outside of the file, which has {rows} rows")

    def ragged(self, text: str) -> FalseDeclaration:
        """The error where the row has not as many fields as the header: it is set aside without a declaration."""
        return self._about_no_record(f"a row of another length than the header: {text[:80]!r}")

    def _about_no_record(self, found: str) -> FalseDeclaration:
        expected = "declarations in corrections.csv about cells of records that are read"
        return self.refusal(found, expected, "correct the address, or remove the declaration")

    def check(self, text: str) -> None:
        """Raises FalseDeclaration where the cell holds another text than was expected."""
        if text != self.expect:
            expected = f"{self.expect!r}, as corrections.csv declares"
            action = "the publisher mended or moved the cell: look at it, then remove or change the declaration"
            raise self.refusal(repr(text), expected, action)


def record_corrections(folder: Path, file: str) -> tuple[RecordCorrection, ...]:
    """The declarations about a delivered file of records in the source's folder, in their order; none without corrections.csv.

    Raises FraudlossError, naming the line, where the list itself is malformed.
    """
    if not (folder / "corrections.csv").is_file():
        return ()
    found = []
    for each in declarations(folder):
        if each.file == file:
            member, _, cell = each.cell.rpartition("!")
            row, column = parse_address(cell)
            value = each.value if each.action == "replace" else None
            about = (each.file, each.cell, member, row + 1, column, each.expect, value, each.reason, each.source)
            found.append(RecordCorrection(*about))
    return tuple(found)


def by_member(corrections: Iterable[RecordCorrection], members: Sequence[str]) -> Mapping[int, list[RecordCorrection]]:
    """The declarations about each member of a delivery, by its place. Raises FalseDeclaration where one is about none of them."""
    found: dict[int, list[RecordCorrection]] = {}
    cells: set[tuple[int, int, int]] = set()
    for each in corrections:
        places = [place for place, name in enumerate(members) if each.member in ("", name)]
        if len(places) != 1:
            named = f"no file {each.member}" if each.member and not places else f"{len(members)} files"
            action = "write member.csv!F1234 in corrections.csv, or remove the declaration"
            raise each.refusal(f"{named} in the delivery: {', '.join(members)}", "the name of one of them", action)
        cell = (places[0], each.row, each.column)
        if cell in cells:
            raise each.refusal("a second declaration about the cell", "one in corrections.csv", "keep one line")
        cells.add(cell)
        found.setdefault(places[0], []).append(each)
    return found
