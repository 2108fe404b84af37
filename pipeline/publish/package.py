"""The machine's side of a release: tidy CSVs and the data package that describes every file.

In: the selected rows with their roles, findings, the declared sources. Out: bytes. A CSV cell that is text and looks like a
formula gets an apostrophe in front, so that a spreadsheet shows it instead of running it; numbers keep all their digits.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from pipeline.model import (
    ABSENCE,
    CONF_STATUS,
    DERIVATIONS,
    DIMENSIONS,
    EDITIONS,
    FREQUENCIES,
    MEASURES,
    OBS_STATUS,
    UNITS,
    Period,
)
from pipeline.publish.number_texts import exact_text
from pipeline.publish.roles import ROLES
from pipeline.publish.texts import clean, plain_text
from pipeline.sources.catalogue import Source

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_ABSENCES = tuple(code for code in ABSENCE if code)
_DERIVATIONS = tuple(code for code in DERIVATIONS if code)
CODES: dict[str, dict[str, str]] = {
    "role": ROLES,
    "measure": MEASURES,
    "unit": UNITS,
    "obs_status": OBS_STATUS,
    "conf_status": CONF_STATUS,
    "absence": {code: ABSENCE[code] for code in _ABSENCES},
    "edition": EDITIONS,
    "derivation": {code: DERIVATIONS[code] for code in _DERIVATIONS},
}

# Column -> (Table Schema type, description, list of codes where there is one). Order is the order in the files.
COLUMNS: dict[str, tuple[str, str, tuple[str, ...] | None]] = {
    "role": ("string", "part that the figure plays in this release", tuple(ROLES)),
    "family": ("string", "series that the figure belongs to; sources are compared within it", None),
    "leads": ("boolean", "whether this row leads where several publications print the figure", None),
    "source": ("string", "source, as listed under sources", None),
    "table": ("string", "table of the source", None),
    "frequency": ("string", "kind of period; cumulative figures are year_to_date", tuple(FREQUENCIES)),
    "period": ("string", "what the figure is about: 2025, 2025-S1, 2025-Q1, 2025-04, 2025-FY, 2025-01/2025-07, 2023-11-08", None),
    "area": ("string", "country or part of it, ISO 3166", None),
    "fraud_type": ("string", "common code of the fraud type; _T is the total", None),
    "native_type": ("string", "the publisher's own label of the fraud type; _T is the total", None),
    **{name: ("string", f"{words}; _T is the total", None) for name, words in DIMENSIONS.items()},
    "measure": ("string", "what is measured; the words are under `codes`", tuple(MEASURES)),
    "unit": ("string", "unit of the value; the words are under `codes`", tuple(UNITS)),
    "value": ("number", "the figure; empty exactly where absence says why", None),
    "precision": ("number", "half of the printed unit, or the largest error of a derived figure; empty where exact", None),
    "low": ("number", "value less precision", None),
    "high": ("number", "value plus precision", None),
    "obs_status": ("string", "SDMX CL_OBS_STATUS; the words are under `codes`", tuple(OBS_STATUS)),
    "conf_status": ("string", "SDMX CL_CONF_STATUS", tuple(CONF_STATUS)),
    "absence": ("string", "why there is no value; empty where there is one; the words are under `codes`", _ABSENCES),
    "classification": ("string", "scheme of types in force; figures under different schemes are not comparable", None),
    "overlay": ("boolean", "cuts across the other types: never to be added to them", None),
    "edition": ("string", "what the publication says of itself; the words are under `codes`", tuple(EDITIONS)),
    "derivation": ("string", "how it was made here; empty as printed; the words are under `codes`", _DERIVATIONS),
    "known_at": ("date", "the day from which the figure could be known", None),
    "snapshot": ("string", "`sha256:` and its first 12 digits, of the file that it was read from; of several joined by +", None),
    "origin": ("string", "file and cell", None),
    "note": ("string", "what must be known of this figure", None),
    "id": ("string", "identifier of the observation, for `fraudloss trace`", None),
}
_SNAPSHOTS = ("snapshot", "snapshot_before", "snapshot_after")
_NUMBERS = ("value", "precision", "low", "high")

DESCRIPTION = (
    "Observations of official fraud statistics with their absence codes, precision, edition and the address of every figure. "
    "Rows with overlay = true, of different classifications, of different families or of overlapping periods must not be added."
)
_MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "json": "application/json",
    "bib": "application/x-bibtex",
    "svg": "image/svg+xml",
    "sdmx_structure.xml": "application/vnd.sdmx.structure+xml;version=2.1",
    "sdmx_data.xml": "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "sdmx_data.csv": "application/vnd.sdmx.data+csv;version=2.0.0",
}


def media_type(name: str) -> str:
    """The media type of a file of a release, by its name or its ending."""
    return _MEDIA_TYPES.get(name) or _MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def text_for_csv(value: object) -> str:
    """Text that no spreadsheet takes for a formula, without control characters."""
    text = clean(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def snapshot_for_text(snapshot: str) -> str:
    """The id of a snapshot as CSV and SDMX hold it: of digits alone, it would be taken for a number."""
    return f"sha256:{snapshot}"


def table_csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns with the names of COLUMNS, all of one length, as UTF-8 CSV."""
    return columns_csv({name: columns[name] for name in COLUMNS})


