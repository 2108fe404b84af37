"""Writes the shipped sheets and grids of Japanese headline figures, and the reference series, from the collected facts.

In: the folder of tidy facts (`japan/*.csv`, `reference/*.csv`), each row with the text that was printed and the page it was
read from. Out, under the inbox folder: `npa_releases/`, `npa_overseas/`, `internet_banking/` (one release sheet a release),
`jca_card/` (one grid a release), each with its `deliveries.csv`; and, where a third folder is named, the reference CSVs.

    python -m tools.transcribe_japan_sheets FACTS_FOLDER INBOX_FOLDER [REFERENCE_FOLDER]

The same facts give the same bytes. A row of the facts that no release below claims stops the run: it would be lost.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.model import Period
from pipeline.reading.numerals import Kind, Number, UnreadableNumber, parse_number
from pipeline.reading.release_sheet import COLUMNS, SEVERAL, TOTAL_LABEL
from pipeline.sources.jca_card import reader as jca

Fact = dict[str, str]
DELIVERY_COLUMNS = ("file", "published", "edition", "extract", "origin", "note")
PROVENANCE_COLUMNS = ("file", "table", "period", "native_type", "measure", "printed", "evidence", "source", "notes")


@dataclasses.dataclass(frozen=True)
class Release:
    """A publication that figures were read from, and the names under which the facts know it."""

    published: str  # a day, a month or a year, as far as it is known
    slug: str
    edition: str  # what the publication says of itself
    title: str
    names: tuple[tuple[str, str], ...]  # (release_name, release_date) in the facts

    @property
    def file(self) -> str:
        return f"{self.published}-{self.slug}.csv"


def known_releases(source: str) -> tuple[Release, ...]:
    """The publications of a source, from `japan_releases.csv`, one row a name under which the facts know a publication.

    The press and secondary pages date one and the same publication differently, or only by its month; there the exact day
    holds, and `why` says where it comes from.
    """
    names: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}
    for row in _facts(Path(__file__).with_name("japan_releases.csv")):
        if row["source"] == source:
            key = (row["published"], row["slug"], row["edition"], row["title"])
            names.setdefault(key, []).append((row["release_name"], row["release_date"]))
    return tuple(Release(*key, tuple(found)) for key, found in names.items())


# ------------------------------------------------------------------------------------------------------------------- labels

EDITION_OF_STATUS = {
    "provisional": "provisional",
    "final": "final",
    "final_corrected": "corrected",
    "restated": "restated",
    "later_value": "restated",
    "first_survey": "unknown",
    "as_published": "unknown",
    "unknown": "unknown",
}
TABLES = {
    "furikome_fraud": "振り込め詐欺",
    "special_fraud": "特殊詐欺",
    "sns_fraud": "SNS型投資・ロマンス詐欺",
    "special_plus_sns": "特殊詐欺及びSNS型投資・ロマンス詐欺",
}
TYPES = {
    "total": TOTAL_LABEL,
    "oreore": "オレオレ詐欺",
    "deposit": "預貯金詐欺",
    "oreore+deposit": "オレオレ詐欺+預貯金詐欺",
    "fictitious_billing": "架空料金請求詐欺",
    "loan_guarantee": "融資保証金詐欺",
    "refund": "還付金詐欺",
    "cashcard_theft": "キャッシュカード詐欺盗",
    "fake_police": "ニセ警察詐欺",
    "sns_investment": "SNS型投資詐欺",
    "sns_romance": "SNS型ロマンス詐欺",
}
MEASURES: dict[str, tuple[str, Kind]] = {
    "recognized_cases": ("認知件数", "count"),
    "cleared_cases": ("検挙件数", "count"),
    "arrested_persons": ("検挙人員", "count"),
    "detained_persons": ("拘束人員", "count"),
    "bases_raided": ("摘発拠点数", "count"),
    "loss": ("被害額", "money"),
    "loss_per_case": ("1件当たり被害額", "money"),
    "loss_per_completed_case": ("既遂1件当たり被害額", "money"),
    "loss_per_day": ("1日当たり被害額", "money"),
    "max_loss": ("最高被害額", "money"),
    "share_of_cases": ("認知件数の構成比", "percent"),
    "share_victims_65plus": ("被害者に占める割合", "percent"),
    "phone_numbers_used_international": ("犯行利用電話番号数", "count"),
    "incidents": ("発生件数", "count"),
    "net_loss": ("実被害額", "money"),
    "unauthorised_trading_value": ("不正取引額", "money"),
}
BREAKDOWNS = {
    "prefecture": "都道府県",
    "first_contact_method": "当初接触手段",
    "first_contact_tool": "当初接触ツール",
    "channel_at_deception": "被害時の連絡ツール",
    "payment_method": "交付形態",
    "victim_age": "被害者の年齢",
    "suspect_age": "被疑者の年齢",
    "suspect_group": "被疑者の属性",
    "claimed_occupation": "かたった職業",
    "loss_band": "被害額階級",
    "base_location": "拠点の所在地",
    "country": "拠点の所在地",
    "investigating_police": "捜査警察",
    "account_holder": "口座名義",
}
NO_BREAKDOWN = ("", "fraud_type", "modus_tag")
NPA_CLASSIFICATIONS = {
    "furikome 4 types (oreore/fictitious/loan/refund)": "npa_furikome_4",
    "8 types incl. non-furikome": "npa_2010",
    "without キャッシュカード詐欺盗": "npa_9types_2018",
    "R2(2020) types": "npa_2020",
}
BANKING_TABLES = {
    "unauthorised_transfer": ("インターネットバンキングに係る不正送金事犯", "npa_transfer"),
    "unauthorised_withdrawal": ("インターネット・バンキングによる預金等不正払戻し", "fsa_bank_survey"),
    "unauthorised_trading": ("証券口座不正取引", "npa_securities"),
}


def japanese_period(kind: str, start: dt.date, end: dt.date) -> str:
    """The period as a Japanese release writes it: `令和6年上半期`, `平成29年1月～2月`, `令和元年`."""
    year = _japanese_year(start.year)
    whole_months = start.day == 1 and (end + dt.timedelta(days=1)).day == 1
    if kind == "calendar_year":
        return f"{year}年"
    if kind == "fiscal_year":
        return f"{year}年度"
    if kind == "half":
        return f"{year}年{'上' if start.month == 1 else '下'}半期"
    if kind == "quarter":
        return f"{year}年第{(start.month + 2) // 3}四半期"
    if kind == "multi_year":
        return f"{year}年～{_japanese_year(end.year)}年"
    if whole_months and start.month == end.month:
        return f"{year}年{start.month}月"
    if whole_months:
        return f"{year}年{start.month}月～{end.month}月"
    if start == end:
        return f"{year}年{start.month}月{start.day}日"
    return f"{year}年{start.month}月{start.day}日～{end.day}日"


def _japanese_year(year: int) -> str:
    if year < 2019:
        return f"平成{year - 1988}"
    return f"令和{year - 2018 if year > 2019 else '元'}"


def period_label(fact: Fact) -> str:
    start, end = dt.date.fromisoformat(fact["period_start"]), dt.date.fromisoformat(fact["period_end"])
    return japanese_period(fact["period_type"], start, end)


# ----------------------------------------------------------------------------------------------------- what the page printed

_QUOTED = re.compile(r"約?\d[\d,，.・億万千]*[円件]")
_TEN_THOUSAND = Decimal(10_000)
_ABOUT = ('"about"', '"some ', 'as "about ')


@dataclasses.dataclass(frozen=True)
class Printed:
    """The text that a page printed, its reading, and a precision where the text promises more than the facts do."""

    text: str
    number: Number
    stated_precision: Decimal | None

    @property
    def precision(self) -> Decimal:
        return self.stated_precision or self.number.precision or Decimal(0)


def printed(fact: Fact, kind: Kind) -> Printed:
    """The text as the page has it: as quoted in the notes where they quote it, else the raw value of the facts."""
    raw = fact["value_raw"]
    number = parse_number(raw, kind=kind)
    for quoted in _QUOTED.findall(fact["notes"]):
        try:
            reading = parse_number(quoted, kind=kind)
        except UnreadableNumber:
            continue
        if reading.value == number.value:
            wider = number.precision if (number.precision or 0) > (reading.precision or 0) else None
            return Printed(quoted, reading, wider)
    if any(sign in fact["notes"] for sign in _ABOUT):
        text = f"about {raw}" if raw.endswith("yen") else f"約{raw}"
        return Printed(text, parse_number(text, kind=kind), None)
    return Printed(raw, number, None)


# ----------------------------------------------------------------------------------------------------------- rows of sheets


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of a release sheet before it is written."""

    period: str
    table: str
    type: str
    breakdown: str
    breakdown_value: str
    measure: str
    printed: Printed
    classification: str
    edition: str
    note: str
    evidence: str
    source: str

    @property
    def series(self) -> tuple[str, ...]:
        return (
            *(self.period, self.table, self.type, self.breakdown, self.breakdown_value, self.measure),
            self.classification,
        )

    def cells(self) -> list[str]:
        stated = self.printed.stated_precision
        values = {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "printed"},
            "printed": self.printed.text,
            "precision": f"{stated:f}" if stated is not None else "",
        }
        return [values[name] for name in COLUMNS]


