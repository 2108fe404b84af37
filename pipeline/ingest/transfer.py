"""The body of an answer as a file: counted, unpacked, hashed, and checked against all that was promised of it.

In: the head of an answer, its body, and a folder. Out: `Fetched`, whose file gets its name when everything about it was checked.
Raises AnswerRefused, after which the folder holds no file of ours.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.ingest.connections import Answer
from pipeline.ingest.fetch_errors import AnswerRefused, shown
from pipeline.ingest.fetch_rules import Validators
from pipeline.ingest.file_kinds import KIND_IN_WORDS, KIND_OF_ENDING, KINDS_OF_MEDIA_TYPE, file_name, kind_of, kind_of_name
from pipeline.model import RefusedInput


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A complete file. `path` lies in the caller's folder; `address` is where it came from after all redirects."""

    path: Path
    address: str
    media_type: str
    size_bytes: int
    sha256: str
    validators: Validators


_PIECE = 1 << 16


def received(answer: Answer, chunks: Iterable[bytes], into: Path) -> Fetched:
    """The body as a file, which gets its name when everything about it has been checked."""
    if answer.length is not None and answer.length > answer.hop.rules.max_bytes:
        raise _too_long(answer, f"a file of {answer.length:,} bytes")
    name = file_name(answer.headers.get("content-disposition", ""), answer.hop.asked, answer.hop.address)
    partial = into / f"{name}.partial"
    try:
        with partial.open("wb") as file:
            size, sha256 = _written(answer, chunks, file)
            file.flush()
            os.fsync(file.fileno())
        _require_promised(answer, partial, name, size, sha256)
        path = partial.replace(into / name)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(into)
    return Fetched(path, answer.hop.address, answer.media_type, size, sha256, answer.validators)


def _written(answer: Answer, chunks: Iterable[bytes], file: BinaryIO) -> tuple[int, str]:
    """Writes the unpacked body; its size and sha256. Every count is taken before the bytes are written."""
    size, digest = 0, hashlib.sha256()
    for piece in _unpacked(answer, _counted(answer, chunks)):
        size += len(piece)
        if size > answer.hop.rules.max_bytes:
            raise _too_long(answer, f"more than {answer.hop.rules.max_bytes:,} bytes")
        digest.update(piece)
        file.write(piece)
    return size, digest.hexdigest()


def _counted(answer: Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > answer.hop.rules.max_bytes:
            raise _too_long(answer, f"more than {answer.hop.rules.max_bytes:,} bytes")
        yield chunk
    if answer.length is not None and (received != answer.length or answer.stream.surplus(answer.length)):
        more = f"{received:,} bytes" if received != answer.length else f"more than {received:,} bytes"
        raise answer.refused(
            more,
            f"{answer.length:,}, as the server had said",
            "run again later; if it stays, tell the publisher that its server cuts the file off",
        )


def _unpacked(answer: Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The body without its content encoding, in bounded pieces: some servers pack what was asked for unpacked."""
    if answer.content_encoding in ("", "identity"):
        yield from chunks
    elif answer.content_encoding in ("gzip", "x-gzip"):
        yield from _gunzipped(answer, chunks)
    else:
        raise answer.refused(f"content encoding {shown(answer.content_encoding)}", "identity or gzip", "fetch the file by hand")


def _gunzipped(answer: Answer, chunks: Iterable[bytes]) -> Iterator[bytes]:
    def damaged(found: str) -> AnswerRefused:
        return answer.refused(found, "a complete gzip stream", "run again later; if it stays, fetch the file by hand")

    decoder = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            while chunk:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                yield decoder.decompress(chunk, _PIECE)
                chunk = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error as problem:
        raise damaged(f"gzip that cannot be unpacked ({problem})") from problem
    if not decoder.eof:
        raise damaged("gzip that ends too early")


def _too_long(answer: Answer, found: str) -> AnswerRefused:
    return answer.refused(
        found,
        f"at most {answer.hop.rules.max_bytes:,}",
        "look at what the address gives; if the file is right, raise the source's size limit",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_promised(answer: Answer, path: Path, name: str, size: int, sha256: str) -> None:
    """The file against what the server, its name and the source promised. Raises AnswerRefused."""
    promised_sha256 = answer.hop.rules.sha256.lower()
    if size == 0:
        raise answer.refused("an empty file", "a file with content", "run again later; if it stays, ask the publisher")
    if promised_sha256 and sha256 != promised_sha256:
        action = "find out whether the publisher has replaced the file; if so, enter the new sha256"
        raise answer.refused(f"a file of sha256 {sha256}", promised_sha256, action)
    try:
        kind = kind_of(path)
    except RefusedInput as problem:
        raise answer.refused(
            f"a zip whose directory is not there ({problem.found})", problem.expected, problem.action
        ) from problem
    by_hand = "open the address in a browser; if the file is right after all, bring it by hand"
    said = KINDS_OF_MEDIA_TYPE.get(answer.media_type)
    if said and kind not in said:
        raise answer.refused(KIND_IN_WORDS[kind], f"{answer.media_type}, as the server had said", by_hand)
    expected = _kinds_promised(answer, name)
    if expected and kind not in expected:
        words = " or ".join(sorted(KIND_IN_WORDS[kind] for kind in expected))
        raise answer.refused(KIND_IN_WORDS[kind], f"{words}, for {name}", by_hand)
    if not expected and kind == "html":
        raise answer.refused(KIND_IN_WORDS[kind], "a file of figures", by_hand)
    if not _is_provably_whole(answer, kind):
        raise answer.refused(
            "an answer without a length, whose end nothing shows",
            "Content-Length, or chunks",
            "enter the file's sha256 in source.yml, or bring the file by hand",
        )


def _kinds_promised(answer: Answer, name: str) -> set[str]:
    """By the source, else by the address that was asked for, else by the server's name: which excuses no HTML page."""
    if answer.hop.rules.expects:
        return {KIND_OF_ENDING[ending] for ending in answer.hop.rules.expects}
    asked = kind_of_name(urllib.parse.urlsplit(answer.hop.asked).path)
    return ({asked} if asked else {kind_of_name(name)} - {"html"}) - {""}


def _is_provably_whole(answer: Answer, kind: str) -> bool:
    """Without a length, a dropped connection looks like the end of the file, unless the file itself shows its end."""
    if answer.length is not None or "transfer-encoding" in answer.headers or answer.hop.rules.sha256:
        return True
    return kind in ("zip", "xlsx") or answer.content_encoding not in ("", "identity")
