{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["event_name"]),
    )
}}

{%- set dates = open_dates() %}

with events as (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

int_event_names_counted as (

    select
        event_date,
        event_name,
        cast(count(*) as int64) as event_count,
        cast(sum(case when is_key_event then 1 else 0 end) as int64) as key_event_count
    from events
    group by event_date, event_name

)

select * from int_event_names_counted
