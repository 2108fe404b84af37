"""What must not be done with figures: the warnings that tables and cards carry.

In: a table, or figures whose file ends too early or whose source says that reports are still to come. Out: the table with its
warnings, and the words of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.languages import N_
from pipeline.publish.measures import counted
from pipeline.publish.roles import parsed
from pipeline.publish.tables import Table
from pipeline.publish.texts import declared_text
from pipeline.publish.words import Words, _, day, listed

EVENTS_WARNING = _(
    "These are single events and announcements as they became known. They are not complete counts: never add them, "
    "and never read a missing year or country as none."
)
OVERLAY_WARNING = _(
    "Of which, cutting across the types: these cases are already counted in the types above. Never add them to anything."
)
OVERLAY_OF_TOTAL_WARNING = _("Of which: these cases are already counted in the total. Never add them to it or to each other.")
OVERLAPPING_WARNING = _("These overlap: one case can stand in several of them. Never add them to anything.")
# The same of a source that counts reports.
_OF_REPORTS = {
    OVERLAY_WARNING: _(
        "Of which, cutting across the types: these reports are already counted in the types above. Never add them to anything."
    ),
    OVERLAY_OF_TOTAL_WARNING: _(
        "Of which: these reports are already counted in the total. Never add them to it or to each other."
    ),
    OVERLAPPING_WARNING: _("These overlap: one report can stand in several of them. Never add them to anything."),
}
CUMULATIVE_WARNING = _("Cumulative since January: not the figure of a single month or quarter, and never to be added to one.")
QUARTER_WARNING = _(
    "Cumulative since January, and so the figure of the first quarter: not that of a single month, and never to be added to one."
)
HALF_YEAR_WARNING = _("Half a year: not the figure of a single month or quarter, and never to be added to one.")
EARLIER_WARNING = _(
    "From the beginning of the year or half-year to the month named: they overlap, so never add them, nor compare them with "
    "a shorter period."
)
CLASSIFICATION_WARNING = _(
    "The same period under another classification of types: not comparable with the other tables, and never to be added."
)
NOT_COMPARABLE = N_("Not comparable with the year before: {reason}.")
FISCAL_WARNING = _("Fiscal years run from April to March. They overlap two calendar years: never mix or add the two.")
PARTS_WARNING = _(
    "Parts of the year, overlapping each other: never add them. Cumulative figures run from January to the month named."
)


def overlay_warning(*, types: int, has_total: bool) -> Words:
    """That what cuts across other figures is in them already: in `types` of them, in their total, or, where neither stands beside
    it, in each other. In cases or reports, as `measures.counting` says."""
    words = OVERLAY_WARNING if types >= 2 else OVERLAY_OF_TOTAL_WARNING if has_total else OVERLAPPING_WARNING
    return _OF_REPORTS[words] if counted() == "reports" else words


def cumulative_warnings(code: str) -> list[Words]:
    """What a figure that ends with the release's period is not; the one to March is cumulative, and a quarter all the same."""
    period = parsed(code)
    if period.frequency == "half_yearly":
        return [HALF_YEAR_WARNING]
    return [QUARTER_WARNING if len(period.months) == 3 else CUMULATIVE_WARNING]


def growing_warnings(members: Sequence[Figure], families: Families) -> list[Words]:
    """Of figures of one period: that their file ends before it does, and what their source says of reports still to come."""
    end = families.file_end(figure.row for figure in members)
    late = families.late_warning(members[0].row)
    return [
        *([_("The file ends on {day}: nothing that came in after that day is in these figures.", day=day(end))] if end else []),
        *([_("{sentence}.", sentence=declared_text(late))] if late else []),
    ]


def with_warnings(table: Table, warnings: Sequence[str]) -> Table:
    """The table with these warnings after its own, each once."""
    text = listed(dict.fromkeys([*([table.warning] if table.warning else []), *warnings]), " ")
    return dataclasses.replace(table, warning=text)
