"""A new file remakes exactly the periods that it covers, and the quarters and years above them.

A release shows other periods as they were known on the day of the last file of its own, so no other release changes; the site
says which figures were revised since they were printed. A file that comes in late is the one exception: what was known on a day
is then more than was thought, and the releases of later days show it.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ledger_demo import SOURCE
from benchmarks.ledger_generator import MONTHS, write_csv
from pipeline import cli, steps, verification
from pipeline.frames import read_observations
from pipeline.model import TOTAL, Period, relations_text
from pipeline.publishing.candidates import Candidates
from pipeline.store import Store
from tests.ledger_sample import ROWS, declared_in, take_in

pytestmark = pytest.mark.slow

CORRECTED = "2023-02"
OWN = {f"monthly/{CORRECTED}", "quarterly/2023-Q1", "annual/2023"}
LATER = {"monthly/2023-03", "monthly/2024-02", "quarterly/2023-Q2", "quarterly/2024-Q1", "annual/2024"}
EARLIER = {"monthly/2023-01"}

Rows = list[list[str]]


def regions_exchanged(names: list[str], rows: Rows) -> Rows:
    """Two reports exchange their regions, of which no release says anything."""
    place = names.index("region")
    other = next(row for row in rows if row[place] != rows[0][place])
    rows[0][place], other[place] = other[place], rows[0][place]
    return rows


def reports_withdrawn(names: list[str], rows: Rows) -> Rows:
    """Three reports are gone."""
    return rows[3:]


def more_withdrawn(names: list[str], rows: Rows) -> Rows:
    """Five reports are gone."""
    return rows[5:]


def deliveries(folder: Path) -> list[Path]:
    """Two years: the month that is corrected, and the others in few files."""
    folder.mkdir(parents=True, exist_ok=True)
    stretches = (("2023-01", "2023-01"), (CORRECTED, CORRECTED), ("2023-03", "2023-12"), ("2024-01", "2024-12"))
    made = []
    for first, last in stretches:
        months = [month for month in MONTHS if first <= month <= last]
        made.append(folder / f"{SOURCE}_{first}{f'_{last}' if last != first else ''}.csv")
        write_csv(made[-1], ROWS, months)
    return made


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small ledger of months that stand in each other's history, with all their releases."""
    with declared_in():
        root = tmp_path_factory.mktemp("remade")
        take_in(root, deliveries(root / "delivered"))
        steps.aggregate(SOURCE, data=root, workers=1)
        publish_all(root)
        yield root


@pytest.fixture(scope="module")
def remade(published: Path) -> dict[str, tuple[list[dict[str, Any]], set[str]]]:
    """What was planned and what was made for each later file of the month, one after the other."""
    found = {}
    for day, change in ((11, regions_exchanged), (13, reports_withdrawn)):
        path = again(published, change)
        take_in(published, [path], f"2026-01-{day}")
        steps.aggregate(SOURCE, data=published, workers=1)
        found[change.__name__] = plan_all(published), publish_all(published)
    return found


def again(root: Path, change: Callable[[list[str], Rows], Rows]) -> Path:
    """The month once more, changed, as another file."""
    with (root / "delivered" / f"{SOURCE}_{CORRECTED}.csv").open(newline="") as stream:
        names, *rows = list(csv.reader(stream))
    path = root / "delivered" / f"{SOURCE}_{CORRECTED}_{change.__name__}.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([names, *change(names, rows)])
    return path


def publish_all(root: Path) -> set[str]:
    """Publish what is due of a month, a quarter and a year of each kind; those that got another release."""
    with steps.figures_read_once():
        return {name for name in sorted(EARLIER | OWN | LATER) if steps.publish(*name.split("/"), data=root)}


def plan_all(root: Path) -> list[dict[str, Any]]:
    ends = {"monthly": ("2023-01", "2024-02"), "quarterly": ("2023-Q1", "2024-Q1"), "annual": ("2023", "2024")}
    return [
        item.to_json() | {"name": name}
        for frequency, (first, last) in ends.items()
        for item in steps.plan(frequency, first, last, data=root)
        if (name := f"{frequency}/{item.period}") in EARLIER | OWN | LATER and item.action != "nothing"
    ]


def manifest_of(root: Path, name: str) -> dict[str, Any]:
    return json.loads((folder_of(root, name) / "manifest.json").read_text())


def folder_of(root: Path, name: str) -> Path:
    folder = root / "processed" / "releases" / name
    return folder / json.loads((folder / "current.json").read_text())["release_id"]


