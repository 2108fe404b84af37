"""Drawings: bars as long as their figures, lines that are cut where series break, scales with round marks, words made safe."""

from __future__ import annotations

import dataclasses
import itertools
import re
from decimal import Decimal
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Period
from pipeline.publish import category_charts, charts, period_charts, svg
from pipeline.publish.chart_points import loss_axis
from pipeline.publish.charts import Axis, Point
from pipeline.publish.languages import speaking
from pipeline.publish.markup import points_table
from pipeline.reference import AREA, area_tiles, code_list

SVG = "{http://www.w3.org/2000/svg}"


def _elements(chart: charts.Chart, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(chart.svg).iter(f"{SVG}{name}"))


def _words(chart: charts.Chart) -> list[str]:
    return [element.text or "" for element in _elements(chart, "text")]


def test_series_are_stacked_without_gap_or_overlap_in_proportion_to_their_figures() -> None:
    points = [Point("2024", "a", 10.0), Point("2024", "b", 30.0), Point("2025", "a", 20.0), Point("2026", "a", 5.0, True)]
    lower, later, provisional, upper = _elements(period_charts.stacked_bars("c", "t", Axis("y"), points, {}), "rect")
    heights = [float(bar.attrib["height"]) for bar in (provisional, lower, later, upper)]
    assert heights == pytest.approx([heights[0] * times for times in (1, 2, 4, 6)], rel=0.01)
    assert float(upper.attrib["y"]) + heights[3] == pytest.approx(float(lower.attrib["y"]), abs=0.2)
    assert "dasharray" in provisional.attrib["style"]
    assert "dasharray" not in lower.attrib["style"]


def test_a_chart_is_described_with_all_digits_of_its_figures() -> None:
    # 6,471,708 reports of the American data book of 2024 were read out as 6.47171e+06.
    counted = period_charts.lines(
        "c", "t", Axis("Cases"), [Point(year, "a", value) for year, value in (("2023", 5_548_815), ("2024", 6_471_708))], {}
    )
    assert "Latest: a 6,471,708." in counted.description
    scaled = period_charts.lines(
        "c", "t", Axis("y"), [Point(year, "a", value) for year, value in (("2023", 45.2564), ("2024", 0.00005))], {}
    )
    assert "Latest: a 0.00005." in scaled.description


def test_a_year_without_a_figure_keeps_its_place_and_no_line_leads_over_it() -> None:
    points = [Point(year, "a", 1.0) for year in ("2020", "2021", "2023", "2024")]
    chart = period_charts.lines("c", "t", Axis("y"), points, {})
    assert "2022" in _words(chart)
    assert chart.svg.count("stroke-width:2.2") == 2
    assert len(_elements(chart, "circle")) == 4


def test_no_line_leads_across_a_break_and_a_rule_says_where_it_is() -> None:
    points = [Point(str(year), "a", float(year)) for year in range(2020, 2026)]
    whole, cut = (period_charts.lines("c", "t", Axis("y"), points, breaks) for breaks in ({}, {"2023": "types change"}))
    assert whole.svg.count("stroke-width:2.2") == 5
    assert cut.svg.count("stroke-width:2.2") == 4
    assert "break" in _words(cut)
    assert "break" not in _words(whole)
    assert "2023" in cut.description


def test_the_two_sides_of_a_pyramid_share_one_scale() -> None:
    left = [Point("20–29", "Men", 4.0), Point("30–39", "Men", 8.0)]
    right = [Point("20–29", "Women", 8.0), Point("30–39", "Women", 2.0)]
    widths = [
        float(bar.attrib["width"])
        for bar in _elements(category_charts.pyramid("c", "t", "x", left, right, ["20–29", "30–39"]), "rect")
    ]
    assert widths == pytest.approx([widths[1] / 2, widths[1], widths[1], widths[1] / 4], rel=0.01)


