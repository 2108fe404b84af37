"""The main job on the shipped figures: everything is published, every anchor comes out exactly, and each leads to its cell."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
import pytest

from pipeline import cli, questions, steps
from pipeline.frames import KEY_COLUMNS, observations_frame
from pipeline.model import UsageError
from tests.grid_files import INBOX, REPOSITORY
from tests.untraced import untraced

pytestmark = pytest.mark.slow(turn=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root on which all that the repository ships has been published."""
    root = tmp_path_factory.mktemp("data")
    shutil.copytree(INBOX, root / "raw" / "inbox")
    assert cli.main(["--data", str(root), "run"]) == 0
    return root


@pytest.fixture
def ask(data: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a question with --json and give what it prints."""

    def asked(*arguments: str) -> Any:
        capsys.readouterr()
        assert cli.main(["--data", str(data), *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return asked


def published_files(root: Path) -> dict[str, str]:
    folders = [root / "processed" / name for name in ("releases", "site", "current", "aggregates", "observations", "validation")]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# National Police Agency of Japan, annual crime book of 2025 (r07.csv and r07_2-3.xlsx), tables 2-3-6-1/2 and 2-3-7-1/2.
ANCHORS = [
    ("special_fraud", "2025", "cases", 27_832),
    ("special_fraud", "2025", "loss", 142_309_498_218),
    ("special_fraud", "2024", "cases", 21_043),
    ("special_fraud", "2024", "loss", 71_877_275_370),
    ("special_fraud", "2023", "cases", 19_038),
    ("special_fraud", "2023", "loss", 45_256_436_710),
    ("sns_fraud", "2025", "cases", 15_168),
    ("sns_fraud", "2025", "loss", 183_433_089_000),
    ("sns_fraud", "2024", "loss", 127_193_792_000),
]


@pytest.mark.parametrize(("table", "period", "measure", "value"), ANCHORS)
def test_the_published_total_comes_out_exactly_and_leads_to_its_cell(
    ask: Any, table: str, period: str, measure: str, value: int
) -> None:
    unit = "JPY" if measure == "loss" else "cases"
    question = ("--source", "npa_annual", "--table", table, "--period", period, "--measure", measure, "--unit", unit)
    (row,) = ask("query", *question, "--fraud-type", "_T")
    assert (row["value"], row["derivation"], row["edition"]) == (value, "", "final")
    traced = ask("trace", row["id"])
    (cell,) = traced["cells"]
    assert cell["text"].replace(",", "") == str(value)
    assert cell["file"] in ("r07.csv", "r07_2-3.xlsx")


def test_the_ten_types_sum_to_the_total_for_every_measure_and_year(ask: Any) -> None:
    rows = pd.DataFrame(ask("query", "--source", "npa_annual", "--table", "special_fraud", "--frequency", "annual"))
    rows = rows[
        rows["measure"].isin(["cases", "cases_completed", "loss", "cases_cleared", "persons_arrested"]) & (rows["unit"] != "USD")
    ]
    checked = 0
    for _, group in rows.groupby(["measure", "period"]):
        parts = group[(group["fraud_type"] != "_T") & (group["absence"] == "")]
        (total,) = group[group["fraud_type"] == "_T"]["value"]
        assert parts["value"].sum() == total
        checked += 1
    assert checked == 50


@pytest.mark.parametrize(
    ("table", "native_type", "value"),
    # Total less the other types; the book's CSV prints them as 1.14E+11 and 1.29E+11, the release of 2026-05-22 as 1,288.0 oku.
    [("special_fraud", "オレオレ詐欺", 113_813_873_880), ("sns_fraud", "SNS型投資詐欺", 128_798_001_000)],
)
def test_a_type_that_nobody_prints_exactly_is_marked_as_derived(ask: Any, table: str, native_type: str, value: int) -> None:
    rows = ask("query", "--source", "npa_annual", "--table", table, "--period", "2025", "--measure", "loss", "--unit", "JPY")
    (row,) = [row for row in rows if row["native_type"] == native_type]
    assert (row["value"], row["derivation"], row["obs_status"]) == (value, "residual", "I")
    texts = {cell["text"] for cell in ask("trace", row["id"])["cells"]}
    assert not any("E+" in text for text in texts)


def test_january_to_april_2026_is_cumulative_and_its_thirteen_types_sum_to_it(ask: Any) -> None:
    for measure, unit, total in (("cases", "cases", 14_898), ("loss", "JPY", 125_997_328_926)):
        rows = ask("query", "--source", "npa_monthly", "--period", "2026-01/2026-04", "--measure", measure, "--unit", unit)
        parts = [row["value"] for row in rows if row["fraud_type"] != "_T"]
        assert [row["value"] for row in rows if row["fraud_type"] == "_T"] == [total]
        assert (len(parts), sum(parts)) == (13, total)
    assert ask("query", "--source", "npa_monthly", "--period", "2026-04", "--measure", "loss") == []


@pytest.mark.parametrize(
    ("as_of", "loss"), [("2025-02-07", 72_150_000_000), ("2025-05-23", 71_760_000_000), ("2025-07-31", 71_880_000_000)]
)
def test_the_loss_of_2024_is_what_was_known_on_the_day(ask: Any, as_of: str, loss: int) -> None:
    question = ("--source", "npa_releases", "--table", "special_fraud", "--period", "2024", "--measure", "loss", "--unit", "JPY")
    (row,) = ask("query", *question, "--fraud-type", "_T", "--as-of", as_of)
    assert (row["value"], row["precision"]) == (loss, 5_000_000)


def test_every_source_is_published_and_every_hash_holds(data: Path, ask: Any) -> None:
    manifests = steps.current_manifests(data=data)
    assert {item["source"] for manifest in manifests for item in manifest["snapshots"]} == set(
        source["source"] for source in ask("sources") if source["snapshots"]
    )
    periods = {(manifest["frequency"], manifest["period"]) for manifest in manifests}
    assert {("annual", "2016"), ("annual", "2025"), ("quarterly", "2025-Q3"), ("monthly", "2026-04")} <= periods
    assert ask("verify")["problems"] == []


def test_every_page_is_below_a_megabyte_and_every_link_leads_to_a_line_that_is_there(data: Path) -> None:
    pages = {
        path: path.read_text(encoding="utf-8")
        for folder in ("releases", "site")
        for path in sorted((data / "processed" / folder).rglob("*.html"))
    }
    assert len(pages) > 300
    anchors = {path: set(re.findall(r' id="([^"]+)"', page)) for path, page in pages.items()}
    for path, page in pages.items():
        assert len(page.encode()) < 1_000_000, path
        for link in set(re.findall(r' href="([^"]+)"', page)):
            if not link.startswith(("https://", "http://", "data:")):
                file, _, anchor = link.partition("#")
                target = Path(os.path.normpath(path.parent / unquote(file))) if file else path
                assert target.is_file(), f"{path}: {link}"
                assert not anchor or anchor in anchors[target], f"{path}: {link}"


def test_every_figure_of_every_page_leads_to_where_it_comes_from(data: Path) -> None:
    """Figures of tables, of the data behind charts, and counts; in one language, because the cells are the same in both."""
    figures = 0
    for folder in ("releases", "site"):
        for path in sorted((data / "processed" / folder).rglob("*.html")):
            if not path.name.endswith(".ja.html"):
                page = path.read_text(encoding="utf-8")
                figures += page.count('<td class="num"')
                assert untraced(page) == [], path
    assert figures > 20_000


def test_a_figure_that_was_replaced_leads_to_the_cell_that_printed_it_and_on_to_the_one_in_its_place(data: Path) -> None:
    """Special fraud of 2024: 72.15 billion yen on 2025-02-07, 71.76 on 2025-05-23, 71.88 on 2025-07-31, then the book."""
    folder = data / "processed" / "releases" / "annual" / "2024"
    folder /= json.loads((folder / "current.json").read_text())["release_id"]
    pages = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html") if not path.name.endswith(".ja.html")}
    tables = re.findall(r'<table id="table-vintages_loss".*?</table>', "".join(pages.values()), re.DOTALL)
    (line,) = [line for line in re.findall(r"<tr>.*?</tr>", tables[0], re.DOTALL) if ">2024" in line and "72,150,000,000" in line]
    vintages = re.findall(r'<a href="(trace_npa_[a-z_]+(?:-\d)?\.html)#([^"]+)">([\d,]+)</a><abbr>', line)
    assert [text for *__, text in vintages[:2]] == ["72,150,000,000", "71,880,000,000"]
    name, anchor, __ = vintages[0]
    (first,) = re.findall(rf'<tr id="{anchor}">.*?</tr>', pages[name])
    assert "2025-02-07-annual-provisional-2024.csv: " in first
    snapshot = re.search(r'href="#snapshot-(\w+)"', first)
    after = re.search(r'<a href="([^"#]+)#([^"]+)">the figure in its place', first)
    assert snapshot is not None
    assert after is not None
    assert "it stood until 23 May 2025" in first
    (file,) = re.findall(rf'<li id="snapshot-{snapshot[1]}">.*?</li>', pages[name])
    assert re.search(r"sha256 [0-9a-f]{64}", file)
    assert '<dd><a href="https://www.npa.go.jp' in pages[name]
    (second,) = re.findall(rf'<tr id="{after[2]}">.*?</tr>', pages[after[1]])
    assert "71,760,000,000" in second
    assert "it stood until 31 July 2025" in second


def test_the_end_of_a_link_to_a_figure_that_was_replaced_is_traced_as_it_stood(ask: Any, data: Path) -> None:
    asked = ("query", "--source", "npa_releases", "--table", "special_fraud", "--period", "2024", "--measure", "loss")
    (first,) = ask(*asked, "--unit", "JPY", "--fraud-type", "_T", "--as-of", "2025-02-07")
    for end in (first["id"], f"#{first['id']}", f"trace_npa_releases.html#{first['id']}-2025-05-23", f"{first['id']}-2025-02-07"):
        traced = ask("trace", end)
        assert traced["observation"]["value"] == 72_150_000_000
        assert [cell["file"] for cell in traced["cells"]] == ["2025-02-07-annual-provisional-2024.csv"]
    with pytest.raises(UsageError, match="did not stand on 2025-05-25 or the day before"):
        questions.trace(f"{first['id']}-2025-05-25", data=data)


def test_of_two_values_under_one_id_the_day_picks_the_one_that_ended_on_it() -> None:
    """The anchor of what was replaced names the day of its end, of what a later file printed again the day that it was known."""
    about = {
        "source": "s",
        "table": "t",
        "frequency": "annual",
        "period": "2024",
        "area": "JP",
        "measure": "cases",
        "unit": "cases",
    }
    about |= {"snapshot": "one", "known_at": dt.date(2025, 1, 1), "origin": "f.csv!A1", "classification": "c"}
    before, after = (observations_frame([{**about, "value": Decimal(value)}]) for value in (4, 5))
    (named,) = before["id"]
    ended, same = (questions.as_it_stood(before, frame, named) for frame in (after, before))
    come, gone = questions.as_it_stood(after.iloc[:0], after, named), questions.as_it_stood(before, after.iloc[:0], named)
    assert [row["value"] for row in (ended, same, come, gone) if row] == [4, 4, 5, 4]
    assert questions.as_it_stood(before.iloc[:0], after.iloc[:0], named) is None


def test_a_second_run_does_no_work_and_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in (data / "processed").rglob("*") if path.is_file() and path.suffix != ".lock"
    }
    capsys.readouterr()
    assert cli.main(["--data", str(data), "run"]) == 0
    assert "Nothing new: no work done." in capsys.readouterr().out
    after = {
        path: path.stat().st_mtime_ns for path in (data / "processed").rglob("*") if path.is_file() and path.suffix != ".lock"
    }
    assert after == before


def test_the_same_inputs_give_the_same_bytes_in_another_zone_locale_and_order(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(INBOX, other / "raw" / "inbox")
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONPATH": str(REPOSITORY)}
    for source_id in ("npa_victims", "jca_card"):
        command = [sys.executable, "-m", "pipeline.cli", "--data", str(other), "run", "--source", source_id]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    command = [sys.executable, "-m", "pipeline.cli", "--data", str(other), "run"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    first = published_files(data)
    second = published_files(other)
    # What spoke for a period here before is the history of this place: the other one published two sources first.
    places = re.compile(r"processed/releases/\w+/[^/]+/(releases\.json|index(\.ja)?\.html)")
    differing = [name for name, sha256 in first.items() if second.get(name) != sha256 and not places.fullmatch(name)]
    assert differing == []
    for record in (data / "processed" / "releases").glob("*/*/releases.json"):
        speaking, there = (json.loads(path.read_bytes()) for path in (record, other / record.relative_to(data)))
        assert there["current"] == speaking["current"] == there["releases"][-1]["release_id"]


def test_plain_readers_need_no_help(data: Path) -> None:
    figures = pd.read_parquet(data / "processed" / "current")
    assert {"npa_annual", "jca_card"} <= set(figures["source"].astype(str))
    assert figures["id"].is_unique
    assert not figures.duplicated(KEY_COLUMNS).any()
    (release,) = [
        item for item in steps.current_manifests(data=data) if (item["frequency"], item["period"]) == ("annual", "2025")
    ]
    folder = data / "processed" / "releases" / "annual" / "2025" / release["release_id"]
    table = pd.read_parquet(folder / "observations.parquet")
    chosen = table[(table["source"] == "npa_annual") & (table["table"] == "special_fraud") & (table["period"] == "2025")]
    total = chosen[(chosen["measure"] == "loss") & (chosen["unit"] == "JPY") & (chosen["fraud_type"] == "_T")]
    assert list(total["value"]) == [Decimal(142_309_498_218)]


def test_a_reader_who_has_seen_enough_is_no_failure(data: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "--data", str(data), "query"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
        assert asked.stdout is not None
        assert asked.stderr is not None
        assert asked.stdout.readline().startswith(b"id ")
        asked.stdout.close()
        assert asked.stderr.read() == b""
    assert asked.returncode == 0
