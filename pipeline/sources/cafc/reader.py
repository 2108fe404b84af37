"""The Canadian Anti-Fraud Centre's file of reports to cases.

In: one CSV file, or a zip that holds it: 21 bilingual columns, one row a report, the whole history from January 2021 again in
each file. Out: cases (pipeline.reading.cases), and beside their columns `country`, the publisher's label.

What is odd about it: the headers come with accents, without them, or with the accented letters lost; ages carry an apostrophe in
front, so that a spreadsheet does not take `10 - 19` for a date; what is missing is text (`Not Available`, `Not Specified`);
copies that were saved again write 9/29/2025 for a date. `Number ID` numbers the rows of one file and is no key: reports that are
equal in every other column are different reports, and none is dropped. The publisher keeps no loss for some categories
(`loss_unknown_types`) and prints `$0.00` there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.model import RefusedInput, Snapshot
from pipeline.reading.case_builder import CaseBuilder, categorical, month_labels, month_numbers
from pipeline.reading.case_rules import fold_label, parse_count, parse_money
from pipeline.reading.csv_members import csv_members
from pipeline.reading.label_months import native_labels
from pipeline.reading.record_corrections import RecordCorrection
from pipeline.reading.record_layouts import Layout
from pipeline.reading.record_texts import Numbers, Texts, read_texts
from pipeline.sources.catalogue import Source

HOME = "Canada"
COUNTRY_NOT_KNOWN = ("Not Specified", "Unknown")
ABROAD = "Outside Canada"


def read_cases(path: Path, snapshot: Snapshot, source: Source, corrections: Sequence[RecordCorrection] = ()) -> pd.DataFrame:
    """Every report of the file, in its order. Raises RefusedInput for a file that is not what it should be."""
    members = csv_members(path)
    if len(members) > 1:
        raise RefusedInput(
            file=snapshot.file,
            cell="the archive",
            found=f"{len(members)} CSV files: {', '.join(member.name for member in members)}",
            expected="one CSV file: each holds the whole history, and two would count every report twice",
            action="deliver each of them on its own",
        )
    layouts = [Layout.from_meta(layout) for layout in source.meta["layouts"]]
    texts = read_texts(members, layouts, snapshot.file, corrections)
    build = CaseBuilder(texts, source.folder / "crosswalk.csv")
    received = build.days("date")
    months = month_numbers(received)
    types = build.labels("native_type", "fraud_type", months)
    losses, readable = build.parsed("loss", parse_money)
    return build.frame(
        date=received,
        month=month_labels(months),
        area=_areas(build, texts, months),
        native_type=types,
        contact=build.labels("contact", "contact", months),
        sex=build.labels("sex", "sex", months),
        age=build.labels("age", "age", months, first_language=True),
        outcome=build.labels("outcome", "outcome", months),
        cases=np.ones(len(texts), dtype=np.int64),
        victims=build.parsed("victims", parse_count)[0],
        loss_minor=losses,
        loss_known=readable & ~(types.isin(source.meta["loss_unknown_types"]) & (losses == 0)),
        country=categorical(*texts.codes("country")),
    )


def _areas(build: CaseBuilder, texts: Texts, months: Numbers) -> pd.Categorical:
    """`Canada / Ontario` of country and province; one label for all that came from abroad, whatever it names as province."""
    country_codes, countries = texts.codes("country")
    province_codes, provinces = texts.codes("province")
    pairs, codes = np.unique(country_codes.astype(np.int64) * len(provinces) + province_codes, return_inverse=True)
    at_home = {fold_label(label) for label in (HOME, *COUNTRY_NOT_KNOWN)}
    prefix = f"{HOME} / "
    ours = {fold_label(label.removeprefix(prefix)) for label in _area_labels(build) if label.startswith(prefix)}
    labels, contradictory = [], np.zeros(len(pairs), dtype=bool)
    for place, pair in enumerate(pairs.tolist()):
        country, province = countries[pair // len(provinces)], provinces[pair % len(provinces)]
        abroad = bool(country.strip()) and fold_label(country) not in at_home
        # A Canadian province in another country: one of the two is wrong, or the country is written in a new way.
        contradictory[place] = abroad and fold_label(province) in ours - _SHARED_PROVINCES
        labels.append(ABROAD if abroad else f"{country} / {province}")
    build.mark(contradictory[codes.reshape(-1)], "labels_contradict", "province")
    return build.known_labels(codes.reshape(-1), labels, "province", "area", months)


# Labels that stand for a place in Canada and for one outside it.
_SHARED_PROVINCES = frozenset({"not specified", "california"})


def _area_labels(build: CaseBuilder) -> list[str]:
    return native_labels(build.crosswalk, "area")
