"""From rows of the warehouse to numpy: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from evidence_warehouse import make_project_of
from hypothesis import given
from hypothesis import strategies as st
from microconv.aggregates.literals import literal
from microconv.aggregates.read import Aggregates, ages_of
from microconv.aggregates.types import ALL, STATES
from microconv.errors import MicroconvError
from microconv.profile import open_warehouse

CELL = {
    "macro_name": "purchase",
    "depth_bin": "1",
    "day_bin": "<30min",
    "device_category": "desktop",
    "channel_group": "all",
    "country": "all",
    "visitor_type": "new",
    "is_bot": False,
    "is_last_third": False,
    "bucket": 0,
}


def point(micro: str, state: str, steps: int, **more: Any) -> dict[str, Any]:
    counts = {
        "step_count": steps,
        "next_step_converted_count": steps // 10,
        "followed_count": steps // 2,
        "followed_converted_count": steps // 20,
        "followed_revenue_usd": steps / 4,
        "followed_revenue_usd_squared": 0.0,
    }
    return {**CELL, "micro_name": micro, "exposure_state": state, **counts, **more}


POINTS = [
    point(ALL, "all", 1000),
    point(ALL, "all", 400, depth_bin="2"),
    point(ALL, "all", 40, depth_bin="2", is_bot=True),
    point(ALL, "all", 60, device_category="mobile", bucket=19),
    point("banner", "done_here", 100),
    point("banner", "done_under_1d", 300, depth_bin="2"),
    point("banner", "done_3_7d", 60, device_category="mobile", bucket=19),
    point("zebra", "done_here", 40, depth_bin="2", is_bot=True),
]
PATTERNS = [
    {**CELL, "done_before_mask": mask, "step_count": steps, "next_step_converted_count": 1}
    for mask, steps in ((0, 100), (1, 20), (4, 10), (5, 5))
]

DAYS = [
    {
        "conversion_date": date(2026, 3, day),
        "conversion_name": "banner",
        "segment_dimension": "all",
        "conversion_count": 5,
        "session_count": 100,
        "is_ramp_up": False,
    }
    for day in (1, 2, 3)
]


@pytest.fixture
def aggregates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aggregates]:
    for name in ("DUCKDB_PATH", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    tables = {
        "mart_decision_points": POINTS,
        "mart_conversion_patterns": PATTERNS,
        "mart_daily_conversions": DAYS,
    }
    make_project_of(tmp_path, tables)
    with open_warehouse(tmp_path) as warehouse:
        yield Aggregates(warehouse, {})


def test_what_is_not_done_yet_is_what_is_left(aggregates: Aggregates) -> None:
    everything, banner, zebra = aggregates.decision_points("purchase")
    assert [one.micro_name for one in (everything, banner, zebra)] == [ALL, "banner", "zebra"]
    by_state = {
        state: float(banner.steps[banner.state == code].sum()) for code, state in enumerate(STATES)
    }
    assert by_state == {
        "not_yet": 900 + 100 + 40,
        "done_here": 100,
        "done_under_1d": 300,
        "done_1_3d": 0,
        "done_3_7d": 60,
        "done_over_7d": 0,
    }
    for one in (banner, zebra):
        assert one.steps.sum() == everything.steps.sum() == 1500
        assert one.followed_revenue.sum() == pytest.approx(375)
    # A cell in which everything is done leaves no row of what is not.
    assert set(zebra.state[zebra.is_bot].tolist()) == {STATES.index("done_here")}


def test_strata_are_what_varies(aggregates: Aggregates) -> None:
    everything, *_ = aggregates.decision_points("purchase")
    strata = everything.strata
    assert list(strata.labels) == ["depth_bin", "device_category"]
    assert strata.dimensions == ("device_category",)
    assert len(strata.codes) == 3
    assert len(np.unique(strata.without("device_category"))) == 2


def test_another_macro_has_no_points(aggregates: Aggregates) -> None:
    assert list(aggregates.decision_points("sign_up' or 'a' = 'a")) == []


def test_a_done_point_that_is_not_among_all_is_an_error(aggregates: Aggregates) -> None:
    stray = point("zoo", "done_here", 1, bucket=7)
    columns = ", ".join(stray)
    values = ", ".join(literal(value, is_duckdb=True) for value in stray.values())
    table = f"select * from (values ({values})) as stray({columns})"
    built = aggregates.warehouse.relation("mart_decision_points")
    more = Aggregates(
        aggregates.warehouse,
        {"mart_decision_points": f"select * from {built} union all by name {table}"},
    )
    with pytest.raises(ValueError, match="'zoo' has decision points that are not among all"):
        list(more.decision_points("purchase"))


def test_patterns_of_chosen_micros_are_summed(aggregates: Aggregates) -> None:
    found = aggregates.patterns("purchase", [2], has_factors=True)
    assert found.mask.tolist() == [0, 1]
    assert found.steps.tolist() == [120, 15]
    assert found.factors == {}
    swapped = aggregates.patterns("purchase", [2, 0], has_factors=False)
    assert dict(zip(swapped.mask.tolist(), swapped.steps.tolist(), strict=True)) == {
        0: 100,
        2: 20,
        1: 10,
        3: 5,
    }


def test_outages_are_read_once_for_all_macros(aggregates: Aggregates) -> None:
    found = aggregates.outages(date(2026, 3, 2))
    assert found["banner"].days == 2
    assert aggregates.outages(date(2026, 3, 2)) is found
    assert aggregates.outages(date(2026, 3, 3))["banner"].days == 3


def test_a_mart_that_was_not_built_is_a_plain_error(aggregates: Aggregates) -> None:
    with pytest.raises(MicroconvError, match="no model 'mart_conversion_reach'") as caught:
        aggregates.reach("purchase")
    assert "make build" in caught.value.remedy and caught.value.exit_code == 1


def test_age_patterns() -> None:
    assert ages_of("", [0, 1]) == [math.inf, math.inf]
    assert ages_of("0:1 5:6", [0, 1, 5]) == [0.5, math.inf, 45.0]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_comes_back_from_duckdb_as_it_was(text: str) -> None:
    [row] = duckdb.sql(f"select {literal(text, is_duckdb=True)}").fetchall()
    assert row == (text,)


def test_numbers_that_are_none_are_null() -> None:
    for value in (None, math.nan, math.inf):
        assert literal(value, is_duckdb=False) == "null"
    assert literal(True, is_duckdb=False) == "true"
    assert literal(1e-300, is_duckdb=True) == "1e-300"
