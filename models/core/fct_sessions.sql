{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        on_schema_change="fail",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "session_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id", "channel_group"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with sessions as (

    select * from {{ ref("int_sessions_attributed") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and session_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

session_conversions as (

    select
        session_id,
        cast(sum(case when conversion_type = 'micro' then 1 else 0 end) as int64) as micro_conversion_count,
        cast(sum(case when conversion_type = 'macro' then 1 else 0 end) as int64) as macro_conversion_count
    from conversions
    group by session_id

),

session_sales as (

    {{ sales_by("session_id", "conversions") }}

),

fct_sessions as (

    select
        sessions.session_id,
        sessions.property_id,
        sessions.visitor_id,
        sessions.user_pseudo_id,
        sessions.session_date,
        {{ timestamp_from_micros("sessions.started_timestamp") }} as started_at,
        {{ timestamp_from_micros("sessions.ended_timestamp") }} as ended_at,
        sessions.session_number,
        sessions.is_new_visitor,
        sessions.landing_page_path,
        sessions.exit_page_path,
        sessions.session_source,
        sessions.session_medium,
        sessions.session_campaign,
        sessions.channel_group,
        sessions.first_touch_source,
        sessions.first_touch_medium,
        sessions.first_touch_campaign,
        sessions.first_touch_channel_group,
        sessions.device_category,
        sessions.operating_system,
        sessions.browser,
        sessions.country,
        sessions.region,
        sessions.city,
        sessions.platform,
        sessions.event_count,
        sessions.page_view_count,
        sessions.engaged_seconds,
        sessions.is_engaged,
        coalesce(session_conversions.micro_conversion_count, 0) as micro_conversion_count,
        coalesce(session_conversions.macro_conversion_count, 0) as macro_conversion_count,
        coalesce(session_sales.revenue_usd, 0) as revenue_usd,
        sessions.has_analytics_consent as has_consent,
        sessions.has_ads_consent,
        sessions.exclusion_reason
    from sessions
    left join session_conversions on sessions.session_id = session_conversions.session_id
    left join session_sales on sessions.session_id = session_sales.session_id

)

select * from fct_sessions