def test_bars_side_by_side_name_the_largest_figures_whatever_the_order_of_the_points() -> None:
    points = [Point(label, "Loss", size) for label, size in (("a", 1.0), ("b", 5.0), ("c", 2.0), ("d", 4.0), ("e", 3.0))]
    chart = category_charts.bars_side_by_side("c", "t", [(Axis("Loss, billion yen"), points)], ["b", "d", "e", "c", "a"])
    assert "Loss, billion yen: b 5, d 4, e 3, c 2." in str(chart.description)


def test_each_small_chart_has_a_scale_of_its_own() -> None:
    points = [Point(str(year), name, size) for name, size in (("a", 1.0), ("b", 1000.0)) for year in range(2020, 2023)]
    bars = _elements(period_charts.small_multiples("c", "t", Axis("y"), points), "rect")
    assert len({bar.attrib["height"] for bar in bars}) == 1


def test_a_scale_counts_in_the_unit_that_each_language_speaks_of() -> None:
    # The loss of 2025 (special fraud, NPA): 142,309,498,218 yen, 1,423.1億円 in the words of the agency.
    rows = [SimpleNamespace(value=Decimal(value)) for value in (71_877_275_370, 142_309_498_218)]
    points = [Point(year, "a", float(row.value), unit="yen") for year, row in zip(("2024", "2025"), rows, strict=True)]
    for drawn in (period_charts.lines, period_charts.stacked_bars):
        chart = drawn("c", "t", loss_axis("JPY", rows), points, {})
        assert {"Loss, billion yen", "0", "50", "100", "150"} <= set(_words(chart))
        assert "Latest: a 142.309." in chart.description
        with speaking("ja"):
            japanese = {element.text for element in ElementTree.fromstring(str(chart.svg)).iter(f"{SVG}text")}
            assert {"被害額（億円）", "0", "500", "1,000", "1,500"} <= japanese
            assert "1,423" in str(chart.description)


@pytest.mark.parametrize(
    ("largest", "english", "japanese"),
    [
        (530_000_000, ("Loss, million Canadian dollars", 10**6), ("被害額（億カナダドル）", 10**8)),
        (41_500_000, ("Loss, million Canadian dollars", 10**6), ("被害額（万カナダドル）", 10**4)),
        (900_000, ("Loss, million Canadian dollars", 10**6), ("被害額（カナダドル）", 1)),
    ],
)
def test_foreign_losses_are_drawn_in_millions_and_in_japanese_in_units_of_ten_thousand(
    largest: int, english: tuple[str, int], japanese: tuple[str, int]
) -> None:
    axis = loss_axis("CAD", [SimpleNamespace(value=Decimal(largest))])
    assert (str(axis.title), axis.divisor) == english
    with speaking("ja"):
        assert (str(axis.title), axis.divisor) == japanese


def test_small_charts_of_many_series_show_the_first_and_say_so() -> None:
    points = [Point(str(year), f"type {name}", 1.0) for name in range(20) for year in range(2020, 2023)]
    chart = period_charts.small_multiples("c", "t", Axis("y"), points)
    assert {word for word in _words(chart) if word.startswith("type ")} == {f"type {name}" for name in range(16)}
    assert "The first 16 of 20; all stand in the table." in chart.note


def test_the_name_of_a_small_chart_has_two_lines_before_it_is_cut_and_ends_on_its_chart() -> None:
    long, longest = "Emergency (jail, accident)", "キャッシュカード詐欺盗及び預貯金詐欺の合計"
    points = [Point(str(year), name, 1.0) for name in ("Loan", long, longest, longest * 2) for year in range(2020, 2023)]
    texts = _elements(period_charts.small_multiples("c", "t", Axis("y"), points), "text")
    lines = [element for element in texts if "bold" in element.attrib["style"]]
    words = [str(line.text) for line in lines]
    # The last line first.
    assert words[:3] == ["Loan", "accident)", "Emergency (jail,"]
    assert f"{words[4]}{words[3]}" == longest
    assert [word[-1] for word in words[5:]] == ["…", longest[len(words[6]) - 1]]
    assert len({line.attrib["y"] for line in (lines[0], lines[1], lines[3], lines[5])}) == 1


