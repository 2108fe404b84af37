"""The cubes are what plain pandas and exact fractions say, cell by cell, whatever the shape of the data."""

import math
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate.cubes import (
    MEASURES,
    QUANTILES,
    TOP_SHARES,
    Coded,
    Cube,
    Grid,
    cube_cells,
    cube_observations,
    in_force_of,
    rows_of,
)
from pipeline.frames import OBSERVATION_COLUMNS
from pipeline.model import INTERVAL_ENDS, INTERVALS, FraudlossError, Period
from pipeline.reading.case_builder import month_labels, month_numbers
from pipeline.sources.catalogue import Source, Table
from tests.figures import declared, gini, interval_ends, only, snapshot

TYPES = ("a", "b", "c", "silent")
AGES = ("young", "old", "unsaid", "silent")
ALL = [name for name in MEASURES if name != "distinct_victims"]
SNAPSHOT = snapshot("aaaaaaaaaaaa", "2024-01-31")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source")
    rows = [f"fraud_type,{name},,,{name.upper()},exact,Y,," for name in TYPES]
    rows += ["fraud_type,late,2022-01,,LATE,exact,Y,,"]
    # Two labels of one common code: cells are by common code.
    rows += [f"age,{name},,,{code},exact,Y,," for name, code in zip(AGES, ("Y_LT18", "Y_GE18", "_U", "_U"), strict=True)]
    rows += ["area,North,,,CA-N,exact,Y,,", "area,Nowhere;=],,,_U,exact,Y,,"]
    header = "dimension,native_code,valid_from,valid_to,common_code,match,additive,note,evidence"
    (path / "crosswalk.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def made(folder: Path, *cubes: dict[str, Any], **meta: Any) -> Source:
    """A source of Canadian dollars with these cubes."""
    tables = {name: Table(name, name, "", name, parts_add_up=True, identities=()) for name in ("reports", "others")}
    return declared(
        id="cafc",
        country="CA",
        currency="CAD",
        tables=tables,
        folder=folder,
        meta={"cubes": list(cubes), "minor_unit_digits": 2, "loss_bands": [10, 100], "date_unit": "month", **meta},
    )


def cube(*by: str, **changes: Any) -> dict[str, Any]:
    frequencies = ["monthly", "quarterly", "annual", "year_to_date"]
    return {"table": "reports", "by": list(by), "frequencies": frequencies, "measures": ALL, **changes}


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Cases: `day`, and what differs from a report of type a without a loss."""
    usual = {
        "native_type": "a",
        "age": "young",
        "area": "North",
        "cases": 1,
        "victims": 1,
        "loss": 0,
        "known": True,
        "scheme": "s",
    }
    data = pd.DataFrame([{**usual, **row} for row in rows], columns=["day", *usual])
    days = pd.Series(pd.to_datetime(data["day"]), dtype="datetime64[ns]")
    # Categories that no case has are there on purpose.
    return pd.DataFrame(
        {
            "row": np.arange(2, len(data) + 2, dtype=np.int64),
            "date": days,
            "month": month_labels(month_numbers(days)),
            "classification": pd.Categorical(data["scheme"], categories=["s", "t", "unseen"]),
            "area": pd.Categorical(data["area"], categories=["North", "Nowhere;=]"]),
            "native_type": pd.Categorical(data["native_type"], categories=[*TYPES, "late"]),
            "age": pd.Categorical(data["age"], categories=AGES),
            "cases": data["cases"].astype("int64"),
            "victims": data["victims"].astype("int64"),
            "loss_minor": data["loss"].astype("int64"),
            "loss_known": data["known"].astype(bool),
            "problem": pd.Categorical([""] * len(data)),
        }
    )


def reports(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"day": "2023-01-01", "loss": loss * 100, **changes} for loss in range(1, count + 1)]


# ------------------------------------------------------------------------------------------------------- against pandas


CASE = st.fixed_dictionaries(
    {
        "day": st.sampled_from(
            ["2022-11-01", "2022-12-31", "2023-01-01", "2023-01-02", "2023-02-28", "2023-03-01", "2023-06-01"]
        ),
        "native_type": st.sampled_from(TYPES[:3]),
        "age": st.sampled_from(AGES[:3]),
        "victims": st.integers(0, 3),
        # Zeros, negative corrections, ties, and amounts over many orders of magnitude.
        "loss": st.one_of(st.sampled_from([0, 1, 1, 500, 999, 1000, 9999, 10000]), st.integers(-100, 10**13)),
        "known": st.booleans(),
    }
)


def plain(rows: pd.DataFrame, of_period: pd.DataFrame) -> dict[str, Any]:
    """What each measure of a group is, from its definition, in exact fractions; absent where it means nothing."""
    known = rows[rows["loss_known"]]
    losses = known.loc[known["loss_minor"] > 0, "loss_minor"]
    ordered = sorted(map(int, losses))
    total = sum(map(int, known["loss_minor"]))
    result: dict[str, Any] = {
        "cases": len(rows),
        "victims": int(rows["victims"].sum()),
        "cases_loss_known": len(known),
    }
    if len(of_period):
        result["share_of_cases"] = _rounded(Fraction(100 * len(rows), len(of_period)), "0.000001")
    whole_loss = sum(map(int, of_period.loc[of_period["loss_known"], "loss_minor"]))
    if whole_loss > 0 and (len(known) or not len(rows)):
        result["share_of_loss"] = _rounded(Fraction(100 * total, whole_loss), "0.000001")
    if len(known) or not len(rows):
        result |= {"cases_with_loss": len(ordered), "loss": Fraction(total, 100)}
    if len(known):
        result["share_with_loss"] = _rounded(Fraction(100 * len(ordered), len(rows)), "0.000001")
        result["share_with_loss_of_known"] = _rounded(Fraction(100 * len(ordered), len(known)), "0.000001")
        result["mean_loss"] = _rounded(Fraction(total, 100 * len(rows)), "0.01")
        result["mean_loss_of_known"] = _rounded(Fraction(total, 100 * len(known)), "0.01")
    if ordered:
        result["mean_loss_with_loss"] = _rounded(Fraction(total, 100 * len(ordered)), "0.01")
        result["max_loss"] = Fraction(ordered[-1], 100)
        for name, (above, below) in QUANTILES.items():
            rank = Fraction((len(ordered) - 1) * above, below)
            low = math.floor(rank)
            high = min(low + 1, len(ordered) - 1)
            exact = ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
            result[name] = exact / 100
            assert float(exact) == pytest.approx(losses.quantile(above / below, interpolation="linear"), rel=1e-12)
        for name, bounds in INTERVALS.items():
            ends = interval_ends(ordered, *QUANTILES[name])
            result |= {bound: Fraction(end, 100) for bound, end in zip(bounds, ends, strict=True) if end}
        for name, one_in in TOP_SHARES.items():
            if len(ordered) >= one_in:
                top = ordered[-math.ceil(Fraction(len(ordered), one_in)) :]
                result[name] = _rounded(Fraction(100 * sum(top), sum(ordered)), "0.000001")
        if (coefficient := gini(ordered)) >= 0:
            result["gini_loss"] = Fraction(coefficient, 10**6)
    return result


def _rounded(value: Fraction, step: str) -> Fraction:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return Fraction(exact.quantize(Decimal(step), ROUND_HALF_EVEN))


def whole(months: set[str], code: str) -> bool:
    return months.issuperset(Period.parse(code).months)


def groups(cases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The periods that the cases cover in whole, with their rows."""
    months = set(cases["month"])
    codes = {*months, *(Period.of(f, day).code for f in ("quarterly", "annual") for day in cases["date"].dt.date)}
    found = {code: cases[cases["month"].isin(Period.parse(code).months)] for code in codes if whole(months, code)}
    last = max(months)
    running = f"{last[:4]}-01/{last}"
    if "-01" < last[4:] < "-12" and whole(months, running):
        found[running] = cases[cases["month"].isin(Period.parse(running).months)]
    return found


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(CASE, min_size=1, max_size=30), seed=st.integers(0, 3))
def test_every_cell_is_what_plain_pandas_says(folder: Path, rows: list[dict[str, Any]], seed: int) -> None:
    cases = frame(rows)
    source = made(folder, cube("native_type", "age"))
    observations = cube_observations(cases, source, SNAPSHOT)
    assert list(observations.columns) == OBSERVATION_COLUMNS
    present = observations[observations["absence"] == ""]
    found: dict[tuple[str, ...], Any] = {}
    for row in present.itertuples(index=False):
        found[row.period, row.native_type, row.age, row.measure] = Fraction(row.value)
    assert len(found) == len(present)
    ages = dict(zip(AGES, ("Y_LT18", "Y_GE18", "_U", "_U"), strict=True))
    expected: dict[tuple[str, ...], Any] = {}
    for period, of_period in groups(cases).items():
        for native_type in ["_T", *cases["native_type"].unique()]:
            of_type = of_period if native_type == "_T" else of_period[of_period["native_type"] == native_type]
            for age in ["_T", *{ages[label] for label in cases["age"].unique()}]:
                cell = of_type if age == "_T" else of_type[of_type["age"].map(ages) == age]
                expected |= {(period, native_type, age, measure): value for measure, value in plain(cell, of_period).items()}
    assert found.keys() == expected.keys()
    assert all(found[key] == expected[key] for key in expected)
    # The order of the rows is no part of the result.
    shuffled = cases.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(cube_cells(shuffled, source), cube_cells(cases, source))


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(CASE, min_size=1, max_size=30))
def test_an_origin_leads_back_to_the_rows_that_were_counted(folder: Path, rows: list[dict[str, Any]]) -> None:
    cases = frame([{**row, "area": ("North", "Nowhere;=]")[place % 2]} for place, row in enumerate(rows)])
    source = made(
        folder,
        cube("native_type", "age", measures=["cases"]),
        cube("area", "loss_band", measures=["cases"], table="others"),
    )
    for row in cube_observations(cases, source, SNAPSHOT).to_dict("records"):
        assert row["origin"].startswith("aaaaaaaaaaaa.csv!rows[period=")
        if not row["absence"]:
            assert len(rows_of(cases, row["origin"], source)) == row["value"]


