"""A release: everything that is published about one period, from the derived view to the bytes of its files.

In: `ReleaseInput`, with the view as a frame of OBSERVATION_COLUMNS. Out: a dictionary of file names and bytes:

    index.html             the first page, self-contained: at a glance, over time, countries, the main tables of each series
    tables_<section>.html  the further tables of a section of the first page
    chart_<name>.svg       each chart, to stand alone
    trace_<source>.html    for every figure the cells or rows that it comes from, and how it was made
    summary.xlsx           the same tables as a workbook
    <source>_<table>.csv   tidy rows of each table of each source, with the address of every figure
    findings.csv           what several sources print for one figure
    reconciliation.csv     what publishers print elsewhere, against ours
    comparison.csv         several countries side by side, where two or more have figures
    contributions.csv      what each type adds to the change on the year, where types of both years are known
    seasonally_adjusted.csv  months without their season, where a series is long enough
    revisions.csv          what changed on the last day on which more became known; its columns alone where nothing did
    vintages.csv           the totals of loss and cases as they stood on each day, with the cells that they were read from
    observations.parquet   every row that the release is made from (OBSERVATION_SCHEMA)
    sdmx_*                 the same rows in SDMX, with their structure (pipeline.publish.sdmx)
    citation.bib           how to quote the release
    datapackage.json       what the files hold
    table_schema.json      the columns of the tidy tables, for datapackage.json

The manifest is the caller's. No clock is read: the same input gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import collector
from pipeline.frames import OBSERVATION_COLUMNS, OBSERVATION_SCHEMA, observations_table, row_records
from pipeline.model import Period, Snapshot
from pipeline.publish import computed_tables, countries, package, page, sdmx, traces, workbook
from pipeline.publish.chart_files import chart_file_name, chart_files
from pipeline.publish.citation import Citation, json_ld
from pipeline.publish.comparison_rows import comparison_frame
from pipeline.publish.composition import compose
from pipeline.publish.content import Content, Section, listed_item
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, figures, rows_of
from pipeline.publish.headline import headline_entries
from pipeline.publish.languages import LANGUAGES, file_name, speaking
from pipeline.publish.replaced import ReplacedFigures, replaced_figures
from pipeline.publish.revision_tables import LISTED_CHANGES, VINTAGES_FILE, lead_sentences, listed_changes, revision_tables
from pipeline.publish.revisions import VINTAGE_LINE, HeadlineHistory, ReleaseRevisions, headline_histories, vintage_lines
from pipeline.publish.selection import select_rows
from pipeline.publish.series_titles import family_title
from pipeline.publish.texts import slug
from pipeline.publish.words import Own, _, page_name
from pipeline.sources.catalogue import Source


@dataclasses.dataclass(frozen=True)
class ReleaseInput:
    """What a release is made from, and nothing else.

    `view`: OBSERVATION_COLUMNS, published and derived figures of all sources as of a date. `findings`: columns check, family or
    table, period, measure, unit, ours, theirs, difference, tolerance, status (exact, within_precision, different), explanation.
    `reconciliation`: RECONCILIATION_COLUMNS of pipeline.aggregate.reconcile, for this period. `view_table`: the view as a table
    of OBSERVATION_SCHEMA where it is made already and holds the release's rows alone, in their order. `earlier_snapshots`: those
    of figures that were replaced since.
    """

    frequency: str
    period: Period
    view: pd.DataFrame
    findings: pd.DataFrame
    reconciliation: pd.DataFrame
    revisions: ReleaseRevisions
    sources: list[Source]
    snapshots: list[Snapshot]
    as_of: dt.date | None
    code_version: str
    release_id: str
    view_table: pa.Table | None = None
    earlier_snapshots: list[Snapshot] = dataclasses.field(default_factory=list)

    @functools.cached_property
    def rows(self) -> pd.DataFrame:
        """`fingerprint_rows` of the view."""
        return fingerprint_rows(self.view, self.frequency, self.period)

    @functools.cached_property
    def families(self) -> Families:
        return Families(self.sources)

    @functools.cached_property
    def figures(self) -> list[Figure]:
        """Every figure of the rows once."""
        return figures(rows_of(self.rows), self.period, self.families)


# The title of a page; of the drawings in it, only marks have one.
_HEAD = re.compile(r"<title>(.*?)</title>")


def fingerprint_rows(view: pd.DataFrame, frequency: str, period: Period) -> pd.DataFrame:
    """The rows of `view` that the release depends on, sorted by key (OBSERVATION_COLUMNS). `build` reads no others.

    Raises ValueError where `period` is not of `frequency`.
    """
    if period.frequency != frequency:
        raise ValueError(f"{period.code} is not a period of frequency {frequency}")
    return select_rows(view, period)


def headline(given: ReleaseInput) -> dict[str, Any]:
    """For the manifest: family, period, classification, edition, cases, loss, unit and loss_usd of the first series (numbers as
    exact text), the same of every family under `families`, and under `together` the sums that are allowed."""
    return headline_entries(given.period, given.figures, given.families)


@collector.at_rest()
def build(given: ReleaseInput) -> dict[str, bytes]:
    """The files of the release: name -> bytes."""
    rows, found, families = given.rows, given.figures, given.families
    findings = relevant_findings(given.findings, rows, given.period)
    compared = countries.compare(given.period, found, families)
    composed = compose(
        given.period, found, row_records(findings), families, reconciliation=row_records(given.reconciliation), compared=compared
    )
    histories = headline_histories(given.period, found, given.revisions, families)
    shown = listed_changes(given.period, given.revisions.changes)[:LISTED_CHANGES]
    replaced = replaced_figures(found, given.revisions, shown, histories)
    composed = dataclasses.replace(composed, sections=(*composed.sections, _revision_section(given, found, histories, replaced)))
    used = set(rows["source"])
    sources = [source for source in sorted(given.sources, key=lambda s: (s.precedence, s.id)) if source.id in used]
    ids = {part for snapshot in rows["snapshot"].astype(str) for part in snapshot.split("+")}
    snapshots = [snapshot for snapshot in given.snapshots if snapshot.id in ids]
    about: dict[str, Any] = {
        "sources": sources,
        "snapshots": snapshots,
        "as_of": given.as_of,
        "code_version": given.code_version,
        "release_id": given.release_id,
    }
    checks = {"findings": findings, "reconciliation": given.reconciliation, "revisions": given.revisions.changes}
    checks |= {"comparison": comparison_frame(compared)}
    table = observations_table(rows) if given.view_table is None else given.view_table
    files = _data_files(table, found, checks)
    files[VINTAGES_FILE] = package.lines_csv(VINTAGE_LINE, vintage_lines(histories))
    computed = computed_tables.computed_tables(composed)
    files |= computed
    cited = Citation(composed.title, given.period, given.release_id, given.as_of or given.period.end, sources)
    files |= sdmx.sdmx_files(table, sources=sources, title=cited.title, release_id=cited.release_id, known_by=cited.known_by)
    source_of = dict(zip(rows["id"], rows["source"], strict=True)) | {item.anchor: item.row.source for item in replaced.figures}
    files["summary.xlsx"] = workbook.workbook_bytes(composed, source_of=source_of, **about)
    files["citation.bib"] = cited.bibtex
    known_by = page.known_by_words(given.as_of)
    files |= chart_files(composed.sections, page.origin(given.period.code, given.release_id, known_by)["words"])
    files[package.TABLE_SCHEMA_FILE] = package.TABLE_SCHEMA_BYTES
    downloads = _listed(files, composed, found, families)
    pages = page.release_pages(
        composed,
        files=downloads,
        citation=cited.text,
        json_ld=json_ld(cited, files=files, measures=rows["measure"], snapshots=snapshots),
        traced=traces.trace_pages(found, replaced.figures),
        earlier=given.earlier_snapshots,
        **about,
    )
    files |= {name: text.encode() for name, text in pages.items()}
    files["datapackage.json"] = package.data_package(
        files,
        title=composed.title,
        period=given.period,
        release_id=given.release_id,
        sources=sources,
        check_columns={
            VINTAGES_FILE: VINTAGE_LINE,
            **{f"{name}.csv": list(frame.columns) for name, frame in checks.items()},
        },
        schemas={"sdmx_data.csv": sdmx.TABLE_SCHEMA, **{name: computed_tables.schema(name) for name in computed}},
        titles=_titles(composed, downloads, pages),
    )
    return files


def _revision_section(
    given: ReleaseInput, found: Sequence[Figure], histories: Sequence[HeadlineHistory], replaced: ReplacedFigures
) -> Section:
    tables = revision_tables(given.period, found, given.revisions, histories, replaced, given.families)
    items = (listed_item(table) for table in tables)
    return Section("revisions", _("Revisions"), "改訂", lead_sentences(given.revisions), tuple(items))


def relevant_findings(findings: pd.DataFrame, rows: pd.DataFrame, period: Period) -> pd.DataFrame:
    """The findings that speak of the release's own period, or of a period that it shows without being its history."""
    if not len(findings) or "period" not in findings:
        return findings
    shown = {
        code
        for code in rows["period"].unique()
        if Period.parse(code).end >= period.start and period.end >= Period.parse(code).end
    }
    wanted = findings["period"].astype(str).isin(shown | {period.code})
    columns = [name for name in findings.columns if name != "id"]
    kept = findings.loc[wanted, columns]
    texts = list(zip(*(kept[name].astype(str) for name in columns), strict=True))
    order = sorted(range(len(kept)), key=lambda place: texts[place])
    return kept.iloc[order].reset_index(drop=True)


