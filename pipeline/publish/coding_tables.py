"""How labels are coded, and what reports do not say, as tables of the site's page on quality.

In: the declared sources with their crosswalks, their figures (OBSERVATION_COLUMNS by source). Out: the table of labels and
types, and that of item non-response in each breakdown.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish.figures import NO_BREAKDOWN
from pipeline.publish.labels import dimension_title, in_both
from pipeline.publish.period_labels import period_label
from pipeline.publish.quality_cells import annual_national, no_figure, release_address, share_cell, source_address, source_cell
from pipeline.publish.roles import parsed
from pipeline.publish.source_pages import count_cell, table_cell
from pipeline.publish.tables import Cell, Column, Table, led_to, text_cell
from pipeline.publish.words import _, listed
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.sources.catalogue import Source


def coding(sources: Sequence[Source], figures: dict[str, pd.DataFrame]) -> Table:
    """Of each source: its labels, those that only overlap a common code, what is of unknown type, and its comparable years."""
    lines = []
    for source in sources:
        path = source.folder / "crosswalk.csv"
        rows = [row for stretch in crosswalk_rows(path).values() for row in stretch] if path.is_file() else []
        plain = _plain_annual(source, figures[source.id])
        lines.append(
            (
                source_cell(source),
                *led_to(
                    source_address(source, "coverage"),
                    (
                        count_cell(len(rows)),
                        share_cell(sum(row["match"] == "partial" for row in rows), len(rows)),
                        *(_unknown_share(plain, measure) for measure in ("cases", "loss")),
                        _comparable_years(source, plain),
                    ),
                ),
            )
        )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Labels mapped"), numeric=True),
        Column(_("Overlap only"), "%", numeric=True),
        Column(_("Unknown type, of cases or reports"), "%", numeric=True),
        Column(_("Unknown type, of loss"), "%", numeric=True),
        Column(_("Comparable years (CC2)"), numeric=True),
    )
    return Table("coding_of_sources", _("Labels and types"), columns, tuple(lines))


def _plain_annual(source: Source, figures: pd.DataFrame) -> pd.DataFrame:
    """Annual national figures with a value, broken down by nothing but the type, no overlays, in the source's own money."""
    plain = annual_national(figures)
    return plain[plain["unit"].isin(["cases", source.currency]).to_numpy(bool)]


def _unknown_share(plain: pd.DataFrame, measure: str) -> Cell:
    own = plain[plain["measure"] == measure]
    typed = own[own["native_type"] != TOTAL]
    if not len(typed):
        return no_figure()
    newest = max(typed["period"])
    table = sorted(set(typed.loc[typed["period"] == newest, "table"]))[0]
    inside = own[(own["period"] == newest) & (own["table"] == table)]
    total = inside.loc[inside["native_type"] == TOTAL, "value"]
    if len(set(total)) != 1:
        return no_figure()
    unknown = sum(inside.loc[inside["fraud_type"].isin(["UNK", "_U"]) & (inside["native_type"] != TOTAL), "value"], Decimal(0))
    return share_cell(unknown, total.iloc[0])


def _comparable_years(source: Source, plain: pd.DataFrame) -> Cell:
    """The years of each total; the number alone where all totals have the same."""
    leading = source.meta.get("headline_tables", list(source.tables))
    totals = plain[(plain["native_type"] == TOTAL) & plain["measure"].isin(["cases", "loss"]) & plain["table"].isin(leading)]
    if not len(totals):
        return no_figure()
    tables = sorted(set(totals["table"].astype(str)))
    counts = {table: _years_since_break(source, table, totals[totals["table"] == table]) for table in tables}
    if len(set(counts.values())) == 1:
        return count_cell(next(iter(counts.values())))
    told = sorted(counts, key=lambda table: (-counts[table], table))
    titles = {table: in_both(source.tables[table].title, source.tables[table].title_ja) for table in told}
    words = [_("{count} ({series})", count=counts[table], series=titles[table]) for table in told]
    return text_cell(listed(words, "; "))


