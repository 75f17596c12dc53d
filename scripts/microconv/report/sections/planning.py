"""By which metric the next test may be decided, and how long that takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from microconv.deciding.proxy import USUAL_SPREAD
from microconv.proxy.words import CAVEATS
from microconv.report.cards import Bar, Card, Table
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import english_words
from microconv.report.text import Part, Text, listed, text

TABLE, _RATES = "evidence_proxy_metrics", "mart_planning_rates"
_KEYS = ("macro_name", "metric_name")
_EVEN = f"break_even_correlation_spread_{100 * USUAL_SPREAD:.0f}pct"
_COLUMNS = (
    *("metric_label", "is_macro", "is_recommended", "is_pareto", "is_validated", "status"),
    *("excluded_reason", "sentence", "mde", "max_weeks", "visitors_per_week", "weeks"),
    *("macro_share", "weeks_needed", "lift_needed_if_all_pass", _EVEN),
)
_RATE_COLUMNS = (
    *("window_start_date", "window_end_date", "window_day_count", "subject_count"),
    *("converted_count", "horizon_days"),
    *(f"conversion_rate{end}" for end in ("", "_low", "_high")),
)
_MOST_BARS = 8


def proxy_card(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """The recommendation of `microconv proxy` with the numbers that it rests on."""
    lines = reader.lines(TABLE, _KEYS, _COLUMNS, {"macro_name": reader.scope.macro_name})
    rates = {
        line.words("conversion_name"): line
        for line in reader.lines(_RATES, ("conversion_name",), _RATE_COLUMNS)
    }
    # The goal first, then what takes least; what is no candidate comes last.
    lines.sort(key=lambda line: (not line.record["is_macro"], *_place(line)))
    macro = next((line for line in lines if line.record["is_macro"]), None)
    chosen = next((line for line in lines if line.record["is_recommended"]), None)
    told = chosen or next((line for line in lines if line.words("sentence")), None)
    goal = reader.scope.goal
    base = rates.get(reader.scope.macro_name)
    if macro is None:
        return []
    return [
        Card(
            key="proxy",
            question=text("By which metric may the next test on ", goal, " be decided?"),
            answer=told.name("sentence")
            if told
            else text("No metric is recommended: none finds the change within the weeks allowed."),
            headline=_headline(chosen, macro),
            status="planned",
            base=_base(macro, base),
            scope=reader.told(
                segment="a test takes whoever comes", since="rates are of the newest weeks"
            ),
            bars=_bars(lines),
            points=tuple(_excluded(lines)),
            tables=(_table(lines, rates),),
            caveats=(*old, *(english_words(reader) if told else ()), *CAVEATS),
            rule=text(
                "To find a relative change of ",
                macro.shown("mde", "share"),
                " with 80 % power at a level of 5 %, half of the visitors in each variant. The "
                "bars: weeks for the change of the metric that would move the goal so far, "
                "if all of it arrived; sentences round up to whole weeks.",
            ),
            is_wide=True,
        )
    ]


def _place(line: Line) -> tuple[bool, float, str]:
    weeks = line.value("weeks_needed")
    return weeks is None, weeks or 0.0, line.words("metric_name")


def _headline(chosen: Line | None, macro: Line) -> Text:
    if not macro.has("weeks_needed"):
        return text("No number of weeks is enough")
    alone = text(macro.shown("weeks_needed", "weeks"), " weeks with the goal itself")
    if chosen is None or chosen is macro or not chosen.has("weeks_needed"):
        return alone
    weeks = chosen.shown("weeks_needed", "weeks")
    return text(weeks, " weeks with ", chosen.name("metric_label"), ", ", alone)


def _base(macro: Line, base: Line | None) -> Text:
    weekly = text(macro.shown("visitors_per_week", "count"), " visitors a week")
    if base is None:
        return text("Base: ", weekly)
    days = [base.numbers.day(base.day(f"window_{end}_date")) for end in ("start", "end")]
    return text(
        "Base: ",
        base.count("subject_count"),
        f" visitors, {days[0]} to {days[1]}, ",
        weekly,
        "; rates are of ",
        base.count("horizon_days"),
        " days after the first visit in that time",
    )


def _bars(lines: Sequence[Line]) -> tuple[Bar, ...]:
    shown = [line for line in lines if line.has("weeks_needed")][:_MOST_BARS]
    most = max((line.value("weeks_needed") or 0.0 for line in shown), default=0.0) or 1.0
    return tuple(
        Bar(
            text(line.name("metric_label"), _mark(line)),
            (line.value("weeks_needed") or 0.0) / most,
            text(line.shown("weeks_needed", "weeks"), " weeks"),
            text(
                "to find ",
                line.shown("lift_needed_if_all_pass", "change"),
                " of it",
                "" if line.record["is_macro"] else text("; ", _worth(line)),
            ),
        )
        for line in shown
    )


def _mark(line: Line) -> str:
    if line.record["is_macro"]:
        return " (the goal itself)"
    return " (recommended)" if line.record["is_recommended"] else ""


def _worth(line: Line) -> Part:
    """How well true lifts of the metric and the goal must go together."""
    if not _can(line):
        return "decides worse than the goal, however well the two go together"
    even = line.shown(_EVEN, "plain")
    return text("decides better only if true lifts of the two correlate with more than ", even)


def _even(line: Line) -> Part:
    if line.record["is_macro"]:
        return "–"
    return line.shown(_EVEN, "plain") if _can(line) else "never"


def _can(line: Line) -> bool:
    return (line.value(_EVEN) or 2.0) <= 1


def _excluded(lines: Sequence[Line]) -> list[Text]:
    found = sorted(
        (line for line in lines if line.words("excluded_reason")),
        key=lambda line: line.words("excluded_reason"),
    )
    said = []
    for _, group in groupby(found, key=lambda line: line.words("excluded_reason")):
        alike = list(group)
        names: list[Part] = [line.name("metric_label") for line in alike]
        reason = alike[0].name("excluded_reason")
        said.append(text("No candidates, since ", reason, ": ", listed(names), "."))
    return said


def _table(lines: Sequence[Line], rates: dict[str, Line]) -> Table:
    rows = tuple(
        (
            text(line.name("metric_label"), _mark(line)),
            _rate(rates.get(line.words("metric_name"))),
            line.shown("weeks", "weeks"),
            line.shown("macro_share", "share"),
            line.shown("lift_needed_if_all_pass", "change"),
            line.shown("weeks_needed", "weeks"),
            "–"
            if line.record["is_macro"]
            else line.shown(_EVEN, "plain")
            if _can(line)
            else "never",
        )
        for line in lines
    )
    headings = (
        *("Metric", "Rate [95 %]", "Weeks for the same change", "Of the goal through it"),
        *("Change needed", "Weeks for that", "Must correlate"),
    )
    return Table("Planning numbers, metric by metric", headings, rows, is_folded=True)


def _rate(line: Line | None) -> Part:
    if line is None:
        return "–"
    return line.interval("conversion_rate") if line.has("conversion_rate") else "too few"
