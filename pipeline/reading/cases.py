"""Record-level files to cases: one row a report, or one row a cell of reports that carries a count.

In: the members of a delivery (a zip of CSV files, or one CSV file), the layouts that `source.yml` declares, and the source's
`crosswalk.csv`. Out: a frame of CASE_COLUMNS on fast dtypes, every row of the files in it:

    row            int64            record number in its file as a spreadsheet shows it (the header is row 1)
    file           category         name of the member
    date           datetime64[ns]   day, or first day of the month, on which the report was received; NaT where unreadable
    month          category         the same as `2024-03`
    classification category         the scheme of types in force
    area, native_type, <dimensions> category   the publisher's labels; a missing value where the label is not known
    cases          int64            1 for a record; the number of reports for a cell
    victims        int64            persons; the column is there only where the publisher counts them
    loss_minor     int64            loss in minor units (cents), exact; 0 where there is none
    loss_known     bool             a loss figure stands there and means what it says
    problem        category         ids of the RULES that the row broke, joined by `; `; empty for a sound row
    problem_text   category         the column and the text that broke them

Rows that cannot be read exactly are marked, never dropped: `sound` + `unsound` = read. A file that is not what it should be (no
zip, another encoding, a column renamed, cut off) raises RefusedInput. So does one in which a cell that is declared wrong
(pipeline.reading.record_corrections) holds another text than the declaration expects.

How it is fast: a column is read as codes into its distinct texts (Arrow dictionaries), and each distinct text is parsed once, by
plain Python that is easy to read and exact. 300,000 losses are 21,000 texts; 300,000 dates are 1,400.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from pipeline.model import DIMENSIONS, Period, RefusedInput
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.reading.record_corrections import DECLARED_WRONG, RecordCorrection, by_member

Numbers = np.ndarray[Any, np.dtype[Any]]

CASE_COLUMNS = (
    "row",
    "file",
    "date",
    "month",
    "classification",
    "area",
    "native_type",
    *DIMENSIONS,
    "cases",
    "victims",
    "loss_minor",
    "loss_known",
    "problem",
    "problem_text",
)
# What a row is marked with, and what was expected instead.
RULES: dict[str, str] = {
    "row_ragged": "as many fields as the header has",
    "date_unreadable": "a day written 2024-09-29, or 9/29/2024 (month first)",
    "date_not_first_of_month": "the first day of a month",
    "loss_unreadable": "an amount with both decimals: $1,234.00 or $1234.00",
    "loss_lost_digits": "an amount with all its digits: a spreadsheet has cut this one",
    "loss_negative": "an amount that is not below zero",
    "loss_blank": "an amount: the publisher leaves it blank no more",
    "count_unreadable": "a whole number that is not below zero",
    "count_zero": "a count of at least 1: the publisher writes no empty cells",
    "label_unknown": "a label that crosswalk.csv lists",
    "label_not_in_force": "a label that crosswalk.csv lists for that month",
    "labels_contradict": "labels that go together",
    "cell_repeated": "each cell of a month once",
    DECLARED_WRONG: "a cell that corrections.csv does not declare wrong",
}
MAXIMUM_MEMBERS, MAXIMUM_MEMBER_BYTES, MAXIMUM_RATIO = 200, 1 << 30, 200


class Unreadable(Exception):
    """A text that breaks a rule of RULES."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(RULES[rule])


# ------------------------------------------------------------------------------------------------------------- one text


_MONEY = re.compile(r"\$(\d{1,3}(?:,\d{3})+|\d{1,15})\.(\d{2})")
_LOST_DIGITS = re.compile(r"\$?\d+(\.\d+)?E\+?\d+", re.IGNORECASE)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH_FIRST_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def parse_money(text: str) -> int:
    """Cents of `$1,234.00`, `$1234.00` or `$0.50`. Raises Unreadable for anything else, a missing decimal included."""
    text = text.strip()
    if match := _MONEY.fullmatch(text):
        return int(match[1].replace(",", "") + match[2])
    unsigned = text.replace("-", "").replace("(", "").replace(")", "").replace("−", "")
    if unsigned != text and _MONEY.fullmatch(unsigned):
        raise Unreadable("loss_negative")
    raise Unreadable("loss_lost_digits" if _LOST_DIGITS.fullmatch(text) else "loss_unreadable")


