"""What a release says, in order, before it is a page or a workbook: cards, sections, tables, charts.

In: the figures of the selected rows, the declared sources, the findings. Out: `Content`, which page and workbook render.
The rules that never bend are kept here: a cumulative figure is never a month's, an overlay never enters a stack or a sum,
calendar and fiscal years never share a table, and only families that are declared disjoint are added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import ABSENCE, TOTAL, Period
from pipeline.publish import charts, contributions, seasonal
from pipeline.publish.breakdown_tables import breakdown_tables
from pipeline.publish.charts import Chart, Point
from pipeline.publish.check_tables import comparison_table, findings_table
from pipeline.publish.countries import CountryComparison, comparison_tables
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.history_tables import adjusted_table, combined_table, history_table
from pipeline.publish.labels import LABELS, code_label, country_name, natural_key, type_label
from pipeline.publish.maps import MAPPED, map_lacking
from pipeline.publish.marks import marks_of
from pipeline.publish.measures import GROUPS, counting, measure_group, measure_rank, measure_title, unit_short
from pipeline.publish.number_texts import hundred_millions, number_text, precision_text, spoken_money
from pipeline.publish.period_labels import period_japanese, period_label
from pipeline.publish.reconciliation import reconciliation_tables
from pipeline.publish.selection import (
    COMBINATIONS,
    CURRENCIES,
    NO_BREAKDOWN,
    CombinedSum,
    Families,
    Figure,
    break_years,
    combined,
    comparisons,
    declared_breaks,
    parsed,
    publisher,
    worst_edition,
)
from pipeline.publish.series_titles import FAMILY_ORDER, family_title, series_title, source_title
from pipeline.publish.tables import Table, figure_cell
from pipeline.publish.texts import clean, declared_text, slug
from pipeline.publish.type_tables import has_intervals, totals_only, type_order, types_by_measures, types_by_periods
from pipeline.publish.words import Own, Words, _, declared, listed, only_english
from pipeline.reference import area_tiles, code_labels

EVENTS_WARNING = _(
    "These are single events and announcements as they became known. They are not complete counts: never add them, "
    "and never read a missing year or country as none."
)
OVERLAY_WARNING = _(
    "Of which, cutting across the types: these cases are already counted in the types above. Never add them to anything."
)
OVERLAY_OF_TOTAL_WARNING = _("Of which: these cases are already counted in the total. Never add them to it or to each other.")
OVERLAPPING_WARNING = _("These overlap: one case can stand in several of them. Never add them to anything.")
CUMULATIVE_WARNING = _("Cumulative since January: not the figure of a single month or quarter, and never to be added to one.")
CLASSIFICATION_WARNING = _(
    "The same period under another classification of types: not comparable with the other tables, and never to be added."
)
FISCAL_WARNING = _("Fiscal years run from April to March. They overlap two calendar years: never mix or add the two.")
PARTS_WARNING = _(
    "Parts of the year, overlapping each other: never add them. Cumulative figures run from January to the month named."
)
_BILLION = Decimal(10) ** 9
_MILLION = Decimal(10) ** 6
_LEDE_CARDS = 3
EVENT_MEASURES = ("persons_arrested", "persons_detained", "bases_raided")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a card: what, the figure in words, a second reading, and its marks."""

    label: str
    text: str
    small: str = ""
    marks: tuple[str, ...] = ()
    href: str = ""
    id: str = ""  # of the observation
    measure: str = ""
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Card:
    title: str
    native: str
    period: str
    edition: str  # a key of model.EDITIONS, or empty where editions do not apply
    lines: tuple[Line, ...]
    note: str = ""
    warning: str = ""
    country: str = ""  # ISO 3166-1, of a card of one series
    is_growing: bool = False  # reports of the period are still to come


@dataclasses.dataclass(frozen=True)
class AdjustedMonths:
    """The months of a series without their season, and the observations that they were made from, month by month."""

    family: str
    rows: tuple[Any, ...]
    found: seasonal.Adjusted


@dataclasses.dataclass(frozen=True)
class Item:
    """A chart, a table, or a chart with its data behind it; collapsed ones open on demand."""

    table: Table | None = None
    chart: Chart | None = None
    collapsed: bool = False
    summary: str = ""
    is_main: bool = True  # it stands on the release's first page; the others stand on a page of their section
    contributions: tuple[Figure, ...] = ()  # of the table
    adjusted: AdjustedMonths | None = None  # of the table


@dataclasses.dataclass(frozen=True)
class Section:
    id: str
    title: str
    native: str
    lead: tuple[str, ...]
    items: tuple[Item, ...]


@dataclasses.dataclass(frozen=True)
class Content:
    """Everything that a release shows."""

    period: Period
    title: str
    native: str
    edition: str
    lede: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]

    @property
    def items(self) -> Iterator[Item]:
        """Every item, in reading order."""
        return (item for section in self.sections for item in section.items)

    @property
    def tables(self) -> list[Table]:
        """Every table once, in reading order."""
        return list({item.table.id: item.table for item in self.items if item.table is not None}.values())


# A table of checks or changes that is longer does not stand on the first page.
MOST_MAIN_ROWS = 12
FREQUENCY_WORDS = {"annual": _("year"), "quarterly": _("quarter"), "monthly": _("month")}
_BY_PERIOD: dict[str, Callable[[str], Words]] = {
    "annual": lambda series: _("{series} by year", series=series),
    "quarterly": lambda series: _("{series} by quarter", series=series),
    "monthly": lambda series: _("{series} by month", series=series),
}


