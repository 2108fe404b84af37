"""Which series comes first, and which of several totals speaks for a period.

In: figures, and the order and precedence that their sources declare. Out: ranks of series, and one total a period: the period's
own before a cumulative one, the source that speaks first before the others, what is printed before what is derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.roles import parsed
from pipeline.publish.series_titles import FAMILY_ORDER

EVENT_MEASURES = ("persons_arrested", "persons_detained", "bases_raided")


def family_rank(name: str, families: Families) -> tuple[Any, ...]:
    """Where a series stands among others: those of FAMILY_ORDER, then Japan's, then by precedence and country."""
    known = FAMILY_ORDER
    holders = [s for s in families.sources.values() if any(t.family == name for t in s.tables.values())]
    precedence = min((s.precedence for s in holders), default=99)
    country = families.country(name)
    place = known.index(name) if name in known else 0
    return (name not in known, place, country != "JP", precedence, country, families.order(name), name)


def is_event_family(figures: Sequence[Figure]) -> bool:
    """Whether a family holds arrests and raids by place or police force, and nothing else."""
    return all(f.row.measure in EVENT_MEASURES for f in figures) and any(f.breakdown for f in figures)


def lead_totals(figures: Iterable[Figure], families: Families) -> list[tuple[str, str, list[Figure]]]:
    """(role, classification, totals) with cases or a loss, the one that leads first: the period's own before cumulative."""
    groups: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        if figure.role in ("period", "cumulative") and figure.is_total and figure.is_plain and not figure.row.overlay:
            groups.setdefault((figure.role, figure.row.period, figure.row.classification), []).append(figure)

    def rank(item: tuple[tuple[str, str, str], list[Figure]]) -> tuple[Any, ...]:
        (role, code, classification), members = item
        precedence = min(families.precedence(f.row.source) for f in members)
        return (role != "period", precedence, parsed(code).frequency != "year_to_date", classification, code)

    kept = [
        item for item in groups.items() if any(f.row.value is not None and f.row.measure in ("cases", "loss") for f in item[1])
    ]
    return [(role, classification, members) for (role, _, classification), members in sorted(kept, key=rank)]


def period_totals(figures: Iterable[Figure], measure: str, unit: str, families: Families, frequency: str = "annual") -> list[Any]:
    """One total a period: of several classifications, the one of the source that speaks first."""
    chosen: dict[str, Any] = {}
    for figure in figures:
        row = figure.row
        if not (
            figure.is_total and figure.is_plain and row.frequency == frequency and (row.measure, row.unit) == (measure, unit)
        ):
            continue
        if row.overlay or row.value is None or figure.role not in ("period", "history"):
            continue
        rival = chosen.get(row.period)
        if rival is None or _total_rank(row, families) < _total_rank(rival, families):
            chosen[row.period] = row
    return [chosen[code] for code in sorted(chosen)]


def _total_rank(row: Any, families: Families) -> tuple[Any, ...]:
    return (families.precedence(row.source), row.derivation != "", row.classification, row.id)


def leading_lines(figures: Sequence[Figure], families: Families) -> set[tuple[str, str]]:
    """(period, classification) of the line that leads each period: the source that speaks first, then what is printed.

    Of a period that has no value at all, the line that says why.
    """
    chosen: dict[str, Any] = {}

    def rank(row: Any) -> tuple[Any, ...]:
        return (row.value is None, *_total_rank(row, families))

    for figure in figures:
        row = figure.row
        if figure.is_total and figure.is_plain and not row.overlay:
            rival = chosen.get(row.period)
            if rival is None or rank(row) < rank(rival):
                chosen[row.period] = row
    return {(row.period, row.classification) for row in chosen.values()}
