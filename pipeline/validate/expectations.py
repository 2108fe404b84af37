"""The rules of a suite, and what Great Expectations makes of them.

In: rules as `pipeline.validate.suites` reads them. Out: `Rule`, `Suite`, and the suite that Great Expectations evaluates, which
holds as many expectations as it was given rules. Raises RefusedInput for a type or for kwargs that Great Expectations does not
know: it drops an expectation whose type is misspelt without a word.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from pipeline.model import refused


@dataclasses.dataclass(frozen=True)
class Rule:
    """One expectation of a suite."""

    id: str
    frame: str  # one of FRAMES
    type: str
    kwargs: Mapping[str, Any]
    severity: str  # one of SEVERITIES
    owner: str
    action: str  # what to do when the rule is broken
    why: str  # why the rule is there
    by_row: bool  # whether it names the rows that broke it


@dataclasses.dataclass(frozen=True)
class Suite:
    """The rules of one source."""

    name: str
    source: str
    owner: str
    file: str  # the name of the file, without its folder
    hash: str
    quarantine_limit_share: float
    rules: tuple[Rule, ...]

    def of(self, frame: str) -> tuple[Rule, ...]:
        """The rules of one frame, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.frame == frame)

    @property
    def checks_identities(self) -> bool:
        """Whether the suite has rules for identities, so that finding none to check is a failure."""
        return bool(self.of("identities"))

    @property
    def judges_cases(self) -> bool:
        """Whether the suite has rules for records."""
        return bool(self.of("cases"))

    def expectation_suite(self, rules: tuple[Rule, ...]) -> Any:
        """The rules as a Great Expectations suite. Raises RefusedInput if it holds fewer than it was given."""
        gx = great_expectations()
        expectations = [_expectation(rule, self.file) for rule in rules]
        suite = gx.ExpectationSuite(name=f"{self.name}.{rules[0].frame}", expectations=expectations)
        if len(suite.expectations) != len(rules):
            raise refused(
                self.file,
                f"frame {rules[0].frame}",
                f"{len(suite.expectations)} expectations loaded",
                f"{len(rules)}, as the file holds",
                "find the expectation that Great Expectations dropped, and mend it",
            )
        return suite


@functools.cache
def great_expectations() -> Any:
    """The module, imported when it is first needed (it costs seconds), without telemetry and without its chatter."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Before the import: where somebody listens to everything, as a task of Airflow does, it says hundreds of lines.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    # Half a million objects that live as long as the process: looking through them for garbage is a tenth of a whole run.
    gc.disable()
    try:
        import great_expectations as gx
        import great_expectations.expectations
    finally:
        gc.enable()
    gc.freeze()
    return gx


def _implementation(type_name: str, where: str, file: str) -> Any:
    great_expectations()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        return get_expectation_impl(type_name)
    except ExpectationNotFoundError as error:
        raise refused(
            file, where, f"type {type_name!r}", "a type that Great Expectations 1.24 knows", "mend the spelling"
        ) from error


def names_rows(type_name: str, where: str, file: str) -> bool:
    """Whether an expectation of this type says which rows broke it. Raises RefusedInput for a type that is not known."""
    implementation = _implementation(type_name, where, file)
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    return issubclass(implementation, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation)


def _expectation(rule: Rule, file: str) -> Any:
    implementation = _implementation(rule.type, f"rule {rule.id}", file)
    try:
        return implementation(
            **rule.kwargs,
            severity=rule.severity,
            meta={"rule_id": rule.id, "owner": rule.owner, "action": rule.action, "why": rule.why},
        )
    # pydantic's, ValueError's and Great Expectations' own errors have no common class below Exception.
    except Exception as error:
        raise refused(
            file,
            f"rule {rule.id}",
            f"kwargs {json.dumps(rule.kwargs, ensure_ascii=False)}: {' '.join(str(error).split())}",
            f"the kwargs of {rule.type}",
            "mend the kwargs",
        ) from error
