"""Figures that no longer stand and that a release still shows, in its tables of revisions: which they are, where each is traced.

In: the changes and vintages that those tables show, and every revision of what the release shows. Out: `ReplacedFigures`: the
observations as they stood, the anchor of each in the trace of its source, and what took its place from which day. A release
carries these traces itself: the release that printed a figure may never have been made here, and what is published depends on
nothing that lies on the disk.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import operator
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.frames import KEY_COLUMNS, row_records
from pipeline.publish.figures import Figure
from pipeline.publish.revisions import HeadlineHistory, ReleaseRevisions, row_of


@dataclasses.dataclass(frozen=True)
class Replaced:
    """An observation as it stood until another took its place."""

    row: Any
    anchor: str  # of its line in the trace
    until: dt.date | None  # the day from which it no longer stood; None where a later file printed the same again
    by: str  # the anchor of what took its place; empty where that is not shown or nothing did


@dataclasses.dataclass(frozen=True)
class ReplacedFigures:
    """The figures of a release that were replaced, in the order in which they were."""

    figures: tuple[Replaced, ...] = ()
    anchors: Mapping[tuple[Any, ...], str] = dataclasses.field(default_factory=dict)  # id, value, absence, edition -> anchor

    def anchor(self, row: Any) -> str:
        """Where an observation is traced, whether it stands or was replaced; empty where it is not."""
        return self.anchors.get(_printing(row), "")


# One id has two values where our code made the difference; two ids have one value where a later file printed the same again.
_STATE = ("value", "absence", "edition")
_printing = operator.attrgetter("id", *_STATE)
_figure = operator.attrgetter(*KEY_COLUMNS, *_STATE)


def replaced_figures(
    found: Iterable[Figure],
    revisions: ReleaseRevisions,
    changes: Iterable[Mapping[Any, Any]],
    histories: Iterable[HeadlineHistory],
) -> ReplacedFigures:
    """What `changes` (lines of CHANGE_COLUMNS) and the vintages of `histories` show and `found` does not have any more."""
    standing = [row for figure in found for row in (figure.row, *figure.others)]
    anchors = {_printing(row): row.id for row in standing}
    shown = [row_of(line, "before") for line in changes if line["id_before"] is not None]
    shown += [vintage.row for item in histories if len(item.vintages) > 1 for vintage in item.vintages if vintage.row is not None]
    wanted = {_printing(row): row for row in shown if _printing(row) not in anchors}
    if not wanted:
        return ReplacedFigures((), anchors)
    taken = {row.id for row in standing}
    ended: dict[tuple[Any, ...], tuple[dt.date, Any]] = {}
    for line in sorted(row_records(revisions.revisions), key=lambda line: line["vintage"]):
        if line["id_before"] is not None and (printing := _printing(row_of(line, "before"))) in wanted:
            ended[printing] = (line["vintage"], row_of(line, "after") if line["id_after"] is not None else None)
    for printing, row in wanted.items():
        until = ended.get(printing, (None,))[0]
        anchors[printing] = row.id if row.id not in taken else f"{row.id}-{until or row.known_at}"
        taken.add(row.id)
    now = {_figure(row): row.id for row in standing}
    made = []
    for printing, row in wanted.items():
        until, after = ended.get(printing, (None, row))
        by = (anchors.get(_printing(after), "") or now.get(_figure(after), "")) if after is not None else ""
        made.append(Replaced(row, anchors[printing], until, by if by != anchors[printing] else now.get(_figure(row), "")))
    return ReplacedFigures(tuple(made), anchors)
