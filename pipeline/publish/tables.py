"""Tables for people: cells with marks, units, precision and the way back to the source, independent of page or workbook.

In: figures (pipeline.publish.selection). Out: `Table`s of `Cell`s, which the page, the workbook and the charts' data tables
render alike. A cell that has no value shows a mark that says why; it never shows 0 and is never empty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipeline.model import DIMENSIONS, INTERVAL_ENDS, INTERVALS, MEASURES, TOTAL, UNITS, FraudlossError
from pipeline.publish.seasonal import Adjusted
from pipeline.publish.selection import CombinedSum, Comparison, Families, Figure, is_country, parsed
from pipeline.publish.words import (
    Own,
    Words,
    _,
    both,
    declared,
    each,
    is_japanese,
    listed,
    month_name,
    only_english,
    original,
    page_name,
)
from pipeline.reference import AREA, Code, area_tiles, code_labels, code_list
from pipeline.sources.catalogue import Source

# ------------------------------------------------------------------------------------------------------------------- words

MARKS: dict[str, str] = {
    "[x]": _("not available: not collected, or no publication that we hold prints it"),
    "[z]": _("not applicable: it cannot exist"),
    "[c]": _("withheld to protect persons"),
    "[w]": _("withdrawn by the publisher"),
    "[n]": _("not yet known: not published yet, or what it is computed from is not"),
    "[u]": _("printed, but unreadable: digits were lost in the publisher's file, so it is refused"),
    "[b]": _("break in the series: not comparable with the periods before; a change across it is not computed"),
    "[a]": _("not additive: not computed, because its parts may not be added"),
    "[p]": _("provisional (暫定値)"),
    "[r]": _("restated or corrected after an earlier publication (訂正)"),
    "[e]": _("printed as approximate"),
    "[d]": _("derived here from published figures; nobody printed it"),
}
ABSENCE_MARKS: dict[str, str] = {
    "not_collected": "[x]",
    "not_applicable": "[z]",
    "suppressed": "[c]",
    "withdrawn": "[w]",
    "not_yet_known": "[n]",
    "unreadable": "[u]",
    "break": "[b]",
    "not_additive": "[a]",
}
NO_ROW = "[x]"

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
    "cases_loss_known": (_("Cases whose loss is known"), ""),
    "share_with_loss": (_("Share of cases with a loss"), ""),
    "share_with_loss_of_known": (_("Share with a loss, of cases whose loss is known"), ""),
    "item_response_rate": (_("Share of cases that say it"), ""),
    "loss_per_100k": (_("Loss per 100,000 inhabitants"), ""),
    "cases_per_100k": (_("Cases per 100,000 inhabitants"), ""),
    "share_of_loss": (_("Share of loss"), ""),
    "share_of_cases": (_("Share of cases"), ""),
    "change_on_year": (_("Change of loss on the year"), "前年同期比"),
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

FAMILY_TITLES: dict[str, tuple[str, str]] = {
    "special_fraud": (_("Special fraud"), "特殊詐欺"),
    "sns_fraud": (_("SNS investment and romance fraud"), "SNS型投資・ロマンス詐欺"),
    "special_and_sns": (_("Special and SNS fraud, printed together"), "特殊詐欺とSNS型投資・ロマンス詐欺の合計"),
}
FAMILY_ORDER = [
    "special_fraud",
    "sns_fraud",
    "special_and_sns",
    "special_fraud_victims",
    "sns_fraud_victims",
    "card_fraud",
    "internet_banking",
]

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
    "ニセ警察詐欺": "Fake police fraud",
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
_HUNDRED_MILLION = Decimal(10) ** 8
_BILLION = Decimal(10) ** 9
_MILLION = Decimal(10) ** 6
_TENTH, _HALF_TENTH = Decimal("0.1"), Decimal("0.05")
_TEN_THOUSAND = Decimal(10) ** 4
_NO_BREAK = "\N{NO-BREAK SPACE}"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def clean(text: object) -> str:
    """The text with control characters, which neither HTML nor XML can hold, made visible as U+FFFD; words stay words."""
    words = text if isinstance(text, str) else str(text)
    if words.isprintable() or (len(words) > _LONG and not _has_control(words)):
        return words
    return _CONTROL.sub("\ufffd", words)


# A page is looked through as bytes, which takes less than half the time.
_LONG = 1000
_CONTROL_BYTES = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_LATIN_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")


def _has_control(text: str) -> bool:
    try:
        written = text.encode()
    except UnicodeEncodeError:
        return True
    has_none = len(written.translate(None, _CONTROL_BYTES)) == len(written) and not _LATIN_CONTROL.search(written)
    return not has_none or "\ufffe".encode() in written or "\uffff".encode() in written


def plain_text(value: Any) -> str:
    """A declared value as one line of text, whether it is a text, a list or a mapping; trailing full stops are left off."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {plain_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(plain_text(item) for item in value)
    return " ".join(str("" if value is None else value).split()).rstrip(".")


def declared_text(value: Any) -> Words:
    """A declared value as `plain_text`, in words of each language."""
    if isinstance(value, list | tuple):
        return listed([declared_text(item) for item in value], "; ")
    return declared(clean(plain_text(value)))


