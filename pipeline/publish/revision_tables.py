"""The tables in which a release shows its own history: changed figures, vintages of the headline, revision statistics, records.

In: `ReleaseRevisions` and the figures of the release. Out: sentences and `Table`s, which page and workbook render alike.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Container, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pandas as pd

from pipeline.frames import KEY_COLUMNS, UNIT_COLUMNS, row_records
from pipeline.model import CHANGES, REASONS, TOTAL, Period
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, Figure
from pipeline.publish.labels import dimension_text, edition_word
from pipeline.publish.measures import counting, measure_and_unit, measure_rank, measure_title, unit_short
from pipeline.publish.number_texts import large_sum, number_text, short_money
from pipeline.publish.period_labels import period_label
from pipeline.publish.replaced import ReplacedFigures
from pipeline.publish.revisions import (
    HEADLINE_MEASURES,
    HeadlineHistory,
    ReleaseRevisions,
    Vintage,
    revision_statistics,
    row_of,
)
from pipeline.publish.roles import parsed, role
from pipeline.publish.series_titles import family_title, source_anchor
from pipeline.publish.tables import Cell, Column, Table, figure_cell, text_cell, type_cell
from pipeline.publish.texts import clean
from pipeline.publish.traces import trace_name
from pipeline.publish.words import _, day, declared, listed, only_english, page_name

# A page lists this many changed figures; revisions.csv has all of them.
LISTED_CHANGES = 60
# The totals as they stood on each day, each with the cells that it was read from: what statistics on revisions are made of.
VINTAGES_FILE = "vintages.csv"
# What was made from listed figures by arithmetic alone is left to the CSV.
_FOLLOWING = ("share", "change", "mean", "rate", "converted", "converted_months")
_NATIVE = {"revised": "改訂", "corrected": "訂正", "new": "新規", "withdrawn": "取下げ", "reclassified": "組替え"}
_HUNDREDTH, _ZERO = Decimal("0.01"), Decimal(0)
_NOTHING = "[z]"  # the side of a change on which there is no figure, what would compare with it, and a vintage that never was


# What a change is told by.
CHANGE_COLUMNS_SHOWN = (
    Column(_("Period"), native="期間"),
    Column(_("Series")),
    Column(_("Type"), native="手口"),
    Column(_("Measure")),
    Column(_("Before"), numeric=True),
    Column(_("Now"), numeric=True),
    Column(_("Difference"), numeric=True),
    Column(_("Difference"), "%", numeric=True),
    Column(_("What happened")),
    Column(_("Source")),
)


def lead_sentences(revisions: ReleaseRevisions) -> tuple[str, ...]:
    """In a sentence or two: what became known since the release before, and what that changed.

    Whether a release was published on that day is not known here: the page of the period says which were.
    """
    last, before = revisions.vintages[-1], revisions.previous_vintage
    if before is None:
        return (_("The first release of its period; its figures were known by {day}.", day=day(last)),)
    counts = collections.Counter(revisions.changes["change"])
    counted = [_("{count} {change}", count=f"{counts[kind]:,}", change=change_word(kind)) for kind in CHANGES if counts[kind]]
    sentence = _(
        "On {day} more became known than by {before}: {reasons}.",
        before=day(before),
        day=day(last),
        reasons=listed([declared(REASONS[reason]) for reason in revisions.reasons], "; "),
    )
    if not counted:
        return (sentence, _("No figure that this release shows has changed by it."))
    return (sentence, _("Figures that changed by it: {changes}; revisions.csv lists each.", changes=listed(counted)))


CHANGE_WORDS = {
    "new": _("new"),
    "revised": _("revised"),
    "corrected": _("corrected"),
    "reclassified": _("reclassified"),
    "withdrawn": _("withdrawn"),
    "confirmed": _("confirmed"),
    "new_code": _("new code"),
}


def change_word(kind: str) -> str:
    """A key of model.CHANGES in a word."""
    return CHANGE_WORDS.get(kind, kind)


def revision_tables(
    period: Period,
    found: Sequence[Figure],
    revisions: ReleaseRevisions,
    histories: Sequence[HeadlineHistory],
    replaced: ReplacedFigures,
    families: Families,
) -> list[Table]:
    """What changed, the vintages of the headline figures, how far first figures were off, and how records came in late.

    A figure that was replaced leads to its line among `replaced`, and so does a difference from it: that line leads on.
    """
    made = (
        _changes_table(period, found, revisions, replaced, families),
        *(_triangle(measure, histories, replaced, families) for measure in HEADLINE_MEASURES),
        _statistics(histories, families),
        _records_table(revisions.records),
    )
    return [table for table in made if table is not None]


# ----------------------------------------------------------------------------------------------------------------- changes


def listed_changes(period: Period, changes: pd.DataFrame, also: Container[str] = ()) -> list[Mapping[Any, Any]]:
    """The lines of `changes` (CHANGE_COLUMNS) that tell something of their own, and those of figures that follow from others by
    the derivations `also`, in the order in which a page lists them."""
    lines = [line for line in row_records(changes) if _is_listed(line, also)]
    return sorted(lines, key=lambda line: _change_rank(line, period))


def _changes_table(
    period: Period, found: Sequence[Figure], revisions: ReleaseRevisions, replaced: ReplacedFigures, families: Families
) -> Table | None:
    ordered, before = listed_changes(period, revisions.changes), revisions.previous_vintage
    if before is None or not ordered:
        return None
    shown = ordered[:LISTED_CHANGES]
    notes: list[str] = [_("Shares, means, rates and US dollars follow from these figures; revisions.csv lists them too.")]
    if len(ordered) > len(shown):
        further = f"{len(ordered) - len(shown):,}"
        notes.insert(0, _("{count} further changes stand in revisions.csv.", count=further))
    # What changed holds no status; that of a figure that speaks stands with the figure.
    statuses = {row.id: row.obs_status for figure in found for row in (figure.row, *figure.others)}
    rows = tuple(change_cells(line, statuses, replaced, families) for line in shown)
    title = _("Figures that changed since {day}", day=day(before))
    return Table("revised_figures", title, CHANGE_COLUMNS_SHOWN, rows, notes=tuple(notes), kind="list")


def _is_listed(line: Mapping[Any, Any], also: Container[str]) -> bool:
    tells = line["derivation"] not in _FOLLOWING or line["derivation"] in also
    return tells and line["change"] != "confirmed"


def _change_rank(line: Mapping[Any, Any], period: Period) -> tuple[Any, ...]:
    """What was known before and what is new after it, the period's own figures before its history, totals before types."""
    broken_down = [line[name] for name in KEY_COLUMNS if name not in UNIT_COLUMNS and line[name] not in NO_BREAKDOWN]
    return (
        line["change"] == "new",
        role(line["period"], period) == "history",
        line["native_type"] != TOTAL,
        len(broken_down),
        line["period"],
        line["source"],
        line["table"],
        measure_rank((line["measure"], line["unit"])),
        [line[name] for name in KEY_COLUMNS],
    )


