with funnels as (

    select
        *,
        cast(window_hours * 3600000000 as int64) as window_micros,
        cast(step_window_hours * 3600000000 as int64) as step_window_micros
    from {{ ref("funnels") }}

),

steps as (

    select * from {{ ref("funnel_steps") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

numbered_steps as (

    select
        funnel_name,
        cast(step_number as int64) as step_number,
        conversion_name,
        role,
        case when role = 'step' then cast(step_number as int64) end as own_required_step,
        case when role <> 'exclusion' then cast(step_number as int64) end as own_walkable_step
    from steps

),

placed_steps as (

    select
        *,
        max(own_required_step) over steps_until_here as required_step,
        max(own_required_step) over steps_before as previous_required_step,
        min(own_required_step) over steps_after as following_required_step,
        max(own_required_step) over (partition by funnel_name) as last_required_step,
        count(own_required_step) over steps_until_here as required_step_count_here,
        count(own_required_step) over (partition by funnel_name) as required_step_count,
        count(own_walkable_step) over (partition by funnel_name) as walkable_step_count,
        max(step_number) over (partition by funnel_name) as row_count
    from numbered_steps
    window
        steps_until_here as (
            partition by funnel_name
            order by step_number
            rows between unbounded preceding and current row
        ),
        steps_before as (
            partition by funnel_name
            order by step_number
            rows between unbounded preceding and 1 preceding
        ),
        steps_after as (
            partition by funnel_name
            order by step_number
            rows between 1 following and unbounded following
        )

),

dim_funnel_steps as (

    select
        placed_steps.funnel_name || '/' || cast(placed_steps.step_number as {{ dbt.type_string() }}) as funnel_step_id,
        placed_steps.funnel_name,
        funnels.label as funnel_label,
        funnels.unit,
        funnels.step_order,
        funnels.entry,
        cast(funnels.window_hours as {{ type_float64() }}) as window_hours,
        cast(funnels.step_window_hours as {{ type_float64() }}) as step_window_hours,
        funnels.counting,
        placed_steps.step_number,
        placed_steps.walkable_step_count as step_count,
        placed_steps.conversion_name,
        conversions.label as conversion_label,
        case
            when funnels.step_order = 'any'
                then 'any ' || cast(placed_steps.required_step_count_here as {{ dbt.type_string() }}) || ' of '
                || cast(placed_steps.required_step_count as {{ dbt.type_string() }})
            else conversions.label
        end as step_label,
        placed_steps.role,
        placed_steps.required_step,
        placed_steps.previous_required_step,
        coalesce(placed_steps.following_required_step, placed_steps.row_count + 1) as next_required_step,
        placed_steps.last_required_step,
        cast(placed_steps.required_step_count_here as int64) as required_step_count_here,
        cast(1 as int64) << (placed_steps.step_number - 1) as step_bit,
        cast(1 as int64) << (placed_steps.previous_required_step - 1) as previous_step_bit,
        funnels.window_micros,
        funnels.step_window_micros,
        least(
            funnels.window_micros,
            coalesce(funnels.step_window_micros * (placed_steps.walkable_step_count - 1), funnels.window_micros)
        ) as outcome_micros
    from placed_steps
    inner join funnels on placed_steps.funnel_name = funnels.funnel_name
    inner join conversions on placed_steps.conversion_name = conversions.conversion_name

)

select * from dim_funnel_steps
