"""Rung 2 for funnels: random visitors in every mode, on Google's executor as in the reference.

The shipped lists hold a few modes; here the seeds are replaced by funnels of all of them.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from funnel_case import (
    FUNNELS,
    Expected,
    Histories,
    attempts_of,
    conversion_rows,
    funnel_rows,
    random_histories,
    step_rows,
)
from funnel_reference import continued_steps, unit_days

from .analysis import Analysis
from .bq_types import Row
from .compile_offline import Compiled
from .export_schema import EXPORT_2026
from .googlesql import Result
from .project import in_order, new_catalog, relation

pytestmark = pytest.mark.slow

VISITORS = 10
MODELS = (
    "dim_funnel_steps",
    "int_funnel_steps_walked",
    "int_funnel_steps_gathered",
    "int_funnel_attempts_reached",
    "int_funnel_unit_days",
)


@pytest.fixture(scope="module")
def histories() -> Histories:
    return random_histories(seed=5, visitors=VISITORS)


@pytest.fixture(scope="module")
def expected(histories: Histories) -> Expected:
    return attempts_of(histories)


@pytest.fixture(scope="module")
def counted(full: Compiled, analyzed: Analysis, histories: Histories) -> dict[str, Result]:
    """The funnel models on Google's executor, by name."""
    catalog = new_catalog(full, EXPORT_2026)
    for name, columns in analyzed.tables(full).items():
        catalog.add(name, columns)
    conversions = sorted({name for one in FUNNELS.values() for name, _ in one.steps})
    given = {
        "funnels": funnel_rows(),
        "funnel_steps": step_rows(),
        "dim_conversions": [{"conversion_name": name, "label": name} for name in conversions],
        "int_conversions_counted": conversion_rows(histories),
    }
    rows: dict[str, list[Row]] = {}
    results = {}
    for node in in_order(full, "seed", "model"):
        name, table = node["name"], relation(node)
        if name in given:
            columns = analyzed.tables(full)[table]
            rows[table] = [
                stored_row(row, {one.name: one.type for one in columns}) for row in given[name]
            ]
        elif name in MODELS:
            results[name] = catalog.evaluate(node["compiled_code"], rows)
            rows[table] = results[name].rows
    return results


def stored_row(row: dict[str, Any], types: dict[str, str]) -> Row:
    """A row with a value for every column, in the types of the table."""
    whole: Row = {name: row.get(name) for name in types}
    for name, kind in types.items():
        if kind == "NUMERIC" and whole[name] is not None:
            whole[name] = Decimal(str(whole[name]))
    return whole


def test_attempts_equal_the_reference(counted: dict[str, Result], expected: Expected) -> None:
    wanted = {
        (
            name,
            unit,
            one.entry.event_id,
            number,
            moment,
            number in continued_steps(one.reached, FUNNELS[name].rules),
            one.furthest_step,
            one.excluded_at,
        )
        for (name, unit), all_ in expected.items()
        for one in all_
        for number, moment in one.reached.items()
    }
    columns = (
        "funnel_name",
        "unit_id",
        "entry_event_id",
        "step_number",
        "reached_timestamp",
        "is_continued",
        "furthest_step",
        "excluded_timestamp",
    )
    found = [
        tuple(row[name] for name in columns) for row in counted["int_funnel_attempts_reached"].rows
    ]
    for name in FUNNELS:
        ours = {row for row in wanted if row[0] == name}
        theirs = {row for row in found if row[0] == name}
        extra, missing = sorted(theirs - ours, key=str)[:3], sorted(ours - theirs, key=str)[:3]
        assert ours == theirs, f"{name}: unexpected {extra}, missing {missing}"
    assert len(found) == len(wanted)


def test_unit_days_equal_the_reference(counted: dict[str, Result], expected: Expected) -> None:
    wanted: dict[str, set[Any]] = defaultdict(set)
    for (name, unit), all_ in expected.items():
        rules = FUNNELS[name].rules
        for day in unit_days(all_, rules) if rules.counting == "unique" else []:
            masks = [sum(1 << (step - 1) for step in one) for one in (day.reached, day.continued)]
            wanted[name].add((unit, day.date, day.entry_session_id, *masks))
    found: dict[str, set[Any]] = defaultdict(set)
    for row in counted["int_funnel_unit_days"].rows:
        found[row["funnel_name"]].add(
            (
                row["unit_id"],
                row["entry_date"],
                row["entry_session_id"],
                row["reached_mask"],
                row["continued_mask"],
            )
        )
    for name in FUNNELS:
        assert found[name] == wanted[name], name
