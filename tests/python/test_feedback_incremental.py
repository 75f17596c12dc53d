"""Feedback, stalled visitors and experiments end in the same rows however the days came, also of a
new list.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from project_run import Warehouse
from small_export import Row, SmallExport
from warehouse_states import (
    changed_day_is_delivered_again,
    late_hits_arrive,
    missing_day_and_daily_table_come,
    write_first_state,
)

MODELS = (
    *("+mart_feedback", "+mart_stalled_visitors", "+mart_experiments"),
    *("mart_experiment_rejections", "int_export_days_processed"),
)
SEEDS_STAY = ("--exclude", "resource_type:seed")
COMPARED = (
    *("int_feedback_matched", "fct_feedback", "mart_feedback"),
    *("int_visitor_moments_gathered", "mart_stalled_visitors"),
    *("int_experiment_exposures_matched", "fct_experiment_exposures"),
    *("mart_experiments", "mart_experiment_rejections"),
)


def surveyed(seed: int) -> SmallExport:
    """An export in which every third page view is an answer, and as many are exposures."""
    export = SmallExport(seed=seed, day_count=6, visitor_count=60)
    for rows in export.days.values():
        for row in rows:
            if row["event_name"] == "page_view" and (row["event_timestamp"] or 0) % 3 == 0:
                answer(row)
            elif row["event_name"] == "page_view" and (row["event_timestamp"] or 0) % 3 == 1:
                expose(row)
    return export


def expose(row: Row) -> None:
    """Mostly the same variant again, sometimes another one, sometimes none that can be read."""
    row["event_name"] = "experience_impression"
    number = row["event_timestamp"] // 1_000_000
    device = sum(map(ord, row["user_pseudo_id"] or ""))
    variant = device % 2 if number % 9 else 1 - device % 2
    text = f"VWO-{number % 2}-{variant}" if number % 11 else f"VWO-{number % 2}"
    row["event_params"].append({"key": "exp_variant_string", "value": {"string_value": text}})


def answer(row: Row) -> None:
    number = (row["event_timestamp"] or 0) // 1_000_000
    row["event_name"] = "survey_response"
    said = {"question": f"Q{number % 2}", "answer": f"A{number % 4}", "trigger": f"T{number % 3}"}
    values: Row = {key: {"string_value": text} for key, text in said.items()}
    values["rating"] = {"int_value": number % 7}
    row["event_params"] += [
        {"key": f"survey_{key}", "value": value} for key, value in values.items()
    ]


def copy_of(warehouse: Warehouse, root: Path) -> Warehouse:
    """Its tables alone; the export is read where it is."""
    root.mkdir()
    for file in warehouse.root.glob(f"{warehouse.path.name}*"):  # and its write-ahead log
        shutil.copy2(file, root)
    return Warehouse(root, pattern=warehouse.environment["GA4_EXPORT_FILES"])


def contents(warehouse: Warehouse) -> dict[str, list[str]]:
    return {table: sorted(map(str, warehouse.rows(f"select * from {table}"))) for table in COMPARED}


def assert_equals_full_refresh(warehouse: Warehouse, root: Path) -> dict[str, list[str]]:
    full = copy_of(warehouse, root)
    full.build("--full-refresh", "--select", *MODELS, *SEEDS_STAY)
    found, wanted = contents(warehouse), contents(full)
    for table in COMPARED:
        assert found[table] == wanted[table], table
        assert found[table], f"{table} is empty"
    return found


@pytest.mark.slow
def test_nights_and_a_changed_list_end_in_a_full_refresh(tmp_path: Path) -> None:
    """Late hits, a day that changes, a missing day and a daily table; then another survey."""
    export = surveyed(seed=12)
    warehouse = Warehouse(tmp_path / "incremental")
    write_first_state(export, warehouse.export)
    warehouse.build("--select", *MODELS, "resource_type:seed")
    before = contents(warehouse)

    late_hits_arrive(export, warehouse.export)
    changed_day_is_delivered_again(export, warehouse.export)
    warehouse.build("--select", *MODELS, *SEEDS_STAY)
    first = assert_equals_full_refresh(warehouse, tmp_path / "first")
    assert all(first[table] != before[table] for table in COMPARED), "the night changed too little"

    missing_day_and_daily_table_come(export, warehouse.export)
    warehouse.build("--select", *MODELS, *SEEDS_STAY)
    second = assert_equals_full_refresh(warehouse, tmp_path / "second")
    assert all(second[table] != first[table] for table in COMPARED), "the night changed too little"

    # A new scale and another kind of feedback are known of all days, and no raw file is needed.
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("update feedback_events set rating_max = 3")
        connection.execute(
            "insert into feedback_events values ('searched', 'view_search_results', null,"
            " 'param:page_location', null, null, null, 'device_category')"
        )
        connection.execute(
            "insert into experiment_events values ('searched', 'view_search_results',"
            " 'param:page_location', 'device_category', null)"
        )
        connection.execute(
            "update audience_moments set stall_hours = 2 where moment = 'pricing_seen'"
        )
    kept = tmp_path / "kept"
    shutil.move(warehouse.export, kept)
    raw = ("base_ga4__events", "stg_ga4__export_days")
    warehouse.build("--select", *MODELS, *SEEDS_STAY, *raw)
    shutil.move(kept, warehouse.export)
    days = "select count(distinct feedback_date) from fct_feedback where feedback_name = 'searched'"
    assert warehouse.value(days) == len(export.dates)
    assert warehouse.value("select max(rating) from fct_feedback") == 3
    days = "select count(distinct event_date) from int_experiment_exposures_matched"
    assert warehouse.value(f"{days} where source_name = 'searched'") == len(export.dates)
    third = assert_equals_full_refresh(warehouse, tmp_path / "third")
    assert third["mart_stalled_visitors"] != second["mart_stalled_visitors"]
