"""Random small GA4 exports, with the oddities of real ones, for tests that compare builds.

Every day is a list of raw rows, from a pool of visitors with sessions (some across midnight),
conversions, log-ins on several devices, orders and refunds, hits without consent or without a
session, repeated and malformed rows. A test may rewrite a day as Google does before it writes it
again.
"""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

PROPERTY_TIME_ZONE = ZoneInfo("America/New_York")
SECOND = 1_000_000

Row = dict[str, Any]

VALUE = pa.struct(
    [
        ("string_value", pa.string()),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("double_value", pa.float64()),
    ]
)
PARAMS = pa.list_(pa.struct([("key", pa.string()), ("value", VALUE)]))


def _texts(*names: str) -> pa.DataType:
    return pa.struct([(name, pa.string()) for name in names])


SCHEMA = pa.schema(
    [
        ("event_date", pa.string()),
        ("event_timestamp", pa.int64()),
        ("event_name", pa.string()),
        ("event_params", PARAMS),
        ("event_value_in_usd", pa.float64()),
        ("event_bundle_sequence_id", pa.int64()),
        ("event_server_timestamp_offset", pa.int64()),
        ("user_id", pa.string()),
        ("user_pseudo_id", pa.string()),
        ("privacy_info", _texts("analytics_storage", "ads_storage")),
        ("user_first_touch_timestamp", pa.int64()),
        ("device", _texts("category", "operating_system", "browser")),
        ("geo", _texts("city", "country", "region")),
        ("traffic_source", _texts("name", "medium", "source")),
        ("stream_id", pa.string()),
        ("platform", pa.string()),
        (
            "ecommerce",
            pa.struct(
                [
                    ("purchase_revenue_in_usd", pa.float64()),
                    ("refund_value_in_usd", pa.float64()),
                    ("transaction_id", pa.string()),
                ]
            ),
        ),
        (
            "items",
            pa.list_(
                pa.struct(
                    [("item_id", pa.string()), ("item_name", pa.string()), ("quantity", pa.int64())]
                )
            ),
        ),
        ("collected_traffic_source", _texts("manual_source", "manual_medium")),
        ("batch_page_id", pa.int64()),
        ("batch_ordering_id", pa.int64()),
        ("batch_event_index", pa.int64()),
    ]
)

# What a session may hold; the order of the shop's funnel returns so that every step is reached.
_EVENTS = (
    ["page_view"] * 8
    + ["view_item"] * 6
    + ["add_to_cart"] * 5
    + ["begin_checkout"] * 4
    + ["add_shipping_info", "add_payment_info", "purchase"] * 3
    + ["user_engagement", "scroll", "view_search_results", "sign_up", "newsletter_signup"] * 2
    + ["video_start", "add_to_wishlist", "generate_lead"]
)
_SOURCES = [
    ("google", "organic"),
    ("google", "cpc"),
    ("news.example.com", "referral"),
    ("(direct)", "(none)"),
    ("instagram", "social"),
    (None, None),
]


@dataclass(frozen=True)
class Visitor:
    """A person: the devices used, and the user_id sent after a log-in, if ever."""

    devices: list[str]
    user_id: str | None
    category: str
    country: str
    is_internal: bool
    orders: list[str]


