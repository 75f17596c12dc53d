{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["user_pseudo_id"]),
    )
}}

{%- set dates = open_dates() %}

{%- set event_sequence = ["events.event_timestamp", "events.event_order", "events.event_id"] %}
{%- set origin = ["device_category", "operating_system", "browser", "country", "region", "city", "platform"] %}
{%- set has_origin = "coalesce(events.device_category, events.country) is not null" %}
{%- set source = ["event_source", "event_medium", "event_campaign"] %}
{%- set last_click = ["last_click_source", "last_click_medium", "last_click_campaign"] %}
{%- set first_touch = ["first_touch_source", "first_touch_medium", "first_touch_campaign"] %}

with events as (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

own_hostnames as (

    select * from {{ ref("own_hostnames") }}

),

listed as (

    select count(*) as hostname_count
    from own_hostnames

),

int_session_days as (

    select
        events.property_id,
        events.user_pseudo_id,
        events.session_id,
        events.event_date,
        min(events.event_timestamp) as first_event_timestamp,
        max(events.event_timestamp) as last_event_timestamp,
        max(events.ga_session_id) as ga_session_id,
        max(events.session_number) as session_number,
        min(events.user_first_touch_timestamp) as user_first_touch_timestamp,
        {{ first_by(struct_of(origin), event_sequence, has_origin) }} as origin,
        {{ first_by(struct_of(source), event_sequence, "events.event_source is not null") }} as source,
        {{ first_by(struct_of(last_click), event_sequence, "events.last_click_source is not null") }}
            as last_click,
        {{ first_by(struct_of(first_touch), event_sequence, "events.first_touch_source is not null") }}
            as first_touch,
        {{ first_by("events.page_path", event_sequence, "events.page_path is not null") }} as landing_page_path,
        {{ last_by("events.page_path", event_sequence, "events.page_path is not null") }} as exit_page_path,
        {{ last_by("events.user_id_hash", event_sequence, "events.user_id_hash is not null") }} as user_id_hash,
        cast(count(*) as int64) as event_count,
        cast(
            sum(case when events.event_name in ('page_view', 'screen_view') then 1 else 0 end) as int64
        ) as page_view_count,
        cast(
            sum(cast(round(coalesce(events.engagement_seconds, 0) * 1000) as int64)) as int64
        ) as engaged_msec,
        max(case when events.is_session_engaged then 1 else 0 end) = 1 as is_engaged,
        min(case when events.has_analytics_consent then 1 else 0 end) = 1 as has_analytics_consent,
        min(case when events.has_ads_consent then 1 else 0 end) = 1 as has_ads_consent,
        max(case when events.traffic_type = 'internal' then 1 else 0 end) = 1 as is_internal_traffic,
        max(
            case
                when events.hostname is not null and own_hostnames.hostname is null and listed.hostname_count > 0
                    then 1
                else 0
            end
        ) = 1 as is_foreign_hostname
    from events
    left join own_hostnames on events.hostname = own_hostnames.hostname
    cross join listed
    where events.user_pseudo_id is not null
    group by events.property_id, events.user_pseudo_id, events.session_id, events.event_date

)

select * from int_session_days
