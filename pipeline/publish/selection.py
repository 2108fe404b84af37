"""Which observations a release shows, which of several printed figures leads, and what may be added to what.

In: the derived view, a frame of OBSERVATION_COLUMNS. Out: the rows that a release depends on, each with the role it plays for
the period; figures, that is the chosen row of every printed figure with the others beside it; the only sums that we allow.

A role is decided by a row's own frequency and period, never by its neighbours, so that a release built from the selected rows
is the release built from the whole view. All releases of one view are selected from one index of it, made once.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import functools
import itertools
import operator
import re
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS, FILE_ENDS, TOTAL, Period
from pipeline.publish.words import Own, Words, _, both, declared
from pipeline.sources.catalogue import Source

# One observation as a tuple with the column names of OBSERVATION_SCHEMA: a page walks thousands of them, a frame is slow at that.
_Row = collections.namedtuple("_Row", OBSERVATION_COLUMNS)  # type: ignore[misc]
Row: Any = _Row

# `_Z` is a category as any other: what has no age is an organisation, not everybody.
NO_BREAKDOWN = (TOTAL,)
HISTORY_FROM_YEAR = 2016
HISTORY_MEASURES = ("cases", "loss")
QUARTERS_OF_HISTORY = 12
# As many as an adjustment for the season wants (pipeline.publish.seasonal).
MONTHS_OF_HISTORY = 60
LAST_PRECEDENCE = 99
CURRENCIES = ("JPY", "USD", "CAD", "AUD")
# Where a figure's origin names rows of a file, it was computed from record-level reports (pipeline.aggregate.cubes).
FROM_RECORDS = "!rows["
MONTHS_OF_A_YEAR_MEASURES = ("cases", "cases_with_loss", "loss", "median_loss")

ROLES: dict[str, str] = {
    "period": _("the period of the release"),
    "cumulative": _("cumulative figure that ends with the period: not a figure of the period alone"),
    "part": _("part of the period"),
    "fiscal": _("fiscal year, April to March: not a calendar year"),
    "longer": _("stretch that is longer than the period and ends in it"),
    "event": _("what is known of offenders' bases abroad up to the end of the period"),
    "history": _("earlier period, for comparison"),
}


_WORST_EDITION = ("provisional", "unknown", "restated", "corrected", "final")


def worst_edition(editions: Iterable[str]) -> str:
    """Of several editions the one that promises least; `unknown` where there is none."""
    found = set(editions)
    return next((name for name in _WORST_EDITION if name in found), "unknown")


def publisher(source: Source) -> Words:
    """Who publishes a source."""
    japanese = str(source.meta.get("publisher_ja", ""))
    return both(source.publisher, japanese) if japanese else declared(source.publisher)


# ------------------------------------------------------------------------------------------------------------------ roles


@functools.lru_cache(maxsize=8192)
def parsed(code: str) -> Period:
    """`Period.parse`, remembered: the same few hundred codes are asked for again with every release."""
    return Period.parse(code)


def role(code: str, release: Period) -> str:
    """The part that a figure of the period `code` plays in the release of `release`: a key of ROLES, or empty for none."""
    period = parsed(code)
    return {"annual": _annual_role, "quarterly": _quarterly_role, "monthly": _monthly_role}[release.frequency](period, release)


def _annual_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency == "fiscal_year" and period.start.year == release.start.year:
        return "fiscal"
    if period.frequency in ("half_yearly", "year_to_date", "monthly", "day", "span") and release.holds(period):
        return "part"
    if period.frequency == "span" and release.start <= period.end <= release.end:
        return "longer"
    first = min(HISTORY_FROM_YEAR, release.start.year - 9)
    yearly = period.frequency in ("annual", "fiscal_year")
    return "history" if yearly and first <= period.start.year < release.start.year else ""


def _quarterly_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency in ("half_yearly", "year_to_date"):
        return _cumulative_role(period, release)
    months = _months_apart(period, release)
    return "history" if period.frequency == "quarterly" and 0 < months < 3 * QUARTERS_OF_HISTORY else ""


def _monthly_role(period: Period, release: Period) -> str:
    if period.code == release.code:
        return "period"
    if period.frequency == "year_to_date" or (period.frequency == "half_yearly" and period.start.month == 1):
        return _cumulative_role(period, release)
    if period.frequency in ("day", "span") and release.holds(period):
        return "part"
    months = _months_apart(period, release)
    return "history" if period.frequency == "monthly" and 0 < months < MONTHS_OF_HISTORY else ""


def _cumulative_role(period: Period, release: Period) -> str:
    if period.end == release.end:
        return "cumulative"
    years = release.end.year - period.end.year
    return "history" if years in (0, 1) and period.end.month <= release.end.month and period.end < release.end else ""


def _months_apart(period: Period, release: Period) -> int:
    return (release.end.year - period.end.year) * 12 + release.end.month - period.end.month


# Kinds of periods by whose figures a release lives.
_OWN_KINDS: dict[str, frozenset[str]] = {
    "annual": frozenset({"annual"}),
    "quarterly": frozenset({"quarterly", "half_yearly", "year_to_date"}),
    "monthly": frozenset({"monthly", "year_to_date"}),
}


def periods_with_figures(view: pd.DataFrame, frequency: str) -> list[Period]:
    """Every period of `frequency` for which `view` (OBSERVATION_COLUMNS) has a value, in order of time.

    A year needs figures of that year. A quarter or a month may live by cumulative figures that end with it alone.
    """
    return releases_of(view.loc[view["absence"] == "", "period"].unique(), frequency)


def releases_of(codes: Iterable[str], frequency: str) -> list[Period]:
    """The releases of `frequency` that live by figures of these periods, in order of time."""
    ends = {period.end for period in map(parsed, codes) if period.frequency in _OWN_KINDS[frequency]}
    candidates = {Period.of(frequency, end) for end in ends}
    # January to February ends with no quarter.
    return sorted(period for period in candidates if period.end in ends)


# -------------------------------------------------------------------------------------------------------------- selection


def select_rows(view: pd.DataFrame, period: Period) -> pd.DataFrame:
    """The rows of `view` that the release of `period` depends on, sorted by key; columns OBSERVATION_COLUMNS.

    Sufficient and idempotent: selecting from the selection gives the selection. Left out are sums of published halves and
    cumulative sums where the period itself is computed from records, months of a year but for the totals of records, and in
    quarters and months the history of anything but totals: `fraudloss query` has them.
    """
    known = _selections.get(id(view))
    if known is not None and known[0]() is view and known[1] == period.code:
        return view
    chosen = _index_of(view).select(period)
    key = id(chosen)
    _selections[key] = (weakref.ref(chosen, lambda _: _selections.pop(key, None)), period.code)
    return chosen


def selector(view: pd.DataFrame) -> Callable[[Period], Any]:
    """Selects from `view` (OBSERVATION_COLUMNS) as `select_rows` does, but gives the positions of the rows, sorted by key."""
    return _Index(view).places


# What was selected for which period, and the index of the view that was selected from last. A view is not changed in place.
_selections: dict[int, tuple[weakref.ref[pd.DataFrame], str]] = {}
_last_index: list[tuple[weakref.ref[pd.DataFrame], _Index]] = []


class _Index:
    """A view made ready for many selections: rows by period in the order of their key, and what decides about each row."""

    def __init__(self, view: pd.DataFrame) -> None:
        self.frame = view if list(view.columns) == OBSERVATION_COLUMNS else view[OBSERVATION_COLUMNS]
        ordered = [*KEY_COLUMNS, "snapshot", "derivation", "id"]
        codes = [pd.factorize(self.frame[name].to_numpy(object), sort=True)[0] for name in ordered]
        order = np.lexsort(codes[::-1]) if len(self.frame) else np.zeros(0, dtype=np.int64)
        self.place = np.empty(len(order), dtype=np.int64)
        self.place[order] = np.arange(len(order))
        periods, self.codes = pd.factorize(self.frame["period"].to_numpy(object))
        ends = np.bincount(periods, minlength=len(self.codes)).cumsum()
        self.rows = np.split(np.argsort(periods, kind="stable"), ends[:-1]) if len(self.codes) else []
        frequency = self.frame["frequency"]
        records = self.frame["origin"].str.contains(FROM_RECORDS, regex=False).astype(bool)
        plain = self.frame["area"].isin(_national(self.frame["area"])) & ~_has_breakdown(self.frame)
        total = (self.frame["native_type"] == TOTAL) & (self.frame["fraud_type"] == TOTAL)
        abroad = ~self.frame["offender_location"].isin(NO_BREAKDOWN)
        history = plain & self.frame["measure"].isin(HISTORY_MEASURES)
        months = plain & total & records & self.frame["measure"].isin(MONTHS_OF_A_YEAR_MEASURES)
        own = ~(records & (frequency == "half_yearly"))
        self.masks: dict[tuple[str, str], Any] = {
            ("annual", "own"): own & ((frequency != "monthly") | months),
            ("annual", "history"): history,
            ("annual", "event"): abroad & (frequency != "fiscal_year"),
        }
        # Where a quarter or a month is computed from records, nobody needs what is cumulative.
        own &= ~(records & (frequency == "year_to_date"))
        for kind in ("quarterly", "monthly"):
            self.masks[(kind, "own")] = own
            self.masks[(kind, "history")] = history & own & (total | ~frequency.isin(["quarterly", "monthly"]))
        self.masks = {key: mask.to_numpy(bool) for key, mask in self.masks.items()}

    def select(self, period: Period) -> pd.DataFrame:
        return self.frame.iloc[self.places(period)].reset_index(drop=True)

    def places(self, period: Period) -> Any:
        """Where the selected rows stand in the view, in the order of their key."""
        parts = [self._of_period(str(code), rows, period) for code, rows in zip(self.codes, self.rows, strict=True)]
        chosen = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
        return chosen[np.argsort(self.place[chosen], kind="stable")]

    def _of_period(self, code: str, rows: Any, release: Period) -> Any:
        kind, played = release.frequency, role(code, release)
        if played and played != "history":
            return rows[self.masks[(kind, "own")][rows]]
        kept = self.masks[(kind, "history")][rows] if played else np.zeros(len(rows), dtype=bool)
        if kind == "annual" and _is_event_time(code, release):
            kept = kept | self.masks[("annual", "event")][rows]
        return rows[kept]


def _index_of(view: pd.DataFrame) -> _Index:
    if not _last_index or _last_index[0][0]() is not view:
        _last_index[:] = [(weakref.ref(view), _Index(view))]
    return _last_index[0][1]


def _national(areas: pd.Series) -> list[str]:
    return [area for area in areas.unique() if is_country(str(area))]


def is_country(area: str) -> bool:
    """Whether the area is a whole country (ISO 3166-1): not a part of one (`JP-13`), not `_U` or `_X_AU`."""
    return len(area) == 2 and area.isalpha()


def _has_breakdown(view: pd.DataFrame) -> pd.Series:
    broken_down = pd.Series(False, index=view.index)
    for name in DIMENSIONS:
        broken_down |= ~view[name].isin(NO_BREAKDOWN)
    return broken_down


def _is_event_time(code: str, release: Period) -> bool:
    """Arrests and raids abroad are few and scattered over odd periods, so a year's page shows all that was known by its end."""
    end = parsed(code).end
    return end <= release.end and end.year >= min(HISTORY_FROM_YEAR, release.start.year - 9)


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """The frame's rows as `Row`, absent values and precisions as None whatever pandas made of them."""
    columns = {name: frame[name].to_numpy(object).tolist() for name in OBSERVATION_COLUMNS}
    for name in ("value", "precision"):
        columns[name] = [_decimal(value) for value in columns[name]]
    return [Row._make(values) for values in zip(*columns.values(), strict=True)]


