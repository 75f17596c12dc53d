"""Derived conversions end in the same rows however the days came, and need no raw file again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from project_run import Warehouse
from small_export import SmallExport, day_path, write_rows
from warehouse_states import (
    FIRST,
    FOURTH,
    INTRADAY,
    LATE,
    MISSING,
    SECOND_DAY,
    changed_day_is_delivered_again,
)

pytestmark = pytest.mark.slow

SEEDS_STAY = ("--exclude", "resource_type:seed")
READ_RAW = ("base_ga4__events", "stg_ga4__export_days")
MODELS = ("+fct_sessions", "+dim_visitors", "fct_micro_conversions", "int_export_days_processed")
MARTS = (
    *("+mart_funnel_steps", "+mart_segment_conversions", "+mart_lead_scores"),
    *("+mart_decision_points", "fct_funnel_attempts"),
)
COMPARED = (
    *("int_conversions_required", "int_conversions_derived", "int_conversions_counted"),
    *("int_sessions_attributed", "fct_sessions", "fct_micro_conversions", "dim_visitors"),
)
# What is waited for longer than the late-arrival window of 3 days is over without any hit then.
DEFINITIONS = """
compared,view_item,2,item:item_id,session,,done,,,
cart_left,add_to_cart,1,,session,,done,,,
cart_left,purchase,1,,session,,not_done,,,
long_left,add_to_cart,1,,4 days,add_to_cart,done,,,
long_left,purchase,1,,4 days,add_to_cart,not_done,,,
lost,long_left,1,,1 hour,previous_conversion,done,,,
returned,compared,1,,2 days,first_visit,done,,,
returned,begin_checkout,1,,2 days,first_visit,done,,,
keen,returned,1,,1 day,returned,done,,,
keen,view_item,3,page_path,1 day,returned,done,,,
""".strip().splitlines()
NAMES = sorted({row.split(",")[0] for row in DEFINITIONS})


def derive(warehouse: Warehouse) -> None:
    """As when the seeds were edited and loaded; `long_left` is also the second step of a funnel."""
    connection = duckdb.connect(str(warehouse.path))
    for name in NAMES:
        connection.execute(
            "insert into conversion_catalog values"
            f" ('{name}', '{name}', 'micro', 'secondary_action', 'interest', 'purchase',"
            " 'ecommerce', 'once_per_session', 'fixed:2.5', 1, null)"
        )
    for row in DEFINITIONS:
        cells = ", ".join("null" if cell == "" else f"'{cell}'" for cell in row.split(","))
        connection.execute(f"insert into derived_conversions values ({cells})")
    connection.execute(
        "insert into conversion_rules values"
        " ('watch_video', 9, 'user_engagement', null, null, null)"
    )
    connection.execute(
        "insert into funnels values ('left', 'left', 'visitor', 'ordered', 'closed', 97, null,"
        " 'unique')"
    )
    connection.execute(
        "insert into funnel_steps values ('left', 1, 'add_to_cart', 'step'),"
        " ('left', 2, 'long_left', 'step')"
    )
    connection.close()


def copy_of(warehouse: Warehouse, root: Path) -> Warehouse:
    """Its tables alone; the export is read where it is."""
    root.mkdir()
    for file in warehouse.root.glob(f"{warehouse.path.name}*"):  # and its write-ahead log
        shutil.copy2(file, root)
    return Warehouse(root, pattern=warehouse.environment["GA4_EXPORT_FILES"])


def differing_tables(left: Warehouse, right: Warehouse) -> list[str]:
    connection = duckdb.connect()
    found = []
    for side, warehouse in (("left_side", left), ("right_side", right)):
        connection.execute(f"create schema {side}")
        connection.execute(f"attach '{warehouse.path}' as micro_conversions (read_only)")
        for table in COMPARED:
            connection.execute(
                f"create table {side}.{table} as select * from micro_conversions.main.{table}"
            )
        connection.execute("detach micro_conversions")
    for table in COMPARED:
        for one, other in (("left_side", "right_side"), ("right_side", "left_side")):
            only = f"select * from {one}.{table} except all select * from {other}.{table}"
            rows = connection.execute(f"select count(*) from ({only})").fetchall()
            if rows != [(0,)]:
                found.append(f"{table}: {rows[0][0]} rows only in {one}")
    connection.close()
    return found


def build(warehouse: Warehouse, models: Sequence[str] = MODELS, *more: str) -> None:
    warehouse.build("--select", *models, *more)


def full_refresh(warehouse: Warehouse, root: Path, models: Sequence[str] = MODELS) -> Warehouse:
    full = copy_of(warehouse, root)
    full.build("--full-refresh", "--select", *models, *SEEDS_STAY)
    return full


def names_left(warehouse: Warehouse) -> set[str]:
    """Visitors of whom `long_left` is known."""
    rows = warehouse.rows(
        "select visitor_id from int_conversions_counted where conversion_name = 'long_left'"
    )
    return {visitor for (visitor,) in rows}


def test_incremental_days_and_a_changed_list_equal_a_full_refresh(tmp_path: Path) -> None:
    """One history: a list that comes later, raw files that are gone, late and changed days."""
    export = SmallExport(seed=11, day_count=6, visitor_count=60)
    days = export.dates
    warehouse = Warehouse(tmp_path / "incremental")
    export.write(warehouse.export, days[FIRST], days[SECOND_DAY])
    write_rows(day_path(warehouse.export, days[FOURTH]), export.part_of(days[FOURTH], 0.6))
    build(warehouse, [*MODELS, "resource_type:seed"])

    # New micro-conversions and a changed rule, while no raw file is there.
    videos = "select count(*) from fct_micro_conversions where conversion_name = 'watch_video'"
    before = warehouse.value(videos)
    derive(warehouse)
    kept = tmp_path / "kept"
    shutil.move(warehouse.export, kept)
    build(warehouse, MODELS, *SEEDS_STAY, *READ_RAW)
    assert not warehouse.export.exists(), "a raw file came back"
    assert warehouse.value(videos) > before, "the changed rule found nothing in the past"
    new_on = warehouse.value(
        "select count(distinct conversion_date) from fct_micro_conversions"
        " where conversion_name = 'compared'"
    )
    assert new_on == 3, "not every loaded day has the new micro-conversion"
    shutil.move(kept, warehouse.export)

    # Late hits, a changed day and a new one: a visitor's time runs out without a hit in open days.
    export.write(warehouse.export, days[FOURTH], days[LATE])
    changed_day_is_delivered_again(export, warehouse.export)
    build(warehouse, MODELS, *SEEDS_STAY)
    known = names_left(warehouse)
    export.write(warehouse.export, days[MISSING], days[INTRADAY])
    build(warehouse, MODELS, *SEEDS_STAY)
    seen_lately = warehouse.rows(
        f"select distinct visitor_id from fct_sessions where ended_at >= date '{days[MISSING]}'"
    )
    in_silence = names_left(warehouse) - known - {visitor for (visitor,) in seen_lately}
    assert in_silence, "nobody's time ran out in silence"
    full = full_refresh(warehouse, tmp_path / "last", [*MODELS, *MARTS])
    assert differing_tables(warehouse, full) == []
    assert_like_any_other(full)


def assert_like_any_other(warehouse: Warehouse) -> None:
    """Derived conversions are in funnels, segments, scores and evidence, and have a value."""
    where_they_are = {
        "mart_funnel_steps": "conversion_name = 'long_left' and reached_count > 0",
        "fct_funnel_attempts": "funnel_name = 'left' and furthest_step = 2",
        "mart_segment_conversions": "conversion_name = 'compared' and converting_session_count > 0",
        "mart_lead_scores": "cast(top_reasons as varchar) like '%compared%'",
        "mart_decision_points": "micro_name = 'compared'",
        "fct_micro_conversions": "conversion_name = 'lost' and value_usd = 2.5",
        "fct_sessions": "micro_conversion_count > 0",
    }
    empty = [
        table
        for table, condition in where_they_are.items()
        if not warehouse.value(f"select count(*) from {table} where {condition}")
    ]
    assert not empty
