"""Accuracy, coverage and coherence of the sources as tables of the site's page on quality.

In: the declared sources, their figures (OBSERVATION_COLUMNS by source), the evidence. Out: tables of large losses and intervals,
of parts against totals, of coverage and imputation, of the days to the final figure, and of reports that came later; those
without a line are left out.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from pipeline.model import DIMENSIONS, INTERVALS, TOTAL, Period
from pipeline.publish.evidence import Evidence
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.number_texts import spoken_money
from pipeline.publish.quality_cells import (
    annual_national,
    no_figure,
    number_cell,
    release_address,
    source_address,
    source_cell,
)
from pipeline.publish.source_pages import count_cell
from pipeline.publish.tables import Cell, Column, Table, led_to, text_cell
from pipeline.publish.words import Words, _, listed
from pipeline.reference import area_tiles
from pipeline.sources.catalogue import Source

_HUNDREDTH = Decimal("0.01")
_PARTS = ("cases", "loss")
# Where the tail of the losses is heavier, a resampled interval of a total does not cover it (infinite variance).
_LEAST_TAIL_INDEX = 2

NO_INTERVAL_OF_TOTAL = _("none for the total: the tail is heavier than a resampled interval can cover")
NO_INTERVAL_OF_MEDIAN = _("none for the median: the source gives no single losses")


def indicator_tables(
    sources: Sequence[Source], figures: Mapping[str, pd.DataFrame], evidence: Evidence, published: Mapping[str, str]
) -> tuple[Table, ...]:
    """Large losses, coherence, coverage and imputation, days to the final figure; those without a line are left out.

    `published`: the periods that have a release -> its address, in English.
    """
    made = (
        _large_losses(sources, figures, published),
        _coherence(sources, figures, evidence),
        _coverage(sources, figures),
        _finality(sources, figures),
    )
    return tuple(table for table in made if table.rows)


def tail_index(top_1_share: Decimal, top_10_share: Decimal) -> Decimal | None:
    """The exponent of a Pareto tail with these shares of the total in its largest 1 and 10 per cent (both in per cent).

    A Pareto tail has share(p) = p ** (1 - 1/a), so that 1 - 1/a = log10(share of 10 % / share of 1 %). None where there is none.
    """
    if not 0 < top_1_share < top_10_share:
        return None
    slope = math.log10(top_10_share / top_1_share)
    return Decimal(1 / (1 - slope)) if slope < 1 else None


def _large_losses(sources: Sequence[Source], figures: Mapping[str, pd.DataFrame], published: Mapping[str, str]) -> Table:
    lines = []
    for source in sources:
        own = annual_national(figures[source.id])
        own = own[(own["native_type"] == TOTAL).to_numpy(bool)]
        with_largest = own[(own["measure"] == "max_loss").to_numpy(bool)]
        if not len(with_largest):
            continue
        period = max(with_largest["period"])
        now = {(row.measure, row.unit): row.value for row in own[own["period"] == period].itertuples(index=False)}
        currency = source.currency
        largest, loss = now.get(("max_loss", currency)), now.get(("loss", currency))
        top_1, top_10 = now.get(("top_1_share", "percent")), now.get(("top_10_share", "percent"))
        index = tail_index(top_1, top_10) if top_1 and top_10 else None
        heavy = index is None or index < _LEAST_TAIL_INDEX
        lines.append(
            (
                source_cell(source),
                text_cell(period),
                *led_to(
                    release_address(published, period, source),
                    (
                        Cell(spoken_money(largest, currency), value=largest, is_figure=True)
                        if largest is not None
                        else no_figure(),
                        number_cell(largest * 100 / loss, _HUNDREDTH) if largest is not None and loss else no_figure(),
                        number_cell(top_1),
                        number_cell(top_10),
                        number_cell(index, _HUNDREDTH),
                    ),
                ),
                text_cell(listed([*_of_quantiles(now, currency), NO_INTERVAL_OF_TOTAL if heavy else _("not computed")], "; ")),
            )
        )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Year")),
        Column(_("Largest single loss"), numeric=True),
        Column(_("Of the loss of the year"), "%", numeric=True),
        Column(_("Share of the largest 1 % of losses"), "%", numeric=True),
        Column(_("Share of the largest 10 %"), "%", numeric=True),
        Column(_("Tail index"), numeric=True, note=_("of a Pareto tail with these two shares; below 2 its variance is infinite")),
        Column(_("Interval")),
    )
    notes = (
        _(
            "The reports are a census: an interval is not one of sampling. No loss is set aside as too large, because no "
            "publisher marks which ones it is reviewing; the share of the largest says how far a total hangs on single reports."
        ),
    )
    return Table("large_losses", _("Large losses and intervals"), columns, tuple(lines), notes=notes)


def _of_quantiles(now: Mapping[tuple[str, str], Any], currency: str) -> list[Words]:
    """The intervals that the source's figures have, or that there is none of the median."""
    made = []
    for measure, words in _INTERVAL_WORDS.items():
        lower, upper = (now.get((name, currency)) for name in INTERVALS[measure])
        if lower is not None and upper is not None:
            made.append(words(spoken_money(lower, currency), spoken_money(upper, currency)))
    return made or [NO_INTERVAL_OF_MEDIAN]


