{{
    config(
        cluster_by=bigquery_only(["path_kind", "to_conversion_name"]),
    )
}}

{%- set longest_path = 5 %}
{%- set most_paths = var("largest_segments") | int %}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
        and is_counted

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

goals_so_far as (

    -- A goal closes a path: what comes after it leads to the next one.
    select
        visitor_id,
        session_id,
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
        lag(conversion_name) over path_events as previous_of_path
    from goals_so_far
    window
        session_events as (
            partition by coalesce(session_id, conversion_event_id)
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

transitions as (

    {{ row_per_variant("neighbours", ["conversion_name", "event_timestamp"], [
        {
            "path_kind": "'transition_in_session'",
            "next_name": "next_of_session",
            "next_timestamp": "next_of_session_timestamp",
        },
        {
            "path_kind": "'transition_of_visitor'",
            "next_name": "next_of_visitor",
            "next_timestamp": "next_of_visitor_timestamp",
        },
    ]) }}

),

collapsed as (

    -- The same conversion again is no step of a path.
    select
        *,
        {%- for back in range(1, longest_path + 1) %}
        lag(conversion_name, {{ back }}) over path_events as name_{{ back }}_before,
        {%- endfor %}
        row_number() over path_events as place,
        lead(conversion_name) over path_events is null as is_last,
        first_value(event_timestamp) over path_events as path_start_timestamp
    from neighbours
    where conversion_name <> coalesce(previous_of_path, '')
    window path_events as (
        partition by visitor_id, earlier_goal_count
        order by event_timestamp, event_order, conversion_event_id
    )

),

walks as (

    select
        'path_to_goal' as path_kind,
        conversion_name as to_conversion_name,
        {% for back in range(longest_path, 0, -1) -%}
        coalesce(name_{{ back }}_before || ' > ', '') || {% endfor -%}
        conversion_name as path,
        event_timestamp - path_start_timestamp as path_micros
    from collapsed
    where conversion_type = 'macro'

    union all

    -- Who has done nothing for the time that a score halves in has given up for now.
    select
        'path_to_giving_up' as path_kind,
        '(gave up)' as to_conversion_name,
        {% for back in range(longest_path - 1, 0, -1) -%}
        coalesce(collapsed.name_{{ back }}_before || ' > ', '') || {% endfor -%}
        collapsed.conversion_name || ' > (gave up)' as path,
        collapsed.event_timestamp - collapsed.path_start_timestamp as path_micros
    from collapsed
    cross join as_of
    where collapsed.is_last
        and collapsed.conversion_type = 'micro'
        and as_of.as_of_timestamp - collapsed.event_timestamp
        > {{ var("default_half_life_days") | int }} * cast(86400000000 as int64)

),

steps as (

    select
        path_kind,
        conversion_name as from_conversion_name,
        coalesce(next_name, '(none)') as to_conversion_name,
        conversion_name || ' > ' || coalesce(next_name, '(none)') as path,
        next_timestamp - event_timestamp as path_micros
    from transitions

    union all

    select
        path_kind,
        cast(null as {{ dbt.type_string() }}) as from_conversion_name,
        to_conversion_name,
        path,
        path_micros
    from walks

),

timed as (

    select
        *,
        row_number() over (
            partition by path_kind, to_conversion_name, path
            order by path_micros
        ) as time_rank,
        count(path_micros) over (partition by path_kind, to_conversion_name, path) as timed_count
    from steps

),

counts as (

    select
        path_kind,
        from_conversion_name,
        to_conversion_name,
        path,
        cast(count(*) as int64) as path_count,
        min(case when time_rank >= 0.5 * timed_count then path_micros end) as median_micros
    from timed
    group by path_kind, from_conversion_name, to_conversion_name, path

),

ranked as (

    -- Transitions are shares of all that leave a conversion, paths of all that end in it.
    select
        *,
        cast(
            sum(path_count) over (
                partition by path_kind, coalesce(from_conversion_name, to_conversion_name)
            ) as int64
        ) as total_count,
        row_number() over (
            partition by path_kind, coalesce(from_conversion_name, to_conversion_name)
            order by path_count desc, path asc
        ) as path_rank
    from counts

),

mart_conversion_paths as (

    select
        path_kind,
        from_conversion_name,
        to_conversion_name,
        path,
        cast(path_rank as int64) as path_rank,
        path_count,
        total_count,
{{ rate_columns("path_count", "total_count", "share") }},
        case when path_count >= {{ var("minimum_group_size") }} then median_micros / 1000000.0 end as median_seconds
    from ranked
    where from_conversion_name is not null
        or path_rank <= {{ most_paths }}

)

select * from mart_conversion_paths