def slug(text: str) -> str:
    """A name for files, anchors and sheets: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"


# ----------------------------------------------------------------------------------------------------------------- periods


@functools.lru_cache(maxsize=8192)
def period_label(code: str) -> Words:
    """A period in words that cannot be mistaken: a cumulative figure says that it is one."""
    return both(_period_in_english(code), _period_in_japanese(code))


def _period_in_english(code: str) -> str:
    period = parsed(code)
    year, month = period.start.year, month_name(period.start.month)
    last = month_name(period.end.month)
    match period.frequency:
        case "annual":
            return str(year)
        case "half_yearly":
            return f"{month}–{last} {year} (half-year)"
        case "quarterly":
            return f"{month}–{last} {year} (quarter {code[-1]})"
        case "monthly":
            return f"{month} {year}"
        case "fiscal_year":
            return f"fiscal year {year} (April {year} – March {year + 1})"
        case "year_to_date":
            return f"{month}–{last} {year} (cumulative)"
        case "day":
            return f"{period.start.day} {month} {year}"
    if period.code.count("-") == 2:
        return f"{month} {year} – {last} {period.end.year} (span)"
    return f"{period.start.day} {month} {year} – {period.end.day} {last} {period.end.year} (span)"


def _period_in_japanese(code: str) -> str:
    period = parsed(code)
    year, first, last = period.start.year, period.start.month, period.end.month
    match period.frequency:
        case "annual":
            return f"{year}年"
        case "half_yearly":
            return f"{year}年{'上' if first == 1 else '下'}半期（{first}～{last}月）"
        case "quarterly":
            return f"{year}年第{code[-1]}四半期（{first}～{last}月）"
        case "monthly":
            return f"{year}年{first}月"
        case "fiscal_year":
            return f"{year}年度（{year}年4月～{year + 1}年3月）"
        case "year_to_date":
            return f"{year}年{first}～{last}月（累計）"
        case "day":
            return f"{year}年{first}月{period.start.day}日"
    if period.code.count("-") == 2:
        return f"{year}年{first}月～{period.end.year}年{last}月（期間）"
    return f"{year}年{first}月{period.start.day}日～{period.end.year}年{last}月{period.end.day}日（期間）"


def period_japanese(code: str) -> str:
    """The period by era year (令和7年, 令和8年1月～4月); the empty string before Heisei."""
    period = parsed(code)
    first = _era_year(period.start.year, period.start.month)
    match period.frequency:
        case "annual":
            return _era_year(period.end.year, period.end.month)
        case "fiscal_year":
            return f"{first}度" if first else ""
        case "half_yearly":
            return f"{first}{'上' if period.start.month == 1 else '下'}半期" if first else ""
        case "monthly":
            return f"{first}{period.start.month}月" if first else ""
        case "quarterly" | "year_to_date":
            return f"{first}{period.start.month}月～{period.end.month}月" if first else ""
    return ""


def _era_year(year: int, month: int) -> str:
    if (year, month) >= (2019, 5):
        era, number = "令和", year - 2018
    elif year >= 1989:
        era, number = "平成", year - 1988
    else:
        return ""
    return f"{era}{'元' if number == 1 else number}年"


# ----------------------------------------------------------------------------------------------------------------- numbers


def number_text(value: Decimal, unit: str, measure: str = "", *, derived: bool = False) -> str:
    """The value as a reader sees it: thousands separators; per cent with a sign where it is a change; derived money rounded."""
    if unit in ("ratio", "percent"):
        share = value * 100 if unit == "ratio" else value
        if not share:
            return both("0 %", "0%")
        places = "0.1" if derived or abs(share) >= 10 else "0.01"
        if abs(share) < Decimal("0.1"):
            places = "0.0001"
        text = f"{share.quantize(Decimal(places), ROUND_HALF_EVEN):,}"
        text = f"{'+' if measure.startswith('change') and share > 0 else ''}{text.replace('-', '−')}"
        return both(f"{text} %", f"{text}%")
    if unit == "points":
        text = f"{value.quantize(_TENTH, ROUND_HALF_EVEN) + 0:,}"
        return f"{'+' if value >= _HALF_TENTH else ''}{text.replace('-', '−')}"
    if unit.endswith("_per_100k"):
        places = "1" if abs(value) >= 1000 else "0.01"
        return f"{value.quantize(Decimal(places), ROUND_HALF_EVEN):,}".replace("-", "−")
    if derived:
        value = value.quantize(Decimal(1), ROUND_HALF_EVEN)
    return _plain(value)


def _plain(value: Decimal) -> str:
    text = f"{value:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def short_money(value: Decimal, unit: str) -> str:
    """A large sum in the units that people speak of: `1,423.1億円 · ¥142.31 bn`, `US$951.3 m`; empty where it is small."""
    if unit == "JPY" and abs(value) >= _HUNDRED_MILLION:
        return both(f"{hundred_millions(value, unit)} · {_money_in_english(value, unit)}", hundred_millions(value, unit))
    if unit in ("USD", "CAD", "AUD") and abs(value) >= _MILLION:
        return spoken_money(value, unit)
    return ""


def large_sum(value: Decimal, unit: str) -> str:
    """`short_money` in one unit: `1,423.1億円`, `US$951.3 m`."""
    return hundred_millions(value, unit) if unit == "JPY" else short_money(value, unit)


def hundred_millions(value: Decimal, unit: str) -> str:
    """A large sum in yen as people in Japan speak of it, in either language: `1,423.1億円`; empty for any other."""
    return f"{_scaled(value, _HUNDRED_MILLION, '0.1')}億円" if unit == "JPY" and abs(value) >= _HUNDRED_MILLION else ""


def spoken_money(value: Decimal, unit: str) -> Words:
    """`¥142.31 bn`, `US$951.3 m`, `¥5,113,160`; `1,423.1億円`, `9.51億米ドル`, `511万3,160円`."""
    return both(_money_in_english(value, unit), _money_in_japanese(value, unit))


def _money_in_japanese(value: Decimal, unit: str) -> str:
    name = {"JPY": "円", "USD": "米ドル", "CAD": "カナダドル", "AUD": "豪ドル"}.get(unit, "")
    if abs(value) >= _HUNDRED_MILLION:
        return f"{_scaled(value, _HUNDRED_MILLION, '0.1' if unit == 'JPY' else '0.01')}億{name}"
    if abs(value) >= _MILLION:
        return f"{_scaled(value, _TEN_THOUSAND, '1')}万{name}"
    return f"{_plain(value.quantize(Decimal(1), ROUND_HALF_EVEN))}{name}"


def _money_in_english(value: Decimal, unit: str) -> str:
    sign = {"JPY": "¥", "USD": "US$", "CAD": "CA$", "AUD": "A$"}.get(unit, "")
    if abs(value) >= _BILLION:
        return f"{sign}{_scaled(value, _BILLION, '0.01')}{_NO_BREAK}bn"
    if abs(value) >= _MILLION:
        return f"{sign}{_scaled(value, _MILLION, '0.1')}{_NO_BREAK}m"
    return f"{sign}{_plain(value.quantize(Decimal(1), ROUND_HALF_EVEN))}"


def _scaled(value: Decimal, divisor: Decimal, step: str) -> str:
    return f"{(value / divisor).quantize(Decimal(step), ROUND_HALF_EVEN):,}".replace("-", "−")


# ------------------------------------------------------------------------------------------------------------------- cells


@dataclasses.dataclass(frozen=True)
class Cell:
    """What stands in one place of a table. `value` is set exactly for figures that are present."""

    text: str
    value: Decimal | None = None
    marks: tuple[str, ...] = ()
    small: str = ""  # a second line: the sum in spoken units, the precision of a rounded figure
    native: str = ""  # the publisher's own label, Japanese
    title: str = ""  # what a hover says: the exact sum where the page rounds, the reason of a break
    href: str = ""
    id: str = ""  # of the observation: it leads to the line of its trace page
    precision: Decimal | None = None
    is_header: bool = False
    is_figure: bool = False

    def without(self, mark: str) -> Cell:
        """The cell without one of its marks. Half of all cells go through here, so it is not built field by field."""
        made = object.__new__(Cell)
        vars(made).update(vars(self), marks=tuple(kept for kept in self.marks if kept != mark))
        return made


@dataclasses.dataclass(frozen=True)
class Column:
    title: str
    unit: str = ""
    native: str = ""
    note: str = ""
    sheet_unit: str = ""  # the workbook's unit, where the page rounds to a larger one
    mark: str = ""  # a mark that all present cells of the column share
    numeric: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """One table with its title, its columns, its rows, and the sentences that a reader needs to use it rightly."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    native: str = ""
    notes: tuple[str, ...] = ()
    warning: str = ""  # what must not be done with these figures
    kind: str = "figures"  # figures | overlay | list
    total_rows: int = 0  # so many leading rows are totals