def test_periods_below_a_chart_never_run_into_each_other() -> None:
    for first, last in (("2004", "2025"), ("2016", "2025"), ("2024-01", "2024-12"), ("2020-Q1", "2025-Q4")):
        codes = [period.code for period in Period.parse(first).walk_to(Period.parse(last))]
        chart = period_charts.lines("c", "t", Axis("y"), [Point(code, "a", 1.0) for code in codes], {})
        below = [float(element.attrib["x"]) for element in _elements(chart, "text") if element.text in codes]
        assert len(below) >= 4
        assert all(right - left > svg.width_of(first) for left, right in itertools.pairwise(sorted(below)))


def test_of_breaks_close_together_one_has_the_word() -> None:
    points = [Point(str(year), "a", 1.0) for year in range(2010, 2026)]
    chart = period_charts.lines("c", "t", Axis("y"), points, {"2014": "x", "2015": "y", "2022": "z"})
    assert _words(chart).count("break") == 2
    assert chart.svg.count("stroke:var(--chart-break)") == 3


def test_a_chart_of_many_months_names_some_of_them_and_always_the_last() -> None:
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
    words = _words(period_charts.lines("c", "t", Axis("y"), [Point(month, "a", 1.0) for month in months], {}))
    assert "2025-12" in words
    assert len(set(months) & set(words)) <= 9


def test_words_that_would_be_markup_or_control_characters_are_shown_as_they_are() -> None:
    labels = ["<script>alert(1)</script>", "a\x00b", 'c"d&e']
    chart = category_charts.bars_side_by_side(
        "c", "t", [(Axis("Cases"), [Point(label, "Cases", 1.0) for label in labels])], labels
    )
    assert "<script" not in chart.svg
    assert {"<script>alert(1)</script>", "a\ufffdb", 'c"d&e'} <= set(_words(chart))


def test_each_mark_tells_its_exact_figure_with_its_marks_and_unit() -> None:
    points = [Point(year, "a", 1.2, True, "1,234,567", ("[p]", "[d]"), "yen") for year in ("2024", "2025")]
    drawn = [
        period_charts.lines("c", "t", Axis("y"), points, {}),
        period_charts.stacked_bars("c", "t", Axis("y"), points, {}),
        category_charts.bars_side_by_side("c", "t", [(Axis("a"), points)], ["2024", "2025"]),
        period_charts.small_multiples("c", "t", Axis("y"), points),
        category_charts.pyramid("c", "t", "x", points, points, ["2024", "2025"]),
    ]
    for chart in drawn:
        marks = [mark for name in ("rect", "circle") for mark in _elements(chart, name)]
        told = [str(mark.findtext(f"{SVG}title")) for mark in marks]
        assert {"a, 2024: 1,234,567 [p][d] yen", "a, 2025: 1,234,567 [p][d] yen"} == set(told)
        assert set(chart.points) == set(points)


def test_small_charts_show_the_breaks_of_their_own_series_and_what_is_provisional() -> None:
    points = [Point(str(year), name, 1.0, year == 2023) for name in ("a", "b") for year in range(2020, 2024)]
    chart, whole = (period_charts.small_multiples("c", "t", Axis("y"), points, breaks) for breaks in ({"b": {"2022"}}, {}))
    assert chart.svg.count("var(--chart-break)") == 1
    assert "break in the series" in chart.note
    assert "var(--chart-break)" not in whole.svg
    assert "break in the series" not in whole.note
    assert "provisional" in whole.note
    assert sum("dasharray" in bar.attrib["style"] for bar in _elements(chart, "rect")) == 2


