"""What types add to the change on the year: exact from the years, near enough from the changes, and never across a break."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pipeline.aggregate.derive import derive
from pipeline.model import Period
from pipeline.publish import contributions
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, figures, rows_of
from pipeline.publish.selection import select_rows
from pipeline.sources import catalogue
from tests import publish_sample as sample

FAMILIES = Families(sample.sources())


def _plain(view: Any, code: str) -> tuple[list[Figure], list[Figure]]:
    period = Period.parse(code)
    found = figures(rows_of(select_rows(view, period)), period, FAMILIES)
    own = [f for f in found if f.family == "special_fraud" and f.is_plain and not f.row.overlay]
    return [f for f in own if f.role == "period"], [f for f in own if f.role == "history"]


def _values(made: list[Figure], measure: str) -> dict[str, Decimal | None]:
    return {figure.row.native_type: figure.row.value for figure in made if figure.row.measure == measure}


@pytest.fixture(scope="module")
def printed() -> Any:
    source = catalogue.source("npa_annual")
    view = sample.view()
    return derive(view[(view["source"] == "npa_annual") & (view["derivation"] == "")].reset_index(drop=True), source)


def test_contributions_are_shares_of_the_total_of_the_year_before(printed: Any) -> None:
    own, history = _plain(printed, "2025")
    values = _values(contributions.contributions(own, history), "contribution_cases")
    assert values["オレオレ詐欺"] == (Decimal(100) * (14489 - 6752) / 21043).quantize(Decimal("0.001"))
    assert values["_T"] == pytest.approx(Decimal(100) * (27832 - 21043) / 21043, abs=Decimal("0.001"))


def test_from_the_changes_alone_they_are_the_same_to_a_thousandth_of_a_point(printed: Any) -> None:
    own, history = _plain(printed, "2025")
    whole, alone = (_values(contributions.contributions(own, known), "contribution") for known in (history, []))
    assert whole.keys() == alone.keys()
    for name, value in whole.items():
        assert value == pytest.approx(alone[name], abs=Decimal("0.001"))


def test_the_points_that_no_type_has_are_said(printed: Any) -> None:
    own, history = _plain(printed, "2025")
    made = contributions.contributions(own, history)
    rest = contributions.remainder(made, "contribution_cases")
    values = _values(made, "contribution_cases")
    assert rest == values.pop("_T") - sum(value for value in values.values() if value is not None)  # type: ignore[operator]
    assert f"{rest:.1f}".lstrip("-") in " ".join(contributions.notes(made))
    # The sample has five of the ten types.
    assert abs(rest) > 1


def test_none_are_made_across_a_break_or_without_the_year_before(printed: Any) -> None:
    for code, reason in (("2018", "the total breaks between the two years"), ("2016", "it gives no total of the year before")):
        own, history = _plain(printed, code)
        assert contributions.contributions(own, history) == []
        assert contributions.lacking(printed[printed["period"] == code]) == reason
    assert contributions.lacking(printed[printed["period"] == "2025"]) == ""


def test_a_type_that_breaks_has_a_mark_and_no_points(printed: Any) -> None:
    own, history = _plain(printed, "2020")
    made = contributions.contributions(own, history)
    broken = [figure.row for figure in made if figure.row.native_type == "オレオレ詐欺"]
    assert broken
    assert all(row.value is None and row.absence == "break" for row in broken)