def _row(fact: Fact, table: str, native_type: str, classification: str, **changes: Any) -> Row:
    label, kind = MEASURES[fact["measure"]]
    has_breakdown = fact["breakdown_dim"] not in NO_BREAKDOWN
    names = [BREAKDOWNS[name] for name in fact["breakdown_dim"].split(SEVERAL)] if has_breakdown else []
    made = Row(
        period=period_label(fact),
        table=table,
        type=native_type,
        breakdown=SEVERAL.join(names),
        breakdown_value=fact["breakdown_value"] if has_breakdown else "",
        measure=label,
        printed=printed(fact, kind),
        classification=classification,
        edition=EDITION_OF_STATUS[fact["status"]],
        note=fact["notes"],
        evidence=fact["evidence"],
        source=fact["source"],
    )
    return dataclasses.replace(made, **changes) if changes else made


def _noted(fact: Fact, *more: str) -> str:
    return "; ".join(part for part in (fact["notes"], *more) if part)


def npa_row(fact: Fact) -> Row:
    """A row of `npa_releases` from a fact about special or SNS fraud."""
    changes: dict[str, Any] = {}
    if fact["measure"] == "loss_per_case" and fact["fraud_group"] == "special_fraud":
        # Loss over the printed figure gives the completed cases, not the recognised ones, wherever both are known.
        changes["measure"] = MEASURES["loss_per_completed_case"][0]
        changes["note"] = _noted(fact, "quoted as per case; the amount shows that it is per completed case")
    if fact["measure"] == "share_victims_65plus":
        changes.update(breakdown=BREAKDOWNS["victim_age"], breakdown_value="65+")
    if fact["measure"] == "phone_numbers_used_international":
        changes.update(breakdown="利用電話", breakdown_value="国際電話番号")
    if fact["status"] == "first_survey":
        changes["note"] = _noted(fact, "first survey of this kind; the publication does not say whether it is final")
    classification = _npa_classification(fact)
    made = _row(fact, TABLES[fact["fraud_group"]], TYPES[fact["fraud_type"]], classification, **changes)
    if fact["status"] == "first_survey" and fact["measure"] == "loss_per_case":
        # By the cases of the book of 2025 (2,271; 1,575) the losses give 1,223.7 and 1,125.7; 1,223 and 1,125 are printed.
        made = dataclasses.replace(
            made,
            printed=dataclasses.replace(made.printed, stated_precision=_TEN_THOUSAND),
            note=f"{made.note}; cut to whole 10 000 yen and not rounded as the losses and cases show",
        )
    return dataclasses.replace(made, note="") if made.note == made.printed.text else made


