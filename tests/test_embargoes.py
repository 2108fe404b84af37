"""A release under embargo is made and can be checked; nothing else tells of it, or is made of its files, before its time."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, embargoes, steps
from pipeline.model import FraudlossError, NothingToPublish, Period, UsageError
from pipeline.store import Store
from pipeline.verification import verify
from tests import faults

pytestmark = pytest.mark.slow(seconds=10)
BEFORE, UNTIL, AFTER = "2015-09-10", "2015-09-24T08:50+09:00", "2015-09-24"
NOW = dt.datetime(2015, 9, 10, tzinfo=dt.UTC)
PERIOD = ("--frequency", "quarterly", "--period", "2015-Q2")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with releases, and a second file of figures judged and not published: the first half of 2015, 2014 revised."""
    root = tmp_path_factory.mktemp("published") / "data"
    faults.lay_inbox(root)
    faults.run(faults.FILES.sources, root)
    faults.bring_another_file(root)
    steps.run_source("internet_banking", data=root)
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "data"))


def command(root: Path, *arguments: str) -> int:
    return cli.main(["--data", str(root), *arguments])


def hold(root: Path, *until: str) -> str:
    """Put 2015-Q2 under embargo. Gives the id of the release that waits."""
    given = until or ("--embargo-until", UNTIL)
    assert command(root, "publish", *PERIOD, *given, "--reason", "the agency asked", "--today", BEFORE) == 0
    return str(record(root)["release_id"])


def night(root: Path, today: str) -> None:
    assert command(root, "run", "--source", "internet_banking", "--today", today) == 0


def record(root: Path) -> dict[str, Any]:
    return dict(Store(root).read_json(root / "processed" / "embargoes" / "quarterly" / "2015-Q2.json") or {})


def pointer(root: Path, name: str = "quarterly/2015-Q2") -> str | None:
    found = Store(root).read_json(root / "processed" / "releases" / name / "current.json")
    return found["release_id"] if found else None


def shown(root: Path) -> dict[str, str]:
    """Everything that is published: path -> sha256."""
    return {
        name: sha256 for name, sha256 in faults.tree(root).items() if name.startswith(("processed/releases/", "processed/site/"))
    }


def without_due(files: dict[str, str]) -> dict[str, str]:
    return {name: sha256 for name, sha256 in files.items() if not name.endswith("/due.json")}


def test_nothing_but_the_folder_of_the_release_tells_of_its_figures_before_its_time(root: Path) -> None:
    before = shown(root)
    waiting = hold(root)
    night(root, BEFORE)
    folder = f"processed/releases/quarterly/2015-Q2/{waiting}/"
    after = shown(root)
    period = {f"processed/releases/quarterly/2015-Q2/{name}" for name in ("index.html", "index.ja.html", "releases.json")}
    # The very bytes of the day before the file came: no figure of it, and none that could be computed from it.
    rest = {name: sha256 for name, sha256 in after.items() if not name.startswith(folder) and name not in period}
    assert without_due(rest) == without_due(before)
    page = (root / folder / "index.html").read_text(encoding="utf-8")
    assert "754" in page
    assert "1,544,000,000" in page
    told = (root / "processed/releases/quarterly/2015-Q2/index.html").read_text(encoding="utf-8")
    assert "No release has been in force" in told
    assert all(words not in told for words in (waiting, "754", "1,544"))
    in_japanese = (root / folder / "embargo.ja.html").read_text(encoding="utf-8")
    assert all(words in in_japanese for words in ("解禁前です（解禁：2015-09-23T23:50Z）", "the agency asked"))
    preview = (root / folder / "embargo.html").read_text(encoding="utf-8")
    assert "Not for release before 2015-09-23T23:50Z" in preview
    assert "the agency asked" in preview
    assert pointer(root) is None
    assert verify(data=root).problems == []


def test_its_time_lets_it_speak_with_the_bytes_that_it_had_and_what_was_held_with_it_follows(root: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(root, tmp_path / "other"))
    waiting = hold(root)
    night(root, BEFORE)
    folder = root / "processed" / "releases" / "quarterly" / "2015-Q2" / waiting
    files = {path.name: path.stat().st_ino for path in folder.iterdir() if not path.name.startswith("embargo.")}
    night(root, "2015-09-24T08:49+09:00")
    assert pointer(root) is None
    night(root, UNTIL)
    assert pointer(root) == waiting
    assert {path.name: path.stat().st_ino for path in folder.iterdir()} == files
    assert (record(root)["status"], record(root)["previews"]) == ("over", {})
    assert verify(data=root).problems == []
    # All else is as if there had been no embargo.
    night(other, UNTIL)
    assert shown(root) == shown(other)
    assert f"quarterly/2015-Q2/{waiting}" in (root / "processed" / "site" / "index.html").read_text(encoding="utf-8")
    after = faults.tree(root)
    night(root, "2016-01-01")
    assert faults.tree(root) == after


