"""What the sources say as of a date, and how that came about.

In: a store with the observations of accepted snapshots. Out: each source's view (printed and derived figures), its revisions, its
vintages and how its records changed, kept under the data root and named by what they were made from; and all sources together as
of a date.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import datetime as dt
import functools
import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pipeline import code_version, ledgers, log
from pipeline.coverage import periods_in
from pipeline.model import Snapshot, UsageError
from pipeline.sources.catalogue import source, source_ids

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.aggregate.revisions import History
    from pipeline.store import Store

_Read = TypeVar("_Read")
LOOKS, SECONDS_BETWEEN_LOOKS = 4, 0.25


@dataclasses.dataclass(frozen=True)
class SourceHistory:
    """One source: its history, and how its records changed (RECORD_CHANGE_COLUMNS; no rows for a source of figures)."""

    history: History
    records: pd.DataFrame


# ------------------------------------------------------------------------------------------------------------ one source


def aggregate(store: Store, source_id: str) -> str | None:
    """Make the source's view of all that is accepted, with its history, and let it be what the source says now.

    None where it is there already.
    """
    with store.lock("source", source_id):
        view_id, inputs = _inputs(store, source_id, None)
        is_kept = not inputs or _kept(store, source_id, view_id) is not None
        if not is_kept:
            made = _made(store, source_id, inputs)
            _save(store, source_id, view_id, inputs, made)
        _say(store, source_id, view_id if inputs else None)
    if is_kept:
        return None
    log.event("aggregated", source=source_id, view=view_id, rows=len(made.history.view))
    return view_id


def _say(store: Store, source_id: str, view_id: str | None) -> None:
    """Let this view be what `current/` holds of the source; nothing where nothing of it is accepted any more."""
    record, place = store.current_view_path(source_id), store.current_figures_path(source_id)
    held = store.read_json(record)
    if view_id is None:
        if held is not None:
            with store.commit() as commit:
                commit.remove(place)
                commit.remove(record)
    elif held is None or held["view"] != view_id or not store.is_there(held["files"][0]):
        figures = (_kept(store, source_id, view_id) or {})["files"][0]
        with store.commit() as commit:
            entry = commit.write_copy(place, store.read_listed(figures)) | {"rows": figures["rows"]}
            commit.write_json(record, {"source": source_id, "view": view_id, "files": [entry]})


# A reader that goes wrong makes hundreds of figures worse at once; the first of them say where to look.
_NAMED = 10


def regressions(store: Store, source_id: str) -> list[str]:
    """A sentence for each published total that compares worse than expected with the source's view, and how many more do."""
    view_id, _ = _inputs(store, source_id, None)
    manifest = store.read_json(store.aggregate_manifest_path(source_id, view_id)) or {"regressions": []}
    worse = [f"{source_id}: {sentence}" for sentence in manifest["regressions"]]
    more = f"{source_id}: {len(worse) - _NAMED} more compare worse. `fraudloss reconcile --source {source_id}` names them all."
    return [*worse[:_NAMED], *([more] if len(worse) > _NAMED else [])]


def view_id(store: Store, source_id: str, as_of: dt.date | None = None) -> str:
    """The name of what the source says as of a date: it changes with the accepted snapshots, their figures and the code."""
    return _inputs(store, source_id, as_of)[0]


def _inputs(
    store: Store, source_id: str, as_of: dt.date | None, without: frozenset[str] = frozenset()
) -> tuple[str, dict[str, str]]:
    """The id of the view as of a date, and the snapshots in it with the sha256 of their observations.

    `without`: ids of snapshots that are left out, as if they had not arrived.

    Of a ledger the counted states of periods stand in the place of snapshots (pipeline.ledgers), here and in what follows.
    """
    from pipeline.aggregate.view import known_by

    inputs = {}
    if source(source_id).is_ledger:
        counts = {
            name: each
            for name, each in ledgers.counts(store, source_id, as_of).items()
            if without.isdisjoint(each["snapshots"].split("+"))
        }
        inputs = {name: each["files"][0]["sha256"] for name, each in counts.items()}
    else:
        for snapshot in known_by(store.snapshots(source_id), as_of):
            verdict = store.read_json(store.verdict_path(source_id, snapshot.id))
            if verdict and verdict["status"] == "accepted" and snapshot.id not in without:
                inputs[snapshot.id] = verdict["files"][0]["sha256"]
    content = "\n".join([source_id, code_version.of_view(source_id), *(f"{key} {inputs[key]}" for key in sorted(inputs))])
    return hashlib.sha256(content.encode()).hexdigest()[:12], inputs


