{{ config(materialized="view") }}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

fct_funnel_attempts as (

    select
        steps_reached.funnel_name || '/' || steps_reached.unit_id || '/' || steps_reached.entry_event_id
            as funnel_attempt_id,
        steps_reached.funnel_name,
        steps_reached.unit,
        steps_reached.unit_id,
        steps_reached.visitor_id,
        steps_reached.entry_session_id,
        steps_reached.last_session_id,
        cast(
            row_number() over (
                partition by steps_reached.funnel_name, steps_reached.unit_id
                order by steps_reached.entry_position
            ) as int64
        ) as attempt_number,
        steps_reached.entry_date,
        steps_reached.entry_step,
        {{ timestamp_from_micros("steps_reached.entered_timestamp") }} as entered_at,
        steps_reached.furthest_step,
        steps_reached.reached_mask,
        steps_reached.continued_mask,
        steps_reached.completed_timestamp is not null as is_completed,
        {{ timestamp_from_micros("steps_reached.completed_timestamp") }} as completed_at,
        steps_reached.excluded_timestamp is not null as is_excluded,
        {{ timestamp_from_micros("steps_reached.excluded_timestamp") }} as excluded_at,
        {{ timestamp_from_micros("steps_reached.entered_timestamp + funnel_steps.outcome_micros") }} as matures_at,
        steps_reached.entered_timestamp + funnel_steps.outcome_micros < as_of.as_of_timestamp as is_mature
    from steps_reached
    inner join funnel_steps
        on steps_reached.funnel_name = funnel_steps.funnel_name
        and steps_reached.step_number = funnel_steps.step_number
    cross join as_of
    where steps_reached.step_number = steps_reached.entry_step

)

select * from fct_funnel_attempts