def test_a_night_under_embargo_without_news_does_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold(root)
    night(root, BEFORE)
    before = faults.tree(root)
    capsys.readouterr()
    night(root, BEFORE)
    assert "Nothing new: no work done." in capsys.readouterr().out
    assert faults.tree(root) == before


def test_without_a_moment_every_embargo_is_in_force(root: Path) -> None:
    hold(root)
    for frequency in ("annual", "quarterly", "monthly"):
        steps.publish_due(frequency, data=root)
    steps.build_site(data=root)
    assert pointer(root) is None
    with pytest.raises(NothingToPublish, match="under embargo until 2015-09-23T23:50Z"):
        steps.publish("quarterly", "2015-Q2", data=root)


def test_what_is_reproduced_as_of_a_day_tells_nothing_either(root: Path) -> None:
    hold(root)
    old = pointer(root, "quarterly/2014-Q2")
    before = shown(root)
    steps.publish("quarterly", "2014-Q2", data=root, as_of=dt.date(2015, 12, 31), now=NOW)
    assert without_due(shown(root)) == without_due(before)
    assert pointer(root, "quarterly/2014-Q2") == old
    # 2014-S1 was revised by the file that is held back.
    assert [item.action for item in steps.plan("quarterly", "2014-Q2", "2014-Q2", data=root, now=NOW)] == ["nothing"]


