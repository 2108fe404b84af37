"""The headline figures of a release, for its manifest.

In: the figures of the release. Out: cases and loss of every leading series as exact text, and the sums that are allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.model import Period
from pipeline.publish.combinations import COMBINATIONS, combined
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, worst_edition
from pipeline.publish.leading import family_rank, lead_totals
from pipeline.publish.number_texts import exact_text


def headline_entries(period: Period, figures: Sequence[Figure], families: Families) -> dict[str, Any]:
    """For the manifest: cases and loss as exact text, of the first family at the top and of every family under `families`.

    Keys: family, period, classification, edition, cases, loss, unit, loss_usd; `together` holds the sums that are allowed.
    """
    entries: dict[str, dict[str, Any]] = {}
    leading = {figure.family for figure in figures if not families.is_subordinate(figure.family)}
    for name in sorted(leading, key=lambda name: family_rank(name, families)):
        leads = lead_totals([figure for figure in figures if figure.family == name], families)
        if leads:
            entries[name] = _headline_entry(leads[0][1], leads[0][2])
    # A printed sum of several families is not the first thing that a period is about.
    printed_sums = {combination.printed_family for combination in COMBINATIONS}
    first = next((name for name in entries if name not in printed_sums), next(iter(entries), ""))
    sums = [item for c in COMBINATIONS for item in combined(c, figures, families) if item.period == period.code]
    together = {f"{item.measure}{'_usd' if item.unit == 'USD' else ''}": exact_text(item.value) for item in sums}
    return {**entries.get(first, {}), "family": first, "families": entries, **({"together": together} if together else {})}


def _headline_entry(classification: str, members: Sequence[Figure]) -> dict[str, Any]:
    shown = [f.row for f in members if f.row.measure in ("cases", "loss") and f.row.value is not None]
    entry: dict[str, Any] = {"period": members[0].row.period, "classification": classification}
    for row in shown:
        converted = row.measure == "loss" and row.derivation in ("converted", "converted_months")
        entry["loss_usd" if converted else row.measure] = exact_text(row.value)
        if row.measure == "loss" and not converted:
            entry |= {"unit": row.unit} | ({"loss_usd": exact_text(row.value)} if row.unit == "USD" else {})
    return {**entry, "edition": worst_edition(row.edition for row in shown)}
