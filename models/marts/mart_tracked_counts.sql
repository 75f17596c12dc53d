{#- Rarer things are never expected often enough for their silence to be noticed. -#}
{%- set least_total = 20 %}
{%- set most_events, most_parameters = 300, 100 %}
{{
    config(
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["part", "event_name"]),
    )
}}

with counts as (

    select * from {{ ref("int_tracking_counted") }}

),

sessions as (

    -- Without robots: a flood of them on a page would make everything else look silent.
    select
        session_date,
        count(*) as session_count
    from {{ ref("int_sessions_segmented") }}
    group by session_date

),

days as (

    select
        export_days.event_date,
        export_days.accepted_count,
        coalesce(sessions.session_count, 0) as session_count
    from {{ ref("int_export_days_counted") }} as export_days
    left join sessions on export_days.event_date = sessions.session_date
    where export_days.accepted_count > 0

),

all_counts as (

    select * from counts

    union all

    -- A browser, a version or a stream may fall silent as a whole, and a flag may turn on all events.
    select
        event_date,
        '*' as event_name,
        part,
        part_value,
        sum(event_count) as event_count,
        sum(true_count) as true_count,
        sum(false_count) as false_count
    from counts
    where part <> 'event'
    group by event_date, part, part_value

    union all

    select
        event_date,
        '*' as event_name,
        'event' as part,
        '' as part_value,
        accepted_count as event_count,
        0 as true_count,
        0 as false_count
    from days

),

sizes as (

    select
        event_name,
        part,
        part_value,
        sum(event_count) as total_count
    from all_counts
    group by event_name, part, part_value
    having sum(event_count) >= {{ least_total }}

),

ranked_sizes as (

    select
        *,
        row_number() over (
            partition by part, case when part = 'event' then '' else event_name end
            order by total_count desc, event_name asc, part_value asc
        ) as size_rank
    from sizes

),

kept as (

    select
        event_name,
        part,
        part_value
    from ranked_sizes
    where size_rank <= case part
        when 'event' then {{ most_events }}
        when 'parameter' then {{ most_parameters }}
        else {{ var("largest_segments") }}
    end

),

kept_events as (

    select event_name
    from kept
    where part = 'event'

),

expected_days as (

    -- What is not there on a day has no row, and is what is looked for.
    select
        days.event_date,
        kept.event_name,
        kept.part,
        kept.part_value,
        days.session_count
    from kept
    inner join kept_events on kept.event_name = kept_events.event_name
    cross join days

),

event_counts as (

    select
        event_date,
        event_name,
        event_count
    from all_counts
    where part = 'event'

),

mart_tracked_counts as (

    select
        expected_days.event_date,
        expected_days.event_name,
        expected_days.part,
        expected_days.part_value,
        cast(coalesce(found.event_count, 0) as int64) as event_count,
        cast(coalesce(found.true_count, 0) as int64) as true_count,
        cast(coalesce(found.false_count, 0) as int64) as false_count,
        cast(coalesce(event_counts.event_count, 0) as int64) as all_count,
        cast(expected_days.session_count as int64) as session_count
    from expected_days
    left join all_counts as found
        on expected_days.event_date = found.event_date
        and expected_days.event_name = found.event_name
        and expected_days.part = found.part
        and expected_days.part_value = found.part_value
    left join event_counts
        on expected_days.event_date = event_counts.event_date
        and expected_days.event_name = event_counts.event_name

)

select * from mart_tracked_counts