@dataclass
class SmallExport:
    """A random export of some days; the same seed gives the same rows.

    `days` maps each date to its raw rows, as the daily table holds them in the end.
    """

    seed: int
    first_date: dt.date = dt.date(2025, 10, 31)  # clocks go back on 2 November
    day_count: int = 4
    visitor_count: int = 40
    days: dict[dt.date, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        for number in range(self.day_count):
            self.days[self.first_date + dt.timedelta(days=number)] = []
        visitors = [self._visitor(number) for number in range(self.visitor_count)]
        for visitor in visitors:
            for device in visitor.devices:
                self._add_device(visitor, device)
        for day in self.days:
            self._add_oddities(day)
            self._random.shuffle(self.days[day])

    @property
    def dates(self) -> list[dt.date]:
        return list(self.days)

    def write(self, folder: Path, *days: dt.date, kind: str = "") -> None:
        """Writes the daily (or `kind`: intraday, fresh) files of some days; of all by default."""
        for day in days or self.dates:
            write_rows(day_path(folder, day, kind), self.days[day])

    def part_of(self, day: dt.date, share: float) -> list[Row]:
        """A random part of a day's rows, such as had arrived when the table was first written."""
        return [row for row in self.days[day] if self._random.random() < share]

    def rewrite(self, day: dt.date, change: Callable[[Row], Row | None]) -> None:
        """Puts `change(row)` in the place of every row of a day (None removes it), reshuffled."""
        changed = [change(copy.deepcopy(row)) for row in self.days[day]]
        self.days[day] = [row for row in changed if row is not None]
        self._random.shuffle(self.days[day])

    def devices_of(self, day: dt.date) -> list[str]:
        """The devices with a hit on a day."""
        return sorted({row["user_pseudo_id"] for row in self.days[day] if row["user_pseudo_id"]})

    def _visitor(self, number: int) -> Visitor:
        pick = self._random
        return Visitor(
            devices=[f"{number}.{n}" for n in range(pick.choice([1, 1, 1, 2, 3]))],
            user_id=f"user{number}@example.com" if pick.random() < 0.5 else None,
            category=pick.choice(["mobile", "desktop", "tablet"]),
            country=pick.choice(["United States", "Germany", "Chile"]),
            is_internal=pick.random() < 0.05,
            orders=[f"T{number}-1", f"T{number}-2", "(not set)"],
        )

    def _add_device(self, visitor: Visitor, device: str) -> None:
        pick = self._random
        begin = _midnight(self.first_date)
        length = self.day_count * 86400 * SECOND
        starts = sorted(begin + pick.randrange(length) for _ in range(pick.randint(1, 4)))
        logged_in_from = pick.choice(range(len(starts) + 1)) if visitor.user_id else len(starts)
        for number, start in enumerate(starts):
            is_logged_in = number >= logged_in_from
            user_id = visitor.user_id if is_logged_in else None
            if is_logged_in and pick.random() < 0.05:
                user_id = "someone.else@example.com"  # a shared device
            self._add_session(visitor, device, user_id, number + 1, start)

    def _add_session(
        self, visitor: Visitor, device: str, user_id: str | None, number: int, start: int
    ) -> None:
        pick = self._random
        source, medium = pick.choice(_SOURCES)
        is_bot = pick.random() < 0.03
        length = 35 if is_bot else pick.randint(2, 14)
        moment = start
        for index in range(length):
            name = "page_view" if is_bot or index == 0 else pick.choice(_EVENTS)
            row = self._event(name, moment, visitor.orders)
            row["user_pseudo_id"] = device
            row["user_id"] = user_id
            row["device"]["category"] = visitor.category
            row["geo"]["country"] = visitor.country
            row["user_first_touch_timestamp"] = start if number == 1 else None
            row["batch_event_index"] = index
            if pick.random() < 0.95:  # a hit of the Measurement Protocol has no session
                row["event_params"] += [
                    _param("ga_session_id", start // SECOND),
                    _param("ga_session_number", number),
                ]
            if index == 0:
                row["collected_traffic_source"] = {"manual_source": source, "manual_medium": medium}
            if visitor.is_internal:
                row["event_params"].append(_param("traffic_type", "internal"))
            if is_bot:
                row["event_params"] = [
                    param for param in row["event_params"] if param["key"] != "engagement_time_msec"
                ]
            self._add(row)
            # Events of one request share a timestamp; some sessions last past midnight.
            moment += pick.choice([0, 1, SECOND, 30 * SECOND, 25 * 60 * SECOND])

    def _event(self, name: str, moment: int, orders: Sequence[str]) -> Row:
        pick = self._random
        is_purchase = name == "purchase"
        engaged: list[str | int] = ["1", 1, "0"]
        return {
            "event_date": "",
            "event_timestamp": moment,
            "event_name": name,
            "event_params": [
                _param("page_location", f"https://shop.example.com/p/{pick.randint(1, 9)}?id=7"),
                _param("engagement_time_msec", pick.choice([0, 900, 12000, 45000])),
                _param("percent_scrolled", 90 if name == "scroll" else pick.choice([10, 25])),
                _param("value", pick.choice([5, 19.99])),
                _param("currency", "USD"),
                _param("form_id", "newsletter"),
                _param("session_engaged", pick.choice(engaged)),
            ],
            "event_value_in_usd": None,
            "event_bundle_sequence_id": pick.randint(1, 1000),
            "event_server_timestamp_offset": pick.randint(1, 1000),
            "user_id": None,
            "user_pseudo_id": None,
            "privacy_info": {"analytics_storage": "Yes", "ads_storage": pick.choice(["Yes", "No"])},
            "user_first_touch_timestamp": None,
            "device": {
                "category": "mobile",
                "operating_system": pick.choice(["iOS", "Android", None]),
                "browser": "Safari",
            },
            "geo": {"city": "(not set)", "country": "Chile", "region": pick.choice(["A", "B"])},
            "traffic_source": dict(
                zip(("name", "medium", "source"), ("(direct)", "(none)", "(direct)"), strict=True)
            ),
            "stream_id": "101",
            "platform": "WEB",
            "ecommerce": {
                "purchase_revenue_in_usd": pick.choice([10.1, 20.2, 33.33, None])
                if is_purchase
                else None,
                "refund_value_in_usd": None,
                "transaction_id": pick.choice(orders) if is_purchase else None,
            },
            "items": [
                {"item_id": str(pick.randint(1, 5)), "item_name": "Mug", "quantity": 1},
            ],
            "collected_traffic_source": None,
            "batch_page_id": moment // (600 * SECOND) if pick.random() < 0.9 else None,
            "batch_ordering_id": 1,
            "batch_event_index": 0,
        }

    def _add(self, row: Row) -> None:
        day = dt.datetime.fromtimestamp(
            row["event_timestamp"] / SECOND, tz=PROPERTY_TIME_ZONE
        ).date()
        if day in self.days:
            row["event_date"] = day.strftime("%Y%m%d")
            self.days[day].append(row)

    def _add_oddities(self, day: dt.date) -> None:
        """Hits without consent, refunds, repeated rows and rows that are no events."""
        pick = self._random
        noon = _midnight(day) + 12 * 3600 * SECOND
        for _ in range(12):
            row = self._event(
                pick.choice(["page_view", "purchase", "view_item"]), noon, ["T-1", "T-2"]
            )
            row["privacy_info"] = {"analytics_storage": "No", "ads_storage": "No"}
            row["event_timestamp"] += pick.randrange(3600 * SECOND)
            self._add(row)
        for _ in range(3):
            row = self._event("refund", noon + pick.randrange(3600 * SECOND), [])
            row["ecommerce"] = {
                "transaction_id": f"T{pick.randrange(self.visitor_count)}-1",
                "refund_value_in_usd": pick.choice([5.5, None]),
            }
            self._add(row)
        rows = self.days[day]
        for row in pick.sample(rows, k=len(rows) // 20):
            repeated = copy.deepcopy(row)
            repeated["event_server_timestamp_offset"] += pick.choice([0, 1])
            # What is neither key nor parameter may differ between the copies of one event.
            repeated["geo"]["region"] = pick.choice(["A", "B", "C"])
            repeated["event_bundle_sequence_id"] = row["event_bundle_sequence_id"]
            rows.append(repeated)
        for changed in (
            {"event_name": None},
            {"event_timestamp": None},
            {"event_timestamp": 5},
            {"event_date": "19991231"},
            {"event_date": "soon"},
        ):
            rows.append({**copy.deepcopy(pick.choice(rows)), **changed})


def day_path(folder: Path, day: dt.date, kind: str = "") -> Path:
    """The name that a day's table has as a file; `kind` is empty (daily), intraday or fresh."""
    return folder / f"events_{kind + '_' if kind else ''}{day:%Y%m%d}.parquet"


def write_rows(path: Path, rows: Sequence[Row], without: Iterable[str] = ()) -> None:
    """Writes raw rows as Parquet, without some columns (as tables of earlier years lack them)."""
    left_out = set(without)
    schema = pa.schema([column for column in SCHEMA if column.name not in left_out])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def _midnight(day: dt.date) -> int:
    local = dt.datetime.combine(day, dt.time(), tzinfo=PROPERTY_TIME_ZONE)
    return int(local.timestamp()) * SECOND


def _param(key: str, value: str | int | float) -> Row:
    fields = {str: "string_value", int: "int_value", float: "double_value"}
    return {"key": key, "value": {fields[type(value)]: value}}
