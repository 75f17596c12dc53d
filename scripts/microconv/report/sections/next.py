"""What to test next: planning numbers, what experiments showed, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Section
from microconv.report.read import Reader
from microconv.report.sections import planning, trials
from microconv.report.sections.origin import known, missing_card
from microconv.report.text import Part


def what_next(reader: Reader) -> Section:
    """By which metric the next test may be decided, and what the tests before it showed."""
    if not reader.scope.macro_name:
        return Section("next", "What to test next", "")
    cards: list[Card] = []
    old = known(reader, planning.TABLE, "proxy")
    planned = [] if old is None else planning.proxy_card(reader, old)
    cards += planned or [missing_card(reader, "proxy", "By which metric may a test be decided?")]
    old = known(reader, trials.TABLE, "experiments")
    shown = [] if old is None else trials.trial_cards(reader, old)
    cards += shown or [trials.no_trial_card(reader)]
    if old is not None:
        cards += trials.past_card(reader)
    lead = (
        "Planning rests on what visitors do now; only a randomised experiment says what a change "
        "does."
    )
    return Section("next", "What to test next", lead, tuple(cards), _brief(planned, shown))


def _brief(planned: Sequence[Card], shown: Sequence[Card]) -> Part:
    if planned and planned[0].headline:
        return planned[0].headline
    return shown[0].answer if shown else "Nothing is planned yet."
