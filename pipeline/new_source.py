"""The folder, suite, fixture and test of a new source, ready to fill.

In: an id and, if known, the dataset's title. Out: files under the repository, from the templates in `new_source_templates/`:

    pipeline/sources/<id>/__init__.py, crosswalk.csv, source.yml
    expectations/<id>.json                                           the common rules, bound to the example
    data/raw/inbox/<id>/deliveries.csv                               where sheets arrive; the header only
    tests/fixtures/<id>/example-release.csv                          two invented figures
    tests/test_source_<id>.py                                        those figures, the suite, and a damaged sheet

What comes out is a working example and passes its own test: whoever adds a publisher changes something that runs. Every place
that awaits a sentence holds one that begins with FILL_IN and says what belongs there: see `docs/adding-a-source.md`.
"""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.model import UsageError

TEMPLATES = Path(__file__).parent / "new_source_templates"
# How every sentence begins that stands in for one to be written: `grep -rn "Say here"` finds what is left to do.
FILL_IN = "Say here"
# A team that answers for sources already; the example's country and currency are those whose numerals the shared reader knows.
OWNER, COUNTRY, CURRENCY = "world-statistics", "JP", "JPY"

_ID = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_ID = 40
_PLACE = re.compile(r"\{\{(\w+)\}\}")
# In the order of writing. source.yml comes last: with it the source exists, and a run that was broken off before is no source.
_TARGETS: dict[str, str] = {
    "package.py.txt": "pipeline/sources/{{source_id}}/__init__.py",
    "crosswalk.csv.txt": "pipeline/sources/{{source_id}}/crosswalk.csv",
    "suite.json.txt": "expectations/{{source_id}}.json",
    "deliveries.csv.txt": "data/raw/inbox/{{source_id}}/deliveries.csv",
    "example-release.csv.txt": "tests/fixtures/{{source_id}}/example-release.csv",
    "test_source.py.txt": "tests/test_source_{{source_id}}.py",
    "source.yml.txt": "pipeline/sources/{{source_id}}/source.yml",
}


def write(source_id: str, repository: Path, *, title: str | None = None) -> list[Path]:
    """Write the files of the source `source_id` under `repository`. Gives their paths, in the order of writing.

    `title`: the dataset's title, one line; left out, a sentence asks for it. Raises UsageError, before anything is written, for
    a malformed id, an empty title, and a source or one of the files that is there already.
    """
    _check_id(source_id, repository)
    contents = {repository / path: content for path, content in _files(source_id, title).items()}
    if there := [path.relative_to(repository).as_posix() for path in contents if path.exists()]:
        raise UsageError(
            f"{source_id}: {', '.join(there)} is there already, and nothing is ever overwritten. "
            "Move it away or choose another id. No file was written."
        )
    # The store brings a heavy library along, and `--help` must not wait for it.
    from pipeline.store import Store

    store = Store(repository)
    for path, content in contents.items():
        store.write(path, content.encode())
    return list(contents)


def _check_id(source_id: str, repository: Path) -> None:
    if not _ID.fullmatch(source_id) or len(source_id) > _LONGEST_ID or keyword.iskeyword(source_id):
        raise UsageError(
            f"{source_id!r} is not an id of a source. Write at most {_LONGEST_ID} small letters, digits and single underscores, "
            "a letter first, the publisher before the dataset: npa_annual, ftc_csn, ic3."
        )
    sources = repository / "pipeline" / "sources"
    if not sources.is_dir():
        raise UsageError(f"{repository} is not the repository: it has no pipeline/sources.")
    if (sources / source_id).exists():
        raise UsageError(f"the source {source_id!r} is there already: change the files in pipeline/sources/{source_id}.")
    if (sources / f"{source_id}.py").exists():
        raise UsageError(f"{source_id!r} is the name of a module in pipeline/sources. Choose another id.")


def _files(source_id: str, title: str | None) -> dict[str, str]:
    """Path under the repository -> content."""
    values = {
        "source_id": source_id,
        # A JSON string is a YAML string too, whatever signs the title holds.
        "title": json.dumps(_title(title), ensure_ascii=False),
        "owner": OWNER,
        "country": COUNTRY,
        "currency": CURRENCY,
        **_column_lists(),
    }
    return {
        _filled(target, values): _filled((TEMPLATES / name).read_text(encoding="utf-8"), values)
        for name, target in _TARGETS.items()
    }


def _title(title: str | None) -> str:
    if title is None:
        return f"{FILL_IN} the title of the dataset"
    words = " ".join(title.split())
    if not words or not words.isprintable():
        raise UsageError(f"{title!r} is not a title. Write the dataset's name in one line, or leave --title out.")
    return words


def _column_lists() -> dict[str, str]:
    """The lists of columns in the suite, from the lists in force: a template of its own would fall behind them."""
    from pipeline.frames import KEY_COLUMNS
    from pipeline.validate.judged_frames import FRAME_COLUMNS

    return {"columns": _json_lines(FRAME_COLUMNS["observations"]), "key_columns": _json_lines(KEY_COLUMNS)}


def _json_lines(names: Iterable[str]) -> str:
    indent = " " * 12
    return textwrap.fill(", ".join(json.dumps(name) for name in names), 125, initial_indent=indent, subsequent_indent=indent)


def _filled(text: str, values: Mapping[str, str]) -> str:
    # In one pass, so that a title that looks like a place stays the text it is.
    return _PLACE.sub(lambda place: values[place[1]], text)
