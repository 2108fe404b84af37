"""Lay out tidy facts as the grids that Japan's National Police Agency publishes.

    python -m tools.transcribe_japan_grids FACTS_FOLDER INBOX_FOLDER

In: the tidy facts (npa_special_fraud_annual_by_type, npa_sns_fraud_annual, npa_victims_age_sex_2025, npa_monthly_ytd,
npa_releases_annual_and_2026 as CSV). Out: npa_annual/, npa_victims/ and npa_monthly/ in the inbox: the annual book's CSV and
workbook, its tables of victims, one monthly file a release, each with `deliveries.csv` (what was published when) and
`provenance.csv` (for each transcribed cell, where its figure was read). The same facts give the same bytes.

A cell for which there is no fact stays blank; nothing is computed, rounded or filled in but the publisher's own filler, the
zeros after the release month.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter

from pipeline.model import TOTAL, Period
from pipeline.reading.cell_addresses import address
from pipeline.reading.numerals import normalise_label

Fact = dict[str, str]
Row = list[str]

BOOK_RETRIEVED = "2026-09-20"
BOOK_WIDTH = 39
WORKBOOK_CREATED = dt.datetime(2026, 9, 20)  # noqa: DTZ001  a workbook's clock has no zone
PROVENANCE_COLUMNS = ["file", "table", "period", "native_type", "measure", "printed", "evidence", "source", "notes", "cell"]
DELIVERY_COLUMNS = ["file", "published", "edition", "extract", "origin", "note"]

MEASURES = {
    "recognized_cases": "cases",
    "completed_cases": "cases_completed",
    "loss": "loss",
    "cleared_cases": "cases_cleared",
    "arrested_persons": "persons_arrested",
    "victim_share_of_recognized_cases": "victims_share",
    "victims": "victims",
}
TEN_TYPES = {
    "oreore": "オレオレ詐欺",
    "deposit": "預貯金詐欺",
    "fictitious_billing": "架空料金請求詐欺",
    "refund": "還付金詐欺",
    "loan_guarantee": "融資保証金詐欺",
    "financial_product": "金融商品詐欺",
    "gambling": "ギャンブル詐欺",
    "dating_intro": "交際あっせん詐欺",
    "other": "その他の特殊詐欺",
    "cashcard_theft": "キャッシュカード詐欺盗",
}
SNS_TYPES = {"sns_investment": "ＳＮＳ型投資詐欺", "sns_romance": "ＳＮＳ型ロマンス詐欺"}
SNS_NAME = "ＳＮＳ型投資・ロマンス詐欺"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A transcribed cell: where it stands and the fact that it holds."""

    file: str
    address: str
    table: str
    period: str
    native_type: str
    measure: str
    fact: Fact


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A file of the inbox, with what is known about its publication."""

    file: str
    content: bytes
    published: str
    edition: str
    extract: bool
    note: str
    cells: tuple[Cell, ...]


def main(arguments: Sequence[str]) -> int:
    """Write the three inbox folders. Returns the exit code."""
    if len(arguments) != 2:
        print("usage: python -m tools.transcribe_japan_grids FACTS_FOLDER INBOX_FOLDER", file=sys.stderr)
        return 2
    facts, inbox = map(Path, arguments)
    for source, deliveries in transcribe(facts).items():
        write_inbox(inbox / source, deliveries)
        print(f"{source}: {len(deliveries)} files, {sum(len(delivery.cells) for delivery in deliveries)} cells")
    return 0


def transcribe(facts: Path) -> dict[str, list[Delivery]]:
    """The deliveries of each source. Raises FileNotFoundError without the facts, ValueError where two facts claim one cell."""
    return {
        "npa_annual": annual_deliveries(facts),
        "npa_monthly": monthly_deliveries(facts),
        "npa_victims": victims_deliveries(facts),
    }


def write_inbox(folder: Path, deliveries: list[Delivery]) -> None:
    """Write the files of one source with their two lists; files of an earlier run that are no more are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {delivery.file for delivery in deliveries}
    for path in folder.iterdir():
        if path.is_file() and path.name not in kept:
            path.unlink()
    for delivery in deliveries:
        (folder / delivery.file).write_bytes(delivery.content)
    lists = {
        "deliveries.csv": [DELIVERY_COLUMNS, *map(_delivery_row, deliveries)],
        "provenance.csv": [PROVENANCE_COLUMNS, *(_provenance_row(cell) for item in deliveries for cell in item.cells)],
    }
    for name, rows in lists.items():
        (folder / name).write_bytes(_csv_bytes(rows, "utf-8", "\n"))


