"""Every cell of every table of real releases: page, workbook and CSV say the same, with the marks that its statuses ask for.

The figures are those of all shipped files. A cell is looked up in the CSV by the observation that its link names.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import html
import io
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import openpyxl
import pytest

from pipeline.model import ABSENCE, CONF_STATUS, OBS_STATUS
from pipeline.publish import release
from pipeline.publish.marks import ABSENCE_MARKS, MARKS
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.shipped import everything

pytestmark = pytest.mark.slow(seconds=20)
PERIODS = ("2025", "2018", "2025-Q1", "2025-05")
BESIDE = re.compile(r": marks|publisher's label|: precision, ±")  # columns of a workbook beside those of the page
UK = ("[p]", "[r]", "[b]", "[c]", "[x]", "[z]")


@dataclasses.dataclass(frozen=True)
class PageCell:
    """A cell as a reader sees it."""

    text: str  # without marks and small print
    marks: tuple[str, ...]
    id: str
    is_figure: bool


COMPUTED = re.compile(">(Difference|Revision|Sum|Seasonally adjusted|Trend)[^>]*<")


@dataclasses.dataclass(frozen=True)
class PageTable:
    id: str
    heads: tuple[str, ...]
    rows: tuple[tuple[PageCell, ...], ...]


def _text(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup)).strip()


def _cell(markup: str) -> PageCell:
    inner = re.sub(r"<small>.*?</small>|<span class=\"beside\" lang=\"ja\">.*?</span>", "", markup)
    to = re.search(r'href="trace_[^"#]*#(\w+)"', markup)
    words = _text(re.sub(r"<abbr>.*?</abbr>", "", inner))
    return PageCell(words, tuple(re.findall(r"<abbr>(.*?)</abbr>", inner)), to[1] if to else "", 'class="num"' in markup[:40])


def _page_tables(page: str) -> Iterator[PageTable]:
    for found in re.finditer(r'<table id="table-(\w+)"[^>]*>(.*?)</table>', page, re.DOTALL):
        head, _, body = found[2].partition("</thead>")
        heads = tuple(re.findall(r"<th [^>]*>.*?</th>", head, re.DOTALL))
        rows = (re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL))
        yield PageTable(found[1], heads, tuple(tuple(map(_cell, row)) for row in rows))


@dataclasses.dataclass(frozen=True)
class Built:
    tables: dict[str, PageTable]
    pages: dict[str, str]
    csv_rows: dict[str, dict[str, str]]  # by observation id
    sheets: list[tuple[str, list[list[Any]]]]  # the table's id as far as a sheet's name has room, heads and lines


@pytest.fixture(scope="module", params=PERIODS)
def built(request: pytest.FixtureRequest) -> Built:
    files = release.build(sample.given(request.param, everything(), sources=catalogue.sources()))
    pages = {name: body.decode() for name, body in files.items() if re.match(r"(index|tables_\w+(-\d+)?)\.html", name)}
    csv_rows: dict[str, dict[str, str]] = {}
    for name, body in files.items():
        if name.endswith(".csv") and name.startswith(tuple(source.id for source in catalogue.sources())):
            csv_rows |= {row["id"]: row for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))}
    book = openpyxl.load_workbook(io.BytesIO(files["summary.xlsx"]), data_only=True)
    sheets = []
    for sheet in book.worksheets[3:]:
        (area,) = (table.ref for table in sheet.tables.values())
        sheets.append((sheet.title.partition(" ")[2], [[cell.value for cell in line] for line in sheet[area]]))
    tables = {table.id: table for page in pages.values() for table in _page_tables(page)}
    return Built(tables, pages, csv_rows, sheets)


def _expected_marks(row: dict[str, str]) -> tuple[str, ...]:
    """From the statuses of the CSV alone."""
    if row["absence"]:
        return (ABSENCE_MARKS[row["absence"]],)
    found = {
        "[b]": row["obs_status"] == "B",
        "[p]": row["edition"] == "provisional" or row["obs_status"] == "P",
        "[r]": row["edition"] in ("corrected", "restated"),
        "[e]": row["obs_status"] == "E",
        "[d]": row["derivation"] != "",
    }
    return tuple(mark for mark, holds in found.items() if holds)


def _number(text: str) -> tuple[Decimal, Decimal]:
    """The number of a cell, and the step that it was rounded to."""
    digits = text.replace(",", "").replace("−", "-").replace("+", "").replace("%", "").strip()
    number = Decimal(digits)
    return number, Decimal(1).scaleb(min(int(number.as_tuple().exponent), 0))


def test_every_row_of_the_csvs_has_a_status_a_confidentiality_a_vintage_and_a_value_or_its_absence(built: Built) -> None:
    assert len(built.csv_rows) > 40
    for row in built.csv_rows.values():
        assert row["obs_status"] in OBS_STATUS
        assert row["conf_status"] in CONF_STATUS
        assert row["edition"]
        assert dt.date.fromisoformat(row["known_at"])
        assert row["absence"] in ABSENCE
        assert (row["value"] == "") == (row["absence"] != "")
        assert (row["absence"] == "suppressed") == (row["conf_status"] not in ("F", ""))


def test_every_cell_of_the_pages_says_its_value_with_the_marks_of_its_statuses_as_the_csv_has_them(built: Built) -> None:
    seen = 0
    for table in built.tables.values():
        for row in table.rows:
            for head, cell in zip(table.heads, row, strict=True):
                if not cell.id:
                    continue
                seen += 1
                csv_row = built.csv_rows[cell.id]
                if "Contribution to" in head:  # no observation: it leads to the type's figure that it was made from
                    assert csv_row["measure"] == ("loss" if "of loss" in head else "cases")
                    assert csv_row["unit"] != "USD"
                    continue
                if COMPUTED.search(head):  # no observation: it leads to one of those that it was made of
                    assert not csv_row["absence"]
                    continue
                shared = set(re.findall(r"<abbr>(.*?)</abbr>", head)) if not csv_row["absence"] else set()
                # Vintages stand beside others of their own period: only what was printed later is marked.
                of_vintages = {"[p]", "[r]"} if table.id.startswith("vintages_") else MARKS.keys()
                expected = of_vintages & set(_expected_marks(csv_row))
                assert {*cell.marks, *shared} == expected, (table.id, cell, csv_row)
                if csv_row["absence"]:
                    assert cell.text == ""
                    continue
                number, step = _number(cell.text)
                value = Decimal(csv_row["value"]) * (100 if csv_row["unit"] == "ratio" else 1)
                value /= 1_000_000 if "million yen" in head else 1
                assert value.quantize(step, ROUND_HALF_EVEN) == number, (table.id, cell, csv_row)
    assert seen > 30


def test_no_figure_is_empty_or_zero_in_place_of_an_absence_and_every_mark_is_explained_on_its_page(built: Built) -> None:
    for page in built.pages.values():
        legend = dict(re.findall(r"<dt>(\[\w\])</dt><dd>(.*?)</dd>", page))
        assert set(UK) <= legend.keys() == MARKS.keys()
        assert all(legend.values())
        assert set(re.findall(r"<abbr>(.*?)</abbr>", page)) <= legend.keys()
        assert not re.search(r"<td[^>]*>\s*</td>", page)


def test_the_workbook_has_the_numbers_and_marks_of_the_pages(built: Built) -> None:
    compared = 0
    assert len(built.sheets) == len(built.tables)
    left = list(built.tables.values())
    for name, (heads, *lines) in built.sheets:
        first = str(lines[0][0])
        plain = [place for place, head in enumerate(heads) if not BESIDE.search(str(head))]
        table = next(
            table
            for table in left
            if table.id.startswith(name)
            and (len(table.rows), len(table.heads)) == (len(lines), len(plain))
            and first.startswith(table.rows[0][0].text[:5])
        )
        left.remove(table)
        for line, row in zip(lines, table.rows, strict=True):
            for place, head, cell in zip(plain, table.heads, row, strict=True):
                if not cell.is_figure:
                    continue
                compared += 1
                value = line[place]
                if not re.search(r"\d", cell.text):
                    assert value == "".join(cell.marks), (name, head, cell, value)
                    continue
                number, step = _number(cell.text)
                exact = Decimal(str(value)) / (1_000_000 if "million yen" in head else 1)
                assert abs(exact - number) <= step * Decimal("0.5000001"), (name, head, cell, value)
                marks = next(
                    (line[at] for at in range(place + 1, min(place + 4, len(heads))) if str(heads[at]).endswith(": marks")), ""
                )
                own = marks if str(marks).startswith("[") and _belongs(heads, place) else ""
                assert own == "".join(cell.marks), (name, heads, cell, marks)
    assert compared > 30


def _belongs(heads: list[Any], place: int) -> bool:
    """Whether the marks that come next are those of the column at `place`: nothing but its own precision stands between."""
    return all(BESIDE.search(str(head)) for head in heads[place + 1 : _marks_at(heads, place) + 1])


def _marks_at(heads: list[Any], place: int) -> int:
    return next(at for at in range(place + 1, len(heads)) if str(heads[at]).endswith(": marks"))


def test_behind_a_chart_an_absent_figure_carries_the_mark_that_it_has_in_the_tables(built: Built) -> None:
    """Each mark without a value that leads to an observation is that of the observation."""
    seen = 0
    for page in built.pages.values():
        for table in re.findall(r"<table><caption>Figures of the chart: .*?</table>", page, re.DOTALL):
            for traced, mark in re.findall(r'<td class="num"><a href="trace_[^"#]*#(\w+)"><abbr>(\[\w\])</abbr></a></td>', table):
                assert (mark,) == _expected_marks(built.csv_rows[traced])
                seen += 1
    assert seen or not any("Cash-card theft" in page and "by type" in page for page in built.pages.values())