def test_an_origin_that_is_no_key_is_refused(folder: Path) -> None:
    with pytest.raises(FraudlossError, match="not the key of a cell"):
        rows_of(frame(reports(1)), "r07.csv!K4", made(folder, cube()))


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(CASE, min_size=1, max_size=30))
def test_parts_sum_to_the_total_of_every_additive_measure(folder: Path, rows: list[dict[str, Any]]) -> None:
    cells = cube_cells(frame(rows), made(folder, cube("loss_band"), cube("native_type", table="others")))
    cells = cells[cells["state"] == "present"]
    for column, table in (("loss_band", "reports"), ("native_type", "others")):
        of_table = cells[cells["table"] == table]
        for _, of_period in of_table.groupby("period"):
            total, parts = of_period[of_period[column] == "_T"], of_period[of_period[column] != "_T"]
            for measure in ("cases", "victims", "cases_loss_known", "cases_with_loss", "loss", "losses"):
                assert total[measure].sum() == parts[measure].sum()


# --------------------------------------------------------------------------------------------------- what is not computed


def test_a_period_that_the_file_covers_in_part_is_not_published(folder: Path) -> None:
    cases = frame([{"day": day} for day in ("2022-12-01", "2023-01-01", "2023-02-01")])
    observations = cube_observations(cases, made(folder, cube(measures=["cases"])), SNAPSHOT)
    assert observations["period"].tolist() == ["2022-12", "2023-01", "2023-02", "2023-01/2023-02"]