def text_cell(text: object, *, native: str = "", header: bool = False, href: str = "", title: str = "") -> Cell:
    return Cell(clean(text) or "–", native=clean(native), is_header=header, href=href, title=clean(title))


def marks_of(row: Any) -> tuple[str, ...]:
    """The marks that a figure carries, most important first."""
    if row.absence:
        return (ABSENCE_MARKS.get(row.absence, NO_ROW),)
    found = []
    if row.obs_status == "B":
        found.append("[b]")
    if row.edition == "provisional" or row.obs_status == "P":
        found.append("[p]")
    if row.edition in ("corrected", "restated"):
        found.append("[r]")
    if row.obs_status == "E":
        found.append("[e]")
    if row.derivation:
        found.append("[d]")
    return tuple(found)


def figure_cell(row: Any | None, *, short: bool = True) -> Cell:
    """The cell of one observation; of None, the mark for a figure that no publication prints."""
    if row is None:
        return Cell(NO_ROW, marks=(NO_ROW,), is_figure=True)
    marks = marks_of(row)
    if row.value is None or row.absence:
        return Cell(marks[0], marks=marks, id=row.id, is_figure=True)
    # A column says one unit: a ratio stands in it as per cent, in the page and in the workbook.
    scale = 100 if row.unit == "ratio" else 1
    return Cell(
        number_text(row.value, row.unit, row.measure, derived=bool(row.derivation)),
        value=row.value * scale,
        marks=marks,
        small=_small(row) if short else "",
        id=row.id,
        precision=row.precision * scale if row.precision else None,
        is_figure=True,
    )


def _small(row: Any) -> str:
    parts = []
    if row.measure in ("loss", "loss_net", "loss_recovered", "loss_prevented", "traded_value"):
        parts.append(short_money(row.value, row.unit))
    if row.precision and not row.derivation:
        parts.append(_("±\u00a0{precision}", precision=precision_text(row)))
    shown = [part for part in parts if part]
    return listed(shown, " · ") if len(shown) > 1 else shown[0] if shown else ""


def precision_text(row: Any) -> str:
    """Half of the printed unit, in words of the unit: `0.05億円`, `5,000`, `0.05 points`."""
    if row.unit == "JPY" and row.precision >= 10_000:
        scaled, word = (
            (row.precision / _HUNDRED_MILLION, "億円") if row.precision >= 1_000_000 else (row.precision / 10_000, "万円")
        )
        return f"{_plain(scaled.normalize())}{word}"
    if row.unit == "ratio":
        return _("{number} points", number=_plain((row.precision * 100).normalize()))
    return _("{number} points", number=_plain(row.precision)) if row.unit == "percent" else _plain(row.precision)


def source_anchor(row: Any) -> str:
    return source_anchor_of(row.source)


def source_anchor_of(source_id: str) -> str:
    """Where a release says what the source is."""
    return page_name(f"index.html#source-{slug(source_id)}")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


# ------------------------------------------------------------------------------------------------------------------ labels


def type_cell(row: Any) -> Cell:
    """The header cell of a type: English, with the publisher's own label beside it."""
    english, native = type_label(row)
    return text_cell(english, native=native, header=True)


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


# What is counted as a case: by the police (認知件数), or as a report to somebody else, or both side by side.
_CASES: dict[str, tuple[str, str]] = {
    "police": (_("Cases"), "認知件数"),
    "reports": (both("Cases", "報告件数"), ""),
    "several": (both("Cases", "件数"), ""),
}
_counted: ContextVar[str] = ContextVar("counted", default="police")


@contextlib.contextmanager
def counting(country: str) -> Iterator[None]:
    """Within it, cases are those of a country; of several countries at once where it is empty."""
    before = _counted.set("several" if not country else "police" if country == "JP" else "reports")
    try:
        yield
    finally:
        _counted.reset(before)


def counted() -> str:
    """What cases are now: for what is kept of their words."""
    return _counted.get()


def measure_title(measure: str) -> tuple[str, str]:
    """(English, Japanese) of a measure; the Japanese is for an English page to show beside."""
    title, japanese = _CASES[_counted.get()] if measure == "cases" else MEASURE_TITLES.get(measure, ("", ""))
    if title:
        return title, only_english(japanese)
    return declared(measure.replace("_", " ").capitalize()), ""


def measure_meaning(measure: str) -> Words:
    """What a measure counts, in a clause."""
    return declared(MEASURES.get(measure, ""))


