"""Days on which an event is hardly counted: found where they are, and nowhere by chance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from microconv.evidence.outage import find_outage

DAYS = [date(2026, 5, 4) + timedelta(days=day) for day in range(60)]


def test_days_without_an_event_are_found() -> None:
    events, visits = np.full(60, 50.0), np.full(60, 1000.0)
    events[20:26] = [0, 1, 0, 4, 5, 0]
    found = find_outage(DAYS, events, visits)
    # A tenth of what is expected, 5 of 50, is not silent yet.
    assert (found.days, found.silent_days) == (60, 5)
    assert (found.first_day, found.last_day) == (DAYS[20], DAYS[25])
    assert found.missing_share == pytest.approx(5 / 60)
    assert found.is_long


def test_an_outage_may_be_longer_than_half_of_the_time() -> None:
    """As in Google's public sample, where carts were counted on ten of 26 days only."""
    carts = [4, *[0] * 13, 85, 621, 187, 0, 0, 0, 1047, 1076, 811, 1063, 791, 940]
    found = find_outage(DAYS[:26], carts, np.full(26, 4000.0))
    assert found.silent_days == 17
    assert found.is_long


def test_a_day_without_visitors_is_no_outage() -> None:
    events, visits = np.full(60, 50.0), np.full(60, 1000.0)
    events[10], visits[10] = 0, 0
    assert find_outage(DAYS, events, visits).silent_days == 0
    assert find_outage(DAYS, np.zeros(60), np.zeros(60)).days == 0
    assert find_outage([], [], []).days == 0


def test_a_short_outage_is_noted_only() -> None:
    events, visits = np.full(60, 50.0), np.full(60, 1000.0)
    events[10] = 0
    found = find_outage(DAYS, events, visits)
    assert found.silent_days == 1 and not found.is_long


def test_days_in_a_row_are_judged_together() -> None:
    """One day without any of six is chance, a week of them is not; a weekend in it ends nothing."""
    events, visits = np.full(60, 6.0), np.full(60, 300.0)
    events[30] = 0
    assert find_outage(DAYS, events, visits).silent_days == 0
    events[30:36] = 0
    # Two quiet days, one of which promises too little, and one without visits.
    events[32], visits[32] = 0, 100
    visits[33] = 0
    found = find_outage(DAYS, events, visits)
    assert (found.first_day, found.last_day, found.silent_days) == (DAYS[30], DAYS[35], 4)
    # Counted on one of them: two shorter rows, which may be chance.
    events[32] = 2
    assert find_outage(DAYS, events, visits).silent_days == 0


@pytest.mark.parametrize("rate", [0.5, 2.0, 3.0, 5.0, 15.0, 40.0, 400.0])
def test_chance_alone_is_no_outage(rate: float) -> None:
    """Poisson counts, also where the day of the week and visits vary; rare events are not asked."""
    random = np.random.default_rng(20_261_122)
    for _ in range(400):
        visits = np.round(
            1000 * random.lognormal(0, 0.3, 60) * np.tile([1, 1, 1, 1, 1, 0.5, 0.4], 9)[:60]
        )
        events = random.poisson(rate * visits / 1000)
        assert find_outage(DAYS, events, visits).silent_days == 0
