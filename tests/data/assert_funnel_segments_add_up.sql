-- The segments of a dimension add up to the total, per funnel, period and step.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}

),

sums as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        step_number,
        segment_dimension,
        segment_attribution,
        sum(reached_count) as reached_count,
        sum(previous_step_count) as previous_step_count,
        sum(continued_count) as continued_count,
        sum(immature_count) as immature_count
    from steps
    group by funnel_name, period_grain, period_start_date, step_number, segment_dimension, segment_attribution

)

select
    funnel_name,
    period_grain,
    period_start_date,
    step_number,
    min(reached_count) as least_reached_count,
    max(reached_count) as most_reached_count
from sums
group by funnel_name, period_grain, period_start_date, step_number
having min(reached_count) <> max(reached_count)
    or min(continued_count) <> max(continued_count)
    or min(previous_step_count) <> max(previous_step_count)
    or min(immature_count) <> max(immature_count)
    or max(case when segment_dimension = 'all' then 1 else 0 end) = 0
