{{
    config(
        cluster_by=bigquery_only(["visitor_stage", "visitor_id"]),
    )
}}

{%- set recency = var("stage_recency_days") | int %}

with people as (

    select * from {{ ref("dim_visitors") }}
    where not is_excluded

),

days as (

    select * from {{ ref("int_visitor_days_staged") }}

),

conversions as (
{{ conversions_of_visitors() }}

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

stages as (

    select * from {{ ref("funnel_stages") }}

),

recent_time as (

    select {{ add_days("as_of_date", 1 - recency) }} as since_date
    from {{ ref("int_export_as_of") }}

),

standing as (

    select
        days.visitor_id,
        max(days.activity_date) as last_active_date,
        max(case when days.activity_date >= recent_time.since_date then days.stage_number end) as stage_number
    from days
    cross join recent_time
    group by days.visitor_id

),

deepest as (

    -- Of several conversions of the furthest stage the latest.
    select
        conversions.visitor_id,
        conversions.conversion_name,
        conversions.occurred_at,
        catalog.label
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    cross join recent_time
    where conversions.conversion_date >= recent_time.since_date
    qualify row_number() over (
        partition by conversions.visitor_id
        order by
            {{ reached_stage_number("catalog") }} desc,
            conversions.occurred_at desc,
            conversions.conversion_name asc,
            conversions.conversion_event_id asc
    ) = 1

),

mart_visitor_stages as (

    select
        people.visitor_id,
        case
            when stages.stage_number is null then 'inactive'
            else {{ visitor_stage("stages") }}
        end as visitor_stage,
        coalesce(stages.intent_level, 'inactive') as intent_level,
        stages.funnel_stage,
        stages.stage_number,
        stages.funnel_part,
        deepest.conversion_name as deepest_conversion_name,
        deepest.occurred_at as deepest_conversion_at,
        standing.last_active_date,
        case
            when stages.stage_number is null then 'Not seen in the last {{ recency }} days.'
            when deepest.conversion_name is null then 'Seen in the last {{ recency }} days, without a conversion.'
            else 'Deepest step of the last {{ recency }} days: ' || deepest.label || ' (' || stages.funnel_stage || ').'
        end as stage_rule,
        people.has_consent
    from people
    inner join standing on people.visitor_id = standing.visitor_id
    left join stages on standing.stage_number = stages.stage_number
    left join deepest on people.visitor_id = deepest.visitor_id

)

select * from mart_visitor_stages
