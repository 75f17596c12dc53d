"""The funnel's SQL counts what the slow and obvious reference counts, on random histories."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from funnel_reference import (
    Attempt,
    Event,
    attempts,
    count_by_period,
    period_start,
    reached_times,
)
from project_run import Warehouse, shared_warehouse
from small_export import PROPERTY_TIME_ZONE, SmallExport

HOUR = 3_600_000_000
LAST_DAY = dt.date(2025, 11, 2)  # a Sunday on which the clocks go back
AS_OF = int(dt.datetime(2025, 11, 3, tzinfo=PROPERTY_TIME_ZONE).timestamp()) * 1_000_000
VISITORS = 2400
GRAINS = ("all", "week", "day")
DIMENSIONS = (
    "device_category",
    "visitor_type",
    "channel_group",
    "session_source",
    "country",
    "region",
    "landing_page_path",
)


@dataclasses.dataclass(frozen=True)
class Funnel:
    name: str
    unit: str
    window_hours: float
    steps: tuple[str, ...]

    @property
    def window(self) -> int:
        return round(self.window_hours * HOUR)


SHOP = (
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
)
FUNNELS = (
    Funnel("two_steps", "visitor", 1, SHOP[:2]),
    Funnel("three_steps", "visitor", 2, SHOP[:3]),
    Funnel("three_steps_longer", "visitor", 26, SHOP[:3]),
    Funnel("six_steps", "visitor", 0.5, SHOP),
    Funnel("six_steps_longer", "visitor", 30, SHOP),
    Funnel("step_twice", "visitor", 2, ("view_item", "view_item", "add_to_cart", "view_item")),
    Funnel("four_steps_by_session", "session", 2, SHOP[:4]),
    Funnel("four_steps_by_session_longer", "session", 24, SHOP[:4]),
    Funnel("five_steps_by_session", "session", 1, SHOP[1:]),
)
# (shorter, longer): the same steps and unit, another window.
LONGER_WINDOWS = (
    ("three_steps", "three_steps_longer"),
    ("six_steps", "six_steps_longer"),
    ("four_steps_by_session", "four_steps_by_session_longer"),
)


# ---- the reference by itself -------------------------------------------------------------------


def event(timestamp: int, *conversions: str, order: int = 0, event_id: str = "x") -> Event:
    date = dt.datetime.fromtimestamp(timestamp / 1_000_000, tz=dt.UTC).date()
    return Event(timestamp, order, event_id, frozenset(conversions), date)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(0, "a"), event(5, "b"), event(9, "c")], (0, 5, 9)),
        ([event(0, "a"), event(5, "c"), event(9, "b")], (0, 9)),
        ([event(0, "a"), event(10, "b")], (0, 10)),
        ([event(0, "a"), event(11, "b")], (0,)),
        ([event(0, "a"), event(10, "b"), event(11, "c")], (0, 10)),
        ([event(0, "a", "b"), event(1, "c")], (0,)),
        ([event(0, "a", "b"), event(0, "b", order=1)], (0, 0)),
        ([event(0, "a", event_id="2"), event(0, "b", event_id="1")], (0,)),
        ([event(0, "a", event_id="1"), event(0, "b", event_id="2")], (0, 0)),
        ([event(0, "a"), event(1, "b", "c"), event(2, "b"), event(3, "c")], (0, 1, 3)),
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
def test_reference_counts_hand_made_chains(events: list[Event], expected: tuple[int, ...]) -> None:
    assert reached_times(events[0], events, ("a", "b", "c"), 10) == expected


def test_reference_takes_the_entry_that_gets_furthest_then_the_newest() -> None:
    history = [event(0, "a"), event(1, "a"), event(2, "b"), event(3, "a")]
    (attempt,) = attempts(history, ("a", "b"), 10)
    assert (attempt.entry.timestamp, attempt.reached, attempt.matures_at) == (1, (1, 2), 11)


def test_reference_keeps_immature_attempts_apart() -> None:
    first, second = attempts(
        [event(0, "a"), event(24 * HOUR, "a"), event(25 * HOUR, "b")], "ab", HOUR
    )
    counts = [
        count_by_period([first, second], "all", as_of)[None].furthest_step
        for as_of in (HOUR, HOUR + 1, 25 * HOUR, 25 * HOUR + 1)
    ]
    assert counts == [0, 1, 1, 2]


# ---- random histories --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Histories:
    """Random visitors' events, and the segments of their sessions (excluded ones have none)."""

    events: dict[str, list[Event]]
    segments: dict[str, dict[str, str]]


