"""Figures that nobody printed, made from figures that somebody did.

In: the observations of one source in force (pipeline.aggregate.view), its declarations, and the reference series. Out: those
observations and the derived ones, each with its `derivation`, a bound on its error in `precision`, and the cells that it was
made from in `origin`. Nothing is added across an overlay, a classification, two loss concepts, or a total and its parts, and
no printed figure is ever replaced (one that was printed but cannot be read is, and says so). Figures of one period make a sum, a
share or a mean only where one state of the world has them all: not where one was revised after another was printed last.

Arithmetic is exact (decimals) up to the last step, which rounds half to even to the unit named there.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any

import pandas as pd

from pipeline import collector
from pipeline.aggregate.view import Printing
from pipeline.frames import KEY_COLUMNS, OBSERVATION_COLUMNS, with_ids
from pipeline.model import ADDITIVE_MEASURES, DIMENSIONS, TOTAL, Period
from pipeline.reference import MissingReference, average_rate, code_list, population
from pipeline.sources.catalogue import Source, Table

ZERO = Decimal(0)
HUNDRED_THOUSAND = Decimal(100_000)
# Shares, changes and rates: so fine that rounding them again, to the one to three places of a page, goes as from the exact value.
PERCENT_STEP = Decimal("0.000001")
FINEST_STEP = Decimal("0.000000001")
CENT = Decimal("0.01")
YEN = Decimal(1)
_WHOLE_MONTHS = ("annual", "half_yearly", "quarterly", "year_to_date", "fiscal_year")
_PERIODIC = ("annual", "half_yearly", "quarterly", "monthly", "year_to_date", "fiscal_year")
_WORST_EDITION = ("provisional", "unknown", "restated", "corrected", "final")
NO_PRINTINGS: Mapping[str, Printing] = MappingProxyType({})
# What a row has here beside the columns of an observation.
_PRINTING = "printing"


@collector.at_rest()
def derive(observations: pd.DataFrame, source: Source, printings: Mapping[str, Printing] = NO_PRINTINGS) -> pd.DataFrame:
    """All figures of the source as of the view's date: printed ones and derived ones, sorted by key.

    `printings`: those of the figures that were printed more than once, by id (pipeline.aggregate.view).
    """
    columns = [observations[name].tolist() for name in OBSERVATION_COLUMNS]
    rows = [dict(zip(OBSERVATION_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]
    if printings:  # of a source of whole files nothing is printed twice, and its records are many
        for row in rows:
            row[_PRINTING] = printings.get(row["id"]) or Printing(None, row["known_at"])
    figures = _Figures(rows)
    _note_outdated(figures)
    for add in _steps():
        figures.add(add(figures, source))
    return figures.frame()


def _steps() -> tuple[Callable[[_Figures, Source], Iterable[_Row]], ...]:
    """Sums first, then what is made from them."""
    return (_totals_from_parts, _residuals, _longer_periods, _without_large, _shares, _dollars, _means, _rates, _changes)


def steps_in_words() -> list[str]:
    """What `derive` does, one sentence a step, in order: for the page on methods."""
    return [" ".join(str(step.__doc__).split()) for step in _steps()]


# ------------------------------------------------------------------------------------------------------------- the figures

_Key = tuple[Any, ...]
_Row = dict[str, Any]
_KEY = operator.itemgetter(*KEY_COLUMNS)
_CELLS = operator.itemgetter(*OBSERVATION_COLUMNS)
_POSITION = {name: place for place, name in enumerate(KEY_COLUMNS)}


class _Figures:
    """Rows by key. A key is the tuple of KEY_COLUMNS; `moved` names a related figure by what differs."""

    def __init__(self, rows: list[_Row]) -> None:
        self.rows: dict[_Key, _Row] = {key_of(row): row for row in rows}

    def add(self, rows: Iterable[_Row]) -> None:
        """Take in derived rows. A figure that is there keeps its place; one that is absent gives way."""
        for row in list(rows):
            key = key_of(row)
            if key not in self.rows or (self.rows[key]["absence"] and not row["absence"]):
                self.rows[key] = row

    def present(self, *measures: str) -> list[_Row]:
        return [row for row in self.rows.values() if not row["absence"] and (not measures or row["measure"] in measures)]

    def value(self, row: _Row, **changes: str) -> _Row | None:
        """The present figure whose key is that of `row` but for `changes`."""
        found = self.rows.get(moved(row, **changes))
        return found if found is not None and not found["absence"] else None

    def frame(self) -> pd.DataFrame:
        rows = map(_CELLS, (self.rows[key] for key in sorted(self.rows)))
        columns = list(zip(*rows, strict=True)) or [()] * len(OBSERVATION_COLUMNS)
        return with_ids(pd.DataFrame(dict(zip(OBSERVATION_COLUMNS, columns, strict=True)), dtype=object))


def key_of(row: _Row) -> _Key:
    return _KEY(row)


def moved(row: _Row, **changes: str) -> _Key:
    key = list(key_of(row))
    for name, value in changes.items():
        key[_POSITION[name]] = value
    return tuple(key)


def _made(
    row: _Row, inputs: list[_Row], derivation: str, value: Decimal | None, precision: Decimal | None, **changes: Any
) -> _Row:
    """A derived row like `row`: as uncertain, as provisional and as late as the worst of its inputs."""
    editions = {figure["edition"] for figure in inputs}
    edition = next((name for name in _WORST_EDITION if name in editions), "unknown")
    return {
        **row,
        "value": value,
        "precision": precision,
        "absence": "",
        "obs_status": "P" if edition == "provisional" else "I",
        "derivation": derivation,
        "edition": edition,
        "known_at": max(figure["known_at"] for figure in inputs),
        "snapshot": "+".join(sorted({part for figure in inputs for part in figure["snapshot"].split("+")})),
        "origin": "; ".join(figure["origin"] for figure in inputs),
        "note": "",
        **_printing_of(inputs),
        **changes,
    }


def _printing_of(inputs: list[_Row]) -> _Row:
    """Of a figure that was made of these: revised with the last of them, and good up to the first that was not printed again."""
    printed = [figure[_PRINTING] for figure in inputs if _PRINTING in figure]
    if not printed:
        return {}
    revised = max((one.revised for one in printed if one.revised), default=None)
    return {_PRINTING: Printing(revised, min(one.last for one in printed))}


def _revised_apart(rows: Sequence[_Row]) -> str:
    """Why these figures of one period were never in force at one time: one was revised after another was printed last; empty
    where they were."""
    printed = [row[_PRINTING] for row in rows if _PRINTING in row]
    for one, other in itertools.permutations(printed, 2):
        if one.revised and one.revised > other.last:
            return f"one of its figures was revised on {one.revised}, another printed last on {other.last}"
    return ""


# Printed measure -> what it was made of when it was printed.
_MADE_OF = {
    "loss_per_day": ("loss",),
    "mean_loss": ("loss", "cases"),
    "mean_loss_completed": ("loss", "cases_completed"),
    "share_of_cases": ("cases",),
}


def _note_outdated(figures: _Figures) -> None:
    """Say on a printed mean or share that what it was made of was revised after it was printed last. Its value stays."""
    whole = dict.fromkeys(DIMENSIONS, TOTAL)
    for row in figures.present(*_MADE_OF):
        for measure in _MADE_OF[row["measure"]]:
            unit = row["unit"] if measure == "loss" else "cases"
            made_of = figures.value(row, measure=measure, unit=unit, **whole)
            if _PRINTING in row and made_of and (day := made_of[_PRINTING].revised) and day > row[_PRINTING].last:
                words = {"loss": "the loss", "cases": "the number of cases"}.get(measure, "the number of completed cases")
                note = f"{words} was revised on {day}, after this was printed"
                row["note"] = "; ".join(part for part in (row["note"], note) if part)


def _absent(row: _Row, inputs: list[_Row], derivation: str, absence: str, note: str, **changes: Any) -> _Row:
    return _made(row, inputs, derivation, None, None, absence=absence, obs_status="O", note=note, **changes)


def _half(row: _Row) -> Decimal:
    """The bound on the error of a printed or derived figure; zero where it is exact."""
    return row["precision"] or ZERO


def _sum(rows: list[_Row]) -> tuple[Decimal, Decimal | None]:
    """The sum and its error bound: rounding errors add up, in the worst case."""
    return sum((row["value"] for row in rows), ZERO), sum((_half(row) for row in rows), ZERO) or None


def _quotient(above: _Row, below: _Row, scale: Decimal, step: Decimal) -> tuple[Decimal, Decimal]:
    """scale * above / below rounded to `step`, and the largest error that the two roundings of the inputs and ours allow."""
    exact = scale * above["value"] / below["value"]
    value = exact.quantize(step, ROUND_HALF_EVEN)
    least_divisor = below["value"] - _half(below)
    if least_divisor <= 0:
        return value, abs(exact)
    highest = scale * (above["value"] + _half(above)) / least_divisor
    return value, (highest - exact).quantize(step / 10, ROUND_HALF_EVEN) + step / 2


# --------------------------------------------------------------------------------------------------------- totals and parts


def _declared_parts(table: Table, source: Source, classification: str) -> list[str]:
    return source.meta["tables"][table.id].get("parts", {}).get(classification, [])


def _families(figures: _Figures, source: Source) -> Iterable[tuple[_Row, list[str]]]:
    """Each figure that stands for a table's whole or could, with the labels of the parts that make it up."""
    seen: set[_Key] = set()
    for row in list(figures.rows.values()):
        table = source.tables[row["table"]]
        parts = _declared_parts(table, source, row["classification"])
        whole = moved(row, fraud_type=TOTAL, native_type=TOTAL)
        if table.parts_add_up and parts and row["measure"] in ADDITIVE_MEASURES and not row["overlay"] and whole not in seen:
            seen.add(whole)
            yield {**row, "fraud_type": TOTAL, "native_type": TOTAL}, parts


