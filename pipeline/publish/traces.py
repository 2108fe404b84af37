"""Where every figure comes from: for each source a page with one line an observation, which the figures link to.

In: the figures of a release, and those that it shows as replaced. Out: `TracePage`s, the link to the line of every observation,
and the lines as markup. A line says what the figure is, its exact value, how it was made, the file with its cells or rows, and
the snapshot; of a figure that was replaced also until when it stood, and what took its place. Publishers' words are escaped
here, each distinct one once: a release has thousands of lines.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import markupsafe

from pipeline.model import ABSENCE, DERIVATIONS, DIMENSIONS, EDITIONS, TOTAL
from pipeline.publish.figures import NO_BREAKDOWN, Figure, is_country
from pipeline.publish.labels import code_label, dimension_text, type_label_of
from pipeline.publish.languages import language, other_language
from pipeline.publish.marks import marks_of
from pipeline.publish.measures import counted, measure_title, unit_in_words
from pipeline.publish.period_labels import period_label
from pipeline.publish.replaced import Replaced
from pipeline.publish.texts import clean, slug
from pipeline.publish.words import Own, _, day, declared, listed, markup, page_name, separator

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
    replaced: tuple[Replaced, ...] = ()

    @functools.cached_property
    def lines(self) -> tuple[tuple[str, list[_Line]], ...]:
        """(table, its lines), made ready once for all languages."""
        return tuple((table, [_line(row) for row in rows]) for table, rows in self.tables)

    @property
    def snapshots(self) -> set[str]:
        """The snapshots that its figures come from."""
        own = [row for __, rows in self.tables for row in rows]
        return {part for row in (*own, *(item.row for item in self.replaced)) for part in row.snapshot.split("+")}


def trace_name(source: str, part: int = 1) -> str:
    """The file with the traces of a source, or with a part of them, in English."""
    return f"trace_{slug(source)}{f'-{part}' if part > 1 else ''}.html"


def trace_pages(figures: Iterable[Figure], replaced: Iterable[Replaced] = ()) -> list[TracePage]:
    """One page for each source, more where it is long, with every row of the figures in their order; behind them the figures that
    were replaced. Where a figure that stands is traced does not depend on those."""
    by_source: dict[str, dict[str, list[Any]]] = {}
    for figure in figures:
        for row in (figure.row, *figure.others):
            by_source.setdefault(row.source, {}).setdefault(row.table, []).append(row)
    gone: dict[str, list[Replaced]] = {}
    for item in replaced:
        gone.setdefault(item.row.source, []).append(item)
    pages = []
    for source in sorted({*by_source, *gone}):
        tables, last = by_source.get(source, {}), tuple(gone.get(source, ()))
        groups = _groups(tables)
        if last and groups[-1] and sum(len(rows) for __, rows in groups[-1]) + len(last) > LINES_A_PAGE:
            groups.append([])
        for part, group in enumerate(groups, 1):
            own = last if part == len(groups) else ()
            pages.append(TracePage(trace_name(source, part), source, part, len(groups), tuple(group), own))
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
    """Observation id -> file and anchor of its line, in the language that is spoken."""
    found: dict[str, str] = {}
    for page in pages:
        name = str(page_name(page.name))
        found |= {row.id: f"{name}#{row.id}" for __, rows in page.tables for row in rows}
        found |= {item.anchor: f"{name}#{item.anchor}" for item in page.replaced}
    return found


_dimensions_of = operator.attrgetter(*DIMENSIONS)


class _Line(NamedTuple):
    """A line of a trace: what is the same in every language, as markup, and what words are made of."""

    head: str
    period: str
    what: tuple[Any, ...]
    measure: str
    figure: str
    unit: str  # empty where there is no value
    precision: str
    how: tuple[str, str, str, str]
    tail: str


def _line(row: Any, anchor: str = "") -> _Line:
    marks = "".join(f"<abbr>{mark}</abbr>" for mark in marks_of(row))
    has_value = row.value is not None and not row.absence
    precision = f" ± {_plain(row.precision)}" if has_value and row.precision else ""
    return _Line(
        f'<tr id="{_escaped(anchor or row.id)}"><th scope="row">',
        row.period,
        (row.native_type, row.fraud_type, row.area, _dimensions_of(row), row.overlay),
        row.measure,
        f"{_plain(row.value)}{marks}<small>" if has_value else marks,
        row.unit if has_value else "",
        f"{precision}</small>" if has_value else "",
        (row.derivation, row.absence, row.edition, row.note),
        f'</td><td translate="no">{_where(row.origin)}</td><td>{_snapshots(row.snapshot)}</td></tr>',
    )


def lines(found: Iterable[_Line]) -> markupsafe.Markup:
    """The lines as markup in the language that is spoken, in columns: period, what is counted, measure, figure, how it was made,
    where it stands, snapshot."""
    code, counts = language(), counted()
    return markupsafe.Markup("\n".join(_said(code, counts, line) for line in found))


def _said(code: str, counts: str, line: _Line) -> str:
    measure, unit = _measure(code, counts, line.measure), _unit(code, counts, line.unit)
    return (
        f"{line.head}{_period(code, line.period)}</th><td>{_what(code, *line.what)}</td><td>{measure}</td>"
        f'<td class="num">{line.figure}{unit}{line.precision}</td><td>{_how(code, *line.how)}{line.tail}'
    )


def replaced_lines(found: Iterable[Replaced], to: Mapping[str, str]) -> markupsafe.Markup:
    """The lines of figures that were replaced, in the same columns; `to`: where each observation is traced (`links`)."""
    code, counts = language(), counted()
    made = []
    for item in found:
        line = _line(item.row, item.anchor)
        ended = f"; {markup(_ended(item, to))}"
        made.append(_said(code, counts, line._replace(tail=ended + line.tail)))
    return markupsafe.Markup("\n".join(made))


def _ended(item: Replaced, to: Mapping[str, str]) -> str:
    address, end = to.get(item.by, ""), markupsafe.Markup("</a>")
    if not address:
        return _("it stood until {day}", day=day(item.until)) if item.until else _("a later file prints the same")
    begin = markupsafe.Markup('<a href="{}">').format(address)
    if item.until is None:
        return _("{link}a later file{end} prints the same", link=begin, end=end)
    return _("it stood until {day}: {link}the figure in its place{end}", day=day(item.until), link=begin, end=end)


def _plain(value: Any) -> str:
    text = f"{value:,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


@functools.lru_cache(maxsize=8192)
def _escaped(text: str) -> str:
    return html.escape(clean(text))


# Words of which a release has few and its lines have many are kept as markup, for each language.


@functools.lru_cache(maxsize=8192)
def _period(code: str, period: str) -> str:
    return markup(period_label(period))


@functools.lru_cache(maxsize=1024)
def _measure(code: str, counts: str, measure: str) -> str:
    return markup(measure_title(measure)[0])


@functools.lru_cache(maxsize=8192)
def _what(code: str, native_type: str, fraud_type: str, area: str, dimensions: tuple[str, ...], overlay: bool) -> str:
    """The type as the publisher labels it, with the common code that it leads to, and what the figure is broken down by."""
    english, native = type_label_of(native_type, fraud_type)
    beside = markup(native)
    label = markup(clean(english)) + (f' <span class="beside" lang="{other_language()}">{beside}</span>' if beside else "")
    if fraud_type != TOTAL and native_type != TOTAL:
        label += f" → <code>{html.escape(clean(fraud_type))}</code>"
    parts: list[str] = [markupsafe.Markup(label), *([] if is_country(area) else [code_label(area)])]
    named = zip(DIMENSIONS, dimensions, strict=True)
    parts += [dimension_text(name, value) for name, value in named if value not in NO_BREAKDOWN]
    parts += [_("cuts across the types: never add it")] if overlay else []
    return separator("; ").join(map(markup, parts))


@functools.lru_cache(maxsize=128)
def _unit(code: str, counts: str, unit: str) -> str:
    return markup(unit_in_words(unit)) if unit else ""


@functools.lru_cache(maxsize=8192)
def _how(code: str, derivation: str, absence: str, edition: str, note: str) -> str:
    made = declared(ABSENCE.get(absence, absence) if absence else DERIVATIONS.get(derivation, derivation))
    printed = declared(EDITIONS.get(edition, edition)) if edition != "unknown" else ""
    printed = _("from what is {printed}", printed=printed) if derivation and printed else printed
    return markup(listed([part for part in (made, printed, declared(clean(note))) if part], "; "))


@functools.lru_cache(maxsize=8192)
def _where(origin: str) -> str:
    """Each file once, with its cells or rows."""
    by_file: dict[str, dict[str, None]] = {}
    for part in (origin or "").split("; "):
        file, __, address = part.partition("!")
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
        (
            _("Kept"),
            _("The publisher's file is kept byte for byte as a snapshot, named by its sha256; all of them are listed below."),
        ),
        (
            _("Read"),
            _(
                "{reader} reads the cells that the lines name; what cannot be read exactly is refused, never guessed.",
                reader=Own(reader),
            ),
        ),
        (
            _("Given common codes"),
            _(
                "The publisher's labels lead to common codes by {file}: see the arrows.",
                file=Own(f"pipeline/sources/{source_id}/crosswalk.csv"),
            ),
        ),
        (
            _("Judged"),
            _(
                "{file} judges every row; rows that break a rule are set aside and enter no figure.",
                file=Own(f"expectations/{source_id}.json"),
            ),
        ),
    ]
    if is_records:
        counted = _(
            "{module} counts the single reports: rows[…] names the group of reports.", module=Own("pipeline.aggregate.cubes")
        )
        made.append((_("Counted"), counted))
    made += [
        (
            _("Derived"),
            _(
                "{module} makes what is marked [d] from the cells or rows that its line names.",
                module=Own("pipeline.aggregate.derive"),
            ),
        ),
        (
            _("Chosen"),
            _(
                "Where several sources print one figure, a declared order picks which leads; this one is number {number}.",
                number=precedence,
            ),
        ),
        (
            _("Released"),
            _(
                "By code {version}. The command {command} with the end of a figure's link shows what its cells hold.",
                version=code_version,
                command=markupsafe.Markup("<code>fraudloss trace</code>"),
            ),
        ),
    ]
    return [{"title": title, "text": text} for title, text in made]
