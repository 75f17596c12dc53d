{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "days"},
        on_schema_change="fail",
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["event_name"]),
    )
}}

{%- set shards = shards_to_read(everything=not is_incremental()) %}

-- depends_on: {{ source("ga4", "events") }}

with {{ export_rows_counted(shards) }},

looked_up as (

    select
        *,
        {{ param_keys() }} as param_keys,
        {{ redact_params("event_params") }} as redacted_params
    from counted_rows

),

parameters as (

    select
        *,
        {%- for key in staged_parameters() %}
        {{ param_value("event_params", key) }} as param_{{ key }},
        {%- endfor %}
        {%- for key in redacted_parameters() %}
        {{ param_value("redacted_params", key) }} as param_{{ key }}{{ "," if not loop.last }}
        {%- endfor %}
    from looked_up

),

read_rows as (

    select
        property_id,
        shard_date as event_date,
        {{ parse_yyyymmdd("event_date") }} as written_date,
        event_date as raw_event_date,
        {{ safe_cast_to("event_timestamp", "int64") }} as event_timestamp,
        nullif(trim(event_name), '') as event_name,
        {{ clean_text("user_pseudo_id") }} as user_pseudo_id,
        user_pseudo_id as raw_user_pseudo_id,
        event_name as raw_event_name,
        cast(stream_id as {{ dbt.type_string() }}) as raw_stream_id,
        {{ clean_text("user_id") }} as user_id,
        {{ clean_text("cast(stream_id as " ~ dbt.type_string() ~ ")") }} as stream_id,
        {{ clean_text("platform") }} as platform,
        {{ session_id_of("param_ga_session_id") }} as ga_session_id,
        {{ value_int("param_ga_session_number") }} as session_number,
        {{ value_text("param_session_engaged") }} in ('1', 'true') as is_session_engaged,
        {{ value_int("param_engagement_time_msec") }} as engagement_msec,
        param_page_location.string_value as page_location,
        param_page_referrer.string_value as page_referrer,
        param_page_title.string_value as page_title,
        param_firebase_screen.string_value as screen_name,
        param_search_term.string_value as search_term,
        param_link_url.string_value as link_url,
        param_file_name.string_value as file_name,
        {{ value_text("param_form_id") }} as form_id,
        {{ value_int("param_percent_scrolled") }} as percent_scrolled,
        {{ value_number("param_value") }} as event_value,
        {{ clean_text("param_currency.string_value") }} as currency,
        {{ redact_id(clean_text("coalesce(" ~ clean_text("ecommerce.transaction_id") ~ ", "
            ~ value_text("param_transaction_id") ~ ")")) }} as transaction_id,
        {{ clean_text("ecommerce.transaction_id") }} is not null as has_ecommerce_transaction_id,
        {{ value_text("param_traffic_type") }} as traffic_type,
        {{ value_int("param_firebase_conversion") }} = 1 as is_key_event,
        {{ redact_name(clean_text("collected_traffic_source.manual_source")) }} as collected_source,
        {{ redact_name(clean_text("collected_traffic_source.manual_medium")) }} as collected_medium,
        {{ redact(clean_text("collected_traffic_source.manual_campaign_name")) }} as collected_campaign,
        {{ redact_name(clean_text("param_source.string_value")) }} as param_source_text,
        {{ redact_name(clean_text("param_medium.string_value")) }} as param_medium_text,
        {{ clean_text("param_campaign.string_value") }} as param_campaign_text,
        coalesce(collected_traffic_source.gclid, {{ value_text("param_gclid") }}) is not null as has_gclid,
        {{ redact_name(clean_text("session_traffic_source_last_click.cross_channel_campaign.source")) }}
            as cross_channel_source,
        {{ redact_name(clean_text("session_traffic_source_last_click.cross_channel_campaign.medium")) }}
            as cross_channel_medium,
        {{ redact(clean_text("session_traffic_source_last_click.cross_channel_campaign.campaign_name")) }}
            as cross_channel_campaign,
        {{ redact_name(clean_text("session_traffic_source_last_click.manual_campaign.source")) }} as manual_source,
        {{ redact_name(clean_text("session_traffic_source_last_click.manual_campaign.medium")) }} as manual_medium,
        {{ redact(clean_text("session_traffic_source_last_click.manual_campaign.campaign_name")) }} as manual_campaign,
        {{ redact_name(clean_text("traffic_source.source")) }} as first_touch_source,
        {{ redact_name(clean_text("traffic_source.medium")) }} as first_touch_medium,
        {{ redact(clean_text("traffic_source.name")) }} as first_touch_campaign,
        case
            when user_first_touch_timestamp between 0 and 4102444800000000 then user_first_touch_timestamp
        end as user_first_touch_timestamp,
        {{ clean_text("device.category") }} as device_category,
        {{ clean_text("device.operating_system") }} as operating_system,
        {{ clean_text("coalesce(device.web_info.browser, device.browser)") }} as browser,
        {{ clean_text("device.web_info.hostname") }} as device_hostname,
        {{ clean_text("app_info.version") }} as app_version,
        {{ clean_text("geo.country") }} as country,
        {{ clean_text("geo.region") }} as region,
        {{ clean_text("geo.city") }} as city,
        {{ clean_text("cast(privacy_info.analytics_storage as " ~ dbt.type_string() ~ ")") }} as analytics_storage,
        {{ clean_text("cast(privacy_info.ads_storage as " ~ dbt.type_string() ~ ")") }} as ads_storage,
        {{ amount("ecommerce.purchase_revenue_in_usd") }} as purchase_revenue_in_usd,
        {{ amount("ecommerce.purchase_revenue") }} as purchase_revenue,
        {{ amount("ecommerce.refund_value_in_usd") }} as refund_value_in_usd,
        {{ amount("ecommerce.refund_value") }} as refund_value,
        {{ amount("event_value_in_usd") }} as event_value_in_usd,
        coalesce(batch_page_id, {{ value_int("param_batch_page_id") }}) as batch_page_id,
        coalesce(batch_ordering_id, {{ value_int("param_batch_ordering_id") }}) as batch_ordering_id,
        coalesce(batch_event_index, {{ value_int("param_batch_event_index") }}) as batch_event_index,
        event_bundle_sequence_id,
        {{ kept_items() }} as items,
        redacted_params as event_params,
        {{ redact_params("user_properties") }} as user_properties,
        source_table_kind,
        source_version,
        copy_number,
        duplicate_count
    from parameters

),

