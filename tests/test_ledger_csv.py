"""A ledger's CSV file becomes month partitions with every row accounted for, whatever its size, order and faults."""

import dataclasses
import re
import tracemalloc
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ledger_generator import month_table, write_csv
from benchmarks.ledger_layout import CURRENCIES, LABELS, MONTHS
from pipeline.model import RefusedInput
from pipeline.reading import ledger_csv, partition_writer
from pipeline.reading.ledger_csv import partition_csv
from pipeline.reading.ledger_layout import LedgerLayout
from pipeline.reading.partitions import Dimension, read_month

DIMENSIONS = tuple(Dimension.of(name, labels) for name, labels in LABELS.items() if name != "currency")
COLUMNS = ("date", *LABELS, "loss", "victims", "victim_id")
SYNTHETIC = LedgerLayout({name: name for name in COLUMNS}, DIMENSIONS, CURRENCIES, 2)
TYPES = Dimension.of("fraud_type", ["romance", "crypto"])
HEADERS = {
    "date": "Day",
    "fraud_type": "Type of fraud",
    "currency": "Currency",
    "loss": "Loss",
    "victims": "Victims",
    "victim_id": "Person",
}
LAYOUT = LedgerLayout(HEADERS, (TYPES,), ("EUR", "USD"), 2)
HEADER = "Number,Day,Type of fraud,Currency,Loss,Victims,Person"
GOOD = "1,2023-01-31,romance,EUR,12.50,1,77"


