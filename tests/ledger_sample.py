"""What tests of ledgers share: the synthetic source in the place of the real ones, small month files of it, plain counts.

In: the folder of a source outside `pipeline/sources`. Out: nothing that stays: the catalogue is as it was afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ledger_demo import SOURCE, SOURCES
from benchmarks.ledger_generator import month_table, write_csv
from benchmarks.ledger_layout import MONTHS
from pipeline import code_version, steps
from pipeline.aggregate.ledger import Cells, Plan, Wanted, changed_periods, wanted_cells
from pipeline.reading import crosswalk
from pipeline.sources import catalogue, ledger_reader
from pipeline.store import Store

ROWS = 10_000


def ledger_cells(plan: Plan, partitions: Mapping[str, Path], changed: Collection[str] | None = None, **named: Any) -> Cells:
    """The cells of all years of these partitions, or of the periods with a changed month. `named`: see `wanted_cells`."""
    years: dict[str, dict[str, Path]] = {}
    for month in sorted(partitions):
        years.setdefault(month[:4], {})[month] = partitions[month]
    asked = {year: months for year, months in years.items() if changed is None or set(changed) & set(months)}
    wanted = {
        year: Wanted(months, None if changed is None else changed_periods(months, set(changed) & set(months)))
        for year, months in asked.items()
    }
    return wanted_cells(plan, wanted, **named)


@contextlib.contextmanager
def declared_in(folder: Path = SOURCES) -> Iterator[None]:
    """The sources of the folder, in the place of all others."""
    before = catalogue.SOURCES, os.environ.get("FRAUDLOSS_SOURCES")
    catalogue.SOURCES = folder
    os.environ["FRAUDLOSS_SOURCES"] = str(folder)
    forget()
    try:
        yield
    finally:
        catalogue.SOURCES = before[0]
        del os.environ["FRAUDLOSS_SOURCES"]
        if before[1] is not None:
            os.environ["FRAUDLOSS_SOURCES"] = before[1]
        forget()


def forget() -> None:
    """What was read of declarations, as a new process would not know it."""
    caches = (catalogue.source, catalogue.source_ids, code_version.code_version, ledger_reader._layout, crosswalk.crosswalk_rows)
    for cached in caches:
        cached.cache_clear()


def copy_of_sources(folder: Path, changes: Mapping[str, tuple[str, str]] = {}) -> Path:
    """A copy of the synthetic source; `changes`: file -> a text in it and what to write instead."""
    shutil.copytree(SOURCES, folder)
    for name, (old, new) in changes.items():
        path = folder / SOURCE / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def file_of(folder: Path, month: str, rows: int = ROWS, kind: str = "csv", version: str = "") -> Path:
    """A month of a ledger of so many rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{SOURCE}_{month}{version}.{kind}"
    if kind == "csv":
        write_csv(path, rows, [month])
    else:
        pq.write_table(month_table(rows, MONTHS.index(month)), path)
    return path


def take_in(root: Path, files: Sequence[Path], published: str = "2026-01-10") -> None:
    """Keep the files and judge them."""
    for path in files:
        steps.ingest(SOURCE, str(path), data=root, published=published, edition="final")
    steps.validate(SOURCE, data=root)


def verdict_on(root: Path, file: str) -> dict[str, Any]:
    """The verdict on the file of that name that was known last."""
    store = Store(root)
    snapshot = [item for item in store.snapshots(SOURCE) if item.file == file][-1]
    found = store.read_json(store.verdict_path(SOURCE, snapshot.id))
    assert found
    return found


def reports(months: Sequence[str], rows: int = ROWS) -> pd.DataFrame:
    """The reports of these months, `loss` in cents of US dollars as the pipeline rounds it."""
    table = pa.concat_tables([month_table(rows, MONTHS.index(month)) for month in months]).to_pandas()
    return with_loss(table)


def with_loss(table: pd.DataFrame) -> pd.DataFrame:
    """The same with `month` and `loss`, converted by the rates that the source declares."""
    rates = pd.read_csv(SOURCES / SOURCE / "exchange_rates.csv").set_index(["month", "currency"])["units_per_usd"]
    month = pd.to_datetime(table["date"]).dt.strftime("%Y-%m")
    worth = 1 / rates.loc[list(zip(month, table["currency"], strict=True))].to_numpy()
    return table.assign(month=month, loss=(table["loss_minor"] * worth).round().astype("int64"))
