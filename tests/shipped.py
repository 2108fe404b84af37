"""What tests ask about the shipped files of a source: its snapshots, its observations, and the view as of a date."""

from __future__ import annotations

import datetime as dt
import functools
import importlib
from decimal import Decimal
from pathlib import Path

import pandas as pd

from pipeline.aggregate.derive import derive
from pipeline.aggregate.view import in_force, known_by, printings
from pipeline.ingest.deliveries import in_inbox, snapshot_of
from pipeline.ingest.harmonise import harmonise
from pipeline.model import DIMENSIONS, TOTAL, Snapshot
from pipeline.seals import sha256_of
from pipeline.sources.catalogue import source

REPOSITORY = Path(__file__).parents[1]
INBOX = REPOSITORY / "data" / "raw" / "inbox"
FACTS = REPOSITORY.parent / "shared" / "facts"


@functools.cache
def shipped(source_id: str) -> tuple[tuple[Snapshot, ...], pd.DataFrame]:
    """Every shipped snapshot of the source and the observations read from them, through its own reader and crosswalk."""
    declared = source(source_id)
    reader = importlib.import_module(declared.reader)
    snapshots, frames = [], []
    for delivery in in_inbox(INBOX / source_id, received=dt.date(1970, 1, 1)):
        taken = snapshot_of(source_id, delivery, sha256_of(delivery.path), delivery.path.stat().st_size)
        snapshots.append(taken)
        frames.append(harmonise(reader.read(delivery.path, taken, declared), taken, declared))
    return tuple(snapshots), pd.concat(frames, ignore_index=True)


def as_of(source_id: str, day: str | None = None) -> pd.DataFrame:
    """What the source says as of `day`."""
    return in_force(*_known(source_id, day))


def derived_as_of(source_id: str, day: str | None = None) -> pd.DataFrame:
    """What the source says as of `day`, and what is made of it."""
    return derive(as_of(source_id, day), source(source_id), printings(*_known(source_id, day)))


def _known(source_id: str, day: str | None) -> tuple[pd.DataFrame, list[Snapshot]]:
    snapshots, observations = shipped(source_id)
    known = known_by(list(snapshots), dt.date.fromisoformat(day) if day else None)
    return observations[observations["snapshot"].isin([item.id for item in known])], known


def chosen(observations: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    """The rows of these codes; dimensions, types and areas that are not named are totals."""
    codes = {"area": "JP", "native_type": TOTAL, **dict.fromkeys(DIMENSIONS, TOTAL), **wanted}
    held = pd.Series(True, index=observations.index)
    for name, code in codes.items():
        if code != "*":
            held &= observations[name] == code
    return observations[held]


def value(observations: pd.DataFrame, **wanted: str) -> Decimal:
    """The one figure of these codes."""
    found = chosen(observations, **wanted)
    assert len(found) == 1, f"{wanted}: {len(found)} figures\n{found[['period', 'value', 'origin']]}"
    figure = found.iloc[0]["value"]
    assert isinstance(figure, Decimal)
    return figure


@functools.cache
def everything() -> pd.DataFrame:
    """What all shipped sources say, printed and derived: the view that releases are made from."""
    found = sorted(path.name for path in INBOX.iterdir() if path.is_dir())
    return pd.concat([derived_as_of(source_id) for source_id in found], ignore_index=True)