def _by_type(figures: _Figures) -> dict[_Key, dict[str, _Row]]:
    """Figures of one table, period and measure, by the publisher's type label (overlays apart)."""
    index: dict[_Key, dict[str, _Row]] = {}
    for row in figures.rows.values():
        if not row["overlay"]:
            index.setdefault(moved(row, fraud_type="", native_type=""), {})[row["native_type"]] = row
    return index


def _totals_from_parts(figures: _Figures, source: Source) -> Iterable[_Row]:
    """A total that the publisher did not print, where every declared part is there and none was revised without the others."""
    wholes = list(_families(figures, source))
    index = _by_type(figures) if wholes else {}
    for whole, labels in wholes:
        found = index[moved(whole, fraud_type="", native_type="")]
        parts = [found[label] for label in labels if label in found and not found[label]["absence"]]
        if TOTAL in found or len(parts) != len(labels):
            continue
        if reason := _revised_apart(parts):
            yield _absent(whole, parts, "sum_of_parts", "not_yet_known", reason)
        else:
            yield _made(whole, parts, "sum_of_parts", *_sum(parts))


def _residuals(figures: _Figures, source: Source) -> Iterable[_Row]:
    """The one part that was printed unreadably: the published total less all the other parts, where those are exact."""
    wholes = list(_families(figures, source))
    index = _by_type(figures) if wholes else {}
    for whole, labels in wholes:
        found = index[moved(whole, fraud_type="", native_type="")]
        total = found.get(TOTAL)
        lost = [label for label in labels if label in found and found[label]["absence"] == "unreadable"]
        others = [found[label] for label in labels if label in found and found[label]["absence"] in ("", "not_collected")]
        if total is None or total["absence"] or len(lost) != 1 or len(others) != len(labels) - 1:
            continue
        counted = [part for part in others if not part["absence"]]
        if _revised_apart([total, *counted]):
            continue
        parts_sum, parts_half = _sum(counted)
        half = _half(total) + (parts_half or ZERO)
        row = found[lost[0]]
        yield _made(
            row,
            [total, *counted],
            "residual",
            total["value"] - parts_sum,
            half or None,
            note=f"not printed exactly ({row['note']}); derived here: published total less the {_others(len(counted))}",
        )


