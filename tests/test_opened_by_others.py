"""The files of a release are opened by other people's programs: LibreOffice and openpyxl; pandas, DuckDB, Polars and R.

Each reads what was written: as many rows, the same sums, every letter, and identifiers as they are. Where a reader of CSV guesses
types, it guesses without being told; what it guesses otherwise than `table_schema.json` says is written down here, and
docs/reading-the-data.md tells how to read it rightly.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pytest

from pipeline.frames import observations_frame
from pipeline.publish import release
from tests import publish_sample as sample
from tests import shipped
from tests.workbook_rules import table_rows

PERIODS = ("2025", "2022-Q1", "2025-09")
IDENTIFIERS = ("id", "made_of", "OBS_ID", "snapshot", "SNAPSHOT", "id_before", "id_after", "snapshot_before", "snapshot_after")
NUMBERS = ("value", "precision", "low", "high", "OBS_VALUE", "PRECISION", "value_before", "value_after", "difference", "ours")
NUMBERS += ("contribution_percentage_points", "cases", "seasonally_adjusted_cases", "trend_cases")
# The snapshot of the card figures of 2022 has an id of digits alone, which is what makes the second period one to try.
OF_DIGITS = "749300931350"


@functools.cache
def files_of(period: str) -> dict[str, bytes]:
    view = shipped.everything()
    names = sorted(set(view["source"]))
    snapshots = [item for name in names for item in shipped.shipped(name)[0]]
    given = sample.given(period, view, sources=[shipped.source(name) for name in names], snapshots=snapshots)
    return release.build(given)


def tables_of(period: str) -> dict[str, bytes]:
    return {name: content for name, content in files_of(period).items() if name.endswith(".csv")}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every CSV and workbook of the releases, by period."""
    root = tmp_path_factory.mktemp("releases")
    for period in PERIODS:
        (root / period).mkdir()
        for name, content in files_of(period).items():
            if name.endswith((".csv", ".xlsx")):
                (root / period / name).write_bytes(content)
    return root


# -------------------------------------------------------------------------------------------------------------------- CSV


