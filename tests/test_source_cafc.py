"""The Canadian Anti-Fraud Centre's file, in every spelling that is seen, and the real one where it is at hand."""

import collections
import csv
import datetime as dt
import io
import math
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.aggregate.cubes import cube_observations, rows_of
from pipeline.aggregate.derive import derive
from pipeline.model import MEASURES, UNITS, Period, RefusedInput
from pipeline.reading.cases import covered_months, holes
from pipeline.reading.crosswalk import crosswalk_rows
from pipeline.sources.cafc.reader import read_cases
from pipeline.sources.catalogue import source
from tests.figures import interval_ends, only, snapshot, unsound

FIXTURES = Path(__file__).parent / "fixtures" / "cafc"
REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "cafc_2024-09-30.zip"
CAFC = source("cafc")
SNAPSHOT = snapshot("cafc", "2024-03-31", edition="unknown")
needs_real = pytest.mark.skipif(not REAL.is_file(), reason="the publisher's file is not in the repository")


def read(path: Path) -> pd.DataFrame:
    return read_cases(path, SNAPSHOT, CAFC)


def changed(tmp_path: Path, **replacements: str) -> Path:
    """The fixture with texts replaced, as a file of its own. Names carry no meaning."""
    text = (FIXTURES / "accented.csv").read_text(encoding="utf-8")
    for pair in replacements.values():
        old, new = pair.split(" -> ")
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "cafc.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_the_spellings_of_the_header_read_the_same() -> None:
    accented = read(FIXTURES / "accented.csv")
    for name in ("deaccented.csv", "damaged.csv", "resaved.csv"):
        pd.testing.assert_frame_equal(read(FIXTURES / name).drop(columns="file"), accented.drop(columns="file"))


def test_a_report_is_read_to_the_cent_and_the_label() -> None:
    cases = read(FIXTURES / "accented.csv")
    assert (cases["problem"] == "").all()
    assert cases["row"].tolist() == list(range(2, 13))
    first = cases.iloc[0]
    assert first["date"] == pd.Timestamp("2023-10-02")
    assert first["loss_minor"] == 123456789
    assert (first["native_type"], first["area"], first["age"], first["sex"]) == (
        "Romance",
        "Canada / Ontario",
        "60 - 69",
        "Female",
    )
    assert cases["native_type"].iloc[2] == "GRANT"
    assert cases["age"].tolist()[2:10] == [
        "10 - 19",
        "Not Available",
        "Not Available",
        "Deceased",
        "100 +",
        "80 - 89",
        "20 - 29",
        "Business",
    ]
    assert cases["area"].tolist()[5:7] == ["Outside Canada", "Not Specified / Not Specified"]
    assert cases["country"].iloc[5] == "United States"
    assert cases["cases"].sum() == 11
    assert cases["victims"].sum() == 8


def test_equal_reports_are_different_reports() -> None:
    cases = read(FIXTURES / "accented.csv")
    assert cases.drop(columns="row").duplicated().sum() == 1
    assert (cases["native_type"] == "Extortion").sum() == 2


def test_a_loss_of_zero_where_none_is_kept_is_not_known() -> None:
    cases = read(FIXTURES / "accented.csv").set_index("row")
    assert not cases.loc[3, "loss_known"]  # Identity Fraud
    assert cases.loc[5, "loss_known"]  # an attempt: nothing was lost
    assert cases["loss_known"].sum() == 10


def test_a_loss_that_is_printed_is_known_whatever_the_type(tmp_path: Path) -> None:
    path = changed(tmp_path, a="'40 - 49,Victim,Victime,1,$0.00 -> '40 - 49,Victim,Victime,1,$7.00")
    assert read(path)["loss_known"].all()


