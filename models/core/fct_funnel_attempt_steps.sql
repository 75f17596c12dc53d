{{ config(materialized="view") }}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}

),

fct_funnel_attempt_steps as (

    select
        funnel_name || '/' || unit_id || '/' || entry_event_id as funnel_attempt_id,
        funnel_name,
        unit_id,
        step_number,
        {{ timestamp_from_micros("reached_timestamp") }} as reached_at,
        (reached_timestamp - entered_timestamp) / 1000000.0 as seconds_since_entry,
        reached_session_id,
        is_continued
    from steps_reached

)

select * from fct_funnel_attempt_steps
