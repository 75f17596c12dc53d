"""Which micro-conversion may stand in for the macro in an A/B test (M12, M13).

On sample size alone the weaker the association, the better a proxy looks, so no score mixes the
two: what can be measured in time is asked first, then what lies closest to the macro is taken. What
visitors do on their own cannot show that a change of the one brings a change of the other; only
past experiments can (`microconv.deciding.validation`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from microconv.deciding.power import ALPHA, POWER, per_arm
from microconv.evidence.quantities import Estimate
from microconv.evidence.ratios import mover_risk_ratio
from microconv.evidence.refusal import Refusal
from microconv.evidence.verdict import Verdict

MDE = 0.10
MOST_WEEKS = 4.0
LEAST_SHARE = 0.1
"""A micro-conversion through which less than this share of the macro can move is no proxy."""

PASS_THROUGH = (1.0, 0.5, 0.25)
EFFECT_SPREADS = (0.02, 0.05, 0.10)
USUAL_SPREAD = 0.05
GUARDRAIL_CONFIDENCE = 0.80

_EXCLUDED = {
    Verdict.INSUFFICIENT: "too little was seen of it",
    Verdict.UNSTABLE: "its association is unstable",
    Verdict.TENTATIVE: "a check of the design failed",
    Verdict.POST_MACRO_ONLY: "it only follows the macro",
    Verdict.NO_EVIDENCE: "there is no evidence that it goes with the macro",
    Verdict.EXPLAINED: "it only shows who is engaged",
    Verdict.REVERSED: "comparable visitors who do it convert less",
}


class Status(StrEnum):
    """How far a recommendation carries."""

    MACRO = "the macro itself"
    VALIDATED = "validated proxy"
    UNVALIDATED = "unvalidated proxy"
    NONE = "no metric"


@dataclass(frozen=True)
class Candidate:
    """A micro-conversion that might be tested in place of the macro.

    Args:
        name: Of the micro-conversion.
        stage: Its depth in the funnel; larger is closer to the macro.
        rate: Share of visitors who do it, in 0..1.
        lift: Matched risk ratio of the macro (M1); not used for a gate.
        verdict: Of the evidence ladder.
        is_validated: Whether past experiments validated it (M14).
    """

    name: str
    stage: int
    rate: float
    lift: Estimate
    verdict: Verdict
    is_validated: bool = False

    @property
    def share(self) -> float:
        """The largest share of the macro that can move through it: p (RR - 1) / (1 + p (RR - 1)).

        1 for a gate; NaN without a lift, 0 for a lift below 1.
        """
        if self.verdict is Verdict.GATE:
            return 1.0
        excess = (
            self.rate * max(self.lift.value - 1, 0.0) if not _nan(self.lift.value) else math.nan
        )
        return 1.0 if excess == math.inf else excess / (1 + excess)


@dataclass(frozen=True)
class Plan:
    """What testing on one metric would take.

    Args:
        name: Of the metric.
        stage: Depth in the funnel; infinite for the macro.
        rate: In 0..1.
        share: Largest share of the macro that can move through it, in 0..1; 1 for the macro.
        per_arm: Visitors per arm to find a relative change of `mde` of this metric itself.
        weeks: How long that takes.
        lift_needed: By pass-through: relative change of this metric that a macro change of `mde`
            would need, if so much of what marginal visitors add arrives.
        weeks_needed: How long finding that takes, at full pass-through; infinite if the metric
            cannot rise so far.
        break_even: By spread of true effects: the correlation of true lifts above which this metric
            decides better than the macro with the visitors of `most_weeks`; above 1: never.
        excluded: Why it is no candidate; empty if it is one.
        is_validated: Whether past experiments validated it.
    """

    name: str
    stage: float
    rate: float
    share: float
    per_arm: float
    weeks: float
    lift_needed: dict[float, float]
    weeks_needed: float
    break_even: dict[float, float]
    excluded: str = ""
    is_validated: bool = False


@dataclass(frozen=True)
class Recommendation:
    """Which metric to decide by.

    Args:
        status: How far it carries.
        choice: The plan of the metric; None if there is none.
        macro: The macro's own plan, which stays a guardrail.
        plans: All candidates, the deepest first.
        pareto: Names of candidates than which none is both faster and closer to the macro.
    """

    status: Status
    choice: Plan | None
    macro: Plan
    plans: tuple[Plan, ...]
    pareto: tuple[str, ...]


def recommend(
    macro_name: str,
    macro_rate: float,
    candidates: Sequence[Candidate],
    visitors_per_week: float,
    mde: float = MDE,
    most_weeks: float = MOST_WEEKS,
) -> Recommendation | Refusal:
    """The macro if it can be measured in time, else the deepest micro-conversion that can.

    Args:
        macro_rate: Share of visitors that convert, in 0..1.
        visitors_per_week: Who can enter an experiment, in both arms together.
        mde: Relative change of the macro that should be found.
        most_weeks: How long an experiment may run.
    """
    if not (0 < macro_rate < 1 and 0 < macro_rate * (1 + mde) < 1 and mde > 0):
        return Refusal.because("The macro's usual and its changed rate must lie between 0 and 1.")
    if not (visitors_per_week > 0 and most_weeks > 0):
        return Refusal.because("Nobody can enter an experiment.")
    asked = _Asked(macro_rate, visitors_per_week, mde, most_weeks)
    macro = asked.plan_macro(macro_name)
    plans = sorted((asked.plan(one) for one in candidates), key=lambda one: (-one.stage, one.name))
    kept = [one for one in plans if not one.excluded and one.weeks_needed <= most_weeks]
    choice, status = None, Status.NONE
    if macro.weeks <= most_weeks:
        choice, status = macro, Status.MACRO
    elif kept:
        choice = min(kept, key=lambda one: (-one.stage, -one.share, one.weeks_needed, one.name))
        status = Status.VALIDATED if choice.is_validated else Status.UNVALIDATED
    return Recommendation(status, choice, macro, tuple(plans), _pareto(plans))


def reliability(rate: float, per_arm: float, spread: float) -> float:
    """The share of the variance of measured log lifts that is true: in 0..1.

    tau² / (tau² + 2 (1 - p) / (p n)), n per arm, tau the standard deviation of true log lifts.
    """
    noise = 2 * (1 - rate) / (rate * per_arm)
    return spread**2 / (spread**2 + noise)


def break_even_correlation(
    macro_rate: float, micro_rate: float, per_arm: float, spread: float = USUAL_SPREAD
) -> float:
    """The correlation of true lifts above which the micro decides better than the macro.

    Source: Tripuraneni et al. 2023, arXiv 2309.07893: quality = correlation · sqrt(reliability).
    """
    return math.sqrt(
        reliability(macro_rate, per_arm, spread) / reliability(micro_rate, per_arm, spread)
    )


@dataclass(frozen=True)
class Guardrail:
    """Whether the macro forbids to ship.

    Args:
        ratio: Macro rate treated over control, with its 80 % interval.
        largest_drop: The relative drop that must be excluded.
        allows: Whether the interval excludes it.
    """

    ratio: Estimate
    largest_drop: float
    allows: bool


def guardrail(
    treated_converted: float,
    treated: float,
    control_converted: float,
    control: float,
    largest_drop: float,
) -> Guardrail:
    """Ship only if the macro's 80 % interval excludes a drop of more than `largest_drop`."""
    counts = (treated_converted, treated, control_converted, control)
    ratio = mover_risk_ratio(*counts, confidence=GUARDRAIL_CONFIDENCE)
    return Guardrail(ratio, largest_drop, ratio.low > 1 - largest_drop)


