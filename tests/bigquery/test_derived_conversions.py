"""Rung 2 for derived conversions: random visitors, on Google's executor as in the reference.

The shipped list is empty; here it holds a derived conversion of every kind.
"""

from __future__ import annotations

from typing import Any

import pytest
from derived_case import (
    AS_OF,
    Visitor,
    catalog_rows,
    expected_of,
    matched_rows,
    random_visitors,
    requirement_rows,
    session_rows,
)

from .analysis import Analysis
from .compile_offline import Compiled
from .export_schema import EXPORT_2026
from .googlesql import Result
from .project import in_order, new_catalog, relation
from .test_funnel_modes import stored_row

VISITORS = 25
MODELS = (
    "int_requirements_leveled",
    "int_conversions_stitched",
    "int_conversions_required",
    "int_conversions_derived",
    "int_conversions_counted",
)


@pytest.fixture(scope="module")
def visitors() -> list[Visitor]:
    return random_visitors(seed=8, visitors=VISITORS)


@pytest.fixture(scope="module")
def derived(full: Compiled, analyzed: Analysis, visitors: list[Visitor]) -> dict[str, Result]:
    """The models on Google's executor, by name."""
    given: dict[str, list[dict[str, Any]]] = {
        "conversion_catalog": catalog_rows(),
        "derived_conversions": requirement_rows(),
        "int_conversion_events_matched": matched_rows(visitors),
        "int_sessions_attributed": session_rows(visitors),
        "int_visitor_devices_identified": [],
        "int_session_days": [],
        "int_export_as_of": [{"as_of_timestamp": AS_OF}],
    }
    catalog = new_catalog(full, EXPORT_2026)
    tables = analyzed.tables(full)
    for name, columns in tables.items():
        catalog.add(name, columns)
    rows: dict[str, list[dict[str, Any]]] = {}
    results = {}
    for node in in_order(full, "seed", "model"):
        name, table = node["name"], relation(node)
        if name in given:
            types = {one.name: one.type for one in tables[table]}
            rows[table] = [stored_row(row, types) for row in given[name]]
        elif name in MODELS:
            results[name] = catalog.evaluate(node["compiled_code"], rows)
            rows[table] = results[name].rows
    return results


def test_derived_conversions_equal_the_reference(
    derived: dict[str, Result], visitors: list[Visitor]
) -> None:
    found = [
        (
            row["visitor_id"],
            row["conversion_event_id"],
            row["completed_timestamp"],
            row["completed_date"],
        )
        for row in derived["int_conversions_derived"].rows
    ]
    expected = expected_of(visitors)
    assert len({one[1].rpartition("/")[2] for one in expected}) >= 25
    assert set(found) == expected and len(found) == len(expected)


def test_they_count_from_the_moment_at_which_they_are_known(
    derived: dict[str, Result], visitors: list[Visitor]
) -> None:
    base = {one.conversion_event_id for visitor in visitors for one in visitor.history}
    counted = {
        (row["conversion_event_id"], row["event_timestamp"])
        for row in derived["int_conversions_counted"].rows
        if row["visitor_id"] is not None and row["conversion_event_id"] not in base
    }
    known = {one[1:3] for one in expected_of(visitors) if one[2] < AS_OF}
    assert counted == known
