"""Maps of the areas of a country, and when areas are enough to make one.

In: figures by area. Out: a tile map for each country with figures of half of its parts at least, or what is lacking for one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pipeline.publish import category_charts
from pipeline.publish.chart_points import chart_point
from pipeline.publish.charts import Chart
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure
from pipeline.publish.labels import code_label, country_name
from pipeline.publish.measures import measure_title
from pipeline.publish.words import _
from pipeline.reference import area_tiles, code_labels

# What a map shows of its areas: a rate where the publisher gives one.
MAPPED = ("cases_per_100k", "cases")


def map_lacking(country: str, areas: Collection[str]) -> str:
    """Why areas with a figure make no map of the country; empty where they do: half of its parts at least."""
    places = area_tiles(country)
    known = len(places.keys() & set(areas))
    if known * 2 >= len(places) > 0:
        return ""
    return _("figures of {known} of {all} parts of {country}", known=known, all=len(places), country=country_name(country))


def area_maps(base: str, title: str, figures: Sequence[Figure], families: Families) -> list[Chart]:
    """The areas of a country on a map: the publisher's rate where there is one, else the cases."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for figure in figures:
        row = figure.row
        if figure.is_total and not figure.breakdown and not row.overlay and row.value is not None and row.measure in MAPPED:
            rows.setdefault((row.area[:2], row.measure), {})[row.area] = row
    made = []
    for country in sorted({country for country, __ in rows}):
        measure = next(name for name in MAPPED if (country, name) in rows)
        own, places = rows[country, measure], area_tiles(country)
        if map_lacking(country, set(own)):
            continue
        tiles = {str(code_label(area)): (_tile_name(area), *place) for area, place in places.items()}
        words = measure_title(measure)[0]
        points = [chart_point(own[area], code_label(area), words, families) for area in places if area in own]
        by_area = _("{title}: by area", title=title)
        made.append(category_charts.tile_map(f"{base}_map", by_area, words, points, tiles, shaded=measure == "cases_per_100k"))
    return made


def _tile_name(area: str) -> str:
    """What fits on a square: the code, or the Japanese name without the word for prefecture."""
    label = code_labels()[area].label_ja
    return area[3:] if not label else label if label == "北海道" else label[:-1]
