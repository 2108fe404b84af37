"""What is declared wrong in a month file of a ledger is read as declared, or set aside, and said by the figures."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.ledger_demo import SOURCE
from pipeline import quarantine, questions, steps, verification
from pipeline.model import FraudlossError, RefusedInput
from pipeline.publishing.reasons import declared_since
from pipeline.reading.ledger_csv import partition_csv
from pipeline.reading.ledger_layout import LedgerLayout
from pipeline.reading.partition_writer import Streamed
from pipeline.reading.partitions import Dimension
from pipeline.reading.record_corrections import RecordCorrection
from pipeline.store import Store
from tests.ledger_sample import copy_of_sources, declared_in, file_of, forget, take_in, verdict_on
from tests.test_record_corrections import WHY, correction, declare

HEADERS = {"date": "Day", "fraud_type": "Type of fraud", "currency": "Currency", "loss": "Loss", "victims": "Victims"}
LAYOUT = LedgerLayout(HEADERS, (Dimension.of("fraud_type", ["romance", "crypto"]),), ("EUR", "USD"), 2)
HEADER = "Number,Day,Type of fraud,Currency,Loss,Victims"
ROWS = [f'{row},2023-0{row % 3 + 1}-11,"romance",EUR,{row}.50,1' for row in range(2, 12)]


def written(folder: Path, *lines: str, end: str = "\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "reports.csv"
    path.write_text(end.join([HEADER, *lines, ""]), encoding="utf-8", newline="")
    return path


def streamed(path: Path, folder: Path, *corrections: RecordCorrection, **options: Any) -> tuple[Streamed, pa.Table]:
    folder.mkdir(exist_ok=True)
    result = partition_csv(path, LAYOUT, folder, corrections, **options)
    assert result.read == sum(result.months.values()) + len(result.quarantined)
    return result, pa.concat_tables([pq.read_table(file) for file in sorted(folder.iterdir())])


# -------------------------------------------------------------------------------------------------------------- one file


@pytest.mark.parametrize("block_bytes", [40, 1 << 20], ids=["small blocks", "one block"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_cell_that_is_declared_replaced_gives_the_partitions_of_a_file_that_holds_it(
    tmp_path: Path, end: str, block_bytes: int
) -> None:
    mended = [line.replace("7.50", "70.00") for line in ROWS]
    _, wanted = streamed(written(tmp_path / "mended", *mended, end=end), tmp_path / "wanted", block_bytes=block_bytes)
    declared = correction("E7", "7.50", "70.00")
    found, table = streamed(
        written(tmp_path / "as printed", *ROWS, end=end), tmp_path / "found", declared, block_bytes=block_bytes
    )
    assert table.equals(wanted)
    assert found.quarantined.empty


def test_a_cell_that_is_declared_refused_sets_its_row_aside_with_the_reason_and_all_others_go_on(tmp_path: Path) -> None:
    _, whole = streamed(written(tmp_path / "in", *ROWS), tmp_path / "whole")
    found, table = streamed(tmp_path / "in" / "reports.csv", tmp_path / "found", correction("E7", "7.50", None))
    assert found.quarantined.values.tolist() == [[7, "", f"Loss: '7.50': {WHY}", "declared_wrong"]]
    assert table.column("row").to_pylist() == [row for row in whole.column("row").to_pylist() if row != 7]


def test_what_is_declared_is_judged_by_the_same_rules_as_any_text(tmp_path: Path) -> None:
    found, _ = streamed(written(tmp_path / "in", *ROWS), tmp_path / "found", correction("E7", "7.50", "seven"))
    assert found.quarantined.values.tolist() == [[7, "Loss", "seven", "loss_unreadable"]]


def test_a_row_that_is_unreadable_and_declared_refused_is_set_aside_once(tmp_path: Path) -> None:
    rows = [line.replace("7.50", "seven").replace("9.50", "nine") for line in ROWS]
    found, _ = streamed(written(tmp_path / "in", *rows), tmp_path / "found", correction("E7", "seven", None))
    assert found.quarantined[["row", "rule"]].values.tolist() == [[7, "declared_wrong"], [9, "loss_unreadable"]]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("E7", "'7.50'"),
        ("E12", "outside of the file, which has 11 rows"),
        ("G7", "outside of the file, whose rows have 6 columns"),
        ("A7", "a column that is not read"),
        ("E1", "about the header"),
    ],
)
def test_a_mended_cell_and_one_that_is_not_read_stop_the_file(tmp_path: Path, cell: str, found: str) -> None:
    with pytest.raises(RefusedInput) as caught:
        streamed(written(tmp_path / "in", *ROWS), tmp_path / "found", correction(cell, "8.50", "80.00"))
    assert caught.value.cell == cell
    assert found in caught.value.found


def test_a_declaration_about_a_row_of_another_length_stops_the_file(tmp_path: Path) -> None:
    rows = [line.replace("7.50,1", "7.50") for line in ROWS]
    with pytest.raises(RefusedInput, match="a row of another length than the header"):
        streamed(written(tmp_path / "in", *rows), tmp_path / "found", correction("E7", "7.50", "8.50"))


CELL = st.text(st.sampled_from('romance2, ."é'), max_size=9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6), CELL.filter(bool), st.data())
def test_a_text_that_is_declared_is_judged_as_in_a_file_in_which_it_stands(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], value: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    folder = tmp_path_factory.mktemp("texts")

    def lines(pairs: list[tuple[str, str]]) -> list[str]:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([["1", "2023-01-02", kind, "EUR", loss, "1"] for kind, loss in pairs])
        # One sound row, so that there is a partition to compare.
        return ["1,2023-01-01,crypto,EUR,1.00,1", *out.getvalue().splitlines()]

    mended = [(kind, value) if row == place else (kind, loss) for row, (kind, loss) in enumerate(rows)]
    wanted, there = streamed(written(folder / "a", *lines(mended)), folder / "wanted")
    declared = correction(f"E{place + 3}", rows[place][1], value)
    found, here = streamed(written(folder / "b", *lines(rows)), folder / "found", declared)
    assert here.equals(there)
    pd.testing.assert_frame_equal(found.quarantined, wanted.quarantined)


# ------------------------------------------------------------------------------------------------------------- the ledger


MONTHS = ("2024-01", "2024-02", "2024-03")


@pytest.fixture(scope="module")
def counted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    copy_of_sources(folder / "sources")
    with declared_in(folder / "sources"):
        take_in(folder / "data", [file_of(folder / "in", month, 30_000) for month in MONTHS])
        steps.aggregate(SOURCE, data=folder / "data", workers=1)
    return folder


@pytest.fixture
def ledger(counted_once: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with sources, month files that were delivered (in), and a data root."""
    shutil.copytree(counted_once, tmp_path / "ledger")
    with declared_in(tmp_path / "ledger" / "sources"):
        yield tmp_path / "ledger"


