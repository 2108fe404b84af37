"""The Consumer Sentinel data book: every figure of its eight files, and what stops the reading."""

import contextlib
import csv
import datetime as dt
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.harmonise import harmonise
from pipeline.model import MEASURES, UNITS, RefusedInput, Snapshot
from pipeline.reading.figures import Figure
from pipeline.sources.catalogue import source
from pipeline.sources.ftc_csn.amounts import UnreadableAmount, parse_amount
from pipeline.sources.ftc_csn.layouts import LAYOUTS, LOSS_BANDS
from pipeline.sources.ftc_csn.reader import read
from pipeline.validate.identities import measure
from tests.figures import none, only, snapshot

FIXTURE = Path(__file__).parent / "fixtures" / "ftc_csn"
REAL = Path(__file__).parents[1].parent / "shared" / "data" / "ftc_csn_2024"
needs_data = pytest.mark.skipif(not REAL.is_dir(), reason="the publisher's files (../shared/data/ftc_csn_2024) are not here")

FTC = source("ftc_csn")
BOOK = snapshot("f7c", "2031-03-31", source="ftc_csn", file="book.zip", edition="final")

Edit = Callable[[bytes], bytes]


def zipped(target: Path, folder: Path, edits: Mapping[str, Edit | None] | None = None, prefix: str = "") -> Path:
    """The folder's CSV files as a zip, some of them edited (by the end of their name) or, where the edit is None, left out."""
    changes = {f"{name}.csv": edit for name, edit in (edits or {}).items()}
    path = target / "book.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.glob("*.csv")):
            edit = changes.get(file.name.partition("_CSN_")[2], lambda content: content)
            if edit is not None:
                archive.writestr(prefix + file.name, edit(file.read_bytes()))
    return path


def replaced(old: str, new: str) -> Edit:
    def edit(content: bytes) -> bytes:
        assert content.count(old.encode("cp1252")) == 1, f"{old!r} is not there exactly once"
        return content.replace(old.encode("cp1252"), new.encode("cp1252"))

    return edit


def read_with(tmp_path: Path, edits: Mapping[str, Edit | None] | None = None, of: Snapshot = BOOK) -> list[Figure]:
    return read(zipped(tmp_path, FIXTURE, edits), of, FTC)


def refusal(tmp_path: Path, edits: Mapping[str, Edit | None]) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        harmonise(read_with(tmp_path, edits), BOOK, FTC)
    return caught.value


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The observations of the fixture: an invented book of 2030."""
    return harmonise(read_with(tmp_path_factory.mktemp("ftc")), BOOK, FTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The observations of the publisher's files of 2024."""
    path = zipped(tmp_path_factory.mktemp("ftc"), REAL)
    book = snapshot("b00k", "2025-03-31", source="ftc_csn", file=path.name)
    return harmonise(read(path, book, FTC), book, FTC)


# ------------------------------------------------------------------------------------------------------------ the numbers


@pytest.mark.parametrize(
    ("text", "kind", "value", "precision"),
    [
        ("238,705", "count", "238705", None),
        ("992", "count", "992", None),
        ("$1,678,703,608 ", "money", "1678703608", None),
        ("$497 ", "money", "497", None),
        ("$2,952M", "money", "2952000000", "500000"),
        ("$1.5B", "money", "1500000000", "50000000"),
        ("$0M", "money", "0", "500000"),
        ("40%", "percent", "40", "0.5"),
        ("20.91%", "percent", "20.91", "0.005"),
        ("2,163", "rate", "2163", "0.5"),
    ],
)
def test_a_number_keeps_its_value_and_the_precision_of_its_print(text: str, kind: str, value: str, precision: str | None) -> None:
    found = parse_amount(text, kind)  # type: ignore[arg-type]
    assert (found.value, found.precision) == (Decimal(value), Decimal(precision) if precision else None)


