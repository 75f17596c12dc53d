-- An attempt reaches its steps without a gap, none before the one it follows, and all within the window.
with attempt_steps as (

    select * from {{ ref("fct_funnel_attempt_steps") }}

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

funnel_steps as (

    select distinct
        funnel_name,
        window_hours
    from {{ ref("dim_funnel_steps") }}

),

steps_in_order as (

    select
        funnel_attempt_id,
        funnel_name,
        step_number,
        seconds_since_entry,
        lag(step_number) over attempt_in_order as previous_step_number,
        lag(seconds_since_entry) over attempt_in_order as previous_seconds_since_entry,
        max(step_number) over (partition by funnel_attempt_id) as furthest_step
    from attempt_steps
    window attempt_in_order as (
        partition by funnel_attempt_id
        order by step_number
    )

)

select
    attempts.funnel_attempt_id,
    attempts.furthest_step,
    steps_in_order.step_number,
    steps_in_order.seconds_since_entry
from attempts
left join steps_in_order on attempts.funnel_attempt_id = steps_in_order.funnel_attempt_id
left join funnel_steps on attempts.funnel_name = funnel_steps.funnel_name
where steps_in_order.step_number is null
    or steps_in_order.step_number <> coalesce(steps_in_order.previous_step_number, 0) + 1
    or steps_in_order.seconds_since_entry < coalesce(steps_in_order.previous_seconds_since_entry, 0)
    or steps_in_order.seconds_since_entry > funnel_steps.window_hours * 3600
    or steps_in_order.furthest_step <> attempts.furthest_step