def columns_csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns of one length as UTF-8 CSV, in their order; numbers are decimals, with all their digits."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(_csv_column(name, values) for name, values in columns.items()), strict=True))
    return stream.getvalue().encode()


def _csv_column(name: str, values: Sequence[Any]) -> list[str]:
    if name in _NUMBERS:
        return ["" if value is None else exact_text(value) for value in values]
    # Most columns say a few words over and over: each is made ready once.
    ready = {value: snapshot_for_text(value) if name == "snapshot" else _csv_text(value) for value in set(values)}
    return [ready[value] for value in values]


def _csv_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return exact_text(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return text_for_csv(value)


def checks_csv(findings: pd.DataFrame) -> bytes:
    """Findings of one kind as UTF-8 CSV, columns as they come."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(findings.columns)
    columns = [[_plain_value(name, value) for value in findings[name].tolist()] for name in findings.columns]
    writer.writerows(zip(*columns, strict=True))
    return stream.getvalue().encode()


def lines_csv(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    """Lines of these columns as UTF-8 CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain_value(name, value) for name, value in zip(columns, line, strict=True)] for line in lines)
    return stream.getvalue().encode()


def _plain_value(name: str, value: Any) -> str:
    if value is None or (not isinstance(value, str | Decimal) and pd.isna(value)):
        return ""
    if isinstance(value, Decimal):
        return exact_text(value)
    if name in _SNAPSHOTS and value:
        return snapshot_for_text(value)
    return _csv_text(value) if isinstance(value, bool) else text_for_csv(value)


def data_package(
    files: Mapping[str, bytes],
    *,
    title: str,
    period: Period,
    release_id: str,
    sources: Sequence[Source],
    check_columns: Mapping[str, Sequence[str]],
    schemas: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
) -> bytes:
    """`datapackage.json` (Frictionless Data Package 1) for the files given: name -> content.

    `check_columns`: the columns of the CSV files that do not hold observations, by name. `schemas`: the Table Schema of each CSV
    file that brings its own. All others share the one in `TABLE_SCHEMA_FILE`. `titles`: what each file is.
    """
    known = {name: _checks_schema(columns) for name, columns in check_columns.items()} | dict(schemas)
    resources = [_resource(name, files[name], titles[name], known.get(name, TABLE_SCHEMA_FILE)) for name in sorted(files)]
    package = {
        "profile": "data-package",
        "name": f"fraudloss-{period.frequency}-{period.code.lower()}",
        "id": release_id,
        "title": title,
        "description": DESCRIPTION,
        "codes": {**CODES, "classification": _classifications(sources)},
        "sources": [_source(source) for source in sources],
        "licenses": _licences(sources),
        "resources": resources,
    }
    return _json_bytes(package)


def _json_bytes(value: Any) -> bytes:
    """In one line: the standard library has an encoder in C for that alone."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _classifications(sources: Sequence[Source]) -> dict[str, str]:
    return {code: plain_text(words) for source in sources for code, words in source.meta.get("classifications", {}).items()}


def _source(source: Source) -> dict[str, str]:
    homepage = str(source.meta.get("homepage", ""))
    entry = {"title": plain_text(source.meta.get("attribution")) or source.title}
    return {**entry, "path": homepage} if homepage.startswith(("https://", "http://")) else entry


def _licences(sources: Sequence[Source]) -> list[dict[str, str]]:
    """Frictionless wants a name of word characters; the licence's own words are its title."""
    found: dict[str, dict[str, str]] = {}
    for source in sources:
        title = plain_text(source.meta.get("licence")) or "not stated"
        found.setdefault(title, {"name": f"licence-of-{source.id.replace('_', '-')}", "title": title})
    return list(found.values())


def _resource(name: str, content: bytes, title: str, schema: Mapping[str, Any] | str) -> dict[str, Any]:
    stem, _, ending = name.rpartition(".")
    entry: dict[str, Any] = {
        "name": f"{stem}-{ending}".lower().replace("_", "-"),
        "path": name,
        "title": title,
        "format": ending,
        "mediatype": media_type(name),
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if ending == "csv":
        return {**entry, "profile": "tabular-data-resource", "encoding": "utf-8", "schema": schema}
    return {**entry, "profile": "data-resource", "type": "file"}


def _field(name: str) -> dict[str, Any]:
    kind, description, codes = COLUMNS[name]
    entry: dict[str, Any] = {"name": name, "type": kind, "description": description}
    return {**entry, "constraints": {"enum": list(codes)}} if codes else entry


TABLE_SCHEMA: dict[str, Any] = {"fields": [_field(name) for name in COLUMNS], "missingValues": [""], "primaryKey": "id"}
# A release has up to twenty tables of these columns: their schema is a file of its own, as Data Package allows, named by each.
TABLE_SCHEMA_FILE = "table_schema.json"
TABLE_SCHEMA_BYTES = _json_bytes(TABLE_SCHEMA)


def _checks_schema(columns: Sequence[str]) -> dict[str, Any]:
    numbers = {"ours", "theirs", "difference", "tolerance", "allowed_difference"}
    numbers |= {"value_before", "value_after", "precision_before", "precision_after", "value", "precision", "place"}
    return {
        "fields": [{"name": name, "type": "number" if name in numbers else "string"} for name in columns],
        "missingValues": [""],
    }
