"""Collects every message that a page can show, and brings the catalogues of translations up to date.

In: the messages in the code and the templates of `pipeline/publish` (marked by `_`, `N_` and `ngettext`), and the English that is
declared elsewhere and shown on pages: the words of `pipeline.model`, the code lists of `pipeline.reference`, what `source.yml`,
the crosswalks, the corrections and the lists of published totals say of sources, what the shipped transcriptions note, the
register of tables, and the steps of derivation. Out: the
catalogues in `pipeline/publish/locale`, with new messages untranslated, unused ones gone, and every translation of what is left.

    python -m tools.messages

It names the messages that lack a translation and fails while there are any.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from pipeline import model, reference
from pipeline.aggregate.derive import steps_in_words
from pipeline.publish import languages, note_messages
from pipeline.publish.quality_indicators import INDICATORS
from pipeline.publish.register_entries import REGISTER
from pipeline.publish.texts import plain_text
from pipeline.sources import catalogue
from pipeline.sources.catalogue import Source

REPOSITORY = Path(__file__).parents[1]
PUBLISH = REPOSITORY / "pipeline" / "publish"
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "ngettext": (1, 2)}
# The extraction methods of Babel and Jinja for each kind of file.
METHODS = {".py": "python", ".j2": "jinja2.ext:babel_extract"}
WORD_LISTS = (
    "ABSENCE",
    "CHANGES",
    "CONF_STATUS",
    "DERIVATIONS",
    "DIMENSIONS",
    "EDITIONS",
    "MEASURES",
    "OBS_STATUS",
    "REASONS",
    "UNITS",
)
# What source.yml says of a source in sentences, beside its title and its tables.
SOURCE_TEXTS = (
    "publisher",
    "unit_of_count",
    "loss_concept",
    "date_basis",
    "threshold",
    "coverage",
    "calendar",
    "licence",
    "attribution",
    "caveats",
)

# A document of a publisher, `警察庁: TBS report`; what has an address is no description of ours.
NAMED_DOCUMENT = re.compile(r"[^A-Za-z:]+: (?!.*://).*[A-Za-z]{3} .*|[^A-Za-z:]+: .* [a-z]{2,}\b.*")
# What a transcription quotes stands in quotation marks; everything else that has English words is ours.
OUR_WORDS = re.compile(r"[^\"].*[A-Za-z]{2}")

Message = str | tuple[str, str]


def messages() -> dict[Message, set[str]]:
    """Every message (a pair of plural forms where it counts), with the files that it stands in."""
    found: dict[Message, set[str]] = {}
    for path in sorted(PUBLISH.rglob("*")):
        if path.suffix in METHODS:
            for message in _marked(path):
                found.setdefault(message, set()).add(path.relative_to(REPOSITORY).as_posix())
    for message, place in _declared():
        # What is in Japanese already, and what has no letters, needs no translation.
        if any(letter.isascii() and letter.isalpha() for letter in message) and not languages.is_japanese(message):
            found.setdefault(message, set()).add(place)
    return found


def _marked(path: Path) -> Iterator[Message]:
    with path.open("rb") as stream:
        options = {"trim_blocks": "true", "lstrip_blocks": "true"} if path.suffix == ".j2" else {}
        for _, message, _, _ in extract(METHODS[path.suffix], stream, KEYWORDS, options=options):
            yield message if isinstance(message, str) else (message[0], message[1])


def _declared() -> Iterator[tuple[str, str]]:
    for name in WORD_LISTS:
        yield from ((text, "pipeline/model.py") for code, text in getattr(model, name).items() if text)
    yield from ((text, "pipeline/aggregate/derive.py") for text in steps_in_words())
    for entry in REGISTER:
        told = [text for field in entry.fields for text in (field.words, field.reason)]
        yield from (
            (text, "pipeline/publish/register_entries.py") for text in (entry.title, entry.where, entry.lacking, *told) if text
        )
    for code, name, formula, defined, __, why in INDICATORS:
        texts = (name, formula, defined, why, code if " " in code else "")
        yield from ((text, "pipeline/publish/quality_indicators.py") for text in texts if text)
    yield from _reference()
    for source in catalogue.sources():
        place = f"pipeline/sources/{source.id}"
        yield from ((text, f"{place}/source.yml") for text in _source_texts(source))
        yield from ((text, f"{place}/crosswalk.csv") for text in _labels(source))
        yield from ((text, f"{place}/published_totals.csv") for text in _published(source))
        yield from ((text, f"{place}/corrections.csv") for text in _corrections(source))
    yield from ((text, "data/raw/inbox") for text in _shipped())


def _reference() -> Iterator[tuple[str, str]]:
    place = "pipeline/reference"
    kinds: list[tuple[str, Iterable[Any]]] = [(f"{place}/fraud_types.csv", reference.fraud_types().values())]
    kinds += [(f"{place}/codes.csv", reference.code_list(name).values()) for name in model.DIMENSIONS]
    kinds += [(f"{place}/facets.csv", reference.code_list(name).values()) for name in reference.FACETS]
    kinds.append((f"{place}/areas.csv", reference.code_list(reference.AREA).values()))
    facets = sorted({row["facet"] for row in _rows(REPOSITORY / place / "comparability.csv")})
    kinds += [(f"{place}/comparability.csv", reference.comparability_words(facet).values()) for facet in facets]
    for file, codes in kinds:
        for code in codes:
            yield from ((text, file) for text in (code.definition, *([] if code.label_ja else [code.label])) if text)
    for item in reference.series():
        # The address of a file in somebody's repository is the same in every language.
        told = [text for text in (item.source, item.first, item.last) if " " in text and not re.match(r"\S+/\S+:", text)]
        yield from ((text, f"{place}/{item.file}") for text in told)


def _source_texts(source: Source) -> Iterator[str]:
    meta = source.meta
    if not meta.get("title_ja"):
        yield source.title
    for name in SOURCE_TEXTS:
        value = meta.get(name)
        for item in value if isinstance(value, list) else [value]:
            if text := plain_text(item):
                yield text
    yield from (table.title for table in source.tables.values() if not table.title_ja)
    yield from map(plain_text, meta.get("classifications", {}).values())
    yield from (plain_text(item["note"]) for item in meta.get("figure_notes", ()))
    if late := meta.get("late_reports"):
        yield plain_text(late["warning"])
    for entry in (*source.breaks, *meta.get("overlays", ())):
        yield from (text for name in ("reason", "evidence") if (text := plain_text(entry.get(name))))


def _labels(source: Source) -> Iterator[str]:
    path = source.folder / "crosswalk.csv"
    if path.is_file():
        yield from (
            row["native_code"] for row in _rows(path) if row["dimension"] == "fraud_type" and row["native_code"].isascii()
        )


def _published(source: Source) -> Iterator[str]:
    path = source.folder / "published_totals.csv"
    if path.is_file():
        for row in _rows(path):
            # Of a column and its value (`state=Ohio`) the value is shown.
            parts = [part if "!" in part else part.rpartition("=")[2] for part in re.split("; ?", row["breakdown"])]
            parts = [part for part in parts if not part[:4].isdigit()]
            yield from (text for text in (row["reason"], *parts) if text)


def _corrections(source: Source) -> Iterator[str]:
    path = source.folder / "corrections.csv"
    if path.is_file():
        yield from (clause for row in _rows(path) for clause in row["reason"].split("; "))


def _shipped() -> Iterator[str]:
    """What the transcriptions that are shipped note in our words, clause by clause, and what they call the documents."""
    for path in sorted((REPOSITORY / "data" / "raw" / "inbox").glob("*/*.csv")):
        if path.name == "deliveries.csv":
            yield from (row["origin"] for row in _rows(path) if NAMED_DOCUMENT.fullmatch(row["origin"]))
        elif b",note," in path.read_bytes().partition(b"\n")[0]:
            clauses = (clause for row in _rows(path) for clause in row["note"].split("; "))
            yield from (clause for clause in clauses if OUR_WORDS.match(clause) and not note_messages.is_made_of_parts(clause))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def updated(language: str, known: Catalog, found: Mapping[Message, Iterable[str]]) -> Catalog:
    """The catalogue of the language with exactly the messages that were found, and the translations that were known."""
    made = Catalog(
        locale=language,
        domain=languages.DOMAIN,
        project="fraudloss",
        header_comment="# What the pages say, in Japanese. `python -m tools.messages` brings this file up to date.\n#",
        fuzzy=False,
        creation_date=dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
        revision_date=dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
        last_translator="fraudloss",
        language_team=languages.LANGUAGES[language],
    )
    for message, places in sorted(found.items(), key=lambda item: (sorted(item[1])[0], str(item[0]))):
        old = known.get(message)
        made.add(
            message,
            old.string if old else "" if isinstance(message, str) else ("",),
            locations=[(place, 0) for place in sorted(places)],
        )
    return made


def written(catalog: Catalog) -> bytes:
    """The catalogue as a .po file."""
    stream = io.BytesIO()
    write_po(stream, catalog, width=120, include_lineno=False)
    return stream.getvalue()


def read(language: str) -> Catalog:
    """The catalogue as it lies there; an empty one where there is none."""
    path = languages.catalogue_path(language)
    if not path.is_file():
        return Catalog(locale=language, domain=languages.DOMAIN)
    with path.open("rb") as stream:
        return read_po(stream, locale=language)


def lacking(catalog: Catalog) -> list[str]:
    """The messages without a translation."""
    return [str(message.id) for message in catalog if message.id and not all(_forms(message.string))]


def _forms(string: str | tuple[str, ...] | list[str] | None) -> Iterable[str]:
    return string if isinstance(string, tuple | list) else [string or ""]


def main() -> int:
    """Rewrites the catalogues. 0 where every message is translated."""
    found, failed = messages(), 0
    for language in languages.LANGUAGES:
        if language == languages.ENGLISH:
            continue
        made = updated(language, read(language), found)
        path = languages.catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(made))
        without = lacking(made)
        print(f"{path.relative_to(REPOSITORY)}: {len(found)} messages, {len(without)} without a translation")
        for message in without:
            print(f"  {message}")
        failed += len(without)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
