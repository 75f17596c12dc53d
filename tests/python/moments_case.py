"""Random visitors who begin, finish and leave things, answer surveys, and are excluded or refuse.

They go through one build of a raw export; times are met exactly or missed by a microsecond.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from export_rows import PROPERTY_ZONE, SHARD, Row, hit, local_micros, write_export
from project_run import PROJECT, Warehouse, shared_warehouse

FIRST_DAY = date(2025, 5, 7)
DAY_COUNT = 8
LAST_DAY = FIRST_DAY + timedelta(days=DAY_COUNT - 1)
BEGIN, AS_OF = local_micros(FIRST_DAY), local_micros(LAST_DAY + timedelta(days=1))
HOUR = 3_600_000_000
DAY = 24 * HOUR
VISITORS = 700
HORIZON = 3 * DAY
VARS = {
    "evidence_horizon_days": 3,
    "minimum_group_size": 12,
    "largest_segments": 4,
    "feedback_answers_shown": 4,
    "feedback_minimum_people": 8,
}

# Rows of audience_moments; `view_size_guide` is a micro-conversion that the list speaks for.
MOMENTS = """
cart_left,Cart,add_to_cart,started,24,5
cart_left,Cart,begin_checkout,started,24,5
cart_left,Cart,purchase,finished,24,5
form_left,Form,watch_video,started,12,3
form_left,Form,sign_up,finished,12,3
wish_left,Wish,add_to_wishlist,started,6.5,2
wish_left,Wish,newsletter_signup,finished,6.5,2
wish_left,Wish,purchase,finished,6.5,2
view_size_guide,Size,view_size_guide,started,1,4
view_size_guide,Size,add_to_cart,finished,1,4
bought_once,Once,purchase,started,24,6
bought_once,Once,add_to_wishlist,finished,24,6
"""
FEEDBACK = """
survey,survey_response,param:survey_question,param:survey_answer,param:survey_rating,1,5,param:survey_trigger
stars,star_rating,,,param:value,0,10,page_path
"""
CONVERSION_OF_EVENT = {
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
    "purchase": "purchase",
    "video_start": "watch_video",
    "sign_up": "sign_up",
    "add_to_wishlist": "add_to_wishlist",
    "newsletter_signup": "newsletter_signup",
    "view_size_guide": "view_size_guide",
    "view_search_results": "search",
    "view_item": "view_item",
}
ONCE_PER_VISITOR = {"sign_up", "newsletter_signup"}
MACROS = {"purchase", "sign_up"}
STARTS = ("add_to_cart", "begin_checkout", "video_start", "add_to_wishlist", "view_size_guide")
QUESTIONS = ("Why do you leave?", "What is missing?", None)
ANSWERS = ("Too dear", "Shipping cost", "Just looking", "No size", "Later", "My name is Ann")
TRIGGERS = ("exit", "after_order", "idle", "footer", "chat", None)


@dataclass(frozen=True)
class Moment:
    """A moment as the lists have it."""

    name: str
    started: frozenset[str]
    finished: frozenset[str]
    stall: int
    expire: int


@dataclass
class Visit:
    """A session, or hits outside any where `number` is None."""

    device: str
    number: int | None
    is_internal: bool
    analytics: str
    ads: str


@dataclass(frozen=True)
class Event:
    """One event as it was meant; `said` are the parameters of an answer."""

    micros: int
    name: str
    visit: Visit
    transaction_id: str | None = None
    said: tuple[tuple[str, Any], ...] = ()


@dataclass
class Visitor:
    """A person; `visitor_id` is None for hits without consent."""

    visitor_id: str | None
    user_id: str | None
    events: list[Event] = field(default_factory=list)


def listed_moments() -> list[Moment]:
    """The moments of the list."""
    rows = [row.split(",") for row in MOMENTS.strip().splitlines()]
    return [
        Moment(
            name,
            frozenset(row[2] for row in rows if row[0] == name and row[3] == "started"),
            frozenset(row[2] for row in rows if row[0] == name and row[3] == "finished"),
            *next(
                (round(float(row[4]) * HOUR), round(float(row[5]) * DAY))
                for row in rows
                if row[0] == name
            ),
        )
        for name in dict.fromkeys(row[0] for row in rows)
    ]


def all_moments() -> list[Moment]:
    """The moments of the list, and every other micro-conversion of the shop by its own name."""
    listed = listed_moments()
    with (PROJECT / "seeds" / "conversion_catalog.csv").open(encoding="utf-8") as file:
        micros = [row for row in csv.DictReader(file) if row["conversion_type"] == "micro"]
    return listed + [
        Moment(
            row["conversion_name"],
            frozenset([row["conversion_name"]]),
            frozenset([row["supports"]]),
            24 * HOUR,
            30 * DAY,
        )
        for row in micros
        if row["conversion_name"] not in {one.name for one in listed}
    ]


# ---- random histories ----------------------------------------------------------------------------


def random_visitors(seed: int = 6, count: int = VISITORS) -> list[Visitor]:
    pick = random.Random(seed)
    return [_random_visitor(pick, number) for number in range(count)] + _nobodies(pick)


def _random_visitor(pick: random.Random, number: int) -> Visitor:
    user_id = f"user-{number}" if pick.random() < 0.2 else None
    devices = [f"device-{number}-{n}" for n in range(pick.choice((1, 1, 2)) if user_id else 1)]
    visitor_id = devices[0] if user_id is None else _hashed(user_id)
    visitor = Visitor(visitor_id, user_id)
    is_internal_person = pick.random() < 0.04
    visits = [
        Visit(
            pick.choice(devices),
            None if pick.random() < 0.05 else session,
            is_internal_person or pick.random() < 0.06,
            pick.choice(("Yes",) * 9 + ("No",)),
            pick.choice(("Yes", "Yes", "Yes", "No")),
        )
        for session in range(1, pick.choice((1, 2, 3)) + 1)
    ]
    used: set[tuple[str, int, str]] = set()
    last = BEGIN
    for moment in sorted(_random_times(pick)):
        micros = pick.choice((moment, moment, last))
        visit = pick.choice(visits)
        event = _random_event(pick, micros, visit, number)
        key = (visit.device, micros, event.name)
        if BEGIN <= micros < AS_OF and key not in used:
            used.add(key)
            visitor.events.append(event)
            last = micros
    _buy_at_the_horizon(pick, visitor)
    if pick.random() < 0.1:
        _send_an_order_again(pick, visitor, visits[-1], f"T{number}-9")
    return visitor


def _send_an_order_again(pick: random.Random, visitor: Visitor, visit: Visit, order: str) -> None:
    """Buy, fill another cart, and reload the page that thanks for the first order."""
    bought = AS_OF - pick.choice((3, 4, 5)) * DAY + pick.randrange(HOUR)
    names = ("purchase", "add_to_cart", "purchase")
    for place, name in enumerate(names):
        number = order if name == "purchase" else None
        visitor.events.append(Event(bought + place * HOUR, name, visit, number))


def _buy_at_the_horizon(pick: random.Random, visitor: Visitor) -> None:
    """Buy exactly a horizon after an answer, or just beside it."""
    answers = [one for one in visitor.events if one.said]
    if answers and pick.random() < 0.2:
        answer = pick.choice(answers)
        micros = answer.micros + HORIZON + pick.choice((-1, 0, 1))
        taken = {(one.micros, one.name) for one in visitor.events}
        if micros < AS_OF and (micros, "purchase") not in taken:
            visitor.events.append(Event(micros, "purchase", answer.visit))


def _random_times(pick: random.Random) -> list[int]:
    spans = [one.stall for one in listed_moments()] + [one.expire for one in listed_moments()]
    times = []
    for _ in range(pick.randint(1, 7)):
        if pick.random() < 0.5:
            times.append(AS_OF - pick.choice(spans) + pick.choice((-1, 0, 0, 1)))
        else:
            times.append(pick.randrange(BEGIN, AS_OF))
    return times


def _random_event(pick: random.Random, micros: int, visit: Visit, number: int) -> Event:
    kind = pick.random()
    if kind < 0.25:
        return _random_answer(pick, micros, visit)
    name = pick.choice(STARTS if kind < 0.65 else tuple(CONVERSION_OF_EVENT))
    order = None
    if name == "purchase" and pick.random() < 0.7:
        order = f"T{number}-{pick.randint(1, 2)}"
    return Event(micros, name, visit, order)


def _random_answer(pick: random.Random, micros: int, visit: Visit) -> Event:
    if pick.random() < 0.2:
        return Event(micros, "star_rating", visit, said=(("value", pick.choice((0, 7, 10, 11))),))
    weights = (8, 5, 4, 2, 2, 1)
    said = {
        "survey_question": pick.choices(QUESTIONS, (10, 1, 3))[0],
        "survey_answer": pick.choice((*pick.choices(ANSWERS, weights), None)),
        "survey_rating": pick.choice((1, 2, 3, 4, 4.5, "5", 6, "NaN", "four", None, None)),
        "survey_trigger": pick.choice(TRIGGERS),
    }
    given = tuple((key, value) for key, value in said.items() if value is not None)
    return Event(micros, "survey_response", visit, said=given)


def _nobodies(pick: random.Random) -> list[Visitor]:
    """Hits without consent."""
    found = []
    for number in range(40):
        visit = Visit(f"nobody-{number}", None, False, "No", "No")
        event = _random_answer(pick, pick.randrange(BEGIN, AS_OF), visit)
        found.append(Visitor(None, None, [event]))
    return found


def _hashed(user_id: str) -> str:
    return hashlib.sha256(user_id.encode()).hexdigest()[:32]


def raw_rows(visitors: list[Visitor]) -> list[Row]:
    """The export of these visitors."""
    rows = []
    for visitor in visitors:
        for event in visitor.events:
            rows.append(_raw_row(visitor, event))
    return rows


def _raw_row(visitor: Visitor, event: Event) -> Row:
    visit = event.visit
    day = datetime.fromtimestamp(event.micros / 1_000_000, PROPERTY_ZONE).date()
    params = dict(event.said)
    if visit.is_internal and visit.number is not None:
        params["traffic_type"] = "internal"
    row = hit(
        day,
        0,
        event.name,
        visitor=None if visitor.visitor_id is None else visit.device,
        session=visit.number,
        number=visit.number,
        page="/p",
        params=params,
        user_id=visitor.user_id,
        privacy_info={"analytics_storage": visit.analytics, "ads_storage": visit.ads},
    )
    if event.name == "purchase":
        row["ecommerce"] = {
            "transaction_id": event.transaction_id,
            "purchase_revenue_in_usd": 10.0,
        }
    return row | {"event_timestamp": event.micros, SHARD: day}


# ---- the build -----------------------------------------------------------------------------------


def moments_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The visitors, built with these lists, once a test run."""

    def build(new: Warehouse) -> None:
        write_lists(new)
        days = [FIRST_DAY + timedelta(days=number) for number in range(DAY_COUNT)]
        write_export(new.export, raw_rows(random_visitors()), days=days)
        new.build(
            "-s",
            *("+mart_stalled_visitors", "+mart_feedback", "--vars", json.dumps(VARS)),
        )

    return shared_warehouse(tmp_path_factory, "moments", build)


