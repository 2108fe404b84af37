"""Rows that broke a rule can be listed, shown with their place in the file, and judged again; what passes then is taken in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, quarantine, steps, verification
from pipeline.model import UsageError
from pipeline.store import Store
from tests import faults

LATE = "cases.date_not_after_publication"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with one record that is set aside: it was dated after its publication."""
    root = tmp_path_factory.mktemp("judged") / "data"
    faults.lay_inbox(root)
    faults.run(faults.FILES.sources, root)
    return root


@pytest.fixture
def root(judged: Path, tmp_path: Path) -> Path:
    shutil.copytree(judged, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def other_suite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The rule is changed: what was set aside passes, and another record does not."""
    monkeypatch.setattr(steps, "SUITES", faults.other_suites(tmp_path / "expectations"))


def ask(capsys: pytest.CaptureFixture[str], root: Path, *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = cli.main(["--data", str(root), "quarantine", *arguments, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


def test_what_is_set_aside_is_counted_by_source_snapshot_and_rule(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (snapshot,) = Store(root).snapshots("cafc")
    row = {"source": "cafc", "snapshot": snapshot.id, "file": "reports.csv", "kind": "records", "rule": LATE, "rows": 1}
    assert ask(capsys, root, "list") == (0, [row])
    assert ask(capsys, root, "list", "--source", "internet_banking") == (0, [])


def test_a_row_is_shown_with_its_rules_and_its_place_in_the_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (row,) = ask(capsys, root, "show", "--rule", LATE)
    assert (code, row["origin"], row["rule_ids"]) == (0, "reports.csv row 153", [LATE])
    assert (row["date"], row["month"], row["loss_minor"]) == ("2024-03-20", "2024-03", 123456789)
    assert cli.main(["--data", str(root), "quarantine", "show"]) == 0
    assert f"reports.csv row 153 (cafc, snapshot {row['snapshot']}) broke {LATE}" in capsys.readouterr().out


@pytest.mark.usefixtures("other_suite")
def test_replay_takes_in_what_passes_now_and_gives_what_a_fresh_run_gives(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (row,) = ask(capsys, root, "replay")
    assert (code, row["status"], row["read"], row["set_aside_before"], row["set_aside_now"]) == (0, "accepted", 152, 1, 1)
    assert [shown["origin"] for shown in ask(capsys, root, "show")[1]] == ["reports.csv row 152"]
    fresh = tmp_path / "fresh"
    faults.lay_inbox(fresh)
    faults.run(faults.FILES.sources, fresh)
    faults.run(faults.FILES.sources, root)
    assert verification.verify(data=root).problems == []
    wanted, made = faults.tree(fresh), faults.tree(root)
    rows = ("cases", "observations", "quarantine", "validation")
    assert {name: sha256 for name, sha256 in made.items() if name.split("/")[1] in rows} == {
        name: sha256 for name, sha256 in wanted.items() if name.split("/")[1] in rows
    }
    assert {name for name in wanted if "view=" in name and made[name] != wanted[name]} == set()


def test_replay_without_a_change_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = faults.tree(root)
    code, (row,) = ask(capsys, root, "replay", "--source", "cafc")
    assert (code, row["set_aside_before"], row["set_aside_now"]) == (0, 1, 1)
    assert faults.tree(root) == before


def test_a_replay_that_was_broken_off_before_the_view_was_made_is_finished_by_the_next(root: Path, other_suite: None) -> None:
    (snapshot,) = Store(root).snapshots("cafc")
    steps.judge_again("cafc", [snapshot.id], data=root)
    # The rule for which it was asked has no rows any more.
    with pytest.raises(UsageError, match="nothing is set aside"):
        quarantine.replay(quarantine.Chosen("cafc", rule="cases.nothing_breaks_it"), data=root)
    assert steps.aggregate("cafc", data=root) is None


def test_a_replay_that_is_refused_says_why(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    suites = faults.other_suites(root.parent / "strict")
    path = suites / "cafc.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"max_value": 180', '"max_value": 1'), encoding="utf-8")
    monkeypatch.setattr(steps, "SUITES", suites)
    assert cli.main(["--data", str(root), "quarantine", "replay"]) == 1
    assert "would be set aside" in capsys.readouterr().err
    assert verification.verify(data=root).problems == []


@pytest.mark.parametrize("asked", [("--snapshot", "000000000000"), ("--rule", "no.such.rule")])
@pytest.mark.parametrize("way", ["list", "show", "replay"])
def test_what_is_not_there_is_wrong_use(
    judged: Path, way: str, asked: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--data", str(judged), "quarantine", way, *asked]) == 2
    assert "`fraudloss quarantine list` names what is" in capsys.readouterr().err


def test_a_quarantine_that_was_changed_by_hand_is_not_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = min(root.glob("processed/quarantine/*/*.parquet"))
    path.write_bytes(path.read_bytes().replace(b"Romance", b"Romanze"))
    assert cli.main(["--data", str(root), "quarantine", "show"]) == 1
    assert path.name in capsys.readouterr().err
