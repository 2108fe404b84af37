"""Embargoes: releases that are made and checked before their time, and what is kept from everything that is published until then.

In: the records of embargoes, what sources declare of their release times (`embargo` in source.yml), and a moment that the caller
gives. Out: which embargoes are in force at that moment, and the snapshots that they hold back: each file that brings figures of a
period under embargo and that no published release was made from before. What is published is made as if these files had not
arrived, so nothing of them can be read, or computed, from any other page. No clock is read here.

A file that two embargoes hold waits for the later one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.coverage import periods_with_figures_of
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, Period, UsageError
from pipeline.sources.catalogue import Source, source_ids, sources

if TYPE_CHECKING:
    from pipeline.store import Store

# The page in the folder of a release that says that it waits.
PREVIEW = "embargo.html"
IN_FORCE, LIFTED, OVER = "in force", "lifted", "over"
# A release with these figures tells nothing of a period that it shows for comparison only.
_ONLY_SHOWN = ("", "history", "event")


@dataclasses.dataclass(frozen=True)
class Embargo:
    """An embargo on the release of one period."""

    period: Period
    until: dt.datetime | None  # UTC; None: held until somebody lifts it
    status: str = IN_FORCE  # IN_FORCE; LIFTED before its time, by decision; OVER: the release speaks
    public: tuple[str, ...] = ()  # ids of the snapshots that published releases were made from when it began
    decisions: tuple[Mapping[str, Any], ...] = ()  # action (set, declared, extended, lifted), until, reason; the oldest first
    release_id: str | None = None  # of the release that waits; None as long as there are no figures
    previews: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # path below the period's folder -> entry

    def holds(self, now: dt.datetime | None) -> bool:
        """Whether it is in force at this moment. Without a moment it is: nothing slips out because nobody knew the time."""
        return self.status == IN_FORCE and (self.until is None or now is None or now < self.until)

    @property
    def until_text(self) -> str:
        return instant_text(self.until) if self.until else "somebody lifts it"

    def decided(self, action: str, reason: str, **changes: Any) -> Embargo:
        """The embargo after a decision."""
        changed = dataclasses.replace(self, **changes)
        return dataclasses.replace(changed, decisions=(*self.decisions, _decision(action, changed.until, reason)))

    def was_decided(self, action: str, reason: str, until: dt.datetime | None) -> bool:
        """Whether this very decision was the last: a command that was broken off is given again, and goes on."""
        return bool(self.decisions) and dict(self.decisions[-1]) == _decision(action, until, reason)

    def to_json(self) -> dict[str, Any]:
        """The record in the store."""
        return {
            "frequency": self.period.frequency,
            "period": self.period.code,
            "until": instant_text(self.until) if self.until else None,
            "status": self.status,
            "public": sorted(self.public),
            "decisions": [dict(decision) for decision in self.decisions],
            "release_id": self.release_id,
            "previews": {name: dict(entry) for name, entry in self.previews.items()},
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Embargo:
        return cls(
            Period.parse(record["period"]),
            instant(record["until"]) if record["until"] else None,
            record["status"],
            tuple(record["public"]),
            tuple(record["decisions"]),
            record["release_id"],
            record["previews"],
        )


@dataclasses.dataclass(frozen=True)
class Embargoes:
    """Those in force at a moment, and what each holds back."""

    in_force: Mapping[Period, Embargo]
    recorded: Mapping[Period, Embargo]  # those that were ever set, in force or not
    snapshots: Mapping[Period, frozenset[str]]  # by the period of the embargo: the files that it holds
    now: dt.datetime | None

    @property
    def held(self) -> frozenset[str]:
        """Ids of all snapshots that nothing published may be made from."""
        return frozenset[str]().union(*self.snapshots.values())

    def later_than(self, embargo: Embargo) -> frozenset[str]:
        """Ids of the snapshots that are still held when this embargo ends."""
        later = (held for period, held in self.snapshots.items() if _time(self.in_force[period]) > _time(embargo))
        return frozenset[str]().union(*later)

    def has_passed(self, period: Period) -> bool:
        """Whether there is an embargo on the period whose release may speak from now on."""
        embargo = self.recorded.get(period)
        return embargo is not None and embargo.status != OVER and not embargo.holds(self.now)

    @property
    def have_passed(self) -> bool:
        """Whether a release waits that may speak from now on."""
        return any(embargo.release_id and self.has_passed(period) for period, embargo in self.recorded.items())

    @property
    def version(self) -> str:
        """Another text whenever other embargoes are in force; empty where none is."""
        lines = sorted(f"{period.frequency} {period.code} {_time(embargo)}" for period, embargo in self.in_force.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12] if lines else ""


def _decision(action: str, until: dt.datetime | None, reason: str) -> dict[str, str | None]:
    return {"action": action, "until": instant_text(until) if until else None, "reason": reason}


def _time(embargo: Embargo) -> dt.datetime:
    return embargo.until or dt.datetime.max.replace(tzinfo=dt.UTC)


def recorded(store: Store) -> dict[Period, Embargo]:
    """Every embargo that was ever set, in force or not."""
    return {embargo.period: embargo for embargo in map(Embargo.from_json, store.embargo_records())}


def at(store: Store, now: dt.datetime | None) -> Embargoes:
    """The embargoes at a moment: those that were set, and those that sources declare of periods that are not published yet.

    Raises FraudlossError where a source declares release times and no moment is given, and where a release waits whose embargo
    is recorded nowhere.
    """
    known = recorded(store)
    _require_records(store, known)
    in_force = {period: embargo for period, embargo in known.items() if embargo.holds(now)}
    declaring = {declared.id: rules for declared in sources() if (rules := _declared(declared))}
    if declaring:
        in_force |= _from_calendars(store, now, declaring, known)
    snapshots = {period: _held_by(store, embargo) for period, embargo in in_force.items()}
    return Embargoes(in_force, known, snapshots, now)


def _require_records(store: Store, known: Mapping[Period, Embargo]) -> None:
    """A lost record must not let anything slip out: the page in the folder of a release that waits bears witness to it."""
    for page in sorted((store.processed / "releases").glob(f"*/*/*/{PREVIEW}")):
        period = Period.parse(page.parent.parent.name)
        if period not in known or known[period].status == OVER:
            path = store.embargo_path(period.frequency, period.code)
            raise FraudlossError(
                f"{page}: says that the release is under embargo, but {path} does not. Restore that from a backup; or remove the "
                "page, if the release may speak."
            )


def _held_by(store: Store, embargo: Embargo) -> frozenset[str]:
    """The accepted files with figures of the period that no published release was made from when the embargo began."""
    from pipeline.publish.roles import role

    return frozenset(
        snapshot_id
        for snapshot_id, codes in _accepted(store)
        if snapshot_id not in embargo.public and any(role(code, embargo.period) not in _ONLY_SHOWN for code in codes)
    )


def _accepted(store: Store, of: Iterable[str] | None = None) -> Iterable[tuple[str, frozenset[str]]]:
    """Every accepted snapshot of these sources, with the periods that it has figures of."""
    for source_id in of or source_ids():
        for snapshot in store.snapshots(source_id):
            if codes := periods_with_figures_of(store, snapshot):
                yield snapshot.id, codes


def public_snapshots(store: Store) -> tuple[str, ...]:
    """Ids of the snapshots that the releases which speak, or spoke, were made from."""
    found = set()
    for path in (store.processed / "releases").glob("*/*/releases.json"):
        for item in (store.read_json(path) or {"releases": []})["releases"]:
            manifest = store.read_json(path.parent / item["release_id"] / "manifest.json") or {"snapshots": []}
            found |= {snapshot["id"] for snapshot in manifest["snapshots"]}
    return tuple(sorted(found))


# ------------------------------------------------------------------------------------------------------- declared release times


def _declared(source: Source) -> Mapping[str, Any]:
    """frequency -> {days_after, at, dates} of the source. Raises FraudlossError where it is not declared so."""
    declared = source.meta.get("embargo") or {}
    for frequency, rule in declared.items():
        if (
            frequency not in PUBLISHED_FREQUENCIES
            or not isinstance(rule, Mapping)
            or not set(rule) <= {"days_after", "at", "dates"}
        ):
            raise FraudlossError(
                f"{source.id}/source.yml, embargo: found {frequency}: {rule}; expected one of {', '.join(PUBLISHED_FREQUENCIES)} "
                "with days_after (days after the end of the period), at (a time such as 08:50+09:00) and dates (period: day)."
            )
    return dict(declared)


def release_time(rule: Mapping[str, Any], period: Period) -> dt.datetime | None:
    """When a release of the period may speak by a source's rule; None where it says nothing of it."""
    day = {str(code): given for code, given in (rule.get("dates") or {}).items()}.get(period.code)
    if day is None and "days_after" in rule:
        day = period.end + dt.timedelta(days=int(rule["days_after"]))
    return instant(f"{day}T{rule.get('at', '00:00')}") if day is not None else None


