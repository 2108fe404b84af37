"""What was made by other code is made again, and nothing else."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import code_version


def forget() -> None:
    code_version.code_version.cache_clear()
    code_version._writers.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package, whose code is the one that counts."""
    copy = tmp_path / "pipeline"
    shutil.copytree(code_version._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    forget()
    monkeypatch.setattr(code_version, "_PACKAGE", copy)
    yield copy
    forget()


def changed(package: Path, name: str) -> None:
    (package / name).write_bytes((package / name).read_bytes() + b"\n")
    forget()


def test_the_same_code_has_the_same_version_wherever_it_lies(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = code_version.of_publication(["cafc", "npa_annual"])
    monkeypatch.undo()
    forget()
    assert code_version.of_publication(["npa_annual", "cafc", "cafc"]) == copied


def test_what_is_declared_of_a_source_concerns_that_source_alone(package: Path) -> None:
    before = [code_version.of_source(name) for name in ("cafc", "npa_annual")]
    changed(package, "sources/cafc/source.yml")
    after = [code_version.of_source(name) for name in ("cafc", "npa_annual")]
    assert (before[0] != after[0], before[1] != after[1]) == (True, False)


@pytest.mark.parametrize("name", ["publish/templates/release.html.j2", "publish/locale/ja/LC_MESSAGES/fraudloss.po"])
def test_another_page_or_translation_is_another_release_of_the_same_view(package: Path, name: str) -> None:
    before = code_version.of_view("cafc"), code_version.of_publication(["cafc"])
    changed(package, name)
    assert code_version.of_view("cafc") == before[0]
    assert code_version.of_publication(["cafc"]) != before[1]


def test_another_version_of_a_library_that_writes_is_other_code(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_version.of_view("cafc"), code_version.of_publication(["cafc"])
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.1" if name == "xlsxwriter" else real(name))
    forget()
    assert code_version.of_view("cafc") == before[0]
    assert code_version.of_publication(["cafc"]) != before[1]
