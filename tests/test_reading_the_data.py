"""Every block of docs/reading-the-data.md runs, in its engine, and gives the answer that is printed there.

The data root is made once of the shipped deliveries. Its release of 2024 gets a comparison of several countries, made of
published totals, because the repository ships deliveries of one country only.
"""

from __future__ import annotations

import ast
import csv
import dataclasses
import datetime as dt
import functools
import io
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from pipeline import steps
from pipeline.model import DIMENSIONS
from pipeline.publish.release import build
from pipeline.sources.catalogue import sources
from tests import publish_sample as sample
from tests import test_publish_countries as countries
from tests.shipped import INBOX, REPOSITORY

pytestmark = pytest.mark.slow(seconds=30)
PAGE = REPOSITORY / "docs" / "reading-the-data.md"
SETUP = "Before the first question"
ENGINES = ("pandas", "duckdb", "polars", "r")
Rows = list[list[str]]


@dataclasses.dataclass(frozen=True)
class Question:
    title: str
    blocks: dict[str, str]  # by engine
    answer: Rows  # with its head


@functools.cache
def questions() -> dict[str, Question]:
    """The sections of the page that hold code, by title."""
    found = {}
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        title = section.splitlines()[0]
        blocks = {words[-1]: code for words, code in _fenced(section)}
        if blocks:
            found[title] = Question(title, blocks, _markdown_table(re.sub(r"```.*?```", "", section, flags=re.S)))
    return found


def _fenced(text: str) -> list[tuple[list[str], str]]:
    return [(head.split(), code) for head, code in re.findall(r"^```([^\n]+)\n(.*?)^```$", text, re.M | re.S)]


def _markdown_table(text: str) -> Rows:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if not all(set(cell) <= {"-"} and cell for cell in line)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data/`, in which three shipped sources are taken in and three releases are published."""
    folder = tmp_path_factory.mktemp("reader")
    data = folder / "data"
    for source_id in ("npa_annual", "npa_monthly", "npa_releases"):
        shutil.copytree(INBOX / source_id, data / "raw" / "inbox" / source_id)
        steps.ingest_inbox(source_id, data=data)
        steps.validate(source_id, data=data)
        steps.aggregate(source_id, data=data)
    for frequency, period in (("annual", "2025"), ("annual", "2024"), ("monthly", "2025-05")):
        steps.publish(frequency, period, data=data)
    given = sample.given("2024", countries.view(*countries.ROWS), sources=sources())
    place = data / "processed" / "releases" / "annual" / "2024"
    (release,) = (path for path in place.iterdir() if path.is_dir())
    (release / "comparison.csv").write_bytes(build(given)["comparison.csv"])
    return folder


# ---------------------------------------------------------------------------------------------------------------- engines


def _by_python(setup: str, code: str) -> list[dict[str, Any]]:
    """As a notebook does: run all, and show the last expression."""
    names: dict[str, Any] = {}
    exec(compile(setup, "setup", "exec"), names)
    *before, last = ast.parse(code).body
    exec(compile(ast.Module(before, []), "block", "exec"), names)
    assert isinstance(last, ast.Expr), "the last line is the answer"
    shown = eval(compile(ast.Expression(last.value), "block", "eval"), names)
    return shown.to_dict("records") if isinstance(shown, pd.DataFrame) else shown.to_dicts()


def _by_duckdb(setup: str, code: str) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute(setup)
        connection.execute(code)
        names = [column[0] for column in connection.description or []]
        return [dict(zip(names, row, strict=True)) for row in connection.fetchall()]


def _by_r(setup: str, code: str) -> list[dict[str, Any]]:
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("there is no R on this machine: apt-get install r-base-core")
    script = f"""
options(encoding = "UTF-8", warn = 2, scipen = 999)
{setup}
shown <- withVisible(local({{
{code}
}}))$value
plain <- function(x) if (is.numeric(x)) ifelse(is.na(x), NA, format(x, digits = 15, trim = TRUE)) else x
shown[] <- lapply(shown, plain)
write.csv(shown, stdout(), row.names = FALSE, na = "", fileEncoding = "UTF-8")
"""
    # An expression in `local` that stands alone is its value: the last line is the answer.
    Path("block.R").write_text(script, encoding="utf-8")
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([program, "--vanilla", "block.R"], capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    return list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))


RUN = {"pandas": _by_python, "polars": _by_python, "duckdb": _by_duckdb, "r": _by_r}


def _text(value: Any) -> str:
    """A cell as the page prints it: numbers plainly, nothing for what is not there."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal) or re.fullmatch(r"-?\d+\.\d+", str(value)):
        return f"{round(Decimal(str(value)), 6).normalize():f}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


# ------------------------------------------------------------------------------------------------------------------ tests


def _cases() -> list[tuple[str, str]]:
    return [(title, engine) for title, asked in questions().items() if title != SETUP for engine in asked.blocks]


@pytest.mark.parametrize(("title", "engine"), _cases())
def test_a_block_gives_the_answer_that_is_printed(title: str, engine: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    found = RUN[engine](questions()[SETUP].blocks[engine], questions()[title].blocks[engine])
    shown = [list(found[0]), *([_text(value) for value in row.values()] for row in found)] if found else []
    assert shown == questions()[title].answer


def test_every_question_is_answered_in_every_engine() -> None:
    asked = questions()
    assert len(asked) > 10
    for title, question in asked.items():
        assert tuple(question.blocks) == ENGINES, title
        assert title == SETUP or len(question.answer) > 1, title


def test_the_dimensions_of_which_a_total_is_total_are_all_named() -> None:
    for engine, code in questions()[SETUP].blocks.items():
        assert all(re.search(rf"\b{name}\b", code) for name in DIMENSIONS), engine
        assert len(DIMENSIONS) == 13, "as the page says"


def test_a_block_with_another_answer_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter too few, and the answer is another: the comparison is not with itself."""
    monkeypatch.chdir(root)
    asked = questions()["US dollars"]
    for engine, old, new in (
        ("pandas", " and native_type == '_T'", ""),
        ("polars", ', native_type="_T"', ""),
        ("duckdb", " AND native_type = '_T'", ""),
        ("r", ' & d$native_type == "_T"', ""),
    ):
        assert old in asked.blocks[engine]
        found = RUN[engine](questions()[SETUP].blocks[engine], asked.blocks[engine].replace(old, new))
        assert len(found) > len(asked.answer) - 1


def test_what_the_rules_say_of_guesses_is_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    (path,) = Path("data/processed/releases/annual/2025").glob("*/npa_annual_special_fraud.csv")
    assert str(duckdb.read_csv(str(path)).select("conf_status").types[0]) == "BOOLEAN"
    assert pd.read_csv(path)["period"].dtype == "int64"
    assert pl.read_csv(path, infer_schema_length=None)["period"].dtype == pl.Int64