def line(ledger: Path, month: str, row: int) -> tuple[list[str], list[str]]:
    """The header of a month file, and a row of it."""
    with (ledger / "in" / f"{SOURCE}_{month}.csv").open(encoding="utf-8", newline="") as stream:
        lines = list(csv.reader(stream))
    return lines[0], lines[row - 1]


def declare_loss(ledger: Path, month: str, row: int, action: str, value: str, expect: str = "") -> str:
    """Declare the amount of a row wrong; gives the words that say so."""
    header, fields = line(ledger, month, row)
    column = header.index("loss")
    cell, printed = f"{'ABCDEFGHIJKLMNOP'[column]}{row}", expect or fields[column]
    file = f"{SOURCE}_{month}.csv"
    declare(ledger / "sources" / SOURCE, (file, cell, printed, action, value, WHY, "a letter"))
    forget()
    return correction(cell, printed, value or None, file).words


def figures(ledger: Path, period: str, measure: str = "loss") -> pd.DataFrame:
    found = questions.query(data=ledger / "data", source=SOURCE, period=period, measure=measure)
    return found[found["derivation"] == "records"]


def total(ledger: Path, period: str, measure: str = "loss") -> dict[str, Any]:
    rows = figures(ledger, period, measure)
    rows = rows[(rows["table"] == "synthetic_types") & (rows["native_type"] == "_T") & (rows["age"] == "_T")]
    [row] = rows.to_dict("records")
    return {str(name): value for name, value in row.items()}


def run(ledger: Path) -> list[str]:
    judged = steps.validate(SOURCE, data=ledger / "data")
    steps.aggregate(SOURCE, data=ledger / "data", workers=1)
    return judged


def a_row_with_a_loss(ledger: Path, month: str) -> int:
    return next(row for row in range(2, 500) if len(line(ledger, month, row)[1][line(ledger, month, row)[0].index("loss")]) > 6)


@pytest.mark.slow
def test_a_correction_remakes_its_file_and_periods_alone_and_their_figures_say_so(ledger: Path) -> None:
    row = a_row_with_a_loss(ledger, "2024-02")
    before = {period: total(ledger, period) for period in (*MONTHS, "2024-Q1")}
    words = declare_loss(ledger, "2024-02", row, "replace", "1.00")
    judged = run(ledger)
    store = Store(ledger / "data")
    files = {item.id: item.file for item in store.snapshots(SOURCE)}
    # Files of the same day may have ids of the corrected file.
    assert {files[name] for name in judged} == set(files.values())
    after = {period: total(ledger, period) for period in (*MONTHS, "2024-Q1")}
    assert {period for period in after if after[period]["value"] != before[period]["value"]} == {"2024-02", "2024-Q1"}
    assert {period for period in after if words in after[period]["note"]} == {"2024-02", "2024-Q1"}
    header, fields = line(ledger, "2024-02", row)
    kind = fields[header.index("fraud_type")]
    of_types = figures(ledger, "2024-02")
    noted = of_types[of_types["note"].str.contains(words, regex=False)]
    assert set(noted.loc[noted["table"] == "synthetic_types", "native_type"]) == {"_T", kind}
    bands = noted.loc[noted["table"] == "synthetic_loss_bands", "loss_band"]
    assert 1 <= len(set(bands)) <= 3
    first, now = (pd.DataFrame([each["2024-02"]]) for each in (before, after))
    assert declared_since(first, now) == (words,)
    trace = questions.trace(after["2024-Q1"]["id"], data=ledger / "data")
    assert [cell.text for cell in trace.cells if "!" in cell.origin and "rows[" not in cell.origin] == [words]
    assert run(ledger) == []
    assert verification.verify(data=ledger / "data").problems == []


