"""The tables of the register that need several periods or all areas: in which releases each source has them.

In: the view (OBSERVATION_COLUMNS) and the periods that have a release. Out: why each is lacking where it is, and a table of that.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

import pandas as pd

from pipeline.model import DIMENSIONS, TOTAL
from pipeline.publish import contributions, seasonal
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.maps import MAPPED, map_lacking
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.register_facts import plain_figures
from pipeline.publish.roles import MONTHS_OF_HISTORY, parsed, role
from pipeline.publish.series_titles import source_title
from pipeline.publish.source_pages import count_cell
from pipeline.publish.tables import Column, Table, led_to, text_cell
from pipeline.publish.words import Own, _, declared, listed, page_name

Reasons = Mapping[str, Mapping[tuple[str, str], str]]  # code -> (source, period) -> what is lacking, empty where it is made


def reasons_by_release(view: pd.DataFrame, published: Collection[str], families: Families) -> Reasons:
    """A source counts where its figures lead."""
    plain = _leading(plain_figures(view), families)
    found = {
        "T03": _contribution_reasons(plain, published),
        "T20": _map_reasons(view[(view["absence"] == "").to_numpy(bool)]),
        "T31": _season_reasons(plain[(plain["absence"] == "").to_numpy(bool)]),
    }
    return {code: {key: reason for key, reason in own.items() if key[1] in published} for code, own in found.items()}


def _contribution_reasons(plain: pd.DataFrame, published: Collection[str]) -> dict[tuple[str, str], str]:
    """(source, period of a release) -> why there are no contributions, neither of the period nor of the part of the year up to
    its end, which the release shows as well."""
    by_source: dict[str, dict[str, str]] = {}
    for (source, period), own in plain.groupby(["source", "period"], sort=True, observed=True):
        by_source.setdefault(str(source), {})[str(period)] = contributions.lacking(own)
    reasons: dict[tuple[str, str], str] = {}
    for source, of_periods in by_source.items():
        for code in sorted(published):
            release = parsed(code)
            shown = [name for name in of_periods if role(name, release) in ("period", "cumulative")]
            if shown:
                own_first = sorted(shown, key=lambda name: (name != code, name))
                told = [of_periods[name] for name in own_first]
                reasons[source, code] = "" if "" in told else told[0]
    return reasons


def by_release_table(reasons: Reasons, families: Families) -> Table:
    """Of the tables that need several periods or all areas: in how many releases each source has them, and what is lacking in the
    others."""
    names = {entry.code: entry.title for entry in REGISTER}
    lines = []
    for code, found in reasons.items():
        for source in sorted({source for source, __ in found}):
            own = {period: reason for (name, period), reason in found.items() if name == source}
            made = sum(not reason for reason in own.values())
            lines.append(
                (
                    text_cell(code, header=True),
                    text_cell(declared(names[code])),
                    text_cell(source_title(families.sources[source]) if source in families.sources else Own(source)),
                    *led_to(page_name("index.html#releases"), (count_cell(made), count_cell(len(own)))),
                    text_cell(_grouped(own) or _("nothing")),
                )
            )
    columns = (
        Column(_("No.")),
        Column(_("Table")),
        Column(_("Source")),
        Column(_("Made in"), _("releases"), numeric=True),
        Column(
            _("Of"),
            _("releases"),
            numeric=True,
            note=_("with figures of the source for the period, or for the part of the year up to its end"),
        ),
        Column(_("What is lacking in the others")),
    )
    title = _("Tables that need several periods or all areas, by source")
    return Table("register_by_release", title, columns, tuple(lines))


def _grouped(reasons: Mapping[str, str]) -> str:
    """`reason (3 releases: 2021 to 2023)`, the reasons one after the other."""
    groups: dict[str, list[str]] = {}
    for period, reason in reasons.items():
        if reason:
            groups.setdefault(reason, []).append(period)
    words = []
    for reason, periods in groups.items():
        ordered = sorted(periods, key=lambda code: (parsed(code).frequency, parsed(code).start))
        which = ", ".join(ordered) if len(ordered) <= 4 else f"{', '.join(ordered[:2])} … {ordered[-1]}"
        words.append(_("{reason} ({count}: {periods})", reason=reason, count=len(ordered), periods=which))
    return listed(words, "; ") if words else ""


def _leading(plain: pd.DataFrame, families: Families) -> pd.DataFrame:
    """Of several rows for one figure the one that a release shows, as `figures.figures` chooses it."""
    tables = {(row.source, row.table): families.family(row) for row in plain[["source", "table"]].drop_duplicates().itertuples()}
    ranked = plain.assign(
        family=[tables[pair] for pair in zip(plain["source"], plain["table"], strict=True)],
        is_absent=plain["absence"] != "",
        precedence=plain["source"].map(families.precedence),
        is_derived=plain["derivation"] != "",
    )
    ranked = ranked.sort_values(["is_absent", "precedence", "is_derived", "source", "table", "id"], kind="stable")
    same = ["family", "classification", "period", "area", "fraud_type", "native_type", "measure", "unit"]
    return ranked.drop_duplicates(same)


def _map_reasons(present: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(source, period) -> why there is no map, for figures by area that have a value."""
    kept = present["measure"].isin(MAPPED).to_numpy(bool) & ~present["overlay"].to_numpy(bool)
    kept &= (present["native_type"] == TOTAL).to_numpy(bool) & ~present["area"].map(is_country).to_numpy(bool)
    for name in DIMENSIONS:
        kept &= present[name].isin(NO_BREAKDOWN).to_numpy(bool)
    reasons: dict[tuple[str, str], str] = {}
    for (source, period), own in present[kept].groupby(["source", "period"], sort=True, observed=True):
        countries = {area[:2] for area in own["area"] if "-" in area}
        found = [map_lacking(country, set(own["area"])) for country in sorted(countries)]
        if found:
            reasons[str(source), str(period)] = "" if "" in found else listed(found, "; ")
    return reasons


def _season_reasons(plain: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(source, month) -> why the cases up to the month are not adjusted, for plain figures that have a value."""
    kept = (plain["frequency"] == "monthly") & (plain["native_type"] == TOTAL) & (plain["measure"] == "cases")
    reasons: dict[tuple[str, str], str] = {}
    for source, own in plain[kept.to_numpy(bool)].groupby("source", sort=True, observed=True):
        names = ("period", "classification", "value")
        totals = {str(month): (scheme, float(value)) for month, scheme, value in zip(*(own[n] for n in names), strict=True)}
        months = sorted(totals)
        breaks = [month for before, month in itertools.pairwise(months) if totals[before][0] != totals[month][0]]
        for end in range(1, len(months) + 1):
            shown = months[max(end - MONTHS_OF_HISTORY, 0) : end]
            reasons[str(source), months[end - 1]] = seasonal.lacking(shown, [totals[month][1] for month in shown], breaks)
    return reasons
