"""The register of tables that the best published summaries of fraud hold together, and which of them are made here.

In: what the view holds (`Facts`). Out: a table that says of each whether it is made, made in part or not made, with the sources
that give it, what each of them lacks, and the field that no source gives; and one of those that need several periods or areas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from pipeline.publish.countries import declared_tables
from pipeline.publish.families import Families
from pipeline.publish.register_by_release import by_release_table, reasons_by_release
from pipeline.publish.register_entries import NOBODY_GIVES_IT, REGISTER, Entry, Field, Held
from pipeline.publish.register_facts import Facts
from pipeline.publish.tables import Column, Table, text_cell
from pipeline.publish.words import Own, _, declared, listed


def register_tables(
    view: pd.DataFrame, published: Collection[str], families: Families, printed_again: Collection[str] = ()
) -> tuple[Table, Table]:
    """The register, and release by release those that need more than the figures of a period.

    `view`: OBSERVATION_COLUMNS; `published`: the periods that have a release; `printed_again`: the sources of figures of which
    more than one printing is known.
    """
    reasons = reasons_by_release(view, published, families)
    made = {code: frozenset(name for (name, __), reason in own.items() if not reason) for code, own in reasons.items()}
    made |= {
        "T40": frozenset(source.id for source in families.sources.values() if source.breaks) & set(view["source"]),
        "T41": _compared(view, families),
        "T44": frozenset(item.id for item in families.sources.values() if "comparability" in item.meta) & set(view["source"]),
        "T34": frozenset(printed_again),
    }
    return register_table(dataclasses.replace(Facts.of(view), made=made)), by_release_table(reasons, families)


def _compared(view: pd.DataFrame, families: Families) -> frozenset[str]:
    """The sources of series that stand beside those of other countries, where there are two countries."""
    declared = {source for source, __ in declared_tables(families)}
    annual = (view["frequency"] == "annual").to_numpy(bool) & (view["absence"] == "").to_numpy(bool)
    present = declared & set(view.loc[annual, "source"])
    return frozenset(present) if len({families.sources[source].country for source in present}) > 1 else frozenset()


def register_table(facts: Facts) -> Table:
    """Every entry: its state, where it stands or what is lacking, and what each source has of it."""
    lines = []
    for entry in REGISTER:
        held = entry.held(facts)
        nowhere = [field for field in entry.fields if all(field in own.missing for own in held.values())] if held else []
        own = {source: dataclasses.replace(had, missing=_without(had.missing, nowhere)) for source, had in held.items()}
        is_made = not nowhere and any(had.is_complete for had in own.values())
        lines.append(
            (
                text_cell(entry.code, header=True),
                text_cell(declared(entry.title)),
                text_cell(_("made") if is_made else _("made in part") if held else _("not made")),
                text_cell(_place(entry, nowhere, own.values()) if held else declared(entry.lacking or NOBODY_GIVES_IT)),
                text_cell(listed([_source_words(source, had) for source, had in own.items()])),
            )
        )
    columns = tuple(map(Column, (_("No."), _("Table"), _("State"), _("Where, or what is lacking"), _("Sources"))))
    return Table("register", _("Tables, and which are made"), columns, tuple(lines), notes=(_SINGLE_CELLS,))


_SINGLE_CELLS = _(
    "Single cells: what a source says of one or a few categories, which neither make up the total nor are so many that they are "
    "a table."
)


def _without(fields: Iterable[Field], others: Collection[Field]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field not in others)


def _place(entry: Entry, nowhere: Sequence[Field], held: Collection[Held]) -> str:
    """Where the table stands, and what no source gives of it."""
    lacking: list[str] = [_("all but single cells: no source gives it")] if all(had.is_single for had in held) else []
    lacking += [
        _("{field}: {reason}", field=declared(field.words), reason=declared(field.reason or NOBODY_GIVES_IT)) for field in nowhere
    ]
    where = declared(entry.where)
    return _("{where}. Lacking: {fields}", where=where, fields=listed(lacking, "; ")) if lacking else where


def _source_words(source: str, had: Held) -> str:
    """The source, and what it lacks of what another gives."""
    fields = listed([declared(field.words) for field in had.missing])
    if had.is_single:
        return (
            _("{source} (single cells, without {fields})", source=Own(source), fields=fields)
            if had.missing
            else _("{source} (single cells)", source=Own(source))
        )
    return _("{source} (without {fields})", source=Own(source), fields=fields) if had.missing else Own(source)