def _delivery_row(delivery: Delivery) -> Row:
    sources = dict.fromkeys(cell.fact["source"] for cell in delivery.cells)
    extract = "true" if delivery.extract else "false"
    return [delivery.file, delivery.published, delivery.edition, extract, "; ".join(sources), delivery.note]


def _provenance_row(cell: Cell) -> Row:
    fact = cell.fact
    where = [cell.file, cell.table, cell.period, cell.native_type, cell.measure]
    return [*where, fact["value_raw"], fact["evidence"], fact["source"], fact["notes"], cell.address]


def _facts(folder: Path, name: str) -> list[Fact]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _csv_bytes(rows: Iterable[Row], encoding: str, line_end: str) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator=line_end).writerows(rows)
    return stream.getvalue().encode(encoding)


def _full_width(text: str) -> str:
    """ASCII digits and hyphens in full width, as the publisher mostly prints them."""
    return text.translate(str.maketrans("0123456789-", "０１２３４５６７８９－"))


def _label(label: str) -> str:
    """The label of a type as readers hand it on: the crosswalk's native code."""
    return normalise_label(label)


class _Sheet:
    """A grid that grows row by row and remembers which fact stands in which cell."""

    def __init__(self, file: str, width: int, sheet: str = "") -> None:
        self.file, self.width, self.sheet = file, width, sheet
        self.rows: list[Row] = []
        self.cells: list[Cell] = []

    def add(self, texts: dict[int, str] | None = None) -> int:
        """A row with these texts in these columns; its number."""
        row = [""] * self.width
        for column, text in (texts or {}).items():
            row[column] = text
        self.rows.append(row)
        return len(self.rows) - 1

    def put(self, row: int, column: int, text: str, fact: Fact, *, table: str, period: str, native_type: str) -> None:
        """A fact's text in a cell. Raises ValueError where the cell is taken."""
        if self.rows[row][column]:
            raise ValueError(f"{self.file}!{address(row, column)} is claimed twice: {self.rows[row][column]}, {text}")
        self.rows[row][column] = text
        where = f"{self.sheet}!{address(row, column)}" if self.sheet else address(row, column)
        self.cells.append(Cell(self.file, where, table, period, native_type, MEASURES[fact["measure"]], fact))

    def csv(self) -> bytes:
        return _csv_bytes(self.rows, "cp932", "\r\n")


# ------------------------------------------------------------------------------------------------------- the annual book


@dataclasses.dataclass(frozen=True)
class BookTable:
    """One table of the book, as the publisher lays it out."""

    number: str  # as printed after 図表：
    title: str
    table: str
    header: str
    first_column: int  # of the years
    blocks: tuple[tuple[str, str, str | None], ...]  # label of the total, measure of the facts, measure of the subset row
    notes: tuple[str, ...] = ()


