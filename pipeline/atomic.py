"""Changes to a folder tree that happen all together or not at all, and the locks between processes.

In: a tree (`data/raw`, `data/processed`), and bytes for paths below it, or files to be copied there in pieces. Out: those files,
each whole. Only the store uses this.

A commit is prepared in `<tree>/.partial/<process>-<number>/`: every new file is written and synced there. When more than one
thing changes, a journal says what goes where; once it is there the commit holds, and whoever comes next finishes what a killed
process left (`recover`). Without a journal nothing has happened, and what was prepared is cleared away. Whether the process of a
commit still lives is told by the lock that it holds on its folder, never by its number.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

STAGING = ".partial"
_JOURNAL, _LOCK = "journal.json", "lock"
_PIECE_BYTES = 1 << 20


def _let_it_happen(operation: str, path: Path) -> None:
    """What normally stands before a change of the disk: nothing."""


# The seam through which every change of the disk goes: (what is about to happen, to which path). Tests kill the process here,
# fill the disk here, and take files away here.
before_change: Callable[[str, Path], None] = _let_it_happen


def _write(path: Path, content: bytes) -> None:
    before_change("write", path)
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@dataclasses.dataclass(frozen=True)
class Copied:
    """A file that was copied to where a commit is prepared: what it holds, whatever becomes of the original."""

    path: Path
    sha256: str
    size_bytes: int


def _copy(original: Path, path: Path) -> Copied:
    """Copy in pieces and hash what is written, so that memory does not grow with the file and it is read once."""
    before_change("write", path)
    digest, size = hashlib.sha256(), 0
    with original.open("rb") as source, path.open("wb") as stream:
        while piece := source.read(_PIECE_BYTES):
            digest.update(piece)
            stream.write(piece)
            size += len(piece)
        stream.flush()
        os.fsync(stream.fileno())
    return Copied(path, digest.hexdigest(), size)


def _place(path: Path, content: bytes | Copied) -> None:
    """Write the bytes, or move what was copied."""
    if isinstance(content, bytes):
        _write(path, content)
    else:
        _rename(content.path, path)


def _rename(path: Path, target: Path) -> None:
    before_change("rename", target)
    path.replace(target)


def _remove(path: Path) -> None:
    before_change("remove", path)
    path.unlink(missing_ok=True)


def _make_folder(path: Path) -> None:
    if not path.is_dir():
        before_change("make folder", path)
        path.mkdir(parents=True, exist_ok=True)


def _clear(folder: Path) -> None:
    before_change("clear", folder)
    shutil.rmtree(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ----------------------------------------------------------------------------------------------------------------- locks


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; waits its turn. The lock ends with the process, whatever ends that."""
    descriptor = _locked(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path) -> int:
    """The open lock file. One that was taken away while we waited for it is no lock any more: then another is made."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def _is_alive(folder: Path) -> bool:
    """Whether the process that prepares this commit still holds its lock."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def _gate(tree: Path) -> Iterator[Path]:
    """The staging folder, while nobody else begins, ends or recovers a commit in this tree. Gone again when it is empty."""
    staging = tree / STAGING
    gate = staging / _LOCK
    with exclusive(gate):
        yield staging
        if not any(path.is_dir() for path in staging.iterdir()):
            gate.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                staging.rmdir()


# --------------------------------------------------------------------------------------------------------------- commits


