"""The headline figures of a release, for its manifest.

In: the figures of the release. Out: cases and loss of every leading series as exact text, and the sums that are allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import Period
from pipeline.publish.combinations import COMBINATIONS, combined
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, worst_edition
from pipeline.publish.leading import family_rank, lead_totals
from pipeline.publish.number_texts import exact_text, printed_precision
from pipeline.publish.traces import links, trace_pages


def headline_entries(period: Period, figures: Sequence[Figure], families: Families) -> dict[str, Any]:
    """For the manifest: cases and loss as exact text, of the first family at the top and of every family under `families`.

    Keys: family, period, classification, edition, cases, loss, unit, loss_usd, and `loss_precision` of a loss that was printed
    rounded, half of the printed unit; `traces` says of the first family's where each is
    traced, and `together` holds the sums that are allowed.
    """
    entries: dict[str, dict[str, Any]] = {}
    shown: dict[str, dict[str, Any]] = {}
    leading = {figure.family for figure in figures if not families.is_subordinate(figure.family)}
    for name in sorted(leading, key=lambda name: family_rank(name, families)):
        leads = lead_totals([figure for figure in figures if figure.family == name], families)
        if leads:
            shown[name] = _shown(leads[0][2])
            entries[name] = _headline_entry(leads[0][1], leads[0][2], shown[name])
    # A printed sum of several families is not the first thing that a period is about.
    printed_sums = {combination.printed_family for combination in COMBINATIONS}
    first = next((name for name in entries if name not in printed_sums), next(iter(entries), ""))
    sums = [item for c in COMBINATIONS for item in combined(c, figures, families) if item.period == period.code]
    together = {f"{item.measure}{'_usd' if item.unit == 'USD' else ''}": exact_text(item.value) for item in sums}
    places = links(trace_pages(figures)) if first else {}
    traced = {name: places[row.id] for name, row in shown.get(first, {}).items()}
    told = {**({"traces": traced} if traced else {}), **({"together": together} if together else {})}
    return {**entries.get(first, {}), "family": first, "families": entries, **told}


def _shown(members: Sequence[Figure]) -> dict[str, Any]:
    """Key of an entry (cases, loss, loss_usd) -> the observation."""
    rows = [f.row for f in members if f.row.measure in ("cases", "loss") and f.row.value is not None]
    return {"loss_usd" if _is_converted(row) else row.measure: row for row in rows}


def _is_converted(row: Any) -> bool:
    return row.measure == "loss" and row.derivation in ("converted", "converted_months")


def _headline_entry(classification: str, members: Sequence[Figure], shown: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"period": members[0].row.period, "classification": classification}
    entry |= {name: exact_text(row.value) for name, row in shown.items()}
    if loss := shown.get("loss"):
        entry |= {"loss_precision": exact_text(precision)} if (precision := printed_precision(loss)) else {}
        entry |= {"unit": loss.unit} | ({"loss_usd": exact_text(loss.value)} if loss.unit == "USD" else {})
    return {**entry, "edition": worst_edition(row.edition for row in shown.values())}
