"""How much of a macro's difference goes with a different number of micro-conversions."""

from __future__ import annotations

from microconv.deciding import Experiment, ExplainedShare, explained_share
from microconv.evidence.quantities import UNDEFINED, Estimate
from microconv.experiments.judge import Comparison, Judged, Outcome

_CLEAR = (Outcome.HIGHER, Outcome.LOWER)


def explained_by(found: Judged, compared: Comparison) -> Estimate:
    """The share that the micro-conversion accounts for inside the arms; undefined for the macro
    itself, and where the macro did not clearly move.
    """
    if compared.is_macro or found.outcome(compared.macro) not in _CLEAR:
        return UNDEFINED
    control, treated = (
        one.arm(compared.macro, compared.measure) for one in (found.control, found.variant)
    )
    weights = found.control.weight, found.variant.weight
    share = explained_share(
        Experiment(found.trial.name, control, treated, weights[0] / sum(weights))
    )
    return share.share if isinstance(share, ExplainedShare) else UNDEFINED
