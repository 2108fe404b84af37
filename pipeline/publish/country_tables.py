"""The tables of several countries side by side, of a release and of the site's page on them.

In: a `CountryComparison`. Out: tables of money, of counts, of what each series counts and what keeps each pair apart, and of the
publishers' types under the common ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from pipeline.model import Period
from pipeline.publish.countries import COUNTS, FACETS, MONEY, RANKED_BY, CountryComparison, Series, differing
from pipeline.publish.families import Families
from pipeline.publish.labels import code_label, country_name, label_of
from pipeline.publish.measures import counting, measure_meaning, measure_note, measure_title, unit_short
from pipeline.publish.period_labels import period_label
from pipeline.publish.series_titles import series_name, source_anchor_of
from pipeline.publish.tables import Cell, Column, Table, figure_cell, measure_column, text_cell, type_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import Words, _, declared, listed
from pipeline.reference import MissingReference, Rate, average_rate, comparability_words

_MATCHES = {"exact": _("exact"), "broad": _("broad"), "narrow": _("narrow"), "partial": _("partial")}
SIDE_BY_SIDE = _(
    "Side by side, in alphabetical order of the countries: no ranking. These publishers count different things in different "
    "ways; a larger figure does not mean that there is more fraud."
)


@counting("")
def comparison_tables(compared: CountryComparison, families: Families) -> list[Table]:
    """Money, counts, the comparability matrix, what keeps each pair apart, and the publishers' types under the common ones."""
    made = [
        _money_table(compared, families),
        _counts_table(compared, families),
        _matrix(compared, families),
        _pairs(compared, families),
        _types_table(compared),
    ]
    return [table for table in made if table.rows]


def comparability_tables(compared: CountryComparison, families: Families) -> list[Table]:
    """What each series counts, and what keeps each pair of them apart."""
    return [_matrix(compared, families), _pairs(compared, families)]


def _named(series: Series, families: Families) -> tuple[Cell, Cell]:
    english, native = series_name(series.family, families)
    return (
        text_cell(country_name(series.country), header=True),
        text_cell(english, native=native, href=source_anchor_of(series.source.id)),
    )


def _money_table(compared: CountryComparison, families: Families) -> Table:
    ranks = any(item.place for item in compared.series)
    lines, told = [], set()
    for measure in MONEY:
        rows = [(item, *national_and_dollars(item.rows, measure, item.source.currency)) for item in compared.series]
        shown = [line for line in rows if line[1] is not None or line[2] is not None]
        if all((row is None or row.value is None) for _, *pair in shown for row in pair):
            continue
        told.add(measure)
        for item, national, dollars in shown:
            lines.append(
                (
                    text_cell(measure_title(measure)[0], header=True, title=measure_meaning(measure)),
                    *_named(item, families),
                    figure_cell(national),
                    text_cell(unit_short(item.source.currency)),
                    figure_cell(dollars),
                    *([_place(item, measure)] if ranks else []),
                )
            )
    columns = (
        Column(_("Measure")),
        Column(_("Country")),
        Column(_("Series")),
        Column(_("National currency"), numeric=True),
        Column(_("Currency")),
        Column(_("Converted"), _("US dollars"), note=measure_meaning("loss"), numeric=True),
        *([Column(_("Rank"), note=_("by loss per 100,000 inhabitants, among comparable series"))] if ranks else []),
    )
    return Table(
        "countries_money",
        _("Losses side by side"),
        columns,
        tuple(lines),
        notes=(*rate_notes(compared), *(measure_note(name) for name in MONEY[2:] if name in told)),
        warning="" if ranks else SIDE_BY_SIDE,
    )


def national_and_dollars(rows: Mapping[tuple[str, str], Any], measure: str, currency: str) -> tuple[Any, Any]:
    """The rows of a measure of money in national currency and in US dollars; None where there is none."""
    ending = "_per_100k" if measure.endswith("_per_100k") else ""
    return rows.get((measure, f"{currency}{ending}")), rows.get((measure, f"USD{ending}"))


def _place(item: Series, measure: str) -> Cell:
    return text_cell(item.place if item.place and measure == RANKED_BY[0] else _("not ranked"))


def rate_notes(compared: CountryComparison) -> list[str]:
    """How US dollars are made, and the rates of the period for the currencies that stand in it."""
    notes: list[str] = [
        _(
            "US dollars: each month at its average rate where all months are known, else the period at the mean of its months' "
            "rates."
        )
    ]
    for currency in sorted({item.source.currency for item in compared.series} - {"USD"}):
        try:
            rate = average_rate(currency, compared.period)
        except MissingReference as missing:
            notes.append(_("No amount in US dollars: {note}.", note=declared(clean(missing.note))))
        else:
            notes.append(
                _(
                    "1 US dollar = {rate} {currency} in {period} (mean of {count} monthly averages; {source}).",
                    count=len(rate.months),
                    **_rate_words(rate, currency, compared.period),
                )
                if len(rate.months) > 1
                else _(
                    "1 US dollar = {rate} {currency} in {period} (monthly average; {source}).",
                    **_rate_words(rate, currency, compared.period),
                )
            )
    return notes