def change_cells(
    line: Mapping[Any, Any], statuses: Mapping[str, str], replaced: ReplacedFigures, families: Families
) -> tuple[Cell, ...]:
    """A change as a line of CHANGE_COLUMNS_SHOWN: figures lead to where they are traced, as far as `replaced` knows."""
    old, new = (row_of(line, side, statuses) if line[f"id_{side}"] is not None else None for side in ("before", "after"))
    now = new or old
    was = replaced.anchor(old) if old is not None else ""
    difference, share = _difference(line["value_before"], line["value_after"])
    what = change_word(line["change"])
    with counting(families.counts_of_source(str(line["source"]))):
        measure = measure_and_unit(line["measure"], line["unit"])
    if line["change"] == "reclassified":
        what = _("{change}: {note}", change=what, note=declared(clean(line["note"])))
    return (
        text_cell(period_label(line["period"]), header=True),
        text_cell(family_title(families.family(now), families)[0]),
        type_cell(now),
        text_cell(listed([measure, *_dimension_words(line)])),
        dataclasses.replace(figure_cell(old, missing=_NOTHING), id=was),
        figure_cell(new, missing=_NOTHING),
        _difference_cell(difference, line["unit"], was),
        _share_cell(share, was),
        text_cell(what, native=only_english(_NATIVE.get(line["change"], "")), title=declared(CHANGES[line["change"]])),
        text_cell(line["source"], href=source_anchor(now)),
    )


def _dimension_words(line: Mapping[Any, Any]) -> list[str]:
    names = [name for name in KEY_COLUMNS[KEY_COLUMNS.index("native_type") + 1 : KEY_COLUMNS.index("measure")]]
    parts = [dimension_text(name, line[name]) for name in names if line[name] not in NO_BREAKDOWN]
    return [*([line["area"]] if "-" in line["area"] else []), *parts]