def _decimal(value: Any) -> Decimal | None:
    if value is None or (not isinstance(value, Decimal) and pd.isna(value)):
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return number if number.is_finite() else None


# ----------------------------------------------------------------------------------------------------------------- figures


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of the world: the row that leads, and what other publications print for it."""

    family: str
    role: str
    row: Any
    others: tuple[Any, ...] = ()
    compared: tuple[Figure, Figure] | None = None  # of a change on a year before that was restated since: what it compares

    @functools.cached_property
    def is_total(self) -> bool:
        return self.row.native_type == TOTAL and self.row.fraud_type == TOTAL

    @functools.cached_property
    def breakdown(self) -> tuple[tuple[str, str], ...]:
        """The dimensions that the figure is broken down by, with their values."""
        return tuple(pair for pair in zip(DIMENSIONS, _dimensions(self.row), strict=True) if pair[1] not in NO_BREAKDOWN)

    @functools.cached_property
    def is_plain(self) -> bool:
        return not self.breakdown and is_country(self.row.area)

    @functools.cached_property
    def restated(self) -> Any:
        """The row of another source that restates what the leading one printed as provisional before it; None where none does.

        The leading row stays: its source's further figures, and the change on the year that it was compared in, go with it.
        """
        own = self.row
        if own.edition != "provisional" or own.value is None:
            return None
        later = [
            row
            for row in self.others
            if row.source != own.source
            and row.edition in _SETTLED
            and row.known_at > own.known_at
            and row.value is not None
            and row.derivation == ""
            and abs(row.value - own.value) > (own.precision or Decimal(0)) + (row.precision or Decimal(0))
        ]
        return max(later, key=operator.attrgetter("known_at", "id"), default=None)

    @functools.cached_property
    def rebased(self) -> Decimal | None:
        """Of a change on the year: the same change, in per cent, on the figure of the year before as it was restated since."""
        if self.compared is None:
            return None
        now, before = self.compared
        return Decimal(100 * now.row.value / before.restated.value - 100)


_SETTLED = ("restated", "corrected", "final")
# Measure of a change on the year -> what changed.
CHANGES_ON_YEAR = {
    "change_on_year": "loss",
    "change_on_year_without_large": "loss_without_large",
    "change_on_year_cases": "cases",
}
_dimensions = operator.itemgetter(*(OBSERVATION_COLUMNS.index(name) for name in DIMENSIONS))


class Families:
    """Family and precedence of every table, from the declared sources."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = {source.id: source for source in sources}
        self._attributions: dict[str, str] = {}
        self._subordinate = {
            table.family: source.id
            for source in sources
            if (leading := source.meta.get("headline_tables"))
            for table in source.tables.values()
            if table.id not in leading
        }

    @property
    def are_synthetic(self) -> bool:
        """Whether the figures are of sources that nobody published."""
        return any(source.is_synthetic for source in self.sources.values())

    def is_subordinate(self, family: str) -> bool:
        """Whether the family breaks down the figures of its source's headline tables: it is no series of its own."""
        return family in self._subordinate

    def sectioned(self, family: str) -> Source | None:
        """The source whose tables stand together in one section, where the family is one of them."""
        for source in self.sources.values():
            if source.meta.get("headline_tables") and any(table.family == family for table in source.tables.values()):
                return source
        return None

    def order(self, family: str) -> tuple[int, int]:
        """The place of the family among those of its source: what leads first, then as they are declared."""
        source = self.sectioned(family)
        declared = [table.family for table in source.tables.values()] if source else [family]
        return (self.is_subordinate(family), declared.index(family))

    def currency(self, family: str) -> str:
        """The national currency of the family's figures; yen where no source declares the family."""
        holders = [s for s in self.sources.values() if any(t.family == family for t in s.tables.values())]
        return min(holders, key=lambda s: (s.precedence, s.id)).currency if holders else "JPY"

    def family(self, row: Any) -> str:
        source = self.sources.get(row.source)
        table = source.tables.get(row.table) if source else None
        return table.family if table else row.table

    def precedence(self, source_id: str) -> int:
        source = self.sources.get(source_id)
        return source.precedence if source else LAST_PRECEDENCE

    def attribution(self, source_id: str) -> str:
        """Who gives the source's figures, in words."""
        # A release asks for it with each of its hundreds of points.
        if source_id not in self._attributions:
            source = self.sources.get(source_id)
            words = _("{publisher} ({source})", publisher=publisher(source), source=Own(source.id)) if source else source_id
            self._attributions[source_id] = words
        return self._attributions[source_id]

    def classification(self, code: str) -> str:
        """A classification in the words of the source that declares it."""
        for source in self.sources.values():
            if words := source.meta.get("classifications", {}).get(code):
                return str(words)
        return code

    def late_warning(self, row: Any) -> str:
        """What the row's source says of a period so near to its file that reports of it are still to come; empty of others."""
        source, end, known = self.sources.get(row.source), parsed(row.period).end, row.known_at
        late = source.meta.get("late_reports") if source else None
        months = (known.year - end.year) * 12 + known.month - end.month
        return str(late["warning"]) if late and months < int(late["months"]) else ""

    @staticmethod
    def file_end(rows: Iterable[Any]) -> dt.date | None:
        """The last day of the file that rows of one period were counted from, where it ends before the period does."""
        found = (match for row in rows if row.note and (match := _FILE_ENDS.search(str(row.note))))
        return max((dt.date.fromisoformat(match[1]) for match in found), default=None)

    def country(self, family: str) -> str:
        """The country of the family's leading source; the empty string where no source declares the family."""
        holders = [s for s in self.sources.values() if any(t.family == family for t in s.tables.values())]
        return min(holders, key=lambda s: (s.precedence, s.id)).country if holders else ""


