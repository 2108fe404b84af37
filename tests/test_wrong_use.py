"""A question or a command that is put wrongly ends with exit code 2 and what would be right, and changes nothing.

Most dangerous is what looks like an answer: a misspelt data root that holds no problems, a misspelt measure that has no figures.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
from pathlib import Path

import pytest

from pipeline import cli, steps
from pipeline.model import Period, UsageError
from tests.grid_files import INBOX

pytestmark = pytest.mark.slow

COMMANDS = (
    ("run",),
    ("validate", "npa_victims"),
    ("aggregate", "npa_victims"),
    ("publish", "--frequency", "annual", "--period", "2025"),
    ("plan", "--frequency", "annual", "--from", "2024", "--to", "2025"),
    ("backfill", "--frequency", "annual", "--from", "2024", "--to", "2025"),
    ("embargo", "list"),
    ("query",),
    ("diff", "2025-01-01"),
    ("sources",),
    ("reconcile",),
    ("quarantine", "list"),
    ("verify",),
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the figures of one small source."""
    data = tmp_path_factory.mktemp("judged")
    shutil.copytree(INBOX / "npa_victims", data / "raw" / "inbox" / "npa_victims")
    assert cli.main(["--data", str(data), "run", "--source", "npa_victims"]) == 0
    return data


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("kind", "said"), [("missing", "is not there"), ("file", "is no folder"), ("empty", "holds neither raw/ nor processed/")]
)
def test_what_is_no_data_root_is_never_taken_for_one_without_news(
    tmp_path: Path, kind: str, said: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "mistyped"
    if kind == "file":
        root.write_text("no folder")
    elif kind == "empty":
        root.mkdir()
    assert cli.main(["--data", str(root), *command]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{root} {said}" in printed.err
    assert "--data or FRAUDLOSS_DATA" in printed.err
    assert not root.is_dir() or list(root.iterdir()) == []


def test_a_task_of_airflow_refuses_what_is_no_data_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        steps.ingest_inbox("npa_victims", data=tmp_path / "not_mounted")


def test_an_address_that_cannot_be_begins_no_data_root(tmp_path: Path) -> None:
    assert cli.main(["--data", str(tmp_path / "new"), "ingest", "npa_victims", "ftp://publisher.example/x.csv"]) == 2
    assert not (tmp_path / "new").exists()


def test_a_first_file_begins_a_data_root(tmp_path: Path) -> None:
    root = tmp_path / "new"
    file = INBOX / "npa_victims" / "r07_victims.csv"
    assert cli.main(["--data", str(root), "ingest", "npa_victims", str(file), "--published", "2026-09-20"]) == 0
    assert cli.main(["--data", str(root), "verify"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "", "query"), "it is empty"),
        (("ingest", "ftc_csn", ""), "is empty. Name it, or leave it out"),
        (("aggregate", "npa_victims", "--workers", "0"), "0 workers: give 1 or more"),
        (("quarantine", "list", "--rule", ""), "nothing is set aside of rule ''"),
        (("quarantine", "list", "--snapshot", ""), "nothing is set aside of snapshot ''"),
        (("query", "--source", ""), "unknown source ''"),
        (("query", "--table", "victim_by_age"), "no figure has the table 'victim_by_age'. There are "),
        (("query", "--table", ""), "no figure has the table ''"),
        (("query", "--measure", "looss"), "no figure has the measure 'looss'. There are loss, "),
        (("query", "--unit", "YEN"), "no figure has the unit 'YEN'"),
        (("query", "--area", "ZZ"), "no figure has the area 'ZZ'. There are JP"),
        (("query", "--fraud-type", "romance"), "no figure has the fraud type 'romance'"),
        (("query", "--frequency", "weekly"), "no figure has the frequency 'weekly'"),
        (("query", "--as-of", "2026-12-31", "--table", "nope"), "no figure has the table 'nope'"),
        (("diff", "2026-12-31", "--frequency", "weekly"), "'weekly' is no frequency. There are annual, "),
        (("diff", "2026-12-31", "2026-10-01"), "2026-12-31 is after 2026-10-01: give the earlier day first"),
        (("diff", "2026-W40"), "is no release here and no day"),
        (("query", "--as-of", "20261231"), "'20261231' is not a day; write 2025-05-23"),
        (("query", "--as-of", "2026-W40"), "'2026-W40' is not a day"),
        (("query", "--source", "npa_annual", "--as-of", "1900-01-01"), "nothing was known on 1900-01-01"),
        (("sources", "--as-of", "1900-01-01"), "nothing was known on 1900-01-01"),
        (("publish", "--frequency", "annual", "--period", "2025", "--reason", "x"), "--reason says why a release is held back"),
        (("run", "--today", "0001-01-01T00:00+09:00"), "is no moment"),
        (("aggregate", "npa_victims", "--dask", "nowhere"), "npa_victims is no ledger"),
        (("ingest", "npa_victims", "x.csv", "--published", "2026-13-01"), "'2026-13-01' is not a date of publication"),
        (("ingest", "npa_victims", "x.csv", "--published", "2026-02-30"), "'2026-02-30' is not a date of publication"),
        (("ingest", "npa_victims", "x.csv", "--published", "1800"), "--published 1800 is before 1900: no publisher had"),
        (("ingest", "npa_victims", "x.csv", "--published", "0026-05-23"), "--published 0026-05-23 is before 1900"),
        (
            ("ingest", "npa_victims", "ftp://publisher.example/x.csv"),
            "ftp://publisher.example/x.csv is no address that a file is fetched from: found 'ftp://publisher.example/x.csv'; "
            "expected http://host/path or https://host/path. Give such an address, or fetch the file by other means",
        ),
        (("ingest", "npa_victims", "file:///x.csv"), "expected http://host/path or https://host/path"),
        (("ingest", "npa_victims", "https://publisher.example/a b.csv"), "expected an address without blanks"),
        (("trace", "a0123456789abcde-2025-02-30"), "'2025-02-30' is not a day"),
        (("trace", "#a0123456789abcde"), "no figure has the id 'a0123456789abcde'"),
        (
            ("ingest", "npa_victims", "x.csv", "--published", "2062-05-23", "--today", "2026-09-20"),
            "--published 2062-05-23 is 13029 days to come: nothing is published then",
        ),
        (
            ("embargo", "lift", "--frequency", "annual", "--period", "2025", "--reason", ""),
            "a decision on an embargo has a reason",
        ),
    ],
)
def test_a_wrong_word_is_told_from_a_question_without_an_answer(
    judged: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    given = arguments if arguments[0] == "--data" else ("--data", str(judged), *arguments)
    try:
        code = cli.main(given)
    except SystemExit as refused:
        code = refused.code  # type: ignore[assignment]
    assert code == 2
    assert said in capsys.readouterr().err


def test_a_declared_word_that_no_figure_has_is_a_question_without_an_answer(judged: Path) -> None:
    for words in (("--measure", "max_loss"), ("--unit", "AUD"), ("--frequency", "day"), ("--period", "1999")):
        assert cli.main(["--data", str(judged), "query", *words]) == 0


def test_a_day_of_publication_that_was_announced_is_taken_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(INBOX / "npa_victims" / "r07_victims.csv")
    early = ("ingest", "npa_victims", file, "--published", "2026-09-20", "--today", "2026-09-19")
    assert cli.main(["--data", str(tmp_path / "new"), *early]) == 0
    assert "--published 2026-09-20 is still to come" in capsys.readouterr().err
    assert cli.main(["--data", str(tmp_path / "new"), *early[:-1], "2026-09-20"]) == 0
    assert "still to come" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("day", "is_taken_in", "said"),
    [
        (
            "2028-05-23",
            False,
            "found '2028-05-23', which is 613 days to come: nothing is published then; expected the day on which",
        ),
        ("1800", False, "found '1800', which is before 1900"),
        ("2027-05-23", True, "still to come source=npa_victims file=r07_victims.csv published=2027-05-23"),
        ("2026-09-18", True, ""),
    ],
)
def test_a_line_of_an_inbox_with_a_day_that_cannot_be_stops_its_own_file_alone(
    tmp_path: Path,
    day: str,
    is_taken_in: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "fraudloss")
    monkeypatch.setattr(steps, "today", lambda: dt.date(2026, 9, 18))
    inbox = tmp_path / "raw" / "inbox" / "npa_victims"
    shutil.copytree(INBOX / "npa_victims", inbox)
    (inbox / "other.csv").write_text("another file of the inbox")
    header, line, *_ = (inbox / "deliveries.csv").read_text(encoding="utf-8").splitlines()
    name, published, *about = line.split(",")
    assert published == "2026-09-20"
    (inbox / "deliveries.csv").write_text("\n".join([header, ",".join([name, day, *about]), ""]), encoding="utf-8")
    code = cli.main(["--data", str(tmp_path), "run", "--source", "npa_victims"])
    held = {snapshot.file for snapshot in steps.store_at(tmp_path).snapshots("npa_victims")}
    printed = capsys.readouterr().err + caplog.text
    # The other file is no table, and is refused unless the first is dated after it.
    assert code == (0 if day == "2027-05-23" else 1)
    assert held == {"other.csv", *([name] if is_taken_in else [])}
    assert said in printed
    assert ("still to come" in printed) == said.startswith("still to come")


def test_sources_are_judged_as_of_a_day_by_what_was_known_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(INBOX / "internet_banking", tmp_path / "raw" / "inbox" / "internet_banking")
    steps.run_source("internet_banking", data=tmp_path)
    capsys.readouterr()
    assert cli.main(["--data", str(tmp_path), "sources", "--as-of", "2015-12-31", "--json"]) == 0
    (banking,) = [row for row in json.loads(capsys.readouterr().out) if row["source"] == "internet_banking"]
    assert (banking["snapshots"], banking["newest"]) == (2, "2015-06-30")


def test_a_stretch_to_the_end_of_time_can_be_planned(judged: Path) -> None:
    assert cli.main(["--data", str(judged), "plan", "--frequency", "annual", "--from", "9990", "--to", "9999"]) == 0
    assert [period.code for period in Period.parse("9998").walk_to(Period.parse("9999"))] == ["9998", "9999"]
