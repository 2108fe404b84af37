"""All releases of one period: which spoke for it, in order, what took the place of each, since when and why.

In: the record of a period as it stands (`releases.json`), and what happens to it: a release begins to speak, the period is
withdrawn, a release is reproduced as of a day. Out: the record after it, and the page `index.html` beside `current.json` that
shows it. A release never changes, so what became of it stands here, one folder above it, and every page of it leads here. The
days are those on which figures became known; no clock is read.

The record: `frequency`, `period`; `current`, the id of the release that speaks, None where none does; `releases`, in the order in
which they began to speak; `others`, which never spoke here, by as-of date. A release: `release_id`, `as_of`, `code_version`,
`status` (STATUSES), `reasons` (keys of model.REASONS: why it began to speak), `changes` (keys of model.CHANGES: how many of the
figures changed), `corrections` (declared here, in words), `because` (keys of model.RELATIONS: the periods of which something
became known), and `ended`: None while it speaks, else `by` (the id of the release
that took its place; None where the period was withdrawn), `since` (the day from which that was known), `reasons`, `snapshots` (of
a withdrawal: the files that took the figures away).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import CHANGES, REASONS, RELATIONS, Period
from pipeline.publish.languages import LANGUAGES, speaking
from pipeline.publish.period_labels import FREQUENCY_TITLES, period_japanese, period_label
from pipeline.publish.rendering import render
from pipeline.publish.revision_tables import change_word
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, _, day, declared, listed, page_name

STATUSES: dict[str, str] = {
    "current": _("in force for the period now"),
    "superseded": _("another release took its place"),
    "withdrawn": _("its figures were withdrawn, and no release took its place"),
    "not in force": _("never in force for the period here"),
}
_STATUS_WORDS = {
    "current": _("current"),
    "superseded": _("superseded"),
    "withdrawn": _("withdrawn"),
    "not in force": _("not in force"),
}
_TEMPLATE = "period.html.j2"
# A file may cover years of months; releases.json names them all.
_NAMED = 6


@dataclasses.dataclass(frozen=True)
class Why:
    """Why a release takes the place of the one before: keys of model.REASONS; how many figures changed, by key of model.CHANGES;
    corrections declared here, in words; and by key of model.RELATIONS the periods of which something became known."""

    reasons: tuple[str, ...]
    changes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    corrections: tuple[str, ...] = ()
    because: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Withdrawal:
    """A period that has no figures any more."""

    release_id: str  # of the release that spoke last
    since: dt.date  # the day from which that is known
    reasons: tuple[str, ...]
    snapshots: tuple[str, ...]  # ids of the files that took the figures away, or were refused

    def to_json(self) -> dict[str, Any]:
        """For the pointer."""
        lists = {"reasons": list(self.reasons), "snapshots": list(self.snapshots)}
        return {**dataclasses.asdict(self), **lists, "since": self.since.isoformat()}


def new_record(period: Period) -> dict[str, Any]:
    """The record of a period of which nothing was published yet."""
    return {"frequency": period.frequency, "period": period.code, "current": None, "releases": [], "others": []}


def speaks(record: Mapping[str, Any], release: Mapping[str, Any], why: Why) -> dict[str, Any]:
    """The record after this release (release_id, as_of, code_version) began to speak."""
    release_id = release["release_id"]
    ended = {"by": release_id, "since": release["as_of"], "reasons": list(why.reasons), "snapshots": []}
    begun = {
        **_named(release),
        "reasons": list(why.reasons),
        "changes": dict(why.changes),
        "corrections": list(why.corrections),
        "because": {relation: list(periods) for relation, periods in why.because.items()},
        "ended": None,
    }
    others = [other for other in record["others"] if other["release_id"] != release_id]
    return _with_statuses({**record, "current": release_id, "releases": [*_ended(record, ended), begun], "others": others})


def is_withdrawn(record: Mapping[str, Any], withdrawal: Withdrawal) -> dict[str, Any]:
    """The record after the period was withdrawn."""
    ended = {"by": None, **{name: value for name, value in withdrawal.to_json().items() if name != "release_id"}}
    return _with_statuses({**record, "current": None, "releases": _ended(record, ended)})


def is_there(record: Mapping[str, Any], release: Mapping[str, Any]) -> dict[str, Any]:
    """The record after a release was made that does not speak; the same where it is known already."""
    known = {item["release_id"] for item in (*record["releases"], *record["others"])}
    if release["release_id"] in known:
        return dict(record)
    others = [*record["others"], {**_named(release), "status": "not in force"}]
    return {**record, "others": sorted(others, key=lambda item: (str(item["as_of"]), item["release_id"]))}


def _named(release: Mapping[str, Any]) -> dict[str, Any]:
    return {name: release[name] for name in ("release_id", "as_of", "code_version")}


def _ended(record: Mapping[str, Any], ended: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The releases, the one that spoke until now with its end."""
    return [{**item, "ended": item["ended"] or ended} for item in record["releases"]]