def unit_short(unit: str) -> str:
    """A unit in a word or two."""
    return UNIT_SHORT.get(unit, unit)


def unit_in_words(unit: str) -> Words:
    """A unit as the list of units names it, without what it says in brackets."""
    return _UNIT_NAMES.get(unit) or declared(UNITS.get(unit, unit).split(" (")[0])


_UNIT_NAMES = {
    "USD": _("US dollars, current prices"),
    "ratio": _("ratio"),
}


def measure_and_unit(measure: str, unit: str) -> str:
    """A measure with its unit, where the unit does not say the same."""
    title, words = measure_title(measure)[0], unit_short(unit)
    return title if words == title.lower() else _("{measure}, {unit}", measure=title, unit=words)


def family_title(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a family: the word fixed here, or the title of the table of the source that speaks first."""
    if family in FAMILY_TITLES:
        english, japanese = FAMILY_TITLES[family]
        return english, only_english(japanese)
    for source in sorted(families.sources.values(), key=lambda item: (item.precedence, item.id)):
        for table in source.tables.values():
            if table.family == family:
                return in_both(table.title, table.title_ja), only_english(table.title_ja)
    return declared(family.replace("_", " ").capitalize()), ""


def series_title(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a headline series with its country, where the page would not say it otherwise."""
    source = families.sectioned(family)
    english, native = series_name(family, families)
    return (
        (_("{country}: {series}", country=country_name(source.country), series=english), native) if source else (english, native)
    )


def series_name(family: str, families: Families) -> tuple[str, str]:
    """(English, Japanese) of a headline series: a table that leads its source alone has the source's name."""
    source = families.sectioned(family)
    alone = source is not None and len(source.meta["headline_tables"]) == 1
    return (source_title(source), "") if source and alone else family_title(family, families)


def source_title(source: Source) -> Words:
    """The title of a source."""
    return in_both(source.title, str(source.meta.get("title_ja", "")))


def country_name(country: str) -> Words:
    """A country (ISO 3166-1); the code itself where areas.csv does not have it."""
    found = code_list(AREA).get(country)
    return label_of(found) if found else declared(country)


def measure_column(measure: str, unit: str) -> Column:
    english, native = measure_title(measure)
    return Column(english, unit_short(unit), native, measure_meaning(measure), numeric=True)


def measure_rank(key: tuple[str, str]) -> tuple[int, int]:
    measure, unit = key
    place = MEASURE_ORDER.index(measure) if measure in MEASURE_ORDER else len(MEASURE_ORDER)
    return place, _UNIT_ORDER.index(unit) if unit in _UNIT_ORDER else len(_UNIT_ORDER)


def natural_key(text: str) -> tuple[int, int, str]:
    """An order for ages, amounts and words: the total, then what lies below a limit, then by the first number, then words."""
    if text == TOTAL:
        return (-1, 0, text)
    number = re.search(r"\d+", text)
    if not number:
        return (1, 0, text)
    return (0, int(number[0]) - (1000 if "_LT" in text or text.startswith("<") else 0), text)


# ------------------------------------------------------------------------------------------------------------------ tables


def hoisted(table: Table) -> Table:
    """The table with `[d]` said once in the column's head where every present figure of the column carries it."""
    columns, rows = list(table.columns), [list(row) for row in table.rows]
    for place, column in enumerate(columns):
        present = [row[place] for row in rows if row[place].value is not None]
        if column.numeric and present and all("[d]" in cell.marks for cell in present):
            columns[place] = dataclasses.replace(column, mark="[d]")
            for row in rows:
                if "[d]" in row[place].marks:
                    row[place] = row[place].without("[d]")
    return dataclasses.replace(table, columns=tuple(columns), rows=tuple(tuple(row) for row in rows))


def place_figure(cells: dict[tuple[str, str], Any], row: Any, table_id: str) -> None:
    """Put the figure under its measure and unit. Raises FraudlossError where another stands there: one would hide the other."""
    held = cells.setdefault((row.measure, row.unit), row)
    if held is not row:
        raise FraudlossError(
            f"table {table_id}: {row.source} {row.period} {row.measure} has two figures for one cell, {held.id} ({held.origin}) "
            f"and {row.id} ({row.origin}). Look for a dimension that the table does not show."
        )


def types_by_measures(
    table_id: str,
    title: str,
    figures: Sequence[Figure],
    measures: Sequence[str],
    families: Families,
    *,
    overlay: bool = False,
    order: Sequence[tuple[str, str]] = (),
) -> Table | None:
    """Types down, measures across; the total first, then in `order`. None where nothing is left to show.

    A measure that only the total has takes no column here: `totals_only` lists it.
    """
    wanted = [f for f in figures if f.row.measure in measures and f.is_plain and f.row.overlay == overlay]
    alone = set() if overlay else {(f.row.measure, f.row.unit) for f in totals_only(wanted)}
    wanted = [f for f in wanted if (f.row.measure, f.row.unit) not in alone]
    if not any(f.row.value is not None for f in wanted):
        return None
    keys = sorted({(f.row.measure, f.row.unit) for f in wanted}, key=measure_rank)
    by_type: dict[tuple[str, str], dict[tuple[str, str], Any]] = {}
    for figure in wanted:
        name = (figure.row.native_type, figure.row.fraud_type)
        place_figure(by_type.setdefault(name, {}), figure.row, table_id)
    places = {name: place for place, name in enumerate(order or type_order(wanted))}
    ordered = sorted(by_type.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))
    rows = tuple(
        (type_cell(next(iter(cells.values()))), *(_measured(name, cells, key) for key in keys)) for name, cells in ordered
    )
    table = Table(
        table_id,
        title,
        (Column(_("Type"), native="手口"), *(measure_column(*key) for key in keys)),
        rows,
        notes=table_notes(wanted, families),
        kind="overlay" if overlay else "figures",
        total_rows=1 if ordered[0][0] == (TOTAL, TOTAL) else 0,
    )
    return hoisted(table)


def _measured(name: tuple[str, str], cells: dict[tuple[str, str], Any], key: tuple[str, str]) -> Cell:
    if key not in cells and name == (TOTAL, TOTAL) and key[0].startswith("share_of"):
        return Cell("[z]", marks=("[z]",), title=_("the total is the whole that the shares are of"), is_figure=True)
    return figure_cell(cells.get(key))


