"""Scamwatch's partial exports: what a blank means and when, holes, months, changed columns; and the real exports."""

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from pipeline.aggregate.cubes import cube_observations
from pipeline.model import RefusedInput
from pipeline.reading.cases import covered_months, holes
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.sources.catalogue import source
from pipeline.sources.scamwatch.reader import read_cases
from tests.figures import only, snapshot, unsound

FIXTURES = Path(__file__).parent / "fixtures" / "scamwatch"
REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "scamwatch" / "scamwatch_2025-08.zip"
SCAMWATCH = source("scamwatch")
SNAPSHOT = snapshot("scamwatch", "2025-08-31", edition="unknown")
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the publisher's exports are not in the repository")


def delivery(tmp_path: Path, replacement: str = "", *, twice: str = "") -> Path:
    """The fixtures as a zip, with a text replaced in them, or one of them in it a second time."""
    path = tmp_path / "scamwatch.zip"
    old, _, new = replacement.partition(" -> ")
    contents = {file.name: file.read_bytes().decode("utf-8") for file in sorted(FIXTURES.glob("*.csv"))}
    assert not old or any(old in content for content in contents.values())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content.replace(old, new) if old else content)
        if twice:
            archive.writestr("again.csv", contents[twice])
    return path


def read(path: Path) -> pd.DataFrame:
    return read_cases(path, SNAPSHOT, SCAMWATCH)


def test_cells_carry_the_number_of_reports_and_the_sum_of_their_losses(tmp_path: Path) -> None:
    cases = read(delivery(tmp_path))
    assert (cases["problem"] == "").all()
    assert len(cases) == 14
    assert cases["cases"].sum() == 197
    assert cases["loss_minor"].sum() == 13300475
    assert cases["loss_known"].all()
    assert cases["row"].tolist()[:5] == [2, 3, 4, 5, 2]
    assert cases["native_type"].iloc[2] == "Threats to life, arrest or other"


def test_a_blank_is_no_loss_only_as_long_as_the_publisher_meant_it_so(tmp_path: Path) -> None:
    cases = read(delivery(tmp_path, "False billing,$0.00,80 -> False billing,,80"))
    bad = unsound(cases)
    assert bad["problem"].tolist() == ["loss_blank"]
    assert not bad["loss_known"].any()
    assert bad["problem_text"].iloc[0] == "Amount_lost: ''"


def test_a_month_in_no_export_is_a_hole_and_not_a_zero(tmp_path: Path) -> None:
    cases = read(delivery(tmp_path))
    assert (covered_months(cases)[0], covered_months(cases)[-1]) == ("2023-04", "2024-08")
    assert holes(cases) == ["2023-06", "2024-03", "2024-04", "2024-05", "2024-06"]
    observations = cube_observations(cases, SCAMWATCH, SNAPSHOT)
    total = observations[(observations["table"] == "scamwatch_types") & (observations["native_type"] == "_T")]
    june = only(total, period="2023-06", measure="cases")
    assert (june["value"], june["absence"], june["note"]) == (None, "not_yet_known", "not in the file: 2023-06")
    assert only(total, period="2023-Q2", measure="loss")["absence"] == "not_yet_known"
    assert only(total, period="2023-Q3", measure="loss")["value"] == 126549
    assert only(total, period="2023-Q4", measure="cases")["value"] == 16


def test_each_export_covers_its_own_months_and_no_month_twice(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="2023-07 in 2 of the exports") as error:
        read(delivery(tmp_path, twice="ScamWatchReport2023Q3.csv"))
    assert error.value.cell == "ScamWatchReport2023Q3.csv, again.csv"


@pytest.mark.parametrize(
    ("replacement", "named"),
    [
        ("Category_Level_2, -> ", "no column 'Category_Level_2'"),
        ("Scam___Contact_Mode -> Contact_Mode", "no column 'Scam___Contact_Mode', a column 'Contact_Mode'"),
        ("Number_of_reports -> Number_of_reports,Postcode", "a column 'Postcode'"),
    ],
)
def test_a_changed_column_is_refused_by_its_name(tmp_path: Path, replacement: str, named: str) -> None:
    with pytest.raises(RefusedInput, match=re.escape(named)) as error:
        read(delivery(tmp_path, replacement))
    assert "source.yml" in error.value.action


@pytest.mark.parametrize(
    ("replacement", "rule"),
    [
        ("2023-04-01,Victoria,Email,65 and over,Male -> 2023-04-02,Victoria,Email,65 and over,Male", "date_not_first_of_month"),
        ("$26549.00 -> $2.65E+04", "loss_lost_digits"),
        ("$26549.00 -> -$26549.00", "loss_negative"),
        ("Investment scams,Investment scams -> Investment scams,Crypto scams", "label_unknown"),
        ("Investment scams,Investment scams -> Other,Investment scams", "labels_contradict"),
        ("Other,Other scams,$10.00,5 -> Unexpected winnings,Scratchie scams,$10.00,5", "label_not_in_force"),
        ("$100000.00,4 -> $100000.00,0", "count_zero"),
        ("$100000.00,4 -> $100000.00,4.5", "count_unreadable"),
        ("Queensland -> Queensland (QLD)", "label_unknown"),
    ],
)
def test_a_cell_that_cannot_be_read_is_marked(tmp_path: Path, replacement: str, rule: str) -> None:
    cases = read(delivery(tmp_path, replacement))
    assert len(cases) == 14
    assert unsound(cases)["problem"].tolist() == [rule]


