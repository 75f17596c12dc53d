"""Random visitors over ten weeks: visits, returns and conversions, at the limits of windows too.

Some use two devices with one log-in, some visits are internal, some hits come outside any session
or without consent, and some visitors were known before the first loaded day.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import random
from pathlib import Path

import pytest
from export_rows import (
    PROPERTY_ZONE,
    SHARD,
    Row,
    copy_tables,
    hit,
    local_micros,
    write_export,
)
from project_run import Warehouse, shared_warehouse

SECOND = 1_000_000
DAY = 86_400 * SECOND
FIRST_DAY = dt.date(2025, 9, 17)  # a Wednesday; the clocks go back on 2 November
DAY_COUNT = 68
LAST_DAY = FIRST_DAY + dt.timedelta(days=DAY_COUNT - 1)  # another Sunday
BEGIN, AS_OF = local_micros(FIRST_DAY), local_micros(LAST_DAY + dt.timedelta(days=1))
PEOPLE = 800
RETURN_DAYS, HORIZON_DAYS = 7, 14

# Event to conversion; the rest of what the shipped catalog says of these.
CONVERSIONS = {
    "view_search_results": "search",
    "view_item": "view_item",
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
    "newsletter_signup": "newsletter_signup",
    "sign_up": "sign_up",
    "purchase": "purchase",
}
MACROS = ("purchase", "sign_up")
COUNTING = {
    "search": "once_per_session",
    "begin_checkout": "once_per_session",
    "newsletter_signup": "once_per_visitor",
    "sign_up": "once_per_visitor",
}
SOURCES = [
    ("google", "organic", "Organic Search"),
    ("google", "cpc", "Paid Search"),
    ("(direct)", "(none)", "Direct"),
    ("newsletter", "email", "Email"),
    *((f"site-{number:02}.example", "referral", "Referral") for number in range(30)),
]


@dataclasses.dataclass(frozen=True)
class Hit:
    """One event as it was meant."""

    micros: int
    name: str

    @property
    def day(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.micros / SECOND, PROPERTY_ZONE).date()


@dataclasses.dataclass
class Visit:
    """Hits of one session; `number` is None outside any, `device` without consent."""

    device: str | None
    number: int | None
    user_id: str | None
    is_internal: bool
    category: str | None
    source: tuple[str, str, str] | None
    hits: list[Hit]

    @property
    def session_id(self) -> str:
        return f"property-1001-{self.device}-{self.number}"

    @property
    def start(self) -> int:
        return min(one.micros for one in self.hits)

    @property
    def end(self) -> int:
        return max(one.micros for one in self.hits)

    @property
    def day(self) -> dt.date:
        return min(one.day for one in self.hits)


def random_visits(seed: int) -> list[Visit]:
    pick = random.Random(seed)
    visits: list[Visit] = []
    for number in range(PEOPLE):
        visits += random_person(pick, number)
    visits += visits_at_the_end()
    for number in range(40):
        consentless = Hit(BEGIN + number * DAY + 7, pick.choice(list(CONVERSIONS)))
        visits.append(Visit(None, None, None, False, None, None, [consentless]))
    return visits


def visits_at_the_end() -> list[Visit]:
    """Visitors whose time to return or to convert is over with the loaded days, or barely not."""
    visits = []
    week, horizon = RETURN_DAYS * DAY, HORIZON_DAYS * DAY
    for place, span in enumerate((week, horizon, week + horizon)):
        for shift in (-1, 0, 1):
            end = AS_OF - span + shift
            for begin in (end, end - 60 * SECOND):
                hits = [Hit(begin, "page_view"), Hit(end, "view_item")]
                device = f"end-{place}-{shift}-{end - begin}"
                visits.append(Visit(device, 1, None, False, "tablet", SOURCES[0], hits))
    return visits


def random_person(pick: random.Random, number: int) -> list[Visit]:
    """Visits of one person and what was sent outside them, in no order."""
    is_logged_in = pick.random() < 0.2
    user_id = f"user-{number}" if is_logged_in else None
    devices = [f"{number:03}-{place}" for place in range(2 if is_logged_in else 1)]
    numbers = {device: pick.choice([0] * 8 + [3]) for device in devices}
    category = pick.choice(["desktop", "mobile", "mobile", "tablet", None])
    source = pick.choice([*SOURCES[:4], pick.choice(SOURCES), None])
    first = BEGIN + pick.randrange(DAY_COUNT * DAY - 60 * SECOND)
    starts = [first]
    for _ in range(pick.choice([0, 0, 0, 1, 1, 2, 3, 5, 8])):
        starts.append(starts[-1] + round(pick.choice([0.3, 1, 2, 6, 12]) * pick.random() * DAY))
    if pick.random() < 0.2:  # at the end of the week after the first visit
        starts = [first, first + RETURN_DAYS * DAY + pick.choice([-1, 0, 1])]
    visits = []
    for start in sorted(starts):
        for device in devices if pick.random() < 0.05 else [pick.choice(devices)]:
            numbers[device] += 1
            hits = random_hits(pick, start)
            is_internal = pick.random() < 0.04
            visits.append(
                Visit(device, numbers[device], user_id, is_internal, category, source, hits)
            )
    visits = [visit for visit in visits if visit.hits]
    # An event of the same device, name and time would be a copy of the one in the session.
    sent = {(visit.device, one) for visit in visits for one in visit.hits}
    outside = hits_outside(pick, devices[0], first, [visit.start for visit in visits])
    return visits + [visit for visit in outside if (visit.device, visit.hits[0]) not in sent]


def random_hits(pick: random.Random, start: int) -> list[Hit]:
    """A page view, then conversions; several may have one time, and some come after midnight."""
    names = list(CONVERSIONS)
    weights = [3, 6, 3, 1.5, 1, 0.7, 1.2]
    hits = [Hit(start, "page_view")]
    moment = start
    for _ in range(pick.choice([0, 1, 1, 2, 4, 7])):
        moment += pick.choice([0, 1, SECOND, 40 * SECOND, 1500 * SECOND])
        hits.append(Hit(moment, pick.choices(names, weights)[0]))
    kept = {(one.micros, one.name): one for one in hits if BEGIN <= one.micros < AS_OF}
    return list(kept.values()) if start < AS_OF else []


def hits_outside(pick: random.Random, device: str, first: int, starts: list[int]) -> list[Visit]:
    """Conversions outside any session, mostly at the limits of what is asked for."""
    week, horizon = first + RETURN_DAYS * DAY, first + (RETURN_DAYS + HORIZON_DAYS) * DAY
    limits = [first - 3 * DAY, first - 1, first, pick.choice(starts), week, horizon]
    hits = []
    for _ in range(pick.choice([0, 0, 0, 1, 2])):
        moment = pick.choice(limits) + pick.choice([-1, 0, 0, 1])
        if BEGIN <= moment < AS_OF:
            hits.append(Hit(moment, pick.choice([*MACROS, "purchase", "add_to_cart"])))
    return [Visit(device, None, None, False, None, None, [one]) for one in dict.fromkeys(hits)]


def raw_rows(visits: list[Visit]) -> list[Row]:
    rows = []
    for visit in visits:
        source, medium, _ = visit.source or (None, None, None)
        for one in visit.hits:
            row = hit(
                one.day,
                0,
                one.name,
                visitor=visit.device,
                session=visit.number,
                number=visit.number,
                params={"traffic_type": "internal"} if visit.is_internal else {},
                user_id=visit.user_id,
                device={"category": visit.category},
                traffic_source={"source": source, "medium": medium},
            )
            rows.append(row | {"event_timestamp": one.micros})
    return rows


def visitor_of(visit: Visit, users: dict[str, str]) -> str | None:
    """The user, by the device where the hit does not say; else the device."""
    user = visit.user_id or users.get(visit.device or "")
    return visit.device if user is None else hashlib.sha256(user.encode()).hexdigest()[:32]


MARTS = (
    "mart_visit_contents",
    "mart_sales_cycles",
    "mart_return_visits",
    "mart_visitor_stages",
    "mart_visitor_segments",
)


def visit_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Built once a test run, whichever worker asks first."""

    def build(new: Warehouse) -> None:
        rows = raw_rows(random_visits(seed=17))
        days = [FIRST_DAY + dt.timedelta(days=number) for number in range(DAY_COUNT)]
        assert {row[SHARD] for row in rows} <= set(days)
        write_export(new.export, rows, days=days)
        new.build("--select", *(f"+{mart}" for mart in MARTS))

    return shared_warehouse(tmp_path_factory, "visits", build)


def copy_of(warehouse: Warehouse, root: Path) -> Warehouse:
    """A copy to change, in a folder of its own."""
    root.mkdir(exist_ok=True)
    copy = Warehouse(root)
    copy_tables(warehouse.path, copy.path)
    return copy
