"""What happened: every KPI with its range and its trend."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from microconv.report.cards import Band, Card, Chart, Section, Table
from microconv.report.charts import Point, trend
from microconv.report.read import Line, Reader
from microconv.report.sections.noted import Noted, between, marks, read_noted, with_caption
from microconv.report.text import Part, Text, fill, joined, listed, text

_KEYS = ("kpi_name", "period_grain", "period_start_date", "segment_dimension", "segment_value")
_NUMBERS = ("value", "value_low", "value_high", "base_count")
_WHOLE = (
    *("label", "measure", "unit", *_NUMBERS, "immature_count", "benchmark_low", "benchmark_high"),
    *("act_below", "outage_day_count", "status", "rule", "source", "advice"),
)
# What asks for something comes first.
_ORDER = (
    *("needs work", "below", "unreliable", "cannot tell", "above", "inside", "no benchmark"),
    "too few",
)
_SAID = {
    "needs work": "Below {act_below}, where it needs work.",
    "below": "Below the range that practitioners call healthy ({range}).",
    "inside": "Inside the range that practitioners call healthy ({range}).",
    "above": "Above the range that practitioners call healthy ({range}).",
    "cannot tell": "Too close to an end of the healthy range ({range}) to say on which side it is.",
    "unreliable": "Unreliable: something that it counts was not recorded on {outages}.",
    "no benchmark": "No healthy range is known; compare it with its own past.",
    "too few": "Too few for a value.",
}
_BELOW = ("needs work", "below")
_LEAST_POINTS = 2
_BRIEF = 3


def happened(reader: Reader) -> Section:
    """A card for each KPI, those that ask for something first."""
    wholes = reader.lines("mart_kpis", _KEYS, _WHOLE, {"period_grain": "all", **reader.scope.where})
    wholes.sort(key=lambda line: (_ORDER.index(line.words("status")), line.words("kpi_name")))
    weeks, noted = _weeks(reader), read_noted(reader)
    cards = [_card(reader, line, weeks.get(line.words("kpi_name"), []), noted) for line in wholes]
    return Section("happened", "What happened", _lead(reader, wholes), tuple(cards), _brief(wholes))


def _brief(lines: Sequence[Line]) -> Text:
    """What asks for something, or that nothing does."""
    parts: list[Part] = []
    for status in ("needs work", "below", "above"):
        found: list[Part] = [
            text(line.name("label"), " ", line.interval("value", line.words("measure")))
            for line in lines
            if line.words("status") == status
        ]
        if found:
            more = f" and {len(found) - _BRIEF} more" if len(found) > _BRIEF else ""
            parts.append(text(f"{status}: ", listed(found[:_BRIEF]), more))
    if not parts:
        return text("No key figure is clearly outside its healthy range.")
    return text("Against the healthy ranges, ", joined(parts, "; "), ".")


def _lead(reader: Reader, lines: Sequence[Line]) -> Text:
    counts = Counter(line.words("status") for line in lines)
    judged = [one for one in _ORDER if counts[one] and one not in ("no benchmark", "too few")]
    said: list[Part] = [f"{reader.numbers.count(counts[one])} {one}" for one in judged]
    without = counts["no benchmark"]
    parts: list[Part] = [f"{reader.numbers.count(len(lines))} key figures"]
    if said:
        parts += [" — against their healthy ranges: ", listed(said)]
    if without:
        parts += [f"; {reader.numbers.count(without)} have no range"]
    first, last = (reader.numbers.day(day) for day in (reader.scope.begin, reader.scope.last_date))
    return text(
        *parts,
        ". Each is over all loaded days, with its 95 % interval; lines are whole weeks, "
        f"{first} to {last}.",
    )


def _weeks(reader: Reader) -> Mapping[str, list[Line]]:
    """The weeks of each KPI of which all days are loaded and asked for, oldest first."""
    # A year and a day of it; older weeks are in the mart.
    first = max(reader.scope.begin, reader.scope.last_date - timedelta(days=371))
    found: dict[str, list[Line]] = defaultdict(list)
    lines = reader.lines(
        "mart_kpis",
        _KEYS,
        _NUMBERS,
        {"period_grain": "week", **reader.scope.where},
        order="period_start_date",
        also=f"period_start_date >= date '{first.isoformat()}'",
    )
    for line in lines:
        if reader.scope.is_whole_week(line.day("period_start_date")):
            found[line.words("kpi_name")].append(line)
    return found


def _card(reader: Reader, line: Line, weeks: Sequence[Line], noted: Sequence[Noted]) -> Card:
    status, style = line.words("status"), line.words("measure")
    charts, tables = _trend(reader, line, weeks, noted)
    return Card(
        key=f"kpi-{line.words('kpi_name').replace('_', '-')}",
        question=line.name("label"),
        answer=_answer(reader, line),
        headline=_with_unit(line, style),
        base=text("Base: ", line.count("base_count"), " ", _plural(line.words("unit"))),
        scope=reader.told(
            since="the value takes them all, the line begins where it was asked for",
            goal="key figures are listed in kpi_definitions",
        ),
        status="" if status == "no benchmark" else status,
        band=_band(line),
        charts=charts,
        tables=tables,
        caveats=tuple(_caveats(line)),
        rule=line.name("rule"),
    )


def _answer(reader: Reader, line: Line) -> Text:
    status = line.words("status")
    days = line.value("outage_day_count") or 0
    said = fill(
        _SAID[status],
        range=_range(reader, line),
        act_below=reader.numbers.edge(line.value("act_below"), line.words("measure")),
        outages=text(line.count("outage_day_count"), " day" if days == 1 else " days"),
    )
    if status == "too few":
        return text(said, f" It takes {reader.numbers.count(reader.scope.minimum)} or more.")
    if status in _BELOW and line.words("advice"):
        return text(said, " ", line.name("advice"))
    return said


def _range(reader: Reader, line: Line) -> str:
    style = line.words("measure")
    low, high = (line.value(f"benchmark_{end}") for end in ("low", "high"))
    said_low, said_high = (reader.numbers.edge(one, style) for one in (low, high))
    if low is not None and high is not None:
        return f"{said_low} to {said_high}"
    return f"from {said_low}" if high is None else f"up to {said_high}"


def _with_unit(line: Line, style: str) -> Text:
    number = line.interval("value", style)
    return text(number, " days") if style == "mean_days" and line.has("value") else number


def _plural(unit: str) -> str:
    return unit if unit.endswith("s") else f"{unit}s"


def _caveats(line: Line) -> list[Part]:
    said: list[Part] = []
    if line.value("immature_count"):
        said.append(text(line.count("immature_count"), " are too recent and not counted yet."))
    if line.value("outage_day_count") and line.words("status") != "unreliable":
        days = line.count("outage_day_count")
        said.append(text("Something that it counts was not recorded on days: ", days, "."))
    if line.words("source"):
        said.append(text("The range is a ", line.name("source"), "; your own past says more."))
    return said


def _band(line: Line) -> Band | None:
    """The value on a scale from 0, beside the healthy range."""
    edges = [line.value("benchmark_low"), line.value("benchmark_high")]
    known = [edge for edge in edges if edge is not None]
    if not known or not line.has("value", "value_low", "value_high"):
        return None
    value, low, high = (line.value(name) or 0.0 for name in ("value", "value_low", "value_high"))
    most = max(high, *known) * 1.15 or 1.0
    scaled = [None if edge is None else edge / most for edge in edges]
    return Band(value / most, max(low, 0.0) / most, high / most, scaled[0], scaled[1])


def _trend(
    reader: Reader, line: Line, weeks: Sequence[Line], noted: Sequence[Noted]
) -> tuple[tuple[Chart, ...], tuple[Table, ...]]:
    shown = [week for week in weeks if week.has("value")]
    if len(shown) < _LEAST_POINTS:
        return (), ()
    style = line.words("measure")
    points = [
        Point(
            week.day("period_start_date"),
            week.value("value"),
            week.value("value_low"),
            week.value("value_high"),
        )
        for week in weeks
    ]
    first, last = shown[0], shown[-1]
    said = text(
        line.name("label"),
        f": weekly, from {first.interval('value', style).plain} in the week of "
        f"{reader.numbers.day(first.day('period_start_date'))} to "
        f"{last.interval('value', style).plain} in the week of "
        f"{reader.numbers.day(last.day('period_start_date'))}.",
    ).plain
    healthy = Band(0, 0, 0, line.value("benchmark_low"), line.value("benchmark_high"))
    has_range = healthy.healthy_low is not None or healthy.healthy_high is not None
    known = between(noted, points[0].day, points[-1].day + timedelta(days=6))
    range_ = healthy if has_range else None
    chart = trend(points, style, range_, reader.numbers, said, marks(known))
    rows = tuple(
        (
            reader.numbers.day(week.day("period_start_date")),
            week.interval("value", style) if week.has("value") else "too few",
            week.count("base_count"),
        )
        for week in weeks
    )
    caption = text(line.name("label"), ", by week").plain
    table = Table(caption, ("Week from", "Value [95 % interval]", "Base"), rows, is_folded=True)
    return (with_caption(chart, known),), (table,)