def write_lists(
    warehouse: Warehouse, change: Callable[[str, str], str] = lambda name, text: text
) -> None:
    """A folder of lists with these moments and kinds of feedback."""
    folder = warehouse.root / "seeds"
    if not folder.exists():
        shutil.copytree(PROJECT / "seeds", folder)
    for name, rows in (("audience_moments", MOMENTS), ("feedback_events", FEEDBACK)):
        path = folder / f"{name}.csv"
        header = _first_line(PROJECT / "seeds" / path.name)
        path.write_text(change(name, f"{header}{rows.lstrip()}"), encoding="utf-8")
    warehouse.seeds = folder


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)[0]


# ---- the slow reference --------------------------------------------------------------------------


def excluded_visits(visitor: Visitor) -> set[tuple[str, int]]:
    """Sessions of internal traffic: one hit that says so is enough."""
    return {
        (one.visit.device, one.visit.number)
        for one in visitor.events
        if one.visit.number is not None and one.visit.is_internal
    }


def is_excluded(visitor: Visitor, event: Event) -> bool:
    number = event.visit.number
    return number is not None and (event.visit.device, number) in excluded_visits(visitor)


def begins(visitor: Visitor, moment: Moment, until: int) -> list[int]:
    """When the moment was begun, outside excluded sessions."""
    return [
        one.micros
        for one in conversions_of(visitor)
        if CONVERSION_OF_EVENT[one.name] in moment.started
        and one.micros <= until
        and not is_excluded(visitor, one)
    ]


