"""What the sources declare of their series: precedence, families, currency, breaks, reports that are still to come.

In: the declared sources. Out: `Families`, which answers for a family, a source or a row; the years at which a series breaks.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.model import FILE_ENDS, TOTAL
from pipeline.publish.measures import INCIDENTS
from pipeline.publish.roles import parsed
from pipeline.publish.texts import declared_text
from pipeline.publish.words import Own, Words, _, both, declared
from pipeline.sources.catalogue import Source

LAST_PRECEDENCE = 99


def counts_of(source: Source) -> str:
    """What a source's cases are, for `measures.counting`: those of its country, or incidents where it calls them 発生件数."""
    return INCIDENTS if "発生件数" in source.meta.get("measures", {}) else source.country


def publisher(source: Source) -> Words:
    """Who publishes a source."""
    japanese = str(source.meta.get("publisher_ja", ""))
    return both(source.publisher, japanese) if japanese else declared(source.publisher)


class Families:
    """Family and precedence of every table, from the declared sources."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = {source.id: source for source in sources}
        self._attributions: dict[str, str] = {}
        self._subordinate = {
            table.family: source.id
            for source in sources
            if (leading := source.meta.get("headline_tables"))
            for table in source.tables.values()
            if table.id not in leading
        }

    @property
    def are_synthetic(self) -> bool:
        """Whether the figures are of sources that nobody published."""
        return any(source.is_synthetic for source in self.sources.values())

    def is_subordinate(self, family: str) -> bool:
        """Whether the family breaks down the figures of its source's headline tables: it is no series of its own."""
        return family in self._subordinate

    def sectioned(self, family: str) -> Source | None:
        """The source whose tables stand together in one section, where the family is one of them."""
        for source in self.sources.values():
            if source.meta.get("headline_tables") and any(table.family == family for table in source.tables.values()):
                return source
        return None

    def order(self, family: str) -> tuple[int, int]:
        """The place of the family among those of its source: what leads first, then as they are declared."""
        source = self.sectioned(family)
        declared = [table.family for table in source.tables.values()] if source else [family]
        return (self.is_subordinate(family), declared.index(family))

    def currency(self, family: str) -> str:
        """The national currency of the family's figures; yen where no source declares the family."""
        holders = [s for s in self.sources.values() if any(t.family == family for t in s.tables.values())]
        return min(holders, key=lambda s: (s.precedence, s.id)).currency if holders else "JPY"

    def family(self, row: Any) -> str:
        source = self.sources.get(row.source)
        table = source.tables.get(row.table) if source else None
        return table.family if table else row.table

    def precedence(self, source_id: str) -> int:
        source = self.sources.get(source_id)
        return source.precedence if source else LAST_PRECEDENCE

    def attribution(self, source_id: str) -> str:
        """Who gives the source's figures, in words."""
        # A release asks for it with each of its hundreds of points.
        if source_id not in self._attributions:
            source = self.sources.get(source_id)
            words = _("{publisher} ({source})", publisher=publisher(source), source=Own(source.id)) if source else source_id
            self._attributions[source_id] = words
        return self._attributions[source_id]

    def classification(self, code: str) -> str:
        """A classification in the words of the source that declares it."""
        for source in self.sources.values():
            if words := source.meta.get("classifications", {}).get(code):
                return str(words)
        return code

    def late_warning(self, row: Any) -> str:
        """What the row's source says of a period so near to its file that reports of it are still to come; empty of others."""
        source, end, known = self.sources.get(row.source), parsed(row.period).end, row.known_at
        late = source.meta.get("late_reports") if source else None
        months = (known.year - end.year) * 12 + known.month - end.month
        return str(late["warning"]) if late and months < int(late["months"]) else ""

    @staticmethod
    def file_end(rows: Iterable[Any]) -> dt.date | None:
        """The last day of the file that rows of one period were counted from, where it ends before the period does."""
        found = (match for row in rows if row.note and (match := _FILE_ENDS.search(str(row.note))))
        return max((dt.date.fromisoformat(match[1]) for match in found), default=None)

    def counts_of_source(self, source: str) -> str:
        """What a source's cases are, for `measures.counting`; the empty string for one that is not in the catalogue."""
        return counts_of(self.sources[source]) if source in self.sources else ""

    def counts(self, family: str) -> str:
        """What the cases of the family's leading source are, as `counts_of_source`."""
        holders = [s for s in self.sources.values() if any(t.family == family for t in s.tables.values())]
        return self.counts_of_source(min(holders, key=lambda s: (s.precedence, s.id)).id) if holders else ""

    def country(self, family: str) -> str:
        """The country of the family's leading source; the empty string where no source declares the family."""
        holders = [s for s in self.sources.values() if any(t.family == family for t in s.tables.values())]
        return min(holders, key=lambda s: (s.precedence, s.id)).country if holders else ""


_FILE_ENDS = re.compile(FILE_ENDS.format(day=r"(\d{4}-\d{2}-\d{2})"))


def break_years(totals: Sequence[Any], families: Families) -> dict[str, str]:
    """Years from which a family's annual totals are not comparable with those before -> why.

    From the classification that changes between two shown years, from what the sources declare, and from status B.
    """
    reasons: dict[str, str] = {}
    ordered = sorted(totals, key=lambda row: row.period)
    for before, after in itertools.pairwise(ordered):
        if before.classification != after.classification:
            old, new = (families.classification(row.classification) for row in (before, after))
            reasons[after.period] = _("the classification changes from “{old}” to “{new}”", old=declared(old), new=declared(new))
    shown = {row.period for row in ordered}
    tables = {(row.source, row.table) for row in ordered}
    for source_id, table in sorted(tables):
        for entry in declared_breaks(families, source_id, table):
            year = str(entry.get("from", ""))[:4]
            concerns_total = entry.get("all") or TOTAL in entry.get("native_types", ())
            if concerns_total and year in shown and year != min(shown):
                reasons.setdefault(year, declared(entry.get("reason", _("declared break"))))
    for row in ordered:
        if row.obs_status == "B":
            reasons.setdefault(row.period, declared(row.note) if row.note else _("marked as a break by the figures themselves"))
    return dict(sorted(reasons.items()))


def break_on_the_year(row: Any, families: Families) -> Words | str:
    """Why a total is not comparable with the same period of the year before, as its source declares it; empty where it is."""
    period = parsed(row.period)
    for entry in declared_breaks(families, row.source, row.table):
        concerns_total = entry.get("all") or TOTAL in entry.get("native_types", ())
        if concerns_total and period.year_before.start < parsed(str(entry["from"])).start <= period.end:
            return declared_text(entry.get("reason")) or _("declared break")
    return ""


def declared_breaks(families: Families, source_id: str, table: str) -> list[Mapping[str, Any]]:
    """The breaks that the source declares for `table`."""
    source = families.sources.get(source_id)
    return [entry for entry in source.breaks if entry.get("table") in (table, None, "")] if source else []
