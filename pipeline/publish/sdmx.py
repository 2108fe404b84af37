"""A release in SDMX: its structure and its observations, as SDMX-ML 2.1 and SDMX-CSV 2.0.

In: the release's rows as an Arrow table of OBSERVATION_SCHEMA, the declared sources. Out: a dictionary of file names and bytes:

    sdmx_structure.xml   concepts, code lists, data structure definition and dataflow (SDMX-ML 2.1 structure)
    sdmx_data.xml        every row, as series (SDMX-ML 2.1 structure-specific data)
    sdmx_data.csv        the same rows (SDMX-CSV 2.0)

The key of an observation gives the dimensions, `value` the measure, and every other column an attribute, so that a new column is
carried at once. The code lists hold the codes in use, marked as partial. pysdmx writes the structure. The data are written here,
by columns, because pysdmx's writer lets an apostrophe or a full-width space in a publisher's words break the message;
tests read both with pysdmx and sdmx1.

SDMX has no name for a stretch of months or a fiscal year, but a time range can say any of them: its first day, and its length
(`2025-01/2025-07` is `2025-01-01/P7M`, `2025-FY` is `2025-04-01/P1Y`). Such figures have a frequency of their own (FREQUENCIES),
so that a cumulative figure never stands in the series of a month or a year.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import reference
from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS
from pipeline.model import DIMENSIONS, NOT_APPLICABLE, TOTAL, FraudlossError, Period
from pipeline.publish.number_texts import exact_text
from pipeline.publish.package import CODES, COLUMNS, snapshot_for_text, text_for_csv
from pipeline.publish.texts import clean, plain_text
from pipeline.sources.catalogue import Source

if TYPE_CHECKING:
    from pysdmx.model import Codelist, Concept
    from pysdmx.model.message import Header

AGENCY = "FRAUDLOSS"
FLOW = "FRAUD_LOSS"
VERSION = "1.0"
FLOW_ID = f"{AGENCY}:{FLOW}({VERSION})"

# Our frequency -> the code and its words. One letter: a code of SDMX CL_FREQ 2.1. More: a time range, for which CL_FREQ has none.
FREQUENCIES: dict[str, tuple[str, str]] = {
    "annual": ("A", "annual"),
    "half_yearly": ("S", "half-yearly"),
    "quarterly": ("Q", "quarterly"),
    "monthly": ("M", "monthly"),
    "day": ("D", "one day"),
    "fiscal_year": ("FY", "fiscal year, April to March"),
    "year_to_date": ("YTD", "cumulative, from January to the end of a later month: never a month, a quarter or a year"),
    "span": ("SPAN", "another stretch of days or months, as printed"),
}

_RENAMED = {
    "frequency": "FREQ",
    "area": "REF_AREA",
    "unit": "UNIT_MEASURE",
    "period": "TIME_PERIOD",
    "value": "OBS_VALUE",
    "id": "OBS_ID",
}
_MEASURE = "value"
_DIMENSIONS = [*(name for name in KEY_COLUMNS if name != "period"), "period"]
_ATTRIBUTES = [name for name in OBSERVATION_COLUMNS if name not in (*_DIMENSIONS, _MEASURE)]
# Column -> its id in SDMX, in the order of SDMX-CSV.
COMPONENTS: dict[str, str] = {name: _RENAMED.get(name, name.upper()) for name in [*_DIMENSIONS, _MEASURE, *_ATTRIBUTES]}
# Attributes that say nothing where there is nothing to say.
_CONDITIONAL = frozenset({"absence", "precision", "derivation", "origin", "note"})
# Publishers' words: no code list.
_TEXTS = frozenset({"NATIVE_TYPE", "SNAPSHOT", "ORIGIN", "NOTE"})
_DECIMALS = ("value", "precision")
_CODED = frozenset({"frequency", "source", "table", "area", "fraud_type", "classification", *DIMENSIONS, *CODES}) & set(
    COMPONENTS
)
_NO_IDENTIFIER = re.compile(r"[^A-Za-z0-9_@$-]")
CSV_COLUMNS = ["STRUCTURE", "STRUCTURE_ID", "ACTION", *COMPONENTS.values()]


def _described(name: str) -> str:
    """A column in words, as the tidy CSVs describe it."""
    if name == "period":
        return "what the figure is about; a stretch of days or months is its first day and its length (2025-01-01/P7M)"
    return COLUMNS[name][1].partition("; the words are")[0]


_KINDS = {"overlay": "boolean", "known_at": "date", **dict.fromkeys(_DECIMALS, "number")}
# Of sdmx_data.csv, for the data package.
TABLE_SCHEMA: dict[str, Any] = {
    "fields": [
        *({"name": name, "type": "string"} for name in CSV_COLUMNS[:3]),
        *({"name": COMPONENTS[name], "type": _KINDS.get(name, "string"), "description": _described(name)} for name in COMPONENTS),
    ],
    "missingValues": [""],
    "primaryKey": "OBS_ID",
}

_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_WITHIN_ATTRIBUTES = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
_STRUCTURE_URN = f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={FLOW_ID}:ObsLevelDim:TIME_PERIOD"


def sdmx_files(table: pa.Table, *, sources: Sequence[Source], title: str, release_id: str, known_by: dt.date) -> dict[str, bytes]:
    """The three files. `table`: OBSERVATION_SCHEMA; `known_by`: the day that the messages' headers give as theirs.

    Raises FraudlossError where two rows have one key: SDMX would let the later overwrite the earlier.
    """
    texts = sdmx_columns(table)
    return {
        "sdmx_structure.xml": _structure(texts, sources, title, release_id, known_by),
        "sdmx_data.xml": _data_xml(texts, release_id, known_by),
        "sdmx_data.csv": _data_csv(texts),
    }


def time_period(period: Period) -> str:
    """The period as SDMX writes it: a Gregorian or reporting period where there is one, else a time range (first day, length)."""
    if period.frequency in ("annual", "half_yearly", "quarterly", "monthly", "day"):
        return period.code
    if period.frequency == "fiscal_year":
        return f"{period.start.isoformat()}/P1Y"
    if len(period.code.split("/")[0]) == len("2025-01"):
        return f"{period.start.isoformat()}/P{len(period.months)}M"
    return f"{period.start.isoformat()}/P{(period.end - period.start).days + 1}D"


# --------------------------------------------------------------------------------------------------------------- columns


def sdmx_columns(table: pa.Table) -> dict[str, pa.DictionaryArray]:
    """Every column of COMPONENTS as SDMX's text (null where there is nothing to say), by its id in SDMX."""
    return {sdmx_id: _text_column(name, table.column(name).combine_chunks()) for name, sdmx_id in COMPONENTS.items()}