def figure_of(root: Path, name: str, period: str) -> int:
    """The reports of a period, as a release prints them."""
    figures = read_observations((folder_of(root, name) / "observations.parquet").read_bytes())
    wanted = (figures["period"] == period) & (figures["measure"] == "cases") & (figures["native_type"] == TOTAL)
    found = figures[wanted & (figures["derivation"] == "records")]
    return int(max(found["value"]))


def record_of(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / "processed" / "releases" / name / "releases.json").read_text())


def test_a_file_remakes_its_periods_and_those_above_them_whatever_it_changes(remade: dict[str, Any]) -> None:
    assert {change: made for change, (_, made) in remade.items()} == dict.fromkeys(remade, OWN)


def test_what_is_planned_is_what_is_made_with_what_each_release_has_to_do_with_the_file(remade: dict[str, Any]) -> None:
    for planned, made in remade.values():
        assert {item["name"] for item in planned} == made
        told = {item["name"]: item["because"] for item in planned}
        assert told[f"monthly/{CORRECTED}"]["covered"] == [CORRECTED]
        assert told["quarterly/2023-Q1"]["above"] == told["annual/2023"]["above"] == [CORRECTED]


def test_the_record_of_the_period_and_its_page_say_what_was_planned(published: Path, remade: dict[str, Any]) -> None:
    for item in remade["reports_withdrawn"][0]:
        assert record_of(published, item["name"])["releases"][-1]["because"] == item["because"]
    pages = published / "processed" / "releases" / "quarterly" / "2023-Q1"
    assert "A file came that covers a part of it: February 2023." in (pages / "index.html").read_text()


def test_a_release_stands_as_of_the_last_file_of_its_period_and_says_so(published: Path, remade: dict[str, Any]) -> None:
    assert remade
    days = {name: manifest_of(published, name)["as_of"] for name in EARLIER | OWN | LATER}
    assert days == dict.fromkeys(EARLIER | LATER, "2026-01-10") | dict.fromkeys(OWN, "2026-01-13")
    for name, day in days.items():
        figures = read_observations((folder_of(published, name) / "observations.parquet").read_bytes())
        assert max(figures["known_at"]).isoformat() <= day
    page = (folder_of(published, "monthly/2024-02") / "index.html").read_text()
    assert "Figures known by 10 January 2026" in page
    assert 'Other periods as known by then; <a href="../../../../site/quality.html#revised-since">' in page


def test_releases_that_print_a_figure_that_was_revised_since_are_named_with_both_figures(
    published: Path, remade: dict[str, Any]
) -> None:
    assert remade
    steps.build_site(data=published)
    page = (published / "processed" / "site" / "quality.html").read_text()
    section = page[page.index('id="revised-since"') :]
    section = section[: section.index("</section>")]
    linked = set(re.findall(r'<th scope="row"><a href="\.\./releases/([a-z]+/[0-9Q-]+)/[0-9a-f]{12}/index\.html">', section))
    assert linked == LATER
    before = figure_of(published, "monthly/2023-03", CORRECTED)
    now = figure_of(published, f"monthly/{CORRECTED}", CORRECTED)
    assert before - now == 3
    lines = [
        line
        for line in section.split("<tr>")
        if "/monthly/2023-03/" in line and f">{before:,}<" in line and f">{now:,}<" in line and "February 2023" in line
    ]
    # All reports, and those of which a loss is known.
    assert len(lines) == 2
    assert all(f"/monthly/{CORRECTED}/" in line for line in lines)
    # What it says of its own period holds only beside the figure that it knew.
    assert any("/annual/2024/" in line and "Change of reports on the year" in line for line in section.split("<tr>"))
    assert "公表後の改訂" in (published / "processed" / "site" / "quality.ja.html").read_text()


