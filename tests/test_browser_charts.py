"""The interactive form of charts in a real browser: it shows the figures of the table behind it, as the drawing does.

It is tried on a chart of each kind (tests/chart_sample.py), on a page of the site that is opened from disk, in both languages.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page

from pipeline.publish.chart_assets import chart_assets
from pipeline.publish.charts import Point
from pipeline.publish.languages import speaking
from tests import chart_sample

pytestmark = pytest.mark.slow(seconds=15)
MADE = chart_sample.charts()
PAGES = {"en": "kinds.html", "ja": "kinds.ja.html"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    for name, content in chart_sample.pages(MADE).items():
        (site / name).write_bytes(content)
    for name, make in chart_assets().items():
        (site / name).write_bytes(make())
    return site


class Visit:
    """A page of the site with what it complained of and asked for."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        given = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "reduced_motion": "reduce"} | options
        self.page: Page = browser.new_context(**given).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def chart(self, name: str) -> Locator:
        return self.page.locator(f"#chart-{MADE[name].id}")

    def turn(self, name: str) -> Locator:
        """Press the button of a chart from the keyboard, and wait for what it does."""
        button = self.chart(name).locator("button[data-turn]")
        before = button.get_attribute("aria-pressed")
        button.focus()
        self.page.keyboard.press("Enter")
        button.locator(f"xpath=self::*[not(@disabled) and @aria-pressed!='{before}']").wait_for()
        return self.chart(name).locator(".live")


@pytest.fixture(scope="module")
def opened(browser: Browser, folder: Path) -> Callable[[str], Visit]:
    """A page in a language, with every chart of it open; each is opened once."""
    made: dict[str, Visit] = {}

    def visit(language: str) -> Visit:
        if language not in made:
            made[language] = Visit(browser, folder / PAGES[language])
            for name in MADE:
                made[language].turn(name)
        return made[language]

    return visit


def drawn(chart: Locator) -> list[str]:
    """What the marks of the drawing tell."""
    found: list[str] = chart.locator("> svg").evaluate(
        "drawn => [...drawn.querySelectorAll('rect > title, circle > title')].map((title) => title.textContent)"
    )
    return sorted(found)


MARKS = "[role=graphics-symbol]:is([aria-roledescription=bar], [aria-roledescription=point], [aria-roledescription=rectangle])"


def marks(chart: Locator) -> Locator:
    """The marks of the interactive form that are figures."""
    return chart.locator(f".live svg {MARKS}, .live svg [role=graphics-symbol][aria-roledescription='rect mark']")


def told(found: Locator) -> list[str]:
    return sorted(found.evaluate_all("marks => marks.map((mark) => mark.getAttribute('aria-label'))"))


@pytest.mark.parametrize("language", PAGES)
@pytest.mark.parametrize("name", MADE)
def test_the_interactive_form_has_the_marks_of_the_drawing_and_they_tell_the_same(
    opened: Callable[[str], Visit], language: str, name: str
) -> None:
    chart = opened(language).chart(name)
    with speaking(language):
        points = sorted(point.told for point in MADE[name].points)
    assert told(marks(chart)) == drawn(chart) == points
    assert chart.locator("> svg").is_hidden()


@pytest.mark.parametrize("language", PAGES)
def test_no_chart_complains_and_only_the_files_of_the_site_are_asked_for(
    opened: Callable[[str], Visit], folder: Path, language: str
) -> None:
    seen = opened(language)
    assert seen.complaints == []
    wanted = {(folder / name).as_uri() for name in (PAGES[language], *chart_assets())}
    assert {url for url in seen.requests if url != "data:,"} == wanted
    assert len(seen.requests) <= len(wanted) + 1
    assert seen.page.title() != "taken over"
    assert chart_sample.HOSTILE in seen.page.locator("main").text_content()  # type: ignore[operator]


def test_nothing_is_loaded_before_a_reader_asks(browser: Browser, folder: Path) -> None:
    seen = Visit(browser, folder / PAGES["en"])
    assert [url for url in seen.requests if url != "data:,"] == [seen.page.url]
    assert seen.page.locator(".live").count() == 0
    assert seen.page.locator("button[data-turn]").count() == len(MADE)


