"""A file that cannot be read exactly stops its own source and nothing else.

For each kind of damage, through the command: the error names file, cell, what was found, what was expected and what to do; the
exit code is 1; the other sources publish; what was published stays; the bytes are kept.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import cli, steps
from tests.grid_files import INBOX, Rows, set_cell, shipped_rows, text_at

pytestmark = pytest.mark.slow
FILE = "r07.csv"


def run(data: Path, *arguments: str) -> int:
    return cli.main(["--data", str(data), *arguments])


def tree(folder: Path) -> dict[str, str]:
    """Every file below the folder, with its sha256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root on which the annual book has been published."""
    data = tmp_path_factory.mktemp("published")
    shutil.copytree(INBOX / "npa_annual", data / "raw" / "inbox" / "npa_annual")
    assert run(data, "run") == 0
    return data


@pytest.fixture
def data(published: Path, tmp_path: Path) -> Path:
    """A copy of it, in whose inbox another source waits to be taken in."""
    copy = tmp_path / "data"
    shutil.copytree(published, copy)
    shutil.copytree(INBOX / "npa_victims", copy / "raw" / "inbox" / "npa_victims")
    return copy


def changed(change: Callable[[Rows], None]) -> bytes:
    """The shipped book with one change."""
    rows = shipped_rows("npa_annual", FILE)
    change(rows)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    return stream.getvalue().encode("cp932")


def shipped() -> bytes:
    return (INBOX / "npa_annual" / FILE).read_bytes()


def without_table(rows: Rows) -> None:
    start = next(place for place, row in enumerate(rows) if row[0].startswith("図表：２－３－６－２"))
    end = next(place for place, row in enumerate(rows) if row[0].startswith("図表：２－３－６－４"))
    del rows[start:end]


def with_type_twice(rows: Rows) -> None:
    place = next(place for place, row in enumerate(rows) if row[1] == "還付金詐欺")
    again = list(rows[place])
    again[5] = "1"
    rows.insert(place, again)


def with_contradicting_total(rows: Rows) -> None:
    assert text_at(rows, "N4") == "21043"
    set_cell("N4", "21044")(rows)


DAMAGE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "wrong encoding": (shipped().decode("cp932").encode("euc_jp", errors="ignore"), ("byte", "cp932")),
    "empty file": (b"", ("empty",)),
    "truncated file": (shipped()[: len(shipped()) // 2], ("cut off",)),
    "missing table": (changed(without_table), ("手口別特殊詐欺被害額",)),
    "renamed header": (changed(set_cell("A3", "年次")), ("A3", "年次")),
    "moved header": (changed(set_cell("F3", "")), ("F4",)),
    "unknown era": (changed(set_cell("O3", "X7")), ("O3", "X7")),
    "text where a number belongs": (changed(set_cell("K4", "多数")), ("K4", "多数")),
    "lost digits": (changed(set_cell("N33", "7.19E+10")), ("N33", "7.19E+10")),
    "a total that its parts contradict": (changed(with_contradicting_total), ("N4", "21044", "21043")),
    "a duplicate figure with another value": (changed(with_type_twice), ("還付金詐欺", "again")),
    "a file that is not what its name says": (b"PK\x03\x04 not a table", ("zip",)),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_bad_file_stops_its_own_source_and_nothing_else(kind: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, named = DAMAGE[kind]
    before = tree(data / "processed" / "releases")
    folder = data / "raw" / "inbox" / "npa_annual"
    (folder / FILE).write_bytes(content)
    listed = (folder / "deliveries.csv").read_text(encoding="utf-8").replace("r07.csv,2026-09-20", "r07.csv,2026-10-01")
    (folder / "deliveries.csv").write_text(listed, encoding="utf-8")

    assert run(data, "run") == 1
    said = capsys.readouterr().err
    assert FILE in said
    for words in (*named, "expected", "What to do"):
        assert words.lower() in said.lower(), f"{words!r} is not in the error:\n{said}"

    kept = data / "raw" / "npa_annual" / hashlib.sha256(content).hexdigest()[:12] / FILE
    assert kept.read_bytes() == content
    after = tree(data / "processed" / "releases")
    # What was released stays; which release speaks, the list of them, and what is due moves on with the good source.
    released = {name: sha256 for name, sha256 in before.items() if re.fullmatch(r"\w+/[^/]+/[0-9a-f]{12}/.+", name)}
    assert len(released) > 100
    assert {name: after.get(name) for name in released} == released
    victims = steps.view(data=data, of=["npa_victims"])
    assert len(victims) > 0
    manifests = {manifest["period"]: manifest for manifest in steps.current_manifests(data=data)}
    assert {item["source"] for item in manifests["2025"]["snapshots"]} == {"npa_annual", "npa_victims"}


def test_a_bad_file_is_refused_every_night_until_a_good_one_replaces_it(data: Path) -> None:
    folder = data / "raw" / "inbox" / "npa_annual"
    (folder / "late.csv").write_bytes(b"")
    assert run(data, "ingest", "npa_annual", str(folder / "late.csv"), "--published", "2026-10-01") == 1
    assert run(data, "validate", "npa_annual") == 1
    assert run(data, "validate", "npa_annual") == 1
    (folder / "late.csv").unlink()
    good = data / FILE
    good.write_bytes(shipped() + b"\r\n")
    assert run(data, "ingest", "npa_annual", str(good), "--published", "2026-10-02", "--edition", "final") == 0
    assert run(data, "validate", "npa_annual") == 0
