"""A reader sees a whole file or none; nothing is written outside the data root; raw bytes are never changed unseen."""

import contextlib
import dataclasses
import errno
import hashlib
import multiprocessing
import os
import time
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import atomic
from pipeline.model import FraudlossError, Snapshot
from pipeline.seals import json_bytes, parquet_bytes, seal_holds
from pipeline.store import ChangedBytes, Store
from tests.figures import snapshot


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def taken_in(store: Store, kept: Snapshot, content: bytes) -> bool:
    """Take these bytes in as if they were those of the snapshot. True where they are new."""
    original = store.root / "delivered"
    original.write_bytes(content)
    return store.take_in(kept.source, original, lambda sha256, size_bytes: kept)[1]


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
    files = {"a.csv": b"1", "b.csv": b"2"}

    def no_space_for_the_second(operation: str, target: Path) -> None:
        if operation == "write" and target.name == "b.csv":
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "before_change", no_space_for_the_second)
    with pytest.raises(OSError, match="No space left"), store.commit() as commit:
        commit.write_release(path, files, {"release_id": "r1"})
    assert files_in(store.processed) == []
    monkeypatch.undo()
    with store.commit() as commit:
        commit.write_release(path, files, {"release_id": "r1"})
    assert files_in(path) == ["a.csv", "b.csv", "manifest.json"]
    assert store.release_is_whole(path)


def test_a_release_that_lost_a_file_gets_it_back_and_is_never_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.processed / "releases" / "r1"
    files = {"a.csv": b"1", "b.csv": b"2"}
    with store.commit() as commit:
        commit.write_release(path, files, {"release_id": "r1"})
    (path / "a.csv").unlink()
    assert not store.release_is_whole(path)
    seen = []
    monkeypatch.setattr(atomic, "before_change", lambda *_: seen.append({"b.csv", "manifest.json"} <= set(files_in(path))))
    with store.commit() as commit:
        commit.write_release(path, files, {"release_id": "r1"})
    assert store.release_is_whole(path)
    assert seen == [True] * len(seen) != []


def test_files_that_belong_together_change_together_or_not_at_all(store: Store) -> None:
    one, two, three = (store.processed / name for name in ("one", "two", "three"))
    store.write(three, b"old")
    with contextlib.suppress(KeyboardInterrupt), store.commit() as commit:
        commit.write(one, b"1")
        commit.remove(three)
        raise KeyboardInterrupt
    assert files_in(store.processed) == ["three"]
    with store.commit() as commit:
        commit.write(one, b"1")
        commit.write(two, b"2")
        commit.remove(three)
        assert files_in(store.processed / "one") == []
    assert sorted(path.name for path in store.processed.iterdir()) == ["one", "two"]


def test_a_record_shows_any_byte_that_was_changed(store: Store) -> None:
    path = store.processed / "record.json"
    store.write_json(path, {"b": 1, "a": {"seal": "x"}, "詐欺": [1, 2]})
    assert store.read_json(path) == {"b": 1, "a": {"seal": "x"}, "詐欺": [1, 2]}
    content = path.read_bytes()
    for place in range(len(content)):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert not seal_holds(changed), changed
    assert not seal_holds(content + b" ")
    path.write_bytes(content.replace(b"1", b"2", 1))
    with pytest.raises(ChangedBytes, match="Remove it and run again"):
        store.read_json(path)


def test_a_table_that_was_changed_by_hand_is_not_read(store: Store) -> None:
    with store.commit() as commit:
        entry = commit.write_table(store.processed / "t.parquet", pa.table({"a": [1]}))
    assert store.read_listed(entry) == parquet_bytes(pa.table({"a": [1]}))
    (store.processed / "t.parquet").write_bytes(parquet_bytes(pa.table({"a": [2]})))
    with pytest.raises(ChangedBytes, match=r"t\.parquet"):
        store.read_listed(entry)


