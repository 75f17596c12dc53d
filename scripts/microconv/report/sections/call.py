"""Who to call: the highest scores, and who has stalled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from microconv.report.cards import Bar, Card, Section, Table, cells
from microconv.report.read import Line, Reader
from microconv.report.sections.calibration import calibration_card
from microconv.report.sections.stages import STAGES
from microconv.report.text import Name, Part, Value, text

_SCORE = (
    *("lead_score", "probability", "probability_low", "probability_high", "funnel_stage"),
    *("last_activity_at", "top_reasons", "macro_conversion_count", "has_consent"),
)
_MOST = 10
_OPEN = "macro_conversion_count = 0 and lead_score > 0"


def call(reader: Reader) -> Section:
    """Visitors with consent only; the rest is counted."""
    scores, stalled = _scores(reader), _stalled(reader)
    cards = (scores, *calibration_card(reader), *stalled)
    brief = stalled[0].answer if stalled else scores.answer
    lead = (
        "Only visitors who gave consent are listed. The page holds their identifiers, so pass it "
        "on with care."
    )
    return Section("call", "Who to call", lead, cards, brief)


def _scores(reader: Reader) -> Card:
    among = reader.scope.first_visit
    lines = reader.lines(
        "mart_lead_scores",
        ("visitor_id",),
        _SCORE,
        {"has_consent": True},
        order="lead_score desc",
        most=_MOST,
        also=_OPEN,
        among=among,
    )
    goalless: dict[str, Value] = {"macro_conversion_count": 0}
    [everybody] = reader.tallies("mart_lead_scores", (), where=goalless, among=among)
    [allowed] = reader.tallies(
        "mart_lead_scores", (), where={**goalless, "has_consent": True}, among=among
    )
    stages = reader.tallies("mart_visitor_stages", ("visitor_stage",), among=among)
    caveats: list[Part] = []
    if not any(line.has("probability") for line in lines):
        caveats.append(
            "Points rank visitors and are no probability. `microconv score` tests whether they "
            "can be learned from what visitors did later."
        )
    return Card(
        key="scores",
        question="Who is closest to a goal and has not reached it?",
        answer=text(
            f"The {len(lines)} highest scores stand below. "
            if lines
            else "Nobody with consent has a score. "
        ),
        base=text(
            "Base: ",
            allowed.count("count(*)"),
            " visitors with consent and without a goal, of ",
            everybody.count("count(*)"),
            " with or without consent",
        ),
        scope=reader.told_of_visitors(
            since="scores are as of the end of the last",
            goal="points are for whatever comes before one",
        ),
        tables=(*((_table(lines),) if lines else ()), _stages(stages)),
        caveats=tuple(caveats),
        rule="Points of the catalog, halved with time and capped per action, at the end of the "
        "last loaded day.",
        is_wide=True,
    )


def _table(lines: Sequence[Line]) -> Table:
    has_probability = any(line.has("probability") for line in lines)
    rows = tuple(
        cells(
            line.name("visitor_id"),
            line.shown("lead_score", "plain"),
            *([line.interval("probability")] if has_probability else []),
            line.name("funnel_stage"),
            _day(line),
            line.name("top_reasons"),
        )
        for line in lines
    )
    headings = ("Visitor", "Score", *(["Probability [95 %]"] if has_probability else []))
    headings += ("Stage", "Last seen (UTC)", "Most points from")
    last = len(headings) - 1
    return Table("The highest scores", headings, rows, text_columns=(last - 2, last - 1, last))


def _day(line: Line) -> str:
    seen = line.record["last_activity_at"]
    return line.numbers.day(seen.date()) if isinstance(seen, datetime) else "–"


def _stages(stages: Sequence[Line]) -> Table:
    found = {line.words("visitor_stage"): line for line in stages}
    rows = tuple(
        (said, found[name].count("count(*)")) for name, said in STAGES.items() if name in found
    )
    return Table("All visitors, by what they did lately", ("Stage", "Visitors"), rows)


def _stalled(reader: Reader) -> list[Card]:
    by = ("moment", "label")
    among = reader.scope.first_visit
    everybody = reader.tallies("mart_stalled_visitors", by, where={"is_listed": True}, among=among)
    allowed = {
        line.words("moment"): line
        for line in reader.tallies(
            "mart_stalled_visitors",
            by,
            where={"is_listed": True, "has_ads_consent": True},
            among=among,
        )
    }
    if not everybody:
        return []
    most = max(line.value("count(*)") or 0 for line in everybody) or 1
    bars = tuple(
        Bar(
            line.name("label"),
            (line.value("count(*)") or 0) / most,
            line.count("count(*)"),
            text(
                allowed[line.words("moment")].count("count(*)")
                if line.words("moment") in allowed
                else "0",
                " allow analytics and ads; `microconv audience --moment ",
                Name(line.words("moment")),
                "`",
            ),
        )
        for line in everybody
    )
    first = max(everybody, key=lambda line: line.value("count(*)") or 0)
    return [
        Card(
            key="stalled",
            question="Who has stalled?",
            answer=text(
                "Most stalled here: ",
                first.name("label"),
                ", ",
                first.count("count(*)"),
                " visitors.",
            ),
            scope=reader.told_of_visitors(
                since="who has stalled is seen from the end of the last",
                goal="moments are listed in audience_moments",
            ),
            bars=bars,
            caveats=("A visitor may have stalled at several moments, so they do not add up.",),
            rule="Began the moment, did nothing since that ends it, and the moment's time is up "
            "(audience_moments.csv).",
        )
    ]
