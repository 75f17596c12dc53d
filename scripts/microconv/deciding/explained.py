"""How much of one experiment's macro lift goes through the micro-conversion, as an association.

Inside the arms visitors choose whether to do it, so this is no proof; it is shown beside M14 and
never in its place. Source: Freedman, Graubard and Schatzkin 1992, Statistics in Medicine 11:167, in
the form of Wang and Taylor 2002, Biometrics 58:803.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from microconv.deciding.experiments import Arm, Experiment, Lifts, log_lifts
from microconv.evidence.quantities import Estimate, Floats
from microconv.evidence.refusal import Refusal

LEAST_Z = 3.0
DRAWS = 2000


@dataclass(frozen=True)
class ExplainedShare:
    """The share of the macro's difference that a different number of micros would account for.

    Args:
        share: 1 - D_S / D with a bootstrap interval; may lie outside 0..1.
        difference: Of the macro rates, treated less control.
        within: Of the macro rates among visitors alike in the micro, at the control's mix; D_S.
    """

    share: Estimate
    difference: float
    within: float


def explained_share(experiment: Experiment, seed: int = 0) -> ExplainedShare | Refusal:
    """The share explained, only where the macro clearly moved.

    Args:
        seed: Of the bootstrap.
    """
    lifts = log_lifts(experiment)
    if not isinstance(lifts, Lifts):
        return Refusal.because(f"The experiment cannot be read: {lifts}.")
    z = float(lifts.effects[1]) / math.sqrt(float(lifts.covariance[1, 1]))
    if not abs(z) > LEAST_Z:
        return Refusal.because("The macro did not clearly move, so there is nothing to explain.")
    cells = [_cells(arm) for arm in (experiment.control, experiment.treated)]
    difference, within = (float(one[0]) for one in _differences(*(one[None, :] for one in cells)))
    random = np.random.default_rng(seed)
    drawn = [
        random.multinomial(int(one.sum()), one / one.sum(), DRAWS).astype(np.float64)
        for one in cells
    ]
    d, d_s = _differences(*drawn)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = 1 - d_s / d
    low, high = (float(one) for one in np.nanquantile(shares, [0.025, 0.975]))
    return ExplainedShare(Estimate(1 - within / difference, low, high), difference, within)


def _cells(arm: Arm) -> Floats:
    """Visitors with both, the micro only, the macro only, neither."""
    neither = arm.visitors - arm.micro - arm.macro + arm.both
    return np.array([arm.both, arm.micro - arm.both, arm.macro - arm.both, neither])


def _differences(control: Floats, treated: Floats) -> tuple[Floats, Floats]:
    """D and D_S of each row of cells."""
    with np.errstate(divide="ignore", invalid="ignore"):
        macro = [(one[:, 0] + one[:, 2]) / one.sum(axis=1) for one in (control, treated)]
        with_it = [one[:, 0] / (one[:, 0] + one[:, 1]) for one in (control, treated)]
        without = [one[:, 2] / (one[:, 2] + one[:, 3]) for one in (control, treated)]
        share = (control[:, 0] + control[:, 1]) / control.sum(axis=1)
    within = (with_it[1] - with_it[0]) * share + (without[1] - without[0]) * (1 - share)
    return macro[1] - macro[0], within
