"""Month partitions of a ledger: one Parquet file with the reports of one month -> columns of numbers.

In: a file with these columns and one for each dimension (text or dictionary), in any order; others are left unread:

    date         date32      day of the report, within the month
    currency     text        currency of the loss, ISO 4217
    loss_minor   int64       loss in minor units of that currency; null where it is not known; below zero for a correction
    victims      int32       persons; null where it is not known
    victim_id    int64       the same for every report of one person; null where it is not known

Out: `Month`: a code for each label and numpy arrays. A file that is cut off, lacks a column, has one of another type, reports of
another month, or a label that nobody declared for the month, raises RefusedInput with the file, the column and what was found.

How it is fast: Parquet keeps categories as dictionaries. They are decoded as such, and each dictionary is mapped to the common
codes by one small lookup table: no text is made for any row. Whether the days are of the month, the file's statistics say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.model import Period, RefusedInput, refused
from pipeline.reading.label_months import month_number

Numbers = np.ndarray[Any, np.dtype[Any]]

ROW_GROUP_ROWS = 1 << 20
NUMBERS = {"loss_minor": pa.int64(), "victims": pa.int32(), "victim_id": pa.int64()}


@dataclass(frozen=True)
class Dimension:
    """A dimension of the ledger: the texts that stand in its column, and the label that each of them leads to."""

    name: str
    column: str
    label_of: Mapping[str, str]
    # Text -> the stretches of months (see month_number) in which it may stand; a text that is not here always may.
    in_force: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, texts: Sequence[str]) -> Dimension:
        """A dimension whose column bears its name and whose texts are its labels."""
        return cls(name, name, {text: text for text in texts})

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label once, in the order of the texts; a code is a place in it."""
        return tuple(dict.fromkeys(self.label_of.values()))

    @cached_property
    def codes(self) -> dict[str, int]:
        """Text -> code."""
        places = {label: place for place, label in enumerate(self.labels)}
        return {text: places[label] for text, label in self.label_of.items()}

    def not_in_force(self, month: str) -> set[str]:
        """The texts that may not stand in the month (`2024-03`)."""
        number = month_number(Period.parse(month).start)
        return {text for text, stretches in self.in_force.items() if not any(low <= number <= high for low, high in stretches)}


@dataclass(frozen=True)
class Month:
    """The reports of one month. Codes are in the fewest bytes; a loss that is not known is 0."""

    month: str
    file: str
    codes: Mapping[str, Numbers]  # dimension -> code of each report
    currency: Numbers  # code into `currencies`
    currencies: tuple[str, ...]
    loss_minor: Numbers  # int64
    loss_known: Numbers | None  # mask; None where every loss is known
    victims: Numbers

    def __len__(self) -> int:
        return len(self.loss_minor)


@dataclass(frozen=True)
class VictimIds:
    """Whom the reports of one month name."""

    length: int  # number of reports
    ids: Numbers  # int64, of those that name a victim
    places: Numbers | None  # of those reports; None where all of them do


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How partitions are written: texts as dictionaries, whole numbers as differences, zstd at level 1: 10 bytes a report."""
    numbers = [field.name for field in schema if pa.types.is_integer(field.type)]
    return {
        "compression": "zstd",
        "compression_level": 1,
        # Ids of records are all different.
        "use_dictionary": [name for name in schema.names if name not in (*numbers, "record_id")],
        "column_encoding": dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
    }


def partition_bytes(table: pa.Table) -> bytes:
    """The rows of a month as the bytes of a partition."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=ROW_GROUP_ROWS, **parquet_options(table.schema))
    return bytes(sink.getvalue().to_pybytes())


def read_month(path: Path, month: str, dimensions: Sequence[Dimension]) -> Month:
    """The partition of a month (`2024-03`), but for its victims. Raises RefusedInput."""
    texts = list(dict.fromkeys([*(dimension.column for dimension in dimensions), "currency"]))
    table = _table(path, month, ["loss_minor", "victims"], texts)
    dictionaries = {name: _dictionary(table.column(name), path, name) for name in texts}
    loss, known = _filled(table.column("loss_minor"))
    currency, currencies = dictionaries["currency"]
    return Month(
        month=month,
        file=path.name,
        codes={dimension.name: _common(dictionaries[dimension.column], dimension, path, month) for dimension in dimensions},
        currency=currency,
        currencies=currencies,
        loss_minor=loss,
        loss_known=known,
        victims=_filled(table.column("victims"))[0],
    )