def test_the_words_after_a_percentage_must_be_those_of_the_layout() -> None:
    assert parse_amount("58% of Total", "percent", suffix=" of Total").value == 58
    with pytest.raises(UnreadableAmount, match="followed by 'of Total'"):
        parse_amount("58% of Reports", "percent", suffix=" of Total")
    with pytest.raises(UnreadableAmount):
        parse_amount("58%", "percent", suffix=" of Total")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "count"),
        ("-", "count"),
        ("-5", "count"),
        ("12.5", "count"),
        ("1,23", "count"),
        ("12,3456", "count"),
        ("1.25E+07", "count"),
        ("n/a", "count"),
        ("٣", "money"),
        ("$5K", "money"),
        ("5M", "money"),
        ("€5", "money"),
        ("101%", "percent"),
        ("40", "percent"),
    ],
)
def test_what_is_no_such_number_is_refused(text: str, kind: str) -> None:
    with pytest.raises(UnreadableAmount):
        parse_amount(text, kind)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=10**12))
def test_every_whole_number_is_read_back_from_its_print(number: int) -> None:
    assert parse_amount(f"{number:,}", "count").value == number
    assert parse_amount(f"${number:,} ", "money").value == number


@given(st.integers(min_value=0, max_value=10**6), st.integers(min_value=0, max_value=999_999))
def test_an_amount_rounded_to_millions_is_within_its_precision_of_the_amount(millions: int, rest: int) -> None:
    amount = millions * 10**6 + rest
    printed = parse_amount(f"${(amount + 500_000) // 10**6:,}M", "money")
    assert printed.precision is not None
    assert abs(printed.value - amount) <= printed.precision


@given(st.text(max_size=12), st.sampled_from(["count", "rate", "money", "percent"]))
def test_any_text_is_a_number_that_is_not_negative_or_refused(text: str, kind: str) -> None:
    try:
        found = parse_amount(text, kind)  # type: ignore[arg-type]
    except UnreadableAmount:
        return
    assert found.value >= 0
    assert found.value.is_finite()


# ---------------------------------------------------------------------------------------------------- what a book gives

TABLES = {
    "reports_by_year": 3,
    "report_types": 6,
    "fraud_by_category": 50,
    "identity_theft_by_type": 14,
    "other_reports_by_category": 20,
    "report_categories": 14,
    "fraud_reports": 16,
    "fraud_by_small_loss_band": 10,
    "fraud_by_contact": 43,
    "fraud_by_age": 43,
    "fraud_by_state": 52 * 4,
    "fraud_and_other_by_state": 50 * 3 + 2 * 2,
}


def test_every_table_gives_all_its_figures(invented: pd.DataFrame) -> None:
    assert Counter(invented["table"]) == TABLES
    assert set(TABLES) == set(FTC.tables)


def test_every_figure_has_a_declared_measure_and_unit_and_a_cell(invented: pd.DataFrame) -> None:
    assert set(invented["measure"]) <= set(MEASURES)
    assert set(invented["unit"]) == {"cases", "USD", "percent", "rank", "cases_per_100k"} <= set(UNITS)
    assert invented["origin"].str.fullmatch(r"2030_CSN_\w+\.csv![A-F]\d+").all()
    assert set(invented["classification"]) == {"ftc_csn"}


def test_a_figure_leads_to_its_cell(invented: pd.DataFrame) -> None:
    loss = only(invented, table="fraud_by_category", native_type="Investment Related", measure="loss")
    assert loss["origin"] == "2030_CSN_Report_Type.csv!E13"
    assert (loss["value"], loss["precision"], loss["fraud_type"]) == (Decimal(1_014_000_000), Decimal(500_000), "INV")


def test_money_is_exact_where_it_is_printed_to_the_dollar(invented: pd.DataFrame) -> None:
    loss = only(invented, table="fraud_reports", measure="loss")
    assert (loss["value"], loss["precision"], loss["unit"], loss["area"]) == (Decimal(1_027_194_708), None, "USD", "US")


