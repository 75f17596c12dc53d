"""The columns of what `watch` writes; the .yml of the marts names the same."""

from __future__ import annotations

from microconv.correlate.columns import estimates, of_kind

ALERTS = {
    "watch_id": "text",
    **of_kind("date", "as_of_date", "alert_date"),
    **of_kind("text", "metric_kind", "metric_name"),
    "step_number": "integer",
    **of_kind("text", "segment_dimension", "segment_value", "metric_label", "rule", "direction"),
    **of_kind("truth", "notifies", "is_ongoing"),
    "since_date": "date",
    **of_kind("number", "relative_change", "statistic", "limit_value"),
    **of_kind("integer", "success_count", "trial_count"),
    **estimates("rate"),
    "baseline_rate": "number",
    "value_unit": "text",
    **estimates("mean"),
    **of_kind("number", "baseline_mean", "change_vs_previous_week", "dispersion"),
    **of_kind("number", "smallest_daily_drop", "smallest_weekly_drop"),
    **of_kind("number", "counted_count", "expected_count"),
    **of_kind("text", "sentence", "diagnosis", "next_look", "annotations"),
}

PARTS = {
    "watch_id": "text",
    "alert_date": "date",
    **of_kind("text", "metric_kind", "metric_name"),
    "step_number": "integer",
    **of_kind("text", "direction", "part_kind", "part_dimension", "part_value"),
    **of_kind("integer", "trial_count_before", "trial_count_after"),
    **of_kind("number", "rate_before", "rate_after", "contribution", "share", "q_value"),
    "value_unit": "text",
    **of_kind("number", "mean_before", "mean_after"),
    "is_main": "truth",
}

RUNS = {
    "watch_id": "text",
    "as_of_date": "date",
    "since_days": "integer",
    **of_kind("date", "first_judged_date", "watched_until_date"),
    **of_kind("integer", "rates_watched_count", "rates_not_watched_count"),
    **of_kind("integer", "alert_count", "tracking_problem_count"),
    **of_kind("text", "segment_dimensions", "summary"),
}

TABLES = {"mart_alerts": ALERTS, "mart_alert_parts": PARTS, "mart_watch_runs": RUNS}
