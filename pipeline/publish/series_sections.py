"""The sections of a release on its series: what is counted, the period, the periods before it.

In: the figures by series, in order. Out: a `Section` for each series; the tables of a source that breaks its headline down stand
together in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pipeline.model import Period
from pipeline.publish.content import Item, Section, further
from pipeline.publish.families import Families, publisher
from pipeline.publish.figure_lists import measures_list
from pipeline.publish.figure_warnings import growing_warnings, with_warnings
from pipeline.publish.figures import Figure
from pipeline.publish.history_items import history_items, other_periods
from pipeline.publish.labels import country_name
from pipeline.publish.measures import counting
from pipeline.publish.period_labels import period_label
from pipeline.publish.roles import parsed
from pipeline.publish.series_blocks import series_block
from pipeline.publish.series_titles import family_title, series_name, source_title
from pipeline.publish.texts import declared_text, slug
from pipeline.publish.words import Own, _, listed


def _section_id(name: str) -> str:
    return f"series-{slug(name)}"


def series_sections(
    period: Period, ordered: Sequence[str], by_family: Mapping[str, list[Figure]], families: Families
) -> list[Section]:
    """One section a series; the tables of a source that breaks its headline down stand together in one."""
    together: dict[str, list[str]] = {}
    for name in ordered:
        source = families.sectioned(name)
        together.setdefault(f"source {source.id}" if source else name, []).append(name)
    sections = []
    for key, names in together.items():
        told = {total for name in names if not families.is_subordinate(name) for total in _totals_told(by_family[name])}
        with counting(families.counts(names[0])):
            items = [item for name in names for item in _family_items(period, name, by_family[name], families, told)]
        if items:
            source = families.sectioned(names[0])
            english, native = family_title(names[0], families)
            if source:
                country = country_name(source.country)
                english = _("{country}: {series}", country=country, series=source_title(source))
            lead = family_lead([figure for name in names for figure in by_family[name]], families)
            sections.append(Section(_section_id(key), english, native, lead, tuple(items)))
    return sections


_Told = set[tuple[str, str, str, Decimal | None]]


def _totals_told(figures: Iterable[Figure]) -> _Told:
    """Period, measure, unit and value of the totals whose history the tables and charts of a series show."""
    return {
        (figure.row.period, figure.row.measure, figure.row.unit, figure.row.value)
        for figure in figures
        if figure.is_total and figure.is_plain and not figure.row.overlay and figure.row.measure in ("cases", "loss")
    }


def _family_items(period: Period, name: str, figures: Sequence[Figure], families: Families, told: _Told) -> list[Item]:
    """`told`: the totals of the series that the family breaks down, in the same section."""
    if all(figure.role in ("history", "event") for figure in figures):
        return []
    # A series that breaks its source down further has the name of its table, the series itself that of the source.
    english = (family_title if families.is_subordinate(name) else series_name)(name, families)[0]
    items: list[Item] = []
    blocks: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        if figure.role in ("period", "cumulative"):
            blocks.setdefault((figure.role, figure.row.period, figure.row.classification), []).append(figure)
    order = sorted(
        blocks,
        key=lambda key: (key[0] != "period", parsed(key[1]).frequency != "year_to_date", _block_rank(blocks[key], families), key),
    )
    several = len({key[:2] for key in order}) != len(order)
    history = [figure for figure in figures if figure.role == "history"]
    for place, key in enumerate(order):
        made = series_block(name, english, key, blocks[key], history, families, place=place, name_classification=several)
        items += made if place == 0 else further(made)
    items += _part_totals(name, english, figures, families) if not blocks else []
    # A breakdown by age or by area has the totals of the series itself: their history is told once.
    is_told = families.is_subordinate(name) and _totals_told(figures) <= told
    items += history_items(period, name, english, figures, families, is_told=is_told)
    items += further(other_periods(name, english, figures, families))
    return further(items) if families.is_subordinate(name) else items


def _part_totals(name: str, english: str, figures: Sequence[Figure], families: Families) -> list[Item]:
    """Of a series that has figures for a part of the period only: the totals of the longest part that ends last."""
    totals = [f for f in figures if f.role == "part" and f.is_total and f.is_plain and not f.row.overlay]
    if not totals:
        return []
    code = max((f.row.period for f in totals), key=lambda code: (parsed(code).end, -parsed(code).start.toordinal(), code))
    own = [f for f in totals if f.row.period == code]
    title = _("{series}, {period}: all that is known of the period", series=english, period=period_label(code))
    table = measures_list(f"{slug(name)}_part_totals", title, own, families)
    warnings = [_("A part of the period: never compare it with the whole."), *growing_warnings(own, families)]
    return [Item(table=with_warnings(table, warnings))] if table else []


def _block_rank(figures: Sequence[Figure], families: Families) -> tuple[int, int]:
    return (min(families.precedence(f.row.source) for f in figures), -len(figures))


def family_lead(figures: Sequence[Figure], families: Families) -> tuple[str, ...]:
    """What is counted, which loss, on which date, by the source that speaks first; the others by name."""
    used = sorted({f.row.source for f in figures if f.role != "history"}, key=lambda s: (families.precedence(s), s))
    declared = [families.sources[name] for name in used if name in families.sources]
    if not declared:
        return ()
    first, others = declared[0], [source.id for source in declared[1:]]
    facts = {name: declared_text(first.meta.get(name)) for name in ("unit_of_count", "loss_concept", "date_basis")}
    text = _(
        "{publisher} ({source}). Counts: {unit_of_count}. Loss: {loss_concept}. Date: {date_basis}.",
        publisher=publisher(first),
        source=Own(first.id),
        **facts,
    )
    if not others:
        return (text,)
    more = _("Further figures from {sources}: see the sources below for what they count.", sources=listed(map(Own, others)))
    return (listed([text, more], " "),)