def _with_statuses(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "releases": [{**item, "status": _status(item, record["current"])} for item in record["releases"]]}


def _status(item: Mapping[str, Any], current: str | None) -> str:
    if item["release_id"] == current:
        return "current"
    return "superseded" if item["ended"]["by"] else "withdrawn"


def withdrawn(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the period was withdrawn (release_id, since, reasons, snapshots); None where a release speaks, or none ever did."""
    if record["current"] or not record["releases"]:
        return None
    last = record["releases"][-1]
    return {"release_id": last["release_id"], **{name: last["ended"][name] for name in ("since", "reasons", "snapshots")}}


def announced(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The last release that began to speak for another reason than other code; None where none ever spoke."""
    told = [item for item in record["releases"] if item["reasons"] != ["new_code"]]
    return told[-1] if told else None


# ------------------------------------------------------------------------------------------------------------------- page


def pages(record: Mapping[str, Any]) -> dict[str, bytes]:
    """File name -> content of what stands beside `releases.json`."""
    code, frequency = record["period"], record["frequency"]
    about = {
        "title": _("{frequency} summary, {period}", frequency=FREQUENCY_TITLES[frequency], period=period_label(code)),
        "native": period_japanese(code),
        "current": record["current"],
        "lede": _lede(record),
        "releases": [_line(item) for item in reversed(record["releases"])],
        "others": record["others"],
        "statuses": STATUSES,
        "status_words": _STATUS_WORDS,
    }
    return in_every_language(_TEMPLATE, "index.html", **about)


def in_every_language(template: str, name: str, **about: Any) -> dict[str, bytes]:
    """File name -> a page made from its template, in each language."""
    made = {}
    for language in LANGUAGES:
        with speaking(language):
            made[str(page_name(name))] = render(template, name, **about).encode()
    return made


def previews(name: str, period: Period, release_id: str, until: str, reasons: Sequence[str]) -> dict[str, bytes]:
    """File name -> content of the page in the folder of a release under embargo: until when it waits, and why."""
    title = _("{frequency} summary, {period}", frequency=FREQUENCY_TITLES[period.frequency], period=period_label(period.code))
    decisions = [Own(clean(reason)) for reason in reasons]
    return in_every_language("embargo.html.j2", name, title=title, release_id=release_id, until=until, reasons=decisions)


def _lede(record: Mapping[str, Any]) -> str:
    if record["current"]:
        return _(
            "Release {release} is in force for the period. Every release that was in force before it can still be read.",
            release=record["current"],
        )
    if ended := withdrawn(record):
        return _(
            "This period has been withdrawn since {day}: {reasons}. No release is in force for it. Those that were can still be "
            "read; their figures no longer stand.",
            day=day(ended["since"]),
            reasons=reason_words(ended["reasons"]),
        )
    return _("No release has been in force for this period here.")


def reason_words(reasons: Sequence[str]) -> str:
    """The reasons as a reader is told them."""
    return listed([declared(REASONS[reason]) for reason in reasons], "; ")


def _because(item: Mapping[str, Any]) -> list[str]:
    """What the release has to do with what became known, a sentence each. Earlier records do not say."""
    told = item.get("because", {})
    return [_related(relation, _periods(told[relation])) for relation in RELATIONS if told.get(relation)]


def _related(relation: str, periods: str) -> str:
    if relation == "covered":
        return _("A file came that covers {periods}.", periods=periods)
    if relation == "above":
        return _("A file came that covers a part of it: {periods}.", periods=periods)
    if relation == "history":
        return _("Figures changed that it shows for comparison: {periods}.", periods=periods)
    return _("Figures are compared with those of {periods}, of which a file came.", periods=periods)


def _periods(codes: Sequence[str]) -> str:
    """The first of the periods, and how many more."""
    named = listed([period_label(code) for code in codes[:_NAMED]])
    return _("{periods} and {count} more", periods=named, count=f"{len(codes) - _NAMED:,}") if len(codes) > _NAMED else named


def _line(item: Mapping[str, Any]) -> dict[str, Any]:
    ended = item["ended"]
    return {
        **item,
        "why": reason_words(item["reasons"]),
        "figures": listed(
            _("{count} {change}", count=f"{item['changes'][kind]:,}", change=change_word(kind))
            for kind in CHANGES
            if kind in item["changes"]
        ),
        "corrections": [declared(clean(words)) for words in item["corrections"]],
        "because": _because(item),
        "end": None
        if ended is None
        else {
            **ended,
            "since": day(ended["since"]),
            "why": reason_words(ended["reasons"]),
            "snapshots": ", ".join(ended["snapshots"]),
        },
    }