judged_rows as (

    select
        *,
        {{ rejection_reason() }} as rejection_reason,
        {{ event_key() }} as event_key
    from read_rows

),

base_ga4__events as (

    select
        {{ md5_hex("event_key") }} as event_id,
        property_id,
        event_date,
        case when rejection_reason is null then {{ timestamp_from_micros("event_timestamp") }} end as event_at,
        event_timestamp,
        coalesce(
            case when batch_page_id between 0 and 4102444800000 then batch_page_id * 1000000 end
            + greatest(0, least(coalesce(batch_ordering_id, 0), 999)) * 1000
            + greatest(0, least(coalesce(batch_event_index, 0), 999)),
            event_bundle_sequence_id,
            0
        ) as event_order,
        event_name,
        user_pseudo_id,
        {{ salted_hash("user_id") }} as user_id_hash,
        property_id || '-' || stream_id || '-' || user_pseudo_id || '-'
        || cast(ga_session_id as {{ dbt.type_string() }}) as session_id,
        ga_session_id,
        session_number,
        page_location,
        {{ redact_email("coalesce(" ~ url_path("page_location") ~ ", screen_name)") }} as page_path,
        page_title,
        page_referrer,
        lower(coalesce(device_hostname, {{ url_host("page_location") }})) as hostname,
        case when engagement_msec between 0 and 86400000 then engagement_msec / 1000.0 end as engagement_seconds,
        is_session_engaged,
        percent_scrolled,
        search_term,
        link_url,
        file_name,
        form_id,
        {{ redact_email(
            "coalesce(collected_source, param_source_text, case when has_gclid then 'google' end)"
        ) }} as event_source,
        {{ redact_email(
            "case when collected_source is not null then collected_medium "
            ~ "when param_source_text is not null then param_medium_text when has_gclid then 'cpc' end"
        ) }} as event_medium,
        case when collected_source is null then param_campaign_text else collected_campaign end as event_campaign,
        {{ redact_email("coalesce(cross_channel_source, manual_source)") }} as last_click_source,
        {{ redact_email(
            "case when cross_channel_source is null then manual_medium else cross_channel_medium end"
        ) }} as last_click_medium,
        case when cross_channel_source is null then manual_campaign else cross_channel_campaign end
            as last_click_campaign,
        {{ redact_email("first_touch_source") }} as first_touch_source,
        {{ redact_email("first_touch_medium") }} as first_touch_medium,
        first_touch_campaign,
        user_first_touch_timestamp,
        device_category,
        operating_system,
        browser,
        app_version,
        country,
        region,
        city,
        platform,
        stream_id,
        transaction_id,
        has_ecommerce_transaction_id,
        case
            when event_name in ('purchase', 'ecommerce_purchase', 'in_app_purchase')
                then coalesce(
                    purchase_revenue_in_usd,
                    case when currency = 'USD' then purchase_revenue end,
                    event_value_in_usd
                )
        end as revenue_usd,
        case
            when event_name in ('refund', 'app_store_refund')
                then abs(coalesce(
                    refund_value_in_usd,
                    case when currency = 'USD' then coalesce(refund_value, {{ amount("event_value") }}) end,
                    event_value_in_usd
                ))
        end as refund_usd,
        event_value,
        event_value_in_usd,
        currency,
        items,
        event_params,
        user_properties,
        traffic_type,
        is_key_event,
        source_table_kind,
        source_version,
        coalesce(analytics_storage = 'Yes', user_pseudo_id is not null) as has_analytics_consent,
        coalesce(ads_storage = 'Yes', user_pseudo_id is not null) as has_ads_consent,
        duplicate_count,
        rejection_reason,
        case when rejection_reason is not null then {{ rejected_row_text() }} end as raw_row
    from judged_rows

)

select * from base_ga4__events