def compose(
    period: Period,
    figures: Sequence[Figure],
    findings: Sequence[Mapping[str, Any]],
    families: Families,
    *,
    reconciliation: Sequence[Mapping[str, Any]] = (),
    compared: CountryComparison | None = None,
) -> Content:
    """The content of the release of `period`: its figures, how sources agree, and what publishers print elsewhere."""
    by_family: dict[str, list[Figure]] = {}
    for figure in figures:
        by_family.setdefault(figure.family, []).append(figure)
    events = [name for name, own in by_family.items() if _is_event_family(own)]
    ordered = sorted((name for name in by_family if name not in events), key=lambda name: _family_rank(name, families))
    sums = [(c, combined(c, figures, families)) for c in COMBINATIONS] if period.frequency == "annual" else []
    cards = _cards(period, ordered, by_family, sums, events, families)
    sections = [
        *_overview(period, by_family, sums, families),
        *_countries_section(compared, families),
        *_series_sections(period, ordered, by_family, families),
        *_event_section(events, by_family, families),
        *_reconciliation_section(reconciliation, families),
        *_check_sections(figures, findings, families),
    ]
    return Content(
        period,
        _title(period, families),
        period_japanese(period.code),
        str(headline(period, figures, families).get("edition", "unknown")),
        _lede(cards),
        tuple(cards),
        tuple(sections),
    )


def _title(period: Period, families: Families) -> Words:
    about = period_label(period.code)
    if families.are_synthetic:
        return _("Synthetic data: Fraud losses, {period}", period=about)
    return _("Fraud losses, {period}", period=about)


@dataclasses.dataclass(frozen=True)
class Overview:
    """The headline series for the index of releases."""

    lede: tuple[str, ...]
    lead: tuple[str, ...]
    items: tuple[Item, ...]


def overview(period: Period, figures: Sequence[Figure], families: Families) -> Overview:
    """The charts and tables of the headline series up to the year `period`."""
    by_family: dict[str, list[Figure]] = {}
    for figure in figures:
        by_family.setdefault(figure.family, []).append(figure)
    leading = [name for name in by_family if not families.is_subordinate(name)]
    ordered = sorted(leading, key=lambda name: _family_rank(name, families))
    sums = [(c, combined(c, figures, families)) for c in COMBINATIONS]
    sections = _overview(period, by_family, sums, families)
    items = [item for section in sections for item in section.items]
    lead = tuple(line for section in sections for line in section.lead)
    charted = {name for combination, _ in sums for name in combination.families}
    for name in ordered:
        plain = [f for f in by_family[name] if f.role in ("period", "history") and f.row.measure in ("cases", "loss")]
        yearly = [f for f in plain if f.row.frequency == "annual"]
        breaks = break_years(name, _annual_totals(yearly, "loss", families.currency(name), families), families)
        english = series_title(name, families)[0]
        if name not in charted:
            items += [Item(chart=chart) for chart in _history_charts(name, english, yearly, breaks, period, families)]
        title = _("{series} by year", series=english)
        table = history_table(f"{slug(name)}_history", title, yearly, breaks, families)
        items += [Item(table=table)] if table and len(table.rows) >= 3 else []
    cards = _cards(period, [name for name in ordered if not _is_event_family(by_family[name])], by_family, sums, [], families)
    return Overview(_lede(cards), lead, tuple(items))


def _family_rank(name: str, families: Families) -> tuple[Any, ...]:
    known = FAMILY_ORDER
    holders = [s for s in families.sources.values() if any(t.family == name for t in s.tables.values())]
    precedence = min((s.precedence for s in holders), default=99)
    country = families.country(name)
    place = known.index(name) if name in known else 0
    return (name not in known, place, country != "JP", precedence, country, families.order(name), name)


def _is_event_family(figures: Sequence[Figure]) -> bool:
    """Whether a family holds arrests and raids by place or police force, and nothing else."""
    return all(f.row.measure in EVENT_MEASURES for f in figures) and any(f.breakdown for f in figures)


# ------------------------------------------------------------------------------------------------------------------- cards


def _lead_totals(figures: Iterable[Figure], families: Families) -> list[tuple[str, str, list[Figure]]]:
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


def _cards(
    period: Period,
    ordered: Sequence[str],
    by_family: Mapping[str, list[Figure]],
    sums: Sequence[tuple[Any, list[CombinedSum]]],
    events: Sequence[str],
    families: Families,
) -> list[Card]:
    cards = []
    for combination, made in sums:
        own = [item for item in made if item.period == period.code]
        if own:
            cards.append(_sum_card(combination, own, period, families))
    for name in ordered:
        if families.is_subordinate(name):
            continue  # it breaks down a series that has a card
        leads = _lead_totals(by_family[name], families)
        roles = {role for role, _, _ in leads}
        shown = [lead for lead in leads if not (lead[0] == "cumulative" and "period" in roles)]
        for place, (role, classification, members) in enumerate(shown[:2]):
            if any(combination.printed_family == name and made for combination, made in sums):
                continue  # the printed sum stands beside ours in its own table
            with counting(families.country(name)):
                cards.append(_total_card(name, role, classification, members, families, again=place > 0))
    return _named_by_country([*cards, *_event_card([figure for name in events for figure in by_family[name]], period)])


def _named_by_country(cards: Sequence[Card]) -> list[Card]:
    """Where the cards are of several countries, each says of which it is."""
    if len({card.country for card in cards if card.country}) < 2:
        return list(cards)
    return [_named(card) for card in cards]


def _named(card: Card) -> Card:
    country = country_name(card.country) if card.country else ""
    if not country or card.title.startswith(f"{country}: "):
        return card
    return dataclasses.replace(card, title=_("{country}: {series}", country=country, series=card.title))


def _total_card(name: str, role: str, classification: str, members: Sequence[Figure], families: Families, *, again: bool) -> Card:
    cells = {(f.row.measure, f.row.unit): f.row for f in members}
    lines = []
    for measure, unit in sorted(cells, key=measure_rank):
        row = cells[(measure, unit)]
        if measure in ("cases", "loss", "loss_net"):
            lines.append(_line(row))
    for measure in ("change_on_year", "change_on_year_cases"):
        rows = [row for (found, __), row in cells.items() if found == measure]
        lines += [_line(row) for row in rows[:1]]
    english, native = series_title(name, families)
    code = members[0].row.period
    edition = worst_edition(f.row.edition for f in members if f.row.measure in ("cases", "loss") and f.row.value is not None)
    warnings = [CUMULATIVE_WARNING] if role == "cumulative" and parsed(code).frequency == "year_to_date" else []
    warnings += [CLASSIFICATION_WARNING] if again else []
    late = _late_warnings(members[0].row, families)
    warnings += late
    scheme = declared(clean(families.classification(classification)))
    note = _("Classification: {scheme}.", scheme=scheme) if classification else ""
    warning = listed(warnings, " ")
    return Card(english, native, period_label(code), edition, tuple(lines), note, warning, families.country(name), bool(late))


