"""Questions to the store that change nothing: query, diff, trace, reconciliation, freshness of sources.

In: the data root and a selection. Out: frames and records for the CLI to print.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import importlib
import itertools
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import ledgers, steps, vintages
from pipeline.aggregate.corrected_records import CorrectedRecord, goes_into
from pipeline.aggregate.cubes import rows_of
from pipeline.aggregate.reconcile import RECONCILIATION_COLUMNS, published_totals, reconcile
from pipeline.aggregate.revisions import differences
from pipeline.aggregate.view import known_by
from pipeline.frames import CHANGE_COLUMNS, OBSERVATION_COLUMNS, read_observations
from pipeline.model import DERIVATIONS, FREQUENCIES, MEASURES, UNITS, FraudlossError, Period, Snapshot, UsageError, day_of
from pipeline.publish.freshness import freshness_of
from pipeline.publish.selection import select_rows
from pipeline.reading.grids import cell_text
from pipeline.sources.catalogue import Source, source, source_ids
from pipeline.store import Store

# ----------------------------------------------------------------------------------------------------------------- query

SELECTORS = ("source", "table", "frequency", "period", "measure", "fraud_type", "area", "unit")


def query(*, data: Path | None = None, as_of: dt.date | None = None, **selection: str | None) -> pd.DataFrame:
    """The figures in force on a date that match the selection (SELECTORS), as observations.

    Raises UsageError for an unknown source, a malformed period, or a name (a table, a measure, an area, …) that no figure of any
    source has: a misspelt question must not look like one that has no answer.
    """
    wanted = {name: value for name, value in selection.items() if value is not None}
    if "period" in wanted:
        Period.parse(wanted["period"])
    of = [source(wanted["source"]).id] if "source" in wanted else None
    vintages.require_known(steps.store_at(data), as_of, of)
    figures = found = steps.view(data=data, as_of=as_of, of=of)
    for name, value in wanted.items():
        found = found[found[name] == value]
    if not len(found):
        _require_words(wanted, figures, data)
    return found.reset_index(drop=True)


# The declared names that a figure may have, also where none has it just now.
_DECLARED: dict[str, Collection[str]] = {"frequency": FREQUENCIES, "measure": MEASURES, "unit": UNITS}
_NAMED_AT_MOST = 30


def _require_words(wanted: Mapping[str, str], figures: pd.DataFrame, data: Path | None) -> None:
    """Raises UsageError where a name is asked for that neither these figures have nor any that are known now."""
    for name in wanted.keys() - {"source", "period"}:
        if wanted[name] in _DECLARED.get(name, ()) or (figures[name] == wanted[name]).any():
            continue
        known = sorted({*steps.view(data=data)[name], *_DECLARED.get(name, ())})
        if known and wanted[name] not in known:
            near = difflib.get_close_matches(wanted[name], known, n=3)
            shown = [*near, *(each for each in known if each not in near)][:_NAMED_AT_MOST]
            more = ", …" if len(known) > len(shown) else "."
            raise UsageError(f"no figure has the {name.replace('_', ' ')} {wanted[name]!r}. There are {', '.join(shown)}{more}")


def reconciliation(*, data: Path | None = None, as_of: dt.date | None = None, of: list[str] | None = None) -> pd.DataFrame:
    """Every published total of the sources that list any, against ours: RECONCILIATION_COLUMNS of pipeline.aggregate.reconcile.

    Raises UsageError for an unknown source or a day on which nothing was known.
    """
    listing = [name for name in of or source_ids() if published_totals(source(name))]
    vintages.require_known(steps.store_at(data), as_of, of)
    figures = steps.view(data=data, as_of=as_of, of=listing)
    parts = [found for name in listing if len(found := reconcile(figures, source(name)))]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RECONCILIATION_COLUMNS, dtype=object)


def reconciliation_records(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `reconciliation` as JSON-ready dictionaries, None where we hold no figure."""
    return _records(found.astype(object).where(found.notna(), None), RECONCILIATION_COLUMNS)


