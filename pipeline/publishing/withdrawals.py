"""Why figures of a period are gone.

In: the release that speaks, and what became of the files that it was made of. Out: a `Withdrawal` where none is left, or an error
where nobody can say why they are gone.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from pipeline.model import FraudlossError, Period
from pipeline.publishing.candidates import Candidate, Candidates

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
    _require_what_it_was_made_of(store, manifest, what)
    for used in manifest["snapshots"]:
        snapshots = {item.id: item for item in store.snapshots(used["source"])}
        verdict = store.read_json(store.verdict_path(used["source"], used["id"])) or {"status": "refused"}
        days[used["id"]], verdicts[used["id"]] = snapshots[used["id"]].known_at, verdict["status"]
    refused = {item: days[item] for item, status in verdicts.items() if status != "accepted"}
    taken = _taken_away(store, candidates, period)
    reasons = [reason for reason, found in (("withdrawal", taken), ("refusal", refused)) if found]
    since = max([*refused.values(), *taken.values()], default=dt.date.fromisoformat(manifest["revision"]["vintages"][-1]))
    return Withdrawal(release_id, since, tuple(reasons) or ("new_code",), tuple(sorted({*refused, *taken})))


def require_what_it_followed(store: Store, record: dict[str, Any], candidate: Candidate) -> None:
    """Raises FraudlossError where the release that speaks was made of a snapshot that is lost here.

    Figures that a publisher never took back must not disappear from a period because a folder was removed. `record`: that of the
    period's releases.
    """
    period, release_id = candidate.period, record["current"]
    if not release_id or release_id == candidate.release_id:
        return
    if spoken := store.read_json(store.release_folder(period.frequency, period.code, release_id) / "manifest.json"):
        what = f"{period.frequency} {period.code} would be published without figures that nobody took back"
        _require_what_it_was_made_of(store, spoken, what)


def _require_what_it_was_made_of(store: Store, speaking: dict[str, Any], what: str) -> None:
    """Raises FraudlossError where a snapshot of the release that speaks is gone or not judged."""
    for used in speaking["snapshots"]:
        sidecar, verdict = store.sidecar_path(used["source"], used["id"]), store.verdict_path(used["source"], used["id"])
        if not (sidecar.is_file() and verdict.is_file()):
            raise FraudlossError(
                f"{what}: snapshot {used['id']} of {used['source']} is gone or not judged. The release {speaking['release_id']} "
                f"speaks on. `fraudloss verify` says what is gone; `fraudloss validate {used['source']}` judges."
            )


def _taken_away(store: Store, candidates: Candidates, period: Period) -> dict[str, dt.date]:
    """The files that took figures of the period away, with the day from which each was known."""
    found: dict[str, dt.date] = {}
    withdrawn = candidates.withdrawn(period)
    for source_id, day in set(zip(withdrawn["source"], withdrawn["vintage"], strict=True)):
        found |= {item.id: day for item in store.snapshots(source_id) if item.known_at == day}
    return found
