"""What visits contain, how long the way to a macro-conversion is, and what comes of returns."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from causal_words import FORBIDDEN
from funnel_case import assert_same, replace_rows
from microconv.evidence.proportions import wilson
from microconv.evidence.ratios import mover_risk_ratio
from microconv.evidence.survival import Times, kaplan_meier
from project_run import PROJECT, Warehouse
from visit_case import (
    AS_OF,
    DAY,
    HORIZON_DAYS,
    MACROS,
    MARTS,
    copy_of,
    random_visits,
    visit_warehouse,
)
from visit_reference import (
    Person,
    Segment,
    cycles_of,
    people_of,
    return_counts,
    segments_of,
    visit_contents,
)

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


def assert_rate(row: dict[str, Any], name: str, successes: int, trials: int) -> bool:
    """Compares a rate and its limits with the reference; returns whether it is shown."""
    found = [row[f"{name}{end}"] for end in ("", "_low", "_high")]
    if trials < MINIMUM:
        assert found == [None, None, None], (name, row)
        return False
    wanted = wilson(successes, trials)
    assert found == pytest.approx([wanted.value, wanted.low, wanted.high], abs=1e-9), (name, row)
    return True


def test_visits_contain_what_they_contain(warehouse: Warehouse, people: dict[str, Person]) -> None:
    rows = warehouse.records("select * from mart_visit_contents")
    wanted = visit_contents(people)
    found = {
        (row["macro_name"], row["visit_role"], row["visit_index"], row["micro_name"]): row
        for row in rows
        if row["micro_name"] in {key[-1] for key in wanted}
    }
    assert set(found) == set(wanted)
    unknown = sum(
        bool(one.visits) and not one.is_known_from_the_beginning for one in people.values()
    )
    assert unknown > 50
    shown: Counter[str] = Counter()
    for key, (visits, with_micro) in wanted.items():
        row = found[key]
        assert (row["session_count"], row["session_with_micro_count"]) == (visits, with_micro), key
        assert row["unknown_beginning_count"] == unknown
        assert row["visit_label"] == ("5+" if key[2] == 5 else str(key[2]))
        shown[key[1]] += assert_rate(row, "micro_rate", with_micro, visits)
    assert min(shown[role] for role in ("before", "converting", "without")) >= 10, shown
    never = [row for row in rows if row["micro_name"] not in {key[-1] for key in wanted}]
    assert never and not any(row["session_with_micro_count"] for row in never)


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


@pytest.mark.parametrize("macro", MACROS)
def test_returns_equal_the_reference(
    warehouse: Warehouse, people: dict[str, Person], segments: dict[str, list[Segment]], macro: str
) -> None:
    wanted = return_counts(people, segments, macro)
    rows = warehouse.records(f"select * from mart_return_visits where macro_name = '{macro}'")
    assert_same(
        [(row["segment_dimension"], row["segment_value"]) for row in rows], set(wanted), "segments"
    )
    ratios = 0
    for row in rows:
        counts = wanted[row["segment_dimension"], row["segment_value"]]
        for name in (name for name in row if name.endswith("_count")):
            assert row[name] == counts[name], (name, row)
        assert_rate(row, "return_rate", row["returned_count"], row["visitor_count"])
        groups = []
        for group in ("returned", "not_returned"):
            groups += [row[f"{group}_converted_count"], row[f"{group}_base_count"]]
            assert_rate(row, f"{group}_conversion_rate", *groups[-2:])
        found = [row[f"conversion_ratio{end}"] for end in ("", "_low", "_high")]
        if min(groups[1], groups[3]) < MINIMUM or groups[2] == 0:
            assert found == [None, None, None], row
        else:
            ratio = mover_risk_ratio(*groups)
            assert found == pytest.approx([ratio.value, ratio.low, ratio.high], rel=1e-9), row
            ratios += 1
    assert ratios >= 3
    assert {"first_touch_source", "first_touch_channel_group"} <= {name for name, _ in wanted}
    assert ("first_touch_source", "(other)") in wanted


def test_the_ratio_of_rates_is_the_published_one(warehouse: Warehouse) -> None:
    """Perondi 2004, 7 of 34 against 1 of 34: 7.0 (1.1537, 41.9763) by MOVER-R."""
    query = (
        "with counted as (select 7 as a, 34 as b, 1 as c union all select 0, 34, 3 union all"
        " select 34, 34, 34 union all select 3, 34, 0), rated as (select *,"
        " {{ rate_columns('a', 'b', 'one') }}, {{ rate_columns('c', 'b', 'two') }} from counted)"
        " select {{ ratio_columns('one', 'two', 'ratio') }} from rated order by a, c"
    )
    output = warehouse.dbt("--quiet", "show", "--output", "json", "--inline", query)
    text = output.must_succeed().output
    rows = json.loads(text[text.index("{") : text.rindex("}") + 1])["show"]
    found = [[row[f"ratio{end}"] for end in ("", "_low", "_high")] for row in rows]
    assert found[2] == pytest.approx([7.0, 1.1537, 41.9763], abs=5e-5)
    assert found[1] == [None, None, None]
    for row, counts in ((found[0], (0, 34, 3, 34)), (found[3], (34, 34, 34, 34))):
        ratio = mover_risk_ratio(*counts)
        assert row == pytest.approx([ratio.value, ratio.low, ratio.high], abs=1e-9)


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
        {
            "macro_name": "purchase",
            "visitor_id": name,
            "converted_timestamp": AS_OF - 200 * DAY + days[week] * DAY,
            "is_before_first_visit": False,
            "is_in_visit": True,
            "cycle_micros": days[week] * DAY,
            "cycle_visit_count": 1,
        }
        for name, week in patients
        if week > 0
    ]
    replace_rows(new, "int_visitors_segmented", people)
    replace_rows(new, "int_sales_cycles_measured", relapses)
    new.dbt("run", "--select", "int_sales_cycles_counted", "mart_sales_cycles").must_succeed()
    rows = new.records(
        "select * from mart_sales_cycles where macro_name = 'purchase' and clock = 'days'"
        " and segment_dimension = 'all' order by horizon"
    )
    survival = [1 - row["conversion_rate"] for row in rows]
    assert survival == pytest.approx(SIX_MP_SURVIVAL, abs=5e-5)
    assert {row["median_cycle"] for row in rows} == {days[23]}  # the published median: 23 weeks
    rest = new.records(
        "select * from mart_sales_cycles where macro_name = 'sign_up' and clock = 'days'"
        " and segment_dimension = 'all' order by horizon"
    )
    assert [row["conversion_rate"] for row in rest] == [0.0] * 7
    assert rest[0]["conversion_rate_high"] == pytest.approx(wilson(0, 42).high)


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


def test_the_histories_meet_the_limits(people: dict[str, Person]) -> None:
    """Returns and conversions exactly at the end of a window, and a microsecond after it."""
    week, horizon = 7 * DAY, (7 + HORIZON_DAYS) * DAY
    returns, conversions = set(), set()
    for person in people.values():
        if person.is_known_from_the_beginning:
            start = person.visits[0].start
            returns |= {visit.start - start for visit in person.visits[1:2]}
            firsts = [person.first(macro) for macro in MACROS]
            conversions |= {one.micros - start for one in firsts if one is not None}
    assert {week - 1, week, week + 1} <= returns
    assert {-1, 0, week, week + 1, horizon, horizon + 1} <= conversions


def test_no_mart_of_visits_says_what_brings_about_what() -> None:
    for mart in MARTS:
        text = (PROJECT / "models" / "marts" / f"{mart}.yml").read_text()
        assert not FORBIDDEN.search(text), (mart, FORBIDDEN.search(text))
    page = (PROJECT / "docs" / "visits_and_stages.md").read_text()
    assert not FORBIDDEN.search(page), FORBIDDEN.search(page)