def parse_day(text: str) -> dt.date:
    """The day of `2024-09-29` or of `9/29/2024`, the month first. Raises Unreadable."""
    text = text.strip()
    try:
        if _ISO_DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
        if match := _MONTH_FIRST_DAY.fullmatch(text):
            return dt.date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        pass
    raise Unreadable("date_unreadable")


def parse_count(text: str) -> int:
    """A whole number without separators. Raises Unreadable."""
    if re.fullmatch(r"[0-9]{1,15}", text.strip()):
        return int(text)
    raise Unreadable("count_unreadable")


def fold_label(text: str) -> str:
    """What two spellings of one label share: no apostrophe in front, single spaces, no difference of case or width."""
    return " ".join(unicodedata.normalize("NFKC", text).removeprefix("'").split()).casefold()


# -------------------------------------------------------------------------------------------------------------- crosswalk


ALWAYS = (0, 12 * 10_000)  # months of a label without valid_from and valid_to


def native_labels(path: Path, dimension: str) -> list[str]:
    """The publisher's labels of a dimension that the crosswalk lists, in its order."""
    return [native for name, native in crosswalk_rows(path) if name == dimension]


def months_in_force(path: Path, dimension: str, label: str) -> list[tuple[int, int]]:
    """The stretches of months (see month_number; both ends included) in which the label may stand."""
    return [
        (
            month_number(Period.parse(row["valid_from"]).start) if row["valid_from"] else ALWAYS[0],
            month_number(Period.parse(row["valid_to"]).end) if row["valid_to"] else ALWAYS[1],
        )
        for row in crosswalk_rows(path)[dimension, label]
    ]


def month_number(day: dt.date) -> int:
    """Months since the year 0, so that months can be counted with integers."""
    return day.year * 12 + day.month - 1