def _others(count: int) -> str:
    return "other type" if count == 1 else f"other {count} types"


def _longer_periods(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Quarters from months, half-years from quarters, years from either: where all are there and it is not printed, nor better
    as the sum since January."""
    for longer, shorter, count in (
        ("quarterly", "monthly", 3),
        ("half_yearly", "quarterly", 2),
        ("annual", "quarterly", 4),
        ("annual", "half_yearly", 2),
    ):
        groups: dict[_Key, list[_Row]] = {}
        for row in figures.present(*ADDITIVE_MEASURES):
            if row["frequency"] == shorter:
                within = Period.of(longer, Period.parse(row["period"]).start)
                groups.setdefault(moved(row, frequency=longer, period=within.code), []).append(row)
        made = []
        for key, rows in groups.items():
            if len(rows) == count and key not in figures.rows and not _is_printed_better(rows, key, figures):
                rows = sorted(rows, key=lambda row: row["period"])
                made.append(
                    _made(rows[0], rows, "sum_of_periods", *_sum(rows), frequency=longer, period=key[_POSITION["period"]])
                )
        figures.add(made)
    return ()


# ------------------------------------------------------------------------------------------------------------ large losses


def _without_large(figures: _Figures, source: Source) -> Iterable[_Row]:
    """The loss of the whole country without its large losses, where the source declares which of its loss bands are large.

    A single report can move the total of a country, and nobody has verified it. The FTC's losses of 2017 are those of reports of
    1 to 999,999 dollars (Consumer Sentinel Network Data Book 2017).
    """
    sizes = code_list("loss_band")
    for table, declared in _declared_large(source):
        for row in figures.present("loss"):
            if row["table"] != table or not _is_national_total(row, source):
                continue
            own = {"table": declared["table"], "loss_band": declared["band"]}
            loss, cases = figures.value(row, **own), figures.value(row, **own, measure="cases", unit="cases")
            if loss is None or cases is None or _revised_apart((row, loss, cases)):
                continue
            size = sizes[declared["band"]].label
            number, together = (amount_text(figure["value"]) for figure in (cases, loss))
            note = f"without losses of {size} ({number} of them, {together} together)"
            half = _half(row) + _half(loss)
            value = row["value"] - loss["value"]
            yield _made(row, [row, loss], "without_large", value, half or None, measure="loss_without_large", note=note)


def amount_text(value: Decimal, sign: str = "") -> str:
    """A count or a sum of money in a note: whole where it is whole, else with two decimals at least; `sign` "+" where it has a
    direction."""
    places = -int(value.normalize().as_tuple().exponent)
    return f"{value:{sign},.{max(places, 2) if places > 0 else 0}f}"


def _declared_large(source: Source) -> Iterable[tuple[str, dict[str, str]]]:
    """Table -> the table of loss bands, and the band of it that is large."""
    for table, meta in source.meta["tables"].items():
        if "large_losses" in meta:
            yield table, meta["large_losses"]


def _is_printed_better(parts: list[_Row], key: _Key, figures: _Figures) -> bool:
    """Whether the publisher prints the figure of the longer period `key` as a cumulative one that was rounded less often."""
    period = Period.parse(key[_POSITION["period"]])
    if period.start.month != 1:
        return False
    printed = figures.value(parts[0], frequency="year_to_date", period=f"{period.months[0]}/{period.months[-1]}")
    return printed is not None and printed["derivation"] == "" and _half(printed) < sum(map(_half, parts))


# ---------------------------------------------------------------------------------------------------- shares, means, rates


def _shares(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Each type's share of its table's total, in per cent; none where one of the two was revised after the other was printed."""
    for measure, share in (("loss", "share_of_loss"), ("cases", "share_of_cases")):
        for row in figures.present(measure):
            total = figures.value(row, fraud_type=TOTAL, native_type=TOTAL)
            if row["native_type"] == TOTAL or total is None or total["value"] <= 0 or _is_converted(row):
                continue
            if reason := _revised_apart((row, total)):
                yield _absent(row, [row, total], "share", "not_yet_known", reason, measure=share, unit="percent")
                continue
            value, precision = _quotient(row, total, Decimal(100), _share_step(row, total))
            note = _of_editions(row, total)
            yield _made(row, [row, total], "share", value, precision, measure=share, unit="percent", note=note)


def _of_editions(above: _Row, below: _Row) -> str:
    """That a quotient is made of a provisional and a final figure, or the like; empty where both are of one edition."""
    return "" if above["edition"] == below["edition"] else f"divides {above['edition']} by {below['edition']}"


def _share_step(row: _Row, total: _Row) -> Decimal:
    """The step of a share: finer where the usual one would make nothing of something."""
    share = 100 * row["value"] / total["value"]
    return PERCENT_STEP if not 0 < share < PERCENT_STEP else max(FINEST_STEP, Decimal(1).scaleb(share.adjusted() - 1))


def _means(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Loss per case, for each denominator that the source counts; the measure's name says which. None where the loss or the
    count was revised after the other was printed.

    Of a source that does not know every loss, per case whose loss is known: a loss that nobody knows is not a loss of nothing.
    """
    of_all = ("cases_loss_known", "mean_loss_of_known") if source.may_not_know_losses else ("cases", "mean_loss")
    for row in figures.present("loss"):
        for denominator, measure in (
            of_all,
            ("cases_completed", "mean_loss_completed"),
            ("cases_with_loss", "mean_loss_with_loss"),
        ):
            cases = figures.value(row, measure=denominator, unit="cases")
            if cases is None or cases["value"] <= 0 or (_is_converted(row) and not _is_national_total(row, source)):
                continue
            if reason := _revised_apart((row, cases)):
                yield _absent(row, [row, cases], "mean", "not_yet_known", reason, measure=measure)
                continue
            step = YEN if row["unit"] == "JPY" else CENT
            value, precision = _quotient(row, cases, Decimal(1), step)
            yield _made(row, [row, cases], "mean", value, precision, measure=measure, note=_of_editions(row, cases))


def _rates(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Annual loss and cases per 100,000 inhabitants of the same year; absent, and said so, where the population is not known."""
    for row in figures.present("loss", "cases"):
        if row["frequency"] != "annual" or row["area"] != source.country or _is_detail(row):
            continue
        if _is_converted(row) and not _is_national_total(row, source):
            continue
        measure = f"{row['measure']}_per_100k"
        unit = f"{row['unit']}_per_100k"
        try:
            people = population(source.country, int(row["period"]))
        except MissingReference as missing:
            if row["native_type"] == TOTAL:
                yield _absent(row, [row], "rate", "not_yet_known", missing.note, measure=measure, unit=unit)
            continue
        value, precision = _quotient(row, {"value": people, "precision": None}, HUNDRED_THOUSAND, PERCENT_STEP)
        yield _made(row, [row], "rate", value, precision, measure=measure, unit=unit)


def _is_converted(row: _Row) -> bool:
    """Whether the figure was made from one in national currency: shares, means and changes are taken from that one."""
    return row["derivation"] in ("converted", "converted_months")


def _is_national_total(row: _Row, source: Source) -> bool:
    """Whether the figure stands for the whole table in the whole country: what is compared with other countries."""
    return row["native_type"] == row["fraud_type"] == TOTAL and row["area"] == source.country and not _is_detail(row)


def _is_detail(row: _Row) -> bool:
    return any(row[name] != TOTAL for name in DIMENSIONS)


# ------------------------------------------------------------------------------------------------------------- US dollars


def _dollars(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Losses in US dollars: the sum of converted months where all months are there, else the average of the months' rates.

    The arithmetic mean of monthly average rates over the period is the OECD's rule for flows (glossary, "period average").
    """
    if source.currency == "USD":
        return
    for row in figures.present("loss", "loss_net", "median_loss"):
        if not _goes_into_dollars(row, source):
            continue
        try:
            if parts := _months_of(row, figures):
                converted = [_in_dollars(month, source.currency) for month in parts]
                value, half = sum((value for value, _ in converted), ZERO), sum((half for _, half in converted), ZERO)
                yield _converted(row, parts, "converted_months", value, half)
            else:
                yield _converted(row, [row], "converted", *_in_dollars(row, source.currency))
        except MissingReference as missing:
            if row["native_type"] == TOTAL and not _is_detail(row):
                yield _absent(row, [row], "converted", "not_yet_known", missing.note, unit="USD")


def _months_of(row: _Row, figures: _Figures) -> list[_Row]:
    """The months that make up a flow of whole months; none where one is missing, or where they do not add up to the flow.

    A month in which the type did not exist is not missing: nothing was lost in it. Months that were rounded otherwise, or not
    revised with the longer period, would turn another sum into dollars than the one that stands beside them.
    """
    period = Period.parse(row["period"])
    if row["measure"] not in ADDITIVE_MEASURES or period.frequency not in _WHOLE_MONTHS:
        return []
    found = [figures.rows.get(moved(row, frequency="monthly", period=month)) for month in period.months]
    months = [month for month in found if month is not None and month["absence"] != "not_applicable"]
    if None in found or not months or any(month["absence"] for month in months):
        return []
    total, half = _sum(months)
    return months if abs(total - row["value"]) <= _half(row) + (half or ZERO) else []


def _goes_into_dollars(row: _Row, source: Source) -> bool:
    """Where a source breaks its headline down in further tables, these are left out: they have no months, and one loss must not
    have two values in dollars. A median is converted for the whole country only."""
    in_headline = row["table"] in source.meta.get("headline_tables", (row["table"],))
    whole = row["measure"] in ADDITIVE_MEASURES or _is_national_total(row, source)
    return row["unit"] == source.currency and in_headline and whole


def _in_dollars(row: _Row, currency: str) -> tuple[Decimal, Decimal]:
    rate = average_rate(currency, Period.parse(row["period"])).value
    return row["value"] / rate, _half(row) / rate


def _converted(row: _Row, inputs: list[_Row], derivation: str, value: Decimal, half: Decimal) -> _Row:
    precision = half.quantize(CENT / 10, ROUND_HALF_EVEN) + CENT / 2
    return _made(row, inputs, derivation, value.quantize(CENT, ROUND_HALF_EVEN), precision, unit="USD")


# ------------------------------------------------------------------------------------------------------ change on the year

_CHANGE_OF = {
    "loss": "change_on_year",
    "loss_without_large": "change_on_year_without_large",
    "cases": "change_on_year_cases",
}


def _changes(figures: _Figures, source: Source) -> Iterable[_Row]:
    """Change on the same period of the year before, in per cent of local currency; absent across a break, and said so."""
    classifications: dict[_Key, set[str]] = {}
    for row in figures.present(*_CHANGE_OF):
        classifications.setdefault(moved(row, classification=""), set()).add(row["classification"])
    for row in figures.present(*_CHANGE_OF):
        if row["frequency"] not in _PERIODIC or _is_converted(row):
            continue
        before_period = Period.parse(row["period"]).year_before.code
        before = figures.value(row, period=before_period)
        changed = {"measure": _CHANGE_OF[row["measure"]], "unit": "percent"}
        if before is None:
            others = classifications.get(moved(row, period=before_period, classification=""), set())
            if others:
                note = f"{before_period} is classified otherwise ({', '.join(sorted(others))})"
                yield _absent(row, [row], "change", "break", note, **changed)
        elif reason := _break_between(row, before_period, source):
            yield _absent(row, [row, before], "change", "break", reason, **changed)
        elif before["value"] > 0:
            ratio, precision = _quotient(row, before, Decimal(100), _ratio_step(row, before))
            maturity = "" if row["edition"] == before["edition"] else f"compares {row['edition']} with {before['edition']}"
            yield _made(row, [row, before], "change", ratio - 100, precision, **changed, note=maturity)
        elif not before["value"]:
            # Nothing has no per cent.
            yield _absent(row, [row, before], "change", "not_applicable", "", **changed)


def _ratio_step(row: _Row, before: _Row) -> Decimal:
    """The step of a change on the year: finer where little is left of the figure before, which is found again from the change."""
    ratio = 100 * row["value"] / before["value"]
    if not 0 < ratio < 10:
        return PERCENT_STEP
    return min(PERCENT_STEP, max(FINEST_STEP, Decimal(1).scaleb(ratio.adjusted() - 5)))


def _break_between(row: _Row, before_period: str, source: Source) -> str:
    """Why a series breaks between the year before and this period; empty where it does not."""
    period, before = Period.parse(row["period"]), Period.parse(before_period)
    measure = "loss" if row["measure"] == "loss_without_large" else row["measure"]
    for declared in source.breaks:
        concerned = declared.get("all") or row["native_type"] in declared.get("native_types", ())
        measured = measure in declared.get("measures", (measure,))
        starts = Period.parse(str(declared["from"])).start
        if declared["table"] == row["table"] and concerned and measured and before.start < starts <= period.start:
            return str(declared["reason"])
    return ""
