"""What a change between two states is called, and how the history of a source adds up. One named case for each kind."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.revisions import NO_HISTORY, accumulated, differences, history
from pipeline.aggregate.view import known_by
from pipeline.frames import CHANGE_COLUMNS, KEY_COLUMNS
from pipeline.model import CHANGES, Snapshot
from tests.figures import declared, frame, row, snapshot
from tests.shipped import shipped

# (before, after, the changes as kind, value before, value after)
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[tuple[str, Any, Any]]]] = {
    "the same figures from the same file": ([row("2024", 5)], [row("2024", 5)], []),
    "the same figures printed again": ([row("2024", 5)], [row("2024", 5, snapshot="s2")], []),
    "the same value under another edition": (
        [row("2024", 5, edition="provisional")],
        [row("2024", 5, edition="final", snapshot="s2")],
        [("confirmed", 5, 5)],
    ),
    "a figure that was not there": (
        [row("2024", 5)],
        [row("2024", 5), row("2024", 3, native_type="a", snapshot="s2")],
        [("new", None, 3)],
    ),
    "another value": ([row("2024", 5)], [row("2024", 6, snapshot="s2")], [("revised", 5, 6)]),
    "a value where there was none": ([row("2024", None)], [row("2024", 6, snapshot="s2")], [("revised", None, 6)]),
    "another value, printed as a correction": (
        [row("2024", 717)],
        [row("2024", 718, snapshot="s2", edition="corrected")],
        [("corrected", 717, 718)],
    ),
    "a cell that the later file no longer has": (
        [row("2024", 5), row("2024", 3, native_type="a")],
        [row("2024", 5, snapshot="s2")],
        [("withdrawn", 3, None)],
    ),
    "a cell that the publisher took back": (
        [row("2024", 5)],
        [row("2024", None, absence="withdrawn", snapshot="s2")],
        [("withdrawn", 5, None)],
    ),
    "a type under another scheme": (
        [row("2024", 5, native_type="a")],
        [row("2024", 5, native_type="a", classification="scheme of 2026", snapshot="s2")],
        [("reclassified", 5, 5)],
    ),
    "what one type lost another of the same total gained": (
        [row("2024", 10), row("2024", 4, native_type="a"), row("2024", 6, native_type="b")],
        [
            row("2024", 10, snapshot="s2"),
            row("2024", 3, native_type="a", snapshot="s2"),
            row("2024", 7, native_type="b", snapshot="s2"),
        ],
        [("reclassified", 4, 3), ("reclassified", 6, 7)],
    ),
    "one type less and another more by other amounts": (
        [row("2024", 4, native_type="a"), row("2024", 6, native_type="b")],
        [row("2024", 3, native_type="a", snapshot="s2"), row("2024", 9, native_type="b", snapshot="s2")],
        [("revised", 4, 3), ("revised", 6, 9)],
    ),
    "another value from the same file": ([row("2024", 5)], [row("2024", 50)], [("new_code", 5, 50)]),
    "a figure that other code no longer makes": (
        [row("2024", 5), row("2024", 3, measure="mean_loss", derivation="mean")],
        [row("2024", 5)],
        [("new_code", 3, None)],
    ),
    "a derived figure whose value is the same": (
        [row("2024", 5, derivation="mean", edition="provisional")],
        [row("2024", 5, derivation="mean", edition="final", snapshot="s2")],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_called_by_what_happened(case: str) -> None:
    before, after, expected = CASES[case]
    changes = differences(frame(*before), frame(*after))
    found = list(zip(changes["change"], changes["value_before"], changes["value_after"], strict=True))
    assert found == [(kind, *(None if value is None else Decimal(value) for value in values)) for kind, *values in expected]
    assert list(changes.columns) == CHANGE_COLUMNS


def test_what_was_moved_is_told_in_words_of_money_and_not_with_the_places_of_the_store() -> None:
    stored = [(row("2024", f"{a}.000000000000", native_type="a"), row("2024", b, native_type="b")) for a, b in ((4, 6), (3, 7))]
    before, after = (frame(*({**one, "snapshot": name} for one in rows)) for rows, name in zip(stored, ("s1", "s2"), strict=True))
    notes = set(differences(before, after)["note"])
    assert notes == {"moved within one publication: special_fraud a -1, special_fraud b +1"}


def test_every_change_has_a_meaning_and_a_case() -> None:
    assert {kind for _, _, expected in CASES.values() for kind, _, _ in expected} == set(CHANGES)


def test_the_first_state_of_all_is_all_new_and_the_last_all_withdrawn() -> None:
    some = frame(row("2024", 5), row("2023", 4))
    assert list(differences(some.iloc[:0], some)["change"]) == ["new", "new"]
    assert list(differences(some, some.iloc[:0])["change"]) == ["withdrawn", "withdrawn"]


# ------------------------------------------------------------------------------------------- as the National Police Agency did


def test_the_loss_of_2024_was_moved_between_two_series_and_then_corrected() -> None:
    """721.5, 717.6 and 718.8; SNS fraud gained in May 2025 the 3.9 oku that special fraud lost."""
    snapshots, observations = shipped("npa_releases")
    from pipeline.sources.catalogue import source

    revisions = history(observations, list(snapshots), source("npa_releases")).revisions
    total = (revisions["native_type"] == "_T") & (revisions["period"] == "2024") & (revisions["derivation"] == "")
    loss = revisions[total & (revisions["measure"] == "loss") & (revisions["unit"] == "JPY")]
    found = [
        (item.table, item.vintage.isoformat(), item.change, item.value_before / 10**8, item.value_after / 10**8)
        for item in loss.itertuples()
    ]
    assert found == [
        ("sns_fraud", "2025-05-23", "reclassified", Decimal("1268.0"), Decimal("1271.9")),
        ("special_fraud", "2025-05-23", "reclassified", Decimal("721.5"), Decimal("717.6")),
        ("special_fraud", "2025-07-31", "corrected", Decimal("717.6"), Decimal("718.8")),
    ]


# --------------------------------------------------------------------------------------------------------------- properties

STATE = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), max_size=4)


def state_of(values: dict[str, int], snapshot_id: str) -> pd.DataFrame:
    return frame(*(row("2024", value, native_type=label, snapshot=snapshot_id) for label, value in sorted(values.items())))


def moved_values(changes: pd.DataFrame) -> dict[tuple[str, ...], tuple[Any, Any]]:
    keys = changes[KEY_COLUMNS].itertuples(index=False, name=None)
    return dict(zip(keys, zip(changes["value_before"], changes["value_after"], strict=True), strict=True))


@given(STATE, STATE, STATE)
@settings(max_examples=60, deadline=None)
def test_the_changes_from_a_to_b_and_from_b_to_c_are_those_from_a_to_c(
    a: dict[str, int], b: dict[str, int], c: dict[str, int]
) -> None:
    states = [state_of(values, name) for values, name in ((a, "s1"), (b, "s2"), (c, "s3"))]
    first, second, whole = (moved_values(differences(states[i], states[j])) for i, j in ((0, 1), (1, 2), (0, 2)))
    chained = {
        key: (first.get(key, second.get(key))[0], second.get(key, first.get(key))[1])  # type: ignore[index]
        for key in first.keys() | second.keys()
    }
    assert {key: values for key, values in chained.items() if values[0] != values[1]} == whole


@given(st.lists(STATE, min_size=3, max_size=4))
@settings(max_examples=60, deadline=None)
def test_the_changes_of_several_days_come_to_those_from_before_the_first_to_after_the_last(states: list[dict[str, int]]) -> None:
    frames = [state_of(values, f"s{place}") for place, values in enumerate(states)]
    days = [
        differences(before, after, of_one_code=True).assign(vintage=dt.date(2024, 1, place))
        for place, (before, after) in enumerate(itertools.pairwise(frames), 1)
    ]
    together = accumulated(pd.concat(days[::-1], ignore_index=True))
    assert moved_values(together) == moved_values(differences(frames[0], frames[-1], of_one_code=True))
    assert list(together.columns) == CHANGE_COLUMNS


VINTAGES = st.lists(
    st.tuples(
        st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 6)),
        st.booleans(),
        st.dictionaries(st.tuples(st.sampled_from(["2022", "2023"]), st.sampled_from("ab")), st.integers(0, 3), min_size=1),
    ),
    min_size=1,
    max_size=4,
)


def source_of(vintages: list[Any]) -> tuple[list[Snapshot], pd.DataFrame]:
    snapshots = [snapshot(f"s{place}", day.isoformat(), extract=extract) for place, (day, extract, _) in enumerate(vintages)]
    rows = [
        row(period, value, native_type=label, snapshot=f"s{place}", known_at=day)
        for place, (day, _, cells) in enumerate(vintages)
        for (period, label), value in sorted(cells.items())
    ]
    return snapshots, frame(*rows)


@given(VINTAGES, st.randoms(use_true_random=False), st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 6)))
@settings(max_examples=40, deadline=None)
def test_the_history_up_to_a_day_is_known_on_that_day_and_does_not_depend_on_the_order_of_arrival(
    vintages: list[Any], shuffler: Any, day: dt.date
) -> None:
    snapshots, observations = source_of(vintages)
    whole = history(observations, snapshots, declared())
    then = known_by(snapshots, day)
    known = observations[observations["snapshot"].isin([item.id for item in then])]
    early = history(known, then, declared())
    for name in ("revisions", "vintages"):
        full, prefix = getattr(whole, name), getattr(early, name)
        pd.testing.assert_frame_equal(full[full["vintage"] <= day].reset_index(drop=True), prefix, check_dtype=False)
    shuffler.shuffle(snapshots)
    shuffled = history(
        observations.sample(frac=1, random_state=1), snapshots, declared(), earlier=early if len(then) else NO_HISTORY
    )
    pd.testing.assert_frame_equal(shuffled.revisions, whole.revisions, check_dtype=False)
    pd.testing.assert_frame_equal(shuffled.vintages, whole.vintages, check_dtype=False)
    pd.testing.assert_frame_equal(shuffled.view, whole.view)


PRINTED_AGAIN = {"exactly": {"value": 1000}, "rounded": {"value": 1040, "precision": Decimal(50)}}


@pytest.mark.parametrize("printed_again", PRINTED_AGAIN.values(), ids=PRINTED_AGAIN)
def test_a_mean_that_waited_for_its_count_to_be_printed_again_was_not_made_by_other_code(printed_again: dict[str, Any]) -> None:
    snapshots = [snapshot(f"s{day}", f"2025-01-0{day}", extract=True) for day in (1, 2, 3)]
    cases = {"measure": "cases", "unit": "cases"}
    rows = [
        row("2024", 5_000_000, snapshot="s1", known_at=dt.date(2025, 1, 1)),
        row("2024", 1000, snapshot="s1", known_at=dt.date(2025, 1, 1), **cases),
        row("2024", 6_000_000, snapshot="s2", known_at=dt.date(2025, 1, 2)),
        row("2024", snapshot="s3", known_at=dt.date(2025, 1, 3), **cases, **printed_again),
    ]
    made = history(frame(*rows), snapshots, declared())
    told = made.revisions[(made.revisions["measure"] == "mean_loss") & (made.revisions["unit"] == "JPY")]
    assert list(zip(told["vintage"].map(str), told["change"], told["value_after"], strict=True)) == [
        ("2025-01-02", "revised", None),
        ("2025-01-03", "revised", Decimal(6000)),
    ]
    assert set(made.revisions["change"]) == {"revised"}
