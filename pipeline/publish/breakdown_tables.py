"""Tables of what figures are broken down by: contact, payment, age and sex, area.

In: the figures of a series that are broken down. Out: a `Table` for each set of dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import DIMENSIONS, INTERVAL_ENDS, TOTAL
from pipeline.publish.families import Families
from pipeline.publish.figures import Figure, is_country
from pipeline.publish.labels import code_label, dimension_title, natural_key
from pipeline.publish.marks import mark_of_missing
from pipeline.publish.measures import group_title, measure_group, measure_note, measure_rank, unit_short
from pipeline.publish.table_notes import table_notes
from pipeline.publish.tables import Column, Table, figure_cell, hoisted, measure_column, text_cell, type_cell
from pipeline.publish.texts import slug
from pipeline.publish.type_tables import type_order
from pipeline.publish.words import Words, _, declared, each


def breakdown_tables(table_id: str, title: str, figures: Sequence[Figure], families: Families) -> list[Table]:
    """One table for each set of dimensions that figures are broken down by: two dimensions cross, others go down."""
    groups: dict[tuple[tuple[str, ...], bool], list[Figure]] = {}
    for figure in figures:
        names = tuple(name for name, _ in figure.breakdown) or (() if is_country(figure.row.area) else ("area",))
        if names:
            groups.setdefault((names, figure.row.overlay), []).append(figure)
    sexes = [key for key in groups if set(key[0]) < {"age", "sex"} and (("age", "sex"), key[1]) in groups]
    for key in sexes:
        groups[(("age", "sex"), key[1])] += groups.pop(key)
    made = []
    for (names, overlay), members in sorted(groups.items(), key=lambda item: item[0]):
        words = by_dimensions(names)
        maker = _ages_across if set(names) == {"age", "sex"} else _dimensions_down
        base = f"{table_id}_by_{slug('_'.join(names))}{'_overlay' if overlay else ''}"
        heading = _("{series}: by {dimensions}", series=title, dimensions=words)
        own = [figure for figure in members if figure.row.measure not in INTERVAL_ENDS]
        made.append(maker(base, heading, names, own, families))
        if len(own) < len(members):
            # Quantiles with their intervals stand in a table of their own, which else would be far too wide.
            quantiles = [figure for figure in members if figure.row.measure in measure_group("quantiles")]
            heading = _("{title}: {group}", title=heading, group=group_title("quantiles").lower())
            made.append(_dimensions_down(f"{base}_quantiles", heading, names, quantiles, families))
    return made


def by_dimensions(names: Sequence[str]) -> Words:
    """What a table is broken down by, as it stands in its title: `age and sex`; in Japanese 別 follows all of them."""
    titles = [dimension_title(name).lower() for name in names]
    return each(" and ".join(titles), lambda: "・".join(str(title).removesuffix("別") for title in titles))


def _ages_across(table_id: str, title: str, names: tuple[str, ...], figures: Sequence[Figure], families: Families) -> Table:
    measure, unit = sorted({(f.row.measure, f.row.unit) for f in figures}, key=measure_rank)[0]
    wanted = [f for f in figures if (f.row.measure, f.row.unit) == (measure, unit)]
    ages = sorted({f.row.age for f in wanted}, key=natural_key)
    places = {name: place for place, name in enumerate(type_order(wanted))}
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for figure in wanted:
        row = figure.row
        key = (places[(row.native_type, row.fraud_type)], row.native_type, row.sex == "F", row.sex)
        lines.setdefault(key, {})[row.age] = row
    rows = tuple(
        (
            type_cell(next(iter(cells.values()))),
            text_cell(_("both") if key[3] == TOTAL else code_label(key[3]), header=True),
            *(figure_cell(cells.get(age), short=False) for age in ages),
        )
        for key, cells in sorted(lines.items())
    )
    heads = [Column(_("All ages") if age == TOTAL else code_label(age), unit_short(unit), numeric=True) for age in ages]
    columns = (Column(_("Type"), native="手口"), Column(_("Sex"), native="性別"), *heads)
    note = _("{sentence} Organisations are not counted as victims here.", sentence=measure_note(measure))
    return hoisted(Table(table_id, title, columns, rows, notes=(note, *table_notes(wanted, families))))


def _missing(measure: str, cells: Mapping[tuple[str, str], Any]) -> str:
    return mark_of_missing(measure, {name: row for (name, unit), row in cells.items() if unit != "USD"})


def _dimensions_down(table_id: str, title: str, names: tuple[str, ...], figures: Sequence[Figure], families: Families) -> Table:
    keys = sorted({(f.row.measure, f.row.unit) for f in figures}, key=measure_rank)
    lines: dict[tuple[Any, ...], dict[tuple[str, str], Any]] = {}
    for figure in figures:
        row = figure.row
        values = tuple(getattr(row, name) for name in names)
        key = (row.native_type != TOTAL, row.native_type, row.fraud_type, tuple(natural_key(v) for v in values), values)
        lines.setdefault(key, {})[(row.measure, row.unit)] = row
    # A column that says "all types" in every line says nothing.
    of_types = [Column(_("Type"), native="手口")] if any(not figure.is_total for figure in figures) else []
    rows = tuple(
        (
            *(type_cell(next(iter(cells.values()))) for _ in of_types),
            *(text_cell(code_label(value), header=True) for value in key[4]),
            *(figure_cell(cells.get(name), missing=_missing(name[0], cells)) for name in keys),
        )
        for key, cells in sorted(lines.items())
    )
    columns = (
        *of_types,
        *(Column(dimension_title(n), note=declared(DIMENSIONS.get(n, ""))) for n in names),
        *(measure_column(*k) for k in keys),
    )
    overlay = any(figure.row.overlay for figure in figures)
    warning = _("These cut across each other and across the types: never add them.") if overlay else ""
    kind = "overlay" if overlay else "figures"
    return hoisted(Table(table_id, title, columns, rows, notes=table_notes(figures, families), warning=warning, kind=kind))
