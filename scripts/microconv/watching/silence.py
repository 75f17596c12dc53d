"""Days on which something is hardly counted though it was usual, of one series.

What is usual is the level of all days, as in `microconv.evidence.outage`, or that since it was
first counted as usual: what came in lately is missed as well once it has been there for a week.
"""

from __future__ import annotations

import numpy as np

from microconv.evidence.outage import LEAST_EXPECTED, SILENT_SHARE, silent_days
from microconv.evidence.quantities import Bools, Floats
from microconv.watching.scores import WEEK
from microconv.watching.series import DailyRate

MOST_POOLED_DAYS = 14
"""Rare events are looked at over so many last days together."""

LEAST_STEADY_DAYS = 14
"""Days before what few events have is missed when it is gone."""

_LOUD_SHARE = 0.5
_STEADY_SHARE = 1 / 3
_PAUSE_DAYS = 2  # of a weekend
_PAUSE_WEEKS = 4
_PAUSE_SHARE = 0.75


def silences(counts: DailyRate, is_required: bool) -> tuple[Bools, Floats]:
    """Which days are silent, and how many were expected on each.

    Args:
        counts: Successes are what is counted, trials what it is expected from.
        is_required: Whether it belongs there from the first day on; else nothing can have broken
            before it was first counted as usual: it was on its way in.
    """
    if is_required:
        return _silent(counts)
    begin = begin_of(counts)
    is_silent, expected = _silent(counts, begin)
    is_usual = (counts.successes > 0) & (counts.successes >= SILENT_SHARE * expected)
    if (expected >= LEAST_EXPECTED).any():
        is_usual &= expected >= LEAST_EXPECTED
    usual = np.flatnonzero(is_usual)
    is_silent[: usual[0] if len(usual) else None] = False
    since = counts.since(begin)
    silent_since, expected_since = _silent(since)
    if _loud(since, expected_since).sum() < WEEK:
        return is_silent, expected
    level = np.maximum(expected[begin:], expected_since)
    is_silent[begin:] |= silent_since
    return is_silent, np.concatenate([expected[:begin], level])


def begin_of(counts: DailyRate) -> int:
    """The place of the first day that has at least half of what a day with enough of it has."""
    x, n = counts.successes, counts.trials
    known = (n > 0) & (x >= min(LEAST_EXPECTED, float(x.max(initial=0.0)) / 2)) & (x > 0)
    if not known.any():
        return 0
    level = float(np.median(x[known] / n[known]))
    return int(np.flatnonzero(known & (x >= _LOUD_SHARE * level * n))[0])


def is_steady(counts: DailyRate) -> bool:
    """Whether so many have it on every day that its end would be news: since it came in, with at
    most one silence, and on no other day under a third of what is expected.
    """
    since = counts.since(begin_of(counts))
    _, expected = silent_days(since.successes, since.trials)
    is_enough = expected >= LEAST_EXPECTED
    share = since.successes[is_enough] / expected[is_enough]
    silent = share < SILENT_SHARE
    runs = int(silent[:1].sum() + (silent[1:] & ~silent[:-1]).sum())
    steady = share >= _STEADY_SHARE
    return runs <= 1 and bool((silent | steady).all()) and int(steady.sum()) >= LEAST_STEADY_DAYS


def _silent(counts: DailyRate, begin: int = 0) -> tuple[Bools, Floats]:
    is_silent, expected = silent_days(counts.successes, counts.trials)
    # Days before it came in are no pauses.
    expected[begin:][_weekly_pauses(counts.since(begin), expected[begin:])] = 0.0
    return (is_silent & (expected > 0)) | _silent_lately(counts, expected), expected


def _loud(counts: DailyRate, expected: Floats) -> Bools:
    return (counts.successes > 0) & (counts.successes >= _LOUD_SHARE * expected)


def _weekly_pauses(counts: DailyRate, expected: Floats) -> Bools:
    """Days of weekdays that are always silent between days that are not: nobody works on Sunday."""
    is_silent = (counts.trials > 0) & (counts.successes < SILENT_SHARE * expected)
    is_loud = (counts.trials > 0) & ~is_silent
    near = np.zeros(len(counts), dtype=np.bool_)
    for place in np.flatnonzero(is_loud).tolist():
        near[max(place - _PAUSE_DAYS, 0) : place + _PAUSE_DAYS + 1] = True
    paused = np.zeros(len(counts), dtype=np.bool_)
    for weekday in range(WEEK):
        same = np.arange(len(counts)) % WEEK == weekday
        known, silent = same & (counts.trials > 0), same & is_silent
        is_usual = known.sum() >= _PAUSE_WEEKS and silent.sum() >= _PAUSE_SHARE * known.sum()
        # An outage of months silences every weekday too, but not between days that are counted.
        if is_usual and (silent & near).sum() > silent.sum() / 2:
            paused |= same
    return paused


def _silent_lately(counts: DailyRate, expected: Floats) -> Bools:
    """The last days, as few as are expected to hold enough, if together they are silent."""
    silent = np.zeros(len(counts), dtype=np.bool_)
    for days in range(1, min(MOST_POOLED_DAYS, len(counts) - 1) + 1):
        wanted = float(expected[-days:].sum())
        if wanted >= LEAST_EXPECTED:
            silent[-days:] = float(counts.successes[-days:].sum()) < SILENT_SHARE * wanted
            break
    return silent & (counts.trials > 0)