def _npa_classification(fact: Fact) -> str:
    if fact["classification"] in NPA_CLASSIFICATIONS:
        return NPA_CLASSIFICATIONS[fact["classification"]]
    if fact["fraud_group"] == "special_plus_sns":
        return "npa_2026" if fact["classification"].startswith("R8(2026)") else "npa_2020_sns_2023"
    if fact["classification"] not in ("", "令和4年 (暫定値版)"):
        raise ValueError(f"a classification that is not known here: {fact['classification']!r}")
    if fact["fraud_group"] == "sns_fraud":
        return "npa_sns_2023"
    return "npa_2010" if fact["period_start"] < "2018" else "npa_2020"


def overseas_row(fact: Fact) -> Row:
    """A row of `npa_overseas`; the countries that a total names stand in the note."""
    place, by_force = fact["breakdown_value"], fact["breakdown_dim"] == "investigating_police"
    if fact["breakdown_dim"] == "country":
        return _row(fact, "個別の摘発事案", TOTAL_LABEL, "npa_bases")
    if by_force:
        both = SEVERAL.join((BREAKDOWNS["base_location"], BREAKDOWNS["investigating_police"]))
        where = SEVERAL.join(("海外", place))
        return _row(fact, "捜査警察別", TOTAL_LABEL, "npa_bases", breakdown=both, breakdown_value=where)
    table, label = ("国内拠点", "国内") if place.startswith("domestic") else ("海外拠点", "海外")
    return _row(fact, table, TOTAL_LABEL, "npa_bases", breakdown_value=label, note=_noted(fact, f"printed for: {place}"))