def _data_files(table: pa.Table, found: Sequence[Figure], checks: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    by_table: dict[tuple[str, str], list[tuple[Any, Figure]]] = {}
    for figure in found:
        for row in (figure.row, *figure.others):
            by_table.setdefault((row.source, row.table), []).append((row, figure))
    files = {}
    for (source, source_table), lines in sorted(by_table.items()):
        lines.sort(key=_reading_order)
        files[f"{slug(source)}_{slug(source_table)}.csv"] = package.table_csv(_tidy(lines))
    files |= {f"{name}.csv": package.checks_csv(frame) for name, frame in checks.items() if len(frame) or name == "revisions"}
    files["observations.parquet"] = _observations_parquet(table)
    return files


def _observations_parquet(table: pa.Table) -> bytes:
    """The rows as Parquet of OBSERVATION_SCHEMA; no pandas metadata, so that the bytes depend on the figures alone."""
    table = table.cast(OBSERVATION_SCHEMA).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=3, version="2.6", store_schema=False)
    return sink.getvalue().to_pybytes()


def _reading_order(line: tuple[Any, Figure]) -> tuple[Any, ...]:
    row, figure = line
    return figure.role == "history", row.period, row.measure, row.native_type, row.id


def _tidy(lines: Sequence[tuple[Any, Figure]]) -> dict[str, list[Any]]:
    """The columns of a tidy CSV: those of an observation, what it is to the release, and its range where it is not exact."""
    rows = [row for row, _ in lines]
    has_range = [row.value is not None and row.precision is not None for row in rows]
    return {
        **{name: [getattr(row, name) for row in rows] for name in OBSERVATION_COLUMNS},
        "role": [figure.role for _, figure in lines],
        "family": [figure.family for _, figure in lines],
        "leads": [row is figure.row for row, figure in lines],
        "low": [row.value - row.precision if known else None for row, known in zip(rows, has_range, strict=True)],
        "high": [row.value + row.precision if known else None for row, known in zip(rows, has_range, strict=True)],
    }


