"""What each type adds to the change of the total on the year: the table of contributions (T03).

In: the figures of one table, period and classification, and those of its history. Out: the same kind of figures for two measures
more, in percentage points, made here for the pages, the workbook and a CSV alone: they follow from the figures beside them. Where
they cannot be made, the reason.

    contribution of type k = 100 * (x[k, t] - x[k, t-1 year]) / X[t-1 year], rounded half to even to 0.001 points

The figure of the year before is the one that the release holds. Where it holds but the change on the year that was derived from
it, it is x[k, t] / (1 + change): the change has six digits behind the point, which is enough for the three of a contribution. A
figure that is or was zero cannot be found again so: it stands in the remainder.

A contribution is as provisional and as late as the worst of the figures that it is made of; `origin` has their ids.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.model import TOTAL, Period
from pipeline.publish.figures import Figure, worst_edition
from pipeline.publish.measures import measure_title
from pipeline.publish.number_texts import number_text
from pipeline.publish.words import _, listed

# Measure -> the measure of its change, and of its contributions.
OF_MEASURES = {"loss": ("change_on_year", "contribution"), "cases": ("change_on_year_cases", "contribution_cases")}
POINTS = "points"
_HUNDRED, _SHOWN, _STEP = Decimal(100), Decimal("0.05"), Decimal("0.001")


@dataclasses.dataclass(frozen=True)
class _Earlier:
    """A figure of the year before, and the observation that tells it."""

    value: Decimal
    row: Any


def contributions(figures: Sequence[Figure], history: Iterable[Figure]) -> list[Figure]:
    """The contributions of the types that stand in `figures` (plain, no overlays, one period and classification).

    None where the total has no change on the year, or fewer than two types have a contribution. A type whose series breaks
    has the absence `break`; one of whose year before nothing is known has none, and stands in the remainder.
    """
    by_type: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        if not figure.row.derivation.startswith("converted"):
            by_type.setdefault((figure.row.native_type, figure.row.fraud_type), {})[figure.row.measure] = figure
    before = _year_before(figures, history)
    made = []
    for measure in OF_MEASURES:
        made += _of_measure(measure, by_type, before)
    return made


_Before = dict[tuple[str, str, str, str], Any]


def _year_before(figures: Sequence[Figure], history: Iterable[Figure]) -> _Before:
    """(native type, common type, measure, unit) -> the observation of the year before, where the release holds it."""
    if not figures:
        return {}
    first = figures[0].row
    period = Period.parse(first.period).year_before.code
    return {
        (row.native_type, row.fraud_type, row.measure, row.unit): row
        for figure in history
        if (row := figure.row).period == period
        and row.classification == first.classification
        and row.measure in OF_MEASURES
        and row.value is not None
        and figure.is_plain
        and not row.overlay
    }


def _of_measure(measure: str, by_type: dict[tuple[str, str], dict[str, Figure]], before: _Before) -> list[Figure]:
    change_name, name = OF_MEASURES[measure]
    total = by_type.get((TOTAL, TOTAL), {})
    change = total.get(change_name)
    if measure not in total or total[measure].row.value is None or change is None or change.row.value is None:
        return []
    base = _base(total[measure], change, before)
    if base is None or not base.value:
        return []
    made = [_made(total[measure], name, change.row.value, [total[measure].row, change.row])]
    for key, cells in by_type.items():
        figure, own = cells.get(measure), cells.get(change_name)
        if key == (TOTAL, TOTAL) or figure is None or figure.row.value is None:
            continue
        if own is not None and own.row.absence == "break":
            made.append(_made(figure, name, None, [figure.row, own.row]))
        elif (earlier := _base(figure, own, before)) is not None:
            points = _HUNDRED * (figure.row.value - earlier.value) / base.value
            made.append(_made(figure, name, points, [figure.row, earlier.row, base.row]))
    return made if sum(figure.row.value is not None for figure in made) > 2 else []


def _base(figure: Figure, change: Figure | None, before: _Before) -> _Earlier | None:
    """The figure of the year before."""
    row = figure.row
    printed = before.get((row.native_type, row.fraud_type, row.measure, row.unit))
    if printed is not None:
        return _Earlier(printed.value, printed)
    growth = change.row.value if change is not None and change.row.derivation == "change" else None
    if change is None or growth is None or growth <= -_HUNDRED:
        return None
    return _Earlier(row.value / (1 + growth / _HUNDRED), change.row)


def _made(figure: Figure, name: str, value: Decimal | None, inputs: Sequence[Any]) -> Figure:
    """As provisional and as late as the worst of its inputs (observations)."""
    edition = worst_edition(row.edition for row in inputs)
    status = "O" if value is None else "P" if edition == "provisional" else "I"
    row = figure.row._replace(
        measure=name,
        unit=POINTS,
        value=None if value is None else value.quantize(_STEP, ROUND_HALF_EVEN),
        precision=None,
        obs_status=status,
        conf_status=next((row.conf_status for row in inputs if row.conf_status != "F"), "F"),
        absence="" if value is not None else "break",
        edition=edition,
        derivation="contribution",
        known_at=max(row.known_at for row in inputs),
        snapshot="+".join(sorted({part for row in inputs for part in row.snapshot.split("+")})),
        origin="; ".join(row.id for row in inputs),
        note="",
        id="",
    )
    made = Figure(figure.family, figure.role, row)
    # What is known of the figure beside it holds for this one: it need not be worked out again.
    vars(made).update(is_total=figure.is_total, breakdown=figure.breakdown, is_plain=figure.is_plain)
    return made


def remainder(made: Sequence[Figure], name: str) -> Decimal | None:
    """The points of the total's change that no type of the table has; None where there are no contributions."""
    own = [figure for figure in made if figure.row.measure == name and figure.row.value is not None]
    total = next((figure.row.value for figure in own if figure.is_total), None)
    parts = sum((figure.row.value for figure in own if not figure.is_total), Decimal(0))
    return None if total is None else Decimal(total) - parts


