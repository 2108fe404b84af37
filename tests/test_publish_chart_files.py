"""Charts as files: they stand alone, say what the page says around them, and lie beside the other downloads in each language."""

from __future__ import annotations

import dataclasses
import json
import re
from xml.etree import ElementTree

import pytest

from pipeline.publish import chart_files, period_charts, release, svg
from pipeline.publish.charts import Axis, Point
from pipeline.publish.content import Item, Section
from pipeline.publish.languages import speaking
from tests import publish_sample as sample

SVG = "{http://www.w3.org/2000/svg}"
ORIGIN = "fraudloss, release 0123456789ab of 2025. Figures known by 20 September 2026."


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release.build(sample.given("2025"))


def drawn(files: dict[str, bytes]) -> dict[str, ElementTree.Element]:
    return {name: ElementTree.fromstring(content) for name, content in files.items() if name.endswith(".svg")}


def words(document: ElementTree.Element) -> str:
    """The text around the drawing."""
    return " ".join(str(part.text) for part in document.findall(f"{SVG}text"))


def test_every_chart_of_a_release_is_a_file_in_each_language(files: dict[str, bytes]) -> None:
    for page, ending in (("index.html", ".svg"), ("index.ja.html", ".ja.svg")):
        text = files[page].decode()
        shown = set(re.findall(r'<figure class="chart \w+" id="chart-(\w+)"', text))
        further = {
            name
            for file, content in files.items()
            if re.fullmatch(r"tables_[^.]+" + re.escape(page.removeprefix("index")), file)
            for name in re.findall(r'<figure class="chart \w+" id="chart-(\w+)"', content.decode())
        }
        expected = {f"chart_{name}{ending}" for name in shown | further}
        assert {name for name in files if re.fullmatch(r"chart_\w+" + re.escape(ending), name)} == expected != set()
        assert set(re.findall(r'<a href="(chart_[^"]+)">', text)) == expected


def test_a_file_has_the_marks_of_the_page_in_the_colours_of_the_light_page(files: dict[str, bytes]) -> None:
    for name, document in drawn(files).items():
        text = files[name].decode()
        assert "var(" not in text
        assert not re.search(r"@import|href|<style|<script|url\(", text)
        (marks,) = document.findall(f"{SVG}g")
        page = files["index.ja.html" if name.endswith(".ja.svg") else "index.html"].decode()
        chart_id = name.removeprefix("chart_").partition(".")[0]
        figure = page[page.index(f'id="chart-{chart_id}"') :]
        for mark in ("rect", "circle", "path"):
            assert len(list(marks.iter(f"{SVG}{mark}"))) == figure[: figure.index("</svg>")].count(f"<{mark} "), (name, mark)
    assert any("#0b5fa5" in content.decode() for name, content in files.items() if name.endswith(".svg"))


def test_a_file_says_title_source_release_and_date_in_its_language(files: dict[str, bytes]) -> None:
    for name, document in drawn(files).items():
        told = words(document).replace(" ", "")
        for part in (document.findtext(f"{SVG}title"), "0123456789ab"):
            assert str(part).replace(" ", "") in told, name
        japanese = name.endswith(".ja.svg")
        assert ("出典：警察庁" in told) == japanese
        assert ("Source:NationalPoliceAgencyofJapan" in told) == (not japanese)
        assert ("2026年9月20日時点で判明している数値" in told) == japanese
        assert ("Figuresknownby20September2026" in told) == (not japanese)


def test_nothing_around_a_drawing_reaches_beyond_its_paper(files: dict[str, bytes]) -> None:
    for name, document in drawn(files).items():
        width, height = float(document.attrib["width"]), float(document.attrib["height"])
        for part in document.findall(f"{SVG}text"):
            scale = float(part.get("font-size", svg.FONT_SIZE)) / svg.FONT_SIZE
            assert float(part.attrib["x"]) + scale * svg.width_of(str(part.text)) <= width, (name, part.text)
            assert float(part.attrib["y"]) < height


def test_the_data_package_lists_the_files_as_drawings(files: dict[str, bytes]) -> None:
    resources = {item["path"]: item for item in json.loads(files["datapackage.json"])["resources"]}
    for name in drawn(files):
        assert resources[name]["mediatype"] == "image/svg+xml"
        assert resources[name]["bytes"] == len(files[name])


def test_a_legend_names_each_series_beside_its_colour() -> None:
    points = [Point(year, name, 1.0) for year in ("2024", "2025") for name in ("first", "second")]
    chart = period_charts.stacked_bars("c", "t", Axis("y"), points, {})
    document = ElementTree.fromstring(chart_files.standalone(chart, ORIGIN))
    assert {"first", "second"} <= {part.text for part in document.findall(f"{SVG}text")}
    assert len(document.findall(f"{SVG}rect")) == 1 + 2, "the paper, and two swatches"
    alone = period_charts.stacked_bars("c", "t", Axis("y"), points[:1], {})
    assert len(ElementTree.fromstring(chart_files.standalone(alone, ORIGIN)).findall(f"{SVG}rect")) == 1


def test_hostile_words_stay_words_in_a_file() -> None:
    bad = '</text><script>alert("1")</script>\x00 ' * 4
    points = [Point("2024", bad, 1.0, source=bad), Point("2024", "b", 1.0)]
    chart = dataclasses.replace(period_charts.stacked_bars("c", "t", Axis("y"), points, {}), title=bad, note=bad)
    made = chart_files.chart_files([Section("s", "S", "", (), (Item(chart=chart),))], bad)
    assert set(made) == {"chart_c.svg", "chart_c.ja.svg"}
    for content in made.values():
        assert b"<script" not in content
        assert "<script>" in words(ElementTree.fromstring(content))


def test_japanese_is_folded_between_letters_and_no_line_begins_with_a_closing_sign() -> None:
    with speaking("ja"):
        lines = svg.folded(
            "出典：カナダ詐欺対策センター（カナダ騎馬警察、オンタリオ州警察、カナダ競争局）。2024年9月30日時点", 120
        )
    assert len(lines) > 3
    assert not any(line[0] in "）」、。：・ー" or line[-1] in "（「" for line in lines)
    assert svg.folded("one two three four", 60) == ["one two", "three", "four"]
    assert svg.folded("", 60) == []
