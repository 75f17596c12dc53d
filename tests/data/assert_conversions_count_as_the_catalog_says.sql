-- `once_per_session` counts once a session, `once_per_visitor` once a visitor, and an order once a visitor,
-- also where the visitor is not known.
with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

repeats as (

    select
        conversions.conversion_name,
        'session ' || conversions.session_id as counted_twice_in
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    where catalog.counting = 'once_per_session'
        and conversions.session_id is not null
    group by conversions.conversion_name, conversions.session_id
    having count(*) > 1

    union all

    select
        conversions.conversion_name,
        'visitor ' || conversions.visitor_id as counted_twice_in
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    where catalog.counting = 'once_per_visitor'
        and conversions.visitor_id is not null
    group by conversions.conversion_name, conversions.visitor_id
    having count(*) > 1

    union all

    select
        conversion_name,
        'order ' || transaction_id as counted_twice_in
    from conversions
    where transaction_id is not null
    group by conversion_name, property_id, transaction_id, coalesce(visitor_id, '')
    having count(*) > 1

)

select * from repeats
