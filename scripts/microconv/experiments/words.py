"""The words of `microconv experiments`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from microconv.aggregates.types import Conversion
from microconv.correlate.words import label_of
from microconv.deciding import guardrail_sentence, peeking_sentence, sample_ratio_sentence
from microconv.deciding.experiments import LEAST_ARM, LEAST_SUCCESSES
from microconv.deciding.validation import LEAST_EXPERIMENTS
from microconv.evidence.quantities import Estimate
from microconv.experiments.judge import Comparison, Fault, Judged, Outcome, Unreadable
from microconv.output import count, percentage, times

RANDOMISED = (
    "Chance decided who saw which variant, so a difference that is clear of chance is the "
    "variant's. It holds for these visitors, in these weeks, within the horizon."
)
MULTIPLE = (
    "q corrects for all questions of an experiment: its macro-conversions are one family, its "
    "micro-conversions another."
)
SAID = {
    Outcome.HIGHER: "{measure} was more frequent with {variant}: {lift}.",
    Outcome.LOWER: "{measure} was less frequent with {variant}: {lift}.",
    Outcome.NO_DIFFERENCE: "No difference in {measure} is shown: {lift}. That is not the same as "
    "no difference.",
    Outcome.EARLY: "It is too early to compare {measure}: the experiment still runs and the "
    "planned number of visitors is not reached.",
    Outcome.FEW: "Too few data on {measure}: each variant needs {least_arm} followed visitors and "
    "{least_successes} who did it.",
    Outcome.UNREADABLE: "{measure} is not compared: {fault}.",
}
EXPLAINED = (
    "{share} of the difference in {macro} goes with a different number of {micro}: an association "
    "inside the arms, where visitors chose, and no proof that it went through there."
)
REJECTIONS = {
    "nothing_said": "say nothing",
    "control_characters": "hold control characters",
    "personal_data": "held an e-mail address",
    "placeholder": "hold a placeholder such as (not set)",
    "not_three_parts": "are not tool-experiment-variant",
    "no_experiment": "name no experiment",
    "no_variant": "name no variant",
    "too_long": "hold a name of more than 100 characters",
}
SAME_VISITORS = (
    "Both lifts count the same visitors, so they point the same way in more than half of "
    "experiments that changed nothing. Verdicts are on true lifts, without that chance; "
    f"{LEAST_EXPERIMENTS} experiments are needed for one."
)
NOTHING = (
    "No exposure to an experiment was found. The seed experiment_events says which events hold one "
    "(docs/experiments_and_proxies.md)."
)


def outcome_sentence(one: Comparison, label: str, variant: str) -> str:
    """What one comparison says."""
    lift = times(one.lift.value, one.lift.low, one.lift.high)
    shown = f"{percentage(one.treated.value)} against {percentage(one.control.value)}, {lift}"
    return SAID[one.outcome].format(
        measure=f"“{label}”",
        variant=variant,
        lift=shown,
        least_arm=LEAST_ARM,
        least_successes=LEAST_SUCCESSES,
    )


def explained_sentence(
    share: Estimate, one: Comparison, conversions: Mapping[str, Conversion]
) -> str:
    """How much of the macro's difference goes with the micro-conversion; empty where undefined."""
    if not share.has_interval:
        return ""
    return EXPLAINED.format(
        share=f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]",
        macro=f"“{label_of(one.macro, conversions)}”",
        micro=f"“{label_of(one.measure, conversions)}”",
    )


def fault_sentence(found: Unreadable) -> str:
    """Why an experiment is not read."""
    said = f"{found.trial.name} is not read: {found.fault}."
    if found.fault is Fault.SAMPLE_RATIO:
        seen = ", ".join(f"{one.name} {count(one.exposed)}" for one in found.trial.variants)
        said += f" Visitors: {seen} (p = {found.sample_ratio.p_value:.1g})."
        said += " " + sample_ratio_sentence(found.sample_ratio)
    elif found.fault is Fault.UNPLANNED:
        said += " List it in experiment_variants, or take the experiment out of the list."
    elif found.fault is Fault.NO_CONTROL:
        said += " The seed experiment_variants says which variant is the control."
    return said


def people_sentence(found: Judged) -> str:
    """Who is compared and who is not."""
    arms = (found.control, found.variant)
    waiting = sum(one.exposed - one.followed for one in arms)
    said = [
        f"{arms[0].name}: {count(arms[0].followed)} visitors, {arms[1].name}: "
        f"{count(arms[1].followed)}, each followed for {found.trial.horizon_days:g} days."
    ]
    if waiting:
        said.append(f"{count(waiting)} more are not followed so long yet.")
    switched = sum(one.switched for one in found.trial.variants)
    if switched:
        said.append(f"{count(switched)} saw two variants and are compared with nobody.")
    consentless = sum(one.consentless for one in found.trial.variants)
    if consentless:
        said.append(f"{count(consentless)} exposures without consent are nobody's.")
    return " ".join(said)


def goal_sentences(found: Judged, macro: str, label: str) -> list[str]:
    """Looking early, the guardrail, and money."""
    goal, outcome = found.goals[macro], found.outcome(macro)
    said: list[str] = []
    if outcome is Outcome.FEW:
        return said
    if goal.peeking.looks > 1 or (goal.peeking.is_early and found.is_running):
        said.append(peeking_sentence(goal.peeking))
    if goal.planned is not None and goal.peeking.is_early and not found.is_running:
        said.append(
            f"It ended before the {count(math.ceil(goal.planned.per_arm))} visitors per variant "
            f"that finding a change of {goal.planned.lift:.0%} takes."
        )
    if outcome is Outcome.EARLY:
        return said
    said.append(guardrail_sentence(goal.guardrail, f"“{label}”"))
    if not math.isnan(goal.revenue_difference.value):
        difference = goal.revenue_difference
        said.append(
            f"Per visitor {goal.revenue[1]:,.2f} USD against {goal.revenue[0]:,.2f}: "
            f"{difference.value:+,.2f} [{difference.low:+,.2f}, {difference.high:+,.2f}]."
        )
    return said


def cells(one: Comparison, label: str) -> list[str]:
    """One comparison as a line of the table."""
    q_value = "–" if math.isnan(one.q_value) else f"{one.q_value:.3f}"
    return [
        label,
        percentage(one.control.value),
        percentage(one.treated.value),
        times(one.lift.value, one.lift.low, one.lift.high),
        q_value,
        str(one.outcome),
    ]