def _difference(before: Decimal | None, after: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """After less before, and in per cent of before."""
    if before is None or after is None:
        return None, None
    difference = after - before
    return difference, (difference * 100 / before).quantize(_HUNDREDTH, ROUND_HALF_EVEN) if before else None


def _difference_cell(value: Decimal | None, unit: str, was: str) -> Cell:
    if value is None:
        return figure_cell(None, missing=_NOTHING)
    scaled = value * 100 if unit == "ratio" else value
    return Cell(number_text(value, unit, "change"), value=scaled, id=was, is_figure=True)


def _share_cell(value: Decimal | None, was: str) -> Cell:
    if value is None:
        return figure_cell(None, missing=_NOTHING)
    return Cell(f"{value:+,f}".replace("-", "−") if value else "0.00", value=value or _ZERO, id=was, is_figure=True)


# ---------------------------------------------------------------------------------------------------- history of headlines


def _triangle(measure: str, histories: Sequence[HeadlineHistory], replaced: ReplacedFigures, families: Families) -> Table | None:
    """Periods down, vintages across, the latest period first."""
    own = [item for item in histories if item.measure == measure and len(item.vintages) > 1]
    if not own:
        return None
    width = max(len(item.vintages) for item in own)
    periods = collections.Counter((item.family, item.period) for item in own)
    columns = (
        Column(_("Series")),
        Column(_("Period"), native="期間"),
        Column(_("Unit")),
        *(Column(_("Vintage {number}", number=number), numeric=True) for number in range(1, width + 1)),
        Column(_("Revision"), numeric=True, note=_("latest less first")),
        Column(_("Revision"), "%", numeric=True),
    )
    ordered = sorted(own, key=lambda item: (item.family, -parsed(item.period).end.toordinal(), item.classification))
    rows = tuple(
        _triangle_line(item, width, replaced, families, ambiguous=periods[(item.family, item.period)] > 1) for item in ordered
    )
    note = _(
        "Each figure stands with the first day on which it could be known. Where several publications print it, the one that "
        "leads by the declared order of the sources is shown; a vintage that changed neither figure nor edition is left out."
    )
    with counting(""):
        title = _("Vintages of the totals: {measure}", measure=measure_title(measure)[0].lower())
    return Table(f"vintages_{measure}", title, columns, rows, native="改訂の経過", notes=(note,), kind="list")


def _triangle_line(
    item: HeadlineHistory, width: int, replaced: ReplacedFigures, families: Families, *, ambiguous: bool
) -> tuple[Cell, ...]:
    english, native = family_title(item.family, families)
    with counting(families.counts(item.family)):
        unit = unit_short(item.unit)
    scheme = declared(clean(families.classification(item.classification)))
    share = _difference(item.vintages[0].value, item.vintages[-1].value)[1]
    anchors = [replaced.anchor(vintage.row) if vintage.row is not None else "" for vintage in item.vintages]
    empty = [Cell(_NOTHING, marks=(_NOTHING,), title=_("no further vintage"), is_figure=True)] * (width - len(item.vintages))
    return (
        text_cell(english, native=native, header=True),
        text_cell(
            _("{title} ({scheme})", title=period_label(item.period), scheme=scheme) if ambiguous else period_label(item.period),
            header=True,
            title=scheme,
        ),
        text_cell(unit),
        *(_vintage_cell(vintage, item.unit, anchor) for vintage, anchor in zip(item.vintages, anchors, strict=True)),
        *empty,
        _difference_cell(item.revision, item.unit, anchors[0]),
        _share_cell(share, anchors[0]),
    )


def _vintage_cell(vintage: Vintage, unit: str, anchor: str) -> Cell:
    mark = {"provisional": ("[p]",), "corrected": ("[r]",), "restated": ("[r]",)}.get(vintage.edition, ())
    large = large_sum(vintage.value, unit, vintage.precision)
    parts = (large, vintage.day.isoformat(), edition_word(vintage.edition), vintage.source)
    small = listed([part for part in parts if part], " · ")
    return Cell(
        number_text(vintage.value, unit),
        value=vintage.value,
        marks=mark,
        small=small,
        title=_(
            "from {day}, {source}, {edition}",
            day=day(vintage.day),
            source=vintage.source,
            edition=edition_word(vintage.edition),
        ),
        id=anchor,
        precision=vintage.precision,
        is_figure=True,
    )


def _measured(family: str, measure: str, unit: str, families: Families) -> str:
    with counting(families.counts(family)):
        return measure_and_unit(measure, unit)


def _statistics(histories: Sequence[HeadlineHistory], families: Families) -> Table | None:
    found = revision_statistics(histories)
    if not found:
        return None
    columns = (
        Column(_("Series")),
        Column(_("Measure")),
        Column(_("Periods"), sheet_unit="periods", numeric=True, note=_("of which more than one printing is known")),
        Column(_("Mean revision"), numeric=True),
        Column(_("Mean absolute revision"), numeric=True),
        Column(_("Relative mean absolute revision"), "%", numeric=True),
    )
    rows = tuple(
        (
            text_cell(family_title(family, families)[0], native=family_title(family, families)[1], header=True),
            text_cell(_measured(family, measure, unit, families)),
            Cell(str(count), value=Decimal(count), href=VINTAGES_FILE, is_figure=True),
            rounded_cell(mean, unit, sign="+"),
            rounded_cell(absolute, unit),
            text_cell("–") if relative is None else percent_cell(relative, VINTAGES_FILE),
        )
        for (family, measure, unit), (count, mean, absolute, relative) in found.items()
    )
    note = _(
        "Revision: the latest figure less the first, over the periods shown of which more than one printing is known. Relative "
        "mean absolute revision: sum of the absolute revisions over the sum of the first figures. A difference that the rounding "
        "of the two figures explains is no revision."
    )
    return Table(
        "revision_statistics", _("How far first figures were from the latest"), columns, rows, notes=(note,), kind="list"
    )


def rounded_cell(value: Decimal, unit: str, *, sign: str = "") -> Cell:
    """A revision in whole units; `sign` "+" where it has a direction."""
    rounded = value.quantize(Decimal(1), ROUND_HALF_EVEN)
    return Cell(
        f"{rounded:{sign},f}".replace("-", "−") if rounded else "0",
        value=rounded,
        small=short_money(rounded, unit),
        href=VINTAGES_FILE,
        is_figure=True,
    )


def percent_cell(ratio: Decimal, href: str = "") -> Cell:
    """A ratio in per cent, to the hundredth."""
    share = (ratio * 100).quantize(_HUNDREDTH, ROUND_HALF_EVEN)
    return Cell(f"{share:,f}", value=share, href=href, is_figure=True)


# ----------------------------------------------------------------------------------------------------------------- records


def _records_table(records: pd.DataFrame) -> Table | None:
    """Where reports of a month were taken in over several files: how many came late, were taken out or changed."""
    lines = row_records(records)
    compared = {(line["source"], line["month"]) for line in lines if line["snapshot_before"] is not None}
    shown = [line for line in lines if (line["source"], line["month"]) in compared]
    if not shown:
        return None
    latest = {(line["source"], line["month"]): line["rows_after"] for line in sorted(shown, key=lambda line: line["vintage"])}
    columns = (
        Column(_("Month")),
        Column(_("Source")),
        Column(_("File known from")),
        Column(_("Days after the month"), sheet_unit="days", numeric=True, note=_("reporting lag")),
        Column(_("Rows"), sheet_unit="rows", numeric=True),
        Column(_("Added"), sheet_unit="rows", numeric=True),
        Column(_("Withdrawn"), sheet_unit="rows", numeric=True),
        Column(_("Changed"), sheet_unit="rows", numeric=True, note=_("the same report with another loss or number of victims")),
        Column(_("Share of the latest file"), "%", numeric=True),
    )
    rows = tuple(
        (
            text_cell(period_label(line["month"]), header=True),
            text_cell(line["source"]),
            text_cell(line["vintage"].isoformat()),
            *(
                _count(line[name], _files_of(line["source"]))
                for name in ("lag_days", "rows_after", "rows_added", "rows_withdrawn", "rows_changed")
            ),
            percent_cell(Decimal(line["rows_after"]) / whole, _files_of(line["source"]))
            if (whole := latest[(line["source"], line["month"])])
            else text_cell("–"),
        )
        for line in sorted(shown, key=lambda line: (line["source"], line["month"], line["vintage"]))
    )
    note = _("Files are compared as bags of rows: the publisher's row numbers shift with every late report and are no key.")
    return Table("record_revisions", _("Records from file to file"), columns, rows, notes=(note,), kind="list")


def _count(number: Any, href: str) -> Cell:
    return Cell(f"{int(number):,}", value=Decimal(int(number)), href=href, is_figure=True)


def _files_of(source_id: str) -> str:
    """Where a release lists the files of a source."""
    return page_name(f"{trace_name(source_id)}#snapshots")