def has_intervals(figures: Sequence[Figure]) -> bool:
    """Whether a type has a quantile with an interval."""
    return any(f.row.measure in INTERVAL_ENDS and f.row.value is not None and not f.is_total for f in figures)


def totals_only(figures: Sequence[Figure]) -> list[Figure]:
    """The totals of measures that no type has a value of."""
    parts = {(f.row.measure, f.row.unit) for f in figures if f.is_plain and not f.is_total and f.row.value is not None}
    totals = [f for f in figures if f.is_plain and f.is_total and not f.row.overlay]
    return [f for f in totals if (f.row.measure, f.row.unit) not in parts]


def type_order(figures: Sequence[Figure]) -> list[tuple[str, str]]:
    """Types as a reader looks for them: the total, then by loss, then by cases; what the publisher calls "other" last."""
    sizes: dict[tuple[str, str], dict[str, Decimal]] = {}
    for figure in figures:
        row = figure.row
        entry = sizes.setdefault((row.native_type, row.fraud_type), {})
        if figure.is_plain and row.value is not None and row.unit != "USD" and row.measure in ("loss", "cases"):
            entry[row.measure] = row.value
    nothing = Decimal(-1)

    def rank(name: tuple[str, str]) -> tuple[Any, ...]:
        size = sizes[name]
        is_other = name[0].startswith("その他")
        return (name != (TOTAL, TOTAL), is_other, -size.get("loss", nothing), -size.get("cases", nothing), name)

    return sorted(sizes, key=rank)


def measures_list(
    table_id: str, title: str, figures: Sequence[Figure], families: Families, *, with_period: bool = False
) -> Table | None:
    """Measures down, one figure a row: for a family without types, and for odd periods."""
    wanted = [f for f in figures if f.row.value is not None or f.row.absence]
    if not wanted:
        return None
    several_types = any(not f.is_total for f in wanted)
    several_periods = with_period or len({f.row.period for f in wanted}) > 1
    broken_down = any(f.breakdown for f in wanted)
    head = [
        *([Column(_("Period"), native="期間")] if several_periods else []),
        *([Column(_("Type"), native="手口")] if several_types else []),
        *([Column(_("Of which"))] if broken_down else []),
        Column(_("Measure")),
        Column(_("Figure"), numeric=True),
        Column(_("Unit")),
        Column(_("Edition")),
        Column(_("Source")),
    ]
    ordered = sorted(wanted, key=_list_rank)
    rows = tuple(
        (
            *([text_cell(period_label(f.row.period), header=True)] if several_periods else []),
            *([type_cell(f.row)] if several_types else []),
            *([text_cell(breakdown_text(f))] if broken_down else []),
            text_cell(measure_title(f.row.measure)[0], native=measure_title(f.row.measure)[1], header=not several_periods),
            figure_cell(f.row),
            text_cell(unit_short(f.row.unit)),
            text_cell(edition_word(f.row.edition)),
            text_cell(f.row.source, href=source_anchor(f.row)),
        )
        for f in ordered
    )
    return Table(table_id, title, tuple(head), rows, notes=table_notes(wanted, families), kind="list")


def _list_rank(figure: Figure) -> tuple[Any, ...]:
    row = figure.row
    types = (row.native_type != TOTAL, row.native_type)
    return (
        parsed(row.period).end,
        row.period,
        row.overlay,
        types,
        bool(figure.breakdown),
        *measure_rank((row.measure, row.unit)),
        figure.breakdown,
        row.id,
    )


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
    return EDITION_WORDS.get(edition, edition)


def table_notes(figures: Sequence[Figure], families: Families) -> tuple[str, ...]:
    """What a reader must know of these figures: rounding, parts that do not add up, breaks, and the notes on single figures."""
    notes: list[str] = []
    rows = [figure.row for figure in figures]
    if any(row.precision and not row.derivation for row in rows):
        notes.append(
            _(
                "Figures with ± were printed rounded: the true value lies within half of the printed unit, and sums of them need "
                "not agree."
            )
        )
    if any(not figure.is_total for figure in figures) and not _parts_add_up(rows, families):
        notes.append(_("The publisher does not say that these types add up to the total: do not add them."))
    denominators = sorted({row.measure for row in rows if row.measure.startswith("mean_loss")})
    notes += [measure_note(name) for name in denominators]
    if any(row.unit.startswith("USD") and row.derivation and _is_foreign(row, families) for row in rows):
        notes.append(
            _("US dollars are converted at the average exchange rate of the period; they are not printed by the publisher.")
        )
    if any(row.measure in INTERVAL_ENDS for row in rows):
        notes.append(_INTERVAL_NOTE)
    for figure in figures:
        row = figure.row
        if (
            row.note
            and row.measure not in INTERVAL_ENDS
            and (row.absence or row.derivation in ("", "residual", "sum_of_parts", "sum_of_periods"))
        ):
            notes.append(_figure_note(counted(), *type_label(row), row.measure, row.note))
    unique = list(dict.fromkeys(notes))
    further = len(unique) - 14
    return tuple(unique if further <= 0 else [*unique[:14], _("{count} further notes stand in the CSV.", count=further)])


_INTERVAL_NOTE = _(
    "Interval of 95 %: two of the losses, chosen by their rank alone. The reports are a census, so it says how much the process "
    "of reporting alone moves the figure, and is no error of sampling. Where the losses are too few there is none, never a "
    "narrower one. A sum of losses has none: single reports move it too much."
)


@functools.lru_cache(maxsize=4096)
def _figure_note(counts: str, english: str, native: str, measure: str, note: str) -> Words:
    label = listed([english, native], " ") if native else english
    words = each(_shortened(clean(note), 240), declared, clean(note))
    return _("{type}, {measure}: {note}", type=label, measure=measure_title(measure)[0].lower(), note=words)


def measure_note(measure: str) -> Words:
    """A measure with what it counts, as a sentence."""
    return _("{measure}: {meaning}.", measure=measure_title(measure)[0], meaning=measure_meaning(measure))


