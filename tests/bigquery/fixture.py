"""Raw export rows by hand: how to write one, and the same rows as daily Parquet files."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from zetasql.wasi._pb2.zetasql.public import type_pb2

from .bq_types import Row, parse_type
from .export_schema import columns_of
from .googlesql import Column

PROPERTY_ID = "123456"
TIME_ZONE = ZoneInfo("America/New_York")  # the project's default property time zone
HOST = "https://shop.example.com"

Value = str | int | float | None


def micros(day: str, clock: str) -> int:
    """Microseconds since 1970 of a local time: micros('20260301', '23:59:59.999999')."""
    local = dt.datetime.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock}")
    moment = local.replace(tzinfo=TIME_ZONE)
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def param(key: str, value: Value) -> Row:
    """An event parameter: text, int_value or double_value by the type of `value`."""
    return {
        "key": key,
        "value": {
            "string_value": value if isinstance(value, str) else None,
            "int_value": value if isinstance(value, int) else None,
            "float_value": None,
            "double_value": value if isinstance(value, float) else None,
        },
    }


def event(
    day: str,
    clock: str,
    name: str | None,
    visitor: str | None = None,
    session: Value = None,
    params: dict[str, Value] | None = None,
    page: str | None = "/",
    table: str | None = None,
    **columns: Any,
) -> Row:
    """One raw row of the web stream; `columns` replace whole columns, `table` the shard's suffix.

    A `session` becomes the parameter ga_session_id, `page` a page_location of our host.
    """
    given: dict[str, Value] = {"ga_session_id": session} if session is not None else {}
    if page is not None:
        given["page_location"] = page if "://" in page else HOST + page
    given |= params or {}
    row: Row = {
        "_TABLE_SUFFIX": table or day,
        "event_date": day,
        "event_timestamp": micros(day, clock),
        "event_name": name,
        "event_params": [param(key, value) for key, value in given.items()],
        "event_bundle_sequence_id": 1,
        "user_pseudo_id": visitor,
        "privacy_info": {"analytics_storage": "Yes", "ads_storage": "Yes"},
        "user_properties": [],
        "user_first_touch_timestamp": micros(day, "00:00:00"),
        "device": device("desktop"),
        "geo": {"country": "United States", "region": "New York", "city": "New York"},
        "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "(direct)"},
        "stream_id": "111",
        "platform": "WEB",
        "items": [],
        "is_active_user": True,
    }
    return row | columns


def device(category: str, hostname: str | None = "shop.example.com") -> Row:
    """The device column."""
    browser = {"browser": "Chrome", "browser_version": "130.0", "hostname": hostname}
    return {
        "category": category,
        "operating_system": "Linux",
        "language": "en",
        "web_info": browser,
    }


def purchase_of(transaction_id: str | None, revenue: float | None, **more: Value) -> Row:
    """The ecommerce column of a purchase or a refund in US dollars."""
    return {
        "transaction_id": transaction_id,
        "purchase_revenue": revenue,
        "purchase_revenue_in_usd": revenue,
    } | more


def item(item_id: str, price: float, quantity: int | None = 1, **more: Any) -> Row:
    """An element of the items column."""
    return {
        "item_id": item_id,
        "item_name": f"Item {item_id}",
        "item_category": "Apparel",
        "price": price,
        "price_in_usd": price,
        "quantity": quantity,
        "item_params": [],
    } | more


def shards(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by the suffix of their table."""
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["_TABLE_SUFFIX"]].append(row)
    return dict(grouped)


def write_parquet(rows: Iterable[Row], export: list[Column], folder: Path) -> str:
    """Write one file per shard, as `bq extract` does; returns the glob for GA4_EXPORT_FILES.

    Files of other shards that are there stay as they are.
    """
    folder = folder / f"analytics_{PROPERTY_ID}"
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, shard in shards(rows).items():
        columns = columns_of(export, suffix)
        schema = pa.schema([(one.name, arrow_type(parse_type(one.type))) for one in columns])
        table = pa.Table.from_pylist(shard, schema=schema)  # `_TABLE_SUFFIX` is no column of it
        pq.write_table(table, folder / f"events_{suffix}.parquet")
    return str(folder / "events_*.parquet")


def arrow_type(kind: Any) -> pa.DataType:
    """Arrow's type for a TypeProto."""
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return pa.list_(arrow_type(kind.array_type.element_type))
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        fields = kind.struct_type.field
        return pa.struct([(field.field_name, arrow_type(field.field_type)) for field in fields])
    scalars = {
        type_pb2.TYPE_INT64: pa.int64(),
        type_pb2.TYPE_STRING: pa.string(),
        type_pb2.TYPE_DOUBLE: pa.float64(),
        type_pb2.TYPE_BOOL: pa.bool_(),
    }
    return scalars[kind.type_kind]
