"""A declared ledger goes the way of every source: month files in, figures and releases out; what changed is made again."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import hashlib
import json
import lzma
import math
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.ledger_demo import SOURCE, SOURCES
from benchmarks.ledger_layout import MONTHS
from pipeline import ledgers, quarantine, questions, steps, verification
from pipeline.aggregate import ledger as counting
from pipeline.aggregate.derive import derive
from pipeline.aggregate.ledger_cubes import countings
from pipeline.aggregate.view import in_force
from pipeline.model import FraudlossError, NothingToPublish, Period, RefusedInput, Snapshot, UsageError
from pipeline.reading import record_ids
from pipeline.sources.catalogue import source, source_ids
from pipeline.sources.ledger_reader import dimensions, layout_of
from pipeline.store import ChangedBytes, Store
from tests.figures import gini, interval_ends, snapshot
from tests.ledger_sample import ROWS, copy_of_sources, declared_in, file_of, forget, reports, take_in, verdict_on, with_loss

MONTHS_2024 = [month for month in MONTHS if month.startswith("2024")]
GIVEN = [*MONTHS_2024, "2025-01"]


@pytest.fixture(autouse=True, scope="module")
def synthetic() -> Iterator[None]:
    with declared_in():
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("deliveries")
    return {month: file_of(folder, month) for month in GIVEN}


@pytest.fixture(scope="module")
def counted_once(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("counted")
    take_in(root, list(files.values()))
    steps.aggregate(SOURCE, data=root)
    return root


@pytest.fixture
def counted(counted_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(counted_once, tmp_path / "data")


def figure(rows: pd.DataFrame, **key: Any) -> Decimal:
    usual = {"native_type": "_T", "age": "_T", "contact": "_T", "payment": "_T", "loss_band": "_T", "table": "synthetic_types"}
    for name, value in {**usual, **key}.items():
        rows = rows[rows[name] == value]
    [value] = rows["value"]
    return Decimal(value)


def counted_files(root: Path) -> dict[str, bytes]:
    """The figures and cells of periods, by what they are and were made of."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("observations", "cells")
        for path in sorted((root / "processed" / folder).rglob("*.parquet"))
    }


def periods(names: Sequence[str]) -> set[str]:
    return {name.rpartition("/")[2].partition("=")[0] for name in names}


# ------------------------------------------------------------------------------------------------------------ the figures


def test_figures_are_what_plain_pandas_says_of_the_reports(counted_once: Path) -> None:
    view = steps.view(data=counted_once)
    for period, months in (("2024-05", ["2024-05"]), ("2024-Q2", MONTHS_2024[3:6]), ("2024", MONTHS_2024)):
        everything = reports(months)
        for native_type in ("_T", "investment", "romance"):
            of_type = everything if native_type == "_T" else everything[everything["fraud_type"] == native_type]
            losses = of_type.loc[of_type["loss"] > 0, "loss"].sort_values()
            key = {"period": period, "native_type": native_type}
            assert figure(view, **key, measure="cases") == len(of_type)
            assert figure(view, **key, measure="victims") == int(of_type["victims"].sum())
            assert figure(view, **key, measure="cases_with_loss") == len(losses)
            assert figure(view, **key, measure="loss", unit="USD") == Decimal(int(of_type["loss"].sum())).scaleb(-2)
            assert figure(view, **key, measure="median_loss", unit="USD") == Decimal(str(losses.median())) / 100
            if period == "2024":
                ends = interval_ends(losses.tolist(), 9, 10)
                bounds = [figure(view, **key, measure=f"p90_loss_{end}_95", unit="USD") for end in ("lower", "upper")]
                assert bounds == [Decimal(end).scaleb(-2) for end in ends]
            if period != "2024-05" or native_type == "_T":
                assert figure(view, **key, measure="distinct_victims") == int(of_type["victim_id"].nunique())
                assert figure(view, **key, measure="max_loss", unit="USD") == Decimal(int(losses.max())).scaleb(-2)
                top = losses.tail(math.ceil(len(losses) / 10)).sum()
                assert float(figure(view, **key, measure="top_10_share")) == pytest.approx(100 * top / losses.sum(), abs=0.0006)
                assert figure(view, **key, measure="gini_loss", unit="coefficient") == Decimal(gini(losses.tolist())).scaleb(-6)
            if period != "2024-05" and native_type != "_T":
                share = 100 * of_type["loss"].sum() / everything["loss"].sum()
                assert float(figure(view, **key, measure="share_of_loss")) == pytest.approx(share, abs=0.0006)


def test_loss_bands_and_the_parts_of_a_dimension_add_up_to_their_total(counted_once: Path) -> None:
    view, of_year = steps.view(data=counted_once), reports(MONTHS_2024)
    bands = view[(view["table"] == "synthetic_loss_bands") & (view["period"] == "2024") & (view["measure"] == "cases")]
    edges = [0, 100_00, 1000_00, 10_000_00, 100_000_00, 1_000_000_00, math.inf]
    expected = {"NONE": int((of_year["loss"] == 0).sum()), "NEGATIVE": 0, "_U": 0, "_T": len(of_year)}
    names = ["GT0_LT100", "GE100_LT1000", "GE1000_LT10000", "GE10000_LT100000", "GE100000_LT1000000", "GE1000000"]
    for name, low, high in zip(names, edges, edges[1:], strict=False):
        expected[f"USD_{name}"] = int(((of_year["loss"] >= max(low, 1)) & (of_year["loss"] < high)).sum())
    assert dict(zip(bands["loss_band"], map(int, bands["value"]), strict=True)) == expected
    ages = view[(view["table"] == "synthetic_ages") & (view["period"] == "2024") & (view["measure"] == "cases")]
    assert ages.loc[ages["age"] != "_T", "value"].sum() == len(of_year)


def with_losses(folder: Path, month: str, losses: Sequence[int | None]) -> Path:
    """A month whose first reports have these losses, in cents of US dollars."""
    table = pq.read_table(file_of(folder, month, rows=2_000, kind="parquet")).to_pydict()
    table["currency"][: len(losses)] = ["USD"] * len(losses)
    table["loss_minor"][: len(losses)] = losses
    path = folder / "changed" / f"{SOURCE}_{month}.parquet"
    path.parent.mkdir(exist_ok=True)
    schema = pq.read_schema(folder / f"{SOURCE}_{month}.parquet")
    pq.write_table(pa.Table.from_pydict(table, schema=schema), path)
    return path


