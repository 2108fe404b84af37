"""The pages in a real browser: they render, sort, print and stay silent; axe-core finds nothing; hostile text stays text.

The browser is the system's Chromium (`apt-get install chromium`); it gets no page but those written here.
"""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from pipeline.publish import period, release, site, traces
from pipeline.publish.evidence import Evidence
from pipeline.validate import data_docs
from tests import publish_sample as sample
from tests.test_judge_cases import REPORT, cafc_file, judged

pytestmark = pytest.mark.slow(seconds=25)
HOSTILE = "<script>document.title='taken over'</script><img src=http://127.0.0.1:9/x onerror=\"document.title='taken over'\">"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site and a release of figures of which some have hostile words."""
    root = tmp_path_factory.mktemp("published")
    rows = [
        sample.row(
            "npa_annual", "special_fraud", "2025", "cases", "cases", 5, native_type=HOSTILE, fraud_type="OTH", note=HOSTILE
        ),
        sample.row("npa_annual", "special_fraud", "2025", "cases", "cases", 7, age=HOSTILE, native_type="x", origin=HOSTILE),
    ]
    given = sample.given("2025", sample.view(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "LINES_A_PAGE", 40)  # axe-core takes its time over long tables
        built = release.build(given)
        manifest = {
            "frequency": "annual",
            "period": "2025",
            "release_id": "one",
            "as_of": "2026-09-20",
            "headline": release.headline(given),
            "files": {name: {} for name in built},
        }
        months = [{**manifest, "frequency": "monthly", "period": code} for code in ("2026-01", "2025-04", "2025-02", "2024-12")]
        pages = site.build([manifest, *months], given.view, sample.sources(), Evidence(snapshots=sample.snapshots()))
    told = period.new_record(given.period)
    for release_id, why in (("zero", period.Why(("new_period",))), ("one", period.Why(("declared_correction",), {}, (HOSTILE,)))):
        about = {"release_id": release_id, "as_of": "2026-09-20", "code_version": "c0de", "vintage": "2026-09-20"}
        told = period.speaks(told, about, why)
    waits = period.previews("embargo.html", given.period, "one", "2026-10-01T00:00Z", [HOSTILE])
    for where, files in ((RELEASE, {**built, **waits}), ("releases/annual/2025", period.pages(told)), ("site", pages)):
        for name, content in files.items():
            path = root / where / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return root


RELEASE = "releases/annual/2025/one"
# One page of each kind.
KINDS = [
    f"{RELEASE}/index.html",
    f"{RELEASE}/tables_special_fraud.html",
    f"{RELEASE}/trace_npa_annual-3.html",
    f"{RELEASE}/embargo.html",
    "releases/annual/2025/index.html",
    "site/index.html",
    "site/sources.html",
    "site/source_npa_annual.html",
    "site/comparison.html",
    "site/quality.html",
    "site/methods.html",
    f"{RELEASE}/index.ja.html",
    f"{RELEASE}/trace_npa_annual-3.ja.html",
    "site/index.ja.html",
    "site/quality.ja.html",
]


@dataclasses.dataclass
class Visit:
    """A page as the browser shows it, with what it complained of and asked for."""

    page: Page
    complaints: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def visit(browser: Browser, folder: Path) -> Callable[..., Visit]:
    """Opens a page anew, in a context of its own."""

    def open_page(name: str, **options: Any) -> Visit:
        page = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce", **options).new_page()
        seen = Visit(page, [], [])
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto((folder / name).as_uri())
        return seen

    return open_page


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, visit: Callable[..., Visit]) -> Visit:
    """A page of each kind, opened once: what a test changes of the browser's window, it sets itself."""
    return visit(request.param)


def test_a_page_shows_itself_without_complaint_and_asks_for_nothing(kind: Visit) -> None:
    seen = kind
    assert seen.complaints == []
    assert [url for url in seen.requests if url != "data:,"] == [seen.page.url]
    # The hostile words are there to be read, and did nothing.
    assert ("document.title='taken over'" in str(seen.page.locator("main").text_content())) == ("/releases/" in seen.page.url)
    assert seen.page.title() != "taken over"
    assert seen.page.locator("h1").count() == 1