@pytest.mark.parametrize(
    ("replacement", "rule", "found"),
    [
        ("1,2023-10-02,Phone -> 1,2023-14-02,Phone", "date_unreadable", "Date Received / Date reçue: '2023-14-02'"),
        ("1,2023-10-02,Phone -> 1,25/10/2023,Phone", "date_unreadable", "Date Received / Date reçue: '25/10/2023'"),
        (",Romance, -> ,Crypto Romance,", "label_unknown", "Fraud and Cybercrime Thematic Categories: 'Crypto Romance'"),
        ("'60 - 69 -> Oct-19", "label_unknown", "Victim Age Range / Tranche d'âge des victimes: 'Oct-19'"),
        ('"$1,234,567.89" -> 1.23E+06', "loss_lost_digits", "Dollar Loss /pertes financières: '1.23E+06'"),
        ('"$1,234,567.89" -> "($1,234,567.89)"', "loss_negative", "Dollar Loss /pertes financières: '($1,234,567.89)'"),
        ('Victime,1,"$1,234 -> Victime,one,"$1,234', "count_unreadable", "Number of Victims / Nombre de victimes: 'one'"),
        ("Canada,Canada,Ontario,Ontario,Romance -> Germany,Allemagne,Ontario,Ontario,Romance", "labels_contradict", "'Ontario'"),
        ("Canada,Canada,Ontario,Ontario,Romance -> Canada,Canada,Bavaria,Bavière,Romance", "label_unknown", "'Canada / Bavaria'"),
        ("Female,Femme,English,Anglais,'60 -> =cmd|' /C calc'!A0,Femme,English,Anglais,'60", "label_unknown", "=cmd|"),
        (',"$1,234,567.89"\n -> ,"$1,234,567.89",more\n', "row_ragged", "1,2023-10-02,Phone"),
    ],
)
def test_a_row_that_cannot_be_read_is_marked_and_the_others_go_on(
    tmp_path: Path, replacement: str, rule: str, found: str
) -> None:
    cases = read(changed(tmp_path, a=replacement))
    assert len(cases) == 11
    bad = unsound(cases)
    assert bad["row"].tolist() == [2]
    assert bad["problem"].iloc[0] == rule
    assert found in bad["problem_text"].iloc[0]


@pytest.mark.parametrize(
    ("replacement", "named"),
    [
        ("Solicitation Method -> Contact Method", "no column 'Solicitation Method', a column 'Contact Method'"),
        ("Gender,Genre, -> Gender,", "no column 'Genre'"),
        ("Number ID -> ID", "Number ID"),
    ],
)
def test_a_renamed_or_missing_column_is_refused_by_its_name(tmp_path: Path, replacement: str, named: str) -> None:
    with pytest.raises(RefusedInput, match=re.escape(named)):
        read(changed(tmp_path, a=replacement))


def test_two_histories_in_one_delivery_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(FIXTURES / "accented.csv", "a.csv")
        archive.write(FIXTURES / "accented.csv", "b.csv")
    with pytest.raises(RefusedInput, match="count every report twice"):
        read(path)


def test_a_zip_and_its_file_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "cafc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(FIXTURES / "accented.csv", "accented.csv")
    pd.testing.assert_frame_equal(read(path), read(FIXTURES / "accented.csv"))


