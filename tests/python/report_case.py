"""A small demo of a shop with evidence and report, and copies in which others have written."""

from __future__ import annotations

from collections.abc import Sequence
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
        generate_demo(new.export, days=DAYS, visitors_per_day=100, seed=5, until=UNTIL)
        new.build()
        with pytest.MonkeyPatch.context() as patch:
            use(new, patch)
            for command in ("correlate", "value"):
                assert run(command).exit_code == 0
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
        "evidence_checks": ("sentence", "status"),
        "stg_ga4__export_days": ("source_table_kind",),
    }
    named = {
        "mart_segment_gaps": ("segment_value", "segment_value = 'mobile'"),
        "mart_funnel_drop_offs": ("action_name", "action_name in ('/', '(none)', 'long_read')"),
        "mart_lead_scores": ("visitor_id", "score_decile = 10"),
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
