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

{#- What a day of a session has of its first or last event that says it: which, the value, and when it is said. -#}
{%- set origin = ["device_category", "operating_system", "browser", "country", "region", "city", "platform"] %}
{%- set source = ["event_source", "event_medium", "event_campaign"] %}
{%- set last_click = ["last_click_source", "last_click_medium", "last_click_campaign"] %}
{%- set first_touch = ["first_touch_source", "first_touch_medium", "first_touch_campaign"] %}
{%- set told = {
    "origin": ["first", struct_of(origin), "coalesce(events.device_category, events.country) is not null"],
    "source": ["first", struct_of(source), "events.event_source is not null"],
    "last_click": ["first", struct_of(last_click), "events.last_click_source is not null"],
    "first_touch": ["first", struct_of(first_touch), "events.first_touch_source is not null"],
    "landing_page_path": ["first", "events.page_path", "events.page_path is not null"],
    "exit_page_path": ["last", "events.page_path", "events.page_path is not null"],
    "user_id_hash": ["last", "events.user_id_hash", "events.user_id_hash is not null"],
} %}
{%- set day_columns = [
    "property_id", "user_pseudo_id", "session_id", "event_date", "first_event_timestamp", "last_event_timestamp",
    "ga_session_id", "session_number", "user_first_touch_timestamp", "event_count", "page_view_count", "engaged_msec",
    "is_engaged", "has_analytics_consent", "has_ads_consent", "is_internal_traffic", "is_foreign_hostname"
] %}

with events as {{ not_materialized() }} (

    select * from {{ ref("stg_ga4__events") }}
    where user_pseudo_id is not null
    {%- if is_incremental() %}
        and event_date in ({{ dates }})
    {%- endif %}

),

own_hostnames as (

    select * from {{ ref("own_hostnames") }}

),

listed as (

    select count(*) as hostname_count
    from own_hostnames

),

session_days as (

    -- Of texts only when they are said: what is kept of a day has one size, and goes to disk where memory ends.
    select
        events.property_id,
        events.user_pseudo_id,
        events.session_id,
        events.event_date,
        min(events.event_timestamp) as first_event_timestamp,
        max(events.event_timestamp) as last_event_timestamp,
        {%- for name, (which, _, is_said) in told.items() %}
        {{ "min" if which == "first" else "max" }}(case when {{ is_said }} then events.event_timestamp end)
            as {{ name }}_timestamp,
        {%- endfor %}
        max(events.ga_session_id) as ga_session_id,
        max(events.session_number) as session_number,
        min(events.user_first_touch_timestamp) as user_first_touch_timestamp,
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
    group by events.property_id, events.user_pseudo_id, events.session_id, events.event_date

),

telling_events as (

    -- The events at these moments: one or two of a day, whatever its length.
    select
        session_days.{{ day_columns | join(",\n        session_days.") }},
        {%- for name, (_, value, is_said) in told.items() %}
        case when {{ is_said }} then {{ value }} end as {{ name }},
        {%- endfor %}
        events.event_timestamp,
        events.event_order,
        events.event_id
    from events
    inner join session_days
        on events.property_id = session_days.property_id
        and events.user_pseudo_id = session_days.user_pseudo_id
        and coalesce(events.session_id, '') = coalesce(session_days.session_id, '')
        and events.event_date = session_days.event_date
    where events.event_timestamp = session_days.first_event_timestamp
        {%- for name in told %}
        or events.event_timestamp = session_days.{{ name }}_timestamp
        {%- endfor %}

),

told_days as (

    select
        {{ day_columns | join(",\n        ") }},
        {%- for name, (which, _, _) in told.items() %}
        {{ which }}_value({{ name }} ignore nulls) over whole_days as {{ name }},
        {%- endfor %}
        row_number() over days as place
    from telling_events
    window
        days as (
            partition by property_id, user_pseudo_id, session_id, event_date
            order by event_timestamp, event_order, event_id
        ),
        whole_days as (
            partition by property_id, user_pseudo_id, session_id, event_date
            order by event_timestamp, event_order, event_id
            rows between unbounded preceding and unbounded following
        )

),

int_session_days as (

    select
        {{ (day_columns + (told | list)) | join(",\n        ") }}
    from told_days
    where place = 1

)

select * from int_session_days
