-- How long is the way from the first visit to the sale, in days and in visits?
with cycles as (

    select * from {{ ref("mart_sales_cycles") }}
    where segment_dimension = 'all'

),

how_long_is_the_way_to_the_sale as (

    select
        macro_name,
        clock,
        horizon,
        visitor_count,
        converted_by_horizon_count,
        at_risk_count,
        conversion_rate,
        conversion_rate_low,
        conversion_rate_high,
        converted_median_cycle
    from cycles

)

select * from how_long_is_the_way_to_the_sale
order by macro_name, clock, horizon
