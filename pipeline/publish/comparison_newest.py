"""The newest year of each country, side by side: the sections of the page on countries and of the index.

In: the series of each country in its newest year, and where their releases are. Out: sections of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.model import Period
from pipeline.publish.comparison_years import period_of
from pipeline.publish.content import Section, table_items
from pipeline.publish.countries import COUNTS, MONEY, CountryComparison, Series
from pipeline.publish.country_tables import SIDE_BY_SIDE, national_and_dollars, rate_notes
from pipeline.publish.families import Families
from pipeline.publish.labels import country_name
from pipeline.publish.measures import measure_meaning, measure_note, measure_title, unit_short
from pipeline.publish.series_titles import series_name, titled_by_country
from pipeline.publish.source_facts import source_page_name
from pipeline.publish.tables import Cell, Column, Table, figure_cell, text_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import Words, _, declared, page_name


def newest_section(newest: Sequence[Series], families: Families, folders: Mapping[str, str]) -> Section:
    """Money and counts, a line a series and measure. `folders`: period -> the address of its release, to which its year leads."""
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
    notes = [note for period in sorted({period_of(item) for item in newest}) for note in _rates(newest, period)]
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
    return Section("newest", _("The newest year of each country"), "各国の最新年", lead, table_items(tables))


def headline_section(newest: Sequence[Series], families: Families, folders: Mapping[str, str]) -> Section:
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
    return Section("newest", _("The newest year of each country"), "各国の最新年", (SIDE_BY_SIDE,), table_items((table,)))


def _rates(newest: Sequence[Series], period: str) -> list[str]:
    own = tuple(item for item in newest if period_of(item) == period)
    return rate_notes(CountryComparison(Period.parse(period), own, (), ()))


def _named(item: Series, families: Families, folders: Mapping[str, str]) -> tuple[Cell, ...]:
    english, native = series_name(item.family, families)
    code = period_of(item)
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
