"""Every quality indicator that official statistics ask for: its formula, who defined it, its table or why there is none.

In: the tables of the site's page on quality that have lines. Out: the list of all indicators. What the quality and performance
indicators of the European Statistical System (ESS) do not define is marked as ours. None is estimated: what cannot be computed
says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.publish.tables import Column, Table, text_cell
from pipeline.publish.words import _, declared

_ESS = "ESS guidelines on quality indicators"
# Code, indicator, formula, source of the definition, table of this page, or why it cannot be computed.
INDICATORS: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "R1",
        "Data completeness",
        "periods with a figure / periods from the first to the last",
        _ESS,
        "completeness_of_sources",
        "",
    ),
    ("A1", "Sampling error", "coefficient of variation", _ESS, "", "the publishers count every report: there is no sample"),
    (
        "A2",
        "Over-coverage",
        "duplicates and reports out of scope / reports",
        _ESS,
        "",
        "no publisher gives a report an id that stays from file to file: equal rows may be different reports, and are kept",
    ),
    ("A4", "Unit coverage", "areas with a figure / areas of the country", _ESS, "coverage_of_sources", ""),
    ("A5", "Item non-response", "cases (loss) under unknown / total, for each breakdown", _ESS, "non_response_by_table", ""),
    ("A6", "Size of revisions", "MR, MAR, RMAR = sum |R| / sum |first|", "McKenzie and Gamba, OECD", "revision_sizes", ""),
    ("A7", "Imputation rate", "figures filled in / figures given", _ESS, "coverage_of_sources", ""),
    (
        "A7 by value",
        "Imputation rate, by value",
        "value filled in / value",
        _ESS,
        "",
        "a figure that is filled in is a total less its other parts: the total, which is printed, is not changed by it",
    ),
    ("", "Unknown types", "cases (loss) of unknown type / total", "ours", "coding_of_sources", ""),
    ("TP1", "Time to the first release", "days from the end of the period", _ESS, "timeliness_of_sources", ""),
    ("TP2", "Time to the final release", "days from the end of the year", _ESS, "days_to_final", ""),
    ("TP3", "Punctuality", "day of release - day announced", _ESS, "", "no publisher announces its days in a file that we hold"),
    ("CC2", "Length of comparable series", "years with a figure since the last declared break", _ESS, "coding_of_sources", ""),
    ("", "Parts against totals", "sum of types - total, within the precision", "ours", "coherence_of_sources", ""),
    ("", "Months against years", "sum of months - year, within the precision", "ours", "coherence_of_sources", ""),
    ("", "Ours against published totals", "ours - theirs, within the precision", "ours", "agreement_by_source", ""),
    ("", "Large losses", "shares of the largest losses; Pareto tail index", "ours; Pareto", "large_losses", ""),
    (
        "",
        "Loss under review",
        "loss of reports under review / loss",
        "ours",
        "",
        "no publisher marks the reports that it reviews",
    ),
    (
        "",
        "Intervals of medians and 90th percentiles",
        "two losses by their rank, at least 95 % (order statistics)",
        "ours",
        "large_losses",
        "",
    ),
    (
        "",
        "Intervals of totals",
        "resampled (compound Poisson)",
        "ours",
        "",
        "a resampled interval does not cover a total of losses whose tail index is below 2: see large losses",
    ),
    ("", "Suppression rate", "figures withheld / figures", "ours", "coverage_of_sources", ""),
    (
        "",
        "Suppression rate, by value",
        "value withheld / value",
        "ours",
        "",
        "nothing is withheld; were there anything, its value would not be told",
    ),
    ("", "Labels that only overlap", "crosswalk rows with partial match / rows", "ours", "coding_of_sources", ""),
    ("", "Changes of layout", "files refused / files", "ours", "completeness_of_sources", ""),
    ("", "Inputs", "sha256 over the hashes of the files", "ours", "completeness_of_sources", ""),
    (
        "",
        "Late reports",
        "rows that a later file adds to a month / rows before",
        "ours",
        "late_reports",
        "no publisher of records has delivered two files of one month: one vintage says nothing of what comes late",
    ),
)


def indicator_list(present: Mapping[str, str]) -> Table:
    """Every indicator. `present`: id of each table that has lines -> its title."""
    lines = tuple(
        (
            text_cell(declared(code) if code else "–", header=True),
            text_cell(declared(name)),
            text_cell(declared(formula)),
            text_cell(declared(defined)),
            text_cell(present[table], href=f"#table-{table}") if table in present else text_cell(_("not computed")),
            text_cell("" if table in present else declared(why) if why else _("there is nothing yet to compute it from")),
        )
        for code, name, formula, defined, table, why in INDICATORS
    )
    columns = (
        Column(_("Code")),
        Column(_("Indicator")),
        Column(_("Formula")),
        Column(_("Defined by")),
        Column(_("Value")),
        Column(_("Why it is not computed")),
    )
    return Table("indicators", _("All indicators"), columns, lines)