_SPECIAL_HEADER, _SNS_HEADER = "　　　年次区分", "　　年次区分"
# The first columns of figures, the widths of digits and the kinds of brackets differ from table to table in the publication.
SPECIAL_TABLES = (
    BookTable(
        "２－３－６－１",
        "手口別特殊詐欺認知件数",
        "special_fraud",
        _SPECIAL_HEADER,
        5,
        (("特殊詐欺認知件数", "recognized_cases", "completed_cases"),),
        (
            "※ 預貯金詐欺は令和２年に設けた区分で, それより前はオレオレ詐欺に含む。",
            "※ キャッシュカード詐欺盗は平成30年から計上, それより前は「-」とした。",
        ),
    ),
    BookTable(
        "２－３－６－２",
        "手口別特殊詐欺被害額",
        "special_fraud",
        _SPECIAL_HEADER,
        5,
        (("特殊詐欺被害額", "loss", None),),
        ("※ 単位は円, だまし取られたカードで引き出された額を含む。",),
    ),
    BookTable(
        "２－３－６－４",
        "手口別特殊詐欺検挙状況",
        "special_fraud",
        _SPECIAL_HEADER,
        5,
        (("特殊詐欺検挙件数（件）", "cleared_cases", None), ("特殊詐欺検挙人員（人）", "arrested_persons", None)),
        ("※ 検挙には, 前年以前に発生した事件の検挙を含む。",),
    ),
)
SNS_TABLES = (
    BookTable(
        "２－３－7－１",
        f"手口別{SNS_NAME}認知件数",
        "sns_fraud",
        _SNS_HEADER,
        4,
        ((f"{SNS_NAME}認知件数", "recognized_cases", "completed_cases"),),
        ("※ 令和５年のＳＮＳ型ロマンス詐欺は, 外国人又は海外居住者を名のる者によるものに限る。",),
    ),
    BookTable(
        "２－３－7－２",
        f"手口別{SNS_NAME}被害額",
        "sns_fraud",
        _SNS_HEADER,
        5,
        ((f"{SNS_NAME}被害額(円）", "loss", None),),
    ),
    BookTable(
        "２－３－7－４",
        f"手口別{SNS_NAME}検挙状況",
        "sns_fraud",
        _SNS_HEADER,
        4,
        ((f"{SNS_NAME}検挙件数(件)", "cleared_cases", None), (f"{SNS_NAME}検挙人員（人）", "arrested_persons", None)),
        ("※ 検挙は令和６年から調査, 令和５年は「-」とした。",),
    ),
)


def annual_deliveries(folder: Path) -> list[Delivery]:
    """The book's CSV, whole, and its workbook edition, an extract."""
    special = _facts(folder, "npa_special_fraud_annual_by_type")
    sns = _facts(folder, "npa_sns_fraud_annual")
    book = _Sheet("r07.csv", BOOK_WIDTH)
    workbook = []
    for tables, facts, types in ((SPECIAL_TABLES, special, TEN_TYPES), (SNS_TABLES, sns, SNS_TYPES)):
        of_csv = [fact for fact in facts if "(r07.csv)" in fact["release_name"]]
        of_workbook = [fact for fact in facts if "(r07_2-3.xlsx)" in fact["release_name"]]
        if len(of_csv) + len(of_workbook) != len(facts):
            raise ValueError("facts of the annual book that name neither of its editions")
        for table in tables:
            _add_book_table(book, table, of_csv, types)
        losses = next(table for table in tables if table.blocks[0][1] == "loss")
        sheet = _Sheet("r07_2-3.xlsx", BOOK_WIDTH, normalise_label(losses.number))
        _add_book_table(sheet, losses, of_workbook, types, years_of=of_csv)
        workbook.append(sheet)
    return [
        Delivery(
            book.file,
            book.csv(),
            BOOK_RETRIEVED,
            "final",
            False,
            "published is the day on which the stored copy was retrieved; footnotes are in our words",
            tuple(book.cells),
        ),
        Delivery(
            workbook[0].file,
            _workbook_bytes(workbook),
            BOOK_RETRIEVED,
            "final",
            True,
            "workbook edition: only the cells that the CSV lost and that could be read; published as of the CSV's retrieval",
            tuple(cell for sheet in workbook for cell in sheet.cells),
        ),
    ]


def _add_book_table(
    sheet: _Sheet, table: BookTable, facts: list[Fact], types: dict[str, str], years_of: list[Fact] | None = None
) -> None:
    eras = dict(sorted({fact["period_start"][:4]: _era_initial(fact, table) for fact in years_of or facts}.items()))
    columns = {year: table.first_column + index for index, year in enumerate(eras)}
    if sheet.rows:
        sheet.add()
    sheet.add({0: f"図表：{table.number}　{table.title}"})
    sheet.add()
    sheet.add({0: table.header, **{columns[year]: era for year, era in eras.items()}})
    for total_label, measure, subset in table.blocks:
        for code, label in {"total": total_label, **types}.items():
            native_type = TOTAL if code == "total" else _label(label)
            for row_measure, row in ((measure, {0 if code == "total" else 1: label}), (subset, {3: "うち既遂"})):
                if row_measure is not None:
                    number = sheet.add(row)
                    for fact in facts:
                        if (fact["measure"], fact["fraud_type"]) == (row_measure, code):
                            year = fact["period_start"][:4]
                            where = {"table": table.table, "period": year, "native_type": native_type}
                            sheet.put(number, columns[year], fact["value_raw"], fact, **where)
    if table.notes and not sheet.sheet:
        sheet.add()
        for note in table.notes:
            sheet.add({0: "※", 1: note})


