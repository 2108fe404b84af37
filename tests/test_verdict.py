"""Verdicts: every kind of rule on good and on bad data, what stops a source, what is set aside, and what the message says."""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import json
import socket
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS, observations_frame
from pipeline.model import FraudlossError
from pipeline.sources.catalogue import source
from pipeline.validate import judged_frames
from pipeline.validate.expectations import Suite
from pipeline.validate.helper_columns import fast_types, with_helpers
from pipeline.validate.identities import identities_frame
from pipeline.validate.judged_frames import HELPER_COLUMNS, IDENTITY_COLUMNS
from pipeline.validate.suites import load_suite
from pipeline.validate.verdict import Submission, Verdict, judge, judge_many
from tests.shipped import INBOX, shipped

EXPECTATIONS = Path(__file__).parent.parent / "expectations"
TYPES: tuple[str, ...] = ("オレオレ詐欺", "預貯金詐欺", "架空料金請求詐欺", "還付金詐欺", "融資保証金詐欺")
TYPES += ("金融商品詐欺", "ギャンブル詐欺", "交際あっせん詐欺", "その他の特殊詐欺", "キャッシュカード詐欺盗")


def figure(native_type: str, measure: str, value: int, **changes: Any) -> dict[str, Any]:
    row = {
        "source": "npa_annual",
        "table": "special_fraud",
        "frequency": "annual",
        "period": "2024",
        "fraud_type": "_T" if native_type == "_T" else "OTH",
        "native_type": native_type,
        "measure": measure,
        "unit": "JPY" if measure == "loss" else "cases",
        "value": Decimal(value),
        "classification": "npa_2020",
        "edition": "final",
        "known_at": dt.date(2026, 9, 20),
        "snapshot": "0123456789ab",
        "origin": f"r07.csv!{measure}-{native_type}",
    }
    return {**row, **changes}


def book() -> list[dict[str, Any]]:
    """Three measures of ten types and their total: 33 rows that agree with each other."""
    per_case = 3_000_000
    rows = []
    for measure, factor in (("cases", 1), ("cases_completed", 1), ("loss", per_case)):
        rows += [figure("_T", measure, 550 * factor), *(figure(t, measure, 10 * n * factor) for n, t in enumerate(TYPES, 1))]
    return rows


def find(rows: list[dict[str, Any]], measure: str, native_type: str) -> dict[str, Any]:
    return next(row for row in rows if row["measure"] == measure and row["native_type"] == native_type)


