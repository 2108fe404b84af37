"""The package installed elsewhere: a wheel holds all that the code reads, and works in a folder with nothing around it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.shipped import INBOX, REPOSITORY

pytestmark = pytest.mark.slow(seconds=40)
BIN = Path(sys.executable).parent
SHEET = INBOX / "npa_overseas" / "2024-05-23-annual-final-2023.csv"


def shipped_files() -> set[str]:
    """What belongs into a wheel, by its name there: every file of the package, and the suites within it."""
    inside = {f"pipeline/{path.relative_to(REPOSITORY / 'pipeline').as_posix()}" for path in files(REPOSITORY / "pipeline")}
    return inside | {f"pipeline/expectations/{path.name}" for path in files(REPOSITORY / "expectations")}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built through the source distribution, as whoever publishes it does, with the tools of this environment alone."""
    copy, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pipeline", "expectations"):
        shutil.copytree(REPOSITORY / name, copy / name)
    for name in ("pyproject.toml", "README.md", "requirements.in"):
        shutil.copy(REPOSITORY / name, copy)
    run([BIN / "uv", "build", "--no-build-isolation", "--offline", "--python", sys.executable, "--out-dir", made, copy], copy)
    (found,) = made.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    install = [BIN / "uv", "pip", "install", "--no-deps", "--offline", "--python", sys.executable, "--target", target, wheel]
    run(install, target)
    return target


def run(command: list[str | Path], folder: Path, code: int = 0, **more: str) -> str:
    """What the command says on both outputs. Its environment knows nothing of the repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FRAUDLOSS_", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**environment, **more}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def fraudloss(installed: Path, folder: Path, *arguments: str | Path, code: int = 0) -> str:
    return run([installed / "bin" / "fraudloss", *arguments], folder, code, PYTHONPATH=str(installed))


def spoken(data: Path) -> dict[str, str]:
    """Period -> id of the release that speaks."""
    pointers = sorted(data.glob("processed/releases/*/*/current.json"))
    return {path.parent.name: json.loads(path.read_text())["release_id"] for path in pointers}


def test_a_wheel_holds_every_file_of_the_package_and_the_suites(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert held == shipped_files()
    assert {Path(name).suffix for name in held} >= {".py", ".yml", ".csv", ".json", ".j2", ".js", ".po", ".txt"}


def test_an_installed_package_takes_in_and_publishes_what_a_checkout_does(installed: Path, tmp_path: Path) -> None:
    assert fraudloss(installed, tmp_path, "--help")
    told = [sys.executable, "-c", "import pipeline; print(pipeline.__file__)"]
    assert run(told, tmp_path, PYTHONPATH=str(installed)).startswith(str(installed))
    given = ["npa_overseas", SHEET, "--published", "2024-05-23", "--edition", "final"]
    fraudloss(installed, tmp_path, "--data", tmp_path / "away", "ingest", *given)
    fraudloss(installed, tmp_path, "--data", tmp_path / "away", "run")
    for command in (["ingest", *given], ["run"]):
        run([BIN / "fraudloss", "--data", tmp_path / "here", *command], tmp_path)
    assert spoken(tmp_path / "away") == spoken(tmp_path / "here") != {}
    (page,) = (tmp_path / "away").glob("processed/releases/annual/2023/*/index.ja.html")
    assert page.read_bytes() == (tmp_path / "here" / page.relative_to(tmp_path / "away")).read_bytes()


def test_an_installed_package_keeps_its_data_where_one_stands_and_says_what_it_cannot_do(installed: Path, tmp_path: Path) -> None:
    before = set(installed.rglob("*.json"))
    fraudloss(installed, tmp_path, "ingest", "npa_overseas", SHEET, "--published", "2024-05-23")
    assert len(list((tmp_path / "data" / "raw" / "npa_overseas").iterdir())) == 1
    refused = fraudloss(installed, tmp_path, "new-source", "another_one", code=2)
    assert "checkout of the repository" in refused
    assert "Traceback" not in refused
    assert set(installed.rglob("*.json")) == before
