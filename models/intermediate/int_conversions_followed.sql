{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "done_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

page_views as (

    select * from {{ ref("int_page_views") }}

),

sessions as (

    select * from {{ ref("fct_sessions") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

conversion_events as (

    -- An event that is several conversions is called by the first of their names. What was not done in some days
    -- happens at a later moment than its event: the two together are a moment.
    select
        visitor_id,
        session_id,
        event_id,
        event_timestamp,
        event_order,
        min(conversion_date) as done_date,
        min(conversion_name) as conversion_name
    from conversions
    group by visitor_id, session_id, event_id, event_timestamp, event_order

),

moments as (

    -- A page stands before the conversion that is to see it, or its own page would come next.
    select
        sessions.visitor_id,
        page_views.session_id,
        page_views.event_id,
        page_views.event_timestamp,
        page_views.event_order,
        0 as event_place,
        page_views.page_path,
        cast(null as {{ dbt.type_string() }}) as conversion_name,
        cast(null as date) as done_date
    from page_views
    inner join sessions on page_views.session_id = sessions.session_id
    where sessions.visitor_id in (select conversion_events.visitor_id from conversion_events)

    union all

    select
        visitor_id,
        session_id,
        event_id,
        event_timestamp,
        event_order,
        1 as event_place,
        cast(null as {{ dbt.type_string() }}) as page_path,
        conversion_name,
        done_date
    from conversion_events

),

followed_moments as (

    select
        visitor_id,
        event_id,
        event_timestamp,
        done_date,
        first_value(conversion_name ignore nulls) over session_events as next_conversion_in_session,
        first_value(conversion_name ignore nulls) over visitor_events as next_conversion_of_visitor,
        first_value(case when conversion_name is not null then event_timestamp end ignore nulls) over visitor_events
            as next_conversion_timestamp,
        first_value(page_path ignore nulls) over session_events as next_page_in_session,
        first_value(page_path ignore nulls) over visitor_events as next_page_of_visitor,
        first_value(case when page_path is not null then event_timestamp end ignore nulls) over visitor_events
            as next_page_timestamp
    from moments
    window
        session_events as (
            partition by visitor_id, session_id
            order by event_timestamp, event_order, event_id, event_place
            rows between 1 following and unbounded following
        ),
        visitor_events as (
            partition by visitor_id
            order by event_timestamp, event_order, event_id, event_place
            rows between 1 following and unbounded following
        )

),

int_conversions_followed as (

    select
        visitor_id,
        event_id,
        event_timestamp,
        done_date,
        next_conversion_in_session,
        next_conversion_of_visitor,
        next_conversion_timestamp,
        next_page_in_session,
        next_page_of_visitor,
        next_page_timestamp
    from followed_moments
    where done_date is not null

)

select * from int_conversions_followed
