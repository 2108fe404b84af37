"""How the eight files of the data book are laid out: what each line must say, and which figure each cell is.

In: nothing. Out: `LAYOUTS`, one a file, read from top to bottom by the reader. A file holds a title line, then tables (under a
heading or not, with a header line or with labelled lines) parted by blank lines, then notes, then the line that names the source.
The notes are part of the layout: they define the figures (losses from $1 to $999,999, bases of percentages), so a note that says
something new stops the reading until somebody has read it.
"""

from __future__ import annotations

import dataclasses

from pipeline.sources.ftc_csn.amounts import Kind

SOURCE_LINE = r"Source: Consumer Sentinel Network Data Book (?P<year>\d{4}), Federal Trade Commission"
EXCLUDES_STATE_CONTRIBUTORS = "excludes reports of state-specific data contributors"


@dataclasses.dataclass(frozen=True)
class Measure:
    """What a cell counts: measure and unit of the observation, and how the number is printed."""

    name: str
    unit: str
    kind: Kind
    suffix: str = ""  # words after the number: `58% of Total`
    note: str = ""


CASES = Measure("cases", "cases", "count")
WITH_LOSS = Measure("cases_with_loss", "cases", "count")
LOSS = Measure("loss", "USD", "money")
MEDIAN = Measure("median_loss", "USD", "money")
SHARE = Measure("share_of_cases", "percent", "percent")
SHARE_WITH_LOSS = Measure("share_with_loss", "percent", "percent")
RESPONSE = Measure("item_response_rate", "percent", "percent")
RANK = Measure("rank", "rank", "count")
PER_100K = Measure(
    "cases_per_100k", "cases_per_100k", "rate", note="on the population estimates of the year before (U.S. Census Bureau)"
)


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table: its header, and its measure. The column without a measure holds the labels of the rows."""

    header: str
    measure: Measure | None = None


@dataclasses.dataclass(frozen=True)
class Rows:
    """A table with a header line and a row for each label."""

    table: str
    label: str  # what the labels are: period, area, native_type, or a dimension
    columns: tuple[Column, ...]
    heading: str = ""  # the line above the header
    overlay: bool = False  # a report can stand in several rows: never add them
    unranked: tuple[str, ...] = ()  # labels that stand below the ranking, without a rank
    length: int | None = None  # how many rows there must be, where the heading says it


@dataclasses.dataclass(frozen=True)
class Cell:
    """A figure in a labelled line: column (0-based), measure, and the label of the table's breakdown; empty for its total."""

    column: int
    measure: Measure
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Lines:
    """Lines with a label in front and one or more figures after it."""

    table: str
    label: str  # the dimension that Cell.label belongs to
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclasses.dataclass(frozen=True)
class Noted:
    """A figure in a note: the named group that holds it, its measure, and the label of the breakdown; empty for its total."""

    group: str
    measure: Measure
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Note:
    """A note under the tables, as a regular expression (spaces folded). The group `year` is the book's year."""

    pattern: str  # its groups `year` and `year_before` must be the book's year and the one before
    table: str = ""
    label: str = ""
    figures: tuple[Noted, ...] = ()


@dataclasses.dataclass(frozen=True)
class Layout:
    """One file: the end of its name, its title line, its tables and its notes, in their order."""

    name: str  # `2024_CSN_<name>.csv`
    title: str
    tables: tuple[Rows | Lines, ...]
    notes: tuple[Note, ...]


def _bands(step: int, count: int) -> tuple[str, ...]:
    return tuple(f"${first * step + 1:,} - ${(first + 1) * step:,}" for first in range(count))


MORE = "More than $10,000"
LOSS_BANDS = (*_bands(1000, 10), MORE)
SMALL_LOSS_BANDS = _bands(100, 10)
CONTACT_GIVEN = "# of Reports with Contact Method"
AGE_GIVEN = "consumers provided their age"
OTHER_MISC = "Other Misc."
FRAUD, IDENTITY_THEFT = "Fraud", "Identity Theft"

