"""What a release says of its own history: reasons, changed figures, the vintages of its headline, and revision statistics."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import functools
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from pipeline.aggregate.revisions import History, accumulated, differences, history
from pipeline.frames import (
    CHANGE_COLUMNS,
    RECORD_CHANGE_SCHEMA,
    REVISION_COLUMNS,
    VINTAGE_COLUMNS,
    empty_frame,
    observations_frame,
    row_records,
)
from pipeline.model import REASON_OF_CHANGE, REASONS, FraudlossError, Period
from pipeline.publish import package, release
from pipeline.publish.families import Families
from pipeline.publish.figures import figures, rows_of
from pipeline.publish.replaced import replaced_figures
from pipeline.publish.revision_tables import lead_sentences, listed_changes, revision_tables
from pipeline.publish.revisions import (
    VINTAGE_LINE,
    HeadlineHistory,
    Histories,
    ReleaseRevisions,
    Vintage,
    headline_histories,
    reasons_of,
    revision_statistics,
    row_of,
    vintage_lines,
)
from pipeline.publish.roles import is_own
from pipeline.publish.traces import links, replaced_lines, trace_pages
from pipeline.sources.catalogue import source
from tests import publish_sample as sample
from tests.figures import declared, frame, row, snapshot
from tests.shipped import derived_as_of, shipped

YEAR = Period.parse("2024")


@functools.cache
def press() -> History:
    """The history of the National Police Agency's releases as they were quoted."""
    snapshots, observations = shipped("npa_releases")
    return history(observations, list(snapshots), source("npa_releases"))


def known_on(day: str, period: Period = YEAR) -> tuple[pd.DataFrame, ReleaseRevisions]:
    """The rows of the release of a year, as far as they were known on a day, and its history up to then."""
    found, last = press(), dt.date.fromisoformat(day)
    revisions = found.revisions[[item <= last for item in found.revisions["vintage"]]].reset_index(drop=True)
    units = found.vintages[[item <= last for item in found.vintages["vintage"]]].reset_index(drop=True)
    rows = release.fingerprint_rows(derived_as_of("npa_releases", day), "annual", period)
    histories = Histories(revisions, units, empty_frame(RECORD_CHANGE_SCHEMA), accumulated)
    return rows, histories.of_release(rows, period, days_covered(period, last))


def days_covered(period: Period, last: dt.date) -> set[dt.date]:
    """The days up to the last on which a release of the police came that prints figures of the period."""
    _, observations = shipped("npa_releases")
    days = zip(observations["period"], observations["known_at"], strict=True)
    return {day for code, day in days if day <= last and is_own(code, period)}


def tables_of(day: str, period: Period = YEAR) -> dict[str, Any]:
    rows, revisions = known_on(day, period)
    families = Families([source("npa_releases")])
    found = figures(rows_of(rows), period, families)
    return {table.id: table for table in shown_tables(period, found, revisions, families)}


def shown_tables(period: Period, found: Sequence[Any], revisions: ReleaseRevisions, families: Families) -> list[Any]:
    histories = headline_histories(period, found, revisions, families)
    replaced = replaced_figures(found, revisions, listed_changes(period, revisions.changes), histories)
    return revision_tables(period, found, revisions, histories, replaced, families)


# ----------------------------------------------------------------------------------------------------------------- reasons


@pytest.mark.parametrize(
    ("day", "vintages", "reasons"),
    [
        ("2025-02-07", ["2025-02-07"], ("new_period",)),
        ("2025-05-23", ["2025-02-07", "2025-05-23"], ("new_figures", "revision", "reclassification")),
        # The release on the half-year of 2025 prints the first half of 2024 and the corrected loss of 2024 beside it.
        ("2025-07-31", ["2025-02-07", "2025-05-23", "2025-07-31"], ("new_figures", "correction")),
    ],
)
def test_a_release_says_why_it_takes_the_place_of_the_one_before(day: str, vintages: list[str], reasons: tuple[str, ...]) -> None:
    _, revisions = known_on(day)
    assert [item.isoformat() for item in revisions.vintages] == vintages
    assert revisions.reasons == reasons
    assert revisions.to_json()["vintages"] == vintages


def test_a_first_release_has_nothing_before_it_and_says_so() -> None:
    _, revisions = known_on("2025-02-07")
    assert revisions.changes.empty
    assert revisions.previous_vintage is None
    assert lead_sentences(revisions) == ("The first release of its period; its figures were known by 7 February 2025.",)


