"""A chart of each kind, with figures of publishers and with words that would like to be markup, for the tests of pages.

Figures: losses and cases of special fraud (令和7年の刑法犯に関する統計資料); months, ages and areas are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import SimpleNamespace

from pipeline.publish import category_charts, period_charts
from pipeline.publish.chart_points import loss_axis
from pipeline.publish.charts import Axis, Chart, Point
from pipeline.publish.content import Item, Section
from pipeline.publish.languages import LANGUAGES, speaking
from pipeline.publish.rendering import render
from pipeline.publish.site import drawn_sections
from pipeline.publish.words import _
from tests.publish_sample import CASES, LOSS, YEARS

HOSTILE = "</script><img src=x onerror=\"document.title='taken over'\">&lt;'\"\\u003c"
MONTHS = [f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13)]


def charts() -> dict[str, Chart]:
    """Kind -> a chart of it."""
    loss, cases = _yearly(LOSS["_T"], "yen"), _yearly(CASES["_T"], "cases")
    axis = loss_axis("JPY", [SimpleNamespace(value=Decimal(value)) for value in LOSS["_T"] if value])
    # No figure for a month in between, and the last one provisional though nothing says so beside it.
    months = [
        Point(month, name, 1000.0 * (place + 1) + size, month == "2024-12", f"{1000 * (place + 1) + size:,}", ("[d]",), "reports")
        for size, name in enumerate(("As counted", "Trend"))
        for place, month in enumerate(MONTHS)
        if month != "2023-06"
    ]
    types = [name for name in LOSS if name != "_T"]
    by_type = [point for name in types for point in _yearly(LOSS[name], "yen", name)]
    newest = [point._replace(x=point.series, series="Loss") for point in by_type if point.x == "2025"]
    counted = [point._replace(x=name, series="Cases") for name in types for point in _yearly(CASES[name], "cases")[-1:]]
    ages = ["20–29", "30–39", "100 and over"]
    men, women = (
        [Point(age, sex, share, False, f"{share} %", (), "%") for age, share in zip(ages, shares, strict=True)]
        for sex, shares in (("Men", (5.8, 6.2, 0.1)), ("Women", (5.2, 5.1, 0.2)))
    )
    tiles = {"Yukon": ("YT", 0, 0), "Ontario": ("ON", 1, 0), "Quebec": ("QC", 2, 1), HOSTILE: ("X", 2, 0)}
    areas = [
        Point(area, "Reports", float(size), False, f"{size:,}", (), "reports") for area, size in (("Ontario", 400), (HOSTILE, 9))
    ]
    return {
        "stacked_bars": period_charts.stacked_bars(
            "stacked", _("Loss"), axis, [*loss, *(point._replace(series=HOSTILE) for point in loss[-2:])], {"2020": HOSTILE}
        ),
        "lines": period_charts.lines("lines", _("Cases"), Axis(_("Cases")), months, {"2023-09": "types change"}),
        "short_lines": period_charts.lines("short", _("Cases"), Axis(_("Cases")), cases, {}),
        "small_multiples": period_charts.small_multiples("multiples", "Types", axis, by_type, {types[0]: {"2020"}}),
        "bars_side_by_side": category_charts.bars_side_by_side(
            "bars", HOSTILE, [(axis, newest), (Axis(_("Cases")), counted)], [point.x for point in newest]
        ),
        "pyramid": category_charts.pyramid("pyramid", "Ages", "per cent", men, women, ages),
        "tile_map": category_charts.tile_map("map", "Map", "Reports", areas, tiles, shaded=False),
        "shaded_map": category_charts.tile_map("shades", "Map", "Reports", areas, tiles, shaded=True),
    }


def _yearly(values: list[int | None], unit: str, series: str = "Special fraud") -> list[Point]:
    """Figures by year; that of 2025 is provisional."""
    return [
        Point(year, series, float(value), year == "2025", f"{value:,}", ("[p]",) if year == "2025" else (), unit)
        for year, value in zip(YEARS, values, strict=True)
        if value is not None
    ]


def pages(made: Mapping[str, Chart]) -> dict[str, bytes]:
    """A page of the site with these charts, in each language: `kinds.html`, `kinds.ja.html`."""
    sections = drawn_sections([Section("kinds", "Kinds", "種類", (), tuple(Item(chart=chart) for chart in made.values()))])
    found = {}
    for code in LANGUAGES:
        with speaking(code):
            page = render("site_tables.html.j2", "kinds.html", title="Kinds", native="", lede="", sections=sections)
        found["kinds.html" if code == "en" else f"kinds.{code}.html"] = page.encode()
    return found
