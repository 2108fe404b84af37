"""Imports run one way, stages do not know each other, and only the store writes under the data root."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PIPELINE = REPOSITORY / "pipeline"
STAGES = ("ingest", "validate", "aggregate", "publish")
# Each layer may import those after it, never those before it.
LAYERS = (
    ("cli",),
    ("verification", "quarantine", "new_source"),
    ("questions",),
    ("steps",),
    ("publishing",),
    ("vintages", "ledgers", "embargoes", "coverage"),
    STAGES,
    ("sources", "reference", "reading", "store", "data_root", "seals", "atomic", "code_version", "log", "executors", "collector"),
    ("frames", "run_period", "dag_tasks"),
    ("model",),
)
LAYER_OF = {name: place for place, names in enumerate(LAYERS) for name in names}
# Within the layer of shared parts, one order too: a source uses what readers share.
SHARED_ORDER = {
    "sources": 0,
    "reference": 1,
    "reading": 1,
    "store": 2,
    "data_root": 3,
    "seals": 3,
    "atomic": 3,
    "code_version": 2,
    "log": 2,
    "executors": 2,
    "collector": 2,
}


def modules() -> list[Path]:
    return sorted(path for path in PIPELINE.rglob("*.py") if path.name != "__init__.py" or path.parent != PIPELINE)


def package_of(path: Path) -> str:
    relative = path.relative_to(PIPELINE)
    return relative.parts[0].removesuffix(".py")


def imported_packages(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pipeline":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("pipeline.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PIPELINE).as_posix())
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    own = package_of(path)
    for other in imported_packages(path) - {own}:
        assert other in LAYER_OF, f"{other} is not in the layers: place it in LAYERS"
        if own in STAGES:
            assert other not in STAGES, f"{own} imports {other}: stages do not import each other"
        assert LAYER_OF[own] <= LAYER_OF[other], f"{own} imports {other}, which lies above it"
        if LAYER_OF[own] == LAYER_OF[other] and own in SHARED_ORDER:
            assert SHARED_ORDER[own] <= SHARED_ORDER[other], f"{own} imports {other}, which lies above it"


def imported_modules(path: Path, package: str) -> set[str]:
    """The modules of the package that the file imports by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
            found.add(node.module.rpartition(".")[2])
    return found


@pytest.mark.parametrize("package", ["ingest", "reading", "validate", "aggregate", "publish", "publishing"])
def test_within_a_package_imports_run_one_way(package: str) -> None:
    """In functions too: an import that waits for its turn hides a circle."""
    needs = {path.stem: imported_modules(path, f"pipeline.{package}") for path in modules() if package_of(path) == package}
    assert {other for others in needs.values() for other in others} <= set(needs)
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError, which names the circle


def test_every_module_says_what_it_is_for() -> None:
    for path in modules():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"


@pytest.mark.parametrize("module", ["pipeline.steps", "pipeline.cli", "pipeline.model", "pipeline.sources.catalogue"])
def test_importing_the_wiring_loads_no_heavy_library(module: str) -> None:
    program = (
        f"import sys, {module}; "
        "print(sorted({'pandas', 'pyarrow', 'great_expectations', 'numpy', 'altair'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_store_opens_files_for_writing() -> None:
    writing = {"write_bytes", "write_text", "mkdir", "to_parquet", "write_table"}
    writers = {
        path.relative_to(PIPELINE).as_posix()
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writing
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("store", "commit"))
    }
    # Beside the store: temporary folders outside the data root (a packed folder, an unpacked member, a fetched file, the
    # partitions of a ledger while they are streamed), and tables written into memory.
    temporary = {
        "ledgers.py",
        "frames.py",
        "seals.py",
        "reading/partitions.py",
        "reading/partition_writer.py",
        "ingest/transfer.py",
        "publish/release.py",
        "publish/package.py",
        "steps.py",
        "questions.py",
    }
    assert writers <= {"store.py", "atomic.py"} | temporary


def test_only_the_store_changes_the_disk_through_the_one_seam() -> None:
    users = {path.relative_to(PIPELINE).as_posix() for path in modules() if "atomic" in imported_packages(path)}
    assert users == {"store.py"}
