"""A reader sees a whole file or none; nothing is written outside the data root; raw bytes are never changed unseen."""

import errno
import multiprocessing
import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.model import FraudlossError
from pipeline.store import Store, json_bytes, parquet_bytes
from tests.figures import snapshot


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_written_once_and_the_same_bytes_are_not_written_again(store: Store) -> None:
    path = store.processed / "a" / "b.json"
    assert store.write(path, b"1")
    before = path.stat().st_mtime_ns
    assert not store.write(path, b"1")
    assert path.stat().st_mtime_ns == before
    assert store.write(path, b"2")


def test_a_full_disk_leaves_the_old_file_and_no_remains(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.processed / "b.json"
    store.write(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert files_in(store.processed) == ["b.json"]


def test_a_folder_appears_whole_with_its_manifest_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.processed / "releases" / "r1"
    calls = iter([None, None, OSError(errno.ENOSPC, "No space left on device")])
    real = os.fsync

    def failing_third(descriptor: int) -> None:
        if (error := next(calls, None)) is not None:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing_third)
    with pytest.raises(OSError, match="No space left"):
        store.write_folder(path, {"a.csv": b"1", "b.csv": b"2"}, b"{}")
    assert files_in(store.processed) == []
    monkeypatch.setattr(os, "fsync", real)
    store.write_folder(path, {"a.csv": b"1", "b.csv": b"2"}, b"{}")
    assert files_in(path) == ["a.csv", "b.csv", "manifest.json"]


def test_what_a_killed_run_left_is_swept_before_the_next_one_writes(store: Store) -> None:
    remains = store.processed / "releases" / ".partial-1-r1"
    remains.mkdir(parents=True)
    (remains / "a.csv").write_bytes(b"half")
    store.sweep(remains.parent)
    assert files_in(store.processed) == []


def test_nothing_is_written_outside_the_data_root(store: Store) -> None:
    with pytest.raises(FraudlossError, match="outside the data root"):
        store.write(store.root / ".." / "elsewhere", b"1")


def test_bytes_are_kept_under_their_sha256_and_taken_in_once(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    assert store.put_snapshot(kept, b"1")
    assert not store.put_snapshot(kept, b"1")
    assert files_in(store.raw) == ["npa/abc/abc.csv", "npa/abc/snapshot.json"]
    assert store.snapshots("npa") == [kept]


def test_raw_bytes_changed_by_hand_are_refused_with_what_to_do(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    store.put_snapshot(kept, b"1")
    (store.raw / "npa" / "abc" / "abc.csv").write_bytes(b"2")
    with pytest.raises(FraudlossError, match="declare a correction"):
        store.raw_path(kept)


def test_snapshots_come_in_the_order_in_which_they_speak_whatever_the_order_of_arrival(store: Store) -> None:
    late, early, amending = (
        snapshot("a1", "2026-01-01"),
        snapshot("b2", "2025-01-01"),
        snapshot("a0", "2025-01-01", extract=True),
    )
    for kept in (late, amending, early):
        store.put_snapshot(kept, kept.id.encode())
    assert [kept.id for kept in store.snapshots("npa")] == ["b2", "a0", "a1"]


def _hold(root: Path, held: "multiprocessing.synchronize.Event", seconds: float) -> None:
    with Store(root).lock("release", "annual", "2025"):
        held.set()
        time.sleep(seconds)


def test_two_writers_of_one_period_wait_for_each_other(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    held = context.Event()
    other = context.Process(target=_hold, args=(store.root, held, 0.3))
    other.start()
    assert held.wait(10)
    before = time.monotonic()
    with store.lock("release", "annual", "2025"):
        waited = time.monotonic() - before
    other.join()
    assert waited > 0.1


def test_the_same_table_and_record_give_the_same_bytes() -> None:
    table = pa.table({"a": ["x", "y"], "b": [1, 2]})
    assert parquet_bytes(table) == parquet_bytes(table.replace_schema_metadata({"written": "now"}))
    assert json_bytes({"b": 1, "a": "詐欺"}) == json_bytes({"a": "詐欺", "b": 1})