def _is_foreign(row: Any, families: Families) -> bool:
    """Whether US dollars are not the money of the row's source: they were converted."""
    source = families.sources.get(row.source)
    return source is None or source.currency != "USD"


def _parts_add_up(rows: Iterable[Any], families: Families) -> bool:
    tables = {(row.source, row.table) for row in rows}
    declared = [families.sources[source].tables.get(table) for source, table in tables if source in families.sources]
    return all(table is None or table.parts_add_up for table in declared)


def breakdown_tables(table_id: str, title: str, figures: Sequence[Figure], families: Families) -> list[Table]:
    """One table for each set of dimensions that figures are broken down by: two dimensions cross, others go down."""
    groups: dict[tuple[tuple[str, ...], bool], list[Figure]] = {}
    for figure in figures:
        names = tuple(name for name, _ in figure.breakdown) or (() if is_country(figure.row.area) else ("area",))
        if names:
            groups.setdefault((names, figure.row.overlay), []).append(figure)
    sexes = [key for key in groups if set(key[0]) < {"age", "sex"} and (("age", "sex"), key[1]) in groups]
    for key in sexes:
        groups[(("age", "sex"), key[1])] += groups.pop(key)
    made = []
    for (names, overlay), members in sorted(groups.items(), key=lambda item: item[0]):
        words = listed([dimension_title(name).lower() for name in names], " and ")
        maker = _ages_across if set(names) == {"age", "sex"} else _dimensions_down
        base = f"{table_id}_by_{slug('_'.join(names))}{'_overlay' if overlay else ''}"
        heading = _("{series}: by {dimensions}", series=title, dimensions=words)
        own = [figure for figure in members if figure.row.measure not in INTERVAL_ENDS]
        made.append(maker(base, heading, names, own, families))
        if len(own) < len(members):
            # Quantiles with their intervals stand in a table of their own, which else would be far too wide.
            quantiles = [figure for figure in members if figure.row.measure in measure_group("quantiles")]
            heading = _("{title}: {group}", title=heading, group=group_title("quantiles").lower())
            made.append(_dimensions_down(f"{base}_quantiles", heading, names, quantiles, families))
    return made


# What a map shows of its areas: a rate where the publisher gives one.
MAPPED = ("cases_per_100k", "cases")


def map_lacking(country: str, areas: Collection[str]) -> str:
    """Why areas with a figure make no map of the country; empty where they do: half of its parts at least."""
    places = area_tiles(country)
    known = len(places.keys() & set(areas))
    if known * 2 >= len(places) > 0:
        return ""
    return _("figures of {known} of {all} parts of {country}", known=known, all=len(places), country=country_name(country))


def _ages_across(table_id: str, title: str, names: tuple[str, ...], figures: Sequence[Figure], families: Families) -> Table:
    measure, unit = sorted({(f.row.measure, f.row.unit) for f in figures}, key=measure_rank)[0]
    wanted = [f for f in figures if (f.row.measure, f.row.unit) == (measure, unit)]
    ages = sorted({f.row.age for f in wanted}, key=natural_key)
    places = {name: place for place, name in enumerate(type_order(wanted))}
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for figure in wanted:
        row = figure.row
        key = (places[(row.native_type, row.fraud_type)], row.native_type, row.sex == "F", row.sex)
        lines.setdefault(key, {})[row.age] = row
    rows = tuple(
        (
            type_cell(next(iter(cells.values()))),
            text_cell(_("both") if key[3] == TOTAL else code_label(key[3]), header=True),
            *(figure_cell(cells.get(age), short=False) for age in ages),
        )
        for key, cells in sorted(lines.items())
    )
    heads = [Column(_("All ages") if age == TOTAL else code_label(age), unit_short(unit), numeric=True) for age in ages]
    columns = (Column(_("Type"), native="手口"), Column(_("Sex"), native="性別"), *heads)
    note = _("{sentence} Organisations are not counted as victims here.", sentence=measure_note(measure))
    return hoisted(Table(table_id, title, columns, rows, notes=(note, *table_notes(wanted, families))))


def _dimensions_down(table_id: str, title: str, names: tuple[str, ...], figures: Sequence[Figure], families: Families) -> Table:
    keys = sorted({(f.row.measure, f.row.unit) for f in figures}, key=measure_rank)
    lines: dict[tuple[Any, ...], dict[tuple[str, str], Any]] = {}
    for figure in figures:
        row = figure.row
        values = tuple(getattr(row, name) for name in names)
        key = (row.native_type != TOTAL, row.native_type, row.fraud_type, tuple(natural_key(v) for v in values), values)
        lines.setdefault(key, {})[(row.measure, row.unit)] = row
    # A column that says "all types" in every line says nothing.
    of_types = [Column(_("Type"), native="手口")] if any(not figure.is_total for figure in figures) else []
    rows = tuple(
        (
            *(type_cell(next(iter(cells.values()))) for _ in of_types),
            *(text_cell(code_label(value), header=True) for value in key[4]),
            *(figure_cell(cells.get(name)) for name in keys),
        )
        for key, cells in sorted(lines.items())
    )
    columns = (
        *of_types,
        *(Column(dimension_title(n), note=declared(DIMENSIONS.get(n, ""))) for n in names),
        *(measure_column(*k) for k in keys),
    )
    overlay = any(figure.row.overlay for figure in figures)
    warning = _("These cut across each other and across the types: never add them.") if overlay else ""
    kind = "overlay" if overlay else "figures"
    return hoisted(Table(table_id, title, columns, rows, notes=table_notes(figures, families), warning=warning, kind=kind))