def _violations(page: Page, **rules: Any) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    return [f"{item['id']}: {node['target']} {node['failureSummary']}" for item in found for node in item["nodes"][:2]]


def test_axe_finds_no_violation(kind: Visit) -> None:
    kind.page.set_viewport_size(DESKTOP)
    assert _violations(kind.page) == []


def test_the_snapshots_of_a_trace_can_be_hit_on_a_phone(visit: Callable[..., Visit]) -> None:
    page = visit(f"{RELEASE}/trace_npa_annual-3.html").page
    page.set_viewport_size({"width": 360, "height": 740})
    assert _violations(page, runOnly=["target-size"]) == []
    link = page.locator("table.trace td:last-child a").first.bounding_box()
    assert link is not None
    assert link["height"] >= 24


@pytest.mark.parametrize("name", [f"{RELEASE}/index.html", "site/index.html"])
def test_axe_finds_no_violation_in_the_dark(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name).page
    page.emulate_media(color_scheme="dark")
    assert _violations(page, runOnly=["color-contrast"]) == []


def test_a_phone_scrolls_tables_and_never_the_page(kind: Visit) -> None:
    kind.page.set_viewport_size(PHONE)
    assert kind.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


# The widths of A4 between our margins, upright and on its side, in CSS pixels: 186 mm and 273 mm.
@pytest.mark.parametrize(("tables", "width"), [("table:not(.widest)", 702), ("table.widest", 1031)])
def test_no_table_is_cut_on_paper(kind: Visit, tables: str, width: int) -> None:
    kind.page.set_viewport_size({"width": width, "height": 900})
    kind.page.emulate_media(media="print")
    widths = kind.page.locator(tables).evaluate_all("found => found.map(table => table.offsetWidth)")
    kind.page.emulate_media(media="screen")
    assert [found for found in widths if found > width] == []


def test_charts_are_drawn(visit: Callable[..., Visit]) -> None:
    boxes = [drawn.bounding_box() for drawn in visit(KINDS[0]).page.locator("figure.chart svg").all()]
    assert len(boxes) >= 4
    assert all(box and box["width"] > 200 and box["height"] > 80 for box in boxes)


def _column(page: Page, table: str, place: int) -> list[str]:
    return [text.split("\n")[0] for text in page.locator(f"{table} tbody tr > :nth-child({place})").all_inner_texts()]


def test_a_table_sorts_by_column_with_the_total_first_and_comes_back_to_its_order(visit: Callable[..., Visit]) -> None:
    page = visit(KINDS[0]).page
    table = "#table-special_fraud_losses"
    before = _column(page, table, 2)
    button = page.locator(f"{table} thead th:nth-child(2) button")
    button.focus()
    orders = []
    for state in ("descending", "ascending", "none"):
        page.keyboard.press("Enter")
        assert page.locator(f"{table} thead th:nth-child(2)").get_attribute("aria-sort") == state
        orders.append(_column(page, table, 2))
    numbers = [[int(re.sub(r"\D", "", text)) for text in order[1:] if text[0].isdigit()] for order in orders]
    assert {order[0] for order in orders} == {before[0]}
    assert numbers[0] == sorted(numbers[0], reverse=True)
    assert numbers[1] == sorted(numbers[1])
    assert len(numbers[0]) >= 4
    assert orders[2] == before


def test_periods_in_words_sort_by_time_and_amounts_of_several_currencies_not_at_all(visit: Callable[..., Visit]) -> None:
    page = visit("site/index.html").page
    table = page.locator("section[aria-labelledby=monthly] table")
    assert table.locator("thead button").all_inner_texts() == ["Period", "Series", "Cases or reports", "Edition", "Known by"]
    table.get_by_role("button", name="Period").click()
    column = table.locator("tbody th").all_inner_texts()
    assert [words.split("\n")[0] for words in column] == ["January 2026", "April 2025", "February 2025", "December 2024"]