def frames(rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    # An id cannot be computed without a measure, so a missing one is taken out afterwards.
    observations = observations_frame([{**row, "measure": row["measure"] or "none"} for row in rows])
    observations["measure"] = pd.Series([row["measure"] for row in rows], dtype=object)
    return {"observations": observations, "identities": identities_frame(observations, source("npa_annual"))}


def change(measure: str, native_type: str, /, **changes: Any) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda rows: find(rows, measure, native_type).update(changes)


ORE = TYPES[0]
# What is done to the book -> (rules that break, cell named, text found, whether the source stops)
BAD: dict[str, tuple[Callable[[list[dict[str, Any]]], Any], set[str], str, str, bool]] = {
    "a unit that the measure is not printed in": (
        change("loss", ORE, unit="USD"),
        {"observations.measure_and_unit"},
        "r07.csv!loss-オレオレ詐欺",
        "unit 'USD'",
        True,
    ),
    "a negative count": (
        change("cases", "_T", value=Decimal(-550)),
        {"observations.not_negative"},
        "r07.csv!cases-_T",
        "value -550",
        True,
    ),
    "a count that is not whole": (
        change("cases", "_T", value=Decimal("550.5")),
        {"observations.whole"},
        "r07.csv!cases-_T",
        "value 550.5",
        True,
    ),
    "a value and a reason for its absence": (
        change("cases_completed", ORE, absence="not_collected"),
        {"observations.value_or_reason"},
        "r07.csv!cases_completed-オレオレ詐欺",
        "value 10 absence 'not_collected'",
        True,
    ),
    "neither a value nor a reason": (
        change("cases_completed", ORE, value=None),
        {"observations.value_or_reason"},
        "r07.csv!cases_completed-オレオレ詐欺",
        "value nothing absence ''",
        True,
    ),
    "a float where an exact number belongs": (
        change("loss", ORE, value=1.42e11),
        {"observations.value_or_reason"},
        "r07.csv!loss-オレオレ詐欺",
        "value 142000000000",
        True,
    ),
    "an absence that the publication does not have": (
        change("cases_completed", ORE, value=None, absence="suppressed"),
        {"observations.absence"},
        "r07.csv!cases_completed-オレオレ詐欺",
        "'suppressed'",
        True,
    ),
    "a common code outside the crosswalk": (
        change("cases", ORE, fraud_type="XYZ"),
        {"observations.fraud_type"},
        "r07.csv!cases-オレオレ詐欺",
        "'XYZ'",
        True,
    ),
    "another classification": (
        change("cases", ORE, classification="npa_1900"),
        {"observations.classification"},
        "r07.csv!cases-オレオレ詐欺",
        "'npa_1900'",
        True,
    ),
    "an undeclared table": (change("cases", ORE, table="x"), {"observations.table"}, "r07.csv!cases-オレオレ詐欺", "'x'", True),
    "a period of another form": (
        change("cases", ORE, period="2024-01/2024-07", frequency="year_to_date"),
        {"observations.period", "observations.frequency"},
        "r07.csv!cases-オレオレ詐欺",
        "'2024-01/2024-07'",
        True,
    ),
    "a cumulative figure taken for a year": (
        change("cases", ORE, period="2024-01/2024-07"),
        {"observations.period_is_of_its_frequency"},
        "r07.csv!cases-オレオレ詐欺",
        "frequency 'annual'",
        True,
    ),
    "an era year that was misread": (
        lambda rows: [row.update(period="1924") for row in rows],
        {"observations.year"},
        "r07.csv!cases-_T",
        "period '1924'",
        True,
    ),
    "known before its period began": (
        change("cases", ORE, known_at=dt.date(2023, 12, 31)),
        {"observations.known_after_period_began"},
        "r07.csv!cases-オレオレ詐欺",
        "known_at 2023-12-31",
        True,
    ),
    "an unknown status": (
        change("cases", ORE, obs_status="Z"),
        {"observations.obs_status"},
        "r07.csv!cases-オレオレ詐欺",
        "'Z'",
        True,
    ),
    "an unknown edition": (
        change("cases", ORE, edition="draft"),
        {"observations.edition"},
        "r07.csv!cases-オレオレ詐欺",
        "'draft'",
        True,
    ),
    "a key column that holds nothing": (
        change("cases", ORE, measure=None),
        {"observations.measure_present"},
        "r07.csv!cases-オレオレ詐欺",
        "measure nothing",
        True,
    ),
    "a dimension that holds an empty text": (
        change("cases", ORE, sex=""),
        {"observations.key_complete"},
        "r07.csv!cases-オレオレ詐欺",
        "key_gaps 'sex'",
        True,
    ),
    "the same figure twice with two values": (
        lambda rows: rows.append({**find(rows, "loss", ORE), "value": Decimal(1), "origin": "r07.csv!Z9"}),
        {"observations.key_once"},
        "r07.csv!Z9",
        "the key npa_annual special_fraud annual 2024",
        True,
    ),
    "an empty file": (lambda rows: rows.clear(), {"observations.rows"}, "the whole table", "found 0", True),
    "a column of nothing but nulls": (
        lambda rows: [row.update(value=None, absence="not_collected") for row in rows],
        {"observations.not_negative", "observations.whole"},
        "the whole table",
        "no value at all in value_number",
        True,
    ),
    "a total that its parts contradict by one": (
        change("loss", "_T", value=Decimal(1_650_000_001)),
        {"identities.parts_equal_total"},
        "r07.csv!loss-_T against r07.csv!loss-オレオレ詐欺",
        "1650000001 against 1650000000, a difference of 1 where 0 is allowed",
        True,
    ),
    "more completed cases than recognised ones": (
        lambda rows: [row.update(value=row["value"] + 1) for row in rows if row["measure"] == "cases_completed"],
        {"identities.part_within_whole"},
        "r07.csv!cases_completed-_T against r07.csv!cases-_T",
        "not_more_than, cases_completed of 2024: 551 against 550",
        True,
    ),
    "an amount in 10,000 yen read as yen": (
        change("loss", ORE, value=Decimal(3_000)),
        {"observations.loss_per_case"},
        "r07.csv!loss-オレオレ詐欺",
        "value 3000 loss_per_case 300",
        True,
    ),
    "an amount multiplied by 10,000 twice": (
        change("loss", "_T", value=Decimal(16_500_000_000_000)),
        {"observations.loss_ceiling", "observations.loss_per_case"},
        "r07.csv!loss-_T",
        "value 16500000000000",
        True,
    ),
}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(EXPECTATIONS / "npa_annual.json")


@pytest.fixture(scope="module")
def good(suite: Suite) -> Verdict:
    return judge(frames(book()), suite, file="/somewhere/on/this/machine/r07.csv")


@pytest.fixture(scope="module")
def verdicts(suite: Suite) -> dict[str, Verdict]:
    submissions = []
    for _what, (spoil, *_) in BAD.items():
        rows = book()
        spoil(rows)
        made = frames(rows)
        submissions.append(Submission("r07.csv", made["observations"], made["identities"]))
    return dict(zip(BAD, judge_many(submissions, suite), strict=True))


def outcomes(verdict: Verdict, outcome: str) -> set[str]:
    return {result.rule_id for result in verdict.results if result.outcome == outcome}


def test_good_data_pass_every_rule(good: Verdict, suite: Suite) -> None:
    assert outcomes(good, "passed") == {rule.id for rule in suite.rules}
    assert not good.stopped
    assert len(good.ok) == good.read == 33
    assert good.quarantined.empty
    assert good.message() == f"r07.csv: all 33 rows go on (suite npa_annual, {len(suite.rules)} rules)"


@pytest.mark.parametrize("what", BAD)
def test_bad_data_break_the_rule_that_is_there_for_them(what: str, verdicts: dict[str, Verdict]) -> None:
    _, rules, cell, found, stops = BAD[what]
    verdict = verdicts[what]
    assert rules <= outcomes(verdict, "data_bad")
    assert not outcomes(verdict, "check_broken")
    assert verdict.stopped == stops
    message = verdict.message()
    for words in ("r07.csv", cell, found, "expected", "What to do", *rules):
        assert words in message, message


@pytest.mark.parametrize("what", BAD)
def test_every_row_is_accounted_for(what: str, verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[what]
    assert len(verdict.ok) + len(verdict.quarantined) == verdict.read
    assert list(verdict.ok.columns) == OBSERVATION_COLUMNS
    assert list(verdict.quarantined.columns) == [*OBSERVATION_COLUMNS, "rule_ids"]


def test_the_rows_set_aside_carry_the_ids_of_the_rules_they_broke(verdicts: dict[str, Verdict]) -> None:
    aside = verdicts["an amount multiplied by 10,000 twice"].quarantined
    assert list(aside["origin"]) == ["r07.csv!loss-_T"]
    assert list(aside["rule_ids"]) == ["observations.loss_ceiling, observations.loss_per_case"]


def test_files_judged_together_get_the_verdicts_they_would_get_alone(suite: Suite, verdicts: dict[str, Verdict]) -> None:
    for what in ("a negative count", "an empty file", "a column of nothing but nulls", "the same figure twice with two values"):
        rows = book()
        BAD[what][0](rows)
        alone, together = judge(frames(rows), suite, file="r07.csv"), verdicts[what]
        assert alone.to_json() == together.to_json()
        pd.testing.assert_frame_equal(alone.ok, together.ok)
        pd.testing.assert_frame_equal(alone.quarantined, together.quarantined)


def test_a_lost_or_new_column_is_named(suite: Suite) -> None:
    made = frames(book())
    lost = judge({**made, "observations": made["observations"].drop(columns="note")}, suite, file="r07.csv")
    assert lost.stopped
    assert "no column note" in lost.message()
    more = judge({**made, "observations": made["observations"].assign(surprise="x")}, suite, file="r07.csv")
    assert more.stopped
    assert "the column surprise too much" in more.message()


def test_a_column_that_a_rule_needs_and_that_is_gone_breaks_the_check_and_not_the_data(suite: Suite) -> None:
    made = frames(book())
    verdict = judge({**made, "observations": made["observations"].drop(columns="unit")}, suite, file="r07.csv")
    assert verdict.stopped
    assert "observations.unit_present" in outcomes(verdict, "check_broken")
    assert 'the check itself broke (Error: The column "unit" in BatchData does not exist.)' in verdict.message()


# ------------------------------------------------------------------------------------------------ a suite of one's own


def small_suite(tmp_path: Path, *rules: dict[str, Any], limit: float = 0.05) -> Suite:
    """The opening that every suite has, and `rules`; no rules for identities."""
    document = json.loads((EXPECTATIONS / "npa_annual.json").read_text(encoding="utf-8"))
    opening = document["frames"]["observations"][: 2 + len(judged_frames.NOT_NULL["observations"])]
    document["meta"]["quarantine_limit_share"] = limit
    document["frames"] = {"observations": [*opening, *rules]}
    path = tmp_path / "small.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return load_suite(path)


def rule(kind: str, severity: str, rule_id: str, **kwargs: Any) -> dict[str, Any]:
    meta = {"rule_id": rule_id, "owner": "japan-statistics", "action": "look at the cell", "why": "it is a test"}
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": meta}


def ceiling(severity: str, maximum: int) -> dict[str, Any]:
    return rule("expect_column_values_to_be_between", severity, "ceiling", column="value_number", max_value=maximum)


def counts(*values: int) -> dict[str, pd.DataFrame]:
    rows = [figure(f"type {n}", "cases", value) for n, value in enumerate(values)]
    return {"observations": observations_frame(rows)}


def test_a_warning_sets_rows_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    verdict = judge(counts(*[1] * 39, 99), small_suite(tmp_path, ceiling("warning", 50)), file="r07.csv")
    assert not verdict.stopped
    assert (len(verdict.ok), len(verdict.quarantined)) == (39, 1)
    assert verdict.message().startswith("r07.csv: 39 of 40 rows go on, 1 set aside")
    assert "r07.csv!cases-type 39 (1 of 40 rows), rule ceiling (warning): found value 99" in verdict.message()


def test_more_rows_set_aside_than_the_suite_allows_stop_the_source(tmp_path: Path) -> None:
    verdict = judge(counts(*[1] * 37, 99, 99, 99), small_suite(tmp_path, ceiling("warning", 50)), file="r07.csv")
    assert verdict.stopped
    assert "3 of 40 rows would be set aside, more than the 5%" in verdict.message()
    allowed = judge(counts(*[1] * 37, 99, 99, 99), small_suite(tmp_path, ceiling("warning", 50), limit=0.1), file="r07.csv")
    assert not allowed.stopped


def test_info_is_a_note_and_sets_nothing_aside(tmp_path: Path) -> None:
    verdict = judge(counts(1, 99), small_suite(tmp_path, ceiling("info", 50)), file="r07.csv")
    assert not verdict.stopped
    assert verdict.quarantined.empty
    assert "rule ceiling (info): found value 99" in verdict.message()


def test_a_message_names_five_cells_and_says_how_many_there_are(tmp_path: Path) -> None:
    verdict = judge(counts(*[99] * 7), small_suite(tmp_path, ceiling("critical", 50)), file="r07.csv")
    message = verdict.message()
    assert "r07.csv!cases-type 4 and others (7 of 7 rows)" in message
    assert "r07.csv!cases-type 5" not in message


def test_all_bad_rows_are_found_where_samples_would_stop_at_two_hundred(tmp_path: Path) -> None:
    verdict = judge(counts(*[99] * 450, 1), small_suite(tmp_path, ceiling("warning", 50), limit=1), file="r07.csv")
    assert len(verdict.quarantined) == 450
    assert not verdict.stopped


def test_an_expectation_that_raises_is_a_broken_check_and_stops_the_source(tmp_path: Path) -> None:
    broken = rule("expect_column_values_to_match_regex", "info", "broken", column="native_type", regex="(")
    verdict = judge(counts(1, 2), small_suite(tmp_path, broken), file="r07.csv")
    assert outcomes(verdict, "check_broken") == {"broken"}
    assert verdict.stopped
    assert "rule broken: the check itself broke" in verdict.message()
    assert "the data were not judged" in verdict.message()


def test_a_library_that_breaks_down_is_a_broken_check_on_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    suite = small_suite(tmp_path, ceiling("info", 50))

    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Batch, "validate", breaks)
    verdict = judge(counts(1), suite, file="r07.csv")
    assert verdict.stopped
    assert outcomes(verdict, "check_broken") == {rule.id for rule in suite.rules}


def test_a_rule_that_got_no_result_is_a_broken_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = small_suite(tmp_path, ceiling("info", 50))
    whole = Suite.expectation_suite
    monkeypatch.setattr(Suite, "expectation_suite", lambda self, rules: whole(self, rules[:-1]))
    verdict = judge(counts(1), suite, file="r07.csv")
    assert outcomes(verdict, "check_broken") == {"ceiling"}
    assert verdict.stopped


def test_a_rule_for_some_rows_says_when_no_row_is_of_their_kind(tmp_path: Path) -> None:
    condition = {"type": "comparison", "column": {"name": "measure"}, "operator": "==", "parameter": "loss"}
    some = ceiling("warning", 50)
    some["kwargs"]["row_condition"] = condition
    verdict = judge(counts(1, 99), small_suite(tmp_path, some), file="r07.csv")
    result = next(result for result in verdict.results if result.rule_id == "ceiling")
    assert (result.outcome, result.rows_checked) == ("passed", 0)
    assert "no row is of the kind" in result.sentence


def test_a_value_in_a_rule_with_a_condition_is_found_at_its_own_row(tmp_path: Path) -> None:
    some = ceiling("warning", 50)
    some["kwargs"]["row_condition"] = {
        "type": "and",
        "conditions": [
            {"type": "comparison", "column": {"name": "measure"}, "operator": "IN", "parameter": ["cases"]},
            {"type": "comparison", "column": {"name": "native_type"}, "operator": "!=", "parameter": "type 1"},
        ],
    }
    verdict = judge(counts(1, 99, 1, 99), small_suite(tmp_path, some, limit=1), file="r07.csv")
    assert list(verdict.quarantined["origin"]) == ["r07.csv!cases-type 3"]


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_quarantine_partitions_the_rows(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    low = rule("expect_column_values_to_be_between", "warning", "floor", column="value_number", min_value=10)
    suite = small_suite(tmp_path_factory.mktemp("suite"), ceiling("warning", 50), low, limit=1)
    files = data.draw(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=12), min_size=1, max_size=4))
    submissions = [
        Submission(f"file {n}.csv", counts(*values)["observations"], pd.DataFrame(columns=IDENTITY_COLUMNS))
        for n, values in enumerate(files)
    ]
    for values, submission, verdict in zip(files, submissions, judge_many(submissions, suite), strict=True):
        ids = submission.observations["id"].tolist()
        assert sorted([*verdict.ok["id"], *verdict.quarantined["id"]]) == sorted(ids)
        assert verdict.ok["id"].tolist() == [i for i, value in zip(ids, values, strict=True) if 10 <= value <= 50]
        labels = ["ceiling" if value > 50 else "floor" for value in values if not 10 <= value <= 50]
        assert verdict.quarantined["rule_ids"].tolist() == labels


