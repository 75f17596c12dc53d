"""From numbers to a verdict: one ladder, the same for every micro-conversion.

Nothing seen in observational data climbs to `causal`; only a randomised comparison does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from microconv.evidence.matched import LEAST_OVERLAP, MatchedLift
from microconv.evidence.multiplicity import e_value
from microconv.evidence.outage import NO_OUTAGE, Outage
from microconv.evidence.quantities import UNDEFINED, Estimate

LEAST_EXPOSED = 100
LEAST_EXPOSED_CONVERTED = 10
LEAST_GATE_RECALL = 0.90
POST_MACRO_SHARE = 0.90
LEAST_Q = 0.05
LARGE_NAIVE_LIFT = 1.5


class Verdict(StrEnum):
    """What the data allow to say, from the bottom of the ladder to its top."""

    INSUFFICIENT = "insufficient"
    POST_MACRO_ONLY = "post_macro_only"
    GATE = "gate"
    NO_EVIDENCE = "no evidence"
    EXPLAINED = "explained by engagement/segment"
    UNSTABLE = "unstable"
    REVERSED = "reversed"
    TENTATIVE = "predictive?"
    PREDICTIVE = "predictive"
    ROBUST = "predictive, robust"
    CAUSAL = "causal"


class Reason(StrEnum):
    """Why a verdict is what it is; `wording` says each in words."""

    FEW_EXPOSED = "few exposed"
    FEW_EXPOSED_CONVERTED = "few exposed conversions"
    NO_FOLLOW_UP = "no follow-up"
    NO_COMPARABLE = "no comparable visitors"
    TRACKING_OUTAGE = "hardly counted for days"
    AFTER_THE_MACRO = "after the macro"
    NEVER_BEFORE_THE_MACRO = "never before the macro"
    ALMOST_EVERY_MACRO = "almost every macro passes it"
    STEP_NOT_CLEAR = "next-step odds ratio not clear"
    MATCHED_COVERS_ONE = "matched interval covers 1"
    NAIVE_IS_LARGE = "naive lift is large"
    SIGNS_DISAGREE = "matched lift and next-step odds ratio disagree"
    SIMPSON = "crude and adjusted disagree in direction"
    HETEROGENEOUS = "segments differ"
    BOT_SENSITIVE = "bots change it"
    STEP_CLEAR = "next-step odds ratio clear"
    BELOW_ONE = "below comparable visitors"
    ABOVE_ONE = "above comparable visitors"
    CHECK_FAILED = "a check of the design failed"
    ABOVE_YARDSTICK = "E-value above the yardstick"
    BELOW_YARDSTICK = "E-value not above the yardstick"
    NO_YARDSTICK = "no measured factor to compare with"
    HOLDS_OUT_OF_TIME = "holds in the last third of the time"
    FAILS_OUT_OF_TIME = "does not hold in the last third of the time"
    RANDOMIZED = "randomised comparison"
    RANDOMIZED_UNCLEAR = "randomised comparison without a clear result"
    OFF_SESSION = "not on a page, so the next-step odds ratio speaks"
    LITTLE_OVERLAP = "little overlap"


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on, of one micro-conversion for one macro.

    Args:
        exposed: First micro-conversions with complete follow-up.
        exposed_converted: Those of them that the macro followed within the horizon.
        naive_lift: Did it against did not, at any time (M4).
        matched: Matched lift (M1); None where it must not be used (off-session) or has no data.
        step_odds: Next-step odds ratio (M2).
        step_q: Its q-value among all micro-conversions that are no gates.
        recall: Share of macros it came before (M8).
        is_in_session: Whether it happens on a page; if not, M2 speaks in place of M1.
        has_follow_up: Whether any exposed visitor was observed over the whole horizon.
        converter_occurrences: Times that converters did it.
        post_macro_share: Share of these that came after their first macro, in 0..1.
        exposures_before_macro: Decision points or first times before any macro.
        is_simpson: Crude and adjusted point in different directions (M6).
        is_heterogeneous: q of the test between segments under .05 (M6).
        is_bot_sensitive: A lift moves once bots are let in.
        failed_checks: Names of checks on the data that failed, such as "placebo".
        yardstick: Name and strength of the strongest measured factor; None if none was measured.
        holds_out_of_time: Whether the last third alone shows it; None if it was not looked at.
        outage: Days on which it was hardly counted.
        randomized: Effect as a ratio from an experiment that randomised the micro-conversion.
    """

    exposed: float
    exposed_converted: float
    naive_lift: Estimate
    matched: MatchedLift | None
    step_odds: Estimate
    step_q: float
    recall: Estimate = UNDEFINED
    is_in_session: bool = True
    has_follow_up: bool = True
    converter_occurrences: float = math.nan
    post_macro_share: float = math.nan
    exposures_before_macro: float = math.nan
    is_simpson: bool = False
    is_heterogeneous: bool = False
    is_bot_sensitive: bool = False
    failed_checks: tuple[str, ...] = ()
    yardstick: tuple[str, float] | None = None
    holds_out_of_time: bool | None = None
    outage: Outage = NO_OUTAGE
    randomized: Estimate | None = None

    @property
    def headline(self) -> Estimate:
        """The ratio that speaks: the matched lift, or off-session the next-step odds ratio."""
        if not self.is_in_session:
            return self.step_odds
        return self.matched.lift if self.matched is not None else UNDEFINED

    @property
    def e_value_limit(self) -> float:
        """E-value of the headline's limit nearest 1; 1 if it covers 1."""
        return e_value(self.headline).limit