def test_a_map_has_one_square_an_area_discs_as_large_as_counts_and_a_mark_where_nothing_is_known() -> None:
    tiles = {"Ontario": ("ON", 1, 0), "Quebec": ("QC", 2, 0), "Yukon": ("YT", 0, 0)}
    points = [Point("Ontario", "Cases", 400.0), Point("Quebec", "Cases", 100.0)]
    counts, rates = (category_charts.tile_map("m", "t", "Cases", points, tiles, shaded=shaded) for shaded in (False, True))
    radii = [float(disc.attrib["r"]) for disc in _elements(counts, "circle")]
    assert radii[0] == pytest.approx(2 * radii[1])
    assert {"ON", "QC", "YT", "[x]"} <= set(_words(counts))
    assert _words(counts).count("[x]") == 1
    shades = [re.search(r"fill-opacity:([\d.]+)", square.attrib["style"]) for square in _elements(rates, "rect")]
    darkest, lighter = (float(found[1]) for found in shades if found)
    assert darkest == 1
    assert 0 < lighter < 0.5
    assert counts.points == tuple(points)


@pytest.mark.parametrize("country", ["AU", "CA", "JP", "US"])
def test_every_area_of_a_country_has_a_square_of_its_own(country: str) -> None:
    places = area_tiles(country)
    assert places.keys() == {area for area in code_list(AREA) if area.startswith(f"{country}-")}
    assert len(set(places.values())) == len(places)


@given(st.lists(st.floats(0, 1e13), min_size=1, max_size=8), st.integers(2, 6))
def test_every_value_lies_between_the_ends_of_its_scale_whose_marks_are_few_and_round(values: list[float], count: int) -> None:
    scale = svg.Scale.over(values, 0, 100, count)
    assert scale.marks[0] == 0
    assert scale.marks[-1] >= max(values) * (1 - 1e-6)
    assert all(-1e-6 <= scale(value) <= 100.1 for value in values)
    assert 2 <= len(scale.marks) <= count + 2
    assert len(set(scale.labels)) == len(scale.labels)
    assert re.sub(r"[0,.]", "", scale.labels[1]) in {"1", "2", "5"}


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0.0, ("0", "1")),
        (7.0, ("0", "2", "4", "6", "8")),
        (14_498.0, ("0", "5,000", "10,000", "15,000")),
        (0.83, ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0")),
    ],
)
def test_marks_are_written_with_separators_and_as_many_places_as_they_need(highest: float, labels: tuple[str, ...]) -> None:
    assert svg.Scale.over([highest], 0, 100, 4 if highest != 0.83 else 5).labels == labels


def test_a_point_that_cannot_exist_is_marked_so_behind_the_chart_and_leads_to_its_trace() -> None:
    """Health fraud has no label of its own any more: that is no figure which nobody printed."""
    points = [Point(year, name, 1.0, unit="reports") for year in ("2021", "2022") for name in ("Job", "Health")]
    points.remove(Point("2022", "Health", 1.0, unit="reports"))
    chart = charts.Chart("c", "c", "c", "<svg></svg>", points=tuple(points), series_down=True)

    def of_health(made: charts.Chart) -> str:
        table = str(points_table(made, {"gone": "trace_cafc.html#gone"}, ""))
        return next(line for line in table.splitlines() if ">Health<" in line)

    assert of_health(chart).endswith('<td class="num"><abbr>[x]</abbr></td></tr>')
    told = dataclasses.replace(chart, absent={("2022", "Health"): charts.Absent(("[z]",), "gone")})
    assert of_health(told).endswith('<td class="num"><a href="trace_cafc.html#gone"><abbr>[z]</abbr></a></td></tr>')
    # What is not in the table stays out of it, and a point that is there stays.
    more = {("2020", "Health"): charts.Absent(("[z]",), ""), ("2021", "Health"): charts.Absent(("[z]",), "")}
    assert of_health(dataclasses.replace(chart, absent=more)) == of_health(chart)