def _from_calendars(
    store: Store, now: dt.datetime | None, declaring: Mapping[str, Mapping[str, Any]], known: Mapping[Period, Embargo]
) -> dict[Period, Embargo]:
    """Embargoes on the periods that new files have figures of and whose time has not come."""
    from pipeline.publish.roles import releases_of

    if now is None:
        raise FraudlossError(f"{', '.join(declaring)}: declare release times. Say which moment they are compared with.")
    public = public_snapshots(store)
    found: dict[Period, Embargo] = {}
    for source_id, rules in declaring.items():
        codes = {code for snapshot_id, codes in _accepted(store, [source_id]) if snapshot_id not in public for code in codes}
        for period in (period for frequency in rules for period in releases_of(codes, frequency)):
            time = release_time(rules[period.frequency], period)
            if time and now < time and period not in known and (period not in found or time > _time(found[period])):
                made = Embargo(period, time, public=public)
                found[period] = made.decided("declared", f"the release time that {source_id} declares")
    return found


# ------------------------------------------------------------------------------------------------------------------ moments


def instant(text: str) -> dt.datetime:
    """A moment in UTC, written as 2026-06-20 (its first moment in UTC) or 2026-06-20T08:50+09:00. Raises UsageError."""
    try:
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no moment. Write 2026-06-20, or 2026-06-20T08:50+09:00.") from None


def instant_text(moment: dt.datetime) -> str:
    """The moment as records and pages write it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")