def _kept(store: Store, source_id: str, view_id: str) -> dict[str, Any] | None:
    """The manifest of a view that was made before, where all that it lists is still there."""
    manifest = store.read_json(store.aggregate_manifest_path(source_id, view_id))
    return manifest if manifest and all(store.is_there(entry) for entry in manifest["files"]) else None


def _made(store: Store, source_id: str, inputs: dict[str, str]) -> SourceHistory:
    """The history that these snapshots give, worked out from where an earlier one ends."""
    from pipeline.aggregate.revisions import history

    earlier = _earlier(store, source_id, inputs)
    observations, snapshots = _observations(store, source_id, inputs), list(_accepted(store, source_id, inputs).values())
    made = history(observations, snapshots, source(source_id), earlier=earlier.history)
    return SourceHistory(made, _record_changes(store, source_id, snapshots, earlier.records))


def _earlier(store: Store, source_id: str, inputs: dict[str, str]) -> SourceHistory:
    """The longest history that the other snapshots only continue: made by this code, of snapshots that were known before them."""
    from pipeline.aggregate.revisions import NO_HISTORY
    from pipeline.frames import RECORD_CHANGE_SCHEMA, empty_frame

    days = {name: item.known_at for name, item in _speakers(store, source_id).items()}

    def continues(manifest: dict[str, Any]) -> bool:
        held = manifest["inputs"]
        others = [days[item] for item in inputs if item not in held]
        same_code = manifest["code"] == code_version.of_view(source_id)
        return (
            same_code and held.items() <= inputs.items() and max(days[item] for item in held) < min(others, default=dt.date.max)
        )

    manifests = [manifest for manifest in store.aggregate_manifests(source_id) if continues(manifest)]
    for manifest in sorted(manifests, key=lambda item: (-len(item["inputs"]), item["view"])):
        if _kept(store, source_id, manifest["view"]) is not None:
            return _read(store, manifest)
    return SourceHistory(NO_HISTORY, empty_frame(RECORD_CHANGE_SCHEMA))


def _accepted(store: Store, source_id: str, inputs: dict[str, str]) -> dict[str, Snapshot]:
    return {name: item for name, item in _speakers(store, source_id).items() if name in inputs}


def _speakers(store: Store, source_id: str) -> dict[str, Snapshot]:
    """What may speak, by the name that `_inputs` gives it."""
    snapshots = {snapshot.id: snapshot for snapshot in store.snapshots(source_id)}
    if not source(source_id).is_ledger:
        return snapshots
    return {name: ledgers.as_snapshot(each, snapshots) for name, each in ledgers.counts(store, source_id).items()}


def _observations(store: Store, source_id: str, inputs: dict[str, str]) -> pd.DataFrame:
    """The figures of all these snapshots. Raises ChangedBytes where a file is not the one that its verdict lists."""
    import pandas as pd

    from pipeline.frames import read_observations

    frames = []
    counts = ledgers.counts(store, source_id) if source(source_id).is_ledger else {}
    for name, sha256 in sorted(inputs.items()):
        path = store.counted_path(source_id, counts[name]["period"], name) if counts else store.observations_path(source_id, name)
        frames.append(read_observations(store.read_listed({"path": store.relative(path), "sha256": sha256})))
    return pd.concat(frames, ignore_index=True)


def _record_changes(store: Store, source_id: str, snapshots: list[Snapshot], earlier: pd.DataFrame) -> pd.DataFrame:
    if not source(source_id).is_records:
        return earlier
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pipeline.aggregate.record_changes import record_changes

    if source(source_id).is_ledger:
        speaking = {part for snapshot in snapshots for part in snapshot.id.split("+")}
        snapshots = [snapshot for snapshot in store.snapshots(source_id) if snapshot.id in speaking]
    months = {snapshot: store.cases_entries(snapshot) for snapshot in snapshots}

    def read_month(snapshot: Snapshot, month: str) -> pd.DataFrame:
        return pq.read_table(pa.BufferReader(store.read_listed(months[snapshot][month]))).to_pandas()

    held = ((snapshot, {month: entry["rows"] for month, entry in entries.items()}) for snapshot, entries in months.items())
    return record_changes(held, read_month, earlier=earlier)


