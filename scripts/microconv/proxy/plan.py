"""The plan of every macro-conversion: planning numbers (M12) and the recommendation (M13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from microconv.aggregates.types import Conversion
from microconv.deciding import (
    Candidate,
    Plan,
    Recommendation,
    Status,
    break_even_correlation,
    recommend,
)
from microconv.deciding.experiments import LEAST_SUCCESSES
from microconv.evidence.quantities import UNDEFINED
from microconv.evidence.refusal import Refusal
from microconv.evidence.verdict import Verdict
from microconv.proxy.read import Basis, Known, Window

_UNKNOWN = "nothing is known yet of how it goes with the macro"
_NO_EVIDENCE = Known(Verdict.INSUFFICIENT, UNDEFINED)


@dataclass(frozen=True)
class Planned:
    """One macro-conversion and the metrics that might stand in for it.

    Args:
        macro: Its name.
        found: The recommendation, or why there is none.
        has_evidence: Whether anything is known of the micro-conversions; else only their own
            planning numbers count.
    """

    macro: str
    found: Recommendation | Refusal
    has_evidence: bool


def plans_of(
    basis: Basis,
    conversions: Mapping[str, Conversion],
    macros: Sequence[str],
    mde: float,
    most_weeks: float,
) -> list[Planned]:
    """A plan per macro-conversion."""
    return [_plan(basis, conversions, macro, mde, most_weeks) for macro in macros]


def _plan(
    basis: Basis, conversions: Mapping[str, Conversion], macro: str, mde: float, weeks: float
) -> Planned:
    window, rate = basis.window, basis.rates.get(macro)
    has_evidence = any(name == macro for name, _ in basis.known)
    if window is None or rate is None or not window.subjects > 0:
        return Planned(macro, _no_window(window), has_evidence)
    if rate.converted < LEAST_SUCCESSES:
        return Planned(
            macro,
            Refusal.because(
                f"{rate.converted:,.0f} of {window.subjects:,.0f} visitors converted within "
                f"{window.horizon_days:g} days; {LEAST_SUCCESSES} are needed to plan with."
            ),
            has_evidence,
        )
    macro_rate = rate.converted / window.subjects
    per_arm = weeks * window.per_week / 2
    candidates = [
        _candidate(basis, conversions, macro, name, macro_rate, per_arm)
        for name, one in basis.rates.items()
        if not one.is_macro and one.converted >= LEAST_SUCCESSES
    ]
    found = recommend(macro, macro_rate, candidates, window.per_week, mde, weeks)
    if isinstance(found, Recommendation):
        found = _with_unknown(found, {name for one, name in basis.known if one == macro})
    return Planned(macro, found, has_evidence)


def _candidate(
    basis: Basis,
    conversions: Mapping[str, Conversion],
    macro: str,
    name: str,
    macro_rate: float,
    per_arm: float,
) -> Candidate:
    assert basis.window is not None
    known = basis.known.get((macro, name), _NO_EVIDENCE)
    rate = basis.rates[name].converted / basis.window.subjects
    correlation = basis.validated.get((macro, name), UNDEFINED)
    # It was validated for experiments of another size: asked again for this one.
    is_validated = 0 < rate < 1 and correlation.low > break_even_correlation(
        macro_rate, rate, per_arm
    )
    return Candidate(
        name,
        conversions[name].stage_number if name in conversions else 0,
        rate,
        known.lift,
        known.verdict,
        is_validated,
    )


def _with_unknown(found: Recommendation, known: set[str]) -> Recommendation:
    """Nothing seen is another thing than too little seen."""
    return replace(
        found,
        plans=tuple(
            one if one.name in known else replace(one, excluded=_UNKNOWN) for one in found.plans
        ),
    )


def _no_window(window: Window | None) -> Refusal:
    if window is None:
        return Refusal.because("The catalog has no conversion to plan with.")
    return Refusal.because(
        f"Nobody was followed for {window.horizon_days:g} days: more days must be loaded than that "
        "before an experiment can be planned."
    )


def is_choice(found: Recommendation, plan: Plan) -> bool:
    """Whether this is the recommended metric."""
    return found.status is not Status.NONE and found.choice == plan