def _era_initial(fact: Fact, table: BookTable) -> str:
    """The year as the header prints it: the digit of Reiwa years is in full width above special fraud only."""
    era = fact["era_label"]
    return f"R{_full_width(era[1:])}" if table.table == "special_fraud" and era.startswith("R") else era


def _workbook_bytes(sheets: list[_Sheet]) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    book.set_properties({"created": WORKBOOK_CREATED})
    for sheet in sheets:
        page = book.add_worksheet(sheet.sheet)
        figures = {cell.address.partition("!")[2] for cell in sheet.cells}
        for row, texts in enumerate(sheet.rows):
            for column, text in enumerate(texts):
                if address(row, column) in figures:
                    page.write_number(row, column, int(text))
                elif text:
                    page.write_string(row, column, text)
    book.close()
    return stream.getvalue()


# --------------------------------------------------------------------------------------------------- the book's victims

_AGES = {
    "total": "計",
    "0-19": "19歳以下",
    "20-29": "20～29歳",
    "30-39": "30～39歳",
    "40-49": "40～49歳",
    "50-59": "50～59歳",
    "60-64": "60～64歳",
    "60-69": "60～69歳",
    "65-69": "65～69歳",
    "70-79": "70～79歳",
    "80-89": "80～89歳",
    "80+": "80歳以上",
    "90-99": "90～99歳",
    "100+": "100歳以上",
}
_SEXES = {"M": "男", "F": "女"}


def victims_deliveries(folder: Path) -> list[Delivery]:
    """The book's two tables of victims by sex and age, as one CSV."""
    facts = _facts(folder, "npa_victims_age_sex_2025")
    sheet = _Sheet("r07_victims.csv", BOOK_WIDTH)
    for group, number, title, types in (
        ("special_fraud", "２－３－６－３", "手口別特殊詐欺被害者の性別・年齢別構成比", {"total": "特殊詐欺", **TEN_TYPES}),
        ("sns_fraud", "２－３－7－３", f"手口別{SNS_NAME}被害者の性別・年齢別人数", SNS_TYPES),
    ):
        own = [fact for fact in facts if fact["fraud_group"] == group]
        _add_victims_table(sheet, f"{number}　{title}（令和７年）", f"{group}_victims", own, types)
        sheet.add()
        sheet.add({0: "※", 1: "※ 法人被害を除き, 各手口の被害者（個人）を計上。"})
    note = "published is the day on which the stored copy was retrieved; footnotes are in our words"
    return [Delivery(sheet.file, sheet.csv(), BOOK_RETRIEVED, "final", False, note, tuple(sheet.cells))]


def _add_victims_table(sheet: _Sheet, title: str, table: str, facts: list[Fact], types: dict[str, str]) -> None:
    present = {fact["breakdown_value"] for fact in facts}
    codes = [f"{sex};{age}" for sex in _SEXES for age in _AGES if f"{sex};{age}" in present]
    columns = {code: 3 + index for index, code in enumerate(codes)}
    if sheet.rows:
        sheet.add()
    sheet.add({0: f"図表：{title}"})
    sheet.add()
    sheet.add({0: "　　　区分", **{columns[f"{sex};total"]: label for sex, label in _SEXES.items()}})
    sheet.add({columns[code]: _AGES[code.partition(";")[2]] for code in codes})
    for code, label in types.items():
        row = sheet.add({0 if code == "total" else 1: label})
        for fact in facts:
            if fact["fraud_type"] == code:
                native_type = TOTAL if code == "total" else _label(label)
                column = columns[fact["breakdown_value"]]
                sheet.put(row, column, fact["value_raw"], fact, table=table, period="2025", native_type=native_type)


# ------------------------------------------------------------------------------------------------------ the monthly file

