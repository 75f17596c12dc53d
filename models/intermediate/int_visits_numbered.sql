{{
    config(
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}

with sessions as (

    select * from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

int_visits_numbered as (

    select
        session_id,
        visitor_id,
        session_date,
        device_category,
        {{ micros_of_timestamp("started_at") }} as started_timestamp,
        {{ micros_of_timestamp("ended_at") }} as ended_timestamp,
        cast(row_number() over visits_of_visitor as int64) as visit_number,
        first_value(is_new_visitor) over visits_of_visitor as is_beginning_known
    from sessions
    window visits_of_visitor as (
        partition by visitor_id
        order by started_at, session_id
    )

)

select * from int_visits_numbered