def test_nothing_is_written_outside_the_data_root(store: Store) -> None:
    with pytest.raises(FraudlossError, match="outside the data root"):
        store.write(store.root / ".." / "elsewhere", b"1")


def test_bytes_are_kept_under_their_sha256_and_taken_in_once(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    assert taken_in(store, kept, b"1")
    assert not taken_in(store, kept, b"1")
    assert files_in(store.raw) == ["npa/abc/abc.csv", "npa/abc/snapshot.json"]
    assert store.snapshots("npa") == [kept]


def test_bytes_that_are_gone_are_taken_in_again_and_what_was_known_of_them_stays(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    taken_in(store, kept, b"1")
    (store.raw / "npa" / "abc" / "abc.csv").unlink()
    assert taken_in(store, dataclasses.replace(kept, file="other.csv", published="2026"), b"1")
    assert files_in(store.raw) == ["npa/abc/abc.csv", "npa/abc/snapshot.json"]
    assert store.snapshots("npa") == [kept]


def test_raw_bytes_changed_by_hand_are_refused_with_what_to_do(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    taken_in(store, kept, b"1")
    (store.raw / "npa" / "abc" / "abc.csv").write_bytes(b"2")
    with pytest.raises(FraudlossError, match="declare a correction"):
        store.raw_path(kept)


def test_a_file_is_copied_in_pieces_with_the_sha256_of_what_was_written(store: Store) -> None:
    original = store.root / "delivered"
    with original.open("wb") as stream:
        stream.truncate(64 << 20)
        stream.write(b"begin")
    described: list[tuple[str, int]] = []

    def describe(sha256: str, size_bytes: int) -> Snapshot:
        described.append((sha256, size_bytes))
        return dataclasses.replace(snapshot("abc", "2025-05-23"), sha256=sha256, size_bytes=size_bytes)

    tracemalloc.start()
    kept, is_new = store.take_in("npa", original, describe, sizes=())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert is_new
    assert peak < 8 << 20
    assert store.raw_path(kept).read_bytes() == original.read_bytes()
    assert described == [(hashlib.sha256(original.read_bytes()).hexdigest(), 64 << 20)]


def test_a_file_that_is_held_is_not_copied_again_whatever_is_thought_of_its_size(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = snapshot("abc", "2025-05-23")
    taken_in(store, kept, b"1")
    before = files_in(store.root)
    monkeypatch.setattr(atomic, "before_change", lambda operation, path: pytest.fail(f"{operation} {path}"))
    assert store.take_in("npa", store.root / "delivered", lambda *_: kept, sizes={1}) == (kept, False)
    monkeypatch.undo()
    assert store.take_in("npa", store.root / "delivered", lambda *_: kept, sizes=()) == (kept, False)
    assert files_in(store.root) == before


def test_what_a_killed_run_left_is_cleared_away_also_where_its_file_is_held(store: Store) -> None:
    kept = snapshot("abc", "2025-05-23")
    taken_in(store, kept, b"1")
    left = store.raw / atomic.STAGING / "1-1" / "copied-1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of ")
    assert not taken_in(store, kept, b"1")
    assert files_in(store.raw) == ["npa/abc/abc.csv", "npa/abc/snapshot.json"]


def test_a_disk_that_is_full_in_the_middle_of_a_large_file_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(original: Path, path: Path) -> atomic.Copied:
        path.write_bytes(b"half of ")
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(atomic, "_copy", full)
    with pytest.raises(OSError, match="no space"):
        taken_in(store, snapshot("abc", "2025-05-23"), b"1")
    assert files_in(store.raw) == []


def test_snapshots_come_in_the_order_in_which_they_speak_whatever_the_order_of_arrival(store: Store) -> None:
    late, early, amending = (
        snapshot("a1", "2026-01-01"),
        snapshot("b2", "2025-01-01"),
        snapshot("a0", "2025-01-01", extract=True),
    )
    for kept in (late, amending, early):
        taken_in(store, kept, kept.id.encode())
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
