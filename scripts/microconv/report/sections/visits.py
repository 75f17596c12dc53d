"""The way from the first visit to the goal, and who comes again."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.text import Datum, Part, Text, text

_CYCLES, _RETURNS = "mart_sales_cycles", "mart_return_visits"
_SEGMENT = ("macro_name", "segment_dimension", "segment_value")
_CYCLE_KEYS = (*_SEGMENT, "clock", "horizon")
_RATE = tuple(f"conversion_rate{end}" for end in ("", "_low", "_high"))
_CYCLE_COLUMNS = (
    *("visitor_count", "converted_count", "converted_by_horizon_count", "at_risk_count", *_RATE),
    *("converted_median_cycle", "converted_before_count", "unknown_beginning_count"),
)
_RATES = ("return_rate", "returned_conversion_rate", "not_returned_conversion_rate")
_RETURN_COLUMNS = (
    *("visitor_count", "returned_count", "returned_base_count", "returned_converted_count"),
    *("not_returned_base_count", "not_returned_converted_count", "unknown_beginning_count"),
    *(f"{name}{end}" for name in (*_RATES, "conversion_ratio") for end in ("", "_low", "_high")),
)
_DAY_SECONDS = 86_400
_SINCE = "first visits are followed over all of them"


def cycle_card(reader: Reader) -> list[Card]:
    """How long it takes from the first visit to the first macro-conversion."""
    lines = reader.lines(
        _CYCLES,
        _CYCLE_KEYS,
        _CYCLE_COLUMNS,
        {"macro_name": reader.scope.macro_name, **reader.scope.first_visit_where},
        order="clock, horizon",
    )
    days = [line for line in lines if line.words("clock") == "days"]
    visits = [line for line in lines if line.words("clock") == "visits"]
    goal = reader.scope.goal
    known = [line for line in days if line.has(*_RATE)]
    last = known[-1] if known else None
    caveats: list[Part] = []
    if days and days[0].value("unknown_beginning_count"):
        unknown = days[0].count("unknown_beginning_count")
        caveats.append(text(unknown, " visitors were here before and have no known first visit."))
    if known:
        caveats.append(
            "Half the time is of those who got there in the loaded days: who takes longer than "
            "they last is not among them."
        )
    return [
        Card(
            key="cycle",
            question=text("How long is the way from the first visit to ", goal, "?"),
            answer=_cycle_answer(days, last),
            headline=text(
                last.interval("conversion_rate"), " within ", last.count("horizon"), " days"
            )
            if last
            else "",
            base=text("Base: ", days[0].count("visitor_count"), " new visitors") if days else "",
            scope=reader.told_of_visitors(since=_SINCE),
            charts=_cycle_chart(reader, known),
            tables=(
                *((_cycle_table("By day", "Days", days),) if known else ()),
                *((_cycle_table("By visit", "Visits", visits),) if known and visits else ()),
            ),
            caveats=tuple(caveats),
            rule="Shares are Kaplan-Meier's: who came lately counts as far as could be followed.",
        )
    ]


def _cycle_answer(days: Sequence[Line], last: Line | None) -> Text:
    if not days:
        return text("No new visitor is known.")
    if last is None:
        return text("Too few new visitors to say how long it takes.")
    first = days[0]
    median = first.value("converted_median_cycle")
    if median is None:
        return text("None of them got there in the loaded days.")
    return text(
        "Of the ",
        first.count("converted_count"),
        " who got there, half did so within ",
        _span(first),
        " of their first visit's beginning.",
    )


def _span(line: Line) -> Datum:
    """The median, which the mart has in days, in the unit that suits it."""
    seconds = (line.value("converted_median_cycle") or 0.0) * _DAY_SECONDS
    column = f"converted_median_cycle * {_DAY_SECONDS}"
    return Datum(line.numbers.span(seconds), seconds, line.mart, line.key, column)


def _cycle_chart(reader: Reader, known: Sequence[Line]) -> tuple[Chart, ...]:
    if not known:
        return ()
    rows = [row_of(line, _within(line), "conversion_rate", "share") for line in known]
    said = "Share that has got there: " + "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "share", reader.numbers, f"{said}."),)


def _within(line: Line) -> str:
    days = line.record["horizon"]
    return f"Within {days} day{'' if days == 1 else 's'}"


def _cycle_table(caption: str, unit: str, lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.count("horizon"),
            line.count("converted_by_horizon_count"),
            line.interval("conversion_rate") if line.has("conversion_rate") else "not followed",
            line.count("at_risk_count"),
        )
        for line in lines
    )
    headings = (unit, "Got there", "Share [95 %]", "Followed so long")
    return Table(caption, headings, rows, is_folded=True)


def return_card(reader: Reader) -> list[Card]:
    """Who comes again, and whether they convert more often afterwards."""
    lines = reader.lines(
        _RETURNS,
        _SEGMENT,
        _RETURN_COLUMNS,
        {"macro_name": reader.scope.macro_name, **reader.scope.first_visit_where},
        most=1,
    )
    if not lines:
        return [
            Card(
                key="returns",
                question="Who comes again?",
                answer="No new visitor was followed for the days that are given to come again.",
                scope=reader.told_of_visitors(since=_SINCE),
            )
        ]
    [line] = lines
    rates = [name for name in _RATES[1:] if line.has(name)]
    return [
        Card(
            key="returns",
            question=text("Do those who come again get to ", reader.scope.goal, " more often?"),
            answer=_return_answer(line),
            headline=text(line.interval("return_rate"), " come again")
            if line.has("return_rate")
            else "",
            base=text("Base: ", line.count("visitor_count"), " new visitors"),
            scope=reader.told_of_visitors(since=_SINCE),
            charts=_return_chart(reader, line, rates),
            tables=(_return_table(line),),
            caveats=(
                "Who comes again was often more interested from the beginning on: this compares, "
                "and shows nothing about bringing people back.",
            ),
            rule="Coming again: another visit within the return days of the first. The goal "
            "counts after these days, within the same time for both.",
        )
    ]


def _return_answer(line: Line) -> Text:
    if not line.has("returned_conversion_rate", "not_returned_conversion_rate"):
        return text("Too few were followed long enough to compare.")
    if not line.has("conversion_ratio"):
        return text("Too few got there afterwards to compare.")
    ratio = line.interval("conversion_ratio", "times")
    low, high = (line.value(f"conversion_ratio_{end}") for end in ("low", "high"))
    if low is not None and low > 1:
        return text("Yes: ", ratio, " as often as those who do not.")
    if high is not None and high < 1:
        return text("No, less often: ", ratio, " as often as those who do not.")
    return text("That cannot be told: ", ratio, " as often as those who do not.")


def _return_chart(reader: Reader, line: Line, rates: Sequence[str]) -> tuple[Chart, ...]:
    if not rates:
        return ()
    labels = dict(zip(_RATES[1:], ("Came again", "Did not"), strict=True))
    rows = [row_of(line, labels[name], name, "share") for name in rates]
    said = "Share that got there later: " + "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "share", reader.numbers, f"{said}."),)


def _return_table(line: Line) -> Table:
    rows = tuple(
        (
            said,
            line.count(f"{side}_base_count"),
            line.count(f"{side}_converted_count"),
            line.interval(f"{side}_conversion_rate")
            if line.has(f"{side}_conversion_rate")
            else "too few",
        )
        for side, said in (("returned", "Came again"), ("not_returned", "Did not"))
    )
    headings = ("Visitors", "Followed", "Got there later", "Share [95 %]")
    return Table("Later conversion", headings, rows, is_folded=True)
