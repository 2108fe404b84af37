"""Tables that hold published figures against each other and against what is computed here.

In: comparisons of publications, and findings of the reconciliation. Out: a `Table` each, with the difference and a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import TOTAL
from pipeline.publish.families import Families
from pipeline.publish.figure_lists import list_rank
from pipeline.publish.figures import Comparison
from pipeline.publish.labels import LABELS, breakdown_text
from pipeline.publish.measures import counting, measure_and_unit, measure_title, unit_short
from pipeline.publish.number_texts import number_text
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import family_title, source_anchor
from pipeline.publish.tables import Cell, Column, Table, figure_cell, text_cell, type_cell
from pipeline.publish.words import _, both, declared, listed, only_english


def comparison_table(items: Sequence[Comparison], families: Families) -> Table | None:
    """The same figure as other publications print it, with the difference and whether rounding explains it."""
    if not items:
        return None
    rows = []
    for item in sorted(items, key=lambda c: (c.figure.family, list_rank(c.figure), c.other.source, c.other.id)):
        row = item.figure.row
        tolerance = number_text(item.tolerance, row.unit) if item.tolerance else _("exact")
        with counting(families.counts_of_source(row.source)):
            measure = measure_and_unit(row.measure, row.unit)
        rows.append(
            (
                text_cell(family_title(item.figure.family, families)[0], header=True),
                text_cell(period_label(row.period)),
                type_cell(row),
                text_cell(listed(part for part in (measure, breakdown_text(item.figure)) if part != "–")),
                text_cell(row.source, href=source_anchor(row)),
                figure_cell(row, short=False),
                text_cell(item.other.source, href=source_anchor(item.other)),
                figure_cell(item.other, short=False),
                Cell(
                    number_text(item.difference, row.unit, "change"),
                    value=item.difference,
                    title=_("tolerance {tolerance}", tolerance=tolerance),
                    id=item.other.id,  # the leading one stands beside it, with a link of its own
                    is_figure=True,
                ),
                text_cell(_verdict(item)),
            )
        )
    columns = (
        Column(_("Series")),
        Column(_("Period"), native="期間"),
        Column(_("Type"), native="手口"),
        Column(_("Measure")),
        Column(_("Leading source")),
        Column(_("Leading figure"), numeric=True),
        Column(_("Other source")),
        Column(_("Other figure"), numeric=True),
        Column(_("Difference"), numeric=True),
        Column(_("Verdict")),
    )
    note = _("Where several publications print one figure, all are kept; the declared order of the sources decides which leads.")
    return Table("comparison", _("The same figures in other publications"), columns, tuple(rows), notes=(note,), kind="list")


def _verdict(item: Comparison) -> str:
    return _("exact") if item.difference == 0 else _("within precision") if item.agrees else _("different")


FINDING_COLUMNS: tuple[tuple[str, str], ...] = (
    ("check", _("Check")),
    ("family", _("Series")),
    ("table", _("Table")),
    ("period", _("Period")),
    ("native_type", _("Type")),
    ("measure", _("Measure")),
    ("unit", _("Unit")),
    ("ours", _("Leading figure")),
    ("theirs", _("Other figure")),
    ("difference", _("Difference")),
    ("tolerance", _("Tolerance")),
    ("status", _("Verdict")),
    ("ours_source", _("Leading figure from")),
    ("theirs_source", _("Other figure from")),
    ("explanation", _("Explanation")),
)
_FINDING_NUMBERS = ("ours", "theirs", "difference", "tolerance")
_STATUS_WORDS = {"exact": _("exact"), "within_precision": _("within precision"), "different": _("different")}


def findings_table(findings: Sequence[dict[str, Any]], families: Families) -> Table | None:
    """Reconciliation: what we compute beside what is published; differences first."""
    if not findings:
        return None
    names = [(name, title) for name, title in FINDING_COLUMNS if any(name in finding for finding in findings)]
    if len({str(finding.get("check")) for finding in findings}) == 1:
        names = [(name, title) for name, title in names if name != "check"]
    order = {"different": 0, "within_precision": 1, "exact": 2}
    ordered = sorted(findings, key=lambda f: (order.get(str(f.get("status")), 3), *(str(f.get(name, "")) for name, _ in names)))
    rows = tuple(tuple(_finding_cell(finding, name, families) for name, _ in names) for finding in ordered)
    columns = tuple(Column(title, numeric=name in _FINDING_NUMBERS) for name, title in names)
    notes = (
        _("Published figures are kept beside each other and are never overwritten."),
        _("Within precision: the rounding of the two figures alone explains the difference."),
    )
    return Table("findings", _("Reconciliation of published figures"), columns, rows, notes=notes, kind="list")


def _finding_cell(finding: dict[str, Any], name: str, families: Families) -> Cell:
    value = finding.get(name)
    if name in _FINDING_NUMBERS:
        return _finding_number(finding, name)
    if name == "status":
        return text_cell(_STATUS_WORDS.get(str(value), str(value)))
    if name in ("measure", "unit"):
        with counting(families.counts(str(finding.get("family", "")))):
            return text_cell(measure_title(str(value))[0] if name == "measure" else unit_short(str(value)))
    if name == "family":
        return text_cell(family_title(str(value), families)[0], header=True)
    if name == "native_type":
        return _finding_type(str(value))
    if name == "check":
        return text_cell(declared(str(value).replace("_", " ")))
    if name in ("explanation", "ours_source", "theirs_source"):
        return text_cell(declared(str(value)) if value else "")
    if name == "period":
        return text_cell(_period_or_text(str(value)), header=True)
    return text_cell("" if value is None or value != value else value)


def _finding_number(finding: dict[str, Any], name: str) -> Cell:
    value = finding.get(name)
    if not (isinstance(value, Decimal) and value.is_finite()):
        return figure_cell(None)
    traced = str(finding.get("ours_id" if name == "ours" else "theirs_id", ""))
    text = number_text(value, str(finding.get("unit", "")))
    return Cell(text, value=value, id=traced, href="findings.csv", is_figure=True)


def _finding_type(label: str) -> Cell:
    if label == TOTAL:
        return text_cell(LABELS[TOTAL])
    if label in LABELS:
        return text_cell(both(LABELS[label], label), native=only_english(label))
    return text_cell(declared(label))


def _period_or_text(text: str) -> str:
    try:
        return period_label(text)
    except Exception:  # a finding may speak of all periods in words
        return declared(text)
