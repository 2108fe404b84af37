"""The rolling monthly file (`hurikomesagi_toukei.csv` or `.xlsx`) to figures.

In: a grid that begins with a title (`特殊詐欺の認知・検挙状況等（令和７年１月～７月）（暫定値）`) and then holds sections,
one a type (`２－１　オレオレ詐欺`). A section holds a block for the current year and one for the year before: a lone era-year
cell, a header row (`合計（１月～７月）`, `１月` … `１２月`), rows of figures, a blank row.

Out: `Figure`s of the months and of the total, which is the year to date, the half-year where the title says 上半期, or the year.

What is not read: the breakdown of a type by form (sections numbered `(2)`), the sections on other laws (3 and below), the
history by years, and, beside a row 実質的な被害総額, the row 被害総額（既遂のみ）, which is another concept.

After the release month the publisher fills the current year with zeros. They are no figures; anything else there is refused.
The year before is a complete year: its later months are filler only where the whole block is zero there.

The scheme of types is that of the year of release, for both years: the publisher recuts the year before. Until 2025
ニセ警察詐欺 is a tag across the types and comes out as an overlay; SNS fraud stands beside special fraud. From 2026 both are
types of special fraud.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from pipeline.model import TOTAL, Period, Snapshot
from pipeline.reading.corrections import Corrections, Reading, is_no_value, open_source_file, read_cell
from pipeline.reading.eras import UnreadablePeriod, parse_period, parse_year
from pipeline.reading.figures import Figure
from pipeline.reading.grids import Grid, file_refusal, split_unit
from pipeline.reading.numerals import Kind, UnreadableNumber, normalise_label, parse_number
from pipeline.sources.catalogue import Source

TITLE_WORDS = "認知・検挙状況"
FAKE_POLICE = "ニセ警察詐欺"
_TITLE_PERIOD = re.compile(r"(?:令和|平成)(?:元|\d{1,2})年(?:[上下]半期|\d{1,2}月(?:[~〜]\d{1,2}月)?)?")
_EDITION_WORDS = {"暫定": "provisional", "確定": "final", "訂正": "corrected"}
_SECTION = re.compile(r"(?P<number>\d+)(?:-\d+)?(?:\((?P<form>\d)\))?\s+(?P<label>\S.*)")
_OTHER_LAWS = "3"
_TOTAL_HEADER = re.compile(r"合計\(1月(?:[~〜](?P<last>\d{1,2})月)?\)")
_ONE_SIDED_ROUNDING = re.compile("切り?上げ|切り?捨て")
_COMPLETED_ONLY = "被害総額(既遂のみ)"
_COMPLETED_ONLY_NOTE = "loss of completed cases only (被害総額（既遂のみ）); the table prints no 実質的な被害総額 for this type"
_ONE_SIDED_NOTE = "the publisher rounds to one side, so the precision is the whole last printed unit"


@dataclasses.dataclass(frozen=True)
class Row:
    """What a row label stands for."""

    measure: str
    unit: str
    kind: Kind
    word: str  # what a unit in the label must end with


ROWS = {
    "認知件数": Row("cases", "cases", "count", "件"),
    "うち既遂": Row("cases_completed", "cases", "count", "件"),
    "実質的な被害総額": Row("loss", "JPY", "money", "円"),
    _COMPLETED_ONLY: Row("loss", "JPY", "money", "円"),
    "検挙件数": Row("cases_cleared", "cases", "count", "件"),
    "検挙人員": Row("persons_arrested", "persons", "count", "人"),
}


@dataclasses.dataclass(frozen=True)
class Release:
    """What the title of the file says."""

    year: int
    last_month: int
    total: Period  # what the total column is about
    edition: str  # a key of model.EDITIONS, or empty


@dataclasses.dataclass(frozen=True)
class Series:
    """What a section is about."""

    table: str
    native_type: str
    classification: str
    overlay: bool = False


@dataclasses.dataclass(frozen=True)
class Block:
    """A year of a section: its columns, known from its header row."""

    series: Series
    year: int
    header_row: int
    last_month: int
    total_column: int
    columns: dict[int, int]  # month -> column
    rows: tuple[int, ...]


def read(path: Path, snapshot: Snapshot, source: Source) -> list[Figure]:
    """The figures of the file, in its order. Raises RefusedInput, naming file and cell."""
    grids, corrections = open_source_file(path, source.folder)
    reader = _FileReader(grids[0], snapshot, source, corrections)
    figures = reader.figures()
    corrections.refuse_unused()
    return figures


class _FileReader:
    """One file: its title, its sections, its blocks."""

    def __init__(self, grid: Grid, snapshot: Snapshot, source: Source, corrections: Corrections) -> None:
        self.grid, self.extract, self.corrections = grid, snapshot.extract, corrections
        self.parts: dict[str, dict[str, list[str]]] = {
            name: table.get("parts", {}) for name, table in source.meta["tables"].items()
        }
        self.title_row, self.release = self._release()
        self.series = self._known_series()
        self.rounds_to_one_side = any(
            _ONE_SIDED_ROUNDING.search(text) for row in grid.rows for text in row if text.strip().startswith("※")
        )

    def figures(self) -> list[Figure]:
        """The figures of every block, with what must be there checked."""
        figures: list[Figure] = []
        blocks = list(self._blocks())
        self._refuse_doubles(blocks)
        if not self.extract:
            self._refuse_missing_sections(blocks)
        for block in blocks:
            figures += self._figures_of_block(block)
        if not figures:
            raise file_refusal(
                self.grid.file,
                found="no figure in any section",
                expected="sections such as １　特殊詐欺, each with a block a year",
                action="check that this is the monthly file",
            )
        return figures

    # --- the title

    def _release(self) -> tuple[int, Release]:
        for row in range(min(3, len(self.grid.rows))):
            for column in self.grid.filled(row):
                title = normalise_label(self.grid.text(row, column))
                if TITLE_WORDS in title:
                    return row, self._release_of(row, column, title)
        raise file_refusal(
            self.grid.file,
            found=f"no title with the words {TITLE_WORDS} in the first three rows",
            expected="a title such as 特殊詐欺の認知・検挙状況等（令和７年１月～７月）（暫定値）",
            action="check that this is the monthly file",
        )

    def _release_of(self, row: int, column: int, title: str) -> Release:
        match = _TITLE_PERIOD.search(title)
        try:
            period = parse_period(match[0] if match else title)
        except UnreadablePeriod as error:
            raise self.grid.refusal(row, column, expected=error.expected, action=error.action) from error
        if period.start.month != 1 or period.start.year != period.end.year:
            raise self.grid.refusal(
                row, column, expected="months from January, or the first half-year", action="look at the publication"
            )
        if period.end.month == 12:
            period = Period.parse(f"{period.start.year:04d}")
        edition = next((code for word, code in _EDITION_WORDS.items() if word in title), "")
        return Release(period.start.year, period.end.month, period, edition)

    # --- the sections

    def _known_series(self) -> dict[str, Series]:
        """What each section label of this year's scheme stands for."""
        year = self.release.year
        scheme = "npa_2026" if year >= 2026 else "npa_2020" if year >= 2020 else "npa_2010"
        known = {"特殊詐欺": Series("special_fraud", TOTAL, scheme)}
        known |= {label: Series("special_fraud", label, scheme) for label in self.parts["special_fraud"][scheme]}
        if year < 2026:
            known[FAKE_POLICE] = Series("special_fraud", FAKE_POLICE, scheme, overlay=True)
            sns = "npa_sns_2023"
            known["SNS型投資・ロマンス詐欺"] = Series("sns_fraud", TOTAL, sns)
            known |= {label: Series("sns_fraud", label, sns) for label in self.parts["sns_fraud"][sns]}
            known["特殊詐欺及びSNS型投資・ロマンス詐欺"] = Series("special_and_sns", TOTAL, f"{scheme}_sns_2023")
        return known

    def _blocks(self) -> Iterator[Block]:
        series: Series | None = None
        passing_over = False
        row = self.title_row + 1
        while row < len(self.grid.rows):
            filled = self.grid.filled(row)
            text = unicodedata.normalize("NFKC", self.grid.text(row, filled[0])).strip() if filled else ""
            if not filled or text.startswith("※"):
                row += 1
            elif len(filled) == 1 and (match := _SECTION.fullmatch(text)):
                series, passing_over = self._section(row, filled[0], match)
                row += 1
            elif passing_over or self._is_history(row, filled):
                row = self._next_blank(row)
            else:
                block = self._block(row, filled, series)
                yield block
                row = block.header_row + len(block.rows) + 1

    def _section(self, row: int, column: int, match: re.Match[str]) -> tuple[Series | None, bool]:
        """The series of a section, or that it is one to be passed over."""
        label = normalise_label(match["label"])
        if match["form"] and match["form"] != "1":
            return None, True
        if label in self.series:
            return self.series[label], False
        if match["number"] == _OTHER_LAWS:
            return None, True
        raise self.grid.refusal(
            row,
            column,
            expected=f"a section on one of {', '.join(self.series)}",
            action="a new or renamed type needs a classification of its own: look at the publication, then source.yml",
        )

    def _is_history(self, row: int, filled: list[int]) -> bool:
        """Whether the row heads the history by years: several era years side by side and nothing else."""
        if len(filled) < 2:
            return False
        try:
            return all(parse_year(self.grid.text(row, column)) for column in filled)
        except UnreadablePeriod:
            return False

    def _next_blank(self, row: int) -> int:
        while row < len(self.grid.rows) and self.grid.filled(row):
            row += 1
        return row

    # --- the blocks

    def _block(self, row: int, filled: list[int], series: Series | None) -> Block:
        if series is None:
            raise self.grid.refusal(
                row, filled[0], expected="a section title such as １　特殊詐欺", action="the section lost its title: look at it"
            )
        year = self._year(row, filled)
        header_row = row + 1
        last_month, total_column, columns = self._header(header_row, year)
        rows = range(header_row + 1, self._next_blank(header_row + 1))
        return Block(series, year, header_row, last_month, total_column, columns, tuple(rows))

    def _year(self, row: int, filled: list[int]) -> int:
        expected, action = "a lone era year such as 令和７年", "the layout changed: look at the file and change the reader"
        if len(filled) != 1:
            raise self.grid.refusal(row, filled[0], expected=expected, action=action)
        try:
            year = parse_year(self.grid.text(row, filled[0]))
        except UnreadablePeriod as error:
            raise self.grid.refusal(row, filled[0], expected=expected, action=error.action) from error
        if year not in (self.release.year, self.release.year - 1):
            raise self.grid.refusal(
                row,
                filled[0],
                expected=f"{self.release.year} or the year before, as the title says",
                action="title and block disagree: look at the publication",
            )
        return year

    def _header(self, row: int, year: int) -> tuple[int, int, dict[int, int]]:
        """Last month of the total, column of the total, columns of the months."""
        filled = self.grid.filled(row) if row < len(self.grid.rows) else []
        texts = [normalise_label(self.grid.text(row, column)) for column in filled]
        match = _TOTAL_HEADER.fullmatch(texts[0]) if texts else None
        months = [f"{month}月" for month in range(1, 13)]
        if match is None or texts[1:] != months or filled != list(range(filled[0], filled[0] + 13)):
            wrong = next((i for i, text in enumerate(texts[1:], 1) if i > 12 or text != months[i - 1]), 0) if match else 0
            raise self.grid.refusal(
                row,
                filled[wrong] if filled else 0,
                found=" ".join(texts) or "a blank row",
                expected="合計（１月～…月） and １月 to １２月, side by side",
                action="the header was renamed or moved: look at the file",
            )
        last_month = int(match["last"] or 1)
        if last_month != self.release.last_month and not (year < self.release.year and last_month == 12):
            raise self.grid.refusal(
                row,
                filled[0],
                expected=f"a total of the months to {self.release.last_month}, as the title says",
                action="title and header disagree: look at the publication",
            )
        return last_month, filled[0], dict(zip(range(1, 13), filled[1:], strict=True))

    def _refuse_doubles(self, blocks: list[Block]) -> None:
        seen: dict[tuple[Series, int], Block] = {}
        for block in blocks:
            if first := seen.get((block.series, block.year)):
                raise self.grid.refusal(
                    block.header_row,
                    block.total_column,
                    found=f"{block.series.native_type} of {block.year} again",
                    expected=f"one block for it; the other one's header stands in row {first.header_row + 1}",
                    action="find out which one holds; until then the file is not used",
                )
            seen[(block.series, block.year)] = block

    def _refuse_missing_sections(self, blocks: list[Block]) -> None:
        present = {block.series.native_type for block in blocks if block.series.table == "special_fraud"}
        scheme = self.series["特殊詐欺"].classification
        for label in [TOTAL, *self.parts["special_fraud"][scheme]]:
            if label not in present:
                raise file_refusal(
                    self.grid.file,
                    found=f"no section on {'特殊詐欺' if label == TOTAL else label}",
                    expected=f"a section for the total and each type of {scheme}",
                    action="the file was cut off, or the classification changed: look at the publication",
                )

    # --- the rows

    def _figures_of_block(self, block: Block) -> Iterator[Figure]:
        rows = self._rows(block)
        later_are_filler = self._later_months_are_filler(block, list(rows.values()))
        for label, row in rows.items():
            if label == _COMPLETED_ONLY and "実質的な被害総額" in rows:
                continue
            yield from self._figures_of_row(block, label, row, later_are_filler)

    def _rows(self, block: Block) -> dict[str, int]:
        """The rows of the block by label, complete and without doubles."""
        rows: dict[str, int] = {}
        for row in block.rows:
            column = self.grid.filled(row)[0]
            label, _ = split_unit(normalise_label(self.grid.text(row, column)))
            if label not in ROWS or column >= block.total_column or label in rows:
                raise self.grid.refusal(
                    row,
                    column,
                    expected=f"one row for each of {', '.join(ROWS)}",
                    action="a row was renamed, doubled or shifted: look at the file",
                )
            rows[label] = row
        required = {"認知件数", "うち既遂", "検挙件数", "検挙人員"} - set(rows)
        if required or not {"実質的な被害総額", _COMPLETED_ONLY} & set(rows):
            raise self.grid.refusal(
                block.header_row,
                block.total_column,
                found=f"a block of {block.series.native_type} with the rows {', '.join(rows) or 'none'}",
                expected=f"{', '.join(ROWS)} (one of the two losses is enough)",
                action="the file was cut off, or the layout changed: look at the file",
            )
        return rows

    def _later_months_are_filler(self, block: Block, rows: list[int]) -> bool:
        if block.year == self.release.year:
            return True
        later = [self.grid.text(row, block.columns[month]) for row in rows for month in range(block.last_month + 1, 13)]
        return all(_is_filler(text) for text in later)

    def _figures_of_row(self, block: Block, label: str, row: int, later_are_filler: bool) -> Iterator[Figure]:
        unit = self._unit(row, ROWS[label])
        for column in self.grid.filled(row)[1:]:
            if column < block.total_column or column > block.columns[12]:
                raise self.grid.refusal(row, column, expected="nothing outside the header", action="the row was shifted")
        total = self._total_period(block)
        cells = [(total, block.total_column)]
        for month, column in block.columns.items():
            if month > block.last_month and later_are_filler:
                self._refuse_unless_filler(row, column)
            else:
                cells.append((Period.parse(f"{block.year:04d}-{month:02d}"), column))
        seen: set[str] = set()
        for period, column in cells:
            kind = ROWS[label].kind
            reading = read_cell(self.grid, row, column, self.corrections, kind=kind, unit=unit, blank_is_absent=self.extract)
            # A release of January alone prints the month twice: as the total and as the month.
            if reading is not None and period.code not in seen:
                seen.add(period.code)
                yield self._figure(block, label, row, column, period, reading)

    def _unit(self, row: int, meaning: Row) -> str:
        column = self.grid.filled(row)[0]
        _, unit = split_unit(normalise_label(self.grid.text(row, column)))
        if unit is None and meaning.kind == "money":
            raise self.grid.refusal(row, column, expected="the unit, such as （単位：円）", action="look at the publication")
        if unit is not None and not unit.endswith(meaning.word):
            raise self.grid.refusal(row, column, expected=f"a unit in {meaning.word}", action="look at the publication")
        return unit or meaning.word

    def _total_period(self, block: Block) -> Period:
        if block.last_month == 12:
            return Period.parse(f"{block.year:04d}")
        return self.release.total if block.year == self.release.year else self.release.total.year_before

    def _refuse_unless_filler(self, row: int, column: int) -> None:
        if not _is_filler(self.grid.text(row, column)):
            raise self.grid.refusal(
                row,
                column,
                expected=f"0, the filler after the release month {self.release.last_month}",
                action="the title names another release month than the figures: find out which one holds",
            )

    def _figure(self, block: Block, label: str, row: int, column: int, period: Period, reading: Reading) -> Figure:
        meaning, series = ROWS[label], block.series
        precision, notes = reading.precision, [reading.note] if reading.note else []
        if meaning.kind == "money" and self.rounds_to_one_side and precision is not None:
            precision *= Decimal(2)
            notes.append(_ONE_SIDED_NOTE)
        if label == _COMPLETED_ONLY:
            notes.append(_COMPLETED_ONLY_NOTE)
        return reading.figure(
            self.grid.origin(row, column),
            table=series.table,
            period=period.code,
            measure=meaning.measure,
            unit=meaning.unit,
            precision=precision,
            edition=self.release.edition if block.year == self.release.year else "restated",
            classification=series.classification,
            native_type=series.native_type,
            overlay=series.overlay,
            note="; ".join(notes),
        )


def _is_filler(text: str) -> bool:
    if not text.strip() or is_no_value(text):
        return True
    try:
        return parse_number(text, kind="count").value == 0
    except UnreadableNumber:
        return False
