"""The Consumer Sentinel Network data book of one year, as a zip of its CSV files, to figures.

In: a zip that holds the eight files of `layouts.LAYOUTS` (`2024_CSN_Report_Count.csv` and so on, in any folder; the book's other
files are passed over), in UTF-8 or Windows-1252 from file to file. Out: `Figure`s of the tables that source.yml declares, with
the origin `2024_CSN_Report_Count.csv!B4`: reports as counts, losses in US dollars, shares in per cent, each with the precision
that its print implies; areas as ISO 3166-2 codes.

A file that is missing, cut off or in another layout stops the reading, and so does a cell that is no number, a row that the
layout does not know, a note that says something new, a total that its parts contradict, and a figure that two tables print
differently. A snapshot that is an extract may lack files.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.model import TOTAL, RefusedInput, Snapshot
from pipeline.reading.cell_addresses import parse_address
from pipeline.reading.figures import Figure
from pipeline.reading.grids import Grid, file_refusal
from pipeline.sources.catalogue import Source
from pipeline.sources.ftc_csn.amounts import UnreadableAmount, parse_amount
from pipeline.sources.ftc_csn.layouts import (
    LAYOUTS,
    SAME,
    SOURCE_LINE,
    SUMS,
    Layout,
    Lines,
    Measure,
    Note,
    Place,
    Rows,
    Sum,
)

CLASSIFICATION = "ftc_csn"
COUNTRY = "US"
LARGEST_FILE = 1_000_000  # bytes; the largest of the eight has 3,000
_NAME = re.compile(r"(?P<year>\d{4})_CSN_(?P<name>\w+)\.csv")
_FETCH_AGAIN = "fetch the file again"
_NEW_LAYOUT = "the publisher changed the layout: read the book, then change layouts.py"


@dataclasses.dataclass(frozen=True)
class _Book:
    """What all files of one delivery share."""

    year: int
    areas: dict[str, str]  # the publisher's name of an area -> its ISO 3166-2 code


def read(path: Path, snapshot: Snapshot, source: Source) -> list[Figure]:
    """The figures of all files, in the order of the layouts. Raises RefusedInput, naming file and cell."""
    files = _files(path, snapshot.extract)
    book = _Book(_year(path, files), _areas(source.folder / "crosswalk.csv"))
    figures: list[Figure] = []
    for layout in LAYOUTS:
        if layout.name in files:
            figures += _FileReader(layout, files[layout.name], book).figures()
    _refuse_contradictions(figures, book.year)
    return figures


# --------------------------------------------------------------------------------------------------------------- the files


def _files(path: Path, extract: bool) -> dict[str, Grid]:
    """The grid of each file of LAYOUTS, by its name in the layout."""
    wanted = {layout.name for layout in LAYOUTS}
    found: dict[str, Grid] = {}
    for file, content in _members(path):
        name = _name_of(file)
        if name in found:
            raise RefusedInput(
                file=path.name,
                cell=file,
                found=f"{found[name].file} and {file}",
                expected="each table of one book once",
                action="deliver the files of one edition only",
            )
        found[name] = _grid(file, content)
    missing = sorted(wanted - set(found))
    if (missing and not extract) or not found:
        raise file_refusal(
            path.name,
            found=f"no {', '.join(f'*_CSN_{name}.csv' for name in missing)}",
            expected="the CSV files of the Consumer Sentinel data book",
            action="deliver the whole folder of one edition; if the publisher renamed a file, change layouts.py",
        )
    return found


def cell_text(path: Path, origin: str) -> str:
    """The text of one cell of the book: `2024_CSN_Fraud_Reports_by_Age.csv!B4`.

    Raises RefusedInput where the book has no such file, ValueError where `origin` is no address.
    """
    wanted, _, address = origin.partition("!")
    for file, content in _members(path):
        if file == wanted:
            return _grid(file, content).text(*parse_address(address))
    raise file_refusal(
        path.name, found=f"no file {wanted}", expected="the files of the book", action="it is not the book that was read"
    )


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of the files in the zip that a layout knows, in the order of their names."""
    wanted = {layout.name for layout in LAYOUTS}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda info: info.filename):
                file = member.filename.rpartition("/")[2]
                if _NAME.fullmatch(file) and _name_of(file) in wanted:
                    if member.file_size > LARGEST_FILE:
                        raise file_refusal(
                            file,
                            found=f"{member.file_size} bytes",
                            expected=f"a table of at most {LARGEST_FILE} bytes",
                            action="this is not the publisher's file: fetch the book again",
                        )
                    yield file, archive.read(member)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise file_refusal(
            path.name, found=f"no readable zip ({error})", expected="a zip of the book's CSV files", action=_FETCH_AGAIN
        ) from error


