"""Zips and folders as deliveries: what is in a zip, read within bounds; a folder as one file that always has the same bytes.

In: the path of a zip or of a folder, and `ArchiveRules`. Out: `Member`s in the order of their names, or a zip.
Nothing is ever unpacked to disk: a member is read into memory, so a hostile name has no folder to leave. Names are checked all
the same, because they reach origins, pages and people who unpack the file by hand.

A zip states the sizes of its members itself, and they are believed only as an upper bound: while a member is read, its bytes are
counted again against the stated size, the bounds and the ratio. Only "stored" and "deflate" are read; the decoders of the
other methods turn one block into gigabytes in a single call, which no count can stop.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from pipeline.model import RefusedInput, refused

_CHUNK = 1 << 16
# Below this size a high ratio is an ordinary file of blanks, and no danger.
_RATIO_COUNTS_FROM = 1 << 20
# A member's entry in the zip's directory, with a long name and extra fields. Bounds the directory itself.
_DIRECTORY_ENTRY_BYTES = 1 << 10
_CONSTANT_DATE = (1980, 1, 1, 0, 0, 0)
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile(r"^[A-Za-z]:")
_NAME_BYTES = 255
_PATH_BYTES = 1_000
# Unicode categories that a file name does without: control, format (direction), surrogate, line and paragraph separator.
UNSAFE_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Workbooks are zips by construction and single documents by meaning.
_DOCUMENT_ENDINGS = (".xlsx", ".xlsm", ".ods")
_ARCHIVE_ENDINGS = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".z", ".lz4", ".cab", ".jar")
_ARCHIVE_STARTS = (*_ZIP_STARTS, b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!")

_LOOK_BY_HAND = "look at it by hand; if it is sound, deliver the files themselves, as a folder"
_RAISE_BOUNDS = f"{_LOOK_BY_HAND}, or raise the bound"


@dataclasses.dataclass(frozen=True)
class ArchiveRules:
    """How much a zip or a folder may hold. Sizes are in bytes, unpacked."""

    members: int = 1_000
    member_bytes: int = 256_000_000
    total_bytes: int = 1_000_000_000
    ratio: float = 200.0  # unpacked over packed: tables of text stay below 100, deflate can reach 1,032
    name_encoding: str | None = None  # of names that are not marked as UTF-8 (`cp932` in older Japanese zips)


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in a zip: its name with `/` between folders, its size in bytes, and `read()`, which gives its bytes."""

    name: str
    size: int
    read: Callable[[], bytes] = dataclasses.field(repr=False, compare=False)


# ------------------------------------------------------------------------------------------------------------------ zips


def members(path: Path, rules: ArchiveRules) -> list[Member]:
    """The files in the zip at `path`, in the order of their names; hidden ones (`.x`, `__MACOSX/`) are left out.

    Raises RefusedInput, naming the zip and the member, where the file is no complete zip, holds nothing, too much, an encrypted
    member, a nested archive, a symbolic link, or a name that could leave a folder or stand for another one; `Member.read` raises
    it where the bytes are not those that the zip states, or more than the rules allow.
    """
    with open_zip(path, rules) as archive:
        entries = archive.infolist()
        _require_bounds(path, entries, rules)
        # `orig_filename`: zipfile cuts `filename` off at a NUL.
        named = zip(_checked_names(path.name, [entry.orig_filename for entry in entries]), entries, strict=True)
        files = sorted(((name, entry) for name, entry in named if not _left_out(name, entry)), key=lambda pair: pair[0])
        for name, entry in files:
            _require_plain_file(path, name, entry)
            _require_size(path, name, entry, entry.file_size, rules)
            _require_no_archive(path, archive, name, entry)
    if not files:
        raise refused(path.name, "the whole file", "no file in it", "at least one", "ask the publisher for it again")
    return [Member(name, entry.file_size, _reader(path, name, entry, rules)) for name, entry in files]


@contextlib.contextmanager
def open_zip(path: Path, rules: ArchiveRules) -> Iterator[zipfile.ZipFile]:
    """The zip at `path`, open for as long as the block lasts; its directory is read within bounds.

    Raises RefusedInput where the file is no complete zip.
    """
    with _BoundedReads(path, at_most=rules.members * _DIRECTORY_ENTRY_BYTES) as stream:
        try:
            if stream.read(4) not in _ZIP_STARTS:
                raise zipfile.BadZipFile("it does not begin like one")
            archive = zipfile.ZipFile(stream, metadata_encoding=rules.name_encoding)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeError, LookupError, ValueError, OSError) as problem:
            raise refused(
                path.name,
                "the directory of the zip",
                f"none that can be read ({problem})",
                "a complete zip",
                "bring the file again; it was cut off on the way, or is not a zip",
            ) from problem
        with archive:
            yield archive


