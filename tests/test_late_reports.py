"""Reports that come in late: what is said beside figures so near to their file that they will grow."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pipeline.model import Period
from pipeline.publish.composition import compose
from pipeline.publish.content import Card
from pipeline.publish.families import Families
from pipeline.publish.figures import figures, rows_of
from pipeline.publish.languages import speaking
from pipeline.publish.selection import select_rows
from pipeline.sources.catalogue import source
from tests.figures import frame, row

# The Centre's file of 30 September 2024, counted from its rows: reports of the quarters, and their change.
FILE = {
    "source": "cafc",
    "table": "cafc_types",
    "area": "CA",
    "classification": "cafc_2021",
    "known_at": dt.date(2024, 9, 30),
    "derivation": "records",
    "origin": "cafc_2024-09-30.zip!rows[period=]",
    "edition": "unknown",
}
FAMILIES = Families([source("cafc")])


def of(period: str, cases: int, change: str, **changes: Any) -> tuple[Card, str]:
    """The card of a period and the first sentence of its release."""
    counted = {"measure": "cases", "unit": "cases", **FILE, **changes}
    changed = {**counted, "measure": "change_on_year_cases", "unit": "percent", "derivation": "change"}
    view, parsed = frame(row(period, cases, **counted), row(period, change, **changed)), Period.parse(period)
    found = compose(parsed, figures(rows_of(select_rows(view, parsed)), parsed, FAMILIES), [], FAMILIES)
    return found.cards[0], str(found.lede[0])


def test_a_fall_in_the_newest_months_of_a_file_is_told_with_what_is_still_to_come() -> None:
    card, sentence = of("2024-Q3", 11_648, "-29.356")
    assert "These figures will grow: a fall on the year before may be none." in card.warning
    # Reports, not cases that somebody recognised: the Japanese series of the same page are these.
    assert "11,648 reports (−29.4 % on the year before)" in sentence
    assert sentence.endswith("(more reports will come in: these figures will grow).")


def test_japanese_readers_are_told_the_same() -> None:
    card, __ = of("2024-Q3", 11_648, "-29.356")
    with speaking("ja"):
        assert "前年同期比の減少は実際の減少とは限らない。" in str(card.warning)


@pytest.mark.parametrize("period", ["2024-Q1", "2024-03", "2023"])
def test_periods_that_end_half_a_year_before_their_file_need_no_warning(period: str) -> None:
    card, sentence = of(period, 11_435, "-40.806")
    assert card.warning == ""
    assert "will grow" not in sentence


def test_a_file_that_ends_before_its_period_is_told_of_beside_the_figures() -> None:
    card, __ = of("2024-Q3", 11_648, "-29.356", note="the file ends on 2024-09-29")
    assert "The file ends on 29 September 2024: nothing that came in after that day is in these figures." in card.warning
    with speaking("ja"):
        assert "ファイルの収録は2024年9月29日までであり" in str(card.warning)
    whole, __ = of("2024-Q2", 12_580, "-13.738")
    assert "The file ends" not in whole.warning


@pytest.mark.parametrize(("last", "is_growing"), [("2024-09", True), ("2024-02", False)])
def test_a_series_that_ends_in_months_still_to_grow_says_so_over_its_table_and_its_chart(last: str, is_growing: bool) -> None:
    period = Period.parse(last)
    counted = {"measure": "cases", "unit": "cases", **FILE}
    months = [row(month, 5_000, **counted) for month in Period.parse(f"2023-06/{last}").months]
    view = frame(*months)
    found = compose(period, figures(rows_of(select_rows(view, period)), period, FAMILIES), [], FAMILIES)
    (history,) = [table for table in found.tables if table.id.endswith("_history")]
    (chart,) = [item.chart for item in found.items if item.chart and "history" in item.chart.id]
    for text in (history.warning, chart.note):
        assert ("These figures will grow" in str(text)) is is_growing


def test_a_later_file_ends_the_warning() -> None:
    card, __ = of("2024-Q3", 12_500, "-24.191", known_at=dt.date(2025, 3, 31))
    assert card.warning == ""