def _late_warnings(row: Any, families: Families) -> list[Words]:
    """That reports of the row's period are still to come, where its source says so."""
    late = families.late_warning(row)
    return [_("{sentence}.", sentence=declared_text(late))] if late else []


def _line(row: Any) -> Line:
    cell = figure_cell(row)
    about = {"id": cell.id, "measure": row.measure, "unit": row.unit}
    if row.unit in CURRENCIES and row.value is not None:
        precision = _("± {precision}", precision=precision_text(row)) if row.precision and not row.derivation else ""
        text, small = _spoken(row.value, row.unit, cell.text, precision)
        return Line(_line_label(row.measure, row.unit), text, small, cell.marks, **about)
    small = declared(ABSENCE.get(row.absence, "")) if row.absence else cell.small
    return Line(_line_label(row.measure, row.unit), cell.text, small, () if row.absence else cell.marks, **about)


def _line_label(measure: str, unit: str) -> str:
    title = measure_title(measure)[0]
    return _("{measure}, {unit}", measure=title, unit=unit_short(unit)) if unit in CURRENCIES else title


def _spoken(value: Decimal, unit: str, exact: str, precision: str = "") -> tuple[str, str]:
    """Money as people speak of it, and beneath it in yen's own large unit, to the last digit, and how exact it is."""
    shown = [_("{figure} {unit}", figure=exact, unit=unit_short(unit)), *([precision] if precision else [])]
    large = hundred_millions(value, unit)
    beside = only_english(f"{large} · " if large else "")  # in Japanese it is what is spoken
    return spoken_money(value, unit), listed([beside, listed(shown, " · ")], "")


def _sum_card(combination: Any, own: Sequence[CombinedSum], period: Period, families: Families) -> Card:
    lines = []
    for item in sorted(own, key=lambda s: measure_rank((s.measure, s.unit))):
        exact = number_text(item.value, item.unit, derived=item.unit in CURRENCIES)
        is_money = item.unit in CURRENCIES
        text, small = _spoken(item.value, item.unit, exact) if is_money else (exact, "")
        lines.append(
            Line(
                _line_label(item.measure, item.unit),
                text,
                small,
                ("[p]", "[d]") if item.is_provisional else ("[d]",),
                href="#table-together",
                measure=item.measure,
                unit=item.unit,
            )
        )
    edition = worst_edition(part.edition for item in own for part in item.parts)
    return Card(
        combination.title,
        combination.title_ja,
        period_label(period.code),
        edition,
        tuple(lines),
        combination.reason,
        country=families.country(combination.families[0]),
    )


def _event_card(figures: Sequence[Figure], period: Period) -> list[Card]:
    """Cambodia first: what the page is asked for most; then the other places abroad."""
    abroad = [f for f in figures if f.row.value is not None and f.row.offender_location not in ("JP", *NO_BREAKDOWN)]
    own = [f for f in abroad if period.start <= parsed(f.row.period).end <= period.end]
    if not own:
        return []
    ordered = sorted(own, key=lambda f: (f.row.offender_location != "KH", f.row.period != period.code, f.row.measure, f.row.id))
    lines = []
    for figure in ordered[:5]:
        row = figure.row
        cell = figure_cell(row)
        place, measure = code_label(row.offender_location).capitalize(), measure_title(row.measure)[0].lower()
        label = _("{place}: {measure}", place=place, measure=measure)
        if row.period != period.code:
            when = period_label(row.period)
            label = _("{place}: {measure}, {period}", place=place, measure=measure, period=when)
        lines.append(Line(label, cell.text, "", cell.marks, id=cell.id))
    when, title = period_label(period.code), _("Offenders' bases abroad: what is known")
    return [Card(title, "海外拠点", when, "", tuple(lines), "", EVENTS_WARNING)]


def _lede(cards: Sequence[Card]) -> tuple[str, ...]:
    """One sentence a card, for the first cards and the first of each further country: the answer before any table."""
    first_of_title = list({card.title: card for card in reversed(cards)}.values())[::-1]
    first_of_country = list({card.country: card for card in reversed(first_of_title) if card.country}.values())[::-1]
    chosen = [card for place, card in enumerate(first_of_title) if place < _LEDE_CARDS or card in first_of_country]
    return tuple(sentence for card in chosen if (sentence := _sentence(card)))


def _sentence(card: Card) -> str:
    """Cases and loss of a card, each with its own change; empty where the card has neither."""
    lines = {(line.measure, line.unit): line for line in card.lines if line.text[-1:] != "]"}
    changes = {line.measure: line for line in lines.values() if line.measure.startswith("change")}
    dollars = lines.get(("loss", "USD"))
    losses = [line for unit in CURRENCIES if (line := lines.get(("loss", unit)))]
    national = next((line for line in losses if line is not dollars), dollars)
    parts: list[str] = []
    if cases := lines.get(("cases", "cases")):
        aside = _aside(_change(changes.get("change_on_year_cases")))
        parts.append(_("{number} cases{aside}", number=cases.text, aside=aside))
    if national:
        converted = dollars.text if dollars and national is not dollars else ""
        aside = _aside(converted, _change(changes.get("change_on_year")))
        parts.append(_("a loss of {amount}{aside}", amount=national.text, aside=aside))
    if not parts:
        return ""
    what = parts[0] if len(parts) == 1 else _("{cases} and {loss}", cases=parts[0], loss=parts[1])
    said = {"series": card.title, "period": card.period, "what": what}
    if card.is_growing:
        return _("{series}, {period}: {what} (reports of it are still to come).", **said)
    if card.edition == "provisional":
        return _("{series}, {period}: {what} (provisional).", **said)
    return _("{series}, {period}: {what}.", **said)


def _change(line: Line | None) -> str:
    return _("{change} on the year before", change=line.text) if line else ""


def _aside(*words: str) -> str:
    said = [word for word in words if word]
    return _(" ({words})", words=listed(said, "; ")) if said else ""


