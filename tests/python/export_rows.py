"""Builds raw GA4 export rows, nested as Google nests them, and writes them as daily Parquet files.

A test says only what matters to it: `hit` fills in an ordinary web hit, any column may be
overridden or left out, and `export_schema` drops or retypes columns by their dotted path.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Params = Mapping[str, Any] | Sequence[tuple[str, Any]]

PROPERTY_ZONE = ZoneInfo("America/New_York")
SHOP = "https://shop.example"
# The day whose table a row lies in; no column of the export.
SHARD = "_shard"


class Scenarios:
    """Rows of one export, each part registered by a decorator beside the tests that need it."""

    def __init__(self) -> None:
        self._parts: list[Callable[[], list[Row]]] = []

    def __call__(self, rows_of: Callable[[], list[Row]]) -> Callable[[], list[Row]]:
        self._parts.append(rows_of)
        return rows_of

    def rows(self) -> list[Row]:
        """The rows of all parts."""
        return [row for rows_of in self._parts for row in rows_of()]


_TYPES = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


def _struct(**fields: str | pa.DataType) -> pa.DataType:
    """A struct of fields; the name of a type stands for it."""
    return pa.struct([(name, _TYPES.get(kind, kind)) for name, kind in fields.items()])


def _strings(names: str) -> dict[str, str | pa.DataType]:
    return dict.fromkeys(names.split(), "string")


def _floats(names: str) -> dict[str, str | pa.DataType]:
    return dict.fromkeys(names.split(), "float")


_VALUE: dict[str, str | pa.DataType] = {
    "string_value": "string",
    "int_value": "int",
    "float_value": "float",
    "double_value": "float",
}
_PARAMS = pa.list_(_struct(key="string", value=_struct(**_VALUE)))
_CAMPAIGN = _strings(
    "campaign_id campaign_name source medium term content source_platform creative_format"
    " marketing_tactic"
)
_COLUMNS: dict[str, str | pa.DataType] = {
    "event_date": "string",
    "event_timestamp": "int",
    "event_name": "string",
    "event_params": _PARAMS,
    "event_previous_timestamp": "int",
    "event_value_in_usd": "float",
    "event_bundle_sequence_id": "int",
    "event_server_timestamp_offset": "int",
    "user_id": "string",
    "user_pseudo_id": "string",
    "privacy_info": _struct(**_strings("analytics_storage ads_storage uses_transient_token")),
    "user_properties": pa.list_(
        _struct(key="string", value=_struct(**_VALUE, set_timestamp_micros="int"))
    ),
    "user_first_touch_timestamp": "int",
    "user_ltv": _struct(revenue="float", currency="string"),
    "device": _struct(
        **_strings(
            "category mobile_brand_name mobile_model_name mobile_marketing_name"
            " mobile_os_hardware_model operating_system operating_system_version vendor_id"
            " advertising_id language is_limited_ad_tracking"
        ),
        time_zone_offset_seconds="int",
        browser="string",
        browser_version="string",
        web_info=_struct(**_strings("browser browser_version hostname")),
    ),
    "geo": _struct(**_strings("city country continent region sub_continent metro")),
    "app_info": _struct(**_strings("id version install_store firebase_app_id install_source")),
    "traffic_source": _struct(**_strings("name medium source")),
    "stream_id": "string",
    "platform": "string",
    "event_dimensions": _struct(hostname="string"),
    "ecommerce": _struct(
        total_item_quantity="int",
        **_floats(
            "purchase_revenue_in_usd purchase_revenue refund_value_in_usd refund_value"
            " shipping_value_in_usd shipping_value tax_value_in_usd tax_value"
        ),
        unique_items="int",
        transaction_id="string",
    ),
    "items": pa.list_(
        _struct(
            **_strings(
                "item_id item_name item_brand item_variant item_category item_category2"
                " item_category3 item_category4 item_category5"
            ),
            **_floats("price_in_usd price"),
            quantity="int",
            **_floats("item_revenue_in_usd item_revenue item_refund_in_usd item_refund"),
            **_strings(
                "coupon affiliation location_id item_list_id item_list_name item_list_index"
                " promotion_id promotion_name creative_name creative_slot"
            ),
            item_params=_PARAMS,
        )
    ),
    "collected_traffic_source": _struct(
        **_strings(
            "manual_campaign_id manual_campaign_name manual_source manual_medium manual_term"
            " manual_content manual_source_platform manual_creative_format"
            " manual_marketing_tactic gclid dclid srsltid"
        )
    ),
    "is_active_user": "bool",
    "batch_event_index": "int",
    "batch_page_id": "int",
    "batch_ordering_id": "int",
    "session_traffic_source_last_click": _struct(
        manual_campaign=_struct(**_CAMPAIGN),
        google_ads_campaign=_struct(
            **_strings("customer_id account_name campaign_id campaign_name ad_group_id")
        ),
        cross_channel_campaign=_struct(
            **_CAMPAIGN, **_strings("default_channel_group primary_channel_group")
        ),
    ),
    "publisher": _struct(
        ad_revenue_in_usd="float", **_strings("ad_format ad_source_name ad_unit_id")
    ),
    "event_original_occurrence_timestamp": "int",
}

# What the public sample of 2020 lacks, and the types its all-null columns have.
LACKING_IN_2020 = (
    "collected_traffic_source",
    "is_active_user",
    "batch_event_index",
    "batch_page_id",
    "batch_ordering_id",
    "session_traffic_source_last_click",
    "publisher",
    "event_original_occurrence_timestamp",
    "device.web_info.hostname",
    "device.browser",
    "device.browser_version",
    "items.item_params",
)
RETYPED_IN_2020 = {
    "privacy_info.analytics_storage": pa.int64(),
    "privacy_info.ads_storage": pa.int64(),
    "stream_id": pa.int64(),
    "user_properties.key": pa.int64(),
    "user_properties.value.string_value": pa.int64(),
    "user_properties.value.float_value": pa.int64(),
    "user_properties.value.double_value": pa.int64(),
}


def export_schema(
    without: Iterable[str] = (), retyped: Mapping[str, pa.DataType] | None = None
) -> pa.Schema:
    """The export's columns, without some and with others retyped; fields by their dotted path."""
    dropped, types = set(without), dict(retyped or {})
    fields = []
    for name, kind in _COLUMNS.items():
        reshaped = _reshaped(name, _TYPES.get(kind, kind), dropped, types)
        if reshaped is not None:
            fields.append((name, reshaped))
    unknown = (dropped | set(types)) - set(_paths(pa.struct(export_fields())))
    if unknown:
        raise ValueError(f"no such column of the export: {sorted(unknown)}")
    return pa.schema(fields)


