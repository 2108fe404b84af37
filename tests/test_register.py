"""The register of tables is no promise: what it calls made stands in a release, and what it calls lacking is in no figure."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from pipeline.model import PUBLISHED_FREQUENCIES
from pipeline.publish import release
from pipeline.publish.families import Families
from pipeline.publish.register import REGISTER, Facts, register_tables
from pipeline.publish.roles import periods_with_figures
from pipeline.sources import catalogue
from tests import publish_sample as sample
from tests.shipped import everything

pytestmark = pytest.mark.slow(seconds=25)
# Of several periods they need more than figures of one: what stands is looked for by its heading.
BY_HEADING = {"T03": "Contribution to the change", "T20": 'id="chart-\\w+_map"', "T31": "seasonally adjusted"}


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
def test_the_sources_of_a_table_that_is_called_made_stand_in_releases(standing: pd.DataFrame, entry: object) -> None:
    assert entry.sources(Facts.of(everything())) == entry.sources(Facts.of(standing))  # type: ignore[attr-defined]


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
