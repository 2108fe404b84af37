"""A label of a ledger stands only in its months: a report outside them is set aside, a cell outside them is no zero, and what two
schemes of types count is never added."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.ledger_demo import SOURCE
from benchmarks.ledger_layout import MONTHS
from pipeline import cli, quarantine, steps
from pipeline.aggregate import ledger
from pipeline.executors import LOCAL
from pipeline.model import FraudlossError, RefusedInput
from pipeline.reading.label_months import month_number
from pipeline.reading.ledger_csv import partition_csv
from pipeline.reading.ledger_layout import LedgerLayout
from pipeline.reading.ledger_parquet import partition_parquet
from pipeline.reading.partition_writer import Streamed
from pipeline.reading.partitions import Dimension, read_month
from pipeline.sources import ledger_reader
from pipeline.sources.catalogue import source
from tests.ledger_sample import copy_of_sources, declared_in, file_of, forget, reports, take_in, verdict_on

# ------------------------------------------------------------------------------------------------------------- one file

LABELS = ("always", "once", "twice", "never")
NUMBERS = {f"2023-{month:02d}": month_number(pd.Timestamp(2023, month, 1).date()) for month in range(1, 13)}
ONCE, TWICE = ("2023-02", "2023-04"), (("2023-01", "2023-01"), ("2023-04", "2023-12"))


def layout(stretches: Mapping[str, Sequence[tuple[str, str]]]) -> LedgerLayout:
    months = {text: [(NUMBERS[first], NUMBERS[last]) for first, last in each] for text, each in stretches.items()}
    types = Dimension("native_type", "native_type", {text: text for text in LABELS}, months)
    common = Dimension("fraud_type", "native_type", {text: text[0].upper() for text in LABELS}, months)
    return LedgerLayout({"date": "Day", "native_type": "Type", "loss_minor": "Cents"}, (types, common), ("EUR",), 2)


def written(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    path.write_text("\n".join(["Day,Type,Cents", *(f"{day},{text},100" for day, text in rows), ""]), encoding="utf-8")
    return path


def kept(streamed: Streamed, folder: Path) -> list[int]:
    assert streamed.read == sum(streamed.months.values()) + len(streamed.quarantined)
    return sorted(row for path in folder.glob("*.parquet") for row in pq.read_table(path).column("row").to_pylist())


def test_a_report_stands_on_the_first_and_the_last_day_of_its_labels_time_and_not_the_day_beside(tmp_path: Path) -> None:
    days = ["2023-01-31", "2023-02-01", "2023-04-30", "2023-05-01"]
    path = written(tmp_path / "reports.csv", [(day, "once") for day in days] + [("2023-05-01", "always")])
    for place, block_bytes in enumerate((1, 1 << 20)):
        folder = tmp_path / str(place)
        folder.mkdir()
        streamed = partition_csv(path, layout({"once": [ONCE]}), folder, block_bytes=block_bytes)
        assert kept(streamed, folder) == [3, 4, 6]
        told = [[row, "Type", "once", "label_not_in_force"] for row in (2, 5)]
        assert streamed.quarantined.values.tolist() == told


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(sorted(NUMBERS)), st.integers(1, 28), st.sampled_from(LABELS)), max_size=25),
    once=st.tuples(*[st.sampled_from(sorted(NUMBERS))] * 2).map(lambda ends: (min(ends), max(ends))),
    bad=st.sampled_from(["", "2023-02-30,always,100"]),
    block_bytes=st.sampled_from([30, 1 << 20]),
)
def test_what_is_kept_is_what_plain_python_keeps_of_csv_and_of_parquet(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str]], once: tuple[str, str], bad: str, block_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    stretches = {"once": [once], "twice": TWICE}
    expected = [
        row
        for row, (month, _, text) in enumerate(rows, start=2)
        if text not in stretches or any(first <= month <= last for first, last in stretches[text])
    ]
    days = [(f"{month}-{day:02d}", text) for month, day, text in rows]
    path = written(folder / "reports.csv", days)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{bad}\n" if bad else "")
    table = pa.table({"Day": [day for day, _ in days], "Type": [text for _, text in days], "Cents": [100] * len(days)})
    schema = pa.schema([("Day", pa.string()), ("Type", pa.string()), ("Cents", pa.int64())])
    pq.write_table(table.cast(schema), folder / "reports.parquet")
    (folder / "csv").mkdir()
    (folder / "parquet").mkdir()
    from_csv = partition_csv(path, layout(stretches), folder / "csv", block_bytes=block_bytes)
    from_parquet = partition_parquet(folder / "reports.parquet", layout(stretches), folder / "parquet")
    for streamed, name, others in ((from_csv, "csv", int(bool(bad))), (from_parquet, "parquet", 0)):
        assert kept(streamed, folder / name) == expected
        rules = streamed.quarantined["rule"].tolist()
        assert rules.count("label_not_in_force") == len(rules) - others == len(rows) - len(expected)


def test_a_partition_with_a_label_outside_its_months_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "reports.csv", [("2023-05-01", "once")])
    (tmp_path / "out").mkdir()
    partition_csv(path, layout({}), tmp_path / "out")
    [partition] = (tmp_path / "out").iterdir()
    assert len(read_month(partition, "2023-05", layout({"once": [("2023-05", "2023-05")]}).dimensions)) == 1
    with pytest.raises(RefusedInput, match="found 'once'; expected a label of native_type that is declared for 2023-05"):
        read_month(partition, "2023-05", layout({"once": [ONCE]}).dimensions)


# ------------------------------------------------------------------------------------------------------- a whole ledger

# The types of the ledger that hold for some time only; nobody reports the last two.
CRYPTO = "fraud_type,crypto,2024-02,2024-07,INV,exact,Y,,,,,,,made up"
ADDED = [
    CRYPTO,
    "fraud_type,new_type,2024-06,,OTH,exact,Y,,,,,,,made up",
    # An overlay before it became a type of its own.
    "fraud_type,of_which,,2024-03,OTH,exact,N,,,,,,,made up",
    "fraud_type,of_which,2024-08,,OTH,exact,Y,,,,,,,made up",
]
YOUNG = "age,LT18,2024-04,"
MONTHS_2024 = [month for month in MONTHS if month.startswith("2024")]
IN_FORCE = MONTHS_2024[1:7]


def sources(folder: Path) -> Path:
    copy_of_sources(folder, {"suite.json": ('"quarantine_limit_share": 0.01', '"quarantine_limit_share": 1.0')})
    crosswalk = folder / SOURCE / "crosswalk.csv"
    text = crosswalk.read_text(encoding="utf-8")
    for old, new in (("fraud_type,crypto,,,INV,exact,Y,,,,,,,made up", "\n".join(ADDED)), ("age,LT18,,", YOUNG)):
        assert old in text
        text = text.replace(old, new)
    crosswalk.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = sources(tmp_path_factory.mktemp("sources") / "synthetic")
    with declared_in(folder):
        yield folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("judged")
    folder = tmp_path_factory.mktemp("deliveries")
    take_in(root, [file_of(folder, month, kind="csv" if month < "2024-07" else "parquet") for month in MONTHS_2024])
    return root


@pytest.fixture(scope="module")
def counted(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shutil.copytree(judged, tmp_path_factory.mktemp("counted") / "data")
    steps.aggregate(SOURCE, data=root)
    return root


def of_time() -> pd.DataFrame:
    """The reports of 2024 whose labels stand in their time."""
    made = reports(MONTHS_2024)
    good = ((made["fraud_type"] != "crypto") | made["month"].isin(IN_FORCE)) & (
        (made["age"] != "LT18") | (made["month"] >= "2024-04")
    )
    return made[good]


def figures(root: Path, measure: str = "cases", table: str = "synthetic_types", **key: str) -> pd.DataFrame:
    rows = steps.view(data=root)
    rows = rows[(rows["measure"] == measure) & (rows["table"] == table)]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    return rows.set_index("period")


def counts_files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("observations", "cells")
        for path in sorted((root / "processed" / folder).rglob("*.parquet"))
    }


def test_reports_outside_the_time_of_their_label_are_set_aside_by_the_rule_and_counted_nowhere(counted: Path) -> None:
    made, good = reports(MONTHS_2024), of_time()
    rows = quarantine.shown(quarantine.Chosen(), data=counted)
    assert {tuple(row["rule_ids"]) for row in rows} == {("case_label_not_in_force",)}
    assert {row["problem_text"] for row in rows} == {"fraud_type: 'crypto'", "age: 'LT18'"}
    assert len(rows) == len(made) - len(good)
    for month, kind in (("2024-01", "csv"), ("2024-12", "parquet")):
        verdict = verdict_on(counted, f"{SOURCE}_{month}.{kind}")
        assert verdict["read"] == verdict["ok"] + verdict["quarantined"] == (made["month"] == month).sum()
        assert verdict["ok"] == (good["month"] == month).sum()
    total = figures(counted, native_type="_T")["value"]
    assert total["2024"] == len(good)
    assert total["2024-01"] == int((good["month"] == "2024-01").sum())


def test_a_type_has_no_value_outside_its_time_and_one_in_each_period_that_holds_a_month_of_it(counted: Path) -> None:
    good, crypto = of_time(), figures(counted, native_type="crypto")
    by_month = good[good["fraud_type"] == "crypto"].groupby("month").size().reindex(IN_FORCE, fill_value=0).to_dict()
    quarters = {"2024-Q1": IN_FORCE[:2], "2024-Q2": IN_FORCE[2:5], "2024-Q3": IN_FORCE[5:], "2024": IN_FORCE}
    expected = by_month | {quarter: sum(by_month[month] for month in months) for quarter, months in quarters.items()}
    assert crypto.loc[crypto["absence"] == "", "value"].drop(["2024-S1", "2024-S2"], errors="ignore").to_dict() == expected
    gone = crypto[crypto["absence"] != ""]
    assert set(gone.index) == {"2024-01", "2024-Q4", *MONTHS_2024[7:]}
    assert set(gone["absence"]) == {"not_applicable"}
    assert set(gone["note"]) == {"the type is not in use then"}
    assert gone["value"].isna().all()
    # What is made of counts is not there either.
    for measure in ("median_loss", "share_of_cases", "share_of_loss", "max_loss"):
        assert not set(gone.index) & set(figures(counted, measure, native_type="crypto").index)


def test_a_type_that_nobody_reports_is_a_true_zero_in_its_time_alone(counted: Path) -> None:
    found = figures(counted, native_type="new_type")
    assert found.loc[["2024-06", "2024-12", "2024-Q2", "2024-Q3", "2024"], "value"].tolist() == [0] * 5
    assert set(found.loc[["2024-01", "2024-05", "2024-Q1"], "absence"]) == {"not_applicable"}


def test_a_label_of_another_dimension_has_no_value_outside_its_time(counted: Path) -> None:
    good = of_time()
    found = figures(counted, table="synthetic_ages", age="Y_LT18")
    assert found.loc["2024-Q1", ["absence", "note"]].tolist() == ["not_applicable", "the category is not in use then"]
    assert found.loc["2024-Q2", "value"] == int(((good["age"] == "LT18") & good["month"].isin(MONTHS_2024[3:6])).sum())
    assert found.loc["2024", "value"] == int((good["age"] == "LT18").sum())


def test_a_type_is_an_overlay_in_every_period_that_holds_a_month_in_which_it_overlaps_others(counted: Path) -> None:
    found = figures(counted, native_type="of_which")
    overlay = found["overlay"].astype(bool)
    assert set(overlay[overlay].index) == {"2024-01", "2024-02", "2024-03", "2024-Q1", "2024"}
    assert found.loc[["2024-03", "2024-08", "2024"], "value"].tolist() == [0] * 3
    assert found.loc["2024-05", "absence"] == "not_applicable"


def test_the_parts_that_are_there_add_up_to_the_total(counted: Path) -> None:
    for measure in ("cases", "loss", "victims"):
        rows = figures(counted, measure)
        rows = rows[(rows["absence"] == "") & ~rows["overlay"].astype(bool) & (rows["unit"] != "USD_CONSTANT")]
        parts = rows[rows["native_type"] != "_T"].groupby(level=0)["value"].sum()
        for period in ("2024-01", "2024-02", "2024-08", "2024-Q1", "2024-Q4", "2024"):
            assert parts[period] == rows.loc[rows["native_type"] == "_T", "value"][period]


@pytest.mark.parametrize("dask", ["", LOCAL])
def test_processes_and_the_workers_of_a_dask_cluster_make_the_bytes_of_one_process(
    judged: Path, counted: Path, tmp_path: Path, dask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(judged, tmp_path / "data")
    monkeypatch.setattr(ledger, "ROWS_FOR_SEVERAL_PROCESSES", 0)
    assert cli.main(["--data", str(root), "aggregate", SOURCE, "--workers", "2", "--dask", dask]) == 0
    assert counts_files(root) == counts_files(counted)


def test_a_month_that_changes_at_the_edge_of_a_labels_time_gives_the_bytes_of_a_run_from_nothing(
    judged: Path, counted: Path, tmp_path: Path
) -> None:
    again = file_of(tmp_path / "again", "2024-02", 12_000)
    nightly, once = (shutil.copytree(root, tmp_path / name) for root, name in ((counted, "nightly"), (judged, "once")))
    for root in (nightly, once):
        take_in(root, [again], "2026-01-15")
        steps.aggregate(SOURCE, data=root)
    assert counts_files(nightly) == counts_files(once)
    assert counts_files(nightly) != counts_files(counted)


# ---------------------------------------------------------------------------------------------------- another scheme of types


def with_another_scheme(folder: Path) -> Path:
    """From June on another scheme, in which crypto is no type any more and `new_type` is one; bands are counted in both alike."""
    sources(folder)
    path = folder / SOURCE / "source.yml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("classification: synthetic_2015\n", 'classification: {synthetic_2015: , synthetic_2024: "2024-06"}\n'),
        ("  synthetic_2015: twelve made-up types\n", "  synthetic_2015: made-up types\n  synthetic_2024: other made-up types\n"),
        ("by: [loss_band],", "by: [loss_band], classification: synthetic_bands,"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    crosswalk = folder / SOURCE / "crosswalk.csv"
    crosswalk.write_text(crosswalk.read_text(encoding="utf-8").replace("crypto,2024-02,2024-07", "crypto,,2024-05"))
    suite = folder / SOURCE / "suite.json"
    suite.write_text(
        suite.read_text(encoding="utf-8").replace('"synthetic_2015"', '"synthetic_2015","synthetic_2024","synthetic_bands"')
    )
    return folder


def test_what_two_schemes_of_types_count_is_never_added(judged: Path, tmp_path: Path) -> None:
    root = shutil.copytree(judged, tmp_path / "data")
    with declared_in(with_another_scheme(tmp_path / "sources")):
        steps.validate(SOURCE, data=root)
        steps.aggregate(SOURCE, data=root)
        by_type, bands = figures(root), figures(root, table="synthetic_loss_bands", loss_band="_T")
        scheme_of = by_type["classification"].groupby(level=0).agg(set)
        assert scheme_of["2024-05"] == scheme_of["2024-Q1"] == {"synthetic_2015"}
        assert scheme_of["2024-06"] == scheme_of["2024-Q3"] == {"synthetic_2024"}
        # These hold months of both.
        assert not {"2024-Q2", "2024"} & set(by_type.index)
        made = reports(MONTHS_2024)
        sound = ((made["fraud_type"] != "crypto") | (made["month"] < "2024-06")) & (
            (made["age"] != "LT18") | (made["month"] >= "2024-04")
        )
        assert bands.loc["2024", "value"] == int(sound.sum())
        # A type of one scheme alone is no cell of the other.
        of_crypto, of_new = (by_type[by_type["native_type"] == name] for name in ("crypto", "new_type"))
        assert set(of_crypto["classification"]) == {"synthetic_2015"}
        assert set(of_new["classification"]) == {"synthetic_2024"}
        assert of_crypto.loc["2024-05", "value"] == int(((made["fraud_type"] == "crypto") & (made["month"] == "2024-05")).sum())
        kept_cells = {
            path.name.partition("=")[0] for path in (root / "processed" / "cells").rglob("types_payments_contacts/*.parquet")
        }
        assert kept_cells == set()
    forget()


@pytest.mark.parametrize(
    "declared",
    ["{a: 2020-01, b: 2021-01}", "{a: , b: }", "{a: , b: 2021}", "{a: , b: 2021-05, c: 2021-05}", "{}"],
    ids=["the first has a month", "the second has none", "a year", "two at once", "none"],
)
def test_schemes_that_are_not_declared_in_the_order_of_time_are_refused(tmp_path: Path, declared: str) -> None:
    yaml.safe_load(declared)
    changes = {"source.yml": ("classification: synthetic_2015\n", f"classification: {declared}\n")}
    with (
        declared_in(copy_of_sources(tmp_path / "sources", changes)),
        pytest.raises(FraudlossError, match=r"source\.yml, ledger, classification: the schemes in the order of time"),
    ):
        ledger_reader.schemes(source(SOURCE))
    forget()


def test_a_label_with_two_common_codes_is_refused(tmp_path: Path) -> None:
    two = "fraud_type,crypto,,2024-01,INV,exact,Y,,,,,,,made up\nfraud_type,crypto,2024-02,,OTH,exact,Y,,,,,,,made up"
    changes = {"crosswalk.csv": ("fraud_type,crypto,,,INV,exact,Y,,,,,,,made up", two)}
    with declared_in(copy_of_sources(tmp_path / "sources", changes)), pytest.raises(FraudlossError, match="several common codes"):
        ledger_reader.dimensions(source(SOURCE))
    forget()
