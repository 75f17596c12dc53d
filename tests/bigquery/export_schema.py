"""BigQuery schema of one day of the GA4 export, as it was in 2020 and as it is in 2026.

2020 is the public sample `bigquery-public-data.ga4_obfuscated_sample_ecommerce`, whose all-null
columns have odd types. Staging has to be accepted on both.
"""

from __future__ import annotations

from .googlesql import Column


def _struct(*groups: str) -> str:
    """STRUCT from lines of 'TYPE: name name …'."""
    fields = []
    for group in groups:
        kind, _, names = group.partition(": ")
        fields += [f"{name} {kind}" for name in names.split()]
    return f"STRUCT<{', '.join(fields)}>"


def _columns(*groups: str) -> list[Column]:
    columns = []
    for group in groups:
        kind, _, names = group.partition(": ")
        columns += [Column(name, kind) for name in names.split()]
    return columns


def _params(value: str, key: str = "STRING") -> str:
    return f"ARRAY<STRUCT<key {key}, value {value}>>"


_VALUE = _struct("STRING: string_value", "INT64: int_value", "FLOAT64: float_value double_value")
_USER_VALUE = _struct(
    "STRING: string_value",
    "INT64: int_value",
    "FLOAT64: float_value double_value",
    "INT64: set_timestamp_micros",
)
_UNTYPED_USER_VALUE = _struct(
    "INT64: string_value int_value float_value double_value set_timestamp_micros"
)
_ECOMMERCE = _struct(
    "INT64: total_item_quantity",
    "FLOAT64: purchase_revenue_in_usd purchase_revenue refund_value_in_usd refund_value"
    " shipping_value_in_usd shipping_value tax_value_in_usd tax_value",
    "INT64: unique_items",
    "STRING: transaction_id",
)
_ITEM = (
    "STRING: item_id item_name item_brand item_variant item_category item_category2"
    " item_category3 item_category4 item_category5",
    "FLOAT64: price_in_usd price",
    "INT64: quantity",
    "FLOAT64: item_revenue_in_usd item_revenue item_refund_in_usd item_refund",
    "STRING: coupon affiliation location_id item_list_id item_list_name item_list_index"
    " promotion_id promotion_name creative_name creative_slot",
)
_FIRST_COLUMNS = _columns(
    "STRING: event_date",
    "INT64: event_timestamp",
    "STRING: event_name",
    f"{_params(_VALUE)}: event_params",
    "INT64: event_previous_timestamp",
    "FLOAT64: event_value_in_usd",
    "INT64: event_bundle_sequence_id event_server_timestamp_offset",
    "STRING: user_id user_pseudo_id",
)
_GEO = _struct("STRING: city country continent region sub_continent metro")
_APP = _struct("STRING: id version install_store firebase_app_id install_source")
_FIRST_TOUCH = _struct("STRING: name medium source")
_LIFETIME_VALUE = _struct("FLOAT64: revenue", "STRING: currency")

EXPORT_2020: list[Column] = _FIRST_COLUMNS + _columns(
    f"{_struct('INT64: analytics_storage ads_storage', 'STRING: uses_transient_token')}"
    ": privacy_info",
    f"{_params(_UNTYPED_USER_VALUE, key='INT64')}: user_properties",
    "INT64: user_first_touch_timestamp",
    f"{_LIFETIME_VALUE}: user_ltv",
    _struct(
        "STRING: category mobile_brand_name mobile_model_name mobile_marketing_name",
        "INT64: mobile_os_hardware_model",
        "STRING: operating_system operating_system_version",
        "INT64: vendor_id advertising_id",
        "STRING: language is_limited_ad_tracking",
        "INT64: time_zone_offset_seconds",
        f"{_struct('STRING: browser browser_version')}: web_info",
    )
    + ": device",
    f"{_GEO}: geo",
    f"{_APP}: app_info",
    f"{_FIRST_TOUCH}: traffic_source",
    "INT64: stream_id",
    "STRING: platform",
    f"{_struct('STRING: hostname')}: event_dimensions",
    f"{_ECOMMERCE}: ecommerce",
    f"ARRAY<{_struct(*_ITEM)}>: items",
)

_MANUAL = "campaign_id campaign_name source medium"
_LAST_CLICK = {
    "manual_campaign": f"{_MANUAL} term content source_platform creative_format marketing_tactic",
    "google_ads_campaign": "customer_id account_name campaign_id campaign_name ad_group_id"
    " ad_group_name",
    "cross_channel_campaign": f"{_MANUAL} source_platform default_channel_group"
    " primary_channel_group",
    "sa360_campaign": f"{_MANUAL} ad_group_id ad_group_name creative_format engine_account_name"
    " engine_account_type manager_account_name",
    "cm360_campaign": f"{_MANUAL} account_id account_name advertiser_id advertiser_name"
    " creative_id creative_format creative_name creative_type creative_type_id creative_version"
    " placement_id placement_cost_structure placement_name rendering_id site_id site_name",
    "dv360_campaign": f"{_MANUAL} advertiser_id advertiser_name creative_id creative_format"
    " creative_name exchange_id exchange_name insertion_order_id insertion_order_name line_item_id"
    " line_item_name partner_id partner_name",
}

EXPORT_2026: list[Column] = _FIRST_COLUMNS + _columns(
    f"{_struct('STRING: analytics_storage ads_storage uses_transient_token')}: privacy_info",
    f"{_params(_USER_VALUE)}: user_properties",
    "INT64: user_first_touch_timestamp",
    f"{_LIFETIME_VALUE}: user_ltv",
    _struct(
        "STRING: category mobile_brand_name mobile_model_name mobile_marketing_name"
        " mobile_os_hardware_model operating_system operating_system_version vendor_id"
        " advertising_id language is_limited_ad_tracking",
        "INT64: time_zone_offset_seconds",
        "STRING: browser browser_version",
        f"{_struct('STRING: browser browser_version hostname')}: web_info",
    )
    + ": device",
    f"{_GEO}: geo",
    f"{_APP}: app_info",
    f"{_FIRST_TOUCH}: traffic_source",
    "STRING: stream_id platform",
    f"{_struct('STRING: hostname')}: event_dimensions",
    f"{_ECOMMERCE}: ecommerce",
    f"ARRAY<{_struct(*_ITEM, f'{_params(_VALUE)}: item_params')}>: items",
    _struct(
        "STRING: manual_campaign_id manual_campaign_name manual_source manual_medium manual_term"
        " manual_content manual_source_platform manual_creative_format manual_marketing_tactic"
        " gclid dclid srsltid"
    )
    + ": collected_traffic_source",
    "BOOL: is_active_user",
    "INT64: batch_event_index batch_page_id batch_ordering_id",
    _struct(*(f"{_struct(f'STRING: {names}')}: {name}" for name, names in _LAST_CLICK.items()))
    + ": session_traffic_source_last_click",
    _struct("FLOAT64: ad_revenue_in_usd", "STRING: ad_format ad_source_name ad_unit_id")
    + ": publisher",
    "INT64: event_original_occurrence_timestamp",
)

_INTRADAY_LACKS = {
    *("traffic_source", "user_ltv", "is_active_user", "publisher"),
    "session_traffic_source_last_click",
}


def columns_of(export: list[Column], table: str) -> list[Column]:
    """Columns of a table or wildcard of an export, such as events_20260301 or events_fresh_*."""
    lacking = _INTRADAY_LACKS if "intraday_" in table else set()
    return [column for column in export if column.name not in lacking]


EXPORTS: dict[str, list[Column]] = {"2020": EXPORT_2020, "2026": EXPORT_2026}