def test_the_fixture_gives_these_figures() -> None:
    cases = read(FIXTURES / "accented.csv")
    assert covered_months(cases) == Period.parse("2023-10/2024-02").months
    assert holes(cases) == []
    observations = cube_observations(cases, CAFC, SNAPSHOT)
    quarter = observations[(observations["table"] == "cafc_types") & (observations["period"] == "2023-Q4")]
    total = quarter[quarter["native_type"] == "_T"]
    assert only(total, measure="cases")["value"] == 8
    assert only(total, measure="victims")["value"] == 6
    assert only(total, measure="cases_with_loss")["value"] == 5
    assert only(total, measure="share_with_loss_of_known")["value"] == Decimal("71.428571")
    assert only(total, measure="loss")["value"] == Decimal("1254817.99")
    assert only(total, measure="median_loss")["value"] == Decimal("9999.99")
    assert only(total, measure="p90_loss")["value"] == Decimal("744740.734")
    assert only(total, measure="mean_loss_with_loss")["value"] == Decimal("250963.60")
    assert only(quarter, native_type="Romance", measure="loss")["fraud_type"] == "ROM"
    assert only(quarter, native_type="Identity Fraud", measure="loss")["absence"] == "not_collected"
    areas = observations[(observations["table"] == "cafc_areas") & (observations["period"] == "2023-Q4")]
    assert areas[areas["measure"] == "cases"].set_index("area")["value"].to_dict() == {
        "CA": 8,
        "CA-ON": 2,
        "CA-QC": 1,
        "CA-NL": 1,
        "CA-NT": 0,
        "_U_CA": 2,
        "_X_CA": 1,
        "_U": 1,
    }
    assert set(observations.loc[observations["frequency"] == "year_to_date", "period"]) == {"2024-01/2024-02"}
    assert set(observations["unit"]) <= set(UNITS)
    assert set(observations["measure"]) <= set(MEASURES)


def test_every_common_code_of_a_type_is_in_the_code_list() -> None:
    listed = set(pd.read_csv(Path(__file__).parents[1] / "pipeline" / "reference" / "fraud_types.csv")["code"])
    used = {
        row["common_code"]
        for (dimension, _), rows in crosswalk_rows(CAFC.folder / "crosswalk.csv").items()
        for row in rows
        if dimension == "fraud_type"
    }
    assert used <= listed


# ---------------------------------------------------------------------------------------------------------- the real file


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return read_cases(REAL, SNAPSHOT, CAFC)


@pytest.fixture(scope="module")
def figures(real: pd.DataFrame) -> pd.DataFrame:
    return cube_observations(real, CAFC, SNAPSHOT)


@needs_real
def test_the_real_file_is_read_whole(real: pd.DataFrame) -> None:
    assert len(real) == 300_171
    assert (real["problem"] == "").all()
    assert covered_months(real) == Period.parse("2021-01/2024-09").months
    # Equal but for the id: 41,490 rows are the twin of an earlier one, and none is dropped.
    columns = ["date", "country", "area", "native_type", "contact", "sex", "age", "outcome", "victims", "loss_minor"]
    assert real.duplicated(columns).sum() >= 41_490
    assert not real.loc[real["native_type"].isin(["Identity Fraud", "Personal Info", "Phishing"]), "loss_known"].any()


@needs_real
def test_a_type_that_ended_is_not_counted_as_nothing(real: pd.DataFrame, figures: pd.DataFrame) -> None:
    seen = real.groupby(real["native_type"].astype(str))["date"].agg(["min", "max"])
    listed = {label: row for (dimension, label), (row,) in crosswalk_rows(CAFC.folder / "crosswalk.csv").items()}
    ended = {label for label, row in listed.items() if row["dimension"] == "fraud_type" and row["valid_to"]}
    # Nothing for two years and more, where others come at least every year and a half.
    assert ended == set(seen.index[seen["max"] < seen["max"].max() - dt.timedelta(days=730)])
    assert len(ended) == 6
    assert seen.loc["Telecom Fraud", "min"] == pd.Timestamp("2021-11-08")
    spoofing = figures[(figures["native_type"] == "Spoofing") & (figures["measure"] == "cases")].set_index("period")
    assert spoofing.loc["2021", "value"] == 206
    assert spoofing.loc["2022", ["value", "absence"]].tolist() == [None, "not_applicable"]
    telecom = figures[(figures["native_type"] == "Telecom Fraud") & (figures["measure"] == "cases")].set_index("period")
    assert telecom.loc["2021-10", "absence"] == "not_applicable"


