-- A visitor's sessions, conversions and revenue are those of the facts, and every visitor of a fact exists.
with visitors as (

    select * from {{ ref("dim_visitors") }}

),

activities as (

    select
        visitor_id,
        1 as session_count,
        0 as micro_conversion_count,
        0 as macro_conversion_count,
        0 as revenue_micros
    from {{ ref("fct_sessions") }}

    union all

    select
        visitor_id,
        0 as session_count,
        1 as micro_conversion_count,
        0 as macro_conversion_count,
        0 as revenue_micros
    from {{ ref("fct_micro_conversions") }}
    where visitor_id is not null

    union all

    select
        visitor_id,
        0 as session_count,
        0 as micro_conversion_count,
        1 as macro_conversion_count,
        cast(round(coalesce(revenue_usd, 0) * 1000000) as int64) as revenue_micros
    from {{ ref("fct_macro_conversions") }}
    where visitor_id is not null

),

counted as (

    select
        visitor_id,
        sum(session_count) as session_count,
        sum(micro_conversion_count) as micro_conversion_count,
        sum(macro_conversion_count) as macro_conversion_count,
        sum(revenue_micros) as revenue_micros
    from activities
    group by visitor_id

)

select
    coalesce(visitors.visitor_id, counted.visitor_id) as visitor_id,
    visitors.session_count,
    counted.session_count as counted_session_count,
    visitors.micro_conversion_count,
    counted.micro_conversion_count as counted_micro_conversion_count,
    visitors.macro_conversion_count,
    counted.macro_conversion_count as counted_macro_conversion_count,
    visitors.revenue_usd,
    counted.revenue_micros
from visitors
full outer join counted on visitors.visitor_id = counted.visitor_id
where visitors.visitor_id is null
    or counted.visitor_id is null
    or visitors.session_count <> counted.session_count
    or visitors.micro_conversion_count <> counted.micro_conversion_count
    or visitors.macro_conversion_count <> counted.macro_conversion_count
    or abs(visitors.revenue_usd * 1000000 - counted.revenue_micros) > 1
