"""What the ledger benchmark has done: ten cubes by three engines, CSV to partitions by two, and a night with one changed month.

In: the folder of a synthetic ledger (benchmarks.ledger_generator), a folder for the results, and how many workers or threads.
Out: for cubes one Parquet file for each cube and year, or piece of a year, with the period, the dimensions and COLUMNS, money in
cents of US dollars at the prices of the last month; for CSV one or more Parquet files a month.

Cubes: every engine does the same: converts each loss by the rate of its month and currency, deflates it, rounds it half to even
to whole cents, and gives of each cell the COLUMNS, all exact. The peers run in the fastest exact form that was found: a year at a
time, so that what they group stays in the cache; DuckDB over ENUM columns, Polars in its streaming engine and with all cubes in
one call. That a region determines its country is known to all three, so none groups by both.

CSV: both keep every column but the number of the report, as zstd at level 1 by month. Ours checks each row besides.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger_layout import CURRENCIES, FIRST_YEAR, LABELS, MONTHS, YEARS, partition
from pipeline import executors

if TYPE_CHECKING:
    from pipeline.aggregate.ledger import Plan, Wanted
    from pipeline.reading.ledger_layout import LedgerLayout

# Cube -> (frequency, dimensions).
CUBES: dict[str, tuple[str, tuple[str, ...]]] = {
    "month_type": ("monthly", ("fraud_type",)),
    "month_region_type": ("monthly", ("region", "fraud_type")),
    "month_contact": ("monthly", ("contact",)),
    "month_age_sex": ("monthly", ("age", "sex")),
    "quarter_country_type": ("quarterly", ("country", "fraud_type")),
    "year_region": ("annual", ("region",)),
    "month_offender": ("monthly", ("offender_location",)),
    "month_payment_type": ("monthly", ("payment", "fraud_type")),
    "year_type_payment_contact": ("annual", ("fraud_type", "payment", "contact")),
    "month_country": ("monthly", ("country",)),
}
QUANTILES = {"median_loss": 0.5, "p90_loss": 0.9, "p99_loss": 0.99}
COUNTED = ("cases", "losses", "loss", "max_loss", "victims", "distinct_victims")
DIVIDED = ("mean_loss", *QUANTILES, "share_of_loss")
COLUMNS = (*COUNTED, *DIVIDED)
DIMENSIONS = tuple(name for name in LABELS if name != "currency")
CHANGED = "2024-05"
_CHANGED_YEAR = (CHANGED[:4], 0)
ALL_YEARS = range(FIRST_YEAR, FIRST_YEAR + YEARS)


def out_file(out: Path, cube: str, year: int | str, piece: int | str = 0) -> Path:
    """Where an engine writes a cube of a year, or of a piece of it."""
    return out / f"{cube}.{year}.{piece}.parquet"


# ------------------------------------------------------------------------------------------------------------------- ours


def ours(ledger: Path, out: Path, workers: int) -> None:
    """The pipeline's kernel, in the tasks that the pipeline makes of it."""
    _ours(ledger, out, executors.Engine(workers))


def _ours(ledger: Path, out: Path, engine: executors.Engine) -> None:
    modules = (__name__, "pipeline.aggregate.ledger")
    engine.prepare(*modules)
    from pipeline.aggregate.ledger import in_turn

    pieces = in_turn({str(year): _wanted(ledger, year) for year in ALL_YEARS}, engine.workers)
    with engine.executor(*modules) as pool:
        list(pool.map(functools.partial(_our_cells, out), pieces, pieces.values()))


def _wanted(ledger: Path, year: int, changed: Sequence[str] | None = None) -> Wanted:
    from pipeline.aggregate.ledger import Wanted, changed_periods

    months = {month: partition(ledger, month) for month in MONTHS if month.startswith(f"{year}-")}
    return Wanted(months, None if changed is None else changed_periods(months, changed))


def changed_month(ledger: Path, out: Path, workers: int) -> None:
    """What a night with one changed month makes: its cells, and those of its quarter and its year."""
    _our_cells(out, _CHANGED_YEAR, _wanted(ledger, int(CHANGED[:4]), [CHANGED]))


def changed_month_alone(ledger: Path, out: Path, workers: int) -> None:
    """The same, the monthly cubes alone."""
    _our_cells(out, _CHANGED_YEAR, replace(_wanted(ledger, int(CHANGED[:4])), periods=[CHANGED]))


