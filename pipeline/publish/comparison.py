"""The site's page on several countries: the newest year of each, the years before it, and what keeps them apart.

In: the view (OBSERVATION_COLUMNS), the manifests of the releases that speak, the declared sources. Out: `ComparisonPage`:
sections of tables and charts, the links of its figures to the traces of the releases that show them, and the releases themselves.

A country is there with the newest year for which a series that its source declares as comparable has figures. Nothing is ranked
here: the order is that of the alphabet, and each small chart has a scale of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd

from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish import period_charts, traces
from pipeline.publish.chart_points import history_points, own_axis
from pipeline.publish.charts import Axis, Chart, Point
from pipeline.publish.content import Item, Section
from pipeline.publish.countries import (
    COUNTS,
    MONEY,
    SIDE_BY_SIDE,
    CountryComparison,
    Series,
    comparability_tables,
    declared_tables,
    national_and_dollars,
    rate_notes,
    telling,
    total_series,
)
from pipeline.publish.families import Families, break_years
from pipeline.publish.figures import NO_BREAKDOWN, Figure, figures, is_country, rows_of
from pipeline.publish.labels import country_name
from pipeline.publish.measures import counting, measure_meaning, measure_note, measure_title, unit_short
from pipeline.publish.period_labels import period_label
from pipeline.publish.selection import select_rows
from pipeline.publish.series_titles import series_name, titled_by_country
from pipeline.publish.source_facts import source_page_name
from pipeline.publish.tables import Cell, Column, Table, figure_cell, measure_column, text_cell
from pipeline.publish.texts import clean, slug
from pipeline.publish.words import Words, _, declared, page_name

# What the years before are shown of, each with its charts: (measure, ending of the unit, in US dollars).
_CHARTED = (
    ("loss", "", False, _("Losses in national currency")),
    ("loss", "", True, _("Losses in US dollars, at the average rate of each year")),
    ("loss_per_100k", "_per_100k", False, _("Losses per 100,000 inhabitants, in national currency")),
    ("cases", "", False, _("Cases or reports")),
    ("cases_per_100k", "", False, _("Cases or reports per 100,000 inhabitants")),
)
_FEWEST_YEARS = 2


@dataclasses.dataclass(frozen=True)
class ComparisonPage:
    """Sections, the links of their figures (observation id -> file of a release), and the releases that they stand in."""

    sections: tuple[Section, ...]
    links: Mapping[str, str]
    releases: tuple[Mapping[str, Any], ...]  # manifests
    headline: Section | None = None  # for the index of releases: a line a series


@dataclasses.dataclass(frozen=True)
class _Year:
    period: Period
    series: tuple[Series, ...]


@counting("")
def comparison_page(
    view: pd.DataFrame,
    manifests: Sequence[Mapping[str, Any]],
    families: Families,
    folders: Mapping[str, str],
    ids_in: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> ComparisonPage:
    """`manifests`: of the annual releases that speak; `folders`: period -> the address of its release, with a slash at the end;
    `ids_in`: period -> id of a figure in the view -> its id in the release, where that is another one.

    Without figures of two countries, the page says so.
    """
    years = _years(view, [Period.parse(manifest["period"]) for manifest in manifests], families)
    newest = _newest(years)
    if len({item.country for item in newest}) < 2:
        return ComparisonPage((_NOBODY,), {}, ())
    periods = sorted({_period_of(item) for item in newest})
    shown = [manifest for manifest in manifests if manifest["period"] in periods]
    compared = CountryComparison(max(map(Period.parse, periods)), tuple(newest), (), ())
    sections = (
        _newest_section(newest, families, folders),
        Section(
            "comparability",
            _("How far they can be compared"),
            "比較可能性",
            (_MATRIX,),
            _items(comparability_tables(compared, families)),
        ),
        _years_section(years, newest, families),
        *_country_sections(years, newest, families, folders),
    )
    links = _links(view, {*periods, *(year.period.code for year in years)}, families, folders, ids_in)
    return ComparisonPage(sections, links, tuple(shown), _headline_section(newest, families, folders))


_NOBODY = Section(
    "newest",
    _("The newest year of each country"),
    "各国の最新年",
    (_("There are no two countries with figures of a year."),),
    (),
)
_MATRIX = _(
    "Two series may be compared where every word of their columns is the same. Where one differs, figures may differ by what is "
    "counted alone."
)


def _items(tables: Iterable[Table]) -> tuple[Item, ...]:
    return tuple(Item(table=table) for table in tables if table.rows)


# ------------------------------------------------------------------------------------------------------------------- years


def _years(view: pd.DataFrame, periods: Sequence[Period], families: Families) -> list[_Year]:
    """The series of each published year, the oldest first."""
    tables = declared_tables(families)
    kept = (view["frequency"] == "annual") & (view["native_type"] == TOTAL) & ~view["overlay"].astype(bool)
    kept &= view["area"].map(is_country).astype(bool)
    for name in DIMENSIONS:
        kept &= view[name].isin(NO_BREAKDOWN)
    kept &= pd.Series([pair in tables for pair in zip(view["source"], view["table"], strict=True)], index=view.index, dtype=bool)
    totals = {str(code): own for code, own in view[kept.to_numpy(bool)].groupby("period", sort=True, observed=True)}
    made = []
    for period in sorted(periods):
        if period.code in totals:
            found = figures(rows_of(totals[period.code]), period, families)
            made.append(_Year(period, tuple(total_series(found, families))))
    return made


def _newest(years: Sequence[_Year]) -> list[Series]:
    """The series of each country in the newest year in which it has any with a loss or cases."""
    found: dict[str, list[Series]] = {}
    for year in reversed(years):
        for country in {item.country for item in year.series} - found.keys():
            found[country] = telling([item for item in year.series if item.country == country])
    return [item for country in sorted(found, key=country_name) for item in found[country]]


def _period_of(item: Series) -> str:
    return str(next(iter(item.rows.values())).period)


# ------------------------------------------------------------------------------------------------------------- newest year


def _newest_section(newest: Sequence[Series], families: Families, folders: Mapping[str, str]) -> Section:
    lead = (
        _(
            "Of each country the newest year for which a headline series has figures. The years are not all the same: each line "
            "names its own, which leads to the release."
        ),
        SIDE_BY_SIDE,
    )
    lines_of = {measure: _told(_money_lines(measure, newest, families, folders)) for measure in MONEY}
    money = [line for lines in lines_of.values() for line in lines]
    told = [measure for measure in MONEY[2:] if lines_of[measure]]
    counts = [line for measure, unit in COUNTS for line in _told(_count_lines(measure, unit, newest, families, folders))]
    head = (Column(_("Measure")), Column(_("Country")), Column(_("Series")), Column(_("Year"), native="年"))
    notes = [note for period in sorted({_period_of(item) for item in newest}) for note in _rates(newest, period)]
    tables = (
        Table(
            "newest_losses",
            _("Losses of the newest year, side by side"),
            (
                *head,
                Column(_("National currency"), numeric=True),
                Column(_("Currency")),
                Column(_("Converted"), _("US dollars"), note=measure_meaning("loss"), numeric=True),
            ),
            tuple(money),
            notes=(*dict.fromkeys(notes), *(measure_note(name) for name in told), *_lacking(newest, MONEY, families)),
        ),
        Table(
            "newest_counts",
            _("Counts of the newest year, side by side"),
            (*head, Column(_("Figure"), numeric=True)),
            tuple(counts),
            notes=tuple(_lacking(newest, [measure for measure, __ in COUNTS], families)),
        ),
    )
    return Section("newest", _("The newest year of each country"), "各国の最新年", lead, _items(tables))


def _headline_section(newest: Sequence[Series], families: Families, folders: Mapping[str, str]) -> Section:
    """The newest year of each headline series, in one line: what a reader looks for first."""
    lines = []
    for item in newest:
        country, series, year = _named(item, families, folders)
        national, dollars = national_and_dollars(item.rows, "loss", item.source.currency)
        change = next((row for (measure, __), row in sorted(item.rows.items()) if measure == "change_on_year"), None)
        figures_of = (item.rows.get(("cases", "cases")), national)
        cells = (
            *map(figure_cell, figures_of),
            text_cell(unit_short(item.source.currency)),
            figure_cell(dollars),
            figure_cell(change),
        )
        lines.append((country, series, year, *cells))
    columns = (
        Column(_("Country")),
        Column(_("Series")),
        Column(_("Year"), native="年"),
        Column(_("Cases or reports"), numeric=True),
        Column(_("National currency"), numeric=True),
        Column(_("Currency")),
        Column(_("Converted"), _("US dollars"), note=measure_meaning("loss"), numeric=True),
        Column(measure_title("change_on_year")[0], "%", numeric=True),
    )
    table = Table("newest_headlines", _("Newest year of each headline series"), columns, tuple(lines))
    return Section("newest", _("The newest year of each country"), "各国の最新年", (SIDE_BY_SIDE,), _items((table,)))


def _rates(newest: Sequence[Series], period: str) -> list[str]:
    own = tuple(item for item in newest if _period_of(item) == period)
    return rate_notes(CountryComparison(Period.parse(period), own, (), ()))


def _named(item: Series, families: Families, folders: Mapping[str, str]) -> tuple[Cell, ...]:
    english, native = series_name(item.family, families)
    code = _period_of(item)
    return (
        text_cell(country_name(item.country), header=True),
        text_cell(english, native=native, href=page_name(source_page_name(item.source.id))),
        text_cell(code, href=page_name(f"{folders[code]}index.html") if code in folders else ""),
    )


def _money_lines(
    measure: str, newest: Sequence[Series], families: Families, folders: Mapping[str, str]
) -> Iterable[tuple[Cell, ...]]:
    for item in newest:
        national, dollars = national_and_dollars(item.rows, measure, item.source.currency)
        if national is not None or dollars is not None:
            yield (
                text_cell(measure_title(measure)[0], header=True, title=measure_meaning(measure)),
                *_named(item, families, folders),
                figure_cell(national),
                text_cell(unit_short(item.source.currency)),
                figure_cell(dollars),
            )


def _count_lines(
    measure: str, unit: str, newest: Sequence[Series], families: Families, folders: Mapping[str, str]
) -> Iterable[tuple[Cell, ...]]:
    for item in newest:
        row = item.rows.get((measure, unit))
        if row is not None:
            yield (
                text_cell(measure_title(measure)[0], header=True, title=measure_meaning(measure)),
                *_named(item, families, folders),
                figure_cell(row),
            )


def _told(lines: Iterable[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """The lines of a measure, none where no series has a figure: a series that lacks one stands there with its mark."""
    made = list(lines)
    return made if any(cell.is_figure and cell.value is not None for line in made for cell in line) else []


def _lacking(newest: Sequence[Series], measures: Sequence[str], families: Families) -> Iterable[Words]:
    """Why a series has no figure of a measure, where that is known."""
    for item in newest:
        notes = {
            (measure, row.note): None
            for (measure, __), row in sorted(item.rows.items())
            if measure in measures and row.value is None and row.note
        }
        for measure, note in notes:
            said = {"measure": measure_title(measure)[0].lower(), "note": declared(clean(note))}
            yield _("{type}, {measure}: {note}", type=titled_by_country(item.family, families), **said)


# ------------------------------------------------------------------------------------------------------------------ history


def _of_series(years: Sequence[_Year], item: Series) -> list[tuple[Period, Series]]:
    return [(year.period, other) for year in years for other in year.series if _is_same(item, other)]


def _everyone(years: Sequence[_Year], newest: Sequence[Series]) -> list[Series]:
    """Each series of the countries once, as it was last: those of the newest year first."""
    found = [*newest, *(item for year in reversed(years) for item in year.series)]
    firsts = list({(item.country, item.family): item for item in reversed(found)}.values())
    order = list(dict.fromkeys((item.country, item.family) for item in found))
    countries = list(dict.fromkeys(item.country for item in newest))
    firsts = [item for item in firsts if item.country in countries]
    return sorted(firsts, key=lambda item: (countries.index(item.country), order.index((item.country, item.family))))


def _is_same(one: Series, other: Series) -> bool:
    return (one.source.country, one.family) == (other.source.country, other.family)


def _breaks(history: Sequence[tuple[Period, Series]], families: Families) -> dict[str, str]:
    """Years from which the series is not comparable with the years before."""
    rows = []
    for __, item in history:
        totals = [
            row for (measure, __), row in sorted(item.rows.items()) if measure in ("loss", "cases") and row.value is not None
        ]
        rows += totals[-1:]
    return break_years(rows, families) if history else {}


def _years_section(years: Sequence[_Year], newest: Sequence[Series], families: Families) -> Section:
    lead = (
        _(
            "One small chart for each series, each with its own scale: compare shapes, never heights. A dashed vertical line is "
            "a break in the series; a light bar with a dashed edge is provisional."
        ),
    )
    found = (_chart(place, years, newest, families) for place in range(len(_CHARTED)))
    return Section("years", _("Over the years"), "推移", lead, tuple(Item(chart=chart) for chart in found if chart))


def _chart(place: int, years: Sequence[_Year], newest: Sequence[Series], families: Families) -> Chart | None:
    measure, ending, in_dollars, title = _CHARTED[place]
    points: list[Point] = []
    breaks: dict[str, Iterable[str]] = {}
    heads: dict[str, Sequence[str]] = {}
    axes: dict[str, Axis] = {}
    for item in _everyone(years, newest):
        unit = _unit(measure, ending, "USD" if in_dollars else item.source.currency)
        history = _of_series(years, item)
        rows = [row for __, other in history if (row := other.rows.get((measure, unit))) is not None and row.value is not None]
        if len(rows) < _FEWEST_YEARS:
            continue
        axis = own_axis(unit, rows)
        country, english = country_name(item.country), series_name(item.family, families)[0]
        name = _("{country}: {series}", country=country, series=english)
        points += history_points(rows, name, families)
        breaks[name] = tuple(_breaks(history, families))
        heads[name], axes[name] = (country, english, axis.title), axis
    if not points:
        return None
    made = period_charts.small_multiples(
        f"countries_{slug(title.split(',')[0])}", title, Axis(title), points, breaks, heads, axes, columns=3, width=218
    )
    return dataclasses.replace(made, head=_("Series"))


def _unit(measure: str, ending: str, currency: str) -> str:
    return measure if measure.startswith("cases") else f"{currency}{ending}"


def _country_sections(
    years: Sequence[_Year], newest: Sequence[Series], families: Families, folders: Mapping[str, str]
) -> Iterable[Section]:
    """One section a country, with a table for each of its series: years down, newest last."""
    for country in dict.fromkeys(item.country for item in newest):
        own = [item for item in _everyone(years, newest) if item.country == country]
        tables = [table for item in own if (table := _history(years, item, families, folders))]
        lead = (
            _("A year leads to its release; a figure to the cells or rows that it comes from, where the newest release has it."),
        )
        yield Section(f"country-{slug(country)}", country_name(country), "", lead, _items(tables))


def _history(years: Sequence[_Year], item: Series, families: Families, folders: Mapping[str, str]) -> Table | None:
    history = _of_series(years, item)
    currency = item.source.currency
    keys = [
        ("cases", "cases"),
        ("cases_per_100k", "cases_per_100k"),
        ("loss", currency),
        ("loss", "USD"),
        ("loss_per_100k", f"{currency}_per_100k"),
        *((measure, currency) for measure in MONEY[2:]),
    ]
    present = {key for __, other in history for key, row in other.rows.items() if row.value is not None}
    keys = [key for key in dict.fromkeys(keys) if key in present]
    if not keys:
        return None
    breaks = _breaks(history, families)
    lines = tuple(
        (
            Cell(
                period.code,
                marks=("[b]",) if period.code in breaks else (),
                title=breaks.get(period.code, ""),
                href=page_name(f"{folders[period.code]}index.html") if period.code in folders else "",
                is_header=True,
            ),
            *(figure_cell(other.rows.get(key)) for key in keys),
            text_cell(declared(_classification(other, families))),
        )
        for period, other in history
    )
    english, native = series_name(item.family, families)
    notes = tuple(
        _("Break at {period}: {reason}. Do not compare across it.", period=period_label(code), reason=declared(reason))
        for code, reason in breaks.items()
    )
    columns = (Column(_("Year"), native="年"), *(measure_column(*key) for key in keys), Column(_("Classification")))
    title = _("{series} by year", series=english)
    return Table(f"history_{slug(item.country)}_{slug(item.family)}", title, columns, lines, native, notes)


def _classification(item: Series, families: Families) -> str:
    return families.classification(str(next(iter(item.rows.values())).classification))


# -------------------------------------------------------------------------------------------------------------------- links


def _links(
    view: pd.DataFrame,
    periods: Iterable[str],
    families: Families,
    folders: Mapping[str, str],
    ids_in: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """Observation id -> the line of its trace, in the release of the newest of these years that shows it."""
    made: dict[str, str] = {}
    for code in sorted(periods):
        if code in folders:
            period = Period.parse(code)
            found: list[Figure] = figures(rows_of(select_rows(view, period)), period, families)
            traced = traces.links(traces.trace_pages(found), ids_in.get(code, {}))
            made |= {name: folders[code] + to for name, to in traced.items()}
    return made
