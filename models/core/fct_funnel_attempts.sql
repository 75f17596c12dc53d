{{ config(materialized="view") }}

with steps_reached as (

    select * from {{ ref("int_funnel_steps_reached") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

fct_funnel_attempts as (

    select
        steps_reached.funnel_name || '/' || steps_reached.unit_id || '/'
        || cast(steps_reached.entry_date as {{ dbt.type_string() }}) as funnel_attempt_id,
        steps_reached.funnel_name,
        funnel_steps.unit,
        steps_reached.unit_id,
        steps_reached.visitor_id,
        steps_reached.session_id as entry_session_id,
        cast(
            row_number() over (
                partition by steps_reached.funnel_name, steps_reached.unit_id
                order by steps_reached.entry_date
            ) as int64
        ) as attempt_number,
        steps_reached.entry_date,
        {{ timestamp_from_micros("steps_reached.entered_timestamp") }} as entered_at,
        steps_reached.furthest_step,
        steps_reached.furthest_step = funnel_steps.step_count as is_completed,
        {{ timestamp_from_micros("steps_reached.matures_timestamp") }} as matures_at,
        steps_reached.matures_timestamp < as_of.as_of_timestamp as is_mature
    from steps_reached
    inner join funnel_steps
        on steps_reached.funnel_name = funnel_steps.funnel_name
        and steps_reached.step_number = funnel_steps.step_number
    cross join as_of
    where steps_reached.step_number = 1

)

select * from fct_funnel_attempts
