-- The daily mart holds every counted conversion with its money, once in the total and once in each dimension, on
-- the days that the last run read.
{%- set newest_dates = newest_load_dates() %}
with daily as (

    select * from {{ ref("mart_daily_conversions") }}
    where conversion_date in ({{ newest_dates }})

),

conversions as (

    select
        conversion_name,
        conversion_date,
        cast(round(coalesce(value_usd, 0) * 1000000) as int64) as value_micros,
        cast(0 as int64) as revenue_micros,
        cast(0 as int64) as net_revenue_micros
    from {{ ref("fct_micro_conversions") }}
    where exclusion_reason is null
        and conversion_date in ({{ newest_dates }})

    union all

    select
        conversion_name,
        conversion_date,
        cast(round(coalesce(value_usd, 0) * 1000000) as int64) as value_micros,
        cast(round(coalesce(revenue_usd, 0) * 1000000) as int64) as revenue_micros,
        cast(round(coalesce(net_revenue_usd, 0) * 1000000) as int64) as net_revenue_micros
    from {{ ref("fct_macro_conversions") }}
    where exclusion_reason is null
        and conversion_date in ({{ newest_dates }})

),

facts as (

    select
        conversion_name,
        conversion_date,
        count(*) as conversion_count,
        sum(value_micros) as value_micros,
        sum(revenue_micros) as revenue_micros,
        sum(net_revenue_micros) as net_revenue_micros
    from conversions
    group by conversion_name, conversion_date

),

daily_sums as (

    select
        conversion_name,
        conversion_date,
        segment_dimension,
        sum(conversion_count) as conversion_count,
        sum(value_usd) as value_usd,
        sum(revenue_usd) as revenue_usd,
        sum(net_revenue_usd) as net_revenue_usd
    from daily
    group by conversion_name, conversion_date, segment_dimension

),

dimensions as (

    select distinct segment_dimension
    from daily

),

expected as (

    select
        facts.*,
        dimensions.segment_dimension
    from facts
    cross join dimensions

)

select
    coalesce(expected.conversion_name, daily_sums.conversion_name) as conversion_name,
    coalesce(expected.conversion_date, daily_sums.conversion_date) as conversion_date,
    coalesce(expected.segment_dimension, daily_sums.segment_dimension) as segment_dimension,
    expected.conversion_count as expected_conversion_count,
    daily_sums.conversion_count,
    expected.net_revenue_micros,
    daily_sums.net_revenue_usd
from expected
full outer join daily_sums
    on expected.conversion_name = daily_sums.conversion_name
    and expected.conversion_date = daily_sums.conversion_date
    and expected.segment_dimension = daily_sums.segment_dimension
where coalesce(expected.conversion_count, 0) <> coalesce(daily_sums.conversion_count, 0)
    or abs(coalesce(expected.value_micros, 0) - coalesce(daily_sums.value_usd, 0) * 1000000) > 1
    or abs(coalesce(expected.revenue_micros, 0) - coalesce(daily_sums.revenue_usd, 0) * 1000000) > 1
    or abs(coalesce(expected.net_revenue_micros, 0) - coalesce(daily_sums.net_revenue_usd, 0) * 1000000) > 1