def export_fields() -> list[tuple[str, pa.DataType]]:
    """All columns of the export with their types."""
    return [(name, _TYPES.get(kind, kind)) for name, kind in _COLUMNS.items()]


def _reshaped(
    path: str, kind: pa.DataType, dropped: set[str], types: Mapping[str, pa.DataType]
) -> pa.DataType | None:
    if path in dropped:
        return None
    if path in types:
        return types[path]
    if pa.types.is_list(kind):
        element = _reshaped(path, kind.value_type, dropped, types)
        return None if element is None else pa.list_(element)
    if pa.types.is_struct(kind):
        kept = [
            (field.name, reshaped)
            for field in kind
            if (reshaped := _reshaped(f"{path}.{field.name}", field.type, dropped, types))
            is not None
        ]
        return pa.struct(kept)
    return kind


def _paths(kind: pa.DataType, prefix: str = "") -> list[str]:
    if pa.types.is_list(kind):
        return _paths(kind.value_type, prefix)
    if not pa.types.is_struct(kind):
        return []
    found = []
    for field in kind:
        found += [prefix + field.name, *_paths(field.type, f"{prefix}{field.name}.")]
    return found


def local_micros(day: date, seconds: float = 0) -> int:
    """Microseconds since 1970 of so many seconds after midnight in the property's time zone."""
    midnight = datetime.combine(day, time(), PROPERTY_ZONE).astimezone(UTC)
    return round((midnight.timestamp() + seconds) * 1_000_000)