def _name_of(file: str) -> str:
    match = _NAME.fullmatch(file)
    return match["name"] if match else ""


def _year(path: Path, files: dict[str, Grid]) -> int:
    years = {grid.file[:4] for grid in files.values()}
    if len(years) > 1:
        raise file_refusal(
            path.name,
            found=f"files of {', '.join(sorted(years))}",
            expected="the files of one year's book",
            action="deliver each year's book as a folder of its own",
        )
    return int(years.pop())


def _areas(crosswalk: Path) -> dict[str, str]:
    with crosswalk.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return {row["native_code"]: row["common_code"] for row in rows if row["dimension"] == "area"}


def _grid(file: str, content: bytes) -> Grid:
    text = _decoded(file, content)
    if not text.strip():
        raise file_refusal(file, found="an empty file", expected="a CSV with a table", action=_FETCH_AGAIN)
    if not text.endswith(("\n", "\r")):
        raise RefusedInput(
            file=file,
            cell=f"row {len(text.splitlines())}",
            found=f"{text[-20:]!r} at the end of the file",
            expected="a line end after the last row",
            action=f"the file was cut off on its way: {_FETCH_AGAIN}",
        )
    try:
        rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error as error:
        raise file_refusal(file, found=f"broken quoting ({error})", expected="a CSV", action=_FETCH_AGAIN) from error
    # Lines of prose have fewer commas than the table in some files; a row that lacks a figure is refused at its blank cell.
    width = max(len(row) for row in rows)
    return Grid(file, "", tuple((*row, *[""] * (width - len(row))) for row in rows))


def _decoded(file: str, content: bytes) -> str:
    """The text, from UTF-8 or else Windows-1252: the book mixes the two. Raises RefusedInput for anything else."""
    encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise _not_text(file, error.start, content[error.start]) from error
    for character in text:
        if ord(character) < 0x20 and character not in "\r\n\t":
            offset = content.index(ord(character))
            raise _not_text(file, offset, content[offset])
    return text


def _not_text(file: str, offset: int, byte: int) -> RefusedInput:
    return RefusedInput(
        file=file,
        cell=f"byte {offset}",
        found=f"the byte 0x{byte:02x}, which is no text in that encoding",
        expected="text in UTF-8 or Windows-1252",
        action=f"the file is damaged or in another encoding: {_FETCH_AGAIN}",
    )


# ---------------------------------------------------------------------------------------------------------------- one file


