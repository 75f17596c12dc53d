{{ config(materialized="view") }}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

visitors as (

    select * from {{ ref("dim_visitors") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

newest_steps as (

    -- The step that each unit stands at: the last one of its newest attempt.
    select *
    from steps_reached
    qualify row_number() over (
        partition by funnel_name, unit_id
        order by entry_position desc, step_number desc
    ) = 1

),

fct_funnel_abandonments as (

    select
        newest_steps.funnel_name || '/' || newest_steps.unit_id as funnel_abandonment_id,
        newest_steps.funnel_name,
        newest_steps.unit,
        newest_steps.unit_id,
        newest_steps.visitor_id,
        newest_steps.step_number,
        funnel_steps.conversion_name,
        {{ timestamp_from_micros("newest_steps.entered_timestamp") }} as entered_at,
        {{ timestamp_from_micros("newest_steps.reached_timestamp") }} as stalled_at,
        (as_of.as_of_timestamp - newest_steps.reached_timestamp) / 3600000000.0 as hours_stalled,
        {{ timestamp_from_micros("newest_steps.entered_timestamp + funnel_steps.window_micros") }} as window_ends_at,
        visitors.last_seen_at,
        visitors.has_consent,
        visitors.has_ads_consent
    from newest_steps
    inner join funnel_steps
        on newest_steps.funnel_name = funnel_steps.funnel_name
        and newest_steps.step_number = funnel_steps.step_number
    inner join visitors on newest_steps.visitor_id = visitors.visitor_id
    cross join as_of
    where newest_steps.completed_timestamp is null
        and newest_steps.excluded_timestamp is null
        and newest_steps.entered_timestamp + funnel_steps.window_micros >= as_of.as_of_timestamp
        and as_of.as_of_timestamp - newest_steps.reached_timestamp
        >= least(
            {{ var("funnel_stall_hours") }} * cast(3600000000 as int64),
            cast(floor(funnel_steps.window_micros / 2) as int64)
        )

)

select * from fct_funnel_abandonments
