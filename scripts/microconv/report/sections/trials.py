"""Randomised experiments: what each showed, and what past ones say of micro-conversions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from microconv.experiments.judge import Outcome
from microconv.experiments.words import MULTIPLE, NOTHING, RANDOMISED, SAME_VISITORS
from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import english_words
from microconv.report.text import Datum, Part, Text, listed, text

TABLE, _PAST, _MART = "evidence_experiments", "evidence_proxy_validations", "mart_experiments"
_KEYS = ("macro_name", "experiment_name", "variant_name", "conversion_name")
_ENDS = ("", "_low", "_high")
_COLUMNS = (
    *("control_name", "conversion_label", "conversion_type", "outcome", "sentence", "is_running"),
    *("first_exposure_date", "last_exposure_date", "followed_count", "control_followed_count"),
    *("immature_count", "switched_count", "q_value", "sample_ratio_p_value", "horizon_days"),
    *("guardrail_largest_drop", "guardrail_allows", "converted_count", "control_converted_count"),
    *(
        f"{name}{end}"
        for name in ("conversion_rate", "control_conversion_rate", "lift", "guardrail_ratio")
        for end in _ENDS
    ),
)
_LIFT = tuple(f"lift{end}" for end in _ENDS)
_PAST_KEYS = ("macro_name", "micro_name")
_PAST_COLUMNS = (
    *("micro_label", "validity", "sentence", "experiment_count"),
    *(f"{name}{end}" for name in ("same_sign_share", "true_correlation") for end in _ENDS),
)
_CLEAR = (Outcome.HIGHER, Outcome.LOWER)
_SHOWN = 5


def trial_cards(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """A card for each variant against its control, the newest experiments first."""
    lines = reader.lines(
        TABLE,
        _KEYS,
        _COLUMNS,
        {"macro_name": reader.scope.macro_name},
        order="last_exposure_date desc",
        also=f"last_exposure_date >= date '{reader.scope.begin.isoformat()}'",
    )
    of_one = [list(group) for _, group in groupby(sorted(lines, key=_whose), key=_whose)]
    cards = [_card(reader, place, one, old) for place, one in enumerate(of_one[:_SHOWN], start=1)]
    if len(of_one) > _SHOWN:
        cards.append(_more(reader, of_one[_SHOWN:]))
    return cards


def no_trial_card(reader: Reader) -> Card:
    """Why there is no experiment to show."""
    [seen] = reader.tallies(_MART, (), ("count(distinct experiment_name)",))
    count = seen.count("count(distinct experiment_name)")
    answer: Part = NOTHING
    if seen.value("count(distinct experiment_name)"):
        answer = text(
            "Of ",
            count,
            " experiments on record none is judged for these days. `microconv experiments` does, "
            "after it has tested the sizes of their arms.",
        )
    return Card(
        key="experiments-none",
        question="What did experiments show?",
        answer=answer,
        scope=_told(reader),
    )


def past_card(reader: Reader) -> list[Card]:
    """Did lifts of micro-conversions become lifts of the goal?"""
    lines = reader.lines(_PAST, _PAST_KEYS, _PAST_COLUMNS, {"macro_name": reader.scope.macro_name})
    read = [line for line in lines if line.has("same_sign_share")]
    if not lines:
        return []
    rows = tuple(
        (
            line.name("micro_label"),
            line.count("experiment_count"),
            line.interval("same_sign_share"),
            line.interval("true_correlation", "plain")
            if line.has("true_correlation")
            else "cannot be told",
            line.name("validity"),
        )
        for line in read
    )
    headings = ("Action", "Experiments", "Same direction [95 %]", "True correlation", "Verdict")
    valid: list[Part] = [line.name("sentence") for line in read]
    return [
        Card(
            key="past-experiments",
            question=text("Did lifts of actions become lifts of ", reader.scope.goal, "?"),
            answer=text(lines[0].name("sentence"))
            if not read
            else "What past experiments say of each action stands below.",
            scope=_told(reader, since="one answer takes all experiments there were"),
            points=tuple(valid),
            tables=(Table("Past experiments", headings, rows, text_columns=(4,)),) if rows else (),
            caveats=(SAME_VISITORS,) if read else (),
            is_wide=bool(read),
        )
    ]


def _whose(line: Line) -> tuple[float, str, str]:
    newest = -line.day("last_exposure_date").toordinal()
    return newest, line.words("experiment_name"), line.words("variant_name")


def _is_micro(line: Line) -> bool:
    return line.words("conversion_type") != "macro"


def _card(reader: Reader, place: int, lines: Sequence[Line], old: tuple[Part, ...]) -> Card:
    # The goal first, then what is clear of chance.
    lines = sorted(lines, key=lambda line: (_is_micro(line), line.words("outcome") not in _CLEAR))
    goal = lines[0]
    days = [goal.numbers.day(goal.day(f"{end}_exposure_date")) for end in ("first", "last")]
    has_lift = goal.has(*_LIFT)
    return Card(
        key=f"experiment-{place}",
        question=_question(goal),
        answer=goal.name("sentence"),
        headline=text(goal.interval("lift", "times"), " of ", goal.name("conversion_label"))
        if has_lift
        else "",
        status=goal.words("outcome"),
        base=text(
            "Base: ",
            goal.count("followed_count"),
            " and ",
            goal.count("control_followed_count"),
            " visitors followed for ",
            goal.count("horizon_days"),
            f" days; {days[0]} to {days[1]}",
        ),
        scope=_told(reader),
        charts=_chart(reader, lines),
        tables=(_table(lines),) if any(line.has("conversion_rate") for line in lines) else (),
        points=(*_clear(lines), *_points(goal)),
        caveats=(*old, *_caveats(reader, goal)),
        rule=f"{RANDOMISED} {MULTIPLE}" if has_lift else "",
        is_wide=True,
    )


def _question(goal: Line) -> Text:
    arms = text(goal.name("variant_name"), " against ", goal.name("control_name"))
    return text("What did ", goal.name("experiment_name"), " show: ", arms, "?")


def _clear(lines: Sequence[Line]) -> list[Part]:
    """Which actions differ between the variants."""
    said: list[Part] = []
    for outcome, more in ((Outcome.HIGHER, "More"), (Outcome.LOWER, "Less")):
        found: list[Part] = [
            line.name("conversion_label")
            for line in lines
            if _is_micro(line) and line.words("outcome") == outcome
        ]
        if found:
            said.append(text(f"{more} frequent, and clear of chance: ", listed(found), "."))
    return said


def _points(goal: Line) -> list[Part]:
    """The sizes of the arms, and the guardrail."""
    said: list[Part] = []
    if goal.has("sample_ratio_p_value"):
        said.append(text("Sizes of the arms against the planned ones: p = ", _p(goal), "."))
    if goal.has("guardrail_ratio"):
        allows = "is excluded" if goal.record["guardrail_allows"] else "is not excluded"
        said.append(
            text(
                "Guardrail: a drop of ",
                goal.shown("guardrail_largest_drop", "share"),
                f" {allows}; the ratio is ",
                goal.shown("guardrail_ratio", "times"),
                " with an 80 % interval from ",
                goal.shown("guardrail_ratio_low", "times"),
                " to ",
                goal.shown("guardrail_ratio_high", "times"),
                ".",
            )
        )
    return said


def _p(line: Line) -> Part:
    value = line.value("sample_ratio_p_value")
    if value is not None and value < 0.001:
        shown = f"<{line.numbers.decimal(0.001, 3)}"
        return Datum(shown, value, line.mart, line.key, "sample_ratio_p_value")
    return line.shown("sample_ratio_p_value", "plain")


def _caveats(reader: Reader, goal: Line) -> list[Part]:
    said: list[Part] = []
    if goal.value("immature_count"):
        said.append(text(goal.count("immature_count"), " of the variant are not followed so long."))
    if goal.value("switched_count"):
        said.append(
            text(goal.count("switched_count"), " saw two variants and are compared with nobody.")
        )
    return [*said, *english_words(reader)]


def _chart(reader: Reader, lines: Sequence[Line]) -> tuple[Chart, ...]:
    rows = [
        row_of(
            line,
            line.words("conversion_label"),
            "lift",
            "times",
            is_strong=line.words("outcome") in _CLEAR,
        )
        for line in lines
        if line.has(*_LIFT) and (line.value("lift") or 0) > 0
    ]
    if not rows:
        return ()
    said = "Times as often with the variant: "
    said += "; ".join(f"{row.label} {row.number}" for row in rows)
    return (forest(rows, "times", reader.numbers, f"{said}.", reference=1.0, is_log=True),)


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("conversion_label"),
            _rate(line, "control_conversion_rate"),
            _rate(line, "conversion_rate"),
            line.interval("lift", "times") if line.has("lift") else "–",
            line.shown("q_value", "plain"),
            line.words("outcome"),
        )
        for line in lines
    )
    headings = ("What was measured", "Control [95 %]", "Variant [95 %]", "Ratio", "q", "Outcome")
    return Table("Variant against control", headings, rows, is_folded=True, text_columns=(5,))


def _rate(line: Line, column: str) -> Part:
    return line.interval(column) if line.has(column) else "too few"


def _more(reader: Reader, others: Sequence[Sequence[Line]]) -> Card:
    goals = [min(one, key=_is_micro) for one in others]
    rows = tuple(
        (line.name("experiment_name"), line.words("outcome"), line.name("sentence"))
        for line in goals
    )
    headings = ("Experiment", "Outcome", "What it showed")
    return Card(
        key="experiments-more",
        question="What did earlier experiments show?",
        answer=f"{reader.numbers.count(len(goals))} more.",
        scope=_told(reader),
        tables=(Table("Earlier experiments", headings, rows, text_columns=(1, 2)),),
        is_wide=True,
    )


def _told(reader: Reader, since: str = "") -> Text:
    return reader.told(segment="chance divided all visitors, not a segment", since=since)