# ---------------------------------------------------------------------------------------------------------- identities


def test_a_whole_publication_on_which_nothing_could_be_related_is_stopped(suite: Suite) -> None:
    verdict = judge({"observations": frames(book())["observations"]}, suite, file="r07.csv")
    assert verdict.stopped
    assert {"identities.rows", "identities.kinds"} <= outcomes(verdict, "data_bad")
    assert "found nothing; expected in identity each of not_more_than, parts_sum_to_total" in verdict.message()


def test_an_extract_is_not_asked_for_relations(suite: Suite) -> None:
    made = frames([find(book(), "cases", "_T")])
    assert made["identities"].empty
    verdict = judge(made, suite, file="r07_2-3.xlsx", extract=True)
    assert not verdict.stopped
    assert "identities.rows" not in {result.rule_id for result in verdict.results}


def test_a_kind_of_relation_that_is_missing_is_named_with_those_that_are_there(suite: Suite) -> None:
    made = frames(book())
    made["identities"] = made["identities"][made["identities"]["identity"] == "not_more_than"]
    verdict = judge(made, suite, file="r07.csv")
    assert outcomes(verdict, "data_bad") == {"identities.kinds"}
    assert "found not_more_than; expected in identity each of not_more_than, parts_sum_to_total" in verdict.message()


