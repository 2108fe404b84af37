"""What one text of a record says, and the rules that it may break.

In: the text of an amount, a day, a count or a label as the file holds it. Out: its exact value, or `Unreadable` with the id of
one of RULES, by which the row is then marked.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from pipeline.reading.record_corrections import DECLARED_WRONG

# What a row is marked with, and what was expected instead.
RULES: dict[str, str] = {
    "row_ragged": "as many fields as the header has",
    "date_unreadable": "a day written 2024-09-29, or 9/29/2024 (month first)",
    "date_not_first_of_month": "the first day of a month",
    "loss_unreadable": "an amount with both decimals: $1,234.00 or $1234.00",
    "loss_lost_digits": "an amount with all its digits: a spreadsheet has cut this one",
    "loss_negative": "an amount that is not below zero",
    "loss_blank": "an amount: the publisher leaves it blank no more",
    "count_unreadable": "a whole number that is not below zero",
    "count_zero": "a count of at least 1: the publisher writes no empty cells",
    "label_unknown": "a label that crosswalk.csv lists",
    "label_not_in_force": "a label that crosswalk.csv lists for that month",
    "labels_contradict": "labels that go together",
    "cell_repeated": "each cell of a month once",
    DECLARED_WRONG: "a cell that corrections.csv does not declare wrong",
}


class Unreadable(Exception):
    """A text that breaks a rule of RULES."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(RULES[rule])


_MONEY = re.compile(r"\$(\d{1,3}(?:,\d{3})+|\d{1,15})\.(\d{2})")
_LOST_DIGITS = re.compile(r"\$?\d+(\.\d+)?E\+?\d+", re.IGNORECASE)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH_FIRST_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def parse_money(text: str) -> int:
    """Cents of `$1,234.00`, `$1234.00` or `$0.50`. Raises Unreadable for anything else, a missing decimal included."""
    text = text.strip()
    if match := _MONEY.fullmatch(text):
        return int(match[1].replace(",", "") + match[2])
    unsigned = text.replace("-", "").replace("(", "").replace(")", "").replace("−", "")
    if unsigned != text and _MONEY.fullmatch(unsigned):
        raise Unreadable("loss_negative")
    raise Unreadable("loss_lost_digits" if _LOST_DIGITS.fullmatch(text) else "loss_unreadable")


def parse_day(text: str) -> dt.date:
    """The day of `2024-09-29` or of `9/29/2024`, the month first. Raises Unreadable."""
    text = text.strip()
    try:
        if _ISO_DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
        if match := _MONTH_FIRST_DAY.fullmatch(text):
            return dt.date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        pass
    raise Unreadable("date_unreadable")


def parse_count(text: str) -> int:
    """A whole number without separators. Raises Unreadable."""
    if re.fullmatch(r"[0-9]{1,15}", text.strip()):
        return int(text)
    raise Unreadable("count_unreadable")


def fold_label(text: str) -> str:
    """What two spellings of one label share: no apostrophe in front, single spaces, no difference of case or width."""
    return " ".join(unicodedata.normalize("NFKC", text).removeprefix("'").split()).casefold()