def ends(visitor: Visitor, moment: Moment, until: int) -> tuple[list[int], bool]:
    """When it was ended, anywhere, and whether for good."""
    found = [
        one
        for one in conversions_of(visitor)
        if CONVERSION_OF_EVENT[one.name] in moment.finished and one.micros <= until
    ]
    names = {CONVERSION_OF_EVENT[one.name] for one in found}
    return [one.micros for one in found], bool(names & ONCE_PER_VISITOR)


def conversions_of(visitor: Visitor) -> list[Event]:
    """Events of the catalog, of an order's number only the first."""
    seen: set[str] = set()
    found = []
    for one in sorted(visitor.events, key=lambda event: event.micros):
        if one.name not in CONVERSION_OF_EVENT or one.transaction_id in seen:
            continue
        if one.transaction_id is not None:
            seen.add(one.transaction_id)
        found.append(one)
    return found


def stands_at(visitor: Visitor, moment: Moment, now: int) -> int | None:
    """When an unfinished and unforgotten moment was last begun, as known at a time."""
    started = begins(visitor, moment, now)
    finished, is_for_good = ends(visitor, moment, now)
    if not started or is_for_good or any(one >= max(started) for one in finished):
        return None
    return max(started) if now - max(started) <= moment.expire else None


def latest_visit(visitor: Visitor) -> tuple[Visit | None, bool, bool]:
    """The session that began last, and whether all of its hits allowed analytics and ads."""
    sessions: dict[tuple[str, int], list[Event]] = {}
    for one in visitor.events:
        if one.visit.number is not None:
            sessions.setdefault((one.visit.device, one.visit.number), []).append(one)
    if not sessions:
        return None, False, False
    key = max(
        sessions,
        key=lambda each: (
            min(one.micros for one in sessions[each]),
            f"property-1001-{each[0]}-{each[1]}",
        ),
    )
    hits = [one.visit for one in sessions[key]]
    return (
        hits[0],
        all(one.analytics == "Yes" for one in hits),
        all(one.ads == "Yes" for one in hits),
    )


def is_excluded_person(visitor: Visitor) -> bool:
    """Whether there are sessions and all of them are excluded."""
    sessions = {
        (one.visit.device, one.visit.number)
        for one in visitor.events
        if one.visit.number is not None
    }
    return bool(sessions) and sessions == excluded_visits(visitor)
