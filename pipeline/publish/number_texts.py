"""Numbers as a reader sees them: separators, signs and rounding, and sums in the units that people speak of.

In: exact decimals with their unit and measure. Out: text, in each language where the languages differ.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipeline.publish.languages import ENGLISH, JAPANESE
from pipeline.publish.measures import unit_short
from pipeline.publish.words import Words, _, both, each

_HUNDRED_MILLION = Decimal(10) ** 8
_BILLION = Decimal(10) ** 9
_MILLION = Decimal(10) ** 6
_THOUSANDTH = Decimal("0.001")
_TENTH, _HALF_TENTH = Decimal("0.1"), Decimal("0.05")
_TEN_THOUSAND = Decimal(10) ** 4
_JAPANESE_SIZES = {10**8: "億", 10**4: "万", 1: ""}
_NO_BREAK = "\N{NO-BREAK SPACE}"


def number_text(value: Decimal, unit: str, measure: str = "", *, derived: bool = False, precision: Decimal | None = None) -> str:
    """The value as a reader sees it: thousands separators; per cent with a sign where it is a change; derived money rounded.

    `precision`, in the unit of the value, is that of a figure that a publisher printed, half of its last unit: a share or rate
    gets no digit behind those that stand in print. None where it is computed, or where nobody says how it was rounded.
    """
    if unit in ("ratio", "percent"):
        share = value * 100 if unit == "ratio" else value
        if not share:
            return both("0 %", "0%")
        scaled = precision * 100 if precision and unit == "ratio" else precision
        step = _shown_step(Decimal("0.1" if derived or abs(share) >= 10 else "0.01"), scaled)
        text = f"{share.quantize(step, ROUND_HALF_EVEN):,}"
        if abs(share) < Decimal("0.1"):
            text = _small_share(share, derived)
        text = f"{'+' if measure.startswith('change') and share > 0 else ''}{text.replace('-', '−')}"
        return both(f"{text} %", f"{text}%")
    if unit == "coefficient":
        # What is neither 0 nor 1 is not shown as if it were.
        step = _THOUSANDTH if _THOUSANDTH <= value <= 1 - _THOUSANDTH else Decimal(1).scaleb(-6)
        return "0" if not value else f"{value.quantize(step, ROUND_HALF_EVEN)}"
    if unit == "points":
        text = f"{value.quantize(_TENTH, ROUND_HALF_EVEN) + 0:,}"
        return f"{'+' if value >= _HALF_TENTH else ''}{text.replace('-', '−')}"
    if unit.endswith("_per_100k"):
        # Three places are computed; two are shown, unless they would make nothing of something.
        places = "1" if abs(value) >= 1000 else "0.01" if abs(value) >= Decimal("0.01") or not value else "0.001"
        step = _shown_step(Decimal(places), precision)
        return f"{value.quantize(step, ROUND_HALF_EVEN):,}".replace("-", "−")
    if derived:
        value = value.quantize(Decimal(1), ROUND_HALF_EVEN)
    return _plain(value)


def figure_text(row: Any) -> str:
    """The value of one observation as a reader sees it, in tables, charts and maps alike."""
    return number_text(row.value, row.unit, row.measure, derived=bool(row.derivation), precision=printed_precision(row))


def printed_precision(row: Any) -> Decimal | None:
    """Half of the unit in which an observation was printed; none of what is computed."""
    return None if row.derivation else row.precision


def _shown_step(step: Decimal, precision: Decimal | None) -> Decimal:
    """The last place that is shown: `step`, or the last that is printed where that is a coarser one; never more than the unit."""
    if not precision:
        return step
    return max(step, min(Decimal(1), Decimal(1).scaleb((2 * precision).adjusted())))


def _small_share(share: Decimal, derived: bool) -> str:
    """A share below 0.1 % to the thousandth that is computed, or to the digits that are printed; below that its first digit.

    No zero is put behind a digit that nobody knows, and what is not zero is not shown as zero.
    """
    step = Decimal("0.001" if derived else "0.0001")
    if abs(share) < step:
        step = Decimal(1).scaleb(share.adjusted())
    return f"{share.quantize(step, ROUND_HALF_EVEN).normalize():f}"


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def short_money(value: Decimal, unit: str, precision: Decimal | None = None) -> str:
    """A large sum in the units that people speak of: `1,423.1億円 · ¥142.31 bn`, `US$951.3 m`; empty where it is small.

    `precision`, here and below: of a sum that a publisher printed, as for `number_text`; no digit stands behind those in print.
    """
    if unit == "JPY" and abs(value) >= _HUNDRED_MILLION:
        large = hundred_millions(value, unit, precision)
        return both(f"{large} · {_money_in_english(value, unit, precision)}", large)
    if unit in ("USD", "CAD", "AUD") and abs(value) >= _MILLION:
        return spoken_money(value, unit, precision)
    return ""


def large_sum(value: Decimal, unit: str, precision: Decimal | None = None) -> str:
    """`short_money` in one unit: `1,423.1億円`, `US$951.3 m`."""
    return hundred_millions(value, unit, precision) if unit == "JPY" else short_money(value, unit, precision)


def hundred_millions(value: Decimal, unit: str, precision: Decimal | None = None) -> str:
    """A large sum in yen as people in Japan speak of it, in either language: `1,423.1億円`; empty for any other."""
    if unit != "JPY" or abs(value) < _HUNDRED_MILLION:
        return ""
    return f"{_scaled(value, _HUNDRED_MILLION, '0.1', precision)}億円"


def spoken_money(value: Decimal, unit: str, precision: Decimal | None = None) -> Words:
    """`¥142.31 bn`, `US$951.3 m`, `¥511,316`; `1,423.1億円`, `9.51億米ドル`, `511万円`."""
    return both(_money_in_english(value, unit, precision), _money_in_japanese(value, unit, precision))


def _money_in_japanese(value: Decimal, unit: str, precision: Decimal | None = None) -> str:
    name = {"JPY": "円", "USD": "米ドル", "CAD": "カナダドル", "AUD": "豪ドル"}.get(unit, "")
    if abs(value) >= _HUNDRED_MILLION:
        return f"{_scaled(value, _HUNDRED_MILLION, '0.1' if unit == 'JPY' else '0.01', precision)}億{name}"
    if abs(value) >= _MILLION:
        return f"{_scaled(value, _TEN_THOUSAND, '1')}万{name}"
    return f"{_plain(value.quantize(Decimal(1), ROUND_HALF_EVEN))}{name}"


def _money_in_english(value: Decimal, unit: str, precision: Decimal | None = None) -> str:
    sign = {"JPY": "¥", "USD": "US$", "CAD": "CA$", "AUD": "A$"}.get(unit, "")
    if abs(value) >= _BILLION:
        return f"{sign}{_scaled(value, _BILLION, '0.01', precision)}{_NO_BREAK}bn"
    if abs(value) >= _MILLION:
        return f"{sign}{_scaled(value, _MILLION, '0.1', precision)}{_NO_BREAK}m"
    return f"{sign}{_plain(value.quantize(Decimal(1), ROUND_HALF_EVEN))}"


def large_unit(unit: str, size: int, largest: Decimal) -> tuple[Words, dict[str, int]]:
    """So many of a unit as one: `billion yen`, `億円`; and how many that are, in each language.

    `size` is that of English: a billion, a million or 1. In Japanese it is what a sum like the `largest` is spoken in.
    """
    short = unit_short(unit)
    native = next((size for size in (_HUNDRED_MILLION, _TEN_THOUSAND) if largest >= max(size, _MILLION)), Decimal(1))
    english = {10**9: f"billion {short}", 10**6: f"million {short}"}.get(size, f"{short}")
    words = each(english, lambda: f"{_JAPANESE_SIZES[int(native)]}{short}")
    return words, {ENGLISH: size, JAPANESE: int(native)}


def millions(value: Decimal) -> str:
    """The value in whole millions, for a column whose head says so."""
    return _scaled(value, _MILLION, "1")


def _scaled(value: Decimal, divisor: Decimal, step: str, precision: Decimal | None = None) -> str:
    shown = _shown_step(Decimal(step), precision / divisor if precision else None)
    return f"{(value / divisor).quantize(shown, ROUND_HALF_EVEN):,}".replace("-", "−")


def precision_text(row: Any) -> str:
    """Half of the printed unit: `5,000,000`, `0.05 points`; of yen in Japanese as people speak of it: `0.05億円`, `50万円`."""
    if row.unit == "JPY" and row.precision >= 10_000:
        scaled, word = (
            (row.precision / _HUNDRED_MILLION, "億円") if row.precision >= 1_000_000 else (row.precision / 10_000, "万円")
        )
        return both(_plain(row.precision), f"{_plain(scaled.normalize())}{word}")
    if row.unit == "ratio":
        return _("{number} points", number=_plain((row.precision * 100).normalize()))
    return _("{number} points", number=_plain(row.precision)) if row.unit == "percent" else _plain(row.precision)


def whole_cases(value: float) -> Decimal:
    """A number of cases that was computed from a whole series, as it is shown."""
    return Decimal(value).quantize(Decimal(1), ROUND_HALF_EVEN)


def exact_text(value: Decimal) -> str:
    """The decimal with all its digits and no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
