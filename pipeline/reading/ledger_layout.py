"""What a file of a ledger holds: its columns, the texts that may stand in them, and the rules that a row may break.

In: what `source.yml` and `crosswalk.csv` declare, as the reader of ledgers (sources/ledger_reader.py) puts it together. Out:
`LedgerLayout`, with the schema of its partitions; RULES by their ids.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from pipeline.reading.partitions import Dimension
from pipeline.reading.record_corrections import DECLARED_WRONG

OPTIONAL_COLUMNS = ("currency", "victims", "victim_id", "record_id")
RECORD_ID_TYPES = {"integer": pa.int64(), "text": pa.string()}
RULES = {
    "row_ragged": "as many fields as the header has",
    "date_unreadable": "a day written 2024-09-29",
    "loss_unreadable": "an amount with all its decimals and no separators: 1234.00",
    "count_unreadable": "a whole number that is not below zero",
    "id_unreadable": "a whole number",
    "label_unknown": "a label that is declared",
    "label_not_in_force": "a label that crosswalk.csv lists for that month",
    "record_id_unreadable": "the id of the record, without which it cannot be told from another",
    "date_in_another_month": "a day of the months that the file is of",
    DECLARED_WRONG: "a cell that corrections.csv does not declare wrong",
}
# What only a comparison with the other records of the ledger shows (pipeline.reading.record_ids).
RULES_OF_SEVERAL_ROWS = {"record_repeated": "an id that no other record of the ledger has"}


@dataclass(frozen=True)
class LedgerLayout:
    """Which columns the file has: `date`, `loss` and those of the dimensions -> headers; perhaps others of OPTIONAL_COLUMNS.

    Without a column `currency` every loss is in the one that `currencies` names; victims or ids without a column are not known.
    """

    headers: Mapping[str, str]
    dimensions: tuple[Dimension, ...]
    currencies: tuple[str, ...]
    minor_unit_digits: int
    record_id: str = ""  # integer or text: what the column `record_id` holds; empty: there is none
    days: tuple[dt.date, dt.date] | None = None  # the first and the last that the file is of; None: whatever days it has

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Column of labels -> the texts that may stand in it."""
        # Of two dimensions of one column one may know fewer texts than the other: the texts are those that both know.
        known: dict[str, tuple[str, ...]] = {}
        for each in self.dimensions:
            texts = known.get(each.column, tuple(each.label_of))
            known[each.column] = tuple(text for text in texts if text in each.label_of)
        return {**known, "currency": self.currencies}

    @cached_property
    def in_force(self) -> dict[str, dict[str, Sequence[tuple[int, int]]]]:
        """Column of labels -> text -> the stretches of months in which it may stand, of those that may not always."""
        found: dict[str, dict[str, Sequence[tuple[int, int]]]] = {}
        for each in self.dimensions:
            found.setdefault(each.column, {}).update(each.in_force)
        return {column: texts for column, texts in found.items() if texts}

    @cached_property
    def amount(self) -> str:
        """What an amount looks like, as a regular expression: all its decimals and nothing between its digits."""
        return rf"-?[0-9]{{1,15}}\.[0-9]{{{self.minor_unit_digits}}}" if self.minor_unit_digits else "-?[0-9]{1,18}"

    @cached_property
    def schema(self) -> pa.Schema:
        """Of the partitions."""
        labels = [(name, pa.dictionary(pa.int32(), pa.string())) for name in self.labels]
        numbers = [("loss_minor", pa.int64()), ("victims", pa.int32()), ("victim_id", pa.int64())]
        ids = [("record_id", RECORD_ID_TYPES[self.record_id])] if self.record_id else []
        return pa.schema([("row", pa.int64()), ("date", pa.date32()), *labels, *numbers, *ids])


def columns_read(layout: LedgerLayout) -> list[str]:
    """Our names of the columns of the file that go into a partition, in the order of their declaration."""
    return [name for name in layout.headers if name in (*without_row(layout.schema).names, "loss")]


def without_row(schema: pa.Schema) -> pa.Schema:
    """The schema of a partition but for the number of the row."""
    return schema.remove(schema.get_field_index("row"))
