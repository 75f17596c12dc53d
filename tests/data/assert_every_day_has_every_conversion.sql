-- Every conversion has a row on every loaded day: a missing row would hide an outage that a zero shows.
with daily as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'

),

export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

)

select
    conversions.conversion_name,
    export_days.event_date
from conversions
cross join export_days
left join daily
    on conversions.conversion_name = daily.conversion_name
    and export_days.event_date = daily.conversion_date
where daily.conversion_date is null
