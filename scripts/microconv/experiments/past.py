"""Did micro lifts become macro lifts? All past experiments together (M14)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from microconv.deciding import (
    Experiment,
    Unusable,
    Validation,
    Validity,
    validate,
)
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.quantities import UNDEFINED
from microconv.evidence.refusal import Refusal
from microconv.experiments.judge import is_running, ratio_of
from microconv.experiments.read import Trial

LEAST_Q = 0.05


@dataclass(frozen=True)
class Past:
    """One micro-conversion held against past experiments.

    Args:
        macro: The macro-conversion.
        micro: The micro-conversion.
        found: What they say.
        q_value: Of the correlation's test, after correction for all micro-conversions of the macro.
        next_per_arm: Visitors per arm of the next experiment that it was judged for.
    """

    macro: str
    micro: str
    found: Validation | Refusal
    q_value: float
    next_per_arm: float


def past_experiments(
    trials: Sequence[Trial], next_per_arm: float | None
) -> tuple[list[Past], float]:
    """Every micro-conversion held against the experiments that ended.

    Args:
        trials: All experiments.
        next_per_arm: Visitors per arm of the next one; None for the mean of the past ones.

    Returns:
        A row per macro- and micro-conversion, and the visitors per arm that were taken.
    """
    ended = [one for one in trials if not is_running(one) and one.control and one.treated]
    whole = [one for one in ended if one.variant_count == len(one.variants)]
    size = next_per_arm or _mean_arm(whole)
    keys = sorted(
        {key for one in whole for variant in one.variants for key in variant.counts},
    )
    found = [
        Past(macro, micro, _validated(whole, macro, micro, size), math.nan, size)
        for macro, micro in keys
        if macro != micro
    ]
    return _corrected(found), size


def _validated(
    trials: Sequence[Trial], macro: str, micro: str, size: float
) -> Validation | Refusal:
    # Arms that are wrong as a whole must not pass because the two that are read look right.
    counted = [one for one in trials if all((macro, micro) in arm.counts for arm in one.variants)]
    wrong = {one.name for one in counted if ratio_of(one).is_mismatch}
    pairs = [_pair(one, macro, micro) for one in counted if one.name not in wrong]
    found = validate(pairs, size)
    if isinstance(found, Refusal):
        return found
    left_out = {**found.left_out, **dict.fromkeys(sorted(wrong), Unusable.SAMPLE_RATIO)}
    return replace(found, left_out=left_out)


def _pair(trial: Trial, macro: str, micro: str) -> Experiment:
    """The control and the variant most visitors saw.

    Two variants of one experiment share their control and so its chance; both would count it twice.
    """
    control = trial.control
    assert control is not None
    treated = max(trial.treated, key=lambda one: (one.followed, one.name))
    share = control.weight / (control.weight + treated.weight)
    return Experiment(trial.name, control.arm(macro, micro), treated.arm(macro, micro), share)


def _corrected(found: Sequence[Past]) -> list[Past]:
    """Where many micro-conversions are tried, one looks validated by chance."""
    corrected = []
    for macro in dict.fromkeys(one.macro for one in found):
        family = [one for one in found if one.macro == macro]
        q_values = benjamini_hochberg([_p_value(one.found) for one in family])
        for one, q_value in zip(family, (float(q) for q in q_values), strict=True):
            result = one.found
            if (
                isinstance(result, Validation)
                and result.validity is Validity.VALIDATED
                and not q_value < LEAST_Q
            ):
                result = replace(result, validity=Validity.NOT_VALIDATED, correlation=UNDEFINED)
            corrected.append(replace(one, found=result, q_value=q_value))
    return corrected


def _p_value(found: Validation | Refusal) -> float:
    if isinstance(found, Refusal) or found.truth is None:
        return math.nan
    return found.truth.p_value


def _mean_arm(trials: Sequence[Trial]) -> float:
    """Visitors per arm of past experiments, on average; 0 without any."""
    arms = [arm.followed for one in trials for arm in one.variants]
    return sum(arms) / len(arms) if arms else 0.0
