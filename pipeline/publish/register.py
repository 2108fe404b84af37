"""The register of tables that the best published summaries of fraud hold together, and which of them are made here.

In: what the view holds (`Facts`). Out: a table that says of each whether it is made, made in part or not made, with the sources
that give it, what each of them lacks, and the field that no source gives. The list is that of the FTC's data book, IC3's report,
the NPA's monthly statistics, UK Finance's annual report, Targeting Scams and the SPF's brief.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import pandas as pd

from pipeline.model import DIMENSIONS, INTERVAL_ENDS, TOTAL
from pipeline.publish import contributions, seasonal
from pipeline.publish.countries import declared_tables
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.languages import N_
from pipeline.publish.maps import MAPPED, map_lacking
from pipeline.publish.register_facts import AREA, TYPE, Facts, plain_figures
from pipeline.publish.roles import MONTHS_OF_HISTORY, parsed, role
from pipeline.publish.series_titles import source_title
from pipeline.publish.source_pages import count_cell
from pipeline.publish.tables import Column, Table, led_to, text_cell
from pipeline.publish.words import Own, _, declared, listed, page_name


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
            Field("Gini coefficient", reason="not computed here"),
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


def register_tables(
    view: pd.DataFrame, published: Collection[str], families: Families, printed_again: Collection[str] = ()
) -> tuple[Table, Table]:
    """The register, and release by release those that need more than the figures of a period.

    `view`: OBSERVATION_COLUMNS; `published`: the periods that have a release; `printed_again`: the sources of figures of which
    more than one printing is known.
    """
    reasons = _reasons(view, published, families)
    made = {code: frozenset(name for (name, __), reason in own.items() if not reason) for code, own in reasons.items()}
    made |= {
        "T40": frozenset(source.id for source in families.sources.values() if source.breaks) & set(view["source"]),
        "T41": _compared(view, families),
        "T44": frozenset(item.id for item in families.sources.values() if "comparability" in item.meta) & set(view["source"]),
        "T34": frozenset(printed_again),
    }
    return register_table(dataclasses.replace(Facts.of(view), made=made)), by_release_table(reasons, families)


def _compared(view: pd.DataFrame, families: Families) -> frozenset[str]:
    """The sources of series that stand beside those of other countries, where there are two countries."""
    declared = {source for source, __ in declared_tables(families)}
    annual = (view["frequency"] == "annual").to_numpy(bool) & (view["absence"] == "").to_numpy(bool)
    present = declared & set(view.loc[annual, "source"])
    return frozenset(present) if len({families.sources[source].country for source in present}) > 1 else frozenset()


def register_table(facts: Facts) -> Table:
    """Every entry: its state, where it stands or what is lacking, and what each source has of it."""
    lines = []
    for entry in REGISTER:
        held = entry.held(facts)
        nowhere = [field for field in entry.fields if all(field in own.missing for own in held.values())] if held else []
        own = {source: dataclasses.replace(had, missing=_without(had.missing, nowhere)) for source, had in held.items()}
        is_made = not nowhere and any(had.is_complete for had in own.values())
        lines.append(
            (
                text_cell(entry.code, header=True),
                text_cell(declared(entry.title)),
                text_cell(_("made") if is_made else _("made in part") if held else _("not made")),
                text_cell(_place(entry, nowhere, own.values()) if held else declared(entry.lacking or NOBODY_GIVES_IT)),
                text_cell(listed([_source_words(source, had) for source, had in own.items()])),
            )
        )
    columns = tuple(map(Column, (_("No."), _("Table"), _("State"), _("Where, or what is lacking"), _("Sources"))))
    return Table("register", _("Tables, and which are made"), columns, tuple(lines), notes=(_SINGLE_CELLS,))


_SINGLE_CELLS = _(
    "Single cells: what a source says of one or a few categories, which neither make up the total nor are so many that they are "
    "a table."
)


def _without(fields: Iterable[Field], others: Collection[Field]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field not in others)


def _place(entry: Entry, nowhere: Sequence[Field], held: Collection[Held]) -> str:
    """Where the table stands, and what no source gives of it."""
    lacking: list[str] = [_("all but single cells: no source gives it")] if all(had.is_single for had in held) else []
    lacking += [
        _("{field}: {reason}", field=declared(field.words), reason=declared(field.reason or NOBODY_GIVES_IT)) for field in nowhere
    ]
    where = declared(entry.where)
    return _("{where}. Lacking: {fields}", where=where, fields=listed(lacking, "; ")) if lacking else where


def _source_words(source: str, had: Held) -> str:
    """The source, and what it lacks of what another gives."""
    fields = listed([declared(field.words) for field in had.missing])
    if had.is_single:
        return (
            _("{source} (single cells, without {fields})", source=Own(source), fields=fields)
            if had.missing
            else _("{source} (single cells)", source=Own(source))
        )
    return _("{source} (without {fields})", source=Own(source), fields=fields) if had.missing else Own(source)


# ------------------------------------------------------------------------------------------------------ release by release


_Reasons = Mapping[str, Mapping[tuple[str, str], str]]  # code -> (source, period) -> what is lacking, empty where it is made


def _reasons(view: pd.DataFrame, published: Collection[str], families: Families) -> _Reasons:
    """A source counts where its figures lead."""
    plain = _leading(plain_figures(view), families)
    found = {
        "T03": _contribution_reasons(plain, published),
        "T20": _map_reasons(view[(view["absence"] == "").to_numpy(bool)]),
        "T31": _season_reasons(plain[(plain["absence"] == "").to_numpy(bool)]),
    }
    return {code: {key: reason for key, reason in own.items() if key[1] in published} for code, own in found.items()}


def _contribution_reasons(plain: pd.DataFrame, published: Collection[str]) -> dict[tuple[str, str], str]:
    """(source, period of a release) -> why there are no contributions, neither of the period nor of the part of the year up to
    its end, which the release shows as well."""
    by_source: dict[str, dict[str, str]] = {}
    for (source, period), own in plain.groupby(["source", "period"], sort=True, observed=True):
        by_source.setdefault(str(source), {})[str(period)] = contributions.lacking(own)
    reasons: dict[tuple[str, str], str] = {}
    for source, of_periods in by_source.items():
        for code in sorted(published):
            release = parsed(code)
            shown = [name for name in of_periods if role(name, release) in ("period", "cumulative")]
            if shown:
                own_first = sorted(shown, key=lambda name: (name != code, name))
                told = [of_periods[name] for name in own_first]
                reasons[source, code] = "" if "" in told else told[0]
    return reasons


def by_release_table(reasons: _Reasons, families: Families) -> Table:
    """Of the tables that need several periods or all areas: in how many releases each source has them, and what is lacking in the
    others."""
    names = {entry.code: entry.title for entry in REGISTER}
    lines = []
    for code, found in reasons.items():
        for source in sorted({source for source, __ in found}):
            own = {period: reason for (name, period), reason in found.items() if name == source}
            made = sum(not reason for reason in own.values())
            lines.append(
                (
                    text_cell(code, header=True),
                    text_cell(declared(names[code])),
                    text_cell(source_title(families.sources[source]) if source in families.sources else Own(source)),
                    *led_to(page_name("index.html#releases"), (count_cell(made), count_cell(len(own)))),
                    text_cell(_grouped(own) or _("nothing")),
                )
            )
    columns = (
        Column(_("No.")),
        Column(_("Table")),
        Column(_("Source")),
        Column(_("Made in"), _("releases"), numeric=True),
        Column(
            _("Of"),
            _("releases"),
            numeric=True,
            note=_("with figures of the source for the period, or for the part of the year up to its end"),
        ),
        Column(_("What is lacking in the others")),
    )
    title = _("Tables that need several periods or all areas, by source")
    return Table("register_by_release", title, columns, tuple(lines))


def _grouped(reasons: Mapping[str, str]) -> str:
    """`reason (3 releases: 2021 to 2023)`, the reasons one after the other."""
    groups: dict[str, list[str]] = {}
    for period, reason in reasons.items():
        if reason:
            groups.setdefault(reason, []).append(period)
    words = []
    for reason, periods in groups.items():
        ordered = sorted(periods, key=lambda code: (parsed(code).frequency, parsed(code).start))
        which = ", ".join(ordered) if len(ordered) <= 4 else f"{', '.join(ordered[:2])} … {ordered[-1]}"
        words.append(_("{reason} ({count}: {periods})", reason=reason, count=len(ordered), periods=which))
    return listed(words, "; ") if words else ""


def _leading(plain: pd.DataFrame, families: Families) -> pd.DataFrame:
    """Of several rows for one figure the one that a release shows, as `figures.figures` chooses it."""
    tables = {(row.source, row.table): families.family(row) for row in plain[["source", "table"]].drop_duplicates().itertuples()}
    ranked = plain.assign(
        family=[tables[pair] for pair in zip(plain["source"], plain["table"], strict=True)],
        is_absent=plain["absence"] != "",
        precedence=plain["source"].map(families.precedence),
        is_derived=plain["derivation"] != "",
    )
    ranked = ranked.sort_values(["is_absent", "precedence", "is_derived", "source", "table", "id"], kind="stable")
    same = ["family", "classification", "period", "area", "fraud_type", "native_type", "measure", "unit"]
    return ranked.drop_duplicates(same)


def _map_reasons(present: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(source, period) -> why there is no map, for figures by area that have a value."""
    kept = present["measure"].isin(MAPPED).to_numpy(bool) & ~present["overlay"].to_numpy(bool)
    kept &= (present["native_type"] == TOTAL).to_numpy(bool) & ~present["area"].map(is_country).to_numpy(bool)
    for name in DIMENSIONS:
        kept &= present[name].isin(NO_BREAKDOWN).to_numpy(bool)
    reasons: dict[tuple[str, str], str] = {}
    for (source, period), own in present[kept].groupby(["source", "period"], sort=True, observed=True):
        countries = {area[:2] for area in own["area"] if "-" in area}
        found = [map_lacking(country, set(own["area"])) for country in sorted(countries)]
        if found:
            reasons[str(source), str(period)] = "" if "" in found else listed(found, "; ")
    return reasons


def _season_reasons(plain: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(source, month) -> why the cases up to the month are not adjusted, for plain figures that have a value."""
    kept = (plain["frequency"] == "monthly") & (plain["native_type"] == TOTAL) & (plain["measure"] == "cases")
    reasons: dict[tuple[str, str], str] = {}
    for source, own in plain[kept.to_numpy(bool)].groupby("source", sort=True, observed=True):
        names = ("period", "classification", "value")
        totals = {str(month): (scheme, float(value)) for month, scheme, value in zip(*(own[n] for n in names), strict=True)}
        months = sorted(totals)
        breaks = [month for before, month in itertools.pairwise(months) if totals[before][0] != totals[month][0]]
        for end in range(1, len(months) + 1):
            shown = months[max(end - MONTHS_OF_HISTORY, 0) : end]
            reasons[str(source), months[end - 1]] = seasonal.lacking(shown, [totals[month][1] for month in shown], breaks)
    return reasons
