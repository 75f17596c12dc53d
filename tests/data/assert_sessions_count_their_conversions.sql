-- A session's conversions and revenue are those of the facts, and the visitor of both is the same.
with sessions as (

    select * from {{ ref("fct_sessions") }}

),

conversions as (

    select
        session_id,
        visitor_id,
        1 as micro_conversion_count,
        0 as macro_conversion_count,
        0 as revenue_micros
    from {{ ref("fct_micro_conversions") }}
    where session_id is not null

    union all

    select
        session_id,
        visitor_id,
        0 as micro_conversion_count,
        1 as macro_conversion_count,
        cast(round(coalesce(revenue_usd, 0) * 1000000) as int64) as revenue_micros
    from {{ ref("fct_macro_conversions") }}
    where session_id is not null

),

counted as (

    select
        session_id,
        min(visitor_id) as first_visitor_id,
        max(visitor_id) as last_visitor_id,
        sum(micro_conversion_count) as micro_conversion_count,
        sum(macro_conversion_count) as macro_conversion_count,
        sum(revenue_micros) as revenue_micros
    from conversions
    group by session_id

)

select
    coalesce(sessions.session_id, counted.session_id) as session_id,
    sessions.visitor_id,
    counted.first_visitor_id,
    counted.last_visitor_id,
    sessions.micro_conversion_count,
    counted.micro_conversion_count as counted_micro_conversion_count,
    sessions.macro_conversion_count,
    counted.macro_conversion_count as counted_macro_conversion_count,
    sessions.revenue_usd,
    counted.revenue_micros
from sessions
full outer join counted on sessions.session_id = counted.session_id
where sessions.session_id is null
    or sessions.micro_conversion_count <> coalesce(counted.micro_conversion_count, 0)
    or sessions.macro_conversion_count <> coalesce(counted.macro_conversion_count, 0)
    or abs(sessions.revenue_usd * 1000000 - coalesce(counted.revenue_micros, 0)) > 1
    or sessions.visitor_id <> counted.first_visitor_id
    or sessions.visitor_id <> counted.last_visitor_id
