{#- The fields of the export that staging reads, as a nested mapping of BigQuery types; a list marks an
    array. Whatever a file or shard lacks is read as NULL of the type written here. -#}
{% macro ga4_export_columns() %}
    {%- set value = {
        "string_value": "string", "int_value": "int64", "float_value": "float64", "double_value": "float64"
    } -%}
    {{- return({
        "event_date": "string",
        "event_timestamp": "int64",
        "event_name": "string",
        "event_params": [{"key": "string", "value": value}],
        "event_value_in_usd": "float64",
        "event_bundle_sequence_id": "int64",
        "event_server_timestamp_offset": "int64",
        "user_id": "string",
        "user_pseudo_id": "string",
        "privacy_info": {"analytics_storage": "string", "ads_storage": "string"},
        "user_properties": [{"key": "string", "value": value}],
        "user_first_touch_timestamp": "int64",
        "device": {
            "category": "string", "operating_system": "string", "browser": "string",
            "web_info": {"browser": "string", "hostname": "string"}
        },
        "geo": {"city": "string", "country": "string", "region": "string"},
        "app_info": {"version": "string"},
        "traffic_source": {"name": "string", "medium": "string", "source": "string"},
        "stream_id": "string",
        "platform": "string",
        "ecommerce": {
            "purchase_revenue_in_usd": "float64", "purchase_revenue": "float64",
            "refund_value_in_usd": "float64", "refund_value": "float64", "transaction_id": "string"
        },
        "items": [ga4_item_fields()],
        "collected_traffic_source": {
            "manual_source": "string", "manual_medium": "string", "manual_campaign_name": "string",
            "gclid": "string"
        },
        "batch_event_index": "int64",
        "batch_page_id": "int64",
        "batch_ordering_id": "int64",
        "session_traffic_source_last_click": {
            "manual_campaign": {"source": "string", "medium": "string", "campaign_name": "string"},
            "cross_channel_campaign": {
                "source": "string", "medium": "string", "campaign_name": "string"
            }
        }
    }) -}}
{% endmacro %}

{#- The fields of an item that staging keeps. -#}
{% macro ga4_item_fields() %}
    {{- return({
        "item_id": "string", "item_name": "string", "item_brand": "string", "item_variant": "string",
        "item_category": "string", "item_category2": "string", "item_category3": "string",
        "item_category4": "string", "item_category5": "string", "price": "float64", "quantity": "int64",
        "item_revenue_in_usd": "float64", "coupon": "string", "item_list_name": "string",
        "promotion_name": "string"
    }) -}}
{% endmacro %}
