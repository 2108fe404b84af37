"""`fraudloss verify` names any file that was changed, added or taken away by hand, and finds nothing else."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import atomic, cli, steps
from pipeline.seals import parquet_bytes
from pipeline.store import Store
from pipeline.verification import verify
from tests import faults

# A file of each kind that lies under a data root; what is laid into the inbox is a delivery, whatever it is.
KINDS = [
    "raw/internet_banking/*/*.csv",
    "raw/internet_banking/*/snapshot.json",
    "raw/cafc/*/reports.csv",
    "processed/cases/source=cafc/*/month=*.parquet",
    "processed/observations/source=cafc/*.parquet",
    "processed/quarantine/source=cafc/*.parquet",
    "processed/current/cafc.parquet",
    "processed/aggregates/source=cafc/*.parquet",
    "processed/revisions/source=cafc/*.parquet",
    "processed/vintages/source=cafc/*.parquet",
    "processed/record_changes/source=cafc/*.parquet",
    "processed/manifests/cafc/*.json",
    "processed/manifests/cafc.json",
    "processed/validation/verdicts/cafc/*.json",
    "processed/validation/data_docs/index.html",
    "processed/validation/data_docs/cafc/*.html",
    "processed/validation/data_docs/manifest.json",
    "processed/releases/monthly/due.json",
    "processed/releases/monthly/*/current.json",
    "processed/releases/monthly/*/*/manifest.json",
    "processed/releases/monthly/*/*/index.html",
    "processed/releases/monthly/*/*/summary.xlsx",
    "processed/releases/monthly/*/*/*.csv",
    "processed/releases/monthly/*/*/observations.parquet",
    "processed/releases/monthly/*/*/datapackage.json",
    "processed/site/index.html",
    "processed/site/manifest.json",
    "processed/fetched/*.json",
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a file of each kind: figures and records, of which one is set aside."""
    root = tmp_path_factory.mktemp("published") / "data"
    faults.lay_inbox(root)
    faults.run(faults.FILES.sources, root)
    store = Store(root)
    (snapshot,) = store.snapshots("cafc")
    store.write_json(store.fetched_path("cafc"), {"https://example.org/a.csv": {"etag": '"1"', "snapshot": snapshot.id}})
    return root


@pytest.fixture
def root(published: Path, tmp_path: Path) -> Path:
    shutil.copytree(published, tmp_path / "data")
    return tmp_path / "data"


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_what_a_run_wrote_holds_and_every_file_was_looked_at(published: Path) -> None:
    found = verify(data=published)
    files = [path for path in published.rglob("*") if path.is_file() and not {"inbox", ".locks"} & set(path.parts)]
    assert (found.problems, found.checked) == ([], len(files))
    kinds = {path for pattern in KINDS for path in published.glob(pattern)}
    assert {path.parent.relative_to(published).parts[:2] for path in files} == {
        path.parent.relative_to(published).parts[:2] for path in kinds
    }


@pytest.mark.parametrize("pattern", KINDS)
def test_a_changed_byte_is_found_in_every_kind_of_file(root: Path, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = min(root.glob(pattern))
    change_a_byte(path)
    assert cli.main(["--data", str(root), "verify"]) == 1
    assert str(path) in capsys.readouterr().out


@pytest.mark.parametrize("pattern", [kind for kind in KINDS if "fetched" not in kind and "due.json" not in kind])
def test_a_file_that_is_gone_is_named_whatever_its_kind(root: Path, pattern: str) -> None:
    path = min(root.glob(pattern))
    path.unlink()
    named = path.parent if path.name in ("manifest.json", "snapshot.json") else path.stem
    assert any(str(named) in problem for problem in verify(data=root).problems)


def test_files_that_were_put_there_are_named_wherever_they_lie(root: Path) -> None:
    beside = {min(root.glob(pattern)).with_name("put-there-by-hand.parquet") for pattern in KINDS if "fetched" not in pattern}
    undeclared = {root / "raw" / "unknown_source" / "000000000000" / "a.csv", root / "processed" / "notes.txt"}
    for path in beside | undeclared:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(parquet_bytes(pa.table({"a": [1]})))
    problems = verify(data=root).problems
    assert {Path(problem.partition(": ")[0]) for problem in problems} == beside | undeclared
    assert all("lists it" in problem for problem in problems)


def remake_with(root: Path, path: Path, change: Callable[[dict], object]) -> None:
    """Change a record as somebody would who knows how it is sealed."""
    store = Store(root)
    record = store.read_json(path)
    assert record is not None
    change(record)
    path.unlink()
    store.write_json(path, record)


def test_rows_that_do_not_add_up_are_named_even_where_every_hash_holds(root: Path) -> None:
    path = min(root.glob("processed/validation/verdicts/cafc/*.json"))
    remake_with(root, path, lambda verdict: verdict.update(read=verdict["read"] + 1))
    (problem,) = verify(data=root).problems
    assert "153 records were read, 151 went on and 1 were set aside" in problem


def test_a_row_count_that_a_table_does_not_have_is_named(root: Path) -> None:
    path = min(root.glob("processed/manifests/cafc/*.json"))
    remake_with(root, path, lambda manifest: manifest["files"][0].update(rows=3))
    (problem,) = verify(data=root).problems
    assert "says 3" in problem


def test_a_record_that_was_exchanged_for_another_sealed_one_is_named(root: Path) -> None:
    one, two, *_ = sorted(root.glob("raw/*/*/snapshot.json"))
    shutil.copyfile(two, one)
    assert any(str(one) in problem and "is about" in problem for problem in verify(data=root).problems)


def test_a_pointer_to_a_release_that_is_not_there_is_named(root: Path) -> None:
    path = min(root.glob("processed/releases/monthly/*/current.json"))
    remake_with(root, path, lambda pointer: pointer.update(release_id="000000000000"))
    assert any("points to the release 000000000000" in problem for problem in verify(data=root).problems)


def test_what_was_changed_is_as_it_was_after_doing_what_is_said(root: Path, published: Path) -> None:
    made_here = [kind for kind in KINDS if kind.startswith("processed") and "fetched" not in kind]
    for pattern in made_here:
        change_a_byte(min(root.glob(pattern)))
    problems = verify(data=root).problems
    assert [problem for problem in problems if "run again" not in problem.lower()] == []
    for problem in problems:
        Path(problem.partition(": ")[0]).unlink(missing_ok=True)
    faults.run(faults.FILES.sources, root)
    assert verify(data=root).problems == []
    assert faults.tree(root) == faults.tree(published)


def test_what_a_killed_run_had_decided_counts_as_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    def dies_between_two_files(operation: str, path: Path) -> None:
        if operation == "rename" and path.name == "one":
            raise Killed

    store, folder = Store(root), root / "processed"
    monkeypatch.setattr(atomic, "before_change", dies_between_two_files)
    with contextlib.suppress(Killed), store.commit() as commit:
        commit.write(folder / "two", b"2")
        commit.write(folder / "one", b"1")
    monkeypatch.undo()
    assert not (folder / "one").exists()
    assert len(verify(data=root).problems) == 2  # both are known to be there, and no manifest lists them
    with store.lock("anything"):
        assert (folder / "one").read_bytes() == b"1"


def test_the_answer_can_be_read_by_a_program(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--data", str(root), "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    assert steps.build_data_docs(data=root) is False
