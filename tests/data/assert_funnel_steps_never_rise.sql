-- In a closed funnel nobody reaches a step that must happen without the one before, and what falls is the drop-off;
-- in an open one whoever enters at a step did not go on to it.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where role = 'step'

),

steps_in_order as (

    select
        *,
        lag(reached_count) over (
            partition by
                funnel_name, segment_attribution, period_grain, period_start_date, segment_dimension, segment_value
            order by step_number
        ) as count_one_step_before
    from steps

)

select *
from steps_in_order
where continued_count > previous_step_count
    or continued_count > reached_count
    or excluded_count > drop_off_count
    or continued_count < 0
    or drop_off_count <> previous_step_count - continued_count
    or previous_step_count <> coalesce(count_one_step_before, reached_count)
    or (entry = 'closed' and continued_count <> reached_count)
    or (entry = 'closed' and step_number = 1 and reached_count <> entered_count)