def test_a_correction_is_listed_cell_by_cell_with_both_values_and_where_they_stand() -> None:
    _, revisions = known_on("2025-07-31")
    changes = revisions.changes
    (loss,) = changes[
        (changes["measure"] == "loss")
        & (changes["unit"] == "JPY")
        & (changes["period"] == "2024")
        & (changes["native_type"] == "_T")
    ].to_dict("records")
    assert (loss["change"], loss["value_before"], loss["value_after"]) == (
        "corrected",
        Decimal(71_760_000_000),
        Decimal(71_880_000_000),
    )
    assert (loss["edition_before"], loss["edition_after"]) == ("final", "corrected")
    assert loss["origin_before"].startswith("2025-05-23-annual-final-2024.csv!")
    assert loss["origin_after"].startswith("2025-07-31-half-year-2025.csv!")


def test_a_revised_figure_carries_the_mark_of_its_status_as_it_does_elsewhere() -> None:
    rows, revisions = known_on("2025-07-31")
    broken = rows.assign(
        obs_status=["B" if period == "2024" else status for period, status in rows[["period", "obs_status"]].values]
    )
    families = Families([source("npa_releases")])
    for shown, marked in ((rows, False), (broken, True)):
        tables = shown_tables(YEAR, figures(rows_of(shown), YEAR, families), revisions, families)
        (changed,) = [table for table in tables if table.id == "revised_figures"]
        now = [line[5] for line in changed.rows if line[0].text == "2024" and line[5].value is not None]
        assert now
        assert all(("[b]" in cell.marks) == marked for cell in now)


def test_what_has_no_figure_before_it_carries_the_mark_of_the_workbook_in_the_page_too() -> None:
    rows, revisions = known_on("2025-07-31")
    families = Families([source("npa_releases")])
    tables = shown_tables(YEAR, figures(rows_of(rows), YEAR, families), revisions, families)
    (changed,) = [table for table in tables if table.id == "revised_figures"]
    first = [line for line in changed.rows if line[8].text == "new"]
    assert first
    assert {(line[k].text, line[k].marks) for line in first for k in (4, 6, 7)} == {("[z]", ("[z]",))}
    assert not [cell for line in changed.rows for cell in line[4:8] if cell.text == "–"]


def test_printing_the_same_again_is_a_confirmation_and_changes_nothing() -> None:
    snapshots = [snapshot("s1", "2025-02-07"), snapshot("s2", "2025-05-23")]
    rows = [row("2024", 5, snapshot=item.id, known_at=item.known_at) for item in snapshots]
    found = history(frame(*rows), snapshots, declared())
    shown = release.fingerprint_rows(found.view, "annual", YEAR)
    revisions = Histories(found.revisions, found.vintages, empty_frame(RECORD_CHANGE_SCHEMA)).of_release(
        shown, YEAR, [item.known_at for item in snapshots]
    )
    assert revisions.reasons == ("confirmation",)
    assert "No figure that this release shows has changed by it." in lead_sentences(revisions)


def test_what_was_revised_twice_between_two_releases_is_told_once_from_the_first_figure_to_the_last() -> None:
    """Files of other periods come between two files of 2024, which the releases of 2024 show for comparison."""
    days = {"s1": "2025-01-10", "s2": "2025-02-10", "s3": "2025-03-10", "s4": "2025-04-10"}
    printed = {"s1": {"2023": 5, "2024": 9}, "s2": {"2022": 3, "2023": 6}, "s3": {"2022": 4, "2023": 7}, "s4": {"2024": 10}}
    snapshots = [snapshot(name, day) for name, day in days.items()]
    rows = [
        row(period, value, snapshot=item.id, known_at=item.known_at)
        for item in snapshots
        for period, value in printed[item.id].items()
    ]
    found = history(frame(*rows), snapshots, declared())
    histories = Histories(found.revisions, found.vintages, empty_frame(RECORD_CHANGE_SCHEMA), accumulated)
    shown = release.fingerprint_rows(found.view, "annual", YEAR)
    revisions = histories.of_release(shown, YEAR, [dt.date.fromisoformat(days[name]) for name in ("s1", "s4")])
    printed_ones = revisions.changes[(revisions.changes["derivation"] == "").to_numpy(bool)]
    told = printed_ones[["period", "change", "value_before", "value_after"]].to_records(index=False).tolist()
    assert sorted(told) == [("2022", "new", None, 4), ("2023", "revised", 5, 7), ("2024", "revised", 9, 10)]
    assert len(found.revisions[(found.revisions["period"] == "2023").to_numpy(bool)]) >= 2