def headline(period: Period, figures: Sequence[Figure], families: Families) -> dict[str, Any]:
    """For the manifest: cases and loss as exact text, of the first family at the top and of every family under `families`.

    Keys: family, period, classification, edition, cases, loss, unit, loss_usd; `together` holds the sums that are allowed.
    """
    entries: dict[str, dict[str, Any]] = {}
    leading = {figure.family for figure in figures if not families.is_subordinate(figure.family)}
    for name in sorted(leading, key=lambda name: _family_rank(name, families)):
        leads = _lead_totals([figure for figure in figures if figure.family == name], families)
        if leads:
            entries[name] = _headline_entry(leads[0][1], leads[0][2])
    # A printed sum of several families is not the first thing that a period is about.
    printed_sums = {combination.printed_family for combination in COMBINATIONS}
    first = next((name for name in entries if name not in printed_sums), next(iter(entries), ""))
    sums = [item for c in COMBINATIONS for item in combined(c, figures, families) if item.period == period.code]
    together = {f"{item.measure}{'_usd' if item.unit == 'USD' else ''}": exact_text(item.value) for item in sums}
    return {**entries.get(first, {}), "family": first, "families": entries, **({"together": together} if together else {})}


def _headline_entry(classification: str, members: Sequence[Figure]) -> dict[str, Any]:
    shown = [f.row for f in members if f.row.measure in ("cases", "loss") and f.row.value is not None]
    entry: dict[str, Any] = {"period": members[0].row.period, "classification": classification}
    for row in shown:
        converted = row.measure == "loss" and row.derivation in ("converted", "converted_months")
        entry["loss_usd" if converted else row.measure] = exact_text(row.value)
        if row.measure == "loss" and not converted:
            entry |= {"unit": row.unit} | ({"loss_usd": exact_text(row.value)} if row.unit == "USD" else {})
    return {**entry, "edition": worst_edition(row.edition for row in shown)}


