"""The latest snapshot that covers a period speaks for it alone; an extract speaks for what it prints."""

import datetime as dt
from decimal import Decimal

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.aggregate.view import Printing, in_force, known_by, printings
from tests.figures import frame, none, only, row, snapshot
from tests.shipped import as_of, value

OLD = snapshot("s1", "2025-05-23")
NEW = snapshot("s2", "2026-05-22")


def test_a_later_whole_file_replaces_the_period_and_takes_away_cells_that_it_no_longer_has() -> None:
    figures = frame(
        row("2024", 717, snapshot="s1"),
        row("2024", 5, snapshot="s1", native_type="a"),
        row("2024", 718, snapshot="s2"),
    )
    view = in_force(figures, [OLD, NEW])
    assert only(view, native_type="_T")["value"] == Decimal(718)
    assert none(view, native_type="a")


def test_an_older_file_still_speaks_for_periods_that_the_later_one_does_not_hold() -> None:
    view = in_force(frame(row("2016", 1, snapshot="s1"), row("2017", 2, snapshot="s2")), [OLD, NEW])
    assert sorted(view["period"]) == ["2016", "2017"]


def test_what_a_file_of_records_counts_up_to_its_last_month_is_gone_when_a_later_one_counts_the_year_further() -> None:
    """Reports come in late: a sum up to June as it was in July does not stand beside the months as they are in October."""
    first = [row("2024-01/2024-06", 10, snapshot="s1"), row("2023-01/2023-12", 25, snapshot="s1"), row("2023", 25, snapshot="s1")]
    for longer in ("2024-01/2024-09", "2024"):
        rows = [*first, row(longer, 15, snapshot="s2")]
        counted = frame(*({**each, "derivation": "records"} for each in rows))
        assert sorted(in_force(counted, [OLD, NEW])["period"]) == ["2023", "2023-01/2023-12", longer]
        # Of a ledger it is counted again with its months, and what a publisher prints was printed.
        assert len(in_force(counted, [OLD, NEW], of_ledger=True)) == len(in_force(frame(*rows), [OLD, NEW])) == 4
    again = frame(*({**each, "derivation": "records"} for each in (first[0], row("2024-01/2024-03", 4, snapshot="s2"))))
    assert len(in_force(again, [OLD, NEW])) == 2, "a later file that does not count so far leaves it"


def test_a_later_extract_changes_only_the_series_that_it_prints() -> None:
    extract = snapshot("s2", "2026-05-22", extract=True)
    figures = frame(
        row("2024", 717, snapshot="s1"),
        row("2024", 5, snapshot="s1", native_type="a"),
        row("2024", 718, snapshot="s2"),
    )
    view = in_force(figures, [OLD, extract])
    assert only(view, native_type="_T")["value"] == Decimal(718)
    assert only(view, native_type="a")["value"] == Decimal(5)


def test_an_extract_of_the_same_day_amends_the_whole_file() -> None:
    extract = snapshot("s0", "2025-05-23", extract=True)
    figures = frame(row("2025", None, absence="unreadable", snapshot="s1"), row("2025", 142309498218, snapshot="s0"))
    assert only(in_force(figures, [OLD, extract]))["value"] == Decimal(142309498218)


def test_an_extract_older_than_the_whole_file_is_silent() -> None:
    extract = snapshot("s0", "2025-02-07", extract=True)
    figures = frame(row("2024", 721, snapshot="s0"), row("2024", 717, snapshot="s1"))
    assert only(in_force(figures, [extract, OLD]))["value"] == Decimal(717)


def test_of_a_figure_that_extracts_print_again_it_is_known_since_when_it_reads_so_and_until_when_it_was_confirmed() -> None:
    days = ("2024-02-08", "2024-05-23", "2024-08-01", "2024-12-25")
    extracts = [snapshot(f"s{place}", day, extract=True) for place, day in enumerate(days)]
    half = Decimal(5)

    def printing(*values: int | None) -> list[Printing]:
        rows = [
            row("2023", value, snapshot=f"s{place}", precision=half, known_at=extracts[place].known_at)
            for place, value in enumerate(values)
        ]
        found = printings(frame(*rows), extracts)
        assert set(found) <= set(in_force(frame(*rows), extracts)["id"])
        return list(found.values())

    day = [extract.known_at for extract in extracts]
    assert printing(700) == []
    assert printing(700, 720) == [Printing(day[1], day[1])]
    assert printing(700, 720, 720) == [Printing(day[1], day[2])]
    assert printing(700, 720, 700) == [Printing(day[2], day[2])]
    assert printing(700, 710) == [Printing(None, day[1])], "the rounding of the two explains the difference"
    assert printing(None, 720) == [Printing(None, day[1])], "what could not be read says nothing"


