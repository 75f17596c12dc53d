-- A visitor's stage is the furthest that any counted conversion belongs to by the catalog as it is now.
with visitors as (

    select * from {{ ref("dim_visitors") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

stages as (

    select * from {{ ref("funnel_stages") }}

),

visitor_conversions as (

    select
        visitor_id,
        conversion_name
    from {{ ref("fct_micro_conversions") }}
    where visitor_id is not null

    union distinct

    select
        visitor_id,
        conversion_name
    from {{ ref("fct_macro_conversions") }}
    where visitor_id is not null

),

furthest_stages as (

    select
        visitor_conversions.visitor_id,
        max(conversions.stage_number) as stage_number
    from visitor_conversions
    inner join conversions on visitor_conversions.conversion_name = conversions.conversion_name
    group by visitor_conversions.visitor_id

)

select
    visitors.visitor_id,
    visitors.funnel_stage,
    stages.stage_number,
    furthest_stages.stage_number as furthest_stage_number
from visitors
left join stages on visitors.funnel_stage = stages.funnel_stage
left join furthest_stages on visitors.visitor_id = furthest_stages.visitor_id
where coalesce(stages.stage_number, 0) <> coalesce(furthest_stages.stage_number, 1)
