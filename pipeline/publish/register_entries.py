"""The tables that the best published summaries of fraud hold together: what each needs, and where it stands here.

In: what the view holds (`Facts`). Out: `REGISTER`; of each entry who gives something of it, and what each of them lacks. The list
is that of the FTC's data book, IC3's report, the NPA's monthly statistics, UK Finance's annual report, Targeting Scams and the
SPF's brief.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from pipeline.model import INTERVAL_ENDS
from pipeline.publish.languages import N_
from pipeline.publish.register_facts import AREA, TYPE, Facts


@dataclasses.dataclass(frozen=True)
class Field:
    """What a table of the register shows of each line, and which measures give it; without any, nobody does, for a reason."""

    words: str
    measures: tuple[str, ...] = ()
    reason: str = ""  # why it is lacking, where that does not lie with the sources


@dataclasses.dataclass(frozen=True)
class Held:
    """What a source has of a table of the register."""

    missing: tuple[Field, ...] = ()
    is_single: bool = False  # single cells, no table

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.is_single


@dataclasses.dataclass(frozen=True)
class Entry:
    """A table of the register: who gives what it needs, where it stands, and what is lacking where nobody does.

    `fields` are those that the best summaries show in it; without any, whoever is among `of` has all of it. `by`: what it is
    broken down by.
    """

    code: str
    title: str
    where: str = ""
    lacking: str = ""
    by: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    of: Callable[[Facts], set[str]] | None = None

    def sources(self, facts: Facts) -> set[str]:
        """Who gives something of it."""
        if self.of is not None:
            return self.of(facts)
        return facts.sources([name for field in self.fields for name in field.measures], *self.by)

    def held(self, facts: Facts) -> dict[str, Held]:
        """What each of them has of it, in the order of their names."""
        having = {field.words: facts.sources(field.measures, *self.by) if field.measures else set() for field in self.fields}
        measures = [name for field in self.fields for name in field.measures]
        whole = facts.sources(measures, *self.by, whole=True) if self.by and self.fields else None
        return {
            source: Held(
                tuple(field for field in self.fields if source not in having[field.words]),
                whole is not None and source not in whole,
            )
            for source in sorted(self.sources(facts))
        }


def _with(*measures: str, by: tuple[str, ...] = ()) -> Callable[[Facts], set[str]]:
    return lambda facts: facts.sources(measures, *by)


def _made_in_a_release(code: str) -> Callable[[Facts], set[str]]:
    return lambda facts: set(facts.made.get(code, ()))


def _nobody(__: Facts) -> set[str]:
    return set()


_REPORTS, _LOSS = Field("cases or reports", ("cases",)), Field("loss", ("loss",))
_VICTIMS = Field("victims", ("victims", "victims_share"))
_WITH_LOSS = Field("share with a loss", ("share_with_loss", "share_with_loss_of_known", "cases_with_loss", "cases_completed"))
_MEAN = Field("mean", ("mean_loss", "mean_loss_of_known", "mean_loss_completed", "mean_loss_with_loss"))
_MEDIAN, _P90 = Field("median", ("median_loss",)), Field("90th percentile", ("p90_loss",))
_RATES = ("cases_per_100k", "loss_per_100k")
_COUNTED = Field("cases, reports or victims", ("cases", "victims", "victims_share"))
_BREAKDOWNS = "further tables of the source"
_COUNTRIES, _ONE_COUNTRY = "page on countries side by side", "figures of one country only"
_ONE_PRINTING = "no source has given figures of one period twice"
NOBODY_GIVES_IT = N_("no source gives it")

REGISTER: tuple[Entry, ...] = (
    Entry(
        "T01",
        "Key figures",
        "at a glance",
        fields=(
            _REPORTS,
            Field("victims", ("victims",)),
            Field("cases or reports with a loss", ("cases_with_loss", "cases_completed")),
            _LOSS,
            Field("loss recovered", ("loss_recovered",)),
            Field("net loss", ("loss_net",)),
            Field("loss prevented", ("loss_prevented",)),
            _MEAN,
            _MEDIAN,
            Field("loss per 100,000 inhabitants", ("loss_per_100k",)),
            Field("loss per day", ("loss_per_day",)),
            Field("change on the year", ("change_on_year", "change_on_year_cases")),
        ),
        of=_with("cases", "loss"),
    ),
    Entry("T02", "Headline series over time, with vintage", "over time; vintages under revisions", of=_with("cases", "loss")),
    Entry(
        "T03",
        "Contribution of each type to the change on the year",
        "main tables of the series; release by release below",
        "no source gives types in two periods that are a year apart",
        of=_made_in_a_release("T03"),
    ),
    Entry(
        "T04",
        "Type by reports, victims, losses, mean, median",
        "main tables of the series",
        by=(TYPE,),
        fields=(_REPORTS, _VICTIMS, _WITH_LOSS, _LOSS, _MEAN, _MEDIAN, _P90),
    ),
    Entry("T05", "Ten largest types by reports", "main tables of the series, sorted by cases", by=(TYPE,), fields=(_REPORTS,)),
    Entry("T06", "Ten largest types by loss", "main tables of the series, in the order of loss", by=(TYPE,), fields=(_LOSS,)),
    Entry(
        "T07",
        "Types over several years",
        "further tables of the series",
        "no source gives types of two years",
        of=lambda facts: set(facts.typed_years),
    ),
    Entry("T08", "Publisher's type to common type", "the trace of each figure", of=_with("cases", "loss", by=(TYPE,))),
    Entry("T09", "Overlays: of which, cutting across types", "boxes of the series", of=lambda facts: set(facts.overlays)),
    Entry(
        "T10",
        "Size of the single loss",
        _BREAKDOWNS,
        by=("loss_band",),
        fields=(
            Field("cases or reports", ("cases", "cases_with_loss")),
            Field("share of cases or reports", ("share_of_cases",)),
            _LOSS,
            Field("share of loss", ("share_of_loss",)),
        ),
    ),
    Entry(
        "T11",
        "Concentration of losses",
        "main tables of the series; losses from a size on: further tables of the source",
        fields=(
            Field("share of the largest 0.1 %", ("top_0_1_share",)),
            Field("share of the largest 1 %", ("top_1_share",)),
            Field("share of the largest 10 %", ("top_10_share",)),
            Field("largest loss", ("max_loss",)),
            Field("Gini coefficient", ("gini_loss",)),
        ),
        of=_with("top_1_share", "top_10_share"),
    ),
    Entry(
        "T12",
        "Totals with and without large losses",
        "main tables of the series",
        "no source gives the sum of its large losses",
        of=_with("loss_without_large"),
    ),
    Entry(
        "T13",
        "Quantiles of losses with intervals",
        "main tables of the series; why totals have no interval: large losses, above",
        "no source gives single losses",
        of=_with(*INTERVAL_ENDS),
    ),
    Entry(
        "T14",
        "Age",
        _BREAKDOWNS,
        by=("age",),
        fields=(
            _COUNTED,
            _WITH_LOSS,
            _LOSS,
            _MEDIAN,
            Field("rate per 100,000 of the age", reason="no population by age is held"),
        ),
    ),
    Entry("T15", "Sex by age", _BREAKDOWNS, by=("age", "sex"), fields=(_COUNTED,)),
    Entry("T16", "Private persons and organisations", _BREAKDOWNS, by=("victim_kind",), fields=(_REPORTS, _LOSS)),
    Entry("T17", "The old, by each source's own limit of age", _BREAKDOWNS, of=lambda facts: set(facts.elderly)),
    Entry(
        "T18",
        "Region",
        _BREAKDOWNS,
        by=(AREA,),
        fields=(_REPORTS, _LOSS, Field("rate per 100,000 inhabitants", _RATES), Field("rank", ("rank",))),
    ),
    Entry("T19", "Region by type", _BREAKDOWNS, "no source gives types by region", by=(AREA, TYPE), fields=(_REPORTS, _LOSS)),
    Entry(
        "T20",
        "Map",
        "further tables of the source, as squares; release by release below",
        "no source gives half of a country's areas",
        of=_made_in_a_release("T20"),
    ),
    Entry("T21", "Way of the first contact", _BREAKDOWNS, by=("contact",), fields=(_REPORTS, _WITH_LOSS, _LOSS, _MEDIAN)),
    Entry("T22", "Service or platform of the contact", _BREAKDOWNS, by=("contact_tool",), fields=(_REPORTS, _LOSS)),
    Entry(
        "T23", "Means of payment", _BREAKDOWNS, "no source gives the means of payment", by=("payment",), fields=(_REPORTS, _LOSS)
    ),
    Entry(
        "T24",
        "Type by way of contact",
        _BREAKDOWNS,
        "no source gives types by way of contact",
        by=("contact", TYPE),
        fields=(_REPORTS, _LOSS),
    ),
    Entry(
        "T25",
        "Type by means of payment",
        _BREAKDOWNS,
        "no source gives types by means of payment",
        by=("payment", TYPE),
        fields=(_REPORTS, _LOSS),
    ),
    Entry(
        "T26",
        "Authorised and unauthorised",
        lacking="no source counts by it; the common types say it of themselves",
        of=_nobody,
    ),
    Entry(
        "T27",
        "Completed and attempted",
        "main tables of the series",
        of=lambda facts: facts.sources(["cases_completed", "cases_with_loss"]) | facts.sources([], "outcome"),
    ),
    Entry(
        "T28",
        "Recovered, reimbursed, frozen",
        "main tables",
        "no source gives it",
        fields=(
            Field("net loss", ("loss_net",)),
            Field("loss recovered", ("loss_recovered",)),
            Field("reimbursed"),
            Field("frozen"),
        ),
    ),
    Entry("T29", "Prevented", "main tables", "no source gives the loss that was prevented", of=_with("loss_prevented")),
    Entry(
        "T30",
        "Cleared and arrested",
        "main tables of the series",
        fields=(Field("cases cleared", ("cases_cleared",)), Field("persons arrested", ("persons_arrested",))),
    ),
    Entry(
        "T31",
        "Monthly series, seasonally adjusted",
        "over time, in monthly releases; release by release below",
        "no source gives three full years of months without a hole",
        of=_made_in_a_release("T31"),
    ),
    Entry(
        "T32", "Lag from offence to report", lacking="no source gives both the day of the offence and of the report", of=_nobody
    ),
    Entry("T33", "By day of the offence", lacking="no source gives the day of the offence", of=_nobody),
    Entry("T34", "Revision triangle", "revisions of each release: vintages", _ONE_PRINTING, of=_made_in_a_release("T34")),
    Entry("T35", "Revision statistics", "revisions of each release, and above", _ONE_PRINTING, of=_made_in_a_release("T34")),
    Entry("T36", "What changed since the last release", "revisions of each release", of=_with("cases", "loss")),
    Entry("T37", "Quality indicators", "this page", of=_with()),
    Entry(
        "T38",
        "Missing fields",
        "this page; rates of response in further tables of the source",
        of=lambda facts: facts.sources(["item_response_rate"]) | facts.unanswered,
    ),
    Entry(
        "T39",
        "Coverage and contributors",
        "page of each source",
        fields=(Field("contributors"), Field("duplicates removed")),
        of=_with(),
    ),
    Entry("T40", "Breaks in the series", "page of each source", "no source declares a break", of=_made_in_a_release("T40")),
    Entry("T41", "Countries side by side in national currency", _COUNTRIES, _ONE_COUNTRY, of=_made_in_a_release("T41")),
    Entry(
        "T42",
        "In US dollars and purchasing power",
        _COUNTRIES,
        _ONE_COUNTRY,
        fields=(Field("purchasing power", reason="no purchasing-power parity is held"),),
        of=_made_in_a_release("T41"),
    ),
    Entry(
        "T43",
        "Per 100,000 inhabitants and per GDP",
        _COUNTRIES,
        _ONE_COUNTRY,
        fields=(Field("share of the gross domestic product", reason="no gross domestic product is held"),),
        of=lambda facts: facts.sources(_RATES) & set(facts.made.get("T41", ())),
    ),
    Entry(
        "T44",
        "Comparability matrix",
        f"{_COUNTRIES}; page of each source",
        "no source declares what its series count",
        of=_made_in_a_release("T44"),
    ),
)
