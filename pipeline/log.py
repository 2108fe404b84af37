"""Structured log lines and progress: what happened, with source, snapshot, period and release as fields.

In: an event and its fields. Out: one line on the logger `fraudloss` (`ingested source=npa_annual snapshot=…`), and progress bars
on a terminal; plain lines elsewhere.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TypeVar

_Item = TypeVar("_Item")
LOGGER = logging.getLogger("fraudloss")


def event(name: str, **fields: Any) -> None:
    """Log one event with its fields, in the order given."""
    LOGGER.info("%s %s", name, " ".join(f"{key}={_quoted(value)}" for key, value in fields.items()))


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text or not text else text


def progress(items: Iterable[_Item], title: str, *, total: int | None = None) -> Iterator[_Item]:
    """The items, with a progress bar on standard error where that is a terminal. `total`: how many, where they have no length."""
    count = len(items) if isinstance(items, Sized) else total
    if not sys.stderr.isatty() or count is None or count < 2:
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=title, total=count, console=Console(stderr=True), transient=True)