def test_a_hole_is_absent_and_never_zero_in_every_period_that_holds_it(folder: Path) -> None:
    months = [month for month in range(1, 13) if month != 6]
    cases = frame(
        [{"day": f"{year}-{month:02d}-01"} for year in (2022, 2023) for month in (months if year == 2023 else range(1, 13))]
    )
    observations = cube_observations(cases, made(folder, cube("native_type", measures=["cases", "loss"])), SNAPSHOT)
    holes = observations[observations["period"].isin(["2023-06", "2023-Q2", "2023"])]
    assert set(holes["absence"]) == {"not_yet_known"}
    assert set(holes["note"]) == {"not in the file: 2023-06"}
    assert set(holes["obs_status"]) == {"O"}
    assert holes["value"].isna().all()
    assert len(holes) == 6
    assert only(observations, period="2022", measure="cases", native_type="_T")["value"] == 12


def test_no_loss_is_given_where_the_publisher_keeps_none(folder: Path) -> None:
    cases = frame([{"day": "2023-01-01", "known": False}, {"day": "2023-01-01", "native_type": "b"}])
    measures = [name for name in ALL if name != "mean_loss"]
    source = made(folder, cube("native_type", frequencies=["monthly"], measures=measures), loss_unknown_types=["a"])
    observations = cube_observations(cases, source, SNAPSHOT)
    of_type = observations[observations["native_type"] == "a"]
    assert only(of_type, measure="loss")["absence"] == "not_collected"
    assert only(of_type, measure="cases_with_loss")["absence"] == "not_collected"
    assert set(of_type["measure"]) == {"cases", "share_of_cases", "victims", "cases_loss_known", "cases_with_loss", "loss"}
    assert only(observations, native_type="b", measure="loss")["value"] == 0
    assert only(observations, native_type="_T", measure="share_with_loss_of_known")["value"] == 0


