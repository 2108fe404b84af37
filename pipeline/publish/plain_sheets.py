"""gptables' workbook, with the parts replaced that take a text for more than a text, or a millisecond for every few cells.

In: gptables' own objects: a `Theme`, a `Cover`, `GPTable`s. Out: the bytes of an .xlsx that gptables lays out. What is replaced:

    PlainTable      heads may hold any text; a table is handed on, not copied
    PlainSheet      no text becomes a link, a formula or a number of a note; a table is written column by column
    PlainWorkbook   makes such sheets, for a page of paper; notes keep the numbers that they have

gptables 2.0.2 takes `[a](b)` for a link and `$$a$$` for a note wherever they stand, breaks off at cells without a Latin letter or
a digit, and holds a dictionary of formats for every cell. tests/test_plain_sheets.py holds that what is replaced is there.
"""

from __future__ import annotations

import copy
import functools
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
from gptables import GPTable, GPWorkbook, Theme, gptheme
from gptables.core.wrappers import GPWorksheet

ONE_TABLE = "This worksheet contains one table."
_TOP = {"valign": "top"}
# A text that follows a number must not touch it.
_APART = {"align": "left", "indent": 1}
_NUMBER_FORMATS = {True: "#,##0", False: "#,##0.0##"}
_A4 = 9
# In characters. A longer text is wrapped; a number as long as the largest sums in yen fits.
_NARROWEST, _NUMBER, _WIDEST = 12, 19, 60


@functools.cache
def theme() -> Theme:
    """gptables' own theme, with cells at the top, where a reader looks for them beside wrapped text, and warnings first."""
    found = copy.deepcopy(gptheme)
    found.apply_config(
        {
            **{name: _TOP for name in ("cover_text", "index_1", "index_2", "index_3", "data")},
            "description_order": ["instructions", "scope", "legend", "source"],
        }
    )
    return found


class PlainTable(GPTable):
    """A `GPTable` of texts as they are and numbers; a row at least, every cell filled, heads that differ in more than case."""

    def set_table(
        self,
        new_table: pd.DataFrame,
        new_index_columns: dict[int, int] | None = None,
        new_units: dict[Any, Any] | None = None,
        new_table_notes: dict[Any, Any] | None = None,
    ) -> None:
        """Without looking for `$$`, which gptables refuses in a head. Raises ValueError for an empty head, and for one twice."""
        self.table = new_table
        self._validate_all_column_names_have_text()
        self._validate_no_duplicate_column_names()
        self.set_index_columns(new_index_columns or {})

    def __deepcopy__(self, memo: dict[int, Any]) -> PlainTable:
        """`write_gptable` copies a table before it changes its texts; a plain one is not changed."""
        return copy.copy(self)


