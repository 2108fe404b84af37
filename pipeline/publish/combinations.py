"""What may be added to what: the only sums of series that we allow.

In: figures, and the families that are declared disjoint. Out: `CombinedSum`s, each with its parts and with what is printed
for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import TOTAL
from pipeline.publish.families import Families
from pipeline.publish.figures import HISTORY_MEASURES, Figure
from pipeline.publish.words import _


@dataclasses.dataclass(frozen=True)
class Combination:
    """Families that may be added: they share no case, and their losses mean the same thing, in the years stated."""

    id: str
    title: str
    title_ja: str
    families: tuple[str, ...]
    before_year: int
    reason: str
    printed_family: str  # where a publisher prints the sum itself


COMBINATIONS: tuple[Combination, ...] = (
    Combination(
        id="special_and_sns",
        title=_("Special fraud and SNS fraud together"),
        title_ja="特殊詐欺とSNS型投資・ロマンス詐欺の合計",
        families=("special_fraud", "sns_fraud"),
        before_year=2026,
        reason=_(
            "The two may be added for the years before 2026 only: until then no case was counted in both, and both count the "
            "loss in the same way. From 2026 SNS fraud is a part of special fraud."
        ),
        printed_family="special_and_sns",
    ),
)


@dataclasses.dataclass(frozen=True)
class CombinedSum:
    """A sum across families, with its parts in the order of the combination."""

    combination: Combination
    period: str
    measure: str
    unit: str
    value: Decimal
    precision: Decimal | None
    parts: tuple[Any, ...]
    printed: tuple[Any, ...] = ()

    @property
    def is_provisional(self) -> bool:
        return any(part.edition == "provisional" or part.obs_status == "P" for part in self.parts)


def combined(combination: Combination, all_figures: Iterable[Figure], families: Families) -> list[CombinedSum]:
    """The sums that `combination` allows, year by year: only where one source has a value for every part, in one unit.

    Overlays, breakdowns and figures of another loss concept never enter, and no total under a classification that counts
    the types of another part among its own.
    """
    known = list(all_figures)
    overlapping = _overlapping_classifications(combination, known)
    totals: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    printed: dict[tuple[str, str, str], list[Any]] = {}
    for figure in known:
        row = figure.row
        if not _is_summand(figure):
            continue
        if figure.family == combination.printed_family and row.derivation == "":
            printed.setdefault((row.period, row.measure, row.unit), []).append(row)
        allowed = int(row.period) < combination.before_year and (figure.family, row.classification) not in overlapping
        if figure.family in combination.families and allowed:
            totals.setdefault((row.period, row.measure, row.unit, row.source), {})[figure.family] = row
    sums: dict[tuple[str, str, str], CombinedSum] = {}
    for (period, measure, unit, __), parts in sorted(totals.items(), key=lambda item: families.precedence(item[0][3])):
        if set(parts) == set(combination.families):
            rows = tuple(parts[family] for family in combination.families)
            beside = tuple(printed.get((period, measure, unit), []))
            sums.setdefault((period, measure, unit), _sum_of(combination, rows, beside))
    return [sums[key] for key in sorted(sums)]


def _is_summand(figure: Figure) -> bool:
    row = figure.row
    whole = figure.is_plain and figure.is_total and not row.overlay
    return whole and row.frequency == "annual" and row.value is not None and row.measure in HISTORY_MEASURES


def _overlapping_classifications(combination: Combination, known: Sequence[Figure]) -> set[tuple[str, str]]:
    """(family, classification) whose types include a type of another family of the combination: their totals overlap."""
    types: dict[tuple[str, str], set[str]] = {}
    for figure in known:
        if figure.family in combination.families and figure.row.native_type != TOTAL:
            types.setdefault((figure.family, figure.row.classification), set()).add(figure.row.native_type)
    dates = {key: re.search(r"(19|20)\d\d", key[1]) for key in _classifications(combination, known)}
    late = {key for key, year in dates.items() if year and int(year[0]) >= combination.before_year}
    return late | {
        key
        for key, own in types.items()
        if any(own & other for (family, _), other in types.items() if family != key[0]) and key[0] == combination.families[0]
    }


def _classifications(combination: Combination, known: Sequence[Figure]) -> set[tuple[str, str]]:
    return {(figure.family, figure.row.classification) for figure in known if figure.family in combination.families}


def _sum_of(combination: Combination, rows: tuple[Any, ...], printed: tuple[Any, ...]) -> CombinedSum:
    precisions = [row.precision for row in rows if row.precision is not None]
    first = rows[0]
    return CombinedSum(
        combination,
        first.period,
        first.measure,
        first.unit,
        sum((row.value for row in rows), Decimal(0)),
        sum(precisions, Decimal(0)) if precisions else None,
        rows,
        printed,
    )
