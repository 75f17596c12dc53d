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

with events as (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

days_with_hits as (

    select
        user_pseudo_id,
        user_id_hash,
        event_date,
        false as is_removed
    from events
    where user_pseudo_id is not null
    group by user_pseudo_id, user_id_hash, event_date

),

int_visitor_device_days as (

    select * from days_with_hits
    {%- if is_incremental() %}
    union all
    -- A re-delivered day may no longer hold a device: it stays here as removed, so that what was derived
    -- from it is found and taken back, also when a run died in between.
    select
        earlier.user_pseudo_id,
        earlier.user_id_hash,
        earlier.event_date,
        true as is_removed
    from {{ this }} as earlier
    left join days_with_hits
        on earlier.user_pseudo_id = days_with_hits.user_pseudo_id
        and earlier.event_date = days_with_hits.event_date
        and coalesce(earlier.user_id_hash, '') = coalesce(days_with_hits.user_id_hash, '')
    where earlier.event_date in ({{ dates }})
        and days_with_hits.user_pseudo_id is null
    {%- endif %}

)

select * from int_visitor_device_days
