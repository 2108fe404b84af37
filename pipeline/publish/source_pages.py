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
from pipeline.publish.evidence import Evidence
from pipeline.publish.freshness import Freshness, freshness_of
from pipeline.publish.selection import parsed
from pipeline.publish.tables import Cell, Column, Table, period_label, text_cell
from pipeline.sources.catalogue import Source


def source_sections(source: Source, figures: pd.DataFrame, evidence: Evidence, day: dt.date) -> list[Section]:
    """Coverage and freshness, revisions, files."""
    return [
        Section(
            "coverage",
            "Coverage and freshness",
            "収録範囲",
            freshness_sentences(freshness_of(figures, source, day), source, day),
            (Item(table=_coverage(source, figures)),) if len(figures) else (),
        ),
        Section("revisions", "Revisions", "改訂", *_revisions(source, evidence)),
        Section("delivered", "Files", "受領ファイル", (_FILES,), (Item(table=_files(source, evidence)),)),
    ]


_FILES = (
    "Every file as it was received. A file that was refused is kept, and none of its figures is used; rows that broke a rule are "
    "set aside. All rows that were read are accepted or set aside."
)


def freshness_sentences(found: Freshness, source: Source, day: dt.date) -> tuple[str, ...]:
    """What the source has of what it should have on `day`."""
    if found.newest is None:
        return (f"On {day.isoformat()} nothing of it was known.",)
    state = "up to date" if found.is_fresh else "late"
    declared = [period_label(str(code)) for code in source.meta.get("holes", ())]
    holes = "; ".join(_stretches(found.holes))
    lacking = f"Periods without a figure between the first and the last: {holes}." if holes else "No period is lacking."
    return (
        f"On {day.isoformat()} it was {state}: the newest figures end on {found.newest.isoformat()}, those of "
        f"{period_label(found.expected.code)} were expected.",
        lacking,
        *([f"Declared as a hole of the publication: {', '.join(declared)}."] if declared else []),
    )


def _stretches(codes: Sequence[str]) -> list[str]:
    """Periods in words, those that follow each other as one stretch."""
    runs: list[list[Period]] = []
    for period in map(Period.parse, codes):
        if runs and (period.start - runs[-1][-1].end).days == 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    return [" to ".join(dict.fromkeys((period_label(run[0].code), period_label(run[-1].code)))) for run in runs]


def _coverage(source: Source, figures: pd.DataFrame) -> Table:
    groups = figures.groupby(["table", "frequency"], sort=True, observed=True)
    lines = []
    for (table, frequency), own in groups:
        codes = sorted(set(own["period"]), key=lambda code: (parsed(code).end, code))
        absent = int((own["absence"] != "").sum())
        printed = int(own["derivation"].isin(["", "records"]).sum())
        declared = source.tables.get(str(table))
        lines.append(
            (
                text_cell(declared.title if declared else table, native=declared.title_ja if declared else "", header=True),
                text_cell(str(frequency).replace("_", " ")),
                text_cell(codes[0]),
                text_cell(codes[-1]),
                *(count_cell(number) for number in (len(codes), printed, len(own) - printed, absent)),
            )
        )
    columns = (
        Column("Table", native="表"),
        Column("Kind of period"),
        Column("First"),
        Column("Last"),
        Column("Periods", numeric=True),
        Column("Figures of the publisher", numeric=True, note="printed, or counted from its records"),
        Column("Figures derived here", numeric=True),
        Column("Without a value", numeric=True, note="their absence code says why"),
    )
    return Table("coverage_by_table", "What there is, by table", columns, tuple(lines))


def count_cell(number: int) -> Cell:
    """A number of things, which is a figure of its own and no observation."""
    return Cell(f"{number:,}", value=Decimal(number), is_figure=True)


def _revisions(source: Source, evidence: Evidence) -> tuple[tuple[str, ...], tuple[Item, ...]]:
    days = sorted(
        {day for day, name in zip(evidence.vintages["vintage"], evidence.vintages["source"], strict=True) if name == source.id}
    )
    own = evidence.revisions[(evidence.revisions["source"] == source.id).to_numpy(bool)]
    if len(days) < 2:
        return (("Only one vintage of it is known: nothing can be said of revisions.",), ())
    counted: dict[dt.date, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for day, change in zip(own["vintage"], own["change"], strict=True):
        counted[day][change] += 1
    kinds = [kind for kind in CHANGES if any(counts[kind] for counts in counted.values())]
    lines = tuple(
        (text_cell(day.isoformat(), header=True), *(count_cell(counted[day][kind]) for kind in kinds)) for day in reversed(days)
    )
    columns = (
        Column("Known from"),
        *(Column(kind.replace("_", " ").capitalize(), numeric=True, note=CHANGES[kind]) for kind in kinds),
    )
    notes = ("Printed and derived figures of tables and periods that were known before; a first printing is no revision.",)
    table = Table("vintages_of_source", "Figures that changed, by the day from which it was known", columns, lines, notes=notes)
    return (
        (f"{len(days)} vintages are known, from {days[0].isoformat()} to {days[-1].isoformat()}.",),
        (listed_item(table),) if kinds else (),
    )


def _files(source: Source, evidence: Evidence) -> Table:
    snapshots = evidence.of_source(source.id)
    columns = (
        Column("Snapshot"),
        Column("File"),
        Column("Published"),
        Column("Known from"),
        Column("Edition"),
        Column("Verdict"),
        Column("Rows read", numeric=True),
        Column("Set aside", numeric=True),
        Column("sha256"),
    )
    return Table("files", "Files, oldest first", columns, tuple(_file_line(item, evidence) for item in snapshots))


def _file_line(item: Snapshot, evidence: Evidence) -> tuple[Cell, ...]:
    verdict = evidence.verdict(item)
    return (
        text_cell(item.id, header=True),
        text_cell(item.file),
        text_cell(item.published or "not stated"),
        text_cell(item.known_at.isoformat()),
        text_cell("not stated" if item.edition == "unknown" else item.edition, title=EDITIONS.get(item.edition, "")),
        text_cell(verdict.get("status", "not judged")),
        count_cell(int(verdict.get("read", 0))),
        count_cell(int(verdict.get("quarantined", 0))),
        text_cell(item.sha256),
    )