@dataclass(frozen=True)
class _Asked:
    macro_rate: float
    visitors_per_week: float
    mde: float
    most_weeks: float

    def plan_macro(self, name: str) -> Plan:
        n = self._per_arm(self.macro_rate, self.mde)
        needed = dict.fromkeys(PASS_THROUGH, self.mde)
        even = dict.fromkeys(EFFECT_SPREADS, 1.0)
        weeks = self._weeks(n)
        return Plan(name, math.inf, self.macro_rate, 1.0, n, weeks, needed, weeks, even)

    def plan(self, one: Candidate) -> Plan:
        n = self._per_arm(one.rate, self.mde)
        share = one.share
        needed = {q: self.mde / (q * share) if share > 0 else math.inf for q in PASS_THROUGH}
        most = self.most_weeks * self.visitors_per_week / 2
        return Plan(
            name=one.name,
            stage=one.stage,
            rate=one.rate,
            share=share,
            per_arm=n,
            weeks=self._weeks(n),
            lift_needed=needed,
            weeks_needed=self._weeks(self._per_arm(one.rate, needed[1.0])),
            break_even={
                spread: break_even_correlation(self.macro_rate, one.rate, most, spread)
                if 0 < one.rate < 1
                else math.nan
                for spread in EFFECT_SPREADS
            },
            excluded=_why_excluded(one),
            is_validated=one.is_validated,
        )

    def _per_arm(self, rate: float, lift: float) -> float:
        if not 0 < rate < rate * (1 + lift) < 1:
            return math.inf
        return per_arm(rate, rate * (1 + lift), ALPHA, POWER)

    def _weeks(self, n: float) -> float:
        return 2 * n / self.visitors_per_week


def _why_excluded(one: Candidate) -> str:
    if not 0 < one.rate < 1:
        return "it has no rate between 0 and 1"
    if one.verdict in _EXCLUDED:
        return _EXCLUDED[one.verdict]
    if one.verdict is Verdict.GATE:
        return ""
    if not one.lift.low > 1:
        return "comparable visitors convert alike without it"
    if not one.share >= LEAST_SHARE:
        return f"less than {LEAST_SHARE:.0%} of the macro can move through it"
    return ""


def _pareto(plans: Sequence[Plan]) -> tuple[str, ...]:
    kept = [one for one in plans if not one.excluded]
    return tuple(
        one.name
        for one in kept
        if not any(
            (other.weeks_needed <= one.weeks_needed and other.share >= one.share)
            and (other.weeks_needed < one.weeks_needed or other.share > one.share)
            for other in kept
        )
    )


def _nan(value: float) -> bool:
    return value != value
