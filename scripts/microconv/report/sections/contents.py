"""What the visits before the goal contain, visit by visit."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.text import Part, Text, listed, spaced, text

_MART = "mart_visit_contents"
_KEYS = ("macro_name", "visit_role", "visit_index", "micro_name")
_RATE = tuple(f"micro_rate{end}" for end in ("", "_low", "_high"))
_COLUMNS = ("visit_label", "micro_label", "session_count", *_RATE, "unknown_beginning_count")
_BEFORE, _WITHOUT = "before", "without"
_ROLES = {
    _BEFORE: "Visits before the one with the goal",
    "converting": "The visit with the goal, up to it",
    _WITHOUT: "Visits of those who have not got there",
}
_DRAWN = 4


def content_card(reader: Reader) -> list[Card]:
    """Shares of first, second … visits with each action, before the goal and without it."""
    lines = reader.lines(_MART, _KEYS, _COLUMNS, {"macro_name": reader.scope.macro_name})
    first = {
        role: {line.words("micro_name"): line for line in lines if _is(line, role, 1)}
        for role in _ROLES
    }
    pairs = [
        (before, first[_WITHOUT][name])
        for name, before in first[_BEFORE].items()
        if name in first[_WITHOUT] and before.has(*_RATE) and first[_WITHOUT][name].has(*_RATE)
    ]
    pairs.sort(key=lambda pair: (-(pair[0].value("micro_rate") or 0.0), *pair[0].key.values()))
    caveats: list[Part] = [
        "Who gets there comes more often and does more anyway: this compares, and is no proof.",
    ]
    if pairs:
        caveats.append(
            f"{reader.numbers.count(len(pairs))} actions are looked at: one or the other may lie "
            "apart by chance."
        )
    if lines and lines[0].value("unknown_beginning_count"):
        unknown = lines[0].count("unknown_beginning_count")
        caveats.append(text(unknown, " visitors were here before and have no known first visit."))
    return [
        Card(
            key="visit-contents",
            question=text("What do visits before ", reader.scope.goal, " contain?"),
            answer=_answer(pairs),
            base=_base(pairs),
            scope=reader.told(
                segment="these visits are not divided by segments",
                since="first visits are followed over all of them",
            ),
            charts=_chart(reader, pairs),
            tables=_tables(lines),
            caveats=tuple(caveats),
            rule="Named are actions whose two intervals do not touch, in first visits. Visits of "
            "those who have not got there count once they were followed long enough.",
        )
    ]


def _is(line: Line, role: str, index: int) -> bool:
    return line.words("visit_role") == role and line.record["visit_index"] == index


def _answer(pairs: Sequence[tuple[Line, Line]]) -> Text:
    if not pairs:
        return text("Too few got there in a later visit than their first to compare.")
    parts: list[Part] = []
    for said, is_more in (("More", True), ("Less", False)):
        found: list[Part] = [
            before.name("micro_label")
            for before, without in pairs
            if _is_above(*((before, without) if is_more else (without, before)))
        ]
        if found:
            those = "in first visits of those who got there later: "
            parts.append(text(f"{said} often ", those, listed(found), "."))
    return spaced(parts) if parts else text("No action clearly sets these first visits apart.")


def _is_above(one: Line, other: Line) -> bool:
    return (one.value("micro_rate_low") or 0.0) > (other.value("micro_rate_high") or 0.0)


def _base(pairs: Sequence[tuple[Line, Line]]) -> Part:
    if not pairs:
        return ""
    before, without = pairs[0]
    return text(
        "Base: ",
        before.count("session_count"),
        " first visits of those who got there later, ",
        without.count("session_count"),
        " of those who have not",
    )


def _chart(reader: Reader, pairs: Sequence[tuple[Line, Line]]) -> tuple[Chart, ...]:
    rows = []
    for before, without in pairs[:_DRAWN]:
        rows += [
            row_of(before, before.words("micro_label"), "micro_rate", "share"),
            row_of(without, "… not got there", "micro_rate", "share", is_strong=False),
        ]
    if not rows:
        return ()
    said = "Share of first visits with it: " + "; ".join(
        f"{row.label} {row.number}" for row in rows
    )
    caption = "The most frequent actions of first visits; blue is of those who got there later."
    drawn = forest(rows, "share", reader.numbers, f"{said}.")
    return (Chart(drawn.svg, drawn.description, caption),)


def _tables(lines: Sequence[Line]) -> tuple[Table, ...]:
    return tuple(
        _table(caption, [line for line in lines if line.words("visit_role") == role])
        for role, caption in _ROLES.items()
        if any(line.words("visit_role") == role for line in lines)
    )


def _table(caption: str, lines: Sequence[Line]) -> Table:
    """A row an action, a column a visit."""
    visits = {line.record["visit_index"]: line for line in lines}
    found = {(line.words("micro_name"), line.record["visit_index"]): line for line in lines}
    actions = {line.words("micro_name"): line for line in lines}
    rows: list[tuple[Part, ...]] = [
        ("Visits", *(line.count("session_count") for line in visits.values()))
    ]
    for name, action in actions.items():
        cells = (found[name, visit] for visit in visits)
        shares = (one.interval("micro_rate") if one.has(*_RATE) else "too few" for one in cells)
        rows.append((action.name("micro_label"), *shares))
    headings = (
        "Action [95 %]",
        *(f"Visit {line.words('visit_label')}" for line in visits.values()),
    )
    return Table(caption, headings, tuple(rows), is_folded=True)
