"""All micro-conversions of a macro in one model, for prediction only (M9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microconv.aggregates.read import Aggregates
from microconv.aggregates.types import Conversion, Patterns
from microconv.correlate.measures import Measures
from microconv.evidence.joint import JointModel, StagedEffect, fit_joint, stage_ordered_effects
from microconv.evidence.logistic import SingularDesignError
from microconv.evidence.patterns import PatternTable, choose_joint_set
from microconv.evidence.quantities import Ints


@dataclass(frozen=True)
class JointView:
    """The joint model and who is in it.

    Args:
        model: The fit; None where nothing is left to fit or it says the same thing twice.
        staged: Each adjusted for strata and earlier stages only, in the order of the model.
        left_out: A reason per micro-conversion that is not in it.
    """

    model: JointModel | None
    staged: tuple[StagedEffect, ...]
    left_out: Mapping[str, str]


def joint_view(
    aggregates: Aggregates,
    macro: str,
    micros: Sequence[Measures],
    conversions: Mapping[str, Conversion],
) -> JointView | None:
    """Choose up to twelve micro-conversions and fit them together; None without decision points."""
    known = [one for one in micros if one.reach.evidence_bit is not None]
    bits = [int(one.reach.evidence_bit or 0) for one in known]
    names = tuple(one.reach.micro_name for one in known)
    if not known:
        return None
    everything = _table(names, aggregates.patterns(macro, bits, has_factors=False))
    if not everything.converted.sum() > 0:
        return None
    chosen, reasons = choose_joint_set(everything, [one.step.z for one in known])
    left_out = {names[place]: reason for place, reason in reasons.items()}
    if not chosen:
        return JointView(None, (), left_out)
    kept = tuple(names[place] for place in chosen)
    table = _table(
        kept, aggregates.patterns(macro, [bits[place] for place in chosen], has_factors=True)
    )
    stages = [conversions[name].stage_number if name in conversions else 0 for name in kept]
    try:
        return JointView(fit_joint(table), stage_ordered_effects(table, stages), left_out)
    except SingularDesignError:
        return JointView(None, (), left_out)


def _table(names: tuple[str, ...], patterns: Patterns) -> PatternTable:
    return PatternTable.from_columns(
        names, patterns.mask, _codes(patterns), patterns.steps, patterns.next_converted
    )


def _codes(patterns: Patterns) -> Ints:
    if not patterns.factors:
        return np.zeros((len(patterns.mask), 0), dtype=np.int64)
    return np.column_stack([factor.codes for factor in patterns.factors.values()])