class _BoundedReads(io.FileIO):
    """A file that refuses a single read of more than `at_most` bytes.

    `zipfile` reads a directory of any length in one call and makes an object of each entry. The number of entries that the
    trailer states cannot bound it: there are two trailers, and they may differ.
    """

    def __init__(self, path: Path, at_most: int) -> None:
        super().__init__(path)
        # Looking for the trailer takes 64 KiB, and packed bytes are read in blocks.
        self._at_most = max(at_most, 1 << 17)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._at_most:
            raise zipfile.BadZipFile(f"it states {size:,} bytes where at most {self._at_most:,} are allowed")
        return super().read(-1 if size is None else size) or b""


def _left_out(name: str, entry: zipfile.ZipInfo) -> bool:
    return entry.orig_filename.endswith("/") or _is_hidden(name)


def _require_bounds(path: Path, entries: list[zipfile.ZipInfo], rules: ArchiveRules) -> None:
    def too_much(found: str, expected: str) -> RefusedInput:
        return refused(path.name, "the whole file", found, expected, _RAISE_BOUNDS)

    if len(entries) > rules.members:
        raise too_much(f"{len(entries):,} members", f"at most {rules.members:,}")
    total = sum(entry.file_size for entry in entries)
    if total > rules.total_bytes:
        raise too_much(f"{total:,} bytes unpacked", f"at most {rules.total_bytes:,}")
    packed, held = sum(entry.compress_size for entry in entries), path.stat().st_size
    if packed > held:
        raise too_much(f"members of {packed:,} packed bytes in a file of {held:,}", "members that do not share bytes")


def _require_plain_file(path: Path, name: str, entry: zipfile.ZipInfo) -> None:
    def of_member(found: str, expected: str, action: str = _LOOK_BY_HAND) -> RefusedInput:
        return refused(path.name, f"member {name!r}", found, expected, action)

    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise of_member("a symbolic link" if kind == stat.S_IFLNK else "a special file", "an ordinary file")
    if entry.flag_bits & _ENCRYPTED:
        raise of_member("an encrypted member", "one that can be read", "ask the publisher for it without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise of_member(f"compression method {entry.compress_type}", "stored or deflate")


def _require_size(path: Path, name: str, entry: zipfile.ZipInfo, size: int, rules: ArchiveRules) -> None:
    """Holds for the size that the zip states, and for the bytes counted so far while the member is read."""
    if size > rules.member_bytes:
        raise refused(path.name, f"member {name!r}", f"{size:,} bytes unpacked", f"at most {rules.member_bytes:,}", _RAISE_BOUNDS)
    if size > _RATIO_COUNTS_FROM and size > rules.ratio * entry.compress_size:
        raise refused(
            path.name,
            f"member {name!r}",
            f"{size:,} bytes unpacked from {entry.compress_size:,}",
            f"at most {rules.ratio:g} times as many",
            _RAISE_BOUNDS,
        )


def _require_no_archive(path: Path, archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> None:
    with _damage_refused(path, name), archive.open(entry) as stream:
        start = stream.read(8)
    if _is_archive(name, start):
        raise refused(path.name, f"member {name!r}", "an archive in the archive", "a table or a document", _LOOK_BY_HAND)


def _reader(path: Path, name: str, entry: zipfile.ZipInfo, rules: ArchiveRules) -> Callable[[], bytes]:
    def read() -> bytes:
        content = io.BytesIO()
        with open_zip(path, rules) as archive, _damage_refused(path, name), archive.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                content.write(chunk)
                _require_size(path, name, entry, content.tell(), rules)
        if content.tell() != entry.file_size:
            raise refused(
                path.name,
                f"member {name!r}",
                f"{content.tell():,} bytes",
                f"{entry.file_size:,}, as the zip states",
                "bring the file again; it was damaged on the way",
            )
        return content.getvalue()

    return read


@contextlib.contextmanager
def _damage_refused(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError, OSError) as problem:
        raise refused(
            path.name,
            f"member {name!r}",
            f"bytes that cannot be unpacked ({problem})",
            "the bytes that the zip states",
            "bring the file again; it was damaged on the way",
        ) from problem


# --------------------------------------------------------------------------------------------------------------- folders


def folder_as_zip(folder: Path, target: Path, rules: ArchiveRules | None = None) -> None:
    """The files under `folder` as one zip at `target`: the same names and contents give the same bytes, on every machine and
    day. Files are copied in pieces.

    Members are in the order of their names, with constant dates and modes, and stored without compression, because libraries
    compress the same text to different bytes. Hidden files (`.x`, `__MACOSX`) are left out. What comes out passes `members`.

    Raises RefusedInput, naming folder and file, where there is no file, more than the rules allow, a symbolic link, a special
    file, an archive, or a name that `members` would refuse.
    """
    rules = rules or ArchiveRules()
    found = sorted(_files_below(folder, folder))
    if not found:
        raise refused(folder.name, "the folder", "no file in it", "the files of one delivery", "check the path")
    if len(found) > rules.members:
        raise refused(folder.name, "the folder", f"{len(found):,} files", f"at most {rules.members:,}", "deliver a part")
    total = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in _checked_names(folder.name, found):
            entry = _constant_entry(name, _size(folder, name, rules.member_bytes))
            total += entry.file_size
            if total > rules.total_bytes:
                raise refused(folder.name, "the folder", "more bytes", f"at most {rules.total_bytes:,}", "deliver a part")
            with (folder / name).open("rb") as original, archive.open(entry, "w") as packed:
                _copy(folder, name, original, packed, entry.file_size)


def _files_below(folder: Path, top: Path) -> Iterator[str]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        name = Path(entry.path).relative_to(top).as_posix()
        if _is_hidden(entry.name):
            continue
        if entry.is_symlink():
            raise refused(top.name, f"file {name!r}", "a symbolic link", "the file itself", "copy the file into the folder")
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path), top)
        elif entry.is_file(follow_symlinks=False):
            yield name
        else:
            raise refused(top.name, f"file {name!r}", "a special file", "an ordinary file", "take it out of the folder")


