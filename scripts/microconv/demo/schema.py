"""The GA4 BigQuery export as Arrow types: 31 columns, nested as Google nests them (2026).

Source: the table in `design/ga4_export.md` and Google's "BigQuery Export schema" help page.
FLOAT64 is Arrow `float64`, INT64 `int64`, STRING `string`, BOOL `bool_`, ARRAY `list<element: …>`.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa

_TEXT, _INTEGER, _FLOAT = pa.string(), pa.int64(), pa.float64()


def _texts(names: str) -> list[pa.Field]:
    return [pa.field(name, _TEXT) for name in names.split()]


def _floats(names: str) -> list[pa.Field]:
    return [pa.field(name, _FLOAT) for name in names.split()]


def _array(element: pa.DataType) -> pa.ListType:
    return pa.list_(pa.field("element", element))


_VALUE_FIELDS = [
    pa.field("string_value", _TEXT),
    pa.field("int_value", _INTEGER),
    pa.field("float_value", _FLOAT),
    pa.field("double_value", _FLOAT),
]
_PARAMETERS = _array(
    pa.struct([pa.field("key", _TEXT), pa.field("value", pa.struct(_VALUE_FIELDS))])
)
_USER_PROPERTY_VALUE = pa.struct([*_VALUE_FIELDS, pa.field("set_timestamp_micros", _INTEGER)])
_USER_PROPERTIES = _array(
    pa.struct([pa.field("key", _TEXT), pa.field("value", _USER_PROPERTY_VALUE)])
)

_DEVICE = pa.struct(
    [
        *_texts(
            "category mobile_brand_name mobile_model_name mobile_marketing_name "
            "mobile_os_hardware_model operating_system operating_system_version "
            "vendor_id advertising_id language is_limited_ad_tracking"
        ),
        pa.field("time_zone_offset_seconds", _INTEGER),
        *_texts("browser browser_version"),
        pa.field("web_info", pa.struct(_texts("browser browser_version hostname"))),
    ]
)

_ECOMMERCE = pa.struct(
    [
        pa.field("total_item_quantity", _INTEGER),
        *_floats(
            "purchase_revenue_in_usd purchase_revenue refund_value_in_usd "
            "refund_value shipping_value_in_usd shipping_value tax_value_in_usd "
            "tax_value"
        ),
        pa.field("unique_items", _INTEGER),
        pa.field("transaction_id", _TEXT),
    ]
)

_ITEM = pa.struct(
    [
        *_texts(
            "item_id item_name item_brand item_variant item_category item_category2 "
            "item_category3 item_category4 item_category5"
        ),
        *_floats("price_in_usd price"),
        pa.field("quantity", _INTEGER),
        *_floats("item_revenue_in_usd item_revenue item_refund_in_usd item_refund"),
        *_texts(
            "coupon affiliation location_id item_list_id item_list_name "
            "item_list_index promotion_id promotion_name creative_name "
            "creative_slot"
        ),
        pa.field("item_params", _PARAMETERS),
    ]
)

_COLLECTED_TRAFFIC_SOURCE = pa.struct(
    _texts(
        "manual_campaign_id manual_campaign_name manual_source manual_medium "
        "manual_term manual_content manual_source_platform "
        "manual_creative_format manual_marketing_tactic gclid dclid srsltid"
    )
)

_CAMPAIGN = "campaign_id campaign_name source medium "
_LAST_CLICK = pa.struct(
    [
        pa.field(
            "manual_campaign",
            pa.struct(
                _texts(_CAMPAIGN + "term content source_platform creative_format marketing_tactic")
            ),
        ),
        pa.field(
            "google_ads_campaign",
            pa.struct(
                _texts(
                    "customer_id account_name campaign_id campaign_name ad_group_id ad_group_name"
                )
            ),
        ),
        pa.field(
            "cross_channel_campaign",
            pa.struct(
                _texts(_CAMPAIGN + "source_platform default_channel_group primary_channel_group")
            ),
        ),
        pa.field(
            "sa360_campaign",
            pa.struct(
                _texts(
                    _CAMPAIGN + "ad_group_id ad_group_name creative_format engine_account_name "
                    "engine_account_type manager_account_name"
                )
            ),
        ),
        pa.field(
            "cm360_campaign",
            pa.struct(
                _texts(
                    _CAMPAIGN + "account_id account_name advertiser_id advertiser_name creative_id "
                    "creative_format creative_name creative_type creative_type_id "
                    "creative_version placement_id placement_cost_structure placement_name "
                    "rendering_id site_id site_name"
                )
            ),
        ),
        pa.field(
            "dv360_campaign",
            pa.struct(
                _texts(
                    _CAMPAIGN + "advertiser_id advertiser_name creative_id creative_format "
                    "creative_name exchange_id exchange_name insertion_order_id "
                    "insertion_order_name line_item_id line_item_name partner_id "
                    "partner_name"
                )
            ),
        ),
    ]
)

EXPORT_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("event_date", _TEXT),
        pa.field("event_timestamp", _INTEGER),
        pa.field("event_name", _TEXT),
        pa.field("event_params", _PARAMETERS),
        pa.field("event_previous_timestamp", _INTEGER),
        pa.field("event_value_in_usd", _FLOAT),
        pa.field("event_bundle_sequence_id", _INTEGER),
        pa.field("event_server_timestamp_offset", _INTEGER),
        pa.field("user_id", _TEXT),
        pa.field("user_pseudo_id", _TEXT),
        pa.field(
            "privacy_info",
            pa.struct(_texts("analytics_storage ads_storage uses_transient_token")),
        ),
        pa.field("user_properties", _USER_PROPERTIES),
        pa.field("user_first_touch_timestamp", _INTEGER),
        pa.field("user_ltv", pa.struct([pa.field("revenue", _FLOAT), pa.field("currency", _TEXT)])),
        pa.field("device", _DEVICE),
        pa.field(
            "geo",
            pa.struct(_texts("city country continent region sub_continent metro")),
        ),
        pa.field(
            "app_info",
            pa.struct(_texts("id version install_store firebase_app_id install_source")),
        ),
        pa.field("traffic_source", pa.struct(_texts("name medium source"))),
        pa.field("stream_id", _TEXT),
        pa.field("platform", _TEXT),
        pa.field("event_dimensions", pa.struct(_texts("hostname"))),
        pa.field("ecommerce", _ECOMMERCE),
        pa.field("items", _array(_ITEM)),
        pa.field("collected_traffic_source", _COLLECTED_TRAFFIC_SOURCE),
        pa.field("is_active_user", pa.bool_()),
        pa.field("batch_event_index", _INTEGER),
        pa.field("batch_page_id", _INTEGER),
        pa.field("batch_ordering_id", _INTEGER),
        pa.field("session_traffic_source_last_click", _LAST_CLICK),
        pa.field(
            "publisher",
            pa.struct(
                [
                    pa.field("ad_revenue_in_usd", _FLOAT),
                    *_texts("ad_format ad_source_name ad_unit_id"),
                ]
            ),
        ),
        pa.field("event_original_occurrence_timestamp", _INTEGER),
    ]
)
"""Schema of one daily table `events_YYYYMMDD`; other code imports this one definition."""

INTRADAY_MISSING: tuple[str, ...] = (
    "traffic_source",
    "user_ltv",
    "is_active_user",
    "publisher",
    "session_traffic_source_last_click",
)
"""Columns that `events_intraday_…` tables lack (`ga4_export.md`, section Tables)."""

INTRADAY_SCHEMA: pa.Schema = pa.schema(
    [field for field in EXPORT_SCHEMA if field.name not in INTRADAY_MISSING]
)


@cache
def dictionary_encoded(data_type: pa.DataType) -> pa.DataType:
    """The same type with every string as `dictionary<int32, string>`, at any depth.

    The generator fills codes, not strings; Parquet stores both alike, so readers see plain strings.
    """
    if pa.types.is_string(data_type):
        return pa.dictionary(pa.int32(), pa.string())
    if pa.types.is_struct(data_type):
        return pa.struct([pa.field(f.name, dictionary_encoded(f.type)) for f in data_type])
    if pa.types.is_list(data_type):
        return _array(dictionary_encoded(data_type.value_type))
    return data_type


def encoded_schema(schema: pa.Schema) -> pa.Schema:
    """`schema` with `dictionary_encoded` applied to every column."""
    return pa.schema([pa.field(f.name, dictionary_encoded(f.type)) for f in schema])
