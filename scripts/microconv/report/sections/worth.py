"""What goes with each micro-conversion, in money."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.evidence.templates import VALUES
from microconv.evidence.value import LEAST_ORDERS
from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.text import Part, Text, listed, text

_KEYS = ("macro_name", "micro_name")
_ENDS = ("", "_low", "_high")
_MONEY = ("gross_value_usd", "incremental_value_usd", "monthly_opportunity_usd")
_COLUMNS = (
    *("micro_label", "value_rank", "verdict", "visitor_count", "order_count", "is_sufficient"),
    *("average_order_value_usd", "is_top_heavy", "horizon_days"),
    *(f"conversion_rate{end}" for end in _ENDS),
    *(f"{name}{end}" for name in _MONEY for end in _ENDS),
)


def worth_cards(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """Gross and incremental value of each."""
    goal = {"macro_name": reader.scope.macro_name}
    lines = reader.lines("evidence_conversion_values", _KEYS, _COLUMNS, goal, "value_rank")
    caveats: list[Part] = [*old, VALUES["no_sum"]]
    if any(line.record["is_top_heavy"] for line in lines):
        caveats.append("! A few large orders hold much of this revenue; the mart has it without.")
    return [
        Card(
            key="value",
            question=text("What goes with each action, in money?"),
            answer=_answer(lines),
            scope=reader.told(
                segment="visitors of all segments are compared",
                since="the evidence takes them all",
            ),
            charts=_chart(reader, lines),
            tables=(_table(lines),),
            caveats=tuple(caveats),
            rule=text(
                "US dollars per visitor who did it, within ",
                lines[0].shown("horizon_days", "count"),
                " days, up to ",
                reader.scope.goal,
                ". Gross is rate times order value, whatever made them buy; the difference is "
                "against comparable visitors, and the drawing shows it.",
            ),
            is_wide=True,
        )
    ]


def _known(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.has(*(f"incremental_value_usd{end}" for end in _ENDS))]


def _answer(lines: Sequence[Line]) -> Text:
    above: list[Part] = [
        line.name("micro_label")
        for line in _known(lines)
        if (line.value("incremental_value_usd_low") or 0) > 0
    ]
    if above:
        return text("More was spent than by comparable visitors after: ", listed(above), ".")
    if not any(line.record["is_sufficient"] for line in lines):
        return text(f"Too few orders follow any of them: a value takes {LEAST_ORDERS}.")
    return text("Of none it is shown that more was spent than by comparable visitors.")


def _chart(reader: Reader, lines: Sequence[Line]) -> tuple[Chart, ...]:
    rows = [
        row_of(
            line,
            line.words("micro_label"),
            "incremental_value_usd",
            "money",
            is_strong=(line.value("incremental_value_usd_low") or 0) > 0,
        )
        for line in _known(lines)
    ]
    if not rows:
        return ()
    said = "More spent than by comparable visitors: "
    said += "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "money", reader.numbers, f"{said}.", reference=0.0),)


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("micro_label"),
            line.count("order_count"),
            *(_numbers(line) if line.record["is_sufficient"] else ("too few", *["–"] * 4)),
        )
        for line in lines
    )
    headings = (
        *("Action", "Orders", "Rate", "Per order", "Gross value", "Difference"),
        "A month at 10 % more",
    )
    return Table("Value, action by action", headings, rows)


def _numbers(line: Line) -> tuple[Part, ...]:
    gross, difference, monthly = (line.interval(name, "money") for name in _MONEY)
    return (
        line.interval("conversion_rate"),
        line.shown("average_order_value_usd", "money"),
        text(gross, " !") if line.record["is_top_heavy"] else gross,
        difference,
        monthly,
    )