class PlainSheet(GPWorksheet):
    """A `GPWorksheet` that writes texts as texts, and tables by columns."""

    def _reference_annotations(self, gptable: GPTable, reference_order: list[str]) -> None:
        """Nothing: notes are referred to by their numbers."""

    def _parse_urls(self, sheet: object) -> None:
        """Nothing: what leads somewhere is given as `{text: address}`, as gptables' contents do."""

    def _smart_write(self, row: int, col: int, data: Any, format_dict: Mapping[str, Any], *args: Any) -> None:
        """A text as it is, whatever it looks like; links as gptables writes them."""
        if isinstance(data, str):
            self.write_string(row, col, data, self._workbook.add_format(format_dict))
        else:
            super()._smart_write(row, col, data, format_dict, *args)

    def _write_table_elements(self, pos: list[int], gptable: GPTable, auto_width: bool) -> list[int]:
        """The table in the formats of the theme: texts at the left and wrapped, numbers at the right, and marks among them too.

        Raises ValueError for an empty cell, a table without rows, heads that Excel takes for the same. Cells of signs alone are
        texts like others.
        """
        first_row, _, last_row, _ = gptable.data_range
        if last_row == first_row:
            raise ValueError(f"{gptable.table_name} has no row below its heads. Say in one why there is nothing.")
        add_format, heading = self._workbook.add_format, self.theme.column_heading_format
        styles = {place: getattr(self.theme, f"index_{level}_format") for level, place in gptable.index_columns.items()}
        columns = []
        for place, (head, cells) in enumerate(zip(gptable.table.columns, gptable.table.to_numpy().T.tolist(), strict=True)):
            if "" in cells:
                row = first_row + 2 + cells.index("")
                raise ValueError(f"{gptable.table_name}, row {row}, {head!r}: the cell is empty. Say in it why there is nothing.")
            style, is_number = styles.get(place, self.theme.data_format), any(isinstance(cell, Decimal) for cell in cells)
            side = {"align": "right"} if is_number else _APART if place else {}
            columns.append({"header": head, "header_format": add_format({**heading, **side})})
            if is_number:
                self._write_numbers(first_row + 1, place, cells, style)
            else:
                self._write_texts(first_row + 1, place, cells, {**style, **side})
            if auto_width:
                self.set_column(place, place, _NUMBER if is_number else _width({*map(_shown, cells), *str(head).split()}))
        # As gptables marks a table up, with its title for those who do not see it.
        named = {"name": gptable.table_name, "title": gptable.title}
        if self.add_table(*gptable.data_range, {**named, "columns": columns, "style": None, "autofilter": False}):
            raise ValueError(
                f"{gptable.table_name} cannot be marked up: look at its name, and for heads that differ in case alone."
            )
        return [last_row + 1, 0]

    def _write_numbers(self, first: int, place: int, cells: Sequence[Any], style: Mapping[str, Any]) -> None:
        add_format = self._workbook.add_format
        forms = {whole: add_format({**style, "num_format": form}) for whole, form in _NUMBER_FORMATS.items()}
        mark = add_format({**style, "align": "right"})
        for row, cell in enumerate(cells, first):
            if isinstance(cell, Decimal):
                self.write_number(row, place, float(cell), forms[cell == cell.to_integral_value()])
            else:
                self.write_string(row, place, cell, mark)

    def _write_texts(self, first: int, place: int, cells: Sequence[Any], style: Mapping[str, Any]) -> None:
        form = self._workbook.add_format(style)
        for row, cell in enumerate(cells, first):
            if isinstance(cell, str):
                self.write_string(row, place, cell, form)
            else:
                self._smart_write(row, place, cell, style)


class PlainWorkbook(GPWorkbook):
    """A `GPWorkbook` of `PlainSheet`s, held in memory, for landscape A4."""

    def __init__(self) -> None:
        self._stream = io.BytesIO()
        font = {name: gptheme.data_format[name] for name in ("font_name", "font_size")}
        super().__init__(self._stream, {"in_memory": True, "default_format_properties": font})
        self.set_theme(theme())

    def add_worksheet(self, name: str | None = None, gridlines: str = "hide_all") -> PlainSheet:
        """As gptables' own, whose class of sheets is fixed, and in pages as wide as the sheet: no row is torn apart."""
        sheet = super(GPWorkbook, self).add_worksheet(name, PlainSheet)
        sheet.theme, sheet._workbook = self.theme, self
        sheet.hide_gridlines({"show_all": 0, "hide_printed": 1, "hide_all": 2}[gridlines])
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        return sheet

    def make_notesheet(
        self, notes_table: pd.DataFrame, table_name: str | None = None, title: str | None = None, instructions: str | None = None
    ) -> PlainTable:
        """The notes with their own numbers, and the marks: gptables numbers by `$$a$$` in texts and drops what stands there."""
        return PlainTable(
            notes_table,
            table_name or "notes_table",
            title or "Notes",
            instructions=instructions or ONE_TABLE,
            index_columns={1: 0},
        )

    @staticmethod
    def _strip_annotation_references(text: Any) -> Any:
        """A title in the contents as it is."""
        return text

    def content(self) -> bytes:
        """The bytes of the file; nothing can be written any more."""
        self.close()
        return self._stream.getvalue()


def _shown(cell: Any) -> str:
    """The text of a cell: a text, `{text: address}`, or a list of one."""
    return cell if isinstance(cell, str) else str(next(iter(cell)))


def _width(texts: Iterable[str]) -> int:
    longest = max(map(_display_width, texts), default=0)
    return min(max(longest + 3, _NARROWEST), _WIDEST)


def _display_width(text: str) -> int:
    """In characters of a Latin script: East Asian ones are twice as wide."""
    return len(text) if text.isascii() else sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)
