"""The site's page on several countries: the newest year of each, the years before it, and what keeps them apart.

In: of each published year figures (OBSERVATION_COLUMNS), the manifests of the releases that speak, the declared sources. Out:
`ComparisonPage`: sections of tables and charts, the links of its figures to the traces of the releases that show them, and the
releases themselves.

A country is there with the newest year for which a series that its source declares as comparable has figures. Nothing is ranked
here: the order is that of the alphabet, and each small chart has a scale of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.model import Period
from pipeline.publish import traces
from pipeline.publish.comparison_history import country_sections, years_section
from pipeline.publish.comparison_newest import headline_section, newest_section
from pipeline.publish.comparison_years import newest_series, period_of, published_years
from pipeline.publish.content import Section, table_items
from pipeline.publish.countries import CountryComparison
from pipeline.publish.country_tables import comparability_tables
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, figures, rows_of
from pipeline.publish.measures import counting
from pipeline.publish.selection import select_rows
from pipeline.publish.words import _


@dataclasses.dataclass(frozen=True)
class ComparisonPage:
    """Sections, the links of their figures (observation id -> file of a release), and the releases that they stand in."""

    sections: tuple[Section, ...]
    links: Mapping[str, str]
    releases: tuple[Mapping[str, Any], ...]  # manifests
    headline: Section | None = None  # for the index of releases: a line a series


@counting("")
def comparison_page(
    figures_of: Mapping[str, pd.DataFrame],
    manifests: Sequence[Mapping[str, Any]],
    families: Families,
    folders: Mapping[str, str],
) -> ComparisonPage:
    """`figures_of`: year -> figures, among them those that its release shows; `manifests`: of the annual releases that speak;
    `folders`: period -> the address of its release, with a slash at the end.

    Without figures of two countries, the page says so.
    """
    years = published_years(figures_of, families)
    newest = newest_series(years)
    if len({item.country for item in newest}) < 2:
        return ComparisonPage((_NOBODY,), {}, ())
    periods = sorted({period_of(item) for item in newest})
    shown = [manifest for manifest in manifests if manifest["period"] in periods]
    compared = CountryComparison(max(map(Period.parse, periods)), tuple(newest), (), ())
    sections = (
        newest_section(newest, families, folders),
        Section(
            "comparability",
            _("How far they can be compared"),
            "比較可能性",
            (_MATRIX,),
            table_items(comparability_tables(compared, families)),
        ),
        years_section(years, newest, families),
        *country_sections(years, newest, families, folders),
    )
    links = _links(figures_of, {*periods, *(year.period.code for year in years)}, families, folders)
    return ComparisonPage(sections, links, tuple(shown), headline_section(newest, families, folders))


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


# -------------------------------------------------------------------------------------------------------------------- links


def _links(
    figures_of: Mapping[str, pd.DataFrame],
    periods: Iterable[str],
    families: Families,
    folders: Mapping[str, str],
) -> dict[str, str]:
    """Observation id -> the line of its trace, in the release of the newest of these years that shows it."""
    made: dict[str, str] = {}
    for code in sorted(periods):
        if code in folders:
            period = Period.parse(code)
            found: list[Figure] = figures(rows_of(select_rows(figures_of[code], period)), period, families)
            traced = traces.links(traces.trace_pages(found))
            made |= {name: folders[code] + to for name, to in traced.items()}
    return made
