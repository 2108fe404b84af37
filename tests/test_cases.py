"""Texts of record-level files: what is read, what is marked, what is refused."""

import csv
import datetime as dt
import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import RefusedInput
from pipeline.reading.case_builder import CaseBuilder, month_labels, month_numbers
from pipeline.reading.case_rules import RULES, Unreadable, parse_count, parse_day, parse_money
from pipeline.reading.cases import covered_months, holes
from pipeline.reading.csv_members import Member, csv_members
from pipeline.reading.label_months import month_code, month_number
from pipeline.reading.record_layouts import Layout, header_spellings
from pipeline.reading.record_texts import read_texts

LAYOUT = Layout("scheme", {"date": "Date reçue", "native_type": "Type", "loss": "Loss"}, ("Id",))
CROSSWALK = (
    "dimension,native_code,valid_from,valid_to,common_code,match,additive,note,evidence\n"
    "fraud_type,Romance,,,ROM,exact,Y,,\n"
    "fraud_type,Prize,,2023-12,ADV,exact,Y,,\n"
    "fraud_type,Lottery,2024-01,,ADV,exact,Y,,\n"
)


def texts(content: str | bytes, **options: bool):
    member = Member("reports.csv", content.encode() if isinstance(content, str) else content)
    return read_texts([member], [LAYOUT], "delivery.zip", **options)


def cases(content: str, tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "crosswalk.csv").write_text(CROSSWALK, encoding="utf-8")
    build = CaseBuilder(texts(content), tmp_path / "crosswalk.csv")
    days = build.days("date")
    months = month_numbers(days)
    losses, known = build.parsed("loss", parse_money)
    return build.frame(
        date=days,
        month=month_labels(months),
        native_type=build.labels("native_type", "fraud_type", months),
        cases=np.ones(len(days), dtype=np.int64),
        loss_minor=losses,
        loss_known=known,
    )


# ------------------------------------------------------------------------------------------------------------------ texts


@given(st.integers(0, 10**14), st.booleans())
def test_money_is_read_to_the_cent_with_and_without_thousands_commas(cents: int, commas: bool) -> None:
    dollars = f"{cents // 100:,}" if commas else str(cents // 100)
    text = f"${dollars}.{cents % 100:02d}"
    assert parse_money(text) == cents
    assert Decimal(parse_money(text)).scaleb(-2) == Decimal(text.replace("$", "").replace(",", ""))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "loss_unreadable"),
        ("1,234.00", "loss_unreadable"),
        ("$1,234", "loss_unreadable"),
        ("$1,234.5", "loss_unreadable"),
        ("$12,34.00", "loss_unreadable"),
        ("$1.234,00", "loss_unreadable"),
        ("N/A", "loss_unreadable"),
        ("=cmd|' /C calc'!A0", "loss_unreadable"),
        ("1.42E+11", "loss_lost_digits"),
        ("$3e7", "loss_lost_digits"),
        ("-$5.00", "loss_negative"),
        ("$-1,005.00", "loss_negative"),
        ("($5.00)", "loss_negative"),
        ("$9999999999999999.00", "loss_unreadable"),
    ],
)
def test_an_amount_that_is_not_exact_names_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Unreadable) as error:
        parse_money(text)
    assert error.value.rule == rule


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_a_day_reads_the_same_as_iso_and_as_a_spreadsheet_saved_it(day: dt.date) -> None:
    assert parse_day(day.isoformat()) == day
    assert parse_day(f"{day.month}/{day.day}/{day.year}") == day


