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

with events as (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

int_page_views as (

    select
        event_id,
        event_date,
        session_id,
        event_timestamp,
        event_order,
        page_path
    from events
    where event_name in ('page_view', 'screen_view')
        and session_id is not null
        and page_path is not null

)

select * from int_page_views
