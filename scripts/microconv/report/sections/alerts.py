"""What `watch` found: rates that moved more than chance with their diagnosis, and what broke.

The words are those that `watch` wrote into the marts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from microconv.aggregates.literals import literal
from microconv.evidence.proportions import wilson
from microconv.report.cards import Card, Chart, Table, cells
from microconv.report.charts import Point, trend
from microconv.report.read import Line, Reader
from microconv.report.sections.noted import Noted, between, marks, with_caption
from microconv.report.text import Name, Part, Text, listed, plain, spaced, text

_ALERTS, _PARTS, _RATES = "mart_alerts", "mart_alert_parts", "mart_tracked_rates"
_KEYS = ("watch_id", "metric_name", "rule", "direction")
_METRIC = ("metric_kind", "step_number", "segment_dimension", "segment_value")
_COLUMNS = (
    *("metric_label", *_METRIC, "as_of_date", "alert_date", "since_date", "is_ongoing"),
    *("relative_change", "statistic", "limit_value", "success_count", "trial_count"),
    *("rate", "rate_low", "rate_high", "baseline_rate", "counted_count", "expected_count"),
    *("sentence", "diagnosis", "next_look", "annotations"),
)
_PART_KEYS = ("watch_id", "direction", "part_kind", "part_dimension", "part_value")
_PART_COLUMNS = ("contribution", "share", "rate_before", "rate_after", "q_value", "is_main")
_RATE_KEYS = ("rate_date", "metric_name", *_METRIC)
_PART_SAID = {
    "volume": "Number of visits",
    "rate": "Rate",
    "step": "Step",
    "mix_of_dimension": "Who comes, by",
    "rate_of_dimension": "How they convert, by",
    "mix": "How many come:",
    "segment_rate": "How they convert:",
    "guard": "The step after it",
}
_OF_SEGMENTS = ("mix", "segment_rate")
_CARDS = 6
_BRIEF = 2
_MOST = 200
_MOST_PARTS = 24
_WEEKS_BEFORE = 6


@dataclass(frozen=True)
class Story:
    """An alert by all its rules, and others that stand out in the same segment.

    Args:
        lines: A row of the mart per rule, the clearest first; all say the same words.
        parts: What the diagnosis consists of.
        others: The first rows of the others.
    """

    lines: tuple[Line, ...]
    parts: tuple[Line, ...]
    others: tuple[Line, ...]

    @property
    def line(self) -> Line:
        """The clearest rule."""
        return self.lines[0]


def alert_cards(reader: Reader, noted: Sequence[Noted]) -> list[Card]:
    """Tracking first, then a card for each story; the newest and those that go on come first."""
    found = _read(reader)
    told = _stories(found, _parts(reader, found))
    return [
        _tracking(reader),
        *([] if told else [_nothing(reader)]),
        *(_card(reader, place, one, noted) for place, one in enumerate(told[:_CARDS], start=1)),
        *([_more(reader, told[_CARDS:])] if len(told) > _CARDS else []),
    ]


def brief(cards: Sequence[Card]) -> Part:
    """What broke and what moved, or that nothing is on record."""
    told = [card for card in cards if card.points or card.key.startswith("alert-")]
    if not told:
        return "Nothing that broke or moved is on record."
    return spaced([card.answer for card in told[:_BRIEF]])


def _read(reader: Reader) -> list[Line]:
    """Rows with words, of everybody and of the segment that was asked for."""
    scope = reader.scope
    conditions = [
        "metric_kind <> 'tracking'",
        "sentence <> ''",
        f"alert_date >= date '{scope.begin.isoformat()}'",
    ]
    if not scope.is_everybody:
        conditions.append(
            "(segment_dimension = 'all'"
            f" or (segment_dimension = {_text(reader, scope.dimension)}"
            f" and segment_value = {_text(reader, scope.segment)}))"
        )
    return reader.lines(
        _ALERTS,
        _KEYS,
        _COLUMNS,
        order="is_ongoing desc, alert_date desc, abs(statistic) desc",
        most=_MOST,
        also=" and ".join(conditions),
    )


def _parts(reader: Reader, found: Sequence[Line]) -> dict[tuple[str, str], list[Line]]:
    """Parts by alert."""
    owners = sorted({line.words("watch_id") for line in found})
    if not owners:
        return {}
    wanted = ", ".join(_text(reader, owner) for owner in owners)
    parts: dict[tuple[str, str], list[Line]] = {}
    for line in reader.lines(
        _PARTS,
        _PART_KEYS,
        _PART_COLUMNS,
        order="abs(contribution) desc",
        also=f"watch_id in ({wanted})",
    ):
        parts.setdefault((line.words("watch_id"), line.words("direction")), []).append(line)
    return parts


def _stories(found: Sequence[Line], parts: Mapping[tuple[str, str], Sequence[Line]]) -> list[Story]:
    """Alerts that name the same segment are one story, told by the clearest of them."""
    alerts: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        alerts.setdefault((line.words("watch_id"), line.words("direction")), []).append(line)
    groups: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for owner in alerts:
        main = [
            part
            for part in parts.get(owner, ())
            if part.record["is_main"] and part.words("part_kind") in _OF_SEGMENTS
        ]
        names = ("part_kind", "part_dimension", "part_value")
        key = (owner[1], *(main[0].words(name) for name in names)) if main else owner
        groups.setdefault(key, []).append(owner)
    stories = []
    for owners in groups.values():
        clearest = [max(alerts[owner], key=_clarity) for owner in owners]
        first = max(clearest, key=_clarity)
        owner = owners[clearest.index(first)]
        lines = sorted(alerts[owner], key=_clarity, reverse=True)
        others = [one for one in clearest if one is not first]
        stories.append(Story(tuple(lines), tuple(parts.get(owner, ())), tuple(others)))
    return stories


def _clarity(line: Line) -> float:
    return abs(line.value("statistic") or 0.0)


def _card(reader: Reader, place: int, story: Story, noted: Sequence[Noted]) -> Card:
    line = story.line
    points: list[Part] = [line.name(name) for name in ("diagnosis", "annotations")]
    if story.others:
        also: list[Part] = [_moved(one) for one in story.others]
        points.append(text("The same segment also stands out in: ", listed(also), "."))
    points.append(_next(line))
    days = reader.numbers.day(line.day("since_date")), reader.numbers.day(line.day("alert_date"))
    state = "still so on" if line.record["is_ongoing"] else "last on"
    charts, tables = _trend(reader, line, noted)
    return Card(
        key=f"alert-{place}",
        question=text("What moved: ", line.name("metric_label")),
        answer=line.name("sentence"),
        headline=_rate(line),
        status=line.words("direction"),
        base=text(
            line.count("success_count"),
            " of ",
            line.count("trial_count"),
            f" on {days[1]}; since {days[0]}, {state} {days[1]}",
        ),
        scope=_told(reader),
        charts=charts,
        points=tuple(point for point in points if plain(point)),
        tables=(*tables, *_consists(story), _rules(story)),
        caveats=_english(reader),
        rule="Rules of `microconv watch`: a change that matters and one that chance does not "
        "bring. Usual are the same weekdays of the four weeks before.",
        is_wide=True,
    )


def _next(line: Line) -> Text:
    return text("Next: ", line.name("next_look"))


def _rate(line: Line) -> Text | str:
    if not line.has("rate"):
        return ""
    usual = text(", usual ", line.shown("baseline_rate", "share"))
    return text(line.interval("rate"), usual if line.has("baseline_rate") else "")


def _moved(line: Line) -> Text:
    return text(line.name("metric_label"), " (", line.shown("relative_change", "change"), ")")


def _trend(
    reader: Reader, line: Line, noted: Sequence[Noted]
) -> tuple[tuple[Chart, ...], tuple[Table, ...]]:
    """The rate day by day, from some weeks before it moved."""
    begin = max(
        line.day("since_date") - timedelta(weeks=_WEEKS_BEFORE),
        reader.scope.first_date,
    )
    days = reader.lines(
        _RATES,
        _RATE_KEYS,
        ("success_count", "trial_count"),
        {"metric_name": line.words("metric_name"), **{one: line.record[one] for one in _METRIC}},
        order="rate_date",
        also=f"rate_date between date '{begin.isoformat()}'"
        f" and date '{line.day('alert_date').isoformat()}'",
    )
    if len(days) < 2:
        return (), ()
    points = [_point(one, reader.scope.minimum) for one in days]
    if not any(point.value is not None for point in points):
        return (), ()
    known = between(noted, begin, line.day("alert_date"))
    said = text(line.name("metric_label"), f": day by day up to {_day(line, 'alert_date')}.").plain
    chart = trend(points, "share", None, reader.numbers, said, marks(known))
    rows = tuple(
        cells(
            reader.numbers.day(one.day("rate_date")),
            one.count("success_count"),
            one.count("trial_count"),
        )
        for one in days
    )
    table = Table("Day by day", ("Day", "Did it", "Of"), rows, is_folded=True)
    return (with_caption(chart, known),), (table,)


def _point(line: Line, minimum: int) -> Point:
    """A day with its Wilson interval; a gap where there were too few."""
    done, trials = (line.value(name) or 0.0 for name in ("success_count", "trial_count"))
    day = line.day("rate_date")
    if trials < minimum or done > trials:
        return Point(day, None, None, None)
    rate = wilson(done, trials)
    return Point(day, rate.value, rate.low, rate.high)


def _consists(story: Story) -> list[Table]:
    rows = tuple(
        cells(
            text(f"{_PART_SAID[part.words('part_kind')]} ", _what(part)),
            *(part.shown(f"rate_{when}", "share") for when in ("before", "after")),
            part.shown("share", "share"),
            part.shown("q_value", "plain"),
        )
        for part in story.parts[:_MOST_PARTS]
        if part.words("part_kind") in _PART_SAID
    )
    headings = ("Part", "Rate before", "Rate now", "Share of the change", "q")
    return [Table("What the change consists of", headings, rows, is_folded=True)] if rows else []


def _what(part: Line) -> Part:
    dimension, value = part.words("part_dimension"), part.words("part_value")
    if dimension and value:
        return text(Name(dimension.replace("_", " ")), " ", Name(value))
    return Name(value or dimension.replace("_", " "))


def _rules(story: Story) -> Table:
    rows = tuple(
        cells(
            line.name("rule"),
            line.shown("relative_change", "change"),
            line.shown("statistic", "plain"),
            line.shown("limit_value", "plain"),
        )
        for line in story.lines
    )
    headings = ("Rule", "Change", "Distance", "Needed")
    return Table("Rules that fire", headings, rows, is_folded=True)


def _more(reader: Reader, stories: Sequence[Story]) -> Card:
    rows = tuple(
        (
            one.line.name("metric_label"),
            _day(one.line, "alert_date"),
            one.line.shown("relative_change", "change"),
            one.line.name("sentence"),
        )
        for one in stories
    )
    headings = ("Rate", "Day", "Change", "What moved")
    return Card(
        key="alerts-more",
        question="What moved before that?",
        answer=f"{reader.numbers.count(len(stories))} more.",
        scope=_told(reader),
        tables=(Table("More alerts", headings, rows, text_columns=(3,)),),
        caveats=_english(reader),
        is_wide=True,
    )


def _nothing(reader: Reader) -> Card:
    return Card(
        key="alerts-none",
        question="Did a rate move more than chance?",
        answer="No alert is on record. `microconv watch` tests the last complete days; whether it "
        "ran is not on record where it had nothing to tell.",
        scope=_told(reader),
    )


def _tracking(reader: Reader) -> Card:
    """What broke as of the newest run that found something."""
    begin = reader.scope.begin.isoformat()
    rows = reader.lines(
        _ALERTS,
        _KEYS,
        _COLUMNS,
        {"metric_kind": "tracking"},
        order="as_of_date desc, is_ongoing desc, since_date desc",
        most=_MOST,
        also=f"alert_date >= date '{begin}'",
    )
    newest: date | None = rows[0].day("as_of_date") if rows else None
    found = [line for line in rows if line.day("as_of_date") == newest]
    answer: Part = "No problem of tracking is on record."
    if found:
        named: list[Part] = [line.name("metric_label") for line in found[:5]]
        count = reader.numbers.count(len(found))
        answer = text(
            f"{count} thing{'' if len(found) == 1 else 's'} broke, as of "
            f"{_day(found[0], 'as_of_date')}: ",
            listed(named),
            " and others." if len(found) > len(named) else ".",
        )
    points = tuple(
        text(
            line.name("sentence"), " ", line.name("annotations"), " Next: ", line.name("next_look")
        )
        for line in found
    )
    numbers = tuple(
        (
            line.name("metric_label"),
            _day(line, "since_date"),
            line.shown("counted_count", "count"),
            line.shown("expected_count", "count"),
        )
        for line in found
    )
    headings = ("What", "Since", "Counted", "Expected")
    return Card(
        key="tracking",
        question="Did tracking break?",
        answer=answer,
        scope=reader.told(
            segment="what is recorded is looked at for all", goal="every event is looked at"
        ),
        points=points,
        tables=(Table("What broke", headings, numbers),) if found else (),
        caveats=_english(reader) if found else (),
        rule="Behaviour does not fall to a tenth overnight; what `microconv watch` finds here says "
        "nothing about visitors.",
        is_wide=bool(found),
    )


def _told(reader: Reader) -> Text:
    why = "those of the segment are among them where `microconv watch --by` watches it"
    return reader.told(segment=why, goal="every rate is watched")


def _english(reader: Reader) -> tuple[Part, ...]:
    if reader.numbers.locale.language == "en":
        return ()
    return ("Numbers in these sentences are written as in English.",)


def _day(line: Line, column: str) -> str:
    return line.numbers.day(line.day(column))


def _text(reader: Reader, value: str) -> str:
    return literal(value, reader.warehouse.is_duckdb)
