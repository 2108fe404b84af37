"""A total stands beside itself without its large losses: on the card with what is left out, in tables, CSV and workbook."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from pipeline.aggregate.derive import derive
from pipeline.frames import observations_frame
from pipeline.publish import release
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.register_facts import Facts
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.figures import snapshot
from tests.workbook_rules import broken_rules

CAFC = catalogue.source("cafc")
LARGE = "CAD_GE1000000"
# Canadian Anti-Fraud Centre, file of 30 September 2024: all losses of a year, and those of a million dollars and more.
LOSS = {"2022": ("533250681.77", "144135982.7", 55), "2023": ("575850186.55", "112870274.35", 55)}


def of(period: str, measure: str, value: object, table: str = "cafc_types", **more: Any) -> dict[str, Any]:
    about = {"source": "cafc", "table": table, "frequency": "annual", "period": period, "area": "CA"}
    known = {"classification": "cafc_2021", "derivation": "records", "snapshot": "aaaaaaaaaaaa", "origin": "x.csv!rows[]"}
    unit = "cases" if measure == "cases" else "CAD"
    days = {"known_at": sample.snapshots()[0].known_at}
    return {**about, **known, **days, "measure": measure, "unit": unit, "value": Decimal(str(value)), **more}


def files(*, large: bool = True) -> dict[str, bytes]:
    view = figures(large=large)
    taken = snapshot("aaaaaaaaaaaa", "2024-09-30", source="cafc")
    return release.build(sample.given("2023", view, sources=[CAFC], snapshots=[taken]))


def figures(*, large: bool = True) -> Any:
    rows = []
    for year, (loss, together, number) in LOSS.items():
        rows += [of(year, "cases", 60_000), of(year, "loss", loss)]
        rows += [of(year, "cases", number, "cafc_loss_bands", loss_band=LARGE)] if large else []
        rows += [of(year, "loss", together, "cafc_loss_bands", loss_band=LARGE)] if large else []
    return derive(observations_frame(rows), CAFC)


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return files()


def test_the_card_has_both_changes_and_says_which_losses_are_left_out(made: dict[str, bytes]) -> None:
    english, japanese = (re.sub(r"<[^>]+>", " ", made[name].decode()) for name in ("index.html", "index.ja.html"))
    words = " ".join(english.split())
    assert re.search(r"Change of loss on the year \+8\.0 %", words)
    assert re.search(r"Change of loss on the year, without large losses \+19\.0 %", words)
    assert "without losses of 1,000,000 Canadian dollars and more (55 of them, 112,870,274.35 together)" in words
    assert "1,000,000カナダドル以上の被害を除く（55件、合計112,870,274.35）" in japanese


def test_csv_and_workbook_have_the_total_without_them_with_its_derivation(made: dict[str, bytes]) -> None:
    lines = csv.DictReader(io.StringIO(made["cafc_cafc_types.csv"].decode()))
    (line,) = (line for line in lines if line["measure"] == "loss_without_large" and line["period"] == "2023")
    assert (line["value"], line["derivation"]) == ("462979912.2", "without_large")
    book = openpyxl.load_workbook(io.BytesIO(made["summary.xlsx"]))
    texts = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
    assert 462979912.2 in texts
    assert broken_rules(made["summary.xlsx"]) == []


def test_a_source_that_gives_no_sum_of_large_losses_has_no_such_line() -> None:
    page = files(large=False)["index.html"].decode()
    assert "+8.0" in page
    assert "without large losses" not in page


def test_the_register_calls_it_made_only_where_it_is() -> None:
    (entry,) = [entry for entry in REGISTER if entry.code == "T12"]
    assert entry.sources(Facts.of(figures())) == {"cafc"}
    assert entry.sources(Facts.of(figures(large=False))) == set()
