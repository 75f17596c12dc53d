with catalog as (

    -- An ingredient of derived conversions is counted by itself nowhere.
    select * from {{ ref("conversion_catalog") }}
    where conversion_type <> 'ingredient'

),

weights as (

    select * from {{ ref("lead_score_weights") }}

),

stages as (

    select * from {{ ref("funnel_stages") }}

),

dim_conversions as (

    select
        catalog.conversion_name,
        catalog.label,
        catalog.conversion_type,
        catalog.milestone_type,
        catalog.funnel_stage,
        stages.stage_number,
        stages.funnel_part,
        stages.intent_level,
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