def _save(store: Store, source_id: str, view_id: str, inputs: dict[str, str], made: SourceHistory) -> None:
    from pipeline.aggregate.reconcile import reconcile, regressions
    from pipeline.frames import frame_table

    parts = (made.history.view, made.history.revisions, made.history.vintages, made.records)
    manifest = {
        "source": source_id,
        "view": view_id,
        "code": code_version.of_view(source_id),
        "inputs": inputs,
        "regressions": regressions(reconcile(made.history.view, source(source_id))),
    }
    with store.commit() as commit:
        files = [
            commit.write_table(path, frame_table(frame, schema))
            for path, frame, schema in zip(store.view_paths(source_id, view_id), parts, _schemas(), strict=True)
        ]
        commit.write_json(store.aggregate_manifest_path(source_id, view_id), {**manifest, "files": files})


def _schemas() -> tuple[Any, ...]:
    """Of the four files of a view, in the order of its manifest."""
    from pipeline.frames import OBSERVATION_SCHEMA, RECORD_CHANGE_SCHEMA, REVISION_SCHEMA, VINTAGE_SCHEMA

    return OBSERVATION_SCHEMA, REVISION_SCHEMA, VINTAGE_SCHEMA, RECORD_CHANGE_SCHEMA


def _read(store: Store, manifest: dict[str, Any]) -> SourceHistory:
    from pipeline.aggregate.revisions import History
    from pipeline.frames import read_frame

    frames = [read_frame(store.read_listed(entry), schema) for entry, schema in zip(manifest["files"], _schemas(), strict=True)]
    return SourceHistory(History(*frames[:3]), frames[3])


# --------------------------------------------------------------------------------------------------- all sources together


def require_known(store: Store, as_of: dt.date | None, of: Iterable[str] | None = None) -> None:
    """Raises UsageError where nothing at all was known on `as_of`."""
    asked = [snapshot.known_at for source_id in of or () for snapshot in store.snapshots(source_id)]
    # Of a source that has no file, nothing is known on any day: then the day is compared with the first file of all.
    days = asked or [snapshot.known_at for source_id in source_ids() for snapshot in store.snapshots(source_id)]
    if as_of is not None and days and as_of < min(days):
        raise UsageError(f"nothing was known on {as_of.isoformat()}: the first snapshot is known from {min(days).isoformat()}.")


