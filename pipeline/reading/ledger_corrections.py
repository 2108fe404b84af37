"""The cells of a ledger's CSV file that are declared wrong, corrected in its bytes before they are parsed.

In: the blocks of a file behind its header, cut at line ends, and the declarations about it (pipeline.reading.record_corrections).
Out: `Piece`s, of which all but those with a declared cell are the blocks as they came. A field cannot hold a line break, so a row
is a line, and the first line of the first block is row 2. Raises RefusedInput where a cell is not what a declaration expects.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.reading.record_corrections import RecordCorrection


@dataclass(frozen=True)
class CorrectedLine:
    """A line with cells that are declared wrong."""

    declared: tuple[RecordCorrection, ...]
    printed: bytes
    read: bytes  # empty where the record is set aside


@dataclass(frozen=True)
class Piece:
    """A block as it is to be parsed."""

    content: bytes
    refused: Mapping[int, str] = field(default_factory=dict)  # place of a row to set aside, counted from 0 -> what is said of it
    lines: tuple[CorrectedLine, ...] = ()


def corrected_blocks(
    blocks: Iterable[bytes], declared: Sequence[RecordCorrection], names: Sequence[str], headers: Mapping[str, str]
) -> Iterator[Piece]:
    """The blocks with what is declared of them. `names`: our name of each column, `` for one that is not read."""
    for each in declared:
        each.name_among(names)
    first = 2
    for content in blocks:
        # Lines need not be counted where nothing is declared.
        end = first + content.count(b"\n") if declared else first
        here = [each for each in declared if first <= each.row < end]
        yield _corrected(content, first, here, names, headers) if here else Piece(content)
        first = end
    for each in declared:
        if each.row >= first:
            raise each.outside(first - 1)


def _corrected(
    content: bytes, first: int, declared: Sequence[RecordCorrection], names: Sequence[str], headers: Mapping[str, str]
) -> Piece:
    lines, refused, corrected = content.split(b"\n"), dict[int, str](), list[CorrectedLine]()
    for row in sorted({each.row for each in declared}):
        place, of_row = row - first, tuple(each for each in declared if each.row == row)
        printed = lines[place]
        lines[place] = _line(printed, of_row, len(names))
        wrong = [each for each in of_row if each.value is None]
        said = [f"{headers[names[each.column]]}: {each.expect!r}: {each.reason}" for each in wrong]
        if said:
            refused[place] = "; ".join(said)
        corrected.append(CorrectedLine(of_row, printed + b"\n", b"" if said else lines[place] + b"\n"))
    return Piece(b"\n".join(lines), refused, tuple(corrected))


def _line(printed: bytes, declared: Sequence[RecordCorrection], width: int) -> bytes:
    """The line with the declared texts in their cells."""
    text = printed.decode("utf-8", "surrogateescape")
    fields = next(csv.reader([text.rstrip("\r")]), [])
    for each in declared:
        if len(fields) != width:
            raise each.ragged(text)
        each.check(fields[each.column])
    for each in declared:
        fields[each.column] = fields[each.column] if each.value is None else each.value
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r" if text.endswith("\r") else "").writerow(fields)
    return out.getvalue().encode("utf-8", "surrogateescape")
