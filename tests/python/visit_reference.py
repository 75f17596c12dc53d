"""Visits, sales cycles, returns and stages as a slow reading of made-up histories has them.

It shares no code with the models: each question is answered visitor by visitor, from the events.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from visit_case import (
    AS_OF,
    CONVERSIONS,
    COUNTING,
    DAY,
    HORIZON_DAYS,
    MACROS,
    RETURN_DAYS,
    Hit,
    Visit,
    visitor_of,
)

LARGEST = 25
STAGES = {
    "newsletter_signup": 2,
    "search": 2,
    "view_item": 3,
    "add_to_cart": 4,
    "begin_checkout": 4,
    "sign_up": 5,
    "purchase": 5,
}
PARTS = {1: "TOFU", 2: "TOFU", 3: "MOFU", 4: "BOFU", 5: "customer"}
LEVELS = {1: "curious", 2: "curious", 3: "interested", 4: "almost_ready", 5: "customer"}
Segment = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A counted conversion that no excluded session holds; `visit` is None outside any session."""

    name: str
    micros: int
    day: dt.date
    visit: Visit | None


@dataclasses.dataclass
class Person:
    """A visitor's visits that count, in order, and counted conversions."""

    visits: list[Visit]
    conversions: list[Conversion]
    is_excluded: bool

    @property
    def is_known_from_the_beginning(self) -> bool:
        return bool(self.visits) and self.visits[0].number == 1

    def first(self, macro: str) -> Conversion | None:
        found = [one for one in self.conversions if one.name == macro]
        return min(found, key=lambda one: one.micros, default=None)

    def cycle_visits(self, conversion: Conversion) -> int:
        """The number of its visit, else of the last one begun by then; 0 before the first."""
        if conversion.visit is not None:
            return self.visits.index(conversion.visit) + 1
        return sum(visit.start <= conversion.micros for visit in self.visits)


def people_of(visits: list[Visit]) -> dict[str, Person]:
    users = {visit.device: visit.user_id for visit in visits if visit.device and visit.user_id}
    by_visitor: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        visitor = visitor_of(visit, users)
        if visitor is not None:
            by_visitor[visitor].append(visit)
    return {visitor: person_of(own) for visitor, own in by_visitor.items()}


def person_of(visits: list[Visit]) -> Person:
    sessions = [visit for visit in visits if visit.number is not None]
    shown = [visit for visit in sessions if not visit.is_internal]
    shown.sort(key=lambda visit: (visit.start, visit.session_id))
    return Person(shown, list(counted(visits)), bool(sessions) and not shown)


def counted(visits: list[Visit]) -> Iterator[Conversion]:
    """Each conversion as often as the catalog counts it, in the order of time."""
    hits: list[tuple[Hit, Visit]] = [(one, visit) for visit in visits for one in visit.hits]
    seen = set()
    for one, visit in sorted(hits, key=lambda pair: pair[0].micros):
        name = CONVERSIONS.get(one.name)
        if name is None:
            continue
        counting = COUNTING.get(name)
        is_in_session = visit.number is not None
        key = (name, visit.session_id if counting == "once_per_session" else None)
        if counting == "once_per_visitor" or (counting and is_in_session):
            if key in seen:
                continue
            seen.add(key)
        if not visit.is_internal:
            yield Conversion(name, one.micros, one.day, visit if is_in_session else None)


# ---- segments ----------------------------------------------------------------------------------


def segments_of(people: dict[str, Person]) -> dict[str, list[Segment]]:
    """The segments of each visitor with a visit; what is not among the largest is (other)."""
    plain: dict[str, dict[str, str]] = {}
    for visitor, person in people.items():
        if person.visits:
            source, _, group = person.visits[0].source or ("(unknown)", "", "Unassigned")
            plain[visitor] = {
                "first_touch_channel_group": group,
                "first_touch_source": source,
                "device_category": person.visits[0].category or "(unknown)",
            }
    for dimension in ("first_touch_channel_group", "first_touch_source", "device_category"):
        sizes: Counter[str] = Counter()
        for visitor, values in plain.items():
            sizes[values[dimension]] += people[visitor].is_known_from_the_beginning
        ranked = sorted(sizes, key=lambda value: (-sizes[value], value))[:LARGEST]
        for values in plain.values():
            if values[dimension] not in ranked:
                values[dimension] = "(other)"
    return {visitor: [("all", "all"), *values.items()] for visitor, values in plain.items()}


# ---- what visits contain -------------------------------------------------------------------------


