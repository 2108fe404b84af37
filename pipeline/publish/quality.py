"""The site's page on quality: indicators of each source, and which of the tables that official fraud statistics have are made.

In: the view (OBSERVATION_COLUMNS), the declared sources, the evidence, the day as of which the site speaks. Out: sections of
tables; those on accuracy and the list of all indicators come from pipeline.publish.quality_indicators.

Indicators follow the ESS quality and performance indicators (R1 completeness, A5 item non-response, A6 revisions, TP1
timeliness, CC2 length of comparable series); every one is computed, and one that cannot be is [x] and never 0.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

import numpy as np
import pandas as pd

from pipeline.model import DIMENSIONS, TOTAL, Period
from pipeline.publish.content import Item, Section
from pipeline.publish.evidence import Evidence
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.freshness import freshness_of
from pipeline.publish.labels import dimension_title, in_both
from pipeline.publish.marks import NO_ROW
from pipeline.publish.measures import counting, measure_and_unit
from pipeline.publish.period_labels import period_label
from pipeline.publish.quality_indicators import indicator_list, indicator_tables, late_reports, release_address, source_address
from pipeline.publish.register import register_tables
from pipeline.publish.revision_tables import percent_cell, rounded_cell
from pipeline.publish.revisions import HeadlineHistory, revision_statistics
from pipeline.publish.roles import parsed
from pipeline.publish.series_titles import family_title, source_title
from pipeline.publish.source_facts import source_page_name
from pipeline.publish.source_pages import count_cell, table_cell
from pipeline.publish.tables import Cell, Column, Table, led_to, text_cell
from pipeline.publish.words import _, declared, listed, page_name
from pipeline.publish.words import day as words_of_day
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.sources.catalogue import Source

_TENTH = Decimal("0.1")
_STATUS_WORDS = {
    "exact": _("Exact"),
    "within_precision": _("Within precision"),
    "different": _("Different"),
    "not_comparable": _("Not comparable"),
}


def quality_sections(
    sources: Sequence[Source],
    view: pd.DataFrame,
    evidence: Evidence,
    histories: Sequence[HeadlineHistory],
    families: Families,
    day: dt.date,
    published: Mapping[str, str] = MappingProxyType({}),
) -> list[Section]:
    """Indicators, reconciliation, revisions, non-response, comparability, and the register of tables.

    `published`: the periods that have a release -> its address, in English. Figures of these tables lead to the page of the
    source that they are counted of, or to the release that shows what they are computed of.
    """
    used = [source for source in sources if len(evidence.of_source(source.id)) or bool((view["source"] == source.id).any())]
    figures = {source.id: view[(view["source"] == source.id).to_numpy(bool)] for source in used}
    register, by_release = register_tables(view, published, families, _printed_again(evidence, histories))
    tables = (
        ("completeness", _("Files, rows and completeness"), "完全性", (_COMPLETE,), _completeness(used, figures, evidence, day)),
        ("timeliness", _("Timeliness"), "適時性", (_TIMELY,), _timeliness(used, figures, evidence, families)),
        ("agreement", _("Agreement with published totals"), "公表値との突合", (_AGREEMENT,), _agreement(used, evidence)),
        (
            "size-of-revisions",
            _("Size of revisions"),
            "改訂の大きさ",
            (_REVISED,),
            _revision_sizes(histories, families, published),
        ),
        ("coding", _("Coding"), "格付", (_CODING,), _coding(used, figures)),
        ("non-response", _("What reports do not say"), "無回答", (_NON_RESPONSE,), _non_response(used, figures, published)),
        ("tables", _("Tables of official fraud statistics"), "統計表一覧", (_REGISTER,), register),
    )
    made = [Section(name, title, native, lead, (Item(table=table),)) for name, title, native, lead, table in tables]
    *others, last = made
    further = [
        *indicator_tables(used, figures, evidence, published),
        *(late for late in (late_reports(used, evidence),) if late.rows),
    ]
    present = {table.id: table.title for table in (*further, *(table for *__, table in tables)) if table.rows}
    return [
        Section("all-indicators", _("All indicators"), "品質指標一覧", (_ALL,), (Item(table=indicator_list(present)),)),
        *others,
        Section(
            "accuracy",
            _("Accuracy, coverage and coherence"),
            "正確性・網羅性・整合性",
            (),
            tuple(Item(table=table) for table in further),
        ),
        dataclasses.replace(last, items=(*last.items, *([Item(table=by_release)] if by_release.rows else []))),
    ]


_ALL = _(
    "What the European Statistical System and we ask of every source: the formula, who defined it, the table below with its "
    "values, or why it cannot be computed. Nothing is estimated to fill a line."
)
_COMPLETE = _(
    "R1: of the regular periods between the first and the last, those of which we hold a printed figure. Where it is low, we "
    "could not have all files of the source: it says nothing of the publisher. Rows set aside broke a rule and enter no figure; "
    "nothing is put in their place. Withheld: figures that we keep back to protect persons; all sources are published "
    "statistics or hold no persons."
)
_TIMELY = _(
    "TP1: days from the end of the newest regular period to the first publication of it that we hold; a period before whose "
    "end the file ends is not counted. No publisher here "
    "announces days in advance that we hold, so punctuality (TP3) is not known. Where only the month or the year of a "
    "publication is known, its last day counts, and where a file is known by a copy alone, the day on which it was copied: the "
    "days are then the most that it can have been."
)
_AGREEMENT = _(
    "Our figures beside totals that the publishers print in reports, press releases and tables of their own; each release "
    "lists those of its period with reasons, and those of a period without a release are among the not comparable. Where the "
    "published total stands in the very file that is read, agreement says that the file was read right, and no more."
)
_REVISED = _(
    "R = latest less first figure, over the years of the newest annual release that were printed more than once. Mean "
    "revision, mean absolute revision, and the sum of |R| relative to the sum of the first figures (McKenzie and Gamba; "
    "OECD). A difference that the rounding of the two figures explains is no revision."
)
_CODING = _(
    "Of the crosswalk's labels, those that only overlap a common code. Of the newest year with a breakdown by type, the "
    "share of cases and of loss under types that are unknown. Comparable years: those with a figure, from the last declared "
    "break of the total on; of a source with several totals each."
)
_NON_RESPONSE = _(
    "A5: of the newest year or part of it, cases under unknown in each breakdown, as a share of the total; the same of "
    "the loss where the publisher gives it."
)
_REGISTER = _(
    "What the best published summaries hold together. Not made: the reason, or the field that no source gives. Each "
    "release makes a table for the periods for which its sources have it."
)


def _printed_again(evidence: Evidence, histories: Sequence[HeadlineHistory]) -> set[str]:
    """The sources of figures with more than one printing, by themselves or one after the other."""
    known = evidence.vintages.drop_duplicates().groupby(["source", "table", "frequency", "period"], observed=True).size()
    again = {str(source) for source, *_ in known[known > 1].index}
    return again | {vintage.source for item in histories if item.printed_again for vintage in item.vintages}


def _absent() -> Cell:
    return Cell(NO_ROW, marks=(NO_ROW,), is_figure=True)


def _share_cell(part: Decimal | int | None, whole: Decimal | int | None) -> Cell:
    """A share in per cent; [x] where there is no whole."""
    if part is None or not whole:
        return _absent()
    share = (Decimal(part) * 100 / Decimal(whole)).quantize(_TENTH, ROUND_HALF_EVEN)
    return Cell(f"{share}", value=share, is_figure=True)


def _source_cell(source: Source) -> Cell:
    return text_cell(source_title(source), header=True, href=page_name(source_page_name(source.id)))


def _completeness(sources: Sequence[Source], figures: dict[str, pd.DataFrame], evidence: Evidence, day: dt.date) -> Table:
    lines = []
    for source in sources:
        snapshots = evidence.of_source(source.id)
        verdicts = [evidence.verdict(item) for item in snapshots]
        read, aside = (sum(int(verdict.get(name, 0)) for verdict in verdicts) for name in ("read", "quarantined"))
        found = freshness_of(figures[source.id], source, day)
        withheld = int((figures[source.id]["absence"] == "suppressed").sum())
        inputs = hashlib.sha256("\n".join(sorted(item.sha256 for item in snapshots)).encode()).hexdigest()
        lines.append(
            (
                _source_cell(source),
                *led_to(
                    source_address(source, "delivered"),
                    (
                        count_cell(len(snapshots)),
                        count_cell(sum(verdict.get("status") == "refused" for verdict in verdicts)),
                        count_cell(read),
                        _share_cell(aside, read),
                    ),
                ),
                *led_to(
                    source_address(source, "coverage"),
                    (
                        count_cell(found.periods),
                        _share_cell(found.periods, found.periods + len(found.holes)),
                        text_cell(_("yes") if found.is_fresh else _("late")),
                        count_cell(withheld),
                    ),
                ),
                text_cell(inputs[:12], title=inputs),
            )
        )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Files"), numeric=True),
        Column(_("Refused"), numeric=True),
        Column(_("Rows read"), numeric=True),
        Column(_("Rows set aside"), "%", numeric=True),
        Column(_("Regular periods"), numeric=True),
        Column(_("Complete (R1)"), "%", numeric=True),
        Column(_("Up to date"), note=_("on {day}, by the publisher's calendar", day=words_of_day(day))),
        Column(_("Withheld"), numeric=True),
        Column(_("Hash of inputs"), note=_("sha256 over the sorted sha256 of its files")),
    )
    return Table("completeness_of_sources", _("As of {day}", day=words_of_day(day)), columns, tuple(lines))


def _timeliness(sources: Sequence[Source], figures: dict[str, pd.DataFrame], evidence: Evidence, families: Families) -> Table:
    first: dict[tuple[str, str], dt.date] = {}
    for name, code, known in zip(*(evidence.vintages[column] for column in ("source", "period", "vintage")), strict=True):
        first[(name, code)] = min(known, first.get((name, code), known))
    lines = []
    for source in sources:
        frequency = source.meta["expected"]["frequency"]
        codes = {code for (name, code) in first if name == source.id and parsed(code).frequency == frequency}
        newest = _newest_whole([parsed(code) for code in codes], figures[source.id], families)
        days = (first[(source.id, newest.code)] - newest.end).days if newest else None
        lines.append(
            (
                _source_cell(source),
                text_cell(declared(frequency.replace("_", " "))),
                text_cell(period_label(newest.code) if newest else _("none")),
                *led_to(
                    source_address(source, "delivered"),
                    (
                        count_cell(days) if days is not None else _absent(),
                        count_cell(int(source.meta["expected"]["months_after"])),
                    ),
                ),
            )
        )
    columns = (
        Column(_("Source"), native="出典"),
        Column(_("Regular period")),
        Column(_("Newest")),
        Column(_("First publication after"), _("days"), numeric=True),
        Column(_("Expected within"), _("months"), numeric=True),
    )
    return Table("timeliness_of_sources", _("From the end of a period to its publication"), columns, tuple(lines))


def _newest_whole(periods: Sequence[Period], figures: pd.DataFrame, families: Families) -> Period | None:
    """The newest of them that no file of its figures ends within: a file that is cut short does not publish the period."""
    totals = figures[(figures["native_type"] == TOTAL).to_numpy(bool)]
    for period in sorted(periods, reverse=True):
        if not families.file_end(totals[(totals["period"] == period.code).to_numpy(bool)].itertuples(index=False)):
            return period
    return None


def _agreement(sources: Sequence[Source], evidence: Evidence) -> Table:
    found = collections.Counter(
        zip(evidence.reconciliation["source"].astype(str), evidence.reconciliation["status"].astype(str), strict=True)
    )
    listing = [source for source in sources if any(name == source.id for name, __ in found)]
    lines = tuple(
        (
            _source_cell(source),
            *led_to(page_name("index.html#releases"), (count_cell(found[(source.id, status)]) for status in _STATUS_WORDS)),
        )
        for source in listing
    )
    columns = (Column(_("Source"), native="出典"), *(Column(words, numeric=True) for words in _STATUS_WORDS.values()))
    return Table("agreement_by_source", _("Published totals beside ours"), columns, lines)


def _revision_sizes(histories: Sequence[HeadlineHistory], families: Families, published: Mapping[str, str]) -> Table:
    lines = []
    years = [period for period in published if parsed(period).frequency == "annual"]
    newest = page_name(f"{published[max(years)]}#revisions") if years else ""
    for (family, measure, unit), (count, mean, absolute, relative) in revision_statistics(histories).items():
        english, native = family_title(family, families)
        with counting(families.country(family)):
            measured = measure_and_unit(measure, unit)
        lines.append(
            (
                text_cell(english, native=native, header=True),
                text_cell(measured),
                *led_to(
                    newest,
                    (
                        count_cell(count),
                        rounded_cell(mean, unit, sign="+"),
                        rounded_cell(absolute, unit),
                        percent_cell(relative) if relative is not None else _absent(),
                    ),
                ),
            )
        )
    columns = (
        Column(_("Series")),
        Column(_("Measure")),
        Column(_("Years"), numeric=True),
        Column(_("Mean revision"), numeric=True),
        Column(_("Mean absolute revision"), numeric=True),
        Column(_("Relative mean absolute revision"), "%", numeric=True),
    )
    return Table("revision_sizes", _("Annual totals, latest less first"), columns, tuple(lines))


def _coding(sources: Sequence[Source], figures: dict[str, pd.DataFrame]) -> Table:
    lines = []
    for source in sources:
        path = source.folder / "crosswalk.csv"
        rows = [row for stretch in crosswalk_rows(path).values() for row in stretch] if path.is_file() else []
        plain = _plain_annual(source, figures[source.id])
        lines.append(
            (
                _source_cell(source),
                *led_to(
                    source_address(source, "coverage"),
                    (
                        count_cell(len(rows)),
                        _share_cell(sum(row["match"] == "partial" for row in rows), len(rows)),
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
    kept = (figures["frequency"] == "annual") & (figures["absence"] == "") & ~figures["overlay"].astype(bool)
    kept &= figures["area"].map(is_country).astype(bool) & figures["unit"].isin(["cases", source.currency])
    for name in DIMENSIONS:
        kept &= figures[name].isin(NO_BREAKDOWN)
    return figures[kept.to_numpy(bool)]


def _unknown_share(plain: pd.DataFrame, measure: str) -> Cell:
    own = plain[plain["measure"] == measure]
    typed = own[own["native_type"] != TOTAL]
    if not len(typed):
        return _absent()
    newest = max(typed["period"])
    table = sorted(set(typed.loc[typed["period"] == newest, "table"]))[0]
    inside = own[(own["period"] == newest) & (own["table"] == table)]
    total = inside.loc[inside["native_type"] == TOTAL, "value"]
    if len(set(total)) != 1:
        return _absent()
    unknown = sum(inside.loc[inside["fraud_type"].isin(["UNK", "_U"]) & (inside["native_type"] != TOTAL), "value"], Decimal(0))
    return _share_cell(unknown, total.iloc[0])


def _comparable_years(source: Source, plain: pd.DataFrame) -> Cell:
    """The years of each total; the number alone where all totals have the same."""
    leading = source.meta.get("headline_tables", list(source.tables))
    totals = plain[(plain["native_type"] == TOTAL) & plain["measure"].isin(["cases", "loss"]) & plain["table"].isin(leading)]
    if not len(totals):
        return _absent()
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


def _non_response(sources: Sequence[Source], figures: dict[str, pd.DataFrame], published: Mapping[str, str]) -> Table:
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
            shares.append(_share_cell(sum(unknown, Decimal(0)), total.iloc[0]) if known else _absent())
    return (
        _source_cell(source),
        dataclasses.replace(table_cell(source, table), native="", is_header=False),
        text_cell(dimension_title(dimension).lower()),
        text_cell(period_label(period.code)),
        *led_to(release_address(published, period.code, source), shares),
    )


def _by_end(period: Period) -> tuple[dt.date, dt.date]:
    return (period.end, period.start)