def view(
    store: Store, as_of: dt.date | None = None, of: Iterable[str] | None = None, *, without: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """All figures of the sources as of a date (printed and derived), as one frame. Writes nothing.

    `without`: ids of snapshots that are left out, as if they had not arrived.
    Raises ChangedBytes where a file that the figures come from was changed by hand.
    """
    from pipeline.frames import OBSERVATION_SCHEMA

    reads = [functools.partial(_view_of, store, source_id, as_of, without) for source_id in of or source_ids()]
    return _stacked([_consistent(read) for read in reads], OBSERVATION_SCHEMA)


def _view_of(store: Store, source_id: str, as_of: dt.date | None, without: frozenset[str] = frozenset()) -> pd.DataFrame | None:
    from pipeline.aggregate.derive import derive
    from pipeline.aggregate.view import in_force, printings
    from pipeline.frames import read_observations

    view_id, inputs = _inputs(store, source_id, as_of, without)
    if manifest := _kept(store, source_id, view_id):
        return read_observations(store.read_listed(manifest["files"][0]))
    if not inputs:
        return None
    accepted = list(_accepted(store, source_id, inputs).values())
    observations = _observations(store, source_id, inputs)
    declared = source(source_id)
    rows = in_force(observations, accepted, of_ledger=declared.is_ledger)
    return derive(rows, declared, printings(observations, accepted))


class Spoken(NamedTuple):
    """What a file that is accepted speaks for; of a ledger, a counted state of a period."""

    source: str
    name: str  # the snapshot's id
    sha256: str  # of its observations
    day: dt.date
    periods: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Known:
    """All that is known as of a date: the figures, how they came about up to then, and what the files speak for."""

    figures: pd.DataFrame  # OBSERVATION_COLUMNS
    revisions: pd.DataFrame  # REVISION_COLUMNS
    vintages: pd.DataFrame  # VINTAGE_COLUMNS
    records: pd.DataFrame  # RECORD_CHANGE_COLUMNS
    spoken: tuple[Spoken, ...]

    @functools.cached_property
    def days_covered(self) -> Mapping[str, frozenset[dt.date]]:
        """Period -> the days on which a file came that speaks for it."""
        found: dict[str, set[dt.date]] = {}
        for item in self.spoken:
            for code in item.periods:
                found.setdefault(code, set()).add(item.day)
        return {code: frozenset(days) for code, days in found.items()}

    def inputs_id(self, day: dt.date) -> str:
        """What all figures as of a day are made of, files and code, as one name."""
        made_of = [f"{item.source} {item.name} {item.sha256} {item.day}" for item in self.spoken if item.day <= day]
        code = [code_version.of_view(source_id) for source_id in source_ids()]
        return hashlib.sha256("\n".join([*code, *sorted(made_of)]).encode()).hexdigest()[:12]


# What was known last, and what it was read of, within `read_once`.
_last_known: contextvars.ContextVar[dict[Any, Known] | None] = contextvars.ContextVar("last known", default=None)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """Within it, what is known now is read once, for all that is made of it, as long as it is made of the same views.

    A file that is changed by hand between two uses is found by the next run.
    """
    token = _last_known.set({})
    try:
        yield
    finally:
        _last_known.reset(token)


def known(store: Store, as_of: dt.date | None = None, without: frozenset[str] = frozenset()) -> Known:
    """The figures of all sources as of a date, with their history up to it, of one moment. Writes nothing.

    `without`: ids of snapshots that are left out, as if they had not arrived.
    """
    kept = _last_known.get()
    if kept is None or as_of is not None:
        return _known_of_one_moment(store, as_of, without)
    views = (store.root, without, *(_inputs(store, source_id, None, without)[0] for source_id in source_ids()))
    if views not in kept:
        kept.clear()
        found = _known_of_one_moment(store, None, without)
        if views != (*views[:2], *(_inputs(store, source_id, None, without)[0] for source_id in source_ids())):
            return found
        kept[views] = found
    return kept[views]


def _known_of_one_moment(store: Store, as_of: dt.date | None, without: frozenset[str]) -> Known:
    while True:
        stamp = store.verdicts_stamp()
        found = _known(store, as_of, without)
        # Figures judged by another run meanwhile would stand beside a history that does not know them.
        if store.verdicts_stamp() == stamp:
            return found


def _known(store: Store, as_of: dt.date | None, without: frozenset[str]) -> Known:
    found = [_consistent(functools.partial(_history_of, store, source_id, without)) for source_id in source_ids()]
    histories = [each for each in found if each is not None]
    parts = [[each.history.revisions, each.history.vintages, each.records] for each in histories]
    frames = [_stacked([part[place] for part in parts], schema) for place, schema in enumerate(_schemas()[1:])]
    spoken = tuple(
        itertools.chain.from_iterable(
            _consistent(functools.partial(_spoken, store, source_id, as_of, without)) for source_id in source_ids()
        )
    )
    if as_of is not None:
        # What was known up to a day does not depend on what became known later.
        frames = [
            frame[[day <= as_of for day in frame["vintage"]]].reset_index(drop=True) if len(frame) else frame for frame in frames
        ]
        return Known(view(store, as_of, without=without), frames[0], frames[1], frames[2], spoken)
    return Known(_stacked([each.history.view for each in histories], _schemas()[0]), frames[0], frames[1], frames[2], spoken)


def _spoken(store: Store, source_id: str, as_of: dt.date | None, without: frozenset[str]) -> list[Spoken]:
    """What the files of the source speak for."""
    inputs = _inputs(store, source_id, as_of, without)[1]
    if source(source_id).is_ledger:
        counts = ledgers.counts(store, source_id, as_of)
        days = {name: dt.date.fromisoformat(counts[name]["known_at"]) for name in inputs}
        return [Spoken(source_id, name, sha, days[name], frozenset([counts[name]["period"]])) for name, sha in inputs.items()]
    speakers = _speakers(store, source_id)
    paths = {name: store.relative(store.observations_path(source_id, name)) for name in inputs}
    return [
        Spoken(source_id, name, sha, speakers[name].known_at, periods_in(store, paths[name], sha)) for name, sha in inputs.items()
    ]


def _history_of(store: Store, source_id: str, without: frozenset[str]) -> SourceHistory | None:
    """The source with its history, from its files or, where they are not there, worked out again."""
    view_id, inputs = _inputs(store, source_id, None, without)
    if manifest := _kept(store, source_id, view_id):
        return _read(store, manifest)
    return _made(store, source_id, inputs) if inputs else None


def _stacked(frames: list[pd.DataFrame | None], schema: Any) -> pd.DataFrame:
    import pandas as pd

    from pipeline.frames import empty_frame

    filled = [frame for frame in frames if frame is not None and len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame(schema)


def _consistent(read: Callable[[], _Read]) -> _Read:
    """What `read` gives when no other run replaces a file and its manifest just then: a commit takes a moment, so look again."""
    from pipeline.store import ChangedBytes

    for _ in range(LOOKS):
        try:
            return read()
        except ChangedBytes:
            time.sleep(SECONDS_BETWEEN_LOOKS)
    return read()
