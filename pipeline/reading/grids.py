"""Publishers' files as grids of text with spreadsheet addresses (`K4`).

In: a CSV (UTF-8, else cp932, both decoded strictly) or an .xlsx workbook. Out: `Grid`s, whose cells are text exactly as the
file holds it, so that a refusal can name the cell. Nothing is guessed: a file that is empty, cut off, ragged, in another
encoding, or not what its name says raises RefusedInput.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from pipeline.model import RefusedInput
from pipeline.reading.cell_addresses import address, parse_address

WHOLE_FILE = "the whole file"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.xls, .doc)"),
    (b"\x1f\x8b", "a gzip archive"),
)
_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|\?xml|script|body)", re.IGNORECASE)
# Japanese text in EUC-JP mostly decodes as cp932 without an error, into half-width katakana; real cp932 tables hold few.
_MOST_HALF_WIDTH_KATAKANA = 0.3


@dataclasses.dataclass(frozen=True)
class Grid:
    """One sheet, or one CSV, as rows of equally many texts. Rows and columns count from 0; addresses are a spreadsheet's."""

    file: str
    sheet: str  # empty for a CSV
    rows: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    def text(self, row: int, column: int) -> str:
        """The text of a cell as it stands; empty outside the grid."""
        return self.rows[row][column] if 0 <= row < len(self.rows) and 0 <= column < self.width else ""

    def filled(self, row: int) -> list[int]:
        """The columns of the row that hold more than spaces, from the left."""
        return [column for column, text in enumerate(self.rows[row]) if text.strip()]

    def cell(self, row: int, column: int) -> str:
        """The address within the file: `K4`, in a workbook `2-3-6-2!K4`."""
        return f"{self.sheet}!{address(row, column)}" if self.sheet else address(row, column)

    def origin(self, row: int, column: int) -> str:
        """File and cell: `r07.csv!K4`, `r07_2-3.xlsx!2-3-6-2!K4`."""
        return f"{self.file}!{self.cell(row, column)}"

    def refusal(self, row: int, column: int, *, expected: str, action: str, found: str = "") -> RefusedInput:
        """The error that names this cell, for the caller to raise. `found` is the cell's own text unless given."""
        return RefusedInput(
            file=self.file,
            cell=self.cell(row, column),
            found=found or repr(self.text(row, column)),
            expected=expected,
            action=action,
        )


def read_grids(path: Path) -> list[Grid]:
    """Every sheet of the workbook, or the one grid of the CSV, by the file's ending. Raises RefusedInput, naming the file."""
    ending = path.suffix.lower()
    if ending == ".csv":
        return [read_csv_grid(path)]
    if ending == ".xlsx":
        return read_workbook_grids(path)
    raise _refused(path, f"a file ending in {ending!r}", "a .csv or an .xlsx", "save or fetch the publisher's .csv or .xlsx")


def read_csv_grid(path: Path) -> Grid:
    """The CSV as one grid. Raises RefusedInput for whatever keeps its cells from being read exactly."""
    content = path.read_bytes()
    _refuse_unless_text(path, content)
    text = _decoded(path, content)
    if not text.endswith(("\n", "\r")):
        last = text.count("\n") + 1
        raise RefusedInput(
            file=path.name,
            cell=f"row {last}",
            found=f"{text[-20:]!r} at the end of the file",
            expected="a line end after the last row",
            action="the file was cut off on its way: fetch it again",
        )
    return Grid(path.name, "", _rectangular(path, text))


def read_workbook_grids(path: Path) -> list[Grid]:
    """Every sheet of an .xlsx as a grid, in their order; formulas by their stored results. Raises RefusedInput."""
    content = path.read_bytes()
    if not content:
        raise _refused(path, "an empty file", "a workbook (.xlsx)", "fetch the file again")
    if not content.startswith(b"PK\x03\x04"):
        raise _refused(path, _what_it_is(content), "a workbook (.xlsx)", "fetch the file again, and check its address")
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [(sheet.title, [tuple(map(_as_text, row)) for row in sheet.iter_rows(values_only=True)]) for sheet in book]
        book.close()
    except (InvalidFileException, zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, SyntaxError) as error:
        raise _refused(
            path, f"a ZIP archive that is no readable workbook ({error})", "a workbook (.xlsx)", "fetch the file again"
        ) from error
    return [Grid(path.name, title, _padded(rows)) for title, rows in sheets]


def cell_text(path: Path, cell: str) -> str:
    """The text of one cell of a file: `K4`, in a workbook `2-3-6-2!K4`; empty outside the grid.

    Raises RefusedInput where the file cannot be read or has no such sheet, ValueError where `cell` is no address.
    """
    sheet, _, place = cell.rpartition("!")
    for grid in read_grids(path):
        if grid.sheet == sheet:
            return grid.text(*parse_address(place))
    raise _refused(path, f"no sheet {sheet!r}", f"the sheet of {cell}", "look at the file: it is not the one that was read")


def file_refusal(file: str, *, found: str, expected: str, action: str) -> RefusedInput:
    """The error about a whole file, for the caller to raise: something in it is missing altogether."""
    return RefusedInput(file=file, cell=WHOLE_FILE, found=found, expected=expected, action=action)


