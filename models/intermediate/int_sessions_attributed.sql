{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "user_pseudo_id"},
        partition_by=bigquery_only({"field": "session_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with session_days as (

    select * from {{ ref("int_session_days") }}
    where session_id is not null
    {%- if is_incremental() %}
        and user_pseudo_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

devices as (

    select * from {{ ref("int_visitor_devices_identified") }}

),

channel_groups as (

    select * from {{ ref("channel_groups") }}

),

whole_sessions as (

    select
        session_id,
        property_id,
        user_pseudo_id,
        min(event_date) as session_date,
        max(event_date) as last_date,
        min(first_event_timestamp) as started_timestamp,
        max(last_event_timestamp) as ended_timestamp,
        max(ga_session_id) as ga_session_id,
        max(session_number) as session_number,
        min(user_first_touch_timestamp) as user_first_touch_timestamp,
        {{ first_by("origin", ["event_date"], "origin is not null") }} as origin,
        {{ first_by("source", ["event_date"], "source is not null") }} as source,
        {{ first_by("last_click", ["event_date"], "last_click is not null") }} as last_click,
        {{ first_by("first_touch", ["event_date"], "first_touch is not null") }} as first_touch,
        {{ first_by("landing_page_path", ["event_date"], "landing_page_path is not null") }} as landing_page_path,
        {{ last_by("exit_page_path", ["event_date"], "exit_page_path is not null") }} as exit_page_path,
        {{ last_by("user_id_hash", ["event_date"], "user_id_hash is not null") }} as user_id_hash,
        cast(sum(event_count) as int64) as event_count,
        cast(sum(page_view_count) as int64) as page_view_count,
        cast(sum(engaged_msec) as int64) as engaged_msec,
        max(case when is_engaged then 1 else 0 end) = 1 as is_engaged,
        min(case when has_analytics_consent then 1 else 0 end) = 1 as has_analytics_consent,
        min(case when has_ads_consent then 1 else 0 end) = 1 as has_ads_consent,
        max(case when is_internal_traffic then 1 else 0 end) = 1 as is_internal_traffic,
        max(case when is_foreign_hostname then 1 else 0 end) = 1 as is_foreign_hostname
    from session_days
    group by session_id, property_id, user_pseudo_id

),

sourced_sessions as (

    -- The last click that Google attributed to the session, else the first source that was sent in it.
    select
        *,
        coalesce(last_click.last_click_source, source.event_source) as session_source,
        case when last_click.last_click_source is null then source.event_medium else last_click.last_click_medium end
            as session_medium,
        case
            when last_click.last_click_source is null then source.event_campaign
            else last_click.last_click_campaign
        end as session_campaign,
        row_number() over (
            partition by property_id, user_pseudo_id
            order by started_timestamp, session_id
        ) as session_of_device
    from whole_sessions

),

distinct_sources as (

    select
        session_source,
        session_medium,
        session_campaign
    from sourced_sessions
    union distinct
    select
        first_touch.first_touch_source as session_source,
        first_touch.first_touch_medium as session_medium,
        first_touch.first_touch_campaign as session_campaign
    from sourced_sessions

),

grouped_sources as (

    select
        distinct_sources.session_source,
        distinct_sources.session_medium,
        distinct_sources.session_campaign,
        channel_groups.channel_group
    from distinct_sources
    cross join channel_groups
    where {{ pattern_holds("distinct_sources.session_source", "channel_groups.source_pattern") }}
        and {{ pattern_holds("distinct_sources.session_medium", "channel_groups.medium_pattern") }}
        and {{ pattern_holds("distinct_sources.session_campaign", "channel_groups.campaign_pattern") }}
    qualify row_number() over (
        partition by
            distinct_sources.session_source, distinct_sources.session_medium, distinct_sources.session_campaign
        order by channel_groups.priority
    ) = 1

),

int_sessions_attributed as (

    select
        sessions.session_id,
        sessions.property_id,
        sessions.user_pseudo_id,
        coalesce(sessions.user_id_hash, devices.only_user_id_hash, sessions.user_pseudo_id) as visitor_id,
        sessions.session_date,
        sessions.last_date,
        sessions.started_timestamp,
        sessions.ended_timestamp,
        least(
            sessions.started_timestamp, coalesce(sessions.user_first_touch_timestamp, sessions.started_timestamp)
        ) as first_visit_timestamp,
        sessions.ga_session_id,
        sessions.session_number,
        coalesce(
            sessions.session_number = 1,
            sessions.session_of_device = 1
            and coalesce(sessions.user_first_touch_timestamp >= sessions.started_timestamp - 60000000, true)
        ) as is_new_visitor,
        sessions.landing_page_path,
        sessions.exit_page_path,
        sessions.session_source,
        sessions.session_medium,
        sessions.session_campaign,
        coalesce(grouped_sources.channel_group, 'Unassigned') as channel_group,
        sessions.first_touch.first_touch_source as first_touch_source,
        sessions.first_touch.first_touch_medium as first_touch_medium,
        sessions.first_touch.first_touch_campaign as first_touch_campaign,
        coalesce(first_touch_groups.channel_group, 'Unassigned') as first_touch_channel_group,
        sessions.origin.device_category as device_category,
        sessions.origin.operating_system as operating_system,
        sessions.origin.browser as browser,
        sessions.origin.country as country,
        sessions.origin.region as region,
        sessions.origin.city as city,
        sessions.origin.platform as platform,
        sessions.event_count,
        sessions.page_view_count,
        sessions.engaged_msec / 1000.0 as engaged_seconds,
        sessions.is_engaged,
        sessions.has_analytics_consent,
        sessions.has_ads_consent,
        case
            when sessions.is_internal_traffic then 'internal_traffic'
            when sessions.is_foreign_hostname then 'foreign_hostname'
            when {{ is_inattentive("sessions.page_view_count", "sessions.engaged_msec") }}
                or (
                    sessions.page_view_count >= {{ var("bot_page_views") }}
                    and sessions.ended_timestamp - sessions.started_timestamp < sessions.page_view_count * 1000000
                )
                then 'suspected_bot'
        end as exclusion_reason
    from sourced_sessions as sessions
    left join devices on sessions.user_pseudo_id = devices.user_pseudo_id
    left join grouped_sources
        on coalesce(sessions.session_source, '') = coalesce(grouped_sources.session_source, '')
        and coalesce(sessions.session_medium, '') = coalesce(grouped_sources.session_medium, '')
        and coalesce(sessions.session_campaign, '') = coalesce(grouped_sources.session_campaign, '')
    left join grouped_sources as first_touch_groups
        on coalesce(sessions.first_touch.first_touch_source, '') = coalesce(first_touch_groups.session_source, '')
        and coalesce(sessions.first_touch.first_touch_medium, '') = coalesce(first_touch_groups.session_medium, '')
        and coalesce(sessions.first_touch.first_touch_campaign, '')
        = coalesce(first_touch_groups.session_campaign, '')

)

select * from int_sessions_attributed
