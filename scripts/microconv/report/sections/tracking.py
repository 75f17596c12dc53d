"""What broke in tracking, as `watch` says it."""

from __future__ import annotations

from datetime import date

from microconv.report.cards import Card, Table
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import english_words
from microconv.report.sections.stories import ALERTS, COLUMNS, KEYS, MOST
from microconv.report.text import Part, Text, listed, text


def tracking_card(reader: Reader) -> Card:
    """What broke as of the newest run that found something."""
    begin = reader.scope.begin.isoformat()
    rows = reader.lines(
        ALERTS,
        KEYS,
        COLUMNS,
        {"metric_kind": "tracking"},
        order="as_of_date desc, is_ongoing desc, since_date desc",
        most=MOST,
        also=f"alert_date >= date '{begin}'",
    )
    newest: date | None = rows[0].day("as_of_date") if rows else None
    found = [line for line in rows if line.day("as_of_date") == newest]
    answer: Part = "No problem of tracking is on record."
    if found:
        named: list[Part] = [line.name("metric_label") for line in found[:5]]
        count = reader.numbers.count(len(found))
        answer = text(
            f"{count} thing{'' if len(found) == 1 else 's'} broke, as of "
            f"{day_of(found[0], 'as_of_date')}: ",
            listed(named),
            " and others." if len(found) > len(named) else ".",
        )
    points = tuple(
        text(
            line.name("sentence"), " ", line.name("annotations"), " Next: ", line.name("next_look")
        )
        for line in found
    )
    numbers = tuple(
        (
            line.name("metric_label"),
            day_of(line, "since_date"),
            line.shown("counted_count", "count"),
            line.shown("expected_count", "count"),
        )
        for line in found
    )
    headings = ("What", "Since", "Counted", "Expected")
    return Card(
        key="tracking",
        question="Did tracking break?",
        answer=answer,
        scope=reader.told(
            segment="what is recorded is looked at for all", goal="every event is looked at"
        ),
        points=points,
        tables=(Table("What broke", headings, numbers),) if found else (),
        caveats=english_words(reader) if found else (),
        rule="Behaviour does not fall to a tenth overnight; what `microconv watch` finds here says "
        "nothing about visitors.",
        is_wide=bool(found),
    )


def next_look(line: Line) -> Text:
    """The next thing to look at."""
    return text("Next: ", line.name("next_look"))


def day_of(line: Line, column: str) -> str:
    """A date of a mart as it is read."""
    return line.numbers.day(line.day(column))
