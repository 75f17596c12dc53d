{#- The CTEs that end in `first_occurrences`: the rows of the CTE `relation` that count. -#}
{% macro first_occurrences(relation) -%}
    {%- set event_sequence = ["event_timestamp", "event_order", "conversion_event_id"] -%}
first_of_orders as (

    -- The same order sent twice is one order, also by hits without a visitor.
    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from {{ relation }}
    where transaction_id is not null
    group by conversion_name, coalesce(visitor_id, ''), property_id, transaction_id

),

orders_once as (

    -- Repeats go first, so that an old order sent again never stands for a new one of the same session.
    select {{ relation }}.*
    from {{ relation }}
    left join first_of_orders
        on {{ relation }}.conversion_event_id = first_of_orders.conversion_event_id
    where {{ relation }}.transaction_id is null
        or first_of_orders.conversion_event_id is not null

),

first_occurrences as (

    -- A hit without a visitor or session is nobody's repeat: it stands for itself.
    select conversion_event_id
    from orders_once
    where counting = 'every_event'

    union all

    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from orders_once
    where counting = 'once_per_session'
    group by conversion_name, coalesce(session_id, conversion_event_id)

    union all

    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from orders_once
    where counting = 'once_per_visitor'
    group by conversion_name, coalesce(visitor_id, conversion_event_id)

)
{%- endmacro %}
