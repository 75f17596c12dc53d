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

{%- set attempt = "walk_number, start_position" %}

with {{ funnel_events(["any"]) }},

required_steps as (

    -- A conversion that is two steps of a funnel must happen twice: its second row needs the second event.
    select
        *,
        count(*) over (partition by funnel_number) as required_step_count,
        count(*) over (
            partition by funnel_number, conversion_name
            order by step_number
            rows between unbounded preceding and current row
        ) - 1 as earlier_event_count
    from funnel_steps
    where role = 'step'

),

event_positions as (

    -- Of one event that is several steps, the first and the last; of two steps that are one conversion, both.
    select
        walk_number,
        position,
        event_number,
        event_timestamp,
        window_micros,
        is_open,
        min(step_number) as first_step,
        max(step_number) as last_step
    from step_events
    where not is_exclusion
    group by walk_number, position, event_number, event_timestamp, window_micros, is_open

),

neighboured_positions as (

    select
        *,
        first_step = last_step
        and coalesce(lag(first_step) over events_in_order = first_step, false)
        and coalesce(lag(last_step) over events_in_order = first_step, false) as is_repeated,
        first_step = last_step
        and coalesce(lead(first_step) over events_in_order = first_step, false)
        and coalesce(lead(last_step) over events_in_order = first_step, false) as is_superseded
    from event_positions
    window events_in_order as (partition by walk_number order by position)

),

entries as (

    -- What an entry reaches besides itself is reached by the next one too, if that is the same step and nothing came
    -- between, and is credited to the newer one.
    select
        walk_number,
        position as start_position,
        event_number as start_event_number,
        event_timestamp as start_timestamp,
        window_micros,
        is_superseded
    from neighboured_positions
    where is_open
        or first_step = 1

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
        walk_number,
        cast(null as int64) as start_position,
        cast(null as int64) as start_event_number,
        cast(null as int64) as start_timestamp,
        window_micros,
        cast(null as bool) as is_superseded,
        position,
        position as exclusion_position,
        event_timestamp as exclusion_timestamp
    from step_events
    where is_exclusion

),

bounded_entries as (

    select
        {{ attempt }},
        start_event_number,
        start_timestamp,
        window_micros,
        is_superseded,
        min(exclusion_position) over events_after as exclusion_position,
        min(exclusion_timestamp) over events_after as exclusion_timestamp,
        min(start_position) over events_after as next_start_position
    from entries_and_exclusions
    window events_after as (
        partition by walk_number
        order by position
        range between 1 following and unbounded following
    )

),

open_entries as (

    select * from bounded_entries
    where not is_superseded

),

numbered_events as (

    -- In a run of the same step only the first and the last event can be anybody's.
    select
        step_events.walk_number,
        step_events.position,
        step_events.event_number as visitor_event_number,
        step_events.event_timestamp,
        step_events.step_number,
        row_number() over (
            partition by step_events.walk_number, step_events.step_number
            order by step_events.position
        ) as event_number
    from step_events
    inner join neighboured_positions
        on step_events.walk_number = neighboured_positions.walk_number
        and step_events.position = neighboured_positions.position
    where not step_events.is_exclusion
        and not (neighboured_positions.is_repeated and neighboured_positions.is_superseded)

),

entries_and_moments as (

    select
        entries.walk_number,
        required_steps.step_number,
        entries.start_position as position,
        entries.start_position,
        cast(null as int64) as reached_position,
        cast(null as int64) as reached_timestamp,
        cast(null as int64) as reached_event_number
    from open_entries as entries
    inner join required_steps on {{ funnel_of_walk("entries.walk_number") }} = required_steps.funnel_number

    union all

    -- From this event on, the step is there when the event after so many more of its kind happened.
    select
        here.walk_number,
        here.step_number,
        here.position,
        cast(null as int64) as start_position,
        there.position as reached_position,
        there.event_timestamp as reached_timestamp,
        there.visitor_event_number as reached_event_number
    from numbered_events as here
    inner join required_steps
        on {{ funnel_of_walk("here.walk_number") }} = required_steps.funnel_number
        and here.step_number = required_steps.step_number
    inner join numbered_events as there
        on here.walk_number = there.walk_number
        and here.step_number = there.step_number
        and here.event_number + required_steps.earlier_event_count = there.event_number

),

moments as (

    select
        walk_number,
        start_position,
        step_number,
        min(reached_position) over events_from_here as reached_position,
        min(reached_timestamp) over events_from_here as reached_timestamp,
        min(reached_event_number) over events_from_here as reached_event_number
    from entries_and_moments
    window events_from_here as (
        partition by walk_number, step_number
        order by position
        range between current row and unbounded following
    )

),

levels as (

    select
        open_entries.*,
        moments.reached_position,
        moments.reached_timestamp,
        moments.reached_event_number,
        row_number() over (
            partition by moments.walk_number, moments.start_position
            order by moments.reached_position, moments.step_number
        ) as level
    from moments
    inner join open_entries
        on moments.walk_number = open_entries.walk_number
        and moments.start_position = open_entries.start_position
    where moments.reached_timestamp - open_entries.start_timestamp <= open_entries.window_micros
        and moments.reached_position <= coalesce(open_entries.exclusion_position, moments.reached_position)

),

credited_levels as (

    -- What two attempts would reach by one event is credited to the newer one.
    select
        *,
        max(start_position) over (partition by walk_number, level, reached_position) = start_position as is_newest
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
        levels.walk_number,
        levels.start_position,
        1 as entry_step,
        steps.step_number,
        levels.reached_position as position,
        levels.reached_timestamp,
        levels.reached_event_number as event_number,
        case
            when levels.depth < steps.required_step_count
                and levels.exclusion_position <= coalesce(levels.next_start_position, levels.exclusion_position)
                and levels.exclusion_timestamp - levels.start_timestamp <= levels.window_micros
                then levels.exclusion_timestamp
        end as excluded_timestamp
    from attempt_levels as levels
    inner join required_steps as steps
        on {{ funnel_of_walk("levels.walk_number") }} = steps.funnel_number
        and levels.level = steps.required_step_count_here
    where levels.level <= levels.depth

),

lone_steps as (

    select
        walk_number,
        start_position as position,
        start_event_number as event_number,
        start_timestamp as reached_timestamp,
        case
            when exclusion_position <= coalesce(next_start_position, exclusion_position)
                and exclusion_timestamp - start_timestamp <= window_micros
                then exclusion_timestamp
        end as excluded_timestamp
    from bounded_entries
    where is_superseded

),

{{ funnel_steps_described("reached_steps", "lone_steps") }},

int_funnel_steps_gathered as (

    select * from described_steps

)

select * from int_funnel_steps_gathered
