"""All micro-conversions of one macro judged together: corrected for their number, against one
yardstick, under the same checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from microconv.aggregates.read import Aggregates
from microconv.aggregates.types import ALL, Basis, Conversion, DecisionPoints, Reach
from microconv.correlate.checks import Check, checks_of, failed_for
from microconv.correlate.joint_view import JointView, joint_view
from microconv.correlate.measures import Measures, measure
from microconv.evidence.matched import holds_out_of_time, is_bot_sensitive
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.outage import NO_OUTAGE, Outage
from microconv.evidence.quantities import ratio
from microconv.evidence.segments import strongest_factor
from microconv.evidence.stratified import Tables
from microconv.evidence.verdict import (
    LEAST_GATE_RECALL,
    LEAST_Q,
    Evidence,
    Judgement,
    Verdict,
    judge,
)

_BEST_FIRST = (
    Verdict.CAUSAL,
    Verdict.ROBUST,
    Verdict.PREDICTIVE,
    Verdict.TENTATIVE,
    Verdict.UNSTABLE,
    Verdict.REVERSED,
    Verdict.EXPLAINED,
    Verdict.NO_EVIDENCE,
    Verdict.GATE,
    Verdict.POST_MACRO_ONLY,
    Verdict.INSUFFICIENT,
)


@dataclass(frozen=True)
class Finding:
    """One micro-conversion and what may be said of it.

    Args:
        measures: Its numbers.
        evidence: What the verdict rests on.
        judgement: The verdict with its reasons.
        heterogeneity_q: Per dimension, of "means the same in every segment".
    """

    measures: Measures
    evidence: Evidence
    judgement: Judgement
    heterogeneity_q: Mapping[str, float]

    @property
    def micro_name(self) -> str:
        """The micro-conversion."""
        return self.measures.reach.micro_name


@dataclass(frozen=True)
class MacroEvidence:
    """What is known about one macro.

    Args:
        basis: What the run rests on.
        findings: Micro-conversions, the best verdict first, in it the largest lower limit.
        placebos: Made-up events that happen at random.
        checks: What was checked of data and design.
        yardstick: The measured factor that goes with the macro most strongly; None without one.
        joint: All micro-conversions in one model; None where it cannot be fitted.
    """

    basis: Basis
    findings: tuple[Finding, ...]
    placebos: tuple[Measures, ...]
    checks: tuple[Check, ...]
    yardstick: tuple[str, float] | None
    joint: JointView | None


def read_macro(
    aggregates: Aggregates,
    basis: Basis,
    conversions: Mapping[str, Conversion],
    progress: Callable[[str], None] = lambda name: None,
    has_joint: bool = True,
) -> MacroEvidence:
    """Read the aggregates of one macro and judge every micro-conversion.

    Args:
        has_joint: Fit the joint model too, which takes longest.
        progress: Told the name of each micro-conversion before its numbers are worked out.
    """
    rows = {row.micro_name: row for row in aggregates.reach(basis.macro_name)}
    outages = aggregates.outages(basis.as_of_date)
    measured, yardstick = _measure_all(aggregates, rows, outages, progress)
    micros = [one for one in measured if not one.reach.is_placebo]
    placebos = tuple(one for one in measured if one.reach.is_placebo)
    joint = None
    if has_joint:
        progress("the joint model")
        joint = joint_view(aggregates, basis.macro_name, micros, conversions)
    return assemble(basis, micros, placebos, yardstick, joint)


def assemble(
    basis: Basis,
    micros: Sequence[Measures],
    placebos: Sequence[Measures],
    yardstick: tuple[str, float] | None,
    joint: JointView | None,
) -> MacroEvidence:
    """Judge measured micro-conversions as one family."""
    step_q = _step_q_values(micros)
    heterogeneity = _heterogeneity_q_values(micros)
    checks = checks_of(basis, micros, placebos)
    findings = []
    for place, one in enumerate(micros):
        evidence = _evidence(
            one, step_q[place], heterogeneity[place], failed_for(checks, one), yardstick
        )
        findings.append(Finding(one, evidence, judge(evidence), heterogeneity[place]))
    findings.sort(key=_rank)
    return MacroEvidence(basis, tuple(findings), tuple(placebos), checks, yardstick, joint)


def _measure_all(
    aggregates: Aggregates,
    rows: Mapping[str, Reach],
    outages: Mapping[str, Outage],
    progress: Callable[[str], None],
) -> tuple[list[Measures], tuple[str, float] | None]:
    if not rows:
        return [], None
    macro = next(iter(rows.values())).macro_name
    bits = [row.evidence_bit for row in rows.values() if row.evidence_bit is not None]
    landmarks = aggregates.landmarks(macro, bits)
    measured: dict[str, Measures] = {}

    def measure_one(points: DecisionPoints) -> None:
        name = points.micro_name
        row, outage = rows[name], outages.get(name, NO_OUTAGE)
        place = -1 if row.evidence_bit is None else bits.index(row.evidence_bit)
        measured[name] = measure(points, row, landmarks, place, outage)

    points = None
    for points in aggregates.decision_points(macro):
        if points.micro_name == ALL:
            everything = points
        elif points.micro_name in rows:
            progress(points.micro_name)
            measure_one(points)
    if points is None:
        return [], None
    for name in sorted(rows.keys() - measured.keys()):
        # Done at no decision point, so it is not done yet at all of them.
        measure_one(replace(everything, micro_name=name))
    return list(measured.values()), yardstick_of(everything)


def yardstick_of(points: DecisionPoints) -> tuple[str, float] | None:
    """The segment variable that goes with the macro most strongly, adjusted for all the others."""
    people, strata = points.where(~points.is_bot), points.strata
    factors = {}
    for dimension in strata.dimensions:
        codes, rest = strata.factor(dimension), strata.without(dimension)
        for code, value in enumerate(strata.labels[dimension]):
            factors[f"{dimension} {value}"] = Tables.from_rows(
                rest[people.stratum],
                codes[people.stratum] == code,
                people.steps,
                people.next_converted,
            )
    return strongest_factor(factors)


def _step_q_values(micros: Sequence[Measures]) -> list[float]:
    """Benjamini-Hochberg over all that are no gates: a gate's odds ratio asks nothing."""
    p = [math.nan if _is_gate(one) else one.step.p_value for one in micros]
    return [float(q) for q in benjamini_hochberg(p)]


