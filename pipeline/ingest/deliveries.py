"""What lies in an inbox, and what is known about it.

In: `raw/inbox/<source>/` with its `deliveries.csv` (file, published, edition, extract, origin, note). Out: `Delivery`, and the
`Snapshot` that its bytes become; they are not read here.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from pathlib import Path

from pipeline.model import EDITIONS, FraudlossError, Snapshot, UsageError, day_known

LIST_NAME = "deliveries.csv"
PROVENANCE_NAME = "provenance.csv"
# Not asked of the machine: what it knows of endings differs from one to another, and stands in every release.
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
_COLUMNS = ["file", "published", "edition", "extract", "origin", "note"]


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A file that arrived, with what the one who brought it says about it."""

    path: Path
    published: str = ""  # a day, a month, a year, or empty: then `received` is the day from which the figures are known here
    received: dt.date | None = None
    edition: str = "unknown"
    extract: bool = False
    origin: str = ""
    note: str = ""


def in_inbox(folder: Path, received: dt.date) -> list[Delivery]:
    """Every file in the inbox folder, in the order of their names; `received` dates those that the list does not name.

    Raises FraudlossError, naming the line, for a list that is malformed or names a file that is not there.
    """
    if not folder.is_dir():
        return []
    listed = {delivery.path.name: delivery for delivery in _listed(folder)}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [
        listed.get(path.name) or Delivery(path=path, received=received, origin=f"delivered as {path.name}")
        for path in files
        if path.name not in (LIST_NAME, PROVENANCE_NAME)
    ]


def _listed(folder: Path) -> list[Delivery]:
    path = folder / LIST_NAME
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FraudlossError(f"{path}: found bytes that are not UTF-8 ({error}); expected UTF-8. Save the list again.") from error
    with io.StringIO(text, newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames != _COLUMNS:
            raise FraudlossError(f"{path}, row 1: found {reader.fieldnames}; expected {_COLUMNS}. Write that header.")
        return [_checked(folder, path, row_number, row) for row_number, row in enumerate(reader, start=2)]


def _checked(folder: Path, path: Path, row_number: int, row: dict[str, str]) -> Delivery:
    if set(row) != set(_COLUMNS) or None in row.values():
        raise FraudlossError(f"{path}, row {row_number}: found {len(row)} cells; expected {len(_COLUMNS)}. Write them all.")

    def wrong(column: str, expected: str) -> FraudlossError:
        return FraudlossError(f"{path}, row {row_number}, {column}: found {row[column]!r}; expected {expected}.")

    if not (folder / row["file"]).is_file():
        raise wrong("file", "a file that lies beside this list. Bring it, or take the line out")
    if row["edition"] not in EDITIONS:
        raise wrong("edition", f"one of {', '.join(EDITIONS)}")
    if row["extract"] not in ("true", "false"):
        raise wrong("extract", "true or false")
    try:
        day_known(row["published"])
    except UsageError as error:
        raise wrong("published", "2025-05-23, 2025-05 or 2025") from error
    return Delivery(
        path=folder / row["file"],
        published=row["published"],
        edition=row["edition"],
        extract=row["extract"] == "true",
        origin=row["origin"],
        note=row["note"],
    )


def snapshot_of(source_id: str, delivery: Delivery, sha256: str, size_bytes: int) -> Snapshot:
    """The snapshot that bytes of this sha256 and size are.

    Raises UsageError where neither a publication date nor a day of receipt is known.
    """
    if not delivery.published and delivery.received is None:
        raise UsageError(f"{delivery.path.name}: say when it was published (--published 2025-05-23, 2025-05 or 2025).")
    published_day = day_known(delivery.published) if delivery.published else None
    return Snapshot(
        source=source_id,
        id=sha256[:12],
        sha256=sha256,
        file=delivery.path.name,
        size_bytes=size_bytes,
        media_type=_MEDIA_TYPES.get(delivery.path.suffix.lower(), "application/octet-stream"),
        origin=delivery.origin,
        published=delivery.published,
        known_at=published_day or delivery.received or dt.date.min,
        retrospective=published_day is not None,
        edition=delivery.edition,
        extract=delivery.extract,
        note=delivery.note,
    )
