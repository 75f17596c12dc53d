"""Prints cohorts for people: by first week, then behaviour by behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.cohorts.compare import WEEK_DAYS, Compared, MacroCohorts, Outcome, Standing
from microconv.cohorts.read import Cell
from microconv.cohorts.words import LIMITS, TEMPLATES, behaviour_label, difference, sentences_of
from microconv.correlate.words import label_of
from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.evidence.value import LEAST_ORDERS
from microconv.evidence.wording import multiple
from microconv.watching.cohorts import (
    LEAST_VISITORS,
    BehaviourComparison,
    CohortRate,
    cohort_table,
)

_MOST_WEEKS = 13
_SHOWN_AGES = (1, 2, 4, 8)  # weeks after the landmark in which visitors may be seen again


def show(found: MacroCohorts, conversions: Mapping[str, Conversion], wanted: Sequence[str]) -> None:
    """Print everything about one macro; of behaviours those that are wanted."""
    _by_week(found, conversions)
    shown = [one for one in found.compared if one.behaviour in wanted]
    if not found.compared:
        output.say_sentence(TEMPLATES["no_week"].format(days=f"{found.basis.horizon_days:g}"))
        output.say()
    for outcome, heading in (
        (Outcome.CONVERSION, "By early behaviour: {macro} after the landmark"),
        (Outcome.RETURN, "By early behaviour: seen again in the last week of the horizon"),
    ):
        rows = [
            _row(one, one.result, conversions)
            for one in shown
            if one.outcome is outcome and not isinstance(one.result, Refusal)
        ]
        if rows:
            title = heading.format(macro=label_of(found.basis.macro_name, conversions))
            headings = ["Behaviour", "", "With", "Without", "Difference", "Like for like", "q"]
            output.print_table(title, headings, rows, left_columns=2)
    for one in shown:
        # The table says it all of what is not clear; who names one wants to read of it.
        if _is_clear(one) or (len(wanted) == 1 and not isinstance(one.result, Refusal)):
            label = behaviour_label(one.behaviour, conversions)
            said = " ".join(sentences_of(one, found, conversions))
            output.say_sentence(f"{label}: {said}")
            output.say()
    _refusals(shown, conversions)


def show_limits() -> None:
    """Print what no cohort can say."""
    output.say("Limits")
    for limit in LIMITS:
        output.say_sentence(f"- {limit}")
    output.say()


def _by_week(found: MacroCohorts, conversions: Mapping[str, Conversion]) -> None:
    horizon = round(found.basis.horizon_days)
    at_horizon = [cell for cell in found.cells if cell.age_days == horizon][-_MOST_WEEKS:]
    if not at_horizon:
        return
    table = cohort_table([cell.cohort for cell in at_horizon], found.basis.as_of_date)
    seen = {(cell.week, cell.age_days): cell for cell in found.cells}
    weeks = [week for week in _SHOWN_AGES if any(key[1] == week * WEEK_DAYS for key in seen)]
    rows = [
        [
            f"{one.first_day:%Y-%m-%d}",
            output.count(one.visitors),
            output.count(one.early),
            *_outcomes(one, cell),
            *(_retention(seen.get((one.first_day, week * WEEK_DAYS))) for week in weeks),
        ]
        for one, cell in zip(table, at_horizon, strict=True)
    ]
    label = label_of(found.basis.macro_name, conversions)
    title = f"New visitors by first week: {label} within {horizon} days of the landmark"
    headings = ["First week", "Visitors", "Before", "After", "USD each"]
    output.print_table(title, [*headings, *(f"Week {week}" for week in weeks)], rows)
    output.say_sentence(TEMPLATES["by_week"].format(orders=LEAST_ORDERS))
    output.say()


def _outcomes(one: CohortRate, cell: Cell) -> list[str]:
    if one.blank:
        return [one.blank, "–"]
    revenue = one.revenue
    if cell.converted < LEAST_ORDERS or not (revenue.has_interval and revenue.value > 0):
        return [_interval(one.rate), "–"]
    return [_interval(one.rate), f"{revenue.value:,.2f} [{revenue.low:,.2f}, {revenue.high:,.2f}]"]


def _retention(cell: Cell | None) -> str:
    if cell is None or not cell.is_complete or cell.visitors < LEAST_VISITORS:
        return "–"
    return output.percentage(wilson(cell.retained, cell.visitors).value)


def _is_clear(one: Compared) -> bool:
    return one.standing in (Standing.HIGHER, Standing.LOWER)


def _refusals(shown: Sequence[Compared], conversions: Mapping[str, Conversion]) -> None:
    by_reason: dict[tuple[Outcome, str], list[str]] = {}
    for one in shown:
        if isinstance(one.result, Refusal):
            label = behaviour_label(one.behaviour, conversions)
            by_reason.setdefault((one.outcome, " ".join(one.result.reasons)), []).append(label)
    for (outcome, reason), labels in by_reason.items():
        output.say_sentence(f"Not compared by {outcome}: {', '.join(labels)}. {reason}")
        output.say()


def _row(
    one: Compared, result: BehaviourComparison, conversions: Mapping[str, Conversion]
) -> list[str]:
    return [
        behaviour_label(one.behaviour, conversions),
        str(one.standing),
        output.percentage(result.with_rate.value),
        output.percentage(result.without_rate.value),
        difference(result.difference),
        multiple(result.standardised.lift),
        f"{one.q_value:.2g}" if one.q_value == one.q_value else "–",
    ]


def _interval(estimate: Estimate) -> str:
    return output.interval(estimate.value, estimate.low, estimate.high)