def test_corrections_below_zero_have_a_band_of_their_own_and_are_published(tmp_path: Path) -> None:
    path = with_losses(tmp_path, "2024-05", [-1, -25_000, 0, None, 99_99])
    take_in(tmp_path / "data", [path])
    steps.aggregate(SOURCE, data=tmp_path / "data")
    of_month = with_loss(pq.read_table(path).to_pandas().fillna({"loss_minor": 0}))
    view = steps.view(data=tmp_path / "data")
    bands = view[(view["table"] == "synthetic_loss_bands") & (view["period"] == "2024-05")]
    cases, loss = (
        {row.loss_band: row.value for row in bands[bands["measure"] == name].itertuples()} for name in ("cases", "loss")
    )
    assert (cases["NEGATIVE"], loss["NEGATIVE"]) == (2, Decimal("-250.01"))
    assert (cases["NONE"], loss["NONE"]) == (int((of_month["loss"] == 0).sum()) - 1, 0)
    for found in (cases, loss):
        assert found["_T"] == sum(value for band, value in found.items() if band != "_T" and value is not None)
    assert loss["_T"] == Decimal(int(of_month["loss"].sum())).scaleb(-2)
    [origin] = bands.loc[(bands["loss_band"] == "NEGATIVE") & (bands["measure"] == "loss"), "origin"]
    [traced] = ledgers.records_of(
        Store(tmp_path / "data"), source(SOURCE), origin, Store(tmp_path / "data").snapshots(SOURCE)
    ).values()
    assert len(traced) == 2
    release = steps.publish("monthly", "2024-05", data=tmp_path / "data")
    folder = tmp_path / "data" / "processed" / "releases" / "monthly" / "2024-05" / str(release)
    assert "negative correction" in (folder / f"tables_source_{SOURCE}.html").read_text(encoding="utf-8")
    assert "マイナスの訂正" in (folder / f"tables_source_{SOURCE}.ja.html").read_text(encoding="utf-8")


def test_a_sum_of_losses_below_zero_stops_its_period(tmp_path: Path) -> None:
    take_in(tmp_path / "data", [with_losses(tmp_path, "2024-05", [-10_000_000_00] * 10)])
    with pytest.raises(FraudlossError, match=r"observations\.not_negative"):
        steps.aggregate(SOURCE, data=tmp_path / "data")


def test_losses_at_constant_prices_say_so_and_are_those_of_the_named_month(counted_once: Path) -> None:
    view = steps.view(data=counted_once)
    prices = pd.read_csv(SOURCES / SOURCE / "prices.csv").set_index("month")["index"]
    real = view[(view["table"] == "synthetic_constant_prices") & (view["period"] == "2024-05") & (view["measure"] == "loss")]
    assert real["unit"].tolist() == ["USD_CONSTANT"]
    assert real["note"].tolist() == ["at the prices of 2025-12"]
    nominal = figure(view, period="2024-05", measure="loss", unit="USD")
    assert float(real["value"].iloc[0]) == pytest.approx(float(nominal) * prices["2025-12"] / prices["2024-05"], rel=1e-6)


def test_large_cubes_are_kept_as_cells_of_every_report(counted_once: Path) -> None:
    [path] = (counted_once / "processed" / "cells" / f"source={SOURCE}" / "region_types").glob("2024-05=*.parquet")
    cells = pd.read_parquet(path, partitioning=None)
    expected = reports(["2024-05"]).groupby(["region", "fraud_type"])["loss"].agg(["size", "sum"])
    keys = cells["area"].astype(str).str[3:5] + "-" + cells["area"].astype(str).str[5:]
    found = pd.DataFrame(
        {"region": keys, "fraud_type": cells["native_type"].astype(str), "size": cells["cases"], "sum": cells["loss"]}
    )
    pd.testing.assert_frame_equal(
        found.set_index(["region", "fraud_type"]).sort_index(), expected.sort_index(), check_index_type=False, check_dtype=False
    )
    years = (counted_once / "processed" / "cells" / f"source={SOURCE}" / "regions").glob("*.parquet")
    assert periods([path.name for path in years]) == {"2024"}


def test_a_figure_leads_back_to_the_rows_of_its_month_files(counted_once: Path, files: dict[str, Path]) -> None:
    view = steps.view(data=counted_once)
    row = view[
        (view["table"] == "synthetic_ages")
        & (view["period"] == "2024-Q2")
        & (view["age"] == "Y25T34")
        & (view["measure"] == "cases")
    ]
    traced = questions.trace(row["id"].iloc[0], data=counted_once)
    assert traced.cells[0].text.startswith(f"{int(row['value'].iloc[0])} records: synthetic_ledger_2024-04.csv row ")
    first = int(traced.cells[0].text.split(" row ")[1].split(",")[0])
    assert '"25_34"' in files["2024-04"].read_text(encoding="utf-8").splitlines()[first - 1]
    band = view[(view["loss_band"] == "USD_GE1000_LT10000") & (view["period"] == "2024-05") & (view["measure"] == "cases")]
    assert (
        questions.trace(band["id"].iloc[0], data=counted_once).cells[0].text.startswith(f"{int(band['value'].iloc[0])} records")
    )


# ------------------------------------------------------------------------------------------------------------ incremental


def test_a_few_months_at_a_time_give_the_same_bytes_as_all_at_once(files: dict[str, Path], counted: Path, tmp_path: Path) -> None:
    # From the last months to the first: a quarter and a year are made when their first month arrives.
    batches = {
        ("2025-01", "2024-12", "2024-11"): set[str](),
        ("2024-10", "2024-09", "2024-08"): {"2024-Q4"},
        ("2024-07", "2024-06", "2024-05", "2024-04", "2024-03", "2024-02"): {"2024-Q3", "2024-Q2"},
        ("2024-01",): {"2024-Q1", "2024"},
    }
    before: set[str] = set()
    for months, completed in batches.items():
        take_in(tmp_path / "nightly", [files[month] for month in months])
        steps.aggregate(SOURCE, data=tmp_path / "nightly")
        made = counted_files(tmp_path / "nightly").keys() - before
        assert periods(sorted(made)) == {*months, *completed}
        before |= made
    assert counted_files(tmp_path / "nightly") == counted_files(counted)


