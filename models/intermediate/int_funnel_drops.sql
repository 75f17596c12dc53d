with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}

),

unit_days as (

    select * from {{ ref("int_funnel_unit_days") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}
    where role = 'step'

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

units as (

    -- What a unit reached over all its mature days, or an attempt by itself where each counts.
    select
        unit_days.funnel_name,
        unit_days.unit_id,
        0 as attempt_position,
        bit_or(unit_days.reached_mask) as reached_mask,
        bit_or(unit_days.continued_mask) as continued_mask
    from unit_days
    inner join funnel_steps
        on unit_days.funnel_name = funnel_steps.funnel_name
        and funnel_steps.step_number = 1
    cross join as_of
    where {{ day_is_mature("unit_days.entry_date", "funnel_steps.outcome_micros", "as_of.as_of_timestamp") }}
    group by unit_days.funnel_name, unit_days.unit_id

    union all

    select
        steps_reached.funnel_name,
        steps_reached.unit_id,
        steps_reached.entry_position as attempt_position,
        steps_reached.reached_mask,
        steps_reached.continued_mask
    from steps_reached
    inner join funnel_steps
        on steps_reached.funnel_name = funnel_steps.funnel_name
        and funnel_steps.step_number = 1
    cross join as_of
    where funnel_steps.counting = 'attempts'
        and steps_reached.step_number = steps_reached.entry_step
        and steps_reached.entered_timestamp + funnel_steps.outcome_micros < as_of.as_of_timestamp

),

dropped_units as (

    -- Reached the step, and did not go on from it to the next one that must happen.
    select
        units.funnel_name,
        units.unit_id,
        units.attempt_position,
        steps.step_number,
        next_steps.step_bit as next_step_bit,
        steps.counting,
        steps.window_micros
    from units
    inner join funnel_steps as steps on units.funnel_name = steps.funnel_name
    inner join funnel_steps as next_steps
        on steps.funnel_name = next_steps.funnel_name
        and steps.next_required_step = next_steps.step_number
    where units.reached_mask & steps.step_bit <> 0
        and units.continued_mask & next_steps.step_bit = 0

),

int_funnel_drops as (

    -- The last time that the unit stood there, by an attempt that went no further.
    select
        dropped_units.funnel_name,
        dropped_units.step_number,
        dropped_units.unit_id,
        cast(dropped_units.attempt_position as int64) as attempt_position,
        steps_reached.visitor_id,
        steps_reached.reached_event_id,
        steps_reached.reached_session_id,
        steps_reached.reached_timestamp,
        steps_reached.entered_timestamp + dropped_units.window_micros as window_end_timestamp
    from dropped_units
    inner join steps_reached
        on dropped_units.funnel_name = steps_reached.funnel_name
        and dropped_units.unit_id = steps_reached.unit_id
        and dropped_units.step_number = steps_reached.step_number
    where dropped_units.counting = 'unique'
        or dropped_units.attempt_position = steps_reached.entry_position
    qualify row_number() over (
        partition by
            dropped_units.funnel_name,
            dropped_units.unit_id,
            dropped_units.attempt_position,
            dropped_units.step_number
        order by
            case when steps_reached.reached_mask & dropped_units.next_step_bit = 0 then 0 else 1 end,
            steps_reached.reached_position desc,
            steps_reached.entry_position desc
    ) = 1

)

select * from int_funnel_drops
