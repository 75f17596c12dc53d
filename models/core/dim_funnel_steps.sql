with funnels as (

    select * from {{ ref("funnels") }}

),

steps as (

    select * from {{ ref("funnel_steps") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

dim_funnel_steps as (

    select
        steps.funnel_name || '/' || cast(steps.step_number as {{ dbt.type_string() }}) as funnel_step_id,
        steps.funnel_name,
        funnels.label as funnel_label,
        funnels.unit,
        funnels.step_order,
        funnels.entry,
        cast(funnels.window_hours as {{ type_float64() }}) as window_hours,
        cast(funnels.step_window_hours as {{ type_float64() }}) as step_window_hours,
        funnels.counting,
        cast(steps.step_number as int64) as step_number,
        cast(max(steps.step_number) over (partition by steps.funnel_name) as int64) as step_count,
        steps.conversion_name,
        conversions.label as conversion_label,
        steps.role
    from steps
    inner join funnels on steps.funnel_name = funnels.funnel_name
    inner join conversions on steps.conversion_name = conversions.conversion_name

)

select * from dim_funnel_steps
