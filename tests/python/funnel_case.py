"""Random visitors in funnels of every mode, counted by the SQL and by the reference."""

from __future__ import annotations

import dataclasses
import datetime as dt
import pickle
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from funnel_reference import Attempt, Event, Rules, attempts
from project_run import Warehouse, shared_folder, shared_warehouse
from small_export import PROPERTY_TIME_ZONE, SmallExport

HOUR = 3_600_000_000
LAST_DAY = dt.date(2025, 11, 2)  # a Sunday on which the clocks go back
AS_OF = int(dt.datetime(2025, 11, 3, tzinfo=PROPERTY_TIME_ZONE).timestamp()) * 1_000_000
VISITORS = 2000
NOT_FUNNELS = (
    "path:models/bi",
    "mart_catalog_findings",
    "mart_lead_scores",
    "mart_tracked_rates",
    "int_export_days_processed",
)
GRAINS = ("all", "week", "day")
DIMENSIONS = (
    "device_category",
    "visitor_type",
    "channel_group",
    "session_source",
    "country",
    "region",
    "landing_page_path",
)


SHOP = (
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
)
VIEW, CART, CHECKOUT, SHIPPING, PAYMENT, PURCHASE = SHOP


def must(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "step") for name in names)


def may(name: str) -> tuple[tuple[str, str], ...]:
    return ((name, "optional"),)


def never(name: str) -> tuple[tuple[str, str], ...]:
    return ((name, "exclusion"),)


@dataclasses.dataclass(frozen=True)
class Funnel:
    """A funnel of the seeds; windows in hours."""

    steps: tuple[tuple[str, str], ...]
    hours: float = 2
    unit: str = "visitor"
    step_order: str = "ordered"
    entry: str = "closed"
    step_hours: float | None = None
    counting: str = "unique"

    @property
    def rules(self) -> Rules:
        step_window = None if self.step_hours is None else round(self.step_hours * HOUR)
        return Rules(
            self.steps,
            round(self.hours * HOUR),
            self.step_order,
            self.entry,
            step_window,
            self.counting,
        )

    def is_mature(self, day: dt.date) -> bool:
        """Whether the window of an entry in the day's last moment ended by the last loaded day."""
        midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), PROPERTY_TIME_ZONE)
        return round(midnight.timestamp() * 1_000_000) + self.rules.outcome_window <= AS_OF


THREE = must(VIEW, CART, CHECKOUT)
SKIPPING = must(VIEW) + may(CART) + must(CHECKOUT, PURCHASE)
ENDING = must(VIEW, CART) + never(SHIPPING) + must(CHECKOUT)
FUNNELS = {
    "two_steps": Funnel(must(VIEW, CART), 1),
    "three_steps": Funnel(THREE),
    "three_steps_longer": Funnel(THREE, 26),
    "six_steps": Funnel(must(*SHOP), 0.5),
    "six_steps_longer": Funnel(must(*SHOP), 30),
    "step_twice": Funnel(must(VIEW, VIEW, CART, VIEW)),
    "by_session": Funnel(must(*SHOP[:4]), unit="session"),
    "by_session_longer": Funnel(must(*SHOP[:4]), 24, unit="session"),
    "five_steps_by_session": Funnel(must(*SHOP[1:]), 1, unit="session"),
    "by_session_closed": Funnel(THREE, unit="session"),
    "strict": Funnel(THREE, step_order="strict"),
    "strict_by_session": Funnel(THREE, unit="session", step_order="strict"),
    "strict_open": Funnel(THREE, step_order="strict", entry="open"),
    "any_order": Funnel(THREE, step_order="any"),
    "any_order_open": Funnel(THREE, step_order="any", entry="open"),
    "any_order_twice": Funnel(must(VIEW, CART, VIEW), step_order="any"),
    "any_order_ending": Funnel(ENDING, step_order="any"),
    "any_order_attempts": Funnel(THREE, step_order="any", counting="attempts"),
    "open": Funnel(THREE, entry="open"),
    "open_by_session": Funnel(THREE, unit="session", entry="open"),
    "open_step_window": Funnel(must(*SHOP[:4]), entry="open", step_hours=0.5),
    "open_twice": Funnel(must(VIEW, CART, VIEW), entry="open"),
    "skipping": Funnel(SKIPPING),
    "skipping_strict": Funnel(SKIPPING, step_order="strict"),
    "skipping_open": Funnel(SKIPPING, entry="open"),
    "skipping_last": Funnel(must(VIEW, CART) + may(CHECKOUT)),
    "without_skipping": Funnel(must(VIEW, CHECKOUT, PURCHASE)),
    "ending": Funnel(ENDING),
    "ending_open": Funnel(ENDING, entry="open"),
    "ending_and_skipping": Funnel(
        must(VIEW) + never(PAYMENT) + may(CART) + never(SHIPPING) + must(CHECKOUT, PURCHASE), 26
    ),
    "step_window": Funnel(THREE, step_hours=0.5),
    "step_window_longer": Funnel(THREE, step_hours=1),
    "step_window_attempts": Funnel(THREE, step_hours=0.5, counting="attempts"),
    "attempts": Funnel(THREE, counting="attempts"),
    "attempts_by_session": Funnel(THREE, unit="session", counting="attempts"),
    "attempts_open": Funnel(SKIPPING, entry="open", counting="attempts"),
}
# (fewer, more): whatever counts in the first counts in the second, step by step.
WIDER = (
    ("three_steps", "three_steps_longer"),
    ("six_steps", "six_steps_longer"),
    ("by_session", "by_session_longer"),
    ("step_window", "step_window_longer"),
    ("step_window_longer", "three_steps"),
    ("strict", "three_steps"),
    ("three_steps", "any_order"),
    ("three_steps", "open"),
    ("strict", "strict_open"),
    ("any_order", "any_order_open"),
    ("by_session_closed", "open_by_session"),
    ("skipping", "skipping_open"),
    ("ending", "three_steps"),
    ("ending", "open"),
)

