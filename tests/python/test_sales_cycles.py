"""How long the way to a macro-conversion is: Kaplan-Meier over days and over visits."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from funnel_case import replace_rows
from microconv.evidence.proportions import wilson
from microconv.evidence.survival import Times, kaplan_meier
from project_run import Warehouse
from visit_case import AS_OF, DAY, MACROS, copy_of, random_visits, visit_warehouse
from visit_reference import Person, Segment, cycles_of, people_of, segments_of

MINIMUM = 30
HORIZONS = {"days": (1, 3, 7, 14, 30, 60, 90), "visits": (1, 2, 3, 4, 5, 10)}
UNITS = {"days": DAY, "visits": 1}
# Freireich et al. 1963, 21 patients on 6-MP: weeks to relapse, negative where none was seen.
SIX_MP = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
SIX_MP_SURVIVAL = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return visit_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def people() -> dict[str, Person]:
    return people_of(random_visits(seed=17))


@pytest.fixture(scope="module")
def segments(people: dict[str, Person]) -> dict[str, list[Segment]]:
    return segments_of(people)


@pytest.mark.parametrize("macro", MACROS)
@pytest.mark.parametrize("clock", HORIZONS)
def test_sales_cycles_equal_kaplan_and_meier(
    warehouse: Warehouse,
    people: dict[str, Person],
    segments: dict[str, list[Segment]],
    macro: str,
    clock: str,
) -> None:
    cycles = cycles_of(people, macro, clock)
    spells: dict[Segment, list[tuple[int, bool]]] = defaultdict(list)
    others: dict[Segment, Counter[str]] = defaultdict(Counter)
    for visitor, own in segments.items():
        for segment in own:
            if visitor in cycles:
                spells[segment].append(cycles[visitor])
            elif people[visitor].is_known_from_the_beginning:
                others[segment]["converted_before_count"] += 1
            else:
                others[segment]["unknown_beginning_count"] += 1
    found: dict[Segment, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in warehouse.records(
        f"select * from mart_sales_cycles where macro_name = '{macro}' and clock = '{clock}'"
    ):
        found[row["segment_dimension"], row["segment_value"]][row["horizon"]] = row
    is_seen = {one for one in others if others[one]["converted_before_count"]} | set(spells)
    assert set(found) == is_seen
    shown = 0
    for segment, rows in found.items():
        assert tuple(sorted(rows)) == HORIZONS[clock]
        for row in rows.values():
            for name in ("converted_before_count", "unknown_beginning_count"):
                assert row[name] == others[segment][name], (segment, name)
        shown += assert_cycles(rows, spells[segment], clock)
    assert shown >= 30
    assert any(others[segment]["converted_before_count"] for segment in others)


def assert_cycles(
    rows: dict[int, dict[str, Any]], spells: list[tuple[int, bool]], clock: str
) -> int:
    """Compares one line's rows with the reference; returns how many shares they show."""
    unit, shown = UNITS[clock], 0
    curve = kaplan_meier(
        Times.from_columns(*zip(*spells, strict=True)) if spells else Times.from_columns([], [])
    )
    reached = sorted(time for time, is_reached in spells if is_reached)
    middle = reached[math.ceil(len(reached) / 2) - 1] / unit if reached else None
    median = curve.time_until(0.5) / unit
    for horizon, row in rows.items():
        moment = horizon * unit
        assert row["visitor_count"] == len(spells), row
        assert row["converted_count"] == len(reached), row
        assert row["converted_by_horizon_count"] == sum(time <= moment for time in reached), row
        assert row["at_risk_count"] == sum(time >= moment for time, _ in spells), row
        wanted_median = None if len(spells) < MINIMUM or math.isnan(median) else median
        assert row["median_cycle"] == pytest.approx(wanted_median, abs=1e-9), row
        wanted_middle = middle if len(reached) >= MINIMUM else None
        assert row["converted_median_cycle"] == pytest.approx(wanted_middle, abs=1e-9), row
        share = curve.converted_by(moment)
        found = [row[f"conversion_rate{end}"] for end in ("", "_low", "_high")]
        if len(spells) < MINIMUM or math.isnan(share.value):
            assert found == [None, None, None], row
            continue
        shown += 1
        if math.isnan(share.low):  # nobody or everybody
            share = wilson(round(share.value) * len(spells), len(spells))
        wanted = [share.value, share.low, share.high]
        assert found == pytest.approx(wanted, abs=1e-9), row
    return shown


# ---- published and hand-made histories -----------------------------------------------------------


