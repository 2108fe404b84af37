"""Quantiles with intervals are a table of their own on the page and in the workbook, and observations in CSV and SDMX."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import openpyxl
import pytest

from pipeline.frames import observations_frame
from pipeline.model import INTERVAL_ENDS
from pipeline.publish import release
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.register_facts import Facts
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.figures import snapshot
from tests.workbook_rules import broken_rules, columns_of

TITLE = "Reports to the Canadian Anti-Fraud Centre, 2023: median and 90th percentile of the losses, with intervals"
VALUES = {"median_loss": 2000, "median_loss_lower_95": 1995, "median_loss_upper_95": 2180, "p90_loss": 69000}
NOTE = "too few losses for an interval of 95 %"


def of(measure: str, value: int | None, table: str = "cafc_types", **more: Any) -> dict[str, Any]:
    unit = "cases" if measure.startswith("cases") else "CAD"
    about = {"source": "cafc", "table": table, "frequency": "annual", "period": "2023", "area": "CA", "unit": unit}
    absent = {"absence": "not_applicable", "obs_status": "O", "note": NOTE} if value is None else {}
    known = {"classification": "cafc_2021", "derivation": "records", "snapshot": "aaaaaaaaaaaa", "origin": "x.csv!rows[]"}
    return {**about, **known, **absent, "known_at": sample.snapshots()[0].known_at, "measure": measure, "value": value, **more}


def rows(*, intervals: bool = True) -> list[dict[str, Any]]:
    """Two types, of which one has too few losses for an interval, and one age."""
    found = []
    for place, (native, code) in enumerate((("_T", "_T"), ("Investments", "INV"), ("Directory", "OTH"))):
        typed = {"native_type": native, "fraud_type": code}
        found += [of(name, 100 - place, **typed) for name in ("cases", "cases_with_loss")]
        values = VALUES | ({name: None for name in INTERVAL_ENDS} if native == "Directory" else {})
        found += [of(name, value, **typed) for name, value in values.items()]
    for age in ("_T", "Y20T29"):
        found += [of(name, value, "cafc_ages", age=age) for name, value in (VALUES | {"cases": 50}).items()]
    return [row for row in found if intervals or row["measure"] not in INTERVAL_ENDS]


def files(**changes: Any) -> dict[str, bytes]:
    taken = snapshot("aaaaaaaaaaaa", "2024-09-30", source="cafc")
    view = observations_frame(rows(**changes))
    return release.build(sample.given("2023", view, sources=[catalogue.source("cafc")], snapshots=[taken]))


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return files()


def test_the_table_stands_on_the_first_page_and_in_the_workbook_with_each_quantile_between_its_ends(
    made: dict[str, bytes],
) -> None:
    assert TITLE in made["index.html"].decode()
    book = openpyxl.load_workbook(io.BytesIO(made["summary.xlsx"]))
    columns = {sheet["A1"].value: columns_of(sheet) for sheet in book}[TITLE]
    heads = [head.split(", Canadian")[0] for head, _ in columns]
    assert heads[2:5] == [
        "Median loss",
        "Median loss, lower end of the interval of 95 %",
        "Median loss, upper end of the interval of 95 %",
    ]
    cells = {head: {c[0].value: c[1].value for c in zip(columns[0][1], values, strict=True)} for head, values in columns}
    lower = next(cells[head] for head in cells if head.startswith("Median loss, lower"))
    assert lower == {"All types": 1995, "Investments": 1995, "Directory": "[z]"}
    assert broken_rules(made["summary.xlsx"]) == []


def test_a_table_by_age_has_them_in_a_table_of_its_own(made: dict[str, bytes]) -> None:
    pages = sample.pages(made)
    tables = dict(re.findall(r'<table[^>]*id="table-(cafc_ages_by_age\w*)"[^>]*>(.*?)</table>', pages, re.S))
    assert set(tables) == {"cafc_ages_by_age", "cafc_ages_by_age_quantiles"}
    assert "1,995" not in tables["cafc_ages_by_age"]
    assert "1,995" in tables["cafc_ages_by_age_quantiles"]


def test_the_page_says_what_the_interval_is_of_and_nothing_of_each_one_that_is_lacking(made: dict[str, bytes]) -> None:
    english, japanese = made["index.html"].decode(), made["index.ja.html"].decode()
    assert "The reports are a census, so it says how much the process of reporting alone moves the figure" in english
    assert "報告は全数であるため" in japanese
    assert "too few losses for an interval" not in english
    assert "too few losses for an interval of 95 %" in made["trace_cafc.html"].decode()
    assert "被害額の件数が少なく95%区間を設けられない" in made["trace_cafc.ja.html"].decode()


def test_csv_and_sdmx_have_them_as_observations_with_the_reason_of_each_that_is_lacking(made: dict[str, bytes]) -> None:
    found = {
        (row["measure"], row["native_type"]): row
        for row in csv.DictReader(io.StringIO(made["cafc_cafc_types.csv"].decode()))
        if row["measure"] in INTERVAL_ENDS
    }
    assert found["median_loss_upper_95", "_T"]["value"] == "2180"
    absent = found["median_loss_upper_95", "Directory"]
    assert (absent["value"], absent["absence"], absent["obs_status"], absent["note"]) == ("", "not_applicable", "O", NOTE)
    assert b"median_loss_lower_95" in made["sdmx_data.csv"]
    assert b'id="median_loss_lower_95"' in made["sdmx_structure.xml"]


def test_without_intervals_there_is_no_such_table_and_the_median_stands_where_it_stood() -> None:
    without = files(intervals=False)
    assert "with intervals" not in sample.pages(without)
    assert "Median loss" in without["index.html"].decode()


def test_the_register_calls_quantiles_made_only_where_they_have_intervals() -> None:
    (entry,) = [entry for entry in REGISTER if entry.code == "T13"]
    assert entry.sources(Facts.of(observations_frame(rows()))) == {"cafc"}
    assert entry.sources(Facts.of(observations_frame(rows(intervals=False)))) == set()