def _refused(path: Path, found: str, expected: str, action: str) -> RefusedInput:
    return file_refusal(path.name, found=found, expected=expected, action=action)


def _what_it_is(content: bytes) -> str:
    for signature, what in _SIGNATURES:
        if content.startswith(signature):
            return what
    return "an HTML or XML page" if _HTML.match(content[:200]) else "something that is no workbook"


def _refuse_unless_text(path: Path, content: bytes) -> None:
    if not content.strip():
        raise _refused(path, "an empty file", "a CSV with the publisher's table", "fetch the file again")
    if content.startswith(tuple(signature for signature, _ in _SIGNATURES)) or _HTML.match(content[:200]):
        action = "the address may have moved, or the file has the wrong name: fetch the CSV again"
        raise _refused(path, _what_it_is(content), "a CSV, as its name says", action)
    if b"\x00" in content:
        raise RefusedInput(
            file=path.name,
            cell=f"byte {content.index(0)}",
            found="a NUL byte",
            expected="text in UTF-8 or cp932",
            action="the file is binary or in UTF-16: fetch the publisher's CSV, or save it again as UTF-8",
        )


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
        if content.startswith(b"\xef\xbb\xbf"):
            raise _not_decoded(path, content, at, "UTF-8, as its first bytes promise") from error
    try:
        text = content.decode("cp932")
    except UnicodeDecodeError as error:
        raise _not_decoded(path, content, error.start, "UTF-8 or cp932") from error
    beyond_ascii = [character for character in text if ord(character) > 0x7F]
    katakana = [character for character in beyond_ascii if "\uff61" <= character <= "\uff9f"]
    if len(katakana) > _MOST_HALF_WIDTH_KATAKANA * len(beyond_ascii):
        raise _not_decoded(path, content, at, "UTF-8 or cp932 (as cp932 it is mostly half-width katakana; EUC-JP reads so)")
    return text


def _not_decoded(path: Path, content: bytes, offset: int, expected: str) -> RefusedInput:
    return RefusedInput(
        file=path.name,
        cell=f"byte {offset}",
        found=f"the byte 0x{content[offset]:02x}, which is no text in that encoding",
        expected=f"text in {expected}",
        action="the file is damaged or in another encoding: fetch it again, or save it as UTF-8",
    )


def _rectangular(path: Path, text: str) -> tuple[tuple[str, ...], ...]:
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error as error:
        raise _refused(path, f"broken quoting ({error})", "a CSV", "fetch the file again") from error
    width = next(len(row) for row in rows if row)
    for number, row in enumerate(rows, start=1):
        if row and len(row) != width:
            raise RefusedInput(
                file=path.name,
                cell=f"row {number}",
                found=f"{len(row)} columns",
                expected=f"{width}, as in the first row",
                action="the file was cut off or edited by hand: fetch it again",
            )
    return _padded(rows)


def _padded(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    width = max((len(row) for row in rows), default=0)
    return tuple((*row, *[""] * (width - len(row))) for row in rows)


def _as_text(value: Any) -> str:
    """A workbook's cell as the text that a CSV would hold, without losing a digit."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return str(value)


_TITLE = re.compile(r"図表:\s*(?P<number>[^\s(]+)(?:\s+(?P<title>.+)|\((?P<bracketed>[^()]+)\)(?P<rest>.*))")
_UNIT_IN_BRACKETS = re.compile(r"(?P<label>.+?)\((?:単位:)?(?P<unit>(?:兆|億|百万|千|万)?円|件|人|%)\)")


@dataclasses.dataclass(frozen=True)
class TitledTable:
    """A table of the annual crime book: its title row, and the rows after it up to the first blank one."""

    grid: Grid
    number: str  # `2-3-6-1`
    title: str  # without number, spaces and brackets
    title_row: int
    body: tuple[int, ...]


def titled_tables(grid: Grid) -> list[TitledTable]:
    """Every table of the book in this grid, by its title row `図表：２－３－６－１　…`.

    The number and the title mix full and half width and stand side by side or with brackets; both are folded. The body starts
    at the first row after the title that is not blank and ends before the next blank row: notes follow that one.
    """
    tables = []
    for row in range(len(grid.rows)):
        match = _TITLE.fullmatch(_folded(grid.text(row, 0)))
        if match is None:
            continue
        title = "".join((match["title"] or f"{match['bracketed']}{match['rest']}").split())
        tables.append(TitledTable(grid, match["number"], title, row, _body(grid, row + 1)))
    return tables


def split_unit(label: str) -> tuple[str, str | None]:
    """A label without the unit in brackets at its end, and the unit: `検挙件数(件)` gives `検挙件数` and `件`."""
    match = _UNIT_IN_BRACKETS.fullmatch(label)
    return (match["label"], match["unit"]) if match else (label, None)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _body(grid: Grid, start: int) -> tuple[int, ...]:
    row = start
    while row < len(grid.rows) and not grid.filled(row):
        row += 1
    first = row
    while row < len(grid.rows) and grid.filled(row) and not _TITLE.match(_folded(grid.text(row, 0))):
        row += 1
    return tuple(range(first, row))
