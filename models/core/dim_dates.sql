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
        export_as_of.as_of_date
    from export_as_of
    cross join {{ unnest_as(dates_between("export_as_of.first_date", "export_as_of.as_of_date"), "calendar_date") }}

),

dim_dates as (

    select
        calendar.calendar_date,
        {{ week_start("calendar.calendar_date") }} as week_start_date,
        cast({{ dbt.date_trunc("month", "calendar.calendar_date") }} as date) as month_start_date,
        cast({{ dbt.datediff(week_start("calendar.calendar_date"), "calendar.calendar_date", "day") }} + 1 as int64)
            as weekday_number,
        cast({{ dbt.datediff("calendar.calendar_date", "calendar.as_of_date", "day") }} as int64) as followed_day_count,
        export_days.event_date is not null as is_loaded,
        coalesce(export_days.is_final, false) as is_final,
        {{ holiday_condition("calendar.calendar_date") }} as is_holiday
    from calendar
    left join export_days on calendar.calendar_date = export_days.event_date

)

select * from dim_dates
