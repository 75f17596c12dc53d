-- Over all time, the units that reach a step are the distinct units with an attempt that does, where each counts once,
-- and the attempts that do where each attempt counts. Only units all of whose attempts are mature can be compared so.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where segment_dimension = 'all'
        and segment_attribution = 'entry'
        and period_grain = 'all'

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
        funnel_steps.step_number,
        case
            when min(funnel_steps.counting) = 'unique' then count(distinct attempts.unit_id) else count(*)
        end as unit_count,
        case
            when min(funnel_steps.counting) = 'attempts'
                then count(case when attempts.reached_mask & funnel_steps.step_bit <> 0 then 1 end)
            else count(distinct case when attempts.reached_mask & funnel_steps.step_bit <> 0 then attempts.unit_id end)
        end as most_reached_count
    from attempts
    inner join funnel_steps on attempts.funnel_name = funnel_steps.funnel_name
    where funnel_steps.role = 'step'
    group by attempts.funnel_name, funnel_steps.step_number

)

select
    counted.funnel_name,
    counted.step_number,
    counted.unit_count,
    steps.entered_count,
    steps.immature_count,
    counted.most_reached_count,
    steps.reached_count
from counted
full outer join steps
    on counted.funnel_name = steps.funnel_name
    and counted.step_number = steps.step_number
where steps.role is distinct from 'optional'
    and (
        coalesce(counted.unit_count, -1) <> coalesce(steps.entered_count + steps.immature_count, -1)
        or steps.reached_count > counted.most_reached_count
        or (steps.immature_count = 0 and steps.reached_count <> counted.most_reached_count)
    )
