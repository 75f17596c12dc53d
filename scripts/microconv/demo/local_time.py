"""Clock of the demo's property: America/New_York, computed from its rule.

The rule (Energy Policy Act of 2005, in force since 2007): daylight time from 02:00 on the second
Sunday of March to 02:00 on the first Sunday of November. Written out because Python carries no time
zone database of its own and `tzdata` is no run-time dependency; a test compares it with `zoneinfo`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

PROPERTY_TIME_ZONE = "America/New_York"
SECONDS_PER_DAY = 86_400
MICROSECONDS = 1_000_000
_EASTERN_STANDARD, _EASTERN_DAYLIGHT = -5 * 3600, -4 * 3600
_FIRST_YEAR, _LAST_YEAR = 2007, 2100
_EPOCH = date(1970, 1, 1)


def _nth_sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


def _transitions() -> npt.NDArray[np.int64]:
    """Instants (UTC seconds) at which the offset changes: daylight, standard, daylight, …"""
    instants: list[int] = []
    for year in range(_FIRST_YEAR, _LAST_YEAR + 1):
        for sunday, hour in ((_nth_sunday(year, 3, 2), 7), (_nth_sunday(year, 11, 1), 6)):
            moment = datetime(sunday.year, sunday.month, sunday.day, hour, tzinfo=UTC)
            instants.append(int(moment.timestamp()))
    return np.array(instants, dtype=np.int64)


_TRANSITIONS = _transitions()


def utc_offset_seconds(utc_seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Offset from UTC (seconds, negative: west) at each instant (UTC seconds, years 2007-2100)."""
    passed = np.searchsorted(_TRANSITIONS, utc_seconds, side="right")
    return np.where(passed % 2 == 1, _EASTERN_DAYLIGHT, _EASTERN_STANDARD)


def local_to_utc_seconds(local_seconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """UTC seconds of a wall-clock reading given as seconds since 1970-01-01 00:00 local.

    The hour that occurs twice in November is read as one of its two; the hour that March skips is
    read as the hour beside it, as a browser would never report it.
    """
    guess = local_seconds - utc_offset_seconds(local_seconds - _EASTERN_STANDARD)
    return local_seconds - utc_offset_seconds(guess)


def local_day_numbers(utc_microseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Days since 1970-01-01 of each instant (UTC microseconds) on the property's calendar."""
    seconds = utc_microseconds // MICROSECONDS
    return (seconds + utc_offset_seconds(seconds)) // SECONDS_PER_DAY


def local_midnights(days: Sequence[date]) -> list[int]:
    """UTC microsecond at which each local day begins."""
    local = np.array([day_number(day) for day in days], dtype=np.int64) * SECONDS_PER_DAY
    return [int(second) * MICROSECONDS for second in local_to_utc_seconds(local)]


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The inverse of `day_number`."""
    return _EPOCH + timedelta(days=number)
