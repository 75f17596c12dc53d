"""What `microconv proxy` writes: a row per macro-conversion and metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from microconv.aggregates.types import Conversion
from microconv.correlate.columns import ORIGIN, of_kind
from microconv.correlate.words import label_of
from microconv.deciding import Plan, Recommendation
from microconv.evidence.refusal import Refusal
from microconv.proxy.plan import Planned, is_choice
from microconv.proxy.read import Window
from microconv.proxy.words import advice
from microconv.writing import Row

TABLE = "evidence_proxy_metrics"
_PASSED = ((1.0, "all"), (0.5, "half"), (0.25, "quarter"))
_SPREADS = ((0.02, "2pct"), (0.05, "5pct"), (0.10, "10pct"))

COLUMNS = {
    **of_kind("text", "macro_name", "metric_name", "metric_label"),
    **of_kind("truth", "is_macro", "is_recommended", "is_pareto", "is_validated"),
    **of_kind("text", "status", "excluded_reason", "sentence"),
    **of_kind("number", "mde", "max_weeks", "visitors_per_week", "rate"),
    **of_kind("number", "visitors_per_arm", "weeks", "macro_share", "weeks_needed"),
    **of_kind("number", *(f"lift_needed_if_{name}_pass" for _, name in _PASSED)),
    **of_kind("number", *(f"break_even_correlation_spread_{name}" for _, name in _SPREADS)),
    **ORIGIN,
}


def proxy_rows(
    planned: Sequence[Planned],
    window: Window,
    conversions: Mapping[str, Conversion],
    asked: tuple[float, float],
    run: str,
) -> list[Row]:
    """A row per metric, the macro first, then the deepest.

    Args:
        asked: The change to be found and the weeks it may take.
    """
    rows: list[Row] = []
    for one in planned:
        if isinstance(one.found, Refusal):
            continue
        said = " ".join(advice(one, conversions, asked[0]))
        for plan in (one.found.macro, *one.found.plans):
            rows.append(
                {
                    "macro_name": one.macro,
                    "metric_label": label_of(plan.name, conversions),
                    **_plan(one.found, plan),
                    "sentence": said if is_choice(one.found, plan) else None,
                    "mde": asked[0],
                    "max_weeks": asked[1],
                    "visitors_per_week": window.per_week,
                    "horizon_days": window.horizon_days,
                    "as_of_date": window.as_of_date,
                    "definitions_version": window.definitions_version,
                    "run_id": run,
                }
            )
    return rows


def _plan(found: Recommendation, plan: Plan) -> Row:
    is_macro = plan.name == found.macro.name
    has_share = is_macro or not plan.excluded
    return {
        "metric_name": plan.name,
        "is_macro": is_macro,
        "is_recommended": is_choice(found, plan),
        "is_pareto": plan.name in found.pareto,
        "is_validated": plan.is_validated,
        "status": str(found.status) if is_choice(found, plan) else None,
        "excluded_reason": plan.excluded or None,
        "rate": plan.rate,
        "visitors_per_arm": _finite(plan.per_arm),
        "weeks": _finite(plan.weeks),
        # What could move through it means nothing where the evidence says so.
        "macro_share": plan.share if has_share else None,
        "weeks_needed": _finite(plan.weeks_needed) if has_share else None,
        **{
            f"lift_needed_if_{name}_pass": _finite(plan.lift_needed[q]) if has_share else None
            for q, name in _PASSED
        },
        **{
            f"break_even_correlation_spread_{name}": _finite(plan.break_even[spread])
            for spread, name in _SPREADS
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
