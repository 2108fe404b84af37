"""The reader of every ledger: month files as `source.yml` declares them, CSV or Parquet, to month partitions.

In: a file, and the declaration of its source:

    delivery: ledger
    ledger:
      months_in_name: 'reports_(\\d{4}-\\d{2})'   which month a file is of; with a second group, from which to which month
      columns: {date: Day, native_type: Type, area: Region, age: Age, loss: Loss, currency: Currency, victims: Victims,
                victim_id: Person, record_id: Number}
      record_id: integer                          or text; where the file has a column of it
      classification: types_2015                  the scheme of types; where it changed: {types_2015: , types_2020: 2020-01},
                                                  each of them with its first month, the first without
      currencies: [USD, EUR]                      those that may stand in `currency`; by default that of the source alone

`columns`: our name -> the header. `loss_minor` in the place of `loss` (or beside it: a file has one of the two) holds whole minor
units. The texts in the columns of labels are those of `crosswalk.csv`. Out: `Streamed` (pipeline.reading.partition_writer).

A file speaks for the months that its name says, and for no other: a row of another month is set aside. Without `months_in_name` a
file speaks for the months that it has rows of.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.model import DIMENSIONS, FraudlossError, Period, RefusedInput, UsageError
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.reading.label_months import ALWAYS, month_number, months_in_force
from pipeline.reading.ledger_csv import partition_csv
from pipeline.reading.ledger_layout import OPTIONAL_COLUMNS, LedgerLayout
from pipeline.reading.ledger_parquet import partition_parquet
from pipeline.reading.partition_writer import Streamed
from pipeline.reading.partitions import Dimension
from pipeline.reading.record_corrections import record_corrections
from pipeline.sources.catalogue import Source

# ISO 4217: the currencies that have not two decimals.
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
LABELS = ("native_type", "area", *DIMENSIONS)
_KNOWN = ("date", "loss", "loss_minor", *OPTIONAL_COLUMNS, *LABELS)
_PARQUET = b"PAR1"
# What packed files begin with: a ledger's files are read in pieces, and as large as the disk allows.
_PACKED = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
}


def partition(path: Path, source: Source, folder: Path, *, workers: int = 2) -> Streamed:
    """Stream a file of the ledger into month partitions under `folder`, corrected as declared. Raises RefusedInput."""
    layout, corrections = layout_of(source, path.name), record_corrections(source.folder, path.name)
    with path.open("rb") as stream:
        begins = stream.read(max(map(len, (_PARQUET, *_PACKED))))
    is_parquet = begins.startswith(_PARQUET) or path.suffix == ".parquet"
    for mark, kind in _PACKED.items():
        if begins.startswith(mark):
            raise RefusedInput(
                file=path.name,
                cell="the file",
                found=f"{kind} (it begins with the bytes {mark.hex(' ')})",
                expected="the month itself, as CSV or Parquet",
                action="unpack it and deliver what is in it",
            )
    if is_parquet and corrections:
        raise corrections[0].refusal(
            "a declaration about a Parquet file, whose cells hold values and no texts",
            "declarations in corrections.csv about cells of CSV files",
            "have the month delivered again, corrected or as CSV, and remove the declaration",
        )
    if is_parquet:
        return partition_parquet(path, layout, folder)
    return partition_csv(path, layout, folder, corrections, workers=workers)


def layout_of(source: Source, file: str) -> LedgerLayout:
    """What a file of this name has to look like. Raises RefusedInput where its name does not say which months it is of."""
    months = months_of(source, file)
    days = (months.start, months.end) if months else None
    return dataclasses.replace(_layout(source.id), days=days)


def months_of(source: Source, file: str) -> Period | None:
    """The months that a file of this name is of; None where the source does not say it in names. Raises RefusedInput."""
    pattern = source.meta["ledger"].get("months_in_name")
    if pattern is None:
        return None
    try:
        if match := re.search(pattern, file):
            first, last = (Period.parse(month) for month in (match[1], match[match.lastindex or 1]))
            if first.frequency == last.frequency == "monthly" and first.start <= last.start:
                return Period.months_between(first.start, last.end)
    except UsageError:
        pass
    raise RefusedInput(
        file=file,
        cell="the name of the file",
        found=repr(file),
        expected=f"a name that says which month it is of: {pattern}",
        action="see whether this is the right file, and give it the name that the publisher gave it",
    )


@functools.cache
def _layout(source_id: str) -> LedgerLayout:
    from pipeline.sources.catalogue import source as declared

    source = declared(source_id)
    meta = source.meta["ledger"]
    columns: Mapping[str, str] = meta["columns"]
    if unknown := [name for name in columns if name not in _KNOWN]:
        raise _wrong(source, f"columns: {', '.join(unknown)} is not among {', '.join(_KNOWN)}")
    if "date" not in columns or not {"loss", "loss_minor"} & columns.keys():
        raise _wrong(source, "columns: a date and a loss are what a ledger is made of")
    if ("record_id" in columns) != (meta.get("record_id") in ("integer", "text")):
        raise _wrong(source, "record_id: say whether the column of that name is integer or text")
    currencies = tuple(meta.get("currencies", (source.currency,)))
    if "currency" not in columns and len(currencies) > 1:
        raise _wrong(source, "columns: several currencies and no column that says which")
    digits = int(source.meta["minor_unit_digits"])
    if "loss_minor" in columns and (others := [name for name in currencies if _decimals(name) != digits]):
        raise _wrong(
            source,
            f"columns: loss_minor is in units of 10^-{digits} of every currency, which {', '.join(others)} has not as its minor"
            " unit; name the column of `loss`, whose amounts show their decimals",
        )
    return LedgerLayout(columns, dimensions(source), currencies, int(source.meta["minor_unit_digits"]), meta.get("record_id", ""))


def dimensions(source: Source) -> tuple[Dimension, ...]:
    """The dimensions of the ledger: labels to common codes, and of the types the publisher's labels as well."""
    found = []
    for name in (name for name in LABELS if name in source.meta["ledger"]["columns"]):
        dimension = "fraud_type" if name == "native_type" else name
        texts = _common_codes(source, dimension)
        stretches = {text: months_in_force(source.folder / "crosswalk.csv", dimension, text) for text in texts}
        limited = {text: months for text, months in stretches.items() if ALWAYS not in months}
        if name == "native_type":
            found.append(Dimension(name, name, {text: text for text in texts}, limited))
        found.append(Dimension(dimension, name, texts, limited))
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class Scheme:
    """A scheme of types, and the months (see month_number; both ends included) in which it is in force."""

    name: str
    first: int
    last: int

    def holds(self, period: str) -> bool:
        """Whether it is in force in every month of the period."""
        return all(self.first <= month_number(Period.parse(month).start) <= self.last for month in Period.parse(period).months)


