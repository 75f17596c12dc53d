{%- set dates = open_dates() %}

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

int_visitors_changed as (

    select user_pseudo_id as visitor_id
    from devices_on_open_dates
    union distinct
    select visitor_id
    from users_of_these_devices

)

select * from int_visitors_changed
