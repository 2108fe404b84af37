"""Our figures against the totals that the publisher printed elsewhere: in reports, press releases, restated by others.

In: observations (the view of one source or of all), and `published_totals.csv` of the source: id, period, table, native_type,
area, columns of model.DIMENSIONS as needed, measure, unit, value, precision, expected_status, allowed_difference, reason,
breakdown (the publication's own words), source. Empty keys mean the total, an empty area the source's country, an empty table a
figure that no table of ours can hold. Out: findings, one for each published figure: exact, within_precision, different (with
the reason, or `unknown`) or not_comparable (with the reason).

`expected_status` is what the comparison gave when it was last looked at, and `allowed_difference` (per cent of the published
figure) how far a known difference may go: `regressions` says in sentences what became worse than that.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from pipeline.aggregate.compare import FINDING_COLUMNS, cited
from pipeline.model import DIMENSIONS, MEASURES, PUBLISHED_FREQUENCIES, TOTAL, UNITS, FraudlossError, Period, UsageError
from pipeline.sources.catalogue import Source

FILE = "published_totals.csv"
STATUSES = ("exact", "within_precision", "different", "not_comparable")  # the best first
# Of two figures that agree because they are one: typed from the file that we read.
SAME_FILE = "printed in the file that ours is read from"
RECONCILIATION_COLUMNS = [
    *FINDING_COLUMNS,
    "id",
    "breakdown",
    "expected_status",
    "allowed_difference",
    "source",
    "observation_id",  # of ours
    "period_held",  # whether we hold any figure of the source for the period
]

_KEY = ["table", "period", "area", "native_type", *DIMENSIONS, "measure", "unit"]
_NEEDED = (
    "id",
    "period",
    "table",
    "native_type",
    "area",
    "measure",
    "unit",
    "value",
    "precision",
    "expected_status",
    "allowed_difference",
    "reason",
    "breakdown",
    "source",
)
_HUNDRED = Decimal(100)


@dataclasses.dataclass(frozen=True)
class PublishedTotal:
    """A figure that was published elsewhere, under our keys."""

    id: str
    key: tuple[str, ...]  # the values of _KEY
    value: Decimal
    precision: Decimal | None  # None where it was printed exactly
    expected_status: str  # one of STATUSES
    allowed_difference: Decimal | None  # per cent of `value`; None: any
    reason: str
    breakdown: str
    source: str

    @property
    def period(self) -> Period:
        return Period.parse(self.key[_KEY.index("period")])

    @property
    def comparable(self) -> bool:
        """Whether a table of ours could hold it."""
        return self.key[0] != ""


def reconcile(observations: pd.DataFrame, source: Source, *, release: Period | None = None) -> pd.DataFrame:
    """Each published total of the source against ours: RECONCILIATION_COLUMNS, in the order of published_totals.csv.

    `observations`: columns of pipeline.frames, of this source and any others. `release`: only what belongs to the release of
    that period. Without any figure of this source, or without a published_totals.csv, the result is empty. Raises
    FraudlossError, naming the line, where the file is malformed.
    """
    totals = [total for total in published_totals(source) if release is None or _belongs(total.period, release)]
    if not totals:
        return pd.DataFrame(columns=RECONCILIATION_COLUMNS, dtype=object)
    of_source = observations[(observations["source"] == source.id) & (observations["absence"] == "")]
    rows = []
    if not of_source.empty:
        ours, held = _by_key(of_source, totals), set(of_source["period"])
        rows = [_finding(total, ours.get(total.key, []), source) | {"period_held": total.period.code in held} for total in totals]
    return pd.DataFrame(rows, columns=RECONCILIATION_COLUMNS, dtype=object)


def reconcile_release(observations: pd.DataFrame, sources: list[Source], release: Period) -> pd.DataFrame:
    """The published totals that belong to the release of a period, of all these sources: RECONCILIATION_COLUMNS.

    `observations`: what the release shows (columns of pipeline.frames). Raises FraudlossError as `reconcile` does.
    """
    parts = [found for source in sources if len(found := reconcile(observations, source, release=release))]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RECONCILIATION_COLUMNS, dtype=object)


def regressions(findings: pd.DataFrame) -> list[str]:
    """A sentence for each figure of `reconcile` that compares worse than expected; empty when none does.

    A period that we never took in is no regression: the totals are those of the publisher's whole history.
    """
    held = findings[findings["period_held"].astype(bool)]
    return [sentence for row in held.to_dict("records") if (sentence := _regression(row))]


def published_totals(source: Source) -> list[PublishedTotal]:
    """The figures that the source's published_totals.csv lists; none where there is no such file. Raises FraudlossError."""
    path = source.folder / FILE
    return list(_totals_in(path.read_text(encoding="utf-8"), source.id, source.country)) if path.is_file() else []


