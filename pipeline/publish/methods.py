"""The site's page on methods, made from the very declarations that the code uses, so that it cannot say anything else.

In: the words of pipeline.model, the code lists and series of pipeline.reference, the steps of derivation in their own words. Out:
sections of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline import reference
from pipeline.model import (
    ABSENCE,
    ADDITIVE_MEASURES,
    CHANGES,
    CONF_STATUS,
    DERIVATIONS,
    DIMENSIONS,
    EDITIONS,
    MEASURES,
    OBS_STATUS,
    REASONS,
    UNITS,
)
from pipeline.publish.combinations import COMBINATIONS
from pipeline.publish.content import Item, Section, rows_summary
from pipeline.publish.labels import dimension_title, in_both, label_of
from pipeline.publish.marks import ABSENCE_MARKS
from pipeline.publish.measures import measure_title
from pipeline.publish.roles import ROLES
from pipeline.publish.seasonal import LEAST_COUNT, YEARS_NEEDED
from pipeline.publish.tables import Column, Table, text_cell
from pipeline.publish.words import Own, Words, _, declared, only_english

# What every release says of how its figures are made.
METHODS: tuple[str, ...] = (
    _(
        "Where several publications print one figure, all are kept. The declared order of the sources picks the one that "
        "leads: the annual crime book before the rolling monthly file, that before figures quoted by the press. The others "
        "stand beside it with the difference."
    ),
    _(
        "A figure that was printed rounded keeps its precision: ± is half of the printed unit. What is computed from rounded "
        "figures is shown without ±; the files carry the bound of its error."
    ),
    _("Nothing is added across an overlay, a break in the classification, two meanings of loss, or a total and its parts."),
    _(
        "A change on the year is not computed across a break in the series [b]. A change between a final and a provisional "
        "figure says so."
    ),
    _(
        "US dollars are converted at the average rate of the period: months one by one where all of them are known, else at "
        "the average of the months' rates. Losses are in current prices."
    ),
    _(
        "Loss per case or report divides by what its name says: all of them (attempts included), those completed, those with a "
        "loss, or those whose loss is known."
    ),
)
_CODE = _("Code")
_COMPARABILITY = ("unit_of_count", "loss_concept", "date_basis", "threshold", "coverage", "verified")


def method_sections(derivation_steps: Sequence[str]) -> list[Section]:
    """Rules, measures, how figures are made, statuses, dimensions, types, comparability, reference series."""
    return [
        Section("rules", _("Rules"), "原則", METHODS, ()),
        Section("names", _("Names of Japanese series"), "系列の名称", NAMES, ()),
        Section(
            "measures",
            _("Measures and units"),
            "測定項目",
            (),
            (Item(table=_measures()), Item(table=_words("units", _("Units"), UNITS))),
        ),
        Section("derived", _("Figures that are made here"), "算出", _numbered(derivation_steps), _derivations()),
        Section("computed", _("What tables compute from the figures"), "表における計算", COMPUTED, ()),
        Section(
            "statuses",
            _("Statuses, absence and changes"),
            "状態",
            (_("A value is present exactly when its absence code is empty; nothing absent is ever shown as zero."),),
            tuple(Item(table=table) for table in _statuses()),
        ),
        Section("dimensions", _("Dimensions and code lists"), "分類軸", (), tuple(_dimensions())),
        Section("types", _("Common types of fraud"), "共通類型", (_TYPES,), (Item(table=_types()),)),
        Section("comparability", _("What may be compared"), "比較可能性", (_COMPARED,), tuple(_comparability())),
        Section("reference", _("Reference series"), "参照系列", (_SERIES,), (Item(table=_series()),)),
    ]


# What the names of the series of the police of Japan mean, by what their sources declare (`parts`, `classifications`, `caveats`).
NAMES = (
    _(
        "Special fraud (特殊詐欺) is the name under which the police of Japan count ten types of fraud together: offenders who "
        "pose as family, police or a bank; bills for what nobody owes; refunds, loans, investments, tips and introductions that "
        "never come; and cash cards that are taken by deception. From 2026 there are thirteen types, SNS fraud among them."
    ),
    _(
        "SNS fraud stands for SNS investment and romance fraud (SNS型投資・ロマンス詐欺; SNS: social networking services), "
        "counted by the police for 2023 for the first time. Until the end of 2025 it is no part of special fraud."
    ),
    _(
        "Furikome fraud (振り込め詐欺, transfer fraud) is the police's name for four of the types of special fraud, counted "
        "together: “it's me” impersonation, fictitious billing, loan guarantee and refund fraud."
    ),
)
# What is computed where a table is made, or counted from single reports: formulas, thresholds, and where these are from.
COMPUTED = (
    _(
        "In force: the latest file of a source that covers a period speaks for it alone; a figure that this file no longer has "
        "is withdrawn. Shares, means and sums are made of figures that were in force at one time."
    ),
    _(
        "Contribution of a type to the change on the year: 100 × (the type now − the type a year before) / the total a year "
        "before, in percentage points. What no type tells is named beneath the table."
    ),
    _(
        "Quantiles (median, 90th and 99th percentile): of the losses above zero, interpolated linearly between the two losses "
        "beside them. Interval of 95 %: two losses chosen by their rank, of which the binomial distribution says that the "
        "quantile lies between them with at least 95 % (David and Nagaraja, Order Statistics, 2003, 7.1). None where fewer than "
        "5 losses are expected on one side of the quantile; that limit is ours."
    ),
    _(
        "Gini coefficient: of the losses above zero, which the shares of the largest losses are shares of: "
        "G = 2 Σ i·x(i) / (n Σ x) − (n + 1) / n, with x(i) the i-th smallest of n losses (Damgaard and Weiner, Ecology, "
        "2000, 81, pp. 1139–1142). 0 where all are the same; at most 1 − 1 / n, for they are a census and are not corrected as a "
        "sample is. None where fewer than 10 reports have a loss; that limit is ours. Exact, then rounded to six decimals."
    ),
    _(
        "Months without their season: robust STL of the logarithm (Cleveland and others, Journal of Official Statistics, 1990). "
        "Only with {years} full calendar years without a hole or a break, and no month of fewer than {count} reports. The "
        "season is estimated up to the last full calendar year and kept for the months after it (the rules: ESS guidelines on "
        "seasonal adjustment; the least count is ours). Losses are not adjusted.",
        years=YEARS_NEEDED,
        count=LEAST_COUNT,
    ),
    _(
        "Rounding: a printed figure is certain to half of its printed unit (to all of it where a publisher rounds one way). Two "
        "figures agree within precision where they differ by no more than the two halves together; a total and its parts, by no "
        "more than all halves together. The files carry the same bound for every sum, share and change."
    ),
    _(
        "Revision: the latest figure less the first. Mean revision, mean absolute revision, and the sum of absolute revisions "
        "over the sum of the first figures (McKenzie and Gamba, as the OECD recommends). A difference that rounding explains is "
        "no revision."
    ),
    _(
        "Tail index: of a Pareto tail in which the largest 1 % and 10 % of losses have the shares that they have here. Below 2 "
        "its variance is infinite, and no resampled interval covers the total."
    ),
)
_TYPES = _(
    "Publishers' labels lead to these codes by the crosswalk of each source; a label that only overlaps a code leads to its "
    "parent and is never split by guess."
)
_COMPARED = _("Series of two countries are ranked only where all of these words are the same; else they stand side by side.")
_SERIES = _(
    "A year or month that nobody has published yet is never filled in from its neighbours: what needs it is absent, and says so."
)


def _numbered(sentences: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        _("{number}. {sentence}", number=number, sentence=declared(sentence)) for number, sentence in enumerate(sentences, 1)
    )


def _words(table_id: str, title: str, meanings: Mapping[str, str], head: str = _CODE) -> Table:
    """Codes and their meanings."""
    lines = tuple(
        (text_cell(code if isinstance(code, Words) else Own(code), header=True), text_cell(_word(meaning)))
        for code, meaning in meanings.items()
        if code
    )
    return Table(table_id, title, (Column(head), Column(_("Meaning"))), lines)


def _word(meaning: str) -> Words:
    return meaning if isinstance(meaning, Words) else declared(meaning)


def _measures() -> Table:
    lines = tuple(
        (
            text_cell(Own(name), header=True),
            text_cell(measure_title(name)[0], native=measure_title(name)[1]),
            text_cell(declared(meaning)),
            text_cell(_("yes") if name in ADDITIVE_MEASURES else _("no")),
        )
        for name, meaning in MEASURES.items()
    )
    summed = Column(_("May be summed"), note=_("over parts of one total"))
    columns = (Column(_("Name")), Column(_("Title")), Column(_("Meaning")), summed)
    return Table("measures_list", _("Measures"), columns, lines)


def _derivations() -> tuple[Item, ...]:
    sums = {item.title: item.reason for item in COMBINATIONS}
    return (
        Item(table=_words("derivations", _("How a figure was made that nobody printed"), DERIVATIONS)),
        Item(table=_words("combinations", _("The only sums of two series that are made"), sums, _("Series"))),
    )


def _statuses() -> Iterable[Table]:
    yield _words("obs_status", _("Status of a figure (SDMX CL_OBS_STATUS)"), OBS_STATUS)
    yield _words("conf_status", _("Confidentiality (SDMX CL_CONF_STATUS)"), CONF_STATUS)
    marked = {f"{code} {ABSENCE_MARKS[code]}": meaning for code, meaning in ABSENCE.items() if code}
    yield _words("absence", _("Why there is no value, with its mark"), marked)
    yield _words("editions", _("What a publication says of itself"), EDITIONS)
    yield _words("changes", _("What became of a figure"), CHANGES)
    yield _words("reasons", _("Why a release takes the place of another"), REASONS)
    yield _words("roles", _("The part of a figure in a release"), ROLES)


def _dimensions() -> Iterable[Item]:
    yield Item(table=_words("dimension_names", _("Dimensions"), DIMENSIONS))
    for name in (*DIMENSIONS, "auth"):
        if codes := reference.code_list(name):
            table = _codes(f"codes_{name}", _("Codes: {dimension}", dimension=dimension_title(name).lower()), codes.values())
            yield Item(table=table, collapsed=True, summary=rows_summary(table))


def _codes(table_id: str, title: str, codes: Iterable[reference.Code]) -> Table:
    lines = tuple(
        (
            text_cell(Own(item.code), header=True),
            text_cell(label_of(item), native=only_english(item.label_ja)),
            text_cell(declared(item.definition)),
        )
        for item in codes
    )
    return Table(table_id, title, (Column(_("Code")), Column(_("Label")), Column(_("Meaning"))), lines)


def _types() -> Table:
    lines = tuple(
        (
            text_cell(Own(item.code), header=True),
            text_cell(item.parent),
            text_cell(in_both(item.label, item.label_ja), native=only_english(item.label_ja)),
            text_cell(declared(item.definition)),
        )
        for item in reference.fraud_types().values()
    )
    columns = tuple(map(Column, (_("Code"), _("Part of"), _("Label"), _("Meaning"))))
    return Table("fraud_types", _("Common types"), columns, lines)


def _comparability() -> Iterable[Item]:
    for facet in _COMPARABILITY:
        if words := reference.comparability_words(facet):
            yield Item(table=_codes(f"comparability_{facet}", dimension_title(facet), words.values()))


def _series() -> Table:
    lines = tuple(
        (
            text_cell(item.file, header=True),
            text_cell(_("prefectures") if item.about == "prefectures" else item.about),
            text_cell(declared(item.first)),
            text_cell(declared(item.last)),
            text_cell(declared(item.source)),
        )
        for item in reference.series()
    )
    columns = (Column(_("File")), Column(_("Series")), Column(_("First")), Column(_("Last")), Column(_("Source")))
    return Table("reference_series", _("Series that figures are compared with"), columns, lines)
