"""Where everything lies under the data root.

In: the folder, and what is looked for: a source, a snapshot, a period. Out: paths. Nothing is opened here, and nothing written.

    raw/inbox/<source>/                                           deliveries, as they arrive
    raw/<source>/<id>/<original name> + snapshot.json             snapshots
    processed/cases/source=<s>/snapshot=<id>/month=<YYYY-MM>.parquet   sound records of that snapshot
    processed/record_ids/source=<s>/snapshot=<id>/month=<YYYY-MM>.parquet   their ids, of a ledger's
    processed/observations/source=<s>/snapshot=<id>.parquet       figures read from that snapshot
    processed/observations/source=<s>/<period>=<id>.parquet       figures of a period that a ledger's snapshots give together
    processed/cells/source=<s>/<cube>/<period>=<id>.parquet       cells of a large cube of that period
    processed/counts/<s>.json                                     what each of these periods was made of, and its files
    processed/quarantine/source=<s>/snapshot=<id>.parquet         rows that broke a row rule, with the rule ids
    processed/validation/verdicts/<s>/<id>.json                   verdict, and the manifest of the files above
    processed/validation/data_docs/                               Data Docs of the current verdicts, with a manifest
    processed/current/<s>.parquet                                 what each source says now, derived figures included
    processed/aggregates/source=<s>/view=<id>.parquet             a source as of a date, derived figures included
    processed/revisions/source=<s>/view=<id>.parquet              every revision of its figures, with the day it was known from
    processed/vintages/source=<s>/view=<id>.parquet               the days on which a snapshot spoke for a table and period
    processed/record_changes/source=<s>/view=<id>.parquet         rows added, withdrawn and changed, month by month
    processed/manifests/<s>/<id>.json                             what went into that view
    processed/manifests/<s>.json                                  which view the source says now, and its file in current/
    processed/fetched/<source>.json                               what servers said of the files that were fetched last
    processed/releases/<frequency>/<period>/<id>/                 a release; appears in one step, with manifest.json
    processed/releases/<frequency>/<period>/current.json          which release speaks for the period now, or that it is withdrawn
    processed/releases/<frequency>/<period>/releases.json         all its releases in order, what took the place of each, and why
    processed/releases/<frequency>/<period>/index.html            the same as a page
    processed/embargoes/<frequency>/<period>.json                 until when a release is held back, and each decision
    processed/releases/<frequency>/due.json                       what they were made of when nothing was due any more
    processed/site/                                               index of releases, with a manifest
"""

from __future__ import annotations

from pathlib import Path

from pipeline.model import Snapshot

INBOX = "inbox"


class DataRoot:
    """The paths under one data root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw = root / "raw"
        self.processed = root / "processed"

    def inbox(self, source_id: str) -> Path:
        """Where files of the source arrive."""
        return self.raw / INBOX / source_id

    def sidecar_path(self, source_id: str, snapshot_id: str) -> Path:
        """What is known about a snapshot; where it is gone, so is the snapshot."""
        return self.raw / source_id / snapshot_id / "snapshot.json"

    def bytes_path(self, snapshot: Snapshot) -> Path:
        """The bytes as received, under their original name."""
        return self.raw / snapshot.source / snapshot.id / snapshot.file

    def observations_path(self, source_id: str, snapshot_id: str) -> Path:
        """The figures read from a snapshot."""
        return self.processed / "observations" / f"source={source_id}" / f"snapshot={snapshot_id}.parquet"

    def quarantine_path(self, source_id: str, snapshot_id: str) -> Path:
        """The figures of a snapshot that broke a row rule."""
        return self.processed / "quarantine" / f"source={source_id}" / f"snapshot={snapshot_id}.parquet"

    def cases_path(self, source_id: str, snapshot_id: str, month: str) -> Path:
        """The sound records of a snapshot in a month."""
        folder = self.processed / "cases" / f"source={source_id}" / f"snapshot={snapshot_id}"
        return folder / f"month={month}.parquet"

    def record_ids_path(self, source_id: str, snapshot_id: str, month: str) -> Path:
        """The ids of a ledger's records of a snapshot in a month."""
        folder = self.processed / "record_ids" / f"source={source_id}" / f"snapshot={snapshot_id}"
        return folder / f"month={month}.parquet"

    def counts_path(self, source_id: str) -> Path:
        """What each counted period of a ledger was made of, and its files."""
        return self.processed / "counts" / f"{source_id}.json"

    def counted_path(self, source_id: str, period: str, count_id: str) -> Path:
        """The figures of a period of a ledger, as some snapshots give them."""
        return self.processed / "observations" / f"source={source_id}" / f"{_in_file_name(period)}={count_id}.parquet"

    def cells_path(self, source_id: str, cube: str, period: str, count_id: str) -> Path:
        """The cells of a large cube of that period."""
        return self.processed / "cells" / f"source={source_id}" / cube / f"{_in_file_name(period)}={count_id}.parquet"

    def quarantined_cases_path(self, source_id: str, snapshot_id: str) -> Path:
        """The records of a snapshot that broke a row rule."""
        return self.processed / "quarantine" / f"source={source_id}" / f"cases={snapshot_id}.parquet"

    def fetched_path(self, source_id: str) -> Path:
        """What servers said of the source's files that were fetched last."""
        return self.processed / "fetched" / f"{source_id}.json"

    def verdict_path(self, source_id: str, snapshot_id: str) -> Path:
        """The verdict on a snapshot, and the manifest of what was made of it."""
        return self.processed / "validation" / "verdicts" / source_id / f"{snapshot_id}.json"

    def view_paths(self, source_id: str, view_id: str) -> list[Path]:
        """The files of a view: figures, revisions, vintages, record changes."""
        folders = ("aggregates", "revisions", "vintages", "record_changes")
        return [self.processed / folder / f"source={source_id}" / f"view={view_id}.parquet" for folder in folders]

    def current_figures_path(self, source_id: str) -> Path:
        """The figures that the source says now."""
        return self.processed / "current" / f"{source_id}.parquet"

    def current_view_path(self, source_id: str) -> Path:
        """The record of the view that the source says now."""
        return self.processed / "manifests" / f"{source_id}.json"

    def aggregate_manifest_path(self, source_id: str, view_id: str) -> Path:
        """What went into a view, and the manifest of its files."""
        return self.processed / "manifests" / source_id / f"{view_id}.json"

    def release_folder(self, frequency: str, period: str, release_id: str) -> Path:
        """Everything that a release published."""
        return self.releases_folder(frequency, period) / release_id

    def releases_folder(self, frequency: str, period: str) -> Path:
        """All releases of a period, and the record of them."""
        return self.processed / "releases" / frequency / period

    def current_path(self, frequency: str, period: str) -> Path:
        """The record of which release speaks for the period now (`release_id`), or that it is withdrawn (then that is None)."""
        return self.releases_folder(frequency, period) / "current.json"

    def period_path(self, frequency: str, period: str) -> Path:
        """The record of all releases of the period, and the manifest of its pages."""
        return self.releases_folder(frequency, period) / "releases.json"

    def due_path(self, frequency: str) -> Path:
        """The record of what all releases of the frequency were made of when nothing was due any more."""
        return self.processed / "releases" / frequency / "due.json"

    def embargo_path(self, frequency: str, period: str) -> Path:
        """The record of the embargo on the period's release."""
        return self.processed / "embargoes" / frequency / f"{period}.json"

    def relative(self, path: Path) -> str:
        """The path as manifests name it: from the data root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def _in_file_name(period: str) -> str:
    """A year to date has a slash in its code."""
    return period.replace("/", "_")