_EXTENTS = """marks => marks.map((mark) => {
    const { width, height } = mark.getBBox();
    return [mark.getAttribute('aria-label'), { width, height }];
})"""


@pytest.mark.parametrize(
    ("name", "side"),
    [("stacked_bars", "height"), ("small_multiples", "height"), ("bars_side_by_side", "width"), ("pyramid", "width")],
)
def test_bars_are_as_long_as_their_figures_on_one_scale_a_panel(opened: Callable[[str], Visit], name: str, side: str) -> None:
    chart = MADE[name]
    lengths = {label: extent[side] for label, extent in marks(opened("en").chart(name)).evaluate_all(_EXTENTS)}
    own_scale = name in ("small_multiples", "bars_side_by_side")
    panels: dict[str, list[Point]] = {}
    for point in chart.points:
        panels.setdefault(point.series if own_scale else "", []).append(point)
    assert len(panels) == {"small_multiples": 4, "bars_side_by_side": 2}.get(name, 1)
    for panel, points in panels.items():
        largest = max(points, key=lambda point: point.value)
        assert lengths[largest.told] > 30
        expected = [lengths[largest.told] * point.value / largest.value for point in points]
        assert [lengths[point.told] for point in points] == pytest.approx(expected, abs=0.1), panel


# The loss of special fraud in 2025: 令和7年の刑法犯に関する統計資料, table 2-3-6-2 (tests/publish_sample.py).
GOLDEN = {
    "en": ("Special fraud, 2025: 142,309,498,218 [p] yen", ["0", "100", "200", "300"], "Loss, billion yen"),
    "ja": ("Special fraud、2025：142,309,498,218 [p]yen", ["0", "1,000", "2,000", "3,000"], "被害額（億円）"),
}


@pytest.mark.parametrize("language", PAGES)
def test_a_figure_is_told_as_it_is_printed_on_an_axis_in_the_unit_of_the_language(
    opened: Callable[[str], Visit], language: str
) -> None:
    text, axis, title = GOLDEN[language]
    chart = opened(language).chart("stacked_bars")
    bar = marks(chart).and_(chart.locator(f'[aria-label="{text}"]'))
    bar.hover()
    assert chart.locator(".tip").inner_text() == text
    labels = chart.locator(".live svg .role-axis-label text").all_text_contents()
    assert set(axis) <= set(labels)
    assert {str(year) for year in range(2016, 2026)} <= set(labels)
    assert title in chart.locator(".live svg").text_content()  # type: ignore[operator]
    opened(language).page.mouse.move(0, 0)


def _dashes(found: Locator) -> list[bool]:
    state: list[bool] = found.evaluate_all(
        "marks => marks.map((mark) => !['', '0', '1,0', '1 0'].includes(mark.getAttribute('stroke-dasharray') ?? ''))"
    )
    return state


@pytest.mark.parametrize("name", ["stacked_bars", "small_multiples", "bars_side_by_side"])
def test_bars_that_are_provisional_are_dashed_and_light(opened: Callable[[str], Visit], name: str) -> None:
    found = marks(opened("en").chart(name))
    labels = found.evaluate_all("marks => marks.map((mark) => mark.getAttribute('aria-label'))")
    dashed = _dashes(found)
    assert dashed == ["[p]" in label for label in labels]
    assert sum(dashed) > 0
    light = found.evaluate_all("marks => marks.map((mark) => Number(mark.getAttribute('fill-opacity') ?? 1) < 0.5)")
    assert light == dashed


