"""The marks of figures: why there is no value, and what a reader must know of one that is there.

In: an observation. Out: its marks, most important first. What has no value shows a mark; it never shows 0 and is never empty.
"""

from __future__ import annotations

from typing import Any

from pipeline.publish.words import _

MARKS: dict[str, str] = {
    "[x]": _("not available: not collected, or no publication that we hold prints it"),
    "[z]": _("not applicable: it cannot exist"),
    "[c]": _("withheld to protect persons"),
    "[w]": _("withdrawn by the publisher"),
    "[n]": _("not yet known: not published yet, or what it is computed from is not"),
    "[u]": _("printed, but unreadable: digits were lost in the publisher's file, so it is refused"),
    "[b]": _("break in the series: not comparable with the periods before; a change across it is not computed"),
    "[a]": _("not additive: not computed, because its parts may not be added"),
    "[p]": _("provisional (暫定値)"),
    "[r]": _("restated or corrected after an earlier publication (訂正)"),
    "[e]": _("printed as approximate"),
    "[d]": _("derived here from published figures; nobody printed it"),
}
ABSENCE_MARKS: dict[str, str] = {
    "not_collected": "[x]",
    "not_applicable": "[z]",
    "suppressed": "[c]",
    "withdrawn": "[w]",
    "not_yet_known": "[n]",
    "unreadable": "[u]",
    "break": "[b]",
    "not_additive": "[a]",
}
NO_ROW = "[x]"


def marks_of(row: Any) -> tuple[str, ...]:
    """The marks that a figure carries, most important first."""
    if row.absence:
        return (ABSENCE_MARKS.get(row.absence, NO_ROW),)
    found = []
    if row.obs_status == "B":
        found.append("[b]")
    if row.edition == "provisional" or row.obs_status == "P":
        found.append("[p]")
    if row.edition in ("corrected", "restated"):
        found.append("[r]")
    if row.obs_status == "E":
        found.append("[e]")
    if row.derivation:
        found.append("[d]")
    return tuple(found)


def is_provisional(row: Any) -> bool:
    """Whether the figure is provisional, by its edition or its status."""
    return row.edition == "provisional" or row.obs_status == "P"
