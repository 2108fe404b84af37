"""The register of tables that the best published summaries of fraud hold together, and which of them are made here.

In: what the view holds (`Facts`). Out: a table with the sources that give each, or the field that no source gives. The list is
that of the FTC's data book, IC3's report, the NPA's monthly statistics, UK Finance's annual report, Targeting Scams and the SPF's
brief.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping

import pandas as pd

from pipeline.model import DIMENSIONS, INTERVAL_ENDS, TOTAL
from pipeline.publish import contributions, seasonal
from pipeline.publish.countries import declared_tables
from pipeline.publish.families import Families
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.maps import MAPPED, map_lacking
from pipeline.publish.roles import MONTHS_OF_HISTORY, parsed, role
from pipeline.publish.series_titles import source_title
from pipeline.publish.source_pages import count_cell
from pipeline.publish.tables import Column, Table, led_to, text_cell
from pipeline.publish.words import N_, Own, _, declared, listed, page_name

_TYPE = "type"
_AREA = "area"


@dataclasses.dataclass(frozen=True)
class Facts:
    """Which measures each source has, and by what they are broken down: (source, measure, set of dimensions), area and type among
    them; and the sources with overlays, and with the age limits of the old."""

    cells: frozenset[tuple[str, str, frozenset[str]]]
    overlays: frozenset[str]
    elderly: frozenset[str]
    typed_years: frozenset[str] = frozenset()  # the sources with cases or losses by type of several years
    unanswered: frozenset[str] = frozenset()  # those with cases or losses of which a breakdown does not know the answer
    made: Mapping[str, frozenset[str]] = dataclasses.field(
        default_factory=dict
    )  # who has those that are not told by the figures alone

    @classmethod
    def of(cls, view: pd.DataFrame) -> Facts:
        """From OBSERVATION_COLUMNS; a figure without a value counts for nothing."""
        present = view[(view["absence"] == "").to_numpy(bool)]
        names = ["source", "measure", "native_type", "area", *DIMENSIONS]
        cells = {
            (row[0], row[1], frozenset(_broken_down(row[2], row[3], row[4:])))
            for row in present[names].drop_duplicates().itertuples(index=False, name=None)
        }
        overlays = frozenset(present.loc[present["overlay"].astype(bool), "source"])
        old = present["age"].isin(["Y_GE60", "Y_GE65"])
        return cls(
            frozenset(cells), overlays, frozenset(present.loc[old, "source"]), _with_typed_years(present), _unanswered(present)
        )

    def sources(self, measures: Iterable[str] = (), *dimensions: str) -> set[str]:
        """The sources with one of the measures (any where none is named), broken down by at least these dimensions."""
        wanted, by = set(measures), set(dimensions)
        return {source for source, measure, held in self.cells if (not wanted or measure in wanted) and by <= held}


def _with_typed_years(present: pd.DataFrame) -> frozenset[str]:
    plain = _plain(present)
    kept = (plain["frequency"] == "annual") & (plain["native_type"] != TOTAL) & plain["measure"].isin(["cases", "loss"])
    years = plain[kept.to_numpy(bool)].groupby(["source", "table", "classification"], observed=True)["period"].nunique()
    return frozenset(str(source) for source, *_ in years[years > 1].index)


def _unanswered(present: pd.DataFrame) -> frozenset[str]:
    kept = present["frequency"].isin(["annual", "year_to_date"]) & present["measure"].isin(["cases", "loss"])
    own = present[(kept & (present["native_type"] == TOTAL) & ~present["overlay"].astype(bool)).to_numpy(bool)]
    if own.empty:
        return frozenset()
    codes = own[["area", *DIMENSIONS]].astype(str)
    unknown = codes.apply(lambda column: column.str.startswith("_U") | (column == "_O_U"))
    elsewhere = pd.concat([~codes[["area"]].map(is_country), ~codes[list(DIMENSIONS)].isin(NO_BREAKDOWN)], axis=1)
    # An unknown area may be told as one of no country or as the rest of one.
    alone = (elsewhere | unknown).sum(axis=1) == 1
    return frozenset(own.loc[(unknown.any(axis=1) & alone).to_numpy(bool), "source"].astype(str))


def _broken_down(native_type: str, area: str, dimensions: Iterable[str]) -> Iterable[str]:
    if native_type != TOTAL:
        yield _TYPE
    if not is_country(area):
        yield _AREA
    for name, value in zip(DIMENSIONS, dimensions, strict=True):
        if value not in NO_BREAKDOWN:
            yield name


@dataclasses.dataclass(frozen=True)
class Entry:
    """A table of the register: who gives what it needs, where it stands, and what is lacking where nobody does."""

    code: str
    title: str
    sources: Callable[[Facts], set[str]]
    where: str = ""
    lacking: str = ""
    is_partial: bool = False  # what the title promises is not all made; `where` says what is not


def _with(*measures: str, by: tuple[str, ...] = ()) -> Callable[[Facts], set[str]]:
    return lambda facts: facts.sources(measures, *by)


def _made_in_a_release(code: str) -> Callable[[Facts], set[str]]:
    return lambda facts: set(facts.made.get(code, ()))


def _nobody(__: Facts) -> set[str]:
    return set()


_SUMS = ("cases", "loss", "victims")
_BREAKDOWNS = "further tables of the source"
_COUNTRIES, _ONE_COUNTRY = "page on countries side by side", "figures of one country only"
_ONE_PRINTING = "no source has given figures of one period twice"
NOBODY_GIVES_IT = N_("no source gives it")

REGISTER: tuple[Entry, ...] = (
    Entry("T01", "Key figures", _with("cases", "loss"), "at a glance"),
    Entry("T02", "Headline series over time, with vintage", _with("cases", "loss"), "over time; vintages under revisions"),
    Entry(
        "T03",
        "Contribution of each type to the change on the year",
        _made_in_a_release("T03"),
        "main tables of the series; release by release below",
        "no source gives types in two periods that are a year apart",
    ),
    Entry("T04", "Type by reports, victims, losses, mean, median", _with(*_SUMS, by=(_TYPE,)), "main tables of the series"),
    Entry("T05", "Ten largest types by reports", _with("cases", by=(_TYPE,)), "main tables of the series, sorted by cases"),
    Entry("T06", "Ten largest types by loss", _with("loss", by=(_TYPE,)), "main tables of the series, in the order of loss"),
    Entry(
        "T07",
        "Types over several years",
        lambda facts: set(facts.typed_years),
        "further tables of the series",
        "no source gives types of two years",
    ),
    Entry("T08", "Publisher's type to common type", _with("cases", "loss", by=(_TYPE,)), "the trace of each figure"),
    Entry("T09", "Overlays: of which, cutting across types", lambda facts: set(facts.overlays), "boxes of the series"),
    Entry("T10", "Size of the single loss", _with(by=("loss_band",)), _BREAKDOWNS),
    Entry("T11", "Concentration of losses", _with("top_1_share", "top_10_share"), "main tables of the series"),
    Entry(
        "T12",
        "Totals with and without large losses",
        _with("loss_without_large"),
        "main tables of the series",
        "no source gives the sum of its large losses",
    ),
    Entry(
        "T13",
        "Quantiles of losses with intervals",
        _with(*INTERVAL_ENDS),
        "main tables of the series; why totals have no interval: large losses, above",
        "no source gives single losses",
    ),
    Entry("T14", "Age", _with(*_SUMS, "victims_share", by=("age",)), _BREAKDOWNS),
    Entry("T15", "Sex by age", _with(*_SUMS, "victims_share", by=("age", "sex")), _BREAKDOWNS),
    Entry("T16", "Private persons and organisations", _with(by=("victim_kind",)), _BREAKDOWNS),
    Entry("T17", "The old, by each source's own limit of age", lambda facts: set(facts.elderly), _BREAKDOWNS),
    Entry("T18", "Region", _with(by=(_AREA,)), _BREAKDOWNS),
    Entry("T19", "Region by type", _with(*_SUMS, by=(_AREA, _TYPE)), _BREAKDOWNS, "no source gives types by region"),
    Entry(
        "T20",
        "Map",
        _made_in_a_release("T20"),
        "further tables of the source, as squares; release by release below",
        "no source gives half of a country's areas",
    ),
    Entry("T21", "Way of the first contact", _with(by=("contact",)), _BREAKDOWNS),
    Entry("T22", "Service or platform of the contact", _with(by=("contact_tool",)), _BREAKDOWNS),
    Entry("T23", "Means of payment", _with(by=("payment",)), _BREAKDOWNS, "no source gives the means of payment"),
    Entry("T24", "Type by way of contact", _with(by=("contact", _TYPE)), _BREAKDOWNS, "no source gives types by way of contact"),
    Entry(
        "T25", "Type by means of payment", _with(by=("payment", _TYPE)), _BREAKDOWNS, "no source gives types by means of payment"
    ),
    Entry("T26", "Authorised and unauthorised", _nobody, lacking="no source counts by it; the common types say it of themselves"),
    Entry(
        "T27",
        "Completed and attempted",
        lambda facts: facts.sources(["cases_completed", "cases_with_loss"]) | facts.sources([], "outcome"),
        "main tables of the series",
    ),
    Entry("T28", "Recovered, reimbursed, frozen", _with("loss_recovered", "loss_net"), "main tables", "no source gives it"),
    Entry("T29", "Prevented", _with("loss_prevented"), "main tables", "no source gives the loss that was prevented"),
    Entry("T30", "Cleared and arrested", _with("cases_cleared", "persons_arrested"), "main tables of the series"),
    Entry(
        "T31",
        "Monthly series, seasonally adjusted",
        _made_in_a_release("T31"),
        "over time, in monthly releases; release by release below",
        "no source gives three full years of months without a hole",
    ),
    Entry("T32", "Lag from offence to report", _nobody, lacking="no source gives both the day of the offence and of the report"),
    Entry("T33", "By day of the offence", _nobody, lacking="no source gives the day of the offence"),
    Entry("T34", "Revision triangle", _made_in_a_release("T34"), "revisions of each release: vintages", _ONE_PRINTING),
    Entry("T35", "Revision statistics", _made_in_a_release("T34"), "revisions of each release, and above", _ONE_PRINTING),
    Entry("T36", "What changed since the last release", _with("cases", "loss"), "revisions of each release"),
    Entry("T37", "Quality indicators", _with(), "this page"),
    Entry(
        "T38",
        "Missing fields",
        lambda facts: facts.sources(["item_response_rate"]) | facts.unanswered,
        "this page; rates of response in further tables of the source",
    ),
    Entry("T39", "Coverage and contributors", _with(), "page of each source", "no source gives its contributors' counts"),
    Entry("T40", "Breaks in the series", _made_in_a_release("T40"), "page of each source", "no source declares a break"),
    Entry("T41", "Countries side by side in national currency", _made_in_a_release("T41"), _COUNTRIES, _ONE_COUNTRY),
    Entry(
        "T42",
        "In US dollars and purchasing power",
        _made_in_a_release("T41"),
        f"{_COUNTRIES}, in US dollars; no purchasing-power series is held",
        _ONE_COUNTRY,
        is_partial=True,
    ),
    Entry(
        "T43",
        "Per 100,000 inhabitants and per GDP",
        lambda facts: facts.sources(["loss_per_100k", "cases_per_100k"]) & set(facts.made.get("T41", ())),
        f"{_COUNTRIES}, per inhabitant; no GDP series is held",
        _ONE_COUNTRY,
        is_partial=True,
    ),
    Entry("T44", "Comparability matrix", _made_in_a_release("T41"), _COUNTRIES, _ONE_COUNTRY),
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
    """Every entry with its sources or with what is lacking."""
    lines = []
    for entry in REGISTER:
        found = sorted(entry.sources(facts))
        lines.append(
            (
                text_cell(entry.code, header=True),
                text_cell(declared(entry.title)),
                text_cell((_("made in part") if entry.is_partial else _("made")) if found else _("not made")),
                text_cell(declared(entry.where if found else entry.lacking or NOBODY_GIVES_IT)),
                text_cell(Own(", ".join(found))),
            )
        )
    columns = tuple(map(Column, (_("No."), _("Table"), _("State"), _("Where, or what is lacking"), _("Sources"))))
    return Table("register", _("Tables, and which are made"), columns, tuple(lines))


# ------------------------------------------------------------------------------------------------------ release by release


_Reasons = Mapping[str, Mapping[tuple[str, str], str]]  # code -> (source, period) -> what is lacking, empty where it is made


def _reasons(view: pd.DataFrame, published: Collection[str], families: Families) -> _Reasons:
    """A source counts where its figures lead."""
    plain = _leading(_plain(view), families)
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


def _plain(view: pd.DataFrame) -> pd.DataFrame:
    """National figures that are broken down by nothing but the type, no overlays."""
    kept = ~view["overlay"].to_numpy(bool) & view["area"].map(is_country).to_numpy(bool)
    for name in DIMENSIONS:
        kept &= view[name].isin(NO_BREAKDOWN).to_numpy(bool)
    return view[kept]


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
