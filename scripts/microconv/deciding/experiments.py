"""Past experiments as counts: whether they may be used, and the lifts they measured (M14).

Visitors are counted once, in the arm they saw first; who saw two arms is left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from microconv.deciding.power import false_alarm_rate, limit_for_looks
from microconv.evidence.quantities import Floats, chi_squared_p

LEAST_SRM_P = 0.001
LEAST_ARM = 100
LEAST_SUCCESSES = 10


@dataclass(frozen=True)
class Arm:
    """Visitors of one variant.

    Args:
        visitors: First exposed to it, with complete follow-up.
        micro: Those of them that did the micro-conversion within the horizon, and not only after
            the macro.
        macro: Those of them that converted within the horizon.
        both: Those of them that did both, in this order.
    """

    visitors: float
    micro: float
    macro: float
    both: float


@dataclass(frozen=True)
class Experiment:
    """One past experiment with two arms.

    Args:
        name: Such as tool and number.
        control: The arm without the change; which one it is does not matter to the validation.
        treated: The arm with it.
        control_share: Share of visitors that should have seen the control, in 0..1.
    """

    name: str
    control: Arm
    treated: Arm
    control_share: float = 0.5


class Unusable(StrEnum):
    """Why an experiment is left out."""

    SAMPLE_RATIO = "its arms do not have the sizes they should have"
    FEW_VISITORS = "an arm has too few visitors"
    FEW_CONVERSIONS = "an arm has too few conversions"
    IMPOSSIBLE = "its counts contradict each other"


@dataclass(frozen=True)
class SampleRatio:
    """Whether arms have the sizes that were planned.

    Args:
        chi_squared: One degree of freedom less than arms.
        p_value: Under .001 something sends visitors to arms, or loses them, that should not.
    """

    chi_squared: float
    p_value: float

    @property
    def is_mismatch(self) -> bool:
        """Whether the experiment must not be read at all."""
        return self.p_value < LEAST_SRM_P


@dataclass(frozen=True)
class Lifts:
    """Measured log lifts of one experiment and their covariance.

    Args:
        name: Of the experiment.
        effects: Log ratio of micro rates and of macro rates, treated over control.
        covariance: 2 × 2, from counting the same visitors for both.
    """

    name: str
    effects: Floats
    covariance: Floats


@dataclass(frozen=True)
class Peeking:
    """What looking before the planned end does to a result at |z| > 1.96.

    Args:
        looks: Times that the result is looked at, equally spaced.
        false_alarm_rate: Chance of a significant look without any effect, in 0..1.
        limit: The |z| that each look must exceed to keep 5 % in all.
        is_early: Whether fewer visitors came than planned.
        weeks_left: Until the planned end.
    """

    looks: int
    false_alarm_rate: float
    limit: float
    is_early: bool
    weeks_left: float

    @property
    def warns(self) -> bool:
        """Whether a significant result must not be read as one at 5 %."""
        return self.is_early or self.looks > 1


def sample_ratio(control: float, treated: float, control_share: float = 0.5) -> SampleRatio:
    """The chi-squared test of two arms' sizes; NaN without visitors or with an impossible share."""
    return sample_ratio_of((control, treated), (control_share, 1 - control_share))


def sample_ratio_of(visitors: Sequence[float], weights: Sequence[float]) -> SampleRatio:
    """The chi-squared test of the sizes of any number of arms.

    Source: Fabijan et al. 2019, KDD (sample ratio mismatch).

    Args:
        visitors: Of each arm.
        weights: Planned parts of the arms, of any sum.

    Returns:
        NaN without visitors, with fewer than two arms, or with a part that is not positive.
    """
    total, whole = sum(visitors), sum(weights)
    if not (total > 0 and len(visitors) > 1 and all(weight > 0 for weight in weights)):
        return SampleRatio(math.nan, math.nan)
    expected = [total * weight / whole for weight in weights]
    statistic = sum(
        (seen - wanted) ** 2 / wanted for seen, wanted in zip(visitors, expected, strict=True)
    )
    return SampleRatio(statistic, chi_squared_p(statistic, len(visitors) - 1))


def peeking(
    looks: int, visitors: float, planned_per_arm: float, visitors_per_week: float
) -> Peeking:
    """What may be said of an experiment that was looked at before its end.

    Args:
        looks: How often the result was looked at, so far or as planned.
        visitors: Who came so far, in both arms together.
        planned_per_arm: As `sample_size` says.
        visitors_per_week: Who enters, in both arms together.
    """
    left = max(2 * planned_per_arm - visitors, 0.0)
    once = max(looks, 1)
    return Peeking(
        looks=once,
        false_alarm_rate=false_alarm_rate(once),
        limit=limit_for_looks(once),
        is_early=left > 0,
        weeks_left=left / visitors_per_week if visitors_per_week > 0 else math.inf,
    )


def log_lifts(experiment: Experiment) -> Lifts | Unusable:
    """Log lifts with their covariance, (pSY - pS pY) / (n pS pY) in each arm; or why not.

    The covariance matters: visitors who convert did the micro-conversion too, so that even without
    any true effect both lifts fall and rise together.
    """
    arms = (experiment.control, experiment.treated)
    if any(not _is_possible(arm) for arm in arms):
        return Unusable.IMPOSSIBLE
    if min(arm.visitors for arm in arms) < LEAST_ARM:
        return Unusable.FEW_VISITORS
    ratio = sample_ratio(arms[0].visitors, arms[1].visitors, experiment.control_share)
    if ratio.is_mismatch:
        return Unusable.SAMPLE_RATIO
    if min(min(arm.micro, arm.macro) for arm in arms) < LEAST_SUCCESSES:
        return Unusable.FEW_CONVERSIONS
    control, treated = (
        np.log([arm.micro / arm.visitors, arm.macro / arm.visitors]) for arm in arms
    )
    return Lifts(experiment.name, treated - control, sum(map(_covariance, arms), np.zeros((2, 2))))


def _covariance(arm: Arm) -> Floats:
    micro, macro = 1 / arm.micro - 1 / arm.visitors, 1 / arm.macro - 1 / arm.visitors
    joint = arm.both / (arm.micro * arm.macro) - 1 / arm.visitors
    return np.array([[micro, joint], [joint, macro]])


def _is_possible(arm: Arm) -> bool:
    counts = (arm.visitors, arm.micro, arm.macro, arm.both)
    return (
        all(math.isfinite(one) and one >= 0 for one in counts)
        and max(arm.micro, arm.macro) <= arm.visitors
        and max(0.0, arm.micro + arm.macro - arm.visitors) <= arm.both <= min(arm.micro, arm.macro)
    )