def banking_row(fact: Fact) -> Row:
    """A row of `internet_banking`."""
    table, classification = BANKING_TABLES[fact["fraud_type"]]
    return _row(fact, table, TOTAL_LABEL, classification)


# ---------------------------------------------------------------------------------------------------------------- selection


def for_npa_releases(facts: Path) -> Iterator[Fact]:
    """What `npa_releases` holds: headlines and prefectures, and the monthly facts that no cell of the monthly grid takes."""
    for name in ("npa_releases_annual_and_2026.csv", "npa_special_fraud_prefecture_partial.csv"):
        yield from (fact for fact in _facts(facts / name) if fact["fraud_group"] != "special_fraud_2026def")
    yield from (fact for fact in _facts(facts / "npa_monthly_ytd.csv") if not _in_monthly_grid(fact))


def _in_monthly_grid(fact: Fact) -> bool:
    plain = fact["measure"] in ("recognized_cases", "loss", "cleared_cases", "arrested_persons")
    # The grid of May 2017 has one cumulative column, January to May; the earlier ones were printed by earlier releases.
    earlier = fact["period_type"] == "ytd" and fact["period_end"] in ("2017-02-28", "2017-03-31", "2017-04-30")
    return plain and fact["breakdown_dim"] in NO_BREAKDOWN and not earlier


def _facts(path: Path) -> list[Fact]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def by_release(facts: Iterable[Fact], releases: tuple[Release, ...]) -> dict[Release, list[Fact]]:
    """The facts of each release, in their order. Raises ValueError for a fact that no release claims."""
    names = {name: release for release in releases for name in release.names}
    groups: dict[Release, list[Fact]] = {release: [] for release in releases}
    for fact in facts:
        name = (fact["release_name"], fact["release_date"])
        if name not in names:
            raise ValueError(f"no release claims {name}: add it to japan_releases.csv")
        groups[names[name]].append(fact)
    empty = [release.file for release, found in groups.items() if not found]
    if empty:
        raise ValueError(f"releases without a fact: {', '.join(empty)}")
    return groups


