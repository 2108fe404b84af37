"""The annual book's fraud tables, as CSV (`r07.csv`) or workbook (`r07_2-3.xlsx`), to figures.

In: a grid in which each table has a title row (`図表：２－３－６－１　手口別特殊詐欺認知件数`), a header (`年次区分` and era
years), a row for the total, a row for each type, and below a row of cases its subset `うち既遂`. Other tables of the book are
passed over. Out: `Figure`s of the tables special_fraud and sns_fraud; cases and persons as counts, losses in yen.

A table that is missing, renamed or incomplete stops the reading; so does every cell that is neither a number nor `-`.
A snapshot that is an extract may lack tables and leave cells blank.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from pipeline.model import TOTAL, RefusedInput, Snapshot
from pipeline.reading.corrections import Corrections, open_source_file, read_cell
from pipeline.reading.eras import UnreadablePeriod, parse_year
from pipeline.reading.figures import Figure
from pipeline.reading.grids import Grid, TitledTable, file_refusal, split_unit, titled_tables
from pipeline.reading.numerals import Kind, normalise_label
from pipeline.sources.catalogue import Source

HEADER = "年次区分"
SUBSET = "うち既遂"


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measure of the book: its name here, its unit here, and the word with which the publisher counts."""

    name: str
    unit: str
    word: str  # 件, 人 or 円: what a unit printed in a label or title must end with
    kind: Kind


CASES = Measure("cases", "cases", "件", "count")
COMPLETED = Measure("cases_completed", "cases", "件", "count")
LOSS = Measure("loss", "JPY", "円", "money")
CLEARED = Measure("cases_cleared", "cases", "件", "count")
ARRESTED = Measure("persons_arrested", "persons", "人", "count")


@dataclasses.dataclass(frozen=True)
class Layout:
    """One table of the book: what its title says, and the measure that each total row begins."""

    title: str
    table: str
    classification: str
    totals: tuple[tuple[str, Measure], ...]  # label of the total row -> measure of it and of the rows below
    subset: Measure | None = None  # measure of the row `うち既遂`, which belongs to the row above it


_SPECIAL, _SNS = "特殊詐欺", "SNS型投資・ロマンス詐欺"
LAYOUTS = tuple(
    layout
    for name, table, classification in ((_SPECIAL, "special_fraud", "npa_2020"), (_SNS, "sns_fraud", "npa_sns_2023"))
    for layout in (
        Layout(f"手口別{name}認知件数", table, classification, ((f"{name}認知件数", CASES),), COMPLETED),
        Layout(f"手口別{name}被害額", table, classification, ((f"{name}被害額", LOSS),)),
        Layout(
            f"手口別{name}検挙状況",
            table,
            classification,
            ((f"{name}検挙件数", CLEARED), (f"{name}検挙人員", ARRESTED)),
        ),
    )
)


def read(path: Path, snapshot: Snapshot, source: Source) -> list[Figure]:
    """The figures of all tables, in the order of the file. Raises RefusedInput, naming file and cell."""
    grids, corrections = open_source_file(path, source.folder)
    figures: list[Figure] = []
    for layout, table in _tables(path.name, grids, snapshot.extract):
        figures += _TableReader(layout, table, source, corrections, snapshot.extract).figures()
    corrections.refuse_unused()
    return figures


def _tables(file: str, grids: list[Grid], extract: bool) -> list[tuple[Layout, TitledTable]]:
    present = [table for grid in grids for table in titled_tables(grid)]
    found = []
    for layout in LAYOUTS:
        same = [table for table in present if split_unit(table.title)[0] == layout.title]
        if len(same) > 1:
            second = same[1]
            raise second.grid.refusal(
                second.title_row,
                0,
                expected=f"the table once; it already stands at {same[0].grid.cell(same[0].title_row, 0)}",
                action="find out which one holds; until then the file is not used",
            )
        if not same and not extract:
            raise _missing(file, layout, present)
        found += [(layout, table) for table in same]
    if not found:
        raise _missing(file, LAYOUTS[0], present)
    return found


def _missing(file: str, layout: Layout, present: list[TitledTable]) -> RefusedInput:
    titles = "; ".join(f"{table.number} {table.title}" for table in present[:8]) or "no title of a table (図表：…) at all"
    return file_refusal(
        file,
        found=f"no table 「{layout.title}」. Titles that there are: {titles}",
        expected="the fraud tables of the annual crime book",
        action="check that this is the book; if the publisher renamed the table, change its layout in the reader",
    )


