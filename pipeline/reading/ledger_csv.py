"""A CSV file of a ledger -> month partitions (pipeline.reading.partitions), streamed: memory does not grow with the file.

In: a UTF-8 CSV file of any size with a header, its `CsvLayout`, and an empty folder outside the data root. Out: in the folder
one `<month>.parquet` for each month that has reports, with a further column `row` (record number as a spreadsheet shows it, the
header is row 1), and `Streamed`: how many rows were read and kept, of which months, and the rows that were not kept, with the
rule that each broke. Read = kept + quarantined = lines below the header. Raises RefusedInput for a file whose columns are not
those of the layout, that is cut off within a row, in which a quoted field runs over a line end (it would take rows with it), that
has a row of more than MAXIMUM_ROW_BYTES, or of which more than MAXIMUM_QUARANTINED rows break a rule.

How it is computed: the file is cut at line ends into blocks of BLOCK_BYTES, which threads parse (Arrow lets the interpreter go
meanwhile) and this thread takes in their order. A block is first read the fast way, every column straight to its type; only where
something in it is not as expected is it read again as texts, each distinct text judged by plain Python. Both ways make the same
of a text: a row must not depend on those beside it. Rows are kept by month until BUFFER_ROWS are waiting; then the months with
most rows are written. A file in the order of time thus gives whole row groups in one pass, and one without order more and
smaller ones. A field cannot hold a line break.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from pipeline.model import Period, RefusedInput
from pipeline.reading.ledger_corrections import CorrectedLine, Piece, corrected_blocks
from pipeline.reading.partitions import ROW_GROUP_ROWS, Dimension, parquet_options
from pipeline.reading.record_corrections import DECLARED_WRONG, RecordCorrection, by_member

BLOCK_BYTES = 8 << 20
_LINE_END = ord("\n")
_MOST_DIGITS = 1000  # of a whole number, zeros in front among them: Python refuses to read very long ones
# Arrow takes `0x10` for a whole number.
_HEXADECIMAL = re.compile(rb"(?:^|[,\s\"-])0[xX]")
MAXIMUM_ROW_BYTES = 16 << 20  # a file without line ends is no table, and would be held as a whole
BUFFER_ROWS = 2_000_000
MAXIMUM_QUARANTINED = 100_000
OPTIONAL_COLUMNS = ("currency", "victims", "victim_id", "record_id")
RECORD_ID_TYPES = {"integer": pa.int64(), "text": pa.string()}
QUARANTINE_COLUMNS = ("row", "column", "text", "rule")
RULES = {
    "row_ragged": "as many fields as the header has",
    "date_unreadable": "a day written 2024-09-29",
    "loss_unreadable": "an amount with all its decimals and no separators: 1234.00",
    "count_unreadable": "a whole number that is not below zero",
    "id_unreadable": "a whole number",
    "label_unknown": "a label that is declared",
    "label_not_in_force": "a label that crosswalk.csv lists for that month",
    "record_id_unreadable": "the id of the record, without which it cannot be told from another",
    "date_in_another_month": "a day of the months that the file is of",
    DECLARED_WRONG: "a cell that corrections.csv does not declare wrong",
}
# What only a comparison with the other records of the ledger shows (pipeline.reading.record_ids).
RULES_OF_SEVERAL_ROWS = {"record_repeated": "an id that no other record of the ledger has"}


@dataclass(frozen=True)
class CsvLayout:
    """Which columns the file has: `date`, `loss` and those of the dimensions -> headers; perhaps others of OPTIONAL_COLUMNS.

    Without a column `currency` every loss is in the one that `currencies` names; victims or ids without a column are not known.
    """

    headers: Mapping[str, str]
    dimensions: tuple[Dimension, ...]
    currencies: tuple[str, ...]
    minor_unit_digits: int
    record_id: str = ""  # integer or text: what the column `record_id` holds; empty: there is none
    days: tuple[dt.date, dt.date] | None = None  # the first and the last that the file is of; None: whatever days it has

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Column of labels -> the texts that may stand in it."""
        # Of two dimensions of one column one may know fewer texts than the other: the texts are those that both know.
        known: dict[str, tuple[str, ...]] = {}
        for each in self.dimensions:
            texts = known.get(each.column, tuple(each.label_of))
            known[each.column] = tuple(text for text in texts if text in each.label_of)
        return {**known, "currency": self.currencies}

    @cached_property
    def in_force(self) -> dict[str, dict[str, Sequence[tuple[int, int]]]]:
        """Column of labels -> text -> the stretches of months in which it may stand, of those that may not always."""
        found: dict[str, dict[str, Sequence[tuple[int, int]]]] = {}
        for each in self.dimensions:
            found.setdefault(each.column, {}).update(each.in_force)
        return {column: texts for column, texts in found.items() if texts}

    @cached_property
    def amount(self) -> str:
        """What an amount looks like, as a regular expression: all its decimals and nothing between its digits."""
        return rf"-?[0-9]{{1,15}}\.[0-9]{{{self.minor_unit_digits}}}" if self.minor_unit_digits else "-?[0-9]{1,18}"

    @cached_property
    def schema(self) -> pa.Schema:
        """Of the partitions."""
        labels = [(name, pa.dictionary(pa.int32(), pa.string())) for name in self.labels]
        numbers = [("loss_minor", pa.int64()), ("victims", pa.int32()), ("victim_id", pa.int64())]
        ids = [("record_id", RECORD_ID_TYPES[self.record_id])] if self.record_id else []
        return pa.schema([("row", pa.int64()), ("date", pa.date32()), *labels, *numbers, *ids])


