"""Builders that tests of grid sources share: the shipped files, damaged copies of them, and their reading."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from pipeline.model import TOTAL
from pipeline.reading.cell_addresses import parse_address
from pipeline.reading.figures import Figure
from pipeline.sources.catalogue import source
from tests.figures import snapshot

REPOSITORY = Path(__file__).parents[1]
INBOX = REPOSITORY / "data" / "raw" / "inbox"

Rows = list[list[str]]


def read_figures(source_id: str, path: Path, *, extract: bool) -> list[Figure]:
    """The figures that the source's reader finds in the file."""
    reader = importlib.import_module(source(source_id).reader)
    taken = snapshot("0123456789ab", "2026-09-20", source=source_id, file=path.name, extract=extract)
    figures: list[Figure] = reader.read(path, taken, source(source_id))
    return figures


def shipped_rows(source_id: str, file: str) -> Rows:
    text = (INBOX / source_id / file).read_bytes().decode("cp932")
    return list(csv.reader(io.StringIO(text, newline="")))


def damaged(tmp_path: Path, source_id: str, file: str, change: Callable[[Rows], None]) -> Path:
    """A copy of the shipped file under its own name, with its rows changed in place."""
    rows = shipped_rows(source_id, file)
    change(rows)
    return written(tmp_path / file, rows)


def written(path: Path, rows: Iterable[Iterable[str]], encoding: str = "cp932") -> Path:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding))
    return path


def set_cell(cell: str, text: str) -> Callable[[Rows], None]:
    """The change that writes `text` into the cell."""
    row, column = parse_address(cell)

    def change(rows: Rows) -> None:
        rows[row][column] = text

    return change


def rename(cell: str, old: str, new: str) -> Callable[[Rows], None]:
    """The change that writes `new` for `old` within the cell, which must hold it."""
    row, column = parse_address(cell)

    def change(rows: Rows) -> None:
        assert old in rows[row][column]
        rows[row][column] = rows[row][column].replace(old, new)

    return change


def text_at(rows: Rows, cell: str) -> str:
    row, column = parse_address(cell)
    return rows[row][column]


def value_of(
    figures: list[Figure], table: str, period: str, measure: str, native_type: str = TOTAL, **dimensions: str
) -> Decimal | None:
    """The value of the one figure with this key."""
    return figure_of(figures, table, period, measure, native_type, **dimensions).value


def figure_of(
    figures: list[Figure], table: str, period: str, measure: str, native_type: str = TOTAL, **dimensions: str
) -> Figure:
    """The one figure with this key."""
    key = (table, period, measure, native_type, dimensions)
    found = [
        figure
        for figure in figures
        if (figure.table, figure.period, figure.measure, figure.native_type, dict(figure.dimensions)) == key
    ]
    assert len(found) == 1, f"{len(found)} figures for {key}"
    return found[0]