def test_years_before_the_book_are_restated(invented: pd.DataFrame) -> None:
    years = invented[invented["table"] == "reports_by_year"].set_index("period")["edition"].to_dict()
    assert years == {"2028": "restated", "2029": "restated", "2030": "final"}


def test_areas_are_iso_3166_2_codes_those_outside_the_50_states_included(invented: pd.DataFrame) -> None:
    by_state = invented[(invented["table"] == "fraud_by_state") & (invented["measure"] == "cases")]
    assert len(by_state) == by_state["area"].nunique() == 52
    assert {"US-CA", "US-DC", "US-PR"} < set(by_state["area"])
    assert by_state["area"].str.fullmatch(r"US-[A-Z]{2}").all()


def test_areas_outside_the_ranking_have_no_rank(invented: pd.DataFrame) -> None:
    ranked = invented[(invented["table"] == "fraud_and_other_by_state") & (invented["measure"] == "rank")]
    assert sorted(ranked["value"]) == list(range(1, 51))
    assert not set(ranked["area"]) & {"US-DC", "US-PR"}


def test_the_base_of_a_percentage_stands_beside_the_total_and_is_not_it(invented: pd.DataFrame) -> None:
    ages = {"table": "fraud_by_age", "measure": "cases"}
    assert only(invented, **ages, age="_T")["value"] == 6000
    assert only(invented, **ages, age="KNOWN")["value"] == 2700
    assert only(invented, table="fraud_by_age", measure="item_response_rate")["value"] == 45
    assert only(invented, table="fraud_by_contact", measure="cases", contact="KNOWN")["value"] == 3500


def test_common_codes_stand_for_ages_contacts_and_loss_bands(invented: pd.DataFrame) -> None:
    def codes(table: str, dimension: str) -> set[str]:
        return set(invented[invented["table"] == table][dimension]) - {"_T", "KNOWN"}

    decades = {f"Y{age}T{age + 9}" for age in range(20, 80, 10)}
    assert codes("fraud_by_age", "age") == {"Y_LE19", *decades, "Y_GE80"}
    assert {"EMAIL", "PHONE", "SOCIAL_MEDIA"} < codes("fraud_by_contact", "contact")
    assert len(codes("fraud_reports", "loss_band")) == len(LOSS_BANDS)
    assert only(invented, table="fraud_reports", loss_band="USD_GT10000")["value"] == 300


def test_what_a_report_can_be_in_several_times_is_an_overlay(invented: pd.DataFrame) -> None:
    overlays = set(invented[invented["overlay"]]["table"])
    assert overlays == {"report_types", "identity_theft_by_type"}
    assert not any(table.parts_add_up for table in FTC.tables.values())


def test_identity_theft_and_other_reports_are_no_type_of_fraud(invented: pd.DataFrame) -> None:
    assert only(invented, table="report_types", native_type="Identity Theft", measure="cases")["fraud_type"] == "IDT"
    assert only(invented, table="report_types", native_type="Other", measure="cases")["fraud_type"] == "_Z"
    assert set(invented[invented["table"] == "identity_theft_by_type"]["fraud_type"]) == {"IDT"}
    assert set(invented[invented["table"] == "other_reports_by_category"]["fraud_type"]) == {"_Z"}


def test_partial_matches_go_to_a_code_without_a_guess(invented: pd.DataFrame) -> None:
    # Imposter scams hold romance scams as well as all kinds of impersonation: they go to the parent IMP, whole.
    imposters = only(invented, table="fraud_by_category", native_type="Imposter Scams", measure="cases")
    assert (imposters["fraud_type"], imposters["value"]) == ("IMP", 2000)


def test_the_declared_sums_are_checked_and_hold(invented: pd.DataFrame) -> None:
    found = measure(invented, FTC)
    assert set(found.checked["identity"]) == {
        "age_sums_to_total",
        "contact_sums_to_total",
        "loss_band_sums_to_total",
        "not_more_than",
    }
    assert found.checked["holds"].all()
    assert found.uncheckable.empty