def read_victims(path: Path, month: str) -> VictimIds:
    """The victims of a month (`2024-03`): their ids are compared before anything else is read. Raises RefusedInput."""
    column = _table(path, month, ["victim_id"]).column("victim_id")
    places = np.flatnonzero(column.is_valid().to_numpy()) if column.null_count else None
    return VictimIds(len(column), column.drop_null().to_numpy(), places)


def last_day(path: Path) -> dt.date | None:
    """The day of the last report of a partition; None where it has no report. Raises RefusedInput."""
    try:
        with pq.ParquetFile(path) as file:
            return _days(file)[1]
    except (pa.ArrowInvalid, OSError) as error:
        raise _not_whole(path, error) from error


def _table(path: Path, month: str, numbers: Sequence[str], texts: Sequence[str] = ()) -> pa.Table:
    wanted = {**{name: NUMBERS[name] for name in numbers}, **dict.fromkeys(texts, None)}
    try:
        with pq.ParquetFile(path, read_dictionary=list(texts)) as file:
            for name, kind in {"date": pa.date32(), **wanted}.items():
                _refuse_another_column(file.schema_arrow, name, kind, path)
            _refuse_another_month(*_days(file), path, month)
            return file.read(columns=list(wanted), use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise _not_whole(path, error) from error


def _not_whole(path: Path, error: Exception) -> RefusedInput:
    return refused(path.name, "the file", str(error), "a whole Parquet file", "deliver the month again")


def _refuse_another_column(schema: pa.Schema, name: str, kind: pa.DataType | None, path: Path) -> None:
    expected = "dictionary or text" if kind is None else str(kind)
    place = schema.get_field_index(name)
    if place < 0:
        raise refused(path.name, f"column {name}", "no such column", expected, "deliver the month in the layout of the others")
    found = schema.field(place).type
    if (kind is None and not pa.types.is_dictionary(found)) or (kind is not None and found != kind):
        raise refused(path.name, f"column {name}", str(found), expected, "deliver the month in the layout of the others")


def _days(file: pq.ParquetFile) -> tuple[dt.date | None, dt.date | None, int]:
    """First and last day, and how many reports have none: as the row groups say of themselves, or from the column."""
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    columns = [group.column(place) for group in groups if group.num_rows for place in range(group.num_columns)]
    said = [column.statistics for column in columns if column.path_in_schema == "date"]
    if all(each is not None and each.has_min_max and each.has_null_count for each in said):
        days = [day for each in said for day in (each.min, each.max)]
        return min(days, default=None), max(days, default=None), sum(each.null_count for each in said)
    column = file.read(columns=["date"], use_threads=False).column("date")
    limits = pc.min_max(column)
    return limits["min"].as_py(), limits["max"].as_py(), column.null_count


def _refuse_another_month(first: dt.date | None, last: dt.date | None, without: int, path: Path, month: str) -> None:
    period = Period.parse(month)
    if without:
        found = f"{without} reports without a day"
    elif first and last and not period.start <= first <= last <= period.end:
        found = f"reports of {first} to {last}"
    else:
        return
    raise refused(path.name, "column date", found, f"days of {month}", "see which month the file is of")


def _dictionary(column: pa.ChunkedArray, path: Path, name: str) -> tuple[Numbers, tuple[str, ...]]:
    """A column as codes and the distinct texts that they stand for."""
    if column.null_count:
        raise refused(
            path.name, f"column {name}", f"{column.null_count} empty fields", "a label in each", "quarantine those reports"
        )
    array = column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], type=column.type)
    return array.indices.to_numpy(), tuple(array.dictionary.to_pylist())


def _common(found: tuple[Numbers, tuple[str, ...]], dimension: Dimension, path: Path, month: str) -> Numbers:
    codes, texts = found
    late = dimension.not_in_force(month)
    unknown = [text for text in texts if text not in dimension.codes or text in late]
    # A writer may leave a text in the dictionary that no row has.
    if unknown and (used := sorted(set(unknown) & {texts[code] for code in np.unique(codes).tolist()})):
        action = "declare the label, or quarantine those reports"
        expected = f"a label of {dimension.name} that is declared for {month}"
        raise refused(path.name, f"column {dimension.column}", ", ".join(map(repr, used)), expected, action)
    kind = np.uint16 if len(dimension.labels) <= 1 << 16 else np.uint32
    lookup = np.array([dimension.codes.get(text, 0) for text in texts], dtype=kind)
    return lookup.take(codes)


def _filled(column: pa.ChunkedArray) -> tuple[Numbers, Numbers | None]:
    """The numbers, 0 for a null, and the mask of those that are there: None for all."""
    if not column.null_count:
        return column.to_numpy(), None
    return column.fill_null(0).to_numpy(), column.is_valid().to_numpy()
