"""The cells of a ledger are what plain Python, DuckDB and Polars say, and a partition that is not what it should be is named."""

import dataclasses
import datetime as dt
import itertools
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import ledger_engines
from benchmarks.ledger import differences
from benchmarks.ledger_generator import ledger
from benchmarks.ledger_layout import MONTHS, partition
from pipeline.aggregate import ledger as ledger_module
from pipeline.aggregate.kernel import QUANTILE_SCALE, QUANTILES, TOP_SHARES
from pipeline.aggregate.ledger import (
    Grouping,
    LossBands,
    Piece,
    Plan,
    Wanted,
    changed_periods,
    in_turn,
    memory_needed,
    wanted_cells,
    year_cells,
)
from pipeline.executors import THIS_PROCESS, Engine, WorkerDied, computed
from pipeline.model import INTERVALS, FraudlossError, Period, RefusedInput
from pipeline.reading.partitions import Dimension, read_month
from tests.figures import gini, interval_ends
from tests.ledger_sample import ledger_cells

TYPES = Dimension.of("fraud_type", ["investment", "romance", "never_reported"])
# Two texts of one label: cells are by label.
REGIONS = Dimension("area", "region", {"North": "N", "Far north": "N", "South": "S"})
FACTORS = {f"2023-{month:02d}": {"USD": 1.0, "JPY": 0.7311} for month in range(1, 13)}
BANDS = LossBands((100, 10_000), ("not known", "below zero", "none", "under 1", "1 to under 100", "100 and more"))
DIMENSIONS = ((), ("fraud_type",), ("area", "fraud_type"), ("loss_band",), ("fraud_type", "loss_band"))
GROUPINGS = tuple(
    Grouping(f"{frequency} {' '.join(by)}", by, frequency, concentration="area" not in by, intervals="fraud_type" not in by)
    for frequency, by in itertools.product(("monthly", "quarterly", "annual"), DIMENSIONS)
)
PLAN = Plan((TYPES, REGIONS), GROUPINGS, FACTORS, BANDS)
SCHEMA = pa.schema(
    [
        ("date", pa.date32()),
        ("region", pa.string()),
        ("fraud_type", pa.string()),
        ("currency", pa.string()),
        ("loss_minor", pa.int64()),
        ("victims", pa.int32()),
        ("victim_id", pa.int64()),
    ]
)
REPORT = st.fixed_dictionaries(
    {
        "month": st.sampled_from(["2023-01", "2023-02", "2023-03", "2023-11"]),
        "region": st.sampled_from(sorted(REGIONS.label_of)),
        "fraud_type": st.sampled_from(["investment", "romance"]),
        "currency": st.sampled_from(["USD", "JPY"]),
        # Ties, nothing, corrections below zero, halves to round, large ones, and losses that nobody knows.
        "loss_minor": st.one_of(st.none(), st.sampled_from([0, 100, 100, 101, -250]), st.integers(-(2**31), 2**33)),
        "victims": st.one_of(st.none(), st.integers(0, 4)),
        "victim_id": st.one_of(st.none(), st.integers(1, 4), st.sampled_from([-(2**63), 2**63 - 1])),
    }
)


def write(folder: Path, reports: Sequence[dict[str, Any]], months: Sequence[str], rows_a_group: int = 3) -> dict[str, Path]:
    """Partitions of these months; small row groups, so that one column has several dictionaries."""
    paths = {month: folder / f"{month}.parquet" for month in months}
    for month, path in paths.items():
        of_month = [{**report, "date": Period.parse(month).start} for report in reports if report["month"] == month]
        pq.write_table(pa.Table.from_pylist(of_month, schema=SCHEMA), path, row_group_size=rows_a_group)
    return paths


def report(**changes: Any) -> dict[str, Any]:
    usual = {"month": "2023-01", "region": "North", "fraud_type": "romance", "currency": "USD"}
    return {**usual, "loss_minor": 100, "victims": 1, "victim_id": 7, **changes}