def test_a_relation_in_an_extract_is_judged_all_the_same(suite: Suite) -> None:
    rows = book()
    find(rows, "cases", "_T").update(value=Decimal(551))
    assert judge(frames(rows), suite, file="r07.csv", extract=True).stopped


def test_identities_that_no_rule_looks_at_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FraudlossError, match="no rule looks at them"):
        judge(frames(book()), small_suite(tmp_path), file="r07.csv")


# ------------------------------------------------------------------------------------------------- what never changes


def test_no_value_comes_back_other_than_it_went_in(suite: Suite) -> None:
    made = frames(book())
    made["observations"]["value"] = pd.Series([Decimal("0.1") + value for value in made["observations"]["value"]], dtype=object)
    before = copy.deepcopy(made)
    verdict = judge(made, suite, file="r07.csv")
    pd.testing.assert_frame_equal(made["observations"], before["observations"])
    kept = pd.concat([verdict.ok, verdict.quarantined])
    originals = dict(zip(made["observations"]["id"], made["observations"]["value"], strict=True))
    assert all(value is originals[i] for i, value in zip(kept["id"], kept["value"], strict=True))


def test_a_verdict_holds_no_clock_and_no_path_of_this_machine(good: Verdict, suite: Suite) -> None:
    text = json.dumps(good.to_json(), ensure_ascii=False, allow_nan=False)
    again = judge(frames(book()), suite, file="r07.csv").to_json()
    assert json.loads(text) == json.loads(json.dumps(again))
    assert "/somewhere" not in text
    assert good.to_json()["snapshot"] == "0123456789ab"


