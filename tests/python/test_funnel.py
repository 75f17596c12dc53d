"""The funnel's SQL counts what the slow and obvious reference counts, on random histories."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from typing import Any

import pytest
from funnel_case import (
    AS_OF,
    DIMENSIONS,
    FUNNELS,
    GRAINS,
    HOUR,
    VISITORS,
    WIDER,
    Expected,
    FunnelCase,
    Histories,
    assert_same,
    funnel_case,
    may,
    must,
    never,
)
from funnel_reference import (
    Attempt,
    Event,
    Rules,
    UnitDay,
    attempts,
    continued_steps,
    count_by_period,
    period_start,
    unit_days,
)
from project_run import Warehouse

# ---- the reference by itself -------------------------------------------------------------------


def event(timestamp: int, *conversions: str, order: int = 0, event_id: str = "x") -> Event:
    date = dt.datetime.fromtimestamp(timestamp / 1_000_000, tz=dt.UTC).date()
    return Event(timestamp, order, event_id, frozenset(conversions), date)


ABC = must("a", "b", "c")


def walked(events: list[Event], rules: Rules) -> list[tuple[int, dict[int, int]]]:
    """The attempts of some events: the time of the entry, and of each step it reached."""
    return [(one.entry.timestamp, dict(one.reached)) for one in attempts(events, rules)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(0, "a"), event(5, "b"), event(9, "c")], {1: 0, 2: 5, 3: 9}),
        ([event(0, "a"), event(5, "c"), event(9, "b")], {1: 0, 2: 9}),
        ([event(0, "a"), event(10, "b")], {1: 0, 2: 10}),
        ([event(0, "a"), event(11, "b")], {1: 0}),
        ([event(0, "a"), event(10, "b"), event(11, "c")], {1: 0, 2: 10}),
        ([event(0, "a", "b"), event(1, "c")], {1: 0}),
        ([event(0, "a", "b"), event(0, "b", order=1)], {1: 0, 2: 0}),
        ([event(0, "a", event_id="2"), event(0, "b", event_id="1")], {1: 0}),
        ([event(0, "a", event_id="1"), event(0, "b", event_id="2")], {1: 0, 2: 0}),
        ([event(0, "a"), event(1, "b", "c"), event(2, "b"), event(3, "c")], {1: 0, 2: 1, 3: 3}),
    ],
    ids=[
        "in order",
        "out of order",
        "at the end of the window",
        "a microsecond past the window",
        "the window runs from step 1",
        "one event is not two steps",
        "a tie in order",
        "a tie in the wrong order",
        "a tie by event id",
        "an event for one of two steps",
    ],
)
def test_reference_walks_hand_made_chains(events: list[Event], expected: dict[int, int]) -> None:
    assert walked(events, Rules(ABC, 10)) == [(events[0].timestamp, expected)]


OPTIONAL = must("a") + may("b") + must("c")
EXCLUDING = must("a") + never("x") + must("b")


@pytest.mark.parametrize(
    ("letters", "rules", "expected"),
    [
        ("aab", Rules(ABC, 10), [(0, {1: 0}), (1, {1: 1, 2: 2})]),
        ("abac", Rules(ABC, 10), [(0, {1: 0, 2: 1, 3: 3}), (2, {1: 2})]),
        ("abcabc", Rules(ABC, 10), [(0, {1: 0, 2: 1, 3: 2}), (3, {1: 3, 2: 4, 3: 5})]),
        ("axbc", Rules(ABC, 10, "strict"), [(0, {1: 0})]),
        ("xabcx", Rules(ABC, 10, "strict"), [(1, {1: 1, 2: 2, 3: 3})]),
        ("cab", Rules(ABC, 10, "any"), [(1, {1: 1, 2: 2})]),
        (
            "cab",
            Rules(ABC, 10, "any", "open"),
            [(0, {1: 0, 2: 1, 3: 2}), (1, {1: 1, 2: 2}), (2, {1: 2})],
        ),
        ("acxb", Rules(EXCLUDING + must("c"), 10, "any"), [(0, {1: 0, 3: 1})]),
        ("bca", Rules(ABC, 10, entry="open"), [(0, {2: 0, 3: 1}), (2, {1: 2})]),
        ("ac", Rules(OPTIONAL, 10), [(0, {1: 0, 3: 1})]),
        ("abc", Rules(OPTIONAL, 10), [(0, {1: 0, 2: 1, 3: 2})]),
        ("acb", Rules(OPTIONAL, 10), [(0, {1: 0, 3: 1})]),
        ("axb", Rules(EXCLUDING, 10), [(0, {1: 0})]),
        ("axab", Rules(EXCLUDING, 10), [(0, {1: 0}), (2, {1: 2, 3: 3})]),
        ("abx", Rules(EXCLUDING, 10), [(0, {1: 0, 3: 1})]),
        ("a..b..c", Rules(ABC, 10, step_window=2), [(0, {1: 0})]),
        ("abb.c", Rules(ABC, 10, step_window=2), [(0, {1: 0, 2: 1, 3: 4})]),
    ],
)
def test_reference_knows_every_mode(
    letters: str, rules: Rules, expected: list[tuple[int, dict[int, int]]]
) -> None:
    events = [event(at, letter) for at, letter in enumerate(letters) if letter != "."]
    assert walked(events, rules) == expected


def test_reference_says_what_ended_an_attempt() -> None:
    rules = Rules(must("a") + never("x") + must("b"), 10)
    ended = [
        one.excluded_at for one in attempts([event(at, c) for at, c in enumerate("aaxbx")], rules)
    ]
    assert ended == [None, 2]


def test_reference_loses_nobody_who_enters_again() -> None:
    """What a newer attempt reaches counts for an earlier day while that day's window holds."""
    history = [event(0, "a"), event(24 * HOUR, "a"), event(25 * HOUR, "b")]
    for hours, reached in ((24, {1}), (25, {1, 2})):
        rules = Rules(must("a", "b"), hours * HOUR)
        first, second = unit_days(attempts(history, rules), rules)
        assert (first.reached, second.reached) == (reached, {1, 2})


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> FunnelCase:
    return funnel_case(tmp_path_factory, VISITORS, seed=9)


