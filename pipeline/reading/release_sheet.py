"""Sheets of headline figures: what a release printed in its text, one row a figure.

In: a UTF-8 CSV with the columns of COLUMNS, and the source's declarations: `tables` (by their Japanese titles), `measures`
(label -> measure, kind, unit), `breakdowns` (label -> a dimension, or `area`), `areas` (label -> ISO 3166-2 code),
`classifications`, `overlays` and the labels of `crosswalk.csv`. Out: `Figure`s, each with the address of its printed text
(`2025-05-23-annual-final-2024.csv!G12`).

The columns: `period` as printed (`令和6年上半期`) or as an ISO code; `table`; `type` (総数 for the total); `breakdown` and
`breakdown_value` (several joined by `;`, in the same order); `measure`; `printed`, the figure's text as the release has it;
`precision`, half of the last certain unit in yen or cases, only where it is wider than the print shows; `classification`;
`edition`; `note`; `evidence`, what kind of page was read; and `source`, which page.

Whatever is not exactly this is refused with its cell: no row is skipped and no text is guessed at.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from pipeline.model import EDITIONS, TOTAL, Period, RefusedInput, Snapshot, refused
from pipeline.reading.eras import UnreadablePeriod, parse_period
from pipeline.reading.figures import Figure
from pipeline.reading.numerals import Number, UnreadableNumber, normalise_label, parse_number

COLUMNS = (
    "period",
    "table",
    "type",
    "breakdown",
    "breakdown_value",
    "measure",
    "printed",
    "precision",
    "classification",
    "edition",
    "note",
    "evidence",
    "source",
)
TOTAL_LABEL = "総数"
SEVERAL = ";"
_LETTERS = {name: chr(ord("A") + place) for place, name in enumerate(COLUMNS)}


class TitledTable(Protocol):
    """What a sheet needs to know of a table."""

    @property
    def id(self) -> str: ...
    @property
    def title_ja(self) -> str: ...


class Declarations(Protocol):
    """What a sheet is checked against: the part of `pipeline.sources.catalogue.Source` that this reader uses."""

    @property
    def id(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def tables(self) -> Mapping[str, TitledTable]: ...
    @property
    def meta(self) -> Mapping[str, Any]: ...
    @property
    def folder(self) -> Path: ...


def read(path: Path, snapshot: Snapshot, source: Declarations) -> list[Figure]:
    """The figures of one sheet, in its order; values in yen, cases, persons, per cent. Raises RefusedInput with the cell."""
    rows = _rows(path.read_bytes(), snapshot.file)
    sheet = _Sheet(snapshot, source)
    figures = [sheet.figure(number, row) for number, row in enumerate(rows, start=2)]
    _refuse_doubles(figures, snapshot.file)
    return figures


# ------------------------------------------------------------------------------------------------------ the file as a whole


def _rows(content: bytes, file: str) -> list[list[str]]:
    """The rows below the header, each exactly as wide as it."""
    text = _decoded(content, file)
    try:
        table = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise refused(file, "the end", f"broken CSV ({error})", "whole quoted cells", "fetch the file again") from error
    _check_header(table[0], file)
    for number, row in enumerate(table[1:], start=2):
        if len(row) != len(COLUMNS):
            raise refused(
                file, f"row {number}", f"{len(row)} cells", f"{len(COLUMNS)}, as in the header", "mend the row: a cell moved"
            )
    if len(table) == 1:
        raise refused(file, "row 2", "no figures below the header", "one row a figure", "fetch the file again")
    return table[1:]


def _decoded(content: bytes, file: str) -> str:
    if not content.strip():
        raise refused(file, "A1", "an empty file", "a sheet of figures", "fetch the file again")
    if content.startswith(b"PK"):
        raise refused(file, "A1", "a workbook or zip", "a CSV, as the name says", "export the sheet as UTF-8 CSV")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(
            file,
            f"byte {error.start}",
            f"bytes that are not UTF-8 ({content[error.start : error.start + 2].hex(' ')})",
            "a CSV in UTF-8",
            "save the file as UTF-8; an export in cp932 must be converted first",
        ) from error
    if not text.endswith("\n"):
        raise refused(file, "the end", "no line end after the last row", "a complete last row", "fetch it again: it is cut off")
    return text


def _check_header(found: list[str], file: str) -> None:
    for place, name in enumerate(COLUMNS):
        cell = found[place] if place < len(found) else ""
        if cell != name:
            raise refused(
                file, f"{_LETTERS[name]}1", repr(cell), repr(name), f"restore the header: {', '.join(COLUMNS)}, in this order"
            )
    if len(found) > len(COLUMNS):
        raise refused(file, "row 1", f"{len(found)} columns", f"{len(COLUMNS)}", f"remove {found[len(COLUMNS) :]!r}")


# ----------------------------------------------------------------------------------------------------------------- one row


class _Sheet:
    """What a row is checked against: the source's declarations and the snapshot's own dates."""

    def __init__(self, snapshot: Snapshot, source: Declarations) -> None:
        self.file, self.known_at, self.source = snapshot.file, snapshot.known_at, source
        self.tables = {normalise_label(table.title_ja): table.id for table in source.tables.values()}
        self.measures = {normalise_label(label): measure for label, measure in source.meta["measures"].items()}
        self.breakdowns = {normalise_label(label): name for label, name in source.meta.get("breakdowns", {}).items()}
        self.areas: Mapping[str, str] = source.meta.get("areas", {})
        self.labels = _crosswalk_labels(source.folder / "crosswalk.csv")

    def figure(self, row_number: int, cells: list[str]) -> Figure:
        row = _Row(self.file, row_number, dict(zip(COLUMNS, cells, strict=True)))
        period = self.period(row)
        table = row.chosen("table", self.tables)
        measure = row.chosen("measure", self.measures)
        native_type = self.label(row, "type", "fraud_type", row.text("type"))
        classification = row.chosen("classification", {name: name for name in self.source.meta["classifications"]})
        area, dimensions = self.breakdown(row)
        number = row.number(measure["kind"])
        return Figure(
            table=table,
            period=period.code,
            measure=measure["measure"],
            unit=measure["unit"],
            value=number.value,
            precision=row.precision(number),
            origin=f"{self.file}!{row.address('printed')}",
            printed=row.cells["printed"],
            classification=classification,
            native_type=native_type,
            dimensions=dimensions,
            area=area,
            obs_status="E" if number.approximate else "",
            edition=row.chosen("edition", {name: name for name in EDITIONS}),
            overlay=self.overlay(table, native_type, classification),
            note=row.cells["note"],
        )

    def period(self, row: _Row) -> Period:
        try:
            period = parse_period(row.cells["period"])
        except UnreadablePeriod as error:
            raise row.refused("period", error.found, error.expected, error.action) from error
        if period.end > self.known_at:
            raise row.refused(
                "period",
                f"{row.cells['period']!r}, which ends on {period.end}",
                f"a period that was over when this was published ({self.known_at})",
                "mend the period, or the date of publication in deliveries.csv",
            )
        return period

    def label(self, row: _Row, column: str, dimension: str, text: str) -> str:
        label = normalise_label(text)
        if label == TOTAL_LABEL:
            return TOTAL
        if label not in self.labels.get(dimension, ()):
            known = ", ".join([TOTAL_LABEL, *sorted(self.labels.get(dimension, ()))])
            action = "mend the label; for a new category of the publisher add a line to crosswalk.csv with its evidence"
            raise row.refused(column, repr(text), f"a {dimension} label of {self.source.id}/crosswalk.csv: {known}", action)
        return label

    def breakdown(self, row: _Row) -> tuple[str, dict[str, str]]:
        """The area and the labels of the further dimensions."""
        names, values = row.parts("breakdown"), row.parts("breakdown_value")
        if len(names) != len(values):
            expected = f"{len(names)} value(s), as many as there are breakdowns, joined by {SEVERAL!r}"
            raise row.refused("breakdown_value", repr(row.cells["breakdown_value"]), expected, "mend the row")
        area, dimensions = self.source.country, {}
        for name, value in zip(names, values, strict=True):
            dimension = row.chosen("breakdown", self.breakdowns, text=name)
            if dimension == "area":
                area = row.chosen("breakdown_value", self.areas, text=value)
            else:
                dimensions[dimension] = self.label(row, "breakdown_value", dimension, value)
        return area, dimensions

    def overlay(self, table: str, native_type: str, classification: str) -> bool:
        return any(
            declared["table"] == table
            and native_type in declared.get("native_types", [native_type])
            and classification in declared.get("classifications", [classification])
            for declared in self.source.meta.get("overlays", ())
        )


class _Row:
    """The cells of one row, and how to refuse one of them."""

    def __init__(self, file: str, number: int, cells: Mapping[str, str]) -> None:
        self.file, self.row_number, self.cells = file, number, cells

    def address(self, column: str) -> str:
        return f"{_LETTERS[column]}{self.row_number}"

    def refused(self, column: str, found: str, expected: str, action: str) -> RefusedInput:
        return refused(self.file, self.address(column), found, expected, action)

    def text(self, column: str) -> str:
        if not self.cells[column].strip():
            raise self.refused(column, "an empty cell", f"a {column}", f"fill it in; the total of a table is {TOTAL_LABEL}")
        return self.cells[column]

    def parts(self, column: str) -> list[str]:
        return self.cells[column].split(SEVERAL) if self.cells[column] else []

    def chosen(self, column: str, known: Mapping[str, Any], text: str | None = None) -> Any:
        """What the source declares for the label in `column` (or for `text`, a part of it)."""
        label = self.text(column) if text is None else text
        if normalise_label(label) not in known:
            expected = f"a {column} that source.yml declares: {', '.join(known) or 'none'}"
            raise self.refused(column, repr(label), expected, "mend the label, or declare it in source.yml")
        return known[normalise_label(label)]

    def number(self, kind: Any) -> Number:
        try:
            return parse_number(self.cells["printed"], kind=kind)
        except UnreadableNumber as error:
            raise self.refused("printed", error.found, error.expected, error.action) from error

    def precision(self, number: Number) -> Decimal | None:
        """The stated precision, which may only be wider than what the print shows."""
        stated = self.cells["precision"]
        if not stated:
            return number.precision
        try:
            precision = Decimal(stated)
        except InvalidOperation as error:
            raise self.refused("precision", repr(stated), "a plain decimal, in yen or cases", "mend the cell") from error
        if not precision.is_finite() or precision <= (number.precision or 0):
            expected = f"more than {number.precision or 0}, which {self.cells['printed']!r} shows already"
            raise self.refused("precision", stated, expected, "leave it empty where the print says it all")
        return precision


def _refuse_doubles(figures: list[Figure], file: str) -> None:
    seen: dict[tuple[Any, ...], Figure] = {}
    for figure in figures:
        key = (
            *(figure.table, figure.period, figure.area, figure.native_type, tuple(sorted(figure.dimensions.items()))),
            *(figure.measure, figure.unit, figure.classification),
        )
        if key in seen:
            first, second = seen[key], figure
            cells = " and ".join(item.origin.partition("!")[2] for item in (first, second))
            found = f"{first.measure} of {first.native_type} for {first.period} twice: {first.printed!r} and {second.printed!r}"
            action = "keep the row that the release prints (the more precise one where both do) and name the other in its note"
            raise refused(file, cells, found, "each figure once in a sheet", action)
        seen[key] = figure


@functools.cache
def _crosswalk_labels(path: Path) -> Mapping[str, frozenset[str]]:
    labels: dict[str, set[str]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            labels.setdefault(row["dimension"], set()).add(row["native_code"])
    return {dimension: frozenset(found) for dimension, found in labels.items()}
