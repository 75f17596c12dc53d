"""Whether a command has looked into the goal yet, and whether what it found is of these tables."""

from __future__ import annotations

from microconv.report.cards import Card
from microconv.report.read import Reader
from microconv.report.text import Part, text

_ORIGIN = ("as_of_date", "definitions_version")


def known(reader: Reader, table: str, command: str) -> tuple[Part, ...] | None:
    """What to say where a table that a command wrote is of an earlier state of the marts.

    Returns:
        Nothing to say, or a caveat; None where the command has found nothing about the goal.
    """
    if not reader.has_evidence(table):
        return None
    goal = {"macro_name": reader.scope.macro_name}
    found = reader.lines(table, ("macro_name",), _ORIGIN, goal, most=1)
    if not found:
        return None
    now = reader.lines("mart_evidence_checks", ("macro_name",), _ORIGIN, goal, most=1)
    if not now or all(found[0].record[one] == now[0].record[one] for one in _ORIGIN):
        return ()
    day = reader.numbers.day(found[0].day("as_of_date"))
    return (
        f"This is of {day} or of other definitions, not of the tables as they are now: run "
        f"`microconv {command}` again.",
    )


def missing_card(reader: Reader, command: str, question: str) -> Card:
    """How to let the command look."""
    return Card(
        key=f"no-{command}",
        question=question,
        answer=text(
            "Nothing is known about ",
            reader.scope.goal,
            f" yet. `microconv {command}` looks into it and says why where it can say nothing; "
            "then write the report again.",
        ),
        scope=reader.told(),
    )


def english_words(reader: Reader) -> tuple[Part, ...]:
    """What to keep in mind of sentences that a command wrote into a mart."""
    if reader.numbers.locale.language == "en":
        return ()
    return ("Numbers in these sentences are written as in English.",)