def schemes(source: Source) -> tuple[Scheme, ...]:
    """The schemes of types in the order of time; what two of them count is never added. Raises FraudlossError."""
    declared = source.meta["ledger"].get("classification", source.id)
    if not isinstance(declared, Mapping):
        return (Scheme(str(declared), *ALWAYS),)
    try:
        begins = [ALWAYS[0], *(month_number(_month(first).start) for first in list(declared.values())[1:])]
        if not declared or next(iter(declared.values())) or begins != sorted(set(begins)):
            raise UsageError("")
    except UsageError as error:
        told = "classification: the schemes in the order of time, each with its first month (2020-01), the first without"
        raise _wrong(source, told) from error
    ends = [*(begin - 1 for begin in begins[1:]), ALWAYS[1]]
    return tuple(Scheme(str(name), *months) for name, *months in zip(declared, begins, ends, strict=True))


def _month(text: Any) -> Period:
    if (period := Period.parse(str(text))).frequency != "monthly":
        raise UsageError(f"{text!r} is not a month.")
    return period


def scheme_of(source: Source, month: str) -> str:
    """The scheme of types that is in force in a month."""
    return next(scheme.name for scheme in schemes(source) if scheme.holds(month))


def _decimals(currency: str) -> int:
    return 0 if currency in _WITHOUT_DECIMALS else 3 if currency in _WITH_THREE_DECIMALS else 2


def _common_codes(source: Source, dimension: str) -> dict[str, str]:
    """Label -> common code, as crosswalk.csv has them."""
    codes = {}
    for (of, label), rows in crosswalk_rows(source.folder / "crosswalk.csv").items():
        if of != dimension:
            continue
        if len({row["common_code"] for row in rows}) > 1:
            raise FraudlossError(
                f"{source.id}/crosswalk.csv: {label!r} has several common codes; reports of another meaning need another label,"
                " not another line."
            )
        codes[label] = rows[0]["common_code"]
    if not codes:
        raise FraudlossError(f"{source.id}/crosswalk.csv has no label of {dimension}, which source.yml names as a column.")
    return codes


def _wrong(source: Source, what: str) -> FraudlossError:
    return FraudlossError(f"{source.id}/source.yml, ledger, {what}.")
