"""The content of a release: its sections in the order in which a reader looks for them.

In: the figures of the selected rows, the declared sources, the findings, the comparison of countries. Out: `Content`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import Period
from pipeline.publish.cards import headline_cards
from pipeline.publish.check_tables import comparison_table, findings_table
from pipeline.publish.combinations import COMBINATIONS, combined
from pipeline.publish.content import Content, Item, Section, listed_item, rows_summary
from pipeline.publish.countries import CountryComparison
from pipeline.publish.country_tables import comparison_tables
from pipeline.publish.families import Families
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.figure_warnings import EVENTS_WARNING, with_warnings
from pipeline.publish.figures import Figure, comparisons
from pipeline.publish.headline import headline_entries
from pipeline.publish.labels import country_name
from pipeline.publish.leading import family_rank, is_event_family
from pipeline.publish.lede import lede
from pipeline.publish.overview import together_sections
from pipeline.publish.period_labels import period_japanese, period_label
from pipeline.publish.reconciliation import reconciliation_tables
from pipeline.publish.series_sections import family_lead, series_sections
from pipeline.publish.series_titles import family_title
from pipeline.publish.texts import slug
from pipeline.publish.words import Words, _, listed

FREQUENCY_WORDS = {"annual": _("year"), "quarterly": _("quarter"), "monthly": _("month")}


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
    events = [name for name, own in by_family.items() if is_event_family(own)]
    ordered = sorted((name for name in by_family if name not in events), key=lambda name: family_rank(name, families))
    sums = [(c, combined(c, figures, families)) for c in COMBINATIONS] if period.frequency == "annual" else []
    cards = headline_cards(period, ordered, by_family, sums, events, families)
    sections = [
        *together_sections(by_family, sums, families),
        *_countries_section(compared, families),
        *series_sections(period, ordered, by_family, families),
        *_event_section(events, by_family, families),
        *_reconciliation_section(reconciliation, families),
        *_check_sections(figures, findings, families),
    ]
    return Content(
        period,
        _title(period, families),
        period_japanese(period.code),
        str(headline_entries(period, figures, families).get("edition", "unknown")),
        lede(cards),
        tuple(cards),
        tuple(sections),
    )


def _title(period: Period, families: Families) -> Words:
    about = period_label(period.code)
    if families.are_synthetic:
        return _("Synthetic data: Fraud losses, {period}", period=about)
    return _("Fraud losses, {period}", period=about)


def _event_section(events: Sequence[str], by_family: Mapping[str, list[Figure]], families: Families) -> list[Section]:
    items: list[Item] = []
    for name in sorted(events, key=lambda name: (name != "bases_events", name)):
        english, native = family_title(name, families)
        table = measures_list(slug(name), english, by_family[name], families, with_period=True)
        if table:
            warnings = [] if items else [EVENTS_WARNING]
            items.append(Item(table=with_warnings(dataclasses.replace(table, native=native), warnings)))
    if not items:
        return []
    everything = [figure for name in events for figure in by_family[name]]
    lead = family_lead(everything, families)
    return [Section("bases", _("Offenders' bases, abroad and in Japan"), "犯行拠点", lead, tuple(items))]


def _countries_section(compared: CountryComparison | None, families: Families) -> list[Section]:
    if compared is None:
        return []
    names = list(dict.fromkeys(country_name(item.country) for item in compared.series))
    lead = (
        _(
            "Countries with a figure for the {frequency}: {countries}. What is not comparable stands side by side and is "
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
