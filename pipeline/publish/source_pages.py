"""The site's page about one source: what is declared of it, what it has delivered, how fresh it is and how it was revised.

In: the source's figures, its declarations, the evidence, and the day as of which the site speaks. Out: sections of tables.
"""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from pipeline.model import CHANGES, EDITIONS, Period, Snapshot
from pipeline.publish.content import Item, Section, listed_item
from pipeline.publish.countries import FACETS
from pipeline.publish.evidence import Evidence
from pipeline.publish.freshness import Freshness, freshness_of
from pipeline.publish.labels import edition_word, in_both, label_of
from pipeline.publish.languages import N_
from pipeline.publish.period_labels import period_label
from pipeline.publish.revision_tables import change_word
from pipeline.publish.roles import parsed
from pipeline.publish.tables import Cell, Column, Table, led_to, text_cell
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, Words, _, declared, listed, only_english, page_name
from pipeline.publish.words import day as words_of_day
from pipeline.reference import comparability_words
from pipeline.sources.catalogue import Source

_STATUS_WORDS = {"accepted": _("accepted"), "refused": _("refused")}


def source_sections(source: Source, figures: pd.DataFrame, evidence: Evidence, day: dt.date) -> list[Section]:
    """Coverage and freshness, caveats in common words, revisions, files."""
    return [
        Section(
            "coverage",
            _("Coverage and freshness"),
            "収録範囲",
            freshness_sentences(freshness_of(figures, source, day), source, day),
            (Item(table=_coverage(source, figures)),) if len(figures) else (),
        ),
        Section("caveats", _("Caveats in words that all sources share"), "共通の用語による注意事項", *_caveats(source)),
        Section("revisions", _("Revisions"), "改訂", *_revisions(source, evidence)),
        Section("delivered", _("Files"), "受領ファイル", (_FILES,), (Item(table=_files(source, evidence)),)),
    ]


_CAVEATS = _(
    "Each word is one of a list that all sources use, with a meaning of its own: where every word is the same, and none is not "
    "stated, two series may be compared. A code leads to its list."
)


def _caveats(source: Source) -> tuple[tuple[str, ...], tuple[Item, ...]]:
    """What the source's headline series count and how, in the codes of comparability.csv; what a table has otherwise, too."""
    words = source.meta.get("comparability", {})
    if not words:
        return ((_("Its series are not set beside those of other countries, so nothing is said of them in these words."),), ())
    lines = [_caveat(facet, title, str(words[facet])) for facet, title in FACETS.items()]
    for name, otherwise in words.get("except", {}).items():
        table = in_both(source.tables[name].title, source.tables[name].title_ja)
        for facet, code in otherwise.items():
            lines.append(_caveat(facet, _("{caveat} ({table})", caveat=FACETS[facet], table=table), str(code)))
    columns = (Column(_("Caveat")), Column(_("Word")), Column(_("Meaning")), Column(_("Code")))
    return ((_CAVEATS,), (Item(table=Table("caveats", _("Caveats in words that all sources share"), columns, tuple(lines))),))


def _caveat(facet: str, title: str, code: str) -> tuple[Cell, ...]:
    found = comparability_words(facet)[code]
    return (
        text_cell(title, header=True),
        text_cell(label_of(found)),
        text_cell(declared(found.definition)),
        text_cell(Own(code), href=page_name(f"methods.html#table-comparability_{facet}")),
    )


_FILES = _(
    "Every file as it was received. A file that was refused is kept, and none of its figures is used; rows that broke a rule are "
    "set aside. All rows that were read are accepted or set aside."
)


def freshness_sentences(found: Freshness, source: Source, day: dt.date) -> tuple[str, ...]:
    """What the source has of what it should have on `day`."""
    if found.newest is None:
        return (_("On {day} nothing of it was known.", day=words_of_day(day)),)
    about = {
        "day": words_of_day(day),
        "newest": words_of_day(found.newest),
        "expected": period_label(found.expected.code),
    }
    if found.is_fresh:
        state = _("On {day} it was up to date: the newest figures end on {newest}, those of {expected} were expected.", **about)
    else:
        state = _("On {day} it was late: the newest figures end on {newest}, those of {expected} were expected.", **about)
    lacking = _("No period is lacking.")
    if found.holes:
        holes = listed(_stretches(found.holes), "; ")
        lacking = _("Periods without a figure between the first and the last: {periods}.", periods=holes)
    known = [period_label(str(code)) for code in source.meta.get("holes", ())]
    said = [_("Declared as a hole of the publication: {periods}.", periods=listed(known))] if known else []
    return (state, lacking, *said)


def _stretches(codes: Sequence[str]) -> list[Words]:
    """Periods in words, those that follow each other as one stretch."""
    runs: list[list[Period]] = []
    for period in map(Period.parse, codes):
        if runs and (period.start - runs[-1][-1].end).days == 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    return [listed(dict.fromkeys((period_label(run[0].code), period_label(run[-1].code))), " to ") for run in runs]