def _years_since_break(source: Source, table: str, totals: pd.DataFrame) -> int:
    years = {int(code) for code in totals["period"]}
    breaks = [
        int(str(entry.get("from"))[:4])
        for entry in source.breaks
        if str(entry.get("from", ""))[:4].isdigit() and entry["table"] == table
        if entry.get("all") or TOTAL in entry.get("native_types", ())
    ]
    start = max((year for year in breaks if year <= max(years)), default=min(years))
    return sum(year >= start for year in years)


def non_response(sources: Sequence[Source], figures: dict[str, pd.DataFrame], published: Mapping[str, str]) -> Table:
    """Of each breakdown of a source: the share of the newest period that is under unknown."""
    lines = []
    for source in sources:
        own = figures[source.id]
        kept = own["frequency"].isin(["annual", "year_to_date"]) & (own["absence"] == "") & ~own["overlay"].astype(bool)
        own = own[(kept & own["measure"].isin(["cases", "loss"]) & (own["native_type"] == TOTAL)).to_numpy(bool)]
        broken_down = {name: ~own[name].isin(NO_BREAKDOWN).to_numpy(bool) for name in DIMENSIONS}
        broken_down["area"] = (own["area"] != source.country).to_numpy(bool)
        count = np.sum(list(broken_down.values()), axis=0)
        for name in (*DIMENSIONS, "area"):
            others = count == broken_down[name]
            codes = [*_unknown_codes(source), _OTHER_OR_UNKNOWN]
            unknown = own[others & own[name].isin(codes).to_numpy(bool)]
            for table in sorted(set(unknown["table"])):
                line = _unknown_line(source, name, own[others & (own["table"] == table).to_numpy(bool)], table, published)
                lines += [line] if line else []
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Table")),
        Column(_("What is not said")),
        Column(_("Period")),
        Column(_("Of cases or reports"), "%", numeric=True),
        Column(_("Of loss"), "%", numeric=True),
        Column(_("Other or not known, of cases or reports"), "%", note=_OTHER_OR_UNKNOWN_NOTE, numeric=True),
        Column(_("Other or not known, of loss"), "%", note=_OTHER_OR_UNKNOWN_NOTE, numeric=True),
    )
    return Table("non_response_by_table", _("Item non-response"), columns, tuple(lines))


# One label for two things: the share that is not known lies between none and all of it.
_OTHER_OR_UNKNOWN = "_O_U"
_OTHER_OR_UNKNOWN_NOTE = _("under one label of the publisher for both: so much more may not be known")


def _unknown_codes(source: Source) -> tuple[str, ...]:
    """The codes of what is not known: of an area also within the country."""
    return ("_U", f"_U_{source.country}")


def _unknown_line(
    source: Source, dimension: str, own: pd.DataFrame, table: str, published: Mapping[str, str]
) -> tuple[Cell, ...] | None:
    whole = source.country if dimension == "area" else TOTAL
    is_unknown = own[dimension].isin(_unknown_codes(source))
    is_either = own[dimension] == _OTHER_OR_UNKNOWN
    period = max((parsed(code) for code in set(own.loc[is_unknown | is_either, "period"])), key=_by_end)
    now = own[(own["period"] == period.code) & (own["unit"].isin(["cases", source.currency]))]
    shares = []
    for told in (is_unknown, is_either):
        for measure in ("cases", "loss"):
            if not told.any():
                shares.append(Cell("[z]", marks=("[z]",), is_figure=True))  # the publisher has no such label
                continue
            measured = now[now["measure"] == measure]
            unknown = measured.loc[told[measured.index], "value"]
            total = measured.loc[measured[dimension] == whole, "value"]
            # In two labels of one breakdown, not known at all and not known within the country, no report stands twice.
            known = len(unknown) and len(total) == 1 and measured[dimension].is_unique
            shares.append(share_cell(sum(unknown, Decimal(0)), total.iloc[0]) if known else no_figure())
    return (
        source_cell(source),
        dataclasses.replace(table_cell(source, table), native="", is_header=False),
        text_cell(dimension_title(dimension).lower()),
        text_cell(period_label(period.code)),
        *led_to(release_address(published, period.code, source), shares),
    )


def _by_end(period: Period) -> tuple[dt.date, dt.date]:
    return (period.end, period.start)
