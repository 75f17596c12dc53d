"""The whole pipeline on a generated export against what its generator says that it planted."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from microconv.demo import generate_demo
from project_run import Warehouse, shared_warehouse


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, dict[str, Any]]:
    def build(new: Warehouse) -> None:
        generate_demo(new.export, days=16, visitors_per_day=60, seed=11, until=date(2026, 11, 8))
        new.build()

    warehouse = shared_warehouse(tmp_path_factory, "demo_truth", build)
    return warehouse, json.loads((warehouse.export / "planted_truth.json").read_text())


def test_every_raw_row_is_accepted_rejected_or_a_duplicate_as_planted(
    demo: tuple[Warehouse, dict[str, Any]],
) -> None:
    warehouse, truth = demo
    days = {
        row["event_date"].isoformat(): row
        for row in warehouse.records("select * from stg_ga4__export_days")
    }
    both = truth["planted_days"]["both_tables_on"]
    used = {
        file["date"]: file
        for file in sorted(
            truth["counts"]["tables"], key=lambda file: str(file["kind"]), reverse=True
        )
    }
    assert days.keys() == used.keys()
    for day, file in used.items():
        found = days[day]
        planted = (file["rows"], file["sound"], sum(file["malformed"].values()), file["duplicates"])
        counted = (
            found["raw_row_count"],
            found["accepted_count"],
            found["rejected_count"],
            found["duplicate_count"],
        )
        assert counted == planted, f"{day}: (raw, accepted, rejected, duplicate)"
        assert found["consentless_count"] == file["consentless"], day
        assert found["source_table_kind"] == file["kind"], day
    if both in days:
        assert days[both]["source_table_kind"] == "daily"


def test_sessions_and_robots_are_those_planted(demo: tuple[Warehouse, dict[str, Any]]) -> None:
    warehouse, truth = demo
    assert (
        warehouse.value("select count(*) from fct_sessions") == truth["counts"]["distinct_sessions"]
    )
    robots = warehouse.value(
        "select count(distinct user_pseudo_id) from fct_sessions"
        " where exclusion_reason = 'suspected_bot'"
    )
    assert robots == truth["counts"]["bots"]


def test_no_effect_is_claimed_for_a_segment_without_base(
    demo: tuple[Warehouse, dict[str, Any]],
) -> None:
    warehouse, _ = demo
    assert (
        warehouse.value(
            "select count(*) from mart_segment_conversions"
            " where session_count < 30 and session_conversion_rate is not null"
        )
        == 0
    )
    assert (
        warehouse.value("select count(*) from mart_segment_conversions where session_count < 30")
        > 0
    )
