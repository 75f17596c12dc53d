{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "done_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

{%- set longest_path = 5 %}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
        and is_counted
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

goals_so_far as (

    -- A goal closes a path: what comes after it leads to the next one.
    select
        visitor_id,
        session_id,
        conversion_date as done_date,
        conversion_event_id,
        conversion_name,
        conversion_type,
        event_timestamp,
        event_order,
        count(case when conversion_type = 'macro' then 1 end) over (
            partition by visitor_id
            order by event_timestamp, event_order, conversion_event_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_goal_count
    from conversions

),

neighbours as (

    select
        *,
        lead(conversion_name) over session_events as next_of_session,
        lead(event_timestamp) over session_events as next_of_session_timestamp,
        lead(conversion_name) over visitor_events as next_of_visitor,
        lead(event_timestamp) over visitor_events as next_of_visitor_timestamp,
        coalesce(lag(conversion_name) over path_events = conversion_name, false) as is_repeated,
        max(event_timestamp) over (partition by visitor_id, earlier_goal_count) as path_end_timestamp
    from goals_so_far
    window
        session_events as (
            partition by visitor_id, coalesce(session_id, conversion_event_id)
            order by event_timestamp, event_order, conversion_event_id
        ),
        visitor_events as (
            partition by visitor_id
            order by event_timestamp, event_order, conversion_event_id
        ),
        path_events as (
            partition by visitor_id, earlier_goal_count
            order by event_timestamp, event_order, conversion_event_id
        )

),

steps_of_paths as (

    -- The same conversion again is no step of a path.
    select
        *,
        {%- for back in range(1, longest_path + 1) %}
        lag(conversion_name, {{ back }}) over path_steps as name_{{ back }}_before,
        {%- endfor %}
        lead(conversion_name) over path_steps is null as is_last_step,
        first_value(event_timestamp) over path_steps as path_start_timestamp
    from neighbours
    window path_steps as (
        partition by visitor_id, earlier_goal_count, is_repeated
        order by event_timestamp, event_order, conversion_event_id
    )

),

int_conversions_pathed as (

    -- A path ends in its goal, or with what is the last step so far.
    select
        conversion_event_id,
        visitor_id,
        done_date,
        conversion_name,
        conversion_type,
        event_timestamp,
        next_of_session,
        next_of_session_timestamp,
        next_of_visitor,
        next_of_visitor_timestamp,
        case
            when is_repeated then null
            when conversion_type = 'macro'
                then {% for back in range(longest_path, 0, -1) -%}
                coalesce(name_{{ back }}_before || ' > ', '') || {% endfor -%}
                conversion_name
            when is_last_step
                then {% for back in range(longest_path - 1, 0, -1) -%}
                coalesce(name_{{ back }}_before || ' > ', '') || {% endfor -%}
                conversion_name || ' > (gave up)'
        end as path,
        path_start_timestamp,
        path_end_timestamp
    from steps_of_paths

)

select * from int_conversions_pathed
