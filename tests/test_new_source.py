"""`new-source` writes a working example and never overwrites; the walk-through in docs/adding-a-source.md does what it says."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline import new_source
from pipeline.ingest.deliveries import Delivery, in_inbox, snapshot_of
from pipeline.ingest.harmonise import harmonise
from pipeline.model import RefusedInput, UsageError
from pipeline.seals import sha256_of
from pipeline.sources import catalogue
from pipeline.validate.suites import load_suite
from pipeline.validate.verdict import judge

REPOSITORY = Path(__file__).parents[1]
DOCUMENT = REPOSITORY / "docs" / "adding-a-source.md"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with no sources."""
    (tmp_path / "pipeline" / "sources").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def written(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository whose only source is `xyz`, as written; the catalogue looks there."""
    new_source.write("xyz", repository)
    monkeypatch.setattr(catalogue, "SOURCES", repository / "pipeline" / "sources")
    cached = (catalogue.source, catalogue.source_ids)
    for function in cached:
        function.cache_clear()
    yield repository
    for function in cached:
        function.cache_clear()


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ----------------------------------------------------------------------------------------------------------- what is written


def test_it_writes_folder_suite_inbox_fixture_and_test_and_the_declarations_last(repository: Path) -> None:
    paths = new_source.write("xyz", repository)
    assert [path.relative_to(repository).as_posix() for path in paths] == [
        "pipeline/sources/xyz/__init__.py",
        "pipeline/sources/xyz/crosswalk.csv",
        "expectations/xyz.json",
        "data/raw/inbox/xyz/deliveries.csv",
        "tests/fixtures/xyz/example-release.csv",
        "tests/test_source_xyz.py",
        "pipeline/sources/xyz/source.yml",
    ]
    assert set(tree(repository)) == {path.relative_to(repository).as_posix() for path in paths}


def test_every_place_to_fill_in_says_what_belongs_there_and_none_is_a_marker(repository: Path) -> None:
    new_source.write("xyz", repository)
    texts = {name: content.decode() for name, content in tree(repository).items()}
    for name, text in texts.items():
        assert not re.search(r"TODO|FIXME|XXX|TBD|\{\{|\}\}", text), name
    declared = yaml.safe_load(texts["pipeline/sources/xyz/source.yml"])
    for key in ("title", "publisher", "licence", "attribution", "unit_of_count", "loss_concept", "date_basis", "coverage"):
        assert declared[key].startswith(f"{new_source.FILL_IN} "), key
    for name in ("source.yml", "crosswalk.csv"):
        assert new_source.FILL_IN in texts[f"pipeline/sources/xyz/{name}"]
    for name in ("expectations/xyz.json", "tests/test_source_xyz.py", "tests/fixtures/xyz/example-release.csv"):
        assert new_source.FILL_IN in texts[name]


def test_what_is_written_depends_on_the_id_and_the_title_alone(tmp_path: Path) -> None:
    trees = []
    for name in ("here", "there"):
        (tmp_path / name / "pipeline" / "sources").mkdir(parents=True)
        new_source.write("xyz", tmp_path / name, title="Fraud")
        trees.append(tree(tmp_path / name))
    assert trees[0] == trees[1]


@pytest.mark.parametrize("title", ["Losses: “fraud” #1", 'a "quoted" \\ title', "{{owner}}", "- [x]", "特殊詐欺", "yes", "1.0"])
def test_a_title_is_kept_sign_by_sign(repository: Path, title: str) -> None:
    new_source.write("xyz", repository, title=title)
    declared = yaml.safe_load((repository / "pipeline" / "sources" / "xyz" / "source.yml").read_text(encoding="utf-8"))
    assert declared["title"] == title


def test_the_generated_code_is_formatted_and_clean(repository: Path) -> None:
    for source_id in ("x", "a" * 40):
        new_source.write(source_id, repository)
    shutil.copy(REPOSITORY / "pyproject.toml", repository)
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([ruff, *arguments, "."], cwd=repository, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------------------------------------------- as written, it runs


def test_the_example_is_read_and_accepted_as_written(written: Path) -> None:
    declared = catalogue.source("xyz")
    sheet = written / "tests" / "fixtures" / "xyz" / "example-release.csv"
    snapshot = snapshot_of(
        "xyz", Delivery(sheet, published="2001-01-31", edition="final", extract=True), sha256_of(sheet), sheet.stat().st_size
    )
    observations = harmonise(importlib.import_module(declared.reader).read(sheet, snapshot, declared), snapshot, declared)
    assert [(row.fraud_type, row.measure, row.unit, row.value) for row in observations.itertuples()] == [
        ("_T", "cases", "cases", 12),
        ("OTH", "loss", "JPY", 3_456),
    ]
    suite = load_suite(written / "expectations" / "xyz.json")
    verdict = judge({"observations": observations}, suite, file=sheet.name, extract=True)
    assert not verdict.stopped, verdict.message()
    assert len(verdict.ok) == 2
    # The same suite on a figure of another source: it does judge.
    strange = observations.assign(table="another")
    assert judge({"observations": strange}, suite, file=sheet.name, extract=True).stopped


def test_the_inbox_is_well_formed_and_empty_so_that_nothing_invented_is_published(written: Path) -> None:
    folder = written / "data" / "raw" / "inbox" / "xyz"
    assert [path.name for path in folder.iterdir()] == ["deliveries.csv"]
    assert in_inbox(folder, received=None) == []


def test_a_label_that_the_crosswalk_does_not_know_is_refused_with_its_cell(written: Path, tmp_path: Path) -> None:
    declared = catalogue.source("xyz")
    sheet = tmp_path / "example.csv"
    text = (written / "tests" / "fixtures" / "xyz" / "example-release.csv").read_text(encoding="utf-8")
    sheet.write_text(text.replace(",Exampletype,", ",Another type,"), encoding="utf-8")
    snapshot = snapshot_of("xyz", Delivery(sheet, published="2001"), sha256_of(sheet), sheet.stat().st_size)
    with pytest.raises(RefusedInput, match=r"example.csv, C3: found 'Another type'"):
        importlib.import_module(declared.reader).read(sheet, snapshot, declared)


# ------------------------------------------------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    "source_id",
    ["", "Ic3", "3ic", "_ic3", "ic3_", "ic__3", "ic-3", "ic 3", "../ic3", "ic3/x", "ic3\n", "ｉｃ３", "詐欺", "class", "a" * 41],
)
def test_a_malformed_id_is_refused_and_nothing_is_written(repository: Path, source_id: str) -> None:
    with pytest.raises(UsageError, match="not an id of a source"):
        new_source.write(source_id, repository)
    assert tree(repository) == {}


@given(st.text(alphabet="aZ9_/.-\n\0\\ é", max_size=12))
def test_whatever_the_id_nothing_is_written_outside_its_places(source_id: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repository"
        (root / "pipeline" / "sources").mkdir(parents=True)
        with contextlib.suppress(UsageError):
            new_source.write(source_id, root)
        assert all(name.startswith("repository/") and source_id in name for name in tree(Path(folder)))


@pytest.mark.parametrize("title", ["", "  ", "\n", "bell\x07"])
def test_a_title_that_is_none_is_refused_and_nothing_is_written(repository: Path, title: str) -> None:
    with pytest.raises(UsageError, match="not a title"):
        new_source.write("xyz", repository, title=title)
    assert tree(repository) == {}


def test_a_source_that_is_there_already_is_refused_and_kept(repository: Path) -> None:
    new_source.write("xyz", repository)
    before = tree(repository)
    with pytest.raises(UsageError, match="there already"):
        new_source.write("xyz", repository, title="Another")
    assert tree(repository) == before


@pytest.mark.parametrize(
    "path",
    ["expectations/xyz.json", "tests/test_source_xyz.py", "data/raw/inbox/xyz/deliveries.csv", "pipeline/sources/xyz/README"],
)
def test_no_file_is_ever_overwritten_and_none_is_written_beside_it(repository: Path, path: str) -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_bytes(b"mine")
    with pytest.raises(UsageError, match="there already"):
        new_source.write("xyz", repository)
    assert tree(repository) == {path: b"mine"}


def test_the_name_of_a_module_of_the_catalogue_is_refused(repository: Path) -> None:
    (repository / "pipeline" / "sources" / "catalogue.py").write_bytes(b"")
    with pytest.raises(UsageError, match="name of a module"):
        new_source.write("catalogue", repository)


def test_a_folder_that_is_not_the_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the repository"):
        new_source.write("xyz", tmp_path)
    assert tree(tmp_path) == {}


# ----------------------------------------------------------------------------------------------------------- the walk-through


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of the document, with the file that is named on the line before it."""

    language: str
    text: str
    file: str
    line: int


def blocks(text: str) -> list[Block]:
    """The fenced blocks in their order."""
    found, file, opened, body = list[Block](), "", None, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if opened is None and line.startswith("```"):
            opened, body, start = line.removeprefix("```"), [], number
        elif opened is not None and line == "```":
            found.append(Block(opened, "".join(f"{part}\n" for part in body), file, start))
            opened, file = None, ""
        elif opened is not None:
            body.append(line)
        elif line.strip():
            named = re.fullmatch(r"`([^`\s]+)`:", line)
            file = named[1] if named else ""
    assert opened is None, "the last block of the document is never closed"
    return found


def hunks(block: Block) -> list[tuple[str, str]]:
    """(lines to replace, lines in their place) of a block of `-` and `+` lines."""
    pairs = re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", block.text, flags=re.MULTILINE)
    assert "".join(old + new for old, new in pairs) == block.text, (
        f"line {block.line}: `-` lines and then `+` lines, nothing else"
    )
    return [(re.sub("^-", "", old, flags=re.MULTILINE), re.sub(r"^\+", "", new, flags=re.MULTILINE)) for old, new in pairs]


class Walk:
    """Follows the document in the copy of the repository at `root`."""

    def __init__(self, root: Path) -> None:
        self.root, self.said = root, ""
        self.aside: list[tuple[str, subprocess.Popen[str]]] = []
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDLOSS_")} | {
            "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(root),
        }

    def follow(self, block: Block) -> None:
        where = f"{DOCUMENT.name}, line {block.line}"
        if block.language in ("yaml", "csv"):
            assert (self.root / block.file).parent.is_dir(), f"{where}: new-source made no folder for {block.file}"
            (self.root / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "diff":
            self.change(self.root / block.file, block, where)
        elif block.language == "sh":
            for command in block.text.splitlines():
                self.run(command, where)
        elif block.language == "json":
            self.check_rows(json.loads(block.text), where)
        else:
            assert block.language == "text", f"{where}: nobody knows what to do with a block of {block.language!r}"
            assert block.text.strip() in self.said, f"{where}: {self.said}"

    def change(self, path: Path, block: Block, where: str) -> None:
        text = path.read_text(encoding="utf-8")
        for old, new in hunks(block):
            assert text.count(old) == 1, f"{where}: {path.name} holds {text.count(old)} times\n{old}"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str, where: str) -> None:
        started = subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if "pytest" in command else None,
            text=True,
        )
        if "pytest" in command:
            # Nothing that follows waits for the source's own test, and it is a third of the whole time.
            self.aside.append((f"{where}: {command}", started))
        else:
            self.said = self.finished(f"{where}: {command}", started)

    def finished(self, what: str, started: subprocess.Popen[str]) -> str:
        said, _ = started.communicate()
        assert started.returncode == 0, f"{what}\n{said}"
        return said

    def end(self) -> None:
        for what, started in self.aside:
            assert re.search(r"\b[1-9]\d* passed", self.finished(what, started)), what

    def check_rows(self, promised: list[dict[str, object]], where: str) -> None:
        rows = json.loads(self.said)
        assert len(rows) == len(promised), f"{where}: {len(rows)} rows"
        assert [{name: row[name] for name in wanted} for row, wanted in zip(rows, promised, strict=True)] == promised, where


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    """A copy of what the document needs of the repository, with no file in any inbox."""
    (tmp_path / "data" / "raw" / "inbox").mkdir(parents=True)
    for folder in ("pipeline", "expectations"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for file in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    (tmp_path / "bin").mkdir()
    for name, start in (("fraudloss", f"exec {sys.executable} -m pipeline.cli"), ("python", f"exec {sys.executable}")):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\n{start} "$@"\n', encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    made = Walk(tmp_path)
    yield made
    for _, started in made.aside:
        started.kill()
        started.wait()


@pytest.mark.slow
def test_whoever_follows_the_walk_through_ends_with_a_published_page(walk: Walk, tmp_path: Path) -> None:
    for block in blocks(DOCUMENT.read_text(encoding="utf-8")):
        walk.follow(block)
    walk.end()
    (page,) = (tmp_path / "data" / "processed" / "releases" / "annual" / "2024").glob("*/index.html")
    text = page.read_text(encoding="utf-8")
    for promised in ("Internet Crime Complaint Center", "859,532", "not totals of fraud", "world-statistics"):
        assert promised in text
    held = {name for name, content in tree(tmp_path).items() if "ic3" in name and new_source.FILL_IN.encode() in content}
    assert held == set()


def test_the_walk_through_names_the_page_of_every_figure() -> None:
    sheets = [block for block in blocks(DOCUMENT.read_text(encoding="utf-8")) if block.text.startswith("period,")]
    rows = [row for sheet in sheets for row in csv.DictReader(sheet.text.splitlines())]
    assert len(rows) == 8
    assert all(row["source"].startswith("https://") for row in rows)


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (Block("json", '[{"value": 2}]', "", 1), "line 1"),
        (Block("json", "[]", "", 1), "1 rows"),
        (Block("text", "another word", "", 1), "line 1"),
        (Block("sh", "false", "", 1), "false"),
        (Block("csv", "a", "nowhere/a.csv", 1), "made no folder"),
        (Block("diff", "-two\n+three\n", "file.txt", 1), "holds 0 times"),
        (Block("diff", "-one\n one\n+two\n", "file.txt", 1), "nothing else"),
        (Block("ini", "a=1", "file.txt", 1), "nobody knows"),
    ],
)
def test_a_promise_that_the_document_does_not_keep_is_noticed(tmp_path: Path, block: Block, complaint: str) -> None:
    (tmp_path / "file.txt").write_text("one\n", encoding="utf-8")
    walk = Walk(tmp_path)
    walk.said = '[{"value": 1}]'
    with pytest.raises(AssertionError, match=complaint):
        walk.follow(block)