@pytest.fixture(scope="module")
def histories(case: FunnelCase) -> Histories:
    return case.histories


@pytest.fixture(scope="module")
def warehouse(case: FunnelCase) -> Warehouse:
    return case.warehouse


@pytest.fixture(scope="module")
def expected(case: FunnelCase) -> Expected:
    return case.expected


# ---- the SQL against the reference -------------------------------------------------------------


def test_histories_hold_what_they_are_meant_to_hold(
    expected: Expected, histories: Histories
) -> None:
    """Without this the comparison below could pass on histories in which nothing happens."""
    assert len(histories.events) >= 2000
    reached = Counter(
        (name, number)
        for (name, _), all_ in expected.items()
        for one in all_
        for number in one.reached
    )
    ended = Counter(
        name for (name, _), all_ in expected.items() for one in all_ if one.excluded_at is not None
    )
    for name, funnel in FUNNELS.items():
        for number in funnel.rules.walkable:
            assert reached[name, number] >= 5, (name, number, reached)
        if len(funnel.rules.walkable) < len(funnel.steps):
            assert ended[name] >= 5, (name, ended)
    at_the_end = [
        one
        for (name, _), all_ in expected.items()
        for one in all_
        if max(one.reached.values()) - one.entry.timestamp == FUNNELS[name].rules.window
    ]
    assert len(at_the_end) >= 50
    assert sum(len(all_) > 1 for all_ in expected.values()) >= 100


@pytest.mark.parametrize("name", FUNNELS)
def test_attempts_equal_the_reference(warehouse: Warehouse, expected: Expected, name: str) -> None:
    rules = FUNNELS[name].rules
    found = warehouse.rows(
        f"""
        select
            unit_id, attempt_number, entry_date, entry_session_id, entry_step,
            epoch_us(entered_at), furthest_step, is_completed, epoch_us(excluded_at),
            epoch_us(matures_at), is_mature
        from fct_funnel_attempts
        where funnel_name = '{name}'
        """
    )
    wanted = {
        (
            unit,
            number,
            one.entry.date,
            one.entry.session_id,
            one.entry_step,
            one.entry.timestamp,
            one.furthest_step,
            max(rules.required) in one.reached,
            one.excluded_at,
            one.entry.timestamp + rules.outcome_window,
            one.entry.timestamp + rules.outcome_window < AS_OF,
        )
        for (funnel, unit), all_ in expected.items()
        if funnel == name
        for number, one in enumerate(all_, start=1)
    }
    assert_same(found, wanted, name)


