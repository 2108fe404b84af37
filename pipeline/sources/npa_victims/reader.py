"""The annual book's tables of victims by sex and age to figures.

In: a grid in which each table has a title row with its year (`…（令和７年）`), a row with the sexes, a row with the ages, and
a row for each type. Out: `Figure`s: of special fraud the share of the type's victims (ratio; both sexes of a type sum to 1),
of SNS fraud the number of persons. `計` is all ages of a sex. Corporate victims are in neither.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.model import TOTAL, Snapshot
from pipeline.reading.corrections import Corrections, Reading, open_source_file, read_cell
from pipeline.reading.eras import UnreadablePeriod, parse_year
from pipeline.reading.figures import Figure
from pipeline.reading.grids import TitledTable, file_refusal, split_unit, titled_tables
from pipeline.reading.numerals import Kind, normalise_label
from pipeline.sources.catalogue import Source

HEADER = "区分"
ALL_AGES = "計"
SEXES = ("男", "女")
_TITLE_AND_YEAR = re.compile(r"(?P<title>[^()]+)\((?P<year>[^()]+)\)")


@dataclasses.dataclass(frozen=True)
class Layout:
    """One table of victims: what its title says and what its cells hold."""

    title: str
    table: str
    classification: str
    total: str | None  # the label of the row of all types; None where the table has none
    measure: str
    unit: str
    kind: Kind
    ages: tuple[str, ...]


_DECADES = ("19歳以下", "20~29歳", "30~39歳", "40~49歳", "50~59歳")
LAYOUTS = (
    Layout(
        "手口別特殊詐欺被害者の性別・年齢別構成比",
        "special_fraud_victims",
        "npa_2020",
        "特殊詐欺",
        "victims_share",
        "ratio",
        "ratio",
        (*_DECADES, "60~64歳", "65~69歳", "70~79歳", "80~89歳", "90~99歳", "100歳以上"),
    ),
    Layout(
        "手口別SNS型投資・ロマンス詐欺被害者の性別・年齢別人数",
        "sns_fraud_victims",
        "npa_sns_2023",
        None,
        "victims",
        "persons",
        "count",
        (*_DECADES, "60~69歳", "70~79歳", "80歳以上"),
    ),
)


def read(path: Path, snapshot: Snapshot, source: Source) -> list[Figure]:
    """The figures of both tables, in the order of the file. Raises RefusedInput, naming file and cell."""
    grids, corrections = open_source_file(path, source.folder)
    tables = [table for grid in grids for table in titled_tables(grid)]
    figures: list[Figure] = []
    for layout in LAYOUTS:
        matches = [(table, year) for table in tables if (year := _year(table, layout)) is not None]
        if len(matches) != 1:
            raise file_refusal(
                path.name,
                found=f"{len(matches)} tables 「{layout.title}」 among {'; '.join(table.title for table in tables) or 'none'}",
                expected="the table once, with its year in brackets at the end of its title",
                action="check that this is the book; if the publisher renamed the table, change its layout in the reader",
            )
        table, year = matches[0]
        figures += _TableReader(layout, table, year, source, corrections, snapshot.extract).figures()
    corrections.refuse_unused()
    return figures


def _year(table: TitledTable, layout: Layout) -> int | None:
    """The year in the title of the table, if it is the table of this layout."""
    title, _ = split_unit(table.title)
    match = _TITLE_AND_YEAR.fullmatch(title)
    if match is None or match["title"] != layout.title:
        return None
    try:
        return parse_year(match["year"])
    except UnreadablePeriod as error:
        raise table.grid.refusal(table.title_row, 0, expected=error.expected, action=error.action) from error


class _TableReader:
    """One table of one file: its columns of sex and age, its rows, its figures."""

    def __init__(
        self,
        layout: Layout,
        table: TitledTable,
        year: int,
        source: Source,
        corrections: Corrections,
        extract: bool,
    ) -> None:
        self.layout, self.table, self.grid, self.year = layout, table, table.grid, year
        self.corrections, self.extract = corrections, extract
        types: list[str] = source.meta["tables"][layout.table]["parts"][layout.classification]
        self.labels = {**({layout.total: TOTAL} if layout.total else {}), **{label: label for label in types}}
        self.columns = self._columns()

    def figures(self) -> list[Figure]:
        """The figures of the table, row by row."""
        figures: list[Figure] = []
        seen: dict[str, int] = {}
        for row in self.table.body[2:]:
            column = self.grid.filled(row)[0]
            label = normalise_label(self.grid.text(row, column))
            if label not in self.labels or column >= min(self.columns):
                raise self.grid.refusal(
                    row,
                    column,
                    expected=f"one of the labels of 「{self.layout.title}」: {', '.join(self.labels)}",
                    action="a new or renamed category needs a classification of its own: look at the publication",
                )
            if label in seen:
                raise self.grid.refusal(
                    row,
                    column,
                    expected=f"one row for {label}; it already stands in row {seen[label] + 1}",
                    action="find out which one holds; until then the file is not used",
                )
            seen[label] = row
            figures += self._figures_of_row(row, self.labels[label])
        if missing := [label for label in self.labels if label not in seen]:
            raise self.grid.refusal(
                self.table.title_row,
                0,
                found=f"a table without the rows {', '.join(missing)}",
                expected=f"every type of {self.layout.classification}",
                action="the file was cut off, or the classification changed: look at the publication",
            )
        return figures

    def _columns(self) -> dict[int, dict[str, str]]:
        """The columns of the two header rows and the dimensions that each is about."""
        if len(self.table.body) < 2 or normalise_label(self.grid.text(self.table.body[0], 0)) != HEADER:
            raise self.grid.refusal(
                self.table.body[0] if self.table.body else self.table.title_row,
                0,
                expected=f"the header 「{HEADER}」 with the sexes, and below it the ages",
                action="the publisher changed the layout: look at the file and change the reader",
            )
        sex_row, age_row = self.table.body[:2]
        columns: dict[int, dict[str, str]] = {}
        printed: list[tuple[str, str]] = []
        sex = ""
        for column in range(1, self.grid.width):
            sex = normalise_label(self.grid.text(sex_row, column)) or sex
            age = normalise_label(self.grid.text(age_row, column))
            if age:
                printed.append((sex, age))
                columns[column] = {"sex": sex} if age == ALL_AGES else {"sex": sex, "age": age}
        expected = [(sex, age) for sex in SEXES for age in (ALL_AGES, *self.layout.ages)]
        if printed != expected:
            wrong = next((i for i, pair in enumerate(printed) if i >= len(expected) or pair != expected[i]), 0)
            raise self.grid.refusal(
                age_row,
                [*columns][wrong] if columns else 0,
                found=f"{len(printed)} columns of sex and age: {' '.join(''.join(pair) for pair in printed)}",
                expected=f"{len(expected)}: {' '.join(''.join(pair) for pair in expected)}",
                action="the header was renamed or moved: look at the file",
            )
        return columns

    def _figures_of_row(self, row: int, native_type: str) -> Iterator[Figure]:
        for column in self.grid.filled(row)[1:]:
            if column not in self.columns:
                raise self.grid.refusal(
                    row, column, expected="nothing outside the columns of the header", action="the header moved"
                )
        for column, dimensions in self.columns.items():
            reading = read_cell(
                self.grid, row, column, self.corrections, kind=self.layout.kind, unit=None, blank_is_absent=self.extract
            )
            if reading is not None:
                yield self._figure(row, column, native_type, dimensions, reading)

    def _figure(self, row: int, column: int, native_type: str, dimensions: dict[str, str], reading: Reading) -> Figure:
        # A spreadsheet prints a share of none or of all as a bare 0 or 1: these are exact, not rounded to whole numbers.
        precision = None if reading.value in (0, 1) else reading.precision
        return reading.figure(
            self.grid.origin(row, column),
            table=self.layout.table,
            period=str(self.year),
            measure=self.layout.measure,
            unit=self.layout.unit,
            precision=precision,
            classification=self.layout.classification,
            native_type=native_type,
            dimensions=dimensions,
        )
