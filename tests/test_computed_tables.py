"""The CSVs of what is computed for the reader alone: cell by cell what page and workbook show, with what it was made of."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import frictionless
import openpyxl
import pandas as pd
import pytest
from lxml import html

from pipeline.aggregate.derive import derive
from pipeline.publish import release
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests import test_opened_by_others as others
from tests.untraced import untraced
from tests.workbook_rules import columns_of

CONTRIBUTIONS, ADJUSTED = "contributions.csv", "seasonally_adjusted.csv"
MONTHS = [f"{2021 + place // 12}-{place % 12 + 1:02d}" for place in range(40)]
HEADS = {"loss": "Contribution to the change of loss", "cases": "Contribution to the change of cases"}


def lines(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def monthly(months: list[str], **changes: Any) -> pd.DataFrame:
    """Totals of special fraud by month, with a season; the last one is provisional."""
    rows = [
        sample.row(
            "npa_monthly",
            "special_fraud",
            month,
            "cases",
            "cases",
            1000 + 200 * (place % 12 == 11) + 10 * place,
            edition="provisional" if month == months[-1] else "final",
            obs_status="P" if month == months[-1] else "A",
            **changes,
        )
        for place, month in enumerate(months)
    ]
    return sample.view(rows)


def derived(view: pd.DataFrame) -> pd.DataFrame:
    """The printed figures of the annual book, and what is derived from them."""
    printed = view[(view["source"] == "npa_annual") & (view["derivation"] == "")].reset_index(drop=True)
    return derive(printed, catalogue.source("npa_annual"))


@pytest.fixture(scope="module")
def annual() -> dict[str, bytes]:
    return release.build(sample.given("2025", derived(sample.view())))


@pytest.fixture(scope="module")
def adjusted() -> dict[str, bytes]:
    return release.build(sample.given(MONTHS[-1], monthly(MONTHS)))


def shown(files: dict[str, bytes], page: str, heads: list[str]) -> tuple[dict[str, list[Any]], dict[str, list[str]]]:
    """Of the table with these heads: the cells of each column and of the first two in the workbook, and the texts on the page."""
    book = openpyxl.load_workbook(io.BytesIO(files["summary.xlsx"]))
    for sheet in book:
        columns = [(head, cells) for head, cells in columns_of(sheet) if not head.endswith(": marks")]
        found = [(head, cells) for head, cells in columns if any(head.startswith(wanted) for wanted in heads)]
        if len(found) == len(heads):
            in_book = {head: [cell.value for cell in cells] for head, cells in (*columns[:2], *found)}
            break
    root = html.fromstring(files[page])
    table = next(table for table in root.iter("table") if all(wanted in _text(table.find("thead")) for wanted in heads))
    titles = [_text(cell) for cell in table.find("thead").iter("th")]
    rows = [[_text(cell) for cell in row] for row in table.find("tbody")]
    places = [next(place for place, title in enumerate(titles) if wanted in title) for wanted in heads]
    return in_book, {wanted: [row[place] for row in rows] for wanted, place in zip(heads, places, strict=True)}


def _text(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_contributions_are_those_of_the_page_and_of_the_workbook(annual: dict[str, bytes]) -> None:
    in_book, on_page = shown(annual, "index.html", list(HEADS.values()))
    rows = lines(annual, CONTRIBUTIONS)
    assert {row["of_measure"] for row in rows} == set(HEADS)
    for measure, wanted in HEADS.items():
        own = {row["native_type"]: row for row in rows if (row["of_measure"], row["family"]) == (measure, "special_fraud")}
        values = next(cells for head, cells in in_book.items() if head.startswith(wanted))
        assert len(own) >= 4
        names = ["_T", *in_book["Type, publisher's label"][1:]]
        for name, value, text in zip(names, values, on_page[wanted], strict=True):
            if name not in own:  # nobody prints its loss
                assert (value, text) == ("[x]", "[x]")
                continue
            points = own.pop(name)["contribution_percentage_points"]
            assert float(points) == value
            assert text.split()[0].replace("−", "-") == f"{Decimal(points):+.1f}".replace("-0.0", "0.0")
        assert own == {}


def test_a_contribution_says_what_it_was_made_of_and_since_when_it_could_be_known() -> None:
    view = sample.view()
    changed = (view["source"] == "npa_annual") & (view["native_type"] == "オレオレ詐欺") & (view["period"] == "2024")
    assert changed.any()
    for column, value in (("edition", "provisional"), ("known_at", dt.date(2026, 9, 19)), ("snapshot", "ffffffffffff")):
        view.loc[changed, column] = value
    files = release.build(sample.given("2025", derived(view)))
    rows = {row["native_type"]: row for row in lines(files, CONTRIBUTIONS) if row["of_measure"] == "cases"}
    own, other = rows["オレオレ詐欺"], rows["還付金詐欺"]
    assert (own["obs_status"], own["edition"], own["known_at"]) == ("P", "provisional", "2026-09-19")
    assert (other["obs_status"], other["edition"], other["conf_status"]) == ("I", "final", "F")
    assert other["known_at"] < "2026-09-19"
    assert "ffffffffffff" in own["snapshot"]
    observed = pd.read_parquet(io.BytesIO(files["observations.parquet"])).set_index("id")
    made_of = observed.loc[own["made_of"].split("; ")]
    assert list(made_of["period"]) == ["2025", "2024", "2024"]
    assert list(made_of["native_type"]) == ["オレオレ詐欺", "オレオレ詐欺", "_T"]
    now, before, total = (Decimal(value) for value in made_of["value"])
    assert Decimal(own["contribution_percentage_points"]) == (100 * (now - before) / total).quantize(Decimal("0.001"))


def test_a_contribution_across_a_break_has_a_reason_and_no_value() -> None:
    rows = [row for row in lines(release.build(sample.given("2020", derived(sample.view()))), CONTRIBUTIONS) if row["absence"]]
    assert rows
    for row in rows:
        assert (row["contribution_percentage_points"], row["absence"], row["obs_status"]) == ("", "break", "O")


def test_adjusted_months_are_those_of_the_page_and_of_the_workbook(adjusted: dict[str, bytes]) -> None:
    rows = lines(adjusted, ADJUSTED)
    assert [row["period"] for row in rows] == MONTHS
    heads = {"cases": "Cases", "seasonally_adjusted_cases": "Seasonally adjusted", "trend_cases": "Trend"}
    page = next(name for name in adjusted if name.startswith("tables_") and b"easonally adjusted" in adjusted[name])
    in_book, on_page = shown(adjusted, page, list(heads.values()))
    for column, head in heads.items():
        values = next(cells for title, cells in in_book.items() if title.startswith(head))
        assert [Decimal(row[column]) for row in rows] == values
        assert [row[column] for row in rows] == [text.replace("[p]", "").replace(",", "") for text in on_page[head]]
    assert [found for name in (page, "index.html") for found in untraced(adjusted[name].decode())] == []
    assert {row["season_until"] for row in rows} == {"2023-12"}
    assert [row["obs_status"] for row in rows] == [*["I"] * 39, "P"]
    # December stands out as it is, and no more without its season.
    december = rows[MONTHS.index("2023-12")]
    assert int(december["cases"]) - int(december["seasonally_adjusted_cases"]) > 100


def test_a_month_without_a_figure_has_no_adjusted_months_of_the_time_before_it() -> None:
    whole, torn = monthly(MONTHS), monthly(MONTHS)
    last = (torn["source"] == "npa_monthly") & (torn["period"] == MONTHS[-1]) & (torn["measure"] == "cases")
    torn.loc[last, ["measure", "unit"]] = ["victims", "persons"]
    assert ADJUSTED in release.build(sample.given(MONTHS[-1], whole))
    assert ADJUSTED not in release.build(sample.given(MONTHS[-1], torn))


def test_adjusted_months_are_as_late_as_the_last_of_them() -> None:
    view = monthly(MONTHS)
    view.loc[(view["source"] == "npa_monthly") & (view["period"] == MONTHS[5]), "known_at"] = sample.given("2025").as_of
    rows = lines(release.build(sample.given(MONTHS[-1], view)), ADJUSTED)
    assert {row["known_at"] for row in rows} == {"2026-09-20"}


def test_a_release_without_them_has_no_such_file() -> None:
    files = release.build(sample.given("2024-05", monthly(MONTHS[-30:])))
    assert not {CONTRIBUTIONS, ADJUSTED} & set(files)
    assert "contributions.csv" not in files["index.html"].decode()


def test_they_are_listed_and_described_and_read_as_they_are_described(
    annual: dict[str, bytes], adjusted: dict[str, bytes], tmp_path: Path
) -> None:
    for name, files in ((CONTRIBUTIONS, annual), (ADJUSTED, adjusted)):
        folder = tmp_path / name
        folder.mkdir()
        for other, content in files.items():
            (folder / other).write_bytes(content)
        for page in ("index.html", "index.ja.html"):
            assert f'href="{name}"' in files[page].decode()
        package = json.loads(files["datapackage.json"])
        (resource,) = [item for item in package["resources"] if item["path"] == name]
        assert [field["name"] for field in resource["schema"]["fields"]] == list(lines(files, name)[0])
        assert all(field["description"] for field in resource["schema"]["fields"])
        report = frictionless.validate(str(folder / "datapackage.json"))
        assert list(report.flatten(["type", "message"])) == []
        (folder / name).write_bytes(files[name].replace(b",I,", b",I,,", 1))
        assert not frictionless.validate(str(folder / "datapackage.json")).valid


@pytest.mark.parametrize("reader", others.READERS)
def test_readers_that_guess_types_find_every_row_sum_and_id(
    reader: Callable[[Path], dict[str, Any]], annual: dict[str, bytes], adjusted: dict[str, bytes], tmp_path: Path
) -> None:
    for name, files in ((CONTRIBUTIONS, annual), (ADJUSTED, adjusted)):
        (tmp_path / name).write_bytes(files[name])
        others.agree(reader(tmp_path / name), others.contents_of(files[name]), name)


def test_they_are_no_observations(annual: dict[str, bytes]) -> None:
    assert not {"contribution", "contribution_cases"} & set(
        pd.read_parquet(io.BytesIO(annual["observations.parquet"]))["measure"]
    )
    assert b"contribution" not in annual["sdmx_data.csv"]


def test_the_same_figures_in_any_order_give_the_same_bytes(annual: dict[str, bytes], adjusted: dict[str, bytes]) -> None:
    for period, view, files, name in (
        ("2025", derived(sample.view()), annual, CONTRIBUTIONS),
        (MONTHS[-1], monthly(MONTHS), adjusted, ADJUSTED),
    ):
        turned = view.iloc[::-1].reset_index(drop=True)
        assert release.build(sample.given(period, turned))[name] == files[name]