@pytest.mark.parametrize("name", [f"{RELEASE}/index.html", "site/index.html"])
def test_on_a_phone_the_newest_bar_of_a_narrow_chart_is_in_sight_and_what_is_wider_shows_an_edge(
    visit: Callable[..., Visit], name: str
) -> None:
    page = visit(name).page
    page.set_viewport_size(PHONE)
    narrow = page.locator("figure.narrow > svg")
    assert narrow.count() >= 2
    for box in (drawn.bounding_box() for drawn in narrow.all()):
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]
    rolling = (
        "found => found.filter((box) => box.scrollWidth > box.clientWidth).map((box) => getComputedStyle(box).backgroundImage)"
    )
    edges = page.locator(".scroll:visible, figure.wide").evaluate_all(rolling)
    assert edges
    assert all("linear-gradient" in edge for edge in edges)
    first = page.locator(".scroll:visible").first
    first.evaluate("box => box.scrollLeft = box.scrollWidth")
    named, place = (part.bounding_box() for part in (first.locator("tbody th").first, first))
    assert named is not None
    assert place is not None
    assert named["x"] == pytest.approx(place["x"], abs=1)


def test_two_charts_of_few_periods_stand_beside_each_other(visit: Callable[..., Visit]) -> None:
    page = visit(KINDS[0]).page
    for media, width in (("screen", DESKTOP["width"]), ("print", 702)):
        page.emulate_media(media=media)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        one, two = (page.locator(f"#chart-together_{name}").bounding_box() for name in ("loss", "cases"))
        assert one is not None
        assert two is not None
        assert one["y"] == two["y"]
        assert one["x"] + one["width"] < two["x"]


@pytest.mark.parametrize("name", [KINDS[0], KINDS[2]])
def test_a_long_table_shows_only_the_rows_with_the_words_that_are_typed(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name).page
    field = page.locator(".filter input:visible").first
    table = page.locator(".filter:has(input:visible) + .scroll table").first
    rows = table.locator("tbody tr")
    every = rows.count()
    word = rows.nth(3).locator("td, th").first.inner_text().split("\n")[0]
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in word)
    for typed in (word, word.upper(), wide):
        field.fill(typed)
        shown = [row.inner_text() for row in rows.all() if row.is_visible()]
        assert 0 < len(shown) <= every
        assert all(word in text for text in shown)
        assert page.locator(".filter:has(input:visible) output").first.inner_text() == f"{len(shown)} of {every} rows"
    field.fill("no row has these words")
    assert not any(row.is_visible() for row in rows.all())
    field.fill("")
    assert all(row.is_visible() for row in rows.all())


def test_a_reader_chooses_the_colours_and_every_page_keeps_them(visit: Callable[..., Visit], folder: Path) -> None:
    page = visit(KINDS[0]).page
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(20, 23, 28)"
    assert page.evaluate(colour) == light
    page.get_by_label("Colours").select_option("dark")
    assert page.evaluate(colour) == dark
    assert _violations(page, runOnly=["color-contrast"]) == []
    page.goto((folder / "site/index.html").as_uri())
    assert page.evaluate(colour) == dark
    page.emulate_media(color_scheme="dark")
    page.get_by_label("Colours").select_option("light")
    assert page.evaluate(colour) == light
    page.get_by_label("Colours").select_option("")
    assert page.evaluate(colour) == dark
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(colour) == light


def test_marks_explain_themselves_and_a_link_opens_what_is_folded(visit: Callable[..., Visit], folder: Path) -> None:
    page = visit(f"{RELEASE}/index.html").page
    assert "derived here" in str(page.locator("abbr", has_text="[d]").first.get_attribute("title"))
    inside = page.locator("details [id]").first.get_attribute("id")
    assert not page.locator(f"[id='{inside}']").is_visible()
    page.goto(f"{(folder / RELEASE / 'index.html').as_uri()}#{inside}")
    assert page.locator(f"[id='{inside}']").is_visible()


def test_the_other_language_opens_at_the_same_place(visit: Callable[..., Visit]) -> None:
    seen = visit(f"{RELEASE}/index.html")
    seen.page.goto(f"{seen.page.url}#legend")
    for name, code, heading in (("index.ja.html", "ja", "記号と方法"), ("index.html", "en", "Marks and methods")):
        seen.page.locator(".languages a").click()
        assert seen.page.url.endswith(f"/{name}#legend")
        assert seen.page.locator("html").get_attribute("lang") == code
        assert seen.page.locator("h2#legend").inner_text() == heading
    assert seen.complaints == []