@pytest.mark.parametrize("name", FUNNELS)
def test_steps_are_reached_when_the_reference_reaches_them(
    warehouse: Warehouse, expected: Expected, name: str
) -> None:
    found = warehouse.rows(
        f"""
        select unit_id, attempt_number, step_number, epoch_us(reached_at), is_continued
        from fct_funnel_attempt_steps
        inner join fct_funnel_attempts using (funnel_attempt_id, unit_id)
        where fct_funnel_attempts.funnel_name = '{name}'
        """
    )
    wanted = {
        (unit, order, number, moment, number in continued_steps(one.reached, FUNNELS[name].rules))
        for (funnel, unit), all_ in expected.items()
        if funnel == name
        for order, one in enumerate(all_, start=1)
        for number, moment in one.reached.items()
    }
    assert_same(found, wanted, name)


Counted = tuple[frozenset[int], frozenset[int], bool, str | None]


def counted_units(name: str, unit_attempts: list[Attempt], grain: str) -> list[tuple[Any, Counted]]:
    """(period, (reached, continued, is_mature, session)) of one unit in every period of a grain."""
    funnel = FUNNELS[name]
    if funnel.counting == "attempts":
        rows = []
        for one in unit_attempts:
            is_mature = one.entry.timestamp + funnel.rules.outcome_window < AS_OF
            steps = frozenset(one.reached if is_mature else ())
            rows.append(
                (
                    period_start(grain, one.entry.date),
                    (steps, continued_steps(steps, funnel.rules), is_mature, one.entry.session_id),
                )
            )
        return rows
    days: list[UnitDay] = unit_days(unit_attempts, funnel.rules)
    periods = count_by_period(days, grain, funnel.is_mature)
    return [
        (start, (unit.reached, unit.continued, bool(unit.reached), unit.entry_session_id))
        for start, unit in periods.items()
    ]


@pytest.mark.parametrize("name", FUNNELS)
def test_marts_count_units_as_the_reference_does(
    warehouse: Warehouse, expected: Expected, histories: Histories, name: str
) -> None:
    rules = FUNNELS[name].rules
    groups: dict[tuple[Any, ...], list[Counted]] = defaultdict(list)
    for (funnel, _), all_ in expected.items():
        for grain in GRAINS if funnel == name else ():
            for start, unit in counted_units(name, all_, grain):
                values = histories.segments.get(unit[3] or "", {})
                one = [(each, values.get(each, "(unknown)")) for each in DIMENSIONS]
                for dimension, value in [
                    ("all", "all"),
                    *one,
                    *(pairs(one) if grain == "all" else ()),
                ]:
                    groups[grain, start, dimension, value].append(unit)
    wanted = set()
    for key, units in groups.items():
        for number in rules.required if rules.step_order == "any" else rules.walkable:
            before = rules.required_before(number) or number
            reached = sum(number in one[0] for one in units)
            previous = sum(before in one[0] for one in units)
            continued = sum(number in one[1] for one in units)
            entered = sum(one[2] for one in units)
            numbers = (reached, previous, continued, previous - continued, entered)
            wanted.add((*key, number, *numbers, len(units) - entered))
    found = warehouse.rows(
        f"""
        select
            period_grain, period_start_date, segment_dimension, segment_value, step_number,
            reached_count, previous_step_count, continued_count, drop_off_count, entered_count,
            immature_count
        from mart_funnel_steps
        where funnel_name = '{name}'
        """
    )
    assert_same(found, wanted, name)


