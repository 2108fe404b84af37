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
from pipeline.publish.page import METHODS
from pipeline.publish.roles import ROLES
from pipeline.publish.tables import Column, Table, text_cell
from pipeline.publish.words import Own, Words, _, declared, only_english

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
