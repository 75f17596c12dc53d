"""Columns that say where an event came from: device, place, traffic source, request."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from microconv.demo import records as rec
from microconv.demo import world
from microconv.demo.arrays import Bools, Ints, mixed
from microconv.demo.coding import Lookup, constant, integers, struct
from microconv.demo.event_parameters import click_numbers
from microconv.demo.records import has
from microconv.demo.rows import Rows
from microconv.demo.schema import EXPORT_SCHEMA
from microconv.demo.site import Site

_GEO = ("city", "region", "country", "sub_continent", "continent", "metro")
_APP = {
    "id": "com.example.app",
    "version": "4.12.0",
    "install_source": "manual_install",
}
_STORES = {"iOS": "iTunes", "iPadOS": "iTunes", "Android": "com.android.vending"}


class ContextEncoder:
    """The columns that say where an event came from, for one site."""

    def __init__(self, site: Site) -> None:
        devices, campaigns, places = site.devices, site.campaigns, site.places
        self._site = site
        self._device = {
            "category": Lookup([d.category for d in devices]),
            "mobile_brand_name": Lookup([d.brand for d in devices]),
            "mobile_model_name": Lookup([d.model for d in devices]),
            "operating_system": Lookup([d.system for d in devices]),
            "operating_system_version": Lookup([d.system_version for d in devices]),
        }
        self._web = {
            "browser": Lookup([d.browser for d in devices]),
            "browser_version": Lookup([d.browser_version for d in devices]),
        }
        self._language = Lookup([place.language for place in places])
        self._geo = {name: Lookup([getattr(place, name) for place in places]) for name in _GEO}
        self._source = Lookup([campaign.source for campaign in campaigns])
        self._medium = Lookup([campaign.medium for campaign in campaigns])
        self._name = Lookup([campaign.name for campaign in campaigns])
        self._group = Lookup([campaign.channel_group for campaign in campaigns])
        self._campaign_id = Lookup([f"21{code:02d}774" for code in range(len(campaigns))])
        self._host = Lookup(site.hosts)
        self._click_ids = Lookup(world.CLICK_IDS)
        self._platform = Lookup(["Google Ads" if paid else "Manual" for paid in site.has_click_id])
        self._store = Lookup([_STORES.get(d.system) for d in devices])
        self._app_platform = Lookup(
            ["ANDROID" if d.system == "Android" else "IOS" for d in devices]
        )

    def columns(self, rows: Rows) -> dict[str, pa.Array]:
        """All columns of this module by name."""
        return {**self._surroundings(rows), **self._traffic(rows), **_batches(rows)}

    def _surroundings(self, rows: Rows) -> dict[str, pa.Array]:
        """Device, place, stream and host. A Measurement Protocol hit knows only the place."""
        records, n = rows.records, len(rows)
        on_page = ~has(records, rec.OFF_SESSION)
        code = np.where(on_page, records["device"].astype(np.int64), -1)
        place = records["place"].astype(np.int64)
        is_web = on_page & (not self._site.is_app)
        host = np.where(is_web, has(records, rec.BARE_HOST), -1).astype(np.int64)
        device_type = EXPORT_SCHEMA.field("device").type
        browser = np.where(is_web, code, -1)
        web = {name: lookup.column(browser) for name, lookup in self._web.items()}
        web["hostname"] = self._host.column(host)
        device = {name: lookup.column(code) for name, lookup in self._device.items()}
        device["language"] = self._language.column(np.where(on_page, place, -1))
        device["is_limited_ad_tracking"] = constant("No", n)
        device["web_info"] = struct(device_type.field("web_info").type, n, web)
        geo = {name: lookup.column(place) for name, lookup in self._geo.items()}
        dimensions_type = EXPORT_SCHEMA.field("event_dimensions").type
        return {
            "device": struct(device_type, n, device),
            "geo": struct(EXPORT_SCHEMA.field("geo").type, n, geo),
            "stream_id": constant(self._site.stream_id, n),
            "platform": constant("WEB", n),
            "event_dimensions": struct(dimensions_type, n, {"hostname": web["hostname"]}),
            **(self._app(code) if self._site.is_app else {}),
        }

    def _app(self, device: Ints) -> dict[str, pa.Array]:
        """What an app's hits say in place of a browser and a host."""
        n = len(device)
        app_type = EXPORT_SCHEMA.field("app_info").type
        app = {name: constant(value, n) for name, value in _APP.items()}
        app["install_store"] = self._store.column(device)
        on_device = device >= 0
        return {
            "platform": self._app_platform.column(np.where(on_device, device, 0)),
            "app_info": struct(app_type, n, app),
        }

    def _traffic(self, rows: Rows) -> dict[str, pa.Array]:
        """First touch of the cookie, source of this request, last click of the session."""
        records, n = rows.records, len(rows)
        first = records["first_campaign"].astype(np.int64)
        touch = {"name": self._name.column(first), "medium": self._medium.column(first)}
        touch["source"] = self._source.column(first)
        code = records["collected"].astype(np.int64)
        opening = has(records, rec.FIRST_BATCH) & (code != self._site.direct)
        clicked = opening & self._site.has_click_id[code]
        index = np.where(clicked, click_numbers(rows), -1)
        collected = {
            "manual_campaign_name": self._name.column(code),
            "manual_source": self._source.column(code),
            "manual_medium": self._medium.column(code),
            "gclid": self._click_ids.column(index),
        }
        collected_type = EXPORT_SCHEMA.field("collected_traffic_source").type
        return {
            "traffic_source": struct(EXPORT_SCHEMA.field("traffic_source").type, n, touch),
            "collected_traffic_source": struct(collected_type, n, collected, opening),
            "session_traffic_source_last_click": self._last_click(records),
        }

    def _last_click(self, records: rec.Fields) -> pa.Array:
        """`session_traffic_source_last_click` on every event of a session, as since 2024."""
        n = len(records)
        code = records["last_click"].astype(np.int64)
        in_session = ~has(records, rec.OFF_SESSION)
        data_type = EXPORT_SCHEMA.field("session_traffic_source_last_click").type
        shared = {
            "campaign_name": self._name.column(code),
            "source": self._source.column(code),
            "medium": self._medium.column(code),
        }
        paid = in_session & self._site.has_click_id[code]
        campaign_id = self._campaign_id.column(np.where(paid, code, -1))
        group = self._group.column(code)
        across = {
            **shared,
            "campaign_id": campaign_id,
            "source_platform": self._platform.column(code),
            "default_channel_group": group,
            "primary_channel_group": group,
        }
        ads = {
            "customer_id": constant("4445556667", n),
            "account_name": constant(self._site.name, n),
            "campaign_id": campaign_id,
            "campaign_name": shared["campaign_name"],
        }
        parts: dict[str, tuple[dict[str, pa.Array], Bools]] = {
            "manual_campaign": (shared, self._site.is_tagged[code]),
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
