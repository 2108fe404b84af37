"""Completeness, timeliness, agreement and revisions of the sources as tables of the site's page on quality.

In: the declared sources, their figures (OBSERVATION_COLUMNS by source), the evidence, the histories of headline figures. Out:
one table of each.
"""

from __future__ import annotations

import collections
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

import pandas as pd

from pipeline.model import TOTAL, Period
from pipeline.publish.evidence import Evidence
from pipeline.publish.families import Families
from pipeline.publish.freshness import freshness_of
from pipeline.publish.measures import counting, measure_and_unit
from pipeline.publish.period_labels import period_label
from pipeline.publish.quality_cells import no_figure, share_cell, source_address, source_cell
from pipeline.publish.revision_tables import percent_cell, rounded_cell
from pipeline.publish.revisions import HeadlineHistory, revision_statistics
from pipeline.publish.roles import parsed
from pipeline.publish.series_titles import family_title
from pipeline.publish.source_pages import count_cell
from pipeline.publish.tables import Column, Table, led_to, text_cell
from pipeline.publish.words import _, declared, listed, page_name
from pipeline.publish.words import day as words_of_day
from pipeline.sources.catalogue import Source

_STATUS_WORDS = {
    "exact": _("Exact"),
    "within_precision": _("Within precision"),
    "different": _("Different"),
    "not_comparable": _("Not comparable"),
}


def completeness(sources: Sequence[Source], figures: dict[str, pd.DataFrame], evidence: Evidence, day: dt.date) -> Table:
    """Of each source: files, rows, rows set aside, regular periods with a figure, what is withheld, the hash of its inputs."""
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
                source_cell(source),
                *led_to(
                    source_address(source, "delivered"),
                    (
                        count_cell(len(snapshots)),
                        count_cell(sum(verdict.get("status") == "refused" for verdict in verdicts)),
                        count_cell(read),
                        share_cell(aside, read),
                    ),
                ),
                *led_to(
                    source_address(source, "coverage"),
                    (
                        count_cell(found.periods),
                        share_cell(found.periods, found.periods + len(found.holes)),
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


def timeliness(sources: Sequence[Source], figures: dict[str, pd.DataFrame], evidence: Evidence, families: Families) -> Table:
    """Of each source: days from the end of its newest regular period to its first publication, beside what is expected."""
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
                source_cell(source),
                text_cell(declared(frequency.replace("_", " "))),
                text_cell(period_label(newest.code) if newest else _("none")),
                *led_to(
                    source_address(source, "delivered"),
                    (
                        count_cell(days) if days is not None else no_figure(),
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


def agreement(sources: Sequence[Source], evidence: Evidence) -> Table:
    """Of each source: how many published totals agree with ours, how many do not, and why."""
    found = collections.Counter(
        zip(evidence.reconciliation["source"].astype(str), evidence.reconciliation["status"].astype(str), strict=True)
    )
    listing = [source for source in sources if any(name == source.id for name, __ in found)]
    lines = tuple(
        (
            source_cell(source),
            *led_to(page_name("index.html#releases"), (count_cell(found[(source.id, status)]) for status in _STATUS_WORDS)),
            text_cell(_why_different(evidence.reconciliation, source.id)),
        )
        for source in listing
    )
    columns = (
        Column(_("Source"), native="出典"),
        *(Column(words, numeric=True) for words in _STATUS_WORDS.values()),
        Column(_("Why they differ")),
    )
    return Table("agreement_by_source", _("Published totals beside ours"), columns, lines)


def _why_different(reconciliation: pd.DataFrame, source_id: str) -> str:
    """The reasons of the source's differences, the most frequent first; of several, each with its number of figures."""
    own = reconciliation[(reconciliation["source"] == source_id) & (reconciliation["status"] == "different")]
    reasons = collections.Counter(own["explanation"].astype(str)).most_common()
    words = [_("reason unknown") if reason == "unknown" else declared(reason) for reason, __ in reasons]
    if len(words) > 1:
        counts = [count for __, count in reasons]
        words = [_("{reason} (figures: {count})", reason=word, count=count) for word, count in zip(words, counts, strict=True)]
    return listed(words, "; ") if words else ""


def revision_sizes(histories: Sequence[HeadlineHistory], families: Families, published: Mapping[str, str]) -> Table:
    """Of each series with years that were printed more than once: mean, absolute and relative revision of its annual totals."""
    lines = []
    years = [period for period in published if parsed(period).frequency == "annual"]
    newest = page_name(f"{published[max(years)]}#revisions") if years else ""
    for (family, measure, unit), (count, mean, absolute, relative) in revision_statistics(histories).items():
        english, native = family_title(family, families)
        with counting(families.counts(family)):
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
                        percent_cell(relative) if relative is not None else no_figure(),
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