def test_every_kind_of_change_is_a_reason_that_has_words() -> None:
    assert set(REASON_OF_CHANGE.values()) <= set(REASONS)
    assert reasons_of(["confirmed", "corrected", "revised"]) == ("revision", "correction")


def test_a_release_whose_revisions_cannot_be_computed_is_refused_by_name() -> None:
    shown = release.fingerprint_rows(sample.view(), "annual", YEAR)
    known = sample.units(shown)
    without = known[known["table"] != "special_fraud"]
    histories = Histories(press().revisions.iloc[:0], without[VINTAGE_COLUMNS], empty_frame(RECORD_CHANGE_SCHEMA))
    with pytest.raises(FraudlossError, match=r"annual 2024 is not published.*table special_fraud"):
        histories.of_release(shown, YEAR, ())


# ------------------------------------------------------------------------------------------------------ history of headlines


def test_the_triangle_shows_721_5_717_6_and_718_8_with_their_marks() -> None:
    table = tables_of("2025-07-31")["vintages_loss"]
    (line,) = [cells for cells in table.rows if cells[0].native == "特殊詐欺" and cells[1].text == "2024"]
    vintages = [(cell.value / 10**8, cell.marks) for cell in line[3:6]]
    assert vintages == [(Decimal("721.5"), ("[p]",)), (Decimal("717.6"), ()), (Decimal("718.8"), ("[r]",))]
    assert [cell.small.split(" · ")[1:3] for cell in line[3:6]] == [
        ["2025-02-07", "provisional"],
        ["2025-05-23", "final"],
        ["2025-07-31", "corrected"],
    ]
    assert [cell.text for cell in line[-2:]] == ["−270,000,000", "−0.37"]


def test_the_loss_of_2015_was_revised_by_1_09_per_cent() -> None:
    """476.8 -> 482.0 oku: provisional release of 2016-01-28 against the release of 2017-02-02."""
    table = tables_of("2017-02-02", Period.parse("2016"))["vintages_loss"]
    (line,) = [cells for cells in table.rows if cells[1].text == "2015"]
    assert line[-1].text == "+1.09"


def test_the_source_that_leads_speaks_from_the_day_on_which_it_has_the_figure() -> None:
    press_day, book_day = dt.date(2025, 5, 23), dt.date(2026, 9, 20)
    shown = release.fingerprint_rows(sample.view(), "annual", YEAR)
    families = Families(sample.sources())
    units = sample.units(shown)
    units["vintage"] = [book_day if item == "npa_annual" else press_day for item in units["source"]]
    revisions = Histories(press().revisions.iloc[:0], units, empty_frame(RECORD_CHANGE_SCHEMA)).of_release(shown, YEAR, ())
    found = figures(rows_of(shown), YEAR, families)
    histories = headline_histories(YEAR, found, revisions, families)
    (loss,) = [item for item in histories if (item.family, item.measure, item.period) == ("special_fraud", "loss", "2024")]
    assert loss.vintages[-1].source == "npa_annual"
    assert loss.vintages[-1].value == Decimal(71_877_275_370)


def headline(period: str, *values: int, printed_again: bool = True) -> HeadlineHistory:
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=place) for place in range(len(values))]
    vintages = tuple(Vintage(day, "npa", Decimal(value), "final", None) for day, value in zip(days, values, strict=True))
    return HeadlineHistory("special_fraud", "loss", "JPY", "scheme", period, vintages, printed_again)


def test_mean_and_relative_mean_absolute_revision_are_of_the_latest_against_the_first() -> None:
    """R = L - P; RMAR = sum |R| / sum |P|. What was printed once only has no revision yet."""
    found = revision_statistics(
        [headline("2022", 100, 104, 110), headline("2023", 200, 190), headline("2024", 500, printed_again=False)]
    )
    assert found == {("special_fraud", "loss", "JPY"): (2, Decimal(0), Decimal(10), Decimal(20) / Decimal(300))}


