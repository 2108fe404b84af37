"""Figures that are not there: each says why, in the table in which a reader looks for it.

Figures: Scamwatch's exports (286,622 reports of 2021, 239,239 of 2022; June 2023 is in none of them) and the Canadian Centre's
file of 30 September 2024 (types of 2023).
"""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.aggregate.derive import derive
from pipeline.aggregate.kernel import TOP_SHARES
from pipeline.model import Period
from pipeline.publish.composition import compose
from pipeline.publish.content import Content
from pipeline.publish.families import Families
from pipeline.publish.figure_lists import list_rank
from pipeline.publish.figures import figures, rows_of
from pipeline.publish.marks import mark_of_missing
from pipeline.publish.tables import Table
from pipeline.sources.catalogue import source
from tests.figures import declared, frame, only, row


def shown(source_id: str, period: str, *rows: dict[str, Any]) -> Content:
    view, parsed = derive(frame(*rows), source(source_id)), Period.parse(period)
    families = Families([source(source_id)])
    return compose(parsed, figures(rows_of(view), parsed, families), [], families)


def table(content: Content, ending: str) -> Table:
    (found,) = [table for table in content.tables if table.id.endswith(ending)]
    return found


def counted(source_id: str, name: str, unit: str, period: str, cases: Any, loss: Any, **more: Any) -> list[dict[str, Any]]:
    usual = {"source": source_id, "table": name, "area": source(source_id).country, "derivation": "records", **more}
    return [row(period, cases, measure="cases", unit="cases", **usual), row(period, loss, unit=unit, **usual)]


def other(measure: str, value: int | None, absence: str = "") -> SimpleNamespace:
    return SimpleNamespace(measure=measure, value=None if value is None else Decimal(value), absence=absence)


@pytest.mark.parametrize(
    ("measure", "beside", "mark"),
    [
        ("median_loss", [other("cases_with_loss", 0)], "[z]"),
        ("top_0_1_share", [other("cases_with_loss", 521)], "[z]"),
        ("gini_loss", [other("cases_with_loss", 9)], "[z]"),
        ("gini_loss", [other("cases_with_loss", 10)], "[x]"),
        ("mean_loss", [other("cases", 0)], "[z]"),
        # Nobody computed it, though it exists.
        ("top_0_1_share", [other("cases_with_loss", 3532)], "[x]"),
        ("median_loss", [], "[x]"),
        # What is made of a loss that is not kept is not kept either; what is made of a type not in use cannot exist.
        ("mean_loss_of_known", [other("cases_loss_known", 0), other("loss", None, "not_collected")], "[x]"),
        ("share_of_loss", [other("loss", None, "not_applicable"), other("cases", None, "not_applicable")], "[z]"),
        ("change_on_year_cases", [other("loss", None, "not_collected"), other("cases", 11_367)], "[x]"),
        ("share_of_cases", [other("cases", None, "not_applicable")], "[z]"),
    ],
)
def test_a_figure_that_cannot_exist_is_told_from_one_that_nobody_has(measure: str, beside: list[Any], mark: str) -> None:
    assert mark_of_missing(measure, {item.measure: item for item in beside}) == mark


@pytest.mark.parametrize(("measure", "one_in"), TOP_SHARES.items())
def test_the_largest_losses_are_as_many_as_the_count_of_them_needs(measure: str, one_in: int) -> None:
    few, enough = ({"cases_with_loss": other("cases_with_loss", number)} for number in (one_in - 1, one_in))
    assert (mark_of_missing(measure, few), mark_of_missing(measure, enough)) == ("[z]", "[x]")


def test_a_change_from_nothing_cannot_exist() -> None:
    view = derive(frame(row("2022", 0), row("2023", 25_002)), declared())
    change = only(view, measure="change_on_year")
    assert (change["value"], change["absence"]) == (None, "not_applicable")


