"""One file from a publisher's address into a folder: the whole file, as promised, or nothing.

In: an address, an empty folder, what the publisher said about the file last time (`Validators`), and `FetchRules`. Out:
`Fetched`, whose file is complete, or `NotModified`. Whatever goes wrong ends in a `FetchError` and leaves no file in the folder.

What holds, in the order in which it is checked:
- the address is http or https, without a user name; so is every address that it leads to, and https never leads to http
  (`pipeline.ingest.addresses`);
- the machine behind it is a public one (unless `allow_private`): the name is resolved once for a connection, every address that
  it gives is judged, and the connection is made to a judged address, so that a second answer of the name service changes nothing
  (`pipeline.ingest.connections`);
- the answer comes in time and is no longer than allowed, packed and unpacked; what may pass by itself is tried again, here;
- the file has the length, the kind and the sha256 that were promised by the server, the file's name, and the source
  (`pipeline.ingest.transfer`).

No credential, cookie or proxy is ever used, so there is none that a redirect could carry off. A proxy would also take the choice
of the machine out of our hands. The `identity` encoding is asked for, so that length and ETag speak of the file itself.
"""

from __future__ import annotations

import dataclasses
import email.utils
from pathlib import Path

import tenacity

from pipeline.ingest.addresses import checked_address
from pipeline.ingest.connections import Answer, Hop, answered
from pipeline.ingest.fetch_errors import AnswerRefused, SourceUnavailable, shown
from pipeline.ingest.fetch_rules import FetchRules, Machine, Validators
from pipeline.ingest.transfer import Fetched, received


@dataclasses.dataclass(frozen=True)
class NotModified:
    """The publisher's file is still the one that the validators were given for."""

    address: str
    validators: Validators


def fetch(
    address: str,
    into: Path,
    *,
    validators: Validators | None,
    rules: FetchRules,
    machine: Machine | None = None,
) -> Fetched | NotModified:
    """The file at `address`, complete, in the folder `into`; or NotModified, where the publisher's validators still hold.

    Connection errors, timeouts, broken transfers and the statuses 429 and 5xx are tried again, `rules.attempts` times in all.

    Raises AddressRefused, AnswerRefused, SourceUnavailable or DeadlinePassed, each of them a FetchError; then `into` holds no
    file of ours.
    """
    machine = machine or Machine()
    ends = machine.clock() + rules.deadline

    def wait(state: tenacity.RetryCallState) -> float:
        asked = _failure(state).wait
        return asked if asked is not None else min(rules.first_wait * 2 ** (state.attempt_number - 1), rules.longest_wait)

    def enough(state: tenacity.RetryCallState) -> bool:
        pause = wait(state)
        return state.attempt_number >= rules.attempts or pause > rules.longest_wait or machine.clock() + pause >= ends

    def give_up(state: tenacity.RetryCallState) -> Fetched | NotModified:
        last = _failure(state)
        found = f"{last.found} (attempt {state.attempt_number} of {rules.attempts})"
        raise SourceUnavailable(
            address=last.address, found=found, expected=last.expected, action=last.action, wait=last.wait
        ) from last

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(SourceUnavailable),
        wait=wait,
        stop=enough,
        sleep=machine.sleep,
        retry_error_callback=give_up,
    )
    return retrying(_attempt, address, into, validators or Validators(), rules, machine, ends)


def _failure(state: tenacity.RetryCallState) -> SourceUnavailable:
    problem = state.outcome.exception() if state.outcome else None
    if not isinstance(problem, SourceUnavailable):
        raise RuntimeError("only SourceUnavailable is tried again")
    return problem


def _attempt(
    asked: str, into: Path, validators: Validators, rules: FetchRules, machine: Machine, ends: float
) -> Fetched | NotModified:
    """One walk along the redirects to the file."""
    address, visited = checked_address(asked, ""), set[str]()
    while len(visited) <= rules.redirects:
        visited.add(address)
        hop = Hop(asked, address, rules, machine, ends)
        with answered(hop, validators) as (answer, body):
            if answer.status == 304 and validators != Validators():
                return NotModified(address, _newer(validators, answer))
            if answer.status == 200:
                return received(answer, body, into)
            address = _redirect_target(answer)
        if address in visited:
            break
    raise AnswerRefused(
        address=asked,
        found=f"redirects without an end: after {len(visited)} of them it leads to {shown(address)}",
        expected=f"the file after at most {rules.redirects} redirects, none of them twice",
        action="open the address in a browser; enter the one that it ends at as the source's address",
    )


def _newer(kept: Validators, answer: Answer) -> Validators:
    """A 304 may leave out what did not change."""
    return Validators(answer.validators.etag or kept.etag, answer.validators.last_modified or kept.last_modified)


def _redirect_target(answer: Answer) -> str:
    """Where a redirect leads, checked. Raises for every other status: SourceUnavailable where it may pass by itself."""
    if answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
        return checked_address(answer.headers["location"], answer.hop.address)
    if answer.status == 429 or answer.status >= 500:
        wait = _retry_after(answer)
        raise SourceUnavailable(
            address=answer.hop.label,
            found=f"status {answer.status}" + (f", to be asked again in {wait:,.0f} seconds" if wait is not None else ""),
            expected="status 200",
            action="run again later; if it stays, look at the publisher's page",
            wait=wait,
        )
    raise answer.refused(
        f"status {answer.status}",
        "status 200 and the file",
        "open the address in a browser; if the publisher has moved the file, enter its new address in source.yml",
    )


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait. A date is taken against the server's own clock, which may differ from ours."""
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])  # more digits are longer than any wait allowed
    try:
        then = email.utils.parsedate_to_datetime(asked)
        return max(0.0, (then - email.utils.parsedate_to_datetime(answer.headers.get("date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None
