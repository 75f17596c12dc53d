{{ config(severity="warn") }}
-- The table of a date holds the events of that day, in the days that the last run read. A few come late; when one
-- in twenty device days begins on another day, `property_time_zone` is not the property's, and "now" and every
-- `*_at` read in it is hours off.
with session_days as (

    select * from {{ ref("int_session_days") }}
    where event_date in ({{ newest_load_dates() }})

),

placed as (

    select
        event_date,
        case
            when first_event_timestamp >= {{ local_midnight_micros("event_date") }}
                and first_event_timestamp < {{ local_midnight_micros(add_days("event_date", 1)) }}
                then 0
            else 1
        end as is_elsewhere
    from session_days

),

elsewhere as (

    select
        count(*) as device_day_count,
        sum(is_elsewhere) as elsewhere_count
    from placed

)

select *
from elsewhere
where elsewhere_count > 0.05 * device_day_count