def _text_column(name: str, column: pa.Array) -> pa.DictionaryArray:
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    words = [_sdmx_text(name, value) for value in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(words, pa.string()))


def _sdmx_text(name: str, value: Any) -> str | None:
    if name == "frequency":
        return FREQUENCIES[value][0]
    if name == "period":
        return time_period(Period.parse(value))
    if name == "snapshot":
        return snapshot_for_text(value)
    if isinstance(value, Decimal):
        return exact_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    return (_identifier(value) if name in _CODED else clean(value)) or None


def _identifier(code: str) -> str:
    """The code as SDMX may name it; a sign that its identifiers cannot hold is spelled by its code point (`a b` is `a_x20_b`)."""
    return _NO_IDENTIFIER.sub(lambda match: f"_x{ord(match[0]):X}_", code)


# ------------------------------------------------------------------------------------------------------------------ data


def _data_csv(texts: Mapping[str, pa.DictionaryArray]) -> bytes:
    columns = [_rendered(column, _csv_text if name in _TEXTS else _csv_field) for name, column in texts.items()]
    first = pa.array([f"dataflow,{FLOW_ID},I"] * len(columns[0]), pa.string())
    lines = pc.binary_join_element_wise(first, *columns, ",").to_pylist()
    return "\n".join([",".join(CSV_COLUMNS), *lines, ""]).encode()


def _csv_text(text: str) -> str:
    # As in the tidy CSVs: whoever opens this in a spreadsheet must not run a publisher's formula.
    return _csv_field(text_for_csv(text))


def _csv_field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _data_xml(texts: Mapping[str, pa.DictionaryArray], release_id: str, known_by: dt.date) -> bytes:
    """One <Series> for each key without its period, in the order in which they first come."""
    names = list(COMPONENTS.values())
    period = names.index("TIME_PERIOD")
    series, observations = _xml_attributes(texts, names[:period]), _xml_attributes(texts, names[period:])
    _require_one_row_a_key(series, _rendered(texts["TIME_PERIOD"], str))
    encoded = series.dictionary_encode()
    places = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(places, kind="stable")
    keys, lines = encoded.dictionary.to_pylist(), observations.take(pa.array(order)).to_pylist()
    parts: list[str] = []
    before = -1
    for place, line in zip(places[order].tolist(), lines, strict=True):
        if place != before:
            parts.append(f"{'</Series>' if parts else ''}\n<Series{keys[place]}>")
            before = place
        parts.append(f"<Obs{line}/>")
    if parts:
        parts.append("</Series>\n")
    return (_data_head(release_id, known_by) + "".join(parts) + "</mes:DataSet></mes:StructureSpecificData>\n").encode()


