"""Who converts better or worse: a card for each dimension."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Table
from microconv.report.charts import Row, forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.scope import DIMENSIONS
from microconv.report.text import Part, Text, listed, text

_KEYS = ("conversion_name", "segment_dimension", "segment_value")
_RATE = tuple(f"session_conversion_rate{end}" for end in ("", "_low", "_high"))
_COLUMNS = ("session_count", "converting_session_count", *_RATE, "rest_conversion_rate", "verdict")
_ALL_KEYS = (*_KEYS, "period_grain", "period_start_date")
_MOST = 6
_LEAST = 2


def segment_cards(reader: Reader) -> list[Card]:
    """The largest segments of each dimension, against all other sessions."""
    goal = reader.scope.macro_name
    if not goal:
        return []
    overall = reader.lines(
        "mart_segment_conversions",
        _ALL_KEYS,
        ("session_count", *_RATE),
        {"conversion_name": goal, "period_grain": "all", "segment_dimension": "all"},
        most=1,
    )
    cards = []
    for dimension in DIMENSIONS:
        lines = reader.lines(
            "mart_segment_gaps",
            _KEYS,
            _COLUMNS,
            {"conversion_name": goal, "segment_dimension": dimension},
            order="session_count desc",
        )
        shown = [line for line in lines if line.has(*_RATE)][:_MOST]
        if len(shown) >= _LEAST:
            cards.append(_card(reader, dimension, shown, lines, overall))
    return cards


def _card(
    reader: Reader,
    dimension: str,
    shown: Sequence[Line],
    lines: Sequence[Line],
    overall: Sequence[Line],
) -> Card:
    title = DIMENSIONS[dimension]
    goal = reader.scope.goal
    rate = overall[0].value("session_conversion_rate") if overall else None
    rows = [
        row_of(
            line,
            line.words("segment_value"),
            "session_conversion_rate",
            "share",
            is_strong=line.words("verdict") in ("higher", "lower"),
        )
        for line in shown
    ]
    said = text(
        f"{title}: share of sessions with ", goal, ", with 95 % intervals: ", _spoken(rows), "."
    ).plain
    small = sum(not line.has("session_conversion_rate") for line in lines)
    caveats: list[Part] = [
        "A gap says where to look, not why. Gaps are tested against all other sessions and "
        "corrected for the number of segments."
    ]
    if small:
        count = reader.numbers.count(small)
        caveats.insert(0, f"{count} smaller have too few sessions for a rate.")
    return Card(
        key=f"segments-{dimension.replace('_', '-')}",
        question=f"Who converts better or worse, by {title.lower()}?",
        answer=_answer(shown),
        base=text("Base: ", overall[0].count("session_count"), " sessions") if overall else "",
        scope=reader.told(
            segment="the card compares segments", since="gaps are tested over all of them"
        ),
        charts=(forest(rows, "share", reader.numbers, said, reference=rate),),
        tables=(_table(title, shown),),
        caveats=tuple(caveats),
        rule=text("Sessions with ", goal, "; the dashed line is the rate of all sessions."),
    )


def _answer(lines: Sequence[Line]) -> Text:
    parts: list[Part] = []
    for verdict in ("lower", "higher"):
        found: list[Part] = [line.name("segment_value") for line in lines if _is(line, verdict)]
        if found:
            parts.append(text(f"{verdict} than all others: ", listed(found)))
    if not parts:
        return text("No gap is shown among the largest.")
    said = parts[0] if len(parts) == 1 else text(parts[0], "; ", parts[1])
    return text("Clearly ", said, ".")


def _is(line: Line, verdict: str) -> bool:
    return line.words("verdict") == verdict


def _spoken(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.label} {row.number}" for row in rows)


def _table(title: str, lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("segment_value"),
            line.count("session_count"),
            line.count("converting_session_count"),
            line.interval("session_conversion_rate"),
            line.shown("rest_conversion_rate", "share"),
            line.words("verdict"),
        )
        for line in lines
    )
    headings = (title, "Sessions", "Converted", "Rate [95 %]", "All others", "Gap")
    return Table(f"Rates by {title.lower()}", headings, rows, is_folded=True)
