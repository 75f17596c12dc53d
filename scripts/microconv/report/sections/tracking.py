"""What broke in tracking, as `watch` says it."""

from __future__ import annotations

from datetime import date

from microconv.report.cards import Card, Table
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import english_words
from microconv.report.sections.stories import ALERTS, COLUMNS, KEYS, MOST
from microconv.report.text import Part, Text, listed, text


def tracking_card(reader: Reader, run: Line | None) -> Card:
    """What broke as of the newest run.

    Args:
        reader: Of the marts.
        run: The newest run over every rate; None for none on record.
    """
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
    if run is not None and newest is not None:
        # A newer run that found nothing says that what broke is mended.
        newest = max(newest, run.day("as_of_date"))
    found = [line for line in rows if line.day("as_of_date") == newest]
    answer = _why_nothing(run)
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
        base=watched_until(run),
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


def _why_nothing(run: Line | None) -> Part:
    """What it means that no problem is on record."""
    if run is None:
        return "Whether tracking broke is not known: nobody looked."
    if run.record["tracking_problem_count"] == 0:
        return text(
            "Nothing broke in tracking in the last ", run.count("since_days"), " complete days."
        )
    return "No problem of tracking is on record for what was asked."


def watched_until(run: Line | None) -> Part:
    """Until when rates were watched, and how many; that nobody looked."""
    if run is None:
        return "No run of `microconv watch` is on record"
    until = "no day was complete"
    if run.record["watched_until_date"] is not None:
        until = f"watched until {day_of(run, 'watched_until_date')}"
    return text(
        f"{until}, as of {day_of(run, 'as_of_date')}: ",
        run.count("rates_watched_count"),
        " rates could be tested, ",
        run.count("rates_not_watched_count"),
        " could not",
    )


def next_look(line: Line) -> Text:
    """The next thing to look at."""
    return text("Next: ", line.name("next_look"))


def day_of(line: Line, column: str) -> str:
    """A date of a mart as it is read."""
    return line.numbers.day(line.day(column))
