"""Which visitors are simulated: cohorts by day of first visit, in chunks with own seeds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from microconv.demo import settings
from microconv.demo.browsing import Rates
from microconv.demo.cohorts import Chunk
from microconv.demo.experiments import Planted
from microconv.demo.local_time import day_number, day_of
from microconv.demo.settings import Calendar, DemoOptions
from microconv.demo.swings import Swings
from microconv.demo.visitors import WEEKDAY_WEIGHTS


def cohort_chunks(options: DemoOptions, calendar: Calendar) -> Iterator[tuple[int, list[Chunk]]]:
    """Local day number and chunks of every cohort, from the warm-up to the last day.

    A cohort's draws depend on the seed and its day only, so earlier days do not disturb later ones.
    """
    person = 0
    first = day_number(options.first_day) - settings.WARM_UP_DAYS
    for day in range(first, day_number(options.until) + 1):
        rng = np.random.default_rng([options.seed, day])
        mean = options.visitors_per_day * WEEKDAY_WEIGHTS[day_of(day).weekday()]
        usual = max(1, int(rng.poisson(mean)))
        extra = round(usual * settings.MIX_SHIFT_EXTRA_SHARE) if _is_shifted(calendar, day) else 0
        chunks = []
        for nth, start in enumerate(range(0, usual + extra, settings.CHUNK_VISITORS)):
            count = min(settings.CHUNK_VISITORS, usual + extra - start)
            shifted_from = max(0, usual - start)
            chunks.append(Chunk(day, person + start, count, shifted_from, (options.seed, day, nth)))
        person += usual + extra
        yield day, chunks


def _is_shifted(calendar: Calendar, day: int) -> bool:
    if calendar.mix_shift_from is None or calendar.mix_shift_to is None:
        return False
    return day_number(calendar.mix_shift_from) <= day <= day_number(calendar.mix_shift_to)


def rates_of(
    options: DemoOptions,
    calendar: Calendar,
    experiments: tuple[Planted, ...] = (),
    swings: Swings | None = None,
) -> Rates:
    """What the simulation needs to know of the plan."""
    expected = options.visitors_per_day * options.days
    drop = calendar.mobile_drop_from
    return Rates(
        rare_event_share=min(1.0, settings.RARE_EVENT_USERS / expected),
        mobile_drop_day=None if drop is None else day_number(drop),
        swings=swings,
        experiments=experiments,
    )
