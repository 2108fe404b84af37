"""What holds for every test: slow ones come last, examples have no deadline, and under FRAUDLOSS_CI none is skipped.

In: the tests that pytest collected. Out: the same tests in order; a skip reported as a failure where FRAUDLOSS_CI is set, because
there a test that did not run must not look like one that passed.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

LAST_TURN = 9

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
