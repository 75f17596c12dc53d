{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["session_id"]),
    )
}}

{%- set dates = open_dates() %}
{%- set clock = var("evidence_clock") %}

with events as (

    select * from {{ ref("stg_ga4__events") }}
    where session_id is not null
    {%- if clock == "page_view" %}
        and event_name in ('page_view', 'screen_view')
    {%- endif %}
    {%- if is_incremental() %}
        and event_date in ({{ dates }})
    {%- endif %}

),

int_clock_events as (

    -- Events of one moment are one tick of the clock, as none of them is before the other.
    select
        session_id,
        event_date,
        {% if clock == "active_day" -%}
        min(event_timestamp) as event_timestamp,
        {%- else -%}
        event_timestamp,
        {%- endif %}
        min(user_first_touch_timestamp) as user_first_touch_timestamp
    from events
    group by session_id, event_date{% if clock != "active_day" %}, event_timestamp{% endif %}

)

select * from int_clock_events
