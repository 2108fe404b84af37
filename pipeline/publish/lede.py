"""The answer before any table: the first cards of a release in sentences.

In: cards. Out: a sentence each for the first of them and for the first of each further country.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.publish.content import Card, Line
from pipeline.publish.figure_warnings import NOT_COMPARABLE
from pipeline.publish.measures import CURRENCIES, counted, counting
from pipeline.publish.words import _, each, listed

_LEDE_CARDS = 3


def lede(cards: Sequence[Card]) -> tuple[str, ...]:
    """One sentence a card, for the first cards and the first of each further country: the answer before any table."""
    first_of_title = list({card.title: card for card in reversed(cards)}.values())[::-1]
    first_of_country = list({card.country: card for card in reversed(first_of_title) if card.country}.values())[::-1]
    chosen = [card for place, card in enumerate(first_of_title) if place < _LEDE_CARDS or card in first_of_country]
    return tuple(_with_break(sentence, card) for card in chosen if (sentence := _sentence(card)))


def _with_break(sentence: str, card: Card) -> str:
    """The sentence, and that it is of another thing than a year before: nobody is to compare the two from memory."""
    return listed([sentence, _(NOT_COMPARABLE, reason=card.broken)], " ") if card.broken else sentence


def _sentence(card: Card) -> str:
    """Cases and loss of a card, each with its own change; empty where the card has neither."""
    lines = {(line.measure, line.unit): line for line in card.lines if line.text[-1:] != "]"}
    changes = {line.measure: line for line in lines.values() if line.measure.startswith("change")}
    dollars = lines.get(("loss", "USD"))
    losses = [line for unit in CURRENCIES if (line := lines.get(("loss", unit)))]
    national = next((line for line in losses if line is not dollars), dollars)
    parts: list[str] = []
    if cases := lines.get(("cases", "cases")):
        aside = _aside(_restated(cases), _change(changes.get("change_on_year_cases"), card))
        # What people report to somebody is not what the police recognise, and nobody reads a line below the first one.
        with counting(card.country):
            are_reports = counted() == "reports"
        counts = {"number": cases.text, "aside": aside}
        parts.append(_("{number} reports{aside}", **counts) if are_reports else _("{number} cases{aside}", **counts))
    if national:
        converted = dollars.text if dollars and national is not dollars else ""
        change, smaller = changes.get("change_on_year"), changes.get("change_on_year_without_large")
        # A change is one of the national currency: it stands beside that, and not behind the dollars. The dollars are those of
        # the figure and never stand behind what it was restated as.
        before, after = (converted, "") if national.again else ("", converted)
        aside = _aside(before, _restated(national), _change(change, card), _turned(change, smaller), after)
        parts.append(_("a loss of {amount}{aside}", amount=national.text, aside=aside))
    if not parts:
        return ""
    what = parts[0] if len(parts) == 1 else _("{cases} and {loss}", cases=parts[0], loss=parts[1])
    said = {"series": card.title, "period": card.period, "what": what}
    if card.is_growing:
        return _("{series}, {period}: {what} (more reports will come in: these figures will grow).", **said)
    if card.edition == "provisional":
        return _("{series}, {period}: {what} (provisional).", **said)
    return _("{series}, {period}: {what}.", **said)


def _restated(line: Line) -> str:
    return _("restated since as {figure}", figure=line.again) if line.again else ""


def _change(line: Line | None, card: Card) -> str:
    if line is None:
        return ""
    if line.again:
        said = {"change": line.text, "again": line.again}
        return _("{change} on the year before as first printed, {again} on it as restated since", **said)
    words = _("{change} on the year before", change=line.text)
    # In Japanese the year before of a whole year is another word than that of a part of one.
    return each(words, "前年比{}".format, line.text) if card.period.isdigit() else words


def _turned(change: Line | None, without_large: Line | None) -> str:
    """What the change is without a few large losses, where it then goes the other way: nobody is to read a trend in them."""
    if change is None or without_large is None or (change.text[:1] == "−") == (without_large.text[:1] == "−"):
        return ""
    return _("{change} without large losses", change=without_large.text)


def _aside(*words: str) -> str:
    said = [word for word in words if word]
    return _(" ({words})", words=listed(said, "; ")) if said else ""
