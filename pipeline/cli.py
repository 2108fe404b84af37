"""The command `fraudloss`: every step and every question, without the scheduler.

In: arguments. Out: text or JSON on standard output, one structured line for each event on standard error, exit code 0 (done),
1 (refused or failed, with the reason) or 2 (wrong use).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline import steps
from pipeline.log import LOGGER
from pipeline.model import EDITIONS, PUBLISHED_FREQUENCIES, FraudlossError, UsageError, day_of, relations_text
from pipeline.sources.catalogue import source, source_ids

_Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Gives the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    _configure_log()
    try:
        return given.command(given)
    except UsageError as error:
        print(f"fraudloss: {error}", file=sys.stderr)
        return 2
    except FraudlossError as error:
        print(f"fraudloss: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`); what is still buffered must not fail at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = error.filename or f"the data root {given.data or steps.data_root()}"
        print(f"fraudloss: {place}: {error.strerror}. Nothing was half-written: mend that, and run it again.", file=sys.stderr)
        return 1


class _StandardError(logging.Handler):
    """Writes to what standard error is at the moment: a progress bar that is being drawn lets lines pass above it."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def _configure_log() -> None:
    if not LOGGER.handlers:
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)


# ---------------------------------------------------------------------------------------------------------------- parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fraudloss", description="Fraud-loss statistics, from publishers' files to summaries.")
    parser.add_argument("--data", type=_folder, default=None, help="data root (default: FRAUDLOSS_DATA, else ./data)")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "all that is due, every source", "fraudloss run")
    _now(run)
    run.add_argument("--source", action="append", choices=source_ids(), help="only this source (may be given several times)")

    ingest = _command(
        commands,
        "ingest",
        _ingest,
        "take in a file, a folder, a zip or an address",
        "fraudloss ingest npa_annual r08.csv --published 2027-05-21 --edition final",
    )
    ingest.add_argument("source", metavar="SOURCE", help=", ".join(source_ids()))
    ingest.add_argument("path", nargs="?", metavar="PATH_OR_URL", help="left out: the publisher's address in source.yml")
    ingest.add_argument("--published", default="", help="when it was published: 2025-05-23, 2025-05 or 2025")
    _now(ingest, "the moment with which the day of publication is compared, 2026-06-20 or 2026-06-20T08:50+09:00 (default: now)")
    ingest.add_argument("--edition", choices=sorted(EDITIONS), default="unknown", help="what the publication says of itself")
    ingest.add_argument("--extract", action="store_true", help="the file holds only some of the publication's figures")
    ingest.add_argument("--origin", default="", help="where it comes from (an address, a publication)")

    for name, command, help_text in (
        ("validate", _validate, "read and judge the source's snapshots"),
        ("aggregate", _aggregate, "make the source's view: figures in force and derived ones"),
    ):
        step = _command(commands, name, command, help_text, f"fraudloss {name} npa_annual")
        step.add_argument("source", metavar="SOURCE", help=", ".join(source_ids()))
        if name == "aggregate":
            _engine(step, default=None)

    publish = _command(commands, "publish", _publish, "publish one period", "fraudloss publish --frequency annual --period 2025")
    publish.add_argument("--frequency", required=True, choices=PUBLISHED_FREQUENCIES)
    publish.add_argument("--period", required=True, help="2025, 2025-Q1 or 2025-04")
    _as_of(publish)
    _now(publish)
    waits = publish.add_mutually_exclusive_group()
    waits.add_argument(
        "--embargo-until",
        type=_moment,
        default=None,
        metavar="MOMENT",
        help="make the release, and let nothing of it be seen before this moment (2026-06-20, 2026-06-20T08:50+09:00)",
    )
    waits.add_argument("--hold", action="store_true", help="the same, until `fraudloss embargo lift`")
    publish.add_argument("--reason", default="", help="why it is held back: recorded, and shown to who opens the preview")
    _embargo_parser(commands)

    for name, command, help_text in (
        ("plan", _plan, "what a backfill would do, period by period; writes nothing"),
        ("backfill", _backfill, "publish every period from the first to the last, both included"),
    ):
        stretch = _command(
            commands, name, command, help_text, f"fraudloss {name} --frequency monthly --from 2024-01 --to 2024-12"
        )
        stretch.add_argument("--frequency", required=True, choices=PUBLISHED_FREQUENCIES)
        stretch.add_argument("--from", dest="first", required=True, metavar="PERIOD", help="2024, 2024-Q1 or 2024-01")
        stretch.add_argument("--to", dest="last", required=True, metavar="PERIOD", help="the last period, included")
        _now(stretch)
        _as_of(stretch, "what would have been published on this day (2025-05-23); it does not speak for its period")
        if name == "plan":
            _json(stretch)
        else:
            _engine(stretch)

    difference = _command(
        commands,
        "diff",
        _diff,
        "what changed between two releases of a period, or two days",
        "fraudloss diff 2025-05-22 2025-05-23 --period 2024",
    )
    difference.add_argument("first", metavar="A", help="a release (annual/2024/<id>, or its id) or a day (2025-03-01)")
    difference.add_argument("second", metavar="B", nargs="?", help="another one; left out: what is known, or was as of a day")
    for name, example in (("source", "npa_annual"), ("frequency", "annual"), ("period", "2024")):
        difference.add_argument(f"--{name}", help=example)
    _as_of(difference, "compare A with what was known on this day")
    _json(difference)

    query = _command(
        commands,
        "query",
        _query,
        "figures in force",
        "fraudloss query --source npa_annual --period 2025 --measure loss --unit JPY --json",
    )
    for name, example in (
        ("source", "npa_annual"),
        ("table", "special_fraud"),
        ("frequency", "annual"),
        ("period", "2025, 2025-S1, 2025-Q1, 2025-04, 2025-FY, 2025-01/2025-07"),
        ("measure", "loss"),
        ("fraud-type", "a common code; _T for the total"),
        ("area", "JP"),
        ("unit", "JPY"),
    ):
        query.add_argument(f"--{name}", help=example)
    _as_of(query)
    _json(query)

    trace = _command(commands, "trace", _trace, "a figure back to its cells", "fraudloss trace 0123456789abcdef")
    trace.add_argument("observation_id", metavar="OBSERVATION_ID", help="an id, or the end of a figure's link on a page")
    _json(trace)

    freshness = _command(commands, "sources", _sources, "freshness, holes and owner of each source", "fraudloss sources")
    _as_of(freshness, "judge freshness as of this day, by what was known then (default: today)")
    _json(freshness)

    reconcile = _command(
        commands, "reconcile", _reconcile, "published totals against ours; fails where one compares worse", "fraudloss reconcile"
    )
    reconcile.add_argument(
        "--source", action="append", choices=source_ids(), help="only this source (may be given several times)"
    )
    _as_of(reconcile)
    _json(reconcile)

    new = _command(
        commands, "new-source", _new_source, "the folder, suite and fixture of a new publisher", "fraudloss new-source uk_finance"
    )
    new.add_argument("id", metavar="ID", help="lower-case letters, digits and underscores")
    new.add_argument("--title", default=None, help="what the source is called on pages")

    quarantine = _command(
        commands,
        "quarantine",
        _quarantine_list,
        "rows that broke a row rule: list them, show them, judge them again",
        "fraudloss quarantine show --source cafc --json",
    )
    ways = quarantine.add_subparsers(dest="way", required=True, metavar="list|show|replay")
    for name, command, help_text in (
        ("list", _quarantine_list, "how many rows are set aside, by source, snapshot and rule"),
        ("show", _quarantine_show, "the rows, with the cell or row that each comes from"),
        ("replay", _quarantine_replay, "judge them again by the present code and suite, and take in what passes"),
    ):
        way = _command(ways, name, command, help_text, f"fraudloss quarantine {name} --source cafc")
        way.add_argument("--source", choices=source_ids(), help="only this source")
        way.add_argument("--snapshot", metavar="ID", help="only this snapshot")
        way.add_argument("--rule", metavar="RULE", help="only rows that broke this rule")
        _json(way)

    _json(_command(commands, "verify", _verify, "recompute every hash, manifest and row count", "fraudloss verify"))
    return parser


