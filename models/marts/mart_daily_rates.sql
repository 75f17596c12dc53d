{{
    config(
        partition_by=bigquery_only({"field": "conversion_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name"]),
    )
}}

with sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

micro_conversions as (

    select * from {{ ref("fct_micro_conversions") }}
    where exclusion_reason is null
        and session_id is not null

),

macro_conversions as (

    select * from {{ ref("fct_macro_conversions") }}
    where exclusion_reason is null
        and session_id is not null

),

daily_totals as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'

),

outages as (

    select * from {{ ref("mart_conversion_silences") }}
    where is_outage

),

converting_sessions as (

    select distinct
        conversion_name,
        conversion_date,
        visitor_id,
        session_id
    from micro_conversions

    union all

    select distinct
        conversion_name,
        conversion_date,
        visitor_id,
        session_id
    from macro_conversions

),

converting_counts as (

    select
        converting_sessions.conversion_name,
        converting_sessions.conversion_date,
        coalesce(sessions.device_category, '(unknown)') as device_category,
        coalesce(sessions.channel_group, '(unknown)') as channel_group,
        cast(count(*) as int64) as converting_session_count
    from converting_sessions
    left join sessions on converting_sessions.session_id = sessions.session_id
    group by
        converting_sessions.conversion_name,
        converting_sessions.conversion_date,
        coalesce(sessions.device_category, '(unknown)'),
        coalesce(sessions.channel_group, '(unknown)')

),

session_counts as (

    select
        session_date,
        device_category,
        channel_group,
        cast(count(*) as int64) as session_count
    from sessions
    group by session_date, device_category, channel_group

),

days as (

    -- What a day without its conversion would say of visitors, a lost tag would say too.
    select
        daily_totals.conversion_name,
        daily_totals.conversion_type,
        daily_totals.conversion_date,
        daily_totals.is_final and not daily_totals.is_ramp_up and outages.conversion_date is null as is_usable
    from daily_totals
    left join outages
        on daily_totals.conversion_name = outages.conversion_name
        and daily_totals.conversion_date = outages.conversion_date

),

cells as (

    select
        days.conversion_name,
        days.conversion_date,
        session_counts.device_category,
        session_counts.channel_group
    from days
    inner join session_counts on days.conversion_date = session_counts.session_date

    union distinct

    select
        conversion_name,
        conversion_date,
        device_category,
        channel_group
    from converting_counts

),

mart_daily_rates as (

    select
        cells.conversion_date,
        cells.conversion_name,
        days.conversion_type,
        cells.device_category,
        cells.channel_group,
        coalesce(converting_counts.converting_session_count, 0) as converting_session_count,
        coalesce(session_counts.session_count, 0) as session_count,
        days.is_usable,
        {{ holiday_condition("cells.conversion_date") }} as is_holiday
    from cells
    inner join days
        on cells.conversion_name = days.conversion_name
        and cells.conversion_date = days.conversion_date
    left join converting_counts
        on cells.conversion_name = converting_counts.conversion_name
        and cells.conversion_date = converting_counts.conversion_date
        and cells.device_category = converting_counts.device_category
        and cells.channel_group = converting_counts.channel_group
    left join session_counts
        on cells.conversion_date = session_counts.session_date
        and cells.device_category = session_counts.device_category
        and cells.channel_group = session_counts.channel_group

)

select * from mart_daily_rates
