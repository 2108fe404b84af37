"""Japanese numerals as publishers print them, read exactly or refused.

In: the text of one cell (or a figure in a sentence) and, where a header or row label states one, the publisher's multiple.
Out: `Number`: an exact decimal in natural units (yen, cases, persons, per cent, ratio) and the precision that the print
implies.

Read: full-width digits, separators `,` and `，`, decimal points `.` and `・`, mixed numerals (`441億2,370万0,000円`,
`5千万円`, `1万9038件`), the press's English (`36.44bn_yen`), a leading minus in any of the signs △ ▲ − ‐ ー -, and `約`.
Refused, never guessed: a text with two readings, digits lost to a spreadsheet's `1.42E+11`, a bare dash, anything left over.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from decimal import Decimal
from typing import Literal

Kind = Literal["count", "money", "ratio", "percent"]

MINUS_SIGNS = "△▲−‐ー-"

# Longest first, so that 百万 is one multiple and not 百 followed by 万.
_MULTIPLES: dict[str, Decimal] = {
    "百兆": Decimal(10) ** 14,
    "十兆": Decimal(10) ** 13,
    "千億": Decimal(10) ** 11,
    "百億": Decimal(10) ** 10,
    "十億": Decimal(10) ** 9,
    "千万": Decimal(10) ** 7,
    "百万": Decimal(10) ** 6,
    "十万": Decimal(10) ** 5,
    "兆": Decimal(10) ** 12,
    "億": Decimal(10) ** 8,
    "万": Decimal(10) ** 4,
    "千": Decimal(10) ** 3,
    "百": Decimal(10) ** 2,
}
_ENGLISH_MULTIPLES: dict[str, Decimal] = {
    "tn": Decimal(10) ** 12,
    "trillion": Decimal(10) ** 12,
    "bn": Decimal(10) ** 9,
    "billion": Decimal(10) ** 9,
    "m": Decimal(10) ** 6,
    "million": Decimal(10) ** 6,
    "": Decimal(1),
}
# What may stand after the multiple, by kind. A count's word is not checked against the measure: the sheet's label says it.
_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "money": ("円",),
    "count": ("件", "人", "名", "箇所", "か所", "カ所", "ヶ所", "拠点", "番号", "本", "回線", "回"),
    "percent": ("%", "パーセント"),
    "ratio": (),
}

_DIGITS = r"[0-9]+(?:[,.・][0-9]+)*"
_PART = re.compile(rf"({_DIGITS})({'|'.join(_MULTIPLES)})?")
_ENGLISH_MONEY = re.compile(rf"¥?({_DIGITS})[ _]?({'|'.join(_ENGLISH_MULTIPLES)})[ _]yen")
_E_NOTATION = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]+)?)[eE]([+-]?[0-9]+)")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_HALF = Decimal("0.5")


class UnreadableNumber(ValueError):
    """A text that is not one number with one reading. Says what was found, what was expected and what to do."""

    def __init__(self, *, found: str, expected: str, action: str) -> None:
        self.found, self.expected, self.action = found, expected, action
        super().__init__(f"found {found}; expected {expected}. What to do: {action}")


class LostDigits(UnreadableNumber):
    """A spreadsheet exported the number in E-notation: only its first digits are left."""


@dataclasses.dataclass(frozen=True)
class Number:
    """One number as printed, in natural units."""

    value: Decimal
    precision: Decimal | None  # half of the last printed unit; None where the print is exact
    approximate: bool  # printed with 約 or "about"


def normalise_label(text: str) -> str:
    """A label for comparison: NFKC (full-width letters, digits and brackets become ASCII), every space removed."""
    folded = unicodedata.normalize("NFKC", text).replace("〔", "(").replace("〕", ")")
    return "".join(folded.split())


def parse_number(text: str, *, unit: str | None = None, kind: Kind) -> Number:
    """The number printed as `text`.

    `unit` is the publisher's multiple from a header or row label: 兆円, 億円, 千万円, 百万円, 万円, 千円, 円 for money; 件,
    人 and the like for counts; % for per cent. Without it the text carries its own; money without any unit is refused, a
    count or a percentage without one is plain. `value` is in yen, cases or persons, per cent, or the ratio as printed.
    `precision` is half of the last printed unit (`721.5億円`: 5,000,000; `283億円`: 50,000,000) and None for a count or an
    amount printed to the unit. Raises UnreadableNumber, and LostDigits for `1.42E+11`.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if not folded:
        raise _refused(text, kind, unit, "an empty cell is no number: read it as an absence where the layout allows one")
    if exponent := _E_NOTATION.fullmatch(folded):
        return _from_exponent(text, exponent, kind)
    body, approximate = _without_about(folded)
    body, negative = _without_sign(body)
    if not body:
        raise _refused(text, kind, unit, "a lone dash is no number: read it as an absence where the layout allows one")
    if english := _ENGLISH_MONEY.fullmatch(body):
        parts = [(english[1], _ENGLISH_MULTIPLES[english[2]])]
        if kind != "money" or unit not in (None, "円"):
            raise _refused(text, kind, unit, "check that the row's measure is money in yen")
        return _sum_of_parts(text, parts, kind, negative, approximate)
    stem, multiple = _split_unit(text, body, kind, unit)
    parts = _parts(text, stem, kind, unit)
    if multiple != 1:
        if len(parts) > 1 or parts[0][1] != 1:
            raise _refused(text, kind, unit, "the text and the header both give a multiple: declare only one")
        parts = [(parts[0][0], multiple)]
    return _sum_of_parts(text, parts, kind, negative, approximate)