def test_lines_are_cut_at_breaks_and_gaps_and_dashed_where_they_lead_to_a_provisional_month(
    opened: Callable[[str], Visit],
) -> None:
    chart = opened("en").chart("lines")
    # 24 months, one without a figure (two segments less than neighbours), one break: 23 - 2 - 1 segments a series.
    segments = chart.locator(".live svg .mark-rule.role-mark line").filter(has_not=chart.locator("[aria-label]"))
    own = segments.and_(chart.locator("[stroke^='var(--series']"))
    assert own.count() == 2 * (23 - 2 - 1)
    assert sum(_dashes(own)) == 2
    rule = chart.locator(".live svg [stroke='var(--chart-break)']")
    assert rule.count() == 1
    assert rule.get_attribute("aria-label") == "2023-09: types change"
    assert "break" in chart.locator(".live svg").text_content()  # type: ignore[operator]
    light = marks(chart).and_(chart.locator("[fill-opacity='0.15']"))
    assert told(light) == ["As counted, 2024-12: 24,000 [d] reports", "Trend, 2024-12: 24,001 [d] reports"]


def test_axe_finds_no_violation_with_every_chart_open(opened: Callable[[str], Visit]) -> None:
    page = opened("en").page
    page.emulate_media(color_scheme="light")
    assert _violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert _violations(page, runOnly=["color-contrast"]) == []
    page.emulate_media(color_scheme="light")
    assert _violations(opened("ja").page, runOnly=["wcag2a", "wcag2aa"]) == []


def _violations(page: Page, **rules: Any) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [f"{item['id']}: {node['target']} {node['failureSummary']}" for item in found for node in item["nodes"][:2]]


def test_the_colours_follow_the_page_without_another_drawing(opened: Callable[[str], Visit]) -> None:
    seen = opened("en")
    bar = marks(seen.chart("stacked_bars")).first
    colour = "mark => getComputedStyle(mark).fill"
    assert bar.evaluate(colour) == "rgb(11, 95, 165)"
    seen.page.get_by_label("Colours").select_option("dark")
    assert bar.evaluate(colour) == "rgb(90, 169, 230)"
    seen.page.get_by_label("Colours").select_option("")


def test_paper_has_the_drawing(opened: Callable[[str], Visit]) -> None:
    seen = opened("en")
    chart = seen.chart("lines")
    seen.page.emulate_media(media="print")
    assert (chart.locator("> svg").is_visible(), chart.locator(".live").is_visible()) == (True, False)
    seen.page.emulate_media(media="screen")
    assert (chart.locator("> svg").is_visible(), chart.locator(".live").is_visible()) == (False, True)


def test_a_chart_is_opened_read_and_closed_from_the_keyboard(browser: Browser, folder: Path) -> None:
    seen = Visit(browser, folder / PAGES["en"])
    legend = seen.chart("lines").locator("> .legend")
    words = legend.inner_text()
    live = seen.turn("lines")
    assert seen.page.evaluate("document.activeElement.matches('#chart-lines button[data-turn]')")

    slider = live.get_by_role("slider", name="Read the figures one by one")
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "As counted, 2023-01: 1,000 [d] reports"
    seen.page.keyboard.press("ArrowRight")
    assert (
        slider.get_attribute("aria-valuetext") == live.locator("output").inner_text() == "As counted, 2023-02: 2,000 [d] reports"
    )

    legend.get_by_role("button", name="Trend").focus()
    seen.page.keyboard.press("Enter")
    assert legend.get_by_role("button", pressed=True).all_inner_texts() == ["Trend"]
    seen.page.wait_for_function(f"document.querySelectorAll('#chart-lines .live svg {MARKS}').length === 23")
    assert all(text.startswith("Trend, ") for text in told(marks(seen.chart("lines"))))
    slider.focus()
    assert slider.get_attribute("aria-valuetext") == "Trend, 2023-01: 1,001 [d] reports"

    axis = live.locator("svg .role-axis-label text")
    every = axis.all_text_contents()
    live.get_by_role("button", name="nearer").focus()
    seen.page.keyboard.press("Enter")
    first = seen.chart("lines").locator(".live svg text", has_text="2023-01")
    first.wait_for(state="detached")
    assert {text for text in axis.all_text_contents() if "-" in text} != {text for text in every if "-" in text}
    live.get_by_role("button", name="all periods").focus()
    seen.page.keyboard.press("Enter")
    first.wait_for()

    seen.turn("lines")
    assert (live.count(), legend.inner_text(), legend.locator("button").count()) == (0, words, 0)
    assert seen.chart("lines").locator("> svg").is_visible()
    assert seen.complaints == []