def _heterogeneity_q_values(micros: Sequence[Measures]) -> list[dict[str, float]]:
    keys = [
        (place, dimension)
        for place, one in enumerate(micros)
        if not _is_gate(one)
        for dimension in one.profiles
    ]
    q = benjamini_hochberg(
        [micros[place].profiles[dimension].heterogeneity_p for place, dimension in keys]
    )
    found: list[dict[str, float]] = [{} for _ in micros]
    for (place, dimension), value in zip(keys, q, strict=True):
        found[place][dimension] = float(value)
    return found


def _is_gate(one: Measures) -> bool:
    return one.recall.low >= LEAST_GATE_RECALL


def _evidence(
    one: Measures,
    step_q: float,
    heterogeneity_q: Mapping[str, float],
    failed_checks: tuple[str, ...],
    yardstick: tuple[str, float] | None,
) -> Evidence:
    reach, last = one.reach, one.headline_of_last_third
    return Evidence(
        exposed=reach.first_micro_count,
        exposed_converted=reach.first_micro_converted_count,
        naive_lift=one.naive.lift,
        matched=one.matched,
        step_odds=one.step.odds_ratio,
        step_q=step_q,
        recall=one.recall,
        is_in_session=one.is_in_session,
        has_follow_up=reach.first_micro_count > 0 or not reach.first_micro_total_count > 0,
        converter_occurrences=reach.converter_occurrence_count,
        post_macro_share=ratio(reach.post_macro_occurrence_count, reach.converter_occurrence_count),
        exposures_before_macro=reach.exposure_before_macro_count,
        is_simpson=any(profile.is_simpson for profile in one.profiles.values()),
        is_heterogeneous=any(q < LEAST_Q for q in heterogeneity_q.values()),
        is_bot_sensitive=is_bot_sensitive(one.headline, one.headline_with_bots),
        failed_checks=failed_checks,
        yardstick=yardstick,
        outage=one.outage,
        holds_out_of_time=holds_out_of_time(one.headline, last) if last.has_interval else None,
    )


def _rank(finding: Finding) -> tuple[int, float, str]:
    headline = finding.evidence.headline
    # A wide interval must not stand above a sure one, so the limit nearest 1 decides.
    nearest = headline.low if headline.value >= 1 else headline.high
    strength = 0.0 if math.isnan(nearest) or nearest <= 0 else abs(math.log(nearest))
    return _BEST_FIRST.index(finding.judgement.verdict), -strength, finding.micro_name
