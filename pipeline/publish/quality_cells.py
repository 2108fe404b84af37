"""What the tables of the site's page on quality share: cells of shares and sources, and where their figures lead.

In: numbers, a source, its figures (OBSERVATION_COLUMNS). Out: cells, addresses, and the figures that indicators are computed of.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import pandas as pd

from pipeline.model import DIMENSIONS
from pipeline.publish.figures import NO_BREAKDOWN, is_country
from pipeline.publish.series_titles import source_title
from pipeline.publish.source_facts import source_page_name
from pipeline.publish.tables import Cell, figure_cell, text_cell
from pipeline.publish.words import Words, page_name
from pipeline.sources.catalogue import Source

_TENTH = Decimal("0.1")


def no_figure() -> Cell:
    """What stands where an indicator cannot be computed: [x], and never 0."""
    return figure_cell(None)


def number_cell(value: Decimal | None, step: Decimal = _TENTH) -> Cell:
    """The number, rounded to the step; [x] where there is none."""
    if value is None:
        return no_figure()
    rounded = value.quantize(step, ROUND_HALF_EVEN)
    return Cell(f"{rounded:,}", value=rounded, is_figure=True)


def share_cell(part: Decimal | int | None, whole: Decimal | int | None) -> Cell:
    """A share in per cent; [x] where there is no whole."""
    if part is None or not whole:
        return no_figure()
    share = (Decimal(part) * 100 / Decimal(whole)).quantize(_TENTH, ROUND_HALF_EVEN)
    return Cell(f"{share}", value=share, is_figure=True)


def source_cell(source: Source) -> Cell:
    """The head of a source's line, which leads to its page."""
    return text_cell(source_title(source), header=True, href=page_name(source_page_name(source.id)))


def source_address(source: Source, section: str) -> Words:
    """A section of the site's page about a source, which lists what is counted of it."""
    return page_name(f"{source_page_name(source.id)}#{section}")


def release_address(published: Mapping[str, str], period: str, source: Source) -> Words:
    """The release of the period, which shows what is computed of it; where there is none, what the source's page has of it."""
    return page_name(published[period]) if period in published else source_address(source, "coverage")


def annual_national(own: pd.DataFrame) -> pd.DataFrame:
    """Annual national figures with a value, broken down by nothing but the type, no overlays."""
    kept = (own["frequency"] == "annual") & (own["absence"] == "") & ~own["overlay"].astype(bool)
    kept &= own["area"].map(is_country).astype(bool)
    for name in DIMENSIONS:
        kept &= own[name].isin(NO_BREAKDOWN)
    return own[kept.to_numpy(bool)]