def exact_text(value: Decimal) -> str:
    """The decimal with all its digits and no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# ---------------------------------------------------------------------------------------------------------------- overview


def _overview(
    period: Period,
    by_family: Mapping[str, list[Figure]],
    sums: Sequence[tuple[Any, list[CombinedSum]]],
    families: Families,
) -> list[Section]:
    sections = []
    for combination, made in sums:
        members = [f for name in combination.families for f in by_family.get(name, [])]
        items = [
            chart
            for measure, unit, y_title, scale in (
                ("loss", "JPY", _("Loss, billion yen"), _BILLION),
                ("cases", "cases", _("Cases"), Decimal(1)),
            )
            if (chart := _stack(combination, measure, unit, y_title, scale, by_family, families))
        ]
        printed = [f for f in by_family.get(combination.printed_family, []) if f.is_plain and f.role in ("period", "history")]
        together = combined_table("together", made, families)
        if not members or not (items or together):
            continue
        lead = (
            _(
                "Each bar is one calendar year. Two series are stacked only where both were counted and no case stands in both; "
                "a year without SNS fraud is a year in which nobody counted it, not a year without it."
            ),
            *([combination.reason] if made else []),
        )
        body = [*(Item(chart=chart) for chart in items), *([Item(table=together)] if together else [])]
        if printed and not together:
            body.append(Item(table=measures_list("printed_together", combination.title, printed, families)))
        sections.append(Section("together-over-time", _("Over time"), "推移", lead, tuple(body)))
    return sections


def _stack(
    combination: Any,
    measure: str,
    unit: str,
    y_title: str,
    scale: Decimal,
    by_family: Mapping[str, list[Figure]],
    families: Families,
) -> Chart | None:
    points: list[Point] = []
    breaks: dict[str, str] = {}
    for name in combination.families:
        rows = _annual_totals(by_family.get(name, []), measure, unit, families)
        if name != combination.families[0]:
            rows = [row for row in rows if int(row.period) < combination.before_year]
        breaks |= break_years(name, rows, families)
        title = family_title(name, families)[0]
        points += [_point(row, row.period, title, scale, families) for row in rows if row.value is not None]
    if len({point.x for point in points}) < 3:
        return None
    title = _("{series} by year", series=measure_title(measure)[0])
    return charts.stacked_bars(f"together_{measure}", title, y_title, points, breaks)


def history_points(rows: Iterable[Any], series: str, scale: Decimal, families: Families) -> list[Point]:
    """The points of a series by period, of observations that have a value."""
    return [_point(row, row.period, series, scale, families) for row in rows]


def _point(row: Any, x: str, series: str, scale: Decimal, families: Families) -> Point:
    """The point of a figure that has a value, drawn in units of `scale`."""
    return Point(
        x,
        series,
        float(row.value / scale),
        is_provisional(row),
        number_text(row.value, row.unit, row.measure, derived=bool(row.derivation)),
        marks_of(row),
        unit_short(row.unit),
        row.id,
        families.attribution(row.source),
    )


def is_provisional(row: Any) -> bool:
    return row.edition == "provisional" or row.obs_status == "P"


def _annual_totals(
    figures: Iterable[Figure], measure: str, unit: str, families: Families, frequency: str = "annual"
) -> list[Any]:
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


# ---------------------------------------------------------------------------------------------------------------- families


def _section_id(name: str) -> str:
    return f"series-{slug(name)}"


def _series_sections(
    period: Period, ordered: Sequence[str], by_family: Mapping[str, list[Figure]], families: Families
) -> list[Section]:
    """One section a series; the tables of a source that breaks its headline down stand together in one."""
    together: dict[str, list[str]] = {}
    for name in ordered:
        source = families.sectioned(name)
        together.setdefault(f"source {source.id}" if source else name, []).append(name)
    sections = []
    for key, names in together.items():
        told = {total for name in names if not families.is_subordinate(name) for total in _totals_told(by_family[name])}
        with counting(families.country(names[0])):
            items = [item for name in names for item in _family_items(period, name, by_family[name], families, told)]
        if items:
            source = families.sectioned(names[0])
            english, native = family_title(names[0], families)
            if source:
                country = country_name(source.country)
                english = _("{country}: {series}", country=country, series=source_title(source))
            lead = _family_lead([figure for name in names for figure in by_family[name]], families)
            sections.append(Section(_section_id(key), english, native, lead, tuple(items)))
    return sections


_Told = set[tuple[str, str, str, Decimal | None]]


def _totals_told(figures: Iterable[Figure]) -> _Told:
    """Period, measure, unit and value of the totals whose history the tables and charts of a series show."""
    return {
        (figure.row.period, figure.row.measure, figure.row.unit, figure.row.value)
        for figure in figures
        if figure.is_total and figure.is_plain and not figure.row.overlay and figure.row.measure in ("cases", "loss")
    }


def _family_items(period: Period, name: str, figures: Sequence[Figure], families: Families, told: _Told) -> list[Item]:
    """`told`: the totals of the series that the family breaks down, in the same section."""
    if all(figure.role in ("history", "event") for figure in figures):
        return []
    english = family_title(name, families)[0]
    items: list[Item] = []
    blocks: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        if figure.role in ("period", "cumulative"):
            blocks.setdefault((figure.role, figure.row.period, figure.row.classification), []).append(figure)
    order = sorted(
        blocks,
        key=lambda key: (key[0] != "period", parsed(key[1]).frequency != "year_to_date", _block_rank(blocks[key], families), key),
    )
    several = len({key[:2] for key in order}) != len(order)
    history = [figure for figure in figures if figure.role == "history"]
    for place, key in enumerate(order):
        made = _block(name, english, key, blocks[key], history, families, place=place, name_classification=several)
        items += made if place == 0 else _further(made)
    items += _part_totals(name, english, figures, families) if not blocks else []
    # A breakdown by age or by area has the totals of the series itself: their history is told once.
    is_told = families.is_subordinate(name) and _totals_told(figures) <= told
    items += _history(period, name, english, figures, families, is_told=is_told)
    items += _further(_other_periods(name, english, figures, families))
    return _further(items) if families.is_subordinate(name) else items


def _part_totals(name: str, english: str, figures: Sequence[Figure], families: Families) -> list[Item]:
    """Of a series that has figures for a part of the period only: the totals of the longest part that ends last."""
    totals = [f for f in figures if f.role == "part" and f.is_total and f.is_plain and not f.row.overlay]
    if not totals:
        return []
    code = max((f.row.period for f in totals), key=lambda code: (parsed(code).end, -parsed(code).start.toordinal(), code))
    own = [f for f in totals if f.row.period == code]
    title = _("{series}, {period}: all that is known of the period", series=english, period=period_label(code))
    table = measures_list(f"{slug(name)}_part_totals", title, own, families)
    return [Item(table=_warned(table, [_("A part of the period: never compare it with the whole.")]))] if table else []


def _further(items: Iterable[Item]) -> list[Item]:
    """The same, for the page of the section."""
    return [dataclasses.replace(item, is_main=False) for item in items]


def listed_item(table: Table) -> Item:
    """A table of checks or changes: a long one opens on demand, on the page of its section."""
    is_long = len(table.rows) > MOST_MAIN_ROWS
    return Item(table=table, collapsed=is_long, summary=rows_summary(table), is_main=not is_long)


def rows_summary(table: Table) -> Words:
    """What stands in place of a table that is closed."""
    return _("{title} ({count} rows)", title=table.title, count=len(table.rows))


def _figures_summary(table: Table) -> Words:
    return _("{title} ({count} figures)", title=table.title, count=len(table.rows))


def _block_rank(figures: Sequence[Figure], families: Families) -> tuple[int, int]:
    return (min(families.precedence(f.row.source) for f in figures), -len(figures))


def _family_lead(figures: Sequence[Figure], families: Families) -> tuple[str, ...]:
    """What is counted, which loss, on which date, by the source that speaks first; the others by name."""
    used = sorted({f.row.source for f in figures if f.role != "history"}, key=lambda s: (families.precedence(s), s))
    declared = [families.sources[name] for name in used if name in families.sources]
    if not declared:
        return ()
    first, others = declared[0], [source.id for source in declared[1:]]
    facts = {name: declared_text(first.meta.get(name)) for name in ("unit_of_count", "loss_concept", "date_basis")}
    text = _(
        "{publisher} ({source}). Counts: {unit_of_count}. Loss: {loss_concept}. Date: {date_basis}.",
        publisher=publisher(first),
        source=Own(first.id),
        **facts,
    )
    if not others:
        return (text,)
    more = _("Further figures from {sources}: see the sources below for what they count.", sources=listed(map(Own, others)))
    return (listed([text, more], " "),)


def _block(
    name: str,
    english: str,
    key: tuple[str, str, str],
    figures: Sequence[Figure],
    history: Sequence[Figure],
    families: Families,
    *,
    place: int,
    name_classification: bool,
) -> list[Item]:
    """The tables and the chart of one family, period and classification."""
    code, classification = key[1:]
    title = _("{series}, {period}", series=english, period=period_label(code))
    if name_classification and classification:
        scheme = declared(clean(families.classification(classification)))
        title = _("{title} ({scheme})", title=title, scheme=scheme)
    base = slug(f"{name}_{code}" if place else name) + (f"_{place}" if place else "")
    warnings = [CUMULATIVE_WARNING] if parsed(code).frequency == "year_to_date" else []
    warnings += [CLASSIFICATION_WARNING] if name_classification and place else []
    warnings += _late_warnings(figures[0].row, families)
    plain = [f for f in figures if f.is_plain and not f.row.overlay]
    types = {f.row.native_type for f in plain}
    items: list[Item] = []
    if len(types) >= 3:
        items += _type_charts(base, title, figures, families.currency(name), families)
    alone = plain
    if len(types) >= 2:
        order = type_order(plain)
        added = contributions.contributions(plain, history)
        plain += added
        for group, words in (*(group[:2] for group in GROUPS), ("other", _("Other measures"))):
            measures = measure_group(group)
            if group == "quantiles" and not has_intervals(plain):
                continue
            name_of = f"{base}_{group}"
            heading = _("{title}: {group}", title=title, group=words.lower())
            table = types_by_measures(name_of, heading, plain, measures, families, order=order)
            of_table: tuple[Figure, ...] = ()
            if table and group == "losses":
                table, of_table = dataclasses.replace(table, notes=(*table.notes, *contributions.notes(added))), tuple(added)
            items += [Item(table=_warned(table, warnings), contributions=of_table)] if table else []
        alone = totals_only(plain)
        title_alone = _("{title}: measures printed or computed for all types together only", title=title)
    else:
        title_alone = title
    table = measures_list(f"{base}_figures", title_alone, alone, families)
    items += [Item(table=_warned(table, warnings))] if table else []
    measures = tuple(dict.fromkeys(f.row.measure for f in figures))
    of_what = OVERLAY_WARNING if len(types) >= 2 else OVERLAY_OF_TOTAL_WARNING if types else OVERLAPPING_WARNING
    overlay = types_by_measures(
        f"{base}_overlay", _("{title}: of which, cutting across types", title=title), figures, measures, families, overlay=True
    )
    items += [Item(table=_warned(overlay, [of_what, *warnings]))] if overlay else []
    return [*items, *_further(_breakdowns(base, title, figures, warnings, families))]


def _warned(table: Table, warnings: Sequence[str]) -> Table:
    text = listed(dict.fromkeys([*([table.warning] if table.warning else []), *warnings]), " ")
    return dataclasses.replace(table, warning=text)


def _axes(currency: str) -> tuple[tuple[str, str, str, Decimal], ...]:
    """(measure, unit, title, divisor) of the two charts of a series: losses in national currency, and cases."""
    if currency == "JPY":
        scale, words = _BILLION, _("Loss, billion yen")
    else:
        scale, words = _MILLION, _("Loss, million {currency}", currency=unit_short(currency))
    return ("loss", currency, words, scale), ("cases", "cases", measure_title("cases")[0], Decimal(1))


def _type_charts(base: str, title: str, figures: Sequence[Figure], currency: str, families: Families) -> list[Item]:
    """Cases and loss by type side by side, the largest loss on top; overlays and the total never enter."""
    parts = [f for f in figures if f.is_plain and not f.row.overlay and f.row.native_type != TOTAL]
    panels = []
    for measure, unit, words, scale in _axes(currency):
        rows = [f.row for f in parts if (f.row.measure, f.row.unit) == (measure, unit) and f.row.value is not None]
        if len(rows) >= 3:
            # A bar is drawn in millions or billions, but says its exact figure: under the measure's name, not under the axis's.
            name = measure_title(measure)[0]
            panels.append((words, [_point(row, _chart_label(row), name, scale, families) for row in rows]))
    if not panels:
        return []
    sizes = {point.x: point.value for point in panels[0][1]}
    everyone = list(dict.fromkeys(point.x for _, points in panels for point in points))
    labels = sorted(everyone, key=lambda label: (-sizes.get(label, 0.0), label))
    chart = charts.bars_side_by_side(f"{base}_types", _("{title}: by type", title=title), panels, labels)
    return [Item(chart=chart)]


def _chart_label(row: Any) -> str:
    english, native = type_label(row)
    if english == native or not native or native in LABELS:
        return english
    return listed([english, only_english(f" ({native})")], "")


def _breakdowns(base: str, title: str, figures: Sequence[Figure], warnings: Sequence[str], families: Families) -> list[Item]:
    broken_down = [f for f in figures if not f.is_plain]
    made = breakdown_tables(base, title, broken_down, families)
    items = [
        Item(chart=chart)
        for chart in (*_pyramids(base, title, broken_down, families), *_maps(base, title, broken_down, families))
    ]
    return [*items, *(Item(table=_warned(table, warnings)) for table in made)]


def _maps(base: str, title: str, figures: Sequence[Figure], families: Families) -> list[Chart]:
    """The areas of a country on a map: the publisher's rate where there is one, else the cases."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in figures:
        row = figure.row
        if figure.is_total and not figure.breakdown and not row.overlay and row.value is not None and row.measure in MAPPED:
            rows.setdefault((row.area[:2], row.measure), {})[row.area] = row
    made = []
    for country in sorted({country for country, __ in rows}):
        measure = next(name for name in MAPPED if (country, name) in rows)
        own, places = rows[country, measure], area_tiles(country)
        if map_lacking(country, set(own)):
            continue
        tiles = {str(code_label(area)): (_tile_name(area), *place) for area, place in places.items()}
        words = measure_title(measure)[0]
        points = [_point(own[area], code_label(area), words, Decimal(1), families) for area in places if area in own]
        by_area = _("{title}: by area", title=title)
        made.append(charts.tile_map(f"{base}_map", by_area, words, points, tiles, shaded=measure == "cases_per_100k"))
    return made


