-- Entered and immature units of a funnel and period are exactly the distinct units with an attempt in it, and
-- the units that reach a step are those whose mature attempts do.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where segment_dimension = 'all'
        and period_grain in ('all', 'day')

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

counted as (

    select
        attempts.funnel_name,
        'day' as period_grain,
        attempts.entry_date as period_start_date,
        funnel_steps.step_number,
        count(distinct attempts.unit_id) as unit_count,
        count(
            distinct case
                when attempts.is_mature and attempts.furthest_step >= funnel_steps.step_number
                    then attempts.unit_id
            end
        ) as reached_count
    from attempts
    inner join funnel_steps on attempts.funnel_name = funnel_steps.funnel_name
    group by attempts.funnel_name, attempts.entry_date, funnel_steps.step_number

    union all

    select
        attempts.funnel_name,
        'all' as period_grain,
        cast(null as date) as period_start_date,
        funnel_steps.step_number,
        count(distinct attempts.unit_id) as unit_count,
        count(
            distinct case
                when attempts.is_mature and attempts.furthest_step >= funnel_steps.step_number
                    then attempts.unit_id
            end
        ) as reached_count
    from attempts
    inner join funnel_steps on attempts.funnel_name = funnel_steps.funnel_name
    group by attempts.funnel_name, funnel_steps.step_number

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
    or coalesce(counted.reached_count, -1) <> coalesce(steps.reached_count, -1)
