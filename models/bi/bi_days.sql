with daily_conversions as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'

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
        daily_conversions.converting_session_count,
        daily_conversions.session_count,
        daily_conversions.converting_visitor_count,
        daily_conversions.visitor_count,
        daily_conversions.value_usd,
        daily_conversions.revenue_usd,
        daily_conversions.net_revenue_usd,
        dates.is_holiday,
        daily_conversions.is_final,
        daily_conversions.is_final and not daily_conversions.is_ramp_up and outages.outage_date is null as is_usable
    from daily_conversions
    inner join dates on daily_conversions.conversion_date = dates.calendar_date
    inner join conversions on daily_conversions.conversion_name = conversions.conversion_name
    left join outages
        on daily_conversions.conversion_name = outages.conversion_name
        and daily_conversions.conversion_date = outages.outage_date

)

select * from bi_days
