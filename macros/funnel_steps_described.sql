{#- The event of a unit as one text: joined by several columns, a planner may join all events of a unit with each
    other first. -#}
{% macro unit_event_key(relation, position) -%}
{{ relation }}.unit || '/' || {{ relation }}.unit_id || '/'
        || cast({{ relation }}.{{ position }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- The CTEs that end in `described_steps`: each step that an attempt reached, with its entry and, as bits
    (1 for step 1, 2 for step 2, 4 for step 3 …), all steps that it reached and those that it reached from the required
    step before. `reached_steps` has unit, funnel_name, unit_id, start_position, entry_step, step_number, position,
    reached_timestamp and excluded_timestamp; `unit_events` and `funnel_steps` come from funnel_events(). -#}
{% macro funnel_steps_described(reached_steps) -%}
masked_steps as (

    select
        steps.*,
        funnel_steps.step_bit,
        funnel_steps.previous_step_bit,
        funnel_steps.last_required_step,
        sum(funnel_steps.step_bit) over (
            partition by steps.funnel_name, steps.unit_id, steps.start_position
        ) as reached_mask
    from {{ reached_steps }} as steps
    inner join funnel_steps
        on steps.funnel_name = funnel_steps.funnel_name
        and steps.step_number = funnel_steps.step_number

),

continued_steps as (

    select
        *,
        coalesce(cast(reached_mask as int64) & previous_step_bit <> 0, true) as is_continued
    from masked_steps

),

described_steps as (

    select
        steps.funnel_name,
        steps.unit,
        steps.unit_id,
        entries.visitor_id,
        entries.event_id as entry_event_id,
        entries.session_id as entry_session_id,
        entries.conversion_date as entry_date,
        cast(steps.start_position as int64) as entry_position,
        cast(steps.entry_step as int64) as entry_step,
        min(case when steps.step_number = steps.entry_step then steps.reached_timestamp end)
            over same_attempt as entered_timestamp,
        cast(steps.step_number as int64) as step_number,
        cast(steps.position as int64) as reached_position,
        steps.reached_timestamp,
        reached_events.event_id as reached_event_id,
        reached_events.session_id as reached_session_id,
        steps.is_continued,
        cast(max(steps.step_number) over same_attempt as int64) as furthest_step,
        cast(steps.reached_mask as int64) as reached_mask,
        cast(sum(case when steps.is_continued then steps.step_bit else 0 end) over same_attempt as int64)
            as continued_mask,
        max(case when steps.step_number = steps.last_required_step then steps.reached_timestamp end)
            over same_attempt as completed_timestamp,
        steps.excluded_timestamp,
        first_value(reached_events.session_id) over (
            partition by steps.funnel_name, steps.unit_id, steps.start_position
            order by steps.step_number desc
        ) as last_session_id
    from continued_steps as steps
    inner join unit_events as entries
        on {{ unit_event_key("steps", "start_position") }} = entries.event_key
    inner join unit_events as reached_events
        on {{ unit_event_key("steps", "position") }} = reached_events.event_key
    window same_attempt as (partition by steps.funnel_name, steps.unit_id, steps.start_position)

)
{%- endmacro %}