def test_a_year_with_a_hole_stands_in_its_series_and_not_under_another_classification() -> None:
    rows = [
        *counted("scamwatch", "scamwatch_types", "AUD", "2021", 286_622, "323723459", classification="scamwatch_2020"),
        *counted("scamwatch", "scamwatch_types", "AUD", "2022", 239_239, "506674458", classification="scamwatch_2020"),
        *counted("scamwatch", "scamwatch_types", "AUD", "2023", None, None, classification="scamwatch_2020"),
    ]
    for hole in rows[-2:]:
        hole.update(absence="not_yet_known", note="not in the file: 2023-06")
    content = shown("scamwatch", "2023", *rows)
    history = table(content, "scamwatch_types_history")
    assert [line[0].text for line in history.rows] == ["2021", "2022", "2023"]
    assert [cell.text for cell in history.rows[-1][1:3]] == ["[n]", "[n]"]
    assert not [found for found in content.tables if "other_classifications" in found.id or "history_other" in found.id]


def test_common_types_stand_below_each_other_with_their_measures_across() -> None:
    about = {"classification": "cafc_2021"}
    rows = [
        *counted("cafc", "cafc_common_types", "CAD", "2023", 63_772, "575850187", **about),
        *counted("cafc", "cafc_common_types", "CAD", "2023", 4_246, "317913776", fraud_type="INV", **about),
        *counted("cafc", "cafc_common_types", "CAD", "2023", 1_197, "52571960", fraud_type="ROM", **about),
        *counted("cafc", "cafc_common_types", "CAD", "2023", 11_367, None, fraud_type="IDT", **about),
    ]
    losses = table(shown("cafc", "2023", *rows), "cafc_common_types_losses")
    assert [line[0].text for line in losses.rows] == ["All types", "Investment", "Romance", "Misuse of identity"]
    assert losses.total_rows == 1


def test_quantiles_of_few_losses_are_named_below_their_table() -> None:
    about = {"source": "cafc", "table": "cafc_types", "area": "CA", "unit": "CAD", "derivation": "records", "measure": "p99_loss"}
    rows = [
        row("2023", "500000", **about),
        row("2023", "14950", **about, native_type="Directory", note="fewer than 10 losses"),
        row("2023", "416", **about, native_type="Telecom Fraud", note="the file ends on 2024-09-29; fewer than 10 losses"),
    ]
    notes = table(shown("cafc", "2023", *rows), "cafc_types_means").notes
    assert (
        "Fewer than 10 losses, so that quantiles, largest losses and means of losses tell of single reports: Directory, Telecom "
        "Fraud."
    ) in [str(note) for note in notes]


def test_a_note_on_many_types_is_told_once_and_leaves_room_for_the_others() -> None:
    ended = {"classification": "cafc_2021"}
    names = ["Health", "Modem-Hijacking", "Office Supplies", "Spoofing"]
    rows = counted("cafc", "cafc_types", "CAD", "2023", 63_772, "575850187", **ended)
    for name in names:
        made = counted("cafc", "cafc_types", "CAD", "2023", None, None, native_type=name, **ended)
        rows += [item | {"absence": "not_applicable", "note": "the type is not in use then"} for item in made]
    kept = counted("cafc", "cafc_types", "CAD", "2023", 5_929, None, native_type="Phishing", **ended)
    kept[1] |= {"note": "the publisher keeps no loss here"}
    rows += [*kept, *counted("cafc", "cafc_types", "CAD", "2023", 4_246, "317913776", native_type="Investments", **ended)]
    notes = [str(note) for note in table(shown("cafc", "2023", *rows), "cafc_types_losses").notes]
    assert "Health; Modem-Hijacking; Office Supplies; Spoofing (reports, loss): the type is not in use then" in notes
    assert "Phishing, loss: the publisher keeps no loss here" in notes
    assert sum("not in use" in note for note in notes) == 1


def test_a_list_of_common_types_begins_with_the_total_and_keeps_each_type_together() -> None:
    made = [row("2023", value, fraud_type=name) for name, value in (("ROM", 3), ("_T", 6), ("INV", 2))]
    found = figures(rows_of(frame(*made)), Period.parse("2023"), Families([declared()]))
    assert [figure.row.fraud_type for figure in sorted(found, key=list_rank)] == ["_T", "INV", "ROM"]
