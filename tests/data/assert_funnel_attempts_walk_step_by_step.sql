-- An attempt's steps lie within the window, none before the one it follows; the entry is the first of them.
with attempt_steps as (

    select * from {{ ref("fct_funnel_attempt_steps") }}

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

funnels as (

    select * from {{ ref("dim_funnel_steps") }}
    where step_number = 1

),

steps_in_order as (

    select
        funnel_attempt_id,
        step_number,
        seconds_since_entry,
        lag(seconds_since_entry) over (
            partition by funnel_attempt_id
            order by step_number
        ) as previous_seconds_since_entry,
        min(step_number) over (partition by funnel_attempt_id) as first_step,
        max(step_number) over (partition by funnel_attempt_id) as furthest_step
    from attempt_steps

)

select
    attempts.funnel_attempt_id,
    attempts.furthest_step,
    steps_in_order.step_number,
    steps_in_order.seconds_since_entry
from attempts
inner join funnels on attempts.funnel_name = funnels.funnel_name
left join steps_in_order on attempts.funnel_attempt_id = steps_in_order.funnel_attempt_id
where steps_in_order.step_number is null
    or steps_in_order.seconds_since_entry < coalesce(steps_in_order.previous_seconds_since_entry, 0)
    or steps_in_order.seconds_since_entry > funnels.window_hours * 3600
    or steps_in_order.first_step <> attempts.entry_step
    or steps_in_order.furthest_step <> attempts.furthest_step
