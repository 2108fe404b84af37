"""Columns of a block of a ledger -> the rows that are kept, and those that break a rule.

In: columns in the types of the partitions, or all as texts, and the `LedgerLayout`. Out: `Block`. Of columns in their types
nothing is said but that all is well, or not (`Doubtful`); of texts each distinct one is judged by plain Python, and the rows of
those that break a rule are set aside. Both ways make the same of a text: a row must not depend on those beside it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.reading.ledger_layout import LedgerLayout, without_row
from pipeline.reading.record_corrections import RecordCorrection

_MOST_DIGITS = 1000  # of a whole number, zeros in front among them: Python refuses to read very long ones


@dataclass(frozen=True)
class CorrectedRow:
    """A row with cells that are declared wrong, in the columns of a partition but for `row`; no row where it is unsound."""

    declared: tuple[RecordCorrection, ...]
    printed: pa.Table
    read: pa.Table


@dataclass(frozen=True)
class Block:
    """The rows of a block that are kept (their places, counted from 0) and those that are not: place, column, text, rule."""

    table: pa.Table
    rows: np.ndarray[Any, np.dtype[Any]]
    quarantined: list[tuple[int, str, str, str]]
    corrected: tuple[CorrectedRow, ...] = ()


class Doubtful(Exception):
    """The fast way cannot vouch for a block."""


def sound_table(table: pa.Table, layout: LedgerLayout) -> pa.Table:
    """Columns in the types of the partitions (`loss` as texts, or `loss_minor`) as rows of a partition. Raises Doubtful."""
    columns = [_sound(table, field, layout) for field in without_row(layout.schema)]
    found = pa.Table.from_arrays(columns, schema=without_row(layout.schema))
    if any(late.any() for _, late in _not_in_force(found, layout)):
        raise Doubtful
    return found


def _sound(table: pa.Table, field: pa.Field, layout: LedgerLayout) -> pa.ChunkedArray:
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


def _not_in_file(field: pa.Field, length: int, layout: LedgerLayout) -> pa.Array:
    """A column that the file does not have: its one currency, or nothing that is known."""
    if field.name == "currency":
        indices = pa.array(np.zeros(length, dtype=np.int32))
        return pa.DictionaryArray.from_arrays(indices, pa.array(layout.currencies, pa.string()))
    return pa.nulls(length, field.type)


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


def _not_in_force(table: pa.Table, layout: LedgerLayout) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.bool_]]]]:
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


def judged_texts(texts: pa.Table, layout: LedgerLayout, ragged: Mapping[int, str] = MappingProxyType({})) -> Block:
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


def _judge(column: str, layout: LedgerLayout) -> tuple[Callable[[str | None], Any], Callable[[str | None], str]]:
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


def _day_of_file(text: str | None, layout: LedgerLayout) -> Any:
    day = _day(text)
    return day if layout.days is None or isinstance(day, _Broken) or layout.days[0] <= day <= layout.days[1] else _Broken()


def _date_rule(text: str | None) -> str:
    return "date_unreadable" if isinstance(_day(text), _Broken) else "date_in_another_month"


def _record_id(text: str | None, layout: LedgerLayout) -> Any:
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


def _taken(values: list[Any], codes: np.ndarray[Any, Any], kind: pa.DataType, layout: LedgerLayout, column: str) -> pa.Array:
    """One value a row, in the type of the partitions."""
    if not pa.types.is_dictionary(kind):
        return pa.array(values, type=kind).take(pa.array(codes))
    texts = layout.labels[column]
    places = {text: place for place, text in enumerate(texts)}
    lookup = np.array([places.get(value, 0) for value in values], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(lookup[codes], pa.array(texts, pa.string()))
