"""Files of records to columns of texts: every row of every member, as codes into its distinct texts.

In: the members of a delivery, the layouts that `source.yml` declares, and the cells that are declared wrong
(pipeline.reading.record_corrections). Out: `Texts`. A row of a wrong length is kept, blank, with its text. A file that is not
what it should be (another encoding, a column renamed, cut off) raises RefusedInput; so does one in which a cell that is declared
wrong holds another text than the declaration expects.

How it is fast: a column is read as codes into its distinct texts (Arrow dictionaries), so that each distinct text need be looked
at only once. 300,000 losses are 21,000 texts; 300,000 dates are 1,400.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from pipeline.model import RefusedInput, refused
from pipeline.reading.csv_members import Member
from pipeline.reading.record_corrections import RecordCorrection, by_member
from pipeline.reading.record_layouts import Layout, fold_header

Numbers = np.ndarray[Any, np.dtype[Any]]


class Corrected(NamedTuple):
    """A cell that is declared wrong: the position of its row, our name of its column."""

    position: int
    name: str
    declared: RecordCorrection


@dataclass
class Texts:
    """Every row of every member as codes into distinct texts, with what was structurally wrong in a row."""

    file: str
    layouts: Sequence[Layout]
    table: pa.Table
    rows: Numbers
    member: Numbers  # code into `members`
    members: list[str]
    layout: Numbers  # code into `layouts`
    ragged: Numbers  # positions of rows with a wrong number of fields
    ragged_texts: list[str]
    corrected: list[Corrected] = field(default_factory=list)
    read: set[str] = field(default_factory=set)  # the columns that were asked for

    def __len__(self) -> int:
        return len(self.rows)

    def codes(self, name: str) -> tuple[Numbers, list[str]]:
        """A column as codes and the distinct texts that they stand for."""
        self.read.add(name)
        column = self.table.column(name).combine_chunks()
        return column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist()

    def header(self, name: str) -> str:
        """What the publisher calls the column."""
        return next(layout.headers[name] for layout in self.layouts if name in layout.headers)


def read_texts(
    members: Iterable[Member],
    layouts: Sequence[Layout],
    file: str,
    corrections: Sequence[RecordCorrection] = (),
    *,
    ends_with_line_break: bool = False,
) -> Texts:
    """All members as one table of texts. A column that a member's layout does not have is blank there.

    `corrections`: of texts that are declared wrong, those that are read instead. `ends_with_line_break`: whether a last line
    without its end proves that the file was cut. Raises RefusedInput.
    """
    members = list(members)
    declared = by_member(corrections, [member.name for member in members])
    names = list(dict.fromkeys(name for layout in layouts for name in layout.headers))
    tables, rows, member_codes, layout_codes, ragged = [], [], [], [], []
    member_names: list[str] = []
    ragged_texts: list[str] = []
    corrected: list[Corrected] = []
    start = 0
    for number, member in enumerate(members):
        place = _layout_of(member, layouts, file)
        table, invalid = _read_member(member, layouts[place], names, file, ends_with_line_break)
        if number in declared:
            found = _found(declared[number], layouts[place].match(_header(member, file))[0], table, dict(invalid))
            table = _with_replaced(table, found, sorted(row for row, _ in invalid))
            corrected += [each._replace(position=each.position + start) for each in found]
        numbers = np.arange(2, 2 + len(table) + len(invalid), dtype=np.int64)
        bad = np.array([number for number, _ in invalid], dtype=np.int64) - 2
        tables.append(_with_blank_rows(table, bad))
        rows.append(numbers)
        member_codes.append(np.full(len(numbers), len(member_names), dtype=np.int32))
        layout_codes.append(np.full(len(numbers), place, dtype=np.int32))
        ragged.append(bad + start)
        ragged_texts += [text for _, text in invalid]
        member_names.append(member.name)
        start += len(numbers)
    return Texts(
        file=file,
        layouts=layouts,
        table=pa.concat_tables(tables).unify_dictionaries(),
        rows=np.concatenate(rows),
        member=np.concatenate(member_codes),
        members=member_names,
        layout=np.concatenate(layout_codes),
        ragged=np.concatenate(ragged),
        ragged_texts=ragged_texts,
        corrected=corrected,
    )


def _found(
    declared: Sequence[RecordCorrection], names: Sequence[str], table: pa.Table, invalid: Mapping[int, str]
) -> list[Corrected]:
    """The cells of a member that are declared wrong, each of which holds the text that it is expected to hold."""
    found = []
    for each in declared:
        name = each.name_among(names)
        if each.row in invalid:
            raise each.ragged(invalid[each.row])
        if each.row > len(table) + len(invalid) + 1:
            raise each.outside(len(table) + len(invalid) + 1)
        each.check(table.column(name)[_place_in_table(each.row, invalid)].as_py())
        found.append(Corrected(each.row - 2, name, each))
    return found


def _place_in_table(row: int, invalid: Iterable[int]) -> int:
    """The place of a row in a table that the rows `invalid` are not in."""
    return row - 2 - sum(1 for other in invalid if other < row)


def _with_replaced(table: pa.Table, corrected: Sequence[Corrected], invalid: Sequence[int]) -> pa.Table:
    """The table with the declared texts, encoded as if they had stood in the file."""
    for name in {each.name for each in corrected if each.declared.value is not None}:
        texts = table.column(name).to_pylist()
        for each in corrected:
            if each.name == name and each.declared.value is not None:
                texts[_place_in_table(each.declared.row, invalid)] = each.declared.value
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(texts, pa.string()).dictionary_encode())
    return table


def _layout_of(member: Member, layouts: Sequence[Layout], file: str) -> int:
    """The place of the one layout whose columns are those of the member. Raises RefusedInput that names the column."""
    header = _header(member, file)
    matches = [layout.match(header) for layout in layouts]
    for place, (_, missing, unexpected) in enumerate(matches):
        if not missing and not unexpected and len(set(map(fold_header, header))) == len(header):
            return place
    _, missing, unexpected = min(matches, key=lambda match: len(match[1]) + len(match[2]))
    doubles = sorted({text for text in header if header.count(text) > 1})
    found = [f"no column {text!r}" for text in missing] + [f"a column {text!r}" for text in unexpected]
    found += [f"the column {text!r} twice" for text in doubles]
    raise refused(
        file,
        f"{member.name}, row 1",
        ", ".join(found) or "the same column twice",
        f"the columns of a layout in source.yml: {'; '.join(', '.join(layout.headers.values()) for layout in layouts)}",
        "if the publisher changed its layout, declare the new one in source.yml with a classification of its own, and map its"
        " labels in crosswalk.csv; else fetch the file again",
    )


def _header(member: Member, file: str) -> list[str]:
    line = member.content[: member.content.find(b"\n") + 1] or member.content
    if not line.strip():
        raise refused(file, member.name, "an empty file", "a header and rows", "fetch the file again")
    try:
        return next(csv.reader([line.decode("utf-8-sig")]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _not_utf8(member, file) from error


def _read_member(
    member: Member, layout: Layout, names: Sequence[str], file: str, ends_with_line_break: bool
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """One member as a table of dictionary columns `names`, and its rows of a wrong length as (record number, text)."""
    if ends_with_line_break and not member.content.endswith(b"\n"):
        raise _cut_off(member, file, "a last row without a line break after it")
    ours = layout.match(_header(member, file))[0]
    columns = [name or f"ignored {place}" for place, name in enumerate(ours)]
    invalid: list[tuple[int, str]] = []

    def keep(row: Any) -> str:
        invalid.append((row.number, row.text))
        return "skip"

    text = pa.dictionary(pa.int32(), pa.string())
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(member.content),
            # Threads gain nothing here, and without them a row of a wrong length comes with its number.
            read_options=pa.csv.ReadOptions(use_threads=False, column_names=columns, skip_rows=1, block_size=1 << 22),
            parse_options=pa.csv.ParseOptions(invalid_row_handler=keep),
            convert_options=pa.csv.ConvertOptions(
                include_columns=[name for name in names if name in columns],
                column_types=dict.fromkeys(names, text),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise _not_utf8(member, file) from error
        raise refused(file, member.name, str(error), "a CSV file with a header and rows", "fetch the file again") from error
    _refuse_swallowed_rows(member, file, len(table) + len(invalid))
    if invalid and invalid[-1][0] == len(table) + len(invalid) + 1:
        raise _cut_off(member, file, f"a last row that breaks off: {invalid[-1][1][:80]!r}")
    if not len(table):
        raise refused(file, member.name, "a header and no rows", "at least one row", "fetch the file again")
    for name in names:
        if name not in columns:
            table = table.append_column(name, pa.array([""] * len(table), pa.string()).dictionary_encode())
    return table.select(names), invalid


def _refuse_swallowed_rows(member: Member, file: str, rows: int) -> None:
    """A quote that is never closed takes the rows after it into one field: the lines would be more than the rows."""
    lines = _lines_below_header(member.content)
    if lines != rows:
        raise refused(
            file,
            member.name,
            f"{lines} lines below the header, but {rows} rows: a quoted field runs over a line break",
            "one line for each row",
            "fetch the file again; if it is the same, find the quote that is not closed and tell the publisher",
        )


def _lines_below_header(content: bytes) -> int:
    """How many lines that are not blank stand below the first one. Looks at each byte once; `bytes.count` is ten times slower."""
    end = len(content)
    while end and content[end - 1] in b"\r\n":
        end -= 1
    bytes_ = np.frombuffer(content, dtype=np.uint8, count=end)
    breaks = np.flatnonzero(bytes_ == ord("\n"))
    gaps = np.diff(breaks)
    blank = np.count_nonzero(gaps == 1) + np.count_nonzero(bytes_[breaks[1:][gaps == 2] - 1] == ord("\r"))
    return len(breaks) - int(blank)


def _with_blank_rows(table: pa.Table, positions: Numbers) -> pa.Table:
    """The table with blank rows at these positions of the result."""
    if not len(positions):
        return table
    blank = pa.table({name: pa.array([""], pa.string()).dictionary_encode() for name in table.column_names})
    both = pa.concat_tables([table, blank]).unify_dictionaries()
    take = np.insert(np.arange(len(table)), positions - np.arange(len(positions)), len(table))
    return both.take(pa.array(take))


def _cut_off(member: Member, file: str, found: str) -> RefusedInput:
    lines = member.content.rstrip(b"\r\n").count(b"\n") + 1
    return refused(file, f"{member.name}, row {lines}", found, "a whole last row", "the file was cut off: fetch it again")


def _not_utf8(member: Member, file: str) -> RefusedInput:
    try:
        member.content.decode("utf-8")
        cell, found = f"{member.name}, row 1", "a header that is no line of a CSV file"
    except UnicodeDecodeError as error:
        row = member.content.count(b"\n", 0, error.start) + 1
        cell = f"{member.name}, row {row}"
        found = f"the bytes {member.content[error.start : error.start + 4].hex(' ')}, which are not UTF-8"
    return refused(file, cell, found, "text in UTF-8", "fetch the file again; do not save it from a spreadsheet")
