"""Why a period has no figures any more.

In: the release that speaks, and what became of the files that it was made of. Out: a `Withdrawal`, or an error where nobody can
say why the figures are gone.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pipeline.model import FraudlossError, Period
from pipeline.publishing.candidates import Candidates

if TYPE_CHECKING:
    from pipeline.publish.period import Withdrawal
    from pipeline.store import Store


def withdrawal_of(store: Store, candidates: Candidates, period: Period, release_id: str) -> Withdrawal:
    """Why the figures of the release that speaks are gone."""
    from pipeline.publish.period import Withdrawal

    what = f"{period.frequency} {period.code} has no figures any more"
    manifest = store.read_json(store.release_folder(period.frequency, period.code, release_id) / "manifest.json")
    if manifest is None:
        raise FraudlossError(f"{what}, and the release {release_id}, which speaks for it, is gone: restore it from a backup.")
    days: dict[str, dt.date] = {}
    verdicts: dict[str, str] = {}
    for used in manifest["snapshots"]:
        snapshots = {item.id: item for item in store.snapshots(used["source"])}
        verdict = store.read_json(store.verdict_path(used["source"], used["id"]))
        if used["id"] not in snapshots or verdict is None:
            raise FraudlossError(
                f"{what}: snapshot {used['id']} of {used['source']} is gone or not judged. The release {release_id} speaks on. "
                f"`fraudloss verify` says what is gone; `fraudloss validate {used['source']}` judges."
            )
        days[used["id"]], verdicts[used["id"]] = snapshots[used["id"]].known_at, verdict["status"]
    refused = {item: days[item] for item, status in verdicts.items() if status != "accepted"}
    taken = _taken_away(store, candidates, period)
    reasons = [reason for reason, found in (("withdrawal", taken), ("refusal", refused)) if found]
    since = max([*refused.values(), *taken.values()], default=dt.date.fromisoformat(manifest["revision"]["vintages"][-1]))
    return Withdrawal(release_id, since, tuple(reasons) or ("new_code",), tuple(sorted({*refused, *taken})))


def _taken_away(store: Store, candidates: Candidates, period: Period) -> dict[str, dt.date]:
    """The files that took figures of the period away, with the day from which each was known."""
    found: dict[str, dt.date] = {}
    withdrawn = candidates.withdrawn(period)
    for source_id, day in set(zip(withdrawn["source"], withdrawn["vintage"], strict=True)):
        found |= {item.id: day for item in store.snapshots(source_id) if item.known_at == day}
    return found
