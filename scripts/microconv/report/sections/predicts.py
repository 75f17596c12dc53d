"""What predicts: the evidence about each micro-conversion, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Section
from microconv.report.read import Line, Reader
from microconv.report.sections.evidence import evidence_cards
from microconv.report.sections.worth import worth_cards
from microconv.report.text import Part, text

_MICROS, _VALUES = "evidence_micro_conversions", "evidence_conversion_values"
_KEYS = ("macro_name", "micro_name")
_ORIGIN = ("as_of_date", "definitions_version")


def predicts(reader: Reader) -> Section:
    """What goes before the goal; where no command has looked yet, how to let it look."""
    goal = reader.scope.macro_name
    if not goal:
        return Section("predicts", "What predicts", "")
    cards: list[Card] = []
    for table, command, make in (
        (_MICROS, "correlate", evidence_cards),
        (_VALUES, "value", worth_cards),
    ):
        found = reader.has_evidence(table)
        known = reader.lines(table, _KEYS, _ORIGIN, {"macro_name": goal}, most=1) if found else []
        old = _is_old(reader, known)
        cards += make(reader, old) if known else [_missing(reader, command)]
    lead = text(
        "Which actions announce ",
        reader.scope.goal,
        ": visitors who did something against comparable visitors at the same point of the visit. "
        "None of it says that more of the action would bring more.",
    )
    return Section("predicts", "What predicts", lead, tuple(cards))


def _missing(reader: Reader, command: str) -> Card:
    questions = {
        "correlate": "Which actions announce it?",
        "value": "What goes with each action, in money?",
    }
    return Card(
        key=f"no-{command}",
        question=questions[command],
        answer=text(
            "Nothing is known about ",
            reader.scope.goal,
            f" yet. `microconv {command}` looks into it and says why where it can say nothing; "
            "then write the report again.",
        ),
    )


def _is_old(reader: Reader, known: Sequence[Line]) -> tuple[Part, ...]:
    """What to say where the evidence is of an earlier state of the marts."""
    now = reader.lines(
        "mart_evidence_checks",
        ("macro_name",),
        _ORIGIN,
        {"macro_name": reader.scope.macro_name},
        most=1,
    )
    if not known or not now:
        return ()
    if all(known[0].record[one] == now[0].record[one] for one in _ORIGIN):
        return ()
    day = reader.numbers.day(known[0].day("as_of_date"))
    return (
        f"This is of {day} or of other definitions, not of the tables as they are now: run "
        "`microconv correlate` and `microconv value` again.",
    )