@needs_real
@pytest.mark.parametrize(
    ("last_day", "reports", "loss"),
    # Weekly figures of the vintage of June 2024 (notebook of github.com/PaulYYLin/Fraud-Pattern-Analysis, cb9c284): country
    # Canada without California. January 2021 is the same to the cent in this vintage.
    [
        ("2021-01-03", 93, "72269.08"),
        ("2021-01-10", 1472, "3464635.85"),
        ("2021-01-17", 1432, "3550356.61"),
        ("2021-01-24", 1775, "1892402.86"),
        ("2021-01-31", 1816, "3405018.22"),
    ],
)
def test_the_weeks_of_january_2021_are_those_of_the_earlier_vintage(
    real: pd.DataFrame, last_day: str, reports: int, loss: str
) -> None:
    last = pd.Timestamp(last_day)
    week = real[(real["date"] > last - dt.timedelta(days=7)) & (real["date"] <= last) & (real["country"] == "Canada")]
    week = week[week["area"] != "Canada / California"]
    assert len(week) == reports
    assert Decimal(int(week["loss_minor"].sum())).scaleb(-2) == Decimal(loss)


@needs_real
def test_published_totals_of_2022_and_2023_are_of_another_state_and_scope(figures: pd.DataFrame) -> None:
    total = figures[(figures["table"] == "cafc_types") & (figures["native_type"] == "_T") & (figures["frequency"] == "annual")]
    # First published for 2023: 62,365 reports and 554 million dollars (seniorfraudalert.ca); this file is nine months later.
    assert only(total, period="2023", measure="cases")["value"] == 63_772
    assert only(total, period="2023", measure="loss")["value"] == Decimal("575850186.55")
    # Published for 2022: 70,878 reports; 530.4 million dollars in the annual report, 531 million in July 2023.
    assert only(total, period="2022", measure="cases")["value"] == 92_986
    assert only(total, period="2022", measure="loss")["value"] == Decimal("533250681.77")


@needs_real
def test_late_reports_are_in_past_months(real: pd.DataFrame) -> None:
    # The vintage of June 2024 has 285,855 rows up to 2024-06-30 (PaulYYLin/Fraud-Pattern-Analysis); 2,668 came in late.
    assert (real["date"] <= pd.Timestamp("2024-06-30")).sum() == 285_855 + 2_668


@needs_real
def test_the_cubes_of_the_real_file_are_what_pandas_says(real: pd.DataFrame, figures: pd.DataFrame) -> None:
    year = real[real["date"].dt.year == 2023]
    of_year = figures[(figures["table"] == "cafc_types") & (figures["period"] == "2023")]
    for native_type in ("Investments", "Romance", "Emergency (Jail, Accident, Hospital, Help)"):
        losses = year.loc[(year["native_type"] == native_type) & (year["loss_minor"] > 0), "loss_minor"]
        for measure, quantile in (("median_loss", 0.5), ("p90_loss", 0.9), ("p99_loss", 0.99), ("max_loss", 1.0)):
            row = only(of_year, native_type=native_type, measure=measure)
            assert float(row["value"]) == pytest.approx(losses.quantile(quantile) / 100, rel=1e-12)
        for measure, (above, below) in (("median_loss", (1, 2)), ("p90_loss", (9, 10))):
            ends = [only(of_year, native_type=native_type, measure=f"{measure}_{end}_95")["value"] for end in ("lower", "upper")]
            assert ends == [Decimal(end).scaleb(-2) for end in interval_ends(losses.tolist(), above, below)]
        top = losses.nlargest(math.ceil(len(losses) / 100)).sum()
        assert float(only(of_year, native_type=native_type, measure="top_1_share")["value"]) == pytest.approx(
            100 * top / losses.sum(), abs=0.0005
        )
        assert len(rows_of(real, row["origin"], CAFC)) == only(of_year, native_type=native_type, measure="cases")["value"]
    for native_type in ("Investments", "Romance", "_T"):
        every = (
            year["loss_minor"].to_numpy() if native_type == "_T" else year.loc[year["native_type"] == native_type, "loss_minor"]
        )
        ordered = np.sort(every[every > 0]).astype(float)
        shares = np.concatenate([[0], np.cumsum(ordered) / ordered.sum()])
        # One less twice the area below Lorenz's curve.
        coefficient = 1 - (shares[1:] + shares[:-1]).sum() / len(ordered)
        found = only(of_year, native_type=native_type, measure="gini_loss")
        assert float(found["value"]) == pytest.approx(coefficient, abs=6e-7)


