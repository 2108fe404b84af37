"""The marks of figures: why there is no value, and what a reader must know of one that is there.

In: an observation. Out: its marks, most important first. What has no value shows a mark; it never shows 0 and is never empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.model import INTERVAL_ENDS
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
    "[r]": _("printed again after an earlier publication, changed or not, or corrected (訂正)"),
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
# What a measure is made of, and how many of them it needs to exist: no mean of no case, no largest hundredth of ten losses.
_MADE_OF: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("mean_loss", "share_with_loss", "cases_per_100k"), ("cases", 1)),
    **dict.fromkeys(("mean_loss_of_known", "share_with_loss_of_known"), ("cases_loss_known", 1)),
    "mean_loss_completed": ("cases_completed", 1),
    **dict.fromkeys(
        ("mean_loss_with_loss", "median_loss", "p90_loss", "p99_loss", "max_loss", *INTERVAL_ENDS), ("cases_with_loss", 1)
    ),
    **{
        "top_10_share": ("cases_with_loss", 10),
        "top_1_share": ("cases_with_loss", 100),
        "top_0_1_share": ("cases_with_loss", 1000),
        "gini_loss": ("cases_with_loss", 10),
    },
}
_OF_CASES = ("share_of_cases", "change_on_year_cases", "contribution_cases", "cases_per_100k")


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


def mark_of_missing(measure: str, others: Mapping[str, Any]) -> str:
    """The mark of a figure that is not there. `others`: measure -> what there is of the same type and period.

    What is made of a figure that is not there is as absent as that one; what there are too few cases for cannot exist. Of
    anything else nothing is known but that no publication has it.
    """
    loss = None if measure in _OF_CASES else others.get("loss")
    for whole in (others.get("cases"), loss):
        if whole is not None and whole.absence and whole.measure != measure:
            return ABSENCE_MARKS.get(whole.absence, NO_ROW)
    name, least = _MADE_OF.get(measure, ("", 0))
    base = others.get(name)
    return "[z]" if base is not None and base.value is not None and base.value < least else NO_ROW


def is_provisional(row: Any) -> bool:
    """Whether the figure is provisional, by its edition or its status."""
    return row.edition == "provisional" or row.obs_status == "P"
