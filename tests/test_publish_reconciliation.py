"""Published totals beside ours: what a release shows of them, and what a run does when one compares worse than it did."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import cli, steps
from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS, published_totals
from pipeline.publish.families import Families
from pipeline.publish.languages import speaking
from pipeline.publish.reconciliation import published_as, reconciliation_tables, verdict
from pipeline.publish.release import build
from pipeline.sources.catalogue import source
from tests import publish_sample as sample
from tests.untraced import untraced

FIXTURE = Path(__file__).parent / "fixtures" / "ftc_csn"


def finding(status: str, ours: int | None, theirs: int, **changes: Any) -> dict[str, Any]:
    """A row of the reconciliation: losses of 2025 in yen, by the press."""
    values: dict[str, Any] = {
        **dict.fromkeys(RECONCILIATION_COLUMNS),
        "check": "published_total",
        "family": "special_fraud",
        "period": "2025",
        "native_type": "_T",
        "measure": "loss",
        "unit": "JPY",
        "ours": None if ours is None else Decimal(ours),
        "ours_source": "npa_annual (final, 2026-08-31)",
        "theirs": Decimal(theirs),
        "theirs_source": "press of 2026",
        "difference": None if ours is None else Decimal(ours - theirs),
        "tolerance": Decimal(0),
        "status": status,
        "explanation": "",
        "breakdown": f"category={status}",
        "expected_status": status,
        "source": "npa_annual",
    }
    return {**values, **changes}


FINDINGS = [
    finding("exact", 100, 100, id="a", observation_id="0123456789abcdef"),
    finding("not_comparable", None, 7, id="b", explanation="another scope"),
    finding("different", 106, 100, id="c", explanation="a revision"),
    finding("different", 90, 100, id="d", explanation="unknown", breakdown="category=mystery"),
    finding("within_precision", 101, 100, id="e", tolerance=Decimal(5)),
]


def test_a_difference_that_nobody_can_explain_is_told_apart() -> None:
    assert [verdict(row) for row in FINDINGS] == ["exact", "not_comparable", "different", "unexplained", "within_precision"]


def test_every_published_figure_is_shown_with_its_verdict_and_differences_come_first() -> None:
    summary, figures = reconciliation_tables(FINDINGS, Families(sample.sources()))
    verdicts = [row[6].text.partition(":")[0] for row in figures.rows]
    assert verdicts == [
        "different, reason unknown",
        "different",
        "within precision",
        "exact",
        "not comparable",
    ]
    different = [cell.text for cell in figures.rows[1]]
    assert different[2:6] == ["100", "106", "6", "+6.00 %"]
    assert different[6] == "different: a revision"
    assert figures.rows[4][3].text == "[x]", "what we do not hold is a mark, never a zero"
    counts = {column.title: cell.text for column, cell in zip(summary.columns, summary.rows[0], strict=True)}
    assert counts["Exact"] == "1"
    assert counts["All"] == "5"


def test_agreement_with_the_file_that_we_read_is_not_told_as_confirmation() -> None:
    itself = finding("exact", 100, 100, id="f", explanation="printed in the file that ours is read from")
    summary, figures = reconciliation_tables([itself], Families(sample.sources()))
    assert figures.rows[0][6].text == "exact: printed in the file that ours is read from"
    assert "no other publication confirms it" in str(summary.notes[-1])
    summary, __ = reconciliation_tables(FINDINGS, Families(sample.sources()))
    assert "no other publication confirms it" not in " ".join(summary.notes)


def test_nothing_to_reconcile_makes_no_table() -> None:
    assert reconciliation_tables([], Families(sample.sources())) == []


def test_a_release_carries_the_reconciliation_as_section_sheet_and_file() -> None:
    given = sample.given("2025", reconciliation=pd.DataFrame(FINDINGS, columns=RECONCILIATION_COLUMNS, dtype=object))
    files = build(given)
    page = files["index.html"].decode()
    assert '<h2 id="reconciliation">Reconciliation with published totals' in page
    assert untraced(page) == []
    assert 'id="table-reconciliation_summary"' in page
    lines = list(csv.DictReader(io.StringIO(files["reconciliation.csv"].decode())))
    assert [line["id"] for line in lines] == ["a", "b", "c", "d", "e"]
    assert [line["status"] for line in lines] == [row["status"] for row in FINDINGS]
    assert b'"path":"reconciliation.csv"' in files["datapackage.json"]
    assert "reconciliation.csv" not in build(sample.given("2025"))


# ---------------------------------------------------------------------------------------------- a run, with the real steps


@pytest.fixture(scope="module")
def regressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a Consumer Sentinel book of 2024 whose invented figures are not those of the publisher."""
    root, book = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("book")
    for file in FIXTURE.glob("*.csv"):
        content = file.read_bytes()
        for year in (2030, 2029, 2028):
            content = content.replace(str(year).encode(), str(year - 6).encode())
        (book / file.name.replace("2030", "2024")).write_bytes(content)
    assert cli.main(["--data", str(root), "ingest", "ftc_csn", str(book), "--published", "2025-03", "--edition", "final"]) == 0
    return root


def test_a_run_fails_and_names_the_figure_that_compares_worse_and_publishes_all_the_same(
    regressed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # as long as it is so, not only on the day on which it came up
        assert cli.main(["--data", str(regressed), "run", "--source", "ftc_csn"]) == 1
        told = capsys.readouterr().err
        assert (
            "fraudloss: ftc_csn: 2024-all-cases (cases 2024, all report types (excl. Do Not Call)) was exact and is now" in told
        )
        assert "published is 6,471,708" in told
        assert "more compare worse. `fraudloss reconcile --source ftc_csn` names them all." in told
        assert sum(line.startswith("fraudloss: ") for line in told.splitlines()) == 11
    (release,) = (regressed / "processed" / "releases" / "annual" / "2024").glob("*/reconciliation.csv")
    with release.open(encoding="utf-8", newline="") as stream:
        lines = {line["id"]: line for line in csv.DictReader(stream)}
    assert lines["2024-all-cases"]["status"] == "different"
    assert lines["2024-all-cases"]["explanation"] == "unknown"


def test_the_command_shows_every_published_total_and_fails_as_long_as_one_compares_worse(
    regressed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps.aggregate("ftc_csn", data=regressed)
    assert cli.main(["--data", str(regressed), "reconcile", "--source", "ftc_csn", "--json"]) == 1
    told = capsys.readouterr()
    rows = {row["id"]: row for row in json.loads(told.out)}
    assert len(rows) == len(published_totals(source("ftc_csn")))
    assert (rows["2024-all-cases"]["theirs"], rows["2024-all-cases"]["status"]) == (6_471_708, "different")
    assert rows["2001-all-cases"]["ours"] is None
    assert "2024-all-cases" in told.err
    assert cli.main(["--data", str(regressed), "reconcile", "--source", "scamwatch"]) == 0


def test_what_a_published_figure_is_broken_down_by_is_said_in_words() -> None:
    assert published_as("fraud; state=Ohio") == "fraud; state: Ohio"
    assert published_as("vintage=2024-06-30;country contains Canada") == "file of: 30 June 2024; country contains Canada"
    with speaking("ja"):
        assert str(published_as("fraud; state=Ohio")) == "詐欺、州：オハイオ州"
        assert str(published_as("vintage=2024-06-30 file")) == "ファイルの時点：2024年6月30日"
