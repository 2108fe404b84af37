"""The site around the releases.

In: a store. Out: its pages, written where they are others; what stands behind its figures is gathered here, because the stage of
publishing reads no store.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline import vintages
from pipeline.model import PUBLISHED_FREQUENCIES, Period
from pipeline.publish.chart_assets import chart_assets, lasting_assets
from pipeline.publishing.candidates import Candidates
from pipeline.publishing.records import current_manifests, figures_of, period_records
from pipeline.sources.catalogue import source_ids, sources

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.publish.evidence import Evidence
    from pipeline.store import Store


def build_site(store: Store, now: dt.datetime | None = None) -> bool:
    """The site around the releases: index, sources, quality, methods, feed. True when anything was rewritten."""
    from pipeline.publish import site

    with store.lock("site"):
        manifests = current_manifests(store)
        speaking = {f"{manifest['frequency']}/{manifest['period']}": manifest["release_id"] for manifest in manifests}
        candidates = Candidates(store, None, now)
        known = candidates.known
        others = _shown_otherwise(store, candidates, manifests)
        evidence = _evidence(store, known, candidates.embargoes.held, others)
        shown = {code: rows for (frequency, code), (rows, _) in others.items() if frequency == "annual"}
        files = site.build(manifests, known.figures, sources(), evidence, period_records(store), shown)
        staying = _whole_assets(store)
        files |= {name: make() for name, make in chart_assets().items() if name not in staying}
        return store.write_pages(store.processed / "site", files, speaking, staying=staying)


def _shown_otherwise(
    store: Store, candidates: Candidates, manifests: list[dict[str, Any]]
) -> dict[tuple[str, str], tuple[pd.DataFrame, pd.DataFrame]]:
    """The releases that show figures which read otherwise now, by frequency and period: what each shows (OBSERVATION_COLUMNS),
    and what changed from that to what is known now (CHANGE_COLUMNS)."""
    from pipeline.aggregate.revisions import differences
    from pipeline.publish.release import fingerprint_rows

    found = {}
    figured = {frequency: set(candidates.periods(frequency)) for frequency in PUBLISHED_FREQUENCIES}
    for manifest in manifests:
        frequency, period = manifest["frequency"], Period.parse(manifest["period"])
        day = dt.date.fromisoformat(manifest["as_of"])
        if period not in figured[frequency] or not candidates.has_changed_since(day, period):
            continue
        if (shown := figures_of(store, manifest)) is not None:
            now = fingerprint_rows(candidates.figures, frequency, period)
            found[frequency, period.code] = shown, differences(shown, now, of_one_code=True)
    return found


def _whole_assets(store: Store) -> set[str]:
    """The assets of the site that are there already, named by what they are made of."""
    folder = store.processed / "site"
    listed = (store.read_json(folder / "manifest.json") or {}).get("files", {})
    return {
        name
        for name in lasting_assets()
        if name in listed and store.is_there({"path": store.relative(folder / name), **listed[name]})
    }


def _evidence(
    store: Store,
    known: vintages.Known,
    held: frozenset[str],
    others: Mapping[tuple[str, str], tuple[pd.DataFrame, pd.DataFrame]],
) -> Evidence:
    """What stands behind the figures of the site; files that are held back are left out."""
    import pandas as pd

    from pipeline.aggregate.derive import steps_in_words
    from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS, published_totals, reconcile
    from pipeline.publish.evidence import Evidence

    snapshots = [item for source_id in source_ids() for item in store.snapshots(source_id) if item.id not in held]
    verdicts = {item.id: store.read_json(store.verdict_path(item.source, item.id)) or {} for item in snapshots}
    compared = [reconcile(known.figures, declared) for declared in sources() if published_totals(declared)]
    filled = [frame for frame in compared if len(frame)]
    return Evidence(
        snapshots=snapshots,
        verdicts=verdicts,
        revisions=known.revisions,
        vintages=known.vintages,
        records=known.records,
        reconciliation=pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=RECONCILIATION_COLUMNS),
        revised_since={name: changes for name, (_, changes) in others.items()},
        derivation_steps=steps_in_words(),
    )
