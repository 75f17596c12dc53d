-- Entered and immature units of a funnel and period are exactly the units with an attempt in it, or its attempts where
-- each counts. Where all are mature, those who reach a step over all time are those with an attempt that does; on a day
-- they are at least these, since newer attempts count for the day too, and exactly these where each attempt counts.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where segment_dimension = 'all'
        and segment_attribution in (select min(segment_attribution) from {{ ref("mart_funnel_steps") }})
        and period_grain in ('all', 'day')

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

attempts_at_steps as (

    select
        attempts.funnel_name,
        attempts.entry_date,
        funnel_steps.step_number,
        case
            when funnel_steps.counting = 'attempts' then attempts.funnel_attempt_id
            else attempts.unit_id
        end as unit_id,
        attempts.reached_mask & funnel_steps.step_bit <> 0 as is_reached
    from attempts
    inner join funnel_steps on attempts.funnel_name = funnel_steps.funnel_name
    where funnel_steps.role <> 'exclusion'

),

counted as (

    select
        funnel_name,
        'day' as period_grain,
        entry_date as period_start_date,
        step_number,
        count(distinct unit_id) as unit_count,
        count(distinct case when is_reached then unit_id end) as reached_count
    from attempts_at_steps
    group by funnel_name, entry_date, step_number

    union all

    select
        funnel_name,
        'all' as period_grain,
        cast(null as date) as period_start_date,
        step_number,
        count(distinct unit_id) as unit_count,
        count(distinct case when is_reached then unit_id end) as reached_count
    from attempts_at_steps
    group by funnel_name, step_number

)

select
    counted.funnel_name,
    counted.period_grain,
    counted.period_start_date,
    counted.step_number,
    counted.unit_count,
    steps.entered_count,
    steps.immature_count,
    counted.reached_count as counted_reached_count,
    steps.reached_count
from counted
full outer join steps
    on counted.funnel_name = steps.funnel_name
    and counted.period_grain = steps.period_grain
    and coalesce(counted.period_start_date, date '0001-01-01') = coalesce(steps.period_start_date, date '0001-01-01')
    and counted.step_number = steps.step_number
where coalesce(counted.unit_count, -1) <> coalesce(steps.entered_count + steps.immature_count, -1)
    or (steps.period_grain = 'all' and steps.reached_count > counted.reached_count)
    or (
        steps.immature_count = 0
        and steps.reached_count <> counted.reached_count
        and (steps.period_grain = 'all' or steps.counting = 'attempts' or steps.reached_count < counted.reached_count)
    )
