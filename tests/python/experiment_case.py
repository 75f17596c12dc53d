"""Random visitors who see variants of experiments and convert, or not; and the slow reference.

They go through one build of a raw export; horizons are met exactly or missed by a microsecond.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from export_rows import PROPERTY_ZONE, SHARD, Row, hit, local_micros, write_export
from project_run import PROJECT, Warehouse, shared_warehouse

FIRST_DAY = date(2025, 5, 7)
DAY_COUNT = 9
LAST_DAY = FIRST_DAY + timedelta(days=DAY_COUNT - 1)
BEGIN, AS_OF = local_micros(FIRST_DAY), local_micros(LAST_DAY + timedelta(days=1))
HOUR = 3_600_000_000
DAY = 24 * HOUR
HORIZON = 3 * DAY
VARS = {"evidence_horizon_days": 3, "minimum_group_size": 12, "largest_experiments": 6}
MODELS = ("+mart_experiments", "+mart_experiment_rejections")

MACROS = {"purchase": "purchase", "sign_up": "sign_up"}
MICROS = {
    "add_to_cart": "add_to_cart",
    "view_item": "view_item",
    "video_start": "watch_video",
    "view_size_guide": "view_size_guide",
}
EXPERIMENTS = {
    "VWO-12": ("1", "0", "2"),
    "tool-a name - with hyphens": ("B", "A"),
    "button colour": ("green", "control"),
}
# Rows of experiment_variants: another control than its name says, and a variant nobody planned.
PLANS = """
VWO-12,2,control,2.5
VWO-12,0,treatment,1
VWO-12,1,treatment,1
button colour,control,control,1
button colour,blue,treatment,1
"""
# What names no experiment, as parameters of `experience_impression`, and why.
REJECTED: tuple[tuple[Any, str], ...] = (
    ("", "nothing_said"),
    ("   ", "nothing_said"),
    (None, "nothing_said"),
    ("VWO-12", "not_three_parts"),
    ("VWO12", "not_three_parts"),
    ("--", "not_three_parts"),
    ("VWO--1", "not_three_parts"),
    ("VWO---1", "not_three_parts"),
    ("VWO- -1", "not_three_parts"),
    ("-12-1", "not_three_parts"),
    ("VWO-12-", "not_three_parts"),
    (7, "not_three_parts"),
    ("VWO-12-\x1b[31mred", "control_characters"),
    ("VWO-1\n2-1", "control_characters"),
    ("VWO-(not set)-1", "placeholder"),
    ("(not set)", "placeholder"),
    ("VWO-ann@example.com-1", "personal_data"),
    ("VWO-" + "x" * 120 + "-1", "too_long"),
    ("VWO-12-" + "y" * 101, "too_long"),
)
# Hostile, but names all the same: they are data and nothing else.
ODD_NAMES = (
    "x'); drop table mart_experiments; --",
    '<script>alert("1")</script>',
    "=1+1",
    "{{ ref('x') }}",
    "Größe 尺码 😀",
)


@dataclass(frozen=True)
class Event:
    """One event as it was meant; `shown` is experiment and variant."""

    micros: int
    name: str
    device: str
    session: int | None
    shown: tuple[str, str] | None = None
    order: str | None = None
    value: float | None = None


@dataclass
class Visitor:
    """A person; `visitor_id` is None for hits without consent."""

    visitor_id: str | None
    user_id: str | None = None
    internal: frozenset[int] = frozenset()
    events: list[Event] = field(default_factory=list)

    def is_excluded(self, event: Event) -> bool:
        return event.session in self.internal


def random_visitors(seed: int = 4, count: int = 900) -> list[Visitor]:
    pick = random.Random(seed)
    return [_person(pick, number) for number in range(count)] + [
        _nobody(pick) for _ in range(40)
    ]  # fmt: skip


def _person(pick: random.Random, number: int) -> Visitor:
    user_id = f"user-{number}" if pick.random() < 0.25 else None
    devices = [f"device-{number}-{n}" for n in range(2 if user_id else 1)]
    visitor_id = hashlib.sha256(user_id.encode()).hexdigest()[:32] if user_id else devices[0]
    sessions = [3 * number + n for n in range(1, pick.choice((1, 2, 3)) + 1)]
    internal = frozenset(one for one in sessions if pick.random() < 0.07)
    visitor = Visitor(visitor_id, user_id, internal)

    def at(name: str, micros: int, **more: Any) -> None:
        session = None if pick.random() < 0.03 else pick.choice(sessions)
        device = devices[0 if session is None else sessions.index(session) % len(devices)]
        if BEGIN <= micros < AS_OF:
            visitor.events.append(Event(micros, name, device, session, **more))

    for experiment, variants in EXPERIMENTS.items():
        if pick.random() < 0.3:
            continue
        # Each device is a dice of its own, as it is to a tool that knows cookies only.
        first = pick.choice(
            (BEGIN + pick.randrange(8 * DAY), AS_OF - HORIZON + pick.choice((0, 1)))
        )
        variant = pick.choice(variants)
        at("experience_impression", first, shown=(experiment, variant))
        for _ in range(pick.choice((0, 0, 1, 3))):
            again = variant if pick.random() < 0.9 else pick.choice(variants)
            moment = first + pick.randrange(3 * DAY)
            at("experience_impression", moment, shown=(experiment, again))
        for name in (*MICROS, *MACROS):
            if pick.random() < 0.25:
                near = pick.choice((0, -1, 1, HORIZON, HORIZON + 1, pick.randrange(4 * DAY)))
                at(name, first + near)
        if pick.random() < 0.15:  # a micro and a macro at the very same moment
            same = first + pick.randrange(2 * DAY)
            at("view_item", same)
            at("purchase", same)
    _settle(visitor, number)
    return visitor


def _settle(visitor: Visitor, number: int) -> None:
    """Each kind of event at most once a moment and device, and purchases with order and value."""
    unique = {(one.micros, one.name, one.device, one.shown): one for one in visitor.events}
    visitor.events = []
    for place, one in enumerate(sorted(unique.values(), key=lambda each: (each.micros, each.name))):
        if one.name == "purchase":
            order, value = f"T{number}-{place}", 10.0 + place + number % 7
            one = Event(one.micros, one.name, one.device, one.session, None, order, value)
        visitor.events.append(one)


def _nobody(pick: random.Random) -> Visitor:
    experiment = pick.choice(list(EXPERIMENTS))
    variant = pick.choice(EXPERIMENTS[experiment])
    moment = pick.randrange(BEGIN, AS_OF)
    event = Event(moment, "experience_impression", "", None, (experiment, variant))
    return Visitor(None, events=[event])


def raw_rows(visitors: list[Visitor]) -> list[Row]:
    """The export of these visitors, of odd names, and of exposures that name no experiment."""
    rows = [raw_row(visitor, event) for visitor in visitors for event in visitor.events]
    for number, (said, _) in enumerate(REJECTED):
        params = {} if said is None else {"exp_variant_string": said}
        rows.append(
            hit(LAST_DAY, 60 + number, "experience_impression", visitor="odd", params=params)
        )
    for number, name in enumerate(ODD_NAMES):
        params = {"experiment_id": name, "variation_id": name}
        rows.append(hit(LAST_DAY, 90 + number, "experiment_viewed", visitor="odd", params=params))
    return rows


def raw_row(visitor: Visitor, event: Event) -> Row:
    """One event as GA4 exports it; the third experiment is sent by another tool's event."""
    day = datetime.fromtimestamp(event.micros / 1_000_000, PROPERTY_ZONE).date()
    params: dict[str, Any] = {}
    name = event.name
    if visitor.is_excluded(event):
        params["traffic_type"] = "internal"
    if event.shown is not None:
        experiment, variant = event.shown
        if experiment == "button colour":
            name = "experiment_viewed"
            params |= {"experiment_id": f" {experiment} ", "variation_id": variant}
        else:
            params["exp_variant_string"] = f"{experiment}-{variant}"
    consent: Row = {} if visitor.visitor_id else {"privacy_info": {"analytics_storage": "No"}}
    row = hit(
        day,
        0,
        name,
        visitor=event.device if visitor.visitor_id else None,
        session=event.session,
        params=params,
        user_id=visitor.user_id,
        **consent,
    )
    row["event_timestamp"] = event.micros
    row[SHARD] = day
    if event.order:
        row["ecommerce"] = {
            "transaction_id": event.order,
            "purchase_revenue_in_usd": event.value,
        }
    return row