_INTERVAL_WORDS: dict[str, Callable[[str, str], Words]] = {
    "median_loss": lambda lower, upper: _("of the median, 95 %: {lower} to {upper}", lower=lower, upper=upper),
    "p90_loss": lambda lower, upper: _("of the 90th percentile, 95 %: {lower} to {upper}", lower=lower, upper=upper),
}


def _coherence(sources: Sequence[Source], figures: Mapping[str, pd.DataFrame], evidence: Evidence) -> Table:
    extracts = {item.id for item in evidence.snapshots if item.extract}
    lines = []
    for source in sources:
        parts = _parts_against_totals(source, figures[source.id], extracts)
        months = _months_against_years(source, figures[source.id])
        if sum(parts) + sum(months):
            counts = (count_cell(number) for number in (*parts, *months))
            lines.append((source_cell(source), *led_to(source_address(source, "coverage"), counts)))
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Totals whose types add up"), numeric=True, note=_("within the printed precision, cases and loss of each year")),
        Column(_("Totals whose types do not"), numeric=True),
        Column(_("Years whose months add up"), numeric=True),
        Column(_("Years whose months do not"), numeric=True),
    )
    notes = (
        _(
            "Only tables whose publisher's types make up the total, and years of which all types or all twelve months have a "
            "value that was not computed from the others."
        ),
        _(
            "Where types, months and totals are all counted here from the same records, that they add up says that they were "
            "counted right, and nothing of the records."
        ),
    )
    return Table("coherence_of_sources", _("Coherence: parts against their totals"), columns, tuple(lines), notes=notes)


def _parts_against_totals(source: Source, figures: pd.DataFrame, extracts: Set[str]) -> tuple[int, int]:
    own = annual_national(figures)
    own = own[np.array([extracts.isdisjoint(ids.split("+")) for ids in own["snapshot"]], dtype=bool)]
    complete = {table.id for table in source.tables.values() if table.parts_add_up}
    own = own[
        (own["measure"].isin(_PARTS) & own["unit"].isin(["cases", source.currency]) & own["table"].isin(complete)).to_numpy(bool)
    ]
    return _compared(own.groupby(["table", "period", "classification", "measure"], sort=True, observed=True))


def _compared(groups: Any) -> tuple[int, int]:
    agreeing = differing = 0
    for __, group in groups:
        total = group[(group["native_type"] == TOTAL).to_numpy(bool)]
        parts = group[(group["native_type"] != TOTAL).to_numpy(bool)]
        if len(total) == 1 and len(parts) > 1 and not _is_made_of_its_parts(group):
            agrees = _adds_up(parts, total, group)
            agreeing, differing = agreeing + agrees, differing + (not agrees)
    return agreeing, differing


def _is_made_of_its_parts(group: pd.DataFrame) -> bool:
    """Whether one of them was computed from the others, so that they cannot but add up."""
    return bool(group["derivation"].isin(["residual", "sum_of_parts", "sum_of_periods"]).any())


def _adds_up(parts: pd.DataFrame, total: pd.DataFrame, group: pd.DataFrame) -> bool:
    """Whether the parts make up the one total, within the precision of all of them."""
    tolerance = sum((value for value in group["precision"] if _is_number(value)), Decimal(0))
    return bool(abs(sum(parts["value"], Decimal(0)) - total["value"].iloc[0]) <= tolerance)


def _is_number(value: Any) -> bool:
    return isinstance(value, Decimal) and value.is_finite()


def _months_against_years(source: Source, figures: pd.DataFrame) -> tuple[int, int]:
    kept = (figures["absence"] == "") & (figures["native_type"] == TOTAL) & figures["measure"].isin(_PARTS)
    kept &= figures["unit"].isin(["cases", source.currency]) & figures["frequency"].isin(["monthly", "annual"])
    for name in DIMENSIONS:
        kept &= figures[name].isin(NO_BREAKDOWN)
    own = figures[(kept & figures["area"].map(is_country).astype(bool)).to_numpy(bool)]
    agreeing = differing = 0
    own = own.assign(year=own["period"].str[:4])
    for __, group in own.groupby(["table", "classification", "measure", "year"], sort=True, observed=True):
        months, year = group[group["frequency"] == "monthly"], group[group["frequency"] == "annual"]
        if len(months) == 12 and len(year) == 1 and not _is_made_of_its_parts(group):
            agrees = _adds_up(months, year, group)
            agreeing, differing = agreeing + agrees, differing + (not agrees)
    return agreeing, differing