def contents_of(content: bytes) -> dict[str, Any]:
    """What is in a CSV, by the standard library and exact decimals."""
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    head = next(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    sums = {name: float(sum(Decimal(row[name] or 0) for row in rows)) for name in head if name in NUMBERS}
    labels = {row[name] for name in head if name.lower() == "native_type" for row in rows}
    return {
        "columns": head,
        "rows": len(rows),
        "sums": sums,
        "identifiers": {name: [row[name] for row in rows] for name in head if name in IDENTIFIERS},
        "labels": labels,
    }


def _with_pandas(path: Path) -> dict[str, Any]:
    frame = pd.read_csv(path)
    return _found(list(frame), len(frame), lambda name: frame[name].tolist())


def _with_polars(path: Path) -> dict[str, Any]:
    frame = pl.read_csv(path, infer_schema_length=None)
    return _found(frame.columns, len(frame), lambda name: frame[name].to_list())


def _with_duckdb(path: Path) -> dict[str, Any]:
    relation = duckdb.sql("SELECT * FROM read_csv($path)", params={"path": str(path)})
    rows = relation.fetchall()
    columns = relation.columns
    return _found(columns, len(rows), lambda name: [row[columns.index(name)] for row in rows])


def _found(columns: list[str], rows: int, values: Callable[[str], list[Any]]) -> dict[str, Any]:
    def is_there(value: Any) -> bool:
        return value is not None and value == value and value != ""

    return {
        "columns": columns,
        "rows": rows,
        "sums": {name: float(sum(value for value in values(name) if is_there(value))) for name in columns if name in NUMBERS},
        "identifiers": {
            name: [value if is_there(value) else "" for value in values(name)] for name in columns if name in IDENTIFIERS
        },
        "labels": {value for name in columns if name.lower() == "native_type" for value in values(name)},
    }


def agree(found: dict[str, Any], expected: dict[str, Any], name: str) -> None:
    for part in ("columns", "rows", "identifiers", "labels"):
        assert found[part] == expected[part], (name, part)
    for column, total in expected["sums"].items():
        assert found["sums"][column] == pytest.approx(total, rel=1e-12, abs=1e-9), (name, column)


READERS = (_with_pandas, _with_polars, _with_duckdb)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("period", PERIODS)
def test_a_reader_that_guesses_types_finds_every_row_sum_label_and_identifier(
    period: str, reader: Callable[[Path], dict[str, Any]], written: Path
) -> None:
    for name, content in tables_of(period).items():
        agree(reader(written / period / name), contents_of(content), name)


def test_the_files_have_no_byte_order_mark_and_the_labels_are_japanese() -> None:
    for period in PERIODS:
        assert not [name for name, content in tables_of(period).items() if content.startswith(b"\xef\xbb\xbf")]
    assert "オレオレ詐欺" in contents_of(files_of("2025")["npa_annual_special_fraud.csv"])["labels"]


def test_a_snapshot_of_digits_alone_stays_a_text(written: Path) -> None:
    path = written / "2022-Q1" / "jca_card_card_fraud.csv"
    assert set(contents_of(path.read_bytes())["identifiers"]["snapshot"]) == {f"sha256:{OF_DIGITS}"}
    bare = path.with_name("bare.csv")
    bare.write_bytes(path.read_bytes().replace(b"sha256:", b""))
    for reader in (_with_pandas, _with_polars, _with_duckdb):
        assert set(reader(bare)["identifiers"]["snapshot"]) == {int(OF_DIGITS)}, "without the prefix it is a number"
    bare.unlink()


def test_no_id_of_an_observation_can_be_taken_for_a_number() -> None:
    rows = [sample.row("npa_annual", "special_fraud", str(1900 + n), "cases", "cases", n) for n in range(3000)]
    ids = observations_frame(rows)["id"]
    assert ids.is_unique
    assert ids.str.fullmatch(r"[a-p][0-9a-f]{15}").all()


@pytest.mark.parametrize("period", PERIODS)
def test_types_by_the_schema_are_read_rightly_where_guesses_are_not(period: str, written: Path) -> None:
    """DuckDB takes `F` for false and 2025 for a number; told by `table_schema.json`, it does not."""
    kinds = {"string": "VARCHAR", "number": "DECIMAL(38,9)", "boolean": "BOOLEAN", "date": "DATE"}
    schema = json.loads(files_of(period)["table_schema.json"])
    types = {field["name"]: kinds[field["type"]] for field in schema["fields"]}
    for name in tables_of(period):
        path = written / period / name
        if path.read_text("utf-8").startswith("role,"):
            relation = duckdb.sql("SELECT * FROM read_csv($path, types=$types)", params={"path": str(path), "types": types})
            assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == types, name
            assert {row[0] for row in relation.select("conf_status").fetchall()} == {"F"}, name
            guessed = duckdb.sql("SELECT DISTINCT conf_status FROM read_csv($path)", params={"path": str(path)}).fetchall()
            assert guessed == [(False,)], name


R_SCRIPT = """
options(encoding = "UTF-8", warn = 2, digits = 17)
numbers <- strsplit(commandArgs(TRUE)[2], ",")[[1]]
for (path in readLines(commandArgs(TRUE)[1])) {
  d <- read.csv(path, encoding = "UTF-8", check.names = FALSE)
  stopifnot(validUTF8(as.character(unlist(d[vapply(d, is.character, TRUE)]))))
  sums <- vapply(intersect(names(d), numbers), function(n) format(sum(as.numeric(d[[n]]), na.rm = TRUE), digits = 17), "")
  ids <- Filter(function(n) any(!is.na(d[[n]])), intersect(names(d), strsplit(commandArgs(TRUE)[3], ",")[[1]]))
  cat(path, nrow(d), ncol(d), paste(names(sums), sums, sep = "=", collapse = " "), sep = "\\t")
  cat("\\t", paste(vapply(ids, function(n) class(d[[n]]), ""), collapse = " "), sep = "")
  labels <- d[[intersect(names(d), c("native_type", "NATIVE_TYPE"))[1]]]
  cat("\\t", paste(sort(unique(labels)), collapse = "|"), "\\n", sep = "")
}
"""


def rscript() -> str:
    found = shutil.which("Rscript")
    if found is None:
        pytest.skip("there is no R on this machine: apt-get install r-base-core")
    return found


def test_base_r_finds_every_row_sum_label_and_identifier(written: Path) -> None:
    paths = [written / period / name for period in PERIODS for name in tables_of(period)]
    (written / "paths.txt").write_text("".join(f"{path}\n" for path in paths))
    (written / "read.R").write_text(R_SCRIPT, encoding="utf-8")
    command = [
        rscript(),
        "--vanilla",
        str(written / "read.R"),
        str(written / "paths.txt"),
        ",".join(NUMBERS),
        ",".join(IDENTIFIERS),
    ]
    done = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.split("\t") for line in done.stdout.decode("utf-8").splitlines()]
    assert [line[0] for line in lines] == [str(path) for path in paths]
    for path, (_, rows, columns, sums, classes, labels) in zip(paths, lines, strict=True):
        expected = contents_of(path.read_bytes())
        assert (int(rows), int(columns)) == (expected["rows"], len(expected["columns"])), path
        read = {name: float(text) for name, _, text in (part.partition("=") for part in sums.split()) if name}
        assert read == {name: pytest.approx(total, rel=1e-12, abs=1e-9) for name, total in expected["sums"].items()}, path
        assert set(classes.split()) <= {"character"}, path
        assert set(labels.split("|")) - {""} == expected["labels"], path