def test_japanese_is_drawn_with_letters_that_the_machine_has(visit: Callable[..., Visit]) -> None:
    page = visit(f"{RELEASE}/index.ja.html").page
    widths = page.evaluate(
        "() => { const pen = document.createElement('canvas').getContext('2d'); pen.font = getComputedStyle(document.body).font;"
        " return ['被害額', '\\uffff\\uffff\\uffff'].map((words) => pen.measureText(words).width); }"
    )
    assert widths[0] == pytest.approx(3 * 16, abs=1)


def test_a_figure_leads_to_its_line_and_back(visit: Callable[..., Visit]) -> None:
    page = visit(KINDS[0]).page
    page.locator("#table-special_fraud_losses tbody td a").first.click()
    assert page.url.rpartition("/")[2].startswith("trace_npa_annual")
    line = page.locator("tr:target")
    assert line.is_visible()
    assert "K4" in line.inner_text()
    page.locator(".kicker a").first.click()
    assert page.url.endswith("index.html")


def test_without_script_the_page_says_the_same(visit: Callable[..., Visit]) -> None:
    with_script, without = (visit(KINDS[0], java_script_enabled=allowed).page for allowed in (True, False))
    assert with_script.locator("main").text_content() == without.locator("main").text_content()


def test_no_year_and_no_day_is_broken_into_lines_on_paper(kind: Visit) -> None:
    kind.page.set_viewport_size({"width": 702, "height": 900})
    kind.page.emulate_media(media="print")
    broken = kind.page.locator("tbody :is(th, td)").evaluate_all(
        """cells => cells.flatMap((cell) => [cell.firstChild, cell.firstChild?.firstChild])
            .filter((node) => node?.nodeType === Node.TEXT_NODE && /^\\d{4}(-\\d\\d-\\d\\d)?$/.test(node.textContent.trim()))
            .filter((node) => {
                const words = document.createRange();
                words.selectNodeContents(node);
                return words.getClientRects().length > 1;
            }).map((node) => node.textContent)"""
    )
    kind.page.emulate_media(media="screen")
    assert broken == []


def test_paper_has_every_section_and_what_was_folded(visit: Callable[..., Visit], tmp_path: Path) -> None:
    page = visit(KINDS[2]).page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).page") == "wide", "lines of a trace stay with their heads"
    page = visit(KINDS[0]).page
    printed = page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True)
    page.emulate_media(media="print")
    assert printed.startswith(b"%PDF")
    headings = page.locator("h2")
    assert headings.count() >= 8
    assert not any(field.is_visible() for field in page.locator(".filter").all())
    assert "(npa_annual)" in page.locator("figure.chart .under").first.inner_text()
    assert all(heading.is_visible() for heading in headings.all())
    assert page.locator("details").count() >= 1
    assert page.locator("details:not([open])").count() == 0


# ------------------------------------------------------------------------------------------------------- charts as files

CHARTED = [f"{RELEASE}/index.html", "site/index.html"]
SVG = "{http://www.w3.org/2000/svg}"
MARKS = ("rect", "circle", "path", "text")


def _saved(page: Page, chart: Locator, kind: str, folder: Path) -> Path:
    button = chart.locator(f"button[data-as={kind}]")
    button.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def _png_pixels(page: Page, path: Path) -> dict[str, Any]:
    """Size of a picture, and how many of its pixels have a colour of their own."""
    data = base64.b64encode(path.read_bytes()).decode()
    seen: dict[str, Any] = page.context.browser.new_page().evaluate(  # type: ignore[union-attr]
        """async (data) => {
            const image = new Image();
            image.src = `data:image/png;base64,${data}`;
            await image.decode();
            const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
            const pen = canvas.getContext("2d");
            pen.drawImage(image, 0, 0);
            const bytes = pen.getImageData(0, 0, image.width, image.height).data;
            const colours = new Map();
            for (let at = 0; at < bytes.length; at += 4) {
                const colour = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]].join();
                colours.set(colour, (colours.get(colour) ?? 0) + 1);
            }
            return { width: image.width, height: image.height, colours: Object.fromEntries(colours) };
        }""",
        data,
    )
    return seen


