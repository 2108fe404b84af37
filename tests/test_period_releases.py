"""What became of each release: superseded, withdrawn, reproduced; as pointer, page of the period, site and feed tell it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lxml import etree

from pipeline import cli, code_version, steps, vintages
from pipeline.frames import observations_table
from pipeline.model import PUBLISHED_FREQUENCIES, REASONS, FraudlossError, NothingToPublish, Period, Snapshot
from pipeline.publish import period as records
from pipeline.publishing.candidates import Candidate, Candidates
from pipeline.sources.catalogue import Source
from pipeline.store import Store
from pipeline.verification import verify
from tests import faults

pytestmark = pytest.mark.slow(seconds=10)
RULE = '"column": "days_to_known", "min_value": 0},\n        "meta": {"rule_id": "cases.date_not_after_publication"'
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with releases of two sources: figures of the years to 2014, and records of October and November 2023."""
    root = tmp_path_factory.mktemp("published") / "data"
    faults.lay_inbox(root)
    faults.run(faults.FILES.sources, root)
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "data"))


def pointer(root: Path, name: str) -> dict[str, Any]:
    return dict(Store(root).read_json(root / "processed" / "releases" / name / "current.json") or {})


def record(root: Path, name: str) -> dict[str, Any]:
    return dict(Store(root).read_json(root / "processed" / "releases" / name / "releases.json") or {})


def page(root: Path, name: str) -> str:
    return (root / "processed" / "releases" / name / "index.html").read_text(encoding="utf-8")


def site(root: Path, name: str = "index.html") -> str:
    return (root / "processed" / "site" / name).read_text(encoding="utf-8")


def entries(root: Path) -> list[tuple[str, str, str]]:
    """Id, title and summary of each entry of the feed."""
    feed = etree.parse(root / "processed" / "site" / "feed.xml")
    return [tuple(item.findtext(ATOM + name) for name in ("id", "title", "summary")) for item in feed.iter(f"{ATOM}entry")]


@pytest.fixture
def stricter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Makes the suite of the records so strict that their only file is refused. Gives the snapshot's id."""

    def change() -> str:
        folder = tmp_path / "expectations"
        shutil.copytree(steps.SUITES, folder)
        text = (folder / "cafc.json").read_text(encoding="utf-8")
        assert RULE in text
        (folder / "cafc.json").write_text(text.replace(RULE, RULE.replace('"min_value": 0', '"max_value": -1')), encoding="utf-8")
        monkeypatch.setattr(steps, "SUITES", folder)
        (snapshot,) = Store(tmp_path / "data").snapshots("cafc")
        return snapshot.id

    return change


def replay(root: Path) -> None:
    """Judge everything again and publish what is due, as a night does."""
    assert cli.main(["--data", str(root), "run", "--source", "cafc"]) in (0, 1)


# --------------------------------------------------------------------------------------------------------------- withdrawn


