"""Random visitors for the evidence tables: put in place of a small export's rows, and counted.

Histories are short and full of ties: conversions at the very moment of a step, of another
conversion, of the end of a window, or a microsecond beside it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from evidence_reference import (
    DAY,
    HALF_HOUR,
    SECOND,
    ClockEvent,
    Conversion,
    Session,
    Settings,
    Subject,
    Weight,
    subjects,
)
from funnel_case import replace_rows
from project_run import Warehouse, shared_warehouse
from small_export import PROPERTY_TIME_ZONE, SmallExport

FIRST_DAY = dt.date(2025, 10, 14)
LAST_DAY = dt.date(2025, 11, 3)  # the clocks go back the day before
EARLIER = dt.date(2025, 10, 29)
HORIZON_DAYS, LANDMARK_DAYS, LOOKBACK_DAYS = 3, 1, 5
MACROS = ["purchase", "sign_up"]
MICROS = ["add_to_cart", "search", "view_item", "watch_video"]
WEIGHTS = {
    "add_to_cart": Weight(15, 7, 20),
    "search": Weight(3, 14, is_learned=True),
    "sign_up": Weight(5, 2),
    "view_item": Weight(1, 3, 2.5),
}
# Days on which something was hardly tracked, one of them after the earlier date.
SILENT_DAYS = {
    "add_to_cart": frozenset({dt.date(2025, 10, 26), dt.date(2025, 10, 27), dt.date(2025, 11, 1)}),
    "search": frozenset({dt.date(2025, 10, 27)}),
}
# Low, but of too little to be left out.
LOW_DAYS = {"view_item": frozenset({dt.date(2025, 10, 28)})}
SETTINGS = Settings(
    FIRST_DAY,
    LAST_DAY,
    PROPERTY_TIME_ZONE,
    horizon_days=HORIZON_DAYS,
    landmark_days=LANDMARK_DAYS,
    lookback_days=LOOKBACK_DAYS,
    bot_page_views=8,
    cohort_weeks=2,
    silent_days=SILENT_DAYS,
)
AS_OF = SETTINGS.as_of_timestamp
BEGINNING = SETTINGS.midnight(FIRST_DAY)
MODELS = (
    "int_clock_steps",
    "int_evidence_subjects",
    "int_first_conversions",
    "int_decision_points",
)
# What depends on the date up to which things are known.
MARTS = (
    "mart_decision_points",
    "mart_conversion_patterns",
    "mart_conversion_landmarks",
    "mart_conversion_reach",
    "mart_score_snapshots",
    "mart_evidence_checks",
    "int_cohort_visitors",
    "mart_cohorts",
    "mart_cohort_strata",
)
REPLACED = (
    "int_sessions_attributed",
    "int_clock_events",
    "int_conversions_counted",
    "dim_conversions",
    "int_export_as_of",
    "int_export_days_counted",
    "mart_conversion_silences",
)
# Each way to count, and a visitor's number of them: the settings that differ from SETTINGS.
WAYS: dict[str, dict[str, Any]] = {
    "visitor_page_view": {},
    "visitor_active_day": {
        "clock": "active_day",
        "dimensions": ("country",),
        "activations": ("search", "watch_video"),
    },
    "session_page_view": {"subject": "session", "dimensions": ()},
    "session_active_day": {"subject": "session", "clock": "active_day"},
    "visitor_any_event": {"clock": "any_event", "lookback_days": 0, "buckets": 7},
}


@dataclasses.dataclass(frozen=True)
class Histories:
    sessions: list[Session]
    clock_events: list[ClockEvent]
    conversions: list[Conversion]


def date_of(moment: int) -> dt.date:
    return dt.datetime.fromtimestamp(moment / SECOND, tz=PROPERTY_TIME_ZONE).date()


def random_histories(seed: int, visitors: int) -> Histories:
    pick = random.Random(seed)
    sessions: list[Session] = []
    events: list[ClockEvent] = []
    conversions: list[Conversion] = []
    for number in range(visitors):
        visitor = f"visitor-{number:05}"
        theirs = [random_session(pick, visitor, n) for n in range(pick.choice([1, 1, 2, 3]))]
        sessions += theirs
        moments = list(random_moments(pick))
        steps = [moment for moment in moments if pick.random() < 0.6]
        touch = pick.choice([None, 0, 0, 60 * SECOND, -60 * SECOND, 60 * SECOND + 1, 90 * SECOND])
        for moment in steps:
            session = pick.choice(theirs)
            first = None if touch is None else steps[0] - touch
            events.append(ClockEvent(session.session_id, date_of(moment), moment, first))
            if pick.random() < 0.05:  # the same moment in another session
                other = pick.choice(theirs).session_id
                if other != session.session_id:
                    events.append(ClockEvent(other, date_of(moment), moment, first))
        conversions += random_conversions(pick, visitor, theirs, moments)
    for number in range(20):  # hits that belong to nobody
        moment = BEGINNING + number * DAY // 2
        conversions.append(Conversion("purchase", None, None, date_of(moment), moment, 5.0))
    return Histories(sessions, events, conversions)


def random_session(pick: random.Random, visitor: str, number: int) -> Session:
    reason = pick.choices([None, "internal_traffic", "suspected_bot"], [0.93, 0.04, 0.03])[0]
    return Session(
        f"{visitor}-{number}",
        visitor,
        pick.choice(["desktop", "mobile", None]),
        pick.choice(["Direct", "Organic Search"]),
        pick.choice(["US", "DE", None]),
        pick.choice(["Chrome", "Safari"]),
        number == 0,
        pick.choice([1, 2, 5]),
        pick.choice([0.0, 0.0, 0.1, 3.0]),
        reason,
    )


def random_moments(pick: random.Random) -> Iterator[int]:
    """Few base moments, and others at exactly, or next to, some window after one of them."""
    span = AS_OF - BEGINNING
    base = BEGINNING + int(pick.random() * span)
    horizon = HORIZON_DAYS * DAY
    if pick.random() < 0.2:  # near an edge of what is known
        edges = [AS_OF, AS_OF - horizon, SETTINGS.window_start, SETTINGS.midnight(EARLIER) + DAY]
        base = pick.choice(edges) + pick.choice([-horizon, -DAY, -HALF_HOUR, -1, 0, 1])
    moment = base
    hasty = pick.random() < 0.05
    for _ in range(pick.choice([1, 2, 3, 5, 8, 13, 30 if hasty else 13])):
        if BEGINNING <= moment < AS_OF:
            yield moment
        if hasty:
            moment += pick.choice([1, SECOND - 1, SECOND - 1, SECOND])
        elif pick.random() < 0.3:
            gaps = [HALF_HOUR, DAY, LANDMARK_DAYS * DAY, 3 * DAY, 7 * DAY, 14 * DAY, horizon]
            moment = base + pick.choice(gaps) + pick.choice([-1, 0, 0, 1])
        else:
            moment += pick.choice([0, 1, 1000, 60 * SECOND, HALF_HOUR, DAY // 3, DAY])
            base = pick.choice([base, moment])


def random_conversions(
    pick: random.Random, visitor: str, sessions: list[Session], moments: list[int]
) -> Iterator[Conversion]:
    for moment in moments:
        for _ in range(pick.choice([0, 0, 1, 2])):
            name = pick.choice([*MICROS, *MICROS, *MACROS])
            at = moment + pick.choice([0, 0, 0, 0, 1, -1, 1000, HALF_HOUR, HORIZON_DAYS * DAY])
            if not BEGINNING <= at < AS_OF:
                continue
            session = pick.choice(sessions) if pick.random() < 0.9 else None
            yield Conversion(
                name,
                visitor,
                session.session_id if session else None,
                date_of(at),
                at,
                pick.choice([None, 9.99, 120.5, 33.0]) if name == "purchase" else None,
                session.exclusion_reason if session else None,
                pick.random() < 0.95,
            )


# ---- the same as rows ----------------------------------------------------------------------------


def clock_events_of(histories: Histories, settings: Settings) -> list[ClockEvent]:
    """As int_clock_events has them: with the clock of days the first of each session and day."""
    if settings.clock != "active_day":
        return list(dict.fromkeys(histories.clock_events))
    days: dict[Any, ClockEvent] = {}
    for one in sorted(histories.clock_events, key=lambda one: one.timestamp):
        days.setdefault((one.session_id, one.date), one)
    return list(days.values())


def session_rows(histories: Histories) -> list[dict[str, Any]]:
    return [dataclasses.asdict(one) for one in histories.sessions]


def conversion_rows(histories: Histories) -> list[dict[str, Any]]:
    return [
        {
            "conversion_event_id": f"conversion-{number:06}",
            "conversion_name": one.name,
            "conversion_type": "macro" if one.name in MACROS else "micro",
            "visitor_id": one.visitor_id,
            "session_id": one.session_id,
            "event_timestamp": one.timestamp,
            "event_order": 0,
            "conversion_date": one.date,
            "value_usd": one.value_usd,
            "exclusion_reason": one.exclusion_reason,
            "is_counted": one.is_counted,
        }
        for number, one in enumerate(histories.conversions)
    ]


def catalog_rows() -> list[dict[str, Any]]:
    rows = []
    for name in [*MICROS, *MACROS]:
        weight = WEIGHTS.get(name, Weight(0, 14))
        rows.append(
            {
                "conversion_name": name,
                "conversion_type": "macro" if name in MACROS else "micro",
                "lead_points": weight.points,
                "half_life_days": weight.half_life_days,
                "points_cap": weight.cap,
                "points_origin": "learned" if weight.is_learned else "manual",
            }
        )
    return rows


def clock_rows(histories: Histories, settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "session_id": one.session_id,
            "event_date": one.date,
            "event_timestamp": one.timestamp,
            "user_first_touch_timestamp": one.first_touch,
        }
        for one in clock_events_of(histories, settings)
    ]


def as_of_rows() -> list[dict[str, Any]]:
    return [
        {
            "first_date": FIRST_DAY,
            "as_of_date": LAST_DAY,
            "loaded_day_count": (LAST_DAY - FIRST_DAY).days + 1,
            "as_of_timestamp": AS_OF,
        }
    ]


def day_rows() -> list[dict[str, Any]]:
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    return [
        {"event_date": day, "raw_row_count": 12, "accepted_count": 10, "consentless_count": 1}
        for day in days
    ]


def silence_rows() -> list[dict[str, Any]]:
    return [
        {
            "conversion_name": name,
            "conversion_date": day,
            "session_count": 100,
            "conversion_count": 0,
            "expected_count": 30.0,
            "is_outage": is_untracked,
            "is_untracked": is_untracked,
        }
        for is_untracked, silent in ((True, SILENT_DAYS), (False, LOW_DAYS))
        for name, days in silent.items()
        for day in sorted(days)
    ]


def variables(settings: Settings) -> dict[str, Any]:
    return {
        "evidence_subject": settings.subject,
        "evidence_clock": settings.clock,
        "evidence_horizon_days": settings.horizon_days,
        "evidence_landmark_days": settings.landmark_days,
        "evidence_lookback_days": settings.lookback_days,
        "evidence_buckets": settings.buckets,
        "evidence_dimensions": list(settings.dimensions),
        "evidence_as_of": str(settings.as_of or ""),
        "bot_page_views": settings.bot_page_views,
        "cohort_weeks": settings.cohort_weeks,
        "activation_conversions": list(settings.activations),
    }


# ---- counted -------------------------------------------------------------------------------------


def settings_of(way: str, **changes: Any) -> Settings:
    return dataclasses.replace(SETTINGS, **WAYS[way], **changes)


def subjects_of(histories: Histories, settings: Settings) -> list[Subject]:
    return subjects(
        settings,
        histories.sessions,
        clock_events_of(histories, settings),
        histories.conversions,
    )


def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A small export with everything that the evidence is made from, to be replaced."""

    def build(new: Warehouse) -> None:
        SmallExport(seed=1, first_date=LAST_DAY, day_count=1, visitor_count=4).write(new.export)
        new.build("--select", "resource_type:seed", *(f"+{name}" for name in REPLACED))
        settle(new)

    return shared_warehouse(tmp_path_factory, "evidence_empty", build)


def count(warehouse: Warehouse, histories: Histories, settings: Settings) -> None:
    """Puts the histories in the place of what is there and runs the evidence models."""
    replace_rows(warehouse, "int_sessions_attributed", session_rows(histories))
    replace_rows(warehouse, "int_clock_events", clock_rows(histories, settings))
    replace_rows(warehouse, "int_conversions_counted", conversion_rows(histories))
    replace_rows(warehouse, "dim_conversions", catalog_rows())
    replace_rows(warehouse, "int_export_as_of", as_of_rows())
    replace_rows(warehouse, "int_export_days_counted", day_rows())
    replace_rows(warehouse, "mart_conversion_silences", silence_rows())
    select_models(warehouse, (*MODELS, *MARTS), settings)


def select_models(warehouse: Warehouse, models: tuple[str, ...], settings: Settings) -> None:
    chosen = ["--vars", json.dumps(variables(settings)), "--full-refresh", "--select", *models]
    warehouse.dbt("run", *chosen).must_succeed()
    settle(warehouse)


def settle(warehouse: Warehouse) -> None:
    """Writes the log of changes into the file, so that the file alone can be copied."""
    duckdb.connect(str(warehouse.path)).close()