def _coverage(source: Source, figures: pd.DataFrame) -> Table:
    groups = figures.groupby(["table", "frequency"], sort=True, observed=True)
    lines = []
    for (table, frequency), own in groups:
        codes = sorted(set(own["period"]), key=lambda code: (parsed(code).end, code))
        absent = int((own["absence"] != "").sum())
        printed = int(own["derivation"].isin(["", "records"]).sum())
        lines.append(
            (
                table_cell(source, str(table)),
                text_cell(declared(str(frequency).replace("_", " "))),
                text_cell(period_label(codes[0])),
                text_cell(period_label(codes[-1])),
                *led_to(
                    page_name("index.html#releases"),
                    (count_cell(number) for number in (len(codes), printed, len(own) - printed, absent)),
                ),
            )
        )
    columns = (
        Column(_("Table"), native="表"),
        Column(_("Kind of period")),
        Column(_("First")),
        Column(_("Last")),
        Column(_("Periods"), numeric=True),
        Column(_("Figures of the publisher"), numeric=True, note=_("printed, or counted from its records")),
        Column(_("Figures derived here"), numeric=True),
        Column(_("Without a value"), numeric=True, note=_("their absence code says why")),
    )
    return Table("coverage_by_table", _("What there is, by table"), columns, tuple(lines))


def table_cell(source: Source, table: str) -> Cell:
    """The title of one of the source's tables."""
    found = source.tables.get(table)
    if found is None:
        return text_cell(Own(table), header=True)
    return text_cell(in_both(found.title, found.title_ja), native=only_english(found.title_ja), header=True)


FREQUENCY_WORDS = (
    N_("annual"),
    N_("half yearly"),
    N_("quarterly"),
    N_("monthly"),
    N_("fiscal year"),
    N_("year to date"),
    N_("span"),
    N_("day"),
)


def count_cell(number: int) -> Cell:
    """A number of things, which is a figure of its own and no observation."""
    return Cell(f"{number:,}", value=Decimal(number), is_figure=True)


def _revisions(source: Source, evidence: Evidence) -> tuple[tuple[str, ...], tuple[Item, ...]]:
    days = sorted(
        {day for day, name in zip(evidence.vintages["vintage"], evidence.vintages["source"], strict=True) if name == source.id}
    )
    own = evidence.revisions[(evidence.revisions["source"] == source.id).to_numpy(bool)]
    if len(days) < 2:
        return ((_("Only one vintage of it is known: nothing can be said of revisions."),), ())
    counted: dict[dt.date, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for day, change in zip(own["vintage"], own["change"], strict=True):
        counted[day][change] += 1
    kinds = [kind for kind in CHANGES if any(counts[kind] for counts in counted.values())]
    lines = tuple(
        (text_cell(day.isoformat(), header=True), *led_to("#delivered", (count_cell(counted[day][kind]) for kind in kinds)))
        for day in reversed(days)
    )
    columns = (
        Column(_("Known from")),
        *(Column(change_word(kind).capitalize(), numeric=True, note=declared(CHANGES[kind])) for kind in kinds),
    )
    notes = (_("Printed and derived figures of tables and periods that were known before; a first printing is no revision."),)
    title = _("Figures that changed, by the day from which it was known")
    table = Table("vintages_of_source", title, columns, lines, notes=notes)
    first, last = words_of_day(days[0]), words_of_day(days[-1])
    return (
        (_("{count} vintages are known, from {first} to {last}.", count=len(days), first=first, last=last),),
        (listed_item(table),) if kinds else (),
    )


def _files(source: Source, evidence: Evidence) -> Table:
    snapshots = evidence.of_source(source.id)
    columns = (
        Column(_("Snapshot")),
        Column(_("File")),
        Column(_("Published on")),
        Column(_("Known from")),
        Column(_("Edition")),
        Column(_("Verdict")),
        Column(_("Rows read"), numeric=True),
        Column(_("Set aside"), numeric=True),
        Column("sha256"),
    )
    return Table("files", _("Files, oldest first"), columns, tuple(_file_line(item, evidence) for item in snapshots))


def _file_line(item: Snapshot, evidence: Evidence) -> tuple[Cell, ...]:
    verdict = evidence.verdict(item)
    return (
        text_cell(item.id, header=True),
        text_cell(Own(clean(item.file))),
        text_cell(item.published or _("not stated")),
        text_cell(item.known_at.isoformat()),
        text_cell(edition_word(item.edition), title=declared(EDITIONS.get(item.edition, ""))),
        text_cell(_STATUS_WORDS.get(str(verdict.get("status")), verdict.get("status", _("not judged")))),
        count_cell(int(verdict.get("read", 0))),
        count_cell(int(verdict.get("quarantined", 0))),
        text_cell(item.sha256),
    )