def test_a_difference_that_rounding_explains_is_no_revision() -> None:
    """The loss of 2021 was printed as 282.0 hundred million yen, and in the book as 28,199,462,547: the same figure."""

    def printed(*figures: tuple[int, int | None]) -> HeadlineHistory:
        vintages = tuple(
            Vintage(dt.date(2025, 1, 1 + place), "npa", Decimal(value), "final", None if half is None else Decimal(half))
            for place, (value, half) in enumerate(figures)
        )
        return HeadlineHistory("special_fraud", "loss", "JPY", "scheme", str(2020 + figures[0][0] % 7), vintages, True)

    rounded = printed((28_200_000_000, 5_000_000), (28_199_462_547, None))
    revised = printed((44_123_700_000, 50_000), (45_256_436_710, None))
    ((count, mean, absolute, __),) = revision_statistics([rounded, revised]).values()
    assert (count, mean, absolute) == (2, Decimal(1_132_736_710) / 2, Decimal(1_132_736_710) / 2)
    assert rounded.revision == -537_453, "the table of vintages shows what stands there"

    # In one unit no figure is rounded to two neighbours; in a larger unit a half may be rounded to either side.
    neighbours = printed((1_852_000_000, 500_000), (1_851_000_000, 500_000))
    assert neighbours.revision_beyond_rounding == -1_000_000
    half = printed((1_851_500_000, None), (1_852_000_000, 500_000))
    assert half.revision_beyond_rounding == 0


def test_a_figure_printed_once_has_no_revision_though_its_table_was_printed_again() -> None:
    """The cases of 2019 and 2020 were printed once by these releases, those of 2022 to 2024 two to four times."""
    rows, revisions = known_on("2026-06-30")
    families = Families([source("npa_releases")])
    histories = headline_histories(YEAR, figures(rows_of(rows), YEAR, families), revisions, families)
    own = [item for item in histories if (item.family, item.measure) == ("special_fraud", "cases") and item.period >= "2019"]
    assert {item.period: item.printed_again for item in own} == {
        "2019": False,
        "2020": False,
        "2022": True,
        "2023": True,
        "2024": True,
    }
    # 17,520 -> 17,570; 19,033 -> 19,038; 20,987 -> 21,043
    assert revision_statistics(own)["special_fraud", "cases", "cases"] == (
        3,
        Decimal(37),
        Decimal(37),
        Decimal(111) / Decimal(57_540),
    )


def test_statistics_of_nothing_are_nothing_and_of_zero_have_no_relative_revision() -> None:
    assert revision_statistics([headline("2024", 5, printed_again=False)]) == {}
    ((count, _, _, relative),) = revision_statistics([headline("2024", 0, 5)]).values()
    assert (count, relative) == (1, None)


# ---------------------------------------------------------------------------------------------------------- page and files


def revised_release() -> release.ReleaseInput:
    rows, revisions = known_on("2025-07-31")
    snapshots = [item for item in shipped("npa_releases")[0] if item.id in set(rows["snapshot"])]
    return dataclasses.replace(
        sample.given("2024", rows), revisions=revisions, sources=[source("npa_releases")], snapshots=snapshots
    )


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release.build(revised_release())


def test_revisions_csv_has_one_line_for_each_change(files: dict[str, bytes]) -> None:
    lines = list(csv.DictReader(io.StringIO(files["revisions.csv"].decode())))
    assert list(lines[0]) == CHANGE_COLUMNS
    assert len(lines) == len(revised_release().revisions.changes)
    assert {line["change"] for line in lines} == {"corrected", "new"}


def test_vintages_csv_has_the_totals_as_they_stood_on_each_day() -> None:
    rows, revisions = known_on("2025-07-31")
    families = Families([source("npa_releases")])
    histories = headline_histories(YEAR, figures(rows_of(rows), YEAR, families), revisions, families)
    content = package.lines_csv(VINTAGE_LINE, vintage_lines(histories)).decode()
    lines = [line for line in csv.DictReader(io.StringIO(content)) if line["period"] == "2024" and line["measure"] == "loss"]
    told = [(line["known_at"], line["value"], line["precision"], line["edition"], line["change"]) for line in lines]
    assert [line for line, whole in zip(told, lines, strict=True) if whole["family"] == "special_fraud"] == [
        ("2025-02-07", "72150000000", "5000000", "provisional", ""),
        ("2025-05-23", "71760000000", "5000000", "final", "reclassified"),
        ("2025-07-31", "71880000000", "5000000", "corrected", "corrected"),
    ]
    assert content == package.lines_csv(VINTAGE_LINE, vintage_lines(histories[::-1])).decode()


def test_a_release_without_totals_has_the_vintages_columns_alone() -> None:
    assert package.lines_csv(VINTAGE_LINE, vintage_lines([])).decode() == ",".join(VINTAGE_LINE) + "\n"


def test_the_page_has_a_section_on_revisions(files: dict[str, bytes]) -> None:
    page = files["index.html"].decode()
    section = page[page.index('<section aria-labelledby="revisions"') :]
    assert "more became known than by 23 May 2025" in section
    # Whether a release was ever published on that day, no release can know.
    assert "takes the place" not in section.split("</section>")[0]
    assert "a correction by the publisher" in section
    assert 'href="#revisions"' in page