def test_nothing_is_made_where_nothing_changed(files: dict[str, Path], counted: Path) -> None:
    before = counted_files(counted)
    take_in(counted, list(files.values()))
    assert steps.validate(SOURCE, data=counted) == []
    assert steps.aggregate(SOURCE, data=counted) is None
    assert counted_files(counted) == before


def test_a_new_file_replaces_its_month_and_remakes_its_quarter_and_year_and_nothing_else(
    files: dict[str, Path], counted: Path, tmp_path: Path
) -> None:
    before = counted_files(counted)
    again = file_of(tmp_path / "corrected", "2024-05", ROWS + 2000)
    take_in(counted, [again], "2026-01-15")
    steps.aggregate(SOURCE, data=counted)
    after = counted_files(counted)
    # What was known before is still known as of then.
    assert before.items() <= after.items()
    assert periods(sorted(after.keys() - before.keys())) == {"2024-05", "2024-Q2", "2024"}
    take_in(tmp_path / "scratch", [path for month, path in files.items()])
    take_in(tmp_path / "scratch", [again], "2026-01-15")
    steps.aggregate(SOURCE, data=tmp_path / "scratch")
    assert counted_files(tmp_path / "scratch") == after
    pd.testing.assert_frame_equal(steps.view(data=tmp_path / "scratch"), steps.view(data=counted))


def test_as_of_a_day_the_figures_are_those_of_that_day_and_the_revision_is_told(
    files: dict[str, Path], counted: Path, tmp_path: Path
) -> None:
    old, year = len(reports(["2024-05"])), len(reports(MONTHS_2024))
    take_in(counted, [file_of(tmp_path / "corrected", "2024-05", ROWS + 2000)], "2026-01-15")
    steps.aggregate(SOURCE, data=counted)
    new = len(reports(["2024-05"], ROWS + 2000))
    for as_of, of_may in (("2026-01-14", old), ("2026-01-15", new)):
        view = steps.view(data=counted, as_of=pd.Timestamp(as_of).date())
        assert figure(view, period="2024-05", measure="cases") == of_may
        assert figure(view, period="2024", measure="cases") == year - old + of_may
    changes = questions.diff("2026-01-14", "2026-01-15", data=counted)
    # The half-year is the sum of its quarters.
    assert set(changes["period"]) == {"2024-05", "2024-Q2", "2024-S1", "2024"}
    of_may = changes[(changes["period"] == "2024-05") & (changes["measure"] == "cases") & (changes["native_type"] == "_T")]
    assert set(of_may["change"]) == {"revised"}


def test_an_earlier_file_that_comes_late_changes_nothing_of_today(counted: Path, tmp_path: Path) -> None:
    before = steps.view(data=counted)
    take_in(counted, [file_of(tmp_path / "late", "2024-05", ROWS + 2000)], "2025-06-01")
    steps.aggregate(SOURCE, data=counted)
    today = steps.view(data=counted)
    pd.testing.assert_frame_equal(today, before)
    then = steps.view(data=counted, as_of=pd.Timestamp("2025-06-01").date())
    assert set(then["period"]) == {"2024-05"}


def test_another_rate_remakes_its_month_quarter_and_year_and_no_file_is_read_again(counted: Path, tmp_path: Path) -> None:
    rates = (SOURCES / SOURCE / "exchange_rates.csv").read_text(encoding="utf-8")
    [line] = [line for line in rates.splitlines() if line.startswith("2024-11,GBP,")]
    folder = copy_of_sources(tmp_path / "sources", {"exchange_rates.csv": (line, "2024-11,GBP,0.5,synthetic")})
    before = counted_files(counted)
    with declared_in(folder):
        assert steps.validate(SOURCE, data=counted) == []
        steps.aggregate(SOURCE, data=counted)
    after = counted_files(counted)
    assert periods(sorted(after.keys() - before.keys())) == {"2024-11", "2024-Q4", "2024"}
    assert periods(sorted(before.keys() - after.keys())) == {"2024-11", "2024-Q4", "2024"}
    forget()


def test_a_period_has_one_state_on_each_day_on_which_one_of_its_months_became_known() -> None:
    held = [snapshot("a", "2024-01-31"), snapshot("b", "2024-02-29"), snapshot("c", "2024-03-31"), snapshot("b2", "2024-03-31")]
    months = {"a": ["2024-01"], "b": ["2024-02"], "c": ["2024-03"], "b2": ["2024-02"]}
    found = ledgers.states(held[::-1], months, ["monthly", "quarterly"])
    told = [(state.period.code, state.day.isoformat(), state.ids) for state in found]
    assert told == [
        ("2024-01", "2024-01-31", "a"),
        ("2024-02", "2024-02-29", "b"),
        ("2024-02", "2024-03-31", "b2"),
        ("2024-03", "2024-03-31", "c"),
        ("2024-Q1", "2024-03-31", "a+b2+c"),
    ]


