"""The columns of what `correlate` writes; nothing a user configures changes them."""

from __future__ import annotations


def _estimates(*names: str) -> dict[str, str]:
    return {f"{name}{part}": "number" for name in names for part in ("", "_low", "_high")}


def _all(kind: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, kind)


ORIGIN = {
    "horizon_days": "number",
    "as_of_date": "date",
    "definitions_version": "text",
    "run_id": "text",
}
"""What a run was of; ends every row."""

MICROS = {
    **_all("text", "macro_name", "micro_name", "micro_label"),
    "evidence_rank": "integer",
    **_all("text", "verdict", "reasons", "caveats", "sentence", "hidden_factor_sentence"),
    **_all("integer", "exposed_count", "exposed_converted_count"),
    "is_in_session": "truth",
    **_estimates("with_rate", "without_rate", "naive_lift"),
    "posthog_odds_ratio": "number",
    **_all("number", "matched_treated_rate", "matched_control_rate"),
    **_estimates("matched_lift"),
    "matched_overlap": "number",
    **_estimates("step_odds_ratio"),
    **_all("number", "step_p_value", "step_q_value"),
    **_estimates("precision", "recall", "npv", "specificity"),
    **_all("number", "phi", "auc", "information_value", "landmark_coverage"),
    "is_late_only": "truth",
    **_estimates(
        "lag_under_1d_odds_ratio",
        "lag_1_3d_odds_ratio",
        "lag_3_7d_odds_ratio",
        "lag_over_7d_odds_ratio",
    ),
    **_all("number", "effect_onset_days", "heterogeneity_q_value"),
    "heterogeneity_dimension": "text",
    "is_simpson": "truth",
    **_all("number", "e_value", "e_value_limit"),
    "yardstick_name": "text",
    "yardstick_odds_ratio": "number",
    **_estimates("last_third_ratio"),
    "holds_out_of_time": "truth",
    "with_bots_ratio": "number",
    "is_bot_sensitive": "truth",
    "same_step_share": "number",
    **ORIGIN,
}

SEGMENTS = {
    **_all("text", "macro_name", "micro_name", "segment_dimension", "segment_value"),
    **_estimates("step_odds_ratio"),
    "heterogeneity_q_value": "number",
    **ORIGIN,
}

CHECKS = {
    **_all("text", "macro_name", "check_name", "status"),
    **_all("number", "value", "limit_value"),
    **_all("text", "micro_names", "sentence"),
    **ORIGIN,
}

JOINT = {
    **_all("text", "macro_name", "micro_name"),
    "is_in_model": "truth",
    "left_out_reason": "text",
    **_estimates("odds_ratio"),
    "p_value": "number",
    **_estimates("risk_ratio"),
    **_all(
        "number", "shapley_share", "shapley_share_error", "mcfadden_delta", "variance_inflation"
    ),
    "is_collinear": "truth",
    **_estimates("staged_odds_ratio"),
    "staged_adjusted_for": "text",
    **ORIGIN,
}

TABLES = {
    "evidence_micro_conversions": MICROS,
    "evidence_segments": SEGMENTS,
    "evidence_checks": CHECKS,
    "evidence_joint": JOINT,
}
