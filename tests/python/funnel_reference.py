"""What a funnel counts, the slow and obvious way: the reference that the SQL is held against.

An attempt begins with an entry, and every later event is credited to the newest entry from which
a valid chain of steps leads to it, so that nothing counts for two attempts. Chains are enumerated
one by one, as the rules of the funnel say. Events are ordered by (timestamp, order, id).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
class Rules:
    """A funnel. `steps` are (conversion, role) in their order, numbered from 1; windows in µs."""

    steps: tuple[tuple[str, str], ...]
    window: int
    step_order: str = "ordered"
    entry: str = "closed"
    step_window: int | None = None
    counting: str = "unique"

    @functools.cached_property
    def required(self) -> list[int]:
        return [number for number, (_, role) in enumerate(self.steps, 1) if role == "step"]

    @functools.cached_property
    def walkable(self) -> list[int]:
        """Numbers of the steps that may or must happen."""
        return [number for number, (_, role) in enumerate(self.steps, 1) if role != "exclusion"]

    @property
    def outcome_window(self) -> int:
        """How long after an entry its outcome is known."""
        if self.step_window is None:
            return self.window
        return min(self.window, self.step_window * (len(self.walkable) - 1))

    def conversion(self, number: int) -> str:
        return self.steps[number - 1][0]

    @functools.cache  # noqa: B019 a few funnels, kept for the run
    def required_before(self, number: int) -> int | None:
        return max((one for one in self.required if one < number), default=None)

    @functools.cache  # noqa: B019 a few funnels, kept for the run
    def stands_at(self, number: int) -> int:
        """The last step that must happen, at or before a step (0 before the first)."""
        return max((one for one in self.required if one <= number), default=0)

    @functools.cache  # noqa: B019 a few funnels, kept for the run
    def exclusions_between_required(self, number: int) -> set[str]:
        """Conversions that end an attempt standing at this step, until the next required one."""
        first = self.stands_at(number)
        after = [one for one in self.required if one > first]
        last = after[0] if after else len(self.steps) + 1
        return {name for name, role in self.steps[first : last - 1] if role == "exclusion"}

    @functools.cache  # noqa: B019 a few funnels, kept for the run
    def may_follow(self, earlier: int, later: int) -> bool:
        """Whether a chain may step from one step to another: only optional ones lie between."""
        skipped = range(earlier + 1, later)
        return earlier < later and not any(number in self.required for number in skipped)


@dataclass(frozen=True)
class Attempt:
    """An entry and the events that first reached each step from it (the entry's own included)."""

    entry: Event
    entry_step: int
    events: Mapping[int, Event]
    excluded_at: int | None = None

    @functools.cached_property
    def reached(self) -> dict[int, int]:
        """Step to the time at which it was reached."""
        return {number: event.timestamp for number, event in self.events.items()}

    @property
    def last_session_id(self) -> str | None:
        """The session in which the furthest step was reached."""
        return self.events[self.furthest_step].session_id

    @property
    def furthest_step(self) -> int:
        return max(self.reached)


@dataclass(frozen=True)
class UnitDay:
    """What a unit that entered on a day reached, and what it reached from the step before."""

    date: dt.date
    entry_session_id: str | None
    reached: frozenset[int]
    continued: frozenset[int]
    # Where the furthest step was first reached, of those reached in a session, and its number.
    last_session_id: str | None = None
    last_session_step: int = 0


# ---- attempts ----------------------------------------------------------------------------------


def attempts(events: Iterable[Event], rules: Rules) -> list[Attempt]:
    """The attempts of one unit, oldest first. `events` are all its catalogued conversions."""
    history = sorted(events, key=lambda event: event.position)
    if rules.step_order != "strict":
        names = {name for name, _ in rules.steps}
        history = [event for event in history if names & event.conversions]
    if rules.step_order == "any":
        return gathered_attempts(history, rules)
    if rules.entry == "open":
        return open_attempts(history, rules)
    return closed_attempts(history, rules)


def link_holds(
    history: Sequence[Event], rules: Rules, chain: list[tuple[int, int]], at: int
) -> bool:
    """Whether the chain of (index, step) may go on to the event at an index, windows included."""
    index, number = chain[-1]
    here, event = history[index], history[at]
    ended_by = rules.exclusions_between_required(number)
    return (
        at > index
        and (rules.step_order != "strict" or at == index + 1)
        and not (
            ended_by and any(ended_by & between.conversions for between in history[index + 1 : at])
        )
        and event.timestamp - history[chain[0][0]].timestamp <= rules.window
        and (rules.step_window is None or event.timestamp - here.timestamp <= rules.step_window)
    )


def chains(
    history: Sequence[Event], rules: Rules, chain: list[tuple[int, int]]
) -> Iterator[list[tuple[int, int]]]:
    """Every chain that begins as this one does, and itself."""
    yield chain
    for at in range(chain[-1][0] + 1, len(history)):
        if not link_holds(history, rules, chain, at):
            continue
        for number in rules.walkable:
            happened = rules.conversion(number) in history[at].conversions
            if happened and rules.may_follow(chain[-1][1], number):
                yield from chains(history, rules, [*chain, (at, number)])


def closed_attempts(history: Sequence[Event], rules: Rules) -> list[Attempt]:
    newest: dict[tuple[int, int], int] = {}  # (index, step): index of the newest entry
    ended: dict[tuple[int, int], int] = {}  # (index of an exclusion, required step): newest entry
    entries = [i for i, one in enumerate(history) if rules.conversion(1) in one.conversions]
    for entry in entries:
        for chain in chains(history, rules, [(entry, 1)]):
            newest[chain[-1]] = entry
            for at in range(chain[-1][0] + 1, len(history)):
                ends = rules.exclusions_between_required(chain[-1][1])
                if link_holds(history, rules, chain, at) and ends & history[at].conversions:
                    ended[at, rules.stands_at(chain[-1][1])] = entry
    return [credited(history, rules, entry, 1, newest, ended) for entry in entries]


def credited(
    history: Sequence[Event],
    rules: Rules,
    entry: int,
    entry_step: int,
    newest: Mapping[tuple[int, int], int],
    ended: Mapping[tuple[int, int], int],
) -> Attempt:
    """The attempt of an entry with all that is credited to it.

    An optional step counts where it happened before a later one.
    """
    first: dict[int, int] = {}
    for (index, number), start in sorted(newest.items()):
        if start == entry and (number, index) != (entry_step, entry):
            first.setdefault(number, index)
    first[entry_step] = entry
    kept = {
        number: index
        for number, index in first.items()
        if all(index < other for later, other in first.items() if later > number)
    }
    stands_at = rules.stands_at(max(kept))
    hits = [
        at for (at, group), start in sorted(ended.items()) if (start, group) == (entry, stands_at)
    ]
    return Attempt(
        entry=history[entry],
        entry_step=entry_step,
        events={number: history[index] for number, index in sorted(kept.items())},
        excluded_at=history[hits[0]].timestamp if hits else None,
    )


def open_attempts(history: Sequence[Event], rules: Rules) -> list[Attempt]:
    """An event goes on with the attempt of the latest event that it can follow, or it enters."""
    state: dict[tuple[int, int], int] = {}  # (index, step): index of its attempt's entry
    entry_steps: dict[int, int] = {}
    ended: dict[tuple[int, int], int] = {}
    for at, event in enumerate(history):
        steps = [one for one in rules.walkable if rules.conversion(one) in event.conversions]
        found = {}
        for number in steps:
            followed = latest_followed(history, rules, state, at, number)
            if followed is not None and number > 1:
                found[at, number] = state[followed]
            elif number == steps[0]:
                found[at, number] = at
                entry_steps[at] = number
        for first, group in required_groups(rules):
            if rules.exclusions_between_required(first) & event.conversions:
                followed = latest_followed(history, rules, state, at, group)
                if followed is not None:
                    ended[at, first] = state[followed]
        state |= found
    return [
        credited(history, rules, entry, number, state, ended)
        for entry, number in sorted(entry_steps.items())
    ]


def required_groups(rules: Rules) -> list[tuple[int, int]]:
    """Each required step and the one after it (past the end for the last)."""
    ends = [*rules.required[1:], len(rules.steps) + 1]
    return list(zip(rules.required, ends, strict=True))


def latest_followed(
    history: Sequence[Event],
    rules: Rules,
    state: Mapping[tuple[int, int], int],
    at: int,
    number: int,
) -> tuple[int, int] | None:
    """The latest (index, step) that the event at an index can follow as this step.

    Of two steps that one event is, that of the newer attempt.
    """
    earlier = [
        (index, step) for index, step in state if index < at and rules.may_follow(step, number)
    ]
    if not earlier:
        return None
    latest = max(earlier, key=lambda one: (one[0], state[one]))
    chain = [(state[latest], 0), latest]
    return latest if link_holds(history, rules, chain, at) else None


def gathered_attempts(history: Sequence[Event], rules: Rules) -> list[Attempt]:
    """Any order: an entry gathers the steps that happen at it or later, each by its own event."""
    names = [rules.conversion(number) for number in rules.required]
    wanted = [names[0]] if rules.entry == "closed" else names
    entries = [i for i, one in enumerate(history) if set(wanted) & one.conversions]
    ends = {name for name, role in rules.steps if role == "exclusion"}
    levels: dict[int, list[int]] = {}
    excluded: dict[int, int] = {}
    for entry in entries:
        stops = [i for i in range(entry + 1, len(history)) if ends & history[i].conversions]
        moments = []
        for place, name in enumerate(names):
            needed = names[: place + 1].count(name)
            found = [i for i in range(entry, len(history)) if name in history[i].conversions]
            if len(found) >= needed:
                at = found[needed - 1]
                in_time = history[at].timestamp - history[entry].timestamp <= rules.window
                if in_time and not (stops and at > stops[0]):
                    moments.append(at)
        levels[entry] = sorted(moments)
        newer = [other for other in entries if other > entry]
        is_last = bool(stops) and (not newer or newer[0] >= stops[0])
        if is_last and history[stops[0]].timestamp - history[entry].timestamp <= rules.window:
            excluded[entry] = stops[0]
    newest = {(k, at): entry for entry in entries for k, at in enumerate(levels[entry])}
    result = []
    for entry in entries:
        depth = max(k for k, at in enumerate(levels[entry]) if newest[k, at] == entry)
        events = {rules.required[k]: history[levels[entry][k]] for k in range(depth + 1)}
        is_ended = entry in excluded and len(events) < len(names)
        result.append(
            Attempt(
                history[entry],
                rules.required[0],
                events,
                history[excluded[entry]].timestamp if is_ended else None,
            )
        )
    return result


# ---- units and periods -------------------------------------------------------------------------


def continued_steps(reached: Iterable[int], rules: Rules) -> frozenset[int]:
    """Of the steps that an attempt reached, those that it reached from the required one before."""
    steps = set(reached)
    return frozenset(
        number for number in steps if (rules.required_before(number) or number) in steps
    )


def unit_days(unit_attempts: Sequence[Attempt], rules: Rules) -> list[UnitDay]:
    """What a unit reached that entered on a day.

    By the attempts that began on that day, and by newer ones that began at step 1 as far as the
    window of the day's last entry at step 1 holds: to enter again loses nobody.
    """
    by_day: dict[dt.date, list[Attempt]] = defaultdict(list)
    for attempt in unit_attempts:
        by_day[attempt.entry.date].append(attempt)
    days = []
    for day, members in sorted(by_day.items()):
        reached, continued = set[int](), set[int]()
        events = [(number, event) for one in members for number, event in one.events.items()]
        for attempt in members:
            reached |= attempt.reached.keys()
            continued |= continued_steps(attempt.reached, rules)
        at_first = [one for one in members if one.entry_step == 1]
        for attempt in unit_attempts if at_first else []:
            last = at_first[-1].entry
            if attempt.entry_step != 1 or attempt.entry.date == day:
                continue
            if attempt.entry.position > last.position:
                end = last.timestamp + rules.window
                steps = {number for number, moment in attempt.reached.items() if moment <= end}
                reached |= steps
                continued |= continued_steps(steps, rules)
                # To enter once more is no further step.
                events += [(number, attempt.events[number]) for number in steps if number > 1]
        sessions = [one.entry.session_id for one in members if one.entry.session_id is not None]
        in_sessions = [(-number, event.position, event) for number, event in events]
        furthest = min((one for one in in_sessions if one[2].session_id), default=None)
        days.append(
            UnitDay(
                day,
                sessions[0] if sessions else None,
                frozenset(reached),
                frozenset(continued),
                *((furthest[2].session_id, -furthest[0]) if furthest else ()),
            )
        )
    return days


def period_start(grain: str, day: dt.date) -> dt.date | None:
    """The first date of the day's period: the day, the Monday of its week, or None for all time."""
    if grain == "day":
        return day
    return day - dt.timedelta(days=day.weekday()) if grain == "week" else None


def count_by_period(
    days: Sequence[UnitDay], grain: str, is_mature: Callable[[dt.date], bool]
) -> dict[dt.date | None, UnitDay]:
    """How one unit counts in each period: once, by its mature days taken together.

    The segment is that of the first mature day with a session, by last touch of the first day that
    got furthest. A unit without a mature day has reached nothing yet and stands in the segments of
    all its days.
    """
    periods: dict[dt.date | None, list[UnitDay]] = defaultdict(list)
    for day in days:
        periods[period_start(grain, day.date)].append(day)
    counts: dict[dt.date | None, UnitDay] = {}
    for start, members in periods.items():
        mature = [day for day in members if is_mature(day.date)]
        sessions = [day.entry_session_id for day in mature or members if day.entry_session_id]
        last = max(mature or members, key=lambda day: day.last_session_step)
        counts[start] = UnitDay(
            members[0].date,
            sessions[0] if sessions else None,
            frozenset().union(*(day.reached for day in mature)),
            frozenset().union(*(day.continued for day in mature)),
            last.last_session_id,
            last.last_session_step,
        )
    return counts
