"""The site's page on quality: indicators of each source, and which of the tables that official fraud statistics have are made.

In: the view (OBSERVATION_COLUMNS), the declared sources, the evidence, the day as of which the site speaks. Out: sections of
tables, with what each of them says and does not say.

Indicators follow the ESS quality and performance indicators (R1 completeness, A5 item non-response, A6 revisions, TP1
timeliness, CC2 length of comparable series); every one is computed, and one that cannot be is [x] and never 0.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from pipeline.publish.accuracy_tables import indicator_tables, late_reports
from pipeline.publish.coding_tables import coding, non_response
from pipeline.publish.completeness_tables import agreement, completeness, revision_sizes, timeliness
from pipeline.publish.content import Item, Section
from pipeline.publish.evidence import Evidence
from pipeline.publish.families import Families
from pipeline.publish.quality_indicators import indicator_list
from pipeline.publish.register import register_tables
from pipeline.publish.revised_since import revised_since
from pipeline.publish.revisions import HeadlineHistory
from pipeline.publish.words import _
from pipeline.sources.catalogue import Source


def quality_sections(
    sources: Sequence[Source],
    view: pd.DataFrame,
    evidence: Evidence,
    histories: Sequence[HeadlineHistory],
    families: Families,
    day: dt.date,
    published: Mapping[str, str] = MappingProxyType({}),
) -> list[Section]:
    """Indicators, reconciliation, revisions, non-response, comparability, and the register of tables.

    `published`: the periods that have a release -> its address, in English. Figures of these tables lead to the page of the
    source that they are counted of, or to the release that shows what they are computed of.
    """
    used = [source for source in sources if len(evidence.of_source(source.id)) or bool((view["source"] == source.id).any())]
    figures = {source.id: view[(view["source"] == source.id).to_numpy(bool)] for source in used}
    register, by_release = register_tables(view, published, families, _printed_again(evidence, histories))
    since, stands, outdated = revised_since(evidence.revised_since, published, families)
    tables = (
        ("completeness", _("Files, rows and completeness"), "完全性", (_COMPLETE,), completeness(used, figures, evidence, day)),
        ("timeliness", _("Timeliness"), "適時性", (_TIMELY,), timeliness(used, figures, evidence, families)),
        ("agreement", _("Agreement with published totals"), "公表値との突合", (_AGREEMENT,), agreement(used, evidence)),
        (
            "size-of-revisions",
            _("Size of revisions"),
            "改訂の大きさ",
            (_REVISED,),
            revision_sizes(histories, families, published),
        ),
        (since, _("Revised since it was printed"), "公表後の改訂", stands, outdated),
        ("coding", _("Coding"), "格付", (_CODING,), coding(used, figures)),
        ("non-response", _("What reports do not say"), "無回答", (_NON_RESPONSE,), non_response(used, figures, published)),
        ("tables", _("Tables of official fraud statistics"), "統計表一覧", (_REGISTER,), register),
    )
    made = [
        Section(name, title, native, lead, (Item(table=table),) if table is not None else ())
        for name, title, native, lead, table in tables
    ]
    *others, last = made
    further = [
        *indicator_tables(used, figures, evidence, published),
        *(late for late in (late_reports(used, evidence),) if late.rows),
    ]
    shown = (*further, *(table for *__, table in tables if table is not None))
    present = {table.id: table.title for table in shown if table.rows}
    return [
        Section("all-indicators", _("All indicators"), "品質指標一覧", (_ALL,), (Item(table=indicator_list(present)),)),
        *others,
        Section(
            "accuracy",
            _("Accuracy, coverage and coherence"),
            "正確性・網羅性・整合性",
            (),
            tuple(Item(table=table) for table in further),
        ),
        dataclasses.replace(last, items=(*last.items, *([Item(table=by_release)] if by_release.rows else []))),
    ]


_ALL = _(
    "What the European Statistical System and we ask of every source: the formula, who defined it, the table below with its "
    "values, or why it cannot be computed. Nothing is estimated to fill a line."
)
_COMPLETE = _(
    "R1: of the regular periods between the first and the last, those of which we hold a printed figure. Where it is low, we "
    "could not have all files of the source: it says nothing of the publisher. Rows set aside broke a rule and enter no figure; "
    "nothing is put in their place. Withheld: figures that we keep back to protect persons; all sources are published "
    "statistics or hold no persons."
)
_TIMELY = _(
    "TP1: days from the end of the newest regular period to the first publication of it that we hold; a period before whose "
    "end the file ends is not counted. No publisher here "
    "announces days in advance that we hold, so punctuality (TP3) is not known. Where only the month or the year of a "
    "publication is known, its last day counts, and where a file is known by a copy alone, the day on which it was copied: the "
    "days are then the most that it can have been."
)
_AGREEMENT = _(
    "Our figures beside totals that the publishers print in reports, press releases and tables of their own; each release "
    "lists those of its period with reasons, and those of a period without a release are among the not comparable. Where the "
    "published total stands in the very file that is read, agreement says that the file was read right, and no more."
)
_REVISED = _(
    "R = latest less first figure, over the years of the newest annual release that were printed more than once. Mean "
    "revision, mean absolute revision, and the sum of |R| relative to the sum of the first figures (McKenzie and Gamba; "
    "OECD). A difference that the rounding of the two figures explains is no revision."
)
_CODING = _(
    "Of the crosswalk's labels, those that only overlap a common code. Of the newest year with a breakdown by type, the "
    "share of cases and of loss under types that are unknown. Comparable years: those with a figure, from the last declared "
    "break of the total on; of a source with several totals each."
)
_NON_RESPONSE = _(
    "A5: of the newest year or part of it, cases under unknown in each breakdown, as a share of the total; the same of "
    "the loss where the publisher gives it."
)
_REGISTER = _(
    "What the best published summaries hold together. Not made: the reason, or the field that no source gives. Each "
    "release makes a table for the periods for which its sources have it."
)


def _printed_again(evidence: Evidence, histories: Sequence[HeadlineHistory]) -> set[str]:
    """The sources of figures with more than one printing, by themselves or one after the other."""
    known = evidence.vintages.drop_duplicates().groupby(["source", "table", "frequency", "period"], observed=True).size()
    again = {str(source) for source, *_ in known[known > 1].index}
    return again | {vintage.source for item in histories if item.printed_again for vintage in item.vintages}