def records(observations: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON-ready dictionaries: `id` first, numbers as numbers, dates as text."""
    return _records(observations, OBSERVATION_COLUMNS)


def _records(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [{name: plain(row[name]) for name in columns} for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """The value as JSON has it: an exact number as a number, a day as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


# ------------------------------------------------------------------------------------------------------------------ diff


def diff(
    first: str, second: str | None = None, *, data: Path | None = None, as_of: dt.date | None = None, **selection: str | None
) -> pd.DataFrame:
    """What changed, figure by figure (CHANGE_COLUMNS), from `first` to `second`: two releases of one period or two days.

    A release is `annual/2024/<id>` or its id, a day 2025-03-01. Without `second`, it is what is known as of `as_of` (by default
    all that is in the store). `selection`: source, frequency, period. Raises UsageError where the two cannot be compared.
    """
    if second is not None and as_of is not None:
        raise UsageError("give a second release or day, or --as-of, not both.")
    store, days = steps.store_at(data), [_day_of(text) for text in (first, second) if text is not None]
    if len(days) == 2 and (days[0] is None) != (days[1] is None):
        raise UsageError(f"{first} and {second}: compare two releases, or two days such as 2025-03-01.")
    if days[0] is not None and (last := days[1] if second is not None else as_of) is not None and last < days[0]:
        raise UsageError(f"{days[0]} is after {last}: give the earlier day first.")
    if days[0] is not None:
        frames = [_as_of(store, day) for day in (days[0], days[1] if second is not None else as_of)]
    else:
        released = [_release(store, text) for text in (first, second) if text is not None]
        (period, before), (other, after) = (
            released if second is not None else (released[0], _release_as_of(store, released[0][0], as_of))
        )
        if other != period:
            raise UsageError(f"{first} is about {period.code}, {second} about {other.code}: compare two releases of one period.")
        frames = [before, after]
    wanted = {name: value for name, value in selection.items() if value is not None}
    if "period" in wanted:
        Period.parse(wanted["period"])
    if "source" in wanted:
        source(wanted["source"])
    if wanted.get("frequency", FREQUENCIES[0]) not in FREQUENCIES:
        raise UsageError(f"{wanted['frequency']!r} is no frequency. There are {', '.join(FREQUENCIES)}.")
    for name, value in wanted.items():
        frames = [frame[(frame[name] == value).to_numpy(bool)] for frame in frames]
    return differences(*frames, of_one_code=days[0] is not None)


def change_records(changes: pd.DataFrame) -> list[dict[str, Any]]:
    """Changes as JSON-ready dictionaries: `id` first, numbers as numbers, dates as text."""
    ids = changes["id_after"].where(changes["id_after"].notna(), changes["id_before"])
    return _records(changes.assign(id=ids), ["id", *CHANGE_COLUMNS])


def _day_of(text: str) -> dt.date | None:
    """The day that is written so; None for the name of a release."""
    try:
        return day_of(text)
    except UsageError:
        return None


def _as_of(store: Store, day: dt.date | None) -> pd.DataFrame:
    vintages.require_known(store, day)
    return vintages.view(store, day)


def _release(store: Store, name: str) -> tuple[Period, pd.DataFrame]:
    """The period of a release and the figures that it shows."""
    *_, release_id = name.split("/")
    pattern = name if name.count("/") == 2 else f"*/*/{release_id}"
    found = sorted((store.processed / "releases").glob(f"{pattern}/manifest.json"))
    if len(found) != 1 or name.count("/") not in (0, 2):
        raise UsageError(
            f"{name!r} is no release here and no day. Write annual/2024/<id>, the id alone, or a day such as 2025-03-01."
        )
    manifest = store.read_json(found[0]) or {}
    path = found[0].parent / "observations.parquet"
    entry = {"path": store.relative(path), "sha256": manifest["files"][path.name]["sha256"]}
    return Period.parse(manifest["period"]), read_observations(store.read_listed(entry))


def _release_as_of(store: Store, period: Period, as_of: dt.date | None) -> tuple[Period, pd.DataFrame]:
    return period, select_rows(_as_of(store, as_of), period)


# ----------------------------------------------------------------------------------------------------------------- trace


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a publisher's file that a figure comes from, with what stands in it."""

    snapshot: Snapshot
    origin: str
    text: str


@dataclasses.dataclass(frozen=True)
class Trace:
    """A figure, how it was made, and the cells that it was made from."""

    observation: dict[str, Any]
    how: str
    cells: list[Cell]


def trace(observation_id: str, *, data: Path | None = None) -> Trace:
    """Lead a figure back to its cells: an id, or the end of a link on a page.

    The end may stand behind the link and `#`. It may be an id with a day: the figure as it stood until that day or, where it did
    not end then, as it was known on that day (pipeline.publish.replaced). Raises UsageError for an id that no figure in the store
    has, or had then.
    """
    store = steps.store_at(data)
    observation_id, day = _anchor(observation_id)
    row = _find(store, observation_id, data)
    if day is not None:
        source_ids = [row["source"]]
        before, after = (vintages.view(store, as_of, source_ids) for as_of in (day - dt.timedelta(days=1), day))
        found = as_it_stood(before, after, observation_id)
        if found is None:
            raise UsageError(
                f"the figure {observation_id} did not stand on {day} or the day before. Without the day, `fraudloss trace"
                f" {observation_id}` leads back the one that is known now, or was last."
            )
        row = found
    snapshots = {item.id: item for item in store.snapshots(row["source"])}
    used = [snapshots[part] for part in row["snapshot"].split("+")]
    cells = [_cell(store, origin, used) for origin in row["origin"].split("; ")]
    cells += [cell for snapshot in used for cell in _corrected(store, snapshot, row)]
    return Trace(records(pd.DataFrame([row]))[0], DERIVATIONS[row["derivation"]], cells)


_ANCHOR_OF_A_DAY = re.compile(r"([a-p][0-9a-f]{15})-(\d{4}-\d{2}-\d{2})")


def _anchor(text: str) -> tuple[str, dt.date | None]:
    """The id, and the day if one stands behind it, that the end of a link names."""
    text = text.rpartition("#")[2]
    found = _ANCHOR_OF_A_DAY.fullmatch(text)
    return (found[1], day_of(found[2])) if found else (text, None)


def as_it_stood(before: pd.DataFrame, after: pd.DataFrame, observation_id: str) -> dict[str, Any] | None:
    """The figure as the day before has it, where the day itself has another one or none in its place; else as the day has it."""
    old, new = (_row_of(frame, observation_id) for frame in (before, after))
    if old is None or new is None:
        return old or new
    return new if all(old[name] == new[name] for name in ("value", "absence", "edition")) else old


def _row_of(frame: pd.DataFrame, observation_id: str) -> dict[str, Any] | None:
    found = frame[frame["id"] == observation_id]
    return {str(name): value for name, value in found.iloc[0].items()} if len(found) else None


def _find(store: Store, observation_id: str, data: Path | None) -> dict[str, Any]:
    current = steps.view(data=data)
    # What a release shows for comparison may be an earlier printing, and what was derived of it stands in an earlier view only.
    folders = (store.processed / name for name in ("observations", "aggregates"))
    older = (read_observations(path) for folder in folders for path in sorted(folder.glob("*/*.parquet")))
    for frame in itertools.chain([current], older):
        if (found := _row_of(frame, observation_id)) is not None:
            return found
    raise UsageError(
        f"no figure has the id {observation_id!r}. `fraudloss query --json` gives ids; so does the end of a figure's link."
    )


def _cell(store: Store, origin: str, snapshots: list[Snapshot]) -> Cell:
    file, _, address = origin.partition("!")
    if source(snapshots[0].source).is_ledger:
        return Cell(snapshots[-1], origin, _ledger_text(store, origin, snapshots))
    for snapshot in snapshots:
        if snapshot.file == file and address.startswith("rows["):
            return Cell(snapshot, origin, _records_text(store, snapshot, origin))
        # A reader whose files are no plain grids knows where its cells are.
        own = getattr(importlib.import_module(source(snapshot.source).reader), "cell_text", None)
        if own is not None:
            return Cell(snapshot, origin, own(store.raw_path(snapshot), origin))
        if snapshot.file == file:
            return Cell(snapshot, origin, cell_text(store.raw_path(snapshot), address))
    raise FraudlossError(f"{origin}: none of the snapshots {[item.id for item in snapshots]} holds the file {file}.")


def _corrected(store: Store, snapshot: Snapshot, row: dict[str, Any]) -> list[Cell]:
    """The cells that are declared wrong of the records that a figure was counted of, or would have been as they are printed."""
    if row["derivation"] != "records":
        return []
    figure, declared = pd.DataFrame([row]), source(snapshot.source)
    if declared.is_ledger:
        records = ledgers.corrected_records(store, declared, snapshot)
    else:
        verdict = store.read_json(store.verdict_path(snapshot.source, snapshot.id)) or {}
        records = [CorrectedRecord.from_json(kept) for kept in verdict.get("corrections", ())]
    of_figure = [record for record in records if goes_into(figure, record, declared)[0]]
    return [Cell(snapshot, f"{snapshot.file}!{record.cell}", record.words) for record in of_figure]


def _ledger_text(store: Store, origin: str, snapshots: list[Snapshot]) -> str:
    """How many records of its month files a figure was made of, and where the first of them stand."""
    found = ledgers.records_of(store, source(snapshots[0].source), origin, snapshots)
    first = [f"{file} row {row}" for file, rows in found.items() for row in rows[:5].tolist()][:5]
    count = sum(len(rows) for rows in found.values())
    return f"{count:,} records: {', '.join(first)}{', …' if count > len(first) else ''}"


def _records_text(store: Store, snapshot: Snapshot, origin: str) -> str:
    """How many records a figure was made of, and where the first of them stand in their file."""
    cases = pd.concat([pd.read_parquet(path) for path in store.cases_paths(snapshot)], ignore_index=True)
    texts = cases.select_dtypes(["object", "str"])
    rows = rows_of(cases.astype(dict.fromkeys(texts, "category")), origin, source(snapshot.source))
    first = ", ".join(f"{file} row {row}" for file, row in zip(rows["file"][:5], rows["row"][:5], strict=True))
    return f"{len(rows):,} records: {first}{', …' if len(rows) > 5 else ''}"


# --------------------------------------------------------------------------------------------------------------- sources


def freshness(day: dt.date, *, data: Path | None = None, as_of: dt.date | None = None) -> list[dict[str, Any]]:
    """For each source: newest period present, newest expected by its calendar on `day`, holes, refused snapshots, owner.

    `as_of`: by what was known on that day. Raises UsageError where nothing was.
    """
    store = steps.store_at(data)
    vintages.require_known(store, as_of)
    return [_freshness(store, source(source_id), day, data, as_of) for source_id in source_ids()]


def _freshness(store: Store, declared: Source, day: dt.date, data: Path | None, as_of: dt.date | None) -> dict[str, Any]:
    found = freshness_of(steps.view(data=data, as_of=as_of, of=[declared.id]), declared, day)
    known = known_by(store.snapshots(declared.id), as_of)
    verdicts = [store.read_json(store.verdict_path(declared.id, item.id)) for item in known]
    return {
        "source": declared.id,
        "owner": declared.meta["owner"],
        "snapshots": len(verdicts),
        "refused": sum(1 for verdict in verdicts if verdict and verdict["status"] == "refused"),
        "newest": found.newest.isoformat() if found.newest else None,
        "expected": found.expected.code,
        "fresh": found.is_fresh,
        "holes": found.holes,
    }