@pytest.mark.parametrize("meta", [{"loss_unknown_types": ["a"]}, {"delivery": "ledger"}])
def test_a_mean_over_all_cases_is_refused_where_losses_may_be_unknown(folder: Path, meta: dict[str, Any]) -> None:
    source = made(folder, cube(measures=["mean_loss"]), **meta)
    with pytest.raises(FraudlossError, match=r"cafc/source.yml, cubes of reports: mean_loss .*; ask for mean_loss_of_known"):
        Cube.from_meta(source.meta["cubes"][0], source)
    known = made(folder, cube(measures=["mean_loss_of_known"]), **meta)
    assert Cube.from_meta(known.meta["cubes"][0], known).measures == ("mean_loss_of_known",)


def test_a_cell_without_a_case_in_a_covered_period_is_zero(folder: Path) -> None:
    cases = frame([{"day": "2023-01-01", "loss": 5}, {"day": "2023-02-01", "native_type": "b"}])
    observations = cube_observations(cases, made(folder, cube("native_type", frequencies=["monthly"])), SNAPSHOT)
    zero = observations[(observations["native_type"] == "a") & (observations["period"] == "2023-02")]
    assert zero.set_index("measure")["value"].to_dict() == dict.fromkeys(
        ["cases", "cases_loss_known", "cases_with_loss", "loss", "share_of_cases", "victims"], Decimal(0)
    )


def test_a_type_that_does_not_exist_yet_is_absent_and_not_zero(folder: Path) -> None:
    cases = frame([{"day": "2021-12-01"}, {"day": "2022-01-01", "native_type": "late"}])
    observations = cube_observations(cases, made(folder, cube("native_type", frequencies=["monthly"])), SNAPSHOT)
    assert only(observations, native_type="late", period="2021-12", measure="cases")["absence"] == "not_applicable"
    assert only(observations, native_type="late", period="2022-01", measure="cases")["value"] == 1
    assert only(observations, native_type="a", period="2022-01", measure="cases")["value"] == 0


MONTH = st.tuples(st.sampled_from(["2022", "2023"]), st.integers(1, 12)).map(lambda month: f"{month[0]}-{month[1]:02d}")
STRETCH = st.tuples(st.one_of(st.just(""), MONTH), st.one_of(st.just(""), MONTH), st.sampled_from("YN"))