def test_a_cell_that_stands_twice_is_marked_both_times(tmp_path: Path) -> None:
    cases = read(delivery(tmp_path, "65 and over,Female,Buying -> 65 and over,Male,Buying"))
    assert unsound(cases)["problem"].tolist() == ["cell_repeated", "cell_repeated"]


def test_an_export_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes((FIXTURES / "ScamWatchReport2024Q3.csv").read_bytes()[:-5])
    with pytest.raises(RefusedInput, match="cut off"):
        read(path)
    path.write_bytes((FIXTURES / "ScamWatchReport2024Q3.csv").read_bytes())
    assert len(read(path)) == 2


def test_every_category_has_a_group_and_a_common_type() -> None:
    grouped = {label for labels in SCAMWATCH.meta["groups"].values() for label in labels}
    mapped = {label for dimension, label in crosswalk_rows(SCAMWATCH.folder / "crosswalk.csv") if dimension == "fraud_type"}
    assert grouped == mapped
    listed = set(pd.read_csv(Path(__file__).parents[1] / "pipeline" / "reference" / "fraud_types.csv")["code"])
    rows = crosswalk_rows(SCAMWATCH.folder / "crosswalk.csv")
    assert {row["common_code"] for (dimension, _), found in rows.items() for row in found if dimension == "fraud_type"} <= listed


# ------------------------------------------------------------------------------------------------------- the real exports


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return read_cases(REAL, SNAPSHOT, SCAMWATCH)


@pytest.fixture(scope="module")
def figures(real: pd.DataFrame) -> pd.DataFrame:
    return cube_observations(real, SCAMWATCH, SNAPSHOT)


def million(value: Decimal) -> int:
    return round(value / 1_000_000)


@needs_real
def test_the_real_exports_are_read_whole_and_june_2023_is_a_hole(real: pd.DataFrame) -> None:
    assert len(real) == 311_136
    assert (real["problem"] == "").all()
    assert (covered_months(real)[0], covered_months(real)[-1]) == ("2020-01", "2025-05")
    assert holes(real) == SCAMWATCH.meta["holes"] == ["2023-06"]


@needs_real
def test_2021_is_what_targeting_scams_printed(figures: pd.DataFrame) -> None:
    # ACCC, Targeting scams: report on scams activity 2021 (scamwatch.gov.au), as restated by leaprate.com for the age.
    year = figures[figures["period"] == "2021"]
    types = year[year["table"] == "scamwatch_types"]
    assert only(types, native_type="_T", measure="cases")["value"] == 286_622
    assert million(only(types, native_type="_T", measure="loss")["value"]) == 324
    printed = {
        "Investment scams": 177,
        "Dating and romance scams": 56,
        "False billing": 17,
        "Remote access scams": 16,
        "Threats to life, arrest or other": 11,
        "Identity theft": 10,
        "Online shopping scams": 8,
        "Classified scams": 7,
        "Phishing": 4,
        "Hacking": 3,
    }
    assert {name: million(only(types, native_type=name, measure="loss")["value"]) for name in printed} == printed
    sexes = year[year["table"] == "scamwatch_sexes"]
    assert only(sexes, sex="F", measure="cases")["value"] == 142_092
    assert million(only(sexes, sex="F", measure="loss")["value"]) == 131
    assert million(only(sexes, sex="M", measure="loss")["value"]) == 190
    oldest = year[(year["table"] == "scamwatch_ages") & (year["age"] == "Y_GE65")]
    assert only(oldest, measure="cases")["value"] == 46_286
    assert million(only(oldest, measure="loss")["value"]) == 82


@needs_real
def test_figures_that_the_publisher_revised_differ_by_this_much(figures: pd.DataFrame) -> None:
    total = figures[(figures["table"] == "scamwatch_types") & (figures["native_type"] == "_T")]
    # Printed: 216,087 for 2020 and 138,591 men for 2021 (report on 2021); 239,237 and more than 569 million dollars for 2022
    # (scamwatch.gov.au); 67,709 and 73.2 million for the first quarter of 2024 (National Anti-Scam Centre, May 2024).
    assert only(total, period="2020", measure="cases")["value"] == 216_086
    sexes = figures[(figures["table"] == "scamwatch_sexes") & (figures["period"] == "2021")]
    assert only(sexes, sex="M", measure="cases")["value"] == 138_589
    assert only(total, period="2022", measure="cases")["value"] == 239_239
    assert only(total, period="2022", measure="loss")["value"] == Decimal(506674458)
    assert only(total, period="2024-Q1", measure="cases")["value"] == 67_734
    assert only(total, period="2023", measure="cases")["absence"] == "not_yet_known"


@needs_real
@pytest.mark.parametrize(
    ("table", "over"),
    [
        ("scamwatch_types", "native_type"),
        ("scamwatch_common_types", "fraud_type"),
        ("scamwatch_ages", "age"),
        ("scamwatch_sexes", "sex"),
        ("scamwatch_areas", "area"),
        ("scamwatch_contacts", "contact"),
    ],
)
def test_the_parts_of_every_table_and_period_sum_to_its_total(figures: pd.DataFrame, table: str, over: str) -> None:
    rows = figures[(figures["table"] == table) & figures["measure"].isin(["cases", "loss"]) & (figures["absence"] == "")]
    is_total = rows[over].isin(["_T", "AU"])
    key = ["period", "measure"]
    totals = rows[is_total].set_index(key)["value"].to_dict()
    assert totals
    assert rows[~is_total].groupby(key)["value"].sum().to_dict() == totals
