"""How concentrated losses are stands beside their other measures, in words that need no statistics, and in every file."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from pipeline.frames import observations_frame
from pipeline.publish import release
from pipeline.publish.register import register_table
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.register_facts import Facts
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.figures import snapshot
from tests.workbook_rules import broken_rules, columns_of

TITLE = "Reports to the Canadian Anti-Fraud Centre, 2023: other measures"
TYPES = (("_T", "_T", "0.866106"), ("Romance", "ROM", "0.725094"), ("Directory", "OTH", None))
UNITS = {"cases": "cases", "cases_with_loss": "cases", "loss": "CAD", "max_loss": "CAD", "gini_loss": "coefficient"}


def of(measure: str, value: Any, native: str, code: str) -> dict[str, Any]:
    about = {"source": "cafc", "table": "cafc_types", "frequency": "annual", "period": "2023", "area": "CA"}
    absent = {"absence": "not_applicable", "obs_status": "O", "note": "fewer than 10 losses"} if value is None else {}
    known = {"classification": "cafc_2021", "derivation": "records", "snapshot": "aaaaaaaaaaaa", "origin": "x.csv!rows[]"}
    typed = {"native_type": native, "fraud_type": code, "measure": measure, "unit": UNITS.get(measure, "percent")}
    given = None if value is None else Decimal(value)
    return {**about, **known, **absent, **typed, "known_at": sample.snapshots()[0].known_at, "value": given}


def rows(*left_out: str) -> list[dict[str, Any]]:
    """The total and two types, of which one has too few losses for a Gini coefficient."""
    found = []
    for place, (native, code, coefficient) in enumerate(TYPES):
        values = {"cases": 100 - place, "cases_with_loss": 50 if coefficient else 9, "loss": 900 - place, "max_loss": 20}
        values |= {"top_0_1_share": 20, "top_1_share": 40, "top_10_share": 80}
        found += [of(name, value, native, code) for name, value in values.items()]
        found.append(of("gini_loss", coefficient, native, code))
    return [row for row in found if row["measure"] not in left_out]


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    taken = snapshot("aaaaaaaaaaaa", "2024-09-30", source="cafc")
    view = observations_frame(rows())
    return release.build(sample.given("2023", view, sources=[catalogue.source("cafc")], snapshots=[taken]))


def test_it_stands_in_the_workbook_as_a_number_between_0_and_1_and_as_a_mark_where_losses_are_too_few(
    made: dict[str, bytes],
) -> None:
    book = openpyxl.load_workbook(io.BytesIO(made["summary.xlsx"]))
    columns = {sheet["A1"].value: columns_of(sheet) for sheet in book}[TITLE]
    ((head, values),) = [column for column in columns if column[0].startswith("Gini coefficient")]
    assert head.startswith("Gini coefficient of losses, from 0 to 1")
    shown = {label.value: value.value for label, value in zip(columns[0][1], values, strict=True)}
    assert shown == {"All types": 0.866106, "Romance": 0.725094, "Directory": "[z]"}
    assert broken_rules(made["summary.xlsx"]) == []


def test_the_page_says_in_plain_words_what_0_and_1_mean_and_once_why_some_types_have_none(made: dict[str, bytes]) -> None:
    english, japanese = made["index.html"].decode(), made["index.ja.html"].decode()
    assert len(re.findall("0 means that each of them lost the same", english)) == 1
    assert len(re.findall("0は、どの報告も被害額が同じであることを表します", japanese)) == 1
    table = re.search(r'<table[^>]*id="table-cafc_types_other"[^>]*>(.*?)</table>', english, re.S)
    assert table
    shown = re.sub(r"<[^>]*>", " ", table[1]).split()
    assert {"0.866", "0.725"} <= set(shown)
    assert "0.866106" not in shown
    assert "fewer than 10 losses" not in english
    assert "fewer than 10 losses" in made["trace_cafc.html"].decode()


def test_csv_and_sdmx_have_it_as_an_observation_with_the_reason_where_it_is_lacking(made: dict[str, bytes]) -> None:
    lines = csv.DictReader(io.StringIO(made["cafc_cafc_types.csv"].decode()))
    found = {row["native_type"]: row for row in lines if row["measure"] == "gini_loss"}
    assert (found["_T"]["value"], found["_T"]["unit"]) == ("0.866106", "coefficient")
    absent = found["Directory"]
    assert (absent["value"], absent["absence"], absent["note"]) == ("", "not_applicable", "fewer than 10 losses")
    assert b'id="gini_loss"' in made["sdmx_structure.xml"]
    assert b'id="coefficient"' in made["sdmx_structure.xml"]


def test_the_register_calls_concentration_made_where_the_coefficient_is_there_and_made_in_part_where_it_is_not() -> None:
    def state(*left_out: str) -> tuple[str, str]:
        facts = Facts.of(observations_frame(rows(*left_out)))
        (line,) = [line for line in register_table(facts).rows if line[0].text == "T11"]
        return line[2].text, line[4].text

    assert state() == ("made", "cafc")
    assert state("gini_loss")[0] == "made in part"
    assert state("top_10_share") == ("made in part", "cafc")
    assert not [field for entry in REGISTER for field in entry.fields if entry.code == "T11" and field.reason]