def test_a_figure_that_is_printed_again_in_a_larger_unit_goes_on_as_exact_as_it_was() -> None:
    """What tells nothing new is no revision; another value, another edition and a smaller unit are."""
    first, again = snapshot("s1", "2022-09-15", extract=True), snapshot("s2", "2024-09-19", extract=True)
    million, ten_million = Decimal(500_000), Decimal(5_000_000)

    def spoken(value: int, half: Decimal, **changes: str) -> Decimal:
        earlier = row("2018", 461_000_000, snapshot="s1", precision=million)
        later = row("2018", value, snapshot="s2", precision=half, **changes)
        spoken = only(in_force(frame(later, earlier), [again, first]))["value"]
        assert isinstance(spoken, Decimal)
        return spoken

    assert spoken(460_000_000, ten_million) == 461_000_000
    assert spoken(470_000_000, ten_million) == 470_000_000
    assert spoken(460_000_000, ten_million, edition="corrected") == 460_000_000
    assert spoken(460_900_000, Decimal(50_000)) == 460_900_000


def test_shipped_figures_that_were_rounded_later_keep_their_digits() -> None:
    # NPA, cyber threats: 461, 2,521, 1,133 and 820 million yen in the first half of 2022; 4.6, 25.2, 11.3 and 8.2億円 in 2024.
    banking = as_of("internet_banking")
    losses = {year: value(banking, period=year, measure="loss") for year in ("2018", "2019", "2020", "2021")}
    assert losses == {"2018": 461_000_000, "2019": 2_521_000_000, "2020": 1_133_000_000, "2021": 820_000_000}
    # NPA, 28 January 2016: 565.5 hundred million yen for 2014; "some 56.5 bn yen" (Jiji, 2017) is the same, cut short.
    assert value(as_of("npa_releases"), table="special_fraud", period="2014", measure="loss") == 56_550_000_000


def test_as_of_a_day_only_what_could_be_known_then_speaks() -> None:
    assert known_by([OLD, NEW], dt.date(2025, 5, 22)) == []
    assert known_by([OLD, NEW], dt.date(2025, 5, 23)) == [OLD]
    assert known_by([OLD, NEW], None) == [OLD, NEW]


snapshots_strategy = st.lists(
    st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 9)), st.booleans(), st.sets(st.sampled_from("abc"))),
    min_size=1,
    max_size=5,
)


@given(snapshots_strategy, st.randoms(use_true_random=False))
def test_the_view_does_not_depend_on_the_order_of_arrival(declared: list, shuffler) -> None:
    snapshots = [snapshot(f"s{place}", day.isoformat(), extract=extract) for place, (day, extract, _) in enumerate(declared)]
    rows = [
        row("2024", place, snapshot=f"s{place}", native_type=label)
        for place, (_, _, labels) in enumerate(declared)
        for label in sorted(labels)
    ]
    if not rows:
        return
    expected = in_force(frame(*rows), snapshots)
    shuffler.shuffle(rows)
    shuffler.shuffle(snapshots)
    pd.testing.assert_frame_equal(in_force(frame(*rows), snapshots), expected)
    assert not expected.duplicated(["native_type", "period"]).any()


@given(snapshots_strategy, st.dates(dt.date(2023, 12, 31), dt.date(2024, 1, 10)), st.integers(0, 5))
def test_as_of_is_monotone_a_later_day_changes_only_what_new_files_speak_of(declared: list, day: dt.date, later: int) -> None:
    snapshots = [snapshot(f"s{place}", known.isoformat(), extract=extract) for place, (known, extract, _) in enumerate(declared)]
    rows = [
        # Each label is a period of its own, so that a file speaks of some periods and not of others.
        row({"a": "2021", "b": "2022", "c": "2023"}[label], place, snapshot=f"s{place}")
        for place, (_, _, labels) in enumerate(declared)
        for label in sorted(labels)
    ]
    before, after = (known_by(snapshots, day + dt.timedelta(days)) for days in (0, later))
    assert {item.id for item in before} <= {item.id for item in after}
    seen = {each.id: each for each in after}
    states = []
    for known in (before, after):
        held = [item for item in rows if item["snapshot"] in {each.id for each in known}]
        states.append(dict(zip(*in_force(frame(*held), known)[["period", "snapshot"]].T.to_numpy(), strict=True)) if held else {})
    assert states[0].keys() <= states[1].keys()
    changed = {period: name for period, name in states[1].items() if states[0].get(period) != name}
    assert all(seen[name].known_at > day for name in changed.values())
