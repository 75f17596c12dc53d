"""A small project as a build leaves it: profile, manifest and a DuckDB file with the marts."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

# What the marts hold here: a funnel of two steps, and a segment too small for a rate.
TABLES = {
    "stg_ga4__export_days": """
        select date '2026-01-01' + cast(i as integer) as event_date, 'daily' as source_table_kind,
            100 as raw_row_count, 95 as accepted_count, 3 as rejected_count, 2 as duplicate_count
        from range(3) as days(i)
    """,
    "dim_conversions": """
        from (values
            ('view_item', '=Viewed [a product]', 'micro'), ('purchase', 'Purchase', 'macro')
        ) as t(conversion_name, label, conversion_type)
    """,
    "dim_funnel_steps": """
        select 'shop' as funnel_name, 'From product to order' as funnel_label, 'visitor' as unit,
            'ordered' as step_order, 'closed' as entry,
            cast(168 as numeric) as window_hours, cast(null as numeric) as step_window_hours,
            'unique' as counting, step_number, conversion_name
        from (values (1, 'view_item'), (2, 'purchase')) as t(step_number, conversion_name)
    """,
    "mart_funnel_steps": """
        select 'shop' as funnel_name, 'all' as period_grain, 'all' as segment_dimension,
            'entry' as segment_attribution, *
        from (values
            (1, 'view_item', '=Viewed [a product]', 1000, null, null, null, null, 1.0, 0.996, 1.0,
                40),
            (2, 'purchase', 'Purchase', 42, 1000, 0.042, 0.0312, 0.0563, 0.042, 0.0312, 0.0563, 3)
        ) as t(step_number, conversion_name, step_label, reached_count, previous_step_count,
            step_conversion_rate, step_conversion_rate_low, step_conversion_rate_high,
            funnel_conversion_rate, funnel_conversion_rate_low, funnel_conversion_rate_high,
            immature_count)
    """,
    "mart_segment_conversions": """
        select 'purchase' as conversion_name, 'all' as period_grain, *
        from (values
            ('all', 'all', 1000, 42, 0.042, 0.0312, 0.0563),
            ('device_category', 'desktop', 600, 36, 0.06, 0.0436, 0.0820),
            ('device_category', 'mobile', 390, 6, 0.0154, 0.0071, 0.0331),
            ('device_category', 'tablet', 10, 0, null, null, null)
        ) as t(segment_dimension, segment_value, session_count, converting_session_count,
            session_conversion_rate, session_conversion_rate_low, session_conversion_rate_high)
    """,
    "mart_daily_conversions": """
        select date '2026-01-02' as conversion_date, 'all' as segment_dimension, *
        from (values ('purchase', 42), ('view_item', 0)) as t(conversion_name, conversion_count)
    """,
    "mart_segment_gaps": """
        select 'purchase' as conversion_name, 'device_category' as segment_dimension, *
        from (values ('desktop', 0.015, 'no gap shown'), ('mobile', 0.059, 'lower'))
            as t(segment_value, rest_conversion_rate, verdict)
    """,
    "mart_kpis": """
        select 'all' as period_grain, 'all' as segment_dimension, 'Counted so.' as rule,
            'Do it.' as advice, null::double as act_below, 0 as immature_count, *
        from (values
            ('cart_rate', '=Carts', 'share', 900, 0.066, 0.058, 0.074, 0.05, 0.1, 0, 'inside'),
            ('views', 'Views', 'mean', 900, 1.17, 1.13, 1.22, 2, null, 2, 'unreliable'),
            ('times', 'Times', 'times', 9, null, null, null, null, 3, 0, 'too few')
        ) as t(kpi_name, label, measure, base_count, value, value_low, value_high, benchmark_low,
            benchmark_high, outage_day_count, status)
    """,
    "mart_catalog_findings": """
        select * from (values
            ('event_in_two_milestones', 'warning', 'a and b', 3, 'One event is two.'),
            ('conversion_never_occurs', 'warning', 'view_item', 0, 'Said elsewhere.'),
            ('event_not_catalogued', 'info', 'scroll', 3, 'Only worth a look.')
        ) as t(check_name, severity, subject, measured, message)
    """,
}


def make_project(folder: Path) -> Path:
    """Write the project; its manifest names another database file, as after a build elsewhere."""
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\nmodel-paths: [models]\n")
    (folder / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n      schema: marts\n"
        "      path: \"{{ env_var('DUCKDB_PATH', 'shop.duckdb') }}\"\n"
    )
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("create schema marts")
        for name, sql in TABLES.items():
            connection.execute(f"create table marts.{name} as {sql}")
    nodes = {f"model.shop.{name}": node(name) for name in [*TABLES, "mart_never_built"]}
    (folder / "target").mkdir()
    (folder / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    return folder


def node(name: str) -> dict[str, object]:
    """A model as the manifest describes it."""
    return {
        "name": name,
        "alias": name,
        "resource_type": "model",
        "fqn": ["shop", "marts", name],
        "package_name": "shop",
        "database": "elsewhere",
        "schema": "marts",
        "config": {"database": None, "schema": None},
    }