def history_table(
    table_id: str, title: str, figures: Sequence[Figure], breaks: dict[str, str], families: Families, *, least: int = 2
) -> Table | None:
    """Periods down, cases and losses across, with classification and edition of each period's figures."""
    totals = [f for f in figures if f.is_total and f.is_plain and not f.row.overlay]
    keys = sorted({(f.row.measure, f.row.unit) for f in totals}, key=measure_rank)
    lines: dict[tuple[Any, ...], dict[tuple[str, str], Any]] = {}
    for figure in totals:
        row = figure.row
        place_figure(lines.setdefault((parsed(row.period).end, row.period, row.classification), {}), row, table_id)
    if len(lines) < least:
        return None
    rows = []
    for (__, period, classification), cells in sorted(lines.items()):
        note = breaks.get(period, "")
        rows.append(
            (
                Cell(period_label(period), marks=("[b]",) if note else (), title=declared(clean(note)), is_header=True),
                *(figure_cell(cells.get(key)) for key in keys),
                text_cell(classification),
                text_cell(listed(sorted({edition_word(row.edition) for row in cells.values()}))),
                text_cell(", ".join(sorted({row.source for row in cells.values()}))),
            )
        )
    columns = (
        Column(_("Period"), native="期間"),
        *(measure_column(*key) for key in keys),
        Column(_("Classification")),
        Column(_("Edition")),
        Column(_("Source")),
    )
    shown = {code for _, code, _ in lines}
    notes: tuple[str, ...] = tuple(
        _("Break at {period}: {reason}. Do not compare across it.", period=period, reason=declared(clean(reason)))
        for period, reason in breaks.items()
        if period in shown
    )
    schemes = sorted({name for _, _, name in lines if families.classification(name) != name})
    notes += tuple(
        _("{name}: {meaning}.", name=Own(clean(name)), meaning=declared(clean(families.classification(name)))) for name in schemes
    )
    table = Table(table_id, title, columns, tuple(rows), notes=(*notes, *table_notes(totals, families)))
    return hoisted(table)


def adjusted_table(table_id: str, title: str, rows: Sequence[Any], found: Adjusted) -> Table:
    """Months down: the cases as counted (`rows`), without their season, and the trend."""

    def made(value: float, row: Any) -> Cell:
        whole = whole_cases(value)
        marks = ("[p]", "[d]") if "[p]" in marks_of(row) else ("[d]",)
        return Cell(number_text(whole, "cases"), value=whole, marks=marks, is_figure=True)

    lines = tuple(
        (text_cell(period_label(row.period), header=True), figure_cell(row), made(adjusted, row), made(trend, row))
        for row, adjusted, trend in zip(rows, found.adjusted, found.trend, strict=True)
    )
    columns = (
        Column(_("Month"), native="月"),
        measure_column("cases", "cases"),
        Column(_("Seasonally adjusted"), _("cases"), "季節調整値", numeric=True),
        Column(_("Trend"), _("cases"), "趨勢", numeric=True),
    )
    notes = (
        _(
            "Robust STL of the logarithm; the same season in all years, estimated up to {month} and kept for the months after "
            "it. The last months of the trend move most when further months come in.",
            month=period_label(found.until),
        ),
        _("Losses are not adjusted: single reports move the loss of a month more than any season does."),
    )
    return hoisted(Table(table_id, title, columns, lines, notes=notes))


def whole_cases(value: float) -> Decimal:
    """A number of cases that was computed from a whole series, as it is shown."""
    return Decimal(value).quantize(Decimal(1), ROUND_HALF_EVEN)


def types_by_periods(
    table_id: str, title: str, figures: Sequence[Figure], measure: str, unit: str, families: Families
) -> Table | None:
    """Types down, periods across, for one measure of one classification."""
    wanted = [f for f in figures if f.is_plain and not f.row.overlay and (f.row.measure, f.row.unit) == (measure, unit)]
    periods = sorted({f.row.period for f in wanted})
    by_type: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in wanted:
        by_type.setdefault((figure.row.native_type, figure.row.fraud_type), {})[figure.row.period] = figure.row
    if len(periods) < 2 or len(by_type) < 3:
        return None
    ordered = sorted(by_type.items(), key=lambda item: _period_rank(item[0], item[1], periods))
    cell = _million_cell if unit == "JPY" else functools.partial(figure_cell, short=False)
    rows = tuple((type_cell(next(iter(c.values()))), *(cell(c.get(p)) for p in periods)) for _, c in ordered)
    columns = (Column(_("Type"), native="手口"), *(_period_column(period, unit) for period in periods))
    total_rows = 1 if ordered[0][0] == (TOTAL, TOTAL) else 0
    return hoisted(Table(table_id, title, columns, rows, notes=table_notes(wanted, families), total_rows=total_rows))


def _period_column(period: str, unit: str) -> Column:
    if unit == "JPY":
        return Column(period, _("million yen"), sheet_unit="yen", numeric=True)
    return Column(period, unit_short(unit), numeric=True)


def _million_cell(row: Any | None) -> Cell:
    """Ten years of yen side by side fit a page in millions only; the exact sum stands in the hover and in the workbook."""
    cell = figure_cell(row, short=False)
    if row is None or cell.value is None:
        return cell
    return dataclasses.replace(cell, text=_scaled(cell.value, _MILLION, "1"), title=_("{figure} yen", figure=cell.text))


def _period_rank(key: tuple[str, str], cells: dict[str, Any], periods: Sequence[str]) -> tuple[Any, ...]:
    latest = next((cells[p].value for p in reversed(periods) if p in cells and cells[p].value is not None), Decimal(0))
    return (key != (TOTAL, TOTAL), key[0].startswith("その他"), -latest, key)


def combined_table(table_id: str, sums: Sequence[CombinedSum], families: Families) -> Table | None:
    """Years down; for each measure the parts, our sum of them, and what a publisher prints for the sum."""
    if not sums:
        return None
    combination = sums[0].combination
    rows = []
    for item in sorted(sums, key=lambda s: (s.period, measure_rank((s.measure, s.unit)))):
        marks = ("[p]", "[d]") if item.is_provisional else ("[d]",)
        total = Cell(
            number_text(item.value, item.unit, derived=item.unit == "USD"),
            value=item.value,
            marks=marks,
            small=short_money(item.value, item.unit),
            title=_("sum of the two totals beside it; derived here"),
            precision=item.precision,
            is_figure=True,
        )
        printed = item.printed[0] if item.printed else None
        rows.append(
            (
                text_cell(item.period, header=True),
                text_cell(measure_and_unit(item.measure, item.unit), native=measure_title(item.measure)[1], header=True),
                *(figure_cell(part) for part in item.parts),
                total,
                figure_cell(printed),
            )
        )
    titles = [family_title(family, families) for family in combination.families]
    columns = (
        Column(_("Year"), native="年"),
        Column(_("Measure, unit")),
        *(Column(english, native=native, numeric=True) for english, native in titles),
        Column(_("Sum"), native="合計", numeric=True),
        Column(_("Printed by a publisher"), numeric=True),
    )
    return Table(table_id, combination.title, columns, tuple(rows), combination.title_ja, (combination.reason,))


