"""What `fraudloss ingest` takes in: a file, a folder, a zip or an address; and what it keeps when something goes wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import cli, questions, steps, verification
from pipeline.ingest.deliveries import in_inbox
from pipeline.ingest.fetch_errors import FetchError
from pipeline.model import FraudlossError, RefusedInput
from pipeline.sources.catalogue import source
from tests import misbehaving_server as bad
from tests.grid_files import INBOX, REPOSITORY
from tests.misbehaving_server import MisbehavingServer

FIXTURES = REPOSITORY / "tests" / "fixtures"
BOOK = INBOX / "npa_annual" / "r07.csv"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    """A server on this machine, which the annual book may be fetched from; nothing is tried twice."""
    declared = steps.source("npa_annual")
    fetch = {"allow_private": True, "expects": ["csv"], "attempts": 1, "read_timeout": 1.0}
    near = dataclasses.replace(declared, meta={**declared.meta, "fetch": fetch})
    monkeypatch.setattr(steps, "source", lambda source_id: near)
    with MisbehavingServer() as started:
        yield started


def kept(data: Path, source_id: str) -> list[str]:
    return sorted(path.name for path in (data / "raw" / source_id).rglob("*") if path.is_file())


def test_a_folder_is_one_snapshot_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    first = steps.ingest("ftc_csn", str(FIXTURES / "ftc_csn"), data=tmp_path / "a", published="2031-03")
    second = steps.ingest("ftc_csn", str(FIXTURES / "ftc_csn"), data=tmp_path / "b", published="2031-03")
    assert first == second
    assert (first.file, first.media_type) == ("ftc_csn.zip", "application/zip")


def test_an_address_gives_a_snapshot_that_says_where_it_came_from(tmp_path: Path, server: MisbehavingServer) -> None:
    address = server.serve(bad.conditional(BOOK.read_bytes(), etag='"v1"'), path="/r07.csv")
    snapshot = steps.ingest("npa_annual", address, data=tmp_path, published="2026-09-20", edition="final")
    assert (snapshot.file, snapshot.origin) == ("r07.csv", address)
    assert (tmp_path / "raw" / "npa_annual" / snapshot.id / "r07.csv").read_bytes() == BOOK.read_bytes()


def test_the_second_time_only_what_is_newer_is_asked_for(tmp_path: Path, server: MisbehavingServer) -> None:
    address = server.serve(bad.conditional(BOOK.read_bytes(), etag='"v1"'), path="/r07.csv")
    first = steps.ingest("npa_annual", address, data=tmp_path)
    assert steps.ingest("npa_annual", address, data=tmp_path) == first
    assert [request.headers.get("if-none-match") for request in server.requests] == [None, '"v1"']


def test_a_transfer_that_breaks_off_never_becomes_a_snapshot(tmp_path: Path, server: MisbehavingServer) -> None:
    content = BOOK.read_bytes()
    address = server.serve(bad.of_declared_length(content[:2000], len(content)), path="/r07.csv")
    with pytest.raises(FetchError):
        steps.ingest("npa_annual", address, data=tmp_path)
    assert kept(tmp_path, "npa_annual") == []


def test_a_page_instead_of_the_file_never_becomes_a_snapshot(tmp_path: Path, server: MisbehavingServer) -> None:
    address = server.serve(bad.good(b"<!doctype html><title>Sorry</title>", "text/html"), path="/r07.csv")
    with pytest.raises(FetchError, match="HTML"):
        steps.ingest("npa_annual", address, data=tmp_path)
    assert kept(tmp_path, "npa_annual") == []


def test_a_private_address_is_refused_unless_the_source_allows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--data", str(tmp_path), "ingest", "npa_annual", "http://127.0.0.1:9/r07.csv"]) == 1
    assert "127.0.0.1" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "r07.csv"
    path.write_bytes(b"not,the,book\r\n")
    with pytest.raises(RefusedInput, match=r"r07\.csv"):
        steps.ingest("npa_annual", str(path), data=tmp_path / "data")
    assert kept(tmp_path / "data", "npa_annual") == ["r07.csv", "snapshot.json"]


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert cli.main(["--data", str(tmp_path), "ingest", "npa_annual", str(tmp_path / "absent.csv")]) == 2


def test_an_undated_file_is_known_from_the_day_on_which_it_was_received(tmp_path: Path) -> None:
    snapshot = steps.ingest("npa_annual", str(BOOK), data=tmp_path)
    assert (snapshot.known_at, snapshot.retrospective, snapshot.published) == (steps.today(), False, "")
    dated = steps.ingest("npa_annual", str(BOOK), data=tmp_path / "other", published="2026-09-20")
    assert (dated.known_at.isoformat(), dated.retrospective) == ("2026-09-20", True)


LIST = "file,published,edition,extract,origin,note\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"datei,stand\n", "row 1"),
        ((LIST + "gone.csv,2026,final,false,x,\n").encode(), "row 2, file: found 'gone.csv'"),
        ((LIST + "here.csv,May,final,false,x,\n").encode(), "row 2, published: found 'May'"),
        ((LIST + "here.csv,2026,done,false,x,\n").encode(), "row 2, edition: found 'done'"),
        ((LIST + "here.csv,2026,final,perhaps,x,\n").encode(), "row 2, extract: found 'perhaps'"),
        ((LIST + "here.csv,2026\n").encode(), "row 2"),
        (LIST.encode() + b"\xff\xfe", "not UTF-8"),
    ],
    ids=["header", "file that is not there", "date", "edition", "extract", "short row", "encoding"],
)
def test_a_malformed_list_of_deliveries_is_named_with_its_line(tmp_path: Path, content: bytes, named: str) -> None:
    (tmp_path / "here.csv").write_bytes(b"1\n")
    (tmp_path / "deliveries.csv").write_bytes(content)
    with pytest.raises(FraudlossError) as error:
        in_inbox(tmp_path, steps.today())
    assert named in str(error.value)
    assert "deliveries.csv" in str(error.value)


@pytest.mark.slow
def test_a_figure_made_of_records_leads_to_their_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = FIXTURES / "cafc" / "deaccented.csv"
    steps.ingest("cafc", str(path), data=tmp_path, published="2024-09-30")
    steps.validate("cafc", data=tmp_path)
    steps.aggregate("cafc", data=tmp_path)
    figures = questions.query(data=tmp_path, source="cafc", table="cafc_types", measure="cases")
    figures = figures[(figures["derivation"] == "records") & (figures["value"] > 0)]
    row = figures.sort_values("value").iloc[-1]
    capsys.readouterr()
    assert cli.main(["--data", str(tmp_path), "trace", row["id"], "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert cell["text"].startswith(f"{int(row['value'])} records: deaccented.csv row ")
    assert verification.verify(data=tmp_path).problems == []


@pytest.mark.slow
def test_a_figure_of_a_file_within_a_zip_leads_to_its_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps.ingest("ftc_csn", str(FIXTURES / "ftc_csn"), data=tmp_path, published="2031-03")
    steps.validate("ftc_csn", data=tmp_path)
    steps.aggregate("ftc_csn", data=tmp_path)
    figures = questions.query(data=tmp_path, source="ftc_csn", measure="cases")
    row = figures[figures["derivation"] == ""].iloc[0]
    capsys.readouterr()
    assert cli.main(["--data", str(tmp_path), "trace", row["id"], "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert cell["text"].replace(",", "").strip() == str(int(row["value"]))


def test_a_zip_that_is_none_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "cafc.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    with pytest.raises(RefusedInput, match=r"cafc\.zip"):
        steps.ingest("cafc", str(path), data=tmp_path / "data")


@pytest.mark.parametrize("source_id", ["cafc", "ftc_csn"])
def test_the_publishers_address_is_declared_and_promises_what_the_reader_takes(source_id: str) -> None:
    declared = source(source_id)
    address, expects = declared.meta["address"], declared.meta["fetch"]["expects"]
    assert address.startswith("https://")
    assert address.rpartition(".")[2] in expects


def test_a_source_without_an_address_says_where_its_file_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--data", str(tmp_path), "ingest", "scamwatch"]) == 2
    assert "https://www.scamwatch.gov.au/" in capsys.readouterr().err


def test_taking_in_a_large_file_needs_no_more_memory_than_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the bytes alone: nothing but streaming them is done here, and what the reader does is its own matter."""
    monkeypatch.setattr(steps, "_try", lambda *_: None)
    path, peaks = tmp_path / "r07.csv", list[int]()
    for size in (1 << 20, 64 << 20):
        with path.open("wb") as stream:
            stream.truncate(size)
        tracemalloc.start()
        snapshot = steps.ingest("npa_annual", str(path), data=tmp_path / "data", published="2026-09-20")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert snapshot.size_bytes == size
    assert peaks[1] < peaks[0] + (4 << 20)


