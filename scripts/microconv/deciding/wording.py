"""The words of deciding: which metric, how long, what must be believed, what must not be read."""

from __future__ import annotations

import math

from microconv.deciding.experiments import Peeking, SampleRatio
from microconv.deciding.power import SampleSize
from microconv.deciding.proxy import USUAL_SPREAD, Guardrail, Plan, Recommendation, Status
from microconv.deciding.validation import LEAST_EXPERIMENTS, Validation, Validity
from microconv.evidence.refusal import Refusal
from microconv.output import count, percentage, times

_STATUSES = {
    Status.MACRO: "Decide by {macro} itself: {macro_weeks} find a change of {mde}.",
    Status.VALIDATED: "Decide by {choice}, which past experiments validated: {weeks} are enough, "
    "{macro} would need {macro_weeks}.",
    Status.UNVALIDATED: "{choice} may stand in for {macro}: {weeks} find the {needed} that a "
    "change of {mde} of {macro} would need, which itself would need {macro_weeks}. It is an "
    "unvalidated proxy: that a change of the one brings a change of the other must be believed.",
    Status.NONE: "No metric is both close enough to {macro} and fast enough; {macro} itself needs "
    "{macro_weeks}.",
}

_VALIDITIES = {
    Validity.VALIDATED: "Validated by {tests} past experiments: true lifts correlate with {r}, "
    "more than the {even} that it takes.",
    Validity.NOT_VALIDATED: "{tests} past experiments do not validate it: their true lifts are not "
    "shown to go together closely enough.",
    Validity.NO_VARIATION: "{tests} past experiments say nothing: hardly any of them moved both "
    "metrics by more than chance.",
    Validity.TOO_FEW: "{tests} past experiments are too few to say anything ({least} are needed); "
    "both lifts point the same way in {same}.",
}


def sample_size_sentence(found: SampleSize | Refusal) -> str:
    """Visitors and time for one question."""
    if isinstance(found, Refusal):
        return " ".join(found.reasons)
    return (
        f"To find a change of {found.lift:+.0%} of {percentage(found.rate)}, each arm needs "
        f"{count(math.ceil(found.per_arm))} visitors: {_weeks(found.weeks)} at this traffic."
    )


def recommendation_sentences(found: Recommendation | Refusal, mde: float) -> tuple[str, ...]:
    """Which metric, what must be believed of it, and the guardrail that always stands."""
    if isinstance(found, Refusal):
        return found.reasons
    choice, macro = found.choice or found.macro, found.macro
    said = [
        _STATUSES[found.status].format(
            choice=choice.name,
            macro=macro.name,
            weeks=_weeks(choice.weeks_needed),
            macro_weeks=_weeks(macro.weeks),
            mde=f"{mde:.0%}",
            needed=f"{choice.lift_needed[1.0]:+.0%}",
        )
    ]
    if found.status is Status.UNVALIDATED:
        said.append(belief(choice, macro))
    if found.status in (Status.UNVALIDATED, Status.VALIDATED):
        said.append(
            f"Keep {macro.name} as a guardrail: ship only if its 80 % interval excludes the drop "
            "that you would not accept."
        )
    return tuple(said)


def belief(choice: Plan, macro: Plan) -> str:
    """The correlation of true lifts that must be believed."""
    even = choice.break_even[USUAL_SPREAD]
    if not even <= 1:
        return f"{choice.name} never decides better than {macro.name} with so many visitors."
    return (
        f"It decides better than {macro.name} only if true lifts of the two correlate with more "
        f"than {even:.2f}."
    )


def guardrail_sentence(found: Guardrail, macro: str) -> str:
    """Whether the macro allows to ship."""
    ratio, drop = found.ratio, f"{found.largest_drop:.0%}"
    if math.isnan(ratio.value):
        return f"Nothing was counted of {macro}, so nothing may be shipped."
    shown = times(ratio.value, ratio.low, ratio.high)
    if found.allows:
        return f"{macro}: {shown}, so a drop of more than {drop} is excluded (80 % interval)."
    return f"{macro}: {shown}, so a drop of {drop} is not excluded (80 % interval): do not ship."


def sample_ratio_sentence(found: SampleRatio) -> str:
    """Whether arms have the sizes they should have."""
    if math.isnan(found.p_value):
        return "Nobody was seen in this experiment."
    if found.is_mismatch:
        return (
            "The arms do not have the sizes that were planned: something sends or loses visitors, "
            "so no result of this experiment may be read."
        )
    return "The arms have the sizes that were planned, as far as chance allows."


def peeking_sentence(found: Peeking) -> str:
    """What looking early does to a result."""
    if not found.warns:
        return "The planned number of visitors was reached and the result looked at once."
    said = []
    if found.looks > 1:
        said.append(
            f"With {found.looks} looks at 5 % each, chance alone is significant at one of them in "
            f"{found.false_alarm_rate:.0%}; each look must exceed |z| = {found.limit:.2f}."
        )
    if found.is_early:
        said.append(
            f"The planned number of visitors is not reached: {_weeks(found.weeks_left)} are left."
        )
    return " ".join(said)


def validation_sentence(found: Validation | Refusal) -> str:
    """What past experiments say of a proxy."""
    if isinstance(found, Refusal):
        return " ".join(found.reasons)
    r = found.correlation
    return _VALIDITIES[found.validity].format(
        tests=len(found.lifts),
        r=f"{r.value:.2f} [{r.low:.2f}, {r.high:.2f}]",
        even=f"{found.break_even:.2f}",
        least=LEAST_EXPERIMENTS,
        same=percentage(found.same_sign.value),
    )


def _weeks(weeks: float) -> str:
    if not math.isfinite(weeks):
        return "no number of weeks"
    return "1 week" if weeks <= 1 else f"{math.ceil(weeks - 1e-9):,} weeks"
