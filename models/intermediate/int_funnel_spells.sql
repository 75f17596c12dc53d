{{
    config(
        cluster_by=bigquery_only(["funnel_name", "period_grain"]),
    )
}}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}
    where entry_step = 1

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

unit_steps as (

    -- Where each unit counts once it is followed from its first entry of the period, else from every entry.
    select
        steps_reached.funnel_name,
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
    where funnel_steps.role = 'step'

),

entries_of_periods as (

    {{ row_per_variant("unit_steps", [
        "funnel_name", "unit_id", "attempt_position", "entry_position", "entry_session_id", "entered_timestamp",
        "step_number", "window_micros"
    ], [
        {"period_grain": "'all'", "period_start_date": "cast(null as date)"},
        {"period_grain": "'week'", "period_start_date": week_start("entry_date")},
    ]) }}

),

followed_units as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        unit_id,
        attempt_position,
        min(entered_timestamp) as entered_timestamp,
        min(entry_position) as entry_position,
        {{ first_by("entry_session_id", ["entry_position"], "entry_session_id is not null") }} as entry_session_id,
        min(window_micros) as window_micros
    from entries_of_periods
    where step_number = 1
    group by funnel_name, period_grain, period_start_date, unit_id, attempt_position

),

times as (

    -- The first time that the unit reached each step, by any attempt that began in or after the followed one.
    select
        followed_units.funnel_name,
        followed_units.period_grain,
        followed_units.period_start_date,
        followed_units.unit_id,
        followed_units.attempt_position,
        followed_units.entered_timestamp,
        followed_units.entry_session_id,
        followed_units.window_micros,
        unit_steps.step_number,
        min(unit_steps.reached_timestamp) as reached_timestamp
    from followed_units
    inner join unit_steps
        on followed_units.funnel_name = unit_steps.funnel_name
        and followed_units.unit_id = unit_steps.unit_id
        and followed_units.attempt_position = unit_steps.attempt_position
    where unit_steps.entry_position >= followed_units.entry_position
        and unit_steps.reached_timestamp - followed_units.entered_timestamp <= followed_units.window_micros
    group by
        followed_units.funnel_name,
        followed_units.period_grain,
        followed_units.period_start_date,
        followed_units.unit_id,
        followed_units.attempt_position,
        followed_units.entered_timestamp,
        followed_units.entry_session_id,
        followed_units.window_micros,
        unit_steps.step_number

),

step_pairs as (

    -- From each step that must happen to the next one, and from the first to the last.
    select
        funnel_name,
        previous_required_step as from_step,
        step_number as to_step
    from funnel_steps
    where role = 'step'
        and previous_required_step is not null

    union distinct

    select
        funnel_name,
        1 as from_step,
        last_required_step as to_step
    from funnel_steps
    where step_number = 1

),

int_funnel_spells as (

    -- Whoever has not got there when the window ends never will and is followed to its end; whose window is still
    -- open is followed to the end of the loaded days.
    select
        starts.funnel_name,
        starts.period_grain,
        starts.period_start_date,
        starts.unit_id,
        starts.entry_session_id,
        cast(starts.attempt_position as int64) as attempt_position,
        cast(step_pairs.from_step as int64) as from_step,
        cast(step_pairs.to_step as int64) as to_step,
        ends.reached_timestamp is not null as is_reached,
        cast(
            case
                when ends.reached_timestamp is not null then ends.reached_timestamp - starts.reached_timestamp
                when starts.entered_timestamp + starts.window_micros < as_of.as_of_timestamp
                    then starts.window_micros
                else as_of.as_of_timestamp - starts.reached_timestamp
            end as int64
        ) as followed_micros
    from times as starts
    cross join as_of
    inner join step_pairs
        on starts.funnel_name = step_pairs.funnel_name
        and starts.step_number = step_pairs.from_step
    left join times as ends
        on starts.funnel_name = ends.funnel_name
        and starts.period_grain = ends.period_grain
        and coalesce(starts.period_start_date, date '0001-01-01')
        = coalesce(ends.period_start_date, date '0001-01-01')
        and starts.unit_id = ends.unit_id
        and starts.attempt_position = ends.attempt_position
        and step_pairs.to_step = ends.step_number

)

select * from int_funnel_spells