def pairs(values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    ordered = sorted(values)
    return [
        (f"{first} x {second}", f"{one} x {other}")
        for place, (first, one) in enumerate(ordered)
        for second, other in ordered[place + 1 :]
    ]


def wilson(successes: int, trials: int) -> tuple[float, float]:
    z, p = 1.959963984540054, successes / trials
    centre = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max((centre - spread) / scale, 0), min((centre + spread) / scale, 1)


def test_every_rate_has_its_interval_and_small_groups_have_none(warehouse: Warehouse) -> None:
    rows = warehouse.records("select * from mart_funnel_steps")
    shown = 0
    for row in rows:
        for rate, count, base in (
            ("step_conversion_rate", row["continued_count"], row["previous_step_count"]),
            ("funnel_conversion_rate", row["reached_count"], row["entered_count"]),
        ):
            values = (row[rate], row[f"{rate}_low"], row[f"{rate}_high"])
            if base < 30:
                assert values == (None, None, None), row
                continue
            shown += 1
            low, high = wilson(count, base)
            assert values == pytest.approx((count / base, low, high), abs=1e-12), row
            assert 0 <= values[1] <= values[0] <= values[2] <= 1, row
    assert shown >= 100


# ---- properties --------------------------------------------------------------------------------


def test_reached_counts_never_widen_along_a_closed_funnel(warehouse: Warehouse) -> None:
    widened = warehouse.rows(
        """
        select * from mart_funnel_steps
        where entry = 'closed' and role = 'step'
        qualify reached_count > lag(reached_count) over (
            partition by
                funnel_name, period_grain, period_start_date, segment_dimension, segment_value
            order by step_number
        ) or (step_number = 1 and reached_count <> entered_count)
            or continued_count <> reached_count
        """
    )
    assert widened == []


def test_segments_sum_to_the_total(warehouse: Warehouse) -> None:
    query = """
        select
            funnel_name, period_grain, period_start_date, step_number, {dimension},
            sum(reached_count), sum(continued_count), sum(previous_step_count),
            sum(excluded_count), sum(entered_count), sum(immature_count)
        from mart_funnel_steps
        where segment_dimension {condition} 'all'
        group by all
    """
    totals = set(warehouse.rows(query.format(dimension="'all'", condition="=")))
    by_dimension: dict[str, set[Any]] = defaultdict(set)
    for row in warehouse.rows(query.format(dimension="segment_dimension", condition="<>")):
        by_dimension[row[4]].add((*row[:4], "all", *row[5:]))
    names = [name for name, _ in pairs([(dimension, "") for dimension in DIMENSIONS])]
    assert set(by_dimension) == {*DIMENSIONS, *names}
    for dimension, sums in by_dimension.items():
        wanted = totals if dimension in DIMENSIONS else {row for row in totals if row[1] == "all"}
        assert_same(list(sums), wanted, dimension)


@pytest.mark.parametrize(("fewer", "more"), WIDER)
def test_a_wider_funnel_never_loses_a_unit(warehouse: Warehouse, fewer: str, more: str) -> None:
    """Step by step, where both funnels have it (all funnels compared count the same events)."""
    steps = {
        one: [number for number, role in enumerate(roles(one), 1) if role != "exclusion"]
        for one in (fewer, more)
    }
    for a, b in zip(steps[fewer], steps[more], strict=True):
        lost = warehouse.rows(
            f"""
            select fewer.unit_id, fewer.entry_date, fewer.reached_mask, more.reached_mask
            from int_funnel_unit_days as fewer
            left join int_funnel_unit_days as more
                on more.funnel_name = '{more}'
                and fewer.unit_id = more.unit_id
                and fewer.entry_date = more.entry_date
            where fewer.funnel_name = '{fewer}'
                and fewer.reached_mask & (1 << {a - 1}) <> 0
                and coalesce(more.reached_mask, 0) & (1 << {b - 1}) = 0
            """
        )
        assert lost == [], f"step {a} of {fewer}, step {b} of {more}"


def roles(name: str) -> list[str]:
    return [role for _, role in FUNNELS[name].steps]


def test_an_optional_step_changes_no_other_count(warehouse: Warehouse) -> None:
    """With the optional step or without it, the same units get through the required ones."""
    query = """
        select period_grain, period_start_date, segment_dimension, segment_value, {step},
            reached_count, immature_count
        from mart_funnel_steps where funnel_name = '{funnel}' and role = 'step'
    """
    renumbered = "case when step_number > 2 then step_number - 1 else step_number end"
    found = warehouse.rows(query.format(step=renumbered, funnel="skipping"))
    wanted = warehouse.rows(query.format(step="step_number", funnel="without_skipping"))
    assert_same(found, set(wanted), "skipping")


def test_days_of_the_marts_are_days_of_the_attempts(warehouse: Warehouse) -> None:
    """A unit counts once on each day it entered, so that days sum to the days of the attempts."""
    days = warehouse.rows(
        """
        select funnel_name, period_start_date, entered_count + immature_count from mart_funnel_steps
        where period_grain = 'day' and segment_dimension = 'all' and step_number = 1
        """
    )
    entered = warehouse.rows(
        """
        select
            funnel_name, entry_date,
            case when counting = 'unique' then count(distinct unit_id) else count(*) end
        from fct_funnel_attempts
        inner join (select distinct funnel_name, counting from dim_funnel_steps) using (funnel_name)
        group by funnel_name, entry_date, counting
        """
    )
    assert_same(days, set(entered), "days")
