{{ config(severity="warn") }}
-- Two funnels with the same unit, rules and steps are one funnel counted twice.
with steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

funnels as (

    select
        funnel_name,
        unit,
        step_order,
        entry,
        counting,
        window_hours,
        step_window_hours,
        string_agg(conversion_name || ' ' || role, ', ' order by step_number) as step_list
    from steps
    group by funnel_name, unit, step_order, entry, counting, window_hours, step_window_hours

)

select
    unit,
    step_list,
    count(*) as funnel_count
from funnels
group by unit, step_order, entry, counting, window_hours, step_window_hours, step_list
having count(*) > 1