def _data_head(release_id: str, known_by: dt.date) -> str:
    return (
        f'{_XML}<mes:StructureSpecificData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:mes="{_SCHEMAS}/message" '
        f'xmlns:com="{_SCHEMAS}/common" xmlns:ss="{_SCHEMAS}/data/structurespecific" xmlns:ns1="{_STRUCTURE_URN}">'
        f"<mes:Header><mes:ID>{_message_id(release_id)}</mes:ID><mes:Test>false</mes:Test>"
        f'<mes:Prepared>{known_by.isoformat()}T00:00:00Z</mes:Prepared><mes:Sender id="{AGENCY}"/>'
        f'<mes:Structure structureID="{FLOW}" namespace="{_STRUCTURE_URN}" dimensionAtObservation="TIME_PERIOD">'
        f'<com:StructureUsage><Ref agencyID="{AGENCY}" id="{FLOW}" version="{VERSION}" class="Dataflow"/></com:StructureUsage>'
        "</mes:Structure></mes:Header>"
        f'<mes:DataSet ss:structureRef="{FLOW}" xsi:type="ns1:DataSetType" ss:dataScope="DataStructure" action="Information">'
    )


def _message_id(release_id: str) -> str:
    return f"{FLOW}_{release_id}"


def _rendered(column: pa.DictionaryArray, render: Callable[[str], str]) -> pa.Array:
    """What `render` makes of each value, called once for each distinct one; empty where the column is null."""
    words = ["" if value is None else render(value) for value in column.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(column.indices).fill_null("")


def _xml_attributes(texts: Mapping[str, pa.DictionaryArray], names: Sequence[str]) -> pa.Array:
    """` NAME="value"` of all these columns, one after the other; nothing for a null."""
    return pc.binary_join_element_wise(*(_rendered(texts[name], functools.partial(_xml_attribute, name)) for name in names), "")


def _xml_attribute(name: str, value: str) -> str:
    # A parser turns a line end within an attribute into a blank, unless it is written as a reference.
    return f' {name}="{escape(value, _WITHIN_ATTRIBUTES)}"'


def _require_one_row_a_key(series: pa.Array, periods: pa.Array) -> None:
    keys = pc.binary_join_element_wise(series, periods, " ")
    if pc.count_distinct(keys).as_py() == len(keys):
        return
    counted = pc.value_counts(keys).to_pylist()
    twice = [entry["values"] for entry in counted if entry["counts"] > 1]
    raise FraudlossError(
        f"{len(twice)} keys stand in two rows of the release, the first of them{twice[0]}: an observation has one key. Look for "
        "a dimension that the source's reader or crosswalk leaves out."
    )


# ------------------------------------------------------------------------------------------------------------- structure


def _structure(
    texts: Mapping[str, pa.DictionaryArray], sources: Sequence[Source], title: str, release_id: str, known_by: dt.date
) -> bytes:
    written = _written(_codes_in_use({name: pc.unique(column).to_pylist() for name, column in texts.items()}, sources))
    own = {_TITLE: clean(title), _message_id(_RELEASE): _message_id(release_id), _DAY.isoformat(): known_by.isoformat()}
    for stand_in, words in own.items():
        written = written.replace(stand_in, escape(words), 1)
    return written.encode()


# Column -> its codes in use, each with its label, Japanese label and definition.
CodesInUse = tuple[tuple[str, tuple[tuple[str, tuple[str, str, str]], ...]], ...]
# What stands in the place of the words of one release: at the head of the message, in front of anything that was declared.
_TITLE, _RELEASE, _DAY = "title-of-the-release", "id-of-the-release", dt.date(1900, 1, 1)


@functools.lru_cache(maxsize=64)
def _written(codes: CodesInUse) -> str:
    """The structure as pysdmx writes it. Kept, because a source's releases use the same codes month after month."""
    from pysdmx.io.xml.sdmx21.writer.structure import write

    return str(write(structure_artefacts(codes, _TITLE), header=_header(_RELEASE, _DAY), prettyprint=False))


def _codes_in_use(in_use: Mapping[str, Iterable[str | None]], sources: Sequence[Source]) -> CodesInUse:
    """`in_use`: codes by SDMX id."""
    found = []
    for name, sdmx_id in COMPONENTS.items():
        if name in _CODED:
            words = {_identifier(code): about for code, about in _words(name, sources).items()}
            found.append((name, tuple((code, words.get(code, ("", "", ""))) for code in sorted(filter(None, in_use[sdmx_id])))))
    return tuple(found)


def _header(release_id: str, known_by: dt.date) -> Header:
    from pysdmx.model import Organisation
    from pysdmx.model.message import Header

    prepared = dt.datetime.combine(known_by, dt.time(), tzinfo=dt.UTC)
    return Header(id=_message_id(release_id), prepared=prepared, sender=Organisation(id=AGENCY))


def structure_artefacts(codes: CodesInUse, title: str) -> list[Any]:
    """Code lists, concept scheme, data structure definition and dataflow, as pysdmx has them."""
    from pysdmx.model import (
        Component,
        Components,
        ConceptScheme,
        Dataflow,
        DataStructureDefinition,
        DataType,
        ItemReference,
        Role,
    )

    kinds = {
        "period": DataType.PERIOD,
        "known_at": DataType.DATE,
        "overlay": DataType.BOOLEAN,
        **dict.fromkeys(_DECIMALS, DataType.DECIMAL),
    }
    code_lists = {name: _code_list(name, COMPONENTS[name], dict(words)) for name, words in codes}
    concepts, components = [], []
    for name, sdmx_id in COMPONENTS.items():
        kind, listed = kinds.get(name, DataType.STRING), code_lists.get(name)
        concepts.append(_concept(name, sdmx_id, kind))
        is_attribute = name in _ATTRIBUTES
        components.append(
            Component(
                id=sdmx_id,
                required=name != _MEASURE and name not in _CONDITIONAL,
                role=Role.ATTRIBUTE if is_attribute else Role.MEASURE if name == _MEASURE else Role.DIMENSION,
                concept=ItemReference(sdmx_type="Concept", agency=AGENCY, id="CS_FRAUD_LOSS", version=VERSION, item_id=sdmx_id),
                local_dtype=None if listed else kind,
                local_codes=listed,
                attachment_level="O" if is_attribute else None,
            )
        )
    about: dict[str, Any] = {"agency": AGENCY, "version": VERSION}
    scheme = ConceptScheme(id="CS_FRAUD_LOSS", name="Concepts of fraud-loss statistics", items=concepts, **about)
    definition = DataStructureDefinition(id=FLOW, name="Fraud losses", components=Components(components), **about)
    return [*code_lists.values(), scheme, definition, Dataflow(id=FLOW, name=clean(title), structure=definition, **about)]


def _concept(name: str, sdmx_id: str, kind: Any) -> Concept:
    from pysdmx.model import Concept

    return Concept(id=sdmx_id, name=_described(name), dtype=kind)


def _code_list(name: str, sdmx_id: str, codes: Mapping[str, tuple[str, str, str]]) -> Codelist:
    """`codes`: code -> (label, Japanese label, definition)."""
    from pysdmx.model import Annotation, Code, Codelist

    items = [
        Code(
            id=code,
            name=clean(label) or code,
            description=clean(definition) or None,
            annotations=[Annotation(type="label_ja", title=label_ja)] if label_ja else (),
        )
        for code, (label, label_ja, definition) in sorted(codes.items())
    ]
    return Codelist(
        id=f"CL_{sdmx_id}", name=f"Codes in use: {name}", agency=AGENCY, version=VERSION, items=items, is_partial=True
    )


_EVERY_LIST = {TOTAL: ("total", "総数", ""), NOT_APPLICABLE: ("not applicable", "該当なし", "")}


def _words(name: str, sources: Sequence[Source]) -> dict[str, tuple[str, str, str]]:
    """Code -> (label, Japanese label, definition) of a coded column."""
    if name == "frequency":
        return {code: (words, "", "") for code, words in FREQUENCIES.values()}
    if name == "source":
        return {source.id: (source.title, str(source.meta.get("title_ja", "")), "") for source in sources}
    if name == "table":
        return _table_words(sources)
    if name == "classification":
        declared = [source.meta.get("classifications", {}) for source in sources]
        return {code: (plain_text(words), "", "") for listed in declared for code, words in listed.items()}
    if name == "fraud_type":
        kinds = reference.fraud_types().values()
        found = {kind.code: (kind.label, kind.label_ja, kind.definition) for kind in kinds}
        return _EVERY_LIST | found
    if name == "area" or name in DIMENSIONS:
        listed = reference.code_list(name).values()
        return _EVERY_LIST | {code.code: (code.label, code.label_ja, code.definition) for code in listed}
    return {code: (words, "", "") for code, words in CODES[name].items()}


def _table_words(sources: Sequence[Source]) -> dict[str, tuple[str, str, str]]:
    """The tables that several sources have under one name are one subject; the source that speaks first names it."""
    found: dict[str, tuple[str, str, str]] = {}
    for source in sources:
        for table in source.tables.values():
            found.setdefault(table.id, (table.title, table.title_ja, ""))
    return found
