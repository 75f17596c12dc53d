"""Funnels by the segment of the visitor's first session or of the last step, by the reference."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import Any

import duckdb
import pytest
from funnel_case import AS_OF, DIMENSIONS, FUNNELS, GRAINS, VISITORS, FunnelCase, funnel_case
from funnel_reference import Attempt, count_by_period, period_start, unit_days
from project_run import Warehouse, shared_warehouse

ATTRIBUTIONS = ("first_touch", "last_touch")
COUNTED = (
    "three_steps_longer",
    "by_session",
    "skipping_open",
    "any_order",
    "ending_and_skipping",
    "attempts_open",
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> FunnelCase:
    return funnel_case(tmp_path_factory, VISITORS, seed=9)


def first_session(visitor: str) -> str:
    """Random visitors' sessions begin in the order of their numbers but for every third visitor's,
    whose first one is excluded; see `begin_sessions`."""
    return f"{visitor}-{1 if int(visitor.rpartition('-')[2]) % 3 == 0 else 0}"


def begin_sessions(warehouse: Warehouse) -> None:
    connection = duckdb.connect(str(warehouse.path))
    connection.execute(
        """
        update fct_sessions
        set
            started_at = timestamp '2025-10-01'
            + to_hours(cast(split_part(session_id, '-', 3) as integer)),
            exclusion_reason = case
                when split_part(session_id, '-', 3) = '0'
                    and cast(split_part(session_id, '-', 2) as integer) % 3 = 0
                    then 'suspected_bot'
            end
        """
    )
    names = "', '".join(COUNTED)
    connection.execute(f"delete from dim_funnel_steps where funnel_name not in ('{names}')")
    connection.close()


@pytest.fixture(scope="module")
def attributed(tmp_path_factory: pytest.TempPathFactory, case: FunnelCase) -> Warehouse:
    def build(new: Warehouse) -> None:
        shutil.copytree(case.warehouse.root, new.root, dirs_exist_ok=True)
        begin_sessions(new)
        chosen = json.dumps({"funnel_attributions": ATTRIBUTIONS})
        models = ["int_funnel_units_counted", "mart_funnel_steps"]
        new.dbt("run", "--vars", chosen, "--select", *models).must_succeed()

    return shared_warehouse(tmp_path_factory, "funnel_attribution", build)


def sessions_by_attribution(name: str, unit: str, last: str | None) -> dict[str, str | None]:
    visitor = unit if FUNNELS[name].unit == "visitor" else unit.rpartition("-")[0]
    return {"first_touch": first_session(visitor), "last_touch": last}


def counted(name: str, unit_attempts: list[Attempt], grain: str) -> list[tuple[Any, ...]]:
    """(period, last session, steps reached, is mature) of a unit, once a period or per attempt."""
    funnel = FUNNELS[name]
    if funnel.counting == "attempts":
        found = []
        for one in unit_attempts:
            is_mature = one.entry.timestamp + funnel.rules.outcome_window < AS_OF
            steps = set(one.reached) if is_mature else set[int]()
            found.append(
                (period_start(grain, one.entry.date), one.last_session_id, steps, is_mature)
            )
        return found
    periods = count_by_period(unit_days(unit_attempts, funnel.rules), grain, funnel.is_mature)
    return [
        (start, unit.last_session_id, unit.reached, bool(unit.reached))
        for start, unit in periods.items()
    ]


@pytest.mark.parametrize("name", COUNTED)
def test_units_stand_in_the_segments_of_first_and_last_touch(
    case: FunnelCase, attributed: Warehouse, name: str
) -> None:
    reached: Counter[tuple[Any, ...]] = Counter()
    entered: Counter[tuple[Any, ...]] = Counter()
    immature: Counter[tuple[Any, ...]] = Counter()
    for (funnel, unit), unit_attempts in case.expected.items():
        for grain in GRAINS if funnel == name else ():
            for start, last, steps, is_mature in counted(name, unit_attempts, grain):
                for attribution, session in sessions_by_attribution(name, unit, last).items():
                    values = case.histories.segments.get(session or "", {})
                    for dimension in DIMENSIONS:
                        value = values.get(dimension, "(unknown)")
                        key = (attribution, grain, start, dimension, value)
                        entered[key] += is_mature
                        immature[key] += not is_mature
                        reached.update((*key, number) for number in steps)
    rules = FUNNELS[name].rules
    numbers = rules.required if rules.step_order == "any" else rules.walkable
    wanted = {
        (*key, number, reached[*key, number], entered[key], immature[key])
        for key in entered
        for number in numbers
    }
    found = attributed.rows(
        f"""
        select
            segment_attribution, period_grain, period_start_date, segment_dimension, segment_value,
            step_number, reached_count, entered_count, immature_count
        from mart_funnel_steps
        where funnel_name = '{name}'
            and segment_dimension <> 'all'
            and segment_dimension not like '% x %'
        """
    )
    assert len(found) == len(set(found))
    assert sorted(set(found) - wanted, key=str)[:5] == []
    assert sorted(wanted - set(found), key=str)[:5] == []


def test_attributions_differ_and_add_up_alike(attributed: Warehouse) -> None:
    """Were one read as the other, the comparison with the reference would still say so."""
    (same,) = attributed.rows(
        """
        select count(*)
        from mart_funnel_steps as firsts
        inner join mart_funnel_steps as lasts
            on firsts.segment_attribution = 'first_touch'
            and lasts.segment_attribution = 'last_touch'
            and firsts.funnel_name = lasts.funnel_name
            and firsts.period_grain = 'all'
            and lasts.period_grain = 'all'
            and firsts.segment_dimension = 'all'
            and lasts.segment_dimension = 'all'
            and firsts.step_number = lasts.step_number
        where firsts.reached_count <> lasts.reached_count
        """
    )
    assert same == (0,)
    differing = attributed.value(
        """
        select count(*)
        from mart_funnel_steps as firsts
        inner join mart_funnel_steps as lasts
            using (funnel_name, period_grain, period_start_date, segment_dimension, segment_value,
                step_number)
        where firsts.segment_attribution = 'first_touch'
            and lasts.segment_attribution = 'last_touch'
            and firsts.reached_count <> lasts.reached_count
        """
    )
    assert differing > 100
