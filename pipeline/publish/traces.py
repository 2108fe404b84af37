"""Where every figure comes from: for each source a page with one line an observation, which the figures link to.

In: the figures of a release. Out: `TracePage`s, the link to the line of every observation, and the lines as markup. A line says
what the figure is, its exact value, how it was made, the file with its cells or rows, and the snapshot. Publishers' words are
escaped here, each distinct one once: a release has thousands of lines.
"""

from __future__ import annotations

import dataclasses
import functools
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import markupsafe

from pipeline.model import ABSENCE, DERIVATIONS, DIMENSIONS, EDITIONS, TOTAL, UNITS
from pipeline.publish.selection import NO_BREAKDOWN, Figure, is_country
from pipeline.publish.tables import clean, code_label, dimension_title, marks_of, measure_title, period_label, slug, type_label

# A line takes 300 bytes, or 1,500 where a year is made of twelve months: so a page stays well below a megabyte.
LINES_A_PAGE = 1200
# A year of a ledger is made of a file a month: the list at the end of the page has them all.
SNAPSHOTS_A_LINE = 6


@dataclasses.dataclass(frozen=True)
class TracePage:
    """Some or all observations of one source, table by table."""

    name: str  # of the file
    source: str
    part: int
    parts: int
    tables: tuple[tuple[str, Sequence[Any]], ...]  # (table, its rows)

    @property
    def snapshots(self) -> set[str]:
        """The snapshots that its figures come from."""
        return {part for _, rows in self.tables for row in rows for part in row.snapshot.split("+")}


def trace_pages(figures: Iterable[Figure]) -> list[TracePage]:
    """One page for each source, more where it is long, with every row of the figures in their order."""
    by_source: dict[str, dict[str, list[Any]]] = {}
    for figure in figures:
        for row in (figure.row, *figure.others):
            by_source.setdefault(row.source, {}).setdefault(row.table, []).append(row)
    pages = []
    for source, tables in sorted(by_source.items()):
        groups = _groups(tables)
        for part, group in enumerate(groups, 1):
            name = f"trace_{slug(source)}{f'-{part}' if part > 1 else ''}.html"
            pages.append(TracePage(name, source, part, len(groups), tuple(group)))
    return pages


def _groups(tables: Mapping[str, Sequence[Any]]) -> list[list[tuple[str, Sequence[Any]]]]:
    """Tables in order, a long one cut, so that no group has more than LINES_A_PAGE rows."""
    groups: list[list[tuple[str, Sequence[Any]]]] = [[]]
    room = LINES_A_PAGE
    for table, rows in sorted(tables.items()):
        start = 0
        while start < len(rows):
            if room == 0 or (groups[-1] and room < len(rows) <= LINES_A_PAGE):
                groups.append([])
                room = LINES_A_PAGE
            taken = rows[start : start + room]
            groups[-1].append((table, taken))
            start, room = start + len(taken), room - len(taken)
    return groups


def links(pages: Iterable[TracePage]) -> dict[str, str]:
    """Observation id -> file and anchor of its line."""
    return {row.id: f"{page.name}#{row.id}" for page in pages for _, rows in page.tables for row in rows}


def lines(rows: Iterable[Any]) -> markupsafe.Markup:
    """The rows as markup, in columns: period, what is counted, measure, figure, how it was made, where it stands, snapshot."""
    return markupsafe.Markup("\n".join(_line(row) for row in rows))


def _line(row: Any) -> str:
    return (
        f'<tr id="{_escaped(row.id)}"><th scope="row">{_period(row.period)}</th><td>{_what(row)}</td>'
        f'<td>{_escaped(measure_title(row.measure)[0])}</td><td class="num">{_figure(row)}</td><td>{_how(row)}</td>'
        f"<td>{_where(row.origin)}</td><td>{_snapshots(row.snapshot)}</td></tr>"
    )


@functools.lru_cache(maxsize=8192)
def _escaped(text: str) -> str:
    return html.escape(clean(text))


@functools.lru_cache(maxsize=8192)
def _period(code: str) -> str:
    return html.escape(period_label(code))


def _what(row: Any) -> str:
    """The type as the publisher labels it, with the common code that it leads to, and what the figure is broken down by."""
    broken_down = tuple((name, value) for name in DIMENSIONS if (value := getattr(row, name)) not in NO_BREAKDOWN)
    area = "" if is_country(row.area) else row.area
    return _what_words(row.native_type, row.fraud_type, area, broken_down, row.overlay, type_label(row))