class _FileReader:
    """One file, from its first line to its last."""

    def __init__(self, layout: Layout, grid: Grid, book: _Book) -> None:
        self.layout, self.grid, self.book = layout, grid, book
        self.row = 0

    def figures(self) -> list[Figure]:
        """The figures of the file. Raises RefusedInput at the first line that is not what the layout says."""
        self._expect_alone(self.layout.title, "the title of the file")
        figures: list[Figure] = []
        for table in self.layout.tables:
            figures += self._lines(table) if isinstance(table, Lines) else self._rows(table)
        for note in self.layout.notes:
            figures += self._note(note)
        self._check_groups(self._match_alone(SOURCE_LINE, "the line that names the source, which ends the file"))
        self._skip_blank()
        if self.row < len(self.grid.rows):
            raise self._unexpected("nothing after the line that names the source")
        return figures

    # -- lines

    def _texts(self) -> tuple[str, ...]:
        """The cells of the current row with their spaces folded; empty texts past the end of the file."""
        width = self.grid.width
        return tuple(_folded(self.grid.text(self.row, column)) for column in range(width))

    def _skip_blank(self) -> None:
        while self.row < len(self.grid.rows) and not any(self._texts()):
            self.row += 1

    def _unexpected(self, expected: str, column: int = 0) -> RefusedInput:
        if self.row >= len(self.grid.rows):
            return RefusedInput(
                file=self.grid.file,
                cell=f"row {len(self.grid.rows)}",
                found="the end of the file",
                expected=expected,
                action=f"the file was cut off: {_FETCH_AGAIN}",
            )
        return self.grid.refusal(self.row, column, expected=expected, action=_NEW_LAYOUT)

    def _alone(self, expected: str) -> str:
        """The text of the next line, which must stand alone in the first column."""
        self._skip_blank()
        texts = self._texts()
        if not texts[0] or any(texts[1:]):
            raise self._unexpected(expected, next((column for column in range(1, len(texts)) if texts[column]), 0))
        return texts[0]

    def _expect_alone(self, text: str, what: str) -> None:
        if self._alone(f"{what}, {text!r}") != text:
            raise self._unexpected(f"{what}, {text!r}")
        self.row += 1

    def _match_alone(self, pattern: str, what: str) -> re.Match[str]:
        match = re.fullmatch(pattern, self._alone(what))
        if match is None:
            raise self._unexpected(what)
        self.row += 1
        return match

    # -- tables

    def _rows(self, table: Rows) -> list[Figure]:
        """A table with a header line: rows up to the next blank line."""
        if table.heading:
            self._expect_alone(table.heading, "the heading of the next table")
        self._skip_blank()
        headers = tuple(column.header for column in table.columns)
        for column, (found, expected) in enumerate(itertools.zip_longest(self._texts(), headers, fillvalue="")):
            if found != expected:
                whole = ", ".join(repr(header) for header in headers)
                raise self._unexpected(f"{expected!r} in the header {whole} of the table {table.table}", column)
        self.row += 1
        figures: list[Figure] = []
        first, labels = self.row, []
        while self.row < len(self.grid.rows) and any(self._texts()):
            label, of_row = self._row(table, rank=self.row - first + 1)
            labels.append(label)
            figures += of_row
            self.row += 1
        self._refuse_incomplete(table, labels)
        return figures

    def _row(self, table: Rows, rank: int) -> tuple[str, list[Figure]]:
        texts = self._texts()
        label_column = next(place for place, column in enumerate(table.columns) if column.measure is None)
        label = texts[label_column]
        if not label:
            raise self._unexpected("the label of the row", label_column)
        stray = next((place for place in range(len(table.columns), len(texts)) if texts[place]), None)
        if stray is not None:
            raise self._unexpected(f"nothing to the right of the {len(table.columns)} columns of the table", stray)
        figures = []
        for place, column in enumerate(table.columns):
            is_rank = column.measure is not None and column.measure.name == "rank"
            if column.measure is None or (is_rank and label in table.unranked and not texts[place]):
                continue
            figure = self._placed(self._figure(self.row, place, column.measure, table.table), table.label, label)
            if is_rank and figure.value != rank:
                raise self._unexpected(f"the rank {rank}: the ranking goes up by one from row to row", place)
            figures.append(dataclasses.replace(figure, overlay=table.overlay))
        return label, figures

    def _refuse_incomplete(self, table: Rows, labels: list[str]) -> None:
        """Raises RefusedInput where the table lacks rows that its layout promises."""
        expected = ""
        if not labels:
            expected = "rows under the header"
        elif table.length is not None and len(labels) != table.length:
            expected = f"{table.length} rows, as the heading says"
        elif table.label == "area" and (missing := sorted(set(self.book.areas) - set(labels))):
            expected = f"a row for {', '.join(missing)}"
        elif table.label == "period" and labels != [str(year) for year in range(int(labels[0]), self.book.year + 1)]:
            expected = f"every year from {labels[0]} to {self.book.year}, the year of the book, in order"
        if expected:
            raise RefusedInput(
                file=self.grid.file,
                cell=f"row {self.row}",
                found=f"the end of the table {table.table} after {len(labels)} rows",
                expected=expected,
                action=f"{_FETCH_AGAIN}; if it is still so, {_NEW_LAYOUT}",
            )

    def _lines(self, table: Lines) -> list[Figure]:
        """Labelled lines, in their order."""
        figures: list[Figure] = []
        self._skip_blank()
        for label, cells in table.lines:
            texts = self._texts()
            if texts[0] != label:
                raise self._unexpected(f"the line {label!r} of the table {table.table}")
            figures += [
                self._placed(self._figure(self.row, cell.column, cell.measure, table.table), table.label, cell.label)
                for cell in cells
            ]
            used = {0, *(cell.column for cell in cells)}
            stray = next((place for place, text in enumerate(texts) if text and place not in used), None)
            if stray is not None:
                raise self._unexpected(f"nothing else in the line {label!r}", stray)
            self.row += 1
        return figures

    # -- figures

    def _figure(self, row: int, column: int, measure: Measure, table: str, *, text: str | None = None) -> Figure:
        """The figure in a cell, for the total of its table. `text`: the part of the cell that holds it."""
        printed = _folded(self.grid.text(row, column)) if text is None else text
        try:
            amount = parse_amount(printed, measure.kind, suffix=measure.suffix)
        except UnreadableAmount as error:
            raise self.grid.refusal(
                row,
                column,
                found=repr(printed) if printed else "a blank cell",
                expected=f"{error.expected}, the {measure.name} of the table {table}",
                action="look at the book: if the file is as published, the layout or the kind of number changed",
            ) from error
        return Figure(
            table=table,
            period=str(self.book.year),
            measure=measure.name,
            unit=measure.unit,
            value=amount.value,
            precision=amount.precision,
            origin=self.grid.origin(row, column),
            printed=printed,
            classification=CLASSIFICATION,
            area=COUNTRY,
            note=measure.note,
        )

    def _placed(self, figure: Figure, label_is: str, label: str) -> Figure:
        """The figure at the place in its table that the label of its row names; without a label, where it is."""
        if not label:
            return figure
        if label_is == "native_type":
            return dataclasses.replace(figure, native_type=label)
        if label_is == "area":
            return dataclasses.replace(figure, area=self._area(label))
        if label_is == "period":
            return self._of_year(figure, label)
        return dataclasses.replace(figure, dimensions={label_is: label})

    def _area(self, label: str) -> str:
        if label not in self.book.areas:
            column = self._texts().index(label)
            raise self.grid.refusal(
                self.row,
                column,
                expected="the name of a state, the District of Columbia or Puerto Rico, as in crosswalk.csv",
                action="if the book has a new area, add it to crosswalk.csv with its ISO 3166-2 code",
            )
        return self.book.areas[label]

    def _of_year(self, figure: Figure, label: str) -> Figure:
        if not re.fullmatch(r"\d{4}", label):
            raise self._unexpected("a year such as 2001")
        edition = "restated" if int(label) < self.book.year else ""
        return dataclasses.replace(figure, period=label, edition=edition)

    # -- notes

    def _note(self, note: Note) -> list[Figure]:
        match = self._match_alone(note.pattern, "the note that the layout knows: it defines the figures")
        self._check_groups(match)
        return [
            self._placed(
                self._figure(self.row - 1, 0, noted.measure, note.table, text=match[noted.group]), note.label, noted.label
            )
            for noted in note.figures
        ]

    def _check_groups(self, match: re.Match[str]) -> None:
        """Raises RefusedInput where a line speaks of another year than the book's name."""
        for group, year in (("year", self.book.year), ("year_before", self.book.year - 1)):
            found = match.groupdict().get(group)
            if found is not None and int(found) != year:
                raise RefusedInput(
                    file=self.grid.file,
                    cell=self.grid.cell(self.row - 1, 0),
                    found=f"the year {found}",
                    expected=f"{year}: the file's name says that it belongs to the book of {self.book.year}",
                    action="find out which edition this is, and name the file after it",
                )


