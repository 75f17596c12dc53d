with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

int_export_as_of as (

    select
        min(event_date) as first_date,
        max(event_date) as as_of_date,
        cast(count(distinct event_date) as int64) as loaded_day_count,
        {{ local_midnight_micros(add_days("max(event_date)", 1)) }} as as_of_timestamp
    from export_days

)

select * from int_export_as_of
