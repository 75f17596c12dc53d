"""What `microconv experiments` writes: a row per comparison, and one per micro-conversion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microconv.aggregates.types import Conversion
from microconv.correlate.columns import ORIGIN, estimates, of_kind
from microconv.correlate.rows import estimate_columns
from microconv.correlate.words import label_of
from microconv.deciding import Validation, validation_sentence
from microconv.evidence.refusal import Refusal
from microconv.experiments.explained import explained_by
from microconv.experiments.judge import Comparison, Goal, Judged, Outcome, Unreadable
from microconv.experiments.past import Past
from microconv.experiments.read import Trial, Variant
from microconv.experiments.words import fault_sentence, outcome_sentence
from microconv.writing import Row

EXPERIMENTS = {
    **of_kind("text", "macro_name", "experiment_name", "variant_name", "control_name"),
    **of_kind("text", "conversion_name", "conversion_label", "conversion_type"),
    **of_kind("text", "outcome", "sentence"),
    "is_running": "truth",
    **of_kind("date", "first_exposure_date", "last_exposure_date"),
    **of_kind("integer", "followed_count", "control_followed_count"),
    **of_kind("integer", "converted_count", "control_converted_count"),
    **of_kind("integer", "immature_count", "switched_count"),
    **estimates("conversion_rate", "control_conversion_rate", "lift", "rate_difference"),
    **of_kind("number", "p_value", "q_value", "sample_ratio_p_value"),
    **estimates("explained_share"),
    **of_kind("number", "planned_per_arm", "weeks_left"),
    "look_count": "integer",
    **estimates("guardrail_ratio"),
    "guardrail_largest_drop": "number",
    "guardrail_allows": "truth",
    **of_kind("number", "revenue_per_visitor_usd", "control_revenue_per_visitor_usd"),
    **estimates("revenue_difference_usd"),
    **ORIGIN,
}
VALIDATIONS = {
    **of_kind("text", "macro_name", "micro_name", "micro_label", "validity", "sentence"),
    **of_kind("integer", "experiment_count", "left_out_count"),
    "left_out_reasons": "text",
    "measured_correlation": "number",
    **estimates("same_sign_share"),
    **of_kind("number", "micro_p_value", "macro_p_value"),
    **of_kind("number", "correlation_p_value", "correlation_q_value"),
    **estimates("true_correlation"),
    **of_kind("number", "micro_spread", "macro_spread", "slope", "break_even_correlation"),
    **of_kind("number", "next_per_arm", "macro_lift_for_micro_lift_of_a_tenth"),
    **ORIGIN,
}
TABLES = {"evidence_experiments": EXPERIMENTS, "evidence_proxy_validations": VALIDATIONS}
_A_TENTH = 0.10


def experiment_rows(
    found: Sequence[Judged | Unreadable], conversions: Mapping[str, Conversion], run: str
) -> list[Row]:
    """A row per experiment, variant, macro and what was measured."""
    rows: list[Row] = []
    for one in found:
        if isinstance(one, Unreadable):
            rows += _unreadable_rows(one, conversions, run)
        else:
            rows += [_row(one, compared, conversions, run) for compared in one.comparisons]
    return [_whole(row, EXPERIMENTS) for row in rows]


def validation_rows(
    found: Sequence[Past], trial: Trial, conversions: Mapping[str, Conversion], run: str
) -> list[Row]:
    """A row per macro- and micro-conversion.

    Args:
        trial: Any experiment: all rest on the same day and definitions.
    """
    return [
        _whole(row, VALIDATIONS)
        for row in (_past_row(one, trial, conversions, run) for one in found)
    ]


def _whole(row: Row, columns: Mapping[str, str]) -> Row:
    """The row with every column: what is not said of it is NULL."""
    return {**dict.fromkeys(columns), **row}


def _past_row(one: Past, trial: Trial, conversions: Mapping[str, Conversion], run: str) -> Row:
    return {
        "macro_name": one.macro,
        "micro_name": one.micro,
        "micro_label": label_of(one.micro, conversions),
        "sentence": validation_sentence(one.found),
        "correlation_q_value": one.q_value,
        "next_per_arm": one.next_per_arm,
        **_validation(one.found),
        **_origin(trial, run),
    }


def _validation(found: Validation | Refusal) -> Row:
    if isinstance(found, Refusal):
        return {"validity": "too few experiments"}
    truth = found.truth
    reasons = sorted({str(reason) for reason in found.left_out.values()})
    return {
        "validity": str(found.validity),
        "experiment_count": len(found.lifts),
        "left_out_count": len(found.left_out),
        "left_out_reasons": "; ".join(reasons),
        "measured_correlation": found.naive_correlation,
        **estimate_columns("same_sign_share", found.same_sign),
        "micro_p_value": found.micro_p,
        "macro_p_value": found.macro_p,
        "correlation_p_value": truth.p_value if truth else None,
        **estimate_columns("true_correlation", found.correlation),
        "micro_spread": truth.micro_spread if truth else None,
        "macro_spread": truth.macro_spread if truth else None,
        "slope": truth.slope if truth else None,
        "break_even_correlation": found.break_even,
        "macro_lift_for_micro_lift_of_a_tenth": found.predicted_macro_lift(_A_TENTH),
    }


def _row(one: Judged, compared: Comparison, conversions: Mapping[str, Conversion], run: str) -> Row:
    label = label_of(compared.measure, conversions)
    return {
        **_names(one.trial, one.control, one.variant, compared.macro, compared.measure, label),
        "outcome": str(compared.outcome),
        "sentence": outcome_sentence(compared, label, one.variant.name),
        "is_running": one.is_running,
        "converted_count": round(compared.counts[1]),
        "control_converted_count": round(compared.counts[0]),
        **estimate_columns("conversion_rate", compared.treated),
        **estimate_columns("control_conversion_rate", compared.control),
        **estimate_columns("lift", compared.lift),
        **estimate_columns("rate_difference", compared.difference),
        "p_value": compared.p_value,
        "q_value": compared.q_value,
        "sample_ratio_p_value": one.sample_ratio.p_value,
        **estimate_columns("explained_share", explained_by(one, compared)),
        **(_goal(one.goals[compared.macro], compared.outcome) if compared.is_macro else {}),
        **_origin(one.trial, run),
    }


def _goal(goal: Goal, outcome: Outcome) -> Row:
    planned: Row = {
        "planned_per_arm": goal.planned.per_arm if goal.planned else None,
        "weeks_left": goal.peeking.weeks_left,
        "look_count": goal.peeking.looks,
    }
    if outcome in (Outcome.EARLY, Outcome.FEW):
        return planned
    return {
        **planned,
        **estimate_columns("guardrail_ratio", goal.guardrail.ratio),
        "guardrail_largest_drop": goal.guardrail.largest_drop,
        "guardrail_allows": goal.guardrail.allows,
        "revenue_per_visitor_usd": goal.revenue[1],
        "control_revenue_per_visitor_usd": goal.revenue[0],
        **estimate_columns("revenue_difference_usd", goal.revenue_difference),
    }


def _unreadable_rows(one: Unreadable, conversions: Mapping[str, Conversion], run: str) -> list[Row]:
    """No number of an experiment that must not be read, only who was there and why not."""
    control = one.trial.control
    shown = [each for each in one.trial.variants if each is not control] or [*one.trial.variants]
    return [
        {
            **_names(one.trial, control, variant, macro, macro, label_of(macro, conversions)),
            "outcome": str(Outcome.UNREADABLE),
            "sentence": fault_sentence(one),
            "sample_ratio_p_value": one.sample_ratio.p_value,
            **_origin(one.trial, run),
        }
        for variant in shown
        for macro, measure in sorted(variant.counts)
        if macro == measure
    ]


def _names(
    trial: Trial, control: Variant | None, variant: Variant, macro: str, measure: str, label: str
) -> Row:
    return {
        "macro_name": macro,
        "experiment_name": trial.name,
        "variant_name": variant.name,
        "control_name": control.name if control else None,
        "conversion_name": measure,
        "conversion_label": label,
        "conversion_type": "macro" if macro == measure else "micro",
        "first_exposure_date": variant.first_date,
        "last_exposure_date": variant.last_date,
        "followed_count": round(variant.followed),
        "control_followed_count": round(control.followed) if control else None,
        "immature_count": round(variant.exposed - variant.followed),
        "switched_count": round(variant.switched),
    }


def _origin(trial: Trial, run: str) -> Row:
    return {
        "horizon_days": trial.horizon_days,
        "as_of_date": trial.as_of_date,
        "definitions_version": trial.definitions_version,
        "run_id": run,
    }
