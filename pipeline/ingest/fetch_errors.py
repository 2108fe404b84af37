"""Why a file was not taken in from an address.

In: the address, what was found, what was expected, what to do. Out: a `FetchError` that says so, without a stranger's passwords
and control characters.
"""

from __future__ import annotations

import re

from pipeline.model import FraudlossError


class FetchError(FraudlossError):
    """A file that was not taken in. Says address, what was found, what was expected, what to do."""

    def __init__(self, *, address: str, found: str, expected: str, action: str) -> None:
        self.address, self.found, self.expected, self.action = address, found, expected, action
        super().__init__(f"{address}: found {found}; expected {expected}. What to do: {action}")


class AddressRefused(FetchError):
    """The address, or one that it leads to, is none that we connect to."""


class AnswerRefused(FetchError):
    """The server answered, with something else than the file that was promised."""


class DeadlinePassed(FetchError):
    """The whole fetch, its repetitions included, took longer than allowed."""


class SourceUnavailable(FetchError):
    """No usable answer, for a reason that may pass by itself: it is tried again before it reaches the caller."""

    def __init__(self, *, address: str, found: str, expected: str, action: str, wait: float | None = None) -> None:
        super().__init__(address=address, found=found, expected=expected, action=action)
        self.wait = wait  # seconds that the server asks us to wait


def without_user(address: str) -> str:
    """The address as it may be shown: a password in it stays out of logs."""
    return re.sub(r"//[^/?#]*@", "//…@", address)


def shown(text: str) -> str:
    """A stranger's text for a message: one line, no control characters, not long."""
    return ascii(without_user(text)[:200])