def _listed(files: Mapping[str, bytes], content: Content, found: Sequence[Figure], families: Families) -> list[tuple[str, str]]:
    """The downloads that the page offers, each with what is in it: the files, the data package, then every drawing."""
    names = [name for name in sorted([*files, "datapackage.json"], key=_place_in_list) if not name.endswith(".svg")]
    charts = [item.chart for section in content.sections for item in section.items if item.chart]
    drawings = [(page_name(chart_file_name(chart)), _("chart: {title}", title=chart.title)) for chart in charts]
    return [*((name, _describe(name, found, families)) for name in names), *drawings]


def _titles(content: Content, downloads: Iterable[tuple[str, str]], pages: Mapping[str, str]) -> dict[str, str]:
    """File name -> what is in it: of a page and a drawing its title, in its own language; of all others in English."""
    titles = {name: str.__str__(words) for name, words in downloads}
    charts = [item.chart for section in content.sections for item in section.items if item.chart]
    for code in LANGUAGES:
        with speaking(code):
            titles |= {file_name(chart_file_name(chart), code): str(chart.title) for chart in charts}
    heads = {name: _HEAD.search(text) for name, text in pages.items()}
    return titles | {name: html.unescape(found[1]) for name, found in heads.items() if found}


def _place_in_list(name: str) -> tuple[Any, ...]:
    """Whole collections before single tables, and the one that most readers open in front."""
    is_table = name.endswith(".csv") and not name.startswith("sdmx_")
    return name != "summary.xlsx", is_table, name


def _describe(name: str, found: Sequence[Figure], families: Families) -> str:
    fixed = {
        "summary.xlsx": _("all tables of this page as a workbook"),
        "observations.parquet": _("every observation that this release is made from"),
        "findings.csv": _("what several sources print for one figure"),
        "comparison.csv": _("several countries side by side, with what keeps their figures from being compared"),
        "contributions.csv": _("what each type adds to the change on the year, in percentage points"),
        "seasonally_adjusted.csv": _("cases by month without their season, and their trend"),
        "reconciliation.csv": _("what publishers print in reports and press releases, against ours"),
        "revisions.csv": _("every figure that changed on the last day on which more became known"),
        "vintages.csv": _("the totals of loss and cases as they stood on each day, with what changed them"),
        "sdmx_data.csv": _("every observation as SDMX-CSV 2.0"),
        "sdmx_data.xml": _("every observation as SDMX-ML 2.1"),
        "sdmx_structure.xml": _("the structure of the SDMX files: dimensions, attributes, code lists"),
        "citation.bib": _("how to quote this release, for BibTeX"),
        "datapackage.json": _("description of the files: columns, units, sources, licences"),
        "table_schema.json": _("the columns of the tidy tables, as datapackage.json refers to them"),
    }
    if name in fixed:
        return fixed[name]
    printed_in = {(row.source, row.table): figure.family for figure in reversed(found) for row in (figure.row, *figure.others)}
    for (source, table), family in printed_in.items():
        if name == f"{slug(source)}_{slug(table)}.csv":
            return _("{series}, {source}", series=family_title(family, families)[0], source=Own(source))
    return ""
