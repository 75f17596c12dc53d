"""A small demo of a shop with evidence and report, and copies in which others have written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest
from evidence_warehouse import run
from export_rows import change_tables, copy_tables
from microconv.demo import generate_demo
from project_run import PROJECT, Warehouse, shared_warehouse

UNTIL = date(2026, 11, 8)
DAYS = 35
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></style></svg>]]>{{7*7}} "
    "\u202eעברית مرحبا 🧨 &amp; \x07é"
)
SEEN = HOSTILE.replace("\x07", " ")


COMMANDS = ("correlate", "value", "score", "cohorts", "lead-lag", "experiments", "proxy", "watch")


# What the demo does not have: alerts take 56 days of history, and nobody notes or answers anything.
ON_RECORD = (
    """
    insert into mart_alerts by name
    select
        '2026-11-05/' || metric_kind || '/' || metric_name as watch_id,
        date '2026-11-08' as as_of_date, rate_date as alert_date,
        metric_kind, metric_name, step_number, segment_dimension,
        segment_value, metric_label, rule, 'drop' as direction, true as notifies,
        true as is_ongoing, date '2026-10-31' as since_date, -0.25 as relative_change,
        statistic, 2.58 as limit_value, success_count, trial_count,
        success_count / trial_count as rate, 0.5 * success_count / trial_count as rate_low,
        0.5 + 0.5 * success_count / trial_count as rate_high, 0.4 as baseline_rate,
        metric_label || ' fell.' as sentence, 'It lies in mobile.' as diagnosis,
        'Go through it once on mobile.' as next_look,
        'Noted near that day: a banner.' as annotations
    from mart_tracked_rates
    cross join (values ('weekly', -4.1), ('sudden', -3.3)) as rules(rule, statistic)
    where metric_name in ('view_item', 'deep_scroll') and segment_dimension = 'all'
        and metric_kind = 'micro' and rate_date = date '2026-11-05'
    """,
    """
    insert into mart_alert_parts by name
    select distinct
        watch_id, alert_date, metric_kind, metric_name, step_number, direction, part_kind,
        part_dimension, part_value, 0.31 as rate_before, 0.22 as rate_after,
        contribution, contribution / -0.04 as share, 0.003 as q_value, is_main
    from mart_alerts
    cross join (values
        ('segment_rate', 'device_category', 'mobile', -0.03, true),
        ('mix', 'device_category', 'mobile', 0.01, false)
    ) as parts(part_kind, part_dimension, part_value, contribution, is_main)
    where metric_kind = 'micro'
    """,
    """
    insert into mart_alerts by name
    select
        '2026-11-04/' || segment as watch_id, date '2026-11-08' as as_of_date,
        date '2026-11-04' as alert_date, 'micro' as metric_kind, 'search' as metric_name,
        0 as step_number, 'device_category' as segment_dimension, segment as segment_value,
        'Searched the shop (' || segment || ')' as metric_label, 'sudden' as rule,
        'rise' as direction, true as notifies, false as is_ongoing,
        date '2026-11-04' as since_date, 0.4 as relative_change, 3.6 as statistic,
        3.0 as limit_value, 12 as success_count, 20 as trial_count,
        'Searches rose on ' || segment || '.' as sentence, 'Not taken apart.' as diagnosis,
        'Look again when a week is complete.' as next_look, '' as annotations
    from (values ('mobile'), ('desktop')) as segments(segment)
    """,
    """
    insert into mart_alerts by name
    select
        '2026-11-08/tracking' as watch_id, date '2026-11-08' as as_of_date,
        date '2026-11-08' as alert_date, 'tracking' as metric_kind, 'sign_up' as metric_name,
        0 as step_number, 'all' as segment_dimension, 'all' as segment_value,
        'sign_up' as metric_label, 'event gone' as rule, '' as direction, true as notifies,
        true as is_ongoing, date '2026-11-06' as since_date, 1.0 as counted_count,
        32.5 as expected_count, 'Tracking: sign_up is hardly counted.' as sentence,
        'Look whether the tag still sends it.' as next_look, '' as annotations
    """,
    """
    insert into annotations values
        (date '2026-10-14', 'New prices', null), (date '2026-10-29', 'New checkout', 'mobile'),
        (date '2026-10-29', 'A banner', '/'), (date '2026-09-01', 'Before all days', null)
    """,
    """
    insert into mart_feedback by name
    select
        'exit_survey' as feedback_name, 'Did you find it?' as question, segment_dimension,
        segment_value, funnel_name, step_number, answers as answer_count,
        answers as respondent_count, answers - 1 as rating_count, mean as rating_mean,
        mean - 0.5 as rating_mean_low, mean + 0.5 as rating_mean_high, 1.0 as rating_min,
        5.0 as rating_max, answers - 3 as mature_respondent_count,
        2 as converted_respondent_count, 0.1 as conversion_rate, 0.05 as conversion_rate_low,
        0.2 as conversion_rate_high
    from (values
        ('all', 'all', null, null, 90, 3.4),
        ('device_category', 'mobile', null, null, 60, 3.1),
        ('answer_text', 'No', null, null, 41, 2.2),
        ('answer_text', '(other)', null, null, 49, 4.1),
        ('furthest_step', 'Added to cart', 'shop_by_visitor', 2, 50, 3.3),
        ('furthest_step', '(not entered)', 'shop_by_visitor', 0, 12, null)
    ) as answered(segment_dimension, segment_value, funnel_name, step_number, answers, mean)
    """,
    """
    update mart_visitor_segments set is_history_loaded = true
    where week_end_date = date '2026-11-08'
    """,
    """
    insert into evidence_score_models by name
    select
        macro_name, 'view_item' as micro_name, false as is_learned_better, 0.7 as learned_auc,
        0.65 as learned_auc_low, 0.75 as learned_auc_high, 0.69 as present_auc,
        0.64 as present_auc_low, 0.74 as present_auc_high, 0.01 as auc_difference,
        -0.01 as auc_difference_low, 0.03 as auc_difference_high, 0.9 as calibration_slope,
        0.7 as calibration_slope_low, 1.1 as calibration_slope_high,
        date '2026-10-25' as test_cut_date, 1200 as test_subject_count,
        90 as test_converted_count, 7 as horizon_days, as_of_date, definitions_version
    from mart_evidence_checks
    where macro_name = 'purchase'
    """,
    """
    insert into evidence_score_bands by name
    select
        'purchase' as macro_name, score_kind, band_number, band_number - 1.0 as score_from,
        band_number + 0.5 as score_to, 600 as subject_count, 30 * band_number as converted_count,
        0.05 * band_number as conversion_rate, 0.04 * band_number as conversion_rate_low,
        0.06 * band_number as conversion_rate_high,
        case when score_kind = 'learned' then 0.06 * band_number end as mean_predicted_rate
    from (values ('present'), ('learned')) as kinds(score_kind)
    cross join range(1, 3) as bands(band_number)
    """,
)


def use(warehouse: Warehouse, patch: pytest.MonkeyPatch, database: Path | None = None) -> None:
    """Let commands find this build."""
    patch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    patch.setenv("DBT_PROFILES_DIR", str(warehouse.root / "profiles"))
    patch.setenv("DBT_TARGET_PATH", str(warehouse.root / "target"))
    patch.setenv("DUCKDB_PATH", str(database or warehouse.path))
    patch.setenv("GA4_EXPORT_FILES", str(warehouse.export / "events_*.parquet"))
    patch.delenv("DBT_TARGET", raising=False)


def built_report(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The build with `report.html` beside its database; for reading."""

    def build(new: Warehouse) -> None:
        new.is_as_shipped = True
        generate_demo(
            new.export, days=DAYS, visitors_per_day=100, seed=5, until=UNTIL, experiments=2
        )
        new.build()
        with pytest.MonkeyPatch.context() as patch:
            use(new, patch)
            for command in COMMANDS:
                done = run(command)
                assert done.exit_code == 0, done.output
            change_tables(new.path, *ON_RECORD)
            done = run("report", "--out", str(new.root / "report.html"))
            assert done.exit_code == 0, done.output

    return shared_warehouse(tmp_path_factory, "report", build)