def _coverage(sources: Sequence[Source], figures: Mapping[str, pd.DataFrame]) -> Table:
    lines = []
    for source in sources:
        own = figures[source.id]
        present = own[(own["absence"] == "").to_numpy(bool)]
        given = present[present["derivation"].isin(["", "records", "residual"]).to_numpy(bool)]
        imputed = int((given["derivation"] == "residual").sum())
        withheld = int((own["absence"] == "suppressed").sum())
        lines.append(
            (
                source_cell(source),
                *led_to(
                    source_address(source, "coverage"),
                    (
                        *_areas(source, present),
                        count_cell(len(given)),
                        count_cell(imputed),
                        number_cell(Decimal(imputed * 100) / len(given), _HUNDREDTH) if len(given) else no_figure(),
                        number_cell(Decimal(withheld * 100) / len(own), _HUNDREDTH) if len(own) else no_figure(),
                    ),
                ),
            )
        )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Areas with a figure"), numeric=True, note=_("in the newest year with any")),
        Column(_("Areas of the country"), numeric=True),
        Column(_("Figures given"), numeric=True, note=_("printed, or counted from records")),
        Column(_("Filled in"), numeric=True, note=_("a total less all the other types, where the publisher's digits were lost")),
        Column(_("Filled in"), "%", numeric=True),
        Column(_("Withheld"), "%", numeric=True, note=_("of all figures")),
    )
    return Table("coverage_of_sources", _("Coverage of areas, figures filled in, figures withheld"), columns, tuple(lines))


def _areas(source: Source, present: pd.DataFrame) -> tuple[Cell, Cell]:
    places = area_tiles(source.country)
    annual = present[(present["frequency"] == "annual").to_numpy(bool) & present["area"].isin(list(places)).to_numpy(bool)]
    if not len(annual):
        return no_figure(), no_figure()
    newest = annual[annual["period"] == max(annual["period"])]
    return count_cell(newest["area"].nunique()), count_cell(len(places))


def _finality(sources: Sequence[Source], figures: Mapping[str, pd.DataFrame]) -> Table:
    lines = []
    for source in sources:
        own = figures[source.id]
        final = own[((own["edition"] == "final") & (own["frequency"] == "annual") & (own["derivation"] == "")).to_numpy(bool)]
        if len(final):
            period = max(final["period"])
            first: dt.date = min(final.loc[final["period"] == period, "known_at"])
            days = count_cell((first - Period.parse(period).end).days)
            lines.append((source_cell(source), text_cell(period), *led_to(source_address(source, "delivered"), [days])))
    columns = (Column(_("Source"), native="出典"), Column(_("Year")), Column(_("Final after"), _("days"), numeric=True))
    notes = (
        _(
            "TP2, of the newest year with figures in force that the publisher calls final; a file that another has replaced "
            "since does not count."
        ),
        _(
            "Where only the month or the year of a publication is known, its last day counts, and where a file is known by a "
            "copy alone, the day on which it was copied: the days are then the most that it can have been."
        ),
    )
    return Table("days_to_final", _("From the end of a year to its final figures"), columns, tuple(lines), notes=notes)


def late_reports(sources: Sequence[Source], evidence: Evidence) -> Table:
    """Of sources with two vintages of records: rows that a later file adds to the two newest months that the earlier one had."""
    lines = []
    for source in sources:
        own = evidence.records[(evidence.records["source"] == source.id).to_numpy(bool)]
        again = own[own["snapshot_before"].notna().to_numpy(bool) & (own["rows_before"] > 0).to_numpy(bool)]
        if not len(again):
            continue
        newest = again[again["vintage"] == max(again["vintage"])]
        for month in sorted(set(newest["month"]))[-2:]:
            row = newest[newest["month"] == month].iloc[-1]
            share = Decimal(int(row["rows_added"]) * 100) / int(row["rows_before"])
            lines.append(
                (
                    source_cell(source),
                    text_cell(month),
                    *led_to(
                        source_address(source, "delivered"),
                        (count_cell(int(row["rows_before"])), count_cell(int(row["rows_added"])), number_cell(share)),
                    ),
                )
            )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Month")),
        Column(_("Rows before"), numeric=True),
        Column(_("Rows added"), numeric=True),
        Column(_("Added"), "%", numeric=True),
    )
    return Table("late_reports", _("Reports that came later"), columns, tuple(lines))
