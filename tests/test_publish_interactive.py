"""The interactive form of charts: specifications that are Vega-Lite and hold no figure, what pages say, the site's assets."""

from __future__ import annotations

import hashlib
import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import altair as alt
import jsonschema
import pytest

from pipeline import steps, verification
from pipeline.publish import chart_assets, chart_specifications, charts, svg
from pipeline.publish.languages import speaking
from pipeline.publish.markup import chart_data
from tests import chart_sample
from tools import chart_assets as tool

KINDS = ("lines", "stacked_bars", "small_multiples", "bars_side_by_side", "pyramid", "tile_map")
MADE = chart_sample.charts()


@pytest.fixture(scope="module")
def specifications() -> dict[str, dict[str, Any]]:
    return chart_specifications.specifications()


def parts(value: Any, name: str) -> list[Any]:
    """Every value of a name, anywhere in a specification."""
    if isinstance(value, list):
        return [found for item in value for found in parts(item, name)]
    if not isinstance(value, dict):
        return []
    return [*([value[name]] if name in value else []), *(found for item in value.values() for found in parts(item, name))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_specification_is_vega_lite_and_one_with_a_fault_is_refused(specifications: dict[str, Any], kind: str) -> None:
    found = specifications[kind]
    assert alt.Chart.from_dict(found)
    assert found["$schema"].endswith(f"/vega-lite/{alt.SCHEMA_VERSION}.json")
    broken = {**found, "padding": "wide"}
    with pytest.raises(jsonschema.ValidationError):
        alt.Chart.from_dict(broken)


@pytest.mark.parametrize("kind", KINDS)
def test_a_specification_has_parameters_and_no_figure(specifications: dict[str, Any], kind: str) -> None:
    found = specifications[kind]
    assert {json.dumps(data) for data in parts(found, "data")} == {'{"name": "rows"}'}
    assert not parts(found, "datasets")
    assert {"shown", "read", "axis_title"} <= {param["name"] for param in found["params"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_mark_of_a_figure_tells_it_to_a_pointer_and_to_a_screen_reader(specifications: dict[str, Any], kind: str) -> None:
    told = {"field": "told", "type": "nominal"}
    encodings = [item for item in parts(specifications[kind], "encoding") if "tooltip" in item]
    assert encodings
    assert all(item["tooltip"] == told for item in encodings)
    assert [item for item in encodings if item.get("description") == told]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tile_map"])
def test_what_is_provisional_is_dashed_and_light(specifications: dict[str, Any], kind: str) -> None:
    text = json.dumps(specifications[kind])
    assert re.search(r'"strokeDash": \{"condition": \{"test": "datum.provisional[^"]*", "value": \[\d, \d\]', text)
    assert re.search(r'"fillOpacity": \{"condition": \{"test": "datum.provisional", "value": 0\.\d+\}', text)


@pytest.mark.parametrize("kind", ["lines", "stacked_bars", "small_multiples"])
def test_breaks_are_dashed_rules_that_say_why(specifications: dict[str, Any], kind: str) -> None:
    layers = specifications[kind].get("layer") or specifications[kind]["spec"]["layer"]
    rules = [layer for layer in layers if layer["mark"].get("stroke") == "var(--chart-break)"]
    assert [rule["mark"]["type"] for rule in rules] == ["rule"]
    assert rules[0]["mark"]["strokeDash"] == [5, 4]
    assert {"filter": "datum.kind === 'break'"} in rules[0]["transform"]
    assert rules[0]["encoding"]["tooltip"]["field"] == "told"


def test_a_specification_takes_its_colours_from_the_page(specifications: dict[str, Any]) -> None:
    text = json.dumps(specifications)
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb\(", text)
    style = (Path(svg.__file__).parent / "templates" / "style.css.j2").read_text(encoding="utf-8")
    assert all(f"{name}:" in style for name in re.findall(r"var\((--[\w-]+)\)", text))


def test_every_kind_has_a_specification_and_every_specification_a_chart(specifications: dict[str, Any]) -> None:
    given = {chart.interactive.kind for chart in MADE.values() if chart.interactive}
    assert given == set(specifications) == set(KINDS)


# ------------------------------------------------------------------------------------------------ what a page says of a chart


def said(chart: charts.Chart) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(html.unescape(chart_data(chart)))
    return found


def test_a_page_says_axes_breaks_and_gaps_and_no_figure() -> None:
    lines = said(MADE["lines"])
    assert lines == {
        "kind": "lines",
        "axes": [["Cases", 1]],
        "breaks": [["", "2023-09", "types change"]],
        "gaps": ["2023-06"],
    }
    assert said(MADE["bars_side_by_side"])["axes"] == [["Loss, billion yen", 10**9], ["Cases", 1]]
    assert said(MADE["tile_map"])["tiles"] == [["ON", 1, 0], ["X", 2, 0], ["YT", 0, 0], ["QC", 2, 1]]
    assert said(MADE["shaded_map"])["shaded"] is True
    for chart in MADE.values():
        assert not any(point.text in chart_data(chart) for point in chart.points if len(point.text) > 4)


def test_a_page_says_it_in_its_language() -> None:
    assert said(MADE["stacked_bars"])["axes"] == [["Loss, billion yen", 10**9]]
    with speaking("ja"):
        assert said(MADE["stacked_bars"])["axes"] == [["被害額（億円）", 10**8]]


def test_hostile_words_stay_within_their_attribute() -> None:
    for chart in MADE.values():
        text = chart_data(chart)
        assert not set("<>'") & set(text)
    assert said(MADE["stacked_bars"])["breaks"] == [["", "2020", chart_sample.HOSTILE]]


def test_a_page_with_charts_opens_its_policy_for_what_its_own_script_adds_and_no_other_page_does() -> None:
    page = chart_sample.pages(MADE)["kinds.html"].decode()
    bare = chart_sample.pages({})["kinds.html"].decode()
    policies = [re.findall(r"script-src ([^;]+);", text) for text in (page, bare)]
    assert re.fullmatch(r"'sha256-[^']+' 'strict-dynamic'", policies[0][0])
    assert re.fullmatch(r"'sha256-[^']+'", policies[1][0])
    assert '<meta name="charts" content="charts.js"' in page
    assert "charts.js" not in bare.partition("<script>")[0]
    assert "unsafe-eval" not in page


# ------------------------------------------------------------------------------------------------------ the assets of the site


def test_the_library_and_the_specifications_have_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib\nfrom pipeline.publish.chart_assets import made_assets\n"
        "for name, make in made_assets().items(): print(name, hashlib.sha256(make()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "1"}
    )
    elsewhere = dict(line.split() for line in done.stdout.splitlines())
    assert elsewhere == {name: hashlib.sha256(make()).hexdigest() for name, make in chart_assets.made_assets().items()}
    assert [re.sub(r"-.*(?=\.js)", "", name) for name in elsewhere] == ["vega.js", "chart_specifications.js"]


def test_what_was_prepared_with_the_environment_is_taken_unless_a_byte_of_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart_assets, "PREPARED", tmp_path / "share")
    name, make = next(iter(chart_assets.lasting_assets().items()))
    made = chart_assets.made_assets()[name]()
    assert make() == made, "nothing is prepared"
    path = chart_assets.prepared_path(name, b"prepared")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"prepared")
    assert make() == b"prepared"
    path.write_bytes(b"prepareD")
    assert make() == made


def test_the_tool_prepares_what_a_site_needs_and_takes_away_what_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (chart_assets, tool):
        monkeypatch.setattr(module, "PREPARED", tmp_path / "share")
    (tmp_path / "share" / "0").mkdir(parents=True)
    tool.main()
    found = {path.name: path.read_bytes() for path in (tmp_path / "share").rglob("*.js")}
    assert found == {name: make() for name, make in chart_assets.made_assets().items()}
    monkeypatch.setattr(chart_assets, "_library", lambda: pytest.fail("made again"))
    assert {name: make() for name, make in chart_assets.lasting_assets().items()} == found
    assert len(list((tmp_path / "share").iterdir())) == 2


def test_the_script_names_the_files_that_it_needs_and_says_its_words_in_both_languages() -> None:
    script = chart_assets.chart_assets()["charts.js"]().decode()
    assert json.dumps(list(chart_assets.lasting_assets()), separators=(",", ":")) in script
    assert {"Read the figures one by one", "数値を一つずつ読む", "断絶"} <= set(re.findall(r'"([^"]+)"', script))
    assert not re.search(r"https?://", script)


def test_assets_that_are_there_are_not_made_again_and_those_that_are_gone_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw").mkdir()
    steps.build_site(data=tmp_path)
    site = tmp_path / "processed" / "site"
    lasting = [site / name for name in chart_assets.lasting_assets()]
    before = {path.name: path.read_bytes() for path in [*lasting, site / "charts.js"]}
    assert verification.verify(data=tmp_path).problems == []

    with monkeypatch.context() as patch:
        for name in ("_library", "_specifications", "_prepared_or_made"):
            patch.setattr(chart_assets, name, lambda *_: pytest.fail("made again"))
        assert steps.build_site(data=tmp_path) is False
    lasting[0].unlink()
    assert [str(lasting[0]) in problem for problem in verification.verify(data=tmp_path).problems] == [True]
    assert steps.build_site(data=tmp_path) is True
    lasting[1].write_bytes(lasting[1].read_bytes().replace(b"shown", b"shewn"))
    (problem,) = verification.verify(data=tmp_path).problems
    assert f"{lasting[1]}: its bytes are not those" in problem
    lasting[1].unlink()
    assert steps.build_site(data=tmp_path) is True
    assert {name: (site / name).read_bytes() for name in before} == before


def test_assets_of_another_version_are_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(chart_assets, "version", lambda name: "0")
        steps.build_site(data=tmp_path)
    site = tmp_path / "processed" / "site"
    assert (site / "vega-0.js").is_file()
    steps.build_site(data=tmp_path)
    assert {path.name for path in site.glob("*.js")} == {"charts.js", *chart_assets.lasting_assets()}
    assert verification.verify(data=tmp_path).problems == []