MONTHLY_WIDTH, TOTAL_COLUMN = 17, 4
_MONTHLY_MEASURES = {"recognized_cases", "loss", "cleared_cases", "arrested_persons"}
_ROW_LABELS = (
    ("recognized_cases", "認知件数", 0),
    ("completed_cases", "うち既遂", 1),
    ("loss", "実質的な被害総額", 0),
    ("cleared_cases", "検挙件数", 0),
    ("arrested_persons", "検挙人員", 0),
)
_UP_TO_2025 = {
    ("special_fraud", "total"): ("１", "特殊詐欺"),
    **{
        ("special_fraud", code): (f"２－{_full_width(str(number))}", label)
        for number, (code, label) in enumerate(TEN_TYPES.items(), 1)
    },
    ("sns_fraud", "total"): ("４", SNS_NAME),
    ("sns_fraud", "sns_investment"): ("４－１", SNS_TYPES["sns_investment"]),
    ("sns_fraud", "sns_romance"): ("４－２", SNS_TYPES["sns_romance"]),
    ("special_fraud", "fake_police"): ("５", "ニセ警察詐欺"),
    ("special_plus_sns", "total"): ("６", f"特殊詐欺及び{SNS_NAME}"),
}
_FROM_2026_ORDER = [
    "sns_investment",
    "sns_romance",
    "fake_police",
    "oreore",
    "deposit",
    "fictitious_billing",
    "loan_guarantee",
    "refund",
    "financial_product",
    "gambling",
    "dating_intro",
    "cashcard_theft",
    "other",
]
_FROM_2026 = {
    ("special_fraud_2026def", "total"): ("１", "特殊詐欺"),
    **{
        ("special_fraud_2026def", code): (
            f"２－{_full_width(str(number))}{'(1)' if code == 'oreore' else ''}",
            {**TEN_TYPES, **SNS_TYPES, "fake_police": "ニセ警察詐欺"}[code],
        )
        for number, code in enumerate(_FROM_2026_ORDER, 1)
    },
}
_TABLES = {"special_fraud_2026def": "special_fraud", "special_plus_sns": "special_and_sns"}


def monthly_deliveries(folder: Path) -> list[Delivery]:
    """One monthly file for each day, or month, of release."""
    facts = [fact for fact in _facts(folder, "npa_monthly_ytd") if _fits_the_grid(fact)]
    facts += [fact for fact in _facts(folder, "npa_releases_annual_and_2026") if _is_of_2026_file(fact)]
    releases: dict[str, list[Fact]] = {}
    for fact in facts:
        releases.setdefault(fact["release_date"], []).append(fact)
    return [_monthly_file(published, own) for published, own in sorted(releases.items())]


def _fits_the_grid(fact: Fact) -> bool:
    """Whether the monthly grid has a cell for the fact.

    The points that a table of May 2017 gives for January to February, March and April have none: each is the total of an
    earlier release, and the file of May prints one total.
    """
    breakdown = (fact["breakdown_dim"], fact["breakdown_value"])
    plain = fact["breakdown_dim"] in ("", "fraud_type") or breakdown == ("modus_tag", "fake_police")
    earlier_total = fact["release_date"] == "2017-06" and fact["period_type"] == "ytd" and fact["period_end"] != "2017-05-31"
    return fact["measure"] in _MONTHLY_MEASURES and plain and not earlier_total


def _is_of_2026_file(fact: Fact) -> bool:
    return fact["fraud_group"] == "special_fraud_2026def" and fact["release_name"].startswith("特殊詐欺の認知・検挙状況等")


def _monthly_file(published: str, facts: list[Fact]) -> Delivery:
    current = [fact for fact in facts if not _is_year_before(fact, facts)]
    year = current[0]["period_start"][:4]
    last_month = max(int(fact["period_end"][5:7]) for fact in current)
    half = any(fact["period_type"] == "half" for fact in facts)
    sheet = _Sheet(f"{published}_hurikomesagi_toukei.csv", MONTHLY_WIDTH)
    sheet.add({0: _title(int(year), last_month, half, {fact["fraud_group"] for fact in facts})})
    sheet.add()
    if any("rounded UP" in fact["notes"] for fact in facts):
        sheet.add({0: "※　被害額は億円単位で小数第２位を切り上げ, 月の計は合計と一致しない。"})
        sheet.add()
    for (group, code), (number, label) in (_FROM_2026 if int(year) >= 2026 else _UP_TO_2025).items():
        own = [fact for fact in facts if (fact["fraud_group"], fact["fraud_type"]) == (group, code)]
        if own:
            sheet.add({0: f"{number}　{label}"})
            for block_year in sorted({fact["period_start"][:4] for fact in own}, reverse=True):
                block = [fact for fact in own if fact["period_start"].startswith(block_year)]
                _add_block(sheet, block, int(block_year), last_month, half)
                sheet.add()
    if len(sheet.cells) != len(facts):
        raise ValueError(f"{sheet.file}: {len(facts)} facts, {len(sheet.cells)} cells")
    names = "; ".join(dict.fromkeys(fact["release_name"] for fact in facts))
    edition = "provisional" if all(fact["status"] == "provisional" for fact in current) else "unknown"
    return Delivery(sheet.file, sheet.csv(), published, edition, True, f"transcribed from: {names}", tuple(sheet.cells))


