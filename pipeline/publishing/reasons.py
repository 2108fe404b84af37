"""Why a release takes the place of the one that spoke before.

In: the record of the period, the release that spoke, the candidate. Out: `Why`: reasons, what changed, corrections
declared since, and what the period has to do with those of which something became known.
"""

from __future__ import annotations

import collections
import datetime as dt
from typing import TYPE_CHECKING, Any

from pipeline import code_version
from pipeline.coverage import periods_delivered
from pipeline.publishing.candidates import Candidate
from pipeline.publishing.records import figures_of
from pipeline.sources.catalogue import source_ids

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.publish.period import Why
    from pipeline.store import Store


def why_released(store: Store, record: dict[str, Any], candidate: Candidate) -> Why:
    """Why this release takes the place of the one that spoke last, and what changed from that to this."""
    from pipeline.aggregate.revisions import differences
    from pipeline.frames import CHANGE_SCHEMA, OBSERVATION_COLUMNS, empty_frame
    from pipeline.publish.period import Why
    from pipeline.publish.revisions import reasons_of

    last = record["releases"][-1]["release_id"] if record["releases"] else ""
    folder = store.release_folder(candidate.period.frequency, candidate.period.code, last)
    spoken = store.read_json(folder / "manifest.json") if last else None
    back = ("reinstatement",) if last and record["current"] is None else ()
    if last == candidate.release_id:
        return Why(back or ("new_code",))
    if spoken is None:
        return Why(back or ("new_period",))
    before = figures_of(store, spoken)
    changed = differences(before, candidate.rows[OBSERVATION_COLUMNS]) if before is not None else empty_frame(CHANGE_SCHEMA)
    changed = _as_history_tells(changed, _revised_since(spoken, candidate))
    corrections = declared_since(before, candidate.rows) if before is not None else ()
    reasons = _reasons_since(spoken, candidate)
    if reasons == ("new_code",) and before is not None and not len(changed) and not _is_other_code(spoken, candidate):
        # A file came in late whose figures were replaced since: nothing but their history is another.
        reasons = reasons_of(candidate.revisions.revisions["change"])
    if corrections:
        reasons = (*(reason for reason in reasons if reason != "new_code"), "declared_correction")
    counts = dict(sorted(collections.Counter(changed["change"]).items()))
    return Why((*back, *reasons), counts, corrections, _because(store, spoken, candidate, changed))


def _is_other_code(spoken: dict[str, Any], candidate: Candidate) -> bool:
    return bool(spoken["code_version"] != code_version.of_publication(candidate.rows["source"]))


def _revised_since(spoken: dict[str, Any], candidate: Candidate) -> pd.DataFrame:
    """REVISION_COLUMNS: what the release shows revised since days that the one that spoke did not know."""
    return candidate.revisions.revised_in(set(candidate.revisions.vintages) - _days_known(spoken))


def _days_known(spoken: dict[str, Any]) -> set[dt.date]:
    return {dt.date.fromisoformat(day) for day in spoken["revision"]["vintages"]}


def _as_history_tells(changed: pd.DataFrame, revised: pd.DataFrame) -> pd.DataFrame:
    """CHANGE_COLUMNS, without blaming other code for what a later printing did.

    Where a file only rounds what stands already, the same files speak before and after; but a mean may have waited for it.
    """
    from pipeline.frames import KEY_COLUMNS

    def keys(changes: pd.DataFrame) -> list[tuple[str, ...]]:
        return list(changes[KEY_COLUMNS].itertuples(index=False, name=None))

    told = dict(zip(keys(revised), revised["change"], strict=True))
    kinds = [
        told.get(key, kind) if kind == "new_code" else kind for key, kind in zip(keys(changed), changed["change"], strict=True)
    ]
    return changed.assign(change=kinds) if kinds else changed


