"""What a map of areas shows, and when areas are enough to make one.

In: a country and the areas of it that have a figure. Out: the measures that a map can show, and what is lacking for a map.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.publish.labels import country_name
from pipeline.publish.words import _
from pipeline.reference import area_tiles

# What a map shows of its areas: a rate where the publisher gives one.
MAPPED = ("cases_per_100k", "cases")


def map_lacking(country: str, areas: Collection[str]) -> str:
    """Why areas with a figure make no map of the country; empty where they do: half of its parts at least."""
    places = area_tiles(country)
    known = len(places.keys() & set(areas))
    if known * 2 >= len(places) > 0:
        return ""
    return _("figures of {known} of {all} parts of {country}", known=known, all=len(places), country=country_name(country))
