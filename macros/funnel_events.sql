{#- The CTEs that end in `unit_events` (one row per event of a unit, in order) and `step_events` (the rows of
    funnel_steps that each of them stands for), of the funnels with some step orders. `position` counts all
    catalogued conversions of the unit, so that "directly followed by" can be asked. Simultaneous events follow the
    export's order, then the event's id. -#}
{% macro funnel_events(step_orders) -%}
conversions as (

    select
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        conversion_date,
        event_timestamp,
        dense_rank() over (
            partition by visitor_id
            order by event_timestamp, event_order, event_id
        ) as visitor_position
    from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}
    where step_order in ('{{ step_orders | join("', '") }}')

),

unit_conversions as (

    select
        'visitor' as unit,
        visitor_id as unit_id,
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        conversion_date,
        event_timestamp,
        visitor_position as position
    from conversions

    union all

    select
        'session' as unit,
        session_id as unit_id,
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        conversion_date,
        event_timestamp,
        dense_rank() over (
            partition by session_id
            order by visitor_position
        ) as position
    from conversions
    where session_id is not null

),

unit_events as (

    select
        {{ unit_event_key("unit_conversions", "position") }} as event_key,
        min(visitor_id) as visitor_id,
        min(session_id) as session_id,
        min(event_id) as event_id,
        min(conversion_date) as conversion_date
    from unit_conversions
    group by {{ unit_event_key("unit_conversions", "position") }}

),

step_events as (

    select
        funnel_steps.funnel_name,
        funnel_steps.unit,
        unit_conversions.unit_id,
        unit_conversions.position,
        unit_conversions.event_timestamp,
        funnel_steps.step_number,
        funnel_steps.role,
        funnel_steps.required_step,
        funnel_steps.next_required_step,
        funnel_steps.entry,
        funnel_steps.step_order,
        funnel_steps.window_micros,
        funnel_steps.step_window_micros
    from unit_conversions
    inner join funnel_steps
        on unit_conversions.unit = funnel_steps.unit
        and unit_conversions.conversion_name = funnel_steps.conversion_name

)
{%- endmacro %}
