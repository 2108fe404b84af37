"""A CSV file of a ledger -> month partitions (pipeline.reading.partitions), streamed: memory does not grow with the file.

In: a UTF-8 CSV file of any size with a header, its `LedgerLayout`, and an empty folder outside the data root. Out: in the folder
the partitions, and `Streamed` (pipeline.reading.partition_writer). Read = kept + quarantined = lines below the header. Raises
RefusedInput for a file whose columns are not those of the layout, that is cut off within a row, in which a quoted field runs
over a line end (it would take rows with it), that has a row of more than MAXIMUM_ROW_BYTES, or too many of whose rows break a
rule.

How it is computed: the file is cut at line ends into blocks of BLOCK_BYTES, which threads parse (Arrow lets the interpreter go
meanwhile) and this thread takes in their order. A block is first read the fast way, every column straight to its type; only
where something in it is not as expected is it read again as texts, each of which is judged (pipeline.reading.ledger_rows). A
field cannot hold a line break.
"""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from pipeline.model import RefusedInput, refused
from pipeline.reading.ledger_corrections import CorrectedLine, Piece, corrected_blocks
from pipeline.reading.ledger_layout import LedgerLayout, columns_read
from pipeline.reading.ledger_rows import Block, CorrectedRow, Doubtful, judged_texts, sound_table
from pipeline.reading.partition_writer import BUFFER_ROWS, RowWriter, Streamed
from pipeline.reading.record_corrections import DECLARED_WRONG, RecordCorrection, by_member

BLOCK_BYTES = 8 << 20
_LINE_END = ord("\n")
# Arrow takes `0x10` for a whole number.
_HEXADECIMAL = re.compile(rb"(?:^|[,\s\"-])0[xX]")
_SCANNED_BYTES = 1 << 17
_LOWER_CASE = 0x20  # the bit that parts X from x
MAXIMUM_ROW_BYTES = 16 << 20  # a file without line ends is no table, and would be held as a whole


def partition_csv(
    path: Path,
    layout: LedgerLayout,
    folder: Path,
    corrections: Sequence[RecordCorrection] = (),
    *,
    workers: int = 2,
    block_bytes: int = BLOCK_BYTES,
    buffer_rows: int = BUFFER_ROWS,
) -> Streamed:
    """Stream the file into month partitions under `folder`. Raises RefusedInput."""
    header = _header(path)
    layout = _with_one_amount(path, layout, header)
    names = _names(path, layout, header)
    declared = by_member(corrections, [path.name]).get(0, [])
    with RowWriter(path, layout, folder, buffer_rows) as writer:
        try:
            for block in _parsed(path, layout, names, declared, workers, block_bytes):
                writer.add(block)
        except _NotUtf8 as error:
            raise _not_utf8(path, f"row {writer.read + 2 + error.lines}", error.found) from error
        except pa.ArrowInvalid as error:
            raise refused(
                path.name, f"a row after {writer.read + 1}", str(error), "CSV in UTF-8", "fetch the file again"
            ) from error
        except _NotOneRowEach as error:
            action = "fetch the file again; if it is the same, find that quote or carriage return and tell the publisher"
            raise refused(path.name, f"a row after {writer.read + 1}", str(error), "one line for each row", action) from error
    return writer.streamed()


class _NotOneRowEach(Exception):
    """A block has more lines than rows, or fewer."""


class _NotUtf8(Exception):
    """A block has bytes that are no text."""

    def __init__(self, content: bytes, error: UnicodeDecodeError) -> None:
        self.lines, self.found = content.count(b"\n", 0, error.start), content[error.start : error.start + 4]
        super().__init__(str(error))


