"""Rung 2 for the evidence: random visitors, on Google's executor as in the slow reference."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import cohort_reference
import evidence_reference as reference
import pytest
from evidence_case import (
    FIRST_DAY,
    LAST_DAY,
    MACROS,
    MARTS,
    MICROS,
    MODELS,
    WEIGHTS,
    as_of_rows,
    catalog_rows,
    clock_rows,
    conversion_rows,
    day_rows,
    random_histories,
    session_rows,
    subjects_of,
)
from evidence_reference import Settings, Subject
from small_export import PROPERTY_TIME_ZONE

from .analysis import Analysis
from .bq_types import Row
from .compile_offline import Compiled
from .conftest import HORIZON_DAYS
from .export_schema import EXPORT_2026
from .googlesql import Result
from .project import in_order, new_catalog, relation
from .test_funnel_modes import stored_row

VISITORS = 60
SETTINGS = Settings(FIRST_DAY, LAST_DAY, PROPERTY_TIME_ZONE, horizon_days=HORIZON_DAYS)
STRATUM = ("depth_bin", "day_bin", "device_category", "channel_group", "country", "visitor_type")


@pytest.fixture(scope="module")
def subjects() -> list[Subject]:
    return subjects_of(random_histories(seed=3, visitors=VISITORS), SETTINGS)


@pytest.fixture(scope="module")
def counted(full: Compiled, analyzed: Analysis) -> dict[str, Result]:
    """The evidence models on Google's executor, by name."""
    histories = random_histories(seed=3, visitors=VISITORS)
    given = {
        "int_sessions_attributed": session_rows(histories),
        "int_clock_events": clock_rows(histories, SETTINGS),
        "int_conversions_counted": conversion_rows(histories),
        "dim_conversions": catalog_rows(),
        "int_export_as_of": as_of_rows(),
        "int_export_days_counted": day_rows(),
    }
    catalog = new_catalog(full, EXPORT_2026)
    for name, columns in analyzed.tables(full).items():
        catalog.add(name, columns)
    rows: dict[str, list[Row]] = {}
    results = {}
    for node in in_order(full, "model"):
        name, table = node["name"], relation(node)
        if name in given:
            types = {one.name: one.type for one in analyzed.tables(full)[table]}
            rows[table] = [stored_row(row, types) for row in given[name]]
        elif name in (*MODELS, *MARTS) and name != "mart_evidence_checks":
            results[name] = catalog.evaluate(node["compiled_code"], rows)
            rows[table] = results[name].rows
    return results


def keyed(result: Result, key: tuple[str, ...], counts: tuple[str, ...]) -> dict[Any, list[Any]]:
    found = {
        tuple(row[name] for name in key): [plain(row[name]) for name in counts]
        for row in result.rows
    }
    assert len(found) == len(result.rows)
    return found


def plain(value: Any) -> Any:
    return Decimal(str(round(value, 6))) if isinstance(value, float) else value


def test_decision_points_equal_the_reference(
    counted: dict[str, Result], subjects: list[Subject]
) -> None:
    found = keyed(
        counted["mart_decision_points"],
        (
            *("macro_name", "micro_name", *STRATUM),
            *("is_bot", "is_last_third", "bucket", "exposure_state"),
        ),
        (
            *("step_count", "next_step_converted_count", "followed_count"),
            *("followed_converted_count", "followed_revenue_usd", "followed_revenue_usd_squared"),
        ),
    )
    assert found == reference.decision_points(subjects, MACROS, MICROS)


def test_patterns_and_landmarks_equal_the_reference(
    counted: dict[str, Result], subjects: list[Subject]
) -> None:
    patterns = keyed(
        counted["mart_conversion_patterns"],
        ("macro_name", *STRATUM, "done_before_mask"),
        ("step_count", "next_step_converted_count"),
    )
    assert patterns == reference.conversion_patterns(subjects, MACROS, MICROS)
    landmarks = keyed(
        counted["mart_conversion_landmarks"],
        ("macro_name", *STRATUM[2:], "done_mask"),
        ("subject_count", "converted_count", "revenue_usd", "revenue_usd_squared"),
    )
    assert landmarks == reference.landmarks(subjects, MACROS, MICROS)


def test_reach_equals_the_reference(counted: dict[str, Result], subjects: list[Subject]) -> None:
    wanted = reference.reach(subjects, MACROS, MICROS)
    assert len(counted["mart_conversion_reach"].rows) == len(wanted)
    for row in counted["mart_conversion_reach"].rows:
        one = wanted[row["macro_name"], row["micro_name"], row["is_bot_filtered"]]
        assert {name: plain(row[name]) for name in one} == one


def test_cohorts_equal_the_reference(counted: dict[str, Result], subjects: list[Subject]) -> None:
    conversions = random_histories(seed=3, visitors=VISITORS).conversions
    found = keyed(
        counted["mart_cohorts"],
        (
            *("macro_name", "cohort_week", "behaviour_kind", "behaviour_name"),
            *("behaviour_group", "age_days"),
        ),
        (
            *("complete_date", "is_complete", "visitor_count", "early_visitor_count"),
            *("converted_count", "retained_count", "revenue_usd", "revenue_usd_squared"),
        ),
    )
    wanted = cohort_reference.cohorts(subjects, conversions, MACROS, MICROS)
    assert found == wanted and any(row[1] and row[4] for row in wanted.values())
    strata = keyed(
        counted["mart_cohort_strata"],
        (
            *("macro_name", "behaviour_name", "behaviour_group", "cohort_week"),
            *("device_category", "channel_group", "bucket"),
        ),
        ("visitor_count", "converted_count", "retained_count", "revenue_usd"),
    )
    assert strata == cohort_reference.strata(subjects, conversions, MACROS, MICROS)


def test_snapshots_equal_the_reference(counted: dict[str, Result], subjects: list[Subject]) -> None:
    found = keyed(
        counted["mart_score_snapshots"],
        ("macro_name", "cut_date", "age_pattern", "manual_score"),
        ("subject_count", "converted_count"),
    )
    wanted = reference.score_snapshots(subjects, MACROS, MICROS, WEIGHTS)
    assert wanted and found == wanted