def _tile_name(area: str) -> str:
    """What fits on a square: the code, or the Japanese name without the word for prefecture."""
    label = code_labels()[area].label_ja
    return area[3:] if not label else label if label == "北海道" else label[:-1]


def _pyramids(base: str, title: str, figures: Sequence[Figure], families: Families) -> list[Chart]:
    """Victims by age and sex, all types together where the publisher gives them so, else type by type."""
    groups: dict[tuple[str, str, str], dict[tuple[str, str], Any]] = {}
    for figure in figures:
        row = figure.row
        if {name for name, _ in figure.breakdown} == {"age", "sex"} and row.value is not None and not row.overlay:
            groups.setdefault((row.native_type, row.measure, row.unit), {})[(row.age, row.sex)] = row
    keys = sorted(groups)
    keys = [key for key in keys if key[0] == TOTAL] or keys[:2]
    return [chart for key in keys if (chart := _pyramid(base, title, key, groups[key], families))]


def _pyramid(
    base: str, title: str, key: tuple[str, str, str], cells: Mapping[tuple[str, str], Any], families: Families
) -> Chart | None:
    measure, unit = key[1:]
    ages = sorted({age for age, __ in cells}, key=natural_key)
    sexes = sorted({sex for __, sex in cells}, reverse=True)
    if len(sexes) != 2 or len(ages) < 3:
        return None
    scale = Decimal(100) if unit == "ratio" else Decimal(1)
    sides = [
        [
            _point(cells[(age, sex)], code_label(age), code_label(sex).capitalize(), 1 / scale, families)
            for age in ages
            if (age, sex) in cells
        ]
        for sex in sexes
    ]
    english = type_label(next(iter(cells.values())))[0]
    unit_words = _("per cent") if unit in ("ratio", "percent") else unit_short(unit)
    words = _("{measure}, {unit}", measure=measure_title(measure)[0], unit=unit_words)
    name = f"{base}_pyramid_{slug(english)}"
    return charts.pyramid(
        name,
        _("{title}: by age and sex, {type}", title=title, type=english.lower() if english == "All types" else english),
        words,
        sides[0],
        sides[1],
        [code_label(age) for age in ages],
    )


