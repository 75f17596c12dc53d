{{
    config(
        cluster_by=bigquery_only(["path_kind", "to_conversion_name"]),
    )
}}

{%- set most_paths = var("largest_segments") | int %}

with conversions as (

    select * from {{ ref("int_conversions_pathed") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

transitions as (

    {{ row_per_variant("conversions", ["conversion_name", "event_timestamp"], [
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

walks as (

    -- Who has done nothing for the time that a score halves in has given up for now.
    select
        case when conversions.conversion_type = 'macro' then 'path_to_goal' else 'path_to_giving_up' end as path_kind,
        case when conversions.conversion_type = 'macro' then conversions.conversion_name else '(gave up)' end
            as to_conversion_name,
        conversions.path,
        conversions.path_end_timestamp - conversions.path_start_timestamp as path_micros
    from conversions
    cross join as_of
    where conversions.path is not null
        and (
            conversions.conversion_type = 'macro'
            or as_of.as_of_timestamp - conversions.path_end_timestamp
            > {{ var("default_half_life_days") | int }} * cast(86400000000 as int64)
        )

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
