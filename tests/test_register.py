"""The register of tables is no promise: what it calls made stands in a release, and what it calls lacking is in no figure."""

from __future__ import annotations

import functools
import re

import pandas as pd
import pytest

from pipeline.frames import observations_frame
from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish import release
from pipeline.publish.families import Families
from pipeline.publish.figures import figures, rows_of
from pipeline.publish.register import register_tables
from pipeline.publish.register_entries import REGISTER, Entry
from pipeline.publish.register_facts import Facts
from pipeline.publish.roles import periods_with_figures
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.shipped import everything

pytestmark = pytest.mark.slow(seconds=25)
# Of several periods they need more than figures of one: what stands is looked for by its heading.
BY_HEADING = {"T03": "Contribution to the change", "T20": 'id="chart-\\w+_map"', "T31": "seasonally adjusted"}


@functools.cache
def facts_of_all() -> Facts:
    return Facts.of(everything())


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Period -> the pages with tables of its release, of all shipped figures."""
    made = {}
    for frequency in PUBLISHED_FREQUENCIES:
        for period in periods_with_figures(everything(), frequency):
            files = release.build(sample.given(period.code, everything(), sources=catalogue.sources()))
            names = [name for name in files if re.fullmatch(r"(index|tables_\w+(-\d+)?)\.html", name)]
            made[period.code] = "".join(files[name].decode() for name in sorted(names))
    return made


@pytest.fixture(scope="module")
def standing(pages: dict[str, str]) -> pd.DataFrame:
    """The figures that a table or a card of a release links to."""
    ids = {found for page in pages.values() for found in re.findall(r'href="trace_[^"#]*#(\w+)"', page)}
    view = everything()
    assert len(ids) > 2000
    return view[view["id"].isin(list(ids)).to_numpy(bool)]


@pytest.mark.parametrize("entry", REGISTER, ids=lambda entry: entry.code)
def test_what_the_register_says_of_each_source_is_what_stands_in_releases(standing: pd.DataFrame, entry: Entry) -> None:
    """Table by table: which fields each source gives, and whether as a table or in single cells."""
    assert entry.held(facts_of_all()) == entry.held(Facts.of(standing))


def test_each_release_has_of_its_own_period_all_that_its_sources_allow(pages: dict[str, str]) -> None:
    view, families = everything(), Families(catalogue.sources())
    compared = 0
    for code, page in pages.items():
        # Of what several sources print, one leads, and what is derived of the others is not shown.
        leading = {figure.row.id for figure in figures(rows_of(view[view["period"] == code]), Period.parse(code), families)}
        own = view[view["id"].isin(list(leading)).to_numpy(bool)]
        linked = set(re.findall(r'href="trace_[^"#]*#(\w+)"', page))
        allowed, stands = Facts.of(own), Facts.of(own[own["id"].isin(list(linked)).to_numpy(bool)])
        for entry in REGISTER:
            assert entry.held(stands) == entry.held(allowed), (code, entry.code)
            compared += bool(entry.held(allowed))
    assert compared > 450


def test_what_the_press_says_of_single_cells_is_called_no_table() -> None:
    register, _ = register_tables(everything(), (), Families(catalogue.sources()))
    lines = {line[0].text: [cell.text for cell in line] for line in register.rows}
    for code in ("T22", "T23", "T24", "T25"):
        assert lines[code][2] == "made in part"
        assert lines[code][3].startswith("further tables of the source. Lacking: all but single cells: no source gives it")
        assert lines[code][4] == "npa_releases (single cells)"
    # Age of the victims: the book has all ages, the press the share of those of 65 and over.
    assert "npa_releases (single cells" in lines["T14"][4]
    assert lines["T14"][4].endswith("npa_victims")
    # Private persons and organisations: the whole loss, and no number of cases.
    assert lines["T16"][3].endswith("Lacking: cases or reports: no source gives it")
    assert lines["T16"][4] == "internet_banking"


@pytest.mark.parametrize(
    ("parts", "is_whole"),
    [
        ({"ONLINE": 60, "PHONE": 31}, True),  # nine tenths of 100
        ({"ONLINE": 60, "PHONE": 29}, False),
        ({"ONLINE": 95}, False),  # one cell is no table, however large
        ({"ONLINE": 3, "PHONE": 2, "MAIL": 1, "FAX": 1, "OTHER": 1}, True),  # of those who say it
    ],
)
def test_a_breakdown_is_whole_where_it_makes_up_the_total_or_has_many_categories(parts: dict[str, int], is_whole: bool) -> None:
    same = ("npa_annual", "special_fraud", "2025", "cases", "cases")
    rows = [sample.row(*same, 100), *(sample.row(*same, value, contact=code) for code, value in parts.items())]
    facts = Facts.of(observations_frame(rows))
    assert facts.sources(["cases"], "contact") == {"npa_annual"}
    assert bool(facts.sources(["cases"], "contact", whole=True)) == is_whole


def test_one_type_that_is_broken_down_is_no_table_of_types_by_it() -> None:
    same = ("npa_annual", "special_fraud", "2025", "cases", "cases")
    both = [(sample.typed(native), code) for native in ("a", "b") for code in ("ONLINE", "PHONE")]
    rows = [sample.row(*same, 10, **typed) for typed in (sample.typed("a"), sample.typed("b"))]
    rows += [sample.row(*same, 5, contact=code, **typed) for typed, code in both]
    assert Facts.of(observations_frame(rows)).sources([], "contact", "type", whole=True) == {"npa_annual"}
    assert Facts.of(observations_frame(rows[:-2])).sources([], "contact", "type", whole=True) == set()


def test_tables_that_need_several_periods_stand_in_exactly_the_releases_that_are_counted(pages: dict[str, str]) -> None:
    families = Families(catalogue.sources())
    _, by_release = register_tables(everything(), pages.keys(), families)
    counted = {code: 0 for code in BY_HEADING}
    for line in by_release.rows:
        counted[line[0].text] += int(line[3].text)
    for code, heading in BY_HEADING.items():
        found = [period for period, page in pages.items() if re.search(heading, page)]
        # Two sources may have it in one release.
        assert len(found) <= counted[code], (code, found)
        assert bool(found) == bool(counted[code]), (code, found)


def test_what_is_called_lacking_names_what_no_figure_has(pages: dict[str, str]) -> None:
    register, _ = register_tables(everything(), pages.keys(), Families(catalogue.sources()))
    lacking = {line[0].text: line[3].text for line in register.rows if line[2].text == "not made"}
    assert lacking["T12"] == "no source gives the sum of its large losses"
    assert all(words.startswith(("no source", "figures of one country", "none of", "not ")) for words in lacking.values()), (
        lacking
    )
    view = everything()
    assert not (view["measure"] == "loss_prevented").any() or "T29" not in lacking