# ------------------------------------------------------------------------------------------------------- history and rest


def _history(
    period: Period, name: str, english: str, figures: Sequence[Figure], families: Families, *, is_told: bool
) -> list[Item]:
    """The series up to the period: chart with its table, and types over the periods; only these where the totals are told."""
    timed = [f for f in figures if f.role in ("period", "history") and f.row.frequency == period.frequency]
    if is_told:
        return _types_over_time(name, english, timed, families) if period.frequency == "annual" else []
    measures = [f for f in timed if f.row.measure in ("cases", "loss")]
    base = slug(name)
    losses = _annual_totals(timed, "loss", families.currency(name), families, period.frequency)
    breaks = break_years(name, losses or _annual_totals(timed, "cases", "cases", families, period.frequency), families)
    leading = _leading_lines(measures, families)
    led = [f for f in measures if (f.row.period, f.row.classification) in leading]
    rest = [f for f in measures if (f.row.period, f.row.classification) not in leading]
    words = _BY_PERIOD[period.frequency](english)
    table = history_table(f"{base}_history", words, led, breaks, families)
    other = history_table(f"{base}_history_other", _("{title}: other classifications", title=words), rest, {}, families, least=1)
    items = [Item(chart=chart) for chart in _history_charts(name, english, timed, breaks, period, families)]
    items += [Item(table=table)] if table else []
    items += [Item(table=_warned(other, [CLASSIFICATION_WARNING]), collapsed=True, summary=other.title)] if other else []
    if period.frequency == "annual":
        items += _types_over_time(name, english, timed, families)
    if period.frequency == "monthly":
        items += _without_season(name, english, timed, breaks, families)
    return items


def _without_season(
    name: str, english: str, timed: Sequence[Figure], breaks: Mapping[str, str], families: Families
) -> list[Item]:
    """The cases of the months without their season, where the series is long enough: chart and table."""
    rows = _annual_totals(timed, "cases", "cases", families, "monthly")
    found = seasonal.adjust([row.period for row in rows], [float(row.value) for row in rows], list(breaks))
    if found is None:
        return []
    rows, base = rows[-len(found.months) :], f"{slug(name)}_adjusted"
    title = _("{series}: cases by month, seasonally adjusted", series=english)
    made = adjusted_table(base, title, rows, found)
    words = ((_("As counted"), [row.value for row in rows]), (_("Adjusted"), found.adjusted), (_("Trend"), found.trend))
    points = [
        _point(row, row.period, series, Decimal(1), families)._replace(**({} if place == 0 else _adjusted_point(value)))
        for place, (series, values) in enumerate(words)
        for row, value in zip(rows, values, strict=True)
    ]
    chart = charts.lines(f"{base}_cases", title, measure_title("cases")[0], points, breaks)
    return [Item(chart=chart), *_further([Item(table=made, adjusted=AdjustedMonths(name, tuple(rows), found))])]


def _adjusted_point(value: float) -> dict[str, Any]:
    """What is other in the point of a value that was computed from a whole series: no observation stands behind it alone."""
    return {"value": value, "text": f"{value:,.0f}", "marks": ("[d]",), "id": ""}


def _leading_lines(figures: Sequence[Figure], families: Families) -> set[tuple[str, str]]:
    """(period, classification) of the line that leads each period: the source that speaks first, then what is printed."""
    chosen: dict[str, Any] = {}
    for figure in figures:
        row = figure.row
        if figure.is_total and figure.is_plain and not row.overlay and row.value is not None:
            rival = chosen.get(row.period)
            if rival is None or _total_rank(row, families) < _total_rank(rival, families):
                chosen[row.period] = row
    return {(row.period, row.classification) for row in chosen.values()}


def _history_charts(
    name: str, english: str, timed: Sequence[Figure], breaks: Mapping[str, str], period: Period, families: Families
) -> list[Chart]:
    made = []
    if period.frequency == "annual" and any(name in combination.families for combination in COMBINATIONS):
        return []  # the stacked chart of the overview shows these series
    for measure, unit, y_title, scale in _axes(families.currency(name)):
        rows = _annual_totals(timed, measure, unit, families, period.frequency)
        if len(rows) >= 4:
            points = [_point(row, row.period, english, scale, families) for row in rows]
            title = _BY_PERIOD[period.frequency](
                _("{series}: {measure}", series=english, measure=measure_title(measure)[0].lower())
            )
            made.append(charts.lines(f"{slug(name)}_history_{measure}", title, y_title, points, breaks))
    return made


def _types_over_time(name: str, english: str, timed: Sequence[Figure], families: Families) -> list[Item]:
    items: list[Item] = []
    base, currency = slug(name), families.currency(name)
    classifications = sorted({f.row.classification for f in timed if not f.is_total})
    for place, classification in enumerate(classifications):
        own = [f for f in timed if f.row.classification == classification]
        suffix = f"_{place}" if place else ""
        scheme = Own(clean(classification)) if place else ""
        loss, cases = (
            types_by_periods(f"{base}_types_{measure}{suffix}", _of_scheme(title, scheme), own, measure, unit, families)
            for measure, unit, title in (
                ("loss", currency, _("{series}: loss by type and year", series=english)),
                ("cases", "cases", _("{series}: cases by type and year", series=english)),
            )
        )
        if loss:
            title = _of_scheme(_("{series}: loss by type", series=english), scheme)
            chart = _multiples(f"{base}_multiples{suffix}", title, own, currency, families)
            items += [Item(chart=chart)] if chart else []
        items += _further(Item(table=table) for table in (loss, cases) if table)
    return items


def _of_scheme(title: str, scheme: str) -> str:
    return _("{title} (classification {scheme})", title=title, scheme=scheme) if scheme else title