def test_the_files_may_lie_in_a_folder_beside_others_of_the_book(tmp_path: Path, invented: pd.DataFrame) -> None:
    path = zipped(tmp_path, FIXTURE, prefix="CSVs/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("CSVs/2030_CSN_Fraud_Reports_by_Payment_Method.csv", "a file that this source does not read")
        archive.writestr("CSVs/States/2030_CSN_Alabama.csv", "nor this")
    assert len(read(path, BOOK, FTC)) == len(invented)


def test_an_extract_may_lack_files(tmp_path: Path) -> None:
    edits: dict[str, Edit | None] = {layout.name: None for layout in LAYOUTS if layout.name != "Report_Count"}
    extract = snapshot("e", "2031-03-31", source="ftc_csn", extract=True)
    assert {figure.table for figure in read_with(tmp_path, edits, extract)} == {"reports_by_year"}


def test_a_byte_order_mark_and_utf_8_change_nothing(tmp_path: Path, invented: pd.DataFrame) -> None:
    def as_utf_8(content: bytes) -> bytes:
        return content.decode("cp1252").encode("utf-8-sig")

    assert len(read_with(tmp_path, {"State_Fraud_Reports_and_Losses": as_utf_8})) == len(invented)


def test_every_line_of_the_crosswalk_says_what_it_rests_on() -> None:
    with (FTC.folder / "crosswalk.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    keys = Counter((row["dimension"], row["native_code"]) for row in rows)
    assert set(keys.values()) == {1}
    assert all(row["match"] in {"exact", "broad", "narrow", "partial", "none"} for row in rows)
    assert all(row["evidence"] and row["additive"] in {"Y", "N"} for row in rows)
    assert all(row["note"] for row in rows if row["match"] in {"partial", "none"} and row["native_code"] != "Internet Services")


# ------------------------------------------------------------------------------------------------------------ bad input

COUNT, TYPE, STATES, AGES = "Report_Count", "Report_Type", "State_Fraud_Reports_and_Losses", "Reported_Frauds_and_Losses_by_Age"
AMOUNTS, CONTACTS, CATEGORIES = "Fraud_Reports_by_Amount_Lost", "Fraud_Reports_by_Contact_Method", "Report_Categories"
RANKINGS = "State_Rankings_Fraud_and_Other_Reports"


def cut(size: int) -> Edit:
    return lambda content: content[:size]


BAD: dict[str, tuple[str, Edit | None, str, str]] = {
    # case: file, what happens to it, the cell that the refusal names, words of the refusal
    "a file is missing": (TYPE, None, "the whole file", r"no \*_CSN_Report_Type\.csv"),
    "an empty file": (COUNT, lambda content: b"", "the whole file", "an empty file"),
    "a file of blanks": (COUNT, lambda content: b" \r\n", "the whole file", "an empty file"),
    "UTF-16": (COUNT, lambda content: content.decode().encode("utf-16"), "byte 3", "the byte 0x00"),
    "a byte of no encoding": (COUNT, lambda content: content.replace(b"Year,#", b"Year\x81,#"), "byte", "the byte 0x81"),
    "a control character": (COUNT, replaced("2028,", "2028\x07,"), "byte", "the byte 0x07"),
    "cut off in a line": (STATES, cut(900), "row", "cut off"),
    "cut off after a line": (
        COUNT,
        lambda content: content[: content.index(b"2030,")],
        "row 5",
        "the end of the table|the year of the book",
    ),
    "cut off before the source": (COUNT, lambda content: content[: content.index(b'"Source')], "row 9", "the end of the file"),
    "another title": (COUNT, replaced("by Year", "by Month"), "A1", "the title of the file"),
    "a heading that is gone": (TYPE, replaced("Identity Theft Types", ""), "B22", "the heading of the next table"),
    "a renamed header": (AGES, replaced("Total $ Lost", "Total $ Paid"), "D3", "'Total \\$ Lost' in the header"),
    "a header moved": (
        STATES,
        replaced("# of Reports,% Reporting $ Loss", "% Reporting $ Loss,# of Reports"),
        "B3",
        "in the header",
    ),
    "a new column": (COUNT, replaced("Year,# of Reports", "Year,# of Reports,Percentage"), "C3", "in the header"),
    "a figure right of the columns": (COUNT, replaced('2029,"10,250"', '2029,"10,250",7'), "C5", "nothing to the right"),
    "text where a number belongs": (STATES, replaced('"$100,000 "', "n/a"), "D4", "an amount of dollars"),
    "digits lost": (STATES, replaced('"$100,000 "', "1.00E+05"), "D4", "an amount of dollars"),
    "a negative number": (COUNT, replaced('"10,250"', '"-10,250"'), "B5", "a whole number"),
    "a blank cell": (STATES, replaced('"$100,000 "', ""), "D4", "a blank cell"),
    "a row of another layout": (COUNT, replaced('2029,"10,250"', 'Q4 2029,"10,250"'), "A5", "a year such as 2001"),
    "a table without rows": (
        COUNT,
        lambda content: content[: content.index(b"2028")] + content[content.index(b"The reported") - 3 :],
        "row 3",
        "rows under the header",
    ),
    "a file that lost its columns": (
        COUNT,
        lambda content: b"".join(line.partition(b",")[0].rstrip() + b"\r\n" for line in content.splitlines()),
        "",
        "broken quoting|in the header|the title of the file",
    ),
    "a year missing": (COUNT, replaced('2029,"10,250"\r\n', ""), "row 5", "every year from 2028 to 2030"),
    "another unit in the words": (CONTACTS, replaced("58% of Total", "58% of Reports"), "C14", "of Total"),
    "a line renamed": (AMOUNTS, replaced("Reports with $ Loss", "Reports with a Loss"), "A4", "Reports with \\$ Loss"),
    "a stray text in a line": (AMOUNTS, replaced('"6,000",', '"6,000",est.'), "C3", "nothing else in the line"),
    "a category twice": (TYPE, replaced("2,Banks and Lenders", "2,Debt Collection"), "", "twice"),
    "a new category": (TYPE, replaced("Health Care", "Robot Uprising"), "2030_CSN_Report_Type.csv!", "fraud_type 'Robot"),
    "a formula for a label": (TYPE, replaced("Health Care", "=cmd|calc"), "2030_CSN_Report_Type.csv!", "fraud_type '=cmd"),
    "a rank left out": (TYPE, replaced("3,Debt Collection", "4,Debt Collection"), "A35", "the rank 3"),
    "a row of the ten gone": (
        TYPE,
        lambda content: content[: content.index(b'10,"Privacy')] + b",,,,,\r\n" + content[content.index(b"Certain") - 1 :],
        "row",
        "10 rows, as the heading says",
    ),
    "a state unknown": (STATES, replaced("Alabama", "Albania"), "A4", "the name of a state"),
    "a state gone": (
        STATES,
        lambda content: b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"Ohio")),
        "row 54",
        "a row for Ohio",
    ),
    "a note that says something new": (
        AMOUNTS,
        replaced("between $1 and $999,999", "between $1 and $9,999,999"),
        "A35",
        "it defines the figures",
    ),
    "a note of another year": (CATEGORIES, replaced("number of 2030 Sentinel", "number of 2029 Sentinel"), "A9", "the year 2029"),
    "the population of another year": (RANKINGS, replaced("2029 U.S.", "2024 U.S."), "A57", "the year 2024"),
    "a source line of another year": (COUNT, replaced("Data Book 2030", "Data Book 2029"), "A10", "the year 2029"),
    "text after the end": (COUNT, lambda content: content + b"Corrected on 1 May,\r\n", "A11", "nothing after"),
    "a total that its ages contradict": (AGES, replaced("30 - 39,500", "30 - 39,501"), "A13", "2,701, the sum"),
    "a total that its contacts contradict": (CONTACTS, replaced('"3,500"', '"3,600"'), "B14", "3,500, the sum"),
    "a total that its bands contradict": (AMOUNTS, replaced('"2,400"', '"2,401"'), "B4", "2,400, the sum"),
    "a band that its parts contradict": (AMOUNTS, replaced("$1 - $100,600", "$1 - $100,601"), "B10", "1,501, the sum"),
    "one total printed in two ways": (AGES, replaced("Of the 6,000", "Of the 6,001"), "A14", "6,000, as"),
    "all reports printed in two ways": (COUNT, replaced('"11,000"', '"11,001"'), "A9", "11,001, as"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_read_exactly_is_refused_with_its_cell(case: str, tmp_path: Path) -> None:
    name, edit, cell, words = BAD[case]
    error = refusal(tmp_path, {name: edit})
    assert error.file.startswith("2030_CSN_") or error.file == "book.zip"
    assert error.cell.startswith(cell), f"{error}"
    assert re.search(words, str(error)), f"{error}"
    assert error.action


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([layout.name for layout in LAYOUTS]),
    start=st.floats(min_value=0, max_value=1),
    length=st.integers(min_value=0, max_value=60),
    inserted=st.binary(max_size=6) | st.sampled_from([b",", b"\r\n", b'"', b",,\r\n", b"1,"]),
)
def test_a_damaged_file_is_read_or_refused_and_nothing_else_happens(
    tmp_path: Path, name: str, start: float, length: int, inserted: bytes
) -> None:
    def damaged(content: bytes) -> bytes:
        place = int(start * len(content))
        return content[:place] + inserted + content[place + length :]

    with contextlib.suppress(RefusedInput):
        harmonise(read_with(tmp_path, {name: damaged}), BOOK, FTC)


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.zip"
    path.write_bytes(b"<html>moved</html>")
    with pytest.raises(RefusedInput, match="no readable zip"):
        read(path, BOOK, FTC)


def test_a_zip_cut_off_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, FIXTURE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RefusedInput, match="no readable zip"):
        read(path, BOOK, FTC)


