"""What new visitors did later: by first week, and by what they did early on."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.cohorts.compare import Outcome, Standing
from microconv.cohorts.words import LIMITS
from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import Point, forest, row_of, trend
from microconv.report.read import Line, Reader
from microconv.report.sections.noted import Noted, between, marks, with_caption
from microconv.report.sections.origin import english_words
from microconv.report.text import Part, Text, listed, spaced, text

TABLE, _WEEKS = "evidence_cohorts", "mart_cohorts"
_KEYS = ("macro_name", "behaviour_name", "outcome")
_ENDS = ("", "_low", "_high")
_LIFT = tuple(f"standardised_lift{end}" for end in _ENDS)
_COLUMNS = (
    *("behaviour_label", "standing", "with_visitor_count", "without_visitor_count", "sentence"),
    *("cohort_week_count", "horizon_days", "standardised_q_value", *_LIFT),
    *(f"{rate}{end}" for rate in ("with_rate", "without_rate") for end in _ENDS),
)
_WEEK_KEYS = ("macro_name", "cohort_week", "behaviour_name", "behaviour_group", "age_days")
_WEEK_COLUMNS = (
    *("is_complete", "complete_date", "visitor_count", "converted_count", "early_visitor_count"),
    *(f"{rate}{end}" for rate in ("conversion_rate", "retention_rate") for end in _ENDS),
)
_CLEAR = (Standing.HIGHER, Standing.LOWER)
_QUESTIONS = {
    Outcome.CONVERSION: "Who did what early on and got to it later?",
    Outcome.RETURN: "Who did what early on and was seen again?",
}
_DID = {Outcome.CONVERSION: "got there", Outcome.RETURN: "were seen again"}
_LEAST_POINTS = 2


def cohort_cards(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """A card for each outcome."""
    lines = reader.lines(
        TABLE, _KEYS, _COLUMNS, {"macro_name": reader.scope.macro_name}, "behaviour_name"
    )
    found = []
    for outcome in Outcome:
        of_it = [line for line in lines if line.words("outcome") == outcome]
        if of_it:
            found.append(_card(reader, outcome, of_it, old))
    return found


def _card(reader: Reader, outcome: Outcome, lines: Sequence[Line], old: tuple[Part, ...]) -> Card:
    known = [line for line in lines if line.has(*_LIFT) and (line.value(_LIFT[0]) or 0) > 0]
    rows = [
        row_of(
            line,
            line.words("behaviour_label"),
            "standardised_lift",
            "times",
            is_strong=line.words("standing") in _CLEAR,
        )
        for line in known
    ]
    said = "Times as often as visitors alike without it: "
    said += "; ".join(f"{row.label} {row.number}" for row in rows)
    charts: tuple[Chart, ...] = ()
    if rows:
        charts = (forest(rows, "times", reader.numbers, f"{said}.", reference=1.0, is_log=True),)
    caveats: list[Part] = [*old, *english_words(reader), *LIMITS[:1]]
    return Card(
        key=f"cohorts-{outcome}",
        question=_QUESTIONS[outcome],
        answer=_answer(lines, known),
        scope=reader.told(
            segment="device and channel are held equal in the comparison",
            since="first weeks that were followed are taken together",
        ),
        charts=charts,
        points=tuple(line.name("sentence") for line in lines if line.words("standing") in _CLEAR),
        tables=(_table(lines),),
        caveats=tuple(caveats),
        rule=text(
            "New visitors only, by what they did up to the landmark; who had ",
            reader.scope.goal,
            " by then is left out. The drawing compares the same first week, device and channel; "
            "q is corrected for the number of comparisons.",
        ),
        is_wide=True,
    )


def _answer(lines: Sequence[Line], known: Sequence[Line]) -> Text:
    if not known:
        return text("Too few were followed long enough to compare anybody.")
    did = _DID[Outcome(lines[0].words("outcome"))]
    parts: list[Part] = []
    for standing, said in ((Standing.HIGHER, "More"), (Standing.LOWER, "Less")):
        found: list[Part] = [
            line.name("behaviour_label") for line in lines if line.words("standing") == standing
        ]
        if found:
            often = f"{said} often than visitors alike {did} who had early on: "
            parts.append(text(often, listed(found), "."))
    if not parts:
        return text("No early action stands out from chance among visitors alike.")
    return spaced(parts)


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("behaviour_label"),
            line.count("with_visitor_count"),
            line.interval("with_rate") if line.has("with_rate") else "too few",
            line.count("without_visitor_count"),
            line.interval("without_rate") if line.has("without_rate") else "too few",
            line.interval("standardised_lift", "times") if line.has(_LIFT[0]) else "–",
            line.shown("standardised_q_value", "plain"),
            line.words("standing"),
        )
        for line in lines
    )
    headings = (
        *("Early action", "With it", "Share [95 %]", "Without it", "Share [95 %]"),
        *("Like for like", "q", "Standing"),
    )
    return Table("By what they did early on", headings, rows, is_folded=True, text_columns=(7,))


def week_card(reader: Reader, noted: Sequence[Noted]) -> list[Card]:
    """New visitors by first week: do those of late do as well as those before?"""
    horizon = reader.lines(
        "mart_evidence_checks",
        ("macro_name",),
        ("horizon_days",),
        {"macro_name": reader.scope.macro_name},
        most=1,
    )
    if not horizon:
        return []
    lines = reader.lines(
        _WEEKS,
        _WEEK_KEYS,
        _WEEK_COLUMNS,
        {
            "macro_name": reader.scope.macro_name,
            "behaviour_name": "(all)",
            "behaviour_group": "all",
            "age_days": int(horizon[0].value("horizon_days") or 0),
        },
        order="cohort_week",
        also=f"cohort_week >= date '{reader.scope.begin.isoformat()}'",
    )
    known = [line for line in lines if line.has("conversion_rate")]
    charts: tuple[Chart, ...] = ()
    if len(known) >= _LEAST_POINTS:
        charts = (_trend(reader, known, noted),)
    waiting = sum(not line.record["is_complete"] for line in lines)
    days = horizon[0].shown("horizon_days", "count")
    last = known[-1] if known else None
    return [
        Card(
            key="cohort-weeks",
            question=text("Do newer visitors get to ", reader.scope.goal, " as often?"),
            answer=_week_answer(last, known),
            headline=last.interval("conversion_rate") if last else "",
            base=text("Base: ", last.count("visitor_count"), " new visitors of that week")
            if last
            else "",
            scope=reader.told(segment="first weeks are not divided by segments"),
            charts=charts,
            tables=(_week_table(reader, lines),) if lines else (),
            caveats=(f"{reader.numbers.count(waiting)} newer weeks are not followed so long yet.",)
            if waiting
            else (),
            rule=text(
                "Within ",
                days,
                " days after the landmark, the same time for every week. A week stands out where "
                "its interval lies outside all those before.",
            ),
        )
    ]


def _week_answer(last: Line | None, known: Sequence[Line]) -> Text:
    if last is None:
        return text("No first week was followed long enough yet.")
    week = last.numbers.day(last.day("cohort_week"))
    if len(known) < _LEAST_POINTS:
        return text(f"One week only was followed so long, that from {week}.")
    before = known[:-1]
    lows = [line.value("conversion_rate_low") or 0.0 for line in before]
    highs = [line.value("conversion_rate_high") or 1.0 for line in before]
    low, high = (last.value(f"conversion_rate_{end}") or 0.0 for end in ("low", "high"))
    if high < min(lows):
        return text(f"Less often than in every week before: those from {week}.")
    if low > max(highs):
        return text(f"More often than in every week before: those from {week}.")
    return text(f"The newest week that was followed, from {week}, does not stand out.")


def _trend(reader: Reader, known: Sequence[Line], noted: Sequence[Noted]) -> Chart:
    points = [
        Point(
            line.day("cohort_week"),
            *(line.value(f"conversion_rate{end}") for end in _ENDS),
        )
        for line in known
    ]
    shown = between(noted, points[0].day, points[-1].day)
    first, last = (line.interval("conversion_rate").plain for line in (known[0], known[-1]))
    said = f"By first week, from {first} to {last}."
    return with_caption(trend(points, "share", None, reader.numbers, said, marks(shown)), shown)


def _week_table(reader: Reader, lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            reader.numbers.day(line.day("cohort_week")),
            line.count("visitor_count"),
            line.count("early_visitor_count"),
            *(
                line.interval(rate)
                if line.has(rate)
                else "too few"
                if line.record["is_complete"]
                else f"complete on {reader.numbers.day(line.day('complete_date'))}"
                for rate in ("conversion_rate", "retention_rate")
            ),
        )
        for line in lines
    )
    headings = ("First week from", "New visitors", "Had it before", "Got there", "Seen again")
    return Table("By first week", headings, rows, is_folded=True)