@settings(max_examples=40, deadline=None)
@given(
    stretches=st.lists(st.lists(STRETCH, min_size=1, max_size=3), min_size=2, max_size=2),
    period=st.sampled_from(["2022-12", "2023-01", "2023-Q2", "2022", "2023", "2023-01/2023-05"]),
    name=st.sampled_from(["native_type", "fraud_type", "age"]),
)
def test_a_cell_is_there_where_a_month_of_its_period_is_one_of_its_labels(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[list[tuple[str, str, str]]], period: str, name: str
) -> None:
    folder, dimension = tmp_path_factory.mktemp("stretches"), "age" if name == "age" else "fraud_type"
    # Of each label its own stretches; of the common code Z, to which the last two labels lead, those of both.
    of_label = {"a": [("", "", "Y")], **dict(zip("bc", stretches, strict=True))}
    common = {"a": "A", "b": "Z", "c": "Z"}
    lines = [
        f"{dimension},{label},{first},{last},{common[label]},exact,{added},,"
        for label in of_label
        for first, last, added in of_label[label]
    ]
    header = "dimension,native_code,valid_from,valid_to,common_code,match,additive,note,evidence"
    (folder / "crosswalk.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    source, labels = made(folder, cube(name)), ("a", "b", "c") if name == "native_type" else ("A", "Z")
    types = tuple(common.values()) if name == "native_type" else ()
    coded = Coded(np.zeros(0, dtype=np.int64), labels, types, in_force_of(name, labels, source))
    block = Grid(0, Cube.from_meta(cube(name), source), "s", (name,), [coded], source).block("monthly", period, {})
    for label, state, overlay in zip(labels, block["state"], np.broadcast_to(block["overlay"], len(labels)), strict=True):
        own = [each for text, found in of_label.items() if label in (text, common[text]) for each in found]
        holding = [
            added for first, last, added in own if any(first <= month <= (last or "9") for month in Period.parse(period).months)
        ]
        assert (state == "present") == bool(holding)
        assert state in ("present", "not_in_use" if name == "native_type" else "category_not_in_use")
        if name == "native_type" and holding:
            assert overlay == ("N" in holding)


def test_figures_of_few_losses_say_so_and_are_not_withheld(folder: Path) -> None:
    source = made(folder, cube(frequencies=["monthly"]))
    nine = cube_observations(frame(reports(9)), source, SNAPSHOT)
    ten = cube_observations(frame(reports(10)), source, SNAPSHOT)
    assert only(nine, measure="median_loss")["note"] == "fewer than 10 losses"
    assert only(nine, measure="median_loss")["value"] == 5
    assert only(ten, measure="median_loss")["note"] == ""
    assert only(ten, measure="median_loss")["value"] == Decimal("5.5")
    assert only(ten, measure="p90_loss")["value"] == Decimal("9.1")
    assert only(ten, measure="p99_loss")["value"] == Decimal("9.91")


def test_an_interval_of_a_median_is_two_of_its_losses_and_absent_where_they_are_too_few(folder: Path) -> None:
    source = made(folder, cube(frequencies=["monthly"]))
    nine, ten, fifty = (cube_observations(frame(reports(count)), source, SNAPSHOT) for count in (9, 10, 50))
    # The 2nd and the 9th of ten losses of 1 to 10 dollars; the 41st and the last of fifty.
    assert [only(ten, measure=f"median_loss_{end}_95")["value"] for end in ("lower", "upper")] == [2, 9]
    assert [only(fifty, measure=f"p90_loss_{end}_95")["value"] for end in ("lower", "upper")] == [41, 50]
    assert only(ten, measure="median_loss_lower_95")["unit"] == "CAD"
    assert only(ten, measure="median_loss_lower_95")["precision"] is None
    for too_few, measure in ((nine, "median_loss"), (ten, "p90_loss")):
        for end in ("lower", "upper"):
            row = only(too_few, measure=f"{measure}_{end}_95")
            assert (row["value"], row["absence"], row["obs_status"]) == (None, "not_applicable", "O")
            assert row["note"] == "too few losses for an interval of 95 %"
    nothing = cube_observations(frame([{"day": "2023-01-01"}]), source, SNAPSHOT)
    assert not {"median_loss", *INTERVAL_ENDS} & set(nothing["measure"])


def test_only_a_cube_that_declares_intervals_has_them(folder: Path) -> None:
    without = [name for name in ALL if name not in INTERVAL_ENDS]
    cubes = (cube(measures=without), cube("native_type", measures=["median_loss", *INTERVAL_ENDS], table="others"))
    observations = cube_observations(frame(reports(60)), made(folder, *cubes), SNAPSHOT)
    with_them = observations[observations["measure"].isin(INTERVAL_ENDS)]
    assert set(with_them["table"]) == {"others"}
    assert only(with_them, period="2023-01", native_type="_T", measure="median_loss_lower_95")["value"] == 22
    cells = frame([{"day": "2023-01-01", "cases": 2}])
    with pytest.raises(FraudlossError, match="cannot give median_loss_lower_95"):
        cube_cells(cells, made(folder, cube(measures=["cases", "median_loss_lower_95"])))


def test_top_shares_need_as_many_losses_as_make_one_of_the_top(folder: Path) -> None:
    source = made(folder, cube(frequencies=["monthly"]))
    of_ten = cube_observations(frame(reports(10)), source, SNAPSHOT)
    of_1001 = cube_observations(frame(reports(1001)), source, SNAPSHOT)
    assert only(of_ten, measure="top_10_share")["value"] == Decimal("18.181818")
    assert not {"top_1_share", "top_0_1_share"} & set(of_ten["measure"])
    # 0.1 % of 1,001 losses is more than one loss: two, 1,001 and 1,000 of 501,501 dollars.
    assert only(of_1001, measure="top_0_1_share")["value"] == Decimal("0.399002")


def test_a_gini_coefficient_is_of_ten_losses_or_more_and_absent_of_fewer(folder: Path) -> None:
    source = made(folder, cube(frequencies=["monthly"]))
    # Attempts, corrections and reports whose loss is not known are not among the losses.
    others = [{"day": "2023-01-03", "loss": loss, "known": known} for loss, known in ((0, True), (-500, True), (0, False))]
    of_nine, of_ten = (cube_observations(frame([*reports(count), *others]), source, SNAPSHOT) for count in (9, 10))
    row = only(of_ten, measure="gini_loss")
    # 1 to n dollars: (n - 1) / 3 n.
    assert (row["value"], row["precision"], row["unit"]) == (Decimal("0.3"), Decimal("0.0000005"), "coefficient")
    row = only(of_nine, measure="gini_loss")
    assert (row["value"], row["absence"], row["obs_status"]) == (None, "not_applicable", "O")
    assert row["note"] == "fewer than 10 losses"
    nothing = cube_observations(frame(others), source, SNAPSHOT)
    assert "gini_loss" not in set(nothing["measure"])


def test_cells_of_several_reports_have_no_gini_coefficient(folder: Path) -> None:
    with pytest.raises(FraudlossError, match="cannot give gini_loss"):
        cube_cells(frame([{"day": "2023-01-01", "cases": 2}]), made(folder, cube(measures=["cases", "gini_loss"])))


def test_loss_bands_hold_their_lower_bound_and_not_their_upper(folder: Path) -> None:
    amounts = [(0, True), (0, False), (1, True), (999, True), (1000, True), (9999, True), (10000, True)]
    cases = frame([{"day": "2023-01-01", "loss": loss, "known": known} for loss, known in amounts])
    observations = cube_observations(cases, made(folder, cube("loss_band", measures=["cases"])), SNAPSHOT)
    monthly = observations[observations["frequency"] == "monthly"]
    assert monthly.set_index("loss_band")["value"].to_dict() == {
        "_T": 7,
        "_U": 1,
        "NONE": 1,
        "CAD_GT0_LT10": 2,
        "CAD_GE10_LT100": 2,
        "CAD_GE100": 1,
    }


def test_a_correction_below_zero_has_a_band_of_its_own_and_bands_add_up_to_the_total(folder: Path) -> None:
    cases = frame([{"day": f"2023-{month:02d}-01", "loss": loss} for month, loss in ((1, -250), (1, 0), (1, 999), (2, 10000))])
    observations = cube_observations(cases, made(folder, cube("loss_band", measures=["cases", "loss"])), SNAPSHOT)
    of_month = {
        (period, measure): rows.set_index("loss_band")["value"].to_dict()
        for (period, measure), rows in observations[observations["frequency"] == "monthly"].groupby(["period", "measure"])
    }
    january = {"NEGATIVE": 1, "NONE": 1, "CAD_GT0_LT10": 1, "CAD_GE100": 0, "_T": 3}
    assert of_month["2023-01", "cases"] == january
    assert of_month["2023-02", "cases"] == {**dict.fromkeys(january, 0), "CAD_GE100": 1, "_T": 1}
    losses = of_month["2023-01", "loss"]
    assert (losses["NEGATIVE"], losses["NONE"], losses["CAD_GT0_LT10"]) == (Decimal("-2.50"), 0, Decimal("9.99"))
    assert losses["_T"] == sum(value for band, value in losses.items() if band != "_T" and value is not None)


def test_schemes_of_types_are_never_added_up(folder: Path) -> None:
    cases = frame([{"day": f"2023-{month:02d}-01", "scheme": "s" if month < 7 else "t"} for month in range(1, 13)])
    source = made(folder, cube("native_type", measures=["cases"]), cube(measures=["cases"], table="others", classification="all"))
    observations = cube_observations(cases, source, SNAPSHOT)
    by_type = observations[observations["table"] == "reports"]
    assert "2023" not in set(by_type["period"])
    assert set(by_type.loc[by_type["period"] == "2023-Q2", "classification"]) == {"s"}
    assert set(by_type.loc[by_type["period"] == "2023-Q3", "classification"]) == {"t"}
    assert only(observations, table="others", period="2023")["value"] == 12
    mixed = frame([{"day": "2023-01-01"}, {"day": "2023-01-01", "scheme": "t", "loss": 300}])
    observations = cube_observations(mixed, made(folder, cube("native_type", frequencies=["monthly"])), SNAPSHOT)
    assert only(observations, measure="loss", classification="s", native_type="_T")["value"] == 0
    assert only(observations, measure="median_loss", classification="t", native_type="_T")["value"] == 3


def test_cells_of_many_reports_have_counts_and_sums_but_no_median(folder: Path) -> None:
    cases = frame([{"day": "2023-01-01", "cases": 12, "loss": 5000}, {"day": "2023-01-01", "cases": 3}])
    observations = cube_observations(cases, made(folder, cube(measures=["cases", "loss", "mean_loss"])), SNAPSHOT)
    assert only(observations, measure="cases", frequency="monthly")["value"] == 15
    assert only(observations, measure="mean_loss", frequency="monthly")["value"] == Decimal("3.33")
    assert only(observations, measure="mean_loss", frequency="monthly")["precision"] == Decimal("0.005")
    with pytest.raises(FraudlossError, match="cannot give median_loss"):
        cube_cells(cases, made(folder, cube(measures=["cases", "median_loss"])))
    with pytest.raises(FraudlossError, match="cannot give victims"):
        cube_cells(cases.drop(columns="victims"), made(folder, cube(measures=["victims"])))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"table": "unknown"}, "unknown"),
        ({"by": ["colour"]}, "colour"),
        ({"frequencies": ["weekly"]}, "weekly"),
        ({"measures": ["mode_loss"]}, "mode_loss"),
    ],
)
def test_a_declared_cube_with_an_unknown_word_is_refused(folder: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(FraudlossError, match=named):
        cube_cells(frame(reports(1)), made(folder, cube(**changes)))


def test_two_cubes_that_give_the_same_measure_of_the_same_cells_are_refused(folder: Path) -> None:
    both = made(folder, cube(measures=["cases", "loss"]), cube(measures=["loss"]))
    with pytest.raises(FraudlossError, match=r"two cubes of reports give the .* loss of the same cells"):
        cube_cells(frame(reports(1)), both)


def test_a_total_may_have_measures_that_its_parts_do_not_have(folder: Path) -> None:
    both = made(folder, cube("native_type", measures=["cases"]), cube(measures=["p90_loss"]))
    figures = cube_observations(frame(reports(3)), both, SNAPSHOT)
    totals = figures[figures["native_type"] == "_T"]
    assert {"cases", "p90_loss"} <= set(totals["measure"])
    assert set(figures.loc[figures["native_type"] != "_T", "measure"]) == {"cases"}
    assert not figures["id"].duplicated().any()


def test_cases_that_broke_a_rule_are_not_counted_by_mistake(folder: Path) -> None:
    cases = frame(reports(1)).assign(problem=pd.Categorical(["loss_negative"]))
    with pytest.raises(ValueError, match="quarantined"):
        cube_cells(cases, made(folder, cube()))


def test_no_cases_give_no_figures(folder: Path) -> None:
    assert cube_observations(frame(reports(1)).iloc[:0], made(folder, cube("native_type")), SNAPSHOT).empty


def test_the_status_says_provisional_and_where_a_break_begins(folder: Path) -> None:
    source = made(folder, cube("native_type", measures=["cases"], frequencies=["monthly"]))
    broken = [{"table": "reports", "from": "2023-02", "native_types": ["a"], "reason": "recut"}]
    cases = frame([{"day": "2023-01-01"}, {"day": "2023-02-01"}])
    observations = cube_observations(
        cases, declared(**{**vars(source), "breaks": tuple(broken)}), snapshot("s", "2023-03-01", edition="provisional")
    )
    assert only(observations, native_type="a", period="2023-02")["obs_status"] == "B"
    assert only(observations, native_type="_T", period="2023-02")["obs_status"] == "P"
    assert only(observations, native_type="a", period="2023-01")["obs_status"] == "P"


def test_a_file_that_ends_within_its_last_month_says_so(folder: Path) -> None:
    source = made(folder, cube(measures=["cases"], frequencies=["monthly"]), date_unit="day")
    observations = cube_observations(frame([{"day": "2023-01-05"}, {"day": "2023-02-27"}]), source, SNAPSHOT)
    assert observations.set_index("period")["note"].to_dict() == {"2023-01": "", "2023-02": "the file ends on 2023-02-27"}
