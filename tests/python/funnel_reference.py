"""What a funnel counts, the slow and obvious way: the reference that the SQL is held against.

Rules (ordered, closed funnels): an attempt enters with an event of step 1. Step k is reached when
events of the steps 1..k exist, each strictly later than the one before, the last at most the window
after the entry. Events are ordered by (timestamp, order, id); one event never counts as two steps
of a chain. Of the entries of one day, the one that gets furthest stands for the day's attempt, the
newest among equals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Position = tuple[int, int, str]


@dataclass(frozen=True)
class Event:
    """An event of a unit with the conversions it stands for; `date` is the property's."""

    timestamp: int
    order: int
    event_id: str
    conversions: frozenset[str]
    date: dt.date
    session_id: str | None = None

    @property
    def position(self) -> Position:
        return (self.timestamp, self.order, self.event_id)


@dataclass(frozen=True)
class Attempt:
    """An attempt of a unit: its entry, and when each step was first reached (step 1 = entry)."""

    entry: Event
    reached: tuple[int, ...]
    matures_at: int

    @property
    def furthest_step(self) -> int:
        return len(self.reached)


@dataclass(frozen=True)
class PeriodCount:
    """A unit in a period: the furthest step of its mature attempts (0 if none), its session."""

    furthest_step: int
    entry_session_id: str | None


def reached_times(
    entry: Event, events: Sequence[Event], steps: Sequence[str], window: int
) -> tuple[int, ...]:
    """When each step is first reached from `entry`, following every chain there is.

    `window` is in microseconds from the entry, inclusive.
    """
    ends: set[Event] = {entry}
    reached = [entry.timestamp]
    for step in steps[1:]:
        ends = {
            event
            for event in events
            if step in event.conversions
            and event.timestamp - entry.timestamp <= window
            and any(event.position > earlier.position for earlier in ends)
        }
        if not ends:
            break
        reached.append(min(event.timestamp for event in ends))
    return tuple(reached)


def attempts(events: Iterable[Event], steps: Sequence[str], window: int) -> list[Attempt]:
    """The attempts of one unit, one for each day with an entry, oldest first."""
    history = list(events)
    best: dict[dt.date, Attempt] = {}
    entries = [event for event in history if steps[0] in event.conversions]
    for entry in sorted(entries, key=lambda event: event.position):
        attempt = Attempt(
            entry, reached_times(entry, history, steps, window), entry.timestamp + window
        )
        standing = best.get(entry.date)
        if standing is None or attempt.furthest_step >= standing.furthest_step:
            best[entry.date] = attempt
    return [best[day] for day in sorted(best)]


def period_start(grain: str, day: dt.date) -> dt.date | None:
    """The first date of the day's period: the day, the Monday of its week, or None for all time."""
    if grain == "day":
        return day
    return day - dt.timedelta(days=day.weekday()) if grain == "week" else None


def count_by_period(
    unit_attempts: Sequence[Attempt], grain: str, as_of: int
) -> dict[dt.date | None, PeriodCount]:
    """How one unit counts in each period: once, by its mature attempts.

    An attempt is mature when its window had ended before `as_of` (microseconds). The segment is
    that of the first mature attempt with a session, and unknown where none of them has one; a unit
    without a mature attempt stands in the segment of its first attempt with a session.
    """
    periods: dict[dt.date | None, list[Attempt]] = {}
    for attempt in unit_attempts:
        periods.setdefault(period_start(grain, attempt.entry.date), []).append(attempt)
    counts = {}
    for start, members in periods.items():
        mature = [attempt for attempt in members if attempt.matures_at < as_of]
        sessions = [
            attempt.entry.session_id
            for attempt in mature or members
            if attempt.entry.session_id is not None
        ]
        counts[start] = PeriodCount(
            furthest_step=max((attempt.furthest_step for attempt in mature), default=0),
            entry_session_id=sessions[0] if sessions else None,
        )
    return counts
