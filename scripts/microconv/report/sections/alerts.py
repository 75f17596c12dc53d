"""What `watch` found: rates that moved more than chance with their diagnosis, and what broke.

The words are those that `watch` wrote into the marts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from microconv.evidence.proportions import wilson
from microconv.report.cards import Card, Chart, Table, cells
from microconv.report.charts import Point, trend
from microconv.report.read import Line, Reader
from microconv.report.sections.noted import Noted, between, marks, with_caption
from microconv.report.sections.origin import english_words
from microconv.report.sections.stories import METRIC, Story, newest_run, read_stories
from microconv.report.sections.tracking import day_of, next_look, tracking_card, watched_until
from microconv.report.text import Name, Part, Text, listed, plain, spaced, text

_RATES = "mart_tracked_rates"
_RATE_KEYS = ("rate_date", "metric_name", *METRIC)
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
_CARDS = 6
_BRIEF = 2
_MOST_PARTS = 24
_WEEKS_BEFORE = 6


def alert_cards(reader: Reader, noted: Sequence[Noted]) -> list[Card]:
    """Tracking first, then a card for each story; the newest and those that go on come first."""
    told, run = read_stories(reader), newest_run(reader)
    return [
        tracking_card(reader, run),
        *([] if told else [_nothing(reader, run)]),
        *(_card(reader, place, one, noted) for place, one in enumerate(told[:_CARDS], start=1)),
        *([_more(reader, told[_CARDS:])] if len(told) > _CARDS else []),
    ]


def brief(cards: Sequence[Card]) -> Part:
    """What broke and what moved, or what of both was looked at."""
    told = [card for card in cards if card.points or card.key.startswith("alert-")]
    return spaced([card.answer for card in (told or cards)[:_BRIEF]])


def _card(reader: Reader, place: int, story: Story, noted: Sequence[Noted]) -> Card:
    line = story.line
    points: list[Part] = [line.name(name) for name in ("diagnosis", "annotations")]
    if story.others:
        also: list[Part] = [_moved(one) for one in story.others]
        points.append(text("The same segment also stands out in: ", listed(also), "."))
    points.append(next_look(line))
    # Rules may begin to fire on different days; it began with the first of them.
    since = min(one.day("since_date") for one in story.lines)
    days = reader.numbers.day(since), day_of(line, "alert_date")
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
        caveats=english_words(reader),
        rule="Rules of `microconv watch`: a change that matters and one that chance does not "
        "bring. Usual are the same weekdays of the four weeks before.",
        is_wide=True,
    )


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
        {"metric_name": line.words("metric_name"), **{one: line.record[one] for one in METRIC}},
        order="rate_date",
        also=f"is_mature and rate_date between date '{begin.isoformat()}'"
        f" and date '{line.day('alert_date').isoformat()}'",
    )
    if len(days) < 2:
        return (), ()
    points = [_point(one, reader.scope.minimum) for one in days]
    if not any(point.value is not None for point in points):
        return (), ()
    known = between(noted, begin, line.day("alert_date"))
    said = text(
        line.name("metric_label"), f": day by day up to {day_of(line, 'alert_date')}."
    ).plain
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
            day_of(one.line, "alert_date"),
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
        caveats=english_words(reader),
        is_wide=True,
    )


def _nothing(reader: Reader, run: Line | None) -> Card:
    """That nothing was found, or that nobody looked."""
    return Card(
        key="alerts-none",
        question="Did a rate move more than chance?",
        answer=_why_nothing(run),
        base=watched_until(run),
        scope=_told(reader),
        caveats=(
            "Rates that could not be tested may have moved, and so may any by less than can be "
            "seen.",
        )
        if run is not None
        else (),
    )


def _why_nothing(run: Line | None) -> Part:
    """What it means that there is no alert: it depends on what could be looked at."""
    if run is None:
        return (
            "No alert is on record, and no run: nobody looked. `microconv watch` tests the last "
            "complete days."
        )
    if run.record["rates_watched_count"] == 0:
        return text(
            "Whether a rate moved is not known: none of ",
            run.count("rates_not_watched_count"),
            " could be tested yet.",
        )
    if run.record["alert_count"] == 0:
        return text(
            "None of ",
            run.count("rates_watched_count"),
            " rates moved more than chance in the last ",
            run.count("since_days"),
            " complete days.",
        )
    return "No alert is on record for what was asked."


def _told(reader: Reader) -> Text:
    why = "those of the segment are among them where `microconv watch --by` watches it"
    return reader.told(segment=why, goal="every rate is watched")