_FILE_ENDS = re.compile(FILE_ENDS.format(day=r"(\d{4}-\d{2}-\d{2})"))
_SAME_FIGURE = (
    "classification",
    "frequency",
    "period",
    "area",
    "fraud_type",
    "native_type",
    *DIMENSIONS,
    "measure",
    "unit",
)
_figure_key = operator.itemgetter(*(OBSERVATION_COLUMNS.index(name) for name in _SAME_FIGURE))


def figures(rows: Iterable[Any], period: Period, families: Families) -> list[Figure]:
    """Every figure once. Among rows for one figure, a value leads an absence, then the source's precedence decides, then
    what is printed leads what we computed."""
    grouped: dict[tuple[str, ...], list[Any]] = {}
    known: dict[tuple[str, str], str] = {}
    for row in rows:
        table = (row.source, row.table)
        if table not in known:
            known[table] = families.family(row)
        grouped.setdefault((known[table], *_figure_key(row)), []).append(row)
    return _with_bases([_figure(key[0], candidates, period, families) for key, candidates in sorted(grouped.items())], families)


def _with_bases(made: list[Figure], families: Families) -> list[Figure]:
    """The figures, changes on the year with what they compare where another source restated the year before."""
    if not any(figure.others and figure.restated for figure in made):
        return made
    known = {(figure.family, *_figure_key(figure.row)): figure for figure in made if figure.row.measure in HISTORY_MEASURES}
    return [_with_base(figure, known, families) for figure in made]


