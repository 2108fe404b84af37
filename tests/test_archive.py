"""What a zip may not do to us, and what a folder becomes."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import posixpath
import stat
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest import archive
from pipeline.ingest.archive import ArchiveRules, folder_as_zip, members
from pipeline.model import RefusedInput

CSV = b"month,cases\n2025-01,3\n"
RULES = ArchiveRules()
DATA = Path(__file__).parents[1] / "../shared/data"
needs_publishers_files = pytest.mark.skipif(
    not DATA.is_dir(), reason="the publishers' files are not in the repository: ../shared/data is absent"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "delivery.zip"


def zipped(contents: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zipped_entries([(zipfile.ZipInfo(name), content) for name, content in contents.items()], method)


def zipped_entries(entries: list[tuple[zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for entry, content in entries:
            archive.writestr(entry, content, compress_type=method)
    return packed.getvalue()


def with_directory_field(packed: bytes, offset: int, form: str, value: int) -> bytes:
    """The zip with one number of its first directory entry changed."""
    changed = bytearray(packed)
    struct.pack_into(form, changed, packed.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def refused(path: Path, packed: bytes, rules: ArchiveRules = RULES) -> RefusedInput:
    """The error of `members`, which names the file."""
    path.write_bytes(packed)
    with pytest.raises(RefusedInput) as caught:
        members(path, rules)
    assert caught.value.file == path.name
    assert caught.value.action
    return caught.value


# ------------------------------------------------------------------------------------------------------------ sound zips


def test_members_come_in_the_order_of_their_names_with_their_bytes(path: Path) -> None:
    path.write_bytes(zipped({"b.csv": CSV, "tables/a.csv": b"", "./a.csv": b"a", "tables/": b""}))
    found = members(path, RULES)
    assert [(member.name, member.size, member.read()) for member in found] == [
        ("a.csv", 1, b"a"),
        ("b.csv", len(CSV), CSV),
        ("tables/a.csv", 0, b""),
    ]


def test_hidden_members_are_left_out(path: Path) -> None:
    path.write_bytes(zipped({"a.csv": CSV, "__MACOSX/._a.csv": b"x", ".DS_Store": b"x", "tables/.cache/b": b"x"}))
    assert [member.name for member in members(path, RULES)] == ["a.csv"]


def test_a_workbook_in_a_zip_is_a_document(path: Path) -> None:
    path.write_bytes(zipped({"book.xlsx": zipped({"xl/workbook.xml": b"<x/>"})}))
    assert [member.name for member in members(path, RULES)] == ["book.xlsx"]


def test_names_in_a_declared_encoding_are_read(path: Path) -> None:
    path.write_bytes(zipped({"##.csv": CSV}).replace(b"##.csv", "年.csv".encode("cp932")))
    (member,) = members(path, dataclasses.replace(RULES, name_encoding="cp932"))
    assert (member.name, member.read()) == ("年.csv", CSV)


@needs_publishers_files
def test_the_publishers_zips_pass_and_give_all_their_bytes() -> None:
    (reports,) = members(DATA / "cafc_2024-09-30.zip", RULES)
    assert (reports.name, len(reports.read())) == ("Canadian Anti-Fraud Centre Reporting Data.csv", 64_330_323)
    exports = members(DATA / "scamwatch" / "scamwatch_2025-08.zip", RULES)
    assert len(exports) == 14
    assert (exports[0].name, exports[-1].name) == ("ScamWatchReport2020Q1Q2.csv", "ScamWatchReport2025.csv")
    assert sum(len(member.read()) for member in exports) == 32_358_657


# --------------------------------------------------------------------------------------------------------------- damaged


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: b"",
        lambda packed: b"month,cases\n",
        lambda packed: packed[:-30],
        lambda packed: packed[: len(packed) // 2],
        lambda packed: b"\x00\x00\x00\x00" + packed,
        lambda packed: packed[4:],
    ],
    ids=["empty", "a table", "without its end", "half", "something in front", "without its beginning"],
)
def test_a_file_that_is_no_complete_zip_is_refused(path: Path, damage: Callable[[bytes], bytes]) -> None:
    assert "complete zip" in refused(path, damage(zipped({"a.csv": CSV * 100}))).expected


def test_a_zip_without_files_is_refused(path: Path) -> None:
    assert "no file" in refused(path, zipped({"tables/": b"", ".hidden": b"x"})).found
    assert "no file" in refused(path, zipped({})).found


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_changed_bytes_are_refused_when_they_are_read(path: Path, method: int) -> None:
    packed = bytearray(zipped({"a.csv": bytes(range(256)) * 10}, method))
    packed[100] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(RefusedInput, match=r"delivery.zip, member 'a.csv'"):
        members(path, RULES)[0].read()


@pytest.mark.parametrize("size", [1, 10, 3_000])
def test_a_size_that_is_not_the_stated_one_is_refused_when_it_is_read(path: Path, size: int) -> None:
    path.write_bytes(with_directory_field(zipped({"a.csv": CSV * 100}), 24, "<L", size))
    with pytest.raises(RefusedInput, match=r"member 'a.csv'"):
        members(path, RULES)[0].read()


# -------------------------------------------------------------------------------------------------------------- too much


def test_members_are_bounded_in_number(path: Path) -> None:
    packed = zipped({f"{number}.csv": CSV for number in range(4)})
    assert "4 members" in refused(path, packed, ArchiveRules(members=3)).found
    members(path, ArchiveRules(members=4))


def test_the_directory_itself_is_bounded_before_it_is_taken_apart(path: Path) -> None:
    packed = zipped({f"{number:0250}.csv": b"" for number in range(600)})
    assert "131,072" in refused(path, packed, ArchiveRules(members=3)).found


def test_a_member_is_bounded_in_size(path: Path) -> None:
    assert "22 bytes" in refused(path, zipped({"a.csv": CSV}), ArchiveRules(member_bytes=21)).found
    assert members(path, ArchiveRules(member_bytes=22))[0].read() == CSV


def test_all_members_together_are_bounded_in_size(path: Path) -> None:
    packed = zipped({"a.csv": CSV, "b.csv": CSV})
    assert "44 bytes" in refused(path, packed, ArchiveRules(total_bytes=43)).found
    members(path, ArchiveRules(total_bytes=44))


def test_a_bomb_is_refused_by_its_ratio(path: Path) -> None:
    assert "200 times" in refused(path, zipped({"a.csv": bytes(5_000_000)})).expected
    members(path, ArchiveRules(ratio=1_100))


def test_a_small_file_of_blanks_is_no_bomb(path: Path) -> None:
    path.write_bytes(zipped({"a.csv": b" " * 1_000_000}))
    assert len(members(path, RULES)[0].read()) == 1_000_000


def test_a_bomb_that_states_a_small_size_gives_no_more_than_it_states(path: Path) -> None:
    path.write_bytes(with_directory_field(zipped({"a.csv": bytes(5_000_000)}), 24, "<L", 1_000))
    with pytest.raises(RefusedInput):
        members(path, RULES)[0].read()


def test_the_bounds_hold_for_what_is_read_and_not_only_for_what_is_stated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(zipped({"a.csv": CSV}))
    (member,) = members(path, ArchiveRules(member_bytes=1_000_000))
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda _, size: bytes(size))
    with pytest.raises(RefusedInput, match="at most 1,000,000"):
        member.read()


def test_a_zip_that_was_replaced_since_it_was_looked_at_is_refused(path: Path) -> None:
    path.write_bytes(zipped({"a.csv": os.urandom(3_000_000)}))
    (member,) = members(path, RULES)
    path.write_bytes(zipped({"a.csv": bytes(3_000_000)}))
    with pytest.raises(RefusedInput, match=r"member 'a.csv'"):
        member.read()


def test_members_that_share_their_bytes_are_refused(path: Path) -> None:
    packed = with_directory_field(zipped({"a.csv": CSV}), 20, "<L", 100_000)
    assert "share" in refused(path, packed).expected


def test_only_methods_that_can_be_read_in_bounds_are_read(path: Path) -> None:
    assert "compression method 12" in refused(path, zipped({"a.csv": CSV}, zipfile.ZIP_BZIP2)).found


# ---------------------------------------------------------------------------------------------------- what does not belong


def test_an_encrypted_member_is_refused(path: Path) -> None:
    packed = with_directory_field(zipped({"a.csv": CSV}), 8, "<H", 0x1)
    assert "encrypted" in refused(path, packed).found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("more.zip", zipped({"a.csv": CSV})),
        ("more.csv", zipped({"a.csv": CSV})),
        ("more.tar.GZ", b"\x1f\x8b\x08"),
        ("more.csv", b"\x1f\x8b\x08"),
        ("more.7z", b""),
        ("more", b"Rar!\x1a\x07\x00"),
    ],
)
def test_an_archive_in_an_archive_is_refused_by_its_name_and_by_its_bytes(path: Path, name: str, content: bytes) -> None:
    assert "archive" in refused(path, zipped({"a.csv": CSV, name: content})).found


@pytest.mark.parametrize(
    ("mode", "found"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "special file"), (stat.S_IFCHR, "special file")]
)
def test_links_and_special_files_are_refused(path: Path, mode: int, found: str) -> None:
    entry = zipfile.ZipInfo("a.csv")
    entry.external_attr = (mode | 0o777) << 16
    assert found in refused(path, zipped_entries([(entry, b"/etc/passwd")])).found


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a.csv",
        "tables/../../a.csv",
        "tables/..",
        "..",
        ".. /a.csv",
        "C:/a.csv",
        "c:a.csv",
        "..\\a.csv",
        "\\\\server\\share\\a.csv",
        "tables//a.csv",
        "a\ncsv",
        "a\u202ecsv",
        "．．/a.csv",
        "．．／a.csv",
        "x" * 256,
        "/".join(["x" * 200] * 6),
    ],
)
def test_a_name_that_could_leave_its_folder_or_deceive_is_refused(path: Path, name: str) -> None:
    assert refused(path, zipped({name: CSV})).cell == f"member {name!r}"


def test_a_name_with_a_nul_is_refused(path: Path) -> None:
    assert "control character" in refused(path, zipped({"a.csv#.exe": CSV}).replace(b"a.csv#.exe", b"a.csv\x00.exe")).found


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.csv", "./a.csv"), ("a.csv", "A.CSV"), ("é.csv", "e\u0301.csv"), ("a.csv", "a.csv. "), ("tables", "tables/")],
)
def test_two_members_that_another_system_takes_for_one_are_refused(path: Path, first: str, second: str) -> None:
    assert repr(first) in refused(path, zipped({first: CSV, second: b""})).found


@given(names=st.lists(st.text(st.sampled_from("a./\\: C\x00é．"), min_size=1, max_size=8), min_size=1, max_size=3, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_passes_stays_within_its_folder(path: Path, names: list[str]) -> None:
    with warnings.catch_warnings(action="ignore"):  # zipfile's own, about names that it writes twice
        path.write_bytes(zipped_entries([(zipfile.ZipInfo(name), CSV) for name in names]))
    try:
        found = [member.name for member in members(path, RULES)]
    except RefusedInput:
        return
    assert found == sorted(set(found))
    for name in found:
        assert posixpath.normpath(posixpath.join("/folder", name)) == f"/folder/{name}"


# --------------------------------------------------------------------------------------------------------------- folders


def filled(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def packed(folder: Path, rules: ArchiveRules = RULES) -> bytes:
    path = folder.parent / "packed.zip"
    folder_as_zip(folder, path, rules)
    return path.read_bytes()


def refused_folder(folder: Path, rules: ArchiveRules = RULES) -> RefusedInput:
    with pytest.raises(RefusedInput) as caught:
        packed(folder, rules)
    assert caught.value.file == folder.name
    return caught.value


def test_the_same_files_give_the_same_bytes_whenever_and_however_they_were_put_there(tmp_path: Path) -> None:
    contents = {"b.csv": CSV, "a.csv": b"a", "tables/表.csv": CSV}
    first = filled(tmp_path / "first", contents)
    second = filled(tmp_path / "second", dict(reversed(contents.items())))
    (second / "a.csv").chmod(0o755)
    os.utime(second / "b.csv", (0, 0))
    (second / "empty").mkdir()
    filled(second, {".DS_Store": b"x", ".git/config": b"x", "__MACOSX/a": b"x"})
    assert packed(first) == packed(second)


def test_the_bytes_of_a_folder_are_the_same_on_every_machine(tmp_path: Path) -> None:
    """No publisher's figure: the sha256 that these two files had when this test was written."""
    found = packed(filled(tmp_path / "delivery", {"b/表.csv": CSV, "a.csv": b"a"}))
    assert hashlib.sha256(found).hexdigest() == "81b047c372d977995cdd0b736bd769484db8632e6f7ef9cfc45a0dea754784bb"