def test_a_file_that_is_brought_again_under_another_name_is_the_snapshot_that_is_held(tmp_path: Path) -> None:
    first = steps.ingest("npa_annual", str(BOOK), data=tmp_path / "data", published="2026-09-20")
    other = tmp_path / "another name.csv"
    other.write_bytes(BOOK.read_bytes())
    assert steps.ingest("npa_annual", str(other), data=tmp_path / "data") == first


# ------------------------------------------------------------------------------------------------------- the day of a file


@pytest.mark.slow
def test_a_day_that_contradicts_the_one_that_is_held_is_refused_and_can_be_set_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, file = tmp_path / "data", INBOX / "npa_victims" / "r07_victims.csv"
    asked = ["--data", str(root), "ingest", "npa_victims", str(file), "--edition", "final", "--published"]
    assert cli.main([*asked, "2026-09-20"]) == 0
    (snapshot,) = steps.store_at(root).snapshots("npa_victims")
    folder = root / "raw" / "npa_victims" / snapshot.id
    # Printed once more later: no news. Said to be out before: one of the two is wrong.
    assert cli.main([*asked, "2026-10-20"]) == 0
    for step in (steps.validate, steps.aggregate):
        step("npa_victims", data=root)
    capsys.readouterr()
    assert cli.main([*asked, "2026-08-20"]) == 1
    assert (
        f"known from 2026-09-20; now it is said to be published 2026-08-20. What to do: where the new day is right, move {folder}"
        in (capsys.readouterr().err)
    )
    shutil.move(folder, tmp_path / "away")
    assert cli.main([*asked, "2026-08-20"]) == 0
    assert steps.validate("npa_victims", data=root) == [snapshot.id]
    assert steps.aggregate("npa_victims", data=root)
    assert {str(day) for day in questions.query(data=root)["known_at"]} == {"2026-08-20"}
    assert verification.verify(data=root).problems == []


