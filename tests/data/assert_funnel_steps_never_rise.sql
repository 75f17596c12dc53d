-- Nobody reaches a step without the one before: counts fall from step to step, and what falls is the drop-off.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}

),

steps_in_order as (

    select
        *,
        lag(reached_count) over (
            partition by funnel_name, period_grain, period_start_date, segment_dimension, segment_value
            order by step_number
        ) as count_one_step_before
    from steps

)

select *
from steps_in_order
where reached_count > previous_step_count
    or reached_count < 0
    or drop_off_count <> previous_step_count - reached_count
    or previous_step_count <> coalesce(count_one_step_before, entered_count)
    or (step_number = 1 and reached_count <> entered_count)