def test_other_bytes_or_another_name_give_another_zip(tmp_path: Path) -> None:
    variants = [{"a.csv": CSV}, {"a.csv": CSV + b"\n"}, {"b.csv": CSV}, {"a.csv": CSV, "b.csv": b""}]
    found = [packed(filled(tmp_path / str(number), variant)) for number, variant in enumerate(variants)]
    assert len(set(found)) == len(variants)


MEMBER_NAMES = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}\.csv)?", fullmatch=True)
TEXTS = st.text("a,1\n年", max_size=30).map(str.encode)


@given(contents=st.dictionaries(MEMBER_NAMES, TEXTS, min_size=1, max_size=5))
@settings(max_examples=30)
def test_a_folder_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]) -> None:
    folders = {name.split("/")[0] for name in contents if "/" in name}
    contents = {name: content for name, content in contents.items() if name not in folders}
    top = tmp_path_factory.mktemp("delivery")
    delivery = top / "delivery.zip"
    folder_as_zip(filled(top / "files", contents), delivery)
    assert {member.name: member.read() for member in members(delivery, RULES)} == contents


def test_a_folder_is_packed_in_pieces_and_one_that_grows_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = filled(tmp_path / "delivery", {"a.csv": CSV})
    with (folder / "b.csv").open("wb") as stream:
        stream.truncate(64 << 20)
    tracemalloc.start()
    folder_as_zip(folder, tmp_path / "packed.zip", ArchiveRules(member_bytes=1 << 30))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    monkeypatch.setattr(archive, "_size", lambda *_: len(CSV) - 1)
    assert "changed" in refused_folder(folder).found


