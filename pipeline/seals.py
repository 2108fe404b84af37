"""Bytes that depend on their content alone, and how a record says what they are.

In: records, tables, the bytes of files. Out: JSON and Parquet whose bytes are the same wherever and whenever they are made; the
sha256 and size by which a manifest lists a file; records that carry a seal, the sha256 of their own bytes, so that no byte of
them can be changed unseen.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_UNSEALED = "0" * 64
_SEAL = re.compile(rb'^ "seal": "([0-9a-f]{64})"', re.MULTILINE)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def json_bytes(record: Any) -> bytes:
    """The record as JSON whose bytes depend on its content alone."""
    return (json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def sealed(record: Mapping[str, Any]) -> bytes:
    """The record as JSON with one more member, `seal`: the sha256 of these bytes with 64 zeros in its place."""
    content = json_bytes({**record, "seal": _UNSEALED})
    return _SEAL.sub(f' "seal": "{hashlib.sha256(content).hexdigest()}"'.encode(), content, count=1)


def seal_holds(content: bytes) -> bool:
    """Whether these bytes are a sealed record in which no byte was changed."""
    seal = _SEAL.search(content)
    unsealed = _SEAL.sub(f' "seal": "{_UNSEALED}"'.encode(), content, count=1)
    return seal is not None and hashlib.sha256(unsealed).hexdigest().encode() == seal[1]


def file_entry(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet whose bytes depend on its content alone (zstd, dictionaries on text)."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd", compression_level=3)
    return sink.getvalue().to_pybytes()
