-- All refunds of an order lie on one conversion, and no order is refunded by more than its refunds say.
with conversions as (

    select * from {{ ref("fct_macro_conversions") }}
    where refund_usd > 0

),

refunds as (

    select * from {{ ref("int_refunds_collected") }}

),

refunded as (

    select
        conversion_name,
        transaction_id,
        count(*) as refunded_conversion_count,
        sum(refund_usd) as netted_usd
    from conversions
    group by conversion_name, transaction_id

),

claimed as (

    -- Without an amount the whole order is refunded, which sets no limit here.
    select
        transaction_id,
        count(distinct property_id) as property_count,
        sum(refund_usd) as claimed_usd,
        max(case when refund_usd is null then 1 else 0 end) as has_full_refund
    from refunds
    group by transaction_id

)

select
    refunded.conversion_name,
    refunded.transaction_id,
    refunded.refunded_conversion_count,
    refunded.netted_usd,
    claimed.claimed_usd
from refunded
left join claimed on refunded.transaction_id = claimed.transaction_id
where claimed.transaction_id is null
    or refunded.refunded_conversion_count > claimed.property_count
    or (claimed.has_full_refund = 0 and refunded.netted_usd > claimed.claimed_usd + 0.000001)
