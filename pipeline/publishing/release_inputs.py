"""What a release is built from, and what its manifest says.

In: a candidate, and a store with the snapshots that speak in it. Out: a `ReleaseInput`, and the manifest of it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pipeline.model import FraudlossError
from pipeline.publishing.candidates import Candidate
from pipeline.sources.catalogue import sources

if TYPE_CHECKING:
    from pipeline.model import Snapshot
    from pipeline.publish.release import ReleaseInput
    from pipeline.store import Store


def release_input(store: Store, candidate: Candidate) -> ReleaseInput:
    """What a release is built from. Raises FraudlossError where a snapshot that speaks in it is gone."""
    from pipeline.aggregate.compare import findings
    from pipeline.aggregate.reconcile import reconcile_release
    from pipeline.publish.release import ReleaseInput

    rows, period = candidate.rows, candidate.period
    declared = [item for item in sources() if item.id in set(rows["source"])]
    speaking = set(candidate.snapshot_ids)
    snapshots = [item for each in declared for item in store.snapshots(each.id) if item.id in speaking]
    if gone := speaking - {item.id for item in snapshots}:
        raise FraudlossError(f"{period.code}: figures come from snapshots that are gone: {sorted(gone)}. See `fraudloss verify`.")
    return ReleaseInput(
        frequency=period.frequency,
        period=period,
        view=rows,
        view_table=candidate.table,
        findings=findings(rows, declared),
        reconciliation=reconcile_release(rows, declared, period),
        revisions=candidate.revisions,
        sources=declared,
        snapshots=snapshots,
        earlier_snapshots=_earlier(store, candidate, speaking),
        as_of=candidate.as_of,
        code_version=candidate.about["code_version"],
        release_id=candidate.release_id,
    )


def _earlier(store: Store, candidate: Candidate, speaking: set[str]) -> list[Snapshot]:
    """The snapshots of figures that were replaced since and that no figure of today comes from."""
    revisions = candidate.revisions.revisions
    printed = {name for side in ("snapshot_before", "snapshot_after") for name in revisions[side].dropna()}
    wanted = {part for name in printed for part in name.split("+")} - speaking
    known = set(revisions["source"]) if wanted else set()
    return [item for each in sources() if each.id in known for item in store.snapshots(each.id) if item.id in wanted]


def manifest_of(given: ReleaseInput) -> dict[str, Any]:
    """What the manifest says of a release, beside its files."""
    from pipeline.publish.release import headline

    return {
        "frequency": given.frequency,
        "period": given.period.code,
        "release_id": given.release_id,
        "as_of": given.as_of.isoformat() if given.as_of else None,
        "code_version": given.code_version,
        "snapshots": [dataclasses.asdict(item) | {"known_at": item.known_at.isoformat()} for item in given.snapshots],
        "revision": given.revisions.to_json(),
        "headline": headline(given),
    }