def _command(commands: Any, name: str, command: _Command, help_text: str, example: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text, description=help_text, epilog=f"example: {example}")
    parser.set_defaults(command=command)
    return parser


def _as_of(parser: argparse.ArgumentParser, help_text: str = "as it was known on this day (2025-05-23)") -> None:
    parser.add_argument("--as-of", type=_day, default=None, metavar="DATE", help=help_text)


def _engine(parser: argparse.ArgumentParser, default: int | None = 1) -> None:
    """Where the work is done. Without a default: of a ledger, by one process for each processor."""
    shown = default or "for a ledger, one for each processor"
    parser.add_argument("--workers", type=int, default=default, metavar="N", help=f"processes at work at once (default: {shown})")
    parser.add_argument(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="a Dask cluster instead: the address of its scheduler (tcp://host:8786), or `local` for one of --workers processes",
    )


def _engine_of(given: argparse.Namespace) -> dict[str, Any]:
    if given.workers is not None and given.workers < 1:
        raise UsageError(f"{given.workers} workers: give 1 or more.")
    return {"workers": given.workers, "dask": given.dask}


def _now(
    parser: argparse.ArgumentParser,
    help_text: str = "the moment with which embargoes are compared, 2026-06-20 or 2026-06-20T08:50+09:00 (default: now)",
) -> None:
    parser.add_argument("--today", dest="now", type=_moment, default=None, metavar="MOMENT", help=help_text)


