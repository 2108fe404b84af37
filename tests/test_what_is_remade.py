"""A new file remakes exactly the periods that it covers, those above them, and what prints a figure that it changed.

Nothing else: a release that shows the same figures as before keeps its id, whatever files printed them again since. Each release
that is made says which of the three it is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ledger_demo import SOURCE
from benchmarks.ledger_generator import MONTHS, write_csv
from pipeline import cli, steps, verification
from pipeline.model import PUBLISHED_FREQUENCIES, Period, relations_text
from pipeline.publish.roles import is_own
from pipeline.publishing.candidates import Candidates
from pipeline.store import Store
from tests.ledger_sample import ROWS, declared_in, take_in

pytestmark = pytest.mark.slow

CORRECTED = "2023-02"
OWN = {f"monthly/{CORRECTED}", "quarterly/2023-Q1", "annual/2023"}
LATER = {"monthly/2023-03", "monthly/2024-02", "quarterly/2023-Q2", "quarterly/2024-Q1", "annual/2024"}
EARLIER = {"monthly/2023-01"}
# The same month and quarter of the year after.
COMPARED = {"monthly/2024-02", "quarterly/2024-Q1", "annual/2024"}

Rows = list[list[str]]


def regions_exchanged(names: list[str], rows: Rows) -> Rows:
    """Two reports exchange their regions, of which no release says anything."""
    return _exchanged(rows, names.index("region"))


def types_exchanged(names: list[str], rows: Rows) -> Rows:
    """Two reports of the month exchange their types: its totals stay, but for losses of a type."""
    return _exchanged(rows, names.index("fraud_type"))


def reports_withdrawn(names: list[str], rows: Rows) -> Rows:
    """Three reports are gone."""
    return rows[3:]


def _exchanged(rows: Rows, column: int) -> Rows:
    other = next(row for row in rows if row[column] != rows[0][column])
    rows[0][column], other[column] = other[column], rows[0][column]
    return rows


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
    for day, change in ((11, regions_exchanged), (12, types_exchanged), (13, reports_withdrawn)):
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


def record_of(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / "processed" / "releases" / name / "releases.json").read_text())


def test_a_file_that_changes_no_figure_remakes_what_it_covers_and_nothing_else(remade: dict[str, Any]) -> None:
    assert remade["regions_exchanged"][1] == OWN


def test_a_file_that_changes_totals_remakes_what_prints_or_compares_with_them_as_well(remade: dict[str, Any]) -> None:
    assert remade["reports_withdrawn"][1] == OWN | LATER


def test_a_file_that_changes_types_alone_leaves_releases_that_print_totals_alone(remade: dict[str, Any]) -> None:
    made = remade["types_exchanged"][1]
    assert OWN < made <= OWN | COMPARED


def test_what_is_planned_is_what_is_made_with_what_each_release_has_to_do_with_the_file(remade: dict[str, Any]) -> None:
    for planned, made in remade.values():
        assert {item["name"] for item in planned} == made
        told = {item["name"]: item["because"] for item in planned}
        assert told[f"monthly/{CORRECTED}"]["covered"] == [CORRECTED]
        assert told["quarterly/2023-Q1"]["above"] == told["annual/2023"]["above"] == [CORRECTED]
        for name in made & LATER:
            assert told[name].keys() <= {"history", "compared"}
    told = {item["name"]: item["because"] for item in remade["reports_withdrawn"][0]}
    assert told["monthly/2023-03"] == {"history": [CORRECTED]}
    assert told["annual/2024"] == {"history": ["2023"], "compared": [CORRECTED]}
    assert told["quarterly/2024-Q1"] == {"history": ["2023-Q1"], "compared": [CORRECTED]}


def test_the_record_of_the_period_and_its_page_say_what_was_planned(published: Path, remade: dict[str, Any]) -> None:
    for item in remade["reports_withdrawn"][0]:
        assert record_of(published, item["name"])["releases"][-1]["because"] == item["because"]
    pages = published / "processed" / "releases" / "quarterly" / "2024-Q1"
    assert "Figures changed that it shows for comparison: January–March 2023 (quarter 1)." in (pages / "index.html").read_text()
    assert "Figures are compared with those of February 2023" in (pages / "index.html").read_text()
    assert "比較のために示している数値" in (pages / "index.ja.html").read_text()


def test_a_release_that_stays_shows_the_figures_that_stand_and_leads_to_where_they_were_printed(
    published: Path, remade: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert remade
    store = Store(published)
    assert verification.verify(data=published).problems == []
    now, said = Candidates(store, None), ["period", "native_type", "measure", "unit", "value", "note"]
    for frequency in PUBLISHED_FREQUENCIES:
        for period in now.periods(frequency):
            ids = now.ids_in_release(period)
            shown = now.of_period(period).rows
            figures = now.figures.set_index("id").loc[list(ids)]
            in_release = shown.set_index("id").loc[list(ids.values())]
            assert figures[said].reset_index(drop=True).equals(in_release[said].reset_index(drop=True))
            assert {code for code in figures["period"] if is_own(code, period)} == set()
            for old in list(ids.values())[:1]:
                assert cli.main(["--data", str(published), "trace", old]) == 0
    capsys.readouterr()


def test_a_run_from_nothing_speaks_with_the_same_releases(published: Path, remade: dict[str, Any], tmp_path: Path) -> None:
    """Which files arrived when does not show: what stayed is what would be made."""
    assert remade
    root = tmp_path / "data"
    for change, day in ((reports_withdrawn, 13), (types_exchanged, 12), (regions_exchanged, 11)):
        path = published / "delivered" / f"{SOURCE}_{CORRECTED}_{change.__name__}.csv"
        steps.ingest(SOURCE, str(path), data=root, published=f"2026-01-{day}", edition="final")
    take_in(root, deliveries(tmp_path / "delivered"))
    steps.aggregate(SOURCE, data=root, workers=1)
    anew = Candidates(Store(root), None)
    for name in EARLIER | OWN | LATER:
        release_id = anew.of_period(Period.parse(name.partition("/")[2])).release_id
        assert release_id == record_of(published, name)["current"], name


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
