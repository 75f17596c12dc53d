{{ config(materialized="view") }}

with steps_reached as (

    select * from {{ ref("int_funnel_steps_reached") }}

),

fct_funnel_attempt_steps as (

    select
        funnel_name || '/' || unit_id || '/' || cast(entry_date as {{ dbt.type_string() }}) as funnel_attempt_id,
        funnel_name,
        unit_id,
        step_number,
        {{ timestamp_from_micros("reached_timestamp") }} as reached_at,
        (reached_timestamp - entered_timestamp) / 1000000.0 as seconds_since_entry
    from steps_reached

)

select * from fct_funnel_attempt_steps
