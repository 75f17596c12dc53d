"""Comparisons of behaviours as flat rows: for CSV, JSON and the table that is written back."""

from __future__ import annotations

import math
from collections.abc import Mapping

from microconv.aggregates.types import Conversion
from microconv.cohorts.compare import Compared, MacroCohorts
from microconv.cohorts.words import behaviour_label, sentences_of
from microconv.correlate.columns import ORIGIN, estimates, of_kind
from microconv.correlate.rows import estimate_columns, origin_of
from microconv.evidence.quantities import UNDEFINED
from microconv.evidence.refusal import Refusal
from microconv.watching.cohorts import BehaviourComparison
from microconv.writing import Row

TABLE = "evidence_cohorts"

COLUMNS = {
    **of_kind("text", "macro_name", "behaviour_name", "behaviour_label", "behaviour_kind"),
    **of_kind("text", "outcome", "standing"),
    **of_kind("integer", "cohort_week_count", "with_visitor_count", "with_outcome_count"),
    **of_kind("integer", "without_visitor_count", "without_outcome_count"),
    **of_kind("integer", "with_early_count", "without_early_count"),
    **estimates("with_rate", "without_rate", "rate_difference", "lift", "standardised_lift"),
    **of_kind("number", "standardised_overlap", "standardised_p_value", "standardised_q_value"),
    **estimates("revenue_difference_usd", "standardised_revenue_difference_usd"),
    "sentence": "text",
    "landmark_days": "number",
    **ORIGIN,
}


def cohort_rows(found: MacroCohorts, conversions: Mapping[str, Conversion], run: str) -> list[Row]:
    """A row per behaviour and outcome."""
    return [
        {
            "macro_name": found.basis.macro_name,
            "behaviour_name": one.behaviour,
            "behaviour_label": behaviour_label(one.behaviour, conversions),
            "behaviour_kind": one.kind,
            "outcome": str(one.outcome),
            "standing": str(one.standing),
            "cohort_week_count": one.weeks,
            "with_visitor_count": round(one.with_it.visitors),
            "with_outcome_count": round(one.with_it.converted),
            "without_visitor_count": round(one.without_it.visitors),
            "without_outcome_count": round(one.without_it.converted),
            "with_early_count": round(one.with_it.early),
            "without_early_count": round(one.without_it.early),
            **_numbers(one),
            "sentence": " ".join(sentences_of(one, found, conversions)),
            "landmark_days": found.basis.landmark_days,
            **origin_of(found.basis, run),
        }
        for one in found.compared
    ]


def _numbers(one: Compared) -> Row:
    """Nothing of what is refused: whoever reads the table must not find a number there."""
    found = one.result if isinstance(one.result, BehaviourComparison) else None
    money = None if isinstance(one.result, Refusal) or not one.has_revenue else one.result
    return {
        **estimate_columns("with_rate", found.with_rate if found else UNDEFINED),
        **estimate_columns("without_rate", found.without_rate if found else UNDEFINED),
        **estimate_columns("rate_difference", found.difference if found else UNDEFINED),
        **estimate_columns("lift", found.lift if found else UNDEFINED),
        **estimate_columns("standardised_lift", found.standardised.lift if found else UNDEFINED),
        "standardised_overlap": found.standardised.overlap if found else math.nan,
        "standardised_p_value": one.p_value,
        "standardised_q_value": one.q_value,
        **estimate_columns(
            "revenue_difference_usd", money.revenue_difference if money else UNDEFINED
        ),
        **estimate_columns(
            "standardised_revenue_difference_usd",
            money.standardised_revenue.incremental if money else UNDEFINED,
        ),
    }
