"""Measures and units in words, and the order and groups in which tables show them.

In: the names of `pipeline.model.MEASURES` and `UNITS`. Out: titles, meanings, short units, ranks. What is counted as a case
differs by country: within `counting` the words say it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from pipeline.model import INTERVALS, MEASURES, UNITS
from pipeline.publish.words import Words, _, both, declared, only_english

MEASURE_TITLES: dict[str, tuple[str, str]] = {
    "cases": (_("Cases"), "認知件数"),
    "cases_completed": (_("Completed cases"), "うち既遂"),
    "cases_with_loss": (_("Cases with a loss"), ""),
    "cases_cleared": (_("Cases cleared"), "検挙件数"),
    "victims": (_("Victims"), "被害者数"),
    "victims_share": (_("Share of victims"), "被害者の割合"),
    "persons_arrested": (_("Persons arrested"), "検挙人員"),
    "persons_detained": (_("Persons detained abroad"), ""),
    "bases_raided": (_("Bases raided"), "摘発拠点数"),
    "loss": (_("Loss"), "被害額"),
    "loss_net": (_("Net loss"), ""),
    "loss_recovered": (_("Loss returned"), ""),
    "loss_prevented": (_("Loss prevented"), ""),
    "traded_value": (_("Value of unauthorised trades"), ""),
    "fraud_rate": (_("Fraud rate"), ""),
    "mean_loss": (_("Loss per case"), ""),
    "mean_loss_of_known": (_("Loss per case whose loss is known"), ""),
    "mean_loss_completed": (_("Loss per completed case"), "既遂1件当たり"),
    "mean_loss_with_loss": (_("Loss per case with a loss"), ""),
    "loss_per_day": (_("Loss per day"), "1日当たり"),
    "median_loss": (_("Median loss"), ""),
    "median_loss_lower_95": (_("Median loss, lower end of the interval of 95 %"), ""),
    "median_loss_upper_95": (_("Median loss, upper end of the interval of 95 %"), ""),
    "p90_loss": (_("90th percentile of losses"), ""),
    "p90_loss_lower_95": (_("90th percentile, lower end of the interval of 95 %"), ""),
    "p90_loss_upper_95": (_("90th percentile, upper end of the interval of 95 %"), ""),
    "p99_loss": (_("99th percentile of losses"), ""),
    "max_loss": (_("Largest single loss"), ""),
    "top_0_1_share": (_("Share of loss in the largest 0.1 % of losses"), ""),
    "top_1_share": (_("Share of loss in the largest 1 % of losses"), ""),
    "top_10_share": (_("Share of loss in the largest 10 % of losses"), ""),
    "gini_loss": (_("Gini coefficient of losses"), ""),
    "cases_loss_known": (_("Cases whose loss is known"), ""),
    "share_with_loss": (_("Share of cases with a loss"), ""),
    "share_with_loss_of_known": (_("Share with a loss, of cases whose loss is known"), ""),
    "item_response_rate": (_("Share of cases that say it"), ""),
    "loss_without_large": (_("Loss without large losses"), ""),
    "loss_per_100k": (_("Loss per 100,000 inhabitants"), ""),
    "cases_per_100k": (_("Cases per 100,000 inhabitants"), ""),
    "share_of_loss": (_("Share of loss"), ""),
    "share_of_cases": (_("Share of cases"), ""),
    "change_on_year": (_("Change of loss on the year"), "前年同期比"),
    "change_on_year_without_large": (_("Change of loss on the year, without large losses"), "前年同期比"),
    "change_on_year_cases": (_("Change of cases on the year"), "前年同期比"),
    "contribution": (_("Contribution to the change of loss"), "寄与度"),
    "contribution_cases": (_("Contribution to the change of cases"), "寄与度"),
    "phone_numbers": (_("Telephone numbers used"), ""),
}
UNIT_SHORT: dict[str, str] = {
    "cases": _("cases"),
    "persons": _("persons"),
    "bases": _("bases"),
    "numbers": _("numbers"),
    "JPY": _("yen"),
    "USD": _("US dollars"),
    "CAD": _("Canadian dollars"),
    "AUD": _("Australian dollars"),
    "ratio": "%",
    "percent": "%",
    "coefficient": _("from 0 to 1"),
    "points": _("percentage points"),
    "cases_per_100k": _("cases"),
    "JPY_per_100k": _("yen"),
    "USD_per_100k": _("US dollars"),
    "CAD_per_100k": _("Canadian dollars"),
    "AUD_per_100k": _("Australian dollars"),
}
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "losses",
        _("Cases and losses"),
        (
            "cases",
            "cases_completed",
            "cases_with_loss",
            "victims",
            "loss",
            "loss_net",
            "loss_recovered",
            "loss_prevented",
            "traded_value",
            "share_of_loss",
            "share_of_cases",
            "change_on_year",
            "loss_without_large",
            "change_on_year_without_large",
            "contribution",
            "change_on_year_cases",
            "contribution_cases",
        ),
    ),
    (
        "means",
        _("Per case, per day and per 100,000 inhabitants"),
        (
            "mean_loss",
            "mean_loss_of_known",
            "mean_loss_completed",
            "mean_loss_with_loss",
            "median_loss",
            "p90_loss",
            "p99_loss",
            "max_loss",
            "loss_per_day",
            "loss_per_100k",
            "cases_per_100k",
            "fraud_rate",
        ),
    ),
    (
        "quantiles",
        _("Median and 90th percentile of the losses, with intervals"),
        ("cases_with_loss", *(name for quantile, ends in INTERVALS.items() for name in (quantile, *ends))),
    ),
    ("police", _("Clearances and arrests"), ("cases_cleared", "persons_arrested", "persons_detained", "bases_raided")),
)
_GROUPED = {measure for _, _, measures in GROUPS for measure in measures}
_IN_GROUPS = (*(m for _, _, measures in GROUPS for m in measures), *(m for m in MEASURES if m not in _GROUPED))
# A quantile is followed by the ends of its interval.
MEASURE_ORDER = [name for measure in _IN_GROUPS for name in (measure, *INTERVALS.get(measure, ()))]
# National currency before the US dollars that it is converted to.
_UNIT_ORDER = sorted(UNITS, key=lambda unit: unit.startswith("USD"))
# What is counted as a case: by the police (認知件数), or as a report to somebody else, or both side by side. Titles where they
# are other than those of the police.
_TITLES: dict[str, dict[str, str]] = {
    "police": {},
    "incidents": {"cases": both("Cases", "発生件数")},
    "reports": {
        "cases": _("Reports"),
        "cases_with_loss": _("Reports with a loss"),
        "cases_loss_known": _("Reports whose loss is known"),
        "cases_per_100k": _("Reports per 100,000 inhabitants"),
        "mean_loss": _("Loss per report"),
        "mean_loss_of_known": _("Loss per report whose loss is known"),
        "mean_loss_with_loss": _("Loss per report with a loss"),
        "share_with_loss": _("Share of reports with a loss"),
        "share_with_loss_of_known": _("Share with a loss, of reports whose loss is known"),
        "share_of_cases": _("Share of reports"),
        "item_response_rate": _("Share of reports that say it"),
        "change_on_year_cases": _("Change of reports on the year"),
        "contribution_cases": _("Contribution to the change of reports"),
    },
    "several": {
        "cases": _("Cases or reports"),
        "cases_with_loss": _("Cases or reports with a loss"),
        "cases_loss_known": _("Cases or reports whose loss is known"),
        "cases_per_100k": _("Cases or reports per 100,000 inhabitants"),
        "mean_loss": _("Loss per case or report"),
        "mean_loss_of_known": _("Loss per case or report whose loss is known"),
        "mean_loss_with_loss": _("Loss per case or report with a loss"),
        "share_with_loss": _("Share of cases or reports with a loss"),
        "share_of_cases": _("Share of cases or reports"),
        "change_on_year_cases": _("Change of cases or reports on the year"),
    },
}
# The same of what they mean.
_MEANINGS: dict[str, dict[str, str]] = {
    "police": {},
    "incidents": {"cases": _("incidents that became known")},
    "reports": {
        "cases": _("reports received, with or without a loss"),
        "cases_with_loss": _("reports with a loss above zero"),
        "cases_loss_known": _("reports whose loss, above zero or not, is known"),
        "cases_per_100k": _("reports per 100,000 inhabitants of the same year"),
        "mean_loss": _("gross loss divided by the reports, with or without a loss"),
        "mean_loss_of_known": _("gross loss divided by the reports whose loss, above zero or not, is known"),
        "mean_loss_with_loss": _("gross loss divided by the reports with a loss"),
        "share_with_loss": _("share of the reports that have a loss above zero"),
        "share_with_loss_of_known": _("share of the reports whose loss is known that have one above zero"),
        "share_of_cases": _("share of the reports of the whole table"),
        "item_response_rate": _("share of the reports that say what the table is broken down by"),
        "change_on_year_cases": _("change of the reports on the same period of the year before"),
    },
    "several": {
        "mean_loss": _("gross loss divided by the cases or reports, attempts included"),
        "mean_loss_of_known": _("gross loss divided by the cases or reports whose loss, above zero or not, is known"),
        "mean_loss_with_loss": _("gross loss divided by the cases or reports with a loss"),
    },
}
_UNITS: dict[str, dict[str, Words]] = {
    "police": {},
    "incidents": {},
    "reports": {"cases": _("reports"), "cases_per_100k": _("reports")},
    "several": {"cases": _("cases or reports"), "cases_per_100k": _("cases or reports")},
}
_GROUP_TITLES: dict[str, dict[str, str]] = {
    "police": {},
    "incidents": {},
    "reports": {
        "losses": _("Reports and losses"),
        "means": _("Per report, per day and per 100,000 inhabitants"),
    },
    "several": {},
}
# What a source of Japan counts whose cases are no 認知件数.
INCIDENTS = "JP incidents"
_COUNTED = {"": "several", "JP": "police", INCIDENTS: "incidents"}
_counted: ContextVar[str] = ContextVar("counted", default="police")


@contextlib.contextmanager
def counting(country: str) -> Iterator[None]:
    """Within it, cases are those of a country, or INCIDENTS; of several countries at once where it is empty."""
    before = _counted.set(_COUNTED.get(country, "reports"))
    try:
        yield
    finally:
        _counted.reset(before)


_OF_OTHERS = ("reports", "several")


def counted() -> str:
    """What cases are now: for what is kept of their words."""
    return _counted.get()


def measure_title(measure: str) -> tuple[str, str]:
    """(English, Japanese) of a measure; the Japanese is for an English page to show beside."""
    counts = _counted.get()
    title, japanese = MEASURE_TITLES.get(measure, ("", ""))
    if title:
        # The Japanese is what the police print: beside a title of others it would say that they count what the police count.
        beside = "発生件数" if counts == "incidents" and measure == "cases" else "" if counts in _OF_OTHERS else japanese
        return _TITLES[counts].get(measure, title), only_english(beside)
    return declared(measure.replace("_", " ").capitalize()), ""


def measure_meaning(measure: str) -> Words:
    """What a measure counts, in a clause."""
    return declared(_MEANINGS[_counted.get()].get(measure) or MEASURES.get(measure, ""))


def unit_short(unit: str) -> str:
    """A unit in a word or two."""
    return _UNITS[_counted.get()].get(unit) or UNIT_SHORT.get(unit, unit)


def unit_in_words(unit: str) -> Words:
    """A unit as the list of units names it, without what it says in brackets."""
    return _UNITS[_counted.get()].get(unit) or _UNIT_NAMES.get(unit) or declared(UNITS.get(unit, unit).split(" (")[0])


_UNIT_NAMES = {
    "USD": _("US dollars, current prices"),
    "ratio": _("ratio"),
}


def measure_and_unit(measure: str, unit: str) -> str:
    """A measure with its unit, where the unit does not say the same."""
    title, words = measure_title(measure)[0], unit_short(unit)
    return title if words == title.lower() else _("{measure}, {unit}", measure=title, unit=words)


def measure_rank(key: tuple[str, str]) -> tuple[int, int]:
    """Where (measure, unit) stands among others; what is in no order comes last."""
    measure, unit = key
    place = MEASURE_ORDER.index(measure) if measure in MEASURE_ORDER else len(MEASURE_ORDER)
    return place, _UNIT_ORDER.index(unit) if unit in _UNIT_ORDER else len(_UNIT_ORDER)


def measure_note(measure: str) -> Words:
    """A measure with what it counts, as a sentence."""
    return _("{measure}: {meaning}.", measure=measure_title(measure)[0], meaning=measure_meaning(measure))


def group_title(name: str) -> str:
    """The words of a group of GROUPS."""
    return _GROUP_TITLES[_counted.get()].get(name) or next(words for group, words, __ in GROUPS if group == name)


def measure_group(name: str) -> tuple[str, ...]:
    """The measures of a group of GROUPS; `other` gives those that are in none."""
    found = next((measures for group, _, measures in GROUPS if group == name), None)
    return found if found is not None else tuple(measure for measure in MEASURES if measure not in _GROUPED)


CURRENCIES = ("JPY", "USD", "CAD", "AUD")
