"""The CSV files of a delivery of records.

In: a zip of CSV files, or one CSV file. Out: its `Member`s with their bytes, in the order of their names. Raises RefusedInput
for what is no whole archive, holds no CSV file, or would be too large unpacked.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.model import refused

MAXIMUM_MEMBERS, MAXIMUM_MEMBER_BYTES, MAXIMUM_RATIO = 200, 1 << 30, 200


class Member(NamedTuple):
    """One file of a delivery."""

    name: str
    content: bytes


def csv_members(path: Path) -> list[Member]:
    """The CSV files of a zip in the order of their names, or the one CSV file itself. Raises RefusedInput.

    Bounded in number, size and ratio. Nothing is unpacked to disk, so a member's name cannot lead out of a folder.
    """
    if not zipfile.is_zipfile(path):
        if path.suffix.lower() == ".zip":
            raise refused(path.name, "the archive", "no whole zip archive", "a whole zip archive", "fetch the file again")
        return [Member(path.name, path.read_bytes())]
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")]
            _refuse_bomb(path.name, entries)
            members = [Member(Path(entry.filename).name, archive.read(entry)) for entry in entries]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise refused(path.name, "the archive", str(error), "a whole, unencrypted zip archive", "fetch the file again") from error
    tables = sorted(member for member in members if member.name.lower().endswith(".csv"))
    if not tables:
        names = ", ".join(member.name for member in members) or "nothing"
        raise refused(path.name, "the archive", names, "at least one .csv file", "see whether this is the right file")
    return tables


def _refuse_bomb(file: str, entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MAXIMUM_MEMBERS:
        raise refused(file, "the archive", f"{len(entries)} files", f"at most {MAXIMUM_MEMBERS}", "see what this file is")
    for entry in entries:
        if entry.file_size > MAXIMUM_MEMBER_BYTES or entry.file_size > MAXIMUM_RATIO * max(entry.compress_size, 1):
            raise refused(
                file,
                entry.filename,
                f"{entry.file_size} bytes from {entry.compress_size}",
                f"at most {MAXIMUM_MEMBER_BYTES} bytes and {MAXIMUM_RATIO} times the compressed size",
                "see what this file is; do not unpack it",
            )