def test_what_is_published_is_whole_and_its_figures_can_be_traced(
    published: Path, remade: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert remade
    assert verification.verify(data=published).problems == []
    for name in sorted(LATER | OWN):
        figures = read_observations((folder_of(published, name) / "observations.parquet").read_bytes())
        old = figures[(figures["known_at"] < max(figures["known_at"])) | (figures["period"] == CORRECTED)]
        assert cli.main(["--data", str(published), "trace", next(iter(old["id"]), figures["id"][0])]) == 0
    capsys.readouterr()


def test_a_night_works_out_no_release_for_which_no_file_came(
    published: Path, remade: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert remade
    root = tmp_path / "data"
    shutil.copytree(published, root)
    steps.publish_due("quarterly", data=root)
    steps.ingest(SOURCE, str(again(root, more_withdrawn)), data=root, published="2026-01-14", edition="final")
    steps.validate(SOURCE, data=root)
    steps.aggregate(SOURCE, data=root, workers=1)
    worked_out, of_period = [], Candidates.of_period
    monkeypatch.setattr(
        Candidates, "of_period", lambda self, period: (worked_out.append(period.code), of_period(self, period))[1]
    )
    assert [item.action for item in steps.plan("quarterly", "2023-Q1", "2024-Q4", data=root)] == ["restate"] + ["nothing"] * 7
    assert [name.partition("/")[0] for name in steps.publish_due("quarterly", data=root)] == ["2023-Q1"]
    assert worked_out == ["2023-Q1", "2023-Q1"]
    assert steps.publish_due("quarterly", data=root) == []
    # One whose files are gone is made again all the same.
    shutil.rmtree(folder_of(root, "quarterly/2024-Q1"))
    assert [name.partition("/")[0] for name in steps.publish_due("quarterly", data=root)] == ["2024-Q1"]


def test_a_run_from_nothing_speaks_with_the_same_releases(published: Path, remade: dict[str, Any], tmp_path: Path) -> None:
    """Which files arrived when does not show: what stayed is what would be made."""
    assert remade
    root = tmp_path / "data"
    for change, day in ((reports_withdrawn, 13), (regions_exchanged, 11)):
        path = published / "delivered" / f"{SOURCE}_{CORRECTED}_{change.__name__}.csv"
        steps.ingest(SOURCE, str(path), data=root, published=f"2026-01-{day}", edition="final")
    take_in(root, deliveries(tmp_path / "delivered"))
    steps.aggregate(SOURCE, data=root, workers=1)
    anew = Candidates(Store(root), None)
    for name in EARLIER | OWN | LATER:
        release_id = anew.of_period(Period.parse(name.partition("/")[2])).release_id
        assert release_id == record_of(published, name)["current"], name


def test_a_file_that_comes_in_late_remakes_the_releases_of_later_days_that_show_it(tmp_path: Path) -> None:
    """They say what was known on their day, and that is more than was thought."""
    root, files = tmp_path / "data", deliveries(tmp_path / "data" / "delivered")
    take_in(root, files[:2], "2026-01-10")
    take_in(root, files[2:], "2026-01-20")
    steps.aggregate(SOURCE, data=root, workers=1)
    assert publish_all(root) == EARLIER | OWN | LATER
    take_in(root, [again(root, reports_withdrawn)], "2026-01-15")
    steps.aggregate(SOURCE, data=root, workers=1)
    planned = {item["name"]: item["because"] for item in plan_all(root)}
    assert publish_all(root) == planned.keys() == OWN | LATER
    assert planned["monthly/2023-03"] == {"history": [CORRECTED]}
    assert planned["quarterly/2024-Q1"] == {"history": ["2023-Q1"], "compared": [CORRECTED]}
    pages = root / "processed" / "releases" / "quarterly" / "2024-Q1"
    assert "Figures changed that it shows for comparison: January–March 2023 (quarter 1)." in (pages / "index.html").read_text()
    assert "Figures are compared with those of February 2023" in (pages / "index.html").read_text()
    assert "比較のために示している数値" in (pages / "index.ja.html").read_text()
    # One that was replaced by then shows in the history of figures alone.
    take_in(root, [again(root, more_withdrawn)], "2026-01-12")
    steps.aggregate(SOURCE, data=root, workers=1)
    reasons = {item["name"]: item["reasons"] for item in plan_all(root)}
    made = publish_all(root)
    assert OWN < made == reasons.keys() <= OWN | LATER
    assert {tuple(reasons[name]) for name in made & LATER} == {("revision",)}


@pytest.mark.parametrize(
    ("because", "said"),
    [
        ({}, ""),
        ({"history": ["2023-05"], "covered": ["2024-05"]}, "covers 2024-05; prints as history 2023-05"),
        (
            {"above": [f"2024-{month:02}" for month in range(1, 9)]},
            "lies above 2024-01, 2024-02, 2024-03, 2024-04, 2024-05, 2024-06 and 2 more",
        ),
    ],
)
def test_relations_are_told_in_one_line(because: dict[str, list[str]], said: str) -> None:
    assert relations_text(because) == said
