"""Columns that say where an event came from: device, place, traffic source, request."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from microconv.demo import records as rec
from microconv.demo import shop
from microconv.demo.arrays import Bools, Ints, mixed
from microconv.demo.coding import Lookup, constant, integers, struct
from microconv.demo.event_parameters import click_numbers
from microconv.demo.records import has
from microconv.demo.rows import Rows
from microconv.demo.schema import EXPORT_SCHEMA

_DEVICE = {
    "category": Lookup([d.category for d in shop.DEVICES]),
    "mobile_brand_name": Lookup([d.brand for d in shop.DEVICES]),
    "mobile_model_name": Lookup([d.model for d in shop.DEVICES]),
    "operating_system": Lookup([d.system for d in shop.DEVICES]),
    "operating_system_version": Lookup([d.system_version for d in shop.DEVICES]),
}
_WEB = {
    "browser": Lookup([d.browser for d in shop.DEVICES]),
    "browser_version": Lookup([d.browser_version for d in shop.DEVICES]),
}
_LANGUAGE = Lookup([place.language for place in shop.PLACES])
_GEO = {
    name: Lookup([getattr(place, name) for place in shop.PLACES])
    for name in ("city", "region", "country", "sub_continent", "continent", "metro")
}
_SOURCE = Lookup([campaign.source for campaign in shop.CAMPAIGNS])
_MEDIUM = Lookup([campaign.medium for campaign in shop.CAMPAIGNS])
_NAME = Lookup([campaign.name for campaign in shop.CAMPAIGNS])
_GROUP = Lookup([campaign.channel_group for campaign in shop.CAMPAIGNS])
_CAMPAIGN_ID = Lookup([f"21{code:02d}774" for code in range(len(shop.CAMPAIGNS))])
_HOST = Lookup(shop.HOSTS)
_CLICK_IDS = Lookup(shop.CLICK_IDS)
_PLATFORM = Lookup(["Google Ads" if paid else "Manual" for paid in shop.CLICK_ID])


def context_columns(rows: Rows) -> dict[str, pa.Array]:
    """All columns of this module by name."""
    return {**_surroundings(rows), **_traffic(rows), **_batches(rows)}


def _surroundings(rows: Rows) -> dict[str, pa.Array]:
    """Device, place, stream and host. A Measurement Protocol hit knows only the place."""
    records, n = rows.records, len(rows)
    on_page = ~has(records, rec.OFF_SESSION)
    code = np.where(on_page, records["device"].astype(np.int64), -1)
    place = records["place"].astype(np.int64)
    host = np.where(on_page, has(records, rec.BARE_HOST), -1).astype(np.int64)
    device_type = EXPORT_SCHEMA.field("device").type
    web = {name: lookup.column(code) for name, lookup in _WEB.items()}
    web["hostname"] = _HOST.column(host)
    device = {name: lookup.column(code) for name, lookup in _DEVICE.items()}
    device["language"] = _LANGUAGE.column(np.where(on_page, place, -1))
    device["is_limited_ad_tracking"] = constant("No", n)
    device["web_info"] = struct(device_type.field("web_info").type, n, web)
    geo = {name: lookup.column(place) for name, lookup in _GEO.items()}
    dimensions_type = EXPORT_SCHEMA.field("event_dimensions").type
    return {
        "device": struct(device_type, n, device),
        "geo": struct(EXPORT_SCHEMA.field("geo").type, n, geo),
        "stream_id": constant("7700112233", n),
        "platform": constant("WEB", n),
        "event_dimensions": struct(dimensions_type, n, {"hostname": web["hostname"]}),
    }


def _traffic(rows: Rows) -> dict[str, pa.Array]:
    """First touch of the cookie, source of this request, last click of the session."""
    records, n = rows.records, len(rows)
    first = records["first_campaign"].astype(np.int64)
    touch = {"name": _NAME.column(first), "medium": _MEDIUM.column(first)}
    touch["source"] = _SOURCE.column(first)
    code = records["collected"].astype(np.int64)
    opening = has(records, rec.FIRST_BATCH) & (code != shop.DIRECT)
    clicked = opening & shop.CLICK_ID[code]
    index = np.where(clicked, click_numbers(rows), -1)
    collected = {
        "manual_campaign_name": _NAME.column(code),
        "manual_source": _SOURCE.column(code),
        "manual_medium": _MEDIUM.column(code),
        "gclid": _CLICK_IDS.column(index),
    }
    collected_type = EXPORT_SCHEMA.field("collected_traffic_source").type
    return {
        "traffic_source": struct(EXPORT_SCHEMA.field("traffic_source").type, n, touch),
        "collected_traffic_source": struct(collected_type, n, collected, opening),
        "session_traffic_source_last_click": _last_click(records),
    }


def _last_click(records: rec.Fields) -> pa.Array:
    """`session_traffic_source_last_click` on every event of a session, as since 2024."""
    n = len(records)
    code = records["last_click"].astype(np.int64)
    in_session = ~has(records, rec.OFF_SESSION)
    data_type = EXPORT_SCHEMA.field("session_traffic_source_last_click").type
    shared = {
        "campaign_name": _NAME.column(code),
        "source": _SOURCE.column(code),
        "medium": _MEDIUM.column(code),
    }
    paid = in_session & shop.CLICK_ID[code]
    campaign_id = _CAMPAIGN_ID.column(np.where(paid, code, -1))
    group = _GROUP.column(code)
    across = {
        **shared,
        "campaign_id": campaign_id,
        "source_platform": _PLATFORM.column(code),
        "default_channel_group": group,
        "primary_channel_group": group,
    }
    ads = {
        "customer_id": constant("4445556667", n),
        "account_name": constant("Shop Example", n),
        "campaign_id": campaign_id,
        "campaign_name": shared["campaign_name"],
    }
    parts: dict[str, tuple[dict[str, pa.Array], Bools]] = {
        "manual_campaign": (shared, shop.TAGGED[code]),
        "google_ads_campaign": (ads, paid),
        "cross_channel_campaign": (across, in_session),
    }
    filled = {
        name: struct(data_type.field(name).type, n, fields, present)
        for name, (fields, present) in parts.items()
    }
    return struct(data_type, n, filled, in_session)


def _batches(rows: Rows) -> dict[str, pa.Array]:
    """Which request of which page load an event came in, and its place there."""
    records = rows.records
    on_page = ~has(records, rec.OFF_SESSION)
    ordering: Ints = records["ordering"].astype(np.int64)
    request = mixed(rows.page_word ^ ordering.astype(np.uint64), 45) >> np.uint64(30)
    return {
        "batch_event_index": integers(records["batch_index"], on_page),
        "batch_page_id": integers(records["page_at"] // 1000, on_page),
        "batch_ordering_id": integers(ordering, on_page),
        "event_bundle_sequence_id": integers(request.astype(np.int64)),
    }
