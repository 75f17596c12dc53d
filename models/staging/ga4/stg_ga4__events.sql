with rows_of_the_export as (

    select * from {{ ref("base_ga4__events") }}

),

stg_ga4__events as (

    select
        event_id,
        property_id,
        event_date,
        event_at,
        event_timestamp,
        event_order,
        event_name,
        user_pseudo_id,
        user_id_hash,
        session_id,
        ga_session_id,
        session_number,
        page_location,
        page_path,
        page_title,
        page_referrer,
        hostname,
        engagement_seconds,
        is_session_engaged,
        percent_scrolled,
        search_term,
        link_url,
        file_name,
        form_id,
        event_source,
        event_medium,
        event_campaign,
        last_click_source,
        last_click_medium,
        last_click_campaign,
        first_touch_source,
        first_touch_medium,
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
        revenue_usd,
        refund_usd,
        event_value,
        event_value_in_usd,
        currency,
        items,
        event_params,
        user_properties,
        traffic_type,
        is_key_event,
        source_table_kind,
        has_analytics_consent,
        has_ads_consent
    from rows_of_the_export
    where rejection_reason is null

)

select * from stg_ga4__events