@dataclass(frozen=True)
class Judgement:
    """A verdict, the reasons that decided it, and caveats that did not."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    caveats: tuple[Reason, ...] = ()


def judge(evidence: Evidence) -> Judgement:
    """Climb the ladder: the first rule that applies decides."""
    caveats = tuple(_caveats(evidence))
    if evidence.randomized is not None and evidence.randomized.excludes(1.0):
        return Judgement(Verdict.CAUSAL, (Reason.RANDOMIZED,), caveats)
    for rung in (_post_macro, _insufficient, _gate, _not_comparable, _not_there, _unstable):
        found = rung(evidence)
        if found is not None:
            return Judgement(*found, caveats)
    return Judgement(*_there(evidence), caveats)


_Rung = tuple[Verdict, tuple[Reason, ...]]


def _caveats(evidence: Evidence) -> list[Reason]:
    caveats = []
    if not evidence.is_in_session:
        caveats.append(Reason.OFF_SESSION)
    elif evidence.matched is not None and evidence.matched.overlap < LEAST_OVERLAP:
        caveats.append(Reason.LITTLE_OVERLAP)
    if evidence.randomized is not None and not evidence.randomized.excludes(1.0):
        caveats.append(Reason.RANDOMIZED_UNCLEAR)
    return caveats


def _post_macro(evidence: Evidence) -> _Rung | None:
    # Comes before "insufficient", whose counts are of exposures before the macro: there are none.
    if not evidence.converter_occurrences >= LEAST_EXPOSED_CONVERTED:
        return None
    if evidence.exposures_before_macro == 0:
        return Verdict.POST_MACRO_ONLY, (Reason.NEVER_BEFORE_THE_MACRO,)
    if evidence.post_macro_share >= POST_MACRO_SHARE:
        return Verdict.POST_MACRO_ONLY, (Reason.AFTER_THE_MACRO,)
    return None


def _insufficient(evidence: Evidence) -> _Rung | None:
    reasons = []
    if evidence.outage.is_long:
        reasons.append(Reason.TRACKING_OUTAGE)
    if not evidence.has_follow_up:
        reasons.append(Reason.NO_FOLLOW_UP)
    if not evidence.exposed >= LEAST_EXPOSED:
        reasons.append(Reason.FEW_EXPOSED)
    if not evidence.exposed_converted >= LEAST_EXPOSED_CONVERTED:
        reasons.append(Reason.FEW_EXPOSED_CONVERTED)
    return (Verdict.INSUFFICIENT, tuple(reasons)) if reasons else None


def _gate(evidence: Evidence) -> _Rung | None:
    if evidence.recall.low >= LEAST_GATE_RECALL:
        return Verdict.GATE, (Reason.ALMOST_EVERY_MACRO,)
    return None


def _not_comparable(evidence: Evidence) -> _Rung | None:
    # A gate has no comparable visitors either, so it is asked for first.
    if evidence.is_in_session and not evidence.headline.has_interval:
        return Verdict.INSUFFICIENT, (Reason.NO_COMPARABLE,)
    return None


def _not_there(evidence: Evidence) -> _Rung | None:
    reasons = []
    if not evidence.step_q < LEAST_Q:
        reasons.append(Reason.STEP_NOT_CLEAR)
    if evidence.is_in_session and not evidence.headline.excludes(1.0):
        reasons.append(Reason.MATCHED_COVERS_ONE)
    if not reasons:
        return None
    if evidence.is_heterogeneous:
        # Effects that differ between segments may cancel in the pooled number.
        return Verdict.UNSTABLE, (Reason.HETEROGENEOUS, *reasons)
    is_explained = evidence.naive_lift.value >= LARGE_NAIVE_LIFT and (
        not evidence.headline.excludes(1.0) or not evidence.step_odds.excludes(1.0)
    )
    if is_explained:
        return Verdict.EXPLAINED, (Reason.NAIVE_IS_LARGE, *reasons)
    return Verdict.NO_EVIDENCE, tuple(reasons)


def _unstable(evidence: Evidence) -> _Rung | None:
    reasons = []
    if (evidence.headline.value - 1) * (evidence.step_odds.value - 1) < 0:
        reasons.append(Reason.SIGNS_DISAGREE)
    if evidence.is_simpson:
        reasons.append(Reason.SIMPSON)
    if evidence.is_heterogeneous:
        reasons.append(Reason.HETEROGENEOUS)
    if evidence.is_bot_sensitive:
        reasons.append(Reason.BOT_SENSITIVE)
    return (Verdict.UNSTABLE, tuple(reasons)) if reasons else None


def _there(evidence: Evidence) -> _Rung:
    """A clear number with nothing against it: which way, and how far it carries."""
    if evidence.headline.high < 1:
        below = Reason.BELOW_ONE if evidence.is_in_session else Reason.STEP_CLEAR
        return Verdict.REVERSED, (below, *_check(evidence))
    above = Reason.ABOVE_ONE if evidence.is_in_session else Reason.STEP_CLEAR
    if evidence.failed_checks:
        return Verdict.TENTATIVE, (above, Reason.CHECK_FAILED)
    yardstick, in_time = _against_yardstick(evidence), evidence.holds_out_of_time
    reasons = [above, yardstick]
    if in_time is not None:
        reasons.append(Reason.HOLDS_OUT_OF_TIME if in_time else Reason.FAILS_OUT_OF_TIME)
    is_robust = yardstick is Reason.ABOVE_YARDSTICK and in_time is True
    return Verdict.ROBUST if is_robust else Verdict.PREDICTIVE, tuple(reasons)


def _check(evidence: Evidence) -> tuple[Reason, ...]:
    return (Reason.CHECK_FAILED,) if evidence.failed_checks else ()


def _against_yardstick(evidence: Evidence) -> Reason:
    if evidence.yardstick is None:
        return Reason.NO_YARDSTICK
    is_above = evidence.e_value_limit > evidence.yardstick[1]
    return Reason.ABOVE_YARDSTICK if is_above else Reason.BELOW_YARDSTICK
