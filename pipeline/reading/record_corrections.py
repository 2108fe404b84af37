"""What is declared wrong in a publisher's file of records, and how the figures made of its records say so.

In: `corrections.csv` of a source (pipeline.reading.corrections), which a source of records need not have. `cell` is the cell as a
spreadsheet shows it: `F1234`, or `member.csv!F1234` where the delivery has several members. Out: `RecordCorrection`s, for the
readers of records to apply before they read anything: what is read of a cell is then parsed by the rules of every other cell.

action `replace`: `value` is read in place of the text. action `refuse`: the record is set aside, by the rule DECLARED_WRONG.
As with grids a declaration says which text it expects to find, so that it stops the file when the publisher mends it.

A figure's note tells the corrections of the records that go into it, or that would have, as printed. `told_in` finds them there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import FalseDeclaration

DECLARED_WRONG = "declared_wrong"
# A note stands on each of a thousand lines of a page: of more corrections than this it says how many more there are.
MOST_TOLD = 3
CORRECTED, WITHOUT, FURTHER = "corrected from ", "without a record, printed ", "corrected in "
_NEXT = re.compile(f"; (?=(?:{CORRECTED}|{WITHOUT}|{FURTHER}[0-9]))")
_PLACE = re.compile(r", at [^ ]+![A-Z]+[0-9]+$")


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
    # Reading workbooks takes as long to import as a small file takes to be read.
    from pipeline.reading.corrections import declarations
    from pipeline.reading.grids import parse_address

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


# ------------------------------------------------------------------------------------------------------------------ notes


def with_corrections(note: str, words: Iterable[str]) -> str:
    """The note of a figure with what was corrected of its records behind it."""
    told = list(dict.fromkeys(words))
    if more := told[MOST_TOLD:]:
        told = [*told[:MOST_TOLD], f"{FURTHER}{len(more)} more of its records, as corrections.csv declares"]
    return "; ".join([*([note] if note else []), *told])


def told_in(note: str) -> list[str]:
    """The corrections of records that the note of a figure tells, each in its words."""
    return [part for part in _NEXT.split(f"; {note}")[1:] if part]


def without_place(words: str) -> str:
    """The words without where the cell stands: the same error, declared for the publisher's next file, has the same words."""
    return _PLACE.sub("", words)