@dataclass(frozen=True)
class CorrectedRow:
    """A row with cells that are declared wrong, in the columns of a partition but for `row`; no row where it is unsound."""

    declared: tuple[RecordCorrection, ...]
    printed: pa.Table
    read: pa.Table


@dataclass(frozen=True)
class Streamed:
    """What became of the rows of a file."""

    read: int
    months: Mapping[str, int]  # month -> rows kept
    quarantined: pd.DataFrame  # QUARANTINE_COLUMNS
    corrected: tuple[CorrectedRow, ...] = ()


def partition_csv(
    path: Path,
    layout: CsvLayout,
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
            raise refused(path, f"a row after {writer.read + 1}", str(error), "CSV in UTF-8", "fetch the file again") from error
        except _NotOneRowEach as error:
            action = "fetch the file again; if it is the same, find that quote or carriage return and tell the publisher"
            raise refused(path, f"a row after {writer.read + 1}", str(error), "one line for each row", action) from error
    return writer.streamed()


class _NotOneRowEach(Exception):
    """A block has more lines than rows, or fewer."""


# ----------------------------------------------------------------------------------------------------------------- blocks


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
    return refused(path, row, f"the bytes {found.hex(' ')}, which are not UTF-8", "CSV in UTF-8", action)


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
        raise refused(path, "row 1", str(error), "a header in UTF-8", "see whether this is the right file") from error


def _with_one_amount(path: Path, layout: CsvLayout, header: Sequence[str]) -> CsvLayout:
    """The layout with the one column of amounts that the file has, of the two that may be declared. Raises RefusedInput."""
    declared = [name for name in ("loss", "loss_minor") if name in layout.headers]
    if len(declared) == 1:
        return layout
    there = [name for name in declared if layout.headers[name] in header]
    if len(there) != 1:
        found = "both of them" if there else f"no such column among {', '.join(header)}"
        expected = f"one column of amounts: {' or '.join(layout.headers[name] for name in declared)}"
        raise refused(path, "row 1", found, expected, "see whether the layout has changed")
    return dataclasses.replace(
        layout, headers={name: text for name, text in layout.headers.items() if name not in declared or name in there}
    )


def _names(path: Path, layout: CsvLayout, header: Sequence[str]) -> list[str]:
    """Our names of these columns; of one that is not read a name of its own. Raises RefusedInput."""
    for name, text in layout.headers.items():
        if header.count(text) != 1:
            found = f"the column {text!r} {header.count(text)} times"
            raise refused(path, "row 1", found, f"{text!r} once, for {name}", "see whether the layout has changed")
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
        raise refused(path, "the last row", f"no line end after {shown!r}", "a whole file", "fetch the file again")


def _header_line(path: Path, stream: BinaryIO) -> bytes:
    line = stream.readline(MAXIMUM_ROW_BYTES)
    if len(line) == MAXIMUM_ROW_BYTES:
        raise _endless(path, "row 1")
    # Without its end nobody knows whether the rows behind it were lost. Arrow would take a carriage return for a line end, too.
    if line and (not line.endswith(b"\n") or b"\r" in line[:-2]):
        found = f"no line end, or a carriage return in the line that begins {line[:60].decode(errors='replace')!r}"
        raise refused(path, "row 1", found, "a header that ends with a line end, rows below it", "fetch the file again")
    return line


def _endless(path: Path, row: str) -> RefusedInput:
    found = f"no line end in {MAXIMUM_ROW_BYTES:,} bytes"
    return refused(path, row, found, "rows that end with a line end", "see whether this is the right file")


@dataclass(frozen=True)
class Block:
    """The rows of a block that are kept (their places, counted from 0) and those that are not: place, column, text, rule."""

    table: pa.Table
    rows: np.ndarray[Any, np.dtype[Any]]
    quarantined: list[tuple[int, str, str, str]]
    corrected: tuple[CorrectedRow, ...] = ()


def _parsed(
    path: Path, layout: CsvLayout, names: list[str], declared: Sequence[RecordCorrection], workers: int, size: int
) -> Iterator[Block]:
    """The blocks in their order, a few of them in work at a time."""
    read = {name: name for name in _columns_read(layout)}
    pieces = corrected_blocks(_blocks(path, size), declared, [read.get(name, "") for name in names], layout.headers)
    waiting: collections.deque[Future[Block]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        for piece in pieces:
            waiting.append(pool.submit(_parse_piece, piece, layout, names))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parse_piece(piece: Piece, layout: CsvLayout, names: list[str]) -> Block:
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
    refused = [(place, "", text, DECLARED_WRONG) for place, text in piece.refused.items()]
    corrected = tuple(_corrected_row(line, layout, names) for line in piece.lines)
    return Block(block.table.filter(pa.array(kept)), block.rows[kept], sorted([*others, *refused]), corrected)


def _corrected_row(line: CorrectedLine, layout: CsvLayout, names: list[str]) -> CorrectedRow:
    printed = _parse(line.printed, layout, names).table
    return CorrectedRow(line.declared, printed, _parse(line.read, layout, names).table if line.read else printed.slice(0, 0))


def _columns_read(layout: CsvLayout) -> list[str]:
    return [name for name in layout.headers if name in (*without_row(layout.schema).names, "loss")]


def _parse(content: bytes, layout: CsvLayout, names: list[str]) -> Block:
    try:
        if (b"0x" in content or b"0X" in content) and _HEXADECIMAL.search(content):
            raise Doubtful
        table = _fast(content, layout, names)
        return Block(table, np.arange(len(table), dtype=np.int64), [])
    except (pa.ArrowInvalid, Doubtful):
        return _slow(content, layout, names)


class Doubtful(Exception):
    """The fast way cannot vouch for a block."""


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


def _fast(content: bytes, layout: CsvLayout, names: list[str]) -> pa.Table:
    types = {name: kind for name, kind in zip(layout.schema.names, layout.schema.types, strict=True) if name in layout.headers}
    amounts = {"loss": pa.string()} if "loss" in layout.headers else {}
    return sound_table(_read(content, names, {**types, **amounts}), layout)


def sound_table(table: pa.Table, layout: CsvLayout) -> pa.Table:
    """Columns in the types of the partitions (`loss` as texts, or `loss_minor`) as rows of a partition. Raises Doubtful."""
    columns = [_sound(table, field, layout) for field in without_row(layout.schema)]
    found = pa.Table.from_arrays(columns, schema=without_row(layout.schema))
    if any(late.any() for _, late in _not_in_force(found, layout)):
        raise Doubtful
    return found


def _sound(table: pa.Table, field: pa.Field, layout: CsvLayout) -> pa.ChunkedArray:
    name = field.name
    if name == "loss_minor" and "loss" in table.column_names:
        return _minor_units(table.column("loss"), layout.amount)
    if name not in table.column_names:
        return pa.chunked_array([_not_in_file(field, len(table), layout)])
    column = table.column(name)
    if name in layout.labels:
        return _common(column, layout.labels[name])
    if name in ("date", "record_id") and column.null_count:
        raise Doubtful
    if name == "victims" and (pc.min(column).as_py() or 0) < 0:
        raise Doubtful
    if name == "date" and len(column):
        # As numbers: Arrow knows days that Python does not.
        first, last = (pc.min_max(column.cast(pa.int32()))[end].as_py() for end in ("min", "max"))
        earliest, latest = (day.toordinal() - _EPOCH for day in layout.days or (dt.date.min, dt.date.max))
        if not earliest <= first <= last <= latest:
            raise Doubtful
    return column


def _not_in_file(field: pa.Field, length: int, layout: CsvLayout) -> pa.Array:
    """A column that the file does not have: its one currency, or nothing that is known."""
    if field.name == "currency":
        indices = pa.array(np.zeros(length, dtype=np.int32))
        return pa.DictionaryArray.from_arrays(indices, pa.array(layout.currencies, pa.string()))
    return pa.nulls(length, field.type)


def without_row(schema: pa.Schema) -> pa.Schema:
    """The schema of a partition but for the number of the row."""
    return schema.remove(schema.get_field_index("row"))


def _common(column: pa.ChunkedArray, texts: tuple[str, ...]) -> pa.ChunkedArray:
    """The column with the one dictionary of all blocks. Raises Doubtful for an empty field or an undeclared text."""
    if column.null_count:
        raise Doubtful
    places = {text: place for place, text in enumerate(texts)}
    chunks = []
    for chunk in column.chunks:
        try:
            lookup = np.array([places[text] for text in chunk.dictionary.to_pylist()], dtype=np.int32)
        except KeyError as error:
            raise Doubtful from error
        chunks.append(pa.DictionaryArray.from_arrays(lookup[chunk.indices.to_numpy()], pa.array(texts, pa.string())))
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))