# ---------------------------------------------------------------------------------------------------------------- the file


@functools.lru_cache(maxsize=64)
def _totals_in(content: str, source_id: str, country: str) -> tuple[PublishedTotal, ...]:
    """The figures that the text of a FILE lists. Kept, because each release of a backfill asks for them."""
    reader = csv.DictReader(io.StringIO(content, newline=""))
    columns = reader.fieldnames or []
    unknown = [name for name in columns if name not in _NEEDED and name not in DIMENSIONS]
    missing = [name for name in _NEEDED if name not in columns]
    if unknown or missing:
        raise FraudlossError(
            f"{source_id}/{FILE}, row 1: missing columns {missing}, unknown columns {unknown}. Write the columns "
            f"{', '.join(_NEEDED)} and, between them, dimensions of pipeline.model."
        )
    totals = tuple(_total(row, f"{source_id}/{FILE}, row {number}", country) for number, row in enumerate(reader, start=2))
    ids = [total.id for total in totals]
    for number, identity in enumerate(ids, start=2):
        if identity in ids[: number - 2]:
            raise FraudlossError(f"{source_id}/{FILE}, row {number}: the id {identity!r} is there already. Give it another one.")
    return totals


def _total(row: Mapping[str, str], place: str, country: str) -> PublishedTotal:
    _check(row, place)
    key = {
        **dict.fromkeys(_KEY, TOTAL),
        **{name: row[name] for name in _KEY if row.get(name)},
        "table": row["table"],
        "area": row["area"] or country,
    }
    return PublishedTotal(
        id=row["id"],
        key=tuple(key[name] for name in _KEY),
        value=_number(row["value"], "value", place),
        precision=_number(row["precision"], "precision", place) if row["precision"] else None,
        expected_status=row["expected_status"],
        allowed_difference=(
            _number(row["allowed_difference"], "allowed_difference", place) if row["allowed_difference"] else None
        ),
        reason=row["reason"],
        breakdown=row["breakdown"],
        source=row["source"],
    )


def _check(row: Mapping[Any, Any], place: str) -> None:
    """Raises FraudlossError for a line whose codes are none of ours, or that leaves out what it must say."""
    if None in row or None in row.values():
        raise FraudlossError(f"{place}: has more or fewer cells than the header. Put text with commas in quotation marks.")
    for name, known in (("measure", MEASURES), ("unit", UNITS), ("expected_status", STATUSES)):
        if row[name] not in known:
            raise FraudlossError(f"{place}: found {name} {row[name]!r}; expected one of {', '.join(known)}.")
    try:
        Period.parse(row["period"])
    except UsageError as error:
        raise FraudlossError(f"{place}: {error}") from error
    if not row["id"] or not row["source"] or not row["breakdown"]:
        raise FraudlossError(f"{place}: id, breakdown or source is empty; every published figure has them.")
    if row["expected_status"] == "not_comparable" and not row["reason"]:
        raise FraudlossError(f"{place}: not_comparable without a reason. Say what we do not hold, or how the scope differs.")
    if not row["table"] and row["expected_status"] != "not_comparable":
        raise FraudlossError(f"{place}: no table, yet expected to be {row['expected_status']}. Name the table of ours.")


