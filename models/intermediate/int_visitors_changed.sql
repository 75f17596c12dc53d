{%- set dates = open_dates() %}
{%- set earlier_conversions = earlier_relation("int_conversions_derived") %}
{%- set earlier_days = earlier_relation("int_export_days_processed") %}
-- depends_on: {{ ref("int_export_as_of") }}

with device_days as (

    select * from {{ ref("int_visitor_device_days") }}

),

devices_on_open_dates as (

    select distinct user_pseudo_id
    from device_days
    where event_date in ({{ dates }})

),

users_of_these_devices as (

    -- Every identity that the device has or ever had: a log-in or its removal moves past sessions too.
    select distinct device_days.user_id_hash as visitor_id
    from device_days
    inner join devices_on_open_dates on device_days.user_pseudo_id = devices_on_open_dates.user_pseudo_id
    where device_days.user_id_hash is not null

),

{% if earlier_conversions is not none and earlier_days is not none -%}
visitors_whose_time_is_over as (

    -- What was started before the last run and not finished became known since, though nothing was done.
    select distinct earlier.visitor_id
    from {{ earlier_conversions }} as earlier
    cross join {{ ref("int_export_as_of") }} as as_of
    cross join (select max(event_date) as newest_date from {{ earlier_days }}) as days
    where earlier.completed_timestamp >= {{ local_midnight_micros(add_days("days.newest_date", 1)) }}
        and earlier.completed_timestamp < as_of.as_of_timestamp

),
{%- else -%}
visitors_whose_time_is_over as (

    select visitor_id
    from users_of_these_devices
    where false

),
{%- endif %}

int_visitors_changed as (

    select user_pseudo_id as visitor_id
    from devices_on_open_dates
    union distinct
    select visitor_id
    from users_of_these_devices
    union distinct
    select visitor_id
    from visitors_whose_time_is_over

)

select * from int_visitors_changed