def test_a_plan_says_what_waits_and_until_when(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = hold(root)
    capsys.readouterr()
    stretch = ("--frequency", "quarterly", "--from", "2015-Q2", "--to", "2015-Q2", "--json")
    assert command(root, "plan", *stretch, "--today", BEFORE) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    assert (planned["action"], planned["release_id"], planned["embargo"]) == ("embargo", waiting, "2015-09-23T23:50Z")
    assert command(root, "plan", *stretch, "--today", AFTER) == 0
    (planned,) = json.loads(capsys.readouterr().out)
    assert (planned["action"], planned["release_id"], planned["embargo"]) == ("new release", waiting, "")


def test_lifting_early_lets_it_speak_at_once_and_keeps_the_reason(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = hold(root, "--hold")
    night(root, "2030-01-01")
    assert pointer(root) is None
    assert command(root, "embargo", "lift", *PERIOD, "--reason", "it was printed elsewhere", "--today", BEFORE) == 0
    assert pointer(root) == waiting
    assert [(item["action"], item["until"], item["reason"]) for item in record(root)["decisions"]] == [
        ("set", None, "the agency asked"),
        ("lifted", None, "it was printed elsewhere"),
    ]
    assert verify(data=root).problems == []
    capsys.readouterr()
    assert command(root, "embargo", "list", "--today", BEFORE, "--json") == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["status"], listed["holds"]) == ("over", "")
    assert command(root, "embargo", "lift", *PERIOD, "--reason", "again", "--today", BEFORE) == 2


def test_holding_longer_is_a_decision_with_a_reason_and_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = hold(root)
    extend = ("embargo", "extend", *PERIOD, "--reason", "one more check", "--today", AFTER)
    assert command(root, *extend, "--until", "2015-09-20") == 2
    assert command(root, *extend, "--until", "2015-10-01") == 0
    night(root, "2015-09-30")
    assert pointer(root) is None
    preview = root / "processed" / "releases" / "quarterly" / "2015-Q2" / waiting / "embargo.html"
    assert "2015-10-01T00:00Z" in preview.read_text(encoding="utf-8")
    assert "one more check" in preview.read_text(encoding="utf-8")
    night(root, "2015-10-01")
    assert pointer(root) == waiting


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--embargo-until", "2015-09-01", "--reason", "x"), "has passed"),
        (("--embargo-until", UNTIL), "--reason"),
        (("--hold", "--reason", "x", "--as-of", "2015-09-09"), "--as-of"),
    ],
)
def test_an_embargo_that_makes_no_sense_is_refused(
    root: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = faults.tree(root)
    assert command(root, "publish", *PERIOD, *arguments, "--today", BEFORE) == 2
    assert words in capsys.readouterr().err
    assert faults.tree(root) == before


def test_a_command_on_an_embargo_that_was_broken_off_is_given_again_and_goes_on(root: Path) -> None:
    waiting = hold(root)
    assert hold(root) == waiting
    until = ("--until", "2015-09-30", "--reason", "one more check", "--today", BEFORE)
    for _ in range(2):
        assert command(root, "embargo", "extend", *PERIOD, *until) == 0
    for _ in range(2):
        assert command(root, "embargo", "lift", *PERIOD, "--reason", "printed elsewhere", "--today", BEFORE) == 0
        assert pointer(root) == waiting
    assert [item["action"] for item in record(root)["decisions"]] == ["set", "extended", "lifted"]


def test_an_embargo_is_set_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold(root)
    assert command(root, "publish", *PERIOD, "--hold", "--reason", "x", "--today", BEFORE) == 2
    assert "already" in capsys.readouterr().err


def test_what_is_published_already_stays_and_a_later_file_of_the_period_waits(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night(root, AFTER)
    speaks = pointer(root)
    assert command(root, "publish", *PERIOD, "--hold", "--reason", "the revision waits", "--today", AFTER) == 0
    assert "Nothing of it is unpublished yet" in capsys.readouterr().out
    text = (faults.SHIPPED / faults.SECOND).read_text(encoding="utf-8").replace(",754,", ",755,")
    (tmp_path / "revised.csv").write_text(text, encoding="utf-8")
    steps.ingest("internet_banking", str(tmp_path / "revised.csv"), data=root, published="2016-03-03", extract=True)
    night(root, "2016-04-01")
    waiting = record(root)["release_id"]
    assert waiting not in (None, speaks)
    assert pointer(root) == speaks
    assert command(root, "embargo", "lift", *PERIOD, "--reason", "checked", "--today", "2016-04-01") == 0
    assert pointer(root) == waiting


def test_a_file_that_two_embargoes_hold_waits_for_the_later_one(root: Path) -> None:
    waiting = hold(root)
    later = ("--embargo-until", "2015-12-01", "--reason", "the year, too", "--today", BEFORE)
    assert command(root, "publish", "--frequency", "annual", "--period", "2014", *later) == 0
    night(root, AFTER)
    assert pointer(root) is None
    night(root, "2015-12-01")
    assert pointer(root) == waiting
    assert pointer(root, "annual/2014") is not None
    assert verify(data=root).problems == []


def test_verify_names_a_pointer_to_what_is_under_embargo_and_a_preview_that_was_changed(root: Path) -> None:
    waiting = hold(root)
    store, folder = Store(root), root / "processed" / "releases" / "quarterly" / "2015-Q2"
    assert verify(data=root).problems == []
    (folder / waiting / "embargo.html").write_text("Go ahead")
    assert any("embargo.html" in problem for problem in verify(data=root).problems)
    (folder / waiting / "embargo.html").unlink()
    assert any("embargo.html" in problem for problem in verify(data=root).problems)
    night(root, BEFORE)
    assert verify(data=root).problems == []
    store.write_json(folder / "current.json", {"release_id": waiting})
    assert any("is under embargo" in problem for problem in verify(data=root).problems)


def test_a_record_that_is_lost_lets_nothing_slip_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold(root)
    night(root, BEFORE)
    path = root / "processed" / "embargoes" / "quarterly" / "2015-Q2.json"
    kept = path.read_bytes()
    before = shown(root)
    path.unlink()
    assert command(root, "run", "--source", "internet_banking", "--today", AFTER) == 1
    assert "is under embargo, but" in capsys.readouterr().err
    assert shown(root) == before
    assert any("embargo.html" in problem for problem in verify(data=root).problems)
    path.write_bytes(kept)
    night(root, AFTER)
    assert pointer(root) == Store(root).read_json(path)["release_id"]
    assert verify(data=root).problems == []


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source declares that quarters are released 100 days after their end."""
    rules = {"quarterly": {"days_after": 100, "at": "08:50+09:00"}}
    monkeypatch.setattr(embargoes, "_declared", lambda source: rules if source.id == "internet_banking" else {})


def test_a_declared_release_time_is_kept_without_a_command(root: Path, declared: None) -> None:
    night(root, BEFORE)
    assert pointer(root) is None
    made = record(root)
    assert (made["until"], made["decisions"][0]["action"]) == ("2015-10-07T23:50Z", "declared")
    assert verify(data=root).problems == []
    night(root, "2015-10-07T23:49Z")
    assert pointer(root) is None
    night(root, "2015-10-08")
    assert pointer(root) == made["release_id"]
    assert verify(data=root).problems == []
    with pytest.raises(FraudlossError, match="Say which moment"):
        steps.publish_due("quarterly", data=root)


def test_a_declared_release_time_that_is_past_holds_nothing(root: Path, declared: None) -> None:
    night(root, "2016-01-01")
    assert pointer(root) is not None
    assert not (root / "processed" / "embargoes").exists()


def test_release_times_follow_from_days_after_the_period_or_from_a_calendar() -> None:
    rule = {"days_after": 50, "at": "08:50+09:00", "dates": {"2026-05": dt.date(2026, 7, 1)}}
    at = {code: embargoes.release_time(rule, Period.parse(code)) for code in ("2026-04", "2026-05")}
    assert at["2026-04"] == dt.datetime(2026, 6, 18, 23, 50, tzinfo=dt.UTC)
    assert at["2026-05"] == dt.datetime(2026, 6, 30, 23, 50, tzinfo=dt.UTC)
    assert embargoes.release_time({"dates": {}}, Period.parse("2026-04")) is None


def test_a_moment_is_a_day_or_an_instant_and_anything_else_is_refused() -> None:
    assert embargoes.instant("2026-06-20") == dt.datetime(2026, 6, 20, tzinfo=dt.UTC)
    assert embargoes.instant_text(embargoes.instant("2026-06-20T08:50+09:00")) == "2026-06-19T23:50Z"
    with pytest.raises(UsageError, match="2026-06-20"):
        embargoes.instant("tomorrow")
