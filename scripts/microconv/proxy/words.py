"""The words of `microconv proxy`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from microconv.aggregates.types import Conversion
from microconv.correlate.words import label_of
from microconv.deciding import Plan, Recommendation, Status, recommendation_sentences
from microconv.deciding.proxy import USUAL_SPREAD
from microconv.evidence.refusal import Refusal
from microconv.output import count, percentage
from microconv.proxy.plan import Planned, is_choice
from microconv.proxy.read import Window

CAVEATS = (
    "The weaker a micro-conversion goes with the macro, the easier it is to move and the faster it "
    "looks: weeks alone choose the wrong metric. “Share” is the most of the macro that can move "
    "through it, and “needed” the change of it that would take.",
    "All of this is planning. What visitors did on their own does not show that a change of the "
    "one brings a change of the other; only past experiments do (`microconv experiments`).",
)
LEGEND = "→ recommended. * no other metric is both faster and carries as large a share."
NO_EVIDENCE = (
    "Without the evidence no micro-conversion can be recommended, only planned for by itself."
)


def labelled(found: Recommendation, conversions: Mapping[str, Conversion]) -> Recommendation:
    """The same with labels for names, for sentences."""

    def named(plan: Plan) -> Plan:
        return replace(plan, name=f"“{label_of(plan.name, conversions)}”")

    return replace(
        found, choice=named(found.choice) if found.choice else None, macro=named(found.macro)
    )


def advice(planned: Planned, conversions: Mapping[str, Conversion], mde: float) -> tuple[str, ...]:
    """The recommendation in sentences."""
    if isinstance(planned.found, Refusal):
        return planned.found.reasons
    said = recommendation_sentences(labelled(planned.found, conversions), mde)
    if planned.has_evidence or planned.found.status is not Status.NONE:
        return said
    return (*said, NO_EVIDENCE)


def window_sentence(window: Window) -> str:
    """What the rates are of."""
    return (
        f"{count(window.subjects)} visitors came from {window.start} to {window.end} "
        f"({window.days} days), {count(window.per_week)} a week; rates are of "
        f"{window.horizon_days:g} days after the first visit in that time, as if an experiment had "
        "begun there."
    )


def cells(found: Recommendation, plan: Plan, label: str) -> list[str]:
    """One metric as a line of the table."""
    is_macro = plan.name == found.macro.name
    is_shown = is_macro or not plan.excluded
    mark = "→ " if is_choice(found, plan) else "* " if plan.name in found.pareto else ""
    even = plan.break_even[USUAL_SPREAD]
    return [
        mark + label,
        percentage(plan.rate),
        _weeks(plan.weeks),
        percentage(plan.share) if is_shown and not is_macro else "–",
        _change(plan.lift_needed[1.0]) if is_shown else "–",
        _weeks(plan.weeks_needed) if is_shown else "–",
        "–" if is_macro or math.isnan(even) else "never" if even > 1 else f"{even:.2f}",
    ]


def pass_through_sentence(plan: Plan, label: str) -> str:
    """What happens to the change needed where not all of it arrives."""
    half, quarter = (_change(plan.lift_needed[q]) for q in (0.5, 0.25))
    return (
        f"“{label}”: if only half of what the extra visitors add arrives at the macro, it takes "
        f"{half}; of a quarter {quarter}."
    )


def _weeks(weeks: float) -> str:
    return f"{weeks:,.1f}" if math.isfinite(weeks) else "∞"


def _change(lift: float) -> str:
    return f"{lift:+.0%}" if math.isfinite(lift) else "∞"