def test_a_period_whose_only_file_is_refused_after_all_is_withdrawn_and_says_so_everywhere(
    root: Path, stricter: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    spoke = pointer(root, "monthly/2023-10")["release_id"]
    before = faults.tree(root / "processed" / "releases" / "monthly" / "2023-10" / spoke)
    snapshot = stricter()
    capsys.readouterr()
    replay(root)
    assert " withdrawn; sources with new figures" in capsys.readouterr().out

    told = pointer(root, "monthly/2023-10")
    assert told["release_id"] is None
    assert told["withdrawn"] == {
        "release_id": spoke,
        "since": "2024-03-15",
        "reasons": ["refusal"],
        "snapshots": [snapshot],
    }
    assert faults.tree(root / "processed" / "releases" / "monthly" / "2023-10" / spoke) == before
    (line,) = record(root, "monthly/2023-10")["releases"]
    assert (line["status"], line["ended"]["by"], line["ended"]["since"]) == ("withdrawn", None, "2024-03-15")
    assert REASONS["refusal"] in page(root, "monthly/2023-10")
    assert ("monthly", "2023-10") not in {(m["frequency"], m["period"]) for m in steps.current_manifests(data=root)}
    index = site(root)
    assert f"monthly/2023-10/{spoke}" not in index
    assert 'id="withdrawn"' in index
    assert "../releases/monthly/2023-10/index.html" in index[index.index('id="withdrawn"') :]
    (entry,) = [item for item in entries(root) if "monthly/2023-10" in item[0]]
    assert entry[0].endswith("monthly/2023-10/2024-03-15/withdrawn")
    assert entry[1] == "Withdrawn: Monthly summary, October 2023"
    assert REASONS["refusal"] in entry[2]
    assert verify(data=root).problems == []
    assert faults.unreadable_releases(root) == []
    # Figures of other sources are as they were.
    assert pointer(root, "annual/2013")["release_id"]


def test_a_withdrawal_is_done_once_and_the_night_after_it_does_nothing(
    root: Path, stricter: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    stricter()
    replay(root)
    after = faults.tree(root)
    assert steps.publish_due("monthly", data=root) == []
    assert steps.build_site(data=root) is False
    assert faults.tree(root) == after
    with pytest.raises(NothingToPublish, match="withdrawn since 2024-03-15"):
        steps.publish("monthly", "2023-10", data=root)
    (root / "processed" / "releases" / "monthly" / "2023-10" / "current.json").unlink()
    assert any("current.json" in problem for problem in verify(data=root).problems)
    steps.publish_due("monthly", data=root)
    assert faults.tree(root) == after


def test_a_withdrawal_is_planned_and_what_was_planned_is_what_a_backfill_does(
    root: Path, stricter: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    spoke = pointer(root, "monthly/2023-10")["release_id"]
    snapshot = stricter()
    steps.run_source("cafc", data=root)
    before = faults.tree(root)
    (planned,) = steps.plan("monthly", "2023-10", "2023-10", data=root)
    assert (planned.action, planned.reasons, planned.release_id, planned.snapshots) == (
        "withdraw",
        ("refusal",),
        spoke,
        [snapshot],
    )
    assert faults.tree(root) == before
    capsys.readouterr()
    arguments = ["--frequency", "monthly", "--from", "2023-10", "--to", "2023-11"]
    assert cli.main(["--data", str(root), "backfill", *arguments, "--workers", "2"]) == 0
    assert "0 releases published, 2 withdrawn, 0 were there already, 0 periods without figures." in capsys.readouterr().out
    assert [item.action for item in steps.plan("monthly", "2023-10", "2023-11", data=root)] == ["no figures", "no figures"]
    assert pointer(root, "monthly/2023-11")["release_id"] is None


def test_figures_that_come_back_make_the_period_speak_again(
    root: Path, stricter: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoke, suites = pointer(root, "monthly/2023-10")["release_id"], steps.SUITES
    stricter()
    replay(root)
    monkeypatch.setattr(steps, "SUITES", suites)
    steps.run_source("cafc", data=root)
    assert f"2023-10/{spoke}" in steps.publish_due("monthly", data=root)
    steps.build_site(data=root)
    assert pointer(root, "monthly/2023-10") == {"release_id": spoke}
    first, second = record(root, "monthly/2023-10")["releases"]
    assert (first["release_id"], first["status"], second["release_id"], second["status"]) == (spoke, "current", spoke, "current")
    assert second["reasons"] == ["reinstatement"]
    assert 'id="withdrawn"' not in site(root)
    assert verify(data=root).problems == []


def test_figures_that_are_gone_only_because_a_file_is_lost_or_not_judged_yet_withdraw_nothing(root: Path) -> None:
    pointers = {path: path.read_bytes() for path in root.glob("processed/releases/monthly/*/current.json")}
    next(root.glob("processed/validation/verdicts/cafc/*.json")).unlink()
    with pytest.raises(FraudlossError, match=r"gone or not judged\. The release \w+ speaks on"):
        steps.publish_due("monthly", data=root)
    shutil.rmtree(next(path for path in root.glob("raw/cafc/*") if path.is_dir()))
    with pytest.raises(FraudlossError, match=r"gone or not judged\. The release \w+ speaks on"):
        steps.publish_due("monthly", data=root)
    assert {path: path.read_bytes() for path in root.glob("processed/releases/monthly/*/current.json")} == pointers


def test_figures_that_a_later_file_marks_as_withdrawn_withdraw_their_period_by_that_file(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher says of each figure of the first half of 2014 that it is withdrawn, and the reader knows how."""
    read = steps._read

    def with_withdrawn_figures(store: Store, snapshot: Snapshot, declared: Source) -> pd.DataFrame:
        rows = read(store, snapshot, declared)
        if snapshot.file == "later.csv":
            rows.loc[rows["period"] == "2014-S1", ["value", "precision", "absence"]] = [None, None, "withdrawn"]
        return rows

    monkeypatch.setattr(steps, "_read", with_withdrawn_figures)
    spoke = pointer(root, "quarterly/2014-Q2")["release_id"]
    again = (faults.SHIPPED / faults.FIRST).read_bytes().replace(b"provisional,,press", b"provisional,printed again,press")
    (tmp_path / "later.csv").write_bytes(again)
    snapshot = steps.ingest("internet_banking", str(tmp_path / "later.csv"), data=root, published="2014-12-01", extract=True)
    assert steps.run_source("internet_banking", data=root).refusal == ""
    assert "2014-Q2/withdrawn" in steps.publish_due("quarterly", data=root)
    assert pointer(root, "quarterly/2014-Q2")["withdrawn"] == {
        "release_id": spoke,
        "since": "2014-12-01",
        "reasons": ["withdrawal"],
        "snapshots": [snapshot.id],
    }
    assert pointer(root, "quarterly/2013-Q4")["release_id"]
    assert verify(data=root).problems == []


# -------------------------------------------------------------------------------------------------------------- superseded


def test_a_release_that_another_took_the_place_of_says_by_which_since_when_and_why(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = pointer(root, "annual/2013")["release_id"]
    folder = root / "processed" / "releases" / "annual" / "2013" / old
    before = faults.tree(folder)
    monkeypatch.setattr(code_version, "of_publication", lambda source_ids: "othercode000")
    new = str(steps.publish("annual", "2013", data=root))
    first, second = record(root, "annual/2013")["releases"]
    assert (first["release_id"], first["status"], first["ended"]["by"]) == (old, "superseded", new)
    assert first["ended"]["reasons"] == ["new_code"]
    assert (second["release_id"], second["status"], second["ended"]) == (new, "current", None)
    shown = page(root, "annual/2013")
    assert shown.index(new) < shown.index(f'href="{old}/index.html"')
    assert f'<a href="{new}/index.html">{new}</a>, known by 4 September 2014: {REASONS["new_code"]}' in shown
    assert faults.tree(folder) == before
    assert verify(data=root).problems == []


def test_a_new_file_says_what_it_changed_of_the_release_before(root: Path) -> None:
    faults.bring_another_file(root)
    steps.run_source("internet_banking", data=root)
    assert any(name.startswith("2014-Q2/") for name in steps.publish_due("quarterly", data=root))
    first, second = record(root, "quarterly/2014-Q2")["releases"]
    assert (first["ended"]["by"], first["ended"]["since"]) == (second["release_id"], "2015-09-03")
    assert second["reasons"] == first["ended"]["reasons"] == ["revision"]
    assert second["changes"]["revised"] >= 2
    assert "Figures that changed: " in page(root, "quarterly/2014-Q2")


def test_a_mean_that_a_reprint_lets_be_known_is_no_news_of_our_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss is revised, so that no mean is known until the number of cases is printed again; that is only a rounded one."""
    for name, day, measure, printed, precision in (
        ("loss.csv", "2014-10-01", "被害額", "1900百万円", ""),
        ("cases.csv", "2014-11-01", "発生件数", "1250", "5"),
    ):
        bring_a_figure(root, name, day, f"{measure},{printed},{precision}")
        steps.publish_due("quarterly", data=root)
    first, second, third = record(root, "quarterly/2014-Q2")["releases"]
    assert first["ended"]["reasons"] == second["reasons"] == ["revision"]
    assert (third["reasons"], third["changes"]) == (["revision"], {"revised": 2})
    monkeypatch.setattr(code_version, "of_publication", lambda source_ids: "othercode000")
    steps.publish("quarterly", "2014-Q2", data=root)
    assert record(root, "quarterly/2014-Q2")["releases"][-1]["reasons"] == ["new_code"]


def bring_a_figure(root: Path, name: str, day: str, cells: str) -> None:
    """A file of one figure of the first half of 2014; `cells`: measure, as printed, precision."""
    inbox = root / "raw" / "inbox" / "internet_banking"
    header = (inbox / faults.FIRST).read_text(encoding="utf-8").splitlines()[0]
    figure = f"平成26年上半期,インターネットバンキングに係る不正送金事犯,総数,,,{cells}"
    line = f"{figure},npa_transfer,provisional,,press,https://publisher.example"
    (inbox / name).write_text(f"{header}\n{line}\n", encoding="utf-8")
    with (inbox / "deliveries.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{name},{day},provisional,true,a trial,\n")
    steps.run_source("internet_banking", data=root)


def test_every_page_of_a_release_leads_to_the_page_of_its_period(root: Path) -> None:
    pages = list(root.glob("processed/releases/*/*/*/*.html"))
    assert len(pages) >= 20
    links = {
        ".ja": '<a href="../index.ja.html">この期間の全ての公表版</a>',
        "": '<a href="../index.html">All releases of this period</a>',
    }
    for path in pages:
        link = links[".ja" if path.name.endswith(".ja.html") else ""]
        assert link in path.read_text(encoding="utf-8"), path
        assert all((path.parent.parent / name).is_file() for name in ("index.html", "index.ja.html"))


def test_a_declared_correction_is_told_with_its_reason_by_the_page_and_by_an_entry_of_its_own_in_the_feed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.build_site(data=root)
    old = [item for item in entries(root) if "annual/2013" in item[0]]
    words = "corrected from '1': the total of its own parts says 2 (a fixture)"
    whole = Candidates.of_period

    def corrected(self: Candidates, period: Period) -> Candidate:
        found = whole(self, period)
        rows = found.rows.copy()
        place = rows.index[(rows["derivation"] == "") & (rows["period"] == "2013-S1")][0]
        rows.loc[place, "value"] = rows.loc[place, "value"] + 1
        rows.loc[place, "note"] = words
        return Candidate(period, rows, observations_table(rows), found.revisions, "corrected000")

    monkeypatch.setattr(Candidates, "of_period", corrected)
    # A real correction makes other figures of the file, so that no release made of it stands.
    (root / "processed" / "releases" / "annual" / "due.json").unlink()
    (planned,) = steps.plan("annual", "2013", "2013", data=root)
    steps.publish("annual", "2013", data=root)
    monkeypatch.undo()
    assert planned.reasons == ("declared_correction",)
    first, second = record(root, "annual/2013")["releases"]
    assert first["ended"]["reasons"] == second["reasons"] == ["declared_correction"]
    assert second["corrections"] == [words]
    assert "the total of its own parts says 2" in page(root, "annual/2013")
    steps.build_site(data=root)
    (entry,) = [item for item in entries(root) if "annual/2013" in item[0]]
    assert entry[0] == f"{old[0][0]}/corrected/{second['release_id']}"
    assert entry[1].startswith("Correction: ")
    assert words in entry[2]


def test_a_release_as_of_a_day_is_listed_as_not_in_force_and_the_pointer_stays(root: Path) -> None:
    name = "quarterly/2014-Q2"
    before = pointer(root, name)
    faults.bring_another_file(root)
    steps.run_source("internet_banking", data=root)
    steps.publish_due("quarterly", data=root)
    now = pointer(root, name)
    shutil.rmtree(root / "processed" / "releases" / name)
    shutil.rmtree(root / "processed" / "site")
    steps.publish("quarterly", "2014-Q2", data=root, as_of=dt.date(2014, 12, 31))
    assert not (root / "processed" / "releases" / name / "current.json").exists()
    assert "No release has been in force for this period here" in page(root, name)
    assert verify(data=root).problems == []
    steps.publish("quarterly", "2014-Q2", data=root)
    assert pointer(root, name) == now
    (other,) = record(root, name)["others"]
    assert (other["release_id"], other["status"]) == (before["release_id"], "not in force")
    assert verify(data=root).problems == []


def test_what_is_made_as_of_a_day_and_speaks_later_is_listed_once_and_the_order_makes_no_difference(
    root: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(root, tmp_path / "other"))
    for each in (root, other):
        shutil.rmtree(each / "processed" / "releases" / "annual" / "2013")
    for each, days in ((root, (dt.date(2026, 1, 1), None)), (other, (None, dt.date(2026, 1, 1)))):
        for day in days:
            steps.publish("annual", "2013", data=each, as_of=day)
    assert record(root, "annual/2013")["others"] == []
    assert faults.tree(root) == faults.tree(other)


def test_a_record_that_is_lost_is_made_again_of_the_releases_that_are_there(root: Path) -> None:
    before = faults.tree(root)
    for name in ("releases.json", "index.html"):
        (root / "processed" / "releases" / "annual" / "2013" / name).unlink()
        assert any(name in problem or "releases.json" in problem for problem in verify(data=root).problems)
        steps.publish_due("annual", data=root)
        assert faults.tree(root) == before


@pytest.mark.parametrize("change", ["current", "id", "withdrawn"])
def test_a_pointer_and_a_record_that_say_different_things_are_named(root: Path, change: str) -> None:
    path = root / "processed" / "releases" / "annual" / "2013" / ("current.json" if change != "id" else "releases.json")
    store = Store(root)
    told = dict(store.read_json(path) or {})
    if change == "id":
        told["releases"][0]["release_id"] = "000000000000"
    elif change == "withdrawn":
        told = {"release_id": None, "withdrawn": {"release_id": told["release_id"], "since": "2014-01-01", "reasons": []}}
    else:
        told["withdrawn"] = None
    path.unlink()
    store.write_json(path, told)
    assert any("2013" in problem for problem in verify(data=root).problems)


# ------------------------------------------------------------------------------------------------------------- the record


def _release(release_id: str, vintage: str = "2025-02-07") -> dict[str, Any]:
    return {"release_id": release_id, "as_of": vintage, "code_version": "c0de", "vintage": vintage}


def test_statuses_follow_from_what_speaks_now() -> None:
    told = records.new_record(Period.parse("2024"))
    assert records.withdrawn(told) is None
    told = records.speaks(told, _release("a"), records.Why(("new_period",)))
    told = records.speaks(told, _release("b", "2025-05-23"), records.Why(("revision",), {"revised": 2}))
    told = records.is_withdrawn(told, records.Withdrawal("b", dt.date(2025, 7, 1), ("withdrawal",), ("s1",)))
    assert [(item["release_id"], item["status"]) for item in told["releases"]] == [("a", "superseded"), ("b", "withdrawn")]
    assert records.withdrawn(told) == {"release_id": "b", "since": "2025-07-01", "reasons": ["withdrawal"], "snapshots": ["s1"]}
    told = records.speaks(told, _release("a"), records.Why(("reinstatement",)))
    assert [(item["release_id"], item["status"]) for item in told["releases"]] == [
        ("a", "current"),
        ("b", "withdrawn"),
        ("a", "current"),
    ]
    assert json.loads(json.dumps(told)) == told


def test_other_code_alone_is_not_announced() -> None:
    told = records.speaks(
        records.new_record(Period.parse("2024")), _release("a"), records.Why(("declared_correction",), {}, ("x",))
    )
    told = records.speaks(told, _release("b"), records.Why(("new_code",)))
    announced = records.announced(told)
    assert announced is not None
    assert (announced["release_id"], announced["corrections"]) == ("a", ["x"])


def test_hostile_words_stay_text_on_the_page() -> None:
    told = records.speaks(
        records.new_record(Period.parse("2024")),
        _release("a"),
        records.Why(("declared_correction",), {}, ("<script>alert(1)</script>",)),
    )
    shown = records.pages(told)["index.html"].decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


def test_figures_that_are_read_once_give_the_releases_and_the_site_that_they_give_when_read_each_time(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(root / "processed" / "releases")
    other = Path(shutil.copytree(root, tmp_path / "other"))
    reads: list[str] = []
    whole = vintages._read

    def counted(store: Store, manifest: dict[str, Any]) -> vintages.SourceHistory:
        reads.append(manifest["source"])
        return whole(store, manifest)

    monkeypatch.setattr(vintages, "_read", counted)
    for place, once in ((root, steps.figures_read_once()), (other, contextlib.nullcontext())):
        reads.clear()
        with once:
            for frequency in PUBLISHED_FREQUENCIES:
                steps.publish_due(frequency, data=place)
            steps.build_site(data=place)
        assert reads.count("cafc") == (1 if place == root else 4)
    assert faults.tree(root / "processed" / "releases") == faults.tree(other / "processed" / "releases")
    assert faults.tree(root / "processed" / "site") == faults.tree(other / "processed" / "site")


def test_figures_that_are_read_once_are_read_again_when_a_file_came_meanwhile(root: Path) -> None:
    with steps.figures_read_once():
        steps.publish_due("annual", data=root)
        faults.bring_another_file(root)
        steps.run_source("internet_banking", data=root)
        inside = steps.publish_due("quarterly", data=root)
    assert inside
    assert steps.publish_due("quarterly", data=root) == []
    (root / "processed" / "releases" / "quarterly" / "due.json").unlink()
    assert steps.publish_due("quarterly", data=root) == []