def _rate_words(rate: Rate, currency: str, period: Period) -> dict[str, str]:
    return {
        "rate": f"{rate.value:.4f}",
        "currency": unit_short(currency),
        "period": period_label(period.code),
        "source": declared(rate.source),
    }


def _counts_table(compared: CountryComparison, families: Families) -> Table:
    lines = []
    for measure, unit in COUNTS:
        shown = [(item, item.rows[measure, unit]) for item in compared.series if (measure, unit) in item.rows]
        if all(row.value is None for _, row in shown):
            continue
        for item, row in shown:
            words = comparability_words("unit_of_count")[item.facets["unit_of_count"]]
            lines.append(
                (
                    text_cell(measure_title(measure)[0], header=True, title=measure_meaning(measure)),
                    *_named(item, families),
                    figure_cell(row),
                    text_cell(label_of(words), title=declared(words.definition)),
                )
            )
    columns = (
        Column(_("Measure")),
        Column(_("Country")),
        Column(_("Series")),
        Column(_("Figure"), numeric=True),
        Column(_("What is counted")),
    )
    return Table("countries_counts", _("Counts side by side"), columns, tuple(lines), warning=SIDE_BY_SIDE)


def _matrix(compared: CountryComparison, families: Families) -> Table:
    heads = [_series_of_country(item, families) for item in compared.series]
    lines = [
        (
            text_cell(title, header=True),
            *(_facet_cell(facet, item.facets[facet]) for item in compared.series),
        )
        for facet, title in FACETS.items()
    ]
    lines.append(
        (
            text_cell(_("Breaks up to the period"), header=True),
            *(text_cell(listed(item.breaks, "; ") if item.breaks else _("none declared")) for item in compared.series),
        )
    )
    columns = (Column(_("What is compared")), *(Column(head) for head in heads))
    return Table("countries_matrix", _("How far the series can be compared"), columns, tuple(lines), kind="list")


def _facet_cell(facet: str, code: str) -> Cell:
    words = comparability_words(facet).get(code)
    return text_cell(label_of(words) if words else code, title=declared(words.definition) if words else "")


def _series_of_country(series: Series, families: Families) -> Words:
    return _("{country}: {series}", country=country_name(series.country), series=series_name(series.family, families)[0])


def _pairs(compared: CountryComparison, families: Families) -> Table:
    lines = []
    for one, other in itertools.combinations(compared.series, 2):
        if one.country == other.country:
            continue
        facets = differing(one, other)
        verdict = _("not comparable: not ranked") if facets else _("comparable")
        lines.append(
            (
                text_cell(_series_of_country(one, families), header=True),
                text_cell(_series_of_country(other, families), header=True),
                text_cell(verdict),
                text_cell(listed([FACETS[facet].lower() for facet in facets], "; ")),
            )
        )
    columns = (Column(_("Series")), Column(_("Beside")), Column(_("Verdict")), Column(_("They differ in")))
    return Table("countries_pairs", _("What keeps the series apart"), columns, tuple(lines), kind="list")


def _types_table(compared: CountryComparison) -> Table:
    lines = []
    for line in compared.types:
        national, dollars = national_and_dollars(line.rows, "loss", line.source.currency)
        lines.append(
            (
                text_cell(code_label(line.common), header=True, title=line.common),
                text_cell(country_name(line.source.country), header=True),
                type_cell(next(iter(line.rows.values()))),
                text_cell(_MATCHES.get(line.match, line.match)),
                figure_cell(line.rows.get(("cases", "cases"))),
                figure_cell(national, short=False),
                text_cell(unit_short(line.source.currency)),
                figure_cell(dollars, short=False),
            )
        )
    columns = (
        Column(_("Common type")),
        Column(_("Country")),
        Column(_("Publisher's type")),
        Column(_("Match"), note=_("how well the publisher's type fits the common one")),
        measure_column("cases", "cases"),
        Column(_("Loss, national currency"), numeric=True),
        Column(_("Currency")),
        Column(_("Loss"), _("US dollars"), numeric=True),
    )
    notes = (
        _(
            "Match: exact, broad (the publisher's type is wider), narrow (it is a part), partial (they overlap: it stands under "
            "the parent and is never split)."
        ),
        _(
            "Types of different publishers under one common type are not the same thing: read them beside the matrix above, and "
            "add none of them across countries."
        ),
    )
    return Table(
        "countries_types", _("Publishers' types under the common types"), columns, tuple(lines), notes=notes, kind="list"
    )