def _not_in_force(table: pa.Table, layout: CsvLayout) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """For each column of labels that may not always stand: in which rows one stands outside its months."""
    for name, limits in layout.in_force.items():
        months = table.column("date").to_numpy().astype("datetime64[M]").astype(np.int64) + 12 * 1970
        codes = np.concatenate([np.zeros(0, dtype=np.int32), *(chunk.indices.to_numpy() for chunk in table.column(name).chunks)])
        found = np.zeros(len(table), dtype=bool)
        for place, text in enumerate(layout.labels[name]):
            if text in limits and len(rows := np.flatnonzero(codes == place)):
                may = [(months[rows] >= first) & (months[rows] <= last) for first, last in limits[text]]
                found[rows] = ~np.logical_or.reduce(may)
        yield name, found


def _minor_units(column: pa.ChunkedArray, amount: str) -> pa.ChunkedArray:
    """Amounts as integers in minor units, without passing through a float. Raises Doubtful."""
    if not pc.all(pc.match_substring_regex(column, f"^{amount}$"), min_count=0).as_py():
        raise Doubtful
    return pc.cast(pc.replace_substring(column, ".", "", max_replacements=1), pa.int64())


# ------------------------------------------------------------------------------------------------------- doubtful blocks


def _slow(content: bytes, layout: CsvLayout, names: list[str]) -> Block:
    """Every column as texts; each distinct text is judged once, and the rows of those that break a rule are set aside."""
    ragged: dict[int, str] = {}

    def set_aside(row: Any) -> str:
        ragged[row.number - 1] = row.text
        return "skip"

    return judged_texts(_read(content, names, dict.fromkeys(_columns_read(layout), pa.string()), set_aside), layout, ragged)


