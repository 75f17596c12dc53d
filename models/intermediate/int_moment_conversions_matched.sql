{{ config(materialized="view") }}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where visitor_id is not null

),

moments as (

    select * from {{ ref("dim_audience_moments") }}

),

new_orders as (

    -- The number of an order sent again is no new order. Other occurrences stand for themselves also where they are
    -- not counted: who sends a form twice in a session has sent it both times.
    select *
    from conversions
    where transaction_id is not null
    qualify row_number() over (
        partition by visitor_id, conversion_name, property_id, transaction_id
        order by event_timestamp, event_order, conversion_event_id
    ) = 1

),

occurrences as (

    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        event_timestamp,
        exclusion_reason
    from conversions
    where transaction_id is null

    union all

    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        event_timestamp,
        exclusion_reason
    from new_orders

),

int_moment_conversions_matched as (

    -- Excluded sessions begin nothing. A purchase in one is a purchase: nobody is reminded of what they bought.
    select
        moments.moment,
        moments.role,
        moments.is_for_good,
        moments.is_listed,
        occurrences.conversion_event_id,
        occurrences.conversion_name,
        occurrences.visitor_id,
        occurrences.event_timestamp
    from occurrences
    inner join moments on occurrences.conversion_name = moments.conversion_name
    where moments.role = 'finished'
        or occurrences.exclusion_reason is null

)

select * from int_moment_conversions_matched