@pytest.mark.parametrize("text", ["", "29/9/2025", "2025-13-01", "2025-02-30", "9/29/25", "Sept 29", "45929", "2025-9-29"])
def test_a_text_that_is_no_day_is_not_guessed(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_day(text)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1,000", "one", "１"])
def test_a_count_is_a_plain_whole_number(text: str) -> None:
    assert parse_count(" 12 ") == 12
    with pytest.raises(Unreadable):
        parse_count(text)


def test_every_rule_says_what_was_expected() -> None:
    assert all(RULES.values())


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_month_numbers_count_months(day: dt.date) -> None:
    assert month_code(month_number(day)) == day.isoformat()[:7]
    assert month_numbers(pd.Series([day], dtype="datetime64[ns]")).tolist() == [month_number(day)]


# ---------------------------------------------------------------------------------------------------------------- headers


def test_a_header_is_known_with_accents_without_them_and_with_the_letters_lost() -> None:
    spellings = header_spellings("Dollar Loss /pertes financières")
    assert spellings == {
        "dollar loss / pertes financières",
        "dollar loss / pertes financieres",
        "dollar loss / pertes financires",
    }
    for header in ("Id,Date reçue,Type,Loss", "Id,Date recue,Type,Loss", "id, Date reue ,TYPE,Loss", "Loss,Type,Date reçue,Id"):
        values = ["1", "2024-01-01", "Romance", "$1.00"]
        order = [("id", "date", "type", "loss").index(name.strip().lower()[:4].strip()) for name in header.split(",")]
        read = texts(f"{header}\n{','.join(values[place] for place in order)}\n")
        assert read.codes("loss")[1] == ["$1.00"]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("Id,Date reçue,Type", "no column 'Loss'"),
        ("Id,Date reçue,Type,Amount", "no column 'Loss', a column 'Amount'"),
        ("Date reçue,Type,Loss", "no column 'Id'"),
        ("Id,Date reçue,Type,Loss,Extra", "a column 'Extra'"),
        ("Id,Date reçue,Type,Type,Loss", "the column 'Type' twice"),
        ("2,2024-01-01,Romance,$1.00", "no column 'Date reçue'"),
    ],
)
def test_a_changed_header_is_refused_by_the_name_of_the_column(header: str, named: str) -> None:
    with pytest.raises(RefusedInput, match=re.escape(named)) as error:
        texts(f"{header}\n1,2024-01-01,Romance,$1.00\n")
    assert error.value.file == "delivery.zip"
    assert "reports.csv, row 1" in error.value.cell


# ------------------------------------------------------------------------------------------------------- structural damage


