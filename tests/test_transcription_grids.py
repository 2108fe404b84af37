"""What the repository ships is what the transcription makes of the facts, and each cell says where it was read."""

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline.model import EDITIONS, TOTAL, day_known
from pipeline.reading.figures import Figure
from pipeline.reading.grids import read_grids
from tests.grid_files import INBOX, REPOSITORY, read_figures
from tools.transcribe_japan_grids import DELIVERY_COLUMNS, PROVENANCE_COLUMNS, main, transcribe, write_inbox

FACTS = REPOSITORY.parent / "shared" / "facts" / "japan"
SOURCES = ("npa_annual", "npa_monthly", "npa_victims")

needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason="the tidy facts (../shared/facts/japan) are not on this machine")


def rows_of(source: str, name: str) -> list[dict[str, str]]:
    with (INBOX / source / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def figures_of(source: str) -> list[Figure]:
    return [
        figure
        for row in rows_of(source, "deliveries.csv")
        for figure in read_figures(source, INBOX / source / row["file"], extract=row["extract"] == "true")
    ]


@needs_facts
def test_transcribing_again_gives_the_shipped_bytes(tmp_path: Path) -> None:
    assert main([str(FACTS), str(tmp_path)]) == 0
    for source in SOURCES:
        made = {path.name: path.read_bytes() for path in (tmp_path / source).iterdir()}
        shipped = {path.name: path.read_bytes() for path in (INBOX / source).iterdir()}
        assert sorted(made) == sorted(shipped)
        assert [name for name in made if made[name] != shipped[name]] == []


@needs_facts
def test_files_of_an_earlier_transcription_do_not_stay(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("x\n", encoding="utf-8")
    write_inbox(tmp_path, transcribe(FACTS)["npa_victims"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deliveries.csv", "provenance.csv", "r07_victims.csv"]


@needs_facts
def test_the_book_is_laid_out_as_the_publisher_lays_it_out() -> None:
    layout = (FACTS / "npa_annual_book_layout_cp932.csv").read_bytes().decode("cp932")
    wanted = [row for row in csv.reader(layout.splitlines()) if row[0] != "※"]
    shipped = Counter(read_grids(INBOX / "npa_annual" / "r07.csv")[0].rows)
    missing = Counter(map(tuple, wanted)) - shipped
    blank = tuple([""] * 39)
    assert [row for row in missing if row != blank] == []


def test_wrong_use_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "FACTS_FOLDER INBOX_FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize("source", SOURCES)
def test_the_list_of_deliveries_names_every_file_and_says_when_it_was_published(source: str) -> None:
    rows = rows_of(source, "deliveries.csv")
    assert [*rows[0]] == DELIVERY_COLUMNS
    files = {path.name for path in (INBOX / source).iterdir()} - {"deliveries.csv", "provenance.csv"}
    assert {row["file"] for row in rows} == files
    for row in rows:
        assert day_known(row["published"])
        assert row["edition"] in EDITIONS
        assert row["origin"]


@pytest.mark.parametrize(("source", "count"), [("npa_annual", 550 + 45 + 4), ("npa_monthly", 173), ("npa_victims", 300)])
def test_each_transcribed_cell_has_one_line_that_says_where_it_was_read(source: str, count: int) -> None:
    lines = rows_of(source, "provenance.csv")
    assert [*lines[0]] == PROVENANCE_COLUMNS
    assert len(lines) == count
    assert all(line["source"] and line["evidence"] for line in lines)
    figures = {(figure.origin, figure.table, figure.period, figure.native_type, figure.measure) for figure in figures_of(source)}
    assert figures == {
        (f"{line['file']}!{line['cell']}", line["table"], line["period"], line["native_type"], line["measure"]) for line in lines
    }


PERIOD_TYPES = {"calendar_year", "month", "ytd", "half"}
MEASURES = {
    "recognized_cases": "cases",
    "completed_cases": "cases_completed",
    "loss": "loss",
    "cleared_cases": "cases_cleared",
    "arrested_persons": "persons_arrested",
}


@needs_facts
@pytest.mark.parametrize("name", ["npa_special_fraud_annual_by_type", "npa_sns_fraud_annual"])
def test_the_book_read_back_holds_the_values_of_the_facts(name: str) -> None:
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        facts = list(csv.DictReader(stream))
    read_back = Counter(
        (figure.table, figure.period, figure.native_type == TOTAL, figure.measure, figure.value)
        for figure in figures_of("npa_annual")
        if figure.table == facts[0]["fraud_group"]
    )
    expected = Counter(
        (
            fact["fraud_group"],
            fact["period_start"][:4],
            fact["fraud_type"] == "total",
            MEASURES[fact["measure"]],
            Decimal(fact["value"]) if fact["value"] and fact["status"] == "final" else None,
        )
        for fact in facts
    )
    assert read_back == expected


@needs_facts
def test_the_monthly_files_read_back_hold_the_values_of_the_facts() -> None:
    facts = []
    for name in ("npa_monthly_ytd", "npa_releases_annual_and_2026"):
        with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            facts += list(csv.DictReader(stream))
    sources = {(line["printed"], line["source"]) for line in rows_of("npa_monthly", "provenance.csv")}
    ours = [fact for fact in facts if (fact["value_raw"], fact["source"]) in sources and fact["period_type"] in PERIOD_TYPES]
    values = {Decimal(fact["value"]) for fact in ours}
    assert {figure.value for figure in figures_of("npa_monthly")} <= values


@needs_facts
def test_only_the_earlier_totals_of_2017_are_left_out_of_the_monthly_grids() -> None:
    with (FACTS / "npa_monthly_ytd.csv").open(encoding="utf-8", newline="") as stream:
        facts = [
            fact
            for fact in csv.DictReader(stream)
            if fact["measure"] in MEASURES
            and (fact["breakdown_dim"] in ("", "fraud_type") or fact["breakdown_value"] == "fake_police")
        ]
    assert len(facts) - 6 + 28 == len(rows_of("npa_monthly", "provenance.csv"))
