"""Any stretch of history can be planned, run again and reproduced: as-of, plan, backfill, diff, and what a new file remakes."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline import cli, code_version, steps, vintages
from pipeline.coverage import periods_delivered
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, Period, UsageError
from pipeline.publish.roles import is_own
from pipeline.publishing.candidates import Candidate, Candidates
from pipeline.store import Store
from tests.grid_files import INBOX, REPOSITORY
from tests.test_record_changes import FIRST as RECORDS
from tests.test_record_changes import second_vintage

pytestmark = pytest.mark.slow

# The agency's releases that print the year 2024, and those of the year before it that they are compared with.
FIRST = ("2024-02-08-annual-provisional-2023.csv", "2024-05-23-annual-final-2023.csv", "2025-02-07-annual-provisional-2024.csv")
FINAL = ("2025-05-23-annual-final-2024.csv",)
CORRECTED = ("2025-07-31-half-year-2025.csv",)
KNOWN = {"2025-02-07": FIRST, "2025-05-23": FINAL, "2025-07-31": CORRECTED}


def deliver(root: Path, names: Iterable[str], source_id: str) -> None:
    """Lay files of the source into the inbox, with their lines of the list of deliveries."""
    inbox = root / "raw" / "inbox" / source_id
    inbox.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(INBOX / source_id / name, inbox)
    with (INBOX / source_id / "deliveries.csv").open(encoding="utf-8", newline="") as stream:
        head, *lines = list(csv.reader(stream))
    with (inbox / "deliveries.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *(line for line in lines if (inbox / line[0]).is_file())])


def take_in(root: Path, names: Iterable[str], source_id: str = "npa_releases") -> None:
    deliver(root, names, source_id)
    steps.ingest_inbox(source_id, data=root)
    judge(root, source_id)


def judge(root: Path, source_id: str) -> None:
    steps.validate(source_id, data=root)
    steps.aggregate(source_id, data=root)


def publish_all(root: Path) -> list[str]:
    """Publish all that is due; what was new, as frequency/period."""
    return [
        f"{frequency}/{name.split('/')[0]}"
        for frequency in PUBLISHED_FREQUENCIES
        for name in steps.publish_due(frequency, data=root)
    ]


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Every file with its time and its bytes, locks too."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def run(root: Path, *arguments: str) -> int:
    return cli.main(["--data", str(root), *arguments])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data root that took the files in as they came out, and published 2024 each time; the release of each day."""
    root, released = tmp_path_factory.mktemp("lived"), {}
    for day, names in KNOWN.items():
        take_in(root, names)
        released[day] = str(steps.publish("annual", "2024", data=root))
    return root, released


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root that took the same files in years later, all at once and the newest first."""
    root = tmp_path_factory.mktemp("late")
    take_in(root, [*CORRECTED, *FINAL, *FIRST])
    return root


@pytest.fixture
def copied(late: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(late, tmp_path / "copied"))


# --------------------------------------------------------------------------------------------------------------- as of a day


def test_a_backfill_as_of_a_day_gives_the_very_bytes_that_were_published_then(
    lived: tuple[Path, dict[str, str]], copied: Path
) -> None:
    root, released = lived
    assert len(set(released.values())) == len(KNOWN)
    for day, release_id in released.items():
        assert run(copied, "backfill", "--frequency", "annual", "--from", "2023", "--to", "2024", "--as-of", day) == 0
        then, again = (base / "processed" / "releases" / "annual" / "2024" / release_id for base in (root, copied))
        assert bytes_of(again) == bytes_of(then)


def test_a_release_as_of_a_day_does_not_speak_for_its_period(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    steps.publish("annual", "2024", data=copied)
    before = steps.current_manifests(data=copied)
    caplog.set_level("INFO", logger="fraudloss")
    caplog.clear()
    assert (release := steps.publish("annual", "2024", data=copied, as_of=dt.date(2025, 2, 7)))
    (told,) = caplog.messages
    assert told.startswith(f"reproduced frequency=annual period=2024 release={release} as_of=2025-02-07 reason=")
    assert steps.current_manifests(data=copied) == before


def test_the_order_of_arrival_makes_no_difference(lived: tuple[Path, dict[str, str]], copied: Path) -> None:
    root, released = lived
    assert steps.publish("annual", "2024", data=copied) == released["2025-07-31"]
    folders = [base / "processed" / "releases" / "annual" / "2024" / released["2025-07-31"] for base in (root, copied)]
    assert bytes_of(folders[0]) == bytes_of(folders[1])


def test_snapshots_that_were_loaded_after_the_fact_are_marked_in_the_manifest_and_on_the_page(copied: Path) -> None:
    release_id = steps.publish("annual", "2024", data=copied)
    folder = copied / "processed" / "releases" / "annual" / "2024" / str(release_id)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert all(item["retrospective"] for item in manifest["snapshots"])
    assert "known from 2025-07-31, loaded after the fact" in (folder / "index.html").read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------------------------------- plan


def test_a_plan_names_periods_inputs_and_reasons_and_writes_nothing(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps.publish("annual", "2024", data=copied)
    before = tree(copied)
    capsys.readouterr()
    assert run(copied, "plan", "--frequency", "annual", "--from", "2022", "--to", "2024", "--json") == 0
    planned = {item["period"]: item for item in json.loads(capsys.readouterr().out)}
    assert {period: (item["action"], item["reasons"]) for period, item in planned.items()} == {
        "2022": ("no figures", []),
        "2023": ("new release", ["new_period"]),
        "2024": ("nothing", []),
    }
    known = {item.id for item in steps.store_at(copied).snapshots("npa_releases")}
    assert set(planned["2024"]["snapshots"]) <= known
    assert tree(copied) == before


def test_what_was_planned_is_what_is_done(copied: Path) -> None:
    planned = steps.plan("annual", "2022", "2024", data=copied)
    done = steps.backfill("annual", "2022", "2024", data=copied)
    assert [(item.period, item.release_id) for item in done.done] == [
        (item.period, item.release_id) for item in planned if item.action == "new release"
    ]
    assert done.without_figures == ["2022"]
    assert all(item.action == "nothing" for item in steps.plan("annual", "2023", "2024", data=copied))


# ------------------------------------------------------------------------------------------------------------- only what changed


def test_a_new_file_remakes_exactly_its_quarter_and_the_year_above_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = ("2024-06-28-2024-q1.csv", "2025-2024-annual.csv", "2025-06-06-2025-q1.csv", "2025-12-05-2025-q3.csv")
    take_in(tmp_path, old, "jca_card")
    first = publish_all(tmp_path)
    take_in(tmp_path, ["2026-03-06-2025-q4.csv"], "jca_card")
    caplog.clear()
    with caplog.at_level("INFO", logger="fraudloss"):
        remade = publish_all(tmp_path)
    assert remade == ["annual/2025", "quarterly/2025-Q4"]
    reasons = [line.message.partition("reason=")[2] for line in caplog.records if line.message.startswith("published")]
    assert reasons == ['"new period"', '"new period"']
    assert {"annual/2024", "quarterly/2025-Q3"} <= set(first)
    assert publish_all(tmp_path) == []


def test_every_release_that_a_publication_of_the_agency_remakes_is_covered_by_it_or_shows_a_figure_that_changed(
    tmp_path: Path,
) -> None:
    """Of the shipped files, day by day as they became known."""
    take_in(tmp_path, [path.name for path in (INBOX / "npa_releases").glob("202[345]-*.csv")])
    store, before, remade = Store(tmp_path), dict[Period, Candidate](), dict[str, int]()
    files = store.snapshots("npa_releases")
    for day in sorted({item.known_at for item in files}):
        then = Candidates(store, day)
        delivered = {code for item in files if item.known_at == day for code in periods_delivered(store, item)}
        now = {period: then.of_period(period) for frequency in PUBLISHED_FREQUENCIES for period in then.periods(frequency)}
        for period in (period for period in now if period in before):
            rows, old = now[period].rows, before[period].rows
            printing = ["id", "snapshot", "origin", "known_at"]
            is_same = rows.drop(columns=printing).equals(old.drop(columns=printing))
            is_covered = any(is_own(code, period) for code in delivered)
            is_remade = now[period].release_id != before[period].release_id
            assert is_remade is (is_covered or not is_same), f"{day}: {period.code}"
            kind = "covered" if is_covered else "changed" if not is_same else "left"
            remade[kind] = remade.get(kind, 0) + 1
        before = now
    assert remade.keys() >= {"covered", "left"}


def test_a_later_file_of_records_says_what_it_changed_of_each_month(tmp_path: Path) -> None:
    for path, day in ((RECORDS, "2024-03-05"), (second_vintage(tmp_path), "2024-04-04")):
        steps.ingest("cafc", str(path), data=tmp_path / "data", published=day)
        judge(tmp_path / "data", "cafc")
        steps.publish("monthly", "2023-10", data=tmp_path / "data")
    (manifest,) = steps.current_manifests(data=tmp_path / "data")
    assert manifest["revision"]["vintages"] == ["2024-03-05", "2024-04-04"]
    assert "revision" in manifest["revision"]["reasons"]
    folder = tmp_path / "data" / "processed" / "releases" / "monthly" / "2023-10" / manifest["release_id"]
    page = (folder / "index.html").read_text(encoding="utf-8")
    section = page[page.index("Records from file to file") :]
    assert "2024-04-04" in section
    assert ">156<" in section
    views = [item["view"] for item in steps.store_at(tmp_path / "data").aggregate_manifests("cafc")]
    assert len(views) == 2


def test_a_history_that_only_goes_on_is_the_history_worked_out_at_once(lived: tuple[Path, dict[str, str]], late: Path) -> None:
    stores = [steps.store_at(lived[0]), steps.store_at(late)]
    files = [
        [path.read_bytes() for path in store.view_paths("npa_releases", vintages.view_id(store, "npa_releases"))]
        for store in stores
    ]
    assert files[0] == files[1]


def test_a_release_that_lost_a_file_is_made_again_though_nothing_is_new(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    (name, *_) = steps.publish_due("annual", data=copied)
    folder = copied / "processed" / "releases" / "annual" / name
    before = bytes_of(folder)
    (folder / "summary.xlsx").unlink()
    period, _, release = name.partition("/")
    (planned,) = steps.plan("annual", period, period, data=copied)
    assert (planned.action, planned.reasons) == ("make again", ())
    caplog.set_level("INFO", logger="fraudloss")
    caplog.clear()
    assert steps.publish_due("annual", data=copied) == [name]
    told = f'made again frequency=annual period={period} release={release} reason="files of it were gone or changed"'
    assert caplog.messages == [told]
    assert bytes_of(folder) == before
    assert steps.publish_due("annual", data=copied) == []


def test_a_release_whose_revisions_cannot_be_computed_stops_no_other_and_is_named(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = vintages.known

    def without_vintages_of_2024(
        store: Store, as_of: dt.date | None = None, without: frozenset[str] = frozenset()
    ) -> vintages.Known:
        known = whole(store, as_of, without)
        return dataclasses.replace(known, vintages=known.vintages[known.vintages["period"] != "2024"])

    monkeypatch.setattr(vintages, "known", without_vintages_of_2024)
    capsys.readouterr()
    assert run(copied, "run", "--source", "npa_releases") == 1
    assert "annual 2024 is not published, because its revisions cannot be computed" in capsys.readouterr().err
    periods = {(item["frequency"], item["period"]) for item in steps.current_manifests(data=copied)}
    assert ("annual", "2023") in periods
    assert ("annual", "2024") not in periods


def test_other_code_remakes_what_depends_on_it_and_says_so(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps.publish("annual", "2024", data=copied)
    monkeypatch.setattr(code_version, "of_publication", lambda source_ids: "othercode000")
    (planned,) = steps.plan("annual", "2024", "2024", data=copied)
    assert (planned.action, planned.reasons) == ("restate", ("new_code",))
    (done,) = steps.backfill("annual", "2024", "2024", data=copied).done
    assert (done.release_id, done.reasons) == (planned.release_id, ("new_code",))


def test_a_release_that_comes_back_is_told_as_one_that_is_new(
    copied: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = steps.publish("annual", "2024", data=copied)
    with monkeypatch.context() as other:
        other.setattr(code_version, "of_publication", lambda source_ids: "othercode000")
        steps.publish("annual", "2024", data=copied)
    caplog.set_level("INFO", logger="fraudloss")
    caplog.clear()
    assert steps.publish("annual", "2024", data=copied) == first
    assert f'published frequency=annual period=2024 release={first} reason="new code"' in caplog.messages
    assert steps.publish("annual", "2024", data=copied) is None


def test_a_file_whose_day_was_set_right_is_no_work_of_other_code(copied: Path) -> None:
    steps.publish("annual", "2024", data=copied)
    last = steps.store_at(copied).snapshots("npa_releases")[-1]
    held = copied / "raw" / "npa_releases" / last.id
    delivered = shutil.copy(held / last.file, copied)
    shutil.rmtree(held)
    about = {"edition": last.edition, "extract": last.extract, "origin": last.origin, "note": last.note}
    steps.ingest("npa_releases", str(delivered), data=copied, published="2025-08-01", **about)
    Path(delivered).unlink()
    assert steps.validate("npa_releases", data=copied) == [last.id]
    steps.aggregate("npa_releases", data=copied)
    (planned,) = steps.plan("annual", "2024", "2024", data=copied)
    assert (planned.action, planned.reasons) == ("restate", ("redated",))
    assert steps.publish("annual", "2024", data=copied) == planned.release_id


def test_a_release_that_was_reproduced_before_is_told_when_it_comes_to_speak(copied: Path) -> None:
    day = dt.date(2026, 12, 31)
    reproduced = steps.publish("annual", "2024", data=copied, as_of=day)
    assert steps.publish("annual", "2024", data=copied) == reproduced


@pytest.mark.parametrize("lost", ["raw/npa_releases/{id}", "processed/validation/verdicts/npa_releases/{id}.json"])
def test_no_release_takes_the_place_of_one_whose_files_are_lost_here(copied: Path, tmp_path: Path, lost: str) -> None:
    release = steps.publish("annual", "2024", data=copied)
    (manifest,) = steps.current_manifests(data=copied)
    speaking = {item["id"] for item in manifest["snapshots"]}
    # The last of them went: the others still give the period figures, but not all.
    (last,) = [item for item in steps.store_at(copied).snapshots("npa_releases") if item.id in speaking][-1:]
    shutil.move(copied / lost.format(id=last.id), tmp_path / "lost")
    steps.aggregate("npa_releases", data=copied)
    with pytest.raises(FraudlossError, match=f"snapshot {last.id} of npa_releases is gone or not judged. The release {release}"):
        steps.publish("annual", "2024", data=copied)
    # The others are planned all the same.
    before, planned = steps.plan("annual", "2023", "2024", data=copied)
    assert (before.failure, planned.action) == ("", "fail")
    assert "without figures that nobody took back" in planned.failure
    assert run(copied, "plan", "--frequency", "annual", "--from", "2023", "--to", "2024") == 1
    with pytest.raises(FraudlossError, match=f"snapshot {last.id}"):
        steps.publish_due("annual", data=copied)
    assert [item["release_id"] for item in steps.current_manifests(data=copied) if item["period"] == "2024"] == [release]
    shutil.move(tmp_path / "lost", copied / lost.format(id=last.id))
    steps.aggregate("npa_releases", data=copied)
    assert steps.publish("annual", "2024", data=copied) is None


# ----------------------------------------------------------------------------------------------------------------- workers


@pytest.mark.parametrize("workers", [["--workers", "4"], ["--workers", "2", "--dask", "local"]])
def test_any_workers_give_the_same_bytes_in_another_zone_with_another_hash_seed(
    copied: Path, tmp_path: Path, workers: list[str]
) -> None:
    other = Path(shutil.copytree(copied, tmp_path / "other"))
    assert run(copied, "backfill", "--frequency", "annual", "--from", "2023", "--to", "2024") == 0
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "pipeline.cli", "--data", str(other), "backfill", "--frequency", "annual"]
    subprocess.run([*command, "--from", "2023", "--to", "2024", *workers], env=environment, check=True, capture_output=True)
    assert bytes_of(other / "processed" / "releases") == bytes_of(copied / "processed" / "releases")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backfill_that_is_told_to_stop_leaves_whole_releases_and_says_what_is_left(copied: Path, number: int) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "--data", str(copied), "backfill", "--frequency", "annual"]
    process = subprocess.Popen(
        [*command, "--from", "1990", "--to", "2024"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The command tells of nothing before the first release; its locks show that it is at work on one.
    working = copied / "processed" / ".locks" / "release-annual-2023.lock"
    while not working.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "1 releases published" in out
    assert "stopped. Left are 1 periods, 2024 to 2024: the same command goes on with them." in err
    assert [item.action for item in steps.plan("annual", "2023", "2024", data=copied)] == ["nothing", "new release"]
    assert run(copied, "backfill", "--frequency", "annual", "--from", "1990", "--to", "2024") == 0


def test_workers_end_with_the_process_that_was_killed(copied: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "--data", str(copied), "backfill", "--frequency", "annual"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen([*command, "--from", "1990", "--to", "2024", "--workers", "2"], env=environment)
    working = copied / "processed" / ".locks" / "release-annual-2023.lock"
    while not working.exists() and process.poll() is None:
        time.sleep(0.01)
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert family
    assert psutil.wait_procs(family, timeout=30)[1] == []


# -------------------------------------------------------------------------------------------------------------------- diff


def test_two_days_are_compared_figure_by_figure(late: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(late, "diff", "2025-05-23", "2025-07-31", "--period", "2024", "--json") == 0
    changes = json.loads(capsys.readouterr().out)
    (loss,) = [item for item in changes if (item["measure"], item["unit"], item["native_type"]) == ("loss", "JPY", "_T")]
    assert (loss["change"], loss["value_before"], loss["value_after"]) == ("corrected", 71_760_000_000, 71_880_000_000)
    assert {item["period"] for item in changes} == {"2024"}


def test_two_releases_are_compared_by_their_names_or_ids(
    lived: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root, released = lived
    first, second = released["2025-02-07"], released["2025-05-23"]
    found: list[list[dict[str, Any]]] = []
    for names in ((f"annual/2024/{first}", f"annual/2024/{second}"), (first, second), (first, "--as-of", "2025-05-23")):
        capsys.readouterr()
        assert run(root, "diff", *names, "--json") == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] == found[2]
    assert {"reclassified", "revised", "new"} == {item["change"] for item in found[0]}


# ---------------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("plan", "--frequency", "annual", "--from", "2024-01", "--to", "2024"),
            "'2024-01' is no period of the frequency annual: write it as 2025.",
        ),
        (("plan", "--frequency", "monthly", "--from", "2024-13", "--to", "2024-12"), "'2024-13' is not a period."),
        (("backfill", "--frequency", "annual", "--from", "2024", "--to", "2023"), "the first period is after the last."),
        (("backfill", "--frequency", "annual", "--from", "2023", "--to", "2024", "--workers", "0"), "give 1 or more"),
        (
            ("backfill", "--frequency", "annual", "--from", "2023", "--to", "2024", "--as-of", "1999-01-01"),
            "nothing was known on 1999-01-01: the first snapshot is known from 2024-02-08.",
        ),
        (("query", "--as-of", "1999-01-01"), "the first snapshot is known from 2024-02-08."),
        (("publish", "--frequency", "annual", "--period", "2024", "--as-of", "1999-01-01"), "nothing was known on 1999-01-01"),
        (("query", "--source", "nobody"), "unknown source 'nobody'"),
        (("diff", "2025-02-07", "annual/2024/000000000000"), "compare two releases, or two days such as 2025-03-01"),
        (("diff", "annual/2024/000000000000", "000000000001"), "is no release here and no day"),
        (("diff", "2025-02-07", "2025-05-23", "--as-of", "2025-05-23"), "not both"),
    ],
)
def test_a_wrong_question_is_answered_with_what_would_be_right(
    late: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(late, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_frequency_that_nobody_publishes_is_refused(late: Path) -> None:
    with pytest.raises(UsageError, match="annual, quarterly, monthly"):
        steps.plan("half_yearly", "2024-S1", "2024-S2", data=late)