def _number(text: str, name: str, place: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise FraudlossError(f"{place}: found {name} {text!r}; expected a plain number such as 12537194708 or 0.5.") from error
    if not number.is_finite() or number < 0:
        raise FraudlossError(f"{place}: found {name} {text!r}; expected a number that is not negative.")
    return number


# ------------------------------------------------------------------------------------------------------------ the comparison


def _belongs(period: Period, release: Period) -> bool:
    """A total stands in the release of its period; one of a period that is never published, in that of the year of its end."""
    if period.frequency in PUBLISHED_FREQUENCIES or release.frequency != "annual":
        return period == release
    return period.end.year == release.end.year


def _by_key(observations: pd.DataFrame, totals: list[PublishedTotal]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Our figures under the keys of the published ones; of several vintages the one that was known last."""
    wanted = {total.key for total in totals if total.comparable}
    candidates = observations
    for place, name in enumerate(_KEY):
        # One narrow column after the other: cubes have many rows, published totals few.
        candidates = candidates[candidates[name].isin({key[place] for key in wanted})]
    found: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for record in candidates.sort_values(["known_at", "id"]).to_dict("records"):
        key = tuple(record[name] for name in _KEY)
        if key in wanted:
            found.setdefault(key, {})[record["classification"]] = {str(name): value for name, value in record.items()}
    return {key: list(rows.values()) for key, rows in found.items()}


def _finding(total: PublishedTotal, ours: list[dict[str, Any]], source: Source) -> dict[str, Any]:
    key = dict(zip(_KEY, total.key, strict=True))
    table = source.tables.get(key["table"])
    finding: dict[str, Any] = {
        "check": "published_total",
        "family": table.family if table is not None else key["table"],
        "period": key["period"],
        "native_type": key["native_type"],
        "measure": key["measure"],
        "unit": key["unit"],
        "ours": None,
        "ours_source": "",
        "theirs": total.value,
        "theirs_source": total.source,
        "difference": None,
        "tolerance": None,
        "status": "not_comparable",
        "explanation": _why_not(total, key, ours, table is not None),
        "id": total.id,
        "breakdown": total.breakdown,
        "expected_status": total.expected_status,
        "allowed_difference": total.allowed_difference,
        "source": source.id,
        "observation_id": "",
    }
    return finding if len(ours) != 1 else {**finding, **_compared(total, ours[0])}


def _why_not(total: PublishedTotal, key: Mapping[str, str], ours: list[dict[str, Any]], declared: bool) -> str:
    if len(ours) > 1:
        schemes = ", ".join(sorted(row["classification"] for row in ours))
        return f"several figures of ours answer to it, one for each classification: {schemes}"
    if total.expected_status == "not_comparable":
        return total.reason
    if not declared:
        return f"{key['table']} is not a table of ours"
    named = ", ".join(f"{name} {code}" for name, code in key.items() if code != TOTAL)
    return f"we hold no figure for {named}"


def _compared(total: PublishedTotal, ours: dict[str, Any]) -> dict[str, Any]:
    difference = ours["value"] - total.value
    tolerance = _half(ours["precision"]) + _half(total.precision)
    status = "exact" if difference == 0 else "within_precision" if abs(difference) <= tolerance else "different"
    return {
        "ours": ours["value"],
        "ours_source": cited(ours),
        "difference": difference,
        "tolerance": tolerance,
        "status": status,
        "explanation": (total.reason or "unknown")
        if status == "different"
        else SAME_FILE
        if _is_in_same_file(total, ours)
        else "",
        "observation_id": ours["id"],
    }


def _is_in_same_file(total: PublishedTotal, ours: Mapping[str, Any]) -> bool:
    return ours["origin"].startswith(f"{total.source.rpartition('/')[2]}!")


def _half(precision: Any) -> Decimal:
    """The precision as a number: zero where the figure is exact (None, or what pandas makes of it)."""
    return Decimal(precision) if pd.notna(precision) else Decimal(0)


def _regression(row: Mapping[Any, Any]) -> str:
    figure = f"{row['id']} ({row['measure']} {row['period']}, {row['breakdown']})"
    both = f"ours is {_plain(row['ours'])}, published is {_plain(row['theirs'])}"
    if STATUSES.index(row["status"]) > STATUSES.index(row["expected_status"]):
        where = both if row["status"] != "not_comparable" else row["explanation"]
        return f"{figure} was {row['expected_status']} and is now {row['status']}: {where}."
    allowed = row["allowed_difference"]
    if row["status"] == "different" and pd.notna(allowed) and row["theirs"]:
        percent = abs(row["difference"]) * _HUNDRED / row["theirs"]
        if percent > allowed:
            return (
                f"{figure} differs by {percent:.2f} per cent: {both}. Its reason ({row['explanation']}) was accepted up to "
                f"{allowed} per cent."
            )
    return ""


def _plain(value: Any) -> str:
    """The number without the zeros that a fixed scale adds: 62,365, not 62365.000000000000."""
    return f"{value.normalize():,f}" if pd.notna(value) else "nothing"
