"""Drawings: a chart grammar turned into static SVG that takes its colours from the page.

A drawing is as wide as a phone, so that its text is readable there; numbers are in the table that
stands behind it. Colours are CSS variables, which differ in light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup, escape

from microconv.report.cards import Band, Chart
from microconv.report.numbers import Numbers
from microconv.report.read import Line
from microconv.report.text import clean

WIDTH = 330
_ROW = 40
_TREND = 96
_FONT = "system-ui, sans-serif"
_FORMATS = {"share": ".1~%", "times": ".2~f", "money": ",.2~f"}
# What turns the direction of the text around it has no place inside a drawing.
_TURNING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONGEST_LABEL = 34


@dataclass(frozen=True)
class Point:
    """A value of a day or week with its interval."""

    day: date
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Mark:
    """A day that a line marks, and the short text that stands at it."""

    day: date
    text: str


@dataclass(frozen=True)
class Row:
    """A row of a forest plot: label, number as text, value and interval."""

    label: str
    number: str
    value: float
    low: float
    high: float
    is_strong: bool = True


def row_of(line: Line, label: str, column: str, style: str, is_strong: bool = True) -> Row:
    """A row of a number of a mart that has an interval."""
    value, low, high = (line.value(f"{column}{end}") or 0.0 for end in ("", "_low", "_high"))
    return Row(label, line.interval(column, style).plain, value, low, high, is_strong)


def trend(
    points: Sequence[Point],
    style: str,
    band: Band | None,
    numbers: Numbers,
    said: str,
    marks: Sequence[Mark] = (),
) -> Chart:
    """A line with its intervals as a ribbon, over the range that is called healthy.

    Args:
        points: Days or weeks, oldest first.
        style: Of the values.
        band: The range, in units of the value.
        numbers: How numbers are written.
        said: What the drawing shows.
        marks: Days with a line of their own.
    """
    import altair as alt

    rows = [_as_json(point) for point in points]
    axis = alt.Axis(
        format="%-d %b", values=_days(points), grid=False, labelFlush=True, labelOverlap=False
    )
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc", nice=False), axis=axis)
    base = alt.Chart(alt.Data(values=rows)).encode(x=x)
    y = alt.Y(
        "value:Q",
        title=None,
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(format=_FORMATS.get(style, ".2~f"), tickCount=3),
    )
    layers: list[Any] = []
    if band is not None:
        layers += _healthy(alt, band)
    layers += _marked(alt, x, marks)
    layers += [
        base.mark_area(color="var(--ribbon)").encode(alt.Y("low:Q"), alt.Y2("high:Q")),
        base.mark_line(color="var(--mark)", strokeWidth=2).encode(y=y),
        base.mark_point(color="var(--mark)", filled=True, size=22, opacity=1).encode(y=y),
    ]
    return _drawn(alt.layer(*layers).properties(width=WIDTH - 48, height=_TREND), numbers, said)


def forest(
    rows: Sequence[Row],
    style: str,
    numbers: Numbers,
    said: str,
    reference: float | None = None,
    is_log: bool = False,
) -> Chart:
    """Values with their intervals, one below the other, and a line for what means no difference."""
    import altair as alt

    low, high = _limits(rows, reference, is_log)
    data = [
        {
            "place": place,
            "top": place - 0.12,
            "bottom": place + 0.28,
            "at": reference,
            "label": _short(row.label),
            "number": row.number,
            "value": min(max(row.value, low), high),
            "low": min(max(row.low, low), high),
            "high": max(min(row.high, high), low),
            "colour": "var(--mark)" if row.is_strong else "var(--muted)",
        }
        for place, row in enumerate(rows)
    ]
    scale = alt.Scale(type="log" if is_log else "linear", domain=[low, high], nice=False)
    axis = alt.Axis(format=_FORMATS.get(style, ".2~f"), grid=False, labelFlush=True, tickCount=4)
    if is_log:
        axis.values = _ticks(low, high)
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.75, len(rows) - 0.55], reverse=True))
    base = alt.Chart(alt.Data(values=data)).encode(y=y)
    x = alt.X("value:Q", title=None, scale=scale, axis=axis)
    colour = alt.Color("colour:N", scale=None, legend=None)
    layers: list[Any] = []
    if reference is not None:
        # In pieces, so that it crosses no text.
        line = alt.Chart(alt.Data(values=data)).mark_rule(color="var(--text)", strokeDash=[3, 2])
        layers.append(line.encode(x=alt.X("at:Q", scale=scale), y=_top(y), y2="bottom:Q"))
    layers += [
        base.mark_rule(strokeWidth=3)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
        .encode(color=colour),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, color=colour),
        _label(base, "label", "left", 0, 210, "var(--text)"),
        _label(base, "number", "right", WIDTH - 10, 150, "var(--muted)"),
    ]
    chart = alt.layer(*layers).properties(width=WIDTH - 10, height=_ROW * len(rows) + 8)
    return _drawn(chart, numbers, said)


def _top(y: Any) -> Any:
    top = y.copy()
    top.shorthand = "top:Q"
    return top


def _label(base: Any, column: str, align: str, x: int, limit: int, colour: str) -> Any:
    import altair as alt

    mark = base.mark_text(align=align, dy=-13, limit=limit, color=colour, fontSize=12)
    return mark.encode(x=alt.value(x), text=f"{column}:N")


def _healthy(alt: Any, band: Band) -> list[Any]:
    edges = {"low": band.healthy_low, "high": band.healthy_high}
    known = {name: value for name, value in edges.items() if value is not None}
    chart = alt.Chart(alt.Data(values=[known]))
    if len(known) == 2:
        return [chart.mark_rect(color="var(--healthy)").encode(y="low:Q", y2="high:Q")]
    rule = chart.mark_rule(color="var(--good)", strokeDash=[2, 3])
    return [rule.encode(y=f"{name}:Q") for name in known]


def _marked(alt: Any, x: Any, marks: Sequence[Mark]) -> list[Any]:
    """A line from top to bottom for each day, and its text above."""
    if not marks:
        return []
    data = [{"day": _milliseconds(mark.day), "text": mark.text} for mark in marks]
    base = alt.Chart(alt.Data(values=data)).encode(x=x)
    line = base.mark_rule(color="var(--doubt)", strokeDash=[4, 2])
    said = base.mark_text(dy=-7, fontSize=12, fontWeight="bold", color="var(--doubt)")
    return [line, said.encode(y=alt.value(0), text="text:N")]


def _limits(rows: Sequence[Row], reference: float | None, is_log: bool) -> tuple[float, float]:
    """The ends of the axis: all values, and intervals as far as they help to compare."""
    values = [row.value for row in rows] + ([] if reference is None else [reference])
    lows, highs = [row.low for row in rows], [row.high for row in rows]
    if is_log:
        return (
            max(min([*lows, *values]) * 0.9, min(values) / 8, 1e-3),
            min(max([*highs, *values]) * 1.1, max(values) * 8),
        )
    least, most = min([0.0, *lows]), max([*highs, *values])
    spare = (most - least) * 0.05 or 1.0
    return (least - spare if least < 0 else least), most + spare


def _ticks(low: float, high: float) -> list[float]:
    steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    return [step for step in steps if low <= step <= high]


def _short(label: str) -> str:
    whole = " ".join(_TURNING.sub("", clean(label)).split())
    return whole if len(whole) <= _LONGEST_LABEL else f"{whole[: _LONGEST_LABEL - 1]}…"


def _as_json(point: Point) -> dict[str, Any]:
    known = {"value": point.value, "low": point.low, "high": point.high}
    return {"day": _milliseconds(point.day), **known}


def _days(points: Sequence[Point]) -> list[int]:
    """The days that an axis names: the first, the last and at most two between."""
    last = len(points) - 1
    parts = min(3, last)
    return [_milliseconds(points[round(last * part / parts)].day) for part in range(parts + 1)]


def _milliseconds(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _drawn(chart: Any, numbers: Numbers, said: str) -> Chart:
    """The chart as SVG with one description; its parts are hidden from screen readers."""
    import vl_convert

    spec = (
        chart.properties(background="transparent", padding=4)
        .configure(font=_FONT, aria=False)
        .configure_view(stroke=None)
        .configure_mark(aria=False)
        .configure_axis(
            labelColor="var(--muted)",
            labelFontSize=11,
            domainColor="var(--line)",
            tickColor="var(--line)",
            gridColor="var(--line)",
        )
    )
    drawn = vl_convert.vegalite_to_svg(
        spec.to_dict(validate=False),
        format_locale=numbers.chart_numbers(),
        time_format_locale=numbers.chart_dates(),
    )
    opening, _, rest = drawn.partition(">")
    view = re.search(r'viewBox="[^"]+"', opening)
    assert view is not None
    width = re.search(r'width="(\d+)', opening)
    assert width is not None
    head = Markup('<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" {} {}').format(
        Markup(view.group()),
        Markup('style="max-width:{}px" aria-label="{}">').format(
            round(int(width.group(1)) * 1.45), escape(clean(said))
        ),
    )
    return Chart(head + Markup(rest), said)
