"""What is right and unwise about a catalog is said once, with its number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from project_run import Warehouse

MODEL = "mart_catalog_findings"
# Milestones seen and bought, a secondary action, and a goal.
CATALOG = [
    ("view", "micro", "process_milestone", "interest", "sale"),
    ("cart", "micro", "process_milestone", "intent", "sale"),
    ("wish", "micro", "secondary_action", "consideration", "sale"),
    ("look", "micro", "secondary_action", "awareness", "sale"),
    ("left", "micro", "secondary_action", "intent", "sale"),
    ("sale", "macro", "process_milestone", "conversion", None),
]


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model's SQL as it is run."""
    warehouse = Warehouse(tmp_path_factory.mktemp("findings"))
    warehouse.dbt("compile", "--select", MODEL).must_succeed()
    [path] = (warehouse.root / "target").rglob(f"compiled/**/{MODEL}.sql")
    sql: str = Path(path).read_text(encoding="utf-8")
    return sql.replace('"micro_conversions"."main".', "")


def findings(statement: str, conversions: list[tuple[Any, ...]]) -> dict[tuple[str, str], int]:
    """Findings over conversions given as (event, conversion, visitor, microsecond)."""
    kinds = {name: kind for name, kind, *_ in CATALOG}
    with duckdb.connect() as connection:
        connection.execute("""
            create table dim_conversions (conversion_name text, conversion_type text,
                milestone_type text, funnel_stage text, supports text);
            create table funnel_stages as select unnest(
                ['awareness', 'interest', 'consideration', 'intent', 'conversion']) as funnel_stage;
            create table conversion_rules (event_name text);
            create table automatic_events (event_name text);
            create table int_requirements_leveled as select * from (
                values ('cart', false), ('left', true)) as leveled(conversion_name, is_timed);
            create table int_event_names_counted (
                event_name text, event_count bigint, key_event_count bigint);
            create table int_conversions_counted (event_id text, conversion_name text,
                visitor_id text, event_timestamp bigint, conversion_type text,
                is_counted boolean default true, exclusion_reason text)
        """)
        connection.executemany("insert into dim_conversions values (?, ?, ?, ?, ?)", CATALOG)
        connection.executemany(
            """insert into int_conversions_counted (event_id, conversion_name, visitor_id,
            event_timestamp, conversion_type) values (?, ?, ?, ?, ?)""",
            [(*row, kinds[row[1]]) for row in conversions],
        )
        rows = connection.execute(f"select check_name, subject, measured from ({statement})")
        return {(row[0], row[1]): row[2] for row in rows.fetchall()}


def history(name: str, visitors: int, moment: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [
        (f"{name}{number}", name, f"v{number}", moment) for number in range(first, first + visitors)
    ]


EVERYTHING = [
    row
    for moment, name in enumerate(("view", "cart", "wish", "look", "sale", "left"))
    for row in history(name, 40, moment)
]


def test_a_sound_catalog_has_no_finding(statement: str) -> None:
    assert findings(statement, EVERYTHING) == {}


def test_an_event_in_two_milestones_is_found(statement: str) -> None:
    twice = [("view1", "cart", "v1", 0), ("view2", "cart", "v2", 0), ("view3", "wish", "v3", 0)]
    found = findings(statement, EVERYTHING + twice)
    assert found == {("event_in_two_milestones", "cart and view"): 2}


@pytest.mark.parametrize(
    ("rows", "is_found"),
    [
        (history("wish", 30, 9), True),
        (history("wish", 29, 9), False),  # too few to say so
        ([*history("wish", 30, 9), ("late", "sale", "v29", 10)], False),
        ([*history("wish", 30, 9), ("same", "sale", "v29", 9)], True),
        ([*history("wish", 30, 9), ("other", "sale", "v77", 10)], True),
    ],
)
def test_a_micro_that_no_macro_follows_is_found(
    statement: str, rows: list[tuple[Any, ...]], is_found: bool
) -> None:
    kept = [row for row in EVERYTHING if row[1] != "wish"]
    found = findings(statement, kept + rows)
    assert found == ({("micro_never_followed", "wish"): 30} if is_found else {})
