"""What a release shows, in order, before it is a page or a workbook: cards, sections, and items that are tables or charts.

In: tables, charts and words. Out: `Content`, which page and workbook render.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.model import Period
from pipeline.publish import seasonal
from pipeline.publish.charts import Chart
from pipeline.publish.figures import Figure
from pipeline.publish.tables import Table
from pipeline.publish.words import Words, ngettext


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a card: what, the figure in words, a second reading, and its marks."""

    label: str
    text: str
    small: str = ""
    marks: tuple[str, ...] = ()
    href: str = ""
    id: str = ""  # of the observation
    measure: str = ""
    unit: str = ""
    again: str = ""  # the figure as another source restated it since, or the change on a year before that was restated


@dataclasses.dataclass(frozen=True)
class Card:
    title: str
    native: str
    period: str
    edition: str  # a key of model.EDITIONS, or empty where editions do not apply
    lines: tuple[Line, ...]
    note: str = ""
    warning: str = ""
    country: str = ""  # ISO 3166-1, of a card of one series
    is_growing: bool = False  # reports of the period are still to come
    broken: str = ""  # why it is not comparable with the year before


@dataclasses.dataclass(frozen=True)
class AdjustedMonths:
    """The months of a series without their season, and the observations that they were made from, month by month."""

    family: str
    rows: tuple[Any, ...]
    found: seasonal.Adjusted


@dataclasses.dataclass(frozen=True)
class Item:
    """A chart, a table, or a chart with its data behind it; collapsed ones open on demand."""

    table: Table | None = None
    chart: Chart | None = None
    collapsed: bool = False
    summary: str = ""
    is_main: bool = True  # it stands on the release's first page; the others stand on a page of their section
    contributions: tuple[Figure, ...] = ()  # of the table
    adjusted: AdjustedMonths | None = None  # of the table


@dataclasses.dataclass(frozen=True)
class Section:
    id: str
    title: str
    native: str
    lead: tuple[str, ...]
    items: tuple[Item, ...]


@dataclasses.dataclass(frozen=True)
class Content:
    """Everything that a release shows."""

    period: Period
    title: str
    native: str
    edition: str
    lede: tuple[str, ...]
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]

    @property
    def items(self) -> Iterator[Item]:
        """Every item, in reading order."""
        return (item for section in self.sections for item in section.items)

    @property
    def tables(self) -> list[Table]:
        """Every table once, in reading order."""
        return list({item.table.id: item.table for item in self.items if item.table is not None}.values())


# A table of checks or changes that is longer does not stand on the first page.
MOST_MAIN_ROWS = 12


def further(items: Iterable[Item]) -> list[Item]:
    """The same, for the page of the section."""
    return [dataclasses.replace(item, is_main=False) for item in items]


def listed_item(table: Table) -> Item:
    """A table of checks or changes: a long one opens on demand, on the page of its section."""
    is_long = len(table.rows) > MOST_MAIN_ROWS
    return Item(table=table, collapsed=is_long, summary=rows_summary(table), is_main=not is_long)


def rows_summary(table: Table) -> Words:
    """What stands in place of a table that is closed."""
    return ngettext("{title} ({count} row)", "{title} ({count} rows)", len(table.rows), title=table.title)


def table_items(tables: Iterable[Table]) -> tuple[Item, ...]:
    """The tables that have lines, as items of a section."""
    return tuple(Item(table=table) for table in tables if table.rows)