def _multiples(chart_id: str, title: str, figures: Sequence[Figure], currency: str, families: Families) -> Chart | None:
    rows = [
        f.row
        for f in figures
        if f.is_plain
        and not f.row.overlay
        and not f.is_total
        and (f.row.measure, f.row.unit) == ("loss", currency)
        and f.row.value is not None
    ]
    latest = max((row.period for row in rows), default="")
    sizes = {_chart_label(row): row.value for row in rows if row.period == latest}
    ordered = sorted(rows, key=lambda row: (-sizes.get(_chart_label(row), Decimal(-1)), _chart_label(row), row.period))
    words, scale = _axes(currency)[0][2:]
    points = [_point(row, row.period, _chart_label(row), scale, families) for row in ordered]
    if len({p.x for p in points}) < 3 or len({p.series for p in points}) < 3:
        return None
    return charts.small_multiples(chart_id, title, _("{axis}, by year", axis=words), points, _type_breaks(ordered, families))


def _type_breaks(rows: Iterable[Any], families: Families) -> dict[str, set[str]]:
    """Label of a type -> the years from which its source says that it is not comparable with those before."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for entry in declared_breaks(families, row.source, row.table):
            if entry.get("all") or row.native_type in entry.get("native_types", ()):
                found.setdefault(_chart_label(row), set()).add(str(entry.get("from", ""))[:4])
    return found


def _other_periods(name: str, english: str, figures: Sequence[Figure], families: Families) -> list[Item]:
    base = slug(name)
    items: list[Item] = []
    fiscal = [
        f for f in figures if f.row.frequency == "fiscal_year" and f.is_plain and f.row.measure in ("cases", "loss", "loss_net")
    ]
    if any(f.role == "fiscal" for f in fiscal):
        title = _("{series} by fiscal year (April to March)", series=english)
        table = history_table(f"{base}_fiscal", title, fiscal, {}, families)
        title = _("{series}, fiscal year (April to March)", series=english)
        table = table or measures_list(f"{base}_fiscal", title, fiscal, families)
        items += [Item(table=_warned(table, [FISCAL_WARNING]))] if table else []
    for role, words, warning in (
        ("part", _("{series}: parts of the period", series=english), PARTS_WARNING),
        (
            "longer",
            _("{series}: longer stretches that end in the period", series=english),
            _("Longer than the period: never compare with it."),
        ),
    ):
        own = [f for f in figures if f.role == role]
        table = measures_list(f"{base}_{role}", words, own, families, with_period=True)
        if table:
            collapsed = len(table.rows) > 8
            items.append(Item(table=_warned(table, [warning]), collapsed=collapsed, summary=_figures_summary(table)))
    before = [
        f for f in figures if f.role == "history" and f.row.frequency in ("year_to_date", "half_yearly") and f.row.unit != "USD"
    ]
    words = _("{series}: earlier cumulative figures", series=english)
    table = measures_list(f"{base}_earlier", words, before, families, with_period=True)
    if table:
        warned = _warned(table, [CUMULATIVE_WARNING])
        items.append(Item(table=warned, collapsed=True, summary=_figures_summary(table)))
    return items


def _event_section(events: Sequence[str], by_family: Mapping[str, list[Figure]], families: Families) -> list[Section]:
    items: list[Item] = []
    for name in sorted(events, key=lambda name: (name != "bases_events", name)):
        english, native = family_title(name, families)
        table = measures_list(slug(name), english, by_family[name], families, with_period=True)
        if table:
            warnings = [] if items else [EVENTS_WARNING]
            items.append(Item(table=_warned(dataclasses.replace(table, native=native), warnings)))
    if not items:
        return []
    everything = [figure for name in events for figure in by_family[name]]
    lead = _family_lead(everything, families)
    return [Section("bases", _("Offenders' bases, abroad and in Japan"), "犯行拠点", lead, tuple(items))]


def _countries_section(compared: CountryComparison | None, families: Families) -> list[Section]:
    if compared is None:
        return []
    names = list(dict.fromkeys(country_name(item.country) for item in compared.series))
    lead = (
        _(
            "Countries with figures for the whole {frequency}: {countries}. What is not comparable stands side by side and is "
            "not ranked; the matrix says why.",
            frequency=FREQUENCY_WORDS[compared.period.frequency],
            countries=listed(names),
        ),
        *compared.left_out,
    )
    items = tuple(
        Item(
            table=table,
            collapsed=table.id == "countries_types",
            summary=rows_summary(table),
            is_main=table.id != "countries_types",
        )
        for table in comparison_tables(compared, families)
    )
    return [Section("countries", _("Countries side by side"), "各国比較", lead, items)]


def _reconciliation_section(rows: Sequence[Mapping[str, Any]], families: Families) -> list[Section]:
    made = reconciliation_tables(rows, families)
    if not made:
        return []
    lead = (
        _(
            "What the publishers print in reports and press releases, or others of them, beside what their data give here. A "
            "difference is shown with its reason, or as unknown; it is never smoothed away."
        ),
    )
    items = tuple(listed_item(table) for table in made)
    return [Section("reconciliation", _("Reconciliation with published totals"), "公表値との突合", lead, items)]


def _figure_name(figure: Figure) -> tuple[str, ...]:
    row = figure.row
    return (figure.family, row.period, row.native_type, row.measure, row.unit)


def _check_sections(figures: Sequence[Figure], findings: Sequence[Mapping[str, Any]], families: Families) -> list[Section]:
    found = {
        tuple(str(finding.get(name)) for name in ("family", "period", "native_type", "measure", "unit")) for finding in findings
    }
    further = [item for item in comparisons(figures) if _figure_name(item.figure) not in found]
    compared = comparison_table(further, families)
    reconciled = findings_table([dict(finding) for finding in findings], families)
    items = [listed_item(table) for table in (reconciled, compared) if table]
    if not items:
        return []
    lead = (
        _(
            "How the figures agree with each other and with what the publishers print. A difference beyond the printed precision "
            "is shown, never smoothed away."
        ),
    )
    return [Section("checks", _("The same figure in several publications"), "突合", lead, tuple(items))]