def _size(folder: Path, name: str, at_most: int) -> int:
    """Of a file that may be packed."""
    path = folder / name
    if (size := path.stat().st_size) > at_most:
        raise refused(folder.name, f"file {name!r}", f"{size:,} bytes", f"at most {at_most:,}", _RAISE_BOUNDS)
    with path.open("rb") as stream:
        start = stream.read(8)
    if _is_archive(name, start):
        raise refused(folder.name, f"file {name!r}", "an archive", "a table or a document", "deliver the zip by itself")
    return size


def _copy(folder: Path, name: str, original: BinaryIO, packed: IO[bytes], size: int) -> None:
    copied = 0
    while chunk := original.read(_CHUNK):
        copied += len(chunk)
        if copied > size:
            break
        packed.write(chunk)
    if copied != size:
        raise refused(
            folder.name, f"file {name!r}", "a size that changed while it was read", f"{size:,} bytes", "wait until it is written"
        )


def _constant_entry(name: str, size: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_CONSTANT_DATE)
    entry.file_size = size
    entry.compress_type = zipfile.ZIP_STORED
    entry.create_system = 3  # Unix, wherever this runs: it decides how the mode is read
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


# ----------------------------------------------------------------------------------------------------------------- names


def _checked_names(file: str, names: Iterable[str]) -> list[str]:
    """Every name as a path within its folder. Raises RefusedInput for one that is not, and for two that may be the same file."""
    safe: list[str] = []
    seen: dict[str, str] = {}
    for name in names:
        # Folders are listed with a slash at the end.
        path = "/".join(part for part in name.removesuffix("/").split("/") if part != ".")
        if problem := _name_problem(path):
            raise refused(file, f"member {name!r}", problem, "a name within its folder", _LOOK_BY_HAND)
        same = _as_other_systems_see_it(path)
        if same in seen:
            raise refused(file, f"member {name!r}", f"a second file of that name ({seen[same]!r})", "one", _LOOK_BY_HAND)
        seen[same] = name
        safe.append(path)
    return safe


def _name_problem(path: str) -> str:
    if any(unicodedata.category(sign) in UNSAFE_IN_NAMES for sign in path):
        return "a control character in the name"
    # Full-width dots and slashes become plain ones where a file system normalises.
    for form in (path, unicodedata.normalize("NFKC", path)):
        parts = form.split("/")
        if "\\" in form:
            return "a backslash in the name"
        if _DRIVE.match(form) or form.startswith("/"):
            return "an absolute name"
        if ".." in (part.rstrip(" ") for part in parts):
            return "a name that leaves its folder"
        if not all(part.strip(" .") for part in parts):
            return "an empty part in the name"
        if len(form.encode()) > _PATH_BYTES or any(len(part.encode()) > _NAME_BYTES for part in parts):
            return "a name that is too long"
    return ""


def _as_other_systems_see_it(path: str) -> str:
    """One spelling for names that Windows or macOS take for the same file."""
    parts = unicodedata.normalize("NFKC", path).casefold().split("/")
    return "/".join(part.rstrip(". ") for part in parts)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _is_archive(name: str, start: bytes) -> bool:
    if name.lower().endswith(_ARCHIVE_ENDINGS):
        return True
    return start.startswith(_ARCHIVE_STARTS) and not name.lower().endswith(_DOCUMENT_ENDINGS)