def param_list(params: Params) -> list[Row]:
    """Event parameters from keys and values: each Python type goes to the field Google would use.

    A mapping as value is taken as the value struct itself.
    """
    pairs = params.items() if isinstance(params, Mapping) else params
    return [{"key": key, "value": _value(value)} for key, value in pairs]


def _value(value: Any) -> Row:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, int):
        return {"int_value": int(value)}
    return {"double_value": value}


def hit(
    day: date,
    seconds: float,
    name: str,
    *,
    visitor: str | None = "visitor",
    session: Any = 1,
    number: int | None = None,
    page: str | None = None,
    params: Params = (),
    **columns: Any,
) -> Row:
    """One hit of the web shop, so many seconds into the property's day.

    Parameters given in `params` come after those of session, number and page; `columns` are columns
    of the export and replace the defaults.
    """
    standard = {
        "ga_session_id": session,
        "ga_session_number": number,
        "page_location": None if page is None else f"{SHOP}{page}",
    }
    given = [(key, value) for key, value in standard.items() if value is not None]
    given += list(params.items() if isinstance(params, Mapping) else params)
    row: Row = {
        SHARD: day,
        "event_date": f"{day:%Y%m%d}",
        "event_timestamp": local_micros(day, seconds),
        "event_name": name,
        "event_params": param_list(given),
        "user_pseudo_id": visitor,
        "user_properties": [],
        "items": [],
        "stream_id": "1001",
        "platform": "WEB",
        "device": {"category": "desktop", "operating_system": "Windows", "browser": "Chrome"},
        "geo": {"country": "United States", "region": "California", "city": "Oakland"},
    }
    if visitor is not None:
        row["privacy_info"] = {"analytics_storage": "Yes", "ads_storage": "Yes"}
    return row | columns


def purchase(
    day: date, seconds: float, transaction_id: str | None, revenue: float | None, **columns: Any
) -> Row:
    """A purchase of the web shop; `columns` as in `hit`."""
    ecommerce = {"transaction_id": transaction_id, "purchase_revenue_in_usd": revenue}
    return hit(day, seconds, "purchase", ecommerce=ecommerce, **columns)


def write_export(
    folder: Path,
    rows: Iterable[Row],
    *,
    kind: str = "",
    schema: pa.Schema | None = None,
    days: Iterable[date] = (),
) -> None:
    """Writes rows as one file per day, also for `days` without any row.

    `kind` is empty for daily tables, `intraday_` or `fresh_`.
    """
    by_day: dict[date, list[Row]] = {day: [] for day in days}
    for row in rows:
        by_day.setdefault(row[SHARD], []).append(row)
    for day, rows_of_day in by_day.items():
        table = pa.Table.from_pylist(rows_of_day, schema=schema or export_schema())
        pq.write_table(table, folder / f"events_{kind}{day:%Y%m%d}.parquet")


def copy_tables(database: Path, copy: Path) -> None:
    """Copies a DuckDB file with what its last writer left in the log beside it."""
    shutil.copy(database, copy)
    log = database.with_name(f"{database.name}.wal")
    if log.exists():
        shutil.copy(log, copy.with_name(f"{copy.name}.wal"))


def change_tables(database: Path, *statements: str) -> None:
    """Changes tables of a built DuckDB file, as if a user had edited the lists they come from."""
    with duckdb.connect(str(database)) as connection:
        for statement in statements:
            connection.execute(statement)