@functools.lru_cache(maxsize=8192)
def _what_words(
    native_type: str,
    fraud_type: str,
    area: str,
    broken_down: tuple[tuple[str, str], ...],
    overlay: bool,
    label: tuple[str, str],
) -> str:
    english, native = (html.escape(clean(words)) for words in label)
    parts = [english + (f' <span lang="ja">{native}</span>' if native else "")]
    if fraud_type != TOTAL and native_type != TOTAL:
        parts[0] += f" → <code>{html.escape(clean(fraud_type))}</code>"
    parts += [html.escape(code_label(area))] if area else []
    parts += [html.escape(f"{dimension_title(name).lower()}: {code_label(value)}") for name, value in broken_down]
    return "; ".join([*parts, *(["cuts across the types: never add it"] if overlay else [])])


def _figure(row: Any) -> str:
    marks = "".join(f"<abbr>{mark}</abbr>" for mark in marks_of(row))
    if row.value is None or row.absence:
        return marks
    text = f"{row.value:,f}"
    text = (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
    precision = f"{row.precision:,f}" if row.precision else ""
    precision = f" ± {precision.rstrip('0').rstrip('.') if '.' in precision else precision}" if precision else ""
    return f"{text}{marks}<small>{_unit(row.unit)}{precision}</small>"


@functools.lru_cache(maxsize=64)
def _unit(unit: str) -> str:
    return html.escape(clean(UNITS.get(unit, unit)).split(" (")[0])


def _how(row: Any) -> str:
    return _how_words(row.derivation, row.absence, row.edition, row.note)


@functools.lru_cache(maxsize=8192)
def _how_words(derivation: str, absence: str, edition: str, note: str) -> str:
    made = ABSENCE.get(absence, absence) if absence else DERIVATIONS.get(derivation, derivation)
    printed = EDITIONS.get(edition, edition) if edition != "unknown" else ""
    printed = f"from what is {printed}" if derivation and printed else printed
    return html.escape(clean("; ".join(part for part in (made, printed, note) if part)))


@functools.lru_cache(maxsize=8192)
def _where(origin: str) -> str:
    """Each file once, with its cells or rows."""
    by_file: dict[str, dict[str, None]] = {}
    for part in (origin or "").split("; "):
        file, _, address = part.partition("!")
        by_file.setdefault(file, {})[address] = None
    words = [f"{file}: {', '.join(addresses)}" if any(addresses) else file for file, addresses in by_file.items()]
    return html.escape(clean("; ".join(words)))


@functools.lru_cache(maxsize=1024)
def _snapshots(snapshot: str) -> str:
    if (count := snapshot.count("+") + 1) > SNAPSHOTS_A_LINE:
        return f'<a href="#snapshots">{count} files</a>'
    parts = [html.escape(clean(part), quote=True) for part in snapshot.split("+")]
    return " ".join(f'<a href="#snapshot-{part}">{part}</a>' for part in parts)


def steps(source_id: str, *, is_records: bool, reader: str, precedence: int, code_version: str) -> Sequence[Mapping[str, str]]:
    """The steps between the publisher's file and a figure of the source, in order: keys title, text."""
    made = [
        ("Kept", "The publisher's file is kept byte for byte as a snapshot, named by its sha256; all of them are listed below."),
        ("Read", f"{reader} reads the cells that the lines name; what cannot be read exactly is refused, never guessed."),
        (
            "Given common codes",
            f"The publisher's labels lead to common codes by pipeline/sources/{source_id}/crosswalk.csv: see the arrows.",
        ),
        ("Judged", f"expectations/{source_id}.json judges every row; rows that break a rule are set aside and enter no figure."),
    ]
    if is_records:
        made.append(("Counted", "pipeline.aggregate.cubes counts the single reports: rows[…] names the group of reports."))
    made += [
        ("Derived", "pipeline.aggregate.derive makes what is marked [d] from the cells or rows that its line names."),
        (
            "Chosen",
            f"Where several sources print one figure, a declared order picks which leads; this one is number {precedence}.",
        ),
        (
            "Published",
            f"By code {code_version}. The command fraudloss trace with the end of a figure's link shows what its cells hold.",
        ),
    ]
    return [{"title": title, "text": clean(text)} for title, text in made]