def random_histories(seed: int) -> Histories:
    """Short histories full of ties, repeats and windows met exactly or missed by a microsecond."""
    pick = random.Random(seed)
    events, segments = {}, {}
    for number in range(VISITORS):
        visitor = f"visitor-{number:04}"
        sessions = [f"{visitor}-{n}" for n in range(pick.randint(1, 3))]
        events[visitor] = [
            dataclasses.replace(one, event_id=f"{visitor}-{pick.random():.6f}-{n}")
            for n, one in enumerate(random_history(pick, sessions))
        ]
        for session in sessions:
            if pick.random() < 0.9:
                segments[session] = {
                    dimension: pick.choice(["one", "two", "three"]) for dimension in DIMENSIONS
                }
    return Histories(events, segments)


def random_history(pick: random.Random, sessions: list[str]) -> Iterator[Event]:
    base = (
        AS_OF - pick.choice([1, 2, 12, 26, 40, 100, 170]) * HOUR + pick.choice([0, 0, -1, 1, 777])
    )
    steps = SHOP[: pick.choice([2, 3, 4, 6])]
    next_step = 0
    moment = base
    for _ in range(pick.randint(1, 14)):
        if pick.random() < 0.3:  # exactly a window after the beginning, or a microsecond off
            moment = base + round(pick.choice([0.5, 1, 2, 24, 26, 30]) * HOUR) + pick.randint(-1, 1)
        else:
            moment += pick.choice([0, 0, 1, 1000, HOUR // 4, HOUR // 2])
        if moment >= AS_OF:
            continue
        conversions = {pick.choice(steps) for _ in range(pick.choice([0, 1, 2]))}
        if not conversions or pick.random() < 0.6:  # walk on, so that deep steps are reached too
            conversions.add(steps[next_step % len(steps)])
            next_step += 1
        date = dt.datetime.fromtimestamp(moment / 1_000_000, tz=PROPERTY_TIME_ZONE).date()
        session = pick.choice(sessions) if pick.random() < 0.9 else None
        yield Event(moment, pick.choice([0, 0, 1, 2]), "", frozenset(conversions), date, session)


def conversion_rows(histories: Histories) -> list[dict[str, Any]]:
    """These histories as rows of int_conversions_counted, and some that no funnel may count."""
    rows = []
    for visitor, events in histories.events.items():
        for number, one in enumerate(events):
            for conversion in sorted(one.conversions):
                row = {
                    "conversion_event_id": f"{one.event_id}/{conversion}",
                    "conversion_name": conversion,
                    "visitor_id": visitor,
                    "session_id": one.session_id,
                    "event_id": one.event_id,
                    "event_timestamp": one.timestamp,
                    "event_order": one.order,
                    "conversion_date": one.date,
                    "exclusion_reason": None,
                    "is_counted": number % 3
                    > 0,  # how a conversion counts elsewhere is no matter here
                }
                rows.append(row)
                if number == 0:
                    rows.append({**row, "visitor_id": None, "session_id": None})
                    rows.append(
                        {
                            **row,
                            "event_id": "bot",
                            "event_timestamp": one.timestamp + 1,
                            "conversion_name": "add_to_cart",
                            "exclusion_reason": "suspected_bot",
                        }
                    )
    return rows


def replace_rows(warehouse: Warehouse, table: str, rows: list[dict[str, Any]]) -> None:
    """Puts `rows` in the place of all rows of a built table; columns they lack become NULL."""
    connection = duckdb.connect(str(warehouse.path))
    connection.register("new_rows", pa.Table.from_pylist(rows))
    connection.execute(f"delete from {table}")
    connection.execute(f"insert into {table} by name select * from new_rows")
    connection.close()


@pytest.fixture(scope="module")
def histories() -> Histories:
    return random_histories(seed=9)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, histories: Histories) -> Warehouse:
    """A small warehouse in which the funnel models counted the random histories."""
    return shared_warehouse(tmp_path_factory, "funnel", lambda new: build_and_count(new, histories))


def build_and_count(warehouse: Warehouse, histories: Histories) -> None:
    """Builds a small export, puts the histories in its place and runs the funnel models on them."""
    SmallExport(seed=1, first_date=LAST_DAY, day_count=1, visitor_count=4).write(warehouse.export)
    warehouse.build("--exclude", "path:models/marts")
    common = {"label": "", "step_order": "ordered", "entry": "closed", "counting": "unique"}
    funnels = [
        {
            "funnel_name": funnel.name,
            "unit": funnel.unit,
            "window_hours": funnel.window_hours,
            **common,
        }
        for funnel in FUNNELS
    ]
    steps = [
        {"funnel_name": funnel.name, "step_number": number, "conversion_name": step, "role": "step"}
        for funnel in FUNNELS
        for number, step in enumerate(funnel.steps, start=1)
    ]
    segments = [{"session_id": session, **values} for session, values in histories.segments.items()]
    replace_rows(warehouse, "funnels", funnels)
    replace_rows(warehouse, "funnel_steps", steps)
    replace_rows(warehouse, "int_conversions_counted", conversion_rows(histories))
    replace_rows(warehouse, "int_sessions_segmented", segments)
    selected = ["dim_funnel_steps", "int_funnel_steps_reached", "fct_funnel_attempts"]
    selected += ["fct_funnel_attempt_steps", "mart_funnel_steps"]
    warehouse.dbt("run", "--full-refresh", "--select", *selected).must_succeed()


@pytest.fixture(scope="module")
def expected(histories: Histories) -> dict[tuple[str, str], list[Attempt]]:
    """The reference's attempts of every funnel and unit."""
    result = {}
    for funnel in FUNNELS:
        for visitor, events in histories.events.items():
            units: dict[str, list[Event]] = defaultdict(list)
            for one in events:
                unit = visitor if funnel.unit == "visitor" else one.session_id
                if unit is not None:
                    units[unit].append(one)
            for unit, unit_events in units.items():
                found = attempts(unit_events, funnel.steps, funnel.window)
                if found:
                    result[funnel.name, unit] = found
    return result


def assert_same(found: set[Any], wanted: set[Any], what: str) -> None:
    """Fails with the first rows that differ."""
    extra, missing = sorted(found - wanted, key=str)[:5], sorted(wanted - found, key=str)[:5]
    assert not extra and not missing, f"{what}: unexpected {extra}, missing {missing}"


# ---- the SQL against the reference -------------------------------------------------------------


def test_histories_hold_what_they_are_meant_to_hold(
    expected: dict[tuple[str, str], list[Attempt]], histories: Histories
) -> None:
    """Without this the comparison below could pass on histories in which nothing happens."""
    assert len(histories.events) >= 2000
    depths = Counter(
        (name, one.furthest_step) for (name, _), all_ in expected.items() for one in all_
    )
    for funnel in FUNNELS:
        for step in range(1, len(funnel.steps) + 1):
            assert depths[funnel.name, step] >= 5, (funnel.name, step, depths)
    windows = {funnel.name: funnel.window for funnel in FUNNELS}
    at_the_end = [
        one
        for (name, _), all_ in expected.items()
        for one in all_
        if one.reached[-1] - one.entry.timestamp == windows[name]
    ]
    assert len(at_the_end) >= 50
    matures = [one.matures_at for all_ in expected.values() for one in all_]
    assert matures.count(AS_OF) >= 5 and matures.count(AS_OF - 1) >= 5
    assert sum(len(all_) > 1 for all_ in expected.values()) >= 100


def test_attempts_equal_the_reference(
    warehouse: Warehouse, expected: dict[tuple[str, str], list[Attempt]]
) -> None:
    found = warehouse.rows(
        """
        select
            funnel_name, unit_id, attempt_number, entry_date, entry_session_id,
            epoch_us(entered_at), furthest_step, is_completed, epoch_us(matures_at), is_mature
        from fct_funnel_attempts
        """
    )
    last_steps = {funnel.name: len(funnel.steps) for funnel in FUNNELS}
    wanted = {
        (
            name,
            unit,
            number,
            one.entry.date,
            one.entry.session_id,
            one.entry.timestamp,
            one.furthest_step,
            one.furthest_step == last_steps[name],
            one.matures_at,
            one.matures_at < AS_OF,
        )
        for (name, unit), all_ in expected.items()
        for number, one in enumerate(all_, start=1)
    }
    assert len(found) == len(wanted)
    assert_same(set(found), wanted, "fct_funnel_attempts")


def test_every_step_is_reached_when_the_reference_reaches_it(
    warehouse: Warehouse, expected: dict[tuple[str, str], list[Attempt]]
) -> None:
    wanted = {
        (name, unit, one.entry.date, number, moment)
        for (name, unit), all_ in expected.items()
        for one in all_
        for number, moment in enumerate(one.reached, start=1)
    }
    found = warehouse.rows(
        "select funnel_name, unit_id, entry_date, step_number, reached_timestamp"
        " from int_funnel_steps_reached"
    )
    assert len(found) == len(wanted)
    assert_same(set(found), wanted, "int_funnel_steps_reached")
    steps = warehouse.rows(
        """
        select split_part(funnel_attempt_id, '/', 1), unit_id,
            cast(split_part(funnel_attempt_id, '/', 3) as date), step_number, epoch_us(reached_at)
        from fct_funnel_attempt_steps
        """
    )
    assert_same(set(steps), wanted, "fct_funnel_attempt_steps")


def test_funnel_marts_count_units_as_the_reference_does(
    warehouse: Warehouse, expected: dict[tuple[str, str], list[Attempt]], histories: Histories
) -> None:
    depths: dict[tuple[Any, ...], Counter[int]] = defaultdict(Counter)
    for (name, _), all_ in expected.items():
        for grain in GRAINS:
            for start, unit in count_by_period(all_, grain, AS_OF).items():
                values = histories.segments.get(unit.entry_session_id or "", {})
                segments = [(one, values.get(one, "(unknown)")) for one in DIMENSIONS]
                for dimension, value in [("all", "all"), *segments]:
                    depths[name, grain, start, dimension, value][unit.furthest_step] += 1
    wanted = set()
    for key, counts in depths.items():
        steps = next(funnel.steps for funnel in FUNNELS if funnel.name == key[0])
        for number, step in enumerate(steps, start=1):
            reached = sum(units for depth, units in counts.items() if depth >= number)
            before = sum(units for depth, units in counts.items() if depth >= max(number - 1, 1))
            wanted.add((*key, number, step, reached, before, before - reached, counts[0]))
    found = warehouse.rows(
        """
        select
            funnel_name, period_grain, period_start_date, segment_dimension, segment_value,
            step_number, conversion_name, reached_count, previous_step_count,
            drop_off_count, immature_count
        from mart_funnel_steps
        """
    )
    assert len(found) == len(wanted)
    assert_same(set(found), wanted, "mart_funnel_steps")


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
        for rate, base in (
            ("step_conversion_rate", row["previous_step_count"]),
            ("funnel_conversion_rate", row["entered_count"]),
        ):
            values = (row[rate], row[f"{rate}_low"], row[f"{rate}_high"])
            if base < 30:
                assert values == (None, None, None), row
                continue
            shown += 1
            low, high = wilson(row["reached_count"], base)
            assert values == pytest.approx((row["reached_count"] / base, low, high), abs=1e-12), row
            assert 0 <= values[1] <= values[0] <= values[2] <= 1, row
    assert shown >= 100


# ---- properties --------------------------------------------------------------------------------


def test_reached_counts_never_rise_along_a_funnel(warehouse: Warehouse) -> None:
    rises = warehouse.rows(
        """
        select * from mart_funnel_steps
        qualify reached_count > lag(reached_count) over (
            partition by
                funnel_name, period_grain, period_start_date, segment_dimension, segment_value
            order by step_number
        ) or (step_number = 1 and reached_count <> entered_count)
        """
    )
    assert rises == []


def test_segments_sum_to_the_total(warehouse: Warehouse) -> None:
    query = """
        select
            funnel_name, period_grain, period_start_date, step_number, {dimension},
            sum(reached_count), sum(previous_step_count), sum(immature_count)
        from mart_funnel_steps
        where segment_dimension {condition} 'all'
        group by all
    """
    totals = set(warehouse.rows(query.format(dimension="'all'", condition="=")))
    by_dimension: dict[str, set[Any]] = defaultdict(set)
    for row in warehouse.rows(query.format(dimension="segment_dimension", condition="<>")):
        by_dimension[row[4]].add((*row[:4], "all", *row[5:]))
    assert set(by_dimension) == set(DIMENSIONS)
    for dimension, sums in by_dimension.items():
        assert_same(sums, totals, dimension)


def test_days_of_the_marts_are_days_of_the_attempts(warehouse: Warehouse) -> None:
    """A unit counts once on each day it entered, so that days sum to the attempts."""
    days = warehouse.rows(
        """
        select funnel_name, period_start_date, reached_count + immature_count from mart_funnel_steps
        where period_grain = 'day' and segment_dimension = 'all' and step_number = 1
        """
    )
    entered = warehouse.rows(
        "select funnel_name, entry_date, count(*) from fct_funnel_attempts group by all"
    )
    assert_same(set(days), set(entered), "days")
    assert all(period_start("day", day) == day for _, day, _ in days)


@pytest.mark.parametrize(("shorter", "longer"), LONGER_WINDOWS)
def test_a_longer_window_never_loses_a_step(
    warehouse: Warehouse, shorter: str, longer: str
) -> None:
    lost = warehouse.rows(
        f"""
        select shorter.unit_id, shorter.entry_date, shorter.furthest_step, longer.furthest_step
        from fct_funnel_attempts as shorter
        left join fct_funnel_attempts as longer
            on longer.funnel_name = '{longer}'
            and shorter.unit_id = longer.unit_id
            and shorter.entry_date = longer.entry_date
        where shorter.funnel_name = '{shorter}'
            and shorter.furthest_step > coalesce(longer.furthest_step, 0)
        """
    )
    assert lost == []
