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

{%- set last_step = var("max_funnel_steps") | int %}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

step_conversions as (

    -- One position per event of the unit, so that one event never counts as two steps in a row.
    select
        funnel_steps.funnel_name,
        funnel_steps.step_number,
        case when funnel_steps.unit = 'session' then conversions.session_id else conversions.visitor_id end as unit_id,
        conversions.visitor_id,
        conversions.session_id,
        conversions.conversion_date,
        conversions.event_timestamp,
        cast(funnel_steps.window_hours * 3600000000 as int64) as window_micros,
        dense_rank() over (
            partition by
                funnel_steps.funnel_name,
                case when funnel_steps.unit = 'session' then conversions.session_id else conversions.visitor_id end
            order by conversions.event_timestamp, conversions.event_order, conversions.event_id
        ) as position
    from conversions
    inner join funnel_steps on conversions.conversion_name = funnel_steps.conversion_name
    where funnel_steps.role = 'step'
        and (funnel_steps.unit = 'visitor' or conversions.session_id is not null)

),

reached_1 as (

    select
        funnel_name,
        unit_id,
        step_number,
        position,
        event_timestamp,
        position as start_position,
        event_timestamp as start_timestamp
    from step_conversions
    where step_number = 1

),

{%- for step in range(2, last_step + 1) %}

-- The newest start from which step {{ step }} is reached here: it leaves the most of the window, so that no
-- other start needs to be looked at.
candidates_{{ step }} as (

    select
        funnel_name,
        unit_id,
        position,
        event_timestamp,
        window_micros,
        0 as is_earlier_step,
        cast(null as int64) as start_position,
        cast(null as int64) as start_timestamp
    from step_conversions
    where step_number = {{ step }}

    union all

    select
        funnel_name,
        unit_id,
        position,
        event_timestamp,
        cast(null as int64) as window_micros,
        1 as is_earlier_step,
        start_position,
        start_timestamp
    from reached_{{ step - 1 }}

),

started_{{ step }} as (

    select
        funnel_name,
        unit_id,
        position,
        event_timestamp,
        window_micros,
        is_earlier_step,
        max(start_position) over steps_before as start_position,
        max(start_timestamp) over steps_before as start_timestamp
    from candidates_{{ step }}
    window steps_before as (
        partition by funnel_name, unit_id
        order by position, is_earlier_step
        rows between unbounded preceding and 1 preceding
    )

),

reached_{{ step }} as (

    select
        funnel_name,
        unit_id,
        {{ step }} as step_number,
        position,
        event_timestamp,
        start_position,
        start_timestamp
    from started_{{ step }}
    where is_earlier_step = 0
        and event_timestamp - start_timestamp <= window_micros

),
{%- endfor %}

steps_by_start as (

    {%- for step in range(2, last_step + 1) %}
    select
        funnel_name,
        unit_id,
        step_number,
        start_position,
        min(event_timestamp) as reached_timestamp
    from reached_{{ step }}
    group by funnel_name, unit_id, step_number, start_position
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

entries as (

    select
        funnel_name,
        unit_id,
        visitor_id,
        session_id,
        conversion_date as entry_date,
        event_timestamp as entered_timestamp,
        window_micros,
        position
    from step_conversions
    where step_number = 1

),

units_with_step as (

    select distinct
        funnel_name,
        unit_id,
        step_number
    from steps_by_start

),

entry_steps as (

    -- An entry reaches a step when it or any newer entry does, as long as its own window holds.
    select
        entries.funnel_name,
        entries.unit_id,
        entries.position,
        entries.entered_timestamp,
        entries.window_micros,
        units_with_step.step_number,
        min(steps_by_start.reached_timestamp) over (
            partition by entries.funnel_name, entries.unit_id, units_with_step.step_number
            order by entries.position desc
            rows between unbounded preceding and current row
        ) as reached_timestamp
    from entries
    inner join units_with_step
        on entries.funnel_name = units_with_step.funnel_name
        and entries.unit_id = units_with_step.unit_id
    left join steps_by_start
        on entries.funnel_name = steps_by_start.funnel_name
        and entries.unit_id = steps_by_start.unit_id
        and units_with_step.step_number = steps_by_start.step_number
        and entries.position = steps_by_start.start_position

),

entries_and_steps as (

    select
        funnel_name,
        unit_id,
        position,
        1 as step_number,
        entered_timestamp as reached_timestamp
    from entries

    union all

    select
        funnel_name,
        unit_id,
        position,
        step_number,
        reached_timestamp
    from entry_steps
    where reached_timestamp - entered_timestamp <= window_micros

),

furthest_steps as (

    select
        funnel_name,
        unit_id,
        position,
        max(step_number) as furthest_step
    from entries_and_steps
    group by funnel_name, unit_id, position

),

attempts as (

    -- Of the entries of one day the one that got furthest stands for the attempt, the newest among equals.
    select
        entries.funnel_name,
        entries.unit_id,
        entries.visitor_id,
        entries.session_id,
        entries.entry_date,
        entries.entered_timestamp,
        entries.window_micros,
        entries.position,
        furthest_steps.furthest_step
    from entries
    inner join furthest_steps
        on entries.funnel_name = furthest_steps.funnel_name
        and entries.unit_id = furthest_steps.unit_id
        and entries.position = furthest_steps.position
    qualify row_number() over (
        partition by entries.funnel_name, entries.unit_id, entries.entry_date
        order by furthest_steps.furthest_step desc, entries.position desc
    ) = 1

),

int_funnel_steps_reached as (

    select
        attempts.funnel_name,
        attempts.unit_id,
        attempts.visitor_id,
        attempts.session_id,
        attempts.entry_date,
        attempts.entered_timestamp,
        attempts.entered_timestamp + attempts.window_micros as matures_timestamp,
        cast(attempts.furthest_step as int64) as furthest_step,
        cast(entries_and_steps.step_number as int64) as step_number,
        entries_and_steps.reached_timestamp
    from attempts
    inner join entries_and_steps
        on attempts.funnel_name = entries_and_steps.funnel_name
        and attempts.unit_id = entries_and_steps.unit_id
        and attempts.position = entries_and_steps.position

)

select * from int_funnel_steps_reached