def test_the_year_of_the_newest_month_is_counted_to_date_and_again_when_a_month_of_it_is_replaced() -> None:
    def told(held: list[Snapshot], months: dict[str, list[str]]) -> list[tuple[str, str, str]]:
        found = ledgers.states(held, months, ["year_to_date"])
        return [(state.period.code, state.day.isoformat(), state.ids) for state in found]

    held = [snapshot("z", "2024-01-10"), snapshot("a", "2024-01-31"), snapshot("b", "2024-02-29"), snapshot("d", "2024-04-30")]
    held += [snapshot("c", "2024-05-02"), snapshot("b2", "2024-05-03"), snapshot("e", "2025-01-31"), snapshot("f", "2025-02-28")]
    months = {"z": ["2023-12"], "a": ["2024-01"], "b": ["2024-02"], "d": ["2024-04"], "c": ["2024-03"], "b2": ["2024-02"]}
    months |= {"e": ["2025-01"], "f": ["2025-02"]}
    assert told(held[::-1], months) == [
        ("2024-01/2024-02", "2024-02-29", "a+b"),
        # April alone leaves a hole; March fills it.
        ("2024-01/2024-04", "2024-05-02", "a+b+c+d"),
        ("2024-01/2024-02", "2024-05-03", "a+b2"),
        ("2024-01/2024-04", "2024-05-03", "a+b2+c+d"),
        # One month is no year to date.
        ("2025-01/2025-02", "2025-02-28", "e+f"),
    ]
    whole = [f"2023-{month:02d}" for month in range(1, 13)]
    assert told([snapshot("y", "2024-01-10")], {"y": whole}) == []
    assert told([snapshot("y", "2024-01-10")], {"y": whole[:11]}) == [("2023-01/2023-11", "2024-01-10", "y")]


def test_a_year_to_date_is_what_plain_pandas_says_and_distinct_over_all_of_it(files: dict[str, Path], tmp_path: Path) -> None:
    declared = (
        "by: [native_type]\n    frequencies: [quarterly, annual]",
        "by: [native_type]\n    frequencies: [year_to_date, annual]",
    )
    nightly, once = tmp_path / "nightly", tmp_path / "once"
    months = MONTHS_2024[:5]
    again = file_of(tmp_path / "again", "2024-03", ROWS + 2000)
    folder = copy_of_sources(tmp_path / "sources", {"source.yml": declared})
    suite = folder / SOURCE / "suite.json"
    text = suite.read_text(encoding="utf-8").replace(
        '"quarterly",\n      "monthly"', '"quarterly", "year_to_date",\n      "monthly"'
    )
    suite.write_text(text.replace(r"\\d{4}-Q[1-4]|", r"\\d{4}-Q[1-4]|\\d{4}-01/\\d{4}-\\d{2}|"), encoding="utf-8")
    with declared_in(folder):
        take_in(nightly, [files[month] for month in months])
        steps.aggregate(SOURCE, data=nightly)
        everything, view = reports(months), steps.view(data=nightly)
        assert set(view.loc[view["frequency"] == "year_to_date", "period"]) == {"2024-01/2024-05"}
        for native_type in ("_T", "romance"):
            rows = everything if native_type == "_T" else everything[everything["fraud_type"] == native_type]
            key = {"period": "2024-01/2024-05", "native_type": native_type}
            losses = rows.loc[rows["loss"] > 0, "loss"]
            assert figure(view, **key, measure="cases") == len(rows)
            assert figure(view, **key, measure="loss", unit="USD") == Decimal(int(rows["loss"].sum())).scaleb(-2)
            assert figure(view, **key, measure="median_loss", unit="USD") == Decimal(str(losses.median())) / 100
            assert figure(view, **key, measure="distinct_victims") == rows["victim_id"].nunique()
        take_in(nightly, [again], "2026-01-15")
        steps.aggregate(SOURCE, data=nightly)
        take_in(once, [*(files[month] for month in months)])
        take_in(once, [again], "2026-01-15")
        steps.aggregate(SOURCE, data=once)
        assert counted_files(nightly) == counted_files(once)
        assert "2024-01_2024-05" in periods(sorted(counted_files(once)))
        [row] = steps.view(data=once).query("period == '2024-01/2024-05' and measure == 'cases' and native_type == '_T'")["id"]
        assert (
            questions.trace(row, data=once)
            .cells[0]
            .text.startswith(
                f"{len(reports(months)) - len(reports(['2024-03'])) + len(reports(['2024-03'], ROWS + 2000))} records: "
            )
        )
        assert verification.verify(data=once).problems == []
    forget()


def test_a_file_that_ends_before_its_month_says_so_in_every_period_that_holds_it(
    files: dict[str, Path], counted: Path, tmp_path: Path
) -> None:
    lines = files["2024-05"].read_text(encoding="utf-8").splitlines(keepends=True)
    half = tmp_path / "half" / files["2024-05"].name
    half.parent.mkdir()
    half.write_text(
        "".join(line for line in lines if '"date"' in line or re.search(r"2024-05-(0|1[0-4])", line)), encoding="utf-8"
    )
    take_in(counted, [half], "2026-01-15")
    steps.aggregate(SOURCE, data=counted)
    last = max(re.findall(r"2024-05-\d\d", half.read_text(encoding="utf-8")))
    view = steps.view(data=counted)
    of_records = view[(view["derivation"] == "records") & (view["absence"] == "")]
    told = of_records["note"].str.contains(f"the file ends on {last}", regex=False)
    assert set(of_records.loc[told, "period"]) == {"2024-05", "2024-Q2", "2024"}
    assert told[of_records["period"].isin(["2024-05", "2024-Q2", "2024"])].all()


def test_persons_that_no_column_tells_of_are_not_counted_as_none(tmp_path: Path) -> None:
    folder = copy_of_sources(tmp_path / "sources", {"source.yml": ("    victim_id: victim_id\n", "")})
    with (
        declared_in(folder),
        pytest.raises(FraudlossError, match="cubes of synthetic_types: distinct_victims cannot be counted, for the columns"),
    ):
        countings(source(SOURCE), dimensions(source(SOURCE)), ["2024-01"])
    forget()


def test_minor_units_of_a_currency_with_other_decimals_are_refused(tmp_path: Path) -> None:
    folder = copy_of_sources(tmp_path / "sources", {"source.yml": ("NZD, SGD, CHF]", "NZD, JPY, KWD]")})
    with declared_in(folder), pytest.raises(FraudlossError, match=r"units of 10\^-2 of every currency, which JPY, KWD has not"):
        layout_of(source(SOURCE), f"{SOURCE}_2024-05.csv")
    forget()


