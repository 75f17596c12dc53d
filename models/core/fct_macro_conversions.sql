{{
    config(
        partition_by=bigquery_only({"field": "conversion_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}

),

refund_events as (

    select * from {{ ref("int_refunds_collected") }}

),

refunds as (

    select
        property_id,
        transaction_id,
        {{ exact_sum("refund_usd") }} as refund_usd,
        max(case when refund_usd is null then 1 else 0 end) = 1 as has_full_refund
    from refund_events
    group by property_id, transaction_id

),

macro_conversions as (

    -- A refund names the order and not always the visitor: it nets the first conversion with that order.
    select
        *,
        row_number() over (
            partition by property_id, transaction_id
            order by case when revenue_usd is null then 1 else 0 end, event_timestamp, event_order, conversion_event_id
        ) as conversion_of_transaction
    from conversions
    where conversion_type = 'macro'
        and is_counted

),

fct_macro_conversions as (

    select
        macro_conversions.conversion_event_id,
        macro_conversions.conversion_name,
        macro_conversions.visitor_id,
        macro_conversions.session_id,
        macro_conversions.event_id,
        macro_conversions.occurred_at,
        macro_conversions.conversion_date,
        macro_conversions.session_number,
        macro_conversions.page_path,
        macro_conversions.engaged_seconds_on_page,
        macro_conversions.percent_scrolled_on_page,
        macro_conversions.page_depth,
        macro_conversions.is_first_session,
        macro_conversions.seconds_since_session_start,
        macro_conversions.seconds_since_previous_conversion,
        macro_conversions.occurrence_number,
        macro_conversions.value_usd,
        macro_conversions.transaction_id,
        macro_conversions.revenue_usd,
        case
            when refunds.has_full_refund then coalesce(macro_conversions.revenue_usd, refunds.refund_usd)
            else coalesce(refunds.refund_usd, 0)
        end as refund_usd,
        macro_conversions.revenue_usd - case
            when refunds.has_full_refund then coalesce(macro_conversions.revenue_usd, refunds.refund_usd)
            else coalesce(refunds.refund_usd, 0)
        end as net_revenue_usd,
        macro_conversions.exclusion_reason
    from macro_conversions
    left join refunds
        on macro_conversions.property_id = refunds.property_id
        and macro_conversions.transaction_id = refunds.transaction_id
        and macro_conversions.conversion_of_transaction = 1

)

select * from fct_macro_conversions
