"""How far visitors are, and who moved within a week."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.text import Text, text

_MART = "mart_visitor_segments"
_KEYS = ("week_end_date", "previous_visitor_stage", "visitor_stage")
_RATE = tuple(f"flow_rate{end}" for end in ("", "_low", "_high"))
_COLUMNS = ("visitor_count", "previous_stage_visitor_count", *_RATE, "is_history_loaded")
_GOAL, _CLOSEST = "customer", "BOFU"
STAGES = {
    "TOFU": "Top of the funnel (awareness, interest)",
    "MOFU": "Middle of the funnel (consideration)",
    "BOFU": "Bottom of the funnel (intent)",
    "customer": "Reached a goal",
    "inactive": "Not seen lately",
}
_BEFORE = {
    "new": "New in the week",
    "TOFU": "Top of the funnel",
    "MOFU": "Middle of the funnel",
    "BOFU": "Bottom of the funnel",
    "customer": "Reached a goal",
    "inactive": "Not seen lately",
    "unknown": "Not known",
}


def flow_card(reader: Reader) -> list[Card]:
    """From stage to stage within the newest whole week."""
    newest = reader.lines(
        _MART,
        _KEYS,
        ("is_history_loaded",),
        {"is_history_loaded": True},
        order="week_end_date desc",
        most=1,
    )
    lines: list[Line] = []
    if newest:
        also = f"week_end_date = date '{newest[0].day('week_end_date').isoformat()}'"
        lines = reader.lines(_MART, _KEYS, _COLUMNS, also=also)
    lines.sort(key=lambda line: tuple(map(_place, line.key.values())))
    moved = [one for one in lines if one.words("visitor_stage") == _GOAL and one.has(*_RATE)]
    closest = [one for one in moved if one.words("previous_visitor_stage") == _CLOSEST]
    return [
        Card(
            key="stage-flows",
            question="Who moved on within a week?",
            answer=_answer(reader, lines, closest),
            headline=text(closest[0].interval("flow_rate"), " from the bottom to a goal")
            if closest
            else "",
            base=text(
                "Base: ",
                closest[0].count("previous_stage_visitor_count"),
                " visitors at the bottom of the funnel a week before",
            )
            if closest
            else "",
            scope=reader.told(
                segment="moves are not divided by segments",
                since="it is the newest whole week of them",
                goal="a stage counts any of them",
            ),
            charts=_chart(reader, moved),
            tables=(_table(lines),) if lines else (),
            caveats=(
                "A stage is that of the furthest action of the last weeks, so that visitors also "
                "fall back when it grows old.",
            )
            if lines
            else (),
            rule="Stages at the end of the week, beside those a week before "
            "(stage_recency_days, funnel_stages.csv).",
        )
    ]


def _place(value: object) -> int:
    """Where a stage stands in the order of the funnel; dates of one week are the same."""
    return list(_BEFORE).index(value) if value in _BEFORE else 0  # type: ignore[arg-type]


def _answer(reader: Reader, lines: Sequence[Line], closest: Sequence[Line]) -> Text:
    if not lines:
        return text("It takes a whole week, with the days before it that decide its stages.")
    week = f"in the week to {reader.numbers.day(lines[0].day('week_end_date'))}"
    if not closest:
        return text(f"Nobody known, or too few to say, came from the bottom to a goal {week}.")
    return text(
        "Of those at the bottom of the funnel, ",
        closest[0].count("visitor_count"),
        f" reached a goal {week}.",
    )


def _chart(reader: Reader, moved: Sequence[Line]) -> tuple[Chart, ...]:
    rows = [
        row_of(line, _BEFORE[line.words("previous_visitor_stage")], "flow_rate", "share")
        for line in moved
        if line.words("previous_visitor_stage") != _GOAL
    ]
    if not rows:
        return ()
    said = "Share that reached a goal, by where they stood a week before: "
    said += "; ".join(f"{row.label} {row.number}" for row in rows)
    caption = "Share that reached a goal within the week, by where they stood before."
    drawn = forest(rows, "share", reader.numbers, f"{said}.")
    return (Chart(drawn.svg, drawn.description, caption),)


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            _BEFORE[line.words("previous_visitor_stage")],
            _BEFORE[line.words("visitor_stage")],
            line.count("visitor_count"),
            line.interval("flow_rate") if line.has(*_RATE) else "too few",
        )
        for line in lines
    )
    headings = ("A week before", "Now", "Visitors", "Share of those before [95 %]")
    return Table("From stage to stage", headings, rows, is_folded=True, text_columns=(1,))
