{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["transaction_id"]),
    )
}}

{%- set dates = open_dates() %}

with events as (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

int_refunds_collected as (

    select
        event_id,
        property_id,
        event_date,
        event_timestamp,
        user_pseudo_id,
        transaction_id,
        refund_usd
    from events
    where event_name in ('refund', 'app_store_refund')
        and transaction_id is not null

)

select * from int_refunds_collected
