"""Random visitors whose histories meet derived conversions of every kind, or miss them barely."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from typing import Any

import pytest
from derived_reference import SECOND, Occurrence, Requirement, Rules, Session, derive
from funnel_case import replace_rows
from project_run import Warehouse, shared_warehouse
from small_export import PROPERTY_TIME_ZONE, SmallExport

HOUR = 3600 * SECOND
LAST_DAY = dt.date(2025, 11, 2)  # the clocks go back
AS_OF = int(dt.datetime(2025, 11, 3, tzinfo=PROPERTY_TIME_ZONE).timestamp()) * SECOND
VISITORS = 2000
# Rows of derived_conversions: name, requires, at_least, distinct_by, within, anchor, role, field,
# operator, value.
ROWS = """
once,view,1,,,,done,,,
thrice,view,3,,,,done,,,
thrice_in_session,view,3,,session,,done,,,
pages_in_session,view,2,page_path,session,,done,,,
items_in_session,view,3,item:item_id,session,,done,,,
features_in_week,click,2,param:feature,2 days,first_visit,done,,,
names_ever,view,2,event_name,,,done,,,
days_ever,view,2,conversion_date,,,done,,,
sessions_in_time,visit,2,session_id,26 hours,previous_conversion,done,,,
return_visit,visit,2,,26 hours,previous_conversion,done,,,
first_day_views,view,2,,1 day,first_visit,done,,,
since_first_visit,click,1,,,first_visit,done,,,
both,view,1,,,,done,,,
both,click,1,,,,done,,,
both_in_session,view,2,,session,,done,,,
both_in_session,click,1,,session,,done,,,
both_near,view,1,,1 hour,previous_conversion,done,,,
both_near,click,2,,1 hour,previous_conversion,done,,,
after_sign_up,click,2,,24 hours,sign_up,done,,,
ever_after_sign_up,view,2,page_path,,sign_up,done,,,
after_view,view,2,,30 minutes,view,done,,,
after_view_in_session,click,1,,session,view,done,,,
repeat_order,order,2,,2 days,previous_conversion,done,,,
long_read,view,1,,session,,done,engaged_seconds_on_page,at_least,180
bounced,view,1,,,,done,engaged_seconds_on_page,less_than,30
scrolled,view,2,,1 day,first_visit,done,percent_scrolled_on_page,at_least,75
early,view,1,,session,,done,seconds_since_session_start,at_most,3600
loyal,view,1,,,,done,session_number,greater_than,1
not_clicked,view,1,,1 hour,view,done,,,
not_clicked,click,1,,1 hour,view,not_done,,,
not_clicked_in_session,view,1,,session,,done,,,
not_clicked_in_session,click,1,,session,,not_done,,,
left_in_session,view,1,,session,view,done,,,
left_in_session,order,1,,session,view,not_done,,,
few_clicks,view,2,,2 days,first_visit,done,,,
few_clicks,click,2,param:feature,2 days,first_visit,not_done,,,
never_ordered,click,1,,1 day,previous_conversion,done,,,
never_ordered,view,1,,1 day,previous_conversion,done,,,
never_ordered,order,1,,1 day,previous_conversion,not_done,,,
active,both,1,,2 hours,sign_up,done,,,
not_active,sign_up,1,,2 hours,sign_up,done,,,
not_active,active,1,,2 hours,sign_up,not_done,,,
came_back,not_clicked,1,,1 day,not_clicked,done,,,
came_back,view,1,,1 day,not_clicked,done,,,
twice_left,not_clicked,2,conversion_date,,,done,,,
left_and_read,left_in_session,1,,session,,done,,,
left_and_read,long_read,1,,session,,done,,,
third,not_clicked,1,,2 days,first_visit,done,,,
third,came_back,1,,2 days,first_visit,not_done,,,
"""
REQUIREMENTS = tuple(Requirement.of(row) for row in ROWS.strip().splitlines())
COUNTING = {
    "view": "every_event",
    "click": "every_event",
    "visit": "once_per_session",
    "sign_up": "once_per_visitor",
    "order": "every_event",
}
_CYCLE = ("every_event", "once_per_session", "once_per_visitor")
for _number, _name in enumerate(sorted({row.conversion_name for row in REQUIREMENTS})):
    COUNTING[_name] = _CYCLE[_number % 3] if _number % 2 else "every_event"
COUNTING["not_clicked"] = COUNTING["not_active"] = "every_event"
RULES = Rules(COUNTING, REQUIREMENTS, PROPERTY_TIME_ZONE)
SPANS = (HOUR // 2, HOUR, 2 * HOUR, 24 * HOUR, 26 * HOUR, 48 * HOUR)
PAGES = ("/a", "/b", "/c", None)


@dataclasses.dataclass(frozen=True)
class Visitor:
    """A visitor's history, and when the first visit was (None without any session)."""

    name: str
    history: list[Occurrence]
    sessions: list[Session]
    first_visit: int | None
    first_touch: int | None