def _from_exponent(text: str, match: re.Match[str], kind: Kind) -> Number:
    sign, mantissa, exponent = match[1], match[2], int(match[3])
    if exponent > 0:
        raise LostDigits(
            found=repr(text),
            expected="every digit of the number",
            action="the spreadsheet export lost its digits: take the figure from the publisher's workbook edition",
        )
    if kind != "ratio":
        raise _refused(text, kind, None, "only ratios may be printed in E-notation: check the column and the export")
    value = Decimal(f"{sign}{mantissa}").scaleb(exponent)
    return Number(value, _tidy(_HALF.scaleb(exponent - _decimals(mantissa))), False)


def _without_about(text: str) -> tuple[str, bool]:
    match = re.match(r"(?:約|およそ|about\s+)\s*", text)
    return (text[match.end() :], True) if match else (text, False)


def _without_sign(text: str) -> tuple[str, bool]:
    if text.startswith("+"):
        return text[1:].strip(), False
    if text[0:1] and text[0] in MINUS_SIGNS:
        return text[1:].strip(), True
    return text, False


def _split_unit(text: str, body: str, kind: Kind, unit: str | None) -> tuple[str, Decimal]:
    """The digits with their own multiples, without the suffix (円, 件, …), and the multiple that the header states."""
    suffix = next((item for item in _SUFFIXES[kind] if body.endswith(item)), "")
    stem = body.removesuffix(suffix).rstrip()
    if kind == "money":
        stem = stem.removeprefix("¥")
    if unit is None:
        if kind == "money" and not suffix:
            raise _refused(text, kind, unit, "give the multiple that the header or the title prints")
        return stem, Decimal(1)
    folded_unit = normalise_label(unit)
    base = next((item for item in _SUFFIXES[kind] if folded_unit.endswith(item)), None)
    multiple_word = folded_unit.removesuffix(base or "")
    if base is None or (multiple_word and multiple_word not in _MULTIPLES):
        raise UnreadableNumber(
            found=f"the unit {unit!r}",
            expected=f"a unit of a {kind}: a multiple such as 百万 and then {' or '.join(_SUFFIXES[kind]) or 'nothing'}",
            action="mend the unit in source.yml, or the reader's understanding of the header",
        )
    multiple = _MULTIPLES.get(multiple_word, Decimal(1))
    if suffix and stem.endswith(multiple_word) and multiple_word:
        # The cell repeats the header's unit (`721.5億円` under 億円): one statement made twice.
        stem = stem.removesuffix(multiple_word)
    elif suffix and multiple_word:
        raise _refused(text, kind, unit, "the text and the header give different multiples: look at the publication")
    return stem, multiple


