"""One experiment: whether it may be read at all, and what each variant showed beside the control.

Chance decided who saw which variant, so a difference clear of chance belongs to the variant. What
chance did not decide stays outside: arms of wrong sizes, looks before the planned end, many
questions at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from microconv.deciding import (
    Guardrail,
    Peeking,
    SampleRatio,
    SampleSize,
    guardrail,
    limit_for_looks,
    peeking,
    sample_ratio_of,
    sample_size,
)
from microconv.deciding.experiments import LEAST_ARM, LEAST_SUCCESSES
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.proportions import newcombe, wilson
from microconv.evidence.quantities import UNDEFINED, Estimate, linear_estimate, two_sided_p
from microconv.evidence.ratios import mover_risk_ratio
from microconv.evidence.value import LEAST_ORDERS
from microconv.experiments.read import Counts, Trial, Variant

LEAST_Q = 0.05
RUNNING_DAYS = 7
"""Who has had no new visitor for a week has ended."""


class Outcome(StrEnum):
    """What may be said of one variant and one conversion."""

    HIGHER = "higher"
    LOWER = "lower"
    NO_DIFFERENCE = "no difference shown"
    EARLY = "too early"
    FEW = "too few"
    UNREADABLE = "not readable"


class Fault(StrEnum):
    """Why a whole experiment is not read."""

    SAMPLE_RATIO = "its arms do not have the sizes that were planned"
    ONE_VARIANT = "only one variant was seen"
    MANY_VARIANTS = "more variants were seen than are counted apart"
    NO_CONTROL = "nobody was seen in its control"
    UNPLANNED = "a variant was seen that its plan leaves out"
    NOBODY_FOLLOWED = "nobody was followed to the horizon yet"


@dataclass(frozen=True)
class Asked:
    """What the reader of an experiment wants to know.

    Args:
        mde: Relative change of the macro that should be found, such as 0.10.
        looks: How often the result was looked at.
        largest_drop: Relative drop of the macro that must be excluded.
    """

    mde: float
    looks: int
    largest_drop: float


@dataclass(frozen=True)
class Comparison:
    """One variant beside the control, in one conversion.

    Args:
        macro: The macro-conversion that it belongs to.
        measure: What was measured: the macro itself or a micro-conversion.
        control: Rate of the control with its interval.
        treated: Rate of the variant.
        counts: Followed visitors who did it: control, variant.
        outcome: What may be said.
        lift: Ratio of the rates; undefined where the outcome gives it no meaning.
        difference: Of the rates, the same.
        p_value: Two-sided, of two proportions; NaN likewise.
        q_value: After correction for all questions of its family.
    """

    macro: str
    measure: str
    control: Estimate
    treated: Estimate
    counts: tuple[float, float]
    outcome: Outcome
    lift: Estimate = UNDEFINED
    difference: Estimate = UNDEFINED
    p_value: float = math.nan
    q_value: float = math.nan

    @property
    def is_macro(self) -> bool:
        """Whether the macro itself was measured."""
        return self.macro == self.measure


@dataclass(frozen=True)
class Goal:
    """What belongs to one variant and one macro-conversion.

    Args:
        planned: Visitors per arm that the change asked for would need; None where it has no answer.
        peeking: What looking early does.
        guardrail: Whether the macro forbids to ship.
        revenue: Per followed visitor: control, variant; NaN with too few orders.
        revenue_difference: Variant less control.
    """

    planned: SampleSize | None
    peeking: Peeking
    guardrail: Guardrail
    revenue: tuple[float, float]
    revenue_difference: Estimate


@dataclass(frozen=True)
class Judged:
    """One variant of an experiment, judged.

    Args:
        trial: The experiment.
        control: Its control.
        variant: The variant.
        is_running: Whether somebody entered within the last week.
        sample_ratio: Of all arms of the experiment.
        goals: By macro-conversion.
        comparisons: Macros first.
    """

    trial: Trial
    control: Variant
    variant: Variant
    is_running: bool
    sample_ratio: SampleRatio
    goals: dict[str, Goal]
    comparisons: tuple[Comparison, ...]

    def outcome(self, macro: str) -> Outcome:
        """What may be said of the macro itself."""
        return next(one.outcome for one in self.comparisons if one.macro == one.measure == macro)


@dataclass(frozen=True)
class Unreadable:
    """An experiment that is not read, and why."""

    trial: Trial
    fault: Fault
    sample_ratio: SampleRatio


def ratio_of(trial: Trial) -> SampleRatio:
    """Whether all arms have their planned sizes, by everybody who is compared."""
    return sample_ratio_of(
        [one.exposed for one in trial.variants], [one.weight for one in trial.variants]
    )


def is_running(trial: Trial) -> bool:
    """Whether somebody entered within the last week."""
    last = trial.last_date
    return last is not None and (trial.as_of_date - last).days < RUNNING_DAYS


def judge(trial: Trial, asked: Asked) -> tuple[Judged, ...] | Unreadable:
    """Every variant beside the control, or why the experiment is not read."""
    ratio = ratio_of(trial)
    fault = _fault(trial, ratio)
    control = trial.control
    if fault is not None or control is None:
        return Unreadable(trial, fault or Fault.NO_CONTROL, ratio)
    running = is_running(trial)
    found = []
    for variant in trial.treated:
        goals = {
            macro: _goal(control, variant, macro, asked, trial)
            for macro, measure in control.counts
            if macro == measure
        }
        compared = tuple(
            _compare(control, variant, key, running and goals[key[0]].peeking.is_early)
            for key in sorted(control.counts, key=lambda key: (key[0] != key[1], key))
        )
        found.append(Judged(trial, control, variant, running, ratio, goals, compared))
    return _corrected(found, limit_for_looks(max(asked.looks, 1)))


def _fault(trial: Trial, ratio: SampleRatio) -> Fault | None:
    if trial.variant_count > len(trial.variants):
        return Fault.MANY_VARIANTS
    if trial.variant_count < 2:
        return Fault.ONE_VARIANT
    if any(math.isnan(one.weight) for one in trial.variants):
        return Fault.UNPLANNED
    if trial.control is None or not trial.control.exposed > 0:
        return Fault.NO_CONTROL
    if ratio.is_mismatch:
        return Fault.SAMPLE_RATIO
    if not all(one.followed > 0 for one in trial.variants):
        return Fault.NOBODY_FOLLOWED
    return None


def _compare(
    control: Variant, variant: Variant, key: tuple[str, str], is_early: bool
) -> Comparison:
    x0, x1 = control.counts[key].converted, variant.counts[key].converted
    n0, n1 = control.followed, variant.followed
    shown = Comparison(*key, wilson(x0, n0), wilson(x1, n1), (x0, x1), Outcome.EARLY)
    if min(n0, n1) < LEAST_ARM or min(x0, x1) < LEAST_SUCCESSES:
        return replace(shown, outcome=Outcome.FEW)
    if is_early:
        return shown
    return replace(
        shown,
        outcome=Outcome.NO_DIFFERENCE,
        lift=mover_risk_ratio(x1, n1, x0, n0),
        difference=newcombe(x1, n1, x0, n0),
        p_value=two_sided_p(pooled_z(x1, n1, x0, n0)),
    )


def pooled_z(successes1: float, trials1: float, successes0: float, trials0: float) -> float:
    """The z statistic of two proportions, pooled under the null; NaN where nothing can differ."""
    pooled = (successes1 + successes0) / (trials1 + trials0)
    variance = pooled * (1 - pooled) * (1 / trials1 + 1 / trials0)
    if not variance > 0:
        return math.nan
    return (successes1 / trials1 - successes0 / trials0) / math.sqrt(variance)


def _corrected(found: Sequence[Judged], limit: float) -> tuple[Judged, ...]:
    """Outcomes after correction: all macros of all variants are a family, all micros another."""
    places = [
        (row, place) for row, one in enumerate(found) for place in range(len(one.comparisons))
    ]
    rows = [list(one.comparisons) for one in found]
    for is_macro in (True, False):
        family = [at for at in places if rows[at[0]][at[1]].is_macro is is_macro]
        # A micro-conversion that is measured beside two macros is one question.
        asked: dict[tuple[int, str], float] = {}
        for row, place in family:
            one = rows[row][place]
            if math.isnan(asked.get((row, one.measure), math.nan)):
                asked[row, one.measure] = one.p_value
        q_values = benjamini_hochberg(list(asked.values()))
        q_of = dict(zip(asked, (float(q) for q in q_values), strict=True))
        for row, place in family:
            one = rows[row][place]
            rows[row][place] = _decided(one, q_of[row, one.measure], limit)
    return tuple(replace(one, comparisons=tuple(row)) for one, row in zip(found, rows, strict=True))


def _decided(one: Comparison, q_value: float, limit: float) -> Comparison:
    if one.outcome is not Outcome.NO_DIFFERENCE:
        return one
    # The limit of repeated looks is one of |z|; its p-value is that of a single look.
    if q_value < LEAST_Q and one.p_value < two_sided_p(limit):
        outcome = Outcome.HIGHER if one.difference.value > 0 else Outcome.LOWER
        return replace(one, outcome=outcome, q_value=q_value)
    return replace(one, q_value=q_value)


def _goal(control: Variant, variant: Variant, macro: str, asked: Asked, trial: Trial) -> Goal:
    none, some = control.counts[macro, macro], variant.counts[macro, macro]
    visitors = 2 * min(control.followed, variant.followed)
    per_week = 2 * min(control.exposed, variant.exposed) / _weeks(trial)
    rate = none.converted / control.followed
    planned = sample_size(rate, asked.mde, per_week) if per_week > 0 else None
    size = planned if isinstance(planned, SampleSize) else None
    revenue = _per_visitor(none, control), _per_visitor(some, variant)
    return Goal(
        size,
        peeking(asked.looks, visitors, size.per_arm if size else math.inf, per_week),
        guardrail(
            some.converted, variant.followed, none.converted, control.followed, asked.largest_drop
        ),
        (revenue[0].value, revenue[1].value),
        _difference(revenue[1], revenue[0]),
    )


def _weeks(trial: Trial) -> float:
    """How long visitors entered, at least a day."""
    first = min((one.first_date for one in trial.variants if one.first_date), default=None)
    last = trial.last_date
    return ((last - first).days + 1) / 7 if first and last else 1 / 7


def _per_visitor(counts: Counts, variant: Variant) -> Estimate:
    """Mean revenue per followed visitor; `low` and `high` hold it ± one standard error."""
    if counts.converted < LEAST_ORDERS or not counts.revenue > 0:
        return UNDEFINED
    mean = counts.revenue / variant.followed
    variance = max(counts.revenue_squared / variant.followed - mean**2, 0.0)
    error = math.sqrt(variance / variant.followed)
    return Estimate(mean, mean - error, mean + error)


def _difference(treated: Estimate, control: Estimate) -> Estimate:
    error = math.hypot(treated.value - treated.low, control.value - control.low)
    return linear_estimate(treated.value - control.value, error)
