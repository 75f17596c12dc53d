{#- Visitors, sessions, units of funnels and their events as numbers: sorting millions of events by the names of funnel
    and unit takes several times the time and the memory. A visitor or session is numbered within a bucket of its hash,
    so that no machine has to sort all of them; a walk is a unit in a funnel. -#}
{% macro numbered_within_buckets(relation, id, name) -%}
numbered_{{ name }}s as (

    select
        {{ id }},
        (row_number() over (partition by {{ name }}_bucket order by {{ id }}) - 1) * 4096 + {{ name }}_bucket
            as {{ name }}_number
    from (
        select
            {{ id }},
            {{ hash_bucket(id, 4096) }} as {{ name }}_bucket
        from {{ relation }}
        where {{ id }} is not null
        group by {{ id }}
    ) as placed_{{ name }}s

)
{%- endmacro %}

{#- The number of the funnel in a walk's number. -#}
{% macro funnel_of_walk(walk_number) -%}({{ walk_number }} & 65535){%- endmacro %}

{#- The CTEs that end in `numbered_conversions` (each with the number of its event, which rises with the visitor's
    time) and `step_events` (the rows of funnel_steps that each of them stands for), of the funnels with some step
    orders. `position` counts all events of the unit with a catalogued conversion, so that "directly followed by" can be
    asked. Simultaneous events follow the export's order, then the event's id. -#}
{% macro funnel_events(step_orders) -%}
conversions as (

    select
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        conversion_date,
        event_timestamp,
        dense_rank() over visitor_events as visitor_position,
        conversion_name = min(conversion_name) over (
            visitor_events range between current row and current row
        ) as is_first_of_event
    from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}
    window visitor_events as (partition by visitor_id order by event_timestamp, event_order, event_id)

),

{{ numbered_within_buckets("conversions", "visitor_id", "visitor") }},

{{ numbered_within_buckets("conversions", "session_id", "session") }},

numbered_conversions as (

    -- Up to a billion events of a visitor, and eight billion visitors.
    select
        conversions.*,
        numbered_visitors.visitor_number,
        numbered_sessions.session_number,
        (numbered_visitors.visitor_number << 30) + conversions.visitor_position as event_number
    from conversions
    inner join numbered_visitors on conversions.visitor_id = numbered_visitors.visitor_id
    left join numbered_sessions on conversions.session_id = numbered_sessions.session_id

),

funnel_steps as (

    select
        *,
        dense_rank() over (order by funnel_name) as funnel_number
    from {{ ref("dim_funnel_steps") }}
    where step_order in ('{{ step_orders | join("', '") }}')

),

unit_conversions as (

    select
        'visitor' as unit,
        visitor_number as unit_number,
        conversion_name,
        event_timestamp,
        event_number,
        visitor_position as position
    from numbered_conversions

    union all

    select
        'session' as unit,
        session_number as unit_number,
        conversion_name,
        event_timestamp,
        event_number,
        dense_rank() over (partition by session_number order by visitor_position) as position
    from numbered_conversions
    where session_number is not null

),

step_events as (

    select
        (unit_conversions.unit_number << 16) + funnel_steps.funnel_number as walk_number,
        unit_conversions.position,
        unit_conversions.event_number,
        unit_conversions.event_timestamp,
        funnel_steps.step_number,
        funnel_steps.role = 'exclusion' as is_exclusion,
        funnel_steps.required_step,
        funnel_steps.next_required_step,
        funnel_steps.entry = 'open' as is_open,
        funnel_steps.step_order = 'strict' as is_strict,
        funnel_steps.window_micros,
        coalesce(funnel_steps.step_window_micros, funnel_steps.window_micros) as step_window_micros
    from unit_conversions
    inner join funnel_steps
        on unit_conversions.unit = funnel_steps.unit
        and unit_conversions.conversion_name = funnel_steps.conversion_name

)
{%- endmacro %}