def written(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def streamed(path: Path, folder: Path, **options: Any) -> tuple[partition_writer.Streamed, pa.Table]:
    folder.mkdir(exist_ok=True)
    result = partition_csv(path, LAYOUT, folder, **options)
    assert result.read == sum(result.months.values()) + len(result.quarantined)
    files = sorted(folder.iterdir())
    assert [file.stem for file in files] == list(result.months)
    return result, pa.concat_tables([pq.read_table(file) for file in files]) if files else pa.table({})


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("csv") / "synthetic_ledger.csv"
    write_csv(path, 300_000, MONTHS[:6])
    return path


@pytest.mark.parametrize(
    "options",
    [{}, {"workers": 1, "block_bytes": 10_000}, {"block_bytes": 70_000, "buffer_rows": 1_000}],
    ids=["as it comes", "small blocks", "a small buffer"],
)
def test_the_partitions_hold_exactly_the_reports_of_the_file(synthetic: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    result = partition_csv(synthetic, SYNTHETIC, tmp_path, **options)
    assert list(result.months) == list(MONTHS[:6])
    assert result.quarantined.empty
    row = 2
    for place, month in enumerate(MONTHS[:6]):
        expected = month_table(300_000, place).drop_columns("report_id")
        found = pq.read_table(tmp_path / f"{month}.parquet")
        assert found.column("row").to_pylist() == list(range(row, row + len(expected)))
        assert found.select(expected.column_names).cast(expected.schema).equals(expected)
        assert len(read_month(tmp_path / f"{month}.parquet", month, DIMENSIONS)) == len(expected)
        row += len(expected)


def test_a_file_without_order_gives_the_same_months(synthetic: Path, tmp_path: Path) -> None:
    header, *lines = synthetic.read_text(encoding="utf-8").splitlines()
    mixed = written(tmp_path / "mixed.csv", *lines[::-1][1::2], *lines[::2], header=header)
    for name, path in (("in order", synthetic), ("mixed", mixed)):
        (tmp_path / name).mkdir()
        partition_csv(path, SYNTHETIC, tmp_path / name, block_bytes=50_000, buffer_rows=2_000)
    for month in MONTHS[:6]:
        left, right = (pq.read_table(tmp_path / name / f"{month}.parquet").to_pandas() for name in ("in order", "mixed"))
        columns = [name for name in left if name != "row"]
        assert sorted(left[columns].itertuples(index=False)) == sorted(right[columns].itertuples(index=False))


@pytest.mark.parametrize(
    ("line", "column", "text", "rule"),
    [
        ("1,2023-02-30,romance,EUR,12.50,1,77", "Day", "2023-02-30", "date_unreadable"),
        ("1,01/02/2023,romance,EUR,12.50,1,77", "Day", "01/02/2023", "date_unreadable"),
        ("1,,romance,EUR,12.50,1,77", "Day", "", "date_unreadable"),
        ("1,2023-01-31,Romance,EUR,12.50,1,77", "Type of fraud", "Romance", "label_unknown"),
        ("1,2023-01-31,,EUR,12.50,1,77", "Type of fraud", "", "label_unknown"),
        ("1,2023-01-31,romance,XXX,12.50,1,77", "Currency", "XXX", "label_unknown"),
        ("1,2023-01-31,romance,EUR,12.5,1,77", "Loss", "12.5", "loss_unreadable"),
        ("1,2023-01-31,romance,EUR,12,1,77", "Loss", "12", "loss_unreadable"),
        ("1,2023-01-31,romance,EUR,1.42E+11,1,77", "Loss", "1.42E+11", "loss_unreadable"),
        ('1,2023-01-31,romance,EUR,"1,200.00",1,77', "Loss", "1,200.00", "loss_unreadable"),
        ("1,2023-01-31,romance,EUR,12.50,-1,77", "Victims", "-1", "count_unreadable"),
        ("1,2023-01-31,romance,EUR,12.50,1.5,77", "Victims", "1.5", "count_unreadable"),
        ("1,2023-01-31,romance,EUR,12.50,1,9223372036854775808", "Person", "9223372036854775808", "id_unreadable"),
        ("1,2023-01-31,romance,EUR,12.50,1", "", "1,2023-01-31,romance,EUR,12.50,1", "row_ragged"),
        ("", "Day", "", "date_unreadable"),
    ],
)
def test_a_row_that_breaks_a_rule_is_set_aside_with_its_number_and_the_rest_is_kept(
    tmp_path: Path, line: str, column: str, text: str, rule: str
) -> None:
    path = written(tmp_path / "ledger.csv", GOOD, GOOD, line, GOOD)
    for block_bytes in (1, 1 << 20):
        result, table = streamed(path, tmp_path / str(block_bytes), block_bytes=block_bytes)
        assert result.quarantined.to_dict("records") == [{"row": 4, "column": column, "text": text, "rule": rule}]
        assert table.column("row").to_pylist() == [2, 3, 5]
        assert table.column("loss_minor").to_pylist() == [1250] * 3


def test_what_is_not_known_stays_unknown_and_corrections_stay_below_zero(tmp_path: Path) -> None:
    lines = ["1,2023-01-31,romance,EUR,,,", "2,2023-02-01,crypto,USD,-0.50,0,-9223372036854775808"]
    # Beside a bad row the block is read the slow way: both ways must say the same.
    for name, more in (("fast", []), ("slow", ["3,never,romance,EUR,1.00,1,1"])):
        result, table = streamed(written(tmp_path / f"{name}.csv", *lines, *more), tmp_path / name)
        assert len(result.quarantined) == len(more)
        assert table.select(["loss_minor", "victims", "victim_id"]).to_pylist() == [
            {"loss_minor": None, "victims": None, "victim_id": None},
            {"loss_minor": -50, "victims": 0, "victim_id": -(2**63)},
        ]
        assert result.months == {"2023-01": 1, "2023-02": 1}


def test_a_header_alone_is_a_ledger_without_reports(tmp_path: Path) -> None:
    result, _ = streamed(written(tmp_path / "ledger.csv"), tmp_path / "out")
    assert (result.read, result.months) == (0, {})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (f"{HEADER.replace('Loss', 'Amount')}\n{GOOD}\n", "row 1: found the column 'Loss' 0 times"),
        (f"{HEADER},Loss\n{GOOD},2.00\n", "row 1: found the column 'Loss' 2 times"),
        (f"{HEADER}\n{GOOD}\n{GOOD[:-3]}", "the last row: found no line end after"),
        (f"{HEADER}\n{GOOD.replace('romance', 'romé')}\n", "expected CSV in UTF-8"),
        ("", "row 1: found"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RefusedInput) as refused:
        streamed(path, tmp_path / "out")
    assert named in str(refused.value)


@pytest.mark.parametrize(("start", "named"), [("", "row 1"), (f"{HEADER}\n{GOOD}\n", "a row")], ids=["header", "row"])
def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory(tmp_path: Path, start: str, named: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(start)
    with path.open("r+b") as stream:
        stream.truncate(1 << 30)  # a sparse file: it takes no disk
    tracemalloc.start()
    with pytest.raises(RefusedInput, match=f"{named}: found no line end in 16,777,216 bytes"):
        streamed(path, tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 128 << 20


def test_a_file_of_which_too_many_rows_break_a_rule_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_writer, "MAXIMUM_QUARANTINED", 2)
    bad = GOOD.replace("romance", "?")
    with pytest.raises(
        RefusedInput, match=r"column Type of fraud: found more than 2 rows that break a rule, the first in row 3: '\?'"
    ):
        streamed(written(tmp_path / "ledger.csv", GOOD, bad, bad, bad), tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (GOOD.replace(",1,77", ",0x10,77"), False),  # Arrow takes it for 16
        (GOOD.replace(",1,77", ',"0x10",77'), False),
        (GOOD.replace(",1,77", ",-0X1F,77"), False),
        (GOOD.replace(",1,77", ",-0,77"), True),
        (GOOD.replace(",1,77", ",\t1 ,77"), True),
        (GOOD.replace(",1,77", ",2147483647,77"), True),
        (GOOD.replace(",1,77", ",2147483648,77"), False),
        (GOOD.replace(",1,77", ",1,000000000000000000000077"), True),
        (GOOD.replace(",1,77", ",５,77"), False),
        (GOOD.replace("2023-01-31", " 2023-01-31"), True),
        (GOOD.replace("2023-01-31", "0000-01-31"), False),
        (GOOD.replace("2023-01-31", "２023-01-31"), False),
        (GOOD.replace("12.50", " 12.50 "), True),
        (GOOD.replace("12.50", "１2.50"), False),
    ],
)
def test_what_becomes_of_a_row_does_not_depend_on_the_rows_beside_it(tmp_path: Path, text: str, kept: bool) -> None:
    tables = {}
    for name, lines in (("alone", [text]), ("beside a bad one", [text, GOOD.replace("romance", "?")])):
        result, table = streamed(written(tmp_path / f"{name}.csv", *lines), tmp_path / name)
        assert (2 in result.quarantined["row"].tolist()) != kept
        tables[name] = table.to_pylist()
    assert tables["alone"] == tables["beside a bad one"]
    assert len(tables["alone"]) == kept


@given(st.text(alphabet='0xXp@1-, "\n', max_size=24))
def test_a_hexadecimal_is_found_wherever_the_pieces_that_are_scanned_are_parted(text: str) -> None:
    content = text.encode()
    with mock.patch.object(ledger_csv, "_SCANNED_BYTES", 4):
        assert ledger_csv._has_hexadecimal(content) == (re.search(rb"(?:^|[,\s\"-])0[xX]", content) is not None)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([GOOD, f'"{GOOD}', GOOD, GOOD.replace("1,", '1",', 1)], "4 lines, but 2 rows: a quoted field runs over a line end"),
        ([GOOD, GOOD.replace("romance", '"romance'), GOOD], "3 lines, but 2 rows: a quoted field runs over a line end"),
        ([GOOD, f"{GOOD}\r{GOOD}"], "2 lines, but 3 rows: a carriage return stands within a line"),
    ],
    ids=["a quote that takes rows with it", "a quote to the end of the file", "a carriage return"],
)
def test_no_row_is_swallowed_and_none_made_of_another(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(RefusedInput, match=f"a row after 1: found {told}; expected one line for each row"):
        streamed(written(tmp_path / "ledger.csv", *lines), tmp_path / "out")


@pytest.mark.parametrize("content", [HEADER, f"{HEADER}\r{GOOD}\r{GOOD}\r", f"{HEADER}\r{GOOD}\n"])
def test_a_header_without_its_line_end_is_not_taken_for_a_month_without_reports(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(RefusedInput, match="row 1: found no line end, or a carriage return"):
        streamed(path, tmp_path / "out")


def test_amounts_in_minor_units_are_read_and_of_the_two_columns_that_are_declared_the_one_that_is_there(tmp_path: Path) -> None:
    both = dataclasses.replace(LAYOUT, headers={**HEADERS, "loss_minor": "Cents"})
    only = dataclasses.replace(LAYOUT, headers={name: text for name, text in both.headers.items() if name != "loss"})
    cents, in_cents = GOOD.replace("12.50", "1250"), HEADER.replace("Loss", "Cents")
    for place, (layout, line, header) in enumerate([(only, cents, in_cents), (both, cents, in_cents), (both, GOOD, HEADER)]):
        for bad in ([], [line.replace("romance", "?")]):
            folder = tmp_path / f"{place}{len(bad)}"
            folder.mkdir()
            partition_csv(written(tmp_path / "ledger.csv", line, *bad, header=header), layout, folder)
            assert pq.read_table(folder / "2023-01.parquet").column("loss_minor").to_pylist() == [1250]
    unreadable = partition_csv(written(tmp_path / "ledger.csv", GOOD, header=in_cents), only, tmp_path).quarantined
    assert unreadable.values.tolist() == [[2, "Cents", "12.50", "loss_unreadable"]]
    for header, told in ((f"{HEADER},Cents", "both of them"), (HEADER.replace("Loss", "Amount"), "no such column")):
        with pytest.raises(RefusedInput, match=f"row 1: found {told}.*expected one column of amounts: Loss or Cents"):
            partition_csv(written(tmp_path / "ledger.csv", GOOD, header=header), both, tmp_path)


@pytest.mark.parametrize("block_bytes", [50, 1 << 20])
def test_text_that_is_not_utf8_is_named_with_its_row_and_its_bytes(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "ledger.csv"
    japanese = [GOOD, GOOD, GOOD.replace("romance", "投資詐欺"), GOOD]
    path.write_bytes("\n".join([HEADER, *japanese, ""]).encode("cp932"))
    told = "row 4: found the bytes 93 8a 8e 91, which are not UTF-8; expected CSV in UTF-8"
    with pytest.raises(RefusedInput, match=rf"ledger\.csv, {told}"):
        streamed(path, tmp_path / "out", block_bytes=block_bytes)
    for encoding, found in (("cp932", "8e ed 97 de"), ("utf-16", "ff fe 4e 00")):
        path.write_bytes("\n".join([HEADER.replace("Type of fraud", "種類"), GOOD, ""]).encode(encoding))
        with pytest.raises(RefusedInput, match=rf"ledger\.csv, row 1: found the bytes {found}, which are not UTF-8"):
            streamed(path, tmp_path / "out")


def test_a_mark_of_utf8_in_front_is_no_part_of_the_first_header(tmp_path: Path) -> None:
    path = written(tmp_path / "ledger.csv", GOOD)
    path.write_bytes(
        b"\xef\xbb\xbf" + path.read_bytes().replace(b"Number,Day", b"Day,Number").replace(b"1,2023-01-31", b"2023-01-31,1")
    )
    _, table = streamed(path, tmp_path / "out")
    assert table.column("loss_minor").to_pylist() == [1250]