def test_a_member_that_is_far_too_large_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="a table of at most"):
        read_with(tmp_path, {COUNT: lambda content: content + b",\r\n" * 500_000})


def test_two_editions_in_one_delivery_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, FIXTURE, {COUNT: None})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("2031_CSN_Report_Count.csv", (FIXTURE / "2030_CSN_Report_Count.csv").read_bytes())
    with pytest.raises(RefusedInput, match="files of 2030, 2031"):
        read(path, BOOK, FTC)


def test_one_table_twice_in_a_delivery_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, FIXTURE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("copy/2030_CSN_Report_Count.csv", (FIXTURE / "2030_CSN_Report_Count.csv").read_bytes())
    with pytest.raises(RefusedInput, match="each table of one book once"):
        read(path, BOOK, FTC)


# ------------------------------------------------------------------------------------------------------ the real files


@needs_data
def test_the_real_book_gives_every_figure_of_its_eight_files(published: pd.DataFrame) -> None:
    # 24 years, 29 categories with rank, count and share, and the total and the rest of the note.
    assert Counter(published["table"]) == {**TABLES, "reports_by_year": 24, "report_categories": 29 * 3 + 2}
    assert len(published) == 677
    assert (published["absence"] == "").all()


@needs_data
@pytest.mark.parametrize(
    ("value", "precision", "keys"),
    [
        # Consumer Sentinel Network Data Book 2024, CSV edition; the file of each figure is in its origin.
        ("6471708", None, {"table": "reports_by_year", "period": "2024"}),
        ("325519", None, {"table": "reports_by_year", "period": "2001"}),
        ("12537194708", None, {"table": "fraud_reports", "measure": "loss"}),
        ("497", None, {"table": "fraud_reports", "measure": "median_loss"}),
        ("987520", None, {"table": "fraud_reports", "measure": "cases_with_loss", "loss_band": "_T"}),
        ("38", "0.5", {"table": "fraud_reports", "measure": "share_with_loss"}),
        ("124708", None, {"table": "fraud_reports", "loss_band": "USD_GT10000"}),
        ("28146", None, {"table": "fraud_by_small_loss_band", "loss_band": "USD901T1000"}),
        ("1678703608", None, {"table": "fraud_by_state", "measure": "loss", "area": "US-CA"}),
        ("14458031", None, {"table": "fraud_by_state", "measure": "loss", "area": "US-PR"}),
        ("2509", "0.5", {"table": "fraud_and_other_by_state", "measure": "cases_per_100k", "area": "US-DC"}),
        ("5697000000", "500000", {"table": "fraud_by_category", "measure": "loss", "fraud_type": "INV"}),
        (
            "20.91",
            "0.005",
            {
                "table": "report_categories",
                "measure": "share_of_cases",
                "native_type": "Credit Bureaus and Information Furnishers",
            },
        ),
        ("7", "0.5", {"table": "report_categories", "native_type": "Other Misc."}),
        ("42.6", "0.05", {"table": "report_types", "native_type": "Other", "measure": "share_of_cases"}),
        ("1858000000", "500000", {"table": "fraud_by_contact", "measure": "loss", "contact": "SOCIAL_MEDIA"}),
        ("51713", None, {"table": "fraud_by_age", "measure": "cases", "age": "Y_GE80"}),
        ("449032", None, {"table": "identity_theft_by_type", "measure": "cases", "native_type": "Credit Card"}),
    ],
    ids=str,
)
def test_a_real_cell_is_read_to_the_digit(
    published: pd.DataFrame, value: str, precision: str | None, keys: dict[str, str]
) -> None:
    found = only(published, **keys)
    assert (found["value"], found["precision"]) == (Decimal(value), Decimal(precision) if precision else None)