@pytest.mark.parametrize("name", CHARTED)
def test_every_chart_is_saved_as_a_drawing_that_stands_alone(visit: Callable[..., Visit], name: str, tmp_path: Path) -> None:
    seen = visit(name)
    page = seen.page
    release_id = "one" if name.startswith("site") else "0123456789ab"
    # The file is for paper and slides, whatever the colours of the page that it is taken from.
    page.emulate_media(color_scheme="dark")
    assert page.locator("figure.chart").count() >= 1
    for chart in page.locator("figure.chart").all():
        path = _saved(page, chart, "svg", tmp_path)
        text = path.read_text(encoding="utf-8")
        assert "var(" not in text
        found = ElementTree.fromstring(text)
        (marks,) = found.findall(f"{SVG}g")
        for mark in MARKS:
            assert len(list(marks.iter(f"{SVG}{mark}"))) == chart.locator(f"> svg {mark}").count(), mark
        caption = str(chart.locator("figcaption").evaluate("caption => caption.firstChild.textContent")).strip()
        words = " ".join(str(part.text) for part in found.findall(f"{SVG}text"))
        assert found.findtext(f"{SVG}title") == caption
        assert caption in words
        assert "Source: National Police Agency of Japan" in words
        assert f"release {release_id} of 2025. Figures known by 20 September 2026" in words
        assert all(item in words for item in chart.locator(".legend li").all_inner_texts())
        assert path.name == f"{chart.get_attribute('id')}-2025-{release_id}.svg"
        # The light page's colours, not the dark one's.
        assert "#0b5fa5" in text
        assert "#5aa9e6" not in text
    assert seen.complaints == []
    assert {url.partition(":")[0] for url in seen.requests} <= {"file", "data", "blob"}


def test_a_chart_is_saved_as_a_picture_of_twice_its_size_that_shows_it(visit: Callable[..., Visit], tmp_path: Path) -> None:
    seen = visit(CHARTED[0])
    chart = seen.page.locator("figure.chart").first
    drawing = ElementTree.fromstring(_saved(seen.page, chart, "svg", tmp_path).read_text(encoding="utf-8"))
    found = _png_pixels(seen.page, _saved(seen.page, chart, "png", tmp_path))
    assert (found["width"], found["height"]) == tuple(2 * int(drawing.attrib[name]) for name in ("width", "height"))
    whole = found["width"] * found["height"]
    # White paper, and bars in the colours of the first two series.
    assert found["colours"]["255,255,255,255"] > whole / 2
    inked = sum(count for colour, count in found["colours"].items() if colour != "255,255,255,255")
    assert inked > whole / 50
    assert seen.complaints == []


def test_behind_every_chart_stands_a_table_with_each_of_its_points(visit: Callable[..., Visit]) -> None:
    for name in CHARTED:
        page = visit(name).page
        for chart in page.locator("figure.chart").all():
            told = chart.locator("> svg rect title, > svg circle title").all_text_contents()
            assert told
            chart.locator("summary").focus()
            page.keyboard.press("Enter")
            rows = chart.locator("tbody tr").all_inner_texts()
            heads = chart.locator("thead").inner_text()
            assert chart.locator("table").is_visible()
            for words in told:
                # "Series, category: figure unit"
                figure = re.sub(r"^.*: ", "", words).split(" ")[0]
                series, _, category = words.rpartition(": ")[0].rpartition(", ")
                assert any(figure in row and (category in row or series in row) for row in rows), words
                assert series in heads or category in heads


def test_data_docs_open_from_disk_without_a_network_and_say_what_was_checked(browser: Browser, tmp_path: Path) -> None:
    verdict = judged("cafc", cafc_file(tmp_path, REPORT.replace("Ontario,Ontario", f"{HOSTILE},Ontario"))).to_json()
    for name, content in data_docs.build([verdict]).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "index.html").as_uri())
    page.locator("tbody a").click()
    assert page.locator("table.rules tbody tr").count() == len(verdict["rules"])
    shown = page.inner_text("main")
    for rule in verdict["rules"]:
        assert rule["rule_id"] in shown
    assert "1 rows set aside" in shown
    assert "As Great Expectations shows the" in shown
    assert page.locator("main table").nth(1).is_visible()
    assert page.title() != "taken over"
    assert complaints == []
    assert {url.partition(":")[0] for url in asked} == {"file"}
    assert len(asked) == 2