class _TableReader:
    """One table of one file: its years, its rows, its figures."""

    def __init__(self, layout: Layout, table: TitledTable, source: Source, corrections: Corrections, extract: bool) -> None:
        self.layout, self.table, self.grid = layout, table, table.grid
        self.corrections, self.extract = corrections, extract
        self.types: list[str] = source.meta["tables"][layout.table]["parts"][layout.classification]
        self.title_unit = split_unit(table.title)[1]
        self.years = self._years()
        self.first_column = min(self.years)

    def figures(self) -> list[Figure]:
        """The figures of the table, row by row."""
        figures: list[Figure] = []
        rows_of: dict[tuple[str, str], int] = {}
        for row, measure, native_type, unit in self._rows():
            key = (measure.name, native_type)
            if key in rows_of:
                raise self.grid.refusal(
                    row,
                    self.grid.filled(row)[0],
                    found=f"{measure.name} of {native_type} again",
                    expected=f"one row for it; it already stands in row {rows_of[key] + 1}",
                    action="find out which one holds; until then the file is not used",
                )
            rows_of[key] = row
            figures += self._figures_of_row(row, measure, native_type, unit)
        self._refuse_missing_rows(set(rows_of))
        return figures

    def _years(self) -> dict[int, int]:
        """The columns of the header and their years."""
        row = self.table.body[0] if self.table.body else self.table.title_row
        filled = self.grid.filled(row)
        if not filled or normalise_label(self.grid.text(row, filled[0])) != HEADER:
            raise self.grid.refusal(
                row,
                filled[0] if filled else 0,
                expected=f"the header 「{HEADER}」 in the first row after the title",
                action="the publisher changed the layout: look at the file and change the reader",
            )
        years = {}
        for column in filled[1:]:
            try:
                years[column] = parse_year(self.grid.text(row, column))
            except UnreadablePeriod as error:
                raise self.grid.refusal(row, column, expected=error.expected, action=error.action) from error
        columns = list(years)
        in_sequence = [years[column] - years[columns[0]] for column in columns] == list(range(len(columns)))
        side_by_side = columns == list(range(columns[0], columns[0] + len(columns))) if columns else False
        if not columns or not in_sequence or not side_by_side:
            raise self.grid.refusal(
                row,
                columns[0] if columns else filled[0],
                found=", ".join(f"{self.grid.cell(row, column)} = {year}" for column, year in years.items()) or "no years",
                expected="years that follow each other, side by side",
                action="the header was moved or a column is missing: look at the file",
            )
        return years

    def _rows(self) -> Iterator[tuple[int, Measure, str, str | None]]:
        """Each row of figures: its row, measure, type and the unit printed in its label."""
        totals = dict(self.layout.totals)
        block: Measure | None = None
        native_type, block_unit = TOTAL, None
        for row in self.table.body[1:]:
            column, label, unit = self._label(row)
            if label in totals:
                block, native_type, block_unit = totals[label], TOTAL, unit
                yield row, block, TOTAL, unit
            elif block is None:
                raise self._unknown(row, column, [*totals])
            elif label == SUBSET and self.layout.subset:
                yield row, self.layout.subset, native_type, unit or block_unit
            elif label in self.types:
                native_type = label
                yield row, block, native_type, unit or block_unit
            else:
                raise self._unknown(row, column, [*totals, *self.types, *([SUBSET] if self.layout.subset else [])])

    def _label(self, row: int) -> tuple[int, str, str | None]:
        filled = [column for column in self.grid.filled(row) if column < self.first_column]
        if len(filled) != 1:
            raise self.grid.refusal(
                row,
                filled[1] if filled else 0,
                found=f"{len(filled)} labels left of the first year",
                expected="one label",
                action="the row was shifted against its header: look at the file",
            )
        return (filled[0], *split_unit(normalise_label(self.grid.text(row, filled[0]))))

    def _unknown(self, row: int, column: int, known: list[str]) -> RefusedInput:
        return self.grid.refusal(
            row,
            column,
            expected=f"one of the labels of 「{self.layout.title}」: {', '.join(known)}",
            action="a new or renamed category needs a classification of its own: look at the publication, then source.yml",
        )

    def _figures_of_row(self, row: int, measure: Measure, native_type: str, unit: str | None) -> Iterator[Figure]:
        for column in self.grid.filled(row):
            if column > max(self.years):
                raise self.grid.refusal(
                    row, column, expected="nothing right of the last year", action="the header lost a column, or moved"
                )
        unit = unit or self.title_unit or measure.word
        if not unit.endswith(measure.word):
            raise self.grid.refusal(
                row,
                self.grid.filled(row)[0],
                expected=f"a unit in {measure.word} for {measure.name}",
                action="look at the publication: the row counts something else",
            )
        for column, year in self.years.items():
            reading = read_cell(
                self.grid, row, column, self.corrections, kind=measure.kind, unit=unit, blank_is_absent=self.extract
            )
            if reading is not None:
                yield reading.figure(
                    self.grid.origin(row, column),
                    table=self.layout.table,
                    period=str(year),
                    measure=measure.name,
                    unit=measure.unit,
                    classification=self.layout.classification,
                    native_type=native_type,
                )

    def _refuse_missing_rows(self, present: set[tuple[str, str]]) -> None:
        measures = [measure for _, measure in self.layout.totals]
        measures += [self.layout.subset] if self.layout.subset else []
        for measure in measures:
            for native_type in [TOTAL, *self.types]:
                if (measure.name, native_type) not in present:
                    raise self.grid.refusal(
                        self.table.title_row,
                        0,
                        found=f"a table without the row {native_type} for {measure.name}",
                        expected=f"a total and every type of {self.layout.classification}",
                        action="the file was cut off, or the classification changed: look at the publication",
                    )