def test_a_later_vintage_derives_what_a_run_from_nothing_derives(files: dict[str, Path], tmp_path: Path) -> None:
    # Four years, so that some of them have no news.
    folder, nightly, once = tmp_path / "files", tmp_path / "nightly", tmp_path / "once"
    months = ["2021-05", "2022-04", "2022-05", "2022-06", "2023-05"]
    early = [*(file_of(folder, month) for month in months), files["2024-05"]]
    take_in(nightly, early)
    steps.aggregate(SOURCE, data=nightly)
    again = file_of(folder, "2022-05", ROWS + 100, version="_corrected")
    lenient = copy_of_sources(
        tmp_path / "sources", {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 1.0')}
    )
    with declared_in(lenient):
        for root in (nightly, once):
            take_in(root, early)
            take_in(root, [again], "2026-01-15")
            steps.aggregate(SOURCE, data=root)
    view = steps.view(data=nightly)
    fresh = derive(in_force(view[view["derivation"] == "records"], _states(nightly)), source(SOURCE))
    pd.testing.assert_frame_equal(view, fresh)
    assert {"change_on_year", "share_of_cases"} <= set(view["measure"])
    pd.testing.assert_frame_equal(view, steps.view(data=once))


def _states(root: Path) -> list[Snapshot]:
    store = Store(root)
    snapshots = {item.id: item for item in store.snapshots(SOURCE)}
    return [ledgers.as_snapshot(each, snapshots) for each in ledgers.counts(store, SOURCE).values()]


# -------------------------------------------------------------------------------------------------------------- bad input


def changed_lines(path: Path, folder: Path, change: Any) -> Path:
    """The month with its lines changed by `change`, which is given the header and the lines."""
    folder.mkdir(exist_ok=True)
    header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / path.name).write_text("".join([header, *change(lines)]), encoding="utf-8")
    return folder / path.name


def test_bad_rows_are_kept_with_the_rule_that_the_suite_has_for_them_and_every_row_is_accounted_for(
    files: dict[str, Path], tmp_path: Path
) -> None:
    def break_two(lines: list[str]) -> list[str]:
        return [lines[0].replace("2024-02-01", "2024-02-30"), lines[1].replace("2024-02-", "2024-03-"), *lines[2:]]

    root = tmp_path / "data"
    with declared_in(
        copy_of_sources(tmp_path / "sources", {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 0.2')})
    ):
        take_in(root, [changed_lines(files["2024-02"], tmp_path / "bad", break_two)])
        verdict = verdict_on(root, files["2024-02"].name)
        rows = quarantine.shown(quarantine.Chosen(), data=root)
    assert verdict["status"] == "accepted"
    assert verdict["read"] == len(reports(["2024-02"])) == verdict["ok"] + verdict["quarantined"]
    assert [(row["row"], row["rule_ids"], row["problem_text"]) for row in rows] == [
        (2, ["case_date_unreadable"], "date: '2024-02-30'"),
        (3, ["case_date_in_another_month"], rows[1]["problem_text"]),
    ]
    assert rows[1]["problem_text"].startswith("date: '2024-03-")
    kept = pq.read_table(Store(root).cases_paths(Store(root).snapshots(SOURCE)[0])[0], partitioning=None)
    assert kept.column("row").to_pylist() == list(range(4, verdict["read"] + 2))


def test_a_rule_of_the_suite_alone_sets_its_rows_aside_too(files: dict[str, Path], tmp_path: Path) -> None:
    changes = {"suite.json": ('"max_value": 100\n', '"max_value": 4\n')}
    root = tmp_path / "data"
    text = (SOURCES / SOURCE / "suite.json").read_text(encoding="utf-8")
    assert changes["suite.json"][0] in text
    folder = copy_of_sources(tmp_path / "sources", changes)
    suite = folder / SOURCE / "suite.json"
    suite.write_text(suite.read_text(encoding="utf-8").replace('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 0.2'))
    with declared_in(folder):
        take_in(root, list(files.values())[:3])
        rows = quarantine.shown(quarantine.Chosen(), data=root)
        counted = sum(verdict_on(root, path.name)["ok"] for path in list(files.values())[:3])
    everything = reports(MONTHS_2024[:3])
    assert len(rows) == (everything["victims"] > 4).sum() > 0
    assert {rule for row in rows for rule in row["rule_ids"]} == {"case_victims_plausible"}
    assert counted == (everything["victims"] <= 4).sum()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_is_cut_off_is_kept_and_named_and_the_month_before_still_speaks(
    counted: Path, tmp_path: Path, kind: str
) -> None:
    before = counted_files(counted)
    path = file_of(tmp_path / "cut", "2024-05", ROWS + 2000, kind)
    path.write_bytes(path.read_bytes()[:-5])
    other = file_of(tmp_path / "cut", "2024-06", ROWS + 2000, kind)
    with pytest.raises(RefusedInput, match=rf"synthetic_ledger_2024-05\.{kind}"):
        steps.ingest(SOURCE, str(path), data=counted, published="2026-01-15")
    steps.ingest(SOURCE, str(other), data=counted, published="2026-01-15")
    ran = steps.run_source(SOURCE, data=counted)
    assert f"synthetic_ledger_2024-05.{kind}" in ran.refusal
    # The rest goes on.
    made = counted_files(counted).keys() - before.keys()
    assert periods(sorted(made)) == {"2024-06", "2024-Q2", "2024"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.drop_columns(["victims"]), "column victims: found no such column"),
        (lambda table: table.set_column(0, "report_id", table.column(0).cast(pa.float64())), "column report_id: found double"),
        (
            lambda table: table.set_column(
                table.column_names.index("loss_minor"), "loss_minor", table.column("loss_minor").cast(pa.float64())
            ),
            "column loss_minor: found double",
        ),
        (
            lambda table: table.drop_columns(["loss_minor"]).append_column(
                "loss", table.column("loss_minor").cast(pa.decimal128(22, 3))
            ),
            r"column loss: found decimal128\(22, 3\); expected a decimal with 2 decimals, or text",
        ),
    ],
    ids=["a column less", "an id in floating point", "an amount in floating point", "an amount with other decimals"],
)
def test_a_parquet_file_of_another_schema_is_refused(tmp_path: Path, change: Any, told: str) -> None:
    path = file_of(tmp_path / "odd", "2024-05", kind="parquet")
    table = pq.read_table(path)
    pq.write_table(change(table), path)
    with pytest.raises(RefusedInput, match=told):
        steps.ingest(SOURCE, str(path), data=tmp_path / "data", published="2026-01-15")


