with device_days as (

    select * from {{ ref("int_visitor_device_days") }}

),

int_visitor_devices_identified as (

    select
        user_pseudo_id,
        cast(count(distinct user_id_hash) as int64) as user_count,
        case when count(distinct user_id_hash) = 1 then min(user_id_hash) end as only_user_id_hash
    from device_days
    where user_id_hash is not null
        and not is_removed
    group by user_pseudo_id

)

select * from int_visitor_devices_identified