def test_a_first_release_has_the_file_with_its_columns_alone() -> None:
    built = release.build(sample.given("2024"))
    assert built["revisions.csv"].decode() == ",".join(CHANGE_COLUMNS) + "\n"


def test_records_are_shown_from_file_to_file_with_their_lag() -> None:
    records = pd.DataFrame(
        [
            ("cafc", "2024-01", dt.date(2024, 4, 4), None, "s1", 0, 90, 90, 0, 0, 64),
            ("cafc", "2024-01", dt.date(2024, 7, 4), "s1", "s2", 90, 100, 12, 2, 1, 155),
        ],
        columns=RECORD_CHANGE_SCHEMA.names,
        dtype=object,
    )
    revisions = dataclasses.replace(sample.first_release(sample.view()), records=records)
    (table,) = [table for table in shown_tables(YEAR, [], revisions, Families([])) if table.id == "record_revisions"]
    assert [[cell.text for cell in line[3:]] for line in table.rows] == [
        ["64", "90", "90", "0", "0", "90.00"],
        ["155", "100", "12", "2", "1", "100.00"],
    ]
    assert {cell.href for line in table.rows for cell in line[3:]} == {"trace_cafc.html#snapshots"}


# ------------------------------------------------------------------------------------------------ figures that were replaced


def printed(value: int, edition: str, day: str, snapshot_id: str) -> dict[str, Any]:
    about = {"snapshot": snapshot_id, "known_at": dt.date.fromisoformat(day), "edition": edition}
    return sample.row("npa_releases", "special_fraud", "2024", "loss", "JPY", value, **about)


def test_one_id_with_two_values_has_a_line_for_each_and_one_value_of_two_files_leads_on() -> None:
    """Our code made 5 of 4 from the same file; a later file printed the 5 again, which is no change."""
    first, made, again = (
        observations_frame([printed(value, "final", day, name)])
        for value, day, name in ((4, "2025-01-01", "one"), (5, "2025-01-01", "one"), (5, "2025-03-01", "two"))
    )
    found = figures(rows_of(again), YEAR, Families(sample.sources()))
    (row,) = row_records(differences(first, made))
    lines = pd.DataFrame([{**row, "vintage": dt.date(2025, 2, 1)}], columns=REVISION_COLUMNS, dtype=object)
    revisions = dataclasses.replace(sample.first_release(again), revisions=lines)
    vintages = tuple(
        Vintage(day, "npa_releases", item.value, "final", None, row=item)
        for day, item in ((dt.date(2025, 1, 1), row_of(row, "before")), (dt.date(2025, 2, 1), row_of(row, "after")))
    )
    history_of = HeadlineHistory("special_fraud", "loss", "JPY", "npa_2020", "2024", vintages, True)
    replaced = replaced_figures(found, revisions, [row], [history_of])
    was, same = replaced.figures
    assert was.row.id == same.row.id
    assert (was.anchor, same.anchor) == (was.row.id, f"{was.row.id}-2025-01-01")
    assert (was.until, was.by) == (dt.date(2025, 2, 1), same.anchor)
    assert (same.until, same.by) == (None, again["id"].iloc[0])
    assert [replaced.anchor(item.row) for item in vintages] == [was.anchor, same.anchor]
    (page,) = trace_pages(found, replaced.figures)
    assert [item.anchor for item in page.replaced] == [was.anchor, same.anchor]
    shown = str(replaced_lines(page.replaced, links([page])))
    assert f'it stood until 1 February 2025: <a href="trace_npa_releases.html#{same.anchor}">the figure in its place</a>' in shown
    assert f'<a href="trace_npa_releases.html#{same.by}">a later file</a> prints the same' in shown


def test_a_source_of_which_everything_was_withdrawn_still_has_its_traces() -> None:
    (row,) = row_records(differences(observations_frame([printed(4, "final", "2025-01-01", "one")]), sample.view().iloc[:0]))
    lines = pd.DataFrame([{**row, "vintage": dt.date(2025, 2, 1)}], columns=REVISION_COLUMNS, dtype=object)
    revisions = dataclasses.replace(sample.first_release(sample.view()), revisions=lines)
    (gone,) = replaced_figures([], revisions, [row], []).figures
    (page,) = trace_pages([], [gone])
    assert (page.source, page.tables, page.snapshots) == ("npa_releases", (), {"one"})
    assert "it stood until 1 February 2025</td>" in str(replaced_lines(page.replaced, links([page])))
