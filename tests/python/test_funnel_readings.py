"""How long steps take, what people do instead, and who has stalled: marts over funnel attempts."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from funnel_case import (
    AS_OF,
    FUNNELS,
    HOUR,
    VISITORS,
    Expected,
    FunnelCase,
    assert_same,
    funnel_case,
    replace_rows,
)
from funnel_reference import (
    Attempt,
    Event,
    continued_steps,
    count_by_period,
    period_start,
    unit_days,
)
from project_run import Warehouse

Spell = tuple[int, bool]  # microseconds followed, whether the step was reached
SECOND = 1_000_000
MOMENTS = {"1h": HOUR, "1d": 24 * HOUR, "3d": 72 * HOUR, "7d": 168 * HOUR}
MINIMUM = 30


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> FunnelCase:
    return funnel_case(tmp_path_factory, VISITORS, seed=9)


# ---- the reference -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Kaplan and Meier's survival after each time of an event, with Greenwood's sum up to it."""

    points: list[tuple[int, float, float]]

    def at(self, moment: float) -> tuple[float, float]:
        passed = [point for point in self.points if point[0] <= moment]
        return passed[-1][1:] if passed else (1.0, 0.0)


def curve_of(spells: Sequence[Spell]) -> Curve:
    at_risk, survival, greenwood = len(spells), 1.0, 0.0
    points = []
    for time, group in itertools.groupby(sorted(spells), key=lambda spell: spell[0]):
        reached = [is_reached for _, is_reached in group]
        events = sum(reached)
        if events:
            survival *= 1 - events / at_risk
            if events < at_risk:
                greenwood += events / (at_risk * (at_risk - events))
            points.append((time, survival, greenwood))
        at_risk -= len(reached)
    return Curve(points)