def _parts(text: str, stem: str, kind: Kind, unit: str | None) -> list[tuple[str, Decimal]]:
    """The digits with the multiple that follows each: `441億2,370万0,000` is three parts."""
    parts: list[tuple[str, Decimal]] = []
    position = 0
    while position < len(stem):
        match = _PART.match(stem, position)
        if match is None:
            raise _refused(text, kind, unit, "look at the cell: it holds something else, or more than one thing")
        parts.append((match[1], _MULTIPLES[match[2]] if match[2] else Decimal(1)))
        position = match.end()
    if not parts:
        raise _refused(text, kind, unit, "look at the cell: it holds a unit and no digits")
    return parts


def _sum_of_parts(text: str, parts: list[tuple[str, Decimal]], kind: Kind, negative: bool, approximate: bool) -> Number:
    value, smallest = Decimal(0), Decimal(1)
    previous: Decimal | None = None
    for index, (digits, multiple) in enumerate(parts):
        plain = _plain_digits(text, digits, kind, multiple)
        if previous is not None and Decimal(plain) * multiple >= previous:
            raise _refused(text, kind, None, "a larger amount follows a smaller multiple, so the text has two readings")
        if "." in plain and index < len(parts) - 1:
            raise _refused(text, kind, None, "a decimal fraction is followed by more digits, so the text has two readings")
        value += Decimal(plain) * multiple
        smallest, previous = multiple.scaleb(-_decimals(plain)), multiple
    if kind == "count" and value != value.to_integral_value():
        raise _refused(text, kind, None, "a count is a whole number: check the measure of the row")
    exact = kind in ("count", "money") and smallest == 1
    return Number(_tidy(-value if negative else value), None if exact else _tidy(smallest * _HALF), approximate)


def _plain_digits(text: str, digits: str, kind: Kind, multiple: Decimal) -> str:
    """The digits of one part with thousands separators gone and a point as the decimal mark."""
    whole, point, fraction = digits.replace("・", ".").partition(".")
    if "," in whole and _GROUPED.fullmatch(whole):
        whole = whole.replace(",", "")
    elif "," in whole:
        # `87,3億円`: with one or two digits after it, a comma separates neither thousands nor 万 and is a decimal mark.
        before, _, after = whole.partition(",")
        scaled = multiple > 1 or kind in ("percent", "ratio")
        if point or "," in after or not scaled or len(after) > 2:
            raise _refused(text, kind, None, "its commas separate neither thousands nor decimals: look at the publication")
        whole, point, fraction = before, ".", after
    if "," in fraction or "." in fraction:
        raise _refused(text, kind, None, "it has more than one decimal mark: look at the publication")
    return f"{whole}{point}{fraction}"


def _tidy(value: Decimal) -> Decimal:
    """The same number without trailing zeros or an exponent, so that equal figures look equal wherever they are written."""
    return Decimal(f"{value.normalize():f}") if value else Decimal(0)


def _decimals(digits: str) -> int:
    return len(digits.partition(".")[2])


def _refused(text: str, kind: Kind, unit: str | None, action: str) -> UnreadableNumber:
    expected = {
        "count": "a whole number such as 19,038 or 1万9038件",
        "money": "an amount of yen with its unit, such as 721.5億円",
        "ratio": "a ratio such as 0.578 or 3.09E-03",
        "percent": "a percentage such as 57.8",
    }[kind]
    return UnreadableNumber(found=repr(text), expected=f"{expected}{f' (in {unit})' if unit else ''}", action=action)
