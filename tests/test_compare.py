"""Where two sources print one figure, the first in precedence speaks and the other's distance is stated."""

import datetime as dt
from decimal import Decimal

from pipeline.aggregate.compare import findings
from pipeline.sources.catalogue import Table
from tests.figures import declared, frame, only, row

BOOK = declared(id="book", precedence=1)
PRESS = declared(id="press", precedence=3)


def compared(press_value: str, precision: str | None, **press: object) -> dict:
    rows = [
        row("2024", "71877275370", source="book"),
        row("2024", press_value, source="press", precision=Decimal(precision) if precision else None, **press),
    ]
    return only(findings(frame(*rows), [BOOK, PRESS]))


def test_the_source_that_speaks_first_is_ours() -> None:
    found = compared("71880000000", "5000000")
    assert (found["ours"], found["theirs"]) == (Decimal(71877275370), Decimal(71880000000))


def test_a_rounded_figure_within_half_its_last_unit_is_within_precision() -> None:
    assert compared("71880000000", "5000000")["status"] == "within_precision"
    assert compared("71877275370", None)["status"] == "exact"


def test_a_figure_of_an_earlier_vintage_is_different_and_explained_as_a_revision() -> None:
    found = compared("72150000000", "5000000", known_at=dt.date(2025, 2, 7), edition="provisional")
    assert found["status"] == "different"
    assert "a revision: press printed it on 2025-02-07 (provisional)" in found["explanation"]


def test_a_difference_that_nothing_explains_says_so() -> None:
    assert compared("72150000000", "5000000")["explanation"] == "unknown"


def test_figures_of_other_classifications_or_families_are_not_compared() -> None:
    other = declared(
        id="press", tables={"special_fraud": Table("special_fraud", "", "", "card", parts_add_up=False, identities=())}
    )
    rows = [row("2024", 1, source="book"), row("2024", 2, source="press", classification="new")]
    assert findings(frame(*rows), [BOOK, PRESS]).empty
    assert findings(frame(rows[0], row("2024", 2, source="press")), [BOOK, other]).empty


def test_no_figures_give_no_findings() -> None:
    assert findings(frame(), [BOOK, PRESS]).empty