def test_a_chart_that_is_open_is_saved_as_its_drawing(browser: Browser, folder: Path, tmp_path: Path) -> None:
    seen = Visit(browser, folder / PAGES["en"])
    texts = []
    for state in ("closed", "open"):
        with seen.page.expect_download() as download:
            seen.chart("lines").locator("button[data-as=svg]").click()
        download.value.save_as(tmp_path / state)
        texts.append((tmp_path / state).read_text(encoding="utf-8"))
        seen.turn("lines")
    assert texts[0] == texts[1]
    assert "Trend, 2024-12" in texts[0]


def test_few_periods_have_nowhere_to_move_to(opened: Callable[[str], Visit]) -> None:
    assert opened("en").chart("lines").locator(".mover button").count() == 5
    assert opened("en").chart("short_lines").locator(".mover button").count() == 0


def test_a_sorted_and_filtered_table_is_drawn_in_its_own_order(browser: Browser, folder: Path) -> None:
    seen = Visit(browser, folder / PAGES["en"])
    chart = seen.chart("lines")
    chart.locator("summary").click()
    chart.get_by_role("button", name=re.compile("^Trend")).click()
    chart.locator(".filter input").fill("2024")
    seen.turn("lines")
    assert told(marks(chart)) == sorted(point.told for point in MADE["lines"].points)
    periods = [text for text in chart.locator(".live svg .role-axis-label text").all_text_contents() if "-" in text]
    assert periods == sorted(periods)


@pytest.mark.parametrize("language", PAGES)
def test_on_a_phone_every_chart_is_as_wide_as_the_page(browser: Browser, folder: Path, language: str) -> None:
    seen = Visit(browser, folder / PAGES[language], viewport={"width": 390, "height": 844})
    for name in MADE:
        live = seen.turn(name)
        box = live.locator("svg").bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_script_that_came_into_the_markup_does_not_run_though_charts_may_be_opened(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    page = (folder / "kinds.html").read_text(encoding="utf-8")
    (tmp_path / "hostile.js").write_text("document.title = 'taken over'", encoding="utf-8")
    (tmp_path / "kinds.html").write_text(page.replace("</main>", '<script src="hostile.js"></script></main>'), encoding="utf-8")
    seen = Visit(browser, tmp_path / "kinds.html")
    assert seen.page.title() == "Fraud losses: Kinds"
    assert ["Content Security Policy" in complaint for complaint in seen.complaints] == [True]


MISSING = "The interactive chart cannot be opened here. Its script lies in the folder of the site, beside the releases."


def test_a_chart_that_cannot_be_opened_keeps_its_drawing_and_says_so(browser: Browser, folder: Path) -> None:
    seen = Visit(browser, folder / PAGES["en"])
    chart = seen.chart("lines")
    chart.evaluate("figure => (figure.dataset.chart = JSON.stringify({ kind: 'lines', axes: [] }))")
    chart.locator("button[data-turn]").click()
    chart.get_by_text(MISSING).wait_for()
    assert chart.locator("> svg").is_visible()
    assert chart.locator(".live, .legend button").count() == 0
    assert chart.locator("button[data-turn]").get_attribute("aria-pressed") == "false"
    # The others are not concerned.
    assert told(marks(seen.chart("pyramid"))) == []
    seen.turn("pyramid")
    assert told(marks(seen.chart("pyramid"))) == sorted(point.told for point in MADE["pyramid"].points)


def test_a_page_without_the_site_beside_it_says_so_and_keeps_its_drawing(browser: Browser, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "kinds.html", tmp_path)
    seen = Visit(browser, tmp_path / "kinds.html")
    chart = seen.chart("lines")
    chart.locator("button[data-turn]").click()
    chart.get_by_text(MISSING).wait_for()
    assert chart.locator("> svg").is_visible()
    assert chart.locator("button[data-turn]").is_disabled()
