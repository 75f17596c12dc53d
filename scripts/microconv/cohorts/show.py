"""Prints cohorts for people: by first week, then behaviour by behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.cohorts.compare import WEEK_DAYS, Compared, MacroCohorts, Outcome
from microconv.cohorts.read import Cell
from microconv.cohorts.words import LIMITS, TEMPLATES, behaviour_label, difference, sentences_of
from microconv.correlate.words import label_of
from microconv.evidence.proportions import wilson
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.evidence.wording import multiple
from microconv.watching.cohorts import LEAST_VISITORS, CohortRate, cohort_table

_MOST_WEEKS = 13
_SHOWN_AGES = (1, 2, 4, 8)  # weeks after the landmark in which visitors may be seen again


def show(found: MacroCohorts, conversions: Mapping[str, Conversion], wanted: Sequence[str]) -> None:
    """Print everything about one macro; of behaviours those that are wanted."""
    _by_week(found, conversions)
    family = len({one.behaviour for one in found.compared})
    shown = [one for one in found.compared if one.behaviour in wanted]
    if not found.compared:
        output.say_sentence(TEMPLATES["no_week"].format(days=f"{found.basis.horizon_days:g}"))
        output.say()
    for outcome, heading in (
        (Outcome.CONVERSION, "By early behaviour: {macro} after the landmark"),
        (Outcome.RETURN, "By early behaviour: seen again in the last week of the horizon"),
    ):
        rows = [_row(one, conversions) for one in shown if one.outcome is outcome]
        if rows:
            title = heading.format(macro=label_of(found.basis.macro_name, conversions))
            headings = ["Behaviour", "", "With", "Without", "Difference", "Like for like", "q"]
            output.print_table(title, headings, rows, left_columns=2)
    for one in shown:
        if one.outcome is Outcome.CONVERSION:
            label = behaviour_label(one.behaviour, conversions)
            said = " ".join(sentences_of(one, found.basis, conversions, family))
            output.say_sentence(f"{label}: {said}")
            output.say()


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
            *_outcomes(one),
            *(_retention(seen.get((one.first_day, week * WEEK_DAYS))) for week in weeks),
        ]
        for one in table
    ]
    label = label_of(found.basis.macro_name, conversions)
    title = f"New visitors by first week: {label} within {horizon} days of the landmark"
    headings = ["First week", "Visitors", "Before", "After", "USD each"]
    output.print_table(title, [*headings, *(f"Week {week}" for week in weeks)], rows)


def _outcomes(one: CohortRate) -> list[str]:
    if one.blank:
        return [one.blank, "–"]
    revenue = one.revenue
    has_money = revenue.has_interval and revenue.value > 0
    return [_interval(one.rate), f"{revenue.value:,.2f}" if has_money else "–"]


def _retention(cell: Cell | None) -> str:
    if cell is None or not cell.is_complete or cell.visitors < LEAST_VISITORS:
        return "–"
    return output.percentage(wilson(cell.retained, cell.visitors).value)


def _row(one: Compared, conversions: Mapping[str, Conversion]) -> list[str]:
    label = behaviour_label(one.behaviour, conversions)
    if isinstance(one.result, Refusal):
        return [label, str(one.standing), *["–"] * 5]
    return [
        label,
        str(one.standing),
        output.percentage(one.result.with_rate.value),
        output.percentage(one.result.without_rate.value),
        difference(one.result.difference),
        multiple(one.result.standardised.lift),
        f"{one.q_value:.2g}" if one.q_value == one.q_value else "–",
    ]


def _interval(estimate: Estimate) -> str:
    return output.interval(estimate.value, estimate.low, estimate.high)
