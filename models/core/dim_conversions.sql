with catalog as (

    select * from {{ ref("conversion_catalog") }}

),

weights as (

    select * from {{ ref("lead_score_weights") }}

),

stages as (

    select 'awareness' as funnel_stage, 1 as stage_number
    union all
    select 'interest' as funnel_stage, 2 as stage_number
    union all
    select 'consideration' as funnel_stage, 3 as stage_number
    union all
    select 'intent' as funnel_stage, 4 as stage_number
    union all
    select 'conversion' as funnel_stage, 5 as stage_number

),

dim_conversions as (

    select
        catalog.conversion_name,
        catalog.label,
        catalog.conversion_type,
        catalog.milestone_type,
        catalog.funnel_stage,
        cast(stages.stage_number as int64) as stage_number,
        catalog.supports,
        catalog.vertical,
        catalog.counting,
        catalog.value_rule,
        cast(coalesce(weights.points, catalog.lead_points, 0) as {{ type_float64() }}) as lead_points,
        cast(
            coalesce(weights.half_life_days, {{ var("default_half_life_days") }}) as {{ type_float64() }}
        ) as half_life_days,
        cast(weights.cap as {{ type_float64() }}) as points_cap,
        coalesce(weights.origin, 'catalog') as points_origin,
        catalog.hypothesis
    from catalog
    inner join stages on catalog.funnel_stage = stages.funnel_stage
    left join weights on catalog.conversion_name = weights.conversion_name

)

select * from dim_conversions
