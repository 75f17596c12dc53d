"""Prints what `correlate` found for people: ranked table, sentences, checks, joint view, limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.correlate.checks import Status
from microconv.correlate.family import Finding, MacroEvidence
from microconv.correlate.joint_view import JointView
from microconv.correlate.words import label_of, wording_of
from microconv.evidence.multiplicity import e_value
from microconv.evidence.quantities import UNDEFINED, Estimate
from microconv.evidence.templates import HEADINGS, JOINT, LIMITS
from microconv.evidence.verdict import LEAST_Q, Reason, Verdict
from microconv.evidence.wording import hidden_factor, multiple, sentences

_WITHOUT_LIFT = (Verdict.INSUFFICIENT, Verdict.POST_MACRO_ONLY, Verdict.GATE)
_WITH_A_DIRECTION = (
    Verdict.ROBUST,
    Verdict.PREDICTIVE,
    Verdict.TENTATIVE,
    Verdict.UNSTABLE,
    Verdict.REVERSED,
)
_PREDICTIVE = (Verdict.ROBUST, Verdict.PREDICTIVE, Verdict.TENTATIVE)
_SAYS_HIDDEN_FACTOR = {Reason.ABOVE_YARDSTICK, Reason.BELOW_YARDSTICK}
_SHORT = {Verdict.EXPLAINED: "explained", Verdict.POST_MACRO_ONLY: "only afterwards"}


def show(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> None:
    """Print everything about one macro."""
    _ranking(found, conversions)
    _sentences(found, conversions)
    _reliability(found.findings, conversions)
    _lags(found.findings, conversions)
    _segments(found.findings, conversions)
    _checks(found)
    if found.joint is not None:
        _joint(found.joint, found.findings, conversions)


def show_limits() -> None:
    """Print what no number here can say."""
    output.say(HEADINGS["limits"])
    for limit in LIMITS:
        output.say_sentence(f"- {limit}")
    output.say()


def _ranking(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> None:
    rows = []
    for one in found.findings:
        has_lift = one.judgement.verdict not in _WITHOUT_LIFT
        matched = one.measures.matched.lift if one.measures.matched else UNDEFINED
        rows.append(
            [
                label_of(one.micro_name, conversions),
                short(one.judgement.verdict),
                output.times(one.measures.naive.lift.value) if has_lift else "–",
                _ratio(one, matched),
                _ratio(one, one.measures.step.odds_ratio),
                _small(one.evidence.step_q) if has_lift else "–",
                output.count(one.evidence.exposed),
            ]
        )
    basis = found.basis
    title = HEADINGS["ranking"].format(
        macro=label_of(basis.macro_name, conversions),
        days=f"{basis.horizon_days:g}",
        as_of=basis.as_of_date,
    )
    headings = ["Micro-conversion", "Verdict", "Usual", "Like for like", "Next step", "q", "Did it"]
    output.print_table(title, headings, rows, left_columns=2)


def _ratio(one: Finding, ratio: Estimate) -> str:
    if one.judgement.verdict in _WITHOUT_LIFT:
        return "–"
    # Where segments differ, one number for all would be read as if it were true for each.
    return "by segment" if one.evidence.is_heterogeneous else multiple(ratio)


def short(verdict: Verdict) -> str:
    """A verdict as it fits into a column."""
    return _SHORT.get(verdict, str(verdict))


def _sentences(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> None:
    for one in found.findings:
        wording = wording_of(one.micro_name, found.basis, conversions)
        said = list(sentences(one.evidence, one.judgement, wording))
        reasons = {*one.judgement.reasons, *one.judgement.caveats}
        is_predictive = one.judgement.verdict in _PREDICTIVE
        if is_predictive and not reasons & _SAYS_HIDDEN_FACTOR:
            said.append(hidden_factor(one.evidence, wording))
        output.say_sentence(f"{label_of(one.micro_name, conversions)}: {' '.join(said)}")
        output.say()


def _reliability(findings: Sequence[Finding], conversions: Mapping[str, Conversion]) -> None:
    rows = []
    for one in findings:
        if one.judgement.verdict in (Verdict.INSUFFICIENT, Verdict.POST_MACRO_ONLY):
            continue
        found = one.measures.reliability
        rows.append(
            [
                label_of(one.micro_name, conversions),
                _interval(one.measures.precision),
                _interval(one.measures.recall),
                _number(found.auc if found else math.nan),
                _number(found.phi if found else math.nan),
                _number(found.information_value if found else math.nan),
                _number(e_value(one.evidence.headline).limit),
            ]
        )
    if not rows:
        return
    headings = ["Micro-conversion", "Precision", "Recall", "AUC", "phi", "IV", "E-value"]
    output.print_table(HEADINGS["reliability"], headings, rows)
    late = [one.measures.reliability for one in findings if one.measures.reliability]
    if late and late[0].is_late_only:
        output.say_sentence(HEADINGS["late_only"].format(share=output.percentage(late[0].coverage)))
        output.say()


def _lags(findings: Sequence[Finding], conversions: Mapping[str, Conversion]) -> None:
    rows = []
    for one in findings:
        profile = one.measures.lags
        if one.judgement.verdict not in _WITH_A_DIRECTION or profile is None:
            continue
        by_edge = {lag.from_days: multiple(lag.odds_ratio) for lag in profile.lags}
        cells = [by_edge.get(edge, "–") for edge in (0.0, 1.0, 3.0, 7.0)]
        rows.append([label_of(one.micro_name, conversions), *cells])
    if rows:
        headings = ["Done before", "Under 1 day", "1 to 3 days", "3 to 7 days", "Over 7 days"]
        output.print_table(HEADINGS["lags"], headings, rows)


def _segments(findings: Sequence[Finding], conversions: Mapping[str, Conversion]) -> None:
    rows = [
        [
            label_of(one.micro_name, conversions),
            segment.dimension,
            segment.name,
            multiple(segment.step.odds_ratio),
            _small(one.heterogeneity_q[segment.dimension]),
        ]
        for one in findings
        if one.judgement.verdict not in _WITHOUT_LIFT
        for segment in one.measures.segments
        if one.heterogeneity_q.get(segment.dimension, math.nan) < LEAST_Q
        and segment.step.odds_ratio.has_interval
    ]
    if rows:
        headings = ["Micro-conversion", "By", "Segment", "Next step", "q"]
        output.print_table(HEADINGS["segments"], headings, rows, left_columns=3)


def _checks(found: MacroEvidence) -> None:
    rows = [[check.name, str(check.status), check.sentence] for check in found.checks]
    output.print_table(HEADINGS["checks"], ["Check", "", "Found"], rows, left_columns=3)
    failed = [check.name for check in found.checks if check.status is Status.FAILED]
    if failed:
        output.say_sentence(HEADINGS["capped"].format(checks=", ".join(failed)))
        output.say()


def _joint(
    joint: JointView, findings: Sequence[Finding], conversions: Mapping[str, Conversion]
) -> None:
    # The model needs them, but nobody is without one who could be compared.
    gates = {one.micro_name for one in findings if one.judgement.verdict is Verdict.GATE}
    if joint.model is not None:
        rows = [
            [
                label_of(effect.name, conversions),
                "gate" if effect.name in gates else multiple(effect.odds_ratio),
                _small(effect.p_value),
                output.percentage(effect.shapley_share),
                "gate" if effect.name in gates else multiple(staged.odds_ratio),
                f"{effect.vif:.1f}" + (" !" if effect.is_collinear else ""),
            ]
            for effect, staged in zip(joint.model.effects, joint.staged, strict=True)
        ]
        headings = ["Micro-conversion", "Given all others", "p", "Share", "Given earlier stages"]
        output.print_table(HEADINGS["joint"], [*headings, "VIF"], rows)
        output.say_sentence(JOINT["purpose"])
        if any(effect.is_collinear for effect in joint.model.effects):
            output.say_sentence(JOINT["collinear"])
    else:
        output.say_sentence(JOINT["none"])
    for name, reason in sorted(joint.left_out.items()):
        label = label_of(name, conversions)
        output.say_sentence(JOINT["left_out"].format(label=label, reason=reason))
    output.say()


def _interval(estimate: Estimate) -> str:
    return output.interval(estimate.value, estimate.low, estimate.high)


def _small(p: float) -> str:
    return "–" if math.isnan(p) else "<0.0001" if p < 0.0001 else f"{p:.2g}"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.2f}"