# --------------------------------------------------------------------------------------------------------------- workbook


def soffice() -> str:
    found = shutil.which("soffice")
    if found is None:
        pytest.skip("there is no LibreOffice on this machine: apt-get install libreoffice-calc-nogui")
    return found


def _converted(paths: list[Path], kind: str, where: Path) -> None:
    profile = (where / "profile").as_uri()
    command = [soffice(), f"-env:UserInstallation={profile}", "--headless", "--convert-to", kind, "--outdir", str(where)]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert "rror" not in (done.stdout + done.stderr).decode()


@pytest.mark.slow(seconds=20)
def test_libreoffice_shows_the_same_cells_and_prints_them(written: Path, tmp_path: Path) -> None:
    """Every sheet as CSV, without the formats that hide digits; and the whole as PDF."""
    books = []
    for period in PERIODS:
        books.append(tmp_path / f"{period}.xlsx")
        shutil.copy(written / period / "summary.xlsx", books[-1])
    _converted(books, "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1", tmp_path)
    for path in books:
        book = openpyxl.load_workbook(path)
        for sheet in book:
            shown = list(csv.reader((tmp_path / f"{path.stem}-{sheet.title}.csv").open(encoding="utf-8", newline="")))
            for row, cells in enumerate(sheet.iter_rows()):
                for place, cell in enumerate(cells):
                    _same(cell.value, shown[row][place] if place < len(shown[row]) else "", f"{path.stem} {sheet.title}")
            assert len(table_rows(sheet)) > 1 or (sheet.title == "Cover" and sheet.max_row > 5)
    _converted(books, "pdf", tmp_path)
    for path in books:
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
        assert path.with_suffix(".pdf").stat().st_size > 10_000


def _same(value: Any, shown: str, where: str) -> None:
    if isinstance(value, int | float):
        assert float(shown) == pytest.approx(value, rel=1e-12), where
    else:
        assert shown == (value or ""), where