Expected = dict[tuple[str, str], list[Attempt]]

# ---- random histories --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Histories:
    """Random visitors' events, the segments of their sessions (excluded ones have none), and the
    pages of each session: (timestamp, event id, path)."""

    events: dict[str, list[Event]]
    segments: dict[str, dict[str, str]]
    pages: dict[str, list[tuple[int, str, str]]]


def random_histories(seed: int, visitors: int) -> Histories:
    """Short histories full of ties, repeats and windows met exactly or missed by a microsecond."""
    pick = random.Random(seed)
    events, segments, pages = {}, {}, {}
    for number in range(visitors):
        visitor = f"visitor-{number:04}"
        sessions = [f"{visitor}-{n}" for n in range(pick.randint(1, 3))]
        events[visitor] = [
            dataclasses.replace(one, event_id=f"{visitor}-{pick.random():.6f}-{n}")
            for n, one in enumerate(random_history(pick, sessions))
        ]
        for session in sessions:
            if pick.random() < 0.9:
                segments[session] = {
                    dimension: pick.choice(["one", "two", "three"]) for dimension in DIMENSIONS
                }
            moments = [one.timestamp for one in events[visitor] if one.session_id == session]
            pages[session] = [
                (moment + pick.choice([-HOUR, -1, 1, HOUR]), f"{session}-page-{n}", f"/{n}")
                for n, moment in enumerate(moments)
                if pick.random() < 0.5
            ]
    return Histories(events, segments, pages)