def judged_texts(texts: pa.Table, layout: CsvLayout, ragged: Mapping[int, str] = MappingProxyType({})) -> Block:
    """Every column as texts -> the rows that break no rule, and the others. `ragged`: place -> text of rows of a wrong length."""
    schema = without_row(layout.schema)
    found = [(place, "", text, "row_ragged") for place, text in ragged.items()]
    places = np.delete(np.arange(len(texts) + len(ragged)), sorted(ragged))
    bad = np.zeros(len(texts), dtype=bool)
    arrays = []
    for field in schema:
        column = "loss" if field.name == "loss_minor" and "loss" in texts.column_names else field.name
        if column not in texts.column_names:
            arrays.append(_not_in_file(field, len(texts), layout))
            continue
        judge, rule_of = _judge(column, layout)
        encoded = texts.column(column).combine_chunks().dictionary_encode(null_encoding="encode")
        distinct = encoded.dictionary.to_pylist()
        values = [judge(text) for text in distinct]
        codes = encoded.indices.to_numpy()
        broken = np.array([isinstance(value, _Broken) for value in values], dtype=bool)[codes]
        header = layout.headers[column]
        for place in np.flatnonzero(broken & ~bad):
            text = distinct[codes[place]]
            found.append((int(places[place]), header, text or "", rule_of(text)))
        bad |= broken
        arrays.append(
            _taken([None if isinstance(value, _Broken) else value for value in values], codes, field.type, layout, column)
        )
    table = pa.Table.from_arrays(arrays, schema=schema)
    for name, late in _not_in_force(table, layout):
        for row in np.flatnonzero(late & ~bad).tolist():
            found.append((int(places[row]), layout.headers[name], table.column(name)[row].as_py(), "label_not_in_force"))
        bad |= late
    good = np.flatnonzero(~bad)
    return Block(table.take(pa.array(good)), places[good], sorted(found))