_OF_TABLE = Column("# of Reports", CASES)

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "Report_Count",
        "Number of Fraud, Identity Theft and Other Reports by Year",
        (Rows("reports_by_year", "period", (Column("Year"), _OF_TABLE)),),
        (Note(r"The reported figures exclude National Do Not Call Registry complaints\."),),
    ),
    Layout(
        "Report_Type",
        "Report Type",
        (
            Rows(
                "report_types",
                "native_type",
                (
                    Column("Report Type"),
                    _OF_TABLE,
                    Column("", dataclasses.replace(SHARE, suffix=" of total reports")),
                ),
                overlay=True,
            ),
            Rows(
                "fraud_by_category",
                "native_type",
                (
                    Column("Rank", RANK),
                    Column("Category"),
                    _OF_TABLE,
                    Column("% Reporting $ Loss", SHARE_WITH_LOSS),
                    Column("Total $ Loss", LOSS),
                    Column("Median $ Loss", MEDIAN),
                ),
                heading="Top 10 Categories",
                length=10,
            ),
            Rows(
                "identity_theft_by_type",
                "native_type",
                (Column("Rank", RANK), Column("Theft Type"), _OF_TABLE),
                heading="Identity Theft Types",
                overlay=True,
            ),
            Rows(
                "other_reports_by_category",
                "native_type",
                (Column("Rank", RANK), Column("Category"), _OF_TABLE),
                heading="Top 10 Other Categories",
                length=10,
            ),
        ),
        # The export dropped the names of the report types from this sentence; their place is left open.
        (
            Note(
                r"Certain categories are comprised of subcategories that fall in both .*and Other report types\. "
                r"See Appendix B\d\. The rankings exclude subcategories that are not.*, "
                r"and the Other rankings exclude subcategories that are classified as.*\."
            ),
        ),
    ),
    Layout(
        "Report_Categories",
        "Report Categories",
        (
            Rows(
                "report_categories",
                "native_type",
                (Column("Rank", RANK), Column("Category"), _OF_TABLE, Column("Percentage", SHARE)),
            ),
        ),
        (
            Note(
                r"Percentages are based on the total number of (?P<year>\d{4}) Sentinel reports \((?P<total>[\d,]+)\)\. "
                r"(?P<other>\d+%) of the total were coded [“\"]Other Misc\.[”\"] See Appendix B\d\.",
                "report_categories",
                "native_type",
                (Noted("total", CASES), Noted("other", SHARE, OTHER_MISC)),
            ),
        ),
    ),
    Layout(
        "Fraud_Reports_by_Amount_Lost",
        "Fraud Reports by Amount Lost",
        (
            Lines(
                "fraud_reports",
                "loss_band",
                (
                    ("Number of Fraud Reports", (Cell(1, CASES),)),
                    (
                        "Reports with $ Loss",
                        (Cell(1, WITH_LOSS), Cell(2, dataclasses.replace(SHARE_WITH_LOSS, suffix=" of the total"))),
                    ),
                    ("Total $ Loss", (Cell(1, LOSS),)),
                    ("Median $ Loss", (Cell(1, MEDIAN),)),
                ),
            ),
            Rows(
                "fraud_reports",
                "loss_band",
                (Column("Amount Lost"), Column("# of Reports", WITH_LOSS)),
                heading="Reported Fraud Losses in $1 - $10,000 + Range",
                length=len(LOSS_BANDS),
            ),
            Rows(
                "fraud_by_small_loss_band",
                "loss_band",
                (Column("Amount Lost"), Column("# of Reports", WITH_LOSS)),
                heading="Reported Fraud Losses in $1 - $1,000 Range",
                length=len(SMALL_LOSS_BANDS),
            ),
        ),
        (Note(r"The amount lost is based on reports in which consumers indicated they lost between \$1 and \$999,999\."),),
    ),
    Layout(
        "Fraud_Reports_by_Contact_Method",
        "Fraud Reports by Contact Method",
        (
            Rows(
                "fraud_by_contact",
                "contact",
                (
                    Column("Contact Method"),
                    _OF_TABLE,
                    Column("Percentage of all Fraud Reports with a Contact Method identified", SHARE),
                    Column("Of those reports, the percentage with a dollar loss reported", SHARE_WITH_LOSS),
                    Column("Total $ Lost", LOSS),
                    Column("Median $ Loss", MEDIAN),
                ),
            ),
            Lines(
                "fraud_by_contact",
                "contact",
                (
                    ("Number of Fraud Reports", (Cell(1, CASES),)),
                    (
                        CONTACT_GIVEN,
                        (
                            Cell(1, CASES, CONTACT_GIVEN),
                            Cell(2, dataclasses.replace(RESPONSE, suffix=" of Total")),
                        ),
                    ),
                ),
            ),
        ),
        (
            Note(
                r"Other contact methods includes TV or radio, print, fax, in person, consumer initiated contact, and other "
                r"methods consumers write in or that cannot be otherwise categorized\."
            ),
        ),
    ),
    Layout(
        "Reported_Frauds_and_Losses_by_Age",
        "Reported Frauds and Losses by Age",
        (
            Rows(
                "fraud_by_age",
                "age",
                (
                    Column("Age Range"),
                    _OF_TABLE,
                    Column("Percentage", SHARE),
                    Column("Total $ Lost", LOSS),
                    Column("Median $ Loss", MEDIAN),
                    Column("Percentage Reporting $ Loss", SHARE_WITH_LOSS),
                ),
            ),
        ),
        (
            Note(
                r"Percentages are based on the total number of (?P<year>\d{4}) fraud reports in which consumers provided "
                r"their age: (?P<given>[\d,]+)\.",
                "fraud_by_age",
                "age",
                (Noted("given", CASES, AGE_GIVEN),),
            ),
            Note(
                r"Of the (?P<total>[\d,]+) total fraud reports in (?P<year>\d{4}), (?P<response>\d+%) included consumer age "
                r"information\.",
                "fraud_by_age",
                "age",
                (Noted("total", CASES), Noted("response", RESPONSE)),
            ),
        ),
    ),
    Layout(
        "State_Fraud_Reports_and_Losses",
        "Fraud Reports and Reported Amount Lost by State",
        (
            Rows(
                "fraud_by_state",
                "area",
                (
                    Column("State"),
                    Column("# of Reports", dataclasses.replace(CASES, note=EXCLUDES_STATE_CONTRIBUTORS)),
                    Column("% Reporting $ Loss", SHARE_WITH_LOSS),
                    Column("Total $ Loss", LOSS),
                    Column("Median $ Loss", MEDIAN),
                ),
            ),
        ),
        (
            Note(
                r"The amount lost refers to reports with a loss of \$1 [–-] \$999,999\. The number of reports for each state "
                r"excludes state-specific data contributor reports\."
            ),
        ),
    ),
    Layout(
        "State_Rankings_Fraud_and_Other_Reports",
        "State Rankings: Fraud and Other Reports",
        (
            Rows(
                "fraud_and_other_by_state",
                "area",
                (
                    Column("Rank", RANK),
                    Column("State"),
                    Column("Reports per 100K Population", PER_100K),
                    Column("# of Reports", dataclasses.replace(CASES, note=EXCLUDES_STATE_CONTRIBUTORS)),
                ),
                unranked=("District of Columbia", "Puerto Rico"),
            ),
        ),
        (
            Note(
                r"The District of Columbia and Puerto Rico are included in the table but are not ranked\. "
                r"States are ranked based on the number of reports per 100,000 populations\. "
                r"Population estimates are based on (?P<year_before>\d{4}) U\.S\. Census population estimates\. "
                r"Ranking excludes state-specific data contributor reports\."
            ),
        ),
    ),
)


