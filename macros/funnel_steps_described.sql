{#- The CTEs that end in `described_steps`: each step that an attempt reached, with its entry and, as bits
    (1 for step 1, 2 for step 2, 4 for step 3 …), all steps that it reached and those that it reached from the required
    step before. `reached_steps` has walk_number, start_position, entry_step, step_number, event_number,
    reached_timestamp and excluded_timestamp. `lone_steps` are the attempts that reached nothing but step 1, most of
    all, by position. `numbered_conversions` and `funnel_steps` come from funnel_events(). -#}
{% macro funnel_steps_described(reached_steps, lone_steps) -%}
{%- set entry_columns = [
    "funnel_names.funnel_name",
    "funnel_names.unit",
    "case when funnel_names.unit = 'session' then entries.session_id else entries.visitor_id end as unit_id",
    "entries.visitor_id",
    "entries.event_id as entry_event_id",
    "entries.session_id as entry_session_id",
    "entries.conversion_date as entry_date",
] | join(",\n        ") -%}
masked_steps as (

    select
        steps.*,
        funnel_steps.step_bit,
        funnel_steps.previous_step_bit,
        funnel_steps.last_required_step,
        sum(funnel_steps.step_bit) over (partition by steps.walk_number, steps.start_position) as reached_mask
    from {{ reached_steps }} as steps
    inner join funnel_steps
        on {{ funnel_of_walk("steps.walk_number") }} = funnel_steps.funnel_number
        and steps.step_number = funnel_steps.step_number

),

continued_steps as (

    select
        *,
        coalesce(cast(reached_mask as int64) & previous_step_bit <> 0, true) as is_continued
    from masked_steps

),

numbered_steps as (

    select
        walk_number,
        start_position,
        min(event_number) over same_attempt as entry_event_number,
        entry_step,
        min(case when step_number = entry_step then reached_timestamp end) over same_attempt as entered_timestamp,
        step_number,
        event_number,
        position,
        reached_timestamp,
        is_continued,
        max(step_number) over same_attempt as furthest_step,
        reached_mask,
        sum(case when is_continued then step_bit else 0 end) over same_attempt as continued_mask,
        max(case when step_number = last_required_step then reached_timestamp end) over same_attempt
            as completed_timestamp,
        excluded_timestamp,
        first_value(event_number) over (
            partition by walk_number, start_position
            order by step_number desc
        ) as last_event_number
    from continued_steps
    window same_attempt as (partition by walk_number, start_position)

),

events as (

    select * from numbered_conversions
    where is_first_of_event

),

funnel_names as (

    select distinct
        funnel_number,
        funnel_name,
        unit
    from funnel_steps

),

described_steps as (

    select
        {{ entry_columns }},
        cast(steps.start_position as int64) as entry_position,
        cast(steps.entry_step as int64) as entry_step,
        steps.entered_timestamp,
        cast(steps.step_number as int64) as step_number,
        cast(steps.position as int64) as reached_position,
        steps.reached_timestamp,
        reached_events.event_id as reached_event_id,
        reached_events.session_id as reached_session_id,
        steps.is_continued,
        cast(steps.furthest_step as int64) as furthest_step,
        cast(steps.reached_mask as int64) as reached_mask,
        cast(steps.continued_mask as int64) as continued_mask,
        steps.completed_timestamp,
        steps.excluded_timestamp,
        last_events.session_id as last_session_id
    from numbered_steps as steps
    inner join funnel_names on {{ funnel_of_walk("steps.walk_number") }} = funnel_names.funnel_number
    inner join events as entries on steps.entry_event_number = entries.event_number
    inner join events as reached_events on steps.event_number = reached_events.event_number
    inner join events as last_events on steps.last_event_number = last_events.event_number

    union all

    select
        {{ entry_columns }},
        cast(steps.position as int64) as entry_position,
        cast(1 as int64) as entry_step,
        steps.reached_timestamp as entered_timestamp,
        cast(1 as int64) as step_number,
        cast(steps.position as int64) as reached_position,
        steps.reached_timestamp,
        entries.event_id as reached_event_id,
        entries.session_id as reached_session_id,
        true as is_continued,
        cast(1 as int64) as furthest_step,
        cast(1 as int64) as reached_mask,
        cast(1 as int64) as continued_mask,
        cast(null as int64) as completed_timestamp,
        steps.excluded_timestamp,
        entries.session_id as last_session_id
    from {{ lone_steps }} as steps
    inner join funnel_names on {{ funnel_of_walk("steps.walk_number") }} = funnel_names.funnel_number
    inner join events as entries on steps.event_number = entries.event_number

)
{%- endmacro %}