def visitor_row(visitor: str, followed: int, visit_count: int = 1) -> dict[str, Any]:
    dimensions = ("first_touch_channel_group", "first_touch_source", "device_category")
    return {
        "visitor_id": visitor,
        "first_visit_timestamp": AS_OF - followed,
        "visit_count": visit_count,
        "is_beginning_known": True,
        **dict.fromkeys(dimensions, "one"),
        **{f"{dimension}_number": 1 for dimension in dimensions},
    }


def cycle_row(macro: str, visitor: str, begin: int, taken: int) -> dict[str, Any]:
    return {
        "macro_name": macro,
        "visitor_id": visitor,
        "converted_timestamp": begin + taken,
        "is_before_first_visit": False,
        "is_in_visit": True,
        "cycle_micros": taken,
        "cycle_visit_count": 1,
    }


def test_sales_cycles_have_the_published_survival_of_leukemia_patients(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """As in lifelines' `load_leukemia`, every patient twice, which changes no survival. Weeks of a
    relapse are put on our horizons, others in between, in the same order.
    """
    weeks = (6, 7, 10, 13, 16, 22, 23)
    days = dict(zip(weeks, HORIZONS["days"], strict=True))
    days |= {9: 5, 11: 10, 17: 40, 19: 45, 20: 50, 25: 100, 32: 110, 34: 120, 35: 130}
    patients = [(f"{copy}-{place}", week) for copy in range(2) for place, week in enumerate(SIX_MP)]
    new = copy_of(warehouse, tmp_path / "leukemia")
    people = [
        visitor_row(name, (days[-week] if week < 0 else 200) * DAY, 1) for name, week in patients
    ]
    relapses = [
        cycle_row("purchase", name, AS_OF - 200 * DAY, days[week] * DAY)
        for name, week in patients
        if week > 0
    ]
    # Of the other macro-conversion exactly half of all, which is a median too.
    halves = [
        cycle_row("sign_up", row["visitor_id"], row["first_visit_timestamp"], DAY // 2)
        for row in people[: len(SIX_MP)]
    ]
    replace_rows(new, "int_visitors_segmented", people)
    replace_rows(new, "int_sales_cycles_measured", relapses + halves)
    new.dbt("run", "--select", "int_sales_cycles_counted", "mart_sales_cycles").must_succeed()
    rows = new.records(
        "select * from mart_sales_cycles where macro_name = 'purchase' and clock = 'days'"
        " and segment_dimension = 'all' order by horizon"
    )
    survival = [1 - row["conversion_rate"] for row in rows]
    assert survival == pytest.approx(SIX_MP_SURVIVAL, abs=5e-5)
    assert {row["median_cycle"] for row in rows} == {days[23]}  # the published median: 23 weeks
    others = new.records(
        "select * from mart_sales_cycles where macro_name = 'sign_up' and clock = 'days'"
        " and segment_dimension = 'all' order by horizon"
    )
    assert [row["conversion_rate"] for row in others] == pytest.approx([0.5] * 7)
    assert {row["median_cycle"] for row in others} == {0.5}


def test_what_is_known_after_a_visit_only_happened_in_none(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """A derived macro-conversion may be complete because time ran out, after its last event."""
    new = copy_of(warehouse, tmp_path / "derived")
    begin = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)
    minute = dt.timedelta(minutes=1)
    sessions = [
        {
            "session_id": f"visit-{place}",
            "visitor_id": "somebody",
            "session_date": begin.date(),
            "started_at": (begin + place * 60 * minute).replace(tzinfo=None),
            "ended_at": (begin + (place * 60 + 5) * minute).replace(tzinfo=None),
            "is_new_visitor": place == 0,
        }
        for place in range(3)
    ]
    macros = [
        {
            "conversion_event_id": "late",
            "conversion_name": name,
            "visitor_id": "somebody",
            "session_id": "visit-0",
            "occurred_at": (begin + after * minute).replace(tzinfo=None),
        }
        for name, after in (("purchase", 5), ("sign_up", 65))
    ]
    replace_rows(new, "fct_sessions", sessions)
    replace_rows(new, "fct_macro_conversions", macros)
    models = ["int_visits_numbered", "int_sales_cycles_measured"]
    new.dbt("run", "--select", *models).must_succeed()
    found = new.rows(
        "select macro_name, is_in_visit, cycle_visit_count, cycle_micros // 60000000"
        " from int_sales_cycles_measured order by 1"
    )
    assert found == [("purchase", True, 1, 5), ("sign_up", False, 2, 65)]