def _our_cells(out: Path, piece: tuple[str, int], wanted: Wanted) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline.aggregate.kernel import QUANTILE_SCALE
    from pipeline.aggregate.ledger import year_cells

    for cube, cells in year_cells(plan(), wanted.partitions, periods=wanted.periods).items():
        if not len(cells):
            continue
        period, loss, has_losses = cells["period"].cat.codes.to_numpy(), cells["loss"].to_numpy(), cells["losses"].to_numpy() > 0
        cells["mean_loss"] = loss / cells["cases"].to_numpy()
        cells["share_of_loss"] = loss / np.bincount(period, weights=loss)[period]
        for name in QUANTILES:
            cells[name] = np.where(has_losses, cells[name].to_numpy() / QUANTILE_SCALE, np.nan)
        keys = ["period", *CUBES[cube][1]]
        table = pa.Table.from_pandas(cells[[*keys, *COLUMNS]], preserve_index=False)
        # Labels alone repeat: numbers are written as they are.
        pq.write_table(table, out_file(out, cube, *piece), use_dictionary=keys)


def plan() -> Plan:
    """The benchmark as the kernel takes it."""
    from benchmarks.ledger_generator import Reference
    from pipeline.aggregate.ledger import Grouping, Plan
    from pipeline.reading.partitions import Dimension

    named = [Dimension.of(name, LABELS[name]) for name in DIMENSIONS]
    country = Dimension("country", "region", {region: region[:2] for region in LABELS["region"]})
    factors = Reference.synthetic().factors().tolist()
    return Plan(
        dimensions=(*named, country),
        groupings=tuple(Grouping(name, by, frequency) for name, (frequency, by) in CUBES.items()),
        factors={month: dict(zip(CURRENCIES, row, strict=True)) for month, row in zip(MONTHS, factors, strict=True)},
    )


# ------------------------------------------------------------------------------------------------------------------ peers


def duckdb(ledger: Path, out: Path, workers: int) -> None:
    """DuckDB: a table of one year, then one query a cube."""
    import duckdb as engine

    connection = engine.connect(config={"threads": workers, "preserve_insertion_order": False})
    labels_of = {name: set(LABELS[name]) for name in DIMENSIONS} | {"country": {region[:2] for region in LABELS["region"]}}
    for name, labels in labels_of.items():
        connection.execute(f"CREATE TYPE {name}_label AS ENUM ({', '.join(map(repr, sorted(labels)))})")
    for year in ALL_YEARS:
        connection.execute(
            f"""
            CREATE OR REPLACE TABLE reports AS SELECT
                month(date)::SMALLINT AS monthly, quarter(date)::SMALLINT AS quarterly, year(date)::SMALLINT AS annual,
                {", ".join(f"{name}::{name}_label AS {name}" for name in DIMENSIONS)}, left(region, 2)::country_label AS country,
                victims, victim_id,
                round_even(loss_minor * (rate * ((SELECT max(prices) FROM '{ledger}/prices.parquet') / prices)), 0) AS loss
            FROM read_parquet('{ledger}/synthetic_ledger_{year}-*.parquet') AS ledger
            JOIN '{ledger}/prices.parquet' AS prices ON prices.month = strftime(date, '%Y-%m')
            JOIN '{ledger}/exchange_rates.parquet' AS rates
                ON rates.month = strftime(date, '%Y-%m') AND rates.currency = ledger.currency
            """
        )
        period = {"monthly": f"printf('{year}-%02d', monthly)", "quarterly": f"'{year}-Q' || quarterly", "annual": f"'{year}'"}
        for cube, (frequency, by) in CUBES.items():
            keys = ", ".join((frequency, *by))
            connection.execute(
                f"""
                COPY (SELECT {period[frequency]} AS period, * EXCLUDE (quantiles, {frequency}),
                    quantiles[1] AS median_loss, quantiles[2] AS p90_loss, quantiles[3] AS p99_loss,
                    loss / sum(loss) OVER (PARTITION BY {frequency}) AS share_of_loss
                FROM (SELECT {keys}, count(*) AS cases, count(*) FILTER (WHERE loss > 0) AS losses, sum(loss)::BIGINT AS loss,
                    avg(loss) AS mean_loss, quantile_cont(loss, {list(QUANTILES.values())}) FILTER (WHERE loss > 0) AS quantiles,
                    max(loss)::BIGINT AS max_loss, sum(victims)::BIGINT AS victims, count(DISTINCT victim_id) AS distinct_victims
                FROM reports GROUP BY {keys})) TO '{out_file(out, cube, year)}'
                """
            )