class Commit:
    """Changes that are being prepared. Create with `commit`; nothing of it is seen before the block ends."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self._prepared: _Prepared | None = None
        self._changes: list[dict[str, str | None]] = []
        self._copies = itertools.count(1)

    def copy(self, original: Path) -> Copied:
        """Copy a file to where this commit is prepared, for `put` or `put_folder`; without them nothing is left of it."""
        return _copy(original, self._folder / f"copied-{next(self._copies)}")

    def put(self, path: Path, content: bytes | Copied) -> bool:
        """Prepare the file `path`. False where the same bytes are there already; what was copied takes the place of any."""
        is_held = isinstance(content, bytes) and path.is_file() and path.stat().st_size == len(content)
        if is_held and path.read_bytes() == content:
            return False
        staged = self._staged(path)
        _place(staged, content)
        return True

    def put_folder(self, path: Path, files: Mapping[str, bytes | Copied]) -> bool:
        """Prepare the folder `path`, which appears in one step; one that is there already gets back what it lacks."""
        if path.exists():
            return any([self.put(path / name, content) for name, content in sorted(files.items())])
        staged = self._staged(path)
        _make_folder(staged)
        for name, content in sorted(files.items()):
            _make_folder((staged / name).parent)
            _place(staged / name, content)
        for folder in [staged, *(found for found in staged.rglob("*") if found.is_dir())]:
            _sync_folder(folder)
        return True

    def remove(self, path: Path) -> None:
        """Prepare taking away a file that nothing refers to any more."""
        if path.exists():
            self._change(path, staged=None)

    def _staged(self, path: Path) -> Path:
        name = str(len(self._changes) + 1)
        return self._change(path, staged=name) / name

    def _change(self, path: Path, staged: str | None) -> Path:
        """Note the change. Gives the folder of this commit."""
        folder = self._folder
        self._changes.append({"path": path.relative_to(self.tree).as_posix(), "staged": staged})
        return folder

    @property
    def _folder(self) -> Path:
        """Where this commit is prepared; made when it is first asked for."""
        if self._prepared is None:
            self._prepared = _begin(self.tree)
        return self._prepared.folder

    def happen(self) -> None:
        """Make all changes. From the moment that the journal is there, they hold even if this process does not live."""
        if self._prepared is None:
            return
        folder = self._prepared.folder
        if len(self._changes) > 1:
            _write(folder / "journal", json.dumps(self._changes).encode())
            _rename(folder / "journal", folder / _JOURNAL)
            _sync_folder(folder)
        _apply(self.tree, folder, self._changes)

    def end(self) -> None:
        """Clear away what was prepared; but where the journal is there already, the next process finishes."""
        if self._prepared is not None:
            if not (self._prepared.folder / _JOURNAL).exists():
                with _gate(self.tree):
                    _clear(self._prepared.folder)
            os.close(self._prepared.lock)


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """Where a commit is prepared, and the open lock which says that its process lives."""

    folder: Path
    lock: int


@contextlib.contextmanager
def commit(tree: Path) -> Iterator[Commit]:
    """Changes under `tree` that happen together when the block ends without an error, and not at all otherwise."""
    changes = Commit(tree)
    try:
        yield changes
        changes.happen()
    finally:
        changes.end()


def _begin(tree: Path) -> _Prepared:
    with _gate(tree) as staging:
        _recover(tree, staging)
        names = (f"{os.getpid()}-{number}" for number in itertools.count(1))
        folder = next(staging / name for name in names if not (staging / name).exists())
        _make_folder(folder)
        return _Prepared(folder, _locked(folder / _LOCK))


def _apply(tree: Path, folder: Path, changes: list[dict[str, str | None]]) -> None:
    """Put every prepared file in its place, and forget the journal; what was done before is not done again."""
    for change in changes:
        target, staged = tree / str(change["path"]), change["staged"]
        if staged is None:
            _remove(target)
        elif (folder / staged).exists():
            _make_folder(target.parent)
            _rename(folder / staged, target)
    for parent in {(tree / str(change["path"])).parent for change in changes}:
        if parent.is_dir():
            _sync_folder(parent)
    if (folder / _JOURNAL).exists():
        _remove(folder / _JOURNAL)


def recover(tree: Path) -> None:
    """Finish what killed processes had decided, and clear away what they had only begun."""
    if (tree / STAGING).is_dir():
        with _gate(tree) as staging:
            _recover(tree, staging)


def _recover(tree: Path, staging: Path) -> None:
    for folder in sorted(path for path in staging.iterdir() if path.is_dir()):
        if not _is_alive(folder):
            if (folder / _JOURNAL).exists():
                _apply(tree, folder, _journal(folder))
            _clear(folder)


def _journal(folder: Path) -> list[dict[str, str | None]]:
    changes: list[dict[str, str | None]] = json.loads((folder / _JOURNAL).read_text(encoding="utf-8"))
    return changes


def decided(tree: Path) -> dict[Path, Path | None]:
    """What a journal says and has not happened yet: path -> the prepared file or folder that belongs there, None to remove."""
    found: dict[Path, Path | None] = {}
    for journal in sorted((tree / STAGING).glob(f"*/{_JOURNAL}")):
        with contextlib.suppress(FileNotFoundError):
            for change in _journal(journal.parent):
                staged = change["staged"] and journal.parent / str(change["staged"])
                if staged is None or (staged and staged.exists()):
                    found[tree / str(change["path"])] = staged or None
    return found
