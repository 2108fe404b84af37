"""Publishing all that is due of a frequency.

In: a store, a frequency. Out: what is new; and a note of what all releases were made of, so that the next run finds
its work done.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pipeline import code_version, collector, embargoes, log, vintages
from pipeline.model import PUBLISHED_FREQUENCIES, FraudlossError, Period, UsageError
from pipeline.publishing.candidates import Candidates
from pipeline.publishing.records import periods_with_a_release
from pipeline.publishing.releases import Overtaken, Published, publish_period, withdraw_period
from pipeline.publishing.standing import Standing, is_as_left
from pipeline.publishing.under_embargo import prepare_all
from pipeline.sources.catalogue import source_ids

if TYPE_CHECKING:
    from pipeline.store import Store


@collector.at_rest()
def publish_due(store: Store, frequency: str, as_of: dt.date | None, now: dt.datetime | None = None) -> list[Published]:
    """Publish every period of the frequency whose release is not there yet, and withdraw those that have no figures any more.
    Gives what is new. What is under embargo is made, and waits.

    A release that cannot be made stops no other; it is named at the end (FraudlossError).
    """
    if frequency not in PUBLISHED_FREQUENCIES:
        raise UsageError(f"{frequency!r} is not published; {', '.join(PUBLISHED_FREQUENCIES)} are.")
    store.recover()
    published: list[Published] = []
    while True:
        made_of = _made_of(store, now)
        if as_of is None and _nothing_is_due(store, frequency, made_of):
            return []
        candidates = Candidates(store, as_of, now)
        try:
            speaking, failures = _take_up(store, candidates, frequency, published, withdraws=as_of is None)
        except Overtaken:
            log.event("looking again", frequency=frequency, reason="another run judged new files")
            continue
        if as_of is None:
            failures += prepare_all(store, candidates.embargoes, frequency)
        if failures:
            raise FraudlossError("\n".join(failures))
        if as_of is None and _made_of(store, now) == made_of:
            each = {code: candidates.made_of(Period.parse(code)) for code, release_id in speaking.items() if release_id}
            store.write_json(store.due_path(frequency), {"made_of": made_of, "releases": speaking, "each_made_of": each})
        return [item for item in published if item.is_new]


def _take_up(
    store: Store, candidates: Candidates, frequency: str, published: list[Published], *, withdraws: bool
) -> tuple[dict[str, str | None], list[str]]:
    """Publish each period that has figures, and withdraw the others where it `withdraws`; what came of it goes into `published`.

    Gives the release that speaks then for each period (None: it is withdrawn), and the failures. Raises Overtaken.
    """
    speaking, failures = dict[str, str | None](), list[str]()
    standing = Standing(store, candidates, frequency)
    figured = candidates.periods(frequency)
    bare = [period for period in periods_with_a_release(store, frequency) if period not in figured] if withdraws else []
    for period in log.progress([*figured, *bare], f"publish {frequency}"):
        try:
            if period in figured:
                speaking[period.code] = standing.release_of(period) or _publish(store, candidates, period, published)
                continue
            if withdrawn := withdraw_period(store, candidates, period):
                published.append(withdrawn.tell())
            if store.current_path(frequency, period.code).is_file():
                speaking[period.code] = None
        except FraudlossError as failure:
            failures.append(str(failure))
    return speaking, failures


def _publish(store: Store, candidates: Candidates, period: Period, published: list[Published]) -> str:
    """Publish the period. Gives the id of the release that speaks for it then."""
    item = publish_period(store, candidates, period).tell()
    published.append(item)
    if item.is_new:
        collector.after_release(sum(each.is_new and not each.is_withdrawal for each in published))
    return item.release_id


def _made_of(store: Store, now: dt.datetime | None) -> dict[str, str]:
    """What the releases of all periods follow from: the views of the sources, the code that shows them, and what is held back."""
    held = embargoes.at(store, now).version
    return (
        {source_id: vintages.view_id(store, source_id) for source_id in source_ids()}
        | {"code": code_version.of_publication(source_ids())}
        | ({"embargoes": held} if held else {})
    )


def _nothing_is_due(store: Store, frequency: str, made_of: dict[str, str]) -> bool:
    """Whether all releases were made of this already, are there whole, and speak."""
    record = store.read_json(store.due_path(frequency))
    return (
        record is not None
        and record["made_of"] == made_of
        and all(is_as_left(store, frequency, code, release_id) for code, release_id in record["releases"].items())
        and all(_waits(store, embargo) for embargo in embargoes.recorded(store).values())
    )


def _waits(store: Store, embargo: embargoes.Embargo) -> bool:
    """Whether the release that is under embargo is there whole, with the page that says so."""
    folder = store.releases_folder(embargo.period.frequency, embargo.period.code)
    return embargo.status == embargoes.OVER or (
        embargo.release_id is not None
        and store.release_is_whole(folder / embargo.release_id)
        and all(store.is_there({"path": store.relative(folder / name), **entry}) for name, entry in embargo.previews.items())
    )
