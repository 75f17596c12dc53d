-- An attempt reaches its steps without a gap among those that must happen, none before the one it follows, and all
-- within the window; the entry is the first of them.
with attempt_steps as (

    select * from {{ ref("fct_funnel_attempt_steps") }}

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

steps_in_order as (

    select
        funnel_attempt_id,
        step_number,
        seconds_since_entry,
        is_continued,
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
left join steps_in_order on attempts.funnel_attempt_id = steps_in_order.funnel_attempt_id
left join funnel_steps
    on attempts.funnel_name = funnel_steps.funnel_name
    and steps_in_order.step_number = funnel_steps.step_number
where steps_in_order.step_number is null
    or steps_in_order.seconds_since_entry < coalesce(steps_in_order.previous_seconds_since_entry, 0)
    or steps_in_order.seconds_since_entry > funnel_steps.window_hours * 3600
    or (not steps_in_order.is_continued and funnel_steps.previous_required_step >= attempts.entry_step)
    or steps_in_order.first_step <> attempts.entry_step
    or steps_in_order.furthest_step <> attempts.furthest_step
