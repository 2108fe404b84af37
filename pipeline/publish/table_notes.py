"""Notes beneath a table: what a reader must know of its figures.

In: the figures of the table. Out: sentences on rounding, parts that do not add up, conversion, intervals, and single figures.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.model import INTERVAL_ENDS
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, is_country
from pipeline.publish.labels import breakdown_text, type_label
from pipeline.publish.measures import counted, measure_note, measure_rank, measure_title, unit_short
from pipeline.publish.number_texts import number_text
from pipeline.publish.period_labels import period_label
from pipeline.publish.texts import clean
from pipeline.publish.words import Own, Words, _, day, declared, each, listed

_FEW_LOSSES = re.compile(r"fewer than (\d+) losses")


def table_notes(figures: Sequence[Figure], families: Families) -> tuple[str, ...]:
    """What a reader must know of these figures: rounding, parts that do not add up, breaks, and the notes on single figures."""
    notes: list[str] = []
    rows = [figure.row for figure in figures]
    if any(row.precision and not row.derivation for row in rows):
        notes.append(
            _(
                "Figures with ± were printed rounded: the true value lies within half of the printed unit, and sums of them need "
                "not agree."
            )
        )
    if any(not figure.is_total for figure in figures) and not _parts_add_up(rows, families):
        notes.append(_("The publisher does not say that these types add up to the total: do not add them."))
    denominators = sorted({row.measure for row in rows if row.measure.startswith("mean_loss")})
    notes += [measure_note(name) for name in denominators]
    if any(row.unit.startswith("USD") and row.derivation and _is_foreign(row, families) for row in rows):
        notes.append(
            _("US dollars are converted at the average exchange rate of the period; they are not printed by the publisher.")
        )
    if any(row.measure in INTERVAL_ENDS for row in rows):
        notes.append(_INTERVAL_NOTE)
    if any(row.measure == "gini_loss" for row in rows):
        notes.append(_GINI_NOTE)
    notes += _few_losses(figures)
    together = _of_many_types(figures)
    notes += [_note_of_types(counted(), note, measures, tuple(labels)) for (note, measures), labels in together.items()]
    told = {(note, label) for (note, _), labels in together.items() for label in labels}
    when = _periods_noted(figures)
    for figure in figures:
        row = figure.row
        if _is_noted(row) and (row.note, type_label(row)[0]) not in told:
            periods = when.get((*type_label(row), row.measure, row.note), ())
            notes.append(_figure_note(counted(), *type_label(row), row.measure, row.note, periods))
        if figure.otherwise is not None:
            notes.append(_other_dollars(figure))
        if words := restated_words(figure):
            english, native = type_label(row)
            said = {"type": listed([english, native], " ") if native else english, "period": period_label(row.period)}
            said |= {"measure": measure_title(row.measure)[0].lower(), "note": words}
            notes.append(_("{type}, {measure}, {period}: {note}", **said))
    unique = list(dict.fromkeys(notes))
    further = len(unique) - 14
    return tuple(unique if further <= 0 else [*unique[:14], _("{count} further notes stand in the CSV.", count=further)])


def _other_dollars(figure: Figure) -> Words:
    """Why the same loss has another value in US dollars elsewhere in the release."""
    said = {
        "period": period_label(figure.row.period),
        "amount": number_text(figure.otherwise.value, "USD", derived=True),
        "source": Own(figure.otherwise.source),
    }
    if figure.row.derivation == "converted":
        return _(
            "{period}, US dollars: its months are not printed with it, so that the sum is converted at the mean of the months' "
            "rates. {source} has the months: converted one by one they make {amount} US dollars of the same loss.",
            **said,
        )
    return _(
        "{period}, US dollars: each month is converted at its own rate. {source} has the sum alone: converted at the mean of the "
        "months' rates it makes {amount} US dollars of the same loss.",
        **said,
    )


def _few_losses(figures: Sequence[Figure]) -> list[Words]:
    """Of which types or groups the quantiles, means with a loss and largest losses tell of single reports."""
    few: dict[str, dict[str, str]] = {}
    for figure in figures:
        if figure.row.value is not None and (found := _FEW_LOSSES.search(str(figure.row.note))):
            is_group = figure.breakdown or not is_country(figure.row.area)
            label = breakdown_text(figure) if is_group else type_label(figure.row)[0]
            few.setdefault(found[1], {})[str(label)] = label
    return [
        _(
            "Fewer than {count} losses, so that quantiles, largest losses and means of losses tell of single reports: {names}.",
            count=count,
            names=listed(labels.values()),
        )
        for count, labels in few.items()
    ]


def restated_words(figure: Figure) -> Words | str:
    """That a provisional figure, or what a change on the year compares with, was restated by another source; empty where not."""
    if (later := figure.restated) is not None:
        shown = _("{figure} {unit}", figure=number_text(later.value, later.unit, later.measure), unit=unit_short(later.unit))
        return _("restated since as {figure} ({source}, {day})", figure=shown, source=Own(later.source), day=day(later.known_at))
    if figure.compared is not None and figure.rebased is not None:
        later = figure.compared[1].restated
        return _(
            "on the year before as first printed; {change} on the year before as restated since ({source}, {day})",
            change=number_text(figure.rebased, "percent", figure.row.measure, derived=True),
            source=Own(later.source),
            day=day(later.known_at),
        )
    return ""


_INTERVAL_NOTE = _(
    "Interval of 95 %: two of the losses, chosen by their rank alone. The reports are a census, so it says how much the process "
    "of reporting alone moves the figure, and is no error of sampling. Where the losses are too few there is none, never a "
    "narrower one. A sum of losses has none: single reports move it too much."
)

_GINI_NOTE = _(
    "Gini coefficient: how unequally the sum lost is spread over the reports that have a loss. 0 means that each of them lost "
    "the same; the nearer to 1, the larger the part of the sum that a few of them lost. None where fewer than 10 have a loss."
)


_NOTED = ("", "residual", "sum_of_parts", "sum_of_periods", "change", "mean", "share", "without_large")


def _is_noted(row: Any) -> bool:
    """Whether what is noted on a figure is told beneath its table."""
    return bool(row.note) and row.measure not in (*INTERVAL_ENDS, "gini_loss") and bool(row.absence or row.derivation in _NOTED)


def _periods_noted(figures: Sequence[Figure]) -> dict[tuple[str, str, str, str], tuple[str, ...]]:
    """(type, its own label, measure, note) -> the periods of the figures with the note; empty where all are of one period."""
    found: dict[tuple[str, str, str, str], dict[str, None]] = {}
    if len({figure.row.period for figure in figures}) > 1:
        for figure in figures:
            if _is_noted(figure.row):
                key = (*type_label(figure.row), figure.row.measure, figure.row.note)
                found.setdefault(key, {})[figure.row.period] = None
    return {key: tuple(sorted(periods)) for key, periods in found.items()}


# A note on the same measures of so many types is told once for all of them: else the first types leave the others no room.
_MANY_TYPES = 3
_MANY_PERIODS = 6


def _of_many_types(figures: Sequence[Figure]) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """(note, measures) -> the labels of the types that have it, where they are many."""
    by_type: dict[tuple[str, str], dict[str, None]] = {}
    for figure in figures:
        if _is_noted(figure.row) and not figure.is_total and figure.is_plain:
            by_type.setdefault((figure.row.note, type_label(figure.row)[0]), {})[figure.row.measure] = None
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (note, label), measures in by_type.items():
        alike.setdefault((note, tuple(sorted(measures, key=_place))), []).append(label)
    return {key: labels for key, labels in alike.items() if len(labels) >= _MANY_TYPES}


def _place(measure: str) -> int:
    return measure_rank((measure, ""))[0]


@functools.lru_cache(maxsize=1024)
def _note_of_types(counts: str, note: str, measures: tuple[str, ...], labels: tuple[str, ...]) -> Words:
    return _(
        "{types} ({measures}): {note}",
        types=listed(labels, "; "),
        measures=listed(measure_title(name)[0].lower() for name in measures),
        note=each(_shortened(clean(note), 240), declared, clean(note)),
    )


@functools.lru_cache(maxsize=4096)
def _figure_note(counts: str, english: str, native: str, measure: str, note: str, periods: tuple[str, ...] = ()) -> Words:
    words = each(_shortened(clean(note), 240), declared, clean(note))
    said = {"type": listed([english, native], " ") if native else english, "measure": measure_title(measure)[0].lower()}
    if not periods:
        return _("{type}, {measure}: {note}", **said, note=words)
    shown = periods if len(periods) <= _MANY_PERIODS else (periods[0], periods[-1])
    between = ", " if len(periods) <= _MANY_PERIODS else " … "
    return _("{type}, {measure}, {period}: {note}", **said, period=listed(map(period_label, shown), between), note=words)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _is_foreign(row: Any, families: Families) -> bool:
    """Whether US dollars are not the money of the row's source: they were converted."""
    source = families.sources.get(row.source)
    return source is None or source.currency != "USD"


def _parts_add_up(rows: Iterable[Any], families: Families) -> bool:
    tables = {(row.source, row.table) for row in rows}
    declared = [families.sources[source].tables.get(table) for source, table in tables if source in families.sources]
    return all(table is None or table.parts_add_up for table in declared)