def _is_year_before(fact: Fact, facts: list[Fact]) -> bool:
    return fact["period_start"][:4] < max(other["period_start"][:4] for other in facts)


def _era(year: int) -> str:
    number = year - 2018 if year >= 2019 else year - 1988
    return f"{'令和' if year >= 2019 else '平成'}{'元' if number == 1 else _full_width(str(number))}年"


def _title(year: int, last_month: int, half: bool, groups: set[str]) -> str:
    special = bool(groups & {"special_fraud", "special_fraud_2026def"})
    names = [name for name, named in (("特殊詐欺", special), (SNS_NAME, "sns_fraud" in groups)) if named]
    about = "及び".join(names)
    if half:
        return f"{_era(year)}上半期における{about}の認知・検挙状況等（暫定値）"
    return f"{about}の認知・検挙状況等（{_era(year)}１月～{_full_width(str(last_month))}月）（暫定値）"


def _add_block(sheet: _Sheet, facts: list[Fact], year: int, last_month: int, half: bool) -> None:
    months = {TOTAL_COLUMN + month: f"{_full_width(str(month))}月" for month in range(1, 13)}
    sheet.add({1: _era(year)})
    sheet.add({TOTAL_COLUMN: f"合計（１月～{_full_width(str(last_month))}月）", **months})
    for measure, label, indent in _ROW_LABELS:
        own = [fact for fact in facts if fact["measure"] == measure]
        if measure == "loss":
            # Refund fraud has no cards to draw cash with: the publisher prints the other loss for it.
            label = "被害総額（既遂のみ）" if facts[0]["fraud_type"] == "refund" else label
            label = f"{label}　（単位：{_unit(own)}）"
        filler = {TOTAL_COLUMN + month: "0" for month in range(last_month + 1, 13)}
        row = sheet.add({indent: label, **filler})
        for fact in own:
            first, last = int(fact["period_start"][5:7]), int(fact["period_end"][5:7])
            is_month = fact["period_type"] == "month"
            if not is_month and (first, last) != (1, last_month):
                raise ValueError(f"{sheet.file}: no column for {fact['period_start']} to {fact['period_end']}")
            sheet.put(
                row,
                TOTAL_COLUMN + last if is_month else TOTAL_COLUMN,
                _number(fact),
                fact,
                table=_TABLES.get(fact["fraud_group"], fact["fraud_group"]),
                period=_period(year, last, is_month, half),
                native_type=TOTAL if fact["fraud_type"] == "total" else _label(fact["fraud_type_ja"]),
            )


def _period(year: int, month: int, is_month: bool, half: bool) -> str:
    if is_month or month == 1:
        return Period.parse(f"{year}-{month:02d}").code
    return f"{year}-S1" if half else f"{year}-01/{year}-{month:02d}"


_MONEY = re.compile(r"(?P<number>[\d.]+)(?P<unit>億円|円)")


def _unit(losses: list[Fact]) -> str:
    """The unit of a row of losses. Raises ValueError where its facts are printed in different ones."""
    units = {_money(fact)[1] for fact in losses} or {"円"}
    if len(units) > 1:
        raise ValueError(f"losses of one row in {sorted(units)}: {losses[0]['release_name']}")
    return units.pop()


def _money(fact: Fact) -> tuple[str, str]:
    match = _MONEY.fullmatch(fact["value_raw"])
    if match is None:
        raise ValueError(f"{fact['value_raw']!r} is no amount in 億円 or 円: {fact['release_name']}")
    return match["number"], match["unit"]


def _number(fact: Fact) -> str:
    """The text of the cell: as printed, without the unit that the row label carries."""
    if fact["measure"] != "loss":
        return fact["value_raw"]
    about = "約" if re.search(r"\babout\b|approximate", fact["notes"]) else ""
    return f"{about}{_money(fact)[0]}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
