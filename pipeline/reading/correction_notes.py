"""How a figure says what was corrected of the cell or the records that it was made of.

In: the words of corrections, and a figure's note. Out: the note that tells them, as printed; `told_in` finds them there again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# A note stands on each of a thousand lines of a page: of more corrections than this it says how many more there are.
MOST_TOLD = 3
CORRECTED, WITHOUT, FURTHER = "corrected from ", "without a record, printed ", "corrected in "
_NEXT = re.compile(f"; (?=(?:{CORRECTED}|{WITHOUT}|{FURTHER}[0-9]))")
_PLACE = re.compile(r", at [^ ]+![A-Z]+[0-9]+$")


def with_corrections(note: str, words: Iterable[str]) -> str:
    """The note of a figure with what was corrected of its records behind it."""
    told = list(dict.fromkeys(words))
    if more := told[MOST_TOLD:]:
        told = [*told[:MOST_TOLD], f"{FURTHER}{len(more)} more of its records, as corrections.csv declares"]
    return "; ".join([*([note] if note else []), *told])


def told_in(note: str) -> list[str]:
    """The corrections of records that the note of a figure tells, each in its words."""
    return [part for part in _NEXT.split(f"; {note}")[1:] if part]


def without_place(words: str) -> str:
    """The words without where the cell stands: the same error, declared for the publisher's next file, has the same words."""
    return _PLACE.sub("", words)
