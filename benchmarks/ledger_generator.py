"""`python -m benchmarks.ledger_generator FOLDER ROWS [csv]`: a synthetic ledger of loss reports, one Parquet file a month.

In: how many reports. Out, under FOLDER: `synthetic_ledger_2015-01.parquet` to `..._2025-12.parquet`, one `synthetic_ledger.csv`
with all of them where it is asked for, `exchange_rates.parquet` and `prices.parquet`. Nobody reported any of it: every file and
every table says `synthetic`. The same number of rows gives the same bytes; a month's rows follow from its own seed alone.

    report_id       int64     1 to ROWS
    date     date32    day of the report, ascending within a month
    region, fraud_type, contact, payment, offender_location, age, sex   string; `country` is the first two letters of the region
    currency        string    of the loss, mostly the country's
    loss_minor      int64     loss in cents of that currency, log-normal by type; 30 % are 0
    victims         int32     persons, mostly 1
    victim_id       int64     about one report in ten names somebody who is named before
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.ledger_layout import (
    AGE_WEIGHTS,
    COUNTRIES,
    COUNTRY_CURRENCY,
    COUNTRY_WEIGHTS,
    CURRENCIES,
    LABELS,
    LOG_LOSS,
    LOG_LOSS_SPREAD,
    MONTHS,
    REGIONS_A_COUNTRY,
    SEX_WEIGHTS,
    SHARE_WITHOUT_LOSS,
    partition,
)
from pipeline.reading.partitions import parquet_options

Numbers = np.ndarray[Any, np.dtype[Any]]

SYNTHETIC = {b"synthetic": b"made by benchmarks.ledger_generator: nobody reported any of this"}
ROW_GROUP_ROWS = 1 << 20


@dataclass(frozen=True)
class Reference:
    """What one unit of a currency is worth in US dollars, and the price level, by month."""

    rates: Numbers  # (months, currencies)
    prices: Numbers  # (months,)

    @classmethod
    def synthetic(cls) -> Reference:
        random = np.random.default_rng(7)
        base = np.array([1.28, 1.0, 0.67, 0.74, 1.1, 0.62, 0.74, 1.13])
        rates = base * np.exp(np.cumsum(random.normal(0, 0.01, (len(MONTHS), len(CURRENCIES))), axis=0))
        rates[:, CURRENCIES.index("USD")] = 1
        return cls(np.round(rates, 6), np.round(100 * 1.0028 ** np.arange(len(MONTHS)), 3))

    def factors(self) -> Numbers:
        """(months, currencies): US dollars at the prices of the last month for one unit."""
        return self.rates * (self.prices[-1] / self.prices)[:, None]


def month_sizes(rows: int) -> list[int]:
    """How many reports each month has: growth of 6 % a year, and a season."""
    time = np.arange(len(MONTHS)) / 12
    weight = 1.06**time * (1 + 0.12 * np.sin(2 * np.pi * time))
    ends = np.round(np.cumsum(weight) / weight.sum() * rows).astype(int)
    return np.diff(ends, prepend=0).tolist()


def month_table(rows: int, place: int) -> pa.Table:
    """The reports of one month of a ledger of so many rows."""
    size, before = month_sizes(rows)[place], sum(month_sizes(rows)[:place])
    random = np.random.default_rng(1000 + place)
    country = _drawn(random, size, COUNTRY_WEIGHTS)
    fraud_type = _drawn(random, size, _zipf(len(LOG_LOSS), 0.7))
    usual = np.array([CURRENCIES.index(COUNTRY_CURRENCY[name]) for name in COUNTRIES])[country]
    codes = {
        "region": country * REGIONS_A_COUNTRY + _drawn(random, size, _zipf(REGIONS_A_COUNTRY)),
        "fraud_type": fraud_type,
        "contact": _drawn(random, size, _zipf(10)),
        "payment": _drawn(random, size, _zipf(10)),
        "offender_location": _drawn(random, size, np.array([0.6, *0.4 * _zipf(19)])),
        "age": _drawn(random, size, AGE_WEIGHTS),
        "sex": _drawn(random, size, SEX_WEIGHTS),
        "currency": np.where(random.random(size) < 0.94, usual, random.integers(0, len(CURRENCIES), size)),
    }
    logarithm = np.array(list(LOG_LOSS.values()))[fraud_type] + LOG_LOSS_SPREAD * random.standard_normal(size)
    loss = np.where(random.random(size) < SHARE_WITHOUT_LOSS, 0, np.rint(100 * np.exp(logarithm))).astype(np.int64)
    victims = 1 + (random.random(size) < 0.06) * random.integers(1, 5, size)
    victim = (random.random(size) * rows * 0.9).astype(np.int64) + 10_000_000
    first = np.datetime64(MONTHS[place], "D")
    days = int((np.datetime64(MONTHS[place], "M") + 1).astype("datetime64[D]").astype(int) - first.astype(int))
    columns = {
        "report_id": np.arange(before + 1, before + size + 1, dtype=np.int64),
        "date": first + np.sort(random.integers(0, days, size)).astype("timedelta64[D]"),
        **{name: _texts(code, LABELS[name]) for name, code in codes.items()},
        "loss_minor": loss,
        "victims": victims.astype(np.int32),
        "victim_id": victim,
    }
    return pa.table(columns).replace_schema_metadata(SYNTHETIC)


def _drawn(random: np.random.Generator, size: int, weights: Any) -> Numbers:
    edges = np.cumsum(np.asarray(weights, dtype=float) / np.sum(weights))[:-1]
    return np.searchsorted(edges, random.random(size))


def _zipf(count: int, power: float = 0.8) -> Numbers:
    weight = 1 / np.arange(1, count + 1) ** power
    return weight / weight.sum()


def _texts(codes: Numbers, labels: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(labels)).cast(pa.string())


def write_parquet(table: pa.Table, path: Path) -> None:
    """As the pipeline writes partitions."""
    pq.write_table(table, path, row_group_size=ROW_GROUP_ROWS, **parquet_options(table.schema))


def ledger(folder: Path, rows: int) -> Path:
    """The folder of the Parquet ledger of so many rows, made unless it is there."""
    ready = folder / "complete"
    if not ready.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for place, month in enumerate(MONTHS):
            write_parquet(month_table(rows, place), partition(folder, month))
        reference = Reference.synthetic()
        pq.write_table(_long(reference), folder / "exchange_rates.parquet")
        pq.write_table(pa.table({"month": MONTHS, "prices": reference.prices}), folder / "prices.parquet")
        ready.touch()
    return folder


def _long(reference: Reference) -> pa.Table:
    months = np.repeat(MONTHS, len(CURRENCIES))
    return pa.table({"month": months, "currency": CURRENCIES * len(MONTHS), "rate": reference.rates.ravel()})


def write_csv(path: Path, rows: int, months: Sequence[str] = MONTHS) -> None:
    """These months as one CSV file; losses are written in whole units with two decimals, in the column `loss`."""
    tables = (_with_decimals(month_table(rows, MONTHS.index(month))) for month in months)
    first = next(tables)
    with pyarrow.csv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def write_csv_table(table: pa.Table, path: Path) -> None:
    """Reports as CSV; losses as `write_csv` writes them."""
    pyarrow.csv.write_csv(_with_decimals(table), path)


def _with_decimals(table: pa.Table) -> pa.Table:
    loss = pc.multiply(table.column("loss_minor").cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    place = table.column_names.index("loss_minor")
    return table.set_column(place, "loss", loss)


def main() -> int:
    """Write the ledger."""
    if len(sys.argv) not in (3, 4):
        print(__doc__)
        return 2
    folder, rows = Path(sys.argv[1]), int(float(sys.argv[2]))
    ledger(folder, rows)
    if sys.argv[3:] == ["csv"] and not (path := folder / "synthetic_ledger.csv").exists():
        write_csv(path, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