def test_judging_needs_no_network(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert not judge(frames(book()), suite, file="r07.csv").stopped


def test_telemetry_and_progress_bars_are_off(good: Verdict, capfd: pytest.CaptureFixture[str], suite: Suite) -> None:
    import os

    judge(frames(book()), suite, file="r07.csv")
    said = capfd.readouterr()
    assert said.out == said.err == ""
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


# ------------------------------------------------------------------------------------------------------ helper columns


def helper(name: str, **changes: Any) -> Any:
    frame = observations_frame([figure("_T", "cases", 5)])
    for column, value in changes.items():
        frame[column] = pd.Series([value], dtype=object)
    return with_helpers(frame)[name].iloc[0]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("value_number", {"value": Decimal("142309498218.5")}, 142309498218.5),
        ("value_fraction", {"value": Decimal("142309498218.25")}, 0.25),
        ("value_fraction", {"value": Decimal("1E+30")}, 0.0),
        ("value_fraction", {"value": Decimal("0.000000000001")}, 1e-12),
        ("presence", {}, "value"),
        ("presence", {"value": None, "absence": "unreadable"}, "absence"),
        ("presence", {"value": None}, "neither"),
        ("presence", {"absence": "unreadable"}, "both"),
        ("presence", {"value": 5.0}, "no exact number"),
        ("presence", {"value": Decimal("NaN")}, "neither"),
        ("period_year", {"period": "2024-FY"}, 2024),
        ("period_frequency", {"period": "2026-01/2026-04"}, "year_to_date"),
        ("period_frequency", {"period": "R6"}, ""),
        ("period_frequency", {"period": None}, ""),
        ("days_to_known", {"period": "2024", "known_at": dt.date(2024, 1, 31)}, 30),
        ("days_to_known", {"period": "2024", "known_at": dt.date(2023, 12, 31)}, -1),
        ("key_gaps", {}, None),
        ("key_gaps", {"sex": None, "unit": ""}, "sex, unit"),
    ],
)
def test_helper_columns_say_what_they_are_documented_to_say(name: str, changes: dict[str, Any], expected: Any) -> None:
    assert helper(name, **changes) == expected