class _Broken:
    """In place of the value of a text that breaks a rule."""


def _judge(column: str, layout: CsvLayout) -> tuple[Callable[[str | None], Any], Callable[[str | None], str]]:
    """What a text of the column says, or _Broken; and the rule that it breaks then."""
    if column == "date":
        return lambda text: _day_of_file(text, layout), lambda text: _date_rule(text)
    if column == "loss":
        amount = re.compile(layout.amount)
        return lambda text: _integer(text, amount), lambda _: "loss_unreadable"
    if column == "loss_minor":
        return lambda text: _integer(text, _WHOLE), lambda _: "loss_unreadable"
    if column == "victims":
        return lambda text: _integer(text, _WHOLE, 0, 2**31 - 1), lambda _: "count_unreadable"
    if column == "victim_id":
        return lambda text: _integer(text, _WHOLE), lambda _: "id_unreadable"
    if column == "record_id":
        return lambda text: _record_id(text, layout), lambda _: "record_id_unreadable"
    declared = set(layout.labels[column])
    return lambda text: text if text in declared else _Broken(), lambda _: "label_unknown"


_DAY, _WHOLE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"-?[0-9]+")
_BLANKS = " \t"  # around a day or a whole number they mean nothing, to Arrow neither
_EPOCH = dt.date(1970, 1, 1).toordinal()


def _day_of_file(text: str | None, layout: CsvLayout) -> Any:
    day = _day(text)
    return day if layout.days is None or isinstance(day, _Broken) or layout.days[0] <= day <= layout.days[1] else _Broken()


def _date_rule(text: str | None) -> str:
    return "date_unreadable" if isinstance(_day(text), _Broken) else "date_in_another_month"


def _record_id(text: str | None, layout: CsvLayout) -> Any:
    if not text:
        return _Broken()
    return text if layout.record_id == "text" else _integer(text, _WHOLE)


def _day(text: str | None) -> Any:
    try:
        return dt.date.fromisoformat(text) if text and _DAY.fullmatch(text := text.strip(_BLANKS)) else _Broken()
    except ValueError:
        return _Broken()


def _integer(text: str | None, form: re.Pattern[str], least: int = -(2**63), most: int = 2**63 - 1) -> Any:
    """The digits of the text as a whole number from `least` to `most`; None for an empty field."""
    if text is None:
        return None
    digits = text.strip(_BLANKS)
    if len(digits) > _MOST_DIGITS or not form.fullmatch(digits):
        return _Broken()
    value = int(digits.replace(".", ""))
    return value if least <= value <= most else _Broken()


