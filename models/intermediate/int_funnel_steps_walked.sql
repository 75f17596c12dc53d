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

{%- set last_level = var("max_funnel_steps") | int + 1 %}
{%- set attempt = "walk_number, start_position" %}
{%- set carried = [
    "walk_number", "position", "event_number", "event_timestamp", "level", "step_number", "is_exclusion", "required_step",
    "next_required_step", "may_enter", "entry_step", "is_strict", "window_micros", "step_window_micros"
] %}

with {{ funnel_events(["ordered", "strict"]) }},

neighboured_events as (

    select
        *,
        case when is_open then min(case when not is_exclusion then step_number end) over same_event else 1 end
            as entry_step,
        min(case when step_number = 1 then position end) over events_after as next_first_position,
        min(case when step_number > 1 then position end) over events_after as next_other_position
    from step_events
    window
        same_event as (
            partition by walk_number
            order by position
            range between current row and current row
        ),
        events_after as (
            partition by walk_number
            order by position
            range between 1 following and unbounded following
        )

),

placed_events as (

    select
        *,
        case when is_exclusion then next_required_step else step_number end as level,
        is_open and not is_exclusion and step_number = entry_step as may_enter
    from neighboured_events

),

walked_1 as (

    -- An entry with a newer one before anything else is never the newest: nothing can be credited to it.
    select
        {{ carried | join(", ") }},
        case when step_number = 1 then position end as start_position,
        case when step_number = 1 then event_timestamp end as start_timestamp
    from placed_events
    where step_number > 1
        or next_other_position <= coalesce(next_first_position, next_other_position)

),

{%- for level in range(2, last_level + 1) %}
{%- set may_be_followed = "start_position is not null and not is_exclusion and step_number < " ~ level
    ~ " and next_required_step >= " ~ level %}
{%- set ends_attempts = "is_exclusion and required_step < " ~ level ~ " and next_required_step >= " ~ level %}

followed_{{ level }} as (

    -- The latest event that a step can follow stands in the newest attempt and leaves the most of both windows:
    -- no other one needs to be looked at. Of one event, rows of the step come first, so that none follows itself,
    -- and of two steps that it may be, the one of the newer attempt last.
    select
        {{ carried | join(", ") }},
        start_position,
        start_timestamp,
        {%- for value in ["position", "event_timestamp", "start_position", "start_timestamp"] %}
        {{ latest_where(value, may_be_followed, "position * 2147483648 + start_position", "earlier_events") }}
            as followed_{{ value }},
        {%- endfor %}
        max(case when {{ ends_attempts }} then position end) over earlier_events as exclusion_position
    from walked_{{ level - 1 }}
    window earlier_events as (
        partition by walk_number
        order by
            position,
            case when level <> {{ level }} then 2 when is_exclusion then 1 else 0 end,
            start_position
        rows between unbounded preceding and 1 preceding
    )

),

judged_{{ level }} as (

    select
        *,
        case
            when level <> {{ level }} then 'other'
            when followed_position >= coalesce(exclusion_position, followed_position)
                and event_timestamp - followed_start_timestamp <= window_micros
                and event_timestamp - followed_event_timestamp <= step_window_micros
                and (not is_strict or followed_position = position - 1)
                then 'follows'
            when may_enter then 'enters'
        end as verdict
    from followed_{{ level }}

),

walked_{{ level }} as (

    select
        {{ carried | join(", ") }},
        case verdict
            when 'follows' then followed_start_position when 'enters' then position else start_position
        end as start_position,
        case verdict
            when 'follows' then followed_start_timestamp when 'enters' then event_timestamp else start_timestamp
        end as start_timestamp
    from judged_{{ level }}

),
{%- endfor %}

first_reached as (

    select
        {{ attempt }},
        step_number,
        required_step,
        next_required_step,
        is_exclusion,
        min(position) as position,
        min(event_number) as event_number,
        min(event_timestamp) as reached_timestamp
    from walked_{{ last_level }}
    where start_position is not null
    group by {{ attempt }}, step_number, required_step, next_required_step, is_exclusion

),

lone_steps as (

    select
        walk_number,
        position,
        event_number,
        event_timestamp as reached_timestamp,
        cast(null as int64) as excluded_timestamp
    from placed_events
    where step_number = 1
        and coalesce(next_other_position > next_first_position, next_other_position is null)

),

steps_and_ends as (

    select
        *,
        min(case when not is_exclusion then position end) over later_steps as later_position,
        max(case when not is_exclusion then required_step end) over (partition by {{ attempt }}) as stands_at,
        min(case when position = start_position and not is_exclusion then step_number end)
            over (partition by {{ attempt }}) as entry_step
    from first_reached
    window later_steps as (
        partition by {{ attempt }}
        order by step_number
        rows between 1 following and unbounded following
    )

),

ends as (

    select
        {{ attempt }},
        min(reached_timestamp) as excluded_timestamp
    from steps_and_ends
    where is_exclusion
        and required_step = stands_at
    group by {{ attempt }}

),

reached_steps as (

    -- An optional step counts where it happened before a later step did.
    select
        steps.walk_number,
        steps.start_position,
        steps.entry_step,
        steps.step_number,
        steps.position,
        steps.event_number,
        steps.reached_timestamp,
        ends.excluded_timestamp
    from steps_and_ends as steps
    left join ends
        on steps.walk_number = ends.walk_number
        and steps.start_position = ends.start_position
    where not steps.is_exclusion
        and steps.position < coalesce(steps.later_position, steps.position + 1)

),

{{ funnel_steps_described("reached_steps", "lone_steps") }},

int_funnel_steps_walked as (

    select * from described_steps

)

select * from int_funnel_steps_walked
