with export_as_of as (

    select * from {{ ref("int_export_as_of") }}

),

export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

calendar as (

    -- Days that were not delivered are dates too: a chart must show the gap.
    select
        calendar_date,
        {{ week_start("calendar_date") }} as week_start_date,
        export_as_of.as_of_date
    from export_as_of
    cross join {{ unnest_as(dates_between("export_as_of.first_date", "export_as_of.as_of_date"), "calendar_date") }}

),

counted as (

    -- Lines are not too long as they are written; dbt's datediff is where it is spelled out.
    select
        calendar_date,
        week_start_date,
        {{ dbt.datediff("week_start_date", "calendar_date", "day") }} as days_into_week,  -- noqa: LT05
        {{ dbt.datediff("calendar_date", "as_of_date", "day") }} as followed_day_count  -- noqa: LT05
    from calendar

),

dim_dates as (

    select
        counted.calendar_date,
        counted.week_start_date,
        cast({{ dbt.date_trunc("month", "counted.calendar_date") }} as date) as month_start_date,
        cast(counted.days_into_week + 1 as int64) as weekday_number,
        cast(counted.followed_day_count as int64) as followed_day_count,
        export_days.event_date is not null as is_loaded,
        coalesce(export_days.is_final, false) as is_final,
        {{ holiday_condition("counted.calendar_date") }} as is_holiday
    from counted
    left join export_days on counted.calendar_date = export_days.event_date

)

select * from dim_dates