def visit_contents(people: dict[str, Person]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """(macro, role, visit, micro) to the visits and those among them with the micro."""
    visits: Counter[tuple[Any, ...]] = Counter()
    micros: Counter[tuple[Any, ...]] = Counter()
    for person in people.values():
        if not person.is_known_from_the_beginning:
            continue
        for macro in MACROS:
            conversion = person.first(macro)
            for number, visit in enumerate(person.visits, start=1):
                role = role_of(person, conversion, number, visit)
                if role is None:
                    continue
                visits[macro, role, min(number, 5)] += 1
                until = AS_OF if role == "without" or conversion is None else conversion.micros
                done = {
                    one.name
                    for one in person.conversions
                    if one.visit is visit and one.micros < until and one.name not in MACROS
                }
                for name in done:
                    micros[macro, role, min(number, 5), name] += 1
    names = sorted(set(CONVERSIONS.values()) - set(MACROS))
    return {(*key, name): (visits[key], micros[(*key, name)]) for key in visits for name in names}


def role_of(person: Person, conversion: Conversion | None, number: int, visit: Visit) -> str | None:
    if conversion is None:
        return "without" if visit.end + HORIZON_DAYS * DAY < AS_OF else None
    if conversion.visit is visit:
        return "converting"
    if number < person.cycle_visits(conversion):
        return "before"
    if conversion.visit is None and number == person.cycle_visits(conversion):
        return "before"
    return None


# ---- cycles and returns --------------------------------------------------------------------------


def cycles_of(people: dict[str, Person], macro: str, clock: str) -> dict[str, tuple[int, bool]]:
    """How long each new visitor was followed (microseconds, or visits), and whether to the macro.

    Whoever converted before the first visit is not among them.
    """
    cycles = {}
    for visitor, person in people.items():
        if not person.is_known_from_the_beginning:
            continue
        conversion, start = person.first(macro), person.visits[0].start
        if conversion is None:
            followed = AS_OF - start if clock == "days" else len(person.visits)
            cycles[visitor] = (followed, False)
        elif person.cycle_visits(conversion):
            by_visits = person.cycle_visits(conversion)
            taken = conversion.micros - start if clock == "days" else by_visits
            cycles[visitor] = (taken, True)
    return cycles


def return_counts(
    people: dict[str, Person], segments: dict[str, list[Segment]], macro: str
) -> dict[Segment, Counter[str]]:
    """By segment, the counts of mart_return_visits."""
    found: dict[Segment, Counter[str]] = defaultdict(Counter)
    for visitor, own in segments.items():
        for segment in own:
            found[segment] += return_counts_of(people[visitor], macro)
    return found


def return_counts_of(person: Person, macro: str) -> Counter[str]:
    if not person.is_known_from_the_beginning:
        return Counter(unknown_beginning_count=1)
    start = person.visits[0].start
    week = start + RETURN_DAYS * DAY
    horizon = week + HORIZON_DAYS * DAY
    if not week < AS_OF:
        return Counter()
    has_returned = any(visit.start <= week for visit in person.visits[1:])
    counts = Counter(visitor_count=1, returned_count=int(has_returned))
    if horizon < AS_OF:
        conversion = person.first(macro)
        group = "returned" if has_returned else "not_returned"
        if conversion is not None and conversion.micros <= week:
            counts["converted_before_count"] += 1
        else:
            counts[f"{group}_base_count"] += 1
            is_in_time = conversion is not None and conversion.micros <= horizon
            counts[f"{group}_converted_count"] += is_in_time
    return counts


# ---- stages --------------------------------------------------------------------------------------


def stage_at(person: Person, day: dt.date, recency: int) -> int | None:
    """Number of the stage at the end of a day; 0 not seen of late, None not seen yet."""
    seen = [(visit.day, 1) for visit in person.visits]
    seen += [(one.day, STAGES[one.name]) for one in person.conversions]
    if all(when > day for when, _ in seen):
        return None
    return max((stage for when, stage in seen if 0 <= (day - when).days < recency), default=0)


def stage_name(person: Person, day: dt.date, recency: int) -> str | None:
    stage = stage_at(person, day, recency)
    return None if stage is None else PARTS.get(stage, "inactive")


def weekly_flows(people: dict[str, Person], end: dt.date, recency: int) -> Counter[tuple[str, str]]:
    """(stage a week before, stage at the end of a week) to visitors."""
    flows: Counter[tuple[str, str]] = Counter()
    for person in people.values():
        stage = None if person.is_excluded else stage_name(person, end, recency)
        if stage is None:
            continue
        before = stage_name(person, end - dt.timedelta(days=7), recency)
        if before is None:
            days = [visit.day for visit in person.visits] + [one.day for one in person.conversions]
            is_new = person.is_known_from_the_beginning and person.visits[0].day == min(days)
            before = "new" if is_new else "unknown"
        flows[before, stage] += 1
    return flows
