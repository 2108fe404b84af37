"""The notes that other stages and the transcriptions make on single figures, as messages.

In: a note in English. Out: the message of NOTES that it is, with what stands for each placeholder: those who make notes know no
language, so they are recognised by their form.
"""

from __future__ import annotations

import functools
import re

from pipeline.publish.languages import N_

# What readers, cubes, derivation and reconciliation note on single figures, and the transcriptions of releases: they know no
# language but English. The first message that fits is the one that is said.
NOTES: tuple[str, ...] = (
    N_("the file ends on {day}"),
    N_("at the prices of {month}"),
    N_("not in the file: {months}"),
    N_("fewer than {count} losses"),
    N_("too few losses for an interval of 95 %"),
    N_("the type is not in use then"),
    N_("the category is not in use then"),
    N_("the publisher keeps no loss here"),
    N_("{period} is classified otherwise ({schemes})"),
    N_("compares {later} with {earlier}"),
    N_("divides {above} by {below}"),
    N_("the loss was revised on {day}, after this was printed"),
    N_("the number of cases was revised on {day}, after this was printed"),
    N_("the number of completed cases was revised on {day}, after this was printed"),
    N_("one of its figures was revised on {day}, another printed last on {other_day}"),
    N_("no population of {country} for {year} is held here: the newest is that of {newest}"),
    N_("no exchange rate of {currency} for {months} is held here: the newest is that of {newest}"),
    N_("without losses of {band} ({count} of them, {loss} together)"),
    N_("not printed exactly ({reason}); derived here: published total less the other type"),
    N_("not printed exactly ({reason}); derived here: published total less the other {count} types"),
    N_(
        "a revision: {earlier_source} printed it on {earlier_day} ({earlier_edition}), {later_source} on {later_day} "
        "({later_edition})"
    ),
    N_("several figures of ours answer to it, one for each classification: {schemes}"),
    N_("{table} is not a table of ours"),
    N_("we hold no figure for {keys}"),
    N_("printed in the file that ours is read from"),
    N_("printed for: {scope}"),
    N_("Australia"),
    N_("Canada"),
    N_("Japan"),
    N_("United States"),
    N_("Japanese yen"),
    N_("unknown"),
    N_("somebody lifts it"),
    N_("{source} ({edition}, {day})"),
    N_("printed as `-`: the category was not separated, or not surveyed, at that time"),
    N_("corrected from '{text}' to '{value}': {reason}, at {place}"),
    N_("without a record, printed '{text}': {reason}, at {place}"),
    N_("corrected in {count} more of its records, as corrections.csv declares"),
    N_("corrected from {printed}: {reason} ({place})"),
    N_("{reason} (printed: {printed})"),
    N_("the publisher rounds to one side, so the precision is the whole last printed unit"),
    N_("loss of completed cases only (被害総額（既遂のみ）)"),
    N_("the table prints no 実質的な被害総額 for this type"),
    N_("excludes reports of state-specific data contributors"),
    N_("on the population estimates of the year before (U.S. Census Bureau)"),
    N_("moved from {before} to {after} and from {other_before} to {other_after}"),
    N_("moved from {before} to {after}"),
    N_("moved within one publication: {places}"),
    N_("delivered as {file}"),
    N_("implied by the published difference: {difference}"),
    N_("revision of {printed}"),
    N_("revision {number}"),
    N_("also printed as {amount}bn_yen ({address})"),
    N_("also printed as {printed}"),
    N_("exact yen ({printed})"),
    N_("overseas ({which})"),
    N_("overseas"),
    N_("domestic"),
    N_("TH, KH, MY, PH"),
    N_("1,254 / 18.52 oku"),
    N_('"about"'),
    N_('"at least six"'),
    N_('"some 56.5 bn yen"'),
    N_('"約86億円", "+386.6% cases, +465.7% loss"'),
    N_("{count} countries"),
    N_("domestic bases"),
)
# What stands for a placeholder: by default anything without a semicolon, which would be another clause.
_SHAPES = {"day": r"\d{4}(?:-\d\d){0,2}", "count": r"[\d,]+", "reason": ".+?", "text": ".+?", "value": ".+?"}


@functools.cache
def note_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(message), message) for message in NOTES if "{" in message)


def _pattern(message: str) -> re.Pattern[str]:
    """A message with a semicolon is more than one clause itself."""
    anything = ".+?" if ";" in message else "[^;]+?"
    parts = re.split(r"\{(\w+)\}", message)
    return re.compile(
        "".join(
            f"(?P<{part}>{_SHAPES.get(part, anything)})" if place % 2 else re.escape(part) for place, part in enumerate(parts)
        )
    )


def is_made_of_parts(note: str) -> bool:
    """Whether a clause of a note is one of NOTES with its placeholders filled in."""
    return any(pattern.fullmatch(note) for pattern, __ in note_patterns())
