"""What visitors said, and where they stood when they said it."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Bar, Card, Table
from microconv.report.read import Line, Reader
from microconv.report.text import Name, Part, Text, text

_MART = "mart_feedback"
_KEYS = ("feedback_name", "question", "segment_dimension", "segment_value", "funnel_name")
_ENDS = ("", "_low", "_high")
_COLUMNS = (
    *("step_number", "answer_count", "respondent_count", "rating_count", "rating_min"),
    *("rating_max", "mature_respondent_count", "converted_respondent_count"),
    *(f"{name}{end}" for name in ("rating_mean", "conversion_rate") for end in _ENDS),
)
_DIVIDED = ("device_category", "channel_group", "visitor_type")
_CARDS, _ANSWERS, _STEPS = 4, 6, 12


def feedback_cards(reader: Reader) -> list[Card]:
    """A card for each question, the most answered first."""
    dimension = reader.scope.dimension
    where = {"segment_dimension": "all"}
    if dimension in _DIVIDED:
        where = {"segment_dimension": dimension, "segment_value": reader.scope.segment}
    lines = reader.lines(_MART, _KEYS, _COLUMNS, where, order="answer_count desc", most=_CARDS)
    if not lines:
        return [
            Card(
                key="feedback-none",
                question="What did visitors say?",
                answer="No answer to a survey is on record; feedback_events.csv says which events "
                "hold one.",
                scope=_told(reader),
            )
        ]
    return [_card(reader, place, line) for place, line in enumerate(lines, start=1)]


def _told(reader: Reader) -> Text:
    is_known = reader.scope.dimension in _DIVIDED
    return reader.told(
        segment="" if is_known else "answers are not divided that way",
        since="answers are few, so they are taken together",
        goal="answers may be about anything",
    )


def _card(reader: Reader, place: int, line: Line) -> Card:
    asked = {name: line.words(name) for name in ("feedback_name", "question")}
    answers = _read(reader, asked, "answer_text", _ANSWERS)
    steps = _read(reader, asked, "furthest_step", _STEPS)
    return Card(
        key=f"feedback-{place}",
        question=text("What did visitors say: ", line.name("question")),
        answer=_answer(line, answers),
        headline=_rating(line),
        base=text(
            "Base: ",
            line.count("respondent_count"),
            " visitors with ",
            line.count("answer_count"),
            " answers, ",
            line.count("rating_count"),
            " of them with a rating",
        ),
        scope=_told(reader),
        bars=_bars(answers, line),
        tables=(_steps(steps),) if steps else (),
        caveats=(
            "Who answers a survey is not like everybody else. What follows an answer need not have "
            "to do with it.",
            *(
                ("Answers and steps below are of all visitors.",)
                if not reader.scope.is_everybody
                else ()
            ),
        ),
        rule="Everybody speaks once: the last rating, and the last answer.",
    )


def _read(reader: Reader, asked: dict[str, str], dimension: str, most: int) -> list[Line]:
    where = {**asked, "segment_dimension": dimension}
    order = "funnel_name, step_number" if dimension == "furthest_step" else "answer_count desc"
    return reader.lines(_MART, _KEYS, _COLUMNS, where, order=order, most=most)


def _rating(line: Line) -> Text | str:
    if not line.has("rating_mean"):
        return ""
    scale = ""
    if line.has("rating_min", "rating_max"):
        low, high = (line.numbers.edge(line.value(f"rating_{end}"), "") for end in ("min", "max"))
        scale = f" on a scale of {low} to {high}"
    return text(line.interval("rating_mean", "plain"), Name(scale) if scale else "")


def _answer(line: Line, answers: Sequence[Line]) -> Text:
    named = [one for one in answers if not one.words("segment_value").startswith("(")]
    if named:
        first = named[0]
        return text(
            "Most often “",
            first.name("segment_value"),
            "”, by ",
            first.count("respondent_count"),
            " visitors.",
        )
    if line.has("rating_mean"):
        return text("Ratings only: ", line.interval("rating_mean", "plain"), ".")
    return text("Too few gave a rating to show a mean, and no answer was given often.")


def _bars(answers: Sequence[Line], line: Line) -> tuple[Bar, ...]:
    whole = line.value("answer_count") or 1.0
    return tuple(
        Bar(
            one.name("segment_value"),
            (one.value("answer_count") or 0.0) / whole,
            one.count("answer_count"),
        )
        for one in answers
    )


def _steps(steps: Sequence[Line]) -> Table:
    rows: list[tuple[Part, ...]] = [
        (
            text(line.name("funnel_name"), ": ", line.name("segment_value")),
            line.count("respondent_count"),
            line.interval("rating_mean", "plain") if line.has("rating_mean") else "too few",
            line.interval("conversion_rate") if line.has("conversion_rate") else "too few",
        )
        for line in steps
    ]
    headings = ("Furthest step", "Visitors", "Mean rating [95 %]", "Reached a goal later [95 %]")
    return Table("Where they stood when they answered", headings, tuple(rows))