def write_report(
    warehouse: Warehouse,
    patch: pytest.MonkeyPatch,
    folder: Path,
    options: Sequence[str] = (),
    changes: Sequence[str] = (),
) -> Path:
    """A report of the build, or of a copy that statements have changed."""
    database = warehouse.path
    if changes:
        database = folder / "changed.duckdb"
        copy_tables(warehouse.path, database)
        change_tables(database, *changes)
    use(warehouse, patch, database)
    out = folder / "out" / "report.html"
    done = run("report", "--out", str(out), *options)
    assert done.exit_code == 0, done.output
    assert str(out) in done.output
    return out


def report_writer(
    warehouse: Warehouse, patch: pytest.MonkeyPatch, folder: Path
) -> Callable[..., Path]:
    """`write_report` of this build, for a test that gives it options and changes only."""

    def write(*options: str, changes: tuple[str, ...] = ()) -> Path:
        return write_report(warehouse, patch, folder, options, changes)

    return write


def hostile_changes() -> tuple[str, ...]:
    """Every text that somebody else may have written says something terrible."""
    said = HOSTILE.replace("'", "''")
    texts = {
        "dim_conversions": ("label",),
        "dim_funnel_steps": ("funnel_label",),
        "mart_kpis": ("label", "rule", "advice", "source"),
        "mart_funnel_steps": ("step_label",),
        "mart_funnel_velocity": ("from_step_label", "to_step_label"),
        "mart_funnel_drop_offs": ("step_label",),
        "mart_lead_scores": ("top_reasons", "funnel_stage"),
        "mart_stalled_visitors": ("label", "moment"),
        "mart_catalog_findings": ("message",),
        "evidence_micro_conversions": ("micro_label", "reasons"),
        "evidence_conversion_values": ("micro_label",),
        "evidence_cohorts": ("behaviour_label", "sentence"),
        "evidence_experiments": ("variant_name", "control_name", "conversion_label", "sentence"),
        "evidence_lead_lag": ("micro_label", "sentence"),
        "evidence_proxy_metrics": ("metric_label", "sentence", "excluded_reason"),
        "mart_alerts": ("metric_label", "sentence", "diagnosis", "next_look", "annotations"),
        "mart_alert_parts": ("part_value",),
        "mart_feedback": ("question",),
        "mart_visit_contents": ("micro_label",),
        "evidence_checks": ("sentence", "status"),
        "stg_ga4__export_days": ("source_table_kind",),
    }
    named = {
        "mart_segment_gaps": ("segment_value", "segment_value = 'mobile'"),
        "mart_funnel_drop_offs": ("action_name", "action_name in ('/', '(none)', 'long_read')"),
        "mart_lead_scores": ("visitor_id", "score_decile = 10"),
        "annotations": ("what_changed", "where_changed = 'mobile'"),
        "mart_feedback": ("segment_value", "segment_dimension <> 'all'"),
        "mart_conversion_paths": ("path", "path_rank < 4"),
        "evidence_experiments": ("experiment_name", "true"),
    }
    return (
        *(
            f"update {table} set {column} = '{said}'"
            for table, columns in texts.items()
            for column in columns
        ),
        *(
            f"update {table} set {column} = {column} || '{said}' where {rows}"
            for table, (column, rows) in named.items()
        ),
        f"insert into mart_conversion_outages values ('{said}', date '2026-11-01', 50, 0, 30.0)",
    )
