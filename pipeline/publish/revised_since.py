"""The figures that releases print for comparison and that were revised since: a table of the site's page on quality.

In: of each release that speaks, what changed from its figures to those that are known now (CHANGE_COLUMNS). Out: one table. A
release stands still until a file comes for its own period, so what it shows of other periods may be revised meanwhile: its pages
lead here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish.families import Families
from pipeline.publish.period_labels import FREQUENCY_TITLES, period_label
from pipeline.publish.replaced import ReplacedFigures
from pipeline.publish.revision_tables import CHANGE_COLUMNS_SHOWN, change_cells, listed_changes
from pipeline.publish.roles import releases_of
from pipeline.publish.source_facts import source_page_name
from pipeline.publish.tables import Cell, Column, Table, text_cell
from pipeline.publish.words import _, page_name

# The page lists so many; `fraudloss diff` names those of one release.
LISTED = 200
_SECTION = "revised-since"
# From a page of a release, in English.
ADDRESS = f"../../../../site/quality.html#{_SECTION}"


def revised_since(
    changes: Mapping[tuple[str, str], pd.DataFrame], published: Mapping[str, str], families: Families
) -> tuple[str, tuple[str, ...], Table | None]:
    """The id of the section, what it says, and its table where there is anything in it. `changes`: by frequency and period;
    `published`: period -> the address of its release, in English."""
    newest_first = sorted(changes, key=lambda name: (Period.parse(name[1]).end, name), reverse=True)
    found = [(name, line) for name in newest_first for line in _revised(changes[name], Period.parse(name[1]))]
    if not found:
        return _SECTION, (_STANDS, _NONE), None
    rows = tuple(_line(name, line, published, families) for name, line in found[:LISTED])
    notes = []
    if more := len(found) - len(rows):
        notes.append(_("{count} further figures: `fraudloss diff` with the id of a release lists its own.", count=f"{more:,}"))
    columns = (Column(_("Printed in")), *CHANGE_COLUMNS_SHOWN)
    title = _("Figures that a release in force prints and that would read otherwise now")
    return _SECTION, (_STANDS,), Table("revised_since", title, columns, rows, notes=tuple(notes), kind="list")


_STANDS = _(
    "A release shows all figures as of the last day on which a file came for its own period, and stands still until the next one "
    "comes. What it shows of other periods, as history and for comparison, may have been revised since, and changes on the year "
    "were computed with it. A figure as it is known now stands in the release of its own period."
)
_NONE = _("No release in force prints a figure that reads otherwise now.")


def _revised(changes: pd.DataFrame, period: Period) -> Sequence[Mapping[Any, Any]]:
    """What was not known then is no revision of what was printed; neither is the same figure with other code. The release's own
    figures are among them as far as they compare with others."""
    return [line for line in listed_changes(period, changes, also=("change",)) if line["change"] not in ("new", "new_code")]


def _line(name: tuple[str, str], line: Mapping[Any, Any], published: Mapping[str, str], families: Families) -> tuple[Cell, ...]:
    frequency, code = name
    label = _("{period}, {frequency}", period=period_label(code), frequency=FREQUENCY_TITLES[frequency])
    printed_in = published.get(code, "")
    stands_in = _own_release(str(line["period"]), published) or source_page_name(str(line["source"]))
    period, series, kind, measure, before, now, *differences, what, _source = change_cells(line, {}, ReplacedFigures(), families)
    if line["unit"] == "percent":  # a difference of two changes is neither a change nor a share of one
        differences = [text_cell("")] * len(differences)
    return (
        text_cell(label, header=True, href=page_name(printed_in) if printed_in else ""),
        dataclasses.replace(period, is_header=False),
        series,
        kind,
        measure,
        _leading(before, printed_in),
        *(_leading(cell, stands_in) for cell in (now, *differences)),
        what,
        text_cell(line["source"], href=page_name(source_page_name(str(line["source"])))),
    )


def _own_release(code: str, published: Mapping[str, str]) -> str:
    """The address of the shortest release that lives by figures of the period; empty where there is none."""
    shortest_first = reversed(PUBLISHED_FREQUENCIES)
    found = (period.code for frequency in shortest_first for period in releases_of([code], frequency))
    return next((published[name] for name in found if name in published), "")


def _leading(cell: Cell, to: str) -> Cell:
    """The figure has no line of its own on this page: it leads to the release that shows it."""
    return dataclasses.replace(cell, id="", href=page_name(to) if cell.value is not None and to else "")
