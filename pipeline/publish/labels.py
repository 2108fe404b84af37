"""Labels of codes: types, areas, countries, dimensions with their values, and editions.

In: a common code, or a publisher's own label of a type. Out: `Words`, and beside them the publisher's own label where a page
shows it; the order of such codes for a reader.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from pipeline.model import TOTAL
from pipeline.publish.figures import Figure, is_country
from pipeline.publish.languages import is_japanese
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, Words, _, both, declared, listed, only_english, original
from pipeline.reference import AREA, Code, code_labels, code_list

# English for the publisher's labels: a label that is missing here is shown as the publisher writes it, with the common code.
LABELS: dict[str, str] = {
    TOTAL: _("All types"),
    "オレオレ詐欺": "“It's me” impersonation",
    "預貯金詐欺": "Bank savings fraud",
    "架空料金請求詐欺": "Fictitious billing fraud",
    "還付金詐欺": "Refund fraud",
    "融資保証金詐欺": "Loan guarantee fraud",
    "金融商品詐欺": "Financial product fraud",
    "ギャンブル詐欺": "Gambling tip fraud",
    "交際あっせん詐欺": "Dating introduction fraud",
    "その他の特殊詐欺": "Other special fraud",
    "キャッシュカード詐欺盗": "Cash-card theft by deception",
    "ニセ警察詐欺": "Fake-police fraud",
    "SNS型投資詐欺": "SNS investment fraud",
    "SNS型ロマンス詐欺": "SNS romance fraud",
    "SNS投資詐欺": "SNS investment fraud",
    "SNSロマンス詐欺": "SNS romance fraud",
    "番号盗用": "Card number theft",
    "番号盗用被害額": "Card number theft",
    "偽造": "Counterfeit cards",
    "偽造被害額": "Counterfeit cards",
    "その他": "Other",
    "その他不正利用": "Other misuse",
    "その他不正利用被害額": "Other misuse",
}
# Shorter than in the code lists, where a table's head leaves no room.
CODES: dict[str, Words] = {TOTAL: _("all"), "_X_JP": _("abroad")}


def type_label(row: Any) -> tuple[str, str]:
    """(English, native) of a figure's type; on a Japanese page its Japanese one, with the publisher's own beside."""
    return type_label_of(row.native_type, row.fraud_type)


@functools.lru_cache(maxsize=4096)
def type_label_of(native: str, fraud_type: str) -> tuple[str, str]:
    """`type_label` of a figure with this label and this common code."""
    if native == TOTAL and fraud_type == TOTAL:
        return LABELS[TOTAL], ""
    if native == TOTAL:
        return code_label(fraud_type), ""
    if is_japanese(native):
        english = LABELS.get(native) or code_label(fraud_type)
        return both(english, native), only_english(native)
    if native.isascii():
        return declared(native), original(native)
    return code_label(fraud_type), Own(native)


@functools.lru_cache(maxsize=4096)
def code_label(code: str) -> Words:
    """A common code in the words of the code lists; one that is in none of them with spaces for underscores."""
    if code in CODES:
        return CODES[code]
    if code in code_labels():
        return label_of(code_labels()[code])
    words = clean(code.replace("_", " ").strip())
    return declared(words.capitalize() if words.isupper() else words)


def label_of(code: Code) -> Words:
    """The label of a code list in both languages."""
    return in_both(code.label, code.label_ja)


def in_both(english: str, japanese: str) -> Words:
    """What is declared in English, and in Japanese where it has a Japanese word; else the catalogue has it."""
    return both(english, japanese) if japanese else declared(english)


_DIMENSION_TITLES: dict[str, Words] = {
    "contact": _("Contact"),
    "contact_tool": _("Contact tool"),
    "channel": _("Channel"),
    "payment": _("Payment"),
    "age": _("Age"),
    "sex": _("Sex"),
    "offender_location": _("Place"),
    "offender_kind": _("Group or police force"),
    "persona": _("Persona"),
    "victim_kind": _("Victim kind"),
    "place_of_use": _("Place of use"),
    "loss_band": _("Size of loss"),
    "outcome": _("Outcome"),
    "area": _("Area"),
    "auth": _("Auth"),
    "unit_of_count": _("Unit of count"),
    "loss_concept": _("Loss concept"),
    "date_basis": _("Date basis"),
    "threshold": _("Threshold"),
    "coverage": _("Coverage"),
    "verified": _("Verified"),
}


def dimension_title(name: str) -> Words:
    """A dimension, or a facet of comparability, in a word or two."""
    return _DIMENSION_TITLES.get(name) or declared(name.replace("_", " ").capitalize())


def country_name(country: str) -> Words:
    """A country (ISO 3166-1); the code itself where areas.csv does not have it."""
    found = code_list(AREA).get(country)
    return label_of(found) if found else declared(country)


def natural_key(text: str) -> tuple[int, int, str]:
    """An order for ages, amounts and words: the total, then what lies below a limit, then by the first number, then words."""
    if text == TOTAL:
        return (-1, 0, text)
    number = re.search(r"\d+", text)
    if not number:
        return (1, 0, text)
    return (0, int(number[0]) - (1000 if "_LT" in text or text.startswith("<") else 0), text)


def breakdown_text(figure: Figure) -> str:
    """What a figure is broken down by, in words; an overlay says that it must not be added."""
    parts: list[str] = [dimension_text(name, value) for name, value in figure.breakdown]
    if not is_country(figure.row.area):
        parts.insert(0, code_label(figure.row.area))
    if figure.row.overlay and not figure.is_total:
        parts.append(_("cuts across the types: never add it"))
    return listed(parts, "; ") if parts else "–"


def dimension_text(name: str, value: str) -> Words:
    """A dimension with its value, for people."""
    return _("{dimension}: {value}", dimension=dimension_title(name).lower(), value=code_label(value))


EDITION_WORDS: dict[str, str] = {
    "provisional": _("provisional"),
    "final": _("final"),
    "corrected": _("corrected"),
    "restated": _("restated"),
    "unknown": _("not stated"),
}


def edition_word(edition: str) -> str:
    """An edition (a key of model.EDITIONS) in a word or two."""
    return EDITION_WORDS.get(edition, edition)