def random_visitors(seed: int, visitors: int) -> list[Visitor]:
    pick = random.Random(seed)
    return [random_visitor(pick, f"visitor-{number:05}") for number in range(visitors)]


def random_visitor(pick: random.Random, name: str) -> Visitor:
    """Ties, repeats, and times met exactly or missed by a microsecond."""
    base = AS_OF - pick.choice([1, 3, 26, 30, 49, 60, 100]) * HOUR + pick.choice([0, 0, -1, 1, 777])
    moments = [base]
    for _ in range(pick.randint(0, 11)):
        if pick.random() < 0.35:
            moments.append(pick.choice(moments[-3:]) + pick.choice(SPANS) + pick.randint(-1, 1))
        else:
            moments.append(moments[-1] + pick.choice([0, 0, 1, 1000, HOUR // 4, HOUR // 2]))
    moments = sorted(moment for moment in moments if moment < AS_OF)
    groups: list[list[int]] = [[]]
    for moment in moments:
        if groups[-1] and pick.random() < 0.25:
            groups.append([])
        groups[-1].append(moment)
    history: list[Occurrence] = []
    sessions: list[Session] = []
    for number, group in enumerate(groups, start=1):
        session = None
        if group and pick.random() < 0.9:
            session = Session(
                f"{name}-{number}",
                group[0] - pick.choice([0, 0, 1, HOUR]),
                group[-1] + pick.choice([0, 0, 1, 600 * SECOND]),
                number,
                is_excluded=pick.random() < 0.05,
            )
            sessions.append(session)
        for moment in group:
            history += random_event(pick, name, moment, session, len(history))
    first_touch = pick.choice([None, None, base - HOUR, base - 40 * HOUR])
    started = [
        min(session.started, session.started if first_touch is None else first_touch)
        for session in sessions
    ]
    return Visitor(name, history, sessions, min(started, default=None), first_touch)


def random_event(
    pick: random.Random, name: str, moment: int, session: Session | None, number: int
) -> list[Occurrence]:
    """The conversions of one event."""
    event_id = f"{name}-{pick.random():.4f}-{number}"
    order, page = pick.choice([0, 0, 1]), pick.choice(PAGES)
    event_name = pick.choice(["page_view", "view_item", "open_chat"])
    engaged = pick.choice([10.0, 29.999, 30.0, 179.999, 180.0, None]) if session else None
    scrolled = pick.choice([10, 74, 75, 90, None]) if session else None
    values = [("item:item_id", pick.choice("123")) for _ in range(pick.choice([0, 1, 1, 2]))]
    if pick.random() < 0.7:
        values.append(("param:feature", pick.choice(["x", "y"])))
    date = dt.datetime.fromtimestamp(moment // SECOND, tz=PROPERTY_TIME_ZONE).date()
    conversions = {pick.choice(["view", "view", "view", "click", "visit", "sign_up", "order"])}
    if pick.random() < 0.3:
        conversions.add(pick.choice(["click", "visit", "view"]))
    return [
        Occurrence(
            conversion,
            event_id,
            moment,
            order,
            date,
            session,
            event_name,
            page,
            engaged,
            scrolled,
            pick.choice(["T1", "T2", None]) if conversion == "order" else None,
            tuple(sorted(set(values))),
        )
        for conversion in sorted(conversions)
    ]


# ---- the same as rows of tables ------------------------------------------------------------------


def matched_rows(visitors: list[Visitor]) -> list[dict[str, Any]]:
    """Rows of int_conversion_events_matched, and hits without a visitor that derive nothing."""
    rows = []
    for visitor in visitors:
        for one in visitor.history:
            row = {
                "conversion_event_id": one.conversion_event_id,
                "conversion_name": one.name,
                "event_id": one.event_id,
                "event_name": one.event_name,
                "property_id": "property",
                "event_date": one.date,
                "event_timestamp": one.timestamp,
                "event_order": one.order,
                "user_pseudo_id": f"device-{visitor.name}",
                "user_id_hash": visitor.name,
                "session_id": one.session.session_id if one.session else None,
                "page_path": one.page_path,
                "engaged_msec_on_page": None
                if one.engaged_seconds is None
                else round(one.engaged_seconds * 1000),
                "percent_scrolled_on_page": one.percent_scrolled,
                "page_of_day": 1,
                "transaction_id": one.transaction_id,
                "revenue_usd": None,
                "distinct_values": [f"{field}={value}" for field, value in one.values],
            }
            rows.append(row)
            if one.order:  # the same by somebody without consent
                nobody = {"user_pseudo_id": None, "user_id_hash": None, "session_id": None}
                rows.append(row | nobody | {"conversion_event_id": f"{one.conversion_event_id}-0"})
    return rows


def session_rows(visitors: list[Visitor]) -> list[dict[str, Any]]:
    """Rows of int_sessions_attributed."""
    return [
        {
            "session_id": session.session_id,
            "property_id": "property",
            "user_pseudo_id": f"device-{visitor.name}",
            "visitor_id": visitor.name,
            "session_date": LAST_DAY,
            "started_timestamp": session.started,
            "ended_timestamp": session.ended,
            "first_visit_timestamp": session.started
            if visitor.first_touch is None
            else min(session.started, visitor.first_touch),
            "session_number": session.number,
            "is_new_visitor": session.number == 1,
            "exclusion_reason": "suspected_bot" if session.is_excluded else None,
        }
        for visitor in visitors
        for session in visitor.sessions
    ]


def catalog_rows() -> list[dict[str, Any]]:
    """Rows of the seed conversion_catalog."""
    return [
        {
            "conversion_name": name,
            "label": name,
            "conversion_type": "macro" if name in ("order", "both") else "micro",
            "milestone_type": "secondary_action",
            "funnel_stage": "interest",
            "vertical": "ecommerce",
            "counting": counting,
            "value_rule": "fixed:2.5" if name == "thrice" else "none",
            "lead_points": 0,
        }
        for name, counting in COUNTING.items()
    ]


def requirement_rows(requirements: tuple[Requirement, ...] = REQUIREMENTS) -> list[dict[str, Any]]:
    """Rows of the seed derived_conversions, with an empty cell as NULL, as a seed is loaded."""
    return [
        {name: None if cell == "" else cell for name, cell in dataclasses.asdict(row).items()}
        for row in requirements
    ]


Found = set[tuple[str, str, int, dt.date]]  # visitor, conversion_event_id, moment, date


def expected_of(visitors: list[Visitor]) -> Found:
    """What the reference derives."""
    return {
        (visitor.name, one.conversion_event_id, one.timestamp, one.date)
        for visitor in visitors
        for one in derive(visitor.history, visitor.first_visit, RULES)
    }


@dataclasses.dataclass(frozen=True)
class DerivedCase:
    """Random visitors and the warehouse that derived their conversions."""

    visitors: list[Visitor]
    warehouse: Warehouse


def derived_case(tmp_path_factory: pytest.TempPathFactory) -> DerivedCase:
    """Built once a test run, whichever worker asks first."""
    visitors = random_visitors(seed=4, visitors=VISITORS)

    def build(new: Warehouse) -> None:
        SmallExport(seed=1, first_date=LAST_DAY, day_count=1, visitor_count=4).write(new.export)
        new.build("--select", "+int_conversions_counted")
        replace_rows(new, "conversion_catalog", catalog_rows())
        replace_rows(new, "derived_conversions", requirement_rows())
        replace_rows(new, "int_conversion_events_matched", matched_rows(visitors))
        replace_rows(new, "int_sessions_attributed", session_rows(visitors))
        new.dbt(
            "run",
            "--full-refresh",
            "--select",
            "int_requirements_leveled",
            "int_conversions_required",
            "int_conversions_derived",
            "int_conversions_counted",
        ).must_succeed()

    return DerivedCase(visitors, shared_warehouse(tmp_path_factory, "derived", build))