def test_a_day_of_parquet_is_midnight_in_its_own_time_zone_and_any_other_moment_is_set_aside(tmp_path: Path) -> None:
    table = pq.read_table(file_of(tmp_path / "in", "2024-05", kind="parquet"))
    midnights = pc.assume_timezone(table.column("date").cast(pa.timestamp("us")), "Asia/Tokyo")
    place = table.column_names.index("date")
    folder = copy_of_sources(
        tmp_path / "sources", {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 1.0')}
    )
    with declared_in(folder):
        for name, column, sound in (
            ("plain", table.column("date"), True),
            ("tokyo", midnights, True),
            # The same moments by other clocks: 15:00 of the day before.
            ("utc", midnights.cast(pa.timestamp("us", "UTC")), False),
            (
                "noon",
                pc.add(table.column("date").cast(pa.timestamp("us")), pa.scalar(12 * 3600 * 10**6, pa.duration("us"))),
                False,
            ),
        ):
            path = tmp_path / name / f"{SOURCE}_2024-05.parquet"
            path.parent.mkdir()
            pq.write_table(table.set_column(place, "date", column), path)
            take_in(tmp_path / name / "data", [path])
            verdict = verdict_on(tmp_path / name / "data", path.name)
            assert verdict["ok"] == (len(table) if sound else 0)
            assert sound or {
                row["rule_ids"][0] for row in quarantine.shown(quarantine.Chosen(), data=tmp_path / name / "data")
            } == {"case_date_unreadable"}
        partitions = [
            pq.read_table(Store(root).cases_paths(Store(root).snapshots(SOURCE)[0])[0], partitioning=None)
            for root in (tmp_path / "plain" / "data", tmp_path / "tokyo" / "data")
        ]
        assert partitions[0].equals(partitions[1])
    forget()


@pytest.mark.parametrize("kind", ["gzip", "zip", "bzip2", "xz"])
def test_a_packed_file_is_refused_as_what_it_is_whatever_it_is_called(files: dict[str, Path], tmp_path: Path, kind: str) -> None:
    content = files["2024-05"].read_bytes()
    packed = tmp_path / "in" / files["2024-05"].name
    packed.parent.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(packed.name, content)
    else:
        packed.write_bytes({"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}[kind](content))
    with pytest.raises(RefusedInput, match=rf"2024-05\.csv, the file: found an? {kind} archive.*What to do: unpack it"):
        steps.ingest(SOURCE, str(packed), data=tmp_path / "data", published="2026-01-15")


def test_parquet_and_csv_of_a_month_give_the_same_partition(files: dict[str, Path], tmp_path: Path) -> None:
    tables = []
    for name, path in (("csv", files["2024-05"]), ("parquet", file_of(tmp_path, "2024-05", kind="parquet"))):
        take_in(tmp_path / name, [path])
        [partition] = Store(tmp_path / name).cases_paths(Store(tmp_path / name).snapshots(SOURCE)[0])
        tables.append(pq.read_table(partition, partitioning=None))
    assert tables[0].equals(tables[1])


def test_a_file_of_another_month_than_its_name_says_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "synthetic_ledger_2024-06.csv"
    shutil.copy(files["2024-05"], path)
    with pytest.raises(FraudlossError, match=r"more than the 1% that the suite allows"):
        take_in(tmp_path / "data", [path])
    with pytest.raises(RefusedInput, match="a name that says which month it is of"):
        steps.ingest(SOURCE, str(shutil.copy(path, tmp_path / "may.csv")), data=tmp_path / "other", published="2026-01-15")


def test_bytes_that_are_held_under_the_name_of_another_month_are_not_taken_for_the_month_they_are_named_after(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root, right = tmp_path / "data", files["2024-05"]
    wrong = Path(shutil.copy(right, tmp_path / "synthetic_ledger_2024-06.csv"))
    steps.ingest(SOURCE, str(wrong), data=root, published="2026-01-10")
    with pytest.raises(
        RefusedInput, match=r"synthetic_ledger_2024-05\.csv, the name of the file: found the bytes of synthetic_ledger_20"
    ):
        steps.ingest(SOURCE, str(right), data=root, published="2026-01-10")
    inbox = Store(root).inbox(SOURCE)
    inbox.mkdir(parents=True)
    shutil.copy(right, inbox)
    with caplog.at_level("INFO"):
        assert steps.ingest_inbox(SOURCE, data=root) == []
    assert "not taken in source=synthetic_ledger reason=" in caplog.text
    # The same month again, under another name for it, says nothing new.
    again = Path(shutil.copy(right, tmp_path / "synthetic_ledger_2024-06_again.csv"))
    assert steps.ingest(SOURCE, str(again), data=root, published="2026-01-10").file == wrong.name


def test_a_month_with_a_currency_without_a_rate_is_named_and_the_others_are_counted(counted: Path, tmp_path: Path) -> None:
    rates = (SOURCES / SOURCE / "exchange_rates.csv").read_text(encoding="utf-8")
    [line] = [line for line in rates.splitlines(keepends=True) if line.startswith("2024-07,EUR,")]
    before = counted_files(counted)
    with declared_in(copy_of_sources(tmp_path / "sources", {"exchange_rates.csv": (line, "")})):
        with pytest.raises(FraudlossError, match="EUR without a rate for 2024-07"):
            steps.aggregate(SOURCE, data=counted)
        # It is not tried again, and still said.
        with pytest.raises(FraudlossError, match="EUR without a rate for 2024-07"):
            steps.aggregate(SOURCE, data=counted)
        view = steps.view(data=counted)
    after = counted_files(counted)
    assert periods(sorted(before.keys() - after.keys())) == {"2024-07", "2024-Q3", "2024"}
    assert after.items() <= before.items()
    assert {"2024-06", "2024-08", "2024-Q2"} <= set(view["period"])
    assert not {"2024-07", "2024-Q3"} & set(view["period"])
    forget()


def with_text_ids(folder: Path) -> Path:
    return copy_of_sources(folder, {"source.yml": ("record_id: integer", "record_id: text")})


@pytest.mark.parametrize("kind", ["integer", "text", "text whose hashes meet"])
def test_an_id_that_another_partition_has_is_set_aside_and_both_places_are_named(
    files: dict[str, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "text whose hashes meet":
        monkeypatch.setattr(
            record_ids.pd.util, "hash_array", lambda values, categorize: pd.Series(len(values) * [7]).to_numpy("uint64")
        )
    first_of_march = files["2024-03"].read_text(encoding="utf-8").splitlines()[1].split(",")[0]

    def repeat(lines: list[str]) -> list[str]:
        """The fifth report has the id of the third; the seventh that of the first of March."""
        ids = [line.split(",", 1) for line in lines]
        ids[4][0], ids[6][0] = ids[2][0], first_of_march
        return [",".join(line) for line in ids]

    bad = changed_lines(files["2024-04"], tmp_path / "bad", repeat)
    folder = SOURCES if kind == "integer" else with_text_ids(tmp_path / "sources")
    suite_folder = copy_of_sources(tmp_path / "lenient") if kind == "integer" else folder
    suite = suite_folder / SOURCE / "suite.json"
    suite.write_text(suite.read_text(encoding="utf-8").replace('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 0.2'))
    with declared_in(suite_folder):
        take_in(tmp_path / "data", [files["2024-03"], bad, files["2024-05"]])
        rows = quarantine.shown(quarantine.Chosen(), data=tmp_path / "data")
        assert [(row["origin"], row["rule_ids"], row["problem_text"]) for row in rows] == [
            (f"{bad.name} row 6", ["case_record_repeated"], f"the id stands in {bad.name} (2024-04) row 4 already"),
            (
                f"{bad.name} row 8",
                ["case_record_repeated"],
                "the id stands in synthetic_ledger_2024-03.csv (2024-03) row 2 already",
            ),
        ]
        steps.aggregate(SOURCE, data=tmp_path / "data")
        assert figure(steps.view(data=tmp_path / "data"), period="2024-04", measure="cases") == len(reports(["2024-04"])) - 2
        assert verification.verify(data=tmp_path / "data").problems == []
    forget()


def test_a_record_that_moved_is_sound_once_the_file_of_its_old_month_was_replaced(files: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "data"
    first = files["2024-03"].read_text(encoding="utf-8").splitlines(keepends=True)[1]

    def take_over(lines: list[str]) -> list[str]:
        return [",".join([first.split(",")[0], *lines[0].split(",")[1:]]), *lines[1:]]

    moved = changed_lines(files["2024-04"], tmp_path / "april", take_over)
    without = changed_lines(files["2024-03"], tmp_path / "march", lambda lines: lines[1:])
    take_in(root, [files["2024-03"], files["2024-04"]])
    take_in(root, [moved, without], "2026-01-15")
    assert verdict_on(root, moved.name)["quarantined"] == 0
    assert verdict_on(root, without.name)["quarantined"] == 0


def test_an_earlier_file_that_comes_late_has_the_later_ones_compared_with_it(files: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "data"
    march = files["2024-03"].read_text(encoding="utf-8").splitlines(keepends=True)

    def take_over(lines: list[str]) -> list[str]:
        return [",".join([march[1].split(",")[0], *lines[0].split(",")[1:]]), *lines[1:]]

    april = changed_lines(files["2024-04"], tmp_path / "april", take_over)
    lenient = copy_of_sources(
        tmp_path / "sources", {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 0.2')}
    )
    with declared_in(lenient):
        take_in(root, [april], "2026-01-10")
        assert verdict_on(root, april.name)["quarantined"] == 0
        take_in(root, [files["2024-03"]], "2026-01-09")
        assert verdict_on(root, april.name)["quarantined"] == 1
        take_in(tmp_path / "in order", [files["2024-03"]], "2026-01-09")
        take_in(tmp_path / "in order", [april], "2026-01-10")
        assert verdict_on(tmp_path / "in order", april.name) == verdict_on(root, april.name)
        # Of two files of one day, too, that of the later month has it set aside, whichever was judged first.
        for name, order in (("march first", [files["2024-03"], april]), ("april first", [april, files["2024-03"]])):
            for path in order:
                take_in(tmp_path / name, [path], "2026-01-10")
            assert [verdict_on(tmp_path / name, path.name)["quarantined"] for path in (files["2024-03"], april)] == [0, 1]
            assert steps.validate(SOURCE, data=tmp_path / name) == []
    forget()


def test_of_files_of_one_day_whose_months_lie_between_each_others_no_id_is_counted_twice(
    files: dict[str, Path], tmp_path: Path
) -> None:
    root, three = tmp_path / "data", tmp_path / f"{SOURCE}_2024-03_2024-05.csv"
    march, april, may = (files[month].read_text(encoding="utf-8").splitlines(keepends=True) for month in MONTHS_2024[2:5])
    three.write_text("".join([*march, *april[1:], *may[1:]]), encoding="utf-8")
    # An April that has the ids of the first reports of March and of May, and that speaks: of one day the greater hash does.
    taken = [",".join([of[1].split(",")[0], *line.split(",")[1:]]) for of, line in ((march, april[1]), (may, april[2]))]
    own = tmp_path / f"{SOURCE}_2024-04_own.csv"
    for left_out in range(1, 30):
        own.write_text("".join([april[0], *taken, *april[3:-left_out]]), encoding="utf-8")
        if hashlib.sha256(own.read_bytes()).digest() > hashlib.sha256(three.read_bytes()).digest():
            break
    lenient = copy_of_sources(
        tmp_path / "sources", {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 0.2')}
    )
    with declared_in(lenient):
        take_in(root, [three, own], "2026-01-10")
        rows = quarantine.shown(quarantine.Chosen(), data=root)
        # March is before April, and April before May, in whichever file they stand.
        assert sorted((row["origin"], row["problem_text"]) for row in rows) == [
            (f"{three.name} row {len(march) + len(april)}", f"the id stands in {own.name} (2024-04) row 3 already"),
            (f"{own.name} row 2", f"the id stands in {three.name} (2024-03) row 2 already"),
        ]
        assert steps.validate(SOURCE, data=root) == []
        steps.aggregate(SOURCE, data=root)
        cases = [figure(steps.view(data=root), period=month, measure="cases") for month in MONTHS_2024[2:5]]
        assert cases == [len(march) - 1, len(april) - 1 - left_out - 1, len(may) - 1 - 1]
    forget()


def test_memory_that_would_not_suffice_is_refused_before_anything_is_counted(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Little:
        available = 100 << 20

    take_in(tmp_path / "data", [files["2024-05"]])
    monkeypatch.setattr(counting.psutil, "virtual_memory", Little)
    with pytest.raises(FraudlossError, match=r"needs 1\d\d MiB of memory and 100 MiB are free"):
        steps.aggregate(SOURCE, data=tmp_path / "data")
    assert counted_files(tmp_path / "data") == {}


def test_a_partition_that_was_changed_by_hand_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    take_in(tmp_path / "data", [files["2024-02"]])
    [path] = Store(tmp_path / "data").cases_paths(Store(tmp_path / "data").snapshots(SOURCE)[0])
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChangedBytes, match=r"month=2024-02\.parquet"):
        steps.aggregate(SOURCE, data=tmp_path / "data")


def test_verify_looks_at_cells_and_ids_and_figures_of_periods(counted: Path) -> None:
    assert verification.verify(data=counted).problems == []
    processed = counted / "processed"
    cells = next((processed / "cells").rglob("2024-05=*.parquet"))
    cells.write_bytes(cells.read_bytes()[:-1] + b"?")
    ids = next((processed / "record_ids").rglob("month=2024-06.parquet"))
    ids.unlink()
    shutil.copy(cells, cells.with_name("2024-05=000000000000.parquet"))
    told = "\n".join(verification.verify(data=counted).problems)
    assert f"{cells}: its bytes are not those that processed/counts/synthetic_ledger.json lists" in told
    assert f"{ids}: is gone" in told
    assert "2024-05=000000000000.parquet: no manifest lists it" in told


# -------------------------------------------------------------------------------------------- real and made-up never meet


def test_made_up_and_real_sources_share_no_catalogue_and_no_data_root(counted_once: Path, tmp_path: Path) -> None:
    assert source_ids() == (SOURCE,)
    assert source(SOURCE).is_synthetic
    with declared_in(Path(steps.__file__).parent / "sources"):
        assert SOURCE not in source_ids()
        with pytest.raises(UsageError, match="real and made-up sources do not share a data root"):
            steps.view(data=counted_once)
    forget()
    (tmp_path / "raw" / "cafc" / "0123456789ab").mkdir(parents=True)
    (tmp_path / "raw" / "cafc" / "0123456789ab" / "snapshot.json").write_text("{}")
    with pytest.raises(UsageError, match="holds cafc"):
        steps.view(data=tmp_path)


def test_a_source_says_that_it_is_made_up_in_its_id_as_well(tmp_path: Path) -> None:
    folder = copy_of_sources(tmp_path / "sources", {"source.yml": ("synthetic: true", "synthetic: false")})
    with declared_in(folder), pytest.raises(FraudlossError, match="its id begins with 'synthetic_'"):
        source(SOURCE)
    forget()


def test_every_page_and_file_of_a_release_and_of_the_site_says_that_it_is_synthetic(counted: Path) -> None:
    steps.publish("quarterly", "2024-Q2", data=counted)
    steps.build_site(data=counted)
    [manifest] = (counted / "processed" / "releases" / "quarterly" / "2024-Q2").glob("*/manifest.json")
    pages = [*manifest.parent.glob("*.html"), *(counted / "processed" / "site").glob("*.html")]
    assert len(pages) >= 8
    for page in pages:
        told = "合成データ：実際の報告" if page.name.endswith(".ja.html") else "Synthetic data: nobody reported any of this"
        assert told in page.read_text(encoding="utf-8"), page
        assert page.stat().st_size < 1_000_000
    assert json.loads(manifest.read_text(encoding="utf-8"))["snapshots"][0]["source"] == SOURCE
    title = "Synthetic data: Fraud losses"
    assert title in json.loads((manifest.parent / "datapackage.json").read_text(encoding="utf-8"))["title"]
    book = pd.read_excel(manifest.parent / "summary.xlsx", sheet_name=0, header=None)
    assert str(book.iat[0, 0]).startswith(title)
    for name in ("sdmx_structure.xml", "citation.bib"):
        assert title in (manifest.parent / name).read_text(encoding="utf-8"), name
    for table in manifest.parent.glob("*.csv"):
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        column = "source" if "source" in rows else "DATAFLOW" if "DATAFLOW" in rows else ""
        told = rows[column].str.contains("ynthetic") if column else rows.apply(lambda row: "ynthetic" in " ".join(row), axis=1)
        assert told.all(), table.name


def test_an_embargo_on_a_month_of_a_ledger_holds_its_file_and_what_is_counted_of_it(counted: Path) -> None:
    february, now = Period.parse("2024-02"), dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    made = steps.embargo("monthly", "2024-02", until=None, reason="waits", now=now, data=counted)
    assert made.release_id
    held = steps.embargoes(now, data=counted).snapshots[february]
    assert {item.file for item in Store(counted).snapshots(SOURCE) if item.id in held} == {f"{SOURCE}_2024-02.csv"}
    with pytest.raises(NothingToPublish, match="under embargo"):
        steps.publish("monthly", "2024-02", data=counted, now=now)
    for frequency, period in (("quarterly", "2024-Q1"), ("annual", "2024")):
        with pytest.raises(NothingToPublish):
            steps.publish(frequency, period, data=counted, now=now)
    assert steps.publish("monthly", "2024-03", data=counted, now=now)


def test_an_embargo_on_a_quarter_of_a_ledger_holds_the_files_of_its_months(counted: Path) -> None:
    now = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
    steps.embargo("quarterly", "2024-Q2", until=None, reason="waits", now=now, data=counted)
    held = steps.embargoes(now, data=counted).held
    files = {item.file for item in Store(counted).snapshots(SOURCE) if item.id in held}
    assert files == {f"{SOURCE}_2024-{month}.csv" for month in ("04", "05", "06")}
