{#- The CTEs that end in `moment_conversions`: every conversion of a visitor that begins or ends a moment, once per
    moment. Whether it counts once per session or visitor does not matter: who sends a form twice in a session has
    sent it both times. Only the number of an order sent again is no new order. -#}
{% macro moment_conversions() -%}
all_conversions as (

    select
        conversion_name,
        visitor_id,
        property_id,
        transaction_id,
        event_timestamp,
        event_order,
        conversion_event_id,
        exclusion_reason
    from {{ ref("int_conversions_counted") }}
    where visitor_id is not null

),

new_orders as (

    select *
    from all_conversions
    where transaction_id is not null
    qualify row_number() over (
        partition by visitor_id, conversion_name, property_id, transaction_id
        order by event_timestamp, event_order, conversion_event_id
    ) = 1

),

new_conversions as (

    select
        conversion_name,
        visitor_id,
        event_timestamp,
        exclusion_reason
    from all_conversions
    where transaction_id is null

    union all

    select
        conversion_name,
        visitor_id,
        event_timestamp,
        exclusion_reason
    from new_orders

),

moment_conversions as (

    -- Excluded sessions begin nothing. A purchase in one is a purchase: nobody is reminded of what they bought.
    select
        moments.moment,
        moments.role,
        moments.is_for_good,
        moments.is_listed,
        new_conversions.visitor_id,
        new_conversions.event_timestamp
    from new_conversions
    inner join {{ ref("dim_audience_moments") }} as moments
        on new_conversions.conversion_name = moments.conversion_name
    where moments.role = 'finished'
        or new_conversions.exclusion_reason is null

)
{%- endmacro %}
