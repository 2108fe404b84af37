"""Numbers as the Consumer Sentinel data book prints them, read exactly or refused.

In: the text of one cell. Out: `Amount`: an exact decimal in natural units (reports, US dollars, per cent) and the precision that
the print implies. Read: `"238,705"`, `40%`, `58% of Total`, `"$1,678,703,608 "`, `"$2,089M"`. Refused: everything else, negative
numbers, percentages above 100 and misplaced thousands separators among them.
"""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from typing import Literal

Kind = Literal["count", "rate", "money", "percent"]

_DIGITS = r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)"
_FRACTION = r"(?:\.(?P<fraction>\d+))?"
_PATTERNS: dict[Kind, re.Pattern[str]] = {
    "count": re.compile(_DIGITS),
    "rate": re.compile(_DIGITS + _FRACTION),
    "money": re.compile(r"\$" + _DIGITS + _FRACTION + r"(?P<multiple>[MB]?)"),
    "percent": re.compile(_DIGITS + _FRACTION + "%"),
}
_EXPECTED: dict[Kind, str] = {
    "count": "a whole number such as 238,705",
    "rate": "a number such as 2,163",
    "money": "an amount of dollars such as $1,678,703,608 or $2,089M",
    "percent": "a percentage between 0 and 100 such as 40%",
}
_MULTIPLES = {"": Decimal(1), "M": Decimal(10) ** 6, "B": Decimal(10) ** 9}
_HALF = Decimal("0.5")
_HUNDRED = Decimal(100)


class UnreadableAmount(ValueError):
    """A text that is not one number of the wanted kind. Says what was expected."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(f"expected {expected}")


@dataclasses.dataclass(frozen=True)
class Amount:
    """One number as printed, in natural units."""

    value: Decimal
    precision: Decimal | None  # half of the last printed unit; None where the print is exact


def parse_amount(text: str, kind: Kind, *, suffix: str = "") -> Amount:
    """The number printed as `text`, which ends with the words `suffix` (` of Total`) where the layout has them.

    A count, and an amount printed to the dollar or cent, is exact: its precision is None. Percentages, rates and amounts in
    millions are rounded: `$2,952M` is 2,952,000,000 within 500,000, `20.91%` is within 0.005. Raises UnreadableAmount.
    """
    expected = _EXPECTED[kind] + (f" followed by {suffix.strip()!r}" if suffix else "")
    stripped = text.strip()
    match = _PATTERNS[kind].fullmatch(stripped.removesuffix(suffix)) if stripped.endswith(suffix) else None
    if match is None:
        raise UnreadableAmount(expected)
    parts = match.groupdict()
    fraction, multiple = parts.get("fraction") or "", _MULTIPLES[parts.get("multiple") or ""]
    value = Decimal(f"{parts['whole'].replace(',', '')}.{fraction or 0}") * multiple
    if kind == "percent" and value > _HUNDRED:
        raise UnreadableAmount(expected)
    exact = kind == "count" or (kind == "money" and multiple == 1)
    return Amount(_tidy(value), None if exact else _tidy(_HALF * multiple.scaleb(-len(fraction))))


def _tidy(value: Decimal) -> Decimal:
    """The same number without trailing zeros or an exponent, so that equal figures look equal wherever they are written."""
    return Decimal(f"{value.normalize():f}") if value else Decimal(0)