def _with_base(figure: Figure, known: Mapping[tuple[str, ...], Figure], families: Families) -> Figure:
    row, of = figure.row, CHANGES_ON_YEAR.get(figure.row.measure)
    if of is None or row.derivation != "change" or row.value is None:
        return figure
    same = row._replace(measure=of, unit="cases" if of == "cases" else families.currency(figure.family))
    now, before = (
        known.get((figure.family, *_figure_key(same._replace(period=code))))
        for code in (row.period, parsed(row.period).year_before.code)
    )
    if now is None or before is None or before.restated is None or {now.row.source, before.row.source} != {row.source}:
        return figure
    return dataclasses.replace(figure, compared=(now, before))


def _figure(family: str, candidates: list[Any], period: Period, families: Families) -> Figure:
    def rank(row: Any) -> tuple[Any, ...]:
        return (row.absence != "", families.precedence(row.source), row.derivation != "", row.source, row.table, row.id)

    first, *others = candidates if len(candidates) == 1 else sorted(candidates, key=rank)
    played = role(first.period, period)
    is_event = played in ("", "history") and first.offender_location not in NO_BREAKDOWN
    return Figure(family, "event" if is_event else played, first, tuple(others))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The leading figure beside the same figure in another publication."""

    figure: Figure
    other: Any
    difference: Decimal
    tolerance: Decimal

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= self.tolerance


def comparisons(all_figures: Iterable[Figure]) -> list[Comparison]:
    """Every printed figure that another publication prints too, with the difference and what rounding alone may explain."""
    return [
        Comparison(
            figure,
            other,
            other.value - figure.row.value,
            (figure.row.precision or Decimal(0)) + (other.precision or Decimal(0)),
        )
        for figure in all_figures
        if figure.role not in ("history", "event") and figure.row.value is not None
        for other in figure.others
        if other.value is not None and other.derivation == "" and other.source != figure.row.source
    ]


# -------------------------------------------------------------------------------------------------------------------- sums


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


# ------------------------------------------------------------------------------------------------------------------ breaks


def break_years(family: str, totals: Sequence[Any], families: Families) -> dict[str, str]:
    """Years from which a family's annual totals are not comparable with those before -> why.

    From the classification that changes between two shown years, from what the sources declare, and from status B.
    """
    reasons: dict[str, str] = {}
    ordered = sorted(totals, key=lambda row: row.period)
    for before, after in itertools.pairwise(ordered):
        if before.classification != after.classification:
            old, new = (families.classification(row.classification) for row in (before, after))
            reasons[after.period] = _("the classification changes from “{old}” to “{new}”", old=declared(old), new=declared(new))
    shown = {row.period for row in ordered}
    tables = {(row.source, row.table) for row in ordered}
    for source_id, table in sorted(tables):
        for entry in declared_breaks(families, source_id, table):
            year = str(entry.get("from", ""))[:4]
            concerns_total = entry.get("all") or TOTAL in entry.get("native_types", ())
            if concerns_total and year in shown and year != min(shown):
                reasons.setdefault(year, declared(entry.get("reason", _("declared break"))))
    for row in ordered:
        if row.obs_status == "B":
            reasons.setdefault(row.period, declared(row.note) if row.note else _("marked as a break by the figures themselves"))
    return dict(sorted(reasons.items()))


def declared_breaks(families: Families, source_id: str, table: str) -> list[Mapping[str, Any]]:
    """The breaks that the source declares for `table`."""
    source = families.sources.get(source_id)
    return [entry for entry in source.breaks if entry.get("table") in (table, None, "")] if source else []
