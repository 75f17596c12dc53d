"""Tracking that broke, told apart from visitors who behave differently.

Behaviour does not fall to a tenth overnight, and no flag turns over its odds tenfold from one day
to the next; tags, releases and consent banners do both. One rule looks for silence, that of
`microconv.evidence.outage`, whatever it is that is counted; a second one for flags that turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import numpy as np

from microconv.evidence.outage import LEAST_EXPECTED
from microconv.evidence.quantities import Bools, Floats
from microconv.watching.series import DailyRate
from microconv.watching.silence import silences

TURNED_ODDS = 10.0
"""Odds that change by this factor overnight mean that the flag means something else."""

TAKEN_OVER_SHARE = 0.5
"""If other values gained this share of what is missing, visitors moved on to them."""

_WINDOW = 7
_OVERNIGHT_SHARE = 0.5
_MOVED_SHARE = 0.5
_LEAST_DAYS_BEFORE = 4
_LAST_DAYS = 2
_FADED_SHARE = 0.5


class Kind(StrEnum):
    """What fell silent or turned."""

    EVENT_GONE = "event gone"
    VALUE_SILENT = "value silent"
    VALUE_REPLACED = "value faded out or replaced"
    PARAMETER_EMPTY = "parameter empty"
    REVENUE_MISSING = "revenue missing"
    FLAG_TURNED = "flag turned"


@dataclass(frozen=True)
class Tracked:
    """Something counted by day, and what it is expected from.

    Args:
        kind: What it would mean if it fell silent; `FLAG_TURNED` is looked at in its own way.
        name: Of the event, parameter or flag.
        counts: Successes are what is counted (the event, filled parameters, purchases with revenue,
            flagged events), trials what it is expected from (sessions, events, purchases).
        dimension: Such as "browser", "app_version", "stream_id"; empty for all together.
        value: Of the dimension.
        is_required: Whether it belongs to every event from the first day on, such as the number of
            an order; else it may have been on its way in before it was first counted as usual.
        is_occasional: Whether most of its events never had it, though so many on every day that its
            silence stands out.
    """

    kind: Kind
    name: str
    counts: DailyRate
    dimension: str = ""
    value: str = ""
    is_required: bool = False
    is_occasional: bool = False


@dataclass(frozen=True)
class Suspicion:
    """Days on which a count says nothing about visitors.

    Args:
        tracked: What was looked at.
        kind: What it is; that of `tracked` unless another value took over.
        days: The days, ascending. Of a flag that turned, its first day and all after it.
        is_ongoing: Whether the last day is one of them.
        counted: Counted on these days.
        expected: Expected on these days; of a flag, at its share before.
    """

    tracked: Tracked
    kind: Kind
    days: tuple[date, ...]
    is_ongoing: bool
    counted: float
    expected: float

    @property
    def is_tracking(self) -> bool:
        """Whether it is a fault of tracking; a value that was replaced by another is none."""
        return self.kind is not Kind.VALUE_REPLACED


def find_suspicions(tracked: Sequence[Tracked]) -> tuple[Suspicion, ...]:
    """Everything that fell silent or turned, the whole before its parts.

    Where an event is gone everywhere, its browsers and streams are not said again.

    Args:
        tracked: Any mixture; `VALUE_SILENT` of one name and dimension belong together, so that a
            version that another one replaced is not taken for silent.
    """
    found = [one for one in map(_suspicion, tracked) if one is not None]
    wholes = {
        (one.tracked.name, day) for one in found if not one.tracked.dimension for day in one.days
    }
    kept = [
        _or_replaced(one, tracked)
        for one in found
        if not one.tracked.dimension or not {(one.tracked.name, day) for day in one.days} <= wholes
    ]
    return tuple(
        sorted(kept, key=lambda one: (not one.is_ongoing, bool(one.tracked.dimension), one.days[0]))
    )


def suspect_days(suspicions: Iterable[Suspicion], name: str) -> frozenset[date]:
    """The days on which a metric built on this event, parameter or flag must not be judged."""
    return frozenset(
        day
        for one in suspicions
        if one.is_tracking and one.tracked.name == name
        for day in one.days
    )


def _suspicion(tracked: Tracked) -> Suspicion | None:
    counts = tracked.counts
    if not len(counts) or not np.isfinite([counts.successes, counts.trials]).all():
        return None
    if tracked.kind is Kind.FLAG_TURNED:
        return _turned(tracked) if counts.is_proportion else None
    is_silent, expected = silences(counts, tracked.is_required)
    return _of_days(tracked, is_silent, expected) if is_silent.any() else None


def _of_days(tracked: Tracked, chosen: Bools, expected: Floats) -> Suspicion:
    counts = tracked.counts
    return Suspicion(
        tracked=tracked,
        kind=tracked.kind,
        days=tuple(counts.day(int(place)) for place in np.flatnonzero(chosen)),
        # Days on which nothing is expected say nothing either way.
        is_ongoing=bool(chosen[np.flatnonzero(chosen | (expected > 0))[-1]]),
        counted=float(counts.successes[chosen].sum()),
        expected=float(expected[chosen].sum()),
    )


def _or_replaced(found: Suspicion, tracked: Sequence[Tracked]) -> Suspicion:
    """The same, or no fault if it faded or values that were rare make up for what is missing."""
    if found.kind is not Kind.VALUE_SILENT:
        return found
    family = (found.kind, found.tracked.name, found.tracked.dimension)
    before = _days_before(found)
    if _faded(found, before):
        return replace(found, kind=Kind.VALUE_REPLACED)
    gained = sum(
        _gain(other.counts, before, found.days)
        for other in tracked
        if other is not found.tracked and (other.kind, other.name, other.dimension) == family
    )
    if gained < TAKEN_OVER_SHARE * (found.expected - found.counted):
        return found
    return replace(found, kind=Kind.VALUE_REPLACED)


def _days_before(found: Suspicion) -> tuple[date, ...]:
    counts = found.tracked.counts
    known = np.flatnonzero(counts.trials > 0).tolist()
    return tuple(counts.day(place) for place in known if counts.day(place) < found.days[0])


def _faded(found: Suspicion, before: Sequence[date]) -> bool:
    """Whether it was on its way out already: a release is left slowly, a tag breaks at once.

    What came back was not on its way out.
    """
    counts = found.tracked.counts
    share = found.expected / _total(counts, found.days)[1]
    later = counts.place(found.days[-1]) + 1
    if (counts.successes[later:] > _FADED_SHARE * share * counts.trials[later:]).any():
        return False
    x, n = _total(counts, before[-_LAST_DAYS:])
    return x < _FADED_SHARE * share * n


def _gain(other: DailyRate, usual: Sequence[date], silent: Sequence[date]) -> float:
    """By how much a value exceeds its usual share during the silence, if it more than doubled."""
    x, n = _total(other, usual)
    found, size = _total(other, silent)
    promised = x / n * size if n else 0.0
    return found - promised if found > 2 * promised else 0.0


def _total(counts: DailyRate, days: Sequence[date]) -> tuple[float, float]:
    places = [place for place in map(counts.place, days) if 0 <= place < len(counts)]
    return float(counts.successes[places].sum()), float(counts.trials[places].sum())


def _turned(tracked: Tracked) -> Suspicion | None:
    """The night in which the odds of a flag changed tenfold, between a week and the next."""
    counts = tracked.counts
    yes, no = counts.successes, counts.trials - counts.successes
    place = _turning_point(yes, no)
    if place is None:
        return None
    before = slice(max(place - _WINDOW, 0), place)
    share = float(yes[before].sum() / (yes[before] + no[before]).sum())
    chosen = (np.arange(len(counts)) >= place) & (counts.trials > 0)
    return _of_days(tracked, chosen, share * counts.trials)


def _turning_point(yes: Floats, no: Floats) -> int | None:
    """The place of the first day after the sharpest turn; None if nothing turned overnight."""
    days = np.flatnonzero(yes + no > 0)
    yes, no = yes[days], no[days]
    best, turn = None, math.log(TURNED_ODDS)
    for place in range(_LEAST_DAYS_BEFORE, len(days)):
        before, after = slice(max(place - _WINDOW, 0), place), slice(place, place + _WINDOW)
        counts = (yes[before].sum(), no[before].sum(), yes[after].sum(), no[after].sum())
        if min(counts[0] + counts[1], counts[2] + counts[3]) < 2 * LEAST_EXPECTED:
            continue
        # A few of a rare kind that are not there one week are chance, whatever their odds.
        moved = counts[2] - (counts[2] + counts[3]) * counts[0] / (counts[0] + counts[1])
        if abs(moved) < LEAST_EXPECTED:
            continue
        if not _is_moved(yes[before], no[before], yes[after], no[after]):
            continue
        shift = _log_odds(counts[2], counts[3]) - _log_odds(counts[0], counts[1])
        night = _log_odds(yes[place], no[place]) - _log_odds(yes[place - 1], no[place - 1])
        # One day of robots may weigh as much as a week; a flag that turned has turned on each day.
        daily = [_log_odds_of_days(yes[days_of], no[days_of]) for days_of in (after, before)]
        night = min(night, daily[0] - daily[1], key=lambda one: one * math.copysign(1, shift))
        # Of the weeks around a turn the one that begins with it differs most from the one before.
        if abs(shift) >= turn and night * math.copysign(1, shift) >= _OVERNIGHT_SHARE * abs(shift):
            best, turn = int(days[place]), abs(shift)
    return best


def _is_moved(yes: Floats, no: Floats, yes_after: Floats, no_after: Floats) -> bool:
    """Whether one side lost what the other won: robots only add to one, and turn no flag."""
    changes = (yes_after.mean() - yes.mean(), no_after.mean() - no.mean())
    lost, won = -min(changes), max(changes)
    return bool(lost >= _MOVED_SHARE * won)


def _log_odds_of_days(yes: Floats, no: Floats) -> float:
    return float(np.median(np.log((yes + 0.5) / (no + 0.5))))


def _log_odds(yes: float, no: float) -> float:
    return math.log((yes + 0.5) / (no + 0.5))
