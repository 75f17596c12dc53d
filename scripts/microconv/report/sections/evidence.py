"""The evidence as a forest plot, with its verdicts in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from microconv.correlate.show import short
from microconv.correlate.words import wording_from
from microconv.evidence.templates import HEADLINES, LIMITS, VERDICTS
from microconv.evidence.verdict import LEAST_Q, Verdict
from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import forest, row_of
from microconv.report.read import Line, Reader
from microconv.report.text import Datum, Name, Part, Text, fill, listed, text

_KEYS = ("macro_name", "micro_name")
_RATIOS = ("naive_lift", "matched_lift", "step_odds_ratio")
_COLUMNS = (
    *("micro_label", "evidence_rank", "verdict", "reasons", "caveats", "exposed_count"),
    *("is_in_session", "matched_treated_rate", "matched_control_rate", "step_q_value"),
    *("heterogeneity_q_value", "horizon_days"),
    *(f"{ratio}{end}" for ratio in _RATIOS for end in ("", "_low", "_high")),
)
_WITHOUT_LIFT = (Verdict.INSUFFICIENT, Verdict.POST_MACRO_ONLY, Verdict.GATE)
_STRONG = (Verdict.ROBUST, Verdict.PREDICTIVE)
_ANNOUNCES = (*_STRONG, Verdict.TENTATIVE)


def evidence_cards(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """All micro-conversions in one card, and one for those that differ between segments."""
    goal = {"macro_name": reader.scope.macro_name}
    lines = reader.lines("evidence_micro_conversions", _KEYS, _COLUMNS, goal, "evidence_rank")
    charts, drawn = _chart(reader, lines)
    caveats: list[Part] = [*old]
    if len(drawn) < len(lines):
        caveats.append(
            "What has no like-for-like number (too few, a step on the way, only afterwards, not "
            "on a page, segments that differ) is in the table and not in the drawing."
        )
    caveats.append(LIMITS[0])
    horizon = lines[0].shown("horizon_days", "count")
    card = Card(
        key="evidence",
        question=text("Which actions announce ", reader.scope.goal, "?"),
        answer=_answer(lines),
        scope=reader.told(
            segment="visitors of all segments are compared", since="the evidence takes them all"
        ),
        charts=charts,
        points=tuple(_points(reader, lines)),
        tables=(_table(lines),),
        caveats=tuple(caveats),
        rule=text(
            "The drawing: how many times as often they convert within ",
            horizon,
            " days as comparable visitors, with 95 % intervals; the dashed line is no "
            "difference. q is corrected for the number of comparisons.",
        ),
        is_wide=True,
    )
    return [card, *_segments(reader, lines)]


def _verdict(line: Line) -> Verdict:
    return Verdict(line.words("verdict"))


def _differs(line: Line) -> bool:
    q = line.value("heterogeneity_q_value")
    return q is not None and q < LEAST_Q


def _has_lift(line: Line) -> bool:
    return _verdict(line) not in _WITHOUT_LIFT and not _differs(line)


def _answer(lines: Sequence[Line]) -> Text:
    strong: list[Part] = [line.name("micro_label") for line in lines if _verdict(line) in _STRONG]
    doubtful: list[Part] = [
        line.name("micro_label") for line in lines if _verdict(line) is Verdict.TENTATIVE
    ]
    if strong:
        return text("More often than comparable visitors converted who did: ", listed(strong), ".")
    if doubtful:
        return text("Perhaps ", listed(doubtful), "; a check of the data failed, so take care.")
    return text("None is shown to announce it.")


def _chart(reader: Reader, lines: Sequence[Line]) -> tuple[tuple[Chart, ...], list[Line]]:
    ends = ("matched_lift", "matched_lift_low", "matched_lift_high")
    drawn = [
        line
        for line in lines
        if _has_lift(line) and line.has(*ends) and (line.value("matched_lift") or 0) > 0
    ]
    if not drawn:
        return (), []
    rows = [
        row_of(
            line,
            line.words("micro_label"),
            "matched_lift",
            "times",
            is_strong=_verdict(line) in _ANNOUNCES or _verdict(line) is Verdict.REVERSED,
        )
        for line in drawn
    ]
    said = "Times as often as comparable visitors: "
    said += "; ".join(f"{row.label} {row.number}" for row in rows)
    chart = forest(rows, "times", reader.numbers, f"{said}.", reference=1.0, is_log=True)
    return (chart,), drawn


def _points(reader: Reader, lines: Sequence[Line]) -> Iterator[Text]:
    """Each in words; those without a number of which the same is said together."""
    alike = groupby(
        lines, key=lambda line: (_verdict(line), line.words("reasons"), line.words("caveats"))
    )
    for (verdict, _, _), group in alike:
        if verdict in _WITHOUT_LIFT:
            yield _point(reader, *group)
        else:
            yield from (_point(reader, line) for line in group)


def _point(reader: Reader, line: Line, *others: Line) -> Text:
    """A micro-conversion in words (and others alike): verdict, headline, what it means, why."""
    scope, verdict = reader.scope, _verdict(line)
    words = wording_from(
        line.words("micro_label"),
        scope.macro_label,
        scope.macro_name,
        line.value("horizon_days") or 0,
    )
    fields: dict[str, Part] = {
        "did": Name(words.did),
        "verb": words.verb,
        "converted": Name(words.converted),
        "macro": Name(words.macro),
        "days": line.shown("horizon_days", "count"),
        "treated": line.shown("matched_treated_rate", "share"),
        "control": line.shown("matched_control_rate", "share"),
        "headline": line.interval("matched_lift", "times"),
        "naive": line.interval("naive_lift", "times"),
        "odds": line.interval("step_odds_ratio", "times"),
    }
    if not line.record["is_in_session"]:
        fields["headline"] = fields["odds"]
    names: list[Part] = [one.name("micro_label") for one in (line, *others)]
    said: list[Part] = [listed(names), f" ({short(verdict)}): "]
    templates = [VERDICTS[verdict]] if verdict in VERDICTS else []
    if _has_lift(line) and verdict is not Verdict.CAUSAL:
        first = "matched" if line.record["is_in_session"] else "off_session"
        shown = [HEADLINES[first]] if first == "off_session" or line.has("matched_lift") else []
        templates = [*shown, *templates]
    for template in templates:
        said += [fill(template, **fields), " "]
    why = [part for name in ("reasons", "caveats") for part in [line.words(name)] if part]
    if why:
        said.append(text("Why: ", Name("; ".join(why)), "."))
    return text(*said)


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("micro_label"),
            short(_verdict(line)),
            *(_ratio(line, name) for name in _RATIOS),
            _q(line),
            line.count("exposed_count"),
        )
        for line in lines
    )
    headings = (
        *("Action", "Verdict", "Usual comparison", "Like for like", "Next step", "q"),
        "Visitors who did it",
    )
    return Table("The evidence, action by action", headings, rows, text_columns=(1,))


def _ratio(line: Line, column: str) -> Part:
    if _verdict(line) in _WITHOUT_LIFT:
        return "–"
    # Where segments differ, one number for all would be read as if it were true for each.
    if _differs(line) and column != "naive_lift":
        return "by segment"
    return line.interval(column, "times")


def _q(line: Line) -> Part:
    q = line.value("step_q_value")
    if q is None or _verdict(line) in _WITHOUT_LIFT:
        return "–"
    small = line.numbers.decimal(0.001, 3)
    shown = f"<{small}" if q < 0.001 else line.numbers.decimal(q, 3)
    return Datum(shown, line.record["step_q_value"], line.mart, line.key, "step_q_value")


def _segments(reader: Reader, lines: Sequence[Line]) -> list[Card]:
    differing = {line.words("micro_name"): line for line in lines if _differs(line)}
    if not differing or not reader.has_evidence("evidence_segments"):
        return []
    ends = ("step_odds_ratio", "step_odds_ratio_low", "step_odds_ratio_high")
    found = [
        line
        for line in reader.lines(
            "evidence_segments",
            (*_KEYS, "segment_dimension", "segment_value"),
            (*ends, "heterogeneity_q_value"),
            {"macro_name": reader.scope.macro_name},
        )
        if line.words("micro_name") in differing
        and (line.value("heterogeneity_q_value") or 1.0) < LEAST_Q
        and line.has(*ends)
    ]
    rows = tuple(
        (
            differing[line.words("micro_name")].name("micro_label"),
            line.words("segment_dimension"),
            line.name("segment_value"),
            line.interval("step_odds_ratio", "times"),
        )
        for line in found
    )
    if not rows:
        return []
    named: list[Part] = [line.name("micro_label") for line in differing.values()]
    table = Table("Odds of the next step", ("Action", "By", "Segment", "Odds ratio"), rows)
    return [
        Card(
            key="evidence-segments",
            question="Where do segments differ?",
            answer=text("Read these segment by segment: ", listed(named), "."),
            scope=reader.told(
                segment="the card compares segments", since="the evidence takes them all"
            ),
            tables=(table,),
            is_wide=True,
        )
    ]