def polars(ledger: Path, out: Path, workers: int) -> None:
    """Polars: a frame of one year by the streaming engine, then all cubes in one call. Workers: what POLARS_MAX_THREADS says."""
    import polars as pl

    prices = pl.read_parquet(ledger / "prices.parquet")
    factor = pl.col("rate") * (pl.col("prices").last() / pl.col("prices"))
    factors = (
        pl.read_parquet(ledger / "exchange_rates.parquet")
        .join(prices, on="month", maintain_order="left")
        .select(pl.col("month").str.strptime(pl.Date, "%Y-%m"), "currency", factor=factor)
        .lazy()
    )
    loss = pl.col("loss")
    positive = loss.filter(loss > 0)
    measures = [
        pl.len().alias("cases"),
        (loss > 0).sum().alias("losses"),
        loss.sum(),
        loss.max().alias("max_loss"),
        pl.col("victims").sum(),
        pl.col("victim_id").n_unique().alias("distinct_victims"),
        loss.mean().alias("mean_loss"),
        *(positive.quantile(rank, "linear").alias(name) for name, rank in QUANTILES.items()),
    ]
    day = pl.col("period")
    period = {
        "monthly": day.dt.strftime("%Y-%m"),
        "quarterly": pl.format("{}-Q{}", day.dt.year(), day.dt.quarter()),
        "annual": day.dt.strftime("%Y"),
    }
    for year in ALL_YEARS:
        reports = (
            pl.scan_parquet(ledger / f"synthetic_ledger_{year}-*.parquet")
            .with_columns(month=pl.col("date").dt.truncate("1mo"))
            .join(factors, on=["month", "currency"])
            .select(
                monthly="month",
                quarterly=pl.col("date").dt.truncate("1q"),
                annual=pl.col("date").dt.truncate("1y"),
                **{name: pl.col(name).cast(pl.Categorical) for name in DIMENSIONS},
                country=pl.col("region").str.head(2).cast(pl.Categorical),
                victims="victims",
                victim_id="victim_id",
                loss=(pl.col("loss_minor") * pl.col("factor")).round(mode="half_to_even").cast(pl.Int64),
            )
            .collect(engine="streaming")
            .lazy()
        )
        queries = [
            reports.group_by(pl.col(frequency).alias("period"), *by)
            .agg(measures)
            .with_columns(share_of_loss=pl.col("loss") / pl.col("loss").sum().over("period"), period=period[frequency])
            for frequency, by in CUBES.values()
        ]
        for cube, frame in zip(CUBES, pl.collect_all(queries), strict=True):
            frame.write_parquet(out_file(out, cube, year))


# ---------------------------------------------------------------------------------------------------------- CSV to partitions


def csv_ours(ledger: Path, out: Path, workers: int) -> None:
    """The pipeline's stream of blocks."""
    from pipeline.reading.ledger_csv import partition_csv

    partition_csv(csv_file(ledger), csv_layout(), out, workers=workers)


def csv_layout() -> LedgerLayout:
    """The columns of the synthetic ledger."""
    from pipeline.reading.ledger_layout import LedgerLayout
    from pipeline.reading.partitions import Dimension

    names = ("date", *LABELS, "loss", "victims", "victim_id")
    return LedgerLayout(
        {name: name for name in names}, tuple(Dimension.of(name, LABELS[name]) for name in DIMENSIONS), CURRENCIES, 2
    )


def csv_duckdb(ledger: Path, out: Path, workers: int) -> None:
    """DuckDB, free to choose the order of the rows."""
    import duckdb as engine

    connection = engine.connect(config={"threads": workers, "preserve_insertion_order": False})
    connection.execute(
        f"""COPY (SELECT * EXCLUDE (report_id), strftime(date, '%Y-%m') AS month FROM read_csv('{csv_file(ledger)}'))
        TO '{out}' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE true)"""
    )


def csv_file(ledger: Path) -> Path:
    """The ledger as one file."""
    return ledger / "synthetic_ledger.csv"


Engine = Callable[[Path, Path, int], None]
ENGINES: dict[str, Engine] = {"ours": ours, "duckdb": duckdb, "polars": polars}


def ours_alone(ledger: Path, out: Path, workers: int) -> None:
    """The pipeline's kernel in one process, however many there could be."""
    ours(ledger, out, 1)


def ours_dask(ledger: Path, out: Path, workers: int) -> None:
    """The pipeline's kernel by the workers of a Dask cluster, which is started for it."""
    _ours(ledger, out, executors.Engine(workers, executors.LOCAL))


# Job -> what is measured in turn; how many times the first line each takes.
JOBS: dict[str, dict[str, Engine]] = {
    "ten cubes": ENGINES,
    "workers": {"several processes": ours, "one process": ours_alone, "as many of Dask": ours_dask},
    "CSV to partitions": {"ours": csv_ours, "duckdb": csv_duckdb},
    "one changed month": {"all months": ours, "one month": changed_month, "monthly cubes": changed_month_alone},
}
# What each engine imports before its work begins.
LIBRARIES: dict[Engine, tuple[str, ...]] = {
    # With several workers these import, and the first process does not.
    **dict.fromkeys((ours, ours_alone, ours_dask), ()),
    **dict.fromkeys((changed_month, changed_month_alone), ("pipeline.aggregate.ledger", "pyarrow.parquet")),
    csv_ours: ("pipeline.reading.ledger_csv",),
    **dict.fromkeys((duckdb, csv_duckdb), ("duckdb",)),
    polars: ("polars",),
}