@needs_data
def test_the_real_ages_sum_to_the_reports_that_give_an_age(published: pd.DataFrame) -> None:
    cases = published[(published["table"] == "fraud_by_age") & (published["measure"] == "cases")]
    assert cases[~cases["age"].isin(["_T", "KNOWN"])]["value"].sum() == 1_177_005
    assert only(cases, age="KNOWN")["value"] == 1_177_005
    assert measure(published, FTC).checked["holds"].all()


@needs_data
def test_no_real_cell_is_read_twice_or_left_out(published: pd.DataFrame) -> None:
    """Every cell of the files that holds a digit, but for labels, headings and prose, is the origin of one figure."""
    read_cells = Counter(published["origin"])
    for file in sorted(REAL.glob("*.csv")):
        try:
            text = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            text = file.read_bytes().decode("cp1252")
        for row, cells in enumerate(csv.reader(text.splitlines()), start=1):
            for column, cell in enumerate(cells):
                is_number = cell.strip().replace(",", "").rstrip("%M").lstrip("$").replace(".", "").isdigit()
                is_label = column == 0 and file.name.endswith("Report_Count.csv")
                if is_number and not is_label:
                    assert read_cells.pop(f"{file.name}!{'ABCDEF'[column]}{row}", 0) == 1, f"{file.name} row {row}: {cell}"
    # What is left has words beside the number: `58% of Total`, and the notes.
    assert all(published[published["origin"] == origin]["value"].notna().all() for origin in read_cells)
    assert len(read_cells) == 3 + 1 + 1 + 3


@needs_data
def test_nothing_is_known_of_payment_methods(published: pd.DataFrame) -> None:
    assert none(published[published["payment"] != "_T"])
    assert published["known_at"].eq(dt.date(2025, 3, 31)).all()