def _because(store: Store, spoken: dict[str, Any], candidate: Candidate, changed: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """What the release has to do with what became known: key of model.RELATIONS -> periods, in order of time.

    `changed`: CHANGE_COLUMNS, from the figures of the release that spoke to those of the candidate.
    """
    from pipeline.publish.roles import is_own, parsed

    period = candidate.period
    spoke, speaks = {item["id"] for item in spoken["snapshots"]}, set(candidate.snapshot_ids)
    days = set(candidate.revisions.vintages) - _days_known(spoken)
    # Where no file came, figures of one are gone.
    came = speaks - spoke or (set() if days else spoke - speaks)
    files = [
        item
        for source_id in source_ids()
        for item in store.snapshots(source_id)
        # One that only rounds what stands already speaks for no figure.
        if item.id in came or item.known_at in days
    ]
    delivered = {code for item in files for code in periods_delivered(store, item)}
    own = {code for code in delivered if is_own(code, period)}
    parts = {code for code in own if code != period.code and period.holds(parsed(code))}
    revised = set(changed["period"])
    found = {"covered": own - parts, "above": parts, "history": {code for code in revised if not is_own(code, period)}}
    if not own and any(is_own(code, period) for code in revised):
        found["compared"] = {code for code in delivered if period.year_before.holds(parsed(code))} or delivered
    return {
        relation: tuple(sorted(codes, key=lambda code: (parsed(code).start, parsed(code).end)))
        for relation, codes in found.items()
        if codes
    }


def declared_since(before: pd.DataFrame, now: pd.DataFrame) -> tuple[str, ...]:
    """The corrections declared here that figures tell now and did not tell before, in words.

    The same error in the next file of a publisher is declared anew, at another place: that alone is no news.
    """
    from pipeline.reading.correction_notes import without_place

    known, told = _corrections_told(before), _corrections_told(now)
    places_known = collections.Counter(map(without_place, known))
    places_told = collections.Counter(map(without_place, told))
    news = {words for words, count in places_told.items() if count > places_known[words]}
    return tuple(sorted(words for words in told - known if without_place(words) in news))


def _corrections_told(figures: pd.DataFrame) -> set[str]:
    """The corrections that figures tell in their notes: of their own cell, or of the records that they are counted of."""
    from pipeline.reading.correction_notes import CORRECTED, told_in

    noted = figures[(figures["note"] != "").to_numpy(bool)]
    told = set()
    for derivation, absence, note in set(zip(noted["derivation"], noted["absence"], noted["note"], strict=True)):
        if derivation == "records":
            told.update(told_in(note))
        elif derivation == "" and (note.startswith(CORRECTED) or absence == "unreadable"):
            told.add(note)
    return told


def _reasons_since(speaking: dict[str, Any], candidate: Candidate) -> tuple[str, ...]:
    """Why this release takes the place of that one: what became known since, and whether the code is another."""
    from pipeline.publish.revisions import reasons_of

    spoke, other_code = {item["id"] for item in speaking["snapshots"]}, _is_other_code(speaking, candidate)
    rows = candidate.rows[["snapshot", "known_at"]].drop_duplicates()
    if spoke == set(candidate.snapshot_ids):
        said = {item["id"]: item["known_at"] for item in speaking["snapshots"]}
        is_redated = any(said.get(parts, day.isoformat()) != day.isoformat() for parts, day in rows.itertuples(index=False))
        came = set(candidate.revisions.vintages) - _days_known(speaking)
        reasons: tuple[str, ...] = ()
        if is_redated:
            reasons = ("redated",)
        elif came:
            reasons = reasons_of(_revised_since(speaking, candidate)["change"])
        elif not other_code:
            # One that only rounds what stands already speaks for no figure, and is missed by its day alone.
            reasons = ("refusal",) if _days_known(speaking) - set(candidate.revisions.vintages) else ("new_code",)
        return (*reasons, "new_code") if other_code else reasons
    days = set(candidate.revisions.vintages) - _days_known(speaking)
    # An older file that came in late speaks of days that are past.
    days |= {day for parts, day in rows.itertuples(index=False) if not spoke.issuperset(parts.split("+"))}
    known = candidate.revisions.reasons_of(days)
    return (*known, "new_code") if other_code else known
