"""What predicts: the evidence about each micro-conversion, its worth, and early behaviour."""

from __future__ import annotations

from microconv.report.cards import Card, Section
from microconv.report.read import Reader
from microconv.report.sections import cohorts
from microconv.report.sections.cohorts import cohort_cards, week_card
from microconv.report.sections.evidence import evidence_cards
from microconv.report.sections.lags import TABLE as LAGS
from microconv.report.sections.lags import lag_card
from microconv.report.sections.noted import read_noted
from microconv.report.sections.origin import known, missing_card
from microconv.report.sections.visits import return_card
from microconv.report.sections.worth import worth_cards
from microconv.report.text import text

_TABLES = (
    (
        "evidence_micro_conversions",
        "correlate",
        "Which actions announce it?",
        evidence_cards,
    ),
    (
        "evidence_conversion_values",
        "value",
        "What goes with each action, in money?",
        worth_cards,
    ),
    (cohorts.TABLE, "cohorts", "Who did what early on and got to it later?", cohort_cards),
    (LAGS, "lead-lag", "Which daily rate moves first?", lag_card),
)


def predicts(reader: Reader) -> Section:
    """What goes before the goal; where no command has looked yet, how to let it look."""
    if not reader.scope.macro_name:
        return Section("predicts", "What predicts", "")
    cards: list[Card] = []
    for table, command, question, make in _TABLES:
        old = known(reader, table, command)
        cards += [missing_card(reader, command, question)] if old is None else make(reader, old)
    cards += [*week_card(reader, read_noted(reader)), *return_card(reader)]
    lead = text(
        "Which actions announce ",
        reader.scope.goal,
        ": visitors who did something against comparable visitors at the same point of the visit. "
        "None of it says that more of the action would bring more.",
    )
    return Section("predicts", "What predicts", lead, tuple(cards), cards[0].answer)
