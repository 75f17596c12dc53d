"""The words of the evidence: every sentence a person reads comes from a template in this module.

Below `causal` no template says that a micro-conversion brings about anything; a test reads them
all. Labels are the user's own words and pass through as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from microconv.evidence.quantities import Estimate
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

LIMITS = (
    "Observational: visitors chose what they did, and why they did it is not in the data.",
    "Visitors are cookies or log-ins; people on two devices or without consent are missing.",
    "One site's history: another site, season or campaign may differ.",
    "Comparable visitors may do it later, which makes the matched lift cautious.",
    "The next-step odds ratio compares visits that got as far, so what keeps people browsing is "
    "not in it.",
    "The last bins of depth and age are wide; within them visitors are less alike.",
)

HEADLINES = {
    "matched": "{treated} of visitors who {did} {converted} later within {days} days, {control} of "
    "comparable visitors at the same point of the visit: {headline}.",
    "off_session": "With visitors who {did} the odds of the next step ending in {macro} were "
    "{headline} those of comparable visitors who had not.",
    "naive": "Counted without regard to when, it looks like {naive}.",
    "hidden_factor": "A hidden factor would need to go with both the action and {macro} by "
    "{e_value} to explain this away; your strongest measured factor ({factor}) does {yardstick}.",
    "hidden_factor_alone": "A hidden factor would need to go with both the action and {macro} by "
    "{e_value} to explain this away.",
    "placebo": "On your data a made-up event that happens at random looks like {naive}; like for "
    "like it is {headline}.",
}

VERDICTS = {
    Verdict.INSUFFICIENT: "Too few data for a number.",
    Verdict.POST_MACRO_ONLY: "It follows {macro} and cannot announce it.",
    Verdict.GATE: "It is a step on the way to {macro}: its step rate and value matter, a "
    "comparison with visitors who did not {verb} means nothing.",
    Verdict.NO_EVIDENCE: "No difference from comparable visitors is shown.",
    Verdict.EXPLAINED: "Visitors who are busy or of the right segment do more of everything: "
    "{naive} becomes {headline} among comparable visitors, and {odds} at the next step.",
    Verdict.UNSTABLE: "The numbers contradict each other, so none of them stands for all.",
    Verdict.REVERSED: "Visitors who {did} {converted} less often than comparable visitors.",
    Verdict.TENTATIVE: "It goes with {macro}, but a check of the data failed: take it as a "
    "question, not as an answer.",
    Verdict.PREDICTIVE: "It announces {macro}. That does not say that more of it would bring more.",
    Verdict.ROBUST: "It announces {macro}, in the newest data too, and a hidden factor would have "
    "to be stronger than any that was measured. Only an experiment can say whether more of it "
    "would bring more.",
}

REASONS = {
    Reason.FEW_EXPOSED: "{exposed} visitors did it and were followed for {days} days; "
    "{least_exposed} are needed.",
    Reason.FEW_EXPOSED_CONVERTED: "{exposed_converted} of them {converted} afterwards; "
    "{least_converted} are needed.",
    Reason.NO_FOLLOW_UP: "Nobody was followed for {days} days yet.",
    Reason.NO_COMPARABLE: "Too few visitors at the same point of the visit had not done it yet.",
    Reason.AFTER_THE_MACRO: "{post_macro} of the times that visitors who {converted} did it came "
    "after {macro}.",
    Reason.NEVER_BEFORE_THE_MACRO: "It never happened before {macro}.",
    Reason.ALMOST_EVERY_MACRO: "It came before {recall} of all first times of {macro}.",
    Reason.STEP_NOT_CLEAR: "The next-step odds ratio {odds} is not clear of chance after "
    "correction for all comparisons (q = {q}).",
    Reason.MATCHED_COVERS_ONE: "The interval of the matched lift {headline} holds 1.",
    Reason.NAIVE_IS_LARGE: "The usual comparison ignores how long visitors stayed and who they "
    "are.",
    Reason.SIGNS_DISAGREE: "The matched lift {headline} and the next-step odds ratio {odds} point "
    "in different directions.",
    Reason.SIMPSON: "All visitors together point one way and segment by segment the other "
    "(Simpson's paradox).",
    Reason.HETEROGENEOUS: "Segments differ clearly: read the values per segment.",
    Reason.BOT_SENSITIVE: "Letting robots in changes the number.",
    Reason.STEP_CLEAR: "The next-step odds ratio {odds} is clear of 1 after correction for all "
    "comparisons (q = {q}).",
    Reason.BELOW_ONE: "{headline} lies below 1, and the next-step odds ratio {odds} agrees.",
    Reason.ABOVE_ONE: "{headline} lies above 1, and the next-step odds ratio {odds} agrees.",
    Reason.CHECK_FAILED: "Design check failed ({checks}): robots, duplicated events or the choice "
    "of clock.",
    Reason.ABOVE_YARDSTICK: "A hidden factor of {e_value} would be needed, more than {factor} with "
    "{yardstick}.",
    Reason.BELOW_YARDSTICK: "A hidden factor of {e_value} would do, and {factor} already has "
    "{yardstick}.",
    Reason.NO_YARDSTICK: "No factor was measured often enough to say how strong a hidden one "
    "may be.",
    Reason.HOLDS_OUT_OF_TIME: "The last third of the time alone shows it too.",
    Reason.FAILS_OUT_OF_TIME: "The last third of the time alone does not show it.",
    Reason.OFF_SESSION: "It does not happen on a page, so visitors cannot be matched on it; the "
    "next-step odds ratio speaks.",
    Reason.LITTLE_OVERLAP: "Only {overlap} of those who did it have comparable visitors.",
    Reason.RANDOMIZED_UNCLEAR: "An experiment on it found {randomized}, which is not clear of 1.",
}

VALUES = {
    "gross": "{rate} × {order_value} per order = {value} [{low}, {high}] per visitor who {did}, "
    "whatever made them buy.",
    "incremental": "{value} [{low}, {high}] more than comparable visitors spent.",
    "opportunity": "{value} [{low}, {high}] a month for 10 % more of it, if the extra visitors "
    "behave like current ones.",
    "top_heavy": "The largest hundredth of buyers holds {top_share} of this revenue; without them "
    "the value is {trimmed}.",
    "no_money": "{macro} carries no money, so nothing that comes before it gets a value; a "
    "value_rule in the catalog would give it one.",
    "not_comparable": "No incremental value: {why}",
    "off_session": "it does not happen on a page, so there are no comparable visitors.",
    "no_sum": "One order follows several actions, so values of different actions never add up.",
    "few_orders": "{orders} orders follow it; {least_orders} are needed for a value.",
}

CHECKS = {
    "placebo_ok": "{said}",
    "placebo_failed": "{said} It should not differ from comparable visitors (q = {q}): robots, "
    "duplicated events or the choice of clock.",
    "placebo_unknown": "Too few data for a made-up event that happens at random.",
    "same_step_ok": "At most {share} of first macros fall on the very step of a first action.",
    "same_step_failed": "More than {limit} of first macros fall on the very step of the first "
    "action ({names}; at most {share}): the clock is too coarse for these.",
    "overlap_ok": "At least {share} of those who did something have comparable visitors.",
    "overlap_note": "Under {limit} of those who did it have comparable visitors ({names}; at least "
    "{share}): the comparison is of a part.",
    "bots": "{bots} suspected robots are left out ({share} of all by {subject}).",
    "bots_sensitive": "With them these numbers would differ: {names}.",
    "safari_ok": "{share} use Safari, which forgets cookies after {days} days.",
    "safari_note": "{share} use Safari, which forgets cookies after {days} days: whoever returns "
    "later counts as somebody else, and what came before is lost.",
    "consent_ok": "{share} of events came without consent and belong to nobody.",
    "consent_note": "{share} of events came without consent and belong to nobody: these visitors "
    "may differ.",
    "lookback_ok": "The {days} days before the window are loaded.",
    "lookback_note": "{missing} of the {days} days before the window are not loaded, so some first "
    "times may be later ones.",
}

HEADINGS = {
    "ranking": "What announces {macro} within {days} days, as of {as_of}",
    "reliability": "How reliably each announces it (95 % Wilson intervals)",
    "late_only": "AUC, phi and IV are of late conversions only: {share} of first macros fall after "
    "the landmark.",
    "lags": "When it tells: odds of the next step by the time since",
    "segments": "Where segments differ: read these, not the one number for all",
    "checks": "Self-check: the design against your own data",
    "capped": "Failed: {checks}. No verdict that rests on it rises above “predictive?”.",
    "joint": "All together, for prediction only",
    "limits": "Limits",
    "value": "What goes with {macro} within {days} days, in US dollars per visitor who did it",
}

JOINT = {
    "purpose": "For prediction only: an odds ratio given all others is what is left after later "
    "steps of the same path, so it does not say what matters. Given earlier stages is the fairer "
    "question. Share is of what all together add (Shapley).",
    "collinear": "VIF above 10 (!): others say nearly the same, so its own number is unsure.",
    "none": "No joint model: the micro-conversions repeat each other or the segments.",
    "left_out": "Not in the joint model: {label}, {reason}.",
}

REFUSALS = {
    "empty": "The export holds no event that could be measured, so there is nothing to say.",
    "no_macro": "No visitor reached {macro} up to {as_of}, so nothing can be said of what comes "
    "before it.",
    "no_follow_up": "The data cover {covered} up to {as_of}; nobody was followed for {days} days "
    "yet, so no micro-conversion can be judged for {macro}.",
    "no_micro": "The catalog holds no micro-conversion to hold against {macro}.",
    "unknown_macro": "There is no macro-conversion “{macro}”; there are {known}.",
}

CAUSAL = {
    "headline": "In a randomised comparison, {macro} became {randomized} as frequent.",
    "verdict": "Chance decided who did it, so this is an effect: it causes the difference.",
}


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
    if judgement.verdict not in _WITHOUT_LIFT:
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
        "headline": multiple(evidence.headline),
        "naive": multiple(evidence.naive_lift),
        "odds": multiple(evidence.step_odds),
        "q": "–" if math.isnan(evidence.step_q) else f"{evidence.step_q:.2g}",
        "exposed": _count(evidence.exposed),
        "exposed_converted": _count(evidence.exposed_converted),
        "least_exposed": _count(LEAST_EXPOSED),
        "least_converted": _count(LEAST_EXPOSED_CONVERTED),
        "recall": interval(evidence.recall.value, evidence.recall.low, evidence.recall.high),
        "post_macro": percentage(evidence.post_macro_share),
        "checks": ", ".join(evidence.failed_checks),
        "e_value": times(evidence.e_value_limit),
        "factor": yardstick[0] if yardstick else "–",
        "yardstick": times(yardstick[1]) if yardstick else "–",
        "randomized": multiple(evidence.randomized) if evidence.randomized else "–",
    }


def _count(number: float) -> str:
    return count(None if math.isnan(number) else number)
