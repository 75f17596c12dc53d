"""Drawings: Vega-Lite's grammar turned into static SVG that takes its colours from the page.

A drawing is as wide as a phone, so that its text is readable there; numbers are in the table that
stands behind it. Colours are CSS variables, which differ in light, dark and print.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

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
_LEAST_TICKS = 3
# A chart, a part of one, or a row of its data, in Vega-Lite's grammar.
Spec: TypeAlias = dict[str, Any]
_CONFIG: Spec = {
    "font": _FONT,
    "aria": False,
    "view": {"stroke": None},
    "mark": {"aria": False},
    "axis": {
        "labelColor": "var(--muted)",
        "labelFontSize": 11,
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
    },
}


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
    x = _field(
        "day",
        kind="temporal",
        scale={"type": "utc", "nice": False},
        axis={
            **{"format": numbers.chart_day(), "values": _days(points), "grid": False},
            **{"labelFlush": True, "labelOverlap": False},
        },
    )
    y = _field(
        "value",
        scale={"zero": True, "nice": True},
        axis={"format": _FORMATS.get(style, ".2~f"), "tickCount": 3},
    )
    layers: list[Spec] = []
    if band is not None:
        layers += _healthy(band)
    layers += _marked(x, marks)
    layers += [
        _layer(
            "area", {"x": x, "y": _field("low"), "y2": {"field": "high"}}, color="var(--ribbon)"
        ),
        _layer("line", {"x": x, "y": y}, color="var(--mark)", strokeWidth=2),
        _layer("point", {"x": x, "y": y}, color="var(--mark)", filled=True, size=22, opacity=1),
    ]
    data = {"data": _values([_as_json(point) for point in points])}
    size = {"width": WIDTH - 48, "height": _TREND}
    return _drawn({**data, **size, "layer": layers}, numbers, said)


def forest(
    rows: Sequence[Row],
    style: str,
    numbers: Numbers,
    said: str,
    reference: float | None = None,
    is_log: bool = False,
) -> Chart:
    """Values with their intervals, one below the other, and a line for what means no difference."""
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
    scale = {"type": "log" if is_log else "linear", "domain": [low, high], "nice": False}
    axis: Spec = {"format": _FORMATS.get(style, ".2~f"), "grid": False, "labelFlush": True}
    axis["tickCount"] = 4
    if is_log:
        axis["values"] = _ticks(low, high)
    places: Spec = {"axis": None, "scale": {"domain": [-0.75, len(rows) - 0.55], "reverse": True}}
    y = _field("place", **places)
    x = _field("value", scale=scale, axis=axis)
    colour = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    layers: list[Spec] = []
    if reference is not None:
        # In pieces, so that it crosses no text.
        ends = {"y": _field("top", **places), "y2": {"field": "bottom"}}
        at = {"x": _field("at", scale=scale), **ends}
        layers.append(_layer("rule", at, color="var(--text)", strokeDash=[3, 2]))
    reach = {"x": _field("low", scale=scale), "x2": {"field": "high"}, "y": y, "color": colour}
    layers += [
        _layer("rule", reach, strokeWidth=3),
        _layer("point", {"x": x, "y": y, "color": colour}, filled=True, size=70, opacity=1),
        _label("label", y, align="left", at=0, limit=210, colour="var(--text)"),
        _label("number", y, align="right", at=WIDTH - 10, limit=150, colour="var(--muted)"),
    ]
    size = {"width": WIDTH - 10, "height": _ROW * len(rows) + 8}
    return _drawn({"data": _values(data), **size, "layer": layers}, numbers, said)


def _values(rows: Sequence[Spec]) -> Spec:
    return {"values": list(rows)}


def _field(name: str, kind: str = "quantitative", **more: Any) -> Spec:
    """A column at a place; axes have no titles, since the card says what they show."""
    return {"field": name, "type": kind, "title": None, **more}


_BETWEEN: Spec = {"y": _field("low"), "y2": {"field": "high"}}


def _layer(mark: str, encoding: Spec, data: Sequence[Spec] | None = None, **looks: Any) -> Spec:
    own = {} if data is None else {"data": _values(data)}
    return {**own, "mark": {"type": mark, **looks}, "encoding": encoding}


def _label(column: str, y: Spec, align: str, at: int, limit: int, colour: str) -> Spec:
    encoding = {"x": {"value": at}, "y": y, "text": {"field": column, "type": "nominal"}}
    looks: Spec = {"align": align, "dy": -13, "limit": limit, "color": colour, "fontSize": 12}
    return _layer("text", encoding, **looks)


def _healthy(band: Band) -> list[Spec]:
    edges = {"low": band.healthy_low, "high": band.healthy_high}
    known = {name: value for name, value in edges.items() if value is not None}
    if len(known) == 2:
        return [_layer("rect", _BETWEEN, [known], color="var(--healthy)")]
    looks: Spec = {"color": "var(--good)", "strokeDash": [2, 3]}
    return [_layer("rule", {"y": _field(name)}, [known], **looks) for name in known]


def _marked(x: Spec, marks: Sequence[Mark]) -> list[Spec]:
    """A line from top to bottom for each day, and its text above."""
    if not marks:
        return []
    data = [{"day": _milliseconds(mark.day), "text": mark.text} for mark in marks]
    text = {"x": x, "y": {"value": 0}, "text": {"field": "text", "type": "nominal"}}
    looks: Spec = {"dy": -7, "fontSize": 12, "fontWeight": "bold", "color": "var(--doubt)"}
    return [
        _layer("rule", {"x": x}, data, color="var(--doubt)", strokeDash=[4, 2]),
        _layer("text", text, data, **looks),
    ]


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
    coarse = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    fine = [0.25, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 2, 3, 4]
    found = [[step for step in steps if low <= step <= high] for steps in (coarse, fine)]
    return found[0] if len(found[0]) >= _LEAST_TICKS else found[1]


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


def _drawn(spec: Spec, numbers: Numbers, said: str) -> Chart:
    """The chart as SVG with one description; its parts are hidden from screen readers."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(
        {**spec, "background": "transparent", "padding": 4, "config": _CONFIG},
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
