"""The columns of what `correlate` writes; nothing a user configures changes them."""

from __future__ import annotations


def estimates(*names: str) -> dict[str, str]:
    """Numbers with their limits."""
    return {f"{name}{part}": "number" for name in names for part in ("", "_low", "_high")}


def of_kind(kind: str, *names: str) -> dict[str, str]:
    """Columns of one kind."""
    return dict.fromkeys(names, kind)


ORIGIN = {
    "horizon_days": "number",
    "as_of_date": "date",
    "definitions_version": "text",
    "run_id": "text",
}
"""What a run was of; ends every row."""

MICROS = {
    **of_kind("text", "macro_name", "micro_name", "micro_label"),
    "evidence_rank": "integer",
    **of_kind("text", "verdict", "reasons", "caveats", "sentence", "hidden_factor_sentence"),
    **of_kind("integer", "exposed_count", "exposed_converted_count"),
    "is_in_session": "truth",
    "silent_day_count": "integer",
    "missing_share": "number",
    **estimates("with_rate", "without_rate", "naive_lift"),
    "posthog_odds_ratio": "number",
    **of_kind("number", "matched_treated_rate", "matched_control_rate"),
    **estimates("matched_lift"),
    "matched_overlap": "number",
    **estimates("step_odds_ratio"),
    **of_kind("number", "step_p_value", "step_q_value"),
    **estimates("precision", "recall", "npv", "specificity"),
    **of_kind("number", "phi", "auc", "information_value", "landmark_coverage"),
    "is_late_only": "truth",
    **estimates(
        "lag_under_1d_odds_ratio",
        "lag_1_3d_odds_ratio",
        "lag_3_7d_odds_ratio",
        "lag_over_7d_odds_ratio",
    ),
    **of_kind("number", "effect_onset_days", "heterogeneity_q_value"),
    "heterogeneity_dimension": "text",
    "is_simpson": "truth",
    **of_kind("number", "e_value", "e_value_limit"),
    "yardstick_name": "text",
    "yardstick_odds_ratio": "number",
    **estimates("last_third_ratio"),
    "holds_out_of_time": "truth",
    "with_bots_ratio": "number",
    "is_bot_sensitive": "truth",
    "same_step_share": "number",
    **ORIGIN,
}

SEGMENTS = {
    **of_kind("text", "macro_name", "micro_name", "segment_dimension", "segment_value"),
    **estimates("step_odds_ratio"),
    "heterogeneity_q_value": "number",
    **ORIGIN,
}

CHECKS = {
    **of_kind("text", "macro_name", "check_name", "status"),
    **of_kind("number", "value", "limit_value"),
    **of_kind("text", "micro_names", "sentence"),
    **ORIGIN,
}

JOINT = {
    **of_kind("text", "macro_name", "micro_name"),
    "is_in_model": "truth",
    "left_out_reason": "text",
    **estimates("odds_ratio"),
    "p_value": "number",
    **estimates("risk_ratio"),
    **of_kind(
        "number", "shapley_share", "shapley_share_error", "mcfadden_delta", "variance_inflation"
    ),
    "is_collinear": "truth",
    **estimates("staged_odds_ratio"),
    "staged_adjusted_for": "text",
    **ORIGIN,
}

TABLES = {
    "evidence_micro_conversions": MICROS,
    "evidence_segments": SEGMENTS,
    "evidence_checks": CHECKS,
    "evidence_joint": JOINT,
}