def experiments_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One build of these visitors."""

    def build(new: Warehouse) -> None:
        days = [FIRST_DAY + timedelta(days=n) for n in range(DAY_COUNT)]
        write_export(new.export, raw_rows(random_visitors()), days=days)
        new.seeds = new.root / "seeds"
        shutil.copytree(PROJECT / "seeds", new.seeds)
        with (new.seeds / "experiment_variants.csv").open("a", encoding="utf-8") as plans:
            plans.write(PLANS.lstrip())
        new.build("--vars", json.dumps(VARS), "-s", *MODELS)

    return shared_warehouse(tmp_path_factory, "experiments", build)


# ---- the slow reference --------------------------------------------------------------------------


@dataclass(frozen=True)
class Exposure:
    """What is known of one visitor and experiment."""

    visitor: Visitor
    experiment: str
    variant: str
    micros: int
    variants: frozenset[str]
    count: int
    is_excluded: bool

    @property
    def is_comparable(self) -> bool:
        return len(self.variants) == 1


def exposures_of(visitor: Visitor) -> list[Exposure]:
    """A row per experiment that the visitor saw."""
    seen: dict[str, list[Event]] = defaultdict(list)
    for one in visitor.events:
        if one.shown:
            seen[one.shown[0]].append(one)
    found = []
    for experiment, events in seen.items():
        counted = [one for one in events if not visitor.is_excluded(one)]
        first = min(counted or events, key=lambda one: (one.micros, one.shown[1]))  # type: ignore[index]
        found.append(
            Exposure(
                visitor,
                experiment,
                first.shown[1],  # type: ignore[index]
                first.micros,
                frozenset(one.shown[1] for one in counted),  # type: ignore[index]
                len(counted),
                not counted,
            )
        )
    return found


def conversions_after(exposure: Exposure) -> dict[str, list[Event]]:
    """Counted conversions within the horizon after an exposure, by name."""
    names = {**MICROS, **MACROS}
    found: dict[str, list[Event]] = defaultdict(list)
    done = set()
    for one in sorted(exposure.visitor.events, key=lambda each: (each.micros, each.name)):
        name = names.get(one.name)
        if name is None or (name == "sign_up" and name in done):
            continue
        done.add(name)
        if exposure.visitor.is_excluded(one):
            continue
        if exposure.micros < one.micros <= exposure.micros + HORIZON:
            found[name].append(one)
    return found