def lacking(own: pd.DataFrame) -> str:
    """Why a table of contributions is not in a release; empty where it is.

    `own`: OBSERVATION_COLUMNS of one source and period, national, broken down by nothing but the type, no overlays.
    """
    present = own[(own["absence"] == "").to_numpy(bool)]
    is_type = (present["native_type"] != TOTAL).to_numpy(bool)
    if present.loc[is_type & present["measure"].isin(OF_MEASURES).to_numpy(bool), "native_type"].nunique() < 2:
        return _("it gives no cases or losses by type for the period")
    reasons = [_reason(own, present, is_type, change) for change, __ in OF_MEASURES.values()]
    return "" if "" in reasons else reasons[0]


def _reason(own: pd.DataFrame, present: pd.DataFrame, is_type: np.ndarray[Any, np.dtype[np.bool_]], change: str) -> str:
    changes = (present["measure"] == change).to_numpy(bool)
    if not (changes & ~is_type).any():
        broken = (own["measure"] == change) & (own["native_type"] == TOTAL) & (own["absence"] == "break")
        return _("the total breaks between the two years") if broken.any() else _("it gives no total of the year before")
    if present.loc[changes & is_type, "native_type"].nunique() < 2:
        return _("it gives no types of the year before")
    return ""


def notes(made: Sequence[Figure]) -> tuple[str, ...]:
    """How contributions are made, and how much of the change no type has."""
    rests = [(measure, remainder(made, name)) for measure, (__, name) in OF_MEASURES.items()]
    if all(rest is None for __, rest in rests):
        return ()
    meaning = _(
        "Contribution: the change of the type on the year, as a share of the total of the year before, in percentage points."
    )
    left = [
        _("{points} of the change of {measure}", points=number_text(rest, POINTS), measure=measure_title(measure)[0].lower())
        for measure, rest in rests
        if rest and abs(rest) >= _SHOWN
    ]
    if not left:
        return (meaning,)
    stated = _(
        "In none of these types: {figures}. They have no figure, or none above zero, in one of the two periods.",
        figures=listed(left),
    )
    return (listed([meaning, stated], " "),)
