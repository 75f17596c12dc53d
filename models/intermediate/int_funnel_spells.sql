{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "entry_week", "data_type": "date"}),
        cluster_by=bigquery_only(["funnel_name", "unit_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}
    where entry_step = 1
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}
    where role = 'step'

),

unit_steps as (

    -- Where each unit counts once it is followed from its first entry of the period, else from every entry.
    select
        steps_reached.funnel_name,
        steps_reached.visitor_id,
        steps_reached.unit_id,
        case
            when funnel_steps.counting = 'attempts' then steps_reached.entry_position
            else 0
        end as attempt_position,
        steps_reached.entry_position,
        steps_reached.entry_date,
        steps_reached.entry_session_id,
        steps_reached.entered_timestamp,
        steps_reached.step_number,
        steps_reached.reached_timestamp,
        funnel_steps.window_micros
    from steps_reached
    inner join funnel_steps
        on steps_reached.funnel_name = funnel_steps.funnel_name
        and steps_reached.step_number = funnel_steps.step_number

),

weeks as (

    select
        funnel_name,
        visitor_id,
        unit_id,
        attempt_position,
        {{ week_start("entry_date") }} as entry_week,
        min(entered_timestamp) as entered_timestamp,
        min(entry_position) as entry_position,
        min(case when entry_session_id is not null then entry_position end) as session_position,
        min(entered_timestamp + window_micros) as window_end_timestamp
    from unit_steps
    where step_number = 1
    group by funnel_name, visitor_id, unit_id, attempt_position, {{ week_start("entry_date") }}

),

followed_units as (

    -- The first entry of all is the first one of its week, so that nobody is followed twice.
    select
        *,
        row_number() over (
            partition by funnel_name, unit_id, attempt_position
            order by entry_week
        ) = 1 as is_first_entry
    from weeks

),

times as (

    -- The first time that the unit reached each step, by any attempt that began in or after the followed one.
    select
        followed_units.funnel_name,
        followed_units.unit_id,
        followed_units.attempt_position,
        followed_units.entry_week,
        unit_steps.step_number,
        min(unit_steps.reached_timestamp) as reached_timestamp
    from followed_units
    inner join unit_steps
        on followed_units.funnel_name = unit_steps.funnel_name
        and followed_units.unit_id = unit_steps.unit_id
        and followed_units.attempt_position = unit_steps.attempt_position
    where unit_steps.entry_position >= followed_units.entry_position
        and unit_steps.reached_timestamp <= followed_units.window_end_timestamp
    group by
        followed_units.funnel_name,
        followed_units.unit_id,
        followed_units.attempt_position,
        followed_units.entry_week,
        unit_steps.step_number

),

step_pairs as (

    -- From each step that must happen to the next one, and from the first to the last.
    select
        funnel_name,
        previous_required_step as from_step,
        step_number as to_step
    from funnel_steps
    where previous_required_step is not null

    union distinct

    select
        funnel_name,
        1 as from_step,
        last_required_step as to_step
    from funnel_steps
    where step_number = 1

),

spells as (

    -- Both ends of a pair are one row at most of the times, so that nothing has to be joined to itself.
    select
        times.funnel_name,
        times.unit_id,
        times.attempt_position,
        times.entry_week,
        step_pairs.from_step,
        step_pairs.to_step,
        min(case when times.step_number = step_pairs.from_step then times.reached_timestamp end) as started_timestamp,
        min(case when times.step_number = step_pairs.to_step then times.reached_timestamp end) as reached_timestamp
    from times
    inner join step_pairs
        on times.funnel_name = step_pairs.funnel_name
        and (times.step_number = step_pairs.from_step or times.step_number = step_pairs.to_step)
    group by
        times.funnel_name,
        times.unit_id,
        times.attempt_position,
        times.entry_week,
        step_pairs.from_step,
        step_pairs.to_step

),

int_funnel_spells as (

    select
        spells.funnel_name,
        followed_units.visitor_id,
        spells.unit_id,
        cast(spells.attempt_position as int64) as attempt_position,
        spells.entry_week,
        followed_units.is_first_entry,
        entries.entry_session_id,
        followed_units.window_end_timestamp,
        cast(spells.from_step as int64) as from_step,
        cast(spells.to_step as int64) as to_step,
        spells.started_timestamp,
        spells.reached_timestamp
    from spells
    inner join followed_units
        on spells.funnel_name = followed_units.funnel_name
        and spells.unit_id = followed_units.unit_id
        and spells.attempt_position = followed_units.attempt_position
        and spells.entry_week = followed_units.entry_week
    left join unit_steps as entries
        on followed_units.funnel_name = entries.funnel_name
        and followed_units.unit_id = entries.unit_id
        and followed_units.session_position = entries.entry_position
        and entries.step_number = 1
    where spells.started_timestamp is not null

)

select * from int_funnel_spells
