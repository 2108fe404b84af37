"""Cases: one row a report, or one row a cell of reports that carries a count; and what can be asked of them.

In: what `pipeline.reading.case_builder` made of a file of records. A frame of CASE_COLUMNS on fast dtypes, every row of the file:

    row            int64            record number in its file as a spreadsheet shows it (the header is row 1)
    file           category         name of the member
    date           datetime64[ns]   day, or first day of the month, on which the report was received; NaT where unreadable
    month          category         the same as `2024-03`
    classification category         the scheme of types in force
    area, native_type, <dimensions> category   the publisher's labels; a missing value where the label is not known
    cases          int64            1 for a record; the number of reports for a cell
    victims        int64            persons; the column is there only where the publisher counts them
    loss_minor     int64            loss in minor units (cents), exact; 0 where there is none
    loss_known     bool             a loss figure stands there and means what it says
    problem        category         ids of the RULES (pipeline.reading.case_rules) that the row broke, joined by `; `; empty for a
                                    sound row
    problem_text   category         the column and the text that broke them

Out: the months that they speak for, and those between without any.
"""

from __future__ import annotations

import pandas as pd

from pipeline.model import DIMENSIONS, Period

CASE_COLUMNS = (
    "row",
    "file",
    "date",
    "month",
    "classification",
    "area",
    "native_type",
    *DIMENSIONS,
    "cases",
    "victims",
    "loss_minor",
    "loss_known",
    "problem",
    "problem_text",
)


def covered_months(cases: pd.DataFrame) -> list[str]:
    """The months that have rows, in order."""
    return sorted(cases["month"].dropna().unique())


def holes(cases: pd.DataFrame) -> list[str]:
    """The months between the first and the last that have no rows at all: not there, which is not zero."""
    months = covered_months(cases)
    if len(months) < 2:
        return []
    return [month for month in Period.parse(f"{months[0]}/{months[-1]}").months if month not in set(months)]