def _taken(values: list[Any], codes: np.ndarray[Any, Any], kind: pa.DataType, layout: CsvLayout, column: str) -> pa.Array:
    """One value a row, in the type of the partitions."""
    if not pa.types.is_dictionary(kind):
        return pa.array(values, type=kind).take(pa.array(codes))
    texts = layout.labels[column]
    places = {text: place for place, text in enumerate(texts)}
    lookup = np.array([places.get(value, 0) for value in values], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(lookup[codes], pa.array(texts, pa.string()))


# ---------------------------------------------------------------------------------------------------------------- writing


class RowWriter:
    """Takes the blocks of a file in their order, writes their sound rows by month, and counts every row.

    A file that says which months it is of has a partition of each of them, also where it has no rows of one.
    """

    def __init__(self, path: Path, layout: CsvLayout, folder: Path, buffer_rows: int = BUFFER_ROWS) -> None:
        self._path, self._layout = path, layout
        self._months = _Months(folder, layout.schema, buffer_rows)
        self._quarantined: list[tuple[int, str, str, str]] = []
        self._corrected: list[CorrectedRow] = []
        self.read = 0  # rows

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, *_: object) -> None:
        days = self._layout.days
        self._rows = self._months.close(Period.months_between(*days).months if days else ())

    def add(self, block: Block) -> None:
        """Take in the next rows. Raises RefusedInput where more than MAXIMUM_QUARANTINED are unsound."""
        # The header is row 1.
        first = self.read + 2
        self._months.add(block.table.add_column(0, self._layout.schema.field("row"), pa.array(block.rows + first)))
        self._quarantined += [(first + place, column, text, rule) for place, column, text, rule in block.quarantined]
        self._corrected += block.corrected
        self.read += len(block.rows) + len(block.quarantined)
        if len(self._quarantined) > MAXIMUM_QUARANTINED:
            row, column, text, rule = self._quarantined[0]
            found = f"more than {MAXIMUM_QUARANTINED} rows that break a rule, the first in row {row}: {text!r}"
            raise refused(self._path, f"column {column}", found, RULES[rule], "see whether the layout has changed")

    def streamed(self) -> Streamed:
        """What became of the rows, once all are written."""
        quarantined = pd.DataFrame(self._quarantined, columns=list(QUARANTINE_COLUMNS))
        return Streamed(self.read, self._rows, quarantined, tuple(self._corrected))


class _Months:
    """Keeps rows by month and writes them in large row groups."""

    def __init__(self, folder: Path, schema: pa.Schema, buffer_rows: int) -> None:
        self._folder, self._schema, self._buffer_rows = folder, schema, buffer_rows
        self._waiting: dict[str, list[pa.Table]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = {}

    def add(self, table: pa.Table) -> None:
        """Take in rows of any months."""
        months = table.column("date").to_numpy().astype("datetime64[M]").astype(np.int64)
        if len(months) and (months[1:] < months[:-1]).any():
            order = np.argsort(months, kind="stable")
            table, months = table.take(pa.array(order)), months[order]
        limits = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(months)]
        for start, stop in itertools.pairwise(limits if len(months) else ()):
            month = str(np.datetime64(int(months[start]), "M"))
            self._waiting.setdefault(month, []).append(table.slice(start, stop - start))
        if self._count() > self._buffer_rows:
            for month in sorted(self._waiting, key=lambda month: (-self._count(month), month)):
                if self._count() > self._buffer_rows // 2:
                    self._write(month)

    def close(self, at_least: Sequence[str]) -> dict[str, int]:
        """Write what is left, and a partition of each of the months `at_least`. Gives the rows of each month."""
        for month in at_least:
            self._waiting.setdefault(month, [] if month in self._writers else [self._schema.empty_table()])
        for month in sorted(self._waiting):
            if self._waiting[month]:
                self._write(month)
        for writer in self._writers.values():
            writer.close()
        return dict(sorted(self._rows.items()))

    def _count(self, month: str = "") -> int:
        waiting = [self._waiting[month]] if month else self._waiting.values()
        return sum(len(table) for tables in waiting for table in tables)

    def _write(self, month: str) -> None:
        table = pa.concat_tables(self._waiting.pop(month))
        if month not in self._writers:
            path = self._folder / f"{month}.parquet"
            self._writers[month] = pq.ParquetWriter(path, self._schema, **parquet_options(self._schema))
        self._writers[month].write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._rows[month] = self._rows.get(month, 0) + len(table)


def refused(path: Path, cell: str, found: str, expected: str, action: str) -> RefusedInput:
    """The refusal of a file of a ledger."""
    return RefusedInput(file=path.name, cell=cell, found=found, expected=expected, action=action)