def _folder(text: str) -> Path:
    """An empty name would be the folder that one stands in: what `--data "$FORGOTTEN"` gives."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name the folder with raw/ and processed/")
    return Path(text)


def _moment(text: str) -> dt.datetime:
    from pipeline.embargoes import instant

    try:
        return instant(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _now_of(given: argparse.Namespace) -> dt.datetime:
    """The moment that was given, else this one. Beside `steps.today` the only clock: it decides when a release speaks, never what
    it says."""
    return given.now or dt.datetime.now(dt.UTC)


def _embargo_parser(commands: Any) -> None:
    example = "fraudloss embargo lift --frequency monthly --period 2026-04 --reason 'the ministry published it'"
    embargo = _command(commands, "embargo", _embargo_list, "releases that wait for their time: list, lift, extend", example)
    ways = embargo.add_subparsers(dest="way", required=True, metavar="list|lift|extend")
    _now(listed := _command(ways, "list", _embargo_list, "every embargo, with what it holds back", "fraudloss embargo list"))
    _json(listed)
    for name, command, help_text in (
        ("lift", _embargo_lift, "let the release speak now, before its time"),
        ("extend", _embargo_extend, "hold it longer"),
    ):
        way = _command(ways, name, command, help_text, example.replace("lift", name))
        way.add_argument("--frequency", required=True, choices=PUBLISHED_FREQUENCIES)
        way.add_argument("--period", required=True, help="2025, 2025-Q1 or 2025-04")
        way.add_argument("--reason", required=True, help="recorded with the decision")
        _now(way)
        if name == "extend":
            until = way.add_mutually_exclusive_group(required=True)
            until.add_argument("--until", type=_moment, default=None, metavar="MOMENT", help="such as 2026-06-20T08:50+09:00")
            until.add_argument("--hold", action="store_true", help="until somebody lifts it")


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _day(text: str) -> dt.date:
    try:
        return day_of(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


# ----------------------------------------------------------------------------------------------------------------- steps


def _run(given: argparse.Namespace) -> int:
    """Every source, then every period that is due. What fails, or compares worse with published totals than it did, is named
    at the end and stops nothing else."""
    now = _now_of(given)
    runs = {source_id: _run_source(source_id, given.data) for source_id in given.source or source_ids()}
    failures = [run.refusal for run in runs.values() if run.refusal]
    changed = [source_id for source_id, run in runs.items() if run.view]
    docs_changed = steps.build_data_docs(data=given.data)
    published: list[str] = []
    with steps.figures_read_once():
        for frequency in PUBLISHED_FREQUENCIES:
            try:
                published += steps.publish_due(frequency, data=given.data, now=now)
            except FraudlossError as refusal:
                failures.append(str(refusal))
        site_changed = steps.build_site(data=given.data, now=now)
    failures += [sentence for source_id in runs for sentence in steps.regressions(source_id, data=given.data)]
    for failure in failures:
        print(f"fraudloss: {failure}", file=sys.stderr)
    if published or changed or docs_changed or site_changed:
        withdrawn = [name for name in published if name.endswith("/withdrawn")]
        told = f"{len(published) - len(withdrawn)} releases published" + (f", {len(withdrawn)} withdrawn" if withdrawn else "")
        print(f"{told}; sources with new figures: {', '.join(changed) or 'none'}.")
    else:
        print("Nothing new: no work done.")
    return 1 if failures else 0


def _run_source(source_id: str, data: Path | None) -> steps.SourceRun:
    """A source that fails in a way that its steps do not know is named too, and stops nothing else."""
    try:
        return steps.run_source(source_id, data=data)
    except (FraudlossError, OSError) as error:
        return steps.SourceRun([], None, f"{source_id}: {error}")


def _ingest(given: argparse.Namespace) -> int:
    declared = source(given.source)
    _require_that_it_came(given.published, _now_of(given))
    delivered = declared.meta.get("address") if given.path is None else given.path
    if delivered == "":
        raise UsageError(
            "the name of the file, folder or address is empty. Name it, or leave it out for the address in source.yml."
        )
    if delivered is None:
        raise UsageError(
            f"{given.source}/source.yml names no address of a file. Say which file, folder or address to take in; "
            f"the publisher's page is {declared.meta['homepage']}"
        )
    snapshot = steps.ingest(
        given.source,
        delivered,
        data=given.data,
        published=given.published,
        edition=given.edition,
        extract=given.extract,
        origin=given.origin or f"delivered as {Path(delivered).name}",
    )
    print(f"snapshot {snapshot.id} of {snapshot.source}: {snapshot.file}, known from {snapshot.known_at}.")
    return 0


def _require_that_it_came(published: str, now: dt.datetime) -> None:
    """Refuse a day of publication that is mistyped: the file would speak in the place of all that come before that day."""
    from pipeline.ingest.publication_days import EXPECTED, is_to_come, why_impossible

    if not published:
        return
    if why := why_impossible(published, now.date()):
        raise UsageError(f"--published {published} is {why}. Give {EXPECTED} (--today is the moment that is taken for now).")
    if is_to_come(published, now.date()):
        print(
            f"fraudloss: --published {published} is still to come. The file speaks from now on all the same; hold it back with "
            "`fraudloss publish … --embargo-until`.",
            file=sys.stderr,
        )


def _validate(given: argparse.Namespace) -> int:
    judged = steps.validate(given.source, data=given.data)
    print(f"{len(judged)} snapshots judged." if judged else "Nothing new: no work done.")
    return 0


def _aggregate(given: argparse.Namespace) -> int:
    if given.dask and not source(given.source).is_ledger:
        raise UsageError(f"{given.source} is no ledger: it is aggregated here, in a moment. Leave --dask out.")
    view_id = steps.aggregate(given.source, data=given.data, **_engine_of(given))
    print(f"view {view_id} made." if view_id else "Nothing new: no work done.")
    return 0


def _publish(given: argparse.Namespace) -> int:
    now = _now_of(given)
    if given.hold or given.embargo_until:
        return _put_under_embargo(given, now)
    if given.reason:
        raise UsageError("--reason says why a release is held back: give --embargo-until or --hold with it, or leave it out.")
    release_id = steps.publish(given.frequency, given.period, data=given.data, as_of=given.as_of, now=now)
    steps.build_site(data=given.data, now=now)
    if release_id == "withdrawn":
        print(f"{given.period} withdrawn: it has no figures any more. Its last release can still be read.")
    else:
        print(f"release {release_id} of {given.period} published." if release_id else "Nothing new: no work done.")
    return 0


def _put_under_embargo(given: argparse.Namespace, now: dt.datetime) -> int:
    if given.as_of is not None:
        raise UsageError("--as-of makes a release that never speaks: there is nothing to hold back.")
    if not given.reason:
        raise UsageError("give --reason: why the release is held back.")
    made = steps.embargo(given.frequency, given.period, until=given.embargo_until, reason=given.reason, now=now, data=given.data)
    steps.build_site(data=given.data, now=now)
    _tell_of(made, given.data)
    return 0


def _tell_of(embargo: Any, data: Path | None) -> None:
    print(f"{embargo.period.code} is under embargo until {embargo.until_text}.")
    if embargo.release_id:
        folder = steps.store_at(data).release_folder(embargo.period.frequency, embargo.period.code, embargo.release_id)
        print(f"release {embargo.release_id} is made and waits: {folder / 'embargo.html'}")
    else:
        print("Nothing of it is unpublished yet: what comes is held back.")


def _embargo_list(given: argparse.Namespace) -> int:
    now = _now_of(given)
    known = steps.embargoes(now, data=given.data)
    found = {**known.recorded, **known.in_force}
    rows = [
        {
            "frequency": period.frequency,
            "period": period.code,
            "until": embargo.until_text,
            "status": "passed" if embargo.status == "in force" and not embargo.holds(now) else embargo.status,
            "release": embargo.release_id or "",
            "holds": " ".join(sorted(known.snapshots.get(period, ()))),
            "reason": "; ".join(str(decision["reason"]) for decision in embargo.decisions),
        }
        for period, embargo in sorted(found.items())
    ]
    _print_rows(given, rows, ["frequency", "period", "until", "status", "release", "holds", "reason"])
    return 0


def _embargo_lift(given: argparse.Namespace) -> int:
    now = _now_of(given)
    steps.decide_on_embargo(given.frequency, given.period, lift=True, reason=given.reason, now=now, data=given.data)
    published = [name for frequency in PUBLISHED_FREQUENCIES for name in steps.publish_due(frequency, data=given.data, now=now)]
    steps.build_site(data=given.data, now=now)
    print(f"the embargo on {given.period} is lifted; {len(published)} releases were made besides.")
    return 0


def _embargo_extend(given: argparse.Namespace) -> int:
    now = _now_of(given)
    made = steps.decide_on_embargo(
        given.frequency, given.period, until=given.until, reason=given.reason, now=now, data=given.data
    )
    _tell_of(made, given.data)
    return 0


def _plan(given: argparse.Namespace) -> int:
    planned = steps.plan(given.frequency, given.first, given.last, data=given.data, as_of=given.as_of, now=_now_of(given))
    if given.json:
        _print_json([item.to_json() for item in planned])
        return _failures_named(planned)
    rows = [
        {
            "period": item.period,
            "action": item.action,
            "reason": ", ".join(_spaced(reason) for reason in item.reasons),
            "because": relations_text(item.because),
            "release": item.release_id,
            "embargo": item.embargo,
            "inputs": " ".join(item.snapshots),
        }
        for item in planned
    ]
    _print_table(rows, ["period", "action", "reason", "because", "release", "embargo", "inputs"])
    return _failures_named(planned)


def _failures_named(planned: Sequence[Any]) -> int:
    """Say of each period that cannot be published why; then the exit code is 1."""
    failures = [item.failure for item in planned if item.failure]
    for failure in failures:
        print(f"fraudloss: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _backfill(given: argparse.Namespace) -> int:
    """What was done and, after a stop, what is left."""
    now, stretch = _now_of(given), (given.frequency, given.first, given.last)
    found = steps.backfill(*stretch, data=given.data, as_of=given.as_of, now=now, **_engine_of(given))
    new = [item for item in found.done if item.is_new]
    if new and given.as_of is None:
        steps.build_site(data=given.data, now=now)
    withdrawn = sum(item.is_withdrawal for item in new)
    told = f"{len(new) - withdrawn} releases published, " + (f"{withdrawn} withdrawn, " if withdrawn else "")
    print(f"{told}{len(found.done) - len(new)} were there already, {len(found.without_figures)} periods without figures.")
    for failure in found.failures:
        print(f"fraudloss: {failure}", file=sys.stderr)
    if found.left:
        print(
            f"fraudloss: stopped. Left are {len(found.left)} periods, {found.left[0]} to {found.left[-1]}: "
            "the same command goes on with them.",
            file=sys.stderr,
        )
    return 1 if found.failures or found.left else 0


# ------------------------------------------------------------------------------------------------------------- questions


def _diff(given: argparse.Namespace) -> int:
    from pipeline import questions

    selection = {name: getattr(given, name) for name in ("source", "frequency", "period")}
    changes = questions.diff(given.first, given.second, data=given.data, as_of=given.as_of, **selection)
    rows = questions.change_records(changes)
    if given.json:
        _print_json(rows)
        return 0
    shown = [row | {"before": row["value_before"], "after": row["value_after"], "edition": row["edition_after"]} for row in rows]
    columns = ["change", "source", "table", "period", "native_type", "measure", "unit", "before", "after", "edition", "note"]
    _print_table([row | {"change": _spaced(row["change"])} for row in shown], columns)
    return 0


def _query(given: argparse.Namespace) -> int:
    from pipeline import questions

    selection = {name: getattr(given, name) for name in questions.SELECTORS}
    found = questions.query(data=given.data, as_of=given.as_of, **selection)
    if given.json:
        _print_json(questions.records(found))
    else:
        columns = [
            "id",
            "source",
            "table",
            "period",
            "fraud_type",
            "native_type",
            "measure",
            "unit",
            "value",
            "edition",
            "origin",
        ]
        _print_table(questions.records(found), columns)
    return 0


def _trace(given: argparse.Namespace) -> int:
    from pipeline import questions

    traced = questions.trace(given.observation_id, data=given.data)
    cells = [
        {"file": cell.snapshot.file, "cell": cell.origin, "text": cell.text, "snapshot": cell.snapshot.id}
        | {"sha256": cell.snapshot.sha256, "published": cell.snapshot.published, "origin": cell.snapshot.origin}
        for cell in traced.cells
    ]
    if given.json:
        _print_json({"observation": traced.observation, "how": traced.how, "cells": cells})
        return 0
    row = traced.observation
    print(f"{row['measure']} of {row['native_type']}, {row['table']}, {row['period']}: {row['value']} {row['unit']}")
    print(f"{traced.how}; {row['edition']}, known from {row['known_at']}")
    for cell in cells:
        print(f"  {cell['cell']}: {cell['text']!r}")
        print(f"    snapshot {cell['snapshot']}, sha256 {cell['sha256']}, published {cell['published'] or 'unknown'}")
        print(f"    {cell['origin']}")
    return 0


def _sources(given: argparse.Namespace) -> int:
    from pipeline import questions

    rows = questions.freshness(given.as_of or steps.today(), data=given.data, as_of=given.as_of)
    if given.json:
        _print_json(rows)
    else:
        shown = [row | {"holes": len(row["holes"]), "fresh": "yes" if row["fresh"] else "no"} for row in rows]
        _print_table(shown, ["source", "snapshots", "refused", "newest", "expected", "fresh", "holes", "owner"])
    return 0


def _quarantine_list(given: argparse.Namespace) -> int:
    from pipeline import quarantine

    rows = quarantine.listed(quarantine.Chosen(given.source, given.snapshot, given.rule), data=given.data)
    _print_rows(given, rows, ["source", "snapshot", "file", "kind", "rule", "rows"])
    return 0


def _quarantine_show(given: argparse.Namespace) -> int:
    from pipeline import quarantine

    rows = quarantine.shown(quarantine.Chosen(given.source, given.snapshot, given.rule), data=given.data)
    if given.json:
        _print_json(rows)
        return 0
    for row in rows:
        print(f"{row['origin']} ({row['source']}, snapshot {row['snapshot']}) broke {', '.join(row['rule_ids'])}")
        about = ("source", "snapshot", "kind", "origin", "rule_ids")
        print("  " + ", ".join(f"{name} {value}" for name, value in row.items() if name not in about and value not in (None, "")))
    print(f"({len(rows)} rows)")
    return 0


def _quarantine_replay(given: argparse.Namespace) -> int:
    from pipeline import quarantine

    rows = quarantine.replay(quarantine.Chosen(given.source, given.snapshot, given.rule), data=given.data)
    _print_rows(given, rows, ["source", "snapshot", "file", "status", "read", "set_aside_before", "set_aside_now"])
    for row in rows:
        if row["status"] == "refused":
            print(f"fraudloss: {row['source']}: snapshot {row['snapshot']}: {row['message']}", file=sys.stderr)
    return 1 if any(row["status"] == "refused" for row in rows) else 0


def _print_rows(given: argparse.Namespace, rows: list[dict[str, Any]], columns: list[str]) -> None:
    if given.json:
        _print_json(rows)
    else:
        _print_table(rows, columns)


def _verify(given: argparse.Namespace) -> int:
    from pipeline import verification

    found = verification.verify(data=given.data)
    if given.json:
        _print_json({"checked": found.checked, "problems": found.problems})
    else:
        print("\n".join([*found.problems, f"{found.checked} files checked, {len(found.problems)} problems."]))
    return 1 if found.problems else 0


def _reconcile(given: argparse.Namespace) -> int:
    """Every published total beside ours; 1 where one compares worse than expected."""
    from pipeline import questions
    from pipeline.aggregate.reconcile import regressions

    found = questions.reconciliation(data=given.data, as_of=given.as_of, of=given.source)
    rows = questions.reconciliation_records(found)
    if given.json:
        _print_json(rows)
    else:
        _print_table(rows, ["source", "id", "measure", "unit", "theirs", "ours", "difference", "status", "explanation"])
    worse = regressions(found)
    for sentence in worse:
        print(f"fraudloss: {sentence}", file=sys.stderr)
    return 1 if worse else 0


def _new_source(given: argparse.Namespace) -> int:
    from pipeline import new_source

    if steps.IS_INSTALLED:
        raise UsageError(
            "new-source writes code, a suite and a test into a checkout of the repository, and this fraudloss is a package that "
            f"lies in {steps.REPOSITORY}. Run it in a checkout, where make run has installed it."
        )
    for path in new_source.write(given.id, steps.REPOSITORY, title=given.title):
        print(path.relative_to(steps.REPOSITORY).as_posix())
    print("Fill in what these files ask for; docs/adding-a-source.md walks through one.")
    return 0


def _print_json(record: Any) -> None:
    print(json.dumps(record, ensure_ascii=False, indent=1))


def _print_table(rows: list[dict[str, Any]], columns: list[str]) -> None:
    cells = [columns, *([_text(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    print(f"({len(rows)} rows)")


def _spaced(code: str) -> str:
    return code.replace("_", " ")


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
