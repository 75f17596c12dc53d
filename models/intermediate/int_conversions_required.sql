{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with stitched as (

    select * from {{ ref("int_conversions_stitched") }}

),

required_names as (

    select distinct needed_name
    from {{ ref("int_requirements_leveled") }}

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}

),

conversions as (

    select stitched.*
    from stitched
    inner join required_names on stitched.conversion_name = required_names.needed_name
    where stitched.visitor_id is not null
    {%- if is_incremental() %}
        and stitched.visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

{{ first_occurrences("conversions") }},

visitors as (

    select distinct visitor_id
    from conversions

),

first_visits as (

    select
        sessions.visitor_id,
        min(sessions.first_visit_timestamp) as first_visit_timestamp
    from sessions
    inner join visitors on sessions.visitor_id = visitors.visitor_id
    group by sessions.visitor_id

),

int_conversions_required as (

    select
        conversions.conversion_event_id,
        conversions.conversion_name,
        conversions.visitor_id,
        conversions.user_pseudo_id,
        conversions.session_id,
        conversions.event_id,
        conversions.event_name,
        conversions.property_id,
        conversions.event_timestamp,
        conversions.event_order,
        conversions.event_date,
        conversions.session_number,
        conversions.session_started_timestamp,
        conversions.session_ended_timestamp,
        first_visits.first_visit_timestamp,
        conversions.page_path,
        conversions.engaged_seconds_on_page,
        conversions.percent_scrolled_on_page,
        conversions.page_of_day,
        conversions.is_first_session,
        conversions.distinct_values
    from conversions
    inner join first_occurrences on conversions.conversion_event_id = first_occurrences.conversion_event_id
    left join first_visits on conversions.visitor_id = first_visits.visitor_id
    where conversions.exclusion_reason is null

)

select * from int_conversions_required