@dataclasses.dataclass(frozen=True)
class Place:
    """One figure of the book's year: table, measure, and the label of the breakdown; empty for the table's total."""

    table: str
    measure: str
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Sum:
    """Parts that make up a printed total, all exact counts. Without `parts`: every row of the table but those of no part."""

    total: Place
    table: str
    parts: tuple[str, ...] = ()


SUMS: tuple[Sum, ...] = (
    Sum(Place("fraud_reports", "cases_with_loss"), "fraud_reports", LOSS_BANDS),
    Sum(Place("fraud_reports", "cases_with_loss", LOSS_BANDS[0]), "fraud_by_small_loss_band", SMALL_LOSS_BANDS),
    Sum(Place("fraud_by_contact", "cases", CONTACT_GIVEN), "fraud_by_contact"),
    Sum(Place("fraud_by_age", "cases", AGE_GIVEN), "fraud_by_age"),
)
# Figures that several tables print: the book contradicts itself where they differ.
SAME: tuple[tuple[Place, ...], ...] = (
    (
        Place("fraud_reports", "cases"),
        Place("report_types", "cases", FRAUD),
        Place("fraud_by_contact", "cases"),
        Place("fraud_by_age", "cases"),
    ),
    (Place("reports_by_year", "cases"), Place("report_categories", "cases")),
    (Place("report_types", "cases", IDENTITY_THEFT), Place("report_categories", "cases", IDENTITY_THEFT)),
)
