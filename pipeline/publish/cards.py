"""Cards: the totals of each series on the first page of a release.

In: the figures by series, the sums of series, single events. Out: `Card`s in the order of the page, each with its edition, its
warnings and, where several countries have one, its country. A cumulative figure is never a month's: its card says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pipeline.model import ABSENCE, Period
from pipeline.publish.combinations import CombinedSum
from pipeline.publish.content import Card, Line
from pipeline.publish.families import Families, break_on_the_year
from pipeline.publish.figure_warnings import (
    CLASSIFICATION_WARNING,
    EVENTS_WARNING,
    NOT_COMPARABLE,
    cumulative_warnings,
    growing_warnings,
)
from pipeline.publish.figures import CHANGES_ON_YEAR, NO_BREAKDOWN, Figure, worst_edition
from pipeline.publish.labels import code_label, country_name
from pipeline.publish.leading import lead_totals
from pipeline.publish.measures import CURRENCIES, counting, measure_rank, measure_title, unit_short
from pipeline.publish.number_texts import hundred_millions, number_text, precision_text, printed_precision, spoken_money
from pipeline.publish.period_labels import period_label
from pipeline.publish.roles import parsed
from pipeline.publish.series_titles import series_title
from pipeline.publish.tables import figure_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import _, declared, each, listed, only_english


def headline_cards(
    period: Period,
    ordered: Sequence[str],
    by_family: Mapping[str, list[Figure]],
    sums: Sequence[tuple[Any, list[CombinedSum]]],
    events: Sequence[str],
    families: Families,
) -> list[Card]:
    """The cards of a release: the sums of series that may be added, then the series in order, then single events."""
    cards = []
    for combination, made in sums:
        own = [item for item in made if item.period == period.code]
        if own:
            cards.append(_sum_card(combination, own, period, families))
    for name in ordered:
        if families.is_subordinate(name):
            continue  # it breaks down a series that has a card
        leads = lead_totals(by_family[name], families)
        roles = {role for role, _, _ in leads}
        shown = [lead for lead in leads if not (lead[0] == "cumulative" and "period" in roles)]
        for place, (role, classification, members) in enumerate(shown[:2]):
            if any(combination.printed_family == name and made for combination, made in sums):
                continue  # the printed sum stands beside ours in its own table
            with counting(families.counts(name)):
                cards.append(_total_card(name, role, classification, members, families, again=place > 0))
    return _named_by_country([*cards, *_event_card([figure for name in events for figure in by_family[name]], period)])


def _named_by_country(cards: Sequence[Card]) -> list[Card]:
    """Each card says of which country it is; where all are of one, in English only: its own readers know."""
    is_of_one = len({card.country for card in cards if card.country}) < 2
    return [_named(card, only_in_english=is_of_one) for card in cards]


def _named(card: Card, *, only_in_english: bool) -> Card:
    country = country_name(card.country) if card.country else ""
    if not country or card.title.startswith(f"{country}: "):
        return card
    if only_in_english:
        return dataclasses.replace(card, title=listed([only_english(f"{country}: "), card.title], ""))
    return dataclasses.replace(card, title=_("{country}: {series}", country=country, series=card.title))


def _total_card(name: str, role: str, classification: str, members: Sequence[Figure], families: Families, *, again: bool) -> Card:
    cells = {(f.row.measure, f.row.unit): f for f in members}
    lines = []
    for measure, unit in sorted(cells, key=measure_rank):
        if measure in ("cases", "loss", "loss_net"):
            lines.append(_with_restated(_line(cells[(measure, unit)].row), cells[(measure, unit)]))
    for measure in CHANGES_ON_YEAR:
        found = [figure for (name_of, __), figure in cells.items() if name_of == measure]
        lines += [_with_restated(_line(figure.row), figure) for figure in found[:1]]
        if found and measure == "change_on_year_without_large":
            lines[-1] = _with_left_out(lines[-1], cells)
    english, native = series_title(name, families)
    code = members[0].row.period
    edition = worst_edition(f.row.edition for f in members if f.row.measure in ("cases", "loss") and f.row.value is not None)
    warnings = cumulative_warnings(code) if role == "cumulative" else []
    warnings += [CLASSIFICATION_WARNING] if again else []
    broken = break_on_the_year(members[0].row, families)
    warnings += [_(NOT_COMPARABLE, reason=broken)] if broken else []
    warnings += growing_warnings(members, families)
    scheme = declared(clean(families.classification(classification)))
    note = _("Classification: {scheme}.", scheme=scheme) if classification else ""
    warning, is_growing = listed(warnings, " "), bool(families.late_warning(members[0].row))
    country = families.country(name)
    return Card(english, native, period_label(code), edition, tuple(lines), note, warning, country, is_growing, broken)


def _with_left_out(line: Line, cells: Mapping[tuple[str, str], Figure]) -> Line:
    """A change without large losses, with those that are left out."""
    notes = [figure.row.note for (measure, __), figure in cells.items() if measure == "loss_without_large"]
    said = [line.small, *(declared(clean(note)) for note in notes)]
    return dataclasses.replace(line, small=listed([words for words in said if words], "; "))


def _line(row: Any) -> Line:
    cell = figure_cell(row)
    about = {"id": cell.id, "measure": row.measure, "unit": row.unit}
    if row.unit in CURRENCIES and row.value is not None:
        text, small = _spoken(row.value, row.unit, cell.text, row)
        return Line(_line_label(row.measure, row.unit), text, small, cell.marks, **about)
    small = declared(ABSENCE.get(row.absence, "")) if row.absence else cell.small
    return Line(_line_label(row.measure, row.unit), cell.text, small, () if row.absence else cell.marks, **about)


# Units that are counters in Japanese: 件, 人, 拠点.
_COUNTED_BY_ONE = ("cases", "persons", "bases")


def _with_restated(line: Line, figure: Figure) -> Line:
    """The line, with the figure or the change as it is since another source restated what was provisional."""
    if (later := figure.restated) is not None:
        money = later.unit in CURRENCIES
        spoken = spoken_money(later.value, later.unit, printed_precision(later)) if money else ""
        again = spoken or _counted(number_text(later.value, later.unit, later.measure), later.unit)
        words = _("restated since as {figure}", figure=again)
    elif figure.rebased is not None:
        again = number_text(figure.rebased, "percent", figure.row.measure, derived=True)
        words = _("on the year before as first printed; {change} on it as restated since", change=again)
    else:
        return line
    return dataclasses.replace(line, small=listed([part for part in (line.small, words) if part], " · "), again=again)


def _counted(text: str, unit: str) -> str:
    """A number as it stands in a sentence: in Japanese with the counter of what is counted."""
    counter = unit_short(unit)
    return each(text, lambda: f"{text}{counter}") if unit in _COUNTED_BY_ONE else text


def _line_label(measure: str, unit: str) -> str:
    title = measure_title(measure)[0]
    return _("{measure}, {unit}", measure=title, unit=unit_short(unit)) if unit in CURRENCIES else title


def _spoken(value: Decimal, unit: str, exact: str, row: Any = None) -> tuple[str, str]:
    """Money as people speak of it, and beneath it in yen's own large unit, to the last digit, and how exact it is."""
    printed = None if row is None else printed_precision(row)
    shown = [_("{figure} {unit}", figure=exact, unit=unit_short(unit))]
    shown += [_("± {precision}", precision=precision_text(row))] if printed else []
    large = hundred_millions(value, unit, printed)
    beside = only_english(f"{large} · " if large else "")  # in Japanese it is what is spoken
    return spoken_money(value, unit, printed), listed([beside, listed(shown, " · ")], "")


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