@needs_real
def test_gini_coefficients_of_the_real_file_are_those_of_a_query_on_it(figures: pd.DataFrame) -> None:
    # DuckDB on the publisher's CSV, without our reader: sum((2 i - n - 1) x) / (n sum(x)) of the dollars above zero, by year.
    total = figures[(figures["table"] == "cafc_types") & (figures["native_type"] == "_T")]
    found = {row["period"]: str(row["value"]) for row in total.to_dict("records") if row["measure"] == "gini_loss"}
    years = {"2021": "0.922296", "2022": "0.907281", "2023": "0.866106", "2024-01/2024-09": "0.843676"}
    assert {period: found[period] for period in years} == years


@needs_real
def test_large_losses_of_the_real_file_are_left_out_of_a_total_beside_the_whole_one(figures: pd.DataFrame) -> None:
    """Each loss read again with csv alone: a year whose large losses fell grew by 19 %, where the whole total says 8 %."""
    cents: dict[str, list[int]] = collections.defaultdict(list)
    with zipfile.ZipFile(REAL) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".csv"))
        with archive.open(name) as stream:
            for line in csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig")):
                loss = next(text for column, text in line.items() if column.startswith("Dollar Loss"))
                day = next(text for column, text in line.items() if column.startswith("Date Received"))
                cents[re.findall(r"\d{4}", day)[0]].append(int(re.sub(r"[$,.]", "", loss)))
    small = {year: sum(loss for loss in losses if loss < 100_000_000) for year, losses in cents.items()}
    derived = derive(figures[figures["table"].isin(["cafc_types", "cafc_loss_bands"])].reset_index(drop=True), CAFC)
    total = derived[(derived["table"] == "cafc_types") & (derived["native_type"] == "_T")]
    for year in ("2021", "2022", "2023"):
        row = only(total, period=year, measure="loss_without_large")
        assert row["value"] == Decimal(small[year]).scaleb(-2)
        large = [loss for loss in cents[year] if loss >= 100_000_000]
        together = Decimal(sum(large)).scaleb(-2)
        assert row["note"].endswith(f" ({len(large)} of them, {f'{together:,.2f}'.removesuffix('.00')} together)")
    growth = only(total, period="2023", measure="change_on_year_without_large")["value"]
    assert growth.quantize(Decimal("0.001")) == (100 * (Decimal(small["2023"]) / small["2022"] - 1)).quantize(Decimal("0.001"))
    assert round(growth) == 19
    assert round(only(total, period="2023", measure="change_on_year")["value"]) == 8


@needs_real
@pytest.mark.parametrize(
    ("table", "over"),
    [
        ("cafc_types", "native_type"),
        ("cafc_common_types", "fraud_type"),
        ("cafc_ages", "age"),
        ("cafc_sexes", "sex"),
        ("cafc_areas", "area"),
        ("cafc_contacts", "contact"),
        ("cafc_outcomes", "outcome"),
        ("cafc_loss_bands", "loss_band"),
    ],
)
def test_the_parts_of_every_table_and_period_sum_to_its_total(figures: pd.DataFrame, table: str, over: str) -> None:
    rows = figures[(figures["table"] == table) & figures["measure"].isin(["cases", "victims", "cases_with_loss", "loss"])]
    sums: dict[tuple[str, str], Decimal] = collections.defaultdict(Decimal)
    totals = {}
    for row in rows.to_dict("records"):
        key = (row["period"], row["measure"])
        if row[over] in ("_T", "CA"):
            totals[key] = row["value"]
        elif not row["absence"]:
            sums[key] += row["value"]
    assert totals == dict(sums)
