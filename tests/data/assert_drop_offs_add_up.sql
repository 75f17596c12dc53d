-- The actions of each kind after a step add up to those who, by the funnel, went no further from it.
with drop_offs as (

    select
        funnel_name,
        step_number,
        action_kind,
        sum(drop_count) as drop_count
    from {{ ref("mart_funnel_drop_offs") }}
    group by funnel_name, step_number, action_kind

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where period_grain = 'all'
        and segment_dimension = 'all'
        and segment_attribution in (select min(segment_attribution) from {{ ref("mart_funnel_steps") }})

)

select
    steps.funnel_name,
    funnel_steps.previous_required_step as step_number,
    steps.drop_off_count,
    drop_offs.action_kind,
    drop_offs.drop_count
from steps
inner join funnel_steps
    on steps.funnel_name = funnel_steps.funnel_name
    and steps.step_number = funnel_steps.step_number
left join drop_offs
    on funnel_steps.funnel_name = drop_offs.funnel_name
    and funnel_steps.previous_required_step = drop_offs.step_number
where funnel_steps.role = 'step'
    and funnel_steps.previous_required_step is not null
    and coalesce(drop_offs.drop_count, 0) <> steps.drop_off_count