@pytest.mark.slow
def test_a_record_that_is_refused_is_set_aside_and_taken_in_again_when_the_declaration_is_removed(ledger: Path) -> None:
    file, row = f"{SOURCE}_2024-02.csv", a_row_with_a_loss(ledger, "2024-02")
    first, count = verdict_on(ledger / "data", file), total(ledger, "2024-02", "cases")
    words = declare_loss(ledger, "2024-02", row, "refuse", "")
    run(ledger)
    now = verdict_on(ledger / "data", file)
    assert (now["read"], now["ok"], now["quarantined"]) == (first["read"], first["ok"] - 1, first["quarantined"] + 1)
    [shown] = quarantine.shown(quarantine.Chosen(SOURCE, rule="case_declared_wrong"), data=ledger / "data")
    assert shown["origin"] == f"{file} row {row}"
    assert WHY in shown["problem_text"]
    without = total(ledger, "2024-02", "cases")
    assert (without["value"], without["note"]) == (count["value"] - 1, words)
    (ledger / "sources" / SOURCE / "corrections.csv").unlink()
    forget()
    [replayed] = quarantine.replay(quarantine.Chosen(SOURCE, rule="case_declared_wrong"), data=ledger / "data")
    assert (replayed["set_aside_before"], replayed["set_aside_now"]) == (now["quarantined"], first["quarantined"])
    run(ledger)
    assert verdict_on(ledger / "data", file) == first
    assert total(ledger, "2024-02", "cases") == count


@pytest.mark.slow
def test_a_mended_file_is_refused_and_what_was_known_before_speaks_on(ledger: Path) -> None:
    row = a_row_with_a_loss(ledger, "2024-02")
    declare_loss(ledger, "2024-02", row, "replace", "1.00")
    run(ledger)
    before = total(ledger, "2024-02")
    path = ledger / "in" / f"{SOURCE}_2024-02.csv"
    header, fields = line(ledger, "2024-02", row)
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[row - 1] = lines[row - 1].replace(fields[header.index("loss")], "2.00")
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    with pytest.raises(FraudlossError, match=r"found '2\.00'; expected .*, as corrections\.csv declares"):
        take_in(ledger / "data", [path], published="2026-02-10")
    with pytest.raises(FraudlossError, match="remove or change the declaration"):
        run(ledger)
    steps.aggregate(SOURCE, data=ledger / "data", workers=1)
    assert total(ledger, "2024-02") == before


@pytest.mark.slow
def test_a_slip_in_a_declaration_stops_the_run_and_what_was_read_of_the_file_stands(ledger: Path) -> None:
    file, before = f"{SOURCE}_2024-02.csv", total(ledger, "2024-02")
    first = verdict_on(ledger / "data", file)
    declare_loss(ledger, "2024-02", a_row_with_a_loss(ledger, "2024-02"), "replace", "1.00", expect="0.01")
    for _ in range(2):
        with pytest.raises(FraudlossError, match=r"expected '0\.01', as corrections\.csv declares"):
            run(ledger)
    steps.aggregate(SOURCE, data=ledger / "data", workers=1)
    assert verdict_on(ledger / "data", file) == first
    assert total(ledger, "2024-02") == before
    assert verification.verify(data=ledger / "data").problems == []


@pytest.mark.slow
def test_a_declaration_about_a_parquet_file_is_refused(ledger: Path) -> None:
    path = file_of(ledger / "in", "2024-04", 100, "parquet")
    declare(ledger / "sources" / SOURCE, (path.name, "E5", "1.00", "replace", "2.00", WHY, "a letter"))
    forget()
    with pytest.raises(RefusedInput, match="a Parquet file, whose cells hold values and no texts"):
        take_in(ledger / "data", [path])


@pytest.mark.slow
def test_the_bytes_do_not_tell_whether_a_correction_was_declared_before_or_after_the_first_count(ledger: Path) -> None:
    declare_loss(ledger, "2024-02", a_row_with_a_loss(ledger, "2024-02"), "replace", "1.00")
    run(ledger)
    take_in(ledger / "fresh", [ledger / "in" / f"{SOURCE}_{month}.csv" for month in MONTHS])
    steps.aggregate(SOURCE, data=ledger / "fresh", workers=1)
    late, early = (
        {
            path.relative_to(ledger / root).as_posix(): path.read_bytes()
            for kind in ("cases", "observations", "cells", "record_ids", "quarantine", "validation/verdicts")
            for path in (ledger / root / "processed" / kind).rglob("*")
            if path.is_file()
        }
        for root in ("data", "fresh")
    )
    assert late == early
