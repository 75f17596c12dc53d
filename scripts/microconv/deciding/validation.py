"""Did lifts of the micro-conversion become lifts of the macro? Past experiments say (M14).

The plain correlation of measured lifts is about one half where no experiment did anything, because
the same visitors are counted in both. So true lifts are modelled apart from noise, and nothing is
said before there is true variation of both to speak of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from microconv.deciding.experiments import Experiment, Lifts, Unusable, log_lifts
from microconv.deciding.proxy import break_even_correlation
from microconv.deciding.true_effects import TrueEffects, correlation_interval, fit_true_effects
from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import UNDEFINED, Estimate, Floats, chi_squared_p
from microconv.evidence.refusal import Refusal

LEAST_EXPERIMENTS = 10
LEAST_TO_SHOW = 3
LEAST_P = 0.05


class Validity(StrEnum):
    """What past experiments say of a proxy."""

    VALIDATED = "validated"
    NOT_VALIDATED = "not validated"
    NO_VARIATION = "no true variation to judge by"
    TOO_FEW = "too few experiments"


@dataclass(frozen=True)
class Validation:
    """A proxy held against past experiments.

    Args:
        validity: The verdict.
        lifts: Of the experiments that were used.
        left_out: Why others were not, by name.
        naive_correlation: Of measured lifts; shown only to be distrusted.
        same_sign: Share of experiments in which both lifts point the same way, in 0..1.
        micro_p: Test that no experiment changed the micro-conversion.
        macro_p: The same of the macro.
        truth: Spread, correlation and slope of true lifts; None with too few experiments.
        correlation: Of true lifts, profile likelihood interval; only where everything else passed.
        break_even: What its lower limit must exceed for the next experiment.
    """

    validity: Validity
    lifts: tuple[Lifts, ...]
    left_out: dict[str, Unusable]
    naive_correlation: float
    same_sign: Estimate
    micro_p: float = math.nan
    macro_p: float = math.nan
    truth: TrueEffects | None = None
    correlation: Estimate = UNDEFINED
    break_even: float = math.nan

    def predicted_macro_lift(self, micro_lift: float) -> float:
        """Relative macro lift that belongs to a relative micro lift; NaN unless validated."""
        if self.validity is not Validity.VALIDATED or self.truth is None:
            return math.nan
        return math.expm1(self.truth.slope * math.log1p(micro_lift))


def validate(experiments: Sequence[Experiment], next_per_arm: float) -> Validation | Refusal:
    """Whether the micro-conversion may stand in for the macro in the next experiment.

    Args:
        experiments: Past ones, with the same micro-conversion, macro and horizon.
        next_per_arm: Visitors per arm of the next one.
    """
    read = [(one.name, log_lifts(one)) for one in experiments]
    lifts = tuple(found for _, found in read if isinstance(found, Lifts))
    left_out = {name: found for name, found in read if isinstance(found, Unusable)}
    if len(lifts) < LEAST_TO_SHOW:
        return Refusal.because(
            f"{len(lifts)} past experiments can be used; nothing is shown below {LEAST_TO_SHOW} "
            f"and nothing concluded below {LEAST_EXPERIMENTS}."
        )
    effects = np.array([one.effects for one in lifts])
    covariances = np.array([one.covariance for one in lifts])
    shown = Validation(
        validity=Validity.TOO_FEW,
        lifts=lifts,
        left_out=left_out,
        naive_correlation=_correlation(effects),
        same_sign=wilson(float((effects[:, 0] * effects[:, 1] > 0).sum()), len(lifts)),
    )
    if len(lifts) < LEAST_EXPERIMENTS:
        return shown
    even = _break_even(experiments, left_out, next_per_arm)
    return judged(shown, effects, covariances, even)


def judged(
    shown: Validation, effects: Floats, covariances: Floats, break_even: float
) -> Validation:
    """The verdict on enough experiments."""
    micro_p, macro_p = (
        chi_squared_p(float(np.sum(effects[:, k] ** 2 / covariances[:, k, k])), len(effects))
        for k in (0, 1)
    )
    truth = fit_true_effects(effects, covariances)
    passes = micro_p < LEAST_P and macro_p < LEAST_P
    correlation = UNDEFINED
    validity = Validity.NOT_VALIDATED if passes else Validity.NO_VARIATION
    if passes and truth.p_value < LEAST_P and truth.correlation > 0:
        correlation = correlation_interval(effects, covariances, truth)
        if correlation.low > break_even:
            validity = Validity.VALIDATED
    return Validation(
        validity=validity,
        lifts=shown.lifts,
        left_out=shown.left_out,
        naive_correlation=shown.naive_correlation,
        same_sign=shown.same_sign,
        micro_p=micro_p,
        macro_p=macro_p,
        truth=truth,
        correlation=correlation,
        break_even=break_even,
    )


def _break_even(
    experiments: Sequence[Experiment], left_out: dict[str, Unusable], next_per_arm: float
) -> float:
    """At the pooled rates of the experiments that were used, and the usual spread of effects."""
    arms = [
        arm for one in experiments if one.name not in left_out for arm in (one.control, one.treated)
    ]
    visitors = sum(arm.visitors for arm in arms)
    micro, macro = sum(arm.micro for arm in arms), sum(arm.macro for arm in arms)
    if not (0 < micro < visitors and 0 < macro < visitors and next_per_arm > 0):
        return math.nan
    return break_even_correlation(macro / visitors, micro / visitors, next_per_arm)


def _correlation(effects: Floats) -> float:
    if not (effects.std(axis=0) > 0).all():
        return math.nan
    return float(np.asarray(np.corrcoef(effects.T))[0, 1])
