"""Ways through the micro-conversions: to the goal, and to giving up."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Bar, Card
from microconv.report.read import Line, Reader
from microconv.report.text import Name, Part, Text, text

_MART = "mart_conversion_paths"
_KEYS = ("path_kind", "to_conversion_name", "path")
_COLUMNS = ("path_rank", "path_count", "total_count", *(f"share{e}" for e in ("", "_low", "_high")))
_COLUMNS += ("median_seconds",)
_TO_GOAL, _GIVEN_UP = "path_to_goal", "path_to_giving_up"
_BETWEEN = " > "
_MOST = 6


def path_cards(reader: Reader) -> list[Card]:
    """The most frequent ways that end in the goal, and those that end in nothing."""
    goal = reader.scope.goal
    to_goal = _read(reader, {"path_kind": _TO_GOAL, "to_conversion_name": reader.scope.macro_name})
    given_up = _read(reader, {"path_kind": _GIVEN_UP})
    return [
        _card(
            reader,
            "paths-goal",
            text("Which ways end in ", goal, "?"),
            to_goal,
            text("No way to ", goal, " is on record."),
            "ways to it",
            goal="",
        ),
        _card(
            reader,
            "paths-given-up",
            "Which ways end without it?",
            given_up,
            text("Nobody has given up yet: it takes weeks without any action."),
            "visitors who did nothing more",
            goal="who gives up has reached none",
        ),
    ]


def _read(reader: Reader, where: dict[str, str]) -> list[Line]:
    return reader.lines(_MART, _KEYS, _COLUMNS, where, order="path_rank", most=_MOST)


def _card(
    reader: Reader,
    key: str,
    question: Part,
    lines: Sequence[Line],
    nothing: Text,
    base: str,
    goal: str,
) -> Card:
    return Card(
        key=key,
        question=question,
        answer=text("Most often: ", _way(reader, lines[0]), ", ", lines[0].interval("share"), ".")
        if lines
        else nothing,
        base=text("Base: ", lines[0].count("total_count"), f" {base}") if lines else "",
        scope=reader.told(
            segment="ways are not divided by segments",
            since="a way may begin on any of them",
            goal=goal,
        ),
        bars=tuple(_bar(reader, line) for line in lines),
        rule="Up to five different actions in their order; what happens twice stands once."
        if lines
        else "",
    )


def _bar(reader: Reader, line: Line) -> Bar:
    note: Part = line.interval("share")
    if line.value("median_seconds"):
        note = text(note, "; half within ", line.shown("median_seconds", "span"))
    return Bar(_way(reader, line), line.value("share") or 0.0, line.count("path_count"), note)


def _way(reader: Reader, line: Line) -> Text:
    """The actions by their labels, without the end, which the question names."""
    names = line.words("path").split(_BETWEEN)
    steps = names[:-1] or names
    parts: list[Part] = []
    for place, name in enumerate(steps):
        parts += [" → ", reader.label(name)] if place else [reader.label(name)]
    return text(*parts) if len(names) > 1 else text(Name("directly"))