def random_history(pick: random.Random, sessions: list[str]) -> Iterator[Event]:
    base = (
        AS_OF - pick.choice([1, 2, 12, 26, 40, 100, 170]) * HOUR + pick.choice([0, 0, -1, 1, 777])
    )
    steps = SHOP[: pick.choice([2, 3, 4, 6])]
    next_step = 0
    moment = base
    for _ in range(pick.randint(1, 14)):
        if pick.random() < 0.3:  # exactly a window after the beginning, or a microsecond off
            moment = base + round(pick.choice([0.5, 1, 2, 24, 26, 30]) * HOUR) + pick.randint(-1, 1)
        else:
            moment += pick.choice([0, 0, 1, 1000, HOUR // 4, HOUR // 2])
        if moment >= AS_OF:
            continue
        conversions = {pick.choice([*steps, "search"]) for _ in range(pick.choice([0, 1, 2]))}
        if not conversions or pick.random() < 0.8:  # walk on, so that deep steps are reached too
            conversions.add(steps[next_step % len(steps)])
            next_step += 1
        date = dt.datetime.fromtimestamp(moment / 1_000_000, tz=PROPERTY_TIME_ZONE).date()
        session = pick.choice(sessions) if pick.random() < 0.9 else None
        yield Event(moment, pick.choice([0, 0, 1, 2]), "", frozenset(conversions), date, session)


def conversion_rows(histories: Histories) -> list[dict[str, Any]]:
    """These histories as rows of int_conversions_counted, and some that no funnel may count."""
    rows = []
    for visitor, events in histories.events.items():
        for number, one in enumerate(events):
            for conversion in sorted(one.conversions):
                row = {
                    "conversion_event_id": f"{one.event_id}/{conversion}",
                    "conversion_name": conversion,
                    "conversion_type": "macro" if conversion == PURCHASE else "micro",
                    "visitor_id": visitor,
                    "session_id": one.session_id,
                    "event_id": one.event_id,
                    "event_timestamp": one.timestamp,
                    "event_order": one.order,
                    "conversion_date": one.date,
                    "exclusion_reason": None,
                    "is_counted": number % 3
                    > 0,  # how a conversion counts elsewhere is no matter here
                }
                rows.append(row)
                if number == 0:
                    rows.append({**row, "visitor_id": None, "session_id": None})
                    rows.append(
                        {
                            **row,
                            "event_id": "bot",
                            "event_timestamp": one.timestamp + 1,
                            "conversion_name": "add_to_cart",
                            "exclusion_reason": "suspected_bot",
                        }
                    )
    return rows


def session_rows(histories: Histories) -> list[dict[str, Any]]:
    """Sessions with what funnels look at: whose they are, where they began and ended."""
    return [
        {
            "session_id": session,
            "visitor_id": session.rpartition("-")[0],
            "landing_page_path": "/landing",
            "exit_page_path": max(pages)[2] if pages else None,
        }
        for session, pages in histories.pages.items()
    ]


def page_rows(histories: Histories) -> list[dict[str, Any]]:
    return [
        {
            "event_id": event_id,
            "session_id": session,
            "event_timestamp": moment,
            "event_order": 0,
            "page_path": path,
        }
        for session, pages in histories.pages.items()
        for moment, event_id, path in pages
    ]


def replace_rows(warehouse: Warehouse, table: str, rows: list[dict[str, Any]]) -> None:
    """Puts `rows` in the place of all rows of a built table; columns they lack become NULL."""
    connection = duckdb.connect(str(warehouse.path))
    connection.register("new_rows", pa.Table.from_pylist(rows))
    connection.execute(f"delete from {table}")
    connection.execute(f"insert into {table} by name select * from new_rows")
    connection.close()


def assert_same(found: list[Any], wanted: set[Any], what: str) -> None:
    """Fails with the first rows that differ, and when a row is there twice."""
    extra = sorted(set(found) - wanted, key=str)[:5]
    missing = sorted(wanted - set(found), key=str)[:5]
    assert not extra and not missing, f"{what}: unexpected {extra}, missing {missing}"
    assert len(found) == len(wanted), f"{what}: {len(found)} rows, {len(wanted)} wanted"


def funnel_rows() -> list[dict[str, Any]]:
    """These funnels as rows of the seed `funnels`."""
    return [
        {
            "funnel_name": name,
            "label": name,
            "unit": funnel.unit,
            "step_order": funnel.step_order,
            "entry": funnel.entry,
            "window_hours": funnel.hours,
            "step_window_hours": funnel.step_hours,
            "counting": funnel.counting,
        }
        for name, funnel in FUNNELS.items()
    ]


def step_rows() -> list[dict[str, Any]]:
    """Their steps as rows of the seed `funnel_steps`."""
    return [
        {"funnel_name": name, "step_number": number, "conversion_name": step, "role": role}
        for name, funnel in FUNNELS.items()
        for number, (step, role) in enumerate(funnel.steps, start=1)
    ]


def build_and_count(warehouse: Warehouse, histories: Histories) -> None:
    """Builds a small export, puts the histories in its place and runs the funnel models on them."""
    SmallExport(seed=1, first_date=LAST_DAY, day_count=1, visitor_count=4).write(warehouse.export)
    warehouse.build("--exclude", "path:models/marts", "path:models/bi")
    numbers = {"one": 1, "two": 2, "three": 3}
    segments = [
        {
            "session_id": session,
            **values,
            **{f"{dimension}_number": numbers[value] for dimension, value in values.items()},
        }
        for session, values in histories.segments.items()
    ]
    replace_rows(warehouse, "funnels", funnel_rows())
    replace_rows(warehouse, "funnel_steps", step_rows())
    replace_rows(warehouse, "int_conversions_counted", conversion_rows(histories))
    replace_rows(warehouse, "int_sessions_segmented", segments)
    replace_rows(warehouse, "fct_sessions", session_rows(histories))
    replace_rows(warehouse, "int_page_views", page_rows(histories))
    visitors = [{"visitor_id": visitor} for visitor in histories.events]
    replace_rows(warehouse, "dim_visitors", visitors)
    followed = ["int_conversions_followed", "int_conversions_pathed", "mart_conversion_paths"]
    selected = ["dim_funnel_steps+", *followed, "--exclude", *NOT_FUNNELS]
    warehouse.dbt("run", "--full-refresh", "--select", *selected).must_succeed()
    duckdb.connect(str(warehouse.path)).close()  # writes the log of changes into the file, once


def attempts_of(histories: Histories) -> Expected:
    """The reference's attempts of every funnel and unit."""
    result = {}
    for name, funnel in FUNNELS.items():
        for visitor, events in histories.events.items():
            units: dict[str, list[Event]] = defaultdict(list)
            for one in events:
                unit = visitor if funnel.unit == "visitor" else one.session_id
                if unit is not None:
                    units[unit].append(one)
            for unit, unit_events in units.items():
                found = attempts(unit_events, funnel.rules)
                if found:
                    result[name, unit] = found
    return result


@dataclasses.dataclass(frozen=True)
class FunnelCase:
    """Random histories, the warehouse that counted them, and what the reference says."""

    histories: Histories
    warehouse: Warehouse
    expected: Expected


def funnel_case(tmp_path_factory: pytest.TempPathFactory, visitors: int, seed: int) -> FunnelCase:
    """Built and walked through once a test run, whichever worker asks first."""
    name = f"funnel_{visitors}_{seed}"
    histories = random_histories(seed, visitors)
    warehouse = shared_warehouse(
        tmp_path_factory, name, lambda new: build_and_count(new, histories)
    )

    def walk(root: Path) -> None:
        (root / "expected.pickle").write_bytes(pickle.dumps(attempts_of(histories)))

    folder = shared_folder(tmp_path_factory, f"{name}_expected", walk)
    expected = pickle.loads((folder / "expected.pickle").read_bytes())
    return FunnelCase(histories, warehouse, expected)
