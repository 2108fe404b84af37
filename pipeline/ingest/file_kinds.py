"""What a file is by its bytes, what its name and its media type promise, and a safe name for it.

In: a path, a name, a header. Out: a kind (a key of `KIND_IN_WORDS`), or a file name that can be written anywhere. Imported by
whoever takes in files; refuses nothing by itself, except a zip that is not complete.
"""

from __future__ import annotations

import email.message
import re
import unicodedata
import urllib.parse
from pathlib import Path

from pipeline.ingest.archive import UNSAFE_IN_NAMES, ArchiveRules, open_zip

KIND_IN_WORDS = {
    "text": "text",
    "zip": "a zip",
    "xlsx": "an .xlsx workbook",
    "xls": "an .xls workbook",
    "pdf": "a PDF",
    "gzip": "a gzip file",
    "json": "JSON",
    "xml": "XML",
    "html": "an HTML page",
    "binary": "binary data",
}
# Endings and media types as the kinds that a file's own bytes can show. `text` is what a CSV is, seen from its bytes.
KIND_OF_ENDING = {
    "csv": "text",
    "tsv": "text",
    "txt": "text",
    "zip": "zip",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xls": "xls",
    "pdf": "pdf",
    "json": "json",
    "xml": "xml",
    "html": "html",
    "htm": "html",
    "gz": "gzip",
}
KINDS_OF_MEDIA_TYPE = {
    "text/csv": {"text"},
    "application/csv": {"text"},
    "text/tab-separated-values": {"text"},
    "text/plain": {"text", "json", "xml"},
    "text/html": {"html"},
    "application/xhtml+xml": {"html"},
    "application/json": {"json"},
    "application/xml": {"xml"},
    "text/xml": {"xml"},
    "application/pdf": {"pdf"},
    "application/zip": {"zip", "xlsx"},
    "application/x-zip-compressed": {"zip", "xlsx"},
    "application/gzip": {"gzip"},
    "application/x-gzip": {"gzip"},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"xlsx"},
    # Windows servers say this of a CSV as well.
    "application/vnd.ms-excel": {"xls", "xlsx", "text"},
}
_PAGE = re.compile(r"<!doctype html|<html\b|\A<(head|body|title|script|meta|div|p|h1|center)\b")
_NAME_BYTES = 120


def kind_of_name(name: str) -> str:
    """The kind that a name promises by its ending; empty where it promises none."""
    return KIND_OF_ENDING.get(Path(name).suffix[1:].lower(), "")


def kind_of(path: Path) -> str:
    """What a file is by its bytes: zip, xlsx, xls, pdf, gzip, html, xml, json, text, or binary.

    Raises RefusedInput for a file that begins like a zip and is no complete one.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        with open_zip(path, ArchiveRules(members=10_000)) as archive:
            names = set(archive.namelist())
        return "xlsx" if {"[Content_Types].xml", "xl/workbook.xml"} <= names else "zip"
    for signature, kind in ((b"%PDF-", "pdf"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"), (b"\x1f\x8b", "gzip")):
        if start.startswith(signature):
            return kind
    return _kind_of_text(start)


def _kind_of_text(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = start[: len(start) // 2 * 2].decode("utf-16", errors="replace")
    elif b"\x00" in start:
        return "binary"
    else:
        text = start.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    text = text.lstrip().lower()
    if text.startswith("<"):
        is_page = re.search(r"<!doctype html|<html\b", text) or re.match(
            r"<(head|body|title|script|meta|div|p|h1|center)\b", text
        )
        return "html" if is_page else "xml"
    return "json" if re.match(r'\{\s*["}]|\[\s*[\[{"]', text) else "text"


def file_name(disposition: str, *addresses: str) -> str:
    """A safe name for the file: the server's or that of an address, in this order, if it ends like a kind of file that we know.

    No separators, control characters, characters that file systems forbid, or dots in front; at most 120 bytes of UTF-8.
    """
    message = email.message.Message()
    message["Content-Disposition"] = disposition
    try:
        given = message.get_filename("")
    except (LookupError, ValueError):
        given = ""
    paths = [urllib.parse.unquote(urllib.parse.urlsplit(address).path) for address in addresses]
    names = [name for candidate in (given, *paths) if (name := _safe_name(candidate))]
    return next((name for name in names if kind_of_name(name)), names[0] if names else "download")


def _safe_name(name: str) -> str:
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join(sign for sign in last if unicodedata.category(sign) not in UNSAFE_IN_NAMES)
    kept = re.sub(r'[<>:"|?*\s]+', "_", kept.strip()).lstrip("._").rstrip("._ ")
    suffix = Path(kept).suffix
    suffix = suffix if len(suffix.encode()) <= 10 else ""
    stem = kept.removesuffix(suffix).encode()[: _NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return stem + suffix
