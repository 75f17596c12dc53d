{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "entry_date", "data_type": "date"}),
        cluster_by=bigquery_only(["funnel_name", "unit_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}
-- depends_on: {{ ref("int_conversions_counted") }}
-- depends_on: {{ ref("dim_funnel_steps") }}

{%- set attempt = "unit, funnel_name, unit_id, start_position" %}

with {{ funnel_events(["any"]) }},

required_steps as (

    -- A conversion that is two steps of a funnel must happen twice: its second row needs the second event.
    select
        *,
        count(*) over (partition by funnel_name) as required_step_count,
        count(*) over (
            partition by funnel_name, conversion_name
            order by step_number
            rows between unbounded preceding and current row
        ) - 1 as earlier_event_count
    from funnel_steps
    where role = 'step'

),

numbered_events as (

    select
        *,
        row_number() over (partition by funnel_name, unit_id, step_number order by position) as event_number
    from step_events
    where role = 'step'

),

entries as (

    select distinct
        unit,
        funnel_name,
        unit_id,
        position as start_position,
        event_timestamp as start_timestamp,
        window_micros
    from numbered_events
    where entry = 'open'
        or step_number = 1

),

entries_and_exclusions as (

    select
        *,
        start_position as position,
        cast(null as int64) as exclusion_position,
        cast(null as int64) as exclusion_timestamp
    from entries

    union all

    select
        unit,
        funnel_name,
        unit_id,
        cast(null as int64) as start_position,
        cast(null as int64) as start_timestamp,
        window_micros,
        position,
        position as exclusion_position,
        event_timestamp as exclusion_timestamp
    from step_events
    where role = 'exclusion'

),

bounded_entries as (

    select
        {{ attempt }},
        start_timestamp,
        window_micros,
        min(exclusion_position) over events_after as exclusion_position,
        min(exclusion_timestamp) over events_after as exclusion_timestamp,
        min(start_position) over events_after as next_start_position
    from entries_and_exclusions
    window events_after as (
        partition by funnel_name, unit_id
        order by position
        range between 1 following and unbounded following
    )

),

entries_and_moments as (

    select
        entries.funnel_name,
        entries.unit_id,
        required_steps.step_number,
        entries.start_position as position,
        entries.start_position,
        cast(null as int64) as reached_position,
        cast(null as int64) as reached_timestamp
    from entries
    inner join required_steps on entries.funnel_name = required_steps.funnel_name

    union all

    -- From this event on, the step is there when the event after so many more of its kind happened.
    select
        here.funnel_name,
        here.unit_id,
        here.step_number,
        here.position,
        cast(null as int64) as start_position,
        there.position as reached_position,
        there.event_timestamp as reached_timestamp
    from numbered_events as here
    inner join required_steps
        on here.funnel_name = required_steps.funnel_name
        and here.step_number = required_steps.step_number
    inner join numbered_events as there
        on here.funnel_name = there.funnel_name
        and here.unit_id = there.unit_id
        and here.step_number = there.step_number
        and here.event_number + required_steps.earlier_event_count = there.event_number

),

moments as (

    select
        funnel_name,
        unit_id,
        start_position,
        step_number,
        min(reached_position) over events_from_here as reached_position,
        min(reached_timestamp) over events_from_here as reached_timestamp
    from entries_and_moments
    window events_from_here as (
        partition by funnel_name, unit_id, step_number
        order by position
        range between current row and unbounded following
    )

),

levels as (

    select
        bounded_entries.*,
        moments.reached_position,
        moments.reached_timestamp,
        row_number() over (
            partition by moments.funnel_name, moments.unit_id, moments.start_position
            order by moments.reached_position, moments.step_number
        ) as level
    from moments
    inner join bounded_entries
        on moments.funnel_name = bounded_entries.funnel_name
        and moments.unit_id = bounded_entries.unit_id
        and moments.start_position = bounded_entries.start_position
    where moments.reached_timestamp - bounded_entries.start_timestamp <= bounded_entries.window_micros
        and moments.reached_position <= coalesce(bounded_entries.exclusion_position, moments.reached_position)

),

credited_levels as (

    -- What two attempts would reach by one event is credited to the newer one.
    select
        *,
        max(start_position) over (
            partition by funnel_name, unit_id, level, reached_position
        ) = start_position as is_newest
    from levels

),

attempt_levels as (

    select
        *,
        max(case when is_newest then level end) over (partition by {{ attempt }}) as depth
    from credited_levels

),

reached_steps as (

    select
        levels.unit,
        levels.funnel_name,
        levels.unit_id,
        levels.start_position,
        1 as entry_step,
        steps.step_number,
        levels.reached_position as position,
        levels.reached_timestamp,
        case
            when levels.depth < steps.required_step_count
                and levels.exclusion_position <= coalesce(levels.next_start_position, levels.exclusion_position)
                and levels.exclusion_timestamp - levels.start_timestamp <= levels.window_micros
                then levels.exclusion_timestamp
        end as excluded_timestamp
    from attempt_levels as levels
    inner join required_steps as steps
        on levels.funnel_name = steps.funnel_name
        and levels.level = steps.required_step_count_here
    where levels.level <= levels.depth

),

{{ funnel_steps_described("reached_steps") }},

int_funnel_steps_gathered as (

    select * from described_steps

)

select * from int_funnel_steps_gathered