@needs_publishers_files
def test_the_data_book_becomes_one_snapshot_of_its_eight_tables(path: Path) -> None:
    folder = DATA / "ftc_csn_2024"
    folder_as_zip(folder, path)
    found = members(path, RULES)
    assert len(found) == 8
    assert all(member.read() == (folder / member.name).read_bytes() for member in found)


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    assert "no file" in refused_folder(folder).found
    (folder / ".hidden").write_bytes(b"x")
    assert "no file" in refused_folder(folder).found


@pytest.mark.parametrize("target", ["/etc/hostname", "a.csv", "nowhere", "."])
def test_a_link_in_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    folder = filled(tmp_path / "delivery", {"a.csv": CSV})
    (folder / "link.csv").symlink_to(target)
    error = refused_folder(folder)
    assert (error.cell, error.found) == ("file 'link.csv'", "a symbolic link")


def test_a_special_file_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = filled(tmp_path / "delivery", {"a.csv": CSV})
    os.mkfifo(folder / "pipe.csv")
    assert "special file" in refused_folder(folder).found


def test_an_archive_in_a_folder_is_refused(tmp_path: Path) -> None:
    folder = filled(tmp_path / "delivery", {"a.csv": CSV, "tables/more.csv": zipped({"a.csv": CSV})})
    assert refused_folder(folder).cell == "file 'tables/more.csv'"


@pytest.mark.parametrize("name", ["a\\b.csv", "C:a.csv", "a\nb.csv", "a\udcff.csv"])
def test_a_name_that_a_zip_may_not_have_is_refused_in_a_folder(tmp_path: Path, name: str) -> None:
    assert refused_folder(filled(tmp_path / "delivery", {name: CSV})).cell == f"member {name!r}"


@pytest.mark.parametrize("rules", [ArchiveRules(members=1), ArchiveRules(member_bytes=21), ArchiveRules(total_bytes=43)])
def test_a_folder_is_bounded_like_a_zip(tmp_path: Path, rules: ArchiveRules) -> None:
    refused_folder(filled(tmp_path / "delivery", {"a.csv": CSV, "b.csv": CSV}), rules)
