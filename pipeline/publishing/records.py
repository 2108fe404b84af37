"""What is kept of the releases of a period: the record of all of them, and the manifest of the one that speaks.

In: a store. Out: records (`pipeline.publish.period`) and manifests, by frequency and period. Writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.model import PUBLISHED_FREQUENCIES, Period

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.store import Store


def period_record(store: Store, period: Period) -> dict[str, Any]:
    """The record of the period's releases; where it is not there, made of the pointer and of the releases that are."""
    from pipeline.publish import period as records

    if kept := store.read_json(store.period_path(period.frequency, period.code)):
        del kept["files"]
        return kept
    record, folder = records.new_record(period), store.releases_folder(period.frequency, period.code)
    if speaking := current_manifest(store, period):
        record = records.speaks(record, _about(speaking), records.Why(("new_period",)))
    for path in sorted(folder.glob("*/manifest.json")):
        if manifest := store.read_json(path):
            record = records.is_there(record, _about(manifest))
    return record


def _about(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: manifest[name] for name in ("release_id", "as_of", "code_version")}


def periods_with_a_release(store: Store, frequency: str) -> list[Period]:
    """Those for which a release speaks or spoke, in order of time."""
    folder = store.processed / "releases" / frequency
    codes = {path.parent.name for name in ("current.json", "releases.json") for path in folder.glob(f"*/{name}")}
    return sorted(Period.parse(code) for code in codes)


def current_manifest(store: Store, period: Period) -> dict[str, Any] | None:
    """The manifest of the release that speaks for the period now; None where none does."""
    current = store.read_json(store.current_path(period.frequency, period.code))
    if current is None or current["release_id"] is None:
        return None
    return store.read_json(store.release_folder(period.frequency, period.code, current["release_id"]) / "manifest.json")


def figures_of(store: Store, manifest: dict[str, Any]) -> pd.DataFrame | None:
    """OBSERVATION_COLUMNS: the figures of a release; None where they cannot be read any more."""
    from pipeline.frames import read_observations
    from pipeline.store import ChangedBytes

    folder = store.release_folder(manifest["frequency"], manifest["period"], manifest["release_id"])
    path = folder / "observations.parquet"
    try:
        return read_observations(store.read_listed({"path": store.relative(path), **manifest["files"][path.name]}))
    except (ChangedBytes, KeyError):  # damaged, or with the columns of other code
        return None


def current_manifests(store: Store) -> list[dict[str, Any]]:
    """The manifests of the releases that speak now, by frequency and period."""
    found = (
        current_manifest(store, period)
        for frequency in PUBLISHED_FREQUENCIES
        for period in periods_with_a_release(store, frequency)
    )
    return [manifest for manifest in found if manifest]


def period_records(store: Store) -> list[dict[str, Any]]:
    """The records of all releases of each period for which one speaks or spoke, by frequency and period."""
    paths = (
        store.period_path(frequency, period.code)
        for frequency in PUBLISHED_FREQUENCIES
        for period in periods_with_a_release(store, frequency)
    )
    return [record for path in paths if (record := store.read_json(path)) and record["releases"]]
