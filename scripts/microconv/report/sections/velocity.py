"""How long it takes from the first step to the last, and between steps."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.report.cards import Card, Chart, Table, cells
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.sections.funnels import Funnel
from microconv.report.text import Name, Text, text

_KEYS = (
    *("funnel_name", "period_grain", "period_start_date", "segment_dimension", "segment_value"),
    *("from_step", "to_step"),
)
_SHARES = {
    "reached_within_1h": "Within an hour",
    "reached_within_1d": "Within a day",
    "reached_within_3d": "Within three days",
    "reached_within_7d": "Within seven days",
    "reached_within_window": "Within the window",
}
_PERCENTILES = ("seconds_p25", "seconds_p50", "seconds_p75", "seconds_p90")
_COLUMNS = (
    *("from_step_label", "to_step_label", "started_count", "reached_count", *_PERCENTILES),
    *(f"{share}{end}" for share in _SHARES for end in ("", "_low", "_high")),
    "median_seconds_given_reached",
)


def velocity_card(reader: Reader, funnel: Funnel) -> list[Card]:
    """From the first step to the last as a chart, step by step as a table."""
    lines = reader.lines(
        "mart_funnel_velocity",
        _KEYS,
        _COLUMNS,
        {"funnel_name": funnel.name, "period_grain": "all", **reader.scope.where},
        order="from_step, to_step",
    )
    ends = [step.value("step_number") for step in (funnel.steps[0], funnel.steps[-1])]
    whole = [line for line in lines if [line.value("from_step"), line.value("to_step")] == ends]
    if not whole:
        return []
    [line] = whole
    between = [one for one in lines if one is not line] or [line]
    return [
        Card(
            key="velocity",
            question=text("How long does it take: ", Name(funnel.rules.label)),
            answer=_answer(reader, line),
            base=text("Base: ", line.count("started_count"), f" {funnel.unit} that began"),
            scope=reader.told(since="times are measured over all of them"),
            charts=_charts(reader, line),
            tables=(_shares(line), _steps(between)),
            rule="Shares are Kaplan-Meier's: who may still come counts as far as was seen. "
            "Percentiles are of those who got there.",
        )
    ]


def _answer(reader: Reader, line: Line) -> Text:
    if not line.has("median_seconds_given_reached"):
        return text("Too few got there to say how long it takes.")
    return text(
        "Of those who get from ",
        line.name("from_step_label"),
        " to ",
        line.name("to_step_label"),
        ", half do so within ",
        line.shown("median_seconds_given_reached", "span"),
        ".",
    )


def _known(line: Line) -> dict[str, str]:
    return {
        share: label
        for share, label in _SHARES.items()
        if line.has(share, f"{share}_low", f"{share}_high")
    }


def _charts(reader: Reader, line: Line) -> tuple[Chart, ...]:
    rows = [row_of(line, label, share, "share") for share, label in _known(line).items()]
    if not rows:
        return ()
    said = "Share that has got there: " + "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "share", reader.numbers, f"{said}."),)


def _shares(line: Line) -> Table:
    rows = tuple((label, line.interval(share)) for share, label in _known(line).items())
    return Table("Share that has got there", ("Time", "Share [95 %]"), rows, is_folded=True)


def _steps(lines: Sequence[Line]) -> Table:
    rows = tuple(
        cells(
            text(line.name("from_step_label"), " → ", line.name("to_step_label")),
            line.count("reached_count"),
            *(line.shown(name, "span") for name in _PERCENTILES[1:]),
        )
        for line in lines
    )
    headings = ("From → to", "Got there", "Half within", "Three quarters", "Nine tenths")
    return Table("Time between steps", headings, rows)
