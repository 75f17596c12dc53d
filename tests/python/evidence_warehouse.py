"""A small built project whose evidence tables are counted from histories by the slow reference, and
what the tests of the evidence commands do with it.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import evidence_reference as reference
import pyarrow as pa
import pytest
from built_project import make_project, node
from evidence_reference import Settings, Subject
from microconv.cli import app
from project_run import PROJECT, shared_folder
from typer.testing import CliRunner, Result
from visitor_histories import MICROS, Histories

FACTORS = [
    "depth_bin",
    "day_bin",
    "device_category",
    "channel_group",
    "country",
    "visitor_type",
]
LABELS = {
    "view_size_guide": "Opened the size guide",
    "watch_video": "Started a product video",
    "banner": "=Banner [seen]",
    "chat": "Chat",
    "add_to_cart": "Added to cart",
    "order_status": "Looked up an order",
    "rare_event": "Won a prize",
    "push": "Was sent a message",
}
_MONEY = ("followed_revenue_usd", "followed_revenue_usd_squared")
_POINTS = ("step_count", "next_step_converted_count", "followed_count", "followed_converted_count")


def run(*arguments: str) -> Result:
    """What the `microconv` command does in this process."""
    return CliRunner().invoke(app, list(arguments))


def rows(project: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table, sorted."""
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        cursor = connection.execute(f"select * from marts.{table} order by all")
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def work_in(project: Path, patch: pytest.MonkeyPatch) -> None:
    """Let commands find this project, whatever the environment says."""
    for name in ("DUCKDB_PATH", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_TARGET_PATH"):
        patch.delenv(name, raising=False)
    patch.setenv("DBT_PROJECT_DIR", str(project))


def copy_to_work_in(shop: Path, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may change, and that commands find."""
    shutil.copytree(shop, folder)
    work_in(folder, patch)
    return folder


def shared_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of planted histories with the shipped seeds, for reading: tests copy it."""

    def fill(folder: Path) -> None:
        make_evidence_project(folder, Histories(1, visitors=4000))
        shutil.copytree(PROJECT / "seeds", folder / "seeds")

    return shared_folder(tmp_path_factory, "evidence_shop", fill)


def make_evidence_project(folder: Path, histories: Histories, as_of: dt.date | None = None) -> Path:
    """A project with the evidence tables of these histories."""
    all_ = reference.subjects(
        histories.settings, histories.sessions, histories.clock_events, histories.conversions
    )
    subjects = reference.with_settings(all_, as_of=as_of)
    return make_project_of(folder, evidence_tables(subjects, histories.settings, MICROS))


def make_project_of(folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Path:
    """A project with the evidence tables of these rows."""
    make_project(folder)
    manifest = folder / "target" / "manifest.json"
    nodes = json.loads(manifest.read_text())["nodes"]
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        for name, rows in tables.items():
            nodes[f"model.shop.{name}"] = node(name)
            connection.register("incoming", pa.Table.from_pylist([dict(row) for row in rows]))
            connection.execute(f"create or replace table marts.{name} as from incoming")
            connection.unregister("incoming")
    manifest.write_text(json.dumps({"nodes": nodes}))
    return folder


def evidence_tables(
    subjects: list[Subject], settings: Settings, micros: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table that the commands read."""
    macros = ["purchase"]
    points = reference.decision_points(subjects, macros, micros)
    weights = {"view_size_guide": reference.Weight(5, 7.0, 10.0)}
    snapshots = reference.score_snapshots(subjects, macros, micros, weights)
    return {
        "dim_conversions": catalog_of(micros),
        "mart_decision_points": [
            _row(["macro_name", "micro_name", *FACTORS, "is_bot", "is_last_third", "bucket"], key)
            | {"exposure_state": key[-1]}
            | _row([*_POINTS, *_MONEY], map(float, counts))
            for key, counts in points.items()
        ],
        "mart_conversion_patterns": [
            _row(["macro_name", *FACTORS, "done_before_mask"], key)
            | _row(["step_count", "next_step_converted_count"], counts)
            for key, counts in reference.conversion_patterns(subjects, macros, micros).items()
        ],
        "mart_conversion_landmarks": [
            _row(["macro_name", *FACTORS[2:], "done_mask"], key)
            | _row(["subject_count", "converted_count"], counts)
            for key, counts in reference.landmarks(subjects, macros, micros).items()
        ],
        "mart_conversion_reach": [
            _row(["macro_name", "micro_name", "is_bot_filtered"], key)
            | {
                name: float(value) if name.endswith(("usd", "squared")) else value
                for name, value in row.items()
            }
            for key, row in reference.reach(subjects, macros, micros).items()
        ],
        "mart_daily_conversions": _daily(subjects),
        "mart_evidence_checks": [_basis(subjects, settings, points)],
        "mart_score_snapshots": [
            _row(["macro_name", "cut_date", "age_pattern", "manual_score"], key)
            | _row(["subject_count", "converted_count"], counts)
            for key, counts in snapshots.items()
        ],
    }


def _row(names: list[str], values: Any) -> dict[str, Any]:
    return dict(zip(names, values, strict=False))


def catalog_of(micros: list[str]) -> list[dict[str, Any]]:
    """Rows of dim_conversions: these micro-conversions and the purchase."""
    stages = {"add_to_cart": 4}
    rows = [(name, LABELS.get(name, name), "micro", stages.get(name, 2)) for name in micros]
    names = ["conversion_name", "label", "conversion_type", "stage_number"]
    points = {"view_size_guide": 5.0}
    return [
        _row(names, row) | {"lead_points": points.get(row[0], 0.0)}
        for row in [*rows, ("purchase", "Purchase", "macro", 5)]
    ]


def _daily(subjects: list[Subject]) -> list[dict[str, Any]]:
    visits = Counter(one.steps[0].date for one in subjects)
    counts = Counter(
        (each.date, each.name)
        for one in subjects
        for conversions in one.conversions.values()
        for each in conversions
    )
    return [
        {
            "conversion_date": day,
            "conversion_name": name,
            "segment_dimension": "all",
            "conversion_count": count,
            "session_count": visits[day],
            "is_ramp_up": False,
        }
        for (day, name), count in counts.items()
    ]


def _basis(
    subjects: list[Subject], settings: Settings, points: Mapping[Any, list[Any]]
) -> dict[str, Any]:
    seen = subjects[0].settings if subjects else settings
    known = [one for one in subjects if one.start < seen.as_of_timestamp]
    all_points = [counts for key, counts in points.items() if key[1] == "(all)"]
    orders = [one for one in known if one.first("purchase")]
    values = [one.conversions["purchase"][0].value_usd or 0.0 for one in orders]
    return {
        "macro_name": "purchase",
        "as_of_date": seen.as_of_date,
        "window_start_date": seen.window_start_date,
        "third_start_date": seen.third_start_date,
        "horizon_days": seen.horizon_days,
        "landmark_days": seen.landmark_days,
        "lookback_days": seen.lookback_days,
        "missing_lookback_days": seen.lookback_days - seen.washout_days,
        "clock": seen.clock,
        "subject": seen.subject,
        "subject_count": len(known),
        "bot_subject_count": sum(one.is_bot for one in known),
        "safari_subject_count": 0,
        "event_count": 100_000,
        "consentless_event_count": 1_000,
        "decision_count": sum(counts[0] for counts in all_points),
        "followed_decision_count": sum(counts[2] for counts in all_points),
        "first_macro_count": len(orders),
        "order_count": len(orders),
        "mean_order_value_usd": float(np_mean(values)),
        "definitions_version": "v1",
    }


def plain_basis(as_of: dt.date, horizon_days: float = 14.0) -> dict[str, Any]:
    """A row of mart_evidence_checks for tests that need no more than a day and a horizon."""
    return {
        "macro_name": "purchase",
        "as_of_date": as_of,
        "window_start_date": as_of - dt.timedelta(days=150),
        "third_start_date": as_of - dt.timedelta(days=50),
        "horizon_days": horizon_days,
        "landmark_days": 1.0,
        "clock": "page_view",
        "subject": "visitor",
        "decision_count": 90_000,
        "followed_decision_count": 80_000,
        "first_macro_count": 900,
        "definitions_version": "v1",
    }


def np_mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def longest_line(output: str) -> int:
    """Characters of the longest line, but for the path of the database."""
    return max(len(line) for line in output.splitlines() if not line.startswith("Tables: "))
