"""What is declared wrong in a file of records is read as declared, or set aside, only as long as the file is still wrong."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import cli, code_version, quarantine, questions, steps, verification
from pipeline.model import FraudlossError, RefusedInput
from pipeline.publish.languages import speaking
from pipeline.publish.words import declared as said
from pipeline.publishing.reasons import declared_since
from pipeline.reading.case_builder import CaseBuilder
from pipeline.reading.correction_notes import MOST_TOLD, told_in, with_corrections, without_place
from pipeline.reading.csv_members import Member
from pipeline.reading.declarations import COLUMNS
from pipeline.reading.record_corrections import RecordCorrection, record_corrections
from pipeline.reading.record_layouts import Layout
from pipeline.reading.record_texts import read_texts
from pipeline.sources.cafc.reader import read_cases
from pipeline.sources.catalogue import SOURCES, source
from pipeline.sources.scamwatch.reader import read_cases as read_cells
from pipeline.store import Store
from tests import faults
from tests.figures import snapshot, unsound
from tests.ledger_sample import declared_in, forget

FIXTURES = Path(__file__).parent / "fixtures"
CAFC, SCAMWATCH = source("cafc"), source("scamwatch")
TAKEN = snapshot("cafc", "2024-03-31", edition="unknown")
WHY = "the amount lacks its decimal point"


def correction(cell: str, expect: str, value: str | None, file: str = "reports.csv", member: str = "") -> RecordCorrection:
    folder_cell = f"{member}!{cell}" if member else cell
    letters = cell.rstrip("0123456789")
    column = sum((ord(letter) - ord("A") + 1) * 26**place for place, letter in enumerate(reversed(letters))) - 1
    return RecordCorrection(file, folder_cell, member, int(cell[len(letters) :]), column, expect, value, WHY, "a letter")


def declare(folder: Path, *lines: tuple[str, ...]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *lines])
    (folder / "corrections.csv").write_text(out.getvalue(), encoding="utf-8")


# ------------------------------------------------------------------------------------------------------ the declarations


def test_a_source_of_records_needs_no_list_of_corrections(tmp_path: Path) -> None:
    assert record_corrections(tmp_path, "reports.csv") == ()


def test_the_list_is_that_of_grids_and_only_what_is_about_the_file_counts(tmp_path: Path) -> None:
    declare(
        tmp_path,
        ("reports.csv", "T12", "$1200.00", "replace", "$12.00", WHY, "a letter"),
        ("other.csv", "T12", "$1200.00", "replace", "$12.00", WHY, "a letter"),
        ("reports.csv", "b.csv!AA3", "x", "refuse", "", WHY, "a letter"),
    )
    assert record_corrections(tmp_path, "reports.csv") == (
        correction("T12", "$1200.00", "$12.00"),
        correction("AA3", "x", None, member="b.csv"),
    )


def test_a_malformed_list_is_refused_with_its_line_also_where_nothing_is_about_the_file(tmp_path: Path) -> None:
    declare(tmp_path, ("other.csv", "row 12", "$1200.00", "replace", "$12.00", WHY, "a letter"))
    with pytest.raises(FraudlossError, match=r"corrections\.csv, row 2"):
        record_corrections(tmp_path, "reports.csv")


# -------------------------------------------------------------------------------------------------------------- one file


ACCENTED = FIXTURES / "cafc" / "accented.csv"
LOSS = "U2"  # of the first report: $1,234,567.89


def read(*corrections: RecordCorrection, path: Path = ACCENTED) -> pd.DataFrame:
    return read_cases(path, TAKEN, CAFC, corrections)


def test_a_cell_that_is_declared_replaced_is_read_as_if_the_file_held_it(tmp_path: Path) -> None:
    path = tmp_path / "accented.csv"
    path.write_text(ACCENTED.read_text(encoding="utf-8").replace("$1,234,567.89", "$12.34"), encoding="utf-8", newline="")
    found = read(correction(LOSS, "$1,234,567.89", "$12.34"))
    assert found["loss_minor"].iloc[0] == 1234
    pd.testing.assert_frame_equal(found, read(path=path))


def test_what_is_declared_is_parsed_by_the_same_rules_as_any_text() -> None:
    bad = unsound(read(correction(LOSS, "$1,234,567.89", "1.2E+06")))
    assert (bad["row"].tolist(), bad["problem"].tolist()) == ([2], ["loss_lost_digits"])


def test_a_cell_that_is_declared_refused_sets_its_record_aside_with_the_reason_and_all_others_go_on() -> None:
    found = read(correction(LOSS, "$1,234,567.89", None))
    bad = unsound(found)
    assert (bad["row"].tolist(), bad["problem"].tolist()) == ([2], ["declared_wrong"])
    assert bad["problem_text"].iloc[0] == f"Dollar Loss /pertes financières: '$1,234,567.89': {WHY}"
    others = [name for name in found if name not in ("problem", "problem_text")]
    pd.testing.assert_frame_equal(found[others], read()[others])


def test_two_cells_of_one_record_may_be_declared() -> None:
    found = read(correction(LOSS, "$1,234,567.89", "$12.34"), correction("B2", "2023-10-02", None))
    assert (found["loss_minor"].iloc[0], found["problem"].iloc[0]) == (1234, "declared_wrong")


@pytest.mark.parametrize("value", ["$12.34", None])
def test_a_file_that_the_publisher_mended_is_refused_with_what_was_found_and_expected(value: str | None) -> None:
    with pytest.raises(RefusedInput) as caught:
        read(correction(LOSS, "$1234567.89", value, "accented.csv"))
    assert (caught.value.file, caught.value.cell, caught.value.found) == ("accented.csv", "U2", "'$1,234,567.89'")
    assert caught.value.expected == "'$1234567.89', as corrections.csv declares"
    assert "remove or change the declaration" in caught.value.action


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("U13", "outside of the file, which has 12 rows"),
        ("V2", "outside of the file, whose rows have 21 columns"),
        ("U1", "about the header"),
        ("A2", "a column that is not read"),
    ],
)
def test_a_declaration_about_a_cell_that_is_not_read_is_refused(cell: str, found: str) -> None:
    with pytest.raises(RefusedInput, match=found) as caught:
        read(correction(cell, "1", "2"))
    assert caught.value.cell == cell
    assert "correct the address, or remove the declaration" in caught.value.action


def test_a_declaration_about_a_column_that_is_declared_and_goes_into_no_record_is_refused(tmp_path: Path) -> None:
    layout = Layout("scheme", {"date": "Day", "loss": "Loss"}, ())
    member = Member("reports.csv", b"Day,Loss\n2024-01-02,$1.00\n")
    build = CaseBuilder(read_texts([member], [layout], "reports.csv", [correction("B2", "$1.00", "$2.00")]), tmp_path)
    days = build.days("date")
    with pytest.raises(RefusedInput, match="a column that is not read"):
        build.frame(date=days)


def test_a_declaration_about_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cafc.csv"
    text = ACCENTED.read_text(encoding="utf-8").replace(',"$1,234,567.89"\n', ',"$1,234,567.89",more\n')
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(RefusedInput, match="a row of another length than the header: '1,2023-10-02"):
        read(correction(LOSS, "$1,234,567.89", None), path=path)
    third = read(path=path).iloc[2]
    found = read(correction("U4", "$250.10", "$5.00"), path=path)
    assert (third["loss_minor"], found["loss_minor"].iloc[2]) == (25010, 500)
    assert (found["row"].tolist(), found["problem"].iloc[0]) == (list(range(2, 13)), "row_ragged")


def test_a_cell_is_declared_once_however_its_member_is_named() -> None:
    with pytest.raises(RefusedInput, match="a second declaration about the cell"):
        read(
            correction(LOSS, "$1,234,567.89", "$12.34"),
            correction(LOSS, "$1,234,567.89", "$12.34", member="accented.csv"),
        )


# --------------------------------------------------------------------------------------------------------- several members


HEADER = b"StartOfMonth,Address_State,Scam___Contact_Mode,Complainant_Age,Complainant_Gender,Category_Level_2,Category_Level_3,"
HEADER += b"Amount_lost,Number_of_reports\n"


def cell_of_reports(month: str, amount: str) -> bytes:
    return f'{month}-01,"New South Wales",Email,25 - 34,Female,Other,Other scams,{amount},3\n'.encode()


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    path = tmp_path / "exports.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", HEADER + cell_of_reports("2024-08", "$10.00") + cell_of_reports("2024-09", "$11.00"))
        archive.writestr("b.csv", HEADER + cell_of_reports("2024-10", "$12.00") + cell_of_reports("2024-11", "$13.00"))
    return path


def cells(path: Path, *corrections: RecordCorrection) -> pd.DataFrame:
    return read_cells(path, snapshot("scamwatch", "2024-12-31"), SCAMWATCH, corrections)


def test_of_several_members_the_declaration_names_the_one_that_it_is_about(exports: Path) -> None:
    found = cells(
        exports, correction("H2", "$12.00", "$120.00", member="b.csv"), correction("H3", "$11.00", None, member="a.csv")
    )
    assert found["loss_minor"].tolist() == [1000, 1100, 12000, 1300]
    assert found["problem"].tolist() == ["", "declared_wrong", "", ""]


@pytest.mark.parametrize("member", ["", "c.csv"])
def test_a_declaration_that_names_none_of_several_members_is_refused(exports: Path, member: str) -> None:
    with pytest.raises(RefusedInput, match=r"a\.csv, b\.csv") as caught:
        cells(exports, correction("H2", "$12.00", "$120.00", member=member))
    assert "member.csv!F1234" in caught.value.action


# --------------------------------------------------------------------------------------------------------------- property


CELL = st.text(st.sampled_from('aé ,"$1.'), max_size=6)
TABLE = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8)


def as_csv(rows: list[tuple[str, str]]) -> Member:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("Day", "Loss"), *rows])
    return Member("reports.csv", out.getvalue().encode())


@given(TABLE, st.data())
def test_a_text_that_is_declared_gives_the_same_texts_as_a_file_in_which_it_stands(
    rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, 1))
    value = data.draw(CELL.filter(bool))
    mended = [tuple(value if (row, each) == (place, column) else rows[row][each] for each in (0, 1)) for row in range(len(rows))]
    declared = correction(f"{'AB'[column]}{place + 2}", rows[place][column], value)
    layouts = [Layout("scheme", {"date": "Day", "loss": "Loss"}, ())]
    found = read_texts([as_csv(rows)], layouts, "reports.csv", [declared])
    wanted = read_texts([as_csv(mended)], layouts, "reports.csv")  # type: ignore[arg-type]
    for name in ("date", "loss"):
        assert found.codes(name)[0].tolist() == wanted.codes(name)[0].tolist()
        assert found.codes(name)[1] == wanted.codes(name)[1]


# ------------------------------------------------------------------------------------------------------------------- notes


def test_a_note_tells_each_correction_after_what_it_says_itself() -> None:
    one, two = correction("T12", "$1200.00", "$12.00").words, correction("T13", "$1300.00", None).words
    assert one == f"corrected from '$1200.00' to '$12.00': {WHY} (a letter), at reports.csv!T12"
    assert two == f"without a record, printed '$1300.00': {WHY} (a letter), at reports.csv!T13"
    note = with_corrections("the file ends on 2024-03-30; fewer than 10 losses", [one, two, one])
    assert note == f"the file ends on 2024-03-30; fewer than 10 losses; {one}; {two}"
    assert told_in(note) == told_in(with_corrections("", [one, two])) == [one, two]
    assert told_in("the file ends on 2024-03-30") == told_in("") == []


def test_a_note_of_many_corrections_says_how_many_more_there_are() -> None:
    words = [correction(f"T{row}", "$1200.00", "$12.00").words for row in range(2, 9)]
    told = told_in(with_corrections("", words))
    assert told[:MOST_TOLD] == words[:MOST_TOLD]
    assert told[MOST_TOLD:] == [f"corrected in {7 - MOST_TOLD} more of its records, as corrections.csv declares"]


def test_the_same_error_at_another_place_has_the_same_words_but_for_the_place() -> None:
    one, two = correction("T12", "$1200.00", "$12.00", "a b.csv"), correction("AB9", "$1200.00", "$12.00", "c.zip", "d.csv")
    assert without_place(one.words) == without_place(two.words) == f"corrected from '$1200.00' to '$12.00': {WHY} (a letter)"


def test_a_japanese_page_tells_a_correction_in_japanese_with_the_texts_as_printed() -> None:
    one, two = correction("T12", "Threats; to 'life", "It's"), correction("T13", "$1.00", None)
    one = dataclasses.replace(one, reason="a slip; of the pen")
    more = [correction(f"T{row}", "$2.00", "$3.00").words for row in (2, 3)]
    note = with_corrections("fewer than 10 losses", [one.words, two.words, *more])
    with speaking("ja"):
        shown = str(said(note))
    assert shown.split("。")[0] == "被害が10件未満"
    assert "原典の「Threats; to 'life」を「It's」に訂正：a slip; of the pen (a letter)、reports.csv!T12。" in shown
    assert f"原典に「$1.00」とある記録を除外：{WHY} (a letter)、reports.csv!T13。" in shown
    assert shown.endswith("。ほかに1件の記録を、corrections.csvの記載に従って訂正")


# ----------------------------------------------------------------------------------------------- from the file to the feed


def lay_inbox(root: Path) -> None:
    """150 reports of October and November 2023, and one of September; none is set aside."""
    faults.lay_inbox(root)
    path = root / "raw" / "inbox" / "cafc" / "reports.csv"
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:-1]))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with releases of the records of October and November 2023, in which nothing is declared wrong."""
    root = tmp_path_factory.mktemp("published") / "data"
    lay_inbox(root)
    faults.run(("cafc",), root)
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "data"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A copy of what is declared about the source of records, in force."""
    shutil.copytree(SOURCES, tmp_path / "sources", ignore=shutil.ignore_patterns("__pycache__"))
    with declared_in(tmp_path / "sources"):
        yield tmp_path / "sources" / "cafc"


def declare_and_run(root: Path, folder: Path, *lines: tuple[str, ...]) -> None:
    declare(folder, *((file, cell, expect, action, value, WHY, "a letter") for file, cell, expect, action, value in lines))
    forget()
    faults.run(("cafc",), root)


def verdict(root: Path) -> dict[str, Any]:
    store = Store(root)
    (taken,) = store.snapshots("cafc")
    return dict(store.read_json(store.verdict_path("cafc", taken.id)) or {})


def told(root: Path, period: str) -> tuple[list[str], list[str]]:
    """Why the newest release of a month took the place of the one before, and the corrections that it tells."""
    record = Store(root).read_json(root / "processed" / "releases" / "monthly" / period / "releases.json") or {}
    return record["releases"][-1]["reasons"], record["releases"][-1]["corrections"]


def figure(root: Path, period: str, measure: str, native_type: str = "_T") -> dict[str, Any]:
    figures = questions.query(data=root, source="cafc", table="cafc_types", period=period, measure=measure)
    [row] = figures[(figures["native_type"] == native_type) & (figures["unit"] != "USD")].to_dict("records")
    return {str(name): value for name, value in row.items()}


AMOUNT = ("reports.csv", "U2", "$1,234,567.89", "replace", "$12.34")
AMOUNT_WORDS = f"corrected from '$1,234,567.89' to '$12.34': {WHY} (a letter), at reports.csv!U2"
SET_ASIDE = ("reports.csv", "U2", "$1,234,567.89", "refuse", "")
SET_ASIDE_WORDS = f"without a record, printed '$1,234,567.89': {WHY} (a letter), at reports.csv!U2"


@pytest.mark.slow
def test_the_release_that_first_shows_a_correction_says_so_with_both_texts_and_the_reason(root: Path, folder: Path) -> None:
    before = figure(root, "2023-10", "loss")
    declare_and_run(root, folder, AMOUNT)
    after = figure(root, "2023-10", "loss")
    assert before["value"] - after["value"] == Decimal("1234555.55")
    assert told(root, "2023-10") == (["declared_correction"], [AMOUNT_WORDS])
    # November shows the change since October; September shows nothing of the report.
    assert told(root, "2023-11") == (["declared_correction"], [AMOUNT_WORDS])
    assert told(root, "2023-09") == (["new_code"], [])
    releases = root / "processed" / "releases" / "monthly" / "2023-10"
    words = AMOUNT_WORDS.replace("'", "&#39;")
    assert words in (releases / "index.html").read_text(encoding="utf-8")
    assert "原典の「" in (releases / "index.ja.html").read_text(encoding="utf-8")
    steps.build_site(data=root)
    feed = (root / "processed" / "site" / "feed.xml").read_text(encoding="utf-8")
    assert "Correction: " in feed
    assert AMOUNT_WORDS in feed
    assert verification.verify(data=root).problems == []
    # What was told once is no news afterwards.
    faults.run(("cafc",), root)
    assert told(root, "2023-10") == (["declared_correction"], [AMOUNT_WORDS])


@pytest.mark.slow
def test_a_trace_leads_to_the_corrected_record_with_both_texts_and_the_reason(
    root: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare_and_run(root, folder, AMOUNT)
    for native_type, is_told in (("_T", True), ("Romance", True), ("Extortion", False)):
        of = figure(root, "2023-10", "loss", native_type)
        assert (AMOUNT_WORDS in of["note"]) is is_told
        assert cli.main(["--data", str(root), "trace", of["id"], "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [cell["text"] for cell in found["cells"] if cell["cell"] == "reports.csv!U2"] == [AMOUNT_WORDS] * is_told
    [release] = [
        path
        for path in (root / "processed" / "releases" / "monthly" / "2023-10").glob("*/trace_cafc.html")
        if "$12.34" in path.read_text(encoding="utf-8")
    ]
    assert AMOUNT_WORDS.replace("'", "&#39;") in release.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_report_that_is_moved_to_another_month_is_told_by_both(root: Path, folder: Path) -> None:
    before = {month: figure(root, month, "cases")["value"] for month in ("2023-10", "2023-11")}
    declare_and_run(root, folder, ("reports.csv", "B2", "2023-10-01", "replace", "2023-11-01"))
    words = f"corrected from '2023-10-01' to '2023-11-01': {WHY} (a letter), at reports.csv!B2"
    assert {month: figure(root, month, "cases")["value"] - count for month, count in before.items()} == {
        "2023-10": -1,
        "2023-11": 1,
    }
    assert told(root, "2023-10") == told(root, "2023-11") == (["declared_correction"], [words])


@pytest.mark.slow
def test_a_record_that_is_refused_is_set_aside_told_and_taken_in_again_when_the_declaration_is_removed(
    root: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, count = verdict(root), figure(root, "2023-10", "cases")["value"]
    rows = faults.tree(root)
    declare_and_run(root, folder, SET_ASIDE)
    now = verdict(root)
    assert (first["read"], first["ok"], first["quarantined"]) == (151, 151, 0)
    assert (now["read"], now["ok"], now["quarantined"]) == (151, 150, 1)
    [row] = quarantine.shown(quarantine.Chosen("cafc", rule="cases.declared_wrong"), data=root)
    assert (row["origin"], row["problem"]) == ("reports.csv row 2", "declared_wrong")
    assert WHY in row["problem_text"]
    assert figure(root, "2023-10", "cases")["value"] == count - 1
    assert told(root, "2023-10") == (["declared_correction"], [SET_ASIDE_WORDS])
    (folder / "corrections.csv").unlink()
    forget()
    assert cli.main(["--data", str(root), "quarantine", "replay", "--source", "cafc", "--json"]) == 0
    [replayed] = json.loads(capsys.readouterr().out)
    assert (replayed["status"], replayed["set_aside_before"], replayed["set_aside_now"]) == ("accepted", 1, 0)
    folders = ("processed/cases", "processed/observations/source", "processed/quarantine")
    again = faults.tree(root)
    assert {name: sha for name, sha in again.items() if name.startswith(folders)} == {
        name: sha for name, sha in rows.items() if name.startswith(folders)
    }
    assert figure(root, "2023-10", "cases")["value"] == count


@pytest.mark.slow
def test_a_mended_file_stops_the_run_for_that_file_and_nothing_published_is_touched(root: Path, folder: Path) -> None:
    declare_and_run(root, folder, AMOUNT)
    before = faults.tree(root)
    inbox = root / "raw" / "inbox" / "cafc"
    mended = (inbox / "reports.csv").read_bytes().replace(b'"$1,234,567.89"', b"$12.34", 1)
    (inbox / "reports.csv").unlink()
    (inbox / "reports.csv").write_bytes(mended)
    run = steps.run_source("cafc", data=root)
    assert "reports.csv, U2: found '$12.34'; expected '$1,234,567.89', as corrections.csv declares" in run.refusal
    assert "remove or change the declaration" in run.refusal
    assert (run.view, steps.publish_due("monthly", data=root)) == (None, [])
    assert {name: sha for name, sha in faults.tree(root).items() if name.startswith("processed/releases")} == {
        name: sha for name, sha in before.items() if name.startswith("processed/releases")
    }
    # The declaration is removed, and the mended file speaks.
    (folder / "corrections.csv").unlink()
    forget()
    faults.run(("cafc",), root)
    assert figure(root, "2023-10", "loss")["note"] == ""
    assert verification.verify(data=root).problems == []


@pytest.mark.slow
@pytest.mark.parametrize("line", [(*AMOUNT[:2], "$1.00", *AMOUNT[3:]), ("reports.csv", "A2", "1", "refuse", "")])
def test_a_slip_in_a_declaration_stops_the_run_and_withdraws_nothing(root: Path, folder: Path, line: tuple[str, ...]) -> None:
    before, figures = verdict(root), steps.view(data=root)
    declare(folder, (*line, WHY, "a letter"))
    forget()
    for _ in range(2):
        with pytest.raises(FraudlossError, match=f"reports.csv, {line[1]}"):
            steps.validate("cafc", data=root)
    run = steps.run_source("cafc", data=root)
    assert f"reports.csv, {line[1]}" in run.refusal
    steps.publish_due("monthly", data=root)
    assert verdict(root) == before
    pd.testing.assert_frame_equal(steps.view(data=root), figures)
    for month in ("2023-09", "2023-10", "2023-11"):
        assert (told(root, month)[0] in (["new_code"], ["new_period"]), told(root, month)[1]) == (True, [])
        pointer = Store(root).read_json(root / "processed" / "releases" / "monthly" / month / "current.json") or {}
        assert pointer["release_id"]
    declare_and_run(root, folder, AMOUNT)
    assert told(root, "2023-10") == (["declared_correction"], [AMOUNT_WORDS])
    assert verification.verify(data=root).problems == []


@pytest.mark.slow
def test_the_bytes_do_not_tell_whether_a_correction_was_declared_before_or_after_the_first_run(
    root: Path, folder: Path, tmp_path: Path
) -> None:
    lay_inbox(tmp_path / "fresh")
    for each in (root, tmp_path / "fresh"):
        declare_and_run(each, folder, AMOUNT, ("reports.csv", "B4", "2023-10-03", "refuse", ""))
    kept = ("processed/cases", "processed/observations", "processed/quarantine", "processed/validation/verdicts")
    late, early = (
        {name: sha for name, sha in faults.tree(each).items() if name.startswith(kept)} for each in (root, tmp_path / "fresh")
    )
    assert late == early


def test_the_same_error_in_the_next_file_is_no_news_and_one_more_is(published: Path) -> None:
    figures = questions.query(data=published, source="cafc", table="cafc_types", period="2023-10", measure="cases").head(1)
    old, new = correction("T12", "$1200.00", "$12.00"), correction("T99", "$1200.00", "$12.00", "next.csv")
    more = correction("T100", "$1200.00", "$12.00", "next.csv")

    def noted(*told: RecordCorrection) -> pd.DataFrame:
        return figures.assign(note=with_corrections("", [each.words for each in told]), derivation="records")

    assert declared_since(noted(old), noted(new)) == ()
    assert declared_since(noted(old), noted(new, more)) == (more.words, new.words)
    assert declared_since(noted(), noted(old)) == (old.words,)


def test_what_is_declared_of_a_file_of_records_makes_its_verdict_out_of_date(folder: Path) -> None:
    before = code_version.of_source("cafc"), code_version.of_source("scamwatch")
    declare(folder, (*AMOUNT, WHY, "a letter"))
    forget()
    assert code_version.of_source("cafc") != before[0]
    assert code_version.of_source("scamwatch") == before[1]
