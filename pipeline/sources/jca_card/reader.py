"""The card-fraud grid of the Japan Consumer Credit Association: one row a year or part of a year, amounts in 億円.

In: a CSV in cp932 or UTF-8, as the association lays its table out::

    クレジットカード不正利用被害の発生状況,,,…
    （単位：億円、％）,,,…
    期間,クレジットカード不正利用被害額,…内訳,,,,,,番号盗用被害額の内訳,,クレジットカード不正利用率
    ,合計,偽造,構成比,番号盗用,構成比,その他,構成比,国内,海外,
    令和6年,555.0,…
    令和6年第1四半期,124.1,0.7,…
    ※ footnotes

A blank cell is not in the extract that we have, and yields nothing; `-` says that the association has no value, and yields a
figure without one. Out: `Figure`s of table `card_fraud` in yen and per cent; 国内 and 海外 are parts of 番号盗用, by
`place_of_use`. 構成比 is a part's share of the loss.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pipeline.model import TOTAL, Snapshot, refused
from pipeline.reading.eras import UnreadablePeriod, parse_period
from pipeline.reading.figures import Figure
from pipeline.reading.numerals import Kind, UnreadableNumber, normalise_label, parse_number
from pipeline.sources.catalogue import Source

TITLE = "クレジットカード不正利用被害の発生状況"
UNIT_LINE = "（単位：億円、％）"
HEADER = (
    (
        *("期間", "クレジットカード不正利用被害額", "クレジットカード不正利用被害額の内訳", "", "", "", "", ""),
        *("番号盗用被害額の内訳", "", "クレジットカード不正利用率"),
    ),
    ("", "合計", "偽造", "構成比", "番号盗用", "構成比", "その他", "構成比", "国内", "海外", ""),
)
WIDTH = len(HEADER[0])
FOOTNOTE = "※"
NO_VALUE = "-"


class _Column(NamedTuple):
    native_type: str
    measure: str
    kind: Kind
    header_unit: str
    unit: str
    dimensions: Mapping[str, str] = MappingProxyType({})


def _amount(native_type: str, place: str = "") -> _Column:
    dimensions = MappingProxyType({"place_of_use": place} if place else {})
    return _Column(native_type, "loss", "money", "億円", "JPY", dimensions)


def _share(native_type: str) -> _Column:
    return _Column(native_type, "share_of_loss", "percent", "%", "percent")


COLUMNS: tuple[_Column, ...] = (
    *(_amount(TOTAL), _amount("偽造"), _share("偽造"), _amount("番号盗用"), _share("番号盗用")),
    *(_amount("その他"), _share("その他"), _amount("番号盗用", "国内"), _amount("番号盗用", "海外")),
    _Column(TOTAL, "fraud_rate", "percent", "%", "percent"),
)


def read(path: Path, snapshot: Snapshot, source: Source) -> list[Figure]:
    """The figures of one grid, row by row, with what `source` notes on single cells (`figure_notes`: file, cell, note).

    Raises RefusedInput with the cell that cannot be read exactly.
    """
    table = _table(path.read_bytes(), snapshot.file)
    _check_top(table, snapshot.file)
    notes = {item["cell"]: str(item["note"]) for item in source.meta.get("figure_notes", ()) if item["file"] == snapshot.file}
    figures: list[Figure] = []
    first_row_of: dict[str, int] = {}
    for number, row in enumerate(table[4:], start=5):
        if row[0].startswith(FOOTNOTE) or not any(row):
            continue
        period = _period(row[0], number, snapshot)
        if period in first_row_of:
            cells, found = f"A{first_row_of[period]} and A{number}", f"{period} twice"
            raise refused(snapshot.file, cells, found, "one row a period", "find out which row the association stands by")
        first_row_of[period] = number
        figures.extend(_figures(period, number, row[1:], snapshot.file, notes))
    if not figures:
        raise refused(snapshot.file, "row 5", "no figures below the header", "one row a period", "fetch the file again")
    return figures


def _figures(period: str, row_number: int, cells: list[str], file: str, notes: Mapping[str, str]) -> Iterator[Figure]:
    for place, (text, column) in enumerate(zip(cells, COLUMNS, strict=True), start=1):
        address = f"{_letter(place)}{row_number}"
        if not text.strip():
            continue
        value, precision, absence = None, None, "not_collected"
        if normalise_label(text) != NO_VALUE:
            try:
                number = parse_number(text, unit=column.header_unit, kind=column.kind)
            except UnreadableNumber as error:
                raise refused(file, address, error.found, error.expected, error.action) from error
            value, precision, absence = number.value, number.precision, ""
        yield Figure(
            table="card_fraud",
            period=period,
            measure=column.measure,
            unit=column.unit,
            value=value,
            precision=precision,
            absence=absence,
            origin=f"{file}!{address}",
            printed=text,
            classification="jca",
            native_type=column.native_type,
            dimensions=column.dimensions,
            note=notes.get(address, ""),
        )


def _period(text: str, row_number: int, snapshot: Snapshot) -> str:
    cell = f"A{row_number}"
    try:
        period = parse_period(text)
    except UnreadablePeriod as error:
        raise refused(snapshot.file, cell, error.found, error.expected, error.action) from error
    if period.end > snapshot.known_at:
        found, expected = f"{text!r}, which ends on {period.end}", f"a period that was over on {snapshot.known_at}"
        raise refused(snapshot.file, cell, found, expected, "mend the period, or the date in deliveries.csv")
    return period.code


# ------------------------------------------------------------------------------------------------------ the file as a whole


def _table(content: bytes, file: str) -> list[list[str]]:
    text = _decoded(content, file)
    try:
        table = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise refused(file, "the end", f"broken CSV ({error})", "whole quoted cells", "fetch the file again") from error
    for number, row in enumerate(table, start=1):
        if len(row) != WIDTH:
            raise refused(file, f"row {number}", f"{len(row)} cells", f"{WIDTH} cells", "mend the row: a cell moved")
    return table


def _decoded(content: bytes, file: str) -> str:
    if not content.strip():
        raise refused(file, "A1", "an empty file", "the association's grid", "fetch the file again")
    if content.startswith((b"PK", b"%PDF")):
        raise refused(file, "A1", "a workbook, zip or PDF", "a CSV, as the name says", "export the table as CSV")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise refused(file, "A1", "bytes that are neither UTF-8 nor cp932", "one of the two", "save the file in one of them")
    if not text.endswith("\n"):
        raise refused(file, "the end", "no line end after the last row", "a complete last row", "fetch it again: it is cut off")
    return text


def _check_top(table: list[list[str]], file: str) -> None:
    expected = [[TITLE], [UNIT_LINE], *HEADER]
    for row_number, expected_row in enumerate(expected, start=1):
        found_row = table[row_number - 1] if row_number <= len(table) else []
        for place in range(WIDTH):
            found = found_row[place] if place < len(found_row) else ""
            wanted = expected_row[place] if place < len(expected_row) else ""
            if normalise_label(found) != normalise_label(wanted):
                action = "the layout changed, or this is another file: look at the publication, then at this reader"
                raise refused(file, f"{_letter(place)}{row_number}", repr(found), repr(wanted), action)


def _letter(place: int) -> str:
    return chr(ord("A") + place)
