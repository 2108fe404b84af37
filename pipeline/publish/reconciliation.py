"""What publishers print elsewhere beside what we have: how much of it agrees, and every figure with its verdict.

In: the rows of `pipeline.aggregate.reconcile` for one release, as dictionaries. Out: two `Table`s, a count of the verdicts by
source and one line a published figure, the differences first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipeline.publish.families import Families
from pipeline.publish.measures import counting, measure_and_unit
from pipeline.publish.number_texts import number_text, short_money
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import source_anchor_of, source_title
from pipeline.publish.tables import Cell, Column, Table, figure_cell, text_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, Words, _, both, day, declared, listed

VERDICTS: tuple[tuple[str, str], ...] = (
    ("exact", _("exact")),
    ("within_precision", _("within precision")),
    ("different", _("different, reason known")),
    ("unexplained", _("different, reason unknown")),
    ("not_comparable", _("not comparable")),
)
_ORDER = ("unexplained", "different", "within_precision", "exact", "not_comparable")
_WORDS = dict(VERDICTS)
NOTES = (
    _("Published figures are kept beside ours and never overwrite them."),
    _(
        "Within precision: the rounding of the two figures alone explains the difference. Not comparable: we hold no figure of "
        "that scope, and the reason says why."
    ),
)
# Every published figure with where it is printed, and the observation of ours that it is compared with.
FILE = "reconciliation.csv"
_AGREE = ("exact", "within_precision")
_SAME_FILE_NOTE = _(
    "Where a figure is printed in the file that ours is read from, that they agree says that it was read rightly, and no more: "
    "no other publication confirms it."
)


def verdict(row: Mapping[str, Any]) -> str:
    """A key of VERDICTS: the status, with a difference that nobody can explain told apart."""
    unexplained = row["status"] == "different" and row["explanation"] == "unknown"
    return "unexplained" if unexplained else str(row["status"])


def reconciliation_tables(rows: Sequence[Mapping[str, Any]], families: Families) -> list[Table]:
    """The count of verdicts by source, and every published figure; nothing where there is none."""
    if not rows:
        return []
    return [_summary(rows, families), _figures(rows, families)]


def _summary(rows: Sequence[Mapping[str, Any]], families: Families) -> Table:
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(str(row["source"]), Counter())[verdict(row)] += 1
    lines = tuple(
        (
            text_cell(_title(source, families), header=True, href=source_anchor_of(source)),
            *(_count(found[name]) for name, __ in VERDICTS),
            _count(found.total()),
        )
        for source, found in sorted(counts.items(), key=lambda item: (families.precedence(item[0]), item[0]))
    )
    columns = (
        Column(_("Source")),
        *(Column(words.capitalize(), _("figures"), numeric=True) for __, words in VERDICTS),
        Column(_("All"), _("figures"), numeric=True),
    )
    notes = (*NOTES, *([_SAME_FILE_NOTE] if any(verdict(row) in _AGREE and row["explanation"] for row in rows) else []))
    return Table(
        "reconciliation_summary", _("How many published totals agree with ours"), columns, lines, notes=notes, kind="list"
    )


def _count(number: int) -> Cell:
    return Cell(str(number), value=Decimal(number), href=FILE, is_figure=True)


def _title(source_id: str, families: Families) -> str:
    source = families.sources.get(source_id)
    return source_title(source) if source else Own(source_id)


def _figures(rows: Sequence[Mapping[str, Any]], families: Families) -> Table:
    ordered = sorted(
        enumerate(rows), key=lambda item: (_ORDER.index(verdict(item[1])), families.precedence(item[1]["source"]), item[0])
    )
    with_period = len({str(row["period"]) for row in rows}) > 1
    columns = (
        Column(_("Published as")),
        Column(_("Measure, unit")),
        Column(_("Published"), numeric=True),
        Column(_("Ours"), numeric=True),
        Column(_("Difference"), numeric=True, note=_("ours less the published figure")),
        Column(_("Difference"), "%", numeric=True, note=_("of the published figure")),
        Column(_("Verdict, reason")),
        Column(_("Source")),
        *([Column(_("Period"))] if with_period else []),
        Column(_("Published in")),
    )
    lines = tuple(_line(row, families, with_period=with_period) for __, row in ordered)
    return Table("reconciliation", _("Published totals against ours, figure by figure"), columns, lines, notes=NOTES, kind="list")


def _line(row: Mapping[str, Any], families: Families, *, with_period: bool) -> tuple[Cell, ...]:
    unit = str(row["unit"])
    share = Decimal(row["difference"]) * 100 / row["theirs"] if _present(row["difference"]) and row["theirs"] else None
    traced = str(row["observation_id"])
    with counting(families.counts_of_source(str(row["source"]))):
        measure = measure_and_unit(str(row["measure"]), unit)
    return (
        text_cell(published_as(str(row["breakdown"])), header=True),
        text_cell(measure),
        _number(row["theirs"], unit, href=_printed_at(row)),
        _number(row["ours"], unit, title=declared(str(row["ours_source"])), traced=traced),
        _number(row["difference"], unit, "change", title=_tolerance(row, unit), traced=traced),
        _share(share, traced),
        text_cell(_verdict_text(row)),
        text_cell(row["source"], href=source_anchor_of(str(row["source"]))),
        *([text_cell(period_label(str(row["period"])))] if with_period else []),
        text_cell(Own(clean(row["theirs_source"]))),
    )


# What the lists of published totals call what a figure is broken down by.
_BROKEN_DOWN_BY = {
    "age": _("age"),
    "amount lost": _("amount lost"),
    "category": _("category"),
    "category_level_3": _("category"),
    "contact method": _("contact method"),
    "gender": _("sex"),
    "payment method": _("payment method"),
    "province": _("province"),
    "state": _("state"),
    "type": _("type of report"),
    "vintage": _("file of"),
}


def published_as(breakdown: str) -> Words:
    """What the publication broke its figure down by, as people say it: `fraud; state=Ohio` is `fraud; state: Ohio`."""
    return listed([_published_part(part) for part in re.split("; ?", breakdown)], "; ")


def _published_part(part: str) -> Words:
    name, sign, value = part.partition("=")
    if not sign or name not in _BROKEN_DOWN_BY:
        return declared(clean(part))
    words = day(value.removesuffix(" file")) if name == "vintage" else declared(clean(value))
    return _("{dimension}: {value}", dimension=_BROKEN_DOWN_BY[name], value=words)


def _verdict_text(row: Mapping[str, Any]) -> str:
    found = verdict(row)
    reason = "" if found == "unexplained" else row["explanation"]
    words = _("different") if found == "different" else _WORDS[found]
    return _("{verdict}: {reason}", verdict=words, reason=declared(str(reason))) if reason else words


def _printed_at(row: Mapping[str, Any]) -> str:
    """The address of the page that prints the figure; where that is no page of the web, the file that says where it is."""
    address = re.match(r"https?://[^\s;]+", str(row["theirs_source"]))
    return clean(address[0]) if address else FILE


def _share(share: Decimal | None, traced: str) -> Cell:
    if share is None:
        return _number(None, "percent")
    rounded = share.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    text = f"{rounded:+,.2f}".replace("-", "−") if rounded else "0"
    return Cell(both(f"{text} %", f"{text}%"), value=rounded, id=traced, href=FILE, is_figure=True)


def _present(value: Any) -> bool:
    return isinstance(value, Decimal) and value.is_finite()


def _tolerance(row: Mapping[str, Any], unit: str) -> str:
    if not _present(row["tolerance"]):
        return ""
    return _("rounding explains up to {tolerance}", tolerance=number_text(row["tolerance"], unit))


def _number(value: Any, unit: str, measure: str = "", *, title: str = "", traced: str = "", href: str = FILE) -> Cell:
    if not _present(value):
        return figure_cell(None)
    return Cell(
        number_text(value, unit, measure),
        value=value,
        small=short_money(value, unit) if not measure else "",
        title=title,
        href=href,
        id=traced,
        is_figure=True,
    )