def test_loss_per_case_divides_by_the_cases_of_the_same_series() -> None:
    rows = [figure("a", "loss", 900), figure("a", "cases", 3), figure("a", "cases_completed", 2), figure("b", "loss", 800)]
    rows += [figure("b", "cases_completed", 4), figure("c", "loss", 7), figure("d", "loss", 9), figure("d", "cases", 0)]
    per_case = with_helpers(observations_frame(rows))["loss_per_case"]
    assert per_case.dropna().to_dict() == {0: 300.0, 3: 200.0}


def test_every_helper_column_is_documented_and_none_is_a_column_of_observations() -> None:
    made = with_helpers(observations_frame([figure("_T", "cases", 5)]))
    assert list(made.columns) == [*OBSERVATION_COLUMNS, *HELPER_COLUMNS]
    assert not set(HELPER_COLUMNS) & set(OBSERVATION_COLUMNS)
    assert set(KEY_COLUMNS) <= set(OBSERVATION_COLUMNS)


def test_ranges_run_over_the_types_that_the_library_checks_without_a_loop_over_rows(suite: Suite) -> None:
    # Measured: `between` is vectorised for float64, int64 and datetime64[ns] only; on other types it takes five times as long.
    handed_over = fast_types(with_helpers(frames(book())["observations"]), suite.of("observations"))
    ranged = {rule.kwargs["column"] for rule in suite.of("observations") if rule.type == "expect_column_values_to_be_between"}
    assert {str(handed_over[name].dtype) for name in ranged} == {"float64"}
    compared = {rule.kwargs["column"] for rule in suite.of("observations") if rule.type == "expect_column_values_to_be_in_set"}
    # `frequency` is also compared with another column, which two categories cannot be.
    assert {str(handed_over[name].dtype) for name in compared - {"frequency"}} == {"category"}


# ------------------------------------------------------------------------------------------------- the shipped figures


@pytest.mark.slow
@pytest.mark.skipif(not INBOX.is_dir(), reason="the shipped files are not beside the code")
@pytest.mark.parametrize(
    "name", ["internet_banking", "jca_card", "npa_annual", "npa_monthly", "npa_overseas", "npa_releases", "npa_victims"]
)
def test_every_shipped_file_of_japan_passes_its_suite(name: str) -> None:
    declared = importlib.import_module("pipeline.sources.catalogue").source(name)
    snapshots, observations = shipped(name)
    submissions = []
    for snapshot in snapshots:
        rows = observations[observations["snapshot"] == snapshot.id]
        submissions.append(Submission(snapshot.file, rows, identities_frame(rows, declared), snapshot.extract))
    for verdict in judge_many(submissions, load_suite(EXPECTATIONS / f"{name}.json")):
        assert not verdict.stopped, verdict.message()
        assert verdict.quarantined.empty, verdict.message()