def followed_spells(
    unit_attempts: Sequence[Attempt], name: str, grain: str, pair: tuple[int, int]
) -> dict[Any, list[Spell]]:
    """By period, how long one unit was followed from a step to another, in begun seconds."""
    rules = FUNNELS[name].rules
    entered = [one for one in unit_attempts if one.entry_step == 1]
    followed: dict[Any, list[tuple[Attempt, list[Attempt]]]] = defaultdict(list)
    for place, one in enumerate(entered):
        period = period_start(grain, one.entry.date)
        if rules.counting == "attempts":
            followed[period].append((one, [one]))
        elif not followed[period]:
            followed[period].append((one, entered[place:]))
    spells: dict[Any, list[Spell]] = defaultdict(list)
    for period, units in followed.items():
        for first, later in units:
            end = first.entry.timestamp + rules.window
            in_time = [
                [one.reached[step] for one in later if one.reached.get(step, end + 1) <= end]
                for step in pair
            ]
            times = [min(found, default=None) for found in in_time]
            if times[0] is None:
                continue
            if times[1] is not None:
                exact = times[1] - times[0]
            else:
                exact = rules.window if end < AS_OF else AS_OF - times[0]
            spells[period].append((-(-exact // SECOND) * SECOND, times[1] is not None))
    return spells


def pairs_of(name: str) -> set[tuple[int, int]]:
    required = FUNNELS[name].rules.required
    return {*itertools.pairwise(required), (1, required[-1])}


# ---- velocity ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["three_steps_longer", "skipping", "any_order", "attempts", "open"]
)
def test_velocity_equals_kaplan_and_meier(case: FunnelCase, name: str) -> None:
    rows = {
        (row["period_grain"], row["period_start_date"], row["from_step"], row["to_step"]): row
        for row in case.warehouse.records(
            f"""
            select * from mart_funnel_velocity
            where funnel_name = '{name}' and segment_dimension = 'all'
            """
        )
    }
    wanted: dict[Any, list[Spell]] = defaultdict(list)
    for (funnel, _), all_ in case.expected.items():
        for grain in ("all", "week") if funnel == name else ():
            for pair in pairs_of(name):
                for period, spells in followed_spells(all_, name, grain, pair).items():
                    wanted[(grain, period, *pair)] += spells
    assert set(rows) == {key for key, spells in wanted.items() if spells}
    shown = 0
    for key, row in rows.items():
        shown += assert_velocity(row, wanted[key], FUNNELS[name].rules.window)
    assert shown >= 5


def assert_velocity(row: dict[str, Any], spells: list[Spell], window: int) -> int:
    """Compares a row of the mart with the reference; returns how many rates it showed."""
    reached = sorted(time for time, is_reached in spells if is_reached)
    assert (row["started_count"], row["reached_count"]) == (len(spells), len(reached)), row
    for share in (25, 50, 75, 90):
        value = row[f"seconds_p{share}"]
        if len(reached) < MINIMUM:
            assert value is None, row
        else:
            rank = max(math.ceil(share / 100 * len(reached)), 1)
            assert value == pytest.approx(reached[rank - 1] / 1e6, abs=1e-9), row
    longest = max(time for time, _ in spells)
    curve = curve_of(spells)
    shown = 0
    for name, moment in {**MOMENTS, "window": window}.items():
        values = [row[f"reached_within_{name}{end}"] for end in ("", "_low", "_high")]
        if len(spells) < MINIMUM or longest < moment:
            assert values == [None, None, None], (name, row)
            continue
        shown += 1
        survival, greenwood = curve.at(moment)
        assert values[0] == pytest.approx(1 - survival, abs=1e-9), (name, row)
        assert 0 <= values[1] <= values[0] <= values[2] <= 1, (name, row)
        if 0 < survival < 1:
            spread = 1.959963984540054 * math.sqrt(greenwood) / abs(math.log(survival))
            limits = [1 - survival ** math.exp(sign * spread) for sign in (-1, 1)]
            assert values[1:] == pytest.approx(limits, abs=1e-9), (name, row)
    if len(reached) >= MINIMUM and longest >= window:
        half = (1 - curve.at(window)[0]) / 2
        median = next(time for time, survival, _ in curve.points if 1 - survival >= half - 1e-12)
        assert row["median_seconds_given_reached"] == pytest.approx(median / 1e6, abs=1e-9), row
    return shown


def copied(case: FunnelCase, root: Path) -> Warehouse:
    """A warehouse with the same tables, to put other rows into."""
    warehouse = Warehouse(root)
    shutil.copy(case.warehouse.path, warehouse.path)
    return warehouse


def test_velocity_has_the_published_survival_of_leukemia_patients(
    case: FunnelCase, tmp_path: Path
) -> None:
    """Freireich et al. 1963, 21 patients on 6-MP: .8571 at 6 weeks, .7529 at 10, .6275 at 16 and
    .4482 at 23 (as in lifelines' `load_leukemia`). Weeks are put on our four moments, and every
    patient is there twice, which changes no survival, so that the group is large enough.
    """
    warehouse = copied(case, tmp_path)
    weeks = [
        6,
        6,
        6,
        -6,
        7,
        -9,
        10,
        -10,
        -11,
        13,
        16,
        -17,
        -19,
        -20,
        22,
        23,
        -25,
        -32,
        -32,
        -34,
        -35,
    ]
    # Weeks 6, 7-11, 13-20 and 22-23 lie within an hour, a day, three days and a week, later ones
    # after it.
    hours = {6: 0.5, 7: 2, 9: 3, 10: 4, 11: 5, 13: 30, 16: 40, 17: 50, 19: 51, 20: 52, 22: 80}
    hours |= {23: 100, 25: 300, 32: 310, 34: 320, 35: 336}
    spells = [
        {
            "funnel_name": "two_steps",
            "unit_id": f"{copy}-{number}",
            "attempt_position": 0,
            "entry_week": dt.date(1963, 1, 7),
            "is_first_entry": True,
            "window_end_timestamp": AS_OF,
            "from_step": 1,
            "to_step": 2,
            "started_timestamp": AS_OF - followed,
            "reached_timestamp": AS_OF if week > 0 else None,
        }
        for copy in range(2)
        for number, week in enumerate(weeks)
        for followed in [round(hours[abs(week)] * HOUR)]
    ]
    replace_rows(warehouse, "int_funnel_spells", spells)
    warehouse.dbt("run", "--select", "mart_funnel_velocity").must_succeed()
    rows = warehouse.records("select * from mart_funnel_velocity where segment_dimension = 'all'")
    row, of_week = sorted(rows, key=lambda each: each["period_grain"])
    assert row["reached_within_1d"] == of_week["reached_within_1d"]
    survival = [1 - row[f"reached_within_{name}"] for name in MOMENTS]
    assert survival == pytest.approx([0.8571, 0.7529, 0.6275, 0.4482], abs=5e-5)


def test_parts_of_a_segment_start_as_many_as_the_whole(case: FunnelCase) -> None:
    rows = case.warehouse.rows(
        """
        select funnel_name, from_step, to_step, segment_dimension, sum(started_count)
        from mart_funnel_velocity where period_grain = 'all' group by all
        """
    )
    sums: dict[Any, set[int]] = defaultdict(set)
    for *key, _, count in rows:
        sums[tuple(key)].add(count)
    assert sums and all(len(counts) == 1 for counts in sums.values()), sums


# ---- what happened instead ---------------------------------------------------------------------


def dropped_units(expected: Expected, name: str) -> dict[tuple[str, int], set[int]]:
    """(unit, place of the attempt) to the steps after which it went no further."""
    funnel = FUNNELS[name]
    rules = funnel.rules
    drops = {}
    for (found, unit), all_ in expected.items():
        if found != name:
            continue
        if rules.counting == "attempts":
            parts = {
                place: (set(one.reached), continued_steps(one.reached, rules))
                for place, one in enumerate(all_, start=1)
                if one.entry.timestamp + rules.outcome_window < AS_OF
            }
        else:
            whole = count_by_period(unit_days(all_, rules), "all", funnel.is_mature)[None]
            parts = {0: (set(whole.reached), whole.continued)}
        for place, (reached, continued) in parts.items():
            following = itertools.pairwise(rules.required)
            left = {one for one, after in following if one in reached and after not in continued}
            if left:
                drops[unit, place] = left
    return drops


@pytest.mark.parametrize("name", FUNNELS)
def test_drop_offs_are_those_of_the_funnel(case: FunnelCase, name: str) -> None:
    wanted = Counter(
        step for steps in dropped_units(case.expected, name).values() for step in steps
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for kind, step, count in case.warehouse.rows(
        f"""
        select action_kind, step_number, sum(drop_count) from mart_funnel_drop_offs
        where funnel_name = '{name}' group by action_kind, step_number
        """
    ):
        found[kind][step] = count
    assert len(found) == (6 if wanted else 0)
    for kind, counts in found.items():
        assert counts == dict(wanted), kind


def last_stand(unit_attempts: Sequence[Attempt], step: int, after: int) -> Attempt:
    """The attempt by which a unit last reached a step, of those that went no further if any."""
    stood = [one for one in unit_attempts if step in one.reached]
    ended = [one for one in stood if after not in one.reached]
    return max(ended or stood, key=lambda one: (one.reached[step], one.entry.position))


def test_next_actions_are_what_follows(case: FunnelCase) -> None:
    """Event by event, for a funnel by visitor; ties are left out, where both answers are right."""
    name = "three_steps_longer"
    rules = FUNNELS[name].rules
    wanted: dict[str, Counter[tuple[int, str]]] = defaultdict(Counter)
    for (unit, _), steps in dropped_units(case.expected, name).items():
        events = sorted(case.histories.events[unit], key=lambda one: one.position)
        for step in steps:
            stand = last_stand(case.expected[name, unit], step, step + 1)
            here = next_reached(events, stand, step, rules.conversion(step))
            actions = next_actions(case, unit, events, here, stand.entry.timestamp + rules.window)
            for kind, action in actions.items():
                wanted[kind][step, action] += 1
    for kind, counts in wanted.items():
        found = case.warehouse.rows(
            f"""
            select step_number, action_name, drop_count from mart_funnel_drop_offs
            where funnel_name = '{name}' and action_kind = '{kind}'
            """
        )
        assert_same(found, {(*key, count) for key, count in counts.items()}, kind)


def next_reached(events: list[Event], stand: Attempt, step: int, conversion: str) -> Event:
    """The event that reached a step: the first of its kind at that time, after the entry."""
    return next(
        one
        for one in events
        if one.timestamp == stand.reached[step]
        and conversion in one.conversions
        and (one.position > stand.entry.position or step == 1)
        and (step > 1 or one == stand.entry)
    )


def next_actions(
    case: FunnelCase, unit: str, events: list[Event], here: Event, end: int
) -> dict[str, str]:
    later = [one for one in events if one.position > here.position]
    own = [one for one in later if one.session_id == here.session_id]
    sessions = [one for one in case.histories.pages if one.rpartition("-")[0] == unit]
    seen = sorted(
        (moment, 0, event_id, path, session)
        for session in sessions
        for moment, event_id, path in case.histories.pages[session]
    )
    pages = [one for one in seen if one[:3] > here.position]
    own_pages = [one for one in pages if one[4] == here.session_id]
    has_session = here.session_id is not None
    return {
        "next_conversion_in_session": (min(own[0].conversions) if own else "(none)")
        if has_session
        else "(no session)",
        "next_conversion_in_window": min(later[0].conversions)
        if later and later[0].timestamp <= end
        else "(none)",
        "next_page_in_session": (own_pages[0][3] if own_pages else "(none)")
        if has_session
        else "(no session)",
        "next_page_in_window": pages[0][3] if pages and pages[0][0] <= end else "(none)",
    }


# ---- paths -------------------------------------------------------------------------------------


def counted_conversions(case: FunnelCase) -> dict[str, list[tuple[int, str, str | None]]]:
    """By visitor, in order: (timestamp, conversion, session) of each conversion that is counted."""
    rows = case.warehouse.rows(
        """
        select visitor_id, event_timestamp, conversion_name, session_id
        from int_conversions_counted
        where exclusion_reason is null and visitor_id is not null and is_counted
        order by visitor_id, event_timestamp, event_order, conversion_event_id
        """
    )
    found: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
    for visitor, moment, conversion, session in rows:
        found[visitor].append((moment, conversion, session))
    return found


def test_transitions_are_what_follows_what(case: FunnelCase) -> None:
    wanted: Counter[tuple[str, str, str]] = Counter()
    for conversions in counted_conversions(case).values():
        names = [name for _, name, _ in conversions]
        for one, other in zip(names, [*names[1:], "(none)"], strict=True):
            wanted["transition_of_visitor", one, other] += 1
        by_session: dict[Any, list[str]] = defaultdict(list)
        for number, (_, name, session) in enumerate(conversions):
            by_session[session if session is not None else number].append(name)
        for names in by_session.values():
            for one, other in zip(names, [*names[1:], "(none)"], strict=True):
                wanted["transition_in_session", one, other] += 1
    found = case.warehouse.rows(
        """
        select path_kind, from_conversion_name, to_conversion_name, path_count
        from mart_conversion_paths where path_kind like 'transition%'
        """
    )
    assert_same(found, {(*key, count) for key, count in wanted.items()}, "transitions")


def test_paths_end_in_a_goal_or_in_giving_up(case: FunnelCase) -> None:
    wanted: Counter[tuple[str, str]] = Counter()
    given_up_before = AS_OF - int(dt.timedelta(days=14).total_seconds() * 1e6)
    for conversions in counted_conversions(case).values():
        path: list[str] = []
        for _, name, _ in conversions:
            if not path or path[-1] != name:
                path.append(name)
            if name == "purchase":
                wanted["path_to_goal", " > ".join(path[-6:])] += 1
                path = []
        if path and conversions[-1][0] < given_up_before:
            wanted["path_to_giving_up", " > ".join([*path[-5:], "(gave up)"])] += 1
    found = case.warehouse.rows(
        """
        select path_kind, path, path_count, path_rank, total_count from mart_conversion_paths
        where path_kind like 'path%'
        """
    )
    assert found
    totals = Counter[str]()
    for (kind, _), count in wanted.items():
        totals[kind] += count
    for kind, text, count, rank, total in found:
        assert wanted[kind, text] == count, (kind, text)
        assert totals[kind] == total
        larger = sum(each > count for (other, _), each in wanted.items() if other == kind)
        assert larger < rank <= 25, (kind, text, rank)


def test_who_does_the_same_again_has_not_given_up(case: FunnelCase, tmp_path: Path) -> None:
    warehouse = copied(case, tmp_path)
    days_ago = {"once": [20], "twice": [20, 1], "long ago": [30, 20]}
    conversions = [
        {
            "conversion_event_id": f"{visitor} {days}",
            "conversion_name": "view_item",
            "conversion_type": "micro",
            "visitor_id": visitor,
            "session_id": f"{visitor} {days}",
            "event_timestamp": AS_OF - days * 24 * HOUR,
            "event_order": 0,
            "is_counted": True,
        }
        for visitor, all_days in days_ago.items()
        for days in all_days
    ]
    replace_rows(warehouse, "int_conversions_counted", conversions)
    paths = ["int_conversions_pathed", "mart_conversion_paths"]
    warehouse.dbt("run", "--full-refresh", "--select", *paths).must_succeed()
    found = warehouse.rows(
        "select path, path_count from mart_conversion_paths where path_kind like 'path%'"
    )
    assert found == [("view_item > (gave up)", 2)]
    times = warehouse.rows(
        "select path_end_timestamp - path_start_timestamp from int_conversions_pathed"
        " where path is not null order by visitor_id"
    )
    assert [time for (time,) in times] == [10 * 24 * HOUR, 0, 19 * 24 * HOUR]


# ---- who has stalled ---------------------------------------------------------------------------


def test_abandonments_are_units_that_stand_still_in_their_window(case: FunnelCase) -> None:
    wanted: set[Any] = set()
    for (name, unit), all_ in case.expected.items():
        rules = FUNNELS[name].rules
        newest = all_[-1]
        step = newest.furthest_step
        stall = min(24 * HOUR, rules.window // 2)
        if (
            max(rules.required) not in newest.reached
            and newest.excluded_at is None
            and newest.entry.timestamp + rules.window >= AS_OF
            and AS_OF - newest.reached[step] >= stall
        ):
            wanted.add((name, unit, step, newest.reached[step]))
    found = case.warehouse.rows(
        "select funnel_name, unit_id, step_number, epoch_us(stalled_at)"
        " from fct_funnel_abandonments"
    )
    assert len(wanted) >= 50
    assert_same(found, wanted, "fct_funnel_abandonments")
