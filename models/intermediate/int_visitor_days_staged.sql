{{
    config(
        partition_by=bigquery_only({"field": "activity_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}

with visits as (

    select * from {{ ref("int_visits_numbered") }}

),

conversions as (
{{ conversions_of_visitors() }}

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

people as (

    select * from {{ ref("dim_visitors") }}
    where not is_excluded

),

beginnings as (

    select * from {{ ref("int_visitors_segmented") }}

),

first_stage as (

    select min(stage_number) as stage_number
    from {{ ref("funnel_stages") }}

),

activity as (

    -- Whoever is seen stands at the first stage at least.
    select
        visits.visitor_id,
        visits.session_date as activity_date,
        first_stage.stage_number
    from visits
    cross join first_stage

    union all

    select
        conversions.visitor_id,
        conversions.conversion_date as activity_date,
        {{ reached_stage_number("catalog") }} as stage_number
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    inner join people on conversions.visitor_id = people.visitor_id

),

days as (

    select
        visitor_id,
        activity_date,
        max(stage_number) as stage_number
    from activity
    group by visitor_id, activity_date

),

int_visitor_days_staged as (

    select
        days.visitor_id,
        days.activity_date,
        cast(days.stage_number as int64) as stage_number,
        days.activity_date = min(days.activity_date) over (partition by days.visitor_id) as is_first_day,
        coalesce(
            beginnings.is_beginning_known and beginnings.first_visit_date = days.activity_date, false
        ) as is_beginning
    from days
    left join beginnings on days.visitor_id = beginnings.visitor_id

)

select * from int_visitor_days_staged