HEADER = "Id,Date reçue,Type,Loss\n"
ROW = "1,2024-01-01,Romance,$1.00\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "an empty file"),
        (HEADER.encode(), "a header and no rows"),
        ((HEADER + ROW).encode("utf-16"), "not UTF-8"),
        ((HEADER + ROW + "2,2024-01-02,Décès,$1.00\n").encode("cp1252"), "not UTF-8"),
        ((HEADER + ROW).encode() + b"2,2024-01-02,D\xe9c\xe8s,$1.00\n", "the bytes e9 63 e8 73"),
        ((HEADER + ROW + "2,2024-01-").encode(), "a last row that breaks off: '2,2024-01-'"),
        ((HEADER + ROW + '2,2024-01-02,"Rom\n' + ROW * 3).encode(), "runs over a line break"),
        (b"<html><body>Service unavailable</body></html>\n", "no column"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "no column"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused(content: bytes, named: str) -> None:
    with pytest.raises(RefusedInput, match=re.escape(named)):
        texts(content)


def test_bytes_that_are_not_utf8_are_refused_with_their_row() -> None:
    with pytest.raises(RefusedInput) as error:
        texts((HEADER + ROW).encode() + b"2,2024-01-02,D\xe9c\xe8s,$1.00\n")
    assert error.value.cell == "reports.csv, row 3"


def test_a_missing_last_line_break_is_a_cut_where_the_source_says_so() -> None:
    cut = (HEADER + ROW).rstrip("\n")
    assert len(texts(cut)) == 1
    with pytest.raises(RefusedInput, match="cut off"):
        texts(cut, ends_with_line_break=True)


def test_a_zip_that_is_none_or_is_broken_or_empty_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "delivery.zip"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(RefusedInput, match="no whole zip archive"):
        csv_members(path)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("reports.csv", HEADER + ROW * 50)
    path.write_bytes(whole.getvalue()[:-30])
    with pytest.raises(RefusedInput, match="zip"):
        csv_members(path)
    damaged = bytearray(whole.getvalue())
    damaged[60] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(RefusedInput):
        csv_members(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(RefusedInput, match=r"readme\.txt"):
        csv_members(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("reports.csv", "0" * 5_000_000)
    with pytest.raises(RefusedInput, match="compressed size"):
        csv_members(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(201):
            archive.writestr(f"{number}.csv", "a")
    with pytest.raises(RefusedInput, match="201 files"):
        csv_members(path)


def test_members_come_in_the_order_of_their_names_wherever_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "delivery.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("b.csv", "../../a.csv", "__MACOSX/._b.csv", "readme.txt"):
            archive.writestr(name, name)
    assert [member.name for member in csv_members(path)] == ["a.csv", "b.csv"]


# ------------------------------------------------------------------------------------------------------------ marked rows


def test_bad_rows_are_marked_with_rule_and_text_and_none_is_lost(tmp_path: Path) -> None:
    read = cases(
        HEADER + "1,2024-01-01,Romance,$1.00\n"
        "2,2024-31-01,Romance,$2.00\n"
        "3,2024-01-03,Rom,$3.00\n"
        "4,2024-01-04,Romance\n"
        "5,2024-01-05,Romance,-$5.00\n"
        "6,2024-01-06,=cmd|calc,1.42E+11\n"
        "7,2024-01-07,romance,$7.00\n",
        tmp_path,
    )
    assert read["row"].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert read["problem"].tolist() == [
        "",
        "date_unreadable",
        "label_unknown",
        "row_ragged",
        "loss_negative",
        "label_unknown; loss_lost_digits",
        "",
    ]
    assert read["problem_text"].iloc[1] == "Date reçue: '2024-31-01'"
    assert read["problem_text"].iloc[3] == "4,2024-01-04,Romance"
    assert read["problem_text"].iloc[5] == "Loss: '1.42E+11'; Type: '=cmd|calc'"
    assert read["loss_minor"].tolist() == [100, 200, 300, 0, 0, 0, 700]
    assert read["native_type"].iloc[6] == "Romance"


def test_a_label_outside_its_time_is_marked(tmp_path: Path) -> None:
    read = cases(
        HEADER + "1,2023-12-31,Prize,$1.00\n2,2024-01-01,Prize,$1.00\n3,2023-12-31,Lottery,$1.00\n4,2024-01-01,Lottery,$1.00\n",
        tmp_path,
    )
    assert read["problem"].tolist() == ["", "label_not_in_force", "label_not_in_force", ""]


def test_dtypes_are_the_ones_that_validation_is_fast_on(tmp_path: Path) -> None:
    read = cases(HEADER + ROW, tmp_path)
    assert read.dtypes.astype(str).to_dict() == {
        "row": "int64",
        "file": "category",
        "date": "datetime64[ns]",
        "month": "category",
        "classification": "category",
        "native_type": "category",
        "cases": "int64",
        "loss_minor": "int64",
        "loss_known": "bool",
        "problem": "category",
        "problem_text": "category",
    }


ANY_TEXT = st.text(alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r\0"), max_size=8)


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT), min_size=1, max_size=12))
def test_every_row_in_is_a_row_out_whatever_stands_in_it(rows: list[tuple[str, str, str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Id", "Date reçue", "Type", "Loss"])
    writer.writerows([("1", *row) for row in rows])
    read = texts(written.getvalue())
    for name, place in (("date", 0), ("native_type", 1), ("loss", 2)):
        codes, found = read.codes(name)
        assert [found[code] for code in codes] == [row[place] for row in rows]


# -------------------------------------------------------------------------------------------------------- months and holes


def _months(*months: str) -> pd.DataFrame:
    return pd.DataFrame({"month": pd.Categorical(months)})


def test_a_month_without_rows_between_others_is_a_hole() -> None:
    read = _months("2023-12", "2023-11", "2024-01", "2024-04", "2023-11")
    assert covered_months(read) == ["2023-11", "2023-12", "2024-01", "2024-04"]
    assert holes(read) == ["2024-02", "2024-03"]
    assert holes(_months("2024-01")) == []
    assert covered_months(_months()) == holes(_months()) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_blank_lines_are_no_rows_and_a_quote_that_is_never_closed_is_refused(ending: str) -> None:
    lines = ["Date reçue,Type,Loss,Id", "2024-01-02,Romance,$1.00,1", "", "", "2024-01-03,Prize,$2.00,2", "", ""]
    assert len(texts(ending.join(lines)).rows) == 2
    lines[4] = '2024-01-03,"Prize,$2.00,2'
    lines[5:] = ['2024-01-04,Prize",$2.00,3', "2024-01-05,Prize,$2.00,4", ""]
    with pytest.raises(RefusedInput, match="4 lines below the header, but 3 rows: a quoted field runs over a line break"):
        texts(ending.join(lines))