def comparison_table(items: Sequence[Comparison], families: Families) -> Table | None:
    """The same figure as other publications print it, with the difference and whether rounding explains it."""
    if not items:
        return None
    rows = []
    for item in sorted(items, key=lambda c: (c.figure.family, _list_rank(c.figure), c.other.source, c.other.id)):
        row = item.figure.row
        tolerance = number_text(item.tolerance, row.unit) if item.tolerance else _("exact")
        rows.append(
            (
                text_cell(family_title(item.figure.family, families)[0], header=True),
                text_cell(period_label(row.period)),
                type_cell(row),
                text_cell(
                    listed(part for part in (measure_and_unit(row.measure, row.unit), breakdown_text(item.figure)) if part != "–")
                ),
                text_cell(row.source, href=source_anchor(row)),
                figure_cell(row, short=False),
                text_cell(item.other.source, href=source_anchor(item.other)),
                figure_cell(item.other, short=False),
                Cell(
                    number_text(item.difference, row.unit, "change"),
                    value=item.difference,
                    title=_("tolerance {tolerance}", tolerance=tolerance),
                    is_figure=True,
                ),
                text_cell(_verdict(item)),
            )
        )
    columns = (
        Column(_("Series")),
        Column(_("Period"), native="期間"),
        Column(_("Type"), native="手口"),
        Column(_("Measure")),
        Column(_("Leading source")),
        Column(_("Leading figure"), numeric=True),
        Column(_("Other source")),
        Column(_("Other figure"), numeric=True),
        Column(_("Difference"), numeric=True),
        Column(_("Verdict")),
    )
    note = _("Where several publications print one figure, all are kept; the declared order of the sources decides which leads.")
    return Table("comparison", _("The same figures in other publications"), columns, tuple(rows), notes=(note,), kind="list")


def _verdict(item: Comparison) -> str:
    return _("exact") if item.difference == 0 else _("within precision") if item.agrees else _("different")


FINDING_COLUMNS: tuple[tuple[str, str], ...] = (
    ("check", _("Check")),
    ("family", _("Series")),
    ("table", _("Table")),
    ("period", _("Period")),
    ("native_type", _("Type")),
    ("measure", _("Measure")),
    ("unit", _("Unit")),
    ("ours", _("Leading figure")),
    ("theirs", _("Other figure")),
    ("difference", _("Difference")),
    ("tolerance", _("Tolerance")),
    ("status", _("Verdict")),
    ("ours_source", _("Leading figure from")),
    ("theirs_source", _("Other figure from")),
    ("explanation", _("Explanation")),
)
_FINDING_NUMBERS = ("ours", "theirs", "difference", "tolerance")
_STATUS_WORDS = {"exact": _("exact"), "within_precision": _("within precision"), "different": _("different")}


def findings_table(findings: Sequence[dict[str, Any]], families: Families) -> Table | None:
    """Reconciliation: what we compute beside what is published; differences first."""
    if not findings:
        return None
    names = [(name, title) for name, title in FINDING_COLUMNS if any(name in finding for finding in findings)]
    if len({str(finding.get("check")) for finding in findings}) == 1:
        names = [(name, title) for name, title in names if name != "check"]
    order = {"different": 0, "within_precision": 1, "exact": 2}
    ordered = sorted(findings, key=lambda f: (order.get(str(f.get("status")), 3), *(str(f.get(name, "")) for name, _ in names)))
    rows = tuple(tuple(_finding_cell(finding, name, families) for name, _ in names) for finding in ordered)
    columns = tuple(Column(title, numeric=name in _FINDING_NUMBERS) for name, title in names)
    notes = (
        _("Published figures are kept beside each other and are never overwritten."),
        _("Within precision: the rounding of the two figures alone explains the difference."),
    )
    return Table("findings", _("Reconciliation of published figures"), columns, rows, notes=notes, kind="list")


def _finding_cell(finding: dict[str, Any], name: str, families: Families) -> Cell:
    value = finding.get(name)
    if name in _FINDING_NUMBERS:
        if isinstance(value, Decimal) and value.is_finite():
            return Cell(number_text(value, str(finding.get("unit", ""))), value=value, is_figure=True)
        return Cell(NO_ROW, marks=(NO_ROW,), is_figure=True)
    if name == "status":
        return text_cell(_STATUS_WORDS.get(str(value), str(value)))
    if name == "measure":
        return text_cell(measure_title(str(value))[0])
    if name == "family":
        return text_cell(family_title(str(value), families)[0], header=True)
    if name == "native_type":
        return _finding_type(str(value))
    if name == "unit":
        return text_cell(unit_short(str(value)))
    if name == "check":
        return text_cell(declared(str(value).replace("_", " ")))
    if name == "explanation":
        return text_cell(declared(str(value)) if value else "")
    if name in ("ours_source", "theirs_source"):
        return text_cell(declared(str(value)) if value else "")
    if name == "period":
        return text_cell(_period_or_text(str(value)), header=True)
    return text_cell("" if value is None or value != value else value)


def _finding_type(label: str) -> Cell:
    if label == TOTAL:
        return text_cell(LABELS[TOTAL])
    if label in LABELS:
        return text_cell(both(LABELS[label], label), native=only_english(label))
    return text_cell(declared(label))


def _period_or_text(text: str) -> str:
    try:
        return period_label(text)
    except Exception:  # a finding may speak of all periods in words
        return declared(text)


def group_title(name: str) -> str:
    """The words of a group of GROUPS."""
    return next(words for group, words, __ in GROUPS if group == name)


def measure_group(name: str) -> tuple[str, ...]:
    """The measures of a group of GROUPS; `other` gives those that are in none."""
    found = next((measures for group, _, measures in GROUPS if group == name), None)
    return found if found is not None else tuple(measure for measure in MEASURES if measure not in _GROUPED)
