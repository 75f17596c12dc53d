"""The words of the evidence: fills the templates with numbers and with the user's own labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from microconv.evidence.quantities import Estimate
from microconv.evidence.templates import CAUSAL, HEADLINES, REASONS, VALUES, VERDICTS
from microconv.evidence.value import GrossValue
from microconv.evidence.verdict import (
    LEAST_EXPOSED,
    LEAST_EXPOSED_CONVERTED,
    Evidence,
    Judgement,
    Reason,
    Verdict,
)
from microconv.output import count, interval, percentage, times


@dataclass(frozen=True)
class Wording:
    """The words for one micro-conversion and its macro.

    Args:
        did: Past tense after "visitors who", such as "opened the size guide".
        verb: The same after "did not", such as "open the size guide"; "do it" will do.
        converted: Past tense of the macro after "visitors who …", such as "bought".
        macro: The macro as a thing, such as "the purchase".
        horizon_days: Days within which the macro must follow.
    """

    did: str
    converted: str
    macro: str
    horizon_days: int
    verb: str = "do it"


def sentences(evidence: Evidence, judgement: Judgement, wording: Wording) -> tuple[str, ...]:
    """The verdict in words: headline, verdict, reasons, caveats.

    Returns:
        Plain sentences, the most important first. A gate, a follower and too few data get no lift.
    """
    fields = _fields(evidence, wording)
    if judgement.verdict is Verdict.CAUSAL:
        return (CAUSAL["headline"].format(**fields), CAUSAL["verdict"].format(**fields))
    said = [VERDICTS[judgement.verdict]]
    if judgement.verdict not in _WITHOUT_LIFT and Reason.HETEROGENEOUS not in judgement.reasons:
        # Where segments differ no one number stands for all of them.
        said = [*_headlines(evidence), *said]
    said += [REASONS[reason] for reason in (*judgement.reasons, *judgement.caveats)]
    return tuple(one.format(**fields) for one in said)


_WITHOUT_LIFT = (Verdict.INSUFFICIENT, Verdict.POST_MACRO_ONLY, Verdict.GATE)


def hidden_factor(evidence: Evidence, wording: Wording) -> str:
    """How strong a hidden factor would have to be, beside the strongest one measured."""
    key = "hidden_factor_alone" if evidence.yardstick is None else "hidden_factor"
    return HEADLINES[key].format(**_fields(evidence, wording))


def placebo(naive: Estimate, matched: Estimate) -> str:
    """What the usual comparison makes of an event that happens at random on the user's own data."""
    return HEADLINES["placebo"].format(naive=multiple(naive), headline=multiple(matched))


def gross(value: GrossValue, wording: Wording, currency: str) -> str:
    """The usual formula with its inputs."""
    return VALUES["gross"].format(
        rate=percentage(value.conversion_rate),
        order_value=money(value.average_order_value, currency),
        value=money(value.value.value, currency),
        low=money(value.value.low, currency),
        high=money(value.value.high, currency),
        did=wording.did,
    )


def money(amount: float, currency: str) -> str:
    """An amount, such as `30.00 USD`."""
    return f"{amount:,.2f} {currency}"


def multiple(estimate: Estimate) -> str:
    """A ratio with its interval, such as `1.44× [1.20, 1.72]`."""
    return times(estimate.value, estimate.low, estimate.high)


def _headlines(evidence: Evidence) -> list[str]:
    first = [HEADLINES["matched"]] if evidence.matched is not None else []
    if not evidence.is_in_session:
        first = [HEADLINES["off_session"]]
    return [*first, HEADLINES["naive"]]


def _fields(evidence: Evidence, wording: Wording) -> dict[str, str]:
    matched, yardstick = evidence.matched, evidence.yardstick
    return {
        "did": wording.did,
        "verb": wording.verb,
        "converted": wording.converted,
        "macro": wording.macro,
        "days": str(wording.horizon_days),
        "treated": percentage(matched.treated_rate) if matched else "–",
        "control": percentage(matched.control_rate) if matched else "–",
        "overlap": percentage(matched.overlap) if matched else "–",
        "silent_days": count(evidence.outage.silent_days),
        "days_with_visits": count(evidence.outage.days),
        "first_silent_day": str(evidence.outage.first_day),
        "last_silent_day": str(evidence.outage.last_day),
        "headline": multiple(evidence.headline),
        "naive": multiple(evidence.naive_lift),
        "odds": multiple(evidence.step_odds),
        "q": "–" if math.isnan(evidence.step_q) else f"{evidence.step_q:.2g}",
        "exposed": count(evidence.exposed),
        "exposed_converted": count(evidence.exposed_converted),
        "least_exposed": count(LEAST_EXPOSED),
        "least_converted": count(LEAST_EXPOSED_CONVERTED),
        "recall": interval(evidence.recall.value, evidence.recall.low, evidence.recall.high),
        "post_macro": percentage(evidence.post_macro_share),
        "checks": ", ".join(evidence.failed_checks),
        "e_value": times(evidence.e_value_limit),
        "factor": yardstick[0] if yardstick else "–",
        "yardstick": times(yardstick[1]) if yardstick else "–",
        "randomized": multiple(evidence.randomized) if evidence.randomized else "–",
    }