def _refuse_no_text(content: bytes) -> None:
    """Raises _NotUtf8 that says where."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _NotUtf8(content, error) from error


def _not_utf8(path: Path, row: str, found: bytes) -> RefusedInput:
    action = "have it delivered as UTF-8; do not save it from a spreadsheet"
    return refused(path.name, row, f"the bytes {found.hex(' ')}, which are not UTF-8", "CSV in UTF-8", action)


def _header(path: Path) -> list[str]:
    """The headers of the columns in the order of the file. Raises RefusedInput."""
    with path.open("rb") as stream:
        line = _header_line(path, stream)
    try:
        _refuse_no_text(line)
        return pyarrow.csv.read_csv(pa.BufferReader(line)).column_names
    except _NotUtf8 as error:
        raise _not_utf8(path, "row 1", error.found) from error
    except pa.ArrowInvalid as error:
        raise refused(path.name, "row 1", str(error), "a header in UTF-8", "see whether this is the right file") from error


def _with_one_amount(path: Path, layout: LedgerLayout, header: Sequence[str]) -> LedgerLayout:
    """The layout with the one column of amounts that the file has, of the two that may be declared. Raises RefusedInput."""
    declared = [name for name in ("loss", "loss_minor") if name in layout.headers]
    if len(declared) == 1:
        return layout
    there = [name for name in declared if layout.headers[name] in header]
    if len(there) != 1:
        found = "both of them" if there else f"no such column among {', '.join(header)}"
        expected = f"one column of amounts: {' or '.join(layout.headers[name] for name in declared)}"
        raise refused(path.name, "row 1", found, expected, "see whether the layout has changed")
    return dataclasses.replace(
        layout, headers={name: text for name, text in layout.headers.items() if name not in declared or name in there}
    )


def _names(path: Path, layout: LedgerLayout, header: Sequence[str]) -> list[str]:
    """Our names of these columns; of one that is not read a name of its own. Raises RefusedInput."""
    for name, text in layout.headers.items():
        if header.count(text) != 1:
            found = f"the column {text!r} {header.count(text)} times"
            raise refused(path.name, "row 1", found, f"{text!r} once, for {name}", "see whether the layout has changed")
    ours = {text: name for name, text in layout.headers.items()}
    return [ours.get(text, f"unread {place}") for place, text in enumerate(header)]


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    """The file behind its header, cut at line ends. Raises RefusedInput where the last line has no end, or one is too long."""
    with path.open("rb") as stream:
        _header_line(path, stream)
        rest = b""
        while piece := stream.read(size):
            end = piece.rfind(b"\n") + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
                if len(rest) > MAXIMUM_ROW_BYTES:
                    raise _endless(path, "a row")
    if rest:
        shown = rest[-60:].decode(errors="replace")
        raise refused(path.name, "the last row", f"no line end after {shown!r}", "a whole file", "fetch the file again")


def _header_line(path: Path, stream: BinaryIO) -> bytes:
    line = stream.readline(MAXIMUM_ROW_BYTES)
    if len(line) == MAXIMUM_ROW_BYTES:
        raise _endless(path, "row 1")
    # Without its end nobody knows whether the rows behind it were lost. Arrow would take a carriage return for a line end, too.
    if line and (not line.endswith(b"\n") or b"\r" in line[:-2]):
        found = f"no line end, or a carriage return in the line that begins {line[:60].decode(errors='replace')!r}"
        raise refused(path.name, "row 1", found, "a header that ends with a line end, rows below it", "fetch the file again")
    return line


def _endless(path: Path, row: str) -> RefusedInput:
    found = f"no line end in {MAXIMUM_ROW_BYTES:,} bytes"
    return refused(path.name, row, found, "rows that end with a line end", "see whether this is the right file")


def _parsed(
    path: Path, layout: LedgerLayout, names: list[str], declared: Sequence[RecordCorrection], workers: int, size: int
) -> Iterator[Block]:
    """The blocks in their order, a few of them in work at a time."""
    read = {name: name for name in columns_read(layout)}
    pieces = corrected_blocks(_blocks(path, size), declared, [read.get(name, "") for name in names], layout.headers)
    waiting: collections.deque[Future[Block]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        for piece in pieces:
            waiting.append(pool.submit(_parse_piece, piece, layout, names))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parse_piece(piece: Piece, layout: LedgerLayout, names: list[str]) -> Block:
    try:
        block = _parse(piece.content, layout, names)
    except pa.ArrowInvalid:
        _refuse_no_text(piece.content)
        raise
    rows, lines = len(block.rows) + len(block.quarantined), np.count_nonzero(np.frombuffer(piece.content, np.uint8) == _LINE_END)
    if rows != lines:
        why = "a quoted field runs over a line end" if rows < lines else "a carriage return stands within a line"
        raise _NotOneRowEach(f"{lines} lines, but {rows} rows: {why}")
    if not piece.lines:
        return block
    kept = ~np.isin(block.rows, list(piece.refused))
    others = [found for found in block.quarantined if found[0] not in piece.refused]
    set_aside = [(place, "", text, DECLARED_WRONG) for place, text in piece.refused.items()]
    corrected = tuple(_corrected_row(line, layout, names) for line in piece.lines)
    return Block(block.table.filter(pa.array(kept)), block.rows[kept], sorted([*others, *set_aside]), corrected)


def _corrected_row(line: CorrectedLine, layout: LedgerLayout, names: list[str]) -> CorrectedRow:
    printed = _parse(line.printed, layout, names).table
    return CorrectedRow(line.declared, printed, _parse(line.read, layout, names).table if line.read else printed.slice(0, 0))


def _parse(content: bytes, layout: LedgerLayout, names: list[str]) -> Block:
    try:
        if _has_hexadecimal(content):
            raise Doubtful
        table = _fast(content, layout, names)
        return Block(table, np.arange(len(table), dtype=np.int64), [])
    except (pa.ArrowInvalid, Doubtful):
        return _slow(content, layout, names)


def _has_hexadecimal(content: bytes) -> bool:
    """Whether a field may begin with 0x.

    `b"0x" in content` takes fifteen times as long, in which no other thread can work; the pieces stay in the processor's cache.
    """
    signs = np.frombuffer(content, np.uint8)
    for start in range(0, len(signs) - 1, _SCANNED_BYTES):
        piece = signs[start : start + _SCANNED_BYTES + 1]
        if ((piece[:-1] == ord("0")) & ((piece[1:] | _LOWER_CASE) == ord("x"))).any():
            return _HEXADECIMAL.search(content) is not None
    return False


def _read(
    content: bytes, names: list[str], types: Mapping[str, pa.DataType], ragged: Callable[[Any], str] | None = None
) -> pa.Table:
    return pyarrow.csv.read_csv(
        pa.BufferReader(content),
        read_options=pyarrow.csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=ragged),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict(types), include_columns=list(types), null_values=[""], strings_can_be_null=True
        ),
    )


def _fast(content: bytes, layout: LedgerLayout, names: list[str]) -> pa.Table:
    types = {name: kind for name, kind in zip(layout.schema.names, layout.schema.types, strict=True) if name in layout.headers}
    amounts = {"loss": pa.string()} if "loss" in layout.headers else {}
    return sound_table(_read(content, names, {**types, **amounts}), layout)


def _slow(content: bytes, layout: LedgerLayout, names: list[str]) -> Block:
    """Every column as texts; each distinct text is judged once, and the rows of those that break a rule are set aside."""
    ragged: dict[int, str] = {}

    def set_aside(row: Any) -> str:
        ragged[row.number - 1] = row.text
        return "skip"

    return judged_texts(_read(content, names, dict.fromkeys(columns_read(layout), pa.string()), set_aside), layout, ragged)