@functools.lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    """The text with every run of spaces (no-break spaces too) as one space, none at the ends."""
    return " ".join(text.split())


# ----------------------------------------------------------------------------------------------------------- contradictions


def _refuse_contradictions(figures: list[Figure], year: int) -> None:
    """Raises RefusedInput where parts do not make up their printed total, or two tables print one figure differently."""
    places = {_place_of(figure): figure for figure in figures if figure.period == str(year)}
    for total in SUMS:
        _refuse_wrong_sum(total, places)
    for same in SAME:
        printed = [places[place] for place in same if place in places]
        for other in printed[1:]:
            if other.value != printed[0].value:
                raise _contradiction(
                    other, f"{printed[0].printed}, as {printed[0].origin} prints the same figure", f"{other.printed}"
                )


def _place_of(figure: Figure) -> Place:
    labels = [figure.native_type, *figure.dimensions.values(), figure.area if figure.area != COUNTRY else TOTAL]
    return Place(figure.table, figure.measure, next((label for label in labels if label != TOTAL), ""))


def _refuse_wrong_sum(total: Sum, places: dict[Place, Figure]) -> None:
    measure = total.total.measure
    printed = places.get(total.total)
    labels = total.parts or tuple(
        place.label
        for place in places
        if place.table == total.table and place.measure == measure and place.label not in ("", total.total.label)
    )
    parts = [places.get(Place(total.table, measure, label)) for label in labels]
    if printed is None or not parts:
        return
    missing = [label for label, part in zip(labels, parts, strict=True) if part is None]
    if missing:
        raise _contradiction(printed, f"rows for all its parts; there is none for {', '.join(missing)}", printed.printed)
    of_parts = sum(int(part.value) for part in parts if part is not None and part.value is not None)
    if of_parts != printed.value:
        raise _contradiction(printed, f"{of_parts:,}, the sum of its {len(parts)} parts", printed.printed)


def _contradiction(figure: Figure, expected: str, found: str) -> RefusedInput:
    file, _, cell = figure.origin.rpartition("!")
    return RefusedInput(
        file=file,
        cell=cell,
        found=f"{found} ({figure.measure}, {figure.table})",
        expected=expected,
        action="compare with the printed book; until it is known which figure holds, the delivery is not used",
    )
