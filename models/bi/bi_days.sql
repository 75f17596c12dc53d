with daily_conversions as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'

),

daily_rates as (

    select * from {{ ref("mart_segment_conversions") }}
    where period_grain = 'day' and segment_dimension = 'all'

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

dates as (

    select * from {{ ref("dim_dates") }}

),

outages as (

    select * from {{ ref("mart_conversion_outages") }}

),

bi_days as (

    select
        dates.calendar_date,
        dates.week_start_date,
        dates.month_start_date,
        dates.weekday_number,
        conversions.conversion_name,
        conversions.label as conversion_label,
        conversions.conversion_type,
        conversions.funnel_stage,
        conversions.stage_number,
        daily_conversions.conversion_count,
        coalesce(daily_rates.session_count, 0) as session_count,
        coalesce(daily_rates.converting_session_count, 0) as converting_session_count,
        daily_rates.session_conversion_rate,
        daily_rates.session_conversion_rate_low,
        daily_rates.session_conversion_rate_high,
        coalesce(daily_rates.visitor_count, 0) as visitor_count,
        coalesce(daily_rates.converting_visitor_count, 0) as converting_visitor_count,
        daily_conversions.value_usd,
        daily_conversions.revenue_usd,
        daily_conversions.net_revenue_usd,
        dates.is_holiday,
        daily_conversions.is_final,
        daily_conversions.is_final and not daily_conversions.is_ramp_up and outages.outage_date is null as is_usable
    from daily_conversions
    inner join dates on daily_conversions.conversion_date = dates.calendar_date
    inner join conversions on daily_conversions.conversion_name = conversions.conversion_name
    left join daily_rates
        on daily_conversions.conversion_name = daily_rates.conversion_name
        and daily_conversions.conversion_date = daily_rates.period_start_date
    left join outages
        on daily_conversions.conversion_name = outages.conversion_name
        and daily_conversions.conversion_date = outages.outage_date

)

select * from bi_days