def month_code(number: int) -> str:
    """The month of a month_number as `2024-03`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


# ---------------------------------------------------------------------------------------------------------------- members


class Member(NamedTuple):
    """One file of a delivery."""

    name: str
    content: bytes


def csv_members(path: Path) -> list[Member]:
    """The CSV files of a zip in the order of their names, or the one CSV file itself. Raises RefusedInput.

    Bounded in number, size and ratio. Nothing is unpacked to disk, so a member's name cannot lead out of a folder.
    """
    if not zipfile.is_zipfile(path):
        if path.suffix.lower() == ".zip":
            raise _refused(path.name, "the archive", "no whole zip archive", "a whole zip archive", "fetch the file again")
        return [Member(path.name, path.read_bytes())]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
            _refuse_bomb(path.name, entries)
            members = [Member(Path(entry.filename).name, archive.read(entry)) for entry in entries]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise _refused(
            path.name, "the archive", str(error), "a whole, unencrypted zip archive", "fetch the file again"
        ) from error
    tables = sorted(member for member in members if member.name.lower().endswith(".csv"))
    if not tables:
        names = ", ".join(member.name for member in members) or "nothing"
        raise _refused(path.name, "the archive", names, "at least one .csv file", "see whether this is the right file")
    return tables


def _refuse_bomb(file: str, entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MAXIMUM_MEMBERS:
        raise _refused(file, "the archive", f"{len(entries)} files", f"at most {MAXIMUM_MEMBERS}", "see what this file is")
    for entry in entries:
        if entry.file_size > MAXIMUM_MEMBER_BYTES or entry.file_size > MAXIMUM_RATIO * max(entry.compress_size, 1):
            raise _refused(
                file,
                entry.filename,
                f"{entry.file_size} bytes from {entry.compress_size}",
                f"at most {MAXIMUM_MEMBER_BYTES} bytes and {MAXIMUM_RATIO} times the compressed size",
                "see what this file is; do not unpack it",
            )


def _refused(file: str, cell: str, found: str, expected: str, action: str) -> RefusedInput:
    return RefusedInput(file=file, cell=cell, found=found, expected=expected, action=action)


# ----------------------------------------------------------------------------------------------------------------- layout


@dataclass(frozen=True)
class Layout:
    """One layout of a file: the classification it is in, and its columns as our name -> the publisher's header."""

    classification: str
    headers: Mapping[str, str]
    ignored: tuple[str, ...]  # headers that must be there and are not read

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> Layout:
        return cls(meta["classification"], dict(meta["columns"]), tuple(meta.get("ignored", ())))

    def match(self, header: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
        """Our names in the order of the header (`` for ignored columns), headers that are missing, those that are too many."""
        wanted = {spelling: name for name, text in self.headers.items() for spelling in header_spellings(text)}
        wanted |= {spelling: "" for text in self.ignored for spelling in header_spellings(text)}
        found = [wanted.get(fold_header(text)) for text in header]
        present = {fold_header(text) for text in header}
        missing = [text for text in (*self.headers.values(), *self.ignored) if not header_spellings(text) & present]
        return [name or "" for name in found], missing, [text for text, name in zip(header, found, strict=True) if name is None]


def fold_header(text: str) -> str:
    """A header without differences of case, of spaces, and of the kind of apostrophe."""
    text = unicodedata.normalize("NFC", text).replace("’", "'").casefold()
    return " / ".join(" ".join(part.split()) for part in text.split("/"))


def header_spellings(text: str) -> set[str]:
    """The three spellings of an accented header that are seen: with accents, without, and with the accented letters lost."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    lost = "".join(sign for sign in unicodedata.normalize("NFC", text) if sign.isascii())
    return {fold_header(text), fold_header(plain), fold_header(lost)}


# ---------------------------------------------------------------------------------------------------------------- reading


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
    raise _refused(
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
        raise _refused(file, member.name, "an empty file", "a header and rows", "fetch the file again")
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
        raise _refused(file, member.name, str(error), "a CSV file with a header and rows", "fetch the file again") from error
    _refuse_swallowed_rows(member, file, len(table) + len(invalid))
    if invalid and invalid[-1][0] == len(table) + len(invalid) + 1:
        raise _cut_off(member, file, f"a last row that breaks off: {invalid[-1][1][:80]!r}")
    if not len(table):
        raise _refused(file, member.name, "a header and no rows", "at least one row", "fetch the file again")
    for name in names:
        if name not in columns:
            table = table.append_column(name, pa.array([""] * len(table), pa.string()).dictionary_encode())
    return table.select(names), invalid


def _refuse_swallowed_rows(member: Member, file: str, rows: int) -> None:
    """A quote that is never closed takes the rows after it into one field: the lines would be more than the rows."""
    lines = _lines_below_header(member.content)
    if lines != rows:
        raise _refused(
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
    return _refused(file, f"{member.name}, row {lines}", found, "a whole last row", "the file was cut off: fetch it again")


def _not_utf8(member: Member, file: str) -> RefusedInput:
    try:
        member.content.decode("utf-8")
        cell, found = f"{member.name}, row 1", "a header that is no line of a CSV file"
    except UnicodeDecodeError as error:
        row = member.content.count(b"\n", 0, error.start) + 1
        cell = f"{member.name}, row {row}"
        found = f"the bytes {member.content[error.start : error.start + 4].hex(' ')}, which are not UTF-8"
    return _refused(file, cell, found, "text in UTF-8", "fetch the file again; do not save it from a spreadsheet")


# ------------------------------------------------------------------------------------------------------------ the builder


@dataclass
class CaseBuilder:
    """Texts to columns of cases, one distinct text at a time; remembers which rows broke which rule."""

    texts: Texts
    crosswalk: Path
    broken: dict[int, list[tuple[str, str]]] = field(default_factory=dict)  # position -> (rule, what was found)

    def __post_init__(self) -> None:
        for position, text in zip(self.texts.ragged.tolist(), self.texts.ragged_texts, strict=True):
            self.broken[position] = [("row_ragged", text)]
        self._ragged = frozenset(self.broken)
        for position, name, declared in self.texts.corrected:
            if declared.value is None:
                marks = self.broken.setdefault(position, [])
                marks.append((DECLARED_WRONG, f"{self.texts.header(name)}: {declared.expect!r}: {declared.reason}"))

    def mark(self, rows: Numbers, rule: str, name: str) -> None:
        """Note that the rows (a mask) broke the rule, with the text of column `name` in each."""
        codes, found = self.texts.codes(name)
        for position in np.flatnonzero(rows).tolist():
            self._mark(position, rule, name, found[codes[position]])

    def _mark(self, position: int, rule: str, name: str, text: str) -> None:
        # A row of a wrong length has no columns that could be right or wrong.
        if position not in self._ragged:
            self.broken.setdefault(position, []).append((rule, f"{self.texts.header(name)}: {text!r}"))

    def parsed(self, name: str, parse: Callable[[str], int]) -> tuple[Numbers, Numbers]:
        """Column `name` as int64 and the mask of the rows in which it could be parsed; others hold 0 and are marked."""
        codes, texts = self.texts.codes(name)
        values, rules = np.zeros(len(texts), dtype=np.int64), [""] * len(texts)
        for code, text in enumerate(texts):
            try:
                values[code] = parse(text)
            except Unreadable as error:
                rules[code] = error.rule
        readable = np.array([not rule for rule in rules], dtype=bool)[codes]
        for position in np.flatnonzero(~readable).tolist():
            self._mark(position, rules[codes[position]], name, texts[codes[position]])
        return values[codes], readable

    def days(self, name: str) -> pd.Series:
        """Column `name` as datetime64[ns]; NaT and a mark where it is no day."""
        ordinals, readable = self.parsed(name, lambda text: parse_day(text).toordinal() - _EPOCH)
        days = ordinals.astype("datetime64[D]").astype("datetime64[ns]")
        days[~readable] = np.datetime64("NaT")
        return pd.Series(days)

    def labels(self, name: str, dimension: str, months: Numbers, *, first_language: bool = False) -> pd.Categorical:
        """Column `name` as the crosswalk's labels of the dimension; a missing value and a mark where it is none of them.

        `first_language`: the text is bilingual, `English / français`, and the part before the slash is the label.
        `months`: month numbers, against which the stretch of time in which a label may stand is checked.
        """
        codes, texts = self.texts.codes(name)
        if first_language:
            texts = [text.split(" / ")[0] for text in texts]
        return self.known_labels(codes, texts, name, dimension, months)

    def known_labels(self, codes: Numbers, texts: Sequence[str], name: str, dimension: str, months: Numbers) -> pd.Categorical:
        """The same for labels that were put together from several columns; `name` is the column to blame."""
        known = {fold_label(label): label for label in native_labels(self.crosswalk, dimension)}
        found = [known.get(fold_label(text)) for text in texts]
        categories = sorted({label for label in found if label is not None})
        place = {label: code for code, label in enumerate(categories)}
        lookup = np.array([-1 if label is None else place[label] for label in found], dtype=np.int32)
        result = lookup[codes] if len(lookup) else np.zeros(0, dtype=np.int32)
        for position in np.flatnonzero(result < 0).tolist():
            self._mark(position, "label_unknown", name, texts[codes[position]])
        self._mark_not_in_force(result, categories, name, dimension, months)
        return categorical(result, categories)

    def _mark_not_in_force(self, result: Numbers, categories: Sequence[str], name: str, dimension: str, months: Numbers) -> None:
        for code, label in enumerate(categories):
            stretches = months_in_force(self.crosswalk, dimension, label)
            if stretches != [ALWAYS]:
                allowed = np.zeros(len(months), dtype=bool)
                for first, last in stretches:
                    allowed |= (months >= first) & (months <= last)
                for position in np.flatnonzero((result == code) & ~allowed & (months > 0)).tolist():
                    self._mark(position, "label_not_in_force", name, label)

    def frame(self, **columns: Any) -> pd.DataFrame:
        """The cases: `columns` beside those that every file has, in the order of CASE_COLUMNS."""
        texts = self.texts
        for each in texts.corrected:
            if each.name not in texts.read:
                raise each.declared.unread()
        given = {
            "row": texts.rows,
            "file": categorical(texts.member, texts.members),
            "classification": categorical(texts.layout, [layout.classification for layout in texts.layouts]),
            **columns,
            **self._problems(),
        }
        return pd.DataFrame({name: given.pop(name) for name in (*CASE_COLUMNS, *given) if name in given})

    def _problems(self) -> dict[str, pd.Categorical]:
        size, broken = len(self.texts), self.broken.items()
        return {
            "problem": _sparse_texts(size, {place: "; ".join(sorted({rule for rule, _ in marks})) for place, marks in broken}),
            "problem_text": _sparse_texts(size, {place: "; ".join(text for _, text in marks) for place, marks in broken}),
        }


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _sparse_texts(size: int, texts: Mapping[int, str]) -> pd.Categorical:
    categories = ["", *sorted(set(texts.values()))]
    place = {text: code for code, text in enumerate(categories)}
    codes = np.zeros(size, dtype=np.int32)
    for position, text in texts.items():
        codes[position] = place[text]
    return categorical(codes, categories)


def categorical(codes: Numbers, labels: Sequence[str]) -> pd.Categorical:
    """Codes into labels as a categorical; labels that repeat become one, the code -1 a missing value."""
    categories = list(dict.fromkeys(labels))
    lookup = np.array([*(categories.index(label) for label in labels), -1], dtype=np.int32)
    return pd.Categorical.from_codes(lookup[codes], categories=pd.Index(categories, dtype="str"))


def month_numbers(days: pd.Series) -> Numbers:
    """The month_number of each day; 0 where there is none."""
    months = days.to_numpy().astype("datetime64[M]")
    numbers = months.astype(np.int64) + 12 * 1970
    numbers[np.isnat(months)] = 0
    return numbers


def month_labels(numbers: Numbers) -> pd.Categorical:
    """Month numbers as `2024-03`; a missing value for 0."""
    present, codes = np.unique(numbers, return_inverse=True)
    offset = 1 if len(present) and present[0] == 0 else 0
    categories = [month_code(int(number)) for number in present[offset:]]
    return categorical(codes.reshape(-1) - offset, categories)


# ----------------------------------------------------------------------------------------------------- questions to cases


def sound(cases: pd.DataFrame) -> pd.DataFrame:
    """The rows that broke no rule."""
    return cases[(cases["problem"] == "").to_numpy()]


def unsound(cases: pd.DataFrame) -> pd.DataFrame:
    """The rows that broke a rule, for the quarantine."""
    return cases[(cases["problem"] != "").to_numpy()]


def covered_months(cases: pd.DataFrame) -> list[str]:
    """The months that have rows, in order."""
    return sorted(cases["month"].dropna().unique())


def coverage(cases: pd.DataFrame) -> list[tuple[str, str]]:
    """The unbroken runs of months that the cases speak for, as (first, last)."""
    runs: list[tuple[str, str]] = []
    for month in covered_months(cases):
        if runs and Period.parse(f"{runs[-1][1]}/{month}").months[1:] == [month]:
            runs[-1] = (runs[-1][0], month)
        else:
            runs.append((month, month))
    return runs


def holes(cases: pd.DataFrame) -> list[str]:
    """The months between the first and the last that have no rows at all: not there, which is not zero."""
    months = covered_months(cases)
    if len(months) < 2:
        return []
    return [month for month in Period.parse(f"{months[0]}/{months[-1]}").months if month not in set(months)]