def test_a_line_that_dates_a_file_otherwise_than_it_was_taken_in_is_named_after_all_others_are_kept(tmp_path: Path) -> None:
    inbox = tmp_path / "raw" / "inbox" / "npa_releases"
    inbox.mkdir(parents=True)
    header = "file,published,edition,extract,origin,note\n"
    first, second = "2024-02-08-annual-provisional-2023.csv", "2025-02-07-annual-provisional-2024.csv"
    shutil.copy(INBOX / "npa_releases" / first, inbox)
    # Not listed when the night came: dated by the day of receipt.
    assert len(steps.ingest_inbox("npa_releases", data=tmp_path)) == 1
    assert steps.ingest_inbox("npa_releases", data=tmp_path) == []
    shutil.copy(INBOX / "npa_releases" / second, inbox)
    lines = f"{first},2024-02-08,provisional,true,a paper,\n{second},2025-02-07,provisional,true,a paper,\n"
    (inbox / "deliveries.csv").write_text(header + lines, encoding="utf-8")
    with pytest.raises(FraudlossError, match=f"{first}: is held as snapshot .* now it is said to be published 2024-02-08"):
        steps.ingest_inbox("npa_releases", data=tmp_path)
    held = steps.store_at(tmp_path).snapshots("npa_releases")
    assert {item.file for item in held} == {first, second}
    shutil.rmtree(tmp_path / "raw" / "npa_releases" / next(item.id for item in held if item.file == first))
    assert len(steps.ingest_inbox("npa_releases", data=tmp_path)) == 1
    assert {item.known_at.isoformat() for item in steps.store_at(tmp_path).snapshots("npa_releases")} == {
        "2024-02-08",
        "2025-02-07",
    }


def test_what_a_snapshot_says_of_its_kind_does_not_depend_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A slim container has no /etc/mime.types.
    monkeypatch.setattr("mimetypes.guess_type", lambda name: (None, None))
    snapshot = steps.ingest(
        "npa_annual", str(INBOX / "npa_annual" / "r07_2-3.xlsx"), data=tmp_path, published="2026", extract=True
    )
    assert snapshot.media_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