def plain(reports: Sequence[dict[str, Any]], grouping: Grouping, months: Sequence[str]) -> dict[tuple[str, ...], dict[str, int]]:
    """Period and labels -> measures, by plain Python and pandas' quantiles."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for report in reports:
        period = Period.of(grouping.frequency, Period.parse(report["month"]).start)
        labels = {"area": REGIONS.label_of[report["region"]], "fraud_type": report["fraud_type"], "loss_band": band(report)}
        if set(period.months) <= set(months):
            groups.setdefault((period.code, *(labels[name] for name in grouping.by)), []).append(report)
    return {key: measures(group, grouping) for key, group in groups.items()}


def converted(report: dict[str, Any]) -> int | None:
    loss = report["loss_minor"]
    return None if loss is None else round(loss * FACTORS[report["month"]][report["currency"]])


def band(report: dict[str, Any]) -> str:
    loss = converted(report)
    if loss is None or loss <= 0:
        return "not known" if loss is None else "below zero" if loss < 0 else "none"
    return "under 1" if loss < 100 else "1 to under 100" if loss < 10_000 else "100 and more"


def measures(group: Sequence[dict[str, Any]], grouping: Grouping) -> dict[str, int]:
    known = [loss for report in group if (loss := converted(report)) is not None]
    above = pd.Series([loss for loss in known if loss > 0], dtype="int64")
    ranks = {"median_loss": 0.5, "p90_loss": 0.9, "p99_loss": 0.99}
    quantiles = {name: round(above.quantile(rank) * QUANTILE_SCALE) if len(above) else 0 for name, rank in ranks.items()}
    return {
        "cases": len(group),
        "cases_loss_known": len(known),
        "losses": len(above),
        "victims": sum(report["victims"] or 0 for report in group),
        "distinct_victims": len({report["victim_id"] for report in group} - {None}),
        "loss": sum(known),
        "max_loss": int(above.max()) if len(above) else 0,
        **quantiles,
        **(intervals(above.tolist()) if grouping.intervals else {}),
        **(concentration(above) if grouping.concentration else {}),
    }


def intervals(losses: Sequence[int]) -> dict[str, int]:
    """The two ends for each quantile that has an interval."""
    ends = {bounds: interval_ends(losses, *QUANTILES[name]) for name, bounds in INTERVALS.items()}
    return {name: value for bounds, values in ends.items() for name, value in zip(bounds, values, strict=True)}


def concentration(above: pd.Series) -> dict[str, int]:
    """The sum of the losses, and of the largest of them, their number rounded up; the Gini coefficient in millionths."""
    tops = {name: int(above.nlargest(math.ceil(len(above) / one_in)).sum()) for name, one_in in TOP_SHARES.items()}
    return {"losses_sum": int(above.sum()), **tops, "gini_loss": gini(above.tolist())}


def as_dictionary(cells: pd.DataFrame, grouping: Grouping) -> dict[tuple[str, ...], dict[str, int]]:
    keys = cells[["period", *grouping.by]].astype(str).itertuples(index=False, name=None)
    return dict(zip(keys, cells[list(grouping.measures)].to_dict("records"), strict=True))


@settings(max_examples=20, deadline=None)
@given(reports=st.lists(REPORT, max_size=20), empty=st.sampled_from([[], ["2023-12"], [f"2023-{m:02d}" for m in range(1, 13)]]))
def test_every_cell_is_what_plain_python_says(
    tmp_path_factory: pytest.TempPathFactory, reports: list[dict[str, Any]], empty: list[str]
) -> None:
    months = sorted({*empty, *(report["month"] for report in reports)})
    cells = year_cells(PLAN, write(tmp_path_factory.mktemp("ledger"), reports, months))
    for grouping in GROUPINGS:
        assert as_dictionary(cells[grouping.name], grouping) == plain(reports, grouping, months)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ledger(tmp_path_factory.mktemp("synthetic"), 100_000)


@pytest.fixture(scope="module")
def ours(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ours")
    ledger_engines.ours(synthetic, out, 1)
    return out


def test_intervals_of_months_quarters_and_years_are_those_of_their_definition(tmp_path: Path) -> None:
    # Ties, and as many losses as p90 needs in the year and the quarter, as the median needs in each month.
    losses = [100 * (place * 37 % 23 + 1) for place in range(75)]
    made = [report(month=f"2023-{place % 3 + 1:02d}", loss_minor=loss) for place, loss in enumerate(losses)]
    months = [f"2023-{month:02d}" for month in range(1, 13)]
    cells = year_cells(PLAN, write(tmp_path, made, months))
    seen = set()
    for grouping in GROUPINGS:
        if grouping.intervals and not grouping.by:
            found = as_dictionary(cells[grouping.name], grouping)
            assert found == plain(made, grouping, months)
            seen |= {(key[0], name) for key, values in found.items() for name in values if name.endswith("_95") and values[name]}
    of_median, of_p90 = ({f"{name}_{end}_95" for end in ("lower", "upper")} for name in ("median_loss", "p90_loss"))
    assert seen == {
        *((period, name) for period in ("2023-01", "2023-02", "2023-03", "2023-Q1", "2023") for name in of_median),
        *((period, name) for period in ("2023-Q1", "2023") for name in of_p90),
    }


def test_gini_coefficients_of_months_quarters_and_years_are_those_of_their_definition(tmp_path: Path) -> None:
    losses = [100 * (place * 37 % 23 + 1) ** 2 for place in range(75)]
    made = [report(month=f"2023-{place % 3 + 1:02d}", loss_minor=loss) for place, loss in enumerate(losses)]
    # Neither a correction below zero, nor nothing, nor what nobody knows has a part in it.
    made += [report(loss_minor=loss) for loss in (-(10**9), 0, None)]
    months = [f"2023-{month:02d}" for month in range(1, 13)]
    cells = year_cells(PLAN, write(tmp_path, made, months))
    found = {}
    for grouping in GROUPINGS:
        if grouping.concentration and not grouping.by:
            found |= {key[0]: values["gini_loss"] for key, values in as_dictionary(cells[grouping.name], grouping).items()}
    of_months = {f"2023-{month:02d}": gini(losses[month - 1 :: 3]) for month in (1, 2, 3)}
    assert found == {**of_months, "2023-Q1": gini(losses), "2023": gini(losses)}
    assert min(found.values()) > 400_000


@pytest.mark.parametrize("peer", ["duckdb", "polars"])
def test_the_ten_cubes_of_the_benchmark_are_those_of_other_engines(
    synthetic: Path, ours: Path, tmp_path: Path, peer: str
) -> None:
    ledger_engines.ENGINES[peer](synthetic, tmp_path, 1)
    assert differences(ours, tmp_path) == []


def test_bands_concentration_and_distinct_victims_of_a_million_reports_are_those_of_duckdb(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    million = ledger(tmp_path_factory.mktemp("million"), 1_000_000)
    months = {month: partition(million, month) for month in MONTHS}
    wanted, by = ledger_engines.plan(), ("fraud_type", "loss_band")
    bands = LossBands((100_00, 1000_00, 10_000_00), ("not known", "below zero", "none", "0", "1", "2", "3"))
    plan = Plan(wanted.dimensions, (Grouping("bands", by, "annual", concentration=True),), wanted.factors, bands)
    ours = ledger_cells(plan, months).of["bands"]
    factors = pd.DataFrame(
        [(month, name, factor) for month, of_month in (wanted.factors or {}).items() for name, factor in of_month.items()],
        columns=["month", "currency", "factor"],
    )
    connection = duckdb.connect()
    connection.register("factors", factors)
    theirs = connection.sql(
        f"""
        WITH reports AS (
            SELECT strftime(date, '%Y') AS period, fraud_type, victim_id, round_even(loss_minor * factor, 0)::BIGINT AS loss
            FROM read_parquet('{million}/synthetic_ledger_*.parquet') AS ledger
            JOIN factors ON factors.currency = ledger.currency AND factors.month = strftime(date, '%Y-%m')),
        banded AS (
            SELECT *, CASE WHEN loss <= 0 THEN 'none' WHEN loss < 10000 THEN '0' WHEN loss < 100000 THEN '1'
                WHEN loss < 1000000 THEN '2' ELSE '3' END AS loss_band FROM reports),
        ranked AS (
            SELECT *, row_number() OVER (PARTITION BY period, fraud_type, loss_band ORDER BY loss DESC) AS place,
                count(*) OVER (PARTITION BY period, fraud_type, loss_band) AS number FROM banded)
        SELECT period, fraud_type, loss_band, count(*) AS cases, sum(loss)::BIGINT AS loss,
            count(DISTINCT victim_id) AS distinct_victims, max(loss) AS max_loss,
            sum(loss) FILTER (WHERE place <= ceil(number / 1000))::BIGINT AS top_0_1_share,
            sum(loss) FILTER (WHERE place <= ceil(number / 100))::BIGINT AS top_1_share,
            sum(loss) FILTER (WHERE place <= ceil(number / 10))::BIGINT AS top_10_share,
            CASE WHEN count(*) FILTER (WHERE loss > 0) < 10 THEN -1 ELSE
                round_even(1e6 * sum((number + 1 - 2 * place) * loss::HUGEINT) / (count(*) * sum(loss)), 0)
                END::BIGINT AS gini_loss
        FROM ranked GROUP BY ALL
        """
    ).df()
    assert theirs["cases"].sum() == 1_000_000
    keys = ["period", *by]
    found = ours.astype(dict.fromkeys(keys, str)).set_index(keys).sort_index()[[name for name in theirs if name not in keys]]
    pd.testing.assert_frame_equal(found, theirs.set_index(keys).sort_index(), check_dtype=False, check_index_type=False)


def test_a_cell_that_differs_is_named(ours: Path, tmp_path: Path) -> None:
    shutil.copytree(ours, tmp_path, dirs_exist_ok=True)
    path = ledger_engines.out_file(tmp_path, "month_type", 2020)
    changed = pd.read_parquet(path)
    changed.loc[5, "loss"] += 1
    changed.to_parquet(path)
    [found] = differences(ours, tmp_path)
    assert found.startswith("month_type: 1 of 1584 loss, at ('2020-01', ")


def test_the_same_bytes_come_from_one_process_and_from_two(synthetic: Path, ours: Path, tmp_path: Path) -> None:
    plan, partitions = ledger_engines.plan(), {month: partition(synthetic, month) for month in MONTHS}
    groupings = (dataclasses.replace(each, concentration=True, intervals=True) for each in plan.groupings)
    plan = dataclasses.replace(plan, groupings=tuple(groupings))
    one, two = (ledger_cells(plan, partitions, engine=Engine(workers)).of for workers in (1, 2))
    assert {name: cells.to_parquet() for name, cells in one.items()} == {name: cells.to_parquet() for name, cells in two.items()}
    ledger_engines.ours(synthetic, tmp_path, 2)
    assert differences(ours, tmp_path) == []


def test_a_changed_month_remakes_its_own_cells_its_quarter_and_its_year_and_reads_nothing_else(
    synthetic: Path, tmp_path: Path
) -> None:
    plan = ledger_engines.plan()
    partitions = {month: partition(synthetic, month) for month in MONTHS if month.startswith("2021")}
    everything, remade = year_cells(plan, partitions), year_cells(plan, partitions, changed=["2021-05"])
    for grouping in plan.groupings:
        period = {"monthly": "2021-05", "quarterly": "2021-Q2", "annual": "2021"}[grouping.frequency]
        whole = everything[grouping.name]
        expected = whole[whole["period"] == period].astype({"period": str}).reset_index(drop=True)
        pd.testing.assert_frame_equal(remade[grouping.name].astype({"period": str}), expected)
    monthly = Plan(plan.dimensions, tuple(g for g in plan.groupings if g.frequency == "monthly"), plan.factors)
    others = {month: tmp_path / "not there" for month in partitions if month != "2021-05"}
    again = year_cells(monthly, {**partitions, **others}, changed=["2021-05"])
    pd.testing.assert_frame_equal(again["month_type"], remade["month_type"])


def test_only_whole_periods_are_counted(tmp_path: Path) -> None:
    cells = year_cells(PLAN, write(tmp_path, [report(), report(month="2023-02")], ["2023-01", "2023-02"]))
    assert {frequency: len(cells[f"{frequency} "]) for frequency in ("monthly", "quarterly", "annual")} == {
        "monthly": 2,
        "quarterly": 0,
        "annual": 0,
    }


def test_two_years_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2022, 2023"):
        year_cells(PLAN, {"2022-12": tmp_path, "2023-01": tmp_path})


def test_a_loss_is_rounded_half_to_even_once_a_report(tmp_path: Path) -> None:
    factors = {"2023-01": {"USD": 0.5}}
    plan = Plan((TYPES,), (Grouping("all", (), "monthly"),), factors)
    amounts = [1, 3, 5]  # 0.5, 1.5 and 2.5 cents
    cells = year_cells(plan, write(tmp_path, [report(loss_minor=amount) for amount in amounts], ["2023-01"]))
    assert cells["all"]["loss"].tolist() == [0 + 2 + 2]


def test_the_days_are_judged_also_where_the_file_says_nothing_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, [report()], ["2023-01"])["2023-01"]
    pq.write_table(pq.read_table(path), path, write_statistics=False)
    assert len(read_month(path, "2023-01", [TYPES, REGIONS])) == 1


@settings(max_examples=20, deadline=None)
@given(reports=st.lists(REPORT.filter(lambda each: each["month"] != "2023-11"), min_size=40, max_size=60))
def test_a_cube_that_is_added_up_from_a_finer_one_is_what_it_is_alone(
    tmp_path_factory: pytest.TempPathFactory, reports: list[dict[str, Any]]
) -> None:
    region = Dimension.of("region", sorted(REGIONS.label_of))
    finest = Grouping("finest", ("region", "fraud_type"), "monthly")
    coarser = [Grouping(" ".join(by), by, "monthly") for by in (("area",), ("fraud_type", "area"), ("region",), ())]
    together = Plan((TYPES, REGIONS, region), (finest, *coarser), FACTORS)
    assert set(together.finer) == {grouping.by for grouping in coarser}
    partitions = write(tmp_path_factory.mktemp("ledger"), reports, sorted({report["month"] for report in reports}))
    cells = year_cells(together, partitions)
    for grouping in coarser:
        alone = Plan((TYPES, REGIONS, region), (grouping,), FACTORS)
        assert not alone.finer
        pd.testing.assert_frame_equal(cells[grouping.name], year_cells(alone, partitions)[grouping.name])


def test_losses_of_one_currency_are_not_touched(tmp_path: Path) -> None:
    large = 2**53 + 1  # no float64 holds it
    plan = Plan((TYPES,), (Grouping("all", (), "monthly"),))
    cells = year_cells(plan, write(tmp_path, [report(loss_minor=large), report(loss_minor=2)], ["2023-01"]))
    assert cells["all"][["loss", "max_loss"]].to_numpy().tolist() == [[large + 2, large]]


# --------------------------------------------------------------------------------------------------------- bad partitions


def test_a_partition_that_is_cut_off_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, [report()] * 50, ["2023-01"])["2023-01"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RefusedInput, match=r"2023-01\.parquet, the file: .*expected a whole Parquet file"):
        read_month(path, "2023-01", [TYPES])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda table: table.drop_columns("victims"), "column victims: found no such column"),
        (lambda table: table.set_column(4, "loss_minor", pa.array([1.5])), "column loss_minor: found double; expected int64"),
        (lambda table: table.set_column(1, "region", pa.array([4])), "column region: found int64; expected dictionary or text"),
        (lambda table: table.set_column(1, "region", pa.array(["Atlantis"])), "column region: found 'Atlantis'"),
        (lambda table: table.set_column(1, "region", pa.array([None], pa.string())), "column region: found 1 empty fields"),
        (
            lambda table: table.set_column(0, "date", pa.array([dt.date(2023, 2, 1)])),
            "column date: found reports of 2023-02-01 to 2023-02-01; expected days of 2023-01",
        ),
        (lambda table: table.set_column(0, "date", pa.array([None], pa.date32())), "column date: found 1 reports without a day"),
    ],
)
@pytest.mark.parametrize("with_statistics", [True, False])
def test_another_layout_or_another_months_reports_are_refused(
    tmp_path: Path, change: Any, named: str, with_statistics: bool
) -> None:
    path = write(tmp_path, [report()], ["2023-01"])["2023-01"]
    pq.write_table(change(pq.read_table(path)), path, write_statistics=with_statistics)
    with pytest.raises(RefusedInput) as refused:
        read_month(path, "2023-01", [TYPES, REGIONS])
    assert str(refused.value).startswith(f"2023-01.parquet, {named}")


def test_a_currency_without_a_rate_is_refused(tmp_path: Path) -> None:
    partitions = write(tmp_path, [report(), report(currency="XXX")], ["2023-01"])
    with pytest.raises(RefusedInput, match=r"column currency: found XXX without a rate for 2023-01; expected one of USD, JPY"):
        year_cells(PLAN, partitions)


# ------------------------------------------------------------------------------------------------------ years and workers


@settings(max_examples=8, deadline=None)
@given(
    reports=st.lists(REPORT, max_size=20),
    missing=st.sets(st.integers(1, 12), max_size=2),
    to_date=st.integers(2, 11),
    bad=st.sampled_from([None, "2023-01", "2023-11"]),
)
def test_a_year_in_pieces_is_the_year(
    tmp_path_factory: pytest.TempPathFactory, reports: list[dict[str, Any]], missing: set[int], to_date: int, bad: str | None
) -> None:
    months = [f"2023-{month:02d}" for month in range(1, 13) if month not in missing]
    partitions = write(tmp_path_factory.mktemp("ledger"), reports, months)
    if bad in partitions:
        partitions[bad].write_bytes(b"cut off")
    year_to_date = f"2023-01/2023-{to_date:02d}"
    by = ("area", "fraud_type")
    plan = dataclasses.replace(
        PLAN, groupings=tuple(Grouping(each, by, each) for each in ("monthly", "quarterly", "annual", "year_to_date"))
    )
    for periods in (None, [year_to_date, *changed_periods(partitions, partitions)]):
        wanted = {"2023": Wanted(partitions, periods)}
        pieces = in_turn(wanted, 2)
        assert [piece.number for piece in pieces] == sorted({piece.number for piece in pieces}, reverse=True)
        whole = wanted_cells(plan, wanted)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ledger_module, "computed", in_this_process)
            cells = wanted_cells(plan, wanted, Engine(2))
        assert {month: str(reason) for month, reason in cells.refused.items()} == {
            month: str(reason) for month, reason in whole.refused.items()
        }
        for grouping in plan.groupings:
            assert cells.of[grouping.name].to_parquet() == whole.of[grouping.name].to_parquet()


def in_this_process(task: Any, items: Any, engine: Engine, **named: Any) -> Any:
    return computed(task, items, THIS_PROCESS, **named)


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), max_size=9), workers=st.integers(1, 5))
def test_workers_take_the_largest_years_first_and_the_last_ones_in_pieces_where_others_would_wait(
    sizes: list[int], workers: int
) -> None:
    wanted = {f"{2010 + place}": of_size(2010 + place, size) for place, size in enumerate(sizes)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger_module, "_rows", lambda path: int(path.name))
        pieces = in_turn(wanted, workers)
    uncut = [piece.year for piece in pieces if piece.number == 0]
    cut = list(dict.fromkeys(piece.year for piece in pieces if piece.number))
    assert list(pieces)[: len(uncut)] == [Piece(year, 0) for year in uncut]
    order = [sizes[int(year) - 2010] for year in [*uncut, *cut]]
    assert order == sorted(sizes, reverse=True)
    last = len(sizes) % workers
    assert len(cut) == (last if 2 * last <= workers else 0)
    for year in cut:
        of_year = {piece.number: each for piece, each in pieces.items() if piece.year == year}
        assert sorted(of_year) == [1, 2, 3, 4]
        asked = [period for _, each in sorted(of_year.items()) for period in each.periods or ()]
        assert sorted(asked) == sorted(changed_periods(wanted[year].partitions, wanted[year].partitions))
        assert [len(each.partitions) for _, each in sorted(of_year.items())] == [3, 3, 3, 12]


def of_size(year: int, reports: int) -> Wanted:
    return Wanted({f"{year}-{month:02d}": Path(str(reports)) for month in range(1, 13)})


def test_a_year_whose_piece_is_lost_has_no_cells(synthetic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_dies(task: Any, pieces: list[Piece], engine: Engine, *, modules: object, name_of: Any) -> dict[Piece, object]:
        return {piece: WorkerDied(name_of(piece)) if piece.number == 2 else task(piece) for piece in pieces}

    monkeypatch.setattr(ledger_module, "computed", one_dies)
    partitions = {month: partition(synthetic, month) for month in MONTHS if month[:4] in ("2019", "2020", "2021")}
    cells = ledger_cells(ledger_engines.plan(), partitions, engine=Engine(2))
    assert {name: str(reason) for name, reason in cells.refused.items()} == {"2019": "partitions 2019-04 to 2019-06"}
    assert set(cells.of["month_type"]["period"].str[:4]) == {"2020", "2021"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_partition_is_named_and_all_periods_without_it_are_counted(synthetic: Path, tmp_path: Path, workers: int) -> None:
    plan = ledger_engines.plan()
    partitions = {month: partition(synthetic, month) for month in MONTHS if month[:4] in ("2019", "2020", "2021")}
    whole = ledger_cells(plan, partitions, engine=Engine(workers))
    assert whole.refused == {}
    bad = tmp_path / "cut.parquet"
    bad.write_bytes(partitions["2020-03"].read_bytes()[:-9])
    cells = ledger_cells(plan, {**partitions, "2020-03": bad}, engine=Engine(workers))
    assert list(cells.refused) == ["2020-03"]
    assert str(cells.refused["2020-03"]).startswith("cut.parquet, the file: ")
    for grouping in plan.groupings:
        of_grouping = whole.of[grouping.name]
        of_others = of_grouping[~of_grouping["period"].isin(["2020-03", "2020-Q1", "2020"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(cells.of[grouping.name], of_others, check_categorical=False)


def test_years_follow_each_other_in_one_frame_with_the_periods_in_order(synthetic: Path) -> None:
    plan = ledger_engines.plan()
    partitions = {month: partition(synthetic, month) for month in reversed(MONTHS)}
    cells = ledger_cells(plan, partitions)
    assert list(cells.of["month_type"]["period"].cat.categories) == list(MONTHS)
    assert cells.of["month_type"]["cases"].sum() == 100_000
    remade = ledger_cells(plan, partitions, changed=["2021-05"])
    assert set(remade.of["year_region"]["period"]) == {"2021"}


def test_memory_that_would_not_suffice_is_refused_before_the_work_with_the_figure(synthetic: Path) -> None:
    plan = ledger_engines.plan()
    years = {year: {m: partition(synthetic, m) for m in MONTHS if m.startswith(year)} for year in ("2015", "2025")}
    rows = {year: sum(pq.read_metadata(path).num_rows for path in months.values()) for year, months in years.items()}
    needed = memory_needed(plan, years, workers=1)
    assert needed == (160 << 20) + max(rows.values()) * (60 + 7 * 3)
    assert memory_needed(plan, years, workers=2) == (320 << 20) + sum(rows.values()) * (60 + 7 * 3)
    partitions = years["2015"] | years["2025"]
    with pytest.raises(FraudlossError, match=r"1 workers needs 16\d MiB of memory and 100 MiB are free"):
        ledger_cells(plan, partitions, free_bytes=100 << 20)
    assert ledger_cells(plan, partitions, free_bytes=needed).refused == {}