def once_each(rows: list[Row]) -> list[Row]:
    """One row a series: the most precise one, the others named in its note. Raises ValueError where they disagree."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row.series, []).append(row)
    kept = []
    for series, found in groups.items():
        best, *others = sorted(found, key=lambda row: row.printed.precision)
        for other in others:
            difference = abs(best.printed.number.value - other.printed.number.value)
            if difference > best.printed.precision + other.printed.precision:
                raise ValueError(f"{series}: {best.printed.text} and {other.printed.text} disagree: keep the releases apart")
        also = [f"also printed as {other.printed.text} ({other.source})" for other in others]
        kept.append(dataclasses.replace(best, note="; ".join(part for part in (best.note, *also) if part)))
    return kept


# ---------------------------------------------------------------------------------------------- what the revisions list adds

_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_DIFFERENCE = re.compile(r"\(([\d,.]+) (?:is ([+-][\d,.]+)|- ([\d,.]+))\)")
_REVISED_PERIOD = re.compile(r"(\d{4})(?: Jan-(Jun|Jul|Sep|Nov))?")
_LAST_MONTH = {"Jun": 6, "Jul": 7, "Sep": 9, "Nov": 11}
_REVISION_UNITS = {"cases": "{}", "persons": "{}", "JPY": "{}円", "100M JPY": "{}億円"}


def rows_from_revisions(facts: Path, rows: dict[Release, list[Row]]) -> dict[Release, list[Row]]:
    """The rows with each side of a revision that was read from a release, or follows from it, and is not among the facts."""
    releases = {release.published: release for release in rows}
    known = {(*_revision_series(npa_row(fact)), fact["release_date"]) for fact in _monthly_grid_facts(facts)}
    added: dict[Release, list[Row]] = {release: list(found) for release, found in rows.items()}
    for revision in _facts(facts / "revisions.csv"):
        if revision["fraud_group"] not in TABLES:
            continue
        for side in ("first", "second"):
            date = _DATE.search(revision[f"{side}_release"])
            release = releases.get(date[0]) if date else None
            # The annual book is a source of its own: its exact values are not those of the release of that day.
            if release is None or "r07" in revision[f"{side}_release"]:
                continue
            row = _revised_row(revision, side)
            series = _revision_series(row)
            if series in {_revision_series(other) for other in added[release]} or (*series, release.published) in known:
                continue
            added[release].append(row)
    return added


def _monthly_grid_facts(facts: Path) -> list[Fact]:
    return [fact for fact in _facts(facts / "npa_monthly_ytd.csv") if _in_monthly_grid(fact)]


def _revision_series(row: Row) -> tuple[str, ...]:
    return (row.period, row.table, row.type, row.breakdown, row.measure)


def _revised_row(revision: Fact, side: str) -> Row:
    period = _REVISED_PERIOD.fullmatch(revision["period"])
    if period is None:
        raise ValueError(f"{revision['id']}: a period that is not known here: {revision['period']!r}")
    year, last = int(period[1]), _LAST_MONTH.get(period[2] or "", 12)
    kind = {12: "calendar_year", 6: "half"}.get(last, "ytd")
    end = Period.parse(f"{year}-{last:02d}").end
    label, kind_of_number = MEASURES[revision["measure"]]
    text = _REVISION_UNITS[revision["unit"]].format(revision[f"{side}_value"])
    status, classification = revision[f"{side}_status"], "npa_sns_2023" if revision["fraud_group"] == "sns_fraud" else ""
    read_text = Printed(text, parse_number(text, kind=kind_of_number), None)
    implied = _DIFFERENCE.search(revision[f"{side}_release"])
    notes = [f"revision {revision['id']}", revision["notes"]]
    if implied:
        read_text = _from_difference(revision, side, implied, read_text)
        notes.insert(0, f"implied by the published difference: {revision[f'{side}_release']}")
    return Row(
        period=japanese_period(kind, dt.date(year, 1, 1), end),
        table=TABLES[revision["fraud_group"]],
        type=TYPES[revision["fraud_type"]],
        breakdown="",
        breakdown_value="",
        measure=label,
        printed=read_text,
        classification=classification or ("npa_2010" if year < 2018 else "npa_2020"),
        edition=EDITION_OF_STATUS.get(status, "restated"),
        note="; ".join(note for note in notes if note),
        evidence=revision["evidence"],
        source=f"list of revisions, {revision['id']}: {revision[f'{side}_release']}",
    )


def _from_difference(revision: Fact, side: str, implied: re.Match[str], read_text: Printed) -> Printed:
    """The value that the printed figure less the printed difference leaves: as uncertain as both roundings together."""
    minuend, difference = implied[1].replace(",", ""), (implied[2] or implied[3]).replace(",", "")
    value = Decimal(minuend) - Decimal(difference)
    if value != Decimal(revision[f"{side}_value"]):
        raise ValueError(f"{revision['id']}: {minuend} and {difference} give {value}, not {revision[f'{side}_value']}")
    if revision["unit"] != "100M JPY":
        return read_text
    texts = (f"{minuend}億円", f"{difference.lstrip('+-')}億円")
    precision = sum((parse_number(text, kind="money").precision or Decimal(0) for text in texts), Decimal(0))
    stated = precision if precision > (read_text.number.precision or 0) else None
    return Printed(read_text.text, read_text.number, stated)


# ------------------------------------------------------------------------------------------------------------ the JCA's grid

_JCA_COLUMN = {
    ("total", "", "loss"): 0,
    ("counterfeit", "", "loss"): 1,
    ("number_theft", "", "loss"): 3,
    ("other", "", "loss"): 5,
    ("number_theft", "domestic", "loss"): 7,
    ("number_theft", "overseas", "loss"): 8,
    ("total", "", "fraud_rate"): 9,
}
_JCA_ORDER = ("calendar_year", "half", "quarter", "ytd")


def jca_grid(facts: list[Fact]) -> str:
    """The grid of one release as CSV text, years before parts of years."""
    rows: dict[tuple[int, str, str], list[str]] = {}
    for fact in facts:
        key = (_JCA_ORDER.index(fact["period_type"]), fact["period_start"], period_label(fact))
        cells = rows.setdefault(key, [""] * len(jca.COLUMNS))
        place = fact["breakdown_value"] if fact["breakdown_dim"] == "place_of_use" else ""
        column = _JCA_COLUMN[fact["fraud_type"], place, fact["measure"]]
        text = fact["value_raw"].removesuffix("億円")
        if cells[column] not in ("", text):
            raise ValueError(f"{key}: {cells[column]} and {text} in one release: keep them apart")
        cells[column] = text
    width = [""] * (jca.WIDTH - 1)
    table = [[jca.TITLE, *width], [jca.UNIT_LINE, *width], *jca.HEADER]
    return csv_text([*table, *([label, *cells] for (_, _, label), cells in sorted(rows.items()))])


def jca_provenance(file: str, facts: list[Fact]) -> list[list[str]]:
    native = {"total": TOTAL_LABEL, "counterfeit": "偽造", "number_theft": "番号盗用", "other": "その他"}
    place = {"domestic": " (国内)", "overseas": " (海外)"}
    return [
        [
            *(file, "card_fraud", period_label(fact)),
            native[fact["fraud_type"]] + place.get(fact["breakdown_value"], ""),
            *(fact["measure"], fact["value_raw"], fact["evidence"], fact["source"]),
            "; ".join(note for note in (fact["notes"], f"status in the facts: {fact['status']}") if note),
        ]
        for fact in facts
    ]


# ------------------------------------------------------------------------------------------------------------------ writing


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def files(facts: Path) -> dict[str, bytes]:
    """Every file of the inbox by its path below it."""
    written: dict[str, bytes] = {}
    japan = facts / "japan"
    npa = {release: [npa_row(fact) for fact in found] for release, found in _npa_groups(japan).items()}
    written |= _sheets("npa_releases", "警察庁", rows_from_revisions(japan, npa))
    written |= _rows_of("npa_overseas", "警察庁", japan / "npa_cross_border.csv", overseas_row)
    written |= _rows_of("internet_banking", "警察庁・金融庁", japan / "internet_banking_losses.csv", banking_row)
    grids = by_release(_facts(japan / "jca_credit_card_fraud.csv"), known_releases("jca_card"))
    provenance: list[Iterable[str]] = [PROVENANCE_COLUMNS]
    for release, found in grids.items():
        written[f"jca_card/{release.file}"] = jca_grid(found).encode("cp932")
        provenance.extend(jca_provenance(release.file, found))
    written["jca_card/provenance.csv"] = csv_text(provenance).encode()
    written["jca_card/deliveries.csv"] = _deliveries("日本クレジット協会", grids)
    return written


def _npa_groups(japan: Path) -> dict[Release, list[Fact]]:
    return by_release(for_npa_releases(japan), known_releases("npa_releases"))


def _rows_of(source: str, publisher: str, path: Path, make: Callable[[Fact], Row]) -> dict[str, bytes]:
    numeric = [fact for fact in _facts(path) if fact["measure"] != "claim"]
    groups = by_release(numeric, known_releases(source))
    return _sheets(source, publisher, {release: [make(fact) for fact in found] for release, found in groups.items()})


def _sheets(source: str, publisher: str, rows: dict[Release, list[Row]]) -> dict[str, bytes]:
    sheets = {
        f"{source}/{release.file}": csv_text([COLUMNS, *(row.cells() for row in once_each(found))]).encode()
        for release, found in rows.items()
    }
    return {**sheets, f"{source}/deliveries.csv": _deliveries(publisher, rows)}


def _deliveries(publisher: str, releases: Iterable[Release]) -> bytes:
    rows = [
        [
            *(release.file, release.published, release.edition, "true", f"{publisher}: {release.title}"),
            f"figures as quoted by the pages that are named with each; known to the facts as: {_names(release)}",
        ]
        for release in sorted(releases, key=lambda release: release.file)
    ]
    return csv_text([DELIVERY_COLUMNS, *rows]).encode()


def _names(release: Release) -> str:
    return " | ".join(f"{name} ({date or 'undated'})" for name, date in release.names)


# -------------------------------------------------------------------------------------------------------- reference series

_CURRENCIES = ("JPY", "CAD", "AUD")
_COUNTRIES = {"JPN": "JP", "CAN": "CA", "AUS": "AU", "USA": "US"}


def reference_files(facts: Path) -> dict[str, bytes]:
    """The reference CSVs that are copied from the facts, figure by figure, by name."""
    rates = [row for row in _facts(facts / "reference" / "fx_monthly.csv") if row["currency"] in _CURRENCIES]
    people = [row for row in _facts(facts / "reference" / "population_annual.csv") if row["country"] in _COUNTRIES]
    prefectures = _facts(facts / "reference" / "population_prefecture.csv")
    prices = _facts(facts / "reference" / "cpi_japan.csv")
    tables: dict[str, list[Iterable[str]]] = {
        "exchange_rates.csv": [
            ("month", "currency", "units_per_usd", "source"),
            *((row["month"], row["currency"], row["units_per_usd"], row["source"]) for row in rates),
        ],
        "population.csv": [
            ("country", "year", "population", "source"),
            *((_COUNTRIES[row["country"]], row["year"], row["population"], row["source"]) for row in people),
        ],
        "population_prefecture.csv": [
            ("area", "name_ja", "date", "population", "source", "note"),
            *(
                (f"JP-{row['pref_code']}", row["prefecture_ja"], row["period"], row["value"], row["source"], row["notes"])
                for row in prefectures
            ),
        ],
        "prices.csv": [
            ("country", "year", "measure", "unit", "value", "source", "note"),
            *(("JP", row["period"], row["measure"], row["unit"], _usable(row), row["source"], row["notes"]) for row in prices),
        ],
    }
    return {name: csv_text(rows).encode() for name, rows in tables.items()}


def _usable(row: Fact) -> str:
    return "" if "do not use" in row["notes"] else row["value"]


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print("usage: python -m tools.transcribe_japan_sheets FACTS_FOLDER INBOX_FOLDER [REFERENCE_FOLDER]", file=sys.stderr)
        return 2
    facts, inbox = Path(arguments[0]), Path(arguments[1])
    outputs = {inbox / name: content for name, content in files(facts).items()}
    if len(arguments) == 3:
        outputs |= {Path(arguments[2]) / name: content for name, content in reference_files(facts).items()}
    for path, content in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    print(f"{len(outputs)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
