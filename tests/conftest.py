"""What holds for every test: slow ones come last, examples have no deadline, and none is skipped under FRAUDLOSS_CI.

In: the tests that pytest collected. Out: the same tests in order, and a browser for those that ask for one; a skip reported as a
failure where FRAUDLOSS_CI is set, because there a test that did not run must not look like one that passed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LAST_TURN = 9
_BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

# How long one example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile("fraudloss", deadline=None)
hypothesis.settings.load_profile("fraudloss")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast answers first, then the slow tests by their `turn`; otherwise the order stays."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[bool, int]:
    """A worker takes a file of one test together with the file after it: so the two longest have another one between them."""
    slow = item.get_closest_marker("slow")
    return slow is not None, slow.kwargs.get("turn", LAST_TURN) if slow else 0


def _failed_where_skipped(report: Any) -> None:
    if os.environ.get("FRAUDLOSS_CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: no test may be skipped under FRAUDLOSS_CI. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A skipped test."""
    report = yield
    _failed_where_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """A module that skipped itself while it was collected."""
    report = yield
    _failed_where_skipped(report)
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, for the tests that look at pages as a reader does."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=_BROWSER_FLAGS)
        yield launched
        launched.close()
