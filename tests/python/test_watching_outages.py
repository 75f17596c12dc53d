"""Tracking that broke is told apart from visitors who behave differently."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from microconv.watching.alerts import Standing, watch
from microconv.watching.outages import (
    Kind,
    Tracked,
    find_suspicions,
    suspect_days,
)
from microconv.watching.series import DailyRate
from microconv.watching.silence import is_steady
from microconv.watching.wording import alert_sentences, outage_sentence

FIRST = date(2026, 5, 4)


def day(place: int) -> date:
    return FIRST + timedelta(days=place)


def tracked(
    kind: Kind,
    counted: npt.ArrayLike,
    expected_from: npt.ArrayLike,
    dimension: str = "",
    value: str = "",
    name: str = "add_to_cart",
) -> Tracked:
    x, n = np.asarray(counted, dtype=np.float64), np.asarray(expected_from, dtype=np.float64)
    return Tracked(
        kind, name, DailyRate(FIRST, x, np.broadcast_to(n, x.shape).copy()), dimension, value
    )


def test_an_event_that_is_gone_is_found_since_its_first_day() -> None:
    counted = np.full(60, 80.0)
    counted[57:] = [3, 0, 0]
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)])
    assert found.days == (day(57), day(58), day(59)) and found.is_ongoing and found.is_tracking
    assert (found.counted, found.expected) == (3, pytest.approx(240))
    assert outage_sentence(found) == (
        "add_to_cart is no longer counted since 2026-06-30: 3 counted, 240 expected."
    )


def test_behaviour_is_no_outage() -> None:
    """Minus 30 %, even minus 80 %, and a day with hardly any visitors."""
    for left in (0.7, 0.2, 0.11):
        counted = np.full(60, 800.0)
        counted[50:] *= left
        assert find_suspicions([tracked(Kind.EVENT_GONE, counted, 10_000)]) == ()
    counted, visits = np.full(60, 80.0), np.full(60, 1000.0)
    counted[59], visits[59] = 0, 3
    assert find_suspicions([tracked(Kind.EVENT_GONE, counted, visits)]) == ()


def test_an_event_is_not_missed_before_it_was_there() -> None:
    counted = np.zeros(60)
    counted[20:] = 80
    assert find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)]) == ()
    assert find_suspicions([tracked(Kind.EVENT_GONE, np.zeros(60), 1000)]) == ()


def test_what_came_in_lately_is_missed_once_it_was_there_for_a_week() -> None:
    """A new event is a small part of a long history; its usual level is that since it came in."""
    for there, is_found in ((12, True), (5, False)):
        counted = np.zeros(200)
        counted[180 : 180 + there] = 80
        found = find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)])
        assert bool(found) is is_found
        if found:
            assert found[0].days == tuple(day(place) for place in range(192, 200))
            assert found[0].expected == pytest.approx(8 * 80)
    # Some tried it out before.
    counted = np.where(np.arange(200) % 9 == 0, 2.0, 0.0)
    counted[180:192] = 80
    (found_one,) = find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)])
    assert found_one.days[0] == day(192)


def test_days_before_it_came_in_are_no_weekly_pauses() -> None:
    """Nothing on any Saturday of two weeks before, and on one Saturday on which it broke."""
    counted = np.full(35, 300.0)
    counted[:15] = 0
    counted[[19, 26]] = 0  # Saturdays, as days 5 and 12
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, counted, 4000)])
    assert found.days == (day(19), day(26))


def test_rare_events_are_looked_at_over_several_days() -> None:
    """Four purchases a day: a day without says nothing, ten days without do."""
    purchases = np.full(60, 4.0)
    purchases[-2:] = 0
    assert find_suspicions([tracked(Kind.EVENT_GONE, purchases, 1000)]) == ()
    purchases[-5:] = 0
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, purchases, 1000)])
    assert len(found.days) == 5 and found.is_ongoing


@pytest.mark.parametrize("per_day", [0.3, 2.0, 10.0, 60.0])
def test_chance_is_no_outage(per_day: float) -> None:
    random = np.random.default_rng(20_261_122)
    for _ in range(300):
        counted = random.poisson(per_day, 60)
        assert find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)]) == ()


def test_a_quiet_weekend_is_no_outage_and_hides_none() -> None:
    """Demo requests of offices: none on Saturday and Sunday, though there are visitors."""
    weekday = np.arange(60) % 7
    requests = np.where(weekday < 5, 60.0, 0.0)
    visits = np.where(weekday < 5, 1000.0, 700.0)
    assert find_suspicions([tracked(Kind.EVENT_GONE, requests, visits)]) == ()
    requests[50:56] = 0  # Tuesday to Sunday
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, requests, visits)])
    assert found.days == (day(50), day(51), day(52), day(53)) and not found.is_ongoing
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, requests[:56], visits[:56])])
    assert found.is_ongoing  # still, as of Sunday
    rare = np.where(weekday < 5, 6.0, 0.0)
    rare[-5:] = 0
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, rare, visits)])
    assert found.is_ongoing


def test_an_outage_of_months_is_no_weekly_pause() -> None:
    counted = np.full(84, 60.0)
    counted[25:] = 0
    (found,) = find_suspicions([tracked(Kind.EVENT_GONE, counted, 1000)])
    assert len(found.days) == 59 and found.is_ongoing


def test_one_silent_browser_is_named_and_a_silent_whole_only_once() -> None:
    chrome, safari = np.full(60, 60.0), np.full(60, 40.0)
    safari[55:] = 0
    parts = [
        tracked(Kind.EVENT_GONE, safari, 500, "browser", "Safari"),
        tracked(Kind.EVENT_GONE, chrome, 700, "browser", "Chrome"),
        tracked(Kind.EVENT_GONE, safari + chrome, 1200),
    ]
    (found,) = find_suspicions(parts)
    assert (found.tracked.dimension, found.tracked.value) == ("browser", "Safari")
    gone = [
        tracked(Kind.EVENT_GONE, np.where(np.arange(60) < 55, one, 0), 700, *part)
        for one, part in ((60.0, ()), (30.0, ("browser", "Safari")), (30.0, ("browser", "Chrome")))
    ]
    (found,) = find_suspicions(gone)
    assert found.tracked.dimension == ""


def versions(old: npt.ArrayLike, new: npt.ArrayLike) -> list[Tracked]:
    old, new = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    total = old + new + 300
    return [
        tracked(Kind.VALUE_SILENT, counted, total, "app_version", value, "visits")
        for counted, value in ((old, "4.1"), (new, "4.2"), (np.full(60, 300.0), "3.9"))
    ]


def test_a_version_that_another_replaced_is_no_outage() -> None:
    step = np.arange(60) >= 50
    (found,) = find_suspicions(versions(np.where(step, 0, 500), np.where(step, 495, 0)))
    assert found.kind is Kind.VALUE_REPLACED and not found.is_tracking
    assert suspect_days([found], "visits") == frozenset()
    slow = np.clip(np.arange(60) / 52, 0, 1)
    tail = np.where(np.arange(60) < 10, 0, 0.7 + np.arange(60) / 170)
    for share in (slow, np.minimum(tail, 1)):
        for one in find_suspicions(versions(500 * (1 - share), 500 * share)):
            assert one.kind is Kind.VALUE_REPLACED
    assert len(find_suspicions(versions(500 * (1 - slow), 500 * slow))) == 1
    (found,) = find_suspicions(versions(np.where(step, 0, 500), np.full(60, 200.0)))
    assert found.kind is Kind.VALUE_SILENT and found.is_tracking
    assert suspect_days([found], "visits") == {day(place) for place in range(50, 60)}
    assert suspect_days([found], "purchase") == frozenset()


def test_a_value_that_came_back_was_not_on_its_way_out() -> None:
    """Two weak days, two without any, and then it is there again."""
    edge, rest = np.full(60, 90.0), np.full(60, 900.0)
    edge[40:44] = (30, 12, 0, 0)
    parts = [
        tracked(Kind.VALUE_SILENT, counted, 1500, "browser", value)
        for counted, value in ((edge, "Edge"), (rest, "Chrome"))
    ]
    (found,) = find_suspicions(parts)
    assert found.kind is Kind.VALUE_SILENT and found.days == (day(42), day(43))
    edge[44:] = 0
    (found,) = find_suspicions(parts)
    assert found.kind is Kind.VALUE_REPLACED


@pytest.mark.parametrize(
    ("share", "is_so"),
    [
        ([0.3] * 50 + [0.0] * 10, True),  # there on every day, and gone
        ([0.0] * 20 + [0.2, 0.4] * 15 + [0.0] * 10, True),  # since it came in
        ([0.3] * 10 + [0.0] * 5 + [0.3] * 20 + [0.0] * 25, False),  # campaigns come and go
        ([0.3] * 12 + [0.0] * 48, False),  # too short to say
        ([0.3, 0.05] * 30, False),  # not on every day
    ],
)
def test_what_few_events_have_is_missed_only_if_it_was_there_every_day(
    share: list[float], is_so: bool
) -> None:
    counts = DailyRate(FIRST, 500 * np.array(share), np.full(60, 500.0))
    assert is_steady(counts) is is_so


def test_empty_parameters_and_missing_revenue_are_found() -> None:
    filled = np.full(60, 480.0)
    filled[40:] = 12
    with_revenue = np.full(60, 30.0)
    with_revenue[30:33] = 0
    found = find_suspicions(
        [
            tracked(Kind.REVENUE_MISSING, with_revenue, 30, name="purchase"),
            tracked(Kind.PARAMETER_EMPTY, filled, 500, name="item_id"),
        ]
    )
    assert [one.kind for one in found] == [Kind.PARAMETER_EMPTY, Kind.REVENUE_MISSING]
    assert [one.is_ongoing for one in found] == [True, False]
    assert "purchase comes without revenue from 2026-06-03 to 2026-06-05" in outage_sentence(
        found[1]
    )


@pytest.mark.parametrize(("before", "after"), [(0.05, 0.6), (0.6, 0.05), (0.6, 0.97), (0.0, 0.3)])
def test_a_flag_that_turns_overnight_is_found_to_the_day(before: float, after: float) -> None:
    random = np.random.default_rng(8)
    share = np.where(np.arange(60) < 41, before, after)
    flagged = random.binomial(500, share)
    (found,) = find_suspicions([tracked(Kind.FLAG_TURNED, flagged, 500, name="is_engaged")])
    assert found.days[0] == day(41) and len(found.days) == 19 and found.is_ongoing


def test_a_flag_may_drift_and_swing() -> None:
    random = np.random.default_rng(9)
    drift = np.linspace(0.03, 0.7, 60)
    fast = 1 / (1 + np.exp(4 - 0.45 * np.clip(np.arange(60) - 25, 0, 10)))  # tenfold in a week
    week = np.tile([0.2, 0.2, 0.2, 0.2, 0.2, 0.6, 0.6], 9)[:60]
    once = np.where(np.arange(60) == 30, 0.2, 0.04)
    for share in (drift, fast, week, once, np.full(60, 0.02)):
        flagged = random.binomial(500, share)
        assert find_suspicions([tracked(Kind.FLAG_TURNED, flagged, 500)]) == ()
    # Robots from a day on add events without the flag, and turn none of the others'.
    robots = np.where(np.arange(60) >= 40, 600, 0)
    honest = random.binomial(500, 0.95, 60)
    assert find_suspicions([tracked(Kind.FLAG_TURNED, honest, 500 + robots)]) == ()
    # Two days of something say nothing of what was usual.
    early = np.where(np.arange(60) < 2, 480, 60)
    assert find_suspicions([tracked(Kind.FLAG_TURNED, early, 500)]) == ()
    few = np.array([0.0] * 5 + [2.0] * 5)
    assert find_suspicions([tracked(Kind.FLAG_TURNED, few, 2)]) == ()


def test_missing_and_single_days_are_no_finding() -> None:
    for counted in ([], [5.0], [0.0], [math.nan, 5.0]):
        for kind in (Kind.EVENT_GONE, Kind.FLAG_TURNED):
            assert find_suspicions([tracked(kind, counted, 1000)]) == ()
    assert find_suspicions([]) == ()


def test_an_outage_is_tracking_suspect_and_a_drop_is_an_alert() -> None:
    """The same day, once without the event and once with 40 % less of it."""
    random = np.random.default_rng(20_261_122)
    for left, standing in ((0.0, Standing.TRACKING_SUSPECT), (0.6, Standing.WATCHED)):
        for _ in range(30):
            carts = random.binomial(20_000, 0.08, 90).astype(np.float64)
            carts[-2:] = random.binomial(20_000, 0.08 * left, 2)
            rate = DailyRate(FIRST, carts, np.full(90, 20_000.0))
            found = find_suspicions([Tracked(Kind.EVENT_GONE, "add_to_cart", rate)])
            broken = suspect_days(found, "add_to_cart")
            judged = watch(rate, day(89), lag_days=0, suspect_days=broken)
            assert judged.standing is standing
            assert judged.notifies == (standing is Standing.WATCHED)
            assert len(alert_sentences(judged, "Cart rate")) >= 1
